"""The unit of a study: one run, which leaves one recording, as plain data; and where its files lie.

A study is a list of points. A point is told from all others by its content, so one that was computed is known again when the study is started anew.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from ..recording.checkpoint import checkpoint_folder, checkpoints
from ..recording.segments import later_files
from .sources import package_source

COMPLETE, FAILED, INTERRUPTED, NOT_RUN = "complete", "failed", "interrupted", "not run"  # how a point ended
LOST = "lost"  # complete, but files of it are gone that are needed again: what was measured and read stays


@dataclass(frozen=True)
class Point:
    """One run of a script up to `until`, from the start or as a branch of the end of its parent."""

    script: str  # path
    source: str  # `source_of` the script when the study was planned
    seed: int
    until: float  # ms
    settings: tuple[str, ...] = ()  # "NAME=VALUE", as of --set
    off: tuple[str, ...] = ()  # mechanisms that are switched off from the start, sorted
    parent: Point | None = None  # from whose end it begins
    disturbance: str = ""  # what is done to the network at its beginning
    share: float = 0.0  # of the neurons that a lesion takes
    look: float = 100.0  # ms between two looks at the mean weights
    precision: str = "double"
    is_measured: bool = False  # whether it is measured when it has run; else other points may begin from its end
    package: str = field(default_factory=lambda: package_source())  # of the process that planned the study

    @cached_property
    def key(self) -> str:
        """Short name of the content: the sources of the package and of the script, and all fields but the folder of the script."""
        fields = asdict(self)
        del fields["script"], fields["parent"]
        fields["parent"] = None if self.parent is None else self.parent.key
        return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()[:16]

    def __str__(self) -> str:
        before = [] if self.parent is None else [self.parent.disturbance]
        words = [f"seed {self.seed}", *self.settings, *(f"{name} off" for name in self.off), *before, self.disturbance]
        return ", ".join(word for word in words if word) + f", to {self.until:g} ms"


class Files(NamedTuple):
    """The files of a point in the folder of a study."""

    recording: Path  # KEY.h5
    facts: Path  # KEY.json: how it ended, written last

    @property
    def checkpoints(self) -> Path:
        return checkpoint_folder(self.recording)

    def read(self) -> dict[str, Any]:
        """What is known of the point; nothing before it ended for the first time, or if the file is damaged."""
        try:
            found = json.loads(self.facts.read_bytes())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) and "status" in found and isinstance(found.get("measures"), dict) else {}

    @property
    def can_go_on(self) -> bool:
        """Whether the run was stopped and can go on from a checkpoint of its own."""
        return self.recording.exists() and bool(checkpoints(self.checkpoints))

    def write(self, facts: dict[str, Any]) -> None:
        """All of it or nothing."""
        part = self.facts.with_suffix(".part")
        part.write_text(json.dumps(facts))
        part.replace(self.facts)

    def remove_recording(self) -> None:
        for file in (self.recording, *later_files(self.recording)):
            file.unlink(missing_ok=True)


def files_of(point: Point, folder: Path) -> Files:
    """Where a point's files lie in the folder of a study."""
    return Files(folder / "points" / f"{point.key}.h5", folder / "points" / f"{point.key}.json")


def lineage(points: list[Point]) -> list[Point]:
    """Each point once, with all that it begins from, parents before their children, else in the order given."""
    found: dict[str, Point] = {}
    for point in points:
        chain = [point]
        while chain[-1].parent is not None:
            chain.append(chain[-1].parent)
        for each in reversed(chain):
            found.setdefault(each.key, each)
    return list(found.values())
