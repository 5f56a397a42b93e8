"""A recording as an NWB file (Rübel et al. 2022, eLife 11:e78362): a Units table of spike times, time series of sampled state.

NWB keeps the spikes of a unit together, a recording keeps them in the order of firing. In one pass they are dealt out to temporary files, each
for as many units as have AT_ONCE spikes together; these are sorted one after the other. So memory is bounded by AT_ONCE, by the spikes of the
busiest neuron, and by a few numbers a unit.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from ..errors import RecordingError
from ..recording import Recording
from ..recording.reader import Sampling
from ..recording.segments import check_apart
from ..recording.writer import check_target, replacing
from .choice import Choice, Populations, choose, needed, summary

AT_ONCE = 1 << 22  # spikes sorted at once
SPIKE = np.dtype([("t", np.float64), ("id", np.uint64)])  # as it lies in a temporary file
ROWS_BYTES = 1 << 24  # of samples read at once
COMPRESSED = {"compression": "gzip", "compression_opts": 4, "shuffle": True}
SI = {"mV": ("volts", 1e-3), "pA": ("amperes", 1e-12), "nS": ("siemens", 1e-9), "ms": ("seconds", 1e-3), "Hz": ("hertz", 1.0)}
PROVENANCE = "seed seed_scheme dt_ns precision threads command git_commit git_dirty python platform cpu versions config".split()


def to_nwb(
    recording: Recording, path: str | Path, populations: Populations = None, t0: float | None = None, t1: float | None = None, force: bool = False
) -> Path:
    """Write spikes and sampled state to an NWB file; returns its path.

    path         ends in .nwb
    populations  names, or name -> numbers of elements (None: all of them); None: all populations
    t0, t1       ms, only spikes and samples with t0 < t <= t1
    force        overwrite an existing file

    Units has a row for each recorded neuron, silent ones too: id (the global one), population, node_id (the number within it), spike_times and
    obs_intervals in s. Each report is a time series in acquisition, stored in the recording's unit with the factor that makes it SI; which
    element a column belongs to stands in a table of its name in the processing module "reports". RecordingError if pynwb is not installed, if
    the file cannot be written, or if there is no such population, element or stretch of time.
    """
    with needed("pynwb"):
        import pynwb
    if Path(path).suffix != ".nwb":
        raise RecordingError(f"{path} is to be an NWB file: give it a name that ends in .nwb")
    choice = choose(recording, populations, t0, t1)
    check_apart(recording, Path(path))
    target = check_target(path, force)
    file = described(recording, choice)
    need = add_units(file, recording, choice, target.absolute().parent) + add_reports(file, recording, choice)
    with replacing(target, need) as part, pynwb.NWBHDF5IO(part, "w") as out:
        out.write(file)
    return target


def described(recording: Recording, choice: Choice) -> Any:
    """A pynwb.NWBFile that says what the recording is and how it came about."""
    from pynwb import NWBFile

    meta = recording.meta
    chosen = [recording.run_id, recording.status, choice.start, choice.stop, {name: ids.tolist() for name, ids in choice.elements.items()}]
    script = {"source_script": meta["script"], "source_script_file_name": meta["script_name"]} if meta["script"] else {}
    return NWBFile(
        session_description=summary(recording, choice),
        identifier=hashlib.sha256(json.dumps(chosen).encode()).hexdigest()[:32],  # the same export has the same
        session_start_time=datetime.fromisoformat(meta["started"]),
        session_id=recording.run_id,
        notes=json.dumps({name: meta[name] for name in PROVENANCE}, ensure_ascii=False),
        **script,
    )


# spikes ----------------------------------------------------------------------------------------------------------------


def add_units(file: Any, recording: Recording, choice: Choice, folder: Path) -> int:
    """The table of units, their spikes still to be read; returns the bytes that these will take in `folder`."""
    from hdmf.backends.hdf5 import H5DataIO
    from hdmf.common import VectorData, VectorIndex
    from pynwb.misc import Units

    from .blocks import Blocks

    units = choice.units(recording)
    total = sum(map(len, units.values()))
    if not total:
        return 0
    numbers = {name: spike_numbers(recording, name, choice)[ids] for name, ids in units.items()}
    ends = np.cumsum(np.concatenate(list(numbers.values())))
    blocks = Blocks(spikes_by_unit(recording, units, numbers, choice, folder), (int(ends[-1]),), np.float64)
    times = VectorData(name="spike_times", description="Times of the spikes of each unit.", data=H5DataIO(blocks, **COMPRESSED))
    watched = VectorData(
        name="obs_intervals",
        description="The stretch of simulated time that is in this file.",
        data=np.tile([choice.start / 1000.0, choice.stop / 1000.0], (total, 1)),
    )
    populations = [name for name, ids in units.items() for _ in ids]
    file.units = Units(
        name="units",
        description="Recorded neurons; id is the number within the network.",
        id=np.concatenate([recording.populations[name].offset + ids for name, ids in units.items()]),
        resolution=recording.dt / 1000.0,
        columns=[
            VectorData(name="population", description="Population of the neuron.", data=populations),
            VectorData(name="node_id", description="Number of the neuron within its population, from 0.", data=np.concatenate(list(units.values()))),
            VectorIndex(name="spike_times_index", target=times, data=ends),  # before its target: hdmf asks for this if that is an iterator
            times,
            VectorIndex(name="obs_intervals_index", target=watched, data=np.arange(1, total + 1)),
            watched,
        ],
        colnames=["population", "node_id", "spike_times", "obs_intervals"],
    )
    return (8 + SPIKE.itemsize) * int(ends[-1]) + 64 * total


def spike_numbers(recording: Recording, population: str, choice: Choice) -> np.ndarray:
    """Number of spikes of each element of a population [n]."""
    n = recording.populations[population].n
    numbers = np.zeros(n, dtype=np.int64)
    for _, ids in recording.blocks(population, choice.t0, choice.t1):
        numbers += np.bincount(ids.astype(np.int64), minlength=n)
    return numbers


def spikes_by_unit(
    recording: Recording, units: dict[str, np.ndarray], numbers: dict[str, np.ndarray], choice: Choice, folder: Path
) -> Iterator[np.ndarray]:
    """Times in s of the spikes of all units, one unit after the other, in blocks of about AT_ONCE.

    numbers  population -> number of spikes of each of its units
    folder   of temporary files
    """
    for name, ids in units.items():
        firsts = np.array([ids[part.start] for part in runs(numbers[name], AT_ONCE)])
        chosen = np.zeros(recording.populations[name].n, dtype=bool)
        chosen[ids] = True
        with TemporaryDirectory(prefix=".spikes", dir=folder) as shelf:
            files = [Path(shelf, str(k)) for k in range(len(firsts))]
            for times, who in recording.blocks(name, choice.t0, choice.t1):
                deal_out(times[chosen[who]], who[chosen[who]], firsts, files)
            for file in files:
                if file.exists():
                    spikes = np.fromfile(file, SPIKE)
                    yield seconds(spikes["t"][np.lexsort((spikes["t"], spikes["id"]))])


def deal_out(times: np.ndarray, ids: np.ndarray, firsts: np.ndarray, files: list[Path]) -> None:
    """Append spikes [k] to files: file k takes ids from firsts[k] up to firsts[k + 1]."""
    spikes = np.empty(len(times), SPIKE)
    spikes["t"], spikes["id"] = times, ids
    which = np.searchsorted(firsts, ids.astype(np.int64), side="right") - 1
    spikes = spikes[np.argsort(which, kind="stable")]
    ends = np.cumsum(np.bincount(which, minlength=len(files)))
    for file, part in zip(files, np.split(spikes, ends[:-1]), strict=True):
        if len(part):
            with open(file, "ab") as out:
                part.tofile(out)


def runs(sizes: np.ndarray, most: int) -> Iterator[slice]:
    """Consecutive stretches of `sizes` [n] that sum to `most` or less, or have one member."""
    ends, begin = np.cumsum(sizes), 0
    while begin < len(sizes):
        before = ends[begin - 1] if begin else 0
        stop = max(begin + 1, int(np.searchsorted(ends, before + most, side="right")))
        yield slice(begin, stop)
        begin = stop


def seconds(times: np.ndarray) -> np.ndarray:
    """Times in s of times in ms; their nanoseconds are whole, so 0.3 ms is 0.0003 s and comes back as 0.3 ms."""
    return np.rint(times * 1e6) / 1e9


# samples ---------------------------------------------------------------------------------------------------------------


def add_reports(file: Any, recording: Recording, choice: Choice) -> int:
    """A time series for each report, its samples still to be read; returns the bytes of these."""
    from hdmf.backends.hdf5 import H5DataIO
    from hdmf.common import DynamicTable, VectorData
    from pynwb import TimeSeries

    from .blocks import Blocks

    need = 0
    for population, variable, sampling, columns in choice.reports(recording):
        name, shape = f"{population}.{variable}", (len(sampling.t), len(columns))
        unit, factor = SI.get(sampling.units, (sampling.units, 1.0))
        series = TimeSeries(
            name=name,
            data=H5DataIO(Blocks(sample_blocks(recording, sampling, columns), shape, np.float32), **COMPRESSED),
            unit=unit,
            conversion=factor,
            starting_time=float(seconds(sampling.t[0])) if len(sampling.t) else choice.start / 1000.0,
            rate=1000.0 / sampling.every,
            description=f"{variable} of chosen elements of population {population}, a column each, in {sampling.units}.",
        )
        file.add_acquisition(series)
        if "reports" not in file.processing:
            file.create_processing_module("reports", "Which element each column of a time series belongs to.")
        nodes = VectorData(name="node_id", description="Number within the population, from 0.", data=sampling.ids[columns].astype(np.int64))
        table = DynamicTable(name=name, description=f"Elements of population {population}: row k is column k of {name}.", columns=[nodes])
        file.processing["reports"].add(table)
        need += 4 * shape[0] * shape[1]
    return need


def sample_blocks(recording: Recording, sampling: Sampling, columns: np.ndarray) -> Iterator[np.ndarray]:
    """Chosen columns of a report [k, n_columns], block by block."""
    end, at_once = sampling.begin + len(sampling.t), max(1, ROWS_BYTES // (4 * len(sampling.ids)))
    for begin in range(sampling.begin, end, at_once):
        yield recording.rows(sampling.path, begin, min(begin + at_once, end))[:, columns]
