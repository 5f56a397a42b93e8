"""Divisive, contrast and spatial normalization against the formulas, by hand and by loops over units."""

import itertools

import numpy as np
import pytest

from thalia_sim import (
    ContrastNormalization,
    CustomPool,
    DescriptionError,
    DivisiveNormalization,
    GlobalPool,
    LearnedPool,
    LocalPool,
    NormalizeInput,
    SelfPool,
    SpatialDivisiveNorm,
)

X = np.array([3.0, -1.0, 0.0, 2.0, 4.0])


def by_loops(x, weights, sigma, n, gamma):
    """The canonical form, unit by unit."""
    flat = x.ravel()
    pool = [sum(weights[i, j] * abs(flat[j]) ** n for j in range(len(flat))) for i in range(len(flat))]
    return np.array([gamma * np.sign(v) * abs(v) ** n / (sigma**n + p) for v, p in zip(flat, pool, strict=True)]).reshape(x.shape)


def window(shape, size):
    """Weights of a local pool: 1 within the window, at borders scaled to the whole window axis by axis."""
    places = list(itertools.product(*map(range, shape)))
    weights = np.array([[float(all(abs(a - b) <= size // 2 for a, b in zip(p, q, strict=True))) for q in places] for p in places])
    inside = np.array([np.prod([sum(abs(a - k) <= size // 2 for k in range(n)) for a, n in zip(p, shape, strict=True)]) for p in places])
    return weights * (size ** len(shape) / inside)[:, None]


@pytest.mark.parametrize("n, sigma, gamma", [(1.0, 1.0, 1.0), (2.0, 0.5, 3.0), (2.7, 2.0, 1.0)])
@pytest.mark.parametrize("pool, weights", [(GlobalPool(0.5), np.full((5, 5), 0.5)), (SelfPool(2.0), 2.0 * np.eye(5)), (LocalPool(3), window((5,), 3)),
                                           (CustomPool(np.arange(25.0).reshape(5, 5)), np.arange(25.0).reshape(5, 5))])  # fmt: skip
def test_canonical_form(pool, weights, n, sigma, gamma):
    norm = DivisiveNormalization(sigma=sigma, n=n, gamma=gamma, pool=pool)
    np.testing.assert_allclose(norm(X), by_loops(X, weights, sigma, n, gamma), rtol=1e-12)
    batch = np.stack([X, 2 * X, X[::-1]])
    np.testing.assert_allclose(norm(batch), [norm(x) for x in batch], rtol=1e-12)  # batches do not meet
    y, gain = norm.normalize_with_gain(X)
    np.testing.assert_allclose(y, gain * X, rtol=1e-12)
    assert (np.sign(y) == np.sign(X)).all() and (gain >= 0).all()


@pytest.mark.parametrize("shape", [(4, 5), (3, 4, 5)])
def test_pools_on_the_grid(shape):
    """Global, local, self and custom pools of a 2-D and a 3-D grid, and batches of them, against loops."""
    x, dims = np.random.default_rng(1).normal(size=(2, *shape)), len(shape)
    n = int(np.prod(shape))
    custom = np.random.default_rng(2).random((n, n))
    for pool, weights in ((GlobalPool(), np.ones((n, n))), (SelfPool(), np.eye(n)), (LocalPool(3), window(shape, 3)), (CustomPool(custom), custom)):
        y = DivisiveNormalization(sigma=0.7, n=2.0, pool=pool, dims=dims)(x)
        np.testing.assert_allclose(y, [by_loops(a, weights, 0.7, 2.0, 1.0) for a in x], rtol=1e-10)


def test_by_hand():
    """x = (1, 3), sigma = 1: 1 / (1 + 4), 3 / (1 + 4); with n = 2: 1 / 11, 9 / 11."""
    np.testing.assert_allclose(DivisiveNormalization()([1.0, 3.0]), [0.2, 0.6])
    np.testing.assert_allclose(DivisiveNormalization(n=2.0)([1.0, 3.0]), [1 / 11, 9 / 11])


def test_total_gain_under_scaled_input():
    """Ten times the input: the total output grows by less than 10 % once the pool is far above sigma, and the gain falls by nearly ten; the output
    without normalization would grow tenfold. (Directions are the same by construction and show nothing.)"""
    norm = DivisiveNormalization(sigma=1.0)
    small, large = np.abs(X), 10.0 * np.abs(X)
    (y1, g1), (y10, g10) = norm.normalize_with_gain(small), norm.normalize_with_gain(large)
    assert y1.sum() == pytest.approx(10 / 11) and y10.sum() == pytest.approx(100 / 101)
    assert g1[0] / g10[0] == pytest.approx(101 / 11)
    saturated = DivisiveNormalization(n=2.0, pool=SelfPool(), gamma=5.0)
    assert saturated([1.0])[0] == pytest.approx(2.5) and saturated([1e4])[0] == pytest.approx(5.0)  # half at sigma, gamma at most


def test_local_mode_pools_over_space_only():
    """A single active unit suppresses neighbours within the window, none beyond, on its own row of the batch only; a uniform input stays uniform."""
    x = np.ones((2, 9))
    x[0, 4] = 100.0
    gain = DivisiveNormalization(pool=LocalPool(3)).normalize_with_gain(x)[1]
    assert (gain[0, 3:6] < 0.02).all() and np.allclose(gain[0, [0, 1, 2, 6, 7, 8]], 0.25) and np.allclose(gain[1], 0.25)
    grid = np.ones((6, 7))
    assert np.ptp(DivisiveNormalization(pool=LocalPool(5), dims=2)(grid)) < 1e-15


def test_denominators_never_vanish():
    """Signed input whose sum is 0, zeros, and input that a sum with signs would bring to -sigma."""
    norm = DivisiveNormalization(sigma=1.0)
    assert norm([1.0, -1.0]).tolist() == [1 / 3, -1 / 3] and norm(np.zeros(4)).tolist() == [0.0] * 4
    assert np.isfinite(norm([-1.0, 0.0])).all() and norm([-1.0, 0.0])[0] == -0.5
    with pytest.raises(DescriptionError, match="sigma of DivisiveNormalization is 0"):
        DivisiveNormalization(sigma=0.0)(X)


def test_pool_that_was_made_elsewhere():
    np.testing.assert_allclose(DivisiveNormalization(sigma=2.0)(X, pool=3.0), X / 5.0)
    np.testing.assert_allclose(DivisiveNormalization()(X, pool=np.arange(5.0)), X / (1.0 + np.arange(5.0)))
    for pool in (-1.0, np.ones(4), np.ones((2, 5))):
        with pytest.raises(DescriptionError, match="pool has shape"):
            DivisiveNormalization()(X, pool=pool)


def mixtures(samples, rng):
    """Two groups of four units; those of a group share a fluctuating scale z: x = z g (Gaussian scale mixture: Wainwright & Simoncelli 2000)."""
    z = np.exp(0.5 * rng.normal(size=(samples, 2)))
    return np.repeat(z, 4, axis=1) * rng.normal(size=(samples, 8))


def test_learned_pool_divides_away_what_is_common():
    """Schwartz & Simoncelli 2001: squared responses of units that share a scale are correlated, after normalization hardly; weights hold to the
    group."""
    rng = np.random.default_rng(3)
    norm = DivisiveNormalization(sigma=1.0, n=2.0, pool=LearnedPool())
    with pytest.raises(DescriptionError, match="has learned nothing yet"):
        norm(np.ones(8))
    for _ in range(4):
        weights = norm.learn(mixtures(5000, rng))
    same = np.kron(np.eye(2), np.ones((4, 4))) - np.eye(8)
    assert weights[same > 0].min() > 0.05 and weights[same == 0].max() < 0.02 and (np.diag(weights) == 0).all()

    def common(x):
        return np.corrcoef(np.minimum(np.abs(x), np.quantile(np.abs(x), 0.99)).T)[same > 0].mean()

    x = mixtures(5000, rng)
    y = np.sign(x) * np.sqrt(np.abs(norm(x)))  # a response, not its energy
    assert common(x) > 0.25 and abs(common(y)) < 0.4 * common(x)


def test_learning_in_batches_is_learning_at_once_and_least_squares():
    """Means and covariances of batches add up; weights are those of scipy's non-negative least squares."""
    from scipy.optimize import nnls

    x = mixtures(600, np.random.default_rng(4))
    whole, parts = DivisiveNormalization(n=2.0, pool=LearnedPool()), DivisiveNormalization(n=2.0, pool=LearnedPool())
    weights = [parts.learn(part) for part in np.split(x, [50, 51, 300])][-1]
    np.testing.assert_allclose(weights, whole.learn(x), rtol=1e-6, atol=1e-9)
    a = x**2 - (x**2).mean(axis=0)
    for i in range(8):
        others = np.delete(np.arange(8), i)
        np.testing.assert_allclose(whole.pool.weights[i, others], nnls(a[:, others], a[:, i])[0], atol=1e-6)
    grid = DivisiveNormalization(n=2.0, pool=LearnedPool(), dims=2)
    grid.learn(x.reshape(600, 2, 4))
    np.testing.assert_allclose(grid(x.reshape(600, 2, 4)).reshape(600, 8), whole(x), rtol=1e-6)


# contrast and space ---------------------------------------------------------------------------------------------------


def test_contrast():
    """Mean 3, sd 1 (1/n): (x - 3) / (0.5 + 1); one element gives 0; a constant gives 0; batches do not meet."""
    norm = ContrastNormalization(sigma=0.5)
    np.testing.assert_allclose(norm([2.0, 4.0]), [-1 / 1.5, 1 / 1.5])
    assert norm([7.0]).tolist() == [0.0] and norm(np.full(5, 3.0)).tolist() == [0.0] * 5
    np.testing.assert_allclose(norm(np.stack([X, 5 * X])), [norm(X), norm(5 * X)])
    grid = np.random.default_rng(1).normal(size=(3, 4, 5))
    np.testing.assert_allclose(ContrastNormalization(0.5, dims=2)(grid)[1], norm(grid[1].ravel()).reshape(4, 5))


@pytest.mark.parametrize("shape", [(6, 7), (5, 6, 7)])
def test_spatial_norm_by_loops(shape):
    """y = x / sqrt(sigma**2 + G x**2), G the Gaussian cut to the window and to the grid, and scaled to sum 1, by loops over places."""
    x = np.random.default_rng(5).normal(size=shape)
    y = SpatialDivisiveNorm(sigma=0.3, size=3, sd=0.8, dims=len(shape))(x)
    for place in itertools.product(*map(range, shape)):
        around = list(itertools.product(*(range(max(p - 1, 0), min(p + 2, n)) for p, n in zip(place, shape, strict=True))))
        g = np.array([np.exp(-sum((a - b) ** 2 for a, b in zip(place, q, strict=True)) / (2 * 0.8**2)) for q in around])
        assert y[place] == pytest.approx(x[place] / np.sqrt(0.09 + g @ [x[q] ** 2 for q in around] / g.sum()), rel=1e-12)


def test_spatial_norm_does_not_darken_borders():
    """A uniform image stays uniform: c / sqrt(sigma**2 + c**2) everywhere; zero padding would make borders brighter or darker."""
    y = SpatialDivisiveNorm(sigma=1.0, size=7)(np.full((2, 10, 12), 3.0))
    np.testing.assert_allclose(y, 3.0 / np.sqrt(10.0), rtol=1e-12)
    assert SpatialDivisiveNorm(size=9)(np.ones((3, 3))) == pytest.approx(1 / np.sqrt(2))  # a window wider than the grid


@pytest.mark.parametrize("make, message", [
    (lambda: DivisiveNormalization(n=0.5)(X), "n of DivisiveNormalization is 0.5"),
    (lambda: DivisiveNormalization(gamma=-1)(X), "gamma of DivisiveNormalization is -1"),
    (lambda: DivisiveNormalization(pool="global")(X), "give GlobalPool"),
    (lambda: DivisiveNormalization(dims=4)(X), "dims of DivisiveNormalization is 4"),
    (lambda: DivisiveNormalization(dims=2)(X), "at least 2 axes"),
    (lambda: DivisiveNormalization()([1.0, np.nan]), "input of DivisiveNormalization is nan at place 1"),
    (lambda: DivisiveNormalization(pool=LocalPool(4))(X), "size of LocalPool is 4"),
    (lambda: DivisiveNormalization(pool=GlobalPool(-1.0))(X), "weight of GlobalPool is -1.0"),
    (lambda: DivisiveNormalization(pool=CustomPool(np.ones((4, 4))))(X), r"give \[5, 5\]"),
    (lambda: DivisiveNormalization(pool=CustomPool(-np.ones((5, 5))))(X), "least -1"),
    (lambda: DivisiveNormalization().learn(np.ones((3, 5))), "does not learn"),
    (lambda: DivisiveNormalization(pool=LearnedPool()).learn(X), "learns from shape"),
    (lambda: ContrastNormalization(sigma=0.0)(X), "sigma of ContrastNormalization is 0.0"),
    (lambda: DivisiveNormalization(sigma=1e-12, n=32.0)([0.0]), "sigma of DivisiveNormalization is 1e-12, whose power 32 is 0 in the machine"),
    (lambda: SpatialDivisiveNorm(sigma=1e-170)(np.zeros((3, 3))), "sigma of SpatialDivisiveNorm is 1e-170, whose power 2 is 0 in the machine"),
    (lambda: NormalizeInput("exc", sigma=1e-12, n=30.0), "sigma of normalizeinput of 'exc' is 1e-12 Hz, whose power 30 is 0 in the machine"),
    (lambda: DivisiveNormalization(n=2.0)([1.0, 1e200]), r"reaches 1e\+200, whose power 2 overflows: give both in a larger unit"),
    (lambda: DivisiveNormalization(sigma=1e160, n=2.0)(X), r"reaches 1e\+160"),
    (lambda: ContrastNormalization()([1.0, 1e200]), "input or sigma of ContrastNormalization"),
    (lambda: SpatialDivisiveNorm()(np.full((3, 3), 1e200)), "input or sigma of SpatialDivisiveNorm"),
    (lambda: SpatialDivisiveNorm(size=2)(np.ones((3, 3))), "size of SpatialDivisiveNorm is 2"),
])  # fmt: skip
def test_refusals(make, message):
    with pytest.raises(DescriptionError, match=message):
        make()
