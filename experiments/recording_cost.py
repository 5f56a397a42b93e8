"""What do a recording and a checkpoint cost?

python experiments/recording_cost.py [--pairs 6] [--seconds 20] [--spikes 100000000] [recording spikes checkpoint]

recording    the microcircuit of Potjans & Diesmann (2014) at scale 0.1, with and without a recording of all spikes, in turns: the median of the
             differences in per cent of the run, closing the file included or not. Bar: 5 %
spikes       memory of a process that records ever more spikes, up to 10^8: a network of neurons that fire at 500 Hz. Bar: flat
checkpoint   the full microcircuit: seconds for the first and the second checkpoint and for resuming, memory. Bars: 20 s, 2 s, 10 % more memory

Writes docs/recording_cost.json and from it docs/recording_cost.md; parts that are not asked for keep the figures that they have.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from thalia_sim import DC, Hook, LIFExp1, Network, Recorder, Simulation, open_recording
from thalia_sim.circuits import potjans_diesmann

DOCS = Path(__file__).resolve().parent.parent / "docs"


def memory_mb() -> float:
    """Resident memory of this process now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


class Timed(Recorder):
    """A recorder that adds up the time spent in it."""

    transient = (*Recorder.transient, "spent")
    spent = 0.0

    def spikes(self, sim: Any, steps: Any, ids: Any) -> None:
        begin = time.perf_counter()
        super().spikes(sim, steps, ids)
        self.spent += time.perf_counter() - begin

    def flushed(self, sim: Any) -> None:
        begin = time.perf_counter()
        super().flushed(sim)
        self.spent += time.perf_counter() - begin

    def finish(self, sim: Any, status: str) -> None:
        begin = time.perf_counter()
        super().finish(sim, status)
        self.spent += time.perf_counter() - begin


def recording(pairs: int, seconds: float) -> dict[str, Any]:
    """Wall times (s) of runs without and with a recorder, side by side, and the same in CPU time of the process, which other users disturb less."""
    net = potjans_diesmann(scale=0.1)
    sim = Simulation(net)
    sim.run(1000.0)
    rows = sim.rows
    found: list[tuple[float, ...]] = []
    inside: list[float] = []  # % of a run with its close
    spikes = 0
    with tempfile.TemporaryDirectory() as folder:
        for pair in range(pairs):
            times = {}
            for kind in ("bare", "recorded") if pair % 2 == 0 else ("recorded", "bare"):
                path = Path(folder) / f"{pair}.h5"
                hooks = [Timed(path)] if kind == "recorded" else []
                sim = Simulation(net, hooks, rows=rows)
                sim.run(0.0)
                begin, cpu = time.perf_counter(), time.process_time()
                sim.run(seconds * 1000.0)
                ran = time.perf_counter() - begin
                sim.close()
                times[kind] = (ran, time.perf_counter() - begin, time.process_time() - cpu)
                if hooks:
                    inside.append(100.0 * hooks[0].spent / times[kind][1])
            with open_recording(path) as r:
                spikes = sum(p.n_spikes for p in r.populations.values())
            path.unlink()
            found.append((times["bare"][0], times["recorded"][0], times["recorded"][1], times["bare"][2], times["recorded"][2]))
            print("without {:.2f} s, with {:.2f} s, closed {:.2f} s; CPU {:.2f}, {:.2f} s".format(*found[-1]), flush=True)
    cost, closed, cpu = ([100.0 * (f[b] - f[a]) / f[a] for f in found] for a, b in ((0, 1), (0, 2), (3, 4)))
    return {
        "pairs": pairs, "seconds": seconds, "spikes": spikes, "bare_s": statistics.median(f[0] for f in found),
        "percent": [statistics.median(cost), min(cost), max(cost)], "percent_closed": [statistics.median(closed), min(closed), max(closed)],
        "percent_inside": [statistics.median(inside), min(inside), max(inside)],
        "percent_cpu": [statistics.median(cpu), min(cpu), max(cpu)],
    }  # fmt: skip


class Scale(Hook):
    """Notes memory at ten moments of a run."""

    transient = ("found", "seen")
    is_saved = False

    def __init__(self, at: tuple[float, ...]) -> None:
        self.at = at
        self.found: list[tuple[int, float]] = []
        self.seen = 0

    def spikes(self, sim: Any, steps: Any, ids: Any) -> None:
        self.seen += len(ids)

    def handle(self, sim: Any) -> None:
        self.found.append((self.seen, memory_mb()))


def spikes(number: int) -> dict[str, Any]:
    """(spikes so far, MB) at ten moments of a run that records `number` spikes."""
    net = Network(seed=1)
    fast = net.populate("fast", 20_000, LIFExp1(tau_m=10.0, t_ref=1.0, e_l=-65.0, v_th=-50.0, v_reset=-65.0, c_m=100.0))
    net.drive(fast, DC(amplitude=1000.0))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "many.h5"
        probe = Scale(())
        with Simulation(net, [probe]) as trial:
            trial.run(200.0)
        per_ms = probe.seen / 200.0
        until = round(number / per_ms)
        scale = Scale(tuple(float(round(until * k / 10)) for k in range(1, 11)))
        begin = time.perf_counter()
        with Simulation(net, [scale, Recorder(path)]) as sim:
            sim.run(float(until))
        wall = time.perf_counter() - begin
        with open_recording(path) as r:
            recorded = r.populations["fast"].n_spikes
        size = path.stat().st_size / 1e6
    return {"spikes": recorded, "memory": scale.found, "peak_mb": peak_mb(), "wall_s": wall, "file_mb": size}


def checkpoint() -> dict[str, Any]:
    """Seconds and memory of checkpoints of the full microcircuit."""
    sim = Simulation(potjans_diesmann(scale=1.0), threads=2)
    sim.run(100.0)
    found: dict[str, Any] = {"before_mb": peak_mb()}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for k in ("first", "second", "third"):
            begin = time.perf_counter()
            sim.save(folder / f"{sim.step}.h5", store=folder)
            found[f"{k}_s"] = time.perf_counter() - begin
            sim.run(10.0)
        found["after_mb"] = peak_mb()
        found["folder_mb"] = sum(p.stat().st_size for p in folder.glob("*.h5")) / 1e6
        newest = max(folder.glob("[0-9]*.h5"), key=lambda p: p.stat().st_mtime)
        del sim
        begin = time.perf_counter()
        Simulation.resume(newest, threads=2)
        found["resume_s"] = time.perf_counter() - begin
    return found


def apart(function: Callable[..., dict[str, Any]], *arguments: Any) -> dict[str, Any]:
    """The result of a function in a process of its own, whose memory is its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def page(results: dict[str, Any]) -> str:
    lines = ["# What a recording and a checkpoint cost", "", "Written by `experiments/recording_cost.py`; two cores, other users beside it.", ""]
    if (r := results.get("recording")) is not None:
        kinds = ("percent", "percent_closed", "percent_cpu", "percent_inside")
        run, closed, cpu, inside = ("{:.1f} % ({:.1f} to {:.1f})".format(*r[k]) for k in kinds)
        lines += [
            "## Recording all spikes", "",
            f"Potjans-Diesmann at scale 0.1, {r['seconds']:g} s of simulated time, {r['spikes']:,} spikes; {r['pairs']} pairs of runs in turns, "
            f"{r['bare_s']:.2f} s without: the recording costs {run} of the run, median (smallest to largest), {closed} with closing "
            f"the file, {cpu} of its CPU time with closing. Of a run and its close {inside} is spent in the recorder. Bar: 5 %.", "",
        ]  # fmt: skip
    if (r := results.get("spikes")) is not None:
        lines += ["## Memory over many spikes", "", "| spikes | memory (MB) |", "| --- | --- |"]
        lines += [f"| {n:,} | {mb:.0f} |" for n, mb in r["memory"]]
        lines += ["", f"{r['spikes']:,} spikes in {r['wall_s']:.0f} s, a file of {r['file_mb']:,.0f} MB; at most {r['peak_mb']:.0f} MB.", ""]
    if (r := results.get("checkpoint")) is not None:
        lines += [
            "## Checkpoints of the full microcircuit", "", "| what | found | bar |", "| --- | --- | --- |",
            f"| first checkpoint | {r['first_s']:.2f} s | 20 s |", f"| second, third | {r['second_s']:.2f} s, {r['third_s']:.2f} s | 2 s |",
            f"| memory beyond the run's peak | {100 * (r['after_mb'] / r['before_mb'] - 1):.1f} % of {r['before_mb']:.0f} MB | 10 % |",
            f"| resuming | {r['resume_s']:.2f} s | |", f"| folder of all three | {r['folder_mb']:.0f} MB | |", "",
        ]  # fmt: skip
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("parts", nargs="*", default=["recording", "spikes", "checkpoint"])
    parser.add_argument("--pairs", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--spikes", type=int, default=100_000_000)
    given = parser.parse_args()
    file = DOCS / "recording_cost.json"
    results = json.loads(file.read_text()) if file.exists() else {}
    runs = {"recording": (recording, given.pairs, given.seconds), "spikes": (spikes, given.spikes), "checkpoint": (checkpoint,)}
    for part in given.parts:
        results[part] = apart(*runs[part])
    file.write_text(json.dumps(results, indent=1) + "\n")
    (DOCS / "recording_cost.md").write_text(page(results))
    print(page(results))


if __name__ == "__main__":
    main()
