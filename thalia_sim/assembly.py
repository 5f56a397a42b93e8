"""From a description to the arrays and tasks of the compiled loop (`kernels.loop.Arrays`). Runs once, when a Simulation is built."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .distributions import Distribution
from .errors import DescriptionError, SimulationError
from .kernels import loop
from .kernels.blocks import Geom, make_block
from .kernels.drives import (
    DENSE_TILE,
    D_BINS,
    D_BIN_STEPS,
    D_CDF,
    D_DRAWS,
    D_FIRST,
    D_LIST,
    D_N_BINS,
    D_RATE,
    D_REL,
    D_TARGETS,
    D_W,
    D_WIDTH,
    D_WS,
    MOST,
    TILE,
    base_current,
    make_current,
    make_drive,
    ornstein_uhlenbeck,
    poisson_cdf,
    poisson_dense,
    poisson_each,
    poisson_source,
    poisson_sparse,
    spike_array,
)
from .kernels.rng import stream_key
from .kernels.rows import MAX_GROUPS, make_rows
from .layout import Layout, Piece
from .neurons.contract import model_of, scalar_parameters
from .rows import Rows
from .sources import DC, OrnsteinUhlenbeck, Poisson, StepCurrent, TimedArray
from .sources.spikes import on_grid

DENSE_FROM = 0.02  # expected events of a target in a step from which a drive draws a count in every step
LOG = 1 << 20  # spikes kept between two looks of Python
CHECK_MS = 10.0  # window in which a state that is not finite is found


class Store:
    """A flat array that grows while things are placed in it."""

    def __init__(self, dtype: Any) -> None:
        self.dtype, self.parts, self.n = np.dtype(dtype), [], 0  # type: ignore[var-annotated]

    def place(self, values: Any) -> int:
        """Append values; returns where they begin."""
        values = np.ascontiguousarray(values, dtype=self.dtype).ravel()
        first, self.n = self.n, self.n + len(values)
        self.parts.append(values)
        return first

    def array(self) -> NDArray[Any]:
        joined = np.concatenate(self.parts) if self.parts else np.zeros(0, self.dtype)
        self.parts = [joined]
        return joined


class Place:
    """Where the arrays of one population lie."""

    def __init__(self) -> None:
        self.state = self.held = self.anchor = self.base = self.par = 0
        self.per_element = False
        self.tasks: list[int] = []  # of its pieces, in order
        self.timed = False  # has a current that changes at every step
        self.busy = False  # has a drive that acts on its targets at every step


class DrivePlace:
    """Where the numbers of one drive lie: for reading and writing it later."""

    def __init__(self, drive: Any) -> None:
        self.drive = drive
        self.tasks: list[int] = []
        self.clocks: list[tuple[int, int]] = []  # (start in held, tiles) of sparse processes


class Assembly:
    """Tasks, state and parameters of a network, ready to become `Arrays`."""

    def __init__(self, net: Any, layout: Layout, rows: Rows, precision: str, workers: int) -> None:
        self.net, self.layout, self.rows, self.precision, self.workers = net, layout, rows, precision, workers
        self.state, self.held, self.par, self.tab = (Store(d) for d in (np.float64 if precision == "double" else np.float32, float, float, np.uint8))
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
        self.all_drives()
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
            for field in model.state_fields:
                if field not in model.held:
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
            columns = [0] * 10
            columns[loop.T_KIND], columns[loop.T_PIECE], columns[loop.T_ON] = loop.EMITTER, index, 1
            columns[loop.T_SPARSE] = columns[loop.T_CENSUS] = columns[loop.T_READ] = -1
            key = stream_key(self.net.noise_seed, "noise", population.name)
            acc = int(self.block_acc[piece.block]) + piece.slot
            geom = Geom(
                n=population.n, state=place.state, held=place.held, lo=piece.lo, count=piece.n, acc=acc, stride=piece.n, par=place.par,
                anchor=place.anchor, more=piece.n * len(model.receptors),
            )  # fmt: skip
            self.capacity[index] = piece.n
            if model.kind == "source":
                geom, columns[loop.T_KERNEL] = self.source(population, index)
            else:
                kernels = make_block(model, type(model.derive(one_element(population.model), self.net.dt)), place.per_element, self.precision)
                columns[loop.T_KERNEL] = self.kernel(kernels.dense)
                columns[loop.T_FIELDS] = len(model.state_fields) - len(model.held)
                columns[loop.T_HELD_FIELDS] = len(model.held)
                if model.sleeps and piece.n > 0:
                    columns[loop.T_SPARSE], columns[loop.T_CENSUS], columns[loop.T_READ] = map(self.kernel, kernels[1:])
                    columns[loop.T_MAY_SLEEP] = int(not place.timed and not place.busy)
            place.tasks.append(len(self.tasks))
            self.tasks.append((piece.block, columns, geom, key))

    def source(self, population: Any, index: int) -> tuple[Geom, int]:
        """Geometry and kernel of a population that only sends spikes."""
        source = population.model
        if hasattr(source, "spikes"):
            steps, ids = on_grid(source.spikes(), population.n, self.net.dt, population.name)
            par = self.par.place(np.concatenate([[len(steps)], steps, ids]))
            most = int(np.bincount(np.unique(steps, return_inverse=True)[1]).max(initial=0)) if len(steps) else 0
            self.capacity[index] = max(most, 1)
            geom = Geom(n=population.n, count=population.n, par=par, extra=self.held.place([0.0]))
            return geom, self.kernel(make_drive(spike_array, self.precision))
        head, largest = self.rate_head(source.rate, population.n, population.name)
        par = self.par.place(head)
        tiles = math.ceil(population.n / TILE)
        clock = self.held.place(np.tile([0.0, -1.0], tiles))
        place = self.drives[population.name] = DrivePlace(population)
        place.clocks.append((clock, tiles))
        self.capacity[index] = math.ceil(population.n * largest + 20 * math.sqrt(population.n * largest)) + 64
        geom = Geom(n=population.n, count=population.n, par=par, extra=clock, first=0, end=population.n)
        return geom, self.kernel(make_drive(poisson_source, self.precision))

    # drives

    def all_drives(self) -> None:
        """Tasks of drives and currents, which come before the populations of their block."""
        for population in self.net.populations.values():
            if self.places[population.name].timed:
                self.base_currents(population)
        for drive in self.net.drives.values():
            self.drives[drive.name] = DrivePlace(drive)
            parts = sorted_parts(drive.target)
            weights = None if is_current(drive.source) else drive_weights(self.net, drive)
            for number, (population, index, columns) in enumerate(parts):
                if len(index) == 0:
                    continue
                name = drive.name if len(parts) == 1 else f"{drive.name}/{number}"
                if isinstance(drive.source, Poisson):
                    self.poisson(drive, name, population, index, columns, weights)
                elif isinstance(drive.source, DC):
                    self.dc(population, index, drive.source.amplitude, columns, drive.name)
                elif isinstance(drive.source, OrnsteinUhlenbeck) or hasattr(drive.source, "__current__"):
                    self.current(drive, name, population, index)
                elif not isinstance(drive.source, StepCurrent):
                    raise DescriptionError(f"drive {drive.name} is {type(drive.source).__name__}: declare it with @current, or use a built-in one")

    def add_task(self, place: DrivePlace | None, piece: Piece, kernel: int, geom: Geom, name: str) -> None:
        columns = [0] * 10
        columns[loop.T_KIND], columns[loop.T_KERNEL], columns[loop.T_ON] = loop.DRIVE, kernel, 1
        if place is not None:
            place.tasks.append(len(self.tasks))
        self.tasks.append((piece.block, columns, geom, stream_key(self.net.noise_seed, "drive", name)))

    def base_currents(self, population: Any) -> None:
        place = self.places[population.name]
        kernel = self.kernel(make_drive(base_current, self.precision))
        for piece in self.layout.pieces_of(population):
            if piece.n:
                geom = Geom(n=population.n, held=self.i_ext(population), lo=piece.lo, count=piece.n, extra=place.base)
                self.add_task(None, piece, kernel, geom, "base")

    def i_ext(self, population: Any) -> int:
        """Place of a population's external current in `held`."""
        model = model_of(population.model)
        if "i_ext" not in model.held:
            raise DescriptionError(f"population {population.name} ({model.name}) has no held state i_ext: it takes no currents")
        return self.places[population.name].held + model.held.index("i_ext") * population.n

    def dc(self, population: Any, index: NDArray[Any], amplitude: Any, columns: NDArray[Any], name: str) -> None:
        """Add a constant current to what is held."""
        held = self.held.array()
        values = np.asarray(amplitude, dtype=float)
        if not np.isfinite(values).all():
            raise DescriptionError(f"amplitude of drive {name} is {amplitude!r}: give finite pA")
        add = values if values.ndim == 0 else values[columns]
        held[self.i_ext(population) + index] += add
        if self.places[population.name].timed:
            held[self.places[population.name].base + index] += add

    def current(self, drive: Any, name: str, population: Any, index: NDArray[Any]) -> None:
        """A current that changes at every step."""
        head = np.zeros(D_WIDTH)
        head[D_TARGETS], head[D_FIRST] = len(index), index[0]
        noisy = isinstance(drive.source, OrnsteinUhlenbeck)
        if noisy:
            mean, sd, tau = drive.source
            if not tau > 0 or sd < 0:
                raise DescriptionError(f"drive {drive.name} has tau {tau!r} ms and sd {sd!r} pA: tau must be positive, sd at least 0")
            decay = math.exp(-self.net.dt / tau)
            extra = [mean, decay, sd * math.sqrt(-math.expm1(-2.0 * self.net.dt / tau))]
            kernel = self.kernel(make_drive(ornstein_uhlenbeck, self.precision))
        else:
            extra = [float(x) for x in drive.source]
            head[D_BIN_STEPS] = self.net.dt
            kernel = self.kernel(make_current(type(drive.source).__current__, self.precision))
        par = self.place_list(np.concatenate([head, extra]), index)
        for piece, first, end in self.overlaps(population, index):
            state = self.held.place(np.zeros(end - first)) if noisy else 0
            geom = Geom(n=population.n, held=self.i_ext(population), lo=piece.lo, count=piece.n, par=par, extra=state, first=first, end=end)
            self.add_task(self.drives[drive.name], piece, kernel, geom, name)

    def place_list(self, head: NDArray[Any], index: NDArray[Any]) -> int:
        """Place a drive's numbers, with the list of its targets if they are not consecutive."""
        if len(index) and index[-1] - index[0] != len(index) - 1:
            head[D_LIST] = self.par.place(index)
        return self.par.place(head)

    def overlaps(self, population: Any, index: NDArray[Any]) -> list[tuple[Piece, int, int]]:
        """(piece, first, end) for each piece that holds targets index[first:end]; index is ascending."""
        found = []
        for piece in self.layout.pieces_of(population):
            first, end = np.searchsorted(index, [piece.lo, piece.lo + piece.n])
            if end > first:
                found.append((piece, int(first), int(end)))
        return found

    def rate_head(self, rate: Any, n: int, name: str) -> tuple[NDArray[Any], float]:
        """Head of a sparse Poisson process and its largest expected number of events of a train in a step."""
        head = np.zeros(D_WIDTH)
        head[D_TARGETS], head[D_BIN_STEPS], head[D_DRAWS] = n, 1.0, 1.0
        per_step = self.net.dt * 1e-3
        if isinstance(rate, TimedArray):
            check_rate(rate.values, name)
            largest = float(rate.values.max())
            head[D_BINS] = self.par.place(rate.values / largest if largest > 0 else rate.values)
            head[D_N_BINS], head[D_BIN_STEPS] = len(rate.values), rate.bins(self.net.dt)
        else:
            values = np.asarray(rate, dtype=float)
            check_rate(values, name)
            largest = float(values.max(initial=0.0))
            if values.ndim:
                if values.shape != (n,):
                    raise DescriptionError(f"rate of {name} has shape {list(values.shape)} for {n} trains: give one value a train")
                head[D_REL] = self.par.place(values / largest if largest > 0 else values)
        head[D_RATE] = largest * per_step
        return head, largest * per_step

    def poisson(self, drive: Any, name: str, population: Any, index: NDArray[Any], columns: NDArray[Any], weights: Any) -> None:
        """An independent train for each target: by intervals where events are few, by a count a step where they are many."""
        rate = drive.source.rate
        if not isinstance(rate, TimedArray) and np.ndim(rate) == 1:
            rate = np.asarray(rate, dtype=float)[columns]
        head, largest = self.rate_head(rate, len(index), f"drive {drive.name}")
        head[D_FIRST] = index[0]
        if np.ndim(weights):
            head[D_WS] = self.par.place(weights[columns])
        else:
            head[D_W] = weights
        head[D_DRAWS] = max(1, math.ceil(largest / MOST))
        dense = largest >= DENSE_FROM
        self.places[population.name].busy |= dense
        if not dense:
            kernel = poisson_sparse
        elif head[D_REL] > 0:
            kernel = poisson_each
        else:
            kernel = poisson_dense
            self.distributions(head, rate, largest)
        par = self.place_list(head, index)
        number = self.kernel(make_drive(kernel, self.precision))
        receptor = model_of(population.model).receptors.index(drive.receptor)
        for piece, first, end in self.overlaps(population, index):
            clock = 0
            if not dense:
                tiles = math.ceil(end / TILE) - first // TILE
                clock = self.held.place(np.tile([0.0, -1.0], tiles))
                self.drives[drive.name].clocks.append((clock, tiles))
            slot = piece.slot + receptor * piece.n
            geom = Geom(
                n=population.n, lo=piece.lo, count=piece.n, acc=int(self.block_acc[piece.block]) + slot, par=par, extra=clock,
                more=slot, first=first, end=end,
            )  # fmt: skip
            self.add_task(self.drives[drive.name], piece, number, geom, name)

    def distributions(self, head: NDArray[Any], rate: Any, largest: float) -> None:
        """Distribution functions of a dense drive: one, or one for each different value of a rate that changes in time."""
        means = np.array([largest])
        if isinstance(rate, TimedArray):
            values, which = np.unique(rate.values, return_inverse=True)
            head[D_BINS] = self.par.place(which)
            means = values * self.net.dt * 1e-3
        head[D_CDF] = self.par.place(np.concatenate([poisson_cdf(mean / head[D_DRAWS]) for mean in means]))

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
        groups, group_w, pop_group, self.group_order = group_table(self.net, rows, blocks)
        longest, shortest = delay_range(rows)
        window = shortest
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
        return loop.Arrays(
            state=self.state.array(),
            held=self.held.array(),
            acc=np.zeros(slots),
            par=self.par.array(),
            tab=np.zeros(1, np.uint8),
            geom=np.array([self.tasks[t][2] for t in order], dtype=np.int64).reshape(-1, len(Geom._fields)),
            key=np.array([self.tasks[t][3] for t in order], dtype=np.uint64),
            task=np.array([self.tasks[t][1] for t in order], dtype=np.int64).reshape(-1, 10),
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
            sampler=np.zeros((0, 8), np.int64),
            sample_index=np.zeros(0, np.int32),
            sample=np.zeros(0),
            flags=np.zeros((self.workers, max(scratch, 6 * DENSE_TILE)), np.uint8),
            scratch=np.zeros((self.workers, scratch), np.int32),
            temp=np.zeros((self.workers, 1)),
            phase=np.zeros(5, np.int64),
            bad=np.full((2, blocks), -1, np.int64),
            meeting=np.zeros(1, np.int64),
            window=np.array([window], np.int64),
            kernels=np.array([k.address for k in self.kernels], dtype=np.int64),
            rows=np.array([k.address for k in make_rows()], dtype=np.int64),
            check=np.array([max(1, round(CHECK_MS / self.net.dt))], np.int64),
        )


def group_table(net: Any, rows: Rows, blocks: int) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], list[int]]:
    """(group, group_w, pop_group) of the loop in the order of their source populations, and the numbers of the groups in that order."""
    if len(rows.groups) > MAX_GROUPS:
        raise SimulationError(f"{len(rows.groups)} groups of projections: at most {MAX_GROUPS}, merge projections that share a source")
    names = {name: k for k, name in enumerate(net.populations)}
    order = sorted(range(len(rows.groups)), key=lambda k: names[rows.groups[k].source.name])
    of_pop = np.array([names[rows.groups[k].source.name] for k in order], dtype=np.int64)
    table, w = np.zeros((len(order), 4), np.int64), np.ones((len(order), 2))
    for k, g in enumerate(rows.groups[k] for k in order):
        first, end = g.first_row * blocks, (g.first_row + g.n_rows) * blocks
        most = int(np.diff(rows.row_seg[first : end + 1].view(np.int64)).max(initial=0))
        table[k] = g.first_row, int(g.uniform), g.w_shift, most
        gains = {1.0 if p.gain is None else float(p.gain) for p in g.projections}
        w[k] = float(g.w_uniform), gains.pop()
    return table, w, np.searchsorted(of_pop, np.arange(len(names) + 1)).astype(np.int64), order


def delay_range(rows: Rows) -> tuple[int, int]:
    """(longest, shortest) delay in steps; a network without synapses has windows of 16 steps."""
    if len(rows.seg) <= 1:
        return 16, 16
    delays = rows.seg[:-1] & np.uint64(0xFFFF)
    return int(delays.max()), int(delays.min())


def is_current(source: Any) -> bool:
    return not isinstance(source, Poisson)


def is_timed(drive: Any) -> bool:
    """Whether a drive is a current that changes at every step."""
    return is_current(drive.source) and not isinstance(drive.source, (DC, StepCurrent))


def check_rate(values: NDArray[Any], name: str) -> None:
    if not np.isfinite(values).all() or (values < 0).any():
        worst = values[~np.isfinite(values) | (values < 0)].ravel()[0] if values.ndim else values
        raise DescriptionError(f"rate of {name} is {float(worst)!r} Hz: must be finite and at least 0")


def sorted_parts(target: Any) -> list[tuple[Any, NDArray[np.int64], NDArray[np.int64]]]:
    """(population, ascending indices, their columns in the selection) of each part."""
    found, begin = [], 0
    for population, index in target.parts:
        numbers = np.asarray(index, dtype=np.int64)
        order = np.argsort(numbers, kind="stable")
        found.append((population, numbers[order], begin + order))
        begin += len(numbers)
    return found


def drive_weights(net: Any, drive: Any) -> Any:
    """Weight of an event of a drive: a number, or one value a target [n]."""
    if isinstance(drive.w, Distribution):
        return drive.w.draw(stream_key(net.wiring_seed, "weights", drive.name), len(drive.target))
    return drive.w


def initial_values(net: Any, population: Any, field: str) -> NDArray[np.float64]:
    """Start values of a state field, [n]."""
    value = population.initial.get(field)
    if value is None:
        value = model_of(population.model).start_value(field, population.model)
    if isinstance(value, Distribution):
        return value.draw(stream_key(net.initial_seed, "initial", f"{population.name}.{field}"), population.n)
    return np.broadcast_to(np.asarray(value, dtype=float), (population.n,)).copy()


def one_element(p: Any) -> Any:
    """The parameters of one element, as a tuple of numbers."""
    return type(p)(*(float(np.ravel(x)[0]) if np.size(x) else 0.0 for x in p))


def parameter_rows(p: Any, n: int, dt: float, name: str) -> NDArray[np.float64]:
    """Parameters, then constants of a step: [k], or [k, n] where a parameter differs between elements."""
    derive = model_of(p).derive
    try:
        if scalar_parameters(p):
            flat = type(p)(*map(float, p))
            return np.array([*flat, *derive(flat, dt)], dtype=np.float64)
        columns = np.array([np.broadcast_to(np.asarray(x, dtype=np.float64), (n,)) for x in p])
        different, which = np.unique(columns, axis=1, return_inverse=True)
        made = np.array([[*row, *derive(type(p)(*map(float, row)), dt)] for row in different.T], dtype=np.float64)
        return made[which.ravel()].T.copy() if n else np.zeros((len(columns), 0))
    except (ArithmeticError, ValueError) as error:
        raise DescriptionError(f"parameters of population {name} ({p!r}) have no step of {dt:g} ms ({error}): check their values") from error


