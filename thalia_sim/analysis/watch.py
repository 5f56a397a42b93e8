"""A run as it goes on, seen from another process: time, speed and rates from its recording."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from ..recording import open_recording
from ..recording.segments import owner_lives


def watch_recording(path: str | Path, every: float = 1.0) -> Iterator[str]:
    """A line every so many seconds, and one when the run has ended or its process is gone."""
    before: dict[str, int] = {}
    last_t, last_wall = 0.0, 0.0
    while True:
        with open_recording(path) as recording:
            status, t, dead = recording.status, recording.duration, not any(owner_lives(file) for file in recording.opened)
            wall = recording.wall_s
            spikes = {name: p.n_spikes for name, p in recording.populations.items()}
            sizes = {name: p.n_recorded for name, p in recording.populations.items()}
        span = t - last_t
        rates = {n: (spikes[n] - before.get(n, 0)) / sizes[n] / span * 1000.0 for n in spikes if sizes[n] and span > 0}
        passed = wall - last_wall if wall > last_wall > 0 else 0.0
        speed = f", {span / 1000.0 / passed:.3g} x real time" if passed else ""
        shown = ", ".join(f"{name} {rate:.3g} Hz" for name, rate in list(rates.items())[:8])
        yield f"{t:10.0f} ms{speed}{', ' if shown else ''}{shown}"
        if status != "running":
            yield f"{path} is {status}"
            return
        if dead:
            yield f"{path} is written by no process any more: go on with thalia-sim resume {path}, or thalia-sim recover {path}"
            return
        before, last_t, last_wall = spikes, t, wall
        time.sleep(every)
