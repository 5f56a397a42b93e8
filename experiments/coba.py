"""Does a conductance-based network keep firing by itself? The COBA benchmark of Vogels & Abbott, 4,000 neurons, no input after the start.

thalia-sim run experiments/coba.py --out coba.h5
"""

from thalia_sim.circuits import coba
from thalia_sim.units import nS, s

until = 10 * s


def build(seed=1, n=4000, p=0.02, g_exc=6.0 * nS, g_inh=67.0 * nS):
    return coba(n, p, seed, g_exc=g_exc, g_inh=g_inh)
