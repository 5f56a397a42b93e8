"""Hebb's rule, its opposite, and Oja's, at the spikes of the target.

    Hebb      dw = eta x_pre                    Hebb (1949), The Organization of Behavior; anti-Hebb with the other sign
    Oja       dw = eta (x_pre - w/w_scale x_post_1)   Oja (1982), J. Math. Biol. 15:267, x_post_1 the target's trace with this spike
"""

from typing import NamedTuple

from .contract import rule


def hebb_on_post(w, x_pre, p):
    return w + p.eta * x_pre


def anti_on_post(w, x_pre, p):
    return w - p.eta * x_pre


def oja_on_post(w, x_pre, x_post, p):
    return w + p.eta * (x_pre - w / p.w_scale * (x_post + 1.0))


@rule(on_post=hebb_on_post, ranges={"eta": (0.0, 1e12)})
class Hebb(NamedTuple):
    eta: float = 0.01  # unit of the weight, gained per unit of x_pre
    tau_pre: float = 20.0  # ms, decay of x_pre
    w_min: float = 0.0  # unit of the weight, least strength
    w_max: float = 10.0  # unit of the weight, largest strength
    softness: float = 0.0  # 1, of the bounds


@rule(on_post=anti_on_post, ranges={"eta": (0.0, 1e12)})
class AntiHebb(NamedTuple):
    eta: float = 0.01  # unit of the weight, learning rate
    tau_pre: float = 20.0  # ms, decay of x_pre
    w_min: float = 0.0  # unit of the weight, least strength
    w_max: float = 10.0  # unit of the weight, largest strength
    softness: float = 0.0  # 1, of the bounds


@rule(on_post=oja_on_post, ranges={"eta": (0.0, 1e12), "w_scale": (1e-12, 1e12)})
class Oja(NamedTuple):
    eta: float = 0.01  # unit of the weight, learning rate
    w_scale: float = 1.0  # unit of the weight, at which gain and loss of equal traces balance
    tau_pre: float = 20.0  # ms, decay of x_pre
    tau_post: float = 20.0  # ms, decay of x_post
    w_min: float = 0.0  # unit of the weight, least strength
    w_max: float = 10.0  # unit of the weight, largest strength
    softness: float = 0.0  # 1, of the bounds
