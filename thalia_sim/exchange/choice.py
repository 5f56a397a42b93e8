"""What of a recording is handed on: some populations, some of their elements, a stretch of time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from ..errors import RecordingError
from ..recording import Recording
from ..recording.reader import Sampling, element_mask

Populations = Iterable[str] | Mapping[str, Any] | None


class Choice(NamedTuple):
    """Spikes and samples with t0 < t <= t1 of the chosen elements."""

    elements: dict[str, np.ndarray]  # population -> sorted numbers [n] of its chosen elements
    t0: float | None  # ms, None: no bound
    t1: float | None  # ms, None: no bound
    start: float  # ms, where the stretch begins
    stop: float  # ms, where it ends

    def units(self, recording: Recording) -> dict[str, np.ndarray]:
        """Population -> sorted numbers [n] of the chosen elements whose spikes were recorded."""
        both = [name for name in recording.populations if name in self.elements]
        return {name: np.intersect1d(self.elements[name], recording.recorded_ids(name)) for name in both}

    def reports(self, recording: Recording) -> Iterator[tuple[str, str, Sampling, np.ndarray]]:
        """(population, variable, where its samples lie, chosen columns [k]) of each report that has any."""
        for population, variable in recording.reports():
            sampling = recording.sampling(population, variable, self.t0, self.t1)
            columns = np.flatnonzero(np.isin(sampling.ids.astype(np.int64), self.elements.get(population, ())))
            if len(columns):
                yield population, variable, sampling, columns


def choose(recording: Recording, populations: Populations, t0: float | None, t1: float | None) -> Choice:
    """The choice; RecordingError if there is no such population or element, or nothing in that stretch of time.

    populations  names, or name -> numbers of elements (None: all); None: all populations
    t0, t1       ms
    """
    sizes = {p["name"]: p["n"] for p in recording.meta["populations"]}
    sampled = [population for population, _ in recording.reports()]
    there = [name for name in sizes if name in recording.populations or name in sampled]
    named = [populations] if isinstance(populations, str) else there if populations is None else populations
    wanted = dict(named) if isinstance(named, Mapping) else dict.fromkeys(named)
    for name in wanted:
        recording.known(name, there, "spikes or samples")
    elements = {name: np.arange(sizes[name]) if ids is None else np.flatnonzero(element_mask(ids, name, sizes[name])) for name, ids in wanted.items()}
    begin, end = recording.begin, recording.begin + recording.duration
    start, stop = begin if t0 is None else max(t0, begin), end if t1 is None else min(t1, end)
    if start >= stop and not (t0 is None and t1 is None):
        raise RecordingError(f"nothing of {recording.path} lies from {start:g} to {stop:g} ms: it holds {begin:g} to {end:g} ms")
    return Choice(elements, t0, t1, start, stop)


def summary(recording: Recording, choice: Choice) -> str:
    """One sentence: what it is, and how much of it."""
    state = "not finished: this is what was committed" if recording.status == "running" else recording.status
    return f"Simulation of a spiking network by thalia_sim, {choice.start:g} to {choice.stop:g} ms of simulated time; the run is {state}."


@contextmanager
def needed(library: str) -> Iterator[None]:
    """Around the import of an optional library: RecordingError if it cannot be had."""
    try:
        yield
    except ImportError as error:
        raise RecordingError(f'{library} cannot be loaded ({error}): pip install "thalia-sim[exchange]"') from error
