"""A tariff as rows of the dispatch: monthly tiers of energy, demand periods with tiers, ratchet, coincident peaks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kiban.energy.tariff import MONTHS, DemandPeriod, Tariff, Tiers
from kiban.solve import Block, Model

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]

KW_PER_MW = 1000.0
_SAME_USD_PER_KWH = 1e-9


def first_tier_usd_per_kwh(tariff: Tariff) -> Array:
    """Rate of the first tier with riders, (N,): x 1000 it goes into the dispatch as the hourly price."""
    return np.asarray(tariff.energy_usd_per_kwh[:, 0] + tariff.riders_usd_per_kwh, dtype=np.float64)


def constant_usd(tariff: Tariff) -> float:
    """What the tariff costs whatever the dispatch does, a year."""
    return MONTHS * tariff.fixed_usd_per_month


def problems(tariff: Tariff) -> list[str]:
    """Why a tariff cannot be rows of a linear programme; empty where it can.

    A linear programme fills tiers from the cheapest, so tiers must rise; and a tier above the first must cost as much
    more in every hour of a month, so that no hour's energy can be moved into a tier of its own.
    """
    found = []
    for month in range(MONTHS):
        rates = tariff.energy_usd_per_kwh[tariff.step_month == month]
        above = rates - rates[:, :1]
        if np.ptp(above, axis=0).max(initial=0.0) > _SAME_USD_PER_KWH:
            found.append(f"month {month + 1}: energy tiers cost more by different amounts in different hours")
        elif (np.diff(above[0]) < -_SAME_USD_PER_KWH).any():
            found.append(f"month {month + 1}: energy gets cheaper in higher tiers")
    for period in (*tariff.monthly_demand, *tariff.demand):
        if (np.diff(period.usd_per_kw) < 0).any():
            when = "the year" if period.month is None else f"month {period.month + 1}"
            found.append(f"{when}: demand gets cheaper in higher tiers")
    if tariff.minimum_usd_per_month or tariff.minimum_usd_per_year:
        found.append("a least charge is not part of the dispatch: take the bill of its answer")
    return found


def add_tariff(model: Model, inflow: Block, tariff: Tariff) -> dict[str, Block]:
    """Add all charges but the first energy tier to a model of one year.

    Arguments: model; block of power drawn, (N,) in MW; tariff of as many steps. Result: blocks of columns that carry
    cost, by name; costs in USD a year. Rows: tiers of month m: sum of kWh <= sum of tiers; demand: power <= sum of
    tiers of the period; ratchet: billed demand >= share x demand of the months looked back to. Errors: ValueError,
    one reason per line.
    """
    reasons = problems(tariff)
    if inflow.size != tariff.count:
        reasons.append(f"the dispatch has {inflow.size} steps, the tariff {tariff.count}")
    if reasons:
        raise ValueError("\n".join(reasons))
    found: dict[str, Block] = {}
    for month, tiers in enumerate(tariff.energy_tiers):
        if tiers.top.size > 1:
            found[f"energy_{month}"] = _energy_tiers(model, inflow, tariff, month, tiers)
    by_month: dict[int, tuple[Block, DemandPeriod]] = {}
    for number, period in enumerate((*tariff.monthly_demand, *tariff.demand)):
        name = f"demand_{number}"
        found[name] = _demand(model, inflow, period, name)
        if number < len(tariff.monthly_demand) and period.month is not None:
            by_month[period.month] = (found[name], period)
    _ratchet(model, inflow, tariff, by_month)
    for number, peak in enumerate(tariff.coincident):
        period = DemandPeriod(peak.steps, Tiers(np.array([np.inf])), np.array([peak.usd_per_kw]))
        found[f"coincident_{number}"] = _demand(model, inflow, period, f"coincident_{number}")
    return found


def _energy_tiers(model: Model, inflow: Block, tariff: Tariff, month: int, tiers: Tiers) -> Block:
    steps = np.flatnonzero(tariff.step_month == month)
    rates = tariff.energy_usd_per_kwh[steps[0]]
    columns = model.add_columns(
        f"energy_tiers_{month}", tiers.top.size, upper=tiers.width, cost=rates - rates[0], unit="kWh",
        sentence=f"energy of month {month + 1} by tier",
    )  # fmt: skip
    kwh = KW_PER_MW * tariff.step_h
    one = np.zeros(1, dtype=np.int64)
    model.add_rows(
        f"energy_tiers_rows_{month}", 1, lower=0.0, unit="kWh", sentence="the month's energy fits into its tiers",
        terms=[(one, columns, 1.0), (np.zeros(steps.size, dtype=np.int64), inflow[steps], -kwh)],
    )  # fmt: skip
    return columns


def _demand(model: Model, inflow: Block, period: DemandPeriod, name: str) -> Block:
    tiers = model.add_columns(
        name, period.tiers.top.size, upper=period.tiers.width, cost=period.usd_per_kw, unit="kW",
        sentence=f"billed demand, {period.kind}",
    )  # fmt: skip
    n = period.steps.size
    rows = np.arange(n)[:, None]
    model.add_rows(
        f"{name}_rows", n, upper=0.0, unit="kW", sentence="billed demand is the largest power of the period",
        terms=[(None, inflow[period.steps], KW_PER_MW), (rows, tiers.index[None, :], -1.0)],
    )  # fmt: skip
    return tiers


def _ratchet(model: Model, inflow: Block, tariff: Tariff, by_month: dict[int, tuple[Block, DemandPeriod]]) -> None:
    """Measured peaks have columns of their own, so that a lifted month does not lift those after it."""
    ratchet = tariff.ratchet
    if ratchet is None:
        return
    zero = np.zeros(1, dtype=np.int64)
    measured = model.add_columns("measured", MONTHS, unit="kW", sentence="largest power of each month")
    for month, (tiers, period) in by_month.items():
        model.add_rows(
            f"measured_{month}", period.steps.size, upper=0.0, unit="kW",
            sentence="the measured peak is the largest power",
            terms=[(None, inflow[period.steps], KW_PER_MW), (None, measured[month], -1.0)],
        )  # fmt: skip
        looked = ratchet.months or tuple((month - k) % MONTHS for k in range(1, ratchet.previous + 1))
        for other in looked:
            model.add_rows(
                f"ratchet_{month}_{other}", 1, lower=0.0, unit="kW",
                sentence="billed demand is at least a share of the peak of other months",
                terms=[(zero, tiers, 1.0), (zero, measured[other], -ratchet.frac)],
            )  # fmt: skip
