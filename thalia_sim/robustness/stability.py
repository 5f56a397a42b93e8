"""Watches whether a population's rate stays in a range.

    rate = spikes in the last `window` / (n window)        n: all neurons of the population, those that a lesion took too

No spike in the window is a state of its own (`silent`), beside being under the range or not.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..checks import is_number
from ..errors import DescriptionError
from ..given import short, truth
from ..hooks.contract import Hook, StopRun
from .arguments import population_of, positive


class Stability(Hook):
    """Records the rate of a population and tells when it leaves its range and comes back.

    rate      (lowest, highest) rate allowed, Hz; judged from the first full window on
    every     ms between two looks
    window    ms over which spikes are counted, a multiple of `every`
    stop      end the run when the rate was out of range for `patience` at a stretch
    patience  ms

    At each look a recording gets the rate, whether it is in range, for how long it was out in total, and whether the population is silent.
    """

    is_mechanism = False
    units = {"rate": "Hz", "in_range": "1", "out_of_range": "ms", "silent": "1"}
    # declared state
    ring: Any  # [window/every] spikes between looks, oldest at `looks` modulo its length
    count: Any  # spikes since the last look
    looks: Any
    begun: Any  # step of the start
    rate_now: Any  # Hz
    is_out: Any
    out_for: Any  # ms, without a break
    out_in_all: Any  # ms
    silent: Any

    def __init__(
        self, population: str, rate: tuple[float, float] = (0.5, 60.0), *, every: float = 100.0, window: float = 1000.0, stop: bool = False,
        patience: float = 5000.0,
    ) -> None:  # fmt: skip
        ends = tuple(rate) if isinstance(rate, (tuple, list)) else ()
        if len(ends) != 2 or not all(map(is_number, ends)) or not 0.0 <= ends[0] < ends[1]:
            raise DescriptionError(f"rate of Stability is {short(rate)}: give the lowest and the highest rate in Hz, such as (0.5, 60.0)")
        self.population, self.low, self.high = population, float(ends[0]), float(ends[1])
        self.every, self.window = positive(every, "every of Stability", "ms"), positive(window, "window of Stability", "ms")
        if round(window / every) < 1 or abs(window / every - round(window / every)) > 1e-9:
            raise DescriptionError(f"window of Stability is {window:g} ms, no multiple of every, {every:g} ms: choose one")
        self.stop, self.patience = truth(stop, "stop of Stability"), positive(patience, "patience of Stability", "ms")

    def start(self, sim: Any) -> None:
        population_of(sim, self.population, self.name)
        assert self.every is not None
        self.declare(ring=np.zeros(round(self.window / self.every), np.int64), count=0, looks=0, begun=sim.step)
        self.declare(rate_now=np.nan, is_out=False, out_for=0.0, out_in_all=0.0, silent=False)

    def spikes(self, sim: Any, steps: Any, ids: Any) -> None:
        population = sim.net.populations[self.population]
        self.count += np.count_nonzero((ids >= population.offset) & (ids < population.offset + population.n))

    def handle(self, sim: Any) -> None:
        self.ring[int(self.looks) % len(self.ring)] = self.count
        self.looks += 1
        self.count = 0
        since = (sim.step - int(self.begun)) * sim.dt
        spikes = int(self.ring.sum())
        n = max(sim.net.populations[self.population].n, 1)
        self.rate_now = 1000.0 * spikes / (n * min(since, self.window)) if since > 0.0 else np.nan
        self.silent = spikes == 0
        if self.looks >= len(self.ring):
            self.judge(sim)

    def judge(self, sim: Any) -> None:
        """Compare the rate with its range; tell of a change; end the run if asked to."""
        assert self.every is not None
        is_out = not self.low <= self.rate_now <= self.high
        self.out_for = float(self.out_for) + self.every if is_out else 0.0
        self.out_in_all += self.every if is_out else 0.0
        if is_out != bool(self.is_out):
            self.is_out = is_out
            facts = {"population": self.population, "rate": float(self.rate_now), "range": [self.low, self.high], "silent": bool(self.silent)}
            sim.tell(self.name, "out of range" if is_out else "back in range", facts)
        if self.stop and self.out_for >= self.patience:
            rate = f"the rate of {self.population}, {float(self.rate_now):g} Hz"
            raise StopRun(f"{rate}, was out of {self.low:g}..{self.high:g} Hz for {float(self.out_for):g} ms")

    def diagnostics(self) -> dict[str, float]:
        """See `units`."""
        if not self.has_begun:
            return dict.fromkeys(self.units, np.nan)
        values = self.rate_now, not self.is_out, self.out_in_all, self.silent
        return {name: float(value) for name, value in zip(self.units, values, strict=True)}
