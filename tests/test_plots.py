"""Facts and pictures of a recording: the figures are those of the spikes, and what is thinned says so."""

import json

import matplotlib.image
import numpy as np
import pytest
from fake_simulation import FakeSimulation
from matplotlib.figure import Figure

from thalia_sim import LIFDelta, Network, all_to_all
from thalia_sim.analysis import describe_recording, format_info, plot_recording, plots
from thalia_sim.errors import RecordingError
from thalia_sim.hooks import Recorder, Sample
from thalia_sim.recording import open_recording


def record(path, sizes=(("exc", 300), ("inh", 60)), duration=200.0, rate=20.0, **options):
    net = Network(seed=5)
    for name, n in sizes:
        net.populate(name, n, LIFDelta())
    for name in options.get("weights", ()):
        source, target = name.split("->")
        net.connect(net[source], net[target], all_to_all(), w=1.0)
    FakeSimulation(net, [Recorder(path, **options)], rate=rate).run(duration)
    return path


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    state = [Sample("exc", "v", every=1.0), Sample("inh", "v", every=1.0)]
    return record(tmp_path_factory.mktemp("plots") / "run.h5", state=state, weights=["exc->inh"])


def test_facts_are_those_of_the_spikes(full):
    facts = describe_recording(full)
    json.dumps(facts)
    exc = facts["populations"][0]
    with open_recording(full) as recording:
        assert exc["spikes"] == len(recording.spikes("exc")[0]) > 0
        assert exc["rate_hz"] == pytest.approx(exc["spikes"] / 300 / 0.2)
    assert (facts["status"], facts["seed"], facts["duration_ms"]) == ("complete", 5, 200.0)
    assert facts["units"] == {"time": "ms", "rates": "Hz", "v": "mV"}
    assert "/spikes/inh/timestamps" in facts["datasets"] and facts["weights"] == {"exc->inh": 2}


def test_facts_in_words(full):
    text = format_info(describe_recording(full))
    for word in ("run.h5", "seed 5", "200 ms in steps of 0.1 ms", "population", "exc", "LIFDelta", "v (mV)", "/spikes/exc/timestamps"):
        assert word in text
    assert "/spikes/inh/timestamps" not in text  # exc stands for all populations


@pytest.mark.parametrize("ending", ["png", "svg"])
def test_a_picture_is_drawn(full, tmp_path, ending):
    out = plot_recording(full, tmp_path / f"run.{ending}")
    if ending == "png":
        image = matplotlib.image.imread(out)
        assert image.shape[1] == 1200 and (image[..., :3].min(axis=2) < 0.5).mean() > 0.01  # not blank
    else:
        assert "<svg" in out.read_text()[:1000]


def test_the_same_recording_gives_the_same_svg(full, tmp_path):
    a, b = (plot_recording(full, tmp_path / name).read_bytes() for name in ("a.svg", "b.svg"))
    assert a == b


@pytest.mark.parametrize("sizes, duration", [((("exc", 5), ("none", 0)), 50.0), ((("none", 0),), 20.0), ((("exc", 5),), 0.0)])
def test_small_and_silent_runs_can_be_drawn(tmp_path, sizes, duration):
    path = record(tmp_path / "run.h5", sizes, duration, rate=0.0)
    assert plot_recording(path, tmp_path / "run.png").stat().st_size > 0
    assert "run.h5" in format_info(describe_recording(path))


def test_a_raster_is_thinned_and_says_so(tmp_path, monkeypatch):
    path = record(tmp_path / "run.h5")
    monkeypatch.setattr(plots, "NEURONS", 100)
    monkeypatch.setattr(plots, "POINTS", 50)
    ax = Figure().subplots()
    with open_recording(path) as recording:
        plots.raster(ax, recording)
    assert ax.get_title(loc="right").startswith("100 of 360 neurons, every ")
    assert 0 < sum(len(dots.get_offsets()) for dots in ax.collections) <= 52
    assert [label.get_text() for label in ax.get_yticklabels()] == ["exc", "inh"]


def test_rates_are_spikes_per_neuron_and_second(full):
    ax = Figure().subplots()
    with open_recording(full) as recording:
        plots.rates(ax, recording, width=50.0)
        times, _ = recording.spikes("inh")
    # times are multiples of 0.1 ms and bins are open to the left: half a step keeps clear of the edges
    expected = np.histogram(times - 0.05, np.arange(0, 201, 50))[0] / 60 / 0.05
    np.testing.assert_allclose(ax.lines[1].get_ydata(), expected)
    assert ax.get_ylabel() == "rate (Hz)"


def test_partly_recorded_populations(tmp_path):
    net = Network(seed=1)
    exc = net.populate("exc", 50, LIFDelta())
    FakeSimulation(net, [Recorder(tmp_path / "run.h5", spikes=[exc[10:20]])], rate=100.0).run(100.0)
    facts = describe_recording(tmp_path / "run.h5")["populations"][0]
    assert facts["n_recorded"] == 10 and facts["rate_hz"] == facts["spikes"] / 10 / 0.1
    plot_recording(tmp_path / "run.h5", tmp_path / "run.png")


def test_bad_pictures_are_refused(full, tmp_path):
    with pytest.raises(RecordingError, match="ends in .png, .svg or .pdf"):
        plot_recording(full, tmp_path / "run.gif")
    with pytest.raises(RecordingError, match="does not exist: create it first"):
        plot_recording(full, tmp_path / "no" / "run.png")
