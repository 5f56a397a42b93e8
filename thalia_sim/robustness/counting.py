"""Spikes of chosen populations between two calls of a hook, counted as whole numbers, so that it does not matter in which blocks they come."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..hooks.contract import Hook
from ..kernels.rates import count_spikes
from .arguments import population_of


class SpikeCounter(Hook):
    """A hook that counts spikes: `count` has one number a watched population, since the last call of `taken`."""

    count: Any  # [populations]
    since: Any  # step from which on it counts
    begin_id: Any  # [populations] ids of the watched populations
    end_id: Any

    def watch(self, sim: Any, names: tuple[str, ...]) -> None:
        """Declare the counters; in `start`."""
        watched = [population_of(sim, name, self.name) for name in names]
        first = np.array([p.offset for p in watched], dtype=np.int64)
        self.declare(count=np.zeros(len(names), np.int64), since=sim.step, begin_id=first, end_id=first + np.array([p.n for p in watched],
        dtype=np.int64))

    def spikes(self, sim: Any, steps: np.ndarray, ids: np.ndarray) -> None:
        count_spikes(ids, self.begin_id, self.end_id, self.count)

    def taken(self, sim: Any) -> tuple[np.ndarray, float]:
        """(counts [populations], ms in which they came); they begin anew."""
        found, span = self.count.copy(), (sim.step - int(self.since)) * sim.dt
        self.count[...] = 0
        self.since = sim.step
        return found, span
