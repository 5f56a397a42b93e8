"""The measures of a run: those of the script's `measure(recording)`, else the built-in ones. Numbers by their names; nan where there is none."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import MeasureError
from ..experiment import Experiment, script_errors
from ..given import is_number, short
from ..measures import IntervalMeter, RateMeter
from ..recording import Recording, open_recording
from .courses import weight_course
from .effects import COURSE
from .inhibition import kinds_in

TAKEN = ("key", "seed", "until", "settings", "off", "disturbance", "parent", "status", "error", "wall_s", COURSE)  # columns of runs, rows of courses


def measures_of(file: Path, experiment: Experiment) -> dict[str, float]:
    """The measures of a recording; MeasureError if the script's function returns something else."""
    with open_recording(file) as recording:
        if experiment.measure is None:
            return built_in_measure(recording)
        with script_errors(experiment.path):
            found = experiment.measure(recording)
    return checked(found, experiment.path)


def checked(found: Any, script: Path) -> dict[str, float]:
    """What the script's measure returned, as a dict of plain numbers."""
    if not isinstance(found, Mapping) or not found:
        raise MeasureError(f"measure of {script.name} returned {short(found)}: return a dict of numbers by their names")
    for name, value in found.items():
        if isinstance(name, str) and name in TAKEN:
            raise MeasureError(f"measure of {script.name} returned a number named {name!r}, as a column of the study's own is: name it otherwise")
        if isinstance(name, str) and not (name and name.isprintable()):
            raise MeasureError(f"measure of {script.name} returned a number named {short(name)}: give a name of letters that can be printed")
        if not isinstance(name, str) or not is_number(value):
            raise MeasureError(f"measure of {script.name} returned {short(value)} for {short(name)}: return a number, nan where there is none")
        if math.isinf(value):
            raise MeasureError(f"measure of {script.name} returned {name!r}, which is {value:g}: give a finite number, or nan where there is none")
    return {name: float(value) for name, value in found.items()}


def built_in_measure(recording: Recording) -> dict[str, float]:
    """Rate (Hz) and irregularity (mean CV of intervals) of each population, mean weight at the last look of each projection with a rule or a gain,
    ratio of the rates of excitatory and inhibitory neurons; of a run with input patterns, the share of them that each population tells apart."""
    found: dict[str, float] = {}
    rates = {name: rate_and_cv(recording, name) for name in recording.populations}
    found |= {f"rate.{name}": rate for name, (rate, _) in rates.items()}
    found |= {f"cv.{name}": cv for name, (_, cv) in rates.items()}
    described = recording.config["network"]["projections"]
    own = [name for name, projection in described.items() if projection["rule"] is not None or projection["gain"] is not None]
    found |= {f"weight.{name}": float(course.value[-1]) for name, course in weight_course(recording).items() if name in own and len(course.value)}
    found["ei_ratio"] = ei_ratio(recording, {name: rate for name, (rate, _) in rates.items()})
    if any(event.kind == "pattern" for event in recording.events()):
        from ..analysis import discrimination

        found |= {f"told_apart.{name}": discrimination(recording, name).accuracy for name in recording.populations}
    return found


def unit_of(measure: str) -> str:
    """Unit of a built-in measure; of weights none is known."""
    return {"rate": "Hz", "cv": "1", "ei_ratio": "1", "told_apart": "1"}.get(measure.partition(".")[0], "")


def rate_and_cv(recording: Recording, population: str) -> tuple[float, float]:
    """Mean rate (Hz) and mean CV of the recorded neurons; nan without neurons, or without a neuron that fired thrice."""
    members = recording.recorded_ids(population)
    n, begin, end = len(members), recording.begin, recording.begin + recording.duration
    rates, intervals = RateMeter(n, begin), IntervalMeter(n, begin)
    for t, ids in recording.blocks(population, begin, end):
        numbers = np.searchsorted(members, ids.astype(np.int64))
        rates.add(t, numbers)
        intervals.add(t, numbers)
    cv = intervals.result(end).cv
    known = cv[~np.isnan(cv)]
    return rates.result(end).mean, float(known.mean()) if len(known) else math.nan


def ei_ratio(recording: Recording, rates: Mapping[str, float]) -> float:
    """Mean rate of the neurons that do not inhibit over that of those that do; nan without either, or if the latter are silent."""
    excite, inhibit = (mean_rate(recording, names, rates) for names in kinds_in(recording))
    return excite / inhibit if inhibit > 0.0 else math.nan


def mean_rate(recording: Recording, names: Sequence[str], rates: Mapping[str, float]) -> float:
    """Mean rate (Hz) of all recorded neurons of some populations; nan without any."""
    number = {name: recording.populations[name].n_recorded for name in names}
    n = sum(number.values())
    return sum(k * rates[name] for name, k in number.items() if k) / n if n else math.nan
