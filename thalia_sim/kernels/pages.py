"""Where arrays lie in memory."""

import mmap
from typing import Any

import numpy as np

PAGE = 1 << 21  # bytes of a huge page
LINE = 64  # bytes of a cache line
SMALL = 1 << 22  # bytes; NumPy itself asks for huge pages from here on


def together(arrays: Any, stay: tuple[str, ...] = ()) -> Any:
    """The same named tuple of arrays, the small ones but those that `stay` moved side by side into huge pages, where the system has them.

    On pages of 4 KiB, addresses that are neighbours lie anywhere in a cache that is indexed by physical address, so arrays of a megabyte push each
    other out of a cache of a megabyte, in one process more than in the next.
    """
    small = {f: a for f, a in arrays._asdict().items() if a.nbytes < SMALL and f not in stay}
    starts = np.cumsum([0] + [-(-a.nbytes // LINE) * LINE for a in small.values()])
    room = mmap.mmap(-1, int(starts[-1]) + 2 * PAGE)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        room.madvise(mmap.MADV_HUGEPAGE)
    whole = np.frombuffer(room, np.uint8)
    skip = -whole.ctypes.data % PAGE
    moved = {}
    for (field, array), start in zip(small.items(), starts[:-1], strict=True):
        place = whole[skip + start : skip + start + array.nbytes].view(array.dtype).reshape(array.shape)
        place[...] = array
        moved[field] = place
    return arrays._replace(**moved)
