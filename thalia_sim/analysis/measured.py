"""The measures of `thalia_sim.measures` applied to recordings: one pass over the spikes of each population, in blocks, so that any length will do."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..errors import RecordingError
from ..measures import (
    AvalancheMeter,
    Avalanches,
    Branching,
    CorrelationMeter,
    CountCorrelation,
    Criticality,
    FanoFactor,
    FanoMeter,
    IntervalMeter,
    Intervals,
    PopulationRate,
    PopulationRateMeter,
    RateMeter,
    Rates,
    Spectrum,
    Stationarity,
    Synchrony,
    SynchronyMeter,
    WeightDistribution,
    WeightDrift,
    branching_ratio,
    criticality,
    drift_of_mean,
    mean_interval,
    power_spectrum,
    weight_distribution,
    weight_drift,
)
from ..recording import Recording, open_recording
from .plots import spread


class Settings(NamedTuple):
    """Widths and numbers that the measures need."""

    bin: float = 1.0  # ms, of the population rate, its spectrum and correlograms
    fano_window: float = 100.0  # ms
    synchrony_bin: float = 3.0  # ms, as in Potjans & Diesmann 2014, Cereb. Cortex 24:785
    correlation_bin: float = 2.0  # ms, this and the sample as in van Albada et al. 2018, Front. Neurosci. 12:291
    sample: int = 200  # neurons whose counts are correlated, evenly spread
    segment: float = 1000.0  # ms, of the spectrum
    branching_bin: float = 4.0  # ms, as in Wilting & Priesemann 2018, Nat. Commun. 9:2325
    avalanche_bin: float | None = None  # ms; None: the mean interval between spikes of the population (Beggs & Plenz 2003, J. Neurosci. 23:11167)


class Measured(NamedTuple):
    """What was measured of the recorded elements of a population, which count as neurons 0 to n - 1."""

    n: int
    spikes: int
    rates: Rates
    rate: PopulationRate
    intervals: Intervals
    fano: FanoFactor
    correlation: CountCorrelation
    synchrony: Synchrony
    spectrum: Spectrum
    stationarity: Stationarity  # of the population rate, Hz
    branching: Branching
    avalanches: Avalanches
    criticality: Criticality  # exponents of the avalanches


class WeightCourse(NamedTuple):
    """The weights of a projection over its snapshots."""

    units: str
    t: np.ndarray  # [k] ms
    distribution: tuple[WeightDistribution, ...]  # [k] of each snapshot
    drift: tuple[WeightDrift, ...]  # [k] from the first snapshot to each


class Measures(NamedTuple):
    """What was measured of a recording, from t0 to t1 (ms)."""

    file: str
    script: str
    seed: int
    t0: float
    t1: float
    settings: Settings
    populations: dict[str, Measured]
    weights: dict[str, WeightCourse]


def measure_recording(
    path: str | Path,
    t0: float | None = None,
    t1: float | None = None,
    populations: Sequence[str] | None = None,
    settings: Settings | None = None,
) -> Measures:
    """All measures of a recording.

    t0, t1       ms, the window t0 < t <= t1: give t0 to leave out an initial transient; by default all of the recording
    populations  names; by default all of which spikes were recorded
    Raises RecordingError if the recording cannot be read or does not hold what is asked for.
    """
    with open_recording(path) as recording:
        return measure(recording, t0, t1, populations, settings)


def measure(
    recording: Recording,
    t0: float | None = None,
    t1: float | None = None,
    populations: Sequence[str] | None = None,
    settings: Settings | None = None,
) -> Measures:
    """The same of an open recording."""
    settings = settings or Settings()
    begin, end = window(recording, t0, t1)
    names = list(recording.populations) if populations is None else [recording.known(p, recording.populations, "spikes") for p in populations]
    found = {name: measure_population(recording, name, begin, end, settings) for name in names}
    weights = {name: measure_weights(recording, name, begin, end) for name in recording.projections()}
    return Measures(recording.path.name, recording.meta["script_name"], recording.seed, begin, end, settings, found, weights)


def window(recording: Recording, t0: float | None, t1: float | None) -> tuple[float, float]:
    """The window that was asked for; it must lie in the recording."""
    first, last = recording.begin, recording.begin + recording.duration
    begin, end = first if t0 is None else float(t0), last if t1 is None else float(t1)
    if not (first <= begin < end <= last) and not (t0 is None and t1 is None):
        raise RecordingError(f"window from {begin:g} to {end:g} ms: give one within {recording.path.name}, which covers {first:g} to {last:g} ms")
    return begin, end


def measure_population(recording: Recording, name: str, t0: float, t1: float, settings: Settings) -> Measured:
    """All measures of one population, from t0 to t1 (ms)."""
    members = recording.recorded_ids(name)
    n = len(members)
    rates, rate, intervals = RateMeter(n, t0), PopulationRateMeter(n, settings.bin, t0), IntervalMeter(n, t0)
    fano, synchrony = FanoMeter(n, settings.fano_window, t0), SynchronyMeter(n, settings.synchrony_bin, t0)
    correlation = CorrelationMeter(n, settings.correlation_bin, spread(np.arange(n), settings.sample), t0)
    branching = PopulationRateMeter(n, settings.branching_bin, t0)
    is_whole = n == recording.populations[name].n
    for t, ids in recording.blocks(name, t0, t1):
        numbers = ids.astype(np.int64) if is_whole else np.searchsorted(members, ids.astype(np.int64))
        for meter in (rates, rate, intervals, fano, synchrony, correlation, branching):
            meter.add(t, numbers)
    course = rate.result(t1)
    spectrum = power_spectrum(course.counts, settings.bin, n, settings.segment)
    results = (intervals.result(t1), fano.result(t1), correlation.result(t1), synchrony.result(t1))
    steady = drift_of_mean(course.rate if n else course.rate[:0])
    avalanches = measure_avalanches(recording, name, t0, t1, int(rates.count.sum()), settings)
    ratio = branching_ratio(branching.result(t1).counts, settings.branching_bin)
    exponents = criticality(avalanches)
    return Measured(n, int(rates.count.sum()), rates.result(t1), course, *results, spectrum, steady, ratio, avalanches, exponents)


def measure_avalanches(recording: Recording, name: str, t0: float, t1: float, spikes: int, settings: Settings) -> Avalanches:
    """Avalanches of one population, from t0 to t1 (ms), in bins that follow from its number of spikes."""
    bin = mean_interval(spikes, t1 - t0, recording.dt) if settings.avalanche_bin is None else settings.avalanche_bin
    meter = AvalancheMeter(1, bin, t0)
    for t, _ in recording.blocks(name, t0, t1):
        meter.add(t, np.zeros(len(t), dtype=np.int64))
    return meter.result(t1)


def measure_weights(recording: Recording, projection: str, t0: float, t1: float) -> WeightCourse:
    """Distribution of the weights of a projection in each snapshot from t0 to t1 (ms), and drift since the first; two snapshots in memory at once."""
    weights = recording.weights(projection)
    inside = np.flatnonzero((weights.t >= t0) & (weights.t <= t1))
    first = weights.snapshot(int(inside[0])) if len(inside) else np.zeros(0, dtype=np.float32)
    distribution, drift = [], []
    for k in inside:
        w = weights.snapshot(int(k))
        distribution.append(weight_distribution(w))
        drift.append(weight_drift(first, w))
    return WeightCourse(weights.units, weights.t[inside], tuple(distribution), tuple(drift))
