"""What activity costs: numbers by hand, each use of the constraint against a run without it, budgets of regions."""

import math

import numpy as np
import pytest

from thalia_sim import (
    DC,
    LIF,
    DescriptionError,
    MemoryRecorder,
    MetabolicConstraint,
    Network,
    PairSTDP,
    PathError,
    Poisson,
    PoissonSource,
    Recorder,
    RegionalBudgets,
    RewardSTDP,
    Simulation,
    open_recording,
    probability,
)
from thalia_sim.robustness import metabolic

CELL = LIF(tau_m=20.0, v_th=15.0, t_ref=2.0)


def network(rate=3500.0, rule=None, seed=3):
    net = Network(seed=seed)
    source, exc, inh = net.populate("source", 50, PoissonSource(rate=30.0)), net.populate("exc", 100, CELL), net.populate("inh", 50, CELL)
    net.connect(source, exc, probability(0.3), w=0.3, delay=1.0, gain=1.0, rule=PairSTDP() if rule is None else rule)
    net.connect(exc, inh, probability(0.1), w=0.3, delay=1.5, gain=1.0)
    net.drive(exc, Poisson(rate=rate), w=0.22)
    net.drive(inh, DC(amplitude=180.0))
    return net


def run(net, hooks=(), until=1000.0, then=None):
    """Spikes of exc (times), of a run with these hooks; `then` is given the simulation at its end."""
    memory = MemoryRecorder()
    with Simulation(net, [*hooks, memory]) as sim:
        sim.run(until)
        if then is not None:
            then(sim)
    return memory.times("exc")


# by hand --------------------------------------------------------------------------------------------------------------


def test_numbers_by_hand():
    """40 spikes in 100 ms at 0.002 each and a baseline of 0.3: 0.3 + 0.002 * 400 = 1.1 a second; over a budget of 1 by 0.1, at 5 for each: 0.5."""
    assert metabolic.cost_rate(40, 100.0, 0.002, 0.3) == pytest.approx(1.1, rel=1e-14)
    assert metabolic.penalty(1.1, 1.0, 5.0) == pytest.approx(0.5, rel=1e-12)
    assert metabolic.penalty(0.9, 1.0, 5.0) == 0.0 and metabolic.penalty(math.nan, 1.0, 5.0) == 0.0
    assert metabolic.next_gain(1.0, 1.5, 0.2, 0.1, 1.0) == pytest.approx(math.exp(-0.1))  # 50 % over the budget
    assert metabolic.next_gain(1.0, 0.0, 0.2, 0.1, 1.0) == 1.0 and metabolic.next_gain(1.0, 0.0, 0.2, 0.1, 2.0) == pytest.approx(math.exp(0.2))
    assert metabolic.next_gain(0.9, 0.0, 10.0, 0.1, 1.0) == 1.0 and metabolic.next_gain(0.2, 9.0, 10.0, 0.1, 1.0) == 0.1


def test_the_running_cost_is_corrected_for_its_beginning(tmp_path):
    """avg / (1 - exp(-t / tau)) by a loop over the spikes of each 100 ms; a constant cost is told from the first call on; the total is all energy."""
    hook = MetabolicConstraint("exc", budget=1.0, cost_per_spike=0.01, baseline=2.0, scale=0.5, tau=300.0, reduce_gain=False)
    memory = MemoryRecorder()
    with Simulation(network(), [hook, memory, Recorder(tmp_path / "a.h5")]) as sim:
        sim.run(700.0)
        cost, total = hook.cost, float(hook.total)
    t, avg, weight, keep = memory.times("exc"), 0.0, 0.0, math.exp(-100.0 / 300.0)
    for k in range(7):
        count = ((t > 100.0 * k + 1e-6) & (t <= 100.0 * (k + 1) + 1e-6)).sum()
        avg, weight = keep * avg + (1 - keep) * (2.0 + 0.01 * count / 0.1), keep * weight + (1 - keep)
    assert cost == pytest.approx(avg / weight, rel=1e-12) and total == pytest.approx(2.0 * 0.7 + 0.01 * len(t), rel=1e-12) and len(t) > 500
    with open_recording(tmp_path / "a.h5") as recording:
        found = recording.diagnostics("metabolicconstraint")
        assert found["cost"][-1] == cost and found["penalty"][-1] == pytest.approx(0.5 * (cost - 1.0)) and (found["gain"] == 1.0).all()
    silent = MetabolicConstraint("exc", budget=1.0, baseline=0.7, reduce_gain=False)
    costs: list[float] = []
    run(quiet(), [silent], 300.0, lambda sim: costs.append(silent.cost))
    assert costs == [pytest.approx(0.7, rel=1e-12)]


def quiet():
    """A network that does not fire."""
    net = Network(seed=1)
    exc = net.populate("exc", 20, CELL)
    net.drive(exc, DC(amplitude=10.0))
    return net


# the three uses -------------------------------------------------------------------------------------------------------


def test_the_gain_brings_the_cost_to_the_budget():
    """Half of what the network spends by itself: paired by seed, it ends within 15 % of the budget; each input is multiplied; detached, all is as
    it was."""
    plain = run(network(), until=6000.0)
    spent = 0.001 * (plain > 3000.0).sum() / 3.0
    hook = MetabolicConstraint("exc", budget=0.5 * spent, tau=200.0, rate=5.0, every=20.0)

    def then(sim):
        assert {sim[name].amplification for name in ("source->exc", "poisson->exc")} == {float(hook.gain)} and sim["dc->inh"].amplification == 1.0
        assert sim["source->exc"].gain == 1.0 and sim["poisson->exc"].w == 0.22 and 0.1 < float(hook.gain) < 1.0
        sim.detach(hook)
        assert sim["source->exc"].amplification == sim["poisson->exc"].amplification == 1.0

    held = run(network(), [hook], 6000.0, then)
    assert 0.001 * (held > 3000.0).sum() / 3.0 == pytest.approx(0.5 * spent, rel=0.15)


def test_a_gain_that_only_reduces_leaves_a_quiet_network_alone():
    """Below the budget nothing changes, to the bit; symmetric it is driven up to the bound."""
    plain, low = run(network()), run(network(), [MetabolicConstraint("exc", budget=1e6)])
    np.testing.assert_array_equal(plain, low)
    hook = MetabolicConstraint("exc", budget=1e6, symmetric=True, rate=10.0, high=1.5)
    gains = []
    assert len(run(network(), [hook], then=lambda sim: gains.append(float(hook.gain)))) > 1.5 * len(plain)
    assert gains == [1.5]


def test_expensive_activity_learns_less():
    """m_energy is 1 / (1 + penalty), weights move less than in a run without, spikes at first are the same; detached, m_energy is 1 again."""
    moved = {}

    def then(sim):
        moved[len(sim.hooks)] = np.abs(sim["source->exc"].w - 0.3).mean()
        for hook in [h for h in sim.hooks if isinstance(h, MetabolicConstraint)]:
            assert hook.penalty > 1.0 and sim["source->exc"].m_energy == 1.0 / (1.0 + hook.penalty)
            sim.detach(hook)
            assert sim["source->exc"].m_energy == 1.0

    options = {"budget": 0.01, "scale": 100.0, "reduce_gain": False}
    run(network(), [], 500.0, then)
    run(network(), [MetabolicConstraint("exc", slow_learning=True, **options)], 500.0, then)
    assert moved[2] < 0.7 * moved[1]
    run(network(), [MetabolicConstraint("exc", **options)], 500.0, lambda sim: moved.update({3: np.abs(sim["source->exc"].w - 0.3).mean()}))
    assert moved[3] == moved[1]  # switched off it changes nothing


def test_the_penalty_comes_off_the_reward():
    """RewardSTDP moves w by m_reward * e: at reward 0 only the penalty, which is a punishment, moves it. What a script writes meanwhile is kept
    under it."""
    rule = RewardSTDP()
    moved = {}

    def then(sim):
        moved[len(sim.hooks)] = (sim["source->exc"].w - 0.3).mean()
        for hook in [h for h in sim.hooks if isinstance(h, MetabolicConstraint)]:
            assert sim["source->exc"].m_reward == -hook.penalty < 0.0
            sim["source->exc"].m_reward = 2.0
            sim.run(100.0)
            assert sim["source->exc"].m_reward == 2.0 - hook.penalty
            sim.detach(hook)
            assert sim["source->exc"].m_reward == 2.0

    def silenced(hooks):
        memory = MemoryRecorder()
        with Simulation(network(rule=rule), [*hooks, memory]) as sim:
            sim["source->exc"].m_reward = 0.0
            sim.run(500.0)
            then(sim)

    silenced([])
    silenced([MetabolicConstraint("exc", budget=0.01, scale=10.0, reduce_gain=False, lower_reward=True)])
    assert abs(moved[1]) < 1e-7 and abs(moved[2]) > 1e-6  # 0.3 in single precision


def test_resumed_it_goes_on(tmp_path):
    """All uses at once, saved and resumed: spikes, gain, m_energy to the bit."""
    hook = MetabolicConstraint("exc", budget=0.5, slow_learning=True, lower_reward=True, scale=5.0, every=20.0)
    with Simulation(network(rule=RewardSTDP()), [hook]) as sim:
        sim.run(110.0)
        sim.save(tmp_path / "a.h5")
        sim.run(90.0)
        expected = [float(hook.gain), hook.cost, sim["source->exc"].m_energy, sim["source->exc"].m_reward, sim["poisson->exc"].amplification]
        w = sim["source->exc"].w
    with Simulation.resume(tmp_path / "a.h5") as again:
        again.run(90.0)
        mine = next(h for h in again.hooks if isinstance(h, MetabolicConstraint))
        found = [float(mine.gain), mine.cost, again["source->exc"].m_energy, again["source->exc"].m_reward, again["poisson->exc"].amplification]
        assert found == expected and found[0] < 1.0 and found[3] < 1.0
        np.testing.assert_array_equal(again["source->exc"].w, w)
        again.detach(mine)
        assert again["source->exc"].m_energy == 1.0 and again["poisson->exc"].amplification == 1.0


# regions --------------------------------------------------------------------------------------------------------------


def test_each_region_has_its_budget():
    """exc over its budget is held back, inh within its own is not; with a common budget that both exceed, both are. Costs by hand, baselines
    included."""
    memory, hook = MemoryRecorder(), RegionalBudgets({"exc": 0.2, "inh": 1e3}, baseline={"exc": 0.1}, tau=1e9, reduce_gain=False)
    with Simulation(network(), [hook, memory]) as sim:
        sim.run(1000.0)
        n = [len(memory.times(name)) for name in ("exc", "inh")]
        np.testing.assert_allclose(hook.cost, [0.1 + 0.001 * n[0], 0.001 * n[1]], rtol=1e-6)
        found = hook.diagnostics()
        assert found["cost"] == pytest.approx(sum(hook.cost)) and found["penalty"] == pytest.approx(0.1 * (hook.cost[0] - 0.2)) and min(n) > 100
        assert sim["poisson->exc"].amplification == 1.0
    for total, reached in ((None, (True, False)), (0.2, (True, True))):
        hook = RegionalBudgets({"exc": 0.2, "inh": 1e3}, total=total, rate=5.0)
        with Simulation(network(), [hook]) as sim:
            sim.run(1000.0)
            assert (hook.gain < 0.9).tolist() == list(reached) and (hook.gain <= 1.0).all()
            assert [sim[name].amplification for name in ("poisson->exc", "dc->inh")] == hook.gain.tolist()
            sim.detach(hook)
            assert sim["poisson->exc"].amplification == sim["dc->inh"].amplification == sim["exc->inh"].amplification == 1.0


@pytest.mark.parametrize("make, error, message", [
    (lambda: RegionalBudgets({"exc": 1.0, "foo": 1.0}), PathError, "unknown population 'foo'"),
    (lambda: RegionalBudgets({}), DescriptionError, "give population -> energy"),
    (lambda: RegionalBudgets({"exc": -1.0}), DescriptionError, "budget of exc is -1"),
    (lambda: RegionalBudgets({"exc": 1.0}, baseline={"inh": 1.0}), DescriptionError, "names 'inh', which has no budget"),
    (lambda: MetabolicConstraint("foo", budget=1.0), PathError, "unknown population 'foo'"),
    (lambda: MetabolicConstraint("exc", budget=0.0), DescriptionError, "budget of metabolicconstraint"),
    (lambda: MetabolicConstraint("exc", budget=1.0, baseline=-1.0), DescriptionError, "baseline of"),
    (lambda: MetabolicConstraint("exc", budget=1.0, low=2.0), DescriptionError, "low and high"),
    (lambda: MetabolicConstraint("exc", budget=1.0, reduce_gain="no"), DescriptionError, "reduce_gain of metabolicconstraint of 'exc' is 'no'"),
    (lambda: MetabolicConstraint("exc", budget=1.0, slow_learning=1.5), DescriptionError, "slow_learning of metabolicconstraint of 'exc' is 1.5"),
    (lambda: MetabolicConstraint("exc", budget=1.0, lower_reward=2), DescriptionError, "lower_reward of metabolicconstraint of 'exc' is 2"),
    (lambda: MetabolicConstraint("exc", budget=1.0, symmetric=None), DescriptionError, "symmetric of metabolicconstraint of 'exc' is None"),
    (lambda: RegionalBudgets({"exc": 1.0}, reduce_gain="no"), DescriptionError, "reduce_gain of regionalbudgets is 'no'"),
    (lambda: MetabolicConstraint("exc", budget=1.0, lower_reward=True), DescriptionError, "reads m_reward"),
    (lambda: MetabolicConstraint("exc", budget=1.0, slow_learning=True, projections="exc->inh"), DescriptionError, "exc->inh has no rule"),
    (lambda: MetabolicConstraint("exc", budget=1.0, slow_learning=True, projections="x"), PathError, "unknown projection 'x'"),
])  # fmt: skip
def test_refusals(make, error, message):
    with pytest.raises(error, match=message), Simulation(network(), [make()]) as sim:
        sim.run(1.0)
