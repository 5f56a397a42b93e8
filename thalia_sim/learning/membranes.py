"""The membranes of spiking layers over arrays, a step forward and its adjoint backward.

Forward they do what `LIFDelta` and `LIFExp1` do, operation by operation. In a step, v becomes v_free, from which follow
    s = spike(v_free - v_th),    v' = (1 - s) v_free + s v_reset
and the gradient runs through both, the reset included. It does not run through the refractory clock, which is a step in v, nor where v is
clamped: at v_min, at the bounds of the input, or while refractory.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..neurons.propagators import TINY

Floats = NDArray[np.float64]


@dataclass
class Membrane:
    """What both have. p: parameters of the model; c: its constants of a step; start: state field -> [n] at the start."""

    p: Any
    c: Any
    start: dict[str, Floats]
    v: Floats = field(init=False)  # [samples, n] mV
    left: Floats = field(init=False)  # [samples, n] steps of refractoriness still to come
    v_free: list[Floats] = field(init=False)  # before the reset, step by step
    spikes: list[Floats] = field(init=False)
    free: list[NDArray[np.bool_]] = field(init=False)  # where v depends on the step before

    def begin(self, samples: int) -> None:
        """Start a forward pass."""
        self.v, self.left = (np.repeat(self.start[f][None], samples, axis=0) for f in ("v", "left"))
        self.v_inf = self.p.e_l + self.c.r_m * self.start["i_ext"]
        self.v_free, self.spikes, self.free = [], [], []

    def fire(self, v: Floats, surrogate: Any) -> Floats:
        """Spikes [samples, n] for the potential before refractoriness, bounds and reset."""
        awake, above = self.left <= 0.0, v >= self.p.v_min
        v = np.where(awake, np.where(above, v, self.p.v_min), self.p.v_reset)
        u = v - self.start["v_th"]
        s: Floats = surrogate.spike(u)
        self.v = (1.0 - s) * v + s * self.p.v_reset
        self.left = np.where(u >= 0.0, self.c.ref, np.maximum(self.left - 1.0, 0.0))
        self.v_free.append(v)
        self.spikes.append(s)
        self.free.append(awake & above)
        return s

    def begin_back(self) -> None:
        """Start at the end."""
        self.dv = np.zeros_like(self.v)

    def step(self, x: Floats, surrogate: Any) -> Floats:
        """Spikes [samples, n] of a step in which x arrives."""
        raise NotImplementedError

    def back(self, step: int, ds: Floats, surrogate: Any) -> Floats:
        """dL/dx of a step, from dL/ds of its spikes; the steps in falling order."""
        raise NotImplementedError

    def unfire(self, step: int, ds: Floats, surrogate: Any) -> Floats:
        """dL/dv before refractoriness, bounds and reset, from dL/ds of this step and dL/dv after it."""
        v, s = self.v_free[step], self.spikes[step]
        ds = ds + self.dv * (self.p.v_reset - v)
        dv = self.dv * (1.0 - s) + ds * surrogate.slope(v - self.start["v_th"])
        return np.where(self.free[step], dv, 0.0)


class DeltaMembrane(Membrane):
    """v_free = v_inf + (v - v_inf) decay + x, with x what arrives in this step."""

    def begin(self, samples: int) -> None:
        super().begin(samples)
        self.within: list[NDArray[np.bool_]] = []

    def step(self, x: Floats, surrogate: Any) -> Floats:
        bounded = np.clip(x, -self.p.x_max, self.p.x_max)
        self.within.append(bounded == x)
        return self.fire(self.v_inf + (self.v - self.v_inf) * self.c.decay + bounded, surrogate)

    def back(self, step: int, ds: Floats, surrogate: Any) -> Floats:
        dv = self.unfire(step, ds, surrogate)
        self.dv = dv * self.c.decay
        return np.where(self.within[step], dv, 0.0)


class Exp1Membrane(Membrane):
    """v_free = v_inf + (v - v_inf) decay_v + i i_to_v, then i' = i decay_i + x, kept within i_max."""

    def begin(self, samples: int) -> None:
        super().begin(samples)
        self.i = np.repeat(self.start["i_syn"][None], samples, axis=0)
        self.within: list[NDArray[np.bool_]] = []

    def step(self, x: Floats, surrogate: Any) -> Floats:
        s = self.fire(self.v_inf + (self.v - self.v_inf) * self.c.decay_v + self.i * self.c.i_to_v, surrogate)
        decayed = self.i * self.c.decay_i
        i = np.where(np.abs(decayed) > TINY, decayed, 0.0) + x
        self.i = np.clip(i, -self.p.i_max, self.p.i_max)
        self.within.append(self.i == i)
        return s

    def begin_back(self) -> None:
        super().begin_back()
        self.di = np.zeros_like(self.i)

    def back(self, step: int, ds: Floats, surrogate: Any) -> Floats:
        dx = np.where(self.within[step], self.di, 0.0)
        dv = self.unfire(step, ds, surrogate)
        self.dv = dv * self.c.decay_v
        self.di = dx * self.c.decay_i + dv * self.c.i_to_v
        return dx
