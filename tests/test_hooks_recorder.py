"""The recorder in a real run: what it writes equals what memory holds, it changes nothing, and each way to end leaves a readable file."""

import io
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from fake_simulation import FakeSimulation

from thalia_sim import LIFDelta, Network, Poisson, Simulation, open_recording, probability
from thalia_sim.errors import RecordingError, SimulationError
from thalia_sim.hooks import Hook, MemoryRecorder, Progress, Recorder, Sample, StopRun


def network(seed=3):
    net = Network(seed=seed)
    exc, inh = net.populate("exc", 40, LIFDelta()), net.populate("inh", 10, LIFDelta())
    net.connect(exc, exc + inh, probability(0.1), w=0.5, delay=1.5)
    net.connect(inh, exc, probability(0.2), w=-1.0, delay=1.0)
    net.drive(exc, Poisson(rate=2000.0), w=1.0)
    net.drive(inh, Poisson(rate=2000.0), w=1.0)
    return net


class Meter(Hook):
    """Reports its own number of calls."""

    every = 20.0
    units = {"late": "ms"}

    def __init__(self, extra=False):
        self.extra = extra

    def start(self, sim):
        self.declare(calls=0)

    def handle(self, sim):
        self.calls += 1

    def diagnostics(self):
        more = {"surprise": 1.0} if self.extra and self.calls > 2 else {}
        return {"calls": float(self.calls), "late": np.nan, **more}


def test_a_real_run_is_recorded(tmp_path):
    net, memory, path = network(), MemoryRecorder(state=[Sample("exc", "v", every=0.7)]), tmp_path / "run.h5"
    exc = net["exc"]
    recorder = Recorder(path, state=[Sample(exc[5:8], "v", every=0.7)], weights=["exc->exc+inh", ("inh->exc", 40.0)])
    with Simulation(net, [memory, Meter(), recorder]) as sim:
        sim.run(60.0)
        sim.run(40.0)
        weights = np.array(sim["inh->exc"].w)
    with open_recording(path) as recording:
        assert (recording.status, recording.duration) == ("complete", 100.0)
        for name in ("exc", "inh"):
            times, ids = recording.spikes(name)
            np.testing.assert_array_equal(times, memory.times(name))
            np.testing.assert_array_equal(ids, memory.ids(name))
            assert recording.counts(name).counts.sum() == len(times) > 0
        t, v = memory.samples("exc", "v")
        report = recording.report("exc", "v")
        np.testing.assert_array_equal(report.t, t)
        np.testing.assert_array_equal(report.values, v[:, 5:8].astype(np.float32))
        assert recording.weights("exc->exc+inh").t.tolist() == [0.0, 100.0]
        assert recording.weights("inh->exc").t.tolist() == [0.0, 40.0, 80.0, 100.0]
        np.testing.assert_array_equal(recording.weights("inh->exc").snapshot(), weights.astype(np.float32))
        assert recording.diagnostics("meter")["t"].tolist() == [20.0, 40.0, 60.0, 80.0, 100.0]
        assert recording.diagnostics("meter")["calls"].tolist() == [1, 2, 3, 4, 5]
        assert np.isnan(recording.diagnostics("meter")["late"]).all()
        assert recording.units("/thalia/hooks/meter/late") == "ms" and recording.weights("inh->exc").units == "mV"


def test_recording_changes_nothing(tmp_path):
    """Same seed, same spikes, with and without a recorder that takes everything."""

    def spikes(*hooks):
        net, memory = network(), MemoryRecorder()
        with Simulation(net, [memory, *hooks]) as sim:
            sim.run(100.0)
        return memory.times("exc"), memory.ids("exc")

    bare = spikes()
    full = spikes(Recorder(tmp_path / "run.h5", state=[Sample("exc", "v", every=0.3)], weights=[("inh->exc", 7.0)], counts=0.1))
    assert len(bare[0]) > 0
    np.testing.assert_array_equal(bare, full)


def test_only_chosen_elements_are_recorded(tmp_path):
    net, memory, path = network(), MemoryRecorder(), tmp_path / "run.h5"
    recorder = Recorder(path, spikes=[net["exc"][[4, 2]], net["exc"][10:20], "inh"], counts=None)
    FakeSimulation(net, [memory, recorder]).run(100.0)
    chosen = [2, 4, *range(10, 20)]
    with open_recording(path) as recording:
        times, ids = recording.spikes("exc")
        mine = np.isin(memory.ids("exc"), chosen)
        np.testing.assert_array_equal(times, memory.times("exc")[mine])
        assert recording.populations["exc"].n_recorded == 12 and set(ids) == set(chosen)
        assert recording.populations["inh"].n_recorded == 10
        np.testing.assert_array_equal(recording.rows("/thalia/recorded/exc"), chosen)
        with pytest.raises(RecordingError, match="holds no counts"):
            recording.counts("exc")


def test_no_spikes_wanted(tmp_path):
    FakeSimulation(network(), [Recorder(tmp_path / "run.h5", spikes=False)]).run(10.0)
    with open_recording(tmp_path / "run.h5") as recording:
        assert recording.populations == {} and recording.counts("exc").counts.sum() > 0


def test_an_existing_file_is_refused_before_the_run(tmp_path):
    path = tmp_path / "run.h5"
    FakeSimulation(network(), [Recorder(path)]).run(10.0)
    with pytest.raises(RecordingError, match="run.h5 exists: choose another name or pass --force"):
        Recorder(path)
    FakeSimulation(network(), [Recorder(path, force=True)]).run(20.0)
    with open_recording(path) as recording:
        assert recording.duration == 20.0


def test_impossible_targets_are_refused(tmp_path):
    with pytest.raises(RecordingError, match="does not exist: create it first"):
        Recorder(tmp_path / "no" / "run.h5")
    with pytest.raises(RecordingError, match="is a folder"):
        Recorder(tmp_path)


def test_unwritable_folder_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("os.access", lambda path, mode: False)  # root may write anywhere
    with pytest.raises(RecordingError, match="cannot be written: choose a folder"):
        Recorder(tmp_path / "run.h5")


def test_bad_arguments_are_refused_and_leave_no_file(tmp_path):
    net, path = network(), tmp_path / "run.h5"
    with pytest.raises(RecordingError, match="counts every 0.0 ms"):
        Recorder(path, counts=0.0)
    for wrong, message in (
        ({"counts": 0.25}, "counts = 0.25 ms is no whole number of steps of 0.1 ms"),
        ({"spikes": [3]}, "3 cannot be recorded: give a population"),
        ({"state": [Sample("exc", "v"), Sample(net["exc"][:2], "v")]}, "v of exc is sampled twice"),
    ):
        with pytest.raises(RecordingError, match=message):
            FakeSimulation(net, [Recorder(path, **wrong)]).run(1.0)
        assert not path.exists()


def test_a_failed_run_leaves_a_readable_file(tmp_path):
    memory, path = MemoryRecorder(), tmp_path / "run.h5"
    with pytest.raises(FloatingPointError):
        FakeSimulation(network(), [memory, Recorder(path)]).run(100.0, fail_at=50.0)
    with open_recording(path) as recording:
        assert (recording.status, recording.error) == ("failed", "FloatingPointError: v of exc[3] is nan")
        np.testing.assert_array_equal(recording.spikes("exc")[0], memory.times("exc"))


class Interrupting(Hook):
    every = 30.0

    def __init__(self, error):
        self.error = error

    def handle(self, sim):
        raise self.error


@pytest.mark.parametrize("error, status", [(KeyboardInterrupt(), "interrupted"), (ValueError("no"), "failed"), (StopRun("enough"), "complete")])
def test_each_end_is_told_apart(tmp_path, error, status):
    path = tmp_path / "run.h5"
    try:
        with Simulation(network(), [Interrupting(error), Recorder(path)]) as sim:
            sim.run(100.0)
    except type(error):
        pass
    with open_recording(path) as recording:
        assert (recording.status, recording.duration) == (status, 30.0)
        assert recording.error == ("ValueError: no" if status == "failed" else "")


def test_python_may_end_without_closing(tmp_path):
    script = """
        import sys; sys.path.insert(0, "tests")
        from test_hooks_recorder import *
        sim = FakeSimulation(network(), [Recorder(sys.argv[1])])
        sim.hooks[0].start(sim)
        sim.advance(100)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(script), str(tmp_path / "run.h5")], check=True)
    with open_recording(tmp_path / "run.h5") as recording:
        assert (recording.status, recording.duration) == ("complete", 10.0)


def test_diagnostics_keep_their_names(tmp_path):
    with pytest.raises(RecordingError, match="hook meter reports 'surprise', which it did not name at the start"):
        FakeSimulation(network(), [Meter(extra=True), Recorder(tmp_path / "run.h5")]).run(100.0)


def test_equal_hooks_are_numbered(tmp_path):
    FakeSimulation(network(), [Meter(), Meter(), Recorder(tmp_path / "run.h5")]).run(50.0)
    with open_recording(tmp_path / "run.h5") as recording:
        assert recording.hooks() == ["meter", "meter#2"]


def test_a_full_disk_is_reported_and_what_was_committed_stays(tmp_path):
    """RLIMIT_FSIZE stands for the full disk."""
    script = """
        import resource, signal, sys; sys.path.insert(0, "tests")
        from test_hooks_recorder import *
        from thalia_sim.errors import RecordingError
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4 << 20, 4 << 20))
        try:
            FakeSimulation(network(), [Recorder(sys.argv[1])], rate=1e5).run(1000.0)
        except RecordingError as error:
            print(error)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), str(tmp_path / "run.h5")], capture_output=True, text=True, timeout=60, check=True
    )
    assert "run.h5: the disk is full" in done.stdout and not done.stderr
    with open_recording(tmp_path / "run.h5") as recording:
        assert recording.status == "failed" and "the disk is full" in recording.error
        assert recording.populations["exc"].n_spikes > 50_000


def test_memory_recorder_says_what_it_has():
    memory = MemoryRecorder(spikes=["exc"])
    FakeSimulation(network(), [memory]).run(10.0)
    with pytest.raises(RecordingError, match="spikes of 'inh' are not kept: known are exc"):
        memory.times("inh")
    with pytest.raises(RecordingError, match="v of exc is not sampled"):
        memory.samples("exc", "v")


def test_progress_shows_time_and_speed():
    shown = io.StringIO()
    FakeSimulation(network(), [Progress(until=100.0, file=shown)]).run(100.0)
    assert "100 of 100 ms" in shown.getvalue() and "x real time" in shown.getvalue()


def test_recorders_that_cannot_be_are_refused_in_a_sentence(tmp_path):
    """A bin that is no number, and one file for two recorders."""
    with pytest.raises(RecordingError, match="counts every 'x' ms"):
        Recorder(tmp_path / "a.h5", counts="x")
    net = Network(seed=1)
    net.populate("a", 2, LIFDelta())
    with pytest.raises(RecordingError, match="two recorders"):
        Simulation(net, [Recorder(tmp_path / "a.h5"), Recorder(tmp_path / "a.h5")]).run(1.0)
    assert not (tmp_path / "a.h5").exists()


@pytest.mark.parametrize("arguments, words", [
    ({"state": Sample("a", "v")}, "give a list of Samples"), ({"state": [("a", "v")]}, "list of Samples"), ({"state": None}, "list of Samples"),
    ({"spikes": 3}, "spikes is 3"), ({"weights": "p"}, "weights is 'p': give a list"), ({"weights": [3]}, "weights has 3"),
    ({"weights": [("p", 5.0, 3)]}, "weights has"), ({"options": [1]}, "options is"), ({"script": "/nope.py"}, "does not exist"),
    ({"checkpoint": "x"}, "checkpoint every 'x' ms"),
])  # fmt: skip
def test_arguments_of_a_recorder_are_refused_in_a_sentence(tmp_path, arguments, words):
    with pytest.raises(RecordingError, match=words):
        Recorder(tmp_path / "a.h5", **arguments)


def test_an_empty_network_can_be_recorded(tmp_path):
    """No population, so no counts and no spikes; the file is read as any other."""
    with Simulation(Network(seed=1), [Recorder(tmp_path / "a.h5")]) as sim:
        sim.run(5.0)
    with open_recording(tmp_path / "a.h5") as recording:
        assert recording.duration == 5.0 and recording.populations == {}


class Talks(Hook):
    every = 1.0

    def __init__(self, says):
        self.says = says

    def diagnostics(self):
        return self.says


@pytest.mark.parametrize("says", [3.0, "x", {"a": "x"}, {"a": [1.0]}, {1: 2.0}])
def test_diagnostics_that_are_no_numbers_are_refused(tmp_path, says):
    net = Network(seed=1)
    net.populate("a", 2, LIFDelta())
    with pytest.raises(RecordingError, match="diagnostics of hook talks are .*: return a dict of numbers"):
        Simulation(net, [Talks(says), Recorder(tmp_path / "a.h5")]).run(5.0)


@pytest.mark.parametrize("name", ["a/b", "", "."])
def test_names_of_hooks_that_cannot_be_groups_are_refused(name):
    hook = Talks({})
    hook.name = name
    with pytest.raises(SimulationError, match="give it a name without"):
        Simulation(Network(seed=1), [hook])


def test_one_time_is_as_good_as_a_tuple():
    class Once(Hook):
        at = 3.0

        def __init__(self):
            self.times = []

        def handle(self, sim):
            self.times.append(sim.t)

    hook = Once()
    Simulation(Network(seed=1), [hook]).run(5.0)
    assert hook.times == [3.0]
    Once.at = "soon"
    with pytest.raises(SimulationError, match="at of hook once is 'soon'"):
        Simulation(Network(seed=1), [Once()]).run(5.0)


def test_after_a_full_disk_the_file_says_how_far_it_goes(tmp_path):
    """The duration is that of the last commit, so rates are right; in a process of its own, with RLIMIT_FSIZE."""
    code = f"""
import resource
from thalia_sim import LIFDelta, Network, Poisson, Recorder, Simulation
net = Network(seed=1)
a = net.populate("a", 2000, LIFDelta())
net.drive(a, Poisson(rate=20_000.0), w=0.3)
sim = Simulation(net, [Recorder({str(tmp_path / "a.h5")!r})])
resource.setrlimit(resource.RLIMIT_FSIZE, (12_000_000, 12_000_000))
try:
    with sim:
        sim.run(20_000.0)
except Exception as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "the disk is full" in done.stdout, done.stdout + done.stderr
    with open_recording(tmp_path / "a.h5") as recording:
        times, _ = recording.spikes("a")
        assert recording.status == "failed" and 100.0 < recording.duration < 19_000.0
        assert recording.duration - 1.0 < times.max() <= recording.duration
        assert len(recording.counts("a").counts) <= recording.duration
