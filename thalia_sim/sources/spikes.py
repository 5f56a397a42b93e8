"""Populations that fire at given times: from arrays, or from a SONATA spike file.

A spike at time t (ms) is put on the grid, at the nearest step, and is then sent as a neuron's spike at that time would be.
"""

import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..errors import DescriptionError, RecordingError
from ..given import array_problem, as_array, is_number, is_path, short
from .contract import source

MOST_STEPS = 1e12  # to the last spike


@source
class SpikeArray(NamedTuple):
    """Spikes at `times` by the elements `ids` (numbers within the population), in any order."""

    times: Any = ()  # ms
    ids: Any = ()

    def spikes(self) -> tuple[np.ndarray, np.ndarray]:
        """(times [n] ms, ids [n])."""
        return np.atleast_1d(as_array(self.times)), np.atleast_1d(as_array(self.ids))

    def check(self, n: int, dt: float, where: str, whole: bool) -> None:
        checked_spikes(self.spikes(), n, dt, where, whole)


@source
class SpikeFile(NamedTuple):
    """Spikes of one population of a SONATA spike file (HDF5: /spikes/<population>/timestamps, node_ids)."""

    path: str = ""
    population: str | None = None  # None: the only one in the file
    start: float = 0.0  # ms, added to each time

    def spikes(self) -> tuple[np.ndarray, np.ndarray]:
        """(times [n] ms, ids [n])."""
        times, ids = read_sonata(self.path, self.population)
        return times + self.start, ids

    def check(self, n: int, dt: float, where: str, whole: bool) -> None:
        if not is_path(self.path) or not isinstance(self.population, (str, type(None))):
            found = f"path {short(self.path)} and population {short(self.population)}"
            raise DescriptionError(f"{where} has {found}: give the name of a file, and a text or None as population")
        if not is_number(self.start) or not math.isfinite(self.start):
            raise DescriptionError(f"start of {where} is {short(self.start)}: give a finite number of ms")
        checked_spikes(self.spikes(), n, dt, where)


UNITS = {"ms": 1.0, "milliseconds": 1.0, "s": 1000.0, "seconds": 1000.0}


def read_sonata(path: str, population: str | None = None) -> tuple[np.ndarray, np.ndarray]:
    """(times [n] ms, node ids [n]) of a population of a SONATA spike file; of a recording of ours, verified."""
    from ..integrity.checked_file import CheckedFile

    try:
        with CheckedFile(Path(path)) as file:
            found = file.names("/spikes")
            name = found[0] if population is None and len(found) == 1 else population
            if name is None or name not in found:
                wanted = "one of several" if population is None else repr(population)
                raise DescriptionError(f"spike file {path} has populations {found}: {wanted} was asked for, name one of them")
            times, ids = f"/spikes/{name}/timestamps", f"/spikes/{name}/node_ids"
            unit = str(file.attributes(times).get("units", "ms"))
            if unit not in UNITS:
                raise DescriptionError(f"spike file {path} has times in {unit!r}: give a file in ms or s")
            return file.rows(times) * UNITS[unit], file.rows(ids)
    except DescriptionError:
        raise
    except (OSError, KeyError, TypeError, ValueError, AttributeError, RecordingError) as error:
        why = " ".join(str(error).split())
        raise DescriptionError(f"spike file {path!r} cannot be read as SONATA spikes ({why}): check the path and the file") from error


def checked_spikes(
    spikes: tuple[np.ndarray, np.ndarray], n: int, dt: float, where: str, whole: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """(steps, ids) of spikes (times, ids), checked against a population of n elements; a spike at t is of step t/dt - 1."""
    times, ids = spikes
    if times.ndim != 1 or ids.ndim != 1 or (whole and len(times) != len(ids)):
        raise DescriptionError(f"{where} has {times.shape} spike times and {ids.shape} ids: give two lists of one length")
    problem = array_problem(times)
    if problem:
        raise DescriptionError(f"list of spike times of {where} {problem}")
    if len(ids) and ids.dtype.kind not in "iu":
        raise DescriptionError(f"{where} has spike ids of type {ids.dtype}: give whole numbers")
    if len(ids) and (ids.min() < 0 or ids.max() >= n):
        worst = ids.min() if ids.min() < 0 else ids.max()
        raise DescriptionError(f"{where} has a spike of element {worst}: it has elements 0..{n - 1}")
    steps = np.floor(times / dt + 0.5) - 1
    if len(steps) and steps.min() < 0:
        raise DescriptionError(f"{where} has a spike at {times.min():g} ms: the first can be at one step, {dt:g} ms")
    if len(steps) and steps.max() >= MOST_STEPS:
        raise DescriptionError(f"{where} has a spike at {times.max():g} ms: the last can be at {MOST_STEPS:g} steps, {MOST_STEPS * dt:g} ms")
    return steps.astype(np.int64), ids.astype(np.int64)


def on_grid(spikes: tuple[np.ndarray, np.ndarray], n: int, dt: float, name: str) -> tuple[np.ndarray, np.ndarray]:
    """(steps, ids) of spikes (times, ids) of a population of n elements, in order of (step, id)."""
    steps, ids = checked_spikes(spikes, n, dt, f"population {name}")
    order = np.lexsort((ids, steps))
    return steps[order], ids[order]
