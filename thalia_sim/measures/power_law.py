"""Power laws of whole numbers by maximum likelihood, and whether another distribution fits better.

    p(x) = x**-alpha / zeta(alpha, x_min),    x = x_min, x_min + 1, ...  (up to x_max, if there is one: then over the sum to x_max)

alpha maximises the likelihood; x_min is the one that brings the distribution of what lies above it closest to the fit, by the distance of Kolmogorov
and Smirnov (Clauset, Shalizi & Newman 2009, SIAM Rev. 51:661, sections 3.1 and 3.3). Alternatives on the same numbers x >= x_min:

    exponential   p(x) proportional to exp(-rate x)
    lognormal     p(x) proportional to 1/x exp(-(ln x - mu)**2 / (2 sigma**2)); its limit of great sigma is the power law

They are compared by the ratio of likelihoods, R = sum of ln p_power(x) - ln p_other(x), and the test of Vuong (1989, Econometrica 57:307): R over its
standard deviation is normal if both are equally far from the truth.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..errors import MeasureError
from ..given import is_whole, short
from .contract import Floats, Ints

FEWEST = 50  # numbers from x_min on: of fewer no exponent is told
SHARE = 0.1  # of the numbers that a chosen x_min keeps, so that it cannot flee into the tail of a distribution of another kind
CANDIDATES = 100  # values tried as x_min, spread evenly over the logarithm where there are more
STEEPEST = 20.0  # exponent
HEAD = 10  # terms of a sum before Euler and Maclaurin's formula
BERNOULLI = (1 / 12, -1 / 720, 1 / 30240, -1 / 1209600, 1 / 47900160)  # B_2j / (2j)!
EXACT = 2000  # whole numbers that a sum over a distribution takes one by one; those beyond in clumps of 1/CLUMP of their size
CLUMP = 100
FARTHEST = 1e100


class Tally(NamedTuple):
    """How often each whole number occurs."""

    value: Ints  # [u] rising
    number: Ints  # [u]


class PowerLaw(NamedTuple):
    """The power law fitted to whole numbers; nan if there are fewer than 50 from x_min on."""

    alpha: float  # exponent
    error: float  # standard error of alpha, by Fisher's information
    x_min: int
    x_max: int | None
    n: int  # numbers from x_min to x_max
    distance: float  # greatest difference between their distribution and the fit, of Kolmogorov and Smirnov
    log_likelihood: float

    def log_p(self, x: Any) -> Floats:
        """ln p(x) of numbers from x_min to x_max."""
        return -self.alpha * np.log(np.asarray(x, dtype=np.float64)) - float(np.log(power_sum(self.alpha, self.x_min, end_of(self.x_max))))

    def survival(self, x: Any) -> Floats:
        """Probability of x or more, of numbers from x_min to x_max."""
        end = end_of(self.x_max)
        return power_sum(self.alpha, x, end) / power_sum(self.alpha, self.x_min, end)


class Alternative(NamedTuple):
    """Another distribution, fitted to the same numbers, beside the power law."""

    name: str  # exponential or lognormal
    parameters: dict[str, float]  # rate; mu and sigma (inf where the power law is the best lognormal)
    log_likelihood: float
    ratio: float  # R, ln of the ratio of likelihoods: positive if the power law is the better one
    p: float  # probability of a ratio as far from 0 if neither is better

    @property
    def verdict(self) -> str:
        """Which fits better, at the 5 % level: power law, this one, or undecided."""
        return "undecided" if not self.p < 0.05 else "power law" if self.ratio > 0 else self.name


def tally(x: Any) -> Tally:
    """Count whole numbers x [n], of at least 1."""
    if isinstance(x, Tally):
        return x
    values = np.asarray(x)
    if values.ndim != 1 or (values.size and (values.dtype.kind not in "iu" or values.min() < 1)):
        raise MeasureError(f"numbers {short(x)}: give whole numbers of at least 1, [n]")
    found, number = np.unique(values.astype(np.int64), return_counts=True)
    return Tally(found, number)


def fit_power_law(x: Any, x_min: int | None = None, x_max: int | None = None) -> PowerLaw:
    """The power law of whole numbers x [n], or a Tally of them.

    x_min  where it begins; None: chosen by the least distance among values with at least 50 numbers, and a tenth of them, from there on
    x_max  where it ends, if larger numbers are cut off (by the number of neurons, say); they are left out
    """
    values, number = tally(x)
    for bound, what in ((x_min, "x_min"), (x_max, "x_max")):
        if bound is not None and (not is_whole(bound) or bound < 1):
            raise MeasureError(f"{what} is {short(bound)}: give a whole number of at least 1, or None")
    inside = values <= end_of(x_max)
    values, number = values[inside], number[inside]
    above = np.cumsum(number[::-1])[::-1]  # numbers from each value on
    if x_min is None:
        tried = values[(above >= max(FEWEST, SHARE * number.sum())) & (values < values.max(initial=0))]
        tried = tried[np.unique(np.geomspace(1, len(tried), CANDIDATES).astype(np.int64) - 1)] if len(tried) > CANDIDATES else tried
    else:
        tried = np.array([x_min]) if above[values >= x_min].max(initial=0) >= FEWEST and values[-1] > x_min else values[:0]
    if not len(tried):
        return PowerLaw(math.nan, math.nan, x_min or 1, x_max, 0, math.nan, math.nan)
    first = np.searchsorted(values, tried)
    n = above[first]
    logs = np.cumsum((number * np.log(values))[::-1])[::-1][first]  # sum of ln x from each on
    alpha = best_exponent(logs / n, tried, x_max)
    distance = [greatest_distance(a, x0, x_max, values[k:], number[k:]) for a, x0, k in zip(alpha, tried, first, strict=True)]
    k = int(np.argmin(distance))
    likelihood = -alpha[k] * logs[k] - n[k] * math.log(power_sum(alpha[k], tried[k], end_of(x_max)))
    error = 1.0 / math.sqrt(n[k] * curvature(float(alpha[k]), int(tried[k]), x_max))
    return PowerLaw(float(alpha[k]), error, int(tried[k]), x_max, int(n[k]), float(distance[k]), float(likelihood))


def end_of(x_max: int | None) -> float:
    return math.inf if x_max is None else float(x_max)


def best_exponent(mean_log: Floats, x_min: Any, x_max: int | None) -> Floats:
    """The exponent of the greatest likelihood for each x_min [c], given the mean of ln x from there on: golden sections, as it has one maximum."""
    low = np.full(len(mean_log), 1.0 + 1e-6 if x_max is None else -5.0)
    high = np.full(len(mean_log), STEEPEST)

    def cost(alpha: Floats) -> Floats:
        return alpha * mean_log + np.log(power_sum(alpha, x_min, end_of(x_max)))

    return golden(cost, low, high)


def golden(cost: Callable[[Floats], Floats], low: Floats, high: Floats) -> Floats:
    """Where a cost with one minimum between low and high [c] has it, for all of them at once (golden section search: Kiefer 1953)."""
    share = (math.sqrt(5.0) - 1.0) / 2.0
    a, b = high - share * (high - low), low + share * (high - low)
    at_a, at_b = cost(a), cost(b)
    for _ in range(60):
        left = at_a < at_b
        low, high = np.where(left, low, a), np.where(left, b, high)
        a, b = high - share * (high - low), low + share * (high - low)
        at_a, at_b = cost(a), cost(b)
    return 0.5 * (low + high)


def curvature(alpha: float, x_min: int, x_max: int | None) -> float:
    """Fisher's information of alpha in one number: the second derivative of the logarithm of the sum."""
    step = min(1e-3, 0.25 * (alpha - 1.0)) if x_max is None else 1e-3
    around = np.log(power_sum(alpha + step * np.array([-1.0, 0.0, 1.0]), x_min, end_of(x_max)))
    return float(around[0] - 2.0 * around[1] + around[2]) / step**2


def greatest_distance(alpha: float, x_min: int, x_max: int | None, values: Ints, number: Ints) -> float:
    """Greatest difference of the distribution functions of numbers from x_min on and of the fit: at a value, or just before the next."""
    end = end_of(x_max)
    whole = power_sum(alpha, x_min, end)
    seen = np.cumsum(number) / number.sum()
    at = 1.0 - power_sum(alpha, values + 1, end) / whole
    before = 1.0 - power_sum(alpha, values, end) / whole
    return float(max(np.abs(at - seen).max(), np.abs(before - np.append(0.0, seen[:-1])).max()))


def power_sum(s: Any, first: Any, last: float = math.inf) -> Floats:
    """Sum of x**-s over x = first, first + 1, ... last: Hurwitz' zeta(s, first) if last is inf (then s > 1). Of numbers or arrays.

    Ten terms, and the formula of Euler and Maclaurin for the rest (Abramowitz & Stegun 1964, 23.1.30).
    """
    s, a = np.broadcast_arrays(np.asarray(s, dtype=np.float64), np.asarray(first, dtype=np.float64))
    total = np.zeros(s.shape)
    for k in range(HEAD):
        total += np.where(a + k <= last, (a + k) ** -s, 0.0)
    begin = a + HEAD
    rest = np.where(begin <= last, power_integral(s, begin, last + 1.0) + ends(s, begin), 0.0)
    if last < math.inf:
        rest -= np.where(begin <= last, ends(s, np.full(s.shape, last + 1.0)), 0.0)
    return total + rest


def power_integral(s: Floats, begin: Floats, end: float) -> Floats:
    """Integral of x**-s from begin to end."""
    if end == math.inf:
        return begin ** (1.0 - s) / (s - 1.0)
    wide = np.log(np.maximum(end / begin, 1.0))
    power = (1.0 - s) * wide
    small = np.abs(power) < 1e-8
    return begin ** (1.0 - s) * wide * np.where(small, 1.0 + 0.5 * power, np.expm1(power) / np.where(small, 1.0, power))


def ends(s: Floats, at: Floats) -> Floats:
    """What the formula of Euler and Maclaurin adds to the integral for its lower end, a sum that begins with x = at."""
    term = 0.5 * at**-s
    rising = s * at ** (-s - 1.0)
    for j, factor in enumerate(BERNOULLI):
        term = term + factor * rising
        rising = rising * (s + 2 * j + 1) * (s + 2 * j + 2) / at**2
    return term


# alternatives ---------------------------------------------------------------------------------------------------------


def alternatives(x: Any, law: PowerLaw) -> tuple[Alternative, Alternative]:
    """Exponential and lognormal on the numbers x [n] (or a Tally) that the power law was fitted to, compared with it."""
    values, number = tally(x)
    inside = (values >= law.x_min) & (values <= end_of(law.x_max))
    values, number = values[inside], number[inside]
    if math.isnan(law.alpha):
        return Alternative("exponential", {}, math.nan, math.nan, math.nan), Alternative("lognormal", {}, math.nan, math.nan, math.nan)
    rate, exponential = fit_exponential(values, number, law.x_min, law.x_max)
    (mu, sigma), lognormal = fit_lognormal(values, number, law.x_min, law.x_max)
    of_law = law.log_p(values)
    return (
        compared("exponential", {"rate": rate}, of_law, exponential, number),
        compared("lognormal", {"mu": mu, "sigma": sigma}, of_law, lognormal, number),
    )


def compared(name: str, parameters: dict[str, float], of_law: Floats, of_other: Floats, number: Ints) -> Alternative:
    """The test of Vuong of ln p of each value [u] under both."""
    n, apart = int(number.sum()), of_law - of_other
    ratio = float(number @ apart)
    sd = math.sqrt(max(float(number @ apart**2) / n - (ratio / n) ** 2, 0.0))
    same = sd * math.sqrt(n) <= 1e-9 * abs(float(number @ of_law))
    p = 1.0 if same else math.erfc(abs(ratio) / (math.sqrt(2.0 * n) * sd))
    return Alternative(name, parameters, float(number @ of_other), ratio, p)


def fit_exponential(values: Ints, number: Ints, x_min: int, x_max: int | None) -> tuple[float, Floats]:
    """(rate, ln p of each value) of p(x) = (1 - exp(-rate)) exp(-rate (x - x_min)), or its like with an end."""
    mean = float(number @ (values - x_min)) / float(number.sum())
    if x_max is None:
        rate = math.log1p(1.0 / mean) if mean > 0.0 else math.inf
        return rate, -rate * (values - x_min) + math.log(-math.expm1(-rate)) if mean > 0.0 else np.zeros(len(values))
    places = x_max - x_min + 1

    def log_sum(rate: Floats) -> Floats:
        safe = np.where(np.abs(rate) < 1e-12, 1e-12, rate)
        with np.errstate(over="ignore"):
            return np.log(np.expm1(-safe * places) / np.expm1(-safe))

    bound = min(50.0, 600.0 / places)
    rate = float(golden(lambda r: r * mean + log_sum(r), np.array([-bound]), np.array([50.0]))[0])
    return rate, -rate * (values - x_min) - float(log_sum(np.array(rate)))


def fit_lognormal(values: Ints, number: Ints, x_min: int, x_max: int | None) -> tuple[tuple[float, float], Floats]:
    """((mu, sigma), ln p of each value) of the lognormal.

    Its logarithm, -a ln x - b (ln x)**2 with b = 1 / (2 sigma**2) >= 0 and a = 1 - mu / sigma**2, is linear in a and b, so that the likelihood has
    one maximum, which Newton's method finds; b = 0 is the power law.
    """
    place, weight = clumps(x_min, x_max)
    logs = np.log(place)
    terms = np.stack([logs, logs**2])
    seen = np.stack([np.log(values), np.log(values) ** 2])
    goal = seen @ number / number.sum()
    start = np.array([float(best_exponent(goal[:1], np.array([x_min]), x_max)[0]), 0.0])
    best = newton(start, terms, weight, goal)
    if best[1] <= 0.0:
        best = start
    a, b = map(float, best)
    mu, sigma = ((1.0 - a) / (2.0 * b), math.sqrt(0.5 / b)) if b > 0.0 else (-math.inf, math.inf)
    if b <= 0.0:
        return (mu, sigma), -a * seen[0] - float(np.log(power_sum(a, x_min, end_of(x_max))))
    return (mu, sigma), -(best @ seen) - log_total(best, terms, weight)


def clumps(x_min: int, x_max: int | None) -> tuple[Floats, Floats]:
    """(places, weights) of the whole numbers from x_min to x_max (or 10**100): each by itself up to 2000 of them, then in clumps of a hundredth of
    their size, each at its geometric middle; the error of a sum over a smooth distribution is of the order of 10**-6 of what lies in clumps.
    """
    end = FARTHEST if x_max is None else float(x_max)
    exact = np.arange(x_min, min(x_min + EXACT, end + 1), dtype=np.float64)
    begin = exact[-1] + 0.5
    if begin >= end:
        return exact, np.ones(len(exact))
    edges = np.exp(np.linspace(math.log(begin), math.log(end + 0.5), 2 + int(CLUMP * math.log(end / begin))))
    return np.concatenate([exact, np.sqrt(edges[:-1] * edges[1:])]), np.concatenate([np.ones(len(exact)), np.diff(edges)])


def log_total(c: Floats, terms: Floats, weight: Floats) -> float:
    """ln of the sum of weight * exp(-c @ terms)."""
    power = np.log(weight) - c @ terms
    top = float(power.max())
    return top + math.log(float(np.exp(power - top).sum()))


def newton(c: Floats, terms: Floats, weight: Floats, goal: Floats) -> Floats:
    """c that minimises c @ goal + log_total(c), a convex function: steps of Newton, halved until they descend."""
    cost = float(c @ goal) + log_total(c, terms, weight)
    for _ in range(100):
        power = np.log(weight) - c @ terms
        share = np.exp(power - power.max())
        share /= share.sum()
        mean = terms @ share
        apart = terms - mean[:, None]
        step = np.linalg.lstsq((apart * share) @ apart.T, mean - goal, rcond=None)[0]
        for _ in range(40):
            tried = float((c + step) @ goal) + log_total(c + step, terms, weight)
            if tried <= cost:
                break
            step = 0.5 * step
        else:
            return c
        c, gained, cost = c + step, cost - tried, tried
        if gained < 1e-13 * (1.0 + abs(cost)):
            return c
    return c
