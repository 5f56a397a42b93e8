"""Activations of rate units a = f(z) and their derivatives, from z and a."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Activation:
    """f(z) and its derivative slope(z, a) with a = f(z), both over arrays."""

    name: str
    f: Callable[[Any], Any]
    slope: Callable[[Any, Any], Any]

    def __repr__(self) -> str:
        return self.name


def logistic(z: Any) -> Any:
    """1 / (1 + exp(-z)), without overflow."""
    return 0.5 * (1.0 + np.tanh(0.5 * z))


linear = Activation("linear", lambda z: z * 1.0, lambda z, a: np.ones_like(z))
tanh = Activation("tanh", np.tanh, lambda z, a: 1.0 - a * a)
sigmoid = Activation("sigmoid", logistic, lambda z, a: a * (1.0 - a))
relu = Activation("relu", lambda z: np.maximum(z, 0.0), lambda z, a: (z > 0.0) * 1.0)  # slope 0 at z = 0
