"""Short-term depression and facilitation (Tsodyks, Pawelzik & Markram 1998, Neural Comput. 10:821).

    du/dt = -u/tau_f,  dr/dt = (1 - r)/tau_d;  a spike: u+ = u + U (1 - u), delivers w u+ r, r -= u+ r

In this convention u relaxes to 0 between spikes, and a rested synapse delivers w U.
"""

import math
from typing import NamedTuple

from .contract import rule


def used(u, p):
    """Share of the resources that a spike uses."""
    return u + p.u_rest * (1.0 - u)


def transmit(w, u, r, p):
    return w * used(u, p) * r


def on_pre(w, u, r, p):
    now = used(u, p)
    return w, now, r - now * r


def between(w, u, r, k, dt, p):
    """Exact over k steps."""
    return w, u * math.exp(-k * dt / p.tau_f), 1.0 + (r - 1.0) * math.exp(-k * dt / p.tau_d)


@rule(on_pre=on_pre, between=between, transmit=transmit, state={"u": 0.0, "r": 1.0}, ranges={"u_rest": (0.0, 1.0)})
class ShortTerm(NamedTuple):
    u_rest: float = 0.5  # 1, share used by a spike at rest (U)
    tau_d: float = 800.0  # ms, recovery from depression
    tau_f: float = 1.0  # ms, decay of facilitation
