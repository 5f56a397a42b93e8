"""What do the measures cost on 10^8 spikes?

python experiments/measures_scale.py [--spikes 1e8] [--neurons 1e5] [--rate 10]

Each measure gets a process of its own and the same Poisson spikes, made block by block and never all in memory; only the measure is timed. The peak
is that of the whole process (resident memory), Python and NumPy included. Weights are as many as spikes. Writes the table of docs/measures.md.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from thalia_sim import measures as ms
from thalia_sim.analysis import measure_recording
from thalia_sim.measures import Meter
from thalia_sim.recording.format import META
from thalia_sim.recording.tables import Members, SpikeTable
from thalia_sim.recording.writer import RecordingWriter

PAGE = Path(__file__).resolve().parent.parent / "docs" / "measures.md"
BLOCK = 1_000_000  # spikes
MARKS = ("<!-- scale -->", "<!-- end of scale -->")

METERS: dict[str, Callable[[int], Meter]] = {
    "rate of each neuron": lambda n: ms.RateMeter(n),
    "population rate, bins of 1 ms": lambda n: ms.PopulationRateMeter(n, 1.0),
    "intervals, CV, LV": lambda n: ms.IntervalMeter(n),
    "Fano factor, windows of 100 ms": lambda n: ms.FanoMeter(n, 100.0),
    "synchrony, bins of 3 ms": lambda n: ms.SynchronyMeter(n, 3.0),
    "avalanches, bins of 1 us": lambda n: ms.AvalancheMeter(n, 0.001),  # the mean interval
    "correlation of 200 neurons, bins of 2 ms": lambda n: ms.CorrelationMeter(n, 2.0, np.linspace(0, n - 1, 200).astype(int)),
}
SERIES: dict[str, Callable[[ms.PopulationRate], Any]] = {
    "smoothed rate, sd 10 ms": lambda r: ms.smoothed(r.rate, r.bin, 10.0),
    "cross-correlogram, lags to 100 ms": lambda r: ms.cross_correlogram(r.counts, r.counts, r.bin, 100.0),
    "power spectrum, segments of 1 s": lambda r: ms.power_spectrum(r.counts, r.bin, r.n),
    "branching ratio": lambda r: ms.branching_ratio(r.counts, r.bin),
    "stationarity": lambda r: ms.drift_of_mean(r.rate),
}
WEIGHTS = ("distribution of weights", "drift of weights")
RECORDING = "all of them, of a recording"


def poisson(spikes: int, n: int, rate: float) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Blocks of spikes of n independent neurons: the sum of Poisson processes is one, and who fires is drawn."""
    rng, t = np.random.default_rng(1), 0.0
    for begin in range(0, spikes, BLOCK):
        k = min(BLOCK, spikes - begin)
        times = t + np.cumsum(rng.exponential(1000.0 / (n * rate), k))
        t = float(times[-1])
        yield times, rng.integers(0, n, k)


def weights(spikes: int) -> np.ndarray:
    rng, w = np.random.default_rng(2), np.empty(spikes, dtype=np.float32)
    for begin in range(0, spikes, BLOCK):
        w[begin : begin + BLOCK] = rng.lognormal(0.0, 0.5, min(BLOCK, spikes - begin))
    return w


def record(path: Path, spikes: int, n: int, rate: float) -> None:
    """A recording of the same spikes, on a clock of 0.1 ms."""
    exc = Members("exc", n, 0, "LIF")
    numbers = {"seed": 1, "dt_ns": 100_000, "threads": 1, "git_dirty": 0, "versions_json": {}, "config_json": {}, "populations_json": [exc._asdict()]}
    writer = RecordingWriter(path)
    writer.metadata({**dict.fromkeys(META, ""), **numbers})
    table, step = SpikeTable(writer, [exc], {"exc": None}, dt=0.1), 0
    writer.begin()
    for t, ids in poisson(spikes, n, rate):
        steps = np.ceil(t / 0.1).astype(np.int64) - 1
        for begin in range(0, len(t), BLOCK // 10):
            part = slice(begin, begin + BLOCK // 10)
            table.append(steps[part], ids[part])
            table.split(int(steps[part][-1]) + 1)
            step = int(steps[part][-1]) + 1
            writer.commit(step, step * 0.1)
    writer.end("complete", step * 0.1)


def one(name: str, spikes: int, n: int, rate: float) -> dict[str, Any]:
    """Seconds and peak memory of a measure, in this process."""
    if name.endswith(".h5"):
        begin = time.perf_counter()
        measure_recording(name)
        seconds = time.perf_counter() - begin
    elif name in WEIGHTS:
        w = weights(spikes)
        after = w + np.float32(0.1) if name == WEIGHTS[1] else w
        begin = time.perf_counter()
        _ = ms.weight_drift(w, after) if name == WEIGHTS[1] else ms.weight_distribution(w)
        seconds = time.perf_counter() - begin
    else:
        meter: Meter = METERS[name](n) if name in METERS else ms.PopulationRateMeter(n, 1.0)
        seconds, t1 = 0.0, 0.0
        for t, ids in poisson(spikes, n, rate):
            begin = time.perf_counter()
            meter.add(t, ids)
            seconds += time.perf_counter() - begin
            t1 = float(t[-1])
        begin = time.perf_counter()
        found = meter.result(t1)
        if name in SERIES:
            SERIES[name](found)
        seconds += time.perf_counter() - begin
    return {"seconds": seconds, "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000.0}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--spikes", type=float, default=1e8)
    parser.add_argument("--neurons", type=float, default=1e5)
    parser.add_argument("--rate", type=float, default=10.0, help="Hz")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    given = parser.parse_args()
    spikes, n = int(given.spikes), int(given.neurons)
    if given.one:
        print(json.dumps(one(given.one, spikes, n, given.rate)))
        return
    lines = ["| measure | s | peak MB |", "| --- | --- | --- |"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.h5"
        record(path, spikes, n, given.rate)
        for name in (*METERS, *SERIES, *WEIGHTS, RECORDING):
            what = str(path) if name == RECORDING else name
            command = [sys.executable, __file__, "--spikes", str(spikes), "--neurons", str(n), "--rate", str(given.rate), "--one", what]
            found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            counted = " (with counting the spikes)" if name in SERIES else ""
            lines.append(f"| {name}{counted} | {found['seconds']:.1f} | {found['peak_mb']:.0f} |")
            print(lines[-1], flush=True)
    what = f"{spikes:,} Poisson spikes of {n:,} neurons at {given.rate:g} Hz, or {spikes:,} weights"
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(MARKS[0])
    after = rest.partition(MARKS[1])[2]
    text = "\n".join([MARKS[0], f"`experiments/measures_scale.py`: {what}, each measure in a process of its own.", "", *lines, MARKS[1]])
    PAGE.write_text(before + text + after, encoding="utf-8")


if __name__ == "__main__":
    main()
