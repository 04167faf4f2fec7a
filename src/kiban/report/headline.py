"""The decision card: one sentence, its value against the next best plan, and the numbers behind it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kiban.figures.risk import plan_words
from kiban.results import Action, Plan, Risk, Study
from kiban.risk.decisions import KIND_WORDS
from kiban.units.numbers import significant, usd

MOST_WORDS = 60
CARD_FLIPS = 3
"""Inputs on the card that would change the decision."""
NO_DIFFERENCE_FRAC = 0.005
"""A lead below this share of the plan's value is no lead."""


def headline_of(study: Study, risk: Risk) -> dict[str, Any]:
    """Return the decision card as plain data.

    Result: ``sentence``; ``numbers``, flat and finite; ``alternatives``, one per plan; ``market_rent``, what
    each plan is worth to a lender, best first; ``options`` held open with their end; ``actions``; ``irrevocable`` and
    ``verdict`` in words; ``beats_next_best``; ``flips``, the inputs that would change today's decision, nearest first,
    each with the metric to explain; ``regret`` in words.
    """
    verdict = verdict_of(risk)
    return {
        "sentence": sentence_of(study.plan, risk),
        "verdict": verdict,
        "beats_next_best": beats(risk),
        "next_best": plan_words(risk.next_best),
        "irrevocable": f"{usd(study.plan.irrevocable_usd)} (present value) is committed by what is signed today.",
        "regret": regret_of(risk),
        "flips": flips_of(risk),
        "numbers": numbers_of(study, risk),
        "alternatives": alternatives_of(risk),
        "market_rent": market_rent_of(study),
        "options": options_of(study.plan),
        "actions": [
            {
                "verb": a.verb, "rung": a.rung, "amount": a.amount, "unit": a.unit, "quarter": a.quarter,
                "sentence": a.sentence,
            }
            for a in study.plan.actions
        ],
    }  # fmt: skip


def beats(risk: Risk) -> bool:
    """Whether the plan leads by more than half a per cent of its own value, on average."""
    mine = _at(risk, "plan_responding", risk.plan_mean_npv_usd)
    return risk.lead_mean_usd > NO_DIFFERENCE_FRAC * max(abs(mine), 1.0)


def verdict_of(risk: Risk) -> str:
    """Say plainly how the plan stands against the next best one."""
    mine, other = (_at(risk, n, risk.plan_mean_npv_usd) for n in ("plan_responding", risk.next_best))
    low, high = _settled(risk.lead_p5_usd, mine), _settled(risk.lead_p95_usd, mine)
    span = f"lead {usd(low)} to {usd(high)} (5-95 %)"
    rival = plan_words(risk.next_best)
    if not risk.next_best or risk.next_best.startswith("plan_"):
        return f"worth {usd(mine)}; no other plan was solved beside it"
    if beats(risk):
        return f"worth {usd(mine)} instead of {usd(other)} for the next best plan ({rival}), {span}"
    if low == high == 0:
        return (
            f"worth {usd(mine)}, the same as the next best plan ({rival}): in every future it makes that plan's choices"
        )
    if risk.lead_mean_usd < -NO_DIFFERENCE_FRAC * abs(mine):
        return f"this does not beat the next best plan ({rival}): {usd(mine)} against {usd(other)}, {span}"
    return f"no better than the next best plan ({rival}): {usd(mine)} against {usd(other)}, {span}"


def regret_of(risk: Risk, sampled: bool = True) -> str:
    """Say how much more hindsight would bring at most on the tree, and what the best plan would in sampled futures."""
    found = risk.regret
    if found is None:
        return ""
    mine = _at(risk, "plan_responding", risk.plan_mean_npv_usd)
    worst = f"at most {usd(found.worst_usd)} on the tree ({found.worst_leaf.replace('_', ' ')})"
    words = worst if _settled(found.worst_usd, mine) else "none on the tree"
    wide = _at(risk, "plan_responding", risk.plan_p95_regret_usd)
    return f"regret {words}, {usd(wide)} in 95 % of futures" if sampled else f"regret {words}"


def flips_of(risk: Risk) -> list[dict[str, Any]]:
    """The inputs that would change what is signed today, nearest first, with the metric that explains each."""
    return [
        {
            "input": f.input, "metric": f.metric, "sentence": f.sentence, "base": f.base, "low": f.low, "high": f.high,
            "flip": f.flip, "unit": f.unit, "distance_frac": f.distance_frac, "becomes": f.becomes,
            "inside": f.inside, "best_pure": f.best_pure,
        }
        for f in risk.flips
        if math.isfinite(f.flip)
    ][:CARD_FLIPS]  # fmt: skip


def _settled(lead_usd: float, value_usd: float) -> float:
    """A lead without the last digits of the solver."""
    return lead_usd if abs(lead_usd) > 1e-6 * abs(value_usd) else 0.0


def sentence_of(plan: Plan, risk: Risk) -> str:
    """One sentence under sixty words: what to sign, hold and rent, what it is worth, and what it may regret."""
    for detail, sampled in ((2, True), (1, True), (1, False), (0, True), (0, False)):
        worth = ", ".join(part for part in (verdict_of(risk), regret_of(risk, sampled)) if part)
        parts = [_sign(plan, detail), _hold(plan, detail), _rent(plan, detail)]
        doing = ", ".join(p for p in parts if p) or "sign nothing now and rent nothing"
        sentence = f"{doing[0].upper()}{doing[1:]}: {worth}."
        if len(sentence.split()) < MOST_WORDS:
            break
    return sentence


def _sign(plan: Plan, detail: int) -> str:
    halls = [a for a in plan.actions if a.verb in ("sign", "start")]
    orders = [a for a in plan.actions if a.verb == "order"]
    now = _first_quarter(plan)
    today = [a for a in halls if a.quarter == now]
    if not halls and not orders:
        return "sign no new hall"
    words = []
    if today:
        words.append(f"sign {_places(plan, today, detail)} now")
    elif halls:
        words.append("sign no hall today")
    later = [a for a in halls if a.quarter != now]
    if later and detail > 0:
        last = max(a.quarter for a in later)
        words.append(f"{amount_words(sum(a.amount for a in later))} MW {'more ' if today else ''}by {last}")
    if orders and detail > 0:
        first = min(a.quarter for a in orders)
        words.append(f"order {amount_words(sum(a.amount for a in orders), 2)} accelerators {_when(first, now)}")
    return ", ".join(words)


def _places(plan: Plan, actions: list[Action], detail: int) -> str:
    total = sum(a.amount for a in actions)
    by_kind: dict[str, float] = {}
    rungs = {r.name: r for r in plan.rungs}
    for a in actions:
        kind = rungs[a.rung].kind if a.rung in rungs else a.rung
        by_kind[kind] = by_kind.get(kind, 0.0) + a.amount
    best = max(by_kind, key=lambda k: by_kind[k])
    sites = list(dict.fromkeys(rungs[a.rung].site.replace("_", " ") for a in actions if a.rung in rungs))
    where = ""
    if detail == 2 and sites:
        where = f" at {sites[0]}" if len(sites) == 1 else f" at {len(sites)} sites"
    kind_words = KIND_WORDS.get(best, best) if len(by_kind) == 1 else "halls"
    return f"{amount_words(total)} MW of {kind_words}{where}"


def _hold(plan: Plan, detail: int) -> str:
    held = sorted((a for a in plan.actions if a.verb == "hold"), key=lambda a: -a.amount)
    if not held:
        return ""
    ends = {a.rung: a.quarter for a in plan.actions if a.verb == "expire"}
    if detail == 0:
        return f"hold {len(held)} options"
    first = held[0].rung.replace("_", " ").replace("/", " ")
    until = f" until {ends[held[0].rung]}" if held[0].rung in ends else ""
    more = f" and {len(held) - 1} more" if len(held) > 1 else ""
    return f"hold {first}{more} open{until if not more else ''}"


def _rent(plan: Plan, detail: int) -> str:
    rented = [a for a in plan.actions if a.verb == "rent"]
    if not rented:
        return "rent no accelerators"
    first = min(a.quarter for a in rented)
    count = sum(a.amount for a in rented if a.quarter == first)
    kinds = " and ".join(dict.fromkeys(a.rung.replace("_", " ") for a in rented))
    whom = f" ({kinds})" if detail == 2 else ""
    return f"rent {amount_words(count, 2)} accelerators{whom} {_when(first, _first_quarter(plan))}"


def _when(quarter: str, now: str) -> str:
    return "now" if quarter == now else f"from {quarter}"


def _first_quarter(plan: Plan) -> str:
    return min((a.quarter for a in plan.actions), default="")


def amount_words(amount: float, digits: int = 0) -> str:
    """Write MW or a count with thousands commas, rounded to some significant digits if asked."""
    if digits and amount >= 10:
        amount = float(f"{amount:.{digits}g}")
    return f"{amount:,.0f}" if amount >= 10 else significant(amount, 2)


def _at(risk: Risk, name: str, values: np.ndarray) -> float:
    return float(values[risk.plans.index(name)]) if name in risk.plans else math.nan


def market_rent_of(study: Study) -> list[dict[str, Any]]:
    """Each plan after tax if its work earned the market's rent, best first: this order may differ from the card's."""
    ranked = sorted(study.finance.metrics, key=lambda m: -m.expected_npv_usd)
    return [
        {
            "plan": m.plan,
            "words": plan_words("plan_responding" if m.plan == "plan" else m.plan),
            "npv_usd": m.expected_npv_usd,
            "npv": usd(m.expected_npv_usd),
            "break_even_rent_factor": m.break_even_rent_factor if math.isfinite(m.break_even_rent_factor) else None,
        }
        for m in ranked
    ]


def alternatives_of(risk: Risk) -> list[dict[str, Any]]:
    """Each plan with its value, how often it wins, and its regret."""
    return [
        {
            "plan": name,
            "words": plan_words(name),
            "mean_npv_usd": float(risk.plan_mean_npv_usd[i]),
            "p5_npv_usd": float(risk.plan_p5_npv_usd[i]),
            "p95_npv_usd": float(risk.plan_p95_npv_usd[i]),
            "cvar5_npv_usd": float(risk.plan_cvar5_npv_usd[i]),
            "win_frac": float(risk.plan_win_frac[i]),
            "p95_regret_usd": float(risk.plan_p95_regret_usd[i]),
        }
        for i, name in enumerate(risk.plans)
    ]


def options_of(plan: Plan) -> list[dict[str, Any]]:
    """Rungs held open: first use, last use, expected size."""
    ends = {a.rung: a for a in plan.actions if a.verb == "expire" and a.amount > 0}
    return [
        {
            "rung": a.rung,
            "first_quarter": a.quarter,
            "last_quarter": ends[a.rung].quarter if a.rung in ends else "",
            "expected_it_mw": a.amount,
            "sentence": a.sentence,
        }
        for a in plan.actions
        if a.verb == "hold"
    ]


def numbers_of(study: Study, risk: Risk) -> dict[str, float]:
    """Flat headline numbers; what is not finite is left out."""
    plan, finance, impact = study.plan, study.finance, study.impact
    tree = study.demand.tree
    live = plan.chosen.node_hall_live_it_mw.sum(axis=1) * tree.node_probability
    by_quarter = np.bincount(tree.node_quarter, weights=live, minlength=len(tree.quarters))
    me = "plan_responding"
    numbers = {
        "plan_mean_npv_usd": _at(risk, me, risk.plan_mean_npv_usd),
        "plan_p5_npv_usd": _at(risk, me, risk.plan_p5_npv_usd),
        "plan_p95_npv_usd": _at(risk, me, risk.plan_p95_npv_usd),
        "plan_cvar5_npv_usd": _at(risk, me, risk.plan_cvar5_npv_usd),
        "next_best_mean_npv_usd": _at(risk, risk.next_best, risk.plan_mean_npv_usd),
        "lead_mean_usd": risk.lead_mean_usd,
        "lead_p5_usd": risk.lead_p5_usd,
        "lead_p95_usd": risk.lead_p95_usd,
        "plan_win_frac": _at(risk, me, risk.plan_win_frac),
        "plan_p95_regret_usd": _at(risk, me, risk.plan_p95_regret_usd),
        "plan_worst_regret_usd": risk.regret.worst_usd if risk.regret else math.nan,
        "plan_expected_regret_usd": risk.regret.expected_usd if risk.regret else math.nan,
        "plan_worst_pure_regret_usd": risk.regret.worst_pure_usd if risk.regret else math.nan,
        "expected_npv_usd": plan.chosen.expected_npv_usd,
        **{f"expected_npv_usd.{b.name}": b.expected_npv_usd for b in plan.baselines},
        "irrevocable_usd": plan.irrevocable_usd,
        "expected_upfront_usd": float(plan.chosen.node_upfront_usd @ tree.node_probability),
        "peak_hall_it_mw": float(by_quarter.max(initial=0.0)),
        "usd_per_gpu_h": finance.usd_per_gpu_h,
        "usd_per_goodput_gpu_h": finance.usd_per_goodput_gpu_h,
        "usd_per_mtok": finance.usd_per_mtok,
        "energy_mwh": float(impact.quarterly_energy_mwh.sum()),
        "location_kg_co2": float(impact.quarterly_location_kg_co2.sum()),
        "embodied_kg_co2": impact.embodied_kg_co2,
        "kg_co2_per_mtok": impact.kg_co2_per_mtok,
        "site_water_m3": float(impact.quarterly_site_water_m3.sum()),
        "peak_construction_jobs": float(impact.quarterly_construction_jobs.max(initial=0.0)),
        "peak_permanent_jobs": float(impact.quarterly_permanent_jobs.max(initial=0.0)),
    }
    if finance.metrics:
        chosen = finance.metrics[0]
        numbers |= {
            "npv_at_market_rent_usd": chosen.expected_npv_usd,
            **{f"npv_at_market_rent_usd.{m.plan}": m.expected_npv_usd for m in finance.metrics[1:]},
            "debt_usd": chosen.debt_usd,
            "gearing_frac": chosen.gearing_frac,
            "base_min_dscr": float(chosen.leaf_min_dscr[finance.base_leaf]),
            "base_llcr": float(chosen.leaf_llcr[finance.base_leaf]),
            "break_even_rent_factor": chosen.break_even_rent_factor,
            "break_even_utilisation_frac": chosen.break_even_utilisation_frac,
        }
    if plan.measures is not None:
        m = plan.measures
        numbers |= {
            "evpi_usd": m.evpi_usd,
            "vss_usd": m.vss_usd,
            "tail_npv_usd": float(m.strategy_cvar_usd[0]),
            "later_start_usd": m.later_start_usd,
        }
    return {name: float(value) for name, value in numbers.items() if math.isfinite(value)}
