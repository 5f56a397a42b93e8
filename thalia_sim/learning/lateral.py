"""Lateral inhibition in a spiking network: the neurons of a group inhibit each other, so that the strongest driven silences the rest."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..errors import DescriptionError
from ..given import is_number, short
from ..network import Network
from ..neurons.contract import model_of
from ..projection import Projection
from ..wiring import from_arrays
from .competition import grouped


def lateral_inhibition(
    net: Network, population: Any, groups: ArrayLike | None, w: float, *, delay: float | None = None, receptor: str | None = None,
    name: str | None = None,
) -> Projection:  # fmt: skip
    """Connect every neuron of a population to all others of its group, not to itself.

    groups: label of each neuron [n], None: one group. w: what a spike does to the others, negative, in the unit of the receptor; of a receptor that
    takes weights >= 0 and inhibits by its nature, positive.
    """
    chosen = net.selection(population, "population")
    signs = {model_of(p.model).signs.get(receptor or "", 0) for p in chosen.populations}
    if not is_number(w) or not (w > 0 if signs == {1} else w < 0):
        need = "a positive number" if signs == {1} else "a negative number"
        raise DescriptionError(f"w of lateral inhibition in {chosen.name} is {short(w)}: must be {need}")
    pairs = [(np.repeat(m, len(m)), np.tile(m, len(m))) for m in grouped(groups, len(chosen))]
    i, j = (np.concatenate([pair[k] for pair in pairs]) for k in (0, 1))
    apart = i != j
    return net.connect(chosen, chosen, from_arrays(i[apart], j[apart]), w=float(w), delay=delay, receptor=receptor, name=name)
