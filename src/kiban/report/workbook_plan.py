"""The Plan sheet (market path, decisions, capacity) and the Capex schedule of the base history."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiban.report.workbook_base import Base
from kiban.report.workbook_grid import Book, Series, TimeSheet, added, plus
from kiban.report.workbook_inputs import Assumptions

Array = NDArray[np.float64]


@dataclass(frozen=True)
class PlanRows:
    """Rows of the Plan sheet that other sheets refer to."""

    number: Series
    token_price: Series
    training_value: Series
    gpu_factor: Series
    rent_factor: Series
    power_factor: Series
    work_price: Series
    served: Series
    trained: Series
    start: dict[int, Series]
    signed: dict[int, tuple[int, Series]]
    """By number of the signed hall: index of the hall, row of its IT MW in service."""
    hall_live: dict[int, Series]
    live_mw: Series
    buy: dict[int, Series]
    ordered: dict[int, Series]
    live: dict[int, Series]
    training: dict[int, Series]
    inference: dict[int, Series]
    sold: dict[int, Series]
    let: dict[str, Series]
    sign: dict[int, Series]
    used: dict[int, Series]
    rent_live: dict[int, Series]
    accelerators: Series


@dataclass(frozen=True)
class CapexRows:
    """Rows of the Capex schedule, USD m, real."""

    halls: Series
    silicon: Series
    total: Series


def ages(quarters: int, lead: float) -> Array:
    """(T, T) quarters in service at quarter t of what was signed in quarter s; negative before it goes live."""
    t = np.arange(quarters)
    return np.asarray(t[:, None] - t[None, :] - lead, dtype=float)


def live_of(values: Array, lead: float, term: float) -> Array:
    """(T,) what is in service of things signed by quarter."""
    age = ages(len(values), lead)
    return np.asarray(((age >= 0) & (age < term)) @ values, dtype=float)


def window(number: Series, quarter: int, lead: str, term: str) -> str:
    """Text that is 1 for quarters of signature whose contract runs in a quarter, as a factor of SUMPRODUCT."""
    age = f"({number[quarter]}-{number.span(0, quarter)}-{lead})"
    return f"({age}>=0)*({age}<{term})"


def write_plan(book: Book, given: Assumptions, base: Base) -> PlanRows:
    """Write market path, decisions and capacity."""
    sheet = TimeSheet(
        book,
        "Plan",
        f"Plan: decisions and capacity in the base history ({base.history})",
        "Purple: decisions of the optimiser, typed in. Changing prices does not change them; run the engine for that.",
    )
    sheet.heading("Market path of this history")
    token = sheet.series(
        "Token price", "USD/Mtok", base.token_price_usd_per_mtok, kind="input", number="decimal", total=None
    )
    train = sheet.series(
        "Value of training", "USD/ZFLOP", base.training_value_usd_per_zflop, kind="input", number="decimal", total=None
    )
    gpu, rent, power = (
        sheet.series(label, "factor", values, kind="input", number="factor", total=None)
        for label, values in (
            ("Purchase price of accelerators against today", base.gpu_price_factor),
            ("Rent of accelerators against today", base.rent_factor),
            ("Electricity price against the base year", base.power_price_factor),
        )
    )
    work = sheet.series(
        "Market rent of an hour of the first type's work",
        "USD/h",
        base.work_price_usd_per_h,
        kind="input",
        number="decimal",
        total=None,
    )
    sheet.heading("Decisions: work served")
    served = sheet.series("Tokens served", "Mtok", base.served_mtok, kind="decision", number="count")
    trained = sheet.series("Training served", "ZFLOP", base.trained_zflop, kind="decision", number="count")
    sheet.heading("Decisions: halls signed or started")
    start = {
        use.index: sheet.series(use.rung.name, "IT MW", use.start_it_mw, kind="decision", number="decimal")
        for use in base.halls
    }
    sheet.heading("Decisions: own accelerators ordered")
    buy = {u.index: sheet.series(u.name, "accelerators", u.buy, kind="decision", number="count") for u in base.pools}
    sheet.heading("Own accelerators ordered before the horizon, by delivery")
    ordered = {
        u.index: sheet.series(u.name, "accelerators", u.ordered, kind="input", number="count") for u in base.pools
    }
    pools = {}
    for name, words in (("live", "in service"), ("training", "at work on training"), ("inference", "at work serving")):
        sheet.heading(f"Decisions: own accelerators {words}")
        pools[name] = {
            u.index: sheet.series(
                u.name, "accelerators", getattr(u, name), kind="decision", number="count", total="MAX"
            )
            for u in base.pools
        }
    sheet.heading("Decisions: own accelerators sold")
    sold = {u.index: sheet.series(u.name, "accelerators", u.sold, kind="decision", number="count") for u in base.pools}
    sheet.heading("Decisions: halls let to others")
    let = {
        u.site: sheet.series(u.site, "IT MW", u.it_mw, kind="decision", number="decimal", total="MAX")
        for u in base.sublets
    }
    sheet.heading("Decisions: rented accelerators signed")
    sign = {u.index: sheet.series(u.name, "accelerators", u.sign, kind="decision", number="count") for u in base.rents}
    sheet.heading("Decisions: rented accelerators at work")
    used = {
        u.index: sheet.series(u.name, "accelerators", u.used, kind="decision", number="count", total="MAX")
        for u in base.rents
    }
    signed, hall_live, live_mw = _capacity(sheet, given, base, start)
    rent_live, accelerators = _accelerators(sheet, given, base, pools["live"], sign)
    return PlanRows(
        sheet.number,
        token,
        train,
        gpu,
        rent,
        power,
        work,
        served,
        trained,
        start,
        signed,
        hall_live,
        live_mw,
        buy,
        ordered,
        pools["live"],
        pools["training"],
        pools["inference"],
        sold,
        let,
        sign,
        used,
        rent_live,
        accelerators,
    )


def _capacity(
    sheet: TimeSheet, given: Assumptions, base: Base, start: dict[int, Series]
) -> tuple[dict[int, tuple[int, Series]], dict[int, Series], Series]:
    cell, number, quarters = given.cell, sheet.number, len(base.quarters)
    name = {use.index: use.rung.name for use in base.halls}
    t = np.arange(quarters)
    signed: dict[int, tuple[int, Series]] = {}
    sheet.heading("Halls signed before the horizon, in service")
    for i, hall in enumerate(base.case.committed_halls):
        first, mw = cell[f"signed.{i}.quarter"], cell[f"signed.{i}.it_mw"]
        term = cell[f"hall.{name[hall.hall]}.term"]
        runs = (t >= hall.quarter) & (t < hall.quarter + given.number[f"hall.{name[hall.hall]}.term"])
        text = lambda q, f=first, m=mw, n=term: f"IF(AND({number[q]}>={f},{number[q]}<{f}+{n}),{m},0)"  # noqa: E731
        label = f"{name[hall.hall]}, signed block {i + 1}"
        signed[i] = (hall.hall, sheet.series(label, "IT MW", runs * hall.it_mw, text, number="decimal", total="MAX"))
    sheet.heading("IT capacity in service by rung")
    live = {}
    for use in base.halls:
        key, mine = f"hall.{use.rung.name}", [s for h, s in signed.values() if h == use.index]
        lead, term = cell[f"{key}.lead"], cell[f"{key}.term"]
        values = live_of(use.start_it_mw, given.number[f"{key}.lead"], given.number[f"{key}.term"])

        def text(q: int, row=start[use.index], lead=lead, term=term, mine=mine) -> str:  # type: ignore[no-untyped-def]
            new = f"SUMPRODUCT({row.span(0, q)}*{window(number, q, lead, term)})"
            return "+".join([new, *(s[q] for s in mine)])

        live[use.index] = sheet.series(
            use.rung.name, "IT MW", values + added(mine, quarters), text, number="decimal", total="MAX"
        )
    rows = list(live.values())
    total = sheet.series(
        "IT capacity in service",
        "IT MW",
        added(rows, quarters),
        lambda q: plus(rows, q),
        number="decimal",
        bold=True,
        total="MAX",
    )
    return signed, live, total


def _accelerators(
    sheet: TimeSheet, given: Assumptions, base: Base, own: dict[int, Series], sign: dict[int, Series]
) -> tuple[dict[int, Series], Series]:
    number, quarters = sheet.number, len(base.quarters)
    sheet.heading("Accelerators in service or under contract")
    mine = list(own.values())
    own_total = sheet.series(
        "Own", "accelerators", added(mine, quarters), lambda q: plus(mine, q), number="count", total="MAX"
    )
    rented = {}
    for use in base.rents:
        key, row = f"rent.{use.name}", sign[use.index]
        lead, term = given.cell[f"{key}.lead"], given.cell[f"{key}.term"]
        values = live_of(use.sign, given.number[f"{key}.lead"], given.number[f"{key}.term"])

        def text(q: int, row=row, lead=lead, term=term) -> str:  # type: ignore[no-untyped-def]
            return f"SUMPRODUCT({row.span(0, q)}*{window(number, q, lead, term)})"

        rented[use.index] = sheet.series(use.name, "accelerators", values, text, number="count", total="MAX")
    rows = [own_total, *rented.values()]
    total = sheet.series(
        "Accelerators in service",
        "accelerators",
        added(rows, quarters),
        lambda q: plus(rows, q),
        number="count",
        bold=True,
        total="MAX",
    )
    return rented, total


def write_capex(book: Book, given: Assumptions, base: Base, plan: PlanRows) -> CapexRows:
    """Write what is built and bought, by rung, accelerator and quarter."""
    sheet = TimeSheet(
        book,
        "Capex schedule",
        "Capex schedule of the base history",
        "Real USD m of the price year. Construction is spent evenly over the lead time, silicon is paid at the order.",
    )
    cell, worth, number, quarters = given.cell, given.number, plan.number, len(base.quarters)
    sheet.heading("Construction of own halls")
    halls = []
    for use in base.halls:
        key, row = f"hall.{use.rung.name}", plan.start[use.index]
        if worth[f"{key}.capex"] <= 0:
            continue
        lead, capex = cell[f"{key}.lead"], cell[f"{key}.capex"]
        spread = max(worth[f"{key}.lead"], 1)
        values = live_of(use.start_it_mw, 0, spread) * worth[f"{key}.capex"] / 1e3 / spread

        def text(q: int, row=row, lead=lead, capex=capex) -> str:  # type: ignore[no-untyped-def]
            recent = f"({number[q]}-{number.span(0, q)}<MAX({lead},1))"
            return f"SUMPRODUCT({row.span(0, q)}*{recent})/MAX({lead},1)*{capex}*construction_factor/1000"

        halls.append(sheet.series(use.rung.name, "USD m", values, text))
    hall_total = sheet.series("Construction", "USD m", added(halls, quarters), lambda q: plus(halls, q), bold=True)
    sheet.heading("Own accelerators, network share and sales tax included")
    silicon = []
    for pool in base.pools:
        price, tax = f"accelerator.{pool.accelerator}.price", f"pool.{pool.name}.sales_tax"
        buy, ordered = plan.buy[pool.index], plan.ordered[pool.index]
        values = (pool.buy * base.gpu_price_factor + pool.ordered) * worth[price] * (1 + worth[tax]) / 1e6

        def paid(q: int, buy=buy, ordered=ordered, price=price, tax=tax) -> str:  # type: ignore[no-untyped-def]
            count = f"({buy[q]}*{plan.gpu_factor[q]}+{ordered[q]})"
            return f"{count}*{cell[price]}*(1+{cell[tax]})*gpu_price_factor/1000000"

        silicon.append(sheet.series(pool.name, "USD m", values, paid))
    silicon_total = sheet.series("Silicon", "USD m", added(silicon, quarters), lambda q: plus(silicon, q), bold=True)
    sheet.heading("All")
    total = sheet.series(
        "Capex",
        "USD m",
        hall_total.values + silicon_total.values,
        lambda q: f"{hall_total[q]}+{silicon_total[q]}",
        bold=True,
    )
    return CapexRows(hall_total, silicon_total, total)
