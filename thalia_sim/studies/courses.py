"""How rates, their ratio and mean weights go over the time of a recording."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import DescriptionError, nearest
from ..measures import PopulationRateMeter
from ..recording import Recording
from .inhibition import kinds_in
from .weight_means import WeightMeans

Floats = NDArray[Any]  # of float64


class Course(NamedTuple):
    """A quantity in bins or at single times."""

    t: Floats  # [k] ms since the recording began: the middle of each bin, or the time of each value
    value: Floats  # [k]
    unit: str


def rate_course(recording: Recording, populations: Sequence[str], width: float) -> Course:
    """Rate (Hz) of all neurons of some populations in bins of `width` ms; what is left of the last bin is left out."""
    for name in populations:
        if name not in recording.populations:
            raise DescriptionError(f"population {name!r} is not in the recording: {nearest(name, recording.populations)}")
    begin, end = recording.begin, recording.begin + recording.duration
    bins = int((end - begin) / width + 1e-9)
    counts, n = np.zeros(bins, np.int64), 0
    for name in populations:
        meter = PopulationRateMeter(recording.populations[name].n_recorded, width, begin)
        members = recording.recorded_ids(name)
        for t, ids in recording.blocks(name, begin, end):
            meter.add(t, np.searchsorted(members, ids.astype(np.int64)))
        counts += meter.result(end).counts[:bins]
        n += len(members)
    t = (np.arange(bins) + 0.5) * width
    return Course(t, counts / (n * width / 1000.0) if n else np.full(bins, np.nan), "Hz")


def ratio_course(recording: Recording, width: float) -> Course:
    """Rate of the neurons that do not inhibit over that of those that do, in bins of `width` ms; nan where the latter are silent."""
    kinds = kinds_in(recording)
    e, i = rate_course(recording, kinds.excite, width), rate_course(recording, kinds.inhibit, width)
    with np.errstate(divide="ignore", invalid="ignore"):
        return Course(e.t, np.where(i.value > 0.0, e.value / i.value, np.nan), "1")


def weight_course(recording: Recording) -> dict[str, Course]:
    """Mean weight of each projection, gain and amplification included, at each look."""
    if WeightMeans.name not in recording.hooks():
        return {}
    looks = recording.diagnostics(WeightMeans.name)
    return {
        name: Course(looks["t"] - recording.begin, values, recording.units(f"/thalia/hooks/{WeightMeans.name}/{name}"))
        for name, values in looks.items() if name != "t"
    }  # fmt: skip


def averaged(course: Course, width: float, bins: int) -> Course:
    """A course of single times as means over bins of `width` ms."""
    which = np.minimum(np.ceil(course.t / width - 1e-9).astype(int) - 1, bins - 1)
    number = np.bincount(which, minlength=bins)
    total = np.bincount(which, weights=course.value, minlength=bins)
    with np.errstate(divide="ignore", invalid="ignore"):
        return Course((np.arange(bins) + 0.5) * width, total / number, course.unit)
