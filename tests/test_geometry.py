"""Positions and distances."""

import math

import numpy as np
import pytest

from thalia_sim.errors import DescriptionError
from thalia_sim.geometry import Cube, Grid, Positions, Sheet, distances


def test_grid_places_by_hand():
    """A 2 x 3 grid with spacing 10 um, last axis fastest, written out by hand."""
    expected = [[0, 0, 0], [0, 10, 0], [0, 20, 0], [10, 0, 0], [10, 10, 0], [10, 20, 0]]
    assert Grid((2, 3), spacing=10).positions(6, seed=1).tolist() == expected


def test_cube_is_filled_evenly():
    """Mean and variance of a uniform distribution on 0..a are a/2 and a^2/12; 5 standard errors of 30,000 coordinates."""
    x = Cube(side=400).positions(10_000, seed=1)
    assert x.min() >= 0 and x.max() <= 400
    sd = 400 / math.sqrt(12)
    assert abs(x.mean() - 200) < 5 * sd / math.sqrt(30_000)
    assert abs(x.var() / sd**2 - 1) < 5 * math.sqrt(0.8 / 30_000)  # relative variance of the sample variance: kurtosis 1.8 - 1


def test_sheet_is_flat_and_repeats():
    """Same seed, same positions; z is zero."""
    sheet = Sheet(100, 50)
    assert np.array_equal(sheet.positions(20, seed=3), sheet.positions(20, seed=3))
    assert not np.array_equal(sheet.positions(20, seed=3), sheet.positions(20, seed=4))
    assert (sheet.positions(20, seed=3)[:, 2] == 0).all()


def test_periodic_distance_by_hand():
    """On a ring of 100 um the points 5 and 95 are 10 um apart; without period 90."""
    a, b = np.array([5.0, 0, 0]), np.array([95.0, 0, 0])
    assert distances(a, b, (100.0, math.inf, math.inf)) == 10
    assert distances(a, b) == 90


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: Cube(side=0), "side of Cube .* positive"),
        (lambda: Cube(side=100, speed=math.nan), "speed of Cube"),
        (lambda: Grid((2, 0)), "shape of Grid"),
        (lambda: Grid((2, 3)).positions(7, 1), "6 places for 7 elements"),
        (lambda: Positions([[0, 0, math.nan]]), "NaN"),
        (lambda: Positions(np.zeros((3, 4))), r"shape \(3, 4\)"),
        (lambda: Positions(np.zeros((3, 3))).positions(4, 1), "3 positions given for 4 elements"),
    ],
)
def test_refusals(make, message):
    """Each bad argument is named with its value and the remedy."""
    with pytest.raises(DescriptionError, match=message):
        make()
