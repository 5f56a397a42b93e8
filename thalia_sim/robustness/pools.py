"""Which neighbours divide a unit's response: pools of divisive normalization, sum over j of P_ij a_j with P_ij >= 0.

A pool takes what each unit contributes, a [..., *space], a >= 0, and the number of trailing axes that are space (1: a row of units; 2 or 3: a
grid); axes before these are batches. It returns the pooled sum of each unit, of the same shape.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import DescriptionError
from ..given import finite_array, is_number, is_whole, short

Floats = NDArray[np.float64]
SWEEPS = 200  # of the descent by coordinates
SETTLED = 1e-10  # change of a weight at which it ends


class GlobalPool(NamedTuple):
    """All units alike: P_ij = weight. 1 is their sum, 1/n their mean."""

    weight: float = 1.0

    def __call__(self, a: Floats, dims: int) -> Floats:
        total = a.sum(axis=tuple(range(-dims, 0)), keepdims=True)
        return np.broadcast_to(checked_weight(self.weight, "weight of GlobalPool") * total, a.shape)


class LocalPool(NamedTuple):
    """Units within a window of `size` units (odd) along each axis, the unit itself in its middle: P_ij = weight.

    At a border the sum over those inside is scaled to the full window, so that a uniform input has a uniform pool.
    """

    size: int = 5
    weight: float = 1.0

    def __call__(self, a: Floats, dims: int) -> Floats:
        if not is_whole(self.size) or self.size < 1 or self.size % 2 == 0:
            raise DescriptionError(f"size of LocalPool is {short(self.size)}: give an odd number of units")
        scale = checked_weight(self.weight, "weight of LocalPool") * self.size**dims
        return scale * surroundings(a, np.full(self.size, 1.0 / self.size), dims)


class SelfPool(NamedTuple):
    """Each unit alone: P_ij = weight for i = j, else 0."""

    weight: float = 1.0

    def __call__(self, a: Floats, dims: int) -> Floats:
        return checked_weight(self.weight, "weight of SelfPool") * a


class CustomPool(NamedTuple):
    """Any weights P [n, n], P[i, j] of unit j in the pool of unit i; the units of a grid are numbered row by row."""

    weights: Any

    def __call__(self, a: Floats, dims: int) -> Floats:
        n = int(np.prod(a.shape[a.ndim - dims :]))
        weights = finite_array(self.weights, "weights of CustomPool")
        if weights.shape != (n, n) or (weights < 0.0).any():
            found = f"shape {list(weights.shape)} and least {weights.min(initial=0.0):g}"
            raise DescriptionError(f"weights of CustomPool have {found}: give [{n}, {n}], at least 0")
        return (a.reshape(-1, n) @ weights.T).reshape(a.shape)


class LearnedPool:
    """Weights learned from activities: those with which the others best predict what a unit contributes,

        minimise the mean of (a_i - c_i - sum over j of P_ij a_j)**2 with P_ij >= 0 and P_ii = 0

    which is the rule of Schwartz & Simoncelli 2001, Nat. Neurosci. 4:819, for moments: what is common to units is divided away. It needs their
    means and covariances only, which are kept, so that `learn` may be called on one batch after another.
    """

    def __init__(self) -> None:
        self.n, self.mean, self.product = 0, np.zeros(0), np.zeros((0, 0))
        self.weights: Floats | None = None

    def learn(self, a: Floats) -> Floats:
        """Take in activities a [samples, n] and find the weights [n, n] anew, which are returned."""
        if a.ndim != 2 or (self.n and a.shape[1] != len(self.mean)):
            raise DescriptionError(f"LearnedPool learns from shape {list(a.shape)}: give [samples, {len(self.mean) or 'n'}]")
        if not self.n:
            self.mean, self.product = np.zeros(a.shape[1]), np.zeros((a.shape[1], a.shape[1]))
        n = self.n + len(a)
        apart = a - self.mean
        shift = apart.sum(axis=0) / n
        self.product = self.product + apart.T @ apart - n * np.outer(shift, shift)
        self.n, self.mean = n, self.mean + shift
        self.weights = predictors(self.product / n)
        return self.weights

    def __call__(self, a: Floats, dims: int) -> Floats:
        if self.weights is None:
            raise DescriptionError("LearnedPool has learned nothing yet: call learn(x) with activities first")
        return CustomPool(self.weights)(a, dims)


def predictors(covariance: Floats) -> Floats:
    """P [n, n] >= 0 with zero diagonal that minimises the squares of a_i - P_i a, given cov(a): descent by coordinates, all rows i at once."""
    n = len(covariance)
    weights, own = np.zeros((n, n)), np.arange(n)
    for _ in range(SWEEPS):
        before = weights.copy()
        for j in np.flatnonzero(np.diag(covariance) > 0.0):
            left = covariance[:, j] - weights @ covariance[:, j]
            weights[:, j] = np.maximum(weights[:, j] + left / covariance[j, j], 0.0)
            weights[own[j], j] = 0.0
        if np.abs(weights - before).max(initial=0.0) < SETTLED:
            break
    return weights


def surroundings(a: Floats, kernel: Floats, dims: int) -> Floats:
    """Mean of a [..., *space] around each place, weighted by an odd kernel along each of the last `dims` axes; at borders by the weights that lie
    inside."""
    half = len(kernel) // 2
    for axis in range(a.ndim - dims, a.ndim):
        length = a.shape[axis]
        total, inside = np.zeros_like(a), np.zeros(length)
        for k, weight in enumerate(kernel):
            shift = k - half
            to, of = slice(max(-shift, 0), min(length - shift, length)), slice(max(shift, 0), min(length + shift, length))
            if to.start < to.stop:
                np.moveaxis(total, axis, 0)[to] += weight * np.moveaxis(a, axis, 0)[of]
                inside[to] += weight
        a = np.moveaxis(np.moveaxis(total, axis, -1) / inside, -1, axis)
    return a


def checked_weight(value: Any, what: str) -> float:
    if not is_number(value) or not 0.0 <= value < np.inf:
        raise DescriptionError(f"{what} is {short(value)}: give a finite number of at least 0")
    return float(value)
