"""A population that only sends spikes, in a running simulation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import SimulationError
from ..kernels import loop
from .contract import View, truth

if TYPE_CHECKING:
    from ..simulation import Simulation


class SourceView(View):
    """A population that only sends spikes: its parameters, and whether it is on."""

    wanted: bool  # as it was switched last
    silences: int  # how often it was silenced

    def __init__(self, sim: Simulation, thing: Any) -> None:
        super().__init__(sim, thing)
        self.take_state({"wanted": True, "silences": 0})

    def own_state(self) -> dict[str, Any]:
        return {"wanted": self.wanted, "silences": self.silences}

    def known(self) -> list[str]:
        return [*self.thing.model._fields, "on"]

    def __getattr__(self, field: str) -> Any:
        if field == "on":
            return self.wanted and self.silences == 0
        if field.startswith("__") or field not in self.thing.model._fields:
            raise AttributeError(field) if field.startswith("__") else self.unknown(field)
        return getattr(self.thing.model, field)

    def __setattr__(self, field: str, value: Any) -> None:
        if field != "on":
            raise SimulationError(f"{field} of source {self.name} cannot be changed in a run: switch it with on, or describe another network")
        self.take_state({"wanted": truth(value, f"on of {self.name}")})
        self.switch()
        self.tell(field, value)

    def silence(self, by: int = 1) -> None:
        """Keep it from sending; with by = -1, take that back."""
        self.take_state({"silences": max(self.silences + by, 0)})
        self.switch()

    def switch(self) -> None:
        on = int(self.on)
        for task in self.sim.places[self.name].tasks:
            if self.sim.a.task[task, loop.T_ON] == on:
                continue
            self.sim.a.task[task, loop.T_ON] = on
            self.sim.a.out_first[:, self.sim.a.task[task, loop.T_PIECE], :] = 0
            if self.name in self.sim.drive_places:
                self.sim.drive_places[self.name].restart(self.sim.a.held)
