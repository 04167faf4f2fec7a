"""The energy room: inputs, model, result."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kiban.catalog import Catalog
from kiban.energy import model
from kiban.energy.inputs import KW_PER_MW, SiteInputs, build_inputs
from kiban.energy.lp import SOURCES, Dispatch, Matching, Series, SupplyModel
from kiban.energy.plant import KG_PER_T
from kiban.energy.weeks import Periods, typical_weeks
from kiban.results import Site, Supply, SupplyCase, Trace
from kiban.scenario import Scenario


def run_energy(scenario: Scenario, catalog: Catalog, site: Site, seed: int) -> Supply:
    """Return the least-cost hourly supply of every site: the plan, grid only, annual and hourly matching.

    Arguments: scenario; catalogue; hourly site results (S, 8760); seed of the price residual.
    Errors: ValueError for a grid without a price or a load above the grid connection; those of ``kiban.solve``.
    """
    inputs, warnings = build_inputs(scenario, catalog, site, seed)
    solved: dict[tuple[object, ...], tuple[SupplyCase, ...]] = {}
    cases: list[tuple[SupplyCase, ...]] = []
    residuals = {"energy.balance": 0.0}
    notes: list[str] = []
    for one in inputs:
        key = _fingerprint(one)
        if key not in solved:
            solved[key] = _site_cases(scenario, one, residuals, notes)
        cases.append(solved[key])
    chosen = [c[0] for c in cases]
    return Supply(
        sites=tuple(i.name for i in inputs),
        cases=tuple(cases),
        site_energy_usd_per_mwh=np.array([c.energy_usd_per_mwh for c in chosen]),
        site_kg_co2_per_mwh=np.array([c.average_kg_co2_per_mwh for c in chosen]),
        site_power_capex_usd_per_kw=np.array([c.capex_usd_per_kw for c in chosen]),
        residuals=residuals,
        warnings=(*warnings, *notes),
        traces=tuple(t for i, c in zip(inputs, cases, strict=True) for t in _traces(i, c)),
    )


def series_of(inputs: SiteInputs, periods: Periods) -> Series:
    """Series of a site at the steps of a model."""
    price = periods.take(inputs.hourly_price_usd_per_mwh)
    carbon = periods.take(inputs.hourly_average_kg_co2_per_mwh)
    return Series(
        load_mw=periods.take(inputs.hourly_load_mw),
        price_usd_per_mwh=price + carbon * inputs.carbon_price_usd_per_t / KG_PER_T,
        sale_usd_per_mwh=np.maximum(price, 0.0) * inputs.sale_frac,
        wind_frac=periods.take(inputs.hourly_wind_frac, most=1.0),
        solar_frac=periods.take(inputs.hourly_solar_frac, most=1.0),
    )


def _site_cases(
    scenario: Scenario, inputs: SiteInputs, residuals: dict[str, float], notes: list[str]
) -> tuple[SupplyCase, ...]:
    periods = typical_weeks(
        [
            inputs.hourly_price_usd_per_mwh,
            inputs.hourly_wind_frac,
            inputs.hourly_solar_frac,
            inputs.hourly_load_mw,
        ]
    )
    series = series_of(inputs, periods)
    # The weeks miss the one worst hour: the demand charge and the limit are restated on their peak.
    missed = float(inputs.hourly_load_mw.max() / series.load_mw.max())
    costs = replace(
        inputs.costs,
        demand_usd_per_mw_year=inputs.costs.demand_usd_per_mw_year * missed,
        import_limit_mw=inputs.costs.import_limit_mw / missed,
    )
    energy = scenario.energy
    wide = costs
    if energy.supply == "onsite" and series.load_mw.max() > costs.import_limit_mw:
        wide = replace(costs, import_limit_mw=np.inf)
        notes.append(f"energy: the grid case of {inputs.name} needs a wider grid connection than the site has")
    grid = _case("grid", model.grid_only(series, periods, wide), inputs, series, periods, missed)
    if energy.supply == "grid":
        return (replace(grid, name="plan"), grid)
    programme = SupplyModel(series, periods, costs)
    rules: dict[str, tuple[Matching, float]] = {
        "plan": (energy.matching, energy.clean_frac),
        "annual": ("annual", energy.clean_frac),
        "hourly": ("hourly", energy.clean_frac),
    }
    done: dict[tuple[Matching, float], SupplyCase] = {}
    cases = []
    for name, rule in rules.items():
        if rule not in done:
            dispatch = programme.solve(*rule)
            done[rule] = _case(name, dispatch, inputs, series, periods, missed)
            worst = model.state_residual(dispatch, series.load_mw, periods, costs.battery_one_way_frac)
            residuals["energy.battery_state"] = max(residuals.get("energy.battery_state", 0.0), worst)
            residuals["energy.balance"] = max(residuals["energy.balance"], done[rule].balance_residual)
        cases.append(replace(done[rule], name=name))
    return (cases[0], grid, *cases[1:])


def _case(
    name: str, dispatch: Dispatch, inputs: SiteInputs, series: Series, periods: Periods, missed: float
) -> SupplyCase:
    load, weight = series.load_mw, periods.step_weight
    energy_mwh = float(weight @ load)
    capacity = dispatch.capacity_mw
    through_grid = model.import_mw(dispatch, load)
    carbon = {
        kind: model.intensity(dispatch, load, weight, periods.take(signal), inputs.plant.gas_kg_co2_per_mwh)
        for kind, signal in (
            ("average", inputs.hourly_average_kg_co2_per_mwh),
            ("marginal", inputs.hourly_marginal_kg_co2_per_mwh),
        )
    }
    return SupplyCase(
        name=name,
        sources=SOURCES,
        capacity_mw=np.concatenate([capacity[:1] * missed, capacity[1:]]),
        storage_mwh=dispatch.storage_mwh,
        hourly_flow_mw=periods.spread(dispatch.flow_mw),
        hourly_load_mw=periods.spread(load),
        hourly_price_usd_per_mwh=periods.spread(dispatch.price_usd_per_mwh),
        energy_usd_per_mwh=dispatch.cost_usd_per_year / energy_mwh,
        capex_usd_per_kw=float(
            capacity[model.BATTERY] * inputs.plant.battery_usd_per_kw
            + dispatch.storage_mwh * inputs.plant.battery_usd_per_kwh
            + capacity[model.GAS] * inputs.plant.gas_usd_per_kw
        ),
        average_kg_co2_per_mwh=carbon["average"],
        marginal_kg_co2_per_mwh=carbon["marginal"],
        clean_frac=model.round_the_clock_frac(dispatch, load, weight, periods.take(inputs.hourly_grid_clean_frac)),
        annual_clean_frac=model.annual_clean_frac(dispatch, load, weight),
        source_water_l_per_kwh=inputs.grid_water_l_per_kwh * float(weight @ through_grid) / energy_mwh,
        interconnection_value_usd_per_kw_year=dispatch.import_limit_usd_per_mw_year / KW_PER_MW,
        balance_residual=model.balance_residual(dispatch, load),
        hourly_grid_average_kg_co2_per_mwh=periods.spread(periods.take(inputs.hourly_average_kg_co2_per_mwh)),
        hourly_grid_marginal_kg_co2_per_mwh=periods.spread(periods.take(inputs.hourly_marginal_kg_co2_per_mwh)),
        gas_kg_co2_per_mwh=inputs.plant.gas_kg_co2_per_mwh,
    )


def _fingerprint(inputs: SiteInputs) -> tuple[object, ...]:
    """Everything that decides a site's supply, without its name."""
    values = [getattr(inputs, f) for f in inputs.__dataclass_fields__ if f != "name"]
    return tuple(v.tobytes() if isinstance(v, np.ndarray) else v for v in values)


def _traces(inputs: SiteInputs, cases: tuple[SupplyCase, ...]) -> list[Trace]:
    found = []
    for case in cases:
        tail = f"{inputs.name}.{case.name}"
        found.append(
            Trace(
                f"energy.energy_usd_per_mwh.{tail}",
                case.energy_usd_per_mwh,
                "USD/MWh",
                "(purchases + delivery + demand charge + contracts - sales + fuel + annuities) / facility load",
                (
                    f"facility.site_annual_pue.{inputs.name}",
                    *inputs.price_keys,
                    "energy.it_load_factor_frac",
                    *(() if case.name == "grid" else inputs.plant_keys),
                    "scenario.finance.discount_frac_per_year",
                    "scenario.energy.clean_frac",
                ),
            )
        )
    chosen = cases[0]
    found.append(
        Trace(
            f"energy.site_energy_usd_per_mwh.{inputs.name}",
            chosen.energy_usd_per_mwh,
            "USD/MWh",
            f"the scenario's choice of supply: case {chosen.name}",
            (f"energy.energy_usd_per_mwh.{inputs.name}.{chosen.name}", "scenario.energy.supply"),
        )
    )
    for name, value, key in (
        ("average", chosen.average_kg_co2_per_mwh, inputs.carbon_keys[0]),
        ("marginal", chosen.marginal_kg_co2_per_mwh, inputs.carbon_keys[1]),
    ):
        found.append(
            Trace(
                f"energy.{name}_kg_co2_per_mwh.{inputs.name}",
                value,
                "kgCO2e/MWh",
                f"({name} signal of the grid x import + gas factor x gas) / facility load",
                (key,),
            )
        )
    return found
