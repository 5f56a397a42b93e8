"""The sizes of a projection's weights as hooks read and write them: signs stay, bounds are kept."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .arguments import positive


class Sizes:
    """|w| of the synapses of a projection in a simulation, which may come and go, within bounds that may be set in the run.

    i, j: source and target of each synapse that there is now, numbered as in its view [n_syn].
    """

    def __init__(self, sim: Any, projection: Any, w_max: float | None) -> None:
        self.sim, self.view = sim, sim[projection.name]
        self.targets = projection.target.ids()
        self.n = {"target": len(projection.target), "source": len(projection.source)}
        self.w_max = math.inf if w_max is None else positive(w_max, f"w_max of {projection.name}", "the weight's unit")
        self.follow()
        w = np.asarray(self.view.w)
        self.sign: Any = np.sign(w) if projection.chain is None else float(projection.sign)  # [n_syn], or of all where there is a rule

    def follow(self) -> None:
        """Look for the synapses there are."""
        self.version = self.sim.structure_version
        self.ends = self.view.table()[:2]

    @property
    def i(self) -> NDArray[np.int64]:
        return self.now()[0]

    @property
    def j(self) -> NDArray[np.int64]:
        return self.now()[1]

    def now(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(i, j) of the synapses there are."""
        if self.version != self.sim.structure_version:
            self.follow()
        return self.ends

    def read(self) -> NDArray[np.float64]:
        """[n_syn]"""
        w = np.asarray(self.view.w, dtype=np.float64)
        if self.view.learning is None:  # zeros keep the sign that they had
            self.sign = np.where(w == 0.0, self.sign, np.sign(w))
        return np.abs(w)

    def write(self, sizes: NDArray[np.float64]) -> None:
        """New sizes, within the bounds of this moment."""
        low, high = 0.0, self.w_max
        if (learning := self.view.learning) is not None:
            rules = learning.in_force()
            low, high = rules.weakest, min(high, rules.strongest)
        self.view.w = np.clip(sizes, low, high) * self.sign

    def sums(self, sizes: NDArray[np.float64], over: str) -> NDArray[np.float64]:
        """Sum of the sizes of each target ("target") or each source ("source"), [n]."""
        return np.bincount(self.j if over == "target" else self.i, sizes, minlength=self.n[over]).astype(np.float64)

    @property
    def stamp(self) -> tuple[int, int]:
        """Another one when a weight was written; of a projection with rules also as time goes on."""
        sim = self.view.sim
        return sim.weights_version, sim.step if self.view.learning is not None else 0
