"""Checkpoint files: one text (JSON) and arrays by the name of their content, complete or not there at all.

A file begins with a head of 512 bytes, which HDF5 skips as its user block: magic, format version, length of the file and SHA-256 of the version
and of all that follows. It is checked before HDF5 sees the file, so a damaged one is refused as such, wherever the damage lies. A file is written
under a temporary name, fsynced and renamed.

Arrays that never change may lie in files of their own beside the checkpoint, `<content>.h5`, shared by all checkpoints of a folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import struct
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
from numpy.typing import NDArray

from ..errors import CheckpointError
from ..given import is_path, short
from .writer import file_size_limit, put_in_place

MAGIC = b"thalia checkpoint\n"
VERSION = 1
HEAD = 512
LAYOUT = struct.Struct(f"<{len(MAGIC)}sIQ32s")  # magic, version, length of the file, SHA-256 of what follows the head
BLOCK = 1 << 22
MARGIN = 1 << 20  # bytes beyond the arrays that a file may take
STATIC = 1 << 16  # bytes from which an array that never changes gets a file of its own


class Stored(NamedTuple):
    """A checkpoint that was read: its text, and arrays by name."""

    tree: Any
    array: Callable[[str], NDArray[Any]]


def write_checkpoint(
    path: str | Path, tree: Any, arrays: Mapping[str, NDArray[Any]], static: Iterable[str] = (), store: Path | None = None
) -> None:
    """Write a checkpoint; with `store`, large arrays named in `static` go into files of their own in that folder unless they are there."""
    path = checked_path(path)
    apart = {name for name in static if store is not None and arrays[name].nbytes >= STATIC}
    for name in apart:
        assert store is not None
        file = store / f"{name}.h5"
        if not file.exists():
            write_file(file, "{}", {name: arrays[name]})
    write_file(path, json.dumps(tree), {name: array for name, array in arrays.items() if name not in apart})


def checked_path(path: str | Path) -> Path:
    """The path of a checkpoint; CheckpointError if it is none."""
    if not is_path(path):
        raise CheckpointError(f"path is {short(path)}: give the name of a checkpoint")
    return Path(path)


def write_file(path: Path, text: str, arrays: Mapping[str, NDArray[Any]]) -> None:
    """One file with its head: all of it or nothing."""
    folder = path.absolute().parent
    if not folder.is_dir():
        raise CheckpointError(f"folder {folder.name} of {path.name} does not exist: create it first")
    need = sum(a.nbytes for a in arrays.values()) + len(text) + MARGIN
    if shutil.disk_usage(folder).free < need or need > file_size_limit():
        raise CheckpointError(f"cannot write {path}: the disk is full, {need / 1e6:.1f} MB are needed; make room")
    part = path.with_name(f".{path.name}.part")
    try:
        with h5py.File(part, "w", userblock_size=HEAD, libver=("v110", "v110")) as file:
            file.create_dataset("text", data=np.frombuffer(text.encode(), dtype=np.uint8))
            group = file.create_group("arrays")
            for name, array in arrays.items():
                group.create_dataset(name, data=array)
        sign(part)
        put_in_place(part, path)
    except (OSError, RuntimeError, ValueError) as error:
        raise CheckpointError(f"cannot write {path}: {str(error).splitlines()[0]}") from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink()


def sign(path: Path) -> None:
    """Fill in the head."""
    with open(path, "r+b") as file:
        length, digest = body_digest(file, VERSION)
        file.seek(0)
        file.write(LAYOUT.pack(MAGIC, VERSION, length, digest).ljust(HEAD, b"\0"))


def body_digest(file: Any, version: int) -> tuple[int, bytes]:
    """(length of the file, SHA-256 of the version and of all after the head)."""
    file.seek(HEAD)
    digest, length = hashlib.sha256(version.to_bytes(4, "little")), HEAD
    while block := file.read(BLOCK):
        digest.update(block)
        length += len(block)
    return length, digest.digest()


def checkpoint_folder(recording: Path) -> Path:
    """NAME.ckpt of NAME.h5."""
    return recording.with_name(f"{recording.stem}.ckpt")


def checkpoints(folder: Path) -> list[Path]:
    """The checkpoints of a folder by their step, the oldest first; whole or not."""
    return sorted((p for p in folder.glob("*.h5") if p.stem.isdigit()), key=lambda p: int(p.stem))


def newest_checkpoint(folder: Path) -> Path:
    """The newest checkpoint that passes its checks."""
    problem = None
    for path in reversed(checkpoints(folder)):
        try:
            verify(path)
        except CheckpointError as error:
            problem = problem or error
            continue
        return path
    raise problem or CheckpointError(f"{folder.name} holds no checkpoint: record with checkpoint= (ms) to be able to go on")


def prune(folder: Path, keep: int) -> None:
    """Remove all but the newest checkpoints, and the shared arrays that none of them names."""
    for path in [*checkpoints(folder)[:-keep], *folder.glob(".*.part")]:
        path.unlink(missing_ok=True)
    shared = {p.stem: p for p in folder.glob("*.h5") if not p.stem.isdigit()}
    if not shared:
        return
    named: set[str] = set()
    for path in checkpoints(folder):
        with contextlib.suppress(OSError, KeyError, ValueError, RuntimeError), h5py.File(path, "r") as file:  # it may be damaged
            words = bytes(file["text"][()]).decode()
            named |= {name for name in shared if name in words}
    for name, path in shared.items():
        if name not in named:
            path.unlink(missing_ok=True)


def clear(folder: Path) -> None:
    """Remove all checkpoints of a folder, and what they share."""
    for path in checkpoints(folder):
        path.unlink(missing_ok=True)
    prune(folder, keep=1)


def is_checkpoint(path: str | Path) -> bool:
    """Whether a file begins like a checkpoint."""
    try:
        with open(path, "rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


def verify(path: Path) -> None:
    """Refuse a file that is not a whole checkpoint of a version known here."""
    try:
        with open(path, "rb") as file:
            head = file.read(HEAD)
            if head[: len(MAGIC)] != MAGIC:
                raise CheckpointError(f"{path} is no checkpoint of thalia_sim: give a file written by save or by a recorder")
            if len(head) < HEAD:
                raise CheckpointError(f"{path} is damaged (its head is cut short): go on from the checkpoint before it")
            _, version, length, digest = LAYOUT.unpack(head[: LAYOUT.size])
            if head[LAYOUT.size :].strip(b"\0") or body_digest(file, version) != (length, digest):
                raise CheckpointError(f"{path} is damaged (its bytes are not those that were written): go on from the checkpoint before it")
            if version > VERSION:
                raise CheckpointError(f"{path} has format {version}, this version knows {VERSION}: use a newer thalia_sim")
    except OSError as error:
        raise CheckpointError(f"cannot read {path}: {error.strerror or error}") from None


def read_checkpoint(path: str | Path) -> Stored:
    """A verified checkpoint; its arrays are read when asked for."""
    path = checked_path(path)
    verify(path)
    try:
        with h5py.File(path, "r") as file:
            tree = json.loads(bytes(file["text"][()]))
    except (OSError, KeyError, ValueError, RuntimeError) as error:
        raise CheckpointError(f"{path} is damaged ({str(error).splitlines()[0]}): go on from the checkpoint before it") from error

    def array(name: str) -> NDArray[Any]:
        for file in (path, path.parent / f"{name}.h5"):
            if file is not path:
                if not file.exists():
                    break
                verify(file)
            try:
                with h5py.File(file, "r") as opened:
                    if name in opened["arrays"]:
                        return np.asarray(opened["arrays"][name][()])
            except (OSError, KeyError, RuntimeError) as error:
                raise CheckpointError(f"{file} was taken away while it was read: another process goes on with the run, so use a copy") from error
        raise CheckpointError(f"{path} needs {name[:12]}....h5 beside it, which is missing: keep the files of a checkpoint's folder together")

    return Stored(tree, array)
