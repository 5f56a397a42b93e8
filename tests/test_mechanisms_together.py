"""All pairs of mechanisms at their default settings, in one network: what they move comes to rest, and neither swings about it."""

import itertools

import numpy as np
import pytest

from thalia_sim import LIFDelta, Network, Poisson, RobustnessConfig, Simulation, UnifiedHomeostasis, in_degree

MOVES = {  # mechanism -> what it moves: a factor, or a shift in mV
    "weight_normalization": "weight_normalization.exc.error",
    "activity_scaling": "activity_scaling.exc.e",
    "ei_balance": "ei_balance.exc.scale",
    "divisive_norm": "divisive_norm.exc.gain",
    "intrinsic_plasticity": "intrinsic_plasticity.exc.shift",
    "criticality": "criticality.scale",
    "metabolic": "metabolic.exc.gain",
    "hard_bounds": "hard_bounds.exc.v",
}
SECONDS = 40
SWING = {"factor": 0.15, "mV": 0.3}  # largest span about a straight line in the last quarter; noise of 80 neurons makes up to 0.07 and 0.1 of it


def driven():
    """80 excitatory and 20 inhibitory neurons that fire at 32 Hz by themselves, far above the targets of 5 Hz."""
    net = Network(seed=1)
    exc, inh = net.populate("exc", 80, LIFDelta()), net.populate("inh", 20, LIFDelta())
    for target in (exc, inh):
        net.drive(target, Poisson(rate=1000.0), w=1.0)
        net.connect(exc, target, in_degree(16), w=0.25, delay=1.5)
        net.connect(inh, target, in_degree(8), w=-0.75, delay=1.5)
    return net


@pytest.mark.parametrize("pair", list(itertools.combinations(MOVES, 2)), ids=" and ".join)
def test_two_mechanisms_settle(pair):
    """Quarter by quarter the mean moves less than before (8 tenths of it, or 0.05), and about its trend it spans less than SWING in the last one."""
    hook = UnifiedHomeostasis(RobustnessConfig.minimal().switched(**dict.fromkeys(pair, True)), "exc", "inh")
    sim, course = Simulation(driven(), [hook]), []
    for _ in range(2 * SECONDS):
        sim.run(500.0)
        course.append([hook.diagnostics()[MOVES[name]] for name in pair])
    for name, values in zip(pair, np.transpose(course), strict=True):
        quarters = values.reshape(4, -1)
        _, before, third, last = quarters.mean(axis=1)
        assert abs(last - third) <= max(0.8 * abs(third - before), 0.05), (name, quarters.mean(axis=1))
        line = np.polyval(np.polyfit(np.arange(len(quarters[3])), quarters[3], 1), np.arange(len(quarters[3])))
        assert np.ptp(quarters[3] - line) < SWING["mV" if name == "intrinsic_plasticity" else "factor"], (name, quarters[3])


def test_the_test_sees_a_swing():
    """A normalization that acts after half of an average and steeply overshoots at each call; the same check finds it."""
    from dataclasses import replace

    settings = RobustnessConfig.minimal().divisive_norm
    config = replace(RobustnessConfig.minimal().switched(divisive_norm=True), divisive_norm=replace(settings, exponent=2.0, tau=500.0))
    hook = UnifiedHomeostasis(config, "exc", "inh")
    sim, course = Simulation(driven(), [hook]), []
    for _ in range(20):
        sim.run(500.0)
        course.append(hook.diagnostics()[MOVES["divisive_norm"]])
    assert np.ptp(course[10:]) > SWING["factor"]
