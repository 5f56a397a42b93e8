"""How much spike counts vary: moments of the counts in windows side by side, and the Fano factor.

    F = var(count) / mean(count)     over windows of one length; 1 for a Poisson process

(Fano 1947, Phys. Rev. 72:26; Cox & Lewis 1966, The Statistical Analysis of Series of Events, chapter 4.) F of a renewal process tends to CV**2 as the
windows grow. The variance divides by windows - 1, so that F of a Poisson process is 1 on average for any number of windows.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .contract import Floats, Ints, Meter, bin_of, check_width, read, runs, whole_bins


class CountMoments(NamedTuple):
    """Spike counts over windows side by side, of each neuron and of all together."""

    mean: Floats  # [n] nan without a window
    variance: Floats  # [n] nan with fewer than two windows
    total_mean: float  # of the summed count
    total_variance: float
    windows: int
    window: float  # ms


class FanoFactor(NamedTuple):
    """Variance over mean of spike counts."""

    factor: Floats  # [n] of each neuron; nan with fewer than two windows or without a spike
    population: float  # of the summed count of all neurons
    windows: int
    window: float  # ms


class CountMeter(Meter):
    """Moments of the spike count in windows of `window` ms; memory: 32 bytes a neuron. `result` tells the moments."""

    def __init__(self, n: int, window: float, t0: float = 0.0) -> None:
        super().__init__(n, t0)
        self.window = check_width(window, "window")
        self.sum, self.square = np.zeros(self.n, dtype=np.int64), np.zeros(self.n, dtype=np.int64)
        self.open, self.open_window = np.zeros(self.n, dtype=np.int64), np.full(self.n, -1, dtype=np.int64)  # last count, and whose it is
        self.total_sum, self.total_square, self.total_open, self.last_window = 0, 0, 0, -1

    def take(self, t: Floats, ids: Ints) -> None:
        window = bin_of(t, self.t0, self.window)
        self.take_totals(window)
        pair, count = np.unique(window * self.n + ids, return_counts=True)
        k, who = np.divmod(pair, self.n)
        before = np.where(self.open_window[who] == k, self.open[who], 0)  # of the first window, if the block before ended in it
        np.add.at(self.sum, who, count)
        np.add.at(self.square, who, count * (count + 2 * before))  # (before + count)**2 - before**2
        end = k == k[-1]
        self.open[who[end]], self.open_window[who[end]] = (before + count)[end], k[-1]

    def take_totals(self, window: Ints) -> None:
        first, count = runs(window)
        count[0] += self.total_open if window[0] == self.last_window else 0
        before = self.total_open if window[0] == self.last_window else 0
        self.total_sum += len(window)
        self.total_square += int((count * count).sum()) - before**2
        self.total_open, self.last_window = int(count[-1]), int(window[-1])

    def result(self, t1: float) -> Any:
        """Moments of the counts in whole windows up to t1."""
        windows = whole_bins(self.span(t1), self.window)
        cut = np.where(self.open_window >= windows, self.open, 0)  # counts of the window that t1 cuts short
        total_cut = self.total_open if self.last_window >= windows else 0
        mean, variance = moments(self.sum - cut, self.square - cut**2, windows)
        total_mean, total_variance = moments(self.total_sum - total_cut, self.total_square - total_cut**2, windows)
        return CountMoments(mean, variance, float(total_mean), float(total_variance), windows, self.window)


class FanoMeter(CountMeter):
    """Fano factor of each neuron and of the population over windows of `window` ms; memory: 32 bytes a neuron."""

    def result(self, t1: float) -> FanoFactor:
        found: CountMoments = super().result(t1)
        factor = np.divide(found.variance, found.mean, out=np.full(self.n, np.nan), where=found.mean > 0)
        population = found.total_variance / found.total_mean if found.total_mean > 0 else np.nan
        return FanoFactor(factor, population, found.windows, found.window)


def fano_factor(t: Any, ids: Any, n: int, t1: float, window: float = 100.0, t0: float = 0.0) -> FanoFactor:
    """Fano factor of n neurons over windows of `window` ms from t0 to t1 ms, of spikes t [k] ms in order and ids [k]."""
    return read(FanoMeter(n, window, t0), t, ids, t1).result(t1)


def moments(total: Any, square: Any, number: int) -> tuple[Any, Any]:
    """(mean, variance that divides by number - 1) of counts from their sum and the sum of their squares; nan where there are too few."""
    total = np.asarray(total, dtype=np.float64)
    mean = total / number if number else np.full(total.shape, np.nan)
    return mean, np.maximum(square - total * mean, 0.0) / (number - 1) if number > 1 else np.full(total.shape, np.nan)
