"""Measurement rows about a plant's year: PUE and WUE of a published study's plants and of operators' sites."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches

import numpy as np
from numpy.typing import NDArray

from kiban.catalog import Catalog
from kiban.compute.rows.answer import Answer, refused
from kiban.compute.rows.predict import Door
from kiban.facility import inputs, study
from kiban.facility.cooling import KINDS, hourly_overhead
from kiban.facility.cooling_air import outdoor_air_state
from kiban.facility.plant import Outdoors
from kiban.facility.weather import synthetic_year
from kiban.facility.weather_years import other_years
from kiban.uncertainty import sobol

Array = NDArray[np.float64]
Row = Mapping[str, str]
Weather = Mapping[str, Outdoors]
"""Hourly air by name of zone or place, in lower case; '' serves every row."""

METRICS = {"annual pue": 0, "annual wue": 1}
_UNITS = ({"", "-", "1"}, {"l/kwh", "l/kwh-it", "l/kwh it", "l/kwh_it"})
STUDY_DRAWS, SITE_DRAWS = 1024, 256
SITE_YEARS = 17
"""Years of weather behind a band; no factor in common with the power of two of the draws."""
FEW_DRAWS = 50
"""Parameter sets a zone in the sample data that the study's authors published in 2025; those of 2022 are not stated."""
LEAST_WUE_L_PER_KWH = 0.001
_SEED = 1


def site_door(weather: Weather) -> Door:
    """Give the door of rows of kind ``model_reference`` and ``operator_measured``.

    Argument: hourly air by name of zone or place. Result: a function of rows and catalogue that gives one answer a
    row; ``value`` and further columns are never read.
    """

    def door(rows: Sequence[Row], catalog: Catalog) -> list[Answer]:
        memo: dict[tuple[str, str], tuple[Array, Array]] = {}
        return [_answer(row, catalog, weather, memo) for row in rows]

    return door


def _answer(row: Row, catalog: Catalog, weather: Weather, memo: dict[tuple[str, str], tuple[Array, Array]]) -> Answer:
    metric = " ".join(row.get("metric", "").lower().split())
    if metric not in METRICS:
        return refused(f"unknown metric '{row.get('metric', '')}' of a plant's year; known: annual PUE, annual WUE")
    which = METRICS[metric]
    if row.get("unit", "").strip().lower() not in _UNITS[which]:
        return refused(f"unknown unit '{row['unit']}' of {metric}; known: {', '.join(sorted(_UNITS[which] - {''}))}")
    if row.get("kind", "").strip() == "model_reference":
        return _of_study(row, which, catalog, weather, memo)
    return _of_site(row, which, catalog, weather, memo)


def _setting(row: Row) -> str:
    return f"{row.get('setting', '')} {row.get('config', '')}".strip()


def _of_study(
    row: Row, which: int, catalog: Catalog, weather: Weather, memo: dict[tuple[str, str], tuple[Array, Array]]
) -> Answer:
    """Answer a percentile of one of the study's ten plants in one climate zone."""
    spelt = {_plain(name): case for name, case in study.NAMES.items()} | {case: case for case in study.CASES}
    case = spelt.get(_plain(row.get("system", "")), spelt.get(row.get("system", "").strip(), ""))
    if not case:
        near = get_close_matches(row.get("system", ""), study.NAMES, n=2, cutoff=0.3) or list(study.NAMES)
        return refused(f"no plant '{row.get('system', '')}' in the study; nearest known: {' | '.join(near)}")
    zone = re.search(r"zone\s+([0-9][a-c]?)\b", _setting(row), re.IGNORECASE)
    if zone is None:
        return refused(
            "the setting names no climate zone; write 'ASHRAE zone 5A; 5th percentile over parameter ranges'"
        )
    name = zone.group(1).upper()
    outdoors = weather.get(name.lower(), weather.get(""))
    if outdoors is None:
        had = f" (it has zones {', '.join(sorted(z.upper() for z in weather))})" if weather else ""
        return refused(
            f"needs the hourly weather of zone {name}{had}: --weather FILE.csv with columns zone, drybulb (degC), "
            f"rh (%), atp (Pa) and 8,760 rows a zone, or --weather {name}=FILE of one station (EPW, TMY3, CSV)"
        )
    if (case, name) not in memo:
        u = sobol(STUDY_DRAWS, study.study_columns(catalog), _SEED)
        memo[case, name] = study.study_annual(catalog, case, study.thinned(outdoors), u)
    values = memo[case, name][which]
    level = re.search(r"(\d+(?:\.\d+)?)\s*(?:st|nd|rd|th)\s+percentile", _setting(row), re.IGNORECASE)
    if level is None:
        low, mid, high = (_seen(float(x), which) for x in np.quantile(values, [0.1, 0.5, 0.9]))
        return Answer(low, mid, high, "answered", f"{case}, zone {name}: P10, P50, P90 over the study's ranges")
    if not 0.0 < float(level.group(1)) < 100.0:
        return refused(f"percentile {level.group(1)} is not between 0 and 100")
    p10, p50, p90 = (_seen(x, which) for x in study.band(values, float(level.group(1)) / 100.0, FEW_DRAWS))
    return Answer(
        p10,
        p50,
        p90,
        "answered",
        f"{case}, zone {name}: P50 is the percentile over {STUDY_DRAWS} parameter sets of the study's ranges, "
        f"P10 and P90 where it falls with {FEW_DRAWS}",
    )


def _seen(value: float, which: int) -> float:
    """Give water of at least what anybody would report; PUE as it is."""
    return max(value, LEAST_WUE_L_PER_KWH) if which else value


def _plain(name: str) -> str:
    return re.sub(r"[^a-z]+", "", name.lower())


def _of_site(
    row: Row, which: int, catalog: Catalog, weather: Weather, memo: dict[tuple[str, str], tuple[Array, Array]]
) -> Answer:
    """Answer an operator's site: the band of its kind of plant at its place."""
    years, of = site_air(_place(row, catalog), catalog, weather)
    if not years:
        return refused(of)
    kind, why = plant_of(row, years[0], catalog)
    if kind not in KINDS:
        return refused(f"no cooling '{kind}'; known: {', '.join(KINDS)}")
    if (kind, of) not in memo:
        memo[kind, of] = site_band(catalog, kind, years)
    values = memo[kind, of][which]
    if not values.any():
        return refused(f"{kind} takes no water; {why}")
    p5, p10, p50, p90, p95 = (float(x) for x in np.quantile(values, [0.05, 0.1, 0.5, 0.9, 0.95]))
    p10, p50, p90 = (_seen(x, which) for x in (p10, p50, p90))
    return Answer(p10, p50, p90, "answered", f"{kind} ({why}), weather {of}; P5 {p5:.3f}, P95 {p95:.3f}")


def _regions(catalog: Catalog) -> dict[str, str]:
    return {
        _plain(name): key.split(".")[1]
        for key in catalog
        if key.endswith(".region_names")
        for name in catalog.text(key).split("|")
    }


def _place(row: Row, catalog: Catalog) -> str:
    """Give the place of a row: what its setting begins with, else a region that its system names."""
    place = _setting(row).split(",")[0].split(";")[0].strip()
    regions = _regions(catalog)
    if _plain(place) in regions:
        return place
    named = _plain(row.get("system", ""))
    return max((region for region in regions if region in named), key=len, default=place)


def site_air(place: str, catalog: Catalog, weather: Weather) -> tuple[tuple[Outdoors, ...], str]:
    """Give the air of a place, the user's before synthetic years of the catalogue, with its name or what is missing.

    Arguments: place as an operator writes it, catalogue, hourly air by name. Result: every fifth hour of the user's
    year, or of ``SITE_YEARS`` years of which the first meets the normals; empty where nothing is known; words.
    """
    own = weather.get(place.lower(), weather.get(""))
    if own is not None:
        return (study.thinned(own),), f"of the user's file for {place}"
    regions = _regions(catalog)
    site = regions.get(_plain(place), place if catalog.has(f"site.{place}.lat_deg") else "")
    if not site:
        if re.match(r"(global|fleet|fy)", place, re.IGNORECASE) or not re.search("[a-z]", place, re.IGNORECASE):
            return (), f"'{place}' is no one place: a fleet has no year of weather"
        near = get_close_matches(_plain(place), regions, n=2, cutoff=0.6)
        hint = f"; nearest known: {', '.join(regions[n] for n in near)}" if near else ""
        return (), f"the catalogue has no weather of '{place}'{hint}; give --weather '{place}=FILE' (EPW, TMY3, CSV)"
    try:
        return _drawn_years(catalog, site), f"{SITE_YEARS} synthetic years of {site}"
    except ValueError as error:
        return (), f"{error}; give --weather '{place}=FILE'"


def _drawn_years(catalog: Catalog, site: str) -> tuple[Outdoors, ...]:
    normals, _ = inputs.site_normals(catalog, site)
    shape, spread = inputs.weather_shape(catalog), inputs.year_spread(catalog)
    rng = np.random.default_rng(_SEED)
    years = (normals, *other_years(normals, shape, spread, SITE_YEARS - 1, rng))
    found = []
    for one in years:
        year = synthetic_year(one, shape, np.random.default_rng(_SEED))
        air = Outdoors.from_dew_point(year.hourly_dry_bulb_degc, year.hourly_dew_point_degc, year.pressure_pa)
        found.append(study.thinned(air))
    return tuple(found)


def plant_of(row: Row, outdoors: Outdoors, catalog: Catalog) -> tuple[str, str]:
    """Say which kind of plant a site is taken to have, and why; nothing reported of the site goes in.

    Arguments: row, outdoor air, catalogue. Result: kind of cooling, words. Rule: what the row names as
    ``cooling=KIND``; Google builds towers with economizers; others build for outdoor air where it carries half of the
    year's heat at the middle of kiban's ranges, else towers.
    """
    named = re.search(r"cooling\s*=\s*(\w+)", _setting(row))
    if named:
        return named.group(1), "as the row says"
    if row.get("system", "").lower().startswith("google"):
        return "water_chiller_economizer", "rule: Google has towers"
    plant, _ = inputs.base_parameters(catalog)
    carried = 1.0 - float(np.mean(outdoor_air_state(outdoors, plant, wetting=True).mechanical_frac))
    if carried >= 0.5:
        return "air_economizer_adiabatic", f"rule: outdoor air carries {carried:.0%} of the year"
    return "water_chiller_economizer", f"rule: outdoor air would carry only {carried:.0%} of the year"


def site_band(catalog: Catalog, kind: str, years: Sequence[Outdoors]) -> tuple[Array, Array]:
    """Give annual PUE and WUE (each (P,)) of halls that exist with one kind of cooling, at 0.6-0.95 of their load.

    Arguments: catalogue, kind, years of air that the draws share out in turn: what is reported is of a single year.
    """
    case = "large_airside" if kind.startswith("air_economizer") else "large_waterside"
    draws = sobol(SITE_DRAWS, study.study_columns(catalog) + 1, _SEED)
    low, _, high = catalog.range("facility.mean_it_load_frac")
    pue, wue = np.empty(SITE_DRAWS), np.empty(SITE_DRAWS)
    for first, outdoors in enumerate(years):
        u = draws[first :: len(years)]
        plant, chain = study.study_sample(catalog, case, u, as_published=False)
        found = hourly_overhead(kind, outdoors, plant, chain, low + (high - low) * u[:, -1:])
        pue[first :: len(years)] = found.hourly_pue.mean(axis=-1)
        wue[first :: len(years)] = found.hourly_wue_l_per_kwh.mean(axis=-1)
    return pue, wue
