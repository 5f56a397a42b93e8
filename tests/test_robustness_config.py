"""Configurations of the mechanisms: presets, texts, refusals, the hooks that follow; the unified pipeline; hard bounds; the layered cortex."""

import json
import math
import warnings
from dataclasses import replace

import numpy as np
import pytest

from thalia_sim import (
    DC,
    ActivityScalingConfig,
    CriticalityConfig,
    DescriptionError,
    EIBalanceConfig,
    HardBounds,
    HardBoundsConfig,
    Interventions,
    LIFCond,
    LIFDelta,
    LIFExp,
    MemoryRecorder,
    MetabolicConfig,
    Network,
    PairSTDP,
    PathError,
    Patterns,
    Poisson,
    Recorder,
    RewardSTDP,
    RobustnessConfig,
    Scale,
    Simulation,
    StepCurrent,
    ThaliaConfig,
    UnifiedHomeostasis,
    UnusualValue,
    from_thalia_config,
    in_degree,
    open_recording,
    out_degree,
)
from thalia_sim.circuits import LayeredCortexConfig, cortex_sites, layered_cortex
from thalia_sim.testing import check_hook

ALL = [
    "hard_bounds", "weight_normalization", "activity_scaling", "ei_balance", "divisive_norm", "intrinsic_plasticity", "criticality", "metabolic"
]  # fmt: skip
T4 = 2.78  # Student's t, 95 %, 4 degrees of freedom


def only(*names):
    return RobustnessConfig.minimal().switched(**dict.fromkeys(names, True))


def small(seed=1, drive=1000.0):
    """80 excitatory and 20 inhibitory neurons, each population with a drive and gains of its own."""
    net = Network(seed=seed)
    cell = LIFDelta()
    exc, inh = net.populate("exc", 80, cell), net.populate("inh", 20, cell)
    for target in (exc, inh):
        net.drive(target, Poisson(rate=drive), w=1.0)
        net.connect(exc, target, in_degree(16), w=0.25, delay=1.5, gain=1.0)
        net.connect(inh, target, in_degree(8), w=-0.75, delay=1.5, gain=1.0)
    return net


# configuration


def test_presets():
    """Lists of the seed: minimal none; stable E/I and normalization; biological with intrinsic plasticity and criticality; full all."""
    on = {name: getattr(RobustnessConfig, name)().get_enabled_mechanisms() for name in ("minimal", "stable", "biological", "full")}
    assert on["minimal"] == [] and on["full"] == ALL
    assert on["stable"] == ["hard_bounds", "ei_balance", "divisive_norm"]
    assert on["biological"] == ["hard_bounds", "ei_balance", "divisive_norm", "intrinsic_plasticity", "criticality"]
    lines = RobustnessConfig.stable().summary().splitlines()
    assert [line.split()[1] for line in lines] == ["on" if name in on["stable"] else "off" for name in ALL] and "target_ratio=None" in lines[3]


def test_texts_give_the_same_configuration():
    robustness = RobustnessConfig(ei_balance=EIBalanceConfig(tau_balance=700.0))
    config = ThaliaConfig(seed=7, cortex=LayeredCortexConfig(n=400, g=4.5), robustness=robustness)
    assert ThaliaConfig.from_json(config.to_json()) == config and ThaliaConfig.from_dict(config.to_dict()) == config
    assert RobustnessConfig.from_dict({"enable_metabolic": True}).get_enabled_mechanisms() == [
        "ei_balance", "divisive_norm", "intrinsic_plasticity", "metabolic"
    ]  # fmt: skip
    assert RobustnessConfig.from_json(RobustnessConfig.full().to_json()) == RobustnessConfig.full()


def test_each_wrong_field_is_refused_by_name():
    """Every number of every setting, one at a time: negative, and a text; every flag: a number."""
    tree = RobustnessConfig.full().to_dict()
    for name, value in tree.items():
        if isinstance(value, bool):
            with pytest.raises(DescriptionError, match=name):
                RobustnessConfig.from_dict({name: 1})
            continue
        with pytest.raises(DescriptionError, match=f"{name} has no field 'nothing'"):
            RobustnessConfig.from_dict({name: {"nothing": 1.0}})
        with pytest.raises(DescriptionError, match=name):
            RobustnessConfig(**{name: 3.0})
        for key in value:
            for wrong in (-1.0, "much", math.nan):
                with pytest.raises(DescriptionError, match=key):
                    RobustnessConfig.from_dict({name: {key: wrong}})
    with pytest.raises(DescriptionError, match="exponent of DivisiveNormConfig is 500: give one of at most 32"):
        RobustnessConfig.from_dict({"divisive_norm": {"exponent": 500.0}})
    with pytest.raises(DescriptionError, match="every of DivisiveNormConfig is 250 ms, more than half of its tau"):
        RobustnessConfig.from_dict({"divisive_norm": {"tau": 400.0}})
    with pytest.raises(DescriptionError, match="'enable_all'"):
        RobustnessConfig.from_dict({"enable_all": True})
    with pytest.raises(PathError, match="unknown mechanism"):
        RobustnessConfig.minimal().switched(norm=True)
    for wrong, match in (({"seed": 0.5}, "seed"), ({"cortex": {"n": 10}}, "n of"), ({"cortex": {"m": 1}}, "'m'"), ({"brain": 1}, "'brain'")):
        with pytest.raises(DescriptionError, match=match):
            ThaliaConfig.from_dict(wrong)


def test_sites_are_checked():
    with pytest.raises(DescriptionError, match="2 and 1 populations"):
        only("ei_balance").hooks(small(), exc=["exc", "exc"], inh="inh")
    with pytest.raises(DescriptionError, match="exc names a population twice: exc, exc"):
        only("ei_balance").hooks(small(), exc=["exc", "exc"], inh=["inh", "inh"])
    with pytest.raises(DescriptionError, match="exc is 3"):
        only("ei_balance").hooks(small(), exc=3, inh="inh")
    net = Network(seed=1)
    net.populate("exc", 4, LIFDelta())
    net.populate("inh", 4, LIFDelta())
    with pytest.raises(DescriptionError, match="exc has no excitatory input that can be multiplied"):
        only("activity_scaling").hooks(net, exc="exc", inh="inh")
    with pytest.raises(DescriptionError, match="no excitatory projection goes to exc"):
        only("weight_normalization").hooks(net, exc="exc", inh="inh")


# effects


def rate_after(net, hooks, until, since):
    memory = MemoryRecorder()
    Simulation(net, [*hooks, memory]).run(until)
    times = memory.times("exc")
    return (times > since).sum() / net.populations["exc"].n / (until - since) * 1000.0


EFFECTS = {  # mechanism -> (drive in Hz, trouble)
    "weight_normalization": (1000.0, lambda: [Scale("exc->exc", 3.0, at=500.0)]),
    "activity_scaling": (1500.0, list),
    "ei_balance": (1000.0, lambda: [Scale("inh->exc", 0.3, at=2500.0)]),
    "divisive_norm": (1500.0, list),
    "intrinsic_plasticity": (1500.0, list),
    "metabolic": (1500.0, list),
}


@pytest.mark.parametrize("name", EFFECTS)
def test_every_switch_has_an_effect(name):
    """Paired over 5 seeds at default settings: drive of 1.5 times, or weights that are scaled, raises the rate of exc; with the mechanism it is
    lower by more than T4 standard errors."""
    drive, trouble = EFFECTS[name]
    differences = []
    for seed in range(1, 6):
        hooks = only(name).hooks(small(seed, drive), exc="exc", inh="inh")
        with_it = rate_after(small(seed, drive), [*trouble(), *hooks], 10_000.0, 6000.0)
        differences.append(rate_after(small(seed, drive), trouble(), 10_000.0, 6000.0) - with_it)
    mean, error = np.mean(differences), np.std(differences, ddof=1) / math.sqrt(5.0)
    assert mean > T4 * error and mean > 0.0, (mean, error)


def branching(seed):
    """1,000 cells near threshold by noise, of which each spike reaches 30 others 4 ms later: subcritical, branching ratio 0.7."""
    net = Network(seed=seed)
    exc, inh = net.populate("exc", 1000, LIFDelta(tau_m=5.0)), net.populate("inh", 2, LIFDelta())
    net.drive(exc, Poisson(rate=400.0), w=2.5)
    net.connect(exc, exc, out_degree(30), w=1.4, delay=4.0, gain=1.0)
    net.connect(inh, exc, out_degree(1), w=-0.1, delay=1.5, gain=1.0)
    return net


def test_criticality_has_an_effect():
    """At default settings, paired over 5 seeds: after 30 s the branching ratio of a subcritical network is nearer to its target with the regulator
    than without, by more than T4 standard errors."""
    differences = []
    for seed in range(1, 6):
        m = []
        for regulate in (False, True):
            config = replace(only("criticality"), criticality=CriticalityConfig(regulate=regulate))
            hooks = config.hooks(branching(seed), exc="exc", inh="inh", over="exc")
            Simulation(branching(seed), hooks).run(30_000.0)
            m.append(abs(hooks[0].m - config.criticality.target_branching))
        differences.append(m[0] - m[1])
    mean, error = np.mean(differences), np.std(differences, ddof=1) / math.sqrt(5.0)
    assert mean > T4 * error, (differences, mean, error)


def test_hard_bounds_have_an_effect():
    """A strong inhibitory barrage over 5 seeds: without bounds v falls far below rest, with them never below v_min = e_l - D/2. An event in 20
    steps brings v to the floor, which it leaves in the next step: about 1/20 of the looks find it there."""
    for seed in range(1, 6):
        lowest = {}
        for on in (False, True):
            net = Network(seed=seed)
            cells = net.populate("cells", 20, LIFDelta())
            net.drive(cells, Poisson(rate=500.0), w=-3.0)
            hook = HardBounds("cells")
            sim = Simulation(net, [hook] if on else [])
            sim.run(300.0)
            lowest[on] = sim["cells"].v.min()
        assert lowest[False] < -15.0 and lowest[True] >= -7.5
        assert 0.03 < hook.diagnostics()["v"] < 0.1 and math.isnan(hook.diagnostics()["current"])


# hard bounds


def test_bounds_from_the_seed():
    """By hand. LIFDelta: D = 15 mV. LIFExp: D c_m/tau_m = 10 times over. LIFCond: reversal potential; 100 leaks; c_m/100 ms."""
    config = HardBoundsConfig()
    assert config.values(LIFDelta()) == {"v_min": -7.5, "x_max": 150.0, "g_l_min": 2.5}
    p = LIFExp(tau_m=10.0, c_m=250.0, e_l=-65.0, v_th=-50.0)
    assert config.values(p) == {"v_min": -72.5, "i_max": 3750.0, "g_l_min": 2.5}
    assert config.values(LIFCond()) == {"v_min": -80.0, "g_max": 1000.0, "g_l_min": 2.0}
    assert config.values(LIFDelta(v_min=-1.0, x_max=3.0, g_l_min=9.0)) == {"v_min": -1.0, "x_max": 3.0, "g_l_min": 9.0}


def test_currents_saturate_and_bounds_are_taken_back():
    """40,000 events a second of 400 pA, mean current far above i_max = 500 pA: it is at the bound; 2 of 10 cells leak less than g_l_min."""
    net = Network(seed=1)
    tau = np.array([10.0] * 8 + [150.0] * 2)
    cells = net.populate("cells", 10, LIFExp(tau_m=tau, c_m=250.0))
    net.drive(cells, Poisson(rate=40_000.0), w=400.0, receptor="exc")
    hook = HardBounds("cells", i_max=500.0, v_min=-90.0, g_l_min=2.5)
    sim = Simulation(net, [hook])
    sim.run(200.0)
    assert sim["cells"].i_exc.max() <= 500.0
    found = hook.diagnostics()
    assert found["current"] > 0.5 and found["v"] == 0.0 and found["leak"] == 0.2
    sim.detach(hook)
    assert sim["cells"].i_max == math.inf and sim["cells"].v_min == -math.inf and sim["cells"].g_l_min == 0.0
    sim.run(20.0)
    assert sim["cells"].i_exc.max() > 500.0


def test_bounds_contract_and_refusals():
    check_hook(lambda: HardBounds("exc"), small())
    with pytest.raises(DescriptionError, match="LIFDelta has no i_max"):
        Simulation(small(), [HardBounds("exc", i_max=1.0)]).run(1.0)
    with pytest.raises(DescriptionError, match="v_max"):
        HardBounds("exc", v_max=1.0)
    with pytest.raises(DescriptionError, match="floor"):
        HardBoundsConfig(floor=0.0)


# pipeline


def everything(sim):
    """All that mechanisms may change."""
    views = [sim[name] for name in (*sim.net.projections, *sim.net.drives)]
    weights = [sim[name].w.copy() for name in sim.net.projections]
    return [*weights, *(view.amplification for view in views), *(sim[p].v_th.copy() for p in ("exc", "inh")), sim["exc"].v_min]


def test_a_second_call_changes_nothing():
    """Every mechanism acts on stored base values, and once at a time."""
    hook = UnifiedHomeostasis(only(*ALL), "exc", "inh")
    sim = Simulation(small(drive=1500.0), [hook])
    sim.run(3000.0)
    before, state = everything(sim), {name: value.copy() for name, value in hook.state().items()}
    hook.handle(sim)
    hook.handle(sim)
    for a, b in zip(before, everything(sim), strict=True):
        assert np.array_equal(a, b)
    assert all(state[name].tobytes() == value.tobytes() for name, value in hook.state().items()) and len(state) > 30


def test_pipeline_is_its_parts_in_order():
    """The same spikes as with the hooks in a list: factors multiply, shifts add, nothing compounds."""
    config, found = only(*ALL), []
    for hooks in ([UnifiedHomeostasis(config, "exc", "inh")], config.hooks(small(drive=1500.0), exc="exc", inh="inh")):
        memory = MemoryRecorder()
        Simulation(small(drive=1500.0), [*hooks, memory]).run(4000.0)
        found.append(memory.times("exc"))
    assert len(found[0]) > 1000 and np.array_equal(*found)


def test_pipeline_keeps_the_contract():
    """Saved and resumed to the bit, in pieces, with threads; diagnostics have the same names always."""
    check_hook(lambda: UnifiedHomeostasis(only(*ALL), "exc", "inh"), small(drive=1500.0), span=400.0)


def test_the_recording_has_the_configuration(tmp_path):
    config = only(*ALL)
    hook = UnifiedHomeostasis(config, "exc", "inh")
    with Simulation(small(), [hook, Recorder(tmp_path / "a.h5")]) as sim:
        sim.run(3000.0)
        tree = hook.tree()
        assert tree["ei_balance"]["exc"]["scale"] == hook.get_diagnostics()["ei_balance.exc.scale"]
    with open_recording(tmp_path / "a.h5") as recording:
        (event,) = [e for e in recording.events() if e.kind == "configuration"]
        found = recording.diagnostics("unifiedhomeostasis")
    assert RobustnessConfig.from_dict(json.loads(json.dumps(event.facts))) == config
    assert found["ei_balance.exc.ratio"][-1] > 0.0 and set(tree) == set(ALL)


def test_balance_and_intrinsic_plasticity_settle_together():
    """Two integrators on one rate, whose targets disagree (5 Hz; the ratio of the baseline): the scale of inhibition and the thresholds come to
    rest between their bounds, their change over the last 15 s a tenth of that over the first 15 at most, and the rate is 5 Hz within 10 %."""
    hook, memory = UnifiedHomeostasis(only("ei_balance", "intrinsic_plasticity"), "exc", "inh"), MemoryRecorder()
    sim, seen = Simulation(small(), [hook, memory]), []
    for _ in range(4):
        sim.run(15_000.0)
        found = hook.diagnostics()
        seen.append((math.log(found["ei_balance.exc.scale"]), found["intrinsic_plasticity.exc.shift"]))
    assert 0.2 < found["ei_balance.exc.scale"] < 5.0 and found["intrinsic_plasticity.exc.at_bounds"] == 0.0
    for path in np.transpose([(0.0, 0.0), *seen]):
        assert abs(path[4] - path[3]) < 0.1 * max(abs(path[1]), 0.1), path
    times = memory.times("exc")
    assert (times > 45_000.0).sum() / 80 / 15.0 == pytest.approx(5.0, rel=0.1)


# layered cortex


def test_rates_of_the_layered_cortex():
    """1 to 20 Hz in every population over 3 seeds, the range of cortex; at least 1,000 neurons."""
    for seed in (1, 2, 3):
        net, memory = layered_cortex(seed), MemoryRecorder()
        assert net.n >= 1000
        Simulation(net, [memory]).run(2000.0)
        for p in net.populations.values():
            rate = (memory.times(p.name) > 500.0).sum() / p.n / 1.5
            assert 1.0 < rate < 20.0, (seed, p.name, rate)


def test_normalization_makes_up_for_a_drive_at_half():
    """The drive of L4 at half while patterns are shown, over 3 seeds: without normalization L4 falls below a tenth of its rate, with it to no less
    than a third. What inhibits is not multiplied."""
    kept = {True: [], False: []}
    for seed in (1, 2, 3):
        for is_on, shares in kept.items():
            net, memory = layered_cortex(seed, LayeredCortexConfig(n=400)), MemoryRecorder()
            mechanism = only("divisive_norm").hooks(net, **cortex_sites(net)._asdict()) if is_on else []
            sim = Simulation(net, [Patterns("l4_exc", current=80.0), *mechanism, memory])
            sim.run(8000.0)
            sim["external->l4_exc"].w = 0.45
            sim.run(8000.0)
            times = memory.times("l4_exc")
            shares.append((times > 12_000.0).sum() / ((times > 4000.0) & (times <= 8000.0)).sum())
            assert sim["l4_inh->l4_exc"].amplification == 1.0
            assert (sim["l4_exc->l4_exc"].amplification > 1.2) == is_on
    assert min(kept[True]) > 1 / 3 and max(kept[False]) < 1 / 10


def test_a_pause_of_the_input_is_no_shock():
    """The drives of L4 off for 8 s and back, over 3 seeds: in the first 250 ms L4 fires at no more than twice its rate before, though normalization
    raises weak inputs; silence is no weak input."""
    for seed in (1, 2, 3):
        net, memory = layered_cortex(seed, LayeredCortexConfig(n=400)), MemoryRecorder()
        sim = Simulation(net, [*only("divisive_norm").hooks(net, **cortex_sites(net)._asdict()), memory])
        sim.run(6000.0)
        for w in (0.0, 0.9):
            sim["external->l4_exc"].w = sim["external->l4_inh"].w = w
            sim.run(8000.0 if w == 0.0 else 2000.0)
        times = memory.times("l4_exc")
        before, pause, back = ((times > a) & (times <= b) for a, b in ((3000.0, 6000.0), (8000.0, 14_000.0), (14_000.0, 14_250.0)))
        assert pause.sum() == 0 and back.sum() / 0.25 < 2.0 * before.sum() / 3.0


def test_inputs_that_inhibit_or_cannot_be_multiplied_are_left_out():
    """Drives of all kinds onto exc: excitatory Poisson and DC are multiplied; events of negative weight and negative DC are not; a current over time
    and weights by target are left out with a word."""
    net = small()
    exc = net["exc"]
    net.drive(exc, Poisson(rate=100.0), w=-0.1, name="inhibits")
    net.drive(exc, DC(amplitude=20.0), name="dc")
    net.drive(exc, DC(amplitude=-20.0), name="sink")
    for mechanism in ("activity_scaling", "divisive_norm", "metabolic"):
        (hook,) = only(mechanism).hooks(net, exc="exc", inh="inh")
        assert set(hook.inputs) == {"exc->exc", "poisson->exc", "dc"}
    net.drive(exc, StepCurrent(times=[0.0], amplitudes=[5.0]), name="steps")
    net.drive(exc, Poisson(rate=100.0), w=np.full(80, 0.1), name="each")
    for mechanism in ("activity_scaling", "divisive_norm", "metabolic"):
        with pytest.warns(UnusualValue, match="drives steps, each of exc change with time or have a weight for each target"):
            (hook,) = only(mechanism).hooks(net, exc="exc", inh="inh")
        assert set(hook.inputs) == {"exc->exc", "poisson->exc", "dc"}
        Simulation(net, [hook]).run(20.0)
    with warnings.catch_warnings(record=True) as told:  # of all mechanisms together once, under Python's own filter
        warnings.simplefilter("default")
        RobustnessConfig.full().hooks(net, exc="exc", inh="inh")
    assert len([each for each in told if each.category is UnusualValue]) == 1


def test_energy_slows_learning_and_lowers_reward_by_its_configuration():
    """A budget of a tenth of a hertz: m_energy of what learns onto exc is 1/(1 + penalty), m_reward of what reads it is lowered by the penalty, its
    inputs stay; other learners keep theirs. A network where nothing learns is refused."""
    net = small(drive=1500.0)
    exc, inh = net["exc"], net["inh"]
    net.connect(exc, exc, in_degree(4), w=0.1, delay=1.5, rule=PairSTDP(), name="learns")
    net.connect(exc, exc, in_degree(4), w=0.1, delay=1.5, rule=RewardSTDP(), name="rewarded")
    net.connect(exc, inh, in_degree(4), w=0.1, delay=1.5, rule=PairSTDP(), name="other")
    settings = MetabolicConfig(budget_rate=0.1, reduce_gain=False, slow_learning=True, lower_reward=True)
    config = replace(only("metabolic"), metabolic=settings)
    assert RobustnessConfig.from_json(config.to_json()) == config
    (hook,) = config.hooks(net, exc="exc", inh="inh")
    sim = Simulation(net, [hook])
    sim.run(1000.0)
    assert hook.penalty > 0.01 and hook.penalty == pytest.approx(0.1 * (hook.cost - 80 * 0.1 * 0.001))
    assert sim["learns"].m_energy == pytest.approx(1.0 / (1.0 + hook.penalty)) and sim["other"].m_energy == 1.0
    assert sim["rewarded"].m_reward == pytest.approx(Simulation(net)["rewarded"].m_reward - hook.penalty)
    assert sim["exc->exc"].amplification == 1.0
    for use, error in (("slow_learning", "no projection has a rule"), ("lower_reward", "no projection has a rule")):
        (hook,) = replace(config, metabolic=MetabolicConfig(**{use: True})).hooks(small(), exc="exc", inh="inh")
        with pytest.raises(DescriptionError, match=error):
            Simulation(small(), [hook]).run(1.0)


def test_a_leak_and_a_share_may_be_0():
    assert ActivityScalingConfig(leak=0.0, in_silence=0.0).leak == CriticalityConfig(leak=0.0).leak == 0.0
    for make, name in ((ActivityScalingConfig, "ActivityScalingConfig"), (CriticalityConfig, "CriticalityConfig")):
        with pytest.raises(DescriptionError, match=f"leak of {name} is -0.1: give a finite number of at least 0"):
            make(leak=-0.1)


def test_all_recurrent_projections_are_regulated():
    net = small()
    net.connect(net["exc"], net["exc"], in_degree(2), w=0.1, delay=1.5, name="more")
    (hook,) = only("criticality").hooks(net, exc="exc", inh="inh")
    assert hook.regulate == ("exc->exc", "more")
    bare = Network(seed=1)
    bare.populate("exc", 4, LIFDelta())
    bare.populate("inh", 4, LIFDelta())
    with pytest.raises(DescriptionError, match=r"from exc to itself alone: connect one, or give CriticalityConfig\(regulate=False\)"):
        only("criticality").hooks(bare, exc="exc", inh="inh")


@pytest.mark.parametrize("name", ALL)
def test_a_second_call_at_one_time_changes_nothing(name):
    """Of each mechanism as a hook of its own: called twice at each of its times it leaves what it leaves when called once."""
    found = []
    for twice in (False, True):
        net = small(drive=1500.0)
        hooks = only(name).hooks(net, exc="exc", inh="inh")
        for hook in hooks if twice else ():
            again(hook)
        sim = Simulation(net, [*hooks, Interventions([Scale("exc->exc", 2.0, at=300.0)])])
        sim.run(3000.0)
        told = [value for hook in hooks for value in hook.diagnostics().values()]
        gains = [sim[projection].amplification for projection in net.projections]
        found.append([*told, *gains, *sim["exc->exc"].w, *sim["exc"].v_th])
    np.testing.assert_array_equal(*found)


def again(hook):
    """Have its handle called twice each time."""
    once = type(hook).handle

    def handle(sim):
        once(hook, sim)
        once(hook, sim)

    vars(hook)["handle"] = handle


def test_regions_are_joined_by_axons():
    """Two regions: twice the neurons; delays between regions within 0.5 to 8 ms, and using most of that."""
    net = layered_cortex(1, LayeredCortexConfig(n=200, n_regions=2, in_degree=20))
    assert net.n == 400 and cortex_sites(net).exc == ("l23_exc", "r1_l23_exc") and cortex_sites(net).at_input == ("l4_exc", "r1_l4_exc")
    sim = Simulation(net)
    for name in ("l23_exc->r1_l4_exc", "l23_exc->r1_l4_inh", "r1_l5_exc->l23_exc", "r1_l5_exc->l23_inh"):
        delay = sim[name].delay
        assert delay.min() >= 0.5 and delay.max() <= 8.0 and np.ptp(delay) > 5.0


def test_one_call_builds_all():
    """Integration points: balance and intrinsic plasticity at L2/3, nothing elsewhere; the network runs with them."""
    config = ThaliaConfig(seed=3, cortex=LayeredCortexConfig(n=300, in_degree=20), robustness=only("ei_balance", "intrinsic_plasticity"))
    net, hooks = from_thalia_config(config)
    assert net == layered_cortex(3, config.cortex)
    sim = Simulation(net, hooks)
    before = {p: sim[p].v_th.copy() for p in net.populations}
    sim.run(4000.0)
    assert [p for p in net.populations if (sim[p].v_th != before[p]).any()] == ["l23_exc"]
    assert [p for p in net.projections if sim[p].amplification != 1.0] == ["l23_inh->l23_exc"]
    assert from_thalia_config(ThaliaConfig(robustness=RobustnessConfig.minimal()))[1] == []
