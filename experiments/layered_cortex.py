"""Three layers of cortex with all mechanisms that hold them: eight patterns are shown to L4; does L2/3 tell them apart, and does that last?

one run      thalia-sim run experiments/layered_cortex.py --seed 1 --out cortex.h5
the studies  docs/robustness.md has the commands and what came out
"""
from thalia_sim import Patterns, RobustnessConfig, Stability, UnifiedHomeostasis
from thalia_sim.analysis import discrimination
from thalia_sim.circuits import LayeredCortexConfig, cortex_sites, layered_cortex
from thalia_sim.units import Hz, s

until = 20 * s

# What the mechanisms govern: the neurons of L2/3 (threshold, balance, scaling, energy), what they receive, and what drives L4 (normalization).
# Written down before any study was run, with the loss that is allowed: a fifth of the patterns told apart.
sensitivity = [
    "external->l23_exc.rate", "external->l23_exc.w", "l23_exc.v_th", "l23_exc.tau_m", "l23_exc.t_ref", "l23_exc->l23_exc.w", "l23_inh->l23_exc.w",
    "l4_exc->l23_exc.w", "external->l4_exc.rate", "external->l4_exc.w",
]  # fmt: skip


def build(seed=1, n=1000, n_regions=1, g=6.0):
    return layered_cortex(seed, LayeredCortexConfig(n=n, n_regions=n_regions, g=g))


def hooks():
    mechanisms = UnifiedHomeostasis(RobustnessConfig.full(), **cortex_sites(build())._asdict())
    return [Patterns("l4_exc", current=80.0), mechanisms, Stability("l23_exc", rate=(0.5 * Hz, 30 * Hz))]


def measure(recording):
    """Share of the patterns told apart by L2/3 (chance: 1/8), and the rates of its neurons (Hz)."""
    seconds = recording.duration / s
    rates = {f"rate_{name}": len(recording.spikes(name)[0]) / recording.populations[name].n / seconds for name in ("l23_exc", "l23_inh")}
    return {"told_apart": discrimination(recording, "l23_exc").accuracy, **rates}
