"""Currents into the membrane (pA): constant, stepwise, ramp, sine, and coloured noise. Each is a drive; several on one target add up."""

import math
from typing import Any, NamedTuple

import numpy as np

from ..errors import DescriptionError
from ..given import check_numbers, finite_array, short
from .contract import current


class DC(NamedTuple):
    """A constant current."""

    amplitude: Any = 0.0  # pA: a number, or one value a target

    def check(self, n: int, dt: float, where: str, whole: bool) -> None:
        values = finite_array(self.amplitude, f"amplitude of {where}")
        if values.ndim and values.shape != (n,):
            raise DescriptionError(f"amplitude of {where} has shape {list(values.shape)} for {n} targets: give a number or one value a target")


class StepCurrent(NamedTuple):
    """amplitudes[k] from times[k] on, until times[k + 1]; nothing before the first."""

    times: Any = (0.0,)  # ms
    amplitudes: Any = (0.0,)  # pA

    def check(self, n: int, dt: float, where: str, whole: bool) -> None:
        times = np.atleast_1d(finite_array(self.times, f"list of times of {where}"))
        amplitudes = np.atleast_1d(finite_array(self.amplitudes, f"list of amplitudes of {where}"))
        if times.ndim != 1 or amplitudes.ndim != 1 or (whole and len(times) != len(amplitudes)):
            shapes = f"times {list(times.shape)} and amplitudes {list(amplitudes.shape)}"
            raise DescriptionError(f"{where} has {shapes}: give two lists, as many amplitudes as times")
        if (np.diff(times) <= 0).any() or (times < 0).any():
            raise DescriptionError(f"times of {where} are {short(self.times)}: give times from 0 on, rising")
        off = np.abs(times / dt - np.round(times / dt)) > np.maximum(1e-6, 1e-9 * times / dt)
        if off.any():
            raise DescriptionError(f"times of {where} have {times[off][0]:g} ms: give a whole number of steps of {dt:g} ms")


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

    def check(self, n: int, dt: float, where: str, whole: bool) -> None:
        check_numbers(self, where)
        if not self.stop > self.start:
            raise DescriptionError(f"{where} goes from start {self.start:g} to stop {self.stop:g} ms: stop must be after start")


def sine(t, p):
    """offset + amplitude sin(2 pi frequency t + phase)."""
    return p.offset + p.amplitude * math.sin(2.0 * math.pi * p.frequency * t * 0.001 + p.phase)


@current(sine)
class Sine(NamedTuple):
    amplitude: float = 100.0  # pA
    frequency: float = 10.0  # Hz
    phase: float = 0.0  # radian
    offset: float = 0.0  # pA

    def check(self, n: int, dt: float, where: str, whole: bool) -> None:
        check_numbers(self, where)


class OrnsteinUhlenbeck(NamedTuple):
    """Gaussian noise with an exponential correlation, independent for each target; exact on the grid (Gillespie 1996, Phys. Rev. E 54:2084).

    It starts at its mean, so that the variance is sd^2 (1 - exp(-2 t / tau)).
    """

    mean: float = 0.0  # pA
    sd: float = 10.0  # pA, in the long run
    tau: float = 5.0  # ms, correlation time

    def check(self, n: int, dt: float, where: str, whole: bool) -> None:
        check_numbers(self, where)
        if self.tau <= 0 or self.sd < 0:
            raise DescriptionError(f"{where} has tau {self.tau:g} ms and sd {self.sd:g} pA: tau must be positive, sd at least 0")
