"""Scaling and normalization of synapses against their equations, with and without rules, under interventions, saved and resumed."""

import numpy as np
import pytest

from thalia_sim import (
    BlockPlasticity,
    DescriptionError,
    LIFDelta,
    Lesion,
    MemoryRecorder,
    Network,
    PairSTDP,
    PairedBudgets,
    PathError,
    Poisson,
    PoissonSource,
    Prune,
    Regrow,
    Scale,
    Simulation,
    SynapticScaling,
    Uniform,
    VogelsSprekeler,
    WeightNormalization,
    from_arrays,
    probability,
)
from thalia_sim.testing import check_hook

SINGLE = 2e-7  # relative, a weight and its change are rounded to 24 bits each


def converging(rate=20.0, rule=None, n=6):
    """100 Poisson sources onto n cells, more synapses for each later one, weights 0.5 to 1.5 mV."""
    net = Network(seed=2)
    source, cells = net.populate("source", 100, PoissonSource(rate=rate)), net.populate("cells", n, LIFDelta())
    many = np.linspace(20, 100, n).astype(int)
    i, j = np.concatenate([np.arange(m) for m in many]), np.repeat(np.arange(n), many)
    w = np.random.default_rng(1).uniform(0.5, 1.5, len(i))
    w[[0, 5]] = 0.0
    net.connect(source, cells, from_arrays(i, j), w=w, delay=1.0, rule=rule)
    return net


def sums(view, n=6):
    return np.bincount(view.j, np.abs(view.w).astype(float), minlength=n)


def test_one_change_is_the_solution_of_the_equation():
    """w exp(every (target - avg)/(target tau)), avg = target e^(-t/tau_rate) + sum of e^(-(t - t_k)/tau_rate)/tau_rate from the spikes."""
    hook, memory = SynapticScaling("source->cells", target=8.0, tau=20_000.0, tau_rate=700.0, every=500.0), MemoryRecorder()
    sim = Simulation(converging(), [hook, memory])
    before = sim["source->cells"].w.astype(float)
    sim.run(500.0)
    times, ids = memory.spikes_of("cells")
    avg = [8.0 * np.exp(-500.0 / 700.0) + np.exp(-(500.0 - times[ids == k]) / 700.0).sum() * 1000.0 / 700.0 for k in range(6)]
    factor = np.exp(500.0 / 20_000.0 * (8.0 - np.array(avg)) / 8.0)
    np.testing.assert_allclose(sim["source->cells"].w, before * factor[sim["source->cells"].j], rtol=SINGLE)
    assert hook.diagnostics()["rate"] == pytest.approx(np.mean(avg), rel=1e-12) and hook.diagnostics()["factor"] == pytest.approx(factor.mean())
    assert factor.min() < 0.99 and factor.max() > 1.0


def test_every_neuron_reaches_the_target_and_keeps_its_ratios():
    """At the fixed point rate = target; 40 s are counted: +- 4 standard errors of a Poisson count. Ratios: 100 roundings to 24 bits."""
    hook, memory = SynapticScaling("source->cells", target=5.0, tau=4000.0, tau_rate=2000.0, every=200.0), MemoryRecorder()
    sim = Simulation(converging(), [hook, memory])
    before = sim["source->cells"].w.astype(float)
    sim.run(70_000.0)
    times, ids = memory.spikes_of("cells")
    first, last = (np.bincount(ids[(a < times) & (times < b)], minlength=6) / (b - a) * 1000.0 for a, b in ((0, 1000), (30_000, 70_000)))
    assert np.ptp(first) > 30.0
    np.testing.assert_array_less(np.abs(last - 5.0), 4.0 * np.sqrt(5.0 / 40.0))
    ratio = sim["source->cells"].w[before > 0.0] / before[before > 0.0]
    j = sim["source->cells"].j[before > 0.0]
    for k in range(6):
        np.testing.assert_allclose(ratio[j == k], ratio[j == k][0], rtol=350 * 6e-8)
    assert np.array_equal(sim["source->cells"].w == 0.0, before == 0.0)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_silent_neurons(sign):
    """rate = target e^(-t/tau_rate): nothing is divided by it, weights grow by at most exp(t/tau), signs stay, w_max bounds."""
    net = Network(seed=1)
    cells = net.populate("cells", 30, LIFDelta())
    net.connect(cells, cells, probability(0.3), w=Uniform(0.5 * sign - 0.3, 0.5 * sign + 0.3), delay=1.0)
    hook = SynapticScaling("cells->cells", target=5.0, tau=2000.0, tau_rate=100.0, every=500.0, w_max=1.5)
    sim = Simulation(net, [hook])
    before = sim["cells->cells"].w.astype(float)
    sim.run(2000.0)
    growth = np.exp(sum(0.25 * (1.0 - np.exp(-t / 100.0)) for t in (500.0, 1000.0, 1500.0, 2000.0)))
    np.testing.assert_allclose(sim["cells->cells"].w, np.clip(before * growth, -1.5, 1.5), rtol=5 * SINGLE)
    assert np.abs(before * growth).max() > 1.5


@pytest.mark.parametrize("rule", [PairSTDP(a_plus=0.02, a_minus=0.025, w_max=2.0), VogelsSprekeler(eta=0.01, target=4.0, w_max=2.0)])
def test_beside_a_rule(rule):
    """Scaling multiplies what the rule has made of the weights until then; the bounds of the rule hold."""
    hook = SynapticScaling("source->cells", target=5.0, tau=500.0, tau_rate=300.0, every=250.0)
    sim = Simulation(converging(rule=rule), [hook])
    sim.run(249.9)
    learned = sim["source->cells"].w.astype(float)
    assert np.ptp(learned) > 0.5
    sim.run(0.1)
    moved = sim["source->cells"].w / np.where(learned > 0.0, learned, 1.0)
    expected = np.minimum(learned * hook.factors[sim["source->cells"].j], 2.0)
    assert np.abs(sim["source->cells"].w - expected).max() < 0.05 and np.abs(moved - 1.0).max() > 0.1  # a step of the rule lies between
    sim["source"].on = False
    sim.run(20_000.0)
    w = sim["source->cells"].w
    assert set(w) == {0.0, 2.0}  # silent neurons: every weight grows to the rule's bound, those that are 0 stay


def test_under_interventions():
    """Scaled weights are scaled on, and without the intervention they are what they would be; lost ones stay lost; blocked ones stay."""
    end = {}
    for name, plan in {
        "free": [],
        "scaled": [Scale("source->cells", 0.5, at=150.0, until=650.0)],
        "lost": [Lesion("source->cells", elements=[3, 4, 7], at=150.0)],
        "blocked": [BlockPlasticity("source->cells", at=150.0, until=650.0)],
    }.items():
        sim = Simulation(converging(rate=0.0), [*plan, SynapticScaling("source->cells", target=5.0, tau=1000.0, tau_rate=100.0, every=100.0)])
        sim.run(1000.0)
        end[name] = sim["source->cells"].w
    np.testing.assert_allclose(end["scaled"], end["free"], rtol=20 * SINGLE)
    lost = (end["lost"] == 0.0) & (end["free"] != 0.0)
    assert lost.sum() == 3 and np.array_equal(end["lost"][~lost], end["free"][~lost])
    assert (end["blocked"][end["free"] > 0.0] < 0.7 * end["free"][end["free"] > 0.0]).all()


# fixed sums


@pytest.mark.parametrize("over", ["target", "source"])
def test_sums_are_kept_while_a_rule_moves_the_weights(over):
    """Sums at the start, as single weights can give them; ratios within a neuron are the rule's."""
    sim = Simulation(converging(rule=PairSTDP(a_plus=0.02, a_minus=0.03, w_max=100.0)), [])
    view = sim["source->cells"]
    index, n = (view.j, 6) if over == "target" else (view.i, 100)
    before = np.bincount(index, view.w.astype(float), minlength=n)
    hook = WeightNormalization("source->cells", every=100.0, over=over)
    sim.attach(hook)
    sim.run(1950.0)
    assert hook.diagnostics()["error"] > 1e-3
    sim.run(50.0)
    after = np.bincount(index, view.w.astype(float), minlength=n)
    np.testing.assert_allclose(after, before, rtol=SINGLE)


def test_soft_normalization_goes_a_share_of_the_way():
    """sum_k = total + (sum_0 - total)(1 - rate)^k."""
    hook = WeightNormalization("source->cells", total=10.0, rate=0.1, every=100.0)
    sim = Simulation(converging(rate=0.0), [hook])
    before = sums(sim["source->cells"])
    for k in (1, 2, 3):
        sim.run(100.0)
        np.testing.assert_allclose(sums(sim["source->cells"]), 10.0 + (before - 10.0) * 0.9**k, rtol=5 * SINGLE)
    assert hook.diagnostics()["sum"] == pytest.approx((10.0 + (before - 10.0) * 0.81).mean(), rel=1e-6)


def test_sums_of_nothing_are_left_and_bounds_hold():
    """A neuron whose weights are all 0 keeps them; one total a neuron; w_max cuts."""
    net = Network(seed=1)
    source, cells = net.populate("source", 4, PoissonSource(rate=0.0)), net.populate("cells", 3, LIFDelta())
    net.connect(source, cells, from_arrays([0, 1, 2, 3, 0], [0, 0, 1, 1, 2]), w=[0.0, 0.0, -1.0, -3.0, 0.5], delay=1.0)
    sim = Simulation(net, [WeightNormalization("source->cells", total=[1.0, 2.0, 9.0], w_max=6.0, every=10.0)])
    sim.run(10.0)
    order = np.lexsort((sim["source->cells"].i, sim["source->cells"].j))
    np.testing.assert_allclose(sim["source->cells"].w[order], [0.0, 0.0, -0.5, -1.5, 6.0], rtol=SINGLE)


def balanced(rule=None):
    net = Network(seed=3)
    exc, inh = net.populate("exc", 40, LIFDelta()), net.populate("inh", 10, LIFDelta())
    net.drive(exc, Poisson(rate=1000.0), w=1.0)
    net.drive(inh, Poisson(rate=900.0), w=1.0)
    net.connect(exc, exc, probability(0.3), w=Uniform(0.1, 0.3), delay=1.5, rule=rule)
    net.connect(inh, exc, probability(0.3), w=Uniform(-0.8, -0.4), delay=1.5)
    return net


def test_several_projections_share_a_budget():
    """Two sources onto the same cells, one doubled by a script: at rate 1 all go by one factor a neuron, so both sums together are what they were."""
    net = Network(seed=3)
    cells = net.populate("cells", 6, LIFDelta(v_th=1e9))
    for name in ("a", "b"):
        net.populate(name, 20, PoissonSource(rate=1.0))
        net.connect(name, cells, probability(0.8), w=Uniform(0.5, 1.5), delay=1.0)
    sim = Simulation(net, [hook := WeightNormalization(["a->cells", "b->cells"], every=100.0)])

    def sums(name):
        return np.bincount(sim[f"{name}->cells"].j, sim[f"{name}->cells"].w, minlength=6)

    a, b = sums("a"), sums("b")
    sim.run(150.0)
    np.testing.assert_array_equal(sums("a"), a)
    assert hook.diagnostics()["error"] == 0.0
    sim["a->cells"].w = 2.0 * sim["a->cells"].w
    sim.run(100.0)
    np.testing.assert_allclose(sums("a") + sums("b"), a + b, rtol=1e-6)
    np.testing.assert_allclose(sums("a") / sums("b"), 2.0 * a / b, rtol=1e-6)


@pytest.mark.parametrize("ratio", [None, 2.0])
def test_paired_budgets(ratio):
    """E + I is the total of each neuron; their ratio the one given, or what the rule made of it."""
    sim = Simulation(balanced(PairSTDP(a_plus=0.05, a_minus=0.04, w_max=50.0)), [PairedBudgets("exc->exc", "inh->exc", total=4.0, ratio=ratio)])
    sim.run(999.9)
    exc, inh = sums(sim["exc->exc"], 40), sums(sim["inh->exc"], 40)
    sim.run(0.1)
    after_exc, after_inh = sums(sim["exc->exc"], 40), sums(sim["inh->exc"], 40)
    np.testing.assert_allclose(after_exc + after_inh, 4.0, rtol=SINGLE)
    both = (exc > 0.0) & (inh > 0.0)
    expected = inh[both] / exc[both] if ratio is None else 2.0
    np.testing.assert_allclose(after_inh[both] / after_exc[both], expected, rtol=0.05 if ratio is None else 5 * SINGLE)  # a step of the rule
    assert sim["inh->exc"].w.max() < 0.0 < sim["exc->exc"].w.min() + 1e-9


HOOKS = {
    "scaling": lambda: SynapticScaling("exc->exc", target=5.0, tau=500.0, tau_rate=100.0, every=30.0),
    "inhibitory scaling": lambda: SynapticScaling("inh->exc", target=5.0, tau=500.0, tau_rate=100.0, every=30.0),
    "normalization": lambda: WeightNormalization("exc->exc", total=3.0, rate=0.5, every=30.0),
    "budgets": lambda: PairedBudgets("exc->exc", "inh->exc", ratio=1.5, rate=0.3, every=30.0),
}


@pytest.mark.parametrize("plastic", [False, True])
@pytest.mark.parametrize("name", HOOKS)
def test_the_contract_of_hooks(name, plastic):
    """Threads, pieces, reset, save and resume to the bit, with and without a rule on the projection."""
    check_hook(HOOKS[name], balanced(PairSTDP(a_plus=0.05, a_minus=0.04, w_max=2.0) if plastic else None), span=200.0)


def test_wrong_arguments_are_named():
    with pytest.raises(DescriptionError, match="target of synapticscaling is 0"):
        SynapticScaling("source->cells", target=0.0)
    with pytest.raises(DescriptionError, match="over of WeightNormalization is 'pre'"):
        WeightNormalization("source->cells", over="pre")
    for hook, match in (
        (SynapticScaling("source->cell", target=5.0), "unknown projection 'source->cell': did you mean 'source->cells'"),
        (WeightNormalization("source->cells", total=[1.0, 2.0]), r"has shape \[2\]: give a number or 6 values"),
        (WeightNormalization("source->cells", total=-1.0), "give numbers of at least 0"),
    ):
        with pytest.raises((PathError, DescriptionError), match=match):
            Simulation(converging(), [hook]).run(1.0)
    with pytest.raises(DescriptionError, match="'exc->exc' twice: give two projections"):
        Simulation(balanced(), [PairedBudgets("exc->exc", "exc->exc")]).run(1.0)
    with pytest.raises(DescriptionError, match="exc->exc and exc->inh have other targets"):
        net = balanced()
        net.connect("exc", "inh", probability(0.5), w=0.1, delay=1.0)
        Simulation(net, [WeightNormalization(["exc->exc", "exc->inh"])]).run(1.0)
    net = balanced()
    net.connect(net["inh"], net["exc"][:10], probability(0.5), w=-0.1, delay=1.0, name="part")
    with pytest.raises(DescriptionError, match="exc->exc and part have other targets"):
        Simulation(net, [PairedBudgets("exc->exc", "part")]).run(1.0)


def pruned_and_grown(*hooks):
    """60 cells whose weak synapses onto each other go, and others come, every 100 ms, before other hooks are called."""
    net = Network(seed=3)
    exc, inh = net.populate("exc", 60, LIFDelta()), net.populate("inh", 10, LIFDelta())
    net.drive(exc + inh, Poisson(rate=1200.0), w=1.0)
    rule = PairSTDP(w_max=5.0, a_plus=0.001, a_minus=0.001)
    net.connect(exc, exc, probability(0.3), w=Uniform(0.02, 0.4), delay=1.5, rule=rule, name="syn")
    net.connect(inh, exc, probability(0.3), w=-0.3, delay=1.5, name="back")
    return Simulation(net, [Prune("syn", below=0.05, every=100.0), Regrow("syn", w=0.06, every=100.0, number=900), *hooks])


def test_sums_are_those_of_the_synapses_there_are(tmp_path):
    """Beside hooks that prune and regrow, sums over the synapses of the moment are the totals, also in the run that is resumed in between, whose
    weights are the same to the bit; a bound that is set in the run holds in the next call."""
    sim = pruned_and_grown(WeightNormalization("syn", total=4.0, every=100.0))
    for _ in range(3):
        sim.run(100.0)
        assert sum(sim["syn"].statistics[what] for what in ("pruned", "grown")) > 0
        np.testing.assert_allclose(sums(sim["syn"], 60), 4.0, rtol=5 * SINGLE)
    sim.save(tmp_path / "c.h5")
    back = Simulation.resume(tmp_path / "c.h5")
    for one in (sim, back):
        one.run(200.0)
    assert np.array_equal(sim["syn"].w, back["syn"].w)
    sim["syn"].w_max = 0.2
    sim.run(100.0)
    assert sim["syn"].w.max() <= 0.2 and sums(sim["syn"], 60).max() > 3.0


@pytest.mark.parametrize("kind", ["scaling", "budgets"])
def test_scaling_and_budgets_follow_synapses_that_go(kind):
    """Each synapse is multiplied by the factor of its own target; two budgets are brought to their sum over the synapses of the moment."""
    if kind == "budgets":
        sim = pruned_and_grown(PairedBudgets("syn", "back", total=5.0, every=100.0))
        sim.run(300.0)
        np.testing.assert_allclose(sums(sim["syn"], 60) + sums(sim["back"], 60), 5.0, rtol=5 * SINGLE)
        return
    hook = SynapticScaling("syn", target=5.0, tau=500.0, tau_rate=200.0, every=100.0)
    sim = pruned_and_grown(hook)
    sim.run(199.9)
    sim["syn"].m_learning = 0.0
    place = sim["syn"].i * 60 + sim["syn"].j
    before = {k: w for k, w in zip(place.tolist(), sim["syn"].w.tolist(), strict=True) if w >= 0.05}  # others are pruned; what grows has 0.06
    sim.run(0.1)
    pruned = sim["syn"].statistics["pruned"]
    place, j = sim["syn"].i * 60 + sim["syn"].j, sim["syn"].j
    expected = [before.get(k, 0.06) * hook.factors[target] for k, target in zip(place.tolist(), j.tolist(), strict=True)]
    np.testing.assert_allclose(sim["syn"].w, expected, rtol=5 * SINGLE)
    assert pruned > 0 and np.ptp(hook.factors) > 0.1
