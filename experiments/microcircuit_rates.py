"""Do the rates of the full microcircuit agree with the published ones, within what differs between seeds?

python experiments/microcircuit_rates.py [--seeds 5] [--ms 1000] [--threads 2]

Runs Potjans & Diesmann 2014 at full scale (77,169 neurons, 299 million synapses, 2.1 GB) once a seed and writes docs/microcircuit.md.
"""

import argparse
from pathlib import Path

import numpy as np

from thalia_sim import MemoryRecorder, Simulation
from thalia_sim.circuits import potjans_diesmann
from thalia_sim.circuits.potjans_diesmann import POPULATIONS, RATES

SKIP = 200.0  # ms, onset
PAGE = Path(__file__).resolve().parent.parent / "docs" / "microcircuit.md"


def rates_of(seed, ms, threads):
    """Mean rates (Hz) of the eight populations after the onset."""
    memory = MemoryRecorder()
    sim = Simulation(potjans_diesmann(1.0, seed=seed), [memory], threads=threads)
    sim.run(SKIP + ms)
    return [(memory.times(p) > SKIP).sum() / memory.populations[p].n / ms * 1e3 for p in POPULATIONS]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--ms", type=float, default=1000.0)
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    rates = []
    for seed in range(1, given.seeds + 1):
        rates.append(rates_of(seed, given.ms, given.threads))
        print(seed, np.round(rates[-1], 2), flush=True)
    found = np.array(rates)
    mean, sd = found.mean(axis=0), found.std(axis=0, ddof=1)
    lines = [
        "# Rates of the full microcircuit",
        "",
        f"Potjans & Diesmann 2014 at full scale, {given.seeds} seeds, {given.ms:g} ms after {SKIP:g} ms.",
        "Written by `experiments/microcircuit_rates.py`.",
        "Published: table of mean rates of the reference implementation, as used for the compensation of scaled-down networks.",
        "",
        "| population | rate (Hz), mean of seeds | standard deviation | smallest to largest | published | deviations away |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for k, name in enumerate(POPULATIONS):
        away = (RATES[k] - mean[k]) / sd[k]
        lines.append(f"| {name} | {mean[k]:.2f} | {sd[k]:.2f} | {found[:, k].min():.2f} to {found[:, k].max():.2f} | {RATES[k]:.2f} | {away:+.1f} |")
    PAGE.write_text("\n".join(lines) + "\n")
    print(f"wrote {PAGE.name}")


if __name__ == "__main__":
    main()
