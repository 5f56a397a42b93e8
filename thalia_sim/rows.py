"""Building the synapses of a network: all outgoing synapses of a neuron as one row, sorted by target block and delay.

Projections of one source population are merged into groups, so that a spike is one row. A row is cut into segments of equal target block and delay.
The draws are counter-based, so neither the number of threads nor the way the work is cut changes the result.
"""

from __future__ import annotations

import math
import warnings
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .errors import EmptyProjection
from .geometry import distances, shared_space
from .kernels import build as k
from .neurons.contract import model_of
from .pieces import Layout, Plan, piece_of, place_among, plan, receptor_keys, scalar_weight, source_of_rows
from .projection import Projection
from .selection import Population
from .wiring import ByDistance

if TYPE_CHECKING:
    from .network import Network

CHUNK = 1 << 18  # synapses built at once: 10 bytes of scratch each stay in cache
PAIRS_LOOKED_AT = 200_000


@dataclass
class Group:
    """Merged projections of one source population; row r belongs to its element r."""

    projections: list[Projection]
    source: Population
    first_row: int = 0
    n_rows: int = 0
    first_syn: int = 0
    n_syn: int = 0
    uniform: bool = False  # one weight for all synapses, w_uniform, none stored
    w_uniform: np.float32 = np.float32(0)
    w_shift: int = 0  # the weight of synapse k is w[k - w_shift]


class Rows(NamedTuple):
    """All synapses of a network."""

    row_seg: NDArray[np.uint64]  # [n_rows * B + 1] first segment of each row and block
    seg: NDArray[np.uint64]  # [n_seg + 1] first synapse << 16 | delay in steps
    slot: NDArray[np.uint16]  # [n_syn] slot of the target within its block
    w: NDArray[np.float32]  # [synapses of groups that are not uniform]
    groups: list[Group]


class Task(NamedTuple):
    """Rows lo..hi of one group, to be built by one thread."""

    group: Group
    plans: list[Plan]
    pieces: list[k.Piece]
    start: NDArray[np.int64]  # [n_rows + 1] first synapse of each row of the group
    lo: int
    hi: int


def merged(net: Network) -> list[Group]:
    """The groups of a network, in order of their first projection.

    Projections with a rule of their own are not merged, nor two that reach the same receptor of the same population: so the population and receptor
    of a slot tell which projection of a group its synapses belong to, and with that their gain.
    """
    groups: list[Group] = []
    for projection in net.projections.values():
        for population in projection.source.populations:
            candidates = [] if projection.chain is not None else [g for g in groups if g.source is population and can_join(projection, g)]
            if candidates:
                candidates[0].projections.append(projection)
            else:
                groups.append(Group([projection], population, n_rows=population.n))
    for group in groups:
        weights = {scalar_weight(p) for p in group.projections}
        group.uniform = len(weights) == 1 and None not in weights and all(p.chain is None for p in group.projections)
        if group.uniform:
            group.w_uniform = np.float32(weights.pop())
    return groups


def can_join(projection: Projection, group: Group) -> bool:
    """Whether a projection may share the rows of a group."""
    adds = {adds_to_state(p, target) for p in (*group.projections, projection) for target in p.target.populations}
    return len(adds) == 1 and all(p.chain is None and not meet(p, projection) for p in group.projections)


def adds_to_state(projection: Projection, target: Population) -> bool:
    """Whether what arrives through a projection at one of its targets is added to a state field."""
    return projection.receptor in model_of(target.model).adds


def meet(a: Projection, b: Projection) -> bool:
    """Whether two projections reach the same receptor of a population."""
    return a.receptor == b.receptor and bool(set(a.target.populations) & set(b.target.populations))


def build_rows(net: Network, layout: Layout, threads: int = 1) -> Rows:
    """Draw all synapses of a network. Memory at its peak is little more than what is returned."""
    groups = merged(net)
    with ThreadPoolExecutor(max(1, threads)) as pool:
        plans = {name: plan(p, layout, net.wiring_seed, pool, max(1, threads)) for name, p in net.projections.items()}
        for name, one in plans.items():
            if not one.count.any():
                warnings.warn(f"projection {name} has no synapse: check {one.projection.wiring!r}", EmptyProjection, stacklevel=2)
        return built(groups, plans, layout.n_blocks, max(1, threads), pool)


def built(groups: list[Group], plans: dict[str, Plan], n_blocks: int, threads: int, pool: Executor) -> Rows:
    """Number the rows and synapses of the groups, allocate, let the threads fill."""
    prepared = []
    n_rows = n_syn = n_w = 0
    for group in groups:
        pieces = [piece_of(plans[p.name], source_of_rows(plans[p.name], group.source)) for p in group.projections]
        start = np.zeros(group.n_rows + 1, dtype=np.int64)
        for piece in pieces:
            start[1:] += piece.count
        np.cumsum(start, out=start)
        group.first_row, group.first_syn, group.n_syn = n_rows, n_syn, int(start[-1])
        group.w_shift = n_syn - n_w
        n_rows, n_syn, n_w = n_rows + group.n_rows, n_syn + group.n_syn, n_w + (0 if group.uniform else group.n_syn)
        prepared.append((group, [plans[p.name] for p in group.projections], pieces, start))
    rows = Rows(
        np.zeros(n_rows * n_blocks + 1, dtype=np.uint64), np.zeros(1, dtype=np.uint64), np.empty(n_syn, dtype=np.uint16),
        np.empty(n_w, dtype=np.float32), groups,
    )  # fmt: skip
    tasks = [task for one in prepared for task in cut(*one, n_syn, threads)]
    chunks = [chunk for found in pool.map(lambda task: build_task(task, rows, n_blocks), tasks) for chunk in found]
    return rows._replace(seg=joined(chunks, rows.row_seg, n_syn, n_blocks))


def cut(group: Group, plans: list[Plan], pieces: list[k.Piece], start: NDArray[np.int64], n_syn: int, threads: int) -> list[Task]:
    """Cut the rows of a group into tasks of about equal numbers of synapses.

    A task of an in_degree rule draws all targets' sources again and keeps those of its own rows, so its tasks are as large as memory allows.
    """
    limit = CHUNK
    if any(p.in_degree is not None for p in plans):
        limit = max(CHUNK, min(max(1 << 22, n_syn // (12 * threads)), -(-group.n_syn // threads)))
    edges = np.searchsorted(start, np.arange(limit, max(group.n_syn, 1), limit), side="left")
    cuts = np.unique(np.concatenate([[0], edges, [group.n_rows]]))
    return [Task(group, plans, pieces, start, int(a), int(b)) for a, b in zip(cuts[:-1], cuts[1:], strict=True)]


class Chunk(NamedTuple):
    """What a built chunk leaves to be joined: its segments, and which entries of row_seg count from its first one."""

    seg: NDArray[np.uint64]
    first: int
    last: int


def build_task(task: Task, rows: Rows, n_blocks: int) -> list[Chunk]:
    """Build the rows of a task, chunk by chunk."""
    pieces = [listed(p, piece, task.lo, task.hi) for p, piece in zip(task.plans, task.pieces, strict=True)]
    begin, end = task.start[task.lo], task.start[task.hi]
    edges = task.lo + np.searchsorted(task.start[task.lo : task.hi + 1], np.arange(begin + CHUNK, end, CHUNK))
    cuts = np.unique(np.concatenate([[task.lo], edges, [task.hi]]))
    return [build_chunk(task, pieces, int(a), int(b), rows, n_blocks) for a, b in zip(cuts[:-1], cuts[1:], strict=True)]


def listed(p: Plan, piece: k.Piece, lo: int, hi: int) -> k.Piece:
    """For in_degree and distance rules: the piece with the targets of rows lo..hi as given ones. Others are returned as they are."""
    if p.in_degree is None and p.rule != k.NEAR:
        return piece
    ends = np.concatenate([[0], np.cumsum(piece.count[lo:hi], dtype=np.int64)])
    given = np.empty(int(ends[-1]), dtype=np.int32)
    if p.in_degree is None:
        k.list_near(piece._replace(row0=lo), ends, given)
        return piece._replace(rule=k.GIVEN, row0=lo, first=ends, given=given)
    row_of_source = np.full(p.n_source, -1, dtype=np.int32)
    there = np.flatnonzero(piece.source >= 0)
    row_of_source[piece.source[there]] = there
    distinct = not p.projection.multapses
    k.transpose_in_degree(
        p.n_target, p.in_degree, p.n_source, distinct, p.own_source, p.key[0], row_of_source, lo, ends[:-1].copy(), given
    )
    return piece._replace(rule=k.GIVEN, row0=lo, first=ends, given=given)


def build_chunk(task: Task, pieces: list[k.Piece], lo: int, hi: int, rows: Rows, n_blocks: int) -> Chunk:
    """Build rows lo..hi of a group into their place."""
    group, start = task.group, task.start[lo : hi + 1] - task.start[lo]
    n, weighted = int(start[-1]), not group.uniform
    key, delay = np.empty(n, dtype=np.uint32), np.empty(n, dtype=np.uint16)
    w = np.empty(n if weighted else 0, dtype=np.float32)
    place = start[:-1].copy()
    for piece in pieces:
        k.fill_piece(piece, lo, place, weighted, key, w, delay)
    first = group.first_syn + int(task.start[lo])
    w_out = rows.w[first - group.w_shift : first - group.w_shift + n] if weighted else rows.w[:0]
    at = (group.first_row + lo) * n_blocks
    last = at + (hi - lo) * n_blocks
    seg = np.empty(n, dtype=np.uint64)
    n_seg = k.sort_rows(start, n_blocks, first, weighted, key, w, delay, rows.slot[first : first + n], w_out, seg, rows.row_seg[at:last])
    return Chunk(seg[:n_seg].copy(), at, last)


def joined(chunks: list[Chunk], row_seg: NDArray[np.uint64], n_syn: int, n_blocks: int) -> NDArray[np.uint64]:
    """All segments in one array, with the sentinel; row_seg then counts over all. Empties the list, to free the parts as it goes."""
    n_seg = sum(len(chunk.seg) for chunk in chunks)
    seg = np.empty(n_seg + 1, dtype=np.uint64)
    done = 0
    chunks.reverse()
    while chunks:
        part, first, last = chunks.pop()
        seg[done : done + len(part)] = part
        row_seg[first:last] += np.uint64(done)
        done += len(part)
    seg[n_seg] = np.uint64(n_syn << 16)
    row_seg[-1] = n_seg
    return seg


def count_synapses(net: Network) -> dict[str, float]:
    """Expected number of synapses of each projection, without drawing them."""
    return {name: expected(p) for name, p in net.projections.items()}


def expected(p: Projection) -> float:
    """Expected number of synapses; of a distance rule from a sample of pairs."""
    n_source, n_target = len(p.source), len(p.target)
    if not isinstance(p.wiring, ByDistance):
        return p.wiring.expected(n_source, n_target, p.n_auto)
    a, b = p.source.positions(), p.target.positions()
    if a is None or b is None or n_source * n_target == 0:
        return 0.0
    rng = np.random.Generator(np.random.Philox(key=1))
    period = shared_space([x.geometry for x in p.source.populations], [x.geometry for x in p.target.populations], p.name)
    pick = min(PAIRS_LOOKED_AT, 20 * n_source * n_target)
    x = distances(a[rng.integers(n_source, size=pick)], b[rng.integers(n_target, size=pick)], period) / p.wiring.length
    chance = p.wiring.p * np.exp(-0.5 * x * x if p.wiring.profile == "gaussian" else -x)
    if p.wiring.max_distance is not None:
        chance = np.where(x * p.wiring.length <= p.wiring.max_distance, chance, 0.0)
    return float(chance.mean()) * n_source * n_target - p.wiring.p * p.n_auto


class Found(NamedTuple):
    """Synapses of one projection as they are stored: numbers within its source and target, delay in steps, place in `slot`."""

    i: NDArray[np.int64]
    j: NDArray[np.int64]
    steps: NDArray[np.int64]
    synapse: NDArray[np.int64]
    weight: NDArray[np.int64]  # place in `w`, or -1 in a uniform group


def found(rows: Rows, layout: Layout, projection: Projection) -> Found:
    """Find the synapses of a projection, group by group."""
    target_of_key = np.full(layout.n_blocks << 16, -1, dtype=np.int32)
    target_of_key[receptor_keys(projection, layout)] = np.arange(len(projection.target), dtype=np.int32)
    parts = []
    for group in rows.groups:
        if projection not in group.projections:
            continue
        where = (rows.row_seg, rows.seg, rows.slot, group.first_row, group.n_rows, layout.n_blocks, target_of_key)
        nothing = np.zeros(0, dtype=np.int64)
        m = k.read_rows(*where, False, nothing, nothing, nothing, nothing)
        row, target, steps, synapse = (np.empty(m, dtype=np.int64) for _ in range(4))
        k.read_rows(*where, True, row, target, steps, synapse)
        source = place_among(group.source.ids(), projection.source.ids()).astype(np.int64)
        weight = np.full(m, -1, dtype=np.int64) if group.uniform else synapse - group.w_shift
        parts.append((source[row], target, steps, synapse, weight))
    if not parts:
        return Found(*(np.zeros(0, dtype=np.int64) for _ in range(5)))
    return Found(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def synapses(
    rows: Rows, layout: Layout, projection: Projection, net: Network
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """(i, j, w, delay in ms) of a projection, as stored. i and j count within its source and target, as in from_arrays."""
    f = found(rows, layout, projection)
    w: NDArray[np.float64] = np.full(len(f.i), math.nan)
    stored = f.weight >= 0
    w[stored] = rows.w[f.weight[stored]]
    for group in rows.groups:
        if projection in group.projections and group.uniform:
            w[(f.synapse >= group.first_syn) & (f.synapse < group.first_syn + group.n_syn)] = group.w_uniform
    return f.i, f.j, w, f.steps * np.float64(net.dt_ns / 1e6)


def weight_index(rows: Rows, layout: Layout, projection: Projection) -> NDArray[np.int64]:
    """Places in rows.w of the weights of a projection, in the order of `synapses`; -1 for synapses of a uniform group, which share w_uniform."""
    return found(rows, layout, projection).weight
