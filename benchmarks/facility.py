"""Psychrometrics against PsychroLib, a synthetic year, and a site-year of every cooling plant. Prints Markdown."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import time
from collections.abc import Callable

import numpy as np
import psychrolib

from kiban.catalog import load_catalog
from kiban.facility import inputs
from kiban.facility import psychrometrics as air
from kiban.facility.cooling import KINDS, hourly_overhead
from kiban.facility.plant import Outdoors
from kiban.facility.weather import synthetic_year

HOURS = 8760


def milliseconds(call: Callable[[], object], repeat: int = 15) -> float:
    """Best processor time of a call."""
    best = np.inf
    for _ in range(repeat):
        begin = time.process_time()
        call()
        best = min(best, time.process_time() - begin)
    return 1000.0 * float(best)


def main() -> None:
    """Time each part in one run and print the table."""
    catalog = load_catalog()
    normals, _ = inputs.site_normals(catalog, "abilene_tx")
    shape = inputs.weather_shape(catalog)
    year = synthetic_year(normals, shape, np.random.default_rng(1))
    dry, dew, pressure = year.hourly_dry_bulb_degc, year.hourly_dew_point_degc, year.pressure_pa
    ratio = air.humidity_ratio_of_dew_point(dew, pressure)
    psychrolib.SetUnitSystem(psychrolib.SI)

    def theirs() -> None:
        for t, d in zip(dry[:HOURS:20], dew[:HOURS:20], strict=True):
            psychrolib.GetTWetBulbFromTDewPoint(float(t), float(d), pressure)

    rows = [
        ("wet bulb, 8760 hours", milliseconds(lambda: air.wet_bulb_degc(dry, ratio, pressure)), 5.0),
        ("dew point, 8760 hours", milliseconds(lambda: air.dew_point_degc(air.saturation_pressure_pa(dew))), 5.0),
        ("all of the air (ratio, wet bulb)", milliseconds(lambda: Outdoors.from_dew_point(dry, dew, pressure)), 5.0),
        ("PsychroLib wet bulb, 8760 hours (438 timed, scaled)", 20 * milliseconds(theirs, 2), np.nan),
        ("synthetic year", milliseconds(lambda: synthetic_year(normals, shape, np.random.default_rng(1))), np.nan),
    ]
    outdoors = Outdoors.from_dew_point(dry, dew, pressure)
    plant, chain = inputs.base_parameters(catalog)
    for kind in KINDS:
        spent = milliseconds(lambda kind=kind: hourly_overhead(kind, outdoors, plant, chain, 0.8))  # type: ignore[misc]
        rows.append((f"PUE and WUE of a site-year, {kind}", spent, 20.0))
    print("| what | ms | limit, ms |\n|---|---|---|")
    for name, spent, limit in rows:
        print(f"| {name} | {spent:.2f} | {'' if np.isnan(limit) else f'{limit:g}'} |")


if __name__ == "__main__":
    main()
