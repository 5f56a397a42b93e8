"""The command line `thalia-sim`: what it understands and what it prints. The work is done in the modules that each command imports."""

from __future__ import annotations

import json as json_text
import sys
import warnings
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from .plain_errors import plain_errors
from .studies.command import study

PRECISIONS = ("double", "single")
FILE = click.Path(dir_okay=False, path_type=Path)
threads_option = click.option("--threads", type=click.IntRange(min=1), default=1, show_default=True, help="Number of workers.")
precision_option = click.option("--precision", type=click.Choice(PRECISIONS), default="double", show_default=True, help="Of the state.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print one line of JSON.")


def main() -> None:
    """Entry point of the program."""
    warnings.showwarning = show_warning  # type: ignore[assignment]
    commands(prog_name="thalia-sim")


def show_warning(message: Warning | str, *_: Any) -> None:
    click.echo(f"Warning: {message}", err=True)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="thalia-sim")
def commands() -> None:
    """Simulate spiking networks from Python scripts; each run leaves one HDF5 file."""


@commands.command()
@click.argument("script", type=FILE)
@click.option("--seed", type=click.IntRange(min=0), help="Seed given to build.")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="A parameter of build, or a path such as exc.tau_m. Repeatable.")
@click.option("--out", type=FILE, help="Recording to write. Without it nothing is recorded, unless the script brings a recorder.")
@click.option("--until", metavar="TIME", help="Simulated time: '2 s', 500ms, or plain ms. Default: until of the script.")
@click.option("--checkpoint", metavar="TIME", help="Simulated time between checkpoints, beside the recording. Default: only when stopped.")
@click.option("--traces", type=click.IntRange(min=0), default=2, show_default=True, help="Elements a population whose potential is recorded.")
@threads_option
@precision_option
@click.option("--dry", is_flag=True, help="Print elements, synapses, memory and a forecast of the time, and stop.")
@click.option("--quiet", is_flag=True, help="No progress bar and no summary.")
@click.option("--force", is_flag=True, help="Overwrite the recording if it exists.")
@click.pass_context
def run(
    context: click.Context,
    script: Path,
    seed: int | None,
    settings: tuple[str, ...],
    out: Path | None,
    until: str | None,
    checkpoint: str | None,
    traces: int,
    threads: int,
    precision: str,
    dry: bool,
    quiet: bool,
    force: bool,
) -> None:
    """Run the experiment SCRIPT, or a recording again from the script in it.

    Of a recording (FILE.h5) script, seed and settings are those that it holds, and it is said whether the result is the same, byte for byte
    (exit code 3 if not); --threads, --out, --force and --quiet apply.

    Ctrl+C ends the run at the next flush and leaves a readable file and a checkpoint, from which `thalia-sim resume` goes on; a second one ends
    it at once.
    """
    from . import experiment as ex

    with plain_errors():
        if script.suffix in (".h5", ".hdf5"):
            again(script, out, threads if "--threads" in given_options(context) else None, force, quiet, given_options(context))
            return
        loaded = ex.load_script(script)
        if until is None and loaded.until is None:
            ex.describe(loaded, seed, settings)  # what is wrong with the script itself is told first
        end = ex.end_time(loaded, until)
        if dry:
            from .forecast import forecast

            click.echo(str(forecast(ex.describe(loaded, seed, settings), end, threads, precision)))
            return
        outcome = ex.run_experiment(
            loaded,
            until=end,
            seed=seed,
            settings=settings,
            out=out,
            threads=threads,
            precision=precision,
            traces=traces,
            force=force,
            quiet=quiet,
            checkpoint=None if checkpoint is None else ex.duration(checkpoint, "--checkpoint"),
        )
        if not quiet:
            click.echo(str(outcome))
    if outcome.status == "interrupted":
        sys.exit(130)


def given_options(context: click.Context) -> list[str]:
    """Names of the options that the user gave, such as --seed, in the order of the help; also those given their default."""
    asked = [p for p in context.command.params if context.get_parameter_source(p.name or "") is not ParameterSource.DEFAULT]
    return [p.opts[-1] for p in asked if isinstance(p, click.Option)]


def again(file: Path, out: Path | None, threads: int | None, force: bool, quiet: bool, given: list[str]) -> None:
    """Run a recording again and say whether it is the same."""
    from .analysis.compare import format_comparison
    from .rerun import run_again

    others = [name for name in given if name not in ("--out", "--threads", "--force", "--quiet")]
    if others:
        names = f"{' and '.join(others)} {'is' if len(others) == 1 else 'are'}"
        raise click.ClickException(f"{names} given for {file}, which is run again as it was: leave that out, or run its script")
    facts = run_again(file, out=out, threads=threads, force=force, quiet=quiet)
    for name, (then, now) in facts["other_versions"].items():
        click.echo(f"{name} was {then}, is {now}")
    click.echo(format_comparison(facts))
    if not facts["equal"]:
        sys.exit(3)


@commands.command()
@click.argument("file", type=FILE)
@click.option("--until", metavar="TIME", help="Simulated time to run to, such as '2 s'. Default: where the run was to end.")
@click.option("--threads", type=click.IntRange(min=1), help="Worker threads; they do not change the result. Default: as before.")
@click.option("--branch", type=FILE, help="Recording of a branch: the run goes on from FILE's checkpoint beside what it was, which stays.")
@click.option("--set", "settings", multiple=True, metavar="PATH=VALUE", help="In a branch: a value from now on, such as exc.tau_m=15, exc.silent=on.")
@click.option("--noise-seed", type=click.IntRange(min=0), help="In a branch: other noise from now on.")
@click.option("--quiet", is_flag=True, help="No progress bar and no summary.")
@click.option("--force", is_flag=True, help="Overwrite the recording of the branch if it exists.")
def resume(
    file: Path,
    until: str | None,
    threads: int | None,
    branch: Path | None,
    settings: tuple[str, ...],
    noise_seed: int | None,
    quiet: bool,
    force: bool,
) -> None:
    """Go on with a run that was stopped or killed, to the bit: FILE is its recording, or a checkpoint."""
    from .resumption import resume_experiment

    with plain_errors():
        if branch is None and (settings or noise_seed is not None):
            raise click.ClickException("--set and --noise-seed change the run: give --branch FILE, the recording of the changed one")
        if branch is None and force:
            raise click.ClickException("--force overwrites the recording of a branch: give --branch FILE, or leave it out")
        outcome = resume_experiment(
            file, until=until, threads=threads, branch=branch, settings=settings, noise_seed=noise_seed, quiet=quiet, force=force
        )
    if not quiet:
        click.echo(str(outcome))
    if outcome.status == "interrupted":
        raise SystemExit(130)


@commands.command()
@click.argument("file", type=FILE)
def recover(file: Path) -> None:
    """Put the recording FILE of a run that died into order: one finished file with all rows that were committed."""
    from .recording.segments import recover_recording

    with plain_errors():
        click.echo(recover_recording(file))


@commands.command()
@click.argument("file", type=FILE)
@click.option("--every", type=click.FloatRange(min=0.05), default=1.0, show_default=True, help="Seconds between two looks.")
def watch(file: Path, every: float) -> None:
    """Follow a run by its recording FILE from another process: time, speed, rates. Ends with the run."""
    from .analysis.watch import watch_recording

    with plain_errors():
        for line in watch_recording(file, every):
            click.echo(line)


@commands.command()
@click.argument("first", type=FILE)
@click.argument("second", type=FILE)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def compare(first: Path, second: Path, as_json: bool) -> None:
    """Compare two recordings: equal or not, where they part, rates and weights. The exit code is 0 if they are equal, else 3."""
    from .analysis.compare import compare_recordings, format_comparison

    with plain_errors():
        facts = compare_recordings(first, second)
    click.echo(json_text.dumps(facts) if as_json else format_comparison(facts))
    if not facts["equal"]:
        sys.exit(3)


@commands.command()
@click.argument("file", type=FILE)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def info(file: Path, as_json: bool) -> None:
    """Say what the recording FILE holds: what it is, units, rates per population, size."""
    from .analysis.info import describe_recording, format_info

    with plain_errors():
        facts = describe_recording(file)
    click.echo(json_text.dumps(facts) if as_json else format_info(facts))


@commands.command()
@click.argument("file", type=FILE)
@click.option("-o", "--out", type=FILE, help="Picture to write, .png or .svg. Default: the name of FILE with .png.")
def plot(file: Path, out: Path | None) -> None:
    """Draw the recording FILE: raster, rates, voltage traces, weights."""
    from .analysis.plots import plot_recording

    with plain_errors():
        picture = plot_recording(file, out or file.with_suffix(".png"))
    click.echo(f"wrote {picture}")


@commands.command()
@click.argument("files", type=FILE, nargs=-1, required=True, metavar="FILE...")
@click.option("--from", "begin", metavar="TIME", help="Where the window begins: '500 ms' leaves out as much of a transient.")
@click.option("--to", "end", metavar="TIME", help="Where the window ends. Default: the end.")
@click.option("--population", "populations", multiple=True, metavar="NAME", help="A population to measure. Repeatable. Default: all recorded ones.")
@click.option("--plot", "picture", type=FILE, help="Picture to draw as well, .png, .svg or .pdf.")
@json_option
def measure(files: tuple[Path, ...], begin: str | None, end: str | None, populations: tuple[str, ...], picture: Path | None, as_json: bool) -> None:
    """Measure the recording FILE: rates, irregularity, variability, correlation, synchrony, spectrum, branching ratio, avalanches, weights, and
    whether the rate is steady.

    Of several FILEs, the runs of a study, a row each, and the mean over runs with its 95 % interval.
    """
    from .analysis.measure_facts import format_measures, format_runs, measure_facts, run_facts
    from .analysis.measure_plots import plot_measures, plot_runs
    from .analysis.measured import measure_recording
    from .experiment import duration

    with plain_errors():
        t0 = None if begin is None else duration(begin, "--from")
        t1 = None if end is None else duration(end, "--to")
        runs = [measure_recording(file, t0, t1, populations or None) for file in files]
        if picture is not None:
            plot_runs(runs, picture) if len(runs) > 1 else plot_measures(runs[0], picture)
    if as_json:
        click.echo(json_text.dumps(run_facts(runs) if len(runs) > 1 else measure_facts(runs[0])))
    else:
        click.echo(format_runs(runs) if len(runs) > 1 else format_measures(runs[0]))
        if picture is not None:
            click.echo(f"wrote {picture}")


@commands.command()
@click.argument("file", type=FILE)
@click.option("-o", "--out", type=FILE, help="Page to write, .html. Default: the name of FILE with .html.")
def report(file: Path, out: Path | None) -> None:
    """Write one HTML page on the recording FILE: figures, configuration, events, provenance."""
    from .analysis.report import write_report

    with plain_errors():
        page = write_report(file, out or file.with_suffix(".html"))
    click.echo(f"wrote {page}")


@commands.command()
@click.argument("file", type=FILE)
@click.option("-o", "--out", type=FILE, help="NWB file to write. Default: the name of FILE with .nwb.")
@click.option("--population", "populations", multiple=True, metavar="NAME", help="Only this population. Repeatable.")
@click.option("--from", "begin", metavar="TIME", help="Only what happened after this simulated time, such as '2 s'.")
@click.option("--to", "end", metavar="TIME", help="Only what happened up to this simulated time.")
@click.option("--force", is_flag=True, help="Overwrite the NWB file if it exists.")
def export(file: Path, out: Path | None, populations: tuple[str, ...], begin: str | None, end: str | None, force: bool) -> None:
    """Write spikes and sampled state of the recording FILE to an NWB file, which pynwb and Neo read.

    Needs pynwb: pip install "thalia-sim[exchange]".
    """
    from .exchange import to_nwb
    from .experiment import duration
    from .recording import open_recording

    with plain_errors():
        t0, t1 = (None if text is None else duration(text, option) for text, option in ((begin, "--from"), (end, "--to")))
        with open_recording(file) as recording:
            written = to_nwb(recording, out or recording.path.with_suffix(".nwb"), populations or None, t0, t1, force)
    click.echo(f"wrote {written}")


@commands.command()
@click.argument("file", type=FILE)
@click.option("-o", "--out", type=FILE, help="File to write. Default: NAME.packed.h5 for NAME.h5.")
@click.option("--force", is_flag=True, help="Overwrite that file if it exists.")
def pack(file: Path, out: Path | None, force: bool) -> None:
    """Compress the finished recording FILE for the archive. The new file is a recording like it; FILE stays as it is."""
    from .recording.pack import pack_recording

    with plain_errors():
        click.echo(pack_recording(file, out, force))


@commands.command()
@click.argument("file", type=FILE)
@click.option("-o", "--out", type=FILE, help="File to write. Default: NAME.h5 for NAME.packed.h5.")
@click.option("--force", is_flag=True, help="Overwrite that file if it exists.")
def unpack(file: Path, out: Path | None, force: bool) -> None:
    """Undo pack, for readers that know no gzip (libsonata): the recording FILE without compression. FILE stays as it is."""
    from .recording.pack import unpack_recording

    with plain_errors():
        click.echo(unpack_recording(file, out, force))


@commands.command()
@click.argument("name", required=False)
@threads_option
@precision_option
@click.option("--scale", type=float, help="Size relative to the named network (pd14: to the full one, default 0.1).")
@click.option("--repeat", type=click.IntRange(min=1), default=3, show_default=True, help="Timed runs after the first.")
@click.option("--until", metavar="TIME", help="Simulated time of a run. Default: that of the network.")
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True)
@json_option
def bench(name: str | None, threads: int, precision: str, scale: float | None, repeat: int, until: str | None, seed: int, as_json: bool) -> None:
    """Time the benchmark network NAME, or all of them one after the other.

    Names: cuba, cuba40k, coba, brunel, brunel_stdp, quiet, pd14. Each timed run starts from the initial state (time 0) and records all spikes in
    memory.
    """
    from . import bench as benchmarks
    from .experiment import duration

    with plain_errors():
        time = None if until is None else duration(until, "--until")
        for one in [name] if name else benchmarks.NETWORKS:
            measure = benchmarks.measure if name else benchmarks.measure_apart
            result = measure(one, threads=threads, precision=precision, scale=scale, repeat=repeat, until=time, seed=seed)
            click.echo(json_text.dumps(result) if as_json else benchmarks.table(result))


@commands.command()
@json_option
def doctor(as_json: bool) -> None:
    """Check the installation: versions, threads, cache of compiled code, CUDA."""
    from .doctor import examine, table

    findings = examine()
    click.echo(json_text.dumps([f._asdict() for f in findings]) if as_json else table(findings))
    if any(f.status == "broken" for f in findings):
        sys.exit(1)


commands.add_command(study)
