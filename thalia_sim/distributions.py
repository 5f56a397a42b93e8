"""Distributions of weights, delays and initial values.

A distribution is its parameters. `encoded` tells the compiled draw which one it is; `cdf` gives the probabilities from which delays, which are
whole steps, are drawn.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from .errors import DescriptionError
from .given import is_number, short
from .kernels.draw import CLIPPED, LOGNORMAL, NORMAL, UNIFORM, fill

KEPT_AT_LEAST = 1e-3  # a truncated normal that keeps fewer draws than this is refused: it would be redrawn for ever


@dataclass(frozen=True)
class Distribution:
    """What all distributions offer; use one of its subclasses."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not is_number(value) or math.isnan(value):
                raise DescriptionError(f"{field.name} of {type(self).__name__} is {short(value)}: must be a number")
            if field.name in ("mean", "sd") and math.isinf(value):
                raise DescriptionError(f"{field.name} of {type(self).__name__} is {short(value)}: must be finite")
            object.__setattr__(self, field.name, float(value))
        if getattr(self, "sd", 0.0) < 0:
            raise DescriptionError(f"sd of {self!r} is negative: a standard deviation is at least 0")
        low, high = self.support
        if not low <= high:
            raise DescriptionError(f"{self!r} has low above high: exchange them")
        self.check()

    def check(self) -> None:
        """Refuse parameters that this distribution cannot have."""

    @property
    def support(self) -> tuple[float, float]:
        """Smallest and largest value that can be drawn."""
        raise NotImplementedError

    @property
    def expectation(self) -> float:
        """Mean of the draws, as far as it is simple: truncation is left out (for forecasts and unit questions)."""
        return getattr(self, "mean", 0.0)

    def cdf(self, x: float) -> float:
        """Probability of a draw below or at x."""
        raise NotImplementedError

    def encoded(self) -> tuple[int, NDArray[np.float64]]:
        """Code and four parameters for the compiled draw."""
        raise NotImplementedError

    def draw(self, key: int | np.uint64, n: int) -> NDArray[np.float64]:
        """n draws from the stream of this key."""
        out = np.empty(n)
        code, parameters = self.encoded()
        fill(code, parameters, np.uint64(key), np.uint64(0), out)
        return out


def phi(x: float) -> float:
    """Cumulative distribution of the standard normal."""
    return 0.5 * math.erfc(-x / math.sqrt(2.0))


@dataclass(frozen=True)
class Normal(Distribution):
    """Normal with mean and sd (of the untruncated distribution); draws outside low..high are drawn again."""

    mean: float
    sd: float
    low: float = -math.inf
    high: float = math.inf

    @property
    def support(self) -> tuple[float, float]:
        return self.low, self.high

    def standardised(self, x: float) -> float:
        """Cumulative distribution before truncation."""
        return phi((x - self.mean) / self.sd) if self.sd > 0 else float(x >= self.mean)

    @property
    def kept(self) -> float:
        """Share of the draws that fall into low..high."""
        if self.sd == 0:
            return float(self.low <= self.mean <= self.high)
        return self.standardised(self.high) - self.standardised(self.low)

    def check(self) -> None:
        if self.kept < KEPT_AT_LEAST:
            raise DescriptionError(f"{self!r} keeps only a share of {self.kept:.2g} of its draws: move the mean or widen low..high")

    def cdf(self, x: float) -> float:
        if self.sd == 0:
            return float(x >= self.mean)
        inside = self.standardised(min(max(x, self.low), self.high)) - self.standardised(self.low)
        return inside / self.kept

    def encoded(self) -> tuple[int, NDArray[np.float64]]:
        return NORMAL, np.array([self.mean, self.sd, self.low, self.high])


@dataclass(frozen=True)
class ClippedNormal(Distribution):
    """Normal with mean and sd (of the unclipped distribution); draws outside low..high are set to the bound."""

    mean: float
    sd: float
    low: float = -math.inf
    high: float = math.inf

    @property
    def support(self) -> tuple[float, float]:
        return self.low, self.high

    def cdf(self, x: float) -> float:
        if x < self.low or x >= self.high:
            return float(x >= self.high)
        return phi((x - self.mean) / self.sd) if self.sd > 0 else float(x >= self.mean)

    def encoded(self) -> tuple[int, NDArray[np.float64]]:
        return CLIPPED, np.array([self.mean, self.sd, self.low, self.high])


@dataclass(frozen=True)
class LogNormal(Distribution):
    """Lognormal with mean and sd of the values themselves; a negative mean mirrors it (inhibitory weights).

    The logarithm has variance log(1 + sd^2 / mean^2) and mean log|mean| minus half of that.
    """

    mean: float
    sd: float

    def check(self) -> None:
        if self.mean == 0:
            raise DescriptionError(f"mean of {self!r} is zero: must be positive (or negative for a mirrored one)")

    @property
    def support(self) -> tuple[float, float]:
        return (0.0, math.inf) if self.mean > 0 else (-math.inf, 0.0)

    def logarithm(self) -> tuple[float, float]:
        """Mean and sd of the logarithm of the absolute values."""
        variance = math.log1p((self.sd / self.mean) ** 2)
        return math.log(abs(self.mean)) - variance / 2, math.sqrt(variance)

    def cdf(self, x: float) -> float:
        if self.mean < 0:
            return 1.0 - LogNormal(-self.mean, self.sd).cdf(-x)
        mu, sigma = self.logarithm()
        if x <= 0:
            return 0.0
        return phi((math.log(x) - mu) / sigma) if sigma > 0 else float(x >= self.mean)

    def encoded(self) -> tuple[int, NDArray[np.float64]]:
        mu, sigma = self.logarithm()
        return LOGNORMAL, np.array([mu, sigma, math.copysign(1.0, self.mean), 0.0])


@dataclass(frozen=True)
class Uniform(Distribution):
    """Uniform from low up to (not including) high."""

    low: float
    high: float

    def check(self) -> None:
        if math.isinf(self.low) or math.isinf(self.high):
            raise DescriptionError(f"{self!r} has an infinite bound: give finite numbers")

    @property
    def support(self) -> tuple[float, float]:
        return self.low, self.high

    @property
    def expectation(self) -> float:
        return (self.low + self.high) / 2

    def cdf(self, x: float) -> float:
        if self.high == self.low:
            return float(x >= self.low)
        return min(max((x - self.low) / (self.high - self.low), 0.0), 1.0)

    def encoded(self) -> tuple[int, NDArray[np.float64]]:
        return UNIFORM, np.array([self.low, self.high, 0.0, 0.0])
