"""A file of spikes and nothing else, in the SONATA format: input that other programs can read too, and that `SpikeFile` plays."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import ArrayLike

from ..errors import RecordingError
from . import format as fmt
from .writer import check_target, seal


def write_spikes(path: str | Path, populations: Mapping[str, tuple[ArrayLike, ArrayLike]], force: bool = False) -> Path:
    """Write population -> (times [n] in ms, ids [n] counted from 0 within it), in any order; RecordingError if that cannot be done.

    Written in the order of the times, equal times in the order of the ids.
    """
    path = check_target(path, force)
    checked = {name: checked_spikes(name, times, ids) for name, (times, ids) in populations.items()}
    try:
        with h5py.File(path, "w", libver=("earliest", "v110")) as file:
            file.attrs["magic"] = np.uint32(fmt.MAGIC)
            file.attrs["version"] = np.array(fmt.SONATA_VERSION, dtype=np.uint32)
            sorting = h5py.enum_dtype(fmt.SORTING, basetype="u1")
            for name, (times, ids) in checked.items():
                group = file.create_group(f"/spikes/{name}")
                group.attrs.create("sorting", fmt.SORTING["by_time"], dtype=sorting)
                chunks = (max(1, min(len(times), fmt.CHUNK)),)
                for column, data in (("timestamps", times), ("node_ids", ids)):
                    dataset = group.create_dataset(column, data=data, maxshape=(None,), chunks=chunks, fletcher32=True)
                    seal(dataset)
                group["timestamps"].attrs["units"] = np.bytes_("ms")
    except OSError as error:
        raise RecordingError(f"cannot write {path}: {str(error).splitlines()[0]}") from error
    return path


def checked_spikes(name: str, times: ArrayLike, ids: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Times as float64 and ids as uint64, in the order of (time, id)."""
    t, k = np.asarray(times, dtype=np.float64), np.asarray(ids)
    if t.ndim != 1 or k.shape != t.shape:
        raise RecordingError(f"spikes of {name!r} have times of shape {t.shape} and ids of shape {k.shape}: give two lists of one length")
    if not np.isfinite(t).all():
        raise RecordingError(f"spikes of {name!r} have a time that is not finite: remove it")
    if len(k) and (k.dtype.kind not in "iu" or k.min() < 0):
        raise RecordingError(f"spikes of {name!r} have ids that are no whole numbers from 0 on: count the elements from 0")
    order = np.lexsort((k, t))
    return t[order], k[order].astype(np.uint64)
