"""Leaky integrate-and-fire neuron with an adapting threshold and an adaptation current
(Mihalas & Niebur 2009, Neural Comput. 21:704, with both variables driven by spikes only; currents as in Rotter & Diesmann 1999).

    c_m dv/dt = -c_m/tau_m (v - e_l) + i_exc + i_inh - i_ad + i_ext
    tau_ad di_ad/dt = -i_ad,  tau_theta dtheta/dt = -theta;    at a spike: i_ad += b, theta += d

A spike when v >= v_th + theta; then v = v_reset for t_ref, while currents and theta go on. Inhibitory weights are negative. Exact on the grid.
"""

import math
from typing import NamedTuple

from .contract import neuron
from .propagators import exp_peak, exp_to_v, flush, leak_bounded, steps


class State(NamedTuple):
    v: float  # mV, membrane potential
    i_exc: float  # pA, excitatory current
    i_inh: float  # pA, inhibitory current
    i_ad: float  # pA, adaptation current
    theta: float  # mV, what spikes have added to the threshold
    left: float  # steps, refractoriness still to come
    v_th: float  # mV, threshold at rest
    i_ext: float  # pA, external current


class Step(NamedTuple):
    tau_m: float  # ms, membrane time constant
    decay_v: float
    decay_exc: float
    decay_inh: float
    decay_ad: float
    decay_theta: float
    exc_to_v: float  # mV/pA over a step
    inh_to_v: float  # mV/pA over a step
    ad_to_v: float  # mV/pA over a step
    r_m: float  # mV/pA, membrane resistance
    ref: float  # steps
    dt: float  # ms
    peak_exc: float  # mV/pA, largest effect of a current at any later time
    peak_inh: float  # mV/pA
    peak_ad: float  # mV/pA


def derive(p, dt):
    """Constants of one step of dt ms."""
    tau_m = leak_bounded(p.tau_m, p.c_m, p.g_l_min)
    return Step(
        tau_m,
        math.exp(-dt / tau_m),
        math.exp(-dt / p.tau_exc),
        math.exp(-dt / p.tau_inh),
        math.exp(-dt / p.tau_ad),
        math.exp(-dt / p.tau_theta),
        exp_to_v(dt, tau_m, p.tau_exc, p.c_m),
        exp_to_v(dt, tau_m, p.tau_inh, p.c_m),
        exp_to_v(dt, tau_m, p.tau_ad, p.c_m),
        tau_m / p.c_m,
        steps(p.t_ref, dt),
        dt,
        exp_peak(tau_m, p.tau_exc, p.c_m),
        exp_peak(tau_m, p.tau_inh, p.c_m),
        exp_peak(tau_m, p.tau_ad, p.c_m),
    )


def step(s, x, c, p):
    """One step."""
    v_inf = p.e_l + c.r_m * s.i_ext
    drive = s.i_exc * c.exc_to_v + s.i_inh * c.inh_to_v - s.i_ad * c.ad_to_v
    v = p.v_reset if s.left > 0.0 else max(v_inf + (s.v - v_inf) * c.decay_v + drive, p.v_min)
    theta = flush(s.theta * c.decay_theta)
    i_ad = flush(s.i_ad * c.decay_ad)
    fired = v >= s.v_th + theta
    i_exc, i_inh = flush(s.i_exc * c.decay_exc), flush(s.i_inh * c.decay_inh)
    left = c.ref if fired else max(s.left - 1.0, 0.0)
    i_ad, theta = i_ad + (p.b if fired else 0.0), theta + (p.d if fired else 0.0)
    return State(p.v_reset if fired else v, i_exc, i_inh, i_ad, theta, left, s.v_th, s.i_ext), fired


def advance(s, k, c, p):
    """k steps without input."""
    v_inf = p.e_l + c.r_m * s.i_ext
    clamped = min(k, s.left)
    wait, free = clamped * c.dt, (k - clamped) * c.dt
    v = p.v_reset if s.left > 0.0 else s.v
    i_exc = s.i_exc * math.exp(-wait / p.tau_exc)
    i_inh = s.i_inh * math.exp(-wait / p.tau_inh)
    i_ad = s.i_ad * math.exp(-wait / p.tau_ad)
    if free > 0.0:
        drive = i_exc * exp_to_v(free, c.tau_m, p.tau_exc, p.c_m) + i_inh * exp_to_v(free, c.tau_m, p.tau_inh, p.c_m)
        drive -= i_ad * exp_to_v(free, c.tau_m, p.tau_ad, p.c_m)
        v = v_inf + (v - v_inf) * math.exp(-free / c.tau_m) + drive
        i_exc *= math.exp(-free / p.tau_exc)
        i_inh *= math.exp(-free / p.tau_inh)
        i_ad *= math.exp(-free / p.tau_ad)
    theta = s.theta * math.exp(-k * c.dt / p.tau_theta)
    return State(v, flush(i_exc), flush(i_inh), flush(i_ad), flush(theta), s.left - clamped, s.v_th, s.i_ext)


def may_fire(s, c, p):
    """Whether the sum of the largest effects of each current reaches the lowest threshold to come (or the floor)."""
    v_inf = p.e_l + c.r_m * s.i_ext
    v = p.v_reset if s.left > 0.0 else s.v
    up = max(s.i_exc, 0.0) * c.peak_exc + max(s.i_inh, 0.0) * c.peak_inh + max(-s.i_ad, 0.0) * c.peak_ad
    down = min(s.i_exc, 0.0) * c.peak_exc + min(s.i_inh, 0.0) * c.peak_inh + min(-s.i_ad, 0.0) * c.peak_ad
    return max(v, v_inf) + up > s.v_th + min(s.theta, 0.0) - 1e-6 or min(v, v_inf) + down < p.v_min


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
class AdaptiveLIF(NamedTuple):
    tau_m: float = 20.0  # ms, membrane time constant
    tau_exc: float = 5.0  # ms, decay of the excitatory current
    tau_inh: float = 10.0  # ms, decay of the inhibitory current
    tau_ad: float = 100.0  # ms, decay of the adaptation current
    tau_theta: float = 50.0  # ms, decay of the threshold's rise
    b: float = 20.0  # pA, adaptation current that a spike adds
    d: float = 2.0  # mV, threshold that a spike adds
    c_m: float = 250.0  # pF, capacitance
    e_l: float = -65.0  # mV, resting potential
    v_th: float = -50.0  # mV, threshold at rest, at the start
    v_reset: float = -65.0  # mV, after a spike
    t_ref: float = 2.0  # ms, refractory period
    v_min: float = -math.inf  # mV, lower bound of v
    i_max: float = math.inf  # pA, bound of each synaptic current, either sign
    g_l_min: float = 0.0  # nS, lower bound of the leak c_m/tau_m
