"""Interventions on synapses: scaled weights, weights that no rule may change; and how a lesion cuts them."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from ..checks import is_number
from ..errors import DescriptionError
from .contract import Before, choose, elements_of, target_name, title


def check_synapses(sim: Any, what: Any) -> Any:
    """An intervention on synapses, their numbers chosen."""
    name = target_name(what, sim.net.projections, "projection")
    return what._replace(share=None, elements=choose(sim, what, len(sim[name].w), "synapse"))


def cut(sim: Any, what: Any) -> Before:
    view = sim[what.target]
    w = view.w
    synapses = elements_of(what, len(w))
    view.cut(synapses)
    return {"w": w[synapses]}


def uncut(sim: Any, what: Any, before: Before) -> None:
    view = sim[what.target]
    w = np.array(view.w)
    synapses = elements_of(what, len(w))
    view.cut(synapses, by=-1)
    w[synapses] = before["w"]
    view.write_w(w)


class Scale(NamedTuple):
    """Weights times a factor. Undone, a weight that nobody has changed since is what it was, to the bit; another is divided by the factor."""

    target: str  # name of a projection
    factor: float = math.nan  # at least 0
    share: float | None = None  # of its synapses, drawn at random
    elements: Any = None  # or these, in the order of `w`
    at: float = 0.0  # ms
    until: float | None = None
    name: str = ""

    def check(self, sim: Any) -> Scale:
        if not is_number(self.factor) or not math.isfinite(self.factor) or self.factor <= 0.0:
            raise DescriptionError(f"{title(self)} is given factor = {self.factor!r}: give a finite number above 0 (to cut synapses, a Lesion)")
        return check_synapses(sim, self)

    def begin(self, sim: Any) -> Before:
        view = sim[self.target]
        w = np.array(view.w, dtype=float)
        synapses = elements_of(self, len(w))
        before = w[synapses].astype(np.float32)
        w[synapses] *= self.factor
        view.write_w(w)
        return {"w": before, "scaled": view.w[synapses].astype(np.float32)}

    def end(self, sim: Any, before: Before) -> None:
        view = sim[self.target]
        w = np.array(view.w, dtype=float)
        synapses = elements_of(self, len(w))
        w[synapses] = np.where(w[synapses] == before["scaled"], before["w"], w[synapses] / self.factor)
        view.write_w(w)


class BlockPlasticity(NamedTuple):
    """A projection whose weights no hook can change."""

    target: str  # name of a projection
    at: float = 0.0  # ms
    until: float | None = None
    name: str = ""

    def check(self, sim: Any) -> BlockPlasticity:
        target_name(self, sim.net.projections, "projection")
        return self

    def begin(self, sim: Any) -> Before:
        sim[self.target].freeze()
        return {}

    def end(self, sim: Any, before: Before) -> None:
        sim[self.target].freeze(by=-1)
