"""Running many points: one after the other in this process, on local processes, or on any Dask cluster that sees the study's folder.

A point that is complete is never run again. Ctrl+C asks all runs to stop, wherever they are, by a file that goes; each leaves a checkpoint.
"""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import math
import os
import signal
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any, NamedTuple

from .. import __version__
from ..errors import DescriptionError
from ..given import short
from . import asked
from .folder import Going, known, taken
from .keeping import ALL, KEPT, RESULTS, Leftovers, Room
from .points import COMPLETE, FAILED, NOT_RUN, Point, lineage
from .readings import Reading, Readings, is_read
from .running import Limits, run_point
from .sources import package_source

Ended = tuple[Point, dict[str, Any]]
TOKEN = "token"  # file by which workers show that they see the folder
PATIENCE_S = 30.0  # to reach a scheduler, and for its first worker


class Effort(NamedTuple):
    """What a study may take, and where it runs."""

    workers: int = 1  # processes of this machine; 1: this one
    scheduler: str | None = None  # address of a Dask scheduler, such as "tcp://10.0.0.1:8786", in place of local processes
    budget: float | None = None  # s of wall time, after which runs stop with a checkpoint
    checkpoint: float = 60.0  # s of wall time between two checkpoints of a run
    keep: str = ALL  # recordings and checkpoints of all runs, or "results": none that is not needed any more
    say: Callable[[str], None] = lambda line: None  # is given a line for each point that ended


class Task(NamedTuple):
    """What a worker is given to do."""

    point: Point
    reading: Reading | None = None


class Ran(NamedTuple):
    """What became of the points."""

    facts: dict[str, dict[str, Any]]  # by key
    is_interrupted: bool  # whether the user asked to stop
    notes: Sequence[str] = ()  # why nothing was run, if nothing was


def run_points(points: Sequence[Point], folder: Path, effort: Effort, readings: Readings | None = None) -> Ran:
    """Run all points and those that they begin from, in the order given, as far as the budget goes.

    readings  what is read of the recordings of some; a point of which it was not read yet, and whose recording is gone, is run again
    """
    effort, readings = checked(effort), readings or {}
    deadline = math.inf if effort.budget is None else time.time() + effort.budget
    folder = folder.resolve()
    run = run_here if effort.workers == 1 and effort.scheduler is None else run_on_cluster
    every, has_begun = lineage(list(points)), False
    with taken(folder), stopped_by_signals(folder) as going:
        limits = Limits(deadline, effort.checkpoint, going.file.name)
        facts = known(every, folder, readings)
        tasks = [Task(point, readings.get(point.key)) for point in every]
        tasks = [task for task in tasks if facts[task.point.key]["status"] != COMPLETE or not is_read(facts[task.point.key], task.reading)]
        waiting = [task.point for task in tasks]
        leftovers, room = Leftovers(every, waiting, folder), Room(waiting, folder)
        if effort.keep == RESULTS:
            leftovers.remove_first()
        try:
            for number, (point, found) in enumerate(run(tasks, folder, limits, effort) if tasks else (), start=1):
                has_begun = has_begun or found != facts[point.key]
                facts[point.key] = found
                if found["status"] != NOT_RUN:
                    effort.say(f"{number}/{len(tasks)} {found['status']} in {found['wall_s']:.1f} s: {point}")
                if found["status"] == COMPLETE and effort.keep == RESULTS:
                    leftovers.remove(point)
                elif found["status"] == COMPLETE and (told := room.told(point)):
                    effort.say(told)
        except CancelledError:  # by Dask, of all that was asked for
            lost = f"scheduler {effort.scheduler} was" if effort.scheduler else "processes of this machine were"
            return Ran(facts, False, [f"the {lost} lost, or the connection: see that there is one, and the same command goes on"])
    ended = "the study was stopped" if going.was_stopped else "the budget ended"
    return Ran(facts, going.was_stopped, [f"{ended} before a run could begin"] if tasks and not has_begun else [])


def checked(effort: Effort) -> Effort:
    """What a study may take, as plain numbers."""
    if not isinstance(effort, Effort):
        raise DescriptionError(f"effort of the study is {short(effort)}: give an Effort, such as Effort(workers=2)")
    if effort.keep not in KEPT:
        raise DescriptionError(f"keep of the study is {short(effort.keep)}: give one of {', '.join(KEPT)}")
    budget = None if effort.budget is None else asked.number(effort.budget, "budget", 1800.0)
    return effort._replace(
        workers=asked.whole(effort.workers, "workers", 1), budget=budget, checkpoint=asked.above_zero(effort.checkpoint, "checkpoint", 60.0)
    )


def all_cores() -> int:
    """Processes that this machine runs at once: one a core where Dask is installed, else this one."""
    if importlib.util.find_spec("distributed") is None:
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextlib.contextmanager
def stopped_by_signals(folder: Path) -> Iterator[Going]:
    """Take Ctrl+C and the system's request to end as a wish that all runs stop; a second one acts at once. Signals are only heard in the main
    thread."""
    going = Going(folder)

    def ask(kind: int, frame: Any) -> None:
        if going.was_stopped:
            raise KeyboardInterrupt
        going.stop()

    kinds = (signal.SIGINT, signal.SIGTERM) if threading.current_thread() is threading.main_thread() else ()
    before = {kind: signal.signal(kind, ask) for kind in kinds}
    try:
        yield going
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)
        going.end()


def run_here(tasks: Sequence[Task], folder: Path, limits: Limits, effort: Effort) -> Iterator[Ended]:
    """One after the other, parents before their children."""
    for point, reading in tasks:
        yield point, run_point(point, folder, limits, reading)


def run_on_cluster(tasks: Sequence[Task], folder: Path, limits: Limits, effort: Effort) -> Iterator[Ended]:
    """On the workers of a cluster. The first point runs alone: it compiles what the others find in Numba's cache, which is not made for several
    processes that compile the same function at once. A point whose worker is lost goes on from its checkpoint on another one."""
    with connected(effort) as client:
        if not (folder / limits.going).exists():
            return
        from distributed import as_completed, wait

        check_workers(client, folder)
        mine = uuid.uuid4().hex[:8]
        futures: dict[str, Any] = {}
        for number, (point, reading) in enumerate(tasks):
            parent = None if point.parent is None else futures.get(point.parent.key)
            name = f"{point.key}-{mine}"
            futures[point.key] = client.submit(run_after, parent, point, folder, limits, reading, key=name, priority=-number)
            if number == 0:
                wait([futures[point.key]])
        by_name = {futures[point.key].key: point for point, _ in tasks}
        for future in as_completed(list(futures.values())):
            error = future.exception()
            lost = {"status": FAILED, "error": f"its workers were lost, or cannot run it ({error})", "measures": {}, "wall_s": math.nan}
            yield by_name[future.key], lost if error is not None else future.result()


def run_after(parent: dict[str, Any] | None, point: Point, folder: Path, limits: Limits, reading: Reading | None) -> dict[str, Any]:
    """Run a point on a worker, when its parent has run."""
    return run_point(point, folder, limits, reading)


@contextlib.contextmanager
def connected(effort: Effort) -> Iterator[Any]:
    """A client of the cluster that was asked for."""
    try:
        from distributed import Client, LocalCluster
    except ImportError:
        raise DescriptionError('several workers need Dask, which is not installed: pip install "thalia-sim[studies]", or take one worker') from None
    if effort.scheduler is None:
        with interrupts_held():
            cluster = LocalCluster(
                n_workers=effort.workers, threads_per_worker=1, memory_limit=0, silence_logs="CRITICAL",
                scheduler_kwargs={"dashboard": False, "dashboard_address": "127.0.0.1:0"},
            )  # fmt: skip
        with cluster, Client(cluster) as client:
            client.run(ignore_interrupts)
            yield client
        return
    try:
        client = Client(effort.scheduler, timeout=PATIENCE_S)
        client.wait_for_workers(1, timeout=PATIENCE_S)
    except (OSError, ValueError) as error:
        reason = str(error) or "no worker came"
        raise DescriptionError(f"scheduler {effort.scheduler} cannot be used ({reason}): start `dask scheduler` and `dask worker`") from error
    with client, logs_silenced():
        yield client


@contextlib.contextmanager
def logs_silenced() -> Iterator[None]:
    """What Dask has to say of a lost connection is said by the study, in a sentence."""
    logs = [logging.getLogger(name) for name in ("distributed", "distributed.client", "distributed.core", "distributed.comm")]
    before = [log.level for log in logs]
    for log in logs:
        log.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for log, level in zip(logs, before, strict=True):
            log.setLevel(level)


@contextlib.contextmanager
def interrupts_held() -> Iterator[None]:
    """Ctrl+C comes after this: the processes that are started meanwhile never see it, which reaches all those of a terminal."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # when it is started, it lets signals through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT,))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def ignore_interrupts() -> None:
    """On a local worker: Ctrl+C reaches it too, by the terminal, but it is the folder that tells it to stop."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def check_workers(client: Any, folder: Path) -> None:
    """Refuse workers that do not see the study's folder, or run other sources of this package."""
    token = uuid.uuid4().hex
    (folder / TOKEN).write_text(token)
    try:
        try:
            answers = client.run(look, folder)
        except ImportError as error:
            raise DescriptionError(f"a worker cannot import thalia_sim ({error}): install it there, version {__version__}") from error
        for worker, answer in answers.items():
            seen, version, source = (*answer, "unknown")[:3]  # earlier versions did not tell their sources
            if seen != token:
                raise DescriptionError(f"worker {worker} does not see folder {folder}: give --out a folder that all workers share")
            if source != package_source():
                other = f"another thalia_sim ({version}, sources {source[:8]}) than this process ({__version__}, {package_source()[:8]})"
                raise DescriptionError(f"worker {worker} runs {other}: install the same there, and start it anew")
    finally:
        (folder / TOKEN).unlink(missing_ok=True)


def look(folder: Path) -> tuple[str, str, str]:
    """What a worker sees of the token, its version of this package, and the sources of that."""
    try:
        token = (folder / TOKEN).read_text()
    except OSError:
        token = ""
    return token, __version__, package_source()
