"""The branching ratio of processes whose ratio is known, all of it seen or a tenth or a hundredth, and as the library mrestimator has it."""

import math

import numpy as np
import pytest
from processes import driven, undriven

from thalia_sim import measures as ms
from thalia_sim.errors import MeasureError
from thalia_sim.measures import branching


@pytest.fixture(scope="module")
def stationary():
    """m -> 100,000 bins of a process of 1000 spikes a bin."""
    ratios = np.array([0.8, 0.9, 0.98])
    return dict(zip(ratios.tolist(), driven(ratios, 1000.0, 100_000, np.random.default_rng(11), trials=3), strict=True))


SD = {  # of m over twenty such runs: (m, share seen) -> standard deviation; their mean differed from m by less than 0.003, and 0.007 at (0.8, 0.01)
    (0.8, 1.0): 0.0036, (0.8, 0.1): 0.0061, (0.8, 0.01): 0.028, (0.9, 1.0): 0.0031, (0.9, 0.1): 0.0038, (0.9, 0.01): 0.0074,
    (0.98, 1.0): 0.0020, (0.98, 0.1): 0.0020, (0.98, 0.01): 0.0020,
}  # fmt: skip


@pytest.mark.parametrize("share", [1.0, 0.1, 0.01])
@pytest.mark.parametrize("m", [0.8, 0.9, 0.98])
def test_multistep_regression_is_right_under_subsampling(stationary, m, share):
    """r_k = b m**k with b = p / (p + (1 - p)(1 - m**2)) for Poisson offspring and drive of which a share p is seen (from var n = mean / (1 - m**2)
    and binomial thinning; Wilting & Priesemann 2018). Tolerance: four standard deviations. b and m make up for each other."""
    seen = np.random.default_rng(1).binomial(stationary[m], share)
    b = share / (share + (1.0 - share) * (1.0 - m * m))
    found = ms.branching_ratio(seen, 4.0)
    assert found.low < found.m < found.high
    assert found.m == pytest.approx(m, abs=4.0 * SD[m, share])
    assert found.b == pytest.approx(b, rel=0.1 if share > 0.05 else 0.3)
    assert found.regression == pytest.approx(b * m, abs=0.03)  # the regression of one step: right if all is seen only
    assert found.tau == pytest.approx(-4.0 / math.log(found.m))
    assert found.state == ("near-critical" if m > 0.95 else "subcritical")
    assert found.mean == pytest.approx(1000.0 * share, rel=0.05)
    np.testing.assert_allclose(found.fitted[:3], found.b * found.m ** np.arange(1, 4))
    assert found.lag[:2].tolist() == [4.0, 8.0]


def test_the_interval_holds_the_truth():
    """Of 40 runs the 95 % interval holds m in at least 33: fewer have a probability of 0.0003. It is not too wide either, which 4 sd would be."""
    rng = np.random.default_rng(5)
    series = driven(0.9, 50.0, 10_000, rng, trials=40)
    found = [ms.branching_ratio(n, 1.0, k_max=50) for n in series]
    assert sum(f.low <= 0.9 <= f.high for f in found) >= 33
    assert np.mean([f.high - f.low for f in found]) < 6.0 * np.std([f.m for f in found])


def test_critical_and_supercritical_trials():
    """Without drive E[n(t + k) | n(t)] = m**k n(t) also while activity grows or dies: m = 1 of 200 trials, 1.05 of 100 trials that grow from 20
    spikes. Standard deviation of m: about 1/sqrt(spikes)."""
    rng = np.random.default_rng(6)
    critical, growing = undriven(1.0, 200, 150, rng, 200), undriven(1.05, 20, 80, rng, 100)
    found = ms.branching_ratio(critical, 4.0, k_max=20)
    assert found.m == pytest.approx(1.0, abs=0.005) and found.state == "near-critical"
    assert ms.branching_ratio(np.random.default_rng(1).binomial(critical, 0.1), 4.0, k_max=20).m == pytest.approx(1.0, abs=0.01)
    found = ms.branching_ratio(growing, 4.0, k_max=15)
    assert found.m == pytest.approx(1.05, abs=0.005) and found.state == "supercritical" and found.tau == math.inf
    assert ms.branching_ratio(np.random.default_rng(1).binomial(growing, 0.1), 4.0, k_max=15).m == pytest.approx(1.05, abs=0.015)
    assert ms.offspring_ratio(growing) == pytest.approx(1.05, abs=0.005)
    assert ms.offspring_ratio(critical) == pytest.approx(1.0, abs=0.003)


def test_children_over_parents_of_a_stationary_population_tells_nothing(stationary):
    """Why the ratio of successive counts is no estimator: it is 1 of any stationary series; by hand for four bins."""
    assert ms.offspring_ratio(stationary[0.8]) == pytest.approx(1.0, abs=1e-3)
    assert ms.offspring_ratio([4, 2, 1, 0]) == 3.0 / 7.0 and math.isnan(ms.offspring_ratio([0, 0]))


def test_regression_by_numpy(stationary):
    n = stationary[0.9]
    assert ms.regression_ratio(n) == pytest.approx(np.polyfit(n[:-1], n[1:], 1)[0], rel=1e-10)
    assert ms.branching_ratio(n, 4.0, k_max=10).r[6] == pytest.approx(np.polyfit(n[:-10], n[7:-3], 1)[0], rel=1e-10)
    assert math.isnan(ms.regression_ratio([3, 3, 3, 3])) and math.isnan(ms.regression_ratio([1, 2]))


def test_fits_find_what_they_were_made_of():
    """Slopes made of b m**k + offset, without noise; a fit without offset to slopes with one is wrong."""
    k = np.arange(1, 101)
    for m in (0.3, 0.9, 0.99, 1.0, 1.03):
        (found,) = branching.exponential((0.2 * m**k)[None])
        assert (found.m, found.b, found.offset) == (pytest.approx(m, rel=1e-5), pytest.approx(0.2, rel=1e-3), 0.0)
    for m in (0.3, 0.9, 0.97):
        (found,) = branching.exponential_with_offset((0.2 * m**k + 0.05)[None])
        assert (found.m, found.b, found.offset) == (pytest.approx(m, rel=1e-5), pytest.approx(0.2, rel=1e-3), pytest.approx(0.05, rel=1e-3))
        assert branching.exponential((0.2 * m**k + 0.05)[None])[0].m > 0.98
    assert math.isnan(branching.exponential(-(0.9**k)[None])[0].m)


def test_a_mean_that_wanders_is_what_the_offset_is_for():
    """A process of m = 0.8 whose drive goes up and down once: its slopes fall to a constant, not to 0."""
    rng = np.random.default_rng(8)
    n, now = np.empty(50_000, dtype=np.int64), 500
    for t in range(len(n)):
        now = rng.poisson(0.8 * now + 100.0 * (1.0 + 0.1 * math.sin(2 * math.pi * t / len(n))))
        n[t] = now
    plain, level = ms.branching_ratio(n, 4.0, k_max=100), ms.branching_ratio(n, 4.0, k_max=100, fit=ms.exponential_with_offset)
    assert level.m == pytest.approx(0.8, abs=0.03) and plain.m > 0.95


def test_silence_and_noise_have_states_of_their_own():
    """No spikes: silent. Independent counts, constant counts and short series: undefined, never critical. Noise is mistaken once in some hundred
    cases."""
    silent = ms.branching_ratio(np.zeros(1000, dtype=int), 4.0)
    assert silent.state == "silent" and math.isnan(silent.m) and silent.mean == 0.0
    rng = np.random.default_rng(9)
    states = [ms.branching_ratio(rng.poisson(3.0, 5000), 4.0, resamples=0).state for _ in range(100)]
    assert states.count("undefined") >= 98
    beat = np.rint(100.0 * (1.0 + np.sin(np.arange(5000) * 2.0 * math.pi / 7.3))).astype(int)  # its slopes are a cosine of the lag
    for counts in (beat, beat + rng.poisson(30.0, 5000), np.full(1000, 7), [1, 2, 3], np.zeros(0, dtype=int), [1]):
        assert ms.branching_ratio(counts, 4.0).state == "undefined"


@pytest.mark.parametrize("m, state", [(0.5, "subcritical"), (0.949, "subcritical"), (0.951, "near-critical"), (1.0, "near-critical"),
                                      (1.02, "supercritical"), (math.nan, "undefined")])  # fmt: skip
def test_states_by_their_thresholds(m, state):
    assert branching.state_of(m) == state


def test_thresholds_can_be_set(stationary):
    assert ms.branching_ratio(stationary[0.9], 4.0, near=(0.85, 0.95)).state == "near-critical"


def test_seeded_and_scale_free(stationary):
    """The same twice; and of counts times a constant."""
    n = stationary[0.8][:5000]
    once, again, other = (ms.branching_ratio(n, 4.0, seed=s) for s in (1, 1, 2))
    assert (once.low, once.high) == (again.low, again.high) != (other.low, other.high)
    assert ms.branching_ratio(10 * n, 4.0).m == pytest.approx(once.m, rel=1e-6)


@pytest.mark.parametrize("counts, k_max, message", [([[[1]]], None, "give finite numbers"), ([1.0, math.nan], None, "give finite numbers"),
                                                    ([1, 2, 3], 3, "below the length"), ([1, 2, 3], 1.5, "k_max is 1.5")])  # fmt: skip
def test_refusals(counts, k_max, message):
    with pytest.raises(MeasureError, match=message):
        ms.branching_ratio(counts, 4.0, k_max=k_max)
    with pytest.raises(MeasureError, match="near is"):
        ms.branching_ratio([1, 2, 3], 4.0, near=(1.0, 0.5))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name, fit", [("exponential", ms.exponential), ("exponentialoffset", ms.exponential_with_offset)])
def test_as_mrestimator(stationary, name, fit):
    """Spitzner et al. 2021, PLoS ONE 16:e0249447. It takes all bins for each lag and one mean of all, which moves slopes by about k_max / T."""
    mre = pytest.importorskip("mrestimator", reason="compares with the library mrestimator")
    seen = np.random.default_rng(2).binomial(stationary[0.9], 0.1)
    slopes = mre.coefficients(seen[None], steps=(1, 60), dt=4.0, dtunit="ms", method="sm")
    theirs, ours = mre.fit(slopes, fitfunc=name), ms.branching_ratio(seen, 4.0, k_max=60, fit=fit)
    np.testing.assert_allclose(ours.r, slopes.coefficients, atol=60 / len(seen))
    assert ours.m == pytest.approx(theirs.mre, abs=0.001) and ours.tau == pytest.approx(theirs.tau, rel=0.01)
