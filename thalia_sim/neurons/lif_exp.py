"""Leaky integrate-and-fire neuron with exponentially decaying synaptic currents, one time constant for each sign
(Rotter & Diesmann 1999, Biol. Cybern. 81:381; benchmark CUBA of Brette et al. 2007, J. Comput. Neurosci. 23:349).

    c_m dv/dt = -c_m/tau_m (v - e_l) + i_exc + i_inh + i_ext,    tau_exc di_exc/dt = -i_exc,    i_exc += w when a spike arrives

The sign of an inhibitory weight is negative. A spike when v >= v_th; then v = v_reset for t_ref, while the currents go on. Exact on the grid.
"""

import math
from typing import NamedTuple

from .contract import neuron
from .propagators import exp_peak, exp_to_v, flush, leak_bounded, steps


class State(NamedTuple):
    v: float  # mV, membrane potential
    i_exc: float  # pA, excitatory current
    i_inh: float  # pA, inhibitory current
    left: float  # steps, refractoriness still to come
    v_th: float  # mV, threshold
    i_ext: float  # pA, external current


class Step(NamedTuple):
    tau_m: float  # ms, membrane time constant
    decay_v: float
    decay_exc: float
    decay_inh: float
    exc_to_v: float  # mV/pA over a step
    inh_to_v: float  # mV/pA over a step
    r_m: float  # mV/pA, membrane resistance
    ref: float  # steps
    dt: float  # ms
    peak_exc: float  # mV/pA, largest effect of a current at any later time
    peak_inh: float  # mV/pA


def derive(p, dt):
    """Constants of one step of dt ms."""
    tau_m = leak_bounded(p.tau_m, p.c_m, p.g_l_min)
    return Step(
        tau_m,
        math.exp(-dt / tau_m),
        math.exp(-dt / p.tau_exc),
        math.exp(-dt / p.tau_inh),
        exp_to_v(dt, tau_m, p.tau_exc, p.c_m),
        exp_to_v(dt, tau_m, p.tau_inh, p.c_m),
        tau_m / p.c_m,
        steps(p.t_ref, dt),
        dt,
        exp_peak(tau_m, p.tau_exc, p.c_m),
        exp_peak(tau_m, p.tau_inh, p.c_m),
    )


def step(s, x, c, p):
    """One step."""
    v_inf = p.e_l + c.r_m * s.i_ext
    free = v_inf + (s.v - v_inf) * c.decay_v + (s.i_exc * c.exc_to_v + s.i_inh * c.inh_to_v)
    v = p.v_reset if s.left > 0.0 else max(free, p.v_min)
    fired = v >= s.v_th
    i_exc, i_inh = flush(s.i_exc * c.decay_exc), flush(s.i_inh * c.decay_inh)
    return State(p.v_reset if fired else v, i_exc, i_inh, c.ref if fired else max(s.left - 1.0, 0.0), s.v_th, s.i_ext), fired


def advance(s, k, c, p):
    """k steps without input."""
    v_inf = p.e_l + c.r_m * s.i_ext
    clamped = min(k, s.left)
    free = (k - clamped) * c.dt
    v = p.v_reset if s.left > 0.0 else s.v
    i_exc = s.i_exc * math.exp(-clamped * c.dt / p.tau_exc)
    i_inh = s.i_inh * math.exp(-clamped * c.dt / p.tau_inh)
    if free > 0.0:
        drive = i_exc * exp_to_v(free, c.tau_m, p.tau_exc, p.c_m) + i_inh * exp_to_v(free, c.tau_m, p.tau_inh, p.c_m)
        v = v_inf + (v - v_inf) * math.exp(-free / c.tau_m) + drive
        i_exc *= math.exp(-free / p.tau_exc)
        i_inh *= math.exp(-free / p.tau_inh)
    return State(v, flush(i_exc), flush(i_inh), s.left - clamped, s.v_th, s.i_ext)


def may_fire(s, c, p):
    """Whether the sum of the largest effects of each current reaches the threshold (or the floor)."""
    v_inf = p.e_l + c.r_m * s.i_ext
    v = p.v_reset if s.left > 0.0 else s.v
    up = max(s.i_exc, 0.0) * c.peak_exc + max(s.i_inh, 0.0) * c.peak_inh
    down = min(s.i_exc, 0.0) * c.peak_exc + min(s.i_inh, 0.0) * c.peak_inh
    return max(v, v_inf) + up > s.v_th - 1e-6 or min(v, v_inf) + down < p.v_min


@neuron(
    state=State,
    derive=derive,
    step=step,
    advance=advance,
    may_fire=may_fire,
    receptors=("exc", "inh"),
    signs={"exc": +1, "inh": -1},
    held=("v_th", "i_ext"),
    adds={"exc": "i_exc", "inh": "i_inh"},
    bounds={"i_exc": "i_max", "i_inh": "i_max"},
    initial={"v": "e_l"},
    usual={"tau_m": (1.0, 200.0), "tau_exc": (0.1, 100.0), "tau_inh": (0.1, 200.0), "t_ref": (0.0, 50.0), "c_m": (1.0, 5000.0)},
)
class LIFExp(NamedTuple):
    tau_m: float = 20.0  # ms, membrane time constant
    tau_exc: float = 5.0  # ms, decay of the excitatory current
    tau_inh: float = 10.0  # ms, decay of the inhibitory current
    c_m: float = 250.0  # pF, capacitance
    e_l: float = -65.0  # mV, resting potential
    v_th: float = -50.0  # mV, threshold at the start
    v_reset: float = -65.0  # mV, after a spike
    t_ref: float = 2.0  # ms, refractory period
    v_min: float = -math.inf  # mV, lower bound of v
    i_max: float = math.inf  # pA, bound of each synaptic current, either sign
    g_l_min: float = 0.0  # nS, lower bound of the leak c_m/tau_m
