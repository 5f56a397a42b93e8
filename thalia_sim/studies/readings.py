"""What a study reads of the recording of a run beside its measures: courses. They are read where the run ended, and kept with its facts, so that the
recording is not needed again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .courses import Course

Courses = dict[str, Course]


class Reading(NamedTuple):
    """How courses are read of a recording."""

    name: str  # says all that the courses depend on, but for the recording
    read: Callable[[Path], Courses]  # goes to other processes, so it is a function of a module, or a `partial` of one


Readings = Mapping[str, Reading]  # by key of the point


def is_read(facts: Mapping[str, Any], reading: Reading | None) -> bool:
    """Whether the facts of a run hold all that is to be read of it."""
    return reading is None or reading.name in facts.get("readings", {})


def read_of(recording: Path, reading: Reading | None) -> dict[str, Any]:
    """What is read of a recording, for its facts."""
    if reading is None:
        return {}
    found = reading.read(recording)
    return {reading.name: {name: {"t": c.t.tolist(), "value": c.value.tolist(), "unit": c.unit} for name, c in found.items()}}


def courses_in(facts: Mapping[str, Any], reading: Reading) -> Courses:
    """What was read of a run."""
    stored = facts["readings"][reading.name]
    return {name: Course(np.array(c["t"], dtype=float), np.array(c["value"], dtype=float), c["unit"]) for name, c in stored.items()}
