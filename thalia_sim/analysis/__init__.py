"""Looking at recordings: facts, pictures."""

from .info import describe_recording, format_info
from .plots import plot_recording

__all__ = ["describe_recording", "format_info", "plot_recording"]
