"""What does each plasticity rule do? A panel a rule, from the engine.

python experiments/rules.py

Writes docs/figures/rules.png, in about a minute and a half.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from thalia_sim import (
    BCM,
    LIF,
    AntiHebb,
    Covariance,
    FixedBCM,
    Hebb,
    Hook,
    LIFCond,
    LIFExp1,
    MemoryRecorder,
    NearestSTDP,
    Network,
    Oja,
    PairSTDP,
    Poisson,
    PoissonSource,
    RewardSTDP,
    ShortTerm,
    Simulation,
    SoftSTDP,
    SpikeArray,
    TimedArray,
    TripletSTDP,
    Uniform,
    VogelsSprekeler,
    WeightDecay,
    all_to_all,
    one_to_one,
)

FIGURE = Path(__file__).resolve().parent.parent / "docs" / "figures" / "rules.png"
TWO = ("tab:blue", "tab:red")


# networks of the panels


def trains(times: list[Any]) -> SpikeArray:
    """Lists of times (ms), one an element."""
    return SpikeArray(times=np.concatenate([np.asarray(t, float) for t in times]), ids=np.repeat(np.arange(len(times)), [len(t) for t in times]))


def pairs(rule: Any, arrivals: list[Any], spikes: list[Any], w: Any, dt: float = 0.1, hooks: tuple[Any, ...] = ()) -> Simulation:
    """Synapses k whose source and target fire at arrivals[k] and spikes[k], both 1 ms later at the synapse."""
    net = Network(seed=1, dt=dt)
    pre, cause = (net.populate(name, len(t), trains(t)) for name, t in (("pre", arrivals), ("cause", spikes)))
    post = net.populate("post", len(spikes), LIF(t_ref=0.0, v_th=50.0))
    net.connect(cause, post, one_to_one(), w=100.0, delay=1.0)
    net.connect(pre, post, one_to_one(), w=w, delay=1.0, rule=rule, name="syn")
    return Simulation(net, list(hooks))


def over_time(sim: Simulation, seconds: float, points: int, read: Any) -> tuple[np.ndarray, np.ndarray]:
    """(times in s, what `read(sim)` found at them)."""
    t, found = [0.0], [read(sim)]
    for _ in range(points):
        sim.run(1000.0 * seconds / points)
        t.append(sim.t / 1000.0)
        found.append(read(sim))
    return np.array(t), np.array(found)


def windows(ax: Any) -> None:
    """Change by one pair."""
    gaps = np.concatenate([np.arange(-80.0, 0.0, 2.0), np.arange(1.0, 80.0, 2.0)])
    for rule, w, text in ((PairSTDP(a_plus=0.01, a_minus=0.0105), 0.5, "PairSTDP"), (SoftSTDP(c_plus=0.01, c_minus=0.03), 0.2, "SoftSTDP, w 0.2"),
                          (SoftSTDP(c_plus=0.01, c_minus=0.03), 0.5, "SoftSTDP, w 0.5")):  # fmt: skip
        sim = pairs(rule, [[100.0]] * len(gaps), [[100.0 + gap] for gap in gaps], w)
        sim.run(300.0)
        ax.plot(gaps, 100 * (sim["syn"].w - w), label=text)
    ax.set(title="Pair STDP: one pair", xlabel="target's spike after arrival (ms)", ylabel="change of w (0.01)")
    ax.axhline(0.0, color="0.8", lw=0.8, zorder=0)


def nearest(ax: Any) -> None:
    """One spike of the target in a train of arrivals: all pairs or the nearest."""
    period = np.array([5.0, 7.0, 10.0, 14.0, 20.0, 28.0, 40.0, 56.0, 80.0])
    arrivals = [np.arange(10.0, 400.0, t) for t in period]
    spikes = [[t[len(t) // 2] + 2.0] for t in arrivals]
    for rule in (PairSTDP(a_plus=0.01, a_minus=0.0105), NearestSTDP(a_plus=0.01, a_minus=0.0105)):
        sim = pairs(rule, arrivals, spikes, 0.5)
        sim.run(500.0)
        ax.plot(1000.0 / period, 100 * (sim["syn"].w - 0.5), "o-", ms=3, label=type(rule).__name__)
    ax.set(title="Nearest spikes or all: one target spike", xlabel="rate of arrivals (Hz)", ylabel="change of w (0.01)")
    ax.axhline(0.0, color="0.8", lw=0.8, zorder=0)


def distributions(ax: Any) -> None:
    """The neuron of Song, Miller & Abbott 2000 after 10 minutes."""
    for softness, text, colour in ((0.0, "softness 0", TWO[0]), (1.0, "softness 1", TWO[1])):
        net = Network(seed=1, dt=0.5)
        exc, inh = net.populate("exc", 1000, PoissonSource(rate=15.0)), net.populate("inh", 200, PoissonSource(rate=10.0))
        cell = LIFCond(tau_m=20.0, c_m=200.0, e_l=-70.0, e_inh=-70.0, v_th=-54.0, v_reset=-60.0, tau_exc=5.0, tau_inh=5.0, t_ref=0.5)
        out = net.populate("out", 1, cell)
        rule = PairSTDP(w_max=0.15, softness=softness)
        net.connect(exc, out, all_to_all(), w=Uniform(0.0, 0.15), receptor="exc", rule=rule, name="syn")
        net.connect(inh, out, all_to_all(), w=0.5, receptor="inh")
        sim = Simulation(net)
        sim.run(600_000.0)
        ax.hist(sim["syn"].w / 0.15, bins=40, range=(0.0, 1.0), histtype="stepfilled", alpha=0.6, color=colour, label=text)
    ax.set(title="PairSTDP: 1,000 inputs after 10 min", xlabel="w / w_max", ylabel="synapses", yscale="log", ylim=(0.7, 3000))


def triplets(ax: Any) -> None:
    """Sjostrom, Turrigiano & Nelson 2001, as used by Pfister & Gerstner 2006."""
    rates = np.array([0.1, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 35.0, 40.0, 45.0, 50.0])
    seen = {10.0: ((-0.04, 0.14, 0.29, 0.53, 0.56), (0.05, 0.1, 0.14, 0.11, 0.26)),
            -10.0: ((-0.29, -0.41, -0.34, 0.56, 0.75), (0.08, 0.11, 0.1, 0.32, 0.19))}  # fmt: skip
    for (gap, (data, sem)), colour in zip(seen.items(), TWO, strict=True):
        pre = [np.round(100.0 + np.arange(60) * 1000.0 / rate, 1) for rate in rates]
        sim = pairs(TripletSTDP(), pre, [t + gap for t in pre], 1.0)
        sim.run(600_200.0)
        ax.plot(rates, 100 * (sim["syn"].w - 1.0), color=colour, label=f"{gap:+g} ms")
        ax.errorbar((0.1, 10.0, 20.0, 40.0, 50.0), 100 * np.array(data), 100 * np.array(sem), fmt="o", ms=3, color=colour, capsize=2)
    ax.axhline(0.0, color="0.8", lw=0.8, zorder=0)
    ax.set(title="TripletSTDP and Sjöström 2001 (points)", xlabel="rate of 60 pairs (Hz)", ylabel="change of w (%)")


def two_groups(rule: Any) -> tuple[np.ndarray, np.ndarray]:
    """(s, mean weights [t, 2]) of two groups of inputs that are active in turns."""
    which = np.random.default_rng(1).integers(0, 2, 1000)
    net = Network(seed=1, dt=0.5)
    a, b = (net.populate(f"p{k}", 50, PoissonSource(rate=TimedArray(np.where(which == k, 40.0, 2.0), 200.0))) for k in (0, 1))
    out = net.populate("out", 8, LIF())
    net.drive(out, Poisson(rate=300.0), w=1.0)
    net.connect(a + b, out, all_to_all(), w=0.35, rule=rule, name="syn")
    return over_time(Simulation(net), 200.0, 50, lambda sim: [sim["syn"].w[sim["syn"].i // 50 == k].mean() for k in (0, 1)])


def bcm(ax: Any) -> None:
    sliding, fixed = BCM(eta=5e-4, tau_theta=2000.0, theta_start=1.0, w_max=1.0), FixedBCM(eta=5e-4, w_max=1.0)
    for rule, dashes, text in ((sliding, "-", "BCM"), (fixed, ":", "FixedBCM")):
        t, w = two_groups(rule)
        for k in (0, 1):
            ax.plot(t, w[:, k], dashes, color=TWO[k], label=f"{text}, group {k + 1}")
    ax.set(title="BCM: two groups of inputs in turns", xlabel="time (s)", ylabel="mean w (mV)", ylim=(-0.05, 1.3))


def hebb(ax: Any) -> None:
    """Two correlated groups of inputs and two others."""
    on = np.random.default_rng(2).random((3, 4000)) < 0.1
    rules = (("Hebb", Hebb(eta=1e-3, w_max=1.0), "tab:green"), ("Oja", Oja(eta=1e-3), "tab:blue"), ("AntiHebb", AntiHebb(eta=5e-5), "tab:red"))
    for name, rule, colour in rules:
        net = Network(seed=2, dt=0.5)
        groups = [net.populate(f"g{k}", 20, PoissonSource(rate=TimedArray(200.0 * on[(0, 0, 1, 2)[k]], 50.0))) for k in range(4)]
        out = net.populate("out", 4, LIF())
        net.connect(groups[0] + groups[1] + groups[2] + groups[3], out, all_to_all(), w=0.4, rule=rule, name="syn")
        t, w = over_time(Simulation(net), 200.0, 40, lambda sim: [sim["syn"].w[(sim["syn"].i // 40) == k].mean() for k in (0, 1)])
        ax.plot(t, w[:, 0], "-", color=colour, label=name)
        ax.plot(t, w[:, 1], ":", color=colour)
    ax.set(title="Hebb, Oja: correlated inputs (solid) and others", xlabel="time (s)", ylabel="mean w (mV)", ylim=(-0.05, 1.4))


def inhibitory(ax: Any) -> None:
    for target, colour in ((5.0, "tab:blue"), (10.0, "tab:orange"), (20.0, "tab:green")):
        net = Network(seed=1, dt=0.5)
        inh, out = net.populate("inh", 200, PoissonSource(rate=10.0)), net.populate("out", 100, LIF())
        net.drive(out, Poisson(rate=2000.0), w=1.0)
        net.connect(inh, out, all_to_all(), w=-0.5, rule=VogelsSprekeler(target=target, eta=0.005))
        memory = MemoryRecorder(["out"])
        Simulation(net, [memory]).run(40_000.0)
        count, edges = np.histogram(memory.times("out"), 40, (0.0, 40_000.0))
        ax.plot((edges[:-1] + 500.0) / 1000.0, count / 100.0, color=colour, label=f"{target:g} Hz")
        ax.axhline(target, color=colour, lw=0.8, ls=":")
    ax.set(title="VogelsSprekeler: rate finds its target", xlabel="time (s)", ylabel="rate (Hz)", ylim=(0.0, 40.0))


def short_term(ax: Any) -> None:
    times = np.append(np.arange(0.0, 500.0, 50.0), 1000.0)
    gaps = np.diff(times + 11.0, prepend=0.0)
    for rule, text, colour in ((ShortTerm(), "depression", TWO[0]), (ShortTerm(u_rest=0.1, tau_d=100.0, tau_f=1000.0), "facilitation", TWO[1])):
        net = Network(seed=1)
        pre, post = net.populate("pre", 1, trains([times + 10.0])), net.populate("post", 1, LIFExp1(tau_syn=0.5))
        net.connect(pre, post, one_to_one(), w=100.0, delay=1.0, rule=rule)
        sim, seen = Simulation(net), []
        for gap in gaps:
            sim.run(gap)
            seen.append(float(sim["post"].i_syn[0]))
        ax.plot(times, seen, "o", ms=4, color=colour, label=text)
        ax.vlines(times, 0.0, seen, color=colour, lw=0.8, alpha=0.6)
    ax.set(title="ShortTerm: 20 Hz, then a rest", xlabel="time (ms)", ylabel="current after the spike (pA)", ylim=(0, 60))


class Reward(Hook):
    """A reward of 0.1 s."""

    def __init__(self, m: float, on: float) -> None:
        self.m, self.at = m, (0.0, on, on + 100.0)

    def handle(self, sim: Any) -> None:
        sim["syn"].m_reward = self.m if sim.t == self.at[1] else 0.0


def reward(ax: Any) -> None:
    for m, on, colour in ((0.02, 500.0, TWO[0]), (0.02, 1500.0, "tab:cyan"), (-0.02, 500.0, TWO[1])):
        sim = pairs(RewardSTDP(a_plus=0.1), [[100.0]], [[110.0]], 0.5, hooks=(Reward(m, on),))
        t, w = over_time(sim, 2.5, 250, lambda sim: sim["syn"].w[0])
        ax.plot(t, w, color=colour, label=f"{m:+g} at {on / 1000:g} s")
    t, e = over_time(pairs(RewardSTDP(a_plus=0.1), [[100.0]], [[110.0]], 0.5), 2.5, 250, lambda sim: sim["syn"].e[0])
    ax.plot(t, 0.5 + e, ":", color="0.5", label="0.5 + eligibility e")
    ax.set(title="RewardSTDP: a pair at 0.1 s, reward later", xlabel="time (s)", ylabel="w", ylim=(0.4, 0.75))


def covariance(ax: Any) -> None:
    on = np.arange(600) % 2
    a, b = (PoissonSource(rate=TimedArray(20.0 * x, 100.0)) for x in (on, 1 - on))
    steady = PoissonSource(rate=10.0)
    for text, pre, cause in (("together", steady, None), ("independent", steady, steady), ("in turns", a, b)):
        net = Network(seed=1, dt=0.5)
        source = net.populate("pre", 50, pre)
        other = source if cause is None else net.populate("cause", 50, cause)
        post = net.populate("post", 50, LIF(t_ref=0.0, v_th=50.0))
        net.connect(other, post, one_to_one(), w=100.0, delay=1.0)
        net.connect(source, post, one_to_one(), w=1.0, delay=1.0, rule=Covariance(eta=1e-3), name="syn")
        sim = Simulation(net)
        sim["syn"].m_learning = 0.0
        sim.run(10_000.0)  # until the means are known
        sim["syn"].m_learning = 1.0
        t, w = over_time(sim, 50.0, 50, lambda sim: sim["syn"].w.mean())
        ax.plot(t - t[1] + 1.0, w, label=text)
    ax.set(title="Covariance: pairs of trains of 10 Hz", xlabel="time (s)", ylabel="mean w of 50 (mV)", xlim=(1, 50))


def bounds(ax: Any) -> None:
    """Change by one pair, by strength."""
    w = np.linspace(0.0, 1.0, 41)
    for softness in (0.0, 0.3, 1.0):
        for gap in (5.0, -5.0):
            sim = pairs(PairSTDP(a_plus=0.01, a_minus=0.01, softness=softness), [[100.0]] * 41, [[100.0 + gap]] * 41, w)
            sim.run(200.0)
            colour = {0.0: "tab:blue", 0.3: "tab:orange", 1.0: "tab:green"}[softness]
            ax.plot(w, 100 * (sim["syn"].w - w), color=colour, label=f"softness {softness:g}" if gap > 0 else None)
    ax.axhline(0.0, color="0.8", lw=0.8, zorder=0)
    ax.set(title="Bounds: a pair at +5 and -5 ms", xlabel="w / w_max", ylabel="change of w (0.01)")


def decay(ax: Any) -> None:
    """Pairs for 5 s, then silence."""
    pre = 100.0 + np.arange(100) * 50.0
    for text, rule in (("PairSTDP", PairSTDP()), ("then WeightDecay", [PairSTDP(), WeightDecay(tau=4000.0, w_rest=0.2)])):
        t, w = over_time(pairs(rule, [pre, []], [pre + 5.0, []], 0.4), 12.0, 240, lambda sim: sim["syn"].w)
        line = ax.plot(t, w[:, 0], label=f"{text}, 5 s of pairs")
        ax.plot(t, w[:, 1], ":", color=line[0].get_color(), label=f"{text}, silent")
    ax.set(title="WeightDecay behind PairSTDP", xlabel="time (s)", ylabel="w", ylim=(0, 1.0))


PANELS = [windows, nearest, distributions, bounds, triplets, bcm, hebb, inhibitory, short_term, reward, covariance, decay]


def main() -> None:
    shown, axes = plt.subplots(4, 3, figsize=(11.5, 14.0), layout="constrained")
    for ax, panel in zip(axes.flat, PANELS, strict=True):
        panel(ax)
        ax.title.set_fontsize(10)
        ax.spines[["top", "right"]].set_visible(False)
        ax.legend(fontsize=7.5, frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.19), ncols=2 if len(ax.get_lines()) != 3 else 3)
    shown.savefig(FIGURE, dpi=100)


if __name__ == "__main__":
    main()
