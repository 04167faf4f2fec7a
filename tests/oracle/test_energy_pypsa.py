"""PyPSA judges the supply programme: two weeks with grid, wind, solar, battery and gas, same least cost."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from kiban.energy import model
from kiban.energy.lp import Costs, Matching, Series, SupplyModel
from kiban.energy.weeks import Periods

pypsa = pytest.importorskip("pypsa")
pd = pytest.importorskip("pandas")

pytestmark = pytest.mark.oracle

HOURS = 336
WEIGHT = 8760 / HOURS
COSTS = Costs(
    grid_adder_usd_per_mwh=3.0,
    demand_usd_per_mw_year=40_000.0,
    import_limit_mw=0.85,
    wind_usd_per_mwh=48.0,
    solar_usd_per_mwh=52.0,
    battery_usd_per_mw_year=30_000.0,
    battery_usd_per_mwh_year=9_000.0,
    battery_one_way_frac=0.92,
    gas_usd_per_mw_year=90_000.0,
    gas_usd_per_mwh=40.0,
    contracted_max_frac=1e3,
    onsite_gas=True,
)


def _series() -> Series:
    random = np.random.default_rng(11)
    hour = np.arange(HOURS)
    clock = hour % 24
    price = 45 * np.exp(0.7 * random.standard_normal(HOURS)) * (1 + 0.4 * np.sin(2 * np.pi * (clock - 12) / 24))
    wind = np.clip(0.38 + 0.35 * np.sin(2 * np.pi * hour / 53) + 0.1 * random.standard_normal(HOURS), 0, 1)
    solar = np.clip(np.sin(2 * np.pi * (clock - 6) / 24), 0, 1) * random.uniform(0.4, 0.9, 14).repeat(24)
    load = 0.95 + 0.06 * np.cos(2 * np.pi * (clock - 15) / 24)
    return Series(load, price, 0.7 * price, wind, solar)


def _network(s: Series, c: Costs) -> Any:
    """Two buses: market and contracts meet on the grid side, load, battery and gas on the site's."""
    n = pypsa.Network(snapshots=pd.RangeIndex(HOURS))
    n.snapshot_weightings["objective"] = WEIGHT
    n.snapshot_weightings["generators"] = WEIGHT
    n.add("Bus", ["grid", "site", "cell"])
    n.add("Load", "load", bus="site", p_set=s.load_mw)
    n.add("Generator", "purchase", bus="grid", p_nom=1e3, marginal_cost=s.price_usd_per_mwh)
    n.add("Generator", "sale", bus="grid", sign=-1, p_nom=1e3, marginal_cost=-s.sale_usd_per_mwh)
    for name, factor, strike in (
        ("wind", s.wind_frac, c.wind_usd_per_mwh),
        ("solar", s.solar_frac, c.solar_usd_per_mwh),
    ):
        paid = strike * WEIGHT * float(factor.sum())
        n.add("Generator", name, bus="grid", p_nom_extendable=True, capital_cost=paid, p_max_pu=factor)
    n.add(
        "Link", "import", bus0="grid", bus1="site", p_nom_extendable=True, p_nom_max=c.import_limit_mw,
        capital_cost=c.demand_usd_per_mw_year, marginal_cost=c.grid_adder_usd_per_mwh,
    )  # fmt: skip
    n.add(
        "Generator", "gas", bus="site", p_nom_extendable=True, capital_cost=c.gas_usd_per_mw_year,
        marginal_cost=c.gas_usd_per_mwh,
    )  # fmt: skip
    eff = c.battery_one_way_frac
    n.add("Store", "store", bus="cell", e_nom_extendable=True, e_cyclic=True, capital_cost=c.battery_usd_per_mwh_year)
    n.add("Link", "charge", bus0="site", bus1="cell", efficiency=eff, p_nom_extendable=True)
    n.add(
        "Link", "discharge", bus0="cell", bus1="site", efficiency=eff, p_nom_extendable=True,
        capital_cost=c.battery_usd_per_mw_year * eff,
    )  # fmt: skip
    return n


@pytest.mark.parametrize(
    ("rule", "matched_frac", "import_limit_mw", "most_frac"),
    [("none", 0.0, 0.85, 1e3), ("hourly", 0.8, 1.2, 1e3), ("annual", 0.9, 1.2, 0.9), ("annual", 0.7, 1.2, 0.95),
     ("monthly", 0.7, 1.2, 1.0)],
)  # fmt: skip
def test_same_least_cost_as_pypsa(
    rule: Matching, matched_frac: float, import_limit_mw: float, most_frac: float
) -> None:
    series = _series()
    costs = replace(COSTS, import_limit_mw=import_limit_mw, contracted_max_frac=most_frac)
    hours = np.arange(HOURS)
    month = hours * 12 // HOURS
    periods = Periods(hours, np.full(HOURS, WEIGHT), month, np.roll(hours, 1), np.arange(8760) % HOURS)
    ours = SupplyModel(series, periods, costs).solve(rule, matched_frac)

    network = _network(series, costs)

    def couple(n: Any, _: Any) -> None:
        rating = n.model["Link-p_nom"]
        name = rating.dims[0]
        n.model.add_constraints(
            rating.sel({name: "charge"}, drop=True)
            - COSTS.battery_one_way_frac * rating.sel({name: "discharge"}, drop=True)
            == 0
        )
        contracted = n.model["Generator-p"].sel({name: ["wind", "solar"]}).sum(name)
        if most_frac < 1e3:
            n.model.add_constraints(contracted.sum() <= most_frac * float(series.load_mw.sum()))
        if rule in ("annual", "monthly"):
            for one in range(12) if rule == "monthly" else (None,):
                there = month == one if one is not None else np.ones(HOURS, dtype=bool)
                some = contracted.isel(snapshot=np.flatnonzero(there))
                n.model.add_constraints(some.sum() >= matched_frac * float(series.load_mw[there].sum()))
        if rule == "hourly":
            unclean = n.model["Generator-p"].sel({name: ["purchase", "gas"]}).sum()
            n.model.add_constraints(unclean <= (1 - matched_frac) * float(series.load_mw.sum()))

    status, condition = network.optimize(
        solver_name="highs", extra_functionality=couple, include_objective_constant=False
    )
    assert (status, condition) == ("ok", "optimal")
    assert ours.cost_usd_per_year == pytest.approx(float(network.objective), rel=1e-6)
    # The cases are worth judging only if plant takes part: gas behind a tight connection, contracts where matched.
    assert ours.storage_mwh > 0.01
    assert np.all(ours.capacity_mw[[model.WIND, model.SOLAR] if matched_frac else [model.GAS]] > 0.01)
    assert ours.storage_mwh == pytest.approx(float(network.stores.e_nom_opt["store"]), rel=1e-3)
    assert ours.capacity_mw[model.WIND] == pytest.approx(float(network.generators.p_nom_opt["wind"]), abs=1e-4)
