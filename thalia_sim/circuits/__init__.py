"""Published networks, each a function that returns a `Network`."""

from .brunel import brunel
from .potjans_diesmann import potjans_diesmann
from .quiet import quiet
from .vogels_abbott import coba, cuba

__all__ = ["brunel", "coba", "cuba", "potjans_diesmann", "quiet"]
