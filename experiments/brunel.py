"""In which regime is a sparse random network? Brunel 2000 at 12,500 neurons; g and eta choose the place in its phase diagram.

asynchronous irregular   thalia-sim run experiments/brunel.py --out ai.h5
synchronous regular      thalia-sim run experiments/brunel.py --set g=3 --set eta=2 --out sr.h5
synchronous, fast        thalia-sim run experiments/brunel.py --set g=6 --set eta=4 --out fast.h5
synchronous, slow        thalia-sim run experiments/brunel.py --set g=4.5 --set eta=0.9 --out slow.h5
"""

from thalia_sim.circuits import brunel
from thalia_sim.units import mV, ms, s

until = 1 * s


def build(seed=1, order=2500, g=5.0, eta=2.0, w=0.1 * mV, delay=1.5 * ms, spread=False):
    return brunel(order, g, eta, w, delay, seed, spread=spread)
