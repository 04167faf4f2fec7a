"""Training cost: the published results of the method's authors, closed forms, limits and properties."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiban.finance.training_cost import (
    HOURS_PER_CALENDAR_YEAR,
    acquisition_usd,
    chip_hours_of_flop,
    hardware_usd_per_chip_h,
    training_cost,
    value_at_start_usd,
)

# Inputs and results of epoch-research/training-cost-trends at commit 263c40a: chips, chip-hours, price of a chip with
# its server, days from first purchase to the start, rated server kW per chip, share of it drawn, PUE, USD/kWh; then
# amortised cost and purchase of model_costs.csv. Both results carry one inflation factor, so their ratio has none.
EPOCH = {
    "GPT-4": (25000, 57_000_000, 24875.0, 638, 6.5 / 8, 0.75, 1.25, 0.0806, 40695706.404, 778066898.671),
    "Falcon-180B": (4096, 17_694_720, 24875.0, 880, 6.5 / 8, 0.75, 1.25, 0.0806, 10368712.43, 126906267.746),
    "Llama 3.1-405B": (16384, 35_094_528, 44489.88, 433, 10.2 / 8, 0.75, 1.1, 0.0771, 51040524.061, 896044948.87),
    "Gemini 1.0 Ultra": (57000, 132e6, 5167 * 1.64, 720, 0.17 * 1.56, 0.43, 1.1, 0.0806, 28309604.04, 597913206.283),
}


@pytest.mark.parametrize("model", EPOCH)
def test_the_authors_own_results(model: str) -> None:
    chips, hours, price, days, kw, drawn, pue, power, amortised, purchase = EPOCH[model]
    run = training_cost(hours, price, days / 365.25, 0.14, 0.19, kw * drawn, pue, power)
    assert run.total_usd / acquisition_usd(chips, price, 0.19) == pytest.approx(amortised / purchase, rel=0.005)
    # Inflation of data-processing prices to 2023, at most 6 % either way, is the only difference of each alone.
    assert run.total_usd == pytest.approx(amortised, rel=0.06)


def test_parts_add_up_and_the_network_is_its_share_of_the_hardware() -> None:
    run = training_cost(1e6, 30000.0, 1.0, 0.14, 0.2, 1.0, 1.2, 0.08)
    assert run.total_usd == run.hardware_usd + run.interconnect_usd + run.energy_usd
    assert run.interconnect_usd / (run.hardware_usd + run.interconnect_usd) == pytest.approx(0.2)
    assert run.energy_usd == pytest.approx(1e6 * 1.2 * 0.08)


def test_the_rate_is_the_slope_of_the_value() -> None:
    hour = 1 / HOURS_PER_CALENDAR_YEAR
    lost = value_at_start_usd(1e4, 2.0, 0.14) - value_at_start_usd(1e4, 2.0 + hour, 0.14)
    assert hardware_usd_per_chip_h(1e4, 2.0, 0.14) == pytest.approx(lost, rel=1e-4)


def test_a_price_falls_to_a_tenth_in_one_over_r_years() -> None:
    assert value_at_start_usd(1000.0, 1 / 0.14, 0.14) == pytest.approx(100.0)
    assert math.isclose(10**-0.14, 0.7244, abs_tol=1e-4)


@given(st.floats(1.0, 1e9), st.floats(0.0, 5.0), st.floats(0.01, 0.4), st.floats(0.0, 0.5))
def test_money_scales_and_age_makes_cheaper(hours: float, age: float, rate: float, share: float) -> None:
    one = training_cost(hours, 2e4, age, rate, share, 1.0, 1.1, 0.07).total_usd
    assert training_cost(2 * hours, 2e4, age, rate, share, 1.0, 1.1, 0.07).total_usd == pytest.approx(2 * one)
    assert training_cost(hours, 2e4, age + 0.5, rate, share, 1.0, 1.1, 0.07).total_usd < one


def test_bad_input_names_the_field() -> None:
    with pytest.raises(ValueError, match="interconnect_share_frac must be from 0 to below 1, got 1"):
        acquisition_usd(1, 1.0, 1.0)
    with pytest.raises(ValueError, match="MFU"):
        chip_hours_of_flop(1e24, 1e15, 0.0)
    assert chip_hours_of_flop(3.6e18, 1e15, 1.0) == pytest.approx(1.0)
