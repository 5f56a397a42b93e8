"""Does a plasticity rule do what the contract says: compiled as in plain Python, the same on any number of workers and for any step?"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..distributions import Uniform
from ..hooks import MemoryRecorder
from ..network import Network
from ..neurons import LIF
from ..plasticity import replay_synapse
from ..plasticity.chain import Chain, checked_chain
from ..plasticity.reference import Synapse, tupled
from ..simulation import Simulation
from ..sources import Poisson
from ..wiring import probability
from .runs import check_repeats, instance, told_as

N = 14  # neurons
SPAN = 150.0  # ms
DT = 0.1  # ms
ADDITIVE = 1e-9  # of the larger value: two pieces against one differ by a few roundings of 1e-16, also where a part of the value cancels
HALVING = 1e-6  # of the larger weight: weights are kept in single precision, 6e-8 a change, and some ten changes are compared


def check_rule(rule: Any, *, w: float | None = None) -> None:
    """Try a plasticity rule, its class, or several in a list: AssertionError or DescriptionError in one sentence if it breaks the contract.

    Signatures and what functions return; time in two pieces against time in one (within 1e-9); every synapse of a small network with mixed
    delays compiled against plain Python, to the bit; the bounds; 1, 2 and 4 threads, runs in pieces, save and resume to the bit; half the step
    gives the same weights (to 1e-6). w is the weight at the start, by default one between the bounds.
    """
    rules = [instance(r, "rule") for r in rule] if isinstance(rule, list) else instance(rule, "rule")
    chain = checked_chain(rules, "check_rule")
    assert chain is not None, "check_rule is given None: give a rule"
    what = f"rule {chain}"
    begin = float(np.float32(chain.weakest + 0.5 * min(chain.strongest - chain.weakest, 0.8))) if w is None else float(w)
    check_time(chain, begin)
    check_synapses(chain, begin, what)
    check_halving(chain, begin, what)
    if all(hasattr(p, "dendritic") for p in chain.rules):
        check_synapses(Chain(tuple(p._replace(dendritic=0.5 if p.dendritic == 0.0 else 0.0) for p in chain.rules)), begin, what)
    check_repeats(what, network(chain, begin), list, SPAN)


def network(chain: Chain, w: float) -> Network:
    """Driven neurons with the rule on their synapses, delays of 0.3 to 4 ms."""
    net = Network(seed=1)
    cells = net.populate("cells", N, LIF(tau_m=20.0, v_th=15.0, t_ref=2.0))
    net.drive(cells, Poisson(rate=1100.0), w=1.0)
    net.connect(cells, cells, probability(0.25), w=w, delay=Uniform(0.3, 4.0), rule=list(chain.rules))
    return net


def own_modulators(chain: Chain) -> dict[str, float]:
    """Modulators beside the channels, as they are at the start of a run."""
    return dict.fromkeys(chain.modulators, 1.0)


def check_synapses(chain: Chain, begin: float, what: str) -> None:
    """Weights and state of every synapse, from the spikes of the run, in plain Python."""
    net, memory = network(chain, begin), MemoryRecorder()
    with told_as(what):
        sim = Simulation(net, [memory])
        sim.run(SPAN)
    (times, ids), view, dt = memory.spikes_of("cells"), sim["cells->cells"], net.dt
    fired = [np.rint(times[ids == k] / dt).astype(int) - 1 for k in range(N)]
    end = round(SPAN / dt)
    w = view.w
    names = [name for name, (n, f) in view.learning.names.items() if (n, f) in chain.state]
    state = {name: getattr(view, name) for name in names}
    for k, (i, j, delay) in enumerate(zip(view.i, view.j, view.delay, strict=True)):
        d = round(delay / dt)
        arrivals, spikes = fired[i] + d, fired[j] + int(2.0 * chain.dendritic * d + 0.5)
        at = [dt * s for s in arrivals if s < end], [dt * s for s in spikes if s < end]
        found = replay_synapse(list(chain.rules), *at, begin, dt=dt, until=SPAN, modulators=own_modulators(chain))
        where = f"{what}: synapse {i}->{j} with a delay of {delay:g} ms"
        assert abs(w[k]) == found.w[-1], f"{where} has the strength {abs(w[k])!r} compiled and {found.w[-1]!r} in plain Python: {REMEDY}"
        assert chain.weakest <= abs(w[k]) <= chain.strongest, f"{where} has the strength {abs(w[k])!r}, out of its bounds"
        for name in names:
            _, field = view.learning.names[name]
            if field in found.state:
                expected = found.state[field][-1]
                assert state[name][k] == expected, f"{where} has {name} = {state[name][k]!r} compiled and {expected!r} in plain Python: {REMEDY}"


def check_time(chain: Chain, begin: float) -> None:
    """Time that passes in two pieces is as time in one: `between` and `target_between` of each rule, from several states."""
    for n, made in enumerate(chain.declared):
        for scale in (1.0, 0.3, 2.0):
            near = {field: chain.start_of(n, field) * scale + 0.1 * (scale - 1.0) for field in (*made.state, *made.target)}
            start = {**dict.fromkeys(made.modulators, 1.0), **{trace.name: scale for trace in made.traces}, **near}
            for kind, fields in (("between", ("w", *made.state)), ("target_between", tuple(made.target))):
                if getattr(made, kind) is not None:
                    check_pieces(chain, n, kind, fields, {**start, "w": begin})


def check_pieces(chain: Chain, n: int, kind: str, fields: tuple[str, ...], start: dict[str, float]) -> None:
    """One function over steps and over the same in two pieces, between which traces of the target decay."""
    synapse, made = Synapse(list(chain.rules), start["w"], DT, own_modulators(chain)), chain.declared[n]

    def after(values: dict[str, float], k: int) -> dict[str, float]:
        reads = [*(["w"] if kind == "between" else []), *made.reads(kind)]
        found = tupled(synapse.ask(n, kind, *(values[x] for x in reads), float(k), DT))
        decayed = {t.name: values[t.name] * math.exp(-k * DT / getattr(chain.rules[n], t.tau)) for t in made.traces}
        return {**values, **decayed, **dict(zip(fields, found, strict=True))}

    for first, second in ((1, 1), (3, 40), (700, 300)):
        one, two = after(start, first + second), after(after(start, first), second)
        for field in fields:
            error, size = abs(one[field] - two[field]), max(abs(one[field]), abs(start[field]))
            told = f"{kind} of rule {made.name} over {first + second} steps gives {field} = {one[field]!r}, and {two[field]!r} in two pieces"
            assert error <= ADDITIVE * size, f"{told} of {first} and {second}: let it be the solution of an equation in time"


REMEDY = "let its functions depend on their arguments only, and use math"


def check_halving(chain: Chain, begin: float, what: str) -> None:
    """Half the step, spikes at the same times: the same weights, state and deliveries but for rounding."""
    random = np.random.default_rng(8)
    arrivals, spikes = (np.unique(np.round(random.uniform(0.2, SPAN, 12), 1)).tolist() for _ in range(2))
    coarse, fine = (
        replay_synapse(list(chain.rules), arrivals, spikes, begin, dt=dt, until=SPAN, modulators=own_modulators(chain)) for dt in (0.1, 0.05)
    )
    assert np.isfinite(coarse.w).all(), f"{what} gives a weight that is no finite number: look at its functions and parameters"
    courses = [{"weights": run.w, "deliveries": run.delivered, **run.state, **run.target} for run in (coarse, fine)]
    for name, values in courses[0].items():
        error, size = np.abs(values - courses[1][name]).max(initial=0.0), np.abs(values).max(initial=0.0)
        advice = "use times (k dt), not numbers of steps"
        assert error <= HALVING * size, f"{what} gives {name} that differ by {error:g} when the step is halved: {advice}"
