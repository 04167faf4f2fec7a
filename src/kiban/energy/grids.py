"""Which catalogue rows speak for which grid: names only, no numbers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class GridNames:
    """Names under which the catalogue keeps what it knows about one grid; empty where it knows nothing."""

    market: str = ""
    """Hourly price in table ``market_price``."""
    carbon: str = ""
    """Hourly average carbon in table ``grid_carbon``, water in ``grid.<name>.water_consumption_l_per_kwh``."""
    avert: str = ""
    """Region of ``grid.avert_<name>``."""
    ppa: str = "us_continental"
    """Region of ``ppa.<name>``."""
    wind: str = "ercot"
    """Grid in table ``fleet_profile`` whose wind pattern is used."""
    cost_region: str = ""
    """Region of ``tech.<plant>.overnight_usd_per_kw.<name>``."""


_GRIDS = {
    "ercot": GridNames("ercot_hub_avg", "ercot", "texas", "ercot", "ercot", "tre_texas"),
    "nyiso": GridNames("nyiso_capitl", "nyiso", "new_york", "nyiso", "nyiso", "nyup"),
    "pjm": GridNames(avert="mid_atlantic", ppa="pjm", wind="nyiso", cost_region="pjmw_ohio_aep"),
    "miso": GridNames(avert="midwest", ppa="miso", cost_region="misw"),
    "spp": GridNames(avert="central_spp", cost_region="spps"),
    "iso_ne": GridNames(ppa="iso_ne", wind="nyiso"),
    "caiso": GridNames(avert="california", ppa="caiso"),
    "southeast": GridNames(avert="southeast", wind="nyiso", cost_region="srse_georgia"),
    "tva": GridNames(avert="tennessee", wind="nyiso", cost_region="srce_tennessee"),
    "southwest": GridNames(avert="southwest", cost_region="srsg_arizona"),
    "northwest": GridNames(avert="northwest", cost_region="nwpp"),
    "rocky_mountains": GridNames(avert="rocky_mountains"),
}


def names_of(grid: str) -> GridNames:
    """Names for a grid of the scenario; an unknown grid gets the names of the continental United States.

    Arguments: grid, a name above or one that begins with it (``ercot_hub_avg``, ``nyiso_capitl``).
    """
    for key, names in _GRIDS.items():
        if grid == key or grid.startswith(f"{key}_"):
            return names
    return GridNames()
