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
    known: dict[str, tuple[int, dict[str, float]]]  # version of the weights when they were summed (with a rule: each time), and their `shares`
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
        if view.learning is not None or self.known.get(name, (-1, {}))[0] != sim.weights_version:
            self.known[name] = sim.weights_version, shares(view)
        felt = [share * float(view.factor(population)) for population, share in self.known[name][1].items()]
        return float(view.gain * sum(felt)) if felt else math.nan

    def diagnostics(self) -> dict[str, float]:
        values = self.means.tolist() if self.has_begun else [math.nan] * len(self.watched)
        return dict(zip(self.watched, values, strict=True))


def shares(view: Any) -> dict[str, float]:
    """What the synapses onto each population that a projection reaches add to its mean weight; empty without synapses. Mechanisms may multiply
    them for each population apart."""
    names, n = view.reached(), len(view)
    if len(names) < 2 or not n:
        return dict.fromkeys(names, float(np.mean(view.w))) if n else {}
    where = np.repeat([names.index(part.name) for part, _ in view.thing.target.parts], [len(index) for _, index in view.thing.target.parts])
    sums = np.bincount(where[view.j], view.w, minlength=len(names))
    return dict(zip(names, (sums / n).tolist(), strict=True))


def watched(net: Any) -> dict[str, str]:
    """All projections of a network, and the unit of the weights of each."""
    return {name: unit_at(projection) for name, projection in net.projections.items()}
