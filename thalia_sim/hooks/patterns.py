"""Input patterns, presented one after the other: what a network can tell apart shows in how it answers them (`measures.discrimination`)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..checks import is_number
from ..distributions import Uniform
from ..errors import DescriptionError, PathError, SimulationError, nearest
from ..given import is_whole, short
from ..kernels.rng import stream_key
from ..neurons.contract import model_of
from .contract import Hook


class Patterns(Hook):
    """Presents n patterns to a population, each for `on` ms with `off` ms of rest after it, in rounds that hold each of them once.

    current  pA, into the neurons of a pattern while it is presented
    n        number of patterns
    share    of the population, drawn at random for each pattern; patterns may overlap
    on, off  ms

    Patterns and their order in each round follow from the network's seed and the time, so a branch meets the patterns of its origin. Each
    presentation is an event "pattern" of the recording.
    """

    units = {"pattern": "1"}
    is_mechanism = False
    at = (0.0,)  # and every common part of on and off, in ms
    shown: Any  # and the pattern now, -1 for none

    def __init__(self, population: str, current: float, *, n: int = 8, share: float = 0.2, on: float = 100.0, off: float = 100.0) -> None:
        if not is_number(current) or not math.isfinite(current) or current == 0.0:
            raise DescriptionError(f"current of Patterns is {short(current)}: give a finite number of pA other than 0")
        if not is_whole(n) or n < 2:
            raise DescriptionError(f"n of Patterns is {short(n)}: give a whole number of at least 2")
        if not is_number(share) or not 0.0 < share <= 1.0:
            raise DescriptionError(f"share of Patterns is {short(share)}: give a number above 0, up to 1")
        for name, value in (("on", on), ("off", off)):
            if not is_number(value) or not 0.0 < value < math.inf:
                raise DescriptionError(f"{name} of Patterns is {short(value)}: give a finite number of ms above 0")
        self.population, self.current, self.n, self.share = population, float(current), int(n), float(share)
        self.on, self.off = float(on), float(off)
        self.every = math.gcd(round(1e6 * on), round(1e6 * off)) * 1e-6

    def start(self, sim: Any) -> None:
        if self.population not in sim.net.populations:
            raise PathError(f"{self.name}: unknown population {short(self.population)}: {nearest(str(self.population), sim.net.populations)}")
        if "i_ext" not in model_of(sim.net.populations[self.population].model).state_fields:
            raise SimulationError(f"{self.name}: population {self.population} has no state i_ext: give a population of neurons that take a current")
        self.declare_name(sim)
        self.declare(shown=-1)

    def handle(self, sim: Any) -> None:
        on, off = sim.steps_of(self.on, f"on of {self.name}"), sim.steps_of(self.off, f"off of {self.name}")
        number, phase = divmod(sim.step, on + off)
        view, name = sim[self.population], self.own_name
        if phase == 0:
            self.shown = self.which(sim.seed, number)
            view.inject(name, self.members(sim.seed, int(self.shown), len(view)), self.current)
            sim.tell(self.name, "pattern", {"population": self.population, "pattern": int(self.shown), "on": self.on, "off": self.off})
        elif phase == on:
            self.shown = -1
            view.withdraw(name)

    def finish(self, sim: Any, status: str) -> None:
        if self.shown >= 0:
            sim[self.population].withdraw(self.own_name)

    def which(self, seed: int, number: int) -> int:
        """The pattern of a presentation: each round of n is an order of its own."""
        turn, place = divmod(number, self.n)
        return int(order(seed, f"round {turn}", self.n)[place])

    def members(self, seed: int, pattern: int, n: int) -> NDArray[np.int64]:
        """Neurons of a pattern, in rising order."""
        return np.sort(order(seed, f"{self.population} {pattern}", n)[: max(round(self.share * n), 1)])

    def diagnostics(self) -> dict[str, float]:
        """The pattern that is presented, nan for none."""
        return {"pattern": float(self.shown) if self.has_begun and self.shown >= 0 else math.nan}


def order(seed: int, what: str, n: int) -> NDArray[np.int64]:
    """0 .. n - 1 in an order that follows from a seed and a text."""
    return np.argsort(Uniform(0.0, 1.0).draw(stream_key(seed, "patterns", what), n), kind="stable")
