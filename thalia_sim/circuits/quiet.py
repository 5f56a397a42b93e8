"""A large network in which almost nothing happens: what it costs to simulate neurons that are silent.

Leaky neurons with delta synapses, each with k outgoing synapses to random targets; one in a hundred is kicked over threshold at random times,
and its 100 targets notice it without firing. The mean rate is about the rate of the kicks times the share that is kicked, 0.1 Hz, as in
sparsely active cortex (Shoham, O'Connor & Segev 2006, J. Comp. Physiol. A 192:777, doi:10.1007/s00359-006-0117-6).
"""

from ..errors import DescriptionError
from ..network import Network
from ..neurons import LIFDelta
from ..sources import Poisson
from ..wiring import out_degree


def quiet(n: int = 1_000_000, k: int = 100, seed: int = 1, *, share: float = 0.01, rate: float = 10.0, w: float = 0.1, kick: float = 25.0) -> Network:
    """n neurons with k outgoing synapses each of w mV and 1.5 ms; the first `share` of them get kicks of `kick` mV at `rate` Hz."""
    if not 0.0 <= share <= 1.0:
        raise DescriptionError(f"share = {share} of driven neurons: must be within 0 and 1")
    net = Network(seed=seed)
    cells = net.populate("cells", n, LIFDelta(tau_m=20.0, e_l=0.0, v_th=20.0, v_reset=0.0, t_ref=2.0))
    net.connect(cells, cells, out_degree(k), w=w, delay=1.5)
    net.drive(cells[: int(n * share)], Poisson(rate=rate), w=kick)
    return net
