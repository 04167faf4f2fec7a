"""What cannot be true of a project at once, in the user's words: one function per part of the file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from kiban.scenario.problems import shorten
from kiban.scenario.project_schema import BuildPart, CreditsPart, DebtPart, GridPart, SalesPart, TaxPart
from kiban.scenario.translate import unit_hint

Path = tuple[str | int, ...]
Finding = tuple[Path, str, dict[str, str]]
Sections = Mapping[str, Any]
"""Valid parts of a file by name; what is at fault in itself is missing."""


def contradictions(parts: Sections) -> Iterator[Finding]:
    """Every contradiction between values that are each valid: place, sentence, and details of the problem."""
    for check in CHECKS:
        yield from check(parts)


def periods(years: float, grid: GridPart) -> int | None:
    """Whole periods of a number of years, or None."""
    count = years * grid.periods_per_year
    return round(count) if abs(count - round(count)) < 1e-9 else None


def _whole(path: Path, years: float, grid: GridPart, least: int = 1) -> Iterator[Finding]:
    count = periods(years, grid)
    word = "years" if grid.periods_per_year == 1 else "quarters of a year"
    if count is None:
        cure = "; quarters are possible with periods_per_year: 4" if grid.periods_per_year == 1 else ""
        yield path, f"{path[-1]} must be whole {word}{cure}", {"found": f"{years:g}"}
    elif count < least:
        yield path, f"{path[-1]} must be at least one period", {"found": f"{years:g}"}


def time_in_order(parts: Sections) -> Iterator[Finding]:
    """Construction, then operation, in whole periods."""
    grid = parts.get("grid")
    if not isinstance(grid, GridPart):
        return
    yield from _whole(("grid", "construction_years"), grid.construction_years, grid)
    yield from _whole(("grid", "operation_years"), grid.operation_years, grid)
    start = grid.operation_start_years
    if start is None:
        return
    if start >= grid.construction_years:
        yield from _whole(("grid", "operation_start_years"), start, grid)
    if start < grid.construction_years:
        yield (
            ("grid", "operation_start_years"),
            f"operation starts before construction ends, {grid.construction_years:g} years after the first payment",
            {"found": f"{start:g}", "allowed": f"{grid.construction_years:g} or later, or leave it out"},
        )


def output_said_once(parts: Sections) -> Iterator[Finding]:
    """Output, or machines and their utilisation."""
    sales = parts.get("sales")
    if not isinstance(sales, SalesPart):
        return
    machines = {"accelerators": sales.accelerators, "utilisation_frac": sales.utilisation_frac}
    given = [name for name, figure in machines.items() if figure is not None]
    if sales.output_per_year is None and len(given) < 2:
        missing = " and ".join(name for name in machines if name not in given)
        yield (
            ("sales",),
            f"sales needs output_per_year, or accelerators and utilisation_frac ({missing} missing)",
            {},
        )
    if sales.output_per_year is not None and given:
        yield (
            ("sales", given[0]),
            f"output_per_year already says the output; {' and '.join(given)} would say it again",
            {"allowed": "output_per_year, or accelerators with utilisation_frac"},
        )


def draws_sum_to_one(parts: Sections) -> Iterator[Finding]:
    """One share of the cost for each period of construction."""
    build, grid = parts.get("build"), parts.get("grid")
    if not isinstance(build, BuildPart) or build.draw_frac is None:
        return
    total = sum(build.draw_frac)
    if abs(total - 1) > 1e-9:
        yield ("build", "draw_frac"), f"draw_frac sums to {total:.6g}, it must sum to 1", {}
    count = periods(grid.construction_years, grid) if isinstance(grid, GridPart) else None
    if count is not None and len(build.draw_frac) != count:
        word = "year" if isinstance(grid, GridPart) and grid.periods_per_year == 1 else "quarter"
        yield (
            ("build", "draw_frac"),
            f"draw_frac has {len(build.draw_frac)} entries; one is needed for each {word} of construction",
            {"allowed": f"{count} that sum to 1"},
        )


def loan_can_be_repaid(parts: Sections) -> Iterator[Finding]:
    """Gearing, coverage and tenor of the loan."""
    debt, grid = parts.get("debt"), parts.get("grid")
    if not isinstance(debt, DebtPart):
        return
    if debt.kind == "none":
        asked = {"tenor_years": debt.tenor_years, "rate_frac_per_year": debt.rate_frac_per_year.value}
        for name, value in asked.items():
            if value:
                yield (
                    ("debt", "kind"),
                    f"kind is none, yet {name} is {value:g}; say which loan is meant",
                    {"allowed": "level, level_principal, sculpted"},
                )
                return
        return
    highest = debt.gearing_frac.high or debt.gearing_frac.value
    if max(highest, debt.gearing_frac.value) > 1:
        hint = unit_hint("gearing_frac", highest, 0.0, 1.0) if highest > 2 else ""
        yield (
            ("debt", "gearing_frac"),
            "gearing_frac is above 1: a loan cannot be larger than what it pays for" + (f" ({hint})" if hint else ""),
            {"found": f"{highest:g}", "allowed": "0 to 1"},
        )
    lowest = debt.dscr.value if debt.dscr.low is None else debt.dscr.low
    if debt.kind == "sculpted" and lowest < 1:
        yield (
            ("debt", "dscr"),
            "dscr is below 1: a sculpted loan would owe more than the cash that repays it",
            {"found": f"{lowest:g}", "allowed": "1 or more, such as 1.3"},
        )
    if not isinstance(grid, GridPart):
        return
    yield from _whole(("debt", "tenor_years"), debt.tenor_years, grid)
    if debt.tenor_years > grid.operation_years:
        yield (
            ("debt", "tenor_years"),
            f"the loan runs longer than the operation of {grid.operation_years:g} years that repays it",
            {"found": f"{debt.tenor_years:g}", "allowed": f"at most {grid.operation_years:g}"},
        )
    if debt.moratorium_years:
        yield from _whole(("debt", "moratorium_years"), debt.moratorium_years, grid)
        if debt.kind == "sculpted":
            yield ("debt", "moratorium_years"), "a sculpted loan follows cash and has no moratorium_years", {}
        elif debt.moratorium_years >= debt.tenor_years:
            yield (
                ("debt", "moratorium_years"),
                "interest only lasts as long as the loan itself, so nothing would repay it",
                {"found": f"{debt.moratorium_years:g}", "allowed": f"below tenor_years, {debt.tenor_years:g}"},
            )


def one_number_each(parts: Sections) -> Iterator[Finding]:
    """Rules of tax that the batch holds in common take no range."""
    tax = parts.get("tax")
    if not isinstance(tax, TaxPart):
        return
    names = ["loss_use_cap_frac", "interest_cap_frac"] + (["bonus_frac"] if parts.get("replacements") else [])
    for name in names:
        if getattr(tax, name).is_range:
            reason = " where equipment is replaced" if name == "bonus_frac" else ""
            yield ("tax", name), f"{name} takes one number, no range{reason}", {"allowed": "a number"}


def replaced_in_time(parts: Sections) -> Iterator[Finding]:
    """Replacements inside operation, in whole periods."""
    grid = parts.get("grid")
    for i, line in enumerate(parts.get("replacements") or ()):
        if not isinstance(grid, GridPart):
            return
        path = ("replacements", i, "every_years")
        yield from _whole(path, line.every_years, grid)
        if line.every_years > grid.operation_years:
            yield (
                path,
                f"the first replacement comes after the operation of {grid.operation_years:g} years",
                {"found": f"{line.every_years:g}", "allowed": f"at most {grid.operation_years:g}"},
            )


def credit_meets_its_class(parts: Sections) -> Iterator[Finding]:
    """A credit for a class that nothing is built in is worth nothing."""
    credit, build = parts.get("credits"), parts.get("build")
    if not isinstance(credit, CreditsPart) or not isinstance(build, BuildPart):
        return
    built = sorted({line.macrs for line in build.lines if line.macrs})
    for i, years in enumerate(credit.investment_macrs or ()):
        if years not in built:
            allowed = ", ".join(map(str, built)) or "none: everything built is land"
            yield (
                ("credits", "investment_macrs", i),
                f"nothing that is built has macrs: {years}",
                {"found": shorten(years), "allowed": allowed},
            )


def names_once(parts: Sections) -> Iterator[Finding]:
    """A line is known by its name."""
    build, costs = parts.get("build"), parts.get("costs")
    lists = {
        ("build", "lines"): getattr(build, "lines", ()),
        ("costs", "fixed"): getattr(costs, "fixed", ()),
        ("replacements",): parts.get("replacements") or (),
    }
    for path, lines in lists.items():
        seen: set[str] = set()
        for i, line in enumerate(lines):
            if line.name in seen:
                yield (*path, i, "name"), f"two lines are called {line.name}", {"allowed": "a name for each line"}
            seen.add(line.name)


CHECKS: tuple[Callable[[Sections], Iterator[Finding]], ...] = (
    time_in_order,
    output_said_once,
    draws_sum_to_one,
    loan_can_be_repaid,
    one_number_each,
    replaced_in_time,
    credit_meets_its_class,
    names_once,
)
