"""What a source offers to the engine: drives act on each target by themselves, sources of spikes are populations without inputs.

A current of a user's own is a NamedTuple of numbers with a plain function of time:

    def value(t, p):
        return p.amplitude * math.exp(-t / p.tau)

    @current(value)
    class Fading(NamedTuple):
        amplitude: float = 100.0  # pA
        tau: float = 50.0  # ms

A drive or source may have a method check(n, dt, where, whole), which refuses what it cannot be for n targets or elements; `whole` is false while
one of its values is set, when two lists may still differ in length.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from ..errors import DescriptionError
from ..given import check_numbers, is_number, short
from ..neurons.contract import Model, check_function, comment_units, source_digest

T = TypeVar("T", bound=type)


def check_source(source: Any, n: int, dt: float, where: str, whole: bool = True) -> None:
    """Refuse a drive or source that cannot be, or whose own function of time fails."""
    declared = getattr(type(source), "__current__", None)
    if declared is not None:
        check_numbers(source, where, finite=False)
    model = getattr(type(source), "__thalia__", None)
    if callable(getattr(type(source), "check", None)) and (model is None or model.kind == "source"):
        source.check(n, dt, where, whole)
    if declared is not None:
        try_current(source, dt / 2, where)


def try_current(source: Any, t: float, where: str) -> None:
    """Take the value of a declared current once in plain Python: a mistake in it is told before anything is compiled."""
    function = type(source).__current__.value
    name = f"{getattr(function, '__name__', 'value')} of current {type(source).__name__} at {where}"
    try:
        found = function(t, type(source)(*map(float, source)))
    except Exception as error:
        raise DescriptionError(f"{name} fails at {t:g} ms ({type(error).__name__}: {error}): mend it") from error
    if not is_number(found) or not math.isfinite(found):
        raise DescriptionError(f"{name} returned {short(found)} at {t:g} ms: return a finite number of pA")


class Current(NamedTuple):
    """A declared current: what `@current` leaves on the class as `__current__`."""

    cls: type
    value: Callable[..., Any]  # value(t, p) -> pA at time t (ms), called for the middle of each step
    digest: str

    @property
    def name(self) -> str:
        return self.cls.__name__

    @property
    def params(self) -> tuple[str, ...]:
        return tuple(self.cls._fields)  # type: ignore[attr-defined]


def current(value: Callable[..., Any]) -> Callable[[T], T]:
    """Declare a current on a NamedTuple of numbers, by its value (pA) as a function of time (ms)."""

    def declare(cls: T) -> T:
        if not hasattr(cls, "_fields"):
            raise DescriptionError(f"current {cls.__name__}: its parameters must be a NamedTuple")
        check_function("value", value, ("t", "p"), cls.__name__)
        cls.__current__ = Current(cls, value, source_digest(cls, value))  # type: ignore[attr-defined]
        return cls

    return declare


def source(cls: T) -> T:
    """Declare a population that only sends spikes."""
    cls.__thalia__ = Model(  # type: ignore[attr-defined]
        kind="source",
        cls=cls,
        state=None,
        held=(),
        receptors=(),
        adds={},
        bounds={},
        signs={},
        derive=None,
        step=None,
        advance=None,
        may_fire=None,
        noise=None,
        units=comment_units(cls),
        initial={},
        usual={},
        digest=source_digest(cls),
    )
    return cls
