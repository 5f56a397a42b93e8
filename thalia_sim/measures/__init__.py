"""Measures of spikes and weights on flat arrays: used live by hooks and afterwards on recordings. Formulas, units and costs: docs/measures.md.

A meter takes spikes in blocks in order of time (`add`) and tells its result (`result`); the functions do the same for arrays in memory.
"""

from .confidence import Estimate, estimate
from .contract import Meter
from .correlation import CorrelationMeter, Correlogram, CountCorrelation, count_correlation, cross_correlogram
from .counts import CountMeter, CountMoments, FanoFactor, FanoMeter, fano_factor
from .intervals import IntervalMeter, Intervals, isi
from .rates import PopulationRate, PopulationRateMeter, RateMeter, Rates, firing_rates, population_rate, smoothed
from .spectrum import Spectrum, power_spectrum
from .stationarity import Stationarity, drift_of_mean
from .synchrony import Synchrony, SynchronyMeter, chi, spike_synchrony
from .weights import WeightDistribution, WeightDrift, weight_distribution, weight_drift

__all__ = [
    "CorrelationMeter",
    "Correlogram",
    "CountCorrelation",
    "CountMeter",
    "CountMoments",
    "Estimate",
    "FanoFactor",
    "FanoMeter",
    "IntervalMeter",
    "Intervals",
    "Meter",
    "PopulationRate",
    "PopulationRateMeter",
    "RateMeter",
    "Rates",
    "Spectrum",
    "Stationarity",
    "Synchrony",
    "SynchronyMeter",
    "WeightDistribution",
    "WeightDrift",
    "chi",
    "count_correlation",
    "cross_correlogram",
    "drift_of_mean",
    "estimate",
    "fano_factor",
    "firing_rates",
    "isi",
    "population_rate",
    "power_spectrum",
    "smoothed",
    "spike_synchrony",
    "weight_distribution",
    "weight_drift",
]
