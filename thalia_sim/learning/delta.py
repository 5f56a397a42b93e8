"""The Hebbian rules in their rate form: the change of a weight from the activities of its two ends.

    classic   dw = eta pre post                  Hebb (1949), The Organization of Behavior
    oja       dw = eta post (pre - w post)       Oja (1982), J. Math. Biol. 15:267; stable for eta post^2 below about 1
    bcm       dw = eta pre post (post - theta)   Bienenstock, Cooper & Munro (1982), J. Neurosci. 2:32; needs a sliding theta to be stable
    anti      dw = -eta pre post                 Foldiak (1990), Biol. Cybern. 64:165; a weight grows where the activities have opposite signs
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import DescriptionError
from ..given import finite_array
from .config import HebbianConfig, SlidingThreshold, number

Floats = NDArray[np.float64]
Join = Callable[[Any, Any], Any]  # product of the two ends, mean over samples
Mean = Callable[[Any], Any]  # of a quantity of the target, over samples


def classic(join: Join, mean: Mean, pre: Any, post: Any, w: Any, theta: Any) -> Any:
    return join(pre, post)


def oja(join: Join, mean: Mean, pre: Any, post: Any, w: Any, theta: Any) -> Any:
    return join(pre, post) - w * mean(post * post)


def bcm(join: Join, mean: Mean, pre: Any, post: Any, w: Any, theta: Any) -> Any:
    return join(pre, post * (post - theta))


def anti(join: Join, mean: Mean, pre: Any, post: Any, w: Any, theta: Any) -> Any:
    return -join(pre, post)


RULES = {"classic": classic, "oja": oja, "bcm": bcm, "anti": anti}


def compute_hebbian_delta(pre: ArrayLike, post: ArrayLike, w: ArrayLike, config: HebbianConfig, theta: ArrayLike | None = None) -> Any:
    """The change of w, before decay and bounds.

    Single edges: pre, post and w are numbers or arrays of one shape, edge by edge. Matrix: w [n_pre, n_post], pre [n_pre] or [samples, n_pre],
    post likewise; the change is the mean over the samples, all from the same w. theta: threshold of BCM, a number or one for each target;
    None: config.bcm_threshold.
    """
    pre, post, w = finite_array(pre, "pre"), finite_array(post, "post"), finite_array(w, "w")
    theta = np.float64(config.bcm_threshold) if theta is None else finite_array(theta, "theta")
    if w.ndim == 2:
        pre, post = np.atleast_2d(pre), np.atleast_2d(post)
        if pre.ndim != 2 or post.ndim != 2 or len(pre) != len(post) or (pre.shape[1], post.shape[1]) != w.shape:
            n_pre, n_post = w.shape
            shapes = f"pre has shape {list(pre.shape)} and post {list(post.shape)}"
            raise DescriptionError(f"{shapes} for w {list(w.shape)}: give [samples, {n_pre}] and [samples, {n_post}]")
        return matrix_delta(pre, post, w, config, theta)
    try:
        np.broadcast_shapes(pre.shape, post.shape, w.shape, np.shape(theta))
    except ValueError:
        raise DescriptionError(f"pre, post and w have shapes {pre.shape}, {post.shape} and {w.shape}: give one of each for every edge") from None
    change = config.learning_rate * RULES[config.rule](np.multiply, np.asarray, pre, post, w, theta)
    return change if np.ndim(change) else float(change)


def matrix_delta(pre: Floats, post: Floats, w: Floats, config: HebbianConfig, theta: Any) -> Floats:
    """The same for checked arrays pre [samples, n_pre], post [samples, n_post], w [n_pre, n_post]."""
    share = 1.0 / max(len(pre), 1)
    change: Floats = RULES[config.rule](lambda a, b: (a.T @ b) * share, lambda x: x.sum(axis=0) * share, pre, post, w, theta)
    return config.learning_rate * change


def slide_threshold(theta: ArrayLike, post: ArrayLike, sliding: SlidingThreshold, duration: float) -> Floats:
    """theta [n] after `duration` ms in which the targets had the activities post [n] or [samples, n], the samples sharing the time equally.

    Exact for activities that do not change: theta' = m + (theta - m) exp(-duration/tau), m the mean of |post|^power (so power 2 is the square).
    """
    number(duration, "duration", 0.0, 1e300, "a number of ms, at least 0")
    theta, post = finite_array(theta, "theta"), np.atleast_2d(finite_array(post, "post"))
    mean = (np.abs(post) ** sliding.power).mean(axis=0)
    return np.clip(mean + (theta - mean) * math.exp(-duration / sliding.tau), sliding.low, sliding.high)
