"""Studies on several processes: a real scheduler and two workers on loopback, of which one is killed; a study stopped by Ctrl+C; what is refused."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from thalia_sim import open_recording
from thalia_sim.errors import DescriptionError
from thalia_sim.studies import Effort, ablation, workers
from thalia_sim.studies.points import Point
from thalia_sim.studies.workers import check_workers, run_points

pytest.importorskip("distributed")

NETWORK = Path(__file__).parent / "study_network.py"
LONG = {"settle": 4000.0, "measure": 500.0}  # some tenths of a second of wall time a run
PATIENCE_S = 60.0


@pytest.fixture
def script(tmp_path):
    """The network with scaling alone, so that a seed has four runs."""
    path = tmp_path / "net.py"
    path.write_text(NETWORK.read_text().replace('IntrinsicPlasticity("exc", target=10.0), ', "").replace("IntrinsicPlasticity, ", ""))
    return path


def start(*words):
    return subprocess.Popen([sys.executable, "-m", "dask", *map(str, words)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def wait_for(condition):
    """What a condition gives as soon as it is true."""
    end = time.monotonic() + PATIENCE_S
    while not (found := condition()):
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.02)
    return found


@pytest.fixture
def cluster(tmp_path):
    """(address of a scheduler, its two workers, the scheduler)."""
    file = tmp_path / "scheduler.json"
    started = [start("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", file)]
    try:
        wait_for(file.exists)
        words = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--host", "127.0.0.1", "--local-directory", tmp_path)
        started += [start("worker", "--scheduler-file", file, *words) for _ in range(2)]
        yield json.loads(file.read_text())["address"], started[1:], started[0]
    finally:
        for process in started:
            process.kill()
            process.wait()


def kill_one_at_work(folder, processes, killed):
    """SIGKILL to a worker in a run of which there is a checkpoint, when other runs are complete; of which run it was is put into `killed`."""

    def busy():
        for checkpoint in folder.glob("points/*.ckpt/*.h5") if list(folder.glob("points/*.json")) else ():
            recording = checkpoint.parent.with_suffix(".h5")
            facts = recording.with_suffix(".json")
            for process in processes:
                opened = f"/proc/{process.pid}/fd"
                if not facts.exists() and any(os.path.realpath(fd) == str(recording) for fd in Path(opened).iterdir()):
                    return process, recording
        return None

    process, recording = wait_for(busy)
    process.kill()
    killed.append(recording)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc to see which worker writes a recording")
def test_a_killed_worker_loses_nothing_but_the_work_since_its_checkpoint(script, tmp_path, cluster):
    """Two workers, one killed in the middle of a run: that run goes on from its checkpoint on the other one, and the table is the one of a study
    in this process. Started anew, nothing is computed."""
    address, processes, _ = cluster
    killed, lines = [], []
    folder = tmp_path / "far"
    killer = threading.Thread(target=kill_one_at_work, args=(folder, processes, killed))
    killer.start()
    far = ablation(script, [1, 2], out=folder, **LONG, effort=Effort(scheduler=address, checkpoint=0.1, say=lines.append))
    killer.join()
    assert sum(process.poll() is not None for process in processes) == 1
    here = ablation(script, [1, 2], out=tmp_path / "here", **LONG)
    assert far.table() == here.table() and not far.missing and len(lines) == 8
    with open_recording(killed[0]) as recording:
        assert recording.status == "complete" and recording.file.marks["merged"]  # it has two lives
    lines.clear()
    again = ablation(script, [1, 2], out=folder, **LONG, effort=Effort(scheduler=address, say=lines.append))
    assert again.table() == here.table() and lines == []


def test_a_lost_scheduler_ends_the_study_in_a_sentence(script, tmp_path, cluster):
    """Killed while runs are at work: the table says so. The runs that it left behind stop, so the study goes on at once, to the table of a study that
    nothing befell."""
    address, _, scheduler = cluster
    folder = tmp_path / "far"
    killer = threading.Thread(target=lambda: wait_for(lambda: list(folder.glob("points/*.ckpt/*.h5"))) and scheduler.kill())
    killer.start()
    far = ablation(script, [1, 2], out=folder, **LONG, effort=Effort(scheduler=address, checkpoint=0.1))
    killer.join()
    assert f"the scheduler {address} was lost, or the connection: see that there is one, and the same command goes on" in far.table()
    assert far.missing and not far.is_interrupted and not list(folder.glob("going-*"))
    whole = ablation(script, [1, 2], out=folder, **LONG)
    assert not whole.missing and whole.table() == ablation(script, [1, 2], out=tmp_path / "here", **LONG).table()


def test_local_processes_give_the_same_table(script, tmp_path):
    """Two processes of this machine against this process."""
    short = {"settle": 50.0, "measure": 50.0}
    apart = ablation(script, [1, 2], out=tmp_path / "apart", **short, effort=Effort(workers=2))
    assert apart.table() == ablation(script, [1, 2], out=tmp_path / "here", **short).table()


def test_ctrl_c_leaves_checkpoints_and_the_same_command_goes_on(script, tmp_path):
    """Interrupted while it writes checkpoints: exit code 130 and a table of what there is; then it goes on to the end."""
    words = ["ablation", script, "--seeds", "1", "--out", tmp_path / "a", "--settle", "10 s", "--measure", "1 s", "--checkpoint", "0.1s"]
    command = [sys.executable, "-m", "thalia_sim", "study", *map(str, words)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_for(lambda: list((tmp_path / "a").glob("points/*.ckpt/*.h5")))
    process.send_signal(signal.SIGINT)
    told, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130 and "0 of 1 seeds count" in told and "interrupted: seed 1, to 10000 ms" in told
    assert not list((tmp_path / "a").glob("going-*"))
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 0 and "1 of 1 seeds count" in done.stdout and "not run" not in done.stdout


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="needs groups of processes, as a terminal has them")
@pytest.mark.parametrize("delay", [0.2, 1.2])
def test_ctrl_c_while_processes_start_is_told_plainly(script, tmp_path, delay):
    """The signal goes to all processes of the study, as from a terminal, some time after the folder was made: no traceback, no file left."""
    words = ["ablation", script, "--seeds", "1", "--out", tmp_path / "a", "--settle", "60 s", "--measure", "60 s", "--workers", "2"]
    command = [sys.executable, "-m", "thalia_sim", "study", *map(str, words)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        wait_for((tmp_path / "a" / "lock").exists)
        time.sleep(delay)
        os.killpg(process.pid, signal.SIGINT)
        told, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130 and "Traceback" not in errors and "distributed" not in errors
    assert "the study was stopped before a run could begin" in told or "interrupted: seed 1" in told
    assert not list((tmp_path / "a").glob("going-*"))


def test_a_busy_port_of_the_dashboard_and_a_short_budget_are_no_trouble(script, tmp_path, capfd, recwarn):
    """Port 8787 is taken, by this test or another process; the budget is shorter than the start of the processes, which the table says."""
    with socket.socket() as taken:
        with contextlib.suppress(OSError):
            taken.bind(("127.0.0.1", 8787))
            taken.listen()
        result = ablation(script, [1], out=tmp_path / "a", settle=50.0, measure=50.0, effort=Effort(workers=2, budget=0.01))
    assert "the budget ended before a run could begin" in result.table() and result.seeds == []
    assert not [warning for warning in recwarn if "8787" in str(warning.message)] and capfd.readouterr().err == ""


# what is refused


def test_missing_dask_is_told_with_the_extra(script, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(DescriptionError, match=r'several workers need Dask.*: pip install "thalia-sim\[studies\]"'):
        ablation(script, [1], out=tmp_path / "a", settle=10.0, measure=10.0, effort=Effort(workers=2))


def test_a_scheduler_that_is_not_there_is_told(script, tmp_path, monkeypatch):
    monkeypatch.setattr(workers, "PATIENCE_S", 0.5)
    with pytest.raises(DescriptionError, match="scheduler tcp://127.0.0.1:9 cannot be used .*: start `dask scheduler` and `dask worker`"):
        run_points([Point(str(script), "0", 1, 10.0)], tmp_path, Effort(scheduler="tcp://127.0.0.1:9"))


class Blind:
    """A client whose worker answers what it is told to."""

    def __init__(self, *told):
        self.told = told

    def run(self, look, folder):
        token, version, source = look(folder)
        return {"tcp://far:1": self.told and (token, *self.told) or ("", version, source)}


SHARED = "does not see folder .*: give --out a folder that all workers share"


OTHER = r"runs another thalia_sim \(0.0.9, sources {}\) than this process \(.*\): install the same there"


@pytest.mark.parametrize("told, message", [((), SHARED), (("0.0.9",), OTHER.format("unknown")), (("0.0.9", "12345678abc"), OTHER.format("12345678"))])
def test_workers_that_cannot_take_part_are_refused(tmp_path, told, message):
    with pytest.raises(DescriptionError, match=f"worker tcp://far:1 {message}"):
        check_workers(Blind(*told), tmp_path)
    assert not list(tmp_path.iterdir())
