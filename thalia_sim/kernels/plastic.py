"""Kernels of plastic rows, written out from the rules of a projection and called by address with fixed signatures (docs/rule_contract.md).

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

import inspect
import math
from typing import Any, NamedTuple

import numpy as np
from numba import types
from numba.extending import intrinsic

from ..errors import DescriptionError
from .jit import inlined, jit, load, pointer, refusal
from .machine import doubles, function_value, ints, longs, singles
from .rows import start_of
from .scalar import compiled_scalar

RING = 32  # spikes of a target that are kept
PLASTIC = 2  # kind of a group of rows (loop.R_KIND) beside 0, each synapse's own weight, and 1, one weight for all
NOT_YET = -0.5  # step of the last spike of a target that has not fired: before step 0, and no whole step passed between
LOW, HIGH = 12, 24  # bits of steps in the first table, in both
PART = 1024  # synapses that are looked at together
SCANNED = 4  # entries of a ring that are looked at without asking whether the one before was new
ALIVE = "(signs[np.uint64(k)] ^ other >= 0)"  # whether synapse k is not cut
TABLE = 2 * (1 << LOW) + 1  # cells of a decay table
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
    """The same, the change times the share of room left before its bound too."""
    change = rate * (new - w)
    return w + change * ((high - w if change > 0.0 else w - low) / (high - low))


def softened_by_power(w, new, rate, low, high, soft):
    """The same, with that share to the power `soft`."""
    change = rate * (new - w)
    return w + change * ((high - w if change > 0.0 else w - low) / (high - low)) ** soft


SCALING = {0.0: scaled, 1.0: softened}
"""How a change is scaled, by the softness of its bounds (any other: `softened_by_power`). Three functions, since a compiler may well
compute a power before it asks whether it is wanted."""


def scaling(soft):
    return SCALING.get(soft, softened_by_power)


def settled(value, low, high):
    """A strength within its bounds, in the precision in which weights are kept."""
    return np.float64(np.float32(min(max(value, low), high)))


def beyond(value, low, high):
    """1 if a bound acts on a strength."""
    return np.int64(min(max(value, low), high) != value)


class Text:
    """The text of the kernels of a chain of rules."""

    def __init__(self, chain: Any) -> None:
        self.chain, self.declared = chain, chain.declared
        self.pre = list(chain.traces("pre"))
        self.post = [f"r{n}_{t.name}" for n, t in chain.traces("post")]
        self.post_traces = list(chain.traces("post"))
        self.target = [f"r{n}_{f}" for n, f in chain.target]
        self.state = [f"r{n}_{f}" for n, f in chain.state]
        self.dendritic = chain.dendritic > 0.0
        self.has_ring = chain.has_ring
        on_post = [(n, x) for n, made in enumerate(self.declared) for x in made.reads("on_post")]
        kept = [f"r{n}_{x}" for n, x in on_post]
        self.ring_before = [x for x in (*self.post, *self.target) if x in kept]
        self.ring_after = [*self.post, *self.target] if self.dendritic else []
        self.pre_width = 1 + len(self.pre)
        self.last_width = 1 + len(self.post) + len(self.target)
        self.ring_width = 1 + len(self.ring_before) + len(self.ring_after) if self.has_ring else 0

    # pieces of text

    def prelude(self) -> list[str]:
        """Parameters into names."""
        at = 3
        lines = [f"par, decay = doubles(at[{AT_PAR}], LARGE), doubles(at[{AT_DECAY}], LARGE)", "dt, rate, share = par[0], par[1], par[2]"]
        for n, made in enumerate(self.declared):
            lines.append(f"p{n} = Params{n}({', '.join(f'par[{at + k}]' for k in range(len(made.params)))})")
            at += len(made.params)
            lines.append(f"low{n}, high{n}, soft{n} = par[{at}], par[{at + 1}], par[{at + 2}]")
            at += 3
        for n, trace in (*self.pre, *self.post_traces):
            lines += [f"h = np.int64(par[{at}])", f"table_r{n}_{trace.name} = decay[h : h + {TABLE}]"]
            at += 1
        for m in self.chain.modulators:
            lines.append(f"{m} = par[{at}]")
            at += 1
        return lines + [
            f"slot_0, many = at[{A_SLOT}], at[{A_N}]",
            *(f"last_{k} = doubles(at[{AT_LAST}] + {8 * k} * many, many)" for k in range(self.last_width)),
            f"ring, pre = doubles(at[{AT_RING}], many * STRIDE), doubles(at[{AT_PRE}], LARGE)",
            f"now, count = np.float64(step), longs(at[{AT_COUNT}], {N_COLUMNS})",
            f"seen_cell, passed_cell = doubles(at[{AT_SEEN}], 1), doubles(at[{AT_PASSED}], 1)",
            "seen, passed = seen_cell[0], passed_cell[0]",
            f"sign, frozen, w_shift = np.float64(row[{L_SIGN}]), row[{L_FROZEN}], row[{L_W_SHIFT}]",
            "updates, bounded, lost = np.int64(0), np.int64(0), np.int64(0)",
            f"bits, other = w.view(np.int32), np.int32(0 if row[{L_SIGN}] > 0 else -1)",
        ]

    def call(self, n: int, kind: str, more: tuple[str, ...] = ()) -> list[str]:
        """A function of rule n that changes w and its state."""
        made = self.declared[n]
        if getattr(made, kind) is None:
            return []
        reads = [x if x.startswith("m_") else f"r{n}_{x}" for x in made.reads(kind)]
        got = "new" if not made.state else "new, " + ", ".join(f"new_{f}" for f in made.state)
        lines = [f"{got} = r{n}_{kind}({', '.join(['w_', *reads, *more, f'p{n}'])})"]
        lines += [f"r{n}_{f} = np.float64(np.float32(new_{f}))" for f in made.state]
        if kind != "between":
            how = scaling(self.chain.softness(n)).__name__
            lines.append(f"new = {how}(w_, new, rate, low{n}, high{n}, soft{n})")
        return [*lines, f"bounded += beyond(new, low{n}, high{n})", f"w_ = settled(new, low{n}, high{n})"]

    def all_rules(self, kind: str, more: tuple[str, ...] = ()) -> list[str]:
        return [line for n in range(len(self.declared)) for line in self.call(n, kind, more)]

    def between(self, end: str) -> list[str]:
        """Steps up to `end` without an event, from `here`."""
        body = self.all_rules("between", (f"{end} - here", "dt"))
        return [f"if {end} > here:", *indent(body), f"    here = {end}"] if body else []

    def decay_target(self, now: str) -> list[str]:
        """Traces and state of the target at `now`, from what it keeps of its last spike."""
        lines = [f"gap = np.int64({now} - {of_last(0)})"]
        for k, (n, trace) in enumerate(self.post_traces):
            lines.append(f"was_r{n}_{trace.name} = {of_last(1 + k)}")
            lines.append(f"r{n}_{trace.name} = was_r{n}_{trace.name} * decayed(table_r{n}_{trace.name}, gap)")
        for k, (n, field) in enumerate(self.chain.target):
            lines.append(f"was_r{n}_{field} = {of_last(1 + len(self.post) + k)}")
        return lines + self.drift("gap")

    def drift(self, gap: str) -> list[str]:
        """State of the target after `gap` steps; what it was stands in names that begin with was_."""
        lines = []
        for n, made in enumerate(self.declared):
            fields = [f"r{n}_{f}" for f in made.target]
            if not fields:
                continue
            lines += [f"{f} = was_{f}" for f in fields]
            if made.target_between is not None:
                reads = ", ".join(f"was_r{n}_{x}" for x in made.reads("target_between"))
                values = f"r{n}_target_between({reads + ', ' if reads else ''}np.float64({gap}), dt, p{n})"
                lines += [f"if {gap} > 0:", f"    {', '.join(fields)} = {values}"]
        return lines

    def replay(self, end: str) -> list[str]:
        """Spikes of the target that this synapse has not met, before `end` (counted at the synapse). `here` is the step of its last event."""
        lines = ["here = max(arrived, passed)"] if self.all_rules("between") else []
        return lines + (self.replay_ring(end) if self.has_ring and self.all_rules("on_post") else [])

    def newest(self) -> str:
        """The last spike of target r."""
        return "ring[np.uint64(r * STRIDE)]" if self.dendritic else of_last(0)

    def ring(self, m: str, k: int = 0) -> str:
        """Number k of entry m of the ring of target r."""
        return f"ring[np.uint64(r * STRIDE + {m} * {self.ring_width} + {k})]"

    def unmet(self) -> str:
        """Whether target r has fired since the synapse was looked at."""
        return f"{self.newest()} >= since - shift" if self.dendritic else f"{self.newest()} >= since"

    def replay_ring(self, end: str) -> list[str]:
        first = self.newest()
        shift = " + shift" if self.dendritic else ""
        before, not_before = [], []
        if self.all_rules("between"):
            before = ["if m < RING:", f"    here = max(here, {self.ring('m')}{shift})"]
            not_before = ["else:", f"    here = max(here, {first}{shift})"]
        find = [
            "m = np.int64(0)",
            f"while m < RING and {self.ring('m')} >= {'since - shift' if self.dendritic else 'since'}:",
            "    m += 1",
            *before,
        ]
        if self.dendritic:
            find += [
                "newest = np.int64(0)",
                f"while newest < m and {self.ring('newest')} >= {end} - shift:",
                "    newest += 1",
            ]
        each = ["m -= 1", f"spike = {self.ring('m')}{shift}", *self.between("spike"), *self.meet_spike(), "updates += 1"]
        stop = "newest" if self.dendritic else "0"
        return [f"if {self.unmet()}:", *indent([*find, f"while m > {stop}:", *indent(each)]), *not_before]

    def meet_spike(self) -> list[str]:
        """Entry m of the target's ring, at step `spike`, acts on the synapse."""
        lines = [f"{x} = {self.ring('m', 1 + k)}" for k, x in enumerate(self.ring_before)]
        if self.pre:
            lines.append("gap = np.int64(spike - arrived)")
        lines += [f"r{n}_{t.name} = left_r{n}_{t.name} * decayed(table_r{n}_{t.name}, gap)" for n, t in self.pre]
        return [*lines, *self.all_rules("on_post")]

    def load_synapse(self) -> list[str]:
        """Weight and state of synapse k of the part into names; cut ones are passed over."""
        return [f"if not {ALIVE}:", "    continue", *self.take_synapse()]

    def take_synapse(self) -> list[str]:
        lines = ["r = np.int64(slots[np.uint64(k)]) - slot_0", "w_ = np.float64(abs(weights[np.uint64(k)]))"]
        return lines + [f"{x} = np.float64({self.of_state(s)})" for s, x in enumerate(self.state)]

    def store_synapse(self) -> list[str]:
        return ["weights[np.uint64(k)] = np.float32(sign * w_)", *(f"{self.of_state(s)} = np.float32({x})" for s, x in enumerate(self.state))]

    def of_state(self, s: int) -> str:
        return f"states[np.uint64(k * {len(self.state)} + {s})]"

    def part(self, begin: str, stop: str) -> list[str]:
        """The synapses from begin to stop, as arrays that count from 0."""
        at = f"[{begin} - w_shift : {stop} - w_shift]"
        lines = [f"slots, weights, signs = slot[{begin} : {stop}], w{at}, bits{at}"]
        if self.state:
            width = len(self.state)
            lines.append(f"states = singles(at[{AT_STATE}] + ({begin} - row[{L_SYN}]) * {4 * width}, ({stop} - {begin}) * {width})")
        return lines

    def segment(self) -> list[str]:
        """What the segment s keeps of its source."""
        lines = ["begin, stop = seg[s] >> 16, seg[s + 1] >> 16", f"rec = (s - row[{L_SEG}]) * {self.pre_width}"]
        lines += ["arrived = pre[rec]", "since = max(arrived, seen)"]
        if self.dendritic:
            lines.append("shift = np.float64(np.int64(2.0 * share * np.float64(seg[s] & 0xFFFF) + 0.5))")
        return lines + [f"left_r{n}_{t.name} = pre[rec + {1 + k}]" for k, (n, t) in enumerate(self.pre)]

    def source_at(self, now: str) -> list[str]:
        """Traces of the source at `now`, in names that begin with at_."""
        lines = [f"behind = np.int64({now} - arrived)"] if self.pre else []
        return lines + [f"at_r{n}_{t.name} = left_r{n}_{t.name} * decayed(table_r{n}_{t.name}, behind)" for n, t in self.pre]

    def target_now(self) -> list[str]:
        """Traces and state of the target as an arrival meets them."""
        if not (self.post or self.target):
            return []
        if not self.dendritic:
            return self.decay_target("now")
        base = 1 + len(self.ring_before)
        lines = ["m = np.int64(0)", f"while m < RING and {self.ring('m')} >= now - shift:", "    m += 1"]
        lines += ["if m == RING:", "    m = np.int64(RING - 1)", "    lost = np.int64(1)"]
        lines += [f"gap = np.int64(max(now - shift - max({self.ring('m')}, 0.0), 0.0))"]
        lines += [f"was_{x} = {self.ring('m', base + k)}" for k, x in enumerate((*self.post, *self.target))]
        lines += [f"r{n}_{t.name} = was_r{n}_{t.name} * decayed(table_r{n}_{t.name}, gap)" for n, t in self.post_traces]
        return lines + self.drift("gap")

    def transmitted(self) -> list[str]:
        """What the synapse delivers: `transmit` of the last rule that has one."""
        with_one = [n for n, made in enumerate(self.declared) if made.transmit is not None]
        if not with_one:
            return ["sent = w_"]
        n = with_one[-1]
        reads = [x if x.startswith("m_") else f"r{n}_{x}" for x in self.declared[n].reads("transmit")]
        return [f"sent = r{n}_transmit({', '.join(['w_', *reads, f'p{n}'])})"]

    def deliver(self) -> list[str]:
        return [
            "target = slots[np.uint64(k)]",
            "acc[target] += sent * by",
            "if noting != 0 and mark[target] == 0:",
            *indent(["mark[target] = 1", "touched[n_touched] = target", "n_touched += 1"]),
        ]

    def jumped(self, n: int, trace: Any, name: str) -> str:
        return "1.0" if trace.nearest else f"{name} + 1.0"

    # the kernels

    def arrive(self) -> list[str]:
        """Kernel of arrivals."""
        reads = {x for made in self.declared for x in (*made.reads("on_pre"), *made.reads("transmit"))}
        names = [f"r{n}_{t.name} = at_r{n}_{t.name}" for n, t in self.pre if t.name in reads]
        look = self.target_now() if reads & {x.split("_", 1)[1] for x in (*self.post, *self.target)} else []
        on_pre = self.all_rules("on_pre")
        meet = [*look, *names, *self.transmitted(), *on_pre, *self.store_synapse(), *self.deliver()]
        present = [*self.load_synapse(), *self.replay("now"), *self.between("now")]
        if self.replay("now") and not self.between("now") and not self.dendritic:
            met = self.in_rounds(meet)
        else:
            met = [*self.part("begin", "stop"), "for k in range(slots.shape[0]):", *indent([*present, *meet])]
        still = [*self.load_synapse(), *look, *names, *self.transmitted(), *self.deliver()]
        updates = ["updates += stop - begin"] if on_pre else []
        each = [
            "s = start_of(events[e])",
            *self.segment(),
            *self.source_at("now"),
            "if frozen != 0:",
            *indent([*self.part("begin", "stop"), "for k in range(slots.shape[0]):", *indent(still)]),
            "else:",
            *indent([*met, *updates]),
            "pre[rec] = now",
            *(f"pre[rec + {1 + k}] = {self.jumped(n, t, f'at_r{n}_{t.name}')}" for k, (n, t) in enumerate(self.pre)),
        ]
        body = [f"listed = ints(at[{AT_LISTED}], {PART})", "by = sign * gain", "for e in range(first, end):", *indent(each), *self.told()]
        body.append("return n_touched")
        return function("arrive", f"events, first, end, step, acc, gain, touched, n_touched, mark, noting, {WORDS}", [*self.prelude(), *body])

    def in_rounds(self, meet: list[str]) -> list[str]:
        """All synapses of a segment without a branch that the processor cannot guess.

        Those whose target has fired are listed, each with the number of spikes that it has to meet; in each round all of them meet their oldest one.
        Then all synapses meet the arrival.
        """
        chosen = ["r = np.int64(slots[k]) - slot_0", "listed[np.uint64(found)] = k"]
        chosen += [f"found += np.int64({self.unmet()}) & np.int64({ALIVE})"]
        first = " + ".join(f"np.int64({self.ring(str(m))} >= since)" for m in range(SCANNED))
        count = ["k = np.int64(listed[np.uint64(index)])", "r = np.int64(slots[np.uint64(k)]) - slot_0", f"m = {first}"]
        count += [f"if m == {SCANNED}:", f"    while m < RING and {self.ring('m')} >= since:", "        m += 1"]
        count += [f"listed[np.uint64(index)] = k + m * {PART}"]
        take = ["word = np.int64(listed[np.uint64(index)])", f"k, m = word % {PART}, word // {PART} - 1"]
        keep = [f"listed[np.uint64(kept)] = k + m * {PART}", "kept += np.int64(m > 0)"]
        one = [*take, *self.take_synapse(), f"spike = {self.ring('m')}", *self.meet_spike(), *self.store_synapse(), *keep]
        each = [f"end_part = min(part + {PART}, stop)", *self.part("part", "end_part")]
        each += ["found = np.int64(0)", "for k in range(slots.shape[0]):", *indent(chosen), "for index in range(found):", *indent(count)]
        each += ["while found > 0:", *indent(["updates += found", "kept = np.int64(0)", "for index in range(found):", *indent(one), "found = kept"])]
        each += ["for k in range(slots.shape[0]):", *indent([*self.load_synapse(), *meet])]
        return [f"for part in range(begin, stop, {PART}):", *indent(each)]

    def bring(self) -> list[str]:
        """Kernel that lets the segments of a block meet the spikes of their targets up to a step, and (`passing`) the time up to it.

        Without the latter nothing depends on when it is called.
        """
        pass_time = self.between("now")
        synapse = [*self.load_synapse(), *self.replay("now"), *(["if passing != 0:", *indent(pass_time)] if pass_time else []), *self.store_synapse()]
        each = [
            f"cell = (row[{L_FIRST_ROW}] + i) * blocks + b",
            "for s in range(row_seg[cell], row_seg[cell + 1]):",
            *indent([*self.segment(), *self.part("begin", "stop"), "for k in range(slots.shape[0]):", *indent(synapse)]),
        ]
        lines = ["seen_cell[0] = now", "if passing != 0:", "    passed_cell[0] = now", "else:", f"    count[{N_BROUGHT}] += 1"]
        lines += ["if frozen != 0:", "    return 0", f"for i in range(row[{L_ROWS}]):", *indent(each), *self.told(), "return 0"]
        return function("bring", f"row_seg, blocks, b, step, passing, {WORDS}", [*self.prelude(), *lines])

    def fire(self) -> list[str]:
        """Kernel of targets that have fired: 1 if the block has to be brought up to date first, else 0; with nothing done if it has."""
        names = [*self.post, *self.target]
        look = [
            f"oldest = seen - np.float64(np.int64(2.0 * share * np.float64(row[{L_MAX_DELAY}]) + 0.5))",
            "for q in range(first, end):",
            *indent([f"if ring[np.int64(fired[q]) * STRIDE + {(RING - 2) * self.ring_width}] >= oldest:"]),
            *indent(indent(["if seen < now:", "    return 1", f"count[{N_LOST}] = 1"])),
        ]
        each = ["r = np.int64(fired[q])", *self.decay_target("now")]
        after = [self.jumped(n, t, f"r{n}_{t.name}") for n, t in self.post_traces]
        if self.has_ring:
            each += [
                "entry = r * STRIDE",
                f"for m in range({RING * self.ring_width} - 1, {self.ring_width} - 1, -1):",
                f"    ring[entry + m] = ring[entry + m - {self.ring_width}]",
                "ring[entry] = now",
                *(f"ring[entry + {1 + k}] = {x}" for k, x in enumerate(self.ring_before)),
            ]
        for n, made in enumerate(self.declared):
            if made.target:
                reads = ", ".join(f"r{n}_{x}" for x in made.reads("target_spike"))
                each.append(f"{', '.join(f'r{n}_{f}' for f in made.target)} = r{n}_target_spike({reads + ', ' if reads else ''}p{n})")
        values = ["now", *after, *self.target]
        each += [f"{of_last(k)} = {value}" for k, value in enumerate(values)]
        base = 1 + len(self.ring_before)
        each += [f"ring[entry + {base + k}] = {of_last(1 + k)}" for k, _ in enumerate(names if self.ring_after else [])]
        lines = [*(look if self.has_ring else []), "for q in range(first, end):", *indent(each), "return 0"]
        return function("fire", f"fired, first, end, step, {WORDS}", [*self.prelude(), *lines])

    def told(self) -> list[str]:
        return [f"count[{N_UPDATES}] += updates", f"count[{N_BOUNDED}] += bounded", f"count[{N_LOST}] |= lost"]

    def whole(self) -> str:
        """Text of the module."""
        rules = ", ".join(f"{made.name} {made.digest}" for made in self.declared)
        kind = "part of the delay dendritic" if self.dendritic else "delays axonal"
        constants = f"STRIDE, RING = {RING * self.ring_width}, {RING}"
        parts = [f'"""Generated kernels: rules {rules}; {kind}."""\n', constants, "", *self.arrive(), "", *self.bring(), "", *self.fire()]
        return "\n".join(parts) + "\n"


def of_last(k: int) -> str:
    """Number k of what target r keeps of its last spike."""
    return f"last_{k}[np.uint64(r)]"


def indent(lines: list[str]) -> list[str]:
    return ["    " + line for line in lines]


def function(name: str, arguments: str, body: list[str]) -> list[str]:
    return ["", f"def {name}({arguments}):", *indent(body), ""]


class Kernels:
    """The compiled kernels of a chain of rules, and how wide its records are."""

    def __init__(self, chain: Any) -> None:
        text = Text(chain)
        self.pre_width, self.last_width, self.ring_width, self.state_width = text.pre_width, text.last_width, text.ring_width, len(text.state)
        names: dict[str, Any] = {"np": np, "math": math, "decayed": decayed, "start_of": start_of}
        names |= {"doubles": doubles, "singles": singles, "ints": ints, "longs": longs, "LARGE": LARGE}
        names |= {f.__name__: inlined(f) for f in (scaled, softened, softened_by_power)}
        names |= {"settled": inlined(settled), "beyond": inlined(beyond)}
        for n, made in enumerate(chain.declared):
            names[f"Params{n}"] = made.cls
            for kind in ("on_pre", "on_post", "between", "transmit", "target_spike", "target_between"):
                if getattr(made, kind) is not None:
                    names[f"r{n}_{kind}"] = compiled_scalar(getattr(made, kind), inlined)
        module = load(f"rule_{'_'.join(made.name for made in chain.declared)}", text.whole(), names)
        try:
            self.arrive = pointer(ARRIVE, module.arrive)
            self.bring = pointer(BRING, module.bring)
            self.fire = pointer(FIRE, module.fire)
        except Exception:
            if (problem := refused(chain, names)) is None:
                raise
            raise DescriptionError(problem) from None


def refused(chain: Any, names: dict[str, Any]) -> str | None:
    """Which function of the rules cannot be compiled, and why, in a sentence; None if all can."""
    for n, made in enumerate(chain.declared):
        p = made.cls(*map(float, chain.rules[n]))
        for kind in ("on_pre", "on_post", "between", "transmit", "target_spike", "target_between"):
            if (function := names.get(f"r{n}_{kind}")) is None:
                continue
            many = len(inspect.signature(getattr(made, kind)).parameters) - 1
            if problem := refusal(function, (*[1.0] * many, p)):
                return f"{kind} of rule {made.name} cannot be compiled ({problem}): use math, arithmetic and numbers only"
    return None


_made: dict[tuple[Any, ...], Kernels] = {}


def make_plastic(chain: Any) -> Kernels:
    """The kernels of a chain of rules: compiled once a machine, whatever the parameters (but a dendritic share of 0, a softness of 0 or 1)."""
    soft = tuple(scaling(chain.softness(n)) for n in range(len(chain.rules)))
    key = (*((made.name, made.digest) for made in chain.declared), chain.dendritic > 0.0, soft)
    if key not in _made:
        _made[key] = Kernels(chain)
    return _made[key]
