"""Rules on one synapse in plain Python, event by event as they are defined: the reference of everything that is compiled."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..errors import DescriptionError
from ..kernels.plastic import held, piece, scaling, share_left
from .chain import CHANNELS, Chain, checked_chain
from .contract import words

PRE, POST = 0, 1


class Replayed(NamedTuple):
    """What became of a synapse."""

    t: np.ndarray  # [events] ms, of each arrival and each spike of the target, in order
    w: np.ndarray  # [events] strength after it
    state: dict[str, np.ndarray]  # field -> [events]
    delivered: np.ndarray  # [arrivals] what each arriving spike delivered
    target: dict[str, np.ndarray]  # field of the target's state -> [events]


class Synapse:
    """One synapse with the traces of its source and the traces and state of its target.

    A trace is kept as it was after its last spike, so that a time without events may be cut anywhere.
    """

    def __init__(self, rule: Any, w: float, dt: float, modulators: Mapping[str, float]) -> None:
        found = checked_chain(rule, "the synapse")
        if found is None:
            raise DescriptionError("the synapse has the rule None: give it a rule such as PairSTDP()")
        self.chain: Chain = found
        self.dt, self.now = dt, 0
        self.here = 0  # step of the last event of the synapse, up to which `between` has been called
        self.modulators = {**dict.fromkeys(CHANNELS, 1.0), **modulators}
        if missing := [m for m in self.chain.modulators if m not in self.modulators]:
            raise DescriptionError(f"rule {self.chain} reads {missing[0]}, which has no value: give modulators={{{missing[0]!r}: 0.0}}")
        self.rate = math.prod(self.modulators[m] for m in self.chain.modulators if m not in self.chain.read)
        self.w = float(np.float32(min(max(w, self.chain.weakest), self.chain.strongest)))
        self.state = {(n, f): float(np.float32(self.chain.start_of(n, f))) for n, f in self.chain.state}
        self.target = {(n, f): self.chain.start_of(n, f) for n, f in self.chain.target}
        self.after = {(n, t.name): 0.0 for side in ("pre", "post") for n, t in self.chain.traces(side)}  # traces after their last spike
        self.last = {"pre": 0, "post": 0}  # step of it

    def traces(self, side: str) -> dict[tuple[int, str], float]:
        """Traces of one side now."""
        gap, rules = self.now - self.last[side], self.chain.rules
        return {(n, t.name): self.after[n, t.name] * share_left(gap, self.dt, getattr(rules[n], t.tau)) for n, t in self.chain.traces(side)}

    def target_now(self) -> dict[tuple[int, str], float]:
        """State of the target now."""
        found, gap = dict(self.target), self.now - self.last["post"]
        for n, made in enumerate(self.chain.declared):
            if made.target_between is not None and gap > 0:
                reads = [{**self.after, **self.target}[n, x] for x in made.reads("target_between")]
                values = self.ask(n, "target_between", *reads, float(gap), self.dt)
                found.update(zip([(n, f) for f in made.target], map(float, tupled(values)), strict=True))
        return found

    def known(self, n: int) -> dict[str, float]:
        """Everything that functions of rule n may read now."""
        whole = {**self.traces("pre"), **self.traces("post"), **self.state, **self.target_now()}
        return {**{x: value for (m, x), value in whole.items() if m == n}, **self.modulators}

    def call(self, n: int, kind: str, *more: float) -> None:
        """Let a function of rule n change w and its state."""
        made = self.chain.declared[n]
        if getattr(made, kind) is None:
            return
        known = self.known(n)
        found = self.ask(n, kind, self.w, *(known[name] for name in made.reads(kind)), *more)
        values = found if made.state else (found,)
        if not isinstance(values, tuple) or len(values) != 1 + len(made.state):
            raise DescriptionError(f"{kind} of rule {made.name} returns {found!r}: return w and {', '.join(made.state)}")
        soft = self.chain.softness(n) if kind != "between" else 0.0
        learns = kind != "between" or made.state  # what passes with time alone is no learning
        new = scaling(soft)(self.w, values[0], self.rate, *self.chain.bounds(n), soft) if learns else values[0]
        self.w = held(new, self.chain.weakest, self.chain.strongest)
        self.state.update(zip([(n, f) for f in made.state], map(float, values[1:]), strict=True))

    def ask(self, n: int, kind: str, *arguments: float) -> Any:
        """What a function of rule n answers in plain Python; arithmetic that raises there is told with its arguments."""
        made = self.chain.declared[n]
        try:
            return getattr(made, kind)(*arguments, self.chain.rules[n])
        except (ArithmeticError, ValueError) as error:
            given = ", ".join(f"{name} = {x:.6g}" for name, x in zip(words(getattr(made, kind)), arguments, strict=False))
            problem = f"{kind} of rule {made.name} fails in plain Python at {given} ({type(error).__name__}: {error})"
            raise DescriptionError(f"{problem}: let it return a number for all that it can meet") from error

    def round(self, n: int) -> None:
        """Keep w and the state of rule n in single precision."""
        self.w = float(np.float32(self.w))
        self.state.update({(m, f): float(np.float32(v)) for (m, f), v in self.state.items() if m == n})

    def pass_time(self) -> None:
        """Let the time since the last event of the synapse pass."""
        k, together = self.now - self.here, self.chain.interleaved
        for n in range(len(self.chain.rules)) if k > 0 else ():
            if n not in together:
                self.call(n, "between", float(k), self.dt)
                self.round(n)
        for steps in pieces(k, self.dt) if together else ():
            for n in (*together, *reversed(together)):  # a half of the piece each
                self.call(n, "between", 0.5 * steps, self.dt)
        for n in together:
            self.round(n)
        self.here = self.now

    def arrive(self) -> float:
        """A spike of the source arrives; returns what it delivers."""
        self.pass_time()
        sent = self.w
        for n, made in enumerate(self.chain.declared):
            if made.transmit is not None:
                known = self.known(n)
                sent = float(self.ask(n, "transmit", self.w, *(known[name] for name in made.reads("transmit"))))
        for n in range(len(self.chain.rules)):
            self.call(n, "on_pre")
            self.round(n)
        self.jump("pre")
        return sent

    def fire(self) -> None:
        """The target fires."""
        if any(made.on_post is not None for made in self.chain.declared):
            self.pass_time()
        for n in range(len(self.chain.rules)):
            self.call(n, "on_post")
            self.round(n)
        known = [self.known(n) for n in range(len(self.chain.rules))]
        for n, made in enumerate(self.chain.declared):
            if made.target_spike is not None:
                values = self.ask(n, "target_spike", *(known[n][x] for x in made.reads("target_spike")))
                self.target.update(zip([(n, f) for f in made.target], map(float, tupled(values)), strict=True))
        self.jump("post")

    def jump(self, side: str) -> None:
        traces = self.traces(side)
        for n, t in self.chain.traces(side):
            self.after[n, t.name] = 1.0 if t.nearest else traces[n, t.name] + 1.0
        self.last[side] = self.now


def pieces(k: int, dt: float) -> list[float]:
    """k steps cut into pieces."""
    length = piece(dt)
    many = max(math.ceil(k / length), 0)
    return [min(length, k - n * length) for n in range(many)]


def tupled(values: Any) -> tuple[Any, ...]:
    return values if isinstance(values, tuple) else (values,)


def replay_synapse(
    rule: Any, arrivals: Sequence[float], spikes: Sequence[float], w: float, *, dt: float = 0.1, until: float = 0.0,
    modulators: Mapping[str, float] | None = None,
) -> Replayed:  # fmt: skip
    """A synapse of strength w at 0 ms under a rule (or several, in a list), at which spikes arrive and whose target fires at given times (ms).

    At one time the arrival comes first, as in a step of the engine. Times are those at which events act: a spike that a recording has at t is found
    in the step that ends then, and acts at its beginning, t - dt. `until` (ms) lets time pass after the last event. With a dendritic share of
    a delay, give the times as they are at the synapse.
    """
    events = sorted([(round(t / dt), PRE) for t in arrivals] + [(round(t / dt), POST) for t in spikes])
    synapse = Synapse(rule, w, dt, modulators or {})
    rows, delivered = [], []
    for step, kind in events:
        synapse.now = step
        if kind == PRE:
            delivered.append(synapse.arrive())
        else:
            synapse.fire()
        rows.append((step * dt, synapse.w, *synapse.state.values(), *synapse.target.values()))
    if round(until / dt) > synapse.now:
        synapse.now = round(until / dt)
        synapse.pass_time()
        rows.append((until, synapse.w, *synapse.state.values(), *synapse.target_now().values()))
    table = np.array(rows).reshape(len(rows), 2 + len(synapse.state) + len(synapse.target))
    columns = iter(table.T)
    t, strength = next(columns), next(columns)
    state = {f: next(columns) for _, f in synapse.chain.state}
    return Replayed(t, strength, state, np.array(delivered), {f: next(columns) for _, f in synapse.chain.target})
