"""Is damage ever read as data?

python experiments/damage_test.py [--every 1] [--files finished killed "two lives" large checkpoint] [--seed 1] [--workers 2]

Takes the small recordings of tests/damaged.py (one that ended, one whose process was killed, one of two files, both killed) and a checkpoint. In
each file every byte has one of its bits flipped, one byte after the other; at every 4 KiB the file, and that of a longer run that was killed, is
cut off, and a page is set to zeros. Each time all is read again in every way there is, and must be what was written, or (in the file of a
process that died) a part of it up to a commit, or be refused in a sentence of ours. The work is done in child processes, so that a crash or
a wait of HDF5 would be seen. Writes docs/damage.md.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
PAGE_WRITTEN = ROOT / "docs" / "damage.md"
sys.path.insert(0, str(ROOT / "tests"))

from damaged import KINDS, PAGE, Content, Damaged, content, judgement, regions  # noqa: E402

from thalia_sim import LIFExp, Network, Simulation, Uniform, in_degree  # noqa: E402
from thalia_sim.errors import CheckpointError  # noqa: E402
from thalia_sim.recording.checkpoint import read_checkpoint  # noqa: E402

PATIENCE = 10.0  # s, for one reading
START = 60.0  # s, for a child to begin
FILES = (*KINDS, "large", "checkpoint")
OUTCOMES = ("equal", "shorter", "refused", "wrong", "other error", "crash", "hang")


class Target(NamedTuple):
    """A file to damage, the one that is then opened, and what is in it."""

    name: str
    folder: Path
    damaged: str
    opened: str


class Damage(NamedTuple):
    """What is done to a file, and where."""

    kind: str  # "bit in a dataset, every byte", "bit elsewhere, every byte", "page of zeros", "cut"
    place: int
    bit: int


def checkpoint(path: Path) -> None:
    """A small one."""
    net = Network(seed=1)
    a = net.populate("a", 30, LIFExp(), v=Uniform(-60.0, -50.0))
    net.connect(a, a, in_degree(3), w=10.0, receptor="exc")
    sim = Simulation(net)
    sim.run(10.0)
    sim.save(path)


def targets(folder: Path, kinds: list[str]) -> list[Target]:
    found = []
    for kind in [kind for kind in FILES if kind in kinds and kind != "checkpoint"]:
        (folder / kind).mkdir()
        subprocess.run([sys.executable, str(ROOT / "tests" / "damaged.py"), kind, str(folder / kind / "run.h5")], check=False)
        for path in sorted((folder / kind).glob("*.h5"), reverse=True):
            found.append(Target(f"{kind}, {path.name}", folder / kind, path.name, "run.h5"))
    if "checkpoint" in kinds:
        (folder / "checkpoint").mkdir()
        checkpoint(folder / "checkpoint" / "run.h5")
        found.append(Target("checkpoint", folder / "checkpoint", "run.h5", "run.h5"))
    return found


def damages(target: Target, every: int, seed: int) -> list[Damage]:
    """All that is done to one file, in an order that is not that of the places."""
    path, dice = target.folder / target.damaged, random.Random(seed)
    size = path.stat().st_size
    in_chunk = np.zeros(size, dtype=bool)
    for begin, end in regions(path)[0] if target.name != "checkpoint" else []:
        in_chunk[begin:end] = True
    bytes_meant = "every byte" if every == 1 else f"every {every}th byte"
    kinds = (f"bit elsewhere, {bytes_meant}", f"bit in a dataset, {bytes_meant}")
    places = range(dice.randrange(every), size, every) if not target.name.startswith("large") else ()
    found = [Damage(kinds[int(in_chunk[place])], place, dice.randrange(8)) for place in places]
    found += [Damage(kind, place, 0) for place in range(0, size, PAGE) for kind in ("page of zeros", "cut")]
    return found


def read_all(path: Path) -> Any:
    """What a checkpoint holds."""
    stored = read_checkpoint(path)
    return stored.tree, sorted(stored.array(name).tobytes() for name in names_in(stored.tree))


def names_in(tree: Any) -> list[str]:
    """Names of arrays in a checkpoint's text."""
    if isinstance(tree, dict):
        return [name for key, value in tree.items() for name in ([value] if key == "@array" else names_in(value))]
    return [name for value in tree for name in names_in(value)] if isinstance(tree, list) else []


def outcome(path: Path, whole: Any) -> str:
    try:
        if isinstance(whole, Content):
            return judgement(path, whole)
        return "equal" if read_all(path) == whole else "wrong"
    except CheckpointError:
        return "refused"
    except AssertionError:
        return "wrong"
    except Exception:
        return "other error"


def do(file: Damaged, damage: Damage) -> None:
    if damage.kind == "cut":
        file.cut(damage.place)
    elif damage.kind == "page of zeros":
        file.blank(damage.place)
    else:
        file.flip(damage.place, damage.bit)


def undo(file: Damaged, damage: Damage) -> None:
    if damage.kind.startswith("bit"):
        file.write(damage.place, file.bytes[damage.place : damage.place + 1])
    else:
        file.mend()


def work(target: Target, todo: list[Damage], at: Any, results: Any) -> None:
    """Damage a copy, read, mend; how far it got is in `at`."""
    with tempfile.TemporaryDirectory(dir=target.folder.parent) as name:
        for path in target.folder.glob("*.h5"):
            shutil.copy(path, name)
        opened, file = Path(name) / target.opened, Damaged(Path(name) / target.damaged)
        whole = read_all(opened) if target.name == "checkpoint" else content(opened)
        for k in range(at.value, len(todo)):
            at.value = k
            do(file, todo[k])
            results[k] = OUTCOMES.index(outcome(opened, whole))
            undo(file, todo[k])
        at.value = len(todo)


def run(target: Target, todo: list[Damage]) -> list[str]:
    """The outcome of each damage; a child that dies or waits is followed by another, which goes on behind that place."""
    context = multiprocessing.get_context("spawn")
    at, results = context.Value("q", 0), context.Array("b", len(todo))
    while at.value < len(todo):
        child = context.Process(target=work, args=(target, todo, at, results))
        child.start()
        before, since = -1, time.monotonic() + START
        while child.is_alive():
            child.join(0.2)
            if at.value != before:
                before, since = at.value, time.monotonic()
            elif time.monotonic() - since > PATIENCE:
                child.kill()
                child.join()
                results[at.value] = OUTCOMES.index("hang")
                break
        if at.value < len(todo):
            if results[at.value] != OUTCOMES.index("hang"):
                results[at.value] = OUTCOMES.index("crash")
            at.value += 1
        elif child.exitcode:
            raise SystemExit(f"a child ended with {child.exitcode} after its work")
    return [OUTCOMES[k] for k in results]


def share(job: tuple[Target, list[Damage]]) -> list[str]:
    return run(*job)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--every", type=int, default=1, help="flip a bit in every so many-th byte")
    parser.add_argument("--files", nargs="+", choices=FILES, default=FILES, help="lines of other files stay as they are on the page")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    rows, strange = [], []
    begin = time.monotonic()
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as name:
        for target in targets(Path(name), given.files):
            todo = damages(target, given.every, given.seed)
            jobs = [(target, todo[k :: given.workers]) for k in range(given.workers)]
            with ThreadPoolExecutor(given.workers) as pool:
                found = list(pool.map(share, jobs))
            outcomes = [(damage, told) for (_, part), tellings in zip(jobs, found, strict=True) for damage, told in zip(part, tellings, strict=True)]
            for kind in dict.fromkeys(damage.kind for damage in todo):
                count = Counter(told for damage, told in outcomes if damage.kind == kind)
                rows.append((target.name, kind, count.total(), *(count[o] for o in OUTCOMES)))
            strange += [(target.name, *damage, told) for damage, told in outcomes if told not in OUTCOMES[:3]]
            print(f"{target.name}: {time.monotonic() - begin:.0f} s, {len(strange)} bad", flush=True)
            PAGE_WRITTEN.write_text(page(rows))
    print(PAGE_WRITTEN.read_text())
    for each in strange:
        print(each)


def page(rows: list[tuple[Any, ...]]) -> str:
    """The page, with the lines of files that were not damaged this time as they were."""
    new = [f"| {' | '.join(f'{cell:,}' if isinstance(cell, int) else cell for cell in row)} |" for row in rows]
    done = {row[0] for row in rows}
    old = [line for line in PAGE_WRITTEN.read_text().splitlines() if line.startswith("| ") and line.split(" | ")[0][2:] not in {*done, "file", "---"}]
    table = sorted([*old, *new], key=lambda line: next(k for k, kind in enumerate(FILES) if line.startswith(f"| {kind}")))
    bad = sum(int(cell.replace(",", "")) for line in table for cell in line.strip("| ").split(" | ")[6:])
    lines = [
        "# What is read from damaged files",
        "",
        "Written by `experiments/damage_test.py`: small files with one bit flipped, in one byte after the other, or cut off, or with a page of",
        "zeros, at every 4 KiB. Each time everything is read again in every way.",
        "",
        "| file | damage | readings | equal | up to a commit | refused | wrong | other error | crash | hang |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
        *table,
        "",
        "- equal: all that was written, and nothing else: the damage lies where nothing is, in free space or in the unused rest of a chunk.",
        "- up to a commit: in the file of a process that died; a part of what was written, and the recording says that the rest is left out.",
        "- refused: a RecordingError or CheckpointError in one sentence.",
        f"- wrong data, errors of HDF5, crashes and endless waits together: {bad}.",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
