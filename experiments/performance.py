"""How fast is thalia_sim beside other simulators, on the same networks, in the same minutes?

python experiments/performance.py --peers FOLDER --python brian2=PATH --python nest=PATH [cuba brunel ...]

FOLDER holds one script a peer and network, `brian2_cuba.py` and so on, that prints its figures as one line of JSON (the fields of
`thalia-sim bench NAME --json`); --python gives the interpreter in which a peer is installed; peers without one are left out. Our run and the
peer's take turns, each in a process of its own. Results are merged into docs/performance.json, from which docs/performance.md is written, so
that networks can be measured one by one.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
SAME = 0.05  # largest difference of rates and numbers of synapses with which a ratio counts


class Peer(NamedTuple):
    """A peer's script for a network and what we must reach beside it."""

    name: str  # as shown, and key in the results
    script: str  # the part before the first "_" is the peer whose interpreter runs it
    args: str = ""  # {n} {ms} and what `Case.sizes` gives are filled in
    bar: float | None = None  # our speed over the peer's
    aim: float | None = None
    memory_share: float | None = None  # largest share of the peer's memory
    note: str = ""


class Case(NamedTuple):
    """A network of `thalia-sim bench` and the peers that run the same."""

    title: str
    bench: str
    ms: float
    peers: tuple[Peer, ...]
    threads: int = 1
    scale: float = 1.0
    limits: dict[str, float] = {}  # field of our result -> largest value
    rounds: int = 3
    same_graph: str = ""  # result in docs/ of a comparison of rates on the same graphs, where rates differ much from graph to graph


CUBA = "--n {n} --p {p} --ms {ms} --seed {seed}"
ANNARCHY = "--n {n} --ms {ms} --seed {seed}"  # its own parser takes --p for another option; 0.02 is the default
BRUNEL = "--order {order} --ms {ms} --seed {seed}"
PD14 = "--scale {scale} --ms {ms} --seed {seed}"
CASES: dict[str, Case] = {
    "cuba": Case(
        "CUBA, 4,000 neurons",
        "cuba",
        10_000.0,
        (
            Peer("Brian2 C++", "brian2_cuba.py", CUBA, 1.5, 3.0),
            Peer("ANNarchy", "annarchy_cuba.py", ANNARCHY, 1.5, 3.0),
            Peer("NEST", "nest_cuba.py", CUBA, 1.5, 3.0),
        ),
    ),
    "cuba40k": Case(
        "CUBA, 40,000 neurons",
        "cuba40k",
        2000.0,
        (
            Peer("Brian2 C++", "brian2_cuba.py", f"{CUBA} --name cuba40k", 3.0, 6.0),
            Peer("NEST", "nest_cuba.py", f"{CUBA} --name cuba40k --conn indegree", 3.0, 6.0, note="in-degrees fixed: it visits no pairs"),
        ),
    ),
    "coba": Case(
        "COBA, 4,000 neurons",
        "coba",
        10_000.0,
        (
            Peer("Brian2 C++, exponential Euler", "brian2_coba.py", f"{CUBA} --method exponential_euler", 4.0, note="the same method"),
            Peer("Brian2 C++, Euler", "brian2_coba.py", f"{CUBA} --method euler", 1.3, 2.5),
            Peer("ANNarchy, Euler", "annarchy_coba.py", f"{ANNARCHY} --net coba", 1.3, 2.5),
            Peer("NEST, adaptive", "nest_coba.py", CUBA, 1.3, 2.5, note="another start: Poisson input in the first 50 ms"),
        ),
        same_graph="coba_rate.json",
    ),
    "brunel": Case(
        "Brunel 2000, 12,500 neurons",
        "brunel",
        1000.0,
        (
            Peer("Brian2 C++", "brian2_brunel.py", BRUNEL, 5.0, 8.0),
            Peer("NEST", "nest_brunel.py", BRUNEL, 5.0, 8.0),
        ),
    ),
    "brunel_stdp": Case(
        "Brunel 2000 with pair STDP",
        "brunel_stdp",
        1000.0,
        (
            Peer("Brian2 C++", "brian2_brunel_stdp.py", BRUNEL, 4.0, 10.0),
            Peer("NEST, 1 thread", "nest_brunel_stdp.py", BRUNEL, 4.0, 10.0),
            Peer("NEST, 2 threads", "nest_brunel_stdp.py", f"{BRUNEL} --threads 2", 4.0, 10.0, note="ours on one"),
        ),
    ),
    "quiet": Case(
        "quiet, 1,000,000 neurons",
        "quiet",
        1000.0,
        (
            Peer("Brian2 C++", "brian2_quiet.py", "--n {n} --ms {ms} --seed {seed}", 15.0, 30.0),
            Peer("NEST, 2 threads", "nest_quiet.py", "--n {n} --ms {ms} --seed {seed} --threads 2", note="counts spikes without recording them"),
        ),
        limits={"peak_rss_mb": 1300.0},
    ),
    "pd14": Case(
        "Potjans-Diesmann, scale 0.1",
        "pd14",
        1000.0,
        (Peer("Brian2 C++", "brian2_pd14.py", PD14, 3.0, 6.0), Peer("NEST", "nest_pd14.py", f"{PD14} --threads 1", 3.0, 6.0)),
        scale=0.1,
    ),
    "pd14-half": Case(
        "Potjans-Diesmann, scale 0.5",
        "pd14",
        500.0,
        (
            Peer("Brian2 C++, 1 thread", "brian2_pd14.py", PD14, 6.0, 12.0, 0.25),
            Peer("Brian2 C++, 2 threads", "brian2_pd14.py", f"{PD14} --mode cpp_omp2", 6.0, 12.0, 0.25),
        ),
        threads=2,
        scale=0.5,
    ),
    "pd14-full": Case(
        "Potjans-Diesmann, full scale",
        "pd14",
        200.0,
        (Peer("NEST, 2 threads", "nest_pd14.py", f"{PD14} --threads 2", 40.0),),
        threads=2,
        limits={"rtf": 2.5, "build_s": 60.0, "peak_rss_mb": 3500.0},
    ),
}
FULL_N = {"cuba": 4000, "cuba40k": 40_000, "coba": 4000, "quiet": 1_000_000}

HELLO = """
import time; begin = time.perf_counter()
import json, sys
from thalia_sim import LIFExp, Network, Recorder, Simulation, Uniform, probability
imported = time.perf_counter() - begin
net = Network(seed=1)
cells = net.populate("cells", 100, LIFExp(c_m=200.0, e_l=-49.0, v_reset=-60.0, t_ref=5.0), v=Uniform(-60.0, -50.0))
net.connect(cells, cells, probability(0.02), w=16.2, receptor="exc")
with Simulation(net, [Recorder(sys.argv[1], force=True)]) as sim:
    sim.run(100.0)
print(json.dumps(dict(peer="thalia_sim", import_s=round(imported, 3), total_s=round(time.perf_counter() - begin, 3))))
"""
"""100 neurons, 100 ms, spikes recorded to a file."""
HELLO_PEERS = {"Brian2 Cython": ("hello_brian2.py", ["cython"]), "NEST": ("hello_nest.py", []), "ANNarchy": ("hello_annarchy.py", [])}


# running


def last_json(command: list[str], **options: Any) -> dict[str, Any]:
    """What a program prints as its last line of JSON."""
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, **options)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if not lines:
        raise ValueError(f"{' '.join(command)} printed no line of JSON")
    return json.loads(lines[-1])


def sizes(name: str, case: Case, shrink: float, ms: float, seed: int) -> dict[str, Any]:
    """What the peers' arguments are filled with."""
    n = round(FULL_N.get(name, 0) * shrink)
    return {"n": n, "p": min(80 / n, 1.0) if n else 0, "order": round(2500 * shrink), "scale": case.scale * shrink, "ms": ms, "seed": seed}


def our_run(name: str, case: Case, shrink: float, ms: float, seed: int) -> dict[str, Any]:
    """One timed run after one that may compile, in a process of its own."""
    words = [case.bench, "--json", "--repeat=1", f"--threads={case.threads}", f"--scale={case.scale * shrink}", f"--until={ms}", f"--seed={seed}"]
    return last_json([sys.executable, "-m", "thalia_sim", "bench", *words], cwd=ROOT)


def peer_run(name: str, case: Case, peer: Peer, folder: Path, python: str, shrink: float, ms: float, seed: int) -> dict[str, Any]:
    """One timed run of the peer's script."""
    words = peer.args.format(**sizes(name, case, shrink, ms, seed)).split()
    return last_json([python, peer.script, *words, "--reps", "1"], cwd=folder)


def compare(name: str, peer: Peer, folder: Path, python: str, rounds: int, shrink: float, ms: float | None) -> dict[str, Any]:
    """Take turns with one peer: ours, theirs, ours, theirs ... each round with a seed of its own."""
    case = CASES[name]
    ms = case.ms if ms is None else ms
    ours, theirs = [], []
    for seed in range(1, rounds + 1):
        ours.append(our_run(name, case, shrink, ms, seed))
        theirs.append(peer_run(name, case, peer, folder, python, shrink, ms, seed))
        print(f"{name:10} {peer.name:30} ours {ours[-1]['sim_wall_s']:8.3f} s, theirs {theirs[-1]['sim_wall_s']:8.3f} s", flush=True)
    return {"ours": ours, "theirs": theirs, **circumstances()}


def hello(command: list[str], variable: bool, **options: Any) -> list[dict[str, Any]]:
    """Four runs of a hello world in a fresh folder for compiled code, the first from nothing; wall_s is the whole process."""
    runs = []
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "NUMBA_CACHE_DIR": folder} if variable else dict(os.environ)
        arguments = [os.path.join(folder, "hello.h5")] if variable else [folder]
        for _ in range(4):
            begin = time.perf_counter()
            result = last_json([*command, *arguments], env=environment, **options)
            runs.append({**result, "wall_s": round(time.perf_counter() - begin, 3)})
    return runs


def all_hellos(folder: Path | None, pythons: dict[str, str]) -> dict[str, Any]:
    """Hello world of everyone."""
    found = {"thalia_sim": hello([sys.executable, "-c", HELLO], True, cwd=ROOT)}
    for name, (script, words) in HELLO_PEERS.items():
        python = pythons.get(script.removeprefix("hello_").removesuffix(".py"))
        if folder is not None and python:
            found[name] = hello([python, script, *words], False, cwd=folder)
    return {"runs": found, **circumstances()}


def circumstances() -> dict[str, Any]:
    """Machine, versions and day of a measurement."""
    packages = ("numba", "llvmlite", "numpy")
    return {
        "date": datetime.date.today().isoformat(),
        "machine": machine(),
        "versions": {"python": platform.python_version(), **{p: importlib.metadata.version(p) for p in packages}},
    }


def machine() -> str:
    """Model of the processor, usable cores, system."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        found = [line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
        model = found[0] if found else model
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{model}, {cores} cores, {platform.system()}"


# judging


def median(runs: list[dict[str, Any]], field: str) -> float:
    return statistics.median(r[field] for r in runs)


def written(runs: list[dict[str, Any]], field: str) -> str:
    """Median of a field as text; empty where a simulator does not tell."""
    if field not in runs[-1]:
        return ""
    value = median(runs, field)
    return f"{value:,.0f}" if value >= 1e4 else f"{value:.3g}" if value < 100 else f"{value:.0f}"


def spread(runs: list[dict[str, Any]], field: str = "sim_wall_s") -> str:
    """Median and range of a field."""
    values = [r[field] for r in runs]
    return f"{statistics.median(values):.3g} ({min(values):.3g} to {max(values):.3g})"


def rate_ratio(case: Case, peer: Peer) -> float | None:
    """Our rate over Brian2's on the same graphs, where that was measured."""
    file = ROOT / "docs" / case.same_graph
    return json.loads(file.read_text())["ratio"] if case.same_graph and file.exists() and peer.script.startswith("brian2") else None


def objection(case: Case, peer: Peer, found: dict[str, Any]) -> str:
    """Why a ratio does not count, or nothing."""
    ours, theirs = found["ours"], found["theirs"]
    if len(ours) < 3 or len(theirs) < 3:
        return f"only {len(ours)} rounds"
    if median(ours, "biological_ms") != median(theirs, "biological_ms"):
        return "other simulated time"
    for field, what in (("n_synapses", "synapses"), ("mean_rate_hz", "rate")):
        a, b = (statistics.mean(r[field] for r in runs) for runs in (ours, theirs))
        if what == "rate" and rate_ratio(case, peer) is not None:
            a, b = rate_ratio(case, peer), 1.0
        if abs(a - b) > SAME * abs(b):
            return f"{what} {a:.4g} against {b:.4g}"
    return ""


def verdict(case: Case, peer: Peer, found: dict[str, Any]) -> tuple[str, str, str]:
    """(ratio, bar, verdict) of a comparison."""
    ratio = median(found["theirs"], "sim_wall_s") / median(found["ours"], "sim_wall_s")
    shown = [] if peer.bar is None else [f"{peer.bar:g}" + (f", aim {peer.aim:g}" if peer.aim else "")]
    reasons = [objection(case, peer, found)] if objection(case, peer, found) else []
    short = peer.bar is not None and ratio < peer.bar
    if peer.memory_share is not None:
        share = median(found["ours"], "peak_rss_mb") / median(found["theirs"], "peak_rss_mb")
        shown.append(f"memory at most {peer.memory_share:g}, is {share:.2f}")
        short |= share > peer.memory_share
    for field, most in case.limits.items():
        value = median(found["ours"], field)
        shown.append(f"{field} at most {most:g}, is {value:.3g}")
        short |= value > most
    words = "does not count: " + "; ".join(reasons) if reasons else "short" if short else "reached" if shown else "no bar"
    notes = [peer.note] if peer.note else []
    if rate_ratio(case, peer) is not None:
        notes.append(f"rates differ from graph to graph: on the same ones ours is {rate_ratio(case, peer):.3f} of Brian2's, {case.same_graph}")
    return f"{ratio:.2f}", "; ".join(shown), words + (f" ({'; '.join(notes)})" if notes else "")


# writing


def table(head: str, rows: list[list[str]]) -> list[str]:
    names = [h.strip() for h in head.split("|")]
    return [f"| {' | '.join(names)} |", "|" + " --- |" * len(names), *(f"| {' | '.join(map(str, row))} |" for row in rows), ""]


FIGURES = ("n_neurons", "n_synapses", "mean_rate_hz", "build_s", "first_run_s", "peak_rss_mb", "neuron_updates", "synaptic_events")
INTRODUCTION = """# Speed beside other simulators

Written by `experiments/performance.py`; the figures of every run are in `performance.json` beside this page.

Our run and the peer's take turns on the same machine, each in a process of its own, each round with another seed; a time is that of the simulation
alone, after a first run that may compile: median (smallest to largest) in seconds of wall time. State is in double precision. All spikes are recorded
on both sides unless said otherwise. The ratio is the peer's median over ours; it counts only from three rounds on and where the numbers of synapses
and the rates differ by at most 5 %.
"""


def figures(title: str, who: str, runs: list[dict[str, Any]]) -> list[str]:
    """A row of what was run: medians, where a simulator tells."""
    return [title, who, *(written(runs, f) for f in FIGURES)]


def document(results: dict[str, Any]) -> str:
    """docs/performance.md from the results."""
    speed, rows, where = [], [], {}
    for name, case in CASES.items():
        for peer in case.peers:
            found = results.get(name, {}).get(peer.name)
            if found is None:
                continue
            ours, theirs = found["ours"], found["theirs"]
            title = f"{case.title}, {median(ours, 'biological_ms') / 1000:g} s"
            speed.append([title, case.threads, spread(ours), peer.name, spread(theirs), *verdict(case, peer, found)])
            rows.append(figures(case.title, f"thalia_sim beside {peer.name}", ours))
            rows.append(figures(case.title, f"{theirs[-1]['peer']}, {theirs[-1].get('mode', '')}", theirs))
            where[place(found)] = None
    text = [INTRODUCTION]
    text += table("network | our threads | thalia_sim | peer | peer's time | ratio | bar | verdict", speed)
    text += ["## What was run", "", "Build: all before the first step. Brian2's includes compiling; its memory is the compiled program's.", ""]
    text += table("network | run | neurons | synapses | rate (Hz) | build (s) | build and first run (s) | memory (MB) | updates | events", rows)
    if "hello" in results:
        text += first_script(results["hello"])
        where[place(results["hello"])] = None
    return "\n".join([*text, "## Where", "", *(f"- {line}" for line in where), ""])


def first_script(found: dict[str, Any]) -> list[str]:
    """The part on a script that a user would begin with."""
    text = ["## A first script", "", "100 neurons, 100 ms, spikes recorded; the whole process: with nothing compiled, then again (median of 3).", ""]
    rows = [
        [who, f"{median(runs[1:], 'import_s'):.2f}", f"{runs[0]['wall_s']:.1f}", f"{median(runs[1:], 'wall_s'):.2f}"]
        for who, runs in found["runs"].items()
    ]
    return text + table("simulator | import (s) | first time (s) | again (s)", rows)


def place(found: dict[str, Any]) -> str:
    return f"{found['date']}, {found['machine']}; " + ", ".join(f"{k} {v}" for k, v in found["versions"].items())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("networks", nargs="*", choices=[[], *CASES, "hello"], help="default: all")
    parser.add_argument("--peers", type=Path, help="folder of the peers' scripts")
    parser.add_argument("--python", action="append", default=[], metavar="PEER=PATH", help="interpreter of a peer (brian2, nest, annarchy)")
    parser.add_argument("--rounds", type=int, help="turns with each peer; default 3")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "performance.json", help="results, merged; the page is written beside it")
    parser.add_argument("--shrink", type=float, default=1.0, help="size relative to the true one, to try the script (give --out as well)")
    parser.add_argument("--ms", type=float, help="simulated time, to try the script")
    given = parser.parse_args()
    if (given.shrink != 1.0 or given.ms is not None) and given.out == parser.get_default("out"):
        parser.error("a trial with --shrink or --ms must not go into docs/: give --out")
    pythons = dict(word.split("=", 1) for word in given.python)
    results = json.loads(given.out.read_text()) if given.out.exists() else {}
    for name in given.networks or [*CASES, "hello"]:
        if name == "hello":
            results["hello"] = all_hellos(given.peers, pythons)
        for peer in CASES[name].peers if name in CASES else ():
            python = pythons.get(peer.script.split("_")[0])
            if given.peers is None or python is None:
                print(f"{name:10} {peer.name:30} left out: no --peers or no --python {peer.script.split('_')[0]}=...")
                continue
            rounds = given.rounds or CASES[name].rounds
            try:
                found = compare(name, peer, given.peers, python, rounds, given.shrink, given.ms)
            except subprocess.CalledProcessError as error:
                print(f"{name:10} {peer.name:30} left out: {error}")
                continue
            results.setdefault(name, {})[peer.name] = found
            save(results, given.out)
        save(results, given.out)
    print(document(results))


def save(results: dict[str, Any], out: Path) -> None:
    """The results and the page made from them."""
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(results, indent=1) + "\n")
    out.with_suffix(".md").write_text(document(results))


if __name__ == "__main__":
    main()
