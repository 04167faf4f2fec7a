"""Where each dollar of the plan goes: programme, line, industry, and what stays there as gross margin."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kiban.impact.inputs import LINE_NAMES, PROGRAMME, ImpactInputs
from kiban.impact.model import split
from kiban.results import Fleet, MoneyFlow, Plan

Array = NDArray[np.float64]

MARGIN, INPUTS = "gross margin", "wages, materials and further suppliers"


def present_value_by_line(plan: Plan, fleet: Fleet, probability: Array) -> dict[str, float]:
    """Expected present value of each cost line in USD; silicon divided into server and network.

    Residual value is a receipt, not a payment, and is left out.
    """
    outcome = plan.chosen
    weight = probability * plan.node_discount_factor
    by_line = np.einsum("n,nkc->c", weight, outcome.node_rung_cost_usd)
    totals = dict(zip(outcome.cost_lines, (float(v) for v in by_line), strict=True))
    bought = np.einsum("n,nkg->g", weight, outcome.node_silicon_buy)
    network = float(bought @ _of(plan, fleet, fleet.accelerator_network_usd_per_gpu))
    server = float(bought @ _of(plan, fleet, fleet.accelerator_server_usd_per_gpu))
    network_frac = network / (network + server) if network + server > 0 else 0.0
    silicon = totals.get("silicon_capex", 0.0)
    known = ("hall_capex", "hall_rent", "accelerator_rent", "energy", "operation")
    rest = sum(v for name, v in totals.items() if name not in (*known, "silicon_capex", "residual_value"))
    return {
        "silicon_server": silicon * (1 - network_frac),
        "silicon_network": silicon * network_frac,
        **{name: totals.get(name, 0.0) for name in known},
        "other": max(rest, 0.0),
    }


def money_map(line_usd: dict[str, float], inputs: ImpactInputs) -> tuple[MoneyFlow, ...]:
    """Arrows programme -> line -> industry -> margin or inputs; every inner node passes on what it receives."""
    flows: list[MoneyFlow] = []
    received: dict[str, float] = {}
    for line, usd in line_usd.items():
        if usd <= 0:
            continue
        flows.append(MoneyFlow(PROGRAMME, LINE_NAMES[line], usd))
        for industry, part in split(usd, inputs.industry_shares[line]).items():
            if part > 0:
                flows.append(MoneyFlow(LINE_NAMES[line], industry, part))
                received[industry] = received.get(industry, 0.0) + part
    for industry, usd in received.items():
        margin = inputs.margin_frac.get(industry)
        if margin is not None:
            flows.append(MoneyFlow(industry, MARGIN, usd * margin))
            flows.append(MoneyFlow(industry, INPUTS, usd * (1 - margin)))
    return tuple(flows)


def local_share_by_site(plan: Plan, fleet: Fleet, inputs: ImpactInputs, probability: Array, sites: int) -> Array:
    """Share of the present value spent at each site that stays in its region, (S,)."""
    outcome = plan.chosen
    weight = probability * plan.node_discount_factor
    by_rung = np.einsum("n,nkc->kc", weight, outcome.node_rung_cost_usd)
    local = np.zeros(sites)
    total = np.zeros(sites)
    for c, line in enumerate(outcome.cost_lines):
        if line == "residual_value":
            continue
        key = "silicon_server" if line == "silicon_capex" else line
        share = inputs.local_frac.get(key, inputs.local_frac["other"])
        for k, s in enumerate(inputs.site_index):
            if s >= 0:
                total[s] += max(by_rung[k, c], 0.0)
                local[s] += max(by_rung[k, c], 0.0) * share
    return np.divide(local, total, out=np.zeros(sites), where=total > 0)


def _of(plan: Plan, fleet: Fleet, values: Array) -> Array:
    return np.nan_to_num(np.array([values[fleet.accelerators.index(name)] for name in plan.accelerators]))
