"""What does a silent neuron cost? A million of them with 100 million synapses, of which ten thousand are kicked ten times a second.

thalia-sim run experiments/quiet.py --out quiet.h5
"""

from thalia_sim.circuits import quiet
from thalia_sim.units import Hz, mV, s

until = 1 * s


def build(seed=1, n=1_000_000, k=100, share=0.01, rate=10 * Hz, w=0.1 * mV, kick=25 * mV):
    return quiet(n, k, seed, share=share, rate=rate, w=w, kick=kick)
