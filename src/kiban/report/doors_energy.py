"""``kiban energy``: the energy room alone, on an energy file or a scenario of REopt."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kiban.energy.carbon_account import AverageSignal, Carbon, MarginalSignal, ResidualSignal, carbon_of
from kiban.energy.dispatch import Answer, Case, Programme
from kiban.energy.reopt_read import ReoptCase, ReoptError, read_reopt
from kiban.energy.reopt_run import run_reopt
from kiban.report.doors_words import table
from kiban.report.energy_case import case_of, rule_of
from kiban.report.energy_outages import outage_tables, outages_data
from kiban.report.energy_swings import swing_tables, swings_data
from kiban.scenario.energy_load import LoadedEnergy, load_energy
from kiban.scenario.problems import Problem, ScenarioError
from kiban.units.numbers import significant, usd

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Solved:
    """One answer with its carbon."""

    name: str
    answer: Answer
    carbon: Carbon | None


@dataclass(frozen=True)
class EnergyRun:
    """Everything the door says about one file."""

    loaded: LoadedEnergy
    case: Case
    solved: tuple[Solved, ...]


def run_energy_file(path: Path, variant: str | None) -> EnergyRun:
    """Solve the rule of a file, and those to compare on the same programme, warm.

    Errors: ScenarioError for the file; Infeasible and SolverError of ``kiban.solve``.
    """
    loaded, case, programme = _read(path, variant)
    rules = list(dict.fromkeys([loaded.form.clean.rule, *loaded.form.compare]))
    solved = []
    for rule in rules:
        answer = programme.solve(rule_of(loaded.form.clean, rule))
        solved.append(Solved(rule, answer, _carbon(loaded, case, answer)))
    return EnergyRun(loaded, case, tuple(solved))


def check_energy(path: Path, variant: str | None) -> list[Problem]:
    """Report every problem of an energy file, or of a scenario of REopt (``.json``), and solve nothing."""
    try:
        if path.suffix.lower() == ".json":
            _read_reopt(path)
        else:
            _read(path, variant)
    except ScenarioError as error:
        return list(error.problems)
    return []


def _read(path: Path, variant: str | None) -> tuple[LoadedEnergy, Case, Programme]:
    loaded = load_energy(path, variant)
    try:
        case = case_of(loaded)
        return loaded, case, Programme(case)
    except ValueError as error:
        raise ScenarioError([Problem("", text, file=str(path)) for text in str(error).splitlines()]) from None


def _carbon(loaded: LoadedEnergy, case: Case, answer: Answer) -> Carbon | None:
    if not loaded.has("series.average_kg_co2_per_mwh"):
        return None
    marginal, residual = "series.marginal_kg_co2_per_mwh", "series.residual_kg_co2_per_mwh"
    return carbon_of(
        case,
        answer,
        AverageSignal(loaded.array("series.average_kg_co2_per_mwh")),
        MarginalSignal(loaded.array(marginal)) if loaded.has(marginal) else None,
        ResidualSignal(loaded.array(residual)) if loaded.has(residual) else None,
    )


def energy_data(run: EnergyRun) -> dict[str, Any]:
    """The run as plain data; swings and outages where the file asks for them, outages with the first rule's plant."""
    found: dict[str, Any] = {
        "name": run.loaded.form.name,
        "title": run.loaded.form.title or run.loaded.form.name,
        "hours": run.loaded.hours,
        "load_mwh_per_year": float(run.case.axis.cost_weight_h @ run.case.load_mw),
        "notes": list(run.loaded.notes),
        "rules": [_one(run.case, s) for s in run.solved],
    }
    more = {
        "swings": swings_data(run.loaded),
        "outages": outages_data(run.loaded, run.case, run.solved[0].answer),
    }
    return found | {k: v for k, v in more.items() if v is not None}


def _one(case: Case, solved: Solved) -> dict[str, Any]:
    a = solved.answer
    w = case.axis.cost_weight_h
    found: dict[str, Any] = {
        "rule": solved.name,
        "clean_frac_asked": a.rule.frac if solved.name != "none" else 0.0,
        "energy_usd_per_mwh": a.mean_usd_per_mwh(case),
        "cost_usd_per_year": a.cost_usd_per_year,
        "cost_items_usd_per_year": a.cost_items_usd_per_year,
        "size_mw": a.size_mw,
        "battery_mwh": a.battery_mwh,
        "energy_mwh_per_year": {k: float(w @ v) for k, v in a.flow_mw.items()},
        "clean_frac": a.clean_frac,
        "contracted_frac": a.contracted_frac,
        "connection_usd_per_mw_year": a.connection_usd_per_mw_year,
        "connection_usd_per_mw_by_quarter": a.connection_usd_per_mw.tolist(),
        "mean_price_usd_per_mwh": float(w @ a.price_usd_per_mwh) / float(w.sum()),
        "mean_clean_premium_usd_per_mwh": float(w @ a.clean_premium_usd_per_mwh) / float(w.sum()),
        "seconds": a.seconds,
        "warm": a.warm,
        "balance_residual_mw": a.balance_residual_mw,
    }
    c = solved.carbon
    if c is not None:
        found["carbon"] = {
            "scope_1_t_co2": c.scope_1_t,
            "location_based_t_co2": c.location_t,
            "market_based_t_co2": c.market_t,
            "market_based_by_hour_t_co2": c.market_hourly_t,
            "market_based_mix": "residual" if c.residual_known else "average",
            "certificates_claimed_mwh": c.claimed_mwh,
            "certificates_unclaimed_mwh": c.unclaimed_mwh,
            "consequential_t_co2": c.consequential_t,
            "consequential_load_t_co2": c.consequential_load_t,
            "location_based_with_own_plant_kg_co2_per_mwh": c.kg_per_mwh(c.location_t),
        }
    return found


Row = list[str]


def energy_tables(data: dict[str, Any]) -> list[tuple[str, Row, list[Row]]]:
    """Title, head and rows of the tables of a run."""
    rules = data["rules"]
    head = ["", *(r["rule"] for r in rules)]
    main = [
        ["energy, USD/MWh of load", *(significant(r["energy_usd_per_mwh"], 4) for r in rules)],
        ["cost a year", *(usd(r["cost_usd_per_year"]) for r in rules)],
        ["clean in its hour (24/7 score)", *(f"{r['clean_frac']:.1%}" for r in rules)],
        ["contracted over load", *(f"{r['contracted_frac']:.1%}" for r in rules)],
        ["another MW of connection, USD a year", *(f"{r['connection_usd_per_mw_year']:,.0f}" for r in rules)],
        ["mean price of another MWh, USD", *(significant(r["mean_price_usd_per_mwh"], 4) for r in rules)],
        ["of it for being clean, USD", *(significant(r["mean_clean_premium_usd_per_mwh"], 4) for r in rules)],
    ]
    mix = rules[0].get("carbon", {}).get("market_based_mix", "")
    for key, words in (
        ("scope_1_t_co2", "own plant (Scope 1), t CO2"),
        ("location_based_t_co2", "location-based (average signal), t CO2"),
        ("market_based_t_co2", f"market-based, by the year ({mix} mix), t CO2"),
        ("market_based_by_hour_t_co2", f"market-based, by the hour ({mix} mix), t CO2"),
        ("certificates_unclaimed_mwh", "certificates beyond consumption, MWh"),
        ("consequential_t_co2", "consequential, contracts as new plant, t CO2"),
        ("consequential_load_t_co2", "consequential, contracts on old plant, t CO2"),
    ):
        if all(r.get("carbon", {}).get(key) is not None for r in rules):
            main.append([words, *(f"{r['carbon'][key]:,.0f}" for r in rules)])
    sizes = [[n, *(f"{r['size_mw'][n]:,.1f} MW" for r in rules)] for n in rules[0]["size_mw"]]
    if rules[0]["battery_mwh"] or "battery" in rules[0]["size_mw"]:
        sizes.append(["battery energy", *(f"{r['battery_mwh']:,.1f} MWh" for r in rules)])
    costs = [[n, *(usd(r["cost_items_usd_per_year"][n]) for r in rules)] for n in rules[0]["cost_items_usd_per_year"]]
    return [
        ("Result by rule", head, main), ("What is built or contracted", head, sizes), ("Cost a year", head, costs),
        *swing_tables(data.get("swings")), *outage_tables(data.get("outages")),
    ]  # fmt: skip


def energy_text(data: dict[str, Any]) -> str:
    """The run for a reader."""
    out = [data["title"]]
    for title, head, rows in energy_tables(data):
        if rows:
            out += ["", title, *(f"  {t}" for t in table(head, rows))]
    if data["notes"]:
        out += ["", *(f"note: {note}" for note in data["notes"])]
    return "\n".join(out)


def reopt_data(path: Path) -> dict[str, Any]:
    """Bill and outages of a REopt scenario. Errors: ScenarioError with every reason."""
    scenario = _read_reopt(path)
    try:
        return {"reopt": path.name, **run_reopt(scenario)}
    except ReoptError as error:
        raise ScenarioError([Problem("", line, file=str(path)) for line in str(error).splitlines()]) from None


def _read_reopt(path: Path) -> ReoptCase:
    try:
        text = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(text, dict):
            raise ReoptError("a scenario of REopt is an object")
        return read_reopt(text)
    except OSError as error:
        raise ScenarioError([Problem("", f"cannot be read: {error.strerror}", file=str(path))]) from None
    except ReoptError as error:
        raise ScenarioError([Problem("", line, file=str(path)) for line in str(error).splitlines()]) from None
    except ValueError as error:
        raise ScenarioError([Problem("", f"is not JSON: {error}", file=str(path))]) from None


def reopt_text(data: dict[str, Any]) -> str:
    """The same for a reader."""
    out = [f"REopt scenario {data['reopt']}", "", "First year, before tax"]
    bill = data["ElectricTariff"]
    rows = [[k[9:-11].replace("_", " "), f"{v:,.2f}"] for k, v in bill.items() if k.startswith("year_one_")]
    out += [f"  {t}" for t in table(["", "USD"], rows)]
    out += ["", f"Life-cycle cost after tax: {data['Financial']['lcc']:,.2f} USD"]
    if "Outages" in data:
        lost = data["Outages"]
        out += [
            f"Expected cost of outages: {lost['expected_outage_cost']:,.2f} USD",
            f"Unserved in all outages: {np.sum(lost['unserved_load_per_outage_kwh']):,.2f} kWh",
        ]
    if data["left_out"]:
        out += ["", "Not modelled, and so without effect: " + ", ".join(data["left_out"])]
    return "\n".join(out)
