"""What a dataset's rows must look like: the CRC-32 of the rows that each write added, and which of them have been found right."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from .checksums import crc_of

BLOCK = 1 << 22  # bytes read at once


class Damage(Exception):
    """Rows that are not those that were written."""


class Increments:
    """One dataset.

    ends   [k] rows after each write, never falling
    crc    [k] CRC-32 of the rows that it added
    known  [k] whether that number can be relied on
    t      [k] ms, simulated time of the write; None for a dataset that does not grow
    """

    def __init__(
        self, ends: NDArray[np.int64], crc: NDArray[np.uint32], known: NDArray[np.bool_] | None = None, t: NDArray[np.float64] | None = None
    ) -> None:
        self.ends, self.crc, self.t = ends, crc, t
        self.known = np.ones(len(ends), dtype=bool) if known is None else known
        self.begins = np.concatenate([[0], ends[:-1]]).astype(np.int64)
        self.right = self.begins == ends  # what added nothing is right

    def verify(self, dataset: h5py.Dataset, begin: int, rows: NDArray[Any]) -> None:
        """Damage unless all writes that had a part in rows begin ... of the dataset, just read, left them as they are.

        A write of which only a part was read is read again, whole, in blocks. Each is looked at once.
        """
        end = begin + len(rows)
        first, last = int(np.searchsorted(self.ends, begin, side="right")), int(np.searchsorted(self.begins, end, side="left"))
        for k in (first + np.flatnonzero(~self.right[first:last])).tolist():
            low, high = int(self.begins[k]), int(self.ends[k])
            blocks = iter([rows[low - begin : high - begin]]) if begin <= low and high <= end else blocks_of(dataset, low, high)
            crc, n = 0, 0
            for block in blocks:
                crc, n = crc_of(block, crc), n + len(block)
            if n != high - low or not self.known[k] or crc != self.crc[k]:
                raise Damage(self.place(k))
            self.right[k] = True

    def place(self, k: int) -> str:
        """Which rows write k added, in words."""
        if self.t is None:
            return ""
        return f"rows {self.begins[k]} to {self.ends[k]}, {self.t[k - 1] if k else 0.0:g} to {self.t[k]:g} ms, of "


def blocks_of(dataset: h5py.Dataset, begin: int, end: int) -> Iterator[NDArray[Any]]:
    """Rows of a dataset, some megabytes at once."""
    at_once = max(1, BLOCK // row_bytes(dataset))
    for at in range(begin, end, at_once):
        yield dataset[at : min(at + at_once, end)]


def row_bytes(dataset: h5py.Dataset) -> int:
    """Size of a row, at least 1."""
    return max(1, dataset.dtype.itemsize * int(np.prod(dataset.shape[1:], dtype=np.int64)))
