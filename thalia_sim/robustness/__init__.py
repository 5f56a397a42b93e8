"""Slow mechanisms that keep a network in its working range, and what watches it: hooks, each one file (docs/robustness.md)."""

from .budgets import PairedBudgets as PairedBudgets
from .budgets import WeightNormalization as WeightNormalization
from .intrinsic import IntrinsicPlasticity as IntrinsicPlasticity
from .intrinsic import IntrinsicPlasticityConfig as IntrinsicPlasticityConfig
from .population_gain import PopulationIntrinsicPlasticity as PopulationIntrinsicPlasticity
from .scaling import SynapticScaling as SynapticScaling
from .stability import Stability as Stability
