"""Rungs, taxes and policy events resolved from scenario and catalogue."""

from __future__ import annotations

import numpy as np
import plan_fixtures as fx
import pytest

from kiban.plan.actions import _chance
from kiban.plan.money import remaining_rent
from kiban.plan.policy import earliest_power, earliest_start, interconnection_usd_per_kw, quarters_of
from kiban.plan.rungs import hall_rung, site_terms
from kiban.plan.taxes import state_tax

CATALOG = fx.PlanCatalog()


def test_new_york_pause_moves_large_new_halls_to_the_first_whole_quarter_after_it() -> None:
    scenario = fx.scenario()
    index, why = earliest_start(CATALOG, scenario, "ny", 60.0)  # type: ignore[arg-type]
    assert index == 4 and "2027Q4" in why
    assert earliest_start(CATALOG, scenario, "ny", 49.0) == (0, "")  # type: ignore[arg-type]
    assert earliest_start(CATALOG, scenario, "tx", 600.0) == (0, "")  # type: ignore[arg-type]


def test_texas_charges_large_loads_for_connection() -> None:
    assert interconnection_usd_per_kw(CATALOG, "tx", 100.0, 1.3) == pytest.approx(65.0)  # type: ignore[arg-type]
    assert interconnection_usd_per_kw(CATALOG, "tx", 70.0, 1.3) == 0.0  # type: ignore[arg-type]
    assert interconnection_usd_per_kw(CATALOG, "ny", 100.0, 1.3) == 0.0  # type: ignore[arg-type]


def test_the_date_of_the_scenario_wins_over_the_queue() -> None:
    scenario = fx.scenario()
    assert earliest_power(CATALOG, scenario, 1, 500.0) == 4  # type: ignore[arg-type]
    free = scenario.model_copy(
        update={"sites": [s.model_copy(update={"grid_ready_quarter": None}) for s in scenario.sites]}
    )
    assert earliest_power(CATALOG, free, 1, 500.0) == 12  # type: ignore[arg-type]
    assert earliest_power(CATALOG, free, 1, 20.0) == 0  # type: ignore[arg-type]
    assert earliest_power(CATALOG, free, 0, 20.0) == 14  # type: ignore[arg-type]


def test_servers_are_taxed_in_texas_and_not_in_new_york() -> None:
    texas = state_tax(CATALOG, "tx", 1e9, 100.0)  # type: ignore[arg-type]
    york = state_tax(CATALOG, "ny", 1e9, 100.0)  # type: ignore[arg-type]
    assert texas.silicon_property_frac_per_year == pytest.approx(0.018 * (1 - 0.65 * 0.5) * 0.45)
    assert york.silicon_property_frac_per_year == 0.0
    assert texas.silicon_sales_frac == pytest.approx(0.02)
    assert state_tax(CATALOG, "tx", 1e8, 100.0).silicon_sales_frac == pytest.approx(0.0825)  # type: ignore[arg-type]
    assert state_tax(CATALOG, "oh", 1e9, 100.0).silicon_sales_frac == pytest.approx(0.007)  # type: ignore[arg-type]


def test_rungs_of_one_site() -> None:
    scenario = fx.scenario()
    site, supply = fx.site(scenario), fx.supply(scenario)
    terms = site_terms(CATALOG, scenario, site, supply, 1)  # type: ignore[arg-type]
    cost = 12500 * 1.02 + 50 * 1.35
    assert terms.construction_usd_per_kw == pytest.approx(cost)
    assert terms.recoverable_usd_per_kw == pytest.approx(1.02 * (700 * 0.9 + 11800 * 0.7))
    rungs = {
        kind: hall_rung(CATALOG, scenario, fx.fleet(), terms, 1, kind)  # type: ignore[arg-type]
        for kind in ("operator_sublet", "landlord_lease", "build_to_suit", "owned")
    }
    assert rungs["operator_sublet"].rent_usd_per_kw_month == pytest.approx(128 * 1.1)
    assert rungs["build_to_suit"].rent_usd_per_kw_month == pytest.approx(cost * 0.113 / 12)
    assert rungs["owned"].rent_usd_per_kw_month == 0 and rungs["owned"].capex_usd_per_kw == pytest.approx(cost)
    assert [r.lead_time_quarters for r in rungs.values()] == [6, 4, 8, 8]
    assert [r.term_quarters for r in rungs.values()] == [40, 60, 60, 80]
    upkeep = 120 + 0.3 * 120e3 / 1e3
    gap = rungs["owned"].operation_usd_per_kw_year - rungs["operator_sublet"].operation_usd_per_kw_year
    assert gap == pytest.approx(upkeep)


def test_months_round_to_the_nearest_quarter() -> None:
    assert [quarters_of(m) for m in (0, 1, 2, 9, 13, 18, 27)] == [0, 0, 1, 3, 4, 6, 9]


def test_rest_of_a_lease_is_a_geometric_sum() -> None:
    assert remaining_rent(0.0, 1.0, 3, 10) == pytest.approx(7)
    assert remaining_rent(0.0, 1.0, 12, 10) == 0
    q = 1.1**-0.25
    assert remaining_rent(0.1, 1.0, 0, 8) == pytest.approx(q * (1 - q**8) / (1 - q))
    g = 1.03**0.25
    assert remaining_rent(0.1, 1.03, 4, 6) == pytest.approx(g**4 * q + g**5 * q**2)


def test_chance_counts_a_history_once() -> None:
    parent = np.array([-1, 0, 0, 1, 2])
    probability = np.array([1.0, 0.3, 0.7, 0.3, 0.7])
    assert _chance(parent, probability, np.array([False, True, False, True, False])) == pytest.approx(0.3)
    assert _chance(parent, probability, np.array([False, False, False, True, True])) == pytest.approx(1.0)
