"""What every meter does: it takes spikes in blocks, in order of time, checks them, and counts them in chunks of bounded size.

Times are in ms and are told apart to the nanosecond, the unit of the clock. A window from t0 to t1 holds the spikes with t0 < t <= t1, and its bin
k those with t0 + k * bin < t <= t0 + (k + 1) * bin, as in recordings, so that windows side by side share no spike. Bins cut short by t1 are left out.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..errors import MeasureError
from ..given import is_number, short

CHUNK = 1 << 20  # spikes counted at once
HALF_NS = 5e-7  # ms
LEAST_WIDTH = 1e-3  # ms, of a bin

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.int64]


class Meter(ABC):
    """Takes the spikes of n neurons with `add`; `result(t1)` tells what was measured up to t1, as often as it is asked.

    n   number of neurons; their ids are 0 to n - 1
    t0  ms, where the window begins: spikes up to it, the initial transient, are left out

    It keeps no spikes, so it serves a hook of a running simulation as well as a recording of any length. MeasureError for times that are not
    finite or out of order, for ids out of range, and for a window that ends before a spike that was taken.
    """

    endless = False  # whether the window may have no end (t1 = inf)

    def __init__(self, n: int, t0: float = 0.0) -> None:
        if not isinstance(n, (int, np.integer)) or isinstance(n, bool) or n < 0:
            raise MeasureError(f"n is {short(n)}: give the number of neurons")
        if not is_number(t0) or not math.isfinite(t0):
            raise MeasureError(f"t0 is {short(t0)}: give the beginning of the window in ms")
        self.n, self.t0, self.last = int(n), float(t0), -math.inf

    def add(self, t: Any, ids: Any) -> None:
        """Take a block of spikes: times t [k] ms in order, none before those of earlier blocks, and who fired, ids [k]."""
        times, who = np.asarray(t), np.asarray(ids)
        for begin in range(0, check_shapes(times, who), CHUNK):
            self.take_checked(times[begin : begin + CHUNK], who[begin : begin + CHUNK])

    def take_checked(self, t: NDArray[Any], ids: NDArray[Any]) -> None:
        times, who = check_spikes(t, ids, self.n, self.last)
        self.last = float(times[-1])
        begin = int(np.searchsorted(times, self.t0 + HALF_NS, side="right"))
        if begin < len(times):
            self.take(times[begin:], who[begin:])

    def span(self, t1: float) -> float:
        """Length (ms) of the window up to t1, which must lie behind all spikes."""
        if not is_number(t1) or not t1 >= self.t0 or (t1 == math.inf and not self.endless):
            raise MeasureError(f"t1 is {short(t1)}: give an end of the window (ms) that is not before its beginning, {self.t0:g} ms")
        if self.last > t1 + HALF_NS:
            raise MeasureError(f"t1 is {t1:g} ms, but spikes up to {self.last:g} ms were added: give a later end, or add only spikes up to t1")
        return t1 - self.t0

    @abstractmethod
    def take(self, t: Floats, ids: Ints) -> None:
        """Count 1 to CHUNK checked spikes: t [k] ms in order, all after t0, and ids [k] from 0 to n - 1."""

    @abstractmethod
    def result(self, t1: float) -> Any:
        """What was measured from t0 to t1 (ms)."""


AnyMeter = TypeVar("AnyMeter", bound=Meter)


def read(meter: AnyMeter, t: Any, ids: Any, t1: float) -> AnyMeter:
    """Give a meter all spikes up to t1 of arrays in memory, t [k] ms in order and ids [k]; returns the meter."""
    times, who = np.asarray(t), np.asarray(ids)
    before = -math.inf
    for begin in range(0, check_shapes(times, who), CHUNK):
        part, numbers = check_spikes(times[begin : begin + CHUNK], who[begin : begin + CHUNK], meter.n, before)
        before = float(part[-1])
        end = int(np.searchsorted(part, t1 + HALF_NS, side="right"))
        meter.add(part[:end], numbers[:end])
    return meter


def check_shapes(t: NDArray[Any], ids: NDArray[Any]) -> int:
    """Number of spikes, of two arrays that belong together."""
    if t.ndim != 1 or t.shape != ids.shape:
        raise MeasureError(f"times have shape {t.shape} and ids {ids.shape}: give two flat arrays of one length")
    return len(t)


def check_spikes(t: NDArray[Any], ids: NDArray[Any], n: int, before: float) -> tuple[Floats, Ints]:
    """Times and ids of a block that is not empty, as double precision and whole numbers; `before` is the time of the spike before it."""
    if t.dtype.kind not in "iuf" or ids.dtype.kind not in "iu":
        raise MeasureError(f"times have type {t.dtype} and ids {ids.dtype}: give times in ms and whole numbers")
    times = t.astype(np.float64, copy=False)
    in_order = times[0] >= before and bool((times[1:] >= times[:-1]).all())
    if not in_order or not math.isfinite(times[0]) or not math.isfinite(times[-1]):
        raise MeasureError(time_problem(times, before))
    if ids.min() < 0 or ids.max() >= n:
        k = int(np.flatnonzero((ids < 0) | (ids >= n))[0])
        raise MeasureError(f"id {ids[k]} at place {k} is none of {n} neurons: give ids from 0 to {n - 1}")
    return times, ids.astype(np.int64, copy=False)


def time_problem(t: Floats, before: float) -> str:
    """What is wrong with times, of which something is."""
    if not np.isfinite(t).all():
        k = int(np.flatnonzero(~np.isfinite(t))[0])
        return f"time {t[k]} at place {k} is not finite: leave this spike out"
    if t[0] < before:
        return f"time {t[0]:g} ms at place 0 comes after {before:g} ms of the block before: add spikes in order of time"
    k = int(np.flatnonzero(t[1:] < t[:-1])[0]) + 1
    return f"time {t[k]:g} ms at place {k} comes after {t[k - 1]:g} ms: sort the spikes by time"


def check_width(value: Any, what: str) -> float:
    """A width in ms; refused if it is none."""
    if not is_number(value) or not LEAST_WIDTH <= value < math.inf:
        raise MeasureError(f"{what} is {short(value)} ms: give a width of at least {LEAST_WIDTH:g} ms")
    return float(value)


def bin_of(t: Floats, t0: float, width: float) -> Ints:
    """Bin of each time: k where t0 + k * width < t <= t0 + (k + 1) * width, to the nanosecond."""
    return np.maximum(np.ceil((t - (t0 + HALF_NS)) / width).astype(np.int64) - 1, 0)


def whole_bins(span: float, width: float) -> int:
    """Number of whole bins in a window of `span` ms."""
    return int((span + HALF_NS) / width)


def runs(values: Ints) -> tuple[Ints, Ints]:
    """(first place, length) of each run of equal values, of at least one value."""
    first = np.concatenate([[0], np.flatnonzero(values[1:] != values[:-1]) + 1])
    return first, np.diff(first, append=len(values))


def chosen_columns(n: int, chosen: Any) -> tuple[Ints, Ints]:
    """(chosen neurons [m], column [n] of each neuron among them, -1 for the others)."""
    numbers = np.atleast_1d(np.asarray(chosen))
    if numbers.size == 0:
        numbers = np.zeros(0, dtype=np.int64)
    if numbers.ndim != 1 or numbers.dtype.kind not in "iu" or (numbers.size and (numbers.min() < 0 or numbers.max() >= n)):
        raise MeasureError(f"chosen neurons {short(chosen)}: give whole numbers from 0 to {n - 1}")
    if len(np.unique(numbers)) < len(numbers):
        raise MeasureError(f"chosen neurons {short(chosen)} name one twice: give each once")
    column = np.full(n, -1, dtype=np.int64)
    column[numbers.astype(np.int64)] = np.arange(len(numbers))
    return numbers.astype(np.int64), column
