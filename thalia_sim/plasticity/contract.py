"""What a plasticity rule offers to the engine: a NamedTuple of parameters and plain functions over scalars (docs/rule_contract.md).

    on_pre(w, ..., p)            a spike of the source arrives at the synapse; returns w, or (w, state ...) if it has `state`
    on_post(w, ..., p)           the target fires; returns the same
    between(w, ..., k, dt, p)    k steps of dt ms without either (in a chain also a part of one); returns the same
    transmit(w, ..., p)          what an arriving spike delivers, in place of w; asked before `on_pre`

Between w and p stand, in any order, the names of what a function reads: traces (x_pre, x_post, x_pre_slow ...; each decays with the parameter
tau_pre, tau_post, tau_pre_slow ... in ms), fields of `state`, fields of `target`, and modulators (m_reward ...). A trace is read as it was just
before the event, so without the event's own increment. w is the strength of the synapse, at least 0 whatever its sign: the sign is kept by
the engine. What a function returns is brought within the parameters w_min and w_max where the rule has them.

A rule may keep state of the target neuron too (`target`, such as a sliding threshold), which moves by two more functions over its fields:

    target_spike(theta, ..., p)             the target fires; returns the field, or a tuple of all fields
    target_between(theta, ..., k, dt, p)    k steps of dt ms in which it does not; its traces are given as they are when the k steps begin

A rule with a parameter `softness` above 0 has soft bounds: its changes are multiplied by the share of room that is left before w_max (growing) or
w_min (shrinking), to the power `softness`.

A parameter `dendritic` is the share of the delay by which the target's spikes reach the synapse later; the rest is axonal.
"""

from __future__ import annotations

import inspect
import keyword
import math
import re
import types
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

import numpy as np

from ..errors import DescriptionError
from ..given import short
from ..neurons.contract import comment_units, is_scalar, raises, source_digest

T = TypeVar("T", bound=type)
TRACE = re.compile(r"x_(pre|post)(_\w+)?")
PAIRINGS = ("all", "nearest")
FUNCTIONS = ("on_pre", "on_post", "between", "transmit", "target_spike", "target_between")
TAKEN = ("w", "p", "k", "dt", "i", "j", "delay", "gain", "plastic", "statistics")
OF_TARGET = ("target_spike", "target_between")
OVER_TIME = ("between", "target_between")


class Trace(NamedTuple):
    """A quantity of the source or the target that jumps at its spikes and decays."""

    name: str  # x_pre, x_post_slow ...
    side: str  # "pre" or "post"
    tau: str  # the parameter that holds its time constant (ms)
    nearest: bool  # a spike sets it to 1 instead of adding 1


class Rule(NamedTuple):
    """A declared rule: what `@rule` leaves on the class as `__thalia_rule__`."""

    cls: type
    on_pre: Callable[..., Any] | None
    on_post: Callable[..., Any] | None
    between: Callable[..., Any] | None
    transmit: Callable[..., Any] | None
    target_spike: Callable[..., Any] | None
    target_between: Callable[..., Any] | None
    traces: tuple[Trace, ...]
    state: Mapping[str, float | str]  # state of a synapse beside w -> value at the start, a number or a parameter
    target: Mapping[str, float | str]  # state of the target neuron -> likewise
    modulators: tuple[str, ...]
    ranges: Mapping[str, tuple[float, float]]  # parameter -> smallest and largest value allowed
    units: Mapping[str, str]
    digest: str

    @property
    def name(self) -> str:
        return self.cls.__name__

    @property
    def params(self) -> tuple[str, ...]:
        return tuple(self.cls._fields)  # type: ignore[attr-defined]

    def reads(self, function: str) -> tuple[str, ...]:
        """Names that a function of the rule reads, without w, k, dt and p."""
        made = getattr(self, function)
        if made is None:
            return ()
        return words(made)[0 if function in OF_TARGET else 1 : -3 if function in OVER_TIME else -1]


def rule_of(thing: Any) -> Rule:
    """The Rule of an instance or class of a declared rule."""
    found = getattr(thing, "__thalia_rule__", None)
    if not isinstance(found, Rule):
        raise DescriptionError(f"{thing!r} is no plasticity rule: decorate its class with @rule, or use one of thalia_sim's rules")
    return found


def rule(
    *,
    on_pre: Callable[..., Any] | None = None,
    on_post: Callable[..., Any] | None = None,
    between: Callable[..., Any] | None = None,
    transmit: Callable[..., Any] | None = None,
    target_spike: Callable[..., Any] | None = None,
    target_between: Callable[..., Any] | None = None,
    state: Mapping[str, float | str] | None = None,
    target: Mapping[str, float | str] | None = None,
    pairing: str | Mapping[str, str] = "all",
    ranges: Mapping[str, tuple[float, float]] | None = None,
) -> Callable[[T], T]:
    """Declare a NamedTuple of parameters as a plasticity rule; DescriptionError in one sentence if the functions do not fit the contract.

    state    state of a synapse beside w, with its value at the start (a number, or the name of a parameter)
    target   state of the target neuron, likewise
    pairing  "all": a spike adds 1 to a trace; "nearest": it sets it to 1; or for each trace by name
    ranges   parameter -> (smallest, largest) value that makes sense; time constants must be above 0 anyway
    """
    given = (on_pre, on_post, between, transmit, target_spike, target_between)
    functions = dict(zip(FUNCTIONS, given, strict=True))
    for what, value in (("state", state), ("target", target), ("ranges", ranges)):
        if value is not None and not isinstance(value, Mapping):
            raise DescriptionError(f"{what} of a rule is {value!r}: give a dict of names")
    kept, aim = dict(state or {}), dict(target or {})

    def declare(cls: T) -> T:
        name = cls.__name__
        if not (issubclass(cls, tuple) and hasattr(cls, "_fields")):
            raise DescriptionError(f"rule {name} is no NamedTuple: write class {name}(NamedTuple) with a parameter on each line")
        if all(function is None for function in given[:4]):
            raise DescriptionError(f"rule {name} has no function: give on_pre, on_post, between or transmit")
        if bool(aim) != (target_spike is not None):
            raise DescriptionError(f"rule {name}: target= and target_spike= go together, state of the target neuron and what its spikes do to it")
        reads: dict[str, None] = {}
        for kind, function in functions.items():
            if function is not None:
                reads.update(dict.fromkeys(check_signature(kind, function, name, kept, aim)))
        for field in cls._fields:
            if field in TAKEN or field.startswith("m_"):
                raise DescriptionError(f"parameter {field!r} of rule {name}: a view or a function has something of that name, choose another")
        traces = tuple(declared_trace(x, cls, pairing) for x in reads if TRACE.fullmatch(x))
        check_state(name, kept, cls)
        check_state(name, aim, cls)
        check_names(name, cls, ranges or {}, {} if isinstance(pairing, str) else pairing, {trace.name for trace in traces})
        made = Rule(
            cls, *given, traces, kept, aim, tuple(x for x in reads if x.startswith("m_")), dict(ranges or {}),
            comment_units(cls), source_digest(cls, *(f for f in given if f is not None)),
        )  # fmt: skip
        cls.__thalia_rule__ = made  # type: ignore[attr-defined]
        return cls

    return declare


def words(function: Callable[..., Any]) -> tuple[str, ...]:
    """Names of a function's arguments."""
    return tuple(inspect.signature(function).parameters)


def check_signature(kind: str, function: Any, name: str, state: Mapping[str, Any], target: Mapping[str, Any]) -> tuple[str, ...]:
    """What a function reads, if its arguments are those of the contract."""
    first = () if kind in OF_TARGET else ("w",)
    last = ("k", "dt", "p") if kind in OVER_TIME else ("p",)
    expected = f"({', '.join((*first, '...', *last))})"
    if not isinstance(function, types.FunctionType):
        raise DescriptionError(f"{kind} of rule {name} is {function!r}: give a function {kind}{expected}")
    if raises(function):
        raise DescriptionError(f"{kind} of rule {name} can raise an error: it runs compiled within a spike's delivery, return a number instead")
    found = words(function)
    shown = f"({', '.join(found)})"
    if found[: len(first)] != first or found[-len(last) :] != last or len(found) < len(first) + len(last):
        raise DescriptionError(f"{kind} of rule {name} takes {shown}: must be {kind}{expected}, with what it reads in between")
    reads = found[len(first) : -len(last)]
    for word in reads:
        known = TRACE.fullmatch(word) or word.startswith("m_") or word in state or word in target
        if not known or (kind in OF_TARGET and is_of_synapse(word, state)):
            of_synapse = ["x_pre..., x_post... (traces)", "m_... (modulators)", *state]
            readable = [*(["x_post... (traces)"] if kind in OF_TARGET else of_synapse), *target]
            raise DescriptionError(f"{kind} of rule {name} takes {shown}: {word} is nothing that it can read, that is {', '.join(readable)}")
        if kind == "between" and (TRACE.fullmatch(word) or word in target):
            raise DescriptionError(f"between of rule {name} takes {shown}: {word} moves between events, so read it in on_pre or on_post")
    return reads


def is_of_synapse(word: str, state: Mapping[str, Any]) -> bool:
    """Whether a name is that of something that differs between the synapses of one target."""
    return word in state or word.startswith(("x_pre", "m_"))


def declared_trace(x: str, cls: type, pairing: str | Mapping[str, str]) -> Trace:
    """The trace of a name, with its time constant and kind."""
    tau = "tau_" + x.removeprefix("x_")
    if tau not in cls._fields:  # type: ignore[attr-defined]
        raise DescriptionError(f"rule {cls.__name__} reads {x} but has no parameter {tau}: add {tau}: float = 20.0  # ms")
    how = pairing if isinstance(pairing, str) else pairing.get(x, "all")
    if how not in PAIRINGS:
        raise DescriptionError(f"pairing of {x} in rule {cls.__name__} is {how!r}: give 'all' or 'nearest'")
    return Trace(x, "pre" if x.startswith("x_pre") else "post", tau, how == "nearest")


def check_state(name: str, state: Mapping[str, Any], cls: Any) -> None:
    """Refuse state with a name that is taken, or without a value at the start."""
    for field, value in state.items():
        taken = keyword.iskeyword(field) or field in TAKEN or field in cls._fields
        if not field.isidentifier() or TRACE.fullmatch(field) or field.startswith("m_") or taken:
            raise DescriptionError(f"state {field!r} of rule {name}: choose another name")
        if value not in cls._fields if isinstance(value, str) else not (isinstance(value, (int, float)) and math.isfinite(value)):
            raise DescriptionError(f"state {field} of rule {name} begins at {value!r}: give a number, or the name of a parameter")


def check_names(name: str, cls: Any, ranges: Mapping[str, Any], pairing: Mapping[str, str], traces: set[str]) -> None:
    """Refuse ranges of what is no parameter, and a pairing of what is no trace."""
    for field, limits in ranges.items():
        if field not in cls._fields or not (isinstance(limits, tuple) and len(limits) == 2 and limits[0] <= limits[1]):
            raise DescriptionError(f"ranges of rule {name} has {field!r}: {limits!r}: give the name of a parameter and (smallest, largest)")
    for trace in pairing:
        if trace not in traces:
            known = ", ".join(sorted(traces)) or "no trace"
            raise DescriptionError(f"pairing of rule {name} names {trace!r}, which no function of it reads: it reads {known}")


def single_bounds(low: float, high: float) -> tuple[float, float]:
    """The outermost single-precision numbers from low to high; the first above both where there is none between them."""
    with np.errstate(over="ignore"):
        least, most = np.float32(low), np.float32(high)
    least = np.nextafter(least, np.float32(np.inf)) if float(least) < low else least
    most = np.nextafter(most, np.float32(-np.inf)) if float(most) > high else most
    return float(least), float(max(least, most))


def check_parameters(p: Any) -> None:
    """Refuse parameters of a rule that make no sense, each by its name."""
    made = rule_of(p)
    for field, value in p._asdict().items():
        what = f"{field} = {value!r} of rule {made.name}"
        if isinstance(value, bool) or not isinstance(value, (int, float)) or math.isnan(value):
            raise DescriptionError(f"{what}: give a number")
        if field.startswith("tau_") and not 0.0 < value < math.inf:
            raise DescriptionError(f"{what}: must be above 0 ms and finite")
        low, high = made.ranges.get(field, (-math.inf, math.inf))
        if not low <= value <= high:
            raise DescriptionError(f"{what}: must be from {low:g} to {high:g}")
    w_min, w_max, softness = getattr(p, "w_min", 0.0), getattr(p, "w_max", math.inf), getattr(p, "softness", 0.0)
    if softness < 0.0 or (softness > 0.0 and not w_min < w_max < math.inf):
        raise DescriptionError(f"softness = {softness!r} of rule {made.name}: must be at least 0, and needs w_min < w_max < infinity")
    for low in [field for field in p._fields if field.endswith("_min") and field != "w_min"]:
        high = low.removesuffix("_min") + "_max"
        least, most = getattr(p, low), getattr(p, high, math.inf)
        if least > most:
            raise DescriptionError(f"{low} = {least!r} and {high} = {most!r} of rule {made.name}: the first must not be the larger")
    if not 0.0 <= w_min <= w_max:
        raise DescriptionError(f"w_min = {w_min!r} and w_max = {w_max!r} of rule {made.name}: must be 0 <= w_min <= w_max, they bound the strength")
    least, most = single_bounds(w_min, w_max)
    if softness > 0.0 and not least < most:
        bounds = f"w_min = {w_min!r} and w_max = {w_max!r}"
        raise DescriptionError(f"{bounds} of rule {made.name}: single precision, in which weights are kept, has no room between: move them apart")
    try_functions(p)


def try_functions(p: Any) -> None:
    """Call the functions of a rule once in plain Python: a mistake in them is told before anything is compiled. Arithmetic that fails is let pass."""
    made = rule_of(p)
    w_min, w_max = float(getattr(p, "w_min", 0.0)), float(getattr(p, "w_max", math.inf))
    start = {f: float(getattr(p, x) if isinstance(x, str) else x) for f, x in {**made.state, **made.target}.items()}
    for kind in FUNCTIONS:
        function = getattr(made, kind)
        if function is None:
            continue
        reads = [start.get(x, 1.0 if x.startswith("m_") else 0.5) for x in made.reads(kind)]
        first = () if kind in OF_TARGET else (w_min + 0.5 * min(w_max - w_min, 1.0),)
        last = (1.0, 0.1) if kind in OVER_TIME else ()
        try:
            found = function(*first, *reads, *last, p)
        except (ArithmeticError, ValueError):
            continue
        except Exception as error:
            raise DescriptionError(f"{kind} of rule {made.name} fails on its start values ({type(error).__name__}: {error}): mend it") from error
        names = tuple(made.target) if kind in OF_TARGET else ("what is delivered",) if kind == "transmit" else ("w", *made.state)
        values = found if isinstance(found, tuple) else (found,)
        if len(values) != len(names) or not all(map(is_scalar, values)) or (isinstance(found, tuple) and len(names) == 1):
            need = names[0] + (f" and {', '.join(names[1:])}" if names[1:] else "")
            raise DescriptionError(f"{kind} of rule {made.name} returns {short(found)}: return {need}, as numbers")
