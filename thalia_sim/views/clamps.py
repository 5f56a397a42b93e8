"""State of chosen elements that the engine holds at given values, step after step."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..assembly import may_sleep
from ..kernels import loop
from ..kernels.blocks import G
from ..neurons.contract import model_of
from ..places import field_place

if TYPE_CHECKING:
    from ..simulation import Simulation
    from .population import PopulationView


class Clamp(NamedTuple):
    """A field of some elements of a population, held at values."""

    name: str
    field: str
    elements: NDArray[np.int64]  # [k]
    values: NDArray[np.float64]  # [k]


def write_clamps(sim: Simulation) -> None:
    """The engine's table from what the views say is held; where two clamps meet the later one holds. Clamped pieces stay awake."""
    neurons = [p.name for p in sim.net.populations.values() if model_of(p.model).kind == "neuron"]
    views: list[PopulationView] = [sim.views[name] for name in neurons if name in sim.views]
    table, index, value = [], [], []
    n_before = 0
    for view in views:
        for clamp in view.clamps:
            where, number = field_place(model_of(view.thing.model), clamp.field)
            values = np.where(view.silent[clamp.elements], np.inf, clamp.values) if clamp.field == "v_th" else clamp.values
            for task in sim.places[view.name].tasks:
                lo, n = sim.a.geom[task, G.lo], sim.a.geom[task, G.count]
                mine = (clamp.elements >= lo) & (clamp.elements < lo + n)
                if mine.any():
                    table.append([task, number, where, n_before, int(mine.sum())])
                    index.append(clamp.elements[mine])
                    value.append(values[mine])
                    n_before += int(mine.sum())
    clamped = {row[0] for row in table}
    for view in views:
        for task in sim.places[view.name].tasks:
            may = may_sleep(view.model, sim.places[view.name], int(sim.a.geom[task, G.count]))
            sim.a.task[task, loop.T_MAY_SLEEP] = int(sim.sleeping and task not in clamped and may)
    sim.a = sim.a._replace(
        clamp=np.array(table, np.int64).reshape(-1, 5),
        clamp_index=np.concatenate([np.zeros(0), *index]).astype(np.int32),
        clamp_value=np.concatenate([np.zeros(0), *value]),
    )
