"""Whatever is given for an argument of a description, it is taken or refused in one sentence on one line.

No error of Python's or NumPy's, and no page of numbers.
"""

import warnings

import numpy as np
import pytest

from thalia_sim.analysis.compare import compare_recordings
from thalia_sim.checks import numbers
from thalia_sim.distributions import ClippedNormal, LogNormal, Normal, Uniform
from thalia_sim.errors import DescriptionError, PathError, RecordingError
from thalia_sim.geometry import Cube, Grid, Positions, Sheet
from thalia_sim.given import short
from thalia_sim.network import Network
from thalia_sim.neurons import LIF, LIFExp
from thalia_sim.recording import open_recording
from thalia_sim.recording.checkpoint import read_checkpoint
from thalia_sim.sources import DC, OrnsteinUhlenbeck, Poisson, PoissonSource, Ramp, Sine, SpikeArray, SpikeFile, StepCurrent, TimedArray
from thalia_sim.wiring import by_distance, from_arrays, from_matrix, in_degree, out_degree, probability, total_number

LONGEST = 400  # characters of a message


class Talkative:
    """Says more than fits on a line."""

    def __repr__(self):
        return "a\nb\n" * 100


class Mute:
    """Cannot even say what it is."""

    def __repr__(self):
        raise RuntimeError("no words")


STRANGE = {
    "table": np.arange(12.0).reshape(4, 3),
    "lists": [[1.0, 2.0], [3.0, 4.0]],
    "ragged": [[1.0], [1.0, 2.0]],
    "none": np.array([]),
    "no place": np.zeros((0, 3)),
    "text in a list": ["a"],
    "long list": list(range(1000)),
    "long array": np.arange(10_000),
    "texts": np.array(["a" * 100, "b"]),
    "whole number beyond floats": 10**400,
    "whole number beyond words": 10**5000,
    "its negative": -(10**400),
    "float32": np.float32(2.5),
    "whole float32": np.float32(2.0),
    "float16": np.float16(3.0),
    "int8": np.int8(5),
    "uint64": np.uint64(2**63 + 1),
    "complex": 1j,
    "nan": float("nan"),
    "date": np.datetime64("2020-01-01"),
    "truth": True,
    "nothing": None,
    "text": "abc",
    "long text": "abc " * 500,
    "lines": "a\nb",
    "null in a text": "a\0b",
    "bytes": b"\0\n",
    "dict": {"a": [1, 2]},
    "set": {1, 2},
    "class": object,
    "function": len,
    "talkative": Talkative(),
    "mute": Mute(),
    "Normal": Normal(0.0, 1.0),
}


def net():
    """300 elements before all others: more than eight bits can count."""
    made = Network(seed=1)
    made.populate("a", 300, LIFExp(), v=Normal(-60.0, 1.0), at=Grid((300,)))
    made.populate("b", 2, LIF(), at=Grid((2,)))
    made.populate("train", 2, PoissonSource(5.0))
    made.connect("a", "b", by_distance(length=5.0), w=Normal(1.0, 0.1), delay=Normal(2.0, 0.1), name="p")
    made.connect("b", "b", from_arrays([0], [1], w=[1.0], delay=[1.0]), name="given")
    made.drive("b", Poisson(5.0), name="d")
    made.drive("b", DC(5.0), name="dc")
    return made


def connect(**given):
    arguments = {"source": "a", "target": "b", "wiring": probability(0.1), "w": 1.0, **given}
    return net().connect(arguments.pop("source"), arguments.pop("target"), arguments.pop("wiring"), **arguments)


def drive(**given):
    arguments = {"target": "a", "source": Poisson(), **given}
    return net().drive(**arguments)


def populate(**given):
    return net().populate(**{"name": "c", "n": 2, "model": LIF(), **given})


def seeded(**given):
    return Network(**{"seed": 1, **given})


def fields(cls, **usual):
    """(name, function of a value) for each argument of a class."""
    return [(f"{cls.__name__} {name}", lambda x, name=name: cls(**{**usual, name: x})) for name in usual]


def placed(x, wiring):
    return connect(wiring=wiring(x))


TAKERS = [
    *((f"Network {name}", lambda x, name=name: seeded(**{name: x})) for name in ("seed", "dt", "wiring_seed", "initial_seed", "noise_seed")),
    *((f"populate {name}", lambda x, name=name: populate(**{name: x})) for name in ("name", "n", "model", "at", "v", "v_th")),
    *((f"LIF {name}", lambda x, name=name: populate(model=LIF(**{name: x}))) for name in LIF._fields),
    *(
        (f"connect {name}", lambda x, name=name: connect(**{name: x}))
        for name in ("source", "target", "wiring", "w", "delay", "receptor", "name", "autapses", "multapses", "gain")
    ),
    *((f"drive {name}", lambda x, name=name: drive(**{name: x})) for name in ("target", "source", "w", "receptor", "name")),
    ("receptor of a current", lambda x: drive(source=DC(1.0), receptor=x)),
    ("weight of a current", lambda x: drive(source=DC(1.0), w=x)),
    *fields(Normal, mean=0.0, sd=1.0, low=-1.0, high=1.0),
    *fields(ClippedNormal, mean=0.0, sd=1.0, low=-1.0, high=1.0),
    *fields(LogNormal, mean=1.0, sd=1.0),
    *fields(Uniform, low=0.0, high=1.0),
    *fields(Grid, shape=(2,), spacing=1.0, speed=1.0, periodic=False),
    *fields(Cube, side=1.0, speed=1.0, periodic=False),
    *fields(Sheet, width=1.0, height=1.0, speed=1.0, periodic=False),
    *fields(Positions, array=[1.0], speed=1.0),
    *((f"{rule.__name__} of", lambda x, rule=rule: connect(wiring=rule(x))) for rule in (probability, in_degree, out_degree, total_number)),
    *((f"{name} of by_distance", lambda x, name=name: connect(wiring=by_distance(**{"length": 5.0, name: x}))) for name in ("p", "length")),
    *((f"{name} of by_distance", lambda x, name=name: by_distance(**{"length": 5.0, name: x})) for name in ("profile", "max_distance")),
    *((f"{name} of from_arrays", lambda x, name=name: from_arrays(**{"i": [0], "j": [0], name: x})) for name in ("i", "j", "w", "delay")),
    ("from_matrix", from_matrix),
    *fields(TimedArray, values=[1.0], interval=1.0),
    ("PoissonSource rate", lambda x: populate(model=PoissonSource(x))),
    *((f"SpikeArray {f}", lambda x, f=f: populate(model=SpikeArray()._replace(**{f: x}))) for f in SpikeArray._fields),
    *((f"SpikeFile {f}", lambda x, f=f: populate(model=SpikeFile("/nowhere.h5")._replace(**{f: x}))) for f in SpikeFile._fields),
    *(
        (f"{f} of {type(s).__name__}", lambda x, s=s, f=f: drive(source=s._replace(**{f: x})))
        for s in (Poisson(), DC(), StepCurrent(), Ramp(), Sine(), OrnsteinUhlenbeck())
        for f in s._fields
    ),
    *((f"set {path}", lambda x, path=path: net().set(path, x)) for path in net().paths()),
    *((f"set {path}", lambda x, path=path: net().set(path, x)) for path in ("a.v.mean", "p.w.sd", "p.delay.low")),
    ("path of get", lambda x: net().get(x)),
    ("path of set", lambda x: net().set(x, 1.0)),
    ("net[...]", lambda x: net()[x]),
    ("... in net", lambda x: x in net()),
    ("population", lambda x: net().population(x)),
    ("selection", lambda x: net().selection(x)),
    ("elements", lambda x: net()["a"][x]),
    ("slice", lambda x: net()["a"][slice(x, None)]),
    ("elements of a selection", lambda x: (net()["a"][:3])[x]),
    ("open_recording", open_recording),
    ("read_checkpoint", read_checkpoint),
    ("compare_recordings", lambda x: compare_recordings(x, x)),
]  # fmt: skip


@pytest.mark.parametrize("taker", TAKERS, ids=[name for name, _ in TAKERS])
def test_an_answer_is_one_sentence(taker, monkeypatch, tmp_path):
    """Each argument with each strange value; a message names something, says what to do, and fits on a line."""
    name, take = taker
    monkeypatch.chdir(tmp_path)
    for what, value in STRANGE.items():
        if what == "lines" and name in ("open_recording", "read_checkpoint", "compare_recordings"):
            continue  # a file may have such a name, which is then told as it is
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            try:
                take(value)
            except (DescriptionError, PathError, RecordingError) as error:
                told_text = str(error)
                assert ": " in told_text, (what, told_text)
            except Exception as error:
                pytest.fail(f"{name} given {what}: {type(error).__name__}: {error}")
            else:
                told_text = ""
        for text in (told_text, *(str(w.message) for w in told)):
            assert "\n" not in text and len(text) < LONGEST, (what, text)


@pytest.mark.parametrize(
    ("take", "words"),
    [
        (lambda: open_recording(None), "path is None: give the name of a recording"),
        (lambda: populate(at=[]), "0 positions given for 2 elements"),
        (lambda: net()[["a"]], "unknown population, projection or drive ['a']: known: a, b"),
        (lambda: in_degree(10**400), "at least 0"),
        (lambda: in_degree(10**5000), "k of in_degree is <int>: must be a whole number, at least 0 and below 2^63"),
        (lambda: Normal(10**400, 1.0), "mean of Normal is 1000"),
        (lambda: net().set("a.v", 10**400), "initial v of population a has type object"),
        (lambda: connect(receptor=np.array([])), "receptor array([], dtype=float64) at projection a->b is unknown at b: known: syn"),
        (lambda: by_distance(length=1.0, profile=np.array([])), "profile of by_distance is array([], dtype=float64): known: exponential, gaussian"),
        (lambda: seeded(seed=np.zeros((2, 2))), "seed is array([[0., 0.], [0., 0.]]): give a whole number of at most 64 bits"),
        (lambda: seeded(seed=1 << 63), "at most 64 bits"),
        (lambda: populate(n=np.float32(2)), "population c has size np.float32(2.0): give a whole number"),
        (lambda: Cube(1.0, periodic="no"), "periodic of Cube is 'no': give True or False"),
    ],
)
def test_what_is_wrong_is_named(take, words):
    """Thing, value and remedy."""
    with pytest.raises((DescriptionError, PathError, RecordingError)) as caught:
        take()
    assert words in str(caught.value)


def test_small_kinds_of_numbers_count_as_any_other():
    """A size of 8 bits on top of 300 elements, a whole number in single precision."""
    made = net()
    assert len(made.populate("c", np.int8(5), LIF())) == 5 and made.n == 309
    assert in_degree(np.float32(2.0)).k == 2 and total_number(np.uint8(7)).n == 7


@pytest.mark.parametrize("value", STRANGE.values(), ids=STRANGE)
def test_a_value_is_shown_in_a_few_characters(value):
    assert 0 < len(short(value)) <= 103 and "\n" not in short(value)


@pytest.mark.parametrize("value", [True, "5", 10**400, [[1.0], [1.0, 2.0]], None, [None]])
def test_what_is_written_into_a_run_is_a_number(value):
    """Neither a truth value nor a text becomes one unasked."""
    with pytest.raises(DescriptionError, match="w of p is given .*: give numbers"):
        numbers(value, "w of p")
