"""What stays of the files of runs that are complete, and how much room they take."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from ..recording.checkpoint import clear
from ..recording.segments import later_files
from .points import Point, files_of

ALL, RESULTS = "all", "results"
KEPT = (ALL, RESULTS)
MUCH = 1e9  # bytes that are worth a word


class Leftovers:
    """Files that no run of a study needs any more: the recording of one that is complete, as it was measured and read when it ended, and the
    checkpoint from which others began, when those are complete too."""

    def __init__(self, points: Sequence[Point], waiting: Sequence[Point], folder: Path) -> None:
        self.points, self.folder = points, folder
        self.waiting = {point.key for point in waiting}
        self.begun: dict[str, set[str]] = {}  # key -> keys of the points that begin from it and are waiting
        for point in waiting:
            if point.parent is not None:
                self.begun.setdefault(point.parent.key, set()).add(point.key)

    def remove_first(self) -> None:
        """Of all points that are complete when the study begins."""
        for point in self.points:
            if point.key not in self.waiting:
                self.remove(point)

    def remove(self, point: Point) -> None:
        """Of a point that is complete now."""
        files_of(point, self.folder).remove_recording()
        self.waiting.discard(point.key)
        self.clear(point)
        if point.parent is not None:
            self.begun.get(point.parent.key, set()).discard(point.key)
            self.clear(point.parent)

    def clear(self, point: Point) -> None:
        """Remove the checkpoints of a point if neither it nor another one goes on from them."""
        if point.key not in self.waiting and not self.begun.get(point.key):
            folder = files_of(point, self.folder).checkpoints
            clear(folder)
            with contextlib.suppress(OSError):  # it is gone, or holds something else
                folder.rmdir()


class Room:
    """How much room the recordings of a study will take."""

    def __init__(self, waiting: Sequence[Point], folder: Path) -> None:
        self.folder, self.spans, self.was_told = folder, [span(point) for point in waiting], False

    def told(self, point: Point) -> str | None:
        """What they will take, judged by the first of the longest runs, if that is worth a word."""
        if self.was_told or span(point) < max(self.spans):
            return None
        self.was_told, recording = True, files_of(point, self.folder).recording
        written = sum(os.path.getsize(file) for file in (recording, *later_files(recording)))
        needed, free = written * sum(self.spans) / span(point), shutil.disk_usage(self.folder).free
        if needed < MUCH and needed < free:
            return None
        remedy = "; --keep results removes each when it is measured" if needed < free else ": make room, or give --keep results"
        return f"the recordings of this study take about {needed / 1e9:.3g} GB, and {free / 1e9:.3g} GB are free{remedy}"


def span(point: Point) -> float:
    """ms that it runs."""
    return point.until - (0.0 if point.parent is None else point.parent.until)
