"""How activity comes back after a disturbance, from its course and that of the control.

    d(t) = (rate(t) - control(t)) / mean of the control        deviation, in bins; both are branches of one checkpoint

    depth      d of largest size, with its sign
    t50, t90   ms from the disturbance to the middle of the first bin, at the depth or after it, in which |d| has fallen to 50 % and 10 % of |depth|
    residual   mean of d over the last fifth
    overshoot  largest size of d with the other sign than the depth, after it

Noise of the bins is in all of them: of a disturbance that does nothing they tell its size.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

LAST = 0.2  # of the course, whose mean is the residual


class Recovery(NamedTuple):
    """See above."""

    depth: float  # 1
    t50: float  # ms, nan if not reached
    t90: float  # ms
    residual: float  # 1
    overshoot: float  # 1


def recovery(t: Any, rate: Any, control: Any) -> Recovery:
    """The recovery in a course of rates [k] at times t [k] ms since the disturbance; all nan if the control is silent."""
    t, rate, control = (np.asarray(x, dtype=np.float64) for x in (t, rate, control))
    if not len(t) or not control.mean() > 0.0:
        return Recovery(math.nan, math.nan, math.nan, math.nan, math.nan)
    d = (rate - control) / control.mean()
    deepest = int(np.abs(d).argmax())
    depth, after = float(d[deepest]), d[deepest:]
    t50, t90 = (first(t[deepest:], np.abs(after) <= left * abs(depth)) for left in (0.5, 0.1))
    residual = float(d[len(d) - max(1, round(LAST * len(d))) :].mean())
    return Recovery(depth, t50, t90, residual, max(0.0, float((-math.copysign(1.0, depth) * after).max())))


def first(t: Any, holds: Any) -> float:
    """The first time at which something holds; nan if it never does."""
    where = np.flatnonzero(holds)
    return float(t[where[0]]) if len(where) else math.nan
