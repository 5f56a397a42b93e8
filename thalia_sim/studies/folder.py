"""The folder of a study: it is made, and one study at a time runs in it. Studies after one another may share it."""

from __future__ import annotations

import contextlib
import errno
import os
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from ..errors import DescriptionError, RecordingError
from ..recording import open_recording
from ..recording.checkpoint import checkpoints, clear
from .points import COMPLETE, INTERRUPTED, LOST, NOT_RUN, Point, files_of
from .readings import Readings, is_read

try:
    import fcntl
except ImportError:  # not on every system; there nothing keeps a second study out
    fcntl = None  # type: ignore[assignment]

GOING = "going-"  # begin of the name of the file without which the runs of a study stop
LOCK = "lock"  # file that the process of a study holds while it runs, with its number; it stays


@contextlib.contextmanager
def taken(folder: Path) -> Iterator[None]:
    """Make a folder and keep other studies out of it meanwhile; the system lets go of it when the process ends, however it ends."""
    try:
        for inside in (folder / "points", folder):
            inside.mkdir(parents=True, exist_ok=True)
            if not os.access(inside, os.W_OK | os.X_OK):
                raise PermissionError(errno.EACCES, f"{inside.name} may not be written")
        file = open(folder / LOCK, "a+")
    except OSError as error:
        raise DescriptionError(f"out of the study is {folder}, which cannot be a folder to write to ({error.strerror}): give another one") from error
    with file:
        lock(file, folder)
        yield


class Going:
    """Permission for the runs of a study to go on, wherever they are: a file in the folder. It is gone when the study is to stop, when it has ended,
    and when another one begins, so no run outlives its study by long, even if a scheduler lost it."""

    def __init__(self, folder: Path) -> None:
        for file in folder.glob(f"{GOING}*"):
            file.unlink(missing_ok=True)
        self.file, self.was_stopped = folder / f"{GOING}{uuid.uuid4().hex[:8]}", False
        self.file.touch()

    def stop(self) -> None:
        """Have all runs stop."""
        self.was_stopped = True
        self.end()

    def end(self) -> None:
        self.file.unlink(missing_ok=True)


def lock(file: IO[str], folder: Path) -> None:
    """Take the lock, and leave the number of this process in it."""
    if fcntl is None:
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        owner = file.read().strip() or "another one"
        raise RecordingError(f"a study runs in folder {folder} (process {owner}): wait for its end, or give another folder") from None
    except OSError:  # a file system without locks
        return
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()


def known(points: Sequence[Point], folder: Path, readings: Readings) -> dict[str, dict[str, Any]]:
    """The facts of points, by key. Parents come before their children.

    A point that is complete, but of which something is gone or damaged that is needed (the recording, if it is still to be read, or the checkpoint
    from which another one is to begin), is marked as lost in its file and given as interrupted. Its measures stay there for who needs no more.
    """
    found: dict[str, dict[str, Any]] = {}
    begun_from: set[str] = set()
    for point in reversed(points):
        files = files_of(point, folder)
        facts = files.read() or {"status": NOT_RUN}
        is_unread = not is_read(facts, readings.get(point.key))
        if files.recording.exists() and is_unread and is_damaged(files.recording):
            files.remove_recording()
            clear(files.checkpoints)
        if facts["status"] in (COMPLETE, LOST):
            was_lost = facts["status"] == LOST
            lacks_recording = is_unread and (was_lost or not is_readable(files.recording))
            lacks_end = point.key in begun_from and (was_lost or not checkpoints(files.checkpoints))
            facts["status"] = INTERRUPTED if lacks_recording or lacks_end else COMPLETE
            if facts["status"] == INTERRUPTED and not was_lost:
                files.write({**facts, "status": LOST})
        if point.parent is not None and facts["status"] != COMPLETE and not files.can_go_on:
            begun_from.add(point.parent.key)
        found[point.key] = facts
    return found


def is_readable(recording: Path) -> bool:
    """Whether a recording is there and can be opened as a finished one."""
    return recording.exists() and status_of(recording) == "complete"


def is_damaged(recording: Path) -> bool:
    """Whether a recording that is there cannot be opened at all."""
    return status_of(recording) == ""


def status_of(recording: Path) -> str:
    """How a recording ended; "" if it cannot be opened."""
    try:
        with open_recording(recording) as found:
            return found.status
    except (OSError, RecordingError):
        return ""
