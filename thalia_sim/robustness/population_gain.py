"""Intrinsic plasticity of a population: one excitability e multiplies all that its neurons receive.

    d avg/dt = -avg / tau_rate, avg += 1/(n tau_rate) at a spike of any of n neurons      avg: the population's running rate (Hz)
    ln e *= exp(-leak s), then e *= 1 - lr (avg - target) s at each call, s seconds after the last one; low <= e <= high

The multiplicative form of Triesch 2007, Neural Comput. 19:885, for a group; the fixed point is avg = target, unless a bound is met.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..kernels.rates import rates_at, take_spikes_together
from .arguments import around_one, between, neurons_of, not_negative, positive
from .inputs import inputs_of, lay_gain
from .silence import OwnTime


class PopulationIntrinsicPlasticity(OwnTime):
    """Multiplies the inputs of a population by an excitability that brings its mean rate to a target.

    target    Hz
    lr        1/(Hz s): share by which e changes in a second for each Hz of deviation
    leak      1/s, by which ln e returns to 0: above 0, e and another mechanism with the same target (such as thresholds) do not drift apart, each
              taking back what the other gives
    low/high  bounds of e, above 0 and around 1
    tau_rate  ms, over which the population's rate is averaged; avg begins at the target
    every     ms between two changes
    inputs    names of projections and drives that are multiplied; None: all onto the population
    in_silence  share of the time that counts while no neuron of the population fires (silence.py), from 0 to 1

    e lies over what was described, or is written by a script, and over the factors of other hooks; it stays when the hook is detached.
    """

    units = {"rate": "Hz", "e": "1"}
    transient = ("onto",)
    # declared state
    last: Any  # [1] step of the last spike
    avg: Any  # [1] Hz, after it, summed over the neurons
    now: Any  # Hz, mean of the neurons at the last call
    e: Any
    begun: Any  # own step of the last call

    def __init__(
        self, population: str, *, target: float, lr: float = 0.01, leak: float = 0.0, low: float = 0.1, high: float = 10.0, tau_rate: float = 1000.0,
        every: float = 100.0, inputs: Any = None, in_silence: float = 1.0,
    ) -> None:  # fmt: skip
        self.take_share(in_silence)
        self.population, self.inputs, self.every = population, inputs, every
        self.target = between(target, f"target of {self.name}", 0.0, 1e6)
        self.lr, self.tau_rate = positive(lr, f"lr of {self.name}", "1/(Hz s)"), positive(tau_rate, f"tau_rate of {self.name}", "ms")
        self.leak = not_negative(leak, f"leak of {self.name}")
        self.low, self.high = around_one(low, high, f"of {self.name}")

    def start(self, sim: Any) -> None:
        n = neurons_of(sim, self.population, self.name).n
        self.onto = inputs_of(sim, self.population, self.inputs, self.name)
        self.begin_time(sim, n, self.target)
        self.declare(last=np.full(1, sim.step), avg=np.full(1, self.target * n), now=float(self.target), e=1.0, begun=sim.step)
        self.declare_name(sim)

    def spikes(self, sim: Any, steps: Any, ids: Any) -> None:
        population = sim.net.populations[self.population]
        end = population.offset + population.n
        take_spikes_together(self.own(steps), ids, population.offset, end, self.last, self.avg, sim.dt, self.tau_rate)

    def handle(self, sim: Any) -> None:
        step = self.look(sim)
        span, self.begun = (step - int(self.begun)) * sim.dt, step
        whole = np.empty(1)
        rates_at(step, self.last, self.avg, sim.dt, self.tau_rate, whole)
        self.now = whole[0] / max(sim.net.populations[self.population].n, 1)
        factor = 1.0 - self.lr * (float(self.now) - self.target) * span / 1000.0
        rested = float(self.e) ** math.exp(-self.leak * span / 1000.0)
        self.e = min(max(rested * factor, self.low), self.high)
        lay_gain(sim, self.onto, self.population, self.own_name, float(self.e))

    def diagnostics(self) -> dict[str, float]:
        """The running rate at the last call, and e."""
        if not self.has_begun:
            return dict.fromkeys(self.units, np.nan)
        return {"rate": float(self.now), "e": float(self.e)}
