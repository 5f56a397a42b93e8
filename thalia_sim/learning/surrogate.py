"""What stands for the derivative of a spike (Zenke & Ganguli 2018, Neural Comput. 30:1514: SuperSpike; Neftci, Mostafa & Zenke 2019, IEEE SPM 36:51).

    forward    s = 1 if u >= 0 else 0,    u = v - v_th
    backward   ds/du = beta/2 / (1 + beta |u|)^2

ds/du is the derivative of the fast sigmoid S(u) = (1 + beta u / (1 + beta |u|)) / 2, which rises from 0 to 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .config import number


@dataclass(frozen=True)
class FastSigmoid:
    """Spikes that are 0 or 1, with the slope of a fast sigmoid."""

    beta: float = 1.0  # 1/mV

    def __post_init__(self) -> None:
        number(self.beta, f"beta of {type(self).__name__}", 1e-300, 1e300, "a positive number per mV")

    def spike(self, u: Any) -> Any:
        """Spikes at u = v - v_th (mV)."""
        return (u >= 0.0).astype(np.float64)

    def slope(self, u: Any) -> Any:
        """Their derivative, 1/mV."""
        return 0.5 * self.beta / np.square(1.0 + self.beta * np.abs(u))


@dataclass(frozen=True)
class SmoothSpike(FastSigmoid):
    """Spikes that are S(u) itself, so that `slope` is their true derivative: what the gradient is checked with."""

    def spike(self, u: Any) -> Any:
        return 0.5 + 0.5 * self.beta * u / (1.0 + self.beta * np.abs(u))
