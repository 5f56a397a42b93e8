"""Reads a recording, also one whose run failed, was interrupted, is going on, or died.

Of a file that was not ended, only rows up to its last commit are shown: what lies beyond was never completed. All is read through
`integrity.CheckedFile`: what is returned is what was written.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..errors import RecordingError
from ..given import as_array, is_path, short
from ..integrity.checked_file import CheckedFile, text
from . import format as fmt
from .owner import is_alive
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


class Sampling(NamedTuple):
    """Where the samples of one variable lie: row `begin + k` of the dataset `path` was taken at t[k]."""

    t: np.ndarray  # [T] ms
    ids: np.ndarray  # [n] uint64, numbers within the population
    units: str
    every: float  # ms
    path: str
    begin: int


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

    status    "complete", "failed", "interrupted", "recovered", or "running" (still, or its process died)
    error     why it failed, or what is left out because it is damaged
    begin     ms, time at which it begins: 0, or where a branch left the run it came from
    duration  ms of simulated time in the file
    """

    def __init__(self, path: str | Path) -> None:
        if not is_path(path):
            raise RecordingError(f"path is {short(path)}: give the name of a recording")
        self.path = first_file(Path(path))
        self.opened: list[CheckedFile] = []
        try:
            self.file = self.open(self.path)
            self.read_marks()
            self.read_segments()
            self.read_end()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Recording:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        for file in self.opened:
            file.close()

    def open(self, path: Path) -> CheckedFile:
        file = CheckedFile(path)
        try:
            file.live = file.marks.get("status") == "running" and is_alive(file.marks.get("owner", "")) is True
        except RecordingError:
            file.close()
            raise
        self.opened.append(file)
        return file

    def read_marks(self) -> None:
        """What the first file says of itself."""
        marks = self.file.marks
        if "format_version" not in marks:
            raise RecordingError(f"{self.path} is an HDF5 file, but no recording of thalia_sim: give a file that thalia-sim run --out wrote")
        self.format_version = marks["format_version"]
        major, supported = (version.split(".")[0] for version in (self.format_version, fmt.FORMAT_VERSION))
        if int(major) > int(supported):
            raise RecordingError(
                f"{self.path} has format {self.format_version}, this is a reader of {fmt.FORMAT_VERSION}: install a newer thalia_sim"
            )
        self.begin = float(marks.get("begin", 0.0))
        self.run_id = marks.get("run_id", "")

    def read_segments(self) -> None:
        """Open the files of later lives of this run, and find which rows of each are valid."""
        found = [self.segment(self.path, self.file)]
        self.files = [self.path]  # all of this run
        merged = self.file.marks.get("merged", "").split()
        self.unreadable: list[str] = []
        for path in later_files(self.path):
            try:
                file = self.open(path)
                if file.marks.get("run_id") != self.run_id:
                    continue
                self.files.append(path)
                if file.marks.get("life") not in merged and file.has(fmt.COMMIT.path):
                    found.append(self.segment(path, file))
            except RecordingError:
                self.unreadable.append(path.name)  # its process died while it was creating the file, most likely
        self.parts = chain(found)
        self.segments = [segment for segment, _ in self.parts]
        shown = next(k for k, segment in enumerate(found) if segment is self.segments[-1])
        self.left_out = any(segment.file.left_out for segment in found[shown:])
        if (gap := missing_rows(self.parts)) is not None:
            lost = f" ({', '.join(self.unreadable)} cannot be opened)" if self.unreadable else ""
            raise RecordingError(f"{self.path} lacks rows of {gap}, which lay in another file of the run{lost}: put its files beside it again")

    def segment(self, path: Path, file: CheckedFile) -> Segment:
        """A file of the run and what is valid in it."""
        commits = file.commits
        if commits is None:
            raise RecordingError(f"{path} ends before its first spike: its run died while it was starting, so remove it")
        if len(commits) and file.last < 0:
            raise RecordingError(f"{path} is damaged: none of its commits is whole: use a copy")
        lengths = {name: min(length, file.size(name)) for name, length in file.lengths.items()}
        return Segment(path, file, commits.base, lengths, commits.time(file.last), commits.step(file.last))

    def read_end(self) -> None:
        """How far the whole goes, and how it ended."""
        last = self.segments[-1]
        marks = last.file.marks
        self.status, self.error = marks["status"], marks.get("error", "")
        self.duration = float(marks["duration"]) if "duration" in marks and len(self.segments) == 1 else max(round(last.t - self.begin, 6), 0.0)
        if self.left_out:
            self.error = f"damaged after {last.t:g} ms, what was committed later is left out"
        elif self.unreadable and self.status != "complete":
            self.error = self.error or f"{', '.join(self.unreadable)} cannot be opened and is left out"

    @property
    def wall_s(self) -> float:
        """Wall time (s) from the start of the newest file of the run to its last commit."""
        file = self.segments[-1].file
        return float(file.commits.table["wall"][file.last]) if file.commits is not None and file.last >= 0 else 0.0

    def length(self, path: str) -> int:
        """Valid rows of a dataset of the whole run."""
        ends = [end[path] for _, end in self.parts if path in end]
        return max(ends) if ends else self.file.length(path)

    def rows(self, path: str, begin: int = 0, end: int | None = None) -> np.ndarray:
        """Rows of a dataset of the whole run, from whichever file holds them; RecordingError if they are not those that were written."""
        holders = [(s, end_row[path]) for s, end_row in self.parts if path in end_row]
        if not holders:
            return self.file.rows(path, begin, end)
        stop = self.length(path) if end is None else min(end, self.length(path))
        found = []
        for segment, last in holders:
            first = segment.base.get(path, 0)
            low, high = max(begin, first), min(stop, last)
            if low < high:
                found.append(segment.file.rows(path, low - first, high - first))
        if len(found) == 1:
            return found[0]
        return np.concatenate(found) if found else holders[0][0].file.rows(path, 0, 0)

    def report_start(self, group: str) -> float:
        """Time (ms) of the first row of a report."""
        for segment, end in self.parts:
            path = f"{group}/data"
            if end.get(path, 0) > segment.base.get(path, 0):
                start, _, every = segment.file.rows(f"{group}/mapping/time").tolist()
                if every != float(segment.file.attributes(group)["every"]):  # while the run goes on this dataset has no checksum of ours
                    raise RecordingError(f"{segment.path} is damaged: {group}/mapping/time is not as written: use a copy")
                return start
        return 0.0

    def units(self, path: str) -> str:
        return self.file.attributes(path)["units"]

    # what it is ------------------------------------------------------------------------------------------------------

    @cached_property
    def meta(self) -> dict[str, Any]:
        """How it came about: format.META gives the names; *_json are decoded and lose that ending, without config."""
        values = {name: single(self.file.rows(f"/thalia/meta/{name}")) for name in fmt.META}
        decoded = {name.removesuffix("_json"): json.loads(value) for name, value in values.items() if name.endswith("_json")}
        plain = {name: value for name, value in values.items() if not name.endswith("_json")}
        return {**plain, **decoded, "finished": self.file.marks.get("finished", "")}

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
            if p["name"] in self.file.names("/spikes"):
                group = f"/spikes/{p['name']}"
                n_recorded = int(self.file.attributes(group)["n_recorded"])
                found[p["name"]] = RecordedPopulation(**p, n_recorded=n_recorded, n_spikes=self.length(f"{group}/timestamps"))
        return found

    def descriptions(self) -> dict[str, str]:
        """The sentence of every dataset of ours, by path."""
        return self.file.descriptions()

    # what happened ---------------------------------------------------------------------------------------------------

    def spikes(
        self, population: str, t0: float | None = None, t1: float | None = None, ids: Any = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """(times [k] float64 ms, ids [k] uint64 within the population) in the order of firing.

        t0, t1  only spikes with t0 < t <= t1, as in bins of `counts`, so that windows side by side share none
        ids     only spikes of these elements
        """
        n = self.populations[self.known(population, self.populations, "spikes")].n
        keep = None if ids is None else element_mask(ids, population, n)
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

    def recorded_ids(self, population: str) -> np.ndarray:
        """Sorted numbers [n] int64 of the elements of a population whose spikes are in the file."""
        p = self.populations[self.known(population, self.populations, "spikes")]
        return self.rows(f"/thalia/recorded/{population}").astype(np.int64) if p.n_recorded < p.n else np.arange(p.n)

    def sorted_by_time(self, path: str) -> bool:
        return len(self.parts) == 1 and self.file.attributes(path).get("sorting", fmt.SORTING["none"]) == fmt.SORTING["by_time"]

    def window(self, path: str, t0: float | None, t1: float | None) -> tuple[int, int]:
        """First and last row with t0 < t <= t1, by the commits and then by halving; all rows if the order is not proved."""
        times, length = f"{path}/timestamps", self.length(f"{path}/timestamps")
        commits = self.file.commits
        if not self.sorted_by_time(path) or commits is None:
            return 0, length

        def first_after(t: float) -> int:
            low, high = commits.around(times, t, length)
            return bisect_right(range(length), t, low, high, key=lambda k: float(self.rows(times, k, k + 1)[0]))

        begin = 0 if t0 is None else first_after(t0)
        return begin, length if t1 is None else max(begin, first_after(t1))

    def events(self) -> list[Event]:
        """Interventions and changes, in order of time."""
        if not self.file.has("/thalia/events"):
            return []
        t, offset, count = (self.rows(entry.path) for entry in (fmt.EVENT_TIMES, fmt.EVENT_OFFSET, fmt.EVENT_COUNT))
        found = [json.loads(bytes(self.rows(fmt.EVENT_TEXT.path, int(a), int(a + n)))) for a, n in zip(offset, count, strict=True)]
        return [Event(float(at), **event) for at, event in zip(t, found, strict=True)]

    def reports(self) -> list[tuple[str, str]]:
        """(population, variable) of every report."""
        return list(self.report_groups)

    @cached_property
    def report_groups(self) -> dict[tuple[str, str], str]:
        """The group of each report, by (population, variable)."""
        groups = [f"/report/{name}" for name in self.file.names("/report")]
        return {(self.file.attributes(g)["population"], self.file.attributes(g)["variable"]): g for g in groups}

    def report(self, population: str, variable: str, t0: float | None = None, t1: float | None = None) -> Report:
        """Samples of a variable of a population, with t0 < t <= t1 if given."""
        s = self.sampling(population, variable, t0, t1)
        return Report(s.t, self.rows(s.path, s.begin, s.begin + len(s.t)), s.ids, s.units)

    def sampling(self, population: str, variable: str, t0: float | None = None, t1: float | None = None) -> Sampling:
        """The same without the values, which `rows` reads piece by piece."""
        if (population, variable) not in self.report_groups:
            there = ", ".join(f"{v} of {p}" for p, v in self.report_groups) or "none"
            raise RecordingError(f"{variable} of {population} is not in {self.path}: sampled are {there}")
        group = self.report_groups[population, variable]
        path, start, every, dt = f"{group}/data", self.report_start(group), float(self.file.attributes(group)["every"]), self.dt
        ticks = round(start / dt) + round(every / dt) * np.arange(self.length(path))
        t = ticks * self.meta["dt_ns"] / 1e6
        begin = 0 if t0 is None else int(np.searchsorted(t, t0, side="right"))
        end = len(t) if t1 is None else int(np.searchsorted(t, t1, side="right"))
        return Sampling(t[begin:end], self.rows(f"{group}/mapping/node_ids"), self.units(path), every, path, begin)

    def counts(self, population: str) -> Counts:
        """Spikes of a whole population per bin."""
        if not self.file.has("/thalia/counts"):
            raise RecordingError(f"{self.path} holds no counts: record with counts=1.0 (ms)")
        marks = self.file.attributes("/thalia/counts")
        names = [text(name) for name in self.rows(fmt.COUNTS_NAMES.path)] if len(self.meta["populations"]) else []
        column = names.index(self.known(population, names, "counts"))
        width, counts = float(marks["bin"]), self.rows(fmt.COUNTS.path)[:, column].astype(np.int64)
        start = float(marks["start"])
        return Counts((round(start * 1e6) + np.arange(len(counts)) * round(width * 1e6)) / 1e6, counts, width)

    def projections(self) -> list[str]:
        """Projections of which there are weights."""
        return self.file.names("/thalia/weights")

    def weights(self, projection: str) -> Weights:
        """Snapshots of the weights of a projection."""
        path = f"/thalia/weights/{self.known(projection, self.projections(), 'weights')}"
        i, j, delay, t = (self.rows(f"{path}/{name}") for name in ("i", "j", "delay", "t"))
        return Weights(t, i, j, delay, self.units(f"{path}/data"), self, path)

    def hooks(self) -> list[str]:
        """Hooks of which there are diagnostics."""
        return self.file.names("/thalia/hooks")

    def diagnostics(self, hook: str) -> dict[str, np.ndarray]:
        """What a hook reported: "t" (ms) and its fields, all of one length."""
        path = f"/thalia/hooks/{self.known(hook, self.hooks(), 'diagnostics')}"
        return {name: self.rows(f"{path}/{name}") for name in self.file.names(path)}

    def known(self, name: str, names: Any, kind: str) -> str:
        if not isinstance(name, str) or name not in names:
            raise RecordingError(f"no {kind} of {short(name)} in {self.path}: there are {kind} of {', '.join(names) or 'nothing'}")
        return name


def single(rows: np.ndarray) -> Any:
    """The one value of a metadata dataset."""
    value = rows[0]
    return text(value) if isinstance(value, bytes) else value.item()


def element_mask(ids: Any, population: str, n: int) -> np.ndarray:
    """Truth values [n], true for the given elements of a population."""
    numbers = np.atleast_1d(as_array(ids))
    if numbers.size and (numbers.dtype.kind not in "iu" or numbers.min() < 0 or numbers.max() >= n):
        raise RecordingError(f"ids {short(ids)} of {population}: give whole numbers from 0 to {n - 1}")
    mask = np.zeros(n, dtype=bool)
    mask[numbers.astype(np.int64)] = True
    return mask
