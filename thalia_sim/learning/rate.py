"""A layered network of rate units: a_j = f(sum_i w_ij a_i), layer after layer, and the gradient of a loss by the chain rule.

    net = RateNetwork(seed=1)
    net.layer("in", 4)
    net.layer("hidden", 8, tanh)
    net.layer("out", 2, sigmoid)
    net.connect("in", "hidden")
    net.connect("hidden", "out")
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DescriptionError
from ..given import finite_array, is_whole, short
from .activation import Activation, linear
from .config import number
from .layered import LayeredNetwork, check_kind
from .update import Edges

Floats = NDArray[np.float64]


class RateNetwork(LayeredNetwork):
    """Layers in the order in which they are made; projections lead from a layer to any later one. Layers without a projection are inputs."""

    def __init__(self, seed: int = 1) -> None:
        super().__init__()
        if not is_whole(seed) or seed < 0:
            raise DescriptionError(f"seed is {short(seed)}: give a whole number, at least 0")
        self.rng = np.random.default_rng(seed)
        self.functions: dict[str, Activation] = {}
        self.z: dict[str, Floats] = {}  # layer -> weighted sums [samples, n] of the last forward pass
        self.a: dict[str, Floats] = {}  # layer -> activations [samples, n] of it, as they were before anybody changed them

    def layer(self, name: str, n: int, activation: Activation = linear) -> None:
        """Add n units; the activation of an input layer plays no role."""
        if not isinstance(name, str) or not name.isidentifier() or name in self.sizes:
            raise DescriptionError(f"name of a layer is {short(name)}: use letters, digits and underscores, each name once")
        if not is_whole(n) or n < 1:
            raise DescriptionError(f"layer {name} has size {short(n)}: give a whole number, at least 1")
        check_kind(activation, Activation, f"activation of layer {name}")
        self.sizes[name], self.functions[name] = int(n), activation

    def connect(self, source: str, target: str, w: Any = None, *, scale: float = 1.0, name: str | None = None) -> None:
        """Add a projection from a layer to a later one.

        w: a number, or a table [n_source, n_target], of which an entry nan is no edge; None: normal with mean 0 and deviation
        scale / sqrt(n_source).
        """
        name = f"{self.known_layer(source)}->{self.known_layer(target)}" if name is None else name
        order = list(self.sizes)
        if order.index(source) >= order.index(target):
            raise DescriptionError(f"projection {name} leads from layer {source} to {target}, made before it: connect to a later layer")
        if name in self.projections:
            raise DescriptionError(f"there is a projection {name} already: give the second one another name")
        number(scale, f"scale of projection {name}", 0.0, 1e300, "a finite number, at least 0")
        shape = self.sizes[source], self.sizes[target]
        if w is None:
            w = self.rng.normal(0.0, scale / math.sqrt(shape[0]), shape)
        table, mask = self.checked_table(w, name, shape)
        self.projections[name] = Edges(name, source, target, table, mask)
        self.current = False

    @staticmethod
    def checked_table(w: Any, name: str, shape: tuple[int, int]) -> tuple[Floats, NDArray[np.bool_]]:
        """(weights, where there are edges)."""
        try:
            values = np.array(np.broadcast_to(np.asarray(w, dtype=np.float64), shape))
        except (TypeError, ValueError):
            raise DescriptionError(f"w of projection {name} is {short(w)}: give a number or a table {list(shape)}") from None
        mask = ~np.isnan(values)
        return finite_array(np.where(mask, values, 0.0), f"w of projection {name}"), mask

    @property
    def inputs(self) -> list[str]:
        """Layers that no projection reaches."""
        reached = {edges.target for edges in self.projections.values()}
        return [name for name in self.sizes if name not in reached]

    @property
    def last(self) -> str:
        return next(reversed(self.sizes))

    def forward(self, x: Any, duration: float = 1.0) -> Floats:
        """Activations [samples, n] of the last layer for inputs [samples, n] of the input layer, or of several by name.

        duration: ms that a sample lasts, by which the sliding threshold of BCM moves.
        """
        number(duration, "duration", 0.0, 1e300, "a number of ms, at least 0")
        if not self.sizes:
            raise DescriptionError("the network has no layers: add some")
        given = self.checked_inputs(x)
        z: dict[str, Floats] = {}
        a: dict[str, Floats] = {}
        for name, function in self.functions.items():
            incoming = [edges for edges in self.projections.values() if edges.target == name]
            if incoming:
                z[name] = np.sum([a[edges.source] @ edges.w for edges in incoming], axis=0)
            a[name] = function.f(z[name]) if incoming else given[name]
        self.z, self.a, self.activations = z, a, dict(a)
        self.duration, self.current = float(duration), True
        return a[self.last]

    def checked_inputs(self, x: Any) -> dict[str, Floats]:
        """Inputs [samples, n] by layer, all of as many samples."""
        inputs = self.inputs
        given = {name: np.atleast_2d(finite_array(v, f"input of layer {name}")) for name, v in self.by_layer(x, inputs[0], "x").items()}
        if set(given) != set(inputs):
            raise DescriptionError(f"x is given for layers {', '.join(given)}: give it for {', '.join(inputs)}")
        samples = len(next(iter(given.values())))
        for name, values in given.items():
            if values.shape != (samples, self.sizes[name]):
                raise DescriptionError(f"input of layer {name} has shape {list(values.shape)}: give [{samples}, {self.sizes[name]}]")
        return given

    def gradient(self, loss_gradient: Any) -> dict[str, Floats]:
        """dL/dw = a_pre^T dz,    dz = da f'(z),    da = dL/da + sum over projections of dz_post w^T (Rumelhart, Hinton & Williams 1986)."""
        da = {name: np.zeros_like(a) for name, a in self.a.items()}
        for name, given in self.by_layer(loss_gradient, self.last, "loss_gradient").items():
            values = finite_array(given, f"loss_gradient of layer {name}")
            if values.shape != da[name].shape:
                raise DescriptionError(f"loss_gradient of layer {name} has shape {list(values.shape)}: give {list(da[name].shape)}")
            da[name] = values
        gradient = {}
        for name in reversed(list(self.z)):
            dz = da[name] * self.functions[name].slope(self.z[name], self.a[name])
            for edges in self.projections.values():
                if edges.target == name:
                    da[edges.source] = da[edges.source] + dz @ edges.w.T
                    if edges.by_gradient:
                        gradient[edges.name] = np.where(edges.mask, self.a[edges.source].T @ dz, 0.0)
        return {name: gradient[name] for name in self.projections if name in gradient}
