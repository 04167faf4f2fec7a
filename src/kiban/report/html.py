"""The report as one HTML file that opens without a network."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from kiban import __version__
from kiban.figures import Figure
from kiban.figures.site_year import site_years
from kiban.report.hours_views import hours_views, power_sentence
from kiban.report.measure_views import measure_views
from kiban.report.provenance import Used, confidence_counts, sources_in_use
from kiban.report.swing_views import swing_sentence, swing_views
from kiban.report.table import View
from kiban.report.views import all_views
from kiban.results import Risk, Study
from kiban.scenario import Scenario
from kiban.units.numbers import percent, significant, usd

SECTIONS = (
    ("decision", "Decision"),
    ("cost", "Cost"),
    ("capacity", "Capacity"),
    ("places", "Places"),
    ("power", "Power"),
    ("bubble", "Bubble"),
    ("lender", "Lender"),
    ("risk", "Risk"),
    ("impact", "Impact"),
)


def html_report(
    scenario: Scenario,
    study: Study,
    risk: Risk,
    headline: Mapping[str, Any],
    figures: Sequence[Figure],
    used: Sequence[Used],
) -> str:
    """Render the report.

    Args: scenario; study; risk; headline as made by ``headline_of``; figures; catalogue rows that were read.
    Result: HTML text with styles, scripts and data inside; texts of the user are escaped.
    """
    template = environment().get_template("report.html.j2")
    years = site_years(study)
    views = [
        *hours_views(study, years),
        *swing_views(study.swings),
        *all_views(scenario, study, risk),
        *measure_views(study),
    ]
    leads = {"power": " ".join(t for t in (power_sentence(years), swing_sentence(study.swings)) if t)}
    sections = [
        {
            "id": key,
            "title": title,
            "lead": leads.get(key, ""),
            "figures": _sources_once([f for f in figures if f["section"] == key]),
            "above": [v for v in views if v["section"] == key and _above(v)],
            "below": [v for v in views if v["section"] == key and not _above(v)],
        }
        for key, title in SECTIONS
    ]
    return template.render(
        scenario=scenario,
        headline=headline,
        card=card_numbers(headline["numbers"], risk),
        sections=sections,
        sources=sources_in_use(list(used)),
        confidence=confidence_counts(list(used)),
        warnings=warnings_of(study, risk),
        residual=max((abs(r) for r in _residuals(study, risk)), default=0.0),
        weather=study.site.weather_label,
        hash=study.scenario_hash,
        version=__version__,
        css=static("report.css"),
        echarts=static("echarts.min.js"),
        script=static("report.js"),
        data=script_json({f["id"]: drawn(f) for f in figures if f["option"] is not None}),
    )


def _above(view: View) -> bool:
    """Whether a table stands above the charts of its chapter."""
    return view["section"] == "decision" or view["id"] in ("sites_year", "premium")


def _sources_once(figures: Sequence[Figure]) -> list[Figure]:
    """Figures of a chapter with ``sources_at``: the first one that names the same documents, where they are listed."""
    first: dict[tuple[str, ...], str] = {}
    for f in figures:
        if not f["empty"]:
            first.setdefault(_ids(f), f["id"])
    return [{**f, "sources_at": first.get(_ids(f), "")} for f in figures]


def _ids(figure: Figure) -> tuple[str, ...]:
    return tuple(s["id"] for s in figure["sources"])


def environment() -> Environment:
    """The page templates, with every text escaped."""
    return Environment(
        loader=PackageLoader("kiban.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def static(name: str) -> str:
    """The text of a style or script that goes into a page."""
    text = (files("kiban.report") / "static" / name).read_text(encoding="utf-8")
    if "</script" in text.lower():
        raise ValueError(f"{name} would close its own script element")
    return text


def drawn(figure: Figure) -> dict[str, Any]:
    return {key: figure[key] for key in ("option", "form", "form_x")}


def script_json(value: Any) -> str:
    """JSON that can stand inside a script element: no text in it can end the element or open another."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def card_numbers(numbers: Mapping[str, float], risk: Risk) -> list[dict[str, str]]:
    """The numbers of the decision card in the order of reading; what is unknown is left out."""

    def money(name: str) -> str:
        return usd(numbers[name]) if name in numbers else ""

    rows = [
        ("Worth to the programme", money("plan_mean_npv_usd"), "mean NPV, real USD",
         f"5-95 %: {money('plan_p5_npv_usd')} to {money('plan_p95_npv_usd')}"),
        ("At market rent", money("npv_at_market_rent_usd"), "NPV after tax, real USD",
         "if work earned rent, as a lender counts"),
        ("Lead", money("lead_mean_usd"), "plan less next best",
         f"5-95 %: {money('lead_p5_usd')} to {money('lead_p95_usd')}"),
        ("Best in", percent(numbers["plan_win_frac"], 2) if "plan_win_frac" in numbers else "", "of sampled futures",
         f"{risk.futures_count:,} futures"),
        *_regret_tiles(numbers, risk),
        ("Irrevocable today", money("irrevocable_usd"), "present value, real USD", "committed by today's signatures"),
        ("Cost of useful compute", f"${significant(numbers['usd_per_goodput_gpu_h'])}"
         if "usd_per_goodput_gpu_h" in numbers else "", "per goodput GPU-hour",
         f"${significant(numbers['usd_per_gpu_h'])} per GPU-hour in service" if "usd_per_gpu_h" in numbers else ""),
        ("Cost of tokens", f"${significant(numbers['usd_per_mtok'])}" if "usd_per_mtok" in numbers else "",
         "per million tokens at today's software", "prompt and answer in the scenario's mix, serving traffic peaks"),
    ]  # fmt: skip
    return [{"label": a, "value": b, "unit": c, "more": d} for a, b, c, d in rows if b]


def _regret_tiles(numbers: Mapping[str, Any], risk: Risk) -> list[tuple[str, str, str, str]]:
    """Regret against foresight on the tree, with the sampled one below it; the sampled one alone without a tree."""
    sampled = usd(numbers["plan_p95_regret_usd"]) if "plan_p95_regret_usd" in numbers else ""
    if risk.regret is None:
        return [("Regret in the bad future", sampled, "95 % quantile of sampled futures, real USD",
                 "against the best of the plans beside it")]  # fmt: skip
    more = f"expected {usd(risk.regret.expected_usd)}; against the other plans in sampled futures {sampled} (95 %)"
    return [("Regret at most", usd(risk.regret.worst_usd), f"against foresight, in {risk.regret.worst_leaf}", more)]


def _rooms(study: Study, risk: Risk) -> tuple[Any, ...]:
    return (
        study.demand, study.fleet, study.site, study.supply, study.plan, study.finance, study.impact, study.swings,
        risk,
    )  # fmt: skip


def warnings_of(study: Study, risk: Risk) -> list[str]:
    """Every warning of every room once."""
    return list(dict.fromkeys(w for room in _rooms(study, risk) for w in room.warnings))


def _residuals(study: Study, risk: Risk) -> list[float]:
    return [value for room in _rooms(study, risk) for value in room.residuals.values()]
