"""Inputs against their theory: Poisson statistics from sparse to very dense, Campbell's theorem, given spikes, currents, switches.

Statistical tests have fixed seeds; a mean of n samples is held to 5 of its standard errors, a p value to 1e-4.
"""

import math
from typing import NamedTuple

import numpy as np
import pytest
from scipy import stats

from thalia_sim import (
    DC,
    LIFDelta,
    LIFExp,
    MemoryRecorder,
    Network,
    OrnsteinUhlenbeck,
    Poisson,
    PoissonSource,
    Ramp,
    Sample,
    Simulation,
    Sine,
    SpikeArray,
    SpikeFile,
    StepCurrent,
    TimedArray,
    current,
    one_to_one,
)
from thalia_sim.errors import DescriptionError, SimulationError

pytestmark = pytest.mark.filterwarnings("ignore::thalia_sim.errors.UnusualValue")


def counts(rate, n=200, steps=400, dt=0.1, seed=1, w=1.0, target=slice(None), **options):
    """Events of a Poisson drive, [steps, n]: neurons without leak add them up."""
    net = Network(seed=seed, dt=dt)
    cells = net.populate("cells", n, LIFDelta(tau_m=1e18, v_th=1e18))
    net.drive(cells[target], Poisson(rate=rate), w=w)
    recorder = MemoryRecorder(state=[Sample("cells", "v", every=dt)])
    Simulation(net, [recorder], **options).run(steps * dt)
    v = np.round(recorder.samples("cells", "v")[1])
    return np.diff(np.vstack([np.zeros(n), v]), axis=0)


@pytest.mark.parametrize("mean", [0.001, 0.01, 0.019, 0.021, 0.1, 0.7, 3.0, 12.0, 99.0, 101.0, 1000.0])
def test_poisson_counts(mean):
    """Events a step of each target are Poisson: mean, variance, distribution (chi-square), and independence of targets and of steps.

    The variance of a sample variance is (m + 2 m^2) / n for large n; covariances of independent pairs have the standard error m / sqrt(n).
    """
    x = counts(mean * 1e4)
    n = x.size
    assert abs(x.mean() - mean) < 5 * math.sqrt(mean / n)
    assert abs(x.var() - mean) < 5 * math.sqrt((mean + 2 * mean**2) / n)
    k = np.arange(int(x.max()) + 2)
    expected = n * stats.poisson.pmf(k, mean)
    expected[-1] = n * stats.poisson.sf(k[-2], mean)
    bins = np.floor(np.cumsum(expected) / max(8.0, n / 60)).astype(int)  # at least 8 expected in each
    found, wanted = np.bincount(bins, np.bincount(x.ravel().astype(int), minlength=len(k))), np.bincount(bins, expected)
    keep = wanted > 4
    if keep.sum() > 1:
        found, wanted = found[keep], wanted[keep]
        assert stats.chisquare(found, wanted * found.sum() / wanted.sum()).pvalue > 1e-4
    y = x - mean
    for a, b in ((y[:, :-1], y[:, 1:]), (y[:, :100], y[:, 100:]), (y[:-1], y[1:]), (y[:-1, :-1], y[1:, 1:])):
        assert abs((a * b).mean()) < 5 * mean / math.sqrt(a.size)


def test_totals_of_targets_and_steps_scatter_as_they_should():
    """Sums over targets and over steps of a sparse drive are Poisson too: index of dispersion against chi-square."""
    x = counts(100.0, n=5000, steps=1000)
    for total in (x.sum(axis=0), x.sum(axis=1)):
        dispersion = ((total - total.mean()) ** 2).sum() / total.mean()
        assert 1e-4 < stats.chi2.cdf(dispersion, len(total) - 1) < 1 - 1e-4


@pytest.mark.parametrize("largest", [150.0, 20000.0])
def test_rates_of_each_target(largest):
    """One rate a target, sparse (by thinning) and dense: sums over steps against rate x time, within 5 sigma each; zero stays zero."""
    rates = np.linspace(0.0, largest, 40)
    x = counts(rates, n=40, steps=4000).sum(axis=0)
    expected = rates * 0.4
    assert x[0] == 0
    assert (np.abs(x - expected) < 5 * np.sqrt(expected) + 1e-9).all()


@pytest.mark.parametrize("scale", [1.0, 300.0])
def test_rates_over_time(scale):
    """A TimedArray, sparse and dense: each bin has its rate, the last one holds on; the change is exact to the step."""
    values = np.array([0.0, 120.0, 30.0, 0.0, 80.0]) * scale
    x = counts(TimedArray(values, 5.0), n=400, steps=400)
    per_bin = x.reshape(8, 50 * 400).sum(axis=1)
    expected = np.append(values, [values[-1]] * 3) * 0.005 * 400
    assert (per_bin[expected == 0] == 0).all()
    assert (np.abs(per_bin - expected) <= 5 * np.sqrt(expected)).all()


@pytest.mark.parametrize("rate", [100.0, 3000.0, np.linspace(10.0, 5000.0, 9)], ids=["sparse", "dense", "each"])
def test_chosen_targets_and_their_weights(rate):
    """Targets in any order, weights each its own: what falls on whom depends neither on blocks nor on workers, and others get nothing."""
    chosen = np.array([17, 3, 4, 90, 55, 31, 2, 89, 60])
    w = np.arange(1.0, 10.0)
    x = counts(rate, n=100, steps=2000, w=w, target=chosen)
    assert not np.delete(x, chosen, axis=1).any()
    for k, gid in enumerate(chosen):
        mean = (rate if np.ndim(rate) == 0 else rate[k]) * 0.2
        assert np.unique(x[:, gid] % w[k]).tolist() == [0.0]
        assert abs(x[:, gid].sum() / w[k] - mean) < 5 * math.sqrt(mean)
    np.testing.assert_array_equal(x, counts(rate, n=100, steps=2000, w=w, target=chosen, blocks=7, threads=2))


@pytest.mark.parametrize("blocks", [1, 3])
def test_more_targets_than_a_tile(blocks):
    """A sparse process shares clocks among 4,096 targets: 9,000 targets in three tiles, each block with the tiles it has a part of."""
    x = counts(50.0, n=9000, steps=300, blocks=blocks)
    assert abs(x.sum() - 9000 * 1.5) < 5 * math.sqrt(9000 * 1.5)
    for part in (x[:, :4096], x[:, 4096:8192], x[:, 8192:]):
        assert abs(part.sum() - part.shape[1] * 1.5) < 5 * math.sqrt(part.shape[1] * 1.5)
    np.testing.assert_array_equal(x, counts(50.0, n=9000, steps=300))


@pytest.mark.parametrize("rate, w", [(100.0, 0.5), (4000.0, 0.1), (200_000.0, 0.01)])
def test_campbell(rate, w):
    """Shot noise through a membrane (Campbell 1909): mean w r tau, variance w^2 r tau / 2 for exponential responses; on the grid of dt
    the sums of the geometric series take their place: mean w m / (1 - a), variance w^2 m / (1 - a^2), m = r dt, a = exp(-dt / tau).

    n = 300 neurons at 40 times more than 5 tau apart: 5 standard errors for independent samples.
    """
    net = Network(seed=3)
    cells = net.populate("cells", 300, LIFDelta(tau_m=10.0, v_th=1e9))
    net.drive(cells, Poisson(rate=rate), w=w)
    recorder = MemoryRecorder(state=[Sample("cells", "v", every=50.0)])
    Simulation(net, [recorder]).run(2200.0)
    v = recorder.samples("cells", "v")[1][4:]
    m, a = rate * 1e-4, math.exp(-0.01)
    mean, variance = w * m / (1 - a), w**2 * m / (1 - a**2)
    assert mean == pytest.approx(w * rate * 0.01, rel=0.01)
    assert abs(v.mean() - mean) < 5 * math.sqrt(variance / v.size)
    kurtosis = 3 + w**4 * m / (1 - a**4) / variance**2
    assert abs(v.var() - variance) < 5 * variance * math.sqrt((kurtosis - 1) / v.size)


# populations of trains


def trains(model, n, duration, **options):
    """(steps [k], elements [k]) of a source population."""
    net = Network(seed=5)
    net.populate("source", n, model)
    recorder = MemoryRecorder()
    Simulation(net, [recorder], **options).run(duration)
    return np.round(recorder.times("source") / 0.1).astype(int), recorder.ids("source")


@pytest.mark.parametrize("rate", [5.0, 100.0, 2000.0])
def test_intervals_of_poisson_sources(rate):
    """Inter-spike intervals on the grid are geometric mixtures that tend to exponentials: mean 1 / rate, coefficient of variation 1,
    no serial correlation; counts of the elements are Poisson."""
    duration = 2e6 / rate / 20
    steps, ids = trains(PoissonSource(rate=rate), 20, duration)
    expected = rate * duration * 1e-3
    number = np.bincount(ids, minlength=20)
    assert (np.abs(number - expected) < 5 * math.sqrt(expected)).all()
    gaps = np.concatenate([np.diff(steps[ids == k]) for k in range(20)]) * 0.1
    n = len(gaps)
    mean, m = 1000.0 / rate, rate * 1e-4
    assert abs(gaps.mean() - mean) < 6 * mean / math.sqrt(n)  # the last, cut interval biases by less than 1 / sqrt(n)
    grid = 0.1 * math.sqrt((1 + math.exp(-m)) / (1 - math.exp(-m)) / m) if rate < 1000 else None
    if grid:
        assert abs(gaps.std() - mean) < 0.02 * mean + 0.1
        k = np.arange(1, 6) * int(10 / m / 10)
        survival = np.array([(gaps > 0.1 * q + 1e-6).mean() for q in k])
        np.testing.assert_allclose(survival, np.exp(-m * k), atol=5 * 0.5 / math.sqrt(n) + m)
    assert abs(np.corrcoef(gaps[:-1], gaps[1:])[0, 1]) < 5 / math.sqrt(n)


def test_each_source_has_its_rate_and_fires_in_order():
    rates = np.array([0.0, 10.0, 200.0, 0.0, 4000.0, 12000.0])
    steps, ids = trains(PoissonSource(rate=rates), 6, 2000.0)
    number = np.bincount(ids, minlength=6)
    assert (np.abs(number - rates * 2) <= 5 * np.sqrt(rates * 2)).all()
    assert (np.diff(steps) >= 0).all() and (np.diff(ids)[np.diff(steps) == 0] >= 0).all()
    assert ((np.diff(steps) == 0) & (np.diff(ids) == 0)).any(), "at 12 kHz an element fires twice in some steps"


def test_sources_whose_rate_changes():
    steps, ids = trains(PoissonSource(rate=TimedArray([100.0, 0.0, 2000.0, 50.0], 100.0)), 50, 600.0)
    number = np.bincount((steps - 1) // 1000, minlength=6)
    expected = np.array([100.0, 0.0, 2000.0, 50.0, 50.0, 50.0]) * 0.1 * 50
    assert (np.abs(number - expected) <= 5 * np.sqrt(expected)).all()


def test_shared_trains_reach_all_targets_after_their_delays():
    """One event, all targets: neurons without leak with delays 1, 5 and 20 steps count the same spikes, shifted."""
    net = Network(seed=5)
    source = net.populate("source", 1, PoissonSource(rate=3000.0))
    cells = net.populate("cells", 3, LIFDelta(tau_m=1e18, v_th=1e18))
    for k, steps in enumerate((1, 5, 20)):
        net.connect(source, cells[[k]], one_to_one(), w=1.0, delay=0.1 * steps)
    recorder = MemoryRecorder(state=[Sample("cells", "v", every=0.1)])
    Simulation(net, [recorder], sleeping=False).run(100.0)
    v = recorder.samples("cells", "v")[1]
    fired = np.bincount(np.round(recorder.times("source") / 0.1).astype(int), minlength=1001)[:1001]
    assert fired.max() > 1
    for k, steps in enumerate((1, 5, 20)):
        expected = np.cumsum(np.concatenate([np.zeros(steps), fired]))[1:1001]
        np.testing.assert_array_equal(v[:, k], expected)


def test_given_spikes_are_sent_as_given(tmp_path):
    """SpikeArray in any order, with repeats; a SONATA file of the same gives the same, shifted by `start`."""
    import h5py

    times, ids = np.array([5.0, 0.1, 3.0, 3.0, 3.04, 7.77]), np.array([2, 0, 1, 1, 0, 2])
    steps, found = trains(SpikeArray(times, ids), 3, 20.0)
    np.testing.assert_array_equal(steps, [1, 30, 30, 30, 50, 78])
    np.testing.assert_array_equal(found, [0, 0, 1, 1, 2, 2])
    with h5py.File(tmp_path / "in.h5", "w") as file:
        group = file.create_group("spikes/retina")
        group["timestamps"], group["node_ids"] = times / 1000, ids
        group["timestamps"].attrs["units"] = "s"
    late, same = trains(SpikeFile(str(tmp_path / "in.h5"), "retina", start=2.0), 3, 20.0)
    np.testing.assert_array_equal(late, steps + 20)
    np.testing.assert_array_equal(same, found)


@pytest.mark.parametrize(
    "model, words",
    [
        (SpikeArray([1.0], [3]), "element 3"),
        (SpikeArray([0.0], [0]), "0 ms"),
        (SpikeArray([np.nan], [0]), "nan"),
        (SpikeArray([np.inf], [0]), "finite"),
        (SpikeArray([1.0, 2.0], [0]), "one length"),
        (SpikeArray([1.0], [0.5]), "whole numbers"),
        (SpikeFile("/nowhere.h5"), "/nowhere.h5"),
    ],
)
def test_bad_spikes_are_refused(model, words):
    with pytest.raises(DescriptionError, match=words):
        trains(model, 3, 1.0)


# currents


def current_of(*drives, duration=50.0, dt=0.1, n=1, **options):
    """i_ext of each step, [steps, n]: sampled after step k, so row k is what acted in step k."""
    net = Network(seed=1, dt=dt)
    cells = net.populate("cells", n, LIFExp(v_th=1e9))
    for k, drive in enumerate(drives):
        net.drive(cells, drive, name=f"d{k}")
    recorder = MemoryRecorder(state=[Sample("cells", "i_ext", every=dt)])
    Simulation(net, [recorder], **options).run(duration)
    return recorder.samples("cells", "i_ext")[1]


def test_currents_follow_their_formulas():
    """At step k a current has its value in the middle of the step, (k + 1/2) dt; several add up. Tolerance: rounding."""
    t = (np.arange(500) + 0.5) * 0.1
    ramp, sine = Ramp(start=10.0, stop=30.0, first=20.0, last=-40.0), Sine(amplitude=7.0, frequency=40.0, phase=0.3, offset=2.0)
    expected_ramp = np.interp(t, [10.0, 30.0], [20.0, -40.0]) * (t >= 10.0)
    expected_sine = 2.0 + 7.0 * np.sin(2 * np.pi * 40.0 * t / 1000 + 0.3)
    np.testing.assert_allclose(current_of(ramp)[:, 0], expected_ramp, atol=1e-12)
    np.testing.assert_allclose(current_of(sine)[:, 0], expected_sine, atol=1e-12)
    stepped = StepCurrent(times=(0.0, 5.0, 20.0), amplitudes=(1.0, -3.0, 10.0))
    expected_steps = np.select([t < 5, t < 20], [1.0, -3.0], 10.0)
    np.testing.assert_allclose(current_of(stepped)[:, 0], expected_steps, atol=1e-12)
    together = current_of(DC(5.0), sine, stepped, DC(0.5), ramp)[:, 0]
    np.testing.assert_allclose(together, 5.5 + expected_ramp + expected_sine + expected_steps, atol=1e-12)


def test_the_membrane_integrates_its_currents():
    """v of a neuron without leak is the sum of i dt / c_m of all steps."""
    net = Network(seed=1)
    cells = net.populate("cells", 2, LIFExp(tau_m=1e6, c_m=100.0, e_l=0.0, v_th=1e9))
    net.drive(cells, Sine(amplitude=50.0, frequency=30.0))
    net.drive(cells[1:], DC(amplitude=20.0))
    sim = Simulation(net)
    sim.run(50.0)
    t = (np.arange(500) + 0.5) * 0.1
    total = (50.0 * np.sin(2 * np.pi * 0.03 * t)).sum() * 0.1 / 100.0
    np.testing.assert_allclose(sim["cells"].v, [total, total + 10.0], rtol=1e-4)  # of a leak with 1e6 ms at most 50 / 1e6 are lost


def test_ornstein_uhlenbeck_noise():
    """Variance sd^2 (1 - exp(-2 t / tau)), autocorrelation exp(-lag / tau), independence of targets; it starts at the mean."""
    sd, tau, n = 30.0, 4.0, 3000
    x = current_of(OrnsteinUhlenbeck(mean=50.0, sd=sd, tau=tau), duration=60.0, n=n)
    assert (x[0] == 50.0).all()
    for k in (1, 10, 20, 100, 400):
        variance = sd**2 * -math.expm1(-2 * k * 0.1 / tau)
        assert abs(x[k].mean() - 50.0) < 5 * math.sqrt(variance / n)
        assert abs(x[k].var() - variance) < 5 * variance * math.sqrt(2 / n)
    late = x[400:] - 50.0
    for lag in (10, 40, 100):
        assert abs(np.mean(late[0] * late[lag]) / sd**2 - math.exp(-lag * 0.1 / tau)) < 5 / math.sqrt(n)
    assert abs(np.mean(late[0, :-1] * late[0, 1:]) / sd**2) < 5 / math.sqrt(n)
    assert stats.kstest(late[0] / sd, "norm").pvalue > 1e-4


def test_a_current_of_ones_own():
    """Ten lines in a script: a plain function of time with helpers of its own module."""
    np.testing.assert_allclose(current_of(Fading(80.0, 12.0))[:, 0], 80.0 * np.exp(-(np.arange(500) + 0.5) * 0.1 / 12.0), rtol=1e-13)


def fading(t, p):
    return p.amplitude * math.exp(-t / p.tau)


@current(fading)
class Fading(NamedTuple):
    amplitude: float = 100.0  # pA
    tau: float = 50.0  # ms


# changes in the run


def net_of(source, w=1.0, n=500):
    net = Network(seed=2)
    cells = net.populate("cells", n, LIFDelta(tau_m=1e18, v_th=1e18))
    net.drive(cells, source, **({"w": w} if isinstance(source, Poisson) else {}), name="drive")
    return net


@pytest.mark.parametrize("rate", [50.0, 3000.0])
def test_rate_and_weight_of_a_running_drive(rate):
    """Each stretch has the statistics of its rate and weight, from its first step on; off is silent, and nothing is made up for after."""
    sim = Simulation(net_of(Poisson(rate=rate)))
    drive, before = sim["drive"], 0.0

    def gained(duration=20.0):
        nonlocal before
        start, before = before, None
        sim.run(duration)
        before = round(sim["cells"].v.sum(), 6)  # whole numbers, or halves: a sleeper's jump may lose a last bit
        return before - start

    def close(found, mean, w=1.0):
        return abs(found - mean * w) < 5 * w * math.sqrt(mean)

    assert close(gained(), 500 * rate * 0.02)
    drive.rate = 3 * rate
    assert drive.rate == 3 * rate and close(gained(), 1500 * rate * 0.02)
    drive.on = False
    assert gained() == 0.0 and gained(200.0) == 0.0
    drive.on = True
    assert close(gained(), 1500 * rate * 0.02)
    drive.w, drive.rate = 2.5, rate
    assert close(gained(), 500 * rate * 0.02, 2.5)
    drive.rate = 0.0
    assert gained(50.0) == 0.0
    drive.rate = rate
    assert close(gained(), 500 * rate * 0.02, 2.5)


def test_drives_that_cannot_be_changed_say_so():
    sim = Simulation(net_of(Poisson(rate=np.full(500, 20.0)), w=np.ones(500)))
    for field, value in (("rate", 10.0), ("w", 2.0)):
        with pytest.raises(SimulationError, match="number to number"):
            setattr(sim["drive"], field, value)
    sim = Simulation(net_of(Poisson(rate=20.0)))
    for value in (math.nan, -1.0, math.inf):
        with pytest.raises(DescriptionError, match="finite"):
            sim["drive"].rate = value
    with pytest.raises(SimulationError, match="sparse"):
        sim["drive"].rate = 1e6


def test_poisson_sources_are_silent_while_off_and_make_up_for_nothing():
    net = Network(seed=2)
    net.populate("source", 200, PoissonSource(rate=100.0))
    recorder = MemoryRecorder()
    sim = Simulation(net, [recorder])
    sim.run(100.0)
    sim["source"].on = False
    sim.run(1000.0)
    sim["source"].on = True
    assert not sim.in_flight() and sim["source"].on
    sim.run(100.0)
    t = recorder.times("source")
    assert not ((t > 100.05) & (t < 1100.05)).any()
    for part in (t[t < 600], t[t > 600]):
        assert abs(len(part) - 2000) < 5 * math.sqrt(2000)
    assert (t[t > 600] < 1101).sum() < 60


def test_array_sources_drop_what_falls_into_a_pause():
    net = Network(seed=2)
    net.populate("source", 1, SpikeArray([1.0, 5.0, 5.1, 9.0], [0] * 4))
    recorder = MemoryRecorder()
    sim = Simulation(net, [recorder])
    sim.run(4.0)
    sim["source"].on = False
    sim.run(4.0)
    sim["source"].on = True
    sim.run(4.0)
    np.testing.assert_allclose(recorder.times("source"), [1.0, 9.0])


@pytest.mark.parametrize("amplitude", [40.0, np.linspace(0.0, 40.0, 5)])
def test_direct_current_switched_and_changed(amplitude):
    """i_ext is the sum of what is on; within rounding of adding and taking away."""
    net = Network(seed=2)
    cells = net.populate("cells", 5, LIFExp(v_th=1e9), i_ext=7.0)
    net.drive(cells, DC(amplitude), name="drive")
    sim = Simulation(net)
    assert sim["cells"].i_ext == pytest.approx(7.0 + np.broadcast_to(amplitude, 5))
    sim["drive"].on = False
    assert sim["cells"].i_ext == pytest.approx(np.full(5, 7.0))
    sim["drive"].amplitude = 3.0
    assert sim["cells"].i_ext == pytest.approx(np.full(5, 7.0))
    sim["drive"].on = True
    assert sim["cells"].i_ext == pytest.approx(np.full(5, 10.0))
    sim["drive"].amplitude = np.arange(5.0)
    sim.run(1.0)
    assert sim["cells"].i_ext == pytest.approx(7.0 + np.arange(5))
    with pytest.raises(DescriptionError, match="shape"):
        sim["drive"].amplitude = np.ones(4)


@pytest.mark.parametrize("source", [Sine(), Ramp(stop=10.0), OrnsteinUhlenbeck(mean=30.0)])
def test_currents_that_change_can_be_switched(source):
    net = Network(seed=2)
    cells = net.populate("cells", 5, LIFExp(v_th=1e9))
    net.drive(cells, source, name="drive")
    net.drive(cells, DC(11.0))
    sim = Simulation(net)
    sim.run(3.0)
    assert (sim["cells"].i_ext != 11.0).all()
    sim["drive"].on = False
    sim.run(0.1)
    np.testing.assert_array_equal(sim["cells"].i_ext, 11.0)
    sim["cells"].i_ext = 5.0
    sim["drive"].on = True
    sim.run(8.0)
    assert (sim["cells"].i_ext != 5.0).all()


@pytest.mark.parametrize("drive, words", [
    (StepCurrent((1.0, 1.02), (1.0, 2.0)), "whole number of steps"), (StepCurrent((5.0, 1.0), (1.0, 2.0)), "rising"),
        (StepCurrent((5.0,), (1.0, 2.0)), "as many"),
    (OrnsteinUhlenbeck(tau=0.0), "tau"), (DC(np.ones(3)), "shape"), (DC(math.nan), "nan"),
])  # fmt: skip
def test_bad_currents_are_refused(drive, words):
    with pytest.raises((DescriptionError, SimulationError), match=words):
        current_of(drive, n=5)


@pytest.mark.parametrize("value", ["x", None, [1.0, 2.0, 3.0]])
def test_amplitudes_that_are_no_current_are_refused_in_the_run(value):
    """What cannot be a current is refused by name, and the current stays as it was."""
    net = Network()
    cells = net.populate("cells", 2, LIFDelta())
    net.drive(cells, DC(5.0), name="dc")
    sim = Simulation(net)
    with pytest.raises(DescriptionError, match="amplitude of"):
        sim["dc"].amplitude = value
    assert (sim["cells"].i_ext == 5.0).all()
