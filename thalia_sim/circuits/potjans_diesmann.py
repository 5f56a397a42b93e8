"""The cortical microcircuit of Potjans & Diesmann 2014: a square millimetre of four layers, 77,169 neurons, 299 million synapses.

    tau_m dv/dt = (e_l - v) + tau_m / c_m (i_syn + i_dc),     tau_syn di_syn/dt = -i_syn

Source of all numbers (its tables 4 and 5): Potjans & Diesmann 2014, Cereb. Cortex 24:785, doi:10.1093/cercor/bhs358. Initial potentials per
population: van Albada et al. 2018, Front. Neurosci. 12:291, doi:10.3389/fnins.2018.00291. Scaling down keeps mean and variance of the input:
van Albada, Helias & Diesmann 2015, PLoS Comput. Biol. 11:e1004490, doi:10.1371/journal.pcbi.1004490.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..distributions import Normal
from ..errors import DescriptionError
from ..given import short
from ..network import Network
from ..neurons import LIFExp1
from ..neurons.propagators import exp_peak
from ..sources import DC, Poisson
from ..wiring import total_number

POPULATIONS = ("L23E", "L23I", "L4E", "L4I", "L5E", "L5I", "L6E", "L6I")
SIZES = np.array([20683, 5834, 21915, 5479, 4850, 1065, 14395, 2948])
PROBABILITY = np.array(  # of at least one synapse from a neuron of the column's population to one of the row's
    [
        [0.1009, 0.1689, 0.0437, 0.0818, 0.0323, 0.0000, 0.0076, 0.0000],
        [0.1346, 0.1371, 0.0316, 0.0515, 0.0755, 0.0000, 0.0042, 0.0000],
        [0.0077, 0.0059, 0.0497, 0.1350, 0.0067, 0.0003, 0.0453, 0.0000],
        [0.0691, 0.0029, 0.0794, 0.1597, 0.0033, 0.0000, 0.1057, 0.0000],
        [0.1004, 0.0622, 0.0505, 0.0057, 0.0831, 0.3726, 0.0204, 0.0000],
        [0.0548, 0.0269, 0.0257, 0.0022, 0.0600, 0.3158, 0.0086, 0.0000],
        [0.0156, 0.0066, 0.0211, 0.0166, 0.0572, 0.0197, 0.0396, 0.2252],
        [0.0364, 0.0010, 0.0034, 0.0005, 0.0277, 0.0080, 0.0658, 0.1443],
    ]
)
K_EXTERNAL = np.array([1600, 1500, 2100, 1900, 2000, 1900, 2900, 2100])  # external synapses a neuron
RATE_EXTERNAL = 8.0  # Hz at each of them
RATES = np.array([0.903, 2.965, 4.414, 5.876, 7.569, 8.633, 1.105, 7.829])  # Hz, of the full network
V_MEAN = np.array([-68.28, -63.16, -63.33, -63.45, -63.11, -61.66, -66.72, -61.43])  # mV at the start
V_SD = np.array([5.36, 4.57, 4.74, 4.94, 4.94, 4.55, 5.46, 4.48])  # mV
C_M, TAU_M, TAU_SYN, T_REF = 250.0, 10.0, 0.5, 2.0  # pF, ms, ms, ms
E_L, V_TH, V_RESET = -65.0, -50.0, -65.0  # mV
PSP, G, SPREAD_W = 0.15, -4.0, 0.1  # mV; inhibition over excitation; relative spread of weights
DELAY_EXC, DELAY_INH, SPREAD_DELAY = 1.5, 0.75, 0.5  # ms, ms, relative


class Circuit(NamedTuple):
    """The numbers of the network at one scale; first axis target, second axis source."""

    sizes: NDArray[np.int64]  # [8] neurons
    synapses: NDArray[np.int64]  # [8, 8] synapses of a projection
    k_external: NDArray[np.int64]  # [8] external synapses a neuron
    w: NDArray[np.float64]  # [8, 8] pA
    w_external: float  # pA
    dc: NDArray[np.float64]  # [8] pA, makes up for the mean input lost by scaling


def synapse_numbers() -> NDArray[np.float64]:
    """Synapses of each projection at full scale, multapses included: K = ln(1 - p) / ln(1 - 1 / (N_target N_source)), [8, 8]."""
    return np.log1p(-PROBABILITY) / np.log1p(-1.0 / np.outer(SIZES, SIZES))


def circuit(scale: float = 1.0, k_scale: float | None = None) -> Circuit:
    """Sizes times `scale`, inputs a neuron times `k_scale` (the same unless given), weights and direct current after van Albada et al. 2015.

    Weights grow by 1 / sqrt(k_scale), so that the variance of the input stays; the direct current
    tau_syn (1 - sqrt(k_scale)) (sum_j w_j K_j rate_j + w_ext K_ext rate_ext) restores its mean.
    """
    k_scale = scale if k_scale is None else k_scale
    for name, value in (("scale", scale), ("k_scale", k_scale)):
        if not (math.isfinite(value) and 0.0 < value <= 1.0):
            raise DescriptionError(f"{name} = {value} of the microcircuit: must be above 0 and at most 1")
    w_exc = PSP / exp_peak(TAU_M, TAU_SYN, C_M)
    w = np.tile(np.where(np.arange(8) % 2 == 0, w_exc, G * w_exc), (8, 1))
    w[POPULATIONS.index("L23E"), POPULATIONS.index("L4E")] *= 2.0
    k_full = synapse_numbers()
    mean = (w * k_full / SIZES[:, None]) @ RATES + w_exc * K_EXTERNAL * RATE_EXTERNAL  # [8] pA/s
    root = math.sqrt(k_scale)
    return Circuit(
        sizes=np.rint(SIZES * scale).astype(np.int64),
        synapses=np.rint(k_full * scale * k_scale).astype(np.int64),
        k_external=np.rint(K_EXTERNAL * k_scale).astype(np.int64),
        w=w / root,
        w_external=w_exc / root,
        dc=1e-3 * TAU_SYN * (1.0 - root) * mean,
    )


def potjans_diesmann(scale: float = 0.1, seed: int = 55, drive: str = "poisson", *, k_scale: float | None = None, dt: float = 0.1) -> Network:
    """The microcircuit at `scale` (1 is a square millimetre), driven by Poisson trains or by direct currents of the same mean (`drive`).

    Populations L23E ... L6I; synapses drawn with a fixed total number per projection, autapses and multapses allowed; weights normal with a
    spread of 10 %, of one sign; delays normal, 1.5 +- 0.75 ms from excitatory and 0.75 +- 0.375 ms from inhibitory neurons.
    The dc drive needs a scale of about a half or more: the compensation presumes the published rates, and without noise a smaller network
    that is silent stays so.
    """
    if drive not in ("poisson", "dc"):
        raise DescriptionError(f"drive = {short(drive)} of the microcircuit: use 'poisson' or 'dc'")
    numbers = circuit(scale, k_scale)
    net = Network(seed=seed, dt=dt)
    model = LIFExp1(tau_m=TAU_M, tau_syn=TAU_SYN, c_m=C_M, e_l=E_L, v_th=V_TH, v_reset=V_RESET, t_ref=T_REF)
    for a, name in enumerate(POPULATIONS):
        net.populate(name, int(numbers.sizes[a]), model, v=Normal(V_MEAN[a], V_SD[a]))
    connect(net, numbers)
    external = numbers.k_external * RATE_EXTERNAL  # Hz, all external synapses of a neuron together
    for a, name in enumerate(POPULATIONS):
        current = numbers.dc[a]
        if drive == "poisson":
            net.drive(net[name], Poisson(rate=float(external[a])), w=numbers.w_external)
        else:
            current += 1e-3 * TAU_SYN * numbers.w_external * external[a]
        if current != 0.0:
            net.drive(net[name], DC(amplitude=float(current)))
    return net


def connect(net: Network, numbers: Circuit) -> None:
    """All projections between the eight populations."""
    for b, source in enumerate(POPULATIONS):
        mean = DELAY_EXC if b % 2 == 0 else DELAY_INH
        delay = Normal(mean, SPREAD_DELAY * mean)
        for a, target in enumerate(POPULATIONS):
            n, w = int(numbers.synapses[a, b]), float(numbers.w[a, b])
            if n == 0:
                continue
            low, high = (0.0, math.inf) if w > 0.0 else (-math.inf, 0.0)
            weight = Normal(w, SPREAD_W * abs(w), low=low, high=high)
            net.connect(net[source], net[target], total_number(n), w=weight, delay=delay)
