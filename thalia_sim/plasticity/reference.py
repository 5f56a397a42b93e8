"""A rule on one synapse in plain Python, event by event as it is defined: the reference of everything that is compiled."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..errors import DescriptionError
from .contract import Rule, check_parameters, rule_of

PRE, POST = 0, 1


class Replayed(NamedTuple):
    """What became of a synapse."""

    t: np.ndarray  # [events] ms, of each arrival and each spike of the target, in order
    w: np.ndarray  # [events] strength after it
    state: dict[str, np.ndarray]  # field -> [events]
    delivered: np.ndarray  # [arrivals] what each arriving spike delivered


class Synapse:
    """One synapse with the traces of its source and target."""

    def __init__(self, p: Any, w: float, dt: float, modulators: Mapping[str, float]) -> None:
        check_parameters(p)
        self.p, self.rule, self.dt = p, rule_of(p), dt
        self.w = bounded(p, w)
        self.state = {f: float(getattr(p, x) if isinstance(x, str) else x) for f, x in self.rule.state.items()}
        self.traces = {trace.name: 0.0 for trace in self.rule.traces}
        self.modulators = dict(modulators)
        if missing := [m for m in self.rule.modulators if m not in self.modulators]:
            raise DescriptionError(f"rule {self.rule.name} reads {missing[0]}, which has no value: give modulators={{{missing[0]!r}: 0.0}}")

    def pass_time(self, k: int) -> None:
        """k steps without an event."""
        if k == 0:
            return
        for trace in self.rule.traces:
            self.traces[trace.name] *= math.exp(-k * self.dt / getattr(self.p, trace.tau))
        self.call("between", float(k), self.dt)

    def call(self, kind: str, *more: float) -> None:
        """Let a function of the rule change w and state."""
        function = getattr(self.rule, kind)
        if function is None:
            return
        known = {**self.traces, **self.state, **self.modulators}
        found = function(self.w, *(known[name] for name in self.rule.reads(kind)), *more, self.p)
        values = found if self.rule.state else (found,)
        if not isinstance(values, tuple) or len(values) != 1 + len(self.rule.state):
            raise DescriptionError(f"{kind} of rule {self.rule.name} returns {found!r}: return w and {', '.join(self.rule.state)}")
        self.w = bounded(self.p, values[0])
        self.state.update(zip(self.rule.state, map(float, values[1:]), strict=True))

    def arrive(self) -> float:
        """A spike of the source arrives; returns what it delivers."""
        known = {**self.traces, **self.state, **self.modulators}
        transmit = self.rule.transmit
        delivered = self.w if transmit is None else float(transmit(self.w, *(known[name] for name in self.rule.reads("transmit")), self.p))
        self.call("on_pre")
        self.jump("pre")
        return delivered

    def fire(self) -> None:
        """The target fires."""
        self.call("on_post")
        self.jump("post")

    def jump(self, side: str) -> None:
        for trace in self.rule.traces:
            if trace.side == side:
                self.traces[trace.name] = 1.0 if trace.nearest else self.traces[trace.name] + 1.0


def bounded(p: Any, w: float) -> float:
    """A strength within the bounds of its rule, in the precision in which weights are kept."""
    return float(np.float32(min(max(w, getattr(p, "w_min", 0.0)), getattr(p, "w_max", math.inf))))


def replay_synapse(
    p: Any, arrivals: Sequence[float], spikes: Sequence[float], w: float, *, dt: float = 0.1, until: float = 0.0,
    modulators: Mapping[str, float] | None = None,
) -> Replayed:  # fmt: skip
    """A synapse of strength w at 0 ms under rule p, at which spikes arrive and whose target fires at given times (ms).

    At one time the arrival comes first, as in a step of the engine. `until` (ms) lets time pass after the last event.
    """
    events = sorted([(round(t / dt), PRE) for t in arrivals] + [(round(t / dt), POST) for t in spikes])
    synapse, now = Synapse(p, w, dt, modulators or {}), 0
    rule: Rule = synapse.rule
    rows, delivered = [], []
    for step, kind in events:
        synapse.pass_time(step - now)
        now = step
        if kind == PRE:
            delivered.append(synapse.arrive())
        else:
            synapse.fire()
        rows.append((step * dt, synapse.w, *synapse.state.values()))
    if round(until / dt) > now:
        synapse.pass_time(round(until / dt) - now)
        rows.append((until, synapse.w, *synapse.state.values()))
    table = np.array(rows).reshape(len(rows), 2 + len(rule.state))
    return Replayed(table[:, 0], table[:, 1], {f: table[:, 2 + k] for k, f in enumerate(rule.state)}, np.array(delivered))
