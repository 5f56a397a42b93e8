"""Leaky integrate-and-fire neuron with one exponentially decaying synaptic current for both signs
(the neuron of Potjans & Diesmann 2014, Cereb. Cortex 24:785).

    c_m dv/dt = -c_m/tau_m (v - e_l) + i_syn + i_ext,    tau_syn di_syn/dt = -i_syn,    i_syn += w when a spike arrives

Weights of either sign. A spike when v >= v_th; then v = v_reset for t_ref, while the current goes on. Exact on the grid.
"""

import math
from typing import NamedTuple

from .contract import neuron
from .propagators import exp_peak, exp_to_v, flush, leak_bounded, steps


class State(NamedTuple):
    v: float  # mV, membrane potential
    i_syn: float  # pA, synaptic current
    left: float  # steps, refractoriness still to come
    v_th: float  # mV, threshold
    i_ext: float  # pA, external current


class Step(NamedTuple):
    tau_m: float  # ms, membrane time constant
    decay_v: float
    decay_i: float
    i_to_v: float  # mV/pA over a step
    r_m: float  # mV/pA, membrane resistance
    ref: float  # steps
    dt: float  # ms
    peak: float  # mV/pA, largest effect of the current at any later time


def derive(p, dt):
    """Constants of one step of dt ms."""
    tau_m = leak_bounded(p.tau_m, p.c_m, p.g_l_min)
    return Step(
        tau_m,
        math.exp(-dt / tau_m),
        math.exp(-dt / p.tau_syn),
        exp_to_v(dt, tau_m, p.tau_syn, p.c_m),
        tau_m / p.c_m,
        steps(p.t_ref, dt),
        dt,
        exp_peak(tau_m, p.tau_syn, p.c_m),
    )


def step(s, x, c, p):
    """One step."""
    v_inf = p.e_l + c.r_m * s.i_ext
    v = p.v_reset if s.left > 0.0 else max(v_inf + (s.v - v_inf) * c.decay_v + s.i_syn * c.i_to_v, p.v_min)
    fired = v >= s.v_th
    i_syn = flush(s.i_syn * c.decay_i)
    return State(p.v_reset if fired else v, i_syn, c.ref if fired else max(s.left - 1.0, 0.0), s.v_th, s.i_ext), fired


def advance(s, k, c, p):
    """k steps without input."""
    v_inf = p.e_l + c.r_m * s.i_ext
    clamped = min(k, s.left)
    free = (k - clamped) * c.dt
    v = p.v_reset if s.left > 0.0 else s.v
    i_syn = s.i_syn * math.exp(-clamped * c.dt / p.tau_syn)
    if free > 0.0:
        v = v_inf + (v - v_inf) * math.exp(-free / c.tau_m) + i_syn * exp_to_v(free, c.tau_m, p.tau_syn, p.c_m)
        i_syn *= math.exp(-free / p.tau_syn)
    return State(v, flush(i_syn), s.left - clamped, s.v_th, s.i_ext)


def may_fire(s, c, p):
    """Whether v or its limit, plus the largest effect of the current, reaches the threshold (or the floor)."""
    v_inf = p.e_l + c.r_m * s.i_ext
    v = p.v_reset if s.left > 0.0 else s.v
    up, down = max(s.i_syn, 0.0) * c.peak, min(s.i_syn, 0.0) * c.peak
    return max(v, v_inf) + up > s.v_th - 1e-6 or min(v, v_inf) + down < p.v_min


@neuron(
    state=State,
    derive=derive,
    step=step,
    advance=advance,
    may_fire=may_fire,
    receptors=("syn",),
    held=("v_th", "i_ext"),
    adds={"syn": "i_syn"},
    bounds={"i_syn": "i_max"},
    initial={"v": "e_l"},
    usual={"tau_m": (1.0, 200.0), "tau_syn": (0.1, 200.0), "t_ref": (0.0, 50.0), "c_m": (1.0, 5000.0)},
)
class LIFExp1(NamedTuple):
    tau_m: float = 10.0  # ms, membrane time constant
    tau_syn: float = 0.5  # ms, decay of the synaptic current
    c_m: float = 250.0  # pF, capacitance
    e_l: float = -65.0  # mV, resting potential
    v_th: float = -50.0  # mV, threshold at the start
    v_reset: float = -65.0  # mV, after a spike
    t_ref: float = 2.0  # ms, refractory period
    v_min: float = -math.inf  # mV, lower bound of v
    i_max: float = math.inf  # pA, bound of the synaptic current, either sign
    g_l_min: float = 0.0  # nS, lower bound of the leak c_m/tau_m
