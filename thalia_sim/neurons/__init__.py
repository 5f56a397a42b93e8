"""Neuron models, one file each, and the contract that they and a user's models fulfil."""

from .adaptive_lif import AdaptiveLIF as AdaptiveLIF
from .contract import Model as Model
from .contract import model_of as model_of
from .contract import neuron as neuron
from .lif_alpha import LIFAlpha as LIFAlpha
from .lif_cond import LIFCond as LIFCond
from .lif_delta import LIF as LIF
from .lif_delta import LIFDelta as LIFDelta
from .lif_exp import LIFExp as LIFExp
from .lif_exp1 import LIFExp1 as LIFExp1
