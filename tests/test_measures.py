"""Measures against theory: processes with known statistics, closed forms, and counting by brute force. Tolerances are about five standard errors."""

import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thalia_sim import measures as ms
from thalia_sim.errors import MeasureError
from thalia_sim.measures import confidence, contract, stationarity

T = 50_000.0  # ms


def train(times):
    """Spikes (t, ids) in order of time, from the times of each neuron."""
    t, ids = np.concatenate(times), np.repeat(np.arange(len(times)), [len(x) for x in times])
    order = np.argsort(t, kind="stable")
    return t[order], ids[order]


def renewal(draw, n=200, until=T):
    """n neurons whose intervals come from `draw(shape)`, mean 50 ms; the first 1000 ms are run in and come before time 0."""
    times = np.cumsum(draw((n, int(until / 50.0 * 1.5) + 100)), axis=1) - 1000.0
    return train([x[(x > 0) & (x <= until)] for x in times])


def gamma(order, seed=1):
    rng = np.random.default_rng(seed)
    return lambda shape: rng.gamma(order, 50.0 / order, shape)


def common_input(c, n=40, rate=20.0, until=T, seed=3):
    """n Poisson neurons that share a part c of their spikes; also the shared times."""
    rng = np.random.default_rng(seed)
    shared = np.sort(rng.uniform(0, until, rng.poisson(c * rate * until / 1000)))
    own = [rng.uniform(0, until, rng.poisson((1 - c) * rate * until / 1000)) for _ in range(n)]
    return train([np.sort(np.concatenate([shared, x])) for x in own])


# theory ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [1, 4])
def test_gamma_process(order):
    """CV = 1/sqrt(k), LV = 3/(2k + 1) (Shinomoto et al. 2003); k = 1 is Poisson. 200 neurons with 1000 intervals each."""
    found = ms.isi(*renewal(gamma(order)), n=200)
    assert found.mean.mean() == pytest.approx(50.0, rel=0.01)
    assert found.cv.mean() == pytest.approx(order**-0.5, abs=0.012)
    assert found.lv.mean() == pytest.approx(3 / (2 * order + 1), abs=0.012)


def test_refractory_poisson():
    """A dead time d takes from the CV the share of time in it: CV = 1 - rate * d (Deger et al. 2012, J. Comput. Neurosci. 32:443)."""
    rng, dead = np.random.default_rng(2), 20.0
    found = ms.isi(*renewal(lambda shape: dead + rng.exponential(50.0 - dead, shape)), n=200)
    assert found.cv.mean() == pytest.approx(1 - dead / 50.0, abs=0.008)
    below = int(np.searchsorted(found.edges, dead * 0.99, side="right")) - 1
    assert not found.histogram[:below].any() and found.shorter == found.longer == 0
    fano = ms.fano_factor(*renewal(lambda shape: dead + rng.exponential(50.0 - dead, shape)), n=200, t1=T, window=2500.0)
    assert fano.factor.mean() == pytest.approx((1 - dead / 50.0) ** 2, rel=0.1)  # CV**2, for long windows


def test_lv_sees_through_slow_changes_of_the_rate():
    """Poisson at 5 and then 50 Hz: CV**2 = 2 <I**2> / <I>**2 - 1 of the mixture of intervals, LV stays 1 (Shinomoto et al. 2003)."""
    rng = np.random.default_rng(4)
    times = [np.sort(np.concatenate([rng.uniform(0, T / 2, rng.poisson(125)), rng.uniform(T / 2, T, rng.poisson(1250))])) for _ in range(200)]
    found = ms.isi(*train(times), n=200)
    mixed = np.array([125 * 200.0**2 + 1250 * 20.0**2, 125 * 200.0 + 1250 * 20.0]) / 1375
    assert found.cv.mean() == pytest.approx(math.sqrt(2 * mixed[0] / mixed[1] ** 2 - 1), abs=0.03)
    assert found.lv.mean() == pytest.approx(1.0, abs=0.02)


def test_interval_histogram_of_poisson():
    """Share of intervals in a bin: exp(-a r) - exp(-b r)."""
    found = ms.isi(*renewal(gamma(1)), n=200)
    share = np.exp(-found.edges[:-1] / 50.0) - np.exp(-found.edges[1:] / 50.0)
    total = found.number.sum()
    np.testing.assert_allclose(found.histogram / total, share, atol=5 * np.sqrt(share.max() / total))


@pytest.mark.parametrize("order", [1, 4])
def test_fano_factor_of_gamma_process(order):
    """Long windows: F = CV**2 + (1 - CV**4) / (6 * mean count) (Cox & Lewis 1966); 1 for Poisson. 50 windows of 1 s."""
    found = ms.fano_factor(*renewal(gamma(order)), n=200, t1=T, window=1000.0)
    theory = 1 / order + (1 - 1 / order**2) / (6 * 20)
    assert found.windows == 50
    assert found.factor.mean() == pytest.approx(theory, abs=5 * theory * math.sqrt(2 / 49 / 200))
    assert found.population == pytest.approx(theory, abs=4 * theory * math.sqrt(2 / 49))


def test_independent_poisson_neurons():
    """No correlation, chi = 1/sqrt(n), variance over mean of the summed count 1."""
    n, rng = 60, np.random.default_rng(5)
    t, ids = train([np.sort(rng.uniform(0, T, rng.poisson(1000))) for _ in range(n)])
    pairs = ms.count_correlation(t, ids, n, T, chosen=range(n), bin=5.0)
    assert pairs.mean == pytest.approx(0.0, abs=5 / math.sqrt(pairs.bins * n * (n - 1) / 2))
    assert pairs.sd == pytest.approx(1 / math.sqrt(pairs.bins), rel=0.1)
    found = ms.spike_synchrony(t, ids, n, T, bin=5.0)
    assert found.chi == pytest.approx(1 / math.sqrt(n), rel=5 * math.sqrt(0.5 / found.bins))
    assert found.dispersion == pytest.approx(1.0, abs=5 * math.sqrt(2 / found.bins))
    assert abs(found.correlation) < 5 * math.sqrt(2 / found.bins) / n


@pytest.mark.parametrize("bin", [2.0, 50.0])
def test_common_input(bin):
    """Poisson neurons that share a part c of their spikes: correlation c in any bin, chi**2 = (1 + (n - 1) c) / n, dispersion 1 + (n - 1) c."""
    n, c = 40, 0.2
    t, ids = common_input(c, n)
    pairs = ms.count_correlation(t, ids, n, T, chosen=np.arange(n), bin=bin)
    assert pairs.mean == pytest.approx(c, abs=0.03)
    together = ms.spike_synchrony(t, ids, n, T, bin=bin)
    assert together.correlation == pytest.approx(pairs.mean, rel=0.02)  # all pairs: means of covariance and variance
    assert together.chi**2 == pytest.approx((1 + (n - 1) * c) / n, rel=0.1)
    assert together.dispersion == pytest.approx(1 + (n - 1) * c, rel=0.15)
    spectrum = ms.power_spectrum(ms.population_rate(t, ids, n, T).counts, 1.0, n)
    assert spectrum.power[2:].mean() == pytest.approx(20.0 * (1 + (n - 1) * c), rel=0.1)


def test_synchrony_of_equals():
    """chi is 1 if all do the same, 0 if they cancel out, of spikes and of potentials; 1/sqrt(n) of independent noise (Golomb 2007)."""
    rng = np.random.default_rng(6)
    times = np.sort(rng.uniform(0, 1000.0, 50))
    assert ms.spike_synchrony(*train([times] * 5), n=5, t1=1000.0).chi == pytest.approx(1.0)
    v = rng.normal(size=(20_000, 25))
    assert ms.chi(v) == pytest.approx(0.2, rel=0.03)
    assert ms.chi(np.repeat(v[:, :1], 4, axis=1)) == pytest.approx(1.0)
    assert ms.chi(np.stack([v[:, 0], -v[:, 0]], axis=1)) == pytest.approx(0.0)
    assert math.isnan(ms.chi(np.ones((10, 3)))) and math.isnan(ms.chi(np.ones((0, 3))))


def test_cross_correlogram_of_common_input():
    """Two halves that share a part c: the coefficient is m c / (1 + (m - 1) c) at the delay between them, and nothing elsewhere."""
    n, c, delay = 40, 0.1, 10.0
    t, ids = common_input(c, n, until=2 * T)
    t, ids = train([t[ids == k] + (delay if k >= n // 2 else 0.0) for k in range(n)])
    a, b = (ms.population_rate(t, ids, n, 2 * T, chosen=half).counts for half in (range(n // 2), range(n // 2, n)))
    found = ms.cross_correlogram(a, b, 1.0, longest=50.0)
    peak = int(np.argmax(found.coefficient))
    assert found.lag[peak] == delay and found.lag[0] == -50.0 and len(found.lag) == 101
    m = n // 2
    assert found.coefficient[peak] == pytest.approx(m * c / (1 + (m - 1) * c), abs=0.03)
    assert np.abs(np.delete(found.coefficient, peak)).max() < 5 / math.sqrt(found.bins)


def test_spectrum_of_poisson_is_flat_at_the_rate():
    """S(f) = rate at all frequencies, for one neuron as for many; the values scatter by the standard error that is told."""
    for n in (1, 50):
        rng = np.random.default_rng(7)
        count = rng.poisson(n * 0.02, 400_000)
        found = ms.power_spectrum(count, 1.0, n)
        assert found.frequency[0] == 1.0 and found.frequency[-1] == 500.0 and found.segments == 799
        inner = found.power[2:-1]  # the mean is taken off, and the last is real
        assert inner.mean() == pytest.approx(20.0, rel=5 * math.sqrt((2 + 50 / n) / len(count)))  # as the variance of the counts
        assert inner.std() / inner.mean() == pytest.approx(found.error, rel=0.2)


def test_spectrum_of_a_gamma_process():
    """Order k: rate * CV**2 = rate / k towards frequency 0, the rate far above it (Cox & Lewis 1966)."""
    t, ids = renewal(gamma(4))
    found = ms.power_spectrum(ms.population_rate(t, ids, 200, T).counts, 1.0, 200)
    assert found.power[1:4].mean() == pytest.approx(20.0 / 4, rel=0.25)
    assert found.power[200:].mean() == pytest.approx(20.0, rel=0.05)


def test_spectrum_of_a_modulated_rate_has_its_line():
    """Rate r (1 + m sin(2 pi f t)), n neurons: r + n (r m / 2)**2 * 2/3 * segment at f, under a Hann window."""
    n, r, m, f = 100, 20.0, 0.5, 40.0
    t = np.arange(100_000) / 1000.0
    count = np.random.default_rng(8).poisson(n * r * (1 + m * np.sin(2 * np.pi * f * t)) / 1000.0)
    found = ms.power_spectrum(count, 1.0, n)
    peak = int(np.argmax(found.power))
    assert found.frequency[peak] == f
    assert found.power[peak] == pytest.approx(r + n * (r * m / 2) ** 2 * 2 / 3, rel=0.03)
    assert np.median(found.power) == pytest.approx(r, rel=0.05)


def test_spectrum_is_that_of_scipy():
    """scipy.signal.welch: the same segments, window and scale."""
    signal = pytest.importorskip("scipy.signal")
    count = np.random.default_rng(9).poisson(3.0, 10_500)
    found = ms.power_spectrum(count, 2.0, 7, segment=500.0)
    theirs = signal.welch(count / 0.002, fs=500.0, window="hann", nperseg=250, noverlap=125, detrend="constant", return_onesided=False)[1]
    np.testing.assert_allclose(found.power, theirs[1:126] / 7, rtol=1e-9)


def test_rates_and_smoothing():
    """Rates are counts over time; a Gaussian kernel keeps a constant, and turns one spike into a bell of the same area."""
    t, ids = np.array([10.0, 20.0, 20.0, 900.0]), np.array([0, 2, 2, 0])
    found = ms.firing_rates(t, ids, 3, t1=1000.0, t0=10.0)
    np.testing.assert_allclose(found.rate, np.array([1, 0, 2]) / 0.99)
    assert found.silent == pytest.approx(1 / 3) and found.mean == pytest.approx(1 / 0.99)
    over_time = ms.population_rate(t, ids, 3, t1=1000.0, bin=100.0)
    assert over_time.counts.tolist() == [3, 0, 0, 0, 0, 0, 0, 0, 1, 0] and over_time.rate[0] == pytest.approx(10.0)
    np.testing.assert_allclose(ms.smoothed(np.full(50, 3.0), 1.0, 10.0), 3.0)
    spike = np.zeros(201)
    spike[100] = 1.0
    x = np.arange(201) - 100.0
    np.testing.assert_allclose(ms.smoothed(spike, 1.0, 5.0), np.exp(-0.5 * (x / 5) ** 2) / (5 * math.sqrt(2 * math.pi)), atol=2e-5)
    assert len(ms.smoothed(np.ones(3), 1.0, 100.0)) == 3


def test_student_is_that_of_scipy():
    stats = pytest.importorskip("scipy.stats")
    for freedom in (*range(1, 40), 99, 100, 1000):
        assert confidence.student(freedom) == pytest.approx(stats.t.ppf(0.975, freedom), rel=1e-9)


def test_von_neumann_bound():
    """5 % of series of independent normal values have a smaller ratio (100,000 series: standard error 0.07 %)."""
    x = np.random.default_rng(10).normal(size=(100_000, stationarity.BLOCKS))
    ratio = (np.diff(x) ** 2).sum(axis=1) / ((x - x.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
    assert (ratio < stationarity.LEAST_RATIO).mean() == pytest.approx(0.05, abs=0.004)


def ornstein_uhlenbeck(tau, length, runs, seed):
    """Series [runs, length] of mean 0, variance 1 and correlation exp(-lag / tau)."""
    rng, a = np.random.default_rng(seed), math.exp(-1 / tau)
    x = np.empty((runs, length))
    x[:, 0] = rng.normal(size=runs)
    for k in range(1, length):
        x[:, k] = a * x[:, k - 1] + math.sqrt(1 - a * a) * rng.normal(size=runs)
    return x


def test_intervals_of_the_mean_hold_for_correlated_series():
    """Memory of 10 values, blocks of 200: the interval holds the mean in 95 % of 1000 runs, drift is seen in 5 % (standard error 0.7 %); taken for
    independent, the same values would give an interval that holds it in less than half of them."""
    series = ornstein_uhlenbeck(tau=10.0, length=4000, runs=1000, seed=11)
    found = [ms.drift_of_mean(x) for x in series]
    assert np.mean([abs(r.mean) < r.half_width for r in found]) == pytest.approx(0.95, abs=0.03)
    assert np.mean([bool(r.drifts) for r in found]) == pytest.approx(0.05, abs=0.03)
    assert np.mean([bool(r.correlated) for r in found]) == pytest.approx(0.05, abs=0.05)
    assert np.mean([abs(x.mean()) < 1.96 * x.std() / math.sqrt(len(x)) for x in series]) < 0.5


def test_drifting_and_wandering_series_are_told():
    noise = np.random.default_rng(12).normal(size=4000)
    x = np.linspace(0, 1, 4000)
    line = ms.drift_of_mean(noise + x)
    assert line.verdict == "drifts" and line.drift == pytest.approx(1.0, abs=line.drift_half_width)
    assert ms.drift_of_mean(noise + 0.7 * np.sin(2 * np.pi * 2 * x)).verdict == "wanders"
    assert ms.drift_of_mean(noise).verdict == "steady"
    assert ms.drift_of_mean(np.zeros(100)).verdict == "steady"
    assert ms.drift_of_mean(np.zeros(19)).verdict == "unknown" and math.isnan(ms.drift_of_mean(np.zeros(19)).mean)


def test_weights():
    """Moments and quantiles of a log-normal distribution, and its drift by known steps."""
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(13)
    w = rng.lognormal(0.0, 0.5, 300_000).astype(np.float32)
    found = ms.weight_distribution(w)
    assert found.mean == pytest.approx(w.mean(dtype=float), rel=1e-9) and found.sd == pytest.approx(w.std(dtype=float), rel=1e-9)
    assert found.skewness == pytest.approx(stats.skew(w.astype(float)), rel=1e-6)
    np.testing.assert_allclose(found.quantile, np.exp(0.5 * stats.norm.ppf([0.05, 0.25, 0.5, 0.75, 0.95])), rtol=0.01)
    assert found.histogram.sum() == found.n == len(w) and (found.edges[0], found.edges[-1]) == (w.min(), w.max())
    step = rng.normal(0.1, 0.3, len(w)) * (np.arange(len(w)) % 2)
    drift = ms.weight_drift(w, w + step)
    assert drift.mean == pytest.approx(step.mean()) and drift.rms == pytest.approx(math.sqrt((step**2).mean()))
    assert drift.changed == 0.5 and drift.largest == pytest.approx(np.abs(step).max())
    assert drift.correlation == pytest.approx(np.corrcoef(w, w + step)[0, 1])


# counting by brute force ----------------------------------------------------------------------------------------------


def meters(n, t0):
    chosen = np.arange(0, n, 2)
    yield ms.RateMeter(n, t0)
    yield ms.PopulationRateMeter(n, 0.7, t0)
    yield ms.PopulationRateMeter(n, 1.0, t0, chosen)
    yield ms.IntervalMeter(n, t0)
    yield ms.CountMeter(n, 1.5, t0)
    yield ms.FanoMeter(n, 0.3, t0)
    yield ms.SynchronyMeter(n, 2.0, t0)
    yield ms.CorrelationMeter(n, 0.4, chosen, t0)


def same(a, b):
    """Equal results: counts exactly, the rest to rounding."""
    for x, y in zip(a, b, strict=True):
        x, y = np.asarray(x), np.asarray(y)
        np.testing.assert_array_equal(x, y) if x.dtype.kind in "iu" else np.testing.assert_allclose(x, y, rtol=1e-9, atol=1e-9)


spikes = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 4)), max_size=80)  # many at the same time


@settings(max_examples=60, deadline=None)
@given(spikes, st.lists(st.integers(0, 80), max_size=6), st.sampled_from([0.0, 0.3, 2.0]), st.sampled_from([6.0, 6.05, 20.0]))
def test_blocks_of_any_size_give_the_same(drawn, cuts, t0, t1):
    steps, ids = np.array(sorted(drawn) or np.zeros((0, 2)), dtype=np.int64).T
    t = steps * 100_000 / 1e6  # as the clock gives them
    for whole, pieces in zip(meters(5, t0), meters(5, t0), strict=True):
        whole.add(t, ids)
        for begin, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(t)], strict=True):
            pieces.add(t[begin:end], ids[begin:end])
            pieces.result(100.0)  # asking changes nothing
        same(whole.result(t1), pieces.result(t1))


def test_chunks_inside_a_block_give_the_same(monkeypatch):
    t, ids = renewal(gamma(2), n=20, until=2000.0)
    whole = list(meters(20, 100.0))
    for meter in whole:
        meter.add(t, ids)
    monkeypatch.setattr(contract, "CHUNK", 37)
    for one, other in zip(whole, meters(20, 100.0), strict=True):
        other.add(t, ids)
        same(one.result(2000.0), other.result(2000.0))


@settings(max_examples=60, deadline=None)
@given(spikes, st.sampled_from([1, 3, 7]), st.sampled_from([0, 3, 20]))
def test_counts_are_those_of_whole_numbers(drawn, width, first):
    """Times on the clock, compared with counting in steps: no spike slips over the edge of a bin by rounding."""
    steps, ids = np.array(sorted(drawn) or np.zeros((0, 2)), dtype=np.int64).T
    bins = (61 - first) // width
    expected = np.zeros((bins, 5))
    for step, k in zip(steps, ids, strict=True):
        row = -(-(step - first) // width) - 1
        if 0 <= row < bins:
            expected[row, k] += 1
    t, t0, t1, bin = steps * 100_000 / 1e6, first * 0.1, first * 0.1 + bins * width * 0.1, width * 0.1
    assert ms.population_rate(t, ids, 5, t1, bin, t0).counts.tolist() == expected.sum(axis=1).tolist()
    counter = ms.CountMeter(5, bin, t0)
    found = contract.read(counter, t, ids, t1).result(t1)
    assert found.windows == bins
    np.testing.assert_allclose(found.mean, expected.mean(axis=0))
    np.testing.assert_allclose(found.variance, expected.var(axis=0, ddof=1), atol=1e-12)
    assert found.total_variance == pytest.approx(expected.sum(axis=1).var(ddof=1))
    pairs = ms.count_correlation(t, ids, 5, t1, range(5), bin, t0)
    with np.errstate(invalid="ignore", divide="ignore"):
        np.testing.assert_allclose(pairs.coefficient, np.corrcoef(expected.T), atol=1e-9)


@settings(max_examples=60, deadline=None)
@given(spikes)
def test_intervals_are_those_of_each_neuron(drawn):
    steps, ids = np.array(sorted(drawn) or np.zeros((0, 2)), dtype=np.int64).T
    steps += 1  # a window holds no spike at its very beginning
    found = ms.isi(steps * 0.1, ids, 5)
    total = 0
    for k in range(5):
        i = np.diff(steps[ids == k] * 0.1)
        assert found.number[k] == len(i)
        total += len(i)
        assert found.mean[k] == pytest.approx(i.mean()) if len(i) else math.isnan(found.mean[k])
        if len(i) < 2:
            assert math.isnan(found.cv[k]) and math.isnan(found.lv[k])
            continue
        terms = [0.0 if a + b == 0 else ((a - b) / (a + b)) ** 2 for a, b in zip(i[:-1], i[1:], strict=True)]
        assert found.lv[k] == pytest.approx(3 * np.mean(terms), abs=1e-9)
        assert found.cv[k] == pytest.approx(i.std() / i.mean(), abs=1e-9) if i.mean() else math.isnan(found.cv[k])
    assert found.histogram.sum() + found.shorter + found.longer == total


def test_regular_firing_has_no_variation():
    t = np.arange(1, 100_001) * 700_000 / 1e6
    found = ms.isi(t, np.zeros(len(t), dtype=int), 1)
    assert found.cv[0] < 1e-9 and found.lv[0] < 1e-18 and found.mean[0] == pytest.approx(0.7)
    assert (found.histogram > 0).sum() == 1


def test_meters_keep_no_spikes():
    """Half a million spikes (8 MB) leave no more behind than the first fifth of them."""
    rng, after = np.random.default_rng(15), []
    tracemalloc.start()
    all_meters = list(meters(50, 0.0))
    for k in range(50):
        t, ids = np.sort(rng.uniform(20.0 * k, 20.0 * (k + 1), 10_000)), rng.integers(0, 50, 10_000)
        for meter in all_meters:
            meter.add(t, ids)
        after.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    assert after[-1] - after[9] < 200_000  # bytes: bins of the population rates, at 16 bytes


# edges ----------------------------------------------------------------------------------------------------------------

NOTHING = (np.zeros(0), np.zeros(0, dtype=np.int64))


@pytest.mark.parametrize(("t", "ids"), [NOTHING, ([5.0], [1])])
def test_silence_and_a_single_spike(t, ids):
    """What has no value is nan, not 0, and nothing warns."""
    rates, intervals = ms.firing_rates(t, ids, 3, 100.0), ms.isi(t, ids, 3)
    assert rates.mean == pytest.approx(len(t) / 3 / 0.1) and rates.silent == pytest.approx((3 - len(t)) / 3)
    assert np.isnan(intervals.cv).all() and np.isnan(intervals.lv).all() and not intervals.number.any()
    fano = ms.fano_factor(t, ids, 3, 100.0, window=10.0)
    assert np.isnan(fano.factor[[0, 2]]).all() and (fano.factor[1] == pytest.approx(1.0) if len(t) else math.isnan(fano.population))
    assert math.isnan(ms.count_correlation(t, ids, 3, 100.0, range(3)).mean)
    found = ms.spike_synchrony(t, ids, 3, 100.0)
    assert found.chi == pytest.approx(3**-0.5) if len(t) else math.isnan(found.chi)
    count = ms.population_rate(t, ids, 3, 100.0).counts
    assert np.isnan(ms.cross_correlogram(count, np.zeros(100), 1.0).coefficient).all()
    assert math.isnan(ms.power_spectrum(count, 1.0, 3).power[0]) and ms.power_spectrum(count, 1.0, 3, segment=50.0).segments == 3


def test_no_neurons_no_time_and_windows_shorter_than_a_bin():
    for n, t1 in ((0, 100.0), (3, 0.0), (3, 0.5)):
        results = [meter.result(t1) for meter in meters(n, 0.0)]
        assert len(results) == 8
    assert len(ms.population_rate(*NOTHING, 3, 0.5).rate) == 0 and math.isnan(ms.firing_rates(*NOTHING, 3, 0.0).mean)
    assert math.isnan(ms.firing_rates(*NOTHING, 0, 10.0).mean) and ms.count_correlation(*NOTHING, 0, 10.0, []).coefficient.shape == (0, 0)
    empty = ms.weight_distribution([])
    assert empty.n == 0 and math.isnan(empty.mean) and math.isnan(ms.weight_drift([], []).rms)
    same_weights = ms.weight_distribution(np.full(10, 0.1, dtype=np.float32))
    assert same_weights.sd < 1e-9 and math.isnan(same_weights.skewness) and same_weights.histogram.sum() == 10
    assert math.isnan(ms.weight_drift([1.0, 1.0], [1.0, 2.0]).correlation)
    assert len(ms.cross_correlogram([], [], 1.0).lag) == 201 and len(ms.smoothed(np.zeros(0), 1.0, 1.0)) == 0


def test_a_transient_and_an_end_are_left_out():
    t, ids = np.arange(1.0, 11.0), np.zeros(10, dtype=int)
    assert ms.firing_rates(t, ids, 1, t1=8.0, t0=3.0).rate[0] == 1000.0  # 4 to 8 ms
    assert ms.population_rate(t, ids, 1, t1=8.0, t0=3.0).counts.tolist() == [1] * 5
    assert ms.isi(t, ids, 1, t0=3.0, t1=8.0).number[0] == 4


def test_many_neurons_with_unsigned_ids():
    """Ids as a recording gives them."""
    found = ms.isi(np.array([1.0, 2.0, 4.0]), np.array([7, 7, 7], dtype=np.uint64), 8)
    assert found.number[7] == 2 and found.mean[7] == 1.5


@pytest.mark.parametrize(
    ("t", "ids", "text"),
    [
        ([2.0, 1.0], [0, 0], "time 1 ms at place 1 comes after 2 ms: sort"),
        ([1.0, math.nan], [0, 0], "time nan at place 1 is not finite: leave this spike out"),
        ([math.nan, 1.0, 2.0], [0, 0, 0], "time nan at place 0 is not finite"),
        ([1.0, math.inf], [0, 0], "time inf at place 1 is not finite"),
        ([1.0, 2.0], [0, 3], "id 3 at place 1 is none of 3 neurons: give ids from 0 to 2"),
        ([1.0, 2.0], [-1, 0], "id -1 at place 0 is none of 3 neurons"),
        ([1.0, 2.0], [0], r"times have shape \(2,\) and ids \(1,\): give two flat arrays of one length"),
        ([1.0, 2.0], [0.0, 1.0], "ids float64: give times in ms and whole numbers"),
    ],
)
def test_bad_spikes_are_refused(t, ids, text):
    with pytest.raises(MeasureError, match=text):
        ms.isi(t, ids, 3)
    with pytest.raises(MeasureError, match=text):
        ms.RateMeter(3).add(t, ids)


def test_blocks_out_of_order_are_refused():
    meter = ms.RateMeter(1)
    meter.add([5.0], [0])
    with pytest.raises(MeasureError, match="time 4 ms at place 0 comes after 5 ms of the block before: add spikes in order"):
        meter.add([4.0], [0])
    with pytest.raises(MeasureError, match="t1 is 3 ms, but spikes up to 5 ms were added: give a later end"):
        meter.result(3.0)
    with pytest.raises(MeasureError, match="t1 is -1: give an end of the window"):
        meter.result(-1)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: ms.PopulationRateMeter(3, 0.0), "bin is 0.0 ms: give a width of at least 0.001 ms"),
        (lambda: ms.FanoMeter(3, math.nan), "window is nan ms"),
        (lambda: ms.RateMeter(-1), "n is -1: give the number of neurons"),
        (lambda: ms.RateMeter(1, t0=math.inf), "t0 is inf: give the beginning"),
        (lambda: ms.CorrelationMeter(3, 1.0, [0, 3]), r"chosen neurons \[0, 3\]: give whole numbers from 0 to 2"),
        (lambda: ms.CorrelationMeter(3, 1.0, [1, 1]), "name one twice: give each once"),
        (lambda: ms.cross_correlogram([1, 2], [1], 1.0), "series have 2 and 1 bins: count both over the same window"),
        (lambda: ms.power_spectrum([1, 2, math.nan], 1.0, 1), "give a flat array of finite numbers"),
        (lambda: ms.power_spectrum([1, 2], 1.0, 1, segment=2.0), "segment 2 ms holds 2 bins of 1 ms: give segments of at least 4 bins"),
        (lambda: ms.weight_distribution([1.0, math.nan]), "weight nan at place 1 is not finite: leave this synapse out"),
        (lambda: ms.weight_drift([1.0], [1.0, 2.0]), "snapshots have 1 and 2 weights: give two of the same synapses"),
        (lambda: ms.chi(np.array([[math.nan]])), "are not all finite: give finite ones"),
    ],
)
def test_impossible_settings_are_refused(call, text):
    with pytest.raises(MeasureError, match=text):
        call()


# Elephant -------------------------------------------------------------------------------------------------------------


quiet = pytest.mark.filterwarnings("ignore:The 'copy' argument in Quantity is deprecated")  # how Elephant 1.2 calls Quantities 0.16


@pytest.fixture(scope="module")
def elephant():
    return pytest.importorskip("elephant", reason="elephant is not installed")


@pytest.fixture(scope="module")
def trains():
    """(t, ids, trains as Neo has them) of six neurons, gamma of order 2, 5 s."""
    neo, q = pytest.importorskip("neo"), pytest.importorskip("quantities")
    t, ids = renewal(gamma(2, seed=14), n=6, until=5000.0)
    return t, ids, [neo.SpikeTrain(t[ids == k] * q.ms, t_start=0 * q.ms, t_stop=5000 * q.ms) for k in range(6)]


@quiet
def test_intervals_are_those_of_elephant(elephant, trains):
    from elephant import statistics

    t, ids, theirs = trains
    found, rates = ms.isi(t, ids, 6), ms.firing_rates(t, ids, 6, 5000.0)
    for k in range(6):
        i = statistics.isi(theirs[k])
        assert found.cv[k] == pytest.approx(statistics.cv(i)) and found.lv[k] == pytest.approx(statistics.lv(i))
        assert rates.rate[k] == pytest.approx(float(statistics.mean_firing_rate(theirs[k]).rescale("Hz")))


@quiet
def test_fano_factor_is_that_of_elephant(elephant, trains):
    """Theirs divides by the number of windows."""
    import quantities as q
    from elephant import statistics

    t, ids, theirs = trains
    found = ms.fano_factor(t, ids, 6, 5000.0, window=100.0)
    for k in range(6):
        windows = [theirs[k].time_slice(begin * q.ms, (begin + 100.0) * q.ms) for begin in np.arange(0.0, 5000.0, 100.0)]
        assert found.factor[k] * 49 / 50 == pytest.approx(statistics.fanofactor(windows))


@quiet
def test_correlations_are_those_of_elephant(elephant, trains):
    import quantities as q
    from elephant.conversion import BinnedSpikeTrain
    from elephant.spike_train_correlation import correlation_coefficient, cross_correlation_histogram

    t, ids, theirs = trains
    binned = BinnedSpikeTrain(theirs, bin_size=5 * q.ms)
    np.testing.assert_allclose(ms.count_correlation(t, ids, 6, 5000.0, range(6), bin=5.0).coefficient, correlation_coefficient(binned), atol=1e-12)
    a, b = (ms.population_rate(t, ids, 6, 5000.0, bin=5.0, chosen=[k]).counts for k in (0, 1))
    one, two = (BinnedSpikeTrain([train], bin_size=5 * q.ms) for train in theirs[:2])
    histogram, lags = cross_correlation_histogram(one, two, window=[-10, 10], border_correction=False)
    found = ms.cross_correlogram(a, b, 5.0, longest=50.0)
    np.testing.assert_array_equal(found.lag, lags * 5.0)
    np.testing.assert_array_equal(found.pairs, np.ravel(histogram.magnitude))


@quiet
def test_smoothed_rate_is_that_of_elephant(elephant, trains):
    """Away from the ends, where theirs loses the part of the kernel that lies outside; theirs integrates the kernel over bins, ours samples it."""
    import quantities as q
    from elephant import statistics
    from elephant.kernels import GaussianKernel

    t, ids, theirs = trains
    ours = ms.population_rate(t, ids, 6, 5000.0, chosen=[0])
    expected = np.ravel(statistics.instantaneous_rate(theirs[0], sampling_period=1 * q.ms, kernel=GaussianKernel(50 * q.ms)).rescale("Hz").magnitude)
    inner = slice(300, -300)
    np.testing.assert_allclose(ms.smoothed(ours.rate, 1.0, 50.0)[inner], expected[inner], atol=0.02 * expected.max())
