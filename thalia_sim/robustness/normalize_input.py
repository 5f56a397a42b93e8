"""Divisive normalization in a running network: the gain of a population's inputs falls as a pool of neurons fires more.

    gain = gamma (sigma**n + base**n) / (sigma**n + r**n),    r: running rate of the pool (Hz), base: the rate at which the gain is gamma

Silence is no weak answer (where base is above 0): in a period without a spike nothing changes; if the next one comes within half of tau, the pause
counts in the average like any time; after that it is silence, in which r returns to base, and an input that comes back finds the gain as described.

The denominator is that of the canonical form with the pool's mean rate as its sum (Carandini & Heeger 2012, Nat. Rev. Neurosci. 13:51); it
multiplies all
input currents, as shunting inhibition of the membrane does to first order (Holt & Koch 1997, Neural Comput. 9:1001, on where that holds).
"""

from __future__ import annotations

import math
from typing import Any

from ..errors import DescriptionError
from ..given import is_number, short
from .arguments import population_of, positive
from .counting import SpikeCounter
from .inputs import inputs_of, lay_gain, take_gain

STEEPEST = 32.0  # exponent


class NormalizeInput(SpikeCounter):
    """Divides the inputs of a population by the activity of a pool.

    population  whose inputs are multiplied
    pool        name of the population that is pooled, or several; None: the population itself
    sigma       Hz, above 0: where the denominator has doubled
    n           exponent
    base        Hz, rate at which inputs are as described; the gain is above 1 below it. 0: the gain only reduces
    gamma       gain at that rate
    tau         ms, over which the rate is averaged (exponentially, in steps of `every`); it begins at `base`
    high        bound of the gain, from gamma on
    every       ms between two changes; of a population that divides itself at most half of tau, since a loop that acts late swings
    inputs      names of projections and drives; None: all onto the population

    The gain lies over the described ones, and those of other hooks; when the hook is detached it is gone.
    """

    units = {"rate": "Hz", "gain": "1"}
    transient = ("onto",)
    rate: Any  # declared: running rate (Hz), gain, and ms since the pool's last spike
    gain: Any
    quiet: Any

    def __init__(
        self, population: str, *, sigma: float, pool: Any = None, n: float = 1.0, base: float = 0.0, gamma: float = 1.0, tau: float = 100.0,
        every: float = 10.0, high: float = math.inf, inputs: Any = None,
    ) -> None:  # fmt: skip
        where = f"of {self.name} of {short(population)}"
        self.population, self.inputs, self.every = population, inputs, every
        self.pool = (population,) if pool is None else (pool,) if isinstance(pool, str) else tuple(pool)
        self.sigma, self.n, self.gamma = positive(sigma, f"sigma {where}"), positive(n, f"n {where}"), positive(gamma, f"gamma {where}")
        if self.n > STEEPEST:
            raise DescriptionError(f"n {where} is {self.n:g}: give an exponent of at most {STEEPEST:g}")
        if self.sigma**self.n == 0.0:
            raise DescriptionError(f"sigma {where} is {self.sigma:g} Hz, whose power {self.n:g} is 0 in the machine: give a larger one")
        self.tau = positive(tau, f"tau {where}")
        if not is_number(base) or not 0.0 <= base < math.inf:
            raise DescriptionError(f"base {where} is {short(base)}: give a finite rate of at least 0 Hz")
        self.base = float(base)
        if not is_number(high) or not high >= self.gamma:
            raise DescriptionError(f"high {where} is {short(high)}: give a number of at least gamma, {self.gamma:g}")
        self.high = float(high)
        if not self.pool:
            raise DescriptionError(f"pool {where} is empty: name a population")
        if population in self.pool and positive(every, f"every {where}", "ms") > 0.5 * self.tau:
            raise DescriptionError(f"every {where} is {every:g} ms, more than half of tau, {self.tau:g} ms: the loop would swing, lengthen tau")

    def start(self, sim: Any) -> None:
        population_of(sim, self.population, self.name)
        self.onto = inputs_of(sim, self.population, self.inputs, self.name)
        self.watch(sim, self.pool)
        self.declare(rate=self.base, gain=self.gamma, quiet=0.0)
        self.declare_name(sim)

    def handle(self, sim: Any) -> None:
        count, span = self.taken(sim)
        n = int((self.end_id - self.begin_id).sum())
        if span > 0.0 and n:
            self.take_in(float(count.sum()) / (n * span * 1e-3), span)
        self.gain = self.gain_at(float(self.rate))
        lay_gain(sim, self.onto, self.population, self.own_name, float(self.gain))

    def take_in(self, now: float, span: float) -> None:
        """Let the running rate take in the rate of a period (Hz, ms)."""
        keep, longest = math.exp(-span / self.tau), 0.5 * self.tau
        if now > 0.0 or self.base == 0.0:
            pause = math.exp(-float(self.quiet) / self.tau) if self.quiet <= longest else 1.0
            self.rate = keep * pause * float(self.rate) + (1.0 - keep) * now
            self.quiet = 0.0
            return
        self.quiet = float(self.quiet) + span
        if self.quiet > longest:
            self.rate = keep * float(self.rate) + (1.0 - keep) * self.base

    def gain_at(self, rate: float) -> float:
        """The gain at a rate of the pool (Hz)."""
        return min(self.gamma * (self.sigma**self.n + self.base**self.n) / (self.sigma**self.n + rate**self.n), self.high)

    def finish(self, sim: Any, status: str) -> None:
        take_gain(sim, self.onto, self.own_name)

    def diagnostics(self) -> dict[str, float]:
        """The pool's running rate and the gain."""
        if not self.has_begun:
            return {"rate": math.nan, "gain": math.nan}
        return {"rate": float(self.rate), "gain": float(self.gain)}
