"""What a recording holds, in figures and in words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..recording import Recording, open_recording

VERSIONS = ("thalia-sim", "numpy", "numba", "h5py")  # those that are printed; all are in the recording


def describe_recording(path: str | Path) -> dict[str, Any]:
    """Everything worth knowing about a recording, as numbers, texts, lists and dicts (ready for JSON). RecordingError if it cannot be read."""
    with open_recording(path) as recording:
        return facts_of(recording)


def facts_of(recording: Recording) -> dict[str, Any]:
    """The same of an open recording."""
    meta = recording.meta
    versions = {name.replace("_", "-"): version for name, version in meta["versions"].items()}
    return {
        "what": "thalia_sim recording",
        "file": recording.path.name,
        "size_mb": recording.path.stat().st_size / 1e6,
        "format": recording.format_version,
        "status": recording.status,
        "error": recording.error,
        "script": meta["script_name"],
        "command": meta["command"],
        "seed": recording.seed,
        "dt_ms": recording.dt,
        "duration_ms": recording.duration,
        "started": meta["started"],
        "finished": meta["finished"],
        "threads": meta["threads"],
        "precision": meta["precision"],
        "git_commit": meta["git_commit"],
        "git_dirty": bool(meta["git_dirty"] > 0),
        "versions": {name: versions[name] for name in VERSIONS if name in versions},
        "python": meta["python"],
        "platform": meta["platform"],
        "config_sha256": meta["config_sha256"],
        "populations": [population_facts(recording, p["name"]) for p in meta["populations"]],
        "reports": [report_facts(recording, *report) for report in recording.reports()],
        "weights": {name: len(recording.weights(name).t) for name in recording.projections()},
        "hooks": recording.hooks(),
        "units": {"time": "ms", "rates": "Hz", **report_units(recording)},
        "datasets": recording.descriptions(),
    }


def population_facts(recording: Recording, name: str) -> dict[str, Any]:
    """Size, spikes and mean rate of a population; the last two are None if its spikes were not recorded."""
    p = next(p for p in recording.meta["populations"] if p["name"] == name)
    facts: dict[str, Any] = {"name": name, "n": p["n"], "model": p["model"], "n_recorded": 0, "spikes": None, "rate_hz": None}
    if name in recording.populations:
        found = recording.populations[name]
        facts.update(n_recorded=found.n_recorded, spikes=found.n_spikes)
        if found.n_recorded and recording.duration:
            facts["rate_hz"] = found.n_spikes / found.n_recorded / recording.duration * 1000.0
    return facts


def report_facts(recording: Recording, population: str, variable: str) -> dict[str, Any]:
    report = recording.report(population, variable)
    every = float(report.t[1] - report.t[0]) if len(report.t) > 1 else None
    shape = {"elements": len(report.ids), "rows": len(report.t), "every_ms": every}
    return {"population": population, "variable": variable, "units": report.units, **shape}


def report_units(recording: Recording) -> dict[str, str]:
    return {variable: recording.report(population, variable, t1=0.0).units for population, variable in recording.reports()}


def format_info(facts: dict[str, Any]) -> str:
    """The same for people."""
    failed = f": {facts['error']}" if facts["error"] else ""
    git = f", git {facts['git_commit'][:10]}{' with changes' if facts['git_dirty'] else ''}" if facts["git_commit"] else ""
    workers = f"{facts['threads']} thread{'' if facts['threads'] == 1 else 's'}"
    lines = [
        f"{facts['file']}: {facts['what']}, format {facts['format']}, {facts['size_mb']:.1f} MB, {facts['status']}{failed}",
        f"script     {facts['script'] or '(none)'}, seed {facts['seed']}{git}",
        f"simulated  {facts['duration_ms']:g} ms in steps of {facts['dt_ms']:g} ms, {facts['precision']} precision, {workers}",
        f"run        {facts['started']} to {facts['finished'] or '(not ended)'}",
        f"versions   python {facts['python']}, " + ", ".join(f"{name} {version}" for name, version in facts["versions"].items()),
        "",
    ]
    rows = [("population", "model", "n", "recorded", "spikes", "rate (Hz)")]
    for p in facts["populations"]:
        rate = "-" if p["rate_hz"] is None else f"{p['rate_hz']:.3g}"
        rows.append((p["name"], p["model"], f"{p['n']:,}", f"{p['n_recorded']:,}", "-" if p["spikes"] is None else f"{p['spikes']:,}", rate))
    lines += table(rows)
    for r in facts["reports"]:
        every = "" if r["every_ms"] is None else f" every {r['every_ms']:g} ms"
        lines.append(f"sampled    {r['variable']} ({r['units']}) of {r['elements']:,} elements of {r['population']}{every}, {r['rows']:,} times")
    lines += [f"weights    {name}, {count} snapshots" for name, count in facts["weights"].items()]
    lines += [f"hook       {name}" for name in facts["hooks"]]
    return "\n".join([*lines, "", *sentences(facts["datasets"])])


def sentences(datasets: dict[str, str]) -> list[str]:
    """A line for each kind of dataset: of many populations, reports, projections or hooks, the first stands for all."""
    kinds: dict[str, str] = {}
    for path in datasets:
        parts = path.split("/")
        member = 2 if parts[1] in ("spikes", "report") else 3 if parts[2] in ("weights", "hooks", "recorded") else None
        kinds.setdefault("/".join("*" if k == member else part for k, part in enumerate(parts)), path)
    return [f"{path:<38}  {datasets[path]}" for path in kinds.values()]


def table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Aligned lines: texts of the first two columns to the left, numbers to the right."""
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    aligned = [[cell.ljust(w) if k < 2 else cell.rjust(w) for k, (cell, w) in enumerate(zip(row, widths, strict=True))] for row in rows]
    return ["  ".join(row).rstrip() for row in aligned]
