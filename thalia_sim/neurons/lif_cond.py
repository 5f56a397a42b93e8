"""Leaky integrate-and-fire neuron with exponentially decaying synaptic conductances
(benchmark COBA of Brette et al. 2007, J. Comput. Neurosci. 23:349; after Vogels & Abbott 2005, J. Neurosci. 25:10786).

    c_m dv/dt = g_l (e_l - v) + g_exc (e_exc - v) + g_inh (e_inh - v) + i_ext,    g_l = c_m/tau_m
    tau_exc dg_exc/dt = -g_exc,    g_exc += w when a spike arrives

Weights are conductances, so never negative, of either kind: the reversal potential makes the sign. Integrated by the exponential midpoint
rule: over a step the conductances, which are exact, are held at their value in its middle; second order in dt. A spike when v >= v_th; then
v = v_reset for t_ref, while the conductances go on.
"""

import math
from typing import NamedTuple

from .contract import neuron
from .propagators import exp_minus, flush, steps


class State(NamedTuple):
    v: float  # mV, membrane potential
    g_exc: float  # nS, excitatory conductance
    g_inh: float  # nS, inhibitory conductance
    left: float  # steps, refractoriness still to come
    v_th: float  # mV, threshold
    i_ext: float  # pA, external current


class Step(NamedTuple):
    decay_exc: float
    decay_inh: float
    middle_exc: float  # decay over half a step
    middle_inh: float  # decay over half a step
    g_l: float  # nS, leak
    per_c: float  # ms/pF, a step over the capacitance
    ref: float  # steps


def derive(p, dt):
    """Constants of one step of dt ms."""
    return Step(
        math.exp(-dt / p.tau_exc),
        math.exp(-dt / p.tau_inh),
        math.exp(-0.5 * dt / p.tau_exc),
        math.exp(-0.5 * dt / p.tau_inh),
        max(p.c_m / p.tau_m, p.g_l_min),
        dt / p.c_m,
        steps(p.t_ref, dt),
    )


def step(s, x, c, p):
    """One step."""
    g_exc, g_inh = s.g_exc * c.middle_exc, s.g_inh * c.middle_inh
    g = c.g_l + g_exc + g_inh
    v_inf = (c.g_l * p.e_l + g_exc * p.e_exc + g_inh * p.e_inh + s.i_ext) / g
    v = p.v_reset if s.left > 0.0 else max(v_inf + (s.v - v_inf) * exp_minus(g * c.per_c), p.v_min)
    fired = v >= s.v_th
    g_exc, g_inh = flush(s.g_exc * c.decay_exc), flush(s.g_inh * c.decay_inh)
    return State(p.v_reset if fired else v, g_exc, g_inh, c.ref if fired else max(s.left - 1.0, 0.0), s.v_th, s.i_ext), fired


@neuron(
    state=State,
    derive=derive,
    step=step,
    receptors=("exc", "inh"),
    signs={"exc": +1, "inh": +1},
    held=("v_th", "i_ext"),
    adds={"exc": "g_exc", "inh": "g_inh"},
    bounds={"g_exc": "g_max", "g_inh": "g_max"},
    initial={"v": "e_l"},
    usual={"tau_m": (1.0, 200.0), "tau_exc": (0.1, 100.0), "tau_inh": (0.1, 200.0), "t_ref": (0.0, 50.0), "c_m": (1.0, 5000.0)},
)
class LIFCond(NamedTuple):
    tau_m: float = 20.0  # ms, membrane time constant
    tau_exc: float = 5.0  # ms, decay of the excitatory conductance
    tau_inh: float = 10.0  # ms, decay of the inhibitory conductance
    c_m: float = 200.0  # pF, capacitance
    e_l: float = -60.0  # mV, resting potential
    e_exc: float = 0.0  # mV, reversal potential of excitation
    e_inh: float = -80.0  # mV, reversal potential of inhibition
    v_th: float = -50.0  # mV, threshold at the start
    v_reset: float = -60.0  # mV, after a spike
    t_ref: float = 5.0  # ms, refractory period
    v_min: float = -math.inf  # mV, lower bound of v
    g_max: float = math.inf  # nS, bound of each conductance
    g_l_min: float = 0.0  # nS, lower bound of the leak c_m/tau_m
