"""The loops of `kernels` for the GPU, over the same scalar functions of the models.

One thread a neuron or a synapse. Input is accumulated as whole multiples of a quantum in 64-bit integers, whose sum does not depend on the order
in which threads add, so the same launch gives the same bits every time. Lists become flags: who fired, who stays awake; whoever needs a list
compacts them in order.

`ptx` compiles without a card or driver, which is how these kernels are checked where there is none. Nothing here runs a whole network yet.
"""

from .compile import ptx as ptx
from .compile import row_ptx as row_ptx
from .compile import scalar_ptx as scalar_ptx
