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
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np

from ..errors import RecordingError
from . import format as fmt
from .provenance import now
from .writer import LIBVER, MARGIN, is_alive, put_in_place

COPY = 1 << 22  # bytes copied at once


class Segment(NamedTuple):
    """One file of a run, open for reading, and its part of each dataset."""

    path: Path
    file: h5py.File
    base: dict[str, int]  # first row of each growing dataset
    lengths: dict[str, int]  # valid rows in this file
    t: float  # ms, up to which it is complete
    step: int


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


def status_of(file: h5py.File) -> str:
    status = file["/thalia"].attrs.get("status", b"")
    return status.decode() if isinstance(status, bytes) else str(status)


def owner_lives(file: h5py.File) -> bool:
    """Whether the process that writes a file still runs, as far as can be told."""
    owner = file["/thalia"].attrs.get("owner", b"")
    return status_of(file) == "running" and is_alive(owner.decode()) is not False


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
            attributes["status"] = np.array(status.encode(), dtype="S16")
            attributes["finished"], attributes["error"] = np.bytes_(now()), np.bytes_(error.encode())
            attributes["duration"] = recording.duration
            known = [file["/thalia"].attrs for file in recording.opened]
            lives = [marks[name].decode() for marks in known for name in ("merged", "life") if name in marks]
            attributes["merged"] = np.bytes_(" ".join(lives).encode())
        others = [path for path in recording.files if path != target]
        recording.close()
        put_in_place(part, target)
        for path in others:
            path.unlink(missing_ok=True)
    except (OSError, RuntimeError, KeyError, ValueError) as problem:
        if isinstance(problem, RecordingError):
            raise
        raise RecordingError(f"cannot put the files of {target} together ({str(problem).splitlines()[0]}): they are left as they are") from problem
    finally:
        with contextlib.suppress(OSError):
            part.unlink()


def copy_rows(recording: Any, out: h5py.File) -> None:
    """Groups, attributes and datasets of all files of a recording; of growing ones the valid rows, one after another."""
    growing = {name for segment in recording.segments for name in segment.lengths}
    for segment in recording.segments:
        for name, value in segment.file.attrs.items():
            out.attrs[name] = value
        copy_group(segment.file, out, growing)
    for name in growing:
        source = next(s.file[name] for s in recording.segments if name in s.file)
        total, wide = recording.length(name), source.shape[1:]
        made = out.create_dataset(name, (total, *wide), source.dtype, maxshape=source.maxshape, chunks=source.chunks, fletcher32=True)
        copy_attributes(source, made)
        at_once = max(1, COPY // max(1, source.dtype.itemsize * int(np.prod(wide, dtype=np.int64))))
        for begin in range(0, total, at_once):
            end = min(begin + at_once, total)
            made[begin:end] = recording.rows(name, begin, end)
    names = sorted(growing)
    commit = out.create_group("/thalia/commit")
    copy_attributes(recording.segments[0].file["/thalia/commit"], commit)
    last = recording.segments[-1]
    kind = np.dtype([("step", "i8"), ("t", "f8"), ("wall", "f8"), ("lengths", "i8", (max(len(names), 1),))])
    row = np.zeros(1, kind)
    row["step"], row["t"], row["lengths"][0, : len(names)] = last.step, last.t, [recording.length(n) for n in names]
    texts = np.array([n.encode() for n in names] or [b""], dtype=np.bytes_)
    for entry, data in ((fmt.COMMIT, row), (fmt.COMMIT_COLUMNS, texts), (fmt.COMMIT_BASE, np.zeros(max(len(names), 1), np.uint64))):
        if data.dtype.kind == "S":
            data = data.astype(h5py.string_dtype("utf-8", max(data.dtype.itemsize, 1)))
        made = out.create_dataset(entry.path, data=data, maxshape=(None,), chunks=(max(1, len(data)),), fletcher32=True)
        made.attrs["units"], made.attrs["description"] = np.bytes_(entry.units), np.bytes_(entry.sentence.encode())
    finish_reports(recording, out)


def copy_group(source: h5py.Group, out: h5py.File, growing: set[str]) -> None:
    """Groups and constant datasets that are not there yet; hard links stay hard links."""
    for name, thing in source.items():
        path = thing.name
        if path == "/thalia/commit" or path in growing:
            continue
        if isinstance(thing, h5py.Group):
            if path not in out:
                copy_attributes(thing, out.create_group(path))
            copy_group(thing, out, growing)
        elif f"{source.name.rstrip('/')}/{name}" not in out:
            twin = f"{source.name}/index_pointers"
            if name == "index_pointer" and twin in out:
                out[f"{source.name}/{name}"] = out[twin]
            else:
                source.copy(thing, out[source.name], name=name)


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
