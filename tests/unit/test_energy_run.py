"""The room from door to door on the embedded catalogue: four cases, contracts of the result, warnings."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kiban.catalog import Catalog, load_catalog
from kiban.energy import model, run_energy
from kiban.energy.inputs import build_inputs
from kiban.results import Site, Supply
from kiban.scenario import Scenario

SEED = 4


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog()


def _scenario(sites: list[dict[str, Any]], **energy: Any) -> Scenario:
    def span(value: float) -> dict[str, float]:
        return {"value": value, "low": value, "high": value}

    return Scenario.model_validate(
        {
            "kiban": 1,
            "name": "test",
            "title": "energy room",
            "demand": {
                "run_rate_revenue_usd_per_year": span(1e9),
                "programme_share_frac": span(0.5),
                "blended_token_price_usd_per_mtok": span(2.0),
                "research_compute_multiple": span(1.0),
                "serving_gain_per_year": span(1.3),
                "regions": [{"name": "us", "share_frac": 1.0}],
            },
            "sites": [{"rungs": ["owned"], "max_it_mw": 100, **s} for s in sites],
            "ladder": {"budget_usd": 1e9, "accelerators": ["gb300"]},
            "energy": energy,
        }
    )


TEXAS = {"name": "west_texas", "weather": "abilene_tx", "state": "tx", "grid": "ercot"}
TWIN = {**TEXAS, "name": "twin"}
NEW_YORK = {"name": "western_new_york", "weather": "stamp_genesee_ny", "state": "ny", "grid": "nyiso"}
LOUISIANA = {"name": "river_bend", "weather": "river_bend_la", "state": "la", "grid": "miso"}


def _site(names: list[str], twin_of: dict[str, str] | None = None) -> Site:
    count, hour = len(names), np.arange(8760)
    clock, year = hour % 24, 2 * np.pi * hour / 8760
    kin = [(twin_of or {}).get(n, n) for n in names]
    random = {k: np.random.default_rng(len(k)) for k in kin}
    weather = {
        k: (
            np.maximum(np.sin(2 * np.pi * (clock - 6) / 24), 0) * 800 * (1 - 0.3 * np.cos(year))
            * r.uniform(0.5, 1.0, 365).repeat(24),
            4.5 * np.exp(0.4 * np.convolve(r.standard_normal(8760 + 11), np.ones(12) / np.sqrt(12), "valid")),
        )
        for k, r in random.items()
    }  # fmt: skip
    pue = np.tile(1.18 - 0.05 * np.cos(year) - 0.02 * np.cos(2 * np.pi * (clock - 3) / 24), (count, 1))
    zero = np.zeros(count)
    return Site(
        sites=tuple(names),
        hourly_dry_bulb_degc=np.full((count, 8760), 15.0),
        hourly_wet_bulb_degc=np.full((count, 8760), 10.0),
        hourly_wind_speed_m_per_s=np.stack([weather[k][1] for k in kin]),
        hourly_ghi_w_per_m2=np.stack([weather[k][0] for k in kin]),
        hourly_pue=pue,
        hourly_wue_l_per_kwh=np.zeros((count, 8760)),
        site_annual_pue=pue.mean(axis=1),
        site_annual_wue_l_per_kwh=zero,
        site_peak_pue=pue.max(axis=1),
        construction_lines=(),
        site_construction_usd_per_kw=np.zeros((count, 0)),
        site_build_months=np.zeros((count, 3)),
        site_operations_fte_per_mw=zero,
        site_wage_usd_per_year=zero,
        site_construction_job_years_per_mw=zero,
        site_maintenance_usd_per_kw_year=zero,
        weather_label="synthetic",
    )


@pytest.fixture(scope="module")
def supply(catalog: Catalog) -> Supply:
    scenario = _scenario([TEXAS, TWIN, NEW_YORK], supply="ppa", matching="annual", clean_frac=0.6)
    site = _site([s.name for s in scenario.sites], {"twin": "west_texas"})
    return run_energy(scenario, catalog, site, SEED)


def test_the_chosen_case_comes_first_and_all_four_are_there(supply: Supply) -> None:
    for cases in supply.cases:
        assert [c.name for c in cases] == ["plan", "grid", "annual", "hourly"]
    assert supply.site_energy_usd_per_mwh == pytest.approx([c[0].energy_usd_per_mwh for c in supply.cases])


def test_shapes_balance_and_residuals(supply: Supply) -> None:
    for case in (c for cases in supply.cases for c in cases):
        assert case.hourly_flow_mw.shape == (len(case.sources), 8760)
        assert np.allclose(case.hourly_flow_mw.sum(axis=0), case.hourly_load_mw, rtol=1e-9, atol=1e-9)
        assert case.balance_residual < 1e-9
        assert case.capacity_mw.min() >= 0
    assert max(supply.residuals.values()) < 1e-6


def test_order_of_cases(supply: Supply) -> None:
    for plan, _, annual, hourly in supply.cases:
        assert plan.energy_usd_per_mwh == annual.energy_usd_per_mwh
        assert hourly.energy_usd_per_mwh >= annual.energy_usd_per_mwh * (1 - 1e-9)
        assert annual.annual_clean_frac >= 0.6 - 1e-6
        assert hourly.clean_frac >= 0.6 - 1e-6
        assert 0 <= hourly.clean_frac <= 1


def test_identical_sites_are_solved_once(supply: Supply) -> None:
    assert supply.cases[0] is supply.cases[1]


def test_sites_of_one_grid_share_prices_and_other_grids_do_not(supply: Supply) -> None:
    texas, _, york = (c[1].hourly_price_usd_per_mwh for c in supply.cases)
    assert not np.allclose(texas, york)


def test_energy_price_is_in_the_range_of_retail_tariffs(supply: Supply, catalog: Catalog) -> None:
    """EIA industrial averages of 2023 are 66.0 (TX) and 68.7 USD/MWh (NY); a flat large load should lie near them."""
    for cases, state in zip(supply.cases[::2], ("tx", "ny"), strict=True):
        published = catalog.value(f"tariff.us_{state}.industrial_average_usd_per_mwh.2023")
        assert 0.7 * published < cases[1].energy_usd_per_mwh < 1.3 * published


def test_average_and_marginal_carbon_are_different_numbers(supply: Supply, catalog: Catalog) -> None:
    grid = supply.cases[0][1]
    assert grid.average_kg_co2_per_mwh == pytest.approx(
        catalog.value("grid.ercot.average_direct_kg_co2_per_mwh.2023"), rel=0.02
    )
    assert grid.marginal_kg_co2_per_mwh == pytest.approx(
        catalog.value("grid.avert_texas.marginal_kg_co2_per_mwh.2023"), rel=0.02
    )


def test_the_grid_signals_of_the_hours_give_back_the_carbon_of_every_case(supply: Supply) -> None:
    for case in (c for cases in supply.cases for c in cases):
        flow = dict(zip(case.sources, case.hourly_flow_mw, strict=True))
        drawn = case.hourly_load_mw - flow["battery"] - flow["gas"]
        burnt = case.gas_kg_co2_per_mwh * flow["gas"].sum()
        for signal, mean in (
            (case.hourly_grid_average_kg_co2_per_mwh, case.average_kg_co2_per_mwh),
            (case.hourly_grid_marginal_kg_co2_per_mwh, case.marginal_kg_co2_per_mwh),
        ):
            # The model's weeks end one day before the year does.
            assert (signal @ drawn + burnt) / case.hourly_load_mw.sum() == pytest.approx(mean, rel=2e-3)


def test_warnings_name_the_abnormal_month_and_the_assumed_rows(supply: Supply) -> None:
    text = "\n".join(supply.warnings)
    assert "ercot_hub_avg month 8" in text
    assert "assumed: ppa.nyiso.wind_p25_usd_per_mwh" in text
    assert "assumed: tariff.ny_national_grid.transmission_demand_usd_per_kw_month" in text
    assert "fuel.natural_gas" not in text


def test_traces_lead_to_rows(supply: Supply, catalog: Catalog) -> None:
    trace = next(t for t in supply.traces if t.name == "energy.energy_usd_per_mwh.west_texas.plan")
    assert trace.value == supply.cases[0][0].energy_usd_per_mwh
    rows = [i for i in trace.inputs if not i.startswith(("facility.", "scenario."))]
    assert rows and all(catalog.has(i) or i in catalog.table_names() for i in rows)


def test_grid_only_equals_the_bill_by_hand(catalog: Catalog) -> None:
    scenario = _scenario([LOUISIANA], supply="grid", matching="none", clean_frac=0.0)
    site = _site(["river_bend"])
    result = run_energy(scenario, catalog, site, SEED)
    factor = (1 + scenario.finance.inflation_frac_per_year) ** (scenario.horizon.price_year - 2023)
    flat = catalog.value("tariff.us_la.industrial_average_usd_per_mwh.2023") * factor
    assert [c.name for c in result.cases[0]] == ["plan", "grid"]
    assert result.site_energy_usd_per_mwh[0] == pytest.approx(flat, rel=1e-9)
    assert result.cases[0][0].clean_frac == 0.0
    assert not any("ppa." in w for w in result.warnings)


def test_carbon_price_is_paid_on_purchases(catalog: Catalog) -> None:
    base = _scenario([LOUISIANA], supply="grid", matching="none", clean_frac=0.0)
    taxed = _scenario([LOUISIANA], supply="grid", matching="none", clean_frac=0.0, carbon_price_usd_per_t=100)
    site = _site(["river_bend"])
    low, high = (run_energy(s, catalog, site, SEED) for s in (base, taxed))
    gap = high.site_energy_usd_per_mwh[0] - low.site_energy_usd_per_mwh[0]
    assert gap == pytest.approx(0.1 * low.site_kg_co2_per_mwh[0], rel=1e-9)


def test_same_seed_same_price_other_seed_other_price_same_mean(catalog: Catalog) -> None:
    scenario = _scenario([NEW_YORK], supply="grid")
    site = _site(["western_new_york"])
    one, again, other = (build_inputs(scenario, catalog, site, seed)[0][0] for seed in (1, 1, 2))
    assert np.array_equal(one.hourly_price_usd_per_mwh, again.hourly_price_usd_per_mwh)
    assert not np.allclose(one.hourly_price_usd_per_mwh, other.hourly_price_usd_per_mwh)
    assert one.hourly_price_usd_per_mwh.mean() == pytest.approx(other.hourly_price_usd_per_mwh.mean(), rel=1e-9)


def test_capacity_factors_are_those_of_the_catalogue(catalog: Catalog) -> None:
    scenario = _scenario([TEXAS], supply="ppa")
    one = build_inputs(scenario, catalog, _site(["west_texas"]), SEED)[0][0]
    assert one.hourly_wind_frac.mean() == pytest.approx(
        catalog.value("fleet.ercot.wind_capacity_factor_frac.annual"), rel=0.01
    )
    assert one.hourly_solar_frac.mean() == pytest.approx(
        catalog.value("fleet.ercot.solar_capacity_factor_frac.annual"), rel=0.01
    )


def test_onsite_gas_behind_a_short_connection(catalog: Catalog) -> None:
    key = "energy.interconnection_mw_per_peak_mw"
    short = catalog.with_overrides({key: (0.5, "test of a short connection")})
    scenario = _scenario([TEXAS], supply="onsite", matching="none", clean_frac=0.0)
    result = run_energy(scenario, short, _site(["west_texas"]), SEED)
    case = result.cases[0][0]
    assert any("needs a wider grid connection" in w for w in result.warnings)
    assert case.capacity_mw[model.GAS] > 0.1
    assert case.capex_usd_per_kw > 100
    assert case.interconnection_value_usd_per_kw_year > 0
    assert case.average_kg_co2_per_mwh > 330


def test_a_grid_without_a_price_is_refused_in_words(catalog: Catalog) -> None:
    lost = {**LOUISIANA, "state": "zz"}
    scenario = _scenario([lost], supply="grid")
    with pytest.raises(ValueError, match=r"no hourly price for grid miso and no tariff for state zz"):
        run_energy(scenario, catalog, _site(["river_bend"]), SEED)


def test_a_missing_site_is_refused(catalog: Catalog) -> None:
    scenario = _scenario([TEXAS], supply="grid")
    with pytest.raises(ValueError, match="not among the sites"):
        run_energy(scenario, catalog, _site(["elsewhere"]), SEED)
