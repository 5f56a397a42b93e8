"""Recordings: one HDF5 file for each run, written while it goes on."""

from .reader import Recording, open_recording

__all__ = ["Recording", "open_recording"]
