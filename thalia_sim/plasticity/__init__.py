"""Plasticity rules: each a NamedTuple of parameters and a few functions over scalars, and their reference in plain Python.

The compiled engine does not run them yet; `replay_synapse` does, on one synapse.
"""

from .contract import rule as rule
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
