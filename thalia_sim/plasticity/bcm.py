"""The rule of Bienenstock, Cooper & Munro (1982), J. Neurosci. 2:32, with a sliding threshold (Intrator & Cooper 1992, Neural Netw. 5:3).

    dw = eta y (y - theta)                when a spike arrives, y = x_post, the target's trace
    dtheta/dt = (y^power - theta) / tau_theta      held between theta_min and theta_max where it is read

In `FixedBCM` theta is a number: the rule is then not stable by itself.
"""

import math
from typing import NamedTuple

from .contract import rule


def on_pre(w, x_post, theta, p):
    held = min(max(theta, p.theta_min), p.theta_max)
    return w + p.eta * x_post * (x_post - held)


def target_spike(theta, p):
    """Nothing jumps: theta follows the trace in between."""
    return theta


def target_between(theta, x_post, k, dt, p):
    """Exact over k steps in which y decays from x_post: y^power decays with rate a, theta relaxes to it with rate b."""
    a, b = p.power / p.tau_post, 1.0 / p.tau_theta
    t = k * dt
    fast, slow = math.exp(-a * t), math.exp(-b * t)
    driven = x_post**p.power * (b * t * slow if a == b else b * (slow - fast) / (a - b))
    return theta * slow + driven


def fixed_on_pre(w, x_post, p):
    return w + p.eta * x_post * (x_post - p.theta)


RANGES = {"eta": (0.0, 1e12), "power": (1.0, 10.0), "theta_start": (0.0, 1e12), "theta_min": (0.0, 1e12), "theta_max": (0.0, 1e12)}


@rule(on_pre=on_pre, target_spike=target_spike, target_between=target_between, target={"theta": "theta_start"}, ranges=RANGES)
class BCM(NamedTuple):
    eta: float = 0.001  # unit of the weight, learning rate
    tau_post: float = 50.0  # ms, of y
    tau_theta: float = 5000.0  # ms, of the threshold
    power: float = 2.0  # 1, of y, whose mean the threshold follows
    theta_start: float = 0.25  # 1, threshold at the start
    theta_min: float = 1e-6  # 1, least threshold
    theta_max: float = 1e6  # 1, largest threshold
    w_min: float = 0.0  # unit of the weight, least strength
    w_max: float = 10.0  # unit of the weight, largest strength
    softness: float = 0.0  # 1, of the bounds


@rule(on_pre=fixed_on_pre, ranges={"eta": (0.0, 1e12), "theta": (0.0, 1e12)})
class FixedBCM(NamedTuple):
    eta: float = 0.001  # unit of the weight, learning rate
    tau_post: float = 50.0  # ms, of y
    theta: float = 0.5  # 1, the threshold
    w_min: float = 0.0  # unit of the weight, least strength
    w_max: float = 10.0  # unit of the weight, largest strength
    softness: float = 0.0  # 1, of the bounds
