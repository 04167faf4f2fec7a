"""What a plan does in its first quarter, and in which way another plan's first quarter is a different decision."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kiban.plan.case import PlanCase
from kiban.plan.lp import Solution
from kiban.plan.program import Program
from kiban.results import PlanOutcome, Rung
from kiban.units.numbers import significant

HALF = 0.5
NOTHING_FRAC = 0.01
"""Less than this share of what could be taken is no decision."""

KIND_WORDS = {
    "operator_sublet": "operator halls",
    "landlord_lease": "leased halls",
    "build_to_suit": "build-to-suit halls",
    "owned": "own halls",
}


@dataclass(frozen=True)
class Decision:
    """The first quarter of a plan."""

    hall_it_mw: dict[str, float]
    """IT MW signed or started by kind of rung."""
    ordered: float
    """Own accelerators ordered."""
    rented: float
    """Rented accelerators signed."""
    soon_it_mw: dict[str, float]
    """IT MW by kind of rung in the later quarters of the first year, as long as the futures have not parted."""

    @property
    def total_it_mw(self) -> float:
        """IT MW of halls signed or started."""
        return sum(self.hall_it_mw.values())

    @property
    def kind(self) -> str:
        """Kind of rung with most MW, empty if none."""
        return main_kind(self.hall_it_mw)


@dataclass(frozen=True)
class Least:
    """Amounts below which a first quarter does nothing of that sort."""

    it_mw: float
    ordered: float
    rented: float


def decision_of(program: Program, rungs: tuple[Rung, ...], solution: Solution, trunk: list[int]) -> Decision:
    """Read the first quarter from a solution of the programme; trunk, its nodes of the first year, root first."""
    columns, case = program.columns, program.case
    return _decision(
        [rungs[k].kind for k in case.halls.rung],
        solution.x[columns.hall_start[trunk]],
        float(solution.x[columns.buy[0]].sum()),
        float(solution.x[columns.sign[0]].sum()),
    )


def decision_of_outcome(outcome: PlanOutcome, rungs: tuple[Rung, ...], trunk: list[int]) -> Decision:
    """Read the first quarter from an outcome; trunk as above."""
    return _decision(
        [r.kind for r in rungs],
        outcome.node_hall_start_it_mw[trunk],
        float(outcome.node_silicon_buy[0].sum()),
        float(outcome.node_rent_sign[0].sum()),
    )


def _decision(kinds: list[str], it_mw: np.ndarray, ordered: float, rented: float) -> Decision:
    return Decision(_by_kind(kinds, it_mw[0]), ordered, rented, _by_kind(kinds, it_mw[1:].sum(axis=0)))


def _by_kind(kinds: list[str], it_mw: np.ndarray) -> dict[str, float]:
    total: dict[str, float] = {}
    for kind, mw in zip(kinds, it_mw.tolist(), strict=True):
        if mw > 0:
            total[kind] = total.get(kind, 0.0) + mw
    return total


def main_kind(it_mw: dict[str, float]) -> str:
    """Kind of rung with most MW, empty if none; the first by name of equals."""
    return max(sorted(it_mw), key=lambda k: it_mw[k], default="")


def hall_change(base: Decision, now: Decision, least: Least) -> str:
    """Say how the signatures for halls differ, or nothing.

    They differ if there were some and there are none, or less than half, or another kind of rung takes most of them; or
    if there were none and there are some.
    """
    before, after = base.total_it_mw, now.total_it_mw
    if before < least.it_mw:
        return f"{_amount(after)} MW of {KIND_WORDS[now.kind]} would be signed today" if after >= least.it_mw else ""
    if after < least.it_mw:
        soon = sum(now.soon_it_mw.values())
        later = f", but {_amount(soon)} MW of {_halls(now.soon_it_mw)} within the year" if soon >= least.it_mw else ""
        return f"no hall would be signed today{later}"
    if now.kind != base.kind:
        return f"{KIND_WORDS[now.kind]} would take the place of {KIND_WORDS[base.kind]} today"
    if after < HALF * before:
        return f"only {_amount(after)} instead of {_amount(before)} MW of halls would be signed today"
    return ""


def _halls(it_mw: dict[str, float]) -> str:
    return KIND_WORDS[main_kind(it_mw)] if len(it_mw) == 1 else "halls"


def silicon_change(base: Decision, now: Decision, least: Least) -> str:
    """Say how orders and rents of accelerators differ by the same rule, or nothing."""
    words = []
    for verb, before, after, floor in (
        ("ordered", base.ordered, now.ordered, least.ordered),
        ("rented", base.rented, now.rented, least.rented),
    ):
        if before < floor <= after:
            words.append(f"{_amount(after)} accelerators would be {verb} today")
        elif after < floor <= before:
            words.append(f"no accelerator would be {verb} today")
        elif before >= floor and after < HALF * before:
            words.append(f"only {_amount(after)} instead of {_amount(before)} accelerators would be {verb} today")
    return " and ".join(words)


def least_of(case: PlanCase) -> Least:
    """A hundredth of the room at the sites, and of the accelerators that fill it or that suppliers give in a quarter.

    Never less than a hundredth of a MW or one accelerator.
    """
    room_mw = float(case.limits.site_max_it_mw.max(axis=1, initial=0.0).sum())
    fill = room_mw * 1e3 / float(case.chips.it_kw.min()) if len(case.chips.it_kw) else 0.0
    return Least(
        max(NOTHING_FRAC * room_mw, 0.01),
        max(NOTHING_FRAC * min(fill, case.limits.accelerators_per_quarter), 1.0),
        max(NOTHING_FRAC * min(fill, case.limits.rented_accelerators_per_quarter), 1.0),
    )


def _amount(value: float) -> str:
    rounded = float(f"{value:.3g}")
    return f"{rounded:,.0f}" if rounded >= 10 else significant(rounded, 2)
