"""With the mechanisms of a script, and without them: the two conditions that studies set side by side."""

from __future__ import annotations

from ..errors import DescriptionError
from ..given import short
from .design import Design

CHOICES = ("both", "on", "off")


def conditions(plan: Design, robustness: str) -> dict[str, tuple[str, ...]]:
    """"on" and "off" -> the mechanisms that are off."""
    if robustness not in CHOICES:
        raise DescriptionError(f"robustness of the study is {short(robustness)}: give one of {', '.join(CHOICES)}")
    if robustness != "on":
        plan.refuse_no_mechanism("so robustness cannot be switched off: let hooks() return one, or give --robustness on")
    every = {"on": (), "off": plan.mechanisms}
    return {name: off for name, off in every.items() if robustness in ("both", name)}


def label(switch: str) -> str:
    """How tables and courses call the condition."""
    return f"robustness {switch}"
