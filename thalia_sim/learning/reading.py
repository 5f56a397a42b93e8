"""From a description to layers and matrices of weights, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DescriptionError, PathError, nearest
from ..network import Network
from ..neurons import LIFDelta, LIFExp1
from ..neurons.contract import constants, model_of, scalar_parameters
from ..simulation import Simulation
from ..wiring import from_arrays
from .membranes import DeltaMembrane, Exp1Membrane, Membrane
from .update import Edges

Floats = NDArray[np.float64]
MEMBRANES: dict[type, Any] = {LIFDelta: DeltaMembrane, LIFExp1: Exp1Membrane}


def read_layers(net: Network, sim: Simulation) -> tuple[dict[str, Membrane], list[str]]:
    """(membrane of each layer of neurons, names of the input layers)."""
    if net.drives:
        raise DescriptionError(f"drive {next(iter(net.drives))} is no part of a layered network: leave it out and give spikes to forward")
    membranes, inputs = {}, []
    for name, population in net.populations.items():
        model = model_of(population.model)
        if model.kind != "neuron":
            inputs.append(name)
            continue
        if type(population.model) not in MEMBRANES:
            known = " or ".join(kind.__name__ for kind in MEMBRANES)
            raise DescriptionError(f"population {name} is of model {model.name}, through which no gradient is known: use {known}")
        varied = [field for field, value in population.model._asdict().items() if np.ndim(value) and field != "v_th"]
        if varied:
            raise DescriptionError(f"{varied[0]} of population {name} has a value for each neuron: give one number in a layered network")
        p = population.model._replace(v_th=0.0) if not scalar_parameters(population.model) else population.model
        start = {field: np.array(getattr(sim[name], field), dtype=np.float64) for field in model.state_fields}
        membranes[name] = MEMBRANES[type(p)](p, constants(p, net.dt), start)
    return membranes, inputs


def read_projections(net: Network, sim: Simulation) -> dict[str, Edges]:
    """The synapses that the simulation drew, as matrices."""
    return {name: read_projection(net, sim, projection) for name, projection in net.projections.items()}


def read_projection(net: Network, sim: Simulation, projection: Any) -> Edges:
    """One projection, which must be between whole populations, with one delay, at most one synapse a pair, and no rule or gain of its own."""
    name = projection.name
    ends = [selection.populations for selection in (projection.source, projection.target)]
    for selection, populations in zip((projection.source, projection.target), ends, strict=True):
        if len(populations) != 1 or len(selection) != populations[0].n:
            raise DescriptionError(f"projection {name} connects {selection.name}, which is no whole population: connect whole ones, each by itself")
    if projection.gain is not None or projection.rule is not None:
        raise DescriptionError(f"projection {name} has a gain or a rule of its own: leave it out in a layered network")
    view = sim[name]
    i, j, w, delay = view.i, view.j, view.w, np.unique(view.delay)
    if len(delay) > 1:
        raise DescriptionError(f"projection {name} has delays from {delay[0]:g} to {delay[-1]:g} ms: give one delay in a layered network")
    matrix, mask = np.zeros((len(projection.source), len(projection.target))), np.zeros((len(projection.source), len(projection.target)), bool)
    matrix[i, j], mask[i, j] = w, True
    if mask.sum() < len(i):
        raise DescriptionError(f"projection {name} has several synapses between the same two neurons: connect with multapses=False")
    steps = round(float(delay[0]) / net.dt) if len(delay) else 1
    return Edges(name, ends[0][0].name, ends[1][0].name, matrix, mask, steps=steps)


def write_simulation(projections: dict[str, Edges], sim: Simulation) -> None:
    """Weights into a simulation of the same description."""
    for name, edges in projections.items():
        view = sim[known(name, sim.net)]
        i, j = view.i, view.j
        if len(i) and (i.max() >= edges.w.shape[0] or j.max() >= edges.w.shape[1]):
            raise DescriptionError(f"projection {name} of the simulation is not {list(edges.w.shape)}: write into one of the same network")
        view.w = edges.w[i, j]


def write_description(projections: dict[str, Edges], net: Network) -> None:
    """Weights into the description: each projection becomes the list of its synapses, drawn once and for all."""
    for name, edges in projections.items():
        projection = net.projections[known(name, net)]
        if (len(projection.source), len(projection.target)) != edges.w.shape:
            raise DescriptionError(f"projection {name} of the network is not {list(edges.w.shape)}: write into the network it was read from")
        i, j = np.nonzero(edges.mask)
        w = edges.w[i, j]
        projection.w, projection.delay = None, None
        projection.wiring = from_arrays(i, j, w, np.full(len(i), edges.steps * net.dt))


def known(name: str, net: Network) -> str:
    if name not in net.projections:
        raise PathError(f"the network has no projection {name}: {nearest(name, net.projections)}")
    return name
