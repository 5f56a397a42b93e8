"""Synaptic scaling: all synapses of a neuron onto which a projection converges grow or shrink by one factor until it fires at a target rate.

    dw_ij/dt = w_ij (target - rate_j) / (target tau)        so w_ij *= exp(every (target - rate_j) / (target tau)) at each call
    d rate_j/dt = -rate_j / tau_rate, rate_j += 1/tau_rate at a spike of j

Turrigiano 2008, Cell 135:422; van Rossum, Bi & Turrigiano 2000, J. Neurosci. 20:8812. The factor solves the equation between two calls at a
constant rate; to first order it is 1 + every/tau (target - rate_j)/target, and it is above 0 whatever the rate: signs and ratios are kept.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..hooks.contract import Hook
from ..kernels.rates import rates_at, take_spikes
from .arguments import positive, projection_of
from .weights import Sizes


class SynapticScaling(Hook):
    """Scales the synapses of a projection by target neuron.

    target    Hz
    tau       ms, over which weights change by a factor e where the rate is 0
    tau_rate  ms, over which a neuron's rate is averaged; it begins at the target
    every     ms between two changes. A call costs 15 ns a synapse, 35 with a rule, as some ten arrivals do
    w_max     largest size of a weight; None: the bound of the projection's rule, if it has one

    Weights are kept in single precision: a change by less than 6e-8 of a weight in one call is lost, so let every/tau be above 1e-5.
    """

    units = {"rate": "Hz", "factor": "1"}
    transient = ("sizes",)
    # declared state
    last: Any  # [span] step of the last spike, of all elements between the first and the last target
    avg: Any  # [span] Hz, after it
    now: Any  # [span] Hz, at the last call
    factors: Any  # [targets] of the last call
    called: Any  # its step

    def __init__(
        self, projection: str, *, target: float, tau: float = 100_000.0, tau_rate: float = 10_000.0, every: float = 1000.0, w_max: float | None = None
    ) -> None:
        self.projection, self.w_max = projection, w_max
        self.target = positive(target, f"target of {self.name}", "Hz")
        self.tau, self.tau_rate = positive(tau, f"tau of {self.name}", "ms"), positive(tau_rate, f"tau_rate of {self.name}", "ms")
        self.every = positive(every, f"every of {self.name}", "ms")

    def start(self, sim: Any) -> None:
        self.sizes = Sizes(sim, projection_of(sim, self.projection, self.name), self.w_max)
        ids = self.sizes.targets
        n = int(ids.max(initial=-1) - ids.min(initial=0)) + 1 if len(ids) else 0
        self.declare(last=np.full(n, sim.step), avg=np.full(n, self.target), now=np.full(n, self.target), factors=np.ones(len(ids)), called=sim.step)

    def spikes(self, sim: Any, steps: Any, ids: Any) -> None:
        if len(self.avg):
            take_spikes(steps, ids, int(self.sizes.targets.min()), self.last, self.avg, sim.dt, self.tau_rate)

    def handle(self, sim: Any) -> None:
        if not len(self.avg):
            return
        span, self.called = (sim.step - int(self.called)) * sim.dt, sim.step
        rates_at(sim.step, self.last, self.avg, sim.dt, self.tau_rate, self.now)
        rate = self.now[self.sizes.targets - self.sizes.targets.min()]
        self.factors = np.exp(span / self.tau * (self.target - rate) / self.target)
        self.sizes.write(self.sizes.read() * self.factors[self.sizes.j])

    def diagnostics(self) -> dict[str, float]:
        """Means over the target neurons of their running rate and of the factor of the last call."""
        if not self.has_begun or not len(self.factors):
            return dict.fromkeys(self.units, np.nan)
        return {"rate": float(self.now[self.sizes.targets - self.sizes.targets.min()].mean()), "factor": float(self.factors.mean())}
