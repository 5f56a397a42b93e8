"""The criticality monitor on spikes whose branching ratio is known, and its regulator on a network that is a branching process."""

import math

import numpy as np
import pytest
from processes import driven

from thalia_sim import (
    LIF,
    CriticalityMonitor,
    DescriptionError,
    MemoryRecorder,
    Network,
    PathError,
    Poisson,
    Recorder,
    Simulation,
    SimulationError,
    SpikeArray,
    open_recording,
    out_degree,
    probability,
)
from thalia_sim import measures as ms

MOST = 200  # elements that replay


def replaying(counts, bin=4.0):
    """A population that fires so many spikes in each bin, at random times in it, and one that fires beside."""
    rng = np.random.default_rng(1)
    times = np.concatenate([k * bin + 0.1 * rng.integers(1, round(bin * 10) + 1, size=n) for k, n in enumerate(counts)])
    ids = np.concatenate([np.arange(n) % MOST for n in counts])
    first = np.unique(np.stack([np.rint(times * 10), ids]), axis=1, return_index=True)[1]
    net = Network(seed=1)
    net.populate("watched", MOST, SpikeArray(times=times[first], ids=ids[first]))
    net.populate("beside", 50, SpikeArray(times=np.arange(1.0, 100.0), ids=np.zeros(99, dtype=int)))
    return net


def test_the_monitor_measures_what_the_measure_does(tmp_path):
    """A branching process of m = 0.9 is replayed: at each estimate m, tau and slope are those of `branching_ratio` of the spikes of the last 8 s,
    which a sliding window, a first one not yet full, and spikes of another population do not disturb; m lies within four standard errors of 0.9."""
    counts = driven(0.9, 20.0, 5000, np.random.default_rng(2))
    hook, memory = CriticalityMonitor("watched", window=8000.0, every=3000.0), MemoryRecorder()
    with Simulation(replaying(counts), [hook, memory, Recorder(tmp_path / "a.h5")]) as sim:
        sim.run(20_000.0)
    t = memory.times("watched")
    with open_recording(tmp_path / "a.h5") as recording:
        found = recording.diagnostics("criticalitymonitor")
    assert found["t"][-6:].tolist() == [3000.0, 6000.0, 9000.0, 12_000.0, 15_000.0, 18_000.0]
    for k in range(len(found["t"]) - 6, len(found["t"])):
        t1 = found["t"][k]
        t0 = max(t1 - 8000.0, 0.0)
        n = ms.population_rate(t, np.zeros(len(t), dtype=int), 1, t1=t1, t0=t0, bin=4.0).counts
        expected = ms.branching_ratio(n, 4.0, resamples=0)
        assert [found[f][k] for f in ("m", "tau", "regression")] == [expected.m, expected.tau, expected.regression]
        assert found["state"][k] == 2.0 and expected.m == pytest.approx(0.9, abs=0.06)


def test_silence_and_noise_are_states():
    """No spikes: silent; independent spikes: undefined; m = 0.99: near-critical."""
    words = []
    for counts in (np.zeros(2500, dtype=int), np.random.default_rng(3).poisson(10, 2500), driven(0.99, 30.0, 2500, np.random.default_rng(4))):
        hook = CriticalityMonitor("watched", window=10_000.0, every=5000.0)
        with Simulation(replaying(counts), [hook]) as sim:
            sim.run(10_000.0)
            words.append(hook.state_word)
            assert math.isnan(hook.m) == (hook.state_word in ("silent", "undefined"))
    assert words == ["silent", "undefined", "near-critical"]


def branching_network(w=1.7, seed=1):
    """Neurons near threshold by noise; a spike meets 30 targets after one bin, each of which it fires with a chance that grows with w: m rises from
    0.6 at w = 1 to 0.8 at 1.7 (and from 1.8 on activity carries itself)."""
    net = Network(seed=seed)
    exc = net.populate("exc", 1000, LIF(tau_m=5.0, v_th=15.0, t_ref=2.0))
    net.drive(exc, Poisson(rate=400.0), w=2.5)
    net.connect(exc, exc, out_degree(30), w=w, delay=4.0, gain=1.0)
    return net


def late_mean(sim, hook):
    """Mean of m over six windows of 10 s after 60 s."""
    sim.run(60_000.1)
    found = []
    for _ in range(6):
        sim.run(10_000.0)
        found.append(hook.m)
    return np.mean(found)


def test_the_regulator_brings_the_network_to_its_target():
    """Toward 0.7 of a network of 0.8: the gain falls slowly, and m comes within 0.04 (an estimate of 10 s scatters by 0.03); a run of the same seed
    without regulator keeps its m. Detached, the gain is 1."""
    plain = CriticalityMonitor("exc", every=2000.0)
    hook = CriticalityMonitor("exc", every=2000.0, regulate="exc->exc", target=0.7, rate=0.04)
    with Simulation(branching_network(), [plain]) as sim:
        assert late_mean(sim, plain) == pytest.approx(0.8, abs=0.03) and sim["exc->exc"].amplification == 1.0
    with Simulation(branching_network(), [hook]) as sim:
        assert late_mean(sim, hook) == pytest.approx(0.7, abs=0.04) and 0.8 < float(hook.scale) < 0.95
        assert sim["exc->exc"].amplification == float(hook.scale) and sim["exc->exc"].gain == 1.0
        sim.detach(hook)
        assert sim["exc->exc"].amplification == 1.0


def test_the_regulator_step_by_hand():
    """One estimate: scale = 1 - rate (m - target) every; where m is not known the scale stays 1; bounds hold."""
    for target, low in ((0.3, 0.5), (0.3, 0.99)):
        hook = CriticalityMonitor("exc", window=8000.0, every=8000.0, regulate="exc->exc", target=target, rate=0.1, low=low)
        with Simulation(branching_network(), [hook]) as sim:
            sim.run(8000.1)
            assert float(hook.scale) == max(math.exp(-0.1 * (hook.m - target) * 8.0), low) < 1.0
    net = branching_network()
    hook = CriticalityMonitor("quiet", window=400.0, every=400.0, regulate="exc->exc")
    net.populate("quiet", 5, LIF(tau_m=10.0, v_th=15.0))
    with Simulation(net, [hook]) as sim:
        sim.run(1000.0)
        assert hook.state_word == "silent" and float(hook.scale) == 1.0


def test_resumed_it_goes_on(tmp_path):
    """Saved between two estimates and inside a bin: counts and estimates to the bit."""
    def made():
        return CriticalityMonitor("exc", window=8000.0, every=1000.0, regulate="exc->exc")

    hook = made()
    with Simulation(branching_network(), [hook]) as sim:
        sim.run(6501.3)
        sim.save(tmp_path / "a.h5")
        sim.run(3000.0)
        expected = hook.diagnostics()
    with Simulation.resume(tmp_path / "a.h5") as again:
        again.run(3000.0)
        mine = next(h for h in again.hooks if isinstance(h, CriticalityMonitor))
        assert mine.diagnostics() == expected and expected["scale"] != 1.0
    hook = made()
    with Simulation(branching_network(), [hook], threads=2) as sim:
        sim.run(9501.3)
        assert hook.diagnostics() == expected


@pytest.mark.parametrize("make, error, message", [
    (lambda: CriticalityMonitor("foo"), PathError, "unknown population 'foo'"),
    (lambda: CriticalityMonitor(regulate="foo"), PathError, "unknown projection 'foo'"),
    (lambda: CriticalityMonitor(window=10.0, every=20.0), DescriptionError, "lengthen the window"),
    (lambda: CriticalityMonitor(window=1001.0, every=100.0), SimulationError, "no whole number of bins"),
    (lambda: CriticalityMonitor(target=1.5), DescriptionError, "target of criticalitymonitor is 1.5"),
])  # fmt: skip
def test_refusals(make, error, message):
    net = branching_network()
    other = net.populate("other", 10, LIF(tau_m=10.0, v_th=15.0))
    net.connect(net["exc"], other, probability(0.1), w=0.1, delay=1.0, name="b")
    net.connect(net["exc"], net.populate("third", 10, LIF(tau_m=10.0, v_th=15.0)), probability(0.1), w=0.1, delay=1.0, name="c")
    with pytest.raises(error, match=message), Simulation(net, [make()]) as sim:
        sim.run(1.0)
