"""The rules of one projection in their order, and how their parameters lie in the array that the compiled kernels read."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import DescriptionError
from .contract import Rule, Trace, check_parameters, rule_of

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

    def start_of(self, n: int, field: str) -> float:
        """Value at the start of a field of `state` or `target` of rule n."""
        made = self.declared[n]
        value = made.state[field] if field in made.state else made.target[field]
        return float(getattr(self.rules[n], value) if isinstance(value, str) else value)

    def bounds(self, n: int) -> tuple[float, float]:
        """(w_min, w_max) of rule n."""
        return float(getattr(self.rules[n], "w_min", 0.0)), float(getattr(self.rules[n], "w_max", math.inf))

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

    def __str__(self) -> str:
        return " then ".join(type(p).__name__ for p in self.rules)


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
    if chain.weakest > chain.strongest:
        raise DescriptionError(f"rules of {where} bound the strength from {chain.weakest:g} and to {chain.strongest:g}: let their bounds overlap")
    return chain


def flat(chain: Chain, dt: float, tables: list[int], modulators: dict[str, float]) -> NDArray[np.float64]:
    """Parameters as the kernels read them."""
    rate = math.prod(modulators[m] for m in chain.modulators if m not in chain.read)
    found = [dt, rate, chain.dendritic]
    for n, p in enumerate(chain.rules):
        found += [*map(float, p), *chain.bounds(n), chain.softness(n)]
    return np.array([*found, *tables, *(modulators[m] for m in chain.modulators)], dtype=np.float64)
