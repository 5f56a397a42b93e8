"""Balance of excitation and inhibition: inhibitory projections are multiplied by one scale, until the ratio of the two is at a target.

    d E/dt = (e - E)/tau_balance, the same for I     e, i: what is measured in each period; E, I start empty and are held in silence
    d ln scale/dt = rate (ln(E/I) - ln target) - leak ln scale,    scale_min <= scale <= scale_max, E/I taken within ratio_min .. ratio_max

Too much excitation raises inhibition (as Vogels, Sprekeler, Zenke, Clopath & Gerstner 2011, Science 334:1569, by synapses; here by one factor, as
slow homeostasis does: Turrigiano 2011, Annu. Rev. Neurosci. 34:89). The logarithm treats twice and half alike and is bounded by those of the ratio.
The scale lies over the projections' own gains, which stay as they were described.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from ..checks import is_number
from ..errors import DescriptionError
from ..given import short
from ..hooks.contract import Hook
from ..kernels.rates import count_spikes
from .arguments import neurons_of, population_of, positive, projection_of
from .inputs import lay_gain, take_gain

MEASURES = {"rates": "Hz", "counts": "1/s", "currents": "pA"}
CURRENTS = ("i_exc", "i_inh"), ("g_exc", "g_inh")  # state that tells of the two kinds apart
SEED_TARGET = 4.0  # ratio about which the seed's bounds, 1 and 10, lie


@dataclass(frozen=True)
class EIBalanceConfig:
    """Settings of the balance; the numbers are those of the seed, with units (docs/robustness.md)."""

    target_ratio: float | None = 4.0  # 1, E/I; None: what is measured over the baseline
    tau_balance: float = 1000.0  # ms, over which both sides are averaged
    adaptation_rate: float = 0.001  # 1/ms, by which ln scale moves for a deviation of 1 in ln(E/I)
    ratio_min: float = 1.0  # 1, bounds of the ratio; of a target that is measured, or given to the hook, they are shares, as 1 and 10 are of 4
    ratio_max: float = 10.0
    scale_min: float = 0.1  # 1, bounds of the scale
    scale_max: float = 10.0
    leak: float = 0.0  # 1/ms, by which ln scale returns to 0: above 0, mechanisms with other targets meet the balance halfway
    baseline: float = 2000.0  # ms over which the target is measured; it goes on until both sides were active

    def __post_init__(self) -> None:
        if not is_number(self.leak) or not 0.0 <= self.leak < math.inf:
            raise DescriptionError(f"leak of EIBalanceConfig is {short(self.leak)}: give a finite number of 1/ms, at least 0")
        for field in fields(self):
            if field.name != "leak" and (field.name != "target_ratio" or self.target_ratio is not None):
                positive(getattr(self, field.name), f"{field.name} of EIBalanceConfig", "its unit")
        low, high = self.ratio_min, self.ratio_max
        if not low <= (SEED_TARGET if self.target_ratio is None else self.target_ratio) <= high:
            target = f"target_ratio of EIBalanceConfig is {short(self.target_ratio)}"
            raise DescriptionError(f"{target}, outside of ratio_min and ratio_max, {low:g} and {high:g}: put it (or {SEED_TARGET:g}) between them")
        if not self.scale_min <= 1.0 <= self.scale_max:
            raise DescriptionError(f"scale_min and scale_max of EIBalanceConfig are {self.scale_min:g} and {self.scale_max:g}: put 1 between them")

    def hook(self, exc: str, inh: str, **more: Any) -> EIBalance:
        """The hook for two populations."""
        return EIBalance(exc, inh, config=self, **more)


class EIBalance(Hook):
    """Multiplies inhibition onto a population by a scale that keeps the ratio of excitation to inhibition at a target.

    exc, inh     populations
    projections  names of inhibitory projections; None: all from inh onto exc
    measure      "rates": mean rates of the two populations (Hz); "counts": their spikes a second; "currents": mean synaptic currents that
                 exc receives, drives included (pA): i_exc and i_inh, or conductances times the distance to their reversal potentials
    target       ratio; None: measured over the baseline, during which nothing is changed
    every        ms between two changes
    config       EIBalanceConfig: time constants, bounds. Its target_ratio holds unless `target` is given; here it is None by default

    A period in which neither side was active changes nothing: silence is no ratio. If one side alone was silent for long, the ratio is at its
    bound, and the scale goes toward its own. The scale is taken away when the hook is detached.
    """

    units = {"ratio": "1", "target": "1", "scale": "1", "error": "1", "exc": "1", "inh": "1", "silent": "1", "in_bounds": "1"}
    transient = ("onto", "ranges")  # names of the projections that are multiplied; ids of exc and inh, from and to
    # declared state
    count: Any  # [2] spikes of exc and inh since the last call
    sides: Any  # [2] running E and I
    seen: Any  # [2] sums over the baseline
    begun: Any  # step of the last call
    waited: Any  # ms of the baseline, without silence
    goal: Any  # ln target; nan while it is measured
    scale: Any
    silent: Any

    def __init__(
        self, exc: str, inh: str, *, projections: Any = None, measure: str = "rates", target: float | None = None, every: float = 100.0,
        config: EIBalanceConfig | None = None,
    ) -> None:  # fmt: skip
        if not isinstance(measure, str) or measure not in MEASURES:
            raise DescriptionError(f"measure of {self.name} is {short(measure)}: give one of {', '.join(MEASURES)}")
        if config is not None and not isinstance(config, EIBalanceConfig):
            raise DescriptionError(f"config of {self.name} is {short(config)}: give an EIBalanceConfig")
        self.exc, self.inh, self.measure = exc, inh, measure
        self.projections = None if projections is None else (projections,) if isinstance(projections, str) else tuple(projections)
        self.config = EIBalanceConfig(target_ratio=None, adaptation_rate=0.0002) if config is None else config
        self.target = self.config.target_ratio if target is None else positive(target, f"target of {self.name}", "1")
        self.is_share = target is not None or self.config.target_ratio is None  # whether the bounds of the ratio are shares of the target
        self.every = positive(every, f"every of {self.name}", "ms")

    def start(self, sim: Any) -> None:
        neurons_of(sim, self.exc, self.name)
        population_of(sim, self.inh, self.name)
        if self.measure == "currents":
            self.current_fields(sim)
        self.onto = self.chosen(sim)
        both = [sim.net.populations[name] for name in (self.exc, self.inh)]
        self.ranges = np.array([[p.offset for p in both], [p.offset + p.n for p in both]], dtype=np.int64)
        for name in self.onto:
            sim[name].check_amplified(self.exc)
        goal = math.nan if self.target is None else math.log(self.target)
        self.declare(count=np.zeros(2, np.int64), sides=np.zeros(2), seen=np.zeros(2), begun=sim.step, waited=0.0, goal=goal, scale=1.0, silent=False)
        self.declare_name(sim)

    def chosen(self, sim: Any) -> tuple[str, ...]:
        """Names of the projections that are multiplied."""
        if self.projections is not None:
            for name in self.projections:
                projection = projection_of(sim, name, self.name)
                if self.inh not in names_of(projection.source):
                    raise DescriptionError(f"{self.name}: projection {name} does not come from {self.inh}: leave it out")
                if self.exc not in names_of(projection.target):
                    raise DescriptionError(f"{self.name}: projection {name} does not reach {self.exc}: leave it out")
            return self.projections
        found = tuple(p.name for p in sim.net.projections.values() if names_of(p.source) == [self.inh] and self.exc in names_of(p.target))
        if not found:
            raise DescriptionError(f"{self.name}: no projection goes from {self.inh} alone to {self.exc}: connect one, or name one")
        return found

    # measuring

    def spikes(self, sim: Any, steps: Any, ids: Any) -> None:
        count_spikes(ids, *self.ranges, self.count)

    def current_fields(self, sim: Any) -> tuple[str, str]:
        """Names of the state of exc that tells excitation and inhibition apart."""
        view = sim[self.exc]
        for pair in CURRENTS:
            if set(pair) <= set(view.model.state_fields):
                return pair
        model = view.model.name
        raise DescriptionError(f"{self.name}: {model} has no currents of either kind by itself: measure 'rates', or use LIFExp or LIFCond")

    def taken(self, sim: Any, span: float) -> np.ndarray:
        """What either side did in the last `span` ms, [2]."""
        count = self.count.copy()
        self.count[...] = 0
        if self.measure == "currents":
            view, (exc, inh) = sim[self.exc], self.current_fields(sim)
            e, i = getattr(view, exc), getattr(view, inh)
            if exc == "g_exc":
                e, i = e * (view.e_exc - view.v), i * (view.v - view.e_inh)
            return np.abs([e.mean(), i.mean()]) if len(e) else np.zeros(2)
        sizes = np.array([sim.net.populations[name].n for name in (self.exc, self.inh)] if self.measure == "rates" else [1, 1])
        return count / np.maximum(sizes, 1) / (span * 1e-3)

    @property
    def ratio(self) -> float:
        """Running E/I; inf while inhibition is silent, nan while nothing is known."""
        if not self.has_begun or not self.sides.any():
            return math.nan
        return float(self.sides[0] / self.sides[1]) if self.sides[1] > 0.0 else math.inf

    def bounds(self) -> tuple[float, float]:
        """Smallest and largest ratio that is taken for true."""
        by = math.exp(float(self.goal)) / SEED_TARGET if self.is_share else 1.0
        return self.config.ratio_min * by, self.config.ratio_max * by

    @property
    def error(self) -> float:
        """ln(E/I) - ln target, the ratio within its bounds; nan while either is not known."""
        if math.isnan(self.ratio) or math.isnan(self.goal):
            return math.nan
        low, high = self.bounds()
        return math.log(min(max(self.ratio, low), high)) - float(self.goal)

    # acting

    def handle(self, sim: Any) -> None:
        span = (sim.step - int(self.begun)) * sim.dt
        if span <= 0.0:
            return
        self.begun = sim.step
        now = self.taken(sim, span)
        self.silent = not now.any()
        if self.silent:
            return
        self.sides += (now - self.sides) * -math.expm1(-span / self.config.tau_balance)
        if math.isnan(self.goal):
            self.measure_target(now, span)
            return
        scale = float(self.scale) ** math.exp(-self.config.leak * span) * math.exp(self.config.adaptation_rate * span * self.error)
        self.scale = min(max(scale, self.config.scale_min), self.config.scale_max)
        lay_gain(sim, self.onto, self.exc, self.own_name, float(self.scale))

    def measure_target(self, now: np.ndarray, span: float) -> None:
        """Take a period into the baseline, and the target from it when it is long enough."""
        self.seen += now * span
        self.waited += span
        if self.waited >= self.config.baseline and self.seen.all():
            self.goal = math.log(self.seen[0] / self.seen[1])

    def finish(self, sim: Any, status: str) -> None:
        take_gain(sim, self.onto, self.own_name)

    def diagnostics(self) -> dict[str, float]:
        """Ratio, target, scale, error (of logarithms), both sides in the unit of the measure, whether it is silent, and in bounds."""
        if not self.has_begun:
            return dict.fromkeys(self.units, math.nan)
        low, high = self.bounds()
        inside = math.nan if math.isnan(self.ratio) or math.isnan(low) else float(low <= self.ratio <= high)
        return {
            "ratio": self.ratio, "target": math.exp(float(self.goal)), "scale": float(self.scale), "error": self.error, "exc": float(self.sides[0]),
            "inh": float(self.sides[1]), "silent": float(self.silent), "in_bounds": inside,
        }  # fmt: skip

    def status(self) -> Mapping[str, Any]:
        """Diagnostics, and in one word how it stands: silent, unknown, excited, inhibited or balanced (within half and 1.5 times the target)."""
        found = self.diagnostics()
        share = found["ratio"] / found["target"]
        if found["silent"] == 1.0 or math.isnan(share):
            return {**found, "status": "silent" if found["silent"] == 1.0 else "unknown"}
        return {**found, "status": "inhibited" if share < 0.5 else "excited" if share > 1.5 else "balanced"}


def between(net: Any, source: str, target: str) -> tuple[str, ...]:
    """Names of the projections from one population to another, and to and from no others."""
    return tuple(p.name for p in net.projections.values() if names_of(p.source) == [source] and names_of(p.target) == [target])


def names_of(selection: Any) -> list[str]:
    """Of the populations in which a selection lies."""
    return [population.name for population in selection.populations]
