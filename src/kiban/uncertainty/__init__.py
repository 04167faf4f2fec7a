"""Uncertainty without a subject: distributions, samples, paths, scenario trees, sensitivity, outcomes.

Nothing here knows what the numbers stand for. Only numpy loads with the package; scipy loads on first use.
"""

from kiban.uncertainty.branching import NamedFuture, from_branching, from_named_futures
from kiban.uncertainty.distributions import Distribution, beta_from_quantiles, discrete, from_range, pert
from kiban.uncertainty.outcomes import cvar, regret, weighted_quantile, win_share
from kiban.uncertainty.paths import (
    ar1_paths,
    gaussian_paths,
    ou_moments,
    ou_paths,
    quarter_times_years,
    trend_times_scarcity,
    trend_times_scarcity_moments,
)
from kiban.uncertainty.price_decay import DecayFit, fit_decay
from kiban.uncertainty.price_fit import LogMixture, PriceFit, PricePrior, fit_price
from kiban.uncertainty.reduction import ReducedPaths, reduce_paths
from kiban.uncertainty.regimes import regime_paths, regime_probabilities, stationary
from kiban.uncertainty.sampling import (
    correlate,
    draw,
    gaussian_from_rank,
    latin_hypercube,
    pad_columns,
    sobol,
)
from kiban.uncertainty.sensitivity import (
    SobolIndices,
    Tornado,
    first_order_from_sample,
    partial_rank_correlation,
    rank_correlation,
    saltelli_sample,
    sobol_indices,
    tornado,
)
from kiban.uncertainty.tree import ScenarioTree, from_groups, node_matrix_from_paths, node_means_from_paths

__all__ = [
    "DecayFit",
    "Distribution",
    "LogMixture",
    "NamedFuture",
    "PriceFit",
    "PricePrior",
    "ReducedPaths",
    "ScenarioTree",
    "SobolIndices",
    "Tornado",
    "ar1_paths",
    "beta_from_quantiles",
    "correlate",
    "cvar",
    "discrete",
    "draw",
    "first_order_from_sample",
    "fit_decay",
    "fit_price",
    "from_branching",
    "from_groups",
    "from_named_futures",
    "from_range",
    "gaussian_from_rank",
    "gaussian_paths",
    "latin_hypercube",
    "node_matrix_from_paths",
    "node_means_from_paths",
    "ou_moments",
    "ou_paths",
    "pad_columns",
    "partial_rank_correlation",
    "pert",
    "quarter_times_years",
    "rank_correlation",
    "reduce_paths",
    "regime_paths",
    "regime_probabilities",
    "regret",
    "saltelli_sample",
    "sobol",
    "sobol_indices",
    "stationary",
    "tornado",
    "trend_times_scarcity",
    "trend_times_scarcity_moments",
    "weighted_quantile",
    "win_share",
]
