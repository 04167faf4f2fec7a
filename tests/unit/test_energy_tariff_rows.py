"""A tariff inside the dispatch costs what its bill says, and is worth shaving where that pays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kiban.energy.dispatch import Battery, Case, Grid, Plant, Programme, hourly_axis
from kiban.energy.tariff import CoincidentPeak, DemandPeriod, Ratchet, Tariff, Tiers, bill, flat_tariff, month_of_steps
from kiban.energy.tariff_rows import first_tier_usd_per_kwh, problems

YEAR = 8760
MONTH = month_of_steps()


def tariff(**more: object) -> Tariff:
    top = Tiers(np.array([200_000.0, np.inf]))
    rates = np.where(np.arange(YEAR) % 24 < 8, 0.05, 0.09)
    facility = tuple(
        DemandPeriod(np.flatnonzero(m == MONTH), Tiers(np.array([500.0, np.inf])), np.array([3.0, 9.0]), m, "facility")
        for m in range(12)
    )
    evening = np.arange(YEAR) % 24 >= 17
    window = tuple(
        DemandPeriod(np.flatnonzero((m == MONTH) & evening), Tiers(np.array([np.inf])), np.array([4.0]), m)
        for m in range(12)
    )
    found = Tariff(
        MONTH, 1.0, np.stack([rates, rates + 0.03], axis=1), (top,) * 12, facility, window,
        (CoincidentPeak(np.array([4000, 5000]), 20.0),), Ratchet(0.8, previous=2), riders_usd_per_kwh=0.01,
    )  # fmt: skip
    return replace(found, **more)  # type: ignore[arg-type]


def load_mw() -> np.ndarray:
    random = np.random.default_rng(3)
    return np.asarray(random.uniform(0.2, 0.6, YEAR) + 0.5 * (MONTH == 6))


def case(given: Tariff) -> Case:
    return Case(hourly_axis(), load_mw(), Grid(1000 * first_tier_usd_per_kwh(given), 50.0, tariff=given))


def test_without_plant_the_programme_pays_the_bill() -> None:
    answer = Programme(case(tariff())).solve()
    assert answer.cost_usd_per_year == pytest.approx(bill(tariff(), 1000 * load_mw()).total_usd, rel=1e-9)
    assert sum(answer.cost_items_usd_per_year.values()) == pytest.approx(answer.cost_usd_per_year, rel=1e-9)


def test_plant_is_run_to_lower_the_bill_and_the_bill_agrees() -> None:
    engine = Plant("engine", 10_000.0, 200.0, mw_max=0.4)
    with_engine = replace(case(tariff()), plants=(engine,))
    answer = Programme(with_engine).solve()
    paid = bill(tariff(), 1000 * answer.flow_mw["inflow"])
    own = answer.size_mw["engine"] * 10_000 + 200 * answer.flow_mw["engine"].sum()
    assert answer.cost_usd_per_year == pytest.approx(paid.total_usd + own, rel=1e-9)
    assert answer.cost_usd_per_year < bill(tariff(), 1000 * load_mw()).total_usd
    # The coincident charge is on the larger of two hours, and the engine brings that one down by all it has.
    assert answer.flow_mw["inflow"][[4000, 5000]].max() == pytest.approx(load_mw()[[4000, 5000]].max() - 0.4)


def test_a_battery_shaves_to_the_mean() -> None:
    """Two hours on, two hours off at a demand charge: a lossless free battery draws the mean."""
    load = np.where(np.arange(YEAR) % 4 < 2, 2.0, 0.0)
    flat = flat_tariff(0.05, 10.0)
    free = Battery(0.0, 0.0, 1.0, 1.0, mw_max=5.0, mwh_max=2.0)
    one = Case(hourly_axis(), load, Grid(1000 * first_tier_usd_per_kwh(flat), 50.0, tariff=flat), battery=free)
    assert Programme(one).solve().cost_usd_per_year == pytest.approx(0.05 * 8_760_000 + 12 * 10 * 1000)


def test_tariffs_that_are_no_linear_programme_are_refused_in_words() -> None:
    falling = tariff(energy_usd_per_kwh=np.tile([0.09, 0.05], (YEAR, 1)), minimum_usd_per_month=10.0)
    text = " ".join(problems(falling))
    assert "cheaper in higher tiers" in text and "least charge" in text
    with pytest.raises(ValueError, match="cheaper"):
        Programme(case(falling))
