"""Draws against the moments and cumulative distributions of scipy.stats, an independent implementation."""

import math

import numpy as np
import pytest
from scipy import stats

from thalia_sim.distributions import ClippedNormal, LogNormal, Normal, Uniform
from thalia_sim.errors import DescriptionError

N = 100_000
CASES = [
    (Normal(2.0, 0.5), stats.norm(2.0, 0.5)),
    (Normal(1.0, 1.0, low=0.0), stats.truncnorm(-1.0, math.inf, 1.0, 1.0)),
    (Normal(0.0, 1.0, low=1.0, high=2.0), stats.truncnorm(1.0, 2.0)),
    (LogNormal(0.3, 0.2), stats.lognorm(math.sqrt(math.log1p(4 / 9)), scale=0.3 / math.sqrt(1 + 4 / 9))),
    (Uniform(-3.0, 5.0), stats.uniform(-3.0, 8.0)),
]


@pytest.mark.parametrize("ours, theirs", CASES, ids=lambda x: getattr(x, "__class__", type(x)).__name__)
def test_draws_follow_their_distribution(ours, theirs):
    """Kolmogorov-Smirnov at 1e-6, mean and sd within 5 standard errors of the theory."""
    x = ours.draw(12345, N)
    assert stats.kstest(x, theirs.cdf).pvalue > 1e-6
    assert abs(x.mean() - theirs.mean()) < 5 * theirs.std() / math.sqrt(N)
    kurtosis = float(theirs.stats("k")) + 2
    assert abs(x.var() / theirs.var() - 1) < 5 * math.sqrt(kurtosis / N)


@pytest.mark.parametrize("ours, theirs", CASES, ids=lambda x: getattr(x, "__class__", type(x)).__name__)
def test_cumulative_distribution(ours, theirs):
    """Our cdf equals that of scipy to 1e-12."""
    for x in np.linspace(-4, 6, 41):
        assert ours.cdf(x) == pytest.approx(theirs.cdf(x), abs=1e-12)


def test_lognormal_mean_and_sd_are_those_of_the_values():
    """mean and sd are of the values, not of their logarithm; a negative mean mirrors the distribution."""
    x = LogNormal(-2.0, 1.0).draw(7, N)
    assert (x < 0).all()
    assert abs(x.mean() + 2.0) < 5 / math.sqrt(N)
    assert x.std() == pytest.approx(1.0, rel=0.05)  # the sample sd of a skewed distribution converges slowly


def test_clipped_normal_piles_up_at_its_bound():
    """The share at the lower bound of a normal clipped at its mean is one half (binomial, 5 sd)."""
    x = ClippedNormal(1.0, 1.0, low=1.0).draw(3, N)
    assert x.min() == 1.0
    assert abs((x == 1.0).mean() - 0.5) < 5 * 0.5 / math.sqrt(N)


def test_neighbouring_draws_are_independent():
    """The two normals of one Box-Muller pair, and draws of neighbouring keys, are uncorrelated (5 standard errors)."""
    x, y = Normal(0, 1).draw(1, N), Normal(0, 1).draw(2, N)
    assert abs(np.corrcoef(x[::2], x[1::2])[0, 1]) < 5 / math.sqrt(N / 2)
    assert abs(np.corrcoef(x, y)[0, 1]) < 5 / math.sqrt(N)


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: Normal(0, -1), "sd .* negative"),
        (lambda: Normal(math.nan, 1), "mean of Normal is nan"),
        (lambda: Normal(0, 1, low=2, high=1), "low above high"),
        (lambda: Normal(0, 1, low=8), "keeps only a share"),
        (lambda: LogNormal(0, 1), "mean of .* is zero"),
        (lambda: Uniform(0, math.inf), "infinite"),
        (lambda: Uniform("a", 1), "low of Uniform is 'a'"),
    ],
)
def test_refusals(make, message):
    """Parameters that no distribution has."""
    with pytest.raises(DescriptionError, match=message):
        make()
