"""Does COBA fire here as it does in Brian2, when both run the same graph from the same start?

python experiments/coba_same_graph.py --brian2 PATH [--seeds 10]

PATH is a Python in which Brian2 is installed. It draws graph and start, runs them for 10 s and leaves both; thalia_sim then runs the same. The rate
of this network differs from graph to graph by 6 % (standard deviation), so rates of different graphs say little about two simulators.
Writes docs/coba_rate.md and docs/coba_rate.json, by which experiments/performance.py judges whether a ratio counts.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
N, N_EXC, P, MS = 4000, 3200, 0.02, 10_000.0


def brian2(folder: Path, seeds: int) -> None:
    """Run in Brian2's Python: draw, run and save each seed's graph, start and rate."""
    import brian2 as b

    b.prefs.codegen.target = "cython"
    for seed in range(1, seeds + 1):
        b.start_scope()
        b.seed(seed)
        rng = np.random.default_rng(seed)
        start = {"v": rng.normal(-65.0, 5.0, N), "g_exc": rng.normal(40.0, 15.0, N), "g_inh": rng.normal(200.0, 120.0, N)}
        equations = """dv/dt = ((El - v) + ge*(Ee - v) + gi*(Ei - v))/taum : volt (unless refractory)
                       dge/dt = -ge/taue : 1
                       dgi/dt = -gi/taui : 1"""
        values = {"taum": 20 * b.ms, "taue": 5 * b.ms, "taui": 10 * b.ms, "El": -60 * b.mV, "Ee": 0 * b.mV, "Ei": -80 * b.mV}
        cells = b.NeuronGroup(
            N, equations, threshold="v > -50*mV", reset="v = -60*mV", refractory=5 * b.ms, method="exponential_euler", namespace=values
        )
        cells.v, cells.ge, cells.gi = start["v"] * b.mV, start["g_exc"] / 10.0, start["g_inh"] / 10.0
        exc, inh = b.Synapses(cells[:N_EXC], cells, on_pre="ge += 0.6"), b.Synapses(cells[N_EXC:], cells, on_pre="gi += 6.7")
        exc.connect(p=P)
        inh.connect(p=P)
        spikes = b.SpikeMonitor(cells)
        b.Network(cells, exc, inh, spikes).run(MS * b.ms)
        graph = {"i_exc": exc.i, "j_exc": exc.j, "i_inh": np.asarray(inh.i) + N_EXC, "j_inh": inh.j}
        np.savez(folder / f"{seed}.npz", rate=spikes.num_spikes / N / MS * 1000.0, **start, **{k: np.asarray(x) for k, x in graph.items()})
        print(f"Brian2, seed {seed}: {spikes.num_spikes / N / MS * 1000.0:.2f} Hz", flush=True)


def ours(found: dict[str, np.ndarray], t_ref: float) -> float:
    """Rate (Hz) of the same graph and start here."""
    from thalia_sim import LIFCond, MemoryRecorder, Network, Simulation, from_arrays

    net = Network(seed=1)
    model = LIFCond(tau_m=20.0, tau_exc=5.0, tau_inh=10.0, c_m=200.0, e_l=-60.0, e_exc=0.0, e_inh=-80.0, v_th=-50.0, v_reset=-60.0, t_ref=t_ref)
    cells = net.populate("cells", N, model, v=found["v"], g_exc=found["g_exc"], g_inh=found["g_inh"])
    net.connect(cells, cells, from_arrays(found["i_exc"], found["j_exc"]), w=6.0, receptor="exc", name="exc")
    net.connect(cells, cells, from_arrays(found["i_inh"], found["j_inh"]), w=67.0, receptor="inh", name="inh")
    recorder = MemoryRecorder()
    Simulation(net, [recorder]).run(MS)
    return len(recorder.times("cells")) / N / MS * 1000.0


def drawn_here(seed: int) -> float:
    """Rate (Hz) of a graph and start that are drawn here."""
    from thalia_sim import MemoryRecorder, Simulation
    from thalia_sim.circuits import coba

    net, recorder = coba(seed=seed), MemoryRecorder()
    Simulation(net, [recorder]).run(MS)
    return sum(len(recorder.times(name)) for name in net.populations) / N / MS * 1000.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--brian2", help="a Python in which Brian2 is installed")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--folder", type=Path, help="(used by the script itself) save Brian2's runs there")
    given = parser.parse_args()
    if given.folder:
        return brian2(given.folder, given.seeds)
    if not given.brian2:
        parser.error("give --brian2 PATH")
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run([given.brian2, __file__, "--folder", name, "--seeds", str(given.seeds)], check=True, cwd=folder)
        for seed in range(1, given.seeds + 1):
            found = dict(np.load(folder / f"{seed}.npz"))
            rows.append([float(found["rate"]), ours(found, 5.0), ours(found, 4.9)])
            print(seed, np.round(rows[-1], 2), file=sys.stderr)
    write(np.array(rows), np.array([drawn_here(seed) for seed in range(1, 2 * given.seeds + 1)]))


def mean(x: np.ndarray) -> str:
    return f"{x.mean():.3f} +- {x.std(ddof=1) / len(x) ** 0.5:.3f}"


def write(rates: np.ndarray, here: np.ndarray) -> None:
    """docs/coba_rate.md."""
    ratio = rates[:, 1:] / rates[:, :1]
    lines = [
        "# COBA beside Brian2 on the same graphs",
        "",
        "Written by `experiments/coba_same_graph.py`. Graph and start drawn by Brian2; rates in Hz over 10 s.",
        "",
        "| seed | Brian2, exponential Euler | thalia_sim | ratio | thalia_sim, t_ref a step shorter | ratio |",
        "| --- | --- | --- | --- | --- | --- |",
        *(
            f"| {k + 1} | {b:.2f} | {a:.2f} | {a / b:.3f} | {c:.2f} | {c / b:.3f} |" for k, (b, a, c) in enumerate(rates)
        ),
        f"| mean +- standard error | {mean(rates[:, 0])} | {mean(rates[:, 1])} | {mean(ratio[:, 0])} | {mean(rates[:, 2])} | {mean(ratio[:, 1])} |",
        "",
        "Half of what is left is Brian2's refractory period, which is a step shorter (`t_ref` counts whole steps here, as in NEST); the rest may go",
        "with its synapses, which act a step earlier. Rates differ from graph to graph, so single seeds, or means of few, may lie 5 % apart:",
        f"{len(here)} graphs drawn here fire at {mean(here)} Hz, with a standard deviation of {here.std(ddof=1):.2f} Hz.",
        "",
    ]
    (ROOT / "docs" / "coba_rate.md").write_text("\n".join(lines))
    (ROOT / "docs" / "coba_rate.json").write_text(json.dumps({"ratio": round(ratio[:, 0].mean(), 4), "graphs": len(ratio)}) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
