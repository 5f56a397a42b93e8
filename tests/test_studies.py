"""Studies of a tiny network: points and their files, mechanisms, disturbances, cut runs, tables, and the command line."""

import itertools
import json
import math
import shutil
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np
import pytest
from click.testing import CliRunner

from thalia_sim import (
    LIF,
    CriticalityConfig,
    CriticalityMonitor,
    Lesion,
    MetabolicConfig,
    MetabolicConstraint,
    Network,
    Normal,
    Progress,
    RegionalBudgets,
    RobustnessConfig,
    Simulation,
    Stability,
    SynapticScaling,
    UnifiedHomeostasis,
    Uniform,
    all_to_all,
)
from thalia_sim.circuits import cortex_sites, layered_cortex
from thalia_sim.cli import commands
from thalia_sim.errors import DescriptionError, PathError
from thalia_sim.experiment import describe, load_script, script_hooks
from thalia_sim.interventions import gathered
from thalia_sim.recording import open_recording
from thalia_sim.studies import Effort, ablation, recovery, running, sensitivity, stability
from thalia_sim.studies.design import branch, design
from thalia_sim.studies.disturbances import DISTURBANCES, disturb
from thalia_sim.studies.inhibition import inhibitory, kinds_in, neurons
from thalia_sim.studies.measured import built_in_measure
from thalia_sim.studies.mechanisms import mechanisms_in, without
from thalia_sim.studies.points import Point, files_of, lineage
from thalia_sim.studies.running import Limits, run_point
from thalia_sim.studies.sources import source_of
from thalia_sim.studies.varied import numeric_paths, varied
from thalia_sim.studies.weight_means import WeightMeans

NETWORK = Path(__file__).parent / "study_network.py"


@pytest.fixture
def script(tmp_path):
    return shutil.copy(NETWORK, tmp_path / "net.py")


def point(script, folder, until=300.0, **more):
    (folder / "points").mkdir(parents=True, exist_ok=True)
    return Point(str(script), source_of(script), 1, until, look=10.0, **more)


# points


def test_a_point_is_known_by_its_content_alone(script, tmp_path):
    """The folder of the script is no part of the key; every field is, and so is the text of a module that the script imports from beside it."""
    there = tmp_path / "there"
    there.mkdir()
    shutil.copy(script, there / "net.py")
    a = Point(str(script), source_of(script), 1, 300.0)
    assert a.key == Point(str(there / "net.py"), source_of(there / "net.py"), 1, 300.0).key
    others = [{"seed": 2}, {"until": 301.0}, {"settings": ("g=1",)}, {"off": ("x",)}, {"parent": a}, {"disturbance": "lesion"}, {"share": 0.2},
              {"look": 50.0}, {"precision": "single"}, {"is_measured": True}, {"source": "0"}]
    fields = {"script": str(script), "source": a.source, "seed": 1, "until": 300.0}
    keys = {Point(**{**fields, **other}).key for other in others}
    assert len(keys) == len(others) and a.key not in keys


def test_a_module_beside_the_script_is_part_of_its_source(tmp_path):
    """Directly imported, imported by an import, a package; what is not imported is none."""
    (tmp_path / "s.py").write_text("import near\n")
    (tmp_path / "near.py").write_text("from pack import inner\n")
    (tmp_path / "pack").mkdir()
    for name in ("pack/__init__.py", "pack/inner.py", "far.py"):
        (tmp_path / name).write_text("x = 1\n")
    seen = [source_of(tmp_path / "s.py")]
    for name in ("near.py", "pack/inner.py", "pack/__init__.py"):
        (tmp_path / name).write_text((tmp_path / name).read_text() + "y = 2\n")
        seen.append(source_of(tmp_path / "s.py"))
    assert len(set(seen)) == 4
    (tmp_path / "far.py").write_text("x = 2\n")
    assert source_of(tmp_path / "s.py") == seen[-1]


def test_parents_come_before_their_children_and_each_once(script):
    a = Point(str(script), "0", 1, 100.0)
    b, c = branch(a, 50.0), branch(a, 60.0)
    assert lineage([b, c, a]) == [a, b, c]


# mechanisms


def test_mechanisms_of_hooks_by_name(script):
    hooks = [*script_hooks(load_script(script)), Progress(), Stability("exc"), CriticalityMonitor("exc"), *gathered([Lesion("exc", share=0.1)])]
    assert mechanisms_in(hooks) == ["intrinsicplasticity", "synapticscaling"]
    kept = without(hooks, ["synapticscaling"])
    assert [h.name for h in kept if h.is_mechanism] == ["intrinsicplasticity"] and len(kept) == len(hooks) - 1
    assert mechanisms_in([CriticalityMonitor("exc", regulate="exc->exc")]) == ["criticalitymonitor"]
    assert mechanisms_in([RegionalBudgets({"exc": 1.0}, reduce_gain=False), MetabolicConstraint("exc", budget=1.0, reduce_gain=False)]) == []
    assert mechanisms_in([MetabolicConstraint("exc", budget=1.0, reduce_gain=False, slow_learning=True)]) == ["metabolicconstraint"]
    energy = replace(RobustnessConfig.minimal().switched(metabolic=True), metabolic=MetabolicConfig(reduce_gain=False))
    assert mechanisms_in([UnifiedHomeostasis(energy, "exc", "inh")]) == []
    watching = replace(RobustnessConfig.biological(), criticality=CriticalityConfig(regulate=False))
    assert "criticality" not in mechanisms_in([UnifiedHomeostasis(watching, "exc", "inh")])
    with pytest.raises(PathError, match="mechanism 'synaptic' is not among the hooks of the script: did you mean 'synapticscaling'"):
        without(hooks, ["synaptic"])


def test_mechanisms_of_the_unified_pipeline_are_those_of_its_configuration():
    config = RobustnessConfig.stable()
    hook = UnifiedHomeostasis(config, **cortex_sites(layered_cortex())._asdict())
    assert mechanisms_in([hook, SynapticScaling("a->b", target=1.0)]) == ["hard_bounds", "ei_balance", "divisive_norm", "synapticscaling"]
    (left,) = without([hook], ["ei_balance"])
    assert left.config.get_enabled_mechanisms() == ["hard_bounds", "divisive_norm"] and left.sites == hook.sites
    (none,) = without([hook], config.get_enabled_mechanisms())
    assert none.config.get_enabled_mechanisms() == [] and none.every is None


# disturbances


def simulation(script):
    sim = Simulation(describe(load_script(script), 1))
    sim.run(20.0)
    return sim


@pytest.mark.parametrize("name, factor", [("weights_high", 2.0), ("weights_low", 0.5)])
def test_stored_weights_are_multiplied_within_the_bounds_of_rules(script, name, factor):
    """Plastic weights lie at about 0.3 mV, their bound at 0.5 mV."""
    sim = simulation(script)
    before = {p: sim[p].w for p in sim.net.projections}
    disturb(sim, name, 0.2)
    for p, w in before.items():
        expected = np.clip(factor * w, 0.0, 0.5) if p == "exc->exc" else factor * w
        np.testing.assert_allclose(sim[p].w, expected, rtol=1e-6)


def test_a_lesion_takes_its_share_of_those_that_excite(script):
    sim = simulation(script)
    disturb(sim, "lesion", 0.25)
    assert sim["exc"].silent.sum() == 12 and sim["inh"].silent.sum() == 0


def test_inhibition_falls_silent(script):
    sim = simulation(script)
    assert inhibitory(sim.net) == ["inh"]
    disturb(sim, "silenced_inhibition", 0.0)
    assert sim["inh"].silent.all() and not sim["exc"].silent.any()


def test_the_rate_of_every_drive_is_doubled(script):
    sim = simulation(script)
    disturb(sim, "drive_doubled", 0.0)
    assert [sim[d].rate for d in sim.net.drives] == [3000.0, 2600.0]


def test_who_inhibits_by_a_distribution_of_weights():
    """By its mean, unless its bounds leave one sign only."""
    cells = LIF()
    for w, is_so in ((Normal(0.3, 1.0, high=0.0), True), (Normal(-0.1, 0.5, low=0.0), False), (Normal(-1.0, 2.0), True), (Uniform(-1.0, 0.5), True),
                     (Uniform(-0.5, 1.0), False), (0.0, False), (-0.0, False)):  # fmt: skip
        net = Network(seed=1)
        net.connect(net.populate("a", 4, cells), net.populate("b", 4, cells), all_to_all(), w=w, delay=1.0)
        assert net.projections["a->b"].inhibits == is_so and inhibitory(net) == (["a"] if is_so else []), w


def test_mean_weights_as_each_of_several_targets_feels_them():
    """Onto 2 and 6 cells with weights 1 and 2 by target, the first multiplied by 3: (2 x 4 x 1 x 3 + 6 x 4 x 2) / 32."""
    net = Network(seed=1)
    a, b, c = net.populate("a", 4, LIF()), net.populate("b", 2, LIF()), net.populate("c", 6, LIF())
    w = np.broadcast_to(np.repeat([1.0, 2.0], [2, 6]), (4, 8)).copy()
    net.connect(a, b + c, all_to_all(), w=w, delay=1.0, name="axons")
    hook = WeightMeans({"axons": "mV"}, 10.0)
    sim = Simulation(net, [hook])
    sim.run(10.0)
    assert hook.diagnostics() == {"axons": 1.75}
    sim["axons"].amplify("x", 3.0, "b")
    sim.run(10.0)
    assert hook.diagnostics() == {"axons": pytest.approx((2 * 4 * 1 * 3 + 6 * 4 * 2) / 32)}


def test_a_source_of_spikes_is_no_neuron_and_inhibits_if_its_synapses_do(tmp_path):
    """Two sources and a population: the ratio of rates regards neurons alone, so there is none here."""
    from thalia_sim import PoissonSource, Recorder

    net = Network(seed=1)
    for name, w in (("up", 1.0), ("down", -1.0)):
        net.connect(net.populate(name, 3, PoissonSource(rate=50.0)), net.populate(f"{name}_cells", 4, LIF()), all_to_all(), w=w)
    sim = Simulation(net)
    assert inhibitory(sim.net) == ["down"] and neurons(net) == ["up_cells", "down_cells"]
    with Simulation(net, [Recorder(tmp_path / "a.h5", options={"neurons": neurons(net), "inhibitory": ["down"]})]) as recorded:
        recorded.run(50.0)
    with open_recording(tmp_path / "a.h5") as recording:
        assert kinds_in(recording) == (["up_cells", "down_cells"], [])
        assert math.isnan(built_in_measure(recording)["ei_ratio"])


def test_what_finds_nothing_to_disturb_says_so():
    from thalia_sim import LIF, Network

    net = Network(seed=1)
    net.populate("exc", 5, LIF())
    sim = Simulation(net)
    for name, noun in (("silenced_inhibition", "population that inhibits"), ("drive_doubled", "Poisson drive")):
        with pytest.raises(DescriptionError, match=f"disturbance {name} finds no {noun} in the network"):
            disturb(sim, name, 0.0)


# running


def spikes(files):
    with open_recording(files.recording) as recording:
        return [recording.spikes(name) for name in recording.populations]


def test_a_branch_without_disturbance_is_the_run_that_was_never_cut(script, tmp_path):
    """Settled to 200 ms and branched to 300 ms, against one run to 300 ms: the same spikes after 200 ms."""
    whole, settled = point(script, tmp_path), point(script, tmp_path, 200.0)
    rest = branch(settled, 100.0, disturbance="none", is_measured=True)
    for each in (whole, settled, rest):
        assert run_point(each, tmp_path, Limits())["status"] == "complete"
    for (t, ids), (t_rest, ids_rest) in zip(spikes(files_of(whole, tmp_path)), spikes(files_of(rest, tmp_path)), strict=True):
        assert len(t_rest) > 10
        np.testing.assert_array_equal(t[t > 200.0], t_rest)
        np.testing.assert_array_equal(ids[t > 200.0], ids_rest)


def test_a_run_stopped_by_the_clock_goes_on_to_the_bit(script, tmp_path, monkeypatch):
    """Cut by a deadline and by many checkpoints, against a run that was not: the same spikes and measures. The clock goes on by 1 s at each look."""
    cut, plain = tmp_path / "cut", tmp_path / "plain"
    p = point(script, cut, 6000.0, is_measured=True)
    point(script, plain)
    whole = run_point(p, plain, Limits())
    seconds = itertools.count()
    monkeypatch.setattr(running, "time", SimpleNamespace(time=lambda: float(next(seconds)), perf_counter=time.perf_counter))
    first = run_point(p, cut, Limits(deadline=8.0))
    assert first["status"] == "interrupted" and 0.0 < first["t"] < 6000.0
    second = run_point(p, cut, Limits(checkpoint=5.0))
    assert second["status"] == "complete" and second["measures"] == whole["measures"] and second["wall_s"] > first["wall_s"]
    for (t, ids), (t_whole, ids_whole) in zip(spikes(files_of(p, cut)), spikes(files_of(p, plain)), strict=True):
        np.testing.assert_array_equal(t, t_whole)
        np.testing.assert_array_equal(ids, ids_whole)
    assert not list(files_of(p, cut).checkpoints.glob("*.h5"))  # nothing begins from a measured point


def test_a_run_begins_at_the_end_of_its_parent_or_not_at_all(script, tmp_path, monkeypatch):
    """The parent was stopped on its way, and its facts say otherwise: no branch begins in its middle."""
    p = point(script, tmp_path, 2000.0)
    seconds = itertools.count()
    monkeypatch.setattr(running, "time", SimpleNamespace(time=lambda: float(next(seconds)), perf_counter=time.perf_counter))
    stopped = run_point(p, tmp_path, Limits(deadline=8.0))
    assert 0.0 < stopped["t"] < 2000.0
    files_of(p, tmp_path).write({**stopped, "status": "complete"})
    found = run_point(branch(p, 10.0), tmp_path, Limits())
    assert found["status"] == "failed" and f"was stopped at {stopped['t']:g} of 2000 ms: start the study anew" in found["error"]


def test_a_run_says_that_it_begins_from_one_that_failed(script, tmp_path):
    """Also where that lies two runs back; and nothing begins where nothing is known of the run before."""
    p = point(script, tmp_path)
    child = branch(branch(p, 10.0), 10.0)
    assert run_point(child, tmp_path, Limits()) == {"status": "not run"}
    files_of(p, tmp_path).write({"status": "failed", "error": "boom", "measures": {}, "wall_s": 1.0})
    found = run_point(child, tmp_path, Limits())
    assert (found["status"], found["error"]) == ("failed", "it begins from a run that failed: boom")


def test_a_complete_point_is_never_computed_again(script, tmp_path):
    p = point(script, tmp_path, 50.0)
    first = run_point(p, tmp_path, Limits())
    written = files_of(p, tmp_path).recording.stat().st_mtime_ns
    assert run_point(p, tmp_path, Limits()) == first and files_of(p, tmp_path).recording.stat().st_mtime_ns == written


def test_nothing_begins_once_the_study_is_to_stop(script, tmp_path):
    p = point(script, tmp_path)
    assert run_point(p, tmp_path, Limits(deadline=0.0)) == {"status": "not run"}
    assert run_point(p, tmp_path, Limits(going="going-no-more")) == {"status": "not run"}


def test_a_process_with_other_sources_of_the_package_runs_nothing(script, tmp_path, monkeypatch):
    """As of a worker that began after the package was edited: the run is refused, and nothing is kept under the key of the study's own sources."""
    p = point(script, tmp_path)
    monkeypatch.setattr(running, "package_source", lambda: "edited")
    facts = run_point(p, tmp_path, Limits())
    assert facts["status"] == "failed" and "this process runs other sources of thalia_sim" in facts["error"]
    assert not files_of(p, tmp_path).recording.exists()


def test_a_run_waits_for_the_process_that_still_writes_its_recording(script, tmp_path, monkeypatch):
    """Two looks at a recording that is held, then it is free: the run goes on as if nothing had been."""
    p, looks = point(script, tmp_path, 20.0), iter([True, True])
    files_of(p, tmp_path).recording.touch()
    monkeypatch.setattr(running, "is_written_elsewhere", lambda file: next(looks, False))
    assert run_point(p, tmp_path, Limits())["status"] == "complete" and next(looks, None) is None


def test_a_script_that_changes_while_its_study_runs_is_refused(script, tmp_path):
    p = point(script, tmp_path)
    Path(script).write_text(Path(script).read_text() + "\n# later\n")
    assert "was changed while its study ran: start the study anew" in run_point(p, tmp_path, Limits())["error"]


def test_built_in_measures_are_those_of_the_spikes(script, tmp_path):
    """Rates and their ratio by counting; the CV of each neuron by numpy; the weight from the simulation itself."""
    p = point(script, tmp_path, 400.0, is_measured=True)
    found = run_point(p, tmp_path, Limits())["measures"]
    with open_recording(files_of(p, tmp_path).recording) as recording:
        (t, ids), (t_inh, _) = recording.spikes("exc"), recording.spikes("inh")
    trains = [np.diff(t[ids == k]) for k in range(48)]
    assert found["rate.exc"] == pytest.approx(len(t) / 48 / 0.4)
    assert found["ei_ratio"] == pytest.approx((len(t) / 48) / (len(t_inh) / 12))
    assert found["cv.exc"] == pytest.approx(np.mean([i.std() / i.mean() for i in trains if len(i) >= 2]))
    sim = Simulation(describe(load_script(script), 1), script_hooks(load_script(script)))
    sim.run(400.0)
    assert found["weight.exc->exc"] == pytest.approx(sim["exc->exc"].w.mean(), rel=1e-6)
    assert found["weight.inh->exc"] == pytest.approx(-1.8, rel=1e-6)


# studies


def test_ablation_shows_what_a_mechanism_does(script, tmp_path):
    """Scaling with targets far below the rates makes weights smaller: on alone its effect on them is below 0, off alone above. Started anew it
    computes nothing, and says the same."""
    lines = []
    how = {"out": tmp_path / "a", "settle": 100.0, "measure": 100.0}
    result = ablation(script, range(1, 4), **how, effort=Effort(say=lines.append))
    rows = {(e.subject, e.comparison, e.measure): e for e in result.effects}
    assert rows["synapticscaling", "on alone", "weight.exc->exc"].verdict == "-"
    assert rows["synapticscaling", "off alone", "weight.exc->exc"].verdict == "+"
    assert len(lines) == 24 and lines[0].startswith("1/24 complete in ")
    lines.clear()
    again = ablation(script, range(1, 4), **how, effort=Effort(say=lines.append))
    assert again.table() == result.table() and lines == []
    with h5py.File(tmp_path / "a" / "ablation.h5") as file:
        assert len(file["runs"]) == 24 and len(file["effects"]) == len(result.effects)
        assert json.loads(file.attrs["configuration"])["mechanisms"] == ["intrinsicplasticity", "synapticscaling"]
        rates = file["measures"][:, file["measure_names"].asstr()[:].tolist().index("rate.exc")]
        assert {key.decode(): rate for key, rate in zip(file["runs"]["key"], rates, strict=True) if math.isfinite(rate)} == {
            run["key"]: run["rate.exc"] for run in result.runs if math.isfinite(run["rate.exc"])
        }  # fmt: skip
    assert np.isfinite(rates).sum() == 12


def test_ablation_after_a_disturbance(script, tmp_path):
    """Drives doubled after settling: rates rise in every condition, those of its rows say after what. Scaling, whose target is below the rates, has
    more to take away then; the undisturbed rows are those of the study without a disturbance."""
    how = {"settle": 100.0, "measure": 100.0, "by": ["weight.exc->exc"]}
    plain = ablation(script, [1, 2], out=tmp_path / "plain", **how)
    found = ablation(script, [1, 2], out=tmp_path / "a", disturb=["none", "drive_doubled"], course=200.0, **how)
    rows = {(e.subject, e.comparison, e.measure): e for e in found.effects}
    for e in plain.effects:
        np.testing.assert_equal(tuple(rows[e.subject, e.comparison, e.measure]), tuple(e))
    healthy, troubled = (rows["synapticscaling", f"on alone{after}", "weight.exc->exc"] for after in ("", ", drive_doubled"))
    assert troubled.mean < 1.5 * healthy.mean < 0.0
    runs = [run for run in found.runs if run["disturbance"] == "drive_doubled"]
    assert len(runs) == 2 * 4 and all(run["until"] == 300.0 for run in runs)
    assert (len(plain.runs), len(found.runs)) == (2 * 2 * 4, 2 * (2 * 4 + 2 * 4))  # 2 c a seed in c = 4 conditions, and 2 c more
    assert found.configuration["disturb"] == ["none", "drive_doubled"] and found.configuration["course"] == 200.0


def test_points_are_known_by_the_sources_of_the_package(monkeypatch):
    """The same point under another package has another name."""
    from thalia_sim.studies import points

    before = Point("s.py", "0", 1, 1.0).key
    assert Point("elsewhere/s.py", "0", 1, 1.0).key == before
    monkeypatch.setattr(points, "package_source", lambda: "another")
    assert Point("s.py", "0", 1, 1.0).key != before


def test_a_budget_leaves_whole_seeds_and_says_what_was_not_run(script, tmp_path):
    """The budget is spent after the first seed (a script's own measure takes the time); then the study goes on to the same table."""
    with open(script, "a") as file:
        file.write("\ndef measure(recording):\n    import time\n    time.sleep(0.4 * (recording.seed == 2))\n    return {'y': recording.begin}\n")
    how = {"out": tmp_path / "a", "settle": 50.0, "measure": 50.0}
    ablation(script, [1], **how)
    part = ablation(script, [1, 2], **how, effort=Effort(budget=0.3))
    assert part.seeds == [1] and "1 of 2 seeds count" in part.table() and any(line.startswith("not run: seed 2") for line in part.missing)
    assert {e.n for e in part.effects} == {1}
    whole = ablation(script, [1, 2], **how)
    assert whole.seeds == [1, 2] and not whole.missing and {e.n for e in whole.effects} == {2}


def test_a_measure_that_fails_is_told_with_its_line(script, tmp_path):
    Path(script).write_text(Path(script).read_text() + "\ndef measure(recording):\n    return {'y': 'much'}\n")
    result = ablation(script, [1], out=tmp_path / "a", settle=20.0, measure=20.0)
    assert any("measure of net.py returned 'much' for 'y': return a number" in line for line in result.missing)
    assert result.effects == []


def test_recovery_tells_depth_and_equivalence_side_by_side(script, tmp_path):
    """Twice the drive raises the rate by about as much; nothing else than time passes in the control."""
    result = recovery(script, [1, 2], out=tmp_path / "r", settle=100.0, measure=100.0, course=300.0, disturb=["drive_doubled"])
    rows = {(e.comparison, e.measure, e.condition): e for e in result.effects}
    for switch in ("robustness on", "robustness off"):
        assert rows["depth", "course", switch].mean > 0.5
        assert rows["after - control", "rate.exc", switch].verdict == "not shown equivalent"
    assert set(result.courses) == {f"{name}, robustness {s}" for name in ("none", "drive_doubled") for s in ("on", "off")}
    assert "robustness on: mean" in result.table() and "robustness off: mean" in result.table()
    assert result.figure(tmp_path / "r.png").stat().st_size > 10_000


def test_stability_of_a_network_whose_weights_are_scaled_away(script, tmp_path):
    """Scaling makes weights smaller all the time, which is a drift; without mechanisms STDP moves them; others never moved and are left out."""
    result = stability(script, [1, 2, 3], out=tmp_path / "s", settle=100.0, measure=500.0, robustness="both", pieces=5)
    rows = {(e.comparison, e.measure, e.condition): e for e in result.effects}
    assert rows["drift", "weight.exc->exc", "robustness on"].verdict == "not shown within the margin, excludes 0"
    assert ("drift", "weight.exc->exc", "robustness off") in rows
    assert {measure for _, measure, _ in rows if measure.startswith("weight.")} == {"weight.exc->exc"}
    assert result.figure(tmp_path / "s.png").exists()


def test_sensitivity_tells_losses_against_the_same_seed(script, tmp_path):
    """Half the membrane time constant nearly halves the rate; the loss follows from the runs by hand."""
    result = sensitivity(script, [1, 2], out=tmp_path / "s", settle=50.0, measure=100.0, paths=["exc.tau_m"], robustness="on")
    (row,) = [e for e in result.effects if e.measure == "rate.exc" and e.comparison == "-50 %"]
    values = {(r["seed"], r["settings"]): r["rate.exc"] for r in result.runs if math.isfinite(r["rate.exc"])}
    assert row.mean == pytest.approx(np.mean([1.0 - values[s, "exc.tau_m=10.0"] / values[s, ""] for s in (1, 2)]))
    assert row.mean > 0.2 and row.verdict == "ABOVE"


def test_what_is_varied_is_asked_for_or_the_list_of_the_script_or_every_number(script, tmp_path):
    plan = design(script, [1], tmp_path, 10.0, 10.0, ["inhibition=4"])
    assert varied(plan, ["exc.t_ref"]) == {"exc.t_ref": 2.0}
    assert varied(plan, []) == {"exc.tau_m": 20.0, "inhibition": 4.0}
    paths = numeric_paths(plan.net)
    assert paths["exc->exc.k"] == 8 and paths["inh->exc.gain"] == 1.0 and paths["exc.v_reset"] == 0.0
    with pytest.raises(DescriptionError, match="exc.v_reset is 0.0, which has no share to vary by"):
        varied(plan, ["exc.v_reset"])
    with pytest.raises(PathError, match="'inhibitio' is no parameter of build in .*: did you mean 'inhibition'"):
        varied(plan, ["inhibitio"])


@pytest.mark.parametrize(
    "options, message",
    [
        ({"seeds": [1, 1]}, "seeds of the study are .*: give different whole numbers"),
        ({"settle": 0.0}, "settle of the study is 0 ms"),
        ({"robustness": "maybe"}, "robustness of the study is 'maybe': give one of both, on, off"),
        ({"disturb": ["lesoin"]}, "unknown disturbance 'lesoin': did you mean 'lesion'"),
        ({"margin": 2.0}, "margin of the study is 2.0: give a number between 0 and 1"),
        ({"course": 100.0}, "bin of the study is 100 ms and its course 100 ms: give a bin above 0 and at least two bins"),
        ({"population": "excc"}, "exc"),
    ],
)
def test_bad_arguments_are_refused_before_anything_runs(script, tmp_path, options, message):
    asked = {"seeds": [1], "out": tmp_path / "r", "settle": 10.0, "measure": 10.0, **options}
    with pytest.raises((DescriptionError, PathError), match=message):
        recovery(script, asked.pop("seeds"), **asked)
    assert not (tmp_path / "r").exists()


def test_a_script_without_mechanisms_cannot_be_ablated(tmp_path, script):
    Path(script).write_text(Path(script).read_text().partition("def hooks")[0])
    with pytest.raises(DescriptionError, match="has no mechanism among its hooks, so nothing can be ablated: let hooks"):
        ablation(script, [1], out=tmp_path / "a", settle=10.0, measure=10.0)


# the command line


def study(kind, *words):
    return CliRunner().invoke(commands, ["study", kind, "--workers", "1", *map(str, words)])


def test_the_command_prints_table_progress_and_files(script, tmp_path):
    asked = ("ablation", script, "--seeds", "2-3", "--out", tmp_path / "a", "--settle", "50 ms", "--measure", "50 ms")
    told = study(*asked, "--by", "rate.exc,rat.inh", "--figure", tmp_path / "a.png")
    assert told.exit_code == 0, told.output
    assert "ablation of net.py: 2 of 2 seeds count" in told.stdout and "no measure is named 'rat.inh': did you mean 'rate.inh'?" in told.stdout
    assert "cv.exc" not in told.stdout.partition("no measure")[0] and "16/16 complete in" in told.stderr
    assert f"wrote {tmp_path / 'a' / 'ablation.h5'}" in told.stdout and (tmp_path / "a.png").exists()
    tree = json.loads(study(*asked, "--json", "--quiet").stdout)
    assert tree["kind"] == "ablation" and tree["seeds"] == [2, 3] and len(tree["runs"]) == 16
    assert tree["effects"][0].keys() >= {"subject", "mean", "low", "high", "n"}


@pytest.mark.parametrize("words", [("--seeds", "0"), ("--seeds", "1,1"), ("--budget", "5 days"), ("--workers", "0")])
def test_the_command_refuses_bad_options(script, tmp_path, words):
    told = study("stability", script, "--out", tmp_path / "s", *words)
    assert told.exit_code == 2 and words[1] in told.stderr


def test_every_disturbance_is_offered_by_the_command():
    assert all(name in study("recovery", "--help").stdout for name in DISTURBANCES)
