"""The folder of a study: its lock, damaged and deleted files; its exit codes; and what is said of seeds that failed or have no value."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np
import pytest
from click.testing import CliRunner

from thalia_sim import Recorder, Simulation, SynapticScaling
from thalia_sim.cli import commands
from thalia_sim.errors import DescriptionError, RecordingError
from thalia_sim.experiment import describe, load_script
from thalia_sim.studies import Effort, folder, keeping, recovery, running, sensitivity, stability, workers
from thalia_sim.studies.figures import draw_effects, grouped, panels_of
from thalia_sim.studies.folder import LOCK, taken

NETWORK = (Path(__file__).parent / "study_network.py").read_text()
SHORT = {"settle": 20.0, "measure": 20.0}
COURSE = {"course": 40.0, "bin": 20.0, "disturb": "weights_low", "robustness": "on"}


@pytest.fixture
def script(tmp_path):
    (tmp_path / "net.py").write_text(NETWORK)
    return tmp_path / "net.py"


def fails_at(script, seed, line="raise ValueError('bad')"):
    """The script with a line more in build, for one seed."""
    script.write_text(NETWORK.replace("    net = Network(seed=seed)\n", f"    net = Network(seed=seed)\n    if seed == {seed}:\n        {line}\n"))


def measures(script, expression):
    """The script with a measure x."""
    with open(script, "a") as file:
        file.write(f"\ndef measure(recording):\n    seed = recording.config['run']['seed']\n    return {{'x': {expression}}}\n")


def command(kind, script, out, *words):
    asked = ["study", kind, script, "--out", out, "--workers", "1", "--settle", "20 ms", "--measure", "20 ms", *words]
    return CliRunner().invoke(commands, list(map(str, asked)))


# one study at a time


def test_a_second_study_in_the_folder_is_refused_and_leaves_the_first_alone(script, tmp_path):
    """The folder is held by another process, whose runs go on: refused with its number, and the file that lets them go on stays."""
    out = tmp_path / "a"
    imports = "from pathlib import Path\nfrom thalia_sim.studies.folder import taken\n"
    held = f"{imports}with taken(Path({str(out)!r})):\n    print('held', flush=True)\n    input()\n"
    with subprocess.Popen([sys.executable, "-c", held], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "held\n"
        (out / "going-on").touch()
        with pytest.raises(RecordingError, match=rf"a study runs in folder .* \(process {other.pid}\): wait for its end, or give another folder"):
            stability(script, [1], out=out, **SHORT)
        assert (out / "going-on").exists()
        other.communicate("\n")
    assert stability(script, [1], out=out, **SHORT).seeds == [1] and (out / LOCK).read_text() == str(os.getpid())


@pytest.mark.parametrize("closed", ["a", "points"])
def test_a_folder_that_may_not_be_written_is_refused(script, tmp_path, monkeypatch, closed):
    """Whether it is the folder itself or the one of the points; asked of the system, since an administrator may write anywhere."""
    monkeypatch.setattr(folder.os, "access", lambda path, mode: Path(path).name != closed)
    with pytest.raises(DescriptionError, match=rf"a, which cannot be a folder to write to \({closed} may not be written\): give another one"):
        stability(script, [1], out=tmp_path / "a", **SHORT)


def test_the_lock_goes_with_an_error(tmp_path):
    with pytest.raises(ZeroDivisionError), taken(tmp_path):
        raise ZeroDivisionError
    with taken(tmp_path):
        pass


@pytest.mark.parametrize("name", ["file", "file/below", "/proc/none"])
def test_a_folder_that_cannot_be_is_told_in_a_sentence(script, tmp_path, name):
    (tmp_path / "file").touch()
    with pytest.raises(DescriptionError, match="out of the study is .*, which cannot be a folder to write to .*: give another one"):
        stability(script, [1], out=tmp_path / name, **SHORT)
    told = command("stability", script, tmp_path / name)
    assert told.exit_code in (1, 2) and "Traceback" not in told.output and isinstance(told.exception, SystemExit)


# files that were damaged or deleted


def again(script, out, study=stability, **how):
    """The points that are run when a study is started anew, and its result."""
    lines = []
    return lines, study(script, [1], out=out, **SHORT, **how, effort=Effort(say=lines.append))


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "\0", '{"status": "complete", "measures": null}'])
def test_facts_that_cannot_be_read_are_made_again(script, tmp_path, text):
    _, first = again(script, tmp_path / "a")
    measured = first.runs[1]["key"]
    (tmp_path / "a" / "points" / f"{measured}.json").write_text(text)
    lines, second = again(script, tmp_path / "a")
    assert len(lines) == 1 and second.table() == first.table() and not second.missing


def unread(file):
    """Have a run forget what was read of its recording."""
    facts = json.loads(file.read_text())
    file.write_text(json.dumps({**facts, "readings": {}}))


def test_a_deleted_or_damaged_recording_is_made_again_where_it_is_read(script, tmp_path):
    """Stability and the course of a recovery are read from recordings, and give the same effects again; but for that facts are enough."""
    cut = [Path.unlink, lambda file: os.truncate(file, file.stat().st_size // 2), lambda file: os.truncate(file, 0)]
    asked = [(stability, {}, damage) for damage in cut] + [(recovery, COURSE, damage) for damage in cut[:2]]
    for study, how, damage in asked:
        out = tmp_path / study.__name__
        _, first = again(script, out, study, **how)
        for file in out.glob("points/*.h5"):
            damage(file)
        assert again(script, out, study, **how)[0] == []
        for file in out.glob("points/*.json"):
            unread(file)
        lines, second = again(script, out, study, **how)
        assert [e[:5] for e in second.effects] == [e[:5] for e in first.effects]
        np.testing.assert_array_equal([e.mean for e in second.effects], [e.mean for e in first.effects])
        assert len(lines) == (1 if study is stability else 2) and not second.missing
    how = {"paths": "inhibition", "robustness": "on"}
    again(script, tmp_path / "s", sensitivity, **how)
    for file in (tmp_path / "s").glob("points/*.h5"):
        file.unlink()
    assert again(script, tmp_path / "s", sensitivity, **how)[0] == []


def test_what_was_not_read_of_a_recording_is_read_without_a_run(script, tmp_path, monkeypatch):
    """Other pieces, another bin: of the recordings that are there, as a study that begins with them reads it; without time it is left, and said."""
    for study, how, other in ((stability, {"pieces": 4}, {"pieces": 5}), (recovery, COURSE, {**COURSE, "bin": 10.0})):
        again(script, tmp_path / "a", study, **how)
        fresh = again(script, tmp_path / "b", study, **other)[1]
        monkeypatch.setattr(running, "attempt", None)
        late = study(script, [1], out=tmp_path / "a", **SHORT, **other, effort=Effort(budget=1e-9))
        assert late.seeds == [] and late.missing and all(line.startswith("interrupted: seed 1") for line in late.missing)
        lines, second = again(script, tmp_path / "a", study, **other)
        assert second.table() == fresh.table() and len(lines) == (1 if study is stability else 2)
        monkeypatch.undo()


# what is kept


def names_in(out, pattern):
    return [file.name for file in out.glob(f"points/{pattern}")]


@pytest.mark.parametrize(("study", "how"), [(stability, {"robustness": "both"}), (recovery, COURSE), (sensitivity, {"paths": "inhibition"})])
def test_a_study_that_keeps_the_results_alone_finds_the_same(script, tmp_path, study, how):
    """No recording and no checkpoint is left, tables and courses are those of a study that keeps all, and nothing is run twice. One that kept all is
    cleared by the same command."""
    whole = study(script, [1, 2], out=tmp_path / "all", **SHORT, **how)
    lines = []
    effort = Effort(keep="results", say=lines.append)
    small = study(script, [1, 2], out=tmp_path / "few", **SHORT, **how, effort=effort)
    assert small.table() == whole.table() and not small.missing and lines
    for name, of_seeds in whole.courses.items():
        for seed, course in of_seeds.items():
            np.testing.assert_array_equal(small.courses[name][seed].value, course.value)
    assert names_in(tmp_path / "all", "*.h5") and names_in(tmp_path / "all", "*.ckpt/*")
    assert not names_in(tmp_path / "few", "*.h5") and not names_in(tmp_path / "few", "*.ckpt/*")
    lines.clear()
    assert study(script, [1, 2], out=tmp_path / "few", **SHORT, **how, effort=effort).table() == whole.table() and lines == []
    study(script, [1, 2], out=tmp_path / "all", **SHORT, **how, effort=effort)
    assert not names_in(tmp_path / "all", "*.h5") and not names_in(tmp_path / "all", "*.ckpt/*") and lines == []
    more = study(script, [1, 2, 3], out=tmp_path / "few", **SHORT, **how, effort=effort)
    assert len(more.seeds) == 3 and {run["seed"] for run in more.runs} == {1, 2, 3} and all("seed 3" in line for line in lines)


def test_another_reading_takes_nothing_away(script, tmp_path):
    """Of a study that kept its results alone: a bin that was not read before has the courses run again, and the settled networks before them.
    Whether that is cut short, fails or is done, what was known stays known: the first command anew runs nothing. No checkpoint is left."""
    results = Effort(keep="results")
    first = recovery(script, [1, 2], out=tmp_path / "a", **SHORT, **COURSE, effort=results)
    other = {**COURSE, "bin": 10.0}
    cut = recovery(script, [1, 2], out=tmp_path / "a", **SHORT, **other, effort=results._replace(budget=1e-9))
    assert cut.seeds == [] and {line.partition(":")[0] for line in cut.missing} == {"interrupted"}
    lines = []
    loud = results._replace(say=lines.append)
    assert recovery(script, [1, 2], out=tmp_path / "a", **SHORT, **COURSE, effort=loud).table() == first.table() and lines == []
    text = script.read_text()
    fresh = recovery(script, [1, 2], out=tmp_path / "b", **SHORT, **other)
    again = recovery(script, [1, 2], out=tmp_path / "a", **SHORT, **other, effort=loud)
    assert again.table() == fresh.table() and len(lines) == 6 and script.read_text() == text
    lines.clear()
    for how, expected in ((COURSE, first), (other, fresh), (COURSE, first)):
        assert recovery(script, [1, 2], out=tmp_path / "a", **SHORT, **how, effort=loud).table() == expected.table() and lines == []
    assert not names_in(tmp_path / "a", "*.h5") and not names_in(tmp_path / "a", "*.ckpt")


def test_a_run_that_is_repeated_and_fails_leaves_what_was_known(script, tmp_path, monkeypatch):
    """Other pieces of a study without recordings, when the run cannot be repeated: told as failed; the first command finds all of it as it was."""
    results = Effort(keep="results")
    first = stability(script, [1], out=tmp_path / "a", **SHORT, pieces=4, effort=results)
    attempt = running.attempt
    monkeypatch.setattr(running, "attempt", lambda point, *given: 1 / 0 if point.is_measured else attempt(point, *given))
    failed = stability(script, [1], out=tmp_path / "a", **SHORT, pieces=5, effort=results)
    assert failed.failed == [1] and "ZeroDivisionError" in failed.missing[0]
    assert stability(script, [1], out=tmp_path / "a", **SHORT, pieces=4, effort=results).table() == first.table()
    monkeypatch.undo()
    lines = []
    second = stability(script, [1], out=tmp_path / "a", **SHORT, pieces=5, effort=results._replace(say=lines.append))
    assert len(lines) == 2 and second.table() == stability(script, [1], out=tmp_path / "b", **SHORT, pieces=5).table()


def test_a_recording_whose_spikes_are_damaged_is_made_again(script, tmp_path):
    """It opens, but a checksum tells when it is read: with other pieces the run is repeated, and those before stay."""
    first = stability(script, [1], out=tmp_path / "a", **SHORT, pieces=4)
    recording = tmp_path / "a" / "points" / f"{first.runs[1]['key']}.h5"
    with h5py.File(recording) as file:
        chunk = file["spikes/exc/timestamps"].id.get_chunk_info(0)
    with open(recording, "r+b") as file:
        file.seek(chunk.byte_offset + 16)
        file.write(bytes(32))
    lines, second = again(script, tmp_path / "a", pieces=5)
    assert len(lines) == 1 and second.table() == stability(script, [1], out=tmp_path / "b", **SHORT, pieces=5).table()
    assert again(script, tmp_path / "a", pieces=4)[0] == []


def test_a_run_that_can_go_on_needs_nothing_else(script, tmp_path):
    """A course that was stopped goes on from its own checkpoint, though another study in the folder took the one from which it began."""
    how = {**COURSE, "course": 200.0, "bin": 50.0}
    seconds = iter(range(10**6))
    clock = SimpleNamespace(time=lambda: float(next(seconds)), perf_counter=time.perf_counter, sleep=time.sleep)
    whole = recovery(script, [1], out=tmp_path / "b", **SHORT, **how)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running, "time", clock)
        patch.setattr(workers, "time", clock)
        cut = recovery(script, [1], out=tmp_path / "a", **SHORT, **how, effort=Effort(budget=1000.0))
    assert any(line.startswith("interrupted") for line in cut.missing)
    settled = next(run for run in cut.runs if not run["parent"])
    assert settled["status"] == "complete"
    shutil.rmtree(tmp_path / "a" / "points" / f"{settled['key']}.ckpt")
    stopped = {run["key"] for run in cut.runs if run["status"] == "interrupted"}
    others = {run["key"] for run in cut.runs if run["parent"] == settled["key"]} - stopped
    lines, result = again(script, tmp_path / "a", recovery, **how)
    assert result.table() == whole.table() and not result.missing
    assert len(stopped) == 1 and any("to 20 ms" in line for line in lines) == bool(others)


def test_what_is_needed_is_kept_until_it_is_not(script, tmp_path):
    """A run that failed keeps the checkpoint from which it begins; when it is well, all goes. What is gone is run again if something new needs it."""
    measures(script, "1 / (seed - 1 or Path('well').exists())")
    script.write_text(f"from pathlib import Path\n{script.read_text()}".replace("'well'", repr(str(tmp_path / "well"))))
    effort = Effort(keep="results")
    result = stability(script, [1], out=tmp_path / "a", **SHORT, effort=effort)
    assert "ZeroDivisionError" in result.missing[0] and len(names_in(tmp_path / "a", "*.ckpt/*.h5")) == 1
    (tmp_path / "well").touch()
    lines = []
    well = stability(script, [1], out=tmp_path / "a", **SHORT, effort=effort._replace(say=lines.append))
    assert len(lines) == 1 and not well.missing and not names_in(tmp_path / "a", "*.h5") and not names_in(tmp_path / "a", "*.ckpt/*")
    lines.clear()
    other = stability(script, [1], out=tmp_path / "a", **SHORT, pieces=5, effort=effort._replace(say=lines.append))
    assert len(lines) == 2 and other.table() == stability(script, [1], out=tmp_path / "b", **SHORT, pieces=5).table()


def test_a_study_says_what_its_recordings_will_take(script, tmp_path, monkeypatch):
    """After the first of the longest runs, from its size and the time that all runs take: if it is much, or more than there is. Once."""
    out = tmp_path / "a"
    measured = stability(script, [1, 2], out=out, settle=20.0, measure=60.0).runs[1]["key"]
    needed = (out / "points" / f"{measured}.h5").stat().st_size * 2 * (20.0 + 60.0) / 60.0
    for much, free, told in (
        (2 * needed, 3 * needed, None), (0.5 * needed, 3 * needed, "; --keep results removes each when it is measured"),
        (2 * needed, 0.5 * needed, ": make room, or give --keep results"),
    ):  # fmt: skip
        monkeypatch.setattr(keeping, "MUCH", much)
        monkeypatch.setattr(keeping, "shutil", SimpleNamespace(disk_usage=lambda path, free=free: SimpleNamespace(free=free)))
        shutil.rmtree(out)
        lines = []
        stability(script, [1, 2], out=out, settle=20.0, measure=60.0, effort=Effort(say=lines.append))
        said = [line for line in lines if "recordings" in line]
        words = f"the recordings of this study take about {needed / 1e9:.3g} GB, and {free / 1e9:.3g} GB are free{told}"
        assert said == ([] if told is None else [words])


def test_a_deleted_checkpoint_is_made_again_where_a_run_begins_from_it(script, tmp_path):
    _, first = again(script, tmp_path / "a")
    for file in [*tmp_path.glob("a/points/*.ckpt/*.h5"), tmp_path / "a" / "points" / f"{first.runs[1]['key']}.json"]:
        file.unlink()
    lines, second = again(script, tmp_path / "a")
    assert len(lines) == 2 and second.table() == first.table() and not second.missing


# what is said of seeds that failed or have no value


def test_courses_say_whose_they_are_and_the_head_who_failed(script, tmp_path):
    """Seed 2 of three fails: two rows of courses, for seeds 1 and 3, n 2, and table and picture name it."""
    fails_at(script, 2)
    for study, how in ((stability, {"pieces": 4, "margin": 0.99}), (recovery, COURSE)):
        result = study(script, [1, 2, 3], out=tmp_path / study.__name__, **SHORT, **how)
        assert (result.seeds, result.failed) == ([1, 2, 3], [2]) and {e.n for e in result.effects if "rate" in e.measure} == {2}
        assert result.table().splitlines()[0].endswith("3 of 3 seeds count, but runs of seed 2 failed: see n")
        with h5py.File(tmp_path / study.__name__ / f"{study.__name__}.h5") as file:
            for group in file["courses"].values():
                assert group["seed"][:].tolist() == [1, 3] and len(group["value"]) == 2
            assert json.loads(file.attrs["failed"]) == [2]
        assert all("(2 seeds)" in label for _, lines in grouped(result) for label in lines)
        verdicts = {e.verdict for e in result.effects if e.comparison in ("drift", "after - control") and e.n}
        assert verdicts == {"not known: 2 of 3 seeds have a value"}


def test_nothing_is_equivalent_by_its_survivors(script, tmp_path):
    """x never changes, so of all four seeds it is equivalent; if two have none, it is not known, though of the others it is certain."""
    measures(script, "float('nan') if seed > 2 else 10.0 + 0.001 * seed")
    result = recovery(script, range(1, 5), out=tmp_path / "a", by="x", **SHORT, **COURSE)
    (row,) = [e for e in result.effects if e.measure == "x"]
    assert (row.n, row.verdict) == (2, "not known: 2 of 4 seeds have a value")
    script.write_text(NETWORK)
    measures(script, "10.0 + 0.001 * seed")
    (row,) = [e for e in recovery(script, range(1, 5), out=tmp_path / "a", by="x", **SHORT, **COURSE).effects if e.measure == "x"]
    assert (row.n, row.verdict) == (4, "equivalent")


def test_the_picture_marks_what_has_no_value(script, tmp_path):
    """x is unknown where inhibition goes down: its row stays, with an open symbol at the axis."""
    from matplotlib.figure import Figure

    measures(script, "float('nan') if 'inhibition=3.0' in recording.config['run']['settings'] else 1.0")
    result = sensitivity(script, [1, 2], out=tmp_path / "a", paths="inhibition", robustness="on", **SHORT)
    ((title, effects),) = panels_of(result)
    ax = Figure().subplots()
    draw_effects(ax, title, effects)
    assert [text.get_text() for text in ax.get_yticklabels()] == ["inhibition -50 %", "inhibition +50 %"]
    assert [(text.get_text(), text.get_position()[1]) for text in ax.texts] == [("no value", 0.0)]
    assert any(line.get_fillstyle() == "none" and list(line.get_ydata()) == [0.0] for line in ax.lines)
    assert result.figure(tmp_path / "a.png").exists()


# exit codes


def test_exit_codes_tell_how_a_study_ended(script, tmp_path):
    """0 where all is complete, 3 after a budget and with the reason in the table, 1 where a run failed."""
    told = command("stability", script, tmp_path / "a", "--seeds", "1", "--budget", "0.000001s")
    assert told.exit_code == 3 and "the budget ended before a run could begin" in told.stdout
    told = command("stability", script, tmp_path / "a", "--seeds", "1")
    assert told.exit_code == 0 and "the budget" not in told.stdout
    fails_at(script, 2)
    assert command("stability", script, tmp_path / "a", "--seeds", "2,3").exit_code == 1
    words = " ".join(CliRunner().invoke(commands, ["study", "--help"]).output.split())
    assert "3 if not all were run (the budget ended, or the scheduler was lost)" in words


# the script's own recorder


@pytest.mark.parametrize("first", [True, False])
def test_the_mean_weight_is_the_last_of_all_whatever_the_place_of_the_recorder(script, tmp_path, first):
    """The recorder before or after a mechanism that acts at the moment of the last look: the mean weight is that of a simulation at its end."""
    own, scaling = f"Recorder({str(tmp_path / 'own.h5')!r})", 'SynapticScaling("exc->exc", target=1.0, every=20.0, tau=100.0, tau_rate=20.0)'
    hooks = f"[{own}, {scaling}]" if first else f"[{scaling}, {own}]"
    script.write_text(f"from thalia_sim import Recorder\n{NETWORK.partition('def hooks')[0]}def hooks():\n    return {hooks}\n")
    result = stability(script, [1], out=tmp_path / "a", **SHORT)
    experiment = load_script(script)
    sim = Simulation(describe(experiment, 1), [hook for hook in experiment.hooks() if not isinstance(hook, Recorder)])
    sim.run(40.0)
    assert any(isinstance(hook, SynapticScaling) for hook in sim.hooks)
    assert result.runs[1]["weight.exc->exc"] == pytest.approx(sim["exc->exc"].w.mean(), rel=1e-7)
