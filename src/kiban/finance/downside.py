"""The lender's downside: the debt as it was sized, with lower prices, a late start, dearer money, and all of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kiban.finance import model, service
from kiban.finance.debt import per_quarter_frac
from kiban.results import DownsideCase

Array = NDArray[np.float64]

PRICE_FRAC, DELAY_QUARTERS, RATE_FRAC_PER_YEAR = -0.30, 4, 0.02
"""The blows that lenders ask for: price of compute, months of delay, floating rate."""


@dataclass(frozen=True)
class Blow:
    """One row of the table."""

    name: str
    sentence: str
    price_frac: float = 0.0
    delay_quarters: int = 0
    rate_frac_per_year: float = 0.0


BLOWS = (
    Blow("as planned", "the plan on which the debt was sized"),
    Blow("price -30 %", "every hour at work earns 30 % less", price_frac=PRICE_FRAC),
    Blow("delay +12 months", "what is not in service at the start comes a year later", delay_quarters=DELAY_QUARTERS),
    Blow("rate +200 bp", "the rate floats and rises by two points at once", rate_frac_per_year=RATE_FRAC_PER_YEAR),
    Blow("all three", "lower price, late start and dearer money together", PRICE_FRAC, DELAY_QUARTERS,
         RATE_FRAC_PER_YEAR),
)  # fmt: skip


def later(flow: Array, quarters: int) -> Array:
    """Flow (L, T) whose part above its level of the first quarter comes some quarters later; the end is cut off."""
    stands = np.minimum(flow, flow[:, :1])
    late = np.zeros_like(flow)
    late[:, quarters:] = (flow - stands)[:, : flow.shape[1] - quarters]
    return np.asarray(stands + late)


def struck(real: model.RealFlows, price: Array, blow: Blow) -> model.RealFlows:
    """Flows under a blow. Args: price (L, T) of work, real; late work earns the price of its own day.

    A delay moves work, hall rent, energy and operation; construction and silicon are paid as planned and rent of
    accelerators runs on, because those contracts do not wait for a hall.
    """
    lines = {n: getattr(real, n) for n in ("value", "hall_rent", "energy", "operation")}
    if blow.delay_quarters:
        lines["value"] = np.divide(real.value, price, out=np.zeros_like(price), where=price > 0)
        lines = {n: later(flow, blow.delay_quarters) for n, flow in lines.items()}
        lines["value"] = lines["value"] * price
    return replace(real, **{**lines, "value": lines["value"] * (1 + blow.price_frac)})


def repriced(tranche: service.Tranche, rate_per_quarter_frac: float) -> service.Tranche:
    """The same draws at another rate: service keeps its shape and is scaled so that it repays what is drawn."""
    time = np.arange(tranche.draw.shape[1])
    factor = (1 + rate_per_quarter_frac) ** -time
    drawn, paid = tranche.draw @ factor, tranche.service @ factor
    scale = np.divide(drawn, paid, out=np.zeros(len(paid)), where=paid > 0)
    return service.Tranche(tranche.draw, tranche.service * scale[:, None], rate_per_quarter_frac)


def downside(
    real: model.RealFlows, price: Array, rules: model.Rules, lending: model.Lending, levered: model.Levered, base: int,
    quarters: tuple[str, ...], probability: Array,
) -> tuple[DownsideCase, ...]:  # fmt: skip
    """Face the debt with each blow; empty without debt. Tax is worked out anew, silicon and halls stay as decided.

    Args: price (L, T) market price of work, real, in any unit.
    """
    if levered.principal <= 0:
        return ()
    return tuple(_case(blow, real, price, rules, lending, levered, base, quarters, probability) for blow in BLOWS)


def _case(
    blow: Blow, real: model.RealFlows, price: Array, rules: model.Rules, lending: model.Lending,
    levered: model.Levered, base: int, quarters: tuple[str, ...], probability: Array,
) -> DownsideCase:  # fmt: skip
    flows = model.nominal(struck(real, price, blow), rules)
    rates = [lending.terms.rate_frac_per_year, *([] if lending.chips is None else [lending.chips.rate_frac_per_year])]
    tranches = tuple(
        repriced(t, per_quarter_frac(rate + blow.rate_frac_per_year)) if blow.rate_frac_per_year else t
        for t, rate in zip(levered.tranches, rates, strict=True)
    )
    agreed = lending.rules
    if agreed.refinance is not None and blow.rate_frac_per_year:
        yearly = (1 + agreed.refinance.rate_per_quarter_frac) ** 4 - 1
        dearer = per_quarter_frac(yearly + blow.rate_frac_per_year)
        agreed = replace(agreed, refinance=replace(agreed.refinance, rate_per_quarter_frac=dearer))
    other = flows.unlevered - flows.for_service + levered.draw - levered.fee
    served = service.serve(tranches, flows.for_service, other, levered.start_quarter, agreed, base)
    breach = served.first_breach[base]
    return DownsideCase(
        name=blow.name,
        sentence=blow.sentence,
        min_dscr=float(served.min_dscr[base]),
        llcr=float(served.llcr[base]),
        first_breach_quarter=quarters[breach] if breach >= 0 else "",
        unpaid_frac=float(served.unpaid_frac[base]),
        expected_unpaid_frac=float(probability @ served.unpaid_frac),
        expected_npv_usd=float(probability @ model.real_npv(flows, rules.discount_frac_per_year)),
    )
