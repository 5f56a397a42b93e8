"""What an update did, in numbers. An edge is one weight of a projection that learns and has not been removed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class HebbianResult:
    """The Hebbian part of an update.

    A delta is what the rule, times hebbian_weight in a hybrid step, and decay changed, before limits, in the unit of the weights. Limits count
    the edges of the whole step.
    """

    edges_updated: int  # with a delta that is not zero
    avg_delta: float  # mean |delta| over edges_updated
    max_delta: float  # largest |delta|
    bounded_count: int
    sign_kept_count: int
    pruned_count: int
    decayed_count: int
    total_edges: int  # edges before the update


@dataclass(frozen=True)
class GradientResult:
    """The gradient part of an update; deltas are learning rate x weight of the part x clipped gradient."""

    edges_updated: int
    avg_delta: float
    max_delta: float
    grad_norm: float  # global norm over all projections that learn
    clipped_norm: float  # the same after clipping
    bounded_count: int
    sign_kept_count: int
    pruned_count: int
    total_edges: int

    @property
    def clipped(self) -> bool:
        return self.clipped_norm < self.grad_norm


@dataclass(frozen=True)
class HybridResult:
    """Both parts of one step; the limits act once, on their sum, and are told in both."""

    gradient: GradientResult
    hebbian: HebbianResult
    edges_updated: int  # edges whose weight is another after the step
    avg_delta: float  # mean |w' - w| over edges_updated
    max_delta: float
    total_edges: int
