"""What a user gave as a number or an array: is it one, and what is wrong with it in one sentence."""

import math
import reprlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import DescriptionError


def short(value: Any) -> str:
    """A value in a few characters on one line, for messages."""
    return " ".join(reprlib.repr(value).split())


def is_number(value: Any) -> bool:
    """A single number, and no truth value or whole number beyond all floats."""
    if isinstance(value, int):
        return not isinstance(value, bool) and abs(value) < 1 << 1023
    return isinstance(value, (float, np.integer, np.floating))


def as_array(value: Any) -> NDArray[Any]:
    """A value as an array of its own; what is none, such as lists of different lengths, is the one element of an array of objects."""
    try:
        return np.array(value)
    except (TypeError, ValueError):
        whole = np.empty((), dtype=object)
        whole[()] = value
        return whole


def type_problem(values: NDArray[Any]) -> str | None:
    """What is wrong with an array that holds no numbers, or None."""
    if values.dtype.kind in "iuf":
        return None
    rows = ", all rows of one length" if values.dtype == object else ""
    return f"has type {values.dtype}, {short(values.tolist())}: give numbers{rows}"


def array_problem(values: NDArray[Any]) -> str | None:
    """What is wrong with an array of finite numbers, or None."""
    problem = type_problem(values)
    if problem is None and not np.isfinite(values).all():
        k = int(np.flatnonzero(~np.isfinite(values.ravel()))[0])
        problem = f"is {values.ravel()[k]} at place {k}: give finite numbers" if values.ndim else f"is {values}: give a finite number"
    return problem


def finite_array(value: Any, what: str) -> NDArray[np.float64]:
    """Finite numbers as an array of double precision; refused, with what they are for, if they are anything else."""
    values = as_array(value)
    problem = array_problem(values)
    if problem:
        raise DescriptionError(f"{what} {problem}")
    return values.astype(np.float64)


def check_numbers(source: Any, where: str, finite: bool = True) -> None:
    """Refuse a NamedTuple of numbers one of which is none, or not finite."""
    for field, value in source._asdict().items():
        if not is_number(value) or (finite and not math.isfinite(value)):
            kind = "finite number" if finite else "number"
            raise DescriptionError(f"{field} of {where} is {short(value)}: give a {kind}")
