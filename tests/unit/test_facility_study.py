"""Own cooling models against the percentiles of a published study and against what operators report."""

from __future__ import annotations

import csv
import gzip
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from kiban.catalog import Catalog, load_catalog
from kiban.facility import inputs, study
from kiban.facility import psychrometrics as air
from kiban.facility.cooling import hourly_overhead
from kiban.facility.plant import Outdoors
from kiban.facility.weather import synthetic_year
from kiban.uncertainty import sobol

SHARED = Path(__file__).parents[3] / "shared"
ZONES = SHARED / "data" / "peers" / "lei_masanet" / "zone_weather_2A_2B_3A_3B_4A_5A_6A.csv.gz"
# The places of the catalogue that stand for an operator's region.
PLACES = {
    "N. Virginia": "loudoun_va", "Virginia": "loudoun_va", "Ohio": "new_albany_oh", "Oregon": "the_dalles_or",
    "Singapore": "singapore", "Ireland": "dublin", "Frankfurt": "frankfurt", "Iowa": "council_bluffs_ia",
    "S. Carolina": "atlanta_ga", "Illinois": "chicago_il", "Arizona": "phoenix_az", "Wyoming": "cheyenne_wy",
    "Sweden": "stockholm", "Netherlands": "london",
}  # fmt: skip
TRACE_WUE = 0.05
HALF_DIGIT = 0.005  # operators report two digits


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog()


def _published(kind: str) -> list[dict[str, str]]:
    path = SHARED / "validation" / "energy.csv"
    if not path.exists():
        pytest.skip("needs ../shared/validation/energy.csv")
    with path.open(newline="", encoding="utf-8") as handle:
        return [row for row in csv.DictReader(handle) if row["kind"] == kind and row["status"] == "SOURCED"]


@lru_cache(maxsize=16)
def _zone(zone: str) -> Outdoors:
    if not ZONES.exists():
        pytest.skip(f"needs {ZONES.name} under ../shared/data/peers")
    with gzip.open(ZONES, "rt") as handle:
        rows = [[float(r[k]) for k in ("drybulb", "rh", "atp")] for r in csv.DictReader(handle) if r["zone"] == zone]
    dry, humidity, pressure = np.array(rows)[::6].T
    ratio = air.humidity_ratio(humidity / 100 * air.saturation_pressure_pa(dry), pressure)
    return Outdoors(dry, air.wet_bulb_degc(dry, ratio, pressure), ratio, pressure)


def _gaps(catalog: Catalog, metric: str) -> dict[tuple[str, str, int], float]:
    """Model less published (PUE) or model over published less one (WUE) by case, zone and percentile."""
    rows = [row for row in _published("model_reference") if row["metric"] == metric]
    u = sobol(1024, study.study_columns(catalog), 1)
    gaps, memo = {}, {}
    for row in rows:
        case, zone = study.NAMES[row["system"]], row["setting"].split("zone ")[1][:2]
        if (case, zone) not in memo:
            memo[case, zone] = study.study_annual(catalog, case, _zone(zone), u)
        percentile, value = (95 if "95th" in row["setting"] else 5), float(row["value"])
        model = float(np.percentile(memo[case, zone][metric == "annual WUE"], percentile))
        gaps[case, zone, percentile] = model - value if metric == "annual PUE" else model / value - 1
    return gaps


def test_published_pue_percentiles(catalog: Catalog) -> None:
    """Within 0.03 at both ends of every plant and zone, but for the upper end of the midsize plant (0.036 high)."""
    gaps = _gaps(catalog, "annual PUE")
    assert len(gaps) == 22
    assert {key for key, gap in gaps.items() if abs(gap) > 0.03} <= {("midsize_water_waterside", "5A", 95)}
    assert max(abs(gap) for gap in gaps.values()) < 0.045


def test_published_wue_percentiles(catalog: Catalog) -> None:
    """Within 15 %, but for the lower end of outdoor-air plants in humid zones 3A and 5A (19 and 23 % low)."""
    gaps = _gaps(catalog, "annual WUE")
    assert len(gaps) == 22
    known = {("large_airside", zone, 5) for zone in ("3A", "5A")}
    assert {key for key, gap in gaps.items() if abs(gap) > 0.15} <= known
    assert max(abs(gap) for gap in gaps.values()) < 0.25


def _kind(row: dict[str, str], wue: dict[str, list[float]]) -> str:
    """Google has towers; else towers above 1.5 L/kWh of reported water, no water below 0.05, outdoor air between."""
    water = float(np.mean(wue.get(row["system"], [0.2])))
    if row["system"].startswith("Google") or water > 1.5:
        return "water_chiller_economizer"
    return "air_chiller_economizer" if water < TRACE_WUE else "air_economizer_adiabatic"


def _bands(catalog: Catalog, metric: str) -> dict[tuple[str, str], bool]:
    """Say of each operator's site whether its latest value lies inside the 5-95 % band of its kind of plant."""
    rows = [r for r in _published("operator_measured") if r["setting"].split(",")[0] in PLACES]
    wue: dict[str, list[float]] = {}
    for row in rows:
        if row["metric"] == "annual WUE":
            wue.setdefault(row["system"], []).append(float(row["value"]))
    latest = {row["system"]: row for row in rows if row["metric"] == metric}
    u = sobol(256, study.study_columns(catalog) + 1, 1)
    low, _, high = catalog.range("facility.mean_it_load_frac")
    load = low + (high - low) * u[:, -1:]
    inside = {}
    for row in latest.values():
        kind, place = _kind(row, wue), PLACES[row["setting"].split(",")[0]]
        if metric == "annual WUE" and float(row["value"]) < TRACE_WUE:
            continue
        case = "large_airside" if kind.startswith("air_economizer") else "large_waterside"
        year = synthetic_year(
            inputs.site_normals(catalog, place)[0], inputs.weather_shape(catalog), np.random.default_rng(1)
        )
        pick = slice(0, None, 6)
        outdoors = Outdoors.from_dew_point(
            year.hourly_dry_bulb_degc[pick], year.hourly_dew_point_degc[pick], year.pressure_pa
        )
        found = hourly_overhead(kind, outdoors, *study.study_sample(catalog, case, u, as_published=False), load)
        values = found.hourly_pue if metric == "annual PUE" else found.hourly_wue_l_per_kwh
        least, most = np.percentile(values.mean(axis=-1), [5, 95])
        inside[row["system"], row["setting"]] = bool(least - HALF_DIGIT <= float(row["value"]) <= most + HALF_DIGIT)
    return inside


def test_operators_pue_inside_our_band(catalog: Catalog) -> None:
    """At least 80 % of sites; outside are rented or old halls (1.32 and more), which no plant of today explains."""
    inside = _bands(catalog, "annual PUE")
    assert len(inside) == 20
    missed = {system for (system, _), ok in inside.items() if not ok}
    assert missed <= {
        "Amazon Web Services ap-southeast-1", "Amazon Web Services eu-central-1",
        "Microsoft Azure northcentralus", "Microsoft Azure southeastasia",
    }  # fmt: skip
    assert np.mean(list(inside.values())) >= 0.80


def test_operators_wue_inside_our_band(catalog: Catalog) -> None:
    """Seven of ten; outside are an old hall in Illinois, a tower plant in Singapore by 1 % and Oregon by 0.006 L/kWh.

    On the real station file of the place that stands for Oregon the band ends at 0.149 L/kWh too, the row says 0.16.
    """
    inside = _bands(catalog, "annual WUE")
    assert len(inside) == 10
    missed = {system for (system, _), ok in inside.items() if not ok}
    assert missed <= {
        "Amazon Web Services ap-southeast-1", "Microsoft Azure northcentralus", "Amazon Web Services us-west-2",
    }  # fmt: skip


def test_every_case_runs_and_sizes_rank(catalog: Catalog) -> None:
    u = sobol(32, study.study_columns(catalog), 1)
    dry = np.linspace(-10, 38, 200)
    ratio = air.humidity_ratio(0.5 * air.saturation_pressure_pa(dry), 99_000.0)
    outdoors = Outdoors(dry, air.wet_bulb_degc(dry, ratio, 99_000.0), ratio, np.asarray(99_000.0))
    median = {case: float(np.median(study.study_annual(catalog, case, outdoors, u)[0])) for case in study.CASES}
    assert (
        median["large_waterside"] < median["midsize_water_waterside"] < median["midsize_water"] < median["small_water"]
    )
    assert median["midsize_air"] < median["small_air"]


def test_medians_are_near_those_of_a_national_report(catalog: Catalog) -> None:
    """The report's medians over US stations (a model of the same authors) against ours of zone 4A, out of sample."""
    u = sobol(256, study.study_columns(catalog), 1)
    for case, key, pue_gap in (
        ("midsize_water", "midsize_water_cooled_chiller", 0.03),
        ("midsize_water_waterside", "midsize_waterside_economizer", 0.04),
        ("midsize_water_airside", "midsize_airside_economizer_wcc", 0.05),
        ("small_water", "small_water_cooled_chiller", 0.05),
    ):
        pue, wue = study.study_annual(catalog, case, _zone("4A"), u)
        assert abs(float(np.median(pue)) - catalog.value(f"cooling.{key}.annual_pue")) < pue_gap, case
        if case != "midsize_water_airside":  # theirs runs its chillers in twice the hours
            wanted = catalog.value(f"cooling.{key}.annual_wue_l_per_kwh_it")
            assert abs(float(np.median(wue)) / wanted - 1) < 0.12, case


def test_bad_cases_and_samples_are_named(catalog: Catalog) -> None:
    with pytest.raises(ValueError, match="no case 'huge'"):
        study.study_sample(catalog, "huge", np.zeros((2, 90)))
    with pytest.raises(ValueError, match="columns"):
        study.study_sample(catalog, "large_airside", np.zeros((2, 9)))
