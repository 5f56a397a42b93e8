"""One recording as one page: figures, configuration, interventions, provenance, and the command that runs it again.

The page is a single HTML file without scripts that fetches nothing; the same recording gives the same page, byte for byte.
"""

from __future__ import annotations

import ast
import shlex
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np

from ...errors import MeasureError, RecordingError
from ...recording import Recording, open_recording
from ...recording.checkpoint import checkpoint_folder, checkpoints
from ...recording.reader import Event
from ...recording.segments import owner_lives
from ...recording.writer import replacing
from ..info import VERSIONS, population_facts
from ..measure_facts import QUANTITIES, notes, number, quantities
from ..measured import measure
from ..plots import duration_text
from .configuration import configuration_tables, members_text, value_text
from .figures import DIAGNOSTIC, all_figures, drawn, measure_figures
from .page import command, facts, folded, is_ours, node, section, table, verbatim, whole_page

FIELDS = 24  # of the hooks of a run, drawn
VERBS = {"begin": "begins", "end": "ends", "restore": "is carried out"}


def write_report(path: str | Path, out: str | Path) -> Path:
    """Write the page on a recording; returns its path. RecordingError if the recording cannot be read or the page not written there."""
    out = check_page(Path(out))
    with open_recording(path) as recording:
        page = report_page(recording)
    with replacing(out, len(page.encode())) as part:
        part.write_text(page, encoding="utf-8")
    return out


def check_page(out: Path) -> Path:
    """The path of a page to be; a page that was written here may be written again, nothing else is overwritten."""
    if out.suffix.lower() not in (".html", ".htm"):
        raise RecordingError(f"report {out.name}: give a name that ends in .html")
    if not out.absolute().parent.is_dir():
        raise RecordingError(f"folder of report {out} does not exist: create it first")
    try:
        if out.exists() and not is_ours(out):
            raise RecordingError(f"{out} exists and is no report: choose another name, or remove it first")
    except OSError as error:
        raise RecordingError(f"report {out} cannot be written: {error.strerror}") from error
    return out


def report_page(recording: Recording) -> str:
    """The page as text."""
    events = recording.events()
    marks = tuple(dict.fromkeys(event.t for event in events))
    parts = [
        section("Populations", "populations", population_table(recording)),
        section("Figures", "figures", *all_figures(recording, marks)),
        section("Measures", "measures", *measures(recording)),
        section("Events", "events", events_table(events)),
        section("Hooks", "hooks", *hooks(recording, marks)),
        section("Configuration", "configuration", *configuration_tables(recording)),
        section("Provenance", "provenance", *provenance(recording)),
        section("Run it again", "again", *again(recording)),
    ]
    name = name_of(recording)
    footer = node("footer", node("p", f"Made from {recording.path.name} by thalia-sim report.", class_="note"))
    return whole_page(f"{name}, seed {recording.seed}", header(recording, name), contents(parts), *parts, footer)


def name_of(recording: Recording) -> str:
    return recording.meta["script_name"] or recording.path.name


# what it was ---------------------------------------------------------------------------------------------------------


def header(recording: Recording, name: str) -> Element:
    """Name, the question that the script asks, the numbers that tell this run from others, and how it ended."""
    question = first_sentence(recording.meta["script"])
    n = sum(p["n"] for p in recording.meta["populations"])
    begin = f" from {duration_text(recording.begin)} on" if recording.begin else ""
    key = f"seed {recording.seed} · {duration_text(recording.duration)} simulated{begin} · {n:,} elements"
    well = recording.status in ("complete", "running") and not is_dead(recording)
    return node(
        "header",
        node("h1", name),
        node("p", question, class_="question") if question else None,
        node("p", key, class_="key"),
        node("p", status_text(recording), class_="status" if well else "status bad"),
    )


def contents(parts: list[Element | None]) -> Element:
    """Links to the sections."""
    return node("nav", *(part for p in parts if p is not None for part in (node("a", p[0].text, href=f"#{p.get('id')}"), " ")), aria_label="contents")


def first_sentence(script: str) -> str:
    """The first paragraph of the script's docstring, which says what the experiment asks."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the script's own text
        try:
            doc = ast.get_docstring(ast.parse(script)) or ""
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return ""
    return " ".join(doc.partition("\n\n")[0].split())[:500]


def is_dead(recording: Recording) -> bool:
    """Whether a run that was not ended has lost its process."""
    return recording.status == "running" and not any(owner_lives(file) for file in recording.opened)


def status_text(recording: Recording) -> str:
    """How the run ended, in words."""
    until = recording.config.get("run", {}).get("until")
    end, name = recording.begin + recording.duration, shlex.quote(recording.path.name)
    asked = f" of {duration_text(until)}" if isinstance(until, (int, float)) and until > end else ""
    at, error = f"at {duration_text(end)}{asked}", f": {recording.error.strip().rstrip('.')}" if recording.error else ""
    go_on = f"thalia-sim resume {name} goes on from its last checkpoint"
    if is_dead(recording):
        return f"The run died {at}: its process is gone and has not ended the recording. {go_on}, thalia-sim recover {name} puts the file into order."
    return {
        "complete": "The run came to its end.",
        "failed": f"The run failed {at}{error}. All that was recorded up to then is shown.",
        "interrupted": f"The run was stopped {at}{error}; {go_on}.",
        "running": f"The run goes on: this is what it had recorded {at}.",
        "recovered": f"The run died {at}{error}; its recording was put into order afterwards and holds all that it had committed.",
    }.get(recording.status, f"Status: {recording.status}{error}.")


def population_table(recording: Recording) -> Element | None:
    """Size, spikes and mean rate of each population."""
    rows = []
    for p in (population_facts(recording, p["name"]) for p in recording.meta["populations"]):
        rate = "–" if p["rate_hz"] is None else f"{p['rate_hz']:.3g}"
        spikes = "not recorded" if p["spikes"] is None else f"{p['spikes']:,}"
        recorded = "" if p["n_recorded"] in (0, p["n"]) else f"{p['n_recorded']:,}"
        rows.append((p["name"], p["model"], f"{p['n']:,}", recorded, spikes, rate))
    if not rows:
        return node("p", "The network has no populations.")
    return table(("name", "model", "elements", "recorded", "spikes", "rate (Hz)"), rows, "populations", numbers=(2, 3, 4, 5))


def measures(recording: Recording) -> Iterator[Element]:
    """Measures of the spikes of each population, over the whole run."""
    if not any(p.n_spikes for p in recording.populations.values()):
        return
    try:
        found = measure(recording)
    except MeasureError as error:
        yield node("p", f"Not measured: {error}.")
        return
    names = {name: title for name, title in QUANTITIES.items() if name != "rate_hz"}
    rows = []
    for name, m in found.populations.items():
        values = quantities(m)
        rows.append((name, m.stationarity.verdict, *(number(values[k]) for k in names)))
    yield table(("population", "rate is", *names.values()), rows, "measures", numbers=range(2, 2 + len(names)))
    yield node("ul", *(node("li", " ".join(text.split())) for text in notes(found)), class_="note")
    yield from measure_figures(recording, found)


# what happened -------------------------------------------------------------------------------------------------------


def events_table(events: Sequence[Event]) -> Element | None:
    """What was done to the network, in order of time; None if there was nothing."""
    rows = []
    for event in events:
        facts = {k: v for k, v in event.facts.items() if v not in (None, "") and k not in ("what", "target", "path", "at")}
        name = str(event.facts.get("what", "")).rpartition(":")[2]
        what = f"{name} {VERBS.get(event.kind, event.kind)}".strip()
        target = str(event.facts.get("target") or event.facts.get("path") or "")
        rows.append((f"{event.t:,.6g}", what, target, members_text(facts, {}), "" if event.source == "interventions" else event.source))
    return table(("time (ms)", "what", "to", "how", "by"), rows, "events", numbers=(0,)) if rows else None


def hooks(recording: Recording, marks: Sequence[float]) -> Iterator[Element]:
    """What each hook reported: a table, and a line for each number."""
    left = FIELDS
    for hook in recording.hooks():
        told = recording.diagnostics(hook)
        t = told.pop("t")
        yield node("h3", hook)
        units = {name: recording.units(f"/thalia/hooks/{hook}/{name}") for name in told}
        rows = [(name, "" if units[name] == "1" else units[name], *ends(values)) for name, values in told.items()]
        calls = f"called {len(t):,} times" + (f", from {t[0]:,.6g} to {t[-1]:,.6g} ms" if len(t) else "")
        yield node("p", calls, class_="note")
        yield table(("number", "unit", "first", "last", "least", "most"), rows, f"what {hook} reported", numbers=(2, 3, 4, 5))
        if len(t) > 1:
            for name in list(told)[:left]:
                yield drawn(DIAGNOSTIC, recording, (name, units[name], t, told[name]), marks)
            left = max(left - len(told), 0)


def ends(values: np.ndarray) -> list[str]:
    """First, last, least and largest value."""
    known = values[~np.isnan(values)]
    four = [values[0], values[-1], known.min(), known.max()] if len(known) else [np.nan] * 4
    return ["–" if np.isnan(x) else f"{x:.6g}" for x in four]


# where it came from --------------------------------------------------------------------------------------------------


def provenance(recording: Recording) -> Iterator[Element]:
    """Script, versions, machine, seed scheme, hash of the configuration, files."""
    meta = recording.meta
    versions = {name.replace("_", "-"): version for name, version in meta["versions"].items()}
    changes = {1: ", with changes that were not committed", -1: ", changes unknown"}.get(meta["git_dirty"], "")
    main = ", ".join([f"Python {meta['python']}", *(f"{name} {versions[name]}" for name in VERSIONS if name in versions)])
    pairs: list[tuple[str, Element | str]] = [
        ("started", words_of_time(meta["started"])),
        ("ended", words_of_time(meta["finished"]) or "not ended"),
        ("script", meta["script_name"] or "none"),
        ("git commit", node("code", meta["git_commit"] + changes) if meta["git_commit"] else "none: the script was in no repository"),
        ("versions", main),
        ("machine", f"{meta['platform']}, {meta['cpu']}"),
        ("run on", f"{meta['threads']} thread{'' if meta['threads'] == 1 else 's'}, {meta['precision']} precision"),
        ("seed scheme", meta["seed_scheme"]),
        ("configuration", node("span", "SHA-256 ", node("code", meta["config_sha256"]))),
        ("recording", f"{', '.join(files(recording))}; format {recording.format_version}"),
    ]
    yield facts(pairs)
    if meta["script"]:
        yield folded(f"text of the script, {len(meta['script'].splitlines()):,} lines", verbatim(meta["script"]))
    yield folded(f"all {len(versions):,} installed packages", table(("package", "version"), list(versions.items()), "installed packages"))


def words_of_time(stamp: str) -> str:
    """"2026-01-31T12:00:00+00:00" for people."""
    return stamp.replace("T", " ").replace("+00:00", " UTC")


def files(recording: Recording) -> list[str]:
    """The files of the run with their sizes."""
    found = [f"{path.name} ({size_text(path.stat().st_size)})" for path in recording.files]
    saved = checkpoints(folder) if (folder := checkpoint_folder(recording.path)).is_dir() else []
    return [*found, f"{folder.name} ({len(saved)} checkpoint{'' if len(saved) == 1 else 's'})"] if saved else found


def size_text(size: int) -> str:
    return f"{size / 1e6:,.1f} MB" if size >= 1e5 else f"{size / 1e3:,.1f} kB"


def again(recording: Recording) -> Iterator[Element]:
    """The command that was given, and the one that repeats the run from the recording alone."""
    meta, name, asked = recording.meta, shlex.quote(recording.path.name), recording.config.get("run", {})
    if meta["command"]:
        yield node("p", "It was started with")
        yield command(meta["command"])
    if not meta["script"]:
        yield node("p", "The recording holds no script, so it cannot be run again from the file alone: its configuration is above.")
    elif "settings" not in asked:
        yield node("p", "Its script ran the simulation itself: run that with Python again. Its text is in the recording, and above.")
    elif recording.begin:
        yield node("p", f"It is a branch of another run, which it left at {duration_text(recording.begin)}: resume the checkpoint of that one again.")
    else:
        yield node("p", "Script, seed and settings are in the recording; this runs it again and says whether the result is the same:")
        yield command(f"thalia-sim run {name}")
    if asked.get("settings"):
        yield node("p", f"Settings: {value_text(asked['settings'])}.", class_="note")
