"""What does it cost to record all spikes, and to read them again, with every row verified?

python experiments/checks_cost.py [--repeat 5]

Brunel's network (12,500 neurons, about 38 Hz) for two seconds, in turn with and without a recorder; and ten million spikes of one population,
written in commits of some 100,000 and read back. CPU time of the process in seconds: mean and range.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from thalia_sim import Recorder, Simulation, open_recording
from thalia_sim.circuits import brunel
from thalia_sim.recording import format as fmt
from thalia_sim.recording.tables import Members, SpikeTable
from thalia_sim.recording.writer import RecordingWriter

BATCH, BATCHES = 50_000, 200


def spent(do: Callable[..., None], *arguments: Path) -> float:
    begin = time.process_time()
    do(*arguments)
    return time.process_time() - begin


def run(out: Path | None) -> float:
    """Two seconds of the network, and the end of its recording."""
    sim = Simulation(brunel(), [] if out is None else [Recorder(out)])
    sim.run(100.0)

    def go() -> None:
        sim.run(2000.0)
        sim.close()

    return spent(go)


def write(path: Path) -> None:
    writer = RecordingWriter(path)
    writer.metadata({**dict.fromkeys(fmt.META, ""), "seed": 1, "dt_ns": 100_000, "threads": 1, "git_dirty": 0,
                     "populations_json": [Members("exc", 1000, 0, "LIF")._asdict()], "versions_json": {}, "config_json": {}})  # fmt: skip
    table = SpikeTable(writer, [Members("exc", 1000, 0, "LIF")], {"exc": None}, dt=0.1, count_bin=1.0)
    writer.begin()
    ids, steps = np.random.default_rng(1).integers(0, 1000, BATCH), np.arange(BATCH) // 500
    for k in range(BATCHES):
        table.append(100 * k + steps, ids)
        if table.full or k == BATCHES - 1:
            table.split(100 * (k + 1))
            writer.commit(100 * (k + 1), 10.0 * (k + 1))
    writer.end("complete", 10.0 * BATCHES)


def read(path: Path) -> None:
    with open_recording(path) as recording:
        assert len(recording.spikes("exc")[0]) == BATCH * BATCHES


def shown(name: str, times: list[float]) -> str:
    return f"{name:<34} {np.mean(times):6.2f} s  ({min(times):.2f} to {max(times):.2f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--repeat", type=int, default=5)
    repeat = parser.parse_args().repeat
    times: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as name:
        for k in range(repeat + 1):
            path = Path(name) / f"{k}.h5"
            found = {"brunel, 2 s, not recorded": run(None), "brunel, 2 s, recorded": run(path)}
            path = Path(name) / f"spikes{k}.h5"
            found |= {"10 million spikes written": spent(write, path), "10 million spikes read": spent(read, path)}
            for what, took in found.items() if k else ():  # the first compiles
                times.setdefault(what, []).append(took)
            for path in Path(name).iterdir():
                path.unlink()
    print("\n".join(shown(what, took) for what, took in times.items()))


if __name__ == "__main__":
    main()
