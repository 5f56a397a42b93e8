"""An event-driven simulator of spiking networks: describe, run, record, repeat to the bit."""

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
from .hooks import Progress as Progress
from .hooks import Recorder as Recorder
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
from .network import Network as Network
from .neurons import LIF as LIF
from .neurons import AdaptiveLIF as AdaptiveLIF
from .neurons import LIFAlpha as LIFAlpha
from .neurons import LIFCond as LIFCond
from .neurons import LIFDelta as LIFDelta
from .neurons import LIFExp as LIFExp
from .neurons import LIFExp1 as LIFExp1
from .neurons import neuron as neuron
from .recording import open_recording as open_recording
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
    "AdaptiveLIF",
    "BlockPlasticity",
    "Clamp",
    "ClippedNormal",
    "Cube",
    "DC",
    "DescriptionError",
    "Grid",
    "Hook",
    "Interventions",
    "LIF",
    "LIFAlpha",
    "LIFCond",
    "LIFDelta",
    "LIFExp",
    "LIFExp1",
    "Lesion",
    "LogNormal",
    "MemoryRecorder",
    "Network",
    "Normal",
    "OrnsteinUhlenbeck",
    "PathError",
    "Poisson",
    "PoissonSource",
    "Positions",
    "Progress",
    "Ramp",
    "Recorder",
    "RecordingError",
    "Restore",
    "Sample",
    "Scale",
    "Sheet",
    "Silence",
    "Simulation",
    "SimulationError",
    "Sine",
    "SpikeArray",
    "SpikeFile",
    "StepCurrent",
    "Stimulate",
    "StopRun",
    "Switch",
    "TimedArray",
    "Uniform",
    "UnusualValue",
    "all_to_all",
    "by_distance",
    "current",
    "from_arrays",
    "from_matrix",
    "in_degree",
    "neuron",
    "one_to_one",
    "open_recording",
    "out_degree",
    "probability",
    "replay",
    "total_number",
    "units",
]
