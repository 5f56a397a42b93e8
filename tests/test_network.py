"""The description: a tree with paths, compared and printed; wrong arguments are refused with one sentence."""

import json
import math
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from thalia_sim.distributions import Normal, Uniform
from thalia_sim.errors import DescriptionError, PathError, UnusualValue
from thalia_sim.geometry import Cube, Grid
from thalia_sim.network import Network
from thalia_sim.neurons import LIF
from thalia_sim.neurons.contract import neuron
from thalia_sim.paths import plain
from thalia_sim.wiring import all_to_all, by_distance, from_arrays, in_degree, one_to_one, probability


class State(NamedTuple):
    v: float  # mV
    v_th: float  # mV


def step(s, x, c, p):
    return s, False


def derive(p, dt):
    return p


@neuron(
    state=State, derive=derive, step=step, receptors=("exc", "inh"), signs={"exc": +1, "inh": -1}, initial={"v": "e_l"},
    usual={"tau_m": (1.0, 200.0)},
)  # fmt: skip
class Current(NamedTuple):
    tau_m: float = 20.0  # ms
    e_l: float = -65.0  # mV
    v_th: float = -50.0  # mV


@neuron(state=State, derive=derive, step=step, receptors=("exc", "inh"), signs={"exc": +1, "inh": +1})
class Conductance(NamedTuple):
    tau_m: float = 20.0  # ms


@neuron(state=State, derive=derive, step=step, receptors=("syn",))
class Delta(NamedTuple):
    tau_m: float = 20.0  # ms


class Poisson(NamedTuple):
    rate: float = 10.0  # Hz


class DC(NamedTuple):
    amplitude: float = 1.0  # pA


def small(seed=1, tau_m=20.0):
    net = Network(seed=seed)
    exc = net.populate("exc", 80, Current(tau_m=tau_m), at=Cube(side=100.0), v=Uniform(-60, -50))
    inh = net.populate("inh", 20, Current())
    net.connect(exc, exc + inh, probability(0.1), w=Normal(0.5, 0.1, low=0), delay=1.5)
    net.connect(inh, exc[:40], in_degree(5), w=-2.0)
    net.drive(exc, Poisson(900.0), w=1.0)
    net.drive(inh, DC(20.0))
    return net


# the tree


def test_offsets_follow_the_order_of_creation():
    """Global numbers are those of the populations one after the other."""
    net = small()
    exc, inh = net["exc"], net["inh"]
    assert (exc.offset, inh.offset, net.n, len(exc)) == (0, 80, 100, 80)
    assert inh.ids().tolist() == list(range(80, 100))
    assert list(net.projections) == ["exc->exc+inh", "inh->exc"] and list(net.drives) == ["poisson->exc", "dc->inh"]


def test_selections():
    """Slices, masks, whole numbers and sums give global numbers in the order asked for."""
    net = small()
    exc, inh = net["exc"], net["inh"]
    assert exc[:3].ids().tolist() == [0, 1, 2]
    assert exc[::30].ids().tolist() == [0, 30, 60]
    assert exc[[5, 2, -1]].ids().tolist() == [5, 2, 79]
    assert exc[np.arange(80) % 40 == 7].ids().tolist() == [7, 47]
    assert (exc[78:] + inh[:2]).ids().tolist() == [78, 79, 80, 81]
    assert (exc + inh)[[79, 80, 0]].ids().tolist() == [79, 80, 0]
    assert (inh + exc[:1])[-2:].ids().tolist() == [99, 0]
    assert len(exc + inh) == 100 and len(exc[5:5]) == 0 and len(exc[[]]) == 0 and exc[3].ids().tolist() == [3]


def test_get_and_set_by_path():
    """What is set is got, and acts on the description that the builder reads."""
    net = small()
    for path, value in {
        "exc.tau_m": 15.0,
        "exc.v": -55.0,
        "inh.v": Normal(-60.0, 2.0),
        "exc->exc+inh.p": 0.2,
        "exc->exc+inh.w.mean": 0.7,
        "inh->exc.w": -3.0,
        "inh->exc.k": 7,
        "inh->exc.delay": 2.0,
        "poisson->exc.rate": 800.0,
        "poisson->exc.w": 0.5,
        "dc->inh.amplitude": 3.0,
    }.items():
        net.set(path, value)
        assert net.get(path) == value
    assert net["exc"].model.tau_m == 15.0 and net["inh->exc"].wiring == in_degree(7)
    assert net["exc->exc+inh"].w == Normal(0.7, 0.1, low=0.0)


def test_a_state_field_starts_at_the_parameter_of_its_name_unless_given():
    """v_th of the state follows the parameter v_th; an initial value of its own is kept apart."""
    net = small()
    assert net.get("inh.v") == -65.0 and net.get("inh.v_th") == -50.0
    net.set("inh.v_th", -45.0)
    assert net["inh"].model.v_th == -45.0 and net["inh"].initial == {}
    own = net.populate("own", 3, Current(), v_th=Normal(-50.0, 1.0))
    net.set("own.v_th", -40.0)
    assert own.model.v_th == -50.0 and own.initial == {"v_th": -40.0}


def test_every_path_can_be_read_and_set_to_its_own_value():
    """Setting each path to what it holds changes nothing."""
    net = small()
    before = net.describe()
    for path, value in net.paths().items():
        if path != "inh.v":  # it comes from e_l: setting it makes it an initial value of its own
            net.set(path, value)
    after = net.describe()
    for name in ("exc", "inh"):
        after["populations"][name]["initial"] = before["populations"][name]["initial"]
    assert after == before


def test_equality_is_equality_of_descriptions():
    """Same calls, equal; any difference in a seed, number, array or name, unequal."""
    assert small() == small()
    assert small() != small(seed=2) and small() != small(tau_m=21.0)
    a, b = small(), small()
    a.set("exc.tau_m", np.full(80, 20.0))
    b.set("exc.tau_m", np.full(80, 20.0))
    assert a == b
    b.set("exc.tau_m", np.r_[np.full(79, 20.0), 21.0])
    assert a != b


def test_description_is_json_and_the_print_names_everything():
    """describe() survives JSON; str(net) has a line for each population, projection and drive."""
    net = small()
    net.populate("grid", 4, Delta(tau_m=np.arange(10.0, 14.0)), at=Grid((2, 2)))
    assert json.loads(json.dumps(net.describe())) == net.describe()
    text = str(net)
    for name in [*net.populations, *net.projections, *net.drives]:
        assert name in text


def test_paths_are_described_without_their_folders():
    assert plain(Path("/home/somebody/input.h5")) == "input.h5" and plain(Path("data/input.h5")) == "data/input.h5"


def test_names_of_projections():
    """A second projection between the same pair gets a number, or the name it is given."""
    net = small()
    assert net.connect(net["inh"], net["exc"], all_to_all(), w=-1.0).name == "inh->exc#2"
    assert net.connect("inh", "exc", all_to_all(), w=-1.0, name="strong").name == "strong"
    assert net.connect("inh", "exc", all_to_all(), w=-1.0).name == "inh->exc#3"
    with pytest.raises(DescriptionError, match="there is a 'strong' already"):
        net.connect("inh", "exc", all_to_all(), w=-1.0, name="strong")


def test_receptors_are_found_by_sign_where_only_one_fits():
    """With an excitatory and an inhibitory current the sign of w decides; two conductances must be named; a single receptor takes any sign."""
    net = Network()
    i, g, d = net.populate("i", 5, Current()), net.populate("g", 5, Conductance()), net.populate("d", 5, Delta())
    assert net.connect(i, i, all_to_all(), w=1.0).receptor == "exc"
    assert net.connect(i, i, all_to_all(), w=Normal(-1, 0.1, high=0)).receptor == "inh"
    assert net.connect(i, d, all_to_all(), w=-1.0).receptor == "syn"
    assert net.connect(i, g, all_to_all(), w=1.0, receptor="inh").receptor == "inh"
    with pytest.raises(DescriptionError, match="projection i->g#2 does not say which receptor of g .* one of exc, inh"):
        net.connect(i, g, all_to_all(), w=1.0)


def test_positions_depend_on_the_seed_and_the_name_only():
    """Another population before it does not move a population."""
    net = Network(seed=4)
    net.populate("other", 30, Delta(), at=Cube(side=50.0))
    a = net.populate("exc", 80, Delta(), at=Cube(side=100.0))
    alone = Network(seed=4).populate("exc", 80, Delta(), at=Cube(side=100.0))
    assert np.array_equal(a.at, alone.at)


# refusals and questions


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda net, e, i: net.populate("exc", 5, Current()), "there is a population exc already"),
        (lambda net, e, i: net.populate("a.b", 5, Current()), "population name 'a.b'"),
        (lambda net, e, i: net.populate("a", -1, Current()), "population a has size -1"),
        (lambda net, e, i: net.populate("a", 5, 3.0), "3.0 is not a model"),
        (lambda net, e, i: net.populate("a", 5, Current(tau_m=math.nan)), "tau_m of population a is nan"),
        (lambda net, e, i: net.populate("a", 5, Current(tau_m=np.ones(4))), r"tau_m of population a has shape \[4\] for 5 elements"),
        (lambda net, e, i: net.populate("a", 5, Current(tau_m="20")), "tau_m of population a is '20'"),
        (lambda net, e, i: net.populate("a", 5, Current(), v=np.zeros(4)), r"initial v of population a has shape \[4\]"),
        (lambda net, e, i: net.populate("a", 5, Current(), v=math.inf), "initial v of population a is inf"),
        (lambda net, e, i: net.populate("a", 5, Current(), at=np.zeros((4, 3))), "4 positions given for 5 elements"),
        (lambda net, e, i: net.connect(e, i, all_to_all(), w=-1.0, receptor="exc"), r"weight -1 at projection exc->inh .* exc takes w >= 0"),
        (lambda net, e, i: net.connect(e, i, all_to_all(), w=Normal(1, 1), receptor="exc"), "can have the wrong sign .* give low=0"),
        (lambda net, e, i: net.connect(e, i, all_to_all(), w=math.nan), "w of projection exc->inh is nan"),
        (lambda net, e, i: net.connect(e, i, all_to_all(), w=np.ones(3)), r"w of projection exc->inh has shape \[3\].*\[80, 20\]"),
        (lambda net, e, i: net.connect(e, e, one_to_one(), w=np.full(80, np.inf)), "w of projection exc->exc is inf at place 0"),
        (lambda net, e, i: net.connect(e, i, all_to_all(), w="strong"), "w of projection exc->inh has type"),
        (lambda net, e, i: net.connect(e, i, all_to_all(), w=1.0, delay=0.0), "delay 0 ms at projection exc->inh: must be at least one step, 0.1 ms"),
        (lambda net, e, i: net.connect(e, i, all_to_all(), w=1.0, delay=math.inf), "delay of projection exc->inh is inf"),
        (lambda net, e, i: net.connect(e, i, all_to_all(), w=1.0, delay=7000.0), "at most 65535 steps, 6553.5 ms"),
        (lambda net, e, i: net.connect(e, i, all_to_all(), w=1.0, delay=Uniform(0.0, 0.04)), "hardly ever at least one step"),
        (lambda net, e, i: net.connect(e, i, from_arrays([0], [0], delay=[0.01]), w=1.0), "delay 0.01 ms at projection exc->inh"),
        (lambda net, e, i: net.connect(e, i, all_to_all(), w=1.0, receptor="ex"), "receptor 'ex' at projection exc->inh .* did you mean 'exc'"),
        (lambda net, e, i: net.connect(e, 5, all_to_all(), w=1.0), "target is 5: give a population"),
        (lambda net, e, i: net.connect(e, i, all_to_all(), w=1.0, autapses=0), "autapses of projection exc->inh is 0"),
        (lambda net, e, i: net.connect(Network().populate("x", 1, Delta()), i, all_to_all(), w=1.0), "x belongs to another network"),
        (lambda net, e, i: net.drive(e, Poisson(-5.0)), "rate of drive poisson->exc is -5.0: a rate is finite and at least 0 Hz"),
        (lambda net, e, i: net.drive(e, Poisson(np.ones(3))), r"rate of drive poisson->exc has shape \[3\] for 80"),
        (lambda net, e, i: net.drive(e, Poisson(5.0), w=-1.0, receptor="exc"), "weight -1 at drive poisson->exc"),
        (lambda net, e, i: net.drive(e, DC(math.nan)), "amplitude of drive dc->exc is nan"),
        (lambda net, e, i: net.drive(e, DC(1.0), receptor="exc"), "is a current and has no receptor"),
        (lambda net, e, i: net.drive(e, Poisson), "give a drive such as Poisson"),
        (lambda net, e, i: e[[1, 1]], "element 1 of exc is selected twice"),
        (lambda net, e, i: e + e[3:4], "element 3 of exc is selected twice"),
        (lambda net, e, i: e[[80]], "element 80 of exc does not exist: it has elements 0..79"),
        (lambda net, e, i: e[np.ones(3, dtype=bool)], r"mask of shape \(3,\) for exc of 80"),
        (lambda net, e, i: e[0.5], "select by a slice"),
        (lambda net, e, i: Network(dt=0), "dt is 0"),
        (lambda net, e, i: Network(dt=0.1234567), "whole number of nanoseconds"),
        (lambda net, e, i: Network(seed=0.5), "seed is 0.5"),
    ],
)
def test_refusals_name_the_thing_the_value_and_the_remedy(make, message):
    """Wrong arguments are refused when they are given."""
    net = Network()
    exc, inh = net.populate("exc", 80, Current()), net.populate("inh", 20, Current())
    with pytest.raises(DescriptionError, match=message):
        make(net, exc, inh)
    assert not net.projections and not net.drives and list(net.populations) == ["exc", "inh"]


@pytest.mark.parametrize(
    "path, message",
    [
        ("exc.tau", "exc has no 'tau', did you mean 'tau_m'"),
        ("ex.v", "did you mean 'exc.v'"),
        ("inh->exx.w", "did you mean 'inh->exc.w'"),
        ("exc.v.hgh", "did you mean 'v.high'"),
        ("exc", "path 'exc' names no value: name one of exc"),
    ],
)
def test_unknown_paths_give_the_nearest(path, message):
    """An unknown path is refused with the nearest known one, for reading and writing."""
    net = small()
    with pytest.raises(PathError, match=message):
        net.get(path)
    with pytest.raises(PathError, match=message):
        net.set(path, 1.0)


def test_unknown_names_give_the_nearest():
    """Populations by name, and state fields of initial values."""
    net = small()
    with pytest.raises(PathError, match="unknown population 'exx': did you mean 'exc'"):
        net.connect("exx", "inh", all_to_all(), w=1.0)
    with pytest.raises(PathError, match="did you mean 'v_th'"):
        net.populate("more", 3, Current(), vth=1.0)
    with pytest.raises(PathError, match="did you mean 'inh->exc'"):
        net["inh>exc"]


@pytest.mark.parametrize(
    "path, value, message",
    [
        ("exc->exc+inh.p", 2.0, "p of probability is 2.0"),
        ("inh->exc.w", 1.0, "weight 1 at projection inh->exc"),
        ("inh->exc.delay", 0.01, "delay 0.01 ms"),
        ("exc->exc+inh.w.sd", -1.0, "sd .* negative"),
        ("poisson->exc.rate", -1.0, "rate of drive"),
        ("exc.tau_m", math.nan, "tau_m of population exc is nan"),
    ],
)
def test_set_checks_like_the_call_and_changes_nothing_when_it_refuses(path, value, message):
    """A refused value leaves the description as it was."""
    net = small()
    with pytest.raises(DescriptionError, match=message):
        net.set(path, value)
    assert net == small()


def test_unusual_values_are_questioned():
    """tau_m = 0.02 ms is probably 20 ms in seconds; the usual value is not questioned."""
    net = Network()
    with pytest.warns(UnusualValue, match=r"tau_m = 0.02 ms at population exc: did you mean 20 ms\?"):
        exc = net.populate("exc", 5, Current(tau_m=0.02))
    with pytest.warns(UnusualValue, match="delay = 1500 ms at projection exc->exc: did you mean 1.5 ms"):
        net.connect(exc, exc, all_to_all(), w=1.0, delay=1500.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        net.set("exc.tau_m", 20.0)


def test_by_distance_needs_one_space():
    """Two populations in spaces of different period cannot be compared."""
    net = Network()
    a = net.populate("a", 4, Delta(), at=Grid((2, 2), periodic=True))
    b = net.populate("b", 4, Delta(), at=Grid((2, 2)))
    with pytest.raises(DescriptionError, match="source and target of projection a->b lie in spaces of different period"):
        net.connect(a, b, by_distance(length=1.0), w=1.0)


def test_times_that_do_not_fit_the_clock_are_questioned():
    """A delay that is no whole number of steps is rounded, and said so; a step far outside the usual is questioned."""
    with pytest.warns(UnusualValue, match=r"dt = 1e\+09 ms"):
        Network(seed=1, dt=1e9)
    net = Network(seed=1)
    a = net.populate("a", 2, LIF())
    with pytest.warns(UnusualValue, match="delay 1.53 ms at projection a->a .* 1.5 ms is used"):
        net.connect(a, a, all_to_all(), w=1.0, delay=1.53)
