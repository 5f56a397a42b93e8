"""What the Hebbian rules are known to do: Oja, BCM, anti-Hebb, and the covariance rule as a memory."""

import math

import numpy as np
import pytest

from thalia_sim import DescriptionError, HebbianConfig, RateNetwork, SlidingThreshold, covariance_weights, linear, recall, relu


def two_layers(n_in, n_out, w, activation=linear):
    net = RateNetwork()
    net.layer("in", n_in)
    net.layer("out", n_out, activation)
    net.connect("in", "out", w)
    return net


def gaussian(n=4000):
    """Samples [n, 5] of a Gaussian with deviations from 1 to 0.3 along random directions, and their covariance about zero."""
    rng = np.random.default_rng(11)
    directions = np.linalg.qr(rng.normal(size=(5, 5)))[0]
    x = rng.normal(size=(n, 5)) * [1.0, 0.6, 0.5, 0.4, 0.3] @ directions.T
    return x, x.T @ x / n


def test_oja_finds_the_first_principal_component():
    """Oja 1982: w converges to the unit eigenvector of the largest eigenvalue. Sample by sample with eta post^2 below 0.02 the noise about it is
    of order sqrt(eta/2): 0.03 rad at eta 0.002; with all samples at once there is none."""
    x, covariance = gaussian()
    first = np.linalg.eigh(covariance)[1][:, -1]
    net = two_layers(5, 1, np.full((5, 1), 0.2))
    config = HebbianConfig(0.002, weight_decay=0.0).with_oja_rule()
    for sample in x:
        net.forward(sample)
        net.backward_hebbian(config)
    w = net.weights("in->out")[:, 0]
    assert np.linalg.norm(w) == pytest.approx(1.0, abs=0.05)
    assert math.acos(min(1.0, abs(w @ first) / np.linalg.norm(w))) < 0.15
    for _ in range(500):
        net.forward(x)
        net.backward_hebbian(config.with_learning_rate(0.1))
    w = net.weights("in->out")[:, 0]
    np.testing.assert_allclose(w * np.sign(w @ first), first, atol=1e-6)


def test_oja_with_decay_is_shorter():
    """At the fixed point of w' = (w + eta (C w - (w C w) w))(1 - d): |w|^2 = 1 - d / ((1 - d) eta lambda), lambda the largest eigenvalue."""
    x, covariance = gaussian()
    largest = np.linalg.eigvalsh(covariance)[-1]
    net = two_layers(5, 1, np.full((5, 1), 0.2))
    for _ in range(2000):
        net.forward(x)
        net.backward_hebbian(HebbianConfig(0.1, weight_decay=0.02).with_oja_rule())
    expected = 1.0 - 0.02 / (0.98 * 0.1 * largest)
    assert 0.5 < expected < 0.9
    assert np.sum(net.weights("in->out") ** 2) == pytest.approx(expected, rel=1e-6)


def test_classic_hebb_grows_along_the_first_component_without_end():
    """w' = (1 + eta C) w: after k sweeps (1 + eta C)^k w, by the eigenvectors."""
    x, covariance = gaussian()
    net, start = two_layers(5, 1, np.full((5, 1), 0.2)), np.full(5, 0.2)
    for _ in range(30):
        net.forward(x)
        net.backward_hebbian(HebbianConfig(0.1, weight_decay=0.0, max_weight=math.inf))
    np.testing.assert_allclose(net.weights("in->out")[:, 0], np.linalg.matrix_power(np.eye(5) + 0.1 * covariance, 30) @ start, rtol=1e-10)


def bcm_responses(config, sweeps=6000, n=4):
    """Responses [n patterns] of one neuron to n linearly independent patterns shown equally often, and its network."""
    rng = np.random.default_rng(12)
    patterns = np.abs(np.eye(n) + 0.2 * rng.random((n, n)))
    net = two_layers(n, 1, 0.5 + 0.1 * rng.random((n, 1)), relu)
    for _ in range(sweeps):
        net.forward(patterns, duration=5.0)
        net.backward_hebbian(config)
    return net.forward(patterns)[:, 0], net


def test_bcm_becomes_selective():
    """Bienenstock, Cooper & Munro 1982; Intrator & Cooper 1992: with theta = E[post^2] the stable fixed points of n patterns of probability 1/n are
    those that respond to one pattern with post = n and to no other, theta = n. Convergence is exponential, so the tolerance is that of rounding."""
    sliding = SlidingThreshold(tau=100.0, high=1000.0)
    post, net = bcm_responses(HebbianConfig(0.005, weight_decay=0.0, max_weight=100.0).with_bcm_rule(0.1, sliding))
    best = int(post.argmax())
    assert post[best] == pytest.approx(4.0, rel=1e-3)
    assert np.delete(post, best).max() < 0.01
    assert net.theta["out"] == pytest.approx(np.mean(post**2), rel=1e-3)
    assert net.theta["out"] == pytest.approx(4.0, rel=1e-3)


def test_bcm_with_a_fixed_threshold_is_unstable():
    """The same neuron with theta fixed: what exceeds it grows to the bound, or everything dies."""
    post, net = bcm_responses(HebbianConfig(0.005, weight_decay=0.0, max_weight=100.0).with_bcm_rule(0.1))
    assert np.abs(net.weights("in->out")).max() == 100.0
    post, _ = bcm_responses(HebbianConfig(0.005, weight_decay=0.0, max_weight=100.0).with_bcm_rule(50.0))
    assert post.max() < 0.01


def test_anti_hebb_decorrelates():
    """Foldiak 1990: a lateral weight v from output 1 to output 2 that learns by -eta y1 y2 stops where E[y1 y2] = 0, at v = -E[x1 x2]/E[x1^2]."""
    rng = np.random.default_rng(13)
    x = rng.normal(size=(2000, 2)) @ np.array([[1.0, 0.8], [0.0, 0.6]])
    net = RateNetwork()
    for name in ("x2", "y1", "y2"):
        net.layer(name, 1)
    net.connect("x2", "y2", 1.0)
    net.connect("y1", "y2", 0.0)
    net.exclude("x2->y2")
    given = {"y1": x[:, :1], "x2": x[:, 1:]}
    before = np.mean(x[:, 0] * net.forward(given)[:, 0])
    for _ in range(300):
        net.forward(given)
        net.backward_hebbian(HebbianConfig(0.1, weight_decay=0.0).with_anti_hebbian_rule())
    after = np.mean(x[:, 0] * net.forward(given)[:, 0])
    assert before > 0.7 and abs(after) < 1e-10
    assert net.weights("y1->y2")[0, 0] == pytest.approx(-np.mean(x[:, 0] * x[:, 1]) / np.mean(x[:, 0] ** 2))


def flipped(patterns, share, rng):
    """Patterns of which a share of the entries takes the other of the two values."""
    low, high = patterns.min(), patterns.max()
    return np.where(rng.random(patterns.shape) < share, low + high - patterns, patterns)


def test_covariance_weights_by_hand():
    """Two patterns of three units, mean 1/3, variance 8/9: w_01 = sum of (xi_0 - m)(xi_1 - m) / (3 * 8/9)."""
    w = covariance_weights([[1.0, 1.0, -1.0], [1.0, -1.0, 1.0]])
    expected = (2 / 3 * 2 / 3 + 2 / 3 * -4 / 3) / (3 * 8 / 9)
    assert w[0, 1] == pytest.approx(expected) and w[1, 0] == w[0, 1] and np.diag(w).tolist() == [0.0, 0.0, 0.0]


def test_covariance_weights_do_not_ask_for_the_values():
    """The same memory for 0 and 1 as for -1 and 1."""
    patterns = np.sign(np.random.default_rng(14).normal(size=(3, 40)))
    np.testing.assert_allclose(covariance_weights((patterns + 1) / 2), covariance_weights(patterns))


def test_recall_below_capacity_and_beyond():
    """Amit, Gutfreund & Sompolinsky 1985: balanced patterns are recalled up to 0.138 n of them, with an overlap above 0.96, and not beyond. At loads
    of 0.03, 0.1 and 0.25 of 800 units; at 0.03 no error at all is left (chance of one per unit: erfc(1/sqrt(2 alpha))/2 = 4e-9)."""
    rng = np.random.default_rng(15)
    overlaps = {}
    for load in (0.03, 0.1, 0.25):
        patterns = np.sign(rng.normal(size=(round(load * 800), 800)))
        found = recall(covariance_weights(patterns), patterns, flipped(patterns[:10], 0.1, rng))
        overlaps[load] = np.mean(found * patterns[:10], axis=1)
    assert overlaps[0.03].min() == 1.0
    assert overlaps[0.1].min() > 0.96
    assert np.median(overlaps[0.25]) < 0.8


def test_centring_is_what_stores_sparse_patterns():
    """Patterns with a tenth of ones: recalled with the mean taken off. Without (Hopfield's xi^T xi of -1 and 1) all patterns are alike, since they
    share their zeros, and the ones are lost."""
    rng = np.random.default_rng(16)
    patterns = (rng.random((20, 500)) < 0.1).astype(float)
    cues = patterns * (rng.random(patterns.shape) < 0.8)
    found = recall(covariance_weights(patterns), patterns, cues)
    assert np.mean(found == patterns) > 0.998 and np.mean(found[patterns == 1.0]) > 0.98
    signs = 2.0 * patterns - 1.0
    plain = signs.T @ signs / 500
    np.fill_diagonal(plain, 0.0)
    state = 2.0 * cues - 1.0
    for _ in range(10):
        state = np.sign(state @ plain)
    assert np.mean(state[patterns == 1.0] > 0.0) < 0.1


@pytest.mark.parametrize("act, message", [
    (lambda: covariance_weights([[1.0, 2.0, 3.0]]), "^patterns have shape"),
    (lambda: covariance_weights([1.0, 0.0]), "^patterns have shape"),
    (lambda: recall(np.zeros((2, 2)), [[1.0, -1.0, 1.0]], [[1.0, 1.0, 1.0]]), "^w has shape"),
    (lambda: recall(np.zeros((3, 3)), [[1.0, -1.0, 1.0]], [[1.0, 1.0, 1.0]], sweeps=0), "^sweeps is 0"),
])  # fmt: skip
def test_bad_input_is_refused(act, message):
    with pytest.raises(DescriptionError, match=message):
        act()
