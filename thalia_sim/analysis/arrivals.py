"""What reached a neuron before a moment, from the spikes and weights in a recording."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..recording import Recording

SPAN = 10.0  # ms that are looked back over


class Arrivals(NamedTuple):
    """Spikes that arrived at a neuron."""

    found: list[dict[str, Any]]  # t_ms of the arrival, projection, population and id of the source, w; in order of time
    unknown: list[str]  # projections to the neuron whose synapses were not recorded


def arrivals(recording: Recording, population: str, element: int, t: float, span: float = SPAN) -> Arrivals:
    """Spikes that arrived at an element in the `span` ms up to t, through projections whose weights were recorded."""
    found: list[dict[str, Any]] = []
    unknown = []
    recorded = recording.projections()
    for name, described in recording.config["network"]["projections"].items():
        number = number_in(described["target"], population, element)
        if number is None and all(len(part) == 3 for part in described["target"]):
            continue
        if number is None or name not in recorded or any(len(part) != 3 for part in described["source"]):
            unknown.append(name)
            continue
        found += through(recording, name, described["source"], number, t, span)
    return Arrivals(sorted(found, key=lambda one: one["t_ms"]), unknown)


def number_in(parts: list[list[Any]], population: str, element: int) -> int | None:
    """Number of an element within a selection as configurations describe it, [population, start, stop] each; None if it is not in it."""
    begin = 0
    for part in parts:
        if len(part) != 3:
            return None
        name, start, stop = part
        if name == population and start <= element < stop:
            return begin + element - int(start)
        begin += stop - start
    return None


def through(recording: Recording, projection: str, sources: list[list[Any]], number: int, t: float, span: float) -> list[dict[str, Any]]:
    """Arrivals at target `number` of a projection."""
    weights = recording.weights(projection)
    mine = np.flatnonzero(weights.j == number)
    if not len(mine):
        return []
    i, delay = weights.i[mine].astype(np.int64), np.round(weights.delay[mine].astype(float), 6)
    before = np.flatnonzero(weights.t <= t)
    w = weights.snapshot(int(before[-1]))[mine] if len(before) else np.full(len(mine), np.nan)
    found = []
    begin = 0
    for name, start, stop in sources:
        part = (i >= begin) & (i < begin + stop - start)
        ids = i[part] - begin + start
        begin += stop - start
        if not part.any() or name not in recording.populations:
            continue
        times, who = recording.spikes(name, t - span - delay.max() - 1e-6, t, ids=np.unique(ids))
        for source, pause, weight in zip(ids, delay[part], w[part], strict=True):
            came = times[who == source] + pause
            for at in came[(came > t - span + 1e-9) & (came <= t + 1e-9)]:
                found.append({"t_ms": round(float(at), 6), "projection": projection, "population": name, "id": int(source), "w": float(weight)})
    return found
