"""Leases on the balance sheet: fixed rent of halls and of accelerator contracts of more than a year."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiban.finance.debt import per_quarter_frac
from kiban.results import Demand, Fleet, Plan, PlanOutcome, Rung
from kiban.scenario import Scenario
from kiban.units import HOURS_PER_QUARTER, Quarter

Array = NDArray[np.float64]

SHORT_QUARTERS = 4
"""Contracts of at most twelve months stay off the balance sheet (short-term exemption of ASC 842 and IFRS 16)."""


@dataclass(frozen=True)
class Leases:
    """Leases in every history, (L, T) nominal USD; balances after the payment of the quarter."""

    payment: Array
    """Fixed rent that is paid."""
    cost: Array
    """The same rent spread evenly over each lease."""
    liability: Array
    asset: Array
    """Right of use."""
    opening_liability: float
    """Of leases that were running before the first quarter."""
    opening_asset: float


@dataclass(frozen=True)
class Kernel:
    """One lease that pays 1 in its first quarter, by age in quarters (n,)."""

    payment: Array
    cost: Array
    liability: Array
    asset: Array


def lease_kernel(term_quarters: int, growth_per_year: float, rate_per_quarter_frac: float) -> Kernel:
    """Liability and right of use of one lease after the payment of each quarter.

    Liability: present value of the payments still due, at the rate of commencement. Right of use of an operating lease:
    it falls by the even cost less the interest of the quarter, so that cost is even (ASC 842, operating lease); both
    end at zero. Args: term; growth_per_year, nominal multiple of the rent a year; rate. Payments p_j = g^(j/4).
    """
    j = np.arange(term_quarters)
    payment = growth_per_year ** (j / 4)
    discount = (1 + rate_per_quarter_frac) ** -j
    worth = payment * discount
    rest = worth[::-1].cumsum()[::-1]
    liability = np.append(rest[1:], 0.0) / discount
    cost = np.full(term_quarters, float(payment.mean()))
    # After the first payment no interest has run: the asset is the whole present value less one even cost.
    interest = np.concatenate([[0.0], liability[:-1] * rate_per_quarter_frac])
    asset = rest[0] - np.cumsum(cost - interest)
    return Kernel(payment, cost, liability, asset)


def leases_of(
    scenario: Scenario, outcome: PlanOutcome, plan: Plan, demand: Demand, fleet: Fleet, rate_frac_per_year: float
) -> Leases:
    """Gather the leases of a plan along its histories.

    Halls: the whole rent is fixed; a lease starts with power at the racks and its first rent is that of the price level
    of the day. Accelerators: the take-or-pay share less what was prepaid, at the price of signature, flat. Prepayments
    and deposits stand beside. Args: rate, the programme's borrowing rate for every lease.
    """
    part = scenario.finance
    rate = per_quarter_frac(rate_frac_per_year)
    path = plan.leaf_path
    quarters = path.shape[1]
    index = (1 + part.inflation_frac_per_year) ** (np.arange(quarters) / 4)
    total = {name: np.zeros(path.shape) for name in ("payment", "cost", "liability", "asset")}
    before = {"liability": 0.0, "asset": 0.0}

    def add(first: Array, kernel: Kernel) -> None:
        """First payments (L, T) by the quarter of commencement."""
        for name, out in total.items():
            out += first @ _lagged(getattr(kernel, name), quarters)

    for k, rung in enumerate(plan.rungs):
        if not rung.holds_hall and rung.term_quarters > SHORT_QUARTERS:
            first = _signed_rent(outcome, plan, demand, fleet, rung, k) * index
            add(first, lease_kernel(rung.term_quarters, 1.0, rate))
        elif rung.holds_hall and rung.rent_usd_per_kw_month > 0:
            kernel = lease_kernel(rung.term_quarters, 1 + rung.escalator_frac_per_year, rate)
            usd_per_mw = rung.rent_usd_per_kw_month * 3e3
            add(_later(outcome.node_hall_start_it_mw[path, k], rung.lead_time_quarters) * usd_per_mw * index, kernel)
            _signed_halls(scenario, rung, kernel, usd_per_mw, total, before)
    return Leases(**total, opening_liability=before["liability"], opening_asset=before["asset"])


def _lagged(values: Array, quarters: int) -> Array:
    """(T, T): column t, row s holds the value at age t - s."""
    age = np.arange(quarters)[None, :] - np.arange(quarters)[:, None]
    padded = np.pad(values[:quarters], (0, max(0, quarters - len(values))))
    return np.where(age >= 0, padded[np.clip(age, 0, quarters - 1)], 0.0)


def _later(values: Array, quarters: int) -> Array:
    """Values (L, T) some quarters later; what falls beyond the horizon is left out."""
    out = np.zeros_like(values)
    if quarters < values.shape[1]:
        out[:, quarters:] = values[:, : values.shape[1] - quarters]
    return out


def _signed_rent(outcome: PlanOutcome, plan: Plan, demand: Demand, fleet: Fleet, rung: Rung, k: int) -> Array:
    """(L, T) real fixed rent of the first quarter of contracts by commencement, USD."""
    order = [fleet.accelerators.index(name) for name in plan.accelerators]
    rents = fleet.accelerator_cloud_usd_per_gpu_h if rung.kind == "cloud" else fleet.accelerator_neocloud_usd_per_gpu_h
    price = np.nan_to_num(rents[order]) * HOURS_PER_QUARTER
    signed = (outcome.node_rent_sign[:, k] @ price) * demand.node_rent_factor
    fixed = rung.take_or_pay_frac * (1 - rung.deposit_frac)
    return _later((signed * fixed)[plan.leaf_path], rung.lead_time_quarters)


def _signed_halls(
    scenario: Scenario, rung: Rung, kernel: Kernel, usd_per_mw: float, total: dict[str, Array], before: dict[str, float]
) -> None:
    """Add blocks that were signed before the horizon; those already running open the first balance sheet."""
    site = next(s for s in scenario.sites if s.name == rung.site)
    if site.committed_rung != rung.kind:
        return
    quarters = total["payment"].shape[1]
    zero = Quarter.parse(scenario.horizon.start_quarter)
    for block in site.committed:
        at = Quarter.parse(block.quarter) - zero
        first = block.it_mw * usd_per_mw * (1 + scenario.finance.inflation_frac_per_year) ** (at / 4)
        ages = np.arange(quarters) - at
        inside = (ages >= 0) & (ages < rung.term_quarters)
        for name, out in total.items():
            out[:, inside] += first * getattr(kernel, name)[ages[inside]]
        if -rung.term_quarters < at < 0:
            for name in before:
                before[name] += first * float(getattr(kernel, name)[-at - 1])
