"""Interventions on neurons: lesion (also of synapses), silence, stimulate, clamp. Who is meant: all, a share, or a list of `elements`."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from ..checks import is_number
from ..errors import DescriptionError, SimulationError, nearest
from ..neurons.contract import model_of
from ..views.population import NO_THRESHOLD
from . import synapses
from .contract import Before, choose, elements_of, target_name, title


def check_neurons(sim: Any, what: Any, field: str) -> Any:
    """An intervention on neurons that have a state field, its elements chosen."""
    population = sim.net.populations[target_name(what, sim.net.populations, "population")]
    if field not in model_of(population.model).state_fields:
        advice = f": {NO_THRESHOLD}" if field == "v_th" else ""
        raise SimulationError(f"{title(what)}: population {population.name} ({type(population.model).__name__}) has no state {field!r}{advice}")
    return what._replace(share=None, elements=choose(sim, what, population.n, "element"))


class Silence(NamedTuple):
    """Neurons that cannot fire: their threshold is out of reach, all else goes on. Spikes that are on their way arrive.

    Sources of spikes (`PoissonSource` ...) are silenced as a whole.
    """

    target: str  # name of a population
    share: float | None = None  # of its elements, drawn at random
    elements: Any = None  # or these; None and no share: all
    at: float = 0.0  # ms
    until: float | None = None  # ms; None: for good, or until a `Restore`
    name: str = ""

    def check(self, sim: Any) -> Silence:
        return check_silence(sim, self)

    def begin(self, sim: Any, name: str) -> None:
        silence(sim, self)

    def end(self, sim: Any, name: str, before: Before) -> None:
        silence(sim, self, by=-1)


class Lesion(NamedTuple):
    """Neurons that are lost: they never fire again. Or synapses that are lost: their weights stay 0, whatever a rule writes.

    Spikes that are on their way arrive, at lost synapses with weight 0. A lesion is undone only by a `Restore` (or `until`), for studies:
    neurons fire again, synapses have the weights of the moment of the lesion. Synapses are numbered by source, delay and target.
    """

    target: str  # name of a population, or of a projection
    share: float | None = None  # of its neurons or synapses, drawn at random
    elements: Any = None  # or these neurons or synapses; None and no share: all
    at: float = 0.0  # ms
    until: float | None = None
    name: str = ""

    def check(self, sim: Any) -> Lesion:
        return synapses.check_synapses(sim, self) if self.cuts(sim) else check_silence(sim, self)

    def begin(self, sim: Any, name: str) -> None:
        if self.cuts(sim):
            sim[self.target].overlay(name, synapses.places(sim, self), 0.0)
        else:
            silence(sim, self)

    def end(self, sim: Any, name: str, before: Before) -> None:
        if self.cuts(sim):
            sim[self.target].remove(name)
        else:
            silence(sim, self, by=-1)

    def cuts(self, sim: Any) -> bool:
        """Whether it is one of synapses."""
        return isinstance(self.target, str) and self.target in sim.net.projections


def check_silence(sim: Any, what: Any) -> Any:
    known = {**sim.net.populations, **(sim.net.projections if isinstance(what, Lesion) else {})}
    population = sim.net.populations[target_name(what, known, "population or projection" if isinstance(what, Lesion) else "population")]
    if model_of(population.model).kind == "neuron":
        return check_neurons(sim, what, "v_th")
    if what.share is not None or what.elements is not None:
        raise SimulationError(f"{title(what)}: {what.target} is a source of spikes, which is switched off as a whole: leave out share and elements")
    return what


def silence(sim: Any, what: Any, by: int = 1) -> None:
    view = sim[what.target]
    if model_of(view.thing.model).kind == "neuron":
        view.silence(elements_of(what, len(view)), by)
    else:
        view.silence(by)


class Stimulate(NamedTuple):
    """A current into neurons, added to what they receive otherwise."""

    target: str  # name of a population
    current: float = 0.0  # pA
    share: float | None = None
    elements: Any = None
    at: float = 0.0  # ms
    until: float | None = None
    name: str = ""

    def check(self, sim: Any) -> Stimulate:
        if not is_number(self.current) or not math.isfinite(self.current) or self.current == 0.0:
            raise DescriptionError(f"{title(self)} is given current = {self.current!r}: give a finite number of pA other than 0")
        return check_neurons(sim, self, "i_ext")

    def begin(self, sim: Any, name: str) -> None:
        view = sim[self.target]
        view.inject(name, elements_of(self, len(view)), self.current)

    def end(self, sim: Any, name: str, before: Before) -> None:
        sim[self.target].withdraw(name)


class Clamp(NamedTuple):
    """A state variable held at a value after every step, as a voltage clamp does; a potential held above threshold fires after each refractoriness.

    Within a step it moves as it would, so a synaptic current held at i drives the membrane by its mean over the step. Clamped neurons do not sleep.
    Where two clamps meet, the one that began later holds. At the end of the clamp the variable goes on from its value; a threshold or external
    current is again what it was.
    """

    target: str  # name of a population
    variable: str = "v"
    value: float = math.nan  # in the variable's unit
    share: float | None = None
    elements: Any = None
    at: float = 0.0  # ms
    until: float | None = None
    name: str = ""

    def check(self, sim: Any) -> Clamp:
        if not is_number(self.value) or not math.isfinite(self.value):
            raise DescriptionError(f"{title(self)} is given value = {self.value!r}: give a finite number")
        population = sim.net.populations[target_name(self, sim.net.populations, "population")]
        fields = model_of(population.model).state_fields
        if self.variable not in fields:
            raise SimulationError(f"{title(self)}: population {self.target} has no state {self.variable!r}: {nearest(self.variable, fields)}")
        if self.variable == "i_ext" and sim.places[self.target].timed:
            raise SimulationError(f"{title(self)}: a current of {self.target} changes at every step: use Stimulate, or clamp v")
        return check_neurons(sim, self, self.variable)

    def begin(self, sim: Any, name: str) -> None:
        view = sim[self.target]
        view.clamp(name, self.variable, elements_of(self, len(view)), self.value)

    def end(self, sim: Any, name: str, before: Before) -> None:
        sim[self.target].release(name)
