"""Spike-timing-dependent plasticity of pairs of spikes.

    dw = a_plus w_max (1 - w/w_max)^mu x_pre      when the target fires
    dw = -a_minus w_max (w/w_max)^mu x_post       when a spike arrives

The powers are the soft bounds that the runtime puts on any rule (`softness`, here mu; with w_min above 0 they reach to w_min). mu = 0 is the
additive rule (Song, Miller & Abbott 2000, Nat. Neurosci. 3:919), mu = 1 the multiplicative one (Rubin, Lee & Sompolinsky 2001, Phys. Rev. Lett.
86:364), between them Guetig et al. (2003), J. Neurosci. 23:3697. All spikes pair with all, or each with the nearest of the other side only
(`PairSTDP` and `NearestSTDP`; Morrison, Diesmann & Gerstner 2008, Biol. Cybern. 98:459).
"""

from typing import NamedTuple

from .contract import rule


def on_pre(w, x_post, p):
    """The later x_post, the more is lost."""
    return w - p.a_minus * p.w_max * x_post


def on_post(w, x_pre, p):
    """The later x_pre, the more is gained."""
    return w + p.a_plus * p.w_max * x_pre


RANGES = {"dendritic": (0.0, 1.0), "a_plus": (0.0, 1.0), "a_minus": (0.0, 1.0), "softness": (0.0, 1.0), "w_max": (1e-12, 1e12)}


@rule(on_pre=on_pre, on_post=on_post, ranges=RANGES)
class PairSTDP(NamedTuple):
    tau_pre: float = 20.0  # ms, decay of x_pre
    tau_post: float = 20.0  # ms, decay of x_post
    a_plus: float = 0.005  # 1, share of w_max gained in a pairing
    a_minus: float = 0.00525  # 1, share of w_max lost in a pairing
    w_min: float = 0.0  # unit of the weight, least strength
    w_max: float = 1.0  # unit of the weight, largest strength
    softness: float = 0.0  # 1, mu: 0 additive, 1 multiplicative
    dendritic: float = 0.0  # 1, share of the delay by which spikes of the target come later


@rule(on_pre=on_pre, on_post=on_post, pairing="nearest", ranges=RANGES)
class NearestSTDP(NamedTuple):
    tau_pre: float = 20.0  # ms, decay of x_pre
    tau_post: float = 20.0  # ms, decay of x_post
    a_plus: float = 0.005  # 1, share of w_max gained in a pairing
    a_minus: float = 0.00525  # 1, share of w_max lost in a pairing
    w_min: float = 0.0  # unit of the weight, least strength
    w_max: float = 1.0  # unit of the weight, largest strength
    softness: float = 0.0  # 1, mu: 0 additive, 1 multiplicative
    dendritic: float = 0.0  # 1, share of the delay by which spikes of the target come later
