"""Cases of the scoreboard about money, against sums worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from kiban.catalog import Catalog, load_catalog
from kiban.report.validation import operator_cases, price_cases, reopt_cases, training_money_cases


@pytest.fixture(scope="module")
def cat() -> Catalog:
    return load_catalog()


def test_net_plant_and_revenue(cat: Catalog) -> None:
    net = operator_cases.plant_net_busd({"purchases_busd": [2.943, 8.702], "life_years": 6.0}, cat)
    assert net == pytest.approx(2.943 * (1 - 1.5 / 6) + 8.702 * (1 - 0.5 / 6))
    assert operator_cases.plant_net_busd({"purchases_busd": [5.0, 0.0, 0.0], "life_years": 2.0}, cat) == 0.0
    per_kw = cat.value("contract.neocloud.usd_per_kw_year")
    assert operator_cases.neocloud_revenue_musd({"active_mw": [400.0, 600.0]}, cat) == pytest.approx(125 * per_kw / 1e3)


def test_depreciation_lowers_the_margin_by_capital_over_life(cat: Catalog) -> None:
    inputs = {
        "accelerator": "h100_sxm", "price_year": 2025, "it_mw": 100.0, "load_frac": 0.8, "pue": 1.2,
        "energy_usd_per_mwh": 70.0,
    }  # fmt: skip
    gap = operator_cases.neocloud_margin_frac(inputs, cat) - operator_cases.neocloud_margin_frac(
        {**inputs, "life_years": 5.0}, cat
    )
    per_mw_busd = operator_cases.silicon_of_mw_busd({**inputs, "it_mw": 1.0}, cat)
    assert gap == pytest.approx(per_mw_busd * 1e6 / 5 / cat.value("contract.neocloud.usd_per_kw_year"))


def test_a_sold_hour_is_the_annual_cost_over_the_hours_sold(cat: Catalog) -> None:
    inputs = {
        "accelerator": "gb200", "price_year": 2026, "it_mw": 100.0, "load_frac": 0.7, "pue": 1.1,
        "energy_usd_per_mwh": 80.0, "it_life_years": 4.0, "hall_life_years": 14.0, "rate_frac_per_year": 0.0,
    }  # fmt: skip
    full = operator_cases.sold_gpu_h_cost_usd({**inputs, "sold_frac": 1.0}, cat)
    assert operator_cases.sold_gpu_h_cost_usd({**inputs, "sold_frac": 0.5}, cat) == pytest.approx(2 * full)
    gpus = 1e3 / operator_cases.dies_per_gw({"accelerator": "gb200", "dies_per_accelerator": 1}, cat) * 1e6
    assert full * 8760 / gpus == pytest.approx(operator_cases.owner_cost_musd_per_mw_year(inputs, cat), rel=1e-3)


def test_reopt_forms(cat: Catalog) -> None:
    x = 1.027 / 1.08
    cost = {"usd_per_year": 10.0, "escalation_frac_per_year": 0.027, "years": 20, "tax_frac": 0.26}
    got = reopt_cases.escalated_cost_after_tax({**cost, "discount_frac_per_year": 0.08}, cat)
    assert got == pytest.approx(7.4 * x * (1 - x**20) / (1 - x))
    all_at_once = {"usd": 1.0, "macrs": "5yr", "bonus_frac": 1.0, "tax_frac": 0.25, "discount_frac_per_year": 0.1}
    assert reopt_cases.effective_capital_cost(all_at_once, cat) == pytest.approx(1 - 0.25 / 1.1)
    free_of_time = {**all_at_once, "bonus_frac": 0.4, "discount_frac_per_year": 0.0, "credit_frac": 0.3}
    assert reopt_cases.effective_capital_cost(free_of_time, cat) == pytest.approx(1 - 0.25 - 0.3)
    halved = {**free_of_time, "basis_cut_per_credit": 0.5}
    assert reopt_cases.effective_capital_cost(halved, cat) == pytest.approx(1 - 0.25 * 0.85 - 0.3)


def test_a_gpu_is_not_used_before_it_is_sold_but_a_tpu_may_be(cat: Catalog) -> None:
    run = {"chip_hours": 1e6, "pue": 1.1, "energy_usd_per_kwh": 0.08}

    def cost(chip: str, year: float) -> float:
        return training_money_cases.amortised_training_musd({**run, "accelerator": chip, "start_year": year}, cat)

    assert cost("h100_sxm", 2022.0) == cost("h100_sxm", 2022.5) > cost("h100_sxm", 2024.0)
    assert cost("tpu_v4", 2020.0) > cost("tpu_v4", 2021.0)


def test_a_later_rent_outside_the_band_is_answered_by_the_edge(cat: Catalog) -> None:
    row = "price_history.gcp_spot.h100.us_central1.2026-07_usd_per_gpu_h"
    inputs = {"series": "price_history.gcp_spot.h100.us_central1", "until": "2025-07-31", "row": row}
    edge = price_cases.rent_nearest_in_band(inputs, cat)
    assert edge < cat.value(row)
    low = cat.with_overrides({row: (edge * 0.9, "a price inside")})
    assert price_cases.rent_nearest_in_band(inputs, low) == pytest.approx(edge * 0.9)
    assert np.isfinite(edge)
