"""What the parts of a description have in common: checks of numbers and arrays, and questions about unusual values."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from .distributions import Distribution
from .errors import DescriptionError, PathError, UnusualValue, nearest
from .given import as_array, finite_array, is_number, short, type_problem
from .neurons.contract import model_of
from .selection import Population

FASTEST = 1e9  # Hz, of a Poisson process
NOT_NEGATIVE = ("t_ref", "x_max", "i_max", "g_max", "g_l_min", "left")  # durations and sizes
FINITE = ("e_l", "e_exc", "e_inh", "v_reset", "g_l_min")


def bad_parameter(value: Any, n: int | None) -> str | None:
    """What is wrong with a number or array as a parameter of n elements, or None; other kinds of value are left to their model."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return None
    if is_number(value):
        return "is nan: give a number" if math.isnan(value) else None
    if isinstance(value, (list, tuple, np.ndarray)):
        values = as_array(value)
        problem = type_problem(values)
        if problem:
            return problem
        if np.isnan(values).any():
            return f"is nan at place {int(np.flatnonzero(np.isnan(values.ravel()))[0])}: give numbers"
        if n is not None and values.shape != (n,):
            return f"has shape {list(values.shape)} for {n} elements: give a number or one value an element"
    return None


def numbers(value: Any, what: str) -> np.ndarray:
    """A number or array of numbers as float64; refused, with what it is for, if it is anything else."""
    values = as_array(value)
    if values.dtype.kind not in "iuf":
        raise DescriptionError(f"{what} is given {short(value)}: give numbers")
    return values.astype(np.float64)


def gain_problem(value: Any, signed: bool) -> str | None:
    """What is wrong with a gain, which multiplies weights and must leave their sign alone if the receptor asks for one; or None."""
    if not is_number(value) or not math.isfinite(value) or (signed and value < 0):
        return f"is {short(value)}: give a finite number{', at least 0, since its receptor takes weights of one sign' if signed else ''}"
    return None


def range_problem(field: str, value: Any) -> str | None:
    """What is wrong with a value by what its name says: a time constant is positive, a bound not negative, a potential to reset to finite."""
    least, most = extremes(value) if np.size(value) else (1.0, 1.0)
    if (field.startswith("tau") or field == "c_m") and not least > 0.0:
        return f"is {least:g}: must be positive"
    if field in NOT_NEGATIVE and least < 0.0:
        return f"is {least:g}: must be at least 0"
    if field in FINITE and not (math.isfinite(least) and math.isfinite(most)):
        return f"is {most if math.isfinite(least) else least:g}: must be finite"
    return None


def rate_problem(rate: Any, n: int) -> str | None:
    """What is wrong with a rate in Hz (number, array [n] or TimedArray) of n trains, or None."""
    values = as_array(getattr(rate, "values", rate))
    if values.dtype.kind not in "iuf":
        return f"is {short(rate)}: give a number, one value an element or a TimedArray, in Hz"
    if not np.isfinite(values).all() or values.min(initial=0.0) < 0:
        return f"is {values[~(values >= 0) | np.isinf(values)][0] if values.ndim else values}: a rate is finite and at least 0 Hz"
    if values.max(initial=0.0) > FASTEST:
        return f"is {values.max():g}: give at most {FASTEST:g} Hz"
    if not hasattr(rate, "values") and values.ndim and values.shape != (n,):
        return f"has shape {list(values.shape)} for {n} elements: give a number or one value an element"
    return None


def extremes(value: Any) -> tuple[float, float]:
    """Smallest and largest value of a number, array or Distribution."""
    if isinstance(value, Distribution):
        return value.support
    values = np.asarray(value)
    return (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)


def question(text: str, value: float, unit: str, usual: tuple[float, float]) -> None:
    """Warn of a value outside its usual range, with the factor 1000 that brings it inside, if one does."""
    low, high = usual
    if low <= value <= high:
        return
    better = next((value * f for f in (1000.0, 1e-3, 1e6, 1e-6, -1.0) if low <= value * f <= high), None)
    guess = f"did you mean {better:g} {unit}?" if better is not None else f"usual is {low:g} to {high:g} {unit}"
    warnings.warn(f"{text}: {guess}".replace(" ?", "?"), UnusualValue, stacklevel=4)


def value_text(value: Any) -> str:
    """A number, distribution or array in a few characters."""
    if isinstance(value, np.ndarray):
        return f"array{list(value.shape)}"
    return f"{value:g}" if isinstance(value, float) else str(value)


def check_parameter(population: Population, field: str, value: Any) -> None:
    """Refuse a parameter that cannot be, question one far outside its usual range."""
    model = model_of(population.model)
    problem = bad_parameter(value, population.n if model.kind == "neuron" else None)
    if problem is None and model.kind == "neuron" and not is_number(value) and not isinstance(value, (list, tuple, np.ndarray)):
        problem = f"is {short(value)}: give a number or one value an element"
    if problem is None and model.kind == "neuron":
        problem = range_problem(field, value)
    if problem is None and field == "rate" and model.kind == "source":
        problem = rate_problem(value, population.n)
    if problem:
        raise DescriptionError(f"{field} of population {population.name} {problem}")
    question_parameter(population, field, value)


def question_parameter(population: Population, field: str, value: Any) -> None:
    """Question a parameter far outside its usual range."""
    model = model_of(population.model)
    if field in model.usual and (is_number(value) or isinstance(value, np.ndarray)) and np.size(value):
        flat = np.ravel(value)
        low, high = model.usual[field]
        strange = flat[(flat < low) | (flat > high)]
        if len(strange):
            unit = model.units.get(field, "")
            question(f"{field} = {strange[0]:g} {unit} at population {population.name}", float(strange[0]), unit, (low, high))


def question_order(population: Population) -> None:
    """Warn of a reset or a lower bound of the potential above the threshold, where both are one number: such a neuron fires at every step."""
    found = {f: x for f, x in population.model._asdict().items() if is_number(x) and math.isfinite(x)}
    for field in ("v_reset", "v_min"):
        if field in found and "v_th" in found and found[field] > found["v_th"]:
            text = f"{field} = {found[field]:g} at population {population.name} is above v_th = {found['v_th']:g}: lower it, or raise v_th"
            warnings.warn(text, UnusualValue, stacklevel=3)


def checked_initial(population: Population, field: str, value: Any) -> Any:
    """An initial value as a float, an array [n] or a Distribution."""
    model = model_of(population.model)
    if field not in model.state_fields:
        remedy = nearest(field, model.state_fields)
        raise PathError(f"population {population.name} ({model.name}) has no state {short(field)} to start from: {remedy}")
    where = f"initial {field} of population {population.name}"
    found = value if isinstance(value, Distribution) else finite_array(value, where)
    problem = range_problem(field, found) if field in NOT_NEGATIVE else None
    if problem is None and isinstance(found, np.ndarray) and found.ndim and found.shape != (population.n,):
        problem = f"has shape {list(found.shape)} for {population.n} elements: give a number, a distribution or one value an element"
    if problem:
        raise DescriptionError(f"{where} {problem}")
    return float(found) if isinstance(found, np.ndarray) and not found.ndim else found
