"""Which populations are neurons, and which of them inhibit: those that send projections, and only such as inhibit. A recording of a study keeps
both lists among the options of its run."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..neurons.contract import model_of
from ..recording import Recording


class Kinds(NamedTuple):
    """Names of the populations of neurons; sources of spikes are neither."""

    excite: list[str]
    inhibit: list[str]


def neurons(net: Any) -> list[str]:
    """Names of the populations that are no mere sources of spikes."""
    return [name for name, population in net.populations.items() if model_of(population.model).kind == "neuron"]


def inhibitory(net: Any) -> list[str]:
    """Names of the populations that inhibit."""
    sends: dict[str, list[bool]] = {}
    for projection in net.projections.values():
        for population in projection.source.populations:
            sends.setdefault(population.name, []).append(projection.inhibits)
    return [name for name in net.populations if all(sends.get(name, [False]))]


def kinds_in(recording: Recording) -> Kinds:
    """The recorded populations of neurons; in a recording that says nothing of them, all excite."""
    told = recording.config["run"]
    known = [name for name in recording.populations if name in told.get("neurons", recording.populations)]
    inhibit = [name for name in known if name in told.get("inhibitory", [])]
    return Kinds([name for name in known if name not in inhibit], inhibit)
