"""The files of one run: `NAME.h5` and, each from a later life of its process, `NAME.2.h5`, `NAME.3.h5` ...

A file is written by one process and never shortened. A resumed run begins a new one, which says for each dataset how many rows of the run lie
before it (`/thalia/commit/base`); later files supersede rows of earlier ones from there on. `merge` makes one file of them: a copy under another
name, fsynced and renamed, so that no moment exists in which a kill can ruin what is there.
"""

from __future__ import annotations

import contextlib
import glob
import re
import shutil
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np

from ..errors import RecordingError
from ..integrity.checked_file import CheckedFile, first_line
from ..integrity.checksums import crcs_between, row_crcs
from ..integrity.commits import commit_type
from ..integrity.increments import row_bytes
from . import format as fmt
from .owner import is_alive
from .provenance import now
from .writer import LIBVER, MARGIN, put_in_place, seal

COPY = 1 << 22  # bytes copied at once
SILENT = 60.0  # s without a write, after which a process on another machine counts as dead
FIRST_NAME, SECOND_NAME = "index_pointers", "index_pointer"  # of one dataset in the mapping of a report


class Segment(NamedTuple):
    """One file of a run, open for reading, and its part of each dataset."""

    path: Path
    file: CheckedFile
    base: dict[str, int]  # first row of each growing dataset
    lengths: dict[str, int]  # valid rows in this file
    t: float  # ms, up to which it is complete
    step: int


def check_apart(recording: Any, target: Path) -> None:
    """RecordingError if a file to be made from a recording has the name of one of its own."""
    if target.exists() and any(target.samefile(path) for path in recording.files):
        raise RecordingError(f"{target} is the recording itself: choose another name")


def first_file(path: Path) -> Path:
    """NAME.h5 of any file of a run."""
    found = re.fullmatch(r"(.+)\.(\d+)", path.stem)
    first = path.with_name(found[1] + path.suffix) if found else path
    return first if found and int(found[2]) > 1 and first.exists() else path


def later_files(first: Path) -> list[Path]:
    """NAME.2.h5, NAME.3.h5 ... beside NAME.h5, in order."""
    pattern = re.compile(re.escape(first.stem) + r"\.(\d+)" + re.escape(first.suffix))
    found = {int(m[1]): p for p in first.parent.glob(f"{glob.escape(first.stem)}.*{first.suffix}") if (m := pattern.fullmatch(p.name))}
    return [found[k] for k in sorted(found) if k > 1]


def next_file(first: Path) -> Path:
    """The file for another life of a run."""
    there = later_files(first)
    number = int(there[-1].stem.rpartition(".")[2]) + 1 if there else 2
    return first.with_name(f"{first.stem}.{number}{first.suffix}")


def chain(segments: Sequence[Segment]) -> list[tuple[Segment, dict[str, int]]]:
    """The files that hold valid rows, each with the end of its rows; what a later one wrote again counts, unless it died before it got as far."""
    kept: list[Segment] = []
    for segment in segments:
        if kept and segment.step < kept[-1].step:
            continue
        kept.append(segment)
    ends = []
    for k, segment in enumerate(kept):
        end = {name: segment.base.get(name, 0) + length for name, length in segment.lengths.items()}
        for later in kept[k + 1 :]:
            end = {name: min(value, later.base.get(name, value)) for name, value in end.items()}
        ends.append((segment, end))
    return ends


def missing_rows(parts: Sequence[tuple[Segment, dict[str, int]]]) -> str | None:
    """A dataset of which rows are in none of the files, or None."""
    reached: dict[str, int] = {}
    for segment, end in parts:
        for name, last in end.items():
            first = segment.base.get(name, 0)
            if first > reached.get(name, 0):
                return name
            reached[name] = max(reached.get(name, 0), last)
    return None


def owner_lives(file: CheckedFile) -> bool:
    """Whether the process that writes a file still runs; of one on another machine all that is known is when it last wrote."""
    if file.ended:
        return False
    lives = is_alive(file.marks.get("owner", ""))
    return time.time() - file.path.stat().st_mtime < SILENT if lives is None else lives


def merge(recording: Any, status: str, error: str = "") -> None:
    """Write all valid rows of an open recording into one finished file in the place of its first one; then remove the others."""
    target = recording.path
    part = target.with_name(f".{target.name}.part")
    need = sum(path.stat().st_size for path in recording.files) + MARGIN
    if shutil.disk_usage(target.absolute().parent).free < need:
        raise RecordingError(f"cannot write {target}: the disk is full, {need / 1e6:.1f} MB are needed to put the files of the run together")
    try:
        with h5py.File(part, "w", libver=LIBVER) as out:
            copy_rows(recording, out)
            attributes = out["/thalia"].attrs
            attributes["format_version"] = np.bytes_(fmt.FORMAT_VERSION)
            attributes["status"] = np.array(status.encode(), dtype="S16")
            attributes["finished"], attributes["error"] = np.bytes_(now()), np.bytes_(error.encode())
            attributes["duration"] = recording.duration
            lives = [file.marks[name] for file in recording.opened for name in ("merged", "life") if name in file.marks]
            attributes["merged"] = np.bytes_(" ".join(lives).encode())
        others = [path for path in recording.files if path != target]
        recording.close()
        put_in_place(part, target)
        for path in others:
            path.unlink(missing_ok=True)
    except RecordingError:
        raise
    except (OSError, RuntimeError, KeyError, ValueError) as problem:
        raise RecordingError(f"cannot put the files of {target} together ({first_line(problem)}): they are left as they are") from problem
    finally:
        with contextlib.suppress(OSError):
            part.unlink()


def copy_rows(recording: Any, out: h5py.File) -> None:
    """Groups, attributes and datasets of all files of a recording; of growing ones the valid rows, one after another, all verified."""
    growing = {name for segment in recording.segments for name in segment.lengths}
    for segment in recording.segments:
        for name, value in segment.file.h5.attrs.items():
            out.attrs[name] = value
        copy_group(segment.file, "/", out, growing)
    names = sorted(growing)
    table = joined_commits(recording, names)
    for k, name in enumerate(names):
        source = next(s.file.h5[name] for s in recording.segments if s.file.has(name))
        total, wide = recording.length(name), source.shape[1:]
        made = out.create_dataset(name, (total, *wide), source.dtype, maxshape=source.maxshape, chunks=source.chunks)
        copy_attributes(source, made)
        table["crc"][:, k] = crcs_between(table["lengths"][:, k], copied_blocks(recording, name, total, made))
    table["check"] = row_crcs(table)
    commit = out.create_group("/thalia/commit")
    copy_attributes(recording.segments[0].file.h5["/thalia/commit"], commit)
    texts = np.array([n.encode() for n in names] or [b""], dtype=np.bytes_)
    for entry, data in ((fmt.COMMIT, table), (fmt.COMMIT_COLUMNS, texts), (fmt.COMMIT_BASE, np.zeros(max(len(names), 1), np.uint64))):
        if data.dtype.kind == "S":
            data = data.astype(h5py.string_dtype("utf-8", max(data.dtype.itemsize, 1)))
        chunk = max(1, min(len(data), fmt.CHUNK_BYTES // data.dtype.itemsize))
        made = out.create_dataset(entry.path, data=data, maxshape=(None,), chunks=(chunk,), fletcher32=data is not table)
        made.attrs["units"], made.attrs["description"] = np.bytes_(entry.units), np.bytes_(entry.sentence.encode())
        if data is not table:
            seal(made)
    finish_reports(recording, out)


def copied_blocks(recording: Any, name: str, total: int, made: h5py.Dataset) -> Iterator[np.ndarray]:
    """The rows of a dataset of the whole run, block by block, each written into `made`."""
    at_once = max(1, COPY // row_bytes(made))
    for begin in range(0, total, at_once):
        rows = recording.rows(name, begin, min(begin + at_once, total))
        made[begin : begin + len(rows)] = rows
        yield rows


def joined_commits(recording: Any, names: Sequence[str]) -> np.ndarray:
    """The commit tables of all files as one, with lengths of the whole run and no checks yet; commits that a later file made again are left out."""
    kept: list[tuple[int, float, float, list[int]]] = []
    reached = dict.fromkeys(names, 0)
    for segment, end in recording.parts:
        commits = segment.file.commits
        for k in np.flatnonzero(commits.whole[: segment.file.last + 1]).tolist():
            row = commits.table[k]
            total = {name: segment.base.get(name, 0) + length for name, length in commits.lengths(k).items()}
            if all(total[name] <= end[name] for name in total):
                reached = {name: max(reached[name], total.get(name, 0)) for name in names}
                kept.append((int(row["step"]), float(row["t"]), float(row["wall"]), list(reached.values())))
    last, lengths = recording.segments[-1], [recording.length(name) for name in names]
    if not kept or kept[-1][3] != lengths:
        kept.append((last.step, last.t, recording.wall_s, lengths))
    table = np.zeros(len(kept), dtype=commit_type(len(names)))
    for row, (step, t, wall, counts) in zip(table, kept, strict=True):
        row["step"], row["t"], row["wall"], row["lengths"][: len(names)] = step, t, wall, counts
    return table


def copy_group(file: CheckedFile, group: str, out: h5py.File, growing: set[str]) -> None:
    """Groups and constant datasets that are not there yet, verified; hard links stay hard links."""
    for name in file.names(group):
        path = f"{group.rstrip('/')}/{name}"
        if path == "/thalia/commit" or path in growing or name == SECOND_NAME:
            continue
        thing = file.h5[path]
        if isinstance(thing, h5py.Group):
            if path not in out:
                copy_attributes(thing, out.create_group(path))
            copy_group(file, path, out, growing)
        elif path not in out:
            file.verify(path)
            file.h5.copy(thing, out[group], name=name)
            seal(out[path])
    if SECOND_NAME in file.names(group) and SECOND_NAME not in out[group]:
        out[group][SECOND_NAME] = out[group][FIRST_NAME]


def copy_attributes(source: Any, made: Any) -> None:
    for name in source.attrs:
        if name != "sorting":
            made.attrs[name] = source.attrs[name]


def finish_reports(recording: Any, out: h5py.File) -> None:
    """What only a finished file may say: the order of spikes, where it is one of time, and the times of reports."""
    kind = h5py.enum_dtype(fmt.SORTING, basetype="u1")
    for group in out["/spikes"].values():
        if rises(group["timestamps"]):
            group.attrs.create("sorting", fmt.SORTING["by_time"], dtype=kind)
    for group in out["/report"].values():
        start, every = recording.report_start(group.name), float(group.attrs["every"])
        rows, dt_ns = len(group["data"]), recording.meta["dt_ns"]
        stop = (round(start * 1e6 / dt_ns) + rows * round(every * 1e6 / dt_ns)) * dt_ns / 1e6
        group["mapping/time"][...] = [start, stop, every]
        seal(group["mapping/time"])


def rises(times: h5py.Dataset) -> bool:
    """Whether times never fall, looked at block by block."""
    last = -np.inf
    for begin in range(0, len(times), 1 << 20):
        block = times[begin : begin + (1 << 20)]
        if block[0] < last or (np.diff(block) < 0).any():
            return False
        last = block[-1]
    return True


def recover_recording(path: Path) -> str:
    """Make one finished file of what a dead run committed; returns a sentence on what was done."""
    from .reader import open_recording

    with open_recording(path) as recording:
        if recording.status != "running" and len(recording.files) == 1:
            return f"{recording.path} needs no recovery: it is {recording.status}"
        for file in recording.opened:
            if owner_lives(file):
                raise RecordingError(f"{recording.path} is being written by a process that runs: wait for its end, or end it first")
        t = recording.duration
        merge(recording, "recovered" if recording.status == "running" else recording.status, recording.error)
    return f"{recording.path} holds all that was committed, up to {t:g} ms"
