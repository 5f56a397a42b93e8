"""Recovery: how a settled network answers to disturbances, with its mechanisms and without them.

    settle -> disturbed (its course is compared with that of the undisturbed branch) -> measured (compared with the undisturbed branch)

All branches of a seed begin from one checkpoint. "Equivalent" means shown, by two one-sided tests, to lie within a margin stated beforehand, a share
of the control's mean; a difference that is not significant is no equivalence.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..errors import DescriptionError
from ..experiment import duration
from ..measures import estimate
from ..recording import open_recording
from . import asked
from .course_of_recovery import recovery as recovery_of
from .courses import Course, rate_course
from .design import Design, branch, design, span_of
from .disturbances import DISTURBANCES, NONE, checked
from .effects import COURSE, Effect, differences, effect, is_equivalent, unknown
from .inhibition import neurons
from .outcome import Outcome, Planned, carry_out
from .points import Point
from .readings import Courses, Reading
from .results import Result, result
from .robustness import conditions, label
from .workers import Effort

UNITS = {"depth": "1", "t50": "ms", "t90": "ms", "residual": "1", "overshoot": "1"}


class Branch(NamedTuple):
    """A condition of the study."""

    robustness: str  # "on" or "off"
    disturbance: str
    stage: str  # "course" or "after"


def recovery(
    script: str | Path, seeds: Iterable[int] = range(1, 11), *, out: str | Path, settle: str | float, measure: str | float,
    course: str | float = "5 s", bin: str | float = "100 ms", disturb: Sequence[str] = tuple(DISTURBANCES), share: float = 0.2, margin: float = 0.1,
    population: str | None = None, robustness: str = "both", settings: Sequence[str] = (), by: Sequence[str] = (), precision: str = "double",
    effort: Effort | None = None,
) -> Result:  # fmt: skip
    """Disturb the settled network of a script, over seeds.

    course      ms or "5 s": how long the network is left to itself before it is measured again; its rate in this time is the course
    bin         ms, of the course: noise of a bin is in depth and times, so let it hold many spikes
    disturb     names of disturbances: weights_high, weights_low, lesion, silenced_inhibition, drive_doubled
    share       of each excitatory population that a lesion takes
    margin      share of the control's mean within which measures count as equivalent
    population  whose rate the course is; by default that of all neurons
    robustness  "on", "off" (all mechanisms of the script off from the start) or "both"
    """
    plan = design(script, seeds, out, settle, measure, settings, precision)
    names, switches = checked(disturb, plan.net), conditions(plan, robustness)
    span, width = span_of(course, "course", plan.net), duration(bin, "bin")
    margin, share = asked.share(margin, "margin", 0.1), asked.share(share, "share", 0.2)
    if not 0.0 < width <= 0.5 * span:
        raise DescriptionError(f"bin of the study is {width:g} ms and its course {span:g} ms: give a bin above 0 and at least two bins")
    watched = neurons(plan.net) if population is None else [plan.net.population(population).name]
    others = [name for name in neurons(plan.net) if name in plan.recorded]
    plan.refuse_unrecorded(watched, f"or give --population {others[0]}" if others else "or leave the Recorder out")
    planned: dict[tuple[int, Branch], Point] = {}
    for seed in plan.seeds:
        for switch, off in switches.items():
            planned |= branches(plan, seed, switch, off, (NONE, *names), span, share)
    reading = Reading(f"{COURSE} of {', '.join(watched)} in bins of {width!r} ms", partial(read_course, populations=watched, width=width))
    readings = {point.key: reading for (_, condition), point in planned.items() if condition.stage == "course"}
    outcome = carry_out(planned, plan.folder, effort or Effort(), by, readings)
    courses = {
        f"{name}, {label(switch)}": {seed: read[COURSE] for seed, read in outcome.courses(Branch(switch, name, "course"), reading).items()}
        for switch in switches for name in (NONE, *names)
    }  # fmt: skip
    effects = [row for switch in switches for name in names for row in course_rows(switch, name, courses)]
    after = [after_row(outcome, switch, name, m, margin) for m in outcome.measures for name in names for switch in switches]
    effects += [row._replace(unit=plan.unit_of(row.measure)) for row in after]
    how = {"course": span, "bin": width, "disturb": list(names), "share": share, "margin": margin, "population": population}
    how["robustness"] = robustness
    kept = {name: found for name, found in courses.items() if found}
    return result("recovery", plan, how, outcome, effects, courses=kept)


def branches(plan: Design, seed: int, switch: str, off: tuple[str, ...], names: Sequence[str], span: float, share: float) -> Planned:
    """The points of a seed with mechanisms on or off: each disturbance, and what is measured after it."""
    settled, found = plan.settled(seed, off), {}
    for name in names:
        disturbed = branch(settled, span, disturbance=name, share=share)
        found[seed, Branch(switch, name, "course")] = disturbed
        found[seed, Branch(switch, name, "after")] = branch(disturbed, plan.measure, is_measured=True)
    return found


def read_course(file: Path, populations: Sequence[str], width: float) -> Courses:
    """The rate in the stage after a disturbance."""
    with open_recording(file) as recording:
        return {COURSE: rate_course(recording, populations, width)}


def course_rows(switch: str, name: str, courses: dict[str, dict[int, Course]]) -> list[Effect]:
    """Depth, times, residual and overshoot of a disturbance, over seeds."""
    control, disturbed = (courses[f"{each}, {label(switch)}"] for each in (NONE, name))
    found = [recovery_of(c.t, c.value, control[seed].value) for seed, c in disturbed.items() if seed in control]
    rows = []
    for quantity, unit in UNITS.items():
        values = [getattr(each, quantity) for each in found]
        reached = sum(map(math.isfinite, values))
        lacks = quantity in ("t50", "t90") and reached < len(values)
        verdict = "" if not lacks else "not reached" if reached == 0 else f"reached in {reached} of {len(values)}, mean of those"
        rows.append(effect(name, quantity, COURSE, values, condition=label(switch), unit=unit, verdict=verdict))
    return rows


def after_row(outcome: Outcome, switch: str, name: str, measure: str, margin: float) -> Effect:
    """The difference of a measure to the control after the course, and whether it is shown to be within the margin."""
    control, disturbed = (outcome.values(Branch(switch, each, "after"), measure) for each in (NONE, name))
    values, before = differences(disturbed, control), list(control.values())
    reference = abs(estimate(before).mean)
    has_value = int(np.isfinite(values).sum())
    if math.isnan(reference):
        verdict = ""
    elif has_value < len(values):
        verdict = unknown(has_value, len(values))
    else:
        verdict = "equivalent" if is_equivalent(values, margin * reference) else "not shown equivalent"
    return effect(name, "after - control", measure, values, reference=before, condition=label(switch), verdict=verdict)
