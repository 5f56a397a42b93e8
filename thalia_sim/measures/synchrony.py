"""How much neurons do the same at the same time: chi of Golomb & Rinzel, on spike counts or on membrane potentials.

    chi**2 = var over time of the mean of x over neurons / mean over neurons of var over time of x

chi is 1 if all neurons do the same, and 1/sqrt(n) if n neurons do the same on average but independently of each other
(Golomb & Rinzel 1993, Phys. Rev. E 48:4810; Golomb 2007, Scholarpedia 2(1):1347).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..errors import MeasureError
from .contract import Floats, read
from .counts import CountMeter, CountMoments


class Synchrony(NamedTuple):
    """Synchrony of spike counts in bins side by side; nan where no neuron's count changes."""

    chi: float  # 0 to 1
    correlation: float  # covariance over variance, each averaged over all pairs and neurons: (n chi**2 - 1) / (n - 1)
    dispersion: float  # variance over mean of the summed count (Potjans & Diesmann 2014, Cereb. Cortex 24:785); 1 for independent Poisson neurons
    n: int
    bins: int
    bin: float  # ms


class SynchronyMeter(CountMeter):
    """Synchrony of spike counts in bins of `window` ms; memory: 32 bytes a neuron."""

    def result(self, t1: float) -> Synchrony:
        found: CountMoments = super().result(t1)
        variance = float(found.variance.sum())
        chi = np.sqrt(found.total_variance / (self.n * variance)) if variance > 0 else np.nan
        correlation = (self.n * chi**2 - 1.0) / (self.n - 1) if self.n > 1 else np.nan
        dispersion = found.total_variance / found.total_mean if found.total_mean > 0 else np.nan
        return Synchrony(float(chi), float(correlation), dispersion, self.n, found.windows, found.window)


def spike_synchrony(t: Any, ids: Any, n: int, t1: float, bin: float = 3.0, t0: float = 0.0) -> Synchrony:
    """Synchrony of the spike counts of n neurons in bins of `bin` ms from t0 to t1 ms, of spikes t [k] ms in order and ids [k]."""
    return read(SynchronyMeter(n, bin, t0), t, ids, t1).result(t1)


def chi(x: Any) -> float:
    """chi of samples x [times, neurons] of any variable, such as the membrane potential; nan if none changes."""
    x = np.asarray(x, dtype=np.float64)
    if x.ndim != 2 or not np.isfinite(x).all():
        raise MeasureError(f"samples have shape {x.shape}{'' if x.ndim != 2 else ' and are not all finite'}: give finite ones [times, neurons]")
    each: Floats = x.var(axis=0) if len(x) else np.zeros(x.shape[1])
    return float(np.sqrt(x.mean(axis=1).var() / each.mean())) if each.any() else float("nan")
