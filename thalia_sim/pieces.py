"""From a projection's description to what the compiled builder needs: numbers of synapses per source, tables of weights and delays.

A `Plan` is one projection, numbered by its own sources and targets. `piece_of` looks at it from the rows of one source population.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .distributions import ClippedNormal, Distribution
from .errors import DescriptionError
from .geometry import distances, shared_space
from .kernels import build as k
from .kernels.draw import count_binomial, count_distinct_pairs, count_sources
from .kernels.rng import stream_key
from .neurons.contract import model_of
from .projection import LONGEST, Projection
from .selection import Population
from .wiring import AllToAll, ByDistance, FromArrays, InDegree, OneToOne, OutDegree, Probability, TotalNumber

ONE_IN = float(1 << 32)
GUIDE = 4096
NEGLIGIBLE = 2.0**-33  # probability of a synapse below which distance is not tested any more
NONE32, NONE64 = np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.int64)


class Layout(Protocol):
    """Where the accumulators of each element are; see the simulation."""

    n_blocks: int

    def key(self, gids: NDArray[np.int64], receptor_index: int) -> NDArray[np.uint32]:
        """block << 16 | slot of a receptor of elements by their global numbers."""


@dataclass
class Plan:
    """One projection, ready to be cut into rows; arrays are by its own numbers of sources and targets."""

    projection: Projection
    n_source: int
    n_target: int
    key: NDArray[np.uint64]  # [3] keys of targets, weights, delays
    source_key: np.uint64  # for drawing sources or numbers of targets
    own: NDArray[np.int32]  # [n_source or 0] the target that is the source itself and must be left out, or -1
    own_source: NDArray[np.int32]  # [n_target or 0] the same the other way round
    target_key: NDArray[np.uint32]  # [n_target]
    rule: int = k.GIVEN
    count: NDArray[np.int64] = field(default_factory=lambda: NONE64)  # [n_source] synapses of each source
    first: NDArray[np.int64] = field(default_factory=lambda: NONE64)  # [n_source] where its given targets begin
    given: NDArray[np.int32] = field(default_factory=lambda: NONE32)
    order: NDArray[np.int64] | None = None  # [n_syn] given synapses sorted by source
    space: NDArray[np.float64] = field(default_factory=lambda: np.full(8, math.inf))
    at_source: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 3)))
    at_target: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 3)))
    weights: dict[str, Any] = field(default_factory=dict)
    delays: dict[str, Any] = field(default_factory=dict)

    @property
    def in_degree(self) -> int | None:
        """k of an in_degree rule, whose targets are found by transposing; else None."""
        wiring = self.projection.wiring
        return wiring.k if isinstance(wiring, InDegree) else None


def receptor_keys(projection: Projection, layout: Layout) -> NDArray[np.uint32]:
    """block << 16 | slot of every target of a projection, [n_target]."""
    found = []
    for population, index in projection.target.parts:
        receptor = model_of(population.model).receptors.index(projection.receptor)
        found.append(layout.key(population.offset + np.asarray(index, dtype=np.int64), receptor))
    return np.ascontiguousarray(np.concatenate(found) if found else NONE32, dtype=np.uint32)


def place_among(ids: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.int32]:
    """For each of ids its place in `others`, or -1."""
    if len(others) == 0:
        return np.full(len(ids), -1, dtype=np.int32)
    order = np.argsort(others, kind="stable")
    at = np.minimum(np.searchsorted(others, ids, sorter=order), len(others) - 1)
    found = order[at]
    return np.where(others[found] == ids, found, -1).astype(np.int32)


def plan(projection: Projection, layout: Layout, wiring_seed: int, pool: Executor, workers: int) -> Plan:
    """Everything about one projection that does not depend on the source population: counts, tables, keys."""
    source, target, name = projection.source.ids(), projection.target.ids(), projection.name
    keys = np.array([stream_key(wiring_seed, purpose, name) for purpose in ("targets", "weights", "delays")], dtype=np.uint64)
    left_out = not projection.autapses and len(np.intersect1d(source, target)) > 0
    p = Plan(
        projection,
        len(source),
        len(target),
        keys,
        stream_key(wiring_seed, "sources", name),
        place_among(source, target) if left_out else NONE32,
        place_among(target, source) if left_out else NONE32,
        receptor_keys(projection, layout),
    )
    set_space(p)
    set_counts(p, pool, workers)
    p.weights = weight_fields(p)
    p.delays = delay_fields(p)
    return p


def set_space(p: Plan) -> None:
    """Positions and the numbers of the distance rule, where distance matters."""
    projection, wiring = p.projection, p.projection.wiring
    speed = conduction_speed(projection)
    if not isinstance(wiring, ByDistance) and speed is None:
        return
    at_source, at_target = projection.source.positions(), projection.target.positions()
    if at_source is None or at_target is None:
        return
    p.at_source, p.at_target = np.ascontiguousarray(at_source), np.ascontiguousarray(at_target)
    geometries = [[x.geometry for x in side.populations] for side in (projection.source, projection.target)]
    period = shared_space(geometries[0], geometries[1], f"projection {projection.name}")
    per_um = 0.0 if speed is None else 1.0 / (speed * projection.dt)
    if isinstance(wiring, ByDistance):
        scale = max(math.log(max(wiring.p, NEGLIGIBLE) / NEGLIGIBLE), 0.0)
        reach = wiring.length * (math.sqrt(2 * scale) if wiring.profile == "gaussian" else scale)
        reach = min(reach, math.inf if wiring.max_distance is None else wiring.max_distance)
        p.space = np.array([*period, 1.0 / wiring.length, wiring.p, reach, float(wiring.profile == "gaussian"), per_um])
    else:
        p.space = np.array([*period, 0.0, 0.0, 0.0, 0.0, per_um])


def conduction_speed(projection: Projection) -> float | None:
    """Speed in um/ms from which the delays follow, or None: given delays, or no speed on either side."""
    if projection.delays is not None:
        return None
    speeds = [{x.geometry.speed if x.geometry else None for x in side.populations} for side in (projection.source, projection.target)]
    if None in speeds[0] | speeds[1] or not speeds[0]:
        return None
    if len(speeds[0]) > 1:
        raise DescriptionError(f"sources of projection {projection.name} have several speeds {sorted(speeds[0])}: give delay=")  # type: ignore[type-var]
    return speeds[0].pop()


def longest_distance(p: Plan) -> float:
    """Distance in um that no synapse exceeds: of given pairs the largest, else of the boxes around sources and targets, or the rule's reach."""
    wiring, period = p.projection.wiring, p.space[:3]
    if len(p.at_source) == 0 or len(p.at_target) == 0:
        return 0.0
    if isinstance(wiring, (OneToOne, FromArrays)):
        every = np.arange(p.n_source)
        i, j = (wiring.i, wiring.j) if isinstance(wiring, FromArrays) else (every, every)
        return float(distances(p.at_source[i], p.at_target[j], tuple(period)).max(initial=0.0))
    (low, high), (other_low, other_high) = ((at.min(axis=0), at.max(axis=0)) for at in (p.at_source, p.at_target))
    apart = float(np.linalg.norm(np.minimum(np.maximum(high - other_low, other_high - low), period / 2)))
    return min(apart, float(p.space[5])) if isinstance(wiring, ByDistance) else apart


def check_distance(p: Plan, speed: float) -> None:
    """Refuse a speed with which a delay from distance could be longer than can be stored."""
    longest, dt = longest_distance(p) / speed, p.projection.dt
    if longest > LONGEST * dt:
        raise DescriptionError(
            f"delays from distance at projection {p.projection.name} can be {longest:g} ms at {speed:g} um/ms: at most {LONGEST} steps, "
            f"{LONGEST * dt:g} ms, are kept, raise the speed or give delay="
        )


def set_counts(p: Plan, pool: Executor, workers: int) -> None:
    """The rule and the number of synapses of each source."""
    wiring, distinct = p.projection.wiring, not p.projection.multapses
    drawn = k.DISTINCT if distinct else k.DRAWN
    if isinstance(wiring, Probability):
        p.rule, p.count = k.DISTINCT, binomial_counts(p, wiring.p)
    elif isinstance(wiring, InDegree):
        args = (wiring.k, p.n_source, distinct, p.own_source, p.key[0])
        cuts = np.linspace(0, p.n_target, 8 * workers + 1).astype(np.int64)
        p.count = summed(pool, p.n_source, workers, lambda w, out: [k.count_in_degree(a, b, *args, out) for a, b in cuts_of(cuts, w, workers)])
    elif isinstance(wiring, OutDegree):
        p.rule, p.count = drawn, np.full(p.n_source, wiring.k if p.n_target else 0, dtype=np.int64)
    elif isinstance(wiring, TotalNumber):
        p.rule = drawn
        if distinct:
            pairs = p.n_source * p.n_target - int((p.own >= 0).sum())
            p.count = np.zeros(p.n_source, dtype=np.int64)
            count_distinct_pairs(p.n_target, p.own, wiring.n, pairs, p.source_key, p.count)
        else:
            total = wiring.n if p.n_source and p.n_target else 0
            head = (p.n_source, p.n_target, p.own, total)
            p.count = summed(pool, p.n_source, workers, lambda w, out: count_sources(*head, w, workers, p.source_key, out))
    elif isinstance(wiring, OneToOne):
        p.count = (p.own < 0).astype(np.int64) if len(p.own) else np.ones(p.n_source, dtype=np.int64)
        p.first, p.given = np.arange(p.n_source), np.arange(p.n_target, dtype=np.int32)
        if len(p.own):
            p.count = (p.own != np.arange(p.n_source)).astype(np.int64)
    elif isinstance(wiring, AllToAll):
        p.rule, p.count = k.ALL, np.full(p.n_source, p.n_target, dtype=np.int64)
        if len(p.own):
            p.count -= p.own >= 0
    elif isinstance(wiring, ByDistance):
        p.rule, p.count = k.NEAR, np.zeros(p.n_source, dtype=np.int64)
        whole = whole_piece(p)
        cuts = np.linspace(0, p.n_source, 8 * workers + 1).astype(np.int64)
        list(pool.map(lambda c: k.count_near(whole, int(c[0]), int(c[1]), p.count), zip(cuts[:-1], cuts[1:], strict=True)))
    elif isinstance(wiring, FromArrays):
        given_counts(p, wiring)
    else:
        raise DescriptionError(f"wiring {wiring!r} of projection {p.projection.name} is unknown: use a rule of thalia_sim.wiring")


def cuts_of(cuts: NDArray[np.int64], worker: int, workers: int) -> Iterable[tuple[int, int]]:
    """The intervals of one worker: every workers-th."""
    return [(int(cuts[c]), int(cuts[c + 1])) for c in range(worker, len(cuts) - 1, workers)]


def summed(pool: Executor, n: int, workers: int, work: Callable[[int, NDArray[np.int64]], Any]) -> NDArray[np.int64]:
    """Sum of what the workers add to arrays [n] of their own (whole numbers, so the order does not matter)."""

    def one(worker: int) -> NDArray[np.int64]:
        out = np.zeros(n, dtype=np.int64)
        work(worker, out)
        return out

    return np.sum(list(pool.map(one, range(workers))), axis=0, dtype=np.int64)


def binomial_cdf(n: int, p: float) -> tuple[int, NDArray[np.float64]]:
    """(low, cdf): cumulative probabilities of low, low + 1, ... among n draws of probability p; what is left out is below 1e-20."""
    if n == 0 or p in (0.0, 1.0):
        return (n if p == 1.0 else 0), np.ones(1)
    spread = 10 * math.sqrt(n * p * (1 - p)) + 40
    low, high = max(0, math.floor(n * p - spread)), min(n, math.ceil(n * p + spread))
    x = np.arange(low, high)
    log_mass = np.concatenate([[0.0], np.cumsum(np.log((n - x) / (x + 1.0)) + math.log(p) - math.log1p(-p))])
    mass = np.exp(log_mass - log_mass.max())
    return low, np.cumsum(mass) / mass.sum()


def binomial_counts(p: Plan, share: float) -> NDArray[np.int64]:
    """Number of targets of each source, binomial; a source among the targets that is left out has one chance less."""
    count = np.zeros(p.n_source, dtype=np.int64)
    left_out = p.own >= 0 if len(p.own) else np.zeros(p.n_source, dtype=bool)
    for less in (0, 1):
        source = np.flatnonzero(left_out == less)
        if len(source):
            low, cdf = binomial_cdf(p.n_target - less, share)
            drawn = np.zeros(len(source), dtype=np.int64)
            count_binomial(cdf, low, p.source_key, source, drawn)
            count[source] = drawn
    return count


def given_counts(p: Plan, wiring: FromArrays) -> None:
    """Given synapses, sorted by source (stable)."""
    name = p.projection.name
    if len(p.own) and (p.own[wiring.i] == wiring.j).any():
        at = int(np.flatnonzero(p.own[wiring.i] == wiring.j)[0])
        raise DescriptionError(f"synapse {at} of projection {name} connects an element with itself: leave it out or allow autapses")
    if not p.projection.multapses:
        pairs, times = np.unique(wiring.i * max(p.n_target, 1) + wiring.j, return_counts=True)
        if (times > 1).any():
            i, j = divmod(int(pairs[times > 1][0]), p.n_target)
            raise DescriptionError(f"arrays of projection {name} connect {i} with {j} more than once: leave out repeats or allow multapses")
    p.count = np.bincount(wiring.i, minlength=p.n_source).astype(np.int64)
    p.first = np.concatenate([[0], np.cumsum(p.count)[:-1]]).astype(np.int64) if p.n_source else NONE64
    if len(wiring.i) > 1 and (np.diff(wiring.i) < 0).any():
        p.order = np.argsort(wiring.i, kind="stable")
    p.given = in_order(p, wiring.j).astype(np.int32)


def in_order(p: Plan, values: NDArray[Any]) -> NDArray[Any]:
    """Values of given synapses in order of their sources."""
    return values if p.order is None else values[p.order]


def scalar_weight(projection: Projection) -> float | None:
    """The weight, if the projection has one weight only."""
    return projection.weights if isinstance(projection.weights, float) else None


def weight_fields(p: Plan) -> dict[str, Any]:
    """Fields w_kind, w_par, w_table of a Piece."""
    w = p.projection.weights
    if isinstance(w, Distribution):
        code, parameters = w.encoded()
        return {"w_kind": code, "w_par": parameters, "w_table": np.zeros(0, dtype=np.float32)}
    if isinstance(w, float):
        return {"w_kind": k.CONSTANT, "w_par": np.array([w, 0.0, 0.0, 0.0]), "w_table": np.zeros(0, dtype=np.float32)}
    kind, values = (k.EACH, in_order(p, w)) if w.ndim == 1 else (k.PAIR, w.ravel())
    return {"w_kind": kind, "w_par": np.zeros(4), "w_table": np.ascontiguousarray(values, dtype=np.float32)}


def delay_fields(p: Plan) -> dict[str, Any]:
    """Fields delay_kind, delay, delay_table, cumulative, guide of a Piece."""
    delay, dt = p.projection.delays, p.projection.dt
    out: dict[str, Any] = {"delay_kind": k.CONSTANT, "delay": 1, "delay_table": np.zeros(0, dtype=np.uint16)}
    out |= {"cumulative": NONE64, "guide": NONE32}
    if delay is None:
        speed = conduction_speed(p.projection)
        if speed is not None:
            check_distance(p, speed)
            out["delay_kind"] = k.DISTANCE
    elif isinstance(delay, Distribution):
        low, cumulative, guide = delay_table(delay, dt)
        out |= {"delay_kind": k.TABLE, "delay": low, "cumulative": cumulative, "guide": guide}
    elif isinstance(delay, float):
        out["delay"] = int(steps_of(delay, dt))
    else:
        kind, values = (k.EACH, in_order(p, delay)) if delay.ndim == 1 else (k.PAIR, delay.ravel())
        out |= {"delay_kind": kind, "delay_table": np.ascontiguousarray(steps_of(values, dt), dtype=np.uint16)}
    return out


def steps_of(delay: Any, dt: float) -> Any:
    """Delays in whole steps, rounded to the nearest, at least one."""
    return np.maximum(np.floor(np.asarray(delay) / dt + 0.5), 1).astype(np.int64)


def delay_table(delay: Distribution, dt: float) -> tuple[int, NDArray[np.int64], NDArray[np.int32]]:
    """(low, cumulative, guide): probabilities of low, low + 1, ... steps in units of 2^-32.

    A step has the probability of the values that round to it. Values that round to less than one step are drawn
    again, or (ClippedNormal) are one step.
    """
    if getattr(delay, "sd", 1.0) == 0.0:
        mass, low = np.ones(1), int(steps_of(delay.expectation, dt))
    else:
        high = 16
        while high < LONGEST and delay.cdf((high + 0.5) * dt) < 1 - 2.0**-34:
            high = min(2 * high, LONGEST)
        cdf = np.array([delay.cdf((step + 0.5) * dt) for step in range(high + 1)])
        if isinstance(delay, ClippedNormal):
            cdf[0] = 0.0
        mass, low = np.diff(cdf), 1
    cumulative = np.round(np.cumsum(mass) / mass.sum() * ONE_IN).astype(np.int64)
    empty = int(np.searchsorted(cumulative, 0, side="right"))  # leading steps that are never drawn
    cumulative, low = cumulative[empty : int(np.searchsorted(cumulative, ONE_IN)) + 1], low + empty
    guide = np.searchsorted(cumulative, np.arange(GUIDE, dtype=np.int64) << 20, side="right")
    return low, cumulative, guide.astype(np.int32)


def source_of_rows(p: Plan, population: Population) -> NDArray[np.int32]:
    """For each element of a population its number among the projection's sources, or -1."""
    found = np.full(population.n, -1, dtype=np.int32)
    begin = 0
    for owner, index in p.projection.source.parts:
        if owner is population:
            found[np.asarray(index, dtype=np.int64)] = np.arange(begin, begin + len(index), dtype=np.int32)
        begin += len(index)
    return found


def piece_of(p: Plan, source: NDArray[np.int32]) -> k.Piece:
    """The projection as seen from rows that are its sources number source[row] (or -1: none)."""
    there = source >= 0
    at = np.where(there, source, 0)

    def by_row(values: NDArray[Any], missing: int, dtype: Any) -> NDArray[Any]:
        if len(values) == 0:
            return np.full(len(source), missing, dtype=dtype)
        return np.where(there, values[at], missing).astype(dtype)

    return k.Piece(
        rule=p.rule,
        n_target=p.n_target,
        key=p.key,
        source=source,
        own=by_row(p.own, -1, np.int32),
        count=by_row(p.count, 0, np.int32),
        target_key=p.target_key,
        row0=0,
        first=by_row(p.first, 0, np.int64),
        given=p.given,
        at_source=p.at_source,
        at_target=p.at_target,
        space=p.space,
        **p.weights,
        **p.delays,
    )


def whole_piece(p: Plan) -> k.Piece:
    """The projection with all its sources as rows, for counting; weights and delays are left constant."""
    nothing: dict[str, Any] = {"w_kind": k.CONSTANT, "w_par": np.zeros(4), "w_table": np.zeros(0, dtype=np.float32)}
    nothing |= {"delay_kind": k.CONSTANT, "delay": 1, "delay_table": np.zeros(0, dtype=np.uint16), "cumulative": NONE64, "guide": NONE32}
    source = np.arange(p.n_source, dtype=np.int32)
    bare = Plan(p.projection, p.n_source, p.n_target, p.key, p.source_key, p.own, p.own_source, p.target_key, rule=p.rule)
    bare.space, bare.at_source, bare.at_target, bare.weights = p.space, p.at_source, p.at_target, nothing
    return piece_of(bare, source)
