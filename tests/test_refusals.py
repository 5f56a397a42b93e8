"""What cannot be is refused when it is described: in one sentence that names the thing, the value and the remedy; what is unusual is questioned."""

import math
import warnings
from typing import NamedTuple

import h5py
import numpy as np
import pytest

from thalia_sim import Simulation
from thalia_sim.circuits import brunel, coba, cuba, potjans_diesmann, quiet
from thalia_sim.distributions import LogNormal, Normal, Uniform
from thalia_sim.errors import DescriptionError, PathError, SimulationError, UnusualValue
from thalia_sim.geometry import Cube, Grid, Positions
from thalia_sim.kernels import jit
from thalia_sim.network import Network
from thalia_sim.neurons import LIF, AdaptiveLIF, LIFAlpha, LIFCond, LIFDelta, LIFExp, LIFExp1
from thalia_sim.neurons.contract import neuron, try_step
from thalia_sim.sources import (
    DC,
    OrnsteinUhlenbeck,
    Poisson,
    PoissonSource,
    Ramp,
    Sine,
    SpikeArray,
    SpikeFile,
    StepCurrent,
    TimedArray,
    current,
)
from thalia_sim.wiring import all_to_all, by_distance, from_arrays, from_matrix, one_to_one, probability

RAGGED = [[1.0], [1.0, 2.0]]


def refused(action, *words, error=DescriptionError):
    """The action is refused in one sentence with all these words."""
    with pytest.raises(error) as caught:
        action()
    text = str(caught.value)
    assert "\n" not in text and ": " in text and len(text) < 600, text
    for word in words:
        assert word in text, text


def cells(model=None, n=5, **more):
    net = Network()
    net.populate("cells", n, LIFExp() if model is None else model, **more)
    return net


def connected(gain=1.0):
    net = cells()
    net.connect("cells", "cells", probability(0.5), w=1.0, delay=1.0, name="p", gain=gain)
    return net


# gains


@pytest.mark.parametrize("gain", [math.nan, -5.0, "x", [1.0], True])
def test_gains_are_checked_when_set(gain):
    """As when the projection is made; the old one stays."""
    net = connected()
    refused(lambda: net.set("p.gain", gain), "gain of projection p", repr(gain))
    assert net.get("p.gain") == 1.0
    refused(lambda: connected(gain), "gain of projection", repr(gain))


# parameters and initial values


@pytest.mark.parametrize(
    ("model", "field", "value"),
    [
        (LIFDelta, "x_max", -1.0), (LIFExp, "i_max", -1.0), (LIFAlpha, "i_max", -math.inf), (LIFCond, "g_max", -1.0), (LIFExp, "g_l_min", -1.0),
        (LIFExp, "g_l_min", math.inf), (LIFExp, "e_l", math.inf), (LIFExp, "v_reset", -math.inf), (LIFCond, "e_exc", math.inf),
        (LIFCond, "e_inh", -math.inf), (LIFExp, "i_max", [1.0, 2.0, -3.0, 4.0, 5.0]), (LIFExp, "v_th", None), (LIFExp, "v_th", True),
        (LIFExp, "v_th", RAGGED), (LIFExp, "v_th", [1.0, "a"]),
    ],
)  # fmt: skip
def test_parameters_that_cannot_be(model, field, value):
    """In the call and in set."""
    refused(lambda: cells(model(**{field: value})), f"{field} of population cells")
    net = cells(model())
    refused(lambda: net.set(f"cells.{field}", value), f"{field} of population cells")
    assert net == cells(model())


def test_infinite_bounds_and_thresholds_are_allowed():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cells(LIFExp(v_th=math.inf, v_min=-math.inf, i_max=math.inf))
        cells(LIFDelta(v_min=-5.0, x_max=0.0))
        cells(AdaptiveLIF(v_reset=np.full(5, -65.0)), left=Uniform(0.0, 3.0))


@pytest.mark.parametrize("value", [-1.0, Uniform(-1.0, 1.0), [1.0, 2.0, 3.0, 4.0, -1.0]])
def test_refractoriness_is_not_negative(value):
    refused(lambda: cells(left=value), "initial left of population cells", "-1", "at least 0")
    refused(lambda: cells().set("cells.left", value), "initial left of population cells")


@pytest.mark.parametrize("field", ["v_reset", "v_min"])
def test_potentials_above_the_threshold_are_questioned(field):
    """The neuron would fire at every step."""
    with pytest.warns(UnusualValue, match=f"{field} = -40 at population cells is above v_th = -50"):
        cells(LIFExp(**{field: -40.0}))
    net = cells()
    with pytest.warns(UnusualValue, match=f"{field} = -40 at population cells"):
        net.set(f"cells.{field}", -40.0)


# weights


@pytest.mark.parametrize(
    ("model", "w", "unit"),
    [
        (LIFExp, 1e6, "pA"), (LIFExp1, 1e6, "pA"), (LIFAlpha, 1e6, "pA"), (LIFCond, 1e6, "nS"), (LIF, 1e6, "mV"), (LIF, 20000.0, "mV"),
        (LIF, -20000.0, "mV"), (LIF, Normal(20000.0, 1.0), "mV"),
    ],
)  # fmt: skip
def test_unusual_weights_are_questioned(model, w, unit):
    """In the unit of what they act on, for projections and drives, when they are given and when they are set."""
    net = cells(model())
    receptor = model.__thalia__.receptors[0]
    for act in (
        lambda: net.connect("cells", "cells", all_to_all(), w=w, receptor=receptor, name="p"),
        lambda: net.drive("cells", Poisson(), w=w, receptor=receptor, name="d"),
        lambda: net.set("p.w", w),
        lambda: net.set("d.w", w),
    ):
        with pytest.warns(UnusualValue, match=rf"w = .* {unit} at (projection p|drive d)"):
            act()


@pytest.mark.parametrize(
    "make",
    [lambda: brunel(order=100), coba, cuba, lambda: potjans_diesmann(0.05), lambda: potjans_diesmann(0.6, drive="dc"), lambda: quiet(1000)],
)
def test_published_networks_are_not_questioned(make):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make()


def test_one_weight_in_two_units_is_questioned():
    """LIFDelta takes mV at `syn`, LIFExp1 pA."""
    net = cells(LIFDelta())
    net.populate("others", 5, LIFExp1())
    with pytest.warns(UnusualValue, match="receptor syn at projection cells->cells[+]others takes weights in mV at cells, in pA at others"):
        net.connect("cells", net["cells"] + net["others"], all_to_all(), w=1.0)


# delays


@pytest.mark.parametrize(
    "delay", [Uniform(10_000.0, 20_000.0), Uniform(0.1, 6600.0), Normal(6500.0, 100.0), LogNormal(3000.0, 3000.0), Normal(9000.0, 0.0)]
)
def test_delays_beyond_the_longest_are_refused(delay):
    """A distribution as a number is, in the call and in set."""
    net = connected()
    refused(lambda: net.connect("cells", "cells", all_to_all(), w=1.0, delay=delay), "delay", "65535 steps, 6553.5 ms", "lower it")
    refused(lambda: net.set("p.delay", delay), "projection p", "65535 steps")


@pytest.mark.parametrize("delay", [Normal(1.5, 0.7), LogNormal(2.0, 2.0), Uniform(0.1, 900.0), Normal(500.0, 100.0, high=6553.0)])
def test_usual_distributions_of_delays_are_taken(delay):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cells().connect("cells", "cells", all_to_all(), w=1.0, delay=delay)


def near(speed, wiring, geometry):
    net = cells(at=geometry(speed))
    net.connect("cells", "cells", wiring, w=1.0)
    return net


def line(speed):
    return Positions([0.0, 1.0, 2.0, 3.0, 1000.0], speed=speed)


@pytest.mark.parametrize(
    ("wiring", "geometry", "longest"),
    [
        (all_to_all(), line, "10000 ms"),
        (probability(0.2), line, "10000 ms"),
        (from_arrays([0, 4], [1, 0]), line, "10000 ms"),
        (all_to_all(), lambda speed: Grid((5,), spacing=1000.0, speed=speed, periodic=True), "25000 ms"),
        (by_distance(length=1e6), line, "10000 ms"),
    ],
)
def test_delays_from_distance_that_are_too_long(wiring, geometry, longest):
    """1 mm at 0.1 um/ms takes 10 s; refused when the network is built."""
    net = near(0.1, wiring, geometry)
    refused(lambda: Simulation(net), "projection cells->cells", longest, "0.1 um/ms", "65535 steps", "raise the speed")


@pytest.mark.parametrize(
    ("wiring", "speed"),
    [(from_arrays([0, 4], [1, 4]), 0.1), (one_to_one(), 0.1), (all_to_all(), 1.0), (by_distance(length=1.0, max_distance=5.0), 0.1)],
)
def test_delays_from_distance_that_no_synapse_exceeds(wiring, speed):
    delays = Simulation(near(speed, wiring, line))["cells->cells"].synapses()["delay"]
    assert delays.max() < 6553.5


# names


@pytest.mark.parametrize("name", ["a/b", "/", ".", "..", "a.b", "a\0b", "a\nb", " a", "", 5])
def test_names_that_no_file_can_hold(name):
    """Names become groups of the recording."""
    net = cells()
    refused(lambda: net.connect("cells", "cells", all_to_all(), w=1.0, name=name), "name of a projection", repr(name))
    refused(lambda: net.drive("cells", DC(1.0), name=name), "name of a drive", repr(name))
    refused(lambda: net.populate(name, 1, LIF()), "population name", repr(name))


# drives


class User(NamedTuple):
    amplitude: float = 100.0


@current(lambda t, p: p.amplitude * t)
class Growing(User):
    pass


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (Ramp(start=5.0, stop=5.0), "stop must be after start"), (Ramp(start=5.0, stop=1.0), "stop must be after start"),
        (Ramp(stop=math.inf), "stop of drive d is inf"), (Ramp(first=math.nan), "first of drive d is nan"),
        (Sine(amplitude=np.ones(5)), "amplitude of drive d is array"), (Sine(frequency=[1, 2]), "frequency of drive d is [1, 2]"),
        (Sine(phase=math.inf), "phase of drive d is inf"), (Sine(offset="1"), "offset of drive d is '1'"), (Sine(offset=None), "is None"),
        (Sine(amplitude=True), "amplitude of drive d is True"), (Growing("x"), "amplitude of drive d is 'x'"), (Growing(None), "is None"),
        (Growing(np.ones(5)), "amplitude of drive d is array"),
        (OrnsteinUhlenbeck(mean=np.ones(5)), "mean of drive d is array"), (OrnsteinUhlenbeck(sd=math.inf), "sd of drive d is inf"),
        (OrnsteinUhlenbeck(sd=-1.0), "sd at least 0"), (OrnsteinUhlenbeck(tau=0.0), "tau must be positive"), (OrnsteinUhlenbeck(tau="5"), "'5'"),
        (DC(True), "amplitude of drive d has type bool, True"), (DC("x"), "'x'"), (DC(None), "None"), (DC(math.inf), "amplitude of drive d is inf"),
        (DC(RAGGED), "amplitude of drive d has type object, [[1.0], [1.0, 2.0]]: give numbers"), (DC(np.ones(3)), "shape [3] for 5"),
        (StepCurrent("x", 1), "times of drive d has type"), (StepCurrent(RAGGED, RAGGED), "times of drive d has type object"),
        (StepCurrent((0.0,), (None,)), "amplitudes of drive d has type object, [None]"), (StepCurrent((0.0,), (math.inf,)), "is inf"),
        (StepCurrent((0.0, math.nan), (1.0, 2.0)), "nan"), (StepCurrent((0.0,), (1.0, 2.0)), "as many"),
        (StepCurrent((5.0, 1.0), (1.0, 2.0)), "rising"),
        (StepCurrent((0.05,), (1.0,)), "whole number of steps of 0.1 ms"), (StepCurrent((-1.0,), (1.0,)), "from 0 on"),
        (Poisson(RAGGED), "rate of drive d has type object, [[1.0], [1.0, 2.0]]"), (Poisson("x"), "'x'"), (Poisson(None), "None"),
        (Poisson(TimedArray([1.0], 0.15)), "multiple of the step"), (LIF(), "the model of a population"),
    ],
)  # fmt: skip
def test_drives_that_cannot_be(source, words):
    """Where the network takes them; nothing is added."""
    net = cells()
    refused(lambda: net.drive("cells", source, name="d", receptor="exc" if isinstance(source, Poisson) else None), words)
    assert not net.drives


@pytest.mark.parametrize(
    ("source", "field", "value"),
    [
        (Ramp(), "stop", 0.0), (Sine(), "amplitude", np.ones(5)), (DC(), "amplitude", True), (StepCurrent(), "times", "x"),
        (OrnsteinUhlenbeck(), "tau", 0.0),
    ],
)  # fmt: skip
def test_values_of_drives_that_cannot_be_set(source, field, value):
    net = cells()
    net.drive("cells", source, name="d")
    refused(lambda: net.set(f"d.{field}", value), "drive d")
    assert net["d"].source is source


def test_lists_can_be_set_one_after_the_other():
    """Their lengths are compared where both are given at once, and before a run."""
    net = cells()
    net.drive("cells", StepCurrent((0.0,), (1.0,)), name="steps")
    net.populate("train", 3, SpikeArray([1.0], [0]))
    net.set("steps.times", [0.0, 5.0])
    net.set("steps.amplitudes", [1.0, 2.0])
    net.set("train.times", [1.0, 2.0])
    refused(lambda: Simulation(net), "population train", "one length")
    net.set("train.ids", [0, 2])
    Simulation(net)


def fails(t, p):
    return p.nothing


def says(t, p):
    return "much"


def endless(t, p):
    return math.inf


def divides(t, p):
    return 1.0 / (p.amplitude - 100.0)


def forgets(t, p):
    p.amplitude * t


@pytest.mark.parametrize("function", [fails, says, endless, divides, forgets])
def test_currents_of_ones_own_are_tried(function):
    """Once in plain Python, before anything is compiled: they give a number."""
    before = len(jit.compilations)
    made = current(function)(type("Own", (User,), {}))
    net = cells()
    refused(lambda: net.drive("cells", made(), name="d"), f"{function.__name__} of current Own at drive d")
    net.drive("cells", Growing(), name="d")
    assert len(jit.compilations) == before


# sources of spikes


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (SpikeArray([1.0], [0.5]), "spike ids of type float64: give whole numbers"), (SpikeArray([1.0], ["a"]), "ids of population train has type"),
        (SpikeArray([math.nan], [0]), "nan"), (SpikeArray([math.inf], [0]), "inf"), (SpikeArray([-1.0], [0]), "-1 ms"),
        (SpikeArray([1e300], [0]), "1e+300 ms"), (SpikeArray([2e11], [0]), "1e+12 steps"), (SpikeArray([1.0], [3]), "element 3"),
        (SpikeArray([1.0], [-1]), "element -1"), (SpikeArray([1.0, 2.0], [0]), "one length"), (SpikeArray(RAGGED, [0, 1]), "[[1.0], [1.0, 2.0]]"),
        (SpikeArray("x", [0]), "'x'"), (SpikeArray([1.0], None), "ids of type object"), (SpikeArray(["a"], [0]), "times of population train"),
        (SpikeFile(None), "path None"), (SpikeFile(5), "path 5"), (SpikeFile("x.h5", start="x"), "start of population train is 'x'"),
        (SpikeFile("x.h5", population=3), "population 3"), (SpikeFile("/nowhere.h5"), "/nowhere.h5"), (SpikeFile("x.h5", start=math.inf), "inf"),
        (PoissonSource(RAGGED), "rate of population train"), (PoissonSource(-1.0), "-1.0"), (PoissonSource(TimedArray([1.0], 0.15)), "0.15 ms"),
    ],
)  # fmt: skip
def test_sources_that_cannot_be(source, words):
    net = Network()
    refused(lambda: net.populate("train", 3, source), words)
    assert not net.populations


@pytest.mark.parametrize(
    ("times", "ids", "words"),
    [
        (np.float64(1.0), np.int64(0), "cannot be read"), (np.array([b"a"]), [0], "cannot be read"), (["a"], [0], "cannot be read"),
        ([1.0], [0.5], "whole numbers"), ([math.nan], [0], "nan"), ([-1.0], [0], "-1 ms"), ([1e300], [0], "1e+300 ms"), ([[1.0]], [[0]], "two lists"),
        ([1.0], [7], "element 7"), ([1.0], None, "cannot be read"),
    ],
)  # fmt: skip
def test_files_of_spikes_that_cannot_be(tmp_path, times, ids, words):
    """Looked at where the network takes them."""
    path = str(tmp_path / "in.h5")
    with h5py.File(path, "w") as file:
        file["spikes/all/timestamps"] = times
        if ids is None:
            file.create_group("spikes/all/node_ids")
        else:
            file["spikes/all/node_ids"] = ids
    refused(lambda: Network().populate("train", 3, SpikeFile(path)), words)
    refused(lambda: Network().populate("train", 3, SpikeFile(str(tmp_path))), "cannot be read")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: TimedArray("abc", 1), "'abc'"), (lambda: TimedArray([1], None), "interval of a TimedArray is None"),
        (lambda: TimedArray([1], "1"), "interval of a TimedArray is '1'"), (lambda: TimedArray(RAGGED, 1), "[[1.0], [1.0, 2.0]]"),
        (lambda: TimedArray([], 1), "at least one"), (lambda: TimedArray([math.inf], 1), "inf at place 0"), (lambda: TimedArray([1], 0), "positive"),
        (lambda: TimedArray([True], 1), "bool"),
    ],
)  # fmt: skip
def test_rates_in_time_that_cannot_be(make, words):
    refused(make, words)


# arrays and geometries


@pytest.mark.parametrize("value", [RAGGED, [[1.0, 2.0], 3.0], "x", {"a": 1}, [None], [1j], object, 10**400])
def test_what_is_no_array_is_named(value):
    """Wherever numbers may be given as a list: no error of NumPy's."""
    net = cells(n=2)
    every = {"w": 1.0, "name": "p"}
    for action, words in (
        (lambda: net.connect("cells", "cells", all_to_all(), w=value, receptor="exc", name="p"), "w of projection p"),
        (lambda: net.connect("cells", "cells", all_to_all(), delay=value, **every), "delay of projection p"),
        (lambda: net.drive("cells", Poisson(), w=value, receptor="exc", name="d"), "w of drive d"),
        (lambda: net.populate("b", 2, LIF(tau_m=value)), "tau_m of population b"),
        (lambda: net.populate("b", 2, LIF(), v=value), "initial v of population b"),
        (lambda: net.set("cells.tau_m", value), "tau_m of population cells"),
        (lambda: net.set("cells.v", value), "initial v of population cells"),
        (lambda: net.populate("b", 2, LIF(), at=value), "positions"),
        (lambda: from_arrays([0, 1], [0, 1], w=value), "w of from_arrays"),
        (lambda: from_arrays([0, 1], [0, 1], delay=value), "delay of from_arrays"),
        (lambda: from_arrays(value, [0, 1]), "i of from_arrays"),
        (lambda: from_matrix(value), "matrix has type"),
        (lambda: net["cells"][value], "cells["),
    ):
        refused(action, words)
    assert list(net.populations) == ["cells"] and not net.projections and not net.drives


@pytest.mark.parametrize("which", [slice("a", None), slice(0.5, 1), slice(None, None, 0)])
def test_slices_that_cannot_be(which):
    refused(lambda: cells()["cells"][which], "cells[slice", "whole numbers")


@pytest.mark.parametrize("shape", [3.5, None, True, "ab", (2, 0), (), (1, 1, 1, 1)])
def test_grids_that_cannot_be(shape):
    refused(lambda: Grid(shape), "shape of Grid")
    assert Cube(5.0).positions(2, 1).shape == (2, 3)


# models of one's own


class State(NamedTuple):
    v: float
    v_th: float


class Step(NamedTuple):
    decay: float


def derive(p, dt):
    return Step(math.exp(-dt / p.tau))


def step(s, x, c, p):
    return State(s.v * c.decay, s.v_th), s.v > s.v_th


def advance(s, k, c, p):
    return State(s.v * c.decay**k, s.v_th)


def may_fire(s, c, p):
    return s.v > s.v_th


class Parameters(NamedTuple):
    tau: float = 20.0
    v_th: float = 10.0


def model(**given):
    """A model that can be run, but for what is given."""
    return neuron(**{**{"state": State, "derive": derive, "step": step, "receptors": ("exc",)}, **given})(type("Own", (Parameters,), {}))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"held": "v_th"}, "held of model Own are 'v_th': give a tuple of names"), ({"held": 5}, "held of model Own are 5"),
        ({"held": ("no",)}, "'no' of model Own is no field"), ({"held": ("v", "v")}, "'v' more than once"),
        ({"receptors": None}, "receptors of model Own are None"), ({"receptors": ("for",)}, "'for'"), ({"receptors": ("a b",)}, "'a b'"),
        ({"receptors": ("_a",)}, "'_a'"), ({"receptors": ("a", "a")}, "'a' more than once"), ({"receptors": (5,)}, "5"),
        ({"receptors": ("u",), "noise": "uniform"}, "receptor 'u' of model Own is named like the noise"),
        ({"receptors": ("z",), "noise": "normal"}, "receptor 'z'"), ({"noise": ["normal"]}, "noise ['normal']"),
        ({"adds": ["a"]}, "adds of model Own is ['a']"), ({"signs": ["a"]}, "signs of model Own is ['a']"), ({"signs": {"exc": 2}}, "is 2"),
        ({"signs": {"exc": "+"}}, "is '+'"), ({"signs": {"exc": True}}, "is True"), ({"usual": {"tau": 5}}, "'tau': 5"),
        ({"usual": {"tau_x": (1.0, 2.0)}}, "'tau_x': no such parameter"), ({"usual": 5}, "usual of model Own is 5"),
        ({"usual": {"tau": (2.0, 1.0)}}, "smallest"), ({"bounds": ["a"]}, "bounds of model Own is ['a']"), ({"initial": ["v"]}, "initial of model"),
        ({"initial": {"v": "no"}}, "'v': 'no'"), ({"initial": {"v": None}}, "'v': None"), ({"advance": advance}, "advance and no may_fire"),
        ({"may_fire": may_fire}, "may_fire and no advance"), ({"step": max}, "step of model Own is <built-in function max>"),
        ({"step": None}, "step of model Own is None"), ({"derive": None}, "derive of model Own is None"), ({"derive": max}, "built-in function max"),
        ({"step": lambda s, x: s}, "has 2 parameters"), ({"state": State(0.0, 0.0)}, "NamedTuples"), ({"state": None}, "NamedTuples"),
    ],
)  # fmt: skip
def test_declarations_of_models_that_cannot_be(given, words):
    """Refused by @neuron."""
    refused(lambda: model(**given), words)


def sleeping(**given):
    return model(**{**{"advance": advance, "may_fire": may_fire, "held": ("v_th",)}, **given})


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: sleeping(may_fire=lambda s, c, p: None), "may_fire of model Own returned None"),
        (lambda: sleeping(may_fire=lambda s, c, p: "no"), "may_fire of model Own returned 'no'"),
        (lambda: sleeping(may_fire=lambda s, c, p: p.nothing), "may_fire of model Own fails on its start values (AttributeError"),
        (lambda: sleeping(advance=lambda s, k, c, p: s._replace(v_th=0.0)), "advance of model Own changes v_th, which is held"),
        (lambda: sleeping(advance=lambda s, k, c, p: None), "advance of model Own returned None"),
        (lambda: sleeping(advance=lambda s, k, c, p: c.nothing), "advance of model Own fails"),
        (lambda: model(step=lambda s, x, c, p: (s, None)), "step of model Own returned"),
        (lambda: model(step=lambda s, x, c, p: (c, False)), "return a State and whether it fired"),
        (lambda: model(step=lambda s, x, c, p: s), "step of model Own returned"),
        (lambda: model(step=lambda s, x, c, p: (State(0.0, "a"), False)), "returned v_th = 'a'"),
        (lambda: model(step=lambda s, x, c, p: (s._replace(v_th=s.v_th + 1.0), False), held=["v_th"]), "step of model Own changes v_th"),
        (lambda: model(step=lambda s, x, c, p: x.inh), "step of model Own fails"),
        (lambda: model(derive=lambda p, dt: p.nothing), "derive of model Own fails"),
        (lambda: model(derive=lambda p, dt: 5.0), "derive of model Own returned 5.0"),
    ],
)
def test_functions_of_models_are_tried(make, words):
    """Once in plain Python, before anything is compiled."""
    before = len(jit.compilations)
    net = cells(make()())
    refused(lambda: Simulation(net), words)
    assert len(jit.compilations) == before


def test_models_that_can_be_pass():
    """A held field that is nan counts as unchanged; a number says as well whether it fired."""
    try_step(sleeping()(v_th=math.nan), 0.1)
    try_step(model(step=lambda s, x, c, p: (s, 0.0), held=["v_th"], initial={"v": "tau"}, usual={"tau": (1.0, 200.0)})(), 0.1)
    assert model(held=["v_th"], receptors=["exc"]).__thalia__.held == ("v_th",)


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (lambda sim: sim[["exc"]], r"\['exc'\] is no name"),
        (lambda sim: sim.save(None), "path of a checkpoint is None"),
        (lambda sim: sim.save(""), "path of a checkpoint is ''"),
        (lambda sim: type(sim).resume(None), "path of a checkpoint is None"),
        (lambda sim: sim.sample(5, "v"), "5 cannot be sampled"),
        (lambda sim: sim.run(until=10**400), "until is 1000.* ms: give a finite number"),
        (lambda sim: sim.attach(5), "hook 5 is no Hook"),
        (lambda sim: setattr(sim["a"], "silent", 3), "silent of a is given 3: give True, False or a mask"),
    ],
)
def test_what_a_simulation_is_asked_for(ask, told):
    net = Network(seed=1)
    net.populate("a", 3, LIF())
    with pytest.raises((SimulationError, PathError, DescriptionError), match=told):
        ask(Simulation(net))
