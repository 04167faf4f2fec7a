"""Power paths, a hall's year and its load file: closed forms, bounds, faults."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kiban.catalog import Catalog, load_catalog
from kiban.facility import inputs, power_chain, power_paths
from kiban.facility import psychrometrics as air
from kiban.facility.cooling import KINDS
from kiban.facility.load_file import read_load
from kiban.facility.plant import Outdoors
from kiban.facility.weather_faults import WeatherFileError
from kiban.facility.year import FacilityYear, facility_year, monthly


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog()


def _outdoors() -> Outdoors:
    hour = np.arange(8760)
    dry = 15 - 15 * np.cos(2 * np.pi * hour / 8760) + 6 * np.sin(2 * np.pi * (hour % 24 - 9) / 24)
    ratio = air.humidity_ratio(0.45 * air.saturation_pressure_pa(dry), 99_000.0)
    return Outdoors(dry, air.wet_bulb_degc(dry, ratio, 99_000.0), ratio, np.asarray(99_000.0))


def _year(catalog: Catalog, kind: str = "liquid_dry_cooler", load: np.ndarray | float = 80.0) -> FacilityYear:
    plant, chain = inputs.base_parameters(catalog)
    return facility_year(kind, _outdoors(), plant, chain, np.broadcast_to(load, (8760,)).astype(float), 100.0, 2.0)


def test_module_load_by_hand() -> None:
    assert power_paths.module_load_frac("n", 4) == pytest.approx(0.9)
    assert power_paths.module_load_frac("n_plus_1", 4) == pytest.approx(0.9 * 4 / 5)
    assert power_paths.module_load_frac("distributed_4_3", 4) == pytest.approx(0.675)
    assert power_paths.module_load_frac("two_n", 4) == pytest.approx(0.45)


def test_paths_rank_and_eco_meets_its_data_sheet(catalog: Catalog) -> None:
    _, chain = inputs.base_parameters(catalog)
    paths = {mode: power_paths.power_path(catalog, chain, mode, "n") for mode in power_paths.UPS_MODES}
    eco = catalog.value("electrical.ups_eco_mode.efficiency_frac")
    assert float(paths["eco"].chain.ups_efficiency_load_100_frac) == pytest.approx(eco)
    boards = {
        mode: path.rack_efficiency_frac / (1.0 + float(power_chain.indoor_loss_frac(path.chain, 1.0)))
        for mode, path in paths.items()
    }
    assert boards["double_conversion"] < boards["eco"]
    # The vendor of 800 V claims up to 5 % from end to end; ours must gain something and no more.
    gain = boards["dc_800v"] / boards["double_conversion"] - 1
    assert 0.0 < gain <= catalog.range("electrical.dc800v.end_to_end_gain_frac")[2]


def test_spare_units_cost_efficiency_at_part_load(catalog: Catalog) -> None:
    _, chain = inputs.base_parameters(catalog)
    two_n = power_paths.power_path(catalog, chain, "eco", "two_n").chain
    single = power_paths.power_path(catalog, chain, "eco", "n").chain
    # Fixed losses of twice the machines: at 10 % load the share is larger with two full sets.
    assert float(power_chain.indoor_loss_frac(two_n, 0.1)) > float(power_chain.indoor_loss_frac(single, 0.1))
    with pytest.raises(KeyError):
        power_paths.power_path(catalog, chain, "flywheel", "n")


def test_busway_loss_goes_with_the_square_of_current(catalog: Catalog) -> None:
    _, chain = inputs.base_parameters(catalog)
    ones = {f"ups_efficiency_load_{p}_frac": np.asarray(1.0) for p in ("025", "050", "075", "100")}
    lossy = replace(
        chain, **ones, lighting_to_it_frac=np.asarray(0.0), distribution_loss_frac=np.asarray(0.02),
        distribution_square_frac=np.asarray(1.0),
    )  # fmt: skip
    # Share of power 0.02 x load, so watts fall with load squared.
    for load in (0.25, 0.5, 1.0):
        assert float(power_chain.indoor_loss_frac(lossy, load)) == pytest.approx(1 / (1 - 0.02 * load) - 1)


@pytest.mark.parametrize("kind", KINDS)
def test_sums_of_a_year(catalog: Catalog, kind: str) -> None:
    load = 60 + 30 * np.sin(np.arange(8760) / 8760 * 2 * np.pi)
    year = _year(catalog, kind, load)
    assert year.annual_pue == pytest.approx(year.hourly_facility_mw.sum() / load.sum())
    assert year.annual_water_m3 == pytest.approx(year.annual_wue_l_per_kwh * load.sum())
    assert year.annual_source_wue_l_per_kwh == pytest.approx(year.annual_wue_l_per_kwh + 2.0 * year.annual_pue)
    assert monthly(year.hourly_pue, load).shape == (12,)
    assert year.peak_facility_mw == pytest.approx(100.0 * year.peak_pue)
    assert year.peak_facility_mw >= year.hourly_facility_mw.max() - 1e-9
    assert 0.0 <= year.hottest_hour_loss_mw < 40.0
    assert year.balance_residual < 1e-9


def test_a_connection_that_is_too_small_takes_energy(catalog: Catalog) -> None:
    year = _year(catalog)
    assert year.connection_loss(1000.0) == (0.0, 0.0)
    hours, lost = year.connection_loss(80.0)
    # Every hour draws 80 MW x PUE: what a connection of 80 MW leaves is 80 / PUE.
    assert hours == 8760
    assert lost == pytest.approx(float((80.0 - 80.0 / year.hourly_pue).sum()))


def test_hours_outside_the_curves_are_named(catalog: Catalog) -> None:
    plant, chain = inputs.base_parameters(catalog)
    hot = replace(_outdoors(), hourly_dry_bulb_degc=np.full(8760, 50.0))
    found = facility_year("air_chiller", hot, plant, chain, np.full(8760, 50.0), 100.0, 0.0)
    assert found.warnings == ("8760 hours of air outside -20 to 48 degC, where the curves of air_chiller hold",)
    with pytest.raises(ValueError, match="8760 hours"):
        facility_year("air_chiller", hot, plant, chain, np.full(24, 50.0), 100.0, 0.0)


def _load(values: list[str], head: str = "time,it_mw") -> list[str]:
    return [head, *(f"{i},{value}" for i, value in enumerate(values))]


def test_load_file_comes_back() -> None:
    found = read_load("\n".join(_load(["42.5"] * 8760)), "load.csv", "it_mw", 100.0)
    assert found.shape == (8760,) and found.min() == found.max() == 42.5


@pytest.mark.parametrize(
    ("values", "column", "words"),
    [
        (
            ["42"] * 8784,
            "it_mw",
            ["8784 rows", "rows 1418 to 1441 are 29 February", "drop_leap_day: true"],
        ),
        (["42"] * 8759, "it_mw", ["8759 rows are not whole years"]),
        (["42000"] * 8760, "it_mw", ["looks like kW", "divide by 1000", "row 2"]),
        (["142"] * 8760, "it_mw", ["more than it_mw 100"]),
        (["", "x", *["42"] * 8758], "it_mw", ["row 2: the cell is empty", "row 3: 'x' is not a number"]),
        (["42", "-3", *["42"] * 8758], "it_mw", ["row 3", "load is -3 MW"]),
        (["0"] * 8760, "it_mw", ["zero in every hour"]),
        (["42"] * 8760, "power", ["no column 'power'", "the columns are: time, it_mw"]),
        (["nan", "-3", *["42"] * 8000], "it_mw", ["8002 rows", "'nan' is not a number", "load is -3"]),
    ],
)
def test_faults_of_a_load_file(values: list[str], column: str, words: list[str]) -> None:
    with pytest.raises(WeatherFileError) as caught:
        read_load("\n".join(_load(values)), "load.csv", column, 100.0)
    for word in words:
        assert word in str(caught.value)
