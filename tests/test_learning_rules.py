"""The Hebbian rules in their rate form, their configuration, and an update of the weights: formulas worked by hand, both signs of activity."""

import math
from dataclasses import fields

import numpy as np
import pytest

from thalia_sim import (
    DescriptionError,
    HebbianConfig,
    HybridLearningConfig,
    RateNetwork,
    SimulationError,
    SlidingThreshold,
    compute_hebbian_delta,
    slide_threshold,
    squared_error,
)
from thalia_sim.errors import PathError
from thalia_sim.learning.update import clip_gradient

PLAIN = HebbianConfig(0.1, weight_decay=0.0)
RULES = {
    "classic": PLAIN,
    "oja": PLAIN.with_oja_rule(),
    "bcm": PLAIN.with_bcm_rule(0.5),
    "anti": PLAIN.with_anti_hebbian_rule(),
}
# (rule, pre, post, w, dw): worked by hand with eta 0.1 and theta 0.5
BY_HAND = [
    ("classic", 0.5, 2.0, 9.0, 0.1),
    ("classic", -0.5, 2.0, 9.0, -0.1),
    ("classic", -0.5, -2.0, 9.0, 0.1),
    ("classic", 0.0, 2.0, 9.0, 0.0),
    ("oja", 0.5, 2.0, 0.5, -0.1),  # 0.1 * 2 * (0.5 - 1)
    ("oja", 0.5, -2.0, 0.5, -0.3),  # 0.1 * -2 * (0.5 + 1)
    ("oja", 0.5, 2.0, -0.5, 0.3),
    ("oja", 0.5, 0.0, 0.5, 0.0),
    ("bcm", 0.5, 2.0, 9.0, 0.15),  # 0.1 * 0.5 * 2 * 1.5
    ("bcm", 0.5, 0.25, 9.0, -0.003125),  # below theta: depression
    ("bcm", 0.5, -2.0, 9.0, 0.25),
    ("bcm", -0.5, 2.0, 9.0, -0.15),
    ("anti", 0.5, 2.0, 9.0, -0.1),
    ("anti", -0.5, 2.0, 9.0, 0.1),  # opposite signs: it grows
    ("anti", -0.5, -2.0, 9.0, -0.1),
]


@pytest.mark.parametrize("rule, pre, post, w, dw", BY_HAND)
def test_delta_of_one_edge(rule, pre, post, w, dw):
    """Formulas of the module's docstring, worked by hand."""
    found = compute_hebbian_delta(pre, post, w, RULES[rule])
    assert isinstance(found, float) and found == pytest.approx(dw, abs=1e-15)


@pytest.mark.parametrize("rule", RULES)
def test_delta_of_a_matrix_is_the_mean_of_its_edges_over_samples(rule):
    """Independent reference: edge by edge and sample by sample, in plain loops."""
    rng = np.random.default_rng(1)
    pre, post, w = rng.normal(size=(5, 3)), rng.normal(size=(5, 4)), rng.normal(size=(3, 4))
    expected = [[np.mean([compute_hebbian_delta(a[i], b[j], w[i, j], RULES[rule]) for a, b in zip(pre, post, strict=True)]) for j in range(4)]
                for i in range(3)]  # fmt: skip
    np.testing.assert_allclose(compute_hebbian_delta(pre, post, w, RULES[rule]), expected, rtol=1e-13, atol=1e-16)


def test_delta_of_edges_as_arrays():
    found = compute_hebbian_delta([1.0, -1.0], [2.0, 2.0], [0.0, 0.0], PLAIN)
    np.testing.assert_allclose(found, [0.2, -0.2])


def test_threshold_may_differ_between_targets():
    """BCM by hand: at theta 1 and 3, an activity of 2 strengthens and weakens."""
    found = compute_hebbian_delta([1.0], [2.0, 2.0], np.zeros((1, 2)), RULES["bcm"], theta=[1.0, 3.0])
    np.testing.assert_allclose(found, [[0.2, -0.2]])


def test_threshold_slides_exactly():
    """The closed form of tau dtheta/dt = m - theta with m constant; in halves as in one; kept within its bounds."""
    sliding = SlidingThreshold(tau=100.0, high=50.0)
    post = np.array([[1.0, 2.0], [3.0, 2.0]])  # means of squares 5 and 4
    once = slide_threshold([0.0, 9.0], post, sliding, 30.0)
    np.testing.assert_allclose(once, [5 - 5 * math.exp(-0.3), 4 + 5 * math.exp(-0.3)])
    np.testing.assert_allclose(slide_threshold(slide_threshold([0.0, 9.0], post, sliding, 15.0), post, sliding, 15.0), once)
    np.testing.assert_allclose(slide_threshold([0.0], [9.0], SlidingThreshold(), 1e9), [1.0])
    np.testing.assert_allclose(slide_threshold([0.5], [0.0], SlidingThreshold(), 1e9), [1e-6])
    np.testing.assert_allclose(slide_threshold([0.0], [2.0], SlidingThreshold(power=3.0, high=50.0), 1e9), [8.0])


def test_defaults_are_the_stated_ones():
    """Rows of the specification: Hebb 0.01, 1e-4, 10, 0 (off), classic, 0.5; hybrid 0.7, 0.3, 0.001, norm 1."""
    config = HebbianConfig()
    assert (config.learning_rate, config.weight_decay, config.max_weight, config.min_weight) == (0.01, 1e-4, 10.0, 0.0)
    assert (config.rule, config.bcm_threshold, config.sliding) == ("classic", 0.5, None)
    hybrid = HybridLearningConfig()
    assert (hybrid.gradient_weight, hybrid.hebbian_weight, hybrid.gradient_lr, hybrid.clip, hybrid.max_grad_norm) == (0.7, 0.3, 0.001, "norm", 1.0)
    assert hybrid.hebbian == config


def test_builders_change_what_they_name_and_nothing_else():
    start = HebbianConfig(0.02)
    sliding = SlidingThreshold(tau=10.0)
    cases = [
        (start.with_oja_rule(), {"rule": "oja"}),
        (start.with_classic_rule(), {}),
        (start.with_anti_hebbian_rule(), {"rule": "anti"}),
        (start.with_bcm_rule(0.7), {"rule": "bcm", "bcm_threshold": 0.7}),
        (start.with_bcm_rule(0.7, sliding), {"rule": "bcm", "bcm_threshold": 0.7, "sliding": sliding}),
        (start.with_decay(0.1), {"weight_decay": 0.1}),
        (start.with_bounds(0.1, 2.0), {"min_weight": 0.1, "max_weight": 2.0}),
        (start.with_learning_rate(3.0), {"learning_rate": 3.0}),
    ]
    for found, changed in cases:
        assert {f.name: getattr(found, f.name) for f in fields(found) if getattr(found, f.name) != getattr(start, f.name)} == changed
    assert start.with_bcm_rule(0.5, sliding).with_oja_rule().sliding is None
    hybrid = HybridLearningConfig(0.6, 0.4).with_learning_rates(0.1, 0.2).with_clipping("element", 3.0).with_hebbian(start.with_oja_rule())
    assert (hybrid.gradient_weight, hybrid.hebbian_weight, hybrid.gradient_lr, hybrid.clip, hybrid.max_grad_norm) == (0.6, 0.4, 0.1, "element", 3.0)
    assert hybrid.hebbian == start.with_oja_rule() and hybrid.with_weights(1.0, 0.0).gradient_weight == 1.0


@pytest.mark.parametrize("kind, field, value", [
    (HebbianConfig, "learning_rate", -1.0), (HebbianConfig, "learning_rate", math.nan), (HebbianConfig, "weight_decay", 1.0),
    (HebbianConfig, "weight_decay", -0.1), (HebbianConfig, "max_weight", 0.0), (HebbianConfig, "min_weight", 11.0), (HebbianConfig, "rule", "ojas"),
    (HebbianConfig, "rule", 3), (HebbianConfig, "bcm_threshold", math.inf), (HebbianConfig, "sliding", 3.0),
    (HebbianConfig, "sliding", SlidingThreshold()), (HebbianConfig, "learning_rate", "fast"), (HebbianConfig, "learning_rate", True),
    (SlidingThreshold, "tau", 0.0), (SlidingThreshold, "power", 1.0), (SlidingThreshold, "low", -1.0), (SlidingThreshold, "high", 0.0),
    (HybridLearningConfig, "gradient_weight", 1.5),
    (HybridLearningConfig, "hebbian_weight", -0.1), (HybridLearningConfig, "gradient_lr", math.inf), (HybridLearningConfig, "clip", "norms"),
    (HybridLearningConfig, "clip", 1), (HybridLearningConfig, "max_grad_norm", 0.0), (HybridLearningConfig, "hebbian", None),
])  # fmt: skip
def test_bad_values_are_refused_by_name(kind, field, value):
    with pytest.raises(DescriptionError, match=f"^{field} "):
        kind(**{field: value})


def pair(w, pre, post, **settings):
    """A network of one input and one output layer with given activations, both taught, and weights w."""
    w = np.array(w, dtype=float)
    net = RateNetwork()
    net.layer("in", w.shape[0])
    net.layer("out", w.shape[1])
    net.connect("in", "out", w)
    net.forward(np.atleast_2d(pre), **settings)
    net.teach("out", np.atleast_2d(post))
    return net


def test_an_update_decays_every_edge():
    """w' = (w + dw)(1 - decay) by hand; the silent edge (pre 0) decays as the others do."""
    net = pair([[1.0], [2.0]], [0.5, 0.0], [2.0])
    result = net.backward_hebbian(HebbianConfig(0.1, weight_decay=0.25))
    np.testing.assert_allclose(net.weights("in->out"), [[1.1 * 0.75], [1.5]])
    assert result.decayed_count == 2 and result.edges_updated == 2 and result.total_edges == 2
    assert result.avg_delta == pytest.approx((0.175 + 0.5) / 2) and result.max_delta == pytest.approx(0.5)


def test_a_silent_edge_stays_without_decay():
    net = pair([[1.0], [2.0]], [0.5, 0.0], [2.0])
    result = net.backward_hebbian(HebbianConfig(0.1, weight_decay=0.0))
    assert net.weights("in->out").tolist() == [[1.1], [2.0]]
    assert (result.edges_updated, result.decayed_count, result.avg_delta) == (1, 0, pytest.approx(0.1))


def test_bounds_keep_the_sign():
    """|w| at most 1: 0.9 + 0.2 and -0.9 - 0.2 stop at 1 and -1, 0.5 + 0.2 does not."""
    net = pair([[0.9, -0.9, 0.5]], [1.0], [2.0, -2.0, 2.0])
    result = net.backward_hebbian(HebbianConfig(0.1, weight_decay=0.0, max_weight=1.0))
    np.testing.assert_allclose(net.weights("in->out"), [[1.0, -1.0, 0.7]])
    assert (result.bounded_count, result.pruned_count, result.sign_kept_count) == (2, 0, 0)


def test_a_pruned_edge_is_gone_for_good():
    """0.12 - 0.1 falls below 0.05 and is removed; no later step brings it back, and it is no edge any more."""
    net = pair([[0.12, 0.5]], [1.0], [1.0, 1.0])
    config = HebbianConfig(0.1, weight_decay=0.0).with_bounds(0.05, 10.0)
    result = net.backward_hebbian(config.with_anti_hebbian_rule())
    assert (result.pruned_count, result.bounded_count, result.total_edges) == (1, 0, 2)
    np.testing.assert_allclose(net.weights("in->out"), [[0.0, 0.4]])
    for _ in range(3):
        net.forward([[1.0]])
        later = net.backward_hybrid([[-1.0, -1.0]], HybridLearningConfig(0.5, 0.5, hebbian=config, gradient_lr=0.1))
        assert later.total_edges == 1 and later.hebbian.pruned_count == 0
    assert net.weights("in->out")[0, 0] == 0.0 and net.weights("in->out")[0, 1] > 0.4
    assert net.gradient([[1.0, 1.0]])["in->out"][0, 0] == 0.0
    with pytest.raises(DescriptionError, match="where there is no edge"):
        net.set_weights("in->out", [[1.0, 1.0]])


def test_without_a_smallest_weight_nothing_is_pruned():
    net = pair([[0.12, 0.0]], [1.0], [1.2, 0.0])
    result = net.backward_hebbian(HebbianConfig(0.1, weight_decay=0.0).with_anti_hebbian_rule())
    assert result.pruned_count == 0 and result.total_edges == 2


def test_signs_are_kept_where_asked():
    """0.1 - 0.2 and -0.1 + 0.2 stop at zero; without keep_sign they cross. An edge at zero keeps the sign that it had."""
    config = HebbianConfig(0.1, weight_decay=0.0)
    free, kept = (pair([[0.1, -0.1, 0.5]], [1.0], [-2.0, 2.0, -2.0]) for _ in range(2))
    kept.keep_sign("in->out")
    assert free.backward_hebbian(config).sign_kept_count == 0
    result = kept.backward_hebbian(config)
    np.testing.assert_allclose(free.weights("in->out"), [[-0.1, 0.1, 0.3]])
    np.testing.assert_allclose(kept.weights("in->out"), [[0.0, 0.0, 0.3]])
    assert result.sign_kept_count == 2 and result.bounded_count == 0
    assert kept.backward_hebbian(config).sign_kept_count == 2  # still not across
    kept.teach("out", [[2.0, -2.0, 0.0]])
    kept.backward_hebbian(config)
    np.testing.assert_allclose(kept.weights("in->out"), [[0.2, -0.2, 0.1]])


def test_an_edge_of_weight_zero_takes_the_first_sign_it_gets():
    net = pair([[0.0]], [1.0], [-1.0])
    net.keep_sign("in->out")
    net.backward_hebbian(HebbianConfig(0.1, weight_decay=0.0))
    assert net.weights("in->out") == pytest.approx(-0.1)
    net.teach("out", [[5.0]])
    net.backward_hebbian(HebbianConfig(0.1, weight_decay=0.0))
    assert net.weights("in->out") == 0.0


@pytest.mark.parametrize("rule", RULES)
def test_an_update_is_synchronous(rule):
    """All deltas of a network of two projections are those of `compute_hebbian_delta` from the old weights and activations."""
    rng = np.random.default_rng(2)
    net = RateNetwork(seed=2)
    for name, n in (("a", 4), ("b", 3), ("c", 2)):
        net.layer(name, n)
    net.connect("a", "b")
    net.connect("b", "c")
    net.connect("a", "c")
    net.forward(rng.normal(size=(6, 4)))
    old = {name: net.weights(name) for name in net.projections}
    net.backward_hebbian(RULES[rule])
    for name, w in old.items():
        pre, post = (net.activations[layer] for layer in name.split("->"))
        expected = w + compute_hebbian_delta(pre, post, w, RULES[rule])
        np.testing.assert_allclose(net.weights(name), expected, rtol=1e-14, atol=1e-16)
        assert np.abs(expected - w).max() > 1e-3


def test_the_sliding_threshold_moves_with_the_network():
    """Two sweeps by hand: the first uses the start, the second what slid by samples x duration."""
    sliding = SlidingThreshold(tau=10.0, high=100.0)
    config = HebbianConfig(0.1, weight_decay=0.0).with_bcm_rule(0.5, sliding)
    net = pair([[1.0]], [[1.0], [1.0]], [[2.0], [2.0]], duration=5.0)
    net.backward_hebbian(config)
    assert net.weights("in->out") == pytest.approx(1.0 + 0.1 * 2.0 * 1.5)
    theta = 4.0 + (0.5 - 4.0) * math.exp(-1.0)
    assert net.theta["out"] == pytest.approx(theta)
    net.backward_hebbian(config)
    assert net.weights("in->out") == pytest.approx(1.3 + 0.1 * 2.0 * (2.0 - theta))
    outside = pair([[1.0]], [[1.0], [1.0]], [[2.0], [2.0]], duration=5.0)
    outside.backward_hebbian(config.with_bcm_rule(9.0, SlidingThreshold(high=1.0)))
    assert outside.weights("in->out") == pytest.approx(1.0 + 0.1 * 2.0 * 1.0)  # it starts within its bounds
    fixed = pair([[1.0]], [[1.0], [1.0]], [[2.0], [2.0]], duration=5.0)
    fixed.backward_hebbian(config.with_bcm_rule(0.5))
    assert not fixed.theta


def network(seed=3):
    """Three inputs, two outputs, a forward pass of four samples; and dL/da of a squared error."""
    net = RateNetwork(seed)
    net.layer("in", 3)
    net.layer("out", 2)
    net.connect("in", "out", scale=2.0)
    x, target = np.random.default_rng(seed).normal(size=(2, 4, 3))
    return net, squared_error(net.forward(x), target[:, :2])[1]


def test_a_hybrid_step_by_its_formula():
    """w' = (w - lr g_w clip(grad) + h_w dw)(1 - decay), the gradient of a linear layer being x^T dL/da; and what the result tells."""
    net, loss = network()
    x, post, w = net.activations["in"], net.activations["out"], net.weights("in->out")
    config = HybridLearningConfig(0.7, 0.3, gradient_lr=0.5, max_grad_norm=0.4, hebbian=HebbianConfig(0.2, weight_decay=0.1))
    gradient, delta = x.T @ loss, 0.2 * x.T @ post / 4
    norm = np.sqrt((gradient**2).sum())
    assert norm > 0.4
    middle = w - 0.5 * 0.7 * gradient * 0.4 / norm
    expected = (middle + 0.3 * delta) * 0.9
    result = net.backward_hybrid(loss, config)
    np.testing.assert_allclose(net.weights("in->out"), expected, rtol=1e-13)
    assert result.gradient.grad_norm == pytest.approx(norm) and result.gradient.clipped_norm == pytest.approx(0.4) and result.gradient.clipped
    assert result.gradient.max_delta == pytest.approx(np.abs(middle - w).max())
    assert result.gradient.avg_delta == pytest.approx(np.abs(middle - w).mean())
    assert result.hebbian.max_delta == pytest.approx(np.abs(expected - middle).max())
    assert result.hebbian.avg_delta == pytest.approx(np.abs(expected - middle).mean())
    assert result.max_delta == pytest.approx(np.abs(expected - w).max()) and result.avg_delta == pytest.approx(np.abs(expected - w).mean())
    assert result.total_edges == result.edges_updated == result.gradient.edges_updated == result.hebbian.edges_updated == 6
    assert result.hebbian.decayed_count == 6


def test_clipping_by_element_and_not_at_all():
    """Element: each component within +-max_grad_norm; None: the gradient as it is; a small norm is left alone."""
    for clip, most, expected in (("element", 0.1, lambda g: np.clip(g, -0.1, 0.1)), (None, 0.1, lambda g: g), ("norm", 100.0, lambda g: g)):
        net, loss = network()
        gradient, w = net.activations["in"].T @ loss, net.weights("in->out")
        result = net.backward_gradient(loss, HybridLearningConfig(gradient_lr=1.0, clip=clip, max_grad_norm=most))
        np.testing.assert_allclose(net.weights("in->out"), w - expected(gradient), rtol=1e-13)
        assert result.clipped == (clip == "element")


def test_clipping_of_a_gradient_whose_squares_overflow():
    """A gradient of 3e200 and 4e200 has the norm 5e200, and is clipped to length 1 in its direction."""
    clipped, norm, after = clip_gradient({"a": np.array([[3e200]]), "b": np.array([[4e200]])}, HybridLearningConfig(max_grad_norm=1.0))
    assert (norm, after) == (pytest.approx(5e200), pytest.approx(1.0))
    assert (clipped["a"].item(), clipped["b"].item()) == (pytest.approx(0.6), pytest.approx(0.8))


@pytest.mark.parametrize("rule", RULES)
def test_the_ends_of_the_mixture_are_the_pure_modes(rule):
    """(1, 0) and (0, 1) equal backward_gradient and backward_hebbian to the bit, without and with decay, bounds and pruning; a mixture does not."""
    hebbian = RULES[rule].with_decay(0.01).with_bounds(0.3, 1.5)
    config = HybridLearningConfig(gradient_lr=0.3, hebbian=hebbian)
    found = {}
    for name, step in {
        "gradient": lambda net, loss: net.backward_gradient(loss, config),
        "(1, 0)": lambda net, loss: net.backward_hybrid(loss, config.with_weights(1.0, 0.0)),
        "hebbian": lambda net, loss: net.backward_hebbian(hebbian),
        "(0, 1)": lambda net, loss: net.backward_hybrid(loss, config.with_weights(0.0, 1.0)),
        "mixed": lambda net, loss: net.backward_hybrid(loss, config),
    }.items():
        net, loss = network()
        result = step(net, loss)
        found[name] = net.weights("in->out").tobytes(), net.projections["in->out"].mask.tobytes(), result
    assert found["gradient"][:2] == found["(1, 0)"][:2] and found["hebbian"][:2] == found["(0, 1)"][:2]
    assert found["gradient"][2] == found["(1, 0)"][2].gradient and found["hebbian"][2] == found["(0, 1)"][2].hebbian
    assert found["gradient"][2].grad_norm > 0.0 and found["(0, 1)"][2].gradient.grad_norm > 0.0 and found["(0, 1)"][2].gradient.edges_updated == 0
    assert len({w for w, _, _ in found.values()}) == 3


def test_where_there_is_no_edge_nothing_grows():
    """An entry nan is no edge: neither part gives it a weight, and it is not counted."""
    net = RateNetwork()
    net.layer("in", 1)
    net.layer("out", 2)
    net.connect("in", "out", [[1.0, math.nan]])
    net.forward([[1.0]])
    net.teach("out", [[1.0, 1.0]])
    result = net.backward_hybrid([[1.0, 1.0]], HybridLearningConfig(0.5, 0.5))
    w = net.weights("in->out")
    assert w[0, 1] == 0.0 and w[0, 0] not in (0.0, 1.0)
    assert result.total_edges == result.edges_updated == result.gradient.edges_updated == result.hebbian.edges_updated == 1


def test_excluded_projections_do_not_change():
    """By all, by one part only; what the gradient does not change is no part of its norm."""
    def made():
        net = RateNetwork(seed=4)
        for name, n in (("a", 3), ("b", 3), ("c", 2)):
            net.layer(name, n)
        net.connect("a", "b")
        net.connect("b", "c")
        net.forward(np.random.default_rng(4).normal(size=(5, 3)))
        return net

    def changed(net):
        before = {name: net.weights(name) for name in net.projections}
        result = net.backward_hybrid(np.ones((5, 2)), HybridLearningConfig(max_grad_norm=1e9))
        return {name for name, w in before.items() if not np.array_equal(w, net.weights(name))}, result

    net = made()
    assert changed(net)[0] == {"a->b", "b->c"}
    net = made()
    net.exclude("a->b")
    found, alone = changed(net)
    assert found == {"b->c"} and alone.total_edges == 6
    net.forward(np.ones((1, 3)))
    net.include("a->b")
    net.forward(np.ones((5, 3)))
    assert changed(net)[0] == {"a->b", "b->c"}
    net = made()
    net.exclude_from_gradient("a->b")
    found, result = changed(net)
    assert found == {"a->b", "b->c"} and result.gradient.grad_norm == alone.gradient.grad_norm and result.gradient.edges_updated == 6
    net = made()
    net.exclude_from_hebbian("a->b")
    found, result = changed(net)
    assert found == {"a->b", "b->c"} and result.hebbian.edges_updated == 6 and result.gradient.edges_updated == 15
    with pytest.raises(PathError, match="did you mean 'a->b'"):
        net.exclude("a->B")


def test_forward_comes_first():
    net = RateNetwork()
    net.layer("in", 2)
    net.layer("out", 1)
    net.connect("in", "out")
    acts = [
        lambda: net.backward_hebbian(HebbianConfig()),
        lambda: net.backward_gradient([[1.0]], HybridLearningConfig()),
        lambda: net.backward_hybrid([[1.0]], HybridLearningConfig()),
        lambda: net.compete("out", 0.5),
        lambda: net.keep_winners("out", 1),
        lambda: net.teach("out", [[1.0]]),
    ]
    for act in acts:
        with pytest.raises(SimulationError, match="call forward first"):
            act()
    net.forward([[1.0, 2.0]])
    net.backward_gradient([[1.0]], HybridLearningConfig())
    with pytest.raises(SimulationError, match="the weights have changed since the last forward pass"):
        net.backward_gradient([[1.0]], HybridLearningConfig())
    net.backward_hebbian(HebbianConfig())  # needs activations, not a gradient


def test_a_step_that_is_not_finite_changes_nothing():
    net = pair([[1.0]], [1e200], [1e200])
    with pytest.raises(SimulationError, match="projection in->out is not finite"):
        net.backward_hebbian(HebbianConfig(1.0))
    assert net.weights("in->out") == 1.0


def test_many_steps_stay_bounded():
    """Ten thousand steps of the unstable classic rule: every weight within its bound, all of them finite."""
    net = pair([[0.1, -0.1]], [1.0], [1.0, -1.0])
    for _ in range(10_000):
        net.backward_hebbian(HebbianConfig(0.01))
    np.testing.assert_allclose(net.weights("in->out"), [[10.0, -10.0]])


@pytest.mark.parametrize("act, message", [
    (lambda: compute_hebbian_delta([1.0, 2.0], [1.0], np.zeros((3, 1)), PLAIN), "give .samples, 3. and .samples, 1."),
    (lambda: compute_hebbian_delta([1.0, 2.0], [1.0, 2.0, 3.0], 0.0, PLAIN), "give one of each for every edge"),
    (lambda: compute_hebbian_delta(math.nan, 1.0, 0.0, PLAIN), "^pre is nan"),
    (lambda: RateNetwork(seed=-1), "^seed is -1"),
    (lambda: RateNetwork().layer("a b", 2), "^name of a layer"),
    (lambda: RateNetwork().layer("a", 0), "^layer a has size 0"),
    (lambda: RateNetwork().layer("a", 1, "tanh"), "^activation of layer a"),
    (lambda: RateNetwork().forward([[1.0]]), "has no layers"),
    (lambda: pair([[1.0]], [1.0], [1.0]).forward([[1.0, 2.0]]), "^input of layer in has shape"),
    (lambda: pair([[1.0]], [1.0], [1.0]).forward({"out": [[1.0]]}), "give it for in"),
    (lambda: pair([[1.0]], [1.0], [1.0]).forward([[math.inf]]), "^input of layer in"),
    (lambda: pair([[1.0]], [1.0], [1.0]).connect("out", "in"), "connect to a later layer"),
    (lambda: pair([[1.0]], [1.0], [1.0]).connect("in", "out"), "give the second one another name"),
    (lambda: pair([[1.0]], [1.0], [1.0]).connect("in", "out", [[1.0, 2.0]], name="b"), "give a number or a table"),
    (lambda: pair([[1.0]], [1.0], [1.0]).teach("out", [[1.0, 2.0]]), "give .1, 1., as forward did"),
    (lambda: pair([[1.0]], [1.0], [1.0]).backward_hebbian(HybridLearningConfig()), "give a HebbianConfig"),
    (lambda: pair([[1.0]], [1.0], [1.0]).backward_hybrid([[1.0]], HebbianConfig()), "give a HybridLearningConfig"),
    (lambda: pair([[1.0]], [1.0], [1.0]).backward_gradient([[1.0, 2.0]], HybridLearningConfig()), "^loss_gradient of layer out has shape"),
    (lambda: pair([[1.0]], [1.0], [1.0]).set_weights("in->out", [[1.0, 2.0]]), "^w of projection in->out has shape"),
])  # fmt: skip
def test_bad_input_is_refused(act, message):
    with pytest.raises(DescriptionError, match=message):
        act()
