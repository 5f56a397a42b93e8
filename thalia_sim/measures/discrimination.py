"""Can the patterns that a network was shown be told apart by its answers?

The readout is the nearest of the classes' mean answers (Euclidean; answers are square roots of spike counts, whose variance does not grow with
the count: Bartlett 1936, Suppl. J. R. Stat. Soc. 3:68), cross-validated: each fold leaves out one presentation of every class, so all means are of
equally many and an answer without information is right at the level of chance.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import MeasureError


class Discrimination(NamedTuple):
    """nan with fewer than two classes or two presentations of each."""

    accuracy: float  # share of presentations that were told right; a tie between k classes counts 1/k
    chance: float  # 1 / classes
    classes: int
    presentations: int  # of each class


def discriminate(counts: Any, labels: Any) -> Discrimination:
    """Accuracy of the readout.

    counts  [presentations, n] spikes of each neuron in each presentation
    labels  [presentations] whole numbers: the pattern presented
    Of each pattern as many presentations count as of the rarest, the first ones.
    """
    answers, classes = np.asarray(counts), np.asarray(labels)
    if answers.ndim != 2 or classes.shape != answers.shape[:1] or classes.dtype.kind not in "iu":
        shapes = f"counts have shape {answers.shape} and labels {classes.shape}"
        raise MeasureError(f"{shapes}: give [presentations, n] and one whole number a presentation")
    if answers.dtype.kind not in "iuf" or not np.isfinite(answers).all() or (answers < 0).any():
        raise MeasureError("counts hold what is no count: give finite numbers of at least 0")
    kinds, number = np.unique(classes, return_counts=True)
    k, folds = len(kinds), int(number.min(initial=len(classes)))
    if k < 2 or folds < 2:
        return Discrimination(math.nan, math.nan if k == 0 else 1.0 / k, k, folds)
    rows = np.stack([np.flatnonzero(classes == kind)[:folds] for kind in kinds])  # [k, folds]
    x = np.sqrt(answers[rows].astype(np.float64))  # [k, folds, n]
    means = (x.sum(axis=1, keepdims=True) - x) / (folds - 1)  # [k, folds, n], of class and fold left out
    right = sum(share_right(x[:, fold], means[:, fold]) for fold in range(folds))
    return Discrimination(right / (k * folds), 1.0 / k, k, folds)


def share_right(x: NDArray[np.float64], means: NDArray[np.float64]) -> float:
    """Number of the answers [k, n], one a class, that lie nearest to the mean of their own class, [k, n]."""
    apart = np.square(x[:, None, :] - means[None, :, :]).sum(axis=2)
    least = apart.min(axis=1, keepdims=True)
    nearest = apart <= least * (1.0 + 1e-12)
    return float((np.diagonal(nearest) / nearest.sum(axis=1)).sum())
