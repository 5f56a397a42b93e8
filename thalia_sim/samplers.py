"""State variables of chosen elements, written down by the engine every so many steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .errors import PathError, nearest
from .given import short
from .kernels import loop
from .kernels.blocks import G
from .neurons.contract import model_of
from .places import field_place

if TYPE_CHECKING:
    from .simulation import Simulation

ROOM = 1 << 18  # numbers that a sampler keeps between two looks of Python


class Sampler:
    """A state variable of chosen elements, every so many steps."""

    def __init__(self, every: int, n: int, begin: int) -> None:
        self.every, self.n = every, n
        self.parts: list[tuple[int, NDArray[np.int64]]] = []  # (row of the sampler table, columns)
        self.kept: list[tuple[NDArray[np.int64], NDArray[np.float64]]] = []
        self.taken = begin  # last step that has been gathered

    def take(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """(steps [k], values [k, n]) gathered since the last call; row for step s is the state at s * dt."""
        kept, self.kept = self.kept, []
        steps = np.concatenate([np.zeros(0, np.int64), *(s for s, _ in kept)])
        return steps, np.concatenate([np.zeros((0, self.n)), *(v for _, v in kept)])

    def limit(self) -> int:
        """Last step that fits into its buffer."""
        longest = max((len(columns) for _, columns in self.parts), default=1)
        return (self.taken // self.every + max(ROOM // longest, 16)) * self.every

    def gather(self, a: loop.Arrays, step: int) -> None:
        """Take over what the engine has written up to `step`."""
        first, last = self.taken // self.every + 1, step // self.every
        if last < first:
            return
        values = np.empty((last - first + 1, self.n))
        for row, columns in self.parts:
            n, at = len(columns), a.sampler[row, loop.M_BUFFER]
            values[:, columns] = a.sample[at : at + len(values) * n].reshape(len(values), n)
            a.sampler[row, loop.M_ROW] = 0
        self.kept.append((np.arange(first, last + 1, dtype=np.int64) * self.every, values))
        self.taken = step


def add_sampler(sim: Simulation, selection: Any, variable: str, steps: int) -> Sampler:
    """A sampler for a selection: a row of the engine's table for each piece that it has elements in."""
    sampler = Sampler(steps, len(selection), sim.step)
    begin = 0
    for population, index in selection.parts:
        numbers = np.asarray(index, dtype=np.int64)
        model = model_of(population.model)
        if not isinstance(variable, str) or variable not in model.state_fields:
            raise PathError(f"population {population.name} ({model.name}) has no state {short(variable)}: {nearest(variable, model.state_fields)}")
        where, field = field_place(model, variable)
        read = 0 if where == loop.IN_HELD else model.moving.index(variable)
        for task in sim.places[population.name].tasks:
            lo, n = sim.a.geom[task, G.lo], sim.a.geom[task, G.count]
            mine = np.flatnonzero((numbers >= lo) & (numbers < lo + n))
            if len(mine):
                row = [task, steps, field, where, 0, len(mine), 0, 0, read]
                sampler.parts.append((add_row(sim, row, numbers[mine], len(model.moving)), begin + mine))
        begin += len(numbers)
    return sampler


def add_row(sim: Simulation, row: list[int], numbers: NDArray[np.int64], fields: int) -> int:
    """A row of the sampler table, with room for its samples; returns its number."""
    a = sim.a
    room = max(ROOM // len(numbers), 16) * len(numbers)
    row[loop.M_FIRST], row[loop.M_BUFFER] = len(a.sample_index), len(a.sample)
    temp = max(a.temp.shape[1], fields * len(numbers))
    sim.a = a._replace(
        sampler=np.vstack([a.sampler, np.array([row], np.int64)]),
        sample_index=np.append(a.sample_index, numbers.astype(np.int32)),
        sample=np.append(a.sample, np.zeros(room)),
        temp=np.zeros((sim.workers, temp)),
    )
    return len(sim.a.sampler) - 1
