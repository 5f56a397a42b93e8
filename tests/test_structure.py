"""Synapses that are removed and made in a run: pruning against cutting, growing against the reference, and that nothing else moves."""

import warnings

import numpy as np
import pytest
from test_plastic_engine import network

from thalia_sim import (
    LIF,
    DescriptionError,
    EIBalance,
    Hebb,
    Lesion,
    MemoryRecorder,
    MetabolicConstraint,
    Network,
    PairSTDP,
    Poisson,
    PoissonSource,
    Prune,
    Recorder,
    Regrow,
    RewardSTDP,
    Scale,
    Simulation,
    SimulationError,
    Uniform,
    WeightDecay,
    all_to_all,
    from_arrays,
    probability,
    replay_synapse,
    total_number,
)

NAMES = ("source->exc", "exc->exc", "exc->inh", "inh->exc", "inh->inh")


def several(seed=1):
    """Static projections of one weight and of many, and plastic ones, before and behind each other in memory."""
    net = Network(seed=seed)
    exc, inh = net.populate("exc", 60, LIF(tau_m=20.0, v_th=15.0)), net.populate("inh", 20, LIF(tau_m=10.0, v_th=15.0))
    source = net.populate("source", 30, PoissonSource(rate=20.0))
    net.drive(exc + inh, Poisson(rate=1100.0), w=1.0)
    delay = Uniform(0.5, 9.0)
    net.connect(source, exc, probability(0.3), w=Uniform(0.1, 0.9), delay=delay, rule=RewardSTDP(a_plus=0.0005))
    net.connect(exc, exc, probability(0.2), w=Uniform(0.0, 0.6), delay=delay, rule=[PairSTDP(a_plus=0.02), WeightDecay(tau=3000.0)])
    net.connect(exc, inh, probability(0.2), w=0.4, delay=delay)
    net.connect(inh, exc, probability(0.3), w=Uniform(-0.6, -0.1), delay=delay)
    net.connect(inh, inh, probability(0.3), w=-0.2, delay=1.0, rule=Hebb(eta=0.001))
    return net


def tables(sim):
    return {name: np.array(sim[name].table()) for name in NAMES}


def balanced(sim):
    c = sim.counters
    return c["emitted"] == c["delivered"] + c["in_flight"] + c["cancelled"]


@pytest.mark.parametrize("name", ["source->exc", "exc->exc", "inh->inh"])
@pytest.mark.parametrize("blocks", [1, 3])
def test_pruned_synapses_are_gone_and_all_else_is_as_it_was(name, blocks):
    """Tables of all projections before and after; events balance; and the run goes on as one in which the same synapses are cut, to the bit."""
    runs = []
    for pruned in (True, False):
        memory = MemoryRecorder()
        sim = Simulation(several(), [memory], blocks=blocks)
        sim.run(100.0)
        before = tables(sim)
        chosen = np.arange(len(sim[name])) % 3 == 1
        if pruned:
            assert sim[name].prune(chosen) == chosen.sum()
            after = tables(sim)
            assert np.array_equal(after[name], before[name][:, ~chosen])
            assert all(np.array_equal(after[other], before[other]) for other in NAMES if other != name)
            assert sim.counters["cancelled"] > 0 and sim[name].statistics["pruned"] == chosen.sum() and sim[name].statistics["bounded"] >= 0
            kept = slice(None)
        else:
            sim[name].overlay("cut", np.flatnonzero(chosen), 0.0)
            kept = ~chosen
        sim.run(300.0)
        assert balanced(sim)
        runs.append((memory.spikes_of("exc"), {n: t[:, kept] if n == name else t for n, t in tables(sim).items()}))
    (spikes, weights), (others, other_weights) = runs
    assert len(spikes[0]) > 500 and np.array_equal(spikes, others)
    assert all(np.array_equal(weights[n], other_weights[n]) for n in NAMES)


@pytest.mark.parametrize("blocks", [1, 3])
def test_grown_synapses_learn_from_their_birth_on(blocks):
    """New synapses with a delay of their own, against the reference fed with what came after their birth; the others as without them."""
    net = network(Hebb(eta=0.003), delay=Uniform(2.0, 4.0))
    memory = MemoryRecorder()
    sim = Simulation(net, [memory], blocks=blocks)
    sim.run(100.0)
    before = np.array(sim["exc->exc"].table())
    i, j, delay = np.array([3, 3, 7, 29]), np.array([5, 6, 7, 0]), np.array([4.2, 4.2, 4.1, 4.3])
    assert sim["exc->exc"].grow(i, j, 0.05, delay) == 4
    after = np.array(sim["exc->exc"].table())
    assert after.shape[1] == before.shape[1] + 4
    old = after[3] < 4.05
    assert np.array_equal(after[:, old], before)
    sim.run(300.0)
    assert balanced(sim) and sim["exc->exc"].statistics["grown"] == 4
    t, k = memory.spikes_of("exc")
    found = sim["exc->exc"].synapses()
    for a, b, d in zip(i, j, delay, strict=True):
        arrivals = [x for x in np.rint(t[k == a] / 0.1).astype(int) - 1 + round(d / 0.1) if 1000 <= x < 4000]
        spikes = [x for x in np.rint(t[k == b] / 0.1).astype(int) - 1 if x >= 1000]
        expected = replay_synapse(Hebb(eta=0.003), np.array(arrivals) * 0.1, np.array(spikes) * 0.1, 0.05).w[-1]
        assert found["w"][(found["i"] == a) & (found["j"] == b) & (np.abs(found["delay"] - d) < 0.01)] == np.float32(expected)


@pytest.mark.parametrize("threads, blocks, at", [(2, 3, 450.0), (1, 3, 0.0)])
def test_a_run_with_pruning_and_regrowth_is_repeated_by_threads_and_resume(tmp_path, threads, blocks, at):
    """Hooks that prune and regrow every 100 ms; the same bits on two threads, and after a resume in between."""

    def hooks():
        return [MemoryRecorder(), Prune("exc->exc", below=0.2, every=100.0), Regrow("exc->exc", w=0.3, every=200.0)]

    first = Simulation(several(), hooks(), blocks=3)
    first.run(900.0)
    assert first.hooks[1].diagnostics()["pruned"] > 50 and first.hooks[2].diagnostics()["grown"] > 50 and balanced(first)
    second = Simulation(several(), hooks(), threads=threads, blocks=blocks)
    if at:
        second.run(at)
        second.save(tmp_path / "c.h5")
        second = Simulation.resume(tmp_path / "c.h5", threads=threads)
    second.run(900.0 - at)
    assert np.array_equal(first.hooks[0].spikes_of("exc"), second.hooks[0].spikes_of("exc"))
    assert all(np.array_equal(a, b) for a, b in zip(tables(first).values(), tables(second).values(), strict=True))


def test_pruning_and_regrowth_keep_the_number_of_synapses():
    """Weak ones go, as many come, none of them double and no autapses where there were none."""
    net = Network(seed=3)
    exc = net.populate("exc", 50, LIF(tau_m=20.0, v_th=15.0))
    net.drive(exc, Poisson(rate=1000.0), w=1.0)
    net.connect(exc, exc, probability(0.2), w=Uniform(0.0, 0.4), delay=1.5, autapses=False, rule=PairSTDP(a_plus=0.01, a_minus=0.02))
    sim = Simulation(net, [Prune("exc->exc", below=0.05, every=50.0), Regrow("exc->exc", w=0.2, every=50.0)])
    n = len(sim["exc->exc"])
    sim.run(500.0)
    view = sim["exc->exc"]
    assert len(view) == n == sim.hooks[1].diagnostics()["synapses"] and view.statistics["pruned"] == view.statistics["grown"] > 20
    assert len(np.unique(view.i * 50 + view.j)) == n and (view.i != view.j).all()


@pytest.mark.parametrize("blocks", [2, 3, 5])
def test_new_synapses_do_not_depend_on_blocks(blocks):
    """Grown where segments of the same delay are and where none are: they have no past either way."""
    runs = []
    for n in (1, blocks):
        sim = Simulation(network(PairSTDP(a_plus=0.05)), blocks=n)
        sim.run(200.0)
        rng = np.random.default_rng(3)
        sim["exc->exc"].grow(rng.integers(30, size=120), rng.integers(30, size=120), 0.3, rng.choice([1.5, 2.0], size=120))
        sim.run(300.0)
        view = sim["exc->exc"]
        order = np.lexsort((view.w, view.j, view.delay, view.i))
        runs.append((view.w[order], view.j[order], sim.counters["neuron_updates"], sim.counters["delivered"]))
    assert all(np.array_equal(a, b) for a, b in zip(*runs, strict=True))


def test_pruning_beside_other_hooks(tmp_path):
    """A recorder before and after, views of populations, an intervention that is in force: Prune waits, nothing breaks."""
    hooks = [Recorder(tmp_path / "a.h5"), Prune("exc->exc", below=0.29, every=50.0), Regrow("exc->exc", w=0.3, every=50.0)]
    with Simulation(several(), [*hooks, Scale("exc->exc", 0.9, at=120.0, until=260.0)]) as sim:
        sim.run(100.0)
        n = len(sim["exc->exc"])
        assert sim["exc"].v is not None and hooks[1].diagnostics()["pruned"] > 0
        pruned = hooks[1].diagnostics()["pruned"]
        sim.run(50.0)
        assert hooks[1].diagnostics()["pruned"] == pruned and (np.abs(sim["exc->exc"].w) < 0.29).any()
        sim.run(300.0)
        assert len(sim["exc->exc"]) == n


@pytest.mark.parametrize("emptied", ["by pruning", "from the start", "of one population"])
def test_growth_into_a_projection_without_synapses_leaves_those_behind_it_alone(emptied):
    """Weights of every other projection before and after, to the bit; the new ones are where they were asked for."""
    net = Network(seed=3)
    a, b, c = (net.populate(name, 6, LIF(tau_m=20.0, v_th=15.0)) for name in "abc")
    wiring = all_to_all() if emptied == "by pruning" else from_arrays([], []) if emptied == "from the start" else from_arrays([7, 8], [0, 1])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        net.connect(a + b if emptied == "of one population" else a, c, wiring, w=0.1, delay=1.0, rule=PairSTDP(), name="one")
        net.connect(b, c, probability(0.5), w=Uniform(0.3, 0.4), delay=1.0, rule=PairSTDP(), name="two")
        net.connect(b, a, probability(0.5), w=Uniform(-0.5, -0.3), delay=1.0, name="static")
        sim = Simulation(net)
    if emptied == "by pruning":
        sim["one"].prune(np.arange(36))
    had = sim["one"].w
    before = {name: sim[name].w for name in ("two", "static")}
    assert sim["one"].grow([0, 1, 2], [3, 4, 5], 0.9, 1.0) == 3
    for name, w in before.items():
        np.testing.assert_array_equal(sim[name].w, w)
    assert sorted(sim["one"].w) == pytest.approx(sorted([*had, 0.9, 0.9, 0.9]))
    found = sim["one"].synapses(source=[0, 1, 2])
    assert (found["i"].tolist(), found["j"].tolist()) == ([0, 1, 2], [3, 4, 5]) and found["w"] == pytest.approx(0.9)
    sim.run(20.0)


def test_segments_without_synapses_do_not_pile_up():
    """250 rounds in which half of 400 synapses go and as many come: segments stay within three times that, where each round opens up to 200."""
    net = Network(seed=3)
    a, b = net.populate("a", 50, PoissonSource(rate=50.0)), net.populate("b", 50, LIF(tau_m=20.0, v_th=15.0))
    net.connect(a, b, total_number(400), w=0.1, delay=Uniform(0.5, 9.0), rule=PairSTDP(), name="one")
    sim, random, counts = Simulation(net), np.random.default_rng(1), []
    for _ in range(250):
        sim.run(1.0)
        sim["one"].prune(random.choice(400, 200, replace=False))
        sim["one"].grow(random.integers(0, 50, 200), random.integers(0, 50, 200), 0.1, np.round(random.uniform(1.0, 9.0, 200), 1))
        counts.append(len(sim.a.seg) - 1)
    assert len(sim["one"]) == 400 and counts[-1] < 3 * 400 and max(counts[125:]) < 1.3 * max(counts[:125])


def test_a_lesion_of_synapses_that_are_gone_says_so():
    """They are numbered when the run begins; a share of what was there then may be more than is left."""
    sim = Simulation(several(), [Prune("exc->exc", below=0.5, every=100.0), Lesion("exc->exc", share=0.9, at=150.0)])
    with pytest.raises(SimulationError, match="names synapse .* are left since others were pruned"):
        sim.run(200.0)


def test_views_follow_when_as_many_go_as_come():
    """The arrays are as long as before, but what lies behind the projection has moved and moved back."""
    sim = Simulation(several())
    sim.run(50.0)
    before = tables(sim)
    sim["source->exc"].prune([0, 1, 2])
    sim["exc->exc"].grow([1, 2, 3], [4, 5, 6], 0.1, 5.0)
    after = tables(sim)
    for name in ("exc->inh", "inh->exc", "inh->inh"):
        assert np.array_equal(before[name], after[name])
    assert after["exc->exc"].shape[1] == before["exc->exc"].shape[1] + 3


def test_frozen_projections_keep_their_synapses():
    """Freezing is a switch that no hook can ignore."""
    sim = Simulation(several(), [Prune("exc->exc", below=0.3, every=50.0)])
    sim["exc->exc"].plastic = False
    n = len(sim["exc->exc"])
    sim.run(200.0)
    assert len(sim["exc->exc"]) == n


def test_what_cannot_be_pruned_or_grown_is_refused(tmp_path):
    """By name, with the remedy."""
    sim = Simulation(several())
    with pytest.raises(SimulationError, match="prune of exc->inh: only a projection with a rule can, connect it with rule="):
        sim["exc->inh"].prune([0])
    with pytest.raises(DescriptionError, match="prune of exc->exc is given .*: give numbers below"):
        sim["exc->exc"].prune([10**6])
    with pytest.raises(DescriptionError, match="grow of exc->exc is given j = .*: give whole numbers below 60"):
        sim["exc->exc"].grow([0], [60], 0.1, 1.0)
    with pytest.raises(DescriptionError, match="the shortest is 0.5 ms"):
        sim["exc->exc"].grow([0], [1], 0.1, 0.1)
    with pytest.raises(DescriptionError, match="w of exc->exc is given a value that is no finite number"):
        sim["exc->exc"].grow([0], [1], float("nan"), 1.0)
    with pytest.raises(DescriptionError, match="a delay that is no finite number"):
        sim["exc->exc"].grow([0], [1], 0.1, float("nan"))
    with pytest.raises(DescriptionError, match="number of Regrow"):
        Regrow("exc->exc", w=0.1, number=-5)
    with pytest.raises(DescriptionError, match="w of Regrow"):
        Regrow("exc->exc", w=float("nan"))
    with pytest.raises(DescriptionError, match="w of exc->exc is given size 3"):
        sim["exc->exc"].grow([0], [1], 3.0, 1.0)
    sim["exc->exc"].overlay("x", np.arange(3), 0.5)
    with pytest.raises(SimulationError, match="an intervention lies over its weights"):
        sim["exc->exc"].prune([0])
    with Simulation(several(), [Recorder(tmp_path / "r.h5", weights=["exc->exc"])]) as recorded:
        recorded.run(1.0)
        with pytest.raises(SimulationError, match="its weights are recorded synapse by synapse"):
            recorded["exc->exc"].prune([0])
    sim = Simulation(several(), [MetabolicConstraint("exc", budget=1.0, reduce_gain=False), EIBalance("exc", "inh", target=1.0)])
    sim.run(1.0)
    assert sim["exc->exc"].prune([0]) == 1
    with pytest.raises(DescriptionError, match="below of Prune"):
        Prune("exc->exc", below=0.0)
    with pytest.raises(SimulationError, match="hook prune x->y names no projection"):
        Simulation(several(), [Prune("x->y", below=0.1)]).run(1.0)


def two_sources(turned):
    """A projection whose sources lie in two populations, of which the first that is named was made first, or last (`turned`)."""
    net = Network(seed=3)
    a, b, c = (net.populate(name, n, LIF()) for name, n in (("a", 10), ("b", 7), ("c", 10)))
    net.connect(b + a if turned else a + b, c, probability(0.8), w=Uniform(0.1, 0.3), delay=Uniform(0.5, 3.0), rule=PairSTDP(w_max=0.5), name="syn")
    return Simulation(net)


@pytest.mark.parametrize("turned", [False, True])
def test_synapses_from_two_populations_go_by_name(turned):
    """Named ones of either part, or of both, are gone, and no others: against the table of before, filtered."""
    for chosen in (lambda i: i < 5, lambda i: (i >= 5) & (i < 10), lambda i: i >= 12, lambda i: i % 3 == 0, lambda i: i >= 0):
        sim = two_sources(turned)
        sim.run(5.0)
        before = np.array(sim["syn"].table())
        mask = chosen(sim["syn"].i)
        assert sim["syn"].prune(mask) == mask.sum() == sim["syn"].statistics["pruned"]
        assert np.array_equal(np.array(sim["syn"].table()), before[:, ~mask])


@pytest.mark.parametrize("turned", [False, True])
def test_weights_and_state_of_sources_in_any_order(turned):
    """Weights that are written one by one are read at the same synapses, whatever the order in which the populations of the source are named."""
    sim = two_sources(turned)
    i, j = sim["syn"].i, sim["syn"].j
    sim["syn"].w = (0.01 * i + 0.001 * j).astype(np.float32)
    assert np.array_equal(sim["syn"].w, (0.01 * i + 0.001 * j).astype(np.float32))
    assert np.array_equal(sim["syn"].synapses(source=12)["w"], sim["syn"].w[i == 12])
