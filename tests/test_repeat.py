"""Same seed, same bits: whatever the number of workers and blocks, the splitting of the run, and whoever watches. Nothing here has a tolerance."""

import numpy as np
import pytest

from thalia_sim import (
    DC,
    AdaptiveLIF,
    Hook,
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
    Recorder,
    Sample,
    Simulation,
    SpikeArray,
    StepCurrent,
    TimedArray,
    Uniform,
    in_degree,
    probability,
)
from thalia_sim.kernels import loop

SPAN = 60.0  # ms


def busy(seed=1, **seeds):
    """Every kind of input: sparse, dense, timed and per-target Poisson drives, Poisson and array sources, noisy and stepped currents."""
    net = Network(seed=seed, **seeds)
    exc = net.populate("exc", 90, LIFExp(v_th=-52.0, e_l=-60.0, t_ref=1.0), v=Uniform(-62, -53))
    inh = net.populate("inh", 31, LIFDelta(tau_m=15.0), v=Normal(3.0, 2.0))
    cond = net.populate("cond", 20, LIFCond())
    shared = net.populate("shared", 40, PoissonSource(rate=200.0))
    wave = net.populate("wave", 10, PoissonSource(rate=TimedArray([0.0, 900.0, 100.0], 10.0)))
    given = net.populate("given", 5, SpikeArray(times=[5.0, 5.0, 5.1, 30.0, 30.0], ids=[0, 3, 3, 4, 1]))
    net.connect(exc, exc, probability(0.2), w=Uniform(0.0, 90.0), delay=Uniform(0.3, 4.0), receptor="exc")
    net.connect(exc, inh, in_degree(20), w=0.6, delay=1.0)
    net.connect(inh, exc, probability(0.3), w=-60.0, delay=Normal(1.5, 0.5, low=0.2))
    net.connect(inh, inh, probability(0.3), w=-0.4, delay=0.8)
    net.connect(shared, exc[10:60], probability(0.3), w=70.0, delay=0.5)
    net.connect(wave, inh, probability(0.5), w=0.5, delay=1.2)
    net.connect(given, cond, probability(0.8), w=30.0, delay=0.7, receptor="exc")
    net.drive(exc, Poisson(rate=3000.0), w=25.0, receptor="exc")  # a count in every step
    net.drive(exc[np.array([3, 80, 7, 41])], Poisson(rate=50.0), w=300.0, receptor="exc")  # few events
    net.drive(inh[5:], Poisson(rate=np.linspace(0.0, 8000.0, 26)), w=0.3)
    net.drive(inh, Poisson(rate=TimedArray([0.0, 150.0, 20.0], 20.0)), w=1.5)
    net.drive(cond, Poisson(rate=4000.0), w=1.0, receptor="exc", name="to_cond")
    net.drive(exc[:50], OrnsteinUhlenbeck(mean=50.0, sd=40.0, tau=3.0))
    net.drive(inh[::2], OrnsteinUhlenbeck(sd=20.0), name="noise")
    net.drive(inh, DC(amplitude=30.0))
    net.drive(cond, StepCurrent(times=(10.0, 33.3), amplitudes=(60.0, -20.0)))
    return net


def quiet(seed=1):
    """Neurons that sleep, with now and then a spike from few sources and a drive; one population is busy all the time."""
    net = Network(seed=seed)
    cells = net.populate("cells", 400, LIFExp1(c_m=100.0), v=Uniform(-65, -58))
    slow = net.populate("slow", 150, AdaptiveLIF())
    awake = net.populate("awake", 20, LIFDelta())
    rare = net.populate("rare", 30, PoissonSource(rate=40.0))
    net.connect(rare, cells, probability(0.05), w=1500.0, delay=Uniform(0.5, 3.0))
    net.connect(cells, slow, probability(0.02), w=300.0, delay=1.5, receptor="exc")
    net.connect(cells, cells, probability(0.005), w=-200.0, delay=0.5)
    net.drive(slow, Poisson(rate=2.0), w=900.0, receptor="exc")
    net.drive(awake, Poisson(rate=20000.0), w=0.5)
    net.connect(awake, slow, probability(0.01), w=-10.0, delay=2.0)
    return net


def fingerprint(sim, recorder):
    """Bytes of all spikes and of all state."""
    found = [np.concatenate([np.zeros(0, np.int64), *recorder.steps]).tobytes(), np.concatenate([np.zeros(0, np.int64), *recorder.globals]).tobytes()]
    for population in sim.net.populations.values():
        found += [getattr(sim[population.name], f).tobytes() for f in type(population.model).__thalia__.state_fields]
    return found


def result(net, pieces=(SPAN,), hooks=(), until=SPAN, **options):
    """Fingerprint after runs of the given lengths and the rest."""
    recorder = MemoryRecorder()
    with Simulation(net, [*hooks, recorder], **options) as sim:
        for duration in pieces:
            sim.run(duration)
        sim.run(until=until)
        assert len(recorder.times("exc" if "exc" in net.populations else "cells")) > 30
        return fingerprint(sim, recorder)


@pytest.fixture(scope="module")
def busy_result():
    return result(busy(), sleeping=False)


@pytest.fixture(scope="module")
def quiet_result():
    recorder = MemoryRecorder()
    sim = Simulation(quiet(), [recorder], blocks=4)
    sim.run(SPAN)
    assert sim.a.sleep[:, loop.S_MODE].sum() >= 6, "the test needs sleeping neurons"
    return fingerprint(sim, recorder)


@pytest.mark.parametrize("blocks", [1, 2, 4, 7])
@pytest.mark.parametrize("threads", [1, 2, 4])
def test_workers_and_blocks(busy_result, threads, blocks):
    """For each target the order of its inputs depends neither on who adds them nor on where the network is cut."""
    assert result(busy(), threads=threads, blocks=blocks, sleeping=False) == busy_result


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_workers_with_sleeping_neurons(quiet_result, threads):
    """Who sleeps depends on state alone."""
    assert result(quiet(), threads=threads, blocks=4) == quiet_result


@pytest.mark.parametrize("seed", range(5))
def test_splits_of_the_run(busy_result, quiet_result, seed):
    """run(T) is any sequence of runs, however short; reading in between changes nothing (a sleeper is evaluated on a copy)."""
    random = np.random.default_rng(seed)
    pieces = np.round(random.exponential(3.0, 12), 1)
    assert result(busy(), pieces, sleeping=False) == busy_result
    assert result(quiet(), pieces, blocks=4) == quiet_result


def test_single_steps(busy_result):
    assert result(busy(), [0.1] * 200, sleeping=False, blocks=2, threads=2) == busy_result


class Reader(Hook):
    """Reads everything that can be read."""

    every = 0.7
    at = (0.0, 10.0, 10.0, 33.3)

    def start(self, sim):
        self.samples = [sim.sample(p, "v", every=0.3) for name, p in sim.net.populations.items() if name in ("exc", "inh", "cells", "slow")]

    def handle(self, sim):
        for name, population in sim.net.populations.items():
            for field in (*type(population.model).__thalia__.state_fields, *population.model._fields):
                getattr(sim[name], field)
        for name in sim.net.projections:
            for field in ("w", "i", "j", "delay"):
                getattr(sim[name], field)
            sim[name].synapses(source=[0, 1])
        for name, drive in sim.net.drives.items():
            for field in (*drive.source._fields, "w", "on"):
                getattr(sim[name], field)
        assert sim.counters["emitted"] >= 0 and sim.t >= 0 and sim.memory > 0

    def flushed(self, sim):
        for sample in self.samples:
            sample.take()


class Idle(Hook):
    """Only interrupts."""

    every = 0.1


def test_recorders_readers_and_interrupts(busy_result, quiet_result, tmp_path):
    """Whoever watches, and however often, changes no bit."""
    recorder = Recorder(tmp_path / "busy.h5", state=[Sample("inh", "v", every=1.0)])
    watchers = [Reader(), Idle(), MemoryRecorder(state=[Sample("exc", "i_exc", every=0.2)]), recorder]
    assert result(busy(), hooks=watchers, sleeping=False) == busy_result
    watchers = [Reader(), Idle(), MemoryRecorder(state=[Sample("cells", "v", every=0.2)]), Recorder(tmp_path / "quiet.h5")]
    assert result(quiet(), hooks=watchers, blocks=4) == quiet_result


def test_samples_do_not_depend_on_workers_or_stretches():
    """A sampled value is the state at its time, from a dense or a sleeping piece, in one stretch or many."""
    taken = []
    for threads, pieces in ((1, [SPAN]), (2, [1.3] * 30)):
        recorder = MemoryRecorder(state=[Sample("cells", "v", every=0.4), Sample("slow", "theta", every=1.0)])
        result(quiet(), pieces, hooks=[recorder], threads=threads, blocks=4)
        taken.append([array for name, field in (("cells", "v"), ("slow", "theta")) for array in recorder.samples(name, field)])
    for one, other in zip(*taken, strict=True):
        np.testing.assert_array_equal(one, other)
    times, values = taken[0][:2]
    np.testing.assert_allclose(times, 0.4 * np.arange(1, 151))
    sim = Simulation(quiet(), blocks=4)
    for k in (0, 7, 80, 149):
        sim.run(until=times[k])
        np.testing.assert_array_equal(values[k], sim["cells"].v)


@pytest.mark.parametrize("make, options", [(busy, {"sleeping": False}), (quiet, {"blocks": 4})])
def test_reset_repeats(make, options):
    """After reset() the simulation is as it was at first, also if weights, state, parameters and drives were written."""
    net, recorder = make(), MemoryRecorder()
    sim = Simulation(net, [recorder], **options)
    sim.run(SPAN)
    first = fingerprint(sim, recorder)
    sim.reset()
    sim.run(20.0)
    for projection in net.projections:
        sim[projection].w = 0.0
    for name, population in net.populations.items():
        if hasattr(population.model, "tau_m"):
            sim[name].tau_m, sim[name].v, sim[name].v_th = 7.0, population.model.e_l, 100.0
    for name, drive in net.drives.items():
        if not isinstance(drive.source, StepCurrent):
            sim[name].on = False
    sim.run(20.0)
    sim.reset()
    sim.run(SPAN)
    assert fingerprint(sim, recorder) == first


def test_another_seed_differs(busy_result):
    other = result(busy(seed=2), sleeping=False)
    assert all(a != b for a, b in zip(other[:4], busy_result[:4], strict=True))


def parts_of(**seeds):
    """Bytes of wiring, of initial values, and of what the noise does to neurons that have no synapses."""
    net = busy(seed=1, **seeds)
    sim = Simulation(net)
    wiring = [column.tobytes() for name in net.projections for column in (sim[name].i, sim[name].j, sim[name].w, sim[name].delay)]
    initial = [sim["exc"].v.tobytes(), sim["inh"].v.tobytes()]
    alone = Network(seed=1, **seeds)
    cells = alone.populate("cells", 10, LIFDelta(v_th=1e9))
    alone.drive(cells, Poisson(rate=5000.0), w=0.1)
    alone.drive(cells, OrnsteinUhlenbeck(sd=20.0))
    noisy = Simulation(alone)
    noisy.run(5.0)
    return {"wiring_seed": wiring, "initial_seed": initial, "noise_seed": [noisy["cells"].v.tobytes()]}


@pytest.mark.parametrize("name", ["wiring_seed", "initial_seed", "noise_seed"])
def test_each_seed_changes_its_part_only(name):
    usual, other = parts_of(), parts_of(**{name: 12345})
    for part in usual:
        assert (usual[part] == other[part]) == (part != name)


def test_another_population_shifts_nobody_s_numbers():
    """Streams belong to names: with an unconnected population and drive in front, the others do the same."""

    def build(more):
        net = Network(seed=1)
        if more:
            net.drive(net.populate("first", 77, LIFDelta(), v=Normal(0, 1)), Poisson(rate=100.0))
        cells = net.populate("cells", 50, LIFDelta(), v=Uniform(0, 15))
        net.connect(cells, cells, probability(0.3), w=1.0, delay=Uniform(0.5, 2.0))
        net.drive(cells, Poisson(rate=20000.0), w=0.7)
        return net

    found = []
    for more in (False, True):
        recorder = MemoryRecorder()
        Simulation(build(more), [recorder]).run(40.0)
        found.append((recorder.times("cells").tobytes(), recorder.ids("cells").tobytes()))
    assert found[0] == found[1] and len(found[0][0]) > 100
