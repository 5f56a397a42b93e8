"""An event-driven simulator of spiking networks: describe, run, record, repeat to the bit."""

from typing import Any

from . import units as units
from .distributions import ClippedNormal as ClippedNormal
from .distributions import LogNormal as LogNormal
from .distributions import Normal as Normal
from .distributions import Uniform as Uniform
from .errors import DescriptionError as DescriptionError
from .errors import PathError as PathError
from .errors import RecordingError as RecordingError
from .errors import SimulationError as SimulationError
from .errors import UnusualValue as UnusualValue
from .geometry import Cube as Cube
from .geometry import Grid as Grid
from .geometry import Positions as Positions
from .geometry import Sheet as Sheet
from .hooks import Hook as Hook
from .hooks import MemoryRecorder as MemoryRecorder
from .hooks import Patterns as Patterns
from .hooks import Progress as Progress
from .hooks import Prune as Prune
from .hooks import Recorder as Recorder
from .hooks import Regrow as Regrow
from .hooks import Sample as Sample
from .hooks import StopRun as StopRun
from .interventions import BlockPlasticity as BlockPlasticity
from .interventions import Clamp as Clamp
from .interventions import Interventions as Interventions
from .interventions import Lesion as Lesion
from .interventions import Restore as Restore
from .interventions import Scale as Scale
from .interventions import Silence as Silence
from .interventions import Stimulate as Stimulate
from .interventions import Switch as Switch
from .interventions import replay as replay
from .learning import Activation as Activation
from .learning import FastSigmoid as FastSigmoid
from .learning import GradientResult as GradientResult
from .learning import HebbianConfig as HebbianConfig
from .learning import HebbianResult as HebbianResult
from .learning import HybridLearningConfig as HybridLearningConfig
from .learning import HybridResult as HybridResult
from .learning import LayeredNetwork as LayeredNetwork
from .learning import RateNetwork as RateNetwork
from .learning import SlidingThreshold as SlidingThreshold
from .learning import SmoothSpike as SmoothSpike
from .learning import SpikingNetwork as SpikingNetwork
from .learning import apply_competitive_learning as apply_competitive_learning
from .learning import compute_hebbian_delta as compute_hebbian_delta
from .learning import covariance_weights as covariance_weights
from .learning import cross_entropy as cross_entropy
from .learning import k_winners as k_winners
from .learning import lateral_inhibition as lateral_inhibition
from .learning import linear as linear
from .learning import recall as recall
from .learning import relu as relu
from .learning import sigmoid as sigmoid
from .learning import slide_threshold as slide_threshold
from .learning import squared_error as squared_error
from .learning import tanh as tanh
from .network import Network as Network
from .neurons import LIF as LIF
from .neurons import AdaptiveLIF as AdaptiveLIF
from .neurons import LIFAlpha as LIFAlpha
from .neurons import LIFCond as LIFCond
from .neurons import LIFDelta as LIFDelta
from .neurons import LIFExp as LIFExp
from .neurons import LIFExp1 as LIFExp1
from .neurons import neuron as neuron
from .plasticity import BCM as BCM
from .plasticity import AntiHebb as AntiHebb
from .plasticity import Covariance as Covariance
from .plasticity import FixedBCM as FixedBCM
from .plasticity import Hebb as Hebb
from .plasticity import NearestSTDP as NearestSTDP
from .plasticity import Oja as Oja
from .plasticity import PairSTDP as PairSTDP
from .plasticity import RewardSTDP as RewardSTDP
from .plasticity import ShortTerm as ShortTerm
from .plasticity import SoftSTDP as SoftSTDP
from .plasticity import TripletSTDP as TripletSTDP
from .plasticity import VogelsSprekeler as VogelsSprekeler
from .plasticity import WeightDecay as WeightDecay
from .plasticity import replay_synapse as replay_synapse
from .plasticity import rule as rule
from .recording import open_recording as open_recording
from .robustness import ActivityScalingConfig as ActivityScalingConfig
from .robustness import ContrastNormalization as ContrastNormalization
from .robustness import CriticalityConfig as CriticalityConfig
from .robustness import CriticalityMonitor as CriticalityMonitor
from .robustness import CustomPool as CustomPool
from .robustness import DivisiveNormConfig as DivisiveNormConfig
from .robustness import DivisiveNormalization as DivisiveNormalization
from .robustness import EIBalance as EIBalance
from .robustness import EIBalanceConfig as EIBalanceConfig
from .robustness import GlobalPool as GlobalPool
from .robustness import HardBounds as HardBounds
from .robustness import HardBoundsConfig as HardBoundsConfig
from .robustness import IntrinsicPlasticity as IntrinsicPlasticity
from .robustness import IntrinsicPlasticityConfig as IntrinsicPlasticityConfig
from .robustness import LearnedPool as LearnedPool
from .robustness import LocalPool as LocalPool
from .robustness import MetabolicConfig as MetabolicConfig
from .robustness import MetabolicConstraint as MetabolicConstraint
from .robustness import NormalizeInput as NormalizeInput
from .robustness import PairedBudgets as PairedBudgets
from .robustness import PopulationIntrinsicPlasticity as PopulationIntrinsicPlasticity
from .robustness import RegionalBudgets as RegionalBudgets
from .robustness import RobustnessConfig as RobustnessConfig
from .robustness import SelfPool as SelfPool
from .robustness import SpatialDivisiveNorm as SpatialDivisiveNorm
from .robustness import Stability as Stability
from .robustness import SynapticScaling as SynapticScaling
from .robustness import UnifiedHomeostasis as UnifiedHomeostasis
from .robustness import WeightNormalization as WeightNormalization
from .robustness import WeightNormalizationConfig as WeightNormalizationConfig
from .simulation import Simulation as Simulation
from .sources import DC as DC
from .sources import OrnsteinUhlenbeck as OrnsteinUhlenbeck
from .sources import Poisson as Poisson
from .sources import PoissonSource as PoissonSource
from .sources import Ramp as Ramp
from .sources import Sine as Sine
from .sources import SpikeArray as SpikeArray
from .sources import SpikeFile as SpikeFile
from .sources import StepCurrent as StepCurrent
from .sources import TimedArray as TimedArray
from .sources import current as current
from .wiring import all_to_all as all_to_all
from .wiring import by_distance as by_distance
from .wiring import from_arrays as from_arrays
from .wiring import from_matrix as from_matrix
from .wiring import in_degree as in_degree
from .wiring import one_to_one as one_to_one
from .wiring import out_degree as out_degree
from .wiring import probability as probability
from .wiring import total_number as total_number

__version__ = "0.1.0"

__all__ = [
    "Activation",
    "ActivityScalingConfig",
    "AdaptiveLIF",
    "AntiHebb",
    "BCM",
    "BlockPlasticity",
    "Clamp",
    "ClippedNormal",
    "ContrastNormalization",
    "Covariance",
    "CriticalityConfig",
    "CriticalityMonitor",
    "Cube",
    "CustomPool",
    "DC",
    "DescriptionError",
    "DivisiveNormConfig",
    "DivisiveNormalization",
    "EIBalance",
    "EIBalanceConfig",
    "FastSigmoid",
    "FixedBCM",
    "GlobalPool",
    "GradientResult",
    "Grid",
    "HardBounds",
    "HardBoundsConfig",
    "Hebb",
    "HebbianConfig",
    "HebbianResult",
    "Hook",
    "HybridLearningConfig",
    "HybridResult",
    "Interventions",
    "IntrinsicPlasticity",
    "IntrinsicPlasticityConfig",
    "LIF",
    "LIFAlpha",
    "LIFCond",
    "LIFDelta",
    "LIFExp",
    "LIFExp1",
    "LayeredNetwork",
    "LearnedPool",
    "Lesion",
    "LocalPool",
    "LogNormal",
    "MemoryRecorder",
    "MetabolicConfig",
    "MetabolicConstraint",
    "NearestSTDP",
    "Network",
    "Normal",
    "NormalizeInput",
    "Oja",
    "OrnsteinUhlenbeck",
    "PairSTDP",
    "PairedBudgets",
    "PathError",
    "Patterns",
    "Poisson",
    "PoissonSource",
    "PopulationIntrinsicPlasticity",
    "Positions",
    "Progress",
    "Prune",
    "Ramp",
    "RateNetwork",
    "Recorder",
    "RecordingError",
    "RegionalBudgets",
    "Regrow",
    "Restore",
    "RewardSTDP",
    "RobustnessConfig",
    "Sample",
    "Scale",
    "SelfPool",
    "Sheet",
    "ShortTerm",
    "Silence",
    "Simulation",
    "SimulationError",
    "Sine",
    "SlidingThreshold",
    "SmoothSpike",
    "SoftSTDP",
    "SpatialDivisiveNorm",
    "SpikeArray",
    "SpikeFile",
    "SpikingNetwork",
    "Stability",
    "StepCurrent",
    "Stimulate",
    "StopRun",
    "Switch",
    "SynapticScaling",
    "ThaliaConfig",
    "TimedArray",
    "TripletSTDP",
    "UnifiedHomeostasis",
    "Uniform",
    "UnusualValue",
    "VogelsSprekeler",
    "WeightDecay",
    "WeightNormalization",
    "WeightNormalizationConfig",
    "all_to_all",
    "apply_competitive_learning",
    "by_distance",
    "compute_hebbian_delta",
    "covariance_weights",
    "cross_entropy",
    "current",
    "from_arrays",
    "from_matrix",
    "from_thalia_config",
    "in_degree",
    "k_winners",
    "lateral_inhibition",
    "linear",
    "neuron",
    "one_to_one",
    "open_recording",
    "out_degree",
    "probability",
    "recall",
    "relu",
    "replay",
    "replay_synapse",
    "rule",
    "sigmoid",
    "slide_threshold",
    "squared_error",
    "tanh",
    "total_number",
    "units",
]


def __getattr__(name: str) -> Any:
    """The unified configuration brings all circuits with it, which few need."""
    if name in ("ThaliaConfig", "from_thalia_config"):
        from . import configured

        return getattr(configured, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
