"""Plasticity rules on one synapse in plain Python (`replay_synapse`), held against their formulas and theory, and the contract of rules."""

import math
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thalia_sim.errors import DescriptionError
from thalia_sim.plasticity import (
    AntiHebb,
    Hebb,
    NearestSTDP,
    Oja,
    PairSTDP,
    RewardSTDP,
    ShortTerm,
    SoftSTDP,
    TripletSTDP,
    VogelsSprekeler,
    replay_synapse,
    rule,
)
from thalia_sim.plasticity.contract import check_parameters, rule_of

RULES = [AntiHebb, Hebb, NearestSTDP, Oja, PairSTDP, RewardSTDP, ShortTerm, SoftSTDP, TripletSTDP, VogelsSprekeler]
SINGLE = 2e-7  # weights are kept in single precision


# formulas


@pytest.mark.parametrize("gap", [-60.0, -20.0, -5.0, -0.1, 0.1, 5.0, 20.0, 60.0])
def test_the_stdp_window_is_its_two_exponentials(gap):
    """dw(post - pre) = a_plus exp(-gap / tau_pre) for gap > 0, -a_minus exp(gap / tau_post) for gap < 0."""
    p = PairSTDP(tau_pre=15.0, tau_post=30.0, a_plus=0.01, a_minus=0.008, w_max=2.0)
    found = replay_synapse(p, [100.0], [100.0 + gap], 1.0).w[-1] - 1.0
    expected = 2.0 * (0.01 * math.exp(-gap / 15.0) if gap > 0 else -0.008 * math.exp(gap / 30.0))
    assert found == pytest.approx(expected, abs=SINGLE)


def test_at_one_time_the_arrival_comes_first():
    """So the pair gains, by a full trace."""
    assert replay_synapse(PairSTDP(a_plus=0.01), [50.0], [50.0], 0.5).w[-1] == pytest.approx(0.51, abs=SINGLE)


times = st.lists(st.integers(1, 3000).map(lambda k: k / 10), max_size=25, unique=True)


@settings(max_examples=60, deadline=None)
@given(times, times, st.sampled_from([0.0, 0.5, 1.0]))
def test_stdp_against_sums_over_pairs(arrivals, spikes, mu):
    """All-to-all pairs, summed one by one with the weight of the moment."""
    p = PairSTDP(a_plus=0.02, a_minus=0.03, softness=mu, w_max=1.0)
    w = 0.5
    for t, kind in sorted([(t, 0) for t in arrivals] + [(t, 1) for t in spikes]):
        if kind == 0:
            w -= 0.03 * w**mu * sum(math.exp(-(t - s) / 20.0) for s in spikes if s < t)
        else:
            w += 0.02 * (1.0 - w) ** mu * sum(math.exp(-(t - s) / 20.0) for s in arrivals if s <= t)
        w = min(max(w, 0.0), 1.0)
    found = replay_synapse(p, arrivals, spikes, 0.5).w
    assert (found[-1] if len(found) else 0.5) == pytest.approx(w, abs=1e-4 if mu == 0.5 else 5e-6)


@settings(max_examples=40, deadline=None)
@given(times, times)
def test_nearest_neighbours_only(arrivals, spikes):
    """Each event pairs with the last one of the other side."""
    p = NearestSTDP(a_plus=0.02, a_minus=0.03)
    w = 0.5
    for t, kind in sorted([(t, 0) for t in arrivals] + [(t, 1) for t in spikes]):
        before = [s for s in (spikes if kind == 0 else arrivals) if s < t or (kind == 1 and s == t)]
        if before:
            w += (-0.03 if kind == 0 else 0.02) * math.exp(-(t - max(before)) / 20.0)
        w = min(max(w, 0.0), 1.0)
    found = replay_synapse(p, arrivals, spikes, 0.5).w
    assert (found[-1] if len(found) else 0.5) == pytest.approx(w, abs=5e-6)


def test_soft_bound():
    """What is lost is a share of w, what is gained is not."""
    p = SoftSTDP(c_plus=0.1, c_minus=0.2)
    for w in (0.5, 5.0):
        assert replay_synapse(p, [10.0], [5.0], w).w[-1] == pytest.approx(w * (1 - 0.2 * math.exp(-5 / 20)), rel=1e-6)
        assert replay_synapse(p, [5.0], [10.0], w).w[-1] == pytest.approx(w + 0.1 * math.exp(-5 / 20), rel=1e-6)


def protocol(rate, gap, pairs=75):
    """Pairs at a rate (Hz) with post - pre = gap (ms), as in Sjostrom, Turrigiano & Nelson 2001, Neuron 32:1149."""
    begins = 100.0 + np.round(np.arange(pairs) * 1000.0 / rate, 1)
    return begins, begins + gap


def test_triplets_depend_on_the_rate_of_pairs():
    """Sjostrom 2001 as fitted by Pfister & Gerstner 2006 (figure 3): at 10 ms lag no change at low rates, growth from 20 Hz on; at -10 ms loss at
    low rates and growth at 50 Hz. Pairs alone cannot: there -10 ms loses at every rate."""
    p = TripletSTDP()
    change = {(rate, gap): replay_synapse(p, *protocol(rate, gap), 1.0).w[-1] - 1.0 for rate in (0.1, 20.0, 50.0) for gap in (10.0, -10.0)}
    assert abs(change[0.1, 10.0]) < 0.05 and change[0.1, -10.0] < -0.2
    assert 0.2 < change[20.0, 10.0] < change[50.0, 10.0]
    assert change[50.0, -10.0] > 0.1
    pair = PairSTDP(a_plus=0.005, a_minus=0.006, w_max=1e6)
    assert replay_synapse(pair, *protocol(50.0, -10.0), 1e5).w[-1] < 1e5


def test_triplet_sums():
    """Equations 3 and 4 of the paper on three spikes: post, pre, post."""
    p = TripletSTDP(a2_plus=0.01, a2_minus=0.02, a3_minus=0.03, a3_plus=0.04)
    found = replay_synapse(p, [20.0], [10.0, 30.0], 1.0).w - 1.0
    first = -math.exp(-10 / 33.7) * 0.02
    assert found[1] == pytest.approx(first, abs=SINGLE)
    assert found[2] == pytest.approx(first + math.exp(-10 / 16.8) * (0.01 + 0.04 * math.exp(-20 / 114.0)), abs=2 * SINGLE)


def test_inhibitory_plasticity_stands_still_at_its_rate():
    """Vogels et al. 2011: for independent Poisson trains the mean drift is eta nu_pre (2 tau nu_post - 2 tau target), zero at the target."""
    rng = np.random.default_rng(3)
    drift = {}
    for rate in (5.0, 10.0, 20.0):
        t = 200_000.0
        arrivals = np.unique(np.round(np.sort(rng.uniform(0, t, rng.poisson(10.0 * t / 1000))), 1))
        spikes = np.unique(np.round(np.sort(rng.uniform(0, t, rng.poisson(rate * t / 1000))), 1))
        drift[rate] = (replay_synapse(VogelsSprekeler(target=10.0, eta=0.001), arrivals, spikes, 100.0).w[-1] - 100.0) / 200.0
    for rate, found in drift.items():
        assert found == pytest.approx(0.001 * 10.0 * 2 * 0.02 * (rate - 10.0), abs=6e-5)


def test_hebb_and_its_opposite():
    """The sum of the source's trace at each spike of the target, with either sign."""
    arrivals, spikes = [10.0, 20.0, 40.0], [15.0, 40.0, 60.0]
    total = 0.01 * sum(math.exp(-(t - s) / 20.0) for t in spikes for s in arrivals if s <= t)
    assert replay_synapse(Hebb(), arrivals, spikes, 1.0).w[-1] == pytest.approx(1.0 + total, abs=5 * SINGLE)
    assert replay_synapse(AntiHebb(), arrivals, spikes, 1.0).w[-1] == pytest.approx(1.0 - total, abs=5 * SINGLE)


def test_oja_finds_its_balance():
    """dw = eta (x_pre - w x_post) vanishes on average at w = <x_pre> / <x_post> at the target's spikes, this spike counted."""
    period = 10.0
    t = np.arange(1, 3000) * period
    x = 1.0 / (1.0 - math.exp(-period / 20.0))  # trace of a regular train, its last spike counted
    found = replay_synapse(Oja(eta=0.02), t - 2.0, t, 0.2).w[-1]
    assert found == pytest.approx(x * math.exp(-2.0 / 20.0) / x, rel=1e-3)


def test_reward_turns_eligibility_into_weight():
    """The integral of m e: a pairing leaves e = a_plus exp(-gap / tau), of which m tau_e becomes weight in time."""
    p = RewardSTDP(tau_e=200.0, a_plus=0.01)
    e = 0.01 * math.exp(-5.0 / 20.0)
    for m in (0.0, 0.002, -0.001):
        found = replay_synapse(p, [10.0], [15.0], 1.0, until=115.0, modulators={"m_reward": m})
        assert found.w[-1] == pytest.approx(1.0 + m * e * 200.0 * (1 - math.exp(-0.5)), abs=SINGLE)
        assert found.state["e"][-1] == pytest.approx(e * math.exp(-0.5), rel=SINGLE)
    given = replay_synapse(p, [10.0], [15.0], 1.0, until=115.0, modulators={"m_reward": 1.0})
    assert given.w[-1] == replay_synapse(p, [10.0], [15.0], 1.0, until=115.0).w[-1] > 1.5  # every channel is 1 until it is set


@pytest.mark.parametrize("p", [ShortTerm(u_rest=0.5, tau_d=800.0, tau_f=1.0), ShortTerm(u_rest=0.1, tau_d=100.0, tau_f=1000.0)])
@pytest.mark.parametrize("rate", [5.0, 20.0, 50.0])
def test_the_steady_state_of_short_term_plasticity(p, rate):
    """Tsodyks, Pawelzik & Markram 1998, equations 2.4 and following: the fixed point of the map from spike to spike."""
    gap = 1000.0 / rate
    f, d = math.exp(-gap / p.tau_f), math.exp(-gap / p.tau_d)
    u = p.u_rest / (1.0 - (1.0 - p.u_rest) * f)  # u+ = u+ f (1 - U) + U
    r = (1.0 - d) / (1.0 - (1.0 - u) * d)  # r = 1 + ((1 - u+) r - 1) d
    found = replay_synapse(p, np.arange(1, 400) * gap, [], 2.0)
    assert found.delivered[0] == pytest.approx(2.0 * p.u_rest)
    assert found.delivered[-1] == pytest.approx(2.0 * u * r, rel=5 * SINGLE)
    assert (found.w == 2.0).all()


def test_halving_the_step_changes_nothing():
    """Traces decay exactly."""
    rng = np.random.default_rng(1)
    arrivals, spikes = (np.unique(np.round(np.sort(rng.uniform(0, 2000, 60)), 1)) for _ in range(2))
    for kind in RULES:
        modulators = {"m_reward": 0.001}
        coarse = replay_synapse(kind(), arrivals, spikes, 0.5, dt=0.1, modulators=modulators).w
        fine = replay_synapse(kind(), arrivals, spikes, 0.5, dt=0.05, modulators=modulators).w
        assert np.allclose(coarse, fine, rtol=1e-6)


@pytest.mark.parametrize("kind", RULES)
def test_weights_stay_within_their_bounds(kind):
    """Also where every event would carry them out."""
    wild = {f: 1.0 for f in kind._fields if f.startswith(("a_", "c_", "eta"))}
    p = kind(**wild)._replace(**({"w_max": 1.0} if "w_max" in kind._fields else {}))
    rng = np.random.default_rng(2)
    arrivals, spikes = (np.unique(np.round(np.sort(rng.uniform(0, 500, 100)), 1)) for _ in range(2))
    w = replay_synapse(p, arrivals, spikes, 0.5, modulators={"m_reward": 5.0}).w
    assert np.isfinite(w).all() and (w >= 0.0).all() and (w <= getattr(p, "w_max", 0.5)).all()


# the contract


def test_what_a_rule_declares():
    made = rule_of(TripletSTDP)
    assert {(t.name, t.side, t.tau) for t in made.traces} == {
        ("x_post", "post", "tau_post"), ("x_pre_slow", "pre", "tau_pre_slow"), ("x_pre", "pre", "tau_pre"), ("x_post_slow", "post", "tau_post_slow")
    }  # fmt: skip
    assert rule_of(RewardSTDP()).modulators == ("m_reward",) and dict(rule_of(RewardSTDP).state) == {"e": 0.0}
    assert all(t.nearest for t in rule_of(NearestSTDP).traces) and made.units["tau_pre"] == "ms"


class Bare(NamedTuple):
    tau_pre: float = 20.0


@pytest.mark.parametrize(
    ("declare", "told"),
    [
        (lambda: rule()(Bare), "rule Bare has no function"),
        (lambda: rule(on_post=3)(Bare), r"on_post of rule Bare is 3: give a function on_post\(w, ..., p\)"),
        (lambda: rule(on_post=lambda x_pre, p: 0)(Bare), r"takes \(x_pre, p\): must be on_post\(w, ..., p\)"),
        (lambda: rule(on_post=lambda w, x_pre: 0)(Bare), r"takes \(w, x_pre\): must be on_post\(w, ..., p\)"),
        (lambda: rule(on_post=lambda w, v, p: 0)(Bare), "v is nothing that it can read"),
        (lambda: rule(on_post=lambda w, x_post, p: 0)(Bare), "reads x_post but has no parameter tau_post: add tau_post"),
        (lambda: rule(between=lambda w, x_pre, k, dt, p: 0)(Bare), "x_pre moves between events"),
        (lambda: rule(between=lambda w, k, p: 0)(Bare), r"must be between\(w, ..., k, dt, p\)"),
        (lambda: rule(on_post=lambda w, x_pre, p: 0, pairing="some")(Bare), "pairing of x_pre in rule Bare is 'some'"),
        (lambda: rule(on_post=lambda w, p: 0, state={"w": 0.0})(Bare), "state 'w' of rule Bare: choose another name"),
        (lambda: rule(on_post=lambda w, p: 0, state={"e": "none"})(Bare), "state e of rule Bare begins at 'none'"),
        (lambda: rule(on_post=lambda w, p: 0)(dict), "rule dict is no NamedTuple"),
        (lambda: check_parameters(PairSTDP(tau_pre=0.0)), "tau_pre = 0.0 of rule PairSTDP: must be above 0 ms"),
        (lambda: check_parameters(PairSTDP(softness=2.0)), "softness = 2.0 of rule PairSTDP: must be from 0 to 1"),
        (lambda: check_parameters(PairSTDP(w_min=2.0)), "w_min = 2.0 and w_max = 1.0"),
        (lambda: check_parameters(PairSTDP(a_plus="x")), "a_plus = 'x' of rule PairSTDP: give a number"),
        (lambda: rule(on_post=lambda w, p: w)(NamedTuple("Gain", [("gain", float)])), "parameter 'gain' of rule Gain: .* choose another"),
        (lambda: rule_of(3), "3 is no plasticity rule"),
    ],
)
def test_what_does_not_fit_is_told_in_a_sentence(declare, told):
    with pytest.raises(DescriptionError, match=told) as caught:
        declare()
    assert "\n" not in str(caught.value)


def test_a_rule_that_returns_too_little_is_told():
    @rule(on_post=lambda w, e, p: w, state={"e": 0.0})
    class Forgetful(NamedTuple):
        tau_pre: float = 20.0

    with pytest.raises(DescriptionError, match="on_post of rule Forgetful returns .*: return w and e"):
        replay_synapse(Forgetful(), [], [10.0], 1.0)
