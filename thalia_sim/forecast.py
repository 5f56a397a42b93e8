"""How large a described network will be and how long it will take, without building it: what `thalia-sim run --dry` prints.

The costs are those of docs/performance.md on one core of an x86 server, rounded up; the rate at which the network will fire is not known, so
the time is given for two rates.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from .distributions import Distribution

if TYPE_CHECKING:
    from .network import Network
    from .projection import Projection

NS_UPDATE = 2.5  # a step of an element that is awake
NS_DRAW = 2.0  # a step of an element with a Poisson or other noisy drive
NS_EVENT = 1.5  # a synaptic event
NS_SYNAPSE = 150.0  # building a synapse
BLOCK = 65_536  # elements whose synapses lie together
RATES = (1.0, 10.0)  # Hz, assumed


class Forecast(NamedTuple):
    """Sizes, bytes and seconds; times are per assumed rate."""

    elements: int
    populations: int
    synapses: dict[str, float]  # expected, by projection
    synapse_mb: float
    segment_mb: float
    state_mb: float
    until: float  # ms
    threads: int
    build_s: float
    run_s: tuple[float, ...]  # by RATES

    def __str__(self) -> str:
        total = sum(self.synapses.values())
        times = ", ".join(f"{seconds(t)} at {rate:g} Hz" for t, rate in zip(self.run_s, RATES, strict=True))
        parts = f"synapses {self.synapse_mb:,.1f}, segments {self.segment_mb:,.1f}, state {self.state_mb:,.1f}"
        megabytes = self.synapse_mb + self.segment_mb + self.state_mb
        workers = f"{self.threads} thread{'s' if self.threads > 1 else ''}"
        width = max((len(name) for name in self.synapses), default=0)
        return "\n".join(
            [
                f"elements  {self.elements:,} in {self.populations} populations",
                f"synapses  {total:,.0f} expected in {len(self.synapses)} projections",
                *(f"          {name:<{width}}  {n:,.0f}" for name, n in self.synapses.items()),
                f"memory    about {megabytes:,.1f} MB ({parts})",
                f"time      build about {seconds(self.build_s)}; {self.until / 1000:g} s simulated on {workers} in about {times}",
                "          if every element is awake; sleeping elements cost nothing, a first run compiles",
            ]
        )


def forecast(net: Network, until: float, threads: int = 1, precision: str = "double") -> Forecast:
    """Expected sizes and times of simulating `net` for `until` ms."""
    from .rows import count_synapses

    synapses = {name: float(n) for name, n in count_synapses(net).items()}
    populations = list(net.populations.values())
    elements = sum(len(p) for p in populations)
    number = 8 if precision == "double" else 4
    steps = until / net.dt
    noisy = sum(len(d.target) for d in net.drives.values())
    blocks = max(1, math.ceil(elements / BLOCK))
    base = steps * (elements * NS_UPDATE + noisy * NS_DRAW)
    fan_out = sum(synapses.values()) / max(elements, 1)
    events = [elements * rate * until / 1000.0 * fan_out * NS_EVENT for rate in RATES]
    return Forecast(
        elements=elements,
        populations=len(populations),
        synapses=synapses,
        synapse_mb=sum(n * bytes_per_synapse(net.projections[name]) for name, n in synapses.items()) / 1e6,
        segment_mb=sum(8.0 * segments(net.projections[name], n, net.dt, blocks) for name, n in synapses.items()) / 1e6,
        state_mb=sum(len(p) * number * (len(state_fields(p)) + 2) for p in populations) / 1e6,
        until=until,
        threads=threads,
        build_s=sum(synapses.values()) * NS_SYNAPSE * 1e-9 / threads,
        run_s=tuple((base + e) * 1e-9 / threads for e in events),
    )


def state_fields(population: Any) -> Sequence[str]:
    """Names of what each element keeps."""
    from .neurons.contract import model_of

    return model_of(population.model).state_fields


def bytes_per_synapse(projection: Projection) -> float:
    """2 for the target, 4 more for a weight of its own."""
    return 2.0 if isinstance(projection.w, (int, float)) else 6.0


def segments(projection: Projection, n: float, dt: float, blocks: int) -> float:
    """Expected number of segments: runs of synapses of one source, one block and one delay."""
    rows = len(projection.source)
    if rows == 0:
        return 0.0
    k = n / (rows * blocks)  # synapses of a source in a block
    delay = projection.delay
    if isinstance(delay, Distribution):
        used = sum(1.0 - (1.0 - share) ** k for share in delay_shares(delay, dt))
    elif delay is None or isinstance(delay, (int, float)):
        used = min(1.0, k)
    else:
        used = k
    return rows * blocks * (used + 1.0)


def delay_shares(delay: Distribution, dt: float) -> list[float]:
    """Probability of each whole number of steps, from one on, as far as it matters."""
    shares, below, k = [], 0.0, 1
    while below < 1.0 - 1e-6 and k <= 65_535:
        upto = delay.cdf((k + 0.5) * dt)
        shares.append(max(upto - below, 0.0))
        below, k = upto, k + 1
    return shares


def seconds(t: float) -> str:
    """A time a person can read."""
    if t < 120.0:
        return f"{t:.2g} s"
    return f"{t / 60.0:.0f} min" if t < 7200.0 else f"{t / 3600.0:.1f} h"
