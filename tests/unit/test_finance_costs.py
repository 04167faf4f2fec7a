"""Cost sheets and unit costs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiban.finance.cost_sheet import capital_recovery_frac, cost_sheet, opex_conflict
from kiban.finance.model import multiple_on_invested, payback_years


def test_recovery_factor_limits() -> None:
    assert float(capital_recovery_frac(0.0, 8)) == pytest.approx(1 / 8)
    assert float(capital_recovery_frac(0.07, np.inf)) == pytest.approx(0.07)
    assert float(capital_recovery_frac(0.1, 1)) == pytest.approx(1.1)


def test_a_sheet_adds_up() -> None:
    sheet = cost_sheet(["a", "b"], [100.0, 50.0], [5, 10], ["c"], [7.0], 0.0)
    assert sheet.annual_capex_usd_per_year == pytest.approx(25.0)
    assert sheet.annual_total_usd_per_year == pytest.approx(32.0)


@given(st.floats(0.0, 0.3), st.floats(1, 40), st.floats(1.01, 3))
def test_longer_life_and_lower_rate_never_cost_more(rate: float, life: float, factor: float) -> None:
    assert capital_recovery_frac(rate, life * factor) <= capital_recovery_frac(rate, life) + 1e-12
    assert capital_recovery_frac(rate, life) <= capital_recovery_frac(rate * factor, life) + 1e-12


def test_published_gigawatt_sheet() -> None:
    # Epoch's 1 GW lines in million USD: their page states 8.5 billion a year.
    lines = {"servers": (21188.0, 5.0), "facility": (11433.0, 14), "network": (4925.0, 5), "utility": (164.0, 14)}
    capex, life = [v for v, _ in lines.values()], [n for _, n in lines.values()]
    opex = [594.0, 143, 120, 40, 20, 6]
    sheet = cost_sheet([*lines, "land"], [*capex, 172.0], [*life, np.inf], list("abcdef"), opex, 0.065)
    assert sheet.annual_total_usd_per_year == pytest.approx(8500, rel=0.01)
    assert sheet.capex_usd.sum() == pytest.approx(37_882)


def test_conflict_is_said_in_words() -> None:
    lines = {"energy": 594.0, "tax": 143, "maintenance": 120, "labour": 40, "utility": 20, "water": 6}
    assert "sum to 923, the source states 907" in opex_conflict(lines, 907.0)
    assert opex_conflict(lines, 923.0) == ""


def test_payback_and_multiple() -> None:
    flows = np.array([[-4.0, 1, 1, 1, 1, 1], [-4.0, 1, 1, 1, 0, 0], [1.0, 1, 1, 1, 1, 1]])
    assert payback_years(flows)[[0, 2]] == pytest.approx([1.0, 0.0])
    assert np.isnan(payback_years(flows)[1])
    assert multiple_on_invested(flows)[:2] == pytest.approx([1.25, 0.75])
