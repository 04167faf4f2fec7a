"""Results as tables on the page: texts ready to read, with their unit above."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kiban.figures.capacity import expected
from kiban.figures.figure import words
from kiban.figures.places import Place, pair_of, place_of
from kiban.figures.risk import plan_words
from kiban.report.hall_views import hall_views
from kiban.report.headline import amount_words
from kiban.report.lender_views import lender_views
from kiban.report.table import View, view
from kiban.results import Action, Risk, Study
from kiban.scenario import Scenario
from kiban.units.numbers import percent, scaled, significant, usd


def all_views(scenario: Scenario, study: Study, risk: Risk) -> list[View]:
    """Every table of the report."""
    return [
        actions_view(study),
        alternatives_view(risk),
        shadow_view(study),
        capacity_view(study),
        places_view(study),
        sites_view(scenario, study),
        *hall_views(study),
        energy_view(study),
        gauges_view(risk),
        *lender_views(scenario, study),
        replanned_view(risk),
        flips_view(risk),
        drivers_view(risk),
        claims_view(study),
        totals_view(study),
    ]


def combine(actions: Sequence[Action]) -> list[tuple[Action, float, str]]:
    """Join actions of one verb and rung: first action, total amount, quarters; a rung that is let go stays out."""
    joined: dict[tuple[str, str, str], list[Action]] = {}
    for a in actions:
        if a.verb != "expire":
            joined.setdefault((a.verb, a.rung, a.unit), []).append(a)
    out = []
    for group in joined.values():
        first, last = min(a.quarter for a in group), max(a.quarter for a in group)
        when = first if first == last else f"{first} to {last}"
        out.append((group[0], sum(a.amount for a in group), when))
    return out


def actions_view(study: Study) -> View:
    """What to do, in the order of the decision card."""
    ends = {a.rung: a.quarter for a in study.plan.actions if a.verb == "expire" and a.amount > 0}
    rows = [
        [
            a.verb, words(a.rung), f"{amount_words(amount)} {'IT MW' if a.unit == 'MW' else a.unit}", when,
            ends.get(a.rung, "") if a.verb == "hold" else "", a.sentence.replace("_", " "),
        ]
        for a, amount, when in combine(study.plan.actions)
    ]  # fmt: skip
    dropped = [words(a.rung) for a in study.plan.actions if a.verb == "expire" and a.amount <= 0]
    note = "Amounts of later futures are expected values. First line of several quarters is quoted in the last column."
    if dropped:
        note += f" No future uses: {', '.join(dropped)}."
    columns = ("Do", "Rung", "Amount>", "Quarter", "Option ends", "In words")
    return view("actions", "decision", "What to sign, order, rent and hold", "IT MW of critical load, or accelerators",
                columns, rows, note, "The plan takes no action within its first year and holds nothing.")  # fmt: skip


def alternatives_view(risk: Risk) -> View:
    """Plans side by side."""
    rows = [
        [
            plan_words(name), usd(risk.plan_mean_npv_usd[i]), usd(risk.plan_p5_npv_usd[i]),
            usd(risk.plan_p95_npv_usd[i]), usd(risk.plan_cvar5_npv_usd[i]),
            percent(risk.plan_win_frac[i]) if name != "plan_fixed" else "",
            usd(risk.plan_mean_regret_usd[i]), usd(risk.plan_p95_regret_usd[i]),
        ]
        for i, name in enumerate(risk.plans)
    ]  # fmt: skip
    columns = ("Plan", "Mean>", "5 %>", "95 %>", "Worst 5 % mean>", "Best in>", "Mean regret>", "Regret 95 %>")
    note = f"{risk.futures_count:,} sampled futures; nothing is solved anew in them, each plan follows its own tree."
    return view("alternatives", "decision", "The plan beside the alternatives",
                "NPV in real USD at the horizon's start; share of futures", columns, rows, note,
                "No plan was compared.")  # fmt: skip


def shadow_view(study: Study) -> View:
    """What one more of each limit is worth."""
    rows = [[s.replace("_", " ")] for s in study.plan.chosen.shadow_price_sentences]
    return view("shadow", "decision", "What binds, and what one more would be worth", "real USD of expected NPV each",
                ("Limit",), rows, "Each limit moved by 2 %, plan solved again.", "No limit binds.")  # fmt: skip


def capacity_view(study: Study) -> View:
    """Expected halls and accelerators by rung at the end of each year."""
    tree, plan, out = study.demand.tree, study.plan, study.plan.chosen
    mw = expected(tree, out.node_hall_live_it_mw)
    chips = expected(tree, (out.node_silicon_live + out.node_rent_live).sum(axis=2))
    years = [q for q, name in enumerate(tree.quarters) if name.endswith("Q4") or q == len(tree.quarters) - 1]
    rows = []
    for k, rung in enumerate(plan.rungs):
        if max(mw[:, k].max(initial=0), chips[:, k].max(initial=0)) <= 0.01:
            continue
        if rung.holds_hall:
            rows.append([words(rung.name), "IT MW", *(_amount(mw[q, k]) for q in years)])
        rows.append([words(rung.name), "accelerators", *(_amount(chips[q, k]) for q in years)])
    columns = ("Rung", "Unit", *(f"{tree.quarters[q]}>" for q in years))
    return view("capacity_table", "capacity", "Capacity by rung at the end of each year",
                "expected over the tree: critical IT MW in service; accelerators in service or under contract", columns,
                rows, "The whole tree is in tables/capacity.csv.", "The plan holds no capacity.")  # fmt: skip


def _amount(value: float) -> str:
    """An amount without the last digits of the solver."""
    return scaled(float(value)) if value > 0.01 else "0"


def places_view(study: Study) -> View:
    """Two places side by side per critical IT MW."""
    pair = pair_of(study)
    title = f"{words(pair[0])} against {words(pair[1])}" if pair else "One place against another"
    rows: list[Sequence[str]] = []
    if pair:
        a, b = (place_of(study, name) for name in pair)
        rows = [[label, unit, one, other] for label, unit, one, other in _place_rows(a, b)]
    columns = ("", "Unit", *(f"{words(p)}>" for p in pair or ("", "")))
    return view("places_table", "places", title, "per MW or kW of critical IT load unless said", columns, rows,
                "Same method for both; energy by the chosen supply.",
                "The scenario has fewer than two sites, so there is nothing to compare.")  # fmt: skip


def _place_rows(a: Place, b: Place) -> list[tuple[str, str, str, str]]:
    def row(label: str, unit: str, field: str, scale: float = 1.0) -> tuple[str, str, str, str]:
        one, two = (significant(getattr(p, field) * scale) for p in (a, b))
        return label, unit, one, two

    months = [" / ".join(significant(m, 2) for m in p.build_months) for p in (a, b)]
    return [
        ("Time to power from start", "months P10 / P50 / P90", months[0], months[1]),
        row("Construction", "USD/kW", "construction_usd_per_kw"),
        row("Delivered electricity", "USD/MWh of facility load", "energy_usd_per_mwh"),
        row("PUE, annual mean", "facility MW per IT MW", "pue"),
        row("Water on site", "L/kWh of IT energy", "wue_l_per_kwh"),
        row("Carbon, location-based", "kgCO2e/MWh of facility load", "kg_co2_per_mwh"),
        row("Construction, annuity", "thousand USD/MW-yr", "construction_usd_per_mw_year", 1e-3),
        row("Electricity", "thousand USD/MW-yr", "power_usd_per_mw_year", 1e-3),
        row("Staff and upkeep", "thousand USD/MW-yr", "upkeep_usd_per_mw_year", 1e-3),
        row("Property tax and insurance", "thousand USD/MW-yr", "tax_usd_per_mw_year", 1e-3),
        row("All of it, silicon apart", "thousand USD/MW-yr", "total_usd_per_mw_year", 1e-3),
    ]


def sites_view(scenario: Scenario, study: Study) -> View:
    """Sites with operator and tenant as reported."""
    rows = []
    for part in scenario.sites:
        at = study.site.sites.index(part.name) if part.name in study.site.sites else None
        signed = sum(c.it_mw for c in part.committed)
        rows.append(
            [
                words(part.name), part.state.upper(), part.grid.upper(), part.operator or "-", part.tenant or "-",
                significant(signed), significant(part.max_it_mw), part.grid_ready_quarter or "-",
                significant(float(study.site.site_annual_pue[at]), 4) if at is not None else "-",
                significant(float(study.site.site_peak_pue[at]), 4) if at is not None else "-",
                significant(float(study.site.site_annual_wue_l_per_kwh[at])) if at is not None else "-",
            ]
        )  # fmt: skip
    columns = ("Site", "State", "Grid", "Operator", "Tenant", "Signed, IT MW>", "Most, IT MW>", "New load from",
               "PUE mean>", "PUE worst hour>", "Water, L/kWh IT>")  # fmt: skip
    note = f"Operator and tenant as reported, not confirmed by kiban. Weather: {study.site.weather_label}."
    return view("sites", "places", "Sites", "critical IT MW; PUE is facility per IT power", columns, rows, note,
                "The scenario has no site of its own: everything is rented by the hour.")  # fmt: skip


def energy_view(study: Study) -> View:
    """Supply cases by site."""
    rows = [
        [
            words(site), words(c.name), significant(c.energy_usd_per_mwh), significant(c.average_kg_co2_per_mwh),
            significant(c.marginal_kg_co2_per_mwh), percent(c.clean_frac, 2), percent(c.annual_clean_frac, 2),
            " ".join(
                f"{words(s)} {significant(float(mw), 2)}"
                for s, mw in zip(c.sources, c.capacity_mw, strict=True) if mw > 1e-3
            ),
        ]
        for site, cases in zip(study.supply.sites, study.supply.cases, strict=True)
        for c in cases
    ]  # fmt: skip
    columns = ("Site", "Case", "USD/MWh>", "kgCO2e/MWh average>", "kgCO2e/MWh marginal>", "Clean by the hour>",
               "Clean by the year>", "MW per critical IT MW")  # fmt: skip
    return view("energy_table", "power", "Supply by case", "per MWh of facility load", columns, rows, "",
                "No site is supplied.")  # fmt: skip


def gauges_view(risk: Risk) -> View:
    """Glut gauges beside their precedents."""

    def cell(value: float) -> str:
        return significant(value) if np.isfinite(value) else "no figure"

    rows = [[g.name, cell(g.now), cell(g.fibre_2001), cell(g.mining_2022), g.unit, g.sentence] for g in risk.gauges]
    columns = ("Gauge", "Now>", "Fibre after 2001>", "Mining 2022>", "Unit", "What is measured")
    return view("gauges", "bubble", "Glut gauges beside two busts", "as named in each line; shares and changes of 1",
                columns, rows, "", "No gauge was read.")  # fmt: skip


def replanned_view(risk: Risk) -> View:
    """Each input alone, moved until the plan that is solved again signs something else today."""
    rows = [
        [
            f.sentence, significant(f.base), f"{significant(f.low)} to {significant(f.high)}", f.range_from,
            significant(f.flip) if np.isfinite(f.flip) else "none", f.unit,
            percent(f.distance_frac, 2) if np.isfinite(f.distance_frac) else "",
            plan_words(f.best_pure) if f.best_pure else "", f.metric,
        ]
        for f in risk.flips
    ]  # fmt: skip
    columns = ("In words", "Base>", "Range>", "Range from", "Flips at>", "Unit", "Way to the end of the range>",
               "Best pure strategy then", "Explain")  # fmt: skip
    note = (
        "One input at a time; the plan is solved again on the first branchings of the tree. A flip: no hall signed "
        "today, less than half of the MW, or another rung in its place; if none is signed, some."
    )
    return view("replanned", "risk", "What would change today's decision", "in the unit of each input", columns, rows,
                note, "The plan was not solved again.")  # fmt: skip


def flips_view(risk: Risk) -> View:
    """How far each driver must move."""
    return view("flips", "risk", "When another of the fixed plans would be best",
                "each driver alone, the others at their medians; nothing is planned again",
                ("Driver",), [[s] for s in risk.flip_sentences], "", "No driver has a range.")  # fmt: skip


def drivers_view(risk: Risk) -> View:
    """Ranges of the drivers."""
    share = {t.driver: t.first_order_frac for t in risk.tornado}
    rows = [
        [d.sentence, d.unit, significant(d.p5), significant(d.p50), significant(d.p95),
         percent(share.get(d.name, float("nan")), 2), ", ".join(d.inputs)]
        for d in risk.drivers
    ]  # fmt: skip
    columns = ("Driver", "Unit", "5 %>", "Median>", "95 %>", "First-order share of variance>", "Range from")
    return view("drivers", "risk", "Drivers and their ranges", "as named in each line", columns, rows, "",
                "No driver was sampled.")  # fmt: skip


def claims_view(study: Study) -> View:
    """Published claims beside the model."""
    rows = [
        [words(c.item), f"{scaled(c.published)} {c.unit}", f"{scaled(c.model)} {c.unit}",
         f"{scaled(c.model_low)} to {scaled(c.model_high)}", c.sentence, c.source_id]
        for c in study.impact.claims
    ]  # fmt: skip
    columns = ("Claim", "Published>", "Model>", "Model range>", "Verdict", "Source")
    return view("claims", "impact", "Published claims beside the model", "as named in each line", columns, rows, "",
                "The scenario names no claim to compare with.")  # fmt: skip


def totals_view(study: Study) -> View:
    """Totals of the impact page by site."""
    i = study.impact
    rows = [
        [words(s), scaled(float(i.site_peak_construction_jobs[n])), scaled(float(i.site_peak_permanent_jobs[n])),
         percent(float(i.local_share_frac[n]), 2)]
        for n, s in enumerate(i.sites)
    ]  # fmt: skip
    columns = ("Site", "Peak construction jobs>", "Peak permanent jobs>", "Spending that stays in the region>")
    return view("totals", "impact", "Jobs and local money by site", "people on site; share of spending at the site",
                columns, rows, "", "The scenario has no site.")  # fmt: skip
