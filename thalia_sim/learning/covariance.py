"""Associative memory by the covariance rule, and recall from it.

    w_ij = 1/(n var) sum over patterns of (xi_i - m)(xi_j - m),    w_ii = 0

m and var are the mean and variance of the patterns' entries (Sejnowski 1977, J. Math. Biol. 4:303; Tsodyks & Feigel'man 1988, Europhys. Lett. 6:101).
For balanced patterns of +-1 this is the network of Hopfield (1982, PNAS 79:2554), which recalls up to about 0.138 n patterns (Amit, Gutfreund &
Sompolinsky 1985, Phys. Rev. Lett. 55:1530).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import DescriptionError
from ..given import finite_array, is_whole, short

Floats = NDArray[np.float64]


def covariance_weights(patterns: ArrayLike) -> Floats:
    """Weights [n, n] that store patterns [n_patterns, n] of two values, such as -1 and 1 or 0 and 1."""
    xi = checked_patterns(patterns)
    centred = xi - xi.mean()
    w = centred.T @ centred / (xi.shape[1] * xi.var())
    np.fill_diagonal(w, 0.0)
    return w


def recall(w: ArrayLike, patterns: ArrayLike, cues: ArrayLike, sweeps: int = 20) -> Floats:
    """States [n_cues, n] to which cues are completed, in the two values of the stored patterns.

    Sweeps over the units in ascending order, each set at once by the sign of its field sum_j w_ij (s_j - m) against the point midway between the
    two values (Hopfield's asynchronous update; for weights of zero diagonal and balanced patterns the energy never rises), until nothing changes.
    """
    xi, s = checked_patterns(patterns), np.atleast_2d(finite_array(cues, "cues")).copy()
    weights, n = finite_array(w, "w"), xi.shape[1]
    if weights.shape != (n, n) or s.shape[1] != n:
        raise DescriptionError(f"w has shape {list(weights.shape)} and cues {list(s.shape)}: give [{n}, {n}] and [n_cues, {n}], as the patterns")
    if not is_whole(sweeps) or sweeps < 1:
        raise DescriptionError(f"sweeps is {short(sweeps)}: give a whole number, at least 1")
    low, high, mean = xi.min(), xi.max(), xi.mean()
    midway = 0.5 * (low + high) - mean
    for _ in range(sweeps):
        before = s.copy()
        for unit in range(n):
            s[:, unit] = np.where((s - mean) @ weights[unit] >= midway, high, low)
        if np.array_equal(before, s):
            break
    return s


def checked_patterns(patterns: ArrayLike) -> Floats:
    xi = finite_array(patterns, "patterns")
    if xi.ndim != 2 or len(np.unique(xi)) != 2:
        raise DescriptionError(f"patterns have shape {list(xi.shape)} and {len(np.unique(xi))} values: give [n_patterns, n] of two values")
    return xi
