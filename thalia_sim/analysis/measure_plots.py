"""Pictures of measures, in the style of `plots`: each function draws one measure of some populations into an Axes; `plot_measures` composes them.

Populations are given as a dict, name -> result; they keep their colours and dashes by their order in it. Lines are labelled; whoever composes panels
decides where the legend goes (`plots.legend`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..measures import (
    Branching,
    Correlogram,
    CountCorrelation,
    FanoFactor,
    Intervals,
    PopulationRate,
    Rates,
    Spectrum,
    Stationarity,
    Synchrony,
    cross_correlogram,
    estimate,
    smoothed,
)
from ..measures.stationarity import BLOCKS
from .measure_facts import FEWEST, QUANTITIES, quantities
from .measured import Measured, Measures, WeightCourse
from .plots import COLOURS, DASHES, STYLE, caption, legend, note, picture_path, save_picture
from .plots import label as shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes

POINTS = 1500  # of a line; longer ones are averaged
SMOOTH = 400  # standard deviations of the smoothing kernel that fit into the window, about
LONGEST = 50.0  # ms, of the correlograms
PER_OCTAVE = 12  # values of a spectrum
LIGHT = "0.6"  # lines of reference


def plot_measures(m: Measures, out: str | Path) -> Path:
    """Draw all measures of a recording into a .png, .svg or .pdf file; returns its path. RecordingError if it cannot be written."""
    out = picture_path(out)
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    panels = panels_of(m)
    rows = 1 + -(-len(panels) // 2)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(9.0, 1.9 * rows + 0.4), layout="constrained")
        FigureCanvasAgg(figure)
        grid = figure.add_gridspec(rows, 2)
        places = [grid[1 + k // 2, k % 2] for k in range(len(panels) - 1)] + [grid[rows - 1, :]]
        top = figure.add_subplot(grid[0, :])
        rate_course(top, {name: p.rate for name, p in m.populations.items()})
        legend(top)
        for (draw, results), place in zip(panels, places, strict=True):
            draw(figure.add_subplot(place), results)
        figure.suptitle(f"{m.script or m.file}: seed {m.seed}, {m.t0:g} to {m.t1:g} ms", x=0.01, ha="left", fontsize=10)
        save_picture(figure, out)
    return out


def panels_of(m: Measures) -> list[tuple[Any, Any]]:
    """(function, its results), an odd number: two a row, the last alone."""
    found: list[tuple[Any, Any]] = [
        (draw, {name: getattr(p, measure) for name, p in m.populations.items()})
        for draw, measure in (
            (rate_distribution, "rates"),
            (interval_histogram, "intervals"),
            (irregularity, "intervals"),
            (fano, "fano"),
            (correlation_histogram, "correlation"),
            (synchrony, "synchrony"),
            (spectrum, "spectrum"),
        )
    ]
    found.append((correlogram, correlograms(m)))
    found.append((branching, {name: p.branching for name, p in m.populations.items()}))
    found.append((avalanche_sizes, m.populations))
    if m.weights:
        found += [(weight_course, m.weights), (weight_drift, m.weights)]
    return [*found, (stationarity, {name: p.stationarity for name, p in m.populations.items()})]


def correlograms(m: Measures) -> dict[str, Correlogram]:
    """Cross-correlogram of the first population that fires with each of the others; at lags near the length of the window it would be noise."""
    longest = min(LONGEST, (m.t1 - m.t0) / 4)
    firing = {name: p.rate for name, p in m.populations.items() if p.spikes}
    names = list(m.populations)
    first = next(iter(firing), None)
    others = [name for name in names if name != first and name in firing]
    return {f"{first} -> {name}": cross_correlogram(firing[first].counts, firing[name].counts, m.settings.bin, longest) for name in others if first}


def plot_runs(runs: Sequence[Measures], out: str | Path) -> Path:
    """Draw each quantity over the runs of a study into a .png, .svg or .pdf file; returns its path."""
    out = picture_path(out)
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(name for m in runs for name in m.populations))
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(9.0, 2.0 * -(-len(QUANTITIES) // 3) + 0.4), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots(-(-len(QUANTITIES) // 3), 3, squeeze=False).ravel()
        for ax, (quantity, heading) in zip(axes, QUANTITIES.items(), strict=False):
            values = {name: [quantities(m.populations[name])[quantity] for m in runs if name in m.populations] for name in names}
            over_runs(ax, values, heading)
        for ax in axes[len(QUANTITIES) :]:
            ax.set_axis_off()
        figure.suptitle(f"{len(runs)} runs: each a dot, mean with 95 % interval", x=0.01, ha="left", fontsize=10)
        save_picture(figure, out)
    return out


def styles(names: Mapping[str, Any]) -> list[tuple[str, Any, str, Any]]:
    """(name to be shown, result, colour, dashes) of each population."""
    return [(shown(name), result, COLOURS[k % len(COLOURS)], DASHES[k % len(DASHES)]) for k, (name, result) in enumerate(names.items())]


# one measure each -----------------------------------------------------------------------------------------------------


def rate_course(ax: Axes, populations: Mapping[str, PopulationRate], sigma: float | None = None) -> None:
    """Population rates over time, smoothed by a Gaussian kernel of `sigma` ms (by default so that the line stays readable)."""
    span = max((r.bin * len(r.rate) for r in populations.values()), default=0.0)
    sigma = rounded(max(span / SMOOTH, 1.0)) if sigma is None else sigma
    drawn = 0
    for name, r, colour, dashes in styles(populations):
        if len(r.rate) and r.n:
            every = max(1, len(r.rate) // (4 * POINTS))
            t, rate = thinned(r.t + r.bin / 2, every), thinned(r.rate, every)
            line = smoothed(rate, r.bin * every, sigma)
            skip = max(1, len(line) // POINTS)
            ax.plot(t[::skip], line[::skip], color=colour, linestyle=dashes, linewidth=1.0, label=name)
            ax.set_xlim(r.t[0], r.t[-1] + r.bin)
            drawn += 1
    finish(ax, drawn, "time (ms)", "rate (Hz)")
    ax.set_ylim(bottom=0.0)
    caption(ax, "population rates", [f"Gaussian kernel, sd {sigma:g} ms"])


def rate_distribution(ax: Axes, populations: Mapping[str, Rates]) -> None:
    """Share of neurons per rate; a bin holds the same number of possible rates everywhere, which are whole spikes over the window."""
    drawn, top = 0, max((float(r.rate.max()) for r in populations.values() if np.isfinite(r.mean)), default=0.0)
    for name, r, colour, dashes in styles(populations):
        if top and np.isfinite(r.mean):
            least = 1000.0 / r.span  # Hz, of one spike
            width = least * max(1, math.ceil(top / least / 40))
            edges = np.arange(-0.5 * least, top + width, width)
            ax.stairs(np.histogram(r.rate, edges)[0] / len(r.rate), edges, color=colour, linestyle=dashes, linewidth=1.0, label=name)
            drawn += 1
    finish(ax, drawn, "rate of a neuron (Hz)", "share of neurons")
    caption(ax, "rates of neurons", [])


def interval_histogram(ax: Axes, populations: Mapping[str, Intervals]) -> None:
    """Share of inter-spike intervals, on a logarithmic axis with ten bins a decade."""
    used: list[float] = []
    for name, r, colour, dashes in styles(populations):
        total = int(r.number.sum())
        if total:
            ax.stairs(r.histogram / total, r.edges, color=colour, linestyle=dashes, linewidth=1.0, label=name)
            filled = np.flatnonzero(r.histogram)
            used += [r.edges[filled[0]], r.edges[filled[-1] + 1]] if len(filled) else []
    finish(ax, len(used), "interval (ms)", "share of intervals")
    if used:
        ax.set_xscale("log")
        ax.set_xlim(min(used), max(used))
    caption(ax, "inter-spike intervals", ["10 bins a decade"])


def irregularity(ax: Axes, populations: Mapping[str, Intervals]) -> None:
    """CV (full dots) and below it LV (open) of the neurons of each population: median, quartiles (thick) and 5 to 95 % (thin)."""
    drawn = 0
    for k, (_, r, colour, _) in enumerate(styles(populations)):
        enough = r.number >= FEWEST
        drawn += quantiles(ax, r.cv[enough], k - 0.15, colour) + quantiles(ax, r.lv[enough], k + 0.2, colour, "white")
    rows(ax, populations, drawn)
    ax.set_xlabel("CV (full), LV (open)")
    caption(ax, "irregularity", [f"neurons with {FEWEST} intervals or more"])


def fano(ax: Axes, populations: Mapping[str, FanoFactor]) -> None:
    """Fano factors of the neurons of each population: median, quartiles (thick) and 5 to 95 % (thin)."""
    drawn = sum(quantiles(ax, r.factor, k, colour) for k, (_, r, colour, _) in enumerate(styles(populations)))
    rows(ax, populations, drawn)
    ax.set_xlabel("Fano factor")
    widths = dict.fromkeys(f"{r.window:g}" for r in populations.values())
    caption(ax, "variability of counts", [f"windows of {', '.join(widths)} ms"] if widths else [])


def quantiles(ax: Axes, values: np.ndarray, y: float, colour: str, fill: str | None = None) -> bool:
    """A dot at the median, lines from 25 to 75 % and from 5 to 95 %; whether there was something to draw."""
    values = known(values)
    if not len(values):
        return False
    low, first, median, third, high = np.quantile(values, (0.05, 0.25, 0.5, 0.75, 0.95))
    ax.plot([low, high], [y, y], color=colour, linewidth=0.8)
    ax.plot([first, third], [y, y], color=colour, linewidth=2.5, solid_capstyle="butt")
    ax.plot(median, y, "o", color=colour, markerfacecolor=fill or colour, markersize=4.5)
    return True


def rows(ax: Axes, populations: Mapping[str, object], drawn: int) -> None:
    """A row for each population, the first on top; 1, the Poisson process, is marked."""
    ax.axvline(1.0, color=LIGHT, linewidth=0.6, linestyle=":", zorder=0)
    name_rows(ax, populations)
    ax.set_xlim(left=0.0)
    if not drawn:
        blank(ax, "too few spikes")


def name_rows(ax: Axes, populations: Mapping[str, object]) -> None:
    ax.set_yticks(range(len(populations)), list(map(shown, populations)), fontsize=8 if len(populations) < 13 else 6)
    ax.set_ylim(len(populations) - 0.5, -0.5)
    ax.tick_params(axis="y", length=0)


def correlation_histogram(ax: Axes, populations: Mapping[str, CountCorrelation]) -> None:
    """Share of pairs of neurons per correlation coefficient of their spike counts; the mean of each population is marked below."""
    pairs = {name: known(r.coefficient[np.triu_indices(len(r.ids), 1)]) for name, r in populations.items()}
    all_pairs = np.concatenate([np.zeros(0), *pairs.values()])
    low, high = np.quantile(all_pairs, (0.001, 0.999)) if len(all_pairs) else (-1.0, 1.0)
    margin = 0.1 * (high - low) or 0.05
    edges = np.linspace(max(low - margin, -1.0), min(high + margin, 1.0), 51)
    for name, values, colour, dashes in styles(pairs):
        if len(values):
            share = np.histogram(values, edges)[0] / len(values)
            ax.stairs(share, edges, color=colour, linestyle=dashes, linewidth=1.0, label=name)
            ax.plot(values.mean(), 0.0, "^", color=colour, markersize=5.0, clip_on=False, zorder=3, transform=ax.get_xaxis_transform())
    ax.axvline(0.0, color=LIGHT, linewidth=0.6, linestyle=":", zorder=0)
    if len(all_pairs):
        ax.set_yscale("log")
    finish(ax, len(all_pairs), "correlation of a pair", "share of pairs")
    widths = dict.fromkeys(f"{r.bin:g}" for r in populations.values())
    caption(ax, "correlation of counts", [f"bins of {', '.join(widths)} ms, triangle: mean"] if widths else [])


def known(values: np.ndarray) -> np.ndarray:
    return values[~np.isnan(values)]


def synchrony(ax: Axes, populations: Mapping[str, Synchrony]) -> None:
    """chi of each population beside what independent neurons would have (bar)."""
    drawn = 0
    for k, (_, r, colour, _) in enumerate(styles(populations)):
        if math.isfinite(r.chi):
            ax.plot(r.chi, k, "o", color=colour, markersize=5.0)
            ax.plot(1.0 / math.sqrt(r.n), k, "|", color=LIGHT, markersize=12.0, markeredgewidth=1.5)
            drawn += 1
    name_rows(ax, populations)
    ax.set_xlim(0.0, 1.0)
    ax.set_xlabel("chi")
    if not drawn:
        blank(ax, "too few spikes")
    widths = dict.fromkeys(f"{r.bin:g}" for r in populations.values())
    caption(ax, "synchrony", [f"bins of {', '.join(widths)} ms, bar: independent neurons"] if widths else [])


def spectrum(ax: Axes, populations: Mapping[str, Spectrum]) -> None:
    """Power spectral density of each population, on logarithmic axes; where frequencies lie close, means of them."""
    drawn, segments = 0, 0
    for name, r, colour, dashes in styles(populations):
        if r.segments and (r.power > 0).any():
            ax.plot(*by_octave(r.frequency, r.power), color=colour, linestyle=dashes, linewidth=1.0, label=name)
            drawn, segments = drawn + 1, r.segments
    finish(ax, drawn, "frequency (Hz)", "spikes² s⁻² Hz⁻¹", "shorter than a segment, or silent")
    if drawn:
        ax.set_xscale("log")
        ax.set_yscale("log")
    caption(ax, "power spectrum", [f"{segments} segment{'' if segments == 1 else 's'}, at most {PER_OCTAVE} values an octave"] if segments else [])


def correlogram(ax: Axes, pairs: Mapping[str, Correlogram]) -> None:
    """Cross-correlation coefficients over the lag; dotted: two standard errors of independent trains."""
    drawn = 0
    for k, (name, r, _, _) in enumerate(styles(pairs), start=1):
        if np.isfinite(r.coefficient).any():
            colour, dashes = COLOURS[k % len(COLOURS)], DASHES[k % len(DASHES)]  # those of the second population
            ax.plot(r.lag, r.coefficient, color=colour, linestyle=dashes, linewidth=1.0, label=name)
            if not drawn:
                for edge in (-2.0 / math.sqrt(r.bins), 2.0 / math.sqrt(r.bins)):
                    ax.axhline(edge, color=LIGHT, linewidth=0.6, linestyle=":", zorder=0)
            drawn += 1
    ax.axvline(0.0, color=LIGHT, linewidth=0.6, zorder=0)
    finish(ax, drawn, "lag (ms)", "correlation", "needs two populations that fire")
    source = next(iter(pairs), "").split(" -> ")[0]
    widths = dict.fromkeys(f"{r.bin:g}" for r in pairs.values())
    caption(ax, f"other populations after {source}" if source else "cross-correlogram", [f"bins of {', '.join(widths)} ms"] if widths else [])


def branching(ax: Axes, populations: Mapping[str, Branching]) -> None:
    """Slopes of the multistep regression over the lag (dots), and b m**k fitted to them (line), of populations that have a branching ratio."""
    drawn = 0
    for name, r, colour, dashes in styles(populations):
        if math.isfinite(r.m):
            every = max(1, len(r.r) // 60)
            ax.plot(r.lag[::every], r.r[::every], ".", color=colour, markersize=3.0, alpha=0.6, markeredgewidth=0)
            ax.plot(r.lag, r.fitted, color=colour, linestyle=dashes, linewidth=1.0, label=f"{name} {r.m:.3f}")
            drawn += 1
    ax.axhline(0.0, color=LIGHT, linewidth=0.6, linestyle=":", zorder=0)
    finish(ax, drawn, "lag (ms)", "regression slope", "nothing that falls off exponentially")
    legend_inside(ax, drawn)
    bins = dict.fromkeys(f"{r.bin:g}" for r in populations.values())
    caption(ax, "branching ratio", [f"bins of {', '.join(bins)} ms, line: fit b m^k"] if drawn else [])


def avalanche_sizes(ax: Axes, populations: Mapping[str, Measured]) -> None:
    """Share of avalanches of a size or more, and the power law fitted from its least size on (thin line)."""
    drawn = 0
    for name, p, colour, dashes in styles(populations):
        size, number = p.avalanches.sizes
        if len(size) > 1:
            share = np.cumsum(number[::-1])[::-1] / number.sum()
            ax.plot(size, share, color=colour, linestyle=dashes, linewidth=1.0, drawstyle="steps-pre", label=name)
            law = p.criticality.size
            if math.isfinite(law.alpha):
                x = np.unique(np.geomspace(law.x_min, size[-1], 50).astype(np.int64))
                ax.plot(x, law.survival(x) * share[np.searchsorted(size, law.x_min)], color=colour, linewidth=0.6, alpha=0.7)
            drawn += 1
    if drawn:
        ax.set_xscale("log")
        ax.set_yscale("log")
    finish(ax, drawn, "size (spikes)", "share of avalanches", "fewer than two avalanches")
    caption(ax, "avalanches", ["that size or more, thin: power law"] if drawn else [])


def stationarity(ax: Axes, populations: Mapping[str, Stationarity]) -> None:
    """Block means of each population over the mean, and the straight line through those that drift; who is not steady is told above."""
    drawn = 0
    for name, r, colour, dashes in styles(populations):
        if r.drifts is not None and r.mean:
            place = np.arange(1, len(r.block) + 1)
            ax.plot(place, r.block / r.mean, color=colour, linestyle=dashes, linewidth=1.0, marker=".", markersize=4.0, label=name)
            if r.drifts:
                line = 1.0 + r.drift / r.mean * (place - place.mean()) / len(place)
                ax.plot(place, line, color=colour, linestyle=dashes, linewidth=0.6)
            drawn += 1
    ax.set_xticks([1, *range(5, BLOCKS + 1, 5)])
    finish(ax, drawn, "block", "rate / mean", "too short, or silent")
    unsteady = [f"{name} {r.verdict}" for name, r in populations.items() if r.verdict != "steady"]
    remark = ", ".join(unsteady[:4]) + (" ..." if len(unsteady) > 4 else "") if unsteady else "steady"
    caption(ax, "course of the rate", [remark] if drawn else [])


def weight_course(ax: Axes, projections: Mapping[str, WeightCourse]) -> None:
    """Median weight of each projection over time, with the range from 5 to 95 % as a band."""
    drawn = 0
    for name, course, colour, dashes in styles(projections):
        if course.distribution and course.distribution[0].n:
            quantile = np.array([d.quantile for d in course.distribution])
            ax.plot(course.t, quantile[:, 2], color=colour, linestyle=dashes, marker=".", markersize=4.0, linewidth=1.0, label=name)
            ax.fill_between(course.t, quantile[:, 0], quantile[:, 4], color=colour, alpha=0.15, linewidth=0)
            drawn += 1
    units = dict.fromkeys(course.units for course in projections.values())
    finish(ax, drawn, "time (ms)", f"weight ({', '.join(units)})", "no weights in this window")
    legend_inside(ax, drawn)
    caption(ax, "weights", ["line: median, band: 5 to 95 %"])


def weight_drift(ax: Axes, projections: Mapping[str, WeightCourse]) -> None:
    """Root mean square of the change of each projection's weights since the first snapshot."""
    drawn = 0
    for name, course, colour, dashes in styles(projections):
        if len(course.drift) > 1:
            rms = [d.rms for d in course.drift]
            ax.plot(course.t, rms, color=colour, linestyle=dashes, marker=".", markersize=4.0, linewidth=1.0, label=name)
            drawn += 1
    units = dict.fromkeys(course.units for course in projections.values())
    finish(ax, drawn, "time (ms)", f"rms change ({', '.join(units)})", "fewer than two snapshots")
    ax.set_ylim(bottom=0.0)
    legend_inside(ax, drawn)
    caption(ax, "drift of the weights", ["since the first snapshot"])


def over_runs(ax: Axes, values: Mapping[str, Sequence[float]], label: str) -> None:
    """A value of each run as a dot, and the mean over runs with its 95 % interval beside, population by population."""
    drawn = 0
    for k, (_, of_runs, colour, _) in enumerate(styles(values)):
        found, dots = estimate(of_runs), known(np.asarray(of_runs, dtype=np.float64))
        if found.n:
            shift = np.linspace(-0.12, 0.12, len(dots)) if len(dots) > 1 else np.zeros(1)
            ax.plot(k - 0.15 + shift, dots, "o", color=colour, markersize=3.0, alpha=0.6, markeredgewidth=0)
            half = found.half_width if math.isfinite(found.half_width) else 0.0
            ax.errorbar(k + 0.2, found.mean, yerr=half, fmt="_", color=colour, markersize=9.0, linewidth=1.2, capsize=0)
            drawn += 1
    ax.set_xticks(range(len(values)), list(map(shown, values)), fontsize=8, rotation=0 if len(values) < 6 else 45)
    ax.set_xlim(-0.6, max(len(values), 1) - 0.4)
    ax.tick_params(axis="x", length=0)
    if not drawn:
        blank(ax, "no values")
    elif not any(v for of_runs in values.values() for v in of_runs):
        ax.set_ylim(-0.02, 1.0)  # all are 0
    caption(ax, label, [])


# what panels share ----------------------------------------------------------------------------------------------------


def finish(ax: Axes, drawn: int, x: str, y: str, without: str = "no spikes") -> None:
    """Labels of both axes, and a note in an empty panel."""
    ax.set_xlabel(x)
    ax.set_ylabel(y)
    if not drawn:
        blank(ax, without)


def blank(ax: Axes, why: str) -> None:
    """An empty panel that says why, without numbers on its axes."""
    note(ax, why)
    ax.set_xticks([])
    ax.set_xticks([], minor=True)
    ax.set_yticks([])


def legend_inside(ax: Axes, n: int) -> None:
    """Projections are not in the legend on top."""
    if n:
        ax.legend(loc="best", fontsize=7, handlelength=2.2)


def by_octave(frequency: np.ndarray, power: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means of a spectrum over neighbouring frequencies, PER_OCTAVE in each octave where there are as many."""
    place = np.floor(np.log2(frequency / frequency[0]) * PER_OCTAVE + 1e-9).astype(np.int64)
    first = np.flatnonzero(np.diff(place, prepend=-1))
    number = np.diff(first, append=len(place))
    return np.add.reduceat(frequency, first) / number, np.add.reduceat(power, first) / number


def thinned(x: np.ndarray, every: int) -> np.ndarray:
    """Means of so many values side by side; the last that are too few are left out."""
    return x[: len(x) // every * every].reshape(-1, every).mean(axis=1)


def rounded(value: float) -> float:
    """1, 2 or 5 times a power of ten, at most the value."""
    power = 10.0 ** math.floor(math.log10(value))
    return float(next(m * power for m in (5, 2, 1) if m * power <= value * (1 + 1e-9)))
