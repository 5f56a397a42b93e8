"""How the spikes of neurons depend on each other: correlation of spike counts in pairs, and cross-correlogram of two spike trains.

    rho_ij = cov(x_i, x_j) / sqrt(var(x_i) var(x_j))     over bins of one length, x the counts
    rho_ab(lag) = cov(a(t), b(t + lag)) / sqrt(var(a) var(b))

(Cohen & Kohn 2011, Nat. Neurosci. 14:811, who also show how rho grows with the length of the bins and with the rate; Perkel, Gerstein & Moore 1967,
Biophys. J. 7:419, for the cross-correlogram.)
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import MeasureError
from .contract import Floats, Ints, Meter, bin_of, check_width, chosen_columns, read, runs, whole_bins

ROWS = 4096  # bins of counts at once


class CountCorrelation(NamedTuple):
    """Correlation of spike counts in all pairs of the chosen neurons."""

    ids: Ints  # [m] the chosen neurons
    coefficient: Floats  # [m, m] nan for neurons whose count never changes
    mean: float  # over pairs of two neurons; nan if there is none
    sd: float  # over pairs
    bins: int
    bin: float  # ms


class Correlogram(NamedTuple):
    """How often b fires after (lag > 0) and before a."""

    lag: Floats  # [2 k + 1] ms, from -longest to longest
    pairs: Ints  # [2 k + 1] spikes of a and b that lie so far apart, counted bin by bin
    coefficient: Floats  # [2 k + 1] nan if one of them never changes; independent trains: 0 +- 1/sqrt(bins)
    bins: int
    bin: float  # ms


class CorrelationMeter(Meter):
    """Counts of chosen neurons (m of them) in bins of `bin` ms; memory: 8 m**2 bytes and 8 bytes a neuron."""

    def __init__(self, n: int, bin: float, chosen: Any, t0: float = 0.0) -> None:
        super().__init__(n, t0)
        self.bin = check_width(bin, "bin")
        self.chosen, self.column = chosen_columns(self.n, chosen)
        m = len(self.chosen)
        self.sum, self.product = np.zeros(m), np.zeros((m, m))  # over closed bins
        self.open, self.open_bin = np.zeros(m), -1  # counts of the last bin in which one of them fired

    def take(self, t: Floats, ids: Ints) -> None:
        column = self.column[ids]
        inside = column >= 0
        if not inside.any():
            return
        column, k = column[inside], bin_of(t[inside], self.t0, self.bin)
        first, _ = runs(k)
        for begin in range(0, len(first), ROWS):
            rows = slice(first[begin], first[begin + ROWS] if begin + ROWS < len(first) else len(k))
            self.take_rows(k[rows], column[rows])

    def take_rows(self, k: Ints, column: Ints) -> None:
        """Spikes of at most ROWS bins; bins without a spike add nothing to sums."""
        first, length = runs(k)
        m = len(self.chosen)
        row = np.repeat(np.arange(len(first)), length)
        counts = np.bincount(row * m + column, minlength=len(first) * m).reshape(len(first), m).astype(np.float64)
        if k[0] == self.open_bin:  # the border of two blocks has cut this bin
            counts[0] += self.open
        else:
            self.sum, self.product = self.sum + self.open, self.product + np.outer(self.open, self.open)
        closed = counts[:-1]
        self.sum, self.product = self.sum + closed.sum(axis=0), self.product + closed.T @ closed
        self.open, self.open_bin = counts[-1].copy(), int(k[-1])

    def result(self, t1: float) -> CountCorrelation:
        bins, m = whole_bins(self.span(t1), self.bin), len(self.chosen)
        last = self.open if self.open_bin < bins else np.zeros(m)
        total, product = self.sum + last, self.product + np.outer(last, last)
        covariance = product - np.outer(total, total) / max(bins, 1)
        coefficient = normalised(covariance, np.maximum(np.diag(covariance), 0.0))
        pairs = coefficient[np.triu_indices(m, 1)]
        pairs = pairs[np.isfinite(pairs)]
        mean, sd = (float(pairs.mean()), float(pairs.std())) if len(pairs) else (np.nan, np.nan)
        return CountCorrelation(self.chosen, coefficient, mean, sd, bins, self.bin)


def normalised(covariance: Floats, variance: Floats) -> Floats:
    """Coefficients [m, m]; nan where a variance is 0."""
    scale = np.sqrt(np.outer(variance, variance))
    found = np.divide(covariance, scale, out=np.full(covariance.shape, np.nan), where=scale > 0)
    return np.clip(found, -1.0, 1.0)


def count_correlation(t: Any, ids: Any, n: int, t1: float, chosen: Any, bin: float = 2.0, t0: float = 0.0) -> CountCorrelation:
    """Correlation of the spike counts of chosen neurons in bins of `bin` ms from t0 to t1 ms, of spikes t [k] ms in order and ids [k]."""
    return read(CorrelationMeter(n, bin, chosen, t0), t, ids, t1).result(t1)


def cross_correlogram(a: Any, b: Any, bin: float, longest: float = 100.0) -> Correlogram:
    """Cross-correlogram up to lags of `longest` ms of two count series a [k] and b [k] in the same bins of `bin` ms.

    The series are `count` of PopulationRate, of whole populations or of chosen neurons. Coefficients are corrected for the shorter overlap at longer
    lags. A series with itself has every spike paired with itself at lag 0.
    """
    first, second = check_series(a), check_series(b)
    if len(first) != len(second):
        raise MeasureError(f"series have {len(first)} and {len(second)} bins: count both over the same window")
    bins, reach = len(first), whole_bins(check_width(longest, "longest"), check_width(bin, "bin"))
    lags = np.arange(-reach, reach + 1)
    pairs = np.array([overlap(first, second, int(lag)) for lag in lags])
    left = np.maximum(bins - np.abs(lags), 0)
    corrected = np.divide(pairs * bins, left, out=np.full(len(lags), np.nan), where=left > 0)
    scale = np.sqrt(spread(first) * spread(second))
    coefficient = (corrected - first.sum() * second.sum() / bins) / scale if scale > 0 else np.full(len(lags), np.nan)
    return Correlogram(lags * bin, pairs.astype(np.int64), coefficient, bins, bin)


def overlap(a: Floats, b: Floats, lag: int) -> float:
    """Sum over t of a(t) b(t + lag)."""
    return float(a[: len(a) - lag] @ b[lag:]) if 0 <= lag < len(a) else float(a[-lag:] @ b[:lag]) if -len(a) < lag < 0 else 0.0


def spread(x: Floats) -> float:
    """Sum of the squared deviations from the mean."""
    return float(x @ x - x.sum() ** 2 / len(x)) if len(x) else 0.0


def check_series(x: Any) -> NDArray[np.float64]:
    """A flat series of finite numbers, in double precision."""
    series = np.asarray(x)
    if series.ndim != 1 or series.dtype.kind not in "iuf" or not np.isfinite(series).all():
        raise MeasureError(f"a series has shape {series.shape} and type {series.dtype}: give a flat array of finite numbers")
    return series.astype(np.float64)
