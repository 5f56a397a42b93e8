"""The commands `thalia-sim study KIND SCRIPT`: options, and what is printed."""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from ..errors import RecordingError
from ..plain_errors import plain_errors
from .disturbances import DISTURBANCES, NONE
from .keeping import ALL, KEPT
from .results import Result
from .robustness import CHOICES
from .sensitivity import METHODS
from .workers import Effort, all_cores

FAILED, UNFINISHED, INTERRUPTED = 1, 3, 130  # exit codes
MOST_SEEDS = 100_000
WALL = {"": 1.0, "s": 1.0, "min": 60.0, "h": 3600.0}  # s


class Seeds(click.ParamType):
    """10 (seeds 1 to 10), 1,2,5 or 3-7."""

    name = "seeds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[int]:
        if isinstance(value, list):
            return value
        parts = [re.fullmatch(r"(\d+)(?:-(\d+))?", part.strip()) for part in (f"1-{value}" if value.isdecimal() else value).split(",")]
        spans = [range(int(m[1]), int(m[2] or m[1]) + 1) for m in parts if m]
        if sum(map(len, spans)) > MOST_SEEDS:
            self.fail(f"{value!r} names more than {MOST_SEEDS} seeds: give fewer, a study runs the script for each", param, ctx)
        found = [n for span in spans for n in span]
        if not all(parts) or not found or len(set(found)) < len(found):
            self.fail(f"{value!r} names no seeds, or one twice: give their number (10), a list (1,2,5) or a range (1-10)", param, ctx)
        return found


class WallTime(click.ParamType):
    """30min, 2h or 90s."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        match = re.fullmatch(r"\s*(\d+\.?\d*|\.\d+)\s*(s|min|h|)\s*", str(value))
        if match is None or float(match[1]) == 0.0:
            self.fail(f"{value!r} is no time on the clock: write it as 90s, 30min or 2h", param, ctx)
        return float(match[1]) * WALL[match[2]]


class Names(click.ParamType):
    """NAME or NAME,NAME."""

    name = "names"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        return value if isinstance(value, tuple) else tuple(name.strip() for name in value.split(",") if name.strip())


keep_words = "Recordings and checkpoints of all runs; or results alone: they go when nothing needs them any more."
OPTIONS = [
    click.argument("script", type=click.Path(dir_okay=False, path_type=Path)),
    click.option("--seeds", type=Seeds(), default="10", show_default=True, metavar="SEEDS", help="10 (seeds 1 to 10), 1,2,5 or 3-7."),
    click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder of the study. Started anew, it goes on."),
    click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="A parameter of build, or a path such as exc.tau_m. Repeatable."),
    click.option("--settle", metavar="TIME", default="2 s", show_default=True, help="Simulated time before anything is measured."),
    click.option("--precision", type=click.Choice(("double", "single")), default="double", show_default=True, help="Of the state."),
    click.option("--workers", type=click.IntRange(min=1), help="Processes of this machine. Default: one a core with Dask, else 1."),
    click.option("--scheduler", metavar="ADDRESS", help="A Dask cluster in their place, such as tcp://10.0.0.1:8786."),
    click.option("--budget", type=WallTime(), metavar="TIME", help="Wall time (90s, 30min, 2h) after which runs stop with a checkpoint."),
    click.option("--checkpoint", type=WallTime(), default="60s", show_default=True, metavar="TIME", help="Wall time between checkpoints of a run."),
    click.option("--keep", type=click.Choice(KEPT), default=ALL, show_default=True, help=keep_words),
    click.option("--by", type=Names(), default=(), metavar="NAME,...", help="Measures that the table shows. Default: all."),
    click.option("--figure", type=click.Path(dir_okay=False, path_type=Path), help="Picture to draw as well, .png, .svg or .pdf."),
    click.option("--json", "as_json", is_flag=True, help="Print JSON."),
    click.option("--quiet", is_flag=True, help="No line for each run."),
]
measure_option = click.option("--measure", metavar="TIME", default="10 s", show_default=True, help="Simulated time that is measured.")
course_words = "Simulated time after a disturbance, before it is measured."
course_option = click.option("--course", metavar="TIME", default="5 s", show_default=True, help=course_words)
share_option = click.option("--share", type=float, default=0.2, show_default=True, help="Of each excitatory population that a lesion takes.")
margin_option = click.option("--margin", type=float, default=0.1, show_default=True, help="Relative difference that counts as none.")


def robustness_option(default: str) -> Any:
    words = "With the mechanisms of the script, without, or both side by side."
    return click.option("--robustness", type=click.Choice(CHOICES), default=default, show_default=True, help=words)


def shared(command: Callable[..., Result]) -> Callable[..., None]:
    """Give a command the options that all studies share, and have its result printed."""

    @functools.wraps(command)
    def run(
        workers: int | None, scheduler: str | None, budget: float | None, checkpoint: float, keep: str, figure: Path | None, as_json: bool,
        quiet: bool,
        **options: Any,
    ) -> None:  # fmt: skip
        say = (lambda line: None) if quiet else functools.partial(click.echo, err=True)
        effort = Effort(workers or all_cores(), scheduler, budget, checkpoint, keep, say)
        try:
            with plain_errors():
                if figure is not None:
                    refuse_unwritable(figure)
                result = command(effort=effort, **options)
                told = None if figure is None else picture_told(result, figure)
        except KeyboardInterrupt:
            click.echo("stopped by Ctrl+C: the same command goes on", err=True)
            sys.exit(INTERRUPTED)
        click.echo(result.to_json() if as_json else result.table())
        if not as_json:
            click.echo("\n" + "\n".join(line for line in (f"wrote {result.file}", told) if line is not None))
        elif told is not None:
            click.echo(told, err=True)
        sys.exit(exit_code(result))

    for option in reversed(OPTIONS):
        run = option(run)
    return run


def refuse_unwritable(figure: Path) -> None:
    """Refuse a picture that cannot be written, before hours of runs."""
    from ..analysis.plots import picture_path

    picture_path(figure)


def picture_told(result: Result, figure: Path) -> str:
    """Draw the picture; a line that says where it is, or why there is none."""
    try:
        return f"wrote {result.figure(figure)}"
    except RecordingError as error:
        return f"no picture: {error}"


def exit_code(result: Result) -> int:
    """0 if every run is complete, 130 after Ctrl+C, 1 if a run failed, 3 if the budget ended before all were run."""
    if result.is_interrupted:
        return INTERRUPTED
    found = {run["status"] for run in result.runs}
    return FAILED if "failed" in found else UNFINISHED if found != {"complete"} else 0


@click.group()
def study() -> None:
    """Run the experiment SCRIPT over many seeds and conditions, within a budget of time, and say what follows, with 95 % intervals.

    Each run leaves a recording in the folder (with --keep results its measures alone), and none is computed twice for the same study. Ctrl+C, or the
    budget, leaves checkpoints: the same command goes on.

    Exit code: 0 if every run is complete, 1 if one failed or the study was refused, 2 for a wrong option, 3 if not all were run (the budget ended, or
    the scheduler was lost), 130 after Ctrl+C.
    """


@study.command()
@shared
@measure_option
@click.option("--disturb", multiple=True, type=click.Choice([NONE, *DISTURBANCES]), help="Before it is measured. Repeatable. Default: none.")
@course_option
@share_option
@click.option("--subsets", is_flag=True, help="All subsets of the mechanisms.")
def ablation(disturb: tuple[str, ...], **options: Any) -> Result:
    """Switch each mechanism of SCRIPT off alone, and on alone: signed effects, paired over seeds, and interactions."""
    from . import ablation

    return ablation(disturb=disturb or (NONE,), **options)


@study.command()
@shared
@measure_option
@click.option("--disturb", multiple=True, type=click.Choice(list(DISTURBANCES)), help="Repeatable. Default: all.")
@course_option
@click.option("--bin", metavar="TIME", default="100 ms", show_default=True, help="Of the course of activity: let it hold many spikes.")
@margin_option
@share_option
@click.option("--population", metavar="NAME", help="Whose rate is the course. Default: all neurons.")
@robustness_option("both")
def recovery(disturb: tuple[str, ...], **options: Any) -> Result:
    """Disturb the settled network: depth, times to recover, residual, overshoot, and whether it is equivalent afterwards."""
    from . import recovery

    return recovery(disturb=disturb or tuple(DISTURBANCES), **options)


@study.command()
@shared
@measure_option
@click.option("--pieces", type=int, default=20, show_default=True, help="Equal pieces into which the run is cut.")
@margin_option
@robustness_option("on")
def stability(**options: Any) -> Result:
    """Run the settled network for long: do rates, their ratio and weights drift? 10 s are 10,000 steps of 1 ms."""
    from . import stability

    return stability(**options)


@study.command()
@shared
@measure_option
@click.option("--path", "paths", multiple=True, metavar="NAME", help="Parameter of build, or path. Repeatable. Default: the script's sensitivity.")
@click.option("--change", type=float, default=0.5, show_default=True, help="Share by which each goes down and up.")
@click.option("--limit", type=float, default=0.2, show_default=True, help="Loss above which a parameter is flagged.")
@click.option("--method", type=click.Choice(METHODS), default="one", show_default=True, help="One at a time, or indices over all together.")
@click.option("--samples", type=int, default=16, show_default=True, help="Trajectories of morris, base samples of sobol.")
@robustness_option("both")
def sensitivity(**options: Any) -> Result:
    """Change parameters by a share: how much of each measure is lost, with mechanisms and without?"""
    from . import sensitivity

    return sensitivity(**options)
