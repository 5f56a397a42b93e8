"""Ablation: what each mechanism contributes, as the only one that is off, as the only one that is on, and together with the others.

    off alone    measure with it off - measure with all on
    on alone     measure with it alone on - measure with all off
    interaction  (all on - all off) - sum of all "on alone"; with all subsets also of each pair: (a and b) - a - b + (all off)
    main effect  with all subsets: mean over all subsets of the others of (with it - without it) (Fisher 1935, The Design of Experiments)

Of the settled network, or in trouble: after a disturbance, each condition in a branch of its own. Some mechanisms act in trouble only.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..errors import DescriptionError
from ..given import truth
from . import asked
from .design import branch, design, span_of
from .disturbances import DISTURBANCES, NONE, checked
from .effects import BySeed, Effect, effect, sign_of
from .outcome import Outcome, carry_out
from .points import Point
from .results import Result, result
from .workers import Effort

MOST_SUBSETS = 10  # mechanisms of which all subsets are run: 1024 a seed
Off = frozenset[str]


def ablation(
    script: str | Path, seeds: Iterable[int] = range(1, 11), *, out: str | Path, settle: str | float, measure: str | float,
    disturb: Sequence[str] = (NONE,), course: str | float = "5 s", share: float = 0.2, settings: Sequence[str] = (), subsets: bool = False,
    by: Sequence[str] = (), precision: str = "double", effort: Effort | None = None,
) -> Result:  # fmt: skip
    """Switch each mechanism of a script off and on, over seeds.

    settle, measure  ms or "2 s": how long the network runs before it is measured, and while it is
    disturb          names of disturbances (of a study of recovery), each done to the settled network before it is measured; "none": nothing
    course           ms or "5 s": how long a disturbed network is left to itself before it is measured
    share            of each excitatory population that a lesion takes
    subsets          all subsets of the mechanisms, in place of single ones off and on
    by               names of the measures that the table shows
    """
    plan = design(script, seeds, out, settle, measure, settings, precision)
    plan.refuse_no_mechanism("so nothing can be ablated: let hooks() return one, such as SynapticScaling")
    subsets = truth(subsets, "subsets of the study")
    if subsets and len(plan.mechanisms) > MOST_SUBSETS:
        raise DescriptionError(f"all subsets of {len(plan.mechanisms)} mechanisms are {2 ** len(plan.mechanisms)} runs a seed: leave --subsets out")
    troubles, span, share = checked(disturb, plan.net, (NONE, *DISTURBANCES)), span_of(course, "course", plan.net), asked.share(share, "share", 0.2)
    planned = {
        (seed, Condition(off, trouble)): branch(begun(plan.settled(seed, off), trouble, span, share), plan.measure, is_measured=True)
        for seed in plan.seeds for off in conditions(plan.mechanisms, subsets) for trouble in troubles
    }  # fmt: skip
    outcome = carry_out(planned, plan.folder, effort or Effort(), by)
    how = {"subsets": subsets, "disturb": list(troubles), "course": span, "share": share}
    effects = [row._replace(unit=plan.unit_of(row.measure)) for row in read(outcome, plan.mechanisms, troubles, subsets)]
    return result("ablation", plan, how, outcome, effects)


class Condition(NamedTuple):
    """Of a network that is measured."""

    off: Off
    trouble: str  # the disturbance before it, or none


def begun(settled: Point, trouble: str, span: float, share: float) -> Point:
    """Where the measured run begins: at the end of the settled one, or some time after a disturbance."""
    return settled if trouble == NONE else branch(settled, span, disturbance=trouble, share=share)


def conditions(names: Sequence[str], subsets: bool) -> list[Off]:
    """What is off in each condition: nothing first, then all."""
    everything = frozenset(names)
    if subsets:
        found = [frozenset(off) for k in range(len(names) + 1) for off in combinations(names, k)]
    else:
        found = [frozenset({name}) for name in names] + [everything - {name} for name in names]
    return list(dict.fromkeys([frozenset(), everything, *found]))


def read(outcome: Outcome, names: Sequence[str], troubles: Sequence[str], subsets: bool) -> list[Effect]:
    """The table: measure by measure, the effects of each mechanism, then interactions."""
    return [row for measure in outcome.measures for trouble in troubles for row in Contrasts(outcome, names, measure, trouble).rows(subsets)]


class Contrasts:
    """The effects on one measure, after one disturbance or none. A contrast is a list of (factor, what is off), summed for each seed; the factors
    sum to 0."""

    def __init__(self, outcome: Outcome, names: Sequence[str], measure: str, trouble: str = NONE) -> None:
        self.outcome, self.names, self.measure, self.trouble = outcome, tuple(names), measure, trouble
        self.all_off = frozenset(names)

    def alone(self, *on: str) -> Off:
        """What is off when only these are on."""
        return self.all_off - frozenset(on)

    def values(self, off: Off) -> BySeed:
        """Of each seed, with these off."""
        return self.outcome.values(Condition(off, self.trouble), self.measure)

    def row(self, subject: str, comparison: str, contrast: Sequence[tuple[float, Off]], reference: Off) -> Effect:
        values = total([(factor, self.values(off)) for factor, off in contrast], self.values(reference))
        after = "" if self.trouble == NONE else f", {self.trouble}"
        found = effect(subject, comparison + after, self.measure, values, reference=list(self.values(reference).values()))
        return found._replace(verdict=sign_of(found))

    def rows(self, subsets: bool) -> list[Effect]:
        on, off = frozenset[str](), self.all_off
        found = []
        for name in self.names:
            found.append(self.row(name, "off alone", [(1, frozenset({name})), (-1, on)], on))
            found.append(self.row(name, "on alone", [(1, self.alone(name)), (-1, off)], off))
            if subsets:
                found.append(self.row(name, "main effect", self.main(name), off))
        if len(self.names) > 1:
            singles = [(-1.0, self.alone(name)) for name in self.names]
            found.append(self.row("all", "interaction", [(1, on), *singles, (len(self.names) - 1, off)], off))
        if subsets:
            for a, b in combinations(self.names, 2):
                contrast = [(1.0, self.alone(a, b)), (-1.0, self.alone(a)), (-1.0, self.alone(b)), (1.0, off)]
                found.append(self.row(f"{a} x {b}", "interaction", contrast, off))
        return found

    def main(self, name: str) -> list[tuple[float, Off]]:
        """Mean over all subsets of the others of with - without."""
        others = [other for other in self.names if other != name]
        sets = [frozenset(off) for k in range(len(others) + 1) for off in combinations(others, k)]
        return [(sign / len(sets), off | without) for off in sets for sign, without in ((1.0, frozenset[str]()), (-1.0, frozenset({name})))]


def total(parts: Sequence[tuple[float, BySeed]], reference: BySeed) -> Any:
    """Sum of factor x (value - reference) of each seed, [seeds]. As the factors sum to 0 the reference takes nothing away but rounding: 7 v - v - 6 v
    need not be 0, and would be an effect of a sign."""
    base = np.array(list(reference.values()))
    return sum((factor * (np.array(list(values.values())) - base) for factor, values in parts), np.zeros(len(base)))
