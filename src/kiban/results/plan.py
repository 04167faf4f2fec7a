"""What the plan room hands over: the chosen plan on the tree, and each baseline in the same form."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from kiban.results.measures import PlanMeasures
from kiban.results.trace import Trace

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Rung:
    """One way to obtain compute at one place, with its terms resolved to numbers."""

    name: str
    """Unique, such as ``west_texas/landlord_lease`` or ``neocloud``."""
    kind: str
    """``cloud``, ``neocloud``, ``operator_sublet``, ``landlord_lease``, ``build_to_suit`` or ``owned``."""
    site: str
    """Scenario site, empty for cloud and neocloud."""
    state: str
    """State or region, empty if none."""
    holds_hall: bool
    """True if the rung provides a hall for own silicon; False if it rents accelerators."""
    lead_time_quarters: int
    """Signature or start to power at the racks, median."""
    term_quarters: int
    """Length of the commitment; the life of the shell for an owned hall."""
    rent_usd_per_kw_month: float
    """First-year rent per critical IT kW; 0 for owned and rented accelerators."""
    escalator_frac_per_year: float
    """Nominal escalator of the rent."""
    capex_usd_per_kw: float
    """Own construction per critical IT kW (land, shell, power, cooling); 0 if leased."""
    deposit_frac: float
    """Share of one year's rent (hall) or of the contract (rent by the hour) paid up front."""
    take_or_pay_frac: float
    """Share that is paid even if unused."""
    operation_usd_per_kw_year: float
    """Staff, maintenance, tax, insurance per critical IT kW, without electricity."""
    energy_usd_per_mwh: float
    """All-in electricity per MWh of facility load; 0 for rented accelerators."""
    pue: float
    """Annual mean; 0 for rented accelerators."""
    committed_it_mw: Array
    """(T,) MW already signed, live by quarter; zeros if none (IT MW for halls)."""
    committed_accelerators: Array
    """(T, G) accelerators already ordered, live by quarter (own silicon of a hall rung); zeros if none."""
    max_it_mw: Array
    """(T,) most IT MW that can be live in each quarter; inf if unlimited."""
    silicon_sales_tax_frac: float = 0.0
    """Sales tax on own silicon against its price, after exemptions; 0 for rented accelerators."""
    silicon_property_frac_per_year: float = 0.0
    """Property tax on own silicon against its price, mean over its life; 0 for rented accelerators."""
    operator_markup_frac: float = 0.0
    """Share of the rent that an operator adds for staff, upkeep and margin; 0 where no row tells it from the rent."""


@dataclass(frozen=True)
class PlanOutcome:
    """Decisions and money of one plan on the tree; N nodes, K rungs, G accelerator types, C cost lines."""

    name: str
    """``plan`` or the baseline's name: ``all_cloud``, ``all_leased``, ``all_owned``, ``wait_two_years``."""
    status: str
    """Solver status in words; ``optimal`` else."""
    expected_npv_usd: float
    """Probability-weighted present value at the horizon's start."""
    node_hall_start_it_mw: Array
    """(N, K) IT MW signed or started at the node."""
    node_hall_live_it_mw: Array
    """(N, K) IT MW in service, committed ones included."""
    node_silicon_buy: Array
    """(N, K, G) own accelerators ordered for the rung's hall."""
    node_hall_sublet_it_mw: Array
    """(N, K) IT MW of the hall that others use and pay for in the quarter."""
    node_silicon_live: Array
    """(N, K, G) own accelerators in service."""
    node_silicon_sold: Array
    """(N, K, G) own accelerators sold."""
    node_rent_sign: Array
    """(N, K, G) rented accelerators signed at the node."""
    node_rent_live: Array
    """(N, K, G) rented accelerators under contract."""
    node_training_accelerators: Array
    """(N, K, G) accelerators at work on training."""
    node_inference_accelerators: Array
    """(N, K, G) accelerators at work on inference."""
    node_training_served_flop: Array
    """(N,)."""
    node_training_unserved_flop: Array
    """(N,)."""
    node_inference_served_tok: Array
    """(N, R)."""
    node_inference_unserved_tok: Array
    """(N, R)."""
    cost_lines: tuple[str, ...]
    """C names: hall_capex, silicon_capex, hall_rent, accelerator_rent, energy, operation, deposits, exit_obligation,
    residual_value (negative)."""
    node_rung_cost_usd: Array
    """(N, K, C) undiscounted cost in the quarter of the node."""
    node_value_usd: Array
    """(N,) value of the served work in the quarter (inference margin plus training value)."""
    node_upfront_usd: Array
    """(N,) what counts against the budget in the quarter: construction, silicon, deposits."""
    shadow_price_sentences: tuple[str, ...]
    """What one more MW, month, accelerator or dollar of budget is worth, in words."""
    solve_s: float
    """Solver seconds; not part of results.json."""
    residual: float
    """Largest relative primal infeasibility of the solution."""
    node_hall_construction_usd: Array | None = None
    """(N, K) construction and plant spend if it differs from hall_capex by timing; None when equal."""


@dataclass(frozen=True)
class Action:
    """One line of the decision card."""

    verb: str
    """``sign``, ``start``, ``order``, ``rent``, ``hold`` or ``expire``."""
    rung: str
    amount: float
    unit: str
    quarter: str
    sentence: str


@dataclass(frozen=True)
class Plan:
    """The chosen plan, the pure strategies beside it, and the first actions."""

    accelerators: tuple[str, ...]
    regions: tuple[str, ...]
    rungs: tuple[Rung, ...]
    node_discount_factor: Array
    """(N,) real discount factor to the horizon's start."""
    leaf_path: NDArray[np.int64]
    """(L, T) node of each leaf's history by quarter."""
    leaf_probability: Array
    """(L,)."""
    leaf_name: tuple[str, ...]
    chosen: PlanOutcome
    baselines: tuple[PlanOutcome, ...]
    actions: tuple[Action, ...]
    """What to sign now, what to hold, what expires and when."""
    irrevocable_usd: float
    """Money that today's actions commit (upfront plus take-or-pay), present value."""
    program_column_count: int = 0
    """Decisions of the linear programme, all nodes together."""
    program_row_count: int = 0
    module_gap_frac: float = 0.0
    """Relative gap that branch and bound left on whole modules; 0 without them."""
    residuals: dict[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    traces: tuple[Trace, ...] = ()
    measures: PlanMeasures | None = None
    """What its choices are worth; None if the scenario asks for none."""
