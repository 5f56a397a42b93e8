"""Does a plastic balanced network stay in bounds for an hour, at constant memory and speed?

python experiments/plastic_hour.py --out docs/plastic_hour.md

1,000 neurons, additive pair STDP on all excitatory recurrent synapses, Vogels-Sprekeler plasticity on the inhibitory ones that reach excitatory
neurons, Poisson drive, one hour of simulated time at dt = 0.1 ms. Every minute of it: rates, weights, processor time, memory.
"""

import argparse
import resource
import time
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from thalia_sim import LIF, MemoryRecorder, Network, PairSTDP, Poisson, Simulation, VogelsSprekeler, in_degree
from thalia_sim.units import Hz, mV, ms, s

MINUTE = 60 * s


def build(seed=1):
    net = Network(seed=seed)
    cell = LIF(tau_m=20 * ms, v_th=15 * mV, t_ref=2 * ms)
    exc, inh = net.populate("exc", 800, cell), net.populate("inh", 200, cell)
    net.drive(exc + inh, Poisson(rate=900 * Hz), w=1.0 * mV)
    net.connect(exc, exc, in_degree(80), w=0.2 * mV, delay=1.5 * ms, rule=PairSTDP(a_plus=0.002, a_minus=0.0021, w_max=0.6 * mV))
    net.connect(exc, inh, in_degree(80), w=0.2 * mV, delay=1.5 * ms)
    net.connect(inh, exc, in_degree(20), w=-0.6 * mV, delay=1.5 * ms, rule=VogelsSprekeler(target=5 * Hz, eta=0.002 * mV, w_max=6 * mV))
    net.connect(inh, inh, in_degree(20), w=-0.6 * mV, delay=1.5 * ms)
    return net


def minutes(n, seed):
    """One row a minute: rates (Hz), weights of both plastic projections (mean, least, largest; mV), processor time (s), memory (MB)."""
    sim, rows = Simulation(build(seed)), []
    sim.run(1.0)  # compiles
    for minute in range(n):
        memory = MemoryRecorder()
        sim.attach(memory)
        begin = time.process_time()
        sim.run(until=(minute + 1) * MINUTE)
        spent = time.process_time() - begin
        rates = [len(memory.times(p)) / sim.net[p].n / ((sim.t - (minute * MINUTE if minute else 1.0)) / s) for p in ("exc", "inh")]
        sim.detach(memory)
        weights = [np.abs(sim[name].w) for name in ("exc->exc", "inh->exc")]
        assert all(np.isfinite(w).all() for w in weights), "a weight is not finite"
        found = [value for w in weights for value in (w.mean(), w.min(), w.max())]
        rows.append([minute + 1, *rates, *found, spent, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024])
        print(f"minute {minute + 1:3}: {rates[0]:5.2f} and {rates[1]:5.2f} Hz, w {found[0]:.3f} and {found[3]:.3f} mV, {spent:.2f} s", flush=True)
    return np.array(rows)


def draw(rows, path):
    """Rates, weights, processor time and memory over the hour."""
    figure, axes = plt.subplots(2, 2, figsize=(10, 6.5), sharex=True, layout="constrained")
    t = rows[:, 0]
    axes[0, 0].plot(t, rows[:, 1], label="exc")
    axes[0, 0].plot(t, rows[:, 2], label="inh")
    axes[0, 0].axhline(5.0, color="0.6", lw=0.8, ls="--", label="target of exc")
    axes[0, 0].set(ylabel="rate (Hz)", ylim=(0, 1.25 * rows[:, 1:3].max()))
    for k, name in ((3, "exc to exc"), (6, "inh to exc")):
        (line,) = axes[0, 1].plot(t, rows[:, k], label=f"{name}, mean")
        axes[0, 1].fill_between(t, rows[:, k + 1], rows[:, k + 2], color=line.get_color(), alpha=0.15, label="least to largest")
    axes[0, 1].set(ylabel="strength (mV)", ylim=(0, 1.6 * rows[:, 8].max()))
    axes[1, 0].plot(t, rows[:, 9], color="k")
    axes[1, 0].set(ylabel="processor time of a minute (s)", xlabel="simulated time (min)", ylim=(0, 1.3 * rows[:, 9].max()))
    axes[1, 1].plot(t, rows[:, 10], color="k")
    axes[1, 1].set(ylabel="largest memory so far (MB)", xlabel="simulated time (min)", ylim=(0, 1.3 * rows[:, 10].max()))
    for axis in axes[0]:
        axis.legend(ncols=2, loc="upper right", frameon=False)
    figure.savefig(path, dpi=110)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("docs/plastic_hour.md"))
    options = parser.parse_args()
    rows = minutes(options.minutes, options.seed)
    picture = options.out.parent / "figures" / f"{options.out.stem}.png"
    picture.parent.mkdir(exist_ok=True)
    draw(rows, picture)
    half = len(rows) // 2
    early, late = rows[max(half // 5, 0) : half], rows[half:]
    lines = [
        "# An hour of a plastic network", "",
        f"Written by `python experiments/plastic_hour.py --minutes {options.minutes} --seed {options.seed}`:",
        f"{options.minutes} minutes of simulated time, 1,000 neurons, pair STDP on 64,000 excitatory synapses,",
        "Vogels-Sprekeler plasticity (target 5 Hz) on 16,000 inhibitory ones.", "",
        "| | first half, but its first fifth | second half |", "| --- | --- | --- |",
    ]  # fmt: skip
    columns = ("rate of exc (Hz)", "rate of inh (Hz)", "exc to exc, mean (mV)", "least", "largest", "inh to exc, mean (mV)", "least", "largest")
    for k, name in enumerate((*columns, "processor time of a minute (s)", "largest memory (MB)"), start=1):
        lines.append(f"| {name} | {early[:, k].mean():.4g} ({early[:, k].min():.4g} to {early[:, k].max():.4g}) | {late[:, k].mean():.4g} "
                     f"({late[:, k].min():.4g} to {late[:, k].max():.4g}) |")  # fmt: skip
    lines += ["", "Means over the minutes (least to largest minute). All weights were finite and within their bounds at every minute.", "",
              f"![Rates, weights, time and memory](figures/{picture.name})", ""]  # fmt: skip
    options.out.write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
