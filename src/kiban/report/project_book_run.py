"""Inputs and operation of a project's workbook: output, revenue, running cost, reserves and construction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiban.finance.project_file import BONUS_MOST_YEARS, classes_of
from kiban.finance.project_inputs import Projects
from kiban.finance.project_lines import Lines
from kiban.report.workbook_grid import Series, TimeSheet, plus
from kiban.report.workbook_inputs import Assumptions
from kiban.scenario.project_schema import ProjectFile
from kiban.scenario.project_values import Figure
from kiban.units import HOURS_PER_YEAR

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Cell:
    """A named cell and the number in it."""

    name: str
    value: float


@dataclass(frozen=True)
class Running:
    """Rows of operation and construction; all points in time, zero where they do not apply."""

    output: Series
    revenue: Series
    ebitda: Series
    working: Series
    receivable: Series
    construction: Series
    production_credit: Series
    shares: Series
    tables: dict[int, Series]
    """Yearly write-off by class."""
    plant: Cell
    sale: Cell
    class_share: dict[int, Cell]


def write_inputs(given: Assumptions, form: ProjectFile) -> dict[str, Cell]:
    """Every number that a lender may change, by a short name."""
    cells: dict[str, Cell] = {}

    def put(name: str, label: str, figure: Figure | float, unit: str, number: str = "general") -> None:
        value = float(figure.value) if isinstance(figure, Figure) else float(figure)
        source, note = (figure.key, figure.why) if isinstance(figure, Figure) else ("", "")
        given.put(label, value, unit, source, note, number, name)
        cells[name] = Cell(name, value)

    sales, costs, debt, tax, reserves = form.sales, form.costs, form.debt, form.tax, form.reserves
    given.heading("Sales")
    if sales.output_per_year is not None:
        put("output_units", "output", sales.output_per_year, f"{sales.unit}/yr")
    else:
        assert sales.accelerators is not None and sales.utilisation_frac is not None
        put("machines", "machines", sales.accelerators, "-")
        put("hours_a_year", "hours", sales.hours_per_year, "h/yr")
        put("utilisation", "utilisation", sales.utilisation_frac, "-", "percent")
        put("units_an_hour", "units an hour", sales.units_per_hour, f"{sales.unit}/h")
        names = ("machines", "hours_a_year", "utilisation", "units_an_hour")
        value = float(np.prod([cells[n].value for n in names]))
        given.derive("output_units", "*".join(names), value, f"{sales.unit}/yr", "product of the four above", "count")
        cells["output_units"] = Cell("output_units", value)
    put("price_usd", "price, first year", sales.price_nominal_usd_per_unit, f"USD/{sales.unit}", "fine")
    put("price_rise", "change of the price", sales.price_escalation_frac_per_year, "1/yr", "percent_fine")
    put("degradation", "loss of output", sales.degradation_frac_per_year, "1/yr", "percent_fine")
    put("residual_share", "sale at the end over cost", sales.residual_frac, "-", "percent")
    given.heading("Running cost")
    for i, line in enumerate(costs.fixed):
        put(f"fixed_usd_{i}_", line.name, line.nominal_usd_per_year, "USD/yr", "count")
        put(f"fixed_rise_{i}_", f"{line.name}, change", line.escalation_frac_per_year, "1/yr", "percent_fine")
    if costs.power is not None:
        power = costs.power
        put("power_it_mw", "critical IT power", power.it_mw, "MW")
        put("power_load", "mean load", power.load_frac, "-", "percent")
        put("power_pue", "PUE", power.pue, "-", "decimal")
        put("power_usd_per_mwh", "price of electricity", power.usd_per_mwh, "USD/MWh", "decimal")
        put("power_rise", "change of that price", power.escalation_frac_per_year, "1/yr", "percent_fine")
    put("variable_usd", "cost of a unit", costs.variable_nominal_usd_per_unit, f"USD/{sales.unit}", "fine")
    put("variable_rise", "change of that cost", costs.variable_escalation_frac_per_year, "1/yr", "percent_fine")
    put("insurance_share", "insurance over plant", costs.insurance_frac_per_year, "1/yr", "percent_fine")
    put("insurance_rise", "change of insurance", costs.insurance_escalation_frac_per_year, "1/yr", "percent_fine")
    put("property_share", "property tax over assessed value", costs.property_tax_frac_per_year, "1/yr", "percent_fine")
    put("assessed_share", "assessed value over cost", costs.assessed_frac, "-", "percent")
    put("assessed_fall", "fall of the assessed value", costs.assessed_decline_frac_per_year, "1/yr", "percent")
    given.heading("Construction")
    for i, build in enumerate(form.build.lines):
        words = f"macrs {build.macrs}" if build.macrs else "land"
        put(f"build_usd_{i}_", f"{build.name} ({words})", build.nominal_usd, "USD", "count")
    put("sales_tax", "sales tax", form.build.sales_tax_frac, "-", "percent_fine")
    put("development", "development", form.build.development_nominal_usd, "USD", "count")
    given.heading(f"Loan: {debt.kind}")
    rate = debt.construction_rate_frac_per_year
    put("loan_rate", "interest", debt.rate_frac_per_year, "1/yr", "percent_fine")
    put("building_rate", "interest while building", debt.rate_frac_per_year if rate is None else rate, "1/yr",
        "percent_fine")  # fmt: skip
    put("tenor_years", "tenor", debt.tenor_years, "yr")
    put("moratorium_years", "interest only", debt.moratorium_years, "yr")
    put("gearing", "loan over uses, at most", debt.gearing_frac, "-", "percent")
    put("cover", "coverage of a sculpted loan", debt.dscr, "x", "ratio")
    put("fee_share", "fee over loan", debt.fee_frac, "-", "percent_fine")
    put("closing", "closing cost", debt.closing_nominal_usd, "USD", "count")
    given.heading("Tax and credits")
    put("federal_rate", "federal income tax", tax.federal_frac, "-", "percent_fine")
    put("state_rate", "state income tax", tax.state_frac, "-", "percent_fine")
    put("bonus_share", f"bonus, classes up to {BONUS_MOST_YEARS} years", tax.bonus_frac, "-", "percent")
    state = tax.bonus_frac if tax.state_bonus_frac is None else tax.state_bonus_frac
    put("state_bonus_share", "bonus of the state", state, "-", "percent")
    put("loss_use_cap", "income that carried losses may offset", tax.loss_use_cap_frac, "-", "percent")
    put("interest_cap", "deductible interest over EBITDA", tax.interest_cap_frac, "-", "percent")
    put("investment_credit", "investment credit", form.credits.investment_frac, "-", "percent")
    put("basis_cut", "credit taken off the basis", form.credits.basis_reduction_frac, "-", "percent")
    put("unit_credit_usd", "credit a unit", form.credits.production_nominal_usd_per_unit, "USD/unit", "fine")
    put("unit_credit_rise", "change of that credit", form.credits.production_escalation_frac_per_year, "1/yr",
        "percent_fine")  # fmt: skip
    put("unit_credit_years", "years with that credit", form.credits.production_years, "yr")
    given.heading("Reserves and value")
    for name, label in (("service", "debt service"), ("working", "running cost"), ("receivable", "revenue")):
        put(f"{name}_months", f"reserve for {label}", getattr(reserves, f"{name}_months"), "months")
    put("reserve_rate", "interest on reserves", reserves.interest_frac_per_year, "1/yr", "percent_fine")
    put("discount", "discount rate, nominal", form.discount_frac_per_year, "1/yr", "percent_fine")
    return cells


def write_running(
    sheet: TimeSheet, cell: dict[str, Cell], form: ProjectFile, projects: Projects, done: Lines
) -> Running:
    """Write construction, sales, running cost and reserves."""
    grid = projects.grid
    c, points = grid.construction_periods, grid.points
    years = np.arange(points, dtype=float) - c
    on = years >= 0

    def row(
        label: str, values: Array, formula: Callable[[int], str], number: str = "count", bold: bool = False,
        total: str | None = "SUM", first: int = c,
    ) -> Series:  # fmt: skip
        """A row that is zero before ``first``."""
        return sheet.series(
            label, "USD", np.where(np.arange(points) >= first, values, 0.0),
            lambda q: formula(q) if q >= first else "0", number=number, bold=bold, total=total,
        )  # fmt: skip

    def since(q: int) -> str:
        return f"({sheet.number[q]}-{c})"

    def rising(usd: str, rate: str) -> Callable[[int], str]:
        return lambda q: f"{cell[usd].name}*(1+{cell[rate].name})^{since(q)}"

    def risen(usd: float, rate: str) -> Array:
        return np.where(on, usd * (1 + cell[rate].value) ** np.maximum(years, 0), 0.0)

    sheet.heading("Construction")
    shares = sheet.series(
        "share of the cost paid", "-", np.where(on, 0.0, np.pad(np.ravel(projects.build.draw_frac), (0, points - c))),
        kind="input", number="percent",
    )  # fmt: skip
    builds = range(len(form.build.lines))
    total = "+".join(cell[f"build_usd_{i}_"].name for i in builds)
    plant_usd = float(done.operation.plant[0])
    plant = Cell(sheet.value("plant with sales tax", "USD", f"({total})*(1+sales_tax)", plant_usd, "count"), plant_usd)
    construction = sheet.series(
        "construction", "USD", -shares.values * plant_usd, lambda q: f"-{shares[q]}*{plant.name}", number="count"
    )
    sheet.heading("Sales")
    units = np.zeros(points)
    units[c:] = np.broadcast_to(done.operation.output, (points - c, 1))[:, 0]
    output = row("output", units, lambda q: f"output_units*(1-degradation)^{since(q)}")
    price = row(
        "price", risen(cell["price_usd"].value, "price_rise"), rising("price_usd", "price_rise"), "fine", total=None
    )
    revenue = row("revenue", units * price.values, lambda q: f"{output[q]}*{price[q]}", bold=True)
    sheet.heading("Running cost")
    cost = [
        row(line.name, risen(cell[f"fixed_usd_{i}_"].value, f"fixed_rise_{i}_"),
            rising(f"fixed_usd_{i}_", f"fixed_rise_{i}_"))
        for i, line in enumerate(form.costs.fixed)
    ]  # fmt: skip
    if form.costs.power is not None:
        names = ("power_it_mw", "power_load", "power_pue", "power_usd_per_mwh")
        first = float(np.prod([cell[n].value for n in names])) * HOURS_PER_YEAR
        text = "*".join(names) + f"*{HOURS_PER_YEAR}"
        cost.append(row("power", risen(first, "power_rise"), lambda q: f"{text}*(1+power_rise)^{since(q)}"))
    cost += [
        row("variable", units * risen(cell["variable_usd"].value, "variable_rise"),
            lambda q: f"{output[q]}*variable_usd*(1+variable_rise)^{since(q)}"),
        row("insurance", risen(cell["insurance_share"].value * plant_usd, "insurance_rise"),
            lambda q: f"insurance_share*{plant.name}*(1+insurance_rise)^{since(q)}"),
        row("property tax",
            cell["property_share"].value * cell["assessed_share"].value * plant_usd
            * np.maximum(1 - cell["assessed_fall"].value * years, 0.0),
            lambda q: f"property_share*assessed_share*{plant.name}*MAX(1-assessed_fall*{since(q)},0)"),
    ]  # fmt: skip
    spent = np.asarray(sum(s.values for s in cost))
    running = row("running cost", spent, lambda q: plus(cost, q), bold=True)
    ebitda = row("EBITDA", revenue.values - spent, lambda q: f"{revenue[q]}-{running[q]}", bold=True)
    credit = np.zeros(points)
    credit[c:] = np.broadcast_to(done.operation.production_credit, (points - c, 1))[:, 0]
    production = row(
        "credit for units", credit,
        lambda q: f"IF({since(q)}<unit_credit_years,{output[q]}*unit_credit_usd*(1+unit_credit_rise)^{since(q)},0)",
    )  # fmt: skip
    sheet.heading("Reserves at the end of the year")

    def reserve(name: str, flow: Series) -> Series:
        held = np.append(cell[f"{name}_months"].value / 12 * flow.values[1:], 0.0)
        return row(
            f"reserve, {name}", held, lambda q: f"{name}_months/12*{flow[q + 1]}" if q < points - 1 else "0",
            total=None, first=c - 1,
        )  # fmt: skip

    working, receivable = reserve("working", running), reserve("receivable", revenue)
    sheet.heading("Write-off by class and year")
    classes = classes_of(form)
    tables = {}
    for k, name in enumerate(classes):
        table = np.zeros(points)
        shown = np.asarray(projects.tax.schedules)[k][: points - c]
        table[c : c + len(shown)] = shown
        tables[name] = sheet.series(f"macrs {name}", "-", table, kind="input", number="percent_fine", total=None)
    whole = max(float(np.sum([cell[f"build_usd_{i}_"].value for i in builds])), 1e-300)
    class_share = {}
    for name in classes:
        mine = [i for i in builds if form.build.lines[i].macrs == name]
        text = "+".join(f"build_usd_{i}_" for i in mine) or "0"
        value = float(np.sum([cell[f"build_usd_{i}_"].value for i in mine])) / whole
        at = sheet.value(f"share of the basis in macrs {name}", "-", f"({text})/MAX({total},1E-300)", value, "percent")
        class_share[name] = Cell(at, value)
    sale_usd = float(np.max(projects.sales.residual_frac)) * plant_usd
    sale = Cell(sheet.value("sale at the end", "USD", f"residual_share*{plant.name}", sale_usd, "count"), sale_usd)
    return Running(
        output, revenue, ebitda, working, receivable, construction, production, shares, tables, plant, sale, class_share
    )
