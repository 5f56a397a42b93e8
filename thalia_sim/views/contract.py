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

    gains: dict[str, float]  # who multiplies it -> by what

    def amplify(self, name: str, factor: float) -> None:
        """Multiply what it does to its targets by a factor of at least 0, until `release(name)`; factors of several names multiply."""
        if not is_number(factor) or not 0.0 <= factor < math.inf:
            raise DescriptionError(f"{self.name} is multiplied by {short(factor)}: give a finite number of at least 0")
        if self.gains.get(name) == factor:
            return
        if name not in self.gains:
            self.check_amplified()
        self.gains[name] = float(factor)
        self.apply_gains()

    def release(self, name: str) -> None:
        """End what `amplify` began."""
        if self.gains.pop(name, None) is not None:
            self.apply_gains()

    @property
    def amplification(self) -> float:
        """Product of all factors, 1 without any."""
        return math.prod(self.gains[name] for name in sorted(self.gains))

    def check_amplified(self) -> None:
        """Refuse, with the remedy, what cannot be multiplied in a run."""
        raise NotImplementedError

    def apply_gains(self) -> None:
        """Write what follows from the own value and the factors into the arrays of the loop."""
        raise NotImplementedError
