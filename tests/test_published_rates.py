"""The circuits behave as published: rates of the microcircuit, regimes of Brunel's network."""

import numpy as np
import pytest

from thalia_sim import MemoryRecorder, Simulation
from thalia_sim.circuits import brunel, potjans_diesmann
from thalia_sim.circuits.potjans_diesmann import POPULATIONS, RATES

SKIP = 100.0  # ms, onset


def simulated(net, ms):
    memory = MemoryRecorder()
    Simulation(net, [memory]).run(ms)
    return memory


def test_microcircuit_at_a_tenth():
    """Reference: Brian2 and NEST on the same network fire at 2.72 and 2.67 to 2.72 Hz in its first second: 5 %, several times their spread.

    Potjans & Diesmann 2014, table 6: in every layer inhibition fires faster. A tenth of the neurons share more of their input than in the full
    network, which lowers slow rates most, so the published ones are met within a factor of 2 only; at full scale see docs/microcircuit.md.
    """
    memory = simulated(potjans_diesmann(0.1, seed=1), 1000.0)
    sizes = np.array([memory.populations[p].n for p in POPULATIONS])
    rates = np.array([len(memory.times(p)) for p in POPULATIONS]) / sizes
    assert abs((rates * sizes).sum() / sizes.sum() - 2.70) < 0.05 * 2.70
    assert (rates[1::2] > rates[0::2]).all()
    assert ((rates > 0.5 * RATES) & (rates < 2.0 * RATES)).all()


def regime(g, eta, ms):
    """(rate in Hz, CV of intervals, frequency in Hz of the largest peak of the population's spectrum, its share of the variance)."""
    memory = simulated(brunel(g=g, eta=eta, seed=1), ms)
    times, ids = memory.times("exc"), memory.ids("exc")
    times, ids = times[times > SKIP], ids[times > SKIP]
    order = np.lexsort((times, ids))
    same = np.diff(ids[order]) == 0
    intervals, who = np.diff(times[order])[same], ids[order][1:][same]
    n = np.bincount(who, minlength=10_000)
    often = n >= 5
    mean = np.bincount(who, intervals, 10_000)[often] / n[often]
    square = np.bincount(who, intervals**2, 10_000)[often] / n[often]
    cv = float(np.mean(np.sqrt(np.maximum(square - mean**2, 0.0)) / mean)) if often.any() else np.nan
    activity = np.histogram(times, np.arange(SKIP, ms + 0.25, 0.5))[0]
    power = np.abs(np.fft.rfft(activity - activity.mean())) ** 2
    frequency = np.fft.rfftfreq(len(activity), 0.5e-3)
    peak = int(np.argmax(power))
    near = np.abs(frequency - frequency[peak]) <= 15.0
    return len(times) / 10_000 / (ms - SKIP) * 1e3, cv, frequency[peak], power[near].sum() / power.sum()


@pytest.mark.parametrize(
    ("g", "eta", "ms", "expected"),
    [
        (3.0, 2.0, 200.0, lambda rate, cv, peak, share: rate > 200 and cv < 0.1 and abs(peak - round(peak / rate) * rate) < 0.05 * rate),
        (6.0, 4.0, 400.0, lambda rate, cv, peak, share: 40 < rate < 80 and cv > 0.5 and 100 < peak < 250 and peak > 2 * rate),
        (5.0, 2.0, 600.0, lambda rate, cv, peak, share: abs(rate - 38.0) < 0.05 * 38.0 and cv > 0.3 and share < 0.5),
        (4.5, 0.9, 600.0, lambda rate, cv, peak, share: rate < 10 and peak > 2 * rate and peak < 60 and share > 0.3),
    ],
    ids=["synchronous regular", "fast oscillation", "asynchronous irregular", "slow oscillation"],
)
def test_brunel_regimes(g, eta, ms, expected):
    """Brunel 2000, figure 8 A to D: regular firing in step at g = 3, so that the rhythm is a multiple of the rate; fast global oscillation of
    neurons that fire irregularly and below its frequency at g = 6; irregular firing without a dominant rhythm at g = 5, at the 37.5 to 39 Hz of
    Brian2 and NEST; slow rhythm of rare spikes at g = 4.5 under weak input.
    """
    found = regime(g, eta, ms)
    assert expected(*found), found
