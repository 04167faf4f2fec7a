"""What can supply a site: grid, sources, plant, storage, flexible load, and the rule for clean energy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from kiban.energy.dispatch.axis import Axis
from kiban.energy.tariff import Tariff
from kiban.energy.tariff_rows import KW_PER_MW, first_tier_usd_per_kwh

Array = NDArray[np.float64]
Place = Literal["site", "grid", "virtual"]
Rule = Literal["none", "annual", "monthly", "hourly"]
RULES: tuple[Rule, ...] = ("none", "annual", "monthly", "hourly")


@dataclass(frozen=True)
class DemandCharge:
    """A charge on the largest import of each month, or of each year."""

    usd_per_mw: float
    """Per MW of the peak and month, or year."""
    each: Literal["month", "year"] = "month"
    active: NDArray[np.bool_] | None = None
    """(N,) steps that count, such as the hours of a window; None counts all."""
    name: str = "demand"


@dataclass(frozen=True)
class Grid:
    """The connection and the market behind it."""

    price_usd_per_mwh: Array
    """(N,) market price of purchases."""
    import_limit_mw: Array | float
    """Limit of the connection: a number, or (Q,) one per quarter through all years."""
    adder_usd_per_mwh: float = 0.0
    """Delivery, on everything that comes through the connection, contracted energy too."""
    sale_usd_per_mwh: Array | None = None
    """(N,) what surplus earns, not above the purchase price; None where nothing can be sold."""
    export_limit_mw: float = 0.0
    """Largest flow out of the site."""
    charges: tuple[DemandCharge, ...] = ()
    clean_frac: Array | float = 0.0
    """Clean share of what the grid delivers, counted under the hourly rule."""
    tariff: Tariff | None = None
    """Tiers, demand charges and coincident peaks on what comes through; the first energy tier belongs into the
    price."""
    down: NDArray[np.bool_] | None = None
    """(N,) steps of outage, in which nothing comes through the connection."""
    certificates_sold: bool = False
    """Whether surplus is sold with its certificates: then nobody here can claim it, and it matches nothing."""

    @property
    def market_usd_per_mwh(self) -> Array:
        """(N,) what virtual contracts settle against: the price without the first tier of the tariff."""
        if self.tariff is None:
            return self.price_usd_per_mwh
        tier = KW_PER_MW * first_tier_usd_per_kwh(self.tariff)
        return np.asarray(self.price_usd_per_mwh - tier, dtype=np.float64)


@dataclass(frozen=True)
class Source:
    """Output that follows a profile: own wind or solar, a contract paid as produced, or a baseload contract.

    A baseload contract has a profile of ones. A virtual contract delivers nothing: it pays strike less market price
    on its output, and its clean attributes count against what is bought.
    """

    name: str
    profile_frac: Array
    """(N,) output per MW, 0..1."""
    at: Place = "grid"
    usd_per_mw_year: float = 0.0
    """Annuity and fixed upkeep of own plant."""
    usd_per_mwh: float = 0.0
    """Paid on all that is produced, used or not: the strike of a contract."""
    clean_frac: float = 1.0
    """Share of the output that counts as clean."""
    mw_min: float = 0.0
    mw_max: float = np.inf

    @property
    def partly_unclean(self) -> bool:
        """Whether it matters which output is thrown away: it delivers, and not all of it is clean."""
        return self.at != "virtual" and self.clean_frac < 1.0


@dataclass(frozen=True)
class Plant:
    """On-site plant that burns fuel: turbine, engine, fuel cell, or backup with few hours."""

    name: str
    usd_per_mw_year: float
    """Annuity and fixed upkeep."""
    usd_per_mwh: Array | float
    """Fuel, variable upkeep and carbon price."""
    kg_co2_per_mwh: float = 0.0
    mw_min: float = 0.0
    mw_max: float = np.inf
    hours_max_per_year: float = np.inf
    """Full-load hours a year, as a permit or a warranty allows."""
    available_frac: Array | float = 1.0
    """Share of the rating that can run: maintenance, forced outage, or not yet built."""
    ramp_frac_per_h: float = np.inf


@dataclass(frozen=True)
class Battery:
    """Storage whose content ends where it began."""

    usd_per_mw_year: float
    usd_per_mwh_year: float
    charge_frac: float = 0.93
    discharge_frac: float = 0.93
    wear_usd_per_mwh: float = 0.0
    """Ageing by use, per MWh taken out."""
    usable_frac: float = 1.0
    """Share of the bought energy that is there in the middle of its life, after fade, and may be used."""
    self_discharge_frac_per_h: float = 0.0
    hours: float | None = None
    """Energy over power where it is given; None sizes both."""
    mw_min: float = 0.0
    mw_max: float = np.inf
    mwh_max: float = np.inf
    reserve_mw: float = 0.0
    """Power held back in both directions, for swings of the load."""
    reserve_mwh: float = 0.0
    """Energy held back at both ends."""


@dataclass(frozen=True)
class Flexible:
    """Load that may be cut, with notice."""

    frac: float
    """Largest share of the load that may be cut."""
    usd_per_mwh: float
    """What a cut MWh costs: compute that is not sold, restarts."""
    hours_max_per_year: float = np.inf
    """Full-depth hours a year."""
    notice_h: float = 0.0
    """Hours from the word to full depth; the cut deepens by at most depth / notice per hour."""


@dataclass(frozen=True)
class Clean:
    """Rule for matching clean energy with the load."""

    rule: Rule = "none"
    frac: float = 0.0
    """Share of the load that was asked for, 0..1; a cut of the load does not lower it."""
    excess_max_frac: float = np.inf
    """Surplus sold on in a year, over the load of the year."""
    made_max_frac: float = np.inf
    """Clean energy made in a year, used or not, over the load of the year: the largest bet on contracts."""


@dataclass(frozen=True)
class Case:
    """Everything about one site's supply."""

    axis: Axis
    load_mw: Array
    """(N,)"""
    grid: Grid | None
    """None is an island."""
    sources: tuple[Source, ...] = ()
    plants: tuple[Plant, ...] = ()
    battery: Battery | None = None
    flexible: Flexible | None = None
    unserved_usd_per_mwh: float | None = None
    """Worth of lost load; None allows none."""

    def problems(self) -> list[str]:
        """Everything that is wrong with the numbers, in words; empty where nothing is."""
        n, found = self.axis.count, []
        series = [("load", self.load_mw, 0.0, np.inf)]
        series += [(f"profile of {s.name}", s.profile_frac, 0.0, 1.0) for s in self.sources]
        if self.grid is not None:
            series.append(("price", self.grid.price_usd_per_mwh, -np.inf, np.inf))
            if self.grid.sale_usd_per_mwh is not None:
                series.append(("sale price", self.grid.sale_usd_per_mwh, -np.inf, np.inf))
        for name, values, low, high in series:
            if np.shape(values) != (n,):
                found.append(f"{name}: has shape {np.shape(values)}, the axis has {n} steps")
            elif not np.isfinite(values).all():
                found.append(f"{name}: step {int(np.argmax(~np.isfinite(values)))} is not a number")
            elif values.min() < low or values.max() > high * (1 + 1e-9):
                found.append(f"{name}: lies in {values.min():g}..{values.max():g}, allowed {low:g}..{high:g}")
        if found:
            return found
        names = [s.name for s in self.sources] + [p.name for p in self.plants]
        found += [f"name {x!r} is used {names.count(x)} times" for x in dict.fromkeys(names) if names.count(x) > 1]
        return found + self._market_problems()

    def _market_problems(self) -> list[str]:
        grid, found = self.grid, []
        if grid is None:
            return [f"{s.name}: an island has no grid to deliver through" for s in self.sources if s.at != "site"]
        if grid.sale_usd_per_mwh is not None:
            # Contracts give the market a balance of its own, where energy can be bought and sold without delivery.
            delivery = 0.0 if any(s.at == "grid" for s in self.sources) else grid.adder_usd_per_mwh
            above = grid.sale_usd_per_mwh > grid.price_usd_per_mwh + delivery + 1e-9
            if above.any():
                found.append(f"sale price: step {int(np.argmax(above))} is above the purchase price: money for nothing")
        quarters = int(self.axis.quarter.max()) + 1
        limit = np.asarray(grid.import_limit_mw, dtype=np.float64)
        if limit.ndim and limit.shape != (quarters,):
            found.append(f"import limit: {limit.size} values for {quarters} quarters")
        return found
