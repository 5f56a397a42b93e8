"""Bounds of strengths in single precision: what is kept, what counts as bounded, what the engine takes back."""

import numpy as np
import pytest

from thalia_sim import Hebb, LIFDelta, Network, PairSTDP, RewardSTDP, Scale, Simulation, SpikeArray, WeightDecay, all_to_all, replay_synapse


def at_a_bound(w, **how):
    """One synapse whose source and target fire in turn, every 10 ms, under pair STDP."""
    net, t = Network(seed=1), np.arange(5.0, 200.0, 10.0)
    pre, go = (net.populate(name, 1, SpikeArray(times, np.zeros(len(t), int))) for name, times in (("pre", t), ("go", t + 2.0)))
    post = net.populate("post", 1, LIFDelta(tau_m=20.0, v_th=15.0, t_ref=2.0))
    net.connect(pre, post, all_to_all(), w=w, delay=1.0, rule=PairSTDP(**how), name="syn")
    net.connect(go, post, all_to_all(), w=20.0, delay=1.0)
    return net


@pytest.mark.parametrize("softness", [0.0, 0.5, 1.0])
def test_bounds_that_single_precision_has_not(softness):
    """0.3 lies between two single-precision numbers, 0.29999998 and 0.30000001: the strength stays at the one that is no larger, and a bound acts
    only where something would go beyond it; the same for a least strength of 0.7 (between 0.69999999 and 0.70000005)."""
    high, low = np.nextafter(np.float32(0.3), np.float32(0.0)), np.nextafter(np.float32(0.7), np.float32(1.0))
    assert float(high) < 0.3 and float(np.float32(0.7)) < 0.7 < float(low)
    sim = Simulation(at_a_bound(0.3, w_max=0.3, a_plus=0.5, a_minus=0.0, softness=softness))
    sim.run(200.0)
    assert sim["syn"].w == high
    assert sim["syn"].statistics["bounded"] == (19 if softness == 0.0 else 0)  # once for each spike of the target that was met
    sim = Simulation(at_a_bound(0.7, w_min=0.7, a_plus=0.0, a_minus=0.5, softness=softness))
    sim.run(200.0)
    assert sim["syn"].w == low
    assert np.array_equal(sim["syn"].w, replay_synapse(sim.net.projections["syn"].rule, np.arange(6.0, 200.0, 10.0), [], 0.7).w[-1:])


def test_weights_of_the_engine_are_taken_by_it():
    """What a bound has held can be written, grown, described and made the bound."""
    sim = Simulation(at_a_bound(0.2, w_max=0.3, a_plus=0.5))
    sim.run(195.0)
    held = sim["syn"].w
    assert held == np.float32(0.3) - np.spacing(np.float32(0.25))
    sim["syn"].w = held
    sim["syn"].w = 0.5 * held + 0.5 * held
    assert sim["syn"].grow([0], [0], held[0], 1.0) == 1 and np.array_equal(sim["syn"].w, [held[0], held[0]])
    assert Simulation(at_a_bound(float(held[0]), w_max=0.3))["syn"].w == held
    sim["syn"].w_max = float(held[0])
    assert (sim["syn"].w == held[0]).all()
    sim["syn"].w_max = 0.1  # lies below its single-precision number: weights come below both
    assert (sim["syn"].w <= 0.1).all()
    one = Simulation(at_a_bound(0.3, w_min=0.3, w_max=0.3))  # no single-precision number between them: the next above
    one.run(100.0)
    assert one["syn"].w == np.float32(0.3)
    one["syn"].w = one["syn"].w


@pytest.mark.parametrize("softness", [0.5, 1.0])
def test_a_scale_beyond_a_soft_bound_leaves_no_room(softness):
    """A weight that a scale brought beyond the bound has no room to grow: it is held at the bound (the target fires before the next arrival)."""
    sim = Simulation(at_a_bound(0.4, w_max=0.5, a_plus=0.1, a_minus=0.0, softness=softness), [Scale("syn", 2.0, at=47.0)])
    sim.run(200.0)
    assert sim["syn"].w == 0.5


@pytest.mark.parametrize("chain, low, high", [
    ([PairSTDP(a_plus=0.5, a_minus=0.0, w_max=0.7), WeightDecay(tau=100.0, w_rest=2.0)], 0.0, 0.7),
    ([PairSTDP(a_plus=0.0, a_minus=0.1, w_min=0.3, w_max=0.7), WeightDecay(tau=20.0)], 0.3, 0.7),
    ([PairSTDP(a_plus=0.5, a_minus=0.0, w_max=0.7), RewardSTDP(a_plus=0.05, w_max=10.0)], 0.0, 0.7),
    ([PairSTDP(a_plus=0.5, a_minus=0.0, w_max=0.7), Hebb(eta=0.5, w_max=10.0)], 0.0, 0.7),
])  # fmt: skip
def test_a_chain_keeps_to_the_bounds_that_all_its_rules_have(chain, low, high):
    """Rules that push beyond the narrower bounds of another one: weights stay within the common ones, meet them, and can be written back."""
    net = at_a_bound(0.5)
    net.projections["syn"].rule = None
    net.connect("pre", "post", all_to_all(), w=0.5, delay=1.0, rule=chain, name="chain")
    sim, met = Simulation(net), []
    for _ in range(60):
        sim.run(5.0)
        met.append(float(sim["chain"].w[0]))
    assert low <= min(met) and max(met) <= high
    assert min(abs(min(met) - low), abs(max(met) - high)) < 1e-6
    sim["chain"].w = sim["chain"].w
