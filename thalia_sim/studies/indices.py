"""Indices of global sensitivity, sampled and analysed by SALib (Herman & Usher 2017, J. Open Source Softw. 2:97)."""

from __future__ import annotations

import importlib
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from ..errors import DescriptionError

SEED = 1  # of the samples and of the bootstrap: the same study asks for the same runs
NAMES = {"morris": {"mu*": ("mu_star", "mu_star_conf"), "sigma": ("sigma", "")}, "sobol": {"S1": ("S1", "S1_conf"), "ST": ("ST", "ST_conf")}}


class Index(NamedTuple):
    """An index of one parameter; morris: in the unit of the measure over the whole range, sobol: a share of its variance."""

    parameter: str
    name: str
    value: float
    half_width: float  # of the 95 % interval over resampled trajectories; nan where SALib gives none


def problem_of(values: Mapping[str, float], change: float) -> dict[str, Any]:
    """Parameters and their bounds: a share around each value."""
    bounds = [sorted((value * (1.0 - change), value * (1.0 + change))) for value in values.values()]
    return {"num_vars": len(values), "names": list(values), "bounds": bounds}


def sample(method: str, values: Mapping[str, float], change: float, samples: int) -> Any:
    """Values of all parameters for each run, [runs, parameters]."""
    if method == "sobol" and samples & (samples - 1):
        raise DescriptionError(f"samples of the study are {samples}: Sobol's sequence needs a power of 2, such as {1 << samples.bit_length()}")
    morris, sobol = salib("sample")
    if method == "morris":
        return morris.sample(problem_of(values, change), samples, seed=SEED)
    return sobol.sample(problem_of(values, change), samples, calc_second_order=False, seed=SEED)


def analyze(method: str, values: Mapping[str, float], change: float, sampled: Any, y: np.ndarray) -> list[Index]:
    """The indices of each parameter, from a measure y [runs]; nan if a run lacks it, all 0 of a measure that never moved."""
    names = NAMES[method]
    if not np.isfinite(y).all():
        return [Index(parameter, name, math.nan, math.nan) for parameter in values for name in names]
    if np.ptp(y) == 0.0:
        return [Index(parameter, name, 0.0, 0.0) for parameter in values for name in names]
    morris, sobol = salib("analyze")
    problem = problem_of(values, change)
    if method == "morris":
        found = morris.analyze(problem, sampled, y, seed=SEED)
    else:
        found = sobol.analyze(problem, y, calc_second_order=False, seed=SEED)
    return [
        Index(parameter, name, float(found[value][k]), float(found[width][k]) if width else math.nan)
        for k, parameter in enumerate(values) for name, (value, width) in names.items()
    ]  # fmt: skip


def salib(part: str) -> tuple[Any, Any]:
    """Morris's and Sobol's module of SALib's sampling or analysis."""
    try:
        return importlib.import_module(f"SALib.{part}.morris"), importlib.import_module(f"SALib.{part}.sobol")
    except ImportError:
        raise DescriptionError('methods morris and sobol need SALib, which is not installed: pip install "thalia-sim[studies]"') from None
