"""The file: what was handed over comes back, other tools read it, and a bad path or a dead run is met with a sentence."""

import json
import resource
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import h5py
import numpy as np
import pytest
from fake_simulation import FakeSimulation

from thalia_sim.errors import RecordingError
from thalia_sim.hooks import MemoryRecorder, Recorder, Sample
from thalia_sim.network import Network
from thalia_sim.neurons import LIFExp
from thalia_sim.recording import open_recording
from thalia_sim.recording.provenance import plain_command
from thalia_sim.recording.tables import BLOCK, Members, SpikeTable, clock_times
from thalia_sim.recording.writer import Column, RecordingWriter
from thalia_sim.wiring import probability

HERE = Path(__file__).parent


def network(seed=7):
    net = Network(seed=seed)
    exc, inh = net.populate("exc", 80, LIFExp()), net.populate("inh", 20, LIFExp())
    net.populate("none", 0, LIFExp())
    net.connect(exc, inh, probability(0.1), w=10.0, delay=1.5)
    return net


@pytest.fixture
def recorded(tmp_path):
    """(path, simulation, memory) of a run of 200 ms with everything recorded."""
    net, memory = network(), MemoryRecorder()
    exc, inh = net["exc"], net["inh"]
    state = [Sample(exc[[3, 1]] + inh[:2], "v", every=0.5), Sample(exc, "i_exc", every=1.0)]
    recorder = Recorder(tmp_path / "run.h5", state=state, weights=[("exc->inh", 50.0)])
    sim = FakeSimulation(net, [memory, recorder])
    sim.run(200.0)
    return recorder.path, sim, memory


def global_spikes(sim):
    return np.concatenate(sim.all_steps), np.concatenate(sim.all_ids)


def test_spikes_come_back(recorded):
    path, sim, memory = recorded
    steps, ids = global_spikes(sim)
    with open_recording(path) as recording:
        assert list(recording.populations) == ["exc", "inh", "none"]
        assert sum(p.n_spikes for p in recording.populations.values()) == len(steps) > 500
        for name, p in recording.populations.items():
            mine = (ids >= p.offset) & (ids < p.offset + p.n)
            times, nodes = recording.spikes(name)
            assert times.dtype == np.float64 and nodes.dtype == np.uint64
            np.testing.assert_array_equal(times, clock_times(steps[mine] + 1, 0.1))
            np.testing.assert_array_equal(nodes, ids[mine] - p.offset)
            np.testing.assert_array_equal(memory.times(name), times)
            np.testing.assert_array_equal(memory.ids(name), nodes)
        assert recording.status == "complete" and recording.duration == 200.0


def test_selection_by_time_and_id(recorded):
    with open_recording(recorded[0]) as recording:
        times, ids = recording.spikes("exc")
        t0, t1 = times[100], times[300]
        part, who = recording.spikes("exc", t0=t0, t1=t1, ids=[3, 5, 7])
        expected = (times > t0) & (times <= t1) & np.isin(ids, [3, 5, 7])
        np.testing.assert_array_equal(part, times[expected])
        np.testing.assert_array_equal(who, ids[expected])
        windows = [recording.spikes("exc", t0=t, t1=t + 25.0)[0] for t in np.arange(0.0, 200.0, 25.0)]
        np.testing.assert_array_equal(np.concatenate(windows), times)


def test_counts_are_the_spikes_per_bin(recorded):
    with open_recording(recorded[0]) as recording:
        times, _ = recording.spikes("inh")
        t, counts, width = recording.counts("inh")
        assert width == 1.0 and len(t) == 200
        # bin k is t_k < t <= t_k + 1, and times are multiples of 0.1: shift by half a step to keep clear of the edges
        np.testing.assert_array_equal(counts, np.histogram(times - 0.05, np.arange(201.0))[0])


def test_last_bin_may_be_short(tmp_path):
    sim = FakeSimulation(network(), [Recorder(tmp_path / "run.h5", counts=3.0)])
    sim.run(10.0)
    with open_recording(tmp_path / "run.h5") as recording:
        assert recording.counts("exc").counts.sum() == recording.populations["exc"].n_spikes
        assert len(recording.counts("exc").counts) == 4


def test_reports_come_back(recorded):
    path, _, _ = recorded
    with open_recording(path) as recording:
        assert recording.reports() == [("exc", "v"), ("exc", "i_exc"), ("inh", "v")]
        t, v, ids, units = recording.report("exc", "v")
        np.testing.assert_array_equal(t, np.arange(400) * 5 * 100_000 / 1e6)
        assert ids.tolist() == [3, 1] and units == "mV" and v.dtype == np.float32
        np.testing.assert_allclose(v, ids + t[:, None], rtol=1e-6)  # float32
        np.testing.assert_allclose(recording.report("inh", "v").values[:, 1], 81 + t, rtol=1e-6)
        assert recording.report("exc", "i_exc").units == "pA"
        np.testing.assert_array_equal(recording.report("exc", "v", t0=10.0, t1=11.0).t, [10.5, 11.0])


def test_weights_come_back(recorded):
    with open_recording(recorded[0]) as recording:
        weights = recording.weights("exc->inh")
        assert weights.t.tolist() == [0.0, 50.0, 100.0, 150.0, 200.0] and weights.units == "pA"
        np.testing.assert_array_equal(weights.snapshot(2), np.arange(10) + 100.0)
        np.testing.assert_array_equal(weights.snapshot(), np.arange(10) + 200.0)
        assert weights.j.tolist() == list(range(9, -1, -1)) and set(weights.delay) == {1.5}


def test_metadata_say_how_it_came_about(recorded):
    with open_recording(recorded[0]) as recording:
        meta = recording.meta
        assert recording.seed == 7 and recording.dt == 0.1
        assert recording.config["network"] == json.loads(json.dumps(network().describe()))
        assert {"thalia-sim", "numpy", "numba", "h5py"} <= set(meta["versions"])
        assert meta["populations"][1] == {"name": "inh", "n": 20, "offset": 80, "model": "LIFExp"}
        assert meta["platform"].count(" ") == 2 and str(Path.home()) not in json.dumps(meta)


def test_the_command_names_no_folders():
    argv = ["/somewhere/thalia_sim/__main__.py", "run", "/home/me/a b.py", "--out=/data/run.h5", "--set", "exc.w=1"]
    assert plain_command(argv) == "thalia-sim run 'a b.py' --out=run.h5 --set exc.w=1"


def test_every_dataset_says_what_it_is_and_in_which_unit(recorded):
    bare = []

    def visit(path, thing):
        complete = "description" in thing.attrs and (isinstance(thing, h5py.Group) or "units" in thing.attrs)
        if not complete:
            bare.append(path)

    with h5py.File(recorded[0]) as file:
        file.visititems(visit)
        assert not [name for name in file if name not in ("spikes", "report", "thalia")]
    assert bare == []


def test_every_dataset_has_a_checksum_and_no_compression(recorded):
    with h5py.File(recorded[0]) as file:
        datasets = []
        file.visititems(lambda path, thing: datasets.append(thing) if isinstance(thing, h5py.Dataset) else None)
        growing = {*file["/thalia/commit/columns"].asstr()[:], "/thalia/commit/rows"}  # their checksums are in the rows of the commits
        assert len(datasets) > 30 and 10 < len(growing) < len(datasets) - 20 and "crc" in file["/thalia/commit/rows"].dtype.names
        assert [d.name for d in datasets if (d.name not in growing and not (d.fletcher32 and "crc32" in d.attrs)) or d.compression is not None] == []


def test_libsonata_reads_the_same(recorded):
    libsonata = pytest.importorskip("libsonata", reason="libsonata is not installed")
    reader = libsonata.SpikeReader(str(recorded[0]))
    reports = libsonata.SomaReportReader(str(recorded[0]))
    assert sorted(reader.get_population_names()) == ["exc", "inh", "none"]
    with open_recording(recorded[0]) as recording:
        for name in ("exc", "inh"):
            assert reader[name].sorting == "by_time"
            theirs, ours = reader[name].get_dict(), recording.spikes(name)
            np.testing.assert_array_equal(theirs["timestamps"], ours[0])
            np.testing.assert_array_equal(theirs["node_ids"], ours[1])
        assert len(reader["none"].get()) == 0
        for name, variable in (("exc", "v"), ("inh", "v"), ("exc.i_exc", "i_exc")):
            theirs, ours = reports[name].get(), recording.report(name.split(".")[0], variable)
            np.testing.assert_allclose(theirs.times, ours.t)  # they multiply start and step
            columns = [list(theirs.ids).index(k) for k in ours.ids]
            np.testing.assert_array_equal(np.asarray(theirs.data)[:, columns], ours.values)


def test_bmtk_reads_the_same(recorded):
    spikes = pytest.importorskip("bmtk.utils.reports.spike_trains", reason="bmtk is not installed")
    compartments = pytest.importorskip("bmtk.utils.reports.compartment", reason="bmtk is not installed")
    trains = spikes.SpikeTrains.from_sonata(str(recorded[0]))
    with open_recording(recorded[0]) as recording:
        times, ids = recording.spikes("exc")
        for k in (0, 17, 79):
            np.testing.assert_array_equal(np.sort(trains.get_times(node_id=k, population="exc")), times[ids == k])
        theirs = compartments.CompartmentReport(str(recorded[0]), population="exc")
        ours = recording.report("exc", "v")
        assert (theirs.tstart("exc"), theirs.tstop("exc"), theirs.dt("exc")) == (0.0, 200.0, 0.5)
        for column, node in enumerate(ours.ids):
            np.testing.assert_array_equal(np.ravel(theirs.data(node_id=int(node), population="exc")), ours.values[:, column])


def writer_with_spikes(path, n=100):
    writer = RecordingWriter(path)
    writer.metadata({**dict.fromkeys(_meta_names(), ""), "seed": 1, "dt_ns": 100_000, "threads": 1, "git_dirty": 0,
                     "populations_json": [Members("exc", n, 0, "LIF")._asdict()], "versions_json": {}, "config_json": {}})  # fmt: skip
    table = SpikeTable(writer, [Members("exc", n, 0, "LIF")], {"exc": None}, dt=0.1, count_bin=1.0)
    writer.begin()
    return writer, table


def _meta_names():
    from thalia_sim.recording.format import META

    return META


def test_memory_stays_bounded(tmp_path):
    """Ten million spikes in batches of any size take no more memory than the first block."""
    writer, table = writer_with_spikes(tmp_path / "run.h5")
    rng, step, grown = np.random.default_rng(1), 0, None
    for _ in range(40):
        for k in (1, 0, 70_000, 3 * BLOCK // 2):
            steps = step + np.arange(k, dtype=np.int64) // 100
            table.append(steps, rng.integers(0, 100, k).astype(np.int32))
            step += k // 100 + 1
            if table.full:
                table.split(step)
                writer.commit(step, step * 0.1)
        grown = grown or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    table.close(step)
    writer.commit(step, step * 0.1)
    writer.end("complete", step * 0.1)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - grown < 20_000  # kB; all of it would be 160 MB
    with open_recording(tmp_path / "run.h5") as recording:
        assert recording.populations["exc"].n_spikes == 40 * (1 + 70_000 + 3 * BLOCK // 2)
        assert recording.counts("exc").counts.sum() == recording.populations["exc"].n_spikes


def test_a_write_cut_short_leaves_equal_columns(tmp_path, monkeypatch):
    """Times are written, ids are not: at the end both have the length of the last commit."""
    writer, table = writer_with_spikes(tmp_path / "run.h5")
    table.append(np.arange(10), np.arange(10))
    table.split(10)
    writer.commit(10, 1.0)
    table.append(np.arange(10, 20), np.arange(10))
    table.split(20)
    ids, write = table.columns["exc"][1], Column.write
    monkeypatch.setattr(Column, "write", lambda self: write(self) if self is not ids else _full_disk())
    with pytest.raises(RecordingError, match="cannot write .*run.h5.*No space left"):
        writer.commit(20, 2.0)
    monkeypatch.undo()
    writer.end("failed", 2.0, "disk full")
    with h5py.File(tmp_path / "run.h5") as file:
        assert file["/spikes/exc/node_ids"].shape == (10,) == file["/spikes/exc/timestamps"].shape


def _full_disk():
    raise OSError("No space left on device")


def test_a_killed_run_is_read_up_to_its_last_commit(tmp_path):
    """SIGKILL in the middle of appending: committed rows come back, in both columns, and are right."""
    script = f"""
        import sys; sys.path.insert(0, {str(HERE)!r})
        import numpy as np
        from test_recording import writer_with_spikes
        writer, table = writer_with_spikes(sys.argv[1])
        for k in range(100_000):
            table.append(np.full(700, k), np.arange(700) % 100)
            table.split(k + 1)
            writer.commit(k + 1, (k + 1) / 10)
            if k == 30:
                print("ready", flush=True)
    """
    path = tmp_path / "run.h5"
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(script), str(path)], stdout=subprocess.PIPE, cwd=HERE.parent)
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    with open_recording(path) as recording:
        times, ids = recording.spikes("exc")
        assert recording.status == "running" and len(times) == len(ids) >= 31 * 700
        np.testing.assert_array_equal(times, clock_times(np.arange(len(times)) // 700 + 1, 0.1))
        np.testing.assert_array_equal(ids, np.arange(len(ids)) % 700 % 100)
        assert recording.duration == times[-1]
        np.testing.assert_array_equal(recording.spikes("exc", t0=1.0, t1=1.1)[0], np.full(700, 1.1))


def test_a_running_recording_can_be_read(tmp_path):
    writer, table = writer_with_spikes(tmp_path / "run.h5")
    table.append(np.arange(10), np.arange(10))
    table.split(10)
    writer.commit(10, 1.0)
    with open_recording(tmp_path / "run.h5") as recording:
        assert recording.status == "running" and recording.duration == 1.0 and len(recording.spikes("exc")[0]) == 10
    writer.end("complete", 1.0)


def test_order_is_claimed_only_if_it_was_so(tmp_path):
    writer, table = writer_with_spikes(tmp_path / "run.h5")
    table.append(np.array([5, 3, 9]), np.array([0, 1, 2]))
    table.close(10)
    writer.commit(10, 1.0)
    writer.end("complete", 1.0)
    with h5py.File(tmp_path / "run.h5") as file:
        assert "sorting" not in file["/spikes/exc"].attrs
    with open_recording(tmp_path / "run.h5") as recording:
        assert recording.spikes("exc", t0=0.4, t1=0.6)[1].tolist() == [0]


def test_bad_files_are_refused_with_a_sentence(recorded, tmp_path):
    path = recorded[0]
    with pytest.raises(RecordingError, match="does not exist"):
        open_recording(tmp_path / "no.h5")
    (tmp_path / "text.h5").write_text("hello")
    with pytest.raises(RecordingError, match="no HDF5 file"):
        open_recording(tmp_path / "text.h5")
    h5py.File(tmp_path / "other.h5", "w").close()
    with pytest.raises(RecordingError, match="no recording of thalia_sim"):
        open_recording(tmp_path / "other.h5")
    with h5py.File(path, "r+") as file:
        file["/thalia"].attrs["format_version"] = "2.0"
    with pytest.raises(RecordingError, match="format 2.0.*install a newer"):
        open_recording(path)
    half = path.read_bytes()
    (tmp_path / "cut.h5").write_bytes(half[: len(half) // 2])
    with pytest.raises(RecordingError, match="cut.h5"):
        open_recording(tmp_path / "cut.h5")


def test_a_flipped_byte_is_noticed(recorded):
    path = recorded[0]
    with h5py.File(path) as file:
        where = file["/spikes/exc/timestamps"].id.get_chunk_info(0).byte_offset
    data = bytearray(path.read_bytes())
    data[where + 100] ^= 1
    path.write_bytes(data)
    with open_recording(path) as recording, pytest.raises(RecordingError, match="damaged"):
        recording.spikes("exc")


def test_unknown_names_are_refused_with_the_known_ones(recorded):
    with open_recording(recorded[0]) as recording:
        for read, message in (
            (lambda: recording.spikes("ecx"), "no spikes of 'ecx'.*exc, inh, none"),
            (lambda: recording.report("exc", "w"), "w of exc is not in.*v of exc"),
            (lambda: recording.weights("a->b"), "no weights of 'a->b'.*exc->inh"),
            (lambda: recording.diagnostics("x"), "no diagnostics of 'x'.*nothing"),
            (lambda: recording.spikes("exc", ids=[80]), "from 0 to 79"),
        ):
            with pytest.raises(RecordingError, match=message):
                read()
