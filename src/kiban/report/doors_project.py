"""Stand-alone projects: metrics, samples, break-even in words and the statement by year."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kiban.catalog import Catalog
from kiban.finance.project import lines
from kiban.finance.project_file import draw_figures, projects_of
from kiban.finance.project_inputs import Projects
from kiban.finance.project_summary import YearTable, metrics, sources_and_uses, status_words, year_table
from kiban.report.doors_words import label, number, table
from kiban.report.serialize import to_plain
from kiban.report.tables import csv_text
from kiban.scenario.problems import Problem, ScenarioError
from kiban.scenario.project_load import LoadedProject
from kiban.scenario.project_schema import ProjectFile
from kiban.units.numbers import percent, significant, usd

Array = NDArray[np.float64]

PERCENTILES = {"p10": 0.1, "p50": 0.5, "p90": 0.9}
_HEADS = [p.upper() for p in PERCENTILES]
IN_MILLIONS = "_nominal_usd"


@dataclass(frozen=True)
class Answer:
    """One project and what it is worth."""

    label: str
    form: ProjectFile
    title: str
    unit: str
    keys: tuple[str, ...]
    projects: Projects
    """The project as written, N = 1."""
    metrics: dict[str, float]
    status: dict[str, str]
    samples: dict[str, dict[str, float]]
    """P10, P50, P90 and the share of samples in which the metric exists; empty without ranges."""
    sample_count: int
    sources: list[tuple[str, float]]
    uses: list[tuple[str, float]]
    statement: YearTable
    sentences: list[str]


def answer(loaded: LoadedProject, catalog: Catalog) -> Answer:
    """Value one project as written, and with its ranges drawn if it has any.

    Errors: ScenarioError in words if a number, or one that is drawn, leaves what the model allows.
    """
    form = loaded.form
    projects = projects_of(form, catalog)
    drawn = draw_figures(form)
    samples: dict[str, dict[str, float]] = {}
    status_of: dict[str, str] = {}
    try:
        values, status = metrics(projects)
        if drawn:
            found, codes = metrics(projects_of(form, catalog, drawn))
            samples = {name: percentiles(v) for name, v in found.items()}
            status_of = {name: status_words(c) for name, c in codes.items()}
    except ValueError as error:
        raise ScenarioError(
            [Problem(path="", message=line, file=loaded.label) for line in str(error).splitlines()]
        ) from None
    flat = {name: float(v[0]) for name, v in values.items()}
    statement = year_table(projects)
    sources, uses = sources_and_uses(projects)
    used = form.sales.utilisation_frac
    return Answer(
        label=loaded.label,
        form=form,
        title=form.title or form.name,
        unit=form.sales.unit,
        keys=loaded.keys,
        projects=projects,
        metrics=flat,
        status={n: status_words(c) for n, c in status.items()} | {f"{n} of samples": w for n, w in status_of.items()},
        samples=samples,
        sample_count=form.samples.count if drawn else 0,
        sources=sources,
        uses=uses,
        statement=statement,
        sentences=sentences(projects, flat, form.sales.unit, used.value if used else None, statement),
    )


def percentiles(values: Array) -> dict[str, float]:
    """P10, P50 and P90 of the samples in which a metric exists, and their share; infinite counts as the largest."""
    there = values[~np.isnan(values)]
    share = len(there) / len(values)
    if not len(there):
        return {**dict.fromkeys(PERCENTILES, math.nan), "defined_frac": 0.0}
    at = np.quantile(there, list(PERCENTILES.values()), method="inverted_cdf")
    return {**dict(zip(PERCENTILES, at.tolist(), strict=True)), "defined_frac": share}


def sentences(
    projects: Projects, found: dict[str, float], unit: str, utilisation_frac: float | None, statement: YearTable
) -> list[str]:
    """What decides the project, in words: worth, break-even price and output, and what cannot be."""
    rate = percent(float(np.max(projects.discount_frac_per_year)))
    price = float(np.asarray(projects.sales.price_nominal_usd_per_unit).flat[0])
    out = [
        f"At {rate} a year the project is worth {usd(found['project_npv_usd'])} after tax without a loan, "
        f"{usd(found['equity_npv_usd'])} to its owners."
    ]
    ran = [i for i, y in enumerate(statement.years) if y > 0]
    revenue, cost = (statement.rows[f"{n}_nominal_usd"][ran] for n in ("revenue", "running_cost"))
    if np.all(revenue + cost <= 0):
        out.append(
            f"Revenue covers running cost in no year ({usd(float(revenue.sum()))} against {usd(float(-cost.sum()))} "
            "over its life): nothing is left for lenders or owners."
        )
    if projects.debt.kind != "none" and found["debt_nominal_usd"] <= 0:
        out.append("The cash carries no loan: it is built with equity alone.")
    even = found["project_break_even_price_nominal_usd_per_unit"]
    if math.isinf(even):
        out.append(f"No price up to {1024 * max(price, 1.0):,.0f} USD per {unit} makes the project worth its cost.")
    elif even == 0:
        out.append("The project pays without any revenue.")
    else:
        out.append(
            f"It breaks even at {significant(even, 4)} USD per {unit} in the first year (given: "
            f"{significant(price, 4)}), or at one price of "
            f"{significant(found['lcoc_nominal_usd_per_unit'], 4)} USD for all its life."
        )
    out.append(_output_sentence(found["project_break_even_output_multiple"], unit, utilisation_frac))
    return out


def _output_sentence(multiple: float, unit: str, utilisation_frac: float | None) -> str:
    if math.isinf(multiple):
        return f"At the price given no output is enough: each {unit} sold costs more than it earns."
    if utilisation_frac is None:
        return f"At the price given it needs {significant(multiple, 4)} times the output given."
    needed = utilisation_frac * multiple
    if needed > 1:
        return (
            f"At the price given no utilisation is enough: {percent(needed)} would be needed "
            f"(given: {percent(utilisation_frac)})."
        )
    return f"At the price given it needs a utilisation of {percent(needed)} (given: {percent(utilisation_frac)})."


def project_data(answers: list[Answer]) -> dict[str, Any]:
    """All projects of a file as plain data."""
    return {
        "kind": "project",
        "projects": [
            {
                "label": a.label,
                "title": a.title,
                "unit": a.unit,
                "sentences": a.sentences,
                "metrics": to_plain(a.metrics),
                "irr_status": a.status,
                "sample_count": a.sample_count,
                "samples": to_plain(a.samples),
                "sources_nominal_usd": to_plain(dict(a.sources)),
                "uses_nominal_usd": to_plain(dict(a.uses)),
                "statement": {"year": list(a.statement.years), **to_plain(a.statement.rows)},
                "catalogue_rows": list(a.keys),
            }
            for a in answers
        ],
    }


def project_text(answers: list[Answer]) -> str:
    """The same for a reader: sentences, metrics beside each other, samples, and the first project's statement."""
    out = [answers[0].title]
    for a in answers:
        out += ["", a.label, *(f"  {s}" for s in a.sentences)]
    names = list(answers[0].metrics)
    rows = [[label(n), *(_metric(a, n) for a in answers)] for n in names]
    out += ["", *table(["Metrics, as written", *(a.label for a in answers)], rows)]
    first = answers[0]
    if first.samples:
        cells = [
            [label(n), *(number(n, s[p]) for p in PERCENTILES), percent(s["defined_frac"])]
            for n, s in first.samples.items()
        ]
        out += ["", *table([f"{first.label}: {first.sample_count:,} samples", *_HEADS, "exists in"], cells)]
    others = [[a.label, *(number("npv_usd", a.samples["project_npv_usd"][p]) for p in PERCENTILES)]
              for a in answers[1:] if a.samples]  # fmt: skip
    if others:
        out += ["", *table(["project NPV, sampled", *_HEADS], others)]
    funds = [[n, usd(v)] for n, v in first.sources] + [["sum", usd(sum(v for _, v in first.sources))]]
    out += ["", *table(["Sources", "nominal"], funds)]
    spent = [[n, usd(v)] for n, v in first.uses] + [["sum", usd(sum(v for _, v in first.uses))]]
    out += ["", *table(["Uses", "nominal"], spent)]
    out += ["", *_statement_text(first)]
    return "\n".join(out)


def _metric(a: Answer, name: str) -> str:
    status = a.status.get(name, "unique")
    return status if status != "unique" else number(name, a.metrics[name])


def _statement_text(a: Answer) -> list[str]:
    head = [f"{a.label}: USD m, nominal", *(str(y) for y in a.statement.years)]
    rows = []
    for name, values in a.statement.rows.items():
        if not np.any(np.nan_to_num(values)):
            continue
        scale = 1e6 if name.endswith((IN_MILLIONS, "_units")) else 1.0
        digits = 2 if name == "dscr" else 1
        words = f"{label(name).removesuffix(', nominal')}" if name != "output_units" else f"output, million {a.unit}"
        rows.append([words, *("" if math.isnan(v) else _cell(v / scale, digits) for v in values)])
    return table(head, rows, least=7)


def _cell(value: float, digits: int) -> str:
    text = f"{value:,.{digits}f}"
    return "-" if float(text.replace(",", "")) == 0 else text


def write_projects(output: Path, answers: list[Answer]) -> list[Path]:
    """Write the workbook of the first project if the name ends in .xlsx, else tables into a folder; returns the files.

    Errors: ScenarioError for a project that the workbook does not model; OSError.
    """
    if output.suffix.lower() != ".xlsx":
        return write_project_tables(output, answers)
    from kiban.report.project_book import write_project_workbook

    write_project_workbook(output, answers[0].form, answers[0].projects, lines(answers[0].projects))
    return [output]


def write_project_tables(folder: Path, answers: list[Answer]) -> list[Path]:
    """Write statement, metrics, samples and sources and uses of every project as CSV; returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    names = list(answers[0].statement.rows)
    tables = {
        "statement": (
            ("project", "year", *names),
            [
                (a.label, y, *(float(a.statement.rows[n][i]) for n in names))
                for a in answers
                for i, y in enumerate(a.statement.years)
            ],
        ),
        "metrics": (
            ("project", "metric", "value", *PERCENTILES, "defined_frac"),
            [
                (a.label, n, v, *(a.samples[n].values() if a.samples else [None] * (len(PERCENTILES) + 1)))
                for a in answers
                for n, v in a.metrics.items()
            ],
        ),
        "sources_and_uses": (
            ("project", "side", "name", "nominal_usd"),
            [
                (a.label, side, n, v)
                for a in answers
                for side, funds in (("source", a.sources), ("use", a.uses))
                for n, v in funds
            ],
        ),
    }
    files = []
    for name, (columns, content) in tables.items():
        file = folder / f"{name}.csv"
        file.write_text(csv_text(columns, content), encoding="utf-8", newline="\n")
        files.append(file)
    return files
