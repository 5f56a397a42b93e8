"""Synapses that go and come while a simulation runs.

All synapses lie in one array, those of a group of rows together, those of a segment (one source, block and delay) in it. Taking some away moves the
ones behind them; new ones open segments of their own, so that they begin without a past: no trace of their source, no spike in flight. Segments
that are empty and to which no spike is on its way are taken out. What names a place is renumbered: segments, groups, records of rules, and the
spikes in flight.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .errors import SimulationError
from .kernels import loop
from .kernels import plastic as k
from .kernels.rows import GROUP_SHIFT, LENGTH_MASK, LENGTH_SHIFT, START_MASK
from .rows import Group

if TYPE_CHECKING:
    from .simulation import Simulation

LONGEST_SEGMENT = int(LENGTH_MASK)


class New(NamedTuple):
    """Synapses that are to be made in one group."""

    row: NDArray[np.int64]  # [n] row within the group
    key: NDArray[np.int64]  # [n] block << 16 | slot of the target
    steps: NDArray[np.int64]  # [n] delay
    w: NDArray[np.float32]  # [n]


NOTHING = New(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.float32))


def segments_of(sim: Simulation, group: Group) -> tuple[int, int]:
    """(first, end) of the segments of a group."""
    blocks = sim.layout.n_blocks
    first, end = (int(sim.a.row_seg[r * blocks]) for r in (group.first_row, group.first_row + group.n_rows))
    return first, end


def change(sim: Simulation, index: int, lost: NDArray[np.int64], new: New = NOTHING) -> None:
    """Take synapses (places counted from the group's first) out of group `index` of the rows, and put new ones in.

    The group must have rules, and its synapses must have been brought up to the present.
    """
    group, a = sim.rows.groups[index], sim.a
    before = sim.in_flight()
    number = sim.group_number(index)
    blocks, (first_seg, end_seg) = sim.layout.n_blocks, segments_of(sim, group)
    seg = a.seg[first_seg : end_seg + 1] >> 16
    owner = np.repeat(np.arange(end_seg - first_seg), np.diff(seg))  # [n] segment of each synapse
    keep = np.ones(group.n_syn, dtype=bool)
    keep[lost] = False
    # segments: those there are, and those that new synapses open
    cell = np.repeat(np.arange(group.n_rows * blocks), np.diff(a.row_seg[group.first_row * blocks : (group.first_row + group.n_rows) * blocks + 1]))
    have = cell << 16 | a.seg[first_seg:end_seg] & 0xFFFF  # [segments], not unique: a long one is cut
    wanted = (new.row * blocks + (new.key >> 16)) << 16 | new.steps
    opened = np.unique(wanted)  # new synapses share no segment with old ones: they have no past, and nothing is on its way to them
    stays = np.append(np.bincount(owner[keep], minlength=len(have)) > 0, np.ones(len(opened), bool))
    stays[segments_named(sim, number, first_seg, end_seg)] = True
    every = np.concatenate([have, opened])[stays]
    order = np.argsort(every, kind="stable")
    place = np.full(len(stays), -1, np.int64)
    place[np.flatnonzero(stays)[order]] = np.arange(len(every))  # old (then opened) segment -> its new number within the group, -1: it is taken out
    shift = len(every) - len(have)
    sorted_keys = every[order]
    home = place[len(have) + np.searchsorted(opened, wanted)]
    segment = np.concatenate([place[owner[keep]], home])
    arranged = np.argsort(segment, kind="stable")
    counts = np.bincount(segment, minlength=len(every))
    if counts.max(initial=0) > LONGEST_SEGMENT:
        raise SimulationError(f"a segment of {counts.max()} synapses: at most {LONGEST_SEGMENT} of one source, delay and block can be")
    n, many = len(segment), len(segment) - group.n_syn

    def rebuilt(array: NDArray[Any], begin: int, more: NDArray[Any], width: int = 1) -> NDArray[Any]:
        """An array over all synapses with this group's part renewed."""
        part = array[begin : begin + group.n_syn * width].reshape(group.n_syn, width)
        renewed = np.concatenate([part[keep], more.reshape(-1, width)])[arranged]
        return np.concatenate([array[:begin], renewed.ravel(), array[begin + group.n_syn * width :]])

    starts = group.first_syn + np.concatenate([[0], np.cumsum(counts)])
    own = starts[:-1] << 16 | sorted_keys & 0xFFFF
    behind = a.seg[end_seg:] + (many << 16)
    changed = {
        "seg": np.concatenate([a.seg[:first_seg], own, behind]),
        "slot": rebuilt(a.slot, group.first_syn, (new.key & 0xFFFF).astype(np.uint16)),
        "w": rebuilt(a.w, group.first_syn - group.w_shift, new.w),
        "row_seg": a.row_seg.copy(),
        "group": a.group.copy(),
    }
    per_cell = np.bincount(sorted_keys >> 16, minlength=group.n_rows * blocks)
    rows = slice(group.first_row * blocks, (group.first_row + group.n_rows) * blocks)
    changed["row_seg"][rows] = first_seg + np.concatenate([[0], np.cumsum(per_cell)[:-1]])
    changed["row_seg"][rows.stop :] += shift
    changed["group"][number, loop.R_MAX_SEGMENTS] = int(per_cell.max(initial=0))
    kept, changed["plastic"] = records_of(sim, number, group, place, len(opened), rebuilt, len(new.row))
    changed["plastic"][number, k.L_MAX_DELAY] = max(int(a.plastic[number, k.L_MAX_DELAY]), int(new.steps.max(initial=0)))
    renumber_events(sim, number, group, place, range(first_seg, end_seg), shift, many, changed["seg"])
    groups = [moved(g, group, many) for g in sim.rows.groups]
    groups[index] = replace(group, n_syn=n)
    for other, g in ((sim.group_number(at), g) for at, g in enumerate(groups)):
        changed["group"][other, loop.R_W_SHIFT] = g.w_shift
        if a.plastic[other, k.L_ARRIVE]:
            changed["plastic"][other, [k.L_SYN, k.L_W_SHIFT]] = g.first_syn, g.w_shift
            changed["plastic"][other, k.L_SEG] += shift if g.first_row > group.first_row else 0
    sim.records = sim.records._replace(**kept)
    take_over(sim, changed, groups, before)


def segments_named(sim: Simulation, number: int, first: int, end: int) -> NDArray[np.int64]:
    """Segments of a group (counted from its first) that spikes in flight name, or words of the calendar that are no longer in use."""
    words = sim.a.chunk
    start = (words & START_MASK).astype(np.int64)
    mine = (words >> GROUP_SHIFT == np.uint64(number)) & (start >= first) & (start < end)
    return np.unique(start[mine]) - first


def moved(other: Group, group: Group, many: int) -> Group:
    """Another group when `group` has `many` synapses more."""
    first = other.first_syn + (many if other.first_row > group.first_row else 0)
    if other.uniform:
        return replace(other, first_syn=first)
    at, begin = other.first_syn - other.w_shift, group.first_syn - group.w_shift
    is_behind = at > begin or (at == begin and group.n_syn == 0)  # an empty group begins where the one behind it does
    return replace(other, first_syn=first, w_shift=first - at - (many if is_behind else 0))


def records_of(
    sim: Simulation, number: int, group: Group, place: NDArray[np.int64], opened: int, rebuilt: Any, n_new: int
) -> tuple[dict[str, NDArray[Any]], NDArray[np.int64]]:
    """The records of segments and synapses, and the table that says where those of each group are."""
    a, have = sim.a, sim.records
    part = next((p for p in sim.parts if p.number == number), None)
    assert part is not None
    width, state = part.kernels.pre_width, part.kernels.state_width
    first = int(a.plastic[number, k.L_PRE])
    old = have.pre[first : first + (len(place) - opened) * width].reshape(-1, width)
    stays = place[: len(old)] >= 0
    pre = np.zeros((int((place >= 0).sum()), width))
    pre[:, 0] = sim.step  # a new segment has no past
    pre[place[: len(old)][stays]] = old[stays]
    start = np.array([part.chain.start_of(n, f) for n, f in part.chain.state], dtype=np.float32)
    found = {"pre": np.concatenate([have.pre[:first], pre.ravel(), have.pre[first + old.size :]])}
    if state:
        found["synapse"] = rebuilt(have.synapse, int(a.plastic[number, k.L_STATE]), np.tile(start, n_new), state)
    grown = {"pre": found["pre"].size - have.pre.size, "synapse": found["synapse"].size - have.synapse.size if state else 0}
    plastic = a.plastic.copy()
    for column, name in ((k.L_PRE, "pre"), (k.L_STATE, "synapse")):
        plastic[number + 1 :, column] += grown[name] * (plastic[number + 1 :, k.L_ARRIVE] != 0)
    return found, plastic


def renumber_events(
    sim: Simulation, number: int, group: Group, place: NDArray[np.int64], segments: range, shift: int, many: int, seg: NDArray[np.int64]
) -> None:
    """Let the spikes in flight name the synapses by their new places; `segments` are the group's old ones."""
    words = sim.a.chunk
    of = (words >> GROUP_SHIFT).astype(np.int64)
    start = (words & START_MASK).astype(np.int64)
    length = (words >> LENGTH_SHIFT & LENGTH_MASK).astype(np.int64)
    plastic = sim.a.plastic[:, k.L_ARRIVE] != 0
    by_segment = plastic[np.minimum(of, len(plastic) - 1)] & (of < len(plastic))
    mine = by_segment & (start >= segments.start) & (start < segments.stop) & (of == number)
    later = by_segment & (start >= segments.stop) & (of != number)
    start[mine] = segments.start + place[start[mine] - segments.start]
    length[mine] = ((seg[start[mine] + 1] >> 16) - (seg[start[mine]] >> 16)) & int(LENGTH_MASK)
    start[later] += shift
    start[~by_segment & (start >= group.first_syn + group.n_syn)] += many
    words[...] = of.astype(np.uint64) << GROUP_SHIFT | length.astype(np.uint64) << LENGTH_SHIFT | start.astype(np.uint64)


def take_over(sim: Simulation, changed: dict[str, NDArray[Any]], groups: list[Group], before: int) -> None:
    """Put the new arrays into the simulation, and count what was in flight to synapses that are gone."""
    sim.a = sim.a._replace(**changed)
    a = sim.a
    sim.rows = sim.rows._replace(row_seg=a.row_seg.view(np.uint64), seg=a.seg.view(np.uint64), slot=a.slot, w=a.w, groups=groups)
    sim.parts = [part._replace(group=groups[sim.group_order[part.number]]) for part in sim.parts]
    sim.weights_version += 1
    sim.structure_version += 1
    difference = sim.in_flight() - before
    a.count[0, loop.C_CANCELLED if difference < 0 else loop.C_PUSHED] += abs(difference)
    for view in sim.views.values():
        vars(view).get("cache", {}).pop("length", None)  # of the array in which its weights lie: it has to look for them again
