"""The effects of a study as text, one line a comparison; what was done with mechanisms on and off stands side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence

from .effects import Effect


def effects_table(effects: Sequence[Effect]) -> str:
    """Aligned columns: subject, comparison, measure, unit; then for each condition mean, 95 % interval, relative, n and verdict."""
    conditions = list(dict.fromkeys(e.condition for e in effects))
    lines: dict[tuple[str, str, str, str], dict[str, Effect]] = {}
    for e in effects:
        lines.setdefault((e.subject, e.comparison, e.measure, e.unit), {})[e.condition] = e
    head = ["subject", "comparison", "measure", "unit"]
    for condition in conditions:
        before = f"{condition}: " if condition else ""
        head += [f"{before}mean", "95 % interval", "relative", "n", "verdict"]
    rows = [[*key, *(cell for condition in conditions for cell in cells(found.get(condition)))] for key, found in lines.items()]
    return aligned([head, *rows])


def cells(e: Effect | None) -> list[str]:
    """mean, interval, relative, n, verdict."""
    if e is None:
        return ["", "", "", "", ""]
    interval = "-" if math.isnan(e.low) else f"{e.low:+.3g} to {e.high:+.3g}"
    return [number(e.mean), interval, "-" if math.isnan(e.relative) else f"{100.0 * e.relative:+.1f} %", str(e.n), e.verdict]


def number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:+.4g}"


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Rows of text in columns; those that are empty in all rows are left out."""
    kept = [k for k in range(len(rows[0])) if any(row[k] for row in rows[1:])] or list(range(len(rows[0])))
    widths = {k: max(len(row[k]) for row in rows) for k in kept}
    return "\n".join("  ".join(row[k].ljust(widths[k]) for k in kept).rstrip() for row in rows)
