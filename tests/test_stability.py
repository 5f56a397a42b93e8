"""The watch over a population's rate, against counts of its spikes; experiment, rule and neuron of a stranger, run as they are written."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from stranger_neuron import Leaky
from stranger_rule import SoftSTDP

import thalia_sim
from thalia_sim import (
    DescriptionError,
    LIFDelta,
    MemoryRecorder,
    Network,
    Poisson,
    Recorder,
    Simulation,
    SpikeArray,
    Stability,
    Uniform,
    open_recording,
    probability,
)
from thalia_sim.cli import commands
from thalia_sim.plasticity import replay_synapse

EXPERIMENT = Path(__file__).resolve().parent.parent / "experiments" / "recovery_after_lesion.py"


def given(spans, until):
    """Four elements: in each span (begin, end, Hz) all of them fire regularly."""
    times = np.concatenate([np.arange(begin, end, 1000.0 / rate) for begin, end, rate in spans])
    times = np.round(np.concatenate([times[times < until], [until + 1.0]]) + 0.1, 1)
    net = Network(seed=1)
    net.populate("cells", 4, SpikeArray(times=np.repeat(times, 4), ids=np.tile(np.arange(4), len(times))))
    return net


def test_rate_times_and_events(tmp_path):
    """10 Hz for 2 s, silence for 2 s, 100 Hz for 2 s, 10 Hz: worked by hand for a window of 500 ms and a range of 2 to 50 Hz."""
    net = given([(0.0, 2000.0, 10.0), (4000.0, 6000.0, 100.0), (6000.0, 8000.0, 10.0)], 8000.0)
    hook = Stability("cells", rate=(2.0, 50.0), every=100.0, window=500.0)
    with Simulation(net, [hook, Recorder(tmp_path / "a.h5")]) as sim:
        sim.run(8000.0)
    with open_recording(tmp_path / "a.h5") as recording:
        found, events = recording.diagnostics("stability"), recording.events()
    t = np.arange(100.0, 8001.0, 100.0)
    assert np.allclose(found["t"], t, rtol=1e-12)
    falls, rises, falls_again = [8.0, 6.0, 4.0, 2.0], [20.0, 40.0, 60.0, 80.0], [82.0, 64.0, 46.0, 28.0]
    rate = np.array([10.0] * 20 + falls + [0.0] * 16 + rises + [100.0] * 16 + falls_again + [10.0] * 16)
    np.testing.assert_allclose(found["rate"], rate, rtol=1e-12)
    out = (rate < 2.0) | (rate > 50.0)
    assert np.array_equal(found["in_range"], ~out) and np.array_equal(found["silent"], rate == 0.0)
    assert np.array_equal(found["out_of_range"], 100.0 * np.cumsum(out))
    told = [(event.t, event.kind, event.facts["rate"]) for event in events if event.source == "stability"]
    assert [x[:2] for x in told] == [
        (2500.0, "out of range"), (4100.0, "back in range"), (4300.0, "out of range"), (6300.0, "back in range")
    ]  # fmt: skip
    assert [x[2] for x in told] == pytest.approx([0.0, 20.0, 60.0, 46.0])


def test_the_first_window_is_not_judged():
    """A population that begins late is out of range only after a full window; the rate is that of the time so far."""
    hook = Stability("cells", rate=(2.0, 50.0), every=100.0, window=1000.0)
    sim = Simulation(given([(800.0, 3000.0, 20.0)], 3000.0), [hook])
    sim.run(900.0)
    assert hook.diagnostics() == {"rate": pytest.approx(2.0 / 0.9), "in_range": 1.0, "out_of_range": 0.0, "silent": 0.0}


@pytest.mark.parametrize("stop", [False, True])
def test_the_run_ends_only_if_asked(stop):
    """Silent from 1 s on: out of range at 1.5 s for the first time, for 700 ms at 2.1 s."""
    hook = Stability("cells", rate=(2.0, 50.0), every=100.0, window=500.0, stop=stop, patience=700.0)
    sim = Simulation(given([(0.0, 1000.0, 10.0)], 3000.0), [hook])
    sim.run(3000.0)
    assert sim.t == (2100.0 if stop else 3000.0)


def test_saved_and_resumed(tmp_path):
    """What was counted before the save counts after it."""
    found = []
    for cut in (False, True):
        hook = Stability("cells", rate=(2.0, 50.0), window=500.0)
        sim = Simulation(given([(0.0, 2000.0, 10.0), (2600.0, 4000.0, 100.0)], 4000.0), [hook])
        sim.run(1730.0)
        if cut:
            sim.save(tmp_path / "a.h5")
            sim = Simulation.resume(tmp_path / "a.h5")
            (hook,) = sim.hooks
        sim.run(until=3070.0)
        found.append(hook.diagnostics())
    assert found[0] == found[1] and 0.0 < found[0]["out_of_range"] < 1000.0


def test_wrong_arguments_are_named():
    for wrong, match in (
        ({"rate": 5.0}, "rate of Stability is 5.0: give the lowest and the highest"),
        ({"rate": (5.0, 2.0)}, "rate of Stability"),
        ({"window": 250.0}, "no multiple of every"),
        ({"stop": "yes"}, "stop of Stability"),
    ):
        with pytest.raises(DescriptionError, match=match):
            Stability("cells", **wrong)


def test_the_experiment_runs_as_it_is_written(tmp_path):
    """By the command line to a second after the lesion: a fifth of exc is lost and fires no more, its rate is watched, weights keep their bounds."""
    words = ["run", EXPERIMENT, "--seed", "1", "--set", "inhibition=0.9", "--until", "61.5s", "--out", tmp_path / "lesion.h5", "--quiet"]
    result = CliRunner().invoke(commands, [str(w) for w in words])
    assert result.exit_code == 0, result.output
    with open_recording(tmp_path / "lesion.h5") as recording:
        (lesion,) = [event for event in recording.events() if event.kind == "begin"]
        found = recording.diagnostics("stability")
        times, ids = recording.spikes("exc")
    lost = lesion.facts["elements"]
    assert lesion.t == 60_000.0 and len(lost) == 160
    assert np.isin(lost, ids[times < 60_000.0]).mean() > 0.9 and not np.isin(lost, ids[times > 60_000.0]).any()
    assert len(found["rate"]) == 615 and found["in_range"].all()
    alive = (times > 60_500.0).sum() / 800.0
    assert found["rate"][-1] == pytest.approx(alive, rel=1e-12)
    assert found["rate"][-1] < found["rate"][590]


def test_weights_of_the_experiment_stay_in_bounds():
    """The same network for 2 s, the lesion earlier."""
    loaded = thalia_sim.experiment.load_script(EXPERIMENT)
    lesion, watch = loaded.hooks()
    sim = Simulation(loaded.build(seed=1), [lesion._replace(at=1000.0), watch])
    sim.run(2000.0)
    excitatory, inhibitory = sim["exc->exc"].w, sim["inh->exc"].w
    assert 0.0 <= excitatory.min() and excitatory.max() <= np.float32(0.6) and np.ptp(excitatory) > 0.1
    assert inhibitory.max() <= 0.0 and np.isfinite(inhibitory).all()
    assert sim["exc"].silent.sum() == 160


def test_the_rule_of_a_stranger():
    """Every synapse of a small network against the rule in plain Python: the same bits."""
    net = Network(seed=4)
    cells = net.populate("cells", 20, LIFDelta())
    net.drive(cells, Poisson(rate=1200.0), w=1.0)
    net.connect(cells, cells, probability(0.3), w=0.4, delay=Uniform(0.3, 4.0), rule=SoftSTDP(c_plus=0.01, c_minus=0.02))
    memory = MemoryRecorder()
    sim = Simulation(net, [memory])
    sim.run(300.0)
    (times, ids), view = memory.spikes_of("cells"), sim["cells->cells"]
    for i, j, delay, w in zip(view.i, view.j, view.delay, view.w, strict=True):
        arrivals, posts = times[ids == i] - 0.1 + delay, times[ids == j] - 0.1
        replayed = replay_synapse(SoftSTDP(c_plus=0.01, c_minus=0.02), arrivals[arrivals < 299.95], posts, 0.4, until=300.0)
        assert w == replayed.w[-1]
    assert np.ptp(view.w) > 0.01


def test_the_neuron_of_a_stranger():
    """One spike: v = w tau_m tau_s / (tau_m - tau_s) (e^(-t/tau_m) - e^(-t/tau_s)), to rounding; and a driven population fires."""
    net = Network(seed=1)
    one = net.populate("one", 1, Leaky())
    source = net.populate("source", 1, SpikeArray(times=[1.0], ids=[0]))
    net.connect(source, one, probability(1.0), w=2.0, delay=1.0)
    many = net.populate("many", 50, Leaky(tau_m=np.linspace(10.0, 30.0, 50)))
    net.drive(many, Poisson(rate=1000.0), w=0.3)
    memory = MemoryRecorder()
    sim = Simulation(net, [memory])
    sim.run(12.0)
    t = 10.0  # the current begins at 2 ms, the end of the step in which the spike arrives
    expected = 2.0 * 20.0 * 5.0 / 15.0 * (np.exp(-t / 20.0) - np.exp(-t / 5.0))
    assert sim["one"].v[0] == pytest.approx(expected, rel=1e-12)
    sim.run(300.0)
    assert len(memory.times("many")) > 100
