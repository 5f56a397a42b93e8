"""Packs a finished recording for the archive: the same recording in another file, compressed by filters that come with HDF5.

Shuffling puts first bytes beside first bytes, second beside second, so that gzip finds what neighbours have in common: times rise slowly and many
are equal, ids use two or three of their eight bytes. Chunks are larger than those of a file that is written while its run goes on.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py

from ..errors import RecordingError
from ..integrity.increments import row_bytes
from .reader import Recording, open_recording
from .segments import COPY, FIRST_NAME, SECOND_NAME, check_apart, first_file
from .writer import LIBVER, check_target, replacing

CHUNK_BYTES = 1 << 18  # about
SMALL: dict[str, Any] = {"shuffle": True, "compression": "gzip", "compression_opts": 4}
PLAIN: dict[str, Any] = {}


def pack_recording(path: str | Path, out: str | Path | None = None, force: bool = False) -> str:
    """Write a recording, compressed, to `out` (default: NAME.packed.h5); returns a sentence on what that saved.

    The copy is read back and compared before it gets its name, and the original stays. RecordingError if the recording is not finished, or if
    the file cannot be written.
    """
    with open_recording(path) as recording:
        return rewrite(recording, recording.path.with_suffix(".packed.h5") if out is None else Path(out), SMALL, force)


def unpack_recording(path: str | Path, out: str | Path | None = None, force: bool = False) -> str:
    """The same without compression (default: NAME.h5 for NAME.packed.h5), for readers that know no gzip."""
    with open_recording(path) as recording:
        return rewrite(recording, plain_path(recording.path) if out is None else Path(out), PLAIN, force)


def plain_path(path: Path) -> Path:
    """NAME.h5 of NAME.packed.h5, NAME.plain.h5 of any other."""
    stem = path.stem.removesuffix(".packed")
    return path.with_name(f"{stem if stem != path.stem else stem + '.plain'}{path.suffix}")


def rewrite(recording: Recording, target: Path, filters: dict[str, Any], force: bool) -> str:
    """Write a finished recording to another file, through the given filters of HDF5."""
    check_rewritten(recording, target, force)
    with replacing(target, total_bytes(recording.file.h5)) as part:
        with h5py.File(part, "w", libver=LIBVER) as file:
            copy_group(recording, "/", file, filters)
        with h5py.File(part, "r") as file:
            check_equal(recording, "/", file)
    sizes = [f"{path.stat().st_size / 1e6:.1f} MB" for path in (target, recording.path)]
    return f"{target} holds all of {recording.path}, read back and compared: {sizes[0]}, that was {sizes[1]}"


def check_rewritten(recording: Recording, target: Path, force: bool) -> None:
    """RecordingError if the file cannot be written, or if the recording is not finished."""
    if recording.status == "running" or len(recording.files) > 1:
        raise RecordingError(
            f"{recording.path} is not finished: wait for its end, go on with thalia-sim resume, or put it in order with thalia-sim recover"
        )
    check_apart(recording, target)
    if first_file(target) != target:
        raise RecordingError(f"{target} would be taken for a further file of the run {first_file(target)}: choose another name")
    check_target(target, force)


def total_bytes(group: h5py.Group) -> int:
    """Size of all datasets without compression."""
    return sum(total_bytes(thing) if isinstance(thing, h5py.Group) else thing.nbytes for thing in group.values())


def copy_group(recording: Recording, group: str, out: h5py.File, filters: dict[str, Any]) -> None:
    """All that is in a group, with its attributes; rows are verified as they are read."""
    copy_attributes(recording.file.h5[group], out[group])
    for path, thing in members(recording, group):
        if isinstance(thing, h5py.Group):
            out.create_group(path)
            copy_group(recording, path, out, filters)
        else:
            copy_dataset(recording, thing, out, filters)
    if SECOND_NAME in recording.file.names(group):
        out[group][SECOND_NAME] = out[group][FIRST_NAME]


def members(recording: Recording, group: str) -> Iterator[tuple[str, h5py.Group | h5py.Dataset]]:
    """Path and thing of all that is in a group; what has two names comes once."""
    for name in recording.file.names(group):
        if name != SECOND_NAME:
            path = f"{group.rstrip('/')}/{name}"
            yield path, recording.file.h5[path]


def copy_dataset(recording: Recording, source: h5py.Dataset, out: h5py.File, filters: dict[str, Any]) -> None:
    """A dataset with its attributes, in large chunks with checksums."""
    made = out.create_dataset(
        source.name, source.shape, source.dtype, maxshape=source.maxshape, chunks=large_chunks(source), fletcher32=True, **filters
    )
    copy_attributes(source, made)
    for begin, end in pieces(source):
        made[begin:end] = recording.rows(source.name, begin, end)


def copy_attributes(source: h5py.Group | h5py.Dataset, made: h5py.Group | h5py.Dataset) -> None:
    """Attributes of the same type to the bit: libsonata wants `sorting` as the enumeration that it is."""
    for name, value in source.attrs.items():
        made.attrs.create(name, value, dtype=source.attrs.get_id(name).dtype)


def large_chunks(source: h5py.Dataset) -> tuple[int, ...]:
    """Chunks of about CHUNK_BYTES, as wide as the dataset where that is less."""
    wide = tuple(max(1, min(width, CHUNK_BYTES // source.dtype.itemsize)) for width in source.shape[1:])
    return max(1, min(source.shape[0], CHUNK_BYTES // (source.dtype.itemsize * math.prod(wide)))), *wide


def pieces(source: h5py.Dataset) -> Iterator[tuple[int, int]]:
    """First and last row of pieces of about COPY bytes."""
    at_once, n = max(1, COPY // row_bytes(source)), source.shape[0]
    return ((begin, min(begin + at_once, n)) for begin in range(0, n, at_once))


def check_equal(recording: Recording, group: str, copy: h5py.File) -> None:
    """RecordingError unless all datasets of a group came back as they are."""
    for path, thing in members(recording, group):
        if isinstance(thing, h5py.Group):
            check_equal(recording, path, copy)
            continue
        for begin, end in pieces(thing):
            if recording.rows(path, begin, end).tobytes() != copy[path][begin:end].tobytes():
                raise RecordingError(f"{path} of {recording.path} came back changed from the new file: check the disk, then try again")
