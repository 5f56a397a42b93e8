"""Interventions: what each does to a running network, that it ends, is recorded, repeated and saved."""

import gc
import json
from typing import NamedTuple

import numpy as np
import pytest
from click.testing import CliRunner

from thalia_sim import (
    DC,
    BlockPlasticity,
    Clamp,
    DescriptionError,
    Hook,
    Interventions,
    LIFDelta,
    LIFExp,
    Lesion,
    MemoryRecorder,
    Network,
    PathError,
    Poisson,
    PoissonSource,
    Recorder,
    RecordingError,
    Restore,
    Sample,
    Scale,
    Silence,
    Simulation,
    SimulationError,
    StepCurrent,
    Stimulate,
    StopRun,
    Switch,
    Uniform,
    UnusualValue,
    in_degree,
    open_recording,
    probability,
    replay,
)
from thalia_sim.analysis.compare import compare_recordings, format_comparison
from thalia_sim.cli import commands
from thalia_sim.kernels.loop import OF_ROWS
from thalia_sim.kernels.pages import SMALL


def describe(seed=3):
    """Driven neurons in two populations with plastic and fixed synapses, and a source."""
    net = Network(seed=seed)
    exc = net.populate("exc", 80, LIFExp(e_l=-53.0), v=Uniform(-65.0, -50.0))
    inh = net.populate("inh", 20, LIFDelta(e_l=-52.0, v_th=-50.0, v_reset=-60.0), v=Uniform(-65.0, -50.0))
    source = net.populate("source", 10, PoissonSource(rate=50.0))
    net.connect(exc, exc, in_degree(5), w=20.0, delay=Uniform(0.1, 8.0), gain=1.0)
    net.connect(exc, inh, probability(0.2), w=0.6, delay=1.0)
    net.connect(inh, exc, probability(0.2), w=-25.0, delay=1.3, receptor="inh")
    net.connect(source, exc, probability(0.1), w=30.0)
    net.drive(exc, Poisson(rate=1500.0), w=8.0, receptor="exc")
    net.drive(inh, Poisson(rate=1000.0), w=0.3)
    return net


def spikes_of(plan, until=300.0, net=None):
    memory = MemoryRecorder()
    net = describe() if net is None else net
    sim = Simulation(net, [*plan, memory])
    sim.run(until)
    return memory, sim


def count(memory, population, elements, t0, t1):
    t, ids = memory.spikes_of(population)
    return int((np.isin(ids, elements) & (t > t0) & (t <= t1)).sum())


# what each does


@pytest.mark.parametrize("kind", [Silence, Lesion])
def test_silent_neurons_fire_until_then_and_from_the_end_on(kind):
    chosen = np.arange(10, 50)
    memory, sim = spikes_of([kind("exc", elements=chosen, at=100.0, until=200.0)])
    assert count(memory, "exc", chosen, 0.0, 100.0) > 10
    assert count(memory, "exc", chosen, 100.0, 200.0) == 0
    assert count(memory, "exc", chosen, 200.0, 300.0) > 10
    assert count(memory, "exc", np.arange(10), 100.0, 200.0) > 0
    assert (sim["exc"].v_th == -50.0).all() and not sim["exc"].silent.any()


def test_all_that_was_before_is_as_without_the_intervention():
    """Common random numbers: what an intervention does not touch has the same noise."""
    free, _ = spikes_of([])
    cut, _ = spikes_of([Lesion("exc->inh", at=150.0), Lesion("source", at=150.0), Lesion("inh->exc", at=150.0), Lesion("exc->exc", at=150.0)])
    for name in ("exc", "inh", "source"):
        (t, ids), (t2, ids2) = free.spikes_of(name), cut.spikes_of(name)
        assert np.array_equal(t[t <= 150.0], t2[t2 <= 150.0]) and np.array_equal(ids[t <= 150.0], ids2[t2 <= 150.0])
        assert not np.array_equal(t, t2)
    assert count(cut, "source", np.arange(10), 150.0, 300.0) == 0


def test_a_silenced_threshold_can_be_moved_meanwhile():
    """A regulator that moves thresholds wakes nobody, and finds its threshold when the silence ends."""

    class Regulator(Hook):
        every = 10.0

        def handle(self, sim):
            sim["exc"].v_th = sim["exc"].v_th - 0.1

    memory, sim = spikes_of([Regulator(), Silence("exc", share=0.5, at=50.0, until=250.0)])
    silent = memory.spikes_of("exc")
    assert np.allclose(sim["exc"].v_th, -50.0 - 0.1 * 30)
    assert len(np.unique(silent[1][(silent[0] > 60.0) & (silent[0] < 250.0)])) <= 40


def test_silences_add_up():
    memory, sim = spikes_of([Silence("inh", at=50.0, until=150.0), Silence("inh", elements=[0, 1], at=100.0, until=200.0)], until=180.0)
    assert count(memory, "inh", np.arange(20), 50.0, 150.0) == 0
    assert list(np.flatnonzero(sim["inh"].silent)) == [0, 1]


def test_a_share_is_that_share_and_follows_the_seed():
    def lost(seed):
        sim = Simulation(describe(seed), [Lesion("exc", share=0.25, at=10.0)])
        sim.run(20.0)
        return np.flatnonzero(sim["exc"].silent)

    assert len(lost(1)) == 20
    assert np.array_equal(lost(1), lost(1)) and not np.array_equal(lost(1), lost(2))


def test_lost_synapses_stay_at_zero_whatever_is_written():
    class Rule(Hook):
        every = 5.0

        def handle(self, sim):
            sim["exc->exc"].w = sim["exc->exc"].w + 1.0

    _, sim = spikes_of([Rule(), Lesion("exc->exc", elements=[0, 3, 7], at=50.0, until=150.0)], until=100.0)
    w = sim["exc->exc"].w
    assert (w[[0, 3, 7]] == 0.0).all() and (np.delete(w, [0, 3, 7]) == 20.0 + 20.0).all()
    sim.run(100.0)
    w = sim["exc->exc"].w
    assert (np.delete(w, [0, 3, 7]) == 60.0).all()
    assert (w[[0, 3, 7]] == 20.0 + 10.0 + 10.0).all(), "as they were at 50 ms, 30 or so, and what the rule did after 150 ms"


def test_stimulation_moves_the_potential_as_the_membrane_equation_says():
    """v(t) = R I (1 - exp(-t / tau)) above rest, and back."""
    net = Network(seed=1)
    net.populate("one", 3, LIFExp(tau_m=20.0, c_m=200.0, e_l=-65.0, v_th=1e3))
    memory = MemoryRecorder(state=[Sample("one", "v", every=0.1)])
    sim = Simulation(net, [Stimulate("one", current=100.0, elements=[1], at=10.0, until=40.0), memory])
    sim.run(80.0)
    t, v = memory.samples("one", "v")
    on = (t > 10.0) & (t <= 40.0)
    assert np.allclose(v[on, 1], -65.0 + 10.0 * (1 - np.exp(-(t[on] - 10.0) / 20.0)), atol=1e-9)
    after = t > 40.0
    assert np.allclose(v[after, 1], -65.0 + 10.0 * (1 - np.exp(-1.5)) * np.exp(-(t[after] - 40.0) / 20.0), atol=1e-9)
    assert (v[:, [0, 2]] == -65.0).all()


@pytest.mark.parametrize("precision", ["double", "single"])
def test_a_clamped_potential_stays_at_its_value(precision):
    """Sampled after each step, in a population that sleeps and one that does not, and it relaxes from there."""
    net = Network(seed=1)
    net.populate("one", 2000, LIFExp(tau_m=20.0, e_l=-65.0))
    memory = MemoryRecorder(state=[Sample(net["one"][:4], "v", every=0.1)])
    sim = Simulation(net, [Clamp("one", "v", -58.0, elements=[1, 2], at=20.0, until=60.0), memory], precision=precision)
    sim.run(100.0)
    t, v = memory.samples("one", "v")
    held = (t > 20.0) & (t <= 60.0)
    assert (v[held][:, [1, 2]] == -58.0).all() and (v[:, 0] == -65.0).all()
    after = t > 60.0
    assert np.allclose(v[after, 1], -65.0 + 7.0 * np.exp(-(t[after] - 60.0) / 20.0), atol=1e-9 if precision == "double" else 1e-4)


def test_a_potential_held_above_threshold_fires_after_each_refractoriness():
    net = Network(seed=1)
    net.populate("one", 2, LIFExp(t_ref=2.0, e_l=-65.0))
    memory = MemoryRecorder()
    sim = Simulation(net, [Clamp("one", "v", 0.0, elements=[0], at=0.0), memory])
    sim.run(100.0)
    t, ids = memory.spikes_of("one")
    assert (ids == 0).all() and np.allclose(np.diff(t), 2.1), "20 steps of refractoriness, then the step in which it fires"


def test_synaptic_currents_and_thresholds_can_be_clamped():
    net = describe()
    memory = MemoryRecorder(state=[Sample("exc", "i_exc", every=1.0)])
    sim = Simulation(net, [Clamp("exc", "i_exc", 5.0, at=10.0, until=20.0), Clamp("exc", "v_th", -40.0, elements=[4], at=10.0, until=30.0), memory])
    sim.run(25.0)
    t, values = memory.samples("exc", "i_exc")
    assert (values[(t > 10.0) & (t <= 20.0)] == 5.0).all()
    assert sim["exc"].v_th[4] == -40.0 and sim["exc"].v_th[5] == -50.0
    sim["exc"].v_th = -49.0
    assert sim["exc"].v_th[4] == -40.0, "who is clamped stays so"
    sim.run(10.0)
    assert sim["exc"].v_th[4] == -50.0, "a threshold goes back to what it was"


def test_scaled_weights_come_back_to_the_bit():
    _, sim = spikes_of([Scale("exc->inh", factor=1.37, at=50.0, until=150.0)], until=100.0)
    assert np.allclose(sim["exc->inh"].w, 0.6 * 1.37)
    sim.run(100.0)
    assert (sim["exc->inh"].w == np.float32(0.6)).all()


def test_blocked_plasticity_drops_what_hooks_write():
    class Rule(Hook):
        every = 5.0

        def handle(self, sim):
            sim["exc->exc"].w = sim["exc->exc"].w + 1.0

    _, sim = spikes_of([Rule(), BlockPlasticity("exc->exc", at=52.0, until=98.0), Scale("exc->exc", factor=2.0, at=60.0)], until=120.0)
    assert (sim["exc->exc"].w == (20.0 + 10.0) * 2.0 + 5.0).all(), "ten times before, five times after, and an intervention meanwhile"
    sim["exc->exc"].plastic = False
    sim["exc->exc"].w = 3.0
    sim.run(20.0)
    assert (sim["exc->exc"].w == 3.0).all(), "a script may write, its hooks may not"


def test_a_drive_is_switched_off_and_on():
    memory, sim = spikes_of([Switch(next(iter(describe().drives)), at=100.0, until=200.0)])
    t, _ = memory.spikes_of("exc")
    assert ((t > 130.0) & (t <= 200.0)).sum() < 0.2 * ((t > 30.0) & (t <= 100.0)).sum()
    assert (t > 200.0).sum() > 50


def test_restore_ends_those_of_a_name_or_all():
    plan = [Silence("exc", at=10.0, name="dark"), Silence("inh", at=10.0), Restore("dark", at=50.0)]
    _, sim = spikes_of(plan, until=60.0)
    assert not sim["exc"].silent.any() and sim["inh"].silent.all()
    _, sim = spikes_of([*plan[:2], Restore(at=50.0)], until=60.0)
    assert not sim["exc"].silent.any() and not sim["inh"].silent.any()


# several at once: each lies over the values by itself, so they end in any order and leave nothing behind


@pytest.mark.parametrize(
    "plan",
    [
        [Lesion("exc->exc", at=1.0, until=5.0), Lesion("exc->exc", at=2.0, until=8.0)],
        [Lesion("exc->exc", at=1.0), Lesion("exc->exc", elements=[0, 1], at=2.0), Restore(at=8.0)],
        [Lesion("exc->exc", at=1.0, until=5.0), Scale("exc->exc", 2.0, at=2.0, until=8.0)],
        [Scale("exc->exc", 2.0, at=1.0, until=5.0), Lesion("exc->exc", at=2.0, until=8.0)],
        [Scale("exc->exc", 3.0, at=1.0, until=5.0), Scale("exc->exc", 1.7, at=2.0, until=8.0), Scale("exc->exc", 0.1, at=3.0, until=4.0)],
    ],
)
def test_weights_come_back_to_the_bit(plan):
    sim = Simulation(describe(), plan)
    sim.run(4.5)
    assert (sim["exc->exc"].w != 20.0).any()
    sim.run(5.0)
    assert (sim["exc->exc"].w == 20.0).all()


def test_what_a_rule_writes_under_a_scale_is_kept():
    """It sees scaled weights, and what it adds is there afterwards, by the factor."""

    class Rule(Hook):
        at = 3.0

        def handle(self, sim):
            w = sim["exc->exc"].w.copy()
            w[7] += 4.0
            sim["exc->exc"].w = w

    sim = Simulation(describe(), [Scale("exc->exc", 2.0, at=1.0, until=5.0), Rule()])
    sim.run(4.0)
    assert sim["exc->exc"].w[7] == 44.0 and sim["exc->exc"].w[8] == 40.0
    sim.run(4.0)
    assert sim["exc->exc"].w[7] == 22.0 and sim["exc->exc"].w[8] == 20.0


def test_drives_and_sources_held_off_twice():
    name = next(iter(describe().drives))
    off = [Switch(name, at=1.0, until=5.0), Switch(name, at=2.0, until=8.0), Silence("source", at=1.0, until=5.0), Lesion("source", at=2.0)]
    sim = Simulation(describe(), off)
    seen = []
    for t in (1.5, 4.5, 6.0, 9.0):
        sim.run(until=t)
        seen.append((sim[name].on, sim["source"].on))
    assert seen == [(False, False), (False, False), (False, False), (True, False)]
    sim = Simulation(describe(), [Switch(name, at=1.0, until=5.0)])
    sim.run(2.0)
    sim[name].on = False
    sim.run(5.0)
    assert not sim[name].on, "as it was switched by hand meanwhile"


CURRENTS = [
    ([Clamp("one", "i_ext", 0.0, at=1.0, until=5.0), Stimulate("one", 50.0, at=2.0, until=8.0)], 0.0, 50.15),
    ([Stimulate("one", 50.0, at=1.0, until=5.0), Clamp("one", "i_ext", 7.0, at=2.0, until=8.0)], 7.0, 7.0),
    ([Clamp("one", "i_ext", 5.0, at=1.0, until=8.0), Switch("dc", at=2.0, until=9.0)], 5.0, 5.0),
    ([Stimulate("one", 0.2, at=1.0, until=8.0), Stimulate("one", 0.3, at=2.0, until=4.0)], 0.65, 0.35),
]


@pytest.mark.parametrize(("plan", "at_3", "at_6"), CURRENTS)
def test_currents_come_back_to_the_bit(plan, at_3, at_6):
    net = Network(seed=1)
    one = net.populate("one", 3, LIFExp(v_th=1e3), i_ext=0.05)
    net.drive(one, DC(amplitude=0.1), name="dc")
    sim = Simulation(net, plan)
    first = Simulation(net)["one"].i_ext[0]
    sim.run(3.0)
    found = [sim["one"].i_ext[0]]
    sim.run(3.0)
    found.append(sim["one"].i_ext[0])
    sim.run(4.0)
    assert np.allclose(found, [at_3, at_6], atol=1e-12)
    assert (sim["one"].i_ext == first).all()


def test_steps_of_a_current_and_a_clamp_meanwhile():
    net = Network(seed=1)
    one = net.populate("one", 3, LIFExp(v_th=1e3))
    net.drive(one, StepCurrent(times=[0.0, 3.0, 6.0], amplitudes=[5.0, 50.0, 0.0]), name="steps")
    sim = Simulation(net, [Clamp("one", "i_ext", 5.0, elements=[0], at=1.0, until=8.0)])
    sim.run(5.0)
    assert list(sim["one"].i_ext) == [5.0, 50.0, 50.0]
    sim.run(5.0)
    assert list(sim["one"].i_ext) == [0.0, 0.0, 0.0]


def test_a_direct_current_goes_off_and_on_to_the_bit():
    net = Network(seed=1)
    one = net.populate("one", 3, LIFExp(v_th=1e3), i_ext=0.05)
    for k in range(3):
        net.drive(one[:2], DC(amplitude=0.1), name=f"dc{k}")
    sim = Simulation(net)
    sim.run(1.0)
    before = sim["one"].i_ext
    sim["dc1"].on = False
    assert np.allclose(sim["one"].i_ext, [0.25, 0.25, 0.05])
    sim["dc1"].on = True
    assert np.array_equal(sim["one"].i_ext, before)
    sim["one"].i_ext = 7.0
    assert (sim["one"].i_ext == 7.0).all()
    sim["dc0"].amplitude = 0.2
    assert np.allclose(sim["one"].i_ext, [7.1, 7.1, 7.0])


def test_clamps_that_meet_the_later_one_holds():
    net = Network(seed=1)
    net.populate("one", 3, LIFExp(v_th=1e3, e_l=-65.0))
    sim = Simulation(net, [Clamp("one", "v", -60.0, at=1.0, until=9.0), Clamp("one", "v", -50.0, elements=[1], at=2.0, until=5.0)])
    sim.run(3.0)
    assert list(sim["one"].v) == [-60.0, -50.0, -60.0]
    sim.run(3.0)
    assert list(sim["one"].v) == [-60.0, -60.0, -60.0]
    sim.attach(Clamp("one", "v", -40.0, at=12.0, until=13.0))
    sim.attach(Clamp("one", "v", -30.0, at=11.0, until=12.0))
    sim.run(6.5)
    assert (sim["one"].v == -40.0).all(), "back to back, whichever was attached first"


def test_restore_ends_what_another_hook_began(tmp_path):
    """Also in a branch, where the lesion lies in the past, and its replay."""
    sim = Simulation(describe(), [Lesion("exc", elements=[1, 2], at=5.0, name="L"), Recorder(tmp_path / "a.h5")])
    sim.run(10.0)
    sim.save(tmp_path / "a.ckpt")
    sim.close()
    with Simulation.resume(tmp_path / "a.ckpt", branch=tmp_path / "b.h5", hooks=[Restore("L", at=12.0)]) as branch:
        branch.run(until=11.0)
        assert branch["exc"].silent.sum() == 2
        branch.run(until=20.0)
        assert not branch["exc"].silent.any()
    with open_recording(tmp_path / "b.h5") as b:
        assert [(e.t, e.kind) for e in b.events()] == [(10.0, "in force"), (12.0, "restore"), (12.0, "end")]
    again = Simulation(describe(), [replay(tmp_path / "b.h5")])
    again.run(11.0)
    assert again["exc"].silent.sum() == 2
    again.run(2.0)
    assert not again["exc"].silent.any()


@pytest.mark.parametrize("plan", [[Lesion("exc->exc", share=0.3, at=10.0)], [Scale("exc->exc", 2.0, elements=range(50), at=10.0)]])
def test_chosen_synapses_do_not_depend_on_blocks(plan):
    found = []
    for blocks in (1, 2, 4):
        memory = MemoryRecorder()
        sim = Simulation(describe(), [*plan, memory], blocks=blocks, sleeping=False)
        sim.run(100.0)
        view = sim["exc->exc"]
        order = np.lexsort((view.j, view.delay, view.i))
        found.append((view.w[order], *memory.spikes_of("exc")))
    for other in found[1:]:
        assert all(np.array_equal(x, y) for x, y in zip(found[0], other, strict=True))


# bad input


class Own(NamedTuple):
    """An intervention of the test's own: a parameter for a while."""

    target: str
    tau_m: float = 5.0
    what: object = None
    at: float = 0.0
    until: float | None = None
    name: str = ""

    def check(self, sim):
        return self

    def begin(self, sim, name):
        before = sim[self.target].tau_m
        sim[self.target].tau_m = self.tau_m
        return {"tau_m": np.array(before)}

    def end(self, sim, name, before):
        sim[self.target].tau_m = float(before["tau_m"])


class Careless(Own):
    def check(self, sim):
        return None


def test_an_intervention_of_one_s_own_ends_after_a_resume(tmp_path):
    sim = Simulation(describe(), [Own("exc", at=2.0, until=8.0)])
    sim.run(5.0)
    sim.save(tmp_path / "a.ckpt")
    again = Simulation.resume(tmp_path / "a.ckpt")
    assert again["exc"].tau_m == 5.0
    again.run(5.0)
    assert again["exc"].tau_m == 20.0


@pytest.mark.parametrize(
    ("what", "told"),
    [
        (lambda: Lesion("exz", at=1.0), "unknown population or projection 'exz': .*exc"),
        (lambda: Silence("exc", share=1.5), "share = 1.5: give a number from 0 to 1"),
        (lambda: Silence("exc", share=0.5, elements=[1]), "share and elements: give one"),
        (lambda: Silence("exc", elements=[80]), r"exc has no element 80: it has 0..79"),
        (lambda: Silence("exc", elements=[0.5]), "give whole numbers"),
        (lambda: Silence("exc", at=-1.0), "at = -1.0: give a time in ms"),
        (lambda: Silence("exc", at=5.0, until=5.0), "until = 5.0: give a later time"),
        (lambda: Silence("exc", at=0.05), "no whole number of steps"),
        (lambda: Silence("source", share=0.5), "switched off as a whole"),
        (lambda: Stimulate("exc", current=np.nan), "current = nan"),
        (lambda: Stimulate("source", current=1.0), "no state 'i_ext'"),
        (lambda: Clamp("exc", "u", 1.0), "no state 'u'"),
        (lambda: Clamp("exc", "v"), "value = nan: give a finite number"),
        (lambda: Scale("exc->exc", factor=0.0), "factor = 0.0"),
        (lambda: Scale("exc", factor=2.0), "unknown projection 'exc'"),
        (lambda: Lesion("exc->exc", elements=[400]), "has no synapse 400"),
        (lambda: BlockPlasticity("exc->exz"), "unknown projection"),
        (lambda: Switch("exc"), "unknown drive 'exc'"),
        (lambda: Switch(next(iter(describe().drives)), on="off"), "on = 'off': give True or False"),
        (lambda: Lesion(["exc"]), r"unknown population or projection \['exc'\]"),
        (lambda: Lesion("exc", elements=[[1], [2, 3]]), "give whole numbers"),
        (lambda: Lesion("exc", elements=describe()["inh"][:2]), "is given elements of inh: give elements of exc"),
        (lambda: Silence("exc", name=np.array([])), r"is given the name array\(\[\].*: give a text"),
        (lambda: Restore([1]), "no intervention has the name"),
        (lambda: Own("exc", at=1.0, what=object()), "what of Own at 1 ms"),
        (lambda: Careless("exc", at=1.0), "check of Careless at 1 ms returned None"),
    ],
)
def test_what_cannot_be_done_is_refused_before_the_first_step(what, told):
    steps = []

    class Count(Hook):
        def flushed(self, sim):
            steps.append(sim.step)

    with pytest.raises((DescriptionError, PathError, SimulationError), match=told):
        Simulation(describe(), [what(), Count()]).run(10.0)
    assert not steps


def test_wrong_lists_are_refused():
    with pytest.raises(DescriptionError, match="give a list"):
        Interventions(Lesion("exc"))
    with pytest.raises(DescriptionError, match="is given 3: give Lesion"):
        Interventions([3])
    for nothing in (None, 5, "exc"):
        with pytest.raises(DescriptionError, match="give a list"):
            Interventions(nothing)
    with pytest.raises(DescriptionError, match="no intervention has the name 'b': known are a"):
        Simulation(describe(), [Silence("exc", name="a"), Restore("b", at=3.0)]).run(5.0)
    sim = Simulation(describe())
    sim.run(10.0)
    with pytest.raises(SimulationError, match="lies in the past, it is 10 ms"):
        sim.attach(Lesion("exc", at=5.0))


# recorded, repeated, saved


PLAN = (
    Lesion("exc", share=0.2, at=40.0),
    Silence("inh", share=0.5, at=60.0, until=140.0, name="dark"),
    Stimulate("exc", current=80.0, share=0.3, at=50.0, until=120.0),
    Clamp("inh", "v", -55.0, elements=[1, 2], at=70.0, until=130.0),
    Scale("exc->exc", factor=1.3, at=80.0),
    Lesion("inh->exc", share=0.1, at=90.0, until=150.0),
    BlockPlasticity("exc->inh", at=20.0, until=160.0),
    Restore("dark", at=110.0),
)


def test_a_recording_tells_of_them_and_they_can_be_repeated(tmp_path):
    net = describe()
    with Simulation(net, [*PLAN, Recorder(tmp_path / "a.h5", weights=["exc->exc"])]) as sim:
        sim.run(200.0)
    with open_recording(tmp_path / "a.h5") as recording:
        told = [(event.t, event.kind, event.facts["what"].rpartition(":")[2]) for event in recording.events()]
        first = recording.events()[1]
    assert told[:3] == [(20.0, "begin", "BlockPlasticity"), (40.0, "begin", "Lesion"), (50.0, "begin", "Stimulate")]
    assert (110.0, "restore", "Restore") in told and (110.0, "end", "Silence") in told and (140.0, "end", "Silence") not in told
    assert len(first.facts["elements"]) == 16 and json.dumps(first.facts)
    again = replay(tmp_path / "a.h5")
    with Simulation(describe(), [again, Recorder(tmp_path / "b.h5", weights=["exc->exc"])]) as sim:
        sim.run(200.0)
    assert compare_recordings(tmp_path / "a.h5", tmp_path / "b.h5")["equal"]


def test_interventions_in_force_are_saved(tmp_path):
    """Saved in the midst of them, a run goes on to the bit."""
    whole, _ = spikes_of(PLAN, until=200.0)
    for at in (65.0, 100.0, 110.0):
        memory = MemoryRecorder()
        sim = Simulation(describe(), [*PLAN, memory])
        sim.run(at)
        sim.save(tmp_path / f"{at}.h5")
        again = Simulation.resume(tmp_path / f"{at}.h5")
        again.run(until=200.0)
        found = again.hooks[-1]
        for name in ("exc", "inh"):
            assert all(np.array_equal(x, y) for x, y in zip(whole.spikes_of(name), found.spikes_of(name), strict=True))


def test_a_branch_with_a_lesion_differs_from_there_and_says_so(tmp_path):
    sim = Simulation(describe(), [Recorder(tmp_path / "a.h5", weights=["exc->exc", "inh->exc", "source->exc"])])
    sim.run(100.0)
    sim.save(tmp_path / "a.ckpt.h5")
    sim.run(100.0)
    sim.close()
    lesion = Lesion("exc", share=0.5, at=100.0)
    with Simulation.resume(tmp_path / "a.ckpt.h5", branch=tmp_path / "b.h5", hooks=[lesion], changes={"exc.tau_m": 15.0}) as branch:
        branch.run(until=200.0)
        assert branch["exc"].silent.sum() == 40 and branch["exc"].tau_m == 15.0
    facts = compare_recordings(tmp_path / "a.h5", tmp_path / "b.h5")
    assert not facts["equal"] and facts["from_ms"] == 100.0
    assert [(e["kind"], e["t"], e["in"]) for e in facts["events"]] == [("write", 100.0, "b"), ("begin", 100.0, "b")]
    assert "tau_m" in format_comparison(facts) and "Lesion" in format_comparison(facts)
    with open_recording(tmp_path / "b.h5") as b:
        t, ids = b.spikes("exc")
        assert len(np.unique(ids)) <= 40 and b.begin == 100.0


def test_what_reached_the_neuron_that_differs(tmp_path):
    """Hand-made: a spike of source neuron 1 at 10 ms reaches target 2 at 13.5 ms; with twice the weight it fires."""
    from thalia_sim import SpikeArray, from_arrays

    def run(path, w):
        net = Network(seed=1)
        source = net.populate("source", 3, SpikeArray(times=[10.0, 12.0], ids=[1, 0]))
        target = net.populate("target", 4, LIFDelta(e_l=-60.0, v_th=-50.0, v_reset=-60.0, tau_m=20.0))
        net.connect(source, target, from_arrays([1, 0], [2, 2], w=[w, 1.0], delay=[3.5, 0.5]))
        with Simulation(net, [Recorder(path, weights=["source->target"])]) as sim:
            sim.run(30.0)

    run(tmp_path / "a.h5", 6.0)
    run(tmp_path / "b.h5", 12.0)
    facts = compare_recordings(tmp_path / "a.h5", tmp_path / "b.h5")
    d = facts["first_difference"]
    assert (d["population"], d["id"], d["in"]) == ("target", 2, "b")
    for name, w in (("a", 6.0), ("b", 12.0)):
        found = facts["reached"][name]["arrivals"]
        assert [(x["id"], x["t_ms"], x["w"]) for x in found] == [(0, 12.5, 1.0), (1, 13.5, w)]
    assert "source[1] 13.5 ms (w 12)" in format_comparison(facts)


SCRIPT = """
from thalia_sim import *

until = 150.0

def build(seed=1, rate=900.0):
    net = Network(seed=2 * seed)
    exc = net.populate("exc", 50, LIFExp(e_l=-53.0))
    net.connect(exc, exc, in_degree(5), w=20.0)
    net.drive(exc, Poisson(rate=rate), w=7.0, receptor="exc")
    return net

def hooks():
    return [Lesion("exc", share=0.2, at=60.0)]
"""


def test_a_recording_runs_itself_again(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "script.py").write_text(SCRIPT)

    def call(*words):
        return CliRunner().invoke(commands, list(words))

    assert call("run", "script.py", "--out", "a.h5", "--seed", "4", "--set", "rate=950", "--quiet").exit_code == 0
    done = call("run", "a.h5", "--quiet")
    assert done.exit_code == 0 and "equal to the bit" in done.output
    (tmp_path / "script.py").write_text(SCRIPT.replace("share=0.2", "share=0.4"))
    done = call("run", "a.h5", "--quiet", "--out", "b.h5")
    assert done.exit_code == 0, "the recorded text counts, not that of the file of that name"
    assert call("run", "script.py", "--out", "c.h5", "--seed", "4", "--set", "rate=950", "--quiet").exit_code == 0
    done = call("compare", "a.h5", "c.h5")
    assert done.exit_code == 3 and "only in A, at 60 ms: begin Lesion" in done.output
    refused = call("run", "a.h5", "--set", "rate=3", "--quiet")
    assert refused.exit_code == 1 and "--set is given for a.h5" in refused.output


def test_a_plain_program_cannot_be_run_again_by_us(tmp_path):
    with Simulation(describe(), [Recorder(tmp_path / "a.h5", script=__file__)]) as sim:
        sim.run(10.0)
    done = CliRunner().invoke(commands, ["run", str(tmp_path / "a.h5")])
    assert done.exit_code == 1 and "run that with python again" in done.output


# attach and detach


def test_hooks_come_and_go_and_leave_the_run_alone(tmp_path):
    """A recording that is switched on and off sees its part of the run, which it does not change."""
    whole, _ = spikes_of([], until=120.0)
    memory = MemoryRecorder()
    sim = Simulation(describe(), [memory])
    sim.run(40.0)
    part = Recorder(tmp_path / "part.h5", state=[Sample("exc", "v", every=1.0)])
    sim.attach(part)
    sim.run(40.0)
    sim.detach(part)
    sim.run(40.0)
    assert all(np.array_equal(x, y) for x, y in zip(whole.spikes_of("exc"), memory.spikes_of("exc"), strict=True))
    with open_recording(tmp_path / "part.h5") as recording:
        t, ids = recording.spikes("exc")
        assert (recording.begin, recording.duration, recording.status) == (40.0, 40.0, "complete")
        assert np.array_equal(t, memory.times("exc")[(memory.times("exc") > 40.0) & (memory.times("exc") <= 80.0)])
        assert list(recording.report("exc", "v").t) == list(range(41, 81))
    assert not sim.samplers
    with pytest.raises(SimulationError, match="is not attached"):
        sim.detach(part)


def test_a_hook_that_stops_the_run_can_be_attached():
    class Stop(Hook):
        at = 30.0

        def handle(self, sim):
            raise StopRun("enough")

    sim = Simulation(describe())
    sim.run(20.0)
    sim.attach(Stop())
    sim.run(20.0)
    assert sim.t == 30.0


def test_a_hook_that_could_not_be_attached_leaves_no_trace(tmp_path):
    sim = Simulation(describe())
    sim.run(10.0)
    with pytest.raises(SimulationError):
        sim.attach(Lesion("exc", at=5.0))
    with pytest.raises(PathError):
        sim.attach(Lesion("exz", at=15.0))
    assert not sim.hooks
    sim.save(tmp_path / "a.ckpt")
    Simulation.resume(tmp_path / "a.ckpt").run(10.0)


def test_a_hook_attached_by_a_hook_is_called_once():
    calls = []

    class Second(Hook):
        at = 5.0

        def handle(self, sim):
            calls.append(("second", sim.t))

    class First(Hook):
        at = 5.0

        def handle(self, sim):
            sim.attach(Second())

    class Third(Hook):
        at = 5.0

        def handle(self, sim):
            calls.append(("third", sim.interrupting))

    sim = Simulation(describe(), [First(), Third()])
    sim.run(10.0)
    assert calls == [("second", 5.0), ("third", True)]


def test_what_an_attached_hook_reports_and_a_script_writes_is_recorded(tmp_path):
    class Meter(Hook):
        every = 5.0

        def diagnostics(self):
            return {"level": 3.0}

    sim = Simulation(describe(), [Recorder(tmp_path / "a.h5")])
    sim.run(10.0)
    sim.attach(Meter())
    sim["exc"].tau_m = 10.0
    sim["exc->exc"].w = 3.0
    sim.run(10.0)
    sim.close()
    with open_recording(tmp_path / "a.h5") as recording:
        told = [(e.t, e.kind, e.facts) for e in recording.events()]
    assert (10.0, "write", {"path": "exc.tau_m", "value": 10.0}) in told
    assert (20.0, "diagnostics", {"level": 3.0}) in told


def test_a_recording_outlives_its_simulation(tmp_path):
    """A simulation that nobody holds any more was not closed: all that it did is there."""
    sim = Simulation(describe(), [Recorder(tmp_path / "a.h5", state=[Sample("exc", "v", every=1.0)]), MemoryRecorder()])
    sim.run(100.0)
    t = sim.hooks[1].times("exc")
    del sim
    gc.collect()
    with open_recording(tmp_path / "a.h5") as recording:
        assert (recording.status, recording.duration) == ("complete", 100.0)
        assert np.array_equal(recording.spikes("exc")[0], t) and len(t) > 20
        assert len(recording.report("exc", "v").t) == 100


def test_a_refused_branch_leaves_no_file(tmp_path):
    sim = Simulation(describe(), [Recorder(tmp_path / "a.h5")])
    sim.run(10.0)
    sim.save(tmp_path / "a.ckpt")
    sim.close()
    with pytest.raises(DescriptionError):
        Simulation.resume(tmp_path / "a.ckpt", branch=tmp_path / "b.h5", changes={"exc.tau_m": -1.0})
    assert not (tmp_path / "b.h5").exists()
    (tmp_path / "b.h5").write_text("mine")
    with pytest.raises(DescriptionError):
        Simulation.resume(tmp_path / "a.ckpt", branch=tmp_path / "b.h5", changes={"exc.tau_m": -1.0}, force=True)
    assert (tmp_path / "b.h5").read_text() == "mine", "what was to be overwritten is there again"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.ckpt", "a.h5", "b.h5"]
    (tmp_path / "b.h5").unlink()
    with pytest.warns(UnusualValue, match="did you mean 20 ms"):
        Simulation.resume(tmp_path / "a.ckpt", branch=tmp_path / "b.h5", changes={"exc.tau_m": 0.02}).close()


def test_a_branch_of_a_run_that_was_not_recorded_is(tmp_path):
    sim = Simulation(describe())
    sim.run(10.0)
    sim.save(tmp_path / "a.ckpt")
    with Simulation.resume(tmp_path / "a.ckpt", branch=tmp_path / "b.h5") as branch:
        branch.run(10.0)
    with open_recording(tmp_path / "b.h5") as recording:
        assert (recording.begin, recording.duration) == (10.0, 10.0)


def test_a_hook_finishes_once():
    calls = []

    class Last(Hook):
        def finish(self, sim, status):
            calls.append(status)

    last = Last()
    sim = Simulation(describe(), [last])
    sim.run(1.0)
    sim.close()
    sim.detach(last)
    assert calls == ["complete"]
    with pytest.raises(SimulationError, match="was closed"):
        sim.attach(last)


def test_scaled_weights_stay_finite():
    sim = Simulation(describe(), [Scale("exc->exc", 1e40, at=5.0)])
    with pytest.raises(SimulationError, match="choose a smaller factor"):
        sim.run(10.0)
    assert (sim["exc->exc"].w == 20.0).all()


def test_a_direct_current_and_a_stimulus_add_up():
    net = Network(seed=1)
    one = net.populate("one", 2, LIFExp(e_l=-65.0, v_th=1e3))
    net.drive(one, DC(amplitude=50.0))
    sim = Simulation(net, [Stimulate("one", current=25.0, elements=[0], at=5.0, until=10.0)])
    sim.run(7.0)
    assert list(sim["one"].i_ext) == [75.0, 50.0]
    sim.run(7.0)
    assert list(sim["one"].i_ext) == [50.0, 50.0]


def test_forced_is_true_or_false(tmp_path):
    (tmp_path / "keep.h5").write_text("mine")
    with pytest.raises(RecordingError, match="force is 'no': give True or False"):
        Recorder(tmp_path / "keep.h5", force="no")
    assert (tmp_path / "keep.h5").read_text() == "mine"


def test_small_arrays_lie_side_by_side():
    """On lines of their own within one stretch of memory, but for those that the rows share."""
    sim = Simulation(describe())
    places = {f: (a.ctypes.data, a.nbytes) for f, a in sim.a._asdict().items() if a.nbytes < SMALL and f not in OF_ROWS and a.nbytes}
    begin, end = min(at for at, _ in places.values()), max(at + size for at, size in places.values())
    assert all(at % 64 == 0 for at, _ in places.values())
    assert end - begin < sum(size + 64 for _, size in places.values())
    assert sim.a.w is sim.rows.w and sim.a.slot is sim.rows.slot
