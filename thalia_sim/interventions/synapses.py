"""Interventions on synapses: scaled weights, weights that no rule may change; and how a lesion cuts them."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..checks import is_number
from ..errors import DescriptionError, SimulationError
from .contract import Before, choose, elements_of, target_name, title


def check_synapses(sim: Any, what: Any) -> Any:
    """An intervention on synapses, their numbers chosen."""
    name = target_name(what, sim.net.projections, "projection")
    return what._replace(share=None, elements=choose(sim, what, len(sim[name].w), "synapse"))


def places(sim: Any, what: Any) -> NDArray[np.int64]:
    """Where the chosen synapses stand in the order of `w`: they are numbered by source, delay and target, which does not depend on blocks."""
    i, j, _, delay = sim[what.target].table()
    order = np.lexsort((j, delay, i))
    chosen = elements_of(what, len(order))
    if chosen.size and chosen.max() >= len(order):
        problem = f"names synapse {chosen.max()}, but only {len(order)} are left since others were pruned"
        raise SimulationError(f"{title(what)} {problem}: give it a time before they are, or cut them first")
    return order[chosen]


class Scale(NamedTuple):
    """Weights times a factor. Undone, a weight that nobody has written since is what it was, to the bit; another is divided by the factor."""

    target: str  # name of a projection
    factor: float = math.nan  # at least 0
    share: float | None = None  # of its synapses, drawn at random
    elements: Any = None  # or these, numbered by source, delay and target
    at: float = 0.0  # ms
    until: float | None = None
    name: str = ""

    def check(self, sim: Any) -> Scale:
        if not is_number(self.factor) or not math.isfinite(self.factor) or self.factor <= 0.0:
            raise DescriptionError(f"{title(self)} is given factor = {self.factor!r}: give a finite number above 0 (to cut synapses, a Lesion)")
        return check_synapses(sim, self)

    def begin(self, sim: Any, name: str) -> None:
        sim[self.target].overlay(name, places(sim, self), self.factor)

    def end(self, sim: Any, name: str, before: Before) -> None:
        sim[self.target].remove(name)


class BlockPlasticity(NamedTuple):
    """A projection whose weights no hook can change."""

    target: str  # name of a projection
    at: float = 0.0  # ms
    until: float | None = None
    name: str = ""

    def check(self, sim: Any) -> BlockPlasticity:
        target_name(self, sim.net.projections, "projection")
        return self

    def begin(self, sim: Any, name: str) -> None:
        sim[self.target].freeze()

    def end(self, sim: Any, name: str, before: Before) -> None:
        sim[self.target].freeze(by=-1)
