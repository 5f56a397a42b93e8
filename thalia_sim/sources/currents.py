"""Currents into the membrane (pA): constant, stepwise, ramp, sine, and coloured noise. Each is a drive; several on one target add up."""

import math
from typing import Any, NamedTuple

from .contract import current


class DC(NamedTuple):
    """A constant current."""

    amplitude: Any = 0.0  # pA: a number, or one value a target


class StepCurrent(NamedTuple):
    """amplitudes[k] from times[k] on, until times[k + 1]; nothing before the first."""

    times: Any = (0.0,)  # ms
    amplitudes: Any = (0.0,)  # pA


def ramp(t, p):
    """From `first` at `start` in a straight line to `last` at `stop`; nothing before, `last` after."""
    share = (t - p.start) / (p.stop - p.start)
    return 0.0 if share < 0.0 else p.first + (p.last - p.first) * min(share, 1.0)


@current(ramp)
class Ramp(NamedTuple):
    start: float = 0.0  # ms
    stop: float = 100.0  # ms
    first: float = 0.0  # pA
    last: float = 100.0  # pA


def sine(t, p):
    """offset + amplitude sin(2 pi frequency t + phase)."""
    return p.offset + p.amplitude * math.sin(2.0 * math.pi * p.frequency * t * 0.001 + p.phase)


@current(sine)
class Sine(NamedTuple):
    amplitude: float = 100.0  # pA
    frequency: float = 10.0  # Hz
    phase: float = 0.0  # radian
    offset: float = 0.0  # pA


class OrnsteinUhlenbeck(NamedTuple):
    """Gaussian noise with an exponential correlation, independent for each target; exact on the grid (Gillespie 1996, Phys. Rev. E 54:2084).

    It starts at its mean, so that the variance is sd^2 (1 - exp(-2 t / tau)).
    """

    mean: float = 0.0  # pA
    sd: float = 10.0  # pA, in the long run
    tau: float = 5.0  # ms, correlation time
