"""Small recordings, ways to damage them, and the judgement on what is read from them; for test_damage.py and experiments/damage_test.py.

python damaged.py KIND PATH makes a recording of one of KINDS, or a "large" one, and, unless it is a finished one, ends by SIGKILL.
"""

import json
import os
import random
import signal
import sys
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np
from fake_simulation import FakeSimulation

from thalia_sim.analysis.info import facts_of
from thalia_sim.errors import RecordingError
from thalia_sim.hooks import Hook, Recorder, Sample
from thalia_sim.hooks import recorder as recorder_module
from thalia_sim.network import Network
from thalia_sim.neurons import LIFExp
from thalia_sim.recording import format as fmt
from thalia_sim.recording import open_recording
from thalia_sim.recording.provenance import provenance
from thalia_sim.recording.segments import next_file
from thalia_sim.recording.writer import RecordingWriter
from thalia_sim.wiring import probability

KINDS = ("finished", "killed", "two lives")
PAGE = 4096
WINDOWS = ((None, None), (20.0, 50.0), (33.3, None))  # ms


class Meter(Hook):
    """Something for the diagnostics."""

    every = 7.0

    def __init__(self):
        self.calls = 0

    def handle(self, sim):
        self.calls += 1

    def diagnostics(self):
        return {"calls": float(self.calls), "unknown": np.nan}


class Killer(Hook):
    """Ends the process, without a word, at 80 ms."""

    every = 80.0

    def handle(self, sim):
        if sim.t > 0:
            os.kill(os.getpid(), signal.SIGKILL)


def simulation(path, *more, **options):
    """Every kind of dataset: spikes of two populations, one of them in part, counts, two reports, weights, diagnostics, text."""
    net = Network(seed=7)
    exc, inh = net.populate("exc", 60, LIFExp()), net.populate("inh", 20, LIFExp())
    net.connect(exc, inh, probability(0.1), w=10.0, delay=1.5)
    state = [Sample(exc[:3], "v", every=2.0), Sample(inh[[4, 1]], "i_exc", every=5.0)]
    script = path.with_name("run.py")
    script.write_text("A script.")
    recorder = Recorder(path, [exc, inh[3:9]], state, [("exc->inh", 20.0)], counts=5.0, script=script)
    return FakeSimulation(net, [Meter(), *more, recorder], **options)


def small_chunks():
    """A small file with as many structures as a large one."""
    fmt.CHUNK, fmt.CHUNK_BYTES = 64, 1024


def make(kind, path):
    """A recording at `path`."""
    recorder_module.COMMIT_S = 0.0  # a commit at each flush
    recorder_module.provenance = lambda script: {**provenance(script), "versions_json": {"thalia-sim": "0.1.0"}}  # the list may be long
    if kind == "large":
        simulation(path, Killer(), rate=10_000.0).run(100.0)
    small_chunks()
    if kind == "finished":
        simulation(path).run(100.0)
    elif kind == "killed":
        simulation(path, Killer()).run(100.0)
    else:
        two_lives(path)


def two_lives(path):
    """A file of 40 commits and one that goes on from its 30th: the last ten were written again. Its weights are one number in each commit."""
    meta = {**dict.fromkeys(fmt.META, ""), "seed": 1, "dt_ns": 100_000, "threads": 1, "git_dirty": 0, "script": "x" * 500}
    meta |= {"populations_json": [{"name": "exc", "n": 100, "offset": 0, "model": "LIF"}], "versions_json": {}, "config_json": {}}
    run_id, base = None, {}
    for first, last in ((0, 40), (30, 60)):
        writer = RecordingWriter(path if not first else next_file(path), run_id=run_id, base=base)
        writer.metadata(meta)
        writer.group("/spikes/{population}", {"n": 100, "n_recorded": 100, "offset": 0, "model": "LIF"}, population="exc")
        times, ids = writer.column(fmt.SPIKE_TIMES.named(population="exc")), writer.column(fmt.SPIKE_IDS.named(population="exc"))
        writer.begin()
        for k in range(first, last):
            if k == 30 and not first:
                run_id, base = writer.run_id, writer.positions()
            times.append(np.full(7, k + 1.0))
            ids.append(np.arange(7) + k)
            writer.commit(10 * (k + 1), k + 1.0)
    os.kill(os.getpid(), signal.SIGKILL)


# what is in them


class Content(NamedTuple):
    """All that can be read from a recording."""

    constant: dict  # name -> value: the same in whatever part of it is read
    rows: dict  # name -> array that grows
    status: str
    error: str
    duration: float


def content(path):
    """Everything, by every way of reading it."""
    with open_recording(path) as r:
        constant = {"meta": json.dumps(r.meta), "begin": r.begin, "format": r.format_version}
        constant |= {"names": [list(r.populations), r.reports(), r.projections(), r.hooks()]}
        constant |= {f"population {p.name}": p[:5] for p in r.populations.values()}
        rows = {}
        for name, p in r.populations.items():
            for t0, t1 in WINDOWS:
                rows[f"times of {name} from {t0} to {t1}"], rows[f"ids of {name} from {t0} to {t1}"] = r.spikes(name, t0, t1)
            assert p.n_spikes == len(rows[f"times of {name} from None to None"])
            if r.file.has("/thalia/counts"):
                rows[f"counts of {name}"] = r.counts(name).counts
            if p.n_recorded < p.n:
                constant[f"recorded of {name}"] = r.rows(f"/thalia/recorded/{name}").tolist()
        for report in r.reports():
            t, values, ids, units = r.report(*report)
            rows[f"report {report} t"], rows[f"report {report}"], constant[f"report {report}"] = t, values, (ids.tolist(), units)
            group = r.report_groups[report]
            mapping = [f"{group}/mapping/{name}" for name in r.file.names(f"{group}/mapping") if name != "time"]
            constant[f"mapping {report}"] = [r.rows(path).tolist() for path in mapping]
        for name in r.projections():
            weights = r.weights(name)
            constant[f"synapses {name}"] = [x.tolist() for x in (weights.i, weights.j, weights.delay)] + [weights.units]
            rows[f"weights {name} t"] = weights.t
            rows[f"weights {name}"] = np.array([weights.snapshot(k) for k in range(len(weights.t))])
        for name in r.hooks():
            rows |= {f"hook {name} {field}": values for field, values in r.diagnostics(name).items()}
        facts = facts_of(r)
        constant["info"] = json.dumps({k: facts[k] for k in ("file", "script", "command", "seed", "dt_ms", "versions", "units", "datasets")})
        return Content(constant, {name: np.array(values) for name, values in rows.items()}, r.status, r.error, r.duration)


def judgement(path, whole):
    """"equal", "shorter" (a part up to a commit, and the recording says so) or "refused" (our sentence); AssertionError if it is none of these."""
    try:
        found = content(path)
    except RecordingError as error:
        assert str(path.parent) in str(error) and "\n" not in str(error), error
        return "refused"
    assert found.constant == whole.constant
    assert found.rows.keys() == whole.rows.keys()
    same = True
    for name, rows in found.rows.items():
        assert rows.dtype == whole.rows[name].dtype
        assert np.array_equal(rows, whole.rows[name][: len(rows)], equal_nan=rows.dtype.kind == "f"), name
        same &= len(rows) == len(whole.rows[name])
    if same and (found.status, found.error, found.duration) == (whole.status, whole.error, whole.duration):
        return "equal"
    assert (found.status, found.duration <= whole.duration) == ("running", True)
    assert "is left out" in found.error
    return "shorter"


# damage


def regions(path):
    """(begin, end) of each chunk of each dataset, and of what lies between: metadata, text of attributes, free space."""
    chunks = set()

    def visit(_, thing):
        if isinstance(thing, h5py.Dataset):
            for k in range(thing.id.get_num_chunks()):
                info = thing.id.get_chunk_info(k)
                chunks.add((info.byte_offset, info.byte_offset + info.size))

    with h5py.File(path, swmr=True) as file:
        file.visititems(visit)
    ends = [0, *(end for _, end in sorted(chunks)), path.stat().st_size]
    between = [(a, b) for a, b in zip(ends[:-1], [begin for begin, _ in sorted(chunks)] + [ends[-1]], strict=True) if a < b]
    return sorted(chunks), between


def places(path, n_chunk, n_between, seed=1):
    """Bytes to damage: so many in each chunk, so many in what lies between, evenly, and those with which a piece of it begins."""
    dice = random.Random(seed)
    chunks, between = regions(path)
    found = {dice.randrange(a, b) for a, b in chunks for _ in range(n_chunk)}
    every = np.concatenate([np.arange(a, b) for a, b in between])
    found |= {int(every[k]) for k in np.linspace(0, len(every) - 1, n_between).astype(int)}
    return sorted(found | {a for a, _ in between} | set(range(0, 48, 5)))


class Damaged:
    """A file in which bytes are changed and put back."""

    def __init__(self, path):
        self.path, self.bytes = path, path.read_bytes()

    def flip(self, place, bit):
        self.write(place, bytes([self.bytes[place] ^ (1 << bit)]))

    def blank(self, place):
        """A page of zeros, as a lost block leaves it."""
        self.write(place, bytes(min(PAGE, len(self.bytes) - place)))

    def cut(self, place):
        os.truncate(self.path, place)

    def write(self, place, data):
        with open(self.path, "r+b") as file:
            file.seek(place)
            file.write(data)

    def mend(self):
        """The file as it was, never shorter on the way: a reader may look meanwhile."""
        self.write(0, self.bytes)
        os.truncate(self.path, len(self.bytes))


if __name__ == "__main__":
    make(sys.argv[1], Path(sys.argv[2]))
