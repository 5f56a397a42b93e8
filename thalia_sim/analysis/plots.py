"""Pictures of a recording: raster, population rates, traces of sampled state, weights. Quiet, and readable when printed in grey.

Each function draws into an Axes of matplotlib, which is imported only when something is drawn; `plot_recording` composes them into one picture.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import RecordingError
from ..recording import Recording, open_recording

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# From dark to light, so that neighbours differ in grey too; the line styles repeat with another period.
COLOURS = ("#1d2f4f", "#c05a2e", "#3f7f93", "#8a2f5c", "#d29a35", "#5d6b3b", "#7d86c4", "#8c8c8c")
DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))
STYLE: dict[Any, Any] = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "axes.labelcolor": "0.15",
    "axes.edgecolor": "0.35",
    "xtick.color": "0.25",
    "ytick.color": "0.25",
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "savefig.dpi": 150,
    "svg.hashsalt": "thalia_sim",  # same recording, same file
}
NEURONS = 1000  # shown in a raster, of all populations together
POINTS = 60_000  # spikes shown in a raster
BAND = 0.045  # least share of the raster's height for a population, room for its name
BINS = {3: 200, 99: 60}  # of the rates, about, for up to so many populations: many lines need to be smooth
TRACES = 4  # lines in a panel of traces
NAME = 24  # characters of a name
NAMED = 24  # bands of a raster that have room for their names


def plot_recording(path: str | Path, out: str | Path) -> Path:
    """Draw a recording into a .png, .svg or .pdf file; returns its path. RecordingError if it cannot be read or written."""
    out = picture_path(out)
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with open_recording(path) as recording, matplotlib.rc_context(STYLE):
        panels = panels_of(recording)
        heights = [3.2 if draw is raster else 1.6 for draw, _ in panels]
        figure = Figure(figsize=(8.0, sum(heights) + 0.9), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots(len(panels), 1, height_ratios=heights, squeeze=False)[:, 0].tolist()
        for ax, (draw, extra) in zip(axes, panels, strict=True):
            draw(ax, recording, *extra)
        share_time(axes, [draw is not weight_histogram for draw, _ in panels], recording.begin, recording.duration)
        figure.suptitle(title(recording), x=0.01, ha="left", fontsize=10)
        save_picture(figure, out)
    return out


def picture_path(out: str | Path) -> Path:
    """The path of a picture to be; RecordingError if no picture can be written there."""
    out = Path(out)
    if out.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise RecordingError(f"picture {out.name}: give a name that ends in .png, .svg or .pdf")
    if not out.absolute().parent.is_dir():
        raise RecordingError(f"folder of picture {out} does not exist: create it first")
    if out.is_dir() or not os.access(out if out.exists() else out.absolute().parent, os.W_OK):
        raise RecordingError(f"picture {out} cannot be written: choose a file and a folder in which you may write")
    return out


def save_picture(figure: Figure, out: Path) -> None:
    try:
        figure.savefig(out, metadata={"Date": None} if out.suffix.lower() == ".svg" else None)
    except OSError as error:
        raise RecordingError(f"picture {out} cannot be written: {error.strerror}") from error


def panels_of(recording: Recording) -> list[tuple[Any, tuple[Any, ...]]]:
    """What there is to draw, from top to bottom: (function, further arguments)."""
    panels: list[tuple[Any, tuple[Any, ...]]] = [(raster, ()), (rates, ())]
    variables = dict.fromkeys(variable for _, variable in recording.reports())
    panels += [(traces, (variable,)) for variable in variables]
    if recording.projections():
        panels.append((weight_histogram, ()))
    return panels


def title(recording: Recording) -> str:
    name = recording.meta["script_name"] or recording.path.name
    ended = "" if recording.status == "complete" else f", {recording.status}"
    return f"{label(name)}: seed {recording.seed}, {duration_text(recording.duration)}{ended}"


def duration_text(ms: float) -> str:
    return f"{ms / 1000.0:g} s" if ms >= 1000.0 else f"{ms:g} ms"


def style_of(recording: Recording, population: str) -> tuple[str, Any]:
    """Colour and dashes of a population, the same in every panel."""
    k = [p["name"] for p in recording.meta["populations"]].index(population)
    return COLOURS[k % len(COLOURS)], DASHES[k % len(DASHES)]


def share_time(axes: Sequence[Axes], timed: Sequence[bool], begin: float, duration: float) -> None:
    """One time axis for the panels that have one; its label under the last of them."""
    shown = [ax for ax, has_time in zip(axes, timed, strict=True) if has_time]
    for ax in shown:
        ax.set_xlim(begin, begin + (duration or 1.0))
        ax.tick_params(labelbottom=ax is shown[-1])
    shown[-1].set_xlabel("time (ms)")


def raster(ax: Axes, recording: Recording, t0: float | None = None, t1: float | None = None) -> None:
    """A dot for each spike, a band for each population, first population on top; large networks are thinned and say so."""
    populations = [p for p in recording.populations.values() if p.n_recorded]
    total = sum(p.n_recorded for p in populations)
    heights = np.array([max(p.n_recorded / total, BAND) for p in populations])
    edges = np.concatenate([[0.0], np.cumsum(heights)]) / max(heights.sum(), 1e-9)
    found, shown = [], 0
    for p, top, height in zip(populations, edges, np.diff(edges), strict=False):
        chosen = spread(recording.recorded_ids(p.name), max(1, round(NEURONS * height)))
        times, ids = recording.spikes(p.name, t0, t1, ids=chosen)
        found.append((p.name, times, top + height * (np.searchsorted(chosen, ids) + 0.5) / len(chosen)))
        shown += len(chosen)
    n_points = sum(len(times) for _, times, _ in found)
    skip = max(1, -(-n_points // POINTS))
    size = float(np.clip(20_000 / max(n_points // skip, 1), 0.4, 4.0))
    for name, times, rows in found:
        ax.scatter(times[::skip], rows[::skip], s=size, color=style_of(recording, name)[0], linewidths=0, rasterized=True)
    for edge in edges[1:-1]:
        ax.axhline(edge, color="0.85", linewidth=0.5, zorder=0)
    ax.set_ylim(1.0, 0.0)
    every = -(-len(populations) // NAMED) or 1
    ax.set_yticks((edges[1:] + edges[:-1]) / 2, ["" if k % every else label(p.name) for k, p in enumerate(populations)])
    ax.tick_params(axis="y", length=0)
    if not n_points:
        note(ax, "no spikes")
    thinned = [f"{shown:,} of {total:,} neurons" if shown < total else "", f"every {ordinal(skip)} spike" if skip > 1 else ""]
    thinned += [f"every {ordinal(every)} name"] if every > 1 else []
    caption(ax, "spikes", [text for text in thinned if text])


def spread(numbers: np.ndarray, k: int) -> np.ndarray:
    """k of them, evenly spread."""
    return numbers[np.linspace(0, len(numbers) - 1, k).round().astype(np.int64)] if k < len(numbers) else numbers


def rates(ax: Axes, recording: Recording, width: float | None = None) -> None:
    """Mean rate of each population in bins of `width` ms (by default so that a readable number fills the picture)."""
    populations = [p for p in recording.populations.values() if p.n_recorded]
    width = bin_width(recording.duration, len(populations)) if width is None else width
    n_bins = int(recording.duration / width + 1e-9)  # whole ones
    edges = recording.begin + np.arange(n_bins + 1) * width
    for p in populations:
        colour, dashes = style_of(recording, p.name)
        hz = spike_histogram(recording, p.name, edges) / p.n_recorded / width * 1000.0
        ax.plot((edges[1:] + edges[:-1]) / 2, hz, color=colour, linestyle=dashes, linewidth=1.0, label=label(p.name))
    ax.set_ylim(bottom=0.0)
    ax.set_ylabel("rate (Hz)")
    legend(ax)
    caption(ax, "population rates", [f"bins of {width:g} ms"])


def bin_width(duration: float, lines: int) -> float:
    """1, 2 or 5 times a power of ten, at least 1 ms."""
    least = duration / next(bins for most, bins in BINS.items() if lines <= most or most == max(BINS))
    power = 10.0 ** np.floor(np.log10(max(least, 1.0)))
    return min(float(next(m * power for m in (1, 2, 5, 10) if m * power >= least * (1 - 1e-9))), max(duration, 1.0))


def spike_histogram(recording: Recording, population: str, edges: np.ndarray) -> np.ndarray:
    """Spikes with edge k < t <= edge k + 1, read in pieces."""
    counts = np.zeros(len(edges) - 1, dtype=np.int64)
    length, step = recording.populations[population].n_spikes, 1 << 20
    for begin in range(0, length, step):
        times = recording.rows(f"/spikes/{population}/timestamps", begin, begin + step)
        k = np.searchsorted(edges, times, side="left") - 1
        counts += np.bincount(k[(k >= 0) & (k < len(counts))], minlength=len(counts))
    return counts


def traces(ax: Axes, recording: Recording, variable: str = "v") -> None:
    """A sampled variable over time, of one element of each population or of a few of a single one."""
    order = list(recording.populations)
    every = sorted((p for p, name in recording.reports() if name == variable), key=lambda p: order.index(p) if p in order else -1)
    sampled = every[:TRACES]
    each, units = TRACES // max(len(sampled), 1), ""
    for population in sampled:
        report = recording.report(population, variable)
        skip, units = max(1, len(report.t) // 4000), report.units
        for k in range(min(each, len(report.ids))):
            colour = style_of(recording, population)[0] if len(sampled) > 1 else COLOURS[k]
            name = f"{label(population)}[{report.ids[k]}]"
            dashes = DASHES[k] if len(sampled) > 1 else "-"
            ax.plot(report.t[::skip], report.values[::skip, k], color=colour, linestyle=dashes, linewidth=0.8, label=name)
    ax.set_ylabel(f"{variable} ({units})")
    legend(ax)
    caption(ax, f"{variable} of single elements", [f"first {TRACES} of {len(every)} populations"] if len(every) > TRACES else [])


def weight_histogram(ax: Axes, recording: Recording) -> None:
    """Share of synapses per weight, first (thin) and last snapshot of each projection."""
    styles = [(COLOURS[k % len(COLOURS)], DASHES[k % len(DASHES)]) for k in range(len(recording.projections()))]
    units: list[str] = []
    for (colour, dashes), name in zip(styles, recording.projections(), strict=True):
        weights = recording.weights(name)
        ends = [weights.snapshot(k) for k in dict.fromkeys((0, len(weights.t) - 1))] if len(weights.t) else []
        ends = [w[np.isfinite(w)] for w in ends]
        ends = [w for w in ends if len(w)]
        if not ends:
            continue
        units.append(weights.units)
        edges = np.histogram_bin_edges(np.concatenate(ends), bins=60)
        for w, line in zip(ends, (0.6, 1.4) if len(ends) == 2 else (1.4,), strict=True):
            share = np.histogram(w, edges)[0] / len(w)
            ax.stairs(share, edges, color=colour, linestyle=dashes, linewidth=line, label=label(name) if line == 1.4 else None)
    if not units:
        note(ax, "no weights")
    ax.set_xlabel(f"weight ({', '.join(dict.fromkeys(units))})")
    ax.set_ylabel("share of synapses")
    legend(ax)
    caption(ax, "weights", ["thin: first snapshot, thick: last"])


def caption(ax: Axes, text: str, remarks: Sequence[str]) -> None:
    """What a panel shows, above it to the left, and how, in light type to the right."""
    ax.set_title(text, loc="left", fontsize=9, color="0.15", pad=4)
    ax.set_title(", ".join(remarks), loc="right", fontsize=8, color="0.45", pad=4)


def label(name: str) -> str:
    """A name as a picture shows it: very long ones without their middle; a dollar sign begins no formula, an underscore hides no line."""
    shown = name if len(name) <= NAME else f"{name[: NAME // 2]}…{name[-NAME // 2 :]}"
    return ("\u200b" if shown.startswith("_") else "") + shown.replace("$", r"\$")


def legend(ax: Axes) -> None:
    """Beside the panel, where it covers nothing."""
    n = len(ax.get_legend_handles_labels()[1])
    if n:
        ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.05), handlelength=2.2, borderaxespad=0.3, ncols=-(-n // 9))


def note(ax: Axes, text: str) -> None:
    ax.text(0.5, 0.5, text, transform=ax.transAxes, ha="center", va="center", color="0.5")


def ordinal(k: int) -> str:
    ending = "th" if k % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(k % 10, "th")
    return f"{k}{ending}"
