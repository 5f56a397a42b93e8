"""A rate that changes in time: one value a bin, held between, the last one held after the end."""

from typing import Any

import numpy as np

from ..errors import DescriptionError
from ..given import finite_array, is_number, short


class TimedArray:
    """values[k] holds from k * interval to (k + 1) * interval; after the end the last one holds.

    values: [n] numbers; interval: ms.
    """

    def __init__(self, values: Any, interval: float) -> None:
        self.values = finite_array(values, "list of values of a TimedArray")
        if self.values.ndim != 1 or len(self.values) == 0:
            raise DescriptionError(f"values of a TimedArray have shape {list(self.values.shape)}: give a list of at least one finite number")
        if not is_number(interval) or not 0.0 < interval < np.inf:
            raise DescriptionError(f"interval of a TimedArray is {short(interval)}: give a positive number of ms")
        self.interval = float(interval)

    def bins(self, dt: float) -> int:
        """Steps in a bin of the grid; the interval must be a whole number of them."""
        steps = round(self.interval / dt)
        if steps < 1 or abs(steps * dt - self.interval) > 1e-6 * self.interval:
            raise DescriptionError(f"interval {self.interval:g} ms of a TimedArray: must be a multiple of the step, {dt:g} ms")
        return steps

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TimedArray) and self.interval == other.interval and np.array_equal(self.values, other.values)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"TimedArray({len(self.values)} values, interval={self.interval:g})"

    def describe(self) -> dict[str, Any]:
        """For the recording: all values."""
        return {"values": self.values.tolist(), "interval": self.interval}
