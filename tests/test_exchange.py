"""Recordings for other tools: what pynwb, Neo, Elephant, libsonata and bmtk read is what was recorded, to the bit."""

import json
import subprocess
import sys

import h5py
import numpy as np
import pytest
from click.testing import CliRunner
from fake_simulation import FakeSimulation

from thalia_sim.analysis import describe_recording, plot_recording
from thalia_sim.analysis.compare import compare_recordings
from thalia_sim.cli import commands
from thalia_sim.errors import RecordingError
from thalia_sim.exchange import nwb, to_neo, to_nwb
from thalia_sim.exchange.neo import known_units
from thalia_sim.hooks import Recorder, Sample
from thalia_sim.network import Network
from thalia_sim.neurons import LIFDelta, LIFExp
from thalia_sim.recording import open_recording, pack, writer
from thalia_sim.recording.owner import this_process
from thalia_sim.recording.pack import pack_recording
from thalia_sim.wiring import probability


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """300 ms of three populations: all spikes of exc, those of some elements of inh, none of quiet; samples, weights."""
    net = Network(seed=7)
    exc, inh = net.populate("exc", 80, LIFExp()), net.populate("inh", 20, LIFDelta())
    net.populate("quiet", 0, LIFExp())
    net.connect(exc, inh, probability(0.1), w=10.0, delay=1.5)
    state = [Sample(exc[[3, 1]] + inh[:2], "v", every=0.5), Sample(exc, "i_exc", every=1.0)]
    recorder = Recorder(tmp_path_factory.mktemp("exchange") / "run.h5", spikes=[exc, inh[5:15]], state=state, weights=[("exc->inh", 50.0)])
    FakeSimulation(net, [recorder], rate=40.0).run(300.0)
    return recorder.path


@pytest.fixture
def recording(path):
    with open_recording(path) as opened:
        yield opened


@pytest.fixture
def unfinished(path, tmp_path):
    """The same run as its process left it when it was killed."""
    with h5py.File(path) as source, h5py.File(tmp_path / "run.h5", "w") as file:
        for name in source:
            source.copy(name, file)
        file["/thalia"].attrs["status"] = np.array(b"running", dtype="S16")
        file["/thalia"].attrs["owner"] = np.bytes_(this_process().rpartition(":")[0] + ":1")  # it began at another time
    return tmp_path / "run.h5"


def call(*words, code=0):
    result = CliRunner().invoke(commands, [str(w) for w in words])
    assert result.exit_code == code, result.output
    return result.output


# NWB


@pytest.fixture
def pynwb():
    return pytest.importorskip("pynwb", reason="pynwb is not installed: pip install thalia-sim[exchange]")


def read(pynwb, file):
    return pynwb.NWBHDF5IO(file, "r")


def test_nwb_holds_every_spike(pynwb, recording, tmp_path, monkeypatch):
    """pynwb reads, unit by unit, the times that were recorded: rounded back to ms they are equal to the bit. Sorted 100 at once."""
    monkeypatch.setattr(nwb, "AT_ONCE", 100)
    with read(pynwb, to_nwb(recording, tmp_path / "run.nwb")) as file:
        units = file.read().units
        assert len(units) == 90 and units.resolution == 1e-4
        spikes = {name: recording.spikes(name) for name in ("exc", "inh")}
        offsets = {"exc": 0, "inh": 80}
        total = 0
        for row in range(len(units)):
            name, k = units["population"][row], units["node_id"][row]
            times, ids = spikes[name]
            found = units["spike_times"][row]
            assert units.id[row] == offsets[name] + k
            np.testing.assert_array_equal(np.rint(found * 1e9) / 1e6, times[ids == k])
            np.testing.assert_array_equal(units["obs_intervals"][row], [[0.0, 0.3]])
            total += len(found)
        assert total == sum(len(times) for times, _ in spikes.values()) > 1000
        assert list(units["node_id"][80:]) == list(range(5, 15))


def test_nwb_holds_every_sample(pynwb, recording, tmp_path, monkeypatch):
    """Values, times and elements of the reports, and the factor to SI units; read in pieces of a few rows."""
    monkeypatch.setattr(nwb, "ROWS_BYTES", 100)
    with read(pynwb, to_nwb(recording, tmp_path / "run.nwb")) as file:
        session = file.read()
        assert set(session.acquisition) == {"exc.v", "exc.i_exc", "inh.v"}
        for population, variable in recording.reports():
            series, report = session.acquisition[f"{population}.{variable}"], recording.report(population, variable)
            np.testing.assert_array_equal(series.data[:], report.values)
            np.testing.assert_allclose(series.starting_time + np.arange(len(series.data)) / series.rate, report.t / 1000.0, rtol=1e-12)
            np.testing.assert_array_equal(session.processing["reports"][f"{population}.{variable}"]["node_id"][:], report.ids)
        volts, amperes = session.acquisition["exc.v"], session.acquisition["exc.i_exc"]
        assert (volts.unit, volts.conversion, amperes.unit, amperes.conversion) == ("volts", 1e-3, "amperes", 1e-12)


def test_nwb_says_how_it_came_about(pynwb, recording, tmp_path):
    with read(pynwb, to_nwb(recording, tmp_path / "run.nwb")) as file:
        session = file.read()
        assert "0 to 300 ms" in session.session_description and "complete" in session.session_description
        assert session.session_id == recording.run_id and session.session_start_time.isoformat() == recording.meta["started"]
        notes = json.loads(session.notes)
        assert notes["seed"] == 7 and notes["config"] == recording.config
    with read(pynwb, to_nwb(recording, tmp_path / "again.nwb")) as file:
        assert file.read().identifier == session.identifier
    with read(pynwb, to_nwb(recording, tmp_path / "part.nwb", t1=100.0)) as file:
        assert file.read().identifier != session.identifier


def test_nwb_is_valid(pynwb, recording, tmp_path):
    """pynwb's validator, against the schema that is stored in the file."""
    assert pynwb.validate(path=str(to_nwb(recording, tmp_path / "run.nwb"))) == []


def test_nwb_of_a_part(pynwb, recording, tmp_path):
    """Chosen elements of one population, spikes and samples with 50 ms < t <= 150 ms."""
    with read(pynwb, to_nwb(recording, tmp_path / "run.nwb", {"exc": [1, 7]}, t0=50.0, t1=150.0)) as file:
        session = file.read()
        assert list(session.units["node_id"][:]) == [1, 7]
        for row, k in enumerate((1, 7)):
            expected = recording.spikes("exc", 50.0, 150.0, [k])[0]
            np.testing.assert_array_equal(np.rint(session.units["spike_times"][row] * 1e9) / 1e6, expected)
        np.testing.assert_array_equal(session.units["obs_intervals"][0], [[0.05, 0.15]])
        series, report = session.acquisition["exc.v"], recording.report("exc", "v", 50.0, 150.0)
        np.testing.assert_array_equal(series.data[:], report.values[:, report.ids == 1])
        assert series.starting_time == 0.0505 and set(session.acquisition) == {"exc.v", "exc.i_exc"}


@pytest.mark.parametrize("sizes", [{"exc": 5}, {"none": 0}])
def test_nwb_of_a_silent_run(pynwb, tmp_path, sizes):
    net = Network(seed=1)
    for name, n in sizes.items():
        net.populate(name, n, LIFDelta())
    FakeSimulation(net, [Recorder(tmp_path / "run.h5")], rate=0.0).run(10.0)
    with open_recording(tmp_path / "run.h5") as silent, read(pynwb, to_nwb(silent, tmp_path / "run.nwb")) as file:
        units = file.read().units
        assert (units is None) == (sizes == {"none": 0})
        assert units is None or [len(units["spike_times"][k]) for k in range(5)] == [0] * 5


def test_nwb_of_an_unfinished_run_says_so(pynwb, unfinished, tmp_path):
    with open_recording(unfinished) as opened, read(pynwb, to_nwb(opened, tmp_path / "run.nwb")) as file:
        assert "not finished: this is what was committed" in file.read().session_description


def test_neo_reads_the_nwb_file(pynwb, recording, tmp_path):
    """Neo's own reader finds the same spike trains in the file that the command line writes."""
    neo = pytest.importorskip("neo", reason="neo is not installed: pip install thalia-sim[exchange]")
    written = to_nwb(recording, tmp_path / "run.nwb")
    trains = neo.io.NWBIO(str(written), "r").read_all_blocks()[0].segments[0].spiketrains
    assert len(trains) == 90
    times, ids = recording.spikes("exc")
    np.testing.assert_allclose(np.sort(trains[17].rescale("ms").magnitude), times[ids == 17], rtol=1e-12)


def test_runs_of_units():
    """Every unit is in one run; runs have no more than the given number of spikes, unless they are of one unit."""
    sizes = np.array([3, 0, 4, 9, 2, 2, 2, 0])
    found = list(nwb.runs(sizes, 6))
    assert [list(range(8)[part]) for part in found] == [[0, 1], [2], [3], [4, 5, 6, 7]]
    assert list(nwb.runs(np.zeros(3, dtype=int), 6)) == [slice(0, 3)]


# Neo


@pytest.fixture
def neo():
    return pytest.importorskip("neo", reason="neo is not installed: pip install thalia-sim[exchange]")


def test_neo_holds_every_spike(neo, recording):
    block = to_neo(recording)
    (segment,) = block.segments
    assert [group.name for group in block.groups] == ["exc", "inh"] and len(segment.spiketrains) == 90
    for name, group in zip(("exc", "inh"), block.groups, strict=True):
        times, ids = recording.spikes(name)
        assert sum(len(train) for train in group.spiketrains) == len(times) > 0
        for train in group.spiketrains:
            assert train.annotations["population"] == name and train.annotations["model"] == recording.populations[name].model
            assert str(train.dimensionality) == "ms" and (float(train.t_start), float(train.t_stop)) == (0.0, 300.0)
            np.testing.assert_array_equal(train.magnitude, times[ids == train.annotations["id"]])
    assert block.annotations["seed"] == 7 and block.rec_datetime.isoformat() == recording.meta["started"]


def test_neo_holds_every_sample(neo, recording):
    signals = to_neo(recording).segments[0].analogsignals
    assert [(s.annotations["population"], s.annotations["variable"]) for s in signals] == recording.reports()
    for signal in signals:
        report = recording.report(signal.annotations["population"], signal.annotations["variable"])
        np.testing.assert_array_equal(signal.magnitude, report.values)
        np.testing.assert_allclose(signal.times.rescale("ms").magnitude, report.t, rtol=1e-12)
        assert str(signal.dimensionality) == report.units
        np.testing.assert_array_equal(signal.array_annotations["id"], report.ids)


@pytest.mark.parametrize(
    "text, expected",
    [("mV", "mV"), ("mV/ms", "mV/ms"), ("1", "dimensionless"), ("steps", "dimensionless"), ("9**9**9**9", "dimensionless")],
)
def test_units_for_neo(neo, text, expected):
    """Units of a stranger's model may be any text."""
    assert known_units(text) == expected


def test_neo_of_a_part(neo, recording):
    (segment,) = to_neo(recording, {"exc": [7, 1]}, t0=50.0, t1=150.0).segments
    assert [train.annotations["id"] for train in segment.spiketrains] == [1, 7]
    for train in segment.spiketrains:
        np.testing.assert_array_equal(train.magnitude, recording.spikes("exc", 50.0, 150.0, [train.annotations["id"]])[0])
        assert (float(train.t_start), float(train.t_stop)) == (50.0, 150.0)
    report = recording.report("exc", "v", 50.0, 150.0)
    np.testing.assert_array_equal(segment.analogsignals[0].magnitude, report.values[:, report.ids == 1])
    assert float(segment.analogsignals[0].t_start) == 50.5


def test_elephant_finds_the_same_rates(neo, recording):
    """elephant.statistics.mean_firing_rate is spikes over time."""
    statistics = pytest.importorskip("elephant.statistics", reason="elephant is not installed")
    times, ids = recording.spikes("exc")
    trains = to_neo(recording, "exc").segments[0].spiketrains
    rates = [float(statistics.mean_firing_rate(train).rescale("Hz")) for train in trains]
    np.testing.assert_allclose(rates, np.bincount(ids.astype(int), minlength=80) / 0.3)


# what is refused


@pytest.mark.parametrize("library, export", [("pynwb", lambda r, folder: to_nwb(r, folder / "x.nwb")), ("neo", lambda r, folder: to_neo(r))])
def test_a_missing_library_is_named_with_its_remedy(recording, tmp_path, monkeypatch, library, export):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(RecordingError, match=rf'{library} cannot be loaded .*pip install "thalia-sim\[exchange\]"'):
        export(recording, tmp_path)


def test_importing_the_package_loads_no_library():
    code = "import sys, thalia_sim.exchange; print([m for m in ('pynwb', 'hdmf', 'neo', 'quantities') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


@pytest.mark.parametrize(
    "options, message",
    [
        ({"populations": ["ecx"]}, "no spikes or samples of 'ecx'.*exc, inh"),
        ({"populations": {"exc": [80]}}, "of exc: give whole numbers from 0 to 79"),
        ({"t0": 300.0}, "nothing of .*run.h5 lies from 300 to 300 ms: it holds 0 to 300 ms"),
        ({"t0": 20.0, "t1": 10.0}, "from 20 to 10 ms"),
    ],
)
def test_choices_that_hold_nothing_are_refused(neo, recording, options, message):
    with pytest.raises(RecordingError, match=message):
        to_neo(recording, **options)


def test_bad_names_of_nwb_files_are_refused(pynwb, recording, tmp_path):
    with pytest.raises(RecordingError, match="ends in .nwb"):
        to_nwb(recording, tmp_path / "run.h5")
    with pytest.raises(RecordingError, match="does not exist: create it first"):
        to_nwb(recording, tmp_path / "nowhere" / "run.nwb")
    (tmp_path / "run.nwb").write_text("mine")
    with pytest.raises(RecordingError, match="exists: choose another name or pass --force"):
        to_nwb(recording, tmp_path / "run.nwb")
    assert (tmp_path / "run.nwb").read_text() == "mine"
    with read(pynwb, to_nwb(recording, tmp_path / "run.nwb", force=True)) as file:
        assert len(file.read().units) == 90


def test_a_failed_export_leaves_nothing(pynwb, recording, tmp_path, monkeypatch):
    """The disk fills in the middle: one sentence, and the folder is as it was."""

    def fail(*_):
        raise OSError("No space left on device")
        yield

    monkeypatch.setattr(nwb, "spikes_by_unit", fail)
    with pytest.raises(RecordingError, match="cannot write .*run.nwb: No space left"):
        to_nwb(recording, tmp_path / "run.nwb")
    assert list(tmp_path.iterdir()) == []


def test_export_from_the_command_line(pynwb, path, tmp_path):
    """Names, times with units and the file; without a name it lies beside the recording."""
    output = call("export", path, "-o", tmp_path / "part.nwb", "--population", "inh", "--from", "0.1 s", "--to", "200 ms")
    assert f"wrote {tmp_path / 'part.nwb'}" in output
    with read(pynwb, tmp_path / "part.nwb") as file:
        units = file.read().units
        assert len(units) == 10 and set(units["population"][:]) == {"inh"}
        times = np.concatenate([units["spike_times"][k] for k in range(10)])
        assert len(times) and times.min() > 0.1 and times.max() <= 0.2
    assert "--from = 'soon'" in call("export", path, "--from", "soon", code=1)
    call("export", path)
    assert path.with_suffix(".nwb").exists()
    assert "--force" in call("export", path, code=1)


# packing


@pytest.fixture(scope="module")
def packed(path):
    pack_recording(path)
    return path.with_suffix(".packed.h5")


def test_packed_is_equal_to_the_bit(path, packed):
    """All datasets and attributes of the original with type and value, checksums among them."""
    assert compare_recordings(path, packed)["equal"]
    seen = 0
    with h5py.File(path) as a, h5py.File(packed) as b:
        for name in everything(a):
            seen += 1
            assert dict_of(a[name].attrs) == dict_of(b[name].attrs), name
            if isinstance(a[name], h5py.Dataset):
                assert a[name].dtype == b[name].dtype and a[name][:].tobytes() == b[name][:].tobytes(), name
        assert sorted(everything(a)) == sorted(everything(b)) and seen > 60
        assert b["/report/exc/mapping/index_pointer"] == b["/report/exc/mapping/index_pointers"]


def everything(file):
    """Paths of all groups and datasets, by each of their names."""
    found = ["/"]

    def look(group):
        for name, thing in group.items():
            found.append(f"{group.name.rstrip('/')}/{name}")
            if isinstance(thing, h5py.Group):
                look(thing)

    look(file)
    return found


def dict_of(attributes):
    return {name: (attributes.get_id(name).dtype, np.asarray(value).tobytes()) for name, value in attributes.items()}


def test_packed_is_compressed_and_keeps_its_checksums(packed):
    with h5py.File(packed) as file:
        datasets = [file[name] for name in everything(file) if isinstance(file[name], h5py.Dataset)]
        assert [d.name for d in datasets if not (d.fletcher32 and d.shuffle and d.compression == "gzip")] == []


def test_packing_makes_it_smaller(tmp_path):
    """100,000 spikes take less than a quarter of their 16 bytes each."""
    net = Network(seed=3)
    net.populate("exc", 2000, LIFDelta())
    FakeSimulation(net, [Recorder(tmp_path / "run.h5")], rate=100.0).run(500.0)
    told = pack_recording(tmp_path / "run.h5", tmp_path / "small.h5")
    assert "small.h5 holds all of" in told
    assert (tmp_path / "small.h5").stat().st_size < (tmp_path / "run.h5").stat().st_size / 4


def test_packed_can_be_looked_at(path, packed, tmp_path):
    a, b = describe_recording(path), describe_recording(packed)
    assert {k: v for k, v in a.items() if k not in ("file", "size_mb")} == {k: v for k, v in b.items() if k not in ("file", "size_mb")}
    assert plot_recording(packed, tmp_path / "run.png").stat().st_size > 1000
    assert "complete" in call("info", packed) and "equal to the bit" in call("compare", path, packed)


def test_bmtk_reads_what_is_packed(packed):
    spikes = pytest.importorskip("bmtk.utils.reports.spike_trains", reason="bmtk is not installed")
    compartments = pytest.importorskip("bmtk.utils.reports.compartment", reason="bmtk is not installed")
    trains, report = spikes.SpikeTrains.from_sonata(str(packed)), compartments.CompartmentReport(str(packed), population="exc")
    with open_recording(packed) as recording:
        times, ids = recording.spikes("exc")
        for k in (0, 17, 79):
            np.testing.assert_array_equal(np.sort(trains.get_times(node_id=k, population="exc")), times[ids == k])
        ours = recording.report("exc", "v")
        for column, node in enumerate(ours.ids):
            np.testing.assert_array_equal(np.ravel(report.data(node_id=int(node), population="exc")), ours.values[:, column])


def test_libsonata_reads_what_is_unpacked(path, packed, tmp_path):
    """Its wheels know no gzip; without compression it reads spikes and samples, and the recording is still equal to the first."""
    libsonata = pytest.importorskip("libsonata", reason="libsonata is not installed")
    call("unpack", packed, "-o", tmp_path / "run.h5")
    assert compare_recordings(path, tmp_path / "run.h5")["equal"]
    with open_recording(path) as recording:
        reader = libsonata.SpikeReader(str(tmp_path / "run.h5"))["exc"]
        assert reader.sorting == "by_time"
        np.testing.assert_array_equal(reader.get_dict()["timestamps"], recording.spikes("exc")[0])
        np.testing.assert_array_equal(reader.get_dict()["node_ids"], recording.spikes("exc")[1])
        theirs, ours = libsonata.SomaReportReader(str(tmp_path / "run.h5"))["exc"].get(), recording.report("exc", "v")
        np.testing.assert_array_equal(np.asarray(theirs.data), ours.values[:, [list(ours.ids).index(k) for k in theirs.ids]])


def test_names_of_packed_and_unpacked_files(path, packed, tmp_path):
    """NAME.packed.h5 beside NAME.h5, and back."""
    (tmp_path / "a.h5").write_bytes(path.read_bytes())
    assert "a.packed.h5 holds all of" in call("pack", tmp_path / "a.h5") and "--force" in call("pack", tmp_path / "a.h5", code=1)
    (tmp_path / "a.h5").unlink()
    call("unpack", tmp_path / "a.packed.h5")
    call("unpack", tmp_path / "a.h5")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.h5", "a.packed.h5", "a.plain.h5"]


def test_unfinished_recordings_are_not_packed(unfinished):
    with pytest.raises(RecordingError, match="not finished.*thalia-sim recover"):
        pack_recording(unfinished)
    assert [p.name for p in unfinished.parent.iterdir()] == ["run.h5"]


def test_recovered_recordings_are_packed(path, unfinished):
    """The remedy that the refusal names; two names of one dataset stay so."""
    call("recover", unfinished)
    pack_recording(unfinished)
    assert compare_recordings(path, unfinished.with_suffix(".packed.h5"))["equal"]
    for file in (unfinished, unfinished.with_suffix(".packed.h5")):
        with h5py.File(file) as opened:
            assert opened["/report/exc/mapping/index_pointer"] == opened["/report/exc/mapping/index_pointers"]


def test_a_full_disk_is_told_before_anything_is_written(path, tmp_path, monkeypatch):
    """Room for a byte less than all that is in the recording: HDF5 would not survive a failed write."""
    with h5py.File(path) as file:
        need = pack.total_bytes(file) + writer.MARGIN
        assert need > writer.MARGIN + sum(file[f"/spikes/{name}/timestamps"].nbytes for name in file["/spikes"])
    monkeypatch.setattr(writer, "file_size_limit", lambda: need - 1)
    with pytest.raises(RecordingError, match="cannot write .*small.h5: up to .* MB are needed"):
        pack_recording(path, tmp_path / "small.h5")
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(writer, "file_size_limit", lambda: need)
    pack_recording(path, tmp_path / "small.h5")


def test_the_original_is_never_overwritten(path, tmp_path):
    before = path.read_bytes()
    for name, message in ((path, "is the recording itself"), (path.with_suffix(".2.h5"), "further file of the run")):
        with pytest.raises(RecordingError, match=message):
            pack_recording(path, name, force=True)
    with pytest.raises(RecordingError, match="--force"):
        pack_recording(path, _touched(tmp_path / "there.h5"))
    assert path.read_bytes() == before


def _touched(file):
    file.touch()
    return file


def test_a_copy_that_came_back_changed_is_refused(path, tmp_path, monkeypatch):
    """Values are changed on their way to the file: nothing is left behind."""
    whole = pack.copy_dataset

    def spoil(recording, source, out, filters):
        whole(recording, source, out, filters)
        if source.name == "/spikes/exc/timestamps":
            out["/spikes/exc/timestamps"][5] += 1e-9

    monkeypatch.setattr(pack, "copy_dataset", spoil)
    with pytest.raises(RecordingError, match="/spikes/exc/timestamps of .*run.h5 came back changed"):
        pack_recording(path, tmp_path / "small.h5")
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_recording_is_not_packed(path, tmp_path):
    with h5py.File(path) as file:
        where = file["/spikes/exc/timestamps"].id.get_chunk_info(0).byte_offset
    data = bytearray(path.read_bytes())
    data[where + 100] ^= 1
    (tmp_path / "run.h5").write_bytes(data)
    with pytest.raises(RecordingError, match="run.h5 is damaged"):
        pack_recording(tmp_path / "run.h5")
    assert [p.name for p in tmp_path.iterdir()] == ["run.h5"]
