"""What a study of sensitivity varies: parameters of build and paths in the network that are numbers, and the settings that change them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from ..distributions import Distribution
from ..errors import DescriptionError, PathError, nearest
from ..experiment import read_value, split_setting
from ..given import is_number, is_whole, short
from ..paths import all_paths
from .design import Design


def varied(plan: Design, names: Sequence[str]) -> dict[str, float]:
    """name -> value of what is varied: what was asked for, else the script's list, else every number in the network that is not 0."""
    asked = tuple(names) or plan.experiment.sensitivity
    if not asked:
        return {name: value for name, value in numeric_paths(plan.net).items() if value != 0}
    found = {name: value_of(plan, name) for name in asked}
    for name, value in found.items():
        if not is_number(value) or value == 0:
            raise DescriptionError(f"{name} is {short(value)}, which has no share to vary by: name a number other than 0")
    return found


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
