"""What a study was asked for, as plain numbers and names: those of NumPy are taken as well, all else is refused in a sentence."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from ..errors import DescriptionError
from ..given import is_number, is_whole, short


def share(value: Any, name: str, such: float) -> float:
    """A number between 0 and 1, `such` as an example."""
    if not is_number(value) or not 0.0 < value < 1.0:
        raise DescriptionError(f"{name} of the study is {short(value)}: give a number between 0 and 1, such as {such:g}")
    return float(value)


def number(value: Any, name: str, such: float) -> float:
    """A finite number."""
    if not is_number(value) or not math.isfinite(value):
        raise DescriptionError(f"{name} of the study is {short(value)}: give a finite number, such as {such:g}")
    return float(value)


def above_zero(value: Any, name: str, such: float) -> float:
    """A finite number above 0."""
    found = number(value, name, such)
    if found <= 0.0:
        raise DescriptionError(f"{name} of the study is {short(value)}: give a number above 0, such as {such:g}")
    return found


def whole(value: Any, name: str, least: int, most: float = math.inf) -> int:
    """A whole number from `least` to `most`."""
    if not is_whole(value) or not least <= value <= most:
        span = f"of at least {least}" if math.isinf(most) else f"from {least} to {most:g}"
        raise DescriptionError(f"{name} of the study are {short(value)}: give a whole number {span}")
    return int(value)


def names(value: Any, what: str) -> tuple[str, ...]:
    """Texts as a tuple; a plain text is one of them."""
    given = (value,) if isinstance(value, str) else tuple(value) if isinstance(value, Iterable) else (value,)
    if not all(isinstance(each, str) for each in given):
        raise DescriptionError(f"{what} of the study is {short(value)}: give a text, or a list of texts")
    return tuple(map(str, given))
