"""Hooks: what watches a simulation or intervenes at interrupts."""

from .contract import Hook, StopRun
from .memory import MemoryRecorder
from .progress import Progress
from .recorder import Recorder
from .sampling import Sample

__all__ = ["Hook", "MemoryRecorder", "Progress", "Recorder", "Sample", "StopRun"]
