"""Wiring rules: who connects to whom. A rule is its numbers; drawing the synapses is the business of the builder (rows.py).

    probability(p)      every pair (source, target) with probability p, independently
    in_degree(k)        every target draws k sources; out_degree(k): every source draws k targets
    total_number(n)     n synapses, each between a random source and a random target
    one_to_one()        element k to element k; all_to_all(): every pair
    by_distance(...)    every pair with a probability that falls with distance
    from_arrays(i, j), from_matrix(m)    given synapses
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import DescriptionError, nearest
from .given import as_array, finite_array, is_number, is_whole, short, type_problem

PROFILES = ("exponential", "gaussian")


def _share(value: Any, what: str) -> float:
    """A probability."""
    if not is_number(value) or not 0 <= value <= 1:
        raise DescriptionError(f"{what} is {short(value)}: a probability lies in 0..1")
    return float(value)


def _count(value: Any, what: str) -> int:
    """A whole number >= 0 (a float that is whole is taken)."""
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        value = int(value)
    if not is_whole(value) or value < 0:
        raise DescriptionError(f"{what} is {short(value)}: must be a whole number, at least 0 and below 2^63")
    return int(value)


@dataclass(frozen=True)
class Wiring:
    """What all rules offer; use one of the functions of this module."""

    draws_partners: ClassVar[bool] = False  # may draw the same pair twice, unless multapses=False

    @property
    def name(self) -> str:
        return type(self).__name__

    def expected(self, n_source: int, n_target: int, n_auto: int) -> float:
        """Expected number of synapses; n_auto pairs of an element with itself are left out."""
        raise NotImplementedError

    def check(self, where: str, n_source: int, n_target: int, autapses: bool, multapses: bool, n_auto: int) -> None:
        """Refuse what cannot be drawn between so many elements (n_auto of which are both source and target)."""


@dataclass(frozen=True)
class Probability(Wiring):
    """Every pair is connected with probability p, independently of all others (so each at most once)."""

    p: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "p", _share(self.p, "p of probability"))

    def expected(self, n_source: int, n_target: int, n_auto: int) -> float:
        return self.p * (n_source * n_target - n_auto)


@dataclass(frozen=True)
class InDegree(Wiring):
    """Every target draws k sources."""

    k: int
    draws_partners: ClassVar[bool] = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "k", _count(self.k, "k of in_degree"))

    def expected(self, n_source: int, n_target: int, n_auto: int) -> float:
        return self.k * n_target

    def check(self, where: str, n_source: int, n_target: int, autapses: bool, multapses: bool, n_auto: int) -> None:
        _enough(where, f"in_degree({self.k})", self.k, n_source, "sources", n_target, autapses, multapses, n_auto)


@dataclass(frozen=True)
class OutDegree(Wiring):
    """Every source draws k targets."""

    k: int
    draws_partners: ClassVar[bool] = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "k", _count(self.k, "k of out_degree"))

    def expected(self, n_source: int, n_target: int, n_auto: int) -> float:
        return self.k * n_source

    def check(self, where: str, n_source: int, n_target: int, autapses: bool, multapses: bool, n_auto: int) -> None:
        _enough(where, f"out_degree({self.k})", self.k, n_target, "targets", n_source, autapses, multapses, n_auto)


@dataclass(frozen=True)
class TotalNumber(Wiring):
    """n synapses, each between a source and a target drawn independently (with multapses=False: n different pairs)."""

    n: int
    draws_partners: ClassVar[bool] = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "n", _count(self.n, "n of total_number"))

    def expected(self, n_source: int, n_target: int, n_auto: int) -> float:
        return self.n

    def check(self, where: str, n_source: int, n_target: int, autapses: bool, multapses: bool, n_auto: int) -> None:
        pairs = n_source * n_target - (0 if autapses else n_auto)
        if self.n > 0 and (pairs == 0 or (not multapses and self.n > pairs)):
            kind = "" if multapses else " different"
            raise DescriptionError(f"total_number({self.n}) at projection {where} asks for more{kind} pairs than the {pairs} there are: lower n")


@dataclass(frozen=True)
class OneToOne(Wiring):
    """Element k of the source to element k of the target."""

    def expected(self, n_source: int, n_target: int, n_auto: int) -> float:
        return min(n_source, n_target)

    def check(self, where: str, n_source: int, n_target: int, autapses: bool, multapses: bool, n_auto: int) -> None:
        if n_source != n_target:
            raise DescriptionError(f"one_to_one at projection {where} has {n_source} sources and {n_target} targets: make them equal")


@dataclass(frozen=True)
class AllToAll(Wiring):
    """Every source to every target."""

    def expected(self, n_source: int, n_target: int, n_auto: int) -> float:
        return n_source * n_target - n_auto


@dataclass(frozen=True, kw_only=True)
class ByDistance(Wiring):
    """Every pair with probability p exp(-d / length) (exponential) or p exp(-d^2 / (2 length^2)) (gaussian), d in um.

    Beyond max_distance (um) there are no synapses. Whether space is periodic is a property of the geometry.
    """

    p: float = 1.0
    length: float
    profile: str = "exponential"
    max_distance: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "p", _share(self.p, "p of by_distance"))
        for name in ("length", "max_distance"):
            value = getattr(self, name)
            if name == "max_distance" and value is None:
                continue
            if not is_number(value) or not 0 < value < math.inf:
                raise DescriptionError(f"{name} of by_distance is {short(value)}: must be a positive number of um")
            object.__setattr__(self, name, float(value))
        if not isinstance(self.profile, str) or self.profile not in PROFILES:
            raise DescriptionError(f"profile of by_distance is {short(self.profile)}: {nearest(self.profile, PROFILES)}")

    def expected(self, n_source: int, n_target: int, n_auto: int) -> float:
        return math.nan  # depends on the positions: see rows.count_synapses


@dataclass(frozen=True, eq=False)
class FromArrays(Wiring):
    """Given synapses: source index i and target index j (numbered within the projection's source and target), w and delay if given."""

    i: NDArray[np.int64]  # [n_syn]
    j: NDArray[np.int64]  # [n_syn]
    w: NDArray[np.float64] | None = None  # [n_syn]
    delay: NDArray[np.float64] | None = None  # [n_syn] ms

    def __post_init__(self) -> None:
        for name in ("i", "j"):
            object.__setattr__(self, name, _indices(getattr(self, name), f"{name} of from_arrays"))
        if len(self.i) != len(self.j):
            raise DescriptionError(f"from_arrays has {len(self.i)} sources i and {len(self.j)} targets j: give one of each a synapse")
        for name in ("w", "delay"):
            value = getattr(self, name)
            if value is None:
                continue
            values = finite_array(value, f"{name} of from_arrays")
            if values.shape != self.i.shape:
                raise DescriptionError(f"{name} of from_arrays has shape {values.shape} for {len(self.i)} synapses: give one value a synapse")
            object.__setattr__(self, name, values)

    def __eq__(self, other: object) -> bool:
        def same(a: Any, b: Any) -> bool:
            return (a is None and b is None) or (a is not None and b is not None and np.array_equal(a, b))

        return isinstance(other, FromArrays) and all(same(getattr(self, k), getattr(other, k)) for k in ("i", "j", "w", "delay"))

    def __hash__(self) -> int:
        return hash((len(self.i), int(self.i[:1].sum()), int(self.j[:1].sum())))

    def __repr__(self) -> str:
        return f"FromArrays({len(self.i)} synapses)"

    def expected(self, n_source: int, n_target: int, n_auto: int) -> float:
        return len(self.i)

    def check(self, where: str, n_source: int, n_target: int, autapses: bool, multapses: bool, n_auto: int) -> None:
        for name, values, n in (("i", self.i, n_source), ("j", self.j, n_target)):
            if len(values) and (values.min() < 0 or values.max() >= n):
                worst = values.min() if values.min() < 0 else values.max()
                raise DescriptionError(f"{name} of projection {where} contains {worst}: the indices must lie in 0..{n - 1}")


def _indices(value: ArrayLike, what: str) -> NDArray[np.int64]:
    """A flat array of whole numbers."""
    values = as_array(value)
    if values.size == 0:
        return np.zeros(0, dtype=np.int64)
    if values.ndim != 1 or values.dtype.kind not in "iu":
        raise DescriptionError(f"{what} has shape {values.shape} and type {values.dtype}: give a flat array of whole numbers")
    return values.astype(np.int64)


def _enough(
    where: str, rule: str, k: int, n: int, partners: str, n_own: int, autapses: bool, multapses: bool, n_auto: int
) -> None:
    """Refuse k draws from n partners where that cannot be done."""
    available = n - (1 if not autapses and n_auto > 0 else 0)
    if k == 0 or n_own == 0:
        return
    if available == 0 or (not multapses and k > available):
        kind = "" if multapses else "different "
        raise DescriptionError(f"{rule} at projection {where} asks for {k} {kind}{partners} of {available}: lower k or allow multapses")


def from_matrix(m: Any, delay: ArrayLike | None = None) -> FromArrays:
    """The synapses of a matrix [n_source, n_target]: entry (i, j) is the weight from i to j, zero is no synapse.

    Takes a dense array or any scipy.sparse matrix (whatever has `tocoo`); stored zeros of a sparse matrix are synapses of weight 0.
    A matrix of truth values says who connects only: the projection then needs its own w.
    """
    if hasattr(m, "tocoo"):
        coo = m.tocoo()
        data = np.asarray(coo.data)
        keep = data if data.dtype == bool else np.ones(len(data), dtype=bool)
        i, j = np.asarray(coo.row, dtype=np.int64)[keep], np.asarray(coo.col, dtype=np.int64)[keep]
        return FromArrays(i, j, None if data.dtype == bool else data, delay)  # type: ignore[arg-type]
    dense = as_array(m)
    problem = None if dense.dtype == bool else type_problem(dense)
    if problem:
        raise DescriptionError(f"matrix {problem}")
    if dense.ndim != 2:
        raise DescriptionError(f"matrix has shape {dense.shape}: give a 2-D array [n_source, n_target] of numbers")
    i, j = np.nonzero(dense)
    return FromArrays(i, j, None if dense.dtype == bool else dense[i, j], delay)  # type: ignore[arg-type]


probability, in_degree, out_degree, total_number = Probability, InDegree, OutDegree, TotalNumber
one_to_one, all_to_all, by_distance, from_arrays = OneToOne, AllToAll, ByDistance, FromArrays
