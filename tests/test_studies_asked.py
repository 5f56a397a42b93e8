"""What a study was asked for: numbers and names of several kinds, times, whole numbers that are varied, and what the names of measures may be."""

import json
import math
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest

from thalia_sim import RobustnessConfig, ThaliaConfig
from thalia_sim.errors import DescriptionError, MeasureError
from thalia_sim.studies import Effort, ablation, asked, recovery, sensitivity, stability
from thalia_sim.studies.measured import TAKEN, checked
from thalia_sim.studies.varied import refuse_few, step, steps

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
    (ablation, {"effort": Effort(workers=0)}, "workers of the study are 0: give a whole number of at least 1"),
    (ablation, {"effort": Effort(budget=math.nan)}, "budget of the study is nan: give a finite number"),
    (recovery, {"course": 250.01, "bin": 10.0}, "course of the study is 250.01 ms, no whole number of steps"),
    (recovery, {"disturb": ()}, "disturb of the study is empty: name some of weights_high"),
]


@pytest.mark.parametrize("study, wrong, message", REFUSED)
def test_what_cannot_be_is_refused_before_anything_runs(script, tmp_path, study, wrong, message):
    with pytest.raises(DescriptionError, match=message):
        study(script, [1], **{"out": tmp_path / "a", **SHORT, **wrong})
    assert not (tmp_path / "a").exists()


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


# configurations as text


@pytest.mark.parametrize("kind", [RobustnessConfig, ThaliaConfig])
@pytest.mark.parametrize("text", ["{nope", "", None, "{" * 3])
def test_a_text_that_is_no_json_is_refused(kind, text):
    with pytest.raises(DescriptionError, match=f"text of {kind.__name__} is .*, no JSON .*: give what its to_json wrote"):
        kind.from_json(text)
