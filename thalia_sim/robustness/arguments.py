"""Checks of what the hooks here are given."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..checks import is_number, numbers
from ..errors import DescriptionError, PathError, nearest
from ..given import short
from ..neurons.contract import model_of


def positive(value: Any, what: str, unit: str = "") -> float:
    """A finite number above 0."""
    if not is_number(value) or not 0.0 < value < math.inf:
        raise DescriptionError(f"{what} is {short(value)}: give a finite number{f' of {unit}' if unit else ''} above 0")
    return float(value)


def not_negative(value: Any, what: str) -> float:
    """A finite number of at least 0."""
    if not is_number(value) or not 0.0 <= value < math.inf:
        raise DescriptionError(f"{what} is {short(value)}: give a finite number of at least 0")
    return float(value)


def around_one(low: Any, high: Any, where: str) -> tuple[float, float]:
    """Bounds of a gain around 1."""
    if not (is_number(low) and is_number(high) and 0.0 < low <= 1.0 <= high < math.inf):
        raise DescriptionError(f"low and high {where} are {short(low)} and {short(high)}: give numbers above 0, up to 1 and from 1 on")
    return float(low), float(high)


def between(value: Any, what: str, low: float, high: float) -> float:
    """A number from low to high."""
    if not is_number(value) or not low <= value <= high:
        raise DescriptionError(f"{what} is {short(value)}: give a number from {low:g} to {high:g}")
    return float(value)


def each(value: Any, n: int, what: str, low: float = -math.inf) -> NDArray[np.float64]:
    """One value an element, [n], from a number or an array; refused if one is nan or below `low`."""
    values = numbers(value, what)
    if values.shape not in ((), (n,)):
        raise DescriptionError(f"{what} has shape {list(values.shape)}: give a number or {n} values")
    if np.isnan(values).any() or (values < low).any():
        raise DescriptionError(f"{what} is {short(value)}: give numbers{f' of at least {low:g}' if low > -math.inf else ''}")
    return np.array(np.broadcast_to(values, n))


def population_of(sim: Any, name: Any, hook: str) -> Any:
    """A population by its name."""
    if not isinstance(name, str) or name not in sim.net.populations:
        raise PathError(f"{hook}: unknown population {short(name)}: {nearest(str(name), sim.net.populations)}")
    return sim.net.populations[name]


def neurons_of(sim: Any, name: Any, hook: str) -> Any:
    """A population of neurons by its name."""
    population = population_of(sim, name, hook)
    if model_of(population.model).kind != "neuron":
        raise DescriptionError(f"{hook}: {name} is a source of spikes: give a population of neurons")
    return population


def projection_of(sim: Any, name: Any, hook: str) -> Any:
    """A projection by its name."""
    if not isinstance(name, str) or name not in sim.net.projections:
        raise PathError(f"{hook}: unknown projection {short(name)}: {nearest(str(name), sim.net.projections)}")
    return sim.net.projections[name]
