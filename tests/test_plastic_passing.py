"""Several rules that move a weight while time passes: against the solution of their equations together, and whoever looks meanwhile."""

import math
from typing import NamedTuple

import numpy as np
import pytest
from test_plastic_engine import START, network

from thalia_sim import BCM, RewardSTDP, ShortTerm, Simulation, WeightDecay, replay_synapse, rule
from thalia_sim.plasticity.chain import Chain
from thalia_sim.plasticity.passing import leaves_weight


def together(e, w, t, tau_e, tau):
    """dw/dt = e - w/tau, tau_e de/dt = -e, from e and w at 0."""
    k, d = 1.0 / tau_e, 1.0 / tau
    return w * math.exp(-d * t) + e / (k - d) * (math.exp(-d * t) - math.exp(-k * t))


@pytest.mark.parametrize(("tau_e", "tau"), [(100.0, 300.0), (20.0, 500.0), (1000.0, 700.0)])
@pytest.mark.parametrize("dt", [0.1, 1.0])
@pytest.mark.parametrize("turned", [False, True])
def test_reward_and_decay_solve_their_equation(tau_e, tau, dt, turned):
    """After one pair and up to 1 s of silence, in one gap: within the error of splitting, at most h^2/12 (1/tau_e)(1/tau_e + 1/tau) of what the
    reward gave (h the piece of 5 ms), whichever rule comes first. Whole gaps one after another would be wrong by tens of per cent."""
    rules = [RewardSTDP(a_plus=0.01, tau_e=tau_e), WeightDecay(tau=tau)]
    e = 0.01 * math.exp(-2.0 / 20.0)
    for t in (10.0, 100.0, 1000.0):
        got = replay_synapse(rules[::-1] if turned else rules, [10.0], [12.0], 0.5, dt=dt, until=12.0 + t).w[-1]
        begun = 0.5 * math.exp(-12.0 / tau)
        given = together(e, begun, t, tau_e, tau) - begun * math.exp(-t / tau)
        error = 25.0 / 12.0 / tau_e * (1.0 / tau_e + 1.0 / tau) * given
        assert got == pytest.approx(together(e, begun, t, tau_e, tau), abs=error + 4e-7)  # roundings at four events
        assert error < 0.011 * given


def test_it_does_not_matter_who_looks_or_writes():
    """Weights after 0.6 s, with nothing done meanwhile, or a channel written (as what it is) every 5 ms: equal but for roundings and splitting."""
    found = []
    for write in (False, True):
        sim = Simulation(network([RewardSTDP(a_plus=0.003, tau_e=100.0), WeightDecay(tau=300.0)], w=START))
        for _ in range(120):
            sim.run(5.0)
            if write:
                sim["exc->exc"].m_learning = 1.0
        found.append(sim["exc->exc"].w)
    assert np.ptp(found[0]) > 0.01
    np.testing.assert_allclose(found[1], found[0], rtol=2e-5)


def branches(w, s, k, dt, p):
    return (w if s > 5.0 else 0.9 * w), s


def counts_twice(w, s, k, dt, p):
    return w, s + w


def turned_over(w, s, k, dt, p):
    return s, w


def untouched(w, s, k, dt, p):
    now = s * math.exp(-k * dt / p.tau)
    return w, now


def test_rules_that_leave_the_weight_are_asked_for_the_whole_gap():
    """What a `between` does with w decides: handed on as it is, it need not be interleaved, and a chain with one that moves w is exact."""
    for function, left in ((branches, False), (counts_twice, False), (turned_over, False), (untouched, True)):

        @rule(between=function, state={"s": 1.0})
        class Own(NamedTuple):
            tau: float = 10.0

        assert leaves_weight(Own) is left, function
    assert leaves_weight(ShortTerm) and leaves_weight(BCM) and not leaves_weight(RewardSTDP) and not leaves_weight(WeightDecay)
    assert Chain((ShortTerm(), WeightDecay())).interleaved == [] == Chain((RewardSTDP(),)).interleaved
    assert Chain((ShortTerm(), WeightDecay(), RewardSTDP())).interleaved == [1, 2]
    exact = replay_synapse([ShortTerm(), WeightDecay(tau=300.0)], [10.0], [], 0.5, until=500.0)
    assert exact.w[-1] == np.float32(exact.w[0] * math.exp(-490.0 / 300.0))
