"""Branching ratio of population activity: how many spikes of the next bin one spike brings about, on average.

n(t) is the number of spikes in bin t. In a branching process with drive h (Harris 1963, The Theory of Branching Processes),

    E[n(t + 1) | n(t)] = m n(t) + h,    cov(n(t), n(t + k)) = m**k var(n)

so the slope of the regression of n(t + 1) on n(t) is m, and the activity forgets within tau = -bin / ln m. Where only a part of the neurons is seen,
every slope shrinks by one factor b, and m is read off how the slopes r_k fall with the lag k (multistep regression: Wilting & Priesemann 2018,
Nat. Commun. 9:2325):

    r_k = cov(n(t), n(t + k)) / var(n(t)) = b m**k,    k = 1 .. k_max

For Poisson offspring and drive of which a share p is seen, b = p / (p + (1 - p) (1 - m**2)).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..errors import MeasureError
from ..given import is_number, is_whole, short
from .contract import Floats, check_width

NEAR = (0.95, 1.01)  # m from here to here counts as near-critical: below it a spike is forgotten within 20 bins, above it activity grows by 1 % a bin
LONGEST = 250  # bins, the greatest lag by default
SHARE = 20  # and at most one bin in so many
FEWEST = 5  # lags
EXPLAINED = 16.0  # squared standard errors of white noise that the fit must explain; noise does so in about one of a thousand cases
DESCRIBED = 0.5  # share of the slopes' squares that it must describe, up to three autocorrelation times: an oscillation is no branching process
BLOCKS = 50  # of the bootstrap, about
LEAST_BLOCKS = 5
ZOOMS = 8


class Slopes(NamedTuple):
    """Sums over blocks of bins, from which the slopes follow; of n(t) and n(t + k), both with the mean of all taken off."""

    size: Floats  # [blocks] bins
    x: Floats  # [blocks] sum of n(t)
    xx: Floats  # [blocks] sum of n(t)**2
    y: Floats  # [blocks, k] sum of n(t + k)
    xy: Floats  # [blocks, k] sum of n(t) n(t + k)


class Decay(NamedTuple):
    """b m**k + offset, fitted to slopes."""

    m: float  # nan if no slope is positive
    b: float
    offset: float
    explained: float  # sum of squares of the slopes (less their mean, of a fit with offset) that it explains


class Branching(NamedTuple):
    """Branching ratio of a population by multistep regression.

    state: silent without a spike; undefined where counts do not correlate over time, or oscillate, so that no exponential describes the slopes, and
    for series too short to tell; then m is nan. Else subcritical, near-critical or supercritical.
    """

    m: float  # spikes brought about by one, from bin to bin
    low: float  # bounds of the 95 % interval of m, by block bootstrap; nan for short series
    high: float
    tau: float  # ms, -bin / ln m; inf from m = 1 on
    regression: float  # r_1, the slope of n(t + 1) on n(t): m if all neurons are seen, too small otherwise
    b: float
    offset: float
    r: Floats  # [k] slopes
    bin: float  # ms
    mean: float  # spikes in a bin
    state: str

    @property
    def lag(self) -> Floats:
        """Lags of the slopes (ms), [k]."""
        return np.arange(1, len(self.r) + 1) * self.bin

    @property
    def fitted(self) -> Floats:
        """b m**k + offset, [k]."""
        return self.b * self.m ** np.arange(1.0, len(self.r) + 1.0) + self.offset


def branching_ratio(
    counts: Any, bin: float, k_max: int | None = None, fit: Callable[[Floats], list[Decay]] | None = None,
    near: tuple[float, float] = NEAR, resamples: int = 200, seed: int = 1,
) -> Branching:  # fmt: skip
    """Branching ratio of spike counts in bins of `bin` ms: counts [t], or [trials, t] of trials that are regarded together.

    k_max      greatest lag in bins; by default a twentieth of the length, at most 250
    fit        `exponential` (the default) or `exponential_with_offset`, for counts whose mean wanders slowly
    near       m from the first to the second counts as near-critical
    resamples  of the bootstrap of blocks of bins: each is as long as k_max or a fiftieth of the series
    seed       of the bootstrap
    """
    series, bin, near = check_counts(counts), check_width(bin, "bin"), check_near(near)
    k_max = min(series.shape[1] // SHARE, LONGEST) if k_max is None else k_max
    nothing = Branching(math.nan, math.nan, math.nan, math.nan, math.nan, math.nan, math.nan, np.full(0, np.nan), bin, math.nan, "undefined")
    if not is_whole(k_max) or (series.shape[1] and not 0 <= k_max < series.shape[1]):
        raise MeasureError(f"k_max is {short(k_max)}: give a number of bins below the length of the series, {series.shape[1]}")
    if not series.size:
        return nothing
    nothing = nothing._replace(mean=float(series.mean()))
    if not series.any():
        return nothing._replace(state="silent")
    if k_max < 1 or series.shape[1] - k_max < 2:
        return nothing
    sums = slope_sums(series, int(k_max))
    r = slopes(sums, np.ones((1, len(sums.size))))[0]
    if not np.isfinite(r).all():
        return nothing
    fit = exponential if fit is None else fit
    decay = fit(r[None])[0]
    known = nothing._replace(regression=float(r[0]), r=r)
    if k_max < FEWEST or math.isnan(decay.m) or decay.explained * sums.size.sum() < EXPLAINED or described(r, decay) < DESCRIBED:
        return known
    low, high = interval(sums, fit, resamples, seed)
    return known._replace(
        m=decay.m, low=low, high=high, tau=-bin / math.log(decay.m) if decay.m < 1.0 else math.inf, b=decay.b, offset=decay.offset,
        state=state_of(decay.m, near),
    )  # fmt: skip


def regression_ratio(counts: Any) -> float:
    """Slope of the regression of n(t + 1) on n(t), of counts [t] or [trials, t]: m if all neurons are seen. nan without variance."""
    series = check_counts(counts)
    if series.shape[1] < 3:
        return math.nan
    sums = slope_sums(series, 1)
    return float(slopes(sums, np.ones((1, len(sums.size))))[0, 0])


def offspring_ratio(counts: Any) -> float:
    """Children over parents, sum of n(t + 1) / sum of n(t), of trials without drive, counts [t] or [trials, t]; nan without a parent.

    Of a stationary population with drive it is 1 whatever m is (Harris 1963; in its first bins: Beggs & Plenz 2003, J. Neurosci. 23:11167).
    """
    series = check_counts(counts)
    parents = float(series[:, :-1].sum())
    return float(series[:, 1:].sum()) / parents if parents else math.nan


def state_of(m: float, near: tuple[float, float] = NEAR) -> str:
    """subcritical, near-critical or supercritical; undefined without m."""
    if math.isnan(m):
        return "undefined"
    return "subcritical" if m < near[0] else "supercritical" if m > near[1] else "near-critical"


def check_counts(counts: Any) -> Floats:
    """Counts as [trials, t]."""
    series = np.asarray(counts)
    if series.dtype.kind not in "iuf" or series.ndim not in (1, 2) or not np.isfinite(series).all():
        raise MeasureError(f"counts have shape {series.shape} and type {series.dtype}: give finite numbers, [t] or [trials, t]")
    return np.atleast_2d(series).astype(np.float64)


# slopes ---------------------------------------------------------------------------------------------------------------


def slope_sums(series: Floats, k_max: int) -> Slopes:
    """Sums over blocks of a series [trials, t]. t runs over the same bins for every lag, so that b is one number even while activity grows."""
    trials, length = series.shape
    n = length - k_max
    block = max(k_max, -(-n * trials // BLOCKS), 1)
    first = np.arange(0, max(n - block, 0) + 1, block)  # the last of a trial is longer
    x = series - series.mean()
    front = x[:, :n]
    size = np.tile(np.diff(first, append=n), trials).astype(np.float64)
    y, xy = np.empty((len(size), k_max)), np.empty((len(size), k_max))
    for k in range(1, k_max + 1):
        later = x[:, k : k + n]
        y[:, k - 1] = np.add.reduceat(later, first, axis=1).ravel()
        xy[:, k - 1] = np.add.reduceat(front * later, first, axis=1).ravel()
    return Slopes(size, np.add.reduceat(front, first, axis=1).ravel(), np.add.reduceat(front**2, first, axis=1).ravel(), y, xy)


def slopes(sums: Slopes, weight: Floats) -> Floats:
    """r_k [n, k] of blocks taken weight [n, blocks] times each; nan without variance."""
    n, x, y = weight @ sums.size, weight @ sums.x, weight @ sums.y
    variance = weight @ sums.xx - x * x / n
    variance[variance <= 1e-12 * (weight @ sums.xx)] = np.nan
    return (weight @ sums.xy - x[:, None] * y / n[:, None]) / variance[:, None]


def interval(sums: Slopes, fit: Callable[[Floats], list[Decay]], resamples: int, seed: int) -> tuple[float, float]:
    """Bounds between which 95 % of the ratios lie that follow from blocks drawn anew (block bootstrap: Kuensch 1989, Ann. Stat. 17:1217)."""
    blocks = len(sums.size)
    if blocks < LEAST_BLOCKS or resamples < 2:
        return math.nan, math.nan
    drawn = np.random.default_rng(seed).multinomial(blocks, np.full(blocks, 1.0 / blocks), size=resamples).astype(np.float64)
    found = slopes(sums, drawn)
    m = np.array([decay.m for decay in fit(found[np.isfinite(found).all(axis=1)])])
    m = m[~np.isnan(m)]
    if len(m) < resamples / 2:
        return math.nan, math.nan
    low, high = np.quantile(m, (0.025, 0.975))
    return float(low), float(high)


# the exponential ------------------------------------------------------------------------------------------------------


def exponential(r: Floats) -> list[Decay]:
    """Least squares of b m**k, b >= 0, m > 0, to slopes r [n, k]."""
    rate = best_rate(r, lambda curve: curve)
    return [decay(row, curve, curve, row, u) for row, curve, u in zip(r, curves(rate, r.shape[1]), rate, strict=True)]


def exponential_with_offset(r: Floats) -> list[Decay]:
    """Least squares of b m**k + offset, b >= 0, m > 0, to slopes r [n, k]."""
    rate, level = best_rate(r - r.mean(axis=1, keepdims=True), centred), r.mean(axis=1, keepdims=True)
    return [decay(row, centred(curve), curve, row - mean, u) for row, mean, curve, u in zip(r, level, curves(rate, r.shape[1]), rate, strict=True)]


def decay(r: Floats, shape: Floats, curve: Floats, part: Floats, u: float) -> Decay:
    """The fit whose logarithm of m is u: `part` of the slopes r is explained by `shape` of the curve m**k."""
    overlap = float(part @ shape)
    if overlap <= 0.0:
        return Decay(math.nan, math.nan, math.nan, 0.0)
    b = overlap / float(shape @ shape)
    return Decay(math.exp(u), b, float((r - b * curve).mean()) if shape is not curve else 0.0, b * overlap)


def described(r: Floats, decay: Decay) -> float:
    """Share of the squares of slopes r [k], less the offset, that the fit describes, up to three autocorrelation times (five lags at least)."""
    lags = len(r) if decay.m >= 1.0 else min(len(r), max(FEWEST, math.ceil(-3.0 / math.log(decay.m))))
    near = r[:lags] - decay.offset
    left = near - decay.b * decay.m ** np.arange(1.0, lags + 1.0)
    return 1.0 - float(left @ left) / float(near @ near)


def centred(curve: Floats) -> Floats:
    return curve - curve.mean(axis=-1, keepdims=True)


def curves(rate: Floats, k_max: int) -> Floats:
    """m**k, [..., k], for ln m = rate [...]."""
    return np.exp(rate[..., None] * np.arange(1.0, k_max + 1.0))


def best_rate(r: Floats, shape: Callable[[Floats], Floats]) -> Floats:
    """ln m [n] that explains most of each row of r [n, k].

    b follows from m in closed form (variable projection: Golub & Pereyra 1973, SIAM J. Numer. Anal. 10:413), which leaves a search along one line:
    a grid from m = exp(-8) to beyond 1, then ever finer ones around the best.
    """
    k_max = r.shape[1]
    falling, rising = np.geomspace(1e-5, 8.0, 120), np.geomspace(1e-5, min(0.5, 200.0 / k_max), 60)
    grid = np.concatenate([-falling[::-1], [0.0], rising])
    place = np.clip(np.argmax(explained(r, shape(curves(grid, k_max))), axis=1), 1, len(grid) - 2)
    low, high = grid[place - 1], grid[place + 1]
    steps = np.linspace(0.0, 1.0, 21)
    for _ in range(ZOOMS):
        finer = low[:, None] + (high - low)[:, None] * steps
        place = np.clip(np.argmax(explained(r[:, None, :], shape(curves(finer, k_max)))[:, 0, :], axis=1), 1, len(steps) - 2)
        row = np.arange(len(r))
        low, high = finer[row, place - 1], finer[row, place + 1]
    return 0.5 * (low + high)


def explained(r: Floats, shape: Floats) -> Floats:
    """Sum of squares of r [..., n, k] that b * shape explains with the best b >= 0, for each shape [..., g, k]: [..., n, g]."""
    square = (shape * shape).sum(axis=-1)
    overlap = np.maximum(r @ np.swapaxes(shape, -1, -2), 0.0)
    return overlap**2 / np.where(square > 0.0, square, np.inf)[..., None, :]


def check_near(near: Any) -> tuple[float, float]:
    """The two bounds of the near-critical range."""
    if not (isinstance(near, (tuple, list)) and len(near) == 2 and all(is_number(x) for x in near) and 0.0 < near[0] <= near[1]):
        raise MeasureError(f"near is {short(near)}: give two rising numbers above 0")
    return float(near[0]), float(near[1])
