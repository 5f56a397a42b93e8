"""Writing out the kernels of plastic rows from the rules of a projection (see `plastic` for what they do), and compiling them."""

import inspect
import math
from typing import Any

import numpy as np

from ..errors import DescriptionError
from .jit import inlined, load, pointer, refusal
from .machine import doubles, ints, longs, singles
from .plastic import (
    ARRIVE,
    AT_COUNT,
    AT_DECAY,
    AT_LAST,
    AT_LISTED,
    AT_PAR,
    AT_PASSED,
    AT_PRE,
    AT_RING,
    AT_SEEN,
    AT_STATE,
    A_N,
    A_SLOT,
    BRING,
    FIRE,
    LARGE,
    L_FIRST_ROW,
    L_FROZEN,
    L_MAX_DELAY,
    L_ROWS,
    L_SEG,
    L_SIGN,
    L_SYN,
    L_W_SHIFT,
    N_BOUNDED,
    N_BROUGHT,
    N_COLUMNS,
    N_LOST,
    N_UPDATES,
    PART,
    RING,
    TABLE,
    WORDS,
    beyond,
    decayed,
    held,
    piece,
    scaled,
    scaling,
    settled,
    softened,
    softened_by_power,
)
from .rows import start_of
from .scalar import compiled_scalar

SCANNED = 4  # entries of a ring that are looked at without asking whether the one before was new
ALIVE = "(signs[np.uint64(k)] ^ other >= 0)"  # whether synapse k is not cut


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
        self.interleaved = chain.interleaved
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
        numbers = range(len(self.declared))
        lines.append(f"least, most = {inner('max', 'low', numbers)}, {inner('min', 'high', numbers)}")
        for n, trace in (*self.pre, *self.post_traces):
            lines += [f"h = np.int64(par[{at}])", f"table_r{n}_{trace.name} = decay[h : h + {TABLE}]"]
            at += 1
        for m in self.chain.modulators:
            lines.append(f"{m} = par[{at}]")
            at += 1
        if self.interleaved:
            lines.append("length = piece(dt)")
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
        lines = [self.asked(n, kind, ("new", *(f"new_{f}" for f in made.state)), more)]
        lines += [f"r{n}_{f} = np.float64(np.float32(new_{f}))" for f in made.state]
        lines += self.scaled_change(n, kind)
        return [*lines, "bounded += beyond(new, least, most)", "w_ = settled(new, least, most)"]

    def asked(self, n: int, kind: str, into: tuple[str, ...], more: tuple[str, ...]) -> str:
        """A function of rule n is asked, its answer goes into names."""
        reads = [x if x.startswith("m_") else f"r{n}_{x}" for x in self.declared[n].reads(kind)]
        return f"{', '.join(into)} = r{n}_{kind}({', '.join(['w_', *reads, *more, f'p{n}'])})"

    def scaled_change(self, n: int, kind: str) -> list[str]:
        """The change times the learning rate's factor and the room before a soft bound; what passes with time alone is no learning."""
        how = scaling(self.chain.softness(n) if kind != "between" else 0.0).__name__
        return [f"new = {how}(w_, new, rate, low{n}, high{n}, soft{n})"] if kind != "between" or self.declared[n].state else []

    def all_rules(self, kind: str, more: tuple[str, ...] = ()) -> list[str]:
        return [line for n in range(len(self.declared)) for line in self.call(n, kind, more)]

    def between(self, end: str) -> list[str]:
        """Steps up to `end` without an event, from `here`."""
        alone = [n for n in range(len(self.declared)) if n not in self.interleaved]
        body = [line for n in alone for line in self.call(n, "between", (f"{end} - here", "dt"))] + self.pieces(f"{end} - here")
        return [f"if {end} > here:", *indent(body), f"    here = {end}"] if body else []

    def pieces(self, gap: str) -> list[str]:
        """A gap of rules that move the same weight: piece by piece, half of each in their order, half in the reverse one, rounded at its end."""
        if not self.interleaved:
            return []
        there_and_back = [*self.interleaved, *reversed(self.interleaved)]
        lines = [f"left = {gap}", *(f"hit{n} = np.int64(0)" for n in self.interleaved)]
        for loop, length in (("while left > length:", "length"), ("if left > 0.0:", "left")):
            lines += [loop, *indent([line for n in there_and_back for line in self.half_piece(n, f"0.5 * {length}")]), f"    left -= {length}"]
        lines += ["w_ = np.float64(np.float32(w_))", *(f"bounded += hit{n}" for n in self.interleaved)]
        return lines + [f"r{n}_{f} = np.float64(np.float32(r{n}_{f}))" for n in self.interleaved for f in self.declared[n].state]

    def half_piece(self, n: int, k: str) -> list[str]:
        """k steps under rule n, without rounding."""
        fields = [f"r{n}_{f}" for f in self.declared[n].state]
        lines = [self.asked(n, "between", ("new", *fields), (k, "dt")), *self.scaled_change(n, "between")]
        return [*lines, f"hit{n} |= beyond(new, least, most)", "w_ = held(new, least, most)"]

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


def inner(which: str, name: str, numbers: range) -> str:
    """The innermost of the bounds of several rules."""
    text = f"{name}0"
    for n in numbers[1:]:
        text = f"{which}({text}, {name}{n})"
    return text


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
        names |= {f.__name__: inlined(f) for f in (settled, held, beyond, piece)}
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
