"""Poisson input: independent trains for each target, or trains that many targets share."""

from typing import Any, NamedTuple

from .contract import source
from .timed import TimedArray


def check_bins(rate: Any, dt: float) -> None:
    """Refuse a rate in time whose bins are no whole number of steps."""
    if isinstance(rate, TimedArray):
        rate.bins(dt)


class Poisson(NamedTuple):
    """A drive: an independent Poisson train for each target, each event adding w to a receptor. Any number of events per step."""

    rate: Any = 10.0  # Hz: a number, one value a target, or a TimedArray

    def check(self, n: int, dt: float, where: str, whole: bool) -> None:
        check_bins(self.rate, dt)


@source
class PoissonSource(NamedTuple):
    """A population of Poisson trains, whose spikes go to all targets of its projections, with their delays."""

    rate: Any = 10.0  # Hz: a number, one value an element, or a TimedArray

    def check(self, n: int, dt: float, where: str, whole: bool) -> None:
        check_bins(self.rate, dt)
