"""The checks that a stranger runs: they let every built-in neuron, rule and hook pass, and name what is wrong with broken ones."""

import math
import random
from typing import NamedTuple

import numpy as np
import pytest
from stranger_neuron import Leaky
from stranger_rule import SoftSTDP as StrangerSTDP

from thalia_sim import (
    AdaptiveLIF,
    DescriptionError,
    Hook,
    Interventions,
    IntrinsicPlasticity,
    LIFAlpha,
    LIFCond,
    LIFDelta,
    LIFExp,
    LIFExp1,
    Lesion,
    MemoryRecorder,
    PoissonSource,
    PopulationIntrinsicPlasticity,
    Sample,
    Scale,
    Simulation,
    Stability,
    Stimulate,
    neuron,
    rule,
)
from thalia_sim import plasticity as rules
from thalia_sim.neurons.lif_delta import State
from thalia_sim.neurons.lif_delta import advance as lif_advance
from thalia_sim.neurons.lif_delta import derive as lif_derive
from thalia_sim.neurons.lif_delta import may_fire as lif_may_fire
from thalia_sim.neurons.lif_delta import step as lif_step
from thalia_sim.plasticity.chain import checked_chain
from thalia_sim.testing import check_hook, check_neuron, check_rule
from thalia_sim.testing.rules import SPAN, network

# what works


@pytest.mark.parametrize("model", [LIFDelta, LIFExp, LIFExp1, LIFAlpha, LIFCond, AdaptiveLIF, Leaky])
def test_neurons(model):
    check_neuron(model)


BUILT_IN = [r for r in vars(rules).values() if isinstance(r, type) and hasattr(r, "__thalia_rule__")]


@rule(on_pre=lambda w, x_post, p: w - 0.01 * x_post, on_post=lambda w, x_pre, p: w + 0.01 * x_pre)
class PartlyDendritic(NamedTuple):
    """Tried with and without its share."""

    tau_pre: float = 20.0
    tau_post: float = 20.0
    dendritic: float = 0.0


@pytest.mark.parametrize("made", [*BUILT_IN, PartlyDendritic, StrangerSTDP, [rules.ShortTerm(), rules.PairSTDP(a_plus=0.05)]], ids=str)
def test_rules(made):
    check_rule(made)


HOOKS = {
    "memory": lambda: MemoryRecorder(state=[Sample("exc", "v", every=1.3)]),
    "interventions": lambda: Interventions(
        [Lesion("exc", share=0.2, at=30.0), Scale("exc->exc", 2.0, at=40.0, until=100.0), Stimulate("inh", current=50.0, at=60.0)]
    ),
    "intrinsic": lambda: IntrinsicPlasticity("exc", target=5.0, tau_threshold=500.0),
    "population": lambda: PopulationIntrinsicPlasticity("exc", target=5.0, lr=0.1),
    "stability": lambda: Stability("exc", rate=(0.5, 20.0), every=20.0, window=60.0),
}


@pytest.mark.parametrize("name", HOOKS)
def test_hooks(name):
    check_hook(HOOKS[name])


def test_the_network_of_the_check_moves_weights():
    """The comparison of synapses is one of some that have changed, both ways."""
    net = network(checked_chain(rules.PairSTDP(a_plus=0.05, a_minus=0.05), "here"), 0.4)
    sim = Simulation(net, [])
    sim.run(SPAN)
    w = sim["cells->cells"].w
    assert (w > 0.41).sum() > 5 and (w < 0.39).sum() > 5


# neurons that are broken


def wrong_advance(s, k, c, p):
    """Half of the decay."""
    return State(s.v * math.exp(0.5 * k * c.rate), max(s.left - k, 0.0), s.v_th, s.i_ext)


def sure_not(s, c, p):
    """Says no, though the current alone may bring it to threshold."""
    return False


def by_chance(s, x, c, p):
    new, fired = lif_step(s, x, c, p)
    return State(new.v + 0.01 * random.random(), new.left, new.v_th, new.i_ext), fired


def never(s, x, c, p):
    return lif_step(s, x, c, p)[0], False


def no_state(s, x, c, p):
    return s.v, False


TABLE = {"a": 1.0, 1: "b"}


def by_dict(s, x, c, p):
    TABLE["a"] = s.v
    return lif_step(s, x, c, p)


def made(step=lif_step, advance=lif_advance, may_fire=lif_may_fire):
    """LIFDelta with other functions."""
    parts = {"state": State, "derive": lif_derive, "step": step, "advance": advance, "may_fire": may_fire}
    fresh = type("Broken", (LIFDelta,), {})
    return neuron(**parts, receptors=("syn",), held=("v_th", "i_ext"), initial={"v": "e_l"})(fresh)


BROKEN_NEURONS = {
    "advance": (lambda: made(advance=wrong_advance)(), AssertionError, r"advance of model Broken over 1 steps gives v = .* where single steps give"),
    "may_fire": (lambda: made(may_fire=sure_not)(e_l=16.0, v_th=15.0), AssertionError, r"may_fire of model Broken says no .* fires \d+ steps later"),
    "chance": (lambda: made(step=by_chance, advance=None, may_fire=None)(), AssertionError, "either compiled or in plain Python|compiled and"),
    "never": (lambda: made(step=never)(), AssertionError, "model Broken does not fire whatever arrives at syn"),
    "return": (lambda: made(step=no_state)(), DescriptionError, "step of model Broken returned .*: return a State"),
    "dict": (lambda: made(step=by_dict)(), DescriptionError, "step of model Broken cannot be compiled .*: use math, arithmetic and numbers only"),
    "source": (lambda: PoissonSource(), DescriptionError, "is a source of spikes"),
    "no model": (lambda: 3.0, DescriptionError, "is not a model"),
    "arrays": (lambda: LIFDelta(tau_m=np.ones(3)), DescriptionError, "give numbers"),
}


@pytest.mark.parametrize("name", BROKEN_NEURONS)
def test_broken_neurons(name):
    make, kind, match = BROKEN_NEURONS[name]
    with pytest.raises(kind, match=match) as error:
        check_neuron(make())
    assert "\n" not in str(error.value)


def test_an_advance_that_is_wrong_by_little_is_found():
    """A relative error of 1e-8 in the decay; the tolerance is 1e-9 of the largest value."""

    def nearly(s, k, c, p):
        found = lif_advance(s, k, c, p)
        return State(found.v * (1.0 + 1e-8), found.left, found.v_th, found.i_ext)

    with pytest.raises(AssertionError, match="advance of model Broken"):
        check_neuron(made(advance=nearly)())


# rules that are broken

COUNT = 0
SEEN = [0.0]


def counting(w, x_pre, p):
    global COUNT
    COUNT += 1
    return w + 0.01 * x_pre * (COUNT % 2)


def remembering(w, x_pre, p):
    SEEN[0] += x_pre
    return w + 0.001 * SEEN[0]


def by_luck(w, x_pre, p):
    return w + 0.01 * random.random()


def by_steps(w, k, dt, p):
    return w * math.exp(-0.001 * k)


def by_lookup(w, x_pre, p):
    TABLE["a"] = x_pre
    return w


def by_root(w, k, dt, p):
    return w + 1e-4 * math.sqrt(k * dt)


def root_of_target(theta, k, dt, p):
    return theta + math.sqrt(k * dt)


BROKEN_RULES = {
    "root": ({"between": by_root}, AssertionError, "between of rule Bad over 2 steps gives w = .* in two pieces of 1 and 1: let it be the solution"),
    "root of target": (
        {"on_pre": lambda w, theta, p: w, "target_spike": lambda theta, p: theta, "target_between": root_of_target, "target": {"theta": 0.5}},
        AssertionError, "target_between of rule Bad over 2 steps gives theta = ",
    ),
    "logarithm": (
        {"on_post": lambda w, x_pre, p: w + 1e-3 * math.log(x_pre)}, DescriptionError,
        "on_post of rule Bad fails in plain Python at w = 0.4, x_pre = 0 .*math domain error",
    ),
    "counter": ({"on_post": counting}, DescriptionError, "on_post of rule Bad cannot be compiled .*STORE_GLOBAL"),
    "list": ({"on_post": remembering}, DescriptionError, "on_post of rule Bad cannot be compiled .*SEEN"),
    "dict": ({"on_pre": by_lookup}, DescriptionError, "on_pre of rule Bad cannot be compiled .*: use math, arithmetic and numbers only"),
    "chance": ({"on_post": by_luck}, AssertionError, "differ by .* when the step is halved|compiled and .* in plain Python"),
    "steps": ({"on_post": lambda w, x_pre, p: w, "between": by_steps}, AssertionError, r"when the step is halved: use times \(k dt\)"),
    "too much": ({"on_post": lambda w, x_pre, p: (w, 1.0)}, DescriptionError, r"on_post of rule Bad returns \(.*\): return w, as numbers"),
    "too little": ({"on_post": lambda w, p: w, "state": {"e": 0.0}}, DescriptionError, "on_post of rule Bad returns .*: return w and e, as numbers"),
    "text": ({"on_pre": lambda w, p: "more"}, DescriptionError, "on_pre of rule Bad returns 'more': return w, as numbers"),
    "delivers": ({"transmit": lambda w, p: None}, DescriptionError, "transmit of rule Bad returns None: return what is delivered"),
    "fails": ({"on_pre": lambda w, p: w + p.eta}, DescriptionError, "on_pre of rule Bad fails on its start values .*eta.*: mend it"),
    "signature": ({"on_pre": lambda w, x_pre: w}, DescriptionError, r"on_pre of rule Bad takes \(w, x_pre\): must be on_pre\(w, \.\.\., p\)"),
    "nan": ({"on_post": lambda w, x_pre, p: w + math.inf - math.inf}, AssertionError, "no finite number"),
}


@pytest.mark.parametrize("name", BROKEN_RULES)
def test_broken_rules(name):
    functions, kind, match = BROKEN_RULES[name]
    with pytest.raises(kind, match=match) as error:

        @rule(**functions)
        class Bad(NamedTuple):
            tau_pre: float = 20.0

        check_rule(Bad)
    assert "\n" not in str(error.value)


def test_a_rule_that_cannot_be_compiled_is_told_without_the_compiler_s_words():
    """From a simulation too, in one sentence that stands alone."""

    @rule(on_post=remembering)
    class Bad(NamedTuple):
        tau_pre: float = 20.0

    with pytest.raises(DescriptionError, match="on_post of rule Bad cannot be compiled") as error:
        Simulation(network(checked_chain(Bad(), "here"), 0.4))
    assert error.value.__cause__ is None and error.value.__suppress_context__ and "nopython" not in str(error.value)


# hooks that are broken


class Rescaling(Hook):
    """Weights of exc->exc follow what it counts; subclasses break one thing each."""

    every = 20.0

    def start(self, sim):
        self.declare(count=0)

    def spikes(self, sim, steps, ids):
        self.count += len(steps)

    def handle(self, sim):
        sim["exc->exc"].w = 0.2 + 1e-4 * float(self.count)

    def diagnostics(self):
        return {"count": float(self.count) if self.has_begun else math.nan}


class Grows(Rescaling):
    """A list that nobody declared."""

    def __init__(self):
        self.seen = []

    def handle(self, sim):
        self.seen.append(float(self.count))


class Sets(Rescaling):
    def handle(self, sim):
        self.last = sim.t


class Hides(Rescaling):
    """State in an attribute that is said to be none."""

    transient = ("hidden",)

    def start(self, sim):
        super().start(sim)
        self.hidden = 0

    def handle(self, sim):
        self.hidden += 1
        sim["exc->exc"].w = 0.2 + 0.01 * self.hidden


CALLS = [0]


class Shares(Rescaling):
    """State outside itself."""

    def handle(self, sim):
        CALLS[0] += 1
        sim["exc->exc"].w = 0.2 + 0.01 * CALLS[0]


class Batches(Rescaling):
    """Counts batches, not spikes."""

    def spikes(self, sim, steps, ids):
        self.count += 1


class Keeps(Rescaling):
    """Goes on after reset() where it stopped."""

    transient = ("total",)
    total = 0

    def start(self, sim):
        super().start(sim)
        self.declare(since=self.total)

    def handle(self, sim):
        self.total += 1
        sim["exc->exc"].w = 0.2 + 0.01 * float(self.since)


class Renames(Rescaling):
    def diagnostics(self):
        return {"count": float(self.count)} if self.has_begun else {}


class Nobody(Hook):
    pass


class Shadows(Rescaling):
    def start(self, sim):
        self.declare(count=0, begin=0)


class Seldom(Rescaling):
    every = 1e6


class Raises(Rescaling):
    def handle(self, sim):
        return 1 / 0


ONE = Rescaling()
BROKEN_HOOKS = {
    "grows": (Grows, AssertionError, r"hook grows changes seen in the run without declaring it"),
    "sets": (Sets, AssertionError, r"hook sets sets last after start: declare state"),
    "hides": (Hides, AssertionError, r"hook hides: .* is not the same after save and resume: declare all state"),
    "shares": (Shares, AssertionError, r"hook shares: .* is not the same in the same run a second time"),
    "batches": (Batches, AssertionError, r"hook batches: .* is not the same"),
    "keeps": (Keeps, AssertionError, r"hook keeps: .* is not the same after reset"),
    "renames": (Renames, AssertionError, r"hook renames reports \[\] before the run and \['count'\] after it"),
    "nobody": (Nobody, AssertionError, r"hook nobody is never called: set every or at"),
    "shadows": (Shadows, AssertionError, r"hook shadows declares begin, which is part of every hook: choose another name"),
    "seldom": (Seldom, AssertionError, r"hook seldom is not called within 300 ms, every is 1000000.0 ms .*span=.*longer"),
    "raises": (Raises, AssertionError, r"hook raises raises ZeroDivisionError: division by zero"),
    "one": (lambda: ONE, AssertionError, r"is made once and given again"),
    "no hook": (lambda: 3, DescriptionError, r"give a function that makes a new hook"),
}


def test_the_hook_that_is_not_broken():
    check_hook(lambda: Rescaling())


@pytest.mark.parametrize("name", BROKEN_HOOKS)
def test_broken_hooks(name):
    make, kind, match = BROKEN_HOOKS[name]
    with pytest.raises(kind, match=match) as error:
        check_hook((lambda: make()) if isinstance(make, type) else make)
    assert "\n" not in str(error.value)
