"""Slow mechanisms that keep a network in its working range, and what watches it: hooks, each one file; normalization of arrays."""

from .budgets import PairedBudgets as PairedBudgets
from .budgets import WeightNormalization as WeightNormalization
from .criticality import CriticalityMonitor as CriticalityMonitor
from .intrinsic import IntrinsicPlasticity as IntrinsicPlasticity
from .intrinsic import IntrinsicPlasticityConfig as IntrinsicPlasticityConfig
from .metabolic import MetabolicConstraint as MetabolicConstraint
from .normalization import ContrastNormalization as ContrastNormalization
from .normalization import DivisiveNormalization as DivisiveNormalization
from .normalization import SpatialDivisiveNorm as SpatialDivisiveNorm
from .normalize_input import NormalizeInput as NormalizeInput
from .pools import CustomPool as CustomPool
from .pools import GlobalPool as GlobalPool
from .pools import LearnedPool as LearnedPool
from .pools import LocalPool as LocalPool
from .pools import SelfPool as SelfPool
from .population_gain import PopulationIntrinsicPlasticity as PopulationIntrinsicPlasticity
from .regional_budgets import RegionalBudgets as RegionalBudgets
from .scaling import SynapticScaling as SynapticScaling
from .stability import Stability as Stability
