"""Input: drives, currents and populations that only send spikes; one idea a file."""

from .contract import current as current
from .currents import DC as DC
from .currents import OrnsteinUhlenbeck as OrnsteinUhlenbeck
from .currents import Ramp as Ramp
from .currents import Sine as Sine
from .currents import StepCurrent as StepCurrent
from .poisson import Poisson as Poisson
from .poisson import PoissonSource as PoissonSource
from .spikes import SpikeArray as SpikeArray
from .spikes import SpikeFile as SpikeFile
from .timed import TimedArray as TimedArray
