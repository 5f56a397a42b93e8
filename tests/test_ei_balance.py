"""The balance of excitation and inhibition against its equations, in silence, at its bounds, and its effect over seeds."""

import math

import numpy as np
import pytest

from thalia_sim import (
    DescriptionError,
    EIBalance,
    EIBalanceConfig,
    LIFDelta,
    LIFExp,
    MemoryRecorder,
    Network,
    PathError,
    Poisson,
    PopulationIntrinsicPlasticity,
    Scale,
    Simulation,
    SpikeArray,
    probability,
)
from thalia_sim.testing import check_hook


def given(exc_rate, inh_rate, until=4000.0):
    """Ten cells that rest, and spikes at given rates (Hz, regular, 0: none) of `a`, which reaches nobody, and of `b`, which inhibits the cells."""
    net = Network(seed=1)
    for name, rate in (("a", exc_rate), ("b", inh_rate)):
        times = np.round(np.arange(5.0, until, 1000.0 / rate) if rate else np.array([until + 100.0]), 1)
        net.populate(name, 2, SpikeArray(times=np.repeat(times, 2), ids=np.tile([0, 1], len(times))))
    cells = net.populate("cells", 10, LIFDelta())
    net.connect(net["b"], cells, probability(0.5), w=-0.1, delay=1.0, gain=0.7)
    return net


class Between(EIBalance):
    """Watches `a` in place of the cells, whose number it does not have: by counts."""

    def __init__(self, *args, **more):
        super().__init__(*args, measure="counts", **more)

    def spikes(self, sim, steps, ids):
        for k, name in enumerate(("a", "b")):
            p = sim.net.populations[name]
            self.count[k] += np.count_nonzero((ids >= p.offset) & (ids < p.offset + p.n))


@pytest.mark.parametrize(("exc", "inh", "target"), [(40.0, 20.0, 4.0), (80.0, 10.0, 4.0), (40.0, 20.0, 2.0)])
def test_scale_is_the_solution_of_the_equation(exc, inh, target):
    """Constant rates: E/I = e/i from the first period on, so ln scale = rate t ln(ratio/target), and the gain is the base gain times it."""
    hook = Between("cells", "b", target=target, every=100.0, config=EIBalanceConfig(adaptation_rate=0.0005))
    sim = Simulation(given(exc, inh), [hook])
    sim.run(2000.0)
    expected = math.exp(0.0005 * 2000.0 * math.log(exc / inh / target))
    assert hook.diagnostics()["scale"] == pytest.approx(expected, rel=1e-12) and hook.diagnostics()["ratio"] == pytest.approx(exc / inh, rel=1e-12)
    view = sim["b->cells"]
    assert view.gain == 0.7 and view.amplification == float(hook.scale)
    before = float(hook.scale)
    sim.detach(hook)
    assert view.gain == 0.7 and view.amplification == 1.0 and float(hook.scale) == before


def test_silent_sides():
    """Silence of both holds the scale; of inhibition alone, the ratio counts as ratio_max; of excitation alone as ratio_min. By hand."""
    rate, config = 0.001, EIBalanceConfig()
    for exc, inh, bound in ((0.0, 0.0, None), (40.0, 0.0, 10.0), (0.0, 40.0, 1.0)):
        hook = Between("cells", "b", every=100.0, config=config)
        Simulation(given(exc, inh), [hook]).run(1000.0)
        found = hook.diagnostics()
        expected = 1.0 if bound is None else math.exp(rate * 1000.0 * math.log(bound / 4.0))
        assert found["scale"] == pytest.approx(expected, rel=1e-12) and found["silent"] == (bound is None)
        assert hook.status()["status"] == {None: "silent", 10.0: "excited", 1.0: "inhibited"}[bound]


def test_scale_stays_in_its_bounds():
    hook = Between("cells", "b", target=4.0, config=EIBalanceConfig(adaptation_rate=0.01, scale_max=1.5))
    Simulation(given(50.0, 1.0), [hook]).run(3000.0)
    assert float(hook.scale) == 1.5
    hook = Between("cells", "b", target=4.0, config=EIBalanceConfig(adaptation_rate=0.01, scale_min=0.3))
    Simulation(given(1.0, 50.0), [hook]).run(3000.0)
    assert float(hook.scale) == 0.3


def test_leak_leaves_a_share_of_the_error():
    """Constant error ln 2, rate r, leak l in periods T: ln scale_k = r T ln 2 (1 - q^k)/(1 - q), q = exp(-l T)."""
    hook = Between("cells", "b", target=1.0, config=EIBalanceConfig(leak=0.002))
    Simulation(given(40.0, 20.0), [hook]).run(2000.0)
    q = math.exp(-0.2)
    assert math.log(hook.scale) == pytest.approx(0.1 * math.log(2.0) * (1.0 - q**20) / (1.0 - q), rel=1e-9)


def test_target_is_what_the_baseline_was():
    """Sums over the baseline: e/i = 2; bounds lie about it as 1 and 10 about 4; nothing is changed meanwhile."""
    hook = Between("cells", "b", every=100.0)
    sim = Simulation(given(40.0, 20.0), [hook])
    sim.run(1900.0)
    assert math.isnan(hook.diagnostics()["target"]) and float(hook.scale) == 1.0
    sim.run(200.0)
    assert hook.diagnostics()["target"] == pytest.approx(2.0, rel=1e-12)
    np.testing.assert_allclose(hook.bounds(), (0.5, 5.0), rtol=1e-12)


def balanced(seed, model=None, w=(0.25, -0.75), drive=(1000.0, 1.0)):
    """80 excitatory and 20 inhibitory neurons, driven and connected at random."""
    net = Network(seed=seed)
    model = LIFDelta() if model is None else model
    exc, inh = net.populate("exc", 80, model), net.populate("inh", 20, model)
    net.drive(exc + inh, Poisson(rate=drive[0]), w=drive[1])
    for target in (exc, inh):
        net.connect(exc, target, probability(0.2), w=w[0], delay=1.5, gain=1.0)
        net.connect(inh, target, probability(0.4), w=w[1], delay=1.5, gain=1.0)
    return net


@pytest.mark.parametrize(("measure", "model"), [("rates", LIFDelta), ("counts", LIFDelta), ("currents", LIFExp)])
def test_effect_of_the_balance(measure, model):
    """Inhibition of excitatory cells halved after the baseline. Paired over 5 seeds, at default settings: the ratio ends nearer to its target with
    the hook; the mean of ln off - ln on exceeds 2.78 standard errors (95 % of Student's t, 4 degrees of freedom)."""
    w, drive = ((0.25, -0.75), (1000.0, 1.0)) if model is LIFDelta else ((20.0, -80.0), (2000.0, 40.0))
    differences = []
    for seed in range(1, 6):
        off = []
        for rate in (1e-12, None):
            config = None if rate is None else EIBalanceConfig(target_ratio=None, adaptation_rate=rate)
            hook = EIBalance("exc", "inh", measure=measure, config=config)
            Simulation(balanced(seed, model(), w, drive), [hook, Scale("inh->exc", 0.3, at=2500.0)]).run(12_000.0)
            off.append(abs(hook.error))
        differences.append(off[0] - off[1])
    mean, error = np.mean(differences), np.std(differences, ddof=1) / math.sqrt(5.0)
    assert mean > 2.78 * error, (mean, error)


def test_two_mechanisms_on_one_projection_multiply():
    """The gain that acts is base times both factors, however often either was written."""
    balance, population = EIBalance("exc", "inh", target=0.5), PopulationIntrinsicPlasticity("exc", target=5.0, lr=0.1, inputs=["inh->exc"])
    sim = Simulation(balanced(1), [balance, population, MemoryRecorder()])
    sim.run(3000.0)
    assert min(abs(float(balance.scale) - 1.0), abs(float(population.e) - 1.0)) > 0.01
    view = sim["inh->exc"]
    assert view.gain == 1.0 and view.amplification == pytest.approx(float(balance.scale) * float(population.e), rel=1e-14)


def test_contract():
    check_hook(lambda: EIBalance("exc", "inh", target=1.0, every=50.0))


def test_bounds_are_shares_of_a_target_that_is_given():
    """Targets of 20 and 0.5, far from the seed's 4: at the target no error, at twice of it ln 2, bounds of a fourth and 2.5 times."""
    for target in (20.0, 0.5):
        hook = EIBalance("exc", "inh", target=target)
        with Simulation(balanced(1), [hook]) as sim:
            sim.run(1.0)
            assert hook.bounds() == pytest.approx((target / 4.0, 2.5 * target))
            for share, error in ((1.0, 0.0), (2.0, math.log(2.0)), (0.4, math.log(0.4)), (9.0, math.log(2.5))):
                hook.sides = [share * target, 1.0]
                assert hook.error == pytest.approx(error)


def test_inhibition_that_reaches_others_too_is_multiplied_for_exc_alone():
    net = Network(seed=1)
    exc, inh = net.populate("exc", 40, LIFDelta()), net.populate("inh", 10, LIFDelta())
    net.drive(exc + inh, Poisson(rate=1500.0), w=1.0)
    net.connect(inh, exc + inh, probability(0.5), w=-0.2, delay=1.0, name="inhibition")
    sim = Simulation(net, [hook := EIBalance("exc", "inh", target=0.2)])
    sim.run(2000.0)
    assert sim["inhibition"].factor("exc") == float(hook.scale) > 1.0 == sim["inhibition"].factor("inh")


def test_what_is_refused():
    for wrong, match in (
        ({"target_ratio": -1.0}, "target_ratio of EIBalanceConfig is -1"), ({"tau_balance": 0.0}, "tau_balance"), ({"ratio_min": 5.0}, "ratio_min"),
        ({"scale_max": 0.5}, "scale_max"), ({"baseline": "2 s"}, "baseline"),
    ):  # fmt: skip
        with pytest.raises(DescriptionError, match=match):
            EIBalanceConfig(**wrong)
    with pytest.raises(DescriptionError, match="measure"):
        EIBalance("exc", "inh", measure="ratio")
    for hook, error, match in (
        (EIBalance("exc", "none"), PathError, "unknown population"),
        (EIBalance("inh", "exc", projections=["inh->exc"]), DescriptionError, "come from"),
        (EIBalance("exc", "inh", measure="currents"), DescriptionError, "LIFDelta has no currents"),
    ):  # fmt: skip
        with pytest.raises(error, match=match):
            Simulation(balanced(1), [hook]).run(1.0)
