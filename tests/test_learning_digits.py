"""The experiment of experiments/learn_digits.py, made short: one seed, few epochs."""

import sys
from pathlib import Path

import numpy as np
import pytest

from thalia_sim import MemoryRecorder, Simulation, SpikeArray

pytest.importorskip("sklearn")
EXPERIMENTS = Path(__file__).resolve().parent.parent / "experiments"


@pytest.fixture(scope="module")
def experiment():
    sys.path.insert(0, str(EXPERIMENTS))
    try:
        import learn_digits
    finally:
        sys.path.remove(str(EXPERIMENTS))
    return learn_digits


@pytest.fixture(scope="module")
def digits(experiment):
    return experiment.load()


@pytest.mark.parametrize("name", ["gradient alone", "gradient 0.7, Hebb 0.3", "gradient 0.3, Hebb 0.7", "Hebb alone, contrast"])
def test_digits_are_learned(experiment, digits, name):
    """At least 0.85 of the test images, of which chance gives 0.1 and an untrained network about that; for Hebb alone 0.8."""
    (way,) = [way for way in experiment.ways() if way.name == name]
    curve, _ = experiment.train(digits, way, seed=1, epochs=10)
    assert curve[0] < 0.3
    assert curve[-1] >= (0.8 if name.startswith("Hebb") else 0.85)


def test_a_trained_network_answers_the_same_in_the_simulator(experiment, digits):
    """The trained weights in the description, the spikes of an image from a SpikeArray: every output neuron of `Simulation` fires as in training."""
    _, learner = experiment.train(digits, experiment.ways()[2], seed=1, epochs=2)
    net = experiment.build(1)
    learner.write(net)
    for image in digits.test[:2]:
        rates = learner.forward(digits.spikes[:, [image]])
        steps, pixels = np.nonzero(digits.spikes[:, image])
        net.populations["pixels"].model = SpikeArray(times=steps + 1.0, ids=pixels)
        recorder = MemoryRecorder()
        Simulation(net, [recorder]).run(experiment.STEPS)
        count = np.bincount(recorder.ids("digits"), minlength=10)
        np.testing.assert_array_equal(count, np.round(rates[0] * experiment.STEPS))
        assert count.sum() > 0


def test_the_picture_and_the_page(experiment, digits, tmp_path, monkeypatch):
    """Two ways, one seed, one epoch: a picture, and a table with a row for each way."""
    curves = {way.name: np.full((2, 3), 0.1 + 0.1 * k) for k, way in enumerate(experiment.ways())}
    experiment.draw(curves, 0.95, tmp_path / "picture.png")
    assert (tmp_path / "picture.png").stat().st_size > 10_000
    text = experiment.page(curves, 0.95, 2, 2, 1.0, "picture.png")
    assert "| gradient alone | 0.100 | 0.100 to 0.100 |" in text and "| logistic regression on the pixels (scikit-learn) | 0.950 | |" in text
    assert "gradient 0.1, Hebb 0.9, is 0.500 above the gradient alone; the ranges over seeds do not overlap" in text


def test_the_page_in_the_docs_meets_what_is_asked():
    """Every mixture with gradient in it has a median of at least 0.85."""
    page = (EXPERIMENTS.parent / "docs" / "digits.md").read_text(encoding="utf-8")
    medians = {cells[1].strip(): float(cells[2]) for cells in (line.split("|") for line in page.splitlines() if line.startswith("| gradient"))}
    assert len(medians) == 6 and min(medians.values()) >= 0.85
