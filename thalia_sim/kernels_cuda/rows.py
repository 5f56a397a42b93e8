"""Kernels over rows of synapses for the GPU: they stream segments into the accumulators of one block, one group of threads an event.

Each synapse's contribution is rounded to whole quanta and added as an integer: sums in any order are equal, so a run repeats to the bit although
the threads' order does not. Events are the words of `kernels.rows`.
"""

import math
from typing import Any

import numpy as np
from numba import types

from ..kernels.rows import LENGTH_MASK, LENGTH_SHIFT, START_MASK
from .device import cuda, require

SIGNATURE = types.void(
    types.uint64[::1],  # events; one CUDA block each
    types.uint16[::1],  # slot of each synapse
    types.float32[::1],  # w of each weighted synapse
    types.int64[::1],  # acc of the target block, in quanta
    types.int64,  # w_shift: the weight of synapse k is w[k - w_shift]
    types.float64,  # w_uniform: weight of every synapse of a uniform group
    types.float64,  # gain
    types.float64,  # per_unit: quanta in a unit of weight, 1 / quantum
)


def static_row(events, slot, w, acc, w_shift, w_uniform, gain, per_unit):
    """Add each synapse's own weight."""
    word = events[cuda.blockIdx.x]
    start = np.int64(word & START_MASK)
    end = start + np.int64(word >> LENGTH_SHIFT & LENGTH_MASK)
    for k in range(start + cuda.threadIdx.x, end, cuda.blockDim.x):
        quanta = np.int64(math.floor(np.float64(w[k - w_shift]) * gain * per_unit + 0.5))
        cuda.atomic.add(acc, slot[k], quanta)


def uniform_row(events, slot, w, acc, w_shift, w_uniform, gain, per_unit):
    """Add the one weight of the group."""
    word = events[cuda.blockIdx.x]
    start = np.int64(word & START_MASK)
    end = start + np.int64(word >> LENGTH_SHIFT & LENGTH_MASK)
    quanta = np.int64(math.floor(w_uniform * gain * per_unit + 0.5))
    for k in range(start + cuda.threadIdx.x, end, cuda.blockDim.x):
        cuda.atomic.add(acc, slot[k], quanta)


ROWS = (static_row, uniform_row)


def make_rows() -> tuple[Any, ...]:
    """The row kernels (static, uniform), compiled at their first launch; call them as static[events, threads](...)."""
    require()
    return tuple(cuda.jit(kernel) for kernel in ROWS)
