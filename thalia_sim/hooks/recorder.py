"""The recorder: writes spikes, counts, sampled state, weights and the diagnostics of other hooks into one HDF5 file while the run goes on."""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import json
import math
import sys
import time
import weakref
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..checks import is_number
from ..errors import CheckpointError, RecordingError
from ..given import short
from ..recording import format as fmt
from ..recording.checkpoint import checkpoint_folder, clear, prune
from ..recording.format import SEED_SCHEME
from ..recording.provenance import provenance
from ..recording.reader import open_recording
from ..recording.segments import merge, next_file
from ..recording.tables import DiagnosticsTable, EventTable, Members, ReportTable, SpikeTable, WeightTable
from ..recording.writer import RecordingWriter, check_target, is_written_elsewhere, plain
from .contract import Hook
from .sampling import Sample, check_chosen, chosen_spikes, resolve, split_by_population

COMMIT_S = 1.0  # wall time after which what waits is written
COMMIT_BYTES = 1 << 22  # amount after which it is written sooner


_elsewhere: list[Path] = []  # folder that recordings are led to, see `recordings_in`


@contextlib.contextmanager
def recordings_in(folder: Path) -> Iterator[None]:
    """Lead every Recorder that is made meanwhile into a folder, whatever its path says: a run that is only repeated leaves a user's files alone."""
    _elsewhere.append(folder)
    try:
        yield
    finally:
        _elsewhere.pop()


class Recorder(Hook):
    """Put it last in the list of hooks.

    path     the file to be; RecordingError at once if it exists (unless `force`) or cannot be created
    spikes   True: all populations; or a list of populations, selections and names of populations
    state    Samples: Sample(exc[:10], "v", every=0.5)
    weights  projections as (name, ms between snapshots); the name alone: at the start and at the end only
    counts   ms, bin of the spike counts of all populations; None for none
    script   the file that described the run; by default the one Python was started with
    options  how the run was asked for (settings, until ...), kept with the configuration
    checkpoint  ms of simulated time between checkpoints, from which `Simulation.resume` and `thalia-sim resume` go on; None for none. They lie in
             the folder NAME.ckpt beside the recording NAME.h5; the last two are kept

    It ends with the simulation (`sim.close()`, a `with` block, an error, or at the latest the end of Python). While the run goes on, and after
    the death of its process, `open_recording` reads it up to the last commit, about a second ago. A resumed run goes on in a file of its own,
    NAME.2.h5; readers see one recording, and at the end it is one file again.
    """

    transient = (
        "writer", "spike_table", "reports", "weights", "events", "diagnosed", "goes_on", "begin_step", "begin_t", "committed", "sim", "reached",
        "watch",
    )  # fmt: skip
    is_mechanism = False

    def __init__(
        self,
        path: str | Path,
        spikes: bool | Iterable[Any] = True,
        state: Sequence[Sample] = (),
        weights: Sequence[str | tuple[str, float | None]] = (),
        counts: float | None = 1.0,
        force: bool = False,
        script: str | Path | None = None,
        options: Mapping[str, Any] | None = None,
        checkpoint: float | None = None,
    ) -> None:
        if not isinstance(path, (str, Path)):
            raise RecordingError(f"path is {path!r}: give the name of the file to be")
        if not isinstance(force, (bool, np.bool_)):
            raise RecordingError(f"force is {short(force)}: give True or False")
        self.path = check_target(_elsewhere[-1] / Path(path).name if _elsewhere else path, force)
        check_arguments(spikes, state, weights, options)
        if script is not None and not isinstance(script, (str, Path)):
            raise RecordingError(f"script is {short(script)}: give the name of a file, or leave it out")
        self.wanted, self.samples, self.count_bin, self.force = spikes, tuple(state), counts, force
        self.projections = dict((each, None) if isinstance(each, str) else each for each in weights)
        self.script, self.options = script, dict(options or {})
        if script is not None and not Path(script).is_file():
            raise RecordingError(f"script {script} does not exist: give the file that described the run, or leave it out")
        self.checkpoint = checkpoint
        periods = [*((s.variable, s.every) for s in self.samples), *self.projections.items(), ("counts", counts), ("checkpoint", checkpoint)]
        for what, every in periods:
            if every is not None and not (is_number(every) and math.isfinite(every) and every > 0):
                raise RecordingError(f"{what} every {every!r} ms: choose a positive number of ms")
        intervals = [round(every * 1e6) for every in (*self.projections.values(), checkpoint) if every is not None]
        self.every = math.gcd(*intervals) / 1e6 if intervals else None
        self.writer: RecordingWriter | None = None

    # the calls of the simulation -------------------------------------------------------------------------------------

    @property
    def numbered(self) -> Collection[str]:  # type: ignore[override]
        return self.projections

    def start(self, sim: Any) -> None:
        for other in getattr(sim, "hooks", ()):
            if other is not self and isinstance(other, Recorder) and other.path.absolute() == self.path.absolute():
                raise RecordingError(f"{self.path} is the file of two recorders: give each its own")
        chosen = chosen_spikes(sim.net, self.wanted)
        selections = [resolve(sim.net, sample.selection) for sample in self.samples]
        gathered = [sim.sample(sel, sample.variable, every=sample.every) for sel, sample in zip(selections, self.samples, strict=True)]
        synapses = {name: sim[name].synapses() for name in self.projections}
        meta = self.metadata(sim, chosen)
        resumed = self.resumed_state
        self.goes_on = resumed is not None
        self.begin_step = sim.step if resumed is None else int(resumed["begin"])
        self.begin_t = self.begin_step * sim.net.dt_ns / 1e6
        if resumed is None:
            writer = RecordingWriter(self.path, self.force, begin=self.begin_t)
            if self.force:
                clear(self.folder)  # those of the run that is overwritten
        else:
            base = dict(zip((name.decode() for name in resumed["names"]), resumed["rows"].tolist(), strict=True))
            run_id = resumed["run_id"].item().decode()
            check_goes_on(self.path, run_id, base)
            writer = RecordingWriter(next_file(self.path), run_id=run_id, base=base, begin=self.begin_t)
        try:
            writer.metadata(meta)
            self.spike_table = SpikeTable(writer, members(sim.net), chosen, sim.dt, self.count_bin, self.begin_step)
            self.reports = [
                (rows, declare_reports(writer, sim, selection, sample))
                for rows, selection, sample in zip(gathered, selections, self.samples, strict=True)
            ]
            self.weights = {
                name: WeightTable(writer, name, weight_units(sim.net[name]), table["i"], table["j"], table["delay"])
                for name, table in synapses.items()
            }
            self.events = EventTable(writer)
            self.diagnosed = declare_diagnostics(writer, [hook for hook in getattr(sim, "hooks", ()) if hook is not self], self.goes_on)
            writer.begin()
        except BaseException:
            writer.discard()
            raise
        self.writer = writer
        self.committed = time.perf_counter()
        if resumed is None:
            self.snapshots(sim, list(self.weights))
        self.sim, self.reached = weakref.ref(sim), (sim.step, sim.t)
        self.watch = weakref.finalize(sim, self.left)
        self.watch.atexit = False  # it may come after HDF5 has closed
        atexit.register(self.left)

    def state(self) -> dict[str, np.ndarray]:
        """How far the recording is, after a commit."""
        sim = self.sim()
        if self.writer is None or sim is None:
            return {}
        self.gather()
        self.commit(sim)
        rows = self.writer.positions()
        counts = self.spike_table.counts
        return {
            "names": np.array([name.encode() for name in rows], dtype=np.bytes_),
            "rows": np.array(list(rows.values()), dtype=np.int64),
            "begin": np.array(self.begin_step),
            "run_id": np.array(self.writer.run_id.encode(), dtype=np.bytes_),
            "open": np.zeros(0, np.int64) if counts is None else counts.open,
            "last": np.array([math.nan if table.last is None else table.last for table in self.weights.values()], dtype=np.float64),
        }

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        if not state or not self.goes_on:
            return  # a branch has a recording of its own
        if self.spike_table.counts is not None:
            self.spike_table.counts.open = np.array(state["open"])
        for table, last in zip(self.weights.values(), state.get("last", ()), strict=False):
            table.last = None if math.isnan(last) else float(last)

    @property
    def folder(self) -> Path:
        """Where the checkpoints lie."""
        return checkpoint_folder(self.path)

    def save(self, sim: Any) -> None:
        """Write a checkpoint and keep the one before it."""
        try:
            self.folder.mkdir(exist_ok=True)
            prune(self.folder, keep=1)  # and the one to come
        except OSError as error:
            raise CheckpointError(f"cannot write checkpoints into {self.folder} ({error.strerror}): make it a folder and writable") from error
        sim.save(self.folder / f"{sim.step}.h5", store=self.folder)

    def branch(self, path: str | Path, force: bool = False) -> None:
        """Before the start of a resumed simulation: write to a recording of its own, which begins then."""
        self.path, self.force = check_target(path, force), force
        vars(self).pop("_resumed", None)

    def handle(self, sim: Any) -> None:
        now = round(sim.t * 1e6)
        if self.checkpoint is not None and now % round(self.checkpoint * 1e6) == 0:
            self.save(sim)
        self.snapshots(sim, [name for name, every in self.projections.items() if every is not None and now % round(every * 1e6) == 0])

    def handled(self, sim: Any, hook: Hook) -> None:
        known, table = self.diagnosed.get(id(hook), (None, None))
        if known is hook and table is not None:
            table.append(sim.t, diagnostics_of(hook))
        elif values := diagnostics_of(hook):  # it came later, when no dataset could be declared any more
            self.events.append(sim.t, hook.name, "diagnostics", values)

    def told(self, sim: Any, source: str, kind: str, facts: Mapping[str, Any]) -> None:
        self.events.append(sim.t, source, kind, facts)

    def spikes(self, sim: Any, steps: np.ndarray, ids: np.ndarray) -> None:
        self.spike_table.append(steps, ids)

    def flushed(self, sim: Any) -> None:
        self.reached = (sim.step, sim.t)
        self.gather()
        assert self.writer is not None
        waited = time.perf_counter() - self.committed
        if waited > COMMIT_S or self.spike_table.full or self.writer.pending_bytes > COMMIT_BYTES:
            self.commit(sim)

    def finish(self, sim: Any, status: str) -> None:
        if self.writer is None:
            return
        error = failure(sim) if status == "failed" else ""
        problem = None
        try:
            if status != "failed":
                self.snapshots(sim, list(self.weights))
        except RecordingError as caught:
            status, problem = "failed", caught
        self.close(status, sim.step, sim.t, error or str(problem or ""))
        if problem is not None:
            raise problem

    def close(self, status: str, step: int, t: float, error: str = "") -> None:
        """Write what waits and end the file."""
        assert self.writer is not None
        self.unwatch()
        problem: RecordingError | None = None
        try:
            self.gather()
            self.spike_table.close(step)
            self.writer.commit(step, t)
        except RecordingError as caught:
            problem = caught if status != "failed" else None  # else the run has stopped for a reason already
            status, error = "failed", error or str(caught)
        writer, self.writer = self.writer, None
        end = t if problem is None and status != "failed" else writer.committed_t
        writer.end(status, round((self.begin_t if end is None else end) - self.begin_t, 6), error)
        if writer.path != self.path:
            with open_recording(self.path) as whole:
                merge(whole, status, error)
        if problem is not None:
            raise problem

    def unwatch(self) -> None:
        self.watch.detach()
        atexit.unregister(self.left)

    def left(self) -> None:
        """The simulation is gone, or Python ends, and nobody closed it: all that it did is kept, but for weights at the end where it is gone."""
        if self.writer is None:
            return
        sim = self.sim()
        if sim is not None:
            self.finish(sim, "complete")
        else:
            self.close("complete", *self.reached)

    def abandon(self) -> None:
        """Take back a recording that has just begun, if it has."""
        writer: RecordingWriter | None = vars(self).get("writer")
        if writer is not None:
            self.unwatch()
            self.writer = None
            writer.discard()

    # its parts -------------------------------------------------------------------------------------------------------

    def snapshots(self, sim: Any, names: Sequence[str]) -> None:
        for name in names:
            if self.weights[name].last != sim.t:
                self.weights[name].append(sim.t, sim[name].w)

    def gather(self) -> None:
        """Take the samples that the engine has gathered."""
        for rows, tables in self.reports:
            steps, values = rows.take()
            for table, columns in tables:
                table.append(steps, values[:, columns])

    def commit(self, sim: Any) -> None:
        assert self.writer is not None
        self.spike_table.split(sim.step)
        self.writer.commit(sim.step, sim.t)
        self.committed = time.perf_counter()

    def metadata(self, sim: Any, chosen: Mapping[str, np.ndarray | None]) -> dict[str, Any]:
        """The values of format.META."""
        run = {"threads": getattr(sim, "threads", 1), "precision": getattr(sim, "precision", "double")}
        recorder = {
            "spikes": {name: "all" if numbers is None else len(numbers) for name, numbers in chosen.items()},
            "state": [[str(sample.selection), sample.variable, sample.every] for sample in self.samples],
            "weights": self.projections,
            "counts": self.count_bin,
        }
        config = {"network": sim.net.describe(), "run": {**run, **self.options}, "recorder": recorder}
        text = json.dumps(config, default=plain, ensure_ascii=False)
        return {
            **provenance(self.script),
            **run,
            "config_json": text,
            "config_sha256": hashlib.sha256(text.encode()).hexdigest(),
            "populations_json": [p._asdict() for p in members(sim.net)],
            "seed": sim.net.seed,
            "seed_scheme": SEED_SCHEME,
            "dt_ns": round(sim.dt * 1e6),
        }


def check_arguments(spikes: Any, state: Any, weights: Any, options: Any) -> None:
    """Refuse what is no list of the right things."""
    check_chosen(spikes, state)
    if isinstance(weights, str) or not isinstance(weights, Sequence):
        raise RecordingError(f"weights is {weights!r}: give a list of names of projections, or of (name, ms)")
    for each in weights:
        pair = isinstance(each, tuple) and len(each) == 2 and isinstance(each[0], str) and (each[1] is None or is_number(each[1]))
        if not (isinstance(each, str) or pair):
            raise RecordingError(f"weights has {each!r}: give names of projections, or (name, ms between snapshots)")
    if options is not None and not isinstance(options, Mapping):
        raise RecordingError(f"options is {options!r}: give a dict")


def check_goes_on(path: Path, run_id: str, base: Mapping[str, int]) -> None:
    """Refuse to go on with a recording that is not there, that is another run's, or that lacks rows from before the checkpoint."""
    apart = "or give branch= to go on in a recording of its own"
    if not path.is_file():
        raise RecordingError(f"{path} is not there, the recording of the run that goes on: put it back, {apart}")
    with open_recording(path) as recording:
        if any(is_written_elsewhere(file) for file in recording.files):
            raise RecordingError(f"{path} is being written by a process that runs: wait for its end or end it, {apart}")
        if recording.run_id != run_id:
            raise RecordingError(f"{path} is the recording of another run than the checkpoint: give the one that was written with it, {apart}")
        short = [name for name, rows in base.items() if recording.length(name) < rows]
        if short:
            why = recording.error or recording.status
            raise RecordingError(f"{path} lacks rows of {short[0]} from before the checkpoint ({why}): use a copy, {apart}")


def members(net: Any) -> list[Members]:
    return [Members(p.name, p.n, p.offset, type(p.model).__name__) for p in net.populations.values()]


def declare_reports(writer: RecordingWriter, sim: Any, selection: Any, sample: Sample) -> list[tuple[ReportTable, Any]]:
    """One report for each population in a sample, with its columns in the rows of the whole selection."""
    tables: list[tuple[ReportTable, Any]] = []
    for part in split_by_population(selection):
        if len(part.nodes) == 0:
            continue
        units = model_units(sim.net.populations[part.population].model).get(sample.variable, "1")
        table = ReportTable(writer, part.population, sample.variable, units, part.nodes, sample.every, sim.dt)
        tables.append((table, slice(None) if len(part.columns) == len(selection) else part.columns))
    return tables


def declare_diagnostics(writer: RecordingWriter, hooks: Sequence[Hook], goes_on: bool) -> dict[int, tuple[Hook, DiagnosticsTable]]:
    """A table for each hook that reports something, by identity of the hook; equal names are numbered. Where a run `goes_on`, only for those that
    had one: the others came late, and tell by events."""
    tables: dict[int, tuple[Hook, DiagnosticsTable]] = {}
    names: list[str] = []
    for hook in hooks:
        fields = diagnostics_of(hook)
        if fields:
            names.append(hook.name)
            times = names.count(hook.name)
            name = hook.name if times == 1 else f"{hook.name}#{times}"
            every = {} if hook.every is None else {"every": float(hook.every)}
            if not goes_on or fmt.HOOK_TIMES.named(hook=name).path in writer.base:
                tables[id(hook)] = hook, DiagnosticsTable(writer, name, {f: hook.units.get(f, "1") for f in fields}, every)
    return tables


def diagnostics_of(hook: Hook) -> dict[str, float]:
    """What a hook reports: numbers by their names."""
    found = hook.diagnostics()
    numbers = isinstance(found, dict) and all(np.ndim(value) == 0 and np.asarray(value).dtype.kind in "biuf" for value in found.values())
    if not numbers or not all(isinstance(name, str) for name in found):
        raise RecordingError(f"diagnostics of hook {hook.name} are {found!r}: return a dict of numbers by their names")
    return {k: float(v) for k, v in found.items()}


def model_units(model: Any) -> Mapping[str, str]:
    return getattr(getattr(model, "__thalia__", None), "units", {})


def weight_units(projection: Any) -> str:
    """Unit of a weight: that of the state which a spike moves (i_exc or g_exc for receptor exc, else i, g or v)."""
    population, _ = projection.target.parts[0]
    units, receptor = model_units(population.model), projection.receptor
    return next((units[name] for name in (receptor, f"i_{receptor}", f"g_{receptor}", "i", "g", "v") if name in units), "1")


def failure(sim: Any) -> str:
    """Why a run failed, in one line."""
    error = getattr(sim, "error", None) or sys.exc_info()[1]
    return f"{type(error).__name__}: {error}" if error is not None else "unknown"
