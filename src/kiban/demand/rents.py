"""Published rents of a chip by date, and the process of the demand room fitted to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiban.catalog import Catalog
from kiban.uncertainty.price_fit import PriceFit, PricePrior, fit_price

Array = NDArray[np.float64]

Z_95 = 1.6449
"""A published low-high range is read as a 5-95 % one."""


@dataclass(frozen=True)
class RentHistory:
    """Dated rents of one series, in the order of their dates."""

    keys: tuple[str, ...]
    times_years: Array
    usd_per_h: Array
    noise_std: Array
    """Spread of the log of a published rent around the market's, from the row's own range; 0 for a price list."""

    def part(self, chosen: NDArray[np.bool_]) -> RentHistory:
        """Rows where chosen is true."""
        keys = tuple(k for k, take in zip(self.keys, chosen, strict=True) if take)
        return RentHistory(keys, self.times_years[chosen], self.usd_per_h[chosen], self.noise_std[chosen])

    def split(self, until_year: float) -> tuple[RentHistory, RentHistory]:
        """What was known at a date (calendar year with decimals), and what came later."""
        known = self.times_years <= until_year
        return self.part(known), self.part(~known)


def rent_history(catalog: Catalog, prefix: str) -> RentHistory:
    """Collect the dated rows below a prefix of the catalogue, such as ``price_history.market.h100``.

    Raises ValueError where no row has the prefix.
    """
    keys = sorted(catalog.keys(prefix), key=lambda k: year_of(catalog.row(k).valid_from))
    if not keys:
        raise ValueError(f"no row of the catalogue starts with {prefix!r}")
    ranges = np.array([catalog.range(k) for k in keys])
    times = np.array([year_of(catalog.row(k).valid_from) for k in keys])
    return RentHistory(tuple(keys), times, ranges[:, 1], np.log(ranges[:, 2] / ranges[:, 0]) / (2 * Z_95))


def year_of(date: str) -> float:
    """Calendar year with decimals of YYYY-MM-DD or YYYY-MM (the middle of that month)."""
    parts = [int(p) for p in date.split("-")]
    if len(parts) < 2:
        raise ValueError(f"need a date of at least a year and a month, got {date!r}")
    day = parts[2] if len(parts) > 2 else 15
    return parts[0] + (parts[1] - 1) / 12 + (day - 1) / 365


def rent_prior(catalog: Catalog) -> PricePrior:
    """Prior of the fit: trend from the published doubling time of FLOP per dollar, bounds from assumed rows.

    A chip that gains no speed loses against new ones by ln 2 / doubling time a year; the spread is that of the
    published 95 % interval times a catalogue row.
    """
    slow, doubling, fast = catalog.range("demand.rent_fit.flop_per_usd_doubling_years")[::-1]
    spread = np.log(2) * (1 / fast - 1 / slow) / (2 * 1.96)
    half_life, vol = (catalog.range(f"demand.rent_fit.{n}") for n in ("scarcity_half_life_years", "vol_per_sqrt_year"))
    return PricePrior(
        -float(np.log(2) / doubling),
        float(spread * catalog.value("demand.rent_fit.trend_spread_multiple")),
        (half_life[0], half_life[2]),
        (vol[0], vol[2]),
    )


def fit_rents(catalog: Catalog, prefix: str, until_year: float = np.inf) -> PriceFit:
    """Posterior of trend times scarcity from the published rents up to a date."""
    known, _ = rent_history(catalog, prefix).split(until_year)
    return fit_price(known.times_years, known.usd_per_h, known.noise_std, rent_prior(catalog))


def fitted_rows(catalog: Catalog, prefix: str, levels: Sequence[float] = (0.5, 0.05, 0.95)) -> dict[str, Array]:
    """Value, low and high that the published rents give to the room's parameters of scarcity.

    Names: ``mean_reversion_per_year`` (beside `demand.rent_mean_reversion_per_year`), ``half_life_years``,
    ``vol_per_sqrt_year`` and ``std``, the steady spread of log scarcity (beside the spread of a scenario's
    ``futures.rent_factor``).
    """
    fit = fit_rents(catalog, prefix)
    names = ("mean_reversion_per_year", "half_life_years", "vol_per_sqrt_year", "std")
    return {name: fit.marginal(name, levels) for name in names}


def steady_factors(catalog: Catalog, prefix: str, levels: Sequence[float] = (0.05, 0.5, 0.95)) -> Array:
    """Quantiles of the rent that scarcity returns to, over the newest rent: what ``futures.rent_factor`` stands for.

    The trend of later years is left out, as in the room. Levels are probabilities.
    """
    fit = fit_rents(catalog, prefix)
    at = float(fit.times_years[-1])
    return np.exp(fit.steady(at).quantile(levels)[:, 0] - fit.log_price[-1])
