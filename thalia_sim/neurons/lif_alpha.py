"""Leaky integrate-and-fire neuron with alpha-shaped synaptic currents (Rotter & Diesmann 1999, Biol. Cybern. 81:381).

    c_m dv/dt = -c_m/tau_m (v - e_l) + i_exc + i_inh + i_ext
    di_exc/dt = -i_exc/tau_exc + e d_exc/tau_exc,   dd_exc/dt = -d_exc/tau_exc,   d_exc += w when a spike arrives
    so that i_exc(t) = w e t/tau_exc exp(-t/tau_exc) after a spike: it peaks at w after tau_exc

The sign of an inhibitory weight is negative. A spike when v >= v_th; then v = v_reset for t_ref, while the currents go on. Exact on the grid.
"""

import math
from typing import NamedTuple

from .contract import neuron
from .propagators import alpha_peak, alpha_to_v, exp_peak, exp_to_v, flush, leak_bounded, steps


class State(NamedTuple):
    v: float  # mV, membrane potential
    i_exc: float  # pA, excitatory current
    d_exc: float  # pA, what makes it rise
    i_inh: float  # pA, inhibitory current
    d_inh: float  # pA, what makes it rise
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
    rise_exc_to_v: float  # mV/pA of d_exc over a step
    rise_inh_to_v: float  # mV/pA of d_inh over a step
    rise_exc: float  # 1/ms, rise of i_exc by d_exc, e/tau_exc
    rise_inh: float  # 1/ms
    rise_exc_step: float  # the same over a step
    rise_inh_step: float
    r_m: float  # mV/pA, membrane resistance
    ref: float  # steps
    dt: float  # ms
    peak_exc: float  # mV/pA, largest effect of i_exc at any later time
    peak_inh: float  # mV/pA
    rise_peak_exc: float  # mV/pA, bound of the effect of d_exc
    rise_peak_inh: float  # mV/pA


def derive(p, dt):
    """Constants of one step of dt ms."""
    tau_m = leak_bounded(p.tau_m, p.c_m, p.g_l_min)
    rise_exc, rise_inh = math.e / p.tau_exc, math.e / p.tau_inh
    return Step(
        tau_m,
        math.exp(-dt / tau_m),
        math.exp(-dt / p.tau_exc),
        math.exp(-dt / p.tau_inh),
        exp_to_v(dt, tau_m, p.tau_exc, p.c_m),
        exp_to_v(dt, tau_m, p.tau_inh, p.c_m),
        rise_exc * alpha_to_v(dt, tau_m, p.tau_exc, p.c_m),
        rise_inh * alpha_to_v(dt, tau_m, p.tau_inh, p.c_m),
        rise_exc,
        rise_inh,
        rise_exc * dt,
        rise_inh * dt,
        tau_m / p.c_m,
        steps(p.t_ref, dt),
        dt,
        exp_peak(tau_m, p.tau_exc, p.c_m),
        exp_peak(tau_m, p.tau_inh, p.c_m),
        rise_exc * alpha_peak(tau_m, p.tau_exc, p.c_m),
        rise_inh * alpha_peak(tau_m, p.tau_inh, p.c_m),
    )


def step(s, x, c, p):
    """One step."""
    v_inf = p.e_l + c.r_m * s.i_ext
    exc = s.i_exc * c.exc_to_v + s.d_exc * c.rise_exc_to_v
    inh = s.i_inh * c.inh_to_v + s.d_inh * c.rise_inh_to_v
    v = p.v_reset if s.left > 0.0 else max(v_inf + (s.v - v_inf) * c.decay_v + (exc + inh), p.v_min)
    fired = v >= s.v_th
    i_exc = min(max(flush((s.i_exc + s.d_exc * c.rise_exc_step) * c.decay_exc), -p.i_max), p.i_max)
    i_inh = min(max(flush((s.i_inh + s.d_inh * c.rise_inh_step) * c.decay_inh), -p.i_max), p.i_max)
    d_exc = flush(s.d_exc * c.decay_exc)
    d_inh = flush(s.d_inh * c.decay_inh)
    left = c.ref if fired else max(s.left - 1.0, 0.0)
    return State(p.v_reset if fired else v, i_exc, d_exc, i_inh, d_inh, left, s.v_th, s.i_ext), fired


def advance(s, k, c, p):
    """k steps without input."""
    v_inf = p.e_l + c.r_m * s.i_ext
    clamped = min(k, s.left)
    wait, free = clamped * c.dt, (k - clamped) * c.dt
    v = p.v_reset if s.left > 0.0 else s.v
    out_exc, out_inh = math.exp(-wait / p.tau_exc), math.exp(-wait / p.tau_inh)
    i_exc, d_exc = (s.i_exc + s.d_exc * c.rise_exc * wait) * out_exc, s.d_exc * out_exc
    i_inh, d_inh = (s.i_inh + s.d_inh * c.rise_inh * wait) * out_inh, s.d_inh * out_inh
    if free > 0.0:
        exc = i_exc * exp_to_v(free, c.tau_m, p.tau_exc, p.c_m) + d_exc * c.rise_exc * alpha_to_v(free, c.tau_m, p.tau_exc, p.c_m)
        inh = i_inh * exp_to_v(free, c.tau_m, p.tau_inh, p.c_m) + d_inh * c.rise_inh * alpha_to_v(free, c.tau_m, p.tau_inh, p.c_m)
        v = v_inf + (v - v_inf) * math.exp(-free / c.tau_m) + (exc + inh)
        out_exc, out_inh = math.exp(-free / p.tau_exc), math.exp(-free / p.tau_inh)
        i_exc, d_exc = (i_exc + d_exc * c.rise_exc * free) * out_exc, d_exc * out_exc
        i_inh, d_inh = (i_inh + d_inh * c.rise_inh * free) * out_inh, d_inh * out_inh
    return State(v, flush(i_exc), flush(d_exc), flush(i_inh), flush(d_inh), s.left - clamped, s.v_th, s.i_ext)


def may_fire(s, c, p):
    """Whether the sum of bounds of each current's effect reaches the threshold (or the floor, or the bound of a current)."""
    v_inf = p.e_l + c.r_m * s.i_ext
    v = p.v_reset if s.left > 0.0 else s.v
    up = max(s.i_exc, 0.0) * c.peak_exc + max(s.i_inh, 0.0) * c.peak_inh
    up += max(s.d_exc, 0.0) * c.rise_peak_exc + max(s.d_inh, 0.0) * c.rise_peak_inh
    down = min(s.i_exc, 0.0) * c.peak_exc + min(s.i_inh, 0.0) * c.peak_inh
    down += min(s.d_exc, 0.0) * c.rise_peak_exc + min(s.d_inh, 0.0) * c.rise_peak_inh
    large = max(abs(s.i_exc) + abs(s.d_exc) * math.e, abs(s.i_inh) + abs(s.d_inh) * math.e)
    return max(v, v_inf) + up > s.v_th - 1e-6 or min(v, v_inf) + down < p.v_min or large > p.i_max


@neuron(
    state=State,
    derive=derive,
    step=step,
    advance=advance,
    may_fire=may_fire,
    receptors=("exc", "inh"),
    signs={"exc": +1, "inh": -1},
    held=("v_th", "i_ext"),
    adds={"exc": "d_exc", "inh": "d_inh"},
    initial={"v": "e_l"},
    usual={"tau_m": (1.0, 200.0), "tau_exc": (0.1, 100.0), "tau_inh": (0.1, 200.0), "t_ref": (0.0, 50.0), "c_m": (1.0, 5000.0)},
)
class LIFAlpha(NamedTuple):
    tau_m: float = 10.0  # ms, membrane time constant
    tau_exc: float = 2.0  # ms, rise of the excitatory current
    tau_inh: float = 2.0  # ms, rise of the inhibitory current
    c_m: float = 250.0  # pF, capacitance
    e_l: float = -70.0  # mV, resting potential
    v_th: float = -55.0  # mV, threshold at the start
    v_reset: float = -70.0  # mV, after a spike
    t_ref: float = 2.0  # ms, refractory period
    v_min: float = -math.inf  # mV, lower bound of v
    i_max: float = math.inf  # pA, bound of each synaptic current, either sign
    g_l_min: float = 0.0  # nS, lower bound of the leak c_m/tau_m
