"""Two recordings side by side: equal or not, where they part, and how far rates and weights lie apart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from ..recording import Recording, open_recording
from .arrivals import SPAN, arrivals

BLOCK = 1 << 20  # spikes compared at once
PATHS = 5  # of a configuration that are told
SHORT = 40  # characters of a value that is told
SHOWN = 20  # arrivals that are told


def compare_recordings(first: str | Path, second: str | Path) -> dict[str, Any]:
    """Facts about A (`first`) and B (`second`), ready for JSON; times in ms, rates in Hz, over the time that both cover.

    equal              whether all spikes, counts, samples, weights and diagnostics of both are the same, to the bit
    spikes_equal       whether all spikes of the populations in both are; None if there are none to compare
    apart              why none can be compared: "no population in common", "no time in common"; else None
    covers_ms          where each of them begins and ends
    first_difference   the first spike that only one of them has: t, population, id, and which recording has it; None if there is none
    reached            what reached that neuron in the 10 ms before, in each of them, through projections whose weights were recorded; names
                       of the others under `unknown`
    events             what was done to the network in only one of them, from where both are recorded up to the first difference (or the end)
    """
    with open_recording(first) as a, open_recording(second) as b:
        begin, end = max(a.begin, b.begin), min(a.begin + a.duration, b.begin + b.duration)
        both = [name for name in a.populations if name in b.populations]
        apart = nothing_in_common(a, b)
        differences = [d for name in both if apart is None and (d := first_difference(a, b, name, begin, end)) is not None]
        projections = [name for name in a.projections() if name in b.projections()]
        parted = min(differences, key=lambda d: d["t_ms"], default=None)
        return {
            "a": a.path.name,
            "b": b.path.name,
            "from_ms": begin,
            "to_ms": end,
            "same_configuration": a.meta["config_sha256"] == b.meta["config_sha256"],
            "configuration_apart": paths_apart(a.config, b.config)[:PATHS],
            "only_in_a": [name for name in a.populations if name not in b.populations],
            "only_in_b": [name for name in b.populations if name not in a.populations],
            "covers_ms": {name: [r.begin, r.begin + r.duration] for name, r in (("a", a), ("b", b))},
            "apart": apart,
            "spikes_equal": not differences if both and apart is None else None,
            "equal": apart is None and not differences and rest_is_equal(a, b),
            "first_difference": parted,
            "reached": None if parted is None else {name: reached(r, parted) for name, r in (("a", a), ("b", b))},
            "events": events_apart(a, b, begin, end if parted is None else parted["t_ms"]),
            "rates_hz": {
                name: {which: rate(r, name, begin, end, recorded_in_both(a, b, name)) for which, r in (("a", a), ("b", b))} for name in both
            },
            "weights": {name: weight_difference(a, b, name) for name in projections},
        }


def paths_apart(a: Any, b: Any, path: str = "") -> list[str]:
    """Where two configurations differ, as dotted paths with both values where these are short."""
    if isinstance(a, dict) and isinstance(b, dict):
        keys = dict.fromkeys([*a, *b])
        return [found for key in keys for found in paths_apart(a.get(key), b.get(key), f"{path}.{key}" if path else str(key))]
    if a == b:
        return []
    shown = [json.dumps(x) for x in (a, b)]
    return [f"{path} ({shown[0]} in A, {shown[1]} in B)" if max(map(len, shown)) <= SHORT else path]


def nothing_in_common(a: Recording, b: Recording) -> str | None:
    """Why no spikes of two recordings can be compared, or None; two without any, of the same time, can be equal."""
    if (a.populations or b.populations) and not set(a.populations) & set(b.populations):
        return "no population in common"
    same_time = (a.begin, a.duration) == (b.begin, b.duration)
    overlap = max(a.begin, b.begin) < min(a.begin + a.duration, b.begin + b.duration)
    return None if same_time or overlap else "no time in common"


def window(r: Recording, population: str, begin: float, end: float) -> tuple[int, int]:
    """First and last row of the spikes of a population with begin < t <= end."""
    low, high = r.window(f"/spikes/{population}", begin, end)
    if (low, high) == (0, r.populations[population].n_spikes):  # the order may not be proved: look
        times = r.rows(f"/spikes/{population}/timestamps")
        low, high = int(np.searchsorted(times, begin, side="right")), int(np.searchsorted(times, end, side="right"))
    return low, high


def first_difference(a: Recording, b: Recording, population: str, begin: float, end: float) -> dict[str, Any] | None:
    """The first spike of a population that only one of two recordings has."""
    if (common := recorded_in_both(a, b, population)) is not None:
        return parting(a.spikes(population, begin, end, common), b.spikes(population, begin, end, common), population)
    (a0, a1), (b0, b1) = window(a, population, begin, end), window(b, population, begin, end)
    path = f"/spikes/{population}"
    for at in range(0, max(a1 - a0, b1 - b0), BLOCK):
        part_a = [a.rows(f"{path}/{column}", a0 + at, min(a0 + at + BLOCK, a1)) for column in ("timestamps", "node_ids")]
        part_b = [b.rows(f"{path}/{column}", b0 + at, min(b0 + at + BLOCK, b1)) for column in ("timestamps", "node_ids")]
        if (found := parting((part_a[0], part_a[1]), (part_b[0], part_b[1]), population)) is not None:
            return found
    return None


def parting(a: tuple[np.ndarray, np.ndarray], b: tuple[np.ndarray, np.ndarray], population: str) -> dict[str, Any] | None:
    """The first spike that only one of two lists (times, ids) has."""
    n = min(len(a[0]), len(b[0]))
    apart = np.flatnonzero((a[0][:n] != b[0][:n]) | (a[1][:n] != b[1][:n]))
    k = int(apart[0]) if len(apart) else n
    if k == n and len(a[0]) == len(b[0]):
        return None
    key_a, key_b = ((x[0][k], x[1][k]) if k < len(x[0]) else (np.inf, 0) for x in (a, b))
    t, number = min(key_a, key_b)
    return {"t_ms": float(t), "population": population, "id": int(number), "in": "a" if key_a <= key_b else "b"}


def recorded_in_both(a: Recording, b: Recording, population: str) -> np.ndarray | None:
    """Elements whose spikes are in both recordings, None if each has those of the same."""
    in_a, in_b = a.recorded_ids(population), b.recorded_ids(population)
    return None if np.array_equal(in_a, in_b) else np.intersect1d(in_a, in_b)


def reached(r: Recording, difference: dict[str, Any]) -> dict[str, Any]:
    """The last arrivals at the neuron that differs."""
    found = arrivals(r, difference["population"], difference["id"], difference["t_ms"])
    return {"arrivals": found.found[-SHOWN:], "unknown": found.unknown}


def events_apart(a: Recording, b: Recording, begin: float, until: float) -> list[dict[str, Any]]:
    """Events between two times that only one of two recordings has.

    At `begin` those count that belong to a branch: what a longer recording has at that time was done before the branch left it.
    """
    told = {
        name: [{**e._asdict(), "in": name} for e in r.events() if e.kind != "in force" and (e.t > begin or e.t == begin == r.begin) and e.t <= until]
        for name, r in (("a", a), ("b", b))
    }
    keys = {name: [json.dumps({**event, "in": ""}, sort_keys=True) for event in events] for name, events in told.items()}
    only = [
        event for name, other in (("a", "b"), ("b", "a")) for event, key in zip(told[name], keys[name], strict=True) if key not in keys[other]
    ]
    return sorted(only, key=lambda event: event["t"])


def rate(r: Recording, population: str, begin: float, end: float, common: np.ndarray | None = None) -> float | None:
    """Mean rate of the recorded elements of a population, or of those that are given."""
    if common is None:
        low, high = window(r, population, begin, end)
        n, spikes = r.populations[population].n_recorded, high - low
    else:
        n, spikes = len(common), len(r.spikes(population, begin, end, common)[0])
    return spikes / n / (end - begin) * 1000.0 if n and end > begin else None


def weight_difference(a: Recording, b: Recording, projection: str) -> dict[str, float] | None:
    """Largest and mean size of the difference between the last snapshots of one time of a projection; None where there is none of both, or they
    have other synapses."""
    wa, wb = a.weights(projection), b.weights(projection)
    common, of_a, of_b = np.intersect1d(wa.t, wb.t, return_indices=True)
    if not len(common):
        return None
    last_a, last_b = wa.snapshot(int(of_a[-1])).astype(float), wb.snapshot(int(of_b[-1])).astype(float)
    if last_a.shape != last_b.shape:
        return None
    apart = np.abs(last_a - last_b)
    return {"largest": float(apart.max(initial=0.0)), "mean": float(apart.mean()) if len(apart) else 0.0}


def rest_is_equal(a: Recording, b: Recording) -> bool:
    """Whether all that is recorded beside the spikes is the same."""
    same = [a.begin == b.begin, a.duration == b.duration, list(a.populations) == list(b.populations), sorted(a.reports()) == sorted(b.reports())]
    same += [a.projections() == b.projections(), a.hooks() == b.hooks(), a.events() == b.events()]
    if not all(same):
        return False
    for report in a.reports():
        x, y = a.report(*report), b.report(*report)
        same += [np.array_equal(x.t, y.t), np.array_equal(x.ids, y.ids), np.array_equal(x.values, y.values, equal_nan=True)]
    for name in a.projections():
        parts = [f"/thalia/weights/{name}/{part}" for part in ("t", "data", "i", "j", "delay")]
        same += [np.array_equal(a.rows(part), b.rows(part)) for part in parts]
    same += [np.array_equal(a.recorded_ids(name), b.recorded_ids(name)) for name in a.populations]
    same.append(same_counts(a, b))
    for hook in a.hooks():
        told, other = a.diagnostics(hook), b.diagnostics(hook)
        same.append(list(told) == list(other) and all(np.array_equal(told[k], other[k], equal_nan=True) for k in told))
    return all(same)


def same_counts(a: Recording, b: Recording) -> bool:
    """Whether two recordings hold the same spikes per bin of every population, or neither holds any."""
    names = [p["name"] for p in a.meta["populations"]]
    if names != [p["name"] for p in b.meta["populations"]] or a.file.has("/thalia/counts") != b.file.has("/thalia/counts"):
        return False
    both = ((a.counts(name), b.counts(name)) for name in (names if a.file.has("/thalia/counts") else ()))
    return all(x.bin == y.bin and np.array_equal(x.counts, y.counts) for x, y in both)


def arrival_lines(reached: dict[str, Any]) -> list[str]:
    """What reached the neuron that differs first, in words; once where it is the same in both."""
    a, b = reached["a"]["arrivals"], reached["b"]["arrivals"]
    lines = []
    for name, found in (("A and B", a),) if a == b else (("A", a), ("B", b)):
        words = [f"{x['population']}[{x['id']}] {x['t_ms']:g} ms (w {x['w']:.4g})" for x in found[-6:]]
        more = f", {len(found) - 6} before them" if len(found) > 6 else ""
        lines.append(f"reached it in the {SPAN:g} ms before in {name}: {', '.join(words) or 'nothing that was recorded'}{more}")
    if unknown := reached["a"]["unknown"]:
        lines.append(f"not known: what came through {', '.join(unknown)} (record their weights), and from drives")
    return lines


def format_comparison(facts: dict[str, Any]) -> str:
    """The same, to be read."""
    if facts["apart"] is None:
        lines = [f"{facts['a']} (A) and {facts['b']} (B), {facts['from_ms']:g} to {facts['to_ms']:g} ms"]
        lines.append("equal to the bit" if facts["equal"] else "spikes equal, the rest is not" if facts["spikes_equal"] else "not equal")
    else:
        covers = {name: f"{begin:g} to {end:g} ms" for name, (begin, end) in facts["covers_ms"].items()}
        lines = [f"{facts['a']} (A, {covers['a']}) and {facts['b']} (B, {covers['b']})", facts["apart"]]
    if not facts["same_configuration"]:
        named = facts["configuration_apart"]
        lines.append(f"configurations differ{': ' if named else ''}{', '.join(named)}{' ...' if len(named) == PATHS else ''}")
    lines += [f"population {name} only in {where.upper()}" for where in "ab" for name in facts[f"only_in_{where}"]]
    if (d := facts["first_difference"]) is not None:
        lines.append(f"first difference: {d['population']}[{d['id']}] fires at {d['t_ms']:g} ms in {d['in'].upper()} only")
        lines += arrival_lines(facts["reached"])
    for event in facts["events"]:
        told = ", ".join(f"{k} {v}" for k, v in event["facts"].items() if v is not None and k != "what" and len(str(v)) < 60)
        what = str(event["facts"].get("what", event["source"])).rpartition(":")[2]
        lines.append(f"only in {event['in'].upper()}, at {event['t']:g} ms: {event['kind']} {what} ({told})")
    shown = {name: {k: "-" if v is None else f"{v:.4g}" for k, v in both.items()} for name, both in facts["rates_hz"].items()}
    lines += [f"rate of {name}: A {both['a']} Hz, B {both['b']} Hz" for name, both in shown.items()]
    for name, apart in facts["weights"].items():
        words = "other synapses" if apart is None else f"differ by {apart['largest']:.3g} at most, {apart['mean']:.3g} on average"
        lines.append(f"weights of {name}: {words}")
    return "\n".join(lines)
