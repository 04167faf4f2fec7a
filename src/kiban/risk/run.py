"""Many futures: the plan fixed, the plan responding, and every baseline responding."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from kiban.catalog import Catalog
from kiban.results import Risk, Study
from kiban.risk.drivers import Shock, factors, sample
from kiban.risk.evaluate import follow_tree, short_form_gap, value
from kiban.risk.exposure import Exposure, Market, exposure_of, market_of
from kiban.risk.hindsight import hindsight_npv_usd
from kiban.risk.regimes import gauges_of, regimes_of
from kiban.risk.regret import bound_residual, regret_of, regret_traces
from kiban.risk.replan import flip_traces, flips_of
from kiban.risk.sensitivity import flips, one_at_a_time, tornado_of
from kiban.scenario import Scenario
from kiban.uncertainty import cvar, first_order_from_sample, regret, win_share

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]

_CHUNK = 2048
"""Futures valued at a time: keeps the arrays of one chunk in the processor's cache."""


def run_risk(scenario: Scenario, catalog: Catalog, study: Study) -> Risk:
    """Value the plan and the baselines in quasi-random futures, and find its regret and what would flip it.

    The fixed plan carries out the most probable history whatever comes; responding plans take, at each branching, the
    branch of their own tree that is nearest to the revenue they expect. There nothing is re-optimised: the responses
    are those that the tree already holds. Flips of today's decision are found by planning again.
    Result: (P, F) values and their summaries; deterministic by the scenario's seed.
    """
    catalog = catalog.with_overrides({o.key: (o.value, o.why) for o in scenario.overrides})
    with catalog.recording("risk"):
        found = _run(scenario, catalog, study)
    return replace(found, used_keys=tuple(sorted(catalog.used["risk"])))


def _run(scenario: Scenario, catalog: Catalog, study: Study) -> Risk:
    plan, demand = study.plan, study.demand
    market = market_of(demand, plan, scenario.demand.compute_value_frac)
    exposures = [exposure_of(o, demand, study.fleet, plan) for o in (plan.chosen, *plan.baselines)]
    parts = factors(scenario, catalog)
    count, seed = scenario.risk.futures_count, scenario.risk.seed
    shock, world, u = sample(parts, plan.leaf_probability, count, seed)
    follow = follow_tree(demand.tree, plan.leaf_path, market, world, shock)
    fixed = np.full(count, int(np.argmax(plan.leaf_probability)), dtype=np.int64)

    values = np.stack(
        [
            _npv(exposures[0], market, fixed, world, shock),
            *(_npv(exposure, market, follow, world, shock) for exposure in exposures),
        ]
    )
    names = ("plan_fixed", "plan_responding", *(e.name for e in exposures[1:]))
    responding = values[1:]
    mean = values.mean(axis=1)
    rival = 1 + int(np.argmax(mean[2:])) if len(mean) > 2 else 0
    lead = responding[0] - responding[rival]
    low, high = np.quantile(values, [0.05, 0.95], axis=1)
    losses = regret(values)
    wins = np.concatenate([[0.0], win_share(responding)])

    def expected(shocks: Shock) -> Array:
        return _expected(exposures, market, plan.leaf_probability, shocks)

    replanned = flips_of(scenario, catalog, study)
    hindsight = hindsight_npv_usd(scenario, catalog, study)
    shortfall = regret_of(plan, exposures, hindsight)
    curves = one_at_a_time(parts, expected)
    first_order = first_order_from_sample(u[:, :-1], responding[0])
    return Risk(
        futures_count=count,
        seed=seed,
        drivers=tuple(p.as_driver() for p in parts),
        plans=names,
        future_npv_usd=values,
        plan_mean_npv_usd=mean,
        plan_p5_npv_usd=low,
        plan_p95_npv_usd=high,
        plan_cvar5_npv_usd=np.array([cvar(v, 0.95) for v in values]),
        plan_win_frac=wins,
        plan_mean_regret_usd=losses.mean(axis=1),
        plan_p95_regret_usd=np.quantile(losses, 0.95, axis=1),
        next_best=names[rival + 1],
        lead_mean_usd=float(lead.mean()),
        lead_p5_usd=float(np.quantile(lead, 0.05)),
        lead_p95_usd=float(np.quantile(lead, 0.95)),
        tornado=tornado_of(parts, curves, rival, first_order),
        flip_sentences=flips(parts, curves, names[1:]),
        regimes=regimes_of(catalog, study, exposures),
        gauges=gauges_of(catalog, study),
        flips=replanned.flips if replanned else (),
        regret=shortfall,
        residuals={
            "risk.win_share": float(abs(wins.sum() - 1)),
            "risk.plan_above_hindsight": bound_residual(exposures[0], hindsight),
        },
        warnings=(*_warnings(exposures, market, plan.leaf_probability), *(replanned.warnings if replanned else ())),
        traces=(*regret_traces(shortfall), *(flip_traces(replanned) if replanned else ())),
    )


def _npv(exposure: Exposure, market: Market, follow: IntArray, world: IntArray, shock: Shock) -> Array:
    pieces = []
    for start in range(0, shock.count, _CHUNK):
        part = slice(start, start + _CHUNK)
        pieces.append(value(exposure, market, follow[part], world[part], shock.take(part)).npv_usd)
    return np.concatenate(pieces)


def _expected(exposures: list[Exposure], market: Market, probability: Array, shocks: Shock) -> Array:
    """Expected NPV over the leaves, each plan on its own leaf, (P, F)."""
    leaves, count = len(probability), shocks.count
    repeated = shocks.take(np.repeat(np.arange(count), leaves))
    own = np.tile(np.arange(leaves), count)
    values = np.stack([_npv(e, market, own, own, repeated) for e in exposures])
    return np.asarray(values.reshape(len(exposures), count, leaves) @ probability)


def _warnings(exposures: list[Exposure], market: Market, probability: Array) -> tuple[str, ...]:
    words = []
    for exposure in exposures:
        gap = float(np.abs(short_form_gap(exposure, market)) @ probability)
        scale = float(np.abs(exposure.base_npv_usd) @ probability) or 1.0
        if gap > 0.02 * scale:
            words.append(
                f"{exposure.name}: the short form used in the futures differs from the plan room's value by "
                f"{gap / scale:.1%} of it before correction"
            )
    return tuple(words)
