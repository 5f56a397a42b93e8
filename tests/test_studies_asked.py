"""What a study was asked for: numbers and names of several kinds, times, whole numbers that are varied, and what the names of measures may be."""

import json
import math
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
from click.testing import CliRunner

from thalia_sim import Recorder, RobustnessConfig, ThaliaConfig
from thalia_sim.cli import commands
from thalia_sim.errors import DescriptionError, MeasureError
from thalia_sim.studies import Effort, ablation, asked, recovery, sensitivity, stability
from thalia_sim.studies.ablation import begun
from thalia_sim.studies.design import branch, design, recorded_in
from thalia_sim.studies.disturbances import DISTURBANCES, NONE
from thalia_sim.studies.measured import TAKEN, checked
from thalia_sim.studies.recovery import Branch, branches
from thalia_sim.studies.varied import delays, refuse_few, step, steps, varied

NETWORK = Path(__file__).parent / "study_network.py"
SHORT = {"settle": 20.0, "measure": 20.0}


@pytest.fixture
def script(tmp_path):
    return shutil.copy(NETWORK, tmp_path / "net.py")


# numbers and names


def test_numbers_of_numpy_are_the_plain_ones(script, tmp_path):
    """Against the same study asked for in plain numbers: the same keys and configuration, and it can be written as JSON."""
    how = {"out": tmp_path / "a", "pieces": 5, "margin": 0.5, **SHORT}
    plain = stability(script, [1, 2], **how)
    how |= {"pieces": np.int64(5), "margin": np.float32(0.5), "settle": np.float64(20.0)}
    other = stability(script, np.arange(1, 3), **how, effort=Effort(workers=np.int64(1), budget=np.float32(60)))
    assert other.to_json() == plain.to_json() and json.loads(plain.to_json())["configuration"]["pieces"] == 5
    how = {"out": tmp_path / "b", "robustness": "on", "paths": "inhibition", **SHORT}
    found = sensitivity(script, [np.uint8(1)], change=np.float32(0.5), limit=np.float64(0.2), samples=np.int16(2), **how)
    assert found.to_json() == sensitivity(script, [1], change=0.5, limit=0.2, samples=2, **how).to_json()
    assert [type(found.configuration[name]) for name in ("change", "limit", "samples")] == [float, float, int]


def test_a_text_where_names_are_meant_is_one_name(script, tmp_path):
    """Against the same study asked for with lists."""
    how = {"out": tmp_path / "a", "course": 40.0, "bin": 20.0, "robustness": "on", **SHORT}
    one = recovery(script, [1], disturb="weights_low", by="rate.exc", settings="inhibition=5", **how)
    assert one.to_json() == recovery(script, [1], disturb=["weights_low"], by=["rate.exc"], settings=["inhibition=5"], **how).to_json()
    assert {e.measure for e in one.shown} == {"rate.exc", "course"}
    assert asked.names("exc.tau_m", "paths") == ("exc.tau_m",) and asked.names(np.array(["a", "b"]), "by") == ("a", "b")
    with pytest.raises(DescriptionError, match="by of the study is 3: give a text, or a list of texts"):
        asked.names(3, "by")


REFUSED = [
    (sensitivity, {"limit": "x"}, "limit of the study is 'x': give a finite number, such as 0.2"),
    (sensitivity, {"limit": math.nan}, "limit of the study is nan"),
    (sensitivity, {"change": True}, "change of the study is True: give a number between 0 and 1, such as 0.5"),
    (sensitivity, {"samples": 1.0}, "samples of the study are 1.0: give a whole number of at least 2"),
    (stability, {"pieces": 2}, "pieces of the study are 2: give a whole number from 3 to 100"),
    (ablation, {"precision": "half"}, "precision of the study is 'half': give one of double, single"),
    (ablation, {"settle": 20.03}, "settle of the study is 20.03 ms, no whole number of steps of 0.1 ms: give 20 or 20.1"),
    (ablation, {"measure": "0.05 ms"}, "measure of the study is 0.05 ms, no whole number of steps of 0.1 ms: give 0.1"),
    (ablation, {"out": "a\0b"}, "out of the study is .*: give the name of a folder"),
    (ablation, {"out": ""}, "out of the study is '': give the name of a folder"),
    (ablation, {"subsets": "yes"}, "subsets of the study is 'yes': give True or False"),
    (ablation, {"settings": ["inhibition=5", "seed=7"]}, r"seed tells the runs of a study apart, .*: give --seeds \(seeds=\), such as 1,2,5"),
    (sensitivity, {"paths": ["seed"]}, "seed tells the runs of a study apart, and is not set or varied: give --seeds"),
    (sensitivity, {"paths": ["exc.v_min"]}, "exc.v_min is -inf, which has no share to vary by: name a finite number other than 0"),
    (sensitivity, {"paths": "exc.v_min", "method": "morris"}, "exc.v_min is -inf, which has no share"),
    (ablation, {"effort": Effort(workers=0)}, "workers of the study are 0: give a whole number of at least 1"),
    (ablation, {"effort": Effort(budget=math.nan)}, "budget of the study is nan: give a finite number"),
    (ablation, {"effort": Effort(keep="some")}, "keep of the study is 'some': give one of all, results"),
    (ablation, {"effort": Effort(checkpoint=0.0)}, "checkpoint of the study is 0.0: give a number above 0"),
    (ablation, {"effort": 3}, "effort of the study is 3: give an Effort"),
    (recovery, {"course": 250.01, "bin": 10.0}, "course of the study is 250.01 ms, no whole number of steps"),
    (recovery, {"disturb": ()}, "disturb of the study is empty: name some of weights_high"),
]


@pytest.mark.parametrize("study, wrong, message", REFUSED)
def test_what_cannot_be_is_refused_before_anything_runs(script, tmp_path, study, wrong, message):
    with pytest.raises(DescriptionError, match=message):
        study(script, [1], **{"out": tmp_path / "a", **SHORT, **wrong})
    assert not (tmp_path / "a").exists()


ONLY_INH = "\nfrom thalia_sim import Recorder\n\ndef hooks():\n    return [IntrinsicPlasticity('exc', target=10.0), Recorder('x.h5', spikes={})]\n"


@pytest.mark.parametrize("spikes, remedy", [(["inh"], "or give --population inh"), (False, "or leave the Recorder out")])
def test_a_recorder_that_leaves_out_what_is_read_is_refused(script, tmp_path, spikes, remedy):
    """A script's own recorder is the one of a study; what it does not take cannot be read."""
    with open(script, "a") as file:
        file.write(ONLY_INH.format(spikes))
    lost = "exc" if spikes else "exc, inh"
    for study, how, told in ((recovery, {"course": 40.0, "bin": 20.0}, remedy), (stability, {}, "or leave the Recorder out")):
        with pytest.raises(DescriptionError, match=f"the Recorder of .* takes no spikes of {lost}, which .*: add them to its spikes=, {told}"):
            study(script, [1], out=tmp_path / "a", **SHORT, **how)
    with pytest.raises(DescriptionError, match="takes no spikes of exc, which"):
        recovery(script, [1], out=tmp_path / "a", population="exc", course=40.0, bin=20.0, **SHORT)
    assert not (tmp_path / "a").exists()


def test_a_recorder_that_takes_what_is_read_is_fine(script, tmp_path):
    """Selections too: some neurons of each population."""
    with open(script, "a") as file:
        file.write(ONLY_INH.format(["inh"]))
    found = recovery(script, [1], out=tmp_path / "a", population="inh", disturb="weights_low", course=40.0, bin=20.0, **SHORT)
    assert not found.missing and {e.measure for e in found.effects} >= {"course", "rate.inh"}
    net = design(script, [1], tmp_path, 10.0, 10.0).net
    assert recorded_in([Recorder(tmp_path / "x.h5", spikes=[net.population("exc")[:3], "inh"])], net) == ("exc", "inh")
    assert recorded_in([], net) == ("exc", "inh")


@pytest.mark.parametrize("name, noun", [("drive_doubled", "Poisson drive"), ("silenced_inhibition", "population that inhibits")])
def test_a_disturbance_of_what_there_is_not_is_refused_before_anything_runs(script, tmp_path, name, noun):
    text = Path(script).read_text().replace("w=-inhibition * 0.3", "w=0.3")
    lines = [line for line in text.splitlines() if "net.drive" not in line]
    Path(script).write_text("\n".join(lines))
    how = {"out": tmp_path / "a", "disturb": ["weights_high", name], "course": 40.0, **SHORT}
    for study, more in ((ablation, {}), (recovery, {"bin": 20.0})):
        with pytest.raises(DescriptionError, match=f"{name} finds no {noun} in the network: name some of weights_high, weights_low, lesion with"):
            study(script, [1], **how, **more)
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("value", [0.0, -5, math.inf, "1"])
def test_a_time_that_has_to_pass_is_above_zero(value):
    with pytest.raises(DescriptionError, match="checkpoint of the study is .*: give a (finite )?number"):
        asked.above_zero(value, "checkpoint", 60.0)
    assert asked.above_zero(np.float32(0.5), "checkpoint", 60.0) == 0.5


@pytest.mark.parametrize("text", ["²", "1,²", "0", "1-²"])
def test_seeds_that_are_no_numbers_are_a_wrong_option(script, tmp_path, text):
    told = CliRunner().invoke(commands, ["study", "ablation", str(script), "--seeds", text, "--out", str(tmp_path / "a")])
    assert told.exit_code == 2 and f"{text!r} names no seeds" in told.stderr


@pytest.mark.parametrize("text", ["99999999999", "1-100001", "7,1-100000"])
def test_more_seeds_than_anybody_runs_are_a_wrong_option(script, tmp_path, text):
    told = CliRunner().invoke(commands, ["study", "ablation", str(script), "--seeds", text, "--out", str(tmp_path / "a")])
    assert told.exit_code == 2 and f"{text!r} names more than 100000 seeds" in told.stderr


# what is varied, and what a branch is told by


def test_what_is_not_finite_is_not_varied_by_default(script, tmp_path):
    """Of a neuron without a floor v_min is -inf; half of it is the same."""
    script = Path(script)
    script.write_text(script.read_text().replace("sensitivity =", "others ="))
    plan = design(script, [1], tmp_path, 10.0, 10.0)
    assert plan.net.get("exc.v_min") == -math.inf
    found = varied(plan, [])
    assert "exc.v_min" not in found and "exc.tau_m" in found and all(map(math.isfinite, found.values()))


def test_the_share_is_that_of_lesions_alone(script, tmp_path):
    """Points of other disturbances are the same, whatever the share, so that studies have them in common."""
    settled = design(script, [1], tmp_path, 10.0, 10.0).settled(1)
    for name in (NONE, *DISTURBANCES):
        keys = {branch(settled, 10.0, disturbance=name, share=share).key for share in (0.2, 0.3)}
        assert len(keys) == (2 if name == "lesion" else 1)
    of_ablation = begun(settled, "drive_doubled", 10.0, 0.2)
    of_recovery = branches(design(script, [1], tmp_path, 10.0, 10.0), 1, "on", (), ["drive_doubled"], 10.0, 0.3)
    assert of_recovery[1, Branch("on", "drive_doubled", "course")].key == of_ablation.key


# whole numbers that are varied


@pytest.mark.parametrize(
    "value, share, setting, comparison",
    [
        (5, -0.5, "n=2", "-60 % (2)"),
        (5, 0.5, "n=8", "+60 % (8)"),
        (6, -0.5, "n=3", "-50 %"),
        (1000, 0.1234, "n=1123", "+12.34 %"),
        (-4, 0.3, "n=-5", "+25 % (-5)"),
        (2.5, 0.1, "n=2.75", "+10 %"),
        (1, 0.5, "n=2", "+100 % (2)"),
    ],
)
def test_the_label_says_the_share_that_was_run(value, share, setting, comparison):
    """Rounded by hand, halves to the even number, as Python has it."""
    assert step("n", value, share) == (setting, comparison)


@pytest.mark.parametrize("value, share", [(1, 0.1), (1, -0.5), (4, -0.1), (2, -0.9)])
def test_what_is_rounded_to_itself_or_to_0_is_no_step(value, share):
    """1 to 1.1, 1 to 0.5, 4 to 3.6 and 2 to 0.2."""
    assert step("n", value, share) is None


@pytest.mark.parametrize(
    "value, share, setting, comparison",
    [
        (1.5, -0.5, "d=0.8", "-46.7 % (0.8)"),
        (1.5, 0.5, "d=2.3", "+53.3 % (2.3)"),
        (2.0, 0.5, "d=3.0", "+50 %"),
        (0.15, 0.5, "d=0.2", "+33.3 % (0.2)"),
        (2, -0.4, "d=1", "-50 % (1)"),
    ],
)
def test_the_label_of_a_delay_says_the_share_of_whole_steps(value, share, setting, comparison):
    """In steps of 0.1 ms, halves up, as the network has it; a whole number stays one."""
    assert step("d", value, share, 0.1) == (setting, comparison)


def test_delays_that_rounding_leaves_as_they_are_are_noted(script, tmp_path):
    """1.5 ms with 2 % more or less, and 0.1 ms with 60 % less. What is drawn, or no delay of the network, is not rounded."""
    assert steps({"d": 1.5}, 0.02, {"d": 0.1}) == ({"d": []}, ["d +-2 %: rounds to 1.5, not varied"])
    found, notes = steps({"d": 0.1}, 0.6, {"d": 0.1})
    assert notes == ["d -60 %: rounds to 0, not varied"] and found["d"] == [("d=0.2", "+100 % (0.2)")]
    net = design(script, [1], tmp_path, 10.0, 10.0).net
    assert delays(["exc->inh.delay", "exc.tau_m", "delay"], net) == {"exc->inh.delay": 0.1}


def test_what_is_not_varied_is_noted():
    found, notes = steps({"n": 1, "m": 1, "x": 2.0}, 0.1)
    assert notes == ["n +-10 %: rounds to 1, not varied", "m +-10 %: rounds to 1, not varied"] and [len(each) for each in found.values()] == [0, 0, 2]
    assert steps({"n": 1}, 0.5)[1] == ["n -50 %: rounds to 0, not varied"]


def test_a_study_runs_the_steps_that_it_names(tmp_path):
    """A measure that is the parameter itself: 1 - 2 / 5 and 1 - 8 / 5 by hand; of 1 less 50 % there is a note and no row."""
    script = tmp_path / "net.py"
    text = NETWORK.read_text().replace("inhibition=6.0):", "inhibition=6.0, n=5, k=1):")
    named = "dict(each.split('=') for each in recording.config['run']['settings'])"
    script.write_text(f"{text}\ndef measure(recording):\n    return {{'n': int({named}.get('n', 5))}}\n")
    result = sensitivity(script, [1], out=tmp_path / "a", paths=["n", "k"], robustness="on", **SHORT)
    assert {(e.subject, e.comparison): e.mean for e in result.effects} == {
        ("n", "-60 % (2)"): pytest.approx(0.6), ("n", "+60 % (8)"): pytest.approx(-0.6), ("k", "+100 % (2)"): 0.0,
    }  # fmt: skip
    assert list(result.notes) == ["k -50 %: rounds to 0, not varied"] and result.notes[0] in result.table()
    with h5py.File(tmp_path / "a" / "sensitivity.h5") as file:
        assert json.loads(file.attrs["notes"]) == result.notes


@pytest.mark.parametrize("value, change", [(8, 0.5), (20, 0.2), (12, 0.97), (-8, 0.5)])
def test_indices_refuse_whole_numbers_of_few_values(value, change):
    """4 to 12 are nine values, 16 to 24 nine, 12 goes from 0 to 24; by hand."""
    with pytest.raises(DescriptionError, match=f"n is a whole number, {value}, and goes from .* to .*: morris and sobol need 10 values or more"):
        refuse_few({"n": value}, change)
    refuse_few({"n": 10, "x": 1.0}, 0.5)


@pytest.mark.filterwarnings("error::thalia_sim.errors.UnusualValue")
def test_a_study_of_a_delay_runs_what_it_says(script, tmp_path):
    """The network has nothing left to round."""
    result = sensitivity(script, [1], out=tmp_path / "a", paths=["exc->inh.delay"], robustness="on", by="rate.exc", **SHORT)
    assert {e.comparison for e in result.effects} == {"-46.7 % (0.8)", "+53.3 % (2.3)"}
    assert {run["settings"] for run in result.runs} == {"", "exc->inh.delay=0.8", "exc->inh.delay=2.3"}


# names of measures


def test_every_column_of_the_table_of_runs_is_taken(script, tmp_path):
    with open(script, "a") as file:
        file.write("\ndef measure(recording):\n    return {'x': 1.0}\n")
    result = stability(script, [1], out=tmp_path / "a", **SHORT)
    assert set(result.runs[0]) - {"x"} == set(TAKEN) - {"course"}


UNFIT = [("error", "as a column of the study's own is"), *((name, "can be printed") for name in ("", "a\0b", "a\nb"))]


@pytest.mark.parametrize("name, message", UNFIT)
def test_names_that_a_measure_may_not_have(name, message):
    with pytest.raises(MeasureError, match=f"measure of s.py returned a number named .*{message}"):
        checked({"fine": 1.0, name: 1.0}, Path("s.py"))


@pytest.mark.parametrize("value", [math.inf, -math.inf, np.float64(math.inf)])
def test_a_measure_that_is_infinite_is_refused(value):
    with pytest.raises(MeasureError, match="measure of s.py returned 'a', which is -?inf: give a finite number, or nan where there is none"):
        checked({"a": value}, Path("s.py"))
    assert math.isnan(checked({"a": math.nan}, Path("s.py"))["a"])


def test_a_measure_of_the_script_has_no_unit_whatever_its_name(script, tmp_path):
    """Those of built-in ones are known: rate.exc is in Hz."""
    built_in = ablation(script, [1], out=tmp_path / "a", **SHORT)
    assert {e.unit for e in built_in.effects if e.measure == "rate.exc"} == {"Hz"}
    with open(script, "a") as file:
        file.write("\ndef measure(recording):\n    return {'rate': 1.0, 'rate.spikes_per_bin': 0.5, 'cv.weights': 2.0}\n")
    assert {e.unit for e in ablation(script, [1], out=tmp_path / "b", **SHORT).effects} == {""}
    after = recovery(script, [1], out=tmp_path / "b", course=40.0, bin=20.0, disturb="weights_low", **SHORT)
    assert {e.unit for e in after.effects if e.measure != "course"} == {""}


def test_there_may_be_many_measures(script, tmp_path):
    """1500 of them, which are more than a compound row can hold; each run's, in the order of the runs, are in the file."""
    with open(script, "a") as file:
        file.write("\ndef measure(recording):\n    return {f'a_rather_long_name_of_a_measure_{k}': k + 0.5 for k in range(1500)}\n")
    result = stability(script, [1], out=tmp_path / "a", **SHORT)
    with h5py.File(result.file) as file:
        names, values = file["measure_names"].asstr()[:].tolist(), file["measures"][:]
        assert file["runs"].dtype.names == tuple(name for name in TAKEN if name != "course")
        assert len(names) == 1500 and names[7] == "a_rather_long_name_of_a_measure_7" and values.shape == (len(file["runs"]), 1500)
        measured = file["runs"]["parent"] != b""
    assert (values[measured] == np.arange(1500) + 0.5).all() and np.isnan(values[~measured]).all()


# configurations as text


@pytest.mark.parametrize("kind", [RobustnessConfig, ThaliaConfig])
@pytest.mark.parametrize("text", ["{nope", "", None, "{" * 3])
def test_a_text_that_is_no_json_is_refused(kind, text):
    with pytest.raises(DescriptionError, match=f"text of {kind.__name__} is .*, no JSON .*: give what its to_json wrote"):
        kind.from_json(text)
