"""Kernels over rows of synapses: they stream segments of rows into the accumulators of one block, and are called by address.

An event is one 64-bit word: group of rows (10 bits), number of synapses (18 bits), first synapse (36 bits).
A `touched` kernel also notes which slots received something, for blocks with sleeping neurons.
"""

from typing import Any

import numpy as np
from numba import types
from numba.extending import intrinsic

from .jit import jit, pointer
from .machine import function_value, prefetch

GROUP_SHIFT, LENGTH_SHIFT = np.uint64(54), np.uint64(36)
START_MASK, LENGTH_MASK = np.uint64((1 << 36) - 1), np.uint64((1 << 18) - 1)
MAX_LENGTH, MAX_GROUPS = (1 << 18) - 1, 1 << 10
FAR = 96  # synapses of a segment that are asked for beforehand: the rest follows in order, which the processor sees by itself
AHEAD = 6  # events between the request of a segment's first cache lines and its use

I8, F8, U1, U2, U8, I4, F4 = types.int64, types.float64, types.uint8, types.uint16, types.uint64, types.int32, types.float32
SIGNATURE = I8(
    U8[::1],  # events
    I8,  # first event
    I8,  # end
    U2[::1],  # slot of each synapse
    F4[::1],  # w of each weighted synapse
    F8[::1],  # acc of this block
    I8,  # w_shift: the weight of synapse k is w[k - w_shift]
    F8,  # w_uniform: weight of every synapse of a uniform group
    F8,  # gain
    I4[::1],  # touched slots
    I8,  # number of touched slots
    U1[::1],  # mark of each slot
)
"""Returns the new number of touched slots."""


@intrinsic
def row_kernel(typingctx, address):
    """The row kernel at an address."""
    kind = types.FunctionType(SIGNATURE)

    def generate(context, builder, signature, args):
        return function_value(context, builder, kind, args[0])

    return kind(types.int64), generate


@jit
def event(group, start, length):
    """The word of an event."""
    return np.uint64(group) << GROUP_SHIFT | np.uint64(length) << LENGTH_SHIFT | np.uint64(start)


@jit
def start_of(word):
    return np.int64(word & START_MASK)


@jit
def length_of(word):
    return np.int64(word >> LENGTH_SHIFT & LENGTH_MASK)


def static_row(events, first, end, slot, w, acc, w_shift, w_uniform, gain, touched, n_touched, mark):
    """Add each synapse's own weight."""
    for e in range(first, end):
        word = events[e]
        if e + AHEAD < end:
            later = start_of(events[e + AHEAD])
            for line in range(0, min(length_of(events[e + AHEAD]), FAR), 16):
                prefetch(slot, later + line)
                prefetch(w, later - w_shift + line)
        start = start_of(word)
        length = length_of(word)
        targets = slot[start : start + length]
        weights = w[start - w_shift : start - w_shift + length]
        for k in range(targets.shape[0]):
            acc[targets[k]] += np.float64(weights[k]) * gain
    return n_touched


def static_touched_row(events, first, end, slot, w, acc, w_shift, w_uniform, gain, touched, n_touched, mark):
    """Add each synapse's own weight and note the slots."""
    for e in range(first, end):
        start = start_of(events[e])
        length = length_of(events[e])
        targets = slot[start : start + length]
        weights = w[start - w_shift : start - w_shift + length]
        for k in range(targets.shape[0]):
            target = targets[k]
            acc[target] += np.float64(weights[k]) * gain
            if mark[target] == 0:
                mark[target] = 1
                touched[n_touched] = target
                n_touched += 1
    return n_touched


def uniform_row(events, first, end, slot, w, acc, w_shift, w_uniform, gain, touched, n_touched, mark):
    """Add the one weight of the group."""
    value = w_uniform * gain
    for e in range(first, end):
        if e + AHEAD < end:
            prefetch(slot, start_of(events[e + AHEAD]))
        start = start_of(events[e])
        targets = slot[start : start + length_of(events[e])]
        for k in range(targets.shape[0]):
            acc[targets[k]] += value
    return n_touched


def uniform_touched_row(events, first, end, slot, w, acc, w_shift, w_uniform, gain, touched, n_touched, mark):
    """Add the one weight of the group and note the slots."""
    value = w_uniform * gain
    for e in range(first, end):
        if e + AHEAD < end:
            prefetch(slot, start_of(events[e + AHEAD]))
        start = start_of(events[e])
        targets = slot[start : start + length_of(events[e])]
        for k in range(targets.shape[0]):
            target = targets[k]
            acc[target] += value
            if mark[target] == 0:
                mark[target] = 1
                touched[n_touched] = target
                n_touched += 1
    return n_touched


ROWS = (static_row, static_touched_row, uniform_row, uniform_touched_row)
"""Kind of a group -> its kernel: 2 x uniform + touched."""


_made: list[Any] = []


def make_rows() -> list[Any]:
    """The row kernels, compiled."""
    if not _made:
        _made.extend(pointer(SIGNATURE, row) for row in ROWS)
    return _made
