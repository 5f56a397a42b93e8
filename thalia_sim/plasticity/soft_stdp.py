"""STDP with a soft lower bound: what is lost is a share of w, what is gained a fixed step
(van Rossum, Bi & Turrigiano 2000, J. Neurosci. 20:8812)."""

from typing import NamedTuple

from .contract import rule


def on_pre(w, x_post, p):
    """A spike arrives, x_post says how lately the target fired: lose a share of w."""
    return w - p.c_minus * w * x_post


def on_post(w, x_pre, p):
    """The target fires, x_pre says how lately a spike came: gain a fixed step."""
    return w + p.c_plus * x_pre


@rule(on_pre=on_pre, on_post=on_post, ranges={"c_plus": (0.0, 1e12), "c_minus": (0.0, 1.0)})
class SoftSTDP(NamedTuple):
    tau_pre: float = 20.0  # ms, decay of x_pre
    tau_post: float = 20.0  # ms, decay of x_post
    c_plus: float = 0.005  # unit of the weight, gained per pairing
    c_minus: float = 0.003  # 1, share of w lost per pairing
    w_min: float = 0.0  # unit of the weight, least strength
    w_max: float = 1e12  # unit of the weight, largest strength
