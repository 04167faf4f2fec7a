"""The base history of the chosen plan in numbers by quarter: decisions, quantities and prices, before any formula."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiban.catalog import Catalog
from kiban.finance.transfer import relative_speed, work_price_usd_per_h
from kiban.plan.case import PlanCase
from kiban.plan.inputs import build_inputs
from kiban.plan.money import sale_age
from kiban.results import Rung, Study
from kiban.scenario import Scenario

Array = NDArray[np.float64]

MTOK, ZFLOP = 1e6, 1e21
SMALLEST = 1e-6
"""Decisions below this (MW, accelerators) are noise of the solver."""


@dataclass(frozen=True)
class HallUse:
    """One hall rung that is used in the base history."""

    rung: Rung
    index: int
    """Index among the halls of the plan case."""
    start_it_mw: Array


@dataclass(frozen=True)
class PoolUse:
    """Own accelerators of one type at one site in the base history."""

    site: str
    accelerator: str
    index: int
    """Number of the block in the workbook."""
    pool: int
    """Index among the pools of the plan case."""
    buy: Array
    ordered: Array
    """(T,) accelerators ordered before the horizon, on the quarter of their delivery."""
    delivered_before: tuple[tuple[int, float], ...]
    """Quarter (negative) and number of accelerators that stood there before the horizon."""
    live: Array
    training: Array
    inference: Array
    sold: Array
    sale_age: Array
    """(T,) quarters of age at which a sale is counted; -1 where none is allowed."""

    @property
    def name(self) -> str:
        """Site and accelerator."""
        return f"{self.site}/{self.accelerator}"


@dataclass(frozen=True)
class SubletUse:
    """Halls of one site that others use in the base history."""

    site: str
    usd_per_kw_month: float
    it_mw: Array


@dataclass(frozen=True)
class RentUse:
    """Rented accelerators of one provider and type in the base history."""

    provider: str
    accelerator: str
    index: int
    """Index among the rents of the plan case."""
    sign: Array
    live: Array
    used: Array

    @property
    def name(self) -> str:
        """Provider and accelerator."""
        return f"{self.provider}/{self.accelerator}"


@dataclass(frozen=True)
class Base:
    """The base history."""

    case: PlanCase
    quarters: tuple[str, ...]
    path: NDArray[np.int64]
    """(T,) nodes of the history."""
    history: str
    halls: tuple[HallUse, ...]
    pools: tuple[PoolUse, ...]
    sublets: tuple[SubletUse, ...]
    rents: tuple[RentUse, ...]
    served_mtok: Array
    trained_zflop: Array
    token_price_usd_per_mtok: Array
    training_value_usd_per_zflop: Array
    gpu_price_factor: Array
    rent_factor: Array
    power_price_factor: Array
    work_price_usd_per_h: Array
    """(T,) market rent of an hour of work of the first accelerator type, before scarcity."""
    speed: dict[str, float]
    """Work of an hour of each accelerator type against the first type."""
    engine_real_usd: dict[str, Array]
    """(T,) value and every cost line of the plan in real USD, as the plan room booked them."""


def base_of(scenario: Scenario, catalog: Catalog, study: Study) -> Base:
    """Read the base history of the chosen plan and resolve its terms once more from scenario and catalogue."""
    rows = catalog.with_overrides({o.key: (o.value, o.why) for o in scenario.overrides})
    case = build_inputs(scenario, rows, study.demand, study.fleet, study.site, study.supply).case
    plan, outcome, demand = study.plan, study.plan.chosen, study.demand
    leaf = study.finance.base_leaf
    path = plan.leaf_path[leaf]
    cost = outcome.node_rung_cost_usd[path].sum(axis=1)
    engine = {name: cost[:, c] for c, name in enumerate(outcome.cost_lines)}
    return Base(
        case=case,
        quarters=demand.tree.quarters,
        path=path,
        history=plan.leaf_name[leaf],
        halls=_halls(study, case, path),
        pools=_pools(study, case, path, [s.name for s in scenario.sites]),
        sublets=_sublets(study, case, path, [s.name for s in scenario.sites]),
        rents=_rents(study, case, path),
        served_mtok=outcome.node_inference_served_tok[path].sum(axis=1) / MTOK,
        trained_zflop=outcome.node_training_served_flop[path] / ZFLOP,
        token_price_usd_per_mtok=demand.node_token_price_usd_per_mtok[path],
        training_value_usd_per_zflop=demand.node_training_value_usd_per_flop[path] * ZFLOP,
        gpu_price_factor=demand.node_gpu_price_factor[path],
        rent_factor=demand.node_rent_factor[path],
        power_price_factor=demand.node_power_price_factor[path],
        work_price_usd_per_h=work_price_usd_per_h(study.fleet, len(path)),
        speed=dict(zip(study.fleet.accelerators, relative_speed(study.fleet).tolist(), strict=True)),
        engine_real_usd={"value": outcome.node_value_usd[path], **engine},
    )


def _halls(study: Study, case: PlanCase, path: NDArray[np.int64]) -> tuple[HallUse, ...]:
    start = study.plan.chosen.node_hall_start_it_mw[path]
    signed = {c.hall for c in case.committed_halls}
    return tuple(
        HallUse(study.plan.rungs[k], h, start[:, k])
        for h, k in enumerate(case.halls.rung.tolist())
        if start[:, k].max(initial=0.0) > SMALLEST or h in signed
    )


def _pools(study: Study, case: PlanCase, path: NDArray[np.int64], site_names: list[str]) -> tuple[PoolUse, ...]:
    outcome, ages = study.plan.chosen, sale_age(case).astype(np.float64)
    out: list[PoolUse] = []
    for s, name in enumerate(site_names):
        mine = case.halls.rung[case.halls.site == s]
        for p in np.flatnonzero(case.pools.area == case.site_area[s]).tolist():
            g = int(case.pools.chip[p])
            signed = [c for c in case.committed_silicon if c.pool == p and c.site == s]
            ordered = np.zeros(len(path))
            for order in signed:
                if 0 <= order.quarter < len(path):
                    ordered[order.quarter] += order.accelerators
            rows = [
                values[path][:, mine, g].sum(axis=1)
                for values in (
                    outcome.node_silicon_buy,
                    outcome.node_silicon_live,
                    outcome.node_training_accelerators,
                    outcome.node_inference_accelerators,
                    outcome.node_silicon_sold,
                )
            ]
            if max(r.max(initial=0.0) for r in rows) > SMALLEST or signed:
                buy, live, training, inference, sold = rows
                before = tuple((c.quarter, c.accelerators) for c in signed if c.quarter < 0)
                chip, age = case.chips.names[g], ages[path, p]
                use = PoolUse(name, chip, len(out), p, buy, ordered, before, live, training, inference, sold, age)
                out.append(use)
    return tuple(out)


def _sublets(study: Study, case: PlanCase, path: NDArray[np.int64], site_names: list[str]) -> tuple[SubletUse, ...]:
    out: list[SubletUse] = []
    for s, name in enumerate(site_names):
        mine = case.halls.rung[case.halls.site == s]
        let = study.plan.chosen.node_hall_sublet_it_mw[path][:, mine].sum(axis=1)
        if let.max(initial=0.0) > SMALLEST:
            out.append(SubletUse(name, float(case.area_sublet_usd_per_mw_quarter[case.site_area[s]]) / 3e3, let))
    return tuple(out)


def _rents(study: Study, case: PlanCase, path: NDArray[np.int64]) -> tuple[RentUse, ...]:
    outcome = study.plan.chosen
    out = []
    for v, (k, g) in enumerate(zip(case.rents.rung.tolist(), case.rents.chip.tolist(), strict=True)):
        sign = outcome.node_rent_sign[path][:, k, g]
        live = outcome.node_rent_live[path][:, k, g]
        used = (outcome.node_training_accelerators + outcome.node_inference_accelerators)[path][:, k, g]
        if max(sign.max(initial=0.0), live.max(initial=0.0)) > SMALLEST:
            out.append(RentUse(study.plan.rungs[k].name, case.chips.names[g], v, sign, live, used))
    return tuple(out)
