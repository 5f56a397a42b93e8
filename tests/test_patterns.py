"""Input patterns, and whether a network's answers tell them apart: against formulas worked by hand and an independent readout."""

import math

import numpy as np
import pytest

from thalia_sim import DC, LIF, DescriptionError, Network, PathError, Patterns, Poisson, PoissonSource, Recorder, Simulation, SimulationError
from thalia_sim.analysis import answers, discrimination
from thalia_sim.errors import MeasureError, RecordingError
from thalia_sim.measures import discriminate
from thalia_sim.recording import open_recording
from thalia_sim.studies.measured import built_in_measure
from thalia_sim.testing import check_hook


def cells(rate=1000.0):
    net = Network(seed=4, dt=0.1)
    net.populate("exc", 60, LIF())
    net.populate("inh", 20, LIF())
    net.populate("source", 5, PoissonSource(rate=5.0))
    net.drive("exc", Poisson(rate=rate), w=1.0)
    return net


def test_current_flows_into_the_neurons_of_the_pattern_while_it_is_on():
    """i_ext is 150 pA in a fifth of the neurons from 0 to 30 ms of each 50 ms and 0 else; each round of three holds each pattern once."""
    sim = Simulation(cells(), [hook := Patterns("exc", 150.0, n=3, share=0.2, on=30.0, off=20.0)])
    met = []
    for _ in range(6):
        sim.run(10.0)
        members = np.flatnonzero(sim["exc"].i_ext)
        assert (sim["exc"].i_ext[members] == 150.0).all() and len(members) == 12
        assert members.tolist() == hook.members(4, int(hook.diagnostics()["pattern"]), 60).tolist()
        met.append(int(hook.diagnostics()["pattern"]))
        sim.run(30.0)
        assert not sim["exc"].i_ext.any() and math.isnan(hook.diagnostics()["pattern"])
        sim.run(10.0)
    assert sorted(met[:3]) == sorted(met[3:]) == [0, 1, 2]


def test_patterns_follow_from_the_seed_and_lie_over_other_currents():
    orders = {tuple(Patterns("exc", 1.0).which(seed, k) for k in range(16)) for seed in range(8)}
    assert len(orders) == 8
    net = cells()
    net.drive("exc", DC(amplitude=20.0))
    sim = Simulation(net, [Patterns("exc", 5.0, on=10.0, off=10.0)])
    sim.run(5.0)
    assert np.unique(sim["exc"].i_ext).tolist() == [20.0, 25.0]
    sim.run(10.0)
    assert np.unique(sim["exc"].i_ext).tolist() == [20.0]


def test_a_pattern_ends_when_the_hook_is_detached():
    sim = Simulation(cells(), [hook := Patterns("exc", 150.0)])
    sim.run(30.0)
    assert sim["exc"].i_ext.any()
    sim.detach(hook)
    assert not sim["exc"].i_ext.any()


def test_repeats_to_the_bit():
    check_hook(lambda: Patterns("exc", 100.0, n=3, on=20.0, off=15.0), span=200.0)


def test_wrong_arguments_are_named():
    for wrong, match in (
        ({"current": math.nan}, "current of Patterns is nan"), ({"n": 1}, "n of Patterns is 1"), ({"share": 0.0}, "share of Patterns is 0.0"),
        ({"on": -1.0}, "on of Patterns is -1.0"), ({"off": 0.0}, "off of Patterns is 0.0"),
    ):  # fmt: skip
        with pytest.raises(DescriptionError, match=match):
            Patterns("exc", **{"current": 1.0, **wrong})
    with pytest.raises(PathError, match="unknown population 'ex': did you mean 'exc'"):
        Simulation(cells(), [Patterns("ex", 1.0)]).run(1.0)
    with pytest.raises(SimulationError, match="source has no state i_ext"):
        Simulation(cells(), [Patterns("source", 1.0)]).run(1.0)
    with pytest.raises(SimulationError, match="every of hook patterns is 0.05 ms, no whole number of steps"):
        Simulation(cells(), [Patterns("exc", 1.0, on=10.05)]).run(1.0)


# the readout


def test_worked_by_hand():
    """Two classes apart by far: all right. One answer of four that looks like the other class: its fold's means are those of the other rows."""
    apart = discriminate([[9, 0], [9, 0], [0, 9], [0, 9]], [3, 3, 5, 5])
    assert apart == (1.0, 0.5, 2, 2)
    mixed = discriminate([[9, 0], [0, 9], [0, 9], [0, 9]], [0, 0, 1, 1])  # fold 0: mean of 0 is (0, 3), of 1 too: [9, 0] ties, [0, 9] ties
    assert mixed.accuracy == pytest.approx((0.5 + 0.5 + 0.0 + 1.0) / 4)  # fold 1: mean of 0 is (3, 0), of 1 (0, 3)


def test_an_answer_without_information_is_at_chance():
    """Independent counts of 50 neurons, 4 classes, 30 presentations, 40 draws: the mean accuracy is 1/4 within three standard errors (binomial), also
    in high dimension, where a readout that leaves out one answer alone is systematically below chance."""
    rng = np.random.default_rng(1)
    found = [discriminate(rng.poisson(4.0, (120, 50)), np.tile(np.arange(4), 30)).accuracy for _ in range(40)]
    assert abs(np.mean(found) - 0.25) < 3 * math.sqrt(0.25 * 0.75 / (40 * 120))


def test_equals_a_loop_over_presentations():
    """Independent reference: the nearest mean, found presentation by presentation with scikit-learn's NearestCentroid on the other folds."""
    from sklearn.neighbors import NearestCentroid

    rng = np.random.default_rng(2)
    labels = rng.permutation(np.repeat([2, 4, 7], 6))
    counts = rng.poisson(3.0 + 0.8 * (np.arange(20) % 3 == (labels[:, None] % 3)))
    fold = np.array([np.sum(labels[:k] == label) for k, label in enumerate(labels)])
    right = 0
    for f in range(6):
        fitted = NearestCentroid().fit(np.sqrt(counts[fold != f]), labels[fold != f])
        right += int((fitted.predict(np.sqrt(counts[fold == f])) == labels[fold == f]).sum())
    assert discriminate(counts, labels).accuracy == pytest.approx(right / 18)


def test_too_little_is_not_known():
    assert math.isnan(discriminate(np.zeros((0, 3), int), np.zeros(0, int)).accuracy)
    assert math.isnan(discriminate(np.ones((3, 2), int), np.array([1, 1, 1])).accuracy)
    assert math.isnan(discriminate(np.ones((3, 2), int), np.array([1, 1, 2])).accuracy)
    with pytest.raises(MeasureError, match=r"counts have shape \(3, 2\) and labels \(2,\)"):
        discriminate(np.ones((3, 2)), [1, 2])
    with pytest.raises(MeasureError, match="hold what is no count"):
        discriminate([[-1.0]], [1])


def test_read_from_a_recording(tmp_path):
    """Strong patterns are told apart, counts are those of the windows; of a run without patterns it is said so."""
    with Simulation(cells(), [Patterns("exc", 120.0, n=3, on=60.0, off=40.0), Recorder(tmp_path / "a.h5")]) as sim:
        sim.run(1450.0)
    with open_recording(tmp_path / "a.h5") as recording:
        counts, labels = answers(recording, "exc")
        t, ids = recording.spikes("exc")
        assert counts.shape == (14, 60) and np.bincount(labels).tolist() in ([5, 5, 4], [5, 4, 5], [4, 5, 5])
        assert counts[7, 11] == np.sum((t > 700.0) & (t <= 800.0) & (ids == 11)) and counts.sum() == np.sum(t <= 1400.0)
        found = discrimination(recording, "exc")
        assert built_in_measure(recording)["told_apart.exc"] == found.accuracy
        assert found.accuracy > 0.9 and (found.chance, found.classes, found.presentations) == (1 / 3, 3, 4)
    with Simulation(cells(), [Recorder(tmp_path / "b.h5")]) as sim:
        sim.run(10.0)
    with open_recording(tmp_path / "b.h5") as recording, pytest.raises(RecordingError, match="holds no patterns"):
        discrimination(recording, "exc")
