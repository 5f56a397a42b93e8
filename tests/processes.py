"""Branching processes with known parameters, for tests of what measures them."""

import numpy as np


def driven(m, mean, bins, rng, trials=1):
    """Spikes a bin of a stationary process with Poisson offspring and drive, [bins] or [trials, bins]."""
    n, now = np.empty((bins, trials), dtype=np.int64), np.full(trials, mean)
    for t in range(-200, bins):
        now = rng.poisson(m * now + (1.0 - m) * mean)
        if t >= 0:
            n[t] = now
    return n[:, 0] if trials == 1 else n.T


def undriven(m, start, bins, rng, trials):
    """Spikes a bin of a process without drive that begins with `start` spikes, [trials, bins]."""
    n = np.empty((bins, trials), dtype=np.int64)
    n[0] = start
    for t in range(1, bins):
        n[t] = rng.poisson(m * n[t - 1])
    return n.T


def trees(n, rng, m=1.0, longest=5000):
    """Spikes a bin of n avalanches of one ancestor each, with a bin without spikes before each and after the last."""
    alive, now, steps = np.arange(n), np.ones(n, dtype=np.int64), []
    while len(alive) and len(steps) < longest:
        steps.append((alive, now))
        now = rng.poisson(m * now)
        alive, now = alive[now > 0], now[now > 0]
    who, when = np.concatenate([a for a, _ in steps]), np.concatenate([np.full(len(a), k) for k, (a, _) in enumerate(steps)])
    duration = np.bincount(who)
    start = np.concatenate([[1], 1 + np.cumsum(duration + 1)])
    counts = np.zeros(start[-1], dtype=np.int64)
    counts[start[who] + when] = np.concatenate([c for _, c in steps])
    return counts
