"""What a hook may do: watch a simulation, or intervene, at the interrupts it asked for.

Between two interrupts the engine runs compiled, without Python. A hook therefore says beforehand when it wants to be called.
At equal times hooks are called in the order of the list given to `Simulation`; a recorder comes last, so that it sees what the others did.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np


class StopRun(Exception):
    """Raised by a hook in `handle` to end the run now, as a normal end; the text says why."""


class Hook:
    """Subclass it and fill in what you need; every method may be left as it is.

    `every` and `at` are read once, when the simulation starts. Both may be given.
    """

    name: str = "hook"  # how diagnostics, messages and the recording call it; by default the class name in lower case
    every: float | None = None  # ms between two calls of `handle`
    at: tuple[float, ...] = ()  # ms, single times at which `handle` is called
    units: Mapping[str, str] = MappingProxyType({})  # of the diagnostics; "1" where not named

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "name" not in cls.__dict__:
            cls.name = cls.__name__.lower()

    def start(self, sim: Any) -> None:
        """Called once, before the first step: check the arguments, ask for samples, open files."""

    def handle(self, sim: Any) -> None:
        """Called at each interrupt this hook asked for; `sim.t` is the time in ms. May raise `StopRun`."""

    def handled(self, sim: Any, hook: Hook) -> None:
        """Called after `handle` of another hook at this interrupt; a recorder writes the diagnostics of `hook` here."""

    def spikes(self, sim: Any, steps: np.ndarray, ids: np.ndarray) -> None:
        """Each batch of spikes in order of (step, id).

        steps  # [k] int64, the step in which it was found; its time is (step + 1) * dt
        ids    # [k] int32, global id of the element
        Both may be views of a buffer that the engine uses again: copy what you keep.
        """

    def flushed(self, sim: Any) -> None:
        """Called at the end of each compiled stretch, after the batches of spikes (about every 10 to 200 ms of wall time)."""

    def finish(self, sim: Any, status: str) -> None:
        """Called once at the end; status is "complete", "failed" or "interrupted"."""

    def diagnostics(self) -> dict[str, float]:
        """Numbers worth recording at each `handle`: always the same names, also before the first step; nan where not known."""
        return {}
