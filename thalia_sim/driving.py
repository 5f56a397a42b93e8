"""Tasks of everything that acts from outside: Poisson drives, currents and populations that only send spikes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .errors import DescriptionError
from .kernels import loop
from .kernels.blocks import Geom
from .kernels.drives import (
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
from .layout import Piece
from .neurons.contract import model_of
from .places import DrivePlace, drive_weights
from .sources import DC, OrnsteinUhlenbeck, Poisson, StepCurrent, TimedArray
from .sources.spikes import on_grid

if TYPE_CHECKING:
    from .assembly import Assembly

FEW = 16  # a drive of less than the FEW-th part of a population draws by intervals, so that the others can sleep
DENSE_FROM = 0.02  # expected events of a target in a step from which a drive draws a count in every step


class Driving:
    """Adds the tasks of drives to those of an assembly, and their numbers to its arrays."""

    def __init__(self, assembly: Assembly) -> None:
        self.net, self.layout, self.precision = assembly.net, assembly.layout, assembly.precision
        self.par, self.held, self.tasks, self.kernel = assembly.par, assembly.held, assembly.tasks, assembly.kernel
        self.places, self.drives, self.block_acc, self.capacity = assembly.places, assembly.drives, assembly.block_acc, assembly.capacity

    def source(self, population: Any, index: int) -> tuple[Geom, int]:
        """Geometry and kernel of a population that only sends spikes."""
        source = population.model
        if hasattr(source, "spikes"):
            steps, ids = on_grid(source.spikes(), population.n, self.net.dt, population.name)
            par = self.par.place(np.concatenate([[len(steps)], steps, ids]))
            most = int(np.bincount(np.unique(steps, return_inverse=True)[1]).max(initial=0)) if len(steps) else 0
            self.capacity[index] = max(most, 1)
            geom = Geom(n=population.n, par=par, extra=self.held.place([0.0]))
            return geom, self.kernel(make_drive(spike_array, self.precision))
        head, largest = self.rate_head(source.rate, population.n, population.name)
        par = self.par.place(head)
        tiles = math.ceil(population.n / TILE)
        clock = self.held.place(np.tile([0.0, -1.0], tiles))
        place = self.drives[population.name] = DrivePlace(population)
        place.clocks.append((clock, tiles))
        self.capacity[index] = math.ceil(population.n * largest + 20 * math.sqrt(population.n * largest)) + 64
        geom = Geom(n=population.n, par=par, extra=clock, first=0, end=population.n)
        return geom, self.kernel(make_drive(poisson_source, self.precision))

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
                    self.dc(population, index, drive.source.amplitude, columns)
                elif isinstance(drive.source, OrnsteinUhlenbeck) or hasattr(drive.source, "__current__"):
                    self.current(drive, name, population, index)
                elif not isinstance(drive.source, StepCurrent):
                    raise DescriptionError(f"drive {drive.name} is {type(drive.source).__name__}: declare it with @current, or use a built-in one")

    def add_task(self, place: DrivePlace | None, piece: Piece, kernel: int, geom: Geom, name: str, live: bool = False, lists: bool = False) -> None:
        """`live`: it drives a receptor that adds to a state field; `lists`: its kernel says which slots it hit."""
        columns = [0] * loop.T_COLUMNS
        columns[loop.T_KIND], columns[loop.T_KERNEL], columns[loop.T_ON] = loop.DRIVE, kernel, 1
        columns[loop.T_LIVE], columns[loop.T_LISTS] = int(live), int(lists)
        if place is not None:
            place.tasks.append(len(self.tasks))
            place.populations.append(piece.population.name)
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

    def dc(self, population: Any, index: NDArray[Any], amplitude: Any, columns: NDArray[Any]) -> None:
        """Add a constant current to what is held."""
        held = self.held.array()
        values = np.asarray(amplitude, dtype=float)
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
        dense = largest >= DENSE_FROM and FEW * len(index) >= population.n
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
        model = model_of(population.model)
        receptor = model.receptors.index(drive.receptor)
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
            self.add_task(self.drives[drive.name], piece, number, geom, name, drive.receptor in model.adds, not dense)

    def distributions(self, head: NDArray[Any], rate: Any, largest: float) -> None:
        """Distribution functions of a dense drive: one, or one for each different value of a rate that changes in time."""
        means = np.array([largest])
        if isinstance(rate, TimedArray):
            values, which = np.unique(rate.values, return_inverse=True)
            head[D_BINS] = self.par.place(which)
            means = values * self.net.dt * 1e-3
        head[D_CDF] = self.par.place(np.concatenate([poisson_cdf(mean / head[D_DRAWS]) for mean in means]))


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
