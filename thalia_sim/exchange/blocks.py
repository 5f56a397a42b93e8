"""Rows that come block by block, as hdmf takes them: it writes each block before it asks for the next."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from hdmf.data_utils import AbstractDataChunkIterator, DataChunk

CHUNK_BYTES = 1 << 18  # about, of a chunk in the file


class Blocks(AbstractDataChunkIterator):
    """A dataset of a known shape whose rows are still to be read.

    blocks  its rows in order, arrays [k, ...]
    shape   of all rows together
    """

    def __init__(self, blocks: Iterator[np.ndarray], shape: tuple[int, ...], dtype: Any) -> None:
        self.blocks, self.shape, self.kind = blocks, shape, np.dtype(dtype)
        self.done = 0  # rows handed over

    def __iter__(self) -> Blocks:
        return self

    def __next__(self) -> DataChunk:
        rows = next(self.blocks)
        begin, self.done = self.done, self.done + len(rows)
        return DataChunk(data=rows, selection=(slice(begin, self.done), *(slice(0, n) for n in self.shape[1:])))

    def recommended_chunk_shape(self) -> tuple[int, ...]:
        row = self.kind.itemsize * int(np.prod(self.shape[1:], dtype=np.int64))
        return max(1, min(self.shape[0], CHUNK_BYTES // max(row, 1))), *(max(1, n) for n in self.shape[1:])

    def recommended_data_shape(self) -> tuple[int, ...]:
        return self.shape

    @property
    def dtype(self) -> np.dtype:
        return self.kind

    @property
    def maxshape(self) -> tuple[int | None, ...]:
        return None, *self.shape[1:]
