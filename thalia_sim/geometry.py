"""Where the elements of a population are: positions in um, and the space they lie in (conduction speed, periodic borders)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import DescriptionError
from .given import as_array, is_number, is_whole, short, truth, type_problem

INFINITE = (math.inf, math.inf, math.inf)


@dataclass(frozen=True, eq=False)
class Geometry:
    """A space and a way to place n elements in it.

    speed:  conduction speed in um/ms, or None; with a speed, projections without a delay get theirs from distance.
    period: lengths in um along x, y, z after which space repeats (inf: it does not).
    """

    name: str
    place: Callable[[int, np.random.Generator], NDArray[np.float64]]  # n, random numbers -> positions [n, 3] um
    speed: float | None = None
    period: tuple[float, float, float] = INFINITE
    text: str = ""

    def positions(self, n: int, seed: int) -> NDArray[np.float64]:
        """Positions [n, 3] in um of n elements."""
        return np.ascontiguousarray(self.place(n, np.random.Generator(np.random.Philox(key=seed))), dtype=np.float64)

    def __repr__(self) -> str:
        return self.text


def _length(value: Any, what: str) -> float:
    """A positive, finite length or speed."""
    if not is_number(value) or not 0 < value < math.inf:
        raise DescriptionError(f"{what} is {short(value)}: must be a positive number")
    return float(value)


def _speed(value: Any, what: str) -> float | None:
    return None if value is None else _length(value, f"speed of {what} (um/ms)")


def Grid(shape: tuple[int, ...], spacing: float = 1.0, speed: float | None = None, periodic: bool = False) -> Geometry:
    """A regular grid of shape (nx,), (nx, ny) or (nx, ny, nz) with `spacing` um; the last axis runs fastest."""
    shape = tuple(shape) if np.iterable(shape) else (shape,)
    if not 1 <= len(shape) <= 3 or any(not is_whole(k) or k < 1 for k in shape):
        raise DescriptionError(f"shape of Grid is {short(shape)}: give one to three positive whole numbers")
    step, pace, repeats = _length(spacing, "spacing of Grid (um)"), _speed(speed, "Grid"), truth(periodic, "periodic of Grid")
    full = tuple(int(k) for k in shape) + (1,) * (3 - len(shape))

    def place(n: int, rng: np.random.Generator) -> NDArray[np.float64]:
        if n != math.prod(full):
            raise DescriptionError(f"Grid {shape} has {math.prod(full)} places for {n} elements: the numbers must be equal")
        return np.stack(np.unravel_index(np.arange(n), full), axis=1).astype(np.float64) * np.float64(step)

    period = tuple(k * step if repeats and a < len(shape) else math.inf for a, k in enumerate(full))
    text = f"Grid(shape={shape}, spacing={step:g}, speed={speed}, periodic={periodic})"
    return Geometry("Grid", place, pace, period, text)  # type: ignore[arg-type]


def Cube(side: float, speed: float | None = None, periodic: bool = False) -> Geometry:
    """Uniformly random positions in a cube of `side` um."""
    a, pace, repeats = _length(side, "side of Cube (um)"), _speed(speed, "Cube"), truth(periodic, "periodic of Cube")
    text = f"Cube(side={a:g}, speed={speed}, periodic={periodic})"
    period = (a, a, a) if repeats else INFINITE
    return Geometry("Cube", lambda n, rng: rng.random((n, 3)) * a, pace, period, text)


def Sheet(width: float, height: float, speed: float | None = None, periodic: bool = False) -> Geometry:
    """Uniformly random positions in a flat sheet of width x height um (z = 0)."""
    size = np.array([_length(width, "width of Sheet (um)"), _length(height, "height of Sheet (um)"), 0.0])
    pace, repeats = _speed(speed, "Sheet"), truth(periodic, "periodic of Sheet")
    text = f"Sheet(width={size[0]:g}, height={size[1]:g}, speed={speed}, periodic={periodic})"
    period = (float(size[0]), float(size[1]), math.inf) if repeats else INFINITE
    return Geometry("Sheet", lambda n, rng: rng.random((n, 3)) * size, pace, period, text)


def Positions(array: ArrayLike, speed: float | None = None) -> Geometry:
    """Given positions in um: [n, 3], [n, 2] or [n]."""
    given = as_array(array)
    problem = type_problem(given)
    if problem:
        raise DescriptionError(f"array of positions {problem}")
    if not 1 <= given.ndim <= 2 or (given.ndim == 2 and not 1 <= given.shape[1] <= 3):
        raise DescriptionError(f"array of positions has shape {given.shape}: give numbers [n, 3], [n, 2] or [n] in um")
    if not np.isfinite(given).all():
        raise DescriptionError("positions contain NaN or infinity: give finite numbers in um")
    flat = (given if given.ndim == 2 else given[:, np.newaxis]).astype(np.float64)
    points, pace = np.zeros((len(flat), 3)), _speed(speed, "Positions")
    points[:, : flat.shape[1]] = flat

    def place(n: int, rng: np.random.Generator) -> NDArray[np.float64]:
        if n != len(points):
            raise DescriptionError(f"{len(points)} positions given for {n} elements: the numbers must be equal")
        return points

    return Geometry("Positions", place, pace, INFINITE, f"Positions({len(points)} points, speed={speed})")


def distances(a: NDArray[np.float64], b: NDArray[np.float64], period: tuple[float, float, float] = INFINITE) -> NDArray[np.float64]:
    """Distances in um between positions a [..., 3] and b [..., 3], the shortest way round where space is periodic."""
    difference = np.abs(a - b)
    for axis, length in enumerate(period):
        if length < math.inf:
            difference[..., axis] = np.minimum(difference[..., axis], length - difference[..., axis])
    return np.asarray(np.sqrt((difference**2).sum(axis=-1)), dtype=np.float64)


def shared_space(source: list[Geometry | None], target: list[Geometry | None], where: str) -> tuple[float, float, float]:
    """The period that all these geometries have in common; refuses a mixture."""
    periods = {g.period for g in source + target if g is not None}
    if len(periods) > 1:
        raise DescriptionError(f"source and target of {where} lie in spaces of different period {sorted(periods)}: give them the same")
    return periods.pop() if periods else INFINITE
