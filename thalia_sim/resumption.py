"""A run that was stopped or killed is gone on with, from a checkpoint; or a branch of it begins there, with a recording of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .errors import DescriptionError, RecordingError, SimulationError
from .experiment import Outcome, ScriptError, Watch, check_other, duration, finish, load_script, read_change, script_errors, split_setting
from .hooks.progress import Progress
from .recording.checkpoint import checkpoint_folder, is_checkpoint, newest_checkpoint, read_checkpoint
from .recording.segments import later_files
from .recording.writer import check_target, is_written_elsewhere
from .simulation import Simulation


def resume_experiment(
    file: Path,
    *,
    until: str | float | None = None,
    threads: int | None = None,
    branch: Path | None = None,
    settings: Sequence[str] = (),
    noise_seed: int | None = None,
    quiet: bool = False,
    force: bool = False,
) -> Outcome:
    """Go on with a run from its recording (by its newest whole checkpoint) or from a checkpoint, up to `until` ms or where it was to end.

    With `branch`, a recording of its own, in which `settings` (values by path) and `noise_seed` hold from now on; `force` overwrites it.
    """
    if not file.is_file():
        raise ScriptError(f"{file} does not exist: give a recording or a checkpoint")
    given = is_checkpoint(file)
    if branch is None and not given:
        refuse_live(file)
    path = file if given else newest_checkpoint(checkpoint_folder(file))
    tree = read_checkpoint(path).tree
    asked = recorder_settings(tree)
    recording = recording_of(path, asked) if given else file
    if branch is None and recording is not None:
        refuse_live(recording)
    script = None if asked.get("script") is None else Path(asked["script"])
    if script is not None and script.is_file():
        load_script(script)  # its models and hooks are found there; what has changed is refused
    end = duration(until, "--until") if until is not None else asked.get("until")
    if end is None:
        raise DescriptionError(f"{file} does not say until when it was to run: give --until '2 s'")
    check_end(path, tree, end)
    if branch is not None:
        check_other(branch, [f for f in (file, path, script, recording, *(later_files(recording) if recording else ())) if f is not None])
        check_target(branch, force)
    changes = {name: read_change(name, text) for name, text in map(split_setting, settings)}
    watch = Watch()
    with script_errors(script or path), watch.listening():
        extra = [*([] if quiet else [Progress(end)]), watch]
        sim = Simulation.resume(
            path, hooks=extra, threads=threads or asked.get("threads") or 1, recording=recording, branch=branch, changes=changes,
            noise_seed=noise_seed, force=force,
        )  # fmt: skip
        return finish(sim, end, watch, branch or recording)


def refuse_live(recording: Path) -> None:
    """Refuse to go on with a run that goes on by itself."""
    if any(path.is_file() and is_written_elsewhere(path) for path in (recording, *later_files(recording))):
        raise RecordingError(f"{recording} is being written by a process that runs: wait for its end or end it, or give --branch FILE")


def check_end(checkpoint: Path, tree: dict[str, Any], end: float) -> None:
    """Refuse an end (ms) before the time of a checkpoint."""
    t = tree["run"]["step"] * round(tree["network"]["dt"] * 1e6) / 1e6
    if end < t:
        raise SimulationError(f"the run is to end at {end:g} ms, and its checkpoint {checkpoint.name} is of {t:g} ms: give --until a later time")


def recorder_settings(tree: dict[str, Any]) -> dict[str, Any]:
    """script, until, threads and path of the recorder in a checkpoint's tree, where it has one."""
    for hook in tree["hooks"]:
        if hook["class"]["@class"] == "thalia_sim.hooks.recorder:Recorder":
            options = dict(hook["settings"]["options"]["@dict"])
            paths = {name: hook["settings"][name] for name in ("path", "script")}
            return {**options, **{name: tree["@path"] if isinstance(tree, dict) else tree for name, tree in paths.items()}}
    return {}


def recording_of(checkpoint: Path, settings: dict[str, Any]) -> Path | None:
    """The recording NAME.h5 beside the folder NAME.ckpt of a checkpoint, else where the recorder wrote it."""
    folder = checkpoint.absolute().parent
    beside = folder.with_name(f"{folder.stem}.h5")
    if folder.suffix == ".ckpt" and beside.exists():
        return beside
    return None if settings.get("path") is None else Path(settings["path"])
