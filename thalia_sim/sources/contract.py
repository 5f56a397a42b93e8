"""What a source offers to the engine: drives act on each target by themselves, sources of spikes are populations without inputs.

A current of a user's own is a NamedTuple of numbers with a plain function of time:

    def value(t, p):
        return p.amplitude * math.exp(-t / p.tau)

    @current(value)
    class Fading(NamedTuple):
        amplitude: float = 100.0  # pA
        tau: float = 50.0  # ms
"""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from ..errors import DescriptionError
from ..neurons.contract import Model, check_function, comment_units, source_digest

T = TypeVar("T", bound=type)


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
