"""What a study of sensitivity varies: parameters of build and paths in the network that are numbers, and the settings that change them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ..distributions import Distribution
from ..errors import DescriptionError, PathError, nearest
from ..experiment import read_value, split_setting
from ..given import is_number, is_whole, short
from ..paths import all_paths
from .design import Design, refuse_seed

SAME = 1e-9  # difference of two shares that is but rounding of floats
ROUNDED = 0.01  # difference of the share that is run to the one asked for, from which it is told
FEWEST = 10  # values of a whole number that Morris's and Sobol's indices need


def varied(plan: Design, names: Sequence[str]) -> dict[str, float]:
    """name -> value of what is varied: what was asked for, else the script's list, else every finite number in the network that is not 0."""
    asked = names or plan.experiment.sensitivity
    if not asked:
        return {name: value for name, value in numeric_paths(plan.net).items() if has_share(value)}
    refuse_seed(asked)
    found = {name: value_of(plan, name) for name in asked}
    for name, value in found.items():
        if not has_share(value):
            raise DescriptionError(f"{name} is {short(value)}, which has no share to vary by: name a finite number other than 0")
    return found


def has_share(value: Any) -> bool:
    """Whether a share of it is another number: -inf, the v_min of a neuron without a floor, has none, nor has 0."""
    return is_number(value) and math.isfinite(value) and value != 0


def value_of(plan: Design, name: str) -> Any:
    """Value of a parameter of build or of a path."""
    parameters = plan.experiment.parameters
    if name in parameters:
        given = dict(map(split_setting, plan.settings))
        return read_value(name, given[name], parameters[name]) if name in given else parameters[name]
    if "." not in name:
        raise PathError(f"{name!r} is no parameter of build in {plan.experiment.path}: {nearest(name, [*parameters, *all_paths(plan.net)])}")
    return plan.net.get(name)


def numeric_paths(net: Any) -> dict[str, float]:
    """Every path of a network that is a number, those within distributions too."""
    found: dict[str, Any] = {}
    for path, value in all_paths(net).items():
        if isinstance(value, Distribution):
            found |= {f"{path}.{f.name}": getattr(value, f.name) for f in dataclasses.fields(value)}
        else:
            found[path] = value
    return {path: value for path, value in found.items() if is_number(value)}


def setting(name: str, before: float, value: float) -> str:
    """The setting that gives something another value; a whole number stays one."""
    return f"{name}={round(value) if is_whole(before) else float(value)!r}"


class Step(NamedTuple):
    """A parameter that is another one."""

    setting: str
    comparison: str  # by how much: "-50 %", and of a whole number that had to be rounded, or a delay, what it is: "-60 % (2)"


def step(name: str, value: float, share: float, dt: float | None = None) -> Step | None:
    """A parameter that goes up or down by a share; None for a number that rounding leaves as it is, or makes 0. `dt` is the step (ms) of a delay."""
    new = rounded(value, share, dt)
    true = new / value - 1.0
    if new == 0.0 or is_whole(value) and true == 0.0 or dt is not None and abs(true) < SAME:
        return None
    return Step(setting(name, value, new), percent(share) if abs(true - share) <= ROUNDED else f"{100 * true:+.3g} % ({new:.6g})")


def rounded(value: float, share: float, dt: float | None) -> float:
    """A number changed by a share: of a whole number a whole one, of a delay whole steps, as the network takes them."""
    new = value * (1.0 + share)
    if is_whole(value):
        return round(new)
    return new if dt is None else round(math.floor(new / dt + 0.5) * dt, 6)


def percent(share: float) -> str:
    return f"{100 * share:+g} %"


def delays(names: Iterable[str], net: Any) -> dict[str, float]:
    """name -> step (ms) of what is a delay in the network, which rounds it to whole steps; one drawn from a distribution is none."""
    known = {f"{name}.delay" for name in net.projections}
    return {name: net.dt for name in names if name in known}


def steps(values: Mapping[str, float], change: float, dt: Mapping[str, float] | None = None) -> tuple[dict[str, list[Step]], list[str]]:
    """name -> its steps down and up; and a note for those that there are not: "n +-10 %: rounds to 1, not varied". `dt` is that of `delays`."""
    found, notes, dt = {}, [], dt or {}
    for name, value in values.items():
        ways = {sign: step(name, value, sign * change, dt.get(name)) for sign in (-1, 1)}
        found[name] = [way for way in ways.values() if way is not None]
        lost = {percent(sign * change): f"{rounded(value, sign * change, dt.get(name)):.6g}" for sign, way in ways.items() if way is None}
        if len(lost) == 2 and len(set(lost.values())) == 1:
            lost = {f"+-{100 * change:g} %": lost[percent(change)]}
        notes += [f"{name} {comparison}: rounds to {new}, not varied" for comparison, new in lost.items()]
    return found, notes


def refuse_few(values: Mapping[str, float], change: float) -> None:
    """Refuse whole numbers of which there are too few within the change for indices over all parameters, or that could become 0."""
    for name, value in values.items():
        ends = sorted(round(value * (1.0 + share)) for share in (-change, change))
        if is_whole(value) and (ends[1] - ends[0] + 1 < FEWEST or 0 in ends):
            raise DescriptionError(
                f"{name} is a whole number, {value}, and goes from {ends[0]} to {ends[1]}: morris and sobol need {FEWEST} values or more without 0, "
                "so name others by --path, or use --method one"
            )
