"""What goes into a recording, kind by kind: spikes, counts, sampled state, weights, diagnostics.

Each table declares its datasets in a RecordingWriter and turns what the engine hands over (steps, global ids, rows of samples) into rows of
them, with whole arrays only. Nothing here knows the simulation.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import h5py
import numpy as np

from ..errors import RecordingError
from . import format as fmt
from .writer import Column, RecordingWriter, plain, seal

BLOCK = 131_072  # spikes buffered before they are split by population


def clock_times(steps: np.ndarray, dt: float) -> np.ndarray:
    """Times in ms of clock values; the nanoseconds are whole, so that 3 steps of 0.1 ms are 0.3 ms and not 0.30000000000000004."""
    return np.asarray(steps, dtype=np.int64) * round(dt * 1e6) / 1e6


class Members(NamedTuple):
    """One population as the recording knows it."""

    name: str
    n: int
    offset: int  # global id of its first element
    model: str


class SpikeTable:
    """Spikes of the chosen populations, and counts of all populations per bin, from batches in the order of firing.

    chosen     population -> None (all elements) or the sorted numbers of those recorded; populations left out are not recorded
    count_bin  ms, or None for no counts
    first_step clock value at which the recording begins
    """

    def __init__(
        self,
        writer: RecordingWriter,
        populations: Sequence[Members],
        chosen: Mapping[str, np.ndarray | None],
        dt: float,
        count_bin: float | None = None,
        first_step: int = 0,
    ) -> None:
        self.dt, self.populations = dt, populations
        n_total = max((p.offset + p.n for p in populations), default=0)
        self.owner = np.zeros(n_total, dtype=np.uint16)  # [n_total] index of the population of each global id
        for k, p in enumerate(populations):
            self.owner[p.offset : p.offset + p.n] = k
        self.steps = np.empty(BLOCK, dtype=np.int64)
        self.ids = np.empty(BLOCK, dtype=np.int64)
        self.waiting = 0
        self.last_step, self.in_order = 0, True
        self.columns = {name: declare_spikes(writer, p, chosen[p.name]) for name, p in by_name(populations).items() if name in chosen}
        self.kept = {name: mask_of(chosen[name], by_name(populations)[name].n) for name in self.columns}
        self.counts = CountTable(writer, populations, dt, count_bin, first_step) if count_bin is not None else None
        writer.at_end.append(self.declare_order)

    @property
    def full(self) -> bool:
        """Whether so many spikes wait that a commit is due."""
        return self.waiting > BLOCK // 2

    def append(self, steps: np.ndarray, ids: np.ndarray) -> None:
        """Take a batch; the arrays are copied."""
        begin = 0
        while begin < len(steps):
            if self.waiting == BLOCK:
                self.split(int(self.steps[-1]))
            end = min(len(steps), begin + BLOCK - self.waiting)
            place = slice(self.waiting, self.waiting + end - begin)
            self.steps[place], self.ids[place] = steps[begin:end], ids[begin:end]
            self.waiting, begin = place.stop, end

    def split(self, step: int) -> None:
        """Pass what waits on to the columns; all spikes of steps before `step` have been handed over."""
        steps, ids = self.steps[: self.waiting], self.ids[: self.waiting]
        owner = self.owner[ids]
        if self.counts is not None:
            self.counts.append(steps, owner, step)
        if not self.waiting:
            return
        self.in_order &= bool(steps[0] >= self.last_step and (np.diff(steps) >= 0).all())
        self.last_step = int(steps[-1])
        order = np.argsort(owner, kind="stable")  # a radix sort: keeps the order of time within a population
        ends = np.searchsorted(owner[order], np.arange(len(self.populations) + 1))
        times, ids = clock_times(steps[order] + 1, self.dt), ids[order]
        for k, p in enumerate(self.populations):
            part = slice(ends[k], ends[k + 1])
            if p.name in self.columns and part.start < part.stop:
                self.keep(p, times[part], ids[part] - p.offset)
        self.waiting = 0

    def keep(self, p: Members, times: np.ndarray, ids: np.ndarray) -> None:
        mask = self.kept[p.name]
        if mask is not None:
            chosen = mask[ids]
            times, ids = times[chosen], ids[chosen]
        to_times, to_ids = self.columns[p.name]
        to_times.append(times)
        to_ids.append(ids)

    def close(self, step: int) -> None:
        """Pass on all that is left."""
        self.split(step)
        if self.counts is not None:
            self.counts.close(step)

    def declare_order(self, file: h5py.File) -> None:
        """`sorting = by_time`, if it was so: an untrue one would mislead readers that search by halves."""
        kind = h5py.enum_dtype(fmt.SORTING, basetype="u1")
        for name in self.columns if self.in_order else ():
            file[f"/spikes/{name}"].attrs.create("sorting", fmt.SORTING["by_time"], dtype=kind)


def by_name(populations: Sequence[Members]) -> dict[str, Members]:
    return {p.name: p for p in populations}


def mask_of(numbers: np.ndarray | None, n: int) -> np.ndarray | None:
    """Truth values [n] of the given numbers, None if all are meant."""
    if numbers is None:
        return None
    mask = np.zeros(n, dtype=bool)
    mask[numbers] = True
    return mask


def declare_spikes(writer: RecordingWriter, p: Members, chosen: np.ndarray | None) -> tuple[Column, Column]:
    n_recorded = p.n if chosen is None else len(chosen)
    attributes = {"n": p.n, "n_recorded": n_recorded, "offset": p.offset, "model": p.model}
    writer.group("/spikes/{population}", attributes, population=p.name)
    if chosen is not None:
        writer.group_once("/thalia/recorded")
        writer.constant(fmt.RECORDED.named(population=p.name), chosen)
    return writer.column(fmt.SPIKE_TIMES.named(population=p.name)), writer.column(fmt.SPIKE_IDS.named(population=p.name))


class CountTable:
    """Spikes of every population in bins of `width` ms. Bin k holds the steps k * bin_steps to (k + 1) * bin_steps - 1; the first bin of a
    recording that begins later is the one in which it begins."""

    def __init__(self, writer: RecordingWriter, populations: Sequence[Members], dt: float, width: float, first_step: int = 0) -> None:
        self.bin_steps, self.n = max(1, round(width / dt)), len(populations)
        if not np.isclose(self.bin_steps * dt, width):
            raise RecordingError(f"counts = {width} ms is no whole number of steps of {dt} ms: choose a multiple")
        first = first_step // self.bin_steps
        start = float(clock_times(np.array(first * self.bin_steps), dt))
        writer.group("/thalia/counts", {"bin": self.bin_steps * dt, "start": start, "units": "ms"})
        writer.constant(fmt.COUNTS_NAMES, [p.name for p in populations])
        self.column = writer.column(fmt.COUNTS, width=self.n)
        self.done = first + writer.base.get(fmt.COUNTS.path, 0)  # first bin that is not over
        self.open = np.zeros(self.n, dtype=np.int64)  # [n_populations] counts of the bin that is not over yet

    def append(self, steps: np.ndarray, owner: np.ndarray, step: int) -> None:
        """Count spikes; the bins that end at or before `step` are over."""
        over = max(step // self.bin_steps - self.done, 0)
        n_bins = max(over, int(steps[-1]) // self.bin_steps - self.done if len(steps) else 0) + 1
        cells = (steps // self.bin_steps - self.done) * self.n + owner
        counts = np.bincount(cells, minlength=n_bins * self.n).reshape(n_bins, self.n)
        counts[0] += self.open
        self.column.append(counts[:over].astype(np.uint32))
        self.open = counts[over].copy()
        self.done += over

    def close(self, step: int) -> None:
        """Write the last bin, though it was cut short."""
        if step > self.done * self.bin_steps:
            self.column.append(self.open[None].astype(np.uint32))
            self.done += 1


class ReportTable:
    """Samples of one variable of one population, as a SONATA report.

    nodes  [n] numbers of the elements within the population, in the order of the columns
    every  ms between rows
    """

    def __init__(
        self, writer: RecordingWriter, population: str, variable: str, units: str, nodes: np.ndarray, every: float, dt: float
    ) -> None:
        reports = writer.file["/report"].values()
        if (population, variable) in [(g.attrs["population"].decode(), g.attrs["variable"].decode()) for g in reports]:
            raise RecordingError(f"{variable} of {population} is sampled twice: put all its elements into one Sample")
        report = fmt.report_name(population, variable, first=f"/report/{population}" not in writer.file)
        words = {"report": report, "population": population, "variable": variable, "units": units, "every": f"{every:g}"}
        writer.group("/report/{report}", {"population": population, "variable": variable, "every": every}, **words)
        mapping = writer.group("/report/{report}/mapping", {}, **words)
        nodes, n = np.asarray(nodes, dtype=np.uint64), len(nodes)
        dataset = writer.constant(fmt.REPORT_NODES.named(**words), nodes)
        dataset.attrs["sorted"] = np.uint8((nodes[1:] > nodes[:-1]).all())
        writer.constant(fmt.REPORT_POINTERS.named(**words), np.arange(n + 1))
        mapping["index_pointer"] = mapping["index_pointers"]  # the name that bmtk reads
        writer.constant(fmt.REPORT_ELEMENTS.named(**words), np.zeros(n))
        writer.constant(fmt.REPORT_POSITIONS.named(**words), np.full(n, 0.5))
        self.time = writer.array(fmt.REPORT_TIME.named(**words), [0.0, 0.0, every])
        self.column = writer.column(fmt.REPORT_DATA.named(**words), width=n)
        self.path, self.every, self.dt = f"/report/{report}", every, dt
        self.start: float | None = None  # ms, of the first row
        writer.at_end.append(self.set_times)

    def append(self, steps: np.ndarray, values: np.ndarray) -> None:
        """Rows [k, n] taken at clock values `steps` [k], `every` ms apart."""
        if len(steps) and self.start is None:
            self.start = float(clock_times(steps[:1], self.dt)[0])
            self.time[0] = self.start
        self.column.append(values.astype(np.float32))

    def set_times(self, file: h5py.File) -> None:
        start, step = self.start or 0.0, round(self.every / self.dt)
        stop = float(clock_times(np.array(round(start / self.dt) + self.column.length * step), self.dt))
        file[f"{self.path}/mapping/time"][...] = [start, stop, self.every]
        seal(file[f"{self.path}/mapping/time"])


class WeightTable:
    """Snapshots of the weights of one projection; i, j, delay [n_syn] say which synapse is which."""

    def __init__(self, writer: RecordingWriter, projection: str, units: str, i: np.ndarray, j: np.ndarray, delay: np.ndarray) -> None:
        writer.group_once("/thalia/weights")
        words = {"projection": projection, "units": units}
        writer.group("/thalia/weights/{projection}", {}, **words)
        for entry, values in ((fmt.WEIGHT_I, i), (fmt.WEIGHT_J, j), (fmt.WEIGHT_DELAY, delay)):
            writer.constant(entry.named(**words), values)
        self.base = writer.base.get(fmt.WEIGHT_DATA.named(**words).path, 0)
        self.last: float | None = None  # ms, time of the latest snapshot
        self.t, self.offset, self.count, self.data = (
            writer.column(entry.named(**words)) for entry in (fmt.WEIGHT_TIMES, fmt.WEIGHT_OFFSET, fmt.WEIGHT_COUNT, fmt.WEIGHT_DATA)
        )

    def append(self, t: float, w: np.ndarray) -> None:
        """One snapshot [n_syn] at time t (ms)."""
        self.last = t
        self.offset.append(np.array([self.base + self.data.rows]))
        self.t.append(np.array([t]))
        self.count.append(np.array([len(w)]))
        self.data.append(np.array(w, dtype=np.float32))


class EventTable:
    """What happened: for each event its time and a text (JSON)."""

    def __init__(self, writer: RecordingWriter) -> None:
        writer.group("/thalia/events")
        self.t, self.offset, self.count, self.text = map(writer.column, (fmt.EVENT_TIMES, fmt.EVENT_OFFSET, fmt.EVENT_COUNT, fmt.EVENT_TEXT))
        self.base = writer.base.get(fmt.EVENT_TEXT.path, 0)

    def append(self, t: float, source: str, kind: str, facts: Mapping[str, Any]) -> None:
        text = np.frombuffer(json.dumps({"source": source, "kind": kind, "facts": facts}, default=plain).encode(), dtype=np.uint8)
        self.t.append(np.array([t]))
        self.offset.append(np.array([self.base + self.text.rows]))
        self.count.append(np.array([len(text)]))
        self.text.append(text)


class DiagnosticsTable:
    """What one hook reports at its calls; `units` names each field and its unit, once and for all."""

    def __init__(self, writer: RecordingWriter, hook: str, units: Mapping[str, str], attributes: Mapping[str, float]) -> None:
        if "t" in units or any("/" in name for name in units):
            raise RecordingError(f"diagnostics {list(units)} of hook {hook}: choose names other than 't' and without '/'")
        writer.group_once("/thalia/hooks")
        writer.group("/thalia/hooks/{hook}", attributes, hook=hook)
        self.hook = hook
        self.t = writer.column(fmt.HOOK_TIMES.named(hook=hook))
        self.fields = {name: writer.column(fmt.HOOK_FIELD.named(hook=hook, field=name, units=unit)) for name, unit in units.items()}

    def append(self, t: float, values: Mapping[str, float]) -> None:
        unknown = [name for name in values if name not in self.fields]
        if unknown:
            raise RecordingError(
                f"hook {self.hook} reports {unknown[0]!r}, which it did not name at the start: return every name always, nan where not known"
            )
        self.t.append(np.array([t]))
        for name, column in self.fields.items():
            column.append(np.array([float(values.get(name, np.nan))]))
