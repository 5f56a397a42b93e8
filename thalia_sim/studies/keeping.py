"""What stays of the files of runs that are complete, and how much room they take."""

from __future__ import annotations

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

    def __init__(self, points: Sequence[Point], folder: Path) -> None:
        self.folder = folder
        self.begun: dict[str, set[str]] = {}  # key -> keys of the points that begin from it and are not complete
        for point in points:
            if point.parent is not None:
                self.begun.setdefault(point.parent.key, set()).add(point.key)

    def remove(self, point: Point) -> None:
        """Of a point that is complete."""
        files_of(point, self.folder).remove_recording()
        if point.parent is not None:
            self.begun[point.parent.key].discard(point.key)
            if not self.begun[point.parent.key]:
                clear(files_of(point.parent, self.folder).checkpoints)


def room_told(first: Point, points: Sequence[Point], folder: Path) -> str | None:
    """What the recordings of points will take, judged by the first of them, if that is worth a word."""
    recording = files_of(first, folder).recording
    written = sum(os.path.getsize(file) for file in (recording, *later_files(recording)))
    needed, free = written * sum(map(span, points)) / span(first), shutil.disk_usage(folder).free
    if needed < MUCH and needed < free:
        return None
    remedy = "; --keep results removes each when it is measured" if needed < free else ": make room, or give --keep results"
    return f"their recordings take about {needed / 1e9:.3g} GB, and {free / 1e9:.3g} GB are free{remedy}"


def span(point: Point) -> float:
    """ms that it runs."""
    return point.until - (0.0 if point.parent is None else point.parent.until)
