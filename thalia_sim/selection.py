"""Populations and selections of their elements: `exc`, `exc[:50]`, `exc[mask]`, `exc + inh`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import DescriptionError
from .geometry import Geometry
from .given import as_array, short

Index = range | NDArray[np.int64]


class Population:
    """n elements of one model. Made by `Network.populate`; holds the description only, no state.

    name, n, model; offset: global number of its first element; at: positions [n, 3] um or None; geometry: the space they lie in, or None;
    initial: initial values given, state field -> number, array [n] or Distribution.
    """

    def __init__(self, name: str, n: int, model: Any, offset: int) -> None:
        self.name, self.n, self.model, self.offset = name, n, model, offset
        self.at: NDArray[np.float64] | None = None
        self.geometry: Geometry | None = None
        self.initial: dict[str, Any] = {}

    def __len__(self) -> int:
        return self.n

    @property
    def parts(self) -> list[tuple[Population, Index]]:
        """One part: itself, all elements."""
        return [(self, range(self.n))]

    def ids(self) -> NDArray[np.int64]:
        """Global numbers of the elements, [n]."""
        return np.arange(self.offset, self.offset + self.n, dtype=np.int64)

    def __getitem__(self, which: Any) -> Selection:
        return Selection([(self, _index(range(self.n), which, self.name))])

    def __add__(self, other: Population | Selection) -> Selection:
        return Selection(self.parts) + other

    def __repr__(self) -> str:
        return f"{self.name}: {self.n} x {type(self.model).__name__}"


class Selection:
    """Elements of one or several populations, in a given order, each at most once.

    parts: list of (population, index), index a range or int64 array of numbers within the population.
    """

    def __init__(self, parts: list[tuple[Population, Index]]) -> None:
        self.parts = list(parts)
        seen: dict[str, list[Index]] = {}
        for population, index in self.parts:
            seen.setdefault(population.name, []).append(index)
        for name, found in seen.items():
            if len(found) == 1 and isinstance(found[0], range):
                continue
            joined = np.concatenate([np.asarray(index, dtype=np.int64) for index in found])
            numbers, times = np.unique(joined, return_counts=True)
            if (times > 1).any():
                raise DescriptionError(f"element {numbers[times > 1][0]} of {name} is selected twice: select each element once")

    def __len__(self) -> int:
        return sum(len(index) for _, index in self.parts)

    @property
    def populations(self) -> list[Population]:
        """The populations in it, each once, in order."""
        return list({id(p): p for p, _ in self.parts}.values())

    @property
    def name(self) -> str:
        """Names of its populations, joined by `+`."""
        return "+".join(p.name for p in self.populations)

    def ids(self) -> NDArray[np.int64]:
        """Global numbers of the elements in the order of the selection, [n]."""
        pieces = [p.offset + np.asarray(index, dtype=np.int64) for p, index in self.parts]
        return np.concatenate(pieces) if pieces else np.zeros(0, dtype=np.int64)

    def positions(self) -> NDArray[np.float64] | None:
        """Positions [n, 3] in um, or None if one of the populations has none."""
        if not self.parts or any(p.at is None for p, _ in self.parts):
            return None
        return np.concatenate([p.at[np.asarray(index, dtype=np.int64)] for p, index in self.parts])  # type: ignore[index]

    def __getitem__(self, which: Any) -> Selection:
        chosen = np.asarray(_index(range(len(self)), which, self.name), dtype=np.int64)
        parts: list[tuple[Population, Index]] = []
        ends = np.cumsum([0] + [len(index) for _, index in self.parts])
        owner = np.searchsorted(ends, chosen, side="right") - 1
        for run in np.split(np.arange(len(chosen)), np.flatnonzero(np.diff(owner)) + 1):
            if len(run):
                k = int(owner[run[0]])
                population, index = self.parts[k]
                parts.append((population, compact(np.asarray(index, dtype=np.int64)[chosen[run] - ends[k]])))
        return Selection(parts)

    def __add__(self, other: Population | Selection) -> Selection:
        return Selection(self.parts + other.parts) if isinstance(other, (Population, Selection)) else NotImplemented

    def __iter__(self) -> Iterator[Any]:
        raise TypeError("a selection is not iterated over: use its parts or ids()")

    def __repr__(self) -> str:
        return " + ".join(part_text(p, index) for p, index in self.parts) or "(nothing)"


def part_text(population: Population, index: Index) -> str:
    """`exc`, `exc[0:50]` or `exc[17 elements]`."""
    if isinstance(index, range):
        return population.name if len(index) == population.n else f"{population.name}[{index.start}:{index.stop}]"
    return f"{population.name}[{len(index)} elements]"


def compact(index: NDArray[np.int64]) -> Index:
    """The same numbers as a range where they are consecutive."""
    if len(index) and index[-1] - index[0] == len(index) - 1 and (len(index) == 1 or (np.diff(index) == 1).all()):
        return range(int(index[0]), int(index[-1]) + 1)
    return index


def _index(whole: range, which: Any, name: str) -> Index:
    """Numbers chosen by a slice, a mask, an array of whole numbers or one number."""
    n = len(whole)
    if isinstance(which, slice):
        try:
            chosen = whole[which]
        except (TypeError, ValueError) as error:
            raise DescriptionError(f"{name}[{short(which)}]: select by a slice of whole numbers ({error})") from None
        return chosen if chosen.step == 1 else np.asarray(chosen, dtype=np.int64)
    array = as_array(which)
    if array.dtype == bool:
        if array.shape != (n,):
            raise DescriptionError(f"mask of shape {array.shape} for {name} of {n} elements: give one truth value an element")
        return compact(np.flatnonzero(array).astype(np.int64))
    if array.size == 0:
        return range(0)
    if array.dtype.kind not in "iu" or array.ndim > 1:
        raise DescriptionError(f"{name}[{short(which)}]: select by a slice, a mask or whole numbers")
    numbers = np.atleast_1d(array).astype(np.int64)
    if numbers.min() < -n or numbers.max() >= n:
        worst = numbers.min() if numbers.min() < -n else numbers.max()
        raise DescriptionError(f"element {worst} of {name} does not exist: it has elements 0..{n - 1}")
    return compact(np.where(numbers < 0, numbers + n, numbers))
