"""A progress bar: simulated time, speed as a multiple of real time, time left."""

from __future__ import annotations

import time
from typing import Any, TextIO

from tqdm import tqdm

from .contract import Hook

FORMAT = "{desc}{percentage:3.0f}% |{bar}| {n:.0f} of {total:.0f} ms{postfix}, {remaining} left"
OPEN_FORMAT = "{desc}{n:.0f} ms{postfix}, {elapsed}"


class Progress(Hook):
    """Shows how far the run is; asks for no interrupts, so it costs nothing.

    until  ms, end of the run; by default what the simulation says (`sim.until`), and without that an open end
    file   where to write, by default the standard error
    """

    transient = ("file", "bar", "begun", "begin_t")
    is_saved = False
    is_mechanism = False

    def __init__(self, until: float | None = None, file: TextIO | None = None) -> None:
        self.until, self.file = until, file
        self.bar: tqdm | None = None

    def start(self, sim: Any) -> None:
        self.begun, self.begin_t = time.perf_counter(), sim.t
        until = self.until if self.until is not None else getattr(sim, "until", None)
        layout = FORMAT if until is not None else OPEN_FORMAT
        self.bar = tqdm(total=until, initial=sim.t, file=self.file, bar_format=layout, mininterval=0.2, smoothing=0.1, leave=True)
        self.show(sim)

    def flushed(self, sim: Any) -> None:
        self.show(sim)

    def finish(self, sim: Any, status: str) -> None:
        if self.bar is not None:
            self.show(sim)
            self.bar.refresh()
            self.bar.close()
            self.bar = None

    def show(self, sim: Any) -> None:
        if self.bar is not None:
            self.bar.set_postfix_str(f"{self.speed(sim):.3g} x real time", refresh=False)
            self.bar.update(sim.t - self.bar.n)

    def speed(self, sim: Any) -> float:
        """Simulated time over wall time since the start."""
        wall = (time.perf_counter() - self.begun) * 1e3
        return (sim.t - self.begin_t) / wall if wall > 0 else 0.0
