"""What to record, said as values: which elements' spikes, which variable of which elements how often."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..errors import RecordingError
from ..given import short

if TYPE_CHECKING:
    from ..selection import Population, Selection

    Chosen = Population | Selection | str


class Sample(NamedTuple):
    """One state variable of chosen elements, taken every so many ms."""

    selection: Any  # population, selection or name of a population
    variable: str
    every: float = 1.0  # ms


class Part(NamedTuple):
    """The elements of one population within a selection, and their columns in the samples of the whole selection."""

    population: str
    nodes: np.ndarray  # [n] int64, numbers within the population
    columns: np.ndarray  # [n] int64


def resolve(net: Any, chosen: Chosen) -> Population | Selection:
    """A population or selection of `net` from itself or from a population's name."""
    found = net[chosen] if isinstance(chosen, str) else chosen
    if not hasattr(found, "parts"):
        raise RecordingError(f"{short(chosen)} cannot be recorded: give a population, a selection of it such as exc[:50], or a population's name")
    return found


def split_by_population(selection: Population | Selection) -> list[Part]:
    """A selection, population by population; columns follow the order of the selection."""
    nodes: dict[str, list[np.ndarray]] = {}
    columns: dict[str, list[np.ndarray]] = {}
    begin = 0
    for population, index in selection.parts:
        nodes.setdefault(population.name, []).append(np.asarray(index, dtype=np.int64))
        columns.setdefault(population.name, []).append(np.arange(begin, begin + len(index)))
        begin += len(index)
    return [Part(name, np.concatenate(nodes[name]), np.concatenate(columns[name])) for name in nodes]


def check_chosen(spikes: Any, state: Any) -> None:
    """Refuse a choice of spikes or samples that is none."""
    if not isinstance(spikes, (bool, str)) and not hasattr(spikes, "parts") and not isinstance(spikes, Iterable):
        raise RecordingError(f"spikes is {short(spikes)}: give True, False, or a list of populations, selections and names")
    if isinstance(state, (str, Sample)) or not isinstance(state, Iterable) or not all(isinstance(s, Sample) for s in state):
        raise RecordingError(f"state is {short(state)}: give a list of Samples, such as [Sample(exc[:10], 'v', every=0.5)]")


def chosen_spikes(net: Any, spikes: bool | Iterable[Chosen]) -> dict[str, np.ndarray | None]:
    """Population -> sorted numbers of its elements whose spikes are wanted, None for all of them."""
    if isinstance(spikes, bool):
        return dict.fromkeys(net.populations) if spikes else {}
    if isinstance(spikes, str) or hasattr(spikes, "parts"):
        spikes = [spikes]  # type: ignore[list-item]
    chosen: dict[str, np.ndarray | None] = {}
    for thing in spikes:
        for part in split_by_population(resolve(net, thing)):
            before = chosen.get(part.population, np.zeros(0, dtype=np.int64))
            union = None if before is None else np.union1d(before, part.nodes)
            whole = union is None or len(union) == net.populations[part.population].n
            chosen[part.population] = None if whole else union
    return chosen
