"""The table of a recording's writes: how many rows of each dataset are valid after each, and the checks of what it added."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .checksums import row_crcs
from .increments import Increments

TABLE = "/thalia/commit/rows"
COLUMNS = "/thalia/commit/columns"
BASE = "/thalia/commit/base"


def commit_type(n: int) -> np.dtype[Any]:
    """Type of a row for n growing datasets: `crc` are the CRC-32 of the rows that the commit added to each, `check` that of all that is before it."""
    n = max(n, 1)
    return np.dtype([("step", "i8"), ("t", "f8"), ("wall", "f8"), ("lengths", "i8", (n,)), ("crc", "u4", (n,)), ("check", "u4")])


class Commits:
    """names [n] of the datasets, base of each (rows in earlier files of the run), table [k] as stored, whole [k]: whether a row's own check is right.

    Files of format 1.0 have no checks: all is taken as it is.
    """

    def __init__(self, names: list[str], base: dict[str, int], table: NDArray[Any]) -> None:
        self.names, self.base, self.table = names, base, table
        self.checked = "check" in (table.dtype.names or ())
        self.whole = row_crcs(table) == table["check"] if self.checked else np.ones(len(table), dtype=bool)

    def __len__(self) -> int:
        return len(self.table)

    def lengths(self, k: int) -> dict[str, int]:
        """Valid rows of each dataset after commit k; none for k = -1."""
        return dict(zip(self.names, self.table["lengths"][k].tolist(), strict=False)) if k >= 0 else dict.fromkeys(self.names, 0)

    def increments(self, name: str, rows: int) -> Increments | None:
        """What is known of a dataset of so many rows, None if that is nothing. Rows beside a commit that is not whole cannot be verified."""
        if not self.checked or name not in self.names:
            return None
        column, good = self.names.index(name), np.flatnonzero(self.whole)
        ends, crc, t = self.table["lengths"][good, column], self.table["crc"][good, column], self.table["t"][good]
        known = np.diff(good, prepend=-1) == 1
        if rows > (ends[-1] if len(ends) else 0):
            ends, crc, t, known = np.append(ends, rows), np.append(crc, 0).astype(np.uint32), np.append(t, np.inf), np.append(known, False)
        return Increments(ends, crc, known, t)

    def around(self, name: str, t: float, rows: int) -> tuple[int, int]:
        """Between which of so many rows, in order of time, the first later than t (ms) lies: all up to its time are in when a commit is made."""
        if not self.checked:
            return 0, rows
        good = np.flatnonzero(self.whole)
        times, ends = self.table["t"][good], self.table["lengths"][good, self.names.index(name)]
        k = int(np.searchsorted(times, t))
        high = int(ends[k]) if k < len(ends) else rows
        if k < len(ends) and times[k] == t:
            return high, high
        return int(ends[k - 1]) if k else 0, high

    def time(self, k: int) -> float:
        """ms, of commit k."""
        return float(self.table["t"][k]) if k >= 0 else 0.0

    def step(self, k: int) -> int:
        """Clock value of commit k."""
        return int(self.table["step"][k]) if k >= 0 else 0
