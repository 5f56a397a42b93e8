"""A recording as objects of Neo (Garcia et al. 2014, Front. Neuroinform. 8:10), which Elephant analyses."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import datetime
from typing import Any

import numpy as np

from ..recording import Recording
from ..recording.reader import Sampling
from .choice import Choice, Populations, choose, needed, summary


def to_neo(recording: Recording, populations: Populations = None, t0: float | None = None, t1: float | None = None) -> Any:
    """A neo.Block of one segment: a SpikeTrain for each neuron, silent ones too, an AnalogSignal for each report, a Group for each population.

    populations  names, or name -> numbers of elements (None: all of them); None: all populations
    t0, t1       ms, only spikes and samples with t0 < t <= t1

    Times are in ms, values in the unit of the recording (dimensionless if quantities does not know it: see the annotation recorded_units).
    Spike trains carry the annotations population, id (the number within it) and model, signals population and variable, and the number of each
    column as the array annotation id. All of it is in memory, and a train takes about 4 kB and 0.3 ms beside its spikes: choose from large
    recordings. RecordingError if Neo is not installed, or if there is no such population, element or stretch of time.
    """
    with needed("neo"):
        import neo
    choice = choose(recording, populations, t0, t1)
    meta = recording.meta
    told = {name: meta[name] for name in ("seed", "command", "git_commit", "config_sha256")}
    block = neo.Block(
        name=recording.path.name,
        description=summary(recording, choice),
        rec_datetime=datetime.fromisoformat(meta["started"]),
        status=recording.status,
        **told,
    )
    segment = neo.Segment(name=recording.path.stem)
    block.segments.append(segment)
    for name, ids in choice.units(recording).items():
        trains = spike_trains(recording, name, ids, choice)
        segment.spiketrains.extend(trains)
        block.groups.append(neo.Group(trains, name=name, model=recording.populations[name].model))
    for population, variable, sampling, columns in choice.reports(recording):
        segment.analogsignals.append(analog_signal(recording, population, variable, sampling, columns, choice.start))
    return block


def spike_trains(recording: Recording, population: str, ids: np.ndarray, choice: Choice) -> list[Any]:
    """A neo.SpikeTrain for each of the elements `ids` [n]."""
    from neo import SpikeTrain

    times, who = recording.spikes(population, choice.t0, choice.t1, ids)
    order = np.lexsort((times, who))
    ends = np.searchsorted(who[order], ids, side="right")
    trains = np.split(times[order], ends[:-1]) if len(ids) else []
    model = recording.populations[population].model
    return [
        SpikeTrain(
            train, units="ms", t_start=choice.start, t_stop=choice.stop, name=f"{population}[{k}]", population=population, id=int(k), model=model
        )
        for k, train in zip(ids, trains, strict=True)
    ]


def analog_signal(recording: Recording, population: str, variable: str, sampling: Sampling, columns: np.ndarray, start: float) -> Any:
    """A neo.AnalogSignal [n_times, n_columns] of the chosen columns of a report; `start` (ms) stands for its time if it is empty."""
    import neo
    from quantities import ms

    return neo.AnalogSignal(
        recording.rows(sampling.path, sampling.begin, sampling.begin + len(sampling.t))[:, columns],
        units=known_units(sampling.units),
        t_start=(sampling.t[0] if len(sampling.t) else start) * ms,
        sampling_period=sampling.every * ms,
        name=f"{variable} of {population}",
        array_annotations={"id": sampling.ids[columns].astype(np.int64)},
        population=population,
        variable=variable,
        recorded_units=sampling.units,
    )


def known_units(text: str) -> str:
    """A unit of a recording as quantities knows it, else "dimensionless". It calculates what it is given: only names and quotients go there."""
    from quantities import Quantity

    with suppress(LookupError, AttributeError):
        if re.fullmatch(r"[A-Za-z]+(/[A-Za-z]+)?", text):
            return str(Quantity(1.0, text).dimensionality)
    return "dimensionless"
