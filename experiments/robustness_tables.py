"""The tables of docs/robustness.md, from the results of the studies of the layered cortex.

python experiments/robustness_tables.py sensitivity/sensitivity.h5 recovery/recovery.h5 stability/stability.h5 hour/stability.h5 ablation/ablation.h5
"""

import json
import math
import sys

import h5py

ON, OFF = "robustness on", "robustness off"


def read(path):
    """(kind, configuration, effects as dicts) of a study."""
    with h5py.File(path) as file:
        names = file["effects"].dtype.names
        rows = [{name: text(value) for name, value in zip(names, row, strict=True)} for row in file["effects"][:]]
        return file.attrs["kind"], json.loads(file.attrs["configuration"]), json.loads(file.attrs["seeds"]), rows


def text(value):
    return value.decode() if isinstance(value, bytes) else value.item() if hasattr(value, "item") else value


def interval(row, scale=1.0, digits=2):
    """Mean and 95 % interval."""
    if row is None or math.isnan(row["mean"]):
        return "-"
    mean, low, high = (f"{scale * row[name]:+.{digits}f}" for name in ("mean", "low", "high"))
    return f"{mean} ({low} to {high})"


def table(head, rows):
    print("| " + " | ".join(head) + " |\n|" + " --- |" * len(head))
    for row in rows:
        print("| " + " | ".join(map(str, row)) + " |")
    print()


def sensitivity(configuration, rows):
    found = {(r["subject"], r["comparison"], r["condition"]): r for r in rows if r["measure"] == "told_apart"}
    lines = []
    for path, change in dict.fromkeys((p, c) for p, c, _ in found):
        on, off = (found.get((path, change, each)) for each in (ON, OFF))
        lines.append((f"`{path}`", change, interval(on, 100, 0), on["verdict"], interval(off, 100, 0), off["verdict"]))
    table(["parameter", "change", "loss with mechanisms (%)", "20 %", "loss without (%)", "20 %"], lines)


def recovery(configuration, rows):
    found = {(r["subject"], r["comparison"], r["measure"], r["condition"]): r for r in rows}
    names = dict.fromkeys(r["subject"] for r in rows)
    lines = []
    for name in names:
        for each in (ON, OFF):
            quantities = ("depth", "t50", "t90", "residual", "overshoot")
            depth, t50, t90, residual, overshoot = (found[name, quantity, "course", each] for quantity in quantities)
            times = [f"{interval(t, 1e-3, 1)}{', ' + t['verdict'] if t['verdict'] else ''}" for t in (t50, t90)]
            lines.append((name, each.split()[1], interval(depth), *times, interval(residual), interval(overshoot)))
    table(["disturbance", "mechanisms", "depth", "t50 (s)", "t90 (s)", "residual", "overshoot"], lines)
    lines = []
    for name in names:
        for measure in dict.fromkeys(r["measure"] for r in rows if r["measure"] != "course"):
            on, off = (found[name, "after - control", measure, each] for each in (ON, OFF))
            lines.append((name, measure, interval(on), on["verdict"], interval(off), off["verdict"]))
    table(["disturbance", "measure afterwards", "with mechanisms: difference", "", "without: difference", ""], lines)


def stability(configuration, rows):
    found = {(r["comparison"], r["measure"], r["condition"]): r for r in rows}
    print(f"{configuration['measure'] / 1000.0:g} s after {configuration['settle'] / 1000.0:g} s of settling:\n")
    lines = []
    for measure, condition in dict.fromkeys((r["measure"], r["condition"]) for r in rows):
        start, end, drift = (found[each, measure, condition] for each in ("start", "end", "drift"))
        level = f"{start['mean']:.3g} to {end['mean']:.3g} {start['unit'] if start['unit'] != '1' else ''}".strip()
        lines.append((f"`{measure}`", condition.split()[1], level, interval(drift, 100), drift["verdict"]))
    table(["quantity", "mechanisms", "first to last piece", "drift over the run (%)", ""], lines)


def ablation(configuration, rows):
    found = {(r["subject"], r["comparison"], r["measure"]): r for r in rows}
    measures = dict.fromkeys(r["measure"] for r in rows)
    for after in dict.fromkeys(r["comparison"].removeprefix("off alone") for r in rows if r["comparison"].startswith("off alone")):
        names = dict.fromkeys(r["subject"] for r in rows if r["comparison"].startswith("off alone"))
        shown = [(name, how) for name in names for how in ("off alone", "on alone")] + [("all", "interaction")]
        effects = [[found[name, how + after, m] for m in measures] for name, how in shown]
        lines = [(*what, *(f"{interval(e, 1.0, 3)} {e['verdict']}" for e in mine)) for what, mine in zip(shown, effects, strict=True)]
        table([f"mechanism{after}", "switched", *(f"`{m}`" for m in measures)], lines)


def main():
    for path in sys.argv[1:]:
        kind, configuration, seeds, rows = read(path)
        print(f"### {kind}: {len(seeds)} seeds\n")
        {"sensitivity": sensitivity, "recovery": recovery, "stability": stability, "ablation": ablation}[kind](configuration, rows)


if __name__ == "__main__":
    main()
