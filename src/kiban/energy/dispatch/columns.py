"""Columns of the dispatch: flows at the connection, flows on site, sizes."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from kiban.energy.dispatch.builder import Builder
from kiban.energy.dispatch.parts import Plant, Source


def add_columns(b: Builder) -> None:
    """Add all columns but those of demand peaks."""
    _grid_columns(b)
    _site_columns(b)
    _capacity_columns(b)


def _grid_columns(b: Builder) -> None:
    case, n = b.case, b.case.axis.count
    if case.grid is None:
        return
    g, w = case.grid, case.axis.cost_weight_h
    price, limit = w * g.price_usd_per_mwh, b.limit(g.import_limit_mw)
    through = w * g.adder_usd_per_mwh
    if b.contracts:
        b.add("purchase", n, "bought on the market", price)
        b.add("inflow", n, "what the connection brings", through, upper=limit, relaxable=True)
    else:
        b.names["purchase"] = b.add(
            "inflow", n, "what the connection brings", price + through, upper=limit, relaxable=True
        )
    earned = None if g.sale_usd_per_mwh is None else -w * g.sale_usd_per_mwh
    if b.contracts and earned is not None:
        b.add("sold", n, "surplus sold on", earned)
    if g.export_limit_mw > 0 and earned is not None:
        cost: ArrayLike = 0.0 if b.contracts else earned
        block = b.add("outflow", n, "what the site sends out", cost, upper=g.export_limit_mw)
        b.names.setdefault("sold", block)


def _site_columns(b: Builder) -> None:
    case, axis, w = b.case, b.case.axis, b.case.axis.cost_weight_h
    n = axis.count
    for plant in case.plants:
        b.add(f"{plant.name}_run", n, f"output of {plant.name}", w * np.asarray(plant.usd_per_mwh))
    if case.battery is not None:
        b.add("charge", n, "into the battery")
        b.add("discharge", n, "out of the battery", w * case.battery.wear_usd_per_mwh)
        b.add("state", n, "battery content", lower=case.battery.reserve_mwh, unit="MWh")
    if case.flexible is not None:
        depth = case.flexible.frac * case.load_mw
        b.add("cut", n, "load cut with notice", w * case.flexible.usd_per_mwh, upper=depth)
    if case.unserved_usd_per_mwh is not None:
        b.add("unserved", n, "load not served", w * case.unserved_usd_per_mwh, upper=case.load_mw)


def _capacity_columns(b: Builder) -> None:
    parts: list[Source | Plant] = [*b.case.sources, *b.case.plants]
    for part in parts:
        cost = part.usd_per_mw_year
        if isinstance(part, Source):
            cost = b.source_cost(part, part.usd_per_mw_year, part.usd_per_mwh)
        b.add(
            f"{part.name}_mw", 1, f"size of {part.name}", cost,
            lower=part.mw_min, upper=part.mw_max, relaxable=bool(np.isfinite(part.mw_max)),
        )  # fmt: skip
    for source in b.case.sources:
        if source.partly_unclean:
            b.add(f"{source.name}_unused", b.case.axis.count, f"output of {source.name} thrown away")
    battery = b.case.battery
    if battery is not None:
        cost = battery.usd_per_mw_year + (battery.hours or 0.0) * battery.usd_per_mwh_year
        b.add("battery_mw", 1, "battery power", cost, lower=battery.mw_min, upper=battery.mw_max)
        if battery.hours is None:
            b.add("battery_mwh", 1, "battery energy", battery.usd_per_mwh_year, upper=battery.mwh_max, unit="MWh")
