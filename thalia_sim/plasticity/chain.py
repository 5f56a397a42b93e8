"""The rules of one projection in their order, and how their parameters lie in the array that the compiled kernels read."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import DescriptionError, PathError
from .contract import Rule, Trace, check_parameters, rule_of, single_bounds
from .passing import leaves_weight

CHANNELS = ("m_learning", "m_reward", "m_energy")
"""Modulators that every projection with a rule has. The product of those that none of its rules reads multiplies what the rules change."""


class Chain(NamedTuple):
    """Rules that act on the same synapses, one after another at each event."""

    rules: tuple[Any, ...]

    @property
    def declared(self) -> list[Rule]:
        return [rule_of(p) for p in self.rules]

    def traces(self, side: str) -> Iterator[tuple[int, Trace]]:
        """(number of the rule, trace) of all traces of the source ("pre") or the target ("post")."""
        return ((n, trace) for n, made in enumerate(self.declared) for trace in made.traces if trace.side == side)

    @property
    def state(self) -> list[tuple[int, str]]:
        """(number of the rule, field) of all state of a synapse beside w."""
        return [(n, field) for n, made in enumerate(self.declared) for field in made.state]

    @property
    def target(self) -> list[tuple[int, str]]:
        """(number of the rule, field) of all state of a target."""
        return [(n, field) for n, made in enumerate(self.declared) for field in made.target]

    @property
    def modulators(self) -> list[str]:
        """Names of all modulators: the channels, then others that a rule reads."""
        return [*CHANNELS, *dict.fromkeys(m for made in self.declared for m in made.modulators if m not in CHANNELS)]

    @property
    def read(self) -> set[str]:
        """Modulators that some rule reads by itself."""
        return {m for made in self.declared for m in made.modulators}

    @property
    def dendritic(self) -> float:
        """Share of the delay by which spikes of the target come later."""
        return max((float(getattr(p, "dendritic", 0.0)) for p in self.rules), default=0.0)

    @property
    def has_ring(self) -> bool:
        """Whether more of a target has to be kept than its last spike."""
        return self.dendritic > 0.0 or any(made.on_post is not None for made in self.declared)

    @property
    def interleaved(self) -> list[int]:
        """Numbers of the rules whose `between` move the same weight, so that none can be asked for a whole gap; [] where one alone does."""
        found = [n for n, made in enumerate(self.declared) if not leaves_weight(made.cls)]
        return found if len(found) > 1 else []

    def start_of(self, n: int, field: str) -> float:
        """Value at the start of a field of `state` or `target` of rule n."""
        made = self.declared[n]
        value = made.state[field] if field in made.state else made.target[field]
        return float(getattr(self.rules[n], value) if isinstance(value, str) else value)

    def given_bounds(self, n: int) -> tuple[float, float]:
        """(w_min, w_max) of rule n as they were given."""
        return float(getattr(self.rules[n], "w_min", 0.0)), float(getattr(self.rules[n], "w_max", math.inf))

    def bounds(self, n: int) -> tuple[float, float]:
        """The bounds of rule n that weights can keep: the outermost single-precision numbers within those that were given."""
        return single_bounds(*self.given_bounds(n))

    def softness(self, n: int) -> float:
        """Power of the room before a bound that changes by rule n are scaled with; 0: they are not."""
        return float(getattr(self.rules[n], "softness", 0.0))

    @property
    def strongest(self) -> float:
        """Largest strength that all rules allow."""
        return min(self.bounds(n)[1] for n in range(len(self.rules)))

    @property
    def weakest(self) -> float:
        return max(self.bounds(n)[0] for n in range(len(self.rules)))

    @property
    def allowed(self) -> tuple[float, float]:
        """Least and largest strength that may be given: those of all rules before they are rounded. (Without a single-precision number between
        them the one that is kept may be given too.)"""
        given = [self.given_bounds(n) for n in range(len(self.rules))]
        return min(max(low for low, _ in given), self.weakest), max(min(high for _, high in given), self.strongest)

    def __str__(self) -> str:
        return " then ".join(type(p).__name__ for p in self.rules)


def field_named(owned: Sequence[tuple[str, Iterable[str]]], name: str) -> tuple[int, str] | None:
    """(number of the rule, field) of a field by its own name or as Rule.field; owned: name and fields of each rule. None if there is none.

    PathError where several rules have one of that name.
    """
    rule, _, field = name.rpartition(".")
    found = [n for n, (owner, fields) in enumerate(owned) if rule in ("", owner) and field in fields]
    if len(found) > 1:
        raise PathError(f"{name} is a field of several rules: write {' or '.join(f'{owned[n][0]}.{field}' for n in found)}")
    return (found[0], field) if found else None


def rules_in(rule: Any) -> tuple[Any, ...]:
    """One rule or several in order, as a tuple."""
    return tuple(rule) if isinstance(rule, (list, tuple)) and not hasattr(rule, "_fields") else (rule,)


def checked_chain(rule: Any, where: str) -> Chain | None:
    """The rules that were given for a projection (None, a rule, or several in order), checked."""
    if rule is None:
        return None
    rules = rules_in(rule)
    if not rules:
        raise DescriptionError(f"rule of {where} is {rule!r}: give a rule such as PairSTDP(), several in a list, or None")
    for p in rules:
        if isinstance(p, type) and hasattr(p, "__thalia_rule__"):
            raise DescriptionError(f"rule of {where} is the class {p.__name__}: give it with its parameters, {p.__name__}()")
        if not hasattr(type(p), "__thalia_rule__"):
            raise DescriptionError(f"rule of {where} is {p!r}, no plasticity rule: decorate its class with @rule, or use one of thalia_sim's rules")
        check_parameters(p)
    chain = Chain(rules)
    names = [type(p).__name__ for p in rules]
    if twice := [name for name in names if names.count(name) > 1]:
        raise DescriptionError(f"rules of {where} are {', '.join(names)}: give {twice[0]} once, they are told apart by their names")
    shares = {float(p.dendritic) for p in rules if hasattr(p, "dendritic")}
    if len(shares) > 1:
        raise DescriptionError(f"rules of {where} have the dendritic shares {sorted(shares)}: give all the same")
    low, high = chain.allowed
    if low > high:
        raise DescriptionError(f"rules of {where} bound the strength from {low:g} and to {high:g}: let their bounds overlap")
    return chain


def flat(chain: Chain, dt: float, tables: list[int], modulators: dict[str, float]) -> NDArray[np.float64]:
    """Parameters as the kernels read them."""
    rate = math.prod(modulators[m] for m in chain.modulators if m not in chain.read)
    found = [dt, rate, chain.dendritic]
    for n, p in enumerate(chain.rules):
        found += [*map(float, p), *chain.bounds(n), chain.softness(n)]
    return np.array([*found, *tables, *(modulators[m] for m in chain.modulators)], dtype=np.float64)
