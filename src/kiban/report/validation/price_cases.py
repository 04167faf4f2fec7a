"""Cases of the price process: rents foretold from what had been published at a date."""

from __future__ import annotations

from typing import Any

import numpy as np

from kiban.catalog import Catalog
from kiban.demand.rents import Z_95, fit_rents, year_of

Inputs = dict[str, Any]


def rent_nearest_in_band(inputs: Inputs, catalog: Catalog) -> float:
    """Price of the 5-95 % band that lies nearest to the published later one: the price itself where it is inside.

    The later row enters only here, to be compared; the fit sees the series up to ``until``.
    """
    later = catalog.row(inputs["row"])
    low, _, high = catalog.range(inputs["row"])
    noise = np.log(high / low) / (2 * Z_95)
    fit = fit_rents(catalog, inputs["series"], year_of(inputs["until"]))
    band = np.exp(fit.predict([year_of(later.valid_from)], [noise]).quantile([0.05, 0.95])[:, 0])
    return float(np.clip(catalog.value(inputs["row"]), *band))


CASES = {"rent_nearest_in_band": rent_nearest_in_band}
