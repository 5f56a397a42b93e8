"""Running one point of a study in its folder: from the start, from the end of its parent, or from where it was stopped; and measuring it.

Wall time decides when a checkpoint is written and when a run has to stop; simulated time alone enters the dynamics, so the result does not depend
on where a run was cut.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import DescriptionError, RecordingError, SimulationError
from ..experiment import Experiment, add_recorder, describe, load_script, script_errors, script_hooks
from ..hooks.contract import Hook, StopRun
from ..hooks.recorder import Recorder, recordings_in
from ..recording.checkpoint import clear, newest_checkpoint
from ..recording.writer import is_written_elsewhere
from ..simulation import Simulation
from .disturbances import disturb
from .inhibition import inhibitory, neurons
from .measured import measures_of
from .mechanisms import without
from .points import COMPLETE, FAILED, INTERRUPTED, LOST, NOT_RUN, Files, Point, files_of
from .readings import Reading, is_read, read_of
from .sources import ALONE, imported_anew, package_source, source_of
from .weight_means import WeightMeans, watched

BUSY_S = 10.0  # that a run waits for a process to let go of its recording: one that a study before has left behind, and that stops now


class Limits(NamedTuple):
    """When runs of a study save and stop, by the clock on the wall."""

    deadline: float = math.inf  # s since the epoch
    checkpoint: float = 60.0  # s between two checkpoints
    going: str = ""  # name of the file in the folder of the study without which runs stop; "": none is needed


class Clock(Hook):
    """Ends a stretch of a run when a checkpoint is due, when the study's time is up, or when it was asked to stop."""

    is_saved = False
    is_mechanism = False
    transient = ("saved",)

    def __init__(self, limits: Limits, folder: Path) -> None:
        self.limits, self.going = limits, folder / limits.going
        self.saved = time.time()

    @property
    def is_over(self) -> bool:
        return time.time() >= self.limits.deadline or not self.going.exists()

    @property
    def is_due(self) -> bool:
        return time.time() >= self.saved + self.limits.checkpoint

    def flushed(self, sim: Any) -> None:
        if self.is_due or self.is_over:
            raise StopRun("a checkpoint is due, or the study is to stop")


def run_point(point: Point, folder: Path, limits: Limits, reading: Reading | None = None) -> dict[str, Any]:
    """Run a point unless it is complete, as far as time allows, and read what is to be read. Returns its facts, which are also in KEY.json:

    status "complete", "interrupted" (started anew it goes on), "failed" (with `error`), or "not run"; wall_s, t (ms), measures, and readings.

    A point that was complete stays so in its file, with what was measured and read of it, until it is complete again.
    """
    files = files_of(point, folder)
    with ALONE:
        facts = files.read()
        was_complete = facts.get("status") in (COMPLETE, LOST)
        if facts.get("status") == COMPLETE and is_read(facts, reading):
            return facts
        clock = Clock(limits, folder)
        before_it = [] if files.can_go_on else [files_of(each, folder).read() or {"status": NOT_RUN} for each in ancestors(point)]
        for each in itertools.takewhile(lambda each: each["status"] != COMPLETE, before_it):
            if each["status"] == FAILED:
                return {**each, "error": f"it begins from a run that failed: {each['error']}"}
        if clock.is_over or (before_it and before_it[0]["status"] != COMPLETE):
            return {**facts, "status": INTERRUPTED} if was_complete else facts or {"status": NOT_RUN}
        begun, before = time.perf_counter(), facts.get("wall_s", 0.0)
        try:
            wait_for_other(files.recording)
            found = read_again(facts, files, reading) or attempt(point, folder, files, clock, reading)
        except Exception as error:  # whatever it is, one run that fails does not take the others with it
            found = {"status": FAILED, "error": f"{type(error).__name__}: {error}", "measures": {}}
        found |= {"point": str(point), "seed": point.seed, "wall_s": round(before + time.perf_counter() - begun, 3)}
        if found["status"] == COMPLETE:
            found["readings"] = {**facts.get("readings", {}), **found["readings"]} if was_complete else found["readings"]
        if found["status"] == COMPLETE or not was_complete:
            files.write(found)
        return found


def ancestors(point: Point) -> Iterator[Point]:
    """The points from which it begins, the nearest first."""
    while point.parent is not None:
        point = point.parent
        yield point


def read_again(facts: dict[str, Any], files: Files, reading: Reading | None) -> dict[str, Any] | None:
    """The facts of a complete point with what is read of its recording; None if it has to be run, also because that is damaged."""
    if facts.get("status") != COMPLETE:
        return None
    try:
        return {**facts, "readings": read_of(files.recording, reading)}
    except RecordingError:
        files.remove_recording()
        clear(files.checkpoints)
        return None


def wait_for_other(recording: Path) -> None:
    """Give a process that still writes a recording the time to stop."""
    end = time.time() + BUSY_S
    while recording.exists() and is_written_elsewhere(recording) and time.time() < end:
        time.sleep(0.1)


def attempt(point: Point, folder: Path, files: Files, clock: Clock, reading: Reading | None) -> dict[str, Any]:
    """Run, measure and read; raises what goes wrong."""
    if package_source() != point.package:
        raise DescriptionError("this process runs other sources of thalia_sim than those that the study began with: start it anew")
    if source_of(point.script) != point.source:
        raise DescriptionError(f"script {point.script}, or a module beside it, was changed while its study ran: start the study anew")
    with imported_anew(point.script):
        experiment = load_script(point.script)
        with script_errors(experiment.path):
            sim = begin(point, folder, files, clock, experiment)
            reached = run(sim, point, clock)
        if not reached:
            return {"status": INTERRUPTED, "t": sim.t, "measures": {}}
        measures = measures_of(files.recording, experiment) if point.is_measured else {}
    readings = read_of(files.recording, reading)
    if point.is_measured:
        clear(files.checkpoints)
    return {"status": COMPLETE, "t": sim.t, "measures": measures, "readings": readings}


def run(sim: Simulation, point: Point, clock: Clock) -> bool:
    """Run to the end of the point, with checkpoints; whether it got there."""
    recorder = next(hook for hook in sim.hooks if isinstance(hook, Recorder))
    while sim.t < point.until and not clock.is_over:
        sim.run(until=point.until)
        if sim.t < point.until and not (clock.is_due or clock.is_over):
            sim.close("interrupted")
            raise SimulationError(f"a hook of {point.script} ended the run at {sim.t:g} of {point.until:g} ms: let it run to the end in a study")
        if clock.is_due and sim.t < point.until:
            recorder.save(sim)
            clock.saved = time.time()
    is_reached = sim.t >= point.until
    if not (is_reached and point.is_measured):
        recorder.save(sim)
    sim.close("complete" if is_reached else "interrupted")
    return is_reached


def begin(point: Point, folder: Path, files: Files, clock: Clock, experiment: Experiment) -> Simulation:
    """The simulation of a point, ready to go on: from its own newest checkpoint, else from its parent's end, else from the start."""
    if files.can_go_on:
        try:
            return Simulation.resume(newest_checkpoint(files.checkpoints), recording=files.recording, hooks=[clock])
        except RecordingError:  # checkpoint or recording is damaged: the run is repeated
            if is_written_elsewhere(files.recording):
                raise
    files.remove_recording()
    clear(files.checkpoints)
    if point.parent is None:
        return fresh(point, files, clock, experiment)
    end = newest_checkpoint(files_of(point.parent, folder).checkpoints)
    sim = Simulation.resume(end, branch=files.recording, hooks=[clock])
    if abs(sim.t - point.parent.until) > 1e-6:
        sim.close("failed")
        raise RecordingError(f"the run that it begins from was stopped at {sim.t:g} of {point.parent.until:g} ms: start the study anew")
    if point.disturbance:
        disturb(sim, point.disturbance, point.share)
    return sim


def fresh(point: Point, files: Files, clock: Clock, experiment: Experiment) -> Simulation:
    """The script's network from time 0, without the mechanisms that are off, recorded."""
    net = describe(experiment, point.seed, point.settings)
    with recordings_in(files.recording.parent):
        hooks = without(script_hooks(experiment), point.off)
    own = next((hook for hook in hooks if isinstance(hook, Recorder)), None)
    acting = [hook for hook in hooks if not isinstance(hook, Recorder)]
    hooks = [*acting, WeightMeans(watched(net), point.look), *([] if own is None else [own])]  # means are of what all others have done
    options = {"seed": point.seed, "settings": list(point.settings), "until": point.until, "off": list(point.off)}
    add_recorder(hooks, net, experiment.path, options, files.recording, 0, False, None)
    sim = Simulation(net, [*hooks, clock], precision=point.precision)
    recorder = next(hook for hook in sim.hooks if isinstance(hook, Recorder))
    recorder.options = {**recorder.options, "neurons": neurons(net), "inhibitory": inhibitory(net)}
    return sim
