"""A layered cortex: an input layer (L4), a superficial layer (L2/3) and a deep layer (L5), each with excitatory and inhibitory neurons; one or
several regions in a chain, joined by axons of 0.5 to 8 ms.

Within a region activity goes L4 -> L2/3 -> L5 -> L4 (Douglas & Martin 2004, Annu. Rev. Neurosci. 27:419); from a region to the next it goes from
L2/3 to L4, and back from L5 to L2/3 (Felleman & Van Essen 1991, Cereb. Cortex 1:1). A fifth of the neurons inhibit, within their layer only. The
neurons are those of Brunel 2000 (delta synapses); numbers and weights are round ones of that size, no fit of an animal. Axons forward are the strong
ones, so that L2/3 tells apart what is shown to L4 (hook `Patterns`), and all layers fire at 3 to 7 Hz.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from ..checks import is_number
from ..distributions import Uniform
from ..errors import DescriptionError
from ..given import is_whole, short
from ..network import Network
from ..neurons import LIFDelta
from ..sources import Poisson
from ..wiring import in_degree

LAYERS = {"l4": 0.25, "l23": 0.40, "l5": 0.35}  # share of the neurons of a region
FORWARD = (("l4", "l23"), ("l23", "l5"))  # within a region
BETWEEN = 0.5, 8.0  # ms, axonal delays between regions
WITHIN = 0.5, 3.0  # ms


@dataclass(frozen=True)
class LayeredCortexConfig:
    """Size, weights and drive of the network."""

    n: int = 1000  # neurons of a region
    n_regions: int = 1
    w: float = 0.2  # mV, excitatory synapse
    g: float = 6.0  # inhibition over excitation, a synapse
    in_degree: int = 40  # excitatory inputs from the neuron's own layer; half as many inhibitory ones and from each other layer
    w_forward: float = 1.0  # mV, excitatory synapse from L4 to L2/3, from L2/3 to L5, and from L2/3 to L4 of the next region
    rate: float = 560.0  # Hz, external events a neuron
    w_external: float = 0.9  # mV
    rule: Any = None  # of the synapses between excitatory neurons of L2/3

    def __post_init__(self) -> None:
        for name, least in (("n", 200), ("n_regions", 1), ("in_degree", 2)):
            if not is_whole(getattr(self, name)) or getattr(self, name) < least:
                raise DescriptionError(f"{name} of LayeredCortexConfig is {short(getattr(self, name))}: give a whole number of at least {least}")
        for name in ("w", "g", "w_forward", "rate", "w_external"):
            if not is_number(getattr(self, name)) or not 0.0 <= getattr(self, name) < float("inf"):
                raise DescriptionError(f"{name} of LayeredCortexConfig is {short(getattr(self, name))}: give a finite number of at least 0")


class CortexSites(NamedTuple):
    """Names of populations at which the mechanisms of robustness act."""

    exc: tuple[str, ...]  # excitatory neurons of the superficial layers
    inh: tuple[str, ...]  # inhibitory neurons there
    at_input: tuple[str, ...]  # excitatory neurons of the input layers
    over: tuple[str, ...]  # all


def population(region: int, layer: str, kind: str) -> str:
    """Name of a population: `l4_exc` of the first region, `r1_l4_exc` of the next."""
    return f"{layer}_{kind}" if region == 0 else f"r{region}_{layer}_{kind}"


def layered_cortex(seed: int = 1, config: LayeredCortexConfig | None = None, *, dt: float = 0.1) -> Network:
    """The network; every population has a drive of its own."""
    c = LayeredCortexConfig() if config is None else config
    net = Network(seed=seed, dt=dt)
    for region in range(c.n_regions):
        for layer, share in LAYERS.items():
            add_layer(net, c, region, layer, round(share * c.n))
        for source, target in FORWARD:
            join(net, population(region, source, "exc"), (region, target), max(c.in_degree // 2, 1), c.w_forward, WITHIN)
        join(net, population(region, "l5", "exc"), (region, "l4"), max(c.in_degree // 2, 1), c.w, WITHIN)
    for region in range(c.n_regions - 1):
        join(net, population(region, "l23", "exc"), (region + 1, "l4"), max(c.in_degree // 4, 1), c.w_forward, BETWEEN)
        join(net, population(region + 1, "l5", "exc"), (region, "l23"), max(c.in_degree // 4, 1), c.w, BETWEEN)
    return net


def add_layer(net: Network, c: LayeredCortexConfig, region: int, layer: str, n: int) -> None:
    """The two populations of a layer, their drives, and the synapses among them."""
    n_inh = round(0.2 * n)
    cell = LIFDelta(tau_m=20.0, v_th=15.0, t_ref=2.0)
    names = {kind: population(region, layer, kind) for kind in ("exc", "inh")}
    for kind, size in (("exc", n - n_inh), ("inh", n_inh)):
        net.populate(names[kind], size, cell, v=Uniform(0.0, 15.0))
        net.drive(names[kind], Poisson(rate=c.rate), w=c.w_external, name=f"external->{names[kind]}")
    delay = Uniform(*WITHIN)
    for target in names.values():
        rule = c.rule if layer == "l23" and target == names["exc"] else None
        net.connect(names["exc"], target, in_degree(c.in_degree), w=c.w, delay=delay, rule=rule)
        net.connect(names["inh"], target, in_degree(max(c.in_degree // 2, 1)), w=-c.g * c.w, delay=delay)


def join(net: Network, source: str, target: tuple[int, str], k: int, w: float, delays: tuple[float, float]) -> None:
    """Excitatory axons from a population to both populations of a layer, k a neuron."""
    for kind in ("exc", "inh"):
        net.connect(source, population(*target, kind), in_degree(k), w=w, delay=Uniform(*delays))


def cortex_sites(net: Network) -> CortexSites:
    """Where the mechanisms act in a layered cortex: normalization at the input layers, balance and intrinsic plasticity in the superficial
    layers, criticality over the whole."""
    regions = sum(name.endswith("l4_exc") for name in net.populations)
    if not regions:
        raise DescriptionError("the network has no population l4_exc: build it with layered_cortex, or name populations yourself")

    def named(layer: str, kind: str) -> tuple[str, ...]:
        return tuple(population(region, layer, kind) for region in range(regions))

    return CortexSites(named("l23", "exc"), named("l23", "inh"), named("l4", "exc"), tuple(net.populations))
