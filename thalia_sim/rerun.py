"""A recording run again from what it says of itself: its script, seed, settings and end; and whether the result is the same, byte for byte."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .analysis.compare import compare_recordings
from .errors import RecordingError
from .experiment import ScriptError, load_script, run_experiment
from .recording import Recording, open_recording
from .recording.segments import check_apart


def run_again(file: Path, *, out: Path | None = None, threads: int | None = None, force: bool = False, quiet: bool = False) -> dict[str, Any]:
    """Run the script in a recording up to the recording's end, and compare; returns what `compare_recordings` says (A is `file`).

    A script that lies beside the recording, or here, with the very text that was recorded is run where it lies, so that it finds its data;
    else the recorded text is. The new recording is written to `out`, by default nowhere that lasts.
    """
    with open_recording(file) as recording:
        if out is not None:
            check_apart(recording, out)
        asked = how_asked(recording)
        text, name, until = recording.meta["script"], recording.meta["script_name"], recording.duration
        same_versions = recording.meta["versions"]
    with tempfile.TemporaryDirectory() as folder:
        found = [place / name for place in (file.absolute().parent, Path.cwd()) if (place / name).is_file()]
        script = next((path for path in found if path.read_text(encoding="utf-8", errors="replace") == text), None)
        if script is None:
            script = Path(folder) / name
            script.write_text(text, encoding="utf-8")
        target = out if out is not None else Path(folder) / "again.h5"
        with neighbours_named(file, name):
            outcome = run_experiment(
                load_script(script), until=until, seed=asked["seed"], settings=asked["settings"], out=target, traces=asked["traces"],
                threads=threads or asked["threads"], precision=asked["precision"], force=force, quiet=quiet,
                apart=Path(folder),
            )  # fmt: skip
        if outcome.status != "complete":
            raise RecordingError(f"{file} was not run to its end again, at {outcome.t:g} of {until:g} ms: let it run")
        facts = compare_recordings(file, target)
    return {**facts, "other_versions": changed_versions(same_versions), "out": None if out is None else str(out)}


@contextlib.contextmanager
def neighbours_named(file: Path, script: str) -> Iterator[None]:
    """Say of a module that is not found that it may lie beside the script, of which a recording holds the text only."""
    try:
        yield
    except ScriptError as error:
        if not isinstance(missing := error.__cause__, ModuleNotFoundError):
            raise
        raise RecordingError(
            f"{file} holds {script}, which imports {missing.name}, and that is not found: put the recording beside {script} as it was recorded, "
            f"or run it from the script's folder, if {missing.name} lies there; else install it"
        ) from error


def how_asked(recording: Recording) -> dict[str, Any]:
    """Seed, settings, threads, precision and traces with which the run was asked for; RecordingError if it cannot be run again."""
    asked = recording.config["run"]
    if not recording.meta["script"]:
        raise RecordingError(f"{recording.path} holds no script: only runs of a script can be run again")
    if "settings" not in asked:
        raise RecordingError(
            f"{recording.path} was recorded by {recording.meta['script_name']}, which ran the simulation itself: run that with python again"
        )
    if recording.begin > 0.0:
        raise RecordingError(f"{recording.path} is a branch that begins at {recording.begin:g} ms: resume its checkpoint again instead")
    defaults = {"seed": None, "threads": 1, "precision": "double", "traces": 2}
    return {**defaults, **asked}


def changed_versions(then: dict[str, str]) -> dict[str, tuple[str, str]]:
    """Packages that matter for the result and have another version now: name -> (then, now)."""
    from .recording.provenance import installed_versions

    now = installed_versions()
    names = [name for name in ("thalia-sim", "numpy", "numba", "llvmlite") if then.get(name) != now.get(name)]
    return {name: (then.get(name, "none"), now.get(name, "none")) for name in names}
