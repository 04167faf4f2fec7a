"""Batteries in outages: closed forms by hand, properties, and the answers without one unchanged."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiban.energy.outage_battery import BackupBattery
from kiban.energy.outages import Backup, OutageCost, Outages, outage_cost
from kiban.solve import Infeasible

LOAD_KW = 100.0
CRITICAL = np.full(8760, LOAD_KW)


def outage(hours: int, *starts: int, survive: int = 0) -> Outages:
    return Outages(np.array(starts or (5,)), np.array([hours]), np.array([1.0]), survive)


def fixed(kw: float, kwh: float, **more: float) -> BackupBattery:
    return BackupBattery(0.0, 0.0, kw, kw, kwh, kwh, **more)


def unserved_kwh(found: OutageCost) -> float:
    return float(found.unserved_kwh.sum())


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 24), st.floats(0.2, 3.0), st.floats(0.6, 1.0), st.floats(0.3, 1.0))
def test_a_battery_alone_covers_what_its_energy_gives(hours: int, ratio: float, out: float, start: float) -> None:
    need = hours * LOAD_KW
    kwh = ratio * need / (out * start)
    found = outage_cost(CRITICAL, 1.0, outage(hours), battery=fixed(LOAD_KW, kwh, discharge_frac=out, start_frac=start))
    assert unserved_kwh(found) == pytest.approx(max(0.0, need - kwh * out * start), rel=1e-6, abs=1e-5)


def test_its_power_limits_it_and_what_must_stay_stays() -> None:
    half = outage_cost(CRITICAL, 1.0, outage(4), battery=fixed(40.0, 1e4))
    assert unserved_kwh(half) == pytest.approx(4 * 60.0)
    kept = outage_cost(CRITICAL, 1.0, outage(4), battery=fixed(100.0, 400.0, discharge_frac=1.0, least_frac=0.2))
    assert unserved_kwh(kept) == pytest.approx(80.0)


def test_a_free_battery_leaves_nothing_unserved() -> None:
    found = outage_cost(CRITICAL, 1.0, outage(12, 0, 4000, 8755), battery=BackupBattery(0.0, 0.0))
    assert unserved_kwh(found) == pytest.approx(0.0, abs=1e-6)
    assert found.expected_usd == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("none", [BackupBattery(1.0, 1.0, kw_max=0.0), BackupBattery(1.0, 1.0, kwh_max=0.0)])
def test_without_a_battery_the_answer_is_the_same_to_the_last_digit(none: BackupBattery) -> None:
    load = 50 + 40 * np.sin(np.arange(8760) / 3)
    sun = 80 * np.clip(np.sin((np.arange(8760) % 24 - 6) * np.pi / 12), 0, 1)
    outages = Outages(np.array([0, 12, 8750]), np.array([3, 20]), np.array([0.7, 0.3]))
    plain = outage_cost(load, 3.0, outages, 9.0, Backup(700.0, 0.3), sun)
    with_none = outage_cost(load, 3.0, outages, 9.0, Backup(700.0, 0.3), sun, battery=none)
    for name in plain.__dataclass_fields__:
        assert np.array_equal(getattr(plain, name), getattr(with_none, name)), name


def test_it_is_bought_where_it_is_cheaper_than_what_is_lost() -> None:
    # 4 h of 100 kW need 400 / 0.96 kWh: 100 kW x 100 + 416.7 kWh x 200 = 93,333 USD against 400 kWh lost.
    battery = BackupBattery(100.0, 200.0)
    bought = outage_cost(CRITICAL, 300.0, outage(4), battery=battery)
    assert bought.battery_kw == pytest.approx(100.0)
    assert bought.battery_kwh == pytest.approx(400 / 0.96)
    assert bought.battery_usd == pytest.approx(100 * 100 + 400 / 0.96 * 200)
    # The first hour costs (100 x 100 + 100 / 0.96 x 200) / 100 = 308 USD per kWh, the others 208: none pays at 200.
    assert outage_cost(CRITICAL, 200.0, outage(4), battery=battery).battery_kwh == pytest.approx(0.0, abs=1e-6)


def test_surplus_of_the_sun_and_the_backup_fill_it() -> None:
    # One hour without sun, one with twice the load, one without: the empty battery carries the third only.
    sun = np.zeros(8760)
    sun[6] = 2 * LOAD_KW
    empty = fixed(200.0, 500.0, charge_frac=0.9, discharge_frac=0.8, start_frac=0.0)
    found = outage_cost(CRITICAL, 1.0, outage(3), other_kw=sun, battery=empty)
    assert unserved_kwh(found) == pytest.approx(100 + (100 - 100 * 0.9 * 0.8))
    # A plant of 60 kW runs beyond the valley of the load and the battery gives it back at the peak.
    load = np.where(np.arange(8760) % 2 == 0, 20.0, 90.0)
    plant = Backup(0.0, 0.0, kw_min=60.0, kw_max=60.0)
    alone = outage_cost(load, 1.0, outage(4, 0), backup=plant)
    both = outage_cost(load, 1.0, outage(4, 0), backup=plant, battery=empty)
    assert unserved_kwh(alone) == pytest.approx(60.0)
    assert unserved_kwh(both) == pytest.approx(2 * (30 - 40 * 0.9 * 0.8), abs=1e-6)


def test_the_content_at_the_start_is_given_by_hour_or_taken_at_its_worst() -> None:
    share = np.linspace(0.2, 1.0, 8760)
    battery = fixed(LOAD_KW, 800.0, discharge_frac=1.0, start_frac=share)
    found = outage_cost(CRITICAL, 1.0, outage(8, 0, 8759), battery=battery)
    assert found.unserved_kwh[0].tolist() == pytest.approx([800 - 160, 0.0], abs=1e-6)
    assert battery.worst() == pytest.approx(0.2)
    worst = fixed(LOAD_KW, 800.0, discharge_frac=1.0, start_frac=battery.worst())
    low = outage_cost(CRITICAL, 1.0, outage(8, 0, 8759), battery=worst)
    assert low.unserved_kwh[0].tolist() == pytest.approx([640.0, 640.0])


@pytest.mark.parametrize("with_plant", [True, False])
def test_no_outage_loses_more_than_it_must_though_only_the_dearest_costs(with_plant: bool) -> None:
    # 300 kWh against starts that need 400, 200 and 320 kWh: 100, 0 and 20 are lost, not 100 each.
    load = np.concatenate([np.full(100, 100.0), np.full(100, 50.0), np.full(8560, 80.0)])
    outages = outage(4, 0, 120, 500)
    if with_plant:
        found = outage_cost(load, 1.0, outages, backup=Backup(0.0, 0.0, 200.0, 200.0, kwh_max_per_outage=300.0))
    else:
        found = outage_cost(load, 1.0, outages, battery=fixed(200.0, 300.0, discharge_frac=1.0))
    assert found.unserved_kwh[0].tolist() == pytest.approx([100.0, 0.0, 20.0], abs=1e-4)
    assert found.dearest_usd[0] == pytest.approx(100.0)


def test_the_survival_that_a_battery_gives() -> None:
    # 300 kWh carry 100 kW for 3 h, not for 4.
    battery = fixed(LOAD_KW, 300.0, discharge_frac=1.0)
    found = outage_cost(CRITICAL, 1.0, outage(5, survive=3), battery=battery)
    assert found.survived_steps[0, 0] == 3
    with pytest.raises(Infeasible):
        outage_cost(CRITICAL, 1.0, outage(5, survive=4), battery=battery)


def test_a_half_hour_step_counts_half_the_energy() -> None:
    battery = fixed(LOAD_KW, 200.0, discharge_frac=1.0)
    found = outage_cost(np.full(17520, LOAD_KW), 1.0, outage(6), battery=battery, step_h=0.5)
    assert unserved_kwh(found) == pytest.approx(100.0)


def test_a_battery_that_cannot_be_is_refused_with_every_reason() -> None:
    with pytest.raises(ValueError, match=r"charge_frac(.|\n)*start_frac"):
        outage_cost(CRITICAL, 1.0, outage(2), battery=fixed(1.0, 1.0, charge_frac=0.0, start_frac=1.2))
