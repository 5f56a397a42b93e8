"""How regularly neurons fire: inter-spike intervals, their coefficient of variation, and their local variation.

    CV = sd(I) / mean(I)                                              of the intervals I_1 ... I_m of one neuron
    LV = 3 / (m - 1) * sum over i of ((I_i - I_{i+1}) / (I_i + I_{i+1}))**2

CV is 1 for a Poisson process and 1/sqrt(k) for a gamma process of order k; it also grows with every change of the rate. LV compares neighbours only,
so that slow changes of the rate hardly count; it is 1 for a Poisson process and 3 / (2k + 1) for a gamma process
(Shinomoto, Shima & Tanji 2003, Neural Comput. 15:2823).
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from .contract import CHUNK, HALF_NS, Floats, Ints, Meter, read, runs

EDGES = 10.0 ** (np.arange(-10, 61) / 10.0)  # [71] ms, of the histogram: 0.1 ms to 1000 s, ten a decade


class Intervals(NamedTuple):
    """Inter-spike intervals of each neuron, and of all together. An interval counts if both its spikes lie in the window."""

    number: Ints  # [n] intervals of each neuron
    mean: Floats  # [n] ms, nan without an interval
    cv: Floats  # [n] nan with fewer than two intervals or if all are 0; the sd divides by their number
    lv: Floats  # [n] nan with fewer than two intervals; two neighbours of length 0 count as equal
    edges: Floats  # [k + 1] ms
    histogram: Ints  # [k] intervals of all neurons with edge k <= I < edge k + 1
    shorter: int  # intervals below the first edge
    longer: int  # intervals from the last edge on


class IntervalMeter(Meter):
    """Intervals of each neuron; memory: 48 bytes a neuron. Moments are joined block by block after Chan, Golub & LeVeque (1979)."""

    endless = True

    def __init__(self, n: int, t0: float = 0.0) -> None:
        super().__init__(n, t0)
        self.last_t, self.last_interval = np.full(self.n, np.nan), np.full(self.n, np.nan)  # ms, nan where there was none
        self.count, self.mean, self.deviation = np.zeros(self.n, dtype=np.int64), np.zeros(self.n), np.zeros(self.n)  # sum of (I - mean)**2, ms**2
        self.variation = np.zeros(self.n)  # sum of the squares in LV
        self.histogram = np.zeros(len(EDGES) + 1, dtype=np.int64)

    def take(self, t: Floats, ids: Ints) -> None:
        order = by_neuron(ids)
        t, ids = t[order], ids[order]
        first, length = runs(ids)
        who, last = ids[first], first + length - 1
        interval, neighbour = np.empty_like(t), np.empty_like(t)
        interval[1:] = t[1:] - t[:-1]
        interval[first] = t[first] - self.last_t[who]
        neighbour[1:] = interval[:-1]
        neighbour[first] = self.last_interval[who]
        self.last_t[who], self.last_interval[who] = t[last], interval[last]
        known = ~np.isnan(interval)
        if known.any():
            self.join_moments(interval[known], ids[known])
            self.histogram += np.bincount(np.searchsorted(EDGES, interval[known] + HALF_NS, side="right"), minlength=len(EDGES) + 1)
        paired = known & ~np.isnan(neighbour)
        if paired.any():
            self.join_variation(interval[paired], neighbour[paired], ids[paired])

    def join_moments(self, interval: Floats, ids: Ints) -> None:
        first, count = runs(ids)
        who, mean = ids[first], np.add.reduceat(interval, first) / count
        deviation = np.add.reduceat((interval - np.repeat(mean, count)) ** 2, first)
        before, total, apart = self.count[who], self.count[who] + count, mean - self.mean[who]
        self.mean[who] += apart * count / total
        self.deviation[who] += deviation + apart**2 * before * count / total
        self.count[who] = total

    def join_variation(self, interval: Floats, neighbour: Floats, ids: Ints) -> None:
        both = interval + neighbour
        share = np.divide(interval - neighbour, both, out=np.zeros_like(both), where=both > 0)
        first, _ = runs(ids)
        self.variation[ids[first]] += np.add.reduceat(share**2, first)

    def result(self, t1: float) -> Intervals:
        self.span(t1)
        count = self.count.astype(np.float64)
        several = self.count >= 2
        mean = np.where(self.count >= 1, self.mean, np.nan)
        sd = np.sqrt(np.divide(self.deviation, count, out=np.zeros(self.n), where=several))
        cv = np.divide(sd, self.mean, out=np.full(self.n, np.nan), where=several & (self.mean > 0))
        lv = np.divide(3.0 * self.variation, count - 1.0, out=np.full(self.n, np.nan), where=several)
        shorter, longer = int(self.histogram[0]), int(self.histogram[-1])
        return Intervals(self.count.copy(), mean, cv, lv, EDGES, self.histogram[1:-1].copy(), shorter, longer)


def isi(t: Any, ids: Any, n: int, t0: float = 0.0, t1: float = math.inf) -> Intervals:
    """Intervals of n neurons from t0 to t1 ms, of spikes t [k] ms in order and ids [k]."""
    return read(IntervalMeter(n, t0), t, ids, t1).result(t1)


def by_neuron(ids: Ints) -> Ints:
    """Order [k] that puts up to CHUNK spikes together by neuron and keeps their order in time: id and place sorted as one number."""
    return np.sort(ids * CHUNK + np.arange(len(ids))) % CHUNK
