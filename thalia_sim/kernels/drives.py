"""Kernels of drives and sources, with the signature of `blocks`: Poisson input, Poisson and array sources, noisy currents.

A sparse Poisson process is drawn by intervals of the sum of up to TILE trains, each event falling on a train at random (which gives independent
trains exactly); its state is the number of draws and the time of the next event, so an idle one costs one comparison a step. A dense one draws
the number of events of each target in each step from 16 bits, by counting in vector loops how many steps of the distribution function lie
below them; only where a step falls into the very cell of the 16 bits do 48 bits more decide.
"""

import math

import numpy as np

from .blocks import G, sort_few
from .jit import jit, pointer
from .rng import below, exponential, normals, philox, uniform

TILE = 4096  # trains of a sparse process that share one clock
DENSE_TILE = 1024  # targets of a dense draw: 128 calls of Philox, 8 draws of 16 bits each
CDF = 128  # entries of a distribution function
MOST = 25.0  # largest mean of one draw; more is drawn in several parts
SECOND = np.uint64(1) << np.uint64(63)

# numbers at the start of a drive's or source's part of `par`; offsets are absolute places in `par`, 0 where there is none
D_RATE, D_TARGETS, D_FIRST, D_W, D_LIST, D_WS, D_REL, D_BINS, D_N_BINS, D_BIN_STEPS, D_DRAWS, D_CDF, D_WIDTH = range(13)


@jit
def bin_of(par, q, step):
    """Number of the time bin of a step: rates hold their last value after the end."""
    return min(step // np.int64(par[q + D_BIN_STEPS]), np.int64(par[q + D_N_BINS]) - 1)


@jit
def target_of(par, q, j):
    """Element of the population that target j of a drive is."""
    if par[q + D_LIST] > 0.0:
        return np.int64(par[np.int64(par[q + D_LIST]) + j])
    return np.int64(par[q + D_FIRST]) + j


@jit
def weight_of(par, q, j):
    if par[q + D_WS] > 0.0:
        return par[np.int64(par[q + D_WS]) + j]
    return par[q + D_W]


@jit
def events(held, par, geom, key, step, out):
    """Events of a sparse process in this step: their targets (numbers within the drive) into out; returns how many."""
    q = geom[G.par]
    rate, targets = par[q + D_RATE], np.int64(par[q + D_TARGETS])
    first, end = geom[G.first], geom[G.end]
    found = 0
    place = geom[G.extra]
    for tile in range(first // TILE, (end + TILE - 1) // TILE):
        n = min(TILE, targets - tile * TILE)
        draws, when = held[place], held[place + 1]
        if when < 0.0:  # begin anew from this step: the process has no memory
            w0, w1, w2, w3 = philox(key, np.uint64(draws), np.uint64(tile))
            when = step + exponential(w2, w3) / (rate * n)
            draws += 1.0
        while when < step + 1.0 and found < out.shape[0]:
            w0, w1, w2, w3 = philox(key, np.uint64(draws), np.uint64(tile))
            draws += 1.0
            j = tile * TILE + below(n, w0)
            when += exponential(w2, w3) / (rate * n)
            if j < first or j >= end:
                continue
            if par[q + D_REL] > 0.0 or par[q + D_BINS] > 0.0:
                chance = 1.0
                if par[q + D_REL] > 0.0:
                    chance = par[np.int64(par[q + D_REL]) + j]
                if par[q + D_BINS] > 0.0:
                    chance *= par[np.int64(par[q + D_BINS]) + bin_of(par, q, step)]
                u0, u1, _, _ = philox(key, np.uint64(draws), np.uint64(tile) | SECOND)
                if uniform(u0, u1) >= chance:
                    continue
            out[found] = j
            found += 1
        held[place] = draws
        held[place + 1] = when
        place += 2
    return found


def poisson_sparse(state, held, acc, inbox, par, geom, key, step, todo, n_todo, out, flags):
    """Poisson drive with few events: adds w to each target hit; their slots go into out."""
    found = events(held, par, geom, key, step, out)
    q = geom[G.par]
    for e in range(found):
        j = np.int64(out[e])
        k = target_of(par, q, j) - geom[G.lo]
        acc[geom[G.acc] + k] += weight_of(par, q, j)
        out[e] = geom[G.more] + k
    return found


def poisson_source(state, held, acc, inbox, par, geom, key, step, todo, n_todo, out, flags):
    """Poisson trains that are a population of their own: who fires goes into out, in order (twice if it fires twice)."""
    found = events(held, par, geom, key, step, out)
    sort_few(out, found)
    return found


def spike_array(state, held, acc, inbox, par, geom, key, step, todo, n_todo, out, flags):
    """Given spikes: par holds their number, then the steps, then the elements, both in order; held the cursor."""
    q = geom[G.par]
    n = np.int64(par[q])
    cursor = np.int64(held[geom[G.extra]])
    found = 0
    while cursor < n and par[q + 1 + cursor] <= step:
        if par[q + 1 + cursor] == step:
            out[found] = np.int32(par[q + 1 + n + cursor])
            found += 1
        cursor += 1
    held[geom[G.extra]] = cursor
    return found


@jit
def exact_count(cdf, cell, key, a, b):
    """Poisson count for the 16 bits `cell`, made exact by 48 bits more."""
    w0, w1, _, _ = philox(key, a, b | SECOND)
    u = (np.float64(cell) + uniform(w0, w1)) / 65536.0
    k = 0
    while k < CDF - 1 and u >= cdf[k]:
        k += 1
    return k


@jit
def draw_bits(key, step, stream, bits):
    """16 random bits for each of a tile's targets, 8 from each call of Philox."""
    low, half = np.uint64(0xFFFF), np.uint64(16)
    calls = DENSE_TILE // 8
    for c in range(calls):
        w0, w1, w2, w3 = philox(key, step, stream + np.uint64(c))
        bits[c] = w0 & low
        bits[calls + c] = w0 >> half
        bits[2 * calls + c] = w1 & low
        bits[3 * calls + c] = w1 >> half
        bits[4 * calls + c] = w2 & low
        bits[5 * calls + c] = w2 >> half
        bits[6 * calls + c] = w3 & low
        bits[7 * calls + c] = w3 >> half


@jit
def count_steps(bits, cdf, counts, doubt):
    """counts: the steps of a distribution function below each of `bits` / 65536; doubt: 1 where a step lies within the cell of the bits."""
    least = 0
    while least < CDF - 1 and cdf[least] * 65536.0 < 1.0:
        least += 1
    for k in range(bits.shape[0]):
        counts[k] = least
        doubt[k] = 1 if least > 0 and bits[k] == 0 else 0
    for q in range(least, CDF):
        cell = np.uint16(min(cdf[q] * 65536.0, 65535.0))
        for k in range(bits.shape[0]):
            counts[k] += np.uint16(bits[k] > cell)
            doubt[k] |= np.uint16(bits[k] == cell)
        if cell == 65535:
            break


def poisson_dense(state, held, acc, inbox, par, geom, key, step, todo, n_todo, out, flags):
    """Poisson drive with many events: a count for every target and step."""
    q = geom[G.par]
    first, end = geom[G.first], geom[G.end]
    which = 0
    if par[q + D_BINS] > 0.0:
        which = np.int64(par[np.int64(par[q + D_BINS]) + bin_of(par, q, step)])
    at = np.int64(par[q + D_CDF]) + which * CDF
    cdf = par[at : at + CDF]
    x = acc[geom[G.acc] : geom[G.acc] + geom[G.count]]
    bits = flags[: 2 * DENSE_TILE].view(np.uint16)
    counts = flags[2 * DENSE_TILE : 4 * DENSE_TILE].view(np.uint16)
    doubt = flags[4 * DENSE_TILE : 6 * DENSE_TILE].view(np.uint16)
    doubts = doubt.view(np.uint64)
    for tile in range(first // DENSE_TILE, (end + DENSE_TILE - 1) // DENSE_TILE):
        t0 = tile * DENSE_TILE
        j0, j1 = max(first, t0), min(end, t0 + DENSE_TILE)
        for draw in range(np.int64(par[q + D_DRAWS])):
            place = np.uint64(draw) << np.uint64(32)
            draw_bits(key, np.uint64(step), place + np.uint64(tile * (DENSE_TILE // 8)), bits)
            count_steps(bits, cdf, counts, doubt)
            for word in range(doubts.shape[0]):
                if doubts[word] != 0:
                    for k in range(4 * word, 4 * word + 4):
                        if doubt[k] != 0:
                            counts[k] = exact_count(cdf, bits[k], key, np.uint64(step), place + np.uint64(t0 + k))
            if par[q + D_WS] == 0.0 and par[q + D_LIST] == 0.0:
                w = par[q + D_W]
                mine = counts[j0 - t0 : j1 - t0]
                begin = np.int64(par[q + D_FIRST]) + j0 - geom[G.lo]
                y = x[begin : begin + j1 - j0]
                for k in range(mine.shape[0]):
                    y[k] += mine[k] * w
            else:
                for j in range(j0, j1):
                    x[target_of(par, q, j) - geom[G.lo]] += counts[j - t0] * weight_of(par, q, j)
    return 0


def poisson_each(state, held, acc, inbox, par, geom, key, step, todo, n_todo, out, flags):
    """Poisson drive with many events and a rate of its own for each target: a count by inversion (Devroye 1986, III.2)."""
    q = geom[G.par]
    rates = np.int64(par[q + D_REL])
    scale = par[q + D_RATE]
    if par[q + D_BINS] > 0.0:
        scale *= par[np.int64(par[q + D_BINS]) + bin_of(par, q, step)]
    draws = np.int64(par[q + D_DRAWS])
    for j in range(geom[G.first], geom[G.end]):
        n = 0
        for draw in range(draws):
            w0, w1, _, _ = philox(key, np.uint64(step), np.uint64(draw * 4294967296 + j))
            u = uniform(w0, w1)
            rate = par[rates + j] * scale / draws
            p = math.exp(-rate)
            k = 0
            while u >= p and k < 1000:
                u -= p
                k += 1
                p *= rate / k
            n += k
        acc[geom[G.acc] + target_of(par, q, j) - geom[G.lo]] += n * weight_of(par, q, j)
    return 0


def ornstein_uhlenbeck(state, held, acc, inbox, par, geom, key, step, todo, n_todo, out, flags):
    """Add an Ornstein-Uhlenbeck current of its own to each target's i_ext; par: mean, decay, kick of a step; held: deviations."""
    q = geom[G.par]
    decay, kick, mean = par[q + D_WIDTH + 1], par[q + D_WIDTH + 2], par[q + D_WIDTH]
    for j in range(geom[G.first], geom[G.end]):
        w0, w1, w2, w3 = philox(key, np.uint64(step), np.uint64(j >> 1))
        z0, z1 = normals(w0, w1, w2, w3)
        place = geom[G.extra] + j - geom[G.first]
        held[geom[G.held] + target_of(par, q, j)] += mean + held[place]
        held[place] = held[place] * decay + kick * (z0 if j & 1 == 0 else z1)
    return 0


def base_current(state, held, acc, inbox, par, geom, key, step, todo, n_todo, out, flags):
    """Set i_ext of the piece to its constant part, before time-dependent currents are added."""
    lo, n = geom[G.lo], geom[G.count]
    x = held[geom[G.held] + lo : geom[G.held] + lo + n]
    y = held[geom[G.extra] + lo : geom[G.extra] + lo + n]
    for k in range(n):
        x[k] = y[k]
    return 0


KERNELS = (poisson_sparse, poisson_source, spike_array, poisson_dense, poisson_each, ornstein_uhlenbeck, base_current)
_made: dict[tuple[str, str], object] = {}


def make_drive(kernel, precision):
    """A kernel of this file, compiled for state in "double" or "single"."""
    from .blocks import signature

    made = (kernel.__name__, precision)
    if made not in _made:
        _made[made] = pointer(signature(precision), kernel)
    return _made[made]


def poisson_cdf(rate):
    """Distribution function of a Poisson variable of mean `rate` <= MOST at 0, 1, ... CDF - 1."""
    k = np.arange(CDF, dtype=np.float64)
    log_p = k * math.log(rate) - rate - np.array([math.lgamma(x + 1.0) for x in k]) if rate > 0.0 else np.where(k == 0, 0.0, -np.inf)
    cdf = np.minimum(np.cumsum(np.exp(log_p)), 1.0)
    cdf[-1] = 1.0
    return cdf


def current_text(source):
    """Source of the kernel that adds a current given by a function of time to i_ext; see `sources.contract`."""
    params = ", ".join(f"par[q + {k}]" for k in range(len(source.params)))
    return f'''"""Generated kernel: current {source.name}, sources {source.digest}."""


def current(state, held, acc, inbox, par, geom, key, step, todo, n_todo, out, flags):
    q = geom[{G.par}] + {D_WIDTH}
    dt = par[geom[{G.par}] + {D_BIN_STEPS}]
    i = value((step + 0.5) * dt, Params({params}))
    for j in range(geom[{G.first}], geom[{G.end}]):
        held[geom[{G.held}] + target_of(par, geom[{G.par}], j)] += i
    return 0
'''


def make_current(source, precision):
    """The kernel of a current whose class declares `value(t, p)`."""
    from .blocks import signature
    from .jit import inlined, load
    from .scalar import compiled_scalar

    made = (f"{source.name}-{source.digest}", precision)
    if made not in _made:
        names = {"value": compiled_scalar(source.value, inlined), "Params": source.cls, "target_of": target_of}
        module = load(f"current_{source.name}", current_text(source), names)
        _made[made] = pointer(signature(precision), module.current)
    return _made[made]
