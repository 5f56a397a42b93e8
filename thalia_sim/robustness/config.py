"""All mechanisms in one configuration: which are on, with which settings, and the hooks that follow for a network, in one line.

    hooks = RobustnessConfig.stable().hooks(net, exc="exc", inh="inh")
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from functools import partial
from typing import Any, NamedTuple

from ..errors import DescriptionError, PathError, UnusualValue, nearest
from ..given import read_json, short, truth
from ..hooks.contract import Hook
from .bounds import HardBounds, HardBoundsConfig
from .budgets import WeightNormalization
from .ei_balance import EIBalance, EIBalanceConfig, between, names_of
from .intrinsic import IntrinsicPlasticity, IntrinsicPlasticityConfig
from .population_gain import PopulationIntrinsicPlasticity
from .settings import ActivityScalingConfig, CriticalityConfig, DivisiveNormConfig, MetabolicConfig, WeightNormalizationConfig

BOUNDS_EVERY, BALANCE_EVERY, INTRINSIC_EVERY = 1000.0, 500.0, 500.0  # ms


class Sites(NamedTuple):
    """Where in a network the mechanisms act: names of populations."""

    exc: tuple[str, ...]  # excitatory populations
    inh: tuple[str, ...]  # the inhibitory population of each
    at_input: tuple[str, ...]  # those whose inputs are normalised
    over: tuple[str, ...]  # those whose branching ratio is watched together


def sites(exc: Any, inh: Any, at_input: Any = None, over: Any = None) -> Sites:
    """Names, one or several each; by default inputs are normalised at exc, and all are watched."""
    e, i = names(exc, "exc"), names(inh, "inh")
    if len(e) != len(i) or not e:
        raise DescriptionError(f"exc and inh name {len(e)} and {len(i)} populations: give one inhibitory population for each excitatory one")
    if len(set(e)) < len(e):
        raise DescriptionError(f"exc names a population twice: {', '.join(e)}; give each once, with its inhibitory population")
    everyone = tuple(dict.fromkeys(e + i))
    return Sites(e, i, e if at_input is None else names(at_input, "at_input"), everyone if over is None else names(over, "over"))


def names(given: Any, what: str) -> tuple[str, ...]:
    """One name or several, as a tuple."""
    found = (given,) if isinstance(given, str) else tuple(given) if isinstance(given, Sequence) else None
    if found is None or not all(isinstance(name, str) for name in found):
        raise DescriptionError(f"{what} is {short(given)}: give the name of a population, or a list of names")
    return found


class Part(NamedTuple):
    """One hook of a configuration: what it is called in the tree of diagnostics, its class, and how it is made for a network."""

    label: str
    hook: Any
    make: Callable[[Any], Hook]


FLAGS = {  # in the order in which the mechanisms act
    "enable_hard_bounds": "hard_bounds",
    "enable_weight_normalization": "weight_normalization",
    "enable_activity_scaling": "activity_scaling",
    "enable_ei_balance": "ei_balance",
    "enable_divisive_norm": "divisive_norm",
    "enable_intrinsic_plasticity": "intrinsic_plasticity",
    "enable_criticality": "criticality",
    "enable_metabolic": "metabolic",
}


@dataclass(frozen=True)
class RobustnessConfig:
    """Switches of all mechanisms, and the settings of each. Presets: minimal (all off), stable, biological, full (all on)."""

    enable_hard_bounds: bool = False
    enable_weight_normalization: bool = False
    enable_activity_scaling: bool = False
    enable_ei_balance: bool = True
    enable_divisive_norm: bool = True
    enable_intrinsic_plasticity: bool = True
    enable_criticality: bool = False
    enable_metabolic: bool = False
    hard_bounds: HardBoundsConfig = HardBoundsConfig()
    weight_normalization: WeightNormalizationConfig = WeightNormalizationConfig()
    activity_scaling: ActivityScalingConfig = ActivityScalingConfig()
    ei_balance: EIBalanceConfig = field(default_factory=lambda: EIBalanceConfig(target_ratio=None, adaptation_rate=0.0002, leak=0.0002))
    divisive_norm: DivisiveNormConfig = DivisiveNormConfig()
    intrinsic_plasticity: IntrinsicPlasticityConfig = IntrinsicPlasticityConfig(target_rate=5.0, tau_ip=1000.0, threshold_lr=0.005, in_silence=0.1)
    criticality: CriticalityConfig = CriticalityConfig()
    metabolic: MetabolicConfig = MetabolicConfig()

    def __post_init__(self) -> None:
        for flag in FLAGS:
            truth(getattr(self, flag), f"{flag} of RobustnessConfig")
        for name, kind in SETTINGS.items():
            if not isinstance(getattr(self, name), kind):
                raise DescriptionError(f"{name} of RobustnessConfig is {short(getattr(self, name))}: give a {kind.__name__}")
        self.intrinsic_plasticity.check()

    # presets

    @classmethod
    def minimal(cls) -> RobustnessConfig:
        """Nothing is on."""
        switches: dict[str, Any] = dict.fromkeys(FLAGS, False)
        return cls(**switches)

    @classmethod
    def stable(cls) -> RobustnessConfig:
        """Hard bounds, the balance of excitation and inhibition, divisive normalization."""
        return cls.minimal().switched(hard_bounds=True, ei_balance=True, divisive_norm=True)

    @classmethod
    def biological(cls) -> RobustnessConfig:
        """Stable, with intrinsic plasticity and criticality."""
        return cls.stable().switched(intrinsic_plasticity=True, criticality=True)

    @classmethod
    def full(cls) -> RobustnessConfig:
        """Everything is on."""
        switches: dict[str, Any] = dict.fromkeys(FLAGS, True)
        return cls(**switches)

    def switched(self, **mechanisms: bool) -> RobustnessConfig:
        """A copy with mechanisms on or off, by their names."""
        for name in mechanisms:
            if name not in FLAGS.values():
                raise PathError(f"unknown mechanism {short(name)}: {nearest(name, FLAGS.values())}")
        switches: dict[str, Any] = {f"enable_{name}": on for name, on in mechanisms.items()}
        return replace(self, **switches)

    def get_enabled_mechanisms(self) -> list[str]:
        """Names of the mechanisms that are on, in the order in which they act."""
        return [name for flag, name in FLAGS.items() if getattr(self, flag)]

    def get_acting_mechanisms(self) -> list[str]:
        """Those of them that change the network: not criticality or energy that only watch."""
        return [name for name in self.get_enabled_mechanisms() if getattr(getattr(self, name), "is_acting", True)]

    def summary(self) -> str:
        """One line a mechanism: whether it is on, and its settings."""
        lines = []
        for flag, name in FLAGS.items():
            values = ", ".join(f"{key}={value}" for key, value in fields_of(getattr(self, name)).items())
            lines.append(f"{name:<22}{'on ' if getattr(self, flag) else 'off'}  {values}")
        return "\n".join(lines)

    # as text

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and dicts, ready for JSON."""
        return {f.name: value if isinstance(value := getattr(self, f.name), bool) else fields_of(value) for f in fields(self)}

    @classmethod
    def from_dict(cls, tree: Mapping[str, Any]) -> RobustnessConfig:
        """The configuration that `to_dict` gave; what is left out is the default, an unknown name is refused."""
        known = [f.name for f in fields(cls)]
        read: dict[str, Any] = {}
        for name, value in mapping(tree, "RobustnessConfig", known).items():
            kind = SETTINGS.get(name)
            read[name] = value if kind is None else kind(**mapping(value, name, field_names(kind)))
        return cls(**read)

    def to_json(self) -> str:
        return json.dumps(self.to_dict())

    @classmethod
    def from_json(cls, text: str) -> RobustnessConfig:
        return cls.from_dict(read_json(text, "RobustnessConfig"))

    # hooks

    def hooks(self, net: Any, *, exc: Any, inh: Any, at_input: Any = None, over: Any = None) -> list[Hook]:
        """The hooks of all mechanisms that are on, in their order, for a network.

        exc, inh  names of excitatory populations, one or several, and of the inhibitory population of each
        at_input  whose inputs are normalised; by default exc
        over      whose spikes criticality regards, together; by default all of them

        A drive or projection that reaches several populations is multiplied for each of them apart.
        """
        return [part.make(net) for part in self.parts(sites(exc, inh, at_input, over))]

    def parts(self, at: Sites) -> list[Part]:
        """What `hooks` makes, before there is a network."""
        found: list[Part] = []
        for name in self.get_enabled_mechanisms():
            found += getattr(self, f"{name}_parts")(at)
        return found

    def hard_bounds_parts(self, at: Sites) -> list[Part]:
        def make(p: str, net: Any) -> Hook:
            return HardBounds(p, config=self.hard_bounds, every=BOUNDS_EVERY)

        return [Part(f"hard_bounds.{p}", HardBounds, partial(make, p)) for p in dict.fromkeys(at.exc + at.inh)]

    def weight_normalization_parts(self, at: Sites) -> list[Part]:
        settings = self.weight_normalization

        def make(p: str, net: Any) -> Hook:
            return WeightNormalization(budgeted(net, p, at.inh), every=settings.every, rate=settings.soft_rate)

        return [Part(f"weight_normalization.{p}", WeightNormalization, partial(make, p)) for p in at.exc]

    def activity_scaling_parts(self, at: Sites) -> list[Part]:
        settings = self.activity_scaling

        def make(p: str, net: Any) -> Hook:
            return PopulationIntrinsicPlasticity(
                p, target=settings.target_rate, lr=settings.lr, leak=settings.leak, low=settings.scale_min, high=settings.scale_max,
                tau_rate=settings.tau_rate, every=settings.every, inputs=excitation(net, p, at.inh), in_silence=settings.in_silence,
            )  # fmt: skip

        return [Part(f"activity_scaling.{p}", PopulationIntrinsicPlasticity, partial(make, p)) for p in at.exc]

    def ei_balance_parts(self, at: Sites) -> list[Part]:
        def make(e: str, i: str, net: Any) -> Hook:
            return EIBalance(e, i, config=self.ei_balance, every=BALANCE_EVERY)

        return [Part(f"ei_balance.{e}", EIBalance, partial(make, e, i)) for e, i in zip(at.exc, at.inh, strict=True)]

    def divisive_norm_parts(self, at: Sites) -> list[Part]:
        hook, settings = mechanism("NormalizeInput"), self.divisive_norm

        def make(p: str, net: Any) -> Hook:
            made: Hook = hook(
                p, sigma=settings.sigma, n=settings.exponent, base=settings.target_rate, tau=settings.tau, every=settings.every,
                high=settings.gain_max, inputs=excitation(net, p, at.inh),
            )  # fmt: skip
            return made

        return [Part(f"divisive_norm.{p}", hook, partial(make, p)) for p in at.at_input]

    def intrinsic_plasticity_parts(self, at: Sites) -> list[Part]:
        def make(p: str, net: Any) -> Hook:
            return self.intrinsic_plasticity.hook(net.population(p), every=INTRINSIC_EVERY)

        return [Part(f"intrinsic_plasticity.{p}", IntrinsicPlasticity, partial(make, p)) for p in at.exc]

    def criticality_parts(self, at: Sites) -> list[Part]:
        hook, settings = mechanism("CriticalityMonitor"), self.criticality

        def make(net: Any) -> Hook:
            made: Hook = hook(
                at.over, bin=settings.bin, window=settings.window, every=settings.every, target=settings.target_branching,
                rate=settings.correction_rate, leak=settings.leak, low=settings.scale_min, high=settings.scale_max,
                regulate=[name for p in at.exc for name in recurrent(net, p)] if settings.regulate else (),
            )  # fmt: skip
            return made

        return [Part("criticality", hook, make)]

    def metabolic_parts(self, at: Sites) -> list[Part]:
        hook, settings = mechanism("MetabolicConstraint"), self.metabolic

        def make(p: str, net: Any) -> Hook:
            made: Hook = hook(
                p, budget=max(net.population(p).n, 1) * settings.budget_rate * settings.energy_per_spike, cost_per_spike=settings.energy_per_spike,
                scale=settings.penalty_scale, rate=settings.gain_rate, low=settings.gain_min, tau=settings.tau_energy, every=settings.every,
                inputs=excitation(net, p, at.inh) if settings.reduce_gain else None, reduce_gain=settings.reduce_gain, **learning(net, p, settings),
            )  # fmt: skip
            return made

        return [Part(f"metabolic.{p}", hook, partial(make, p)) for p in at.exc]

    def periods(self) -> list[float]:
        """ms between two calls of each mechanism that is on."""
        own = {"hard_bounds": BOUNDS_EVERY, "ei_balance": BALANCE_EVERY, "intrinsic_plasticity": INTRINSIC_EVERY}
        return [own[name] if name in own else getattr(self, name).every for name in self.get_enabled_mechanisms()]


SETTINGS: dict[str, Any] = {
    "hard_bounds": HardBoundsConfig, "weight_normalization": WeightNormalizationConfig, "activity_scaling": ActivityScalingConfig,
    "ei_balance": EIBalanceConfig, "divisive_norm": DivisiveNormConfig, "intrinsic_plasticity": IntrinsicPlasticityConfig,
    "criticality": CriticalityConfig, "metabolic": MetabolicConfig,
}  # fmt: skip


def fields_of(settings: Any) -> dict[str, Any]:
    """Fields of a dataclass or NamedTuple."""
    return asdict(settings) if is_dataclass(settings) and not isinstance(settings, type) else dict(settings._asdict())


def field_names(kind: Any) -> list[str]:
    return list(kind._fields) if hasattr(kind, "_fields") else [f.name for f in fields(kind)]


def mapping(given: Any, what: str, known: Sequence[str]) -> Mapping[str, Any]:
    """A mapping with known names only."""
    if not isinstance(given, Mapping):
        raise DescriptionError(f"{what} is {short(given)}: give a dict of its fields")
    for name in given:
        if name not in known:
            raise DescriptionError(f"{what} has no field {short(name)}: {nearest(str(name), known)}")
    return given


def mechanism(name: str) -> Any:
    """A hook of this package by its name."""
    from .. import robustness

    found = getattr(robustness, name, None)
    if found is None:
        raise DescriptionError(f"RobustnessConfig switches {name} on, which this version does not have: switch it off")
    return found


def recurrent(net: Any, population: str) -> tuple[str, ...]:
    """Names of the projections from a population to itself."""
    found = between(net, population, population)
    if not found:
        what = f"no projection goes from {population} to itself alone"
        raise DescriptionError(f"{what}: connect one, or give CriticalityConfig(regulate=False), which only watches")
    return found


def excitation(net: Any, population: str, inh: Sequence[str]) -> list[str]:
    """Names of the drives and projections onto a population, but for those that inhibit, and drives that cannot be multiplied, which are told."""
    drives = {name: drive for name, drive in net.drives.items() if population in names_of(drive.target) and not drive.inhibits}
    fixed = [name for name, drive in drives.items() if not drive.is_scalable]
    found = [*excitatory(net, population, inh), *(name for name in drives if name not in fixed)]
    if not found:
        raise DescriptionError(f"{population} has no excitatory input that can be multiplied: connect one, or drive it by Poisson events or DC")
    if fixed:
        what = f"drives {', '.join(fixed)} of {population} change with time or have a weight for each target, and are not multiplied"
        warnings.warn(f"{what} by mechanisms: use DC or Poisson of one weight where they shall be", UnusualValue, stacklevel=1)
    return found


def learning(net: Any, population: str, settings: MetabolicConfig) -> dict[str, Any]:
    """What a constraint on energy does to projections with rules onto a population, as arguments: nothing where others learn, but not this one."""
    learn = [name for name, p in net.projections.items() if p.chain is not None and population in names_of(p.target)]
    rewarded = [name for name in learn if "m_reward" in net.projections[name].chain.read]
    every = [p.chain for p in net.projections.values() if p.chain is not None]
    slow = settings.slow_learning and (bool(learn) or not every)
    lower = settings.lower_reward and (bool(rewarded) or not any("m_reward" in chain.read for chain in every))
    return {"slow_learning": slow, "lower_reward": lower, "projections": learn or None}


def budgeted(net: Any, population: str, inh: Sequence[str]) -> list[str]:
    """The same without drives, for a budget of weights: each has to reach this population alone."""
    found = excitatory(net, population, inh)
    if not found:
        raise DescriptionError(f"no excitatory projection goes to {population}: connect one, or switch weight normalization off")
    for name in found:
        if names_of(net.projections[name].target) != [population]:
            raise DescriptionError(f"{name} reaches others than {population} too: connect each by itself, or switch weight normalization off")
    return found


def excitatory(net: Any, population: str, inh: Sequence[str]) -> list[str]:
    """Names of the projections onto a population, but for those that inhibit or come from inhibitory populations; refused where one comes from both
    kinds of populations."""
    net.population(population)
    found = []
    for projection in net.projections.values():
        inhibits = [source in inh for source in names_of(projection.source)]
        if population not in names_of(projection.target) or projection.inhibits or all(inhibits):
            continue
        if any(inhibits):
            raise DescriptionError(f"{projection.name} comes from excitatory and inhibitory populations together: connect each by itself")
        found.append(projection.name)
    return found
