"""Losses as (value, gradient), each the mean over the samples."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def squared_error(a: Floats, target: Floats) -> tuple[float, Floats]:
    """Half the squared distance of a [samples, n] from its target, and dL/da."""
    difference = np.asarray(a) - target
    return float(0.5 * np.square(difference).sum() / len(difference)), difference / len(difference)


def cross_entropy(logits: Floats, classes: NDArray[np.int64]) -> tuple[float, Floats]:
    """-log softmax(logits)[class] of logits [samples, n] and classes [samples], and dL/dlogits."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    rows = np.arange(len(logits))
    gradient = np.exp(log_p)
    gradient[rows, classes] -= 1.0
    return float(-log_p[rows, classes].mean()), gradient / len(logits)
