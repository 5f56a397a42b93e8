"""Settings of the mechanisms that a RobustnessConfig switches, in the units of the engine; beside the seed's numbers in docs/robustness.md."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

from ..checks import is_number
from ..errors import DescriptionError
from ..given import short, truth
from .arguments import between, not_negative
from .normalize_input import STEEPEST

MAY_BE_0 = ("leak", "in_silence")  # fields without which a mechanism is still one


def check_numbers(settings: Any) -> None:
    """Refuse by name a field of a dataclass that is not a finite number above 0 (a leak or a share: of at least 0), or not True or False where its
    default is."""
    for field in fields(settings):
        value, what = getattr(settings, field.name), f"{field.name} of {type(settings).__name__}"
        if isinstance(field.default, bool):
            truth(value, what)
        elif field.name in MAY_BE_0:
            not_negative(value, what)
        elif not is_number(value) or not 0.0 < value < math.inf:
            raise DescriptionError(f"{what} is {short(value)}: give a finite number above 0")


@dataclass(frozen=True)
class WeightNormalizationConfig:
    """Sums of excitatory weights onto a neuron return to what they were at the start."""

    soft_rate: float = 0.1  # share of the way at each call
    every: float = 1000.0  # ms

    def __post_init__(self) -> None:
        check_numbers(self)
        if self.soft_rate > 1.0:
            raise DescriptionError(f"soft_rate of WeightNormalizationConfig is {self.soft_rate:g}: give a share of at most 1")


@dataclass(frozen=True)
class ActivityScalingConfig:
    """One factor of all excitatory inputs of a population, for its mean rate."""

    target_rate: float = 5.0  # Hz
    lr: float = 0.01  # 1/(Hz s)
    leak: float = 0.002  # 1/s, by which ln of the factor returns to 0: thresholds integrate the same rate, and the two would drift apart for hours
    scale_min: float = 0.5
    scale_max: float = 2.0
    tau_rate: float = 1000.0  # ms
    in_silence: float = 0.1  # share of time that counts while the population is silent, so that a pause is no shock
    every: float = 500.0  # ms

    def __post_init__(self) -> None:
        check_numbers(self)
        between(self.in_silence, "in_silence of ActivityScalingConfig", 0.0, 1.0)
        if not self.scale_min <= 1.0 <= self.scale_max:
            bounds = f"scale_min and scale_max of ActivityScalingConfig are {self.scale_min:g} and {self.scale_max:g}"
            raise DescriptionError(f"{bounds}: put 1 between them")


@dataclass(frozen=True)
class DivisiveNormConfig:
    """Inputs of a population divided by its own activity; at target_rate they are as described."""

    sigma: float = 1.0  # Hz, far below the target: the gain goes nearly as 1/rate, so a drive at half is made up for as one at twice is
    exponent: float = 1.0
    target_rate: float = 5.0  # Hz
    tau: float = 2000.0  # ms, long beside `every`: a loop that acts late on a steep network swings
    every: float = 250.0  # ms
    gain_max: float = 2.0  # however weak the input is, so that one that returns after a pause is no shock

    def __post_init__(self) -> None:
        check_numbers(self)
        if self.exponent > STEEPEST:
            raise DescriptionError(f"exponent of DivisiveNormConfig is {self.exponent:g}: give one of at most {STEEPEST:g}")
        if self.gain_max < 1.0:
            raise DescriptionError(f"gain_max of DivisiveNormConfig is {self.gain_max:g}: give a number from 1 on, the gain at target_rate")
        if self.every > 0.5 * self.tau:
            raise DescriptionError(f"every of DivisiveNormConfig is {self.every:g} ms, more than half of its tau, {self.tau:g} ms: lengthen tau")


@dataclass(frozen=True)
class CriticalityConfig:
    """The branching ratio of all activity, and a slow factor of recurrent excitation."""

    target_branching: float = 0.98
    correction_rate: float = 0.02  # 1/s
    leak: float = 0.05  # 1/s, by which ln of the factor returns to 0: most networks are far from any critical point, and come to rest by it
    regulate: bool = True
    scale_min: float = 0.5
    scale_max: float = 2.0
    bin: float = 4.0  # ms
    window: float = 10_000.0  # ms
    every: float = 1000.0  # ms

    def __post_init__(self) -> None:
        check_numbers(self)
        if self.target_branching > 1.0:
            raise DescriptionError(f"target_branching of CriticalityConfig is {self.target_branching:g}: give a number up to 1")
        if not self.scale_min <= 1.0 <= self.scale_max:
            raise DescriptionError(f"scale_min and scale_max of CriticalityConfig are {self.scale_min:g} and {self.scale_max:g}: put 1 between them")
        if self.every > self.window:
            raise DescriptionError(f"every of CriticalityConfig is {self.every:g} ms, more than its window, {self.window:g} ms: lengthen that")
        if abs(self.window / self.bin - round(self.window / self.bin)) > 1e-9:
            both = f"window and bin of CriticalityConfig are {self.window:g} and {self.bin:g} ms"
            raise DescriptionError(f"{both}: give a window that is a multiple of the bin")

    @property
    def is_acting(self) -> bool:
        """Whether it changes the network, or only watches."""
        return self.regulate


@dataclass(frozen=True)
class MetabolicConfig:
    """What a population's spikes cost, with a budget for each neuron, and what is done above it, as by MetabolicConstraint."""

    energy_per_spike: float = 0.001
    budget_rate: float = 15.0  # Hz, the mean rate at which the budget is used up
    penalty_scale: float = 0.1  # of slow_learning and lower_reward
    reduce_gain: bool = True  # of the inputs that are no inhibition
    slow_learning: bool = False  # of projections with rules onto the population
    lower_reward: bool = False  # of those whose rules read m_reward
    gain_rate: float = 1.0  # 1/s
    gain_min: float = 0.1
    tau_energy: float = 1000.0  # ms
    every: float = 500.0  # ms

    def __post_init__(self) -> None:
        check_numbers(self)
        if self.gain_min > 1.0:
            raise DescriptionError(f"gain_min of MetabolicConfig is {self.gain_min:g}: give a number up to 1")

    @property
    def is_acting(self) -> bool:
        """Whether it changes the network, or only watches."""
        return self.reduce_gain or self.slow_learning or self.lower_reward
