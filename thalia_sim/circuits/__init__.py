"""Published networks and a layered cortex, each a function that returns a `Network`."""

from .brunel import brunel
from .layered_cortex import LayeredCortexConfig, cortex_sites, layered_cortex
from .potjans_diesmann import potjans_diesmann
from .quiet import quiet
from .vogels_abbott import coba, cuba

__all__ = ["LayeredCortexConfig", "brunel", "coba", "cortex_sites", "cuba", "layered_cortex", "potjans_diesmann", "quiet"]
