"""STDP that a reward makes permanent: pairings move an eligibility, which decays and turns into weight at the rate of the modulator
(Izhikevich 2007, Cereb. Cortex 17:2443; Fremaux & Gerstner 2016, Front. Neural Circuits 9:85).

    dw/dt = m_reward e,  tau_e de/dt = -e,  e += a_plus x_pre when the target fires, e -= a_minus x_post when a spike arrives
"""

import math
from typing import NamedTuple

from .contract import rule


def on_pre(w, e, x_post, p):
    return w, e - p.a_minus * x_post


def on_post(w, e, x_pre, p):
    return w, e + p.a_plus * x_pre


def between(w, e, m_reward, k, dt, p):
    """Exact over k steps: e decays, w takes its integral."""
    left = math.exp(-k * dt / p.tau_e)
    return w + m_reward * e * p.tau_e * (1.0 - left), e * left


@rule(on_pre=on_pre, on_post=on_post, between=between, state={"e": 0.0}, ranges={"a_plus": (0.0, 1e6), "a_minus": (0.0, 1e6)})
class RewardSTDP(NamedTuple):
    tau_e: float = 1000.0  # ms, eligibility
    tau_pre: float = 20.0  # ms, decay of x_pre
    tau_post: float = 20.0  # ms, decay of x_post
    a_plus: float = 0.005  # 1, eligibility of a pair, arrival first
    a_minus: float = 0.00525  # 1, eligibility of a pair, target first
    w_min: float = 0.0  # unit of the weight, least strength
    w_max: float = 10.0  # unit of the weight, largest strength
