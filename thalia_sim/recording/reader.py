"""Reads a recording, also one whose run failed, was interrupted, is going on, or died.

Of a file that was not ended, only rows up to its last commit are shown: what lies beyond was never completed.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np

from ..errors import RecordingError
from . import format as fmt
from .segments import Segment, chain, first_file, later_files, missing_rows

READ = 1 << 20  # rows read at once


class RecordedPopulation(NamedTuple):
    """A population of the network that was recorded."""

    name: str
    n: int
    offset: int  # global id of its first element
    model: str
    n_recorded: int  # elements whose spikes are in the file
    n_spikes: int


class Report(NamedTuple):
    """Samples of one variable."""

    t: np.ndarray  # [T] ms
    values: np.ndarray  # [T, n] float32
    ids: np.ndarray  # [n] uint64, numbers within the population
    units: str


class Counts(NamedTuple):
    """Spikes per bin."""

    t: np.ndarray  # [k] ms, where each bin begins
    counts: np.ndarray  # [k] int64
    bin: float  # ms


class Weights(NamedTuple):
    """Snapshots of a projection's weights; `snapshot(k)` reads one."""

    t: np.ndarray  # [k] ms
    i: np.ndarray  # [n_syn] number of the source of each synapse
    j: np.ndarray  # [n_syn] number of its target
    delay: np.ndarray  # [n_syn] ms
    units: str
    recording: Recording
    path: str

    def snapshot(self, k: int = -1) -> np.ndarray:
        """Weights [n_syn] float32 of snapshot k, by default the last."""
        if not -len(self.t) <= k < len(self.t):
            raise RecordingError(f"snapshot {k} of {self.path.rsplit('/', 1)[1]} does not exist: there are {len(self.t)}")
        k %= len(self.t)
        begin = int(self.recording.rows(f"{self.path}/offset", k, k + 1)[0])
        return self.recording.rows(f"{self.path}/data", begin, begin + int(self.recording.rows(f"{self.path}/count", k, k + 1)[0]))


class Event(NamedTuple):
    """Something that happened to the network beside its own dynamics."""

    t: float  # ms
    source: str  # the hook that did it, or "resume"
    kind: str  # "begin" or "end" of an intervention, "change" ...
    facts: dict[str, Any]  # what exactly


def open_recording(path: str | Path) -> Recording:
    """Open a recording for reading; RecordingError if it is none. Close it, or use it in a `with` statement."""
    return Recording(path)


class Recording:
    """An open recording.

    status    "complete", "failed", "interrupted", or "running" (still, or its process died)
    error     why it failed
    begin     ms, time at which it begins: 0, or where a branch left the run it came from
    duration  ms of simulated time in the file
    """

    def __init__(self, path: str | Path) -> None:
        self.path = first_file(Path(path))
        self.file = open_file(self.path)
        self.opened = [self.file]
        with self.reporting():
            attributes = self.file["/thalia"].attrs if "thalia" in self.file else {}
            if "format_version" not in attributes:
                raise RecordingError(f"{self.path} is an HDF5 file, but no recording of thalia_sim: give a file that thalia-sim run --out wrote")
            self.format_version = text(attributes["format_version"])
            self.status, self.error = text(attributes["status"]), text(attributes.get("error", b""))
            major, supported = (version.split(".")[0] for version in (self.format_version, fmt.FORMAT_VERSION))
            if int(major) > int(supported):
                raise RecordingError(
                    f"{self.path} has format {self.format_version}, this is a reader of {fmt.FORMAT_VERSION}: install a newer thalia_sim"
                )
            self.begin = float(attributes.get("begin", 0.0))
            self.run_id = text(attributes.get("run_id", b""))
            self.read_segments()
            last = self.segments[-1]
            if last.file is not self.file:
                attributes = last.file["/thalia"].attrs
                self.status, self.error = text(attributes["status"]), text(attributes.get("error", b""))
            self.duration = float(attributes["duration"]) if "duration" in attributes and len(self.segments) == 1 else max(round(last.t - self.begin, 6), 0.0)

    def __enter__(self) -> Recording:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        for file in self.opened:
            file.close()

    def read_segments(self) -> None:
        """Open the files of later lives of this run, and find which rows of each are valid."""
        found = [self.segment(self.path, self.file)]
        self.files = [self.path]  # all of this run
        merged = text(self.file["/thalia"].attrs.get("merged", b"")).split()
        unreadable = []
        for path in later_files(self.path):
            try:
                file = open_file(path)
            except RecordingError:
                unreadable.append(path.name)  # its process died while it was creating the file, most likely
                continue
            self.opened.append(file)
            if "thalia" in file and text(file["/thalia"].attrs.get("run_id", b"?")) == self.run_id:
                self.files.append(path)
                if text(file["/thalia"].attrs.get("life", b"?")) not in merged and fmt.COMMIT.path in file:
                    found.append(self.segment(path, file))
        self.parts = chain(found)
        self.segments = [segment for segment, _ in self.parts]
        if (gap := missing_rows(self.parts)) is not None:
            lost = f" ({', '.join(unreadable)} cannot be opened)" if unreadable else ""
            raise RecordingError(f"{self.path} lacks rows of {gap}, which lay in another file of the run{lost}: put its files beside it again")

    def segment(self, path: Path, file: h5py.File) -> Segment:
        """A file of the run and what is valid in it."""
        if fmt.COMMIT.path not in file:
            raise RecordingError(f"{path} ends before its first spike: its run died while it was starting, so remove it")
        names = [text(name) for name in file[fmt.COMMIT_COLUMNS.path] if text(name)]
        base = dict(zip(names, file[fmt.COMMIT_BASE.path][:].tolist(), strict=False)) if fmt.COMMIT_BASE.path in file else {}
        rows = file[fmt.COMMIT.path]
        if not len(rows):
            return Segment(path, file, base, dict.fromkeys(names, 0), 0.0, 0)
        last = rows[-1]
        lengths = dict(zip(names, last["lengths"].tolist(), strict=False))
        lengths = {name: min(length, file[name].shape[0]) for name, length in lengths.items()}
        return Segment(path, file, base, lengths, float(last["t"]), int(last["step"]))

    @contextmanager
    def reporting(self) -> Iterator[None]:
        """Turn what HDF5 raises into one sentence."""
        try:
            yield
        except (OSError, RuntimeError, KeyError, ValueError) as error:
            if isinstance(error, RecordingError):
                raise
            raise RecordingError(f"{self.path} is damaged ({str(error).splitlines()[0]}): use a copy") from error

    @property
    def wall_s(self) -> float:
        """Wall time (s) from the start of the newest file of the run to its last commit."""
        rows = self.segments[-1].file[fmt.COMMIT.path]
        return float(rows[-1]["wall"]) if len(rows) else 0.0

    def length(self, path: str) -> int:
        """Valid rows of a dataset of the whole run."""
        ends = [end[path] for _, end in self.parts if path in end]
        if ends:
            return max(ends)
        return int(self.file[path].shape[0])

    def rows(self, path: str, begin: int = 0, end: int | None = None) -> np.ndarray:
        """Rows of a dataset of the whole run, from whichever file holds them."""
        with self.reporting():
            holders = [(s, end_row[path]) for s, end_row in self.parts if path in end_row]
            if not holders:
                return self.file[path][begin:end]
            stop = self.length(path) if end is None else min(end, self.length(path))
            found = []
            for segment, last in holders:
                first = segment.base.get(path, 0)
                low, high = max(begin, first), min(stop, last)
                if low < high:
                    found.append(segment.file[path][low - first : high - first])
            if len(found) == 1:
                return found[0]
            return np.concatenate(found) if found else holders[0][0].file[path][:0]

    def report_start(self, group: str) -> float:
        """Time (ms) of the first row of a report."""
        for segment, end in self.parts:
            path = f"{group}/data"
            if end.get(path, 0) > segment.base.get(path, 0):
                return float(segment.file[f"{group}/mapping/time"][0])
        return 0.0

    def units(self, path: str) -> str:
        return text(self.file[path].attrs["units"])

    # what it is ------------------------------------------------------------------------------------------------------

    @cached_property
    def meta(self) -> dict[str, Any]:
        """How it came about: format.META gives the names; *_json are decoded and lose that ending, without config."""
        with self.reporting():
            values = {name: single(self.file[f"/thalia/meta/{name}"]) for name in fmt.META}
            decoded = {name.removesuffix("_json"): json.loads(value) for name, value in values.items() if name.endswith("_json")}
            plain = {name: value for name, value in values.items() if not name.endswith("_json")}
            ended = text(self.file["/thalia"].attrs.get("finished", b""))
            return {**plain, **decoded, "finished": ended}

    @property
    def config(self) -> dict[str, Any]:
        """The resolved configuration: network, run, recorder."""
        return self.meta["config"]

    @property
    def dt(self) -> float:
        """Step of the clock, ms."""
        return self.meta["dt_ns"] / 1e6

    @property
    def seed(self) -> int:
        return self.meta["seed"]

    @cached_property
    def populations(self) -> dict[str, RecordedPopulation]:
        """The populations whose spikes were recorded, in order of creation."""
        found = {}
        for p in self.meta["populations"]:
            if p["name"] in self.file["/spikes"]:
                group = f"/spikes/{p['name']}"
                n_recorded = int(self.file[group].attrs["n_recorded"])
                found[p["name"]] = RecordedPopulation(**p, n_recorded=n_recorded, n_spikes=self.length(f"{group}/timestamps"))
        return found

    def descriptions(self) -> dict[str, str]:
        """The sentence of every dataset of ours, by path."""
        found: dict[str, str] = {}

        def visit(path: str, thing: h5py.Group | h5py.Dataset) -> None:
            if isinstance(thing, h5py.Dataset) and "description" in thing.attrs:
                found[f"/{path}"] = text(thing.attrs["description"])

        with self.reporting():
            self.file.visititems(visit)
        return found

    # what happened ---------------------------------------------------------------------------------------------------

    def spikes(
        self, population: str, t0: float | None = None, t1: float | None = None, ids: Any = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """(times [k] float64 ms, ids [k] uint64 within the population) in the order of firing.

        t0, t1  only spikes with t0 < t <= t1, as in bins of `counts`, so that windows side by side share none
        ids     only spikes of these elements
        """
        keep = None if ids is None else element_mask(ids, self.populations[self.known(population, self.populations, "spikes")])
        times, who = [np.zeros(0)], [np.zeros(0, dtype=np.uint64)]
        for t, k in self.blocks(population, t0, t1):
            if keep is not None:
                t, k = t[keep[k]], k[keep[k]]
            times.append(t)
            who.append(k)
        return np.concatenate(times), np.concatenate(who)

    def blocks(self, population: str, t0: float | None = None, t1: float | None = None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """What `spikes` gives, piece by piece: (times [k] float64 ms, ids [k] uint64) of at most a million spikes, in the order of firing."""
        path = f"/spikes/{self.known(population, self.populations, 'spikes')}"
        begin, end = self.window(path, t0, t1)
        for at in range(begin, end, READ):
            stop = min(at + READ, end)
            t, k = self.rows(f"{path}/timestamps", at, stop), self.rows(f"{path}/node_ids", at, stop)
            if not self.sorted_by_time(path):
                inside = (t > (-np.inf if t0 is None else t0)) & (t <= (np.inf if t1 is None else t1))
                t, k = t[inside], k[inside]
            yield t, k

    def sorted_by_time(self, path: str) -> bool:
        return len(self.parts) == 1 and self.file[path].attrs.get("sorting", fmt.SORTING["none"]) == fmt.SORTING["by_time"]

    def window(self, path: str, t0: float | None, t1: float | None) -> tuple[int, int]:
        """First and last row with t0 < t <= t1, by halving; all rows if the order is not proved."""
        times, length = self.file[f"{path}/timestamps"], self.length(f"{path}/timestamps")
        if not self.sorted_by_time(path):
            return 0, length
        with self.reporting():
            begin = 0 if t0 is None else bisect_right(times, t0, 0, length)
            return begin, length if t1 is None else bisect_right(times, t1, begin, length)

    def events(self) -> list[Event]:
        """Interventions and changes, in order of time."""
        if "events" not in self.file["/thalia"]:
            return []
        t, offset, count = (self.rows(entry.path) for entry in (fmt.EVENT_TIMES, fmt.EVENT_OFFSET, fmt.EVENT_COUNT))
        found = [json.loads(bytes(self.rows(fmt.EVENT_TEXT.path, int(a), int(a + n)))) for a, n in zip(offset, count, strict=True)]
        return [Event(float(at), **event) for at, event in zip(t, found, strict=True)]

    def reports(self) -> list[tuple[str, str]]:
        """(population, variable) of every report."""
        return [(text(g.attrs["population"]), text(g.attrs["variable"])) for g in self.file["/report"].values()]

    def report(self, population: str, variable: str, t0: float | None = None, t1: float | None = None) -> Report:
        """Samples of a variable of a population, with t0 < t <= t1 if given."""
        groups = {(text(g.attrs["population"]), text(g.attrs["variable"])): g for g in self.file["/report"].values()}
        if (population, variable) not in groups:
            there = ", ".join(f"{v} of {p}" for p, v in groups) or "none"
            raise RecordingError(f"{variable} of {population} is not in {self.path}: sampled are {there}")
        group = groups[population, variable]
        start, step, dt = self.report_start(group.name), float(group.attrs["every"]), self.dt
        ticks = round(start / dt) + round(step / dt) * np.arange(self.length(f"{group.name}/data"))
        t = ticks * self.meta["dt_ns"] / 1e6
        begin = 0 if t0 is None else int(np.searchsorted(t, t0, side="right"))
        end = len(t) if t1 is None else int(np.searchsorted(t, t1, side="right"))
        values = self.rows(f"{group.name}/data", begin, end)
        return Report(t[begin:end], values, self.rows(f"{group.name}/mapping/node_ids"), self.units(f"{group.name}/data"))

    def counts(self, population: str) -> Counts:
        """Spikes of a whole population per bin."""
        if "counts" not in self.file["/thalia"]:
            raise RecordingError(f"{self.path} holds no counts: record with counts=1.0 (ms)")
        group = self.file["/thalia/counts"]
        names = [text(name) for name in group["populations"]] if len(self.meta["populations"]) else []
        column = names.index(self.known(population, names, "counts"))
        width, counts = float(group.attrs["bin"]), self.rows("/thalia/counts/data")[:, column].astype(np.int64)
        start = float(group.attrs["start"])
        return Counts((round(start * 1e6) + np.arange(len(counts)) * round(width * 1e6)) / 1e6, counts, width)

    def projections(self) -> list[str]:
        """Projections of which there are weights."""
        return list(self.file.get("/thalia/weights", ()))

    def weights(self, projection: str) -> Weights:
        """Snapshots of the weights of a projection."""
        path = f"/thalia/weights/{self.known(projection, self.projections(), 'weights')}"
        i, j, delay, t = (self.rows(f"{path}/{name}") for name in ("i", "j", "delay", "t"))
        return Weights(t, i, j, delay, self.units(f"{path}/data"), self, path)

    def hooks(self) -> list[str]:
        """Hooks of which there are diagnostics."""
        return list(self.file.get("/thalia/hooks", ()))

    def diagnostics(self, hook: str) -> dict[str, np.ndarray]:
        """What a hook reported: "t" (ms) and its fields, all of one length."""
        path = f"/thalia/hooks/{self.known(hook, self.hooks(), 'diagnostics')}"
        return {name: self.rows(f"{path}/{name}") for name in self.file[path]}

    def known(self, name: str, names: Any, kind: str) -> str:
        if name not in names:
            raise RecordingError(f"no {kind} of {name!r} in {self.path}: there are {kind} of {', '.join(names) or 'nothing'}")
        return name


def open_file(path: Path) -> h5py.File:
    """The HDF5 file, also one that is being written or was left open by a process that died."""
    if not path.is_file():
        raise RecordingError(f"{path} does not exist: give the path of a recording")
    try:
        if not h5py.is_hdf5(path):
            raise RecordingError(f"{path} is no HDF5 file: give a recording that thalia-sim run --out wrote")
        return h5py.File(path, "r", swmr=still_marked(path))
    except OSError as error:
        raise RecordingError(f"{path} cannot be opened ({str(error).splitlines()[0]}): use a copy") from error


def still_marked(path: Path) -> bool:
    """Whether the superblock says that a process appends in SWMR mode (it does, or it died).

    Only such a file may be opened with swmr=True: on damaged metadata HDF5 then waits and tries again, 100 times, twice as long each time.
    Layout: HDF5 file format specification, version 3 superblock: flags in byte 11, end of file in bytes 28 to 35.
    """
    with open(path, "rb") as file:
        head = file.read(48)
    marked = len(head) == 48 and head[8] == 3 and bool(head[11] & 4)
    if marked and path.stat().st_size < int.from_bytes(head[28:36], "little"):
        raise RecordingError(f"{path} is cut off: use a complete copy")
    return marked


def text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def single(dataset: h5py.Dataset) -> Any:
    """The one value of a metadata dataset."""
    value = dataset[0]
    return text(value) if isinstance(value, bytes) else value.item()


def element_mask(ids: Any, population: RecordedPopulation) -> np.ndarray:
    """Truth values [n], true for the given elements."""
    numbers = np.atleast_1d(np.asarray(ids))
    if numbers.size and (numbers.dtype.kind not in "iu" or numbers.min() < 0 or numbers.max() >= population.n):
        raise RecordingError(f"ids {ids!r} of {population.name}: give whole numbers from 0 to {population.n - 1}")
    mask = np.zeros(population.n, dtype=bool)
    mask[numbers.astype(np.int64)] = True
    return mask
