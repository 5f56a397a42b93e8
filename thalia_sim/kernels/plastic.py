"""Rows of synapses with rules: what is kept of them, and the fixed signatures by which their kernels are called by address (docs/rule_contract.md).

    arrive   spikes of sources reach segments of rows: each synapse is brought up to the present, delivers, and meets the arrival
    bring    all segments of a block are brought up to a step, without an arrival
    fire     targets have fired: their traces jump, and the spike is noted for the synapses that look later

A synapse is looked at only when a spike of its source arrives: then the spikes of its target since the last look are replayed in order. For that

    a segment (synapses of one source, block and delay) keeps in `pre` the step of its last arrival and the source's traces after it;
    a target keeps in `last` the step of its last spike, its traces and state after it; in `ring` its last RING spikes, newest first, each with
    what `on_post` reads, as it was before the spike.

All three belong to one block, so no worker reads what another writes. When the ring of a target would lose a spike that some synapse has not seen,
its block is brought up to date first. A cut synapse has the sign that its projection has not, on a weight of 0: it delivers and learns nothing.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numba import types
from numba.extending import intrinsic

from .jit import jit
from .machine import function_value

RING = 32  # spikes of a target that are kept
PLASTIC = 4  # kind of a group of rows (loop.R_KIND) beside those of `rows`
NOT_YET = -0.5  # step of the last spike of a target that has not fired: before step 0, and no whole step passed between
LOW, HIGH = 12, 24  # bits of steps in the first table, in both
PART = 1024  # synapses that are looked at together
TABLE = 2 * (1 << LOW) + 1  # cells of a decay table
PIECE = 5.0  # ms, longest time through which rules that move the same weight go one after another, there and back by halves
# columns of a plastic group's row; L_PRE, L_STATE and L_PAR are places in the Records
L_ARRIVE, L_BRING, L_FIRE, L_SEG, L_SYN, L_W_SHIFT, L_PRE, L_STATE, L_PAR, L_SIGN, L_FROZEN, L_FIRST_ROW, L_ROWS, L_MAX_DELAY = range(14)
L_COLUMNS = 14
ADDRESSES = [L_ARRIVE, L_BRING, L_FIRE]
# columns of a plastic group's part in a block: places in the Records, then addresses, which are written before each call of the loop
A_SLOT, A_N, A_LAST, A_RING, AT_LAST, AT_RING, AT_PAR, AT_DECAY, AT_PRE, AT_STATE, AT_SEEN, AT_PASSED, AT_COUNT, AT_LISTED = range(14)
A_COLUMNS = 14
# counters of a plastic group in a block
N_UPDATES, N_BOUNDED, N_LOST, N_BROUGHT, N_PRUNED, N_GROWN = range(6)
N_COLUMNS = 6

I8, F8, U1, U2, U8, I4, F4 = types.int64, types.float64, types.uint8, types.uint16, types.uint64, types.int32, types.float32
WHERE = (
    I8[::1],  # seg
    U2[::1],  # slot
    F4[::1],  # w
    I8[::1],  # row: columns L_
    I8[::1],  # at: columns A_
)
ARRIVE = I8(U8[::1], I8, I8, I8, F8[::1], F8, I4[::1], I8, U1[::1], I8, *WHERE)
BRING = I8(I8[::1], I8, I8, I8, I8, *WHERE)
FIRE = I8(I4[::1], I8, I8, I8, *WHERE)
WORDS = "seg, slot, w, row, at"
LARGE = 1 << 40  # elements of an array whose end nobody asks for


class Records(NamedTuple):
    """What projections with rules keep. The loop knows their addresses only, so that it need not be compiled with an argument more for each."""

    rule_par: np.ndarray  # parameters of rules
    decay: np.ndarray  # decay tables of traces
    pre: np.ndarray  # of each segment: step of its last arrival, traces of the source after it
    synapse: np.ndarray  # float32, state of synapses beside w
    last: np.ndarray  # of each target: step of its last spike, traces and state after it
    ring: np.ndarray  # its last spikes, newest first, each with what is read of it
    seen: np.ndarray  # [groups x blocks] step up to which all synapses have met the spikes of their targets
    passed: np.ndarray  # [groups x blocks] step up to which time has passed for all of them
    plastic_count: np.ndarray  # int64 [groups x blocks, N_COLUMNS] counters
    listed: np.ndarray  # int32 [blocks, PART] scratch


def write_addresses(plastic: np.ndarray, at: np.ndarray, records: Records) -> None:
    """Let the rows of a table (`at`) point into the records."""
    blocks = len(records.listed)
    for number in np.flatnonzero(plastic[:, L_ARRIVE]):
        for b in range(blocks):
            q = number * blocks + b
            row = at[q]
            row[AT_LAST], row[AT_RING] = records.last.ctypes.data + 8 * row[A_LAST], records.ring.ctypes.data + 8 * row[A_RING]
            row[AT_PAR], row[AT_DECAY] = records.rule_par.ctypes.data + 8 * plastic[number, L_PAR], records.decay.ctypes.data
            row[AT_PRE] = records.pre.ctypes.data + 8 * plastic[number, L_PRE]
            row[AT_STATE] = records.synapse.ctypes.data + 4 * plastic[number, L_STATE]
            row[AT_SEEN], row[AT_PASSED] = records.seen.ctypes.data + 8 * q, records.passed.ctypes.data + 8 * q
            row[AT_COUNT] = records.plastic_count.ctypes.data + 8 * N_COLUMNS * q
            row[AT_LISTED] = records.listed.ctypes.data + 4 * PART * b


def caller(kind: Any) -> Any:
    """An intrinsic: the kernel of a signature at an address."""

    @intrinsic
    def kernel_at(typingctx, address):
        function = types.FunctionType(kind)

        def generate(context, builder, signature, args):
            return function_value(context, builder, function, args[0])

        return function(types.int64), generate

    return kernel_at


arrive_kernel, bring_kernel, fire_kernel = caller(ARRIVE), caller(BRING), caller(FIRE)


@jit
def bring_block(row_seg, blocks, b, step, passing, seg, slot, w, row, at):
    """Let the synapses of a plastic group in block b meet all spikes of their targets before a step, and the time up to it if `passing` is 1."""
    bring_kernel(row[L_BRING])(row_seg, blocks, b, step, passing, seg, slot, w, row, at)


def share_left(k: int, dt: float, tau: float) -> float:
    """What is left of a trace after k steps, exp(-k dt / tau): of 4,096 steps or more the product of two table entries, as compiled code has it."""
    rate = dt / tau
    if k < 1 << LOW:
        return tiny(math.exp(-k * rate))
    if k < 1 << HIGH:
        return tiny(math.exp(-(k & (1 << LOW) - 1) * rate)) * tiny(math.exp(-(k >> LOW << LOW) * rate))
    return tiny(math.exp(-k * rate))


def tiny(x: float) -> float:
    """Zero in place of a number that slows down arithmetic."""
    return x if x > 1e-300 else 0.0


def decay_table(dt: float, tau: float) -> np.ndarray:
    """The table behind `decayed`, [TABLE]."""
    rate = dt / tau
    low = [tiny(math.exp(-k * rate)) for k in range(1 << LOW)]
    high = [tiny(math.exp(-(k << LOW) * rate)) for k in range(1 << LOW)]
    return np.array([*low, *high, rate])


def shares_left(table: np.ndarray, k: np.ndarray) -> np.ndarray:
    """`decayed` over an array of numbers of steps."""
    mask = (1 << LOW) - 1
    near = table[k & mask] * table[(1 << LOW) + np.minimum(k >> LOW, mask)]
    far = np.exp(-k * table[2 << LOW])
    return np.where(k < 1 << HIGH, near, np.where(far > 1e-300, far, 0.0))


@jit(forceinline=True)
def decayed(table, k):
    """exp(-k dt / tau) from its table. (Indices are made unsigned here and in all kernels: others cost a test for negative ones each.)"""
    if k < 1 << LOW:
        return table[np.uint64(k)]
    if k < 1 << HIGH:
        return table[np.uint64(k & (1 << LOW) - 1)] * table[np.uint64((1 << LOW) + (k >> LOW))]
    left = math.exp(-k * table[2 * (1 << LOW)])
    return left if left > 1e-300 else 0.0


def scaled(w, new, rate, low, high, soft):
    """A changed strength, the change times the learning rate's factor."""
    return new if rate == 1.0 else w + rate * (new - w)


def softened(w, new, rate, low, high, soft):
    """The same, the change times the share of room left before its bound too: none for a weight that a scale brought beyond it."""
    change = rate * (new - w)
    return w + change * (max(high - w if change > 0.0 else w - low, 0.0) / (high - low))


def softened_by_power(w, new, rate, low, high, soft):
    """The same, with that share to the power `soft`."""
    change = rate * (new - w)
    return w + change * (max(high - w if change > 0.0 else w - low, 0.0) / (high - low)) ** soft


SCALING = {0.0: scaled, 1.0: softened}
"""How a change is scaled, by the softness of its bounds (any other: `softened_by_power`). Three functions, since a compiler may well
compute a power before it asks whether it is wanted."""


def scaling(soft):
    return SCALING.get(soft, softened_by_power)


def piece(dt):
    """Steps of dt ms in a piece of time, at least one."""
    return max(1.0, math.floor(PIECE / dt + 1e-6))


def held(value, low, high):
    """A strength within its bounds."""
    return min(max(value, low), high)


def settled(value, low, high):
    """A strength within its bounds, in the precision in which weights are kept."""
    return np.float64(np.float32(min(max(value, low), high)))


def beyond(value, low, high):
    """1 if a bound acts on a strength."""
    return np.int64(min(max(value, low), high) != value)
