"""The results of a study: a table of effects, a row for each run, the courses behind them; as text, JSON, picture and one HDF5 file.

results.h5 holds the datasets "runs" and "effects" (compound rows), courses under "courses/NAME" (t, and value [seeds, bins]), and the attributes
kind, configuration, versions, missing (JSON) and seeds (those that count).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_type_hints

import h5py
import numpy as np

from ..errors import nearest
from ..recording.provenance import installed_versions
from .courses import Course
from .design import Design
from .effects import COURSE, Effect
from .outcome import Outcome
from .tables import effects_table

NAME = "results.h5"
VERSIONS = ("thalia-sim", "numpy", "numba", "llvmlite")
KINDS = {"str": h5py.string_dtype(), "int": np.dtype(np.int64), "float": np.dtype(np.float64)}


@dataclass(frozen=True)
class Result:
    """What a study found."""

    kind: str
    folder: Path
    configuration: Mapping[str, Any]
    effects: Sequence[Effect]
    runs: Sequence[Mapping[str, Any]]
    seeds: Sequence[int]  # that count: all their points ended
    missing: Sequence[str]  # what was not run to its end
    is_interrupted: bool
    by: Sequence[str]  # the measures that the table shows; all if none is named
    courses: Mapping[str, Sequence[Course]] = field(default_factory=dict)  # name -> one a seed

    @property
    def shown(self) -> list[Effect]:
        """The effects on courses, and on the measures that were asked for."""
        return [e for e in self.effects if not self.by or e.measure in (*self.by, COURSE)]

    def table(self) -> str:
        """The effects as text, and what is missing."""
        asked = self.configuration["seeds"]
        head = f"{self.kind} of {self.configuration['script']}: {len(self.seeds)} of {len(asked)} seeds count"
        lines = [head, "", effects_table(self.shown) if self.shown else "no effect is known yet"]
        known = dict.fromkeys(e.measure for e in self.effects)
        lines += [f"no measure is named {name!r}: {nearest(name, known)}" for name in self.by if known and name not in known]
        if self.missing:
            lines += ["", f"not run to the end: {len(self.missing)}", *(f"  {line}" for line in self.missing)]
        return "\n".join(lines)

    def to_json(self) -> str:
        """All of it but the courses; null where there is no number."""
        effects = [e._asdict() for e in self.effects]
        tree = {
            "kind": self.kind, "configuration": self.configuration, "seeds": list(self.seeds), "effects": effects, "runs": list(self.runs),
            "missing": list(self.missing),
        }  # fmt: skip
        return json.dumps(without_nan(tree))

    def figure(self, path: str | Path) -> Path:
        """Draw the effects, and the courses if there are any, into a .png, .svg or .pdf file."""
        from .figures import draw

        return draw(self, path)

    def save(self) -> Path:
        """Write results.h5 into the folder of the study, in place of one that is there."""
        path = self.folder / NAME
        part = path.with_suffix(".part")
        with h5py.File(part, "w") as file:
            file.create_dataset("runs", data=run_rows(self.runs))
            file.create_dataset("effects", data=effect_rows(self.effects))
            for name, courses in self.courses.items():
                group = file.create_group(f"courses/{name.replace('/', '_')}")
                group.create_dataset("t", data=courses[0].t).attrs["units"] = "ms"
                group.create_dataset("value", data=np.stack([c.value for c in courses])).attrs["units"] = courses[0].unit
            versions = {name: installed_versions().get(name, "") for name in VERSIONS}
            facts = {"configuration": self.configuration, "versions": versions, "missing": list(self.missing), "seeds": list(self.seeds)}
            file.attrs["kind"] = self.kind
            file.attrs.update({name: json.dumps(value) for name, value in facts.items()})
        part.replace(path)
        return path


def result(kind: str, plan: Design, configuration: Mapping[str, Any], outcome: Outcome, effects: Sequence[Effect], **more: Any) -> Result:
    """The result of a study, written to its folder."""
    whole = {**plan.configuration(), **configuration}
    found = Result(
        kind, plan.folder, whole, effects, outcome.runs(), outcome.seeds, outcome.missing(), outcome.ran.is_interrupted, outcome.by, **more
    )  # fmt: skip
    found.save()
    return found


def run_rows(runs: Sequence[Mapping[str, Any]]) -> np.ndarray:
    """A row for each run: texts, whole numbers and floats."""
    dtype = [(name, KINDS[type(value).__name__]) for name, value in runs[0].items()]
    return np.array([tuple(run.values()) for run in runs], dtype=dtype)


def effect_rows(effects: Sequence[Effect]) -> np.ndarray:
    """A row for each effect."""
    return np.array([tuple(e) for e in effects], dtype=[(name, KINDS[kind.__name__]) for name, kind in get_type_hints(Effect).items()])


def without_nan(tree: Any) -> Any:
    """Plain data, None in place of what is no finite number."""
    if isinstance(tree, Mapping):
        return {name: without_nan(value) for name, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        return [without_nan(value) for value in tree]
    return None if isinstance(tree, float) and not math.isfinite(tree) else tree
