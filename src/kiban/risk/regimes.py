"""The bubble page: named futures, what the plan needs there, and what is lost by layer if it stops in the trough."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kiban.catalog import Catalog
from kiban.finance.transfer import market_value_usd, relative_speed
from kiban.results import Gauge, Plan, Regime, Site, Study
from kiban.risk.exposure import Exposure
from kiban.units import HOURS_PER_QUARTER

Array = NDArray[np.float64]

LAYERS = ("power and grid", "shell and plant", "network", "silicon", "leases")
STOP_QUARTERS = 16
"""The trough: four years in, when the second wave of halls is paid and the first chips are old."""


def regimes_of(catalog: Catalog, study: Study, exposures: Sequence[Exposure]) -> tuple[Regime, ...]:
    """One regime per named future that persists to the end (boom to boom, ...), worst recovery in the worst one."""
    plan = study.plan
    names = [name.split("/") for name in plan.leaf_name]
    chosen, rivals = exposures[0], exposures[1:]
    out = []
    for leaf, parts in enumerate(names):
        if len(set(parts)) > 1:
            continue
        same = [i for i, other in enumerate(names) if other[0] == parts[0]]
        best = max(rivals, key=lambda e: e.base_npv_usd[leaf]) if rivals else chosen
        needed, market = _needed_and_market_rent(chosen, study, leaf)
        loss = _loss_by_layer(catalog, study, leaf, _harshness(plan, leaf))
        debt = study.finance.metrics[0].leaf_debt_unpaid_frac[leaf]
        out.append(
            Regime(
                name=parts[0],
                probability=float(plan.leaf_probability[same].sum()),
                npv_usd=float(chosen.base_npv_usd[leaf]),
                best_baseline=best.name,
                best_baseline_npv_usd=float(best.base_npv_usd[leaf]),
                needed_rent_usd_per_gpu_h=needed,
                observed_rent_usd_per_gpu_h=market,
                utilisation_frac=_utilisation(chosen, leaf),
                layers=LAYERS,
                layer_loss_usd=loss,
                bearer=_bearers(plan),
                debt_paid_frac=float(1 - np.nan_to_num(debt)),
            )
        )
    return tuple(out)


def _needed_and_market_rent(exposure: Exposure, study: Study, leaf: int) -> tuple[float, float]:
    """Rent per hour of the first type's work that pays for the plan in a history, and the market's mean rent there.

    Both are present values over the present value of work, so a newer type counts by what it does. The market's price
    of work is finance's transfer price.
    """
    plan, demand, fleet = study.plan, study.demand, study.fleet
    nodes = plan.leaf_path[leaf]
    discount = plan.node_discount_factor[nodes]
    cost = (
        exposure.fixed_usd[leaf]
        + exposure.delayed_usd[leaf]
        + exposure.energy_usd[leaf]
        + exposure.silicon_usd[leaf]
        + exposure.rent_usd[leaf]
    )
    speed = relative_speed(fleet)[[fleet.accelerators.index(name) for name in plan.accelerators]]
    working = plan.chosen.node_training_accelerators + plan.chosen.node_inference_accelerators
    work_h = float(working[nodes].sum(axis=1) @ speed @ discount) * HOURS_PER_QUARTER
    if work_h <= 0:
        return float("nan"), float("nan")
    market = market_value_usd(plan.chosen, plan, demand, fleet)[nodes] @ discount
    return float(cost @ discount) / work_h, float(market) / work_h


def _utilisation(exposure: Exposure, leaf: int) -> float:
    hours = float(exposure.gpu_h[leaf].sum())
    return float(exposure.used_gpu_h[leaf].sum()) / hours if hours > 0 else 0.0


def _harshness(plan: Plan, leaf: int) -> float:
    """0 in the best leaf by NPV, 1 in the worst: where in the published range the recovery lies."""
    value = (plan.chosen.node_value_usd * plan.node_discount_factor)[plan.leaf_path].sum(axis=1)
    order = np.argsort(np.argsort(-value))
    return float(order[leaf]) / max(len(value) - 1, 1)


def _recovery(catalog: Catalog, layer: str, harsh: float) -> float:
    low, _, high = catalog.range(f"precedent.layer_recovery_frac.{layer}")
    return high + (low - high) * harsh


def _loss_by_layer(catalog: Catalog, study: Study, leaf: int, harsh: float) -> Array:
    plan, outcome = study.plan, study.plan.chosen
    stop = min(STOP_QUARTERS, plan.leaf_path.shape[1] - 1)
    nodes = plan.leaf_path[leaf, : stop + 1]
    cost = outcome.node_rung_cost_usd[nodes].sum(axis=0)
    line = {name: cost[:, c] for c, name in enumerate(outcome.cost_lines)}
    grid = _grid_share(study.site, plan)
    power = float((line["hall_capex"] * grid).sum())
    shell = float((line["hall_capex"] * (1 - grid)).sum())
    bought = outcome.node_silicon_buy[nodes].sum(axis=1)
    order = [study.fleet.accelerators.index(name) for name in plan.accelerators]
    network = float(bought.sum(axis=0) @ np.nan_to_num(study.fleet.accelerator_network_usd_per_gpu[order]))
    silicon = max(float(line["silicon_capex"].sum()) - network, 0.0)
    young = _young_share(bought, stop)
    kept = young * _recovery(catalog, "silicon_new", harsh) + (1 - young) * _recovery(catalog, "silicon_old", harsh)
    leases = _lease_tail(plan, leaf, stop) * (1 - _recovery(catalog, "shell_and_mep", harsh))
    return np.array(
        [
            power * (1 - _recovery(catalog, "power_and_grid", harsh)),
            shell * (1 - _recovery(catalog, "shell_and_mep", harsh)),
            network * (1 - _recovery(catalog, "network_fibre", harsh)),
            silicon * (1 - kept),
            leases,
        ]
    )


def _grid_share(site: Site, plan: Plan) -> Array:
    power = np.array(["land" in name or "utility" in name for name in site.construction_lines])
    share = np.zeros(len(plan.rungs))
    for k, rung in enumerate(plan.rungs):
        if rung.site and rung.capex_usd_per_kw > 0:
            lines = site.site_construction_usd_per_kw[site.sites.index(rung.site)]
            share[k] = float(lines[power].sum() / lines.sum())
    return share


def _young_share(bought: Array, stop: int) -> float:
    by_quarter = bought.sum(axis=1)
    total = float(by_quarter.sum())
    return float(by_quarter[max(stop - 7, 0) :].sum()) / total if total > 0 else 0.0


def _lease_tail(plan: Plan, leaf: int, stop: int) -> float:
    """Rent still due after the trough on halls that are live then, at half of the term on average."""
    live = plan.chosen.node_hall_live_it_mw[plan.leaf_path[leaf, stop]]
    tail = 0.0
    for k, rung in enumerate(plan.rungs):
        if rung.rent_usd_per_kw_month > 0:
            months = max(rung.term_quarters - stop / 2, 0) * 3
            tail += live[k] * 1e3 * rung.rent_usd_per_kw_month * months * rung.take_or_pay_frac
    return float(tail)


def _bearers(plan: Plan) -> tuple[str, ...]:
    owned = any(r.capex_usd_per_kw > 0 for r in plan.rungs)
    shell = "sponsor, then its lender" if owned else "landlord, then its lender"
    return (
        "grid company and landlord" if not owned else "sponsor; the grid company re-lets the connection",
        shell,
        "sponsor",
        "sponsor, then the lender to the chips",
        "tenant, then the guarantor of the lease, then the landlord",
    )


def gauges_of(catalog: Catalog, study: Study) -> tuple[Gauge, ...]:
    """Indicators of glut today beside fibre after 2001 and mining in 2022."""

    def rent_change(first: str, last: str) -> float:
        key = "price_history.market.h100.{}_usd_per_gpu_h"
        return catalog.value(key.format(last)) / catalog.value(key.format(first)) - 1

    capex = catalog.value("demand.hyperscaler_capex_usd_bn.2025_q4")
    capex_before = catalog.value("demand.hyperscaler_capex_usd_bn.2025_q1")
    nan = float("nan")
    used = _first_year_use(study)
    return (
        Gauge(
            "capacity in use",
            used,
            catalog.value("precedent.fibre.lit_share_frac.2004"),
            nan,
            "share",
            "Share of the plan's accelerators at work in its first two years; fibre: share of strands lit in 2004",
            ("precedent.fibre.lit_share_frac.2004",),
        ),
        Gauge(
            "price of the asset's output",
            rent_change("2024-01", "2026-06"),
            catalog.value("precedent.fibre.lease_price_change_frac.four_years_to_2004"),
            catalog.value("precedent.crypto_2022.asic_price_change_frac.new_below_38_j_per_th"),
            "change",
            "H100 rent January 2024 to June 2026; fibre: lease price over four years; mining: price of new machines",
            (
                "price_history.market.h100.2024-01_usd_per_gpu_h",
                "price_history.market.h100.2026-06_usd_per_gpu_h",
                "precedent.fibre.lease_price_change_frac.four_years_to_2004",
                "precedent.crypto_2022.asic_price_change_frac.new_below_38_j_per_th",
            ),
        ),
        Gauge(
            "price of the asset's output, last nine months",
            rent_change("2025-10", "2026-06"),
            nan,
            nan,
            "change",
            "H100 rent October 2025 to June 2026: the trough is behind, so decay alone does not describe the market",
            (
                "price_history.market.h100.2025-10_usd_per_gpu_h",
                "price_history.market.h100.2026-06_usd_per_gpu_h",
            ),
        ),
        Gauge(
            "growth of demand",
            catalog.value("demand.openrouter.growth_per_year.2025_06_to_2026_06"),
            catalog.value("precedent.fibre.traffic_growth_per_year.2004"),
            nan,
            "x per year",
            "Tokens routed by one public router, June to June; fibre: internet traffic in 2004, when 11 % was lit",
            ("demand.openrouter.growth_per_year.2025_06_to_2026_06", "precedent.fibre.traffic_growth_per_year.2004"),
        ),
        Gauge(
            "growth of investment",
            capex / capex_before,
            nan,
            nan,
            "x in three quarters",
            "Capital expenditure of hyperscalers, first to fourth quarter of 2025",
            ("demand.hyperscaler_capex_usd_bn.2025_q4", "demand.hyperscaler_capex_usd_bn.2025_q1"),
        ),
        Gauge(
            "output under long contracts",
            catalog.value("demand.anthropic.compute_commitments_non_cancellable_frac"),
            nan,
            nan,
            "share",
            "Share of reported compute commitments that cannot be cancelled; solar 2011 had 80 %, renegotiated",
            (
                "demand.anthropic.compute_commitments_non_cancellable_frac",
                "precedent.solar_2011.contract_share_of_volume_frac",
            ),
        ),
    )


def _first_year_use(study: Study) -> float:
    plan, outcome = study.plan, study.plan.chosen
    early = study.demand.tree.node_quarter < 8
    weight = study.demand.tree.node_probability * early
    working = (outcome.node_training_accelerators + outcome.node_inference_accelerators).sum(axis=(1, 2))
    hall = np.array([r.holds_hall for r in plan.rungs])
    own = (outcome.node_silicon_live * hall[:, None]).sum(axis=(1, 2))
    live = own + outcome.node_rent_live.sum(axis=(1, 2))
    return float(weight @ working / (weight @ live)) if weight @ live > 0 else 0.0
