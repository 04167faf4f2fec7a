"""The same year of one site in kiban and in PyPSA, a warm re-solve of twelve weeks, and time against hours.

    python benchmarks/energy.py [pair] [warm] [curve]

One bus, hourly: wind, solar, battery, gas, a grid with hourly price and clean share, at least 85 % of the load clean
in its hour. Every measurement has a process of its own, so that peak memory is its own; ``--grid DIR --resource DIR``
point to real series (price and low-carbon share of a year, irradiance and wind), else the series are synthetic.
"""

from __future__ import annotations

import argparse
import csv
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

YEAR = 8760
CURVE = (168, 672, 2016, 4368, 8760, 2 * YEAR, 3 * YEAR, 5 * YEAR)
CLEAN_FRAC = 0.85
LIMIT_MW, ADDER = 130.0, 5.0
WIND, SOLAR, GAS, FUEL = 130e3, 80e3, 90e3, 45.0
BATTERY_MW, BATTERY_MWH, ONE_WAY, WEAR = 30e3, 20e3, 0.93, 0.5

Series = dict[str, np.ndarray]


def synthetic() -> Series:
    """A year with spikes, lulls and seasons; the same on every machine."""
    random = np.random.default_rng(7)
    hour = np.arange(YEAR)
    slow = np.convolve(random.standard_normal(YEAR + 47), np.ones(48) / 48**0.5, "valid")
    price = 32 * np.exp(0.45 * random.standard_normal(YEAR)) * (1 + 0.35 * np.sin(2 * np.pi * (hour % 24 - 12) / 24))
    wind = np.clip(0.42 + 0.22 * slow + 0.08 * random.standard_normal(YEAR), 0, 1)
    season = 1 - 0.35 * np.cos(2 * np.pi * hour / YEAR)
    cloud = random.uniform(0.3, 1.0, YEAR // 24).repeat(24)
    solar = np.clip(np.sin(2 * np.pi * (hour % 24 - 6) / 24), 0, 1) * season / 1.35 * cloud
    share = np.clip(0.25 + 0.35 * wind + 0.1 * random.standard_normal(YEAR), 0, 1)
    return {"price": price, "wind": wind, "solar": solar, "share": share}


def real(grid: Path, site: Path) -> Series:
    """ERCOT 2023 day ahead and Electricity Maps, with the resource near Abilene of 2013."""

    def column(path: Path, name: str) -> np.ndarray:
        with path.open(encoding="utf-8") as file:
            return np.array([float(row[name]) for row in csv.DictReader(file)])

    wind = np.genfromtxt(next(site.glob("wtk_*.csv")), delimiter=",", skip_header=2, usecols=14)
    ghi = np.genfromtxt(next(site.glob("nsrdb_*.csv")), delimiter=",", skip_header=3, usecols=18)
    return {
        "price": np.maximum(column(grid / "dam_price_US-TEX-ERCO_2023.csv", "price_usd_per_mwh"), 0.0),
        "wind": np.clip((np.minimum(wind / 12, 1) ** 3 - 0.02) / 0.98, 0, 1)[:YEAR],
        "solar": np.clip(ghi / 1000, 0, 1)[:YEAR],
        "share": column(grid / "electricitymaps_US-TEX-ERCO_2023.csv", "low_carbon_pct")[:YEAR] / 100,
    }


def of(args: argparse.Namespace, hours: int) -> tuple[Series, np.ndarray]:
    """Series and load of a number of hours; later years are the first, shifted by weeks and scaled, so that none
    repeats."""
    year = real(Path(args.grid), Path(args.resource)) if args.grid and args.resource else synthetic()
    found = {}
    for name, values in year.items():
        parts = [values] + [np.roll(values, 336 * k) * (1 + (0.04 * k if name == "price" else 0)) for k in range(1, 5)]
        found[name] = np.concatenate(parts)[:hours]
    return found, 100 + 6 * np.cos(2 * np.pi * (np.arange(hours) % 24 - 15) / 24)


def case_of(args: argparse.Namespace, hours: int) -> Any:
    """The case in kiban."""
    from kiban.energy.dispatch import Battery, Case, Grid, Plant, Source, hourly_axis

    s, load = of(args, hours)
    return Case(
        hourly_axis(hours),
        load,
        Grid(s["price"], LIMIT_MW, ADDER, clean_frac=s["share"]),
        (
            Source("wind", s["wind"], "site", usd_per_mw_year=WIND),
            Source("solar", s["solar"], "site", usd_per_mw_year=SOLAR),
        ),
        (Plant("gas", GAS, FUEL),),
        Battery(BATTERY_MW, BATTERY_MWH, ONE_WAY, ONE_WAY, WEAR),
    )


def kiban(args: argparse.Namespace, hours: int) -> dict[str, Any]:
    """Build, solve and read one case."""
    began, cpu = time.perf_counter(), time.process_time()
    from kiban.energy.dispatch import Clean, Programme

    imported = time.perf_counter()
    case = case_of(args, hours)
    ready = time.perf_counter()
    programme = Programme(case)
    programme.model.problem()
    built = time.perf_counter()
    answer = programme.solve(Clean("hourly", CLEAN_FRAC))
    done = time.perf_counter()
    return {
        "objective": answer.cost_usd_per_year, "import_s": imported - began, "build_s": built - ready,
        "solve_s": answer.seconds, "total_s": done - ready, "cpu_s": time.process_time() - cpu,
        "rows": programme.model.n_rows, "columns": programme.model.n_columns,
    }  # fmt: skip


def pypsa(args: argparse.Namespace, hours: int) -> dict[str, Any]:
    """The same case as a PyPSA user writes it: store with two links, HiGHS with its defaults."""
    began, cpu = time.perf_counter(), time.process_time()
    import pandas as pd
    import pypsa as p

    imported = time.perf_counter()
    s, load = of(args, hours)
    ready = time.perf_counter()
    n = p.Network(snapshots=pd.RangeIndex(hours))
    # A part of a year stands for all of it, as in kiban.
    n.snapshot_weightings["objective"] = n.snapshot_weightings["generators"] = max(1.0, YEAR / hours)
    n.add("Bus", ["site", "cell"])
    n.add("Load", "load", bus="site", p_set=load)
    n.add("Generator", "grid", bus="site", p_nom=LIMIT_MW, marginal_cost=s["price"] + ADDER)
    for name, cost in (("wind", WIND), ("solar", SOLAR)):
        n.add("Generator", name, bus="site", p_nom_extendable=True, capital_cost=cost, p_max_pu=s[name])
    n.add("Generator", "gas", bus="site", p_nom_extendable=True, capital_cost=GAS, marginal_cost=FUEL)
    n.add("Store", "store", bus="cell", e_nom_extendable=True, e_cyclic=True, capital_cost=BATTERY_MWH)
    n.add("Link", "charge", bus0="site", bus1="cell", efficiency=ONE_WAY, p_nom_extendable=True)
    n.add(
        "Link", "discharge", bus0="cell", bus1="site", efficiency=ONE_WAY, p_nom_extendable=True,
        capital_cost=BATTERY_MW * ONE_WAY, marginal_cost=WEAR * ONE_WAY,
    )  # fmt: skip

    def rules(network: Any, _: Any) -> None:
        rating, output = network.model["Link-p_nom"], network.model["Generator-p"]
        link, name = rating.dims[0], next(d for d in output.dims if d != "snapshot")
        pick = {"drop": True}
        network.model.add_constraints(
            rating.sel({link: "charge"}, **pick) - ONE_WAY * rating.sel({link: "discharge"}, **pick) == 0
        )
        dirty = pd.Series(1 - s["share"], index=network.snapshots).to_xarray()
        unclean = (output.sel({name: "grid"}, **pick) * dirty).sum() + output.sel({name: "gas"}, **pick).sum()
        network.model.add_constraints(unclean <= (1 - CLEAN_FRAC) * load.sum())

    status = n.optimize(
        solver_name="highs", extra_functionality=rules, include_objective_constant=False, log_to_console=False
    )
    done = time.perf_counter()
    if status != ("ok", "optimal"):
        raise SystemExit(f"PyPSA ended with {status}")
    return {
        "objective": float(n.objective), "import_s": imported - began, "total_s": done - ready,
        "cpu_s": time.process_time() - cpu,
    }  # fmt: skip


def warm(args: argparse.Namespace, hours: int) -> dict[str, Any]:
    """Re-solves of twelve weeks after moving the clean share, the connection and the price of wind."""
    from kiban.energy.dispatch import Clean, Programme

    programme = Programme(case_of(args, hours))
    found = {"cold": programme.solve(Clean("hourly", CLEAN_FRAC)).seconds}
    moves: dict[str, Any] = {
        "clean 87 %": lambda: None,
        "clean 82 %": lambda: None,
        "limit 110 MW": lambda: programme.set_import_limit(110.0),
        "wind +5 %": lambda: programme.set_source_cost("wind", 1.05 * WIND),
    }
    shares = {"clean 87 %": 0.87, "clean 82 %": 0.82}
    for name, move in moves.items():
        move()
        began = time.perf_counter()
        programme.solve(Clean("hourly", shares.get(name, CLEAN_FRAC)))
        found[name] = time.perf_counter() - began
    return found


ONE = {"kiban": kiban, "pypsa": pypsa, "warm": warm}


def apart(args: argparse.Namespace, name: str, hours: int) -> dict[str, Any]:
    """Run one measurement in a process of its own."""
    command = [sys.executable, __file__, "--one", name, "--hours", str(hours)]
    if args.grid and args.resource:
        command += ["--grid", args.grid, "--resource", args.resource]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout.strip().splitlines()[-1])


def pair(args: argparse.Namespace) -> None:
    ours, theirs = apart(args, "kiban", YEAR), apart(args, "pypsa", YEAR)
    print(f"{'':<22}{'kiban':>14}{'PyPSA':>14}{'ratio':>8}")
    for name in ("import_s", "total_s", "cpu_s", "peak_mb"):
        print(f"{name:<22}{ours[name]:>14.2f}{theirs[name]:>14.2f}{ours[name] / theirs[name]:>8.3f}")
    print(f"{'objective':<22}{ours['objective']:>14.2f}{theirs['objective']:>14.2f}")
    print(f"objectives differ by {abs(ours['objective'] / theirs['objective'] - 1):.1e}")
    print(f"build {ours['build_s']:.3f} s is {ours['build_s'] / ours['solve_s']:.2%} of the solve")


def curve(args: argparse.Namespace) -> None:
    print(f"{'hours':>8}{'rows':>10}{'columns':>10}{'build s':>10}{'solve s':>10}{'peak MB':>10}")
    for hours in args.steps or CURVE:
        one = apart(args, "kiban", hours)
        print(
            f"{hours:>8}{one['rows']:>10}{one['columns']:>10}{one['build_s']:>10.3f}{one['solve_s']:>10.2f}"
            f"{one['peak_mb']:>10.0f}",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=["pair", "warm", "curve", []], default=[])
    parser.add_argument("--grid", default="")
    parser.add_argument("--resource", default="")
    parser.add_argument("--steps", type=int, nargs="*", help="hours of the curve")
    parser.add_argument("--one", choices=list(ONE), help=argparse.SUPPRESS)
    parser.add_argument("--hours", type=int, default=YEAR, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        found = ONE[args.one](args, args.hours)
        found["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps(found))
        return
    for part in args.parts or ["pair", "warm", "curve"]:
        if part == "pair":
            pair(args)
        elif part == "warm":
            for name, seconds in apart(args, "warm", 2016).items():
                print(f"{name:<22}{seconds:>10.3f}")
        else:
            curve(args)


if __name__ == "__main__":
    main()
