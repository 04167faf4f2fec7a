"""Results as tables on disk: one CSV per subject, one line per thing and quarter, units in the column names."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np

from kiban.figures.climate import calendar_of_hours
from kiban.report.table import CsvTable, Lines
from kiban.report.tables_sites import site_tables
from kiban.results import Demand, Finance, Impact, Plan, Risk, Statements, Study

MOST_FUTURES = 2000
"""Sampled futures that go into the table; results.json and the report rest on all of them."""


class Planned(Protocol):
    """A study as far as the plan; a whole one too."""

    @property
    def demand(self) -> Demand:
        """The work on the tree."""

    @property
    def plan(self) -> Plan:
        """The chosen plan."""


def csv_text(columns: Sequence[str], lines: Lines) -> str:
    """Write a table as CSV with a header; None and NaN are empty cells."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(v) for v in line] for line in lines)
    return out.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, float | np.floating):
        return f"{float(value):.8g}" if np.isfinite(value) else ""
    return "" if value is None else value


def all_tables(study: Study, risk: Risk) -> Iterator[CsvTable]:
    """Every table of a run."""
    yield from plan_tables(study)
    yield from finance_tables(study.finance, study.demand.tree.quarters, study.plan.leaf_name)
    yield _futures(risk)
    yield _flips(risk)
    yield from _impact_tables(study.impact, study.demand.tree.quarters)
    yield from site_tables(study)
    yield from _hourly(study)


def plan_tables(study: Planned) -> Iterator[CsvTable]:
    """Decisions, capacity, terms and cost of the chosen plan."""
    yield _plan_by_node(study)
    yield _capacity(study)
    yield _rungs(study)
    yield _costs_by_rung(study)
    yield _histories(study)


def _node_words(study: Planned) -> list[tuple[Any, ...]]:
    tree = study.demand.tree
    return [
        (n, tree.quarters[q], tree.node_future[n], float(tree.node_probability[n]), int(tree.node_parent[n]))
        for n, q in enumerate(tree.node_quarter)
    ]


_NODE_COLUMNS = ("node", "quarter", "future", "probability", "node_parent")


def _plan_by_node(study: Planned) -> CsvTable:
    """Decisions and work by node: one line per node."""
    out, d = study.plan.chosen, study.demand
    columns = (
        *_NODE_COLUMNS, "hall_start_it_mw", "hall_live_it_mw", "silicon_buy_accelerators", "silicon_live_accelerators",
        "rent_sign_accelerators", "rent_live_accelerators", "training_accelerators", "inference_accelerators",
        "training_served_flop", "training_unserved_flop", "inference_served_tok", "inference_unserved_tok",
        "token_price_usd_per_mtok", "rent_factor", "gpu_price_factor", "power_price_factor", "value_usd", "cost_usd",
        "upfront_usd", "discount_factor",
    )  # fmt: skip
    values = np.column_stack(
        [
            out.node_hall_start_it_mw.sum(axis=1), out.node_hall_live_it_mw.sum(axis=1),
            *(
                a.sum(axis=(1, 2))
                for a in (
                    out.node_silicon_buy, out.node_silicon_live, out.node_rent_sign, out.node_rent_live,
                    out.node_training_accelerators, out.node_inference_accelerators,
                )
            ),
            out.node_training_served_flop, out.node_training_unserved_flop,
            out.node_inference_served_tok.sum(axis=1), out.node_inference_unserved_tok.sum(axis=1),
            d.node_token_price_usd_per_mtok, d.node_rent_factor, d.node_gpu_price_factor, d.node_power_price_factor,
            out.node_value_usd, out.node_rung_cost_usd.sum(axis=(1, 2)), out.node_upfront_usd,
            study.plan.node_discount_factor,
        ]
    )  # fmt: skip
    lines = [(*words, *row) for words, row in zip(_node_words(study), values, strict=True)]
    return CsvTable("plan_by_node", columns, lines)


def _capacity(study: Planned) -> CsvTable:
    """Capacity by node, rung and accelerator, where there is any."""
    plan, out = study.plan, study.plan.chosen
    columns = (
        *_NODE_COLUMNS, "rung", "accelerator", "hall_live_it_mw", "hall_start_it_mw", "hall_let_it_mw",
        "silicon_live_accelerators", "silicon_buy_accelerators", "silicon_sold_accelerators", "rent_live_accelerators",
        "rent_sign_accelerators", "training_accelerators", "inference_accelerators",
    )  # fmt: skip

    def lines() -> Iterator[tuple[Any, ...]]:
        for n, words in enumerate(_node_words(study)):
            for k, rung in enumerate(plan.rungs):
                live, start = float(out.node_hall_live_it_mw[n, k]), float(out.node_hall_start_it_mw[n, k])
                if live > 0 or start > 0:
                    let = float(out.node_hall_sublet_it_mw[n, k])
                    yield (*words, rung.name, "", live, start, let, *[None] * 7)
                for g, name in enumerate(plan.accelerators):
                    row = [
                        float(a[n, k, g])
                        for a in (
                            out.node_silicon_live, out.node_silicon_buy, out.node_silicon_sold, out.node_rent_live,
                            out.node_rent_sign, out.node_training_accelerators, out.node_inference_accelerators,
                        )
                    ]  # fmt: skip
                    if max(row) > 1e-6:
                        yield (*words, rung.name, name, None, None, None, *row)

    return CsvTable("capacity", columns, lines())


def _rungs(study: Planned) -> CsvTable:
    columns = (
        "rung", "kind", "site", "state", "lead_time_quarters", "term_quarters", "rent_usd_per_kw_month",
        "escalator_frac_per_year", "capex_usd_per_kw", "deposit_frac", "take_or_pay_frac",
        "operation_usd_per_kw_year", "energy_usd_per_mwh", "pue", "committed_peak_it_mw", "silicon_sales_tax_frac",
        "silicon_property_frac_per_year", "operator_markup_frac",
    )  # fmt: skip
    lines = [
        (
            r.name, r.kind, r.site, r.state, r.lead_time_quarters, r.term_quarters, r.rent_usd_per_kw_month,
            r.escalator_frac_per_year, r.capex_usd_per_kw, r.deposit_frac, r.take_or_pay_frac,
            r.operation_usd_per_kw_year, r.energy_usd_per_mwh, r.pue, float(np.max(r.committed_it_mw, initial=0.0)),
            r.silicon_sales_tax_frac, r.silicon_property_frac_per_year, r.operator_markup_frac,
        )
        for r in study.plan.rungs
    ]  # fmt: skip
    return CsvTable("rungs", columns, lines)


def _costs_by_rung(study: Planned) -> CsvTable:
    """Expected cost by quarter, rung and line, undiscounted, real."""
    tree, out = study.demand.tree, study.plan.chosen
    expected = np.zeros((len(tree.quarters), *out.node_rung_cost_usd.shape[1:]))
    np.add.at(expected, tree.node_quarter, out.node_rung_cost_usd * tree.node_probability[:, None, None])
    lines = [
        (quarter, rung.name, *(float(v) for v in expected[q, k]))
        for q, quarter in enumerate(tree.quarters)
        for k, rung in enumerate(study.plan.rungs)
        if np.abs(expected[q, k]).max(initial=0.0) > 0
    ]
    return CsvTable("costs_by_rung", ("quarter", "rung", *(f"{c}_usd" for c in out.cost_lines)), lines)


def _histories(study: Planned) -> CsvTable:
    """NPV by history of the plan, the pure strategies and somebody who knows the history."""
    plan, m = study.plan, study.plan.measures
    if m is None:
        return CsvTable(
            "histories", ("history", "probability"), zip(plan.leaf_name, plan.leaf_probability, strict=True)
        )
    columns = ("history", "probability", "foresight_npv_usd", *(f"{n}_npv_usd" for n in m.strategies))
    lines = [
        (name, float(plan.leaf_probability[i]), float(m.leaf_wait_and_see_usd[i]), *m.strategy_leaf_npv_usd[:, i])
        for i, name in enumerate(plan.leaf_name)
    ]
    return CsvTable("histories", columns, lines)


def _statement_table(name: str, statements: tuple[Statements, ...], quarters: tuple[str, ...]) -> CsvTable:
    labels = (*quarters, "terminal")
    lines = [
        (s.plan, s.leaf, labels[min(t, len(quarters))], *(float(v) for v in s.values[:, t]))
        for s in statements
        for t in range(s.values.shape[1])
    ]
    names = statements[0].lines if statements else ()
    return CsvTable(name, ("plan", "leaf", "quarter", *names), lines)


def _lender_tables(finance: Finance, leaves: tuple[str, ...]) -> Iterator[CsvTable]:
    columns = ("case", "min_dscr", "llcr", "first_breach_quarter", "unpaid_frac", "expected_unpaid_frac",
               "expected_npv_usd")  # fmt: skip
    cases = [
        (c.name, c.min_dscr, c.llcr, c.first_breach_quarter, c.unpaid_frac, c.expected_unpaid_frac, c.expected_npv_usd)
        for c in finance.downside
    ]
    yield CsvTable("downside", columns, cases)
    lost = finance.loss_given_default
    layers = lost.layers if lost else ()
    names = ("leaf", "default_quarter", "exposure_nominal_usd",
             *(f"{name.replace(' ', '_')}_recovered_nominal_usd" for name in layers),
             "guarantor_nominal_usd", "lender_loss_nominal_usd")  # fmt: skip
    lines = [
        (
            leaf, lost.leaf_default_quarter[i], lost.leaf_exposure_nominal_usd[i],
            *lost.leaf_layer_recovered_nominal_usd[i], lost.leaf_guarantor_nominal_usd[i],
            lost.leaf_lender_loss_nominal_usd[i],
        )
        for i, leaf in enumerate(leaves)
    ] if lost else []  # fmt: skip
    yield CsvTable("loss_given_default", names, lines)


def finance_tables(finance: Finance, quarters: tuple[str, ...], leaves: tuple[str, ...]) -> Iterator[CsvTable]:
    """Statements by quarter, cost of an hour and of tokens by part, sources and uses, downside, loss by layer."""
    for name, statements in (
        ("statements", finance.statements), ("statements_sponsor", finance.sponsor),
        ("statements_lender", finance.lender), ("statements_income", finance.income),
        ("balance_sheets", finance.balance),
    ):  # fmt: skip
        yield _statement_table(name, statements, quarters)
    parts = [
        (
            u.rung,
            u.accelerator,
            p,
            float(u.usd_per_gpu_h[i]),
            float(u.usd_per_goodput_gpu_h[i]),
            float(u.usd_per_mtok[i]),
        )
        for u in finance.unit_costs
        for i, p in enumerate(u.parts)
    ]
    columns = ("rung", "accelerator", "part", "usd_per_gpu_h", "usd_per_goodput_gpu_h", "usd_per_mtok")
    yield CsvTable("unit_costs", columns, parts)
    funds = [("source", n, v) for n, v in finance.sources] + [("use", n, v) for n, v in finance.uses]
    yield CsvTable("sources_and_uses", ("side", "name", "nominal_usd"), funds)
    yield from _lender_tables(finance, leaves)


def _flips(risk: Risk) -> CsvTable:
    """What would change today's decision: one line per input, nearest first."""
    columns = (
        "input", "unit", "base", "low", "high", "range_from", "flip", "distance_frac", "becomes", "best_pure", "metric",
    )  # fmt: skip
    lines = (
        (
            f.input, f.unit, f.base, f.low, f.high, f.range_from, f.flip, f.distance_frac, f.becomes, f.best_pure,
            f.metric,
        )
        for f in risk.flips
    )  # fmt: skip
    return CsvTable("flips", columns, lines)


def _futures(risk: Risk) -> CsvTable:
    shown = risk.future_npv_usd[:, :MOST_FUTURES]
    lines = [(f, *(float(v) for v in shown[:, f])) for f in range(shown.shape[1])]
    return CsvTable("futures_npv", ("future", *(f"{p}_npv_usd" for p in risk.plans)), lines)


def _impact_tables(impact: Impact, quarters: tuple[str, ...]) -> Iterator[CsvTable]:
    flows = [(f.source, f.target, f.usd) for f in impact.money]
    yield CsvTable("money_flows", ("source", "target", "usd"), flows)
    names = (
        "quarterly_energy_mwh", "quarterly_location_kg_co2", "quarterly_marginal_kg_co2", "quarterly_site_water_m3",
        "quarterly_source_water_m3", "quarterly_construction_jobs", "quarterly_permanent_jobs",
    )  # fmt: skip
    series = [getattr(impact, name) for name in names]
    lines = [(q, *(float(s[t]) for s in series)) for t, q in enumerate(quarters) if t < len(series[0])]
    yield CsvTable("impact", ("quarter", *(n.removeprefix("quarterly_") for n in names)), lines)


def _hourly(study: Study) -> Iterator[CsvTable]:
    """Weather, overhead, load, price, flows and carbon of the chosen supply by hour, one file per site."""
    site, supply = study.site, study.supply
    calendar = calendar_of_hours() if site.sites else []
    for i, name in enumerate(site.sites):
        columns = ["month", "day", "hour", "dry_bulb_degc", "wet_bulb_degc", "pue", "wue_l_per_kwh"]
        series = [site.hourly_dry_bulb_degc[i], site.hourly_wet_bulb_degc[i], site.hourly_pue[i]]
        series.append(site.hourly_wue_l_per_kwh[i])
        cases = supply.cases[supply.sites.index(name)] if name in supply.sites else ()
        if cases:
            case = cases[0]
            columns += ["load_mw", "price_usd_per_mwh", *(f"{s}_mw" for s in case.sources)]
            series += [case.hourly_load_mw, case.hourly_price_usd_per_mwh, *case.hourly_flow_mw]
            columns += ["grid_average_kg_co2_per_mwh", "grid_marginal_kg_co2_per_mwh"]
            series += [case.hourly_grid_average_kg_co2_per_mwh, case.hourly_grid_marginal_kg_co2_per_mwh]
            if alone := [c for c in cases[1:] if c.name == "grid"]:
                columns.append("grid_only_price_usd_per_mwh")
                series.append(alone[0].hourly_price_usd_per_mwh)
        rows = np.column_stack(series)
        lines = ((*when, *row) for when, row in zip(calendar, rows.tolist(), strict=True))
        yield CsvTable(f"hourly_{name}", tuple(columns), lines)
