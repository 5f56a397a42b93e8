"""Structural plasticity: weak synapses are removed, others grow in their place, at interrupts."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..checks import is_number
from ..distributions import Distribution
from ..errors import DescriptionError, SimulationError
from ..given import is_whole
from ..kernels.rng import stream_key
from .contract import Hook


class Prune(Hook):
    """Removes the synapses of a projection with a rule whose strength is below a bound; they are counted apart from weights that a bound held.
    While the projection is frozen, or an intervention lies over its weights, it waits.

    projection: its name. below: strength, in the unit of the weight. every: ms.
    """

    units = {"pruned": "1", "synapses": "1"}
    pruned: Any
    synapses: Any

    def __init__(self, projection: str, below: float, every: float = 1000.0) -> None:
        if not is_number(below) or not 0.0 < below < np.inf:
            raise DescriptionError(f"below of Prune({projection!r}) is {below!r}: give a finite number above 0")
        self.projection, self.below, self.every = projection, float(below), every
        self.name = f"prune {projection}"

    def start(self, sim: Any) -> None:
        view = ruled(sim, self)
        self.declare(pruned=0, synapses=len(view))

    def handle(self, sim: Any) -> None:
        view = sim[self.projection]
        weak = np.abs(view.w) < self.below
        if weak.any() and view.plastic and not view.overlays:
            self.pruned += view.prune(weak)
        self.synapses = len(view)

    def diagnostics(self) -> dict[str, float]:
        return {name: float(getattr(self, name, 0.0)) for name in self.units}


class Regrow(Hook):
    """Makes new synapses of a projection with a rule, so that it has as many as at the start (or `number`): pairs drawn at random, none of them
    connected yet, no autapses where the projection has none.

    projection: its name. w: weight of a new one. delay: ms; None: as the projection was described (a number or a distribution). every: ms.
    at_most: new synapses in one go.
    """

    units = {"grown": "1", "synapses": "1"}
    grown: Any
    synapses: Any
    goal: Any

    def __init__(
        self, projection: str, w: float, every: float = 1000.0, delay: float | None = None, number: int | None = None, at_most: int = 1_000_000
    ) -> None:
        if not is_number(w) or not np.isfinite(w):
            raise DescriptionError(f"w of Regrow({projection!r}) is {w!r}: give a finite number")
        for what, whole in (("number", number), ("at_most", at_most)):
            if whole is not None and not (is_whole(whole) and whole >= 0):
                raise DescriptionError(f"{what} of Regrow({projection!r}) is {whole!r}: give a whole number, at least 0")
        self.projection, self.w, self.every, self.delay, self.number, self.at_most = projection, w, every, delay, number, at_most
        self.name = f"regrow {projection}"

    def start(self, sim: Any) -> None:
        view = ruled(sim, self)
        described = sim.net.projections[self.projection].delays if self.delay is None else self.delay
        if not (is_number(described) or isinstance(described, Distribution)):
            raise SimulationError(f"hook {self.name} does not know the delays of new synapses: give delay=")
        view.learning.checked_weights(np.asarray(float(self.w)))
        self.declare(grown=0, synapses=len(view), goal=len(view) if self.number is None else self.number)

    def handle(self, sim: Any) -> None:
        view = sim[self.projection]
        missing = min(int(self.goal) - len(view), self.at_most)
        if missing > 0 and view.plastic and not view.overlays:
            i, j = self.pairs(sim, view, missing)
            self.grown += view.grow(i, j, self.w, self.delays(sim, len(i)))
        self.synapses = len(view)

    def pairs(self, sim: Any, view: Any, missing: int) -> tuple[np.ndarray, np.ndarray]:
        """Pairs of source and target that are not connected, drawn by a generator of this projection and time; fewer where there are no more."""
        projection = sim.net.projections[self.projection]
        source, target = projection.source.ids(), projection.target.ids()
        taken = np.unique(view.i * len(target) + view.j)
        rng = np.random.Generator(np.random.Philox(key=[int(stream_key(sim.net.wiring_seed, "regrow", self.projection)), sim.step]))
        found = np.zeros(0, np.int64)
        for _ in range(20):
            drawn = rng.integers(len(source) * len(target), size=2 * (missing - len(found)) + 10)
            if not projection.autapses:
                drawn = drawn[source[drawn // len(target)] != target[drawn % len(target)]]
            drawn = drawn[~np.isin(drawn, taken)]
            together = np.concatenate([found, drawn])
            found = together[np.sort(np.unique(together, return_index=True)[1])][:missing]
            if len(found) == missing:
                break
        return found // len(target), found % len(target)

    def delays(self, sim: Any, n: int) -> np.ndarray:
        """Delays of n new synapses (ms), each at least the shortest that the network had."""
        described = sim.net.projections[self.projection].delays if self.delay is None else self.delay
        if isinstance(described, Distribution):
            key = stream_key(sim.net.wiring_seed, f"regrown delays {sim.step}", self.projection)
            window, wheel = int(sim.a.window[0]), sim[self.projection].learning.longest()
            return np.clip(np.rint(described.draw(key, n) / sim.dt), window, wheel) * sim.dt
        return np.full(n, float(described))

    def diagnostics(self) -> dict[str, float]:
        return {name: float(getattr(self, name, 0.0)) for name in self.units}


def ruled(sim: Any, hook: Any) -> Any:
    """The view of a hook's projection, which must have a rule."""
    if hook.projection not in sim.net.projections:
        raise SimulationError(f"hook {hook.name} names no projection: there are {', '.join(sim.net.projections) or 'none'}")
    view = sim[hook.projection]
    view.changeable("a hook on")
    return view
