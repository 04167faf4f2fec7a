"""The plan problem in numbers: everything the linear programme needs, and nothing of where it came from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class Halls:
    """H ways to hold own silicon at S sites."""

    rung: IntArray
    """(H,) index of the rung."""
    site: IntArray
    """(H,) index of the site."""
    lead_quarters: IntArray
    """(H,) start to power at the racks."""
    term_quarters: IntArray
    """(H,) length of the commitment, or life of an owned shell."""
    is_owned: BoolArray
    """(H,)."""
    rent_usd_per_mw_quarter: Array
    """(H,) in the first year of service, real."""
    escalation_per_year: Array
    """(H,) real multiple per year of service: (1 + escalator) / (1 + inflation)."""
    capex_usd_per_mw: Array
    """(H,) spent evenly over the lead time."""
    recoverable_usd_per_mw: Array
    """(H,) part of capex that another user would pay for on the first day."""
    deposit_usd_per_mw: Array
    """(H,) at signature, returned at the end without interest."""
    operation_usd_per_mw_quarter: Array
    """(H,)."""
    module_it_mw: Array
    """(H,) block in which capacity is started; 0 for any amount."""
    module_quarters: int
    """Starts before this quarter are whole modules; later ones any amount, since they will be planned again."""
    open: BoolArray
    """(H, T) starts allowed."""


@dataclass(frozen=True)
class CommittedHall:
    """Capacity that was signed before the horizon."""

    hall: int
    quarter: int
    """First quarter in service; negative if before the horizon."""
    it_mw: float


@dataclass(frozen=True)
class CommittedSilicon:
    """Accelerators that were ordered before the horizon, paid on delivery."""

    pool: int
    site: int
    quarter: int
    accelerators: float


@dataclass(frozen=True)
class Chips:
    """G accelerator types."""

    names: tuple[str, ...]
    it_kw: Array
    training_flop_per_quarter: Array
    """(G,) useful, failures taken off."""
    inference_tok_per_quarter: Array
    """(G,) at full load with today's software."""
    training_power_frac: Array
    inference_power_frac: Array
    lead_quarters: IntArray
    life_quarters: IntArray


@dataclass(frozen=True)
class Pools:
    """P pairs of area and own accelerator type; an area is a set of sites with the same taxes on silicon."""

    area: IntArray
    chip: IntArray
    price_usd: Array
    """(P,) server and network, tax included, today."""
    resale_usd: Array
    """(P,) price without tax, the base of the resale curve."""
    operation_usd_per_quarter: Array
    """(P,) tax and insurance of one accelerator in service."""
    open: BoolArray
    """(P, T) orders allowed."""


@dataclass(frozen=True)
class Rents:
    """V pairs of provider and rented accelerator type."""

    rung: IntArray
    chip: IntArray
    is_cloud: BoolArray
    price_usd_per_quarter: Array
    """(V,) today."""
    take_or_pay_frac: Array
    prepaid_frac: Array
    relet_frac: Array
    """(V,) share of the rent that another user would pay beyond the horizon."""
    lead_quarters: IntArray
    term_quarters: IntArray
    open: BoolArray
    """(V, T) signatures allowed."""


@dataclass(frozen=True)
class Market:
    """Wants and prices at N nodes."""

    training_flop: Array
    free_tok: Array
    """(N, R) may be served anywhere."""
    resident_tok: Array
    """(N, R) must be served in the region, hence by cloud."""
    usd_per_tok: Array
    """(N,) what a served token leaves for compute."""
    training_usd_per_flop: Array
    gpu_price_factor: Array
    rent_factor: Array
    power_price_factor: Array
    serving_gain_factor: Array
    peak_to_mean_factor: float


@dataclass(frozen=True)
class Limits:
    """What may not be exceeded."""

    budget_usd: Array
    """(T,) money that has come in by each quarter."""
    accelerators_per_quarter: float
    rented_accelerators_per_quarter: float
    construction_it_mw_per_quarter: float
    site_max_it_mw: Array
    """(S, T)."""
    supplier: IntArray
    """(G,) supplier of each accelerator type."""
    supplier_max_frac: float
    """Most that one supplier may hold of all accelerators in service, own and rented, by IT kW; 1 for no limit."""
    site_state: tuple[str, ...]


@dataclass(frozen=True)
class PlanCase:
    """One plan problem."""

    parent: IntArray
    quarter: IntArray
    probability: Array
    discount_frac_per_year: float
    inflation_frac_per_year: float
    rung_count: int
    site_area: IntArray
    """(S,) area of each site; own silicon may stand in any hall of its area."""
    site_energy_usd_per_it_mwh: Array
    """(S,) electricity of one IT MWh, overhead included."""
    halls: Halls
    chips: Chips
    pools: Pools
    rents: Rents
    market: Market
    limits: Limits
    committed_halls: tuple[CommittedHall, ...]
    committed_silicon: tuple[CommittedSilicon, ...]
    area_sublet_usd_per_mw_quarter: Array
    """(A,) what another user pays for a MW of hall by the quarter today; nan where nothing can be let."""
    hall_relet_frac: float
    """Share of a hall's rent that another tenant would pay beyond the horizon."""
    resale_frac_by_year: Array
    """Resale value against price at ages 0, 1, 2, ... years; 0 after the last."""
    fixed_sale_age: IntArray | None = None
    """(N, P) quarters of age at which sales are counted, -1 for none; None to work it out (``money.sale_age``)."""

    @property
    def n_nodes(self) -> int:
        """N."""
        return len(self.parent)

    @property
    def n_quarters(self) -> int:
        """T."""
        return int(self.quarter[-1]) + 1

    @property
    def n_sites(self) -> int:
        """S."""
        return len(self.limits.site_state)

    @property
    def n_areas(self) -> int:
        """A."""
        return int(self.site_area.max(initial=-1)) + 1

    @cached_property
    def hall_area(self) -> IntArray:
        """(H,) area of each hall."""
        return self.site_area[self.halls.site]

    @cached_property
    def ancestor(self) -> IntArray:
        """(N, T) node k quarters before each node, -1 before the root."""
        table = np.full((self.n_nodes, self.n_quarters), -1, dtype=np.int64)
        table[:, 0] = np.arange(self.n_nodes)
        for k in range(1, self.n_quarters):
            above = table[:, k - 1]
            table[:, k] = np.where(above >= 0, self.parent[above], -1)
        return table

    @cached_property
    def discount(self) -> Array:
        """(N,) real discount factor from the start of the node's quarter to the start of the horizon."""
        return np.asarray((1 + self.discount_frac_per_year) ** (-self.quarter / 4.0))

    @cached_property
    def leaves(self) -> IntArray:
        """Nodes of the last quarter."""
        return np.flatnonzero(self.quarter == self.n_quarters - 1)

    def window(self, first: int, length: int) -> tuple[IntArray, IntArray, IntArray]:
        """Pairs of a node and its ancestors from ``first`` to ``first + length - 1`` quarters before it.

        Result: (node, ancestor, k - first), each one-dimensional.
        """
        table = self.ancestor[:, first : first + length]
        node, step = np.nonzero(table >= 0)
        return node, table[node, step], step
