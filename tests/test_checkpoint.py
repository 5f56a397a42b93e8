"""Saving and going on: to the bit, on other threads, after kills; damage is refused in a sentence."""

import hashlib
import random
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from killed_run import Scaling, describe

from thalia_sim import (
    DC,
    AdaptiveLIF,
    Cube,
    Hook,
    LIFAlpha,
    LIFCond,
    LIFDelta,
    LIFExp,
    LIFExp1,
    MemoryRecorder,
    Network,
    Normal,
    OrnsteinUhlenbeck,
    Poisson,
    PoissonSource,
    Ramp,
    Recorder,
    Sample,
    Simulation,
    SpikeArray,
    StepCurrent,
    TimedArray,
    Uniform,
    by_distance,
    from_arrays,
    in_degree,
    neuron,
    one_to_one,
    open_recording,
    out_degree,
    probability,
    total_number,
)
from thalia_sim.analysis.compare import compare_recordings
from thalia_sim.errors import CheckpointError, RecordingError, SimulationError
from thalia_sim.kernels import loop
from thalia_sim.kernels.plastic import Records
from thalia_sim.portable import Form, Reader, read_network, write_network
from thalia_sim.recording.checkpoint import VERSION, checkpoints, newest_checkpoint
from thalia_sim.recording.segments import recover_recording
from thalia_sim.snapshot import EMPTY, REBUILT, REBUILT_RECORDS, RECORDS, SAVED, STATIC

pytestmark = pytest.mark.filterwarnings("ignore::thalia_sim.errors.UnusualValue", "ignore::thalia_sim.errors.EmptyProjection")
RUN = Path(__file__).with_name("killed_run.py")


def everything():
    """Every kind of model, wiring, drive, source and value in one network."""
    net = Network(seed=9)
    random = np.random.default_rng(1)
    models = [LIFDelta(), LIFExp(), LIFExp1(), LIFAlpha(), LIFCond(tau_m=random.uniform(15.0, 25.0, 40)), AdaptiveLIF(i_max=80.0)]
    cells = [net.populate(f"p{k}", 40, model, at=Cube(100.0, speed=50.0), v=Normal(-62.0, 3.0)) for k, model in enumerate(models)]
    cells[0].initial["v"] = random.uniform(0.0, 10.0, 40)
    source = net.populate("source", 20, PoissonSource(rate=TimedArray([20.0, 80.0, 5.0], 40.0)))
    given = net.populate("given", 3, SpikeArray(times=[1.0, 30.0, 30.0, 99.0], ids=[0, 1, 2, 1]))
    for k, population in enumerate(cells):
        receptor = "syn" if k in (0, 2) else "exc"
        strong = 2.0 if k in (0, 4) else 60.0
        net.connect(source, population, probability(0.3), w=Uniform(0.5 * strong, strong), delay=Uniform(0.5, 9.0), receptor=receptor)
        net.connect(population[:30], population, in_degree(4), w=strong, receptor=receptor, autapses=False)
        net.drive(population, Poisson(rate=[300.0, 4000.0][k % 2]), w=0.2 * strong, receptor=receptor)
    net.connect(given, cells[1], out_degree(7), w=Normal(40.0, 9.0, low=0.0), receptor="exc", delay=3.3)
    net.connect(cells[0], cells[2], one_to_one(), w=np.linspace(1.0, 30.0, 40), delay=1.0)
    net.connect(cells[3], cells[1] + cells[5], total_number(90), w=-20.0, receptor="inh", gain=0.7)
    net.connect(cells[4], cells[5], by_distance(p=0.4, length=30.0), w=9.0, receptor="exc")
    net.connect(cells[5], cells[0], from_arrays([0, 1, 5], [3, 3, 9], w=[0.5, 1.0, -1.0], delay=[1.0, 7.0, 2.0]))
    net.drive(cells[1][5:25], StepCurrent([10.0, 70.0, 130.0], [120.0, -50.0, 0.0]))
    net.drive(cells[2], OrnsteinUhlenbeck(mean=100.0, sd=60.0))
    net.drive(cells[3], Ramp(20.0, 150.0, 0.0, 300.0))
    net.drive(cells[5], DC(amplitude=random.uniform(100.0, 300.0, 40)), name="dc")
    return net


class Counter(Hook):
    """Counts spikes and writes thresholds: changes the run by what it keeps."""

    every = 10.0

    def __init__(self, population, by):
        self.population, self.by = population, by

    def start(self, sim):
        self.declare(count=np.zeros(sim.net.n), calls=0)

    def spikes(self, sim, steps, ids):
        self.count += np.bincount(ids, minlength=len(self.count))

    def handle(self, sim):
        self.calls += 1
        sim[self.population].v_th = -50.0 + self.by * np.tanh(self.count[sim.net[self.population].offset :][: len(sim[self.population])])


def some_hooks():
    return [Counter("p1", 0.5), MemoryRecorder(state=[Sample("p1", "v", every=1.3), Sample("p3", "d_exc", every=7.0)])]


def meddle(sim):
    """Changes of every kind that a script can make in a run."""
    sim["poisson->p1"].rate = 3500.0
    sim["dc"].on = False
    sim["p1->p1"].w = 50.0
    sim["p3->p1+p5"].gain = 1.3
    sim["p2"].tau_m = np.linspace(8.0, 12.0, 40)
    sim["p5"].i_max = 60.0
    sim["p0"].v = 3.0
    sim["source"].on = False


def outcome(sim):
    """Everything that a run left, as bytes."""
    counter, memory = sim.hooks[0], sim.hooks[1]
    found = [counter.count, counter.calls, *(memory.spikes_of(name)[k] for name in memory.chosen for k in (0, 1))]
    found += [memory.samples("p1", "v")[1], memory.samples("p3", "d_exc")[1]]
    found += [sim[name].w for name in sim.net.projections]
    for name in ("p0", "p1", "p2", "p3", "p4", "p5"):
        found += [getattr(sim[name], field) for field in type(sim.net[name].model).__thalia__.state_fields]
    return [np.asarray(x).tobytes() for x in found]


@pytest.fixture(scope="module")
def whole():
    sim = Simulation(everything(), some_hooks(), blocks=3)
    sim.run(50.0)
    meddle(sim)
    sim.run(until=200.0)
    assert len(sim.hooks[1].times("p1")) > 100 and sim.counters["in_flight"] > 0
    return outcome(sim)


@pytest.mark.parametrize("at, threads", [(30.0, 1), (50.0, 3), (61.7, 2), (130.0, 2)])
def test_a_resumed_run_is_the_run(whole, tmp_path, at, threads):
    """Saved at any time, with spikes in flight, changed parameters and hooks that keep state; resumed twice, on other threads."""
    sim = Simulation(everything(), some_hooks(), blocks=3, threads=2)
    sim.run(until=min(at, 50.0))
    if at > 50.0:
        meddle(sim)
        sim.run(until=at)
    sim.save(tmp_path / "a.h5")
    sims = [sim, Simulation.resume(tmp_path / "a.h5", threads=threads), Simulation.resume(tmp_path / "a.h5")]
    for one in sims:
        if at <= 50.0:
            one.run(until=50.0)
            meddle(one)
        one.run(until=200.0)
        assert outcome(one) == whole


@pytest.mark.parametrize("precision", ["double", "single"])
def test_sleeping_neurons_are_saved_asleep(tmp_path, precision):
    """Anchors and who is awake belong to the state: a jump cut in two would differ in the last bit."""
    def quiet():
        net = Network(seed=2)
        cells = net.populate("cells", 500, LIFExp(), v=Uniform(-65.0, -58.0))
        net.connect(cells, cells, in_degree(10), w=150.0, receptor="exc", delay=Uniform(1.0, 5.0))
        net.drive(cells[:20], Poisson(rate=5.0), w=900.0, receptor="exc")
        return net

    sim = Simulation(quiet(), precision=precision)
    sim.run(333.3)
    assert (sim.a.sleep[:, loop.S_MODE] == 1).any()
    sim.save(tmp_path / "a.h5")
    again = Simulation.resume(tmp_path / "a.h5")
    for one in (sim, again):
        one.run(500.0)
    for name in ("state", "held", "acc", "count", "sleep"):
        assert getattr(sim.a, name).tobytes() == getattr(again.a, name).tobytes(), name
    assert sim.counters["neuron_updates"] < 0.5 * 8333 * 500


def test_every_array_of_the_loop_is_accounted_for():
    """Saved, rebuilt, or empty between stretches: an array that is none of these would be lost."""
    assert sorted([*RECORDS, *REBUILT_RECORDS]) == sorted(Records._fields)
    named = [*SAVED, *REBUILT, *EMPTY, *STATIC, "w"]
    assert sorted(named) == sorted(loop.Arrays._fields)


def test_a_simulation_that_did_not_begin_can_be_saved(tmp_path):
    """Its hooks start when it runs."""
    Simulation(everything(), some_hooks(), blocks=3).save(tmp_path / "a.h5")
    sims = [Simulation.resume(tmp_path / "a.h5"), Simulation(everything(), some_hooks(), blocks=3)]
    for sim in sims:
        assert sim.status == "new"
        sim.run(40.0)
    assert outcome(sims[0]) == outcome(sims[1])


def test_a_description_comes_back_as_it_was():
    net = everything()
    form = Form(net)
    tree = write_network(form, net)
    again = read_network(Reader(form.arrays.__getitem__), tree)
    assert again.describe() == net.describe()


def test_reset_of_a_resumed_simulation_begins_anew(tmp_path):
    """The description was saved too."""
    sim = Simulation(everything(), some_hooks(), blocks=3)
    sim.run(30.0)
    first = outcome(sim)
    sim.save(tmp_path / "a.h5")
    again = Simulation.resume(tmp_path / "a.h5")
    again.reset()
    again.run(30.0)
    assert outcome(again) == first


# hooks


class Forgetful(Hook):
    every = 5.0

    def __init__(self):
        self.seen = []

    def handle(self, sim):
        if sim.t > 12.0:
            self.last = sim.t
        self.seen.append(sim.t)


def test_state_that_is_not_declared_is_an_error(tmp_path):
    """An attribute that is set after the start at once; a list that grows when the simulation is saved."""
    net = Network()
    net.populate("a", 3, LIFDelta())
    sim = Simulation(net, [Forgetful()])
    sim.run(6.0)
    with pytest.raises(CheckpointError, match="seen of hook forgetful has changed since it was started: declare"):
        sim.save(tmp_path / "a.h5")
    with pytest.raises(SimulationError, match=r"hook forgetful sets last after start: .*self.declare\(last=...\)"):
        sim.run(20.0)


class Logbook(Hook):
    every = 5.0

    def start(self, sim):
        self.log = []

    def handle(self, sim):
        self.log.append(sim.t)


def test_a_list_made_in_start_must_not_grow_unseen(tmp_path):
    """It would be empty after a resume."""
    net = Network()
    net.populate("a", 3, LIFDelta())
    sim = Simulation(net, [Logbook()])
    sim.run(6.0)
    with pytest.raises(CheckpointError, match="log of hook logbook has changed since it was started: declare"):
        sim.save(tmp_path / "a.h5")


def test_a_description_that_was_changed_meanwhile_is_saved_as_it_runs(tmp_path):
    """What is set in the network acts from the next reset on, so not in a resumed run either."""
    sims = []
    for changed in (False, True):
        net = everything()
        sim = Simulation(net, some_hooks(), blocks=3)
        sim.run(30.0)
        if changed:
            net.set("p0.tau_m", np.linspace(5.0, 30.0, 40))
            net.set("poisson->p0.rate", 9000.0)
            net.set("p2.v", -50.0)
            sim.save(tmp_path / "a.h5")
            sim = Simulation.resume(tmp_path / "a.h5")
            assert sim["p0"].tau_m == 20.0
        sim.run(60.0)
        sims.append(sim)
    assert outcome(sims[0]) == outcome(sims[1])


def test_what_cannot_be_found_again_is_refused(tmp_path):
    """A class inside a function, and a setting that is a function."""
    class Inner(Hook):
        pass

    class Given(Counter):
        pass

    net = Network()
    net.populate("a", 3, LIFDelta())
    with pytest.raises(CheckpointError, match="Inner, defined inside a function"):
        Simulation(net, [Inner()]).save(tmp_path / "a.h5")
    hook = Counter("a", lambda x: x)
    with pytest.raises(CheckpointError, match="by of hook counter is <function"):
        Simulation(net, [hook]).save(tmp_path / "a.h5")


class State(NamedTuple):
    v: float


class Step(NamedTuple):
    dt: float


def derive(p, dt):
    return Step(dt)


def step(s, x, c, p):
    return State(s.v + x.exc), False


@neuron(state=State, derive=derive, step=step, receptors=("exc",))
class Own(NamedTuple):
    tau: float = 1.0


def test_a_model_that_has_changed_is_refused(tmp_path, monkeypatch):
    """By the hash of its source; an unchanged one of one's own comes back by its name."""
    net = Network()
    net.populate("a", 3, Own(), v=2.0)
    sim = Simulation(net)
    sim.run(1.0)
    sim.save(tmp_path / "a.h5")
    assert (Simulation.resume(tmp_path / "a.h5")["a"].v == 2.0).all()
    monkeypatch.setattr(Own, "__thalia__", Own.__thalia__._replace(digest="other"))
    with pytest.raises(CheckpointError, match="Own has changed since the checkpoint was written"):
        Simulation.resume(tmp_path / "a.h5")


# files


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A small checkpoint."""
    net = Network(seed=1)
    a = net.populate("a", 30, LIFExp(), v=Uniform(-60.0, -50.0))
    net.connect(a, a, in_degree(3), w=10.0, receptor="exc")
    sim = Simulation(net)
    sim.run(10.0)
    path = tmp_path_factory.mktemp("saved") / "a.h5"
    sim.save(path)
    return path


def test_a_flipped_byte_or_a_cut_is_always_seen(saved, tmp_path):
    """Any byte, the head among them, and any cut at 4 KiB or in between; always our own sentence."""
    whole = saved.read_bytes()
    damaged = tmp_path / "b.h5"
    dice = random.Random(1)
    places = {*range(0, 80), *(dice.randrange(len(whole)) for _ in range(300)), len(whole) - 1, 511, 512}
    for place in places:
        damaged.write_bytes(whole[:place] + bytes([whole[place] ^ (1 << dice.randrange(8))]) + whole[place + 1 :])
        with pytest.raises(CheckpointError, match="damaged|no checkpoint"):
            Simulation.resume(damaged)
    for cut in {0, 1, 30, 511, 512, *range(4096, len(whole), 4096), len(whole) - 1}:
        damaged.write_bytes(whole[:cut])
        with pytest.raises(CheckpointError, match="damaged|no checkpoint"):
            Simulation.resume(damaged)


def test_a_newer_format_says_so(saved, tmp_path):
    """If it is whole: else its version may be the damage."""
    other = tmp_path / "b.h5"
    data = bytearray(saved.read_bytes())
    data[18:22] = (VERSION + 1).to_bytes(4, "little")
    data[30:62] = hashlib.sha256((VERSION + 1).to_bytes(4, "little") + data[512:]).digest()
    other.write_bytes(data)
    with pytest.raises(CheckpointError, match=f"format {VERSION + 1}, this version knows {VERSION}: use a newer"):
        Simulation.resume(other)


def test_what_cannot_be_written_or_read_is_told(saved, tmp_path):
    net = Network()
    net.populate("a", 3, LIFDelta())
    sim = Simulation(net)
    with pytest.raises(CheckpointError, match="folder nowhere of a.h5 does not exist"):
        sim.save(tmp_path / "nowhere" / "a.h5")
    with pytest.raises(CheckpointError, match="cannot read"):
        Simulation.resume(tmp_path / "a.h5")
    with pytest.raises(CheckpointError, match="no checkpoint"):
        Simulation.resume(RUN)
    sim.close()
    with pytest.raises(SimulationError, match="was closed"):
        sim.save(tmp_path / "a.h5")


def test_a_full_disk_leaves_the_old_checkpoint(saved, tmp_path):
    """RLIMIT_FSIZE in a process of its own: our sentence, nothing half written."""
    code = f"""
import resource, shutil
from thalia_sim import Simulation
shutil.copy({str(saved)!r}, {str(tmp_path / "a.h5")!r})
sim = Simulation.resume({str(tmp_path / "a.h5")!r})
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
sim.run(1.0)
try:
    sim.save({str(tmp_path / "a.h5")!r})
except Exception as error:
    print(type(error).__name__, error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.startswith("CheckpointError cannot write") and "disk is full" in done.stdout, done.stdout + done.stderr
    assert (tmp_path / "a.h5").read_bytes() == saved.read_bytes() and len(list(tmp_path.iterdir())) == 1


# kills


def life(path, threads=1, when=None):
    words = [sys.executable, str(RUN), str(path), str(threads), *([] if when is None else [when])]
    return subprocess.run(words, capture_output=True, text=True)


def recorded(path):
    """All that a recording holds, as bytes."""
    with open_recording(path) as r:
        found = [r.status.encode(), np.float64(r.duration)]
        for name in r.populations:
            found += [*r.spikes(name), r.counts(name).counts]
        for report in r.reports():
            found += [r.report(*report).t, r.report(*report).values]
        weights = r.weights("exc->exc")
        found += [weights.t, *(weights.snapshot(k) for k in range(len(weights.t)))]
        for hook in r.hooks():
            found += list(r.diagnostics(hook).values())
        assert len(r.spikes("exc")[0]) > 1000
    return [x if isinstance(x, bytes) else np.asarray(x).tobytes() for x in found]


def test_a_run_that_was_killed_again_and_again_is_the_run(tmp_path):
    """About twenty kills by SIGKILL: at random moments, and in the n-th write, flush, fsync or rename, through checkpoints and resumes, on one
    and two threads: the recording, its plastic weights and the hooks' diagnostics are those of the uninterrupted run, byte for byte."""
    assert life(tmp_path / "whole.h5").returncode == 0
    dice = random.Random(7)
    moments = [f"{dice.uniform(0.02, 0.5):.3f}" for _ in range(8)]
    kinds = [*moments, *(f"{kind}:{dice.randint(1, 9)}" for kind in ("write", "flush", "fsync", "replace") * 3)]
    dice.shuffle(kinds)
    path, killed = tmp_path / "killed.h5", 0
    for number, when in enumerate(kinds):
        done = life(path, 1 + number % 2, when)
        assert done.returncode in (0, -9), done.stderr
        killed += done.returncode == -9
        if done.returncode == 0:
            break
    assert killed >= 8
    while (done := life(path)).returncode != 0 or open_recording(path).status == "running":
        assert done.returncode == 0, done.stderr
    assert recorded(path) == recorded(tmp_path / "whole.h5")
    assert [p.name for p in tmp_path.glob("killed*")].count("killed.2.h5") == 0


@pytest.mark.parametrize("rest", [b"", b"\x89HDF\r\n\x1a\n" + bytes(2000)])
def test_a_file_that_died_while_it_was_created_hides_nothing(tmp_path, rest):
    """The rows before it are read, and the run goes on in the next file."""
    path = tmp_path / "a.h5"
    assert life(path, 1, "0.4").returncode == -9
    with open_recording(path) as recording:
        before = recording.duration
    (tmp_path / "a.2.h5").write_bytes(rest)
    with open_recording(path) as recording:
        assert recording.duration == before
    assert life(path, 1, "replace:2").returncode in (0, -9)
    assert life(path).returncode == 0
    with open_recording(path) as recording:
        assert (recording.status, recording.duration) == ("complete", 4000.0)


def test_recover_makes_one_finished_file(tmp_path):
    """All committed rows, at once readable by others; not while its process lives."""
    path = tmp_path / "a.h5"
    assert life(path, 1, "0.4").returncode == -9
    life(path, 1, "replace:3")
    with open_recording(path) as recording:
        status, before, rows = recording.status, recording.duration, recording.spikes("exc")
    assert status == "running"
    assert f"up to {before:g} ms" in recover_recording(path)
    with open_recording(path) as recording:
        assert (recording.status, recording.duration) == ("recovered", before)
        assert all(np.array_equal(a, b) for a, b in zip(recording.spikes("exc"), rows, strict=True))
    assert [p.name for p in tmp_path.glob("*.h5")] == ["a.h5"]
    assert "needs no recovery" in recover_recording(path)
    assert life(path).returncode == 0, "a recovered recording can still be gone on with"
    with open_recording(path) as recording:
        assert (recording.status, recording.duration) == ("complete", 4000.0)
    sim = Simulation(describe(), [Scaling(), Recorder(tmp_path / "b.h5")])
    sim.run(5.0)
    with pytest.raises(RecordingError, match="is being written by a process that runs"):
        recover_recording(tmp_path / "b.h5")
    sim.close()


def test_the_last_two_checkpoints_are_kept(tmp_path):
    assert life(tmp_path / "a.h5").returncode == 0
    folder = tmp_path / "a.ckpt"
    assert [p.stem for p in checkpoints(folder)] == ["39000", "40000"]
    newest = newest_checkpoint(folder)
    newest.write_bytes(newest.read_bytes()[:-1])
    assert newest_checkpoint(folder).stem == "39000", "a damaged one is passed over"


def test_branches_share_their_past_and_differ_by_what_was_changed(tmp_path):
    """Two continuations with nothing changed are equal; other noise, or one changed parameter, makes another run; each has a recording of its own."""
    net = describe()
    with Simulation(net, [Scaling(), Recorder(tmp_path / "a.h5", counts=7.0)], blocks=2) as sim:
        sim.run(500.0)
        sim.save(tmp_path / "a.ckpt.h5")
        sim.run(300.0)
    found = {}
    for name, options, changed in (("same", {}, False), ("noise", {"noise_seed": 4}, False), ("changed", {}, True)):
        with Simulation.resume(tmp_path / "a.ckpt.h5", branch=tmp_path / f"{name}.h5", **options) as sim:
            if changed:
                sim["inh"].v_th = np.where(np.arange(200) == 7, -51.5, -50.0)
            sim.run(300.0)
        with open_recording(tmp_path / f"{name}.h5") as recording:
            assert (recording.begin, recording.duration) == (500.0, 300.0)
            found[name] = recording.spikes("inh")
            counts = recording.counts("inh")
            assert counts.t[0] == 497.0 and counts.counts.sum() == len(found[name][0])
    with open_recording(tmp_path / "a.h5") as recording:
        assert (recording.begin, recording.duration) == (0.0, 800.0)
        whole = recording.spikes("inh", 500.0)
    assert len(whole[0]) > 100
    assert all(np.array_equal(a, b) for a, b in zip(whole, found["same"], strict=True))
    assert not np.array_equal(found["noise"][0], whole[0])
    events = [list(zip(*(x[:50] for x in spikes), strict=True)) for spikes in (whole, found["changed"])]
    first = next(b for a, b in zip(*events, strict=True) if a != b)
    assert first[1] == 7, "the first event that differs is of the neuron that was changed"
    told = compare_recordings(tmp_path / "same.h5", tmp_path / "changed.h5")
    assert (told["from_ms"], told["to_ms"], told["spikes_equal"], told["equal"]) == (500.0, 800.0, False, False)
    assert told["first_difference"] == {"t_ms": first[0], "population": "inh", "id": 7, "in": "b"}
    assert told["rates_hz"]["inh"]["b"] > told["rates_hz"]["inh"]["a"] > 1.0
    told = compare_recordings(tmp_path / "same.h5", tmp_path / "a.h5")
    assert told["spikes_equal"] and not told["equal"] and told["first_difference"] is None, "a.h5 begins earlier"
    assert compare_recordings(tmp_path / "a.h5", tmp_path / "a.h5")["equal"]
    with pytest.raises(RecordingError, match="exists"):
        Simulation.resume(tmp_path / "a.ckpt.h5", branch=tmp_path / "same.h5")


def test_a_branch_can_be_gone_on_with(tmp_path):
    """Its recording is continued like any other."""
    net = describe()
    sim = Simulation(net, [Scaling(), Recorder(tmp_path / "a.h5", counts=7.0)], blocks=2)
    sim.run(100.0)
    sim.save(tmp_path / "first.h5")
    branch = Simulation.resume(tmp_path / "first.h5", branch=tmp_path / "b.h5")
    branch.run(100.0)
    branch.save(tmp_path / "second.h5")
    branch.close()
    with Simulation.resume(tmp_path / "second.h5") as again:
        again.run(100.0)
    sim.run(200.0)
    sim.close()
    with open_recording(tmp_path / "a.h5") as a, open_recording(tmp_path / "b.h5") as b:
        assert (b.begin, b.duration, b.status) == (100.0, 200.0, "complete")
        assert all(np.array_equal(x, y) for x, y in zip(a.spikes("exc", 100.0), b.spikes("exc"), strict=True))
        assert np.array_equal(a.counts("exc").counts[15:], b.counts("exc").counts[1:])


def test_a_missing_file_of_a_run_is_told(tmp_path):
    """Rows that only it held are not made up."""
    path = tmp_path / "a.h5"
    assert life(path, 1, "replace:6").returncode == -9
    assert life(path, 1, "replace:6").returncode == -9
    assert life(path, 1, "flush:2").returncode == -9
    names = sorted(p.name for p in tmp_path.glob("a.*.h5"))
    assert names == ["a.2.h5", "a.3.h5"]
    (tmp_path / "a.2.h5").write_bytes(b"")
    with pytest.raises(RecordingError, match=r"lacks rows of .* \(a.2.h5 cannot be opened\)"):
        open_recording(path)
