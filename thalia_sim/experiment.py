"""What an experiment script offers and how it is run.

A script is a Python file with `build(seed, **parameters)`, which returns a `Network`; `hooks()`, which returns a list of hooks, and `until`, the
simulated time in ms, are optional; for studies, so are `measure(recording)`, which returns numbers by their names, and `sensitivity`, a list of
parameters and paths to vary. Parameters and their types come from the signature of `build`; anything else of the network is
reached by its path (`exc.tau_m`, `exc->inh.w`).
"""

from __future__ import annotations

import ast
import contextlib
import importlib.util
import inspect
import math
import re
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

from . import units
from .errors import DescriptionError, PathError, RecordingError, nearest
from .given import short
from .hooks.contract import Hook, StopRun
from .interventions import gathered
from .portable import SCRIPT

if TYPE_CHECKING:
    from .network import Network

MODULE = SCRIPT  # name under which the script is imported
UNITS = {name: value for name, value in vars(units).items() if isinstance(value, float)}
TRACES = 2  # elements of each population whose membrane potential is recorded unless asked otherwise
TRACE_EVERY = 1.0  # ms
QUANTITY = re.compile(r"\s*([+-]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*([A-Za-z]*)\s*")


class ScriptError(Exception):
    """A script that cannot be used or that raised; the text is what its author needs to see."""


class Experiment(NamedTuple):
    """A loaded script."""

    path: Path
    build: Callable[..., Network]
    hooks: Callable[[], Sequence[Hook]]
    until: float | None  # ms
    parameters: dict[str, Any]  # keyword of build -> its default
    measure: Callable[[Any], Any] | None  # of an open recording -> numbers by their names
    sensitivity: tuple[str, ...]  # parameters of build and paths that a study varies


def load_script(path: str | Path) -> Experiment:
    """Import a script and check what it offers; ScriptError if it is missing, raises, or has no `build`."""
    path = Path(path)
    if not path.is_file():
        raise ScriptError(f"script {path} does not exist: give the path of a Python file")
    with script_errors(path):
        module = import_file(path)
    build = getattr(module, "build", None)
    if not callable(build):
        raise ScriptError(f"script {path} defines no build: add a function build(seed, ...) that returns a Network")
    hooks = getattr(module, "hooks", list)
    if not callable(hooks):
        raise ScriptError(f"hooks of {path} is {short(hooks)}: make it a function that returns a list of hooks")
    until = getattr(module, "until", None)
    if until is not None:
        until = duration(until, f"until of {path}")
    measure = getattr(module, "measure", None)
    if measure is not None and not callable(measure):
        raise ScriptError(f"measure of {path} is {short(measure)}: make it a function of a recording that returns numbers by their names")
    varied = getattr(module, "sensitivity", ())
    if not isinstance(varied, (list, tuple)) or not all(isinstance(name, str) for name in varied):
        raise ScriptError(f"sensitivity of {path} is {short(varied)}: make it a list of parameters of build and of paths such as 'exc.tau_m'")
    return Experiment(path, build, hooks, until, defaults(build), measure, tuple(varied))


def import_file(path: Path) -> ModuleType:
    """Run a file as a module of its own; its folder is searched for its own imports, as `python FILE` would."""
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    spec = importlib.util.spec_from_file_location(MODULE, path)
    if spec is None or spec.loader is None:
        raise ScriptError(f"script {path} is no Python file: its name must end in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[MODULE] = module
    spec.loader.exec_module(module)
    return module


def defaults(build: Callable[..., Any]) -> dict[str, Any]:
    """Keywords of `build` and their defaults; inspect.Parameter.empty where there is none."""
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    if any(p.kind is inspect.Parameter.POSITIONAL_ONLY for p in inspect.signature(build).parameters.values()):
        raise ScriptError("build has parameters before a '/': leave it out, they are given by name")
    return {name: p.default for name, p in inspect.signature(build).parameters.items() if p.kind in named}


def quantity(text: str) -> float:
    """A number with or without a unit, in house units: "15", "2 s", "500ms", "0.2 mV". ValueError if it is neither."""
    match = QUANTITY.fullmatch(text)
    if match is None:
        return float(text)
    number, unit = match.groups()
    if unit and unit not in UNITS:
        raise ValueError(f"unknown unit {unit!r}, {nearest(unit, UNITS)}")
    return float(number) * UNITS.get(unit, 1.0)


def duration(value: str | float, name: str) -> float:
    """A simulated time in ms from a number or a text such as "2 s"; must be finite and not negative."""
    try:
        if isinstance(value, bool):
            raise TypeError("True and False are none")
        time = quantity(value) if isinstance(value, str) else float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise DescriptionError(f"{name} = {short(value)} is no time ({error}): write it as '2 s', '500 ms' or plain ms") from None
    if not math.isfinite(time) or time < 0.0:
        raise DescriptionError(f"{name} = {short(value)}: must be finite and not negative")
    return time


def switch(text: str) -> bool:
    """True or false from a word; ValueError otherwise."""
    word = text.strip().lower()
    if word not in ("true", "yes", "on", "1", "false", "no", "off", "0"):
        raise ValueError(word)
    return word in ("true", "yes", "on", "1")


KINDS: dict[type, tuple[Callable[[str], Any], str]] = {  # in order: a bool is an int
    bool: (switch, "true or false"),
    int: (int, "a whole number"),
    float: (quantity, "a number, with or without a unit"),
    str: (str, "a text"),
}


def read_value(name: str, text: str, default: Any) -> Any:
    """The value of one setting, of the type of its default."""
    kind = next((k for k in KINDS if isinstance(default, k)), None)
    if kind is not None:
        read, meant = KINDS[kind]
        try:
            return read(text)
        except ValueError as error:
            reason = f" ({error})" if "unknown unit" in str(error) else ""
            raise DescriptionError(f"{name} = {text!r}: must be {meant}, as its value {default!r} is{reason}") from None
    for read in (quantity, ast.literal_eval):
        with contextlib.suppress(ValueError, SyntaxError):
            return read(text)
    return text


def read_change(name: str, text: str) -> float | bool:
    """A value for a branch: a number, with or without a unit, or what is on or off."""
    try:
        return quantity(text)
    except ValueError as error:
        with contextlib.suppress(ValueError):
            return switch(text)
        reason = f" ({error})" if "unknown unit" in str(error) else ""
        raise DescriptionError(f"{name} = {text!r}: must be a number, with or without a unit, or true or false{reason}") from None


def split_setting(setting: str) -> tuple[str, str]:
    """("exc.tau_m", "15") of "exc.tau_m=15"."""
    name, equals, text = setting.partition("=")
    if not equals or not name.strip():
        raise DescriptionError(f"setting {setting!r} has no value: write it as NAME=VALUE")
    return name.strip(), text.strip()


def describe(experiment: Experiment, seed: int | None = None, settings: Sequence[str] = ()) -> Network:
    """Call `build` with the seed and the settings that it names, then write the others into the network by their paths."""
    keywords: dict[str, Any] = {}
    paths: dict[str, str] = {}
    for name, text in map(split_setting, settings):
        if name in experiment.parameters:
            keywords[name] = read_value(name, text, experiment.parameters[name])
        elif "." in name:
            paths[name] = text
        else:
            raise PathError(f"{name!r} is no parameter of build in {experiment.path}: {nearest(name, experiment.parameters)}")
    if seed is not None:
        if "seed" not in experiment.parameters:
            raise DescriptionError(f"seed {seed} given, but build in {experiment.path} has no parameter seed: add one")
        keywords["seed"] = seed
    missing = [n for n, value in experiment.parameters.items() if value is inspect.Parameter.empty and n not in keywords]
    if missing:
        raise DescriptionError(f"parameter {missing[0]!r} of build in {experiment.path} has no value: give --set {missing[0]}=VALUE")
    with script_errors(experiment.path):
        net = experiment.build(**keywords)
    if not hasattr(net, "populations"):
        raise ScriptError(f"build in {experiment.path} returned {short(net)}: it must return a Network")
    for path, text in paths.items():
        net.set(path, read_value(path, text, net.get(path)))
    return net


def end_time(experiment: Experiment, until: str | float | None = None) -> float:
    """The simulated time in ms: what was asked for, else the script's own `until`."""
    if until is not None:
        return duration(until, "--until")
    if experiment.until is None:
        raise DescriptionError(f"{experiment.path} has no until: add one, or give --until '2 s'")
    return experiment.until


def script_hooks(experiment: Experiment) -> list[Hook]:
    """A fresh list of the script's hooks."""
    with script_errors(experiment.path):
        found = experiment.hooks()
    if not isinstance(found, (list, tuple)) or hasattr(found, "_fields"):
        raise ScriptError(f"hooks in {experiment.path} returned {short(found)}: return a list of hooks")
    hooks = gathered(found)
    if not all(isinstance(hook, Hook) for hook in hooks):
        raise ScriptError(f"hooks in {experiment.path} returned {short(found)}: return a list of hooks and interventions")
    return hooks


class Watch(Hook):
    """Counts spikes, and ends the run between two stretches when Ctrl+C was pressed, after all other hooks have had theirs."""

    transient = ("spikes_seen", "asked")
    is_saved = False
    is_mechanism = False

    def __init__(self) -> None:
        self.spikes_seen, self.asked = 0, False

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Take Ctrl+C and the system's request to end as a wish; a second one acts at once. Only possible in the main thread."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {kind: signal.signal(kind, self.ask) for kind in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for kind, handler in before.items():
                signal.signal(kind, handler)

    def ask(self, kind: int, frame: Any) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True

    def start(self, sim: Any) -> None:
        self.flushed(sim)

    def spikes(self, sim: Any, steps: Any, ids: Any) -> None:
        self.spikes_seen += len(ids)

    def flushed(self, sim: Any) -> None:
        if self.asked:
            raise StopRun("asked to stop")


class Outcome(NamedTuple):
    """How a run ended; its text is the summary of the command line."""

    status: str  # "complete" or "interrupted"
    begin: float  # ms, where it began: 0, or the time of the checkpoint that it went on from
    t: float  # ms, where it ended
    wall_s: float  # of the run, without building
    elements: int
    spikes: int
    compiled: int  # functions that this process had to compile
    out: Path | None

    def __str__(self) -> str:
        span = self.t - self.begin
        rate = self.spikes / self.elements / span * 1000.0 if self.elements and span else 0.0
        speed = span / 1000.0 / self.wall_s if self.wall_s else 0.0
        where = f", from {self.begin:g} ms to {self.t:g} ms," if self.begin else ""
        first = ", compiling included: the next run will be faster" if self.compiled else ""
        lines = [
            f"{self.status}: {span:g} ms simulated{where} in {self.wall_s:.2f} s ({speed:.3g} x real time{first})",
            f"{self.spikes:,} spikes of {self.elements:,} elements, {rate:.3g} Hz on average",
        ]
        if self.out is None:
            lines.append("not recorded: give --out FILE to keep the spikes")
        else:
            lines.append(f"recorded in {self.out} ({self.out.stat().st_size / 1e6:.1f} MB): thalia-sim plot {self.out}")
            if self.status == "interrupted":
                lines.append(f"go on with: thalia-sim resume {self.out}")
        return "\n".join(lines)


def run_experiment(
    experiment: Experiment,
    *,
    until: float,
    seed: int | None = None,
    settings: Sequence[str] = (),
    out: Path | None = None,
    threads: int = 1,
    precision: str = "double",
    traces: int = TRACES,
    force: bool = False,
    quiet: bool = False,
    checkpoint: float | None = None,
    apart: Path | None = None,
) -> Outcome:
    """Build the network and run it for `until` ms with the script's hooks, a progress bar unless `quiet`, and a recorder if there is an `out`.

    The recorder takes all spikes and the membrane potential of the first `traces` elements of each population, unless the script
    brings a recorder of its own, which then writes to `out`.
    `apart` is a folder for the files of a script's own recorders, whatever it says.
    """
    from .hooks.progress import Progress
    from .hooks.recorder import recordings_in
    from .recording.writer import check_target
    from .simulation import Simulation

    if out is not None:
        check_other(out, [experiment.path])
        check_target(out, force)
    with contextlib.nullcontext() if apart is None else recordings_in(apart):
        hooks = script_hooks(experiment)
    net = describe(experiment, seed, settings)
    options = {"seed": seed, "settings": list(settings), "until": until, "threads": threads, "precision": precision, "traces": traces}
    out = add_recorder(hooks, net, experiment.path, options, out, traces, force, checkpoint)
    watch = Watch()
    hooks = [*([] if quiet else [Progress(until)]), *hooks, watch]
    with script_errors(experiment.path), watch.listening():
        return finish(Simulation(net, hooks, threads=threads, precision=precision), until, watch, out)


def check_other(out: Path, files: Sequence[Path]) -> None:
    """Refuse to write a recording over a file that the run itself needs."""
    for file in files:
        if out.exists() and file.exists() and out.samefile(file):
            raise RecordingError(f"{out} is the file that is run: choose another name for the recording")


def finish(sim: Any, until: float, watch: Watch, out: Path | None) -> Outcome:
    """Run to the end; when asked to stop before, leave a checkpoint beside the recording."""
    from .hooks.recorder import Recorder
    from .kernels.jit import compilations

    begin, begin_t = time.perf_counter(), sim.t
    try:
        if sim.t < until or sim.status == "new":  # for 0 ms too: hooks start and the recording is written
            sim.run(until=until)
        if watch.asked and sim.t < until:
            for hook in sim.hooks:
                if isinstance(hook, Recorder):
                    hook.save(sim)
        sim.close("complete" if sim.t >= until or not watch.asked else "interrupted")
    except KeyboardInterrupt:  # a second Ctrl+C, maybe while the checkpoint was written
        sim.close("interrupted")
    wall = time.perf_counter() - begin
    return Outcome(sim.status, begin_t, sim.t, wall, sim.net.n, watch.spikes_seen, len(compilations), out)


def add_recorder(
    hooks: list[Hook], net: Network, script: Path, options: dict[str, Any], out: Path | None, traces: int, force: bool, checkpoint: float | None
) -> Path | None:
    """Tell the script's recorder where to write, or append one; returns the file that will be written, if any."""
    from .hooks.recorder import Recorder
    from .hooks.sampling import Sample
    from .neurons.contract import model_of

    own = [hook for hook in hooks if isinstance(hook, Recorder)]
    if not own:
        if out is None:
            return None
        traced = [p for p in net.populations.values() if traces and len(p) and "v" in model_of(p.model).state_fields]
        samples = [Sample(p[:traces], "v", every=TRACE_EVERY) for p in traced]
        own = [Recorder(out, state=samples, force=force, checkpoint=checkpoint)]
        hooks.extend(own)
    elif out is not None:
        own[0].path, own[0].force = out, force
    own[0].script, own[0].options = script, {**options, **own[0].options}
    return own[0].path


@contextlib.contextmanager
def script_errors(path: Path) -> Iterator[None]:
    """Turn what the script raises into a ScriptError that shows the script's frames, not those of this package."""
    try:
        yield
    except ScriptError:
        raise
    except Exception as error:
        text = script_traceback(error, path)
        if text is None:
            raise
        raise ScriptError(text) from error


def script_traceback(error: BaseException, path: Path) -> str | None:
    """The traceback from the script's first frame on, without the frames inside this package; None if the script has no part in it."""
    package, script = Path(__file__).resolve().parent, path.resolve()
    frames = traceback.extract_tb(error.__traceback__)
    files = [Path(frame.filename).resolve() for frame in frames]
    if isinstance(error, SyntaxError) and Path(error.filename or "").resolve() == script:
        return "".join(traceback.format_exception_only(error)).rstrip()
    if script not in files:
        return None
    first = files.index(script)
    shown = [f for f, file in zip(frames[first:], files[first:], strict=True) if package not in file.parents]
    lines = ["Traceback (most recent call last):\n", *traceback.format_list(shown), *traceback.format_exception_only(error)]
    return "".join(lines).rstrip()
