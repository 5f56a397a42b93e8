"""How large a described network will be and how long it will take, without building it: what `thalia-sim run --dry` prints.

The costs are those of docs/performance.md on one core of an x86 server, rounded up; the rate at which the network will fire is not known, so
the time is given for two rates.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from .distributions import Distribution
from .neurons.contract import model_of

if TYPE_CHECKING:
    from .network import Network
    from .rows import Group

NS_UPDATE = 2.5  # a step of an element that is awake
NS_DRAW = 2.0  # a step of an element with a Poisson or other noisy drive
NS_EVENT = 1.5  # a synaptic event
NS_SYNAPSE = 150.0  # building a synapse
ELEMENT_BYTES = 140  # of an element beside its state: inputs, spikes on their way, lists of who is awake
FIXED_MB = 14.0  # buffers of any simulation
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
        parts = f"synapses {self.synapse_mb:,.1f}, segments {self.segment_mb:,.1f}, state and buffers {self.state_mb:,.1f}"
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
    from .rows import count_synapses, merged

    groups = merged(net)
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
        synapse_mb=sum((2.0 if g.uniform else 6.0) * sum(synapses[p.name] for p in g.projections) for g in groups) / 1e6,
        segment_mb=sum(8.0 * segments(g, synapses, net.dt, blocks) for g in groups) / 1e6,
        state_mb=sum(len(p) * (number * len(model_of(p.model).state_fields) + ELEMENT_BYTES) for p in populations) / 1e6 + FIXED_MB,
        until=until,
        threads=threads,
        build_s=sum(synapses.values()) * NS_SYNAPSE * 1e-9 / threads,
        run_s=tuple((base + e) * 1e-9 / threads for e in events),
    )


def segments(group: Group, synapses: Mapping[str, float], dt: float, blocks: int) -> float:
    """Expected number of segments of a group of projections: runs of synapses of one source, one block and one delay."""
    rows = group.n_rows * blocks
    if rows == 0:
        return 0.0
    absent: dict[int, float] = {}  # steps of delay -> probability that a row has no synapse of that delay in a block
    varied = 0.0
    for projection in group.projections:
        k = synapses[projection.name] / rows  # synapses of a source in a block
        delay = projection.delay
        if isinstance(delay, Distribution):
            shares = delay_shares(delay, dt)
        elif delay is None or isinstance(delay, (int, float)):
            shares = {1 if delay is None else round(delay / dt): 1.0}
        else:
            varied, shares = varied + k, {}
        for steps, share in shares.items():
            absent[steps] = absent.get(steps, 1.0) * math.exp(-share * k)
    return rows * (1.0 + varied + sum(1.0 - none for none in absent.values()))


def delay_shares(delay: Distribution, dt: float) -> dict[int, float]:
    """Probability of each whole number of steps, from one on, as far as it matters."""
    shares, below, k = {}, 0.0, 1
    while below < 1.0 - 1e-6 and k <= 65_535:
        upto = delay.cdf((k + 0.5) * dt)
        if upto > below:
            shares[k], below = upto - below, upto
        k += 1
    return shares


def seconds(t: float) -> str:
    """A time a person can read."""
    if t < 120.0:
        return f"{t:.2g} s"
    return f"{t / 60.0:.0f} min" if t < 7200.0 else f"{t / 3600.0:.1f} h"
