"""Taxes that change where to build: sales tax on silicon, property tax on halls and servers, by state."""

from __future__ import annotations

from dataclasses import dataclass

from kiban.catalog import Catalog

USD_PER_MILLION = 1e6


@dataclass(frozen=True)
class StateTax:
    """Rates that hold at a site after exemptions."""

    silicon_sales_frac: float
    """Sales tax on servers and network against price."""
    hall_property_frac_per_year: float
    """Property tax on the hall against construction cost."""
    silicon_property_frac_per_year: float
    """Property tax on one accelerator against its price, mean over its life."""


def state_tax(catalog: Catalog, state: str, spend_usd: float, site_it_mw: float) -> StateTax:
    """Return the rates at a site of a state.

    Texas: the state part of the sales tax falls away above the investment and power thresholds of Tax Code
    151.3595 (the local part stays), servers are taxable property, a Chapter 312 agreement abates the part that is
    not school tax. New York: an industrial development agency exempts sales tax and agrees a payment in lieu of
    property tax; servers are not taxed. Elsewhere: mean rates with the usual data-centre exemption.
    Args: spend_usd, planned investment; site_it_mw, size of the site.
    """
    appraisal = catalog.value("tax.silicon_appraisal_mean_frac")
    if state == "tx":
        scheme = "tax.tx.dc_exempt_151_3595."
        exempt = spend_usd >= catalog.value(
            scheme + "investment_min_usd_m"
        ) * USD_PER_MILLION and site_it_mw >= catalog.value(scheme + "power_min_mw")
        state_part = 0.0 if exempt else catalog.value("tax.tx.sales_state_frac")
        rate = catalog.value("tax.tx.property_rate_frac_of_value")
        abated = catalog.value("tax.tx.chapter_312.abatement_frac") * (
            1 - catalog.value("tax.tx.property_school_share_frac")
        )
        return StateTax(
            silicon_sales_frac=state_part + catalog.value("tax.tx.sales_local_max_frac"),
            hall_property_frac_per_year=rate * (1 - abated),
            silicon_property_frac_per_year=rate
            * (1 - abated)
            * appraisal
            * catalog.value("tax.tx.business_personal_property_taxed"),
        )
    if state == "ny":
        due = 1 - catalog.value("tax.ny.ida_sales_exempt_frac")
        abated = catalog.value("tax.ny.ida_pilot.abatement_frac")
        rate = catalog.value("tax.ny.property_rate_frac_of_value") * (1 - abated)
        return StateTax(
            silicon_sales_frac=due
            * (catalog.value("tax.ny.sales_state_frac") + catalog.value("tax.ny.sales_local_upstate_frac")),
            hall_property_frac_per_year=rate,
            silicon_property_frac_per_year=rate
            * appraisal
            * catalog.value("tax.ny.manufacturer_personal_property_taxed"),
        )
    rate = catalog.value("tax.other.property_rate_frac_of_value")
    return StateTax(
        silicon_sales_frac=catalog.value("tax.other.sales_frac")
        * (1 - catalog.value("tax.other.dc_sales_exempt_frac")),
        hall_property_frac_per_year=rate,
        silicon_property_frac_per_year=rate * appraisal * catalog.value("tax.other.business_personal_property_taxed"),
    )
