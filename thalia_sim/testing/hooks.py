"""Does a hook do what the contract says: declared state only, the same for any workers and pieces, saved and resumed, detached?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..distributions import Uniform
from ..errors import DescriptionError
from ..given import short
from ..hooks import Hook, MemoryRecorder
from ..hooks.recorder import diagnostics_of
from ..network import Network
from ..neurons import LIF
from ..simulation import Simulation
from ..sources import Poisson
from ..wiring import probability
from .runs import check_repeats, told_as


def small_network() -> Network:
    """80 neurons `exc` and 20 `inh`, driven, with the projections exc->exc, exc->inh and inh->exc, each with a gain."""
    net = Network(seed=1)
    exc, inh = net.populate("exc", 80, LIF()), net.populate("inh", 20, LIF())
    net.drive(exc, Poisson(rate=1000.0), w=1.0)
    net.drive(inh, Poisson(rate=900.0), w=1.0)
    net.connect(exc, exc, probability(0.1), w=0.2, delay=Uniform(0.5, 4.0))
    net.connect(exc, inh, probability(0.2), w=0.3, delay=1.5)
    net.connect(inh, exc, probability(0.2), w=-0.5, delay=1.5)
    return net


def check_hook(make: Callable[[], Any], net: Network | None = None, *, span: float = 300.0) -> None:
    """Try a hook, given as a function that makes one: AssertionError or DescriptionError in one sentence if it breaks the contract.

    It runs in `net` (by default `small_network()`) for `span` ms: attributes that change are declared; diagnostics have the same names always;
    1, 2 and 4 threads, runs in pieces, reset, save and resume leave the same to the bit; it can be detached in the middle.
    """
    if not callable(make) or isinstance(make, type) or isinstance(hook := make(), type) or not isinstance(hook, Hook):
        raise DescriptionError(f"check_hook is given {short(make)}: give a function that makes a new hook, such as lambda: MyHook('exc')")
    assert make() is not hook, f"hook {hook.name} is made once and given again: let the function make a new one at each call"
    net = small_network() if net is None else net
    what = f"hook {hook.name}"
    check_attributes(hook, net, span, what)
    check_detaching(make(), net, span, what)
    if hook.is_saved:
        check_repeats(what, net, lambda: [make()], span)


def check_attributes(hook: Hook, net: Network, span: float, what: str) -> None:
    """It says when it is called, changes declared state only, and always reports the same things."""
    listens = any(getattr(type(hook), name) is not getattr(Hook, name) for name in ("spikes", "flushed", "told", "handled", "start", "finish"))
    is_due = hook.every is not None or np.size(np.asarray(hook.at, dtype=object)) > 0
    assert is_due or listens, f"{what} is never called: set every or at (ms)"
    with told_as(what):
        sim = Simulation(net, [hook])
        before = diagnostics_of(hook)
        sim.run(0.0)
        started = diagnostics_of(hook)
        sim.run(span)
        after = diagnostics_of(hook)
    if is_due and type(hook).handle is not Hook.handle:
        first = min(due.next(0) for due in sim.due if due.hook is hook)
        when = f"every is {hook.every!r} ms and at {hook.at!r}"
        assert first <= sim.step, f"{what} is not called within {span:g} ms, {when}: check_hook(..., span=...) has to be longer"
    names = {tuple(before), tuple(started), tuple(after)}
    reports = f"{what} reports {sorted(before)} before the run and {sorted(after)} after it"
    assert len(names) == 1, f"{reports}: return the same names always, nan if not known"
    changed = hook.changed_settings(sim)
    assert not changed, f"{what} changes {', '.join(changed)} in the run without declaring it: name it in self.declare(...) in start"
    for name, value in hook.state().items():
        assert isinstance(value, np.ndarray), f"{what} has the state {name} = {value!r}: state is arrays"
    sim.close()


def check_detaching(hook: Hook, net: Network, span: float, what: str) -> None:
    """Taken away in the middle of a run it finishes and is not called again."""
    half = round(0.5 * span / net.dt) * net.dt
    with told_as(what):
        sim = Simulation(net, [hook, MemoryRecorder()])
        sim.run(half)
        sim.detach(hook)
        left = {name: value.copy() for name, value in hook.state().items()}
        sim.run(half)
        sim.close()
    for name, value in hook.state().items():
        same = value.tobytes() == left[name].tobytes()
        assert same, f"{what} changes its state {name} after it was detached: let nothing else call it"
