"""Writes one recording: declare every dataset, begin, append and commit in blocks, end.

The file is in SWMR mode from `begin` to `end`: rows are appended and flushed, then a commit row with the lengths of all datasets is appended
and flushed. So a process may die at any moment and every committed row is right, and another process may read along. SWMR allows no new
dataset, group or attribute, hence everything is declared before `begin`; what only a finished file may say (sorting, times of reports, status)
is set by `end`, in a copy that takes the file's place.

A commit row also holds the CRC-32 of the rows that it added to each dataset, and its own. HDF5's checksum of a chunk would not do for datasets that
grow: each commit writes the last chunk again in its place, and a kill in the middle would spoil what was committed before.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ..errors import RecordingError
from ..integrity.checked_file import CHECK, CheckedFile
from ..integrity.checksums import crc_of, row_crcs
from ..integrity.commits import commit_type
from ..integrity.increments import blocks_of
from . import format as fmt
from .format import Entry
from .owner import is_alive, this_process
from .provenance import now

LIBVER = ("v110", "v110")  # the oldest that has SWMR; what "latest" writes with HDF5 2.0, libsonata's HDF5 1.14 cannot read

MARGIN = 1 << 20  # bytes kept free for closing the file


def check_target(path: str | Path, force: bool = False) -> Path:
    """The path of a recording to be: RecordingError if it exists (and not `force`) or cannot be created."""
    path = Path(path)
    folder = path.absolute().parent
    if path.is_dir():
        raise RecordingError(f"{path} is a folder: name a file in it")
    if path.exists() and not force:
        raise RecordingError(f"{path} exists: choose another name or pass --force (force=True)")
    if not folder.is_dir():
        raise RecordingError(f"folder {folder.name} of {path.name} does not exist: create it first")
    if path.exists() and is_written_elsewhere(path):
        raise RecordingError(f"{path} is being written by a process that runs: wait for its end, end it, or choose another name")
    if not os.access(folder, os.W_OK) or (path.exists() and not os.access(path, os.W_OK)):
        raise RecordingError(f"{path} cannot be written: choose a folder in which you may write")
    return path


def is_written_elsewhere(path: Path) -> bool:
    """Whether another process of this machine, which still runs, writes a recording."""
    try:
        with CheckedFile(path) as file:
            owner = file.marks.get("owner", "")
            return file.marks.get("status") == "running" and owner != this_process() and is_alive(owner) is True
    except RecordingError:
        return False


def file_size_limit() -> float:
    """Largest size of a file that the system allows this process, bytes."""
    try:
        import resource
    except ImportError:  # no such limit on Windows
        return math.inf
    soft, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
    return math.inf if soft == resource.RLIM_INFINITY else float(soft)


class Column:
    """An extendible dataset and the rows that wait to be written. A write that is cut short is repeated at the same place."""

    def __init__(self, dataset: h5py.Dataset) -> None:
        self.dataset, self.dtype = dataset, dataset.dtype
        self.length = 0  # rows written
        self.crc = 0  # of those written since the last commit
        self.pending: list[np.ndarray] = []

    @property
    def rows(self) -> int:
        """Rows written and waiting."""
        return self.length + sum(len(part) for part in self.pending)

    @property
    def pending_bytes(self) -> int:
        return sum(part.nbytes for part in self.pending)

    def append(self, rows: np.ndarray) -> None:
        """Add rows; the array is kept until the next commit and must not change until then."""
        if len(rows):
            self.pending.append(rows)

    def write(self) -> None:
        if not self.pending:
            return
        rows = self.pending[0] if len(self.pending) == 1 else np.concatenate(self.pending)
        rows = np.ascontiguousarray(rows, dtype=self.dtype)
        end = self.length + len(rows)
        self.dataset.resize(end, axis=0)
        self.dataset[self.length : end] = rows
        self.length, self.pending, self.crc = end, [], crc_of(rows, self.crc)


class RecordingWriter:
    """One file. Order of calls: `group`, `constant`, `column` ...; `begin`; `append` to columns and `commit`; `end`."""

    def __init__(
        self, path: str | Path, force: bool = False, run_id: str | None = None, base: Mapping[str, int] | None = None, begin: float = 0.0
    ) -> None:
        self.path = check_target(path, force)
        self.run_id = uuid.uuid4().hex if run_id is None else run_id
        self.base = dict(base or {})  # rows of each dataset in earlier files of this run
        self.columns: dict[str, Column] = {}
        self.committed: dict[str, int] = {}  # length of each dataset at the last commit
        self.committed_t: float | None = None  # ms, its time
        self.at_end: list[Callable[[h5py.File], None]] = []  # what `end` writes into the finished file
        self.begun = time.perf_counter()
        with self.reporting("create"):
            self.file = h5py.File(self.path, "w" if force else "x", libver=LIBVER)
        self.file.attrs["magic"] = np.uint32(fmt.MAGIC)
        self.file.attrs["version"] = np.array(fmt.SONATA_VERSION, dtype=np.uint32)
        for name in ("/spikes", "/report", "/thalia"):
            self.group(name)
        self.file["/thalia"].attrs["format_version"] = np.bytes_(fmt.FORMAT_VERSION)
        self.file["/thalia"].attrs["run_id"] = np.bytes_(self.run_id)
        self.file["/thalia"].attrs["begin"] = begin
        self.file["/thalia"].attrs["life"] = np.bytes_(uuid.uuid4().hex)
        self.file["/thalia"].attrs["owner"] = np.bytes_(this_process())
        self.set_status("running")

    @contextmanager
    def reporting(self, doing: str) -> Iterator[None]:
        """Turn errors of the system and of HDF5 into one sentence."""
        try:
            yield
        except (OSError, RuntimeError) as error:
            if isinstance(error, RecordingError):
                raise
            raise RecordingError(f"cannot {doing} {self.path}: {str(error).splitlines()[0]}") from error

    # declaring -------------------------------------------------------------------------------------------------------

    def group(self, template: str, attributes: Mapping[str, Any] | None = None, **words: object) -> h5py.Group:
        group = self.file.create_group(template.format(**words))
        group.attrs["description"] = np.bytes_(fmt.GROUPS[template].format(**words).encode())
        for name, value in (attributes or {}).items():
            group.attrs[name] = np.bytes_(value.encode()) if isinstance(value, str) else value
        return group

    def group_once(self, template: str) -> None:
        """A group without words, if it is not there yet."""
        if template not in self.file:
            self.group(template)

    def constant(self, entry: Entry, value: Any) -> h5py.Dataset:
        """A dataset that is never changed, with its checksum: a text, a list of texts, a number or an array."""
        return seal(self.array(entry, value))

    def array(self, entry: Entry, value: Any) -> h5py.Dataset:
        """A dataset that does not grow."""
        texts = [value] if isinstance(value, str) else value
        if entry.dtype == "text":
            data = np.array([text.encode() for text in texts] or [b""], dtype=np.bytes_)
            data = data.astype(h5py.string_dtype("utf-8", max(data.dtype.itemsize, 1)))
        else:
            data = np.atleast_1d(np.asarray(value, dtype=entry.dtype))
        chunks = (max(1, min(len(data), fmt.CHUNK)),)
        dataset = self.file.create_dataset(entry.path, data=data, maxshape=(None,), chunks=chunks, fletcher32=True)
        return self.describe(dataset, entry)

    def column(self, entry: Entry, width: int | None = None, dtype: np.dtype | None = None) -> Column:
        """A dataset that grows by rows of `width` numbers (None: of one)."""
        kind = np.dtype(entry.dtype if dtype is None else dtype)
        across = () if width is None else (width,)
        most = () if width is None else (max(1, width),)  # HDF5 wants no chunk wider than the dataset may be
        wide = () if width is None else (max(1, min(width, fmt.CHUNK_BYTES // kind.itemsize)),)
        chunks = (max(1, min(fmt.CHUNK, fmt.CHUNK_BYTES // (kind.itemsize * math.prod(wide)))), *wide)
        dataset = self.file.create_dataset(entry.path, (0, *across), kind, maxshape=(None, *most), chunks=chunks)
        self.columns[entry.path] = Column(self.describe(dataset, entry))
        return self.columns[entry.path]

    def describe(self, dataset: h5py.Dataset, entry: Entry) -> h5py.Dataset:
        dataset.attrs["units"] = np.bytes_(entry.units)
        dataset.attrs["description"] = np.bytes_(entry.sentence.encode())
        return dataset

    def metadata(self, values: Mapping[str, Any]) -> None:
        """/thalia/meta: the values named in format.META; dictionaries and lists become JSON."""
        self.group("/thalia/meta")
        for name, (units, sentence) in fmt.META.items():
            value = values[name]
            if isinstance(value, (dict, list)):
                value = json.dumps(value, default=plain, ensure_ascii=False)
            dtype = "text" if isinstance(value, str) else "i8" if int(value) < 0 else "u8"
            self.constant(Entry(f"/thalia/meta/{name}", dtype, "[1]", units, sentence), value)

    # writing ---------------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """All is declared: from here on the file can be read by others, and survives the death of this process."""
        self.group("/thalia/commit")
        names = list(self.columns)
        self.constant(fmt.COMMIT_COLUMNS, names)
        self.constant(fmt.COMMIT_BASE, [self.base.get(name, 0) for name in names])
        self.commits = self.column(fmt.COMMIT, dtype=commit_type(len(names)))
        del self.columns[fmt.COMMIT.path]
        with self.reporting("write"):
            self.file.swmr_mode = True
            self.file.flush()

    @property
    def pending_bytes(self) -> int:
        return sum(column.pending_bytes for column in self.columns.values())

    def positions(self) -> dict[str, int]:
        """Rows of each dataset, those in earlier files of this run included."""
        return {name: self.base.get(name, 0) + column.rows for name, column in self.columns.items()}

    def check_room(self) -> None:
        """Refuse a write that will not fit: once a write has failed, HDF5 can no longer close the file."""
        need = MARGIN + self.pending_bytes + fmt.CHUNK_BYTES * sum(bool(column.pending) for column in self.columns.values())
        free = shutil.disk_usage(self.path.absolute().parent).free
        limit = file_size_limit()
        if free < need or os.path.getsize(self.path) + need > limit:
            raise RecordingError(f"cannot write {self.path}: the disk is full, {need / 1e6:.1f} MB more are needed; make room")

    def commit(self, step: int, t: float) -> None:
        """Write and flush what waits, then say so in a row of the commit table."""
        self.check_room()
        with self.reporting("write"):
            for column in self.columns.values():
                column.write()
            self.file.flush()
            lengths = {path: column.length for path, column in self.columns.items()}
            row = np.zeros(1, dtype=self.commits.dtype)
            row["step"], row["t"], row["wall"] = step, t, time.perf_counter() - self.begun
            row["lengths"][0, : len(self.columns)] = list(lengths.values())
            row["crc"][0, : len(self.columns)] = [column.crc for column in self.columns.values()]
            row["check"] = row_crcs(row)
            self.commits.pending = [row]  # one that could not be written before does not count
            self.commits.write()
            for column in self.columns.values():
                column.crc = 0
            self.commits.dataset.flush()
            self.committed = {**lengths, fmt.COMMIT.path: self.commits.length}
            self.committed_t = t

    # ending ----------------------------------------------------------------------------------------------------------

    def set_status(self, status: str) -> None:
        self.file["/thalia"].attrs["status"] = np.array(status.encode(), dtype="S16")

    def discard(self) -> None:
        """Remove a file that never began."""
        self.file.close()
        self.path.unlink(missing_ok=True)

    def end(self, status: str, duration: float, error: str = "") -> None:
        """Close, drop rows beyond the last commit and set what only a finished file may say, in a copy that then takes the file's place:
        a file that is changed outside SWMR mode cannot be opened if its process dies meanwhile.

        status    "complete", "failed" or "interrupted"
        duration  ms of simulated time in this file
        error     why it failed, one line
        """
        with self.reporting("close"):
            self.file.close()
            size = os.path.getsize(self.path)
            roomy = shutil.disk_usage(self.path.absolute().parent).free > size + MARGIN and size + MARGIN < file_size_limit()
            part = self.path.with_name(f".{self.path.name}.part") if roomy else self.path  # on a full disk: in place, a moment's risk
            if roomy:
                shutil.copyfile(self.path, part)
            self.file = h5py.File(part, "r+", libver=LIBVER)
            for path in [*self.columns, fmt.COMMIT.path]:
                self.file[path].resize(self.committed.get(path, 0), axis=0)
            for write in self.at_end:
                write(self.file)
            thalia = self.file["/thalia"].attrs
            thalia["duration"], thalia["finished"], thalia["error"] = duration, np.bytes_(now()), np.bytes_(error.encode())
            self.set_status(status)
            self.file.close()
            if roomy:
                put_in_place(part, self.path)


def seal(dataset: h5py.Dataset) -> h5py.Dataset:
    """Note the CRC-32 of a dataset that will not change."""
    crc = 0
    for block in blocks_of(dataset, 0, len(dataset)):
        crc = crc_of(block, crc)
    dataset.attrs[CHECK] = np.uint32(crc)
    return dataset


@contextmanager
def replacing(target: Path, need: int) -> Iterator[Path]:
    """A path beside `target`: the file that is written there takes its name at the end, and is removed after an error.

    need  bytes that it may grow to: RecordingError if there is less room, since HDF5 cannot close a file once a write has failed
    """
    room = min(shutil.disk_usage(target.absolute().parent).free, file_size_limit())
    if room < need + MARGIN:
        raise RecordingError(f"cannot write {target}: up to {(need + MARGIN) / 1e6:.1f} MB are needed, there is room for {room / 1e6:.1f}; make room")
    part = target.with_name(f".{target.stem}.part{target.suffix}")
    try:
        yield part
        put_in_place(part, target)
    except (OSError, RuntimeError) as error:
        if isinstance(error, RecordingError):
            raise
        raise RecordingError(f"cannot write {target}: {str(error).splitlines()[0]}") from error
    finally:
        with suppress(OSError):
            part.unlink()


@contextmanager
def set_aside(path: Path | None) -> Iterator[None]:
    """Take a file out of the way of one that is to replace it (None: nothing is): if that fails, it is there again."""
    if path is None or not path.exists():
        yield
        return
    before = path.with_name(f".{path.name}.before")
    path.replace(before)
    try:
        yield
    except BaseException:
        before.replace(path)
        raise
    before.unlink()


def put_in_place(part: Path, target: Path) -> None:
    """Bring a finished file to the disk, then give it its name."""
    with open(part, "r+b") as file:
        os.fsync(file.fileno())
    os.replace(part, target)
    sync_folder(target.absolute().parent)


def sync_folder(folder: Path) -> None:
    """Bring a folder's entries to the disk, where the system can."""
    with suppress(OSError):
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def plain(value: Any) -> Any:
    """A value as JSON knows it."""
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    return list(value) if isinstance(value, (set, frozenset, tuple)) else str(value)
