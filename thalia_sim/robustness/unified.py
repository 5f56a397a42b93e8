"""All mechanisms of a configuration as one hook: an ordered pipeline, and one tree of diagnostics.

    hard bounds, weight normalization, activity scaling, balance, divisive normalization, intrinsic plasticity, criticality, energy

Each mechanism acts on stored base values: factors lie over gains, shifts over thresholds, so that several on one variable multiply (or add) and
none compounds. A second call at the same time changes nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..errors import DescriptionError
from ..given import short
from ..hooks.contract import Hook
from .config import Part, RobustnessConfig, sites


class UnifiedHomeostasis(Hook):
    """The mechanisms of a RobustnessConfig, called in their order, each at its own period. Arguments as of RobustnessConfig.hooks.

    Diagnostics are named mechanism.population.quantity; `tree()` nests them. The configuration is told to the recording at the first call, as
    an event "configuration".
    """

    transient = ("members", "steps")
    handled_step: Any  # declared: step of the last call

    def __init__(self, config: RobustnessConfig, exc: Any, inh: Any, *, at_input: Any = None, over: Any = None) -> None:
        if not isinstance(config, RobustnessConfig):
            raise DescriptionError(f"config of {self.name} is {short(config)}: give a RobustnessConfig, such as RobustnessConfig.stable()")
        self.config, self.sites = config, sites(exc, inh, at_input, over)
        periods = [round(1e6 * every) for every in config.periods()]
        self.every = math.gcd(*periods) * 1e-6 if periods else None

    @property
    def parts(self) -> list[Part]:
        return self.config.parts(self.sites)

    @property
    def units(self) -> Mapping[str, str]:  # type: ignore[override]
        return {f"{part.label}.{name}": unit for part in self.parts for name, unit in part.hook.units.items()}

    def start(self, sim: Any) -> None:
        self.members = [part.make(sim.net) for part in self.parts]
        self.steps = [sim.steps_of(member.every, f"every of {member.name}") for member in self.members]
        before = self.resumed_state
        for k, member in enumerate(self.members):
            if before is not None:
                vars(member)["_resumed"] = own(before, k)
            member.begin(sim)
        self.declare(handled_step=-1)

    def state(self) -> dict[str, np.ndarray]:
        members = vars(self).get("members", ())
        return {**super().state(), **{f"{k}/{name}": value for k, member in enumerate(members) for name, value in member.state().items()}}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        for k, member in enumerate(self.members):
            member.restore(own(state, k))
        super().restore({name: value for name, value in state.items() if "/" not in name})

    def spikes(self, sim: Any, steps: np.ndarray, ids: np.ndarray) -> None:
        for member in self.members:
            member.spikes(sim, steps, ids)

    def handle(self, sim: Any) -> None:
        if sim.step == self.handled_step:
            return
        if self.handled_step < 0:
            sim.tell(self.name, "configuration", self.config.to_dict())
        self.handled_step = sim.step
        for member, every in zip(self.members, self.steps, strict=True):
            if sim.step % every == 0:
                member.handle(sim)

    def finish(self, sim: Any, status: str) -> None:
        for member in self.members:
            member.end(sim, status)

    def diagnostics(self) -> dict[str, float]:
        """Those of all mechanisms, by mechanism.population.quantity."""
        if not self.has_begun:
            return dict.fromkeys(self.units, math.nan)
        pairs = zip(self.parts, self.members, strict=True)
        return {f"{part.label}.{name}": value for part, member in pairs for name, value in member.diagnostics().items()}

    def tree(self) -> dict[str, Any]:
        """Diagnostics, nested by mechanism and population."""
        tree: dict[str, Any] = {}
        for path, value in self.diagnostics().items():
            *above, last = path.split(".")
            place = tree
            for name in above:
                place = place.setdefault(name, {})
            place[last] = value
        return tree


def own(state: Mapping[str, np.ndarray], k: int) -> dict[str, np.ndarray]:
    """What a state holds of mechanism k."""
    return {name.removeprefix(f"{k}/"): value for name, value in state.items() if name.startswith(f"{k}/")}
