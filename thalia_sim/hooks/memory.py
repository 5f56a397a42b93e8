"""Spikes and samples in memory, for notebooks and tests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import RecordingError
from ..recording.tables import clock_times
from .contract import Hook
from .sampling import Sample, check_chosen, chosen_spikes, resolve, split_by_population


class MemoryRecorder(Hook):
    """Keeps everything until it is started again.

    spikes  True: all populations; or a list of populations, selections and names of populations
    state   Samples: Sample(exc[:10], "v", every=0.5)
    """

    transient = ("dt", "populations", "chosen", "steps", "globals", "parts", "sources", "rows")
    is_mechanism = False

    def __init__(self, spikes: bool | Iterable[Any] = True, state: Sequence[Sample] = ()) -> None:
        check_chosen(spikes, state)
        self.wanted, self.sampled = spikes, tuple(state)

    def start(self, sim: Any) -> None:
        self.dt, self.populations = sim.dt, dict(sim.net.populations)
        self.chosen = chosen_spikes(sim.net, self.wanted)
        self.steps: list[np.ndarray] = []
        self.globals: list[np.ndarray] = []
        selections = [resolve(sim.net, sample.selection) for sample in self.sampled]
        self.parts = [split_by_population(selection) for selection in selections]
        named = [(part.population, s.variable) for parts, s in zip(self.parts, self.sampled, strict=True) for part in parts]
        for population, variable in named:
            if named.count((population, variable)) > 1:
                raise RecordingError(f"{variable} of {population} is sampled twice: give one Sample of all the elements, such as exc[[0, 5, 7]]")
        self.sources = [sim.sample(sel, s.variable, every=s.every) for sel, s in zip(selections, self.sampled, strict=True)]
        self.rows: list[list[tuple[np.ndarray, np.ndarray]]] = [[] for _ in self.sources]

    def spikes(self, sim: Any, steps: np.ndarray, ids: np.ndarray) -> None:
        if self.chosen:
            self.steps.append(np.array(steps, dtype=np.int64))
            self.globals.append(np.array(ids, dtype=np.int64))

    def flushed(self, sim: Any) -> None:
        self.gather()

    def finish(self, sim: Any, status: str) -> None:
        self.gather()

    def gather(self) -> None:
        for source, rows in zip(self.sources, self.rows, strict=True):
            steps, values = source.take()
            if len(steps):
                rows.append((np.array(steps), np.array(values)))

    def state(self) -> dict[str, np.ndarray]:
        """All that was kept."""
        self.gather()
        kept = {"steps": np.concatenate([np.zeros(0, np.int64), *self.steps]), "globals": np.concatenate([np.zeros(0, np.int64), *self.globals])}
        for k, rows in enumerate(self.rows):
            if rows:
                kept[f"rows{k}.steps"] = np.concatenate([s for s, _ in rows])
                kept[f"rows{k}.values"] = np.concatenate([v for _, v in rows])
        return kept

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        self.steps, self.globals = [state["steps"]], [state["globals"]]
        for k, rows in enumerate(self.rows):
            if f"rows{k}.steps" in state:
                rows.append((state[f"rows{k}.steps"], state[f"rows{k}.values"]))

    def times(self, population: str) -> np.ndarray:
        """Times of all spikes of a population, [k] ms, in the order of firing."""
        return self.spikes_of(population)[0]

    def ids(self, population: str) -> np.ndarray:
        """Elements that fired, numbered within the population, [k]; row k belongs to row k of `times`."""
        return self.spikes_of(population)[1]

    def spikes_of(self, population: str) -> tuple[np.ndarray, np.ndarray]:
        if not hasattr(self, "chosen"):
            raise RecordingError("nothing was kept yet: give this recorder to a Simulation and run it first")
        if population not in self.chosen:
            raise RecordingError(f"spikes of {population!r} are not kept: known are {', '.join(self.chosen) or 'none'}")
        p, numbers = self.populations[population], self.chosen[population]
        steps = np.concatenate([*self.steps, np.zeros(0, dtype=np.int64)])
        ids = np.concatenate([*self.globals, np.zeros(0, dtype=np.int64)]) - p.offset
        mine = (ids >= 0) & (ids < p.n)
        if numbers is not None:
            mine &= np.isin(ids, numbers)
        return clock_times(steps[mine] + 1, self.dt), ids[mine]

    def samples(self, population: str, variable: str) -> tuple[np.ndarray, np.ndarray]:
        """(times [T] ms, values [T, n]) of a sampled variable; columns in the order of the selection."""
        for sample, parts, rows in zip(self.sampled, self.parts, self.rows, strict=True):
            for part in parts:
                if part.population == population and sample.variable == variable:
                    steps = np.concatenate([*(s for s, _ in rows), np.zeros(0, dtype=np.int64)])
                    values = np.concatenate([*(v[:, part.columns] for _, v in rows), np.zeros((0, len(part.nodes)))])
                    return clock_times(steps, self.dt), values
        raise RecordingError(f"{variable} of {population} is not sampled: give state=[Sample({population}, {variable!r})]")
