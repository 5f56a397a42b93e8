"""Measures of spikes and weights on flat arrays: used live by hooks and afterwards on recordings. Formulas, units and costs: docs/measures.md.

A meter takes spikes in blocks in order of time (`add`) and tells its result (`result`); the functions do the same for arrays in memory.
"""

from .avalanches import AvalancheMeter, Avalanches, Criticality, avalanches_of_counts, criticality, mean_interval, size_exponent, spike_avalanches
from .branching import Branching, branching_ratio, exponential, exponential_with_offset, offspring_ratio, regression_ratio
from .confidence import Estimate, estimate
from .contract import Meter
from .correlation import CorrelationMeter, Correlogram, CountCorrelation, count_correlation, cross_correlogram
from .counts import CountMeter, CountMoments, FanoFactor, FanoMeter, fano_factor
from .discrimination import Discrimination, discriminate
from .intervals import IntervalMeter, Intervals, isi
from .power_law import Alternative, PowerLaw, Tally, alternatives, fit_power_law, tally
from .rates import PopulationRate, PopulationRateMeter, RateMeter, Rates, firing_rates, population_rate, smoothed
from .shape_collapse import ShapeCollapse, collapse_shapes
from .spectrum import Spectrum, power_spectrum
from .stationarity import Stationarity, drift_of_mean
from .synchrony import Synchrony, SynchronyMeter, chi, spike_synchrony
from .weights import WeightDistribution, WeightDrift, weight_distribution, weight_drift

__all__ = [
    "Alternative",
    "AvalancheMeter",
    "Avalanches",
    "Branching",
    "CorrelationMeter",
    "Correlogram",
    "CountCorrelation",
    "CountMeter",
    "CountMoments",
    "Criticality",
    "Discrimination",
    "Estimate",
    "FanoFactor",
    "FanoMeter",
    "IntervalMeter",
    "Intervals",
    "Meter",
    "PopulationRate",
    "PopulationRateMeter",
    "PowerLaw",
    "RateMeter",
    "Rates",
    "ShapeCollapse",
    "Spectrum",
    "Stationarity",
    "Synchrony",
    "SynchronyMeter",
    "Tally",
    "WeightDistribution",
    "WeightDrift",
    "alternatives",
    "avalanches_of_counts",
    "branching_ratio",
    "chi",
    "collapse_shapes",
    "count_correlation",
    "criticality",
    "cross_correlogram",
    "discriminate",
    "drift_of_mean",
    "estimate",
    "exponential",
    "exponential_with_offset",
    "fano_factor",
    "firing_rates",
    "fit_power_law",
    "isi",
    "mean_interval",
    "offspring_ratio",
    "population_rate",
    "power_spectrum",
    "regression_ratio",
    "size_exponent",
    "smoothed",
    "spike_avalanches",
    "spike_synchrony",
    "tally",
    "weight_distribution",
    "weight_drift",
]
