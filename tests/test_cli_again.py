"""The command line, second runs: of a recording again, of what was stopped, of branches, and over files that are there."""

import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from thalia_sim.cli import commands
from thalia_sim.errors import DescriptionError
from thalia_sim.experiment import Outcome, read_change
from thalia_sim.recording import open_recording
from thalia_sim.simulation import Simulation

SCRIPT = """
    from thalia_sim import LIFExp, Network, Poisson, in_degree

    until = 50.0

    def build(seed=1, rate=1500.0):
        net = Network(seed=seed)
        a = net.populate("a", 20, LIFExp(e_l=-53.0))
        net.connect(a, a, in_degree(5), w=20.0)
        net.drive(a, Poisson(rate=rate), w=7.0, receptor="exc")
        return net
"""


def call(*words, code=0):
    """What the command line says, on one line and in one sentence where it refuses; the exit code must be `code`."""
    result = CliRunner().invoke(commands, [str(w) for w in words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    if code == 1:
        assert result.output.startswith("Error: ") and result.output.count("\n") == 1, result.output
    return result.output


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with s.py."""
    monkeypatch.chdir(tmp_path)
    Path("s.py").write_text(textwrap.dedent(SCRIPT))
    return tmp_path


@pytest.fixture
def recorded(folder):
    """The same with r.h5, 50 ms of it, and its checkpoints of 25 and 50 ms."""
    call("run", "s.py", "--out", "r.h5", "--checkpoint", "25", "--quiet")
    return folder


def files():
    """Name -> content of each file here."""
    return {str(p): p.read_bytes() for p in Path().rglob("*") if p.is_file() and "__pycache__" not in p.parts}


# over the files that are run


@pytest.mark.parametrize("force", [[], ["--force"]])
@pytest.mark.parametrize("out", ["r.h5", "./r.h5", "link.h5"])
def test_a_recording_is_not_overwritten_by_its_repetition(recorded, out, force):
    """Also by another of its names; --force does not help, and nothing is changed."""
    Path("link.h5").symlink_to("r.h5")
    before = files()
    assert "r.h5 is the recording itself" in call("run", "r.h5", "--out", out, *force, code=1).replace("link.h5 is", "r.h5 is")
    assert files() == before
    assert "equal to the bit" in call("run", "r.h5", "--out", "again.h5", "--quiet")


@pytest.mark.parametrize("force", [[], ["--force"]])
def test_a_script_is_not_overwritten_by_its_recording(folder, force):
    before = files()
    assert "s.py is the file that is run: choose another name" in call("run", "s.py", "--out", "s.py", *force, code=1)
    assert files() == before


@pytest.mark.parametrize("out", ["r.h5", "r.ckpt/500.h5", "s.py"])
def test_a_branch_does_not_overwrite_what_it_comes_from(recorded, out):
    before = files()
    assert "is the file that is run" in call("resume", "r.h5", "--branch", out, "--until", "60", "--force", code=1)
    assert files() == before


# options


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["--precision", "double"], "--precision is"), (["--traces", "2"], "--traces is"), (["--seed", "0"], "--seed is"), (["--dry"], "--dry is"),
        (["--set", "rate=1"], "--set is"), (["--until", "0"], "--until is"), (["--checkpoint", "10"], "--checkpoint is"),
        (["--traces", "0", "--seed", "1", "--threads", "1"], "--seed and --traces are"),
    ],
)  # fmt: skip
def test_options_that_do_not_apply_to_a_recording_are_refused(recorded, words, names):
    """By name, also where they are given their default."""
    assert f"{names} given for r.h5" in call("run", "r.h5", *words, code=1)


@pytest.mark.parametrize(("words", "threads"), [([], 2), (["--threads", "1"], 1), (["--threads", "2"], 2)])
def test_the_number_of_threads_applies_to_a_repetition(folder, words, threads):
    """Without it the run has as many as it had; 1 is a number like others."""
    call("run", "s.py", "--out", "r.h5", "--threads", "2", "--quiet")
    assert "equal to the bit" in call("run", "r.h5", *words, "--out", "again.h5", "--quiet")
    with open_recording("again.h5") as recording:
        assert recording.config["run"]["threads"] == threads


def test_a_missing_neighbour_of_the_script_is_named(folder, monkeypatch):
    """The recording holds the text of the script and not the modules beside it: in its folder it runs again, elsewhere it says what it needs."""
    Path("neighbour_of_s.py").write_text("rate = 800.0\n")
    Path("s.py").write_text("from neighbour_of_s import rate\n" + textwrap.dedent(SCRIPT))
    call("run", "s.py", "--out", "r.h5", "--quiet")

    def forget():
        """As a new process would find it."""
        monkeypatch.delitem(sys.modules, "neighbour_of_s", raising=False)
        monkeypatch.setattr(sys, "path", [place for place in sys.path if place != str(folder)])

    forget()
    (folder / "away").mkdir()
    Path("r.h5").rename("away/r.h5")
    assert "equal to the bit" in call("run", "away/r.h5", "--quiet")
    forget()
    monkeypatch.chdir("away")
    told = call("run", "r.h5", "--quiet", code=1)
    assert "r.h5 holds s.py, which imports neighbour_of_s, and that is not found: put the recording beside s.py" in told


# ends and what is told of them


def test_a_run_of_no_time_leaves_a_recording(folder):
    told = call("run", "s.py", "--until", "0", "--out", "z.h5")
    assert "complete: 0 ms simulated" in told and "recorded in z.h5" in told
    with open_recording("z.h5") as recording:
        assert (recording.status, recording.duration, len(recording.spikes("a")[0])) == ("complete", 0.0, 0)
    assert "equal to the bit" in call("run", "z.h5", "--quiet")


@pytest.mark.parametrize("quiet", [[], ["--quiet"]])
def test_an_end_before_the_checkpoint_is_refused(recorded, quiet):
    before = files()
    told = call("resume", "r.h5", "--until", "20", *quiet, code=1)
    assert "the run is to end at 20 ms, and its checkpoint 500.h5 is of 50 ms: give --until a later time" in told
    assert files() == before


def test_the_summary_counts_the_time_of_this_life(recorded):
    """A run of 50 ms that goes on to 80 ms: 30 ms and the spikes in them."""
    told = call("resume", "r.h5", "--until", "80")
    assert "complete: 30 ms simulated, from 50 ms to 80 ms, in " in told
    with open_recording("r.h5") as recording:
        n = len(recording.spikes("a", 50.0)[0])
    assert n > 10 and f"{n} spikes of 20 elements, {n / 20 / 0.03:.3g} Hz on average" in told


def test_rate_and_speed_of_a_summary():
    """100 spikes of 10 elements in 50 ms are 200 Hz; 50 ms in 0.1 s are half of real time. From 0 on only the length is told."""
    told = str(Outcome("complete", 950.0, 1000.0, 0.1, 10, 100, 0, None))
    assert "50 ms simulated, from 950 ms to 1000 ms, in 0.10 s (0.5 x real time)" in told and "200 Hz on average" in told
    assert "1000 ms simulated in 0.10 s" in str(Outcome("complete", 0.0, 1000.0, 0.1, 10, 100, 0, None))


# branches


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True), ("False", False), ("on", True), ("OFF", False), ("yes", True), ("no", False), ("1", 1.0), ("0", 0.0), ("15", 15.0),
        ("2 s", 2000.0), ("0.5mV", 0.5),
    ],
)  # fmt: skip
def test_values_of_a_branch(text, value):
    found = read_change("a.b", text)
    assert found == value and type(found) is type(value)


@pytest.mark.parametrize(("text", "words"), [("perhaps", "true or false"), ("", "true or false"), ("1 furlong", "unknown unit 'furlong'")])
def test_values_that_no_branch_can_have(text, words):
    with pytest.raises(DescriptionError, match=f"a.b = '{text}': must be a number, with or without a unit, or .*{words}"):
        read_change("a.b", text)


def test_switches_can_be_set_in_a_branch(recorded, monkeypatch):
    """Each does what it says: no drive, no spike, no plasticity; the branch tells of it."""
    seen = []
    original = Simulation.run
    monkeypatch.setattr(Simulation, "run", lambda self, *a, **k: seen.append(self) or original(self, *a, **k))
    words = ("poisson->a.on=False", "a.silent=yes", "a->a.plastic=off")
    call("resume", "r.h5", "--branch", "b.h5", "--until", "80", *(w for each in words for w in ("--set", each)), "--quiet")
    (sim,) = seen
    assert not sim["poisson->a"].on and sim["a"].silent.all() and not sim["a->a"].plastic
    with open_recording("b.h5") as recording:
        assert len(recording.spikes("a")[0]) == 0
        told = [(e.facts["path"], e.facts["value"]) for e in recording.events()]
    assert told == [("poisson->a.on", False), ("a.silent", True), ("a->a.plastic", False)]


@pytest.mark.parametrize("setting", ["a.tau_m=on", "a.silent=1", "a.nothing=1"])
def test_a_branch_that_cannot_be_leaves_nothing_behind(recorded, setting):
    """Neither a half-made recording, nor one less where there was one."""
    before = files()
    call("resume", "r.h5", "--branch", "b.h5", "--until", "60", "--set", setting, "--quiet", code=1)
    assert files() == before
    Path("b.h5").write_text("what was there")
    call("resume", "r.h5", "--branch", "b.h5", "--until", "60", "--set", setting, "--force", "--quiet", code=1)
    assert files() == {**before, "b.h5": b"what was there"}


def test_a_branch_that_cannot_be_ends_in_peace(recorded):
    """In a process of its own: nobody writes the recording that is gone when Python ends."""
    words = [sys.executable, "-m", "thalia_sim", "resume", "r.h5", "--branch", "b.h5", "--until", "60", "--set", "a.nothing=1", "--quiet"]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr.startswith("Error: a has no 'nothing'") and done.stderr.count("\n") == 1


def test_a_branch_is_overwritten_by_force_only(recorded):
    words = ("resume", "r.h5", "--branch", "b.h5", "--until", "80", "--quiet")
    call(*words)
    with open_recording("b.h5") as recording:
        before = recording.spikes("a")
    assert "pass --force" in call(*words, "--noise-seed", "3", code=1)
    call(*words, "--noise-seed", "3", "--force")
    with open_recording("b.h5") as recording:
        assert recording.status == "complete" and not np.array_equal(recording.spikes("a")[0], before[0])
    assert not list(Path().glob(".b.h5*"))
    assert "give --branch FILE" in call("resume", "r.h5", "--force", code=1)


def test_a_run_that_overwrites_another_takes_its_checkpoints_away(recorded):
    """Else `resume` would find the old run's later ones."""
    call("run", "s.py", "--out", "f.h5", "--until", "80", "--checkpoint", "25", "--quiet")
    call("run", "s.py", "--out", "f.h5", "--until", "40", "--checkpoint", "10", "--force", "--quiet")
    call("resume", "f.h5", "--until", "60", "--quiet")
    with open_recording("f.h5") as recording:
        assert (recording.duration, recording.status) == (60.0, "complete")


def test_files_of_a_live_process_are_left_alone(recorded):
    """Neither overwritten nor gone on with while another process writes."""
    words = [sys.executable, "-m", "thalia_sim", "run", "s.py", "--until", "36000 s", "--out", "live.h5", "--checkpoint", "1 s", "--quiet"]
    process = subprocess.Popen(words)
    try:
        deadline = time.monotonic() + 60
        while not list(Path("live.ckpt").glob("[0-9]*.h5")) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert "is being written by a process that runs" in call("run", "s.py", "--out", "live.h5", "--force", "--quiet", code=1)
        assert "is being written by a process that runs" in call("resume", "live.h5", "--quiet", code=1)
    finally:
        process.terminate()
        process.wait(60)
    call("info", "live.h5")


def test_a_repeated_run_leaves_the_files_of_a_script_s_own_recorders_alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("t.py").write_text(
        textwrap.dedent(
            """
            from thalia_sim import LIF, Network, Recorder

            until = 5.0

            def build(seed=1):
                net = Network(seed=seed)
                net.populate("a", 2, LIF())
                return net

            def hooks():
                return [Recorder("r1.h5"), Recorder("r2.h5", force=True)]
            """
        )
    )
    call("run", "t.py", "--quiet")
    before = Path("r2.h5").read_bytes()
    assert "equal to the bit" in call("run", "r1.h5", "--quiet")
    assert Path("r2.h5").read_bytes() == before and sorted(p.name for p in tmp_path.glob("*.h5")) == ["r1.h5", "r2.h5"]


def test_a_second_ctrl_c_during_the_last_checkpoint_is_an_interrupted_run(recorded, monkeypatch):
    from thalia_sim.experiment import Watch, finish
    from thalia_sim.hooks import Recorder

    def interrupted(self, sim):
        raise KeyboardInterrupt

    monkeypatch.setattr(Recorder, "save", interrupted)
    watch = Watch()
    sim = Simulation.resume("r.ckpt/500.h5", branch="b.h5", hooks=[watch])
    watch.asked = True
    assert finish(sim, 90.0, watch, Path("b.h5")).status == "interrupted"
    with open_recording("b.h5") as recording:
        assert recording.status == "interrupted"


def test_a_checkpoint_without_a_recorder_has_recorded_branches(recorded):
    """All spikes, from there on."""
    sim = Simulation.resume("r.ckpt/500.h5", branch="b.h5")
    sim.hooks = []
    sim.save("alone.h5")
    sim.close()
    call("resume", "alone.h5", "--branch", "c.h5", "--until", "80", "--quiet")
    with open_recording("c.h5") as branch:
        assert (branch.begin, branch.duration, branch.status) == (50.0, 30.0, "complete")
