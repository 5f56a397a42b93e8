"""Leaky integrator with one exponential current (exact on the grid: Rotter & Diesmann 1999)."""
import math
from typing import NamedTuple

from thalia_sim import neuron


class State(NamedTuple):
    v: float    # mV, above rest
    i: float    # mV/ms, synaptic current over capacitance
    left: float # steps of refractoriness still to come


def derive(p, dt):
    """Constants of one step of dt ms."""
    a, b = math.exp(-dt / p.tau_m), math.exp(-dt / p.tau_s)
    return Step(a, b, p.tau_m * p.tau_s / (p.tau_m - p.tau_s) * (a - b), p.t_ref / dt)


class Step(NamedTuple):
    decay_v: float
    decay_i: float
    i_to_v: float
    t_ref: float


def step(s, x, c, p):
    """One step; x.exc is what arrived. Returns the new state and whether it fired."""
    v = 0.0 if s.left > 0 else s.v * c.decay_v + s.i * c.i_to_v
    fired = v >= p.v_th
    return State(0.0 if fired else v, s.i * c.decay_i + x.exc, c.t_ref if fired else max(s.left - 1, 0.0)), fired


@neuron(state=State, derive=derive, step=step, receptors=("exc",))
class Leaky(NamedTuple):
    tau_m: float = 20.0  # ms
    tau_s: float = 5.0   # ms
    v_th: float = 15.0   # mV above rest
    t_ref: float = 2.0   # ms
