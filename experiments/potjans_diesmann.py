"""Do the layers of a cortical microcircuit fire at their published rates? Potjans & Diesmann 2014 at any scale.

a tenth       thalia-sim run experiments/potjans_diesmann.py --out tenth.h5
in full       thalia-sim run experiments/potjans_diesmann.py --set scale=1.0 --threads 2 --out full.h5   (needs 4 GB of memory)
without noise thalia-sim run experiments/potjans_diesmann.py --set drive=dc --set scale=0.5 --out dc.h5
"""

from thalia_sim.circuits import potjans_diesmann
from thalia_sim.units import s

until = 1 * s


def build(seed=55, scale=0.1, drive="poisson"):
    return potjans_diesmann(scale, seed, drive)
