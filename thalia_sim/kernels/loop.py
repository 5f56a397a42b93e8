"""The compiled event loop: from one interrupt to the next without Python.

Time goes in windows of the smallest delay. Within a window each worker takes its blocks through every step on its own:

    deliver    the arrivals of the step from the block's calendar into its accumulators
    run        the tasks of the block: drives and currents, then the populations' pieces (integrate, threshold, reset)
    add        arrivals and drives of receptors that add to a state field (`adds`), straight into that state


then all workers meet, and each pushes the window's spikes, in the order of (step, element), as arrivals into the calendars of its own blocks.
So for every target the order of its inputs depends neither on the number of workers nor on the cut into blocks. In a block where a piece sleeps,
arrivals and events of drives go into the `inbox` instead, each slot noted: sleeping neurons are stepped with theirs, the others get theirs folded in.

The calendar of a block is a wheel of lists, one slot a step, of chunks of events (see `rows`), so memory follows what is in flight.
"""

from typing import NamedTuple

import numpy as np

from .blocks import G, block_kernel
from .jit import jit
from .machine import borrow, meet, prefetch
from .plastic import L_ARRIVE, L_FIRE, PLASTIC, arrive_kernel, bring_block, fire_kernel
from .rows import GROUP_SHIFT, W_GAIN, event, length_of, row_kernel

CHUNK = 64  # events in a chunk of the calendar
CENSUS = 64  # steps between decisions on who sleeps
EARLY, LATE = 0, 1  # when a group is delivered: before the block's neurons run, or after, straight into their state
SPARSE_COST = 16  # a sleeping piece's update of one neuron costs about this many dense ones
DONE, LOG_FULL, CALENDAR_FULL, NOT_FINITE = 0, 1, 2, 3
DRIVE, EMITTER = 0, 1
NEVER = np.int64(1) << 62
ZERO = np.int64(0)  # a number whose type is not that of the literal 0, for which Numba would compile a callee again

# columns of Arrays.task
T_KIND, T_KERNEL, T_SPARSE, T_CENSUS, T_READ, T_PIECE, T_FIELDS, T_HELD_FIELDS, T_MAY_SLEEP, T_ON, T_LIVE, T_LISTS, T_BOUND = range(13)
T_COLUMNS = 13  # T_LIVE: bit r set if receptor r adds to a state field, of a drive 1 if its receptor does; T_LISTS: a drive says whom it hit
# columns of Arrays.piece
P_POP, P_BLOCK, P_OUT, P_CAPACITY, P_TODO, P_FIRST_ID = range(6)
# columns of Arrays.sleep: state of a piece's sleeping
S_MODE, S_AWAKE, S_NEXT, S_WORK, S_DELIVERED = range(5)
# columns of Arrays.group
R_FIRST_ROW, R_KIND, R_W_SHIFT, R_MAX_SEGMENTS, R_WHEN = range(5)
# columns of Arrays.count, one row a block
C_UPDATES, C_PUSHED, C_DELIVERED, C_EVENTS, C_IN_FLIGHT, C_CANCELLED = range(6)
# columns of Arrays.sampler
M_TASK, M_EVERY, M_FIELD, M_WHERE, M_FIRST, M_COUNT, M_BUFFER, M_ROW, M_READ = range(9)
# columns of Arrays.clamp
K_TASK, K_FIELD, K_WHERE, K_FIRST, K_COUNT = range(5)  # the first three as in a sampler
IN_STATE, IN_HELD, IN_ACC = 0, 1, 2  # M_WHERE: the array that M_FIELD counts in; M_READ is the field's place in what `read` gives
# cells of Arrays.phase: where a window was left
H_EMIT, H_START, H_END, H_PARITY, H_BAD = range(5)


class Arrays(NamedTuple):
    """Everything the loop reads and writes. [shape] after each; owner of all is the Simulation."""

    state: np.ndarray  # dynamic state of all populations
    held: np.ndarray  # [..] thresholds, external currents, anchors, counters of sources
    acc: np.ndarray  # [slots of all blocks] accumulated input; of receptors that add to a state field, that state
    inbox: np.ndarray  # [slots of all blocks] input in blocks with sleeping pieces, not yet with its neurons
    par: np.ndarray  # parameters and constants
    geom: np.ndarray  # [tasks, Geom] where each task's arrays lie
    key: np.ndarray  # [tasks] random streams
    task: np.ndarray  # [tasks, T_COLUMNS]
    block_task: np.ndarray  # [blocks + 1] first task of each block
    block_acc: np.ndarray  # [blocks + 1] first accumulator of each block
    block_mark: np.ndarray  # [slots of all blocks] uint8, slot was touched in this step
    touched: np.ndarray  # [slots of all blocks] int32
    piece: np.ndarray  # [pieces, 6] in order of (population, block)
    sleep: np.ndarray  # [pieces, 5]
    todo: np.ndarray  # int32, room of each piece for touched and awake neurons
    pop_piece: np.ndarray  # [populations + 1] first piece of each
    pop_group: np.ndarray  # [populations + 1] first group of each
    group: np.ndarray  # [groups, 5]
    group_w: np.ndarray  # [groups, W_FIRST + kinds of slots] uniform weight, gain, gains by kind, see `rows`
    slot_kind: np.ndarray  # [slots of all blocks] uint16, kind + W_FIRST
    row_seg: np.ndarray  # [rows x blocks + 1]
    seg: np.ndarray  # [segments + 1] start << 16 | delay
    slot: np.ndarray  # [synapses] uint16
    w: np.ndarray  # [weighted synapses] float32
    plastic: np.ndarray  # [groups, L_COLUMNS] of groups with rules, see `plastic`
    plastic_at: np.ndarray  # [groups x blocks, A_COLUMNS] where their records are
    target: np.ndarray  # [pieces that are targets of rules, 3] group, piece, number of the piece's element 0 among the group's records
    block_target: np.ndarray  # [blocks + 1] first of each block
    out: np.ndarray  # [2, room] int32, indices of neurons that fired in the window
    out_first: np.ndarray  # [2, pieces, window + 1] where each step's begin, relative to the piece's room
    chunk: np.ndarray  # [blocks, chunks x CHUNK] uint64, events
    chunk_next: np.ndarray  # [blocks, chunks] int32
    slot_head: np.ndarray  # [blocks, wheel] int32, first chunk of a slot or -1
    slot_tail: np.ndarray  # [blocks, wheel] int32
    slot_fill: np.ndarray  # [blocks, wheel] int32, events in the last chunk
    free: np.ndarray  # [blocks] int32, first free chunk
    in_flight: np.ndarray  # [2, blocks] events in a calendar, as published to all workers
    log_step: np.ndarray  # [log] int64
    log_id: np.ndarray  # [log] int32
    log_n: np.ndarray  # [1]
    count: np.ndarray  # [blocks, 5] counters
    sampler: np.ndarray  # [samplers, 9]
    sample_index: np.ndarray  # int32, elements of all samplers
    sample: np.ndarray  # float64, their buffers
    clamp: np.ndarray  # [clamps, 5] state that is held at a value
    clamp_index: np.ndarray  # int32, elements of all clamps
    clamp_value: np.ndarray  # float64, their values
    flags: np.ndarray  # [workers, room] uint8 scratch
    scratch: np.ndarray  # [workers, room] int32 scratch
    temp: np.ndarray  # [workers, room] float64 scratch
    phase: np.ndarray  # [5]
    bad: np.ndarray  # [2, blocks] task with a state that is not finite, or -1
    meeting: np.ndarray  # [1] arrivals of workers
    window: np.ndarray  # [1] steps in a window
    when: np.ndarray  # [3] whether there are groups that are EARLY, that are LATE, and groups of both, for which every arrival is noted
    kernels: np.ndarray  # [kernels] int64, addresses of block kernels
    rows: np.ndarray  # [8] int64, addresses of row kernels
    check: np.ndarray  # [1] steps between looks for states that are not finite


OF_ROWS = ("row_seg", "seg", "slot", "w")
"""Arrays that a Simulation shares with its `Rows`."""


@jit(forceinline=True)
def deliver(a, b, step, when, last_time, into):
    """Add the arrivals of this step at block b of groups that are `when` into acc; the last time, empty the calendar's slot."""
    wheel = a.slot_head.shape[1]
    s = step & (wheel - 1)
    c = a.slot_head[b, s]
    if c < 0:
        return 0
    noting = when > LATE
    n_touched = ZERO
    acc = into[a.block_acc[b] : a.block_acc[b + 1]]
    mark = a.block_mark[a.block_acc[b] : a.block_acc[b + 1]]
    touched = a.touched[a.block_acc[b] : a.block_acc[b + 1]]
    kinds = a.slot_kind[a.block_acc[b] : a.block_acc[b + 1]]
    events = a.chunk[b]
    synapses = 0
    arrived = 0
    while c >= 0:
        last = c == a.slot_tail[b, s]
        first = np.int64(c) * CHUNK
        end = first + (np.int64(a.slot_fill[b, s]) if last else CHUNK)
        arrived += end - first
        if last_time:
            for e in range(first, end):
                synapses += length_of(events[e])
        while first < end:
            g = np.int64(events[first] >> GROUP_SHIFT)
            run = first + 1
            while run < end and np.int64(events[run] >> GROUP_SHIFT) == g:
                run += 1
            if noting or a.group[g, R_WHEN] == when:
                if a.group[g, R_KIND] == PLASTIC:
                    q = g * (a.block_acc.shape[0] - 1) + b
                    n_touched = arrive_kernel(a.plastic[g, L_ARRIVE])(
                        events, first, run, step, acc, a.group_w[g, W_GAIN], touched, n_touched, mark, 1 if noting else 0,
                        a.seg, a.slot, a.w, a.plastic[g], a.plastic_at[q],
                    )
                else:
                    kernel = row_kernel(a.rows[2 * a.group[g, R_KIND] + noting])
                    n_touched = kernel(
                        events, first, run, a.slot, a.w, acc, a.group[g, R_W_SHIFT], a.group_w[g], kinds, touched, n_touched, mark
                    )
            first = run
        after = a.chunk_next[b, c]
        if last_time:
            a.chunk_next[b, c] = a.free[b]
            a.free[b] = c
        c = -1 if last else after
    if not last_time:
        return n_touched
    a.slot_head[b, s] = -1
    a.slot_tail[b, s] = -1
    a.count[b, C_DELIVERED] += synapses
    a.count[b, C_IN_FLIGHT] -= arrived
    return n_touched


@jit(forceinline=True)
def push(a, b, step, word):
    """Put an arrival into the calendar of block b."""
    s = step & (a.slot_head.shape[1] - 1)
    c = a.slot_tail[b, s]
    if c < 0 or a.slot_fill[b, s] == CHUNK:
        new = a.free[b]
        a.free[b] = a.chunk_next[b, new]
        if c < 0:
            a.slot_head[b, s] = new
        else:
            a.chunk_next[b, c] = new
        a.chunk_next[b, new] = -1
        a.slot_tail[b, s] = new
        a.slot_fill[b, s] = 0
        c = new
    a.chunk[b, np.int64(c) * CHUNK + a.slot_fill[b, s]] = word
    a.slot_fill[b, s] += 1


@jit(forceinline=True)
def finite(state, held, acc, geom, fields, held_fields):
    """Whether all state of a piece is finite, and no held value is NaN."""
    bad = False
    n_all, lo, n = geom[G.n], geom[G.lo], geom[G.count]
    for f in range(fields):
        first = geom[G.state] + f * n_all + lo
        x = state[first : first + n]
        for k in range(x.shape[0]):
            bad |= x[k] - x[k] != 0.0
    z = acc[geom[G.acc] : geom[G.acc] + geom[G.more]]
    for k in range(z.shape[0]):
        bad |= z[k] - z[k] != 0.0
    for f in range(held_fields):
        first = geom[G.held] + f * n_all + lo
        y = held[first : first + n]
        for k in range(y.shape[0]):
            bad |= y[k] != y[k]
    return not bad


@jit(forceinline=True)
def note(a, b, slots, n, n_touched):
    """Add n slots (relative to block b) to the touched ones."""
    base = a.block_acc[b]
    for q in range(n):
        s = base + slots[q]
        if a.block_mark[s] == 0:
            a.block_mark[s] = 1
            a.touched[base + n_touched] = slots[q]
            n_touched += 1
    return n_touched


@jit(forceinline=True)
def fold(a, b, t, n_touched, live):
    """Put what lies in the inbox for an awake piece, at receptors that are live (1) or not (0), where its neurons find it."""
    geom = a.geom[t]
    base = a.block_acc[b]
    first = geom[G.acc] - base
    for q in range(n_touched):
        s = np.int64(a.touched[base + q]) - first
        if s < 0:
            continue
        if s >= geom[G.more]:
            continue
        if a.task[t, T_LIVE] >> s // geom[G.count] & 1 == live:
            a.acc[geom[G.acc] + s] += a.inbox[geom[G.acc] + s]
            a.inbox[geom[G.acc] + s] = 0.0


@jit(forceinline=True)
def gather(a, b, t, n_touched):
    """Append the touched neurons of a sleeping piece to its awake ones; returns how many there are to do."""
    p = a.task[t, T_PIECE]
    geom = a.geom[t]
    first = geom[G.acc] - a.block_acc[b]
    n, lo = geom[G.count], geom[G.lo]
    todo = a.todo[a.piece[p, P_TODO] :]
    have = a.sleep[p, S_AWAKE]
    base = a.block_acc[b]
    for q in range(n_touched):
        s = np.int64(a.touched[base + q]) - first
        if s < 0:
            continue
        if s >= geom[G.more]:
            continue
        while s >= n:
            s -= n
        todo[have] = lo + s
        have += 1
    return have


@jit(forceinline=True)
def call(a, t, which, acc, key, step, todo, n_todo, out, worker):
    """Call one of the kernels of task t."""
    return block_kernel(a.kernels[which], a.state)(
        a.state, a.held, acc, a.inbox, a.par, a.geom[t], key, step, todo, n_todo, out, a.flags[worker]
    )


@jit(forceinline=True)
def settle(a, t, step, worker, delivered):
    """Decide whether the piece of task t sleeps from now on; by its state alone."""
    p = a.task[t, T_PIECE]
    n = a.geom[t, G.count]
    sleep = a.sleep[p]
    todo = a.todo[a.piece[p, P_TODO] : a.piece[p, P_TODO] + a.piece[p, P_CAPACITY]]
    if sleep[S_MODE] == 0:
        since = delivered - sleep[S_DELIVERED]
        sleep[S_DELIVERED] = delivered
        sleep[S_NEXT] = step + CENSUS
        if since * SPARSE_COST > n * CENSUS:
            return
        awake = call(a, t, a.task[t, T_CENSUS], a.acc, np.uint64(0), step, todo, ZERO, todo, worker)
        if awake * SPARSE_COST > n:
            sleep[S_NEXT] = step + 16 * CENSUS
            return
        sleep[S_MODE] = 1
        sleep[S_AWAKE] = awake
        sleep[S_WORK] = 0
    else:
        work = sleep[S_WORK]
        sleep[S_WORK] = 0
        sleep[S_NEXT] = step + CENSUS
        if work * 8 > n * CENSUS:
            wake(a, t, step, worker)
            sleep[S_DELIVERED] = delivered
            sleep[S_NEXT] = step + 16 * CENSUS


@jit
def wake(a, t, step, worker):
    """Bring all neurons of a sleeping piece up to `step` and step them densely from there."""
    p = a.task[t, T_PIECE]
    lo, n = a.geom[t, G.lo], a.geom[t, G.count]
    todo = a.todo[a.piece[p, P_TODO] : a.piece[p, P_TODO] + a.piece[p, P_CAPACITY]]
    for k in range(n):
        todo[k] = lo + k
    call(a, t, a.task[t, T_READ], a.acc, np.uint64(1), step, todo, n, todo, worker)
    a.sleep[p, S_MODE] = 0
    a.sleep[p, S_AWAKE] = 0


@jit
def read_task(a, t, step, index, out):
    """State of elements of task t as it is at `step`, field by field into out; nothing else changes."""
    block_kernel(a.kernels[a.task[t, T_READ]], a.state)(
        a.state, a.held, a.acc, out, a.par, a.geom[t], np.uint64(0), step, index, index.shape[0], index, a.flags[0]
    )


@jit(forceinline=True)
def take_samples(a, t, step, worker):
    """Write the samples of task t that are due after this step."""
    for m in range(a.sampler.shape[0]):
        row = a.sampler[m]
        if row[M_TASK] != t or (step + 1) % row[M_EVERY] != 0:
            continue
        n, first = row[M_COUNT], row[M_FIRST]
        index = a.sample_index[first : first + n]
        at = row[M_BUFFER] + row[M_ROW] * n
        geom = a.geom[t]
        if row[M_WHERE] == IN_HELD:
            base = geom[G.held] + row[M_FIELD] * geom[G.n]
            for k in range(n):
                a.sample[at + k] = a.held[base + index[k]]
        elif a.sleep[a.task[t, T_PIECE], S_MODE] == 0:
            if row[M_WHERE] == IN_ACC:
                base = geom[G.acc] + row[M_FIELD] * geom[G.stride] - geom[G.lo]
                for k in range(n):
                    a.sample[at + k] = a.acc[base + index[k]]
            else:
                base = geom[G.state] + row[M_FIELD] * geom[G.n]
                for k in range(n):
                    a.sample[at + k] = a.state[base + index[k]]
        else:
            temp = a.temp[worker]
            block_kernel(a.kernels[a.task[t, T_READ]], a.state)(
                a.state, a.held, a.acc, temp, a.par, geom, np.uint64(0), step + 1, index, n, index, a.flags[worker]
            )
            for k in range(n):
                a.sample[at + k] = temp[row[M_READ] * n + k]
        row[M_ROW] += 1


@jit(forceinline=True)
def hold(a, t):
    """Set the clamped state of task t, whose neurons are awake, to its values."""
    for m in range(a.clamp.shape[0]):
        row = a.clamp[m]
        if row[K_TASK] != t:
            continue
        index = a.clamp_index[row[K_FIRST] : row[K_FIRST] + row[K_COUNT]]
        value = a.clamp_value[row[K_FIRST] : row[K_FIRST] + row[K_COUNT]]
        geom = a.geom[t]
        if row[K_WHERE] == IN_HELD:
            base = geom[G.held] + row[K_FIELD] * geom[G.n]
            for k in range(index.shape[0]):
                a.held[base + index[k]] = value[k]
        elif row[K_WHERE] == IN_ACC:
            base = geom[G.acc] + row[K_FIELD] * geom[G.stride] - geom[G.lo]
            for k in range(index.shape[0]):
                a.acc[base + index[k]] = value[k]
        else:
            base = geom[G.state] + row[K_FIELD] * geom[G.n]
            for k in range(index.shape[0]):
                a.state[base + index[k]] = value[k]


@jit(forceinline=True)
def drive(a, b, t, acc, step, worker):
    """Run a drive or current; returns the number of slots it hit, listed in the worker's scratch."""
    return call(a, t, a.task[t, T_KERNEL], acc, a.key[t], step, a.todo[:0], ZERO, a.scratch[worker], worker)


@jit(forceinline=True)
def run_block(a, b, step, column, parity, worker):
    """One step of block b."""
    first, end = a.block_task[b], a.block_task[b + 1]
    noting = a.when[2] == 1
    for t in range(first, end):
        if a.task[t, T_KIND] == EMITTER:
            p = a.task[t, T_PIECE]
            if a.task[t, T_SPARSE] >= 0 and a.task[t, T_MAY_SLEEP] == 1 and step >= a.sleep[p, S_NEXT]:
                was = a.sleep[p, S_MODE]
                settle(a, t, step, worker, a.count[b, C_DELIVERED])
                if was < a.sleep[p, S_MODE] and a.bad[parity, b] < 0:  # once asleep, only those that are touched are looked at
                    if not finite(a.state, a.held, a.acc, a.geom[t], a.task[t, T_FIELDS], a.task[t, T_HELD_FIELDS]):
                        a.bad[parity, b] = t
            noting |= a.sleep[p, S_MODE] == 1
    n_touched = ZERO
    if noting:
        n_touched = deliver(a, b, step, LATE + 1, True, a.inbox)
    elif a.when[EARLY] == 1:
        deliver(a, b, step, EARLY, a.when[LATE] == 0, a.acc)
    for t in range(first, end):
        if a.task[t, T_KIND] != DRIVE or a.task[t, T_ON] == 0:
            continue
        if noting and a.task[t, T_LISTS] == 1:
            found = drive(a, b, t, a.inbox, step, worker)
            n_touched = note(a, b, a.scratch[worker], found, n_touched)
        elif a.task[t, T_LIVE] == 0:
            drive(a, b, t, a.acc, step, worker)
    for t in range(first, end):
        if a.task[t, T_KIND] == DRIVE or a.task[t, T_ON] == 0:
            continue
        p = a.task[t, T_PIECE]
        at = a.out_first[parity, p, column]
        out = a.out[parity, a.piece[p, P_OUT] + at :]
        if a.sleep[p, S_MODE] == 0:
            fold(a, b, t, n_touched, 0)
            found = call(a, t, a.task[t, T_KERNEL], a.acc, a.key[t], step, a.todo[:0], ZERO, out, worker)
            fold(a, b, t, n_touched, 1)
            a.count[b, C_UPDATES] += a.geom[t, G.count]
        else:
            todo = a.todo[a.piece[p, P_TODO] : a.piece[p, P_TODO] + a.piece[p, P_CAPACITY]]
            n_todo = gather(a, b, t, n_touched)
            both = call(a, t, a.task[t, T_SPARSE], a.acc, a.key[t], step, todo, n_todo, out, worker)
            found = both & 0xFFFFFFFF
            a.sleep[p, S_AWAKE] = both >> 32
            a.sleep[p, S_WORK] += n_todo
            a.count[b, C_UPDATES] += n_todo
            if a.flags[worker, 0] != 0 and a.bad[parity, b] < 0:
                a.bad[parity, b] = t
        a.out_first[parity, p, column + 1] = at + found
    if not noting and a.when[LATE] == 1:
        deliver(a, b, step, LATE, True, a.acc)
    look = (step + 1) % a.check[0] == 0
    for t in range(first, end):
        if a.task[t, T_KIND] == DRIVE:
            if a.task[t, T_ON] == 1 and a.task[t, T_LIVE] == 1 and not (noting and a.task[t, T_LISTS] == 1):
                drive(a, b, t, a.acc, step, worker)
    for t in range(first, end):
        if a.task[t, T_KIND] == DRIVE or a.task[t, T_ON] == 0:
            continue
        awake = a.sleep[a.task[t, T_PIECE], S_MODE] == 0
        if awake and a.task[t, T_BOUND] >= 0:
            call(a, t, a.task[t, T_BOUND], a.acc, a.key[t], step, a.todo[:0], ZERO, a.scratch[worker], worker)
        hold(a, t)
        take_samples(a, t, step, worker)
        if look and awake and a.bad[parity, b] < 0:
            if not finite(a.state, a.held, a.acc, a.geom[t], a.task[t, T_FIELDS], a.task[t, T_HELD_FIELDS]):
                a.bad[parity, b] = t
    for row in range(a.block_target[b], a.block_target[b + 1]):  # plastic groups hear who has fired, after all arrivals of the step
        g, p = a.target[row, 0], a.target[row, 1]
        fired = a.scratch[worker]
        n_fired = 0
        out_0 = a.piece[p, P_OUT]
        for at in range(out_0 + a.out_first[parity, p, column], out_0 + a.out_first[parity, p, column + 1]):
            fired[n_fired] = a.target[row, 2] + a.out[parity, at]
            n_fired += 1
        if n_fired > 0:
            blocks = a.block_acc.shape[0] - 1
            group, place = a.plastic[g], a.plastic_at[g * blocks + b]
            fire = fire_kernel(group[L_FIRE])
            if fire(fired, 0, n_fired, step, a.seg, a.slot, a.w, group, place) == 1:
                bring_block(a.row_seg, blocks, b, step, 0, a.seg, a.slot, a.w, group, place)
                fire(fired, 0, n_fired, step, a.seg, a.slot, a.w, group, place)
    base = a.block_acc[b]
    for q in range(n_touched):
        a.block_mark[base + a.touched[base + q]] = 0


@jit(forceinline=True)
def emit(a, b, start, steps, parity):
    """Push the spikes of a window into the calendar of block b, in the order of (step, element)."""
    blocks = a.block_acc.shape[0] - 1
    events = 0
    synapses = 0
    for column in range(steps):
        for pop in range(a.pop_piece.shape[0] - 1):
            g0, g1 = a.pop_group[pop], a.pop_group[pop + 1]
            if g0 == g1:
                continue
            for p in range(a.pop_piece[pop], a.pop_piece[pop + 1]):
                base = a.piece[p, P_OUT]
                first_spike, end_spike = base + a.out_first[parity, p, column], base + a.out_first[parity, p, column + 1]
                for q in range(first_spike, end_spike):
                    for g in range(g0, g1):
                        prefetch(a.row_seg, (a.group[g, R_FIRST_ROW] + np.int64(a.out[parity, q])) * blocks + b)
                for q in range(first_spike, end_spike):
                    for g in range(g0, g1):
                        prefetch(a.seg, a.row_seg[(a.group[g, R_FIRST_ROW] + np.int64(a.out[parity, q])) * blocks + b])
                for q in range(first_spike, end_spike):
                    i = np.int64(a.out[parity, q])
                    for g in range(g0, g1):
                        by_segment = a.group[g, R_KIND] == PLASTIC
                        r = (a.group[g, R_FIRST_ROW] + i) * blocks + b
                        for s in range(a.row_seg[r], a.row_seg[r + 1]):
                            word = np.int64(a.seg[s])
                            first = word >> 16
                            length = (np.int64(a.seg[s + 1]) >> 16) - first
                            push(a, b, start + column + (word & 0xFFFF), event(g, s if by_segment else first, length))
                            events += 1
                            synapses += length
    a.count[b, C_PUSHED] += synapses
    a.count[b, C_EVENTS] += events
    a.count[b, C_IN_FLIGHT] += events


@jit(forceinline=True)
def room(a, steps, parity):
    """Status of the window's spikes: DONE if log and calendars can take them all. The same answer for every worker."""
    spikes = 0
    need = 0
    for pop in range(a.pop_piece.shape[0] - 1):
        segments = 0
        for g in range(a.pop_group[pop], a.pop_group[pop + 1]):
            segments += a.group[g, R_MAX_SEGMENTS]
        for p in range(a.pop_piece[pop], a.pop_piece[pop + 1]):
            spikes += a.out_first[parity, p, steps]
            need += a.out_first[parity, p, steps] * segments
    fits = (a.chunk_next.shape[1] - a.slot_head.shape[1]) * CHUNK
    for b in range(a.block_acc.shape[0] - 1):
        if a.in_flight[parity, b] + need > fits:
            return CALENDAR_FULL, spikes
    return DONE, spikes


@jit(forceinline=True)
def log(a, start, steps, parity):
    """Append the spikes of a window to the log, in the order of (step, element)."""
    n = a.log_n[0]
    for column in range(steps):
        for p in range(a.piece.shape[0]):
            base = a.piece[p, P_OUT]
            for q in range(base + a.out_first[parity, p, column], base + a.out_first[parity, p, column + 1]):
                a.log_step[n] = start + column
                a.log_id[n] = a.piece[p, P_FIRST_ID] + a.out[parity, q]
                n += 1
    a.log_n[0] = n


@jit
def stretch(a, worker, workers, start, stop):
    """Run steps start..stop-1 as one of `workers`; returns (status, next step). Goes on with a window that was left before its spikes
    were pushed (a full log or calendar). Every worker returns the same."""
    a = borrow(a)
    blocks = a.block_acc.shape[0] - 1
    logged = a.log_n[0]
    emitting = a.phase[H_EMIT] == 1
    parity = a.phase[H_PARITY]
    step = a.phase[H_START] if emitting else start
    end = a.phase[H_END] if emitting else start
    status = DONE
    meet(a.meeting, workers)
    while emitting or step < stop:
        if not emitting:
            parity = 1 - parity
            end = min(step + a.window[0], stop)
            for b in range(worker, blocks, workers):
                a.bad[parity, b] = -1
                for t in range(a.block_task[b], a.block_task[b + 1]):
                    if a.task[t, T_KIND] == EMITTER:
                        a.out_first[parity, a.task[t, T_PIECE], 0] = 0
                for column in range(end - step):
                    run_block(a, b, step + column, column, parity, worker)
                a.in_flight[parity, b] = a.count[b, C_IN_FLIGHT]
            meet(a.meeting, workers)
        emitting = False
        status, spikes = room(a, end - step, parity)
        if logged + spikes > a.log_step.shape[0]:
            status = LOG_FULL
        if status != DONE:
            break
        if worker == 0:
            log(a, step, end - step, parity)
        logged += spikes
        for b in range(worker, blocks, workers):
            emit(a, b, step, end - step, parity)
        step = end
        for b in range(blocks):
            if a.bad[parity, b] >= 0:
                status = NOT_FINITE
        if status != DONE:
            break
    meet(a.meeting, workers)
    if worker == 0:
        a.phase[H_EMIT] = 1 if status == LOG_FULL or status == CALENDAR_FULL else 0
        a.phase[H_START] = step
        a.phase[H_END] = end
        a.phase[H_PARITY] = parity
    return status, step
