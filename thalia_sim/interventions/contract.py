"""What an intervention is: a NamedTuple with the fields `at` (ms), `until` (ms or None) and `name`, and three methods.

    check(sim)            refuse, before anything runs, what cannot be done; returns itself with every choice made (a share as `elements`)
    begin(sim, name)      do it, in the name given, which is the simulation's own for this; may return arrays by name, which a checkpoint keeps
    end(sim, name, before)  undo it; `before` is what `begin` returned

Views keep what is done in a name beside the value that it changes (`PopulationView.inject`, `clamp`, `ProjectionView.overlay`, `DriveView.hold`), so
interventions may overlap and end in any order. One of your own works like these, if it is defined at the top of a file; its fields are
numbers, texts, None and lists of these.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..checks import is_number
from ..distributions import Uniform
from ..errors import DescriptionError, PathError, nearest
from ..given import as_array, short
from ..kernels.rng import stream_key

Before = Mapping[str, NDArray[Any]]


class Intervention(Protocol):
    """See above."""

    at: float
    until: float | None
    name: str

    def check(self, sim: Any) -> Any: ...

    def begin(self, sim: Any, name: str) -> Before | None: ...

    def end(self, sim: Any, name: str, before: Before) -> None: ...


def title(what: Any) -> str:
    """How errors call an intervention."""
    return f"{type(what).__name__}{f' {what.name!r}' if isinstance(what.name, str) and what.name else ''} at {what.at:g} ms"


def check_times(what: Any) -> None:
    """Refuse times that are none."""
    if not is_number(what.at) or not math.isfinite(what.at) or what.at < 0:
        raise DescriptionError(f"{type(what).__name__} is given at = {what.at!r}: give a time in ms, at least 0")
    if what.until is not None and not (is_number(what.until) and math.isfinite(what.until) and what.until > what.at):
        raise DescriptionError(f"{title(what)} is given until = {what.until!r}: give a later time in ms, or None for good")
    if not isinstance(what.name, str):
        raise DescriptionError(f"{type(what).__name__} at {what.at:g} ms is given the name {short(what.name)}: give a text")


def target_name(what: Any, known: Mapping[str, Any], kind: str) -> str:
    """Name of the target, if it is one of those known."""
    if not isinstance(what.target, str) or what.target not in known:
        if hasattr(what.target, "parts"):
            raise PathError(f"{title(what)}: target is {short(what.target)}: give the name of a {kind}, and elements=")
        raise PathError(f"{title(what)}: unknown {kind} {short(what.target)}: {nearest(str(what.target), known)}")
    return what.target


def choose(sim: Any, what: Any, n: int, noun: str) -> list[int] | None:
    """Numbers of the elements meant, rising; None for all n. A share is drawn by the network's seed, the time and the target."""
    if what.share is not None and what.elements is not None:
        raise DescriptionError(f"{title(what)} is given share and elements: give one of them")
    if what.elements is not None:
        given = np.atleast_1d(as_array(numbers_of(what)))
        if given.size == 0:
            return []
        if given.dtype.kind not in "iu" or given.ndim != 1:
            raise DescriptionError(f"{title(what)} is given elements = {short(what.elements)}: give whole numbers")
        if len(given) and not (0 <= given.min() and given.max() < n):
            wrong = given.min() if given.min() < 0 else given.max()
            raise DescriptionError(f"{title(what)}: {what.target} has no {noun} {wrong}: it has 0..{n - 1}")
        return [int(k) for k in np.unique(given)]
    if what.share is None:
        return None
    if not is_number(what.share) or not 0.0 <= what.share <= 1.0:
        raise DescriptionError(f"{title(what)} is given share = {what.share!r}: give a number from 0 to 1")
    order = np.argsort(Uniform(0.0, 1.0).draw(stream_key(sim.net.seed, "intervention", f"{what.at:.6f} {what.target}"), n), kind="stable")
    return [int(k) for k in np.sort(order[: math.floor(what.share * n + 0.5)])]


def numbers_of(what: Any) -> Any:
    """The elements that an intervention names, of a selection its numbers."""
    parts = getattr(what.elements, "parts", None)
    if parts is None:
        return what.elements
    if any(population.name != what.target for population, _ in parts):
        raise DescriptionError(f"{title(what)} is given elements of {what.elements.name}: give elements of {what.target}")
    return np.concatenate([np.asarray(index, dtype=np.int64) for _, index in parts])


def elements_of(what: Any, n: int) -> NDArray[np.int64]:
    """Numbers of the elements of an intervention that was checked."""
    return np.arange(n) if what.elements is None else np.asarray(what.elements, dtype=np.int64)
