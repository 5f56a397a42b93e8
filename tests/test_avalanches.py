"""Avalanches by hand, power laws of known exponents, critical branching, and the library powerlaw."""

import math
from functools import cache

import numpy as np
import pytest
from processes import trees
from scipy.special import zeta

from thalia_sim import measures as ms
from thalia_sim.errors import MeasureError
from thalia_sim.measures import power_law
from thalia_sim.measures.avalanches import LONGEST, AvalancheMeter

END = 200_000


@cache
def survival(alpha, x_min):
    return zeta(alpha, np.arange(x_min, END)) / zeta(alpha, x_min)


def power(alpha, n, seed=1, x_min=1):
    """n numbers of a discrete power law, by inversion of scipy's zeta; beyond END by that of the continuous one."""
    table, u = survival(alpha, x_min), np.random.default_rng(seed).random(n)
    x = (x_min - 1 + np.searchsorted(-table, -u, side="right")).astype(float)
    far = u < table[-1]
    x[far] = END * (u[far] / table[-1]) ** (-1.0 / (alpha - 1.0))
    return np.minimum(x, 1e15).astype(np.int64)


# detection ------------------------------------------------------------------------------------------------------------


def test_avalanches_by_hand():
    """Counts 1 0 2 3 0 0 1 1 1 0 4 0 2: the first and the last are cut off by the window."""
    counts = [1, 0, 2, 3, 0, 0, 1, 1, 1, 0, 4, 0, 2]
    found = ms.avalanches_of_counts(counts, 2.0)
    assert list(zip(found.duration, found.size, found.number, strict=True)) == [(1, 4, 1), (2, 5, 1), (3, 3, 1)] and found.n == 3 and found.bin == 2.0
    assert found.course[1, :2].tolist() == [2, 3] and found.course[2, :3].tolist() == [1, 1, 1] and found.course.sum() == 12
    t = np.repeat(np.arange(13), counts) * 2.0 + 1.0
    same = ms.spike_avalanches(t, np.zeros(len(t), dtype=int), 1, 26.0, 2.0)
    for a, b in zip(found, same, strict=True):
        np.testing.assert_array_equal(a, b)
    longer = ms.spike_avalanches(t, np.zeros(len(t), dtype=int), 1, 28.0, 2.0)  # a bin without spikes follows the last
    assert longer.n == 4 and longer.sizes.value.tolist() == [2, 3, 4, 5]
    times, size, number = longer.mean_size
    assert times.tolist() == [1, 2, 3] and size.tolist() == [3.0, 5.0, 3.0] and number.tolist() == [2, 1, 1]


@pytest.mark.parametrize("parts", [1, 7, 400])
def test_in_blocks_as_at_once(parts):
    """Spikes given in blocks, avalanches open at their ends; one is longer than the courses that are kept. Counted again by splitting text."""
    rng = np.random.default_rng(4)
    counts = rng.poisson(1.5, 20_000)
    counts[3000:4500] = 1 + rng.poisson(1.0, 1500)
    t = np.sort(np.repeat(np.arange(len(counts)), counts) + rng.uniform(0.01, 0.99, counts.sum()))
    meter = AvalancheMeter(5, 1.0)
    for block in np.array_split(t, parts):
        meter.add(block, rng.integers(0, 5, len(block)))
    text = "".join(map(chr, counts + 48)).strip("0").split("0")  # one letter a bin
    whole = [[ord(x) - 48 for x in word] for word in text if word]
    inside = whole[(1 if counts[0] else 0) : (-1 if counts[-1] else None)]
    for _ in range(2):  # asking changes nothing
        found = meter.result(20_000.0)
        assert sorted(zip(found.duration, found.size, strict=True)) == sorted({(len(a), sum(a)) for a in inside})
        assert found.n == len(inside) and (found.number * found.size).sum() == sum(map(sum, inside))
        assert found.course.sum() == sum(sum(a) for a in inside if len(a) <= LONGEST)
        assert found.course[4, :5].tolist() == np.sum([a for a in inside if len(a) == 5], axis=0).tolist()


def test_silence_and_refusals():
    assert ms.avalanches_of_counts(np.zeros(10, dtype=int)).n == 0 and ms.avalanches_of_counts(np.ones(10, dtype=int)).n == 0
    nothing = ms.criticality(ms.avalanches_of_counts(np.zeros(10, dtype=int)))
    assert math.isnan(nothing.size.alpha) and math.isnan(nothing.gamma) and math.isnan(nothing.predicted)
    assert math.isnan(ms.collapse_shapes(ms.avalanches_of_counts([0, 1, 0])).gamma)
    with pytest.raises(MeasureError, match="whole numbers of at least 0"):
        ms.avalanches_of_counts([0, -1])
    with pytest.raises(MeasureError, match="whole numbers of at least 1"):
        ms.fit_power_law([0, 1, 2])
    with pytest.raises(MeasureError, match="x_min is 0"):
        ms.fit_power_law([1, 2], x_min=0)


def test_the_bin_of_beggs_and_plenz():
    """Mean interval of successive spikes of the population, in whole steps of dt: 0.47 ms is 5 of 0.1 ms; never less than one."""
    assert ms.mean_interval(1000, 470.0, 0.1) == pytest.approx(0.5)
    assert ms.mean_interval(10**6, 100.0, 0.1) == 0.1 and ms.mean_interval(0, 1.0, 0.1) == 0.1


# power laws -----------------------------------------------------------------------------------------------------------


def test_sums_of_powers():
    """Hurwitz' zeta by scipy, finite sums term by term; also where the exponent is 1, and below."""
    for s in (1.01, 1.5, 2.0, 3.7, 10.0):
        for q in (1, 2, 7, 100, 12_345):
            assert power_law.power_sum(s, q) == pytest.approx(zeta(s, q), rel=1e-12)
    for s in (-2.0, 0.0, 0.5, 1.0, 1.5, 3.0):
        for first, last in ((1, 5), (1, 10), (1, 11), (3, 200), (5, 100_000)):
            assert power_law.power_sum(s, first, last) == pytest.approx((np.arange(first, last + 1.0) ** -s).sum(), rel=1e-11)


@pytest.mark.parametrize("alpha", [1.5, 2.0, 2.5])
def test_exponents_of_power_laws(alpha):
    """Within four standard errors, over ten samples the errors are as large as stated (their mean square within chi-squared's 99.9 %); the
    exponential is rejected, the lognormal not better."""
    found = [ms.fit_power_law(power(alpha, 5000, seed), x_min=1) for seed in range(10)]
    z = np.array([(f.alpha - alpha) / f.error for f in found])
    assert np.abs(z).max() < 4.0 and 0.15 < (z**2).mean() < 3.0
    x = power(alpha, 5000, 0)
    chosen = ms.fit_power_law(x)
    assert abs(chosen.alpha - alpha) < 4.0 * chosen.error and chosen.n >= 500 and chosen.distance < 1.6 / math.sqrt(chosen.n)
    exponential, lognormal = ms.alternatives(x, chosen)
    assert exponential.verdict == "power law" and exponential.ratio > 100 and lognormal.verdict == "undecided" and lognormal.ratio <= 1e-6


def test_the_minimum_is_found():
    """A power law from 8 on, below it as many of each: chosen within a few, and at 1 the exponent would be far off."""
    x = np.concatenate([power(2.0, 6000, 3, x_min=8), np.repeat(np.arange(1, 8), 800)])
    found = ms.fit_power_law(x)
    assert 7 <= found.x_min <= 12 and abs(found.alpha - 2.0) < 4.0 * found.error
    assert ms.fit_power_law(x, x_min=1).alpha < 1.7


def test_a_law_with_an_end():
    """Exponent 1.5, cut off at 200: right with x_max, too steep without. An end below which the exponent is under 1 is fitted too."""
    x = power(1.5, 20_000, 5)
    x = x[x <= 200]
    assert ms.fit_power_law(x, 1, 200).alpha == pytest.approx(1.5, abs=4 * ms.fit_power_law(x, 1, 200).error)
    assert ms.fit_power_law(x, 1).alpha > 1.6
    flat = np.random.default_rng(1).integers(1, 101, 5000)
    assert ms.fit_power_law(flat, 1, 100).alpha == pytest.approx(0.0, abs=0.1)
    assert ms.fit_power_law(np.append(x, 10_000), 1, 200) == ms.fit_power_law(x, 1, 200)
    fit = ms.fit_power_law(x, 1, 200)
    assert np.exp(fit.log_p(np.arange(1, 201))).sum() == pytest.approx(1.0) and fit.survival(1) == pytest.approx(1.0)
    assert ms.fit_power_law(np.full(100, 7), 1).n == 100 and math.isnan(ms.fit_power_law(np.full(49, 7), 1).alpha)


@pytest.mark.parametrize("x_max", [None, 60])
def test_exponential_data_are_no_power_law(x_max):
    """Geometric numbers: the exponential is better, its rate is -ln(1 - p), whatever the minimum."""
    x = np.random.default_rng(2).geometric(0.1, 5000)
    for x_min in (None, 1):
        law = ms.fit_power_law(x, x_min, x_max)
        exponential, _ = ms.alternatives(x, law)
        assert exponential.verdict == "exponential" and (exponential.p < 1e-6 or x_min is None)
        assert exponential.parameters["rate"] == pytest.approx(-math.log(0.9), rel=0.1)


def test_lognormal_data_are_no_power_law():
    """The density at whole numbers, drawn by its table: mu and sigma are found, and the likelihood is that of the normalised table."""
    place = np.arange(1, 100_000)
    p = np.exp(-((np.log(place) - 2.0) ** 2) / 2.0) / place
    p /= p.sum()
    x = np.random.default_rng(3).choice(place, 20_000, p=p)
    law = ms.fit_power_law(x, 1)
    _, lognormal = ms.alternatives(x, law)
    mu, sigma = lognormal.parameters["mu"], lognormal.parameters["sigma"]
    assert lognormal.verdict == "lognormal" and (mu, sigma) == (pytest.approx(2.0, abs=0.04), pytest.approx(1.0, abs=0.04))
    table = -((np.log(place) - mu) ** 2) / (2.0 * sigma**2) - np.log(place)
    assert lognormal.log_likelihood == pytest.approx((table[x - 1] - np.log(np.exp(table).sum())).sum(), rel=1e-7)


@pytest.mark.filterwarnings("ignore")
def test_as_the_library_powerlaw():
    """Alstott, Bullmore & Plenz 2014, PLoS ONE 9:e85777: exponent, distance, ratio to the exponential and its p."""
    powerlaw = pytest.importorskip("powerlaw", reason="compares with the library powerlaw")
    for x, least in ((power(2.2, 3000), 1), (power(1.6, 3000, 7), 4), (np.random.default_rng(2).geometric(0.1, 3000), 1)):
        theirs = powerlaw.Fit(x, discrete=True, estimate_discrete=False, xmin=least, verbose=False)
        ours = ms.fit_power_law(x, least)
        assert ours.alpha == pytest.approx(theirs.power_law.alpha, abs=2e-4) and ours.distance == pytest.approx(theirs.power_law.D, abs=2e-3)
        ratio, p = theirs.distribution_compare("power_law", "exponential")
        found = ms.alternatives(x, ours)[0]
        assert found.ratio == pytest.approx(ratio, rel=1e-3) and found.p == pytest.approx(p, rel=0.02, abs=1e-12)


# critical branching ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def critical():
    return ms.avalanches_of_counts(trees(40_000, np.random.default_rng(7)))


def test_sizes_of_critical_branching(critical):
    """Sizes are Borel's, P(S) = exp(-S) S**(S - 1) / S! ~ S**-3/2 (Otter 1949, Ann. Math. Stat. 20:206): the exponent 3/2, and P(1) = 1/e."""
    found = ms.criticality(critical, s_min=10)
    assert critical.n == 40_000 and critical.sizes.number[0] / critical.n == pytest.approx(math.exp(-1), abs=0.01)
    assert found.size.alpha == pytest.approx(1.5, abs=4.0 * found.size.error + 0.005)  # Stirling: a term of 1/(12 S) beside 1, some 0.005 from 10 on
    assert found.size_others[0].verdict == "power law"


def test_durations_of_critical_branching(critical):
    """P(T > t) = 1 - q_t, q_t = exp(q_(t-1) - 1), falls as 2/t with terms of ln t / t**2, so that exponents near 2 are met at long durations only:
    from 40 bins on it is that of the very likelihood of q, 1.97; within four standard errors of that, and 0.15 of 2."""
    q = [0.0]
    for _ in range(200_000):
        q.append(math.exp(q[-1] - 1.0))
    t, p = np.arange(40, 200_000), np.diff(q)[39:-1]
    expected = power_law.best_exponent(np.array([p @ np.log(t) / p.sum()]), np.array([40]), None)[0]
    found = ms.criticality(critical, s_min=10, t_min=40)
    assert found.duration.alpha == pytest.approx(expected, abs=4.0 * found.duration.error) and found.duration.alpha == pytest.approx(2.0, abs=0.2)


def test_exponents_of_critical_branching_hang_together(critical):
    """gamma = 2 in the limit; from 20 bins on <S>(T), the prediction and the collapse lie within 0.2 of it and of each other."""
    found = ms.criticality(critical, s_min=10, t_min=20)
    assert found.gamma == pytest.approx(2.0, abs=0.1) and found.predicted == pytest.approx(2.0, abs=0.25) and found.predicted_error < 0.1
    assert abs(found.gamma - found.predicted) < 0.3
    assert ms.collapse_shapes(critical, t_min=20, t_max=60).gamma == pytest.approx(2.0, abs=0.2)


def test_subcritical_branching_is_no_power_law():
    """m = 0.7: sizes have an exponential end, and exponents do not hang together."""
    found = ms.criticality(ms.avalanches_of_counts(trees(40_000, np.random.default_rng(8), m=0.7)))
    assert found.duration_others[0].verdict == "exponential" and found.size_others[1].verdict == "lognormal"


@pytest.mark.parametrize("gamma", [1.3, 2.0])
def test_shapes_collapse_where_they_were_made_to(gamma):
    """Courses s(t, T) = T**(gamma - 1) F(t / T), F a parabola, in counts of thousands: gamma is found; no other exponent makes them one."""
    counts = [0]
    for t in range(8, 40):
        course = np.rint(1000.0 * t ** (gamma - 1.0) * 4.0 * (np.arange(t) + 0.5) / t * (1.0 - (np.arange(t) + 0.5) / t)).astype(int)
        counts += 20 * [*course, 0]
    found = ms.collapse_shapes(ms.avalanches_of_counts(counts))
    assert found.gamma == pytest.approx(gamma, abs=0.02) and found.error < 1e-3
    assert found.duration.tolist() == list(range(8, 40)) and found.shape.shape == (32, 1000)
    middle = found.shape[:, 500]
    assert middle.std() < 0.02 * middle.mean() and middle.mean() == pytest.approx(1000.0, rel=0.05)
    assert ms.size_exponent(ms.avalanches_of_counts(counts))[0] == pytest.approx(gamma, abs=0.02)
