"""The benchmark networks and how they are timed: `thalia-sim bench NAME --json` prints the fields that other simulators' scripts print too.

A timed run covers the whole biological time from the initial state (`Simulation.reset`, not timed); all spikes are recorded in memory.
The first run is not among the timed ones: it may compile.
"""

from __future__ import annotations

import json
import math
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from .errors import DescriptionError, nearest

if TYPE_CHECKING:
    from .network import Network


class Benchmark(NamedTuple):
    """A network of the published size at scale `scale`, and how much of its life is simulated."""

    build: Callable[[float, int], Network]  # (scale, seed)
    until: float  # ms
    scale: float = 1.0


def _vogels_abbott(name: str, n: int) -> Callable[[float, int], Network]:
    def build(scale: float, seed: int) -> Network:
        from .circuits import vogels_abbott

        cells = round(n * scale)
        return getattr(vogels_abbott, name)(cells, min(80.0 / cells, 1.0), seed)

    return build


def _brunel(scale: float, seed: int) -> Network:
    from .circuits import brunel

    return brunel(order=round(2500 * scale), seed=seed)


def _brunel_stdp(scale: float, seed: int) -> Network:
    """Additive pair STDP on all synapses between excitatory neurons."""
    from .circuits import brunel
    from .plasticity import PairSTDP

    return brunel(order=round(2500 * scale), seed=seed, rule=PairSTDP(a_plus=0.001, a_minus=1.05 * 0.001, w_max=0.2))


def _quiet(scale: float, seed: int) -> Network:
    from .circuits import quiet

    return quiet(n=round(1_000_000 * scale), seed=seed)


def _microcircuit(scale: float, seed: int) -> Network:
    from .circuits import potjans_diesmann

    return potjans_diesmann(scale, seed)


NETWORKS: dict[str, Benchmark] = {
    "cuba": Benchmark(_vogels_abbott("cuba", 4000), 10_000.0),
    "cuba40k": Benchmark(_vogels_abbott("cuba", 40_000), 2000.0),
    "coba": Benchmark(_vogels_abbott("coba", 4000), 10_000.0),
    "brunel": Benchmark(_brunel, 1000.0),
    "brunel_stdp": Benchmark(_brunel_stdp, 1000.0),
    "quiet": Benchmark(_quiet, 1000.0),
    "pd14": Benchmark(_microcircuit, 1000.0, scale=0.1),
}


def measure(
    name: str,
    *,
    threads: int = 1,
    precision: str = "double",
    scale: float | None = None,
    repeat: int = 3,
    until: float | None = None,
    seed: int = 1,
) -> dict[str, Any]:
    """Build the network, run it once, then `repeat` times against the clock. `sim_wall_s` is the median; counters are those of the last run."""
    from .hooks.memory import MemoryRecorder
    from .simulation import Simulation

    chosen = benchmark(name)
    scale = chosen.scale if scale is None else scale
    if not 0.0 < scale < math.inf:
        raise DescriptionError(f"scale is {scale!r}: give a positive number")
    until = chosen.until if until is None else until
    begin = time.perf_counter()
    net = chosen.build(scale, seed)
    recorder = MemoryRecorder()
    sim = Simulation(net, [recorder], threads=threads, precision=precision)
    build_s = time.perf_counter() - begin
    sim.run(until=until)
    first_run_s = time.perf_counter() - begin
    walls = []
    for _ in range(repeat):
        sim.reset()
        begin = time.perf_counter()
        sim.run(until=until)
        walls.append(time.perf_counter() - begin)
    peak = peak_memory_mb()
    n_spikes = sum(recorder.times(p).size for p in net.populations)
    wall = statistics.median(walls)
    return {
        "peer": "thalia_sim",
        "network": name,
        "scale": scale,
        "n_neurons": net.n,
        "n_synapses": len(sim.rows.slot),
        "biological_ms": until,
        "build_s": round(build_s, 3),
        "first_run_s": round(first_run_s, 3),
        "sim_wall_s": round(wall, 4),
        "sim_wall_min_s": round(min(walls), 4),
        "sim_walls": [round(w, 4) for w in walls],
        "n_spikes": int(n_spikes),
        "mean_rate_hz": round(n_spikes / net.n / until * 1000.0, 4) if until else 0.0,
        "rtf": round(wall / until * 1000.0, 5) if until else 0.0,
        "peak_rss_mb": round(peak, 1),
        "neuron_updates": int(sim.counters["neuron_updates"]),
        "synaptic_events": int(sim.counters["synaptic_events"]),
        "precision": precision,
        "threads": threads,
    }


def measure_apart(name: str, **options: Any) -> dict[str, Any]:
    """`measure` in a process of its own, so that the peak of memory is this network's."""
    words = [f"--{key}={value}" for key, value in options.items() if value is not None]
    done = subprocess.run([sys.executable, "-m", "thalia_sim", "bench", name, "--json", *words], stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def benchmark(name: str) -> Benchmark:
    """The benchmark of that name."""
    if name not in NETWORKS:
        raise DescriptionError(f"benchmark {name!r} does not exist: {nearest(name, NETWORKS)}")
    return NETWORKS[name]


def peak_memory_mb() -> float:
    """Largest resident memory of this process so far, in MB; 0 where the system does not tell."""
    try:
        import resource
    except ImportError:
        return 0.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024.0**2 if sys.platform == "darwin" else 1024.0)


def table(result: dict[str, Any]) -> str:
    """A result in a few lines."""
    r = result
    spread = f"{min(r['sim_walls']):.3f} to {max(r['sim_walls']):.3f}"
    seconds = r["biological_ms"] / 1000.0
    return "\n".join(
        [
            f"{r['network']}  scale {r['scale']:g}, {r['n_neurons']:,} neurons, {r['n_synapses']:,} synapses, "
            f"{r['threads']} thread{'s' if r['threads'] > 1 else ''}, {r['precision']}",
            f"  {seconds:g} s simulated in {r['sim_wall_s']:.3f} s (median of {len(r['sim_walls'])}, {spread}), {r['rtf']:.4g} of real time",
            f"  build {r['build_s']:.2f} s, build and first run {r['first_run_s']:.2f} s, peak memory {r['peak_rss_mb']:,.0f} MB",
            f"  {r['n_spikes']:,} spikes, {r['mean_rate_hz']:.3f} Hz; {r['neuron_updates']:,} neuron updates, "
            f"{r['synaptic_events']:,} synaptic events",
        ]
    )
