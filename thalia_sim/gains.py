"""Gains of projections in the loop's tables: one number for each population and receptor that a group of rows reaches.

No two projections of a group reach the same receptor of a population, so each number belongs to one of them. While they are all equal the group has
one gain, and nothing is looked up.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .kernels import loop
from .kernels.plastic import PLASTIC
from .kernels.rows import GAINED, UNIFORM, W_FIRST, W_GAIN
from .layout import Layout
from .neurons.contract import model_of
from .projection import Projection
from .rows import Group


class Cell(NamedTuple):
    """Where the gain of a projection stands in one group's row of `group_w`, and those of all projections of the group."""

    group: int  # number of the group in the loop's tables
    own: list[int]  # one for each population that it reaches
    every: list[int]


def cell(layout: Layout, number: int, group: Group, projection: Projection) -> Cell:
    """The cell of a projection in a group that has this number in the loop's tables."""
    return Cell(number, columns(layout, projection), [column for p in group.projections for column in columns(layout, p)])


def columns(layout: Layout, projection: Projection) -> list[int]:
    """Columns of a projection's targets, one for each of their populations."""
    kinds = [layout.kind(p, model_of(p.model).receptors.index(projection.receptor)) for p in projection.target.populations]
    return [W_FIRST + kind for kind in kinds]


def write_gain(group: NDArray[np.int64], group_w: NDArray[np.float64], place: Cell, gains: float | list[float]) -> None:
    """Set the gain of a projection in the tables of the loop: one for all its targets, or one for each of their populations."""
    table, w = group[place.group], group_w[place.group]
    w[place.own] = gains
    values = w.tolist()
    first = values[place.every[0] if place.every else W_GAIN]
    is_one = all(values[column] == first for column in place.every)
    w[W_GAIN] = first if is_one else 1.0
    if table[loop.R_KIND] != PLASTIC:
        table[loop.R_KIND] = table[loop.R_KIND] & UNIFORM | (0 if is_one else GAINED)


def read_gain(group_w: NDArray[np.float64], place: Cell) -> float:
    """The gain that stands in a cell."""
    return float(group_w[place.group, (place.own or [W_GAIN])[0]])
