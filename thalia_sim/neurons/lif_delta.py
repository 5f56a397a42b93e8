"""Leaky integrate-and-fire neuron whose synapses make the membrane jump (delta synapses; Brunel 2000, J. Comput. Neurosci. 8:183).

    tau_m dv/dt = e_l - v + tau_m/c_m i_ext,    v += w when a spike arrives

A spike when v >= v_th; then v = v_reset for t_ref, and what arrives in that time is dropped. Exact on the grid.
"""

import math
from typing import NamedTuple

from .contract import neuron
from .propagators import leak_bounded, steps


class State(NamedTuple):
    v: float  # mV, membrane potential
    left: float  # steps, refractoriness still to come
    v_th: float  # mV, threshold
    i_ext: float  # pA, external current


class Step(NamedTuple):
    decay: float  # of v - v_inf over a step
    rate: float  # 1/steps, its logarithm
    r_m: float  # mV/pA, membrane resistance
    ref: float  # steps


def derive(p, dt):
    """Constants of one step of dt ms."""
    tau_m = leak_bounded(p.tau_m, p.c_m, p.g_l_min)
    return Step(math.exp(-dt / tau_m), -dt / tau_m, tau_m / p.c_m, steps(p.t_ref, dt))


def step(s, x, c, p):
    """One step; x.syn (mV) is what arrived."""
    v_inf = p.e_l + c.r_m * s.i_ext
    x_in = min(max(x.syn, -p.x_max), p.x_max)
    v = p.v_reset if s.left > 0.0 else max(v_inf + (s.v - v_inf) * c.decay + x_in, p.v_min)
    fired = v >= s.v_th
    return State(p.v_reset if fired else v, c.ref if fired else max(s.left - 1.0, 0.0), s.v_th, s.i_ext), fired


def advance(s, k, c, p):
    """k steps without input."""
    v_inf = p.e_l + c.r_m * s.i_ext
    free = k - s.left
    v = p.v_reset if s.left > 0.0 else s.v
    if free > 0.0:
        v = v_inf + (v - v_inf) * math.exp(free * c.rate)
    return State(v, max(s.left - k, 0.0), s.v_th, s.i_ext)


def may_fire(s, c, p):
    """Whether v or its limit reaches the threshold (or the floor, whose clamp `advance` leaves out)."""
    v_inf = p.e_l + c.r_m * s.i_ext
    v = p.v_reset if s.left > 0.0 else s.v
    return max(v, v_inf) > s.v_th - 1e-6 or min(v, v_inf) < p.v_min


@neuron(
    state=State,
    derive=derive,
    step=step,
    advance=advance,
    may_fire=may_fire,
    receptors=("syn",),
    held=("v_th", "i_ext"),
    initial={"v": "e_l"},
    usual={"tau_m": (1.0, 200.0), "t_ref": (0.0, 50.0), "c_m": (1.0, 5000.0)},
)
class LIFDelta(NamedTuple):
    tau_m: float = 20.0  # ms, membrane time constant
    e_l: float = 0.0  # mV, resting potential
    v_th: float = 15.0  # mV, threshold at the start
    v_reset: float = 0.0  # mV, after a spike
    t_ref: float = 2.0  # ms, refractory period
    c_m: float = 250.0  # pF, capacitance (only i_ext and g_l_min depend on it)
    v_min: float = -math.inf  # mV, lower bound of v
    x_max: float = math.inf  # mV, bound of what arrives in one step, either sign
    g_l_min: float = 0.0  # nS, lower bound of the leak c_m/tau_m


LIF = LIFDelta
