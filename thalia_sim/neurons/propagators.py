"""Exact propagators of linear membranes over any time (Rotter & Diesmann 1999, Biol. Cybern. 81:381), written so that equal time constants are no
special case and long times overflow nowhere, and helpers that every model shares. Plain functions over scalars."""

import math

TINY = 1e-30


def flush(x):
    """Zero for what has decayed away: keeps denormal floats, which are 3 to 10 times slower, out of the state."""
    return x if abs(x) > TINY else 0.0


def steps(t, dt):
    """Duration t in whole steps of dt, as a float."""
    return math.floor(t / dt + 0.5)


def leak_bounded(tau_m, c_m, g_l_min):
    """Membrane time constant (ms) whose leak c_m / tau_m is at least g_l_min (nS)."""
    return tau_m if c_m >= g_l_min * tau_m else c_m / g_l_min


def exp_to_v(t, tau_m, tau_s, c_m):
    """mV at time t (ms) after a current of 1 pA that decays with tau_s began to flow into a membrane at rest.

    The integral of exp(-(t-s)/tau_m) exp(-s/tau_s) / c_m over s from 0 to t.
    """
    x = t * abs(1.0 / tau_s - 1.0 / tau_m)
    ratio = -math.expm1(-x) / x if x > 1e-12 else 1.0
    return t * math.exp(-t / max(tau_m, tau_s)) * ratio / c_m


def alpha_to_v(t, tau_m, tau_s, c_m):
    """mV at time t (ms) after a current (1 pA/ms) s exp(-s/tau_s) began to flow into a membrane at rest.

    The integral of exp(-(t-s)/tau_m) s exp(-s/tau_s) / c_m over s from 0 to t; a series where 1/tau_s and 1/tau_m are close.
    """
    x = t * (1.0 / tau_s - 1.0 / tau_m)
    if abs(x) < 0.1:
        part = 0.5 - x / 3.0 + x**2 / 8.0 - x**3 / 30.0 + x**4 / 144.0 - x**5 / 840.0 + x**6 / 5760.0 - x**7 / 45360.0 + x**8 / 403200.0
        return t * t * math.exp(-t / tau_m) * part / c_m
    return (math.exp(-t / tau_m) - math.exp(-t / tau_s) * (1.0 + x)) * (t / x) * (t / x) / c_m


def exp_peak(tau_m, tau_s, c_m):
    """Largest value of exp_to_v over all t (mV per pA)."""
    x = tau_m / tau_s - 1.0
    t = tau_m * math.log1p(x) / x if abs(x) > 1e-9 else tau_m
    return exp_to_v(t, tau_m, tau_s, c_m)


def alpha_peak(tau_m, tau_s, c_m):
    """An upper bound of alpha_to_v over all t (mV per pA/ms): the whole charge at once, tau_s^2 / c_m."""
    return tau_s * tau_s / c_m


def exp_minus(x):
    """exp(-x) for x >= 0 by arithmetic alone, so that a loop over neurons stays a vector loop (a call of exp makes it a scalar one).

    Taylor polynomial of degree 10 of exp(-x/16), summed in pairs (Estrin 1960) so that few operations wait for one another, and squared four
    times; error under 1e-12 for every x >= 0 and under 2e-15 for x <= 1 (beyond 40 it gives its value at 40).
    """
    y = -0.0625 * min(x, 40.0)
    y2 = y * y
    y4 = y2 * y2
    low = (0.5 + y * (1.0 / 6.0)) + (1.0 / 24.0 + y * (1.0 / 120.0)) * y2
    high = (1.0 / 720.0 + y * (1.0 / 5040.0)) + ((1.0 / 40320.0 + y * (1.0 / 362880.0)) + y2 * (1.0 / 3628800.0)) * y2
    e = 1.0 + (y + (low + high * y4) * y2)
    e = e * e
    e = e * e
    e = e * e
    return e * e
