"""Does a neuron model do what the contract says: compiled as in plain Python, asleep as awake, the same on any number of workers?"""

from __future__ import annotations

import math
from collections import namedtuple
from typing import Any, NamedTuple

import numpy as np

from ..errors import DescriptionError
from ..hooks import MemoryRecorder
from ..kernels.rng import normals, philox, stream_key, uniform
from ..network import Network
from ..neurons.contract import constants, model_of, scalar_parameters, try_step
from ..simulation import Simulation
from ..sources import SpikeArray
from ..wiring import from_arrays, probability
from .runs import check_repeats, instance, told_as

N = 8  # neurons
SPAN = 120.0  # ms
JUMPS = (1, 2, 7, 50, 300)  # steps
REMEDY = "let its functions depend on their arguments only, and use math"
ROUNDING = 1e-9  # of the largest value of a field: a jump over k <= 300 steps against k single ones differ by about k roundings of 1e-16


class Plain:
    """One neuron in plain Python: the undecorated functions, one step after another (the order of a step as in the engine)."""

    def __init__(self, p: Any, dt: float, name: str = "", k: int = 0, seed: int = 1) -> None:
        self.model, self.p, self.c = model_of(p), p, constants(p, dt)
        state: Any = self.model.state
        self.s = self.bounded(state(*(float(self.model.start_value(f, p)) for f in self.model.state_fields)))
        self.inputs: Any = namedtuple("Inputs", self.model.inputs) if self.model.inputs else None
        self.key, self.k, self.n = stream_key(seed, "noise", name), k, 0

    def bounded(self, s: Any) -> Any:
        """The state within the bounds that the model declares."""
        for field, parameter in self.model.bounds.items():
            most = getattr(self.p, parameter)
            s = s._replace(**{field: min(max(getattr(s, field), -most), most)})
        return s

    def noise(self) -> tuple[float, ...]:
        """The draw of this step."""
        if self.model.noise is None:
            return ()
        words = philox(self.key, np.uint64(self.n), np.uint64(self.k))
        return (float(uniform(*words[:2])),) if self.model.noise == "uniform" else (float(normals(*words)[0]),)

    def step(self, arrived: dict[str, float]) -> bool:
        """One step with what arrives at receptors; whether it fired."""
        model = self.model
        x = None
        if self.inputs is not None:
            x = self.inputs(*(arrived.get(r, 0.0) for r in model.receptors if r not in model.adds), *self.noise())
        s, fired = model.step(self.s, x, self.c, self.p)
        s = s._replace(**{f: getattr(self.s, f) for f in model.held})
        for receptor, field in model.adds.items():
            if receptor in arrived:
                s = s._replace(**{field: getattr(s, field) + arrived[receptor]})
        self.s, self.n = self.bounded(s), self.n + 1
        return bool(fired)


class Events(NamedTuple):
    """What arrives at N neurons: for each receptor one source a neuron, with its weight and delay."""

    times: dict[str, list[tuple[int, int]]]  # receptor -> (step of firing, neuron)
    w: dict[str, np.ndarray]  # [N]
    delay: dict[str, np.ndarray]  # [N] steps


def check_neuron(model: Any, *, w: float | None = None, dt: float = 0.1) -> None:
    """Try a neuron model (or its class): AssertionError or DescriptionError in one sentence if it breaks the contract.

    Its functions run in plain Python and compiled, to the bit; `advance` against steps (within 1e-9 of the largest value); `may_fire`
    against what happens; asleep against awake; 1, 2 and 4 threads, runs in pieces, save and resume to the bit. w is a weight with which an
    input every 3 ms makes it fire; by default it is searched for.
    """
    p = instance(model, "model")
    made = model_of(p)
    if made.kind != "neuron":
        raise DescriptionError(f"{made.name} is a source of spikes: check_neuron tries neurons")
    if not scalar_parameters(p):
        raise DescriptionError(f"model {made.name} is given with arrays: give numbers")
    try_step(p, dt)
    what = f"model {made.name}"
    strong = firing_weight(p, dt) if w is None else float(w)
    busy, quiet = events(p, strong, dt, every=3.0), events(p, 0.4 * strong, dt, every=25.0)
    check_compiled(p, busy, dt, what)
    if made.sleeps:
        check_advance(p, quiet, dt, what)
        check_sleep(p, quiet, dt, what)
    net = network(p, busy, dt)
    for receptor in made.receptors[:1]:
        net.connect("cells", "cells", probability(0.3), w=sign_of(made, receptor) * 0.1 * strong, delay=1.5, receptor=receptor)
    check_repeats(what, net, list, SPAN)


def sign_of(made: Any, receptor: str) -> int:
    """Sign of weights that a receptor takes."""
    return -1 if made.signs.get(receptor, 0) < 0 else 1


def firing_weight(p: Any, dt: float) -> float:
    """Twice the smallest weight (by factors of 2) with which an input every 3 ms at some receptor makes the neuron fire within 100 ms."""
    made = model_of(p)
    if not made.receptors:
        return 1.0
    for size in 1e-4 * 2.0 ** np.arange(40):
        for receptor in made.receptors:
            cell = Plain(p, dt)
            for n in range(round(100.0 / dt)):
                try:
                    if cell.step({receptor: sign_of(made, receptor) * size} if n % round(3.0 / dt) == 0 else {}) and made.noise is None:
                        return 2.0 * float(size)
                except (ArithmeticError, ValueError):
                    break
    if made.noise is not None:
        return 1.0
    raise AssertionError(f"model {made.name} does not fire whatever arrives at {', '.join(made.receptors)}: mend step, or give w=")


def events(p: Any, strong: float, dt: float, every: float) -> Events:
    """Inputs at random, about one in `every` ms at each receptor, those that excite and those that inhibit."""
    made, random = model_of(p), np.random.default_rng(5)
    times: dict[str, list[tuple[int, int]]] = {}
    w: dict[str, np.ndarray] = {}
    delay: dict[str, np.ndarray] = {}
    for number, receptor in enumerate(made.receptors):
        steps = [np.unique(random.integers(1, round(SPAN / dt), round(SPAN / every))) for _ in range(N)]
        times[receptor] = sorted((int(n), k) for k, found in enumerate(steps) for n in found)
        size = random.uniform(0.5, 1.5, N) * strong * (1.0 if number == 0 else 0.5)
        signs = sign_of(made, receptor) if made.signs.get(receptor, 0) else np.where(np.arange(N) % 4 == 3, -1.0, 1.0)
        w[receptor] = (size * signs).astype(np.float32).astype(np.float64)
        delay[receptor] = random.integers(1, 40, N)
    return Events(times, w, delay)


def network(p: Any, given: Events, dt: float) -> Network:
    """The neurons `cells` with their inputs."""
    net = Network(seed=1, dt=dt, noise_seed=1)
    cells = net.populate("cells", N, p)
    for receptor, pairs in given.times.items():
        source = net.populate(f"to_{receptor}", N, SpikeArray(times=[(n + 1) * dt for n, _ in pairs], ids=np.array([k for _, k in pairs], dtype=int)))
        delay = given.delay[receptor] * dt
        net.connect(source, cells, from_arrays(np.arange(N), np.arange(N)), w=given.w[receptor], delay=delay, receptor=receptor)
    return net


def plain_run(p: Any, given: Events, dt: float) -> tuple[set[tuple[int, int]], list[Any], dict[str, float]]:
    """(spikes (step, neuron), last states, largest size of each field) in plain Python."""
    spikes, states = set(), []
    largest = dict.fromkeys(model_of(p).state_fields, 0.0)
    for k in range(N):
        arrived: dict[int, dict[str, float]] = {}
        for receptor, pairs in given.times.items():
            for n, who in pairs:
                if who == k:
                    arrived.setdefault(n + int(given.delay[receptor][k]), {})[receptor] = float(given.w[receptor][k])
        cell = Plain(p, dt, "cells", k)
        for n in range(round(SPAN / dt)):
            if cell.step(arrived.get(n, {})):
                spikes.add((n, k))
            for field, value in cell.s._asdict().items():
                if math.isfinite(value):
                    largest[field] = max(largest[field], abs(value))
        states.append(cell.s)
    return spikes, states, largest


def engine_run(p: Any, given: Events, dt: float, what: str, sleeping: bool) -> tuple[set[tuple[int, int]], dict[str, Any]]:
    """(spikes, last state by field) of the compiled engine."""
    memory = MemoryRecorder()
    with told_as(what):
        sim = Simulation(network(p, given, dt), [memory], sleeping=sleeping)
        sim.run(SPAN)
        times, ids = memory.spikes_of("cells")
    fired = {(round(t / dt) - 1, int(k)) for t, k in zip(times, ids, strict=True)}
    return fired, {field: getattr(sim["cells"], field) for field in model_of(p).state_fields}


def check_compiled(p: Any, given: Events, dt: float, what: str) -> None:
    """Compiled steps are those of plain Python: spikes and state to the bit."""
    spikes, states, _ = plain_run(p, given, dt)
    fired, state = engine_run(p, given, dt, what, sleeping=False)
    apart = f"{what} fires {first_of(fired ^ spikes, dt)} either compiled or in plain Python, and not in both"
    assert fired == spikes, f"{apart}: let step use nothing that changes"
    for field, values in state.items():
        expected = np.array([getattr(s, field) for s in states])
        bad = np.flatnonzero(values.view(np.int64) != expected.view(np.int64))
        assert not len(bad), f"{what}: {field} is {values[bad[0]]!r} compiled and {expected[bad[0]]!r} in plain Python after {SPAN:g} ms: {REMEDY}"


def first_of(events: set[tuple[int, int]], dt: float) -> str:
    """Where two sets of spikes differ first."""
    if not events:
        return ""
    n, k = min(events)
    return f"at {(n + 1) * dt:g} ms (neuron {k})"


def check_advance(p: Any, given: Events, dt: float, what: str) -> None:
    """From states met in a run in which the neuron says that it cannot fire: no step fires, and `advance` gives what steps give."""
    made = model_of(p)
    *_, largest = plain_run(p, given, dt)
    for k in range(N):
        arrived: dict[int, dict[str, float]] = {}
        for receptor, pairs in given.times.items():
            for n, who in pairs:
                if who == k:
                    arrived.setdefault(n, {})[receptor] = float(given.w[receptor][k])
        cell = Plain(p, dt)
        for n in range(round(SPAN / dt)):
            cell.step(arrived.get(n, {}))
            if n in arrived and not made.may_fire(cell.s, cell.c, p):  # type: ignore[misc]
                check_jumps(cell, largest, what)


def check_jumps(cell: Plain, largest: dict[str, float], what: str) -> None:
    """Jumps from the state of a neuron against single steps."""
    made, p, c, begin = cell.model, cell.p, cell.c, cell.s
    walk = Plain(p, 1.0)
    walk.c, walk.s = c, begin
    for k in range(1, max(JUMPS) + 1):
        assert not walk.step({}), f"may_fire of {what} says no in the state {begin}, and it fires {k} steps later: let it say no only if it is sure"
        if k not in JUMPS:
            continue
        jumped = made.advance(begin, float(k), c, p)  # type: ignore[misc]
        for field, value in jumped._asdict().items():
            expected = getattr(walk.s, field)
            close = value == expected or abs(value - expected) <= ROUNDING * largest[field]
            assert close, f"advance of {what} over {k} steps gives {field} = {value!r} where single steps give {expected!r}, from {begin}"


def check_sleep(p: Any, given: Events, dt: float, what: str) -> None:
    """Asleep or awake: the same spikes, state but for rounding."""
    *_, largest = plain_run(p, given, dt)
    awake, there = engine_run(p, given, dt, what, sleeping=False)
    fired, state = engine_run(p, given, dt, what, sleeping=True)
    assert fired == awake, f"{what} fires {first_of(fired ^ awake, dt)} either with sleeping=True or False, and not in both: mend may_fire or advance"
    for field, values in state.items():
        error = np.abs(np.where(values == there[field], 0.0, values - there[field])).max()
        assert error <= ROUNDING * largest[field], f"{what}: {field} differs by {error:g} between sleeping=True and False: mend advance"
