"""The description of a network: populations, projections, drives and a seed. No state, no compiled code.

    net = Network(seed=1)
    exc = net.populate("exc", 800, LIF(tau_m=20.0), v=Uniform(-60, -50))
    net.connect(exc, exc, probability(0.1), w=0.2, delay=1.5)
    net.drive(exc, Poisson(rate=900.0), w=1.0)
    net.set("exc.tau_m", 15.0)
"""

from __future__ import annotations

import hashlib
import math
from typing import Any

from . import paths
from .checks import check_parameter, checked_initial, is_number, question, question_order
from .errors import DescriptionError, PathError, nearest
from .geometry import Geometry, Positions, distances, shared_space
from .given import is_whole, short
from .neurons.contract import model_of
from .projection import Drive, Projection
from .selection import Population, Selection
from .sources.contract import check_source
from .wiring import ByDistance, Wiring

__all__ = ["Drive", "Network", "Population", "Projection", "Selection", "distances", "subseed"]

MOST_ELEMENTS = 1 << 30  # global numbers of elements have 32 bits


USUAL_DT = (0.001, 10.0)  # ms


class Network:
    """A tree of populations, projections and drives, each with a unique name.

    dt is the step in ms. The seed gives three seeds, for wiring (and positions), initial values and noise, each of which may be set by itself.
    """

    def __init__(
        self, seed: int = 1, dt: float = 0.1, wiring_seed: int | None = None, initial_seed: int | None = None, noise_seed: int | None = None
    ) -> None:
        if not is_number(dt) or not 0 < dt < math.inf:
            raise DescriptionError(f"dt is {short(dt)}: must be a positive number of ms")
        question(f"dt = {dt:g} ms", float(dt), "ms", USUAL_DT)
        self.dt = float(dt)
        self.dt_ns = round(self.dt * 1e6)
        if self.dt_ns < 1 or abs(self.dt_ns - self.dt * 1e6) > 1e-6 * self.dt_ns:
            raise DescriptionError(f"dt is {short(dt)} ms: must be a whole number of nanoseconds, such as 0.1")
        self.seed = whole_seed(seed, "seed")
        self.wiring_seed = subseed(self.seed, "wiring") if wiring_seed is None else whole_seed(wiring_seed, "wiring_seed")
        self.initial_seed = subseed(self.seed, "initial") if initial_seed is None else whole_seed(initial_seed, "initial_seed")
        self.noise_seed = subseed(self.seed, "noise") if noise_seed is None else whole_seed(noise_seed, "noise_seed")
        self.populations: dict[str, Population] = {}
        self.projections: dict[str, Projection] = {}
        self.drives: dict[str, Drive] = {}

    @property
    def n(self) -> int:
        """Number of elements of all populations."""
        return sum(p.n for p in self.populations.values())

    def populate(self, name: str, n: int, model: Any, *, at: Any = None, **initial: Any) -> Population:
        """Add n elements of a model; `at` is a geometry or an array of positions [n, 3] um; keywords are initial values of its state."""
        if not isinstance(name, str) or not name.isidentifier():
            raise DescriptionError(f"population name {short(name)}: use letters, digits and underscores, such as 'exc'")
        if name in self:
            kind = "population" if name in self.populations else "projection or drive"
            raise DescriptionError(f"there is a {kind} {name} already: give the second one another name")
        if not is_whole(n) or n < 0:
            raise DescriptionError(f"population {name} has size {short(n)}: give a whole number, at least 0 and at most {MOST_ELEMENTS:,}")
        n = int(n)
        if self.n + n > MOST_ELEMENTS:
            raise DescriptionError(f"population {name} of {n:,} makes more than {MOST_ELEMENTS:,} elements: give a smaller size")
        if isinstance(model, type) and hasattr(model, "__thalia__"):
            model = model()
        model_of(model)
        population = Population(name, n, model, self.n)
        for field, value in model._asdict().items():
            check_parameter(population, field, value)
        check_source(model, population.n, self.dt, f"population {name}")
        question_order(population)
        for field, value in initial.items():
            population.initial[field] = checked_initial(population, field, value)
        if at is not None:
            geometry = at if isinstance(at, Geometry) else Positions(at)
            population.geometry = geometry
            population.at = geometry.positions(population.n, subseed(self.wiring_seed, f"positions {name}"))
        self.populations[name] = population
        return population

    def connect(
        self, source: Any, target: Any, wiring: Wiring, *, w: Any = None, delay: Any = None, receptor: str | None = None,
        name: str | None = None, autapses: bool = True, multapses: bool = True, gain: Any = None, rule: Any = None,
    ) -> Projection:  # fmt: skip
        """Add a projection.

        w: number, array or Distribution, in the unit of the receptor (an array for from_arrays and one_to_one has one value a synapse, for
        other rules it is a table [n_source, n_target]). delay: the same in ms, rounded to steps; None: from distance if the source's geometry
        has a speed, else one step. receptor: may be left out where only one takes weights of this sign.
        """
        chosen, aim = self.selection(source, "source"), self.selection(target, "target")
        name = self._free_name(name, f"{chosen.name}->{aim.name}", "projection")
        projection = Projection(
            self, name, chosen, aim, wiring, w=w, delay=delay, receptor=receptor, autapses=autapses, multapses=multapses, gain=gain, rule=rule
        )
        if isinstance(wiring, ByDistance) or projection.delays is None:
            shared_space([p.geometry for p in chosen.populations], [p.geometry for p in aim.populations], f"projection {name}")
        self.projections[name] = projection
        return projection

    def drive(self, target: Any, source: Any, w: Any = 1.0, receptor: str | None = None, name: str | None = None) -> Drive:
        """Let a Poisson drive or a current act on each element of the target; w is the weight of an event (number, array, Distribution)."""
        aim = self.selection(target, "target")
        name = self._free_name(name, f"{type(source).__name__.lower()}->{aim.name}", "drive")
        self.drives[name] = Drive(name, aim, source, w, receptor, self.dt)
        return self.drives[name]

    def selection(self, thing: Any, role: str = "selection") -> Selection:
        """A population, selection or name of a population of this network, as a selection."""
        if isinstance(thing, str):
            thing = self.population(thing)
        if not isinstance(thing, (Population, Selection)):
            raise DescriptionError(f"{role} is {short(thing)}: give a population, a part of one such as exc[:50], or a sum such as exc + inh")
        for population, _ in thing.parts:
            if self.populations.get(population.name) is not population:
                raise DescriptionError(f"population {population.name} belongs to another network: populate this one with it first")
        return Selection(thing.parts) if isinstance(thing, Population) else thing

    def population(self, name: str) -> Population:
        """The population of this name."""
        if not isinstance(name, str) or name not in self.populations:
            raise PathError(f"unknown population {short(name)}: {nearest(name, self.populations)}")
        return self.populations[name]

    def __getitem__(self, name: str) -> Population | Projection | Drive:
        everything: dict[str, Any] = {**self.populations, **self.projections, **self.drives}
        if not isinstance(name, str) or name not in everything:
            raise PathError(f"unknown population, projection or drive {short(name)}: {nearest(name, everything)}")
        return everything[name]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and (name in self.populations or name in self.projections or name in self.drives)

    def _free_name(self, given: str | None, default: str, kind: str) -> str:
        """The name given, which must be free, or the default one with a number if it is taken."""
        if given is None:
            names = (default if k == 1 else f"{default}#{k}" for k in range(1, len(self.projections) + len(self.drives) + 3))
            return next(name for name in names if name not in self)
        if not isinstance(given, str) or not given.isprintable() or not given or set("./") & set(given) or given != given.strip():
            raise DescriptionError(f"name of a {kind} is {short(given)}: give a text without dots and slashes")
        if given in self:
            raise DescriptionError(f"there is a {short(given)} already: give this {kind} another name")
        return given

    def paths(self) -> dict[str, Any]:
        """Everything that can be read and set: path -> value."""
        return paths.all_paths(self)

    def get(self, path: str) -> Any:
        """The value at a path such as `exc.tau_m`, `exc.v`, `exc->inh.w`, `exc->inh.w.mean`, `poisson->exc.rate`."""
        return paths.get(self, path)

    def set(self, path: str, value: Any) -> None:
        """Set the value at a path, with the checks of the call that made it."""
        paths.put(self, path, value)

    def describe(self) -> dict[str, Any]:
        """The whole description in plain numbers, texts, lists and dicts; arrays as shape, dtype and hash."""
        return paths.describe(self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Network) and self.describe() == other.describe()

    __hash__ = None  # type: ignore[assignment]

    def __str__(self) -> str:
        return paths.table(self)

    def __repr__(self) -> str:
        return f"Network(seed={self.seed}, {len(self.populations)} populations, {self.n} elements, {len(self.projections)} projections)"


def subseed(seed: int, purpose: str) -> int:
    """A seed for one purpose: 63 bits of a BLAKE2b hash of the seed and the purpose."""
    return int.from_bytes(hashlib.blake2b(f"{seed}\0{purpose}".encode(), digest_size=8).digest(), "little") >> 1


def whole_seed(value: Any, what: str) -> int:
    """A seed as a whole number, and nothing else."""
    if not is_whole(value):
        raise DescriptionError(f"{what} is {short(value)}: give a whole number of at most 64 bits")
    return int(value)

