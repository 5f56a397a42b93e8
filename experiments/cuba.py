"""Does a current-based network keep firing by itself? The CUBA benchmark of Vogels & Abbott, 4,000 neurons, no input at all.

thalia-sim run experiments/cuba.py --out cuba.h5
thalia-sim plot cuba.h5
"""

from thalia_sim.circuits import cuba
from thalia_sim.units import pA, s

until = 10 * s


def build(seed=1, n=4000, p=0.02, w_exc=16.2 * pA, w_inh=-90.0 * pA):
    return cuba(n, p, seed, w_exc=w_exc, w_inh=w_inh)
