"""The command line and the contract of an experiment script."""

import json
import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from thalia_sim import experiment as ex
from thalia_sim.analysis.watch import watch_recording
from thalia_sim.circuits import potjans_diesmann
from thalia_sim.cli import commands
from thalia_sim.errors import DescriptionError, PathError
from thalia_sim.forecast import forecast
from thalia_sim.recording.reader import open_recording
from thalia_sim.simulation import Simulation

ROOT = Path(__file__).resolve().parent.parent

SMALL = """
    from thalia_sim import LIF, Network, Poisson, probability
    from thalia_sim.units import mV, ms, s

    until = 50 * ms

    def build(seed=1, n=20, inhibition=0.5, label="x", strong=False, start=None):
        net = Network(seed=seed)
        exc = net.populate("exc", n, LIF(tau_m=20 * ms, v_th=15 * mV))
        net.connect(exc, exc, probability(0.2), w=inhibition * mV, delay=1.5 * ms)
        net.drive(exc, Poisson(rate=2000.0), w=(2.0 if strong else 1.0) * mV)
        return net
"""


@pytest.fixture
def script(tmp_path):
    """Write a script and give its path."""

    def write(text=SMALL, name="small.py"):
        path = tmp_path / name
        path.write_text(textwrap.dedent(text))
        return path

    return write


def call(*words, code=0):
    """Run the command line in this process; the exit code must be `code`."""
    result = CliRunner().invoke(commands, [str(w) for w in words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.output


# what a script offers


def test_parameters_come_from_the_signature(script):
    loaded = ex.load_script(script())
    assert loaded.parameters == {"seed": 1, "n": 20, "inhibition": 0.5, "label": "x", "strong": False, "start": None}
    assert loaded.until == 50.0
    assert list(loaded.hooks()) == []


def test_settings_reach_build_and_the_network(script):
    """--set takes the type of the default; a dotted name is a path of the network."""
    loaded = ex.load_script(script())
    net = ex.describe(loaded, seed=7, settings=["n=30", "inhibition=0.2 mV", "strong=yes", "exc.tau_m=15", "exc->exc.delay=2ms"])
    assert net.seed == 7 and len(net["exc"]) == 30
    assert net.get("exc->exc.w") == 0.2 and net.get("exc->exc.delay") == 2.0
    assert net.get("exc.tau_m") == 15.0 and net.get("poisson->exc.w") == 2.0


@pytest.mark.parametrize(
    ("text", "value"),
    [("2 s", 2000.0), ("500ms", 500.0), ("12.5", 12.5), ("1e3", 1000.0), (".5s", 500.0), ("0.1 minute", 6000.0)],
)
def test_until_accepts_units(text, value):
    assert ex.duration(text, "--until") == pytest.approx(value)


@pytest.mark.parametrize("text", ["2 parsecs", "soon", "-1 s", "nan", "inf", ""])
def test_until_refuses(text):
    with pytest.raises(DescriptionError, match="--until"):
        ex.duration(text, "--until")


@pytest.mark.parametrize(
    ("setting", "error", "text"),
    [
        ("inhibtion=0.9", PathError, "did you mean 'inhibition'"),
        ("n=2.5", DescriptionError, "n = '2.5': must be a whole number"),
        ("inhibition=much", DescriptionError, "inhibition = 'much': must be a number"),
        ("inhibition=1 furlong", DescriptionError, "unknown unit 'furlong'"),
        ("strong=perhaps", DescriptionError, "must be true or false"),
        ("exc.tau_n=3", PathError, "tau_m"),
        ("n", DescriptionError, "NAME=VALUE"),
    ],
)
def test_bad_settings_are_named(script, setting, error, text):
    with pytest.raises(error, match=text):
        ex.describe(ex.load_script(script()), settings=[setting])


def test_parameter_without_default_must_be_given(script):
    loaded = ex.load_script(script("def build(seed, n):\n    return None\n"))
    with pytest.raises(DescriptionError, match="--set n=VALUE"):
        ex.describe(loaded, seed=1)


def test_seed_for_a_build_that_takes_none(script):
    loaded = ex.load_script(script("def build():\n    return None\n"))
    with pytest.raises(DescriptionError, match="no parameter seed"):
        ex.describe(loaded, seed=1)


# scripts that fail


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("x = 1\n", "defines no build"),
        ("until = 1.0\ndef build(seed=1):\n    return 5\n", "must return a Network"),
        ("until = 'soon'\ndef build(seed=1):\n    return None\n", "until of"),
    ],
)
def test_scripts_that_break_the_contract(script, text, told):
    assert told in call("run", script(text), code=1)


def test_missing_script(tmp_path):
    assert "does not exist" in call("run", tmp_path / "nowhere.py", code=1)


def test_script_without_until_needs_one(script):
    text = SMALL.replace("until = 50 * ms", "")
    assert "--until" in call("run", script(text), code=1)


def test_traceback_is_the_scripts_own(script):
    """The frames of the package and of the command line are left out."""
    path = script("def helper():\n    return 1 / 0\n\ndef build(seed=1):\n    return helper()\n")
    output = call("run", path, "--until", "1", code=1)
    assert "ZeroDivisionError" in output and "in helper" in output and "in build" in output
    assert "experiment.py" not in output and "cli.py" not in output


def test_wrong_argument_shows_the_line_of_the_script(script):
    text = SMALL.replace("probability(0.2)", "probability(1.2)")
    output = call("run", script(text), code=1)
    assert "in build" in output and "1.2" in output and "wiring.py" not in output


def test_syntax_error_shows_its_line(script):
    assert "line 2" in call("run", script("x = 1\ndef build(:\n"), code=1)


# running


def test_run_records_and_can_be_read_back(script, tmp_path):
    out = tmp_path / "small.h5"
    output = call("run", script(), "--seed", 3, "--set", "n=25", "--until", "40 ms", "--out", out)
    assert "small.h5" in output
    recording = open_recording(out)
    assert recording.status == "complete" and recording.duration == pytest.approx(40.0)
    times, ids = recording.spikes("exc")
    assert len(times) > 0 and ids.max() < 25 and times.max() <= 40.0


def test_run_without_a_file_says_so(script, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "not recorded" in call("run", script())
    assert list(tmp_path.glob("*.h5")) == []


def test_quiet_prints_nothing(script):
    assert call("run", script(), "--quiet") == ""


def test_existing_file_needs_force(script, tmp_path):
    out = tmp_path / "small.h5"
    call("run", script(), "--out", out)
    assert "--force" in call("run", script(), "--out", out, code=1)
    call("run", script(), "--out", out, "--force")


def test_unwritable_folder(script, tmp_path):
    assert "does not exist" in call("run", script(), "--out", tmp_path / "nowhere" / "a.h5", code=1)


def test_dry_prints_sizes_and_runs_nothing(script, tmp_path):
    out = tmp_path / "dry.h5"
    output = call("run", script(), "--set", "n=1000", "--dry", "--out", out)
    assert "1,000 in 1 populations" in output and "200,000 expected" in output
    assert "memory" in output and "time" in output
    assert not out.exists()


def test_hook_that_raises_leaves_a_readable_failed_recording(script, tmp_path):
    text = SMALL + textwrap.indent(
        textwrap.dedent(
            """
            from thalia_sim import Hook

            class Bad(Hook):
                at = (20.0,)

                def handle(self, sim):
                    raise RuntimeError("the electrode broke")

            def hooks():
                return [Bad()]
            """
        ),
        "    ",
    )
    out = tmp_path / "bad.h5"
    output = call("run", script(text), "--out", out, code=1)
    assert "the electrode broke" in output and "in handle" in output and "simulation.py" not in output
    recording = open_recording(out)
    assert recording.status == "failed" and recording.duration == pytest.approx(20.0)
    assert recording.spikes("exc")[0].max(initial=0.0) <= 20.0


@pytest.mark.skipif(os.name == "nt", reason="sends a signal to a process")
def test_interrupt_leaves_a_readable_recording(script, tmp_path):
    """Ctrl+C in a run that would last for hours: exit code 130, status interrupted, all spikes up to the end are there."""
    out = tmp_path / "long.h5"
    words = [sys.executable, "-m", "thalia_sim", "run", str(script()), "--until", "36000 s", "--out", str(out), "--quiet"]
    process = subprocess.Popen(words, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while not out.exists() and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.1)
    time.sleep(1.5)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130, told
    recording = open_recording(out)
    assert recording.status == "interrupted"
    times, _ = recording.spikes("exc")
    assert recording.duration > 0 and len(times) > 0 and times[-1] <= recording.duration
    assert times[-1] > 0.9 * recording.duration


@pytest.mark.skipif(os.name == "nt", reason="sends a signal to a process")
@pytest.mark.parametrize("kind", ["SIGINT", "SIGTERM"])
def test_a_run_that_was_stopped_goes_on_to_the_bit(script, tmp_path, kind):
    """Watched from another process, ended by Ctrl+C or the system, gone on with by the command that it printed: the run that nobody stopped."""
    out, whole = tmp_path / "a.h5", tmp_path / "whole.h5"
    words = [sys.executable, "-m", "thalia_sim", "run", str(script()), "--until", "36000 s", "--out", str(out), "--checkpoint", "50 s"]
    process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        deadline = time.monotonic() + 120
        while not out.exists() and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.05)
        lines = watch_recording(out, every=0.6)
        watched = [next(lines)]
        while len(watched) < 60 and not ("x real time" in watched[-1] and "Hz" in watched[-1]):
            watched.append(next(lines))
        process.send_signal(getattr(signal, kind))
        told, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    assert "x real time" in watched[-1] and "exc" in watched[-1] and "Hz" in watched[-1]
    assert [line.split()[0] for line in watched] == sorted((line.split()[0] for line in watched), key=float)
    assert "is interrupted" in list(lines)[-1]
    assert f"go on with: thalia-sim resume {out}" in told
    stopped = open_recording(out).duration
    call("resume", out, "--until", stopped + 500.0, "--quiet")
    call("run", script(), "--until", stopped + 500.0, "--out", whole, "--quiet")
    with open_recording(out) as a, open_recording(whole) as b:
        assert a.status == "complete" and all(np.array_equal(x, y) for x, y in zip(a.spikes("exc"), b.spikes("exc"), strict=True))


def test_watch_says_that_the_process_is_gone(script, tmp_path):
    """A killed run: what to do is told, and it does."""
    out = tmp_path / "a.h5"
    words = [sys.executable, "-m", "thalia_sim", "run", str(script()), "--until", "36000 s", "--out", str(out), "--quiet"]
    process = subprocess.Popen(words, cwd=ROOT)
    deadline = time.monotonic() + 120
    while not out.exists() and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.05)
    time.sleep(1.5)
    process.kill()
    process.wait()
    output = call("watch", out, "--every", 0.1)
    assert "is written by no process any more" in output and f"thalia-sim recover {out}" in output
    assert "up to" in call("recover", out)
    assert open_recording(out).status == "recovered"


def test_same_seed_same_spikes_from_the_command_line(script, tmp_path):
    spikes = []
    for name, threads in (("a.h5", 1), ("b.h5", 2)):
        call("run", script(), "--seed", 5, "--threads", threads, "--out", tmp_path / name)
        times, ids = open_recording(tmp_path / name).spikes("exc")
        spikes.append((times.tolist(), ids.tolist()))
    assert spikes[0] == spikes[1]


def test_traces_are_recorded_for_the_plot(script, tmp_path):
    """By default the membrane potential of the first elements of each population is sampled; --traces 0 leaves it out."""
    call("run", script(), "--out", tmp_path / "with.h5")
    times, values = open_recording(tmp_path / "with.h5").report("exc", "v")[:2]
    assert values.shape[1] == ex.TRACES
    call("run", script(), "--traces", 0, "--out", tmp_path / "without.h5")
    with pytest.raises(Exception, match="v"):
        open_recording(tmp_path / "without.h5").report("exc", "v")


def test_the_scripts_own_recorder_writes_to_out(script, tmp_path, monkeypatch):
    """A script decides what is recorded, --out where; no second recorder is added."""
    text = SMALL + textwrap.indent(
        textwrap.dedent(
            """
            from thalia_sim import Recorder, Sample

            def hooks():
                return [Recorder("own.h5", spikes=False, state=[Sample("exc", "v", every=5.0)])]
            """
        ),
        "    ",
    )
    monkeypatch.chdir(tmp_path)
    call("run", script(text), "--out", "asked.h5")
    assert not Path("own.h5").exists()
    assert open_recording("asked.h5").report("exc", "v").values.shape == (10, 20)


def test_forecast_of_memory():
    """Expected bytes against those of the built simulation: rules, distributed delays and merged projections are within 10 %."""
    net = potjans_diesmann(0.02)
    expected, sim = forecast(net, 100.0), Simulation(net)
    rows = sim.rows
    assert expected.synapse_mb == pytest.approx((rows.slot.nbytes + rows.w.nbytes) / 1e6, rel=0.01)
    assert expected.segment_mb == pytest.approx((rows.seg.nbytes + rows.row_seg.nbytes) / 1e6, rel=0.1)
    assert sum((expected.synapse_mb, expected.segment_mb, expected.state_mb)) == pytest.approx(sim.memory / 1e6, rel=0.15)


# the other commands


@pytest.fixture
def recording(script, tmp_path):
    out = tmp_path / "small.h5"
    call("run", script(), "--quiet", "--out", out)
    return out


def test_info(recording):
    assert "exc" in call("info", recording)
    assert "exc" in json.dumps(json.loads(call("info", recording, "--json")))


def test_info_of_nothing(tmp_path):
    (tmp_path / "text.h5").write_text("no recording")
    call("info", tmp_path / "text.h5", code=1)
    call("info", tmp_path / "nowhere.h5", code=1)


@pytest.mark.parametrize("ending", ["png", "svg"])
def test_plot(recording, tmp_path, ending):
    picture = tmp_path / f"picture.{ending}"
    assert "wrote" in call("plot", recording, "-o", picture)
    assert picture.stat().st_size > 1000


def test_bench_prints_the_fields_of_the_peers():
    result = json.loads(call("bench", "cuba", "--scale", "0.05", "--until", "100 ms", "--repeat", 2, "--json"))
    fields = (
        "network n_neurons n_synapses biological_ms build_s first_run_s sim_wall_s sim_walls n_spikes mean_rate_hz rtf peak_rss_mb "
        "neuron_updates synaptic_events precision threads"
    )
    assert set(fields.split()) <= set(result)
    assert result["n_neurons"] == 200 and result["biological_ms"] == 100.0 and len(result["sim_walls"]) == 2


def test_bench_unknown_name():
    assert "did you mean 'cuba'" in call("bench", "cubba", code=1)


def test_doctor():
    output = call("doctor")
    for word in ("numba", "h5py", "cores", "cache", "trial run", "cuda"):
        assert word in output
    assert {"name", "status", "text"} <= set(json.loads(call("doctor", "--json"))[0])


def test_help_names_every_benchmark():
    from thalia_sim.bench import NETWORKS

    named = re.search(r"Names: ([\w, \n]+)\.", call("bench", "--help"))
    assert named is not None and [name.strip() for name in named[1].split(",")] == list(NETWORKS)


def test_help_is_quick():
    """What only one command needs is imported by that command."""
    heavy = ("matplotlib", "sklearn", "thalia_sim.analysis", "thalia_sim.circuits")
    code = f"import sys, thalia_sim.cli; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", ["cuba", "coba", "brunel", "potjans_diesmann", "quiet"])
def test_scripts_of_experiments_describe_a_network(name):
    """Each script of experiments/ loads; the small settings keep the description cheap."""
    small = {"brunel": ["order=100"], "potjans_diesmann": ["scale=0.01"], "quiet": ["n=1000"]}
    loaded = ex.load_script(ROOT / "experiments" / f"{name}.py")
    assert loaded.until and ex.describe(loaded, seed=2, settings=small.get(name, [])).seed == 2


def test_digits(tmp_path, monkeypatch):
    """Digits as latencies in a SONATA file drive a network; most images are recognised (chance is one in ten)."""
    pytest.importorskip("sklearn")
    monkeypatch.chdir(tmp_path)
    output = call("run", ROOT / "experiments" / "digits.py", "--out", "digits.h5", "--quiet")
    share = int(output.split("for ")[1].split("%")[0])
    assert share >= 60
    assert (tmp_path / "digits.png").stat().st_size > 1000
    libsonata = pytest.importorskip("libsonata")
    assert libsonata.SpikeReader("digits_input.h5").get_population_names() == ["pixels"]
