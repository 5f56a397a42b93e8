"""Pictures of a study: a panel of effects for each measure, and a panel for each course; bars and bands are 95 % intervals over seeds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..analysis.plots import COLOURS, STYLE, picture_path, save_picture
from ..errors import RecordingError
from ..measures import estimate
from .courses import Course
from .effects import COURSE, Effect

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .results import Result

MOST = 12  # panels; choose by --by
APART = 0.4  # of two conditions in a row, of the height of rows
COURSE_PANEL = 2.0  # inches
AXIS, ROW = 0.6, 0.22  # inches of a panel of effects: its axis with label, and each row
MORE = 0.08  # inches of a row for each further condition: in all enough for words of 7 points


def draw(result: Result, out: str | Path) -> Path:
    """Draw a study into a .png, .svg or .pdf file; RecordingError if there is nothing to draw, or it cannot be written."""
    out = picture_path(out)
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    every, every_course = panels_of(result), grouped(result)
    panels = every[:MOST]
    courses = every_course[: MOST - len(panels)]
    if not panels and not courses:
        raise RecordingError(f"study in {result.folder} has no effect to draw: let it run longer, or name measures that it has")
    heights = [height(effects) for _, effects in panels] + [COURSE_PANEL] * len(courses)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(8.0, sum(heights) + 0.6), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0].tolist()
        for ax, (title, effects) in zip(axes, panels, strict=False):
            draw_effects(ax, title, effects)
        for ax, (title, lines) in zip(axes[len(panels) :], courses, strict=True):
            draw_courses(ax, title, lines)
        shown = left_out(len(heights), len(every) + len(every_course))
        figure.suptitle(f"{result.kind} of {result.configuration['script']}, 95 % intervals: {result.counted}{shown}", fontsize=10)
        save_picture(figure, out)
    return out


def left_out(shown: int, panels: int) -> str:
    """A second line of the title where there are more panels than a picture shows."""
    return f"\n{shown} of {panels} panels are shown: choose measures by --by" if shown < panels else ""


def panels_of(result: Result) -> list[tuple[str, list[Effect]]]:
    """Effects that share an axis, with its label: those on one measure, in one unit; of stability the drifts of all quantities."""
    if result.kind == "stability":
        drifts = [e._replace(subject=e.measure, comparison="") for e in result.shown if e.comparison == "drift" and abs(e.mean) > 0.0]
        return [("relative drift over the run", drifts)] if drifts else []
    found: dict[str, list[Effect]] = {}
    for e in result.shown:
        found.setdefault(axis_label(e), []).append(e)
    return [(title, effects) for title, effects in found.items() if any(np.isfinite(e.mean) for e in effects)]


def axis_label(e: Effect) -> str:
    """What an effect is measured in."""
    if e.measure == COURSE:
        return "time to recover (ms)" if e.unit == "ms" else "deviation of the rate from the control, relative"
    return f"{e.measure} ({e.unit})" if e.unit not in ("", "1") else e.measure


def rows_of(effects: Sequence[Effect]) -> list[str]:
    """Labels of the rows of a panel."""
    return list(dict.fromkeys(f"{e.subject} {e.comparison}".strip() for e in effects))


def height(effects: Sequence[Effect]) -> float:
    """Of a panel of effects, inches."""
    return AXIS + (ROW + MORE * (len({e.condition for e in effects}) - 1)) * len(rows_of(effects))


def draw_effects(ax: Axes, title: str, effects: Sequence[Effect]) -> None:
    """A point with its interval for each effect, an open one at the axis without a value; conditions of one row lie a little apart."""
    labels = rows_of(effects)
    conditions = list(dict.fromkeys(e.condition for e in effects))
    for number, condition in enumerate(conditions):
        mine = [e for e in effects if e.condition == condition]
        y = [labels.index(f"{e.subject} {e.comparison}".strip()) + APART * (number - 0.5 * (len(conditions) - 1)) for e in mine]
        widths = np.array([widths_of(e) for e in mine]).T
        ax.errorbar([e.mean for e in mine], y, xerr=widths, fmt="o", markersize=3.5, capsize=2, color=COLOURS[number], label=condition or None)
        for place in (place for place, e in zip(y, mine, strict=True) if np.isnan(e.mean)):
            at, colour = ax.get_yaxis_transform(), COLOURS[number]
            ax.plot([0.0], [place], "o", markersize=3.5, fillstyle="none", transform=at, color=colour, clip_on=False)
            ax.text(0.015, place, "no value", va="center", fontsize=7, transform=at, color=colour, clip_on=False)
    ax.axvline(0.0, color="0.6", linewidth=0.8)
    ax.set_yticks(range(len(labels)), labels)
    ax.set_ylim(len(labels) - 0.5, -0.5)
    ax.set_xlabel(title)
    if len(conditions) > 1:
        beside(ax)


def widths_of(e: Effect) -> tuple[float, float]:
    """From the mean to both ends of an interval; no time is below 0."""
    if np.isnan(e.low):
        return 0.0, 0.0
    low = max(e.low, 0.0) if e.measure == COURSE and e.unit == "ms" else e.low
    return e.mean - low, e.high - e.mean


def beside(ax: Axes) -> None:
    """A legend that hides nothing."""
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))


def grouped(result: Result) -> list[tuple[str, dict[str, list[Course]]]]:
    """Panels of courses, with their titles: quantities of one kind under one condition share an axis; what never moved is left out."""
    found: dict[str, dict[str, list[Course]]] = {}
    for name, by_seed in result.courses.items():
        courses = list(by_seed.values())
        what, _, condition = name.partition(", ")
        kind, _, part = ("rate", "", what) if result.kind == "recovery" else what.partition(".")
        is_asked = result.kind == "recovery" or not result.by or what in result.by
        if is_asked and any(np.ptp(c.value) != 0.0 for c in courses):
            fewer = f" ({len(courses)} seeds)" if len(courses) < len(result.seeds) else ""
            found.setdefault(f"{kind}, {condition}", {})[f"{part or kind}{fewer}"] = courses
    return list(found.items())


def draw_courses(ax: Axes, title: str, lines: dict[str, list[Course]]) -> None:
    """Mean over seeds, and its interval as a band."""
    for number, (name, courses) in enumerate(lines.items()):
        colour = COLOURS[number % len(COLOURS)]
        mean, half = band(courses)
        t = courses[0].t / 1000.0
        ax.plot(t, mean, color=colour, linewidth=1.2, label=name)
        ax.fill_between(t, mean - half, mean + half, color=colour, alpha=0.15, linewidth=0)
    unit = next(iter(lines.values()))[0].unit
    ax.set_xlabel("time (s)")
    kind = title.partition(",")[0]
    ax.set_ylabel(f"{kind} ({unit})" if unit not in ("", "1") else kind)
    ax.set_title(title, fontsize=9, loc="left")
    beside(ax)


def band(courses: Sequence[Course]) -> tuple[Any, Any]:
    """Mean and half-width of the interval over seeds in each bin, [k] each; no width with one seed."""
    found = [estimate(column) for column in np.stack([c.value for c in courses]).T]
    return np.array([e.mean for e in found]), np.nan_to_num(np.array([e.half_width for e in found]))
