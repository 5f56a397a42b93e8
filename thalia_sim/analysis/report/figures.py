"""The figures of a report: each is drawn once and written twice, for a wide page and for a phone, as SVG that lies in the page itself.

They are images (`<img src="data:...">`) and no part of the page's tree, so that the ids of one do not meet those of another and nothing in
them can act. Dots of a raster are pixels within the SVG; a figure stays small however many spikes it is made of.

To add a figure, add a `Panel` to FIGURES; its function draws into an Axes as those of analysis.plots do: the title to the left is its name, the one
to the right says how it was made, and the legend names its lines.
"""

from __future__ import annotations

import base64
import io
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple
from xml.etree.ElementTree import Element

import numpy as np

from ...recording import Recording
from .. import measure_plots, plots
from ..measured import Measures
from .page import node

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDE, NARROW = 7.2, 3.6  # inch: the column of a page, the screen of a phone
PHONE = "(max-width: 34rem)"  # where the narrow form is shown
LEGEND_LINE = 0.19  # inch, of a legend
NAMED = 16  # lines in a legend
MARKS = 40  # events in a figure
MARGIN = 0.13  # inch on the right, for half a number at the end of the axis
LINE_POINTS = 2000  # of a line of diagnostics
METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))


class Panel(NamedTuple):
    """A kind of figure."""

    draw: Callable[..., None]  # draw(ax, recording, *further)
    further: Callable[[Recording], Sequence[tuple[Any, ...]]]  # the further arguments of each figure that there is to draw
    sentence: str  # what is seen
    height: float = 1.9  # inch
    timed: bool = True  # whether the horizontal axis is the time of the run


def spikes_recorded(recording: Recording) -> list[tuple[Any, ...]]:
    return [()] if any(p.n_recorded for p in recording.populations.values()) else []


def variables_sampled(recording: Recording) -> list[tuple[Any, ...]]:
    return [(variable,) for variable in dict.fromkeys(variable for _, variable in recording.reports())][:MOST]


def weights_recorded(recording: Recording) -> list[tuple[Any, ...]]:
    return [()] if recording.projections() else []


MOST = 8  # variables that are drawn
FIGURES: tuple[Panel, ...] = (
    Panel(plots.raster, spikes_recorded, "a dot for each spike, a band for each population", height=3.4),
    Panel(plots.rates, spikes_recorded, "spikes per neuron and second"),
    Panel(plots.traces, variables_sampled, "state at the times at which it was sampled; between two of them the line is straight"),
    Panel(plots.weight_histogram, weights_recorded, "how the synapses of a projection are spread over its weights", timed=False),
)

MEASURED = (
    (measure_plots.rate_distribution, "rates", "how neurons are spread over their rates"),
    (measure_plots.interval_histogram, "intervals", "how the times between two spikes of a neuron are spread"),
    (measure_plots.irregularity, "intervals", "1 is a Poisson process, 0 a clock; dot: median neuron, thick line: quartiles, thin: 5 to 95 %"),
    (measure_plots.correlation_histogram, "correlation", "how pairs of neurons are spread over the correlation of their spike counts"),
    (measure_plots.spectrum, "spectrum", "power of the population's spikes by frequency"),
)


def all_figures(recording: Recording, marks: Sequence[float] = ()) -> list[Element]:
    """All figures that there are to draw, as elements of a page; `marks` are times (ms) at which something was done to the network."""
    return [drawn(panel, recording, further, marks) for panel in FIGURES for further in panel.further(recording)]


def measure_figures(recording: Recording, measures: Measures) -> Iterator[Element]:
    """A figure for each of MEASURED, and the weights over time."""
    for draw, name, sentence in MEASURED:
        results = {population: getattr(m, name) for population, m in measures.populations.items()}
        rows = len(results) if draw is measure_plots.irregularity else 0
        yield drawn(Panel(of_results(draw), no_further, sentence, height=max(1.9, 0.6 + 0.14 * rows), timed=False), recording, (results,))
    if any(len(course.t) > 1 for course in measures.weights.values()):
        yield drawn(Panel(of_results(measure_plots.weight_course), no_further, "over time"), recording, (measures.weights,))


def of_results(draw: Callable[[Axes, Any], None]) -> Callable[..., None]:
    """A function of analysis.measure_plots as that of a panel."""
    return lambda ax, recording, results: draw(ax, results)


def no_further(recording: Recording) -> list[tuple[Any, ...]]:
    return []


def drawn(panel: Panel, recording: Recording, further: Sequence[Any] = (), marks: Sequence[float] = ()) -> Element:
    """A figure with its caption; or, where there is nothing to draw, why."""
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context({**plots.STYLE, "svg.fonttype": "none"}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")  # texts stay texts: the browser has the fonts
        figure = Figure()
        ax = figure.subplots()
        panel.draw(ax, recording, *further)
        if panel.timed:
            plots.share_time([ax], [True], recording.begin, recording.duration)
            for t in marks if len(marks) <= MARKS else ():
                ax.axvline(t, color="0.35", linewidth=0.7, linestyle=(0, (1, 2)), zorder=0)
        title, remark = ax.get_title(loc="left"), ax.get_title(loc="right")
        if not len(ax.get_xticks()):  # measure_plots.blank: nothing to draw, and why
            return node("p", f"{title}: {ax.texts[-1].get_text()}.", class_="note")
        for side in ("left", "right"):
            ax.set_title("", loc=side)
        left_out = len(ax.get_legend_handles_labels()[1]) - NAMED
        dotted = "dotted: events" if panel.timed and 0 < len(marks) <= MARKS else ""
        said = ", ".join(filter(None, (panel.sentence, remark, dotted, f"{left_out} more lines are not named" if left_out > 0 else "")))
        wide, narrow = (svg(figure, ax, width, panel.height) for width in (WIDE, NARROW))
    image = node("img", src=uri(wide), alt=f"{title}: {panel.sentence}. {seen(ax)}")
    picture = node("picture", node("source", media=PHONE, srcset=uri(narrow)), image)
    return node("figure", picture, node("figcaption", node("strong", title), f": {said}." if said else None))


def seen(ax: Axes) -> str:
    """What a figure shows, for those who do not see it: what its lines are, and how far its axis reaches."""
    names = ", ".join(ax.get_legend_handles_labels()[1]).replace("\\$", "$")
    low, high = ax.get_ylim()
    reach = f" {ax.get_ylabel()} from {low:.3g} to {high:.3g}." if ax.get_ylabel() else ""
    return (f"Lines: {names}." if names else "") + reach


def svg(figure: Figure, ax: Axes, width: float, height: float) -> bytes:
    """The figure as SVG at a width (inch), its legend below, where it takes nothing from the time axis."""
    lines, names = ax.get_legend_handles_labels()
    lines, names = lines[:NAMED], names[:NAMED]
    for legend in [*figure.legends, ax.get_legend()]:
        if legend is not None:
            legend.remove()
    if names:
        columns = max(1, int(width / (0.08 * max(map(len, names)) + 0.6)))
        figure.legend(lines, names, loc="outside lower left", ncols=columns, handlelength=2.2, borderaxespad=0.2)
        height += LEGEND_LINE * (-(-len(names) // columns) + 0.5)
    figure.set_size_inches(width, height)
    figure.set_layout_engine("constrained", rect=(0.0, 0.0, 1.0 - MARGIN / width, 1.0))
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata=METADATA)
    return buffer.getvalue()


def uri(picture: bytes) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(picture).decode()}"


def diagnostic(ax: Axes, recording: Recording, name: str, units: str, t: np.ndarray, values: np.ndarray) -> None:
    """A number that a hook reported, over time."""
    skip = -(-len(t) // LINE_POINTS) or 1
    ax.plot(t[::skip], values[::skip], color=plots.COLOURS[0], linewidth=1.0, marker="." if len(t) < 30 else None, markersize=4)
    if not np.isfinite(values).any():
        plots.note(ax, "not known at any time")
    ax.set_ylabel(units if units != "1" else "")
    plots.caption(ax, plots.label(name), [f"every {plots.ordinal(skip)} value"] if skip > 1 else [])


DIAGNOSTIC = Panel(diagnostic, no_further, "", height=1.1)
