"""State of chosen elements that the engine holds at given values, step after step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .assembly import may_sleep
from .kernels import loop
from .kernels.blocks import G
from .neurons.contract import model_of
from .places import field_place

if TYPE_CHECKING:
    from .simulation import Simulation
    from .views import PopulationView


def write_clamps(sim: Simulation, views: list[PopulationView]) -> None:
    """The engine's table from what the views of populations say is held (`clamps`: field -> (elements, values)); clamped pieces stay awake."""
    table, index, value = [], [], []
    n_before = 0
    for view in views:
        for field, (elements, values) in view.clamps.items():
            where, number = field_place(model_of(view.thing.model), field)
            for task in sim.places[view.name].tasks:
                lo, n = sim.a.geom[task, G.lo], sim.a.geom[task, G.count]
                mine = (elements >= lo) & (elements < lo + n)
                if mine.any():
                    table.append([task, number, where, n_before, int(mine.sum())])
                    index.append(elements[mine])
                    value.append(np.where(view.silent[elements[mine]], np.inf, values[mine]) if field == "v_th" else values[mine])
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
