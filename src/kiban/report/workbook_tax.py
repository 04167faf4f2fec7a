"""The tax block of the Cash flow sheet: write-offs, losses, income and margin tax, without the interest shield.

The formulas repeat `docs/finance.md`: what is left of the tax basis at the end is set against the residual value.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kiban.report.workbook_cash import CashFlow
from kiban.report.workbook_grid import Series, added

Array = NDArray[np.float64]


def write_tax(cash: CashFlow) -> None:
    """Write the block; ``cash.rows.tax['payable']`` is negative."""
    nominal, tax, worth = cash.rows.nominal, cash.rows.tax, cash.given.number
    cash.sheet.heading("Tax write-off of one dollar, by age in quarters")
    short = _schedule(cash, "short_life", "Servers and network")
    plant = _schedule(cash, "long_life", "Plant and land improvements")
    building = cash.row(
        "Building",
        np.full(cash.quarters, 0.25 / worth["building_life"]),
        lambda q: "0.25/building_life",
        number="factor",
        unit="1",
        total=None,
    )
    cash.sheet.heading("Tax, unlevered: no deduction of interest, losses carried forward")
    rest = 1 - worth["building_share"] - worth["land_share"]
    silicon, built = nominal["silicon_capex"], nominal["hall_capex"]
    offs = [
        _write_off(cash, "Write-off of silicon", silicon, short, 1.0, ""),
        _write_off(cash, "Write-off of plant", built, plant, rest, "*(1-building_share-land_share)"),
        _write_off(cash, "Write-off of buildings", built, building, worth["building_share"], "*building_share"),
    ]
    gain = _gain(cash, offs)
    parts = [nominal["operating"], gain, *offs]
    income = cash.row("Income before losses", added(parts, cash.quarters), lambda q: "+".join(p[q] for p in parts))
    used = _losses(cash, income)
    value = nominal["compute_at_market_rent"]
    revenue = np.clip(value.values, 0, None) + np.clip(gain.values, 0, None)
    margin = cash.row(
        "Tax on revenue", -worth["tax_margin"] * revenue, lambda q: f"-tax_margin*(MAX({value[q]},0)+MAX({gain[q]},0))"
    )
    due = -worth["tax_rate"] * (np.clip(income.values, 0, None) - used.values)
    levy = cash.row("Tax on income", due, lambda q: f"-tax_rate*(MAX({income[q]},0)-{used[q]})")
    tax.update(gain=gain, income=income, margin=margin)
    tax["payable"] = cash.row("Tax", margin.values + due, lambda q: f"{margin[q]}+{levy[q]}", True)


def _schedule(cash: CashFlow, name: str, label: str) -> Series:
    worth = cash.given.number
    years = sum(1 for key in worth if key.startswith(f"{name}."))
    shares = np.array([worth[f"{name}.{y}"] for y in range(1, years + 1)])
    bonus = worth["bonus_share"]
    age = np.arange(cash.quarters)
    inside = age // 4 < years
    values = np.where(inside, shares[np.minimum(age // 4, years - 1)], 0.0) / 4 * (1 - bonus) + bonus * (age == 0)

    def text(q: int) -> str:
        share = f"{cash.given.cell[f'{name}.{q // 4 + 1}']}/4*(1-bonus_share)" if q // 4 < years else "0"
        return f"{share}+bonus_share" if q == 0 else share

    return cash.row(label, values, text, number="factor", unit="1", total=None)


def _write_off(cash: CashFlow, label: str, spend: Series, schedule: Series, share: float, words: str) -> Series:
    number = cash.plan.number
    values = np.convolve(spend.values, schedule.values)[: cash.quarters] * share

    def text(q: int) -> str:
        by_age = f"LOOKUP({number[q]}-{number.span(0, q)},{number.all},{schedule.all})"
        return f"SUMPRODUCT({spend.span(0, q)}*{by_age}){words}"

    return cash.row(label, values, text)


def _gain(cash: CashFlow, offs: list[Series]) -> Series:
    nominal, last = cash.rows.nominal, cash.quarters - 1
    off = sum(float(o.values.sum()) for o in offs)
    value = float(nominal["residual_value"].values.sum() + nominal["capex"].values.sum()) - off
    off_text = "-".join(o.total for o in offs)
    text = f"{nominal['residual_value'].total}+{nominal['capex'].total}-{off_text}"
    return cash.row(
        "Residual value over what is left to write off",
        value * (np.arange(cash.quarters) == last),
        lambda q: text if q == last else "0",
    )


def _losses(cash: CashFlow, income: Series) -> Series:
    cap, quarters = cash.given.number["loss_cap"], cash.quarters
    used, left = np.zeros(quarters), np.zeros(quarters)
    before = 0.0
    for q, earned in enumerate(income.values.tolist()):
        used[q] = min(before, cap * max(earned, 0.0))
        before = left[q] = before - used[q] + max(-earned, 0.0)
    after = Series(cash.sheet.name, cash.sheet.row + 1, left)
    spent = cash.row("Losses used", used, lambda q: f"MIN({after[q - 1]},loss_cap*MAX({income[q]},0))" if q else "0")
    cash.row(
        "Losses carried forward",
        left,
        lambda q: (f"{after[q - 1]}-" if q else "-") + f"{spent[q]}+MAX(-{income[q]},0)",
        total=None,
    )
    return spent
