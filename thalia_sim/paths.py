"""The network as a tree: reading and setting by path, a plain description, a table to print."""

from __future__ import annotations

import dataclasses
import hashlib
import math
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import numpy as np

from .checks import check_parameter, checked_initial, question_order, value_text
from .distributions import Distribution
from .errors import DescriptionError, PathError, nearest
from .given import as_array, short
from .neurons.contract import comment_units, model_of
from .plasticity.chain import field_named, rules_in
from .projection import Drive, Projection, check_signs, weight_unit
from .selection import Population, Selection
from .sources.contract import check_source
from .wiring import FromArrays, Wiring

if TYPE_CHECKING:
    from .network import Network


def fields_of(thing: Population | Projection | Drive) -> dict[str, Any]:
    """What can be read and set of one node of the tree: name -> value."""
    if isinstance(thing, Population):
        model = model_of(thing.model)
        start = {field: model.start_value(field, thing.model) for field in model.state_fields}
        return {**start, **thing.model._asdict(), **thing.initial}
    if isinstance(thing, Projection):
        own = {} if isinstance(thing.wiring, FromArrays) else wiring_fields(thing.wiring)
        return {**own, "w": thing.weights, "delay": thing.delays, "gain": thing.gain, **(rule_fields(thing.rule))}
    return {**thing.source._asdict(), **({} if thing.is_current else {"w": thing.w})}


def wiring_fields(wiring: Wiring) -> dict[str, Any]:
    """Numbers of a wiring rule."""
    return {f.name: getattr(wiring, f.name) for f in dataclasses.fields(wiring)}


def rule_fields(rule: Any) -> dict[str, Any]:
    """Parameters of a plasticity rule, as `rule.name`; of several on one projection as `rule.Rule.name`."""
    rules = () if rule is None else rules_in(rule)
    return {rule_path(rules, n, k): v for n, p in enumerate(rules) for k, v in p._asdict().items()}


def rule_path(rules: Any, n: int, field: str) -> str:
    """The path of a parameter of rule n of some."""
    return f"rule.{type(rules[n]).__name__ + '.' if len(rules) > 1 else ''}{field}"


def changed_rule(rule: Any, field: str, value: Any) -> Any:
    """A rule, or several, with one parameter set."""
    rules = rules_in(rule)
    name, _, parameter = field.rpartition(".")
    new = [p._replace(**{parameter: value}) if name in ("", type(p).__name__) else p for p in rules]
    return new[0] if rules[0] is rule else type(rule)(new)


def nodes(net: Network) -> dict[str, Any]:
    """All populations, projections and drives by name."""
    return {**net.populations, **net.projections, **net.drives}


def all_paths(net: Network) -> dict[str, Any]:
    """path -> value of everything that can be set."""
    return {f"{name}.{field}": value for name, node in nodes(net).items() for field, value in fields_of(node).items()}


def find(net: Network, path: str) -> tuple[Any, str, str | None]:
    """The node, the field and, within a distribution, its parameter that a path names."""
    if not isinstance(path, str):
        raise PathError(f"path {short(path)} names no value: write it like exc.tau_m")
    name, dot, rest = path.partition(".")
    everything = nodes(net)
    if name not in everything:
        raise PathError(f"unknown path {short(path)}: {nearest(path, all_paths(net)) if dot else nearest(name, everything)}")
    node = everything[name]
    known = fields_of(node)
    field, dot, inner = rest.partition(".")
    if rest in known:
        return node, rest, None
    if field == "rule" and isinstance(node, Projection) and node.rule is not None:
        rules = rules_in(node.rule)
        if (named := field_named([(type(p).__name__, p._fields) for p in rules], inner)) is not None:
            return node, rule_path(rules, *named), None
    value = known.get(field)
    if isinstance(value, Distribution) and inner in {f.name for f in dataclasses.fields(value)}:
        return node, field, inner
    full = list(known)
    full += [f"{k}.{f.name}" for k, v in known.items() if isinstance(v, Distribution) for f in dataclasses.fields(v)]
    if not rest:
        raise PathError(f"path {short(path)} names no value: name one of {name}, {nearest(rest, full)}")
    raise PathError(f"unknown path {short(path)}: {name} has no {short(rest)}, {nearest(rest, full)}")


def get(net: Network, path: str) -> Any:
    """The value at a path."""
    node, field, inner = find(net, path)
    value = fields_of(node)[field]
    return value if inner is None else getattr(value, inner)


def put(net: Network, path: str, value: Any) -> None:
    """Set the value at a path."""
    node, field, inner = find(net, path)
    if inner is not None:
        value = dataclasses.replace(fields_of(node)[field], **{inner: value})
    if isinstance(node, Population):
        put_population(node, field, value, net.dt)
    elif isinstance(node, Projection):
        put_projection(node, field, value)
    else:
        put_drive(node, field, value, net.dt)


def put_population(node: Population, field: str, value: Any, dt: float) -> None:
    """Set a parameter, or the initial value of a state field."""
    if field in node.model._fields and field not in node.initial:
        value = as_array(value) if isinstance(value, list) else value
        check_parameter(node, field, value)
        model = node.model._replace(**{field: value})
        check_source(model, node.n, dt, f"population {node.name}", whole=False)
        node.model = model
        question_order(node)
    else:
        node.initial[field] = checked_initial(node, field, value)


def put_projection(node: Projection, field: str, value: Any) -> None:
    """Set weights, delays, the gain, a number of the wiring or a parameter of the rule."""
    if field in ("w", "delay") and isinstance(node.wiring, FromArrays) and getattr(node.wiring, field) is not None:
        values = node.checked_values(field, value)
        if not isinstance(values, np.ndarray):
            raise DescriptionError(f"{field} of projection {node.name} comes from its arrays: set an array of {len(node.wiring.i)} values")
        new = dataclasses.replace(node.wiring, **{field: values})
        check_signs(f"projection {node.name}", node.target, node.receptor, new.w if new.w is not None else node.w)
        node.wiring = new
        node.checked_delay(node.delay)
    elif field == "w":
        values = node.checked_w(value)
        check_signs(f"projection {node.name}", node.target, node.receptor, values)
        before, node.w = node.w, values
        try:
            node.checked_rules(node.rule)
        except DescriptionError:
            node.w = before
            raise
    elif field == "delay":
        node.delay = node.checked_delay(value)
    elif field == "gain":
        node.gain = node.checked_gain(value)
    elif field.startswith("rule."):
        node.rule = node.checked_rules(changed_rule(node.rule, field[5:], value))
    else:
        node.wiring = node.checked_wiring(dataclasses.replace(node.wiring, **{field: value}))


def put_drive(node: Drive, field: str, value: Any, dt: float) -> None:
    """Set a parameter of the source, or the weight."""
    if field in node.source._fields:
        node.source = node.checked_source(node.source._replace(**{field: value}), dt, whole=False)
    else:
        values = node.checked_w(value)
        check_signs(f"drive {node.name}", node.target, node.receptor or "", values)
        node.w = values


def describe(net: Network) -> dict[str, Any]:
    """The description as plain data."""
    seeds = {"wiring": net.wiring_seed, "initial": net.initial_seed, "noise": net.noise_seed}
    return {
        "seed": net.seed,
        "seeds": seeds,
        "dt": net.dt,
        "populations": {name: described_population(p) for name, p in net.populations.items()},
        "projections": {name: described_projection(p) for name, p in net.projections.items()},
        "drives": {name: described_drive(d) for name, d in net.drives.items()},
    }


def described_population(p: Population) -> dict[str, Any]:
    model = model_of(p.model)
    return {
        "n": p.n,
        "model": model.name,
        "parameters": {k: plain(v) for k, v in p.model._asdict().items()},
        "initial": {k: plain(v) for k, v in p.initial.items()},
        "units": {k: model.units[k] for k in {**p.model._asdict(), **p.initial} if k in model.units},
        "geometry": None if p.geometry is None else p.geometry.text,
        "positions": plain(p.at),
    }


def described_projection(p: Projection) -> dict[str, Any]:
    return {
        "source": described_selection(p.source),
        "target": described_selection(p.target),
        "wiring": plain(p.wiring),
        "w": plain(p.w),
        "delay": plain(p.delay),
        "receptor": p.receptor,
        "autapses": p.autapses,
        "multapses": p.multapses,
        "gain": plain(p.gain),
        "rule": plain(p.rule),
        "units": {"w": unit_at(p), "delay": "ms"},
    }


def described_drive(d: Drive) -> dict[str, Any]:
    source: type = type(d.source)
    units = {**comment_units(source), **({} if d.is_current else {"w": unit_at(d)})}
    return {"target": described_selection(d.target), "source": plain(d.source), "w": plain(d.w), "receptor": d.receptor, "units": units}


def unit_at(thing: Projection | Drive) -> str:
    """Unit of the weights: that of the first target; empty where it is not known."""
    return weight_unit(model_of(thing.target.populations[0].model), thing.receptor or "")


def described_selection(selection: Selection) -> list[Any]:
    """[population, start, stop] or [population, hash of the numbers] of each part."""
    return [
        [p.name, index.start, index.stop] if isinstance(index, range) else [p.name, plain(np.asarray(index))] for p, index in selection.parts
    ]


def plain(value: Any) -> Any:
    """Numbers, texts, lists and dicts only; an array becomes its shape, dtype and hash, a model or rule its name and fields, an absolute path its
    last part."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, PurePath):
        return value.name if value.is_absolute() else value.as_posix()
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        return float(value) if math.isfinite(value) else str(float(value))
    if isinstance(value, np.ndarray):
        flat = np.ascontiguousarray(value)
        digest = hashlib.sha256(flat.tobytes()).hexdigest()
        return {"array": {"shape": list(flat.shape), "dtype": str(flat.dtype), "sha256": digest}}
    if hasattr(value, "_asdict"):
        return {type(value).__name__: {k: plain(v) for k, v in value._asdict().items()}}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {type(value).__name__: {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}}
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return plain(np.asarray(value)) if len(value) > 100 else [plain(v) for v in value]
    return {type(value).__name__: {k: plain(v) for k, v in vars(value).items()} if hasattr(value, "__dict__") else {}}


def table(net: Network) -> str:
    """The network as text, one line a population, projection and drive."""
    lines = [f"Network: seed {net.seed}, dt {net.dt:g} ms, {net.n} elements"]
    for p in net.populations.values():
        text = ", ".join(f"{k}={value_text(v)}" for k, v in p.model._asdict().items())
        where = f", at {p.geometry!r}" if p.geometry is not None else ""
        lines.append(f"  {p.name:<12} {p.n:>9} x {type(p.model).__name__}({text}){where}")
    lines += [f"  {p!r}" for p in net.projections.values()]
    lines += [f"  {d!r}" for d in net.drives.values()]
    return "\n".join(lines)
