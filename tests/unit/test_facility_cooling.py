"""Cooling plants and power chain: bounds, monotony, balances, published model rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiban.catalog import Catalog, load_catalog
from kiban.facility import inputs, plant, power_chain
from kiban.facility import psychrometrics as air
from kiban.facility.cooling import KINDS, hourly_overhead
from kiban.facility.cooling_air import AirState, outdoor_air_state
from kiban.facility.model import design_hour, site_year
from kiban.facility.plant import Outdoors, Plant
from kiban.facility.power_chain import PowerChain

WATERLESS = {"air_chiller_economizer", "air_chiller", "direct_expansion"}


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog()


@pytest.fixture(scope="module")
def base(catalog: Catalog) -> tuple[Plant, PowerChain]:
    return inputs.base_parameters(catalog)


def _air(dry: np.ndarray, humidity: np.ndarray | float, pressure: float = 98_000.0) -> Outdoors:
    ratio = air.humidity_ratio(humidity * air.saturation_pressure_pa(dry), pressure)
    return Outdoors(dry, air.wet_bulb_degc(dry, ratio, pressure), ratio, np.asarray(pressure))


@pytest.mark.parametrize("kind", KINDS)
@given(st.floats(-25, 46), st.floats(0.05, 1.0), st.floats(0.1, 1.0))
@settings(max_examples=60, deadline=None)
def test_pue_above_one_and_water_not_negative(kind: str, dry: float, humidity: float, load: float) -> None:
    plant_, chain = inputs.base_parameters(load_catalog())
    found = hourly_overhead(kind, _air(np.array([dry]), humidity), plant_, chain, load)
    # An almost empty hall carries its fixed losses on little IT load, so its PUE has a higher ceiling.
    assert 1.0 < float(found.hourly_pue[0]) < (2.0 if load >= 0.2 else 3.0)
    assert 0.0 <= float(found.hourly_wue_l_per_kwh[0]) < 5.0
    assert found.balance_residual < 1e-9


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dry", [-5.0, 10.0, 20.0, 28.0, 34.0, 42.0])
def test_pue_does_not_fall_as_wet_bulb_rises(base: tuple[Plant, PowerChain], kind: str, dry: float) -> None:
    outdoors = _air(np.full(150, dry), np.linspace(0.05, 1.0, 150))
    found = hourly_overhead(kind, outdoors, *base, 1.0)
    assert np.all(np.diff(outdoors.hourly_wet_bulb_degc) > 0)
    assert np.diff(found.hourly_pue).min() > -1e-12


@pytest.mark.parametrize("kind", KINDS)
def test_pue_does_not_fall_as_it_gets_hotter_at_one_humidity_ratio(base: tuple[Plant, PowerChain], kind: str) -> None:
    dry = np.linspace(8, 45, 300)
    ratio = np.full(300, 0.0055)
    outdoors = Outdoors(dry, air.wet_bulb_degc(dry, ratio, 98_000.0), ratio, np.asarray(98_000.0))
    assert np.diff(hourly_overhead(kind, outdoors, *base, 1.0).hourly_pue).min() > -1e-12


def test_only_dry_coolers_without_pads_use_no_water(base: tuple[Plant, PowerChain]) -> None:
    outdoors = _air(np.linspace(-10, 44, 100), 0.4)
    for kind in KINDS:
        water = hourly_overhead(kind, outdoors, *base, 1.0).hourly_wue_l_per_kwh
        assert (water.max() == 0.0) == (kind in WATERLESS)


def test_evaporation_closes_a_water_and_a_salt_balance(base: tuple[Plant, PowerChain]) -> None:
    plant_ = replace(base[0], windage_frac_of_flow=np.asarray(0.0))
    found = hourly_overhead("water_chiller_economizer", _air(np.linspace(0, 35, 50), 0.5), plant_, base[1], 1.0)
    cycles = float(plant_.cycles_of_concentration)
    salt_in, salt_out = found.cooling.water_l_per_kwh, found.cooling.blowdown_and_drift_l_per_kwh * cycles
    np.testing.assert_allclose(salt_in, salt_out, rtol=1e-12)


def test_tower_evaporation_is_near_all_latent_in_warm_air_and_less_in_cold() -> None:
    # 3600 kJ/kWh over 2430 kJ/kg = 1.48 L/kWh where all heat leaves as vapour.
    warm = plant.tower_evaporation_l_per_kwh_heat(_air(np.array([30.0]), 0.3), np.array([27.0]))
    cold = plant.tower_evaporation_l_per_kwh_heat(_air(np.array([-5.0]), 0.8), np.array([20.0]))
    assert 1.35 < float(warm[0]) < 1.7
    assert 0.6 < float(cold[0]) < 1.1


def test_chillers_reproduce_their_rating_point(base: tuple[Plant, PowerChain]) -> None:
    full = replace(base[0], chiller_part_load_frac=np.asarray(1.0))
    water = plant.water_chiller_cop(full, np.asarray(6.7), np.asarray(29.4), 1.0)
    dry = plant.air_chiller_cop(full, np.asarray(6.7), np.asarray(35.0), 1.0)
    assert float(water) == pytest.approx(float(full.water_chiller_cop))
    assert float(dry) == pytest.approx(float(full.air_chiller_cop))
    assert float(plant.water_chiller_cop(full, np.asarray(18.0), np.asarray(29.4), 1.0)) > float(water)


def test_losses_of_the_chain_in_closed_form(base: tuple[Plant, PowerChain]) -> None:
    chain = replace(
        base[1],
        ups_design_load_frac=np.asarray(0.75),
        distribution_loss_frac=np.asarray(0.02),
        lighting_to_it_frac=np.asarray(0.0),
    )
    eta = float(chain.ups_efficiency_load_075_frac)
    assert float(power_chain.ups_efficiency_frac(chain, 1.0)) == pytest.approx(eta)
    assert float(power_chain.indoor_loss_frac(chain, 1.0)) == pytest.approx(1 / (eta * 0.98) - 1)
    half = float(power_chain.ups_efficiency_frac(chain, 2 / 3))
    assert half == pytest.approx(float(chain.ups_efficiency_load_050_frac))
    # Far below the last data point the loss in kW stands still: at half the load its share doubles.
    loss = [1 - float(power_chain.ups_efficiency_frac(chain, load)) for load in (0.2, 0.1)]
    assert loss[1] == pytest.approx(2 * loss[0])


@pytest.mark.parametrize("kind", KINDS)
def test_a_sample_in_one_call_is_the_sample_one_by_one(catalog: Catalog, kind: str) -> None:
    u = np.random.default_rng(3).random((4, inputs.parameter_count()))
    outdoors = _air(np.linspace(-5, 40, 30), 0.5)
    together = hourly_overhead(kind, outdoors, *inputs.parameter_sample(catalog, u), 0.8)
    assert together.hourly_pue.shape == (4, 30)
    alone = hourly_overhead(kind, outdoors, *inputs.parameter_sample(catalog, u[2:3]), 0.8)
    np.testing.assert_allclose(together.hourly_pue[2], alone.hourly_pue[0], rtol=1e-12)
    np.testing.assert_allclose(together.hourly_wue_l_per_kwh[2], alone.hourly_wue_l_per_kwh[0], rtol=1e-12)


def test_a_sample_needs_a_column_for_each_parameter(catalog: Catalog) -> None:
    with pytest.raises(ValueError, match="u needs shape"):
        inputs.parameter_sample(catalog, np.zeros((3, 4)))


def test_the_design_hour_sets_the_peak(base: tuple[Plant, PowerChain]) -> None:
    outdoors = _air(np.linspace(0, 25, 24), 0.5)
    mild = site_year("liquid_dry_cooler", outdoors, *base, 0.8, None)
    hot = site_year("liquid_dry_cooler", outdoors, *base, 0.8, (44.0, 26.0))
    assert hot.peak_pue > mild.peak_pue >= 1.0
    assert hot.annual_pue == mild.annual_pue
    state = design_hour((40.0, 20.0), 101_325.0)
    assert float(air.wet_bulb_degc(40.0, state.hourly_humidity_ratio[0], 101_325.0)) == pytest.approx(20.0, abs=1e-6)


def _state(plant_: Plant, dry: float, humidity: float, wetting: bool = True) -> AirState:
    return outdoor_air_state(_air(np.array([dry]), humidity), plant_, wetting)


def test_outdoor_air_enters_only_inside_the_window(base: tuple[Plant, PowerChain]) -> None:
    window = replace(
        base[0],
        supply_air_degc=np.asarray(30.0),
        supply_air_lower_degc=np.asarray(15.0),
        supply_humidity_upper_frac=np.asarray(0.8),
        recirculation_reach_frac=np.asarray(0.0),
        trim_coil_frac=np.asarray(1.0),
    )
    assert float(_state(window, 20.0, 0.5).mechanical_frac[0]) == 0.0
    # Too humid at its own temperature: louvres close, unless return air may warm it.
    assert float(_state(window, 20.0, 0.95).mechanical_frac[0]) == 1.0
    warmed = replace(window, recirculation_reach_frac=np.asarray(1.0))
    assert float(_state(warmed, 20.0, 0.95).mechanical_frac[0]) == 0.0
    # Warm and dry: wetted just to the set-point less the fan's own rise, dp / (rho cp eta); without wetting the same
    # air leaves (36 + rise - 30) / dT to the chillers.
    rise = float(window.fan_pressure_pa / (1.2 * 1006 * window.fan_efficiency_frac))
    wet, dry = _state(window, 36.0, 0.2), _state(window, 36.0, 0.2, wetting=False)
    assert (float(wet.wetted_k[0]), float(wet.mechanical_frac[0])) == (pytest.approx(6.0 + rise), 0.0)
    assert float(dry.mechanical_frac[0]) == pytest.approx((6.0 + rise) / float(window.air_delta_t_k))
    closed = replace(window, trim_coil_frac=np.asarray(0.0))
    assert float(_state(closed, 36.0, 0.2, wetting=False).mechanical_frac[0]) == 1.0


def test_cold_air_is_mixed_and_humidified_up_to_the_lower_limit(base: tuple[Plant, PowerChain]) -> None:
    cold = _state(base[0], -10.0, 0.5)
    lower, delta = float(base[0].supply_air_lower_degc), float(base[0].air_delta_t_k)
    # Heat balance of mixing: share x (T_return - T_out) = dT, T_return = T_supply + dT, T_out cooled by its moisture.
    wetted = -10.0 - float(cold.humidified_ratio[0]) * 2.43e6 / 1006
    assert float(cold.outdoor_share_frac[0]) == pytest.approx(delta / (lower + delta - wetted))
    assert float(cold.humidified_ratio[0]) > 0.0
    assert float(_state(base[0], 10.0, 0.9).humidified_ratio[0]) == 0.0


def test_a_hall_without_humidifiers_closes_on_air_too_dry_or_cold_and_too_humid(base: tuple[Plant, PowerChain]) -> None:
    plain = replace(base[0], dry_air_closes_frac=1.0, cold_mixing_reach_frac=0.0)
    assert float(_state(base[0], -10.0, 0.5).mechanical_frac[0]) == 0.0
    assert float(_state(plain, -10.0, 0.5).mechanical_frac[0]) == 1.0
    assert float(_state(plain, -10.0, 0.5).humidified_ratio[0]) == 0.0
    lower = float(base[0].supply_air_lower_degc)
    assert float(_state(base[0], lower - 0.5, 1.0).mechanical_frac[0]) == 0.0
    assert float(_state(plain, lower - 0.5, 1.0).mechanical_frac[0]) == 1.0


def test_humidifiers_put_back_what_coils_condense(base: tuple[Plant, PowerChain]) -> None:
    """Water and steam of latent heat (1 - SHR) of the coils; without pure sensible heat nothing."""
    outdoors = _air(np.array([10.0, 20.0]), 0.5)
    ratio = float(base[0].sensible_heat_ratio)
    wet = replace(base[0], rehumidified_frac=1.0, boiled_frac=1.0, fan_heat_frac=0.0)
    dry = replace(wet, rehumidified_frac=0.0)
    more, less = (hourly_overhead("direct_expansion", outdoors, p, base[1], 1.0) for p in (wet, dry))
    latent = (1.0 + more.indoor_electrical_frac) / ratio * (1.0 - ratio)
    np.testing.assert_allclose(more.hourly_wue_l_per_kwh, latent * 3600 / 2430, rtol=1e-12)
    np.testing.assert_allclose(more.cooling.power_frac - less.cooling.power_frac, latent, rtol=1e-9)
    assert not less.hourly_wue_l_per_kwh.any()


def test_a_chiller_without_reset_ignores_warm_water_and_fan_heat_adds_load(base: tuple[Plant, PowerChain]) -> None:
    fixed = replace(base[0], chilled_water_reset_frac=0.0)
    rated = plant.water_chiller_cop(base[0], np.asarray(6.7), np.asarray(25.0), 1.0)
    assert float(plant.water_chiller_cop(fixed, np.asarray(24.0), np.asarray(25.0), 1.0)) == pytest.approx(float(rated))
    assert float(plant.water_chiller_cop(base[0], np.asarray(24.0), np.asarray(25.0), 1.0)) > float(rated)
    outdoors = _air(np.array([38.0]), 0.2)
    hot, cool = (
        hourly_overhead("air_chiller", outdoors, replace(base[0], fan_heat_frac=share), base[1], 1.0)
        for share in (1.0, 0.0)
    )
    share = float(hot.cooling.fans_frac[0]) / (1.0 + float(hot.indoor_electrical_frac))
    assert float(hot.cooling.chillers_frac[0] / cool.cooling.chillers_frac[0]) == pytest.approx(1.0 + share)


def test_tower_pumps_have_their_own_head(base: tuple[Plant, PowerChain]) -> None:
    outdoors = _air(np.array([38.0]), 0.2)
    same = replace(base[0], tower_pump_pressure_pa=base[0].pump_pressure_pa)
    none = replace(base[0], tower_pump_pressure_pa=0.0)
    pumps = [
        float(hourly_overhead("water_chiller", outdoors, p, base[1], 1.0).cooling.pumps_frac[0])
        for p in (base[0], same, none)
    ]
    assert pumps[0] == pytest.approx(pumps[1])
    assert pumps[0] > pumps[2]


def test_tower_without_a_balance_is_all_latent() -> None:
    outdoors = _air(np.array([-5.0, 10.0, 30.0]), 0.5)
    found = plant.tower_evaporation_l_per_kwh_heat(outdoors, np.full(3, 25.0), 0.0)
    np.testing.assert_allclose(found, 3600 / 2430, rtol=1e-12)


def test_liquid_kinds_rank_as_their_water_temperatures_say(base: tuple[Plant, PowerChain]) -> None:
    """The warmer the water that is wanted, the less chiller: boiling bath below direct to chip below air."""
    outdoors = _air(np.linspace(-5, 42, 200), 0.35)
    pue = {kind: float(hourly_overhead(kind, outdoors, *base, 1.0).hourly_pue.mean()) for kind in KINDS}
    assert pue["immersion_two_phase"] < pue["immersion_single_phase"] < pue["hybrid_liquid_air"]
    assert pue["liquid_dry_cooler"] < pue["hybrid_liquid_air"] < pue["water_chiller"]
    assert pue["water_chiller_economizer"] < pue["water_chiller"] < pue["air_chiller"]
    assert pue["air_economizer_adiabatic"] <= pue["air_economizer_water_chiller"] <= pue["air_economizer_air_chiller"]
