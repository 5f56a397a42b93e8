"""At which frequencies a population fires together: power spectral density of its summed spike train.

    S(f) = <|FT of the spikes of all neurons|**2> / (n T)     two-sided, without the mean rate, in spikes**2 / s**2 / Hz

n independent Poisson neurons of rate r have S(f) = r at all frequencies, whatever n; what they do together adds to it in proportion to n.
The average runs over segments of length T that overlap by half, each under a Hann window (Bartlett 1948, Nature 161:686; Welch 1967, IEEE Trans.
Audio Electroacoust. 15:70). Counting in bins lowers S towards half the sampling rate by sinc(f * bin)**2, where it comes from changes of the rate.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..errors import MeasureError
from .contract import Floats, check_width
from .correlation import check_series

BATCH = 1 << 20  # bins transformed at once


class Spectrum(NamedTuple):
    """Power spectral density of a population."""

    frequency: Floats  # [k] Hz, from 1 / segment to half the sampling rate
    power: Floats  # [k] spikes**2 / s**2 / Hz, two-sided, divided by n; nan without a whole segment
    error: float  # standard error of each value as a share of it
    segments: int


def power_spectrum(count: Any, bin: float, n: int, segment: float = 1000.0) -> Spectrum:
    """Spectrum of n neurons that fired count [k] times in bins of `bin` ms, averaged over segments of `segment` ms.

    From each segment its mean is taken off, which lowers the first frequency or two.
    """
    series, length = check_series(count), round(check_width(segment, "segment") / check_width(bin, "bin"))
    if length < 4:
        raise MeasureError(f"segment {segment:g} ms holds {length} bins of {bin:g} ms: give segments of at least 4 bins")
    frequency = np.fft.rfftfreq(length, bin / 1000.0)[1:]
    if len(series) < length or not n:
        return Spectrum(frequency, np.full(len(frequency), np.nan), np.nan, 0)
    hann = 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(length) / length)
    hop = length // 2
    pieces = np.lib.stride_tricks.sliding_window_view(series, length)[::hop]
    power, rows = np.zeros(len(frequency)), max(BATCH // length, 1)
    for begin in range(0, len(pieces), rows):
        part = pieces[begin : begin + rows]
        power += (np.abs(np.fft.rfft((part - part.mean(axis=1, keepdims=True)) * hann)[:, 1:]) ** 2).sum(axis=0)
    power /= len(pieces) * (hann @ hann) * (bin / 1000.0) * n
    return Spectrum(frequency, power, standard_error(hann, hop, len(pieces)), len(pieces))


def standard_error(window: Floats, hop: int, segments: int) -> float:
    """Of an average of so many overlapping segments, as a share of the average (Welch 1967)."""
    shared = (window[hop:] @ window[: len(window) - hop] / (window @ window)) ** 2
    return float(np.sqrt((1.0 + 2.0 * shared * (segments - 1) / segments) / segments))
