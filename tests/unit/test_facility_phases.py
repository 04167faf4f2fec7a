"""Phases of a build: sums, denominators, critical path by hand."""

from __future__ import annotations

import numpy as np
import pytest

from kiban.facility.construction import LINES, WEEKS_PER_MONTH
from kiban.facility.phases import Phase, build_in_phases

LINES_USD_PER_KW = np.arange(1.0, len(LINES) + 1) * 100
MEASURED = np.array([10.0, 20.0, 40.0])
COMMISSIONING = np.array([2.0, 3.0, 5.0])


def _weeks(months: float) -> tuple[float, float, float]:
    return (0.5 * months * WEEKS_PER_MONTH, months * WEEKS_PER_MONTH, 2 * months * WEEKS_PER_MONTH)


def test_sums_and_denominators() -> None:
    build = build_in_phases(
        [Phase(40, 0), Phase(60, 12)], LINES_USD_PER_KW, MEASURED, {"ups": _weeks(5)}, COMMISSIONING
    )
    assert build.usd == pytest.approx(LINES_USD_PER_KW.sum() * 100_000)
    assert build.usd_per_critical_it_kw == pytest.approx(LINES_USD_PER_KW.sum())
    assert build.monthly_usd.sum() == pytest.approx(build.usd)
    assert build.monthly_usd.min() >= 0.0
    assert build.monthly_it_mw[-1] == 100.0
    # The first phase stands from month 20, the second from month 32.
    assert (build.monthly_it_mw[18], build.monthly_it_mw[19], build.monthly_it_mw[30], build.monthly_it_mw[31]) == (
        0.0, 40.0, 40.0, 100.0,
    )  # fmt: skip


def test_construction_or_equipment_holds_the_phase() -> None:
    slow = build_in_phases(
        [Phase(10, 6)], LINES_USD_PER_KW, MEASURED, {"ups": _weeks(5), "generator": _weeks(24)}, COMMISSIONING
    )
    (phase,) = slow.phases
    assert phase.critical_item == "generator"
    assert phase.ready_months[1] == pytest.approx(6 + 24 + 3)
    assert phase.order_month == pytest.approx(6)
    quick = build_in_phases([Phase(10, 6)], LINES_USD_PER_KW, MEASURED, {"ups": _weeks(5)}, COMMISSIONING)
    (phase,) = quick.phases
    assert phase.critical_item == "construction"
    assert phase.ready_months[1] == pytest.approx(26)
    # The order may wait until five months and commissioning before the end.
    assert phase.order_month == pytest.approx(26 - 3 - 5)


def test_land_is_paid_at_the_start_and_half_of_the_rest_by_half_time() -> None:
    build = build_in_phases([Phase(1, 0)], LINES_USD_PER_KW, MEASURED, {"ups": _weeks(1)}, COMMISSIONING)
    land = LINES_USD_PER_KW[LINES.index("land")] * 1000
    assert build.monthly_usd[0] > land
    assert build.monthly_usd[:10].sum() - land == pytest.approx(0.5 * (build.usd - land))


def test_no_phase_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one phase"):
        build_in_phases([], LINES_USD_PER_KW, MEASURED, {"ups": _weeks(1)}, COMMISSIONING)
