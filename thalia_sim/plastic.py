"""Projections with rules in a running simulation: their tables for the compiled loop, and synapses as they are at this moment.

A synapse is brought up to date when a spike of its source arrives (`kernels.plastic`), so between arrivals its stored weight is of the past. `bring`
makes it of the present and is part of the run: it comes before whatever changes a rule's parameters, modulators, freezing or weights. Reading
(`evaluated`) does the same to a copy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .errors import SimulationError
from .kernels import loop
from .kernels import plastic as k
from .kernels.plastic_text import Kernels, make_plastic
from .layout import Layout
from .neurons.contract import model_of
from .plasticity.chain import Chain, flat
from .rows import Group, Rows

if TYPE_CHECKING:
    from .simulation import Simulation

OWN = 3  # cells of a rule in rule_par behind its parameters: its bounds and their softness


class Part(NamedTuple):
    """A group of rows with rules."""

    number: int  # in the loop's table of groups
    group: Group
    chain: Chain
    kernels: Kernels


class Tables(NamedTuple):
    """Arrays of the loop, by name, and the parts that they describe."""

    arrays: dict[str, NDArray[Any]]
    records: k.Records
    parts: list[Part]


def sign_weights(rows: Rows) -> None:
    """Give freshly drawn weights of projections with rules the sign of their projection, also zeros, within the bounds of the rules."""
    for group in rows.groups:
        (projection, *_) = group.projections
        if projection.chain is not None:
            w = weights_of(rows.w, group)
            w[:] = np.copysign(np.clip(np.abs(w), projection.chain.weakest, projection.chain.strongest), projection.sign)


def weights_of(w: NDArray[np.float32], group: Group) -> NDArray[np.float32]:
    """The part of the array of weights that belongs to a group."""
    first = group.first_syn - group.w_shift
    return w[first : first + group.n_syn]


def tables(layout: Layout, rows: Rows, order: list[int], dt: float) -> Tables:
    """Everything about rules that the loop needs, at step 0; `order` gives the groups as the loop numbers them."""
    blocks = layout.n_blocks
    plastic = np.zeros((len(order), k.L_COLUMNS), np.int64)
    at = np.zeros((len(order) * blocks, k.A_COLUMNS), np.int64)
    room: dict[str, list[NDArray[Any]]] = {name: [] for name in ("rule_par", "decay", "pre", "synapse", "last", "ring")}
    used = dict.fromkeys(room, 0)
    targets: list[tuple[int, int, int, int]] = []  # block, group, piece, number of its element 0
    parts = []

    def place(name: str, values: NDArray[Any]) -> int:
        room[name].append(values.ravel())
        used[name] += values.size
        return used[name] - values.size

    for number, group in enumerate(rows.groups[g] for g in order):
        (projection, *_) = group.projections
        chain = projection.chain
        if chain is None:
            continue
        kernels = make_plastic(chain)
        parts.append(Part(number, group, chain, kernels))
        traces = [*chain.traces("pre"), *chain.traces("post")]
        in_decay = [place("decay", k.decay_table(dt, getattr(chain.rules[n], trace.tau))) for n, trace in traces]
        modulators = dict.fromkeys(chain.modulators, 1.0)
        cells = [int(rows.row_seg[r * blocks]) for r in (group.first_row, group.first_row + group.n_rows)]
        delays = rows.seg[cells[0] : cells[1]] & np.uint64(0xFFFF)
        start = np.array([chain.start_of(n, f) for n, f in chain.state], dtype=np.float32)
        row = plastic[number]
        row[[k.L_ARRIVE, k.L_BRING, k.L_FIRE]] = kernels.arrive.address, kernels.bring.address, kernels.fire.address
        row[[k.L_SEG, k.L_SYN, k.L_W_SHIFT]] = cells[0], group.first_syn, group.w_shift
        row[k.L_PRE] = place("pre", np.zeros((cells[1] - cells[0], kernels.pre_width)))
        row[k.L_STATE] = place("synapse", np.tile(start, group.n_syn))
        row[k.L_PAR] = place("rule_par", flat(chain, dt, in_decay, modulators))
        row[[k.L_SIGN, k.L_FIRST_ROW, k.L_ROWS]] = projection.sign, group.first_row, group.n_rows
        row[k.L_MAX_DELAY] = int(delays.max(initial=0))
        for b in range(blocks):
            aims = aims_of(layout, projection, b)
            first = min((slot for _, slot, _ in aims), default=0)
            n = max((slot + piece.n for piece, slot, _ in aims), default=0) - first
            record, entry = blank_records(chain, kernels)
            places = place("last", np.repeat(record, n)), place("ring", np.tile(np.tile(entry, k.RING), n))
            at[number * blocks + b, [k.A_SLOT, k.A_N, k.A_LAST, k.A_RING]] = first, n, *places
            targets += [(b, number, index, slot - first - piece.lo) for piece, slot, index in aims if piece.n]
    targets.sort(key=lambda row: row[0])
    kept: dict[str, NDArray[Any]] = {
        name: np.concatenate([*found, np.zeros(1, np.float32 if name == "synapse" else np.float64)]) for name, found in room.items()
    }
    counters, listed = np.zeros((len(at), k.N_COLUMNS), np.int64), np.zeros((blocks, k.PART if parts else 0), np.int32)
    records = k.Records(**kept, seen=np.zeros(len(at)), passed=np.zeros(len(at)), plastic_count=counters, listed=listed)
    arrays = {
        "plastic": plastic,
        "plastic_at": at,
        "target": np.array([row[1:] for row in targets], dtype=np.int64).reshape(-1, 3),
        "block_target": np.searchsorted([row[0] for row in targets], np.arange(blocks + 1)).astype(np.int64),
    }
    return Tables(arrays, records, parts)


def aims_of(layout: Layout, projection: Any, b: int) -> list[tuple[Any, int, int]]:
    """(piece, its receptor's first slot, number of the piece) of the targets of a projection in block b."""
    found = []
    for index, piece in enumerate(layout.pieces):
        if piece.block == b and piece.population in projection.target.populations:
            receptor = model_of(piece.population.model).receptors.index(projection.receptor)
            found.append((piece, piece.slot + receptor * piece.n, index))
    return found


def blank_records(chain: Chain, kernels: Kernels) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(record, entry of its ring) of a target that has not fired."""
    start = [0.0 for _ in chain.traces("post")] + [chain.start_of(n, f) for n, f in chain.target]
    entry = np.zeros(kernels.ring_width)
    if kernels.ring_width:
        entry[0] = -np.inf
        if chain.dendritic > 0.0:
            entry[len(entry) - len(start) :] = start
    return np.array([k.NOT_YET, *start]), entry


def write_decays(sim: Simulation) -> None:
    """The decay tables that follow from the parameters in force."""
    for part in sim.parts:
        for (n, trace), at in zip([*part.chain.traces("pre"), *part.chain.traces("post")], table_places(sim, part), strict=True):
            tau = parameter(sim, part, n, trace.tau)
            sim.records.decay[at : at + k.TABLE] = k.decay_table(sim.dt, tau)


def table_places(sim: Simulation, part: Part) -> list[int]:
    """Where the decay tables of a part begin, traces of the source first."""
    first = int(sim.a.plastic[part.number, k.L_PAR]) + 3 + sum(len(p) + OWN for p in part.chain.rules)
    many = len([*part.chain.traces("pre"), *part.chain.traces("post")])
    return [int(x) for x in sim.records.rule_par[first : first + many]]


def place_of_parameter(sim: Simulation, part: Part, n: int, field: str) -> int:
    """Where a parameter of rule n lies in rule_par."""
    rules = part.chain.rules
    first = int(sim.a.plastic[part.number, k.L_PAR]) + 3 + sum(len(p) + OWN for p in rules[:n])
    return first + rules[n]._fields.index(field)


def parameter(sim: Simulation, part: Part, n: int, field: str) -> float:
    """A parameter of rule n, in force."""
    return float(sim.records.rule_par[place_of_parameter(sim, part, n, field)])


def place_of_modulator(sim: Simulation, part: Part, name: str) -> int:
    rules = part.chain.rules
    many = len([*part.chain.traces("pre"), *part.chain.traces("post")])
    return int(sim.a.plastic[part.number, k.L_PAR]) + 3 + sum(len(p) + OWN for p in rules) + many + part.chain.modulators.index(name)


def clip_weights(sim: Simulation, part: Part, low: float, high: float) -> None:
    """Bring the weights of a part within new bounds; cut synapses stay cut."""
    w = weights_of(sim.a.w, part.group)
    alive = np.signbit(w) == (sim.a.plastic[part.number, k.L_SIGN] < 0)
    w[alive] = np.copysign(np.clip(np.abs(w[alive]), low, high), w[alive])


def bring(sim: Simulation, parts: list[Part]) -> None:
    """Bring the synapses of parts up to the present."""
    for part in parts:
        bring_part(sim, part, sim.a, sim.records)
    if parts:
        sim.weights_version += 1
        check(sim)


def bring_part(sim: Simulation, part: Part, a: loop.Arrays, records: k.Records) -> None:
    """Bring the synapses of a part, as they lie in given arrays, up to the present."""
    k.write_addresses(a.plastic, a.plastic_at, records)
    blocks, number = sim.layout.n_blocks, part.number
    for b in range(blocks):
        k.bring_block(a.row_seg, blocks, b, sim.step, 1, a.seg, a.slot, a.w, a.plastic[number], a.plastic_at[number * blocks + b])


def settle_sources(sim: Simulation, part: Part) -> None:
    """Keep the traces of the sources as they are now, so that other time constants act on the future alone. Synapses have been brought before."""
    blocks, group, width = sim.layout.n_blocks, part.group, part.kernels.pre_width
    first_seg, end_seg = (int(sim.a.row_seg[r * blocks]) for r in (group.first_row, group.first_row + group.n_rows))
    first = int(sim.a.plastic[part.number, k.L_PRE])
    kept = sim.records.pre[first : first + (end_seg - first_seg) * width].reshape(-1, width)  # [segments, last arrival and traces]
    gap = (sim.step - kept[:, 0]).astype(np.int64)
    for column, at in enumerate(table_places(sim, part)[: width - 1]):
        kept[:, 1 + column] *= k.shares_left(sim.records.decay[at : at + k.TABLE], gap)
    kept[:, 0] = sim.step


def settle_targets(sim: Simulation, part: Part) -> None:
    """Keep the traces and state of the targets as they are now, like those of the sources. A spike is not noted: it stays in the ring."""
    for b in range(sim.layout.n_blocks):
        first, n = places_of_targets(sim, part, b)
        now = targets_now(sim, part, b)
        sim.records.last[first : first + n] = sim.step + k.NOT_YET
        sim.records.last[first + n : first + n + now.size] = now.ravel()


def places_of_targets(sim: Simulation, part: Part, b: int) -> tuple[int, int]:
    """(where the records of the targets of a part in block b begin, how many there are)."""
    row = sim.a.plastic_at[part.number * sim.layout.n_blocks + b]
    return int(row[k.A_LAST]), int(row[k.A_N])


def targets_now(sim: Simulation, part: Part, b: int) -> NDArray[np.float64]:
    """Traces, then state, of the targets of a part in block b as they are now [traces and fields, targets]."""
    chain, (first, n) = part.chain, places_of_targets(sim, part, b)
    columns = [*((m, t.name) for m, t in chain.traces("post")), *chain.target]
    kept = sim.records.last[first : first + n * (1 + len(columns))].reshape(-1, n)
    gap, now = (sim.step - kept[0]).astype(np.int64), kept[1:].copy()
    tables = table_places(sim, part)[part.kernels.pre_width - 1 :]
    for row, at in zip(now, tables, strict=False):  # traces come first
        row *= k.shares_left(sim.records.decay[at : at + k.TABLE], gap)
    for m, (made, p) in enumerate(zip(chain.declared, chain.rules, strict=True)):
        if made.target_between is not None:
            p = type(p)(*(parameter(sim, part, m, f) for f in p._fields))
            reads, writes = ([columns.index((m, x)) for x in names] for names in (made.reads("target_between"), made.target))
            for target in np.flatnonzero(gap > 0):
                now[writes, target] = made.target_between(*kept[1:][reads, target].tolist(), float(gap[target]), sim.dt, p)
    return now


def evaluated(sim: Simulation, part: Part) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(weights, state [n, fields]) of the synapses of a part as they are now, copies in the order in which they are stored."""
    a, records, group = sim.a, sim.records, part.group
    width = part.kernels.state_width
    first = int(a.plastic[part.number, k.L_STATE])
    w = weights_of(a.w, group).copy()
    state = np.append(records.synapse[first : first + group.n_syn * width], np.float32(0.0))
    plastic = a.plastic.copy()
    plastic[part.number, [k.L_W_SHIFT, k.L_STATE]] = group.first_syn, 0
    changing = {name: getattr(records, name).copy() for name in ("seen", "passed", "plastic_count")}
    bring_part(sim, part, a._replace(w=w, plastic=plastic, plastic_at=a.plastic_at.copy()), records._replace(synapse=state, **changing))
    check_weights(sim, part, w)
    return w, state[:-1].reshape(-1, width) if width else np.zeros((group.n_syn, 0), np.float32)


def check_weights(sim: Simulation, part: Part, w: NDArray[np.float32]) -> None:
    """Refuse weights that are no finite numbers."""
    if not np.isfinite(w).all():
        (projection, *_) = part.group.projections
        reason = "is no finite number" if np.isnan(w).any() else "is too large for single precision"
        raise SimulationError(
            f"a weight of projection {projection.name} {reason} before {sim.t:g} ms: look at the parameters and bounds of its rule {part.chain}"
        )


def check(sim: Simulation) -> None:
    """Refuse to go on where spikes of a target were lost."""
    count = sim.records.plastic_count.reshape(-1, sim.layout.n_blocks, k.N_COLUMNS)
    for part in sim.parts if count[..., k.N_LOST].any() else ():
        (projection, *_) = part.group.projections
        if count[part.number, :, k.N_LOST].any():
            raise SimulationError(
                f"a target of projection {projection.name} fired more than {k.RING} times within twice the dendritic part of a delay before "
                f"{sim.t:g} ms: shorten the delay or lower `dendritic`"
            )
