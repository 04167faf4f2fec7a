"""Synthetic years against real hourly files of the same place, and real files against each other. Prints Markdown.

Use: python benchmarks/weather.py FOLDER (EPW, TMY3 or Open-Meteo files; ../shared/data/weather when left out).
Each file gives its own normals; "by rule" leaves its daily statistics out, so that the ``weather.*`` rules fill them.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import sys
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kiban.catalog import Catalog, load_catalog
from kiban.facility import inputs
from kiban.facility.cooling import KINDS, hourly_overhead
from kiban.facility.plant import Outdoors
from kiban.facility.weather import synthetic_year
from kiban.facility.weather_calendar import MONTH_OF_DAY, monthly_mean, monthly_std
from kiban.facility.weather_files import Weather, read_weather
from kiban.facility.weather_statistics import DailyStatistics, Normals

Array = NDArray[np.float64]
SHARED = Path(__file__).parents[1].parent / "shared" / "data" / "weather"
SEEDS = range(1, 9)
WANTED = 0.08
SHOWN = (
    "air_economizer_adiabatic", "air_economizer_water_chiller", "water_chiller_economizer", "liquid_tower",
    "liquid_dry_cooler", "hybrid_liquid_air", "immersion_single_phase", "immersion_two_phase",
)  # fmt: skip


def own_normals(real: Weather) -> Normals:
    """Give the normals and daily statistics of one file (wind and sun blank in it become 4 m/s and 4 kWh/m2 a day)."""
    dry, dew = real.hourly_dry_bulb_degc.reshape(365, 24), real.hourly_dew_point_degc.reshape(365, 24)
    t, d = dry.mean(axis=1), dew.mean(axis=1)

    def score(daily: Array) -> Array:
        off = daily - monthly_mean(daily)[MONTH_OF_DAY]
        return np.asarray(off / np.sqrt(monthly_mean(off**2))[MONTH_OF_DAY])

    wind, ghi = real.hourly_wind_speed_m_per_s, real.hourly_ghi_w_per_m2
    daily = DailyStatistics(
        monthly_std(d), monthly_mean(score(d) ** 3), monthly_mean(score(t) ** 3), monthly_mean(score(d) * score(t))
    )
    return Normals(
        monthly_mean(dry),
        monthly_mean(dry.max(axis=1)),
        monthly_mean(dry.min(axis=1)),
        monthly_std(t),
        monthly_mean(dew),
        np.full(12, 4.0) if wind is None else monthly_mean(wind),
        np.full(12, 4.0) if ghi is None else monthly_mean(ghi) * 0.024,
        real.lat_deg,
        real.lon_deg,
        float(real.hourly_pressure_pa.mean()),
        daily,
    )


def annual(outdoors: Outdoors, catalog: Catalog) -> tuple[Array, Array]:
    """Give annual PUE and WUE of every kind of plant."""
    plant, chain = inputs.base_parameters(catalog)
    found = [hourly_overhead(kind, outdoors, plant, chain, 0.8) for kind in KINDS]
    return np.array([f.hourly_pue.mean() for f in found]), np.array([f.hourly_wue_l_per_kwh.mean() for f in found])


def drawn(normals: Normals, catalog: Catalog, seed: int) -> tuple[Array, Array]:
    """Give annual PUE and WUE on one synthetic year."""
    year = synthetic_year(normals, inputs.weather_shape(catalog), np.random.default_rng(seed))
    outdoors = Outdoors.from_dew_point(year.hourly_dry_bulb_degc, year.hourly_dew_point_degc, year.pressure_pa)
    return annual(outdoors, catalog)


def row(name: str, pue_gap: Array, water: Array, wanted: Array) -> str:
    """Format one line: largest PUE gap of all plants, then water over the real file's for the plants shown."""
    cells = []
    for kind in SHOWN:
        i = KINDS.index(kind)
        cells.append(f"{100 * (water[i] / wanted[i] - 1):+.1f} % of {wanted[i]:.3f}")
    return f"| {name} | {np.abs(pue_gap).max():.4f} | {' | '.join(cells)} |"


def main() -> None:
    """Print the two tables."""
    catalog = load_catalog()
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else SHARED
    real = {}
    for path in sorted(p for p in folder.iterdir() if p.suffix in {".epw", ".csv", ".tmy3"}):
        found = read_weather(path.read_text(errors="replace"), path.name)
        real[path.stem] = (own_normals(found), *annual(found.outdoors, catalog))
    head = f"| file | PUE | {' | '.join(SHOWN)} |\n|---|---|{'---|' * len(SHOWN)}"
    for title, rule in (("with daily statistics", False), ("by rule", True)):
        print(f"\nSynthetic over real, {title}, mean of {len(SEEDS)} draws\n\n{head}")
        ratios, litres = [], []
        for name, (normals, pue, wue) in real.items():
            used = replace(normals, daily=None) if rule else normals
            years = [drawn(used, catalog, seed) for seed in SEEDS]
            gap = np.max([np.abs(p - pue) for p, _ in years], axis=0)
            water = np.mean([w for _, w in years], axis=0)
            print(row(name, gap, water, wue))
            ratios.append(water[wue > 0] / wue[wue > 0] - 1)
            litres.append(np.abs(water - wue)[wue > 0])
        off = np.abs(np.concatenate(ratios)) > WANTED
        apart = np.concatenate(litres)
        print(f"\n{(~off).sum()} of {off.size} pairs of file and plant that takes water within {WANTED:.0%}; ", end="")
        print(f"the other {off.sum()} at most {apart[off].max(initial=0.0):.3f} L/kWh apart")
    print(f"\nReal over real, places within 60 km\n\n{head}")
    for (a, first), (b, second) in combinations(real.items(), 2):
        if np.hypot(first[0].lat_deg - second[0].lat_deg, first[0].lon_deg - second[0].lon_deg) < 0.6:
            print(row(f"{a} over {b}", first[1] - second[1], first[2], second[2]))


if __name__ == "__main__":
    main()
