"""Do avalanches of all durations have one shape?

At criticality the mean course of avalanches of duration T is s(t, T) = T**(gamma - 1) F(t / T), with the exponent gamma of <S>(T) ~ T**gamma
(Sethna, Dahmen & Myers 2001, Nature 410:242). gamma is the one for which the rescaled courses s(t, T) T**(1 - gamma) lie closest together: their
variance over T, averaged over t / T, divided by the square of the span of their mean, is least (Marshall et al. 2016, Front. Physiol. 7:250).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from .avalanches import Avalanches
from .contract import Floats, Ints

SHORTEST = 4  # bins: shorter avalanches have no shape; this and the next as Marshall et al.
FEWEST = 20  # avalanches of a duration
DURATIONS = 3  # that a collapse needs
POINTS = 1000  # of the rescaled course
STEEPEST = 4.0  # gamma


class ShapeCollapse(NamedTuple):
    """The collapse of mean courses; nan and empty with fewer than three durations of twenty avalanches."""

    gamma: float
    error: float  # mean variance over squared span, at gamma: 0 if all shapes are one
    duration: Ints  # [d] bins
    shape: Floats  # [d, 1000] s(t, T) T**(1 - gamma), spikes a bin; at t / T from 0 to 1


def collapse_shapes(found: Avalanches, t_min: int = SHORTEST, t_max: int | None = None) -> ShapeCollapse:
    """Collapse of the courses of avalanches of t_min to t_max bins (at most 200), of durations that twenty avalanches have."""
    t, _, number = found.mean_size
    keep = (t >= t_min) & (t <= min(math.inf if t_max is None else t_max, len(found.course))) & (number >= FEWEST)
    t, number = t[keep], number[keep]
    if len(t) < DURATIONS:
        return ShapeCollapse(math.nan, math.nan, t, np.zeros((len(t), POINTS)))
    place = np.linspace(0.0, 1.0, POINTS)
    course = np.stack([np.interp(place, (np.arange(d) + 0.5) / d, found.course[d - 1, :d] / k) for d, k in zip(t, number, strict=True)])
    low, high = 0.0, STEEPEST
    for _ in range(8):  # ever finer grids around the best
        tried = np.linspace(low, high, 41)
        best = int(np.argmin([apart(course, t, gamma) for gamma in tried]))
        low, high = tried[max(best - 1, 0)], tried[min(best + 1, 40)]
    gamma = float(tried[best])
    return ShapeCollapse(gamma, apart(course, t, gamma), t, rescaled(course, t, gamma))


def rescaled(course: Floats, t: Ints, gamma: float) -> Floats:
    return course * t[:, None].astype(np.float64) ** (1.0 - gamma)


def apart(course: Floats, t: Ints, gamma: float) -> float:
    """Mean variance of rescaled courses over the squared span of their mean; inf if the mean is flat."""
    shape = rescaled(course, t, gamma)
    mean = shape.mean(axis=0)
    span = float(mean.max() - mean.min())
    return float(shape.var(axis=0).mean()) / span**2 if span > 0.0 else math.inf
