"""Compiled building of rows: the targets, weights and delays of each source, sorted by block and delay.

A group of projections with one source population is built row by row. A `Piece` is one projection of the group. For a chunk of rows every piece is
written into scratch memory (`fill_piece`), then each row is sorted into its place (`sort_rows`). All draws have their own counter (source,
running number), so rows can be built in any order, by any thread.
"""

import math
from typing import NamedTuple

import numpy as np

from .draw import CONSTANT, draw_below, draw_distinct, fill, fill_table, skip_own, words
from .jit import jit

DRAWN, DISTINCT, ALL, GIVEN, NEAR = range(5)  # how a row finds its targets (NEAR is turned into GIVEN by `list_near`)
EACH, PAIR = 5, 6  # weights and delays beside the distributions: one a synapse, a table [n_source, n_target]
TABLE, DISTANCE = 7, 8  # delays: drawn from a table of steps, from distance
LONGEST_SEGMENT = 262143


class Piece(NamedTuple):
    """One projection as seen from the rows of a group (n_rows elements of the source population)."""

    rule: int  # DRAWN ... NEAR
    n_target: int
    key: np.ndarray  # uint64 [3]: keys of targets, weights, delays
    source: np.ndarray  # int32 [n_rows]: number of the row's element among the projection's sources, or -1
    own: np.ndarray  # int32 [n_rows]: number of that element among the targets if it is to be left out, or -1
    count: np.ndarray  # int32 [n_rows]: synapses of the row
    target_key: np.ndarray  # uint32 [n_target]: block << 16 | slot
    row0: int  # `first` begins at this row
    first: np.ndarray  # int64: where a row's given synapses begin
    given: np.ndarray  # int32: given targets
    at_source: np.ndarray  # float64 [n_source, 3] um
    at_target: np.ndarray  # float64 [n_target, 3] um
    space: np.ndarray  # float64 [8]: period x y z, 1/length, p, reach (um), gaussian (0 or 1), steps per um
    w_kind: int
    w_par: np.ndarray  # float64 [4]
    w_table: np.ndarray  # float32, for EACH and PAIR
    delay_kind: int
    delay: int  # steps, for CONSTANT; the step of entry 0 of the table, for TABLE
    delay_table: np.ndarray  # uint16 steps, for EACH and PAIR
    cumulative: np.ndarray  # int64, for TABLE
    guide: np.ndarray  # int32 [4096], for TABLE


@jit
def distance(piece, i, j):
    """Distance in um between source i and target j, the shortest way round."""
    square = 0.0
    for axis in range(3):
        d = abs(piece.at_source[i, axis] - piece.at_target[j, axis])
        d = min(d, abs(piece.space[axis] - d))
        square += d * d
    return math.sqrt(square)


@jit
def near_targets(piece, row, out):
    """Targets of a row by a probability that falls with distance; returns their number. Pair (i, j) has its own word of the stream."""
    i, own = np.int64(piece.source[row]), np.int64(piece.own[row])
    rate, p, reach, gaussian = piece.space[3], piece.space[4], piece.space[5], piece.space[6] > 0
    w0 = w1 = w2 = w3 = np.uint64(0)
    m, drawn = 0, -1
    for j in range(piece.n_target):
        d = distance(piece, i, j)
        if d > reach or j == own:
            continue
        if drawn != j >> 2:
            drawn = j >> 2
            w0, w1, w2, w3 = words(piece.key[0], np.uint64(i), np.uint64(drawn))
        lane = j & 3
        word = w0 if lane == 0 else (w1 if lane == 1 else (w2 if lane == 2 else w3))
        x = d * rate
        if np.float64(word) < 4294967296.0 * p * math.exp(-0.5 * x * x if gaussian else -x):
            out[m] = j
            m += 1
    return m


@jit
def count_near(piece, lo, hi, out):
    """Number of synapses of the rows lo..hi of a piece of rule NEAR."""
    scratch = np.empty(piece.n_target + 4, dtype=np.int64)
    for row in range(lo, hi):
        out[row] = near_targets(piece, row, scratch) if piece.source[row] >= 0 else 0


@jit
def list_near(piece, first, given):
    """Targets of the rows piece.row0, row0 + 1, ... of a piece of rule NEAR, into given at first [rows + 1]."""
    scratch = np.empty(piece.n_target + 4, dtype=np.int64)
    for r in range(first.shape[0] - 1):
        if first[r] < first[r + 1]:
            near_targets(piece, piece.row0 + r, scratch)
            for q in range(first[r + 1] - first[r]):
                given[first[r] + q] = scratch[q]


@jit
def row_targets(piece, row, marks, out):
    """Targets of one row, numbered within the projection, into out."""
    i, own, m = np.uint64(piece.source[row]), np.int64(piece.own[row]), np.int64(piece.count[row])
    n = piece.n_target - (1 if own >= 0 else 0)
    if piece.rule == GIVEN:
        start = piece.first[row - piece.row0]
        for q in range(m):
            out[q] = piece.given[start + q]
    else:
        if piece.rule == DRAWN:
            draw_below(n, piece.key[0], i, m, out)
        elif piece.rule == DISTINCT:
            draw_distinct(n, piece.key[0], i, m, marks, out)
        else:
            for q in range(m):
                out[q] = q
        if own >= 0:
            skip_own(own, m, out)


@jit
def row_weights(piece, row, targets, scratch, out):
    """Weights of one row into out [m] (float32)."""
    i = np.int64(piece.source[row])
    if piece.w_kind == CONSTANT:
        out[:] = piece.w_par[0]
    elif piece.w_kind == EACH:
        start = piece.first[row - piece.row0]
        for q in range(out.shape[0]):
            out[q] = piece.w_table[start + q]
    elif piece.w_kind == PAIR:
        for q in range(out.shape[0]):
            out[q] = piece.w_table[i * piece.n_target + targets[q]]
    else:
        values = scratch[: out.shape[0]]
        fill(piece.w_kind, piece.w_par, piece.key[1], np.uint64(i), values)
        for q in range(out.shape[0]):
            out[q] = values[q]


@jit
def row_delays(piece, row, targets, scratch, out):
    """Delays of one row in steps into out [m] (uint16)."""
    i = np.int64(piece.source[row])
    m = out.shape[0]
    if piece.delay_kind == CONSTANT:
        out[:] = piece.delay
    elif piece.delay_kind == TABLE:
        fill_table(piece.cumulative, piece.guide, piece.key[2], np.uint64(i), m, scratch)
        for q in range(m):
            out[q] = piece.delay + scratch[q]
    elif piece.delay_kind == EACH:
        start = piece.first[row - piece.row0]
        for q in range(m):
            out[q] = piece.delay_table[start + q]
    elif piece.delay_kind == PAIR:
        for q in range(m):
            out[q] = piece.delay_table[i * piece.n_target + targets[q]]
    else:
        for q in range(m):
            steps = math.floor(distance(piece, i, targets[q]) * piece.space[7] + 0.5)
            out[q] = min(max(steps, 1), 65535)


@jit
def fill_piece(piece, lo, place, weighted, key, w, delay):
    """Write the synapses of one piece for the rows lo, lo + 1, ... at place [rows] (advanced past them) of key, w, delay."""
    longest = 0
    for r in range(place.shape[0]):
        longest = max(longest, np.int64(piece.count[lo + r]))
    targets = np.empty(longest + 8, dtype=np.int64)
    scratch = np.empty(longest + 8, dtype=np.int64)
    values = np.empty(longest, dtype=np.float64)
    marks = np.zeros(piece.n_target if piece.rule == DISTINCT else 0, dtype=np.uint8)
    for r in range(place.shape[0]):
        row = lo + r
        m = np.int64(piece.count[row])
        if m == 0:
            continue
        at = place[r]
        place[r] = at + m
        row_targets(piece, row, marks, targets)
        for q in range(m):
            key[at + q] = piece.target_key[targets[q]]
        if weighted:
            row_weights(piece, row, targets, values, w[at : at + m])
        row_delays(piece, row, targets, scratch, delay[at : at + m])


@jit
def sort_row(key, w, delay, weighted, by_delay, by_block, order, slot_out, w_out, delay_out):
    """Stable sort of one row by block, then delay: counting sort by delay, then by block. by_block [B+1] is left with the ends of blocks."""
    m, n_blocks = key.shape[0], by_block.shape[0] - 1
    low, high = np.int64(delay[0]), np.int64(delay[0])
    for q in range(m):
        low, high = min(low, np.int64(delay[q])), max(high, np.int64(delay[q]))
    by_delay[: high - low + 2] = 0
    for q in range(m):
        by_delay[np.int64(delay[q]) - low + 1] += 1
    for d in range(1, high - low + 1):
        by_delay[d] += by_delay[d - 1]
    for q in range(m):
        d = np.int64(delay[q]) - low
        order[by_delay[d]] = q
        by_delay[d] += 1
    by_block[:] = 0
    for q in range(m):
        by_block[np.int64(key[q] >> 16) + 1] += 1
    for b in range(1, n_blocks):
        by_block[b] += by_block[b - 1]
    for t in range(m):
        q = order[t]
        b = np.int64(key[q] >> 16)
        at = by_block[b]
        by_block[b] = at + 1
        slot_out[at] = key[q] & 0xFFFF
        delay_out[at] = delay[q]
        if weighted:
            w_out[at] = w[q]


@jit
def sort_rows(start, n_blocks, first_syn, weighted, key, w, delay, slot_out, w_out, seg, row_seg):
    """Sort the rows of a chunk into place and write their segments; returns the number of segments.

    start [n_rows + 1]: where rows begin in the chunk; first_syn: number of the chunk's first synapse; seg: room for the segments (start << 16 |
    delay); row_seg [n_rows * B]: number within the chunk of the first segment of each row and block.
    """
    longest = 0
    for r in range(start.shape[0] - 1):
        longest = max(longest, start[r + 1] - start[r])
    order = np.empty(longest, dtype=np.int64)
    sorted_delay = np.empty(longest, dtype=np.uint16)
    by_delay = np.empty(65537, dtype=np.int64)
    by_block = np.zeros(n_blocks + 1, dtype=np.int64)
    n_seg = 0
    for r in range(start.shape[0] - 1):
        lo, hi = start[r], start[r + 1]
        if lo == hi:
            row_seg[r * n_blocks : (r + 1) * n_blocks] = n_seg
            continue
        w_lo, w_hi = (lo, hi) if weighted else (0, 0)
        sort_row(
            key[lo:hi], w[w_lo:w_hi], delay[lo:hi], weighted, by_delay, by_block, order, slot_out[lo:hi], w_out[w_lo:w_hi], sorted_delay
        )
        at = 0
        for b in range(n_blocks):
            row_seg[r * n_blocks + b] = n_seg
            end = by_block[b]
            while at < end:
                d = sorted_delay[at]
                seg[n_seg] = np.uint64(first_syn + lo + at) << np.uint64(16) | np.uint64(d)
                n_seg += 1
                stop = min(end, at + LONGEST_SEGMENT)
                while at < stop and sorted_delay[at] == d:
                    at += 1
    return n_seg


@jit
def source_draws(j, k, n_source, distinct, own, key, marks, out):
    """The k sources that target j draws (in_degree), into out."""
    n = n_source - (1 if own >= 0 else 0)
    if distinct:
        draw_distinct(n, key, np.uint64(j), k, marks, out)
    else:
        draw_below(n, key, np.uint64(j), k, out)
    if own >= 0:
        skip_own(own, k, out)


@jit
def count_in_degree(lo, hi, k, n_source, distinct, own, key, out):
    """Add to out [n_source] how often the targets lo..hi draw each source. own [n_target or 0]: the source that a target must leave out, or -1."""
    drawn = np.empty(k + 8, dtype=np.int64)
    marks = np.zeros(n_source if distinct else 0, dtype=np.uint8)
    for j in range(lo, hi):
        source_draws(j, k, n_source, distinct, np.int64(own[j]) if own.shape[0] > 0 else np.int64(-1), key, marks, drawn)
        for q in range(k):
            out[drawn[q]] += 1


@jit
def transpose_in_degree(n_target, k, n_source, distinct, own, key, row_of_source, lo, place, out):
    """Write target j into out at place[row - lo] for each drawn source whose row is lo, lo + 1, ...; so rows list their targets ascending."""
    drawn = np.empty(k + 8, dtype=np.int64)
    marks = np.zeros(n_source if distinct else 0, dtype=np.uint8)
    n_rows = place.shape[0]
    for j in range(n_target):
        source_draws(j, k, n_source, distinct, np.int64(own[j]) if own.shape[0] > 0 else np.int64(-1), key, marks, drawn)
        for q in range(k):
            r = np.int64(row_of_source[drawn[q]]) - lo
            if 0 <= r < n_rows:
                out[place[r]] = j
                place[r] += 1


@jit
def read_rows(row_seg, seg, slot, first_row, n_rows, n_blocks, target_of_key, fill_in, row_out, target_out, delay_out, index_out):
    """Find the synapses of one projection in the rows of its group: those whose block and slot belong to one of its targets.

    target_of_key int32 [B << 16]: the target's number, or -1. Returns their number; with fill_in also writes row, target, delay (steps) and
    place in `slot` of each.
    """
    m = 0
    for r in range(n_rows):
        for b in range(n_blocks):
            at = np.int64((first_row + r) * n_blocks + b)
            for s in range(np.int64(row_seg[at]), np.int64(row_seg[at + 1])):
                start, stop = np.int64(seg[s] >> np.uint64(16)), np.int64(seg[s + 1] >> np.uint64(16))
                for k in range(start, stop):
                    j = target_of_key[(b << 16) + np.int64(slot[k])]
                    if j >= 0:
                        if fill_in:
                            row_out[m] = r
                            target_out[m] = j
                            delay_out[m] = seg[s] & np.uint64(0xFFFF)
                            index_out[m] = k
                        m += 1
    return m
