"""CRC-32 of rows, and the checksum with which HDF5 protects its own metadata."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

MASK = 0xFFFFFFFF
START = 0xDEADBEEF
MIX = (4, 6, 8, 16, 19, 4)
FINAL = (14, 11, 25, 16, 4, 14, 24)


def crc_of(rows: NDArray[Any], before: int = 0) -> int:
    """CRC-32 (ISO 3309, as zlib computes it) of an array's bytes, row by row, going on from that of the rows before."""
    return zlib.crc32(memoryview(bytes_of(rows)), before)


def bytes_of(rows: NDArray[Any]) -> Any:
    """The bytes of an array, row by row [n] uint8, where they are if they lie so."""
    return np.ascontiguousarray(rows).reshape(-1).view(np.uint8)


def crcs_between(ends: NDArray[np.int64], blocks: Iterable[NDArray[Any]]) -> NDArray[np.uint32]:
    """CRC-32 of the rows between given ends [k], the first from 0 on, of rows that come in blocks of any size."""
    found = np.zeros(len(ends), dtype=np.uint32)
    at = 0
    for block in blocks:
        done = 0
        while done < len(block) and (k := int(np.searchsorted(ends, at, side="right"))) < len(ends):
            part = block[done : done + int(ends[k]) - at]
            found[k] = crc_of(part, int(found[k]))
            done, at = done + len(part), at + len(part)
    return found


def row_crcs(rows: NDArray[Any]) -> NDArray[np.uint32]:
    """CRC-32 of each row [k] of a table, without the row's last four bytes."""
    size = rows.dtype.itemsize
    data = memoryview(bytes_of(rows))
    return np.array([zlib.crc32(data[k * size : (k + 1) * size - 4]) for k in range(len(rows))], dtype=np.uint32)


def metadata_checksum(data: bytes) -> int:
    """The 32-bit hash that closes each piece of HDF5's metadata (Jenkins 2006, lookup3.c, hashlittle; HDF5 file format specification)."""
    a = b = c = (START + len(data)) & MASK
    words = np.frombuffer(data + bytes(-len(data) % 12), dtype="<u4").tolist()
    for k in range(0, len(words), 3):
        a, b, c = (a + words[k]) & MASK, (b + words[k + 1]) & MASK, (c + words[k + 2]) & MASK
        if k + 3 < len(words):
            for turn in MIX:
                a, b, c = b, (c + b) & MASK, ((a - c) ^ rotated(c, turn)) & MASK
    for turn in FINAL:
        c, b, a = a, ((c ^ b) - rotated(b, turn)) & MASK, b
    return b


def rotated(word: int, turn: int) -> int:
    """A 32-bit word turned to the left."""
    return (word << turn | word >> (32 - turn)) & MASK
