"""What came of the points of a study, seed by seed: the values that its statistics are made of, and what is missing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from . import asked
from .effects import BySeed
from .points import COMPLETE, FAILED, Point, lineage
from .readings import Courses, Reading, Readings, courses_in
from .workers import Effort, Ran, run_points

Planned = Mapping[tuple[int, Any], Point]  # (seed, condition) -> the point that shows it; all of a seed come before the next seed's
ENDED = (COMPLETE, FAILED)


class Outcome(NamedTuple):
    """See above. A seed counts if all of its points ended; of one that failed there is no value."""

    planned: Planned
    ran: Ran
    by: tuple[str, ...]  # measures that come first

    @property
    def seeds(self) -> list[int]:
        """Seeds of which every point ended."""
        open_ = {point.seed for point in lineage(list(self.planned.values())) if self.status(point) not in ENDED}
        return [seed for seed in dict.fromkeys(seed for seed, _ in self.planned) if seed not in open_]

    @property
    def failed(self) -> list[int]:
        """Those of them of which a run failed."""
        lost = {point.seed for point in lineage(list(self.planned.values())) if self.status(point) == FAILED}
        return [seed for seed in self.seeds if seed in lost]

    def status(self, point: Point) -> str:
        return str(self.ran.facts[point.key]["status"])

    @property
    def measures(self) -> list[str]:
        """Names of all measures, those asked for first."""
        found = dict.fromkeys(name for point in self.planned.values() for name in self.ran.facts[point.key].get("measures", {}))
        return [*(name for name in self.by if name in found), *(name for name in found if name not in self.by)]

    def values(self, condition: Any, measure: str) -> BySeed:
        """seed -> value of a measure in a condition, of whole seeds; nan where it has none."""
        points = {seed: self.planned[seed, condition] for seed in self.seeds if (seed, condition) in self.planned}
        return {seed: self.ran.facts[point.key]["measures"].get(measure, math.nan) for seed, point in points.items()}

    def courses(self, condition: Any, reading: Reading) -> dict[int, Courses]:
        """seed -> what was read of the recording of a condition, of whole seeds whose point is complete."""
        points = {seed: self.planned[seed, condition] for seed in self.seeds}
        return {seed: courses_in(self.ran.facts[point.key], reading) for seed, point in points.items() if self.status(point) == COMPLETE}

    def missing(self) -> list[str]:
        """What was not run to its end, and why, a line each."""
        lines = []
        for point in lineage(list(self.planned.values())):
            facts = self.ran.facts[point.key]
            if facts["status"] != COMPLETE:
                error = f": {facts['error'].splitlines()[-1]}" if facts.get("error") else ""
                lines.append(f"{facts['status']}: {point}{error}")
        return lines

    def runs(self) -> list[dict[str, Any]]:
        """A row for each point: what it is, how it ended, its measures."""
        rows = []
        for point in lineage(list(self.planned.values())):
            facts = self.ran.facts[point.key]
            told = {name: facts.get(name, default) for name, default in (("status", ""), ("error", ""), ("wall_s", math.nan))}
            what = {
                "key": point.key, "seed": point.seed, "until": point.until, "settings": " ".join(point.settings), "off": " ".join(point.off),
                "disturbance": point.disturbance, "parent": point.parent.key if point.parent is not None else "",
            }  # fmt: skip
            rows.append({**what, **told, **{name: facts.get("measures", {}).get(name, math.nan) for name in self.measures}})
        return rows


def carry_out(planned: Planned, folder: Path, effort: Effort, by: Sequence[str], readings: Readings | None = None) -> Outcome:
    """Run what is planned, as far as the budget goes, and read of the recordings what is to be read."""
    first = asked.names(by, "by")
    return Outcome(planned, run_points(list(planned.values()), folder, effort, readings), first)
