"""Avalanches: runs of time bins with spikes between bins without (Beggs & Plenz 2003, J. Neurosci. 23:11167).

The size S of an avalanche is its number of spikes, its duration T its number of bins. In a critical branching process P(S) ~ S**-3/2,
P(T) ~ T**-2 and <S>(T) ~ T**2 (Harris 1963; Zapperi, Lauritsen & Stanley 1995, Phys. Rev. Lett. 75:4071). At criticality the exponents hang together,

    <S>(T) ~ T**gamma,    gamma = 1 / (sigma nu z) = (tau_t - 1) / (tau_s - 1)

(Sethna, Dahmen & Myers 2001, Nature 410:242; of neurons: Friedman et al. 2012, Phys. Rev. Lett. 108:208102), which is told beside a fit of <S>(T).
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from ..errors import MeasureError
from .contract import Floats, Ints, Meter, bin_of, check_width, read, runs, whole_bins
from .power_law import Alternative, PowerLaw, Tally, alternatives, fit_power_law

FEWEST = 5  # avalanches of a duration, for its mean size to count
DURATIONS = 3  # durations, for a fit of their mean sizes
LONGEST = 200  # bins, of the avalanches whose course is kept


class Avalanches(NamedTuple):
    """The avalanches of a population. Those cut off by the beginning or the end of the window are left out."""

    size: Ints  # [u] spikes; each pair of size and duration once, by duration and size
    duration: Ints  # [u] bins
    number: Ints  # [u] avalanches of this size and duration
    course: Floats  # [200, 200] spikes in bin b of an avalanche of d + 1 bins, summed over those, [d, b]
    bin: float  # ms

    @property
    def n(self) -> int:
        """Number of avalanches."""
        return int(self.number.sum())

    @property
    def sizes(self) -> Tally:
        return summed(self.size, self.number)

    @property
    def durations(self) -> Tally:
        return summed(self.duration, self.number)

    @property
    def mean_size(self) -> tuple[Ints, Floats, Ints]:
        """(durations [d] bins, mean size <S>(T) [d], avalanches [d])."""
        t, number = self.durations
        return t, np.bincount(np.searchsorted(t, self.duration), self.number * self.size, minlength=len(t)) / number, number


class Criticality(NamedTuple):
    """Exponents of avalanches, with standard errors, and whether they hang together; nan where there are too few avalanches."""

    size: PowerLaw
    size_others: tuple[Alternative, ...]  # exponential and lognormal
    duration: PowerLaw  # in bins
    duration_others: tuple[Alternative, ...]
    gamma: float  # of <S>(T) ~ T**gamma, by the straight line of ln <S> over ln T, each duration weighted by its number of avalanches
    gamma_error: float
    predicted: float  # (tau_t - 1) / (tau_s - 1)
    predicted_error: float


class AvalancheMeter(Meter):
    """Avalanches of a population in bins of `bin` ms; memory: 16 bytes for each different pair of size and duration, and 320 kB."""

    endless = True

    def __init__(self, n: int, bin: float, t0: float = 0.0) -> None:
        super().__init__(n, t0)
        self.bin = check_width(bin, "bin")
        self.pairs = np.zeros(0, dtype=np.int64)  # 2**32 duration + size, rising
        self.number = np.zeros(0, dtype=np.int64)  # avalanches of each pair
        self.course = np.zeros((LONGEST, LONGEST))
        self.open = (np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))  # bins and counts of the avalanche that may go on

    def take(self, t: Floats, ids: Ints) -> None:
        k = bin_of(t, self.t0, self.bin)
        first, count = runs(k)
        k = k[first]
        before, counted = self.open
        begin = np.flatnonzero(np.diff(k, prepend=before[-1] if len(before) else -2) > 1) + len(before)
        begin = np.append(0, begin) if len(before) else begin
        k, count = np.concatenate([before, k]), np.concatenate([counted, count])
        last = begin[-1]
        self.note(k[:last], count[:last], begin[:-1])
        k, count = k[last:], count[last:]
        if len(k) > 4 * LONGEST:  # its course will not be kept
            k, count = k[[0, -1]], np.array([count[:-1].sum(), count[-1]])
        self.open = k, count

    def note(self, k: Ints, count: Ints, begin: Ints) -> None:
        """Take down whole avalanches, which begin at places `begin` of the occupied bins k with their counts; one that begins in bin 0 is none."""
        if len(begin) and k[0] == 0:
            cut = begin[1] if len(begin) > 1 else len(k)
            k, count, begin = k[cut:], count[cut:], begin[1:] - cut
        if not len(begin):
            return
        entries = np.diff(begin, append=len(k))
        size, duration = np.add.reduceat(count, begin), k[begin + entries - 1] - k[begin] + 1
        kept = np.repeat(duration <= LONGEST, entries)
        place = (k - np.repeat(k[begin], entries))[kept]
        np.add.at(self.course, (np.repeat(duration, entries)[kept] - 1, place), count[kept])
        pairs, which = np.unique(np.append(self.pairs, duration << 32 | size), return_inverse=True)
        self.number = np.bincount(which, np.append(self.number, np.ones(len(size)))).astype(np.int64)
        self.pairs = pairs

    def result(self, t1: float) -> Avalanches:
        self.span(t1)
        kept = self.pairs, self.number, self.course.copy()
        k, count = self.open
        if len(k) and t1 < math.inf and k[-1] + 1 < whole_bins(self.span(t1), self.bin):  # a bin without spikes follows
            self.note(k, count, np.zeros(1, dtype=np.int64))
        found = Avalanches(self.pairs & 0xFFFFFFFF, self.pairs >> 32, self.number, self.course, self.bin)
        self.pairs, self.number, self.course = kept
        return found


def spike_avalanches(t: Any, ids: Any, n: int, t1: float, bin: float, t0: float = 0.0) -> Avalanches:
    """Avalanches of n neurons from t0 to t1 ms in bins of `bin` ms (`mean_interval` is the usual choice), of spikes t [k] ms in order and ids [k]."""
    return read(AvalancheMeter(n, bin, t0), t, ids, t1).result(t1)


def avalanches_of_counts(counts: Any, bin: float = 1.0) -> Avalanches:
    """Avalanches of a series of spike counts [t] in bins of `bin` ms; one that it begins or ends with is left out."""
    series = np.asarray(counts)
    if series.ndim != 1 or series.dtype.kind not in "iu" or (series.size and series.min() < 0):
        raise MeasureError(f"counts have shape {series.shape} and type {series.dtype}: give whole numbers of at least 0, [t]")
    meter = AvalancheMeter(1, bin)
    k = np.flatnonzero(series)
    if len(k):
        begin = np.flatnonzero(np.diff(k, prepend=-2) > 1)
        if k[-1] == len(series) - 1:
            k, begin = k[: begin[-1]], begin[:-1]
        meter.note(k, series[k].astype(np.int64), begin)
    return meter.result(math.inf)


def mean_interval(spikes: int, span: float, dt: float) -> float:
    """Mean interval (ms) between successive spikes of a whole population, in whole steps of dt ms: the bin of Beggs & Plenz 2003. At least dt; dt
    if silent."""
    return max(round(span / spikes / dt), 1) * dt if spikes else dt


def criticality(
    found: Avalanches, s_min: int | None = None, t_min: int | None = None, s_max: int | None = None, t_max: int | None = None
) -> Criticality:
    """Exponents of sizes from s_min to s_max spikes, and of durations from t_min to t_max bins (None: the least chosen, no greatest)."""
    size, duration = fit_power_law(found.sizes, s_min, s_max), fit_power_law(found.durations, t_min, t_max)
    gamma, gamma_error = size_exponent(found, duration.x_min, duration.x_max)
    a, b = size.alpha - 1.0, duration.alpha - 1.0
    predicted = b / a if a > 0.0 else math.nan
    error = abs(predicted) * math.hypot(size.error / a, duration.error / b) if a > 0.0 and b > 0.0 else math.nan
    others = alternatives(found.sizes, size), alternatives(found.durations, duration)
    return Criticality(size, others[0], duration, others[1], gamma, gamma_error, predicted, error)


def size_exponent(found: Avalanches, t_min: int = 1, t_max: int | None = None) -> tuple[float, float]:
    """gamma of <S>(T) ~ T**gamma and its standard error, from durations of t_min to t_max bins that five avalanches have."""
    t, size, number = found.mean_size
    keep = (t >= t_min) & (t <= (math.inf if t_max is None else t_max)) & (number >= FEWEST)
    x, y, weight = np.log(t[keep]), np.log(size[keep]), number[keep].astype(np.float64)
    if keep.sum() < DURATIONS:
        return math.nan, math.nan
    x, y = x - np.average(x, weights=weight), y - np.average(y, weights=weight)
    slope = float((weight * x) @ y / ((weight * x) @ x))
    left = y - slope * x
    return slope, math.sqrt(float((weight * left) @ left) / (len(x) - 2) / float((weight * x) @ x))


def summed(value: Ints, number: Ints) -> Tally:
    """Numbers of each value."""
    values, which = np.unique(value, return_inverse=True)
    return Tally(values, np.bincount(which.ravel(), number, minlength=len(values)).astype(np.int64))
