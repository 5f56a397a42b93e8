"""Interventions on drives, and the end of others."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..errors import DescriptionError, SimulationError
from ..given import short
from ..sources import StepCurrent
from .contract import Before, target_name, title


class Switch(NamedTuple):
    """A drive switched on or off."""

    target: str  # name of a drive, such as "poisson->exc"
    on: bool = False
    at: float = 0.0  # ms
    until: float | None = None  # ms, when it is again as it was
    name: str = ""

    def check(self, sim: Any) -> Switch:
        drive = sim.net.drives[target_name(self, sim.net.drives, "drive")]
        if not isinstance(self.on, (bool, np.bool_)):
            raise DescriptionError(f"{title(self)} is given on = {short(self.on)}: give True or False")
        if isinstance(drive.source, StepCurrent):
            raise SimulationError(f"{title(self)}: {self.target} is a current by steps: give it a step to 0 pA instead of switching it")
        return self

    def begin(self, sim: Any, name: str) -> None:
        sim[self.target].hold(name, bool(self.on))

    def end(self, sim: Any, name: str, before: Before) -> None:
        sim[self.target].let_go(name)


class Restore(NamedTuple):
    """The end of the interventions of a name, or of all that are in force."""

    target: str = ""  # name of an intervention; "": all
    at: float = 0.0  # ms
    until: None = None
    name: str = ""

    def check(self, sim: Any) -> Restore:
        return self

    def begin(self, sim: Any, name: str) -> None:
        """The hook looks after it."""

    def end(self, sim: Any, name: str, before: Before) -> None:
        """Nothing to undo."""
