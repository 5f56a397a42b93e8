"""The compiled engine against the plain Python one of `reference.py`, on random small networks (hypothesis): identical spikes, identical bits."""

import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reference import Reference

from thalia_sim import (
    DC,
    AdaptiveLIF,
    Hook,
    LIFAlpha,
    LIFCond,
    LIFDelta,
    LIFExp,
    LIFExp1,
    MemoryRecorder,
    Network,
    Simulation,
    SpikeArray,
    from_arrays,
)
from thalia_sim.errors import EmptyProjection, UnusualValue
from thalia_sim.kernels import loop

pytestmark = pytest.mark.filterwarnings("ignore::thalia_sim.errors.UnusualValue", "ignore::thalia_sim.errors.EmptyProjection")

INF = float("inf")
SHARED = {"t_ref": [0.0, 0.0, 0.1, 1.0, 2.5], "v_th": [1.0, 2.0, 3.0, INF], "v_reset": [0.0, 0.0, -1.0, 1.0], "v_min": [-INF, -INF, -0.5]}
# tau_m = 1e18 ms is no leak at all: sums of weights reach the threshold exactly
MODELS = {
    LIFDelta: {"tau_m": [1e18, 10.0, 20.0], "c_m": [100.0], "e_l": [0.0, 0.5], "x_max": [INF, INF, 1.5]},
    LIFExp: {"tau_m": [1e18, 10.0, 5.0], "tau_exc": [5.0, 2.0], "tau_inh": [5.0, 10.0], "c_m": [1.0, 2.0], "e_l": [0.0], "i_max": [INF, 3.0]},
    LIFExp1: {"tau_m": [10.0, 0.5], "tau_syn": [0.5, 5.0], "c_m": [1.0], "e_l": [0.0], "i_max": [INF, 3.0]},
    LIFAlpha: {"tau_m": [10.0, 2.0], "tau_exc": [2.0, 5.0], "tau_inh": [2.0, 1.0], "c_m": [1.0], "e_l": [0.0], "i_max": [INF, INF, 3.0]},
    LIFCond: {
        "tau_m": [10.0, 5.0], "tau_exc": [5.0], "tau_inh": [10.0], "c_m": [2.0], "e_l": [0.0], "e_exc": [20.0], "e_inh": [-5.0], "g_max": [INF, 2.0],
        "g_l_min": [0.0, 0.3],
    },
    AdaptiveLIF: {"tau_m": [10.0], "tau_exc": [5.0, 10.0], "tau_inh": [5.0], "c_m": [1.0], "e_l": [0.0], "b": [0.5, -0.2], "d": [1.0, 0.25]},
}  # fmt: skip
PER_NEURON = (LIFDelta, LIFExp, LIFCond)  # compiled with parameters per neuron too; all would be many compilations
SIGNS = {"exc": 1.0, "inh": -1.0, "syn": 1.0}


@st.composite
def neurons(draw, models, may_differ):
    """A model with parameters, most of them one number, some one a neuron, and its size."""
    cls = draw(st.sampled_from(models))
    n = draw(st.integers(0, 4))
    given = {}
    for name, values in {**SHARED, **MODELS[cls]}.items():
        one = st.sampled_from(values)
        each = n > 0 and may_differ and cls in PER_NEURON and draw(st.integers(0, 7)) == 0
        given[name] = np.array(draw(st.lists(one, min_size=n, max_size=n))) if each else draw(one)
    return cls(**given), n


@st.composite
def parts(draw, population):
    """All of a population, or some elements of it in any order."""
    if population.n == 0 or draw(st.booleans()):
        return population
    return population[draw(st.lists(st.integers(0, population.n - 1), min_size=1, max_size=population.n, unique=True))]


@st.composite
def synapses(draw, net, source, target, k):
    """A projection given by arrays: repeats, self connections, coincidences and zero weights included."""
    receptor = draw(st.sampled_from(type(target.model).__thalia__.receptors))
    one, other = draw(parts(source)), draw(parts(target))
    n = draw(st.sampled_from([0, 1, 5, 10, 15])) if len(one) and len(other) else 0
    pairs = draw(st.lists(st.tuples(st.integers(0, len(one) - 1), st.integers(0, len(other) - 1)), min_size=n, max_size=n)) if n else []
    sign = 1.0 if isinstance(target.model, LIFCond) else SIGNS[receptor]
    low = -2 if receptor == "syn" else 0
    size = st.one_of(st.integers(low, 4).map(lambda q: 0.5 * q), st.floats(0.0, 2.0, width=32), st.floats(0.0, 1e-6))  # not all sums are exact
    weight = size.map(lambda q: q * sign)
    delay = st.integers(1, 12) if draw(st.booleans()) else st.just(draw(st.integers(1, 3)))
    w = draw(weight) if draw(st.integers(0, 2)) == 0 else np.array(draw(st.lists(weight, min_size=n, max_size=n)))
    d = draw(delay) * net.dt if draw(st.booleans()) else np.array(draw(st.lists(delay, min_size=n, max_size=n))) * net.dt
    i, j = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    net.connect(one, other, from_arrays(i, j), w=w, delay=d, receptor=receptor, name=f"p{k}", gain=draw(st.sampled_from([None, None, 0.1, 0.7])))


@st.composite
def networks(draw, models=tuple(MODELS), may_differ=True):
    """(network, steps to run)"""
    net = Network(seed=1, dt=draw(st.sampled_from([0.1, 0.5, 1.0])))
    for k in range(draw(st.integers(1, 3))):
        model, n = draw(neurons(models, may_differ))
        start = st.one_of(st.integers(-2, 4).map(float), st.floats(-2, 4))
        v = draw(start) if draw(st.booleans()) else np.array(draw(st.lists(start, min_size=n, max_size=n)))
        net.populate(f"n{k}", n, model, v=v)
    cells = list(net.populations.values())
    n, number = draw(st.integers(0, 4)), draw(st.sampled_from([0, 5, 12, 20]))
    events = draw(st.lists(st.tuples(st.integers(1, 25), st.integers(0, n - 1)), min_size=number, max_size=number)) if n else []
    net.populate("s", n, SpikeArray(times=[t * net.dt for t, _ in events], ids=np.array([i for _, i in events], dtype=np.int64)))
    everyone = list(net.populations.values())
    for k in range(draw(st.sampled_from([0, 1, 3, 4, 6]))):
        draw(synapses(net, draw(st.sampled_from(everyone)), draw(st.sampled_from(cells)), k))
    for k in range(draw(st.integers(0, 2))):
        target = draw(parts(draw(st.sampled_from(cells))))
        net.drive(target, DC(amplitude=draw(st.sampled_from([-1.0, 0.0, 0.125, 1.0, 3.0]))), name=f"dc{k}")
    return net, draw(st.sampled_from([1, 10, 30, 60, 60]))


def compared(net, steps, **options):
    """(simulation, reference, spikes of each) after `steps`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", (EmptyProjection, UnusualValue))
        recorder = MemoryRecorder()
        sim = Simulation(net, [recorder], **options)
    reference = Reference(net, sim, options.get("precision", "double"))
    sim.run(steps * net.dt)
    reference.run(steps)
    found = [(int(s), int(k)) for steps, ids in zip(recorder.steps, recorder.globals, strict=True) for s, k in zip(steps, ids, strict=True)]
    return sim, reference, found


def assert_state(net, sim, reference, error=0.0):
    for population in net.populations.values():
        if not isinstance(population.model, SpikeArray):
            for field in type(population.model).__thalia__.state_fields:
                ours, theirs = getattr(sim[population.name], field), reference.state(population, field)
                if error:
                    np.testing.assert_allclose(ours, theirs, rtol=error, atol=error, err_msg=f"{field} of {population.name}")
                else:
                    np.testing.assert_array_equal(ours, theirs, err_msg=f"{field} of {population.name}")


FEW = {"derandomize": True, "deadline": None, "suppress_health_check": list(HealthCheck)}


def assert_same(net, sim, reference, found):
    assert found == reference.spikes
    assert_state(net, sim, reference)
    counted = sim.counters
    assert (counted["emitted"], counted["delivered"]) == (reference.pushed, reference.delivered)
    assert counted["in_flight"] == reference.pushed - reference.delivered


@settings(max_examples=300, **FEW)
@given(networks(), st.integers(1, 3))
def test_engine_equals_plain_python_to_the_bit(described, blocks):
    """Same operations in the same order: no tolerance."""
    net, steps = described
    assert_same(net, *compared(net, steps, blocks=blocks, sleeping=False))


@settings(max_examples=40, **FEW)
@given(networks((LIFDelta, LIFExp), False), st.integers(1, 3))
def test_single_precision_rounds_state_and_nothing_else(described, blocks):
    """The same arithmetic in double, with the state rounded to 32 bits after each step: the same bits again."""
    net, steps = described
    assert_same(net, *compared(net, steps, blocks=blocks, sleeping=False, precision="single"))


SLEEPERS = {
    LIFDelta: ({"tau_m": 20.0, "v_th": 2.0371, "t_ref": 1.0}, 1.0),
    LIFExp: ({"tau_m": 20.0, "tau_exc": 5.0, "tau_inh": 8.0, "c_m": 1.0, "e_l": 0.0, "v_reset": 0.0, "v_th": 2.0371}, 0.45),
    LIFExp1: ({"tau_m": 10.0, "tau_syn": 0.5, "c_m": 1.0, "e_l": 0.0, "v_reset": 0.0, "v_th": 2.0371, "i_max": 6.0}, 4.0),
    LIFAlpha: ({"tau_m": 10.0, "tau_exc": 2.0, "tau_inh": 10.0, "c_m": 1.0, "e_l": 0.0, "v_reset": 0.0, "v_th": 2.0371}, 0.35),
    AdaptiveLIF: ({"tau_m": 20.0, "tau_exc": 5.0, "tau_inh": 8.0, "c_m": 1.0, "e_l": 0.0, "v_reset": 0.0, "v_th": 2.0371, "b": 0.1}, 0.5),
}
ROUNDING = 1e-11  # a jump over k steps against k single ones differ by about k roundings of 1e-16 each; k < 3000 here, values up to 10


def quiet_network(cls, seed, events, stronger=1.0):
    """40 neurons with sparse connections of random weights and delays, and three source elements with given events (step, element)."""
    random = np.random.default_rng(seed)
    parameters, w = SLEEPERS[cls]
    w *= stronger
    net = Network(seed=1)
    cells = net.populate("n", 40, cls(**parameters), v=random.uniform(-1.0, 1.5, 40))
    source = net.populate("s", 3, SpikeArray(times=[0.1 * t for t, _ in events], ids=np.array([i for _, i in events], dtype=np.int64)))
    for k, (pre, number, strength) in enumerate(((source, 60, w), (cells, 60, 0.5 * w), (cells, 30, -0.5 * w))):
        i, j = random.integers(0, pre.n, number), random.integers(0, 40, number)
        receptor = "syn" if cls in (LIFDelta, LIFExp1) else ("exc" if strength > 0 else "inh")
        delay = 0.1 * random.integers(1, 60, number)
        net.connect(pre, cells, from_arrays(i, j), w=strength * random.uniform(0.5, 1.5, number), delay=delay, receptor=receptor, name=f"p{k}")
    return net


class Modes(Hook):
    """Notes which pieces sleep."""

    every = 6.4

    def __init__(self):
        self.seen = []

    def handle(self, sim):
        self.seen.append(sim.a.sleep[0, loop.S_MODE])


@pytest.mark.parametrize("cls", SLEEPERS)
def test_sleeping_neurons_fire_as_those_that_are_always_awake(cls):
    """Neurons in jumps against plain Python in single steps: equal spikes, state within `ROUNDING`; and steps are saved."""
    steps, updates, fired = 600, 0, 0
    for seed in range(6):
        random = np.random.default_rng([seed, 1])
        events = list(zip(random.integers(1, steps, 6), random.integers(0, 3, 6), strict=True))
        net = quiet_network(cls, seed, events, 1.6)
        sim, reference, found = compared(net, steps, blocks=1 + seed % 3)
        assert found == reference.spikes, f"seed {seed}"
        assert_state(net, sim, reference, ROUNDING)
        updates, fired = updates + sim.counters["neuron_updates"], fired + len([k for _, k in found if k < 40])
    assert fired > 10
    assert updates < 0.8 * 6 * 43 * steps


@pytest.mark.parametrize("cls", SLEEPERS)
def test_changes_between_sleep_and_dense_steps(cls):
    """Quiet, then a burst that makes dense steps cheaper, then quiet again: the change of form changes nothing."""
    burst = [(t, k) for t in range(500, 800, 3) for k in range(3)]
    net = quiet_network(cls, 3, [(100, 0), (320, 1), *burst, (2300, 1), (2350, 0)])
    modes = Modes()
    steps = 2500
    recorder = MemoryRecorder()
    sim = Simulation(net, [modes, recorder])
    sim.run(steps * net.dt)
    changes = [modes.seen[0], *(b for a, b in zip(modes.seen[:-1], modes.seen[1:], strict=True) if a != b)]
    assert changes[-3:] == [1, 0, 1]
    reference = Reference(net, sim)
    reference.run(steps)
    assert list(zip(np.concatenate(recorder.steps), np.concatenate(recorder.globals), strict=True)) == reference.spikes
    assert_state(net, sim, reference, ROUNDING)


@pytest.mark.parametrize("blocks", [1, 2])
@pytest.mark.parametrize("sleeping", [True, False])
def test_one_projection_onto_models_that_take_input_differently(sleeping, blocks):
    """LIFDelta takes what arrives into its step, LIFExp1 onto a state field; sums may be taken in another order here, so within `ROUNDING`."""
    random = np.random.default_rng(2)
    net = Network(seed=1)
    delta = net.populate("delta", 20, LIFDelta(v_th=2.0371, t_ref=1.0), v=random.uniform(-1.0, 1.5, 20))
    parameters, w = SLEEPERS[LIFExp1]
    current = net.populate("current", 20, LIFExp1(**parameters), v=random.uniform(-1.0, 1.5, 20))
    events = sorted(zip(random.integers(1, 500, 300), random.integers(0, 3, 300), strict=True))
    source = net.populate("s", 3, SpikeArray(times=[0.1 * t for t, _ in events], ids=np.array([i for _, i in events], dtype=np.int64)))
    for k, pre in enumerate((source, delta + current)):
        i, j = random.integers(0, len(pre), 150), random.integers(0, 40, 150)
        strength, delay = w * random.uniform(-0.2, 0.5, 150), 0.1 * random.integers(1, 30, 150)
        net.connect(pre, delta + current, from_arrays(i, j), w=strength, delay=delay, name=f"p{k}")
    sim, reference, found = compared(net, 600, blocks=blocks, sleeping=sleeping)
    assert found == reference.spikes and len(found) > 400
    assert_state(net, sim, reference, ROUNDING)
