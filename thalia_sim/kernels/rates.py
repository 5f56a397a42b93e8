"""Running rates of single neurons, and thresholds that drift with them, exact between spikes.

    d avg/dt = -avg / tau, avg += 1000 / tau at a spike          avg in Hz, tau in ms: its mean over time is the rate
    d theta/dt = speed (avg - target), low <= theta <= high       theta in mV, speed in mV/(Hz ms)

Values are kept as they were after a neuron's last spike, so nothing depends on when and how often they are read.
"""

import math

import numpy as np

from .jit import inlined, jit
from .scalar import compiled_scalar


def running_rate(avg, ms, tau):
    """avg after ms without a spike."""
    return avg * math.exp(-ms / tau)


def drifted(avg, theta, ms, tau, target, speed, low, high):
    """theta after ms without a spike, avg at their begin: it rises while avg > target and then falls, each way up to a bound, where it stays."""
    if avg > target:
        rising = min(ms, tau * math.log(avg / target)) if target > 0.0 else ms
        theta = min(theta + speed * (-math.expm1(-rising / tau) * tau * avg - target * rising), high)
        avg = running_rate(avg, rising, tau)
        ms -= rising
    if ms > 0.0:
        theta = max(theta + speed * (-math.expm1(-ms / tau) * tau * avg - target * ms), low)
    return theta


_rate, _theta = compiled_scalar(running_rate, inlined), compiled_scalar(drifted, inlined)


@jit
def take_spikes(steps, ids, first, last, avg, dt, tau):
    """Let running rates take in spikes (step, global id) of the elements first, first + 1 ...; last and avg [n] change."""
    for q in range(len(steps)):
        k = np.int64(ids[q]) - first
        if 0 <= k < len(avg):
            now = steps[q] + 1
            avg[k] = _rate(avg[k], (now - last[k]) * dt, tau) + 1000.0 / tau
            last[k] = now


@jit
def take_spikes_together(steps, ids, first, end, last, avg, dt, tau):
    """The same for the sum of the rates of the elements first .. end, last and avg [1]."""
    for q in range(len(steps)):
        if first <= ids[q] < end:
            now = steps[q] + 1
            if now > last[0]:
                avg[0] = _rate(avg[0], (now - last[0]) * dt, tau)
                last[0] = now
            avg[0] += 1000.0 / tau


@jit
def count_spikes(ids, begin, end, count):
    """Add to count [ranges] how many of the ids lie in each range begin .. end."""
    for k in range(len(count)):
        n = 0
        for q in range(len(ids)):
            if begin[k] <= ids[q] < end[k]:
                n += 1
        count[k] += n


@jit
def rates_at(step, last, avg, dt, tau, out):
    """Running rates at a step, into out [n]."""
    for k in range(len(avg)):
        out[k] = _rate(avg[k], (step - last[k]) * dt, tau)


@jit
def take_spikes_drifting(steps, ids, first, last, avg, theta, dt, tau, target, speed, low, high):
    """The same for rates and the thresholds that follow them; target, speed, low and high are arrays [n]."""
    for q in range(len(steps)):
        k = np.int64(ids[q]) - first
        if 0 <= k < len(avg):
            now = steps[q] + 1
            ms = (now - last[k]) * dt
            theta[k] = _theta(avg[k], theta[k], ms, tau, target[k], speed[k], low[k], high[k])
            avg[k] = _rate(avg[k], ms, tau) + 1000.0 / tau
            last[k] = now


@jit
def thresholds_at(step, last, avg, theta, dt, tau, target, speed, low, high, out):
    """Drifting thresholds at a step, into out [n]."""
    for k in range(len(avg)):
        out[k] = _theta(avg[k], theta[k], (step - last[k]) * dt, tau, target[k], speed[k], low[k], high[k])
