"""The mean weight of projections as a hook: a few numbers where the weights synapse by synapse would fill a disk."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..hooks.contract import Hook
from ..paths import unit_at


class WeightMeans(Hook):
    """Tells, for each projection, the mean of its weights times its gain and what mechanisms multiply it by, in the unit of its weights.

    watched  names of projections -> unit
    every    ms between two looks
    """

    is_mechanism = False
    transient = ("known",)
    known: dict[str, tuple[int, float]]  # of projections without a rule: version of the weights when they were summed, and their mean
    means: Any  # declared: [projections], nan of one without synapses

    def __init__(self, watched: Mapping[str, str], every: float) -> None:
        self.watched, self.every = dict(watched), every

    @property
    def units(self) -> Mapping[str, str]:  # type: ignore[override]
        return dict(self.watched)

    def start(self, sim: Any) -> None:
        self.known = {}
        self.declare(means=np.full(len(self.watched), math.nan))

    def handle(self, sim: Any) -> None:
        self.means = np.array([self.mean(sim, name) for name in self.watched], dtype=np.float64)

    def mean(self, sim: Any, name: str) -> float:
        """Mean weight of a projection as its targets feel it; nan without synapses."""
        view = sim[name]
        if view.learning is not None or self.known.get(name, (-1, 0.0))[0] != sim.weights_version:
            self.known[name] = sim.weights_version, float(np.mean(view.w)) if len(view) else math.nan
        return self.known[name][1] * view.gain * view.amplification

    def diagnostics(self) -> dict[str, float]:
        values = self.means.tolist() if self.has_begun else [math.nan] * len(self.watched)
        return dict(zip(self.watched, values, strict=True))


def watched(net: Any) -> dict[str, str]:
    """All projections of a network, and the unit of the weights of each."""
    return {name: unit_at(projection) for name, projection in net.projections.items()}
