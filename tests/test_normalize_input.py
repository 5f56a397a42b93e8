"""Gains of input currents in a run: what views multiply by, and divisive normalization by a pool's rate, against its formula and paired runs."""

import math

import numpy as np
import pytest

from thalia_sim import (
    DC,
    LIF,
    DescriptionError,
    MemoryRecorder,
    Network,
    NormalizeInput,
    OrnsteinUhlenbeck,
    PairSTDP,
    PathError,
    Poisson,
    PoissonSource,
    Recorder,
    Simulation,
    SimulationError,
    SpikeArray,
    open_recording,
    probability,
)
from thalia_sim.kernels.blocks import G
from thalia_sim.kernels.drives import D_W

CELL = LIF(tau_m=20.0, v_th=15.0, t_ref=2.0)


def network(rate=20.0, seed=3, gain=1.0):
    """A source drives exc through a projection and exc drives itself; a Poisson drive and a current beside."""
    net = Network(seed=seed)
    source, exc = net.populate("source", 200, PoissonSource(rate=rate)), net.populate("exc", 100, CELL)
    net.connect(source, exc, probability(0.5), w=0.5, delay=1.0, gain=gain)
    net.connect(exc, exc, probability(0.1), w=0.2, delay=1.5, gain=1.0)
    net.drive(exc, Poisson(rate=500.0), w=0.3)
    net.drive(exc, DC(amplitude=20.0))
    return net


def spikes(net, hooks=(), until=1000.0, change=None, **options):
    memory = MemoryRecorder()
    with Simulation(net, [*hooks, memory], **options) as sim:
        if change is not None:
            change(sim)
        sim.run(until)
    return memory.spikes_of("exc")


# what views multiply by -----------------------------------------------------------------------------------------------


def test_a_gain_over_an_input_is_that_input_scaled():
    """Twice the current, twice the weight of a drive, twice the gain of a projection: spike for spike as described so; released, as if nothing
    was."""
    names = ("source->exc", "exc->exc", "poisson->exc", "dc->exc")

    def amplify(sim):
        assert sorted(names) == sorted([*sim.net.projections, *sim.net.drives])
        for name in names:
            sim[name].amplify("a", 4.0)
            sim[name].amplify("b", 0.5)

    twice = Network(seed=3)
    source, exc = twice.populate("source", 200, PoissonSource(rate=10.0)), twice.populate("exc", 100, CELL)
    twice.connect(source, exc, probability(0.5), w=0.5, delay=1.0, gain=2.0)
    twice.connect(exc, exc, probability(0.1), w=0.2, delay=1.5, gain=2.0)
    twice.drive(exc, Poisson(rate=500.0), w=0.6)
    twice.drive(exc, DC(amplitude=40.0))
    plain, amplified = spikes(network(10.0)), spikes(network(10.0), change=amplify)
    assert len(amplified[0]) > 1.5 * len(plain[0]) > 0
    for found, expected in zip(amplified, spikes(twice), strict=True):
        np.testing.assert_array_equal(found, expected)

    def there_and_back(sim):
        amplify(sim)
        for name in names:
            sim[name].release("a")
            sim[name].release("b")

    for found, expected in zip(spikes(network(10.0), change=there_and_back), plain, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_values_that_are_written_meanwhile_stay():
    """What a script reads and writes is the value without the factors."""
    with Simulation(network()) as sim:
        sim.run(10.0)
        for name, field, value in (("source->exc", "gain", 1.5), ("poisson->exc", "w", 0.25), ("dc->exc", "amplitude", 7.0)):
            view = sim[name]
            before = getattr(view, field)
            view.amplify("x", 0.5)
            assert getattr(view, field) == before
            setattr(view, field, value)
            assert getattr(view, field) == value and view.amplification == 0.5
            view.release("x")
            assert getattr(view, field) == value and view.amplification == 1.0
        assert sim["source->exc"].gain_now() == 1.5


@pytest.mark.parametrize("kind", ["dc", "poisson"])
def test_sleeping_neurons_feel_a_gain(kind):
    """Neurons that a weak input leaves asleep fire when it is amplified, at the same times as neurons that never sleep."""
    found = []
    for sleeping in (True, False):
        net, memory = Network(seed=2), MemoryRecorder()
        net.drive(net.populate("exc", 50, CELL), DC(amplitude=5.0) if kind == "dc" else Poisson(rate=100.0), **({} if kind == "dc" else {"w": 1.0}))
        with Simulation(net, [memory], sleeping=sleeping) as sim:
            sim.run(100.0)
            assert len(memory.times("exc")) == 0
            sim[f"{kind}->exc"].amplify("x", 100.0)
            sim.run(50.0)
            found.append((memory.times("exc"), memory.ids("exc")))
            sim[f"{kind}->exc"].release("x")
            n = len(found[-1][0])
            sim.run(100.0)
            assert n > 50 and len(memory.times("exc")) == n
    for a, b in zip(*found, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_checkpoint_keeps_factors(tmp_path):
    with Simulation(network()) as sim:
        sim.run(50.0)
        for name in ("source->exc", "dc->exc", "poisson->exc"):
            sim[name].amplify("x", 0.5)
        sim.save(tmp_path / "a.h5")
        memory = MemoryRecorder()
        sim.attach(memory)
        sim.run(200.0)
    with Simulation.resume(tmp_path / "a.h5") as again:
        other = MemoryRecorder()
        again.attach(other)
        again.run(200.0)
        assert again["dc->exc"].amplification == 0.5 and again["source->exc"].gain == 1.0
    for found, expected in zip(other.spikes_of("exc"), memory.spikes_of("exc"), strict=True):
        np.testing.assert_array_equal(found, expected)
    assert len(memory.spikes_of("exc")[0]) > 10


def test_what_cannot_be_multiplied():
    net = network()
    net.drive(net["exc"], OrnsteinUhlenbeck(sd=10.0, tau=5.0), name="noise")
    with Simulation(net) as sim:
        with pytest.raises(SimulationError, match="drive noise has no one weight or amplitude"):
            sim["noise"].amplify("x", 2.0)
        for factor in (-1.0, math.nan, "2"):
            with pytest.raises(DescriptionError, match="finite number of at least 0"):
                sim["dc->exc"].amplify("x", factor)


# the hook -------------------------------------------------------------------------------------------------------------


def test_gain_by_hand():
    """sigma = 5, n = 2, base = 5: at 5 Hz 1, at 0 Hz 2, at 15 Hz 50/250; gamma multiplies."""
    hook = NormalizeInput("exc", sigma=5.0, n=2.0, base=5.0)
    assert [hook.gain_at(r) for r in (5.0, 0.0, 15.0)] == [1.0, 2.0, 0.2]
    assert NormalizeInput("exc", sigma=5.0, gamma=3.0).gain_at(5.0) == 1.5


def test_the_running_rate_and_the_gain_are_those_of_the_formula(tmp_path):
    """The recorded rate is the exponential average of spikes per neuron and 10 ms of the source, by a loop; the gain follows from it, and is laid."""
    net, hook, memory = network(), NormalizeInput("exc", pool="source", sigma=10.0, tau=50.0), MemoryRecorder()
    with Simulation(net, [hook, memory, Recorder(tmp_path / "a.h5")]) as sim:
        sim.run(500.0)
        for name in ("source->exc", "poisson->exc", "dc->exc", "exc->exc"):
            assert sim[name].amplification == float(hook.gain)
        rate = float(hook.rate)
    t, _ = memory.spikes_of("source")
    expected, keep = 0.0, math.exp(-10.0 / 50.0)
    for k in range(50):
        count = int(((t > 10.0 * k + 1e-6) & (t <= 10.0 * (k + 1) + 1e-6)).sum())
        expected = keep * expected + (1.0 - keep) * count / (200 * 0.01)
    assert rate == pytest.approx(expected, rel=1e-12) and 15.0 < rate < 25.0
    with open_recording(tmp_path / "a.h5") as recording:
        found = recording.diagnostics("normalizeinput")
        assert found["rate"][-1] == rate and found["gain"][-1] == pytest.approx(10.0 / (10.0 + rate))


def total(rate, normalized):
    """Spikes of exc in the second half of a second, where the source fires at `rate`."""
    hooks = [NormalizeInput("exc", pool="source", sigma=5.0, base=20.0, inputs=["source->exc"])] if normalized else []
    t, _ = spikes(network(rate), hooks)
    return int((t > 500.0).sum())


def test_responses_grow_less_than_the_input():
    """A source at 20 Hz (where the gain is 1) and at 60 Hz: without normalization exc fires far more than twice as much, with it less than 1.5
    times."""
    low, high = total(20.0, False), total(60.0, False)
    low_n, high_n = total(20.0, True), total(60.0, True)
    assert low > 100 and low_n == pytest.approx(low, rel=0.2)
    assert high > 2.0 * low and high_n < 1.5 * low_n


def test_the_gain_goes_with_the_hook():
    """Detached, inputs are what they were; two hooks on one population multiply."""
    a, b = NormalizeInput("exc", pool="source", sigma=10.0), NormalizeInput("exc", pool="exc", sigma=10.0)
    with Simulation(network(40.0), [a, b]) as sim:
        sim.run(300.0)
        assert sim["dc->exc"].amplification == pytest.approx(float(a.gain) * float(b.gain), rel=1e-14) and float(b.gain) < 0.97
        sim.detach(a)
        assert sim["dc->exc"].amplification == float(b.gain)
        sim.detach(b)
        assert sim["dc->exc"].amplification == 1.0 == sim["source->exc"].amplification


@pytest.mark.parametrize("options", [{"threads": 2}, {"blocks": 3}, {"sleeping": False}])
def test_same_spikes_with_threads_blocks_and_sleep(options):
    runs = [spikes(network(40.0), [NormalizeInput("exc", sigma=5.0)], 300.0, **o) for o in ({}, options)]
    assert len(runs[0][0]) > 50
    for a, b in zip(*runs, strict=True):
        np.testing.assert_array_equal(a, b)


def test_resumed_it_goes_on(tmp_path):
    """Saved and resumed: spikes, rate and gain to the bit; split runs too."""
    whole, hook = MemoryRecorder(), NormalizeInput("exc", pool="source", sigma=5.0)
    with Simulation(network(40.0), [hook, whole]) as sim:
        sim.run(105.0)
        sim.save(tmp_path / "a.h5")
        sim.run(95.0)
        rate = float(hook.rate)
    with Simulation.resume(tmp_path / "a.h5") as again:
        memory = MemoryRecorder()
        again.attach(memory)
        again.run(95.0)
        mine = next(h for h in again.hooks if isinstance(h, NormalizeInput))
        assert float(mine.rate) == rate and again["dc->exc"].amplification == mine.gain_at(rate)
    t, ids = whole.spikes_of("exc")
    np.testing.assert_array_equal(memory.spikes_of("exc")[1], ids[t > 105.0 + 1e-6])
    once = spikes(network(40.0), [NormalizeInput("exc", pool="source", sigma=5.0)], 200.0)
    np.testing.assert_array_equal(once[1], ids)


@pytest.mark.parametrize("arguments, error, message", [
    ({"population": "foo", "sigma": 1.0}, PathError, "unknown population 'foo'"),
    ({"population": "exc", "sigma": 0.0}, DescriptionError, "sigma of normalizeinput of 'exc' is 0.0"),
    ({"population": "exc", "sigma": 1.0, "pool": "foo"}, PathError, "unknown population 'foo'"),
    ({"population": "exc", "sigma": 1.0, "pool": ()}, DescriptionError, "is empty"),
    ({"population": "exc", "sigma": 1.0, "n": 33.0}, DescriptionError, "n of normalizeinput of 'exc' is 33: give an exponent of at most 32"),
    ({"population": "exc", "sigma": 1.0, "gamma": 3.0, "high": 2.0}, DescriptionError, "high of .* is 2.0: give a number of at least gamma, 3"),
    ({"population": "exc", "sigma": 1.0, "tau": 100.0, "every": 51.0}, DescriptionError, "more than half of tau, 100 ms: the loop would swing"),
    ({"population": "exc", "sigma": 1.0, "base": -1.0}, DescriptionError, "base of normalizeinput"),
    ({"population": "exc", "sigma": 1.0, "inputs": ["x"]}, DescriptionError, "'x' is no projection or drive onto exc"),
    ({"population": "source", "sigma": 1.0}, DescriptionError, "source has no inputs"),
])  # fmt: skip
def test_refusals(arguments, error, message):
    with pytest.raises(error, match=message), Simulation(network(), [NormalizeInput(**arguments)]) as sim:
        sim.run(1.0)


def shared():
    """A drive, a current and a projection that reach two populations, and what only one of them has."""
    net = Network(seed=5)
    source = net.populate("source", 20, PoissonSource(rate=50.0))
    a, b = net.populate("a", 10, CELL), net.populate("b", 6, CELL)
    net.drive(b + a, Poisson(rate=900.0), w=0.9, name="noise")
    net.drive(a + b, DC(amplitude=10.0), name="both")
    net.connect(source, a + b, probability(0.5), w=0.4, delay=1.0, name="axons")
    return net


def halved():
    """The same in a simulation, with the weights of the shared axons onto a written half as large."""
    sim = Simulation(shared())
    sim["axons"].w = np.where(sim["axons"].j < 10, 0.5, 1.0) * sim["axons"].w
    return sim


def test_inputs_that_reach_others_too_are_multiplied_for_one_population_alone():
    """Half of a shared projection for a, against weights of which those onto a are written half: the same spikes in a and b. Currents and weights of
    drives by their numbers: a has half, b all, and all of it when the hook's name is released."""
    memories = []
    for sim in (Simulation(shared()), halved()):
        memories.append(MemoryRecorder())
        sim.attach(memories[-1])
        if len(memories) == 1:
            sim["axons"].amplify("x", 0.5, "a")
            assert math.isnan(sim["axons"].amplification) and (sim["axons"].factor("a"), sim["axons"].factor("b")) == (0.5, 1.0)
        sim.run(300.0)
    for name in ("a", "b"):
        assert len(memories[0].times(name)) > 5
        for found, expected in zip(memories[0].spikes_of(name), memories[1].spikes_of(name), strict=True):
            np.testing.assert_array_equal(found, expected)
    sim = Simulation(shared())
    for name in ("both", "noise"):
        sim[name].amplify("x", 0.5, "a")
        sim[name].amplify("y", 3.0)
    assert (sim["a"].i_ext == 15.0).all() and (sim["b"].i_ext == 30.0).all() and sim["both"].amplitude == 10.0
    place = sim.drive_places["noise"]
    weights = {p: sim.a.par[sim.a.geom[t, G.par] + D_W] for p, t in zip(place.populations, place.tasks, strict=True)}
    assert weights == pytest.approx({"a": 1.35, "b": 2.7})
    for name in ("both", "noise"):
        sim[name].release("x")
        sim[name].release("y")
    assert (sim["a"].i_ext == 10.0).all() and sim["noise"].amplification == 1.0
    with pytest.raises(PathError, match="both does not reach 'source'"):
        sim["both"].amplify("x", 0.5, "source")


def test_gains_of_parts_come_back_from_a_checkpoint(tmp_path):
    sim = Simulation(shared(), [NormalizeInput("a", sigma=5.0, every=20.0)])
    sim.run(100.0)
    sim.save(tmp_path / "a.h5")
    again = Simulation.resume(tmp_path / "a.h5")
    for each in (sim, again):
        each.run(100.0)
    assert [again[n].factor("a") for n in ("noise", "both", "axons")] == [sim[n].factor("a") for n in ("noise", "both", "axons")]
    np.testing.assert_array_equal(again["a"].v, sim["a"].v)
    assert again["axons"].factor("b") == 1.0 != again["axons"].factor("a")


def test_a_rule_that_reaches_several_populations_has_one_gain():
    net = shared()
    net.connect("source", net["a"] + net["b"], probability(0.5), w=0.4, delay=1.0, name="plastic", rule=PairSTDP())
    with Simulation(net) as sim:
        sim["plastic"].amplify("x", 0.5)
        with pytest.raises(SimulationError, match="plastic has a rule and reaches a and b: connect each by itself"):
            sim["plastic"].amplify("x", 0.5, "a")


@pytest.mark.parametrize("every, interval, silent", [(10.0, 500.0, False), (250.0, 500.0, False), (250.0, 1000.0, False), (250.0, 4000.0, True)])
def test_pauses_count_and_silence_does_not(every, interval, silent):
    """Volleys of all of 100 neurons: pauses of up to half of tau are part of the rate, which is 1/interval within a quarter over whole intervals,
    whatever the period; longer ones are silence, in which the rate returns to base, 5 Hz, and the gain to 1."""
    times = np.arange(5.0, 40_000.0, interval)
    net = Network(seed=1, dt=1.0)
    source = net.populate("source", 100, SpikeArray(np.repeat(times, 100), np.tile(np.arange(100), len(times))))
    net.connect(source, net.populate("exc", 10, CELL), probability(0.1), w=0.01, delay=1.0)
    hook, rates = NormalizeInput("exc", pool="source", sigma=1.0, base=5.0, tau=2000.0, every=every, high=2.0), []
    with Simulation(net, [hook]) as sim:
        sim.run(20_000.0)
        for _ in range(160):
            sim.run(250.0 / 2)
            rates.append(float(hook.rate))
        assert float(hook.gain) == min(6.0 / (1.0 + rates[-1]), 2.0)
    if silent:
        assert max(rates) > 4.0
    else:
        assert np.mean(rates) == pytest.approx(1000.0 / interval, rel=0.25)
