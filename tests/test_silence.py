"""Time in silence: mechanisms that integrate a rate count a share of it, by closed forms; a pause of inputs is no shock, and silence can be left."""

import math
from dataclasses import replace

import numpy as np
import pytest

from thalia_sim import (
    DC,
    DescriptionError,
    IntrinsicPlasticity,
    LIFDelta,
    MemoryRecorder,
    Network,
    Poisson,
    PopulationIntrinsicPlasticity,
    Silence,
    Simulation,
)
from thalia_sim.circuits import LayeredCortexConfig, layered_cortex
from thalia_sim.circuits.layered_cortex import cortex_sites
from thalia_sim.robustness import ActivityScalingConfig, IntrinsicPlasticityConfig, RobustnessConfig


def quiet(n=4, amplitude=1.0):
    """Neurons with an input far too weak to fire."""
    net = Network(seed=1)
    net.drive(net.populate("cells", n, LIFDelta()), DC(amplitude=amplitude))
    return net


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
@pytest.mark.parametrize(("n", "pause"), [(4, 500.0), (1, 2000.0)])
def test_the_threshold_moves_by_own_time(share, n, pause):
    """10 s of silence at 5 Hz: 4 neurons are silent after 500 ms, one after ten intervals of 200 ms; from then on a share counts:
    shift = scale (tau_rate target (1 - exp(-t/tau_rate)) - target t) / tau_threshold at the own time t."""
    hook = IntrinsicPlasticity("cells", target=5.0, every=100.0, tau_rate=1000.0, tau_threshold=10_000.0, in_silence=share)
    Simulation(quiet(n), [hook]).run(10_000.0)
    own = pause + share * (10_000.0 - pause)
    assert hook.rates == pytest.approx([5.0 * math.exp(-own / 1000.0)] * n, rel=1e-12)
    assert hook.shift == pytest.approx([(1000.0 * 5.0 * (1.0 - math.exp(-own / 1000.0)) - 5.0 * own) / 10_000.0] * n, rel=1e-12)


@pytest.mark.parametrize("share", [0.1, 0.8, 0.9, 0.95])
@pytest.mark.parametrize(("dt", "every"), [(0.1, 0.1), (0.1, 1.0), (1.0, 1.0), (1.0, 2.0), (0.1, 300.0), (0.1, 700.0)])
def test_the_share_is_the_same_whatever_the_period(dt, every, share):
    """2.1 s of silence, of which 500 ms count: no period, however short or long, rounds the share away; to a step. A script that writes thresholds
    meanwhile is no spike."""
    net = Network(seed=1, dt=dt)
    net.drive(net.populate("cells", 4, LIFDelta()), DC(amplitude=1.0))
    hook = IntrinsicPlasticity("cells", target=5.0, every=every, in_silence=share)
    sim = Simulation(net, [hook])
    for _ in range(3):
        sim.run(700.0)
        sim["cells"].v_th = 16.0
    assert int(hook.lost) * dt == pytest.approx((1.0 - share) * 1600.0, abs=1.01 * dt)


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_the_gain_moves_by_own_time(share):
    """The steps of e by hand: all of the time for 500 ms, a share of it afterwards, the leak too."""
    hook = PopulationIntrinsicPlasticity("cells", target=5.0, lr=0.1, leak=0.5, every=100.0, tau_rate=200.0, in_silence=share)
    Simulation(quiet(), [hook]).run(3000.0)
    e, own = 1.0, 0.0
    for k in range(30):
        span = 0.1 if k < 5 else 0.1 * share
        own += span
        e = e ** math.exp(-0.5 * span) * (1.0 - 0.1 * (5.0 * math.exp(-own / 0.2) - 5.0) * span)
    assert float(hook.e) == pytest.approx(e, rel=1e-10)


def paused(**options):
    """Neurons that fire, are kept from it for 1.3 s, and fire again; one of them all the time before and after, so that others are no silence."""
    net = Network(seed=3)
    cells = net.populate("cells", 12, LIFDelta(v_th=15.0))
    net.drive(cells, Poisson(rate=np.linspace(400.0, 3000.0, 12)), w=1.0)
    hooks = [IntrinsicPlasticity("cells", target=5.0, every=20.0, in_silence=0.1)]
    hooks.append(PopulationIntrinsicPlasticity("cells", target=5.0, lr=0.05, every=70.0, in_silence=0.1))
    return Simulation(net, [*hooks, Silence("cells", at=403.0, until=1703.0), MemoryRecorder()], **options)


def outcome(sim):
    threshold, gain, _, memory = sim.hooks
    return [threshold.rates, threshold.shift, np.array([float(gain.e), float(gain.now)]), *memory.spikes_of("cells")]


def test_the_same_bits_in_pieces_on_threads_and_resumed_in_silence(tmp_path):
    whole = paused()
    whole.run(2500.0)
    expected = outcome(whole)
    assert 0 < int(whole.hooks[0].lost) < 8000 and 0 < int(whole.hooks[1].lost) < 8000 and (expected[3] > 1703.0).sum() > 20
    for threads, blocks, pieces in ((2, 3, (1000.0, 1500.0)), (1, 1, (13.7,) * 182 + (6.6,)), (1, 2, (403.0, 600.0, 701.0, 796.0))):
        sim = paused(threads=threads, blocks=blocks)
        for piece in pieces:
            sim.run(piece)
        assert all(map(np.array_equal, outcome(sim), expected))
    for cut in (950.0, 1703.0, 1711.3):
        sim = paused()
        sim.run(cut)
        sim.save(tmp_path / "a.h5")
        sim = Simulation.resume(tmp_path / "a.h5", threads=2)
        sim.run(2500.0 - cut)
        assert all(map(np.array_equal, outcome(sim), expected))


def test_before_and_after_silence_time_is_as_long_as_it_is():
    """The running rate of each neuron is the sum over its spikes, with the steps that did not count taken out of the pause. As in plain silence the
    first 500 ms count, and a tenth of the rest."""
    sim = paused()
    sim.run(2500.0)
    hook, memory = sim.hooks[0], sim.hooks[3]
    times, ids = memory.spikes_of("cells")
    lost = int(hook.lost) * sim.dt
    assert lost == pytest.approx(0.9 * (1300.0 - 500.0), abs=0.9 * 2 * 20.0)
    gap = float(times[times <= 403.0].max()), float(times[times > 1703.0].min())
    for k in range(12):
        own = times[ids == k] - np.where(times[ids == k] >= gap[1], lost, 0.0)
        now = 2500.0 - lost
        assert hook.rates[k] == pytest.approx(5.0 * math.exp(-now / 1000.0) + np.exp(-(now - own) / 1000.0).sum(), rel=1e-9)


def test_a_pause_of_all_inputs_is_no_shock():
    """All drives of the cortex off for 2 and for 20 s and back, all mechanisms on: in the first 2 s each layer fires at no more than 2 and 4 times
    its rate before, in any 250 ms; if all of the time in silence counts, L2/3 does at more than 20 times after 20 s."""
    full = RobustnessConfig.full()
    scaling, thresholds = replace(full.activity_scaling, in_silence=1.0), full.intrinsic_plasticity._replace(in_silence=1.0)
    timeless = replace(full, activity_scaling=scaling, intrinsic_plasticity=thresholds)
    for pause, most, shock in ((2000.0, 2.0, None), (20_000.0, 4.0, 20.0)):
        for config in (full, timeless) if shock else (full,):
            net, memory = layered_cortex(1, LayeredCortexConfig(n=400)), MemoryRecorder()
            sim = Simulation(net, [*config.hooks(net, **cortex_sites(net)._asdict()), memory])
            sim.run(12_000.0)
            weights = {name: sim[name].w for name in net.drives}
            for name in weights:
                sim[name].w = 0.0
            sim.run(pause)
            for name, w in weights.items():
                sim[name].w = w
            sim.run(2000.0)
            back = 12_000.0 + pause
            for layer in ("l4_exc", "l23_exc", "l5_exc"):
                times = memory.times(layer)
                before = ((times > 6000.0) & (times <= 12_000.0)).sum() / 6.0
                peak = max(((times > t) & (times <= t + 250.0)).sum() / 0.25 for t in back + 250.0 * np.arange(8))
                if config is full:
                    assert peak < most * before, (pause, layer, peak / before)
                elif layer == "l23_exc":
                    assert peak > shock * before


def test_a_population_that_is_silent_for_another_reason_wakes():
    """The input brings v to 13 mV of 15: thresholds fall in silence, ten times slower, until the neurons fire at their target; with a share of 0 they
    do not."""
    fired = {}
    for share in (1.0, 0.1, 0.0):
        net = quiet(40, amplitude=13.0 * 250.0 / 20.0)
        hook, memory = IntrinsicPlasticity("cells", target=5.0, scale=5.0, tau_rate=200.0, in_silence=share), MemoryRecorder()
        Simulation(net, [hook, memory]).run(20_000.0)
        fired[share] = memory.times("cells")
    assert len(fired[0.0]) == 0 and fired[1.0].min() < 1500.0 < fired[0.1].min() < 11_000.0
    assert (fired[0.1] > 15_000.0).sum() / 40 / 5.0 == pytest.approx(5.0, rel=0.1)


@pytest.mark.parametrize("value", [-0.1, 1.5, float("nan"), "much"])
def test_a_share_outside_0_to_1_is_refused_by_name(value):
    for make, name in (
        (lambda: IntrinsicPlasticity("cells", target=1.0, in_silence=value), "intrinsicplasticity"),
        (lambda: PopulationIntrinsicPlasticity("cells", target=1.0, in_silence=value), "populationintrinsicplasticity"),
        (lambda: ActivityScalingConfig(in_silence=value), "ActivityScalingConfig"),
        (lambda: RobustnessConfig(intrinsic_plasticity=IntrinsicPlasticityConfig(in_silence=value)), "IntrinsicPlasticityConfig"),
    ):
        with pytest.raises(DescriptionError, match=f"in_silence of {name} is .*: give a"):
            make()
