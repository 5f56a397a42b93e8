"""Is the network critical? The branching ratio of chosen populations, live, over a sliding window; and a slow regulator of recurrent weights.

    d ln scale / dt = -rate (m - target) - leak ln scale,   low <= scale <= high,   m: branching ratio by multistep regression (measures/branching.py)

The scale multiplies the gains of named projections; excitatory ones, since more inhibition lowers m. Where m is not known (silence, no memory to be
told from noise) nothing changes. Let the regulator be slow: a scale that changes much within a window makes activity drift, which looks like a long
memory. With a leak it comes to rest also where the target cannot be met, at ln scale = -rate (m - target)/leak.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..errors import DescriptionError, PathError, SimulationError, nearest
from ..given import is_number, short
from ..hooks.contract import Hook
from ..measures.branching import NEAR, branching_ratio, check_near, exponential, exponential_with_offset
from .arguments import around_one, not_negative, population_of, positive

STATES = ("silent", "undefined", "subcritical", "near-critical", "supercritical")


class CriticalityMonitor(Hook):
    """Counts the spikes of populations in bins and tells their branching ratio over a sliding window.

    populations  names, one or several, counted together; None: all
    bin          ms; 4 as in Wilting & Priesemann 2018
    window       ms that are regarded, the last ones
    every        ms between two estimates, at most the window; the counts do not depend on it
    k_max        greatest lag in bins; None: as branching_ratio
    offset       fit the slopes by an exponential with offset, for activity whose mean wanders slowly
    near         branching ratios from here to there are near-critical
    regulate     names of projections whose gain follows; none by default
    target, rate, leak, low, high   of the regulator: branching ratio, 1/s, 1/s, bounds of the scale

    Diagnostics: m, tau (ms), regression (the slope of one bin on the one before, too small if only a part of the neurons is counted), state (0
    silent, 1 undefined, 2 subcritical, 3 near-critical, 4 supercritical), scale. The scale is taken away when the hook is detached.
    """

    is_mechanism = property(lambda self: bool(self.regulate))  # else it only watches
    units = {"m": "1", "tau": "ms", "regression": "1", "state": "1", "scale": "1"}
    counts: Any  # declared: [bins] spikes, bin b of all at b % bins; how many bins were begun; step at which bin 0 begins
    begun: Any
    origin: Any
    begin_id: Any
    end_id: Any
    found: Any  # [4] m, tau, regression, number of the state
    scale: Any
    called: Any  # step of the last call

    def __init__(
        self, populations: Any = None, *, bin: float = 4.0, window: float = 10_000.0, every: float = 1000.0, k_max: int | None = None,
        offset: bool = False, near: tuple[float, float] = NEAR, regulate: Any = (), target: float = 0.98, rate: float = 0.02,
        leak: float = 0.0, low: float = 0.5, high: float = 2.0,
    ) -> None:  # fmt: skip
        self.populations = (populations,) if isinstance(populations, str) else None if populations is None else tuple(populations)
        self.regulate = (regulate,) if isinstance(regulate, str) else tuple(regulate)
        self.bin, self.window = positive(bin, f"bin of {self.name}"), positive(window, f"window of {self.name}")
        self.every = positive(every, f"every of {self.name}")
        if self.every > self.window:
            raise DescriptionError(f"every of {self.name} is {every:g} ms, more than its window of {window:g} ms: lengthen the window")
        self.k_max, self.offset, self.near = k_max, offset, check_near(near)
        if not is_number(target) or not 0.0 < target <= 1.0:
            raise DescriptionError(f"target of {self.name} is {short(target)}: give a branching ratio above 0 and up to 1")
        self.target, self.rate = float(target), positive(rate, f"rate of {self.name}")
        self.leak = not_negative(leak, f"leak of {self.name}")
        self.low, self.high = around_one(low, high, f"of {self.name}")

    def start(self, sim: Any) -> None:
        names = tuple(sim.net.populations) if self.populations is None else self.populations
        watched = [population_of(sim, name, self.name) for name in names]
        if not watched:
            raise DescriptionError(f"{self.name} watches no population: name one")
        for name in self.regulate:
            if name not in sim.net.projections:
                raise PathError(f"{self.name}: unknown projection {short(name)}: {nearest(str(name), sim.net.projections)}")
            sim[name].check_amplified()
        bins = self.window / self.bin
        if abs(bins - round(bins)) > 1e-9:
            raise SimulationError(f"window of {self.name} is {self.window:g} ms, no whole number of bins of {self.bin:g} ms: give a multiple")
        first, last = joined([(p.offset, p.offset + p.n) for p in watched])
        self.declare(counts=np.zeros(round(bins), np.int64), begun=0, origin=sim.step)
        self.declare(begin_id=first, end_id=last)
        self.declare(found=[math.nan, math.nan, math.nan, STATES.index("undefined")], scale=1.0, called=sim.step)
        self.declare_name(sim)
        sim.steps_of(self.bin, f"bin of {self.name}")

    def spikes(self, sim: Any, steps: np.ndarray, ids: np.ndarray) -> None:
        for first, last in zip(self.begin_id, self.end_id, strict=True):
            b = (steps[(ids >= first) & (ids < last)] - int(self.origin)) // sim.steps_of(self.bin, "bin")
            if len(b):
                self.begin_bins(int(b[-1]) + 1)
                self.counts += np.bincount(b % len(self.counts), minlength=len(self.counts))

    def begin_bins(self, number: int) -> None:
        """Empty the places of bins up to this number, which begin now."""
        new = np.arange(max(int(self.begun), number - len(self.counts)), number)
        self.counts[new % len(self.counts)] = 0
        self.begun = max(int(self.begun), number)

    def series(self, sim: Any) -> np.ndarray:
        """Counts of the last whole bins, in order of time, [bins]."""
        whole = (sim.step - int(self.origin)) // sim.steps_of(self.bin, "bin")
        self.begin_bins(whole)
        first = max(0, whole - len(self.counts), int(self.begun) - len(self.counts))
        return self.counts[np.arange(first, whole) % len(self.counts)]

    def handle(self, sim: Any) -> None:
        fit = exponential_with_offset if self.offset else exponential
        now = branching_ratio(self.series(sim), self.bin, self.k_max, fit, self.near, resamples=0)
        self.found = [now.m, now.tau, now.regression, STATES.index(now.state)]
        step, self.called = (sim.step - int(self.called)) * sim.dt * 1e-3, sim.step
        if self.regulate and not math.isnan(now.m):
            scale = float(self.scale) ** math.exp(-self.leak * step) * math.exp(-self.rate * (now.m - self.target) * step)
            self.scale = min(max(scale, self.low), self.high)
            for name in self.regulate:
                sim[name].amplify(self.own_name, float(self.scale))

    def finish(self, sim: Any, status: str) -> None:
        for name in self.regulate:
            sim[name].release(self.own_name)

    @property
    def m(self) -> float:
        """The branching ratio at the last estimate; nan if it is not known."""
        return float(self.found[0]) if self.has_begun else math.nan

    @property
    def state_word(self) -> str:
        """silent, undefined, subcritical, near-critical or supercritical, at the last estimate."""
        return STATES[int(self.found[3])] if self.has_begun else "undefined"

    def diagnostics(self) -> dict[str, float]:
        if not self.has_begun:
            return dict.fromkeys(self.units, math.nan)
        m, tau, regression, state = map(float, self.found)
        return {"m": m, "tau": tau, "regression": regression, "state": state, "scale": float(self.scale)}


def joined(ranges: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    """Begins and ends of the ranges of numbers, those that touch as one."""
    found: list[list[int]] = []
    for first, last in sorted(ranges):
        if found and found[-1][1] == first:
            found[-1][1] = last
        else:
            found.append([first, last])
    return np.array([f for f, _ in found], dtype=np.int64), np.array([x for _, x in found], dtype=np.int64)
