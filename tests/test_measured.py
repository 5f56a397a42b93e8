"""Measures of recordings: what the file says is what the measures of its spikes in memory say; tables, pictures and the command line."""

import json
import math

import matplotlib.image
import numpy as np
import pytest
from click.testing import CliRunner
from fake_simulation import FakeSimulation
from matplotlib.figure import Figure

from thalia_sim import LIF, LIFDelta, Network, Poisson, Simulation, all_to_all, open_recording, probability
from thalia_sim import measures as ms
from thalia_sim.analysis import measure_facts, measure_plots, measure_recording, measured
from thalia_sim.cli import commands
from thalia_sim.errors import RecordingError
from thalia_sim.hooks import Recorder
from thalia_sim.recording import reader


def fake(path, sizes=(("exc", 300), ("inh", 60)), duration=400.0, rate=20.0, seed=5, **options):
    """A recording of independent Poisson neurons; weights grow by 1 in each ms."""
    net = Network(seed=seed)
    for name, n in sizes:
        net.populate(name, n, LIFDelta())
    if options.get("weights"):
        net.connect(net["exc"], net["inh"], all_to_all(), w=1.0)
    FakeSimulation(net, [Recorder(path, **options)], rate=rate).run(duration)
    return path


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    """A run of a small network with inhibition."""
    path = tmp_path_factory.mktemp("measured") / "run.h5"
    net = Network(seed=3)
    cell = LIF(tau_m=20.0, v_th=15.0, t_ref=2.0)
    exc, inh = net.populate("exc", 160, cell), net.populate("inh", 40, cell)
    net.drive(exc + inh, Poisson(rate=9000.0), w=0.1)
    net.connect(exc, exc + inh, probability(0.1), w=0.1, delay=1.5)
    net.connect(inh, exc + inh, probability(0.1), w=-0.5, delay=1.5)
    with Simulation(net, [Recorder(path)]) as sim:
        sim.run(3000.0)
    return path


@pytest.fixture(scope="module")
def plastic(tmp_path_factory):
    return fake(tmp_path_factory.mktemp("measured") / "plastic.h5", weights=[("exc->inh", 100.0)])


def same(a, b):
    for x, y in zip(a, b, strict=True):
        np.testing.assert_allclose(np.asarray(x, dtype=float), np.asarray(y, dtype=float), rtol=1e-9, atol=1e-12)


def test_a_recording_is_measured_as_its_spikes_are(real, monkeypatch):
    """Read in small blocks, with a transient left out; n = 160, so that every neuron is in the sample."""
    monkeypatch.setattr(reader, "READ", 1000)
    found = measure_recording(real, t0=200.0, t1=2900.0).populations["exc"]
    with open_recording(real) as recording:
        t, ids = recording.spikes("exc", 200.0, 2900.0)
        assert sum(len(t) for t, _ in recording.blocks("exc", 200.0, 2900.0)) == len(t) > 3000
        assert max(len(t) for t, _ in recording.blocks("exc")) <= 1000
    window = {"n": 160, "t0": 200.0, "t1": 2900.0}
    assert found.spikes == len(t)
    same(found.rates, ms.firing_rates(t, ids, **window))
    same(found.rate, ms.population_rate(t, ids, **window))
    same(found.intervals, ms.isi(t, ids, **window))
    same(found.fano, ms.fano_factor(t, ids, **window))
    same(found.synchrony, ms.spike_synchrony(t, ids, **window))
    same(found.correlation, ms.count_correlation(t, ids, chosen=range(160), **window))
    same(found.spectrum, ms.power_spectrum(found.rate.counts, 1.0, 160))
    counts = ms.population_rate(t, ids, bin=4.0, **window).counts
    same([getattr(found.branching, f) for f in ("m", "low", "r")], [getattr(ms.branching_ratio(counts, 4.0), f) for f in ("m", "low", "r")])
    bin = ms.mean_interval(len(t), 2700.0, 0.1)
    assert found.avalanches.bin == bin and bin == pytest.approx(2700.0 / len(t), abs=0.051)
    same(found.avalanches, ms.spike_avalanches(t, ids, bin=bin, **window))
    assert found.criticality == ms.criticality(found.avalanches) and found.criticality.size.n > 50
    assert found.spectrum.segments == 4 and 0 < found.intervals.cv[found.intervals.number > 10].mean() < 1.5


def test_measures_tell_the_numbers_of_the_files_counts(real):
    with open_recording(real) as recording:
        counts = recording.counts("inh")
        np.testing.assert_array_equal(measure_recording(real).populations["inh"].rate.counts, counts.counts)


def test_a_partly_recorded_population_has_as_many_neurons_as_were_recorded(tmp_path):
    net = Network(seed=1)
    exc = net.populate("exc", 50, LIFDelta())
    FakeSimulation(net, [Recorder(tmp_path / "run.h5", spikes=[exc[10:20]])], rate=100.0).run(200.0)
    found = measure_recording(tmp_path / "run.h5").populations["exc"]
    with open_recording(tmp_path / "run.h5") as recording:
        _, ids = recording.spikes("exc")
    assert found.n == 10 and found.rates.rate.tolist() == [(ids == k).sum() / 0.2 for k in range(10, 20)]


def test_weights_over_snapshots(plastic):
    """All weights grow by 1 in each ms: the mean drifts, the spread does not."""
    course = measure_recording(plastic, t0=100.0, t1=350.0).weights["exc->inh"]
    assert course.t.tolist() == [100.0, 200.0, 300.0]
    assert [d.mean for d in course.drift] == pytest.approx([0.0, 100.0, 200.0], rel=1e-5)
    assert course.distribution[0].sd == pytest.approx(course.distribution[-1].sd, rel=1e-5) and course.drift[-1].correlation == pytest.approx(1.0)
    assert measure_recording(plastic, t0=110.0, t1=120.0).weights["exc->inh"].distribution == ()


def test_windows_outside_the_recording_and_unknown_populations_are_refused(plastic):
    for t0, t1 in ((-5.0, None), (None, 500.0), (300.0, 200.0), (400.0, None)):
        with pytest.raises(RecordingError, match=r"give one within plastic.h5, which covers 0 to 400 ms"):
            measure_recording(plastic, t0, t1)
    with pytest.raises(RecordingError, match="no spikes of 'foo'"):
        measure_recording(plastic, populations=["foo"])


@pytest.mark.parametrize("sizes, duration", [((("exc", 5), ("none", 0)), 50.0), ((("none", 0),), 20.0), ((("exc", 5),), 0.0)])
def test_small_and_silent_runs(tmp_path, sizes, duration):
    """No value is null in JSON and - in the table; nothing warns, and empty panels say why."""
    found = measure_recording(fake(tmp_path / "run.h5", sizes, duration, rate=0.0))
    text = json.dumps(measure_facts.measure_facts(found), allow_nan=False)
    assert json.loads(text)["populations"][sizes[0][0]]["cv"] is None
    assert sizes[0][0] in measure_facts.format_measures(found)
    assert measure_plots.plot_measures(found, tmp_path / "run.png").stat().st_size > 0


# over the runs of a study ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    return [fake(folder / f"run{seed}.h5", (("exc", 40),), 1000.0, seed=seed) for seed in (1, 2, 3, 4)]


def test_mean_and_interval_over_runs(runs):
    """Student's interval of the runs' own values; Poisson neurons of 20 Hz lie in it."""
    found = [measure_recording(path) for path in runs]
    rates = [m.populations["exc"].rates.mean for m in found]
    over = measure_facts.over_runs(found)["exc"]
    assert over["rate_hz"].mean == pytest.approx(np.mean(rates)) and over["rate_hz"].n == 4
    assert over["rate_hz"].half_width == pytest.approx(3.182446 * np.std(rates, ddof=1) / 2)  # Student's t of 3 degrees of freedom, 97.5 %
    for quantity, truth in {"rate_hz": 20.0, "lv": 1.0, "fano": 1.0, "correlation": 0.0, "chi": 40**-0.5}.items():
        e = over[quantity]
        assert abs(e.mean - truth) < 2 * e.half_width, quantity
    one = measure_facts.over_runs(found[:1])["exc"]["rate_hz"]
    assert one.mean == rates[0] and math.isnan(one.half_width)


# the command line -----------------------------------------------------------------------------------------------------


def call(*words, code=0):
    result = CliRunner().invoke(commands, ["measure", *(str(w) for w in words)])
    assert result.exit_code == code, result.output
    return result.output


def test_measure_prints_a_table(real):
    output = call(real, "--from", "0.5 s", "--population", "inh")
    assert "500 to 3000 ms" in output and "exc" not in output
    row = next(line.split() for line in output.splitlines() if line.startswith("inh "))
    found = measure_recording(real, t0=500.0).populations["inh"]
    assert row[2:5] == [str(found.n), f"{found.spikes:,}", f"{found.rates.mean:.3g}"]
    assert "spectrum highest at" in output and "spikes^2/s^2/Hz" in output


def test_measure_prints_json(plastic):
    facts = json.loads(call(plastic, "--json"))
    assert facts["populations"]["exc"]["rate_hz"] == pytest.approx(20.0, rel=0.1)
    assert facts["weights"]["exc->inh"]["drift_mean"] == pytest.approx(400.0, rel=1e-4)
    assert facts["settings"]["fano_window"] == 100.0
    exc = facts["populations"]["exc"]  # independent neurons: no branching ratio
    assert exc["branching"] is None and exc["branching_state"] == "undefined"
    assert exc["avalanches"] > 100 and exc["size_exponent"] > 1.0 and exc["size_number"] >= 50 and exc["avalanche_bin_ms"] == pytest.approx(0.2)


def test_measure_of_several_runs(runs, tmp_path):
    output = call(*runs, "--plot", tmp_path / "runs.png")
    lines = output.splitlines()
    assert lines[0].startswith("4 runs") and sum(line.startswith("run") for line in lines) == 4
    mean, half = (next(line.split() for line in lines if line.startswith(word)) for word in ("mean", "+-"))
    assert float(mean[1]) == pytest.approx(20.0, rel=0.1) and 0 < float(half[1]) < 2
    assert (tmp_path / "runs.png").stat().st_size > 1000
    assert len(json.loads(call(*runs, "--json"))["runs"]) == 4


def test_measure_refuses_in_a_sentence(real, tmp_path):
    assert "give one within run.h5" in call(real, "--from", "5 s", code=1)
    assert "no spikes of 'foo'" in call(real, "--population", "foo", code=1)
    assert "ends in .png" in call(real, "--plot", tmp_path / "run.gif", code=1)
    assert "does not exist" in call(tmp_path / "no.h5", code=1)


# pictures -------------------------------------------------------------------------------------------------------------


def test_a_picture_is_drawn(real, plastic, tmp_path):
    for path in (real, plastic):
        image = matplotlib.image.imread(measure_plots.plot_measures(measure_recording(path), tmp_path / "run.png"))
        assert image.shape[1] == 1350 and (image[..., :3].min(axis=2) < 0.5).mean() > 0.005  # not blank


def test_panels_show_the_numbers(real):
    found = measure_recording(real)
    exc = found.populations["exc"]
    ax = Figure().subplots()
    measure_plots.spectrum(ax, {"exc": exc.spectrum})
    frequency, power = ax.lines[0].get_data()
    np.testing.assert_array_equal(power[:12], exc.spectrum.power[:12])  # the octaves above are means
    inside = (exc.spectrum.frequency >= 256.0) & (exc.spectrum.frequency < 256.0 * 2 ** (1 / 12))
    assert power[(frequency >= 256.0) & (frequency < 271.0)] == pytest.approx(exc.spectrum.power[inside].mean())
    ax = Figure().subplots()
    measure_plots.fano(ax, {"exc": exc.fano})
    assert ax.lines[2].get_xdata()[0] == pytest.approx(np.nanmedian(exc.fano.factor))
    ax = Figure().subplots()
    measure_plots.interval_histogram(ax, {"exc": exc.intervals})
    np.testing.assert_allclose(ax.patches[0].get_data().values * exc.intervals.number.sum(), exc.intervals.histogram)
    ax = Figure().subplots()
    measure_plots.avalanche_sizes(ax, {"exc": exc})
    size, share = ax.lines[0].get_data()
    assert (size[0], share[0]) == (exc.avalanches.sizes.value[0], 1.0) and share[-1] == exc.avalanches.sizes.number[-1] / exc.avalanches.n
    ax = Figure().subplots()
    measure_plots.branching(ax, {"exc": exc.branching._replace(m=0.9, b=0.5, offset=0.0)})
    assert ax.lines[1].get_ydata()[0] == pytest.approx(0.45) and ax.lines[0].get_ydata()[0] == exc.branching.r[0]
    ax = Figure().subplots()
    measure_plots.rate_course(ax, {"exc": exc.rate}, sigma=50.0)
    line = ax.lines[0]
    assert line.get_ydata().mean() == pytest.approx(exc.rates.mean, rel=0.05) and line.get_label() == "exc"
    assert "sd 50 ms" in ax.get_title(loc="right")


def test_settings_reach_the_measures(real):
    found = measure_recording(real, settings=measured.Settings(bin=2.0, fano_window=50.0, correlation_bin=10.0, sample=7, segment=500.0))
    exc = found.populations["exc"]
    assert (exc.rate.bin, exc.fano.windows, exc.correlation.bin, len(exc.correlation.ids)) == (2.0, 60, 10.0, 7)
    assert exc.spectrum.frequency[0] == 2.0
    exc = measure_recording(real, settings=measured.Settings(branching_bin=5.0, avalanche_bin=0.3)).populations["exc"]
    assert (exc.branching.bin, exc.avalanches.bin) == (5.0, 0.3)
