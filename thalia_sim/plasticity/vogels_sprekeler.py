"""Plasticity of inhibitory synapses that brings the target to a rate (Vogels, Sprekeler et al. 2011, Science 334:1569, supplement).

    dw = eta (x_post - alpha)    when a spike arrives, alpha = 2 target tau
    dw = eta x_pre               when the target fires

w is the strength of the synapse; both traces decay with the same time constant in the paper.
"""

from typing import NamedTuple

from .contract import rule


def on_pre(w, x_post, p):
    return w + p.eta * (x_post - 2.0 * p.target * 1e-3 * p.tau_post)


def on_post(w, x_pre, p):
    return w + p.eta * x_pre


@rule(on_pre=on_pre, on_post=on_post, ranges={"eta": (0.0, 1e12), "target": (0.0, 1000.0)})
class VogelsSprekeler(NamedTuple):
    target: float = 5.0  # Hz, rate of the target neuron
    eta: float = 0.001  # unit of the weight, learning rate
    tau_pre: float = 20.0  # ms, decay of x_pre
    tau_post: float = 20.0  # ms, decay of x_post
    w_min: float = 0.0  # unit of the weight, least strength
    w_max: float = 1e12  # unit of the weight, largest strength
    softness: float = 0.0  # 1, of the bounds
