"""The network of a recording, and how it was run and recorded, as tables. Read from the configuration in the file; nothing is built again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element

from ...recording import Recording
from .page import folded, node, table, verbatim

SHORT = 60  # characters of a value
LIST = 8  # members of a list
NAMES = 24  # of populations in a line


def configuration_tables(recording: Recording) -> list[Element]:
    """Populations, projections, drives, seeds and options; then all of it as JSON."""
    config = recording.config
    net = config.get("network", {})
    parts = [*populations(net.get("populations", {})), *projections(net), *drives(net), *options(net, config)]
    return [*parts, folded("all of it, as JSON", verbatim(json.dumps(config, indent=1, ensure_ascii=False)))]


def populations(described: Mapping[str, Any]) -> list[Element]:
    """For each model the values that its populations share, and a table of those in which they differ."""
    models: dict[tuple[str, ...], dict[str, dict[str, str]]] = {}
    for name, p in described.items():
        values = values_of(p)
        models.setdefault((p["model"], *values), {})[name] = values
    parts: list[Element] = []
    for (model, *fields), members in models.items():
        names = [f"{name} ({described[name]['n']:,}{place_text(described[name])})" for name in list(members)[:NAMES]]
        more = [f"{len(members) - NAMES:,} more"] if len(members) > NAMES else []
        parts += [node("h3", model), node("p", ", ".join(names + more), class_="note")]
        apart = [k for k in fields if len({values[k] for values in members.values()}) > 1]
        shared = [(k, value) for k, value in next(iter(members.values())).items() if k not in apart]
        if shared:
            parts.append(table(("parameter", "value"), shared, f"parameters of {model}", numbers=(1,)))
        if apart:
            rows = [(name, *(values[k] for k in apart)) for name, values in members.items()]
            parts.append(table(("population", *apart), rows, f"parameters in which populations of {model} differ", numbers=range(1, len(apart) + 1)))
    return parts


def values_of(p: Mapping[str, Any]) -> dict[str, str]:
    """Parameters and initial values of a population, with their units."""
    units = p.get("units", {})
    parameters = {k: with_unit(v, units.get(k)) for k, v in p["parameters"].items()}
    return parameters | {f"{k} at the start": with_unit(v, units.get(k)) for k, v in p["initial"].items()}


def place_text(p: Mapping[str, Any]) -> str:
    """Where a population lies, if anywhere."""
    return f", {p['geometry']}" if p.get("geometry") else ", at given positions" if p.get("positions") else ""


def projections(net: Mapping[str, Any]) -> list[Element]:
    described = net.get("populations", {})
    sizes = {name: p["n"] for name, p in described.items()}
    rows = []
    for name, p in net.get("projections", {}).items():
        ends = f"{selection_text(p['source'], sizes)} → {selection_text(p['target'], sizes)}"
        w = "of the wiring" if p["w"] is None else with_unit(p["w"], p.get("units", {}).get("w"))
        rows.append((name, ends, value_text(p["wiring"]), w, delay_text(p, described), p["receptor"], remarks(p)))
    return titled("Projections", ("name", "from → to", "wiring", "weight", "delay", "receptor", "besides"), rows)


def drives(net: Mapping[str, Any]) -> list[Element]:
    sizes = {name: p["n"] for name, p in net.get("populations", {}).items()}
    rows = []
    for name, d in net.get("drives", {}).items():
        units = d.get("units", {})
        w = with_unit(d["w"], units.get("w")) if d["receptor"] else ""
        rows.append((name, selection_text(d["target"], sizes), value_text(d["source"], units), w, d["receptor"] or ""))
    return titled("Drives", ("name", "to", "source", "weight", "receptor"), rows)


def options(net: Mapping[str, Any], config: Mapping[str, Any]) -> list[Element]:
    """Seeds, and how the run was asked for and recorded."""
    rows = [("step of the clock", with_unit(net.get("dt"), "ms")), ("seed", value_text(net.get("seed")))]
    rows += [(f"seed of {name}", value_text(value)) for name, value in net.get("seeds", {}).items()]
    rows += [(name, with_unit(value, "ms" if name == "until" else "")) for name, value in config.get("run", {}).items()]
    rows += recorded(config.get("recorder", {}))
    return titled("Seeds and options", ("option", "value"), [row for row in rows if row[1]])


def recorded(recorder: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What was recorded, and how often."""
    spikes = [name if many == "all" else f"{many:,} of {name}" for name, many in recorder.get("spikes", {}).items()]
    rows = [("spikes recorded", value_text(spikes))]
    rows += [("state recorded", f"{variable} of {where}, every {value_text(every)} ms") for where, variable, every in recorder.get("state", [])]
    rows += [("weights recorded", name + snapshots_text(every)) for name, every in recorder.get("weights", {}).items()]
    return [*rows, ("counts recorded", f"bins of {value_text(recorder['counts'])} ms" if recorder.get("counts") else "")]


def snapshots_text(every: float | None) -> str:
    return ", at the start and the end" if every is None else f", every {value_text(every)} ms"


def titled(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[Element]:
    """A table under its title, if there is anything in it."""
    return [node("h3", title), table(head, rows, title)] if rows else []


def remarks(p: Mapping[str, Any]) -> str:
    """What is not as it mostly is."""
    texts = [name for name in ("autapses", "multapses") if p.get(name) is False]
    texts = [f"no {name}" for name in texts]
    texts += [f"{name} {value_text(p[name])}" for name in ("gain", "rule") if p.get(name) is not None]
    return ", ".join(texts)


def delay_text(p: Mapping[str, Any], described: Mapping[str, Any]) -> str:
    """The delays in force: as given, else those of the wiring, else by distance if there is one speed, else one step."""
    if p["delay"] is not None:
        return with_unit(p["delay"], "ms")
    if any(isinstance(inner, dict) and inner.get("delay") is not None for inner in p["wiring"].values()):
        return "of the wiring"
    places = [described.get(part[0], {}).get("geometry") or "" for part in [*p["source"], *p["target"]]]
    return "by distance" if all("speed=" in place and "speed=None" not in place for place in places) else "one step"


def unit_of(value: Any, unit: str | None) -> str:
    """The unit, if the value is one that can have a unit."""
    return unit if unit and unit != "1" and not isinstance(value, (str, bool, type(None))) else ""


def with_unit(value: Any, unit: str | None) -> str:
    return f"{value_text(value)} {unit_of(value, unit)}".rstrip()


def selection_text(parts: Sequence[Sequence[Any]], sizes: Mapping[str, int]) -> str:
    """Populations, or parts of them: "exc", "exc[0:80]", "80 of exc"."""
    texts = []
    for name, *where in parts:
        if len(where) == 2:
            whole = where == [0, sizes.get(name)]
            texts.append(name if whole else f"{name}[{where[0]}:{where[1]}]")
        else:
            texts.append(f"{array_size(where[0])} of {name}")
    return " + ".join(texts) or "nothing"


def array_size(value: Any) -> str:
    shape = value.get("array", {}).get("shape") if isinstance(value, dict) else None
    return f"{shape[0]:,}" if shape else "some"


def value_text(value: Any, units: Mapping[str, str] | None = None) -> str:
    """A value of the configuration in a few words: numbers to six digits, arrays by their shape, models and rules as calls."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        return f"{value:,}" if isinstance(value, int) and abs(value) < 10**9 else f"{value:.6g}" if isinstance(value, float) else str(value)
    if isinstance(value, dict) and list(value) == ["array"]:
        return f"{' × '.join(f'{n:,}' for n in value['array']['shape'])} values"
    if isinstance(value, dict) and len(value) == 1 and isinstance(inner := next(iter(value.values())), dict):
        return f"{next(iter(value))}({members_text(inner, units or {})})"
    if isinstance(value, dict):
        return members_text(value, units or {})
    if isinstance(value, list) and len(value) > LIST:
        return f"{len(value):,} ({', '.join(map(value_text, value[:LIST]))} …)"
    text = ", ".join(map(value_text, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= SHORT else f"{text[:SHORT]}…"


def members_text(members: Mapping[str, Any], units: Mapping[str, str]) -> str:
    """Fields and their values, without those that say nothing: none, and bounds that are none."""
    bounds = (("low", "-inf"), ("high", "inf"))
    return ", ".join(f"{k} {with_unit(v, units.get(k))}" for k, v in members.items() if v is not None and (k, v) not in bounds)
