"""Intrinsic plasticity: each neuron's threshold drifts until the neuron fires at a target rate.

    d avg/dt = -avg / tau_rate, avg += 1/tau_rate at a spike        avg: the neuron's running rate (Hz)
    d v_th/dt = scale (avg - target) / tau_threshold                v_th_min <= v_th <= v_th_max

The threshold rises in a neuron that fires too much (Desai, Rutherford & Turrigiano 1999, Nat. Neurosci. 2:515; as a rule of thresholds: Triesch
2007, Neural Comput. 19:885; Lazar, Pipa & Triesch 2009, Front. Comput. Neurosci. 3:23). The fixed point is avg = target, unless a bound is met.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..errors import DescriptionError
from ..kernels.rates import rates_at, take_spikes_drifting, thresholds_at
from ..neurons.contract import model_of
from .arguments import between, each, neurons_of, positive
from .silence import OwnTime

WIDE = (0.5, 2.0)  # bounds of the threshold, as shares of its distance from reset


class IntrinsicPlasticity(OwnTime):
    """Lets the thresholds of a population drift toward a target rate, neuron by neuron, awake or asleep.

    target         Hz, a number or one value a neuron
    tau_rate       ms, over which a neuron's rate is averaged; avg begins at the target
    tau_threshold  ms, time scale of the drift
    scale          mV/Hz: so far does the threshold move in tau_threshold for each Hz of deviation; a number or one value a neuron
    v_th_min/max   mV, bounds; None: v_reset + 0.5 and 2 times the distance of the threshold from v_reset
    in_silence     share of the time that counts while no neuron of the population fires (silence.py), from 0 to 1
    every          ms between two writings of thresholds. The drift itself is exact between spikes: it does not depend on `every`, but that
                   silence is noticed at that time.

    The drift lies over what a script writes into v_th and under silence and clamps. `restore` takes it away when the hook is detached,
    else thresholds stay where they are.
    """

    units = {"rate": "Hz", "shift": "mV", "at_bounds": "1"}
    # declared state, [n]: settings by neuron (mV/(Hz ms), Hz, mV); what was known after the last spike (step, Hz, mV); both as of the last call
    v_th: Any
    low: Any
    high: Any
    goal: Any
    speed: Any
    last: Any
    avg: Any
    drift: Any
    rates: Any
    shift: Any

    def __init__(
        self, population: str, *, target: Any, tau_rate: float = 1000.0, tau_threshold: float = 10_000.0, scale: Any = 1.0,
        v_th_min: Any = None, v_th_max: Any = None, every: float = 10.0, restore: bool = False, in_silence: float = 1.0,
    ) -> None:  # fmt: skip
        self.take_share(in_silence)
        self.population, self.target, self.scale = population, target, scale
        self.tau_rate = positive(tau_rate, "tau_rate of IntrinsicPlasticity", "ms")
        self.tau_threshold = positive(tau_threshold, "tau_threshold of IntrinsicPlasticity", "ms")
        self.v_th_min, self.v_th_max, self.every, self.restore_at_end = v_th_min, v_th_max, every, restore

    def start(self, sim: Any) -> None:
        population, where = neurons_of(sim, self.population, self.name), f"of {self.name} of {self.population}"
        if "v_th" not in model_of(population.model).held:
            raise DescriptionError(f"{self.name}: population {self.population} has no held state v_th: declare it as held state of its model")
        n = population.n
        target, scale = each(self.target, n, f"target {where}", 0.0), each(self.scale, n, f"scale {where}", 0.0)
        v_th = sim[self.population].v_th_under("")
        low, high = self.bounds(population, v_th)
        self.declare(v_th=v_th, low=low - v_th, high=high - v_th, goal=target, speed=scale / self.tau_threshold)
        self.begin_time(sim, n, float(target.mean()) if n else 0.0)
        self.declare(last=np.full(n, sim.step), avg=target.copy(), drift=np.zeros(n), rates=target.copy(), shift=np.zeros(n))
        self.declare_name(sim)

    def bounds(self, population: Any, v_th: Any) -> tuple[Any, Any]:
        """Smallest and largest threshold, [n] mV."""
        p, where = population.model, f"of {self.name} of {self.population}"
        if None in (self.v_th_min, self.v_th_max) and not hasattr(p, "v_reset"):
            raise DescriptionError(f"{self.name}: the model of {self.population} has no v_reset: give v_th_min and v_th_max")
        least, most = ((p.v_reset + share * (v_th - p.v_reset)) if hasattr(p, "v_reset") else v_th for share in WIDE)
        low = least if self.v_th_min is None else each(self.v_th_min, population.n, f"v_th_min {where}")
        high = most if self.v_th_max is None else each(self.v_th_max, population.n, f"v_th_max {where}")
        if not ((low <= v_th) & (v_th <= high)).all():
            k = int(np.flatnonzero(~((low <= v_th) & (v_th <= high)))[0])
            bounds = f"v_th_min and v_th_max {where} are {low[k]:g} and {high[k]:g} mV"
            raise DescriptionError(f"{bounds} at neuron {k}, whose threshold is {v_th[k]:g} mV: put it between them")
        return low, high

    def spikes(self, sim: Any, steps: Any, ids: Any) -> None:
        first = sim.net.populations[self.population].offset
        moving = (self.goal, self.speed, self.low, self.high)
        take_spikes_drifting(self.own(steps), ids, first, self.last, self.avg, self.drift, sim.dt, self.tau_rate, *moving)

    def handle(self, sim: Any) -> None:
        view, now = sim[self.population], self.look(sim)
        self.follow(sim, view, now)
        self.evaluate(sim, now)
        view.shift(self.own_name, self.shift)

    def evaluate(self, sim: Any, now: int) -> None:
        """Rates and shifts as they are at an own step, from what they were after each neuron's last spike."""
        rates_at(now, self.last, self.avg, sim.dt, self.tau_rate, self.rates)
        moving = (self.goal, self.speed, self.low, self.high)
        thresholds_at(now, self.last, self.avg, self.drift, sim.dt, self.tau_rate, *moving, self.shift)

    def follow(self, sim: Any, view: Any, now: int) -> None:
        """Keep the bounds where they are in mV if a script has written another threshold under the drift."""
        under = view.v_th_under(self.own_name)
        if (under != self.v_th).any():
            self.evaluate(sim, now)
            self.low += self.v_th - under
            self.high += self.v_th - under
            self.v_th, self.avg, self.last, self.moved = under, self.rates, now, now
            self.drift = np.clip(self.shift, self.low, self.high)

    def finish(self, sim: Any, status: str) -> None:
        if self.restore_at_end:
            sim[self.population].unshift(self.own_name)

    def diagnostics(self) -> dict[str, float]:
        """Means over the population of the running rate and of what the threshold has moved by, and the share of neurons at a bound."""
        if not self.has_begun or not len(self.shift):
            return dict.fromkeys(self.units, np.nan)
        held = (self.shift <= self.low) | (self.shift >= self.high)
        return {"rate": float(self.rates.mean()), "shift": float(self.shift.mean()), "at_bounds": float(held.mean())}


class IntrinsicPlasticityConfig(NamedTuple):
    """The mechanism with numbers that do not depend on the scale of a model's potentials; `hook` makes it one for a population.

    The numbers are those of the seed, whose thresholds are 1 and whose resets are 0; they are given units here (docs/robustness.md).
    """

    target_rate: float = 0.1  # Hz
    tau_ip: float = 10_000.0  # ms, over which a neuron's rate is averaged
    threshold_lr: float = 0.001  # 1/(Hz s), share of the distance from reset to threshold by which the threshold moves
    v_thresh_min: float = 0.5  # 1, bounds as shares of that distance
    v_thresh_max: float = 2.0  # 1
    in_silence: float = 1.0  # 1, share of time that counts while the population is silent

    def check(self) -> None:
        """Refuse by name what is no finite number above 0, and bounds without the threshold between them."""
        unit_of = {"target_rate": "Hz", "tau_ip": "ms", "threshold_lr": "1/(Hz s)", "v_thresh_min": "1", "v_thresh_max": "1"}
        for name, unit in unit_of.items():
            positive(getattr(self, name), f"{name} of IntrinsicPlasticityConfig", unit)
        between(self.in_silence, "in_silence of IntrinsicPlasticityConfig", 0.0, 1.0)
        if not self.v_thresh_min <= 1.0 <= self.v_thresh_max:
            bounds = f"v_thresh_min and v_thresh_max of IntrinsicPlasticityConfig are {self.v_thresh_min:g} and {self.v_thresh_max:g}"
            raise DescriptionError(f"{bounds}: put 1, the threshold itself, between them")

    def hook(self, population: Any, every: float = 10.0) -> IntrinsicPlasticity:
        """The hook for a population of a network."""
        self.check()
        p = population.model
        if not hasattr(p, "v_reset") or not hasattr(p, "v_th"):
            raise DescriptionError(f"the model of {population.name} has no v_reset or no v_th: use IntrinsicPlasticity with bounds in mV")
        reset, distance = np.asarray(p.v_reset, dtype=float), np.asarray(p.v_th, dtype=float) - p.v_reset
        return IntrinsicPlasticity(
            population.name, target=self.target_rate, tau_rate=self.tau_ip, tau_threshold=1000.0, scale=self.threshold_lr * distance,
            v_th_min=reset + self.v_thresh_min * distance, v_th_max=reset + self.v_thresh_max * distance, every=every,
            in_silence=self.in_silence,
        )  # fmt: skip
