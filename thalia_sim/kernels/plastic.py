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

import math
from typing import Any

import numpy as np
from numba import types
from numba.extending import intrinsic

from .jit import inlined, jit, load, pointer
from .machine import function_value
from .rows import start_of
from .scalar import compiled_scalar

RING = 32  # spikes of a target that are kept
PLASTIC = 2  # kind of a group of rows (loop.R_KIND) beside 0, each synapse's own weight, and 1, one weight for all
NOT_YET = -0.5  # step of the last spike of a target that has not fired: before step 0, and no whole step passed between
LOW, HIGH = 12, 24  # bits of steps in the first table, in both
PART = 1024  # synapses that are looked at together
TABLE = 2 * (1 << LOW) + 1  # cells of a decay table
# columns of a plastic group's row
L_ARRIVE, L_BRING, L_FIRE, L_SEG, L_SYN, L_W_SHIFT, L_PRE, L_STATE, L_PAR, L_SIGN, L_FROZEN, L_FIRST_ROW, L_ROWS, L_MAX_DELAY = range(14)
L_COLUMNS = 14
ADDRESSES = [L_ARRIVE, L_BRING, L_FIRE]
# columns of a plastic group's part in a block
A_SLOT, A_N, A_LAST, A_RING = range(4)
A_COLUMNS = 4
# counters of a plastic group in a block
N_UPDATES, N_BOUNDED, N_BAD, N_LOST, N_BROUGHT = range(5)
N_COLUMNS = 5

I8, F8, U1, U2, U8, I4, F4 = types.int64, types.float64, types.uint8, types.uint16, types.uint64, types.int32, types.float32
WHERE = (
    I8[::1],  # seg
    U2[::1],  # slot
    F4[::1],  # w
    I8[::1],  # row: columns L_
    I8[::1],  # at: columns A_
    F8[::1],  # par: parameters of all rules
    F8[::1],  # decay: tables
    F8[::1],  # pre
    F4[::1],  # state of synapses
    F8[::1],  # last
    F8[::1],  # ring
    F8,  # seen: step up to which target spikes were replayed for the whole block
    F8,  # passed: step up to which `between` was called for the whole block
    I8[::1],  # count: columns N_
)
ARRIVE = I8(U8[::1], I8, I8, I8, F8[::1], F8, I4[::1], I8, U1[::1], I8, I4[::1], *WHERE)
BRING = I8(I8[::1], I8, I8, I8, I8, *WHERE)
FIRE = I8(I4[::1], I8, I8, I8, *WHERE)
WORDS = "seg, slot, w, row, at, par, decay, pre, state, last, ring, seen, passed, count"


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
def decayed(table, at, k):
    """exp(-k dt / tau) from the table at `at`."""
    if k < 1 << LOW:
        return table[at + k]
    if k < 1 << HIGH:
        return table[at + (k & (1 << LOW) - 1)] * table[at + (1 << LOW) + (k >> LOW)]
    left = math.exp(-k * table[at + 2 * (1 << LOW)])
    return left if left > 1e-300 else 0.0


def scaled(w, new, rate, low, high, soft):
    """A changed strength: the change times the learning rate's factor, and the share of room left before its bound to the power `soft`."""
    if rate == 1.0 and soft == 0.0:
        return new
    change = rate * (new - w)
    if soft == 0.0:
        return w + change
    room = (high - w if change > 0.0 else w - low) / (high - low)
    return w + change * (room if soft == 1.0 else room**soft)


def settled(value, low, high):
    """A strength within its bounds, in the precision in which weights are kept."""
    return np.float64(np.float32(min(max(value, low), high)))


def beyond(value, low, high):
    """1 if a bound acts on a strength."""
    return np.int64(value < low) | np.int64(value > high)


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
        lines = [f"q = row[{L_PAR}]", "dt, rate, share = par[q], par[q + 1], par[q + 2]"]
        for n, made in enumerate(self.declared):
            lines.append(f"p{n} = Params{n}({', '.join(f'par[q + {at + k}]' for k in range(len(made.params)))})")
            at += len(made.params)
            lines.append(f"low{n}, high{n}, soft{n} = par[q + {at}], par[q + {at + 1}], par[q + {at + 2}]")
            at += 3
        for n, trace in (*self.pre, *self.post_traces):
            lines.append(f"table_r{n}_{trace.name} = np.int64(par[q + {at}])")
            at += 1
        for m in self.chain.modulators:
            lines.append(f"{m} = par[q + {at}]")
            at += 1
        return lines + [
            f"slot_0, many, last_0, ring_0 = at[{A_SLOT}], at[{A_N}], at[{A_LAST}], at[{A_RING}]",
            f"sign, frozen, w_shift = np.float64(row[{L_SIGN}]), row[{L_FROZEN}], row[{L_W_SHIFT}]",
            "updates, bounded, bad, lost = np.int64(0), np.int64(0), np.int64(0), np.int64(0)",
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
            lines.append(f"new = scaled(w_, new, rate, low{n}, high{n}, soft{n})")
        lines += [f"bounded += beyond(new, low{n}, high{n})", "bad |= np.int64(new - new != 0.0)"]
        return [*lines, f"w_ = settled(new, low{n}, high{n})"]

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
            lines.append(f"r{n}_{trace.name} = was_r{n}_{trace.name} * decayed(decay, table_r{n}_{trace.name}, gap)")
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
        lines = ["here = max(pre[rec], passed)"] if self.all_rules("between") else []
        return lines + (self.replay_ring(end) if self.has_ring and self.all_rules("on_post") else [])

    def newest(self) -> str:
        """The last spike of target r."""
        return "ring[ring_0 + r * STRIDE]" if self.dendritic else of_last(0)

    def unmet(self) -> str:
        """Whether target r has fired since the synapse was looked at."""
        return f"{self.newest()} >= since - shift" if self.dendritic else f"{self.newest()} >= since"

    def replay_ring(self, end: str) -> list[str]:
        first = self.newest()
        shift = " + shift" if self.dendritic else ""
        before, not_before = [], []
        if self.all_rules("between"):
            before = ["if m < RING:", f"    here = max(here, ring[ring_0 + r * STRIDE + m * {self.ring_width}]{shift})"]
            not_before = ["else:", f"    here = max(here, {first}{shift})"]
        find = [
            "m = np.int64(0)",
            f"while m < RING and ring[ring_0 + r * STRIDE + m * {self.ring_width}] >= {'since - shift' if self.dendritic else 'since'}:",
            "    m += 1",
            *before,
        ]
        if self.dendritic:
            find += [
                "newest = np.int64(0)",
                f"while newest < m and ring[ring_0 + r * STRIDE + newest * {self.ring_width}] >= {end} - shift:",
                "    newest += 1",
            ]
        each = [
            "m -= 1",
            f"entry = ring_0 + r * STRIDE + m * {self.ring_width}",
            "spike = ring[entry] + shift" if self.dendritic else "spike = ring[entry]",
            *self.between("spike"),
            *(f"{x} = ring[entry + {1 + k}]" for k, x in enumerate(self.ring_before)),
        ]
        if self.pre:
            each.append("gap = np.int64(spike - pre[rec])")
        each += [f"r{n}_{t.name} = left_r{n}_{t.name} * decayed(decay, table_r{n}_{t.name}, gap)" for n, t in self.pre]
        each += [*self.all_rules("on_post"), "updates += 1"]
        stop = "newest" if self.dendritic else "0"
        return [f"if {self.unmet()}:", *indent([*find, f"while m > {stop}:", *indent(each)]), *not_before]

    def load_synapse(self) -> list[str]:
        """Weight and state of synapse k into names; cut ones are passed over."""
        lines = ["r = np.int64(slot[k]) - slot_0", "stored = np.float64(w[k - w_shift])"]
        lines += ["if math.copysign(1.0, stored) != sign:", "    continue", "w_ = abs(stored)"]
        if self.state:
            lines.append(f"y = row[{L_STATE}] + (k - row[{L_SYN}]) * {len(self.state)}")
        return lines + [f"{x} = np.float64(state[y + {s}])" for s, x in enumerate(self.state)]

    def store_synapse(self) -> list[str]:
        return ["w[k - w_shift] = np.float32(sign * w_)", *(f"state[y + {s}] = np.float32({x})" for s, x in enumerate(self.state))]

    def segment(self) -> list[str]:
        """What the segment s keeps of its source."""
        lines = ["begin, stop = seg[s] >> 16, seg[s + 1] >> 16", f"rec = row[{L_PRE}] + (s - row[{L_SEG}]) * {self.pre_width}"]
        lines += ["since = max(pre[rec], seen)"]
        if self.dendritic:
            lines.append("shift = np.float64(np.int64(2.0 * share * np.float64(seg[s] & 0xFFFF) + 0.5))")
        return lines + [f"left_r{n}_{t.name} = pre[rec + {1 + k}]" for k, (n, t) in enumerate(self.pre)]

    def source_at(self, now: str) -> list[str]:
        """Traces of the source at `now`, in names that begin with at_."""
        lines = [f"behind = np.int64({now} - pre[rec])"] if self.pre else []
        return lines + [f"at_r{n}_{t.name} = left_r{n}_{t.name} * decayed(decay, table_r{n}_{t.name}, behind)" for n, t in self.pre]

    def target_now(self) -> list[str]:
        """Traces and state of the target as an arrival meets them."""
        if not (self.post or self.target):
            return []
        if not self.dendritic:
            return self.decay_target("now")
        base = 1 + len(self.ring_before)
        lines = ["m = np.int64(0)", f"while m < RING and ring[ring_0 + r * STRIDE + m * {self.ring_width}] >= now - shift:", "    m += 1"]
        lines += ["if m == RING:", "    m = np.int64(RING - 1)", "    lost = np.int64(1)", f"entry = ring_0 + r * STRIDE + m * {self.ring_width}"]
        lines += ["gap = np.int64(max(now - shift - max(ring[entry], 0.0), 0.0))"]
        lines += [f"was_{x} = ring[entry + {base + k}]" for k, x in enumerate((*self.post, *self.target))]
        lines += [f"r{n}_{t.name} = was_r{n}_{t.name} * decayed(decay, table_r{n}_{t.name}, gap)" for n, t in self.post_traces]
        return lines + self.drift("gap")

    def transmitted(self) -> list[str]:
        """What the synapse delivers: `transmit` of the last rule that has one."""
        with_one = [n for n, made in enumerate(self.declared) if made.transmit is not None]
        if not with_one:
            return ["sent = w_"]
        n = with_one[-1]
        reads = [x if x.startswith("m_") else f"r{n}_{x}" for x in self.declared[n].reads("transmit")]
        return [f"sent = r{n}_transmit({', '.join(['w_', *reads, f'p{n}'])})", "bad |= np.int64(sent - sent != 0.0)"]

    def deliver(self) -> list[str]:
        return [
            "target = np.int64(slot[k])",
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
        if self.replay("now") and not self.between("now"):
            met = self.in_two(present, meet)
        else:
            met = ["for k in range(begin, stop):", *indent([*present, *meet])]
        still = [*self.load_synapse(), *look, *names, *self.transmitted(), *self.deliver()]
        updates = ["updates += stop - begin"] if on_pre else []
        each = [
            "s = start_of(events[e])",
            *self.segment(),
            *self.source_at("now"),
            "if frozen != 0:",
            *indent(["for k in range(begin, stop):", *indent(still)]),
            "else:",
            *indent([*met, *updates]),
            "pre[rec] = now",
            *(f"pre[rec + {1 + k}] = {self.jumped(n, t, f'at_r{n}_{t.name}')}" for k, (n, t) in enumerate(self.pre)),
        ]
        body = ["now = np.float64(step)", "by = sign * gain", "for e in range(first, end):", *indent(each), *self.told(), "return n_touched"]
        return function("arrive", f"events, first, end, step, acc, gain, touched, n_touched, mark, noting, listed, {WORDS}", [*self.prelude(), *body])

    def in_two(self, present: list[str], meet: list[str]) -> list[str]:
        """Synapses whose targets have fired are found without a branch and met first, then all meet the arrival: the processor cannot guess who."""
        chosen = ["r = np.int64(slot[k]) - slot_0", "listed[found] = k - part", f"found += np.int64({self.unmet()})"]
        each = ["found = np.int64(0)", f"end_part = min(part + {PART}, stop)", "for k in range(part, end_part):", *indent(chosen)]
        each += ["for index in range(found):", *indent(["k = part + np.int64(listed[index])", *present, *self.store_synapse()])]
        each += ["for k in range(part, end_part):", *indent([*self.load_synapse(), *meet])]
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
            *indent([*self.segment(), "for k in range(begin, stop):", *indent(synapse)]),
        ]
        lines = ["if frozen != 0:", "    return 0", "now = np.float64(step)", f"for i in range(row[{L_ROWS}]):", *indent(each)]
        lines += [*self.told(), "return 0"]
        return function("bring", f"row_seg, blocks, b, step, passing, {WORDS}", [*self.prelude(), *lines])

    def fire(self) -> list[str]:
        """Kernel of targets that have fired: 1 if the block has to be brought up to date first, else 0."""
        names = [*self.post, *self.target]
        look = [
            f"oldest = seen - np.float64(np.int64(2.0 * share * np.float64(row[{L_MAX_DELAY}]) + 0.5))",
            "for q in range(first, end):",
            *indent([f"if ring[ring_0 + np.int64(fired[q]) * STRIDE + {(RING - 2) * self.ring_width}] >= oldest:", "    return 1"]),
        ]
        each = ["r = np.int64(fired[q])", *self.decay_target("now")]
        after = [self.jumped(n, t, f"r{n}_{t.name}") for n, t in self.post_traces]
        if self.has_ring:
            each += [
                "entry = ring_0 + r * STRIDE",
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
        lines = ["now = np.float64(step)", *(look if self.has_ring else []), "for q in range(first, end):", *indent(each), "return 0"]
        return function("fire", f"fired, first, end, step, {WORDS}", [*self.prelude(), *lines])

    def told(self) -> list[str]:
        return [f"count[{N_UPDATES}] += updates", f"count[{N_BOUNDED}] += bounded", f"count[{N_BAD}] |= bad", f"count[{N_LOST}] |= lost"]

    def whole(self) -> str:
        """Text of the module."""
        rules = ", ".join(f"{made.name} {made.digest}" for made in self.declared)
        kind = "part of the delay dendritic" if self.dendritic else "delays axonal"
        constants = f"STRIDE, RING = {RING * self.ring_width}, {RING}"
        parts = [f'"""Generated kernels: rules {rules}; {kind}."""\n', constants, "", *self.arrive(), "", *self.bring(), "", *self.fire()]
        return "\n".join(parts) + "\n"


def of_last(k: int) -> str:
    """Number k of what target r keeps of its last spike."""
    return "last[last_0 + r]" if k == 0 else f"last[last_0 + {k} * many + r]"


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
        names |= {"scaled": inlined(scaled), "settled": inlined(settled), "beyond": inlined(beyond)}
        for n, made in enumerate(chain.declared):
            names[f"Params{n}"] = made.cls
            for kind in ("on_pre", "on_post", "between", "transmit", "target_spike", "target_between"):
                if getattr(made, kind) is not None:
                    names[f"r{n}_{kind}"] = compiled_scalar(getattr(made, kind), inlined)
        module = load(f"rule_{'_'.join(made.name for made in chain.declared)}", text.whole(), names)
        self.arrive = pointer(ARRIVE, module.arrive)
        self.bring = pointer(BRING, module.bring)
        self.fire = pointer(FIRE, module.fire)


_made: dict[tuple[Any, ...], Kernels] = {}


def make_plastic(chain: Any) -> Kernels:
    """The kernels of a chain of rules: compiled once a machine, whatever the parameters (but a dendritic share of 0)."""
    key = (*((made.name, made.digest) for made in chain.declared), chain.dendritic > 0.0)
    if key not in _made:
        _made[key] = Kernels(chain)
    return _made[key]
