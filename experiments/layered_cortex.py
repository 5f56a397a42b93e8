"""Three layers of cortex with mechanisms that hold it: at which rates do they settle?

thalia-sim run experiments/layered_cortex.py --seed 1 --set n_regions=2 --out cortex.h5
"""
from thalia_sim import RobustnessConfig, Stability, UnifiedHomeostasis
from thalia_sim.circuits import LayeredCortexConfig, cortex_sites, layered_cortex
from thalia_sim.units import Hz, s

until = 10 * s


def build(seed=1, n=1000, n_regions=1, g=6.0):
    return layered_cortex(seed, LayeredCortexConfig(n=n, n_regions=n_regions, g=g))


def hooks():
    mechanisms = RobustnessConfig.minimal().switched(hard_bounds=True, ei_balance=True, intrinsic_plasticity=True)
    return [UnifiedHomeostasis(mechanisms, **cortex_sites(build())._asdict()), Stability("l23_exc", rate=(0.5 * Hz, 30 * Hz))]
