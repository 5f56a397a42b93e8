"""Intrinsic plasticity against its equations: closed forms, fixed points, bounds; and nothing depends on when it is read."""

import math

import numpy as np
import pytest

from thalia_sim import (
    DC,
    Clamp,
    DescriptionError,
    Hook,
    IntrinsicPlasticity,
    IntrinsicPlasticityConfig,
    LIFDelta,
    LIFExp,
    MemoryRecorder,
    Network,
    Poisson,
    PopulationIntrinsicPlasticity,
    Silence,
    Simulation,
    probability,
)
from thalia_sim.kernels.rates import drifted, running_rate, thresholds_at


def integrated(avg, theta, ms, tau, target, speed, low, high, h=0.001):
    """The equations in small Euler steps (midpoint of avg)."""
    for k in range(round(ms / h)):
        theta = min(max(theta + h * speed * (avg * math.exp(-(k + 0.5) * h / tau) - target), low), high)
    return theta


@pytest.mark.parametrize(
    "avg, theta, target, low, high",
    [(20.0, 0.0, 5.0, -9.0, 9.0), (20.0, 0.0, 5.0, -9.0, 0.05), (0.0, 0.0, 5.0, -0.01, 9.0), (3.0, 0.0, 5.0, -9.0, 9.0), (8.0, 0.0, 0.0, -1.0, 1.0)],
)
def test_drift_between_spikes_is_the_integral_of_its_equation(avg, theta, target, low, high):
    """Bounded or not, in one piece or cut anywhere. Tolerance: the step of the integration squared, 1e-6; a cut adds roundings."""
    tau, speed, ms = 30.0, 1e-3, 60.0
    whole = drifted(avg, theta, ms, tau, target, speed, low, high)
    assert whole == pytest.approx(integrated(avg, theta, ms, tau, target, speed, low, high), abs=1e-6)
    first = drifted(avg, theta, 13.7, tau, target, speed, low, high)
    assert drifted(running_rate(avg, 13.7, tau), first, ms - 13.7, tau, target, speed, low, high) == pytest.approx(whole, abs=1e-13)
    out, (was, at), limits = np.zeros(1), np.array([[avg], [theta]]), np.array([[target], [speed], [low], [high]])
    thresholds_at(600, np.zeros(1, np.int64), was, at, 0.1, tau, *limits, out)
    assert out[0] == whole


def uncoupled(n=12, rates=(400.0, 3000.0), model=None):
    """Neurons without synapses under different drives."""
    net = Network(seed=3)
    cells = net.populate("cells", n, model or LIFDelta(v_th=15.0))
    net.drive(cells, Poisson(rate=np.linspace(*rates, n)), w=1.0)
    return net


class Tell(Hook):
    """Keeps what another hook has at times of its own."""

    transient = ("found", "of")
    every = 100.0

    def __init__(self, of):
        self.of, self.found = of, []

    def handle(self, sim):
        self.found.append((self.of.rates.copy(), self.of.shift.copy()))


@pytest.mark.parametrize("narrow", [False, True])
def test_values_do_not_depend_on_how_often_the_hook_is_called(narrow):
    """The same spikes (a scale so small that none moves), periods of 100 and 2.5 ms, bounds in force or not: the same bits."""
    found = []
    bounds = {"v_th_min": 15.0 - 1e-12, "v_th_max": 15.0 + 1e-12} if narrow else {}
    for every in (100.0, 2.5):
        hook = IntrinsicPlasticity("cells", target=5.0, scale=1e-10, every=every, **bounds)
        tell = Tell(hook)
        Simulation(uncoupled(), [hook, tell]).run(1500.0)
        found.append(np.array(tell.found))
    assert np.array_equal(*found)
    assert found[0][-1, 0].max() > 10.0 and np.ptp(found[0][-1, 1]) > 1e-12
    if narrow:
        assert np.abs(found[0][:, 1]).max() == pytest.approx(1e-12, abs=2e-15)


def test_running_rate_is_the_sum_over_spikes():
    """avg = target e^(-t/tau) + sum over spikes of e^(-(t - t_k)/tau)/tau. Tolerance: roundings of 1e-16 in some 1000 terms."""
    hook, memory = IntrinsicPlasticity("cells", target=5.0, tau_rate=300.0, every=50.0), MemoryRecorder()
    Simulation(uncoupled(), [hook, memory]).run(1000.0)
    times, ids = memory.spikes_of("cells")
    for k in range(12):
        expected = 5.0 * math.exp(-1000.0 / 300.0) + sum(np.exp(-(1000.0 - times[ids == k]) / 300.0)) * 1000.0 / 300.0
        assert hook.rates[k] == pytest.approx(expected, rel=1e-12)
    assert hook.diagnostics()["rate"] == hook.rates.mean() and len(times) > 100


def test_neurons_under_different_drives_reach_their_targets():
    """At the fixed point avg = target for each neuron. 20 s are counted: +- 4 standard errors of a Poisson count."""
    target = np.where(np.arange(12) % 2, 5.0, 12.0)
    hook, memory = IntrinsicPlasticity("cells", target=target, v_th_min=1.0, v_th_max=100.0), MemoryRecorder()
    sim = Simulation(uncoupled(rates=(600.0, 3000.0)), [hook, memory])
    sim.run(40_000.0)
    times, ids = memory.spikes_of("cells")
    count = np.bincount(ids[times > 20_000.0], minlength=12)
    np.testing.assert_array_less(np.abs(count / 20.0 - target), 4.0 * np.sqrt(target / 20.0))
    before = np.bincount(ids[times < 2000.0], minlength=12) / 2.0
    assert np.ptp(before - target) > 30.0
    v_th = sim["cells"].v_th
    assert v_th[10] > v_th[0] and v_th[11] > v_th[1]  # stronger drive, higher threshold


def test_sign_and_bounds():
    """Twice the distance from reset bounds a neuron that fires too much, half of it one that is silent; there they stay, finite."""
    net = Network(seed=1)
    net.populate("cells", 3, LIFDelta(v_th=15.0, v_reset=5.0))
    net.drive(net["cells"][:1], DC(amplitude=600.0))
    hook = IntrinsicPlasticity("cells", target=2.0, tau_threshold=500.0)
    sim = Simulation(net, [hook])
    sim.run(100.0)
    assert sim["cells"].v_th[0] > 15.0 > sim["cells"].v_th[1]
    sim.run(4000.0)
    assert np.array_equal(sim["cells"].v_th, [25.0, 10.0, 10.0])
    assert hook.diagnostics()["at_bounds"] == 1.0 and hook.rates[1] < 0.1


def test_silence_is_a_state():
    """A population that never fires for 20 minutes: rate 0, threshold at its bound, no nan; the equation alone says when it gets there."""
    hook = IntrinsicPlasticity("cells", target=1.0, every=1000.0, tau_rate=1000.0)
    net = Network(seed=1)
    net.populate("cells", 2, LIFDelta(v_th=15.0, e_l=-5.0))
    sim = Simulation(net, [hook])
    sim.run(50_000.0)
    fallen = -1.0 * (50_000.0 - 1000.0 * (1.0 - math.exp(-50.0))) / 10_000.0  # avg begins at the target
    assert sim["cells"].v_th == pytest.approx([15.0 + fallen] * 2, rel=1e-12)
    sim.run(1_150_000.0)
    assert np.array_equal(sim["cells"].v_th, [7.5, 7.5]) and hook.rates.max() < 1e-300


def test_a_sleeping_neuron_fires_when_its_threshold_reaches_it():
    """v rests at 10 mV, threshold 15 mV: it falls to 10 mV and the neuron fires, whether it sleeps or not, at the same time."""
    found = []
    for sleeping in (True, False):
        net = Network(seed=1)
        cells = net.populate("cells", 200, LIFDelta(v_th=np.linspace(14.0, 15.0, 200), c_m=250.0))
        net.drive(cells, DC(amplitude=125.0))
        memory = MemoryRecorder()
        sim = Simulation(net, [IntrinsicPlasticity("cells", target=5.0, tau_threshold=1000.0), memory], sleeping=sleeping)
        sim.run(3000.0)
        found.append(memory.spikes_of("cells"))
        updates = sim.counters["neuron_updates"]
        assert (updates < 0.9 * 200 * 30_000) == sleeping
    assert len(found[0][0]) > 200 and found[0][0].min() > 700.0
    assert np.array_equal(found[0][0], found[1][0]) and np.array_equal(found[0][1], found[1][1])


def test_what_a_script_writes_lies_under_the_drift():
    """A threshold written in the run is the new base: the shift stays, bounds stay where they are in mV."""
    hook = IntrinsicPlasticity("cells", target=4.0, every=10.0)
    sim = Simulation(uncoupled(), [hook])
    sim.run(500.0)
    shift, bounds = hook.shift.copy(), hook.v_th + hook.high
    assert np.abs(shift).min() > 0.0
    sim["cells"].v_th = sim["cells"].v_th + 2.0
    sim.run(10.0)
    np.testing.assert_allclose(sim["cells"].v_th, 17.0 + hook.shift, rtol=1e-14)
    np.testing.assert_allclose(hook.v_th + hook.high, bounds, rtol=1e-14)
    assert np.abs(hook.shift - shift).max() < 0.2


def test_silenced_and_clamped_neurons():
    """Silence and clamps lie over the drift; when they end, the threshold is base and drift again."""
    hook = IntrinsicPlasticity("cells", target=4.0)
    plan = [Silence("cells", elements=[0], at=100.0, until=300.0), Clamp("cells", "v_th", 14.0, elements=[1], at=100.0, until=300.0)]
    sim = Simulation(uncoupled(), [hook, *plan])
    sim.run(295.0)
    assert sim.a.held[sim.places["cells"].held] == np.inf and sim["cells"].v_th[1] == 14.0
    sim.run(5.0)
    np.testing.assert_allclose(sim["cells"].v_th, 15.0 + hook.shift, rtol=1e-14)
    assert hook.shift[0] < hook.shift[2]


@pytest.mark.parametrize("restore", [False, True])
def test_detaching(restore):
    hook = IntrinsicPlasticity("cells", target=4.0, restore=restore)
    sim = Simulation(uncoupled(), [hook])
    sim.run(300.0)
    seen = sim["cells"].v_th
    sim.detach(hook)
    assert np.array_equal(sim["cells"].v_th, np.full(12, 15.0) if restore else seen) and not np.array_equal(seen, np.full(12, 15.0))
    again = IntrinsicPlasticity("cells", target=4.0)
    sim.attach(again)
    sim.run(100.0)
    np.testing.assert_allclose(sim["cells"].v_th, (15.0 if restore else seen) + again.shift, rtol=1e-14)


def test_resumed_to_the_bit(tmp_path):
    """Rates, shifts and spikes of a run in one piece and of one that was saved in the middle, with a script's write before."""
    found = []
    for cut in (False, True):
        memory, hook = MemoryRecorder(), IntrinsicPlasticity("cells", target=4.0, every=7.0)
        sim = Simulation(uncoupled(), [hook, memory])
        sim.run(403.0)
        sim["cells"].v_th = 14.0
        sim.run(100.0)
        if cut:
            sim.save(tmp_path / "a.h5")
            sim = Simulation.resume(tmp_path / "a.h5", threads=2)
            hook, memory = sim.hooks
        sim.run(500.0)
        found.append([hook.rates, hook.shift, sim["cells"].v_th, *memory.spikes_of("cells")])
    assert all(map(np.array_equal, *found))


def test_config_says_the_same_in_shares():
    """lr D (avg - target) per s within 0.5 and 2 D, D = v_th - v_reset = 15 mV."""
    net = Network(seed=1)
    net.populate("cells", 1, LIFExp(v_th=-50.0, v_reset=-65.0))
    hook = IntrinsicPlasticityConfig(target_rate=1.0, tau_ip=1.0).hook(net["cells"], every=1000.0)
    sim = Simulation(net, [hook])
    sim.run(10_000.0)
    assert sim["cells"].v_th[0] == pytest.approx(-50.0 - 0.001 * 15.0 * (10.0 - 0.001), rel=1e-12)
    sim.run(990_000.0)
    assert sim["cells"].v_th[0] == pytest.approx(-57.5)


@pytest.mark.parametrize("wrong, match", [
    ({"target_rate": -1.0}, "target_rate of IntrinsicPlasticityConfig is -1.0: give a finite number of Hz above 0"),
    ({"tau_ip": float("nan")}, "tau_ip of IntrinsicPlasticityConfig is nan"),
    ({"threshold_lr": "fast"}, "threshold_lr of IntrinsicPlasticityConfig is 'fast'"),
    ({"v_thresh_min": 2.0, "v_thresh_max": 0.5}, "are 2 and 0.5: put 1, the threshold itself, between them"),
])  # fmt: skip
def test_wrong_numbers_of_the_configuration_are_named(wrong, match):
    with pytest.raises(DescriptionError, match=match):
        IntrinsicPlasticityConfig(**wrong).hook(uncoupled()["cells"])


def test_wrong_arguments_are_named():
    for wrong, match in (
        ({"target": -1.0}, "target of intrinsicplasticity of cells is -1"),
        ({"target": 1.0, "v_th_min": 16.0}, "at neuron 0, whose threshold is 15 mV"),
        ({"target": [1.0, 2.0]}, "has shape"),
        ({"target": 1.0, "tau_rate": 0.0}, "tau_rate"),
    ):
        with pytest.raises(DescriptionError, match=match):
            Simulation(uncoupled(), [IntrinsicPlasticity("cells", **wrong)]).run(1.0)


# the population's gain


def recurrent():
    net = Network(seed=2)
    cells = net.populate("cells", 50, LIFDelta())
    net.drive(cells, Poisson(rate=1500.0), w=1.0)
    net.drive(cells, DC(amplitude=20.0))
    net.connect(cells, cells, probability(0.2), w=0.2, delay=1.5, gain=0.5)
    return net


def test_one_step_of_the_gain():
    """e *= 1 - lr (avg - target) every/s, and every input is its base value times e. Worked by hand from the spikes."""
    hook, memory = PopulationIntrinsicPlasticity("cells", target=5.0, lr=0.2, every=100.0, tau_rate=200.0), MemoryRecorder()
    sim = Simulation(recurrent(), [memory, hook])
    sim.run(200.0)
    times, e = memory.times("cells"), 1.0
    for t in (100.0, 200.0):
        avg = 5.0 * math.exp(-t / 200.0) + np.exp(-(t - times[times <= t + 1e-9]) / 200.0).sum() * 1000.0 / (50 * 200.0)
        e *= 1.0 - 0.2 * (avg - 5.0) * 0.1
    assert float(hook.e) == pytest.approx(e, rel=1e-10) and abs(e - 1.0) > 0.01
    values = sim["cells->cells"].gain, sim["poisson->cells"].w, sim["dc->cells"].amplitude
    assert values == (0.5, 1.0, 20.0)  # what was described stays, e lies over it
    assert [sim[name].amplification for name in ("cells->cells", "poisson->cells", "dc->cells")] == [float(hook.e)] * 3
    np.testing.assert_allclose(sim["cells"].i_ext, 20.0 * float(hook.e), rtol=1e-14)
    sim["dc->cells"].amplitude = 8.0
    sim.run(100.0)
    np.testing.assert_allclose(sim["cells"].i_ext, 8.0 * float(hook.e), rtol=1e-14)


def test_the_leak_brings_the_gain_back():
    """In silence e rests where ln e = lr (target - 0)/leak; with target 0 nothing but the leak acts, and ln e falls as exp(-leak t)."""
    net = Network(seed=1)
    net.drive(net.populate("cells", 4, LIFDelta()), DC(amplitude=1.0))
    hook = PopulationIntrinsicPlasticity("cells", target=1.0, lr=0.1, leak=0.5, tau_rate=10.0)
    sim = Simulation(net, [hook])
    sim.run(20_000.0)
    assert math.log(float(hook.e)) == pytest.approx(0.1 * (1.0 - 0.0) / 0.5, rel=0.03)
    quiet = PopulationIntrinsicPlasticity("cells", target=0.0, lr=0.1, leak=0.5)
    other = Simulation(net, [quiet])
    other.run(100.0)
    quiet.e = 2.0
    other.run(3000.0)
    assert float(quiet.e) == pytest.approx(2.0 ** math.exp(-0.5 * 3.0), rel=1e-9)


@pytest.mark.parametrize("target", [3.0, 20.0])
def test_population_reaches_its_target(target):
    """avg = target at the fixed point; 15 s of 50 neurons counted, correlated by their synapses: within 10 %."""
    hook, memory = PopulationIntrinsicPlasticity("cells", target=target, lr=0.05), MemoryRecorder()
    Simulation(recurrent(), [hook, memory]).run(30_000.0)
    times = memory.times("cells")
    assert (times > 15_000.0).sum() / 50 / 15.0 == pytest.approx(target, rel=0.1)


def test_gain_is_bounded_and_silence_is_no_division():
    net = Network(seed=1)
    cells = net.populate("cells", 4, LIFDelta())
    net.drive(cells, DC(amplitude=1.0))
    hook = PopulationIntrinsicPlasticity("cells", target=50.0, lr=1.0)
    sim = Simulation(net, [hook])
    sim.run(5000.0)
    assert float(hook.e) == 10.0 and (sim["cells"].i_ext == 10.0).all()


def test_inputs_of_parts_of_a_population_and_of_shared_rows_are_multiplied():
    """Silence at a target of 50 Hz: e grows by 1 + lr 50/10 = 1.5 at the first call, of both projections onto parts of the cells alone."""
    net = Network(seed=1)
    cells, others = net.populate("cells", 4, LIFDelta()), net.populate("others", 4, LIFDelta())
    net.connect(cells, cells[:2], probability(0.9), w=0.1, name="first")
    net.connect(cells, cells[2:], probability(0.9), w=0.1, name="second", gain=2.0)
    net.connect(cells, others, probability(0.9), w=0.1, name="elsewhere")
    sim = Simulation(net, [PopulationIntrinsicPlasticity("cells", target=50.0, lr=0.1, tau_rate=1e-3, every=100.0)])
    sim.run(150.0)
    assert [sim[name].amplification for name in ("first", "second", "elsewhere")] == pytest.approx([1.5, 1.5, 1.0])
    assert [sim[name].gain_now() for name in ("first", "second", "elsewhere")] == pytest.approx([1.5, 3.0, 1.0])
