"""How synaptic weights are distributed, and how far they have moved from one snapshot to another.

Drift is told by the mean and the root mean square of the change and by the correlation of the two snapshots, which falls from 1 as weights turn over
(as for spines in Loewenstein, Kuras & Rumpel 2011, J. Neurosci. 31:9481).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import MeasureError
from .contract import CHUNK, Floats, Ints

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
BINS = 60  # of the histogram


class WeightDistribution(NamedTuple):
    """Weights of the synapses of a projection, all but n in the unit of the weights; nan without a synapse."""

    n: int
    mean: float
    sd: float
    skewness: float  # mean of ((w - mean) / sd)**3; nan if all weights are equal
    quantile: Floats  # [5] at QUANTILES
    least: float
    largest: float
    edges: Floats  # [61]
    histogram: Ints  # [60] synapses with edge k <= w < edge k + 1, in the last bin <=


class WeightDrift(NamedTuple):
    """Change of the same synapses' weights, in the unit of the weights; nan without a synapse."""

    mean: float
    rms: float  # root of the mean square
    largest: float  # size of the largest change
    changed: float  # share of the weights that are not what they were
    correlation: float  # of the weights before and after; nan if either are all equal


def weight_distribution(w: Any) -> WeightDistribution:
    """Distribution of weights w [n_syn]. Quantiles are exact and need a copy of w."""
    w = check_weights(w)
    if not len(w):
        nothing = np.full(len(QUANTILES), np.nan)
        return WeightDistribution(0, np.nan, np.nan, np.nan, nothing, np.nan, np.nan, np.zeros(BINS + 1), np.zeros(BINS, dtype=np.int64))
    least, largest = float(w.min()), float(w.max())
    mean = min(max(sum(float(part.sum()) for part in parts(w)) / len(w), least), largest)
    second = sum(float(((part - mean) ** 2).sum()) for part in parts(w)) / len(w)
    third = sum(float(((part - mean) ** 3).sum()) for part in parts(w)) / len(w)
    edges = np.histogram_bin_edges(np.array([least, largest], dtype=np.float64), bins=BINS)
    histogram = np.zeros(BINS, dtype=np.int64)
    for part in parts(w):
        histogram += np.histogram(part, edges)[0]
    quantile = np.quantile(w, QUANTILES).astype(np.float64)
    skewness = third / second**1.5 if largest > least else np.nan
    return WeightDistribution(len(w), mean, float(np.sqrt(second)), skewness, quantile, least, largest, edges, histogram)


def weight_drift(before: Any, after: Any) -> WeightDrift:
    """How weights [n_syn] of the same synapses have changed."""
    a, b = check_weights(before), check_weights(after)
    if len(a) != len(b):
        raise MeasureError(f"snapshots have {len(a)} and {len(b)} weights: give two of the same synapses")
    if not len(a):
        return WeightDrift(np.nan, np.nan, np.nan, np.nan, np.nan)
    mean_a, mean_b = (sum(float(part.sum()) for part in parts(w)) / len(w) for w in (a, b))
    change = squares = var_a = var_b = product = 0.0
    changed, largest = 0, 0.0
    for x, y in zip(parts(a), parts(b), strict=True):
        apart = y - x
        change, squares, largest = change + float(apart.sum()), squares + float(apart @ apart), max(largest, float(np.abs(apart).max()))
        changed += int(np.count_nonzero(apart))
        p, q = x - mean_a, y - mean_b
        var_a, var_b, product = var_a + float(p @ p), var_b + float(q @ q), product + float(p @ q)
    vary = bool(a.min() < a.max() and b.min() < b.max())
    correlation = float(np.clip(product / np.sqrt(var_a * var_b), -1.0, 1.0)) if vary else np.nan
    return WeightDrift(change / len(a), float(np.sqrt(squares / len(a))), largest, changed / len(a), correlation)


def parts(w: NDArray[Any]) -> Iterator[Floats]:
    """Weights in double precision, piece by piece."""
    for begin in range(0, len(w), CHUNK):
        yield w[begin : begin + CHUNK].astype(np.float64)


def check_weights(w: Any) -> NDArray[Any]:
    """A flat array of finite numbers, in the precision that it has."""
    w = np.asarray(w)
    if w.ndim != 1 or (w.dtype.kind not in "iuf" and w.size):
        raise MeasureError(f"weights have shape {w.shape} and type {w.dtype}: give a flat array of numbers")
    for begin in range(0, len(w), CHUNK):
        part = w[begin : begin + CHUNK]
        if not np.isfinite(part).all():
            k = int(np.flatnonzero(~np.isfinite(part))[0])
            raise MeasureError(f"weight {part[k]} at place {begin + k} is not finite: leave this synapse out")
    return w
