"""What the mechanisms of `RobustnessConfig.full()` cost on the cortical microcircuit at a tenth, at their default periods.

python experiments/robustness_cost.py

Three simulations take turns, second by second of simulated time, after 200 s in which the mechanisms settle: the network as described; with
all mechanisms; and as the mechanisms left it (their gains and thresholds written down) without them. The mechanisms bring all layers to their target
rate, and more spikes take more time: the third network tells that apart from what the mechanisms themselves take. Within the second run the time of
each mechanism is counted as well, its part in taking spikes included.
"""

import time
from collections import defaultdict

import numpy as np

from thalia_sim import RobustnessConfig, Simulation, UnifiedHomeostasis
from thalia_sim.circuits import potjans_diesmann

EXC, INH = ("L23E", "L4E", "L5E", "L6E"), ("L23I", "L4I", "L5I", "L6I")
SETTLE, PIECE, ROUNDS = 200_000.0, 1000.0, 31  # ms, ms


def as_left(full):
    """The network with the gains, weights of drives and thresholds that a simulation has now, and no hooks."""
    sim = Simulation(potjans_diesmann(0.1))
    for name in sim.net.projections:
        sim[name].gain = full[name].gain * full[name].amplification
    for name, drive in sim.net.drives.items():
        field = "amplitude" if drive.is_current else "w"
        setattr(sim[name], field, getattr(full[name], field) * full[name].amplification)
    for name in EXC:
        sim[name].v_th = full[name].v_th
    return sim


def count_time(hook):
    """Seconds that each mechanism takes from now on, by its name."""
    spent = defaultdict(float)
    for part, member in zip(hook.parts, hook.members, strict=True):
        for method in ("handle", "spikes"):
            vars(member)[method] = timed(getattr(member, method), spent, part.label.partition(".")[0])
    return spent


def timed(function, spent, name):
    def call(*arguments):
        begun = time.perf_counter()
        function(*arguments)
        spent[name] += time.perf_counter() - begun

    return call


def main():
    hook = UnifiedHomeostasis(RobustnessConfig.full(), EXC, INH)
    full, plain = Simulation(potjans_diesmann(0.1), [hook]), Simulation(potjans_diesmann(0.1))
    full.run(SETTLE)
    plain.run(2000.0)
    same = as_left(full)
    same.run(2000.0)
    wall, events, shares = defaultdict(list), defaultdict(list), defaultdict(list)
    spent = count_time(hook)
    for _ in range(ROUNDS):
        for name, sim in (("as described", plain), ("as left, without mechanisms", same), ("with all mechanisms", full)):
            spent.clear()
            before, begun = sim.counters["delivered"], time.perf_counter()
            sim.run(PIECE)
            wall[name].append(time.perf_counter() - begun)
            events[name].append(sim.counters["delivered"] - before)
            for mechanism, seconds in spent.items():
                shares[mechanism].append(seconds / wall[name][-1])
    print("| network | wall (s a simulated second) | synaptic events (million) | over the network as left |\n| --- | --- | --- | --- |")
    for name in wall:
        ratio = np.array(wall[name]) / wall["as left, without mechanisms"]
        print(
            f"| {name} | {np.median(wall[name]):.3f} ({min(wall[name]):.3f} to {max(wall[name]):.3f}) | {np.median(events[name]) / 1e6:.1f} "
            f"| {np.median(ratio):.3f} ({ratio.min():.3f} to {ratio.max():.3f}) |"
        )
    print("\n| mechanism | share of the run with all (%) |\n| --- | --- |")
    for mechanism in RobustnessConfig.full().get_enabled_mechanisms():
        share = 100.0 * np.array(shares[mechanism])
        print(f"| {mechanism} | {np.median(share):.2f} ({share.min():.2f} to {share.max():.2f}) |")


if __name__ == "__main__":
    main()
