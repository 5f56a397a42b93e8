"""Parameters of rules that are set in a run act on the future alone: against formulas, and against the reference taken apart at that time."""

import numpy as np
import pytest
from test_plastic_engine import START, network

from thalia_sim import (
    BCM,
    Covariance,
    Hebb,
    LIFDelta,
    MemoryRecorder,
    Network,
    PairSTDP,
    PathError,
    ShortTerm,
    Simulation,
    SimulationError,
    SpikeArray,
    TripletSTDP,
    WeightDecay,
    all_to_all,
)
from thalia_sim.plasticity.chain import Chain
from thalia_sim.plasticity.reference import Synapse


def one_synapse(rule, arrivals, spikes, w=0.5):
    """A synapse at which spikes arrive, and whose target fires, in the steps that end at given times."""
    net = Network(seed=1)
    pre = net.populate("pre", 1, SpikeArray(np.array(arrivals) - 1.0, np.zeros(len(arrivals), int)))
    go = net.populate("go", 1, SpikeArray(np.array(spikes) - 1.0, np.zeros(len(spikes), int)))
    post = net.populate("post", 1, LIFDelta(tau_m=20.0, v_th=15.0, t_ref=2.0))
    net.connect(pre, post, all_to_all(), w=w, delay=1.0, rule=rule, name="syn")
    net.connect(go, post, all_to_all(), w=20.0, delay=1.0)
    return Simulation(net)


def test_time_constants_of_traces_leave_the_past():
    """From 10.1 ms (the step after the spike at 10) to 100.1 the trace decays with 20 ms, then to 110.1 with 1000; each step counts at its begin."""
    expected = 0.1 * np.exp(-90.0 / 20.0 - 10.0 / 1000.0)
    sim = one_synapse(Hebb(tau_pre=20.0, eta=0.1), [10.1], [110.1])
    sim.run(100.0)
    sim["syn"].tau_pre = 1000.0
    sim.run(50.0)
    assert sim["syn"].w - 0.5 == pytest.approx(expected, rel=1e-4)
    sim = one_synapse(PairSTDP(tau_post=20.0, a_minus=0.1), [110.1], [10.1])
    sim.run(100.0)
    sim["syn"].tau_post = 1000.0
    sim.run(50.0)
    assert sim["syn"].w - 0.5 == pytest.approx(-expected, rel=1e-4)


def test_the_threshold_of_bcm_does_not_jump():
    """theta is the same before and after; once the trace is gone it decays with the new time constant, theta e^(-t/tau_theta)."""
    sim = one_synapse(BCM(tau_theta=1000.0, tau_post=20.0), [4000.0], [10.0])
    sim.run(1000.0)
    before = sim["syn"].theta
    sim["syn"].tau_theta = 300.0
    assert np.array_equal(sim["syn"].theta, before) and before > 0.0
    sim.run(600.0)
    assert sim["syn"].theta == pytest.approx(before * np.exp(-2.0), rel=1e-9)


RULES = {
    "pair": ([PairSTDP(a_plus=0.05, a_minus=0.04), WeightDecay(tau=3000.0)], {"tau_pre": 60.0}),
    "pair target": ([PairSTDP(a_plus=0.05, a_minus=0.04)], {"tau_post": 5.0, "tau_pre": 40.0}),
    "triplet": ([TripletSTDP(w_max=5.0)], {"tau_post_slow": 30.0, "tau_pre_slow": 300.0}),
    "covariance": ([Covariance(eta=0.02)], {"tau_pre_slow": 100.0}),
    "threshold": ([BCM(eta=0.05)], {"tau_theta": 50.0, "power": 3.0, "tau_post": 20.0}),
    "short term": ([ShortTerm(tau_f=50.0)], {"tau_d": 100.0}),
    "dendritic": ([PairSTDP(a_plus=0.05, a_minus=0.04, dendritic=0.5)], {"tau_pre": 60.0}),
}


def taken_apart(rules, changes, arrivals, spikes, at, end):
    """The reference with other parameters from step `at` on: everything is brought to that step with the old ones."""
    synapse = Synapse(list(rules), START, 0.1, {})
    changed = Chain((rules[0]._replace(**changes), *rules[1:]))
    for step, kind in sorted([(s, 0) for s in arrivals] + [(at, -1)] + [(s, 1) for s in spikes]):
        if step >= end:
            continue
        synapse.now = step
        if kind < 0:
            synapse.pass_time()
            now, state = {**synapse.traces("pre"), **synapse.traces("post")}, synapse.target_now()
            synapse.after.update(now)
            synapse.target.update(state)
            synapse.last, synapse.chain = {"pre": at, "post": at}, changed
        else:
            (synapse.fire if kind else synapse.arrive)()
    synapse.now = end
    synapse.pass_time()
    return synapse


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("blocks", [1, 3])
def test_every_synapse_is_that_of_the_reference_taken_apart(name, blocks):
    """A network of 30 neurons with mixed delays, parameters set after 0.2 s: weights of every synapse but for rounding.

    (The reference cuts every decay at that time, the engine those of which a parameter was set.)"""
    rules, changes = RULES[name]
    memory = MemoryRecorder()
    sim = Simulation(network(list(rules), w=START), [memory], blocks=blocks, threads=blocks)
    sim.run(200.0)
    before = sim["exc->exc"].w
    for field, value in changes.items():
        label = field if field in sim["exc->exc"].known() else f"{type(rules[0]).__name__}.{field}"
        setattr(sim["exc->exc"], label, value)
    assert np.array_equal(sim["exc->exc"].w, before)
    sim.run(200.0)
    times, ids = memory.spikes_of("exc")
    fired = [np.rint(times[ids == k] / 0.1).astype(int) - 1 for k in range(30)]
    view, share, found = sim["exc->exc"], getattr(rules[0], "dendritic", 0.0), []
    for i, j, delay in zip(view.i, view.j, view.delay, strict=True):
        d = round(delay / 0.1)
        found.append(taken_apart(rules, changes, fired[i] + d, fired[j] + int(2 * share * d + 0.5), 2000, 4000))
    np.testing.assert_allclose(view.w, [synapse.w for synapse in found], rtol=1e-6)  # ten roundings of weights to single precision
    for n, field in found[0].chain.target:
        np.testing.assert_allclose(getattr(view, field)[view.j], [synapse.target_now()[n, field] for synapse in found], rtol=1e-12)
    for n, field in found[0].chain.state:
        np.testing.assert_allclose(getattr(view, field), [synapse.state[n, field] for synapse in found], rtol=1e-6)
    assert len(times) > 300 and (np.abs(view.w - before).max() > 1e-3 or found[0].chain.state)


def test_a_branch_leaves_the_past_too(tmp_path):
    """A time constant that a branch is given acts as one that is set at that time, to the bit."""
    first = Simulation(network(PairSTDP(a_plus=0.05)))
    first.run(100.0)
    first.save(tmp_path / "c.h5")
    second = Simulation.resume(tmp_path / "c.h5", branch=tmp_path / "b.h5", changes={"exc->exc.rule.tau_post": 200.0})
    first["exc->exc"].tau_post = 200.0
    for sim in (first, second):
        sim.run(200.0)
    assert np.array_equal(first["exc->exc"].w, second["exc->exc"].w)
    second.close()


def test_what_is_on_its_way_along_a_dendrite_is_refused():
    """With a dendritic share the target's past is still to come at the synapses, each at its own time; what is of the source can be set."""
    sim = Simulation(network(PairSTDP(dendritic=0.5)))
    sim.run(10.0)
    with pytest.raises(SimulationError, match="tau_post of exc->exc cannot be changed in a run: with a dendritic share, traces of the target are on"):
        sim["exc->exc"].tau_post = 30.0
    sim["exc->exc"].tau_pre = 30.0
    sim["exc->exc"].a_plus = 0.01


def test_names_of_parameters_in_views_and_paths():
    """By its own name or as Rule.name, of one rule or several, in the description as in a run; what two rules have needs the rule's name."""
    for rules, names in (([PairSTDP()], ("a_plus", "PairSTDP.a_plus")), ([PairSTDP(), WeightDecay()], ("tau", "WeightDecay.tau"))):
        net = network(rules)
        sim = Simulation(net)
        for value, name in zip((0.011, 0.012), names, strict=True):
            net.set(f"exc->exc.rule.{name}", value)
            setattr(sim["exc->exc"], name, 2.0 * value)
            assert all(net.get(f"exc->exc.rule.{other}") == value for other in names)
            assert all(getattr(sim["exc->exc"], other) == 2.0 * value for other in names)
    net = network([PairSTDP(), TripletSTDP(w_max=1.0)])
    told = "tau_pre is a field of several rules: write PairSTDP.tau_pre or TripletSTDP.tau_pre"
    with pytest.raises(PathError, match=told):
        net.set("exc->exc.rule.tau_pre", 30.0)
    with pytest.raises(PathError, match=told):
        Simulation(net)["exc->exc"].tau_pre  # noqa: B018
    with pytest.raises(PathError, match=told):
        Simulation(net)["exc->exc"].tau_pre = 30.0
