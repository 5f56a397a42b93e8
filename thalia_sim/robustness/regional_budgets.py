"""Budgets of energy for several populations, and for all of them together.

    cost_k = baseline_k + cost_per_spike * spikes per second of population k
    d ln gain_k / dt = -rate (max(cost_k / budget_k, sum of all costs / total) - 1),   low <= gain_k <= 1

A population is held back by its own budget or by the common one, whichever is exceeded more (`MetabolicConstraint` for one population).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..errors import DescriptionError
from ..given import short, truth
from .arguments import around_one, not_negative, positive
from .counting import SpikeCounter
from .inputs import inputs_of, lay_gain, take_gain
from .metabolic import next_gain, penalty


class RegionalBudgets(SpikeCounter):
    """Holds populations to budgets of their own and to a common one; an unknown population is refused.

    budgets         population -> energy per second (inf: none of its own)
    total           energy per second of all of them together; None: no common budget
    cost_per_spike  energy a spike
    baseline        energy per second of each population, a number, or population -> number
    reduce_gain     multiply the inputs of each population by its gain, which never exceeds 1; without, it only watches
    scale, rate, low, tau, every   as of MetabolicConstraint
    """

    is_mechanism = property(lambda self: bool(self.reduce_gain))  # else it only watches
    transient = ("onto",)  # names of the inputs of each population
    avg: Any  # declared, [populations] energy per second before the correction for the beginning, and gains
    gain: Any
    elapsed: Any  # ms over which was averaged

    def __init__(
        self, budgets: Mapping[str, float], *, total: float | None = None, cost_per_spike: float = 0.001, baseline: Any = 0.0, scale: float = 0.1,
        reduce_gain: bool = True, rate: float = 1.0, low: float = 0.1, tau: float = 1000.0, every: float = 100.0,
    ) -> None:  # fmt: skip
        if not isinstance(budgets, Mapping) or not budgets:
            raise DescriptionError(f"budgets of {self.name} are {short(budgets)}: give population -> energy per second")
        self.budgets = {name: math.inf if value == math.inf else positive(value, f"budget of {name}") for name, value in budgets.items()}
        self.total = math.inf if total is None else positive(total, f"total of {self.name}")
        given = baseline if isinstance(baseline, Mapping) else dict.fromkeys(budgets, baseline)
        for name in given:
            if name not in budgets:
                raise DescriptionError(f"baseline of {self.name} names {short(name)}, which has no budget: known are {', '.join(budgets)}")
        self.baseline = {name: not_negative(given.get(name, 0.0), f"baseline of {name}") for name in budgets}
        self.cost_per_spike, self.scale = positive(cost_per_spike, f"cost_per_spike of {self.name}"), not_negative(scale, f"scale of {self.name}")
        self.reduce_gain = truth(reduce_gain, f"reduce_gain of {self.name}")
        self.rate, self.every = positive(rate, f"rate of {self.name}"), every
        self.low, self.tau = around_one(low, 1.0, f"of {self.name}")[0], positive(tau, f"tau of {self.name}")

    def start(self, sim: Any) -> None:
        names = tuple(self.budgets)
        self.watch(sim, names)
        self.onto = {name: inputs_of(sim, name, None, self.name) for name in names} if self.reduce_gain else {}
        self.declare(avg=np.zeros(len(names)), gain=np.ones(len(names)), elapsed=0.0)
        self.declare_name(sim)

    @property
    def cost(self) -> np.ndarray:
        """Running energy per second of each population, [populations]; nan before the first call."""
        return self.avg / -math.expm1(-float(self.elapsed) / self.tau) if self.elapsed else np.full(len(self.budgets), math.nan)

    def handle(self, sim: Any) -> None:
        count, span = self.taken(sim)
        if span == 0.0:
            return
        now = np.array(list(self.baseline.values())) + self.cost_per_spike * count / (span * 1e-3)
        keep = math.exp(-span / self.tau)
        self.avg = keep * self.avg + (1.0 - keep) * now
        self.elapsed += span
        cost = self.cost
        common = float(cost.sum()) / self.total
        for k, (name, budget) in enumerate(self.budgets.items() if self.reduce_gain else ()):
            share = max(float(cost[k]) / budget, common)
            self.gain[k] = next_gain(float(self.gain[k]), share, self.rate * span * 1e-3, self.low, 1.0)
            lay_gain(sim, self.onto[name], name, self.own_name, float(self.gain[k]))

    def finish(self, sim: Any, status: str) -> None:
        for names in self.onto.values():
            take_gain(sim, names, self.own_name)

    def diagnostics(self) -> dict[str, float]:
        """Cost and gain of each population, the cost of all, and the penalty: for its excess over each budget and over the total."""
        if not self.has_begun:
            names = [f"{what} {name}" for name in self.budgets for what in ("cost", "gain")]
            return dict.fromkeys([*names, "cost", "penalty"], math.nan)
        cost = self.cost
        parts = [penalty(float(c), b, self.scale) for c, b in zip(cost, self.budgets.values(), strict=True)]
        found: dict[str, float] = {}
        for k, name in enumerate(self.budgets):
            found |= {f"cost {name}": float(cost[k]), f"gain {name}": float(self.gain[k])}
        return {**found, "cost": float(cost.sum()), "penalty": sum(parts) + penalty(float(cost.sum()), self.total, self.scale)}
