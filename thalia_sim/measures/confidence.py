"""How well a mean is known: the confidence interval of a few independent values, 95 % unless asked otherwise (Student 1908, Biometrika 6:1)."""

from __future__ import annotations

import math
from functools import cache
from typing import Any, NamedTuple

import numpy as np

COVERAGE = 0.95


class Estimate(NamedTuple):
    """Mean of independent values; the true mean lies within mean +- half_width in 95 % of all cases (or `coverage`), if they are normal."""

    mean: float  # nan without a value
    half_width: float  # nan with fewer than two
    n: int  # values that are not nan


def estimate(values: Any, coverage: float = COVERAGE) -> Estimate:
    """Mean and confidence interval of values [k], one a run or block; nan among them is left out."""
    known = np.asarray(values, dtype=np.float64)
    known = known[~np.isnan(known)]
    n = len(known)
    if n < 2:
        return Estimate(float(known[0]) if n else math.nan, math.nan, n)
    return Estimate(float(known.mean()), student(n - 1, coverage) * float(known.std(ddof=1)) / math.sqrt(n), n)


@cache
def student(freedom: int, coverage: float = COVERAGE) -> float:
    """The number within which |t| of Student's distribution with so many degrees of freedom (at least 1) lies in a share `coverage`, at most 0.95,
    of all cases."""
    low, high = 0.0, 16.0
    while high - low > 1e-12:
        middle = 0.5 * (low + high)
        low, high = (middle, high) if inside(middle, freedom) < coverage else (low, middle)
    return low


def inside(t: float, freedom: int) -> float:
    """Probability of -t to t: finite sums of cosines (Abramowitz & Stegun 1964, 26.7.3 and 26.7.4)."""
    angle = math.atan(t / math.sqrt(freedom))
    odd = freedom % 2
    term = math.cos(angle) if odd else 1.0
    total = term if freedom > 1 else 0.0
    for k in range(2 + odd, freedom - 1, 2):
        term *= (k - 1) / k * math.cos(angle) ** 2
        total += term
    return 2.0 / math.pi * (angle + math.sin(angle) * total) if odd else math.sin(angle) * total
