"""Effects with their uncertainty: each is a mean over seeds with its 95 % interval (Student's t), signed, in the unit of its measure.

Seeds are pairs: what is compared began from the same network with the same noise, so the differences of each seed are what is averaged.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..measures import estimate

EQUIVALENCE = 0.90  # coverage of the interval whose ends are two one-sided tests at 5 % (Schuirmann 1987, J. Pharmacokinet. Biopharm. 15:657)
COURSE = "course"  # stands for the measure where an effect is on a course of activity
BySeed = Mapping[int, float]


class Effect(NamedTuple):
    """A row of the table of a study."""

    subject: str  # mechanism, disturbance, path or quantity
    comparison: str  # what is compared with what
    measure: str
    condition: str  # "on" or "off" where a study is done with mechanisms and without them
    unit: str
    mean: float
    low: float  # ends of the 95 % interval; nan with fewer than two seeds
    high: float
    n: int  # seeds that have a value
    relative: float  # mean over the size of the reference's mean; nan where that is 0, or there is none
    verdict: str


def effect(
    subject: str, comparison: str, measure: str, values: Any, *, reference: Any = (), unit: str = "", condition: str = "", verdict: str = "",
) -> Effect:  # fmt: skip
    """The effect that values [seeds] show; `reference` [seeds] is what it is set in relation to. nan among them is left out."""
    found = estimate(values)
    low, high = found.mean - found.half_width, found.mean + found.half_width
    return Effect(subject, comparison, measure, condition, unit, found.mean, low, high, found.n, relative_to(found.mean, reference), verdict)


def relative_to(mean: float, reference: Any) -> float:
    """A mean over the size of the mean of a reference; nan where that is 0."""
    size = abs(estimate(reference).mean)
    return mean / size if size > 0.0 else math.nan


def differences(a: BySeed, b: BySeed) -> NDArray[np.float64]:
    """a - b of each seed that is in both, [seeds]."""
    return np.array([a[seed] - b[seed] for seed in a if seed in b], dtype=np.float64)


def sign_of(found: Effect) -> str:
    """Whether the interval tells the sign of an effect: "+", "-", "0" if it was 0 without exception, or "?"."""
    if found.low == found.high == 0.0:
        return "0"
    return "+" if found.low > 0.0 else "-" if found.high < 0.0 else "?"


def is_equivalent(values: Any, band: float) -> bool:
    """Whether the mean of differences is shown to lie within -band to band: two one-sided t-tests at 5 % (TOST)."""
    found = estimate(values, EQUIVALENCE)
    return abs(found.mean) + found.half_width < band  # nan, of fewer than two seeds, is not


def unknown(n: int, seeds: int) -> str:
    """The verdict where seeds that count have no value: what holds of those that do is not known to hold."""
    return f"not known: {n} of {seeds} seeds have a value"


def slope(t: Any, y: Any) -> float:
    """Slope of the least-squares line through y [k] over t [k], y's unit a unit of t; nan with fewer than two known values."""
    t, y = np.asarray(t, dtype=np.float64), np.asarray(y, dtype=np.float64)
    known = ~np.isnan(y)
    t, y = t[known], y[known]
    if len(t) < 2:
        return math.nan
    t = t - t.mean()
    return float((t * (y - y.mean())).sum() / (t * t).sum())
