"""One HDF5 file, read with its checks: what is returned is what was written, or a RecordingError says in one sentence what is damaged."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import h5py
import numpy as np
from numpy.typing import NDArray

from ..errors import RecordingError
from .commits import BASE, COLUMNS, TABLE, Commits
from .increments import Damage, Increments, blocks_of, row_bytes
from .unmarked import Unmarked, appended_superblock

T = TypeVar("T")
PAUSES = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2)  # s, between attempts at a file that is being written: a piece of metadata may just have been half there
LOCKED = (0.02, 0.05, 0.1, 0.2, 0.4, 0.8)  # s, between attempts at a file that another process holds
AT_ONCE = 1 << 26  # bytes of one commit that are verified when a file is opened; what is larger is verified when it is read
CHECK = "crc32"  # attribute of a dataset that does not grow: CRC-32 of its bytes
TROUBLE = (OSError, RuntimeError, KeyError, ValueError, TypeError, AttributeError, IndexError, OverflowError, MemoryError, SystemError, Damage)


class Busy(Exception):
    """HDF5's lock says that another process is creating the file, or ending it."""


class CheckedFile:
    """Groups and datasets by their paths. A recording, or any other HDF5 file: then only HDF5's own checks are there.

    live  set it where a process is known to write: what cannot be read is then tried again for a moment
    """

    live = False

    def __init__(self, path: Path) -> None:
        self.path = path
        self.seen: dict[str, dict[str, Any]] = {}  # attributes that were read
        self.listed: dict[str, list[str]] = {}  # members of groups
        self.checks: dict[str, Increments | None] = {}
        self.open()

    def __enter__(self) -> CheckedFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open(self) -> None:
        for pause in LOCKED:
            try:
                return self.open_once()
            except Busy:
                time.sleep(pause)
        try:
            self.open_once()
        except Busy as error:
            raise RecordingError(f"{self.path} is being created or ended by another process: try again in a moment") from error

    def open_once(self) -> None:
        if not self.path.is_file():
            raise RecordingError(f"{self.path} does not exist: give the path of a recording")
        self.bytes: Unmarked | None = None
        self.opened: dict[str, h5py.Dataset] = {}
        try:
            if not h5py.is_hdf5(self.path):
                raise RecordingError(f"{self.path} is no HDF5 file: give a recording that thalia-sim run --out wrote")
            block = appended_superblock(self.path)
            self.bytes = None if block is None else Unmarked(self.path, block)
            self.h5 = h5py.File(self.path if self.bytes is None else self.bytes, "r")
        except RecordingError:
            raise
        except TROUBLE as error:
            if self.bytes is not None:
                self.bytes.close()
            if getattr(error, "errno", None) in (errno.EAGAIN, errno.EACCES) and os.access(self.path, os.R_OK):
                raise Busy from error
            raise RecordingError(f"{self.path} cannot be opened ({first_line(error)}): use a copy") from error

    def close(self) -> None:
        with suppress(*TROUBLE):  # nothing was written
            self.h5.close()
        if self.bytes is not None:
            self.bytes.close()

    def reading(self, read: Callable[[], T]) -> T:
        """What `read` returns; whatever HDF5 raises becomes one sentence."""
        for pause in PAUSES if self.live else ():
            try:
                return read()
            except TROUBLE:
                time.sleep(pause)
                self.close()
                self.open()
        try:
            return read()
        except RecordingError:
            raise
        except Damage as damage:
            raise RecordingError(f"{self.path} is damaged: {damage} not as written: use a copy, or read what is whole") from damage
        except TROUBLE as error:
            raise RecordingError(f"{self.path} is damaged ({first_line(error)}): use a copy") from error

    # what there is ---------------------------------------------------------------------------------------------------

    def names(self, path: str) -> list[str]:
        """Members of a group, [] if there is no such group.

        A name is looked up in a list that was read without error: `in` and `get` of h5py may take damage for absence.
        """
        if path not in self.listed:
            parent, _, name = path.rstrip("/").rpartition("/")
            there = path == "/" or name in self.names(parent or "/")
            self.listed[path] = self.reading(lambda: list(self.h5[path])) if there else []
        return self.listed[path]

    def has(self, path: str) -> bool:
        parent, _, name = path.rpartition("/")
        return name in self.names(parent or "/")

    def attributes(self, path: str) -> dict[str, Any]:
        """All attributes of a group or dataset, texts as str."""
        if path not in self.seen:
            self.seen[path] = self.reading(lambda: {name: text_or(value) for name, value in self.h5[path].attrs.items()})
        return self.seen[path]

    def descriptions(self) -> dict[str, str]:
        """The sentence of every dataset that has one, by path."""
        found: dict[str, str] = {}

        def visit(path: str, thing: h5py.Group | h5py.Dataset) -> None:
            if isinstance(thing, h5py.Dataset) and "description" in (attributes := self.attributes(f"/{path}")):
                found[f"/{path}"] = attributes["description"]

        self.reading(lambda: self.h5.visititems(visit))
        return found

    # rows ------------------------------------------------------------------------------------------------------------

    def dataset(self, path: str) -> h5py.Dataset:
        if path not in self.opened:
            self.opened[path] = self.h5[path]
        return self.opened[path]

    def size(self, path: str) -> int:
        """Rows of a dataset, valid or not."""
        return self.reading(lambda: int(self.dataset(path).shape[0]))

    def length(self, path: str) -> int:
        """Valid rows of a dataset."""
        rows = self.size(path)
        return rows if path in (COLUMNS, BASE) else min(rows, self.lengths.get(path, rows))

    def rows(self, path: str, begin: int = 0, end: int | None = None) -> NDArray[Any]:
        """Rows begin to end of a dataset, verified."""
        stop = self.length(path) if end is None else min(end, self.length(path))
        return self.reading(lambda: self.read(path, begin, stop))

    def read(self, path: str, begin: int, end: int) -> NDArray[Any]:
        dataset = self.dataset(path)
        rows = dataset[begin:end]
        self.verify_rows(path, dataset, begin, rows)
        return rows

    def verify(self, path: str) -> None:
        """Read a whole dataset, in blocks, for its checks only."""

        def look() -> None:
            at = 0
            for block in blocks_of(self.dataset(path), 0, self.length(path)):
                self.verify_rows(path, self.dataset(path), at, block)
                at += len(block)

        self.reading(look)

    def verify_rows(self, path: str, dataset: h5py.Dataset, begin: int, rows: NDArray[Any]) -> None:
        check = self.increments(path)
        if check is not None and len(rows):
            try:
                check.verify(dataset, begin, rows)
            except Damage as damage:
                raise Damage(f"{damage}{path} are") from None

    def increments(self, path: str) -> Increments | None:
        """The checks of a dataset, None if it has none."""
        if path not in self.checks:
            if path not in (COLUMNS, BASE) and self.commits is not None and path in self.commits.names:
                self.checks[path] = self.commits.increments(path, int(self.dataset(path).shape[0]))
            else:
                crc = self.attributes(path).get(CHECK)
                rows = np.array([0 if crc is None else len(self.dataset(path))])
                self.checks[path] = None if crc is None else Increments(rows, np.array([crc], dtype=np.uint32))
        return self.checks[path]

    # commits ---------------------------------------------------------------------------------------------------------

    @cached_property
    def commits(self) -> Commits | None:
        """The table of commits, None in a file that has none."""
        return self.reading(self.read_commits) if self.has(TABLE) else None

    def read_commits(self) -> Commits:
        names = [text(name) for name in self.rows(COLUMNS) if text(name)]
        base = dict(zip(names, self.rows(BASE).tolist(), strict=False)) if self.has(BASE) else {}
        return Commits(names, base, self.h5[TABLE][:])

    @cached_property
    def marks(self) -> dict[str, Any]:
        """What a recording says of itself: the attributes of /thalia, {} in any other file."""
        return self.attributes("/thalia") if self.has("/thalia") else {}

    @property
    def ended(self) -> bool:
        """Whether the file was closed as it should; else only what was committed counts."""
        return self.marks.get("status") != "running"

    @cached_property
    def last(self) -> int:
        """The commit up to which the file is shown, -1 for none: the last one, or in the file of a dead process the last that is whole."""
        assert self.commits is not None
        newest = len(self.commits) - 1
        if self.ended or self.live:
            good = np.flatnonzero(self.commits.whole)
            return int(good[-1]) if len(good) else -1
        step, bad, k = 1, newest + 1, newest
        while k >= 0 and not self.is_right(k):
            bad, k, step = k, k - step, 2 * step
        low = max(k, -1)
        while bad - low > 1:
            middle = (low + bad) // 2
            low, bad = (middle, bad) if self.is_right(middle) else (low, middle)
        return low

    @property
    def left_out(self) -> bool:
        """Whether commits after the last one shown are damaged."""
        return self.commits is not None and not self.ended and self.last < len(self.commits) - 1

    def is_right(self, k: int) -> bool:
        """Whether what commit k added is there and as it was written."""
        assert self.commits is not None
        if not self.commits.checked:
            return True
        if not self.commits.whole[max(k - 1, 0) : k + 1].all():
            return False
        before, after = self.commits.lengths(k - 1), self.commits.lengths(k)
        try:
            for name in self.commits.names:
                dataset = self.dataset(name)
                if len(dataset) < after[name]:
                    return False
                if (after[name] - before[name]) * row_bytes(dataset) <= AT_ONCE:
                    self.read(name, before[name], after[name])
        except TROUBLE:
            return False
        return True

    @cached_property
    def lengths(self) -> dict[str, int]:
        """Valid rows of each growing dataset: what its last commit says; in a file that has ended, all."""
        if self.commits is None:
            return {}
        if self.ended and self.commits.checked:
            return {name: self.size(name) for name in self.commits.names}
        return self.commits.lengths(self.last)


def text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def text_or(value: Any) -> Any:
    """A text from bytes, anything else as it is."""
    return value.decode() if isinstance(value, bytes) else value


def first_line(error: BaseException) -> str:
    """What an error says, in one line."""
    return (str(error).splitlines() or [type(error).__name__])[0].strip("'\"")
