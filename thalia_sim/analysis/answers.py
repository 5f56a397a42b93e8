"""How populations answered the patterns of a recording (hook `Patterns`), and whether the patterns can be told apart by that."""

from __future__ import annotations

import numpy as np

from ..errors import RecordingError
from ..measures.discrimination import Discrimination, discriminate
from ..recording import Recording


def answers(recording: Recording, population: str) -> tuple[np.ndarray, np.ndarray]:
    """(counts [presentations, n] of the recorded neurons while a pattern was on and in the rest after it, patterns [presentations]).

    Presentations that the recording does not cover to their end are left out. RecordingError if it holds none at all.
    """
    shown = [event for event in recording.events() if event.kind == "pattern"]
    if not shown:
        raise RecordingError(f"{recording.path} holds no patterns: run it with the hook Patterns")
    members = recording.recorded_ids(population)
    end = recording.begin + recording.duration
    whole = [event for event in shown if event.t + event.facts["on"] + event.facts["off"] <= end + 1e-6]
    counts = np.zeros((len(whole), len(members)), dtype=np.int64)
    for row, event in enumerate(whole):
        _, ids = recording.spikes(population, event.t, event.t + event.facts["on"] + event.facts["off"])
        np.add.at(counts[row], np.searchsorted(members, ids.astype(np.int64)), 1)
    return counts, np.array([event.facts["pattern"] for event in whole], dtype=np.int64)


def discrimination(recording: Recording, population: str) -> Discrimination:
    """Whether the patterns can be told apart by the spikes of a population."""
    return discriminate(*answers(recording, population))
