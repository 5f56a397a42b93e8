"""From a description to the arrays and tasks of the compiled loop (`kernels.loop.Arrays`). Runs once, when a Simulation is built."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .driving import Driving, is_timed
from .errors import DescriptionError, SimulationError
from .gains import cell, write_gain
from .kernels import loop
from .kernels.blocks import Geom, form_of, make_block
from .kernels.drives import DENSE_TILE
from .kernels.pages import together
from .kernels.plastic import PLASTIC
from .kernels.rng import stream_key
from .kernels.rows import MAX_GROUPS, W_FIRST, W_UNIFORM, make_rows
from .layout import Layout
from .neurons.contract import constants, model_of, scalar_parameters
from .places import DrivePlace, Place, Store, initial_values, is_bounded, kernel_columns, one_element, parameter_rows, same_held
from .plastic import tables
from .rows import Rows, adds_to_state

LOG = 1 << 20  # spikes kept between two looks of Python
CHECK_MS = 5.0  # between looks for a state that is not finite; the window of steps that ends then may be as long again


class Assembly:
    """Tasks, state and parameters of a network, ready to become `Arrays`."""

    def __init__(self, net: Any, layout: Layout, rows: Rows, precision: str, workers: int) -> None:
        self.net, self.layout, self.rows, self.precision, self.workers = net, layout, rows, precision, workers
        self.state, self.held, self.par = Store(np.float64 if precision == "double" else np.float32), Store(float), Store(float)
        self.par.place([0.0])  # so that a place of 0 can mean "none"
        self.kernels: list[Any] = []
        self.numbers: dict[int, int] = {}
        self.places: dict[str, Place] = {}
        self.drives: dict[str, DrivePlace] = {}
        self.tasks: list[tuple[int, list[int], Geom, np.uint64]] = []  # (block, columns, geom, key)
        self.piece_index = {id(p): k for k, p in enumerate(layout.pieces)}
        self.block_acc = np.concatenate([[0], np.cumsum(layout.block_slots)]).astype(np.int64)
        self.capacity: dict[int, int] = {}
        self.populations()
        self.driving = Driving(self)
        self.driving.all_drives()
        self.emitters()

    def kernel(self, function: Any) -> int:
        """Number of a compiled kernel in the list that the loop calls from."""
        if id(function) not in self.numbers:
            self.numbers[id(function)] = len(self.kernels)
            self.kernels.append(function)
        return self.numbers[id(function)]

    # populations

    def populations(self) -> None:
        """State, held values and parameters of all populations of neurons."""
        timed = {id(p) for d in self.net.drives.values() if is_timed(d) for p in d.target.populations}
        for population in self.net.populations.values():
            place = self.places[population.name] = Place()
            model = model_of(population.model)
            if model.kind != "neuron":
                continue
            place.timed = id(population) in timed
            place.state = self.state.n
            for field in model.stored:
                self.state.place(initial_values(self.net, population, field))
            place.held = self.held.n
            for field in model.held:
                self.held.place(initial_values(self.net, population, field))
            place.anchor = self.held.place(np.zeros(population.n))
            if place.timed:
                if "i_ext" not in model.held:
                    raise DescriptionError(f"population {population.name} ({model.name}) has no held state i_ext: it takes no currents")
                place.base = self.held.place(initial_values(self.net, population, "i_ext"))
            place.per_element = not scalar_parameters(population.model)
            place.par = self.par.place(parameter_rows(population.model, population.n, self.net.dt, population.name))

    def emitters(self) -> None:
        """A task for each piece of each population."""
        for piece in self.layout.pieces:
            population, place = piece.population, self.places[piece.population.name]
            model = model_of(population.model)
            index = self.piece_index[id(piece)]
            columns = [0] * loop.T_COLUMNS
            columns[loop.T_KIND], columns[loop.T_PIECE], columns[loop.T_ON] = loop.EMITTER, index, 1
            columns[loop.T_SPARSE] = columns[loop.T_CENSUS] = columns[loop.T_READ] = columns[loop.T_BOUND] = -1
            key = stream_key(self.net.noise_seed, "noise", population.name)
            acc = int(self.block_acc[piece.block]) + piece.slot
            geom = Geom(
                n=population.n, state=place.state, held=place.held, lo=piece.lo, count=piece.n, acc=acc, stride=piece.n, par=place.par,
                anchor=place.anchor, more=piece.n * len(model.receptors),
            )  # fmt: skip
            self.capacity[index] = piece.n
            if model.kind == "source":
                geom, columns[loop.T_KERNEL] = self.driving.source(population, index)
            else:
                form = form_of(place.per_element, same_held(self.held.array(), place, model, population.n))
                kernels = make_block(model, type(constants(one_element(population.model), self.net.dt)), form, self.precision)
                bounded = is_bounded(population.model)
                place.form = (form, bounded)
                for column, number in kernel_columns(kernels, bounded, self.kernel).items():
                    columns[column] = number
                columns[loop.T_FIELDS] = len(model.stored)
                columns[loop.T_LIVE] = sum(1 << k for k, r in enumerate(model.receptors) if r in model.adds)
                columns[loop.T_HELD_FIELDS] = len(model.held)
                columns[loop.T_MAY_SLEEP] = int(may_sleep(model, place, piece.n))
            place.tasks.append(len(self.tasks))
            self.tasks.append((piece.block, columns, geom, key))

    # the arrays

    def arrays(self) -> loop.Arrays:
        """All arrays of the loop, at step 0."""
        layout, rows = self.layout, self.rows
        blocks, pieces = layout.n_blocks, layout.pieces
        order = sorted(range(len(self.tasks)), key=lambda t: self.tasks[t][0])
        place_of = {t: k for k, t in enumerate(order)}
        everywhere: list[Place | DrivePlace] = [*self.places.values(), *self.drives.values()]
        for place in everywhere:
            place.tasks = [place_of[t] for t in place.tasks]
        blocks_of_tasks = np.array([self.tasks[t][0] for t in order], dtype=np.int64)
        groups, group_w, pop_group, self.group_order = group_table(layout, rows)
        plastic, self.records, self.parts = tables(layout, rows, self.group_order, self.net.dt)
        longest, shortest = delay_range(rows)
        check = max(1, round(CHECK_MS / self.net.dt))
        window = min(shortest, check)
        capacity = np.array([self.capacity[k] for k in range(len(pieces))], dtype=np.int64)
        while window > 1 and window * int(capacity.sum()) > 1 << 26:
            window -= 1
        wheel = 1 << max(1, (longest + window + 1).bit_length())
        room = capacity * window + 64
        todo_room = np.array([p.n * (len(model_of(p.population.model).receptors) + 1) for p in pieces], dtype=np.int64)
        piece_table = np.zeros((len(pieces), 6), np.int64)
        names = {p.name: k for k, p in enumerate(layout.populations)}
        for k, piece in enumerate(pieces):
            piece_table[k] = names[piece.population.name], piece.block, 0, todo_room[k], 0, piece.population.offset
        piece_table[:, loop.P_OUT] = np.concatenate([[0], np.cumsum(room)[:-1]]) if len(pieces) else 0
        piece_table[:, loop.P_TODO] = np.concatenate([[0], np.cumsum(todo_room)[:-1]]) if len(pieces) else 0
        pop_piece = np.searchsorted(piece_table[:, loop.P_POP], np.arange(len(layout.populations) + 1))
        slots = int(self.block_acc[-1])
        scratch = max(4096, 2 * int(layout.block_slots.max(initial=0)), int(capacity.max(initial=0)))
        chunks = wheel + 64
        chunk_next = np.tile(np.append(np.arange(1, chunks, dtype=np.int32), np.int32(-1)), (blocks, 1))
        arrays = loop.Arrays(
            state=self.state.array(),
            held=self.held.array(),
            acc=self.accumulators(slots),
            inbox=np.zeros(slots),
            par=self.par.array(),
            geom=np.array([self.tasks[t][2] for t in order], dtype=np.int64).reshape(-1, len(Geom._fields)),
            key=np.array([self.tasks[t][3] for t in order], dtype=np.uint64),
            task=np.array([self.tasks[t][1] for t in order], dtype=np.int64).reshape(-1, loop.T_COLUMNS),
            block_task=np.searchsorted(blocks_of_tasks, np.arange(blocks + 1)).astype(np.int64),
            block_acc=self.block_acc,
            block_mark=np.zeros(slots, np.uint8),
            touched=np.zeros(slots, np.int32),
            piece=piece_table,
            sleep=np.zeros((len(pieces), 5), np.int64),
            todo=np.zeros(int(todo_room.sum()), np.int32),
            pop_piece=pop_piece.astype(np.int64),
            pop_group=pop_group,
            group=groups,
            group_w=group_w,
            slot_kind=(layout.slot_kinds() + W_FIRST).astype(np.uint16),
            row_seg=rows.row_seg.view(np.int64),
            seg=rows.seg.view(np.int64),
            slot=rows.slot,
            w=rows.w,
            out=np.empty((2, int(room.sum())), np.int32),
            out_first=np.zeros((2, len(pieces), window + 1), np.int64),
            chunk=np.zeros((blocks, chunks * loop.CHUNK), np.uint64),
            chunk_next=chunk_next,
            slot_head=np.full((blocks, wheel), -1, np.int32),
            slot_tail=np.full((blocks, wheel), -1, np.int32),
            slot_fill=np.zeros((blocks, wheel), np.int32),
            free=np.zeros(blocks, np.int32),
            in_flight=np.zeros((2, blocks), np.int64),
            log_step=np.empty(LOG, np.int64),
            log_id=np.empty(LOG, np.int32),
            log_n=np.zeros(1, np.int64),
            count=np.zeros((blocks, 8), np.int64),
            sampler=np.zeros((0, 9), np.int64),
            sample_index=np.zeros(0, np.int32),
            sample=np.zeros(0),
            clamp=np.zeros((0, 5), np.int64),
            clamp_index=np.zeros(0, np.int32),
            clamp_value=np.zeros(0),
            flags=np.zeros((self.workers, max(scratch, 6 * DENSE_TILE)), np.uint8),
            scratch=np.zeros((self.workers, scratch), np.int32),
            temp=np.zeros((self.workers, 1)),
            phase=np.zeros(5, np.int64),
            bad=np.full((2, blocks), -1, np.int64),
            meeting=np.zeros(1, np.int64),
            window=np.array([window], np.int64),
            when=np.array([int((groups[:, loop.R_WHEN] == k).any()) for k in (loop.EARLY, loop.LATE, loop.LATE + 1)], np.int64),
            kernels=np.array([k.address for k in self.kernels], dtype=np.int64),
            rows=np.array([k.address for k in make_rows()], dtype=np.int64),
            check=np.array([check], np.int64),
            **plastic,
        )
        return together(arrays, loop.OF_ROWS)

    def accumulators(self, slots: int) -> NDArray[np.float64]:
        """Slots of all blocks: initial values of state that receptors add to, else 0."""
        acc = np.zeros(slots)
        for population in self.net.populations.values():
            model = model_of(population.model)
            for number, receptor in enumerate(model.receptors):
                if receptor in model.adds:
                    values = initial_values(self.net, population, model.adds[receptor])
                    for piece in self.layout.pieces_of(population):
                        first = int(self.block_acc[piece.block]) + piece.slot + number * piece.n
                        acc[first : first + piece.n] = values[piece.lo : piece.lo + piece.n]
        return acc


def may_sleep(model: Any, place: Place, n: int) -> bool:
    """Whether n neurons of a population are left alone while they cannot fire."""
    return model.sleeps and n > 0 and not place.timed and not place.busy


def group_table(layout: Layout, rows: Rows) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], list[int]]:
    """(group, group_w, pop_group) of the loop in the order of their source populations, and the numbers of the groups in that order."""
    if len(rows.groups) > MAX_GROUPS:
        raise SimulationError(f"{len(rows.groups)} groups of projections: at most {MAX_GROUPS}, merge projections that share a source")
    blocks, names = layout.n_blocks, {p.name: k for k, p in enumerate(layout.populations)}
    order = sorted(range(len(rows.groups)), key=lambda k: names[rows.groups[k].source.name])
    of_pop = np.array([names[rows.groups[k].source.name] for k in order], dtype=np.int64)
    table, w = np.zeros((len(order), 5), np.int64), np.ones((len(order), W_FIRST + layout.n_kinds))
    for k, g in enumerate(rows.groups[k] for k in order):
        first, end = g.first_row * blocks, (g.first_row + g.n_rows) * blocks
        most = int(np.diff(rows.row_seg[first : end + 1].view(np.int64)).max(initial=0))
        when = {adds_to_state(p, target) for p in g.projections for target in p.target.populations}
        kind = PLASTIC if g.projections[0].chain is not None else int(g.uniform)
        table[k] = g.first_row, kind, g.w_shift, most, loop.LATE + 1 if len(when) > 1 else loop.LATE if True in when else loop.EARLY
        w[k, W_UNIFORM] = float(g.w_uniform)
        for projection in g.projections:
            write_gain(table, w, cell(layout, k, g, projection), 1.0 if projection.gain is None else float(projection.gain))
    return table, w, np.searchsorted(of_pop, np.arange(len(names) + 1)).astype(np.int64), order


def delay_range(rows: Rows) -> tuple[int, int]:
    """(longest, shortest) delay in steps; a network without synapses has windows of 16 steps."""
    if len(rows.seg) <= 1:
        return 16, 16
    delays = rows.seg[:-1] & np.uint64(0xFFFF)
    return int(delays.max()), int(delays.min())
