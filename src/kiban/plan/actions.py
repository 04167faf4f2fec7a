"""What the solution says to do now, in words: actions, and the options that it holds open."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kiban.plan.inputs import PlanInputs
from kiban.plan.money import remaining_rent
from kiban.results import Action, PlanOutcome
from kiban.units import HOURS_PER_QUARTER

Array = NDArray[np.float64]

NEAR_QUARTERS = 4
"""Actions are shown for this many quarters, as long as the futures have not parted."""
LEAST_MW = 0.01
LEAST_ACCELERATORS = 1.0


def trunk(inputs: PlanInputs) -> list[int]:
    """Nodes of the first quarters before the futures part."""
    quarter = inputs.case.quarter
    alone = np.bincount(quarter) == 1
    nodes = []
    for q in range(min(NEAR_QUARTERS, len(alone))):
        if not alone[q]:
            break
        nodes.append(int(np.flatnonzero(quarter == q)[0]))
    return nodes


def list_actions(inputs: PlanInputs, outcome: PlanOutcome) -> tuple[Action, ...]:
    """Return the near actions, then what is held open and until when."""
    near = trunk(inputs)
    actions: list[Action] = []
    for node in near:
        when = inputs.quarters[node]
        actions += _halls(inputs, outcome, node, when)
        actions += _silicon(inputs, outcome, node, when)
    return (*actions, *_options(inputs, outcome, near))


def _halls(inputs: PlanInputs, outcome: PlanOutcome, node: int, when: str) -> list[Action]:
    out = []
    for k, rung in enumerate(inputs.rungs):
        mw = float(outcome.node_hall_start_it_mw[node, k])
        if mw < LEAST_MW:
            continue
        ready = _quarter_name(inputs, int(inputs.case.quarter[node]) + rung.lead_time_quarters)
        if rung.kind == "owned":
            cost = usd_words(mw * rung.capex_usd_per_kw * 1e3)
            words = (
                f"Start {amount_words(mw)} MW of own halls at {rung.site} in {when} for {cost}, with power in {ready}."
            )
            out.append(Action("start", rung.name, mw, "MW", when, words))
        else:
            years, rent, kind = rung.term_quarters / 4, rung.rent_usd_per_kw_month, rung.kind.replace("_", " ")
            words = (
                f"Sign {amount_words(mw)} MW at {rung.site} as {kind} in {when}: {years:.0f} years at "
                f"{rent:,.0f} USD per kW and month, with power in {ready}."
            )
            out.append(Action("sign", rung.name, mw, "MW", when, words))
    return out


def _silicon(inputs: PlanInputs, outcome: PlanOutcome, node: int, when: str) -> list[Action]:
    out, case = [], inputs.case
    for pool, (area, chip) in enumerate(zip(case.pools.area, case.pools.chip, strict=True)):
        rungs = case.halls.rung[case.hall_area == area]
        by_rung = outcome.node_silicon_buy[node, rungs, chip]
        count = float(by_rung.sum())
        if count < LEAST_ACCELERATORS:
            continue
        rung = inputs.rungs[rungs[int(by_rung.argmax())]]
        name = inputs.accelerators[chip]
        usd = count * case.pools.price_usd[pool] * case.market.gpu_price_factor[node]
        where = _site_words([inputs.rungs[k].site for k in rungs], by_rung)
        words = f"Order {count:,.0f} {name} for {where} in {when} for {usd_words(usd)}."
        out.append(Action("order", rung.name, count, "accelerators", when, words))
    for rent, (k, chip) in enumerate(zip(case.rents.rung, case.rents.chip, strict=True)):
        count = float(outcome.node_rent_sign[node, k, chip])
        if count < LEAST_ACCELERATORS:
            continue
        usd_per_h = case.rents.price_usd_per_quarter[rent] * case.market.rent_factor[node] / HOURS_PER_QUARTER
        rung = inputs.rungs[k]
        term = "a quarter" if rung.term_quarters == 1 else f"{rung.term_quarters / 4:g} years"
        words = (
            f"Rent {count:,.0f} {inputs.accelerators[chip]} from {'a' if rung.kind == 'neocloud' else 'the'} "
            f"{rung.kind} in {when} for {term} at {usd_per_h:.2f} USD per accelerator-hour."
        )
        out.append(Action("rent", rung.name, count, "accelerators", when, words))
    return out


def _site_words(sites: list[str], amount: Array) -> str:
    """The sites that take at least a hundredth of an order, largest first."""
    by_site: dict[str, float] = {}
    for site, part in zip(sites, amount.tolist(), strict=True):
        by_site[site] = by_site.get(site, 0.0) + part
    large = sorted((s for s, v in by_site.items() if v >= 0.01 * sum(by_site.values())), key=lambda s: -by_site[s])
    if len(large) > 3:
        return f"{large[0]} and {len(large) - 1} other sites"
    return " and ".join(large)


def _options(inputs: PlanInputs, outcome: PlanOutcome, near: list[int]) -> list[Action]:
    """Hall rungs that are not used yet: hold where some future starts them later, let go where none does."""
    case, out = inputs.case, []
    for hall, k in enumerate(case.halls.rung):
        starts = outcome.node_hall_start_it_mw[:, k]
        if not case.halls.open[hall].any() or starts[near].max(initial=0.0) >= LEAST_MW:
            continue
        rung = inputs.rungs[k]
        later = np.flatnonzero(starts >= LEAST_MW)
        if not len(later):
            words = f"No future starts {rung.name}: an option on it is worth nothing."
            out.append(Action("expire", rung.name, 0.0, "MW", inputs.quarters[0], words))
            continue
        expected = float(case.probability @ starts)
        first, last = (inputs.quarters[q] for q in (case.quarter[later].min(), case.quarter[later].max()))
        chance = _chance(case.parent, case.probability, starts >= LEAST_MW)
        words = (
            f"Hold {rung.name} open: {chance:.0%} of futures start it, first in {first}; "
            f"{amount_words(expected)} MW expected."
        )
        out.append(Action("hold", rung.name, expected, "MW", first, words))
        words = f"The option on {rung.name} expires after {last}: no future starts it later."
        out.append(Action("expire", rung.name, expected, "MW", last, words))
    return out


def _chance(parent: NDArray[np.int64], probability: Array, used: NDArray[np.bool_]) -> float:
    """Chance that a history passes through at least one of the marked nodes."""
    seen, first = used.copy(), 0.0
    for node, above in enumerate(parent):
        before = above >= 0 and seen[above]
        if used[node] and not before:
            first += float(probability[node])
        seen[node] = bool(used[node] or before)
    return first


def irrevocable_usd(inputs: PlanInputs, outcome: PlanOutcome) -> float:
    """Present value of what the actions of the first quarter commit: construction, silicon, rent to the end of term.

    Rent counts in full to the end of the term, without anybody to re-let to; rented accelerators by their
    take-or-pay share.
    """
    case, halls, rents = inputs.case, inputs.case.halls, inputs.case.rents
    rate = case.discount_frac_per_year
    total = 0.0
    for hall, k in enumerate(halls.rung):
        mw = float(outcome.node_hall_start_it_mw[0, k])
        lead = int(halls.lead_quarters[hall])
        spread = np.mean((1 + rate) ** (-np.arange(max(lead, 1)) / 4))
        live = (1 + rate) ** (-(lead - 1) / 4)
        rent = remaining_rent(rate, float(halls.escalation_per_year[hall]), 0, int(halls.term_quarters[hall]))
        total += mw * (halls.capex_usd_per_mw[hall] * spread + halls.rent_usd_per_mw_quarter[hall] * rent * live)
    for pool, (area, chip) in enumerate(zip(case.pools.area, case.pools.chip, strict=True)):
        rungs = case.halls.rung[case.hall_area == area]
        count = float(outcome.node_silicon_buy[0, rungs, chip].sum())
        total += count * float(case.pools.price_usd[pool] * case.market.gpu_price_factor[0])
    for rent_at, (k, chip) in enumerate(zip(rents.rung, rents.chip, strict=True)):
        lead = int(rents.lead_quarters[rent_at])
        quarters = remaining_rent(rate, 1 / (1 + case.inflation_frac_per_year), 0, int(rents.term_quarters[rent_at]))
        usd = rents.price_usd_per_quarter[rent_at] * case.market.rent_factor[0] * rents.take_or_pay_frac[rent_at]
        total += float(outcome.node_rent_sign[0, k, chip]) * usd * quarters * (1 + rate) ** (-(lead - 1) / 4)
    return float(total)


def _quarter_name(inputs: PlanInputs, quarter: int) -> str:
    return inputs.quarters[min(quarter, len(inputs.quarters) - 1)]


def amount_words(amount: float) -> str:
    """A quantity with as many digits as it deserves."""
    return f"{amount:,.0f}" if amount >= 10 else f"{amount:.2g}"


def usd_words(usd: float) -> str:
    """Money in words of its size."""
    for size, word in ((1e9, "bn"), (1e6, "million"), (1e3, "thousand")):
        if abs(usd) >= size:
            return f"{usd / size:,.2f} {word} USD"
    return f"{usd:,.0f} USD"
