"""Looking at recordings: facts, measures, pictures."""

from .answers import answers, discrimination
from .info import describe_recording, format_info
from .measured import Settings, measure_recording
from .plots import plot_recording

__all__ = ["Settings", "answers", "describe_recording", "discrimination", "format_info", "measure_recording", "plot_recording"]
