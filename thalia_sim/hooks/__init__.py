"""Hooks: what watches a simulation or intervenes at interrupts."""

from .contract import Hook, StopRun
from .memory import MemoryRecorder
from .patterns import Patterns
from .progress import Progress
from .recorder import Recorder
from .sampling import Sample
from .structure import Prune, Regrow

__all__ = ["Hook", "MemoryRecorder", "Patterns", "Progress", "Prune", "Recorder", "Regrow", "Sample", "StopRun"]
