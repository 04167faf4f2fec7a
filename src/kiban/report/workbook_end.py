"""What is owed and what is left at the end of the horizon: rent still due, resale of halls and silicon."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kiban.report.workbook_base import PoolUse
from kiban.report.workbook_grid import Formula, Numbers, Series, added, plus
from kiban.report.workbook_operations import Operations

Array = NDArray[np.float64]


def rest_of_term(served: Numbers, term: float, ratio: float, growth: float, rate: float) -> Array:
    """Quarters of first-year rent still due after the horizon: growth^(served/4) (1+r)^(-1/4) (1-x^n)/(1-x)."""
    left = np.clip(term - served, 0, None)
    value = growth ** (served / 4) * (1 + rate) ** -0.25 * (1 - ratio**left) / (1 - ratio)
    return np.asarray(np.where((served >= 1) & (served < term), value, 0.0))


def _ratio(growth: float, rate: float) -> float:
    raw = (growth / (1 + rate)) ** 0.25
    return raw + (1e-6 if abs(raw - 1) < 1e-7 else 0.0)


def write_end(ops: Operations) -> tuple[tuple[str, float], tuple[str, float]]:
    """Write both blocks on the Operations sheet; returns (address, value) of the debt and of the residual value."""
    ops.sheet.heading(
        "End of the horizon: rent still due, less what another user would pay (worth in the last quarter)"
    )
    rows = [*_halls_due(ops), *_rents_due(ops)]
    due = _total(ops, "Exit obligation", rows)
    ops.sheet.heading("End of the horizon: residual value of own halls and silicon")
    rows = [*_halls_left(ops), *_silicon_left(ops)]
    return due, _total(ops, "Residual value", rows)


def _total(ops: Operations, label: str, rows: list[tuple[str, float]]) -> tuple[str, float]:
    value = sum(v for _, v in rows)
    text = "+".join(cell for cell, _ in rows) or "0"
    return ops.sheet.value(label, "USD m", text, value), value


def _served(ops: Operations, lead: str) -> str:
    return f"({ops.quarters}-{ops.plan.number.all}-{lead})"


def _rest_text(served: str, term: str, ratio: str, growth: str) -> str:
    open_ = f"({served}>=1)*({served}<{term})"
    return f"{open_}*{growth}^({served}/4)*(1-{ratio}^({term}-{served}))/(1-{ratio})*(1+discount_rate)^-0.25"


def _ratio_cell(ops: Operations, label: str, growth_text: str, growth: float) -> tuple[str, float]:
    raw = f"({growth_text}/(1+discount_rate))^0.25"
    value = _ratio(growth, ops.base.case.discount_frac_per_year)
    text = f"{raw}+IF(ABS({raw}-1)<0.0000001,0.000001,0)"
    return ops.sheet.value(f"{label}: growth over discount, by quarter", "factor", text, value, "factor"), value


def _halls_due(ops: Operations) -> list[tuple[str, float]]:
    out = []
    rate = ops.base.case.discount_frac_per_year
    share = 1 - ops.worth["hall_relet_share"]
    for use in ops.base.halls:
        key = f"hall.{use.rung.name}"
        rent = ops.worth[f"{key}.rent"]
        if rent <= 0:
            continue
        growth = (1 + ops.worth[f"{key}.escalator"]) / (1 + ops.inflation)
        rises = f"((1+{ops.cell[f'{key}.escalator']})/(1+inflation))"
        ratio, number = _ratio_cell(ops, use.rung.name, rises, growth)
        lead, term = ops.cell[f"{key}.lead"], ops.cell[f"{key}.term"]
        served = ops.quarters - np.arange(ops.quarters) - ops.worth[f"{key}.lead"]
        total = float(rest_of_term(served, ops.worth[f"{key}.term"], number, growth, rate) @ use.start_it_mw)
        start = ops.plan.start[use.index].all
        parts = [f"SUMPRODUCT({start}*{_rest_text(_served(ops, lead), term, ratio, rises)})"]
        for i, (hall, _) in ops.plan.signed.items():
            if hall != use.index:
                continue
            mw, first = f"signed.{i}.it_mw", f"signed.{i}.quarter"
            at = np.array([ops.quarters - ops.worth[first]])
            total += ops.worth[mw] * float(rest_of_term(at, ops.worth[f"{key}.term"], number, growth, rate)[0])
            rest = _rest_text(f"({ops.quarters}-{ops.cell[first]})", term, ratio, rises)
            parts.append(f"{ops.cell[mw]}*{rest}")
        text = f"({'+'.join(parts)})*{ops.cell[f'{key}.rent']}*3/1000*hall_rent_factor*(1-hall_relet_share)"
        value = total * rent * 3 / 1e3 * share
        out.append((ops.sheet.value(f"{use.rung.name}, rent due", "USD m", text, value), value))
    return out


def _rents_due(ops: Operations) -> list[tuple[str, float]]:
    out = []
    rate, growth = ops.base.case.discount_frac_per_year, 1 / (1 + ops.inflation)
    for use in ops.base.rents:
        key = f"rent.{use.name}"
        lead, term, price, take, prepaid, relet = (
            ops.cell[f"{key}.{k}"] for k in ("lead", "term", "price", "take", "prepaid", "relet")
        )
        flat = "(1/(1+inflation))"
        ratio, number = _ratio_cell(ops, use.name, flat, growth)
        served = ops.quarters - np.arange(ops.quarters) - ops.worth[f"{key}.lead"]
        rest = rest_of_term(served, ops.worth[f"{key}.term"], number, growth, rate)
        share = ops.worth[f"{key}.take"] * (1 - ops.worth[f"{key}.prepaid"] - ops.worth[f"{key}.relet"])
        usd = ops.base.case.rents.price_usd_per_quarter[use.index] / 1e6
        value = float(rest @ (use.sign * ops.base.rent_factor)) * usd * share
        signed = f"{ops.plan.sign[use.index].all}*{ops.plan.rent_factor.all}"
        due = f"SUMPRODUCT({signed}*{_rest_text(_served(ops, lead), term, ratio, flat)})"
        text = f"{due}*{price}*hours_per_quarter*accelerator_rent_factor/1000000*{take}*(1-{prepaid}-{relet})"
        out.append((ops.sheet.value(f"{use.name}, rent due", "USD m", text, value), value))
    return out


def _halls_left(ops: Operations) -> list[tuple[str, float]]:
    out = []
    for use in ops.base.halls:
        key = f"hall.{use.rung.name}"
        usd = ops.worth[f"{key}.recoverable"]
        if usd <= 0:
            continue
        lead, life = ops.cell[f"{key}.lead"], ops.cell[f"{key}.term"]
        served = ops.quarters - np.arange(ops.quarters) - ops.worth[f"{key}.lead"]
        left = np.where(served >= 1, np.clip(1 - served / ops.worth[f"{key}.term"], 0, None), 0.0)
        total = float(left @ use.start_it_mw)
        at = _served(ops, lead)
        parts = [f"SUMPRODUCT({ops.plan.start[use.index].all}*({at}>=1)*({at}<{life})*(1-{at}/{life}))"]
        for i, (hall, _) in ops.plan.signed.items():
            if hall == use.index:
                mw, first = f"signed.{i}.it_mw", f"signed.{i}.quarter"
                age = ops.quarters - ops.worth[first]
                total += ops.worth[mw] * max(0.0, 1 - age / ops.worth[f"{key}.term"])
                parts.append(f"{ops.cell[mw]}*MAX(0,1-({ops.quarters}-{ops.cell[first]})/{life})")
        text = f"({'+'.join(parts)})*{ops.cell[f'{key}.recoverable']}/1000*construction_factor"
        out.append((ops.sheet.value(f"{use.rung.name}, hall", "USD m", text, total * usd / 1e3), total * usd / 1e3))
    return out


def _share(ops: Operations, age: str, life: str) -> str:
    """Text of the resale share at an age in quarters: straight between the years of the curve, 0 past the life."""
    years = len(ops.base.case.resale_frac_by_year)
    first, last = ops.cell["resale.0_years"], ops.cell[f"resale.{years - 1}_years"]
    curve = f"{first}:{last.split('!')[1]}"
    here, there = (f"INDEX({curve},MIN(INT({age}/4)+{k},{years - 1})+1)" for k in (0, 1))
    return f"IF(OR({age}<1,{age}>={life}),0,{here}*(1-MOD({age}/4,1))+{there}*MOD({age}/4,1))"


def _share_by_quarter(ops: Operations, less: str, life: str) -> Formula:
    return lambda q: _share(ops, f"({ops.quarters}-{ops.plan.number[q]}{less})", life)


def _shares(ops: Operations, age: Numbers, life: float) -> Array:
    curve = ops.base.case.resale_frac_by_year
    value = np.interp(age / 4, np.arange(len(curve)), curve)
    return np.asarray(np.where((age >= 1) & (age < life), value, 0.0))


def _silicon_left(ops: Operations) -> list[tuple[str, float]]:
    out = []
    t, end = np.arange(ops.quarters), ops.quarters
    level = float(ops.base.gpu_price_factor[-1])
    for use in ops.base.pools:
        chip = f"accelerator.{use.accelerator}"
        lead, life, price = (ops.cell[f"{chip}.{k}"] for k in ("lead", "life", "price"))
        years = ops.worth[f"{chip}.life"]
        new = _shares(ops, end - t - ops.worth[f"{chip}.lead"], years)
        old = _shares(ops, (end - t).astype(float), years)
        bought = ops.sheet.series(
            f"{use.name}, resale share by quarter of order",
            "1",
            new,
            _share_by_quarter(ops, f"-{lead}", life),
            number="percent",
            total=None,
        )
        stood = ops.sheet.series(
            f"{use.name}, resale share by quarter of delivery",
            "1",
            old,
            _share_by_quarter(ops, "", life),
            number="percent",
            total=None,
        )
        total = float(use.buy @ new + use.ordered @ old)
        text = (
            f"SUMPRODUCT({ops.plan.buy[use.index].all}*{bought.all})"
            f"+SUMPRODUCT({ops.plan.ordered[use.index].all}*{stood.all})"
        )
        for quarter, count in use.delivered_before:
            total += count * float(_shares(ops, np.array([float(end - quarter)]), years)[0])
            text += f"+{count!r}*{_share(ops, str(end - quarter), life)}"
        value = total * ops.worth[f"{chip}.price"] * level / 1e6
        text = f"({text})*{price}*{ops.plan.gpu_factor[end - 1]}*gpu_price_factor/1000000"
        out.append((ops.sheet.value(f"{use.name}, silicon", "USD m", text, value), value))
    return out


def write_sales(ops: Operations) -> Series | None:
    """Write what the sale of silicon brings, less the resale at the end that was counted for it; None without sales.

    The age is the plan room's: that of the vintage whose sale gains least (`docs/plan.md`).
    """
    uses = [use for use in ops.base.pools if use.sold.max(initial=0.0) > 0]
    if not uses:
        return None
    ops.sheet.heading("Sale of silicon, less the residual value that was counted for it")
    rows = [_sale(ops, use) for use in uses]
    return ops.sheet.series(
        "Sale of silicon", "USD m", added(rows, ops.quarters), lambda q: plus(rows, q), number="usd_m", bold=True
    )


def _sale(ops: Operations, use: PoolUse) -> Series:
    chip, end = f"accelerator.{use.accelerator}", ops.quarters
    life, price, years = ops.cell[f"{chip}.life"], ops.cell[f"{chip}.price"], ops.worth[f"{chip}.life"]
    at_end = np.where(use.sale_age >= 0, end - np.arange(end) + use.sale_age, 0.0)
    age = ops.sheet.series(
        f"{use.name}, age at sale", "quarters", use.sale_age, kind="input", number="count", total=None
    )
    back = ops.sheet.series(
        f"{use.name}, resale share at the end that was counted",
        "1",
        _shares(ops, at_end, years),
        lambda q: f"IF({age[q]}>=0,{_share(ops, f'({end}-{ops.plan.number[q]}+{age[q]})', life)},0)",
        number="percent",
        total=None,
    )
    level, sold = ops.base.gpu_price_factor, ops.plan.sold[use.index]
    values = use.sold * np.where(use.sale_age == 0, 1.0, _shares(ops, use.sale_age, years)) * level
    values[-1] -= float(use.sold @ back.values) * float(level[-1])

    def text(q: int) -> str:
        usd = f"{sold[q]}*IF({age[q]}=0,1,{_share(ops, age[q], life)})*{ops.plan.gpu_factor[q]}"
        if q == end - 1:
            usd = f"({usd}-SUMPRODUCT({sold.all}*{back.all})*{ops.plan.gpu_factor[q]})"
        return f"{usd}*{price}*gpu_price_factor/1000000"

    return ops.sheet.series(use.name, "USD m", values * ops.worth[f"{chip}.price"] / 1e6, text, number="usd_m")
