"""Gradients against finite differences, and the spiking forward pass against the simulation."""

import math

import numpy as np
import pytest

from thalia_sim import (
    DC,
    DescriptionError,
    FastSigmoid,
    HebbianConfig,
    HybridLearningConfig,
    LIFCond,
    LIFDelta,
    LIFExp1,
    MemoryRecorder,
    Network,
    Normal,
    RateNetwork,
    Simulation,
    SimulationError,
    SmoothSpike,
    SpikeArray,
    SpikingNetwork,
    Uniform,
    all_to_all,
    cross_entropy,
    linear,
    probability,
    relu,
    sigmoid,
    squared_error,
    tanh,
)

DT = 0.5
STEPS = 80


def difference(loss, w, place, h):
    """Central difference of loss() by w[place], which is left as it was."""
    kept = w[place]
    w[place] = kept + h
    up = loss()
    w[place] = kept - h
    down = loss()
    w[place] = kept
    return (up - down) / (2 * h)


@pytest.mark.parametrize("activation", [linear, tanh, sigmoid, relu])
def test_slope_of_an_activation(activation):
    """Central differences, away from the kink of relu; error h^2 |f'''|/6 < 1e-9."""
    z, h = np.linspace(-3.05, 2.95, 41), 1e-5
    numeric = (activation.f(z + h) - activation.f(z - h)) / (2 * h)
    np.testing.assert_allclose(activation.slope(z, activation.f(z)), numeric, atol=1e-8)
    assert np.isfinite(activation.f(np.array([-800.0, 800.0]))[0])


@pytest.mark.parametrize("activation", [linear, tanh, sigmoid, relu])
def test_gradient_of_a_rate_network(activation):
    """Every weight of four layers with a skip connection and missing edges, by central differences of a cross entropy; rounding is 1e-16/h."""
    rng = np.random.default_rng(5)
    net = RateNetwork(seed=5)
    for name, n in (("a", 4), ("b", 5), ("c", 3), ("d", 3)):
        net.layer(name, n, activation)
    for source, target in (("a", "b"), ("b", "c"), ("a", "c"), ("c", "d"), ("b", "d")):
        w = rng.normal(0.0, 0.7, (net.sizes[source], net.sizes[target]))
        w[0, 0] = math.nan
        net.connect(source, target, w)
    x, classes = rng.normal(size=(6, 4)), rng.integers(0, 3, 6)
    loss, slope = cross_entropy(net.forward(x), classes)
    gradient = net.gradient(slope)
    largest = 0.0
    for name, edges in net.projections.items():
        assert gradient[name][0, 0] == 0.0
        for place in map(tuple, np.argwhere(edges.mask)):
            numeric = difference(lambda: cross_entropy(net.forward(x), classes)[0], edges.w, place, 1e-5)
            assert gradient[name][place] == pytest.approx(numeric, rel=1e-6, abs=1e-9)
            largest = max(largest, abs(numeric))
    assert largest > 0.01 and loss > 0.1


def test_gradient_from_several_layers():
    """The loss may look at a hidden layer too; central differences."""
    net = RateNetwork(seed=6)
    net.layer("a", 2)
    net.layer("b", 3, tanh)
    net.layer("c", 1, tanh)
    net.connect("a", "b")
    net.connect("b", "c")
    x = np.array([[0.3, -1.0]])

    def loss():
        net.forward(x)
        return float(net.activations["b"].sum() + 2.0 * net.activations["c"].sum())

    loss()
    gradient = net.gradient({"b": np.ones((1, 3)), "c": [[2.0]]})
    for place in np.ndindex(2, 3):
        assert gradient["a->b"][place] == pytest.approx(difference(loss, net.projections["a->b"].w, place, 1e-5), rel=1e-7)


def test_losses():
    """Central differences; a cross entropy of equal logits is log n, and of huge ones finite."""
    rng = np.random.default_rng(7)
    a, target, classes = rng.normal(size=(3, 4)), rng.normal(size=(3, 4)), np.array([0, 3, 1])
    for loss in (lambda: squared_error(a, target), lambda: cross_entropy(a, classes)):
        gradient = loss()[1]
        for place in np.ndindex(3, 4):
            assert gradient[place] == pytest.approx(difference(lambda f=loss: f()[0], a, place, 1e-5), rel=1e-6, abs=1e-9)
    assert cross_entropy(np.zeros((1, 4)), np.array([2]))[0] == pytest.approx(math.log(4))
    assert cross_entropy(np.array([[1e4, 0.0]]), np.array([1]))[0] == pytest.approx(1e4)


def test_the_slope_of_a_spike_is_that_of_the_smooth_one():
    """Zenke & Ganguli 2018: beta/2 / (1 + beta |u|)^2, by central differences of S(u), which rises from 0 to 1; a spike is 0 or 1."""
    u, h = np.linspace(-9.95, 10.05, 51), 1e-5
    hard, smooth = FastSigmoid(0.7), SmoothSpike(0.7)
    np.testing.assert_allclose(hard.slope(u), (smooth.spike(u + h) - smooth.spike(u - h)) / (2 * h), atol=1e-8)
    np.testing.assert_array_equal(hard.slope(u), smooth.slope(u))
    np.testing.assert_array_equal(hard.spike(np.array([-1e-12, 0.0, 1.0])), [0.0, 1.0, 1.0])
    assert smooth.spike(0.0) == 0.5 and smooth.spike(1e9) == pytest.approx(1.0) and smooth.spike(-1e9) == pytest.approx(0.0, abs=1e-8)


DELTA = LIFDelta(tau_m=10.0, v_th=10.0, t_ref=2.0, v_min=-5.0, x_max=12.0)
EXP1 = LIFExp1(tau_m=10.0, tau_syn=3.0, t_ref=1.0, v_min=-70.0, i_max=2500.0)


def layered(model, spikes=None, seed=3):
    """Inputs, a recurrent hidden layer and outputs, with a skip connection and three different delays; it hits every bound."""
    size, start = (6.0, Uniform(-3.0, 9.0)) if isinstance(model, LIFDelta) else (2000.0, Uniform(-65.0, -51.0))
    times, ids = ((), ()) if spikes is None else np.nonzero(spikes)
    net = Network(seed=seed, dt=DT)
    net.populate("in", 20, SpikeArray(times=(np.array(times) + 1) * DT, ids=np.array(ids, dtype=int)))
    net.populate("hidden", 30, model, v=start)
    net.populate("out", 5, model)
    net.connect("in", "hidden", all_to_all(), w=Normal(0.1 * size, size / 2), delay=DT)
    net.connect("hidden", "hidden", probability(0.3), w=Normal(0.0, size / 4), delay=2 * DT)
    net.connect("hidden", "out", all_to_all(), w=Normal(0.0, size / 2), delay=3 * DT)
    net.connect("in", "out", all_to_all(), w=Normal(0.0, size / 2))
    return net


def simulated(net, steps):
    """Spikes [steps, n] of each population of a simulation."""
    recorder = MemoryRecorder()
    Simulation(net, [recorder]).run(steps * DT)
    found = {}
    for name, population in net.populations.items():
        found[name] = np.zeros((steps, population.n))
        found[name][np.round(recorder.times(name) / DT).astype(int) - 1, recorder.ids(name)] = 1.0
    return found


@pytest.fixture
def given_spikes():
    return np.random.default_rng(8).random((STEPS, 20)) < 0.1


@pytest.mark.parametrize("model", [DELTA, EXP1], ids=["LIFDelta", "LIFExp1"])
def test_spikes_are_those_of_the_simulation(model, given_spikes):
    """Reference: `Simulation` of the same description, for all layers and steps, and the membrane potentials at the end to the bit.

    Sums of single-precision weights are exact in double precision, whatever their order, as long as their exponents are less than 29 apart.
    """
    net = layered(model, given_spikes)
    learner = SpikingNetwork(net)
    rates = learner.forward(given_spikes[:, None])
    expected = simulated(net, STEPS)
    assert expected["hidden"].sum() > 50 and expected["out"].sum() > 5
    for name, spikes in expected.items():
        np.testing.assert_array_equal(learner.spikes[name][:, 0], spikes)
    np.testing.assert_allclose(rates[0], expected["out"].sum(axis=0) / (STEPS * DT))
    sim = Simulation(net)
    sim.run(STEPS * DT)
    for name, membrane in learner.membranes.items():
        np.testing.assert_array_equal(membrane.v[0], sim[name].v)


def test_samples_do_not_mix(given_spikes):
    """Two samples together give what each gives alone."""
    learner = SpikingNetwork(layered(DELTA))
    other = given_spikes[::-1]
    together = learner.forward(np.stack([given_spikes, other], axis=1))
    np.testing.assert_array_equal(together[:1], learner.forward(given_spikes[:, None]))
    np.testing.assert_array_equal(together[1:], learner.forward(other[:, None]))
    assert not np.array_equal(together[0], together[1])


@pytest.mark.parametrize("model", [DELTA, EXP1], ids=["LIFDelta", "LIFExp1"])
def test_gradient_of_a_spiking_network(model):
    """Central differences of the same network with the spike replaced by the surrogate's integral: through time, the reset, recurrent and skip
    connections and all bounds. The refractory clock and the bounds are steps or kinks, which no weight here is within 1e-6 of."""
    rng = np.random.default_rng(9)
    learner = SpikingNetwork(layered(model), surrogate=SmoothSpike(0.5))
    x, c = (rng.random((40, 3, 20)) < 0.15).astype(float), rng.normal(size=(3, 5))

    def loss():
        return float((np.tanh(3.0 * learner.forward(x)) * c).sum())

    loss()
    gradient = learner.gradient(3.0 * c * (1.0 - np.tanh(3.0 * learner.activations["out"]) ** 2))
    for membrane in learner.membranes.values():
        assert any((~free).any() for free in membrane.free)
    assert any((~within).any() for within in learner.membranes["hidden"].within)
    for name, edges in learner.projections.items():
        scale = np.abs(gradient[name]).max()
        assert scale > 0.0 and not gradient[name][~edges.mask].any()
        for place in map(tuple, rng.permutation(np.argwhere(edges.mask))[:12]):
            numeric = difference(loss, edges.w, place, 1e-6 * np.abs(edges.w).max())
            assert gradient[name][place] == pytest.approx(numeric, rel=1e-4, abs=1e-6 * scale)


def test_a_loss_on_single_spikes():
    """dL/d(rate) and the same spread over the steps, dL/d(spike) = dL/d(rate) / duration, give one gradient; a single step gives another."""
    learner = SpikingNetwork(layered(DELTA))
    learner.forward((np.random.default_rng(1).random((40, 2, 20)) < 0.2).astype(float))
    c = np.random.default_rng(2).normal(size=(2, 5))
    whole = learner.gradient(c)
    spread = learner.gradient(np.broadcast_to(c / (40 * DT), (40, 2, 5)))
    for name, g in whole.items():
        np.testing.assert_allclose(spread[name], g, atol=1e-15)
    late = np.zeros((40, 2, 5))
    late[30] = c
    assert not np.allclose(learner.gradient(late)["in->out"], whole["in->out"])


@pytest.mark.parametrize("net", ["rate", "spiking"])
def test_descent_lowers_the_loss(net):
    """Steps against the gradient lower a squared error by more than half."""
    rng = np.random.default_rng(3)
    if net == "rate":
        learner = RateNetwork(seed=1)
        learner.layer("in", 5)
        learner.layer("hidden", 8, tanh)
        learner.layer("out", 2, sigmoid)
        learner.connect("in", "hidden")
        learner.connect("hidden", "out")
        x, target, rate = rng.normal(size=(10, 5)), rng.random((10, 2)), 5.0
    else:
        learner = SpikingNetwork(layered(LIFDelta(tau_m=10.0, v_th=10.0)), surrogate=FastSigmoid(0.5))
        x, target, rate = (rng.random((40, 4, 20)) < 0.2).astype(float), rng.random((4, 5)) * 0.3, 100.0
    losses = []
    for _ in range(60):
        loss, gradient = squared_error(learner.forward(x), target)
        losses.append(loss)
        learner.backward_gradient(gradient, HybridLearningConfig(gradient_lr=rate))
    assert min(losses[-5:]) < 0.5 * losses[0]


def test_the_ends_of_the_mixture_of_a_spiking_network():
    """(1, 0) and (0, 1) equal the pure modes to the bit."""
    config = HybridLearningConfig(gradient_lr=3.0, hebbian=HebbianConfig(0.5, weight_decay=0.01).with_oja_rule())
    steps = {
        "gradient": lambda net: net.backward_gradient(np.ones((1, 5)), config),
        "(1, 0)": lambda net: net.backward_hybrid(np.ones((1, 5)), config.with_weights(1.0, 0.0)),
        "hebbian": lambda net: net.backward_hebbian(config.hebbian),
        "(0, 1)": lambda net: net.backward_hybrid(np.ones((1, 5)), config.with_weights(0.0, 1.0)),
        "mixed": lambda net: net.backward_hybrid(np.ones((1, 5)), config),
    }
    found = {}
    for name, step in steps.items():
        learner = SpikingNetwork(layered(DELTA))
        learner.forward((np.random.default_rng(4).random((40, 1, 20)) < 0.2).astype(float))
        step(learner)
        found[name] = b"".join(learner.weights(p).tobytes() for p in learner.projections)
    assert found["gradient"] == found["(1, 0)"] and found["hebbian"] == found["(0, 1)"]
    assert len(set(found.values())) == 3


def test_a_hebbian_step_needs_no_new_forward_pass():
    """(0, 1) a second time without forward is backward_hebbian a second time, to the bit; the gradient of older weights is not known, and (1, 1) asks
    for it."""
    config, spikes = HybridLearningConfig(0.0, 1.0, hebbian=HebbianConfig(0.5)), (np.random.default_rng(4).random((40, 1, 20)) < 0.2).astype(float)
    first, second = SpikingNetwork(layered(DELTA)), SpikingNetwork(layered(DELTA))
    for learner in (first, second):
        learner.forward(spikes)
    for _ in range(2):
        told = first.backward_hybrid(np.ones((1, 5)), config).hebbian
        assert told == second.backward_hebbian(config.hebbian)
    assert all(np.array_equal(first.weights(p), second.weights(p)) for p in first.projections)
    assert np.isnan(first.backward_hybrid(np.ones((1, 5)), config).gradient.grad_norm)
    with pytest.raises(SimulationError, match="call forward first"):
        first.backward_hybrid(np.ones((1, 5)), config.with_weights(0.5, 0.5))


def test_trained_weights_go_back(given_spikes):
    """After learning with pruning the weights go into the description, whose simulation then gives the spikes of the trained network, with as many
    synapses as edges are left; and into a running simulation, with zeros in their place."""
    net = layered(DELTA, given_spikes)
    running = Simulation(layered(DELTA, given_spikes))
    learner = SpikingNetwork(net, exclude=("hidden->hidden",))
    before = learner.weights("hidden->hidden"), learner.forward(given_spikes[:, None])
    config = HybridLearningConfig(0.5, 0.5, gradient_lr=20.0, hebbian=HebbianConfig(5.0, max_weight=20.0, min_weight=0.2))
    pruned = 0
    for _ in range(5):
        learner.forward(given_spikes[:, None])
        pruned += learner.backward_hybrid(-np.ones((1, 5)), config).hebbian.pruned_count
    assert pruned > 5
    learner.write(net)
    learner.write(running)
    after = learner.forward(given_spikes[:, None])
    expected = simulated(net, STEPS)
    assert not np.array_equal(after, before[1])
    for name, spikes in expected.items():
        np.testing.assert_array_equal(learner.spikes[name][:, 0], spikes)
    np.testing.assert_array_equal(learner.weights("hidden->hidden"), before[0])
    fresh = Simulation(net)
    for name, edges in learner.projections.items():
        assert len(fresh[name].w) == edges.mask.sum()
        np.testing.assert_array_equal(running[name].w, edges.w[running[name].i, running[name].j])
    recorder = MemoryRecorder()
    running.attach(recorder)
    running.run(STEPS * DT)
    assert len(recorder.times("out")) == expected["out"].sum()
    again = SpikingNetwork(net)
    np.testing.assert_array_equal(again.forward(given_spikes[:, None]), after)


def test_the_gradient_needs_this_forward_pass(given_spikes):
    learner = SpikingNetwork(layered(DELTA))
    with pytest.raises(SimulationError, match="call forward first"):
        learner.backward_gradient(np.ones((1, 5)), HybridLearningConfig())
    learner.forward(given_spikes[:, None])
    learner.backward_hebbian(HebbianConfig())
    with pytest.raises(SimulationError, match="the weights have changed since the last forward pass"):
        learner.backward_gradient(np.ones((1, 5)), HybridLearningConfig())


def small(**changes):
    """A description of two inputs and two neurons."""
    net = Network(dt=1.0)
    net.populate("in", 2, SpikeArray())
    net.populate("out", 2, changes.pop("model", LIFDelta()))
    net.connect("in", "out", changes.pop("wiring", all_to_all()), w=changes.pop("w", 1.0), **changes)
    return net


def driven():
    net = small()
    net.drive("out", DC(amplitude=1.0))
    return net


def partial():
    net = small()
    net.connect(net["in"][:1], "out", all_to_all(), w=1.0)
    return net


@pytest.mark.parametrize("net, message", [
    (driven, "^drive dc->out is no part of a layered network"),
    (partial, "which is no whole population"),
    (lambda: small(model=LIFCond(), receptor="exc"), "^population out is of model LIFCond"),
    (lambda: small(model=LIFDelta(tau_m=np.array([10.0, 20.0]))), "^tau_m of population out has a value for each neuron"),
    (lambda: small(delay=Uniform(1.0, 5.0)), "has delays from"),
    (lambda: small(gain=2.0), "has a gain or a rule"),
    (lambda: small(wiring=probability(1.0)).populate, "^network of SpikingNetwork"),
])  # fmt: skip
def test_descriptions_that_are_no_layered_network(net, message):
    with pytest.raises(DescriptionError, match=message):
        SpikingNetwork(net())


def test_two_synapses_of_a_pair_are_refused():
    from thalia_sim import from_arrays

    with pytest.raises(DescriptionError, match="several synapses between the same two neurons"):
        SpikingNetwork(small(wiring=from_arrays([0, 0], [1, 1])))


@pytest.mark.parametrize("act, message", [
    (lambda net: net.forward(np.zeros((3, 2))), "^spikes of layer in have shape .3, 2.: give .steps, samples, 2."),
    (lambda net: net.forward({"out": np.zeros((3, 1, 2))}), "give them for in"),
    (lambda net: net.forward(np.full((3, 1, 2), math.nan)), "^spikes of layer in"),
    (lambda net: net.write("net"), "^target of write is 'net'"),
    (lambda net: net.write(layered(DELTA)), "^projection|has no projection"),
    (lambda net: (net.forward(np.zeros((3, 1, 2))), net.gradient(np.zeros((2, 2)))), "^loss_gradient of layer out has shape"),
    (lambda net: (net.forward(np.zeros((3, 1, 2))), net.gradient({"in": np.zeros((1, 2))})), "^loss_gradient of layer in"),
])  # fmt: skip
def test_bad_input_is_refused(act, message):
    learner = SpikingNetwork(small())
    with pytest.raises((DescriptionError, KeyError), match=message):
        act(learner)


def test_thresholds_of_single_neurons():
    """Reference: the simulation; v_th may differ from neuron to neuron."""
    spikes = np.ones((30, 2), dtype=bool)
    times, ids = np.nonzero(spikes)
    net = Network(dt=DT)
    net.populate("in", 2, SpikeArray(times=(times + 1) * DT, ids=ids))
    net.populate("out", 2, LIFDelta(v_th=np.array([5.0, 12.0])))
    net.connect("in", "out", all_to_all(), w=1.0)
    learner = SpikingNetwork(net)
    learner.forward(spikes[:, None])
    expected = simulated(net, 30)["out"]
    np.testing.assert_array_equal(learner.spikes["out"][:, 0], expected)
    assert expected[:, 0].sum() > expected[:, 1].sum() > 0
