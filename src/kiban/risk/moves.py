"""The inputs that may flip today's decision: where each stands, its range, and how a world looks with it moved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from kiban.catalog import Catalog
from kiban.results import Study
from kiban.risk.worlds import World
from kiban.scenario import Scenario
from kiban.scenario.schema import Range
from kiban.units import QUARTERS_PER_YEAR

BAND = (0.5, 2.0)
"""Stated band, as multiples of the base, for an input that has no range of its own."""
PRICES = frozenset(
    {
        "training_value_multiple", "compute_value_frac", "power_price_factor", "discount_frac_per_year",
        "hall_relet_frac", "operator_sublet_rent", "landlord_lease_rent", "build_to_suit_yield",
    }
)  # fmt: skip
MONTHS_PER_QUARTER = 12 / QUARTERS_PER_YEAR

Apply = Callable[[World, float], World]


@dataclass(frozen=True)
class Move:
    """One input with its range and what it bends."""

    name: str
    phrase: str
    """Condition with ``{}`` where the value stands, such as ``a token earned {} USD per million``."""
    unit: str
    base: float
    low: float
    high: float
    range_from: str
    apply: Apply
    inputs: tuple[str, ...]
    least: float = 0.0
    """No value below this or above `most` has a meaning."""
    most: float = np.inf
    step: float = 0.0
    """The input moves in whole steps of this size; 0 for any value."""
    shown: float = 1.0
    """Multiplier from the value to the number in words, such as 100 for per cent."""

    @property
    def only_prices(self) -> bool:
        """Whether it moves what things are worth and leaves what is possible nearly as it was."""
        return self.name in PRICES


def moves(scenario: Scenario, catalog: Catalog, study: Study, kind: str) -> tuple[Move, ...]:
    """Return the inputs in a fixed order.

    Args: kind, the kind of hall rung whose rent is moved, empty for none. Ranges come from the scenario, else from the
    catalogue, else from a stated band of half to twice the base. Inputs without a range (low = base = high) stay out.
    """
    found = [
        *_demand(scenario),
        *_futures(scenario, catalog),
        *_prices(scenario, catalog),
        *_later_chips(scenario, study),
        *_hall(catalog, study, kind),
    ]
    return tuple(m for m in found if m.low < m.base or m.high > m.base)


def _ranged(name: str, phrase: str, unit: str, held: Range, path: str, apply: Apply, least: float = 1e-9) -> Move:
    return Move(name, phrase, unit, held.value, held.low, held.high, "scenario", apply, (path,), least)


def _banded(
    name: str,
    phrase: str,
    unit: str,
    base: float,
    path: str,
    apply: Apply,
    most: float = np.inf,
    shown: float = 1.0,
    least: float = 0.0,
) -> Move:
    low, high = BAND[0] * base, min(BAND[1] * base, most)
    return Move(name, phrase, unit, base, low, high, "stated band", apply, (path,), least, most, shown=shown)


def _field(part: str, name: str) -> Apply:
    """Set one number of a part of the scenario; of a range, its value."""

    def apply(world: World, value: float) -> World:
        old = getattr(getattr(world.scenario, part), name)
        return _with(world, part, name, old.model_copy(update={"value": value}) if isinstance(old, Range) else value)

    return apply


def _with(world: World, part: str, name: str, value: object) -> World:
    changed = getattr(world.scenario, part).model_copy(update={name: value})
    return replace(world, scenario=world.scenario.model_copy(update={part: changed}))


def _demand(scenario: Scenario) -> list[Move]:
    part, at = scenario.demand, "scenario.demand."
    revenue = part.run_rate_revenue_usd_per_year
    share = part.programme_share_frac
    usd = revenue.value * share.value
    low, high = (usd * float(np.exp(s * np.hypot(_log_ratio(revenue, s), _log_ratio(share, s)))) for s in (-1, 1))
    programme = Move(
        "programme_revenue", "the revenue that this programme serves were {} bn USD a year", "USD/yr", usd, low, high,
        "scenario", _programme(share.value), (f"{at}run_rate_revenue_usd_per_year", f"{at}programme_share_frac"),
        least=1.0, shown=1e-9,
    )  # fmt: skip

    def ranged(name: str, phrase: str, unit: str) -> Move:
        return _ranged(name, phrase, unit, getattr(part, name), at + name, _field("demand", name))

    def banded(name: str, phrase: str, unit: str, most: float) -> Move:
        return _banded(name, phrase, unit, getattr(part, name), at + name, _field("demand", name), most)

    return [
        banded("training_value_multiple", "a training FLOP were worth {} times its cost at today's rent", "x rent", 20),
        banded("compute_value_frac", "{} of each token dollar were left for compute", "1", 1.0),
        programme,
        ranged("blended_token_price_usd_per_mtok", "a million tokens earned {} USD at the same revenue", "USD/Mtok"),
        ranged("serving_overhead_multiple", "{} tokens were served for each that earns", "tokens"),
        ranged("research_compute_multiple", "research took {} times the compute of serving", "x serving"),
        ranged("serving_gain_per_year", "software served {} times as many tokens per accelerator each year", "x/yr"),
    ]


def _log_ratio(held: Range, sign: int) -> float:
    if held.value <= 0 or held.low <= 0:
        return 0.0
    return float(np.log(held.high / held.value if sign > 0 else held.value / held.low))


def _programme(share_frac: float) -> Apply:
    def apply(world: World, usd_per_year: float) -> World:
        return _field("demand", "run_rate_revenue_usd_per_year")(world, usd_per_year / share_frac)

    return apply if share_frac > 0 else lambda world, _: world


def _futures(scenario: Scenario, catalog: Catalog) -> list[Move]:
    futures = scenario.futures
    growth = catalog.range("risk.revenue_growth_noise_factor")
    found = [
        Move(
            "revenue_growth_factor", "revenue grew {} times as fast each year as the futures say", "x base multiple",
            growth[1], growth[0], growth[2], "catalogue", _growth,
            ("risk.revenue_growth_noise_factor", "scenario.futures.revenue_growth_per_year"), 0.1,
        )
    ]  # fmt: skip
    if len(futures.names) > 1 and 0 < futures.probability[-1] < 1:
        name = futures.names[-1].replace("_", " ")
        found.append(
            _banded(
                "last_future_probability", f"the chance of {name} were {{}} %", "1", futures.probability[-1],
                "scenario.futures.probability", _last_probability, least=0.001, most=0.95, shown=100,
            )
        )  # fmt: skip
    return found


def _growth(world: World, factor: float) -> World:
    old = world.scenario.futures.revenue_growth_per_year
    return _with(world, "futures", "revenue_growth_per_year", [[g * factor for g in row] for row in old])


def _last_probability(world: World, chance: float) -> World:
    """Move the chance of the last future; the others keep their proportions."""
    old = world.scenario.futures.probability
    scale = (1 - chance) / (1 - old[-1])
    return _with(world, "futures", "probability", [*(p * scale for p in old[:-1]), chance])


def _prices(scenario: Scenario, catalog: Catalog) -> list[Move]:
    finance, risk = scenario.finance, scenario.risk
    rent = catalog.range("risk.rent_level_factor")
    price = risk.gpu_price_factor
    months = risk.delay_months
    return [
        Move(
            "rent_factor", "rented accelerators cost {} times the path of the futures", "x base", rent[1], rent[0],
            rent[2], "catalogue", lambda w, x: replace(w, rent_factor=x), ("risk.rent_level_factor",), 1e-6,
        ),
        Move(
            "gpu_price_factor", "accelerators cost {} times their catalogue price", "x base", 1.0,
            price.low / price.value, price.high / price.value, "scenario",
            lambda w, x: replace(w, gpu_price_factor=x), ("scenario.risk.gpu_price_factor",), 1e-6,
        ),
        Move(
            "delay_months", "halls came {} months later than their lead time", "months", 0.0, 0.0, months.high,
            "scenario", lambda w, x: replace(w, delay_quarters=round(x / MONTHS_PER_QUARTER)),
            ("scenario.risk.delay_months",), 0.0, step=MONTHS_PER_QUARTER,
        ),
        _ranged(
            "power_price_factor", "electricity cost {} times the base year", "x base",
            scenario.energy.power_price_factor,
            "scenario.energy.power_price_factor", _field("energy", "power_price_factor"),
        ),
        _banded(
            "discount_frac_per_year", "money cost {} % a year", "1/yr", finance.discount_frac_per_year,
            "scenario.finance.discount_frac_per_year", _field("finance", "discount_frac_per_year"), 0.5, 100,
        ),
        _row(
            catalog, "precedent.layer_recovery_frac.shell_and_mep", "hall_relet_frac",
            "another tenant paid {} of the rent of a hall that is given up", most=1.0,
        ),
    ]  # fmt: skip


def _later_chips(scenario: Scenario, study: Study) -> list[Move]:
    if not (study.fleet.accelerator_available_quarter > 0).any():
        return []
    held, path = scenario.risk.chip_progress_factor, "scenario.risk.chip_progress_factor"
    phrase = "accelerators that are not sold yet were {} times as fast at their price"
    low, high = held.low / held.value, held.high / held.value
    return [Move("chip_progress_factor", phrase, "x base", 1.0, low, high, "scenario", _chips, (path,), 1e-6)]


def _chips(world: World, factor: float) -> World:
    fleet = world.fleet
    speed = np.where(fleet.accelerator_available_quarter > 0, factor, 1.0)[:, None]
    faster = replace(
        fleet,
        accelerator_training_flop_per_s=fleet.accelerator_training_flop_per_s * speed,
        accelerator_inference_tok_per_s=fleet.accelerator_inference_tok_per_s * speed,
    )
    return replace(world, fleet=faster)


def _row(catalog: Catalog, key: str, name: str, phrase: str, most: float = np.inf, shown: float = 1.0) -> Move:
    """One row of the catalogue, between its low and high if it has them."""
    row, base = catalog.row(key), catalog.value(key)

    def apply(world: World, value: float) -> World:
        return replace(world, catalog=world.catalog.with_overrides({key: (value, "moved to find where plans flip")}))

    if row.low is None or row.high is None:
        return replace(_banded(name, phrase, row.unit, base, key, apply, most), shown=shown)
    return Move(
        name, phrase, row.unit, base, float(row.low), float(row.high), "catalogue", apply, (key,), 0.0, most,
        shown=shown,
    )  # fmt: skip


def _hall(catalog: Catalog, study: Study, kind: str) -> list[Move]:
    """What the hall of the plan's main rung costs: first-year rent, yield on cost, or construction."""
    shared = {
        "operator_sublet": "contract.operator_sublet.fluidstack.river_bend.first_year_rent_usd_per_kw_month",
        "landlord_lease": "contract.landlord.first_year_rent_usd_per_kw_month",
    }
    own = f"contract.operator_sublet.fluidstack.{_main_site(study, kind)}.first_year_rent_usd_per_kw_month"
    if kind == "operator_sublet" and catalog.has(own):
        shared = {**shared, kind: own}
    if kind in shared:
        words = {
            "operator_sublet": "operator halls cost {} USD per kW and month before the margin",
            "landlord_lease": "leased halls cost {} USD per kW and month",
        }
        return [_row(catalog, shared[kind], f"{kind}_rent", words[kind])]
    if kind == "build_to_suit":
        key = "contract.build_to_suit.yield_on_cost_frac"
        return [_row(catalog, key, "build_to_suit_yield", "a build-to-suit lease yielded {} % of cost", 1.0, 100)]
    if kind == "owned":
        paths = tuple(f"facility.site_construction_usd_per_kw.{s}" for s in study.site.sites)
        one = _banded(
            "construction_factor", "construction cost {} times the estimate", "x base", 1.0, "", _construction
        )
        return [replace(one, inputs=paths)]
    return []


def _main_site(study: Study, kind: str) -> str:
    """Site where the plan signs most halls of a kind, today's counting first; empty if none."""
    starts, chance = study.plan.chosen.node_hall_start_it_mw, study.demand.tree.node_probability
    size = {
        rung.site: (float(starts[0, k]), float(chance @ starts[:, k]))
        for k, rung in enumerate(study.plan.rungs)
        if rung.kind == kind
    }
    return max(sorted(size), key=lambda site: size[site], default="")


def _construction(world: World, factor: float) -> World:
    cost = world.site.site_construction_usd_per_kw * factor
    return replace(world, site=replace(world.site, site_construction_usd_per_kw=cost))
