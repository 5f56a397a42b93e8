"""Is anything lost when a run is killed, at any moment?

python experiments/kill_test.py [--kills 200] [--seed 1]

Runs tests/killed_run.py (1,000 neurons, plastic synapses, a stateful hook, checkpoints every 100 ms) again and again; each life is ended by SIGKILL,
at a random moment or in its n-th write, flush, fsync or rename, and the next goes on, on one thread or two. Whenever a run reaches its end, its
recording is compared byte for byte with that of a run that nobody killed, and a new one begins. Writes docs/kill_test.md.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np

from thalia_sim import open_recording
from thalia_sim.recording import Recording

ROOT = Path(__file__).resolve().parent.parent
RUN = ROOT / "tests" / "killed_run.py"


def life(path: Path, threads: int, when: str | None = None) -> int:
    """One process; its exit code, -9 if it was killed."""
    return subprocess.run([sys.executable, str(RUN), str(path), str(threads), *([] if when is None else [when])], capture_output=True).returncode


def content(path: Path) -> list[bytes]:
    """All that a recording holds."""
    with open_recording(path) as r:
        found: list[np.ndarray] = [np.float64(r.duration)]  # type: ignore[list-item]
        for name in r.populations:
            found += [*r.spikes(name), r.counts(name).counts]
        for report in r.reports():
            found += [r.report(*report).t, r.report(*report).values]
        found += snapshots(r)
        for hook in r.hooks():
            found += list(r.diagnostics(hook).values())
    return [np.asarray(x).tobytes() for x in found]


def snapshots(r: Recording) -> list[np.ndarray]:
    weights = r.weights("exc->exc")
    return [weights.t, *(weights.snapshot(k) for k in range(len(weights.t)))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    dice = random.Random(given.seed)
    died: Counter[str] = Counter()
    equal = different = failed = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if life(folder / "whole.h5", 1) != 0:
            raise SystemExit("the run that nobody kills has failed")
        whole, number = content(folder / "whole.h5"), 0
        while sum(died.values()) < given.kills or number == 0:
            path = folder / f"run{number}.h5"
            while True:
                kind = dice.choice(["moment", "write", "flush", "fsync", "replace"])
                when = f"{dice.uniform(0.0, 0.4):.3f}" if kind == "moment" else f"{kind}:{dice.randint(1, 12)}"
                code = life(path, dice.choice([1, 2]), when)
                died[kind] += code == -9
                failed += code not in (0, -9)
                if code == 0 or failed > 20:
                    break
            if failed > 20:
                break
            same = content(path) == whole
            equal, different, number = equal + same, different + (not same), number + 1
            print(f"{sum(died.values())} kills, {number} runs, {different} different, {failed} failed", flush=True)
    lines = [
        "# What is lost when a run is killed",
        "",
        f"Written by `experiments/kill_test.py --kills {given.kills} --seed {given.seed}`.",
        "",
        "| lives ended by SIGKILL | number |",
        "| --- | --- |",
        *(f"| {'at a random moment' if kind == 'moment' else 'in a call of ' + kind} | {count} |" for kind, count in sorted(died.items())),
        f"| all | {sum(died.values())} |",
        "",
        f"{number} runs went on from kill to kill to their end. Recordings equal to that of the run that nobody killed, byte for byte: {equal};",
        f"different: {different}; lives that ended with an error: {failed}.",
        "",
    ]
    (ROOT / "docs" / "kill_test.md").write_text("\n".join(lines))
    print("\n".join(lines))


if __name__ == "__main__":
    main()
