"""Kernels over rows of synapses: they stream segments of rows into the accumulators of one block, and are called by address.

An event is one 64-bit word: group of rows (10 bits), number of synapses (18 bits), first synapse (36 bits).
A `touched` kernel also notes which slots received something, for blocks with sleeping neurons; a `gained` one multiplies what arrives by the gain of
the projection, which it knows by the kind of the slot.
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
W_UNIFORM, W_GAIN, W_FIRST = range(3)  # weight of every synapse of a uniform group; gain of all its synapses, where they have one
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
    F8[::1],  # gains of the group: W_UNIFORM, W_GAIN, and from W_FIRST on one a kind of slot
    U2[::1],  # kind of each slot, counted from W_FIRST
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


@jit(forceinline=True)
def fetch(events, e, end, slot, w, w_shift):
    """Ask for the first cache lines of a segment that is used AHEAD events later."""
    if e + AHEAD < end:
        later = start_of(events[e + AHEAD])
        for line in range(0, min(length_of(events[e + AHEAD]), FAR), 16):
            prefetch(slot, later + line)
            prefetch(w, later - w_shift + line)


@jit(forceinline=True)
def noted(touched, n_touched, mark, target):
    """Note a slot; returns how many there are."""
    if mark[target] == 0:
        mark[target] = 1
        touched[n_touched] = target
        n_touched += 1
    return n_touched


def static_row(events, first, end, slot, w, acc, w_shift, gains, kind, touched, n_touched, mark):
    """Add each synapse's own weight."""
    gain = gains[W_GAIN]
    for e in range(first, end):
        fetch(events, e, end, slot, w, w_shift)
        start = start_of(events[e])
        length = length_of(events[e])
        targets = slot[start : start + length]
        weights = w[start - w_shift : start - w_shift + length]
        for k in range(targets.shape[0]):
            acc[targets[k]] += np.float64(weights[k]) * gain
    return n_touched


def static_touched_row(events, first, end, slot, w, acc, w_shift, gains, kind, touched, n_touched, mark):
    """Add each synapse's own weight and note the slots."""
    gain = gains[W_GAIN]
    for e in range(first, end):
        start = start_of(events[e])
        length = length_of(events[e])
        targets = slot[start : start + length]
        weights = w[start - w_shift : start - w_shift + length]
        for k in range(targets.shape[0]):
            target = targets[k]
            acc[target] += np.float64(weights[k]) * gain
            n_touched = noted(touched, n_touched, mark, target)
    return n_touched


def uniform_row(events, first, end, slot, w, acc, w_shift, gains, kind, touched, n_touched, mark):
    """Add the one weight of the group."""
    value = gains[W_UNIFORM] * gains[W_GAIN]
    for e in range(first, end):
        if e + AHEAD < end:
            prefetch(slot, start_of(events[e + AHEAD]))
        start = start_of(events[e])
        targets = slot[start : start + length_of(events[e])]
        for k in range(targets.shape[0]):
            acc[targets[k]] += value
    return n_touched


def uniform_touched_row(events, first, end, slot, w, acc, w_shift, gains, kind, touched, n_touched, mark):
    """Add the one weight of the group and note the slots."""
    value = gains[W_UNIFORM] * gains[W_GAIN]
    for e in range(first, end):
        if e + AHEAD < end:
            prefetch(slot, start_of(events[e + AHEAD]))
        start = start_of(events[e])
        targets = slot[start : start + length_of(events[e])]
        for k in range(targets.shape[0]):
            target = targets[k]
            acc[target] += value
            n_touched = noted(touched, n_touched, mark, target)
    return n_touched


def gained_static_row(events, first, end, slot, w, acc, w_shift, gains, kind, touched, n_touched, mark):
    """Add each synapse's own weight times the gain of its kind."""
    for e in range(first, end):
        fetch(events, e, end, slot, w, w_shift)
        start = start_of(events[e])
        length = length_of(events[e])
        targets = slot[start : start + length]
        weights = w[start - w_shift : start - w_shift + length]
        for k in range(targets.shape[0]):
            target = targets[k]
            acc[target] += np.float64(weights[k]) * gains[kind[target]]
    return n_touched


def gained_static_touched_row(events, first, end, slot, w, acc, w_shift, gains, kind, touched, n_touched, mark):
    """Add each synapse's own weight times the gain of its kind, and note the slots."""
    for e in range(first, end):
        start = start_of(events[e])
        length = length_of(events[e])
        targets = slot[start : start + length]
        weights = w[start - w_shift : start - w_shift + length]
        for k in range(targets.shape[0]):
            target = targets[k]
            acc[target] += np.float64(weights[k]) * gains[kind[target]]
            n_touched = noted(touched, n_touched, mark, target)
    return n_touched


def gained_uniform_row(events, first, end, slot, w, acc, w_shift, gains, kind, touched, n_touched, mark):
    """Add the one weight of the group times the gain of the slot's kind."""
    for e in range(first, end):
        if e + AHEAD < end:
            prefetch(slot, start_of(events[e + AHEAD]))
        start = start_of(events[e])
        targets = slot[start : start + length_of(events[e])]
        for k in range(targets.shape[0]):
            target = targets[k]
            acc[target] += gains[W_UNIFORM] * gains[kind[target]]
    return n_touched


def gained_uniform_touched_row(events, first, end, slot, w, acc, w_shift, gains, kind, touched, n_touched, mark):
    """Add the one weight of the group times the gain of the slot's kind, and note the slots."""
    for e in range(first, end):
        start = start_of(events[e])
        targets = slot[start : start + length_of(events[e])]
        for k in range(targets.shape[0]):
            target = targets[k]
            acc[target] += gains[W_UNIFORM] * gains[kind[target]]
            n_touched = noted(touched, n_touched, mark, target)
    return n_touched


UNIFORM, GAINED = 1, 2  # kind of a group: their sum
ROWS = (
    static_row, static_touched_row, uniform_row, uniform_touched_row,
    gained_static_row, gained_static_touched_row, gained_uniform_row, gained_uniform_touched_row,
)  # fmt: skip
"""Kind of a group -> its kernel: 2 x kind + touched."""


_made: list[Any] = []


def make_rows() -> list[Any]:
    """The row kernels, compiled."""
    if not _made:
        _made.extend(pointer(SIGNATURE, row) for row in ROWS)
    return _made
