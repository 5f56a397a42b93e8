"""Projections and drives: what connects populations, and what acts on them from outside. Descriptions only."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from .checks import bad_parameter, extremes, gain_problem, is_number, question, rate_problem, value_text
from .distributions import ClippedNormal, Distribution, Normal
from .errors import DescriptionError, UnusualValue, nearest
from .given import finite_array, short, truth
from .neurons.contract import Model, model_of
from .plasticity.chain import Chain, checked_chain, rules_in
from .selection import Selection
from .sources import DC, Poisson
from .sources.contract import check_source
from .wiring import FromArrays, OneToOne, Wiring

if TYPE_CHECKING:
    from .network import Network

MOST_SYNAPSES = 2.0**36  # a synapse has a number of 36 bits
LARGEST = 3e38  # weights are stored in single precision
LONGEST = 65535  # steps: a delay is stored in 16 bits
BEYOND = 1e-3  # share of the draws of a distribution of delays that may be longer, and are drawn again
USUAL_DELAY = (0.01, 1000.0)  # ms
USUAL_WEIGHT = {"mV": 100.0, "pA": 1e5, "nS": 1e4}  # largest usual size by the unit of the receptor
WEIGHT_NEED = {1: "w >= 0", -1: "w <= 0"}


class Projection:
    """Synapses from one selection to another by a rule. Made by `Network.connect`.

    w and delay are as given (number, array or Distribution; None: from the wiring, or from distance, or one step).
    """

    def __init__(
        self, net: Network, name: str, source: Selection, target: Selection, wiring: Wiring, *, w: Any, delay: Any,
        receptor: str | None, autapses: bool, multapses: bool, gain: Any, rule: Any,
    ) -> None:  # fmt: skip
        self.name, self.source, self.target = name, source, target
        self.autapses, self.multapses = truth(autapses, f"autapses of projection {name}"), truth(multapses, f"multapses of projection {name}")
        self.dt = net.dt
        self.wiring = self.checked_wiring(wiring)
        self.w = self.checked_w(w)
        self.receptor = chosen_receptor(f"projection {name}", target, receptor, self.weights)
        check_signs(f"projection {name}", target, self.receptor, self.weights)
        self.delay = self.checked_delay(delay)
        self.gain = self.checked_gain(gain)
        self.rule = self.checked_rules(rule)

    @property
    def weights(self) -> Any:
        """The weights in force: w, else those that the wiring brings."""
        return self.w if self.w is not None else getattr(self.wiring, "w", None)

    @property
    def delays(self) -> Any:
        """The delays in force (ms): delay, else those that the wiring brings, else None: from distance, or one step."""
        return self.delay if self.delay is not None else getattr(self.wiring, "delay", None)

    @property
    def n_auto(self) -> int:
        """Number of elements that are both source and target, if autapses are excluded."""
        if self.autapses or not set(self.source.populations) & set(self.target.populations):
            return 0
        return len(np.intersect1d(self.source.ids(), self.target.ids()))

    def checked_wiring(self, wiring: Any) -> Wiring:
        if not isinstance(wiring, Wiring):
            raise DescriptionError(f"wiring of projection {self.name} is {short(wiring)}: give a rule such as probability(0.1)")
        n_auto = 0 if self.autapses else self.n_auto
        wiring.check(self.name, len(self.source), len(self.target), self.autapses, self.multapses, n_auto)
        many = wiring.expected(len(self.source), len(self.target), n_auto)
        if many > MOST_SYNAPSES:
            raise DescriptionError(f"{wiring!r} at projection {self.name} makes {many:.2g} synapses: at most {MOST_SYNAPSES:.2g} can be")
        if hasattr(wiring, "length") and (self.source.positions() is None or self.target.positions() is None):
            raise DescriptionError(f"by_distance at projection {self.name} needs positions: give both populations at=")
        return wiring

    def checked_w(self, w: Any) -> Any:
        own = getattr(self.wiring, "w", None)
        if w is None and own is None:
            raise DescriptionError(f"projection {self.name} has no weights: give w=")
        if w is not None and own is not None:
            raise DescriptionError(f"projection {self.name} has weights in its wiring and in w=: give them once")
        return None if w is None else self.checked_values("w", w)

    def checked_delay(self, delay: Any) -> Any:
        own = getattr(self.wiring, "delay", None)
        if delay is not None and own is not None:
            raise DescriptionError(f"projection {self.name} has delays in its wiring and in delay=: give them once")
        value = None if delay is None else self.checked_values("delay", delay)
        check_delay(self.name, own if value is None else value, self.dt)
        return value

    def checked_gain(self, gain: Any) -> Any:
        signed = any(model_of(p.model).signs.get(self.receptor, 0) for p in self.target.populations)
        problem = None if gain is None else gain_problem(gain, signed)
        if problem:
            raise DescriptionError(f"gain of projection {self.name} {problem}")
        return gain

    @property
    def sign(self) -> int:
        """Sign of the synapses of a projection with rules: that of its weights; of -0.0 it is negative."""
        if isinstance(self.weights, Distribution):
            return -1 if self.weights.expectation < 0 else 1
        return -1 if np.signbit(self.weights).any() else 1

    @property
    def inhibits(self) -> bool:
        """Whether it is meant to inhibit: by its receptor, inh (whose weights are positive if it is a conductance), or by a mean weight below 0."""
        return inhibiting(self.receptor, self.weights)

    @property
    def chain(self) -> Chain | None:
        """The rules in order, None if there are none."""
        return None if self.rule is None else Chain(rules_in(self.rule))

    def checked_rules(self, rule: Any) -> Any:
        """The rules as given, if this projection can carry them."""
        chain = checked_chain(rule, f"projection {self.name}")
        if chain is None:
            return None
        low, high = extremes(self.weights)
        if low < 0 < high:
            need = "a rule keeps the sign of synapses: give all the same sign"
            raise DescriptionError(f"weights of projection {self.name}, which has the rule {chain}, go from {low:g} to {high:g}: {need}")
        if not isinstance(self.weights, Distribution):
            sizes = np.abs(self.weights)
            least, most = chain.allowed
            if np.size(sizes) and (np.max(sizes) > most or np.min(sizes) < least):
                size = np.max(sizes) if np.max(sizes) > most else np.min(sizes)
                bounds = f"from {least:g} to {most:g}"
                problem = f"has a weight of size {size:g}, its rule {chain} keeps it {bounds}: set w_min or w_max"
                raise DescriptionError(f"projection {self.name} {problem}")
        return rule

    def checked_values(self, what: str, value: Any) -> Any:
        """A weight or delay as a float, a Distribution or an array of a shape that this wiring can use."""
        if isinstance(value, Distribution):
            return value
        values, problem = finite_array(value, f"{what} of projection {self.name}"), None
        if values.size and np.abs(values).max() > LARGEST:
            problem = f"has a value of size {np.abs(values).max():g}: weights are stored in single precision, give at most {LARGEST:g}"
        elif not values.ndim:
            return float(values)
        shapes: list[tuple[int, ...]] = [(len(self.source), len(self.target))]
        if isinstance(self.wiring, FromArrays):
            shapes = [(len(self.wiring.i),)]
        elif isinstance(self.wiring, OneToOne):
            shapes.insert(0, (len(self.source),))
        if problem is None and values.shape not in shapes:
            allowed = " or ".join(str(list(s)) for s in shapes)
            problem = f"has shape {list(values.shape)}: give a number, a distribution or an array of shape {allowed}"
        if problem:
            raise DescriptionError(f"{what} of projection {self.name} {problem}")
        return values

    def __repr__(self) -> str:
        return f"{self.name}: {self.wiring!r}, w={value_text(self.weights)}, delay={value_text(self.delays)}, receptor {self.receptor}"


class Drive:
    """A source that acts on each target by itself (Poisson trains, currents). Made by `Network.drive`."""

    def __init__(self, name: str, target: Selection, source: Any, w: Any, receptor: str | None, dt: float) -> None:
        self.name, self.target = name, target
        self.source = self.checked_source(source, dt)
        self.w = self.checked_w(w)
        self.receptor: str | None = None
        if self.is_current and not (is_number(w) and w == 1.0):
            raise DescriptionError(f"drive {name} is a current and has no weight: leave out w={value_text(self.w)}, set its amplitude")
        if not self.is_current:
            self.receptor = chosen_receptor(f"drive {name}", target, receptor, self.w)
            check_signs(f"drive {name}", target, self.receptor, self.w)
        elif receptor is not None:
            raise DescriptionError(f"drive {name} is a current and has no receptor: leave out receptor={short(receptor)}")

    @property
    def is_current(self) -> bool:
        """Whether it adds to the input current instead of sending events to a receptor."""
        return "rate" not in self.source._fields or hasattr(type(self.source), "__current__")

    @property
    def inhibits(self) -> bool:
        """Whether it is meant to inhibit: by its receptor, inh, or by a mean weight (of a direct current: amplitude) below 0."""
        if self.is_current:
            return bool(isinstance(self.source, DC) and np.sum(self.source.amplitude) < 0.0)
        return inhibiting(self.receptor, self.w)

    @property
    def is_scalable(self) -> bool:
        """Whether one number multiplies it in a run: a direct current, and Poisson events of one weight."""
        return isinstance(self.source, DC) or (isinstance(self.source, Poisson) and is_number(self.w))

    def checked_source(self, source: Any, dt: float, whole: bool = True) -> Any:
        """A source of input for steps of dt ms; not `whole`: one of its values is being set."""
        if isinstance(source, type) or not hasattr(source, "_asdict"):
            raise DescriptionError(f"drive {self.name} is {short(source)}: give a drive such as Poisson(rate=900.0)")
        if hasattr(type(source), "__thalia__"):
            raise DescriptionError(f"drive {self.name} is {type(source).__name__}, the model of a population: populate the network with it")
        for field, value in source._asdict().items():
            problem = bad_parameter(value, len(self.target) if field == "amplitude" else None)
            if problem is None and field == "rate" and not hasattr(type(source), "__current__"):
                problem = rate_problem(value, len(self.target))
            if problem:
                raise DescriptionError(f"{field} of drive {self.name} {problem}")
        check_source(source, len(self.target), dt, f"drive {self.name}", whole)
        return source

    def checked_w(self, w: Any) -> Any:
        if isinstance(w, Distribution):
            return w
        values = finite_array(w, f"w of drive {self.name}")
        if values.ndim and values.shape != (len(self.target),):
            problem = f"has shape {list(values.shape)}: give a number, a distribution or one value a target [{len(self.target)}]"
            raise DescriptionError(f"w of drive {self.name} {problem}")
        return values if values.ndim else float(values)

    def __repr__(self) -> str:
        receptor = f", w={value_text(self.w)}, receptor {self.receptor}" if self.receptor else ""
        return f"{self.name}: {self.source!r}{receptor}"


def chosen_receptor(where: str, target: Selection, receptor: str | None, w: Any) -> str:
    """The receptor by name, or the only one that takes weights of this sign."""
    shared = [model_of(p.model).receptors for p in target.populations]
    known = [r for r in shared[0] if all(r in others for others in shared)] if shared else []
    if not known:
        raise DescriptionError(f"{where} has targets {target.name or '(none)'} without a receptor in common: connect to neurons")
    if receptor is not None:
        if not isinstance(receptor, str) or receptor not in known:
            raise DescriptionError(f"receptor {short(receptor)} at {where} is unknown at {target.name}: {nearest(receptor, known)}")
        return receptor
    low, high = extremes(w)
    signs = model_of(target.populations[0].model).signs
    fitting = [r for r in known if (signs.get(r, 0) >= 0 or high <= 0 > low) and (signs.get(r, 0) <= 0 or low >= 0)]
    if len(known) == 1:
        return known[0]
    if len(fitting) != 1:
        raise DescriptionError(f"{where} does not say which receptor of {target.name} it acts on: give receptor= one of {', '.join(known)}")
    return fitting[0]


def inhibiting(receptor: str | None, w: Any) -> bool:
    """Whether events of these weights inhibit at a receptor."""
    low, high = extremes(w)
    mean = w.expectation if isinstance(w, Distribution) else np.sum(w)
    return receptor == "inh" or bool(low < 0.0 and (high <= 0.0 or mean < 0.0))


def weight_unit(model: Model, receptor: str) -> str:
    """Unit of the weights of a receptor: of the state field it adds to, or its own, or else that of the potential; "" if none is known."""
    return model.units.get(model.adds.get(receptor, receptor), model.units.get("v", ""))


def check_signs(where: str, target: Selection, receptor: str, w: Any) -> None:
    """Refuse weights of a sign that the receptor forbids; question unusual ones, and one weight for receptors of different units."""
    low, high = extremes(w)
    units: dict[str, str] = {}  # unit -> population
    for population in target.populations:
        sign = model_of(population.model).signs.get(receptor, 0)
        if (sign > 0 and low < 0) or (sign < 0 and high > 0):
            value = low if sign > 0 else high
            if isinstance(w, Distribution):
                remedy = f"give {'low=0' if sign > 0 else 'high=0'}"
                raise DescriptionError(f"weights {w!r} at {where} can have the wrong sign for receptor {receptor} ({WEIGHT_NEED[sign]}): {remedy}")
            raise DescriptionError(f"weight {value:g} at {where} has the wrong sign: receptor {receptor} takes {WEIGHT_NEED[sign]}")
        units.setdefault(weight_unit(model_of(population.model), receptor), population.name)
    units.pop("", None)
    size = abs(w.expectation) if isinstance(w, Distribution) else max(abs(low), abs(high))
    for unit in [unit for unit in units if unit in USUAL_WEIGHT]:
        question(f"w = {size:g} {unit} at {where}", size, unit, (0.0, USUAL_WEIGHT[unit]))
    if len(units) > 1:
        both = ", ".join(f"in {unit} at {name}" for unit, name in units.items())
        warnings.warn(f"receptor {receptor} at {where} takes weights {both}: give each its own, unless that is meant", UnusualValue, stacklevel=4)


def check_delay(name: str, delay: Any, dt: float) -> None:
    """Refuse delays under one step or beyond 65535 steps; question unusual ones."""
    if delay is None or np.size(delay) == 0:
        return
    low, high = extremes(delay)
    if isinstance(delay, Distribution):
        if isinstance(delay, (Normal, ClippedNormal)) and low == -math.inf:
            low = dt  # drawn again, or clipped, at one step
        beyond = 1.0 - delay.cdf((LONGEST + 0.5) * dt)
        if beyond > BEYOND:
            longest = f"{LONGEST} steps, {LONGEST * dt:g} ms"
            raise DescriptionError(f"delay {delay!r} at projection {name} has a share of {beyond:.2g} longer than {longest}: lower it")
        if getattr(delay, "high", math.inf) < dt or delay.cdf(LONGEST * dt) - delay.cdf(dt / 2) < 1e-3:
            raise DescriptionError(f"delay {delay!r} at projection {name} is hardly ever at least one step, {dt:g} ms: raise it")
        low, high = max(low, dt / 2), delay.expectation
    if low < dt * (1 - 1e-9) and not isinstance(delay, Distribution):
        raise DescriptionError(f"delay {low:g} ms at projection {name}: must be at least one step, {dt:g} ms")
    if high > LONGEST * dt:
        raise DescriptionError(f"delay {high:g} ms at projection {name}: must be at most {LONGEST} steps, {LONGEST * dt:g} ms")
    if high > USUAL_DELAY[1]:
        question(f"delay = {high:g} ms at projection {name}", high, "ms", USUAL_DELAY)
    elif is_number(delay) and abs(low / dt - round(low / dt)) > 1e-6:
        used = math.floor(low / dt + 0.5) * dt
        text = f"delay {low:g} ms at projection {name} is no whole number of steps of {dt:g} ms: {used:g} ms is used"
        warnings.warn(text, UnusualValue, stacklevel=5)


