"""What does each plasticity rule cost, beside a static projection? And the tables of docs/plasticity.md, from the code and these figures.

python experiments/rules_cost.py [cost page]

cost  ns a synaptic event of each rule, in networks whose spikes are the same to the last one: synapses learn, but what they deliver is multiplied
      by 0. Writes docs/rules_cost.json; run it on an idle machine
page  writes the tables of docs/plasticity.md between their markers
"""

from __future__ import annotations

import argparse
import inspect
import json
import math
import os
import platform
import re
import statistics
import time
from pathlib import Path
from typing import Any

import thalia_sim
from thalia_sim import (
    BCM,
    LIF,
    AntiHebb,
    Covariance,
    FixedBCM,
    Hebb,
    NearestSTDP,
    Network,
    Oja,
    PairSTDP,
    Poisson,
    RewardSTDP,
    ShortTerm,
    Simulation,
    SoftSTDP,
    TripletSTDP,
    Uniform,
    VogelsSprekeler,
    WeightDecay,
    in_degree,
)

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGE, COSTS = DOCS / "plasticity.md", DOCS / "rules_cost.json"

# rule -> (equation, source)
ABOUT = {
    Hebb: ("target: w += eta x_pre", "Hebb 1949, The Organization of Behavior"),
    AntiHebb: ("target: w -= eta x_pre", "Földiák 1990, Biol. Cybern. 64:165"),
    Oja: ("target: w += eta (x_pre - w/w_scale (x_post + 1))", "Oja 1982, J. Math. Biol. 15:267"),
    BCM: (
        "arrival: w += eta y (y - theta), y = x_post; tau_theta dtheta/dt = y^power - theta",
        "Bienenstock, Cooper & Munro 1982, J. Neurosci. 2:32; Intrator & Cooper 1992, Neural Netw. 5:3",
    ),
    FixedBCM: ("arrival: w += eta y (y - theta), y = x_post", "Bienenstock, Cooper & Munro 1982, J. Neurosci. 2:32"),
    Covariance: (
        "target: w += eta (x_pre - mean of x_pre); arrival: w += eta (x_post - mean of x_post); mean: slow trace times tau/tau_slow",
        "Sejnowski 1977, J. Math. Biol. 4:303",
    ),
    PairSTDP: (
        "target: w += a_plus w_max x_pre; arrival: w -= a_minus w_max x_post; all pairs",
        "Song, Miller & Abbott 2000, Nat. Neurosci. 3:919; softness: Rubin, Lee & Sompolinsky 2001, Phys. Rev. Lett. 86:364, "
        "Gütig et al. 2003, J. Neurosci. 23:3697",
    ),
    NearestSTDP: ("the same, each spike with the nearest before it on the other side", "Morrison, Diesmann & Gerstner 2008, Biol. Cybern. 98:459"),
    SoftSTDP: ("target: w += c_plus x_pre; arrival: w -= c_minus w x_post", "van Rossum, Bi & Turrigiano 2000, J. Neurosci. 20:8812"),
    TripletSTDP: (
        "target: w += w_scale x_pre (a2_plus + a3_plus x_post_slow); arrival: w -= w_scale x_post (a2_minus + a3_minus x_pre_slow)",
        "Pfister & Gerstner 2006, J. Neurosci. 26:9673",
    ),
    VogelsSprekeler: (
        "target: w += eta x_pre; arrival: w += eta (x_post - 2 target tau_post)", "Vogels, Sprekeler et al. 2011, Science 334:1569"
    ),
    RewardSTDP: (
        "target: e += a_plus x_pre; arrival: e -= a_minus x_post; dw/dt = m_reward e, tau_e de/dt = -e",
        "Izhikevich 2007, Cereb. Cortex 17:2443; Frémaux & Gerstner 2016, Front. Neural Circuits 9:85",
    ),
    ShortTerm: (
        "arrival: u += u_rest (1 - u), delivers w u r, r -= u r; tau_f du/dt = -u, tau_d dr/dt = 1 - r",
        "Tsodyks, Pawelzik & Markram 1998, Neural Comput. 10:821",
    ),
    WeightDecay: ("tau dw/dt = w_rest - w", "weight decay: Hanson & Pratt 1989, NIPS 1:177; exact in time, also of silent synapses"),
}  # fmt: skip


def network(rule: Any, connected: bool = True) -> Network:
    """2,000 neurons at about 20 Hz, two million synapses whose weights are multiplied by 0: the spikes are the same, whatever is learned."""
    net = Network(seed=1)
    cells = net.populate("cells", 2000, LIF(), v=Uniform(0.0, 15.0))
    net.drive(cells, Poisson(rate=2100.0), w=0.35)
    if connected:
        net.connect(cells, cells, in_degree(1000), w=Uniform(0.4, 0.6), delay=1.5, gain=0.0, rule=rule, name="syn")
    return net


def cost(repeats: int = 20) -> None:
    """Fastest of rounds (a machine with neighbours is at times half as fast) in which every network runs 0.5 s once."""
    modified = {RewardSTDP: RewardSTDP(a_plus=1e-4, a_minus=1e-4), BCM: BCM(eta=1e-5), FixedBCM: FixedBCM(eta=1e-5)}
    named: dict[str, Any] = {kind.__name__: modified.get(kind, kind()) for kind in ABOUT}
    named |= {"PairSTDP, softness 1": PairSTDP(softness=1.0), "PairSTDP, dendritic 0.5": PairSTDP(dendritic=0.5)}
    sims: dict[str, Simulation] = {"nothing": Simulation(network(None, connected=False)), "static": Simulation(network(None))}
    sims |= {name: Simulation(network(rule)) for name, rule in named.items()}
    times: dict[str, list[float]] = {name: [] for name in sims}
    for k in range(repeats + 1):
        for name, sim in sims.items():
            sim.reset()
            sim.run(100.0)
            begin = time.process_time()
            sim.run(500.0)
            if k:
                times[name].append(time.process_time() - begin)
        print(k, {name: round(found[-1], 3) for name, found in times.items() if found}, flush=True)
    events = {name: sim.counters["synaptic_events"] for name, sim in sims.items() if name != "nothing"}
    (total,) = set(events.values())
    during = total * 500 / 600
    per_second = 2.0 * during
    empty = min(times["nothing"])
    found = {name: sorted(1e9 * (spent - empty) / during for spent in each) for name, each in times.items() if name != "nothing"}
    COSTS.write_text(json.dumps({
        "neurons": 2000, "synapses": 2_000_000, "events_per_s": round(per_second), "rate_hz": round(per_second / 2e6, 1), "repeats": repeats,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}", "load": round(os.getloadavg()[0], 1),
        "ns": {name: [round(x, 2) for x in (each[0], statistics.median(each), each[-1])] for name, each in found.items()},
    }, indent=1) + "\n")  # fmt: skip


def meaning(kind: type, field: str) -> str:
    """What the comment behind a parameter says after its unit."""
    found = re.search(rf"^\s+{field}\s*:[^#\n]*#\s*[^,\n]*,?\s*(.*)$", inspect.getsource(kind), flags=re.M)
    return found[1].strip() if found else ""


def rule_table() -> str:
    costs = json.loads(COSTS.read_text()) if COSTS.exists() else {"ns": {}}
    static = costs["ns"].get("static", [math.nan])[0]
    lines = ["| rule | at what | bytes a synapse | ns an event | times static | source |", "| --- | --- | --- | --- | --- | --- |"]
    for kind, (equation, source) in ABOUT.items():
        ns = costs["ns"].get(kind.__name__, [math.nan])[0]
        size = 6 + 4 * len(kind.__thalia_rule__.state)  # type: ignore[attr-defined]
        lines.append(f"| `{kind.__name__}` | {equation} | {size} | {ns:.1f} | {ns / static:.1f} | {source} |")
    return "\n".join([*lines, *(conditions(costs) if costs["ns"] else [])])


def conditions(costs: dict[str, Any]) -> list[str]:
    """How the costs were measured."""
    of_pair = [name for name in costs["ns"] if name.startswith("PairSTDP, ")]
    more = ", ".join(f"{name.removeprefix('PairSTDP, ')} {costs['ns'][name][0]:.1f} ns" for name in of_pair)
    higher = 100 * (max(middle / low for low, middle, _ in costs["ns"].values()) - 1)
    return [
        "", f"`PairSTDP` with {more}. The static projection, with a weight for each synapse: {costs['ns']['static'][0]:.1f} ns and 6 bytes.",
        f"Measured by `python experiments/rules_cost.py`: {costs['neurons']:,} neurons at {costs['rate_hz']:g} Hz, {costs['synapses']:,} synapses of",
        f"one delay, {costs['events_per_s'] / 1e6:.0f} million events a second, the same spikes in every run. One thread, CPU time, the fastest of",
        f"{costs['repeats']} rounds less that of the run without synapses; medians are at most {higher:.0f} % higher.",
        f"{costs['machine']}; load while measuring {costs['load']:g}.",
    ]  # fmt: skip


def parameter_table() -> str:
    lines = ["| rule | parameter | default | unit | meaning |", "| --- | --- | --- | --- | --- |"]
    for kind in ABOUT:
        units = kind.__thalia_rule__.units  # type: ignore[attr-defined]
        for field, default in kind._field_defaults.items():  # type: ignore[attr-defined]
            unit = "of w" if units[field] == "unit" else units[field]
            lines.append(f"| `{kind.__name__}` | `{field}` | {default:g} | {unit} | {meaning(kind, field)} |")
    return "\n".join(lines)


def page() -> None:
    """Write the tables into the page."""
    missing = {k for k in vars(thalia_sim).values() if isinstance(k, type) and hasattr(k, "__thalia_rule__")} - set(ABOUT)
    assert not missing, f"{missing} are not described"
    text = PAGE.read_text(encoding="utf-8")
    for name, table in (("rules", rule_table()), ("parameters", parameter_table())):
        text = re.sub(rf"(<!-- {name} -->\n).*?(<!-- end of {name} -->)", lambda m, t=table: f"{m[1]}{t}\n{m[2]}", text, flags=re.S)
    PAGE.write_text(text, encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("parts", nargs="*", default=["cost", "page"])
    for part in parser.parse_args().parts:
        {"cost": cost, "page": page}[part]()


if __name__ == "__main__":
    main()
