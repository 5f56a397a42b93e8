"""STDP of triplets of spikes (Pfister & Gerstner 2006, J. Neurosci. 26:9673, equations 3 and 4; all-to-all).

    dw = -x_post (a2_minus + a3_minus x_pre_slow)     when a spike arrives
    dw = x_pre (a2_plus + a3_plus x_post_slow)        when the target fires

The slow traces are read just before the event's own increment, as the paper asks. Default: the minimal model fitted to visual cortex
(table 4, all-to-all), with amplitudes in units of w_scale.
"""

from typing import NamedTuple

from .contract import rule


def on_pre(w, x_post, x_pre_slow, p):
    return w - p.w_scale * x_post * (p.a2_minus + p.a3_minus * x_pre_slow)


def on_post(w, x_pre, x_post_slow, p):
    return w + p.w_scale * x_pre * (p.a2_plus + p.a3_plus * x_post_slow)


AMPLITUDES = {f"a{k}_{s}": (0.0, 1e6) for k in (2, 3) for s in ("plus", "minus")}


@rule(on_pre=on_pre, on_post=on_post, ranges={"dendritic": (0.0, 1.0), "w_scale": (1e-12, 1e12), **AMPLITUDES})
class TripletSTDP(NamedTuple):
    tau_pre: float = 16.8  # ms, tau_+
    tau_post: float = 33.7  # ms, tau_-
    tau_pre_slow: float = 101.0  # ms, tau_x
    tau_post_slow: float = 114.0  # ms, tau_y
    a2_plus: float = 0.0  # 1, gain of pairs
    a3_plus: float = 6.5e-3  # 1, gain of triplets
    a2_minus: float = 7.1e-3  # 1, loss of pairs
    a3_minus: float = 0.0  # 1, loss of triplets
    w_scale: float = 1.0  # unit of the weight, of all amplitudes
    w_min: float = 0.0  # unit of the weight, least strength
    w_max: float = 1e12  # unit of the weight, largest strength
    softness: float = 0.0  # 1, of the bounds
    dendritic: float = 0.0  # 1, share of the delay by which spikes of the target come later
