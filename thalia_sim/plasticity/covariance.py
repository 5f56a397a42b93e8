"""The covariance rule (Sejnowski 1977, J. Math. Biol. 4:303): activity counts by how far it is from its mean.

    dw = eta (x_pre - mean of x_pre)        when the target fires
    dw = eta (x_post - mean of x_post)      when a spike arrives

The means are slow traces, scaled by the ratio of the time constants. For independent trains the mean of dw is 0; spikes together in the
windows of the fast traces make it positive, spikes apart negative.
"""

from typing import NamedTuple

from .contract import rule


def on_pre(w, x_post, x_post_slow, p):
    return w + p.eta * (x_post - x_post_slow * p.tau_post / p.tau_post_slow)


def on_post(w, x_pre, x_pre_slow, p):
    return w + p.eta * (x_pre - x_pre_slow * p.tau_pre / p.tau_pre_slow)


@rule(on_pre=on_pre, on_post=on_post, ranges={"eta": (0.0, 1e12)})
class Covariance(NamedTuple):
    eta: float = 0.001  # unit of the weight, learning rate
    tau_pre: float = 20.0  # ms, decay of x_pre
    tau_post: float = 20.0  # ms, decay of x_post
    tau_pre_slow: float = 2000.0  # ms, of the mean
    tau_post_slow: float = 2000.0  # ms, of the mean
    w_min: float = 0.0  # unit of the weight, least strength
    w_max: float = 10.0  # unit of the weight, largest strength
    softness: float = 0.0  # 1, of the bounds
