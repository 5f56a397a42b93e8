"""A network brought to life: owns every array that changes, and runs from interrupt to interrupt.

    sim = Simulation(net, [MemoryRecorder()])
    sim.run(1000.0)
    sim["exc"].v, sim["exc->inh"].w
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from . import snapshot
from .assembly import Assembly
from .checks import is_number
from .errors import PathError, SimulationError, nearest
from .given import short
from .hooks.contract import Hook, StopRun
from .hooks.recorder import Recorder
from .interventions import Interventions, gathered
from .kernels import loop
from .kernels.blocks import G
from .kernels.plastic import write_addresses
from .kernels.rows import LENGTH_MASK, LENGTH_SHIFT, UNIFORM
from .layout import Layout
from .network import Network, whole_seed
from .neurons.contract import model_of, try_step
from .places import one_element
from .plastic import check, check_weights, sign_weights, weights_of
from .portable import Reader, as_built, content_name, read_network
from .recording.checkpoint import read_checkpoint, write_checkpoint
from .recording.writer import set_aside
from .rows import Rows, build_rows
from .samplers import Sampler, add_sampler
from .sources import StepCurrent
from .views import DriveView, PopulationView, ProjectionView, SourceView

LONGEST_RUN = 1e15  # steps
LOOK_S = 0.1  # wall time between two looks of Python (for Ctrl+C, progress and flushes)


class Due(NamedTuple):
    """When a hook is to be called: every so many steps, and at given steps."""

    hook: Hook
    every: int
    at: tuple[int, ...]
    samplers: tuple[Sampler, ...] = ()  # that the hook asked for when it started

    def next(self, step: int) -> int:
        """First step at or after `step` at which the hook is due."""
        found = [s for s in self.at if s >= step]
        if self.every:
            found.append(max(self.every, -(-step // self.every) * self.every))
        return min(found, default=int(loop.NEVER))


def wiring_of(net: Any) -> list[Any]:
    """The values on which a network's synapses depend, the objects themselves, to see whether one has been exchanged since."""
    found: list[Any] = [net.wiring_seed, net.dt, *(p.n for p in net.populations.values())]
    for p in net.projections.values():
        found += [p.source.name, p.target.name, p.receptor, p.autapses, p.multapses, p.gain]
        found += [p.weights, p.delays, p.wiring]
    return found


def unchanged(a: Any, b: Any) -> bool:
    """Whether two such values are the same; arrays and wirings if they are the same object."""
    return a is b or (is_number(a) and a == b) or (isinstance(a, str) and a == b)


class Simulation:
    """Runs a description. Reading never changes a run; writing acts from the next step on.

    net: the description, copied into arrays here; later changes of it act from the next `reset()` on.
    hooks: called at the interrupts that they ask for; interventions (Lesion ...) among them are carried out by one hook.
    threads: workers; the results do not depend on their number.
    precision: of the neurons' dynamic state, "double" or "single"; all else is double, weights are stored in single.
    blocks: target blocks; None lets the network decide. The results do not depend on it while all neurons are awake.
    sleeping: whether neurons that cannot fire are left alone until something reaches them.
    rows: synapses that were drawn before; None draws them.
    """

    def __init__(
        self, net: Any, hooks: Iterable[Hook] = (), *, threads: int = 1, precision: str = "double", blocks: int | None = None,
        sleeping: bool = True, rows: Rows | None = None,
    ) -> None:  # fmt: skip
        if precision not in ("double", "single"):
            raise SimulationError(f"precision is {precision!r}: give 'double' or 'single'")
        if isinstance(threads, bool) or not isinstance(threads, (int, np.integer)) or threads < 1:
            raise SimulationError(f"threads is {short(threads)}: give a whole number, at least 1")
        if not isinstance(net, Network):
            raise SimulationError(f"Simulation was given {net!r}: give it a Network")
        if isinstance(hooks, (str, Hook)) or not isinstance(hooks, Iterable):
            raise SimulationError(f"hooks is {hooks!r}: give a list of hooks")
        if not isinstance(sleeping, (bool, np.bool_)):
            raise SimulationError(f"sleeping is {sleeping!r}: give True or False")
        begun = time.perf_counter()
        self.net, self.threads, self.precision, self.sleeping = net, int(threads), precision, sleeping
        self.hooks = gathered(hooks)
        for hook in self.hooks:
            self.check_hook(hook)
        self.dt = net.dt
        self.blocks = blocks
        self.views: dict[str, Any] = {}
        if rows is None:
            self.build()
            self.begin()
        else:
            self.take_rows(rows)
        self.build_s = time.perf_counter() - begun

    @staticmethod
    def check_hook(hook: Any) -> None:
        """Refuse what is no hook, or has no name for its diagnostics."""
        if not isinstance(hook, Hook):
            raise SimulationError(f"hook {hook!r} is no Hook: subclass thalia_sim.Hook")
        if not isinstance(hook.name, str) or hook.name.strip(" .") == "" or "/" in hook.name:
            raise SimulationError(f"a hook of class {type(hook).__name__} has the name {hook.name!r}: give it a name without '/'")

    @classmethod
    def resume(
        cls, path: str | Path, *, hooks: Iterable[Hook] = (), threads: int = 1, recording: str | Path | None = None,
        branch: str | Path | None = None, noise_seed: int | None = None, changes: Mapping[str, Any] | None = None, force: bool = False,
    ) -> Simulation:  # fmt: skip
        """The simulation that was saved in a file, ready to go on to the bit; on any number of threads.

        Its hooks come back with their state; `hooks` are further ones, which start now. A model or hook of your own is found by its name, so
        import the script that defines it. `recording` says where its recorder's file is now, if it was moved. CheckpointError if the file is
        damaged, or if the source of a model has changed since.

        For a branch, one of many continuations of the same past: `branch` is the file for its recorder, a recording of its own that begins now
        (`force` to overwrite; where nothing was recorded before, a Recorder of all spikes is added);
        `changes` are values by path, {"exc.tau_m": 15.0, "exc->inh.w": 0.5, "poisson->exc.rate": 900.0}, that hold from now on; `hooks` may hold
        interventions (Lesion ...), also of this very time; `noise_seed` gives it other noise from now on (events of rare Poisson trains that
        were drawn already still come). That is all that differs: the noise of everything else stays the same. Its recording tells of all three.
        """
        if not isinstance(path, (str, Path)):
            raise SimulationError(f"path of a checkpoint is {short(path)}: give the name of a file")
        hooks = gathered(hooks)
        stored = read_checkpoint(path)
        read = Reader(stored.array)
        tree = stored.tree
        net = read_network(read, tree["network"])
        if noise_seed is not None:
            net.noise_seed = whole_seed(noise_seed, "noise_seed")
        run = tree["run"]
        saved = snapshot.read_hooks(tree, read)
        last = next((k for k in range(len(saved), 0, -1) if not isinstance(saved[k - 1], Recorder)), 0)  # recorders stay behind what they record
        if branch is not None and Path(branch).absolute() in {Path(p).absolute() for p in (path, recording) if p is not None}:
            raise SimulationError(f"branch {branch} is the file that it begins from: give it one of its own")
        if branch is not None and not any(isinstance(hook, Recorder) for hook in (*saved, *hooks)):
            hooks.append(Recorder(branch, force=force))
        for hook in saved:
            if recording is not None and isinstance(hook, Recorder):
                hook.path = Path(recording)
            if branch is not None and isinstance(hook, Recorder):
                hook.branch(branch, force)
        all_hooks = [*saved[:last], *(h for h in hooks if h.is_saved), *saved[last:], *(h for h in hooks if not h.is_saved)]
        how = {name: run[name] for name in ("precision", "blocks", "sleeping")}
        sim = cls(net, all_hooks, threads=threads, rows=snapshot.read_rows(net, tree, read), **how)
        sim.step, sim.serial = run["step"], run["serial"]
        with set_aside(Path(branch) if branch is not None else None):
            try:
                sim.go_on(tree, read, saved)
                sim.change(branch is not None, noise_seed, changes or {})
                sim.call_late(hooks)
            except BaseException:
                for hook in sim.hooks:
                    if isinstance(hook, Recorder):
                        hook.abandon()
                raise
        return sim

    def go_on(self, tree: Mapping[str, Any], read: Reader, saved: list[Hook]) -> None:
        """Take over what was saved."""
        if tree["run"]["status"] != "new":
            self.start_hooks()
        snapshot.put(self, dict(tree), read, saved)
        self.handled = tree["run"]["handled"]

    def change(self, branches: bool, noise_seed: int | None, changes: Mapping[str, Any]) -> None:
        """Make a branch of what was saved, and let its recording tell of it."""
        for hook in self.hooks if branches else ():
            if isinstance(hook, Interventions) and hook.has_begun:
                hook.report_in_force(self)
        if noise_seed is not None:
            self.tell("script", "write", {"path": "noise_seed", "value": noise_seed})
        for key, value in changes.items():
            self.set(key, value)

    def set(self, path: str, value: Any) -> None:
        """Write one value by its path: `exc.tau_m`, `exc->inh.w`, `poisson->exc.rate`."""
        words = path if isinstance(path, str) else ""
        name, dot, field = words.partition(".rule.") if ".rule." in words else words.rpartition(".")
        if not dot:
            raise PathError(f"path {path!r} names no value: write it like exc.tau_m")
        setattr(self[name], field, value)

    def save(self, path: str | Path, store: Path | None = None) -> None:
        """Write everything that the run depends on to a file, from which `resume` goes on to the bit. Saving changes nothing.

        In `handle` of a hook the file is written when all hooks of that time have been called. `store` is a folder for arrays that never
        change, which several checkpoints share.
        """
        if not isinstance(path, (str, Path)) or not str(path):
            raise SimulationError(f"path of a checkpoint is {short(path)}: give the name of a file")
        if self.interrupting:
            self.saves.append((path, store))
            return
        if self.status not in ("new", "running"):
            raise SimulationError(f"the simulation was closed ({self.status}): it can be saved before")
        tree, form, static = snapshot.take(self)
        write_checkpoint(path, tree, form.arrays, static, store)

    def array_name(self, name: str) -> str:
        """Content name of an array of synapses, computed once as long as it does not change."""
        version = (self.weights_version, self.step if self.parts else 0) if name == "w" else (self.structure_version, 0)
        if name not in self.names or self.names[name][0] != version:
            self.names[name] = (version, content_name(getattr(self.a, name)))
        return self.names[name][1]

    def take_rows(self, rows: Rows) -> None:
        """Begin with synapses that were drawn before."""
        self.wired = wiring_of(self.net)
        self.layout = Layout(self.net, self.blocks)
        self.rows = rows
        self.workers = max(1, min(self.threads, self.layout.n_blocks))
        self.pool = ThreadPoolExecutor(self.workers - 1) if self.workers > 1 else None
        self.begin()

    def build(self) -> None:
        """Cut the network into blocks and draw its synapses."""
        for population in self.net.populations.values():
            if model_of(population.model).kind == "neuron":
                try_step(one_element(population.model), self.net.dt)
        self.wired = wiring_of(self.net)
        self.layout = Layout(self.net, self.blocks)
        self.rows = build_rows(self.net, self.layout, self.threads)
        sign_weights(self.rows)
        self.workers = max(1, min(self.threads, self.layout.n_blocks))
        self.pool = ThreadPoolExecutor(self.workers - 1) if self.workers > 1 else None

    def begin(self) -> None:
        """All arrays at step 0."""
        self.described = as_built(self.net)
        assembly = Assembly(self.net, self.layout, self.rows, self.precision, self.workers)
        self.a, self.group_order = assembly.arrays(), assembly.group_order
        self.assembly, self.places, self.drive_places, self.parts = assembly, assembly.places, assembly.drives, assembly.parts
        self.records = assembly.records
        if not self.sleeping:
            self.a.task[:, loop.T_MAY_SLEEP] = 0
        self.step = 0
        self.status = "new"
        self.samplers: list[Sampler] = []
        self.due: list[Due] = []
        self.names: dict[str, tuple[tuple[int, int], str]] = {}
        self.weights_version = self.structure_version = 0  # count changes of weights, of which synapses there are
        self.interrupting = False
        self.saves: list[tuple[str | Path, Path | None]] = []  # asked for by hooks, done when all of a time were called
        self.pace = 64.0  # steps between two looks
        self.currents = [self.scheduled(d) for d in self.net.drives.values() if isinstance(d.source, StepCurrent)]
        self.handled = -1
        self.serial = 0  # of names that were given out

    def new_name(self) -> str:
        """A name under which something is laid over values of the network, and can be taken away again; they sort in the order in which they came."""
        self.serial += 1
        return f"~{self.serial:09d}"

    def reset(self) -> None:
        """Back to step 0: initial values, parameters and weights as the description now says; hooks start anew."""
        if self.status == "running":
            self.close()
        wired = wiring_of(self.net)
        same = len(wired) == len(self.wired) and all(map(unchanged, wired, self.wired))
        if not same or self.parts or any(v.changed_rows for v in self.views.values() if isinstance(v, ProjectionView)):
            self.build()
        self.views = {}
        self.begin()

    # time

    @property
    def t(self) -> float:
        """Time in ms."""
        return self.step * self.net.dt_ns / 1e6

    @property
    def seed(self) -> int:
        return int(self.net.seed)

    def steps_of(self, ms: float | None, what: str) -> int:
        """A time in ms as whole steps."""
        if ms is None or not is_number(ms) or not math.isfinite(ms):
            raise SimulationError(f"{what} is {short(ms)} ms: give a finite number")
        exact = ms * 1e6 / self.net.dt_ns
        if abs(exact) > LONGEST_RUN:
            raise SimulationError(f"{what} is {ms:g} ms: the clock counts up to {LONGEST_RUN:.0e} steps of {self.dt:g} ms")
        steps = round(exact)
        if abs(exact - steps) > max(1e-6, 1e-9 * abs(exact)):
            near = " or ".join(f"{k * self.net.dt_ns / 1e6:g}" for k in (math.floor(exact), math.ceil(exact)))
            raise SimulationError(f"{what} is {ms:g} ms, no whole number of steps of {self.dt:g} ms: give {near}")
        return steps

    # running

    def run(
        self, duration: float | None = None, *, until: float | None = None, stop: Callable[[Any], bool] | None = None, stop_every: float | None = None
    ) -> None:
        """Run for `duration` ms, or until a time in ms; end early where stop(sim), asked every `stop_every` ms (about 10), is true."""
        if (duration is None) == (until is None):
            raise SimulationError(f"run was given duration {duration!r} and until {until!r}: give one of them")
        end = self.steps_of(until, "until") if until is not None else self.step + self.steps_of(duration, "duration")
        if end < self.step:
            raise SimulationError(f"the end, {end * self.dt:g} ms, lies before the present, {self.t:g} ms: give a later one")
        if self.status in ("complete", "failed", "interrupted"):
            raise SimulationError(f"this simulation was closed ({self.status}): call reset() or make a new one")
        ask = max(1, round(10.0 / self.dt)) if stop_every is None else self.steps_of(stop_every, "stop_every")
        if ask < 1 or (stop is not None and not callable(stop)):
            raise SimulationError(f"stop is {stop!r} every {stop_every!r} ms: give a function of the simulation and at least one step")
        try:
            self.start_hooks()
            self.interrupt()
            while self.step < end:
                target = min(end, *(d.next(self.step + 1) for d in self.due), *(c.next(self.step + 1) for c, _ in self.currents), end)
                if stop is not None:
                    target = min(target, (self.step // ask + 1) * ask)
                try:
                    self.advance(target)
                except StopRun:  # whoever is due at this time has it, as in a run that was to end here
                    self.interrupt()
                    raise
                self.interrupt()
                if stop is not None and self.step % ask == 0 and stop(self):
                    break
        except StopRun:
            return
        except KeyboardInterrupt:
            self.close("interrupted")
            raise
        except BaseException:
            self.close("failed")
            raise

    def advance(self, target: int) -> None:
        """Compiled stretches up to step `target`, with a look of Python now and then."""
        while self.step < target:
            stop = min(target, self.step + max(1, int(self.pace)), *(s.limit() for s in self.samplers), target)
            begun, before = time.perf_counter(), self.step
            status = self.stretch(stop)
            spent = time.perf_counter() - begun
            if self.step > before:
                self.pace = min(self.pace * 2.0, max(1.0, (self.step - before) * LOOK_S / max(spent, 1e-6)))
            self.drain()
            if status == loop.LOG_FULL:
                self.grow_log()
            elif status == loop.CALENDAR_FULL:
                self.grow_calendar()
            elif status == loop.NOT_FINITE:
                self.not_finite()
            if self.parts:
                check(self)

    def stretch(self, stop: int) -> int:
        """One compiled stretch by all workers."""
        write_addresses(self.a.plastic, self.a.plastic_at, self.records)
        if self.pool is None:
            status, self.step = loop.stretch(self.a, 0, 1, self.step, stop)
            return int(status)
        others = [self.pool.submit(loop.stretch, self.a, w, self.workers, self.step, stop) for w in range(1, self.workers)]
        status, step = loop.stretch(self.a, 0, self.workers, self.step, stop)
        for other in others:
            other.result()
        self.step = step
        return int(status)

    def drain(self) -> None:
        """Hand spikes and samples over to the hooks."""
        n = int(self.a.log_n[0])
        self.gather_samples()
        for hook in self.hooks if n else ():
            hook.spikes(self, self.a.log_step[:n], self.a.log_id[:n])
        self.a.log_n[0] = 0
        for hook in self.hooks if self.a.phase[loop.H_EMIT] == 0 else ():  # else the state is a window ahead of the time
            hook.flushed(self)

    def grow_log(self) -> None:
        """Room for the spikes of a window that did not fit into the empty log."""
        need = int(self.a.out_first[self.a.phase[loop.H_PARITY], :, -1].max(initial=0)) + int(self.a.out.shape[1])
        if need > len(self.a.log_step):
            self.a = self.a._replace(log_step=np.empty(need, np.int64), log_id=np.empty(need, np.int32))

    def grow_calendar(self) -> None:
        """Twice as many chunks for events in flight."""
        a = self.a
        blocks, chunks = a.chunk_next.shape
        chunk, after = np.zeros((blocks, 2 * chunks * loop.CHUNK), np.uint64), np.zeros((blocks, 2 * chunks), np.int32)
        chunk[:, : chunks * loop.CHUNK], after[:, :chunks] = a.chunk, a.chunk_next
        after[:, chunks:-1] = np.arange(chunks + 1, 2 * chunks)
        for b in range(blocks):
            after[b, -1] = a.free[b]
            a.free[b] = chunks
        self.a = a._replace(chunk=chunk, chunk_next=after)

    def not_finite(self) -> None:
        """Say which weight or state is not finite."""
        for part in self.parts:
            check_weights(self, part, weights_of(self.a.w, part.group))
        bad = int(self.a.bad[self.a.bad >= 0][0])
        geom, piece = self.a.geom[bad], self.layout.pieces[int(self.a.task[bad, loop.T_PIECE])]
        model = model_of(piece.population.model)
        window = int(self.a.check[0])
        for field in model.state_fields:
            values = self[piece.population.name].kept(field)[geom[G.lo] :][: geom[G.count]]
            wrong = np.flatnonzero(np.isnan(values) if field in model.held else ~np.isfinite(values))
            if len(wrong):
                last = self.step // window * window
                raise SimulationError(
                    f"{field} of {piece.population.name}[{geom[G.lo] + wrong[0]}] became {values[wrong[0]]} between "
                    f"{max(0, last - window) * self.dt:g} and {self.t:g} ms: look at its inputs, weights and parameters"
                )
        raise SimulationError(f"a state of {piece.population.name} was not finite before {self.t:g} ms: look at its inputs and parameters")

    # hooks

    def start_hooks(self) -> None:
        if self.status != "new":
            return
        self.status = "running"
        for hook in self.hooks:
            self.start_hook(hook)

    def start_hook(self, hook: Hook) -> None:
        """Find out when a hook is to be called, and start it."""
        every = 0 if hook.every is None else self.steps_of(hook.every, f"every of hook {hook.name}")
        if hook.every is not None and every < 1:
            raise SimulationError(f"every of hook {hook.name} is {hook.every!r} ms: must be at least one step, {self.dt:g} ms")
        times: Any = (hook.at,) if is_number(hook.at) else hook.at
        if isinstance(times, str) or not isinstance(times, Iterable):
            raise SimulationError(f"at of hook {hook.name} is {hook.at!r}: give times in ms, such as at = (10.0, 20.0)")
        at = tuple(sorted(self.steps_of(t, f"at of hook {hook.name}") for t in times))
        if at and at[0] < 0:
            raise SimulationError(f"at of hook {hook.name} is {at[0] * self.dt:g} ms: the first can be 0")
        before = len(self.samplers)
        hook.begin(self)
        self.due.append(Due(hook, every, at, tuple(self.samplers[before:])))

    def interrupt(self) -> None:
        """Call whoever is due at this step; each at most once."""
        if self.handled == self.step:
            return
        self.handled = self.step
        for due, change in self.currents:
            if due.next(self.step) == self.step:
                change(self.step)
        stop = None
        self.interrupting = True
        try:
            for due in list(self.due):  # a hook may attach others
                if due.next(self.step) == self.step:
                    try:
                        self.call(due.hook)
                    except StopRun as reason:  # the hooks after it still see this time
                        stop = reason
        finally:
            self.interrupting = False
            saves, self.saves = self.saves, []
        for path, store in saves:
            self.save(path, store)
        if stop is not None:
            raise stop

    def tell(self, source: str, kind: str, facts: Mapping[str, Any]) -> None:
        """Let the hooks know what was done to the network, so that a recording tells of it."""
        for hook in self.hooks:
            if hook.has_begun:
                hook.told(self, source, kind, facts)

    def attach(self, hook: Any) -> None:
        """Add a hook or an intervention, which starts now (or with the first run); one whose `at` names this time is called."""
        (hook,) = gathered([hook])
        self.check_hook(hook)
        if self.status not in ("new", "running"):
            raise SimulationError(f"hook {hook.name} is attached to a simulation that was closed ({self.status}): call reset() or make a new one")
        if self.status == "running":
            self.start_hook(hook)
        self.hooks.append(hook)
        if self.status == "running":
            self.call_late([hook])

    def detach(self, hook: Hook) -> None:
        """Let a hook finish and take it away; state that it changed stays as it is."""
        if not any(other is hook for other in self.hooks):
            raise SimulationError(f"hook {hook!r} is not attached: attached are {', '.join(h.name for h in self.hooks) or 'none'}")
        if self.interrupting:
            raise SimulationError(f"hook {hook.name} is detached by a hook: do that between two runs")
        self.hooks = [other for other in self.hooks if other is not hook]
        for due in [due for due in self.due if due.hook is hook]:
            self.due.remove(due)
            if self.status == "running":
                hook.end(self, "complete")
            for sampler in due.samplers:
                self.samplers.remove(sampler)
                self.a.sampler[[row for row, _ in sampler.parts], loop.M_TASK] = -1

    def call_late(self, hooks: Iterable[Hook]) -> None:
        """Call hooks that came when their time had been handled already."""
        mine = {id(hook) for hook in hooks}
        wanted = [due for due in self.due if id(due.hook) in mine and self.handled == self.step and self.step in due.at]
        before, self.interrupting = self.interrupting, True
        try:
            for due in wanted:
                self.call(due.hook)
        finally:
            self.interrupting = before

    def call(self, hook: Hook) -> None:
        """Call a hook, and the others to see what it has to say, also where it ends the run."""
        stop = None
        try:
            hook.handle(self)
        except StopRun as reason:
            stop = reason
        for other in self.hooks:
            if other is not hook:
                other.handled(self, hook)
        if stop is not None:
            raise stop

    def close(self, status: str = "complete") -> None:
        """End the simulation: hooks finish (recordings are closed). Called by leaving a `with` block."""
        if self.status in ("complete", "failed", "interrupted"):
            return
        started, self.status = self.status == "running", status
        if started:
            for due in self.due:  # those whose start went well
                due.hook.end(self, status)

    def __enter__(self) -> Simulation:
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        self.close("complete" if kind is None else "interrupted" if kind is KeyboardInterrupt else "failed")

    # samples

    def sample(self, selection: Any, variable: str, every: float = 1.0) -> Sampler:
        """Have the engine write down a state variable of chosen elements every so many ms (first after that time)."""
        steps = self.steps_of(every, "every of a sample")
        selection = self.net[selection] if isinstance(selection, str) else selection
        if not hasattr(selection, "parts"):
            raise SimulationError(f"{short(selection)} cannot be sampled: give a population, a selection of it such as exc[:50], or its name")
        if steps < 1:
            raise SimulationError(f"every of a sample of {variable} is {every!r} ms: must be at least one step, {self.dt:g} ms")
        sampler = add_sampler(self, selection, variable, steps)
        self.samplers.append(sampler)
        return sampler

    def gather_samples(self) -> None:
        """Take over what samplers have; of a window whose spikes are not out yet it is left for later."""
        for sampler in self.samplers if self.a.phase[loop.H_EMIT] == 0 else ():
            sampler.gather(self.a, self.step)

    # currents by steps

    def scheduled(self, drive: Any) -> tuple[Due, Callable[[int], None]]:
        """A stepwise current: its times, and what sets it."""
        times = np.atleast_1d(np.asarray(drive.source.times, dtype=float))
        amplitudes = np.atleast_1d(np.asarray(drive.source.amplitudes, dtype=float))
        if times.shape != amplitudes.shape or times.ndim != 1 or (np.diff(times) <= 0).any() or (len(times) and times[0] < 0):
            raise SimulationError(f"drive {drive.name} has {len(times)} times and {len(amplitudes)} amplitudes: give as many, times from 0 on rising")
        steps = tuple(self.steps_of(float(t), f"a time of drive {drive.name}") for t in times)

        def change(step: int) -> None:
            self[drive.name].add(float(amplitudes[steps.index(step)]))

        return Due(Hook(), 0, steps), change

    # access

    def __getitem__(self, name: str) -> Any:
        if not isinstance(name, str):
            raise PathError(f"{short(name)} is no name: give that of a population, projection or drive")
        if name not in self.views:
            net = self.net
            if name in net.populations:
                kind = PopulationView if model_of(net.populations[name].model).kind == "neuron" else SourceView
                self.views[name] = kind(self, net.populations[name])
            elif name in net.projections:
                self.views[name] = ProjectionView(self, net.projections[name])
            elif name in net.drives:
                self.views[name] = DriveView(self, net.drives[name])
            else:
                known = [*net.populations, *net.projections, *net.drives]
                raise PathError(f"unknown population, projection or drive {name!r}: {nearest(name, known)}")
        return self.views[name]

    def group_number(self, k: int) -> int:
        """Number of group k of the rows in the loop's table, which is ordered by source population."""
        return int(self.group_order.index(k))

    def kernel_number(self, kernel: Any) -> int:
        """Number of a compiled kernel in the loop's table of addresses."""
        number = self.assembly.kernel(kernel)
        self.a = self.a._replace(kernels=np.array([k.address for k in self.assembly.kernels], dtype=np.int64))
        return number

    def store_weights(self, k: int) -> None:
        """Give each synapse of a group with one weight a weight of its own, so that they can differ."""
        self.weights_version += 1
        group, a = self.rows.groups[k], self.a
        shift = group.first_syn - len(a.w)
        w = np.append(a.w, np.full(group.n_syn, group.w_uniform, dtype=np.float32))
        number = self.group_number(k)
        a.group[number, loop.R_KIND] -= UNIFORM
        a.group[number, loop.R_W_SHIFT] = shift
        self.a = a._replace(w=w)
        groups = list(self.rows.groups)
        groups[k] = replace(group, uniform=False, w_shift=shift)
        self.rows = self.rows._replace(groups=groups, w=w)

    @property
    def counters(self) -> dict[str, int]:
        """Totals since step 0: neuron updates, synaptic events emitted, delivered, in flight, and cancelled because their synapse was removed."""
        total = self.a.count.sum(axis=0)
        return {
            "neuron_updates": int(total[loop.C_UPDATES]),
            "synaptic_events": int(total[loop.C_DELIVERED]),
            "emitted": int(total[loop.C_PUSHED]),
            "delivered": int(total[loop.C_DELIVERED]),
            "in_flight": self.in_flight(),
            "cancelled": int(total[loop.C_CANCELLED]),
            "segments": int(total[loop.C_EVENTS]),
        }

    def in_flight(self) -> int:
        """Synaptic events in the calendars, counted there."""
        a, total = self.a, 0
        for b, s in zip(*np.nonzero(a.slot_head >= 0), strict=True):
            c = int(a.slot_head[b, s])
            while True:
                last = c == a.slot_tail[b, s]
                words = a.chunk[b, c * loop.CHUNK :][: int(a.slot_fill[b, s]) if last else loop.CHUNK]
                total += int((words >> LENGTH_SHIFT & LENGTH_MASK).sum())
                if last:
                    break
                c = int(a.chunk_next[b, c])
        return total

    @property
    def memory(self) -> int:
        """Bytes of all arrays."""
        return sum(array.nbytes for array in (*self.a, *self.records))


