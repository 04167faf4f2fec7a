"""Tariffs and outages against REopt's open cases (values from its published tests) and against bills worked by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kiban.energy.outages import Backup, Outages, outage_cost
from kiban.energy.reopt_read import ReoptError, present_worth, read_reopt
from kiban.energy.reopt_run import run_reopt
from kiban.energy.tariff import (
    DemandPeriod,
    Ratchet,
    Tariff,
    Tiers,
    bill,
    flat_tariff,
    month_of_steps,
    ratcheted,
)
from kiban.energy.tariff_urdb import tariff_of_urdb

CASES = Path(__file__).parents[2] / ".." / "shared" / "data" / "peers" / "reopt"


def case(name: str) -> dict[str, Any]:
    path = CASES / f"{name}.json"
    if not path.exists():
        pytest.skip("the REopt scenarios are not here (../shared/data/peers/reopt)")
    return json.loads(path.read_text(encoding="utf-8"))


def test_no_techs() -> None:
    tariff = run_reopt(read_reopt(case("no_techs")))["ElectricTariff"]
    assert tariff["year_one_energy_cost_before_tax"] == 1000.0
    assert tariff["year_one_demand_cost_before_tax"] == 136.99


def test_coincident_peak() -> None:
    assert run_reopt(read_reopt(case("coincident_peak")))["ElectricTariff"][
        "year_one_coincident_peak_cost_before_tax"
    ] == pytest.approx(15.0)


def test_tiered_time_of_use_demand() -> None:
    paid = run_reopt(read_reopt(case("tiered_tou_demand")))["ElectricTariff"]
    assert paid["year_one_demand_cost_before_tax"] == pytest.approx(9238.36, abs=1.0)


def test_expected_cost_of_outages() -> None:
    found = run_reopt(read_reopt(case("nogridcost_multiscenario")))["Outages"]
    assert np.sum(found["unserved_load_per_outage_kwh"]) == pytest.approx(60.0)
    assert found["expected_outage_cost"] == pytest.approx(485.43270, rel=1e-5)
    assert found["max_outage_cost_per_outage_duration"][0] == pytest.approx(161.8109, rel=1e-5)


def test_survival_is_bought_and_no_more() -> None:
    found = run_reopt(read_reopt(case("nogridcost_minresilhours")))["Outages"]
    assert np.sum(found["unserved_load_per_outage_kwh"]) == pytest.approx(12.0)
    assert found["generator_microgrid_size_kw"] == pytest.approx(1.0)


def test_what_is_not_read_is_named() -> None:
    scenario = case("no_techs")
    assert read_reopt(scenario).left_out == ("ElectricUtility.co2_from_avert",)
    scenario["PV"] = {"installed_cost_per_kw": 2000.0}
    scenario["ElectricTariff"] = {"urdb_label": "5ed6c1a15457a3367add15ae"}
    scenario["ElectricLoad"] = {"doe_reference_name": "Hospital"}
    with pytest.raises(ReoptError) as caught:
        read_reopt(scenario)
    text = str(caught.value)
    assert "PV: plant of this kind" in text and "urdb_label" in text and "FlatLoad_24_5" in text


def test_present_worth_is_the_geometric_sum() -> None:
    worth = sum((1.0166 / 1.0624) ** t for t in range(1, 26))
    assert present_worth(25, 0.0166, 0.0624) == pytest.approx(worth, abs=1e-5)
    assert present_worth(7, 0.03, 0.03) == 7.0


# By hand.


def tiers(*top: float) -> Tiers:
    return Tiers(np.array([*top, np.inf]))


def test_energy_tiers_count_from_zero() -> None:
    month = month_of_steps()
    rates = np.tile([0.10, 0.20, 0.05], (8760, 1))
    tariff = Tariff(month, 1.0, rates, energy_tiers=(tiers(1000.0, 3000.0),) * 12)
    paid = bill(tariff, np.full(8760, 10.0))
    # January has 7440 kWh: 1000 at 10 c, 2000 at 20 c, the rest at 5 c.
    assert paid.monthly_energy_usd[0] == pytest.approx(100 + 400 + 0.05 * 4440)


def test_demand_tiers_and_ratchet() -> None:
    month = month_of_steps()
    periods = tuple(
        DemandPeriod(np.flatnonzero(month == m), tiers(50.0), np.array([2.0, 10.0]), m, "facility") for m in range(12)
    )
    load = np.full(8760, 20.0)
    load[month == 6] = 100.0
    tariff = Tariff(month, 1.0, np.zeros((8760, 1)), monthly_demand=periods, ratchet=Ratchet(0.8, (5, 6, 7)))
    # July 50 at 2 and 50 at 10; every other month is billed 80 kW.
    assert bill(tariff, load).demand_usd == pytest.approx((100 + 500) + 11 * (100 + 300))
    back = ratcheted(Ratchet(0.5, previous=2), np.array([10.0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 40.0]))
    assert back == pytest.approx([20.0, 20, 5, 0, 0, 0, 0, 0, 0, 0, 0, 40])


def test_least_charge_fixed_charge_and_riders() -> None:
    from dataclasses import replace

    tariff = replace(flat_tariff(0.1), fixed_usd_per_month=5.0, minimum_usd_per_month=50.0, riders_usd_per_kwh=0.02)
    load = np.where(month_of_steps() == 0, 1.0, 0.0)
    paid = bill(tariff, load)
    assert paid.energy_usd == pytest.approx(744 * 0.12)
    assert paid.minimum_usd == pytest.approx(11 * 45.0)
    assert paid.total_usd == pytest.approx(744 * 0.12 + 60 + 11 * 45)
    with pytest.raises(ValueError, match="step 3 is -1"):
        bill(tariff, np.where(np.arange(8760) == 3, -1.0, 1.0))


def test_weekends_follow_the_year() -> None:
    week, rest = [[0] * 24] * 12, [[1] * 24] * 12
    rate = {
        "energyratestructure": [[{"rate": 0.2}], [{"rate": 0.1, "adj": 0.01}]],
        "energyweekdayschedule": week, "energyweekendschedule": rest,
        "fixedchargefirstmeter": 1.0, "fixedchargeunits": "$/day",
    }  # fmt: skip
    # 1 January 2017 was a Sunday, 1 January 2018 a Monday.
    assert tariff_of_urdb(rate, 2017).energy_usd_per_kwh[0, 0] == pytest.approx(0.11)
    assert tariff_of_urdb(rate, 2018).energy_usd_per_kwh[0, 0] == pytest.approx(0.2)
    assert tariff_of_urdb(rate, 2018, 4).energy_usd_per_kwh.shape == (35040, 1)
    assert tariff_of_urdb(rate, 2018).fixed_usd_per_month == pytest.approx(30.4375)


def test_backup_is_sized_where_lost_load_is_dear() -> None:
    outages = Outages(np.array([0, 8758]), np.array([4]), np.array([1.0]))
    critical = np.full(8760, 100.0)
    dear = outage_cost(critical, 50.0, outages, 10.0, Backup(700.0, 0.3))
    assert dear.backup_kw == pytest.approx(100.0)
    assert dear.fuel_usd == pytest.approx(100 * 4 * 0.3)
    cheap = outage_cost(critical, 1.0, outages, 10.0, Backup(700.0, 0.3))
    assert cheap.backup_kw == pytest.approx(0.0)
    assert cheap.expected_usd == pytest.approx(100 * 4 * 10)
    dry = outage_cost(critical, 50.0, outages, 10.0, Backup(700.0, 0.3, kwh_max_per_outage=250.0))
    assert dry.unserved_kwh == pytest.approx(150.0)
