"""Long-run stability: whether rates, their ratio and weights of a settled network drift.

    start, end  means over the first and last of the equal pieces into which the run is cut
    slope       of the least-squares line through the pieces of a seed, per hour
    drift       slope x length of the run / mean over the run, so relative, over the whole run

Weights that never moved are left out.

"No drift" is a claim of its own, not the lack of a significant slope: the 95 % interval of the drift lies within the margin stated beforehand.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from ..recording import open_recording
from . import asked
from .courses import Course, averaged, rate_course, ratio_course, weight_course
from .design import LOOKS, branch, design
from .effects import Effect, effect, slope, unknown
from .inhibition import neurons
from .outcome import carry_out
from .readings import Courses, Reading
from .results import Result, result
from .robustness import conditions, label
from .workers import Effort

HOUR = 3_600_000.0  # ms


def stability(
    script: str | Path, seeds: Iterable[int] = range(1, 11), *, out: str | Path, settle: str | float, measure: str | float = "10 s",
    pieces: int = 20, margin: float = 0.1, robustness: str = "on", settings: Sequence[str] = (), by: Sequence[str] = (), precision: str = "double",
    effort: Effort | None = None,
) -> Result:  # fmt: skip
    """Run the settled network of a script for long, over seeds.

    measure     ms or "10 s": length of the run; 10 s are 10,000 steps of 1 ms
    pieces      equal pieces into which it is cut, at most 100
    margin      relative drift over the run within which there is none
    robustness  "on", "off" (all mechanisms of the script off from the start) or "both"
    """
    pieces, margin = asked.whole(pieces, "pieces", 3, LOOKS), asked.share(margin, "margin", 0.1)
    plan = design(script, seeds, out, settle, measure, settings, precision)
    plan.refuse_unrecorded(neurons(plan.net), "or leave the Recorder out")
    switches = conditions(plan, robustness)
    planned = {
        (seed, switch): branch(plan.settled(seed, off), plan.measure, is_measured=True) for seed in plan.seeds for switch, off in switches.items()
    }
    reading = Reading(f"stability in {pieces} pieces", partial(read_courses, pieces=pieces))
    outcome = carry_out(planned, plan.folder, effort or Effort(), by, {point.key: reading for point in planned.values()})
    effects: list[Effect] = []
    courses: dict[str, dict[int, Course]] = {}
    found = {switch: outcome.courses(switch, reading) for switch in switches}
    shown = moved([of_seed for of_seeds in found.values() for of_seed in of_seeds.values()])
    for switch, of_seeds in found.items():
        for name in shown if of_seeds else ():
            mine = courses[f"{name}, {label(switch)}"] = {seed: of_seed[name] for seed, of_seed in of_seeds.items()}
            effects += rows(name, list(mine.values()), plan.measure, label(switch), margin, len(outcome.seeds))
    how = {"pieces": pieces, "margin": margin, "robustness": robustness}
    return result("stability", plan, how, outcome, effects, courses=courses)


def read_courses(file: Path, pieces: int) -> Courses:
    """Rate of each population, ratio of the rates, mean weight of each projection, in pieces of a recording."""
    with open_recording(file) as recording:
        width = recording.duration / pieces
        found = {f"rate.{name}": rate_course(recording, [name], width) for name in recording.populations}
        found["ei_ratio"] = ratio_course(recording, width)
        weights = weight_course(recording)
        return found | {f"weight.{name}": averaged(course, width, pieces) for name, course in weights.items()}


def moved(courses: Sequence[Mapping[str, Course]]) -> list[str]:
    """Names of the courses, without those of weights that moved in none of several runs."""
    names = dict.fromkeys(name for run in courses for name in run)
    return [name for name in names if not name.startswith("weight.") or any(np.ptp(run[name].value) > 0.0 for run in courses)]


def rows(name: str, courses: Sequence[Course], span: float, condition: str, margin: float, seeds: int) -> list[Effect]:
    """Start, end, slope and drift of a quantity, from its course in each seed of which there is one, of `seeds`."""
    unit = courses[0].unit
    slopes = np.array([slope(c.t, c.value) for c in courses])
    means = np.array([np.nanmean(c.value) if np.isfinite(c.value).any() else np.nan for c in courses])
    with np.errstate(divide="ignore", invalid="ignore"):
        drifts = np.where(means != 0.0, slopes * span / np.abs(means), np.nan)
    drift = effect("", "drift", name, drifts, unit="1", condition=condition)
    return [
        effect("", "start", name, [c.value[0] for c in courses], unit=unit, condition=condition),
        effect("", "end", name, [c.value[-1] for c in courses], unit=unit, condition=condition),
        effect("", "slope", name, slopes * HOUR, unit=f"{unit}/h", condition=condition),
        drift._replace(verdict=verdict(drift, margin) if drift.n in (0, seeds) else unknown(drift.n, seeds)),
    ]


def verdict(drift: Effect, margin: float) -> str:
    """What the interval of a drift says of the margin, and of 0."""
    if not np.isfinite(drift.low):
        return ""
    if drift.low == drift.high == 0.0:
        return "never moved"
    within = "no drift: within the margin" if -margin < drift.low and drift.high < margin else "not shown within the margin"
    return f"{within}, {'includes' if drift.low <= 0.0 <= drift.high else 'excludes'} 0"
