"""Soft-bound STDP (van Rossum, Bi & Turrigiano 2000, J. Neurosci. 20:8812)."""
from typing import NamedTuple

from thalia_sim import rule


def on_pre(w, x_pre, x_post, p):
    """A pre spike arrives, x_post says how lately the target fired: lose a share of w."""
    return w - p.c_minus * w * x_post


def on_post(w, x_pre, x_post, p):
    """The target fires, x_pre says how lately a pre spike came: gain a fixed step."""
    return w + p.c_plus * x_pre


@rule(on_pre=on_pre, on_post=on_post)
class SoftSTDP(NamedTuple):
    tau_pre: float = 20.0   # ms, decay of x_pre
    tau_post: float = 20.0  # ms, decay of x_post
    c_plus: float = 0.005   # mV gained per pairing
    c_minus: float = 0.003  # share of w lost per pairing
    w_min: float = 0.0      # mV
    w_max: float = 2.0      # mV
