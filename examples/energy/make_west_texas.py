"""Write west_texas.csv: one synthetic year as kiban's own rooms draw it for a 100 MW hall near Abilene.

    python examples/energy/make_west_texas.py

Prices, wind and sun keep the monthly and daily means of the catalogue (ERCOT) and vary by seeded draws; no hour was
measured. Load is that of a site of examples/anthropic-50b.yaml, scaled to
100 MW of critical IT.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from kiban.catalog import load_catalog
from kiban.energy.inputs import build_inputs
from kiban.scenario.load import load_scenario
from kiban.study import Walk

HERE = Path(__file__).parent
IT_MW = 100.0


def columns() -> dict[str, tuple[np.ndarray, int]]:
    """Series by heading, each with the decimals that are written."""
    catalog = load_catalog()
    scenario = load_scenario(HERE.parent / "anthropic-50b.yaml").scenario
    found, _ = build_inputs(scenario, catalog, Walk(scenario, catalog).site, scenario.risk.seed)
    site = next(one for one in found if one.name == "west_texas")
    return {
        "load_mw": (IT_MW * site.hourly_load_mw, 1),
        "price_usd_per_mwh": (site.hourly_price_usd_per_mwh, 1),
        "wind_frac": (site.hourly_wind_frac, 2),
        "solar_frac": (site.hourly_solar_frac, 2),
        "clean_frac": (site.hourly_grid_clean_frac, 2),
        "average_kg_co2_per_mwh": (site.hourly_average_kg_co2_per_mwh, 0),
    }


def text() -> str:
    """The file as text."""
    series = columns()
    written = [[f"{v:.{decimals}f}" for v in values.tolist()] for values, decimals in series.values()]
    return "\n".join([",".join(series), *(",".join(row) for row in zip(*written, strict=True))]) + "\n"


if __name__ == "__main__":
    (HERE / "west_texas.csv").write_text(text(), encoding="utf-8", newline="\n")
