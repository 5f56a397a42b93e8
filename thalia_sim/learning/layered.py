"""Layers of units and matrices of weights between them, and the three ways to change these: by gradient, by Hebb, and by both at once.

`RateNetwork` and `SpikingNetwork` say what a forward pass is and how a loss flows back through it; everything else is here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import DescriptionError, PathError, SimulationError, nearest
from ..given import finite_array, short
from .competition import apply_competitive_learning, k_winners
from .config import HebbianConfig, HybridLearningConfig
from .delta import matrix_delta, slide_threshold
from .results import GradientResult, HebbianResult, HybridResult
from .update import Changes, Edges, Limits, Step, check_finite, clip_gradient

Floats = NDArray[np.float64]


class LayeredNetwork:
    """What all layered networks share.

    sizes: name of a layer -> its units. projections: name -> `Edges`. activations: name of a layer -> [samples, n], of the last forward pass;
    the Hebbian rules read them, and `teach`, `compete` and `keep_winners` change them. theta: name of a layer -> [n], sliding thresholds of BCM.
    """

    def __init__(self) -> None:
        self.sizes: dict[str, int] = {}
        self.projections: dict[str, Edges] = {}
        self.activations: dict[str, Floats] = {}
        self.theta: dict[str, Floats] = {}
        self.duration = 0.0  # ms of a sample of the last forward pass
        self.current = False  # whether the weights are those of the last forward pass

    def gradient(self, loss_gradient: Any) -> dict[str, Floats]:
        """dL/dw of every projection that learns by it [n_pre, n_post], 0 where there is no edge, from dL/da of the last layer, or of some by name."""
        raise NotImplementedError

    def backward_hebbian(self, config: HebbianConfig) -> HebbianResult:
        """Change all weights by a Hebbian rule: w' = limit((w + dw)(1 - decay))."""
        check_kind(config, HebbianConfig, "config of backward_hebbian")
        done = Step(None, self.hebbian_deltas(config, 1.0), config).apply(self.projections)
        self.finish(config)
        return hebbian_result(done.hebbian, done.limits, done.total_edges)

    def backward_gradient(self, loss_gradient: Any, config: HybridLearningConfig) -> GradientResult:
        """Change all weights against the gradient: w' = w - gradient_lr clip(dL/dw); the parts' weights and the Hebbian settings play no role."""
        check_kind(config, HybridLearningConfig, "config of backward_gradient")
        return self.backward_hybrid(loss_gradient, config.with_weights(1.0, 0.0)).gradient

    def backward_hybrid(self, loss_gradient: Any, config: HybridLearningConfig) -> HybridResult:
        """Change all weights by both parts: w' = limit((w - gradient_weight gradient_lr clip(dL/dw) + hebbian_weight dw)(1 - decay)).

        A part of weight 0 plays no role, so (1, 0) is backward_gradient and (0, 1) backward_hebbian, to the bit. The latter needs no forward pass
        with these weights either; the norms of the gradient are then nan.
        """
        check_kind(config, HybridLearningConfig, "config of backward_hybrid")
        clipped: dict[str, Floats] = {}
        norm = clipped_norm = math.nan
        if config.gradient_weight > 0.0 or self.current:  # of older weights there is no gradient, and where it plays no role none is needed
            clipped, norm, clipped_norm = clip_gradient(self.checked_gradient(loss_gradient), config)
        rate = config.gradient_lr * config.gradient_weight
        gradient = {name: rate * g for name, g in clipped.items()} if config.gradient_weight > 0.0 else None
        hebbian = self.hebbian_deltas(config.hebbian, config.hebbian_weight) if config.hebbian_weight > 0.0 else None
        done = Step(gradient, hebbian, config.hebbian).apply(self.projections)
        self.finish(config.hebbian if hebbian is not None else None)
        part = GradientResult(
            **done.gradient.told(), grad_norm=norm, clipped_norm=clipped_norm, **done.limits.told(), total_edges=done.total_edges
        )
        return HybridResult(part, hebbian_result(done.hebbian, done.limits, done.total_edges), **done.whole.told(), total_edges=done.total_edges)

    def checked_gradient(self, loss_gradient: Any) -> dict[str, Floats]:
        """The gradient of the last forward pass, which must have been made with these weights."""
        self.need_activations()
        if not self.current:
            raise SimulationError("the weights have changed since the last forward pass, whose gradient this would be: call forward first")
        gradient = self.gradient(loss_gradient)
        check_finite(gradient, "gradient")
        return gradient

    def hebbian_deltas(self, config: HebbianConfig, share: float) -> dict[str, Floats]:
        """share * dw of every projection that learns by Hebb, from the activations there are."""
        self.need_activations()
        deltas = {}
        for name, edges in self.projections.items():
            if edges.by_hebb:
                pre, post = self.activations[edges.source], self.activations[edges.target]
                with np.errstate(over="ignore", invalid="ignore"):
                    delta = share * matrix_delta(pre, post, edges.w, config, self.threshold(edges.target, config))
                deltas[name] = np.where(edges.mask, delta, 0.0)
        check_finite(deltas, "Hebbian delta")
        return deltas

    def threshold(self, layer: str, config: HebbianConfig) -> Any:
        """theta of BCM: the fixed one, or the sliding one of each unit [n], which starts at the fixed one within its bounds."""
        if config.sliding is None:
            return config.bcm_threshold
        start = np.clip(config.bcm_threshold, config.sliding.low, config.sliding.high)
        return self.theta.setdefault(layer, np.full(self.sizes[layer], start))

    def finish(self, config: HebbianConfig | None) -> None:
        """After a step: thresholds slide by the activities that it was made from, and the forward pass is out of date."""
        self.current = False
        if config is not None and config.sliding is not None:
            for layer in {edges.target for edges in self.projections.values() if edges.by_hebb}:
                post = self.activations[layer]
                self.theta[layer] = slide_threshold(self.threshold(layer, config), post, config.sliding, self.duration * len(post))

    def need_activations(self) -> None:
        if not self.activations:
            raise SimulationError("there are no activations to learn from: call forward first")

    def teach(self, layer: str, activations: ArrayLike) -> None:
        """Clamp the activations [samples, n] of a layer for the Hebbian rules, until the next forward pass; a gradient does not see it."""
        self.need_activations()
        values, expected = finite_array(activations, f"activations of layer {short(layer)}"), self.activations_of(layer).shape
        if values.shape != expected:
            raise DescriptionError(f"activations of layer {layer} have shape {list(values.shape)}: give {list(expected)}, as forward did")
        self.activations[layer] = values

    def compete(self, layer: str, strength: float, groups: ArrayLike | None = None) -> None:
        """Let the units of a layer, or of groups of it, inhibit each other: see `apply_competitive_learning`."""
        self.activations[layer] = apply_competitive_learning(self.activations_of(layer), strength, groups)

    def keep_winners(self, layer: str, k: int, groups: ArrayLike | None = None) -> None:
        """Silence all but the k most active units of a layer, or of each group of it: see `k_winners`."""
        self.activations[layer] = k_winners(self.activations_of(layer), k, groups)

    def activations_of(self, layer: str) -> Floats:
        """Activations [samples, n] of a layer by its name."""
        self.need_activations()
        return self.activations[self.known_layer(layer)]

    def known_layer(self, name: Any) -> str:
        if not isinstance(name, str) or name not in self.sizes:
            raise PathError(f"unknown layer {short(name)}: {nearest(name, self.sizes)}")
        return name

    def known_projection(self, name: Any) -> str:
        if not isinstance(name, str) or name not in self.projections:
            raise PathError(f"unknown projection {short(name)}: {nearest(name, self.projections)}")
        return name

    def exclude(self, *names: str) -> None:
        """Take projections out of learning: no step of any kind changes them."""
        self.exclude_from_gradient(*names)
        self.exclude_from_hebbian(*names)

    def exclude_from_gradient(self, *names: str) -> None:
        """Take projections out of the gradient and its norm; the Hebbian part still changes them."""
        for name in names:
            self.projections[self.known_projection(name)].by_gradient = False

    def exclude_from_hebbian(self, *names: str) -> None:
        """Take projections out of the Hebbian part, its decay included; the gradient still changes them."""
        for name in names:
            self.projections[self.known_projection(name)].by_hebb = False

    def include(self, *names: str) -> None:
        """Let projections learn again, by both parts."""
        for name in names:
            edges = self.projections[self.known_projection(name)]
            edges.by_gradient = edges.by_hebb = True

    def keep_sign(self, *names: str) -> None:
        """No edge of these projections changes its sign from now on (Dale's principle); one of weight 0 takes the first sign that it gets."""
        for name in names:
            edges = self.projections[self.known_projection(name)]
            edges.sign = np.sign(edges.w).astype(np.int8)

    def weights(self, projection: str) -> Floats:
        """A copy of the weights [n_pre, n_post] of a projection; 0 where there is no edge."""
        return self.projections[self.known_projection(projection)].w.copy()

    def set_weights(self, projection: str, w: ArrayLike) -> None:
        """Give a projection other weights [n_pre, n_post]; where there is no edge they must be 0."""
        edges, values = self.projections[self.known_projection(projection)], finite_array(w, f"w of projection {projection}")
        if values.shape != edges.w.shape:
            raise DescriptionError(f"w of projection {projection} has shape {list(values.shape)}: give {list(edges.w.shape)}")
        if np.any(values[~edges.mask]):
            raise DescriptionError(f"w of projection {projection} has weights where there is no edge: give 0 there")
        edges.w, self.current = values, False
        if edges.sign is not None:
            self.keep_sign(projection)

    def by_layer(self, given: Any, last: str, what: str) -> Mapping[str, Any]:
        """A mapping from names of layers, or a single array, which is that of the layer `last`."""
        named = given if isinstance(given, Mapping) else {last: given}
        for name in named:
            self.known_layer(name)
        if not named:
            raise DescriptionError(f"{what} is empty: give an array, or arrays by the names of layers")
        return named


def check_kind(value: Any, kind: type, what: str) -> None:
    if not isinstance(value, kind):
        raise DescriptionError(f"{what} is {short(value)}: give a {kind.__name__}")


def hebbian_result(changes: Changes, limits: Limits, total_edges: int) -> HebbianResult:
    return HebbianResult(**changes.told(), **limits.told(), decayed_count=limits.decayed, total_edges=total_edges)
