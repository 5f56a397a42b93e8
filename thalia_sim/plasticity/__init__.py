"""Plasticity rules: each a NamedTuple of parameters and a few functions over scalars, and their reference in plain Python.

`Network.connect(rule=...)` puts one on a projection, or several in order; `replay_synapse` runs them on one synapse, event by event.
"""

from .bcm import BCM as BCM
from .bcm import FixedBCM as FixedBCM
from .contract import rule as rule
from .covariance import Covariance as Covariance
from .decay import WeightDecay as WeightDecay
from .hebb import AntiHebb as AntiHebb
from .hebb import Hebb as Hebb
from .hebb import Oja as Oja
from .reference import replay_synapse as replay_synapse
from .reward_stdp import RewardSTDP as RewardSTDP
from .short_term import ShortTerm as ShortTerm
from .soft_stdp import SoftSTDP as SoftSTDP
from .stdp import NearestSTDP as NearestSTDP
from .stdp import PairSTDP as PairSTDP
from .triplet_stdp import TripletSTDP as TripletSTDP
from .vogels_sprekeler import VogelsSprekeler as VogelsSprekeler
