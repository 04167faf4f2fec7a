"""Speed and memory, in one run: whole commands, and kernels as a ratio to a peer. Prints a Markdown table."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
KIBAN = [sys.executable, "-m", "kiban.cli"]


def command(arguments: list[str], repeat: int = 3) -> tuple[float, float]:
    """Median wall seconds and peak megabytes of a command."""
    seconds, peak = [], 0.0
    for _ in range(repeat):
        begin = time.perf_counter()
        process = subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        seconds.append(time.perf_counter() - begin)
        peak = max(peak, usage.ru_maxrss / 1e3)
        if status != 0:
            raise SystemExit(f"{' '.join(arguments)} ended with status {status}")
    return float(np.median(seconds)), peak


def kernel(call: Callable[[], object], repeat: int = 5) -> float:
    """Best seconds of a call."""
    best = np.inf
    for _ in range(repeat):
        begin = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - begin)
    return float(best)


def lp_rows() -> list[tuple[str, str, str]]:
    """Building the same battery LP in kiban's block layer and in linopy."""
    import linopy
    import pandas as pd

    from kiban.solve import Model

    hours = 8760
    price = 50 + 20 * np.sin(np.arange(hours) / 24 * 2 * np.pi)

    def ours() -> Model:
        model = Model("battery")
        charge = model.add_columns("charge_mw", shape=(hours,), upper=1.0, cost=price, unit="MW", sentence="Charging")
        give = model.add_columns("give_mw", shape=(hours,), upper=1.0, cost=-price, unit="MW", sentence="Giving")
        full = model.add_columns("full_mwh", shape=(hours,), upper=4.0, unit="MWh", sentence="Stored energy")
        model.add_rows(
            "balance",
            shape=(hours,),
            lower=0.0,
            upper=0.0,
            terms=[
                (None, full, 1.0),
                (None, full.index[np.arange(-1, hours - 1)], -1.0),
                (None, charge, -0.95),
                (None, give, 1.0),
            ],
            unit="MWh",
            sentence="Energy is kept",
        )
        model.problem()
        return model

    def theirs() -> linopy.Model:
        model = linopy.Model()
        time_index = pd.RangeIndex(hours, name="time")
        charge = model.add_variables(0, 1, coords=[time_index], name="charge")
        give = model.add_variables(0, 1, coords=[time_index], name="give")
        full = model.add_variables(0, 4, coords=[time_index], name="full")
        model.add_constraints(full - full.roll(time=1) - 0.95 * charge + give == 0, name="balance")
        model.add_objective((price * charge).sum() - (price * give).sum())
        _ = model.matrices.A
        return model

    mine, peer = kernel(ours), kernel(theirs)
    return [("build a year of a battery LP (26,280 columns)", f"{mine * 1e3:.1f} ms", f"{mine / peer:.2f} x linopy")]


def psychro_rows() -> list[tuple[str, str, str]]:
    """Wet bulb of a year against PsychroLib's loop."""
    import psychrolib

    from kiban.facility.psychrometrics import humidity_ratio, saturation_pressure_pa, wet_bulb_degc

    psychrolib.SetUnitSystem(psychrolib.SI)
    degc = 15 + 12 * np.sin(np.arange(8760) / 8760 * 2 * np.pi)
    ratio = humidity_ratio(0.6 * saturation_pressure_pa(degc), 101325.0)
    mine = kernel(lambda: wet_bulb_degc(degc, ratio, 101325.0))
    some = slice(0, 8760, 20)
    peer = 20 * kernel(
        lambda: [
            psychrolib.GetTWetBulbFromHumRatio(t, w, 101325.0) for t, w in zip(degc[some], ratio[some], strict=True)
        ],
        1,
    )
    return [("wet bulb of 8,760 h", f"{mine * 1e3:.1f} ms", f"{mine / peer:.4f} x PsychroLib")]


def irr_rows() -> list[tuple[str, str, str]]:
    """Rates of return of many projects against a loop over pyxirr."""
    import pyxirr

    from kiban.finance.irr import irr_batch

    rng = np.random.default_rng(1)
    flows = np.concatenate([-rng.uniform(50, 150, (500, 1)), rng.uniform(0, 20, (500, 40))], axis=1)
    mine = kernel(lambda: irr_batch(flows), 2)
    peer = kernel(lambda: [pyxirr.irr(row) for row in flows], 2)
    return [("all roots of 500 rates of return", f"{mine * 1e3:.0f} ms", f"{mine / peer:.0f} x pyxirr (one root only)")]


def main() -> None:
    """Print the table."""
    rows: list[tuple[str, str, str]] = []
    seconds, peak = command([*KIBAN, "--help"])
    rows.append(("`kiban --help`", f"{seconds:.2f} s", f"{peak:.0f} MB"))
    seconds, peak = command([*KIBAN, "check", "examples/anthropic-50b.yaml"])
    rows.append(("`kiban check` of the flagship", f"{seconds:.2f} s", f"{peak:.0f} MB"))
    with tempfile.TemporaryDirectory() as runs:
        run = [*KIBAN, "run", "examples/anthropic-50b.yaml", "--force", "--runs", runs]
        seconds, peak = command(run, 1)
        rows.append(("`kiban run` of the flagship, everything", f"{seconds:.0f} s", f"{peak:.0f} MB"))
    rows += lp_rows() + psychro_rows() + irr_rows()
    print("| what | kiban | memory, or ratio |\n|---|---|---|")
    for row in rows:
        print("| " + " | ".join(row) + " |")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print(f"\n{os.cpu_count()} cores; peak of this process {peak:.0f} MB")


if __name__ == "__main__":
    main()
