"""Counter-based random numbers: Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3", SC'11).

A draw is a pure function of (key, a, b): the key says who draws and for what, a and b are 64-bit counters (a step and an element, say). There
is no generator state; whoever draws the same thing twice gets the same number, on any thread and in any order.
"""

import hashlib
import math

import numpy as np

from .jit import jit

M0, M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
W0, W1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
LOW, HALF = np.uint64(0xFFFFFFFF), np.uint64(32)
TWO_PI = 2.0 * math.pi


def stream_key(seed: int, purpose: str, name: str) -> np.uint64:
    """Key of one stream: 64 bits of a BLAKE2b hash of the seed, the purpose ("noise", "weights") and the name of what draws."""
    text = f"{seed}\0{purpose}\0{name}".encode()
    return np.uint64(int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little"))


@jit(inline="always")
def philox(key, a, b):
    """Four words of 32 bits (in uint64) for key (uint64) and counters a, b (uint64)."""
    c0, c1 = a & LOW, a >> HALF
    c2, c3 = b & LOW, b >> HALF
    k0, k1 = key & LOW, key >> HALF
    for _ in range(10):
        p0, p1 = M0 * c0, M1 * c2
        c0, c1, c2, c3 = (p1 >> HALF) ^ c1 ^ k0, p1 & LOW, (p0 >> HALF) ^ c3 ^ k1, p0 & LOW
        k0, k1 = (k0 + W0) & LOW, (k1 + W1) & LOW
    return c0, c1, c2, c3


@jit(inline="always")
def uniform(high, low):
    """A double in [0, 1) with 53 bits from two words."""
    return np.float64((high << np.uint64(21)) | (low >> np.uint64(11))) * (1.0 / 9007199254740992.0)


@jit(inline="always")
def below(n, word):
    """An integer in 0..n-1 (n < 2^32) from one word, by multiplication (bias under n / 2^32)."""
    return np.int64((word * np.uint64(n)) >> HALF)


@jit(inline="always")
def normals(w0, w1, w2, w3):
    """Two independent standard normals from four words (Box and Muller 1958)."""
    r = math.sqrt(-2.0 * math.log(1.0 - uniform(w0, w1)))
    angle = TWO_PI * uniform(w2, w3)
    return r * math.cos(angle), r * math.sin(angle)


@jit(inline="always")
def exponential(high, low):
    """A standard exponential from two words, by inversion."""
    return -math.log(1.0 - uniform(high, low))
