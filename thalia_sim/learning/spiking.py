"""A layered network of spiking neurons, read from a description: the spikes of `Simulation`, and the gradient of a loss through them.

    net = Network(dt=1.0)
    net.populate("in", 64, SpikeArray())
    net.populate("out", 10, LIFDelta())
    net.connect("in", "out", all_to_all(), w=Normal(0, 1))
    learner = SpikingNetwork(net)
    rates = learner.forward(spikes)                                  # spikes [steps, samples, 64] -> [samples, 10], spikes per ms
    learner.backward_gradient(loss_gradient, HybridLearningConfig())
    learner.write(net)

Populations are layers, projections matrices of weights; recurrent and skip connections are as good as others.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DescriptionError
from ..given import finite_array
from ..network import Network
from ..simulation import Simulation
from .layered import LayeredNetwork, check_kind
from .reading import read_layers, read_projections, write_description, write_simulation
from .surrogate import FastSigmoid

Floats = NDArray[np.float64]


class SpikingNetwork(LayeredNetwork):
    """A network of LIFDelta and LIFExp1 neurons driven by populations of given spikes (SpikeArray, SpikeFile, PoissonSource), whose spikes
    `forward` is given. Every sample starts from the initial values that the description draws.

    exclude: projections that do not learn; keep_sign: projections whose edges keep their sign. spikes: layer -> [steps, samples, n].
    Activations are mean rates in spikes per ms.
    """

    def __init__(
        self, net: Network, *, surrogate: FastSigmoid = FastSigmoid(), exclude: tuple[str, ...] = (), keep_sign: tuple[str, ...] = ()  # noqa: B008
    ) -> None:
        super().__init__()
        check_kind(net, Network, "network of SpikingNetwork")
        check_kind(surrogate, FastSigmoid, "surrogate of SpikingNetwork")
        self.dt, self.surrogate = net.dt, surrogate
        simulation = Simulation(net)
        self.membranes, self.inputs = read_layers(net, simulation)
        self.sizes = {name: population.n for name, population in net.populations.items()}
        self.projections = read_projections(net, simulation)
        self.spikes: dict[str, Floats] = {}
        self.exclude(*exclude)
        self.keep_sign(*keep_sign)

    @property
    def last(self) -> str:
        return next(reversed(self.membranes))

    def forward(self, spikes: Any) -> Floats:
        """Rates [samples, n] of the last layer, for spikes [steps, samples, n] of the input layer, or of several by name."""
        given = self.checked_inputs(spikes)
        steps, samples, _ = next(iter(given.values())).shape
        arriving = {name: np.zeros((steps, samples, self.sizes[name])) for name in self.membranes}
        inner = [edges for edges in self.projections.values() if edges.source in self.membranes]
        for edges in self.projections.values():
            if edges.source in given:
                arriving[edges.target][edges.steps :] += given[edges.source][: max(steps - edges.steps, 0)] @ edges.w
        for membrane in self.membranes.values():
            membrane.begin(samples)
        for step in range(steps):
            fired = {name: membrane.step(arriving[name][step], self.surrogate) for name, membrane in self.membranes.items()}
            for edges in inner:
                if step + edges.steps < steps:
                    arriving[edges.target][step + edges.steps] += fired[edges.source] @ edges.w
        self.spikes = {**given, **{name: np.array(membrane.spikes) for name, membrane in self.membranes.items()}}
        self.duration, self.current = steps * self.dt, True
        self.activations = {name: s.sum(axis=0) / self.duration for name, s in self.spikes.items()}
        return self.activations[self.last]

    def checked_inputs(self, spikes: Any) -> dict[str, Floats]:
        """Spikes [steps, samples, n] by input layer, all of as many steps and samples."""
        if not self.inputs or not self.membranes:
            raise DescriptionError("the network has no input or no neurons: populate it with a source such as SpikeArray() and with neurons")
        given = {}
        for name, value in self.by_layer(spikes, self.inputs[0], "spikes").items():
            values = np.asarray(value)
            given[name] = finite_array(values.astype(np.float64) if values.dtype == bool else values, f"spikes of layer {name}")
        if set(given) != set(self.inputs):
            raise DescriptionError(f"spikes are given for layers {', '.join(given)}: give them for {', '.join(self.inputs)}")
        shape = next(iter(given.values())).shape
        for name, values in given.items():
            if values.ndim != 3 or not values.size or values.shape != (*shape[:2], self.sizes[name]):
                need = f"give [steps, samples, {self.sizes[name]}], none of them 0"
                raise DescriptionError(f"spikes of layer {name} have shape {list(values.shape)}: {need}")
        return given

    def gradient(self, loss_gradient: Any) -> dict[str, Floats]:
        """dL/dw by backpropagation through time (Werbos 1990, Proc. IEEE 78:1550), the spikes' derivative by the surrogate.

        loss_gradient: dL/d(rate) [samples, n] of the last layer, or of layers by name; or dL/d(spike) [steps, samples, n].
        """
        steps, samples, _ = self.spikes[self.last].shape
        ds = {name: np.zeros((steps, samples, self.sizes[name])) for name in self.membranes}
        for name, given in self.by_layer(loss_gradient, self.last, "loss_gradient").items():
            values = finite_array(given, f"loss_gradient of layer {name}")
            if name not in ds or values.shape not in (ds[name].shape, ds[name].shape[1:]):
                shapes = f"[{samples}, {self.sizes[name]}] or [{steps}, {samples}, {self.sizes[name]}]"
                raise DescriptionError(f"loss_gradient of layer {name} has shape {list(values.shape)}: give {shapes} for a layer of neurons")
            ds[name] += values / self.duration if values.ndim == 2 else values
        dx = {name: np.zeros_like(s) for name, s in ds.items()}
        inner = [edges for edges in self.projections.values() if edges.source in self.membranes]
        for membrane in self.membranes.values():
            membrane.begin_back()
        for step in reversed(range(steps)):
            for edges in inner:
                if step + edges.steps < steps:
                    ds[edges.source][step] += dx[edges.target][step + edges.steps] @ edges.w.T
            for name, membrane in self.membranes.items():
                dx[name][step] = membrane.back(step, ds[name][step], self.surrogate)
        return {name: self.weight_gradient(edges, dx[edges.target]) for name, edges in self.projections.items() if edges.by_gradient}

    def weight_gradient(self, edges: Any, dx: Floats) -> Floats:
        """sum over steps and samples of s_pre(step - delay) dx_post(step)."""
        n_pre, n_post = edges.w.shape
        sent = self.spikes[edges.source][: max(len(dx) - edges.steps, 0)].reshape(-1, n_pre)
        return np.where(edges.mask, sent.T @ dx[edges.steps :].reshape(-1, n_post), 0.0)

    def round_weights(self) -> None:
        """Round all weights to single precision, as the simulator stores them: the spikes are then those of the simulation."""
        for edges in self.projections.values():
            edges.w = edges.w.astype(np.float32).astype(np.float64)
        self.current = False

    def write(self, to: Network | Simulation) -> None:
        """Put the weights into the description that they were read from, or into a simulation of it; they are rounded as `round_weights` does.

        In a description an edge that was removed is a synapse less; in a running simulation it is a synapse of weight 0.
        """
        if not isinstance(to, (Network, Simulation)):
            check_kind(to, Network, "target of write")
        self.round_weights()
        if isinstance(to, Simulation):
            write_simulation(self.projections, to)
        else:
            write_description(self.projections, to)
