"""How often neurons fire: the rate of each, and the rate of a population over time, plain and smoothed.

Rate of a neuron: number of its spikes over the length of the window. Population rate: spikes of all neurons in a bin over n * bin
(Gerstner, Kistler, Naud & Paninski 2014, Neuronal Dynamics, section 7.2).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..errors import MeasureError
from .contract import Floats, Ints, Meter, bin_of, check_width, chosen_columns, read, whole_bins

REACH = 4.0  # of the smoothing kernel, in standard deviations


class Rates(NamedTuple):
    """Rate of each neuron."""

    rate: Floats  # [n] Hz
    mean: float  # Hz, over neurons; nan without neurons or time
    sd: float  # Hz, over neurons
    silent: float  # share of neurons without a spike
    span: float  # ms that were measured


class PopulationRate(NamedTuple):
    """Rate of a population over time."""

    t: Floats  # [k] ms, where each bin begins
    counts: Ints  # [k] spikes in each bin
    rate: Floats  # [k] Hz
    bin: float  # ms
    n: int  # neurons that were counted


class RateMeter(Meter):
    """Rate of each neuron; memory: 8 bytes a neuron."""

    def __init__(self, n: int, t0: float = 0.0) -> None:
        super().__init__(n, t0)
        self.count = np.zeros(self.n, dtype=np.int64)

    def take(self, t: Floats, ids: Ints) -> None:
        np.add.at(self.count, ids, 1)

    def result(self, t1: float) -> Rates:
        span = self.span(t1)
        rate = self.count / (span / 1000.0) if span > 0 else np.full(self.n, np.nan)
        if not self.n:
            return Rates(rate, np.nan, np.nan, np.nan, span)
        return Rates(rate, float(rate.mean()), float(rate.std()), float(np.mean(self.count == 0)), span)


class PopulationRateMeter(Meter):
    """Spikes of a population, or of the chosen neurons, in bins of `bin` ms; memory: 16 bytes a bin."""

    def __init__(self, n: int, bin: float, t0: float = 0.0, chosen: Any = None) -> None:
        super().__init__(n, t0)
        self.bin = check_width(bin, "bin")
        self.chosen, self.column = chosen_columns(self.n, np.arange(self.n) if chosen is None else chosen)
        self.is_whole = chosen is None
        self.count = np.zeros(1024, dtype=np.int64)

    def take(self, t: Floats, ids: Ints) -> None:
        k = bin_of(t if self.is_whole else t[self.column[ids] >= 0], self.t0, self.bin)
        if len(k):
            self.reserve(int(k[-1]) + 1)
            self.count[k[0] : k[-1] + 1] += np.bincount(k - k[0])

    def reserve(self, bins: int) -> None:
        """Make room for so many bins."""
        if bins > len(self.count):
            longer = np.zeros(max(bins, 2 * len(self.count)), dtype=np.int64)
            longer[: len(self.count)] = self.count
            self.count = longer

    def result(self, t1: float) -> PopulationRate:
        bins = whole_bins(self.span(t1), self.bin)
        self.reserve(bins)
        counts, n = self.count[:bins].copy(), len(self.chosen)
        rate = counts / (n * self.bin / 1000.0) if n else np.full(bins, np.nan)
        return PopulationRate(self.t0 + np.arange(bins) * self.bin, counts, rate, self.bin, n)


def firing_rates(t: Any, ids: Any, n: int, t1: float, t0: float = 0.0) -> Rates:
    """Rate of each of n neurons from t0 to t1 ms, of spikes t [k] ms in order and ids [k]."""
    return read(RateMeter(n, t0), t, ids, t1).result(t1)


def population_rate(t: Any, ids: Any, n: int, t1: float, bin: float = 1.0, t0: float = 0.0, chosen: Any = None) -> PopulationRate:
    """Rate in bins of `bin` ms from t0 to t1 ms, of all n neurons or of those chosen; spikes are t [k] ms in order and ids [k]."""
    return read(PopulationRateMeter(n, bin, t0, chosen), t, ids, t1).result(t1)


def smoothed(rate: Floats, bin: float, sigma: float) -> Floats:
    """A rate [k] in bins of `bin` ms, smoothed by a Gaussian kernel of standard deviation `sigma` ms, cut at four of them; same unit and length.

    At both ends the kernel is scaled to the part of it that lies inside, so that a constant rate stays what it is
    (kernel: Dayan & Abbott 2001, Theoretical Neuroscience, section 1.2).
    """
    rate, sigma, bin = np.asarray(rate, dtype=np.float64), check_width(sigma, "sigma"), check_width(bin, "bin")
    if rate.ndim != 1:
        raise MeasureError(f"rate has shape {rate.shape}: give a flat array")
    half = int(np.ceil(REACH * sigma / bin))
    kernel = np.exp(-0.5 * (np.arange(-half, half + 1) * bin / sigma) ** 2)
    if not len(rate):
        return rate
    weight = np.convolve(np.ones(len(rate)), kernel)[half : half + len(rate)]
    return np.convolve(rate, kernel)[half : half + len(rate)] / weight
