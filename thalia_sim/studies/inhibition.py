"""Which populations inhibit: those that send synapses, and only such as inhibit.

A synapse inhibits if its weight is below 0, or if its receptor is named inh (of conductance-based neurons such weights are positive).
"""

from __future__ import annotations

from typing import Any


def inhibitory(sim: Any) -> list[str]:
    """Names of the populations of a simulation that inhibit."""
    sends: dict[str, list[bool]] = {}
    for name, projection in sim.net.projections.items():
        w = sim[name].w
        if len(w):
            inhibits = projection.receptor == "inh" or bool((w <= 0.0).all() and (w < 0.0).any())
            for population in projection.source.populations:
                sends.setdefault(population.name, []).append(inhibits)
    return [name for name in sim.net.populations if all(sends.get(name, [False]))]
