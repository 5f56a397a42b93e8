"""Fixed sums of weights: what a neuron receives (or sends) in all is brought back to a budget, by one factor for all its synapses.

    w_ij *= 1 + rate (total_j / sum_i |w_ij| - 1)           rate = 1: exactly, below: a share of the way at each call

Multiplicative normalization (von der Malsburg 1973, Kybernetik 14:85; Miller & MacKay 1994, Neural Comput. 6:100): ratios and signs are kept,
sums of 0 are left.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DescriptionError
from ..given import short
from ..hooks.contract import Hook
from .arguments import between, each, positive, projection_of
from .weights import Sizes


def factors(total: Any, sums: NDArray[np.float64], rate: float) -> NDArray[np.float64]:
    """What brings sums a share of the way to their total, 1 where nothing can."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(sums > 0.0, 1.0 + rate * (total / sums - 1.0), 1.0)


class WeightNormalization(Hook):
    """Keeps the sum of the sizes of the weights of each target neuron (or of each source), of one projection or of several together.

    projection  name, or names of projections onto (or from) the same neurons, which share one budget and are multiplied by one factor a neuron
    total  unit of the weight: a number, or one a neuron; None: the sums at the start
    over   "target": what a neuron receives through them; "source": what it sends
    every  ms between two calls; a call costs 15 ns a synapse, 35 with a rule, and nothing while all sums are met and nobody writes weights
    rate   1, share of the way to the total that a call goes
    w_max  largest size of a weight; None: the bound of the projection's rule, if it has one. Where it acts, a sum stays below its total
    """

    units = {"sum": "1", "error": "1"}
    transient = ("sizes", "met_at")
    met_at: list[tuple[int, int]] | None  # stamps of the weights whose sums were all at their totals
    totals: Any  # [n] declared state
    error: Any
    mean: Any
    called: Any  # step of the last call

    def __init__(
        self, projection: Any, *, total: Any = None, over: str = "target", every: float = 1000.0, rate: float = 1.0, w_max: float | None = None
    ) -> None:
        if over not in ("target", "source"):
            raise DescriptionError(f"over of WeightNormalization is {short(over)}: give 'target' or 'source'")
        self.projections = (projection,) if isinstance(projection, str) else tuple(projection) if isinstance(projection, (list, tuple)) else ()
        is_named = all(isinstance(name, str) for name in self.projections)
        if not self.projections or not is_named or len(set(self.projections)) < len(self.projections):
            raise DescriptionError(f"{self.name} is given {short(projection)}: give the names of different projections")
        self.total, self.over, self.w_max = total, over, w_max
        self.every, self.rate = positive(every, f"every of {self.name}", "ms"), between(rate, f"rate of {self.name}", 0.0, 1.0)

    def start(self, sim: Any) -> None:
        found = [projection_of(sim, name, self.name) for name in self.projections]
        for projection in found[1:]:
            if not np.array_equal(*(getattr(p, self.over).ids() for p in (found[0], projection))):
                both = f"{self.name}: {found[0].name} and {projection.name}"
                raise DescriptionError(f"{both} have other {self.over}s: give projections with the same, or one hook for each")
        self.sizes, self.met_at = [Sizes(sim, projection, self.w_max) for projection in found], None
        given = self.sums([one.read() for one in self.sizes]) if self.total is None else self.total
        totals = each(given, self.sizes[0].n[self.over], f"total of {self.name} of {', '.join(self.projections)}", 0.0)
        self.declare(totals=totals, error=np.nan, mean=np.nan, called=-1)

    def sums(self, sizes: list[NDArray[np.float64]]) -> NDArray[np.float64]:
        """Of each neuron, over all projections, [n]."""
        return np.sum([one.sums(size, self.over) for one, size in zip(self.sizes, sizes, strict=True)], axis=0)

    def handle(self, sim: Any) -> None:
        if sim.step == self.called or [one.stamp for one in self.sizes] == self.met_at:
            return
        self.called = sim.step
        sizes = [one.read() for one in self.sizes]
        sums = self.sums(sizes)
        by = factors(self.totals, sums, self.rate)
        if (by == 1.0).all():
            self.met_at = [one.stamp for one in self.sizes]
        else:
            for one, size in zip(self.sizes, sizes, strict=True):
                one.write(size * by[one.j if self.over == "target" else one.i])
        self.mean = sums.mean() if len(sums) else np.nan
        met = (sums > 0.0) & (self.totals > 0.0)
        self.error = np.abs(sums[met] / self.totals[met] - 1.0).max(initial=0.0)

    def diagnostics(self) -> dict[str, float]:
        """Mean sum before the last call, and its largest relative deviation from the total."""
        return {"sum": float(self.mean), "error": float(self.error)} if self.has_begun else dict.fromkeys(self.units, np.nan)


class PairedBudgets(Hook):
    """One budget for two projections onto the same neurons, such as an excitatory and an inhibitory one.

        E_j = sum_i |w_ij| of exc, I_j of inh;     E_j + I_j is brought to total_j, and I_j / E_j to ratio

    total  unit of the weights: a number, or one a neuron; None: the sums at the start
    ratio  of inhibition to excitation; None: as it is at the moment, both go by the same factor
    every, rate  as in WeightNormalization
    """

    units = {"sum": "1", "ratio": "1"}
    transient = ("exc_sizes", "inh_sizes")
    totals: Any  # [n] declared state
    mean: Any
    ratio_now: Any
    called: Any  # step of the last call

    def __init__(self, exc: str, inh: str, *, total: Any = None, ratio: float | None = None, every: float = 1000.0, rate: float = 1.0) -> None:
        self.exc, self.inh, self.total = exc, inh, total
        self.ratio = None if ratio is None else positive(ratio, f"ratio of {self.name}", "1")
        self.every, self.rate = positive(every, f"every of {self.name}", "ms"), between(rate, f"rate of {self.name}", 0.0, 1.0)

    def start(self, sim: Any) -> None:
        if self.exc == self.inh:
            raise DescriptionError(f"{self.name} is given {short(self.exc)} twice: give two projections, or use WeightNormalization")
        self.exc_sizes, self.inh_sizes = (Sizes(sim, projection_of(sim, name, self.name), None) for name in (self.exc, self.inh))
        if not np.array_equal(self.exc_sizes.targets, self.inh_sizes.targets):
            raise DescriptionError(f"{self.name}: {self.exc} and {self.inh} have other targets: give projections onto the same neurons")
        exc, inh = self.sums()
        totals = each(exc + inh if self.total is None else self.total, len(exc), f"total of {self.name}", 0.0)
        self.declare(totals=totals, mean=np.nan, ratio_now=np.nan, called=-1)

    def sums(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(E, I) by target."""
        both = self.exc_sizes, self.inh_sizes
        exc, inh = (sizes.sums(sizes.read(), "target") for sizes in both)
        return exc, inh

    def handle(self, sim: Any) -> None:
        if sim.step == self.called:
            return
        self.called = sim.step
        exc, inh = self.sums()
        if self.ratio is None:
            by = factors(self.totals, exc + inh, self.rate)
            parts = by, by
        else:
            alone = (exc == 0.0) | (inh == 0.0)  # where there is only one of them it has the whole budget
            share = np.where(alone, 1.0, 1.0 / (1.0 + self.ratio))
            rest = np.where(alone, 1.0, self.ratio / (1.0 + self.ratio))
            parts = factors(self.totals * share, exc, self.rate), factors(self.totals * rest, inh, self.rate)
        for sizes, by in zip((self.exc_sizes, self.inh_sizes), parts, strict=True):
            sizes.write(sizes.read() * by[sizes.j])
        self.mean = (exc + inh).mean() if len(exc) else np.nan
        self.ratio_now = inh.sum() / exc.sum() if exc.sum() > 0.0 else np.nan

    def diagnostics(self) -> dict[str, float]:
        """Mean of the joint sums before the last call, and the ratio of all inhibition to all excitation."""
        return {"sum": float(self.mean), "ratio": float(self.ratio_now)} if self.has_begun else dict.fromkeys(self.units, np.nan)
