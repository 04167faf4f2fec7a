"""Batches of projects against PySAM's single owner model and pyxirr, in one run. Prints a Markdown table."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import resource
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "oracle"))

from kiban.finance.irr import irr_arrays
from kiban.finance.project import evaluate, lines
from kiban.finance.project_inputs import Build, Costs, Debt, Grid, Projects, Reserves, Sales, Tax

MANY = 100_000
SCHEDULES = np.zeros((3, 39))
SCHEDULES[0, :6] = [0.2, 0.32, 0.192, 0.1152, 0.1152, 0.0576]
SCHEDULES[1, :16] = [
    0.05, 0.095, 0.0855, 0.077, 0.0693, 0.0623, 0.059, 0.059, 0.0591, 0.059, 0.0591, 0.059, 0.0591, 0.059, 0.0591,
    0.0295,
]  # fmt: skip
SCHEDULES[2] = 1 / 39


def seconds(call: Callable[[], object], repeat: int = 3) -> float:
    """Best processor seconds of a call."""
    best = np.inf
    for _ in range(repeat):
        begin = time.process_time()
        call()
        best = min(best, time.process_time() - begin)
    return float(best)


def quarterly(count: int, tight: bool) -> Projects:
    """Levered projects of 15 years in quarters after one year of building; every uncertain figure one a project.

    Tight: coverage sizes the loan, and late in its life tax falls due on income that went to the lender, so that flows
    of the owners change sign several times.
    """
    rng = np.random.default_rng(1)

    def between(low: float, high: float) -> np.ndarray:
        return rng.uniform(low, high, count)

    return Projects(
        Grid(60, 4, 4),
        Sales(
            between(2e6, 4e6), between(35, 60) if tight else between(40, 70), between(-0.02, 0.03),
            between(0, 0.02), between(0, 0.2),
        ),
        Costs(between(1e7, 3e7), 0.025, between(1, 5), 0.025, 0.003, 0.025, 0.01, 1.0, 0.05),
        Build(between(5e8, 9e8), 0.02, np.array([0.2, 0.3, 0.3, 0.2]), 0.0, between(0, 1e7)),
        0.09,
        Debt(
            "sculpted", between(0.06, 0.09), None, 56 if tight else 48, 0, 0.95 if tight else 0.7,
            between(1.15, 1.4) if tight else between(1.25, 1.5), 0.0125, 1e6, sized_on="after_unlevered_tax",
        ),
        Tax(
            0.21, 0.065, SCHEDULES, np.array([0.6, 0.2, 0.15]), np.array([1.0, 1.0, 0.0]), np.zeros(3), False, 0.8, 0.3
        ),
        reserves=Reserves(6.0, 3.0, 1.0, 0.02),
        inflation_frac_per_year=0.025,
    )  # fmt: skip


def batch_rows() -> list[tuple[str, str, str]]:
    """Time of a hundred thousand quarterly projects, both rates of return with their status included."""
    rows = []
    for tight, words in ((False, "gearing binds"), (True, "coverage binds, flows change sign often")):
        some = quarterly(MANY, tight)
        evaluate(quarterly(4096, tight))
        mine = seconds(lambda: evaluate(some))  # noqa: B023
        found = evaluate(some)
        counts = np.bincount(found.equity_irr.status, minlength=3) / MANY
        note = f"equity IRR: {counts[1]:.1%} unique, {counts[2]:.1%} several, {counts[0]:.1%} none"
        rows.append((f"{MANY:,} levered after-tax projects, 60 + 4 quarters; {words}", f"{mine:.2f} s", note))
    return rows


def _many(one: Projects, count: int) -> Projects:
    """The same project again and again, with an array for each figure that a sample would vary."""

    def full(part: object, *names: str) -> object:
        return replace(part, **{name: np.full(count, getattr(part, name)) for name in names})  # type: ignore[type-var]

    return replace(
        one,
        sales=full(one.sales, "output_per_year", "price_nominal_usd_per_unit", "price_escalation_frac_per_year",
                   "degradation_frac_per_year", "residual_frac"),
        costs=full(one.costs, "fixed_nominal_usd_per_year", "fixed_escalation_frac_per_year"),
        build=full(one.build, "cost_nominal_usd"),
        debt=full(one.debt, "rate_frac_per_year", "gearing_frac", "dscr", "tenor_periods"),
        discount_frac_per_year=np.full(count, one.discount_frac_per_year),
    )  # fmt: skip


def sam_rows() -> list[tuple[str, str, str]]:
    """The same yearly project again and again: our batch a project against a loop over PySAM.

    PySAM also sums 8,760 hours of output in each run, which our engine is not asked to do.
    """
    from sam_single_owner import Case, model, ours

    rows = []
    for case, words in (
        (Case(), "level debt"),
        (Case(sculpted=True, limit_gearing=True, gearing_frac=0.6), "sculpted debt"),
    ):
        sam, loops = model(case), 20
        sam.execute(0)
        again = _many(ours(case), 20_000)
        gap = abs(evaluate(ours(case)).equity_npv_usd[0] / sam.Outputs.project_return_aftertax_npv - 1)
        peer = seconds(lambda: [sam.execute(0) for _ in range(loops)]) / loops  # noqa: B023
        mine = seconds(lambda: evaluate(again)) / 20_000  # noqa: B023
        rows.append(
            (f"one project of 25 years, {words}, in a batch of 20,000", f"{mine * 1e6:.1f} us",
             f"PySAM {peer * 1e3:.1f} ms = {peer / mine:,.0f} x; NPV apart by {gap:.0e}")
        )  # fmt: skip
    return rows


def irr_rows() -> list[tuple[str, str, str]]:
    """Rates of return of the owners' flows against a loop over pyxirr, which gives one root without a status."""
    import pyxirr

    rows = []
    for tight, words in ((False, "one change of sign"), (True, "often several changes")):
        flows = np.ascontiguousarray(lines(quarterly(20_000, tight)).equity)
        by_row = np.ascontiguousarray(flows.T)
        mine = seconds(lambda: irr_arrays(flows)) / 20_000  # noqa: B023
        peer = seconds(lambda: [pyxirr.irr(row, silent=True) for row in by_row], 1) / 20_000  # noqa: B023
        rows.append(
            (
                f"every IRR of 64 quarters, {words}",
                f"{mine * 1e6:.1f} us",
                f"pyxirr {peer * 1e6:.1f} us = {peer / mine:.1f} x",
            )
        )
    return rows


def main() -> None:
    """Print the table."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    rows = batch_rows()
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    rows += sam_rows() + irr_rows()
    print("| what | kiban | beside it |\n|---|---|---|")
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print(f"\nProcessor time of one core; memory {after:.0f} MB at the end of the batches, {before:.0f} MB before them")


if __name__ == "__main__":
    main()
