"""Is the mean of a series steady? Block means, right for values that depend on those shortly before.

The series is cut into 20 blocks. If a block is much longer than the memory of the series, block means are nearly independent, and Student's interval
of them is that of the mean (method of batch means: Law & Kelton 2000, Simulation Modeling and Analysis, section 9.5). Two questions follow, each
answered at the 5 % level:

    drifts      does the straight line through the block means have a slope?
    correlated  do neighbouring block means resemble each other? If the ratio of von Neumann (1941, Ann. Math. Stat. 12:367),
                sum of (m_{b+1} - m_b)**2 / sum of (m_b - mean)**2, is small: it is 2 on average for independent ones. Then the series wanders, or its
                memory is as long as a block; in either case the intervals are too narrow (Fishman 1978, Manage. Sci. 24:510).
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from .confidence import Estimate, estimate, student
from .contract import Floats
from .correlation import check_series

BLOCKS = 20
# the ratio of independent normal values is below this in 5 % of all cases: mean 2, variance 4 (B - 2) / (B**2 - 1), nearly normal
LEAST_RATIO = 2.0 - 1.6449 * math.sqrt(4.0 * (BLOCKS - 2) / (BLOCKS**2 - 1))


class Stationarity(NamedTuple):
    """Course of a mean over the blocks of a series, in the unit of the series. nan and None for a series of fewer than 20 values."""

    mean: float
    half_width: float  # of the 95 % interval of the mean
    drift: float  # change over the whole series along the straight line
    drift_half_width: float  # of its 95 % interval
    ratio: float  # of von Neumann; nan if all block means are equal
    block: Floats  # [20] means of the blocks
    drifts: bool | None
    correlated: bool | None

    @property
    def verdict(self) -> str:
        """steady, drifts, wanders, or unknown."""
        if self.drifts is None:
            return "unknown"
        return "drifts" if self.drifts else "wanders" if self.correlated else "steady"


def drift_of_mean(x: Any) -> Stationarity:
    """Is the mean of a series x [k], such as `rate` of PopulationRate, steady? Values before the first of 20 equal blocks are left out."""
    series = check_series(x)
    length = len(series) // BLOCKS
    if not length:
        return Stationarity(math.nan, math.nan, math.nan, math.nan, math.nan, np.full(BLOCKS, np.nan), None, None)
    block = series[len(series) - BLOCKS * length :].reshape(BLOCKS, length).mean(axis=1)
    known: Estimate = estimate(block)
    place = np.arange(BLOCKS) - 0.5 * (BLOCKS - 1)
    slope = float(place @ block / (place @ place))
    apart = block - known.mean
    left = apart - slope * place
    drift_half_width = student(BLOCKS - 2) * math.sqrt(left @ left / (BLOCKS - 2) / (place @ place)) * BLOCKS
    equal = bool((block == block[0]).all())
    ratio = math.nan if equal else float(np.sum(np.diff(block) ** 2) / (apart @ apart))
    drifts = not equal and abs(slope * BLOCKS) > drift_half_width
    return Stationarity(known.mean, known.half_width, slope * BLOCKS, drift_half_width, ratio, block, drifts, not equal and ratio < LEAST_RATIO)
