"""Sense between fields: one function per way to be wrong, each fed with the valid part of a scenario.

Every check takes the plain data of a scenario in which invalid values are missing, and yields
(path, message, details); it says nothing about values that are not there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kiban.scenario.hall_part import keys_without_effect, phases_that_do_not_fit
from kiban.scenario.problems import shorten
from kiban.scenario.schema import whole_problems
from kiban.units import Quarter

Data = dict[str, Any]
Path = tuple[str | int, ...]
Finding = tuple[Path, str, dict[str, str]]

QUARTERS_BEFORE_START = 40
"""A signed block older than ten years at the start is a slip of the pen."""

SMALLEST_SITE_IT_MW = 0.1

MONTHS_PER_QUARTER = 3


NO_LIMIT = 10**9


def _numbers(data: Data, section: str, *keys: str) -> list[Any] | None:
    found = [data.get(section, {}).get(key) for key in keys]
    return None if any(value is None for value in found) else found


def whole(data: Data) -> Iterator[Finding]:
    """What the schema itself asks of the whole, repeated here because one bad field elsewhere hides it there."""
    names = [s.get("name") for s in data.get("sites", [])]
    clouds = _numbers(data, "ladder", "cloud", "neocloud")
    branches = _numbers(data, "futures", "branch_quarters")
    length = _numbers(data, "horizon", "length_quarters")
    found = whole_problems(
        [n for n in names if n],
        any(clouds) if clouds else True,
        [b for b in branches[0] if isinstance(b, int)] if branches else [],
        length[0] if length else NO_LIMIT,
    )
    for path, message in found:
        yield tuple(path.split(".")), message, {}


def quarters_inside_horizon(data: Data) -> Iterator[Finding]:
    """Signed and grid quarters must lie where the model can see them."""
    horizon = _numbers(data, "horizon", "start_quarter", "length_quarters")
    if horizon is None:
        return
    start = Quarter.parse(horizon[0])
    end = start + horizon[1]
    allowed = f"up to {end + -1}, the last quarter of the horizon"
    for i, site in enumerate(data.get("sites", [])):
        for j, block in enumerate(site.get("committed") or []):
            path: Path = ("sites", i, "committed", j, "quarter")
            text = block.get("quarter")
            if text is None:
                continue
            quarter = Quarter.parse(text)
            if quarter >= end:
                yield path, "quarter lies after the horizon", {"found": text, "allowed": allowed}
            elif start - quarter > QUARTERS_BEFORE_START:
                yield path, "quarter lies more than ten years before the start", {"found": text}
        ready = site.get("grid_ready_quarter")
        if ready and Quarter.parse(ready) >= end:
            message = "grid_ready_quarter lies after the horizon; set max_it_mw to the signed MW instead"
            yield ("sites", i, "grid_ready_quarter"), message, {"found": ready, "allowed": allowed}


def unreachable_sites(data: Data) -> Iterator[Finding]:
    """A site on which nothing can ever stand, or less than a rack."""
    for i, site in enumerate(data.get("sites", [])):
        limit = site.get("max_it_mw")
        if limit is not None and 0 < limit < SMALLEST_SITE_IT_MW:
            message = f"max_it_mw is less than one rack; looks like GW: write {limit * 1000:g}"
            yield ("sites", i, "max_it_mw"), message, {"found": shorten(limit)}
        if limit == 0:
            yield ("sites", i, "max_it_mw"), "max_it_mw is 0: the site can hold nothing; leave it out", {"found": "0"}


def budget_against_orders(data: Data) -> Iterator[Finding]:
    """Silicon that is ordered must be payable, and something must be affordable."""
    budget = _numbers(data, "ladder", "budget_usd")
    if budget is None:
        return
    if budget[0] == 0:
        ordered = [
            (i, j)
            for i, site in enumerate(data.get("sites", []))
            for j, block in enumerate(site.get("committed") or [])
            if block.get("accelerator")
        ]
        for i, j in ordered:
            message = "accelerator is ordered and must be paid on delivery, but ladder.budget_usd is 0"
            yield ("sites", i, "committed", j, "accelerator"), message, {}
        clouds = _numbers(data, "ladder", "cloud", "neocloud")
        if clouds and not any(clouds):
            message = "budget_usd is 0 and cloud and neocloud are closed: no accelerator can be had"
            yield ("ladder", "budget_usd"), message, {"found": "0"}
    elif budget[0] < 10_000:
        hint = f"budget_usd looks like billions or millions: write {budget[0]:g}e9 or {budget[0]:g}e6"
        yield ("ladder", "budget_usd"), hint, {"found": shorten(budget[0]), "allowed": "0, or 10,000 USD and more"}


def revenue_in_dollars(data: Data) -> Iterator[Finding]:
    """Revenue in billions is the most frequent slip."""
    revenue = data.get("demand", {}).get("run_rate_revenue_usd_per_year")
    value = revenue.get("value") if isinstance(revenue, dict) else None
    if value is not None and 0 < value < 10_000:
        message = f"run_rate_revenue_usd_per_year looks like billions or millions: write {value:g}e9 or {value:g}e6"
        yield ("demand", "run_rate_revenue_usd_per_year", "value"), message, {"found": shorten(value)}


def covenant_below_target(data: Data) -> Iterator[Finding]:
    """Debt sculpted below the covenant is in breach on the first day."""
    pair = _numbers(data, "finance", "covenant_dscr", "target_dscr")
    if pair and pair[0] > pair[1]:
        message = "covenant_dscr is above target_dscr: the debt would breach at once"
        yield ("finance", "covenant_dscr"), message, {"found": shorten(pair[0]), "allowed": f"at most {pair[1]:g}"}


def repeats(data: Data) -> Iterator[Finding]:
    """Lists of names in which a name stands twice."""
    lists: list[tuple[Path, list[Any]]] = [
        (("ladder", key), data.get("ladder", {}).get(key) or []) for key in ("accelerators", "cloud_accelerators")
    ]
    lists += [(("sites", i, "rungs"), site.get("rungs") or []) for i, site in enumerate(data.get("sites", []))]
    lists.append((("demand", "regions"), [r.get("name") for r in data.get("demand", {}).get("regions") or []]))
    lists.append((("overrides",), [o.get("key") for o in data.get("overrides") or []]))
    for path, names in lists:
        twice = sorted({n for n in names if isinstance(n, str) and names.count(n) > 1})
        if twice:
            yield path, f"{path[-1]} repeats {', '.join(twice)}", {}


def power_before_lease(data: Data) -> Iterator[Finding]:
    """A hall that is signed for a quarter in which the grid does not connect it yet would pay rent in the dark."""
    horizon = _numbers(data, "horizon", "start_quarter", "length_quarters")
    if horizon is None:
        return
    start = Quarter.parse(horizon[0])
    end = start + horizon[1]
    for i, site in enumerate(data.get("sites", [])):
        steps = [s for s in site.get("grid_steps") or [] if s.get("quarter") and s.get("it_mw")]
        blocks = [(j, b) for j, b in enumerate(site.get("committed") or []) if b.get("quarter") and b.get("it_mw")]
        for k, step in enumerate(steps):
            if Quarter.parse(step["quarter"]) >= end:
                message = "grid step lies after the horizon; leave it out"
                yield ("sites", i, "grid_steps", k, "quarter"), message, {"found": step["quarter"]}
        for j, block in blocks if steps else ():
            quarter = Quarter.parse(block["quarter"])
            at = max(quarter, start)
            signed = sum(b["it_mw"] for _, b in blocks if Quarter.parse(b["quarter"]) <= quarter)
            connected = sum(s["it_mw"] for s in steps if Quarter.parse(s["quarter"]) <= at)
            if signed > connected + 1e-9:
                message = (
                    f"the lease starts before its site has power: {signed:g} IT MW are signed by {block['quarter']}, "
                    f"the grid connects {connected:g} by then"
                )
                allowed = f"at most {connected:g} IT MW by {block['quarter']}, or earlier grid_steps"
                yield ("sites", i, "committed", j), message, {"found": shorten(signed), "allowed": allowed}


def money_in_rounds(data: Data) -> Iterator[Finding]:
    """Rounds are parts of the budget and come in within the horizon."""
    ladder = data.get("ladder", {})
    budget = ladder.get("budget_usd")
    rounds = [r for r in ladder.get("funding_rounds") or [] if r.get("usd") is not None]
    total = sum(r["usd"] for r in rounds)
    if budget is not None and total > budget:
        message = f"funding_rounds sum to {total:g} USD, more than budget_usd"
        yield ("ladder", "funding_rounds"), message, {"found": shorten(total), "allowed": f"at most {budget:g}"}
    horizon = _numbers(data, "horizon", "start_quarter", "length_quarters")
    if horizon is None:
        return
    end = Quarter.parse(horizon[0]) + horizon[1]
    for k, one in enumerate(ladder.get("funding_rounds") or []):
        if one.get("quarter") and Quarter.parse(one["quarter"]) >= end:
            message = "this money comes in after the horizon; leave the round out and lower budget_usd"
            yield ("ladder", "funding_rounds", k, "quarter"), message, {"found": one["quarter"]}


def drafts_without_acceptance(data: Data) -> Iterator[Finding]:
    """Drafted tokens and the chance that they are accepted go together: one alone changes nothing, or only costs."""
    work = data.get("workload", {})
    tokens, accepted = work.get("draft_tok") or 0, work.get("draft_accept_frac") or 0
    if tokens and not accepted:
        message = "drafted tokens that are never accepted only cost time"
        yield ("workload", "draft_accept_frac"), message, {"found": "0", "allowed": "above 0 beside draft_tok"}
    if accepted and not tokens:
        message = "nothing is drafted that could be accepted"
        yield ("workload", "draft_tok"), message, {"found": "0", "allowed": "1 to 16 beside draft_accept_frac"}


def halls_as_named(data: Data) -> Iterator[Finding]:
    """Keys that change nothing about a hall, and phases that start when nobody looks any more."""
    length = _numbers(data, "horizon", "length_quarters")
    for i, site in enumerate(data.get("sites", [])):
        for key, message, details in keys_without_effect(site):
            yield ("sites", i, key), message, details
        months = MONTHS_PER_QUARTER * length[0] if length else NO_LIMIT
        phases = (site.get("construction") or {}).get("phases") or []
        signed = [c.get("it_mw") or 0.0 for c in site.get("committed") or []]
        for message in phases_that_do_not_fit(
            site.get("max_it_mw") or NO_LIMIT, signed, [p.get("it_mw") or 0.0 for p in phases]
        ):
            yield ("sites", i, "construction"), message, {}
        for k, phase in enumerate(phases):
            if phase.get("start_month") is not None and phase["start_month"] >= months:
                path: Path = ("sites", i, "construction", "phases", k, "start_month")
                details = {"found": shorten(phase["start_month"]), "allowed": f"less than {months}"}
                yield path, "the phase starts after the horizon; leave it out", details


CHECKS = (
    whole,
    quarters_inside_horizon,
    unreachable_sites,
    budget_against_orders,
    revenue_in_dollars,
    covenant_below_target,
    power_before_lease,
    money_in_rounds,
    drafts_without_acceptance,
    repeats,
    halls_as_named,
)
