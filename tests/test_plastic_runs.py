"""Projections with rules in whole runs: threads, blocks, splits, resumed runs, readers, freezing, interventions, parameters, refusals."""

import time
from typing import NamedTuple

import numpy as np
import pytest
from test_plastic_engine import network, replayed

from thalia_sim import (
    BCM,
    LIF,
    BlockPlasticity,
    DescriptionError,
    Hebb,
    LIFCond,
    LIFExp1,
    Lesion,
    MemoryRecorder,
    Network,
    Normal,
    PairSTDP,
    Poisson,
    PoissonSource,
    RewardSTDP,
    Scale,
    ShortTerm,
    Simulation,
    SimulationError,
    TripletSTDP,
    Uniform,
    VogelsSprekeler,
    WeightDecay,
    in_degree,
    neuron,
    probability,
    rule,
)
from thalia_sim.kernels import loop

PLASTIC = ("source->exc", "exc->exc", "inh->exc", "exc->inh", "inh->cond")


def mixed(seed=2):
    """Rules on synapses from sources and neurons, of both signs, with mixed delays, onto three kinds of neurons and a sum of populations."""
    net = Network(seed=seed)
    exc = net.populate("exc", 80, LIF(tau_m=20.0, v_th=15.0, t_ref=2.0))
    inh = net.populate("inh", 20, LIFExp1(tau_m=10.0, tau_syn=5.0))
    cond = net.populate("cond", 20, LIFCond())
    source = net.populate("source", 40, PoissonSource(rate=30.0))
    net.drive(exc, Poisson(rate=1400.0), w=1.0)
    net.drive(inh, Poisson(rate=6000.0), w=28.0)
    net.drive(cond, Poisson(rate=8000.0), w=1.0, receptor="exc")
    delay = Uniform(0.3, 6.0)
    both = [ShortTerm(), PairSTDP(a_plus=0.03, dendritic=0.4)]
    net.connect(source, exc, probability(0.3), w=Uniform(0.1, 0.5), delay=delay, rule=both, name=PLASTIC[0])
    net.connect(exc, exc, in_degree(10), w=0.3, delay=delay, rule=[TripletSTDP(w_max=1.0), WeightDecay(tau=2000.0)], name=PLASTIC[1])
    net.connect(inh, exc, probability(0.5), w=Normal(-0.5, 0.1, high=0.0), delay=1.0, rule=VogelsSprekeler(eta=0.02), name=PLASTIC[2])
    net.connect(exc, inh, probability(0.3), w=2.0, delay=delay, rule=BCM(eta=2e-5), name=PLASTIC[3])
    net.connect(inh, cond, probability(0.5), w=1.0, delay=delay, receptor="inh", rule=RewardSTDP(a_plus=0.0005, a_minus=0.0004), name=PLASTIC[4])
    return net


def outcome(sim, memory):
    """Everything that a run leaves: spikes, weights and state of synapses in an order that does not depend on blocks."""
    found = {}
    for name in PLASTIC:
        view = sim[name]
        order = np.lexsort((view.w, view.j, view.delay, view.i))
        for field in ("w", *(f for f in ("u", "r", "e") if f in view.known())):
            found[name, field] = getattr(view, field)[order]
    return found | {p: np.array(memory.spikes_of(p)) for p in ("exc", "inh", "cond", "source")}


def same(a, b):
    return a.keys() == b.keys() and all(np.array_equal(a[key], b[key]) for key in a)


@pytest.fixture(scope="module")
def whole():
    memory = MemoryRecorder()
    sim = Simulation(mixed(), [memory])
    sim.run(500.0)
    found = outcome(sim, memory)
    assert all(found[p].shape[1] > 100 for p in ("exc", "inh", "cond", "source"))
    for name in PLASTIC:
        assert len(np.unique(found[name, "w"])) > 0.4 * len(found[name, "w"]) > 50  # every rule moved its weights
    return found


@pytest.mark.parametrize("threads, blocks", [(1, 3), (2, 2), (4, 4), (2, 7)])
def test_threads_and_blocks_change_nothing(whole, threads, blocks):
    """The same bits on any number of workers and with any cut into blocks."""
    memory = MemoryRecorder()
    with Simulation(mixed(), [memory], threads=threads, blocks=blocks) as sim:
        sim.run(500.0)
        assert same(whole, outcome(sim, memory))


def test_splits_and_readers_change_nothing(whole):
    """Weights may be read at any time; synapses that lag behind are brought up in a copy."""
    memory = MemoryRecorder()
    sim = Simulation(mixed(), [memory])
    for step in (0.1, 3.3, 96.6, 0.1, 250.0, 149.9):
        sim.run(step)
        for name in PLASTIC:
            assert len(sim[name].w) == len(sim[name])
    assert same(whole, outcome(sim, memory))


@pytest.mark.parametrize("at, threads", [(0.0, 1), (123.4, 2), (400.0, 4)])
def test_a_resumed_run_is_the_run(whole, tmp_path, at, threads):
    """Traces, records of targets, state of synapses, modulators: all in the checkpoint."""
    sim = Simulation(mixed(), [MemoryRecorder()], blocks=4)
    sim.run(at)
    sim.save(tmp_path / "c.h5")
    again = Simulation.resume(tmp_path / "c.h5", threads=threads)
    again.run(500.0 - at)
    assert same(whole, outcome(again, again.hooks[0]))


def test_a_reset_run_is_the_run(whole):
    """Weights begin anew."""
    memory = MemoryRecorder()
    sim = Simulation(mixed(), [memory])
    sim.run(200.0)
    sim.reset()
    sim.run(500.0)
    assert same(whole, outcome(sim, memory))


def test_what_was_set_in_a_run_is_resumed(tmp_path):
    """Parameters, modulators and freezing that a script has set go on after a resume, with the decay tables that follow from them."""

    def begun():
        sim = Simulation(mixed(), [MemoryRecorder()])
        sim.run(100.0)
        sim["exc->exc"].tau_pre = 40.0
        sim["inh->exc"].m_energy = 0.5
        sim["inh->cond"].m_reward = -0.2
        sim["source->exc"].plastic = False
        return sim

    first, second = begun(), begun()
    second.save(tmp_path / "c.h5")
    second = Simulation.resume(tmp_path / "c.h5", threads=2)
    assert second["exc->exc"].tau_pre == 40.0 and second["inh->cond"].m_reward == -0.2 and not second["source->exc"].plastic
    for sim in (first, second):
        sim.run(200.0)
    assert same(outcome(first, first.hooks[0]), outcome(second, second.hooks[0]))


@pytest.mark.parametrize("sleeping", [True, False])
def test_quiet_neurons_and_full_rings(sleeping):
    """Sources that fire rarely onto targets that fire often, and the other way round, neurons asleep: against the reference, to the bit."""
    rules = [PairSTDP(a_plus=0.05), WeightDecay(tau=5000.0)]
    net = network(rules, n=24, rate=0.0)
    rates = np.where(np.arange(24) % 3 == 0, 4000.0, np.where(np.arange(24) % 3 == 1, 500.0, 0.0))
    net.drive(net["exc"], Poisson(rate=rates), w=1.0, name="uneven")
    memory = MemoryRecorder()
    sim = Simulation(net, [memory], sleeping=sleeping)
    sim.run(2000.0)
    counts = np.bincount(memory.ids("exc"), minlength=24)
    assert counts.max() > 300 and counts.min() == 0
    assert sim["exc->exc"].statistics["brought"] > 5
    assert np.array_equal(sim["exc->exc"].w, [f.w[-1] for f in replayed(net, sim, memory.spikes_of("exc"))])


def test_frozen_synapses_rest_and_traces_run_on():
    """While `plastic` is False no rule changes a bit; what came meanwhile is not caught up with, but the traces have seen it."""
    net = network(PairSTDP(a_plus=0.05))
    sim = Simulation(net)
    sim.run(200.0)
    before = sim["exc->exc"].w
    sim["exc->exc"].plastic = False
    sim.run(200.0)
    assert np.array_equal(sim["exc->exc"].w, before)
    pre = sim.records.pre.copy()
    sim["exc->exc"].plastic = True
    assert np.array_equal(sim["exc->exc"].w, before) and pre[:-1].reshape(-1, 2)[:, 1].max() > 0.5
    sim.run(200.0)
    assert not np.array_equal(sim["exc->exc"].w, before)


def test_blocking_by_an_intervention_is_freezing():
    """BlockPlasticity keeps the weights of its time to the bit."""
    seen = {}
    sim = Simulation(network(PairSTDP(a_plus=0.05)), [BlockPlasticity("exc->exc", at=100.0, until=300.0)])
    for t in (100.0, 300.0, 400.0):
        sim.run(until=t)
        seen[t] = sim["exc->exc"].w
    assert np.array_equal(seen[100.0], seen[300.0]) and not np.array_equal(seen[300.0], seen[400.0])


def test_cut_synapses_neither_deliver_nor_learn_and_come_back_as_they_were():
    """A lesion of synapses for a time: 0 meanwhile, then the weights of before; the others go on learning."""
    sim = Simulation(network(PairSTDP(a_plus=0.05)), [Lesion("exc->exc", share=0.5, at=100.0, until=300.0)])
    sim.run(until=100.0)
    before = np.where(sim["exc->exc"].w == 0.0, sim["exc->exc"].base, sim["exc->exc"].w)
    sim.run(until=299.9)
    cut = sim["exc->exc"].factors() == 0.0
    assert 0.4 < cut.mean() < 0.6
    assert (sim["exc->exc"].w[cut] == 0.0).all() and (sim["exc->exc"].w[~cut] != before[~cut]).any()
    rest = sim["exc->exc"].w[~cut]
    sim.run(until=300.0)
    assert np.array_equal(sim["exc->exc"].w[cut], before[cut])
    assert (sim["exc->exc"].w[~cut] != rest).sum() < 30  # one step later only
    sim.run(100.0)
    assert (sim["exc->exc"].w[cut] != before[cut]).any()


def test_learning_under_a_scale_stays_when_the_scale_ends():
    """Halved weights learn; afterwards each is what it became, doubled."""
    sim = Simulation(network(Hebb(eta=0.01, w_max=5.0)), [Scale("exc->exc", 0.5, at=100.0, until=300.0)])
    sim.run(until=100.0)
    start = sim["exc->exc"].w
    sim.run(until=299.9)
    halved = sim["exc->exc"].w
    assert (halved > start).any()
    sim.run(until=300.0)
    assert sim["exc->exc"].w == pytest.approx(2.0 * halved, abs=0.05)
    assert sim["exc->exc"].w.mean() == pytest.approx(2.0 * halved.mean(), rel=1e-3)


def test_written_weights_hold_and_go_on_learning():
    """`w` may be written, of the projection's sign and within the rule's bounds; -0.0 is an inhibitory synapse that can grow."""
    sim = Simulation(mixed())
    sim.run(50.0)
    sim["exc->exc"].w = 0.5
    assert (sim["exc->exc"].w == 0.5).all()
    sim["inh->exc"].w = 0.0
    sim.run(200.0)
    assert (sim["inh->exc"].w <= 0.0).all() and (sim["inh->exc"].w < 0.0).any()
    with pytest.raises(DescriptionError, match=r"w of exc->exc is given weights of both signs, or of the other one: its rule keeps them >= 0"):
        sim["exc->exc"].w = -0.5
    with pytest.raises(DescriptionError, match=r"w of exc->exc is given size 2: its rule keeps it from 0 to 1"):
        sim["exc->exc"].w = 2.0


def test_channels_scale_what_rules_change():
    """Half the learning rate, half of a small change; none at 0; a rule that reads a channel is not scaled by it as well."""

    def grown(**channels):
        sim = Simulation(network(Hebb(eta=1e-4, w_max=5.0)))
        for name, value in channels.items():
            setattr(sim["exc->exc"], name, value)
        sim.run(300.0)
        return sim["exc->exc"].w - np.float32(0.4)

    full = grown()
    assert (grown(m_learning=0.0) == 0.0).all()
    assert grown(m_energy=0.5).mean() == pytest.approx(0.5 * full.mean(), rel=0.02)
    assert grown(m_learning=0.5, m_reward=2.0) == pytest.approx(full, abs=1e-6)
    sim = Simulation(network(RewardSTDP()))
    sim["exc->exc"].m_reward = 3.0
    assert sim.records.rule_par[sim.a.plastic[sim.parts[0].number, 8] + 1] == 1.0


def test_set_parameters_act_from_now_on():
    """Halfway without potentiation: weights that were reached stay, then only shrink."""
    sim = Simulation(network(PairSTDP(a_plus=0.05, a_minus=0.05)))
    sim.run(200.0)
    before = sim["exc->exc"].w
    sim["exc->exc"].a_plus = 0.0
    assert sim["exc->exc"].a_plus == 0.0 and np.array_equal(sim["exc->exc"].w, before)
    sim.run(200.0)
    assert (sim["exc->exc"].w <= before).all() and (sim["exc->exc"].w < before).any()
    with pytest.raises(DescriptionError, match=r"a_plus = -1.0 of rule PairSTDP: must be from 0 to 1"):
        sim["exc->exc"].a_plus = -1.0
    with pytest.raises(SimulationError, match="dendritic of exc->exc cannot be changed in a run"):
        sim["exc->exc"].dendritic = 0.5


def blown(w, p):
    return w * 1e30


@rule(on_pre=blown)
class Blown(NamedTuple):
    tau: float = 1.0  # ms


def test_a_weight_that_is_no_number_ends_the_run_with_its_rule():
    """Named by projection and rule."""
    sim = Simulation(network(Blown(), n=10))
    with pytest.raises(SimulationError, match=r"a weight of projection exc->exc (is too large|is no finite number).*its rule Blown"):
        sim.run(500.0)
        sim["exc->exc"].w  # noqa: B018


def test_channels_scale_eligibility_too():
    """At 0 a three-factor rule learns nothing, to the bit, whatever the reward; decay in time alone is no learning and goes on."""
    for name in ("m_learning", "m_energy"):
        sim = Simulation(network([RewardSTDP(a_plus=0.01), WeightDecay(tau=1000.0, w_rest=0.4)]))
        setattr(sim["exc->exc"], name, 0.0)
        sim.run(300.0)
        assert (sim["exc->exc"].w == np.float32(0.4)).all() and (sim["exc->exc"].e != 0.0).any()
    sim = Simulation(network(WeightDecay(tau=1000.0)))
    sim["exc->exc"].m_learning = 0.0
    sim.run(300.0)
    assert sim["exc->exc"].w == pytest.approx(0.4 * np.exp(-0.3), rel=1e-5)


def test_bounds_that_are_set_in_a_run_hold_at_once():
    """Weights beyond new bounds are brought within them, and later writing goes by them."""
    sim = Simulation(network(PairSTDP(a_plus=0.05)))
    sim.run(100.0)
    sim["exc->exc"].w_max = 0.3
    assert sim["exc->exc"].w.max() <= np.float32(0.3)
    with pytest.raises(DescriptionError, match="w of exc->exc is given size 0.5: its rule keeps it from 0 to 0.3"):
        sim["exc->exc"].w = 0.5
    sim["exc->exc"].w_max = 2.0
    sim["exc->exc"].w = 1.5
    with pytest.raises(DescriptionError, match=r"softness of exc->exc is given \[1\]: give a number"):
        sim["exc->exc"].softness = [1]
    with pytest.raises(DescriptionError, match="m_learning of exc->exc is given -1: give a finite number, at least 0"):
        sim["exc->exc"].m_learning = -1


def test_branches_take_parameters_of_rules_by_their_paths(tmp_path):
    """`changes` and `--set` of a branch name them as the description does."""
    sim = Simulation(network(PairSTDP()))
    sim.run(50.0)
    sim.save(tmp_path / "c.h5")
    branch = Simulation.resume(tmp_path / "c.h5", branch=tmp_path / "b.h5", changes={"exc->exc.rule.a_plus": 0.02})
    assert branch["exc->exc"].a_plus == 0.02
    branch.close()


def own_on_pre(w, x_post, p):
    return w - p.a_minus * p.w_max * x_post


def own_on_post(w, x_pre, p):
    return w + p.a_plus * p.w_max * x_pre


def raising(w, p):
    if w > 1.0:
        raise ValueError("no")
    return w


WRONG = [
    ({"on_pre": raising}, "on_pre of rule Wrong can raise an error"),
    ({"on_pre": print}, "on_pre of rule Wrong is <built-in function print>: give a function on_pre"),
    ({"on_pre": own_on_pre, "state": ["e"]}, r"state of a rule is \['e'\]: give a dict of names"),
    ({"on_pre": own_on_pre, "pairing": {"x_prr": "nearest"}}, "pairing of rule Wrong names 'x_prr', which no function of it reads: it reads x_post"),
    ({"on_pre": own_on_pre, "ranges": {"etaa": (0, 1)}}, "ranges of rule Wrong has 'etaa'"),
    ({"on_pre": own_on_pre, "state": {"plastic": 0.0}}, "state 'plastic' of rule Wrong: choose another name"),
]


@pytest.mark.parametrize("given, message", WRONG, ids=[m[:30] for _, m in WRONG])
def test_rules_that_are_declared_wrong_are_refused(given, message):
    """By function, and by name."""

    class Wrong(NamedTuple):
        tau_post: float = 20.0  # ms
        a_minus: float = 0.1  # 1
        w_max: float = 1.0  # mV

    with pytest.raises(DescriptionError, match=message):
        rule(**given)(Wrong)


def test_models_of_neurons_that_can_raise_are_refused():
    """Raised in a compiled step, an error would be printed and the rest of the step lost; `derive` runs in Python and may raise."""

    class State(NamedTuple):
        v: float

    def refuse(v):
        assert v < 1.0

    def step(s, x, c, p):
        refuse(s.v)
        return State(s.v + x.exc), False

    class Raising(NamedTuple):
        tau_m: float = 20.0  # ms

    def helped(s, x, c, p):
        return helper(s), False

    for made in (helped, step):
        with pytest.raises(DescriptionError, match="step of model Raising can raise an error"):
            neuron(state=State, derive=lambda p, dt: p, step=made, receptors=("exc",))(Raising)


def helper(s):
    if s.v > 1.0:
        raise ValueError("no")
    return s


REFUSED = [
    ({"rule": [Hebb(), Hebb(eta=0.2)], "w": 0.4}, "rules of projection exc->exc are Hebb, Hebb: give Hebb once"),
    ({"rule": BCM(theta_min=2.0, theta_max=1.0), "w": 0.4}, "theta_min = 2.0 and theta_max = 1.0 of rule BCM"),
    ({"rule": TripletSTDP(w_scale=-1.0), "w": 0.4}, "w_scale = -1.0 of rule TripletSTDP: must be from 1e-12"),
    ({"rule": PairSTDP(w_max=0.3), "w": 0.4}, "projection exc->exc has a weight of size 0.4, its rule PairSTDP keeps it from 0 to 0.3: set w_m"),
    ({"rule": PairSTDP, "w": 0.4}, r"rule of projection exc->exc is the class PairSTDP: give it with its parameters, PairSTDP\(\)"),
    ({"rule": "stdp", "w": 0.4}, "rule of projection exc->exc is 'stdp', no plasticity rule"),
    ({"rule": [], "w": 0.4}, r"rule of projection exc->exc is \[\]: give a rule"),
    ({"rule": PairSTDP(tau_pre=-1.0), "w": 0.4}, "tau_pre = -1.0 of rule PairSTDP: must be above 0 ms and finite"),
    ({"rule": PairSTDP(w_min=2.0), "w": 0.4}, "w_min = 2.0 and w_max = 1.0 of rule PairSTDP"),
    ({"rule": Hebb(), "w": Normal(0.0, 1.0)}, "weights of projection exc->exc, which has the rule Hebb, go from -inf to inf"),
    ({"rule": [PairSTDP(dendritic=0.5), TripletSTDP()], "w": 0.4}, r"rules of projection exc->exc have the dendritic shares \[0.0, 0.5\]"),
    ({"rule": Hebb(softness=1.0, w_max=float("inf")), "w": 0.4}, "softness = 1.0 of rule Hebb"),
]


@pytest.mark.parametrize("how, message", REFUSED, ids=[m[:40] for _, m in REFUSED])
def test_what_cannot_carry_a_rule_is_refused_by_name(how, message):
    """Before anything is compiled."""
    with pytest.raises(DescriptionError, match=message):
        network(how["rule"], w=how["w"])


def test_parameters_of_rules_by_path():
    """`--set exc->exc.rule.a_plus=...`; of several rules by their names; checked like the description."""
    net = network([ShortTerm(), PairSTDP()])
    net.set("exc->exc.rule.PairSTDP.a_plus", 0.02)
    assert net.projections["exc->exc"].rule[1].a_plus == 0.02
    net = network(PairSTDP())
    net.set("exc->exc.rule.w_max", 2.0)
    assert net.projections["exc->exc"].rule.w_max == 2.0
    with pytest.raises(DescriptionError, match="has a weight of size 0.4"):
        net.set("exc->exc.rule.w_max", 0.1)


@rule(on_pre=own_on_pre, on_post=own_on_post)
class Twin(NamedTuple):
    tau_pre: float = 20.0  # ms
    tau_post: float = 20.0  # ms
    a_plus: float = 0.005  # 1
    a_minus: float = 0.00525  # 1
    w_min: float = 0.0  # mV
    w_max: float = 1.0  # mV


def test_a_rule_of_ones_own_is_as_fast_as_its_built_in_twin():
    """The same rule from a script and from the library: the same weights; medians of ratios of neighbouring runs, repeated if the machine is busy."""
    sims = []
    for made in (PairSTDP(), Twin()):
        net = Network(seed=1)
        exc = net.populate("exc", 2000, LIF(tau_m=20.0, v_th=15.0, t_ref=2.0))
        net.drive(exc, Poisson(rate=1000.0), w=1.0)
        net.connect(exc, exc, in_degree(200), w=0.02, delay=1.5, rule=made)
        sims.append(Simulation(net))
        sims[-1].run(50.0)
    ratios = []
    for _ in range(60):
        spent = []
        for sim in sims:
            begun = time.perf_counter()
            sim.run(5.0)
            spent.append(time.perf_counter() - begun)
        ratios.append(spent[1] / spent[0])
        if len(ratios) % 15 == 0 and np.median(ratios) < 1.1:
            break
    assert np.array_equal(sims[0]["exc->exc"].w, sims[1]["exc->exc"].w)
    assert np.median(ratios) < 1.1


def test_pair_stdp_costs_at_most_16_bytes_a_synapse():
    """Slot, weight, and the records of segments and targets, in Brunel's network at a fifth of its size with one delay."""
    net = Network(seed=1)
    exc = net.populate("exc", 2000, LIF())
    net.connect(exc, exc, in_degree(200), w=0.1, delay=1.5, rule=PairSTDP())
    sim = Simulation(net)
    a = sim.a
    records = sum(getattr(sim.records, name).nbytes for name in ("pre", "last", "ring", "synapse", "seen", "passed"))
    assert (a.slot.nbytes + a.w.nbytes + a.seg.nbytes + a.row_seg.nbytes + records) / len(a.slot) < 10.0
    assert loop.OF_ROWS == ("row_seg", "seg", "slot", "w")
