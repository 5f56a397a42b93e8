"""Time as a mechanism counts it: slower while its population is silent.

Silence says little of what neurons need: a pause between two inputs looks like rates that are too low. A mechanism that integrated it like any time
would, within seconds, make the population so excitable that the input that comes back is met by a burst. So after a pause without any spike only a
share of the time counts, for averages and for what follows from them. Above 0 the share lets a population wake that is silent for another reason.

    d own/dt = 1, or in_silence after max(500 ms, 10 / (n target)) without a spike of n neurons

Silence is noticed when the hook is called, and counted from the last spike on, so that the period hardly matters; one that ends between two calls
is not noticed after the first of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..hooks.contract import Hook
from .arguments import between

PAUSE = 500.0  # ms
INTERVALS = 10.0  # mean intervals at the target: e**-10 of those of a Poisson process are as long


class OwnTime(Hook):
    """A hook on one population that counts steps of its own. `last` has the own step of each neuron's last spike, or of all of them together."""

    in_silence: float
    last: Any
    # declared: steps that did not count, those before the last spike; own steps of that spike and of what else moved `last`; steps of the pause
    lost: Any
    lost_before: Any
    fired: Any
    moved: Any
    pause: Any

    def take_share(self, in_silence: Any) -> None:
        """Of time in silence that counts; in the constructor."""
        self.in_silence = between(in_silence, f"in_silence of {self.name}", 0.0, 1.0)

    def begin_time(self, sim: Any, n: int, target: float) -> None:
        """In `start`, with the mean target in Hz."""
        expected = n * target
        pause = max(PAUSE, 1000.0 * INTERVALS / expected) if expected > 0.0 else np.inf
        self.declare(lost=0, lost_before=0, fired=sim.step, moved=sim.step, pause=pause / sim.dt)

    def own(self, steps: Any) -> Any:
        """Own steps of steps since the last look."""
        return steps - self.lost if self.lost else steps

    def look(self, sim: Any) -> int:
        """The own step now, at a call of the hook."""
        newest = int(np.max(self.last, initial=0))
        if newest > max(int(self.moved), int(self.fired)):
            self.fired, self.lost_before = newest, self.lost
        quiet = sim.step - int(self.lost_before) - int(self.fired)
        self.lost = int(self.lost_before) + int((1.0 - self.in_silence) * max(0.0, quiet - float(self.pause)) + 1e-9)
        return sim.step - int(self.lost)
