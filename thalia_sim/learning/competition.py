"""Competition among the units of a layer, on activations: the losers lose, and never rise (Rumelhart & Zipser 1985, Cogn. Sci. 9:75).

Groups: a label for each unit [n], in any order; None: the whole layer is one group. The winner of a group is its largest activation,
of equal ones the first.
"""

from __future__ import annotations

import sys

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import DescriptionError
from ..given import as_array, finite_array, is_whole, short
from .config import number

Floats = NDArray[np.float64]


def apply_competitive_learning(activations: ArrayLike, strength: float, groups: ArrayLike | None = None) -> Floats:
    """Activations [n] or [samples, n] after every loser of a group has lost strength x winner, down to 0 at most.

    A loser below 0 stays where it is, and so does a group whose winner is not above 0: there is no excitation.
    """
    number(strength, "strength", 0.0, sys.float_info.max, "a finite number, at least 0")
    a = checked_activations(activations)
    new = a.copy()
    for members in grouped(groups, a.shape[-1]):
        part = a[..., members]
        winner = part.max(axis=-1, keepdims=True)
        lost = np.minimum(part, np.maximum(part - strength * winner, 0.0))
        is_winner = np.arange(len(members)) == part.argmax(axis=-1)[..., None]
        new[..., members] = np.where(is_winner, part, lost)
    return new


def k_winners(activations: ArrayLike, k: int, groups: ArrayLike | None = None) -> Floats:
    """Activations [n] or [samples, n] of which in every group the k largest stay and the others fall to 0 (those below 0 stay)."""
    a = checked_activations(activations)
    new = np.minimum(a, 0.0)
    for members in grouped(groups, a.shape[-1]):
        if not is_whole(k) or not 1 <= k <= len(members):
            raise DescriptionError(f"k is {short(k)}: must be a whole number, at least 1 and at most the size of a group, {len(members)}")
        part = a[..., members]
        first = np.argsort(-part, axis=-1, kind="stable")[..., :k]
        kept = np.zeros(part.shape, dtype=bool)
        np.put_along_axis(kept, first, True, axis=-1)
        new[..., members] = np.where(kept, part, new[..., members])
    return new


def checked_activations(activations: ArrayLike) -> Floats:
    a = finite_array(activations, "activations")
    if a.ndim not in (1, 2) or not a.size:
        raise DescriptionError(f"activations have shape {list(a.shape)}: give [n] or [samples, n], not empty")
    return a


def grouped(groups: ArrayLike | None, n: int) -> list[NDArray[np.int64]]:
    """Members of each group of n units, in ascending order."""
    if groups is None:
        return [np.arange(n)]
    labels = as_array(groups)
    if labels.shape != (n,) or labels.dtype.kind not in "iu":
        raise DescriptionError(f"groups are {short(labels.tolist())}: give a whole number for each of the {n} units, the label of its group")
    return [np.flatnonzero(labels == label) for label in np.unique(labels)]
