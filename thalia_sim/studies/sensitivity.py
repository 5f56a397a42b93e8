"""Sensitivity: how much a measure is lost when a parameter is another one, with the mechanisms of a script and without them.

    one     each parameter down and up by a share, one at a time:  loss = 1 - measure / measure of the same seed with nothing changed
    morris  elementary effects over all of them together: mu*, sigma (Morris 1991, Technometrics 33:161; Campolongo et al. 2007)
    sobol   shares of the variance: first order S1, total ST (Sobol 2001, Math. Comput. Simul. 55:271; Saltelli et al. 2010)

A parameter is changed from the start, and the network settles with it before it is measured. Whole numbers and delays are rounded; morris and sobol
take a whole number only where there are ten of them within the change.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..errors import DescriptionError
from ..given import short
from . import asked, indices
from .design import branch, design
from .effects import Effect, effect
from .outcome import Outcome, carry_out
from .results import Result, result
from .robustness import conditions, label
from .varied import Step, delays, refuse_few, setting, steps, varied
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

    paths       parameters of build, or paths such as "exc.tau_m"; by default the list `sensitivity` of the script, else all but 0 and infinite ones
    change      share by which each goes down and up, or spreads around its value
    limit       loss above which a parameter is flagged
    method      "one", "morris" or "sobol"
    samples     of morris the trajectories, runs a seed: samples x (parameters + 1); of sobol a power of 2, runs: samples x (parameters + 2)
    robustness  "on", "off" (all mechanisms of the script off from the start) or "both"
    """
    if method not in METHODS:
        raise DescriptionError(f"method of the study is {short(method)}: give one of {', '.join(METHODS)}")
    change, limit, samples = asked.share(change, "change", 0.5), asked.number(limit, "limit", 0.2), asked.whole(samples, "samples", 2)
    plan = design(script, seeds, out, settle, measure, settings, precision)
    switches, values = conditions(plan, robustness), varied(plan, asked.names(paths, "paths"))
    grid = delays(values, plan.net)
    ways, notes = steps(values, change, grid) if method == "one" else ({}, [f"{name}: rounded to steps of {dt:g} ms" for name, dt in grid.items()])
    changes, sampled = [(), *((way.setting,) for of_path in ways.values() for way in of_path)], ()
    if method != "one":
        refuse_few(values, change)
        sampled = indices.sample(method, values, change, samples)
        changes = [tuple(setting(name, old, new) for (name, old), new in zip(values.items(), row, strict=True)) for row in sampled]
    planned = {
        (seed, Change(switch, each)): branch(plan.settled(seed, off, each), plan.measure, is_measured=True)
        for seed in plan.seeds for switch, off in switches.items() for each in changes
    }  # fmt: skip
    outcome = carry_out(planned, plan.folder, effort or Effort(), by)
    effects: list[Effect] = []
    for name in outcome.measures:
        if method == "one":
            effects += [loss(outcome, name, switch, path, way, limit) for path, found in ways.items() for switch in switches for way in found]
        else:
            analyze = partial(indices.analyze, method, values, change, sampled)
            effects += [row for switch in switches for row in index_rows(outcome, name, switch, changes, analyze)]
    how = {"paths": values, "change": change, "limit": limit, "method": method, "samples": samples, "robustness": robustness}
    return result("sensitivity", plan, how, outcome, effects, notes=notes)


def loss(outcome: Outcome, measure: str, switch: str, path: str, way: Step, limit: float) -> Effect:
    """The loss of a measure when a parameter goes down or up."""
    base, found = (outcome.values(Change(switch, each), measure) for each in ((), (way.setting,)))
    values = [1.0 - found[seed] / base[seed] if base[seed] else np.nan for seed in base]
    row = effect(path, way.comparison, measure, values, unit="loss", condition=label(switch))
    return row._replace(verdict=verdict(row, limit, len(values)))


def verdict(loss: Effect, limit: float, seeds: int) -> str:
    """Where a loss lies: above the limit; under it with its whole interval and in all seeds; or under it, but not surely."""
    if np.isnan(loss.mean):
        return "unknown"
    return "ABOVE" if loss.mean > limit else "under" if loss.high < limit and loss.n == seeds else "unsure"


def index_rows(
    outcome: Outcome, measure: str, switch: str, changes: Sequence[tuple[str, ...]], analyze: Callable[[np.ndarray], list[indices.Index]]
) -> list[Effect]:  # fmt: skip
    """The indices of each parameter as rows of the table: of the mean over the seeds that have a value in every row of the samples."""
    values = np.array([list(outcome.values(Change(switch, each), measure).values()) for each in changes]).T  # [seeds, rows]
    known = values[~np.isnan(values).any(axis=1)]
    y = known.mean(axis=0) if len(known) else np.full(len(changes), np.nan)
    return [
        Effect(i.parameter, i.name, measure, label(switch), "", i.value, i.value - i.half_width, i.value + i.half_width, len(known), math.nan, "")
        for i in analyze(y)
    ]  # fmt: skip
