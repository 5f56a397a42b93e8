"""What a neuron model offers to the engine: a NamedTuple of parameters, a declaration of its state and plain functions over scalars.

    step(s, x, c, p)     -> (State, fired)   one step of dt: from s and the inputs x of this step (one field a receptor, but for those in `adds`)
    derive(p, dt)        -> c                constants of one step (propagators), a NamedTuple of numbers
    advance(s, k, c, p)  -> State            optional: k steps (a float) without input in closed form
    may_fire(s, c, p)    -> bool             optional: can it reach threshold without further input?

A model with `advance` and `may_fire` sleeps while it cannot fire. What arrives at a receptor in `adds` is added to the state field named there,
spike by spike, at the end of the step: such a receptor costs nothing where nothing arrives. The functions use `math` and arithmetic only, so the
same source runs in plain Python, in the CPU kernels and on the GPU.
"""

import dis
import hashlib
import inspect
import keyword
import math
import re
import types
from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple, TypeVar

import numpy as np

from ..errors import DescriptionError
from ..given import short
from ..kernels.scalar import global_names

T = TypeVar("T", bound=type)
NOISE = {None: (), "uniform": ("u",), "normal": ("z",)}


class Model(NamedTuple):
    """A declared model: what `@neuron` (or a source) leaves on the class as `__thalia__`."""

    kind: str  # "neuron" or "source"
    cls: type
    state: type | None  # NamedTuple of the state of one element
    held: tuple[str, ...]  # state that `step` reads and others write, always double: thresholds, external current
    receptors: tuple[str, ...]
    adds: Mapping[str, str]  # receptor -> state field onto which the engine adds what arrives, at the end of the step
    bounds: Mapping[str, str]  # such a field -> parameter that bounds it at the end of each step, either sign
    signs: Mapping[str, int]  # receptor -> +1 (w >= 0), -1 (w <= 0), 0 (any)
    derive: Any  # functions of the contract; a source has none
    step: Any
    advance: Callable[..., Any] | None
    may_fire: Callable[..., Any] | None
    noise: str | None  # None, "uniform" (x.u) or "normal" (x.z): one draw an element and step
    units: Mapping[str, str]
    initial: Mapping[str, float | str]
    usual: Mapping[str, tuple[float, float]]
    digest: str  # hash of the sources of all functions: what the compiled form depends on

    @property
    def name(self) -> str:
        return self.cls.__name__

    @property
    def params(self) -> tuple[str, ...]:
        return tuple(self.cls._fields)  # type: ignore[attr-defined]

    @property
    def state_fields(self) -> tuple[str, ...]:
        return () if self.state is None else tuple(self.state._fields)  # type: ignore[attr-defined]

    @property
    def inputs(self) -> tuple[str, ...]:
        """Fields of `x`: the receptors that add to no state field, then the noise."""
        return tuple(r for r in self.receptors if r not in self.adds) + NOISE[self.noise]

    @property
    def live(self) -> tuple[str, ...]:
        """State fields that receptors add to: they lie where others accumulate input, always in double."""
        return tuple(self.adds[r] for r in self.receptors if r in self.adds)

    @property
    def moving(self) -> tuple[str, ...]:
        """State fields that `step` changes."""
        return tuple(f for f in self.state_fields if f not in self.held)

    @property
    def stored(self) -> tuple[str, ...]:
        """State fields that `step` changes and no receptor adds to."""
        return tuple(f for f in self.moving if f not in self.live)

    @property
    def sleeps(self) -> bool:
        return self.advance is not None and self.may_fire is not None

    def start_value(self, field: str, p: Any) -> Any:
        """Initial value of a state field: declared, else the parameter of that name, else 0."""
        value = self.initial.get(field, field if field in self.params else 0.0)
        return getattr(p, value) if isinstance(value, str) else value


def model_of(thing: Any) -> Model:
    """The Model of an instance or class of a declared model."""
    model = getattr(thing, "__thalia__", None)
    if not isinstance(model, Model):
        raise DescriptionError(f"{short(thing)} is not a model: decorate its class with @neuron, or use one of thalia_sim's models")
    return model


@cache
def comment_units(cls: type) -> dict[str, str]:
    """Units from the comments behind the fields: `tau_m: float = 20.0  # ms, membrane` gives {"tau_m": "ms"}."""
    try:
        text = inspect.getsource(cls)
    except (OSError, TypeError):
        return {}
    found = re.findall(r"^\s+(\w+)\s*:[^#\n]*#\s*([^\s,;:]+)", text, flags=re.M)
    return dict(found)


def source_digest(*things: Any) -> str:
    """Hash of everything that the compiled form of functions and tuple classes depends on, wherever it is written."""
    digest = hashlib.sha256()
    seen: set[int] = set()
    for thing in things:
        for text in () if thing is None else _contents(thing, seen):
            digest.update(text.encode() + b"\0")
    return digest.hexdigest()[:16]


def _contents(thing: Any, seen: set[int]) -> Iterator[str]:
    """Code of a function, of each plain function that it uses and each constant that is frozen into it; fields of a tuple class; else its text."""
    if id(thing) in seen:
        return
    seen.add(id(thing))
    if isinstance(thing, types.FunctionType):
        code = thing.__code__
        inner = [c.co_code.hex() if isinstance(c, types.CodeType) else c for c in code.co_consts]
        yield f"{thing.__name__} {code.co_code.hex()} {inner!r} {code.co_names}"
        used = {name: thing.__globals__.get(name) for name in global_names(code)}
        used |= {f"{name} (closure)": c.cell_contents for name, c in zip(code.co_freevars, thing.__closure__ or (), strict=True)}
        used |= {f"{k} (default)": value for k, value in enumerate(thing.__defaults__ or ())}
        for name, value in sorted(used.items()):
            if isinstance(value, (types.FunctionType, type)):
                yield from _contents(value, seen)
            elif isinstance(value, (int, float, str, tuple, np.generic, np.ndarray)):
                yield f"{name} = {value.tolist() if isinstance(value, np.ndarray) else value!r}"
    elif isinstance(thing, type):
        yield f"{thing.__name__} {getattr(thing, '_fields', ())}"
    else:
        yield repr(thing)


def raises(function: Callable[..., Any], seen: tuple[Any, ...] = ()) -> bool:
    """Whether a function, or a plain function that it calls, has a statement that raises (raise, assert)."""
    if any(step.opname in ("RAISE_VARARGS", "RERAISE") for step in dis.get_instructions(function)):
        return True
    called = [*map(function.__globals__.get, function.__code__.co_names), *(cell.cell_contents for cell in function.__closure__ or ())]
    return any(raises(f, (*seen, function)) for f in called if isinstance(f, types.FunctionType) and f not in (*seen, function))


def check_function(name: str, function: Any, expected: tuple[str, ...], model: str) -> None:
    """Refuse a function of a model whose parameters are not the contract's."""
    if not callable(function):
        raise DescriptionError(f"{name} of model {model} is {short(function)}: give a function {name}({', '.join(expected)})")
    try:
        found = tuple(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        raise DescriptionError(f"{name} of model {model} is {short(function)}: give a plain function {name}({', '.join(expected)})") from None
    if len(found) != len(expected):
        raise DescriptionError(
            f"{name}({', '.join(found)}) of model {model} has {len(found)} parameters: expected {name}({', '.join(expected)})"
        )
    if name != "derive" and isinstance(function, types.FunctionType) and raises(function):  # derive runs in Python
        raise DescriptionError(f"{name} of model {model} can raise an error: it runs compiled in the midst of a step, return a number instead")


def checked_names(what: str, given: Any, model: str) -> tuple[str, ...]:
    """A tuple of names, each once; refused if it is anything else."""
    if not isinstance(given, (tuple, list)):
        example = f", such as ({short(given)},)" if isinstance(given, str) else ""
        raise DescriptionError(f"{what} of model {model} are {short(given)}: give a tuple of names{example}")
    for name in given:
        if not isinstance(name, str) or not name.isidentifier() or keyword.iskeyword(name) or name.startswith("_"):
            raise DescriptionError(f"{what} of model {model} have {short(name)}: give names of letters, digits and underscores, no words of Python")
        if list(given).count(name) > 1:
            raise DescriptionError(f"{what} of model {model} have {short(name)} more than once: name each once")
    return tuple(given)


def checked_mapping(what: str, given: Any, example: str, model: str) -> dict[str, Any]:
    """A mapping as a dict, empty for None; refused if it is anything else."""
    if given is not None and not isinstance(given, Mapping):
        raise DescriptionError(f"{what} of model {model} is {short(given)}: give a dict such as {example}")
    return dict(given or {})


def check_usual(usual: Mapping[str, Any], params: tuple[str, ...], model: str) -> None:
    """Refuse usual ranges of what is no parameter, or that are none."""
    for field, ends in usual.items():
        if field not in params:
            raise DescriptionError(f"usual of model {model} has {field!r}: no such parameter, it has {params}")
        if not isinstance(ends, (tuple, list)) or len(ends) != 2 or not all(is_scalar(x) for x in ends) or not ends[0] <= ends[1]:
            raise DescriptionError(f"usual of model {model} has {field!r}: {short(ends)}: give the smallest and the largest usual value")


def check_initial(initial: Mapping[str, Any], params: tuple[str, ...], model: str) -> None:
    """Refuse start values that are neither a number nor the name of a parameter."""
    for field, value in initial.items():
        if (value not in params) if isinstance(value, str) else (not is_scalar(value) or math.isnan(value)):
            raise DescriptionError(f"initial of model {model} has {field!r}: {short(value)}: give a number or the name of a parameter {params}")


def is_scalar(value: Any) -> bool:
    """A single number or truth value."""
    return isinstance(value, (bool, int, float, np.bool_, np.integer, np.floating))


def neuron(
    *,
    state: type,
    derive: Callable[..., Any],
    step: Callable[..., Any],
    receptors: tuple[str, ...],
    advance: Callable[..., Any] | None = None,
    may_fire: Callable[..., Any] | None = None,
    held: tuple[str, ...] = (),
    adds: Mapping[str, str] | None = None,
    bounds: Mapping[str, str] | None = None,
    signs: Mapping[str, int] | None = None,
    noise: str | None = None,
    initial: Mapping[str, float | str] | None = None,
    usual: Mapping[str, tuple[float, float]] | None = None,
) -> Callable[[T], T]:
    """Declare a neuron model on a NamedTuple of its parameters.

    `initial` gives a state field its start value or the name of a parameter (a field named like a parameter starts at it, others at 0); `held`
    names the state that `step` only reads; `adds` names for a receptor the state field onto which what arrives is added, and `bounds` for such
    a field the parameter within plus and minus which it is kept; `usual` gives the range of a parameter beyond which its unit is questioned.
    """

    def declare(cls: T) -> T:
        name = cls.__name__
        if not all(isinstance(x, type) and hasattr(x, "_fields") for x in (cls, state)):
            raise DescriptionError(f"model {name}: parameters and state must be NamedTuples")
        params, fields = cls._fields, state._fields  # type: ignore[attr-defined]
        for what, function, expected in (
            ("derive", derive, ("p", "dt")),
            ("step", step, ("s", "x", "c", "p")),
            ("advance", advance, ("s", "k", "c", "p")),
            ("may_fire", may_fire, ("s", "c", "p")),
        ):
            if function is not None or what in ("derive", "step"):
                check_function(what, function, expected, name)
        if (advance is None) != (may_fire is None):
            have, lack = ("advance", "may_fire") if may_fire is None else ("may_fire", "advance")
            raise DescriptionError(f"model {name} has {have} and no {lack}: give both, or none if it is never to sleep")
        if noise is not None and advance is not None:
            raise DescriptionError(f"model {name} has noise and advance: what draws at every step cannot sleep, leave out one of them")
        if noise not in (None, "uniform", "normal"):
            raise DescriptionError(f"noise {short(noise)} of model {name}: use None, 'uniform' or 'normal'")
        inputs, kept = checked_names("receptors", receptors, name), checked_names("held", held, name)
        for receptor in set(inputs) & set(NOISE[noise]):
            raise DescriptionError(f"receptor {receptor!r} of model {name} is named like the noise x.{receptor}: give it another name")
        onto = checked_mapping("adds", adds, "{'exc': 'i_exc'}", name)
        within = checked_mapping("bounds", bounds, "{'i_exc': 'i_max'}", name)
        sign = checked_mapping("signs", signs, "{'exc': +1}", name)
        start = checked_mapping("initial", initial, "{'v': 'e_l'}", name)
        ranges = checked_mapping("usual", usual, "{'tau_m': (1.0, 200.0)}", name)
        for field in (*kept, *start):
            if field not in fields:
                raise DescriptionError(f"{field!r} of model {name} is no field of its state {fields}: name one of them")
        for receptor, field in onto.items():
            if receptor not in inputs or field not in fields or field in kept or list(onto.values()).count(field) > 1:
                raise DescriptionError(
                    f"adds of model {name} has {receptor!r}: {field!r}: give for a receptor of {inputs} a field of its state "
                    f"{fields} that is not held, each field once"
                )
        for field, parameter in within.items():
            if field not in onto.values() or parameter not in params:
                raise DescriptionError(f"bounds of model {name} has {field!r}: {parameter!r}: give for a field in adds the name of a parameter")
        for receptor, value in sign.items():
            if receptor not in inputs:
                raise DescriptionError(f"sign for {receptor!r} of model {name}: no such receptor, it has {inputs}")
            if isinstance(value, bool) or value not in (-1, 0, 1):
                raise DescriptionError(f"sign for {receptor!r} of model {name} is {short(value)}: give +1 (w >= 0), -1 (w <= 0) or 0 (any)")
        check_initial(start, params, name)
        check_usual(ranges, params, name)
        given: dict[str, Any] = {"state": state, "derive": derive, "step": step, "advance": advance, "may_fire": may_fire}
        cls.__thalia__ = Model(  # type: ignore[attr-defined]
            kind="neuron",
            cls=cls,
            held=tuple(f for f in fields if f in kept),
            receptors=inputs,
            adds=onto,
            bounds=within,
            signs={r: sign.get(r, 0) for r in inputs},
            noise=noise,
            units={**comment_units(state), **comment_units(cls)},
            initial=start,
            usual=ranges,
            digest=source_digest(cls, *given.values(), (inputs, kept, noise, sorted(onto.items()), sorted(within.items()))),
            **given,
        )
        return cls

    return declare


def constants(p: Any, dt: float) -> Any:
    """What derive gives for one element's parameters: a NamedTuple of numbers."""
    c = model_of(p).derive(p, dt)
    if not hasattr(type(c), "_fields"):
        raise DescriptionError(f"derive of model {model_of(p).name} returned {short(c)}: return a NamedTuple of numbers")
    return c


def try_step(p: Any, dt: float) -> None:
    """Run the functions of a model once in plain Python, for one element: a mistake in them is told before anything is compiled.

    Arithmetic that fails is let pass: compiled code gives inf or nan there, and `constants` are checked elsewhere.
    """
    model = model_of(p)
    state: Any = model.state
    at = "derive"
    try:
        c = constants(p, dt)
        at = "step"
        inputs: Any = namedtuple("Inputs", model.inputs)  # type: ignore[misc]
        x = inputs(*[0.0] * len(model.inputs)) if model.inputs else None
        s = state(*(float(model.start_value(f, p)) for f in model.state_fields))
        found = model.step(s, x, c, p)
        if not isinstance(found, tuple) or len(found) != 2 or not isinstance(found[0], state) or not is_scalar(found[1]):
            raise DescriptionError(f"step of model {model.name} returned {short(found)}: return a {state.__name__} and whether it fired")
        check_state(model, at, s, found[0])
        if model.advance is not None and model.may_fire is not None:
            at = "advance"
            check_state(model, at, s, model.advance(s, 1.0, c, p))
            at = "may_fire"
            if not is_scalar(answer := model.may_fire(s, c, p)):
                raise DescriptionError(f"may_fire of model {model.name} returned {short(answer)}: return whether it can fire, True or False")
    except DescriptionError:
        raise
    except (ArithmeticError, ValueError):
        pass
    except Exception as error:
        raise DescriptionError(f"{at} of model {model.name} fails on its start values ({type(error).__name__}: {error}): mend it") from error


def check_state(model: Model, function: str, before: Any, after: Any) -> None:
    """Refuse what a function of a model returned as its state if it is none, or if a held field has changed."""
    state: Any = model.state
    if not isinstance(after, state):
        raise DescriptionError(f"{function} of model {model.name} returned {short(after)}: return a {state.__name__}")
    for field, new in after._asdict().items():
        old = getattr(before, field)
        if not is_scalar(new):
            raise DescriptionError(f"{function} of model {model.name} returned {field} = {short(new)}: return a number")
        if field in model.held and new != old and not (math.isnan(new) and math.isnan(old)):
            raise DescriptionError(f"{function} of model {model.name} changes {field}, which is held: return it as it was, or do not name it in held")


def scalar_parameters(p: Any) -> bool:
    """Whether all parameters are single numbers (else: one value per element)."""
    return all(np.ndim(value) == 0 for value in p)
