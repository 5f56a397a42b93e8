"""What a neuron model offers to the engine: a NamedTuple of parameters, a declaration of its state and plain functions over scalars.

    step(s, x, c, p)     -> (State, fired)   one step of dt: from s and the inputs x of this step (one field a receptor, but for those in `adds`)
    derive(p, dt)        -> c                constants of one step (propagators), a NamedTuple of numbers
    advance(s, k, c, p)  -> State            optional: k steps (a float) without input in closed form
    may_fire(s, c, p)    -> bool             optional: can it reach threshold without further input?

A model with `advance` and `may_fire` sleeps while it cannot fire. What arrives at a receptor in `adds` is added to the state field named there,
spike by spike, at the end of the step: such a receptor costs nothing where nothing arrives. The functions use `math` and arithmetic only, so the
same source runs in plain Python, in the CPU kernels and on the GPU.
"""

import hashlib
import inspect
import re
import types
from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, TypeVar

import numpy as np

from ..errors import DescriptionError
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
        raise DescriptionError(f"{thing!r} is not a model: decorate its class with @neuron, or use one of thalia_sim's models")
    return model


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


def check_function(name: str, function: Any, expected: tuple[str, ...], model: str) -> None:
    """Refuse a function of a model whose parameters are not the contract's."""
    if not callable(function):
        raise DescriptionError(f"{name} of model {model} is {function!r}: give a function {name}({', '.join(expected)})")
    found = tuple(inspect.signature(function).parameters)
    if len(found) != len(expected):
        raise DescriptionError(
            f"{name}({', '.join(found)}) of model {model} has {len(found)} parameters: expected {name}({', '.join(expected)})"
        )


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
        if not hasattr(cls, "_fields") or not hasattr(state, "_fields"):
            raise DescriptionError(f"model {name}: parameters and state must be NamedTuples")
        for what, function, expected in (
            ("derive", derive, ("p", "dt")),
            ("step", step, ("s", "x", "c", "p")),
            ("advance", advance, ("s", "k", "c", "p")),
            ("may_fire", may_fire, ("s", "c", "p")),
        ):
            if function is not None:
                check_function(what, function, expected, name)
        if isinstance(receptors, str):
            raise DescriptionError(f"receptors of model {name} are {receptors!r}: give a tuple of names, such as ({receptors!r},)")
        if noise is not None and advance is not None:
            raise DescriptionError(f"model {name} has noise and advance: what draws at every step cannot sleep, leave out one of them")
        if noise not in NOISE:
            raise DescriptionError(f"noise {noise!r} of model {name}: use None, 'uniform' or 'normal'")
        for field in held + tuple(initial or ()):
            if field not in state._fields:
                raise DescriptionError(f"{field!r} of model {name} is no field of its state {state._fields}: name one of them")
        for receptor, field in (adds or {}).items():
            if receptor not in receptors or field not in state._fields or field in held or list((adds or {}).values()).count(field) > 1:
                raise DescriptionError(
                    f"adds of model {name} has {receptor!r}: {field!r}: give for a receptor of {receptors} a field of its state "
                    f"{state._fields} that is not held, each field once"
                )
        for field, parameter in (bounds or {}).items():
            if field not in (adds or {}).values() or parameter not in cls._fields:
                raise DescriptionError(f"bounds of model {name} has {field!r}: {parameter!r}: give for a field in adds the name of a parameter")
        for receptor in signs or ():
            if receptor not in receptors:
                raise DescriptionError(f"sign for {receptor!r} of model {name}: no such receptor, it has {receptors}")
        given: dict[str, Any] = {"state": state, "derive": derive, "step": step, "advance": advance, "may_fire": may_fire}
        cls.__thalia__ = Model(  # type: ignore[attr-defined]
            kind="neuron",
            cls=cls,
            held=tuple(f for f in state._fields if f in held),
            receptors=tuple(receptors),
            adds=dict(adds or {}),
            bounds=dict(bounds or {}),
            signs={r: (signs or {}).get(r, 0) for r in receptors},
            noise=noise,
            units={**comment_units(state), **comment_units(cls)},
            initial=dict(initial or {}),
            usual=dict(usual or {}),
            digest=source_digest(cls, *given.values(), (tuple(receptors), held, noise, sorted((adds or {}).items()), sorted((bounds or {}).items()))),
            **given,
        )
        return cls

    return declare


def constants(p: Any, dt: float) -> Any:
    """What derive gives for one element's parameters: a NamedTuple of numbers."""
    c = model_of(p).derive(p, dt)
    if not hasattr(type(c), "_fields"):
        raise DescriptionError(f"derive of model {model_of(p).name} returned {c!r}: return a NamedTuple of numbers")
    return c


def try_step(p: Any, dt: float) -> None:
    """Run the functions of a model once in plain Python, for one element: a mistake in them is told before anything is compiled.

    Arithmetic that fails is let pass: compiled code gives inf or nan there, and `constants` are checked elsewhere.
    """
    model = model_of(p)
    state: Any = model.state
    try:
        c = constants(p, dt)
        inputs: Any = namedtuple("Inputs", model.inputs)  # type: ignore[misc]
        x = inputs(*[0.0] * len(model.inputs)) if model.inputs else None
        s = state(*(float(model.start_value(f, p)) for f in model.state_fields))
        found = model.step(s, x, c, p)
        if not isinstance(found, tuple) or len(found) != 2 or not isinstance(found[0], state):
            raise DescriptionError(f"step of model {model.name} returned {found!r}: return a {state.__name__} and whether it fired")
        if model.advance is not None and not isinstance(later := model.advance(s, 1.0, c, p), state):
            raise DescriptionError(f"advance of model {model.name} returned {later!r}: return a {state.__name__}")
    except DescriptionError:
        raise
    except (ArithmeticError, ValueError):
        pass
    except Exception as error:
        raise DescriptionError(f"step of model {model.name} fails on its start values ({type(error).__name__}: {error}): mend it") from error


def scalar_parameters(p: Any) -> bool:
    """Whether all parameters are single numbers (else: one value per element)."""
    return all(np.ndim(value) == 0 for value in p)
