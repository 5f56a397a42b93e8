"""Recordings for other tools: files of NWB, objects of Neo. The libraries are loaded when they are used."""

from .neo import to_neo
from .nwb import to_nwb

__all__ = ["to_neo", "to_nwb"]
