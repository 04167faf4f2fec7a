"""Measure the ``weather.*`` rows of daily means on a folder of hourly files. Prints them with their spread.

Use: python benchmarks/weather_rows.py FOLDER [--table]. FOLDER holds the TMY3 station files that
``weather_stations.txt`` lists; ``--table`` prints lines of the catalogue's table weather_daily_statistics instead.
Rows of hours within the day are not measured here one by one: docs/facility.md says how they were set.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from weather import own_normals

from kiban.catalog import load_catalog
from kiban.facility.weather_calendar import DAYS, MONTH_DAYS, MONTH_START, scores
from kiban.facility.weather_files import Weather, read_weather
from kiban.facility.weather_statistics import Normals

Array = NDArray[np.float64]
TIES = (
    "range, dry bulb", "range, dew point", "range, irradiance", "irradiance, dry bulb", "irradiance, dew point",
    "dry bulb, day before", "dew point, day before", "irradiance, day before",
)  # fmt: skip


def monthly_tie(a: Array, b: Array) -> float:
    """Give the mean over months of the correlation of two series of scores (365,)."""
    return float(np.mean(np.add.reduceat(a * b, MONTH_START) / (MONTH_DAYS - 1)))


def ties(real: Weather) -> list[float]:
    """Give the correlations named in ``TIES``; dew point is the part that temperature does not explain."""
    dry = real.hourly_dry_bulb_degc.reshape(DAYS, 24)
    t, d = scores(dry.mean(axis=1)), scores(real.hourly_dew_point_degc.reshape(DAYS, 24).mean(axis=1))
    shared = np.add.reduceat(t * d, MONTH_START) / (MONTH_DAYS - 1)
    own = scores(d - np.repeat(shared, MONTH_DAYS) * t)
    span = scores(dry.max(axis=1) - dry.min(axis=1))
    assert real.hourly_ghi_w_per_m2 is not None
    sun = scores(real.hourly_ghi_w_per_m2.reshape(DAYS, 24).sum(axis=1))
    inside = np.ones(DAYS, dtype=bool)
    inside[MONTH_START] = False
    next_day = [monthly_tie(np.where(inside, np.roll(x, 1), 0.0), x) for x in (t, own, sun)]
    pairs = ((span, t), (span, own), (span, sun), (sun, t), (sun, own))
    return [monthly_tie(a, b) for a, b in pairs] + next_day


def regress(name: str, wanted: Array, columns: list[Array]) -> None:
    """Print a least-squares fit over months, its 5-95 % range over samples of stations, and the rest."""
    x = np.column_stack(columns)
    rng = np.random.default_rng(0)
    stations = np.arange(len(wanted)).reshape(-1, 12)
    fits = []
    for _ in range(200):
        pick = stations[rng.integers(0, len(stations), len(stations))].ravel()
        fits.append(np.linalg.lstsq(x[pick], wanted[pick], rcond=None)[0])
    fit = np.linalg.lstsq(x, wanted, rcond=None)[0]
    low, high = np.percentile(fits, [5, 95], axis=0)
    rest = float((wanted - x @ fit).std())
    print(f"{name}: {fit.round(3)}, {low.round(3)} to {high.round(3)}, months stray by {rest:.2f}")


def rules(normals: list[Normals]) -> None:
    """Print the rules of ``daily_statistics_by_rule`` as measured."""
    catalog = load_catalog()

    def row(name: str) -> float:
        return catalog.value(f"weather.{name}")

    def every(get: str) -> Array:
        return np.concatenate([getattr(n.daily if hasattr(n.daily, get) else n, get) for n in normals])

    dry, dew, one = every("dry_bulb_mean_degc"), every("dew_point_mean_degc"), np.ones(12 * len(normals))
    room = np.clip(row("dew_point_sea_degc") - dew, 0.5, row("dew_point_room_max_k"))
    spread = every("dry_bulb_daily_mean_std_k")
    regress("log spread on 1, log dry-bulb spread, log room", np.log(every("dew_point_std_k")),
            [one, np.log(spread), np.log(room)])  # fmt: skip
    regress("correlation on 1, room, depression", every("dew_point_dry_bulb_correlation"), [one, room, dry - dew])
    above = np.maximum(dew - row("dew_point_skew_start_degc"), 0.0) * np.minimum(room / 2.0, 1.0)
    regress("dew-point skew per K", every("dew_point_skew"), [above])
    regress("dry-bulb skew per K", every("dry_bulb_skew"), [np.maximum(dry - row("dry_bulb_skew_start_degc"), 0.0)])


def main() -> None:
    """Read the files and print the rows."""
    files = sorted(p for p in Path(sys.argv[1]).iterdir() if p.suffix in {".epw", ".csv", ".tmy3"})
    real = [read_weather(path.read_text(errors="replace"), path.name) for path in files]
    normals = [own_normals(found) for found in real]
    if "--table" in sys.argv:
        for path, found in zip(files, normals, strict=True):
            assert found.daily is not None
            for month, line in enumerate(zip(*vars(found.daily).values(), strict=True), start=1):
                print(f"{path.stem},{month}," + ",".join(f"{value:.2f}" for value in line))
        return
    rules(normals)
    low, middle, high = np.percentile([ties(found) for found in real], [10, 50, 90], axis=0)
    for name, a, b, c in zip(TIES, low, middle, high, strict=True):
        print(f"{name}: {b:.2f} ({a:.2f} to {c:.2f})")


if __name__ == "__main__":
    main()
