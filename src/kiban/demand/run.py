"""The demand room: inputs, model, result."""

from __future__ import annotations

import numpy as np

from kiban.catalog import Catalog
from kiban.demand import model
from kiban.demand.inputs import DemandInputs, build_inputs, reference_index
from kiban.demand.sampled import SampledTree
from kiban.results import Demand, Fleet, Trace
from kiban.scenario import Scenario


def run_demand(scenario: Scenario, catalog: Catalog, fleet: Fleet) -> Demand:
    """Return demand and market prices on the scenario's tree.

    The fleet is needed because research compute is published as accelerator-hours or money beside inference, not
    as FLOP. Raises ValueError if no accelerator has a known rent.
    """
    inputs = build_inputs(scenario, catalog, fleet)
    part, tree = scenario.demand, inputs.tree
    years = tree.quarter / 4.0
    multiple, cheaper, scarcity = _sampled(inputs.sampled) if inputs.sampled else _named(inputs)
    start_usd = part.run_rate_revenue_usd_per_year.value / 4
    revenue = multiple * start_usd * part.programme_share_frac.value
    price = cheaper * part.blended_token_price_usd_per_mtok.value
    performance = inputs.price_performance_per_year**years
    overhead = part.serving_overhead_multiple.value
    wanted_tok = model.tokens(revenue, part.inference_revenue_frac, price) * overhead
    share = np.array([region.share_frac for region in part.regions])
    training = model.training_flop(
        revenue,
        part.research_compute_multiple.value,
        inputs.inference_gpu_h_per_usd,
        inputs.training_flop_per_gpu_h,
        performance,
    )
    mix = scenario.workload.output_tok / (scenario.workload.output_tok + scenario.workload.prompt_tok)
    by_quarter = np.bincount(tree.quarter, weights=tree.probability)
    return Demand(
        tree=inputs.record,
        regions=tuple(region.name for region in part.regions),
        node_training_flop=training,
        node_inference_tok=wanted_tok[:, None] * share,
        node_token_price_usd_per_mtok=price / overhead,
        node_training_value_usd_per_flop=part.training_value_multiple * inputs.training_usd_per_flop / performance,
        node_revenue_usd=revenue,
        node_gpu_price_factor=scarcity**inputs.gpu_price_elasticity,
        node_rent_factor=scarcity,
        node_power_price_factor=_power_factor(scenario, tree.label),
        node_serving_gain_factor=part.serving_gain_per_year.value**years,
        region_residency_frac=np.array([region.residency_frac for region in part.regions]),
        peak_to_mean_factor=inputs.peak_to_mean_factor,
        output_tok_frac=mix,
        warnings=_tree_words(inputs.sampled),
        residuals={"demand.probability": float(np.abs(by_quarter - 1).max()), "demand.share": abs(share.sum() - 1)},
        traces=_traces(scenario, fleet, inputs, float(wanted_tok[0]), float(training[0])),
    )


def _named(inputs: DemandInputs) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Revenue and token price against the start, and rent against today, at the nodes of the named futures."""
    tree, weights = inputs.tree, inputs.weights
    growth = model.growth_by_node(inputs.future_growth, tree.label, tree.quarter, weights)
    change = _by_label(inputs.future_token_price_multiple, tree.label, weights)
    level = _by_label(inputs.future_rent_level, tree.label, weights)
    return (
        model.compound(tree.parent, growth, 1.0),
        model.compound(tree.parent, change, 1.0),
        model.reverting_level(tree.parent, level, inputs.rent_reversion_per_year),
    )


def _sampled(tree: SampledTree) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return tree.revenue_multiple, tree.token_price_multiple, tree.rent_factor


def _tree_words(tree: SampledTree | None) -> tuple[str, ...]:
    if tree is None:
        return ()
    return (
        f"the tree of {tree.tree.n_leaves} histories stands for {tree.samples:,} sampled paths: it explains "
        f"{tree.explained_frac:.0%} of their variance and lies {tree.distance:.2f} standard deviations from them",
    )


def _power_factor(scenario: Scenario, label: np.ndarray) -> np.ndarray:
    """Price of electricity against the base year: today's factor, times the future's own once it is known."""
    by_future = scenario.futures.power_price_factor
    if not by_future:
        return np.full(len(label), scenario.energy.power_price_factor.value)
    return np.asarray(scenario.energy.power_price_factor.value * np.append(by_future, 1.0)[label])


def _by_label(by_future: np.ndarray, label: np.ndarray, weights: np.ndarray) -> np.ndarray:
    mean = np.exp(weights @ np.log(by_future))
    return np.asarray(np.append(by_future, mean)[label])


def _traces(
    scenario: Scenario, fleet: Fleet, inputs: DemandInputs, first_tok: float, first_flop: float
) -> tuple[Trace, ...]:
    chip = fleet.accelerators[reference_index(scenario, fleet)]
    return (
        Trace(
            "demand.inference_tok",
            first_tok,
            "tok/quarter",
            "run rate / 4 x programme share x inference share / blended price x served tokens per earning token",
            (
                "scenario.demand.run_rate_revenue_usd_per_year",
                "scenario.demand.programme_share_frac",
                "scenario.demand.inference_revenue_frac",
                "scenario.demand.blended_token_price_usd_per_mtok",
                "scenario.demand.serving_overhead_multiple",
            ),
        ),
        Trace(
            "demand.training_flop",
            first_flop,
            "FLOP/quarter",
            "research multiple x accelerator-hours of serving x useful FLOP per accelerator-hour",
            (
                "scenario.demand.research_compute_multiple",
                "demand.inference_tok",
                f"compute.inference_tok_per_s.{chip}",
                f"compute.training_flop_per_s.{chip}",
                f"compute.goodput_frac.{chip}",
                "demand.price_performance_growth_per_year",
            ),
        ),
        Trace(
            "demand.rent_factor",
            1.0,
            "-",
            "scarcity that reverts to the future's level; progress enters by new generations, not by this factor",
            (
                "demand.rent_mean_reversion_per_year",
                "demand.gpu_price_to_rent_elasticity",
                "scenario.futures.rent_factor",
            ),
        ),
        Trace(
            "demand.peak_to_mean_factor",
            inputs.peak_to_mean_factor,
            "-",
            "peak hour over mean of the fleet's traffic",
            ("demand.shape.hourly_peak_to_mean.global_fleet",),
        ),
    )
