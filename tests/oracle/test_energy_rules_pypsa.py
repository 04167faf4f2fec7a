"""PyPSA judges every rule and part of the dispatch: buses, links and stores with HiGHS, same least cost.

The judge is written the other way round: each source has its own hourly output, clean energy is what sources give and
is counted up to the share asked for, where kiban counts what is not clean down.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from kiban.energy.dispatch import (
    Answer,
    Axis,
    Battery,
    Case,
    Clean,
    DemandCharge,
    Flexible,
    Grid,
    Plant,
    Programme,
    Source,
)
from kiban.energy.profiles import MONTH_DAYS

pypsa = pytest.importorskip("pypsa")
pd = pytest.importorskip("pandas")
xr = pytest.importorskip("xarray")

pytestmark = [pytest.mark.oracle, pytest.mark.slow]

Array = NDArray[np.float64]
DAYS, HUGE = 2, 1e5


def axis_of(years: int = 1, weights: tuple[float, ...] = (1.0,)) -> Axis:
    """Two days of each month of each year, one chain for storage."""
    n = years * 12 * DAYS * 24
    month = np.repeat(np.arange(12 * years), DAYS * 24)
    given = np.array(weights)
    return Axis(
        np.repeat(np.tile(MONTH_DAYS, years) / DAYS, DAYS * 24).astype(float), 1.0, month // 12, month,
        np.arange(n) % 24, np.roll(np.arange(n), 1), given / given.sum(),
    )  # fmt: skip


def made(axis: Axis, seed: int = 3) -> tuple[Array, Array, Array, Array]:
    """Load, price, wind and sun."""
    random, n = np.random.default_rng(seed), axis.count
    clock = axis.clock
    price = 42 * np.exp(0.6 * random.standard_normal(n)) * (1 + 0.4 * np.sin(2 * np.pi * (clock - 12) / 24))
    wind = np.clip(0.4 + 0.35 * np.sin(2 * np.pi * np.arange(n) / 53) + 0.1 * random.standard_normal(n), 0, 1)
    cloud = random.uniform(0.4, 0.95, n // 24).repeat(24)
    sun = np.clip(np.sin(2 * np.pi * (clock - 6) / 24), 0, 1) * cloud * (1 - 0.4 * np.cos(axis.month * np.pi / 6))
    return 100 + 8 * np.cos(2 * np.pi * (clock - 15) / 24), price, wind, np.minimum(sun / 1.4, 1.0)


def contracts(axis: Axis, *, battery: bool = True, at: str = "grid", **grid: Any) -> Case:
    """Wind and sun paid as produced, a market to sell to, a battery."""
    load, price, wind, sun = made(axis)
    grid.setdefault("sale_usd_per_mwh", 0.6 * price)
    return Case(
        axis,
        load,
        Grid(price, grid.pop("import_limit_mw", 150.0), 4.0, **grid),
        (
            Source("wind", wind, at, usd_per_mwh=52.0),  # type: ignore[arg-type]
            Source("sun", sun, at, usd_per_mwh=47.0),  # type: ignore[arg-type]
        ),
        battery=Battery(28e3, 14e3, 0.94, 0.91, 0.7, 0.95) if battery else None,
    )


class Judge:
    """One case as a network, with what networks do not know as rows beside."""

    def __init__(self, case: Case, rule: Clean) -> None:
        self.case, self.rule, self.axis = case, rule, case.axis
        self.n = n = pypsa.Network(snapshots=pd.RangeIndex(case.axis.count))
        n.snapshot_weightings["objective"] = case.axis.cost_weight_h
        n.snapshot_weightings["generators"] = case.axis.weight_h
        n.snapshot_weightings["stores"] = 1.0
        n.add("Bus", ["market", "site", "cell", "paper"])
        n.add("Load", "load", bus="site", p_set=case.load_mw)
        self._grid(n)
        self._sources(n)
        self._site(n)

    def _grid(self, n: Any) -> None:
        g, axis = self.case.grid, self.axis
        assert g is not None
        limit = np.asarray(g.import_limit_mw, dtype=float)
        hourly = limit[axis.quarter] if limit.ndim else np.full(axis.count, float(limit))
        n.add("Generator", "purchase", bus="market", p_nom=HUGE, marginal_cost=g.price_usd_per_mwh)
        top = float(hourly.max())
        n.add("Link", "import", bus0="market", bus1="site", p_nom=top, p_max_pu=hourly / top,
              marginal_cost=g.adder_usd_per_mwh)  # fmt: skip
        if g.sale_usd_per_mwh is not None:
            n.add("Generator", "sale", bus="market", sign=-1, p_nom=HUGE, marginal_cost=-g.sale_usd_per_mwh)
            n.add("Link", "export", bus0="site", bus1="market", p_nom=max(g.export_limit_mw, 1e-9))

    def _sources(self, n: Any) -> None:
        w, g = self.axis.cost_weight_h, self.case.grid
        assert g is not None
        n.add("Generator", "shredder", bus="paper", sign=-1, p_nom=HUGE)
        for s in self.case.sources:
            virtual = s.at == "virtual"
            paid = s.usd_per_mw_year + float(w @ s.profile_frac) * s.usd_per_mwh
            if virtual:
                paid -= float(w @ (s.profile_frac * g.price_usd_per_mwh))
            n.add(
                "Generator", s.name, bus={"grid": "market", "site": "site", "virtual": "paper"}[s.at],
                p_nom_extendable=True, p_nom_min=s.mw_min, p_nom_max=s.mw_max, capital_cost=paid,
                p_max_pu=s.profile_frac, p_min_pu=s.profile_frac if virtual else 0.0,
            )  # fmt: skip

    def _site(self, n: Any) -> None:
        for p in self.case.plants:
            n.add(
                "Generator", p.name, bus="site", p_nom_extendable=True, capital_cost=p.usd_per_mw_year,
                marginal_cost=p.usd_per_mwh, p_max_pu=p.available_frac,
            )  # fmt: skip
        f, b = self.case.flexible, self.case.battery
        if f is not None:
            depth = f.frac * self.case.load_mw
            n.add("Generator", "cut", bus="site", p_nom=float(depth.max()), p_max_pu=depth / depth.max(),
                  marginal_cost=f.usd_per_mwh)  # fmt: skip
        if b is not None:
            n.add("Store", "store", bus="cell", e_nom_extendable=True, e_cyclic=True, e_max_pu=b.usable_frac,
                  capital_cost=b.usd_per_mwh_year)  # fmt: skip
            n.add("Link", "charge", bus0="site", bus1="cell", efficiency=b.charge_frac, p_nom=HUGE)
            n.add("Link", "discharge", bus0="cell", bus1="site", efficiency=b.discharge_frac, p_nom=HUGE,
                  marginal_cost=b.wear_usd_per_mwh * b.discharge_frac)  # fmt: skip

    def cost(self) -> float:
        status, condition = self.n.optimize(
            solver_name="highs", extra_functionality=self._rows, include_objective_constant=False, log_to_console=False
        )
        assert (status, condition) == ("ok", "optimal")
        return float(self.n.objective)

    def _p(self, name: str, of: str = "Generator-p") -> Any:
        held = self.n.model[of]
        return held.sel({next(d for d in held.dims if d != "snapshot"): name}, drop=True)

    def _size(self, name: str) -> Any:
        held = self.n.model["Generator-p_nom"]
        return held.sel({held.dims[0]: name}, drop=True)

    def _series(self, values: Array | float) -> Any:
        full = np.broadcast_to(np.asarray(values, dtype=float), (self.axis.count,))
        return xr.DataArray(full.copy(), coords={"snapshot": self.n.snapshots}, dims="snapshot")

    def _sum(self, variable: Any, weight: Array, steps: NDArray[np.bool_]) -> Any:
        return (variable * self._series(weight * steps)).sum()

    def _rows(self, n: Any, _: Any) -> None:
        m, case = n.model, self.case
        b = case.battery
        extra: list[Any] = []
        if b is not None:
            power = m.add_variables(lower=0, name="battery_mw")
            given = self._p("charge", "Link-p") + b.discharge_frac * self._p("discharge", "Link-p")
            m.add_constraints(given - power <= 0, name="battery_power")
            extra.append(b.usd_per_mw_year * power)
        for p in case.plants:
            run, size = self._p(p.name), self._size(p.name)
            for year in range(self.axis.years):
                if np.isfinite(p.hours_max_per_year):
                    there = self.axis.year == year
                    m.add_constraints(self._sum(run, self.axis.weight_h, there) - p.hours_max_per_year * size <= 0)
            if np.isfinite(p.ramp_frac_per_h):
                before = run.roll(snapshot=1)
                m.add_constraints(run - before - p.ramp_frac_per_h * size <= 0)
                m.add_constraints(before - run - p.ramp_frac_per_h * size <= 0)
        self._cuts(m)
        extra += list(self._charges(m))
        self._matching(m)
        if extra:
            total = m.objective.expression
            for term in extra:
                total = total + term
            m.add_objective(total, overwrite=True)

    def _cuts(self, m: Any) -> None:
        f, axis = self.case.flexible, self.axis
        if f is None:
            return
        cut, depth = self._p("cut"), f.frac * self.case.load_mw
        if f.notice_h:
            m.add_constraints(cut - cut.roll(snapshot=1) <= self._series(depth / f.notice_h))
        for year in range(axis.years):
            there = axis.year == year
            mean = np.average(self.case.load_mw[there], weights=axis.weight_h[there])
            m.add_constraints(self._sum(cut, axis.weight_h, there) <= f.hours_max_per_year * f.frac * mean)

    def _charges(self, m: Any) -> Iterator[Any]:
        grid, axis = self.case.grid, self.axis
        assert grid is not None
        drawn = self._p("import", "Link-p")
        for i, charge in enumerate(grid.charges):
            span = axis.month if charge.each == "month" else axis.year
            active = np.ones(axis.count, dtype=bool) if charge.active is None else charge.active
            for one in range(int(span.max()) + 1):
                peak = m.add_variables(lower=0, name=f"peak_{i}_{one}")
                steps = np.flatnonzero((span == one) & active)
                m.add_constraints(drawn.isel(snapshot=steps) - peak <= 0)
                yield charge.usd_per_mw * float(axis.year_weight[axis.year[steps[0]]]) * peak

    def _matching(self, m: Any) -> None:
        case, axis, rule = self.case, self.axis, self.rule
        grid = case.grid
        assert grid is not None
        w, load = axis.weight_h, case.load_mw
        virtual = [s for s in case.sources if s.at == "virtual"]
        matched = m.add_variables(lower=0, coords=[self.n.snapshots], name="matched") if virtual else None
        if matched is not None:
            m.add_constraints(matched - sum(s.clean_frac * self._p(s.name) for s in virtual) <= 0)
            m.add_constraints(matched - self._p("purchase") <= 0)
        span = axis.month if rule.rule == "monthly" else axis.year
        for one in range(int(span.max()) + 1 if rule.rule != "none" else 0):
            there = span == one
            asked = float((w * load)[there].sum())
            if rule.rule == "hourly":
                unclean = self._sum(self._p("purchase"), w * (1 - np.asarray(grid.clean_frac)), there)
                if matched is not None:
                    unclean = unclean - self._sum(matched, w * (1 - np.asarray(grid.clean_frac)), there)
                for name in [p.name for p in case.plants] + [s.name for s in case.sources if s.clean_frac == 0]:
                    unclean = unclean + self._sum(self._p(name), w, there)
                m.add_constraints(unclean <= (1 - rule.frac) * asked)
            else:
                clean = sum(self._sum(self._p(s.name), s.clean_frac * w, there) for s in case.sources)
                if case.flexible is not None:
                    clean = clean + self._sum(self._p("cut"), w, there)
                if grid.certificates_sold:
                    clean = clean - self._sum(self._p("sale"), w, there)
                m.add_constraints(clean >= rule.frac * asked)
        for year in range(axis.years if np.isfinite(rule.excess_max_frac) else 0):
            there = axis.year == year
            surplus = self._sum(self._p("sale"), w, there) if grid.sale_usd_per_mwh is not None else 0.0
            for s in virtual:
                surplus = surplus + self._sum(self._p(s.name), s.clean_frac * w, there)
            if matched is not None:
                surplus = surplus - self._sum(matched, w, there)
            m.add_constraints(surplus <= rule.excess_max_frac * float((w * load)[there].sum()))


def agree(case: Case, rule: Clean) -> Answer:
    """Solve both ways."""
    ours = Programme(case).solve(rule)
    assert ours.cost_usd_per_year == pytest.approx(Judge(case, rule).cost(), rel=1e-6)
    assert sum(ours.cost_items_usd_per_year.values()) == pytest.approx(ours.cost_usd_per_year, rel=1e-6)
    assert ours.balance_residual_mw < 1e-6
    return ours


def test_monthly_rule_with_sale_and_battery() -> None:
    case = contracts(axis_of())
    monthly, annual = agree(case, Clean("monthly", 0.9)), agree(case, Clean("annual", 0.9))
    assert monthly.cost_usd_per_year > annual.cost_usd_per_year * (1 + 1e-4)
    assert monthly.size_mw["wind"] > 1 and monthly.size_mw["sun"] > 1


def test_annual_rule_with_a_cap_on_surplus_and_an_unclean_block() -> None:
    case = contracts(axis_of())
    block = Source("block", np.ones(case.axis.count), "grid", usd_per_mwh=25.0, clean_frac=0.0, mw_min=5.0, mw_max=15.0)
    case = replace(case, sources=(*case.sources, block))
    free, capped = agree(case, Clean("annual", 0.8)), agree(case, Clean("annual", 0.8, excess_max_frac=0.05))
    w = case.axis.weight_h
    assert w @ capped.flow_mw["sold"] == pytest.approx(0.05 * (w @ case.load_mw))
    assert w @ free.flow_mw["sold"] > 0.1 * (w @ case.load_mw)
    assert capped.size_mw["block"] > 1


@pytest.mark.parametrize("rule", ["annual", "monthly"])
def test_surplus_sold_with_its_certificates_matches_nothing(rule: str) -> None:
    case = contracts(axis_of(), battery=False, certificates_sold=True)
    answer = agree(case, Clean(rule, 0.7))  # type: ignore[arg-type]
    kept = agree(contracts(axis_of(), battery=False), Clean(rule, 0.7))  # type: ignore[arg-type]
    assert answer.cost_usd_per_year > kept.cost_usd_per_year * (1 + 1e-4)


@pytest.mark.parametrize("rule", ["annual", "monthly", "hourly"])
def test_virtual_contracts_as_produced_and_baseload(rule: str) -> None:
    axis = axis_of()
    random = np.random.default_rng(1)
    case = contracts(axis, at="virtual", clean_frac=random.uniform(0.2, 0.6, axis.count))
    block = Source("block", np.ones(axis.count), "virtual", usd_per_mwh=58.0, mw_max=20.0)
    case = replace(case, sources=(*case.sources, block))
    answer = agree(case, Clean(rule, 0.85, excess_max_frac=0.25))  # type: ignore[arg-type]
    assert answer.size_mw["wind"] + answer.size_mw["sun"] > 1


def test_physical_baseload_beside_contracts_as_produced_by_the_hour() -> None:
    case = contracts(axis_of(), clean_frac=np.full(axis_of().count, 0.3))
    block = Source("block", np.ones(case.axis.count), "grid", usd_per_mwh=55.0, mw_max=40.0)
    answer = agree(replace(case, sources=(*case.sources, block)), Clean("hourly", 0.9))
    assert answer.size_mw["block"] > 1 and answer.size_mw["wind"] > 1
    assert answer.clean_frac == pytest.approx(0.9, abs=1e-6)


def test_demand_charges_by_month_by_year_and_in_a_window() -> None:
    axis = axis_of()
    window = (axis.clock >= 16) & (axis.clock < 21)
    charges = (DemandCharge(3000.0, "month", name="all"), DemandCharge(9000.0, "month", window, "evening"),
               DemandCharge(15000.0, "year", name="yearly"))  # fmt: skip
    case = contracts(axis, charges=charges)
    answer = agree(case, Clean())
    assert answer.size_mw["battery"] > 1


def test_curtailable_load_with_notice_and_a_plant_that_ramps() -> None:
    case = contracts(axis_of(), battery=False, import_limit_mw=101.0)
    case = replace(
        case,
        flexible=Flexible(0.15, 120.0, hours_max_per_year=200.0, notice_h=3.0),
        plants=(Plant("gas", 60e3, 55.0, hours_max_per_year=3000.0, available_frac=0.93, ramp_frac_per_h=0.3),),
    )
    answer = agree(case, Clean("annual", 0.5))
    assert answer.flow_mw["cut"].max() > 1 and answer.size_mw["gas"] > 1


def test_gas_first_and_the_grid_by_quarters() -> None:
    case = contracts(axis_of(), import_limit_mw=np.array([0.0, 40.0, 80.0, 150.0]))
    case = replace(case, plants=(Plant("turbine", 90e3, 48.0),))
    answer = agree(case, Clean("annual", 0.4))
    assert answer.flow_mw["inflow"][case.axis.quarter == 0].max() == 0.0
    assert answer.size_mw["turbine"] > 50


def test_own_plant_that_exports_at_prices_below_zero() -> None:
    axis = axis_of()
    load, price, wind, sun = made(axis)
    price = price - 25.0
    sale = np.minimum(0.6 * np.maximum(price, 0), price)
    case = Case(
        axis, load, Grid(price, 130.0, 4.0, sale, export_limit_mw=60.0),
        (Source("wind", wind, "site", usd_per_mw_year=60e3), Source("sun", sun, "site", usd_per_mw_year=40e3)),
        battery=Battery(28e3, 14e3, 0.94, 0.91, 0.7),
    )  # fmt: skip
    answer = agree(case, Clean("annual", 0.6))
    assert answer.flow_mw["outflow"].max() > 1


def test_two_years_of_unequal_weight() -> None:
    axis = axis_of(2, (3.0, 1.0))
    limit = np.array([60.0, 80.0, 150.0, 150.0, 150.0, 150.0, 150.0, 150.0])
    case = contracts(axis, import_limit_mw=limit, charges=(DemandCharge(4000.0, "month"),))
    case = replace(case, plants=(Plant("turbine", 80e3, 50.0, hours_max_per_year=4000.0),))
    for rule in ("annual", "monthly", "hourly"):
        agree(case, Clean(rule, 0.6, excess_max_frac=0.3))  # type: ignore[arg-type]
