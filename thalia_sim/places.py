"""Where the numbers of populations and drives lie in the flat arrays of the loop, and what stands there at the start."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .distributions import Distribution
from .errors import DescriptionError
from .kernels import loop
from .kernels.rng import stream_key
from .neurons.contract import constants, model_of, scalar_parameters


class Store:
    """A flat array that grows while things are placed in it."""

    def __init__(self, dtype: Any) -> None:
        self.dtype, self.parts, self.n = np.dtype(dtype), [], 0  # type: ignore[var-annotated]

    def place(self, values: Any) -> int:
        """Append values; returns where they begin."""
        values = np.ascontiguousarray(values, dtype=self.dtype).ravel()
        first, self.n = self.n, self.n + len(values)
        self.parts.append(values)
        return first

    def array(self) -> NDArray[Any]:
        joined = np.concatenate(self.parts) if self.parts else np.zeros(0, self.dtype)
        self.parts = [joined]
        return joined


class Place:
    """Where the arrays of one population lie."""

    def __init__(self) -> None:
        self.state = self.held = self.anchor = self.base = self.par = 0
        self.per_element = False  # parameters differ between elements
        self.form = ("", False)  # of the kernels, see kernels.blocks, and whether a bound of theirs is finite
        self.tasks: list[int] = []  # of its pieces, in order
        self.timed = False  # has a current that changes at every step
        self.busy = False  # has a drive that acts on its targets at every step


class DrivePlace:
    """Where the numbers of one drive lie: for reading and writing it later."""

    def __init__(self, drive: Any) -> None:
        self.drive = drive
        self.tasks: list[int] = []
        self.populations: list[str] = []  # that each task drives
        self.clocks: list[tuple[int, int]] = []  # (start in held, tiles) of sparse processes

    def restart(self, held: NDArray[np.float64]) -> None:
        """Draw the next event of sparse processes anew: what was drawn held for the rate before, or while it was on."""
        for first, tiles in self.clocks:
            held[first + 1 : first + 2 * tiles : 2] = -1.0


def drive_weights(net: Any, drive: Any) -> Any:
    """Weight of an event of a drive: a number, or one value a target [n]."""
    if isinstance(drive.w, Distribution):
        return drive.w.draw(stream_key(net.wiring_seed, "weights", drive.name), len(drive.target))
    return drive.w


def initial_values(net: Any, population: Any, field: str) -> NDArray[np.float64]:
    """Start values of a state field, [n], within its bounds."""
    return within_bounds(population.model, field, drawn_values(net, population, field))


def within_bounds(p: Any, field: str, values: Any) -> Any:
    """Values of a state field, those beyond its bound set to it."""
    bounds = model_of(p).bounds
    if field not in bounds:
        return values
    bound = np.abs(np.asarray(getattr(p, bounds[field]), dtype=float))
    return np.clip(values, -bound, bound)


def drawn_values(net: Any, population: Any, field: str) -> NDArray[np.float64]:
    """Start values of a state field as described, [n]."""
    value = population.initial.get(field)
    if value is None:
        value = model_of(population.model).start_value(field, population.model)
    if isinstance(value, Distribution):
        return value.draw(stream_key(net.initial_seed, "initial", f"{population.name}.{field}"), population.n)
    return np.broadcast_to(np.asarray(value, dtype=float), (population.n,)).copy()


def one_element(p: Any) -> Any:
    """The parameters of one element, as a tuple of numbers; of none, the model's own."""
    return type(p)(*(float(np.ravel(x)[0]) if np.size(x) else p._field_defaults.get(f, 1.0) for f, x in p._asdict().items()))


def parameter_rows(p: Any, n: int, dt: float, name: str) -> NDArray[np.float64]:
    """Parameters, then constants of a step: [k], or [k, n] where a parameter differs between elements."""
    try:
        if scalar_parameters(p):
            flat = type(p)(*map(float, p))
            return np.array([*flat, *constants(flat, dt)], dtype=np.float64)
        columns = np.array([np.broadcast_to(np.asarray(x, dtype=np.float64), (n,)) for x in p])
        different, which = np.unique(columns, axis=1, return_inverse=True)
        made = np.array([[*row, *constants(type(p)(*map(float, row)), dt)] for row in different.T], dtype=np.float64)
        return made[which.ravel()].T.copy() if n else np.zeros((len(columns), 0))
    except DescriptionError:
        raise
    except (ArithmeticError, ValueError) as error:
        raise DescriptionError(f"parameters of population {name} ({p!r}) have no step of {dt:g} ms ({error}): check their values") from error


def is_bounded(p: Any) -> bool:
    """Whether a bound of state that input is added to is finite for some element."""
    return any(np.isfinite(getattr(p, parameter)).any() for parameter in model_of(p).bounds.values())


def kernel_columns(kernels: Any, bounded: bool, number: Callable[[Any], int]) -> dict[int, int]:
    """Columns of a piece's task that name its kernels; `number` gives a kernel's number."""
    chosen = {
        loop.T_KERNEL: kernels.dense,
        loop.T_BOUND: kernels.bound if bounded else None,
        loop.T_SPARSE: kernels.sparse,
        loop.T_CENSUS: kernels.census,
        loop.T_READ: kernels.read,
    }
    return {column: -1 if kernel is None else number(kernel) for column, kernel in chosen.items()}


def field_place(model: Any, field: str) -> tuple[int, int]:
    """(which array of the loop, number of the field in it) of a state field."""
    if field in model.held:
        return loop.IN_HELD, model.held.index(field)
    if field in model.stored:
        return loop.IN_STATE, model.stored.index(field)
    return loop.IN_ACC, next(k for k, r in enumerate(model.receptors) if model.adds.get(r) == field)


def same_held(held: NDArray[np.float64], place: Place, model: Any, n: int) -> bool:
    """Whether each held value of a population is the same for all its elements, and stays so while the loop runs."""
    values = held[place.held : place.held + len(model.held) * n].reshape(len(model.held), n)
    return not place.timed and bool((values == values[:, :1]).all())
