"""The results of a study: a table of effects, a row for each run, the courses behind them; as text, JSON, picture and one HDF5 file.

The file, ablation.h5 and so on, holds the datasets "runs" and "effects" (compound rows), "measures" [runs, measures] and "measure_names" (apart from
"runs", as HDF5 has no compound rows of more than 64 kB), courses under "courses/NAME" (t, seed, value
[seeds, bins]), and the attributes kind, configuration, versions, missing, notes (JSON), seeds (those that count) and failed (those of them of which
a run failed).
"""

from __future__ import annotations

import json
import math
import os
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
from .measured import TAKEN
from .outcome import Outcome
from .tables import effects_table

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
    failed: Sequence[int]  # those of them of which a run failed, so that some effects are of fewer
    missing: Sequence[str]  # what was not run to its end
    is_interrupted: bool
    by: Sequence[str]  # the measures that the table shows; all if none is named
    notes: Sequence[str] = ()  # what else has to be known to read the table
    courses: Mapping[str, Mapping[int, Course]] = field(default_factory=dict)  # name -> seed -> course; not of seeds whose run failed

    @property
    def counted(self) -> str:
        """How many seeds count, in a few words."""
        lost = f", but runs of seed {', '.join(map(str, self.failed))} failed: see n" if self.failed else ""
        return f"{len(self.seeds)} of {len(self.configuration['seeds'])} seeds count{lost}"

    @property
    def shown(self) -> list[Effect]:
        """The effects on courses, and on the measures that were asked for."""
        return [e for e in self.effects if not self.by or e.measure in (*self.by, COURSE)]

    def table(self) -> str:
        """The effects as text, and what is missing."""
        head = f"{self.kind} of {self.configuration['script']}: {self.counted}"
        lines = [head, "", effects_table(self.shown) if self.shown else "no effect is known yet"]
        known = dict.fromkeys(e.measure for e in self.effects)
        lines += [f"no measure is named {name!r}: {nearest(name, known)}" for name in self.by if known and name not in known]
        lines += self.notes
        if self.missing:
            lines += ["", f"not run to the end: {len(self.missing)}", *(f"  {line}" for line in self.missing)]
        return "\n".join(lines)

    def to_json(self) -> str:
        """All of it but the courses; null where there is no number."""
        effects = [e._asdict() for e in self.effects]
        tree = {
            "kind": self.kind, "configuration": self.configuration, "seeds": list(self.seeds), "effects": effects, "runs": list(self.runs),
            "failed": list(self.failed), "missing": list(self.missing), "notes": list(self.notes),
        }  # fmt: skip
        return json.dumps(without_nan(tree))

    def figure(self, path: str | Path) -> Path:
        """Draw the effects, and the courses if there are any, into a .png, .svg or .pdf file."""
        from .figures import draw

        return draw(self, path)

    @property
    def file(self) -> Path:
        """Where it is written: one file for each kind of study, so that those of one folder keep theirs."""
        return self.folder / f"{self.kind}.h5"

    def save(self) -> Path:
        """Write the file into the folder of the study, in place of one that is there."""
        path = self.file
        part = path.with_suffix(f".{os.getpid()}.part")
        with h5py.File(part, "w") as file:
            names = [name for name in self.runs[0] if name not in TAKEN]
            file.create_dataset("runs", data=run_rows(self.runs))
            file.create_dataset("measures", data=np.array([[run[name] for name in names] for run in self.runs], dtype=np.float64))
            file.create_dataset("measure_names", data=names, dtype=KINDS["str"])
            file.create_dataset("effects", data=effect_rows(self.effects))
            for name, courses in self.courses.items():
                group = file.create_group(f"courses/{name.replace('/', '_')}")
                first = next(iter(courses.values()))
                group.create_dataset("seed", data=np.array(list(courses), dtype=np.int64))
                group.create_dataset("t", data=first.t).attrs["units"] = "ms"
                group.create_dataset("value", data=np.stack([c.value for c in courses.values()])).attrs["units"] = first.unit
            versions = {name: installed_versions().get(name, "") for name in VERSIONS}
            facts = {
                "configuration": self.configuration, "versions": versions, "missing": list(self.missing), "seeds": list(self.seeds),
                "failed": list(self.failed), "notes": list(self.notes),
            }  # fmt: skip
            file.attrs["kind"] = self.kind
            file.attrs.update({name: json.dumps(value) for name, value in facts.items()})
        part.replace(path)
        return path


def result(
    kind: str, plan: Design, configuration: Mapping[str, Any], outcome: Outcome, effects: Sequence[Effect], notes: Sequence[str] = (), **more: Any
) -> Result:  # fmt: skip
    """The result of a study, written to its folder."""
    whole = {**plan.configuration(), **configuration}
    found = Result(
        kind, plan.folder, whole, effects, outcome.runs(), outcome.seeds, outcome.failed, outcome.missing(), outcome.ran.is_interrupted, outcome.by,
        [*notes, *outcome.ran.notes], **more,
    )  # fmt: skip
    found.save()
    return found


def run_rows(runs: Sequence[Mapping[str, Any]]) -> np.ndarray:
    """A row for each run without its measures: texts, whole numbers and floats."""
    columns = {name: KINDS[type(value).__name__] for name, value in runs[0].items() if name in TAKEN}
    return np.array([tuple(run[name] for name in columns) for run in runs], dtype=list(columns.items()))


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
