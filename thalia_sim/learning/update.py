"""One synchronous update of the weights: all changes from the old weights first, then applied to all edges at once.

    w' = limit((w - gradient_step + hebbian_step) (1 - decay))

Decay, bound and pruning are what a Hebbian rule needs: they act on every edge, silent ones too, whenever that part has a weight above 0, and not
in a step of gradient alone. The limits, in this order: an edge that keeps its sign stops at zero, in every mode; |w| is at most max_weight; an edge
with |w| < min_weight is removed and never comes back.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import SimulationError
from .config import HebbianConfig, HybridLearningConfig

Floats = NDArray[np.float64]


@dataclass
class Edges:
    """A projection as a matrix.

    mask: edges that there are; sign: of edges that keep theirs (0: not known yet), None if they need not.
    """

    name: str
    source: str
    target: str
    w: Floats  # [n_pre, n_post]
    mask: NDArray[np.bool_]  # [n_pre, n_post]
    by_gradient: bool = True  # whether the gradient changes it
    by_hebb: bool = True  # whether the Hebbian part, decay included, changes it
    sign: NDArray[np.int8] | None = None  # [n_pre, n_post]
    steps: int = 1  # delay, where there is time


class Changes:
    """Sizes of the changes of one part, gathered over projections."""

    def __init__(self) -> None:
        self.count, self.total, self.largest = 0, 0.0, 0.0

    def add(self, delta: Floats) -> None:
        size = np.abs(delta)
        self.count += int(np.count_nonzero(size))
        self.total += float(size.sum())
        self.largest = max(self.largest, float(size.max(initial=0.0)))

    def told(self) -> dict[str, Any]:
        """edges_updated, avg_delta and max_delta of a result."""
        return {"edges_updated": self.count, "avg_delta": self.total / self.count if self.count else 0.0, "max_delta": self.largest}


@dataclass
class Limits:
    """Edges that met a limit, gathered over projections."""

    bounded: int = 0
    sign_kept: int = 0
    pruned: int = 0
    decayed: int = 0

    def told(self) -> dict[str, Any]:
        """The counts that every result has."""
        return {"bounded_count": self.bounded, "sign_kept_count": self.sign_kept, "pruned_count": self.pruned}


def clip_gradient(gradient: Mapping[str, Floats], config: HybridLearningConfig) -> tuple[dict[str, Floats], float, float]:
    """The gradient as the configuration clips it, its global norm before, and after."""
    norm = global_norm(gradient)
    most = config.max_grad_norm
    if config.clip == "element":
        clipped = {name: np.clip(g, -most, most) for name, g in gradient.items()}
    elif config.clip == "norm" and norm > most:
        clipped = {name: g * (most / norm) for name, g in gradient.items()}
    else:
        clipped = dict(gradient)
    return clipped, norm, global_norm(clipped)


def global_norm(gradient: Mapping[str, Floats]) -> float:
    """Length of all components of all projections as one vector; squares of shares of the largest, which cannot overflow."""
    largest = max((float(np.abs(g).max(initial=0.0)) for g in gradient.values()), default=0.0)
    if not 0.0 < largest < math.inf:
        return largest
    return largest * math.sqrt(sum(float(np.square(g / largest).sum()) for g in gradient.values()))


def check_finite(parts: Mapping[str, Floats], what: str) -> None:
    """Refuse a step that would spoil the weights, before any is changed."""
    for name, values in parts.items():
        if not np.isfinite(values).all():
            raise SimulationError(f"{what} of projection {name} is not finite: lower the learning rate or the activities")


def keep_signs(edges: Edges, w: Floats, limits: Limits) -> Floats:
    """Weights of which those that would change their sign are 0."""
    if edges.sign is None:
        return w
    turned = w * edges.sign < 0.0
    limits.sign_kept += int(turned.sum())
    kept = np.where(turned, 0.0, w)
    edges.sign = np.where(edges.sign == 0, np.sign(kept), edges.sign).astype(np.int8)
    return kept


def bound_and_prune(edges: Edges, w: Floats, config: HebbianConfig, limits: Limits) -> Floats:
    """Weights within max_weight; edges under min_weight are taken out."""
    beyond = np.abs(w) > config.max_weight
    limits.bounded += int(beyond.sum())
    w = np.where(beyond, np.copysign(config.max_weight, w), w)
    if config.min_weight > 0.0:
        lost = edges.mask & (np.abs(w) < config.min_weight)
        limits.pruned += int(lost.sum())
        edges.mask = edges.mask & ~lost
        w = np.where(edges.mask, w, 0.0)
    return w


@dataclass
class Step:
    """What is to be done to the weights: matrices by the name of the projection, 0 where there is no edge. A part that is None plays no role."""

    gradient: Mapping[str, Floats] | None  # to be subtracted
    hebbian: Mapping[str, Floats] | None  # to be added
    config: HebbianConfig

    def apply(self, projections: Mapping[str, Edges]) -> Outcome:
        """Change the weights of all projections that learn."""
        done = Outcome()
        for name, edges in projections.items():
            if not (edges.by_gradient or edges.by_hebb):
                continue
            done.total_edges += int(edges.mask.sum())
            w = old = edges.w
            if self.gradient is not None and edges.by_gradient:
                w = w - self.gradient[name]
                done.gradient.add(self.gradient[name])
            if self.hebbian is not None and edges.by_hebb:
                before = w
                w = w + self.hebbian[name]
                if self.config.weight_decay > 0.0:
                    done.limits.decayed += int(np.count_nonzero(w))
                    w = w * (1.0 - self.config.weight_decay)
                done.hebbian.add(w - before)
            w = keep_signs(edges, w, done.limits)
            edges.w = w if self.hebbian is None or not edges.by_hebb else bound_and_prune(edges, w, self.config, done.limits)
            done.whole.add(edges.w - old)
        return done


class Outcome:
    """What a step did, gathered over projections."""

    def __init__(self) -> None:
        self.gradient, self.hebbian, self.whole = Changes(), Changes(), Changes()
        self.limits, self.total_edges = Limits(), 0
