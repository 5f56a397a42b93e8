"""Two recordings side by side: only what both are about is compared, and events of a past that they share are not told as a difference."""

import json

import pytest
from fake_simulation import FakeSimulation

from thalia_sim import Hook, Poisson, Simulation, in_degree, open_recording
from thalia_sim.analysis.compare import compare_recordings, format_comparison, paths_apart
from thalia_sim.hooks import Recorder
from thalia_sim.network import Network
from thalia_sim.neurons import LIFExp


class Eventful(FakeSimulation):
    """Tells the recorder of an event at each of some times."""

    events: tuple[float, ...] = ()

    def interrupts(self):
        super().interrupts()
        for t in self.events:
            if round(t / self.dt) == self.step:
                self.hooks[0].told(self, "lesion", "begin", {"what": "thalia_sim:Lesion", "target": "exc"})


def run(path, begin=0.0, end=200.0, names=("exc",), events=(), rate=0.0, spikes=True):
    """A recording from one time to another."""
    net = Network(seed=1)
    for name in names:
        net.populate(name, 10, LIFExp())
    sim = Eventful(net, [Recorder(path, spikes=spikes)], rate=rate)
    sim.events, sim.step = events, round(begin / sim.dt)
    sim.run(end)
    return path


def told(a, b):
    """(facts, their text), which are JSON."""
    facts = compare_recordings(a, b)
    assert json.loads(json.dumps(facts, allow_nan=False)) == facts
    return facts, format_comparison(facts)


def test_events_of_the_shared_past_are_no_difference(tmp_path):
    """A branch at 100 ms shares what was done at 50 and at 100 ms, and was itself changed at 100 ms and later."""
    whole = run(tmp_path / "whole.h5", events=(50.0, 100.0, 150.0))
    branch = run(tmp_path / "branch.h5", begin=100.0, events=(100.0, 120.0, 150.0))
    for a, b, mine, other in ((whole, branch, "a", "b"), (branch, whole, "b", "a")):
        facts, text = told(a, b)
        assert facts["from_ms"] == 100.0 and facts["spikes_equal"] and not facts["equal"]
        assert [(e["t"], e["in"]) for e in facts["events"]] == [(100.0, other), (120.0, other)]
        assert f"only in {mine.upper()}" not in text


def test_two_branches_are_compared_from_their_begin_on(tmp_path):
    """What was done at the begin of only one of them counts, on either side."""
    one = run(tmp_path / "one.h5", begin=100.0, events=(100.0,))
    other = run(tmp_path / "other.h5", begin=100.0)
    assert [(e["t"], e["in"]) for e in told(one, other)[0]["events"]] == [(100.0, "a")]
    assert [(e["t"], e["in"]) for e in told(other, one)[0]["events"]] == [(100.0, "b")]


@pytest.mark.parametrize("rate", [0.0, 50.0])
@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"names": ("inh",)}, "no population in common"),
        ({"spikes": False}, "no population in common"),
        ({"begin": 300.0, "end": 400.0}, "no time in common"),
        ({"begin": 200.0, "end": 300.0}, "no time in common"),
    ],
)
def test_nothing_in_common_is_neither_equal_nor_not(tmp_path, other, words, rate):
    """With and without spikes; nothing is said of spikes or of a difference."""
    facts, text = told(run(tmp_path / "a.h5", rate=rate), run(tmp_path / "b.h5", rate=rate, **other))
    assert facts["spikes_equal"] is None and facts["equal"] is False and facts["first_difference"] is None
    assert facts["apart"] == words and words in text and "equal" not in text
    if "begin" in other:
        assert f"b.h5 (B, {other['begin']:g} to {other['end']:g} ms)" in text


@pytest.mark.parametrize("options", [{"spikes": False}, {"end": 0.0}, {"names": ()}])
def test_a_recording_without_spikes_or_time_equals_itself(tmp_path, options):
    """There are no spikes to be compared, or none happened; the rest is the same."""
    path = run(tmp_path / "a.h5", **options)
    facts, text = told(path, path)
    assert facts["equal"] and facts["apart"] is None and "equal to the bit" in text
    assert facts["spikes_equal"] is (True if "end" in options else None)


def test_what_is_compared_is_what_both_recorded(tmp_path):
    """Other subsets of a population, counts of one that is not recorded, weights of another time."""

    def run(name, spikes, drive=2000.0, until=100.0, every=50.0):
        net = Network(seed=4)
        a = net.populate("a", 30, LIFExp(e_l=-53.0))
        b = net.populate("b", 30, LIFExp(e_l=-53.0))
        net.connect(a, a, in_degree(3), w=1.0, gain=1.0)
        net.drive(a, Poisson(rate=2000.0), w=8.0, receptor="exc")
        net.drive(b, Poisson(rate=drive), w=8.0, receptor="exc")

        class Growth(Hook):
            every = 10.0

            def handle(self, sim):
                sim["a->a"].w = sim["a->a"].w + 0.001

        path = tmp_path / f"{name}.h5"
        chosen = [net[s] if isinstance(s, str) else net["a"][s] for s in spikes]
        with Simulation(net, [Growth(), Recorder(path, spikes=chosen, weights=[("a->a", every)])]) as sim:
            sim.run(until)
        return path

    whole, part = run("whole", ["a", "b"]), run("part", [slice(0, 10)])
    facts = compare_recordings(whole, part)
    assert facts["spikes_equal"] and not facts["equal"] and facts["rates_hz"]["a"]["a"] == facts["rates_hz"]["a"]["b"]
    facts = compare_recordings(run("only_a", ["a"]), run("only_a_other", ["a"], drive=3000.0))
    assert facts["spikes_equal"] and not facts["equal"], "the counts of b differ"
    facts = compare_recordings(whole, run("short", ["a", "b"], until=50.0))
    assert facts["weights"]["a->a"]["largest"] == 0.0, "at 50 ms, of which both have a snapshot"


def test_a_late_hook_does_not_write_into_the_table_of_one_that_went(tmp_path):
    class First(Hook):
        every = 1.0

        def diagnostics(self):
            return {"k": 1.0}

    class Other(First):
        def diagnostics(self):
            return {"k": -99.0}

    first = First()
    sim = Simulation(Network(seed=1), [first, Recorder(tmp_path / "a.h5")])
    sim.run(3.0)
    sim.detach(first)
    del first
    for _ in range(50):
        sim.attach(other := Other())
        sim.run(1.0)
        sim.detach(other)
    sim.close()
    with open_recording(tmp_path / "a.h5") as recording:
        assert list(recording.diagnostics("first")["k"]) == [1.0] * 3
        assert sum(e.kind == "diagnostics" for e in recording.events()) == 50


def test_paths_of_a_configuration_that_differ():
    """Worked by hand: nested values that differ, with both where they are short, and what only one has."""
    a = {"network": {"dt": 0.1, "populations": {"exc": {"n": 10, "model": "LIF"}}}, "seed": 1, "long": "a" * 50}
    b = {"network": {"dt": 0.1, "populations": {"exc": {"n": 20, "model": "LIF"}}}, "seed": 1, "long": "b" * 50, "more": 2}
    assert paths_apart(a, b) == ["network.populations.exc.n (10 in A, 20 in B)", "long", "more (null in A, 2 in B)"]
    assert paths_apart(a, a) == []


def test_configurations_that_differ_are_told_by_their_paths(tmp_path):
    """A population with another name: the line names it."""
    facts, text = told(run(tmp_path / "a.h5"), run(tmp_path / "b.h5", names=("exc", "more")))
    assert not facts["same_configuration"] and any("populations.more" in path for path in facts["configuration_apart"])
    assert "configurations differ: " in text and "populations.more" in text
