"""The sparsely connected network of Brunel 2000, model A: excitatory and inhibitory neurons are alike, synapses are delta pulses.

    tau dv/dt = -v + tau sum_k J_k delta(t - t_k - delay)

Four regimes in the plane of g (inhibition over excitation) and eta (external rate over the rate that just reaches threshold): synchronous
regular (g < 4), asynchronous irregular (g = 5, eta = 2), and synchronous irregular with fast (g = 6, eta = 4) or slow (g = 4.5, eta = 0.9)
oscillations.

Source: Brunel 2000, J. Comput. Neurosci. 8:183, doi:10.1023/A:1008925309027.
"""

from typing import Any

from ..distributions import Uniform
from ..errors import DescriptionError
from ..network import Network
from ..neurons import LIFDelta
from ..sources import Poisson
from ..wiring import in_degree

TAU = 20.0  # ms
THETA = 20.0  # mV above rest
V_RESET = 10.0  # mV
T_REF = 2.0  # ms
EPSILON = 0.1  # share of the neurons of each kind that a neuron hears


def threshold_rate(w: float, c_exc: int) -> float:
    """nu_th = theta / (J C_E tau), in Hz: the external rate per synapse at which the mean input just reaches threshold."""
    return 1000.0 * THETA / (w * c_exc * TAU)


def brunel(
    order: int = 2500,
    g: float = 5.0,
    eta: float = 2.0,
    w: float = 0.1,
    delay: float = 1.5,
    seed: int = 1,
    *,
    spread: bool = False,
    dt: float = 0.1,
    rule: Any = None,
) -> Network:
    """4 order excitatory and order inhibitory neurons; each hears a tenth of both, in-degrees fixed, and its own external Poisson train.

    w: J in mV, inhibition is -g J; delay in ms; the external train has C_E eta nu_th events a second of J each.
    `spread` starts v uniform between reset and threshold instead of at rest. The paper's network is order = 2500 (12,500 neurons).
    rule: of the synapses between excitatory neurons.
    """
    n_exc, n_inh = 4 * order, order
    c_exc, c_inh = round(EPSILON * n_exc), round(EPSILON * n_inh)
    if c_inh < 1:
        raise DescriptionError(f"order = {order} leaves {c_inh} inhibitory inputs a neuron: give at least {round(1 / EPSILON)}")
    net = Network(seed=seed, dt=dt)
    model = LIFDelta(tau_m=TAU, e_l=0.0, v_th=THETA, v_reset=V_RESET, t_ref=T_REF)
    v = Uniform(V_RESET, THETA) if spread else 0.0
    exc = net.populate("exc", n_exc, model, v=v)
    inh = net.populate("inh", n_inh, model, v=v)
    everyone = exc + inh
    net.drive(everyone, Poisson(rate=eta * threshold_rate(w, c_exc) * c_exc), w=w, name="external")
    if rule is None:
        net.connect(exc, everyone, in_degree(c_exc), w=w, delay=delay, name="excitation")
    else:
        net.connect(exc, exc, in_degree(c_exc), w=w, delay=delay, rule=rule)
        net.connect(exc, inh, in_degree(c_exc), w=w, delay=delay)
    net.connect(inh, everyone, in_degree(c_inh), w=-g * w, delay=delay, name="inhibition")
    return net
