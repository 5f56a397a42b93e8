"""What drives a population, and a gain that a hook lays over all of it. Gains of several hooks multiply; values that were described or written
stay. A hook asks for the names once, in `start`, and keeps them."""

from __future__ import annotations

from typing import Any

from ..errors import DescriptionError
from ..given import short


def inputs_of(sim: Any, population: str, chosen: Any, hook: str) -> tuple[str, ...]:
    """Names of the projections and drives onto a population, of the chosen ones if they are given; refused if one cannot be multiplied in a run."""
    everything: dict[str, Any] = {**sim.net.projections, **sim.net.drives}
    onto = [name for name, what in everything.items() if any(p.name == population for p in what.target.populations)]
    names = tuple(onto if chosen is None else (chosen,) if isinstance(chosen, str) else chosen)
    for name in names:
        if name not in onto:
            raise DescriptionError(f"{hook}: {short(name)} is no projection or drive onto {population}: known are {', '.join(onto) or 'none'}")
        sim[name].check_amplified(population)
    if not names:
        raise DescriptionError(f"{hook}: {population} has no inputs: name a population with projections or drives onto it")
    return names


def lay_gain(sim: Any, inputs: tuple[str, ...], population: str, layer: str, gain: float) -> None:
    """Multiply the inputs of a population by a gain, in place of the one of this layer before; what they do to others stays."""
    for name in inputs:
        sim[name].amplify(layer, gain, population)


def take_gain(sim: Any, inputs: tuple[str, ...], layer: str) -> None:
    """Take the gain of a layer away."""
    for name in inputs:
        sim[name].release(layer)
