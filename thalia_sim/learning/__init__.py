"""Learning over layered networks: by gradient, by Hebb, and by both at once; competition; associative memory."""

from .activation import Activation as Activation
from .activation import linear as linear
from .activation import relu as relu
from .activation import sigmoid as sigmoid
from .activation import tanh as tanh
from .competition import apply_competitive_learning as apply_competitive_learning
from .competition import k_winners as k_winners
from .config import HebbianConfig as HebbianConfig
from .config import HybridLearningConfig as HybridLearningConfig
from .config import SlidingThreshold as SlidingThreshold
from .covariance import covariance_weights as covariance_weights
from .covariance import recall as recall
from .delta import compute_hebbian_delta as compute_hebbian_delta
from .delta import slide_threshold as slide_threshold
from .lateral import lateral_inhibition as lateral_inhibition
from .layered import LayeredNetwork as LayeredNetwork
from .losses import cross_entropy as cross_entropy
from .losses import squared_error as squared_error
from .rate import RateNetwork as RateNetwork
from .results import GradientResult as GradientResult
from .results import HebbianResult as HebbianResult
from .results import HybridResult as HybridResult
from .spiking import SpikingNetwork as SpikingNetwork
from .surrogate import FastSigmoid as FastSigmoid
from .surrogate import SmoothSpike as SmoothSpike
