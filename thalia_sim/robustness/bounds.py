"""Hard bounds of physics: a floor of the membrane potential, a largest synaptic current or conductance, a least leak.

    v >= v_min,    |i| <= i_max (g <= g_max, |input of a step| <= x_max),    c_m/tau_m >= g_l_min

They are parameters of the neuron models (thalia_sim/neurons); the hook switches them on, and tells how often they act. By default, with
D = v_th - e_l, the distance from rest to threshold, and the leak c_m/tau_m:

    v_min   e_l - D/2, or the reversal potential of inhibition where the model has one
    i_max   10 times the current that just reaches threshold, D c_m/tau_m;    x_max   10 D;    g_max   100 times the leak
    g_l_min c_m over 100 ms: no membrane is slower

The first, second and last are the seed's -0.5, 10 and 0.01 (whose threshold is 1, rest 0, step 1 ms) in units. A bound that a model was described
with is kept where it is tighter.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..checks import is_number
from ..errors import DescriptionError
from ..given import short
from ..hooks.contract import Hook
from .arguments import neurons_of, positive

BOUNDS = ("v_min", "i_max", "g_max", "x_max", "g_l_min")


@dataclass(frozen=True)
class HardBoundsConfig:
    """Bounds without the scale of a model's potentials; the numbers are those of the seed."""

    floor: float = 0.5  # share of the distance from rest to threshold by which v may be below rest, where there is no reversal potential
    current: float = 10.0  # times the current (or jump) that just reaches threshold
    conductance: float = 100.0  # times the leak
    tau_m_max: float = 100.0  # ms, time constant of the least leak

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            positive(value, f"{name} of HardBoundsConfig", "its unit")

    def values(self, p: Any) -> dict[str, Any]:
        """Bound -> value in the units of a model with these parameters (numbers, or arrays [n]), of those that it has."""
        distance, leak = np.asarray(p.v_th) - p.e_l, np.asarray(p.c_m) / p.tau_m
        if not (distance > 0.0).all():
            raise DescriptionError(f"HardBounds: e_l is not below v_th in {short(p)}, so no bounds follow: give them yourself")
        wanted = {
            "v_min": p.e_inh if hasattr(p, "e_inh") else p.e_l - self.floor * distance, "i_max": self.current * distance * leak,
            "g_max": self.conductance * leak, "x_max": self.current * distance, "g_l_min": np.asarray(p.c_m) / self.tau_m_max,
        }  # fmt: skip
        tighter = {"v_min": np.maximum, "g_l_min": np.maximum}
        return {name: tighter.get(name, np.minimum)(value, getattr(p, name)) for name, value in wanted.items() if hasattr(p, name)}


class HardBounds(Hook):
    """Switches hard bounds of a population on, and counts how often they act.

    config   HardBoundsConfig, from which the bounds follow that are not given
    v_min    mV, i_max pA, g_max nS, x_max (unit of the weights), g_l_min nS: bounds, of those that the model has
    every    ms between two looks at the neurons; shares are of neurons and looks since the start. What a bound does between two looks is unseen

    The shares: `v`, neurons at the floor; `current`, those of which a current or conductance is at its bound (nan in a model of jumps, which keeps no
    current); `leak`, those whose leak is the bound. When the hook is detached the bounds are again what they were.
    """

    units = {"v": "1", "current": "1", "leak": "1"}
    before: Any  # declared: [bounds, n] as they were
    looks: Any
    found: Any  # [2] neurons at the floor and at the bound of a current, over all looks; -1: it keeps none
    leak: Any  # share of neurons

    def __init__(self, population: str, *, config: HardBoundsConfig | None = None, every: float = 10.0, **bounds: float) -> None:
        self.population, self.every = population, positive(every, f"every of {self.name}", "ms")
        self.config = HardBoundsConfig() if config is None else config
        if not isinstance(self.config, HardBoundsConfig):
            raise DescriptionError(f"config of {self.name} is {short(config)}: give a HardBoundsConfig")
        for name, value in bounds.items():
            if name not in BOUNDS or not is_number(value) or math.isnan(value):
                raise DescriptionError(f"{name} of {self.name} is {short(value)}: give numbers for {', '.join(BOUNDS)}")
        self.bounds = bounds

    def start(self, sim: Any) -> None:
        n = neurons_of(sim, self.population, self.name).n
        view = sim[self.population]
        has = self.names(view)
        unknown = [name for name in self.bounds if name not in has]
        if unknown or not has:
            raise DescriptionError(f"{self.name}: {view.model.name} has no {', '.join(unknown) or 'bounds'}: it has {', '.join(has) or 'none'}")
        self.declare(before=[np.broadcast_to(getattr(view, name), n) for name in has], looks=0, leak=0.0)
        self.declare(found=np.array([0, 0 if bounded(view.model) else -1]))
        if self.resumed_state is None:
            values = {**(self.config.values(view.params) if len(self.bounds) < len(has) else {}), **self.bounds}
            for name, value in values.items():
                setattr(view, name, float(value) if np.ndim(value) == 0 else value)
        if "g_l_min" in has and n:
            self.leak = np.broadcast_to(view.c_m / view.tau_m < view.g_l_min, n).mean()

    def names(self, view: Any) -> list[str]:
        """Bounds that the model has."""
        return [name for name in BOUNDS if name in view.model.params]

    def handle(self, sim: Any) -> None:
        view = sim[self.population]
        at = np.zeros(len(view), dtype=bool)
        for field, bound in bounded(view.model).items():
            at |= np.abs(getattr(view, field)) >= getattr(view, bound)
        self.found += [np.count_nonzero(view.v <= view.v_min + 1e-6), np.count_nonzero(at)]
        self.looks += 1

    def finish(self, sim: Any, status: str) -> None:
        if status != "complete" or sim.status != "running":
            return
        view = sim[self.population]
        for name, values in zip(self.names(view), self.before, strict=True):
            setattr(view, name, float(values[0]) if len(set(values)) == 1 else values)

    def shares(self) -> Any:
        """Of neurons at the floor and at the bound of a current, over all looks, [2]."""
        n = self.before.shape[1]
        looked = int(self.looks) * n
        return np.where(self.found < 0, np.nan, self.found / looked) if looked else np.full(2, np.nan)

    def diagnostics(self) -> dict[str, float]:
        """The shares, as above."""
        if not self.has_begun:
            return dict.fromkeys(self.units, math.nan)
        v, current = map(float, self.shares())
        return {"v": v, "current": current, "leak": float(self.leak)}


def bounded(model: Any) -> dict[str, str]:
    """State that is a current or conductance -> its bound."""
    return dict(model.bounds) or {name: "i_max" for name in ("i_exc", "i_inh", "i_syn") if name in model.state_fields and "i_max" in model.params}
