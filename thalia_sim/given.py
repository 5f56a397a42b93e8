"""What a user gave as a number or an array: is it one, and what is wrong with it in one sentence."""

import json
import math
import os
import reprlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import DescriptionError

LONGEST = 100  # characters of a value in a message
WRITER = reprlib.Repr()
WRITER.maxstring = WRITER.maxother = 60  # characters, of which the middle is left out beyond


def short(value: Any) -> str:
    """A value in a few characters on one line, for messages; of what cannot be written, its type."""
    try:
        text = " ".join(WRITER.repr(value).split())
    except Exception:  # Python writes no whole number of more than 4300 digits, and a class may say nothing of itself
        text = f"<{type(value).__name__}>"
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def is_whole(value: Any) -> bool:
    """A single whole number of at most 64 bits, and no truth value."""
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool) and -(1 << 63) <= int(value) < 1 << 63


def is_number(value: Any) -> bool:
    """A single number, and no truth value or whole number beyond all floats."""
    if isinstance(value, int):
        return not isinstance(value, bool) and abs(value) < 1 << 1023
    return isinstance(value, (float, np.integer, np.floating))


def is_path(value: Any) -> bool:
    """A name that a file can have: no part of it is longer than file systems allow."""
    if not isinstance(value, (str, os.PathLike)):
        return False
    name = os.fsencode(value)
    return b"\0" not in name and all(len(part) <= 255 for part in name.split(os.fsencode(os.sep)))


def read_json(text: Any, what: str) -> Any:
    """The plain data that a text in JSON holds; refused in a sentence if it is none."""
    try:
        return json.loads(text)
    except (TypeError, ValueError, RecursionError) as error:
        raise DescriptionError(f"text of {what} is {short(text)}, no JSON ({error}): give what its to_json wrote") from None


def truth(value: Any, what: str) -> bool:
    """True or False, and nothing else."""
    if not isinstance(value, (bool, np.bool_)):
        raise DescriptionError(f"{what} is {short(value)}: give True or False")
    return bool(value)


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
