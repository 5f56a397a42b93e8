"""Compiled draws for the wiring: values of distributions, numbers below n, distinct numbers, counts.

Every function takes a key and a counter `a` (who draws) and counts its own draws from 0, so that what it gives depends on nothing else.
Arrays named `out` may need up to four places more than are asked for: draws come in fours and the last are dropped.
"""

import math

import numpy as np

from .jit import jit
from .rng import HALF, LOW, normals, philox, uniform

CONSTANT, NORMAL, CLIPPED, LOGNORMAL, UNIFORM = range(5)  # codes of distributions
LOT = 1 << 18  # draws of sources that share a counter, see count_sources


@jit
def words(key, a, b):
    """Four words of 32 bits: philox as a function of its own, which compiles once (LLVM inlines it where it helps)."""
    return philox(key, a, b)


@jit
def fill(code, par, key, a, out):
    """Fill out [n] with draws of the distribution `code` with parameters par [4]."""
    n = out.shape[0]
    k, b = 0, np.uint64(0)
    while k < n:
        w0, w1, w2, w3 = words(key, a, b)
        b += np.uint64(1)
        if code == UNIFORM:
            x, y = par[0] + (par[1] - par[0]) * uniform(w0, w1), par[0] + (par[1] - par[0]) * uniform(w2, w3)
        else:
            x, y = normals(w0, w1, w2, w3)
            x, y = par[0] + par[1] * x, par[0] + par[1] * y
        if code == LOGNORMAL:
            x, y = par[2] * math.exp(x), par[2] * math.exp(y)
        elif code == CLIPPED:
            x, y = min(max(x, par[2]), par[3]), min(max(y, par[2]), par[3])
        keep = code != NORMAL
        if keep or par[2] <= x <= par[3]:
            out[k] = x
            k += 1
        if k < n and (keep or par[2] <= y <= par[3]):
            out[k] = y
            k += 1


@jit
def fill_table(cumulative, guide, key, a, n, out):
    """Fill out [n] with draws from a table of probabilities: entry k with probability (cumulative[k] - cumulative[k-1]) / 2^32.

    cumulative int64 [m], the last 2^32; guide int32 [4096]: where to begin for each value of the upper 12 bits of a word.
    """
    k, b = 0, np.uint64(0)
    while k < n:
        w0, w1, w2, w3 = words(key, a, b)
        b += np.uint64(1)
        out[k] = table_entry(cumulative, guide, w0)
        out[k + 1] = table_entry(cumulative, guide, w1)
        out[k + 2] = table_entry(cumulative, guide, w2)
        out[k + 3] = table_entry(cumulative, guide, w3)
        k += 4


@jit(inline="always")
def table_entry(cumulative, guide, word):
    """The first entry whose cumulative probability exceeds the word."""
    k = np.int64(guide[word >> np.uint64(20)])
    x = np.int64(word)
    while x >= cumulative[k]:
        k += 1
    return k


@jit
def draw_below(n, key, a, count, out):
    """Fill out [count] with independent numbers in 0..n-1, exactly uniform (Lemire 2019, ACM TOMACS 29:3)."""
    size = np.uint64(n)
    short = (LOW + np.uint64(1) - size) % size
    k, b = 0, np.uint64(0)
    while k < count:
        w0, w1, w2, w3 = words(key, a, b)
        b += np.uint64(1)
        p0, p1, p2, p3 = w0 * size, w1 * size, w2 * size, w3 * size
        out[k] = p0 >> HALF
        k += (p0 & LOW) >= short
        out[k] = p1 >> HALF
        k += (p1 & LOW) >= short
        out[k] = p2 >> HALF
        k += (p2 & LOW) >= short
        out[k] = p3 >> HALF
        k += (p3 & LOW) >= short


@jit
def draw_distinct(n, key, a, count, marks, out):
    """Fill out [count] with different numbers in 0..n-1, every subset equally likely.

    marks: uint8 [n], zero on entry and on return. Up to half of n numbers are drawn again while they repeat; of more, the rest is drawn and the
    numbers left over are given in ascending order.
    """
    chosen = count if 2 * count <= n else n - count
    size = np.uint64(n)
    short = (LOW + np.uint64(1) - size) % size
    k, b, lane = 0, np.uint64(0), 4
    w0 = w1 = w2 = w3 = np.uint64(0)
    while k < chosen:
        if lane == 4:
            w0, w1, w2, w3 = words(key, a, b)
            b += np.uint64(1)
            lane = 0
        product = w0 * size
        w0, w1, w2 = w1, w2, w3
        lane += 1
        x = np.int64(product >> HALF)
        if (product & LOW) >= short and marks[x] == 0:
            marks[x] = 1
            out[k] = x
            k += 1
    if chosen == count:
        for q in range(count):
            marks[out[q]] = 0
        return
    k = 0
    for x in range(n):
        if marks[x] == 0:
            out[k] = x
            k += 1
        marks[x] = 0


@jit
def skip_own(own, count, out):
    """Turn numbers below n - 1 into numbers below n without `own`."""
    for q in range(count):
        out[q] += out[q] >= own


@jit
def count_binomial(cdf, low, key, source, out):
    """Number of partners of each source: low + the first k with cdf[k] above a uniform draw. source [n] are the counters."""
    for r in range(source.shape[0]):
        w0, w1, _, _ = words(key, np.uint64(source[r]), np.uint64(0))
        u = uniform(w0, w1)
        first, last = 0, cdf.shape[0] - 1
        while first < last:
            middle = (first + last) >> 1
            if cdf[middle] > u:
                last = middle
            else:
                first = middle + 1
        out[r] = low + first


@jit
def count_sources(n_source, n_target, own, total, first, step, key, out):
    """Add to out [n_source] how often each source is drawn in `total` draws; takes the lots first, first + step, ...

    own [n_source] >= 0 marks sources that are among the targets themselves: these have n_target - 1 partners and are accepted accordingly.
    """
    drawn = np.empty(LOT + 4, dtype=np.int64)
    excluding = own.shape[0] > 0
    accept = 1.0 - 1.0 / n_target
    lot = first
    while lot * LOT < total:
        count = min(LOT, total - lot * LOT)
        if not excluding:
            draw_below(n_source, key, np.uint64(lot), count, drawn)
            for q in range(count):
                out[drawn[q]] += 1
        else:
            k, b = 0, np.uint64(0)
            while k < count:
                w0, w1, w2, w3 = words(key, np.uint64(lot), b)
                b += np.uint64(1)
                s = min(np.int64(uniform(w0, w1) * n_source), n_source - 1)
                if own[s] < 0 or uniform(w2, w3) < accept:
                    out[s] += 1
                    k += 1
        lot += step


@jit
def hypergeometric(u, total, marked, n):
    """The number of marked ones among n drawn of `total` without putting back, by inversion of a uniform u (ratios from the mode outwards)."""
    low, high = max(0, n - (total - marked)), min(n, marked)
    mode = min(max(np.int64((n + 1.0) * (marked + 1.0) / (total + 2.0)), low), high)
    mass, weight, k = 1.0, 1.0, mode
    while k < high and weight > 1e-18:
        weight *= (marked - k) * 1.0 * (n - k) / ((k + 1.0) * (total - marked - n + k + 1.0))
        mass += weight
        k += 1
    weight, k = 1.0, mode
    while k > low and weight > 1e-18:
        weight *= k * 1.0 * (total - marked - n + k) / ((marked - k + 1.0) * (n - k + 1.0))
        mass += weight
        k -= 1
    below = weight
    while k < high and below <= u * mass:
        weight *= (marked - k) * 1.0 * (n - k) / ((k + 1.0) * (total - marked - n + k + 1.0))
        below += weight
        k += 1
    return k


@jit
def count_distinct_pairs(n_target, own, total, pairs, key, out):
    """Number of pairs of each source when `total` different ones of `pairs` are drawn: a hypergeometric draw row by row."""
    for s in range(out.shape[0]):
        width = n_target - (1 if own.shape[0] > 0 and own[s] >= 0 else 0)
        w0, w1, _, _ = words(key, np.uint64(s), np.uint64(0))
        out[s] = hypergeometric(uniform(w0, w1), pairs, width, total)
        total -= out[s]
        pairs -= width
