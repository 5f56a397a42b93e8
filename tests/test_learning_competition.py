"""Competition: values worked by hand, and what lateral inhibition does in a simulation."""

import numpy as np
import pytest

from thalia_sim import (
    DC,
    DescriptionError,
    HebbianConfig,
    LIFCond,
    LIFDelta,
    MemoryRecorder,
    Network,
    PathError,
    RateNetwork,
    Simulation,
    apply_competitive_learning,
    k_winners,
    lateral_inhibition,
)


@pytest.mark.parametrize("activations, strength, groups, expected", [
    ([1.0, 0.6, 0.2], 0.5, None, [1.0, 0.1, 0.0]),  # losers lose 0.5, down to 0
    ([1.0, 0.6, 0.2], 0.0, None, [1.0, 0.6, 0.2]),
    ([1.0, 1.0, 0.8], 0.5, None, [1.0, 0.5, 0.3]),  # of equal ones the first wins
    ([0.5, -0.3, 0.4], 0.5, None, [0.5, -0.3, 0.15]),  # a negative loser does not rise to 0
    ([-1.0, -0.3, -2.0], 0.5, None, [-1.0, -0.3, -2.0]),  # nor does anybody in a negative group
    ([0.0, -0.3], 0.5, None, [0.0, -0.3]),
    ([1.0, 0.6, 0.2, 0.1], 0.5, [0, 1, 0, 1], [1.0, 0.6, 0.0, 0.0]),  # 0.1 - 0.3 stops at 0
    ([1.0, 0.9, -0.2, -0.1], 1.0, [7, 7, -3, -3], [1.0, 0.0, -0.2, -0.1]),
])  # fmt: skip
def test_losers_lose(activations, strength, groups, expected):
    """a' = max(a - strength winner, 0), and never above a; worked by hand."""
    np.testing.assert_allclose(apply_competitive_learning(activations, strength, groups), expected, atol=1e-15)


def test_nobody_ever_rises():
    """Random activations of both signs, strengths and groups: no activation is larger than before, and every winner is what it was."""
    rng = np.random.default_rng(1)
    for _ in range(50):
        a, groups = rng.normal(size=(4, 12)), rng.integers(0, 4, 12)
        for new in (apply_competitive_learning(a, rng.random() * 2, groups), k_winners(a, 1, groups)):
            assert (new <= a).all() and (new < a).any()
            for g in np.unique(groups):
                rows, members = np.arange(4), np.flatnonzero(groups == g)
                best = members[a[:, members].argmax(axis=1)]
                np.testing.assert_array_equal(new[rows, best], a[rows, best])


@pytest.mark.parametrize("activations, k, groups, expected", [
    ([0.1, 0.9, 0.5], 1, None, [0.0, 0.9, 0.0]),
    ([0.1, 0.9, 0.5], 2, None, [0.0, 0.9, 0.5]),
    ([0.1, 0.9, 0.5], 3, None, [0.1, 0.9, 0.5]),
    ([0.5, 0.5, 0.5], 2, None, [0.5, 0.5, 0.0]),  # of equal ones the first
    ([-0.5, 0.5, -0.1], 1, None, [-0.5, 0.5, -0.1]),  # losers below 0 stay
    ([0.1, 0.9, 0.5, 0.2], 1, [0, 0, 1, 1], [0.0, 0.9, 0.5, 0.0]),
])  # fmt: skip
def test_k_winners(activations, k, groups, expected):
    np.testing.assert_array_equal(k_winners(activations, k, groups), expected)
    np.testing.assert_array_equal(k_winners([activations, activations], k, groups), [expected, expected])


def test_ties_of_many():
    """Of many equal largest activations among others the first stay."""
    a = np.random.default_rng(2).integers(0, 3, 500).astype(float)
    first = np.flatnonzero(a == 2.0)
    np.testing.assert_array_equal(np.flatnonzero(k_winners(a, 7)), first[:7])
    np.testing.assert_array_equal(np.flatnonzero(apply_competitive_learning(a, 1.0)), first[:1])


def test_competition_in_a_network_is_what_hebb_sees():
    """Only the winner's weights change; the gradient, and the next forward pass, know nothing of it."""
    net = RateNetwork()
    net.layer("in", 2)
    net.layer("out", 3)
    net.connect("in", "out", [[1.0, 0.5, 0.2], [1.0, 0.5, 0.2]])
    net.forward([[1.0, 1.0]])
    gradient = net.gradient([[1.0, 1.0, 1.0]])["in->out"]
    net.keep_winners("out", 1)
    np.testing.assert_array_equal(net.gradient([[1.0, 1.0, 1.0]])["in->out"], gradient)
    net.backward_hebbian(HebbianConfig(0.1, weight_decay=0.0))
    np.testing.assert_allclose(net.weights("in->out"), [[1.2, 0.5, 0.2], [1.2, 0.5, 0.2]])
    net.forward([[1.0, 1.0]])
    net.compete("out", 0.25)
    np.testing.assert_allclose(net.activations["out"], [[2.4, 0.4, 0.0]])
    with pytest.raises(PathError, match="unknown layer 'outs'"):
        net.compete("outs", 0.5)


DRIVE = np.array([340.0, 325.0, 310.0, 295.0, 280.0, 275.0, 290.0, 305.0, 320.0, 335.0])  # pA; threshold current 187.5
GROUPS = np.repeat([0, 1], 5)


def counts(inhibit):
    """Spikes of ten driven neurons in 300 ms, [10]."""
    net = Network(seed=1)
    cells = net.populate("cells", 10, LIFDelta())
    net.drive(cells, DC(amplitude=DRIVE))
    if inhibit:
        lateral_inhibition(net, cells, GROUPS, -25.0)
    recorder = MemoryRecorder()
    Simulation(net, [recorder]).run(300.0)
    return np.bincount(recorder.ids("cells"), minlength=10)


def test_lateral_inhibition_lets_the_strongest_driven_win():
    """In each of two groups the neuron with the most current fires first and sets the others back by
    more than the refractory period gives them; without it all fire."""
    free, inhibited = counts(False), counts(True)
    assert (free > 5).all()
    assert (inhibited > 0).sum() == 2 and inhibited[0] > 5 and inhibited[9] > 5
    assert inhibited[0] == free[0] and inhibited[9] == free[9]


def test_who_inhibits_whom():
    """Every pair within a group, both ways, nobody himself; from a part of a population too."""
    net = Network(seed=1)
    cells = net.populate("cells", 5, LIFDelta())
    projection = lateral_inhibition(net, cells[1:], [4, 4, 2, 4], -1.5, delay=2.0, name="lateral")
    found = Simulation(net)["lateral"]
    assert sorted(zip(found.i.tolist(), found.j.tolist(), strict=True)) == [(0, 1), (0, 3), (1, 0), (1, 3), (3, 0), (3, 1)]
    assert set(found.w) == {-1.5} and set(found.delay) == {2.0} and projection is net["lateral"]


def test_lateral_inhibition_by_conductance():
    """A receptor that inhibits by its reversal potential takes positive weights."""
    net = Network()
    net.populate("cells", 3, LIFCond())
    assert len(Simulation(net)["cells"].v) == 3
    lateral_inhibition(net, "cells", None, 2.0, receptor="inh")
    with pytest.raises(DescriptionError, match="must be a positive number"):
        lateral_inhibition(net, "cells", None, -2.0, receptor="inh")


@pytest.mark.parametrize("act, message", [
    (lambda: apply_competitive_learning([1.0], -0.1), "^strength is -0.1"),
    (lambda: apply_competitive_learning([1.0], np.inf), "^strength is inf: must be a finite number"),
    (lambda: apply_competitive_learning([[[1.0]]], 0.1), "^activations have shape"),
    (lambda: apply_competitive_learning([1.0, np.nan], 0.1), "^activations is nan"),
    (lambda: apply_competitive_learning([1.0, 2.0], 0.1, [0]), "^groups are .0."),
    (lambda: apply_competitive_learning([1.0, 2.0], 0.1, [0.0, 1.0]), "give a whole number for each of the 2 units"),
    (lambda: k_winners([1.0, 2.0], 3), "^k is 3"),
    (lambda: k_winners([1.0, 2.0], 0), "^k is 0"),
    (lambda: k_winners([1.0, 2.0, 3.0], 2, [0, 0, 1]), "at most the size of a group, 1"),
    (lambda: lateral_inhibition(small(), "cells", None, 1.0), "^w of lateral inhibition in cells is 1.0: must be a negative number"),
    (lambda: lateral_inhibition(small(), "cells", [0], -1.0), "give a whole number for each of the 3 units"),
])  # fmt: skip
def test_bad_input_is_refused(act, message):
    with pytest.raises(DescriptionError, match=message):
        act()


def small():
    net = Network()
    net.populate("cells", 3, LIFDelta())
    return net
