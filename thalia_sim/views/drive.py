"""A drive in a running simulation."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..checks import bad_parameter, is_number, numbers, rate_problem
from ..driving import DENSE_FROM
from ..errors import DescriptionError, SimulationError
from ..kernels import loop
from ..kernels.blocks import G
from ..kernels.drives import CDF, D_CDF, D_DRAWS, D_RATE, D_W, MOST, poisson_cdf
from ..projection import check_signs
from ..sources import DC, Poisson, StepCurrent
from .contract import Amplified, truth
from .population import current_name

if TYPE_CHECKING:
    from ..simulation import Simulation


class DriveView(Amplified):
    """A Poisson drive (rate in Hz, w) or a current (amplitude in pA), and whether it is on."""

    values: dict[str, Any]  # as they were written last
    found: list[tuple[str, NDArray[np.int64], NDArray[np.int64]]]  # `targets`, once they were asked for
    switches: dict[str, bool]  # who holds it on or off meanwhile; the last one does

    def __init__(self, sim: Simulation, thing: Any) -> None:
        super().__init__(sim, thing)
        self.take_state({"values": dict(thing.source._asdict(), w=thing.w, on=True), "switches": {}, "gains": {}, "found": []})

    def own_state(self) -> dict[str, Any]:
        return {"values": self.values, "switches": self.switches, "gains": self.gains}

    def known(self) -> list[str]:
        return list(self.values)

    def __getattr__(self, field: str) -> Any:
        if field == "on":
            return list(self.switches.values())[-1] if self.switches else self.values["on"]
        if field.startswith("__") or field not in self.values:
            raise AttributeError(field) if field.startswith("__") else self.unknown(field)
        return self.values[field]

    def __setattr__(self, field: str, value: Any) -> None:
        if field not in self.values:
            raise self.unknown(field)
        if field == "on":
            before, self.values["on"] = self.on, truth(value, f"on of {self.name}")
            self.switched(before)
        elif isinstance(self.thing.source, DC) and field == "amplitude":
            self.values[field] = self.amplitude_of(value)
            if self.on:
                self.add(self.values["amplitude"])
        elif isinstance(self.thing.source, Poisson) and field in ("rate", "w"):
            self.set_poisson(field, value)
            self.values[field] = value
        else:
            raise SimulationError(f"{field} of drive {self.name} cannot be changed in a run: switch it with on, or describe another network")
        self.tell(field, value)

    def check_amplified(self, population: str | None = None) -> None:
        if not self.thing.is_scalable:
            raise SimulationError(f"drive {self.name} has no one weight or amplitude that can be multiplied in a run: leave it out of the inputs")

    def apply_gains(self) -> None:
        if isinstance(self.thing.source, Poisson):
            self.write_w(self.values["w"])
        elif self.on:
            self.add(self.values["amplitude"])

    def write_w(self, w: float) -> None:
        """The weight of an event, times all factors, into the arrays of the loop."""
        place = self.sim.drive_places[self.name]
        for task, population in zip(place.tasks, place.populations, strict=True):
            self.sim.a.par[self.sim.a.geom[task, G.par] + D_W] = w * self.factor(population)

    def amplitude_of(self, value: Any) -> Any:
        """A direct current in pA: a number, or one value a target."""
        given = numbers(value, f"amplitude of drive {self.name}")
        value = given if given.ndim else float(given)
        problem = bad_parameter(value, len(self.thing.target)) or (None if np.isfinite(value).all() else f"is {value!r}: give finite pA")
        if problem:
            raise DescriptionError(f"amplitude of drive {self.name} {problem}")
        return value

    def add(self, amount: Any) -> None:
        """Give its targets this current (pA; a number, or one value a target) times all factors, in place of what they had from it; None: nothing."""
        name = current_name(self.sim.described, self.thing)
        given = None if amount is None else np.asarray(amount, dtype=float)
        for population, elements, places in self.targets():
            if given is None:
                self.sim[population].withdraw(name)
            else:
                mine = given[places] if given.ndim else np.full(len(elements), float(given))
                self.sim[population].inject(name, elements, mine * self.factor(population))

    def targets(self) -> list[tuple[str, NDArray[np.int64], NDArray[np.int64]]]:
        """(population, its elements, their places among the targets) of each population."""
        if not self.found:
            found = []
            for population in self.thing.target.populations:
                parts = [(part is population, np.asarray(index, dtype=np.int64)) for part, index in self.thing.target.parts]
                mine = np.repeat([is_here for is_here, _ in parts], [len(index) for _, index in parts])
                found.append((str(population.name), np.concatenate([index for is_here, index in parts if is_here]), np.flatnonzero(mine)))
            self.take_state({"found": found})
        return self.found

    def hold(self, name: str, on: bool) -> None:
        """Switch it, whatever else is written, until `let_go(name)`."""
        before = self.on
        self.switches[name] = on
        self.switched(before)

    def let_go(self, name: str) -> None:
        """End what `hold` began."""
        before = self.on
        self.switches.pop(name, None)
        self.switched(before)

    def switched(self, before: bool) -> None:
        on = self.on
        if on == before:
            return
        if isinstance(self.thing.source, StepCurrent):
            raise SimulationError(f"drive {self.name} is a current by steps: give it a step to 0 pA instead of switching it off")
        if isinstance(self.thing.source, DC):
            self.add(self.values["amplitude"] if on else None)
        for task in self.sim.drive_places[self.name].tasks:
            self.sim.a.task[task, loop.T_ON] = int(on)
        self.sim.drive_places[self.name].restart(self.sim.a.held)

    def set_poisson(self, field: str, value: Any) -> None:
        if not is_number(value) or not is_number(self.values[field]):
            raise SimulationError(f"{field} of drive {self.name} can be changed from number to number only: describe another network")
        problem = rate_problem(value, 1) if field == "rate" else None if math.isfinite(value) else f"is {value!r}: give a finite number"
        if problem:
            raise DescriptionError(f"{field} of drive {self.name} {problem}")
        if field == "w":
            check_signs(f"drive {self.name}", self.thing.target, self.thing.receptor, float(value))
        if field == "w":
            self.write_w(float(value))
            return
        for task in self.sim.drive_places[self.name].tasks:
            self.set_rate(task, int(self.sim.a.geom[task, G.par]), float(value))
        self.sim.drive_places[self.name].restart(self.sim.a.held)

    def set_rate(self, task: int, par: int, rate: float) -> None:
        """Another rate for a task: its number, and its distribution function if it has one."""
        a, mean = self.sim.a, rate * self.sim.dt * 1e-3
        dense = a.par[par + D_CDF] > 0
        if not dense and mean > 50 * DENSE_FROM:  # more would not fit into the scratch of a worker
            raise SimulationError(f"rate of drive {self.name} is raised to {rate:g} Hz from a sparse one: describe it with a higher rate")
        if dense:
            draws = max(1, math.ceil(mean / MOST))
            first = int(a.par[par + D_CDF])
            a.par[par + D_DRAWS] = draws
            a.par[first : first + CDF] = poisson_cdf(mean / draws)
        a.par[par + D_RATE] = mean
