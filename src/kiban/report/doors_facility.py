"""The door of the facility room: a user's file to a hall's year, in data, words and one page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from kiban.catalog import Catalog
from kiban.facility import inputs as rows
from kiban.facility.hall_choices import with_classes
from kiban.facility.load_file import read_load
from kiban.facility.phases import Build
from kiban.facility.plant import Outdoors, Plant
from kiban.facility.power_paths import PowerPath, power_path
from kiban.facility.weather import synthetic_year
from kiban.facility.weather_calendar import HOURS
from kiban.facility.weather_faults import WeatherFileError
from kiban.facility.weather_files import read_weather
from kiban.facility.year import FacilityYear, facility_year, monthly
from kiban.figures.climate import MONTHS
from kiban.report.facility_build import build_data, build_of, build_text
from kiban.scenario.facility_load import load_facility
from kiban.scenario.facility_schema import FacilityFile
from kiban.scenario.problems import Problem, ScenarioError
from kiban.scenario.textfile import read_text_file
from kiban.units.numbers import significant

Array = NDArray[np.float64]
T = TypeVar("T")
MOST_FILE_BYTES = 100_000_000


@dataclass(frozen=True)
class Answer:
    """One hall that was run: the form, its year, its power path and where the weather came from."""

    form: FacilityFile
    year: FacilityYear
    path: PowerPath
    outdoors: Outdoors
    provenance: str
    notes: tuple[str, ...]
    build: Build | None


def check_facility(file: Path, variant: str | None, catalog: Catalog) -> list[Problem]:
    """Report every problem of a facility file, its weather file and its load file, and run nothing."""
    try:
        _read(file, variant, catalog)
    except ScenarioError as error:
        return list(error.problems)
    return []


def _read(
    file: Path, variant: str | None, catalog: Catalog
) -> tuple[FacilityFile, tuple[Outdoors, str, tuple[str, ...]], Array]:
    """Read form, weather and load; files named in the form are looked for beside it."""
    form = load_facility(file, variant, catalog, parameter_bounds(catalog))
    problems: list[Problem] = []
    weather = _or_problems(lambda: _weather(form, file.parent, catalog), problems)
    load = _or_problems(lambda: _load(form, file.parent), problems)
    if problems or weather is None or load is None:
        raise ScenarioError(problems)
    return form, weather, load


def answer(file: Path, variant: str | None, catalog: Catalog) -> Answer:
    """Run the hall of a facility file.

    Arguments: file, variant or None, catalogue. Result: the answer.
    Errors: ScenarioError with every problem of the file, its weather file and its load file at once.
    """
    form, (outdoors, provenance, notes), load = _read(file, variant, catalog)
    plant, chain = rows.base_parameters(catalog)
    path = power_path(catalog, chain, form.power.ups, form.power.redundancy, form.power.units)
    plant = _with_choices(plant, form, catalog)
    year = facility_year(form.cooling, outdoors, plant, path.chain, load, form.it_mw, form.grid_water_l_per_kwh)
    return Answer(form, year, path, outdoors, provenance, (*notes, *year.warnings), build_of(form, catalog))


def parameter_bounds(catalog: Catalog) -> dict[str, tuple[float, float]]:
    """Give lowest and highest value of each parameter: the range of its row, widened by its width on both sides.

    Shares stay between 0 and 1, and what is positive in its range stays positive.
    """
    found = {}
    for name, key in rows.PLANT_KEYS.items():
        low, value, high = catalog.range(key)
        width = max(high - low, 0.2 * abs(value))
        least, most = low - width, high + width
        if name.endswith("_frac") and low >= 0.0:
            least, most = max(least, 0.0), min(most, 1.0)
        found[name] = (max(least, 0.1 * low) if low > 0.0 else least, most)
    return found


def _or_problems(read: Callable[[], T], problems: list[Problem]) -> T | None:
    try:
        return read()
    except WeatherFileError as error:
        for fault in error.faults:
            remedy = f"remedy: {fault.remedy}"
            problems.append(Problem("", f"{fault.found}; {remedy}", line=fault.row or None, file=fault.file))
    except ScenarioError as error:
        problems += error.problems
    return None


def _text(folder: Path, name: str, place: str) -> str:
    try:
        return read_text_file(folder / name, MOST_FILE_BYTES)
    except ValueError as error:
        raise ScenarioError([Problem(place, f"the file {error}", found=name)]) from None


def _weather(form: FacilityFile, folder: Path, catalog: Catalog) -> tuple[Outdoors, str, tuple[str, ...]]:
    part = form.weather
    if part.file is not None:
        text = _text(folder, part.file, "weather.file")
        found = read_weather(
            text,
            part.file,
            drop_leap_day=part.drop_leap_day,
            utc_offset_h=part.utc_offset_h,
            temperature_unit=part.temperature_unit,
        )
        return found.outdoors, found.provenance, found.notes
    site = str(part.site)
    try:
        normals, notes = rows.site_normals(catalog, site)
    except ValueError as error:
        raise ScenarioError([Problem("weather.site", f"{error}; use weather.file", found=site)]) from None
    year = synthetic_year(normals, rows.weather_shape(catalog), np.random.default_rng(part.seed))
    outdoors = Outdoors.from_dew_point(year.hourly_dry_bulb_degc, year.hourly_dew_point_degc, year.pressure_pa)
    return outdoors, f"synthetic year from the normals of {site}, seed {part.seed}", notes


def _load(form: FacilityFile, folder: Path) -> Array:
    if form.load.file is None:
        return np.full(HOURS, form.load.mean_frac * form.it_mw)
    text = _text(folder, form.load.file, "load.file")
    return read_load(text, form.load.file, form.load.column, form.it_mw, form.load.drop_leap_day)


def _with_choices(plant: Plant, form: FacilityFile, catalog: Catalog) -> Plant:
    """Lay ASHRAE classes, then the liquid share, then parameters by name over the catalogue's plant."""
    classed = with_classes(catalog, plant, form.air_class, form.allowable, form.water_class)
    share = {} if form.liquid_share_frac is None else {"liquid_share_frac": form.liquid_share_frac}
    return replace(classed, **{name: np.asarray(value) for name, value in (share | form.parameters).items()})


def facility_data(found: Answer) -> dict[str, Any]:
    """Give the answer as plain data for ``--json``."""
    year, form = found.year, found.form
    months = _months(year)
    data: dict[str, Any] = {
        "name": form.name,
        "cooling": form.cooling,
        "it_mw": form.it_mw,
        "weather": found.provenance,
        "annual_pue": year.annual_pue,
        "annual_wue_l_per_kwh": year.annual_wue_l_per_kwh,
        "annual_source_wue_l_per_kwh": year.annual_source_wue_l_per_kwh if form.grid_water_l_per_kwh else None,
        "annual_water_m3": year.annual_water_m3,
        "annual_facility_mwh": float(year.hourly_facility_mw.sum()),
        "annual_it_mwh": float(year.hourly_it_mw.sum()),
        "peak_pue": year.peak_pue,
        "peak_facility_mw": year.peak_facility_mw,
        "hottest_hour_loss_mw": year.hottest_hour_loss_mw,
        "power_at_boards_over_facility_frac": found.path.rack_efficiency_frac / year.annual_pue,
        "ups_module_load_frac": found.path.module_load_frac,
        "balance_residual": year.balance_residual,
        "monthly": months,
        "notes": list(found.notes),
    }
    if form.power.connection_mw is not None:
        hours, lost = year.connection_loss(form.power.connection_mw)
        data |= {"hours_above_connection_h": hours, "it_energy_lost_mwh": lost}
    if found.build is not None:
        data["construction"] = build_data(found.build, year.peak_pue)
    return data


def _months(year: FacilityYear) -> list[dict[str, Any]]:
    it = year.hourly_it_mw
    pue, wue = monthly(year.hourly_pue, it), monthly(year.hourly_wue_l_per_kwh, it)
    parts = {
        name: monthly(values, it)
        for name, values in (
            ("fans_frac", year.hourly_fans_frac),
            ("pumps_frac", year.hourly_pumps_frac),
            ("chillers_frac", year.hourly_chillers_frac),
            ("electrical_frac", year.hourly_electrical_frac),
        )
    }
    return [
        {
            "month": MONTHS[m],
            "pue": pue[m],
            "wue_l_per_kwh": wue[m],
            **{name: values[m] for name, values in parts.items()},
        }
        for m in range(12)
    ]


def facility_text(found: Answer) -> str:
    """Give the answer as a table: annual numbers, then months with the parts of PUE."""
    year, form, path = found.year, found.form, found.path
    lines = [
        f"{form.name}: {form.it_mw:g} MW critical IT, {form.cooling.replace('_', ' ')}",
        f"weather: {found.provenance}",
        "",
        f"{'annual PUE':<46}{year.annual_pue:>12.4f}",
        f"{'annual WUE, site, L per kWh of IT':<46}{year.annual_wue_l_per_kwh:>12.3f}",
    ]
    if form.grid_water_l_per_kwh:
        lines.append(f"{'annual WUE, site and power stations':<46}{year.annual_source_wue_l_per_kwh:>12.3f}")
    lines += [
        f"{'water on site, m3 per year':<46}{significant(year.annual_water_m3):>12}",
        f"{'PUE of the worst hour, hall full':<46}{year.peak_pue:>12.4f}",
        f"{'peak facility MW':<46}{year.peak_facility_mw:>12.2f}",
        f"{'IT MW the hottest hour takes (connection at mean)':<46}{year.hottest_hour_loss_mw:>9.2f}",
        f"{'power at the boards over facility power':<46}{path.rack_efficiency_frac / year.annual_pue:>12.4f}",
    ]
    if form.power.connection_mw is not None:
        hours, lost = year.connection_loss(form.power.connection_mw)
        lines.append(
            f"hours above the connection of {form.power.connection_mw:g} MW: {hours:.0f}, IT lost {lost:,.0f} MWh"
        )
    lines += ["", f"{'month':<6}{'PUE':>9}{'WUE':>9}{'fans':>9}{'pumps':>9}{'chillers':>10}{'electrical':>12}"]
    for row in _months(year):
        lines.append(
            f"{row['month']:<6}{row['pue']:>9.4f}{row['wue_l_per_kwh']:>9.3f}{row['fans_frac']:>9.4f}"
            f"{row['pumps_frac']:>9.4f}{row['chillers_frac']:>10.4f}{row['electrical_frac']:>12.4f}"
        )
    if found.build is not None:
        lines += build_text(build_data(found.build, year.peak_pue))
    return "\n".join([*lines, *(["", *(f"note: {note}" for note in found.notes)] if found.notes else [])])
