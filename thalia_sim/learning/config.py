"""What Hebbian and hybrid learning are set by: numbers, a rule by its name, and builders that return a changed copy.

    HebbianConfig(0.01).with_oja_rule().with_decay(0.001)
    HybridLearningConfig(0.7, 0.3).with_learning_rates(0.001, 0.01)
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any

from ..errors import DescriptionError, nearest
from ..given import is_number, short

CLIPS = ("norm", "element", None)
RULES = ("classic", "oja", "bcm", "anti")


def number(value: Any, what: str, low: float, high: float, need: str) -> float:
    """A number in low..high; refused by name, with what is needed, if it is anything else."""
    if not is_number(value) or not low <= value <= high:
        raise DescriptionError(f"{what} is {short(value)}: must be {need}")
    return float(value)


@dataclass(frozen=True)
class SlidingThreshold:
    """Threshold of BCM that follows the target's own activity (Bienenstock, Cooper & Munro 1982, J. Neurosci. 2:32).

        tau dtheta/dt = E[|post|^power] - theta,    low <= theta <= high

    One theta for each target element; its fixed point is E[|post|^power].
    """

    tau: float = 5000.0  # ms, much slower than a presentation, much faster than the weights
    power: float = 2.0
    low: float = 1e-6
    high: float = 1.0

    def __post_init__(self) -> None:
        number(self.tau, "tau of SlidingThreshold", 1e-300, 1e300, "a positive number of ms")
        number(self.power, "power of SlidingThreshold", 1.0 + 1e-12, 100.0, "more than 1, usually 2, else nothing holds the weights")
        number(self.low, "low of SlidingThreshold", 0.0, math.inf, "a number, at least 0")
        number(self.high, "high of SlidingThreshold", self.low, math.inf, f"at least low, {short(self.low)}")


@dataclass(frozen=True)
class HebbianConfig:
    """A Hebbian rule and what holds its weights.

    rule: "classic", "oja", "bcm" or "anti", see `compute_hebbian_delta`. The weights have the unit that the network gives them.
    """

    learning_rate: float = 0.01  # eta
    weight_decay: float = 1e-4  # share of every weight lost in an update
    max_weight: float = 10.0  # largest |w|
    min_weight: float = 0.0  # an edge with a smaller |w| is removed; 0: none is
    rule: str = "classic"
    bcm_threshold: float = 0.5  # theta of "bcm", or where it starts if it slides
    sliding: SlidingThreshold | None = None

    def __post_init__(self) -> None:
        number(self.learning_rate, "learning_rate", 0.0, 1e300, "a finite number, at least 0")
        number(self.weight_decay, "weight_decay", 0.0, 1.0 - 1e-16, "a share, at least 0 and below 1")
        number(self.max_weight, "max_weight", 1e-300, math.inf, "a positive number")
        number(self.min_weight, "min_weight", 0.0, self.max_weight, f"at least 0 (off) and at most max_weight, {short(self.max_weight)}")
        if not isinstance(self.rule, str) or self.rule not in RULES:
            raise DescriptionError(f"rule is {short(self.rule)}: {nearest(self.rule, RULES)}")
        number(self.bcm_threshold, "bcm_threshold", 0.0, 1e300, "a finite number, at least 0")
        if self.sliding is not None and not isinstance(self.sliding, SlidingThreshold):
            raise DescriptionError(f"sliding is {short(self.sliding)}: give a SlidingThreshold, or None for a fixed threshold")
        if self.sliding is not None and self.rule != "bcm":
            raise DescriptionError(f"sliding is given with rule {self.rule!r}, which has no threshold: use rule 'bcm'")

    def with_learning_rate(self, learning_rate: float) -> HebbianConfig:
        return replace(self, learning_rate=learning_rate)

    def with_classic_rule(self) -> HebbianConfig:
        return replace(self, rule="classic", sliding=None)

    def with_oja_rule(self) -> HebbianConfig:
        return replace(self, rule="oja", sliding=None)

    def with_bcm_rule(self, threshold: float = 0.5, sliding: SlidingThreshold | None = None) -> HebbianConfig:
        return replace(self, rule="bcm", bcm_threshold=threshold, sliding=sliding)

    def with_anti_hebbian_rule(self) -> HebbianConfig:
        return replace(self, rule="anti", sliding=None)

    def with_decay(self, weight_decay: float) -> HebbianConfig:
        return replace(self, weight_decay=weight_decay)

    def with_bounds(self, min_weight: float, max_weight: float) -> HebbianConfig:
        return replace(self, min_weight=min_weight, max_weight=max_weight)


@dataclass(frozen=True)
class HybridLearningConfig:
    """How much of a step is gradient and how much is Hebb; each weight multiplies the rate of its part.

    clip: "norm" scales all gradients together so that their global norm is at most max_grad_norm (Pascanu, Mikolov & Bengio 2013, ICML),
    "element" cuts each component to +-max_grad_norm, None leaves them.
    """

    gradient_weight: float = 0.7
    hebbian_weight: float = 0.3
    gradient_lr: float = 0.001
    hebbian: HebbianConfig = field(default_factory=HebbianConfig)
    clip: str | None = "norm"
    max_grad_norm: float = 1.0

    def __post_init__(self) -> None:
        number(self.gradient_weight, "gradient_weight", 0.0, 1.0, "a number in 0..1")
        number(self.hebbian_weight, "hebbian_weight", 0.0, 1.0, "a number in 0..1")
        number(self.gradient_lr, "gradient_lr", 0.0, 1e300, "a finite number, at least 0")
        if not isinstance(self.hebbian, HebbianConfig):
            raise DescriptionError(f"hebbian is {short(self.hebbian)}: give a HebbianConfig")
        if not (self.clip is None or isinstance(self.clip, str)) or self.clip not in CLIPS:
            raise DescriptionError(f"clip is {short(self.clip)}: use 'norm', 'element' or None")
        number(self.max_grad_norm, "max_grad_norm", 1e-300, 1e300, "a positive, finite number; clip=None switches clipping off")

    def with_weights(self, gradient: float, hebbian: float) -> HybridLearningConfig:
        return replace(self, gradient_weight=gradient, hebbian_weight=hebbian)

    def with_learning_rates(self, gradient: float, hebbian: float) -> HybridLearningConfig:
        return replace(self, gradient_lr=gradient, hebbian=self.hebbian.with_learning_rate(hebbian))

    def with_hebbian(self, hebbian: HebbianConfig) -> HybridLearningConfig:
        return replace(self, hebbian=hebbian)

    def with_clipping(self, clip: str | None, max_grad_norm: float = 1.0) -> HybridLearningConfig:
        return replace(self, clip=clip, max_grad_norm=max_grad_norm)
