"""The measures of a recording, or of the runs of a study, as numbers for JSON and as tables to be read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..measures import Branching, Estimate, estimate
from .info import table
from .measured import Measured, Measures, WeightCourse

FEWEST = 10  # intervals of a neuron whose CV and LV count: of fewer, both are far off
QUANTITIES = {
    "rate_hz": "rate (Hz)",
    "silent": "silent",
    "cv": "CV",
    "lv": "LV",
    "fano": "Fano",
    "correlation": "corr",
    "chi": "chi",
    "branching": "m",
}


def quantities(m: Measured) -> dict[str, float]:
    """One number for each measure of a population: QUANTITIES; nan where there is none."""
    enough = m.intervals.number >= FEWEST
    return {
        "rate_hz": m.rates.mean,
        "silent": m.rates.silent,
        "cv": mean_of(m.intervals.cv[enough]),
        "lv": mean_of(m.intervals.lv[enough]),
        "fano": mean_of(m.fano.factor),
        "correlation": m.correlation.mean,
        "chi": m.synchrony.chi,
        "branching": m.branching.m,
    }


def mean_of(values: np.ndarray) -> float:
    """Mean of the values that are not nan; nan if there is none."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else math.nan


def measure_facts(m: Measures) -> dict[str, Any]:
    """Numbers, texts, lists and dicts (ready for JSON; None where a measure has no value)."""
    return {
        "what": "measures of a thalia_sim recording",
        "file": m.file,
        "script": m.script,
        "seed": m.seed,
        "from_ms": m.t0,
        "to_ms": m.t1,
        "settings": {**m.settings._asdict(), "fewest_intervals": FEWEST},
        "populations": {name: population_facts(p) for name, p in m.populations.items()},
        "weights": {name: weight_facts(course) for name, course in m.weights.items()},
        "units": {"time": "ms", "rates": "Hz", "power": "spikes^2/s^2/Hz", **{name: course.units for name, course in m.weights.items()}},
    }


def population_facts(m: Measured) -> dict[str, Any]:
    steady, peak = m.stationarity, int(np.argmax(m.spectrum.power)) if m.spectrum.segments else None
    return {
        "n": m.n,
        "spikes": m.spikes,
        **{name: or_none(value) for name, value in quantities(m).items()},
        "rate_sd_hz": or_none(m.rates.sd),
        "neurons_with_cv": int((m.intervals.number >= FEWEST).sum()),
        "population_fano": or_none(m.fano.population),
        "dispersion": or_none(m.synchrony.dispersion),
        "mean_correlation_of_all": or_none(m.synchrony.correlation),
        "peak_hz": None if peak is None else float(m.spectrum.frequency[peak]),
        "peak_power": None if peak is None else float(m.spectrum.power[peak]),
        "course": steady.verdict,
        "rate_half_width_hz": or_none(steady.half_width),
        "drift_hz": or_none(steady.drift),
        "drift_half_width_hz": or_none(steady.drift_half_width),
        **branching_facts(m.branching),
        **avalanche_facts(m),
    }


def branching_facts(b: Branching) -> dict[str, Any]:
    numbers = {"low": b.low, "high": b.high, "tau_ms": b.tau, "regression": b.regression, "bin_ms": b.bin}
    return {"branching_state": b.state, **{f"branching_{name}": or_none(value) for name, value in numbers.items()}}


def avalanche_facts(m: Measured) -> dict[str, Any]:
    """Number of avalanches, exponents with standard errors, and what fits better than or as well as a power law."""
    found: dict[str, Any] = {"avalanches": m.avalanches.n, "avalanche_bin_ms": m.avalanches.bin}
    c = m.criticality
    for name, law, others in (("size", c.size, c.size_others), ("duration", c.duration, c.duration_others)):
        found |= {f"{name}_exponent": or_none(law.alpha), f"{name}_error": or_none(law.error), f"{name}_from": law.x_min, f"{name}_number": law.n}
        found |= {f"{name}_or_{other.name}": other.verdict for other in others}
        found |= {f"{name}_or_{other.name}_p": or_none(other.p) for other in others}
    found |= {"gamma": or_none(c.gamma), "gamma_error": or_none(c.gamma_error)}
    return {**found, "gamma_predicted": or_none(c.predicted), "gamma_predicted_error": or_none(c.predicted_error)}


def weight_facts(course: WeightCourse) -> dict[str, Any]:
    if not course.distribution:
        return {"snapshots": 0}
    first, last, drift = course.distribution[0], course.distribution[-1], course.drift[-1]
    numbers = {"mean_first": first.mean, "mean_last": last.mean, "sd_first": first.sd, "sd_last": last.sd, "skewness_last": last.skewness}
    moved = {"drift_mean": drift.mean, "drift_rms": drift.rms, "drift_changed": drift.changed, "drift_correlation": drift.correlation}
    found = {name: or_none(value) for name, value in {**numbers, **moved}.items()}
    return {"snapshots": len(course.t), "synapses": last.n, "first_ms": float(course.t[0]), "last_ms": float(course.t[-1]), **found}


def or_none(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def format_measures(m: Measures) -> str:
    """The same for people."""
    rows: list[tuple[str, ...]] = [("population", "rate is", "n", "spikes", *QUANTITIES.values())]
    for name, p in m.populations.items():
        rows.append((name, p.stationarity.verdict, f"{p.n:,}", f"{p.spikes:,}", *(number(v) for v in quantities(p).values())))
    lines = [f"{m.file}: {m.script or '(no script)'}, seed {m.seed}, {m.t0:g} to {m.t1:g} ms", "", *table(rows), ""]
    for name, p in m.populations.items():
        lines.append(f"{name}: {', '.join(sentences(p)) or 'too short to say more'}")
    lines += [f"{name}: {weight_sentence(course)}" for name, course in m.weights.items()]
    return "\n".join([*lines, "", *notes(m)])


def sentences(p: Measured) -> list[str]:
    """What the table does not say, where there is something to say."""
    found, steady = [], p.stationarity
    if math.isfinite(steady.half_width):
        interval = f"rate {steady.mean:.3g} +- {steady.half_width:.2g} Hz"
        found.append(f"{interval} (95 %), changes by {steady.drift:.2g} +- {steady.drift_half_width:.2g} Hz over the window")
    if p.spectrum.segments:
        k = int(np.argmax(p.spectrum.power))
        found.append(f"spectrum highest at {p.spectrum.frequency[k]:g} Hz ({p.spectrum.power[k]:.3g} spikes^2/s^2/Hz)")
    return [*found, *critical_sentences(p)]


def critical_sentences(p: Measured) -> list[str]:
    """The branching ratio and the avalanches."""
    found, b, c = [], p.branching, p.criticality
    if math.isfinite(b.m):
        between = f" ({b.low:.3g} to {b.high:.3g})" if math.isfinite(b.low) else ""
        found.append(f"branching ratio {b.m:.3g}{between} a bin of {b.bin:g} ms, {b.state}")
    if math.isfinite(c.size.alpha):
        better = [other.name for other in c.size_others if other.verdict == other.name]
        law = f"fitted better by {' and '.join(better)}" if better else "none fits better"
        sizes = f"sizes ~ S^-{c.size.alpha:.3g} +- {c.size.error:.2g} from {c.size.x_min} on, {law}"
        found.append(f"{p.avalanches.n:,} avalanches in bins of {p.avalanches.bin:g} ms, {sizes}")
    return found


def weight_sentence(course: WeightCourse) -> str:
    if not course.distribution or not course.distribution[0].n:
        return "no weights in this window"
    first, last, drift = course.distribution[0], course.distribution[-1], course.drift[-1]
    text = f"{last.n:,} weights, mean {last.mean:.4g}, sd {last.sd:.3g} {course.units} at {course.t[-1]:g} ms"
    moved = f"rms change {drift.rms:.3g} {course.units}, {100.0 * drift.changed:.3g} % changed"
    return f"{text}; since {course.t[0]:g} ms mean {last.mean - first.mean:+.3g}, {moved}" if len(course.t) > 1 else text


def notes(m: Measures) -> list[str]:
    """How the columns were measured."""
    s = m.settings
    return [
        f"CV, LV  means over neurons with at least {FEWEST} intervals",
        f"Fano    mean over neurons, windows of {s.fano_window:g} ms",
        f"corr    mean over all pairs of up to {s.sample} neurons, bins of {s.correlation_bin:g} ms",
        f"chi     bins of {s.synchrony_bin:g} ms; 1 if all do the same, 1/sqrt(n) if each for itself",
        f"m       branching ratio a bin of {s.branching_bin:g} ms, by multistep regression; - where nothing correlates over time",
        "rate is steady, drifts (along a line), wanders, or unknown, by 20 block means at the 5 % level",
    ]


def number(value: float) -> str:
    return "-" if not math.isfinite(value) else f"{value:.3g}"


# the runs of a study --------------------------------------------------------------------------------------------------


def over_runs(runs: Sequence[Measures]) -> dict[str, dict[str, Estimate]]:
    """Population -> quantity -> mean over runs with its 95 % interval; of populations that any run has."""
    names = dict.fromkeys(name for m in runs for name in m.populations)
    values = {name: [quantities(m.populations[name]) for m in runs if name in m.populations] for name in names}
    return {name: {q: estimate([v[q] for v in found]) for q in QUANTITIES} for name, found in values.items()}


def run_facts(runs: Sequence[Measures]) -> dict[str, Any]:
    """Measures of several runs, ready for JSON: each, and over all."""
    summary = {
        name: {q: {"mean": or_none(e.mean), "half_width": or_none(e.half_width), "runs": e.n} for q, e in found.items()}
        for name, found in over_runs(runs).items()
    }
    return {"what": "measures of several thalia_sim recordings", "runs": [measure_facts(m) for m in runs], "over_runs": summary}


def format_runs(runs: Sequence[Measures]) -> str:
    """A row for each run, then the mean over runs and the half-width of its 95 % interval, population by population."""
    lines = [f"{len(runs)} runs, +- is the half-width of the 95 % interval of the mean over runs (Student)", ""]
    for name, found in over_runs(runs).items():
        rows: list[tuple[str, ...]] = [(name, "rate is", "seed", "from (ms)", "to (ms)", *QUANTITIES.values())]
        for m in runs:
            if name in m.populations:
                p = m.populations[name]
                rows.append((m.file, p.stationarity.verdict, str(m.seed), f"{m.t0:g}", f"{m.t1:g}", *(number(v) for v in quantities(p).values())))
        rows.append(("mean", "", "", "", "", *(number(found[q].mean) for q in QUANTITIES)))
        rows.append(("+-", "", "", "", "", *(number(found[q].half_width) for q in QUANTITIES)))
        lines += [*table(rows), ""]
    return "\n".join([*lines, *notes(runs[0])])
