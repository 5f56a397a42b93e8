"""Damage is told and never read as data: bits flipped, pages lost, files cut, in recordings that ended, that died, and that consist of two files."""

import gzip
import os
import random
import signal
import subprocess
import sys
import threading
import time
import zlib
from collections import Counter
from pathlib import Path

import h5py
import numpy as np
import pytest
from damaged import KINDS, PAGE, Damaged, content, judgement, places, regions

from thalia_sim import LIFDelta, Network, Recorder, Sample, Simulation, SpikeFile, open_recording
from thalia_sim.analysis.compare import compare_recordings
from thalia_sim.errors import CheckpointError, DescriptionError, RecordingError
from thalia_sim.integrity import checked_file
from thalia_sim.integrity.checked_file import CheckedFile
from thalia_sim.integrity.checksums import crc_of, crcs_between, metadata_checksum
from thalia_sim.integrity.commits import TABLE
from thalia_sim.integrity.increments import row_bytes
from thalia_sim.recording import format as fmt
from thalia_sim.recording.checkpoint import newest_checkpoint, prune, read_checkpoint, write_checkpoint
from thalia_sim.recording.owner import is_alive, process_begin, this_process
from thalia_sim.recording.segments import recover_recording
from thalia_sim.recording.spike_file import write_spikes

HERE = Path(__file__).parent
GOLDEN = HERE / "data" / "recording_1_0.h5.gz"  # of a process killed at 80 ms
NOTED = (23, 407251096)  # arrays in it, and CRC-32 of them all, as the code of format 1.0 read them


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """kind -> the first file of such a recording."""
    found = {kind: tmp_path_factory.mktemp(kind) / "run.h5" for kind in KINDS}
    for kind, (code, told) in zip(KINDS, side_by_side([HERE / "damaged.py", kind, path] for kind, path in found.items()), strict=True):
        assert code == (0 if kind == "finished" else -signal.SIGKILL), told
    return found


def side_by_side(programs):
    """Run Python with these words, all at the same time: (exit code, what it printed) of each."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    started = [subprocess.Popen([sys.executable, *map(str, words)], **pipes) for words in programs]
    told = [process.communicate()[0] for process in started]
    return [(process.returncode, text) for process, text in zip(started, told, strict=True)]


@pytest.fixture(params=[("finished", "run.h5"), ("killed", "run.h5"), ("two lives", "run.h5"), ("two lives", "run.2.h5")], ids="-".join)
def target(request, made, tmp_path):
    """(first file of a copy, the file to damage, what the recording holds)."""
    kind, name = request.param
    for path in made[kind].parent.glob("*.h5"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path / "run.h5", Damaged(tmp_path / name), content(tmp_path / "run.h5")


def place_of(path, name, row):
    """Byte at which a row of a dataset lies."""
    with h5py.File(path, swmr=True) as file:
        dataset = file[name]
        chunk = dataset.id.get_chunk_info(row // dataset.chunks[0])
        return chunk.byte_offset + row % dataset.chunks[0] * row_bytes(dataset)


def test_flipped_bits(target):
    """In each chunk of each dataset, and densely in what lies between: metadata, attributes, text. Free space may be damaged unnoticed."""
    first, file, whole = target
    dice, found = random.Random(2), Counter()
    for place in places(file.path, 1, 50):
        file.flip(place, dice.randrange(8))
        found[judgement(first, whole)] += 1
        file.write(place, file.bytes[place : place + 1])
    assert found["refused"] + found["shorter"] > 0.3 * found.total() and found.total() > 80
    assert judgement(first, whole) == "equal"


def test_lost_pages_and_cuts(target):
    """Zeros at each 4 KiB, and nothing from there on."""
    first, file, whole = target
    found = Counter()
    for place in range(0, len(file.bytes), PAGE):
        for damage in (file.blank, file.cut):
            damage(place)
            found[judgement(first, whole)] += 1
            file.mend()
    assert found["equal"] < 0.2 * found.total() and found.total() > 10


def test_what_is_left_of_a_dead_run_s_file_is_read(made, tmp_path):
    """Its last pages are lost: all up to a commit before comes back, and the recording says so; `recover` makes a whole file of it."""
    path = tmp_path / "run.h5"
    path.write_bytes(made["killed"].read_bytes())
    whole = content(path)
    Damaged(path).blank(place_of(path, "/spikes/exc/timestamps", 200))
    assert judgement(path, whole) == "shorter"
    part = content(path)
    assert 0.5 * whole.duration < part.duration < whole.duration
    assert part.error == f"damaged after {part.duration:g} ms, what was committed later is left out"
    assert f"up to {part.duration:g} ms" in recover_recording(path)
    again = content(path)
    assert (again.status, again.duration, again.error) == ("recovered", part.duration, part.error)
    assert all(np.array_equal(again.rows[name], rows, equal_nan=True) for name, rows in part.rows.items())


def test_what_is_whole_of_a_finished_file_can_be_read(made, tmp_path):
    """Only the windows that touch the damage are refused, and the sentence says which rows and times."""
    path = tmp_path / "run.h5"
    path.write_bytes(made["finished"].read_bytes())
    with open_recording(path) as recording:
        times, ids = recording.spikes("exc")
    Damaged(path).flip(place_of(path, "/spikes/exc/timestamps", int(np.searchsorted(times, 60.0))), 3)
    with open_recording(path) as recording:
        early = recording.spikes("exc", t1=40.0)
        assert np.array_equal(early[0], times[times <= 40.0]) and np.array_equal(early[1], ids[times <= 40.0])
        with pytest.raises(RecordingError, match=r"h5 is damaged: rows \d+ to \d+, [56]\d to 6\d ms, of /spikes/exc/timestamps are not as written"):
            recording.spikes("exc", 55.0, 65.0)
        assert np.array_equal(recording.rows("/spikes/exc/node_ids"), ids)


def test_a_commit_that_is_damaged_hides_no_others(made, tmp_path):
    """In a finished file: what lies beside it cannot be verified and is refused, the rest is read."""
    path = tmp_path / "run.h5"
    path.write_bytes(made["finished"].read_bytes())
    with open_recording(path) as recording:
        times, _ = recording.spikes("exc")
        before, after = recording.file.commits.table["t"][[11, 13]]
    Damaged(path).flip(place_of(path, TABLE, 12) + 5, 0)
    with open_recording(path) as recording:
        for t0, t1 in ((None, before), (20.0, before), (after, None)):
            there = (times > (t0 or 0.0)) & (times <= (t1 or np.inf))
            assert there.sum() > 20 and np.array_equal(recording.spikes("exc", t0, t1)[0], times[there])
        for t0, t1 in ((None, None), (None, before + 1.0), (after - 1.0, None), (before + 1.0, before + 2.0)):
            with pytest.raises(RecordingError, match=f"{before:g} to {after:g} ms, of /spikes/exc/timestamps are not as written"):
                recording.spikes("exc", t0, t1)


def test_damage_is_found_once_and_cheaply(made, monkeypatch):
    """Blocks read one after the other are verified in one pass; a small part of a large commit has all of it verified, in blocks."""
    read = []
    monkeypatch.setattr("thalia_sim.integrity.increments.crc_of", lambda rows, before=0: read.append(len(rows)) or crc_of(rows, before))
    with open_recording(made["finished"]) as recording:
        n = recording.populations["exc"].n_spikes
        read.clear()
        for begin in range(0, n, 10):
            recording.rows("/spikes/exc/timestamps", begin, begin + 10)
        assert sum(read) == n > 100
        recording.rows("/spikes/exc/timestamps")
        assert sum(read) == n


def test_a_file_that_is_being_written_is_tried_again(made, tmp_path):
    """What is half there for a moment is read when it is whole; what stays wrong is refused within a second."""
    path = tmp_path / "run.h5"
    path.write_bytes(made["killed"].read_bytes())
    with open_recording(path) as recording:
        times, _ = recording.spikes("exc")
    file, place = Damaged(path), place_of(path, "/spikes/exc/timestamps", 100)
    for mended in (True, False):
        with open_recording(path) as recording:
            recording.file.live = True
            file.flip(place, 1)
            helper = threading.Timer(0.03, file.mend)
            begin = time.perf_counter()
            if mended:
                helper.start()
                assert np.array_equal(recording.spikes("exc")[0], times)
                helper.join()
            else:
                with pytest.raises(RecordingError, match="not as written"):
                    recording.spikes("exc")
                assert sum(checked_file.PAUSES) < time.perf_counter() - begin < 1.0


def test_a_damaged_file_of_a_dead_run_opens_or_is_refused_at_once(made, tmp_path):
    """HDF5 would wait for a writer to mend it, twice as long each time."""
    path = tmp_path / "run.h5"
    path.write_bytes(made["killed"].read_bytes())
    file = Damaged(path)
    _, between = regions(path)
    for place in [a + k for a, b in between for k in range(0, b - a, 97)][:60]:
        file.flip(place, 5)
        begin = time.perf_counter()
        try:
            open_recording(path).close()
        except RecordingError:
            pass
        assert time.perf_counter() - begin < 1.0
        file.write(place, file.bytes[place : place + 1])


def test_a_damaged_recording_is_no_input(made, tmp_path):
    """`SpikeFile` verifies what it plays, and of a dead run's file it plays what was committed."""
    path = tmp_path / "run.h5"
    for kind in ("finished", "killed"):
        path.write_bytes(made[kind].read_bytes())
        with open_recording(path) as recording:
            times, ids = SpikeFile(str(path), "exc").spikes()
            assert np.array_equal(times, recording.spikes("exc")[0]) and np.array_equal(ids, recording.spikes("exc")[1])
        Damaged(path).flip(place_of(path, "/spikes/exc/node_ids", 0), 0)
        with pytest.raises(DescriptionError, match="is damaged: rows 0 to"):
            Network().populate("input", 60, SpikeFile(str(path), "exc"))


def test_a_file_of_spikes_has_its_checks(tmp_path):
    write_spikes(tmp_path / "in.h5", {"a": ([1.0, 2.0, 3.0], [0, 1, 2])})
    assert SpikeFile(str(tmp_path / "in.h5")).spikes()[0].tolist() == [1.0, 2.0, 3.0]
    Damaged(tmp_path / "in.h5").blank(place_of(tmp_path / "in.h5", "/spikes/a/timestamps", 0))
    with pytest.raises(DescriptionError, match="cannot be read"):
        Network().populate("input", 3, SpikeFile(str(tmp_path / "in.h5")))


def test_files_of_format_1_0_are_read(tmp_path):
    """Written, and read for comparison, by the code of that time: no checksums of ours. Recovered into the present format, they get theirs."""
    path = tmp_path / "run.h5"
    path.write_bytes(gzip.decompress(GOLDEN.read_bytes()))
    found = content(path)
    assert (found.status, found.duration, found.constant["format"]) == ("running", 80.0, "1.0")
    digest = zlib.crc32(b"".join(np.ascontiguousarray(found.rows[name]).tobytes() for name in sorted(found.rows)))
    assert (len(found.rows), digest) == NOTED
    with pytest.raises(RecordingError, match="is being written by a process that runs"):
        recover_recording(path)  # on another machine perhaps, since it was written just now
    os.utime(path, (0, 0))
    recover_recording(path)
    again = content(path)
    assert (again.status, again.constant["format"]) == ("recovered", fmt.FORMAT_VERSION)
    assert all(np.array_equal(again.rows[name], rows, equal_nan=True) for name, rows in found.rows.items())
    Damaged(path).flip(place_of(path, "/spikes/exc/timestamps", 0), 0)
    with open_recording(path) as recording, pytest.raises(RecordingError, match="not as written"):
        recording.spikes("exc")


# what cannot be written, and what does not belong together


FULL = """
import resource, sys
from thalia_sim import LIFDelta, Network, Poisson, Recorder, Simulation
net = Network(seed=1)
a = net.populate("a", 2000, LIFDelta())
net.drive(a, Poisson(rate=20_000.0), w=0.3)
sim = Simulation(net, [Recorder(sys.argv[1], checkpoint=50.0)])
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
try:
    with sim:
        sim.run(300.0)
except Exception as error:
    print(type(error).__name__, error)
"""


def test_a_run_that_filled_the_disk_can_be_gone_on_with(tmp_path):
    """RLIMIT_FSIZE in a run with checkpoints: our sentence, and from the last checkpoint on it becomes the run that had room."""
    limits = {"roomy": 1 << 40, "full": 3_000_000}
    done = side_by_side(["-c", FULL, tmp_path / f"{name}.h5", limit] for name, limit in limits.items())
    for name, (code, told) in zip(limits, done, strict=True):
        assert code == 0 and ("RecordingError cannot write" in told) == (name == "full"), told
    with open_recording(tmp_path / "full.h5") as recording:
        assert recording.status == "failed" and 50.0 < recording.duration < 290.0 and "the disk is full" in recording.error
    with Simulation.resume(newest_checkpoint(tmp_path / "full.ckpt")) as sim:
        sim.run(until=300.0)
    assert compare_recordings(tmp_path / "full.h5", tmp_path / "roomy.h5")["equal"]


def test_a_recording_that_lacks_rows_from_before_the_checkpoint_is_told_at_once(tmp_path):
    """And not at the end of the run that goes on."""
    path = tmp_path / "run.h5"
    sim = Simulation(small_network(), [Recorder(path, state=[Sample("a", "v", every=0.1)])])
    for _ in range(3):
        sim.run(2.0)
        sim.save(tmp_path / "a.ckpt.h5")
    data = path.read_bytes()
    sim.close()
    path.write_bytes(data)  # as the process would have left it, had it died
    place = place_of(path, "/report/a/data", 50)
    Damaged(path).flip(place, 4)
    with pytest.raises(RecordingError, match="run.h5 lacks rows of .* from before the checkpoint .damaged after 4 ms"):
        resumed_elsewhere(tmp_path / "a.ckpt.h5")


def resumed_elsewhere(path):
    """As if this process were another: that which wrote the recording has died."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("thalia_sim.recording.reader.is_alive", lambda owner: False)
        return Simulation.resume(path)


def test_a_damaged_checkpoint_does_not_stop_the_run(tmp_path):
    """When the next one is written, older ones are looked through for the arrays that they share."""
    shared = np.arange(1 << 14, dtype=np.int64)
    for step in (1, 2):
        write_checkpoint(tmp_path / f"{step}.h5", {"words": ["shared"]}, {"shared": shared}, static=["shared"], store=tmp_path)
    file, dice = Damaged(tmp_path / "1.h5"), random.Random(3)
    for place in range(512, len(file.bytes), 29):
        file.flip(place, dice.randrange(8))
        prune(tmp_path, keep=2)
        file.write(place, file.bytes[place : place + 1])
    assert np.array_equal(read_checkpoint(tmp_path / "2.h5").array("shared"), shared)


def test_a_folder_that_takes_no_files_is_told(tmp_path):
    """/proc refuses even those who may write anywhere; a file lies where the folder of checkpoints should be."""
    if not Path("/proc").is_dir():
        pytest.skip("there is no /proc here")
    with pytest.raises(RecordingError, match="cannot (create|be written)"):
        Simulation(small_network(), [Recorder("/proc/run.h5")]).run(1.0)
    sim = Simulation(small_network())
    with pytest.raises(CheckpointError, match="cannot write /proc/a.h5"):
        sim.save("/proc/a.h5")
    (tmp_path / "run.ckpt").write_text("a file")
    with pytest.raises(CheckpointError, match="cannot write checkpoints into .*run.ckpt"):
        Simulation(small_network(), [Recorder(tmp_path / "run.h5", checkpoint=1.0)]).run(3.0)
    with open_recording(tmp_path / "run.h5") as recording:
        assert (recording.status, recording.duration) == ("failed", 1.0)


def small_network(seed=1):
    net = Network(seed=seed)
    net.populate("a", 3, LIFDelta())
    return net


def test_a_checkpoint_does_not_go_on_with_another_recording(tmp_path):
    """One of another configuration, a damaged one, or none: told at once, and nothing is touched."""
    for name, seed in (("a", 1), ("b", 2)):
        with Simulation(small_network(seed), [Recorder(tmp_path / f"{name}.h5")]) as sim:
            sim.run(2.0)
            sim.save(tmp_path / f"{name}.ckpt.h5")
    before = {path: path.read_bytes() for path in tmp_path.glob("*.h5")}
    with pytest.raises(RecordingError, match="b.h5 is the recording of another run than the checkpoint"):
        Simulation.resume(tmp_path / "a.ckpt.h5", recording=tmp_path / "b.h5")
    with pytest.raises(RecordingError, match="c.h5 is not there"):
        Simulation.resume(tmp_path / "a.ckpt.h5", recording=tmp_path / "c.h5")
    Damaged(tmp_path / "a.h5").flip(20, 1)
    with pytest.raises(RecordingError, match="a.h5 cannot be opened"):
        Simulation.resume(tmp_path / "a.ckpt.h5")
    (tmp_path / "a.h5").write_bytes(before[tmp_path / "a.h5"])
    assert {path: path.read_bytes() for path in tmp_path.glob("*.h5")} == before
    with Simulation.resume(tmp_path / "a.ckpt.h5") as sim:
        sim.run(2.0)
    with open_recording(tmp_path / "a.h5") as recording:
        assert (recording.status, recording.duration) == ("complete", 4.0)


# the parts


def test_metadata_checksum_is_that_of_hdf5(made):
    """Of superblocks that HDF5 wrote, and the known values of lookup3 (Jenkins 2006): hashlittle of "" is 0xdeadbeef with nothing to mix."""
    head = made["finished"].read_bytes()[:48]
    assert metadata_checksum(head[:44]) == int.from_bytes(head[44:], "little")
    assert metadata_checksum(b"Four score and seven years ago") == 0x17770551


def test_crc_of_parts_is_that_of_the_rows_between():
    """Whatever the blocks: with zlib's crc32 of the same bytes."""
    rows = np.random.default_rng(1).random((100, 3))
    ends = np.array([0, 0, 7, 7, 50, 99, 100, 100])
    expected = [zlib.crc32(rows[a:b].tobytes()) for a, b in zip(np.concatenate([[0], ends[:-1]]), ends, strict=True)]
    for size in (1, 7, 33, 200):
        blocks = [rows[k : k + size] for k in range(0, 100, size)]
        assert crcs_between(ends, blocks).tolist() == expected
    assert crc_of(rows[:, ::2]) == zlib.crc32(rows[:, ::2].tobytes()), "not contiguous"


def test_an_owner_of_before_the_last_boot_is_dead():
    """A machine that was started anew runs none of its processes; of another machine's nothing is known."""
    host, boot, pid, begin = this_process().split(":")
    assert is_alive(this_process()) is True
    assert is_alive(f"{host}:{'0' * 16}:{pid}:{begin}") is False
    assert is_alive(f"{host}:{boot}:{pid}:1") is False
    assert is_alive(f"{'0' * 16}:{boot}:{pid}:{begin}") is None


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_an_owner_that_nobody_has_buried_yet_is_dead():
    """A process that has ended, but whose parent has not asked for its exit code (a zombie), writes nothing any more."""
    host, boot, _, _ = this_process().split(":")
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    owner = f"{host}:{boot}:{child.pid}:{process_begin(child.pid)}"
    assert is_alive(owner) is True
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert is_alive(owner) is False
    child.communicate()


def test_the_checks_cover_every_dataset(made):
    """Each dataset is a column of the commit table, or carries its CRC-32; there is no third kind."""
    for kind, path in made.items():
        with CheckedFile(path) as file:
            bare = [name for name in file.descriptions() if file.increments(name) is None and name != TABLE]
            assert [name for name in bare if not (name.endswith("mapping/time") and kind != "finished")] == []
            assert len(file.descriptions()) > 20
