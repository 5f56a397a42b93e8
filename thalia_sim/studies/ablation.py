"""Ablation: what each mechanism contributes, as the only one that is off, as the only one that is on, and together with the others.

    off alone    measure with it off - measure with all on
    on alone     measure with it alone on - measure with all off
    interaction  (all on - all off) - sum of all "on alone"; with all subsets also of each pair: (a and b) - a - b + (all off)
    main effect  with all subsets: mean over all subsets of the others of (with it - without it) (Fisher 1935, The Design of Experiments)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DescriptionError
from .design import branch, design
from .effects import BySeed, Effect, effect, sign_of
from .measured import unit_of
from .outcome import Outcome, carry_out
from .results import Result, result
from .workers import Effort

MOST_SUBSETS = 10  # mechanisms of which all subsets are run: 1024 a seed
Off = frozenset[str]


def ablation(
    script: str | Path, seeds: Iterable[int] = range(1, 11), *, out: str | Path, settle: str | float, measure: str | float,
    settings: Sequence[str] = (), subsets: bool = False, by: Sequence[str] = (), precision: str = "double", effort: Effort | None = None,
) -> Result:  # fmt: skip
    """Switch each mechanism of a script off and on, over seeds.

    settle, measure  ms or "2 s": how long the network runs before it is measured, and while it is
    subsets          all subsets of the mechanisms, in place of single ones off and on
    by               names of the measures that the table shows
    """
    plan = design(script, seeds, out, settle, measure, settings, precision)
    plan.refuse_no_mechanism("so nothing can be ablated: let hooks() return one, such as SynapticScaling")
    if subsets and len(plan.mechanisms) > MOST_SUBSETS:
        raise DescriptionError(f"all subsets of {len(plan.mechanisms)} mechanisms are {2 ** len(plan.mechanisms)} runs a seed: leave --subsets out")
    planned = {
        (seed, off): branch(plan.settled(seed, off), plan.measure, is_measured=True)
        for seed in plan.seeds for off in conditions(plan.mechanisms, subsets)
    }  # fmt: skip
    outcome = carry_out(planned, plan.folder, effort or Effort(), by)
    return result("ablation", plan, {"subsets": subsets}, outcome, read(outcome, plan.mechanisms, subsets))


def conditions(names: Sequence[str], subsets: bool) -> list[Off]:
    """What is off in each condition: nothing first, then all."""
    everything = frozenset(names)
    if subsets:
        found = [frozenset(off) for k in range(len(names) + 1) for off in combinations(names, k)]
    else:
        found = [frozenset({name}) for name in names] + [everything - {name} for name in names]
    return list(dict.fromkeys([frozenset(), everything, *found]))


def read(outcome: Outcome, names: Sequence[str], subsets: bool) -> list[Effect]:
    """The table: measure by measure, the effects of each mechanism, then interactions."""
    return [row for measure in outcome.measures for row in Contrasts(outcome, names, measure).rows(subsets)]


class Contrasts:
    """The effects on one measure. A contrast is a list of (factor, what is off), summed for each seed."""

    def __init__(self, outcome: Outcome, names: Sequence[str], measure: str) -> None:
        self.outcome, self.names, self.measure = outcome, tuple(names), measure
        self.all_off = frozenset(names)

    def alone(self, *on: str) -> Off:
        """What is off when only these are on."""
        return self.all_off - frozenset(on)

    def row(self, subject: str, comparison: str, contrast: Sequence[tuple[float, Off]], reference: Off) -> Effect:
        values = total([(factor, self.outcome.values(off, self.measure)) for factor, off in contrast])
        known = list(self.outcome.values(reference, self.measure).values())
        found = effect(subject, comparison, self.measure, values, reference=known, unit=unit_of(self.measure))
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


def total(parts: Sequence[tuple[float, BySeed]]) -> Any:
    """Sum of factor x value of each seed, [seeds]."""
    return np.sum([factor * np.array(list(values.values())) for factor, values in parts], axis=0)
