"""The sizes of a projection's weights as hooks read and write them: signs stay, bounds are kept."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .arguments import positive


class Sizes:
    """|w| of the synapses of a projection in a simulation. i, j: source and target of each, numbered as in its view."""

    def __init__(self, sim: Any, projection: Any, w_max: float | None) -> None:
        self.view = sim[projection.name]
        self.i, self.j, w, _ = self.view.table()
        self.targets = projection.target.ids()
        self.n = {"target": len(projection.target), "source": len(projection.source)}
        chain = projection.chain
        self.low: float = 0.0 if chain is None else chain.weakest
        self.high: float = math.inf if chain is None else chain.strongest
        if w_max is not None:
            self.high = min(self.high, positive(w_max, f"w_max of {projection.name}", "the weight's unit"))
        self.sign = np.sign(w) if chain is None else np.full(len(w), float(projection.sign))

    def read(self) -> NDArray[np.float64]:
        """[n_syn]"""
        w = np.asarray(self.view.w, dtype=np.float64)
        self.sign = np.where(w == 0.0, self.sign, np.sign(w))
        return np.abs(w)

    def write(self, sizes: NDArray[np.float64]) -> None:
        """New sizes, within the bounds."""
        self.view.w = np.clip(sizes, self.low, self.high) * self.sign

    def sums(self, sizes: NDArray[np.float64], over: str) -> NDArray[np.float64]:
        """Sum of the sizes of each target ("target") or each source ("source"), [n]."""
        return np.bincount(self.j if over == "target" else self.i, sizes, minlength=self.n[over]).astype(np.float64)

    @property
    def stamp(self) -> tuple[int, int]:
        """Another one when a weight was written; of a projection with rules also as time goes on."""
        sim = self.view.sim
        return sim.weights_version, sim.step if self.view.learning is not None else 0
