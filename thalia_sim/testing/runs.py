"""The same run in other ways: on other numbers of workers, in pieces, saved and resumed. What it leaves must be the same, to the bit."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import CheckpointError, DescriptionError, EmptyProjection, RecordingError, SimulationError, UnusualValue
from ..hooks import Hook, MemoryRecorder
from ..neurons.contract import model_of
from ..simulation import Simulation

Outcome = dict[str, NDArray[Any]]
PIECES = (0.1, 3.7, 0.3, 12.6)  # ms


@contextmanager
def told_as(what: str) -> Iterator[None]:
    """Errors of a run as AssertionErrors of one sentence; questions about unusual values are let pass."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", (EmptyProjection, UnusualValue))
            yield
    except (SimulationError, CheckpointError, RecordingError) as error:
        raise AssertionError(f"{what} cannot be run: {error}") from error
    except (AssertionError, DescriptionError):
        raise
    except Exception as error:
        raise AssertionError(f"{what} raises {type(error).__name__}: {one_sentence(error)}") from error


def outcome(sim: Any) -> Outcome:
    """What a run left, by name: spikes, state, weights, and state and diagnostics of the hooks (a MemoryRecorder is the last of them)."""
    *others, memory = sim.hooks
    found: Outcome = {}
    for name, population in sim.net.populations.items():
        found[f"times of {name}"], found[f"spikes of {name}"] = memory.spikes_of(name)
        if model_of(population.model).kind == "neuron":
            found |= {f"{field} of {name}": getattr(sim[name], field) for field in model_of(population.model).state_fields}
    for name, projection in sim.net.projections.items():
        fields = [] if projection.chain is None else [f for f in sim[name].learning.names if f not in all_parameters(projection)]
        found |= {f"{field} of {name}": np.asarray(getattr(sim[name], field)) for field in ("w", *fields)}
    for hook in others:
        found |= {f"state {field} of hook {hook.name}": np.array(value) for field, value in hook.state().items()}
        found |= {f"diagnostic {field} of hook {hook.name}": np.array(value) for field, value in hook.diagnostics().items()}
    return found


def all_parameters(projection: Any) -> set[str]:
    """Names by which parameters of the rules of a projection go."""
    return {name for p in projection.chain.rules for field in p._fields for name in (field, f"{type(p).__name__}.{field}")}


def first_difference(a: Outcome, b: Outcome) -> str | None:
    """Name of the first thing that is not the same to the bit."""
    if a.keys() != b.keys():
        return next(iter(a.keys() ^ b.keys()))
    return next((name for name in a if not same(a[name], b[name])), None)


def same(a: NDArray[Any], b: NDArray[Any]) -> bool:
    """To the bit; of texts their letters, since a checkpoint leaves out the room behind them."""
    return a.shape == b.shape and (bool((a == b).all()) if a.dtype.kind == "S" else a.tobytes() == b.tobytes())


def check_repeats(what: str, net: Any, hooks: Callable[[], list[Hook]], span: float, blocks: int = 4) -> Outcome:
    """Run a network for `span` ms as a whole, again, on 2 and 4 workers, in pieces, after reset(), and saved and resumed in the middle."""

    def simulation(threads: int = 1) -> Any:
        return Simulation(net, [*hooks(), MemoryRecorder()], threads=threads, blocks=blocks)

    with told_as(what):
        sim = simulation()
        sim.run(span)
        whole = outcome(sim)
        with tempfile.TemporaryDirectory() as folder:
            for how, other in (
                ("in the same run a second time: it depends on something that is neither a parameter nor declared state", again(simulation(), span)),
                ("on 2 threads", again(simulation(2), span)),
                ("on 4 threads", again(simulation(4), span)),
                ("in a run cut in pieces: it depends on when it is called", pieces(simulation(), span)),
                ("after reset(): set all state in start", after_reset(simulation(), span)),
                ("after save and resume: declare all state", resumed(simulation(), span, Path(folder) / "a.h5")),
            ):
                name = first_difference(whole, other)
                assert name is None, f"{what}: {name} is not the same {how}"
    return whole


def again(sim: Any, span: float) -> Outcome:
    sim.run(span)
    return outcome(sim)


def pieces(sim: Any, span: float) -> Outcome:
    while sim.t + sum(PIECES) < span:
        for piece in PIECES:
            sim.run(round(piece / sim.dt) * sim.dt if piece >= sim.dt else sim.dt)
    sim.run(until=span)
    return outcome(sim)


def after_reset(sim: Any, span: float) -> Outcome:
    sim.run(round(0.3 * span / sim.dt) * sim.dt)
    sim.reset()
    sim.run(span)
    return outcome(sim)


def resumed(sim: Any, span: float, path: Path) -> Outcome:
    sim.run(round(0.4 * span / sim.dt) * sim.dt)
    sim.save(path)
    later = Simulation.resume(path, threads=2)
    later.run(until=span)
    return outcome(later)


def one_sentence(error: Exception) -> str:
    """First line of an error."""
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__


def instance(thing: Any, what: str) -> Any:
    """A model or rule with its default parameters, if its class was given."""
    if not isinstance(thing, type):
        return thing
    try:
        return thing()
    except TypeError as error:
        raise DescriptionError(f"{what} {thing.__name__} has parameters without a default ({one_sentence(error)}): give it with them") from None
