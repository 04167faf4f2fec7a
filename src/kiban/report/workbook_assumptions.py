"""The Assumptions sheet: live inputs that every formula refers to, then the scenario, then every catalogue row used."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kiban.catalog import Catalog, CatalogError
from kiban.finance.inputs import FinanceInputs
from kiban.report.workbook_base import Base
from kiban.report.workbook_capital import write_capital
from kiban.report.workbook_inputs import Assumptions
from kiban.results import Study
from kiban.scenario import Scenario
from kiban.units import HOURS_PER_QUARTER

FACTOR_NOTE = "1 = base case; change it to see the effect on every sheet"


def write_live_inputs(sheet: Assumptions, scenario: Scenario, base: Base, money: FinanceInputs) -> None:
    """Write what a lender changes first: rates, factors and the terms of every rung in use."""
    part = scenario.finance
    sheet.heading("Live inputs: rates and factors", "Every other sheet refers to these cells.")
    rates = [
        ("discount_rate", part.discount_frac_per_year, "1/yr, real", "scenario.finance.discount_frac_per_year"),
        ("inflation", part.inflation_frac_per_year, "1/yr", "scenario.finance.inflation_frac_per_year"),
        ("value_share", scenario.demand.compute_value_frac, "1", "scenario.demand.compute_value_frac"),
        ("hall_relet_share", base.case.hall_relet_frac, "1", "precedent.layer_recovery_frac.shell_and_mep"),
    ]
    for name, value, unit, source in rates:
        sheet.put(name, value, unit, source, number="percent_fine", name=name)
    for name, words in (
        ("token_price_factor", "price of a served token"),
        ("training_value_factor", "value of a served training FLOP"),
        ("energy_price_factor", "electricity"),
        ("gpu_price_factor", "purchase price of accelerators, their resale with it"),
        ("accelerator_rent_factor", "rent that the programme pays for cloud and neocloud accelerators"),
        ("market_rent_factor", "market rent that the programme's compute is valued at (transfer price)"),
        ("hall_rent_factor", "rent of halls"),
        ("construction_factor", "construction cost of own halls"),
        ("operation_factor", "staff, upkeep, insurance, property tax"),
    ):
        sheet.put(name, 1.0, "factor", words, FACTOR_NOTE, number="factor", name=name)
    sheet.put("hours_per_quarter", HOURS_PER_QUARTER, "h", "calendar", number="general", name="hours_per_quarter")
    write_capital(sheet, scenario, money)
    _hall_terms(sheet, base)
    _committed(sheet, base)
    _pool_terms(sheet, base)
    _rent_terms(sheet, base)
    sheet.heading("Resale value of accelerators against price, by age")
    for year, value in enumerate(base.case.resale_frac_by_year):
        source = "residual.h100_sxm.after_N_years_frac" if year else "new"
        sheet.put(f"resale.{year}_years", value, "1", source, number="percent")


def _hall_terms(sheet: Assumptions, base: Base) -> None:
    halls = base.case.halls
    for use in base.halls:
        rung, h, key = use.rung, use.index, f"hall.{use.rung.name}"
        sheet.heading(f"Hall terms: {rung.name}")
        put = sheet.put
        put(f"{key}.lead", rung.lead_time_quarters, "quarters", "plan room", "signature to power at the racks")
        put(f"{key}.term", rung.term_quarters, "quarters", "plan room", "commitment, or life of an owned shell")
        put(
            f"{key}.rent",
            rung.rent_usd_per_kw_month,
            "USD/kW-month",
            "plan room",
            "first year, per critical IT kW",
            number="decimal",
        )
        put(f"{key}.escalator", rung.escalator_frac_per_year, "1/yr, nominal", "contract rows", number="percent_fine")
        put(
            f"{key}.capex",
            rung.capex_usd_per_kw,
            "USD/kW",
            "facility and plan rooms",
            "per critical IT kW",
            number="count",
        )
        put(
            f"{key}.recoverable",
            halls.recoverable_usd_per_mw[h] / 1e3,
            "USD/kW",
            "precedent.layer_recovery_frac.*",
            "what another user would pay on the first day",
            number="count",
        )
        put(
            f"{key}.deposit",
            rung.deposit_frac,
            "years of rent",
            "contract.hall.deposit_frac_of_year_rent",
            number="factor",
        )
        put(
            f"{key}.operation",
            rung.operation_usd_per_kw_year,
            "USD/kW-yr",
            "facility and plan rooms",
            "staff, upkeep, property tax, insurance",
            number="decimal",
        )


def _committed(sheet: Assumptions, base: Base) -> None:
    names = {use.index: use.rung.name for use in base.halls}
    if base.case.committed_halls:
        sheet.heading(
            "Halls signed before the horizon", "Quarter 0 is the start of the horizon; negative lies before it."
        )
    for i, signed in enumerate(base.case.committed_halls):
        words = f"scenario.sites, {names[signed.hall]}"
        sheet.put(f"signed.{i}.quarter", signed.quarter, "quarter number", words, "first quarter with power", "whole")
        sheet.put(f"signed.{i}.it_mw", signed.it_mw, "IT MW", words, number="decimal")


def _pool_terms(sheet: Assumptions, base: Base) -> None:
    case, done = base.case, set()
    for use in base.pools:
        p, g = use.pool, int(case.pools.chip[use.pool])
        if use.accelerator not in done:
            done.add(use.accelerator)
            key = f"accelerator.{use.accelerator}"
            sheet.heading(f"Accelerator: {use.accelerator}")
            sheet.put(
                f"{key}.price",
                case.pools.resale_usd[p],
                "USD each",
                "compute room",
                "server, network share",
                number="count",
            )
            sheet.put(f"{key}.it_kw", case.chips.it_kw[g], "kW", "compute room", "all in, at full load", "factor")
            sheet.put(
                f"{key}.training_power",
                case.chips.training_power_frac[g],
                "1",
                "compute room",
                "mean draw against it_kw",
                "percent",
            )
            sheet.put(
                f"{key}.inference_power",
                case.chips.inference_power_frac[g],
                "1",
                "compute room",
                "mean draw against it_kw",
                "percent",
            )
            sheet.put(f"{key}.life", case.chips.life_quarters[g], "quarters", "compute room")
            sheet.put(f"{key}.lead", case.chips.lead_quarters[g], "quarters", "compute room", "order to delivery")
    sheet.heading("Work of an hour against the first accelerator type")
    used = [*(use.accelerator for use in base.pools), *(use.accelerator for use in base.rents)]
    for name in dict.fromkeys(used):
        sheet.put(f"speed.{name}", base.speed[name], "1", "compute room", "mean of training and serving", "factor")
    for use in base.pools:
        p, key = use.pool, f"pool.{use.name}"
        price = case.pools.resale_usd[p]
        sheet.heading(f"Own accelerators: {use.name}")
        tax = case.pools.price_usd[p] / price - 1 if price > 0 else 0.0
        sheet.put(f"{key}.sales_tax", tax, "1", "tax rows of the state", "after exemptions", "percent_fine")
        sheet.put(
            f"{key}.operation",
            case.pools.operation_usd_per_quarter[p],
            "USD/quarter each",
            "tax and insurance rows",
            number="decimal",
        )
    for site in dict.fromkeys(use.site for use in base.pools):
        rung = next(use.rung for use in base.halls if use.rung.site == site)
        sheet.heading(f"Electricity: {site}")
        sheet.put(
            f"site.{site}.energy",
            rung.energy_usd_per_mwh,
            "USD/MWh",
            "energy room",
            "per MWh of facility load",
            "decimal",
        )
        sheet.put(f"site.{site}.pue", rung.pue, "1", "facility room", "annual mean", "factor")
    for let in base.sublets:
        sheet.heading(f"Halls let to others: {let.site}")
        words = "least rent at the site x re-letting share"
        sheet.put(f"sublet.{let.site}.rent", let.usd_per_kw_month, "USD/kW-month", "plan room", words, number="decimal")


def _rent_terms(sheet: Assumptions, base: Base) -> None:
    rents = base.case.rents
    for use in base.rents:
        v, key = use.index, f"rent.{use.name}"
        sheet.heading(f"Rented accelerators: {use.name}")
        sheet.put(
            f"{key}.price",
            rents.price_usd_per_quarter[v] / HOURS_PER_QUARTER,
            "USD/GPU-h",
            "compute room",
            "today",
            "decimal",
        )
        sheet.put(f"{key}.take", rents.take_or_pay_frac[v], "1", "contract rows", "paid even if unused", "percent")
        sheet.put(f"{key}.prepaid", rents.prepaid_frac[v], "1", "contract rows", "share of the locked rent", "percent")
        sheet.put(f"{key}.relet", rents.relet_frac[v], "1", "contract.neocloud.relet_frac", "", "percent")
        sheet.put(f"{key}.lead", rents.lead_quarters[v], "quarters", "contract rows")
        sheet.put(f"{key}.term", rents.term_quarters[v], "quarters", "contract rows")


def write_scenario(sheet: Assumptions, scenario: Scenario) -> None:
    """Write every value of the scenario as documentation."""
    note = "What was asked. Changing these cells changes nothing here: run the engine again."
    sheet.heading("Scenario as it was run", note)
    for path, value in _leaves(scenario.model_dump(mode="python"), "scenario"):
        sheet.document(path, value, None, None, ("", "scenario", "scenario.resolved.yaml", ""))


def _leaves(node: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield from _leaves(value, f"{path}.{key}")
    elif isinstance(node, list | tuple) and any(isinstance(item, dict | list) for item in node):
        for i, value in enumerate(node):
            yield from _leaves(value, f"{path}[{i}]")
    elif isinstance(node, list | tuple):
        yield path, ", ".join(str(v) for v in node)
    else:
        yield path, node


def write_catalogue(sheet: Assumptions, catalog: Catalog, study: Study) -> list[str]:
    """Write every catalogue row that a room read; returns the ids of their sources."""
    rooms: dict[str, list[str]] = {}
    for room, keys in study.used_keys.items():
        for key in keys:
            rooms.setdefault(key, []).append(room)
    note = "Every row that a room read, with range and origin. They reach the formulas through the rooms of the engine."
    sheet.heading(f"Catalogue rows used ({len(rooms)})", note)
    ids: set[str] = set()
    for key in sorted(rooms):
        row = catalog.row(key)
        ids.add(row.source_id)
        locator = "; ".join(t for t in (row.locator, row.note, f"read by {', '.join(rooms[key])}") if t)
        try:
            title = catalog.source(row.source_id).title
        except CatalogError:
            title = row.source_id
        sheet.document(key, row.value, row.low, row.high, (row.unit, row.confidence, title, locator))
    return sorted(ids)
