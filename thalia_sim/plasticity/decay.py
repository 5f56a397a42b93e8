"""Decay of weights in time, also where nothing fires; to be put behind other rules: rule=[PairSTDP(), WeightDecay(tau=10_000.0)].

    tau dw/dt = w_rest - w
"""

import math
from typing import NamedTuple

from .contract import rule


def between(w, k, dt, p):
    """Exact over k steps."""
    return p.w_rest + (w - p.w_rest) * math.exp(-k * dt / p.tau)


@rule(between=between, ranges={"w_rest": (0.0, 1e12), "tau": (1e-12, 1e300)})
class WeightDecay(NamedTuple):
    tau: float = 100_000.0  # ms, time constant of the decay
    w_rest: float = 0.0  # unit of the weight, where it leads
