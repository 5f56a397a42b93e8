"""A file that is still marked as being written, seen as one that was closed.

HDF5 marks a file that a process appends to (SWMR mode) and refuses to open it, unless as a reader of a running process; then it waits and tries
again when metadata do not match their checksum, twice as long each time, which on a damaged file never ends. Here HDF5 is shown the same bytes with a
first block that has no mark and the real size of the file, so that a damaged file is refused at once; whoever reads a run that
goes on tries again himself. The bytes are those of the HDF5 file format specification, version 3 superblock.
"""

from __future__ import annotations

import io
import os
import struct
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import RecordingError
from .checksums import metadata_checksum

SIGNATURE = b"\x89HDF\r\n\x1a\n"
VERSION = 3
APPENDING = 4  # bit of the flags
LAYOUT = struct.Struct("<8s4B4QI")


class Superblock(NamedTuple):
    """The first 48 bytes of a file."""

    signature: bytes
    version: int
    size_of_offsets: int
    size_of_lengths: int
    flags: int
    base: int
    extension: int
    end: int  # of the file
    root: int
    checksum: int


def appended_superblock(path: Path) -> Superblock | None:
    """The superblock of a file that is marked as being appended to, else None."""
    with open(path, "rb") as file:
        head = file.read(LAYOUT.size)
    if len(head) < LAYOUT.size:
        return None
    block = Superblock(*LAYOUT.unpack(head))
    if (block.signature, block.version, block.size_of_offsets) != (SIGNATURE, VERSION, 8) or not block.flags & APPENDING:
        return None
    if metadata_checksum(head[:-4]) != block.checksum:
        raise RecordingError(f"{path} is damaged (its first bytes are not those that were written): use a copy")
    return block


def closed_superblock(block: Superblock, size: int) -> bytes:
    """The 48 bytes as they would be if the file of that size had been closed."""
    head = LAYOUT.pack(*block._replace(flags=0, end=size))[:-4]
    return head + struct.pack("<I", metadata_checksum(head))


class Unmarked(io.RawIOBase):
    """The bytes of a file behind a superblock without mark, for reading."""

    def __init__(self, path: Path, block: Superblock) -> None:
        self.bytes = open(path, "rb", buffering=0)
        self.size = os.fstat(self.bytes.fileno()).st_size
        self.head = closed_superblock(block, self.size)

    def close(self) -> None:
        self.bytes.close()
        super().close()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        if whence == os.SEEK_END:
            offset += self.size
            whence = os.SEEK_SET
        return self.bytes.seek(offset, whence)

    def tell(self) -> int:
        return self.bytes.tell()

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer; OSError if the file ends before."""
        begin, wanted = self.tell(), memoryview(buffer).cast("B")
        done = 0
        while done < len(wanted):
            if not (got := self.bytes.readinto(wanted[done:])):
                raise OSError(f"the file ends at byte {begin + done}, bytes up to {begin + len(wanted)} are needed")
            done += got
        if begin < len(self.head):
            part = self.head[begin : begin + len(wanted)]
            wanted[: len(part)] = part
        return done
