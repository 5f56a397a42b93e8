"""The errors of the package. Each message is one sentence that names the thing, the value and the remedy."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class DescriptionError(ValueError):
    """A bad argument of a description: of a model, a population, a projection, a drive."""


class PathError(KeyError):
    """A name or path that the network does not have."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class RecordingError(RuntimeError):
    """A recording that cannot be written or read."""


class CheckpointError(RecordingError):
    """A checkpoint that cannot be written, read or gone on from."""


class MeasureError(ValueError):
    """Spikes, weights or settings that cannot be measured."""


class SimulationError(RuntimeError):
    """A simulation that cannot go on."""


class UnusualValue(UserWarning):
    """A value far outside the usual range of its unit."""


class EmptyProjection(UserWarning):
    """A wiring rule that made no synapse."""


def nearest(name: object, known: Iterable[str]) -> str:
    """The remedy for an unknown name: the nearest known one, else what is known."""
    names = list(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5) if isinstance(name, str) else []
    if close:
        return f"did you mean {close[0]!r}?"
    if not names:
        return "none is known yet"
    return "known: " + ", ".join(names[:12]) + (" ..." if len(names) > 12 else "")
