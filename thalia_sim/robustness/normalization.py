"""Normalization of activity: what units respond is divided by what others around them do. Operators on arrays; `NormalizeInput` does it in a run.

    y_i = gamma x_i**n / (sigma**n + sum over j of P_ij x_j**n)    (canonical form: Carandini & Heeger 2012, Nat. Rev. Neurosci. 13:51)

Signed responses keep their sign and enter the pool by their size, so that the denominator is at least sigma**n, which is above 0.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from ..errors import DescriptionError
from ..given import finite_array, is_number, is_whole, short
from .arguments import positive
from .pools import Floats, GlobalPool, LearnedPool, surroundings

LARGEST_LOG = 700.0  # natural logarithm; e**709 is the largest float


class DivisiveNormalization(NamedTuple):
    """The canonical form; call it with x [..., *space].

    norm = DivisiveNormalization(sigma=2.0, n=2.0, pool=LocalPool(5), dims=2)
    y = norm(images)                        # [batch, rows, columns]
    y, gain = norm.normalize_with_gain(x)   # y = gain * x
    """

    sigma: float = 1.0  # unit of x: where half of gamma is reached by a unit that is its own pool; above 0
    n: float = 1.0  # exponent, at least 1
    gamma: float = 1.0  # greatest response
    pool: Any = GlobalPool()  # GlobalPool, LocalPool, SelfPool, LearnedPool, CustomPool
    dims: int = 1  # trailing axes of x that are space: 1 for a row of units, 2 or 3 for a grid

    def __call__(self, x: Any, pool: Any = None) -> Floats:
        """y, of the shape of x. `pool`: sums that were pooled elsewhere, of a shape that fits, at least 0."""
        return self.normalize_with_gain(x, pool)[0]

    def normalize_with_gain(self, x: Any, pool: Any = None) -> tuple[Floats, Floats]:
        """(y, gain), y = gain * x and gain = gamma abs(x)**(n - 1) / (sigma**n + pool)."""
        values = self.checked(x)
        size = np.abs(values)
        pooled = self.pool(size**self.n, self.dims) if pool is None else checked_pool(pool, values.shape)
        gain = self.gamma * size ** (self.n - 1.0) / (self.sigma**self.n + pooled)
        return gain * values, gain

    def learn(self, x: Any) -> Floats:
        """Let a LearnedPool take in responses x [samples, *space]; returns its weights [n, n]."""
        if not isinstance(self.pool, LearnedPool):
            raise DescriptionError(f"pool of DivisiveNormalization is {short(self.pool)}, which does not learn: give LearnedPool()")
        values = self.checked(x)
        if values.ndim != self.dims + 1:
            raise DescriptionError(f"DivisiveNormalization learns from shape {list(values.shape)}: give [samples, {self.dims} axes of space]")
        return self.pool.learn(np.abs(values).reshape(len(values), -1) ** self.n)

    def checked(self, x: Any) -> Floats:
        """x as an array, with the parameters checked."""
        for name, value, least in (("sigma", self.sigma, "above 0"), ("n", self.n, "of at least 1"), ("gamma", self.gamma, "above 0")):
            if not is_number(value) or not math.isfinite(value) or value <= 0.0 or (name == "n" and value < 1.0):
                raise DescriptionError(f"{name} of DivisiveNormalization is {short(value)}: give a finite number {least}")
        if not callable(self.pool):
            raise DescriptionError(f"pool of DivisiveNormalization is {short(self.pool)}: give GlobalPool(), LocalPool(5), SelfPool() ...")
        return checked_space(x, self.dims, "DivisiveNormalization", self.n, self.sigma)


class ContrastNormalization(NamedTuple):
    """y = (x - mean) / (sigma + sd), mean and standard deviation (1/n) over the units; a unit alone gives 0."""

    sigma: float = 1.0  # unit of x, above 0
    dims: int = 1  # trailing axes of x that are space

    def __call__(self, x: Any) -> Floats:
        values, sigma = checked_space(x, self.dims, "ContrastNormalization", 2.0), positive(self.sigma, "sigma of ContrastNormalization")
        axes = tuple(range(-self.dims, 0))
        return (values - values.mean(axis=axes, keepdims=True)) / (sigma + values.std(axis=axes, keepdims=True))


class SpatialDivisiveNorm(NamedTuple):
    """y = x / sqrt(sigma**2 + sum over j of G_ij x_j**2) on a grid [..., rows, columns] or [..., layers, rows, columns].

    G is a Gaussian around each place that sums to 1, also at the borders, which are therefore not darkened.
    """

    sigma: float = 1.0  # unit of x, above 0
    size: int = 5  # grid points along each axis that the Gaussian reaches over; odd
    sd: float | None = None  # grid points; None: size / 4
    dims: int = 2  # 2 or 3

    def __call__(self, x: Any) -> Floats:
        values, sigma = checked_space(x, self.dims, "SpatialDivisiveNorm", 2.0, self.sigma), positive(self.sigma, "sigma of SpatialDivisiveNorm")
        if not is_whole(self.size) or self.size < 1 or self.size % 2 == 0:
            raise DescriptionError(f"size of SpatialDivisiveNorm is {short(self.size)}: give an odd number of grid points")
        sd = positive(self.size / 4.0 if self.sd is None else self.sd, "sd of SpatialDivisiveNorm")
        kernel = np.exp(-0.5 * ((np.arange(self.size) - self.size // 2) / sd) ** 2)
        return values / np.sqrt(sigma**2 + surroundings(values**2, kernel / kernel.sum(), self.dims))


def checked_space(x: Any, dims: Any, what: str, power: float, sigma: float = 1.0) -> Floats:
    """x as an array with `dims` axes of space, whose powers and their sum can be counted, as that of sigma can."""
    values = finite_array(x, f"input of {what}")
    if not is_whole(dims) or dims not in (1, 2, 3):
        raise DescriptionError(f"dims of {what} is {short(dims)}: give 1 for a row of units, 2 or 3 for a grid")
    if values.ndim < dims or not values.size:
        raise DescriptionError(f"input of {what} has shape {list(values.shape)}: give at least {dims} axes with units")
    largest = max(float(np.abs(values).max()), sigma if is_number(sigma) else 1.0)
    if power * math.log(max(largest, 1.0)) + math.log(values.size) > LARGEST_LOG:
        raise DescriptionError(f"input or sigma of {what} reaches {largest:g}, whose power {power:g} overflows: give both in a larger unit")
    if is_number(sigma) and sigma**power == 0.0:
        raise DescriptionError(f"sigma of {what} is {sigma:g}, whose power {power:g} is 0 in the machine: give it and the input in a smaller unit")
    return values


def checked_pool(pool: Any, shape: tuple[int, ...]) -> Floats:
    """Pooled sums that fit an input of a shape."""
    values = finite_array(pool, "pool")
    try:
        fits = np.broadcast_shapes(values.shape, shape) == shape
    except ValueError:
        fits = False
    if not fits or (values < 0.0).any():
        raise DescriptionError(f"pool has shape {list(values.shape)} and least {values.min(initial=0.0):g}: give one that fits {list(shape)}, >= 0")
    return values
