"""Sensitivity: how much a measure is lost when a parameter is another one, with the mechanisms of a script and without them.

    one     each parameter down and up by a share, one at a time:  loss = 1 - measure / measure of the same seed with nothing changed
    morris  elementary effects over all of them together: mu*, sigma (Morris 1991, Technometrics 33:161; Campolongo et al. 2007)
    sobol   shares of the variance: first order S1, total ST (Sobol 2001, Math. Comput. Simul. 55:271; Saltelli et al. 2010)

A parameter is changed from the start, and the network settles with it before it is measured.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..errors import DescriptionError
from ..given import is_number, is_whole, short
from . import indices
from .design import branch, design
from .effects import Effect, effect
from .outcome import Outcome, carry_out
from .results import Result, result
from .robustness import conditions, label
from .varied import setting, varied
from .workers import Effort

METHODS = ("one", "morris", "sobol")


class Change(NamedTuple):
    """A condition of the study."""

    robustness: str  # "on" or "off"
    settings: tuple[str, ...]  # what is changed; nothing in the base


def sensitivity(
    script: str | Path, seeds: Iterable[int] = range(1, 11), *, out: str | Path, settle: str | float, measure: str | float,
    paths: Sequence[str] = (), change: float = 0.5, limit: float = 0.2, method: str = "one", samples: int = 16, robustness: str = "both",
    settings: Sequence[str] = (), by: Sequence[str] = (), precision: str = "double", effort: Effort | None = None,
) -> Result:  # fmt: skip
    """Vary parameters of a script, over seeds.

    paths       parameters of build, or paths such as "exc.tau_m"; by default the list `sensitivity` of the script, else every number that is not 0
    change      share by which each goes down and up, or spreads around its value
    limit       loss above which a parameter is flagged
    method      "one", "morris" or "sobol"
    samples     of morris the trajectories, runs a seed: samples x (parameters + 1); of sobol a power of 2, runs: samples x (parameters + 2)
    robustness  "on", "off" (all mechanisms of the script off from the start) or "both"
    """
    if method not in METHODS:
        raise DescriptionError(f"method of the study is {short(method)}: give one of {', '.join(METHODS)}")
    if not is_number(change) or not 0.0 < change < 1.0:
        raise DescriptionError(f"change of the study is {short(change)}: give a number between 0 and 1, such as 0.5")
    if not is_whole(samples) or samples < 2:
        raise DescriptionError(f"samples of the study are {short(samples)}: give a whole number of at least 2")
    plan = design(script, seeds, out, settle, measure, settings, precision)
    switches, values = conditions(plan, robustness), varied(plan, paths)
    sampled = () if method == "one" else indices.sample(method, values, change, samples)
    changes = [(), *((changed(name, value, sign * change),) for name, value in values.items() for sign in (-1, 1))]
    if method != "one":
        changes = [tuple(setting(name, old, new) for (name, old), new in zip(values.items(), row, strict=True)) for row in sampled]
    planned = {
        (seed, Change(switch, each)): branch(plan.settled(seed, off, each), plan.measure, is_measured=True)
        for seed in plan.seeds for switch, off in switches.items() for each in changes
    }  # fmt: skip
    outcome = carry_out(planned, plan.folder, effort or Effort(), by)
    effects: list[Effect] = []
    for name in outcome.measures:
        if method == "one":
            effects += [row for path, old in values.items() for switch in switches for row in losses(outcome, name, switch, path, old, change, limit)]
        else:
            for switch in switches:
                found = indices.analyze(method, values, change, sampled, means(outcome, name, switch, changes))
                effects += [index_row(index, name, switch, len(outcome.seeds)) for index in found]
    asked = {"paths": values, "change": change, "limit": limit, "method": method, "samples": samples, "robustness": robustness}
    return result("sensitivity", plan, asked, outcome, effects)


def changed(name: str, value: float, share: float) -> str:
    """The setting by which a parameter goes up or down by a share."""
    return setting(name, value, value * (1.0 + share))


def losses(outcome: Outcome, measure: str, switch: str, path: str, value: float, change: float, limit: float) -> list[Effect]:
    """The loss of a measure when a parameter goes down and up."""
    base = outcome.values(Change(switch, ()), measure)
    rows = []
    for sign in (-1, 1):
        found = outcome.values(Change(switch, (changed(path, value, sign * change),)), measure)
        loss = [1.0 - found[seed] / base[seed] if base[seed] else np.nan for seed in base]
        row = effect(path, f"{100 * sign * change:+g} %", measure, loss, unit="loss", condition=label(switch))
        rows.append(row._replace(verdict=verdict(row, limit)))
    return rows


def verdict(loss: Effect, limit: float) -> str:
    """Where a loss lies: above the limit; under it with its whole interval; or under it, but not surely."""
    if np.isnan(loss.mean):
        return "unknown"
    return "ABOVE" if loss.mean > limit else "under" if loss.high < limit else "unsure"


def means(outcome: Outcome, measure: str, switch: str, changes: Sequence[tuple[str, ...]]) -> np.ndarray:
    """Mean of a measure over seeds for each row of the samples, [rows]; nan where a seed lacks it."""
    found = [list(outcome.values(Change(switch, each), measure).values()) for each in changes]
    return np.array([np.mean(of_seeds) if of_seeds else np.nan for of_seeds in found])


def index_row(index: indices.Index, measure: str, switch: str, seeds: int) -> Effect:
    """The index of a parameter as a row of the table."""
    low, high = index.value - index.half_width, index.value + index.half_width
    return Effect(index.parameter, index.name, measure, label(switch), "", index.value, low, high, seeds, math.nan, "")
