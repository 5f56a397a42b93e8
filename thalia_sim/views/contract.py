"""What all views share: attributes by name, and state of their own that a checkpoint keeps."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import DescriptionError, PathError, nearest
from ..given import is_number, short
from ..portable import content_name

if TYPE_CHECKING:
    from ..simulation import Simulation

LISTED = 1000  # values that an event tells one by one


def truth(value: Any, name: str) -> bool:
    """True or False, and nothing else."""
    if not isinstance(value, (bool, np.bool_)):
        raise DescriptionError(f"{name} is given {short(value)}: give True or False")
    return bool(value)


class View:
    """Attributes of one named thing; subclasses say which and how."""

    sim: Simulation
    thing: Any

    def __init__(self, sim: Simulation, thing: Any) -> None:
        object.__setattr__(self, "sim", sim)
        object.__setattr__(self, "thing", thing)

    @property
    def name(self) -> str:
        return str(self.thing.name)

    def known(self) -> list[str]:
        """Names that can be read."""
        raise NotImplementedError

    def own_state(self) -> dict[str, Any]:
        """What was changed and the arrays of the loop do not say."""
        return {}

    def take_state(self, state: dict[str, Any]) -> None:
        """Take over what `own_state` gave."""
        for name, value in state.items():
            object.__setattr__(self, name, value)

    def unknown(self, field: str) -> PathError:
        return PathError(f"{self.name} has no {field!r}: {nearest(field, self.known())}")

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.known()]

    def tell(self, field: str, value: Any) -> None:
        """Let a recording know of what a script, and no hook, has written."""
        if self.sim.interrupting or not self.sim.hooks:
            return
        array = np.asarray(value)
        told: Any = array.tolist() if array.size <= LISTED else {"shape": list(array.shape), "sha256": content_name(array)}
        self.sim.tell("script", "write", {"path": f"{self.name}.{field}", "value": told})


class Amplified(View):
    """A view of what drives neurons, with gains that hooks lay over its own: their product multiplies it. Silence and written values stay as they
    are."""

    gains: dict[str, dict[str, float]]  # population, or "" for all targets -> who multiplies it -> by what

    def amplify(self, name: str, factor: float, population: str | None = None) -> None:
        """Multiply what it does to its targets by a factor of at least 0, until `release(name)`; factors of several names multiply.

        population  name of one of several that it reaches: those neurons alone; None: all targets
        """
        if not is_number(factor) or not 0.0 <= factor < math.inf:
            raise DescriptionError(f"{self.name} is multiplied by {short(factor)}: give a finite number of at least 0")
        reached = self.reached()
        if population is not None and population not in reached:
            raise PathError(f"{self.name} does not reach {short(population)}: {nearest(str(population), reached)}")
        mine = self.gains.get(whom := population if population is not None and len(reached) > 1 else "", {})
        if name not in mine:
            if not isinstance(name, str):
                raise DescriptionError(f"{self.name} is multiplied in the name {short(name)}: give a text")
            self.check_amplified(population)
        elif mine[name] == factor:
            return
        self.gains[whom] = {**mine, name: float(factor)}
        self.apply_gains()

    def release(self, name: str) -> None:
        """End what `amplify` began."""
        left = {whom: {who: factor for who, factor in mine.items() if who != name} for whom, mine in self.gains.items()}
        left = {whom: mine for whom, mine in left.items() if mine}
        if left != self.gains:
            self.take_gains(left)
            self.apply_gains()

    def reached(self) -> list[str]:
        """Names of the populations that it reaches."""
        if "names" not in vars(self):
            View.take_state(self, {"names": [str(population.name) for population in self.thing.target.populations]})
        found: list[str] = vars(self)["names"]
        return found

    def factor(self, population: str) -> float:
        """Product of all factors for one of the populations that it reaches, 1 without any."""
        all_of_it = self.gains.get("", {})
        if population in self.gains:
            all_of_it = {**all_of_it, **{f"{who} of it": factor for who, factor in self.gains[population].items()}}
        return math.prod(all_of_it[who] for who in sorted(all_of_it))

    @property
    def amplification(self) -> float:
        """Product of all factors, 1 without any; nan if it is not the same for all populations that it reaches."""
        found = {self.factor(population) for population in self.reached()} or {1.0}
        return found.pop() if len(found) == 1 else math.nan

    def take_gains(self, gains: dict[str, dict[str, float]]) -> None:
        View.take_state(self, {"gains": gains})

    def check_amplified(self, population: str | None = None) -> None:
        """Refuse, with the remedy, what cannot be multiplied in a run, for one of the populations that it reaches or for all of them."""
        raise NotImplementedError

    def apply_gains(self) -> None:
        """Write what follows from the own value and the factors into the arrays of the loop."""
        raise NotImplementedError
