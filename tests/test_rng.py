"""Counter-based random numbers: published vectors of Philox4x32-10, and the statistics of what is made from its words."""

import math

import numpy as np
import pytest
from scipy import stats

from thalia_sim.kernels import rng

ONES = 0xFFFFFFFF


def words(key, a, b):
    return [int(w) for w in rng.philox(np.uint64(key), np.uint64(a), np.uint64(b))]


@pytest.mark.parametrize(
    "counter, key, expected",
    [
        ([0, 0, 0, 0], [0, 0], [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
        ([ONES] * 4, [ONES] * 2, [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
        (
            [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344], [0xA4093822, 0x299F31D0],
            [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1],
        ),
    ],
)  # fmt: skip
def test_known_vectors(counter, key, expected):
    """philox4x32-10 of the known-answer file of Random123 (Salmon et al. 2011); the low half of a 64-bit counter is the first word."""
    c0, c1, c2, c3 = counter
    assert words(key[0] | key[1] << 32, c0 | c1 << 32, c2 | c3 << 32) == expected
    assert plain_philox(counter, key) == expected


def plain_philox(counter, key):
    """Philox4x32-10 as in the paper, in plain integers."""
    c, k = list(counter), list(key)
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(p1 >> 32) ^ c[1] ^ k[0], p1 & ONES, (p0 >> 32) ^ c[3] ^ k[1], p0 & ONES]
        k = [(k[0] + 0x9E3779B9) & ONES, (k[1] + 0xBB67AE85) & ONES]
    return c


def test_compiled_equals_plain_python():
    random = np.random.default_rng(1)
    for key, a, b in random.integers(0, 2**64, (200, 3), dtype=np.uint64):
        counter = [int(a) & ONES, int(a) >> 32, int(b) & ONES, int(b) >> 32]
        assert words(key, a, b) == plain_philox(counter, [int(key) & ONES, int(key) >> 32])


def draws(n):
    """n rows of four words, with counters as a drive uses them: step and element."""
    return np.array([rng.philox(np.uint64(7), np.uint64(k // 50), np.uint64(k % 50)) for k in range(n)])


def test_uniform_numbers():
    """Uniform in [0, 1): Kolmogorov-Smirnov over 5,000 draws, and no correlation of neighbours beyond 5 / sqrt(n) (5 sigma)."""
    w = draws(5000)
    u = np.array([rng.uniform(a, b) for a, b, _, _ in w])
    assert 0.0 <= u.min() and u.max() < 1.0
    assert stats.kstest(u, "uniform").pvalue > 1e-4
    assert abs(np.corrcoef(u[:-1], u[1:])[0, 1]) < 5 / math.sqrt(len(u))
    assert rng.uniform(np.uint64(ONES), np.uint64(ONES)) < 1.0


def test_normals_exponentials_and_integers():
    """Each against its distribution: p > 1e-4 at a fixed seed."""
    w = draws(5000)
    z = np.array([rng.normals(*row) for row in w])
    assert stats.kstest(z.ravel(), "norm").pvalue > 1e-4
    assert abs(np.corrcoef(z.T)[0, 1]) < 5 / math.sqrt(len(z))
    assert stats.kstest([rng.exponential(a, b) for _, _, a, b in w], "expon").pvalue > 1e-4
    k = np.bincount([rng.below(7, a) for a, _, _, _ in w], minlength=7)
    assert len(k) == 7 and stats.chisquare(k).pvalue > 1e-4


def test_streams_are_told_apart_by_seed_purpose_and_name():
    keys = {
        int(rng.stream_key(*x)) for x in ((1, "noise", "exc"), (2, "noise", "exc"), (1, "weights", "exc"), (1, "noise", "inh"), (1, "noisee", "xc"))
    }
    assert len(keys) == 5
