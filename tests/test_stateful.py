"""Anything a user may do to a simulation, in any order (hypothesis): runs, saves and resumes, lesions, hooks and recordings that come and go.

Held against the same changes in one straight run without saves, recordings and splits, which must give the same spikes and weights to the bit.
"""

import shutil
import tempfile
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from thalia_sim import (
    Hook,
    LIFDelta,
    LIFExp,
    Lesion,
    MemoryRecorder,
    Network,
    Poisson,
    Recorder,
    Sample,
    Silence,
    Simulation,
    Stimulate,
    Uniform,
    in_degree,
    open_recording,
    probability,
)


class Growth(Hook):
    """A plastic rule of the test's own, with state."""

    name = "growth"
    every = 2.0

    def start(self, sim):
        self.declare(count=np.zeros(sim.net.n), calls=0)

    def spikes(self, sim, steps, ids):
        self.count += np.bincount(ids, minlength=len(self.count))

    def handle(self, sim):
        view = sim["exc->exc"]
        view.w = np.clip(view.w + 0.5 * self.count[view.j] - 0.1 * self.count[view.i], 0.0, 60.0)
        self.count *= 0.5
        self.calls += 1


def describe():
    net = Network(seed=11)
    exc = net.populate("exc", 60, LIFExp(e_l=-53.0), v=Uniform(-65.0, -50.0))
    inh = net.populate("inh", 20, LIFDelta(e_l=-52.0, v_th=-50.0, v_reset=-60.0), v=Uniform(-65.0, -50.0))
    net.connect(exc, exc, in_degree(6), w=20.0, delay=Uniform(0.1, 6.0), gain=1.0)
    net.connect(exc, inh, probability(0.2), w=0.6, delay=1.0)
    net.connect(inh, exc, probability(0.2), w=-25.0, delay=1.3, receptor="inh")
    net.drive(exc, Poisson(rate=1000.0), w=7.0, receptor="exc")
    net.drive(inh, Poisson(rate=800.0), w=0.3)
    return net


class Users(RuleBasedStateMachine):
    """`log` keeps what changes the run, with its time, for the straight run at the end."""

    @initialize(threads=st.sampled_from([1, 2]))
    def begin(self, threads):
        self.folder = Path(tempfile.mkdtemp())
        self.sim = Simulation(describe(), [MemoryRecorder()], threads=threads, blocks=2)
        self.sim.run(0.0)
        self.log, self.lost, self.files, self.saves = [], {}, [], 0

    @property
    def memory(self):
        return next(hook for hook in self.sim.hooks if isinstance(hook, MemoryRecorder))

    def hook(self, name):
        return next((hook for hook in self.sim.hooks if hook.name == name), None)

    def change(self, what):
        self.log.append((self.sim.t, what))
        self.sim.attach(what() if isinstance(what, type) else what)

    @rule(steps=st.integers(1, 150))
    def run(self, steps):
        self.sim.run(until=(self.sim.step + steps) / 10)

    @rule(threads=st.sampled_from([1, 2, 3]))
    def save_and_resume(self, threads):
        self.saves += 1
        self.sim.save(self.folder / f"{self.saves}.ckpt")
        self.sim.close("interrupted")
        self.sim = Simulation.resume(self.folder / f"{self.saves}.ckpt", threads=threads)

    @rule(name=st.sampled_from(["exc", "inh"]), elements=st.sets(st.integers(0, 19), min_size=1, max_size=5))
    def lesion(self, name, elements):
        self.change(Lesion(name, elements=sorted(elements), at=self.sim.t))
        for element in elements:
            self.lost.setdefault((name, element), self.sim.t)

    @rule(share=st.sampled_from([0.1, 0.5]), steps=st.integers(1, 100))
    def lose_synapses(self, share, steps):
        self.change(Lesion("exc->exc", share=share, at=self.sim.t, until=(self.sim.step + steps) / 10))

    @rule(steps=st.integers(1, 100), elements=st.sets(st.integers(0, 19), min_size=1, max_size=9))
    def silence(self, steps, elements):
        self.change(Silence("exc", elements=sorted(elements), at=self.sim.t, until=(self.sim.step + steps) / 10))

    @rule(current=st.sampled_from([-50.0, 120.0]), steps=st.integers(1, 100))
    def stimulate(self, current, steps):
        self.change(Stimulate("exc", current=current, elements=[3, 30], at=self.sim.t, until=(self.sim.step + steps) / 10))

    @precondition(lambda self: self.hook("growth") is None)
    @rule()
    def attach(self):
        self.change(Growth)

    @precondition(lambda self: self.hook("growth") is not None)
    @rule()
    def detach(self):
        self.log.append((self.sim.t, "detach"))
        self.sim.detach(self.hook("growth"))

    @precondition(lambda self: self.hook("recorder") is None)
    @rule()
    def record(self):
        path = self.folder / f"part{len(self.files)}.h5"
        self.files.append([path, self.sim.t, None])
        self.sim.attach(Recorder(path, state=[Sample("inh", "v", every=0.7)], counts=0.5))

    @precondition(lambda self: self.hook("recorder") is not None)
    @rule()
    def stop_recording(self):
        self.files[-1][2] = self.sim.t
        self.sim.detach(self.hook("recorder"))

    @rule()
    def read(self):
        for name in ("exc", "inh"):
            assert np.isfinite(self.sim[name].v).all()
        assert len(self.sim["exc->exc"].synapses(source=3)["w"]) == (self.sim["exc->exc"].i == 3).sum()

    @invariant()
    def no_event_is_lost(self):
        if hasattr(self, "sim"):
            counters = self.sim.counters
            assert counters["emitted"] == counters["delivered"] + counters["in_flight"]

    @invariant()
    def the_lost_are_silent(self):
        for (target, element), since in getattr(self, "lost", {}).items():
            t, ids = self.memory.spikes_of(target)
            assert not (t[ids == element] > since).any()

    def teardown(self):
        if not hasattr(self, "sim"):
            return
        sim = Simulation(describe(), [MemoryRecorder()], blocks=2)
        for t, what in self.log:
            sim.run(until=t)
            if what == "detach":
                sim.detach(next(hook for hook in sim.hooks if hook.name == "growth"))
            else:
                sim.attach(what() if isinstance(what, type) else what)
        sim.run(until=self.sim.t)
        for name in ("exc", "inh"):
            mine, straight = self.memory.spikes_of(name), sim.hooks[0].spikes_of(name)
            assert all(np.array_equal(x, y) for x, y in zip(mine, straight, strict=True))
        assert np.array_equal(self.sim["exc->exc"].w, sim["exc->exc"].w)
        end = self.sim.t
        self.sim.close()
        for path, begin, stop in self.files:
            self.check_part(path, begin, end if stop is None else stop)
        shutil.rmtree(self.folder)

    def check_part(self, path, begin, end):
        """A recording holds exactly the spikes of its time."""
        with open_recording(path) as recording:
            assert (recording.begin, recording.duration, recording.status) == (begin, round(end - begin, 6), "complete")
            for name in ("exc", "inh"):
                t, ids = self.memory.spikes_of(name)
                during = (t > begin) & (t <= end)
                found = recording.spikes(name)
                assert np.array_equal(found[0], t[during]) and np.array_equal(found[1], ids[during])
                assert recording.counts(name).counts.sum() == during.sum()


def test_anything_in_any_order():
    """Twenty-five users of up to twenty-five steps each."""
    how = settings(
        max_examples=25, stateful_step_count=25, deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow],
        phases=[Phase.explicit, Phase.generate],  # to shrink a failure takes minutes
    )  # fmt: skip
    run_state_machine_as_test(Users, settings=how)
