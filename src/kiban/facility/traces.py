"""The derivation records of the facility room."""

from __future__ import annotations

from collections.abc import Iterator

from kiban.facility import construction, site_costs
from kiban.facility.cooling import LIQUID_KINDS
from kiban.facility.inputs import CHAIN_KEYS, PLANT_KEYS
from kiban.facility.model import SiteYear
from kiban.facility.site_costs import SiteCosts
from kiban.facility.site_hall import chosen_keys
from kiban.results import Hall, Trace
from kiban.scenario.schema import SitePart

_AIR, _WATER = ("supply_air_degc", "residual_supply_air_degc"), ("technology_water_degc",)
"""Set-points that an ASHRAE class replaces."""
_LIQUID_ONLY = ("technology_water", "cdu_", "liquid_share", "residual_supply")


def site_traces(site: SitePart, overhead: SiteYear, costs: SiteCosts, hall: Hall) -> tuple[Trace, ...]:
    """Give the traces of one site: PUE, WUE, peak PUE, gain of its path, construction, upkeep, staff, build time."""
    place = f"scenario.sites.{site.name}"
    liquid = site.cooling in LIQUID_KINDS
    gone = (*(_AIR if site.air_class else ()), *(_WATER if site.water_class else ()))
    unused = () if liquid else _LIQUID_ONLY
    plant = tuple(key for field, key in PLANT_KEYS.items() if field not in gone and not field.startswith(unused))
    chosen = tuple(f"{place}.{name}" for name in ("power", "air_class", "water_class") if getattr(site, name))
    weather = ("weather_normals", "weather_daily_statistics", f"{place}.weather")
    physical = (*weather, f"{place}.cooling", *chosen, *plant, *_chain_keys(site), *chosen_keys(site))
    mean_load = "facility.mean_it_load_frac"
    lines = [
        Trace(
            f"facility.construction_usd_per_kw.{site.name}.{line}",
            float(value),
            "USD/kW critical IT",
            _LINE_FORMULAS.get(line, "published total x share x region x escalation"),
            (*_line_keys(line), *_moved_by(line, costs), f"{place}.state"),
        )
        for line, value in zip(construction.LINES, costs.lines_usd_per_kw, strict=True)
    ]
    total = f"facility.site_construction_usd_per_kw.{site.name}"
    return (
        Trace(
            f"facility.site_annual_pue.{site.name}",
            overhead.annual_pue,
            "facility/IT",
            "mean over hours of 1 + electrical losses + fans + pumps + chillers, at mean IT load",
            (*physical, mean_load),
        ),
        Trace(
            f"facility.site_annual_wue_l_per_kwh.{site.name}",
            overhead.annual_wue_l_per_kwh,
            "L/kWh IT",
            "mean over hours of evaporation + larger of blowdown and drift, at mean IT load",
            (*physical, mean_load),
        ),
        Trace(
            f"facility.site_peak_pue.{site.name}",
            overhead.peak_pue,
            "facility/IT",
            "largest PUE at full IT load over the year and the design hour",
            physical,
        ),
        *_gain(site, overhead, hall),
        *lines,
        Trace(
            total,
            float(costs.lines_usd_per_kw.sum()),
            "USD/kW critical IT",
            "sum of the construction lines",
            tuple(trace.name for trace in lines),
        ),
        Trace(
            f"facility.site_maintenance_usd_per_kw_year.{site.name}",
            costs.maintenance_usd_per_kw_year,
            "USD/kW-yr critical IT",
            "share of the cost of electrical, mechanical and liquid plant",
            (site_costs.MAINTENANCE_KEY, *(t.name for t in lines if t.name.endswith(_PLANT_LINES))),
        ),
        Trace(
            f"facility.site_construction_job_years_per_mw.{site.name}",
            costs.construction_job_years_per_mw,
            "job-years/MW critical IT",
            "min(hard cost x labour share / pay, peak crew per MW x years on site)",
            (*site_costs.LABOUR_KEYS, total),
        ),
        Trace(
            f"facility.site_operations_fte_per_mw.{site.name}",
            costs.operations_fte_per_mw,
            "FTE/MW critical IT",
            "log-log between published classes of site size",
            (f"{place}.max_it_mw", *(key for pair in site_costs.STAFF_KEYS for key in pair)),
        ),
        Trace(
            f"facility.site_build_months_p50.{site.name}",
            float(costs.build_months[1]),
            "months",
            "later of the measured span and the slowest equipment plus commissioning",
            (*site_costs.BUILD_KEYS, *site_costs.EQUIPMENT_KEYS, site_costs.COMMISSIONING_KEY),
        ),
    )


def _gain(site: SitePart, overhead: SiteYear, hall: Hall) -> Iterator[Trace]:
    if hall.saving is not None:
        yield Trace(
            f"facility.site_path_gain_pue.{site.name}",
            hall.saving.annual_pue - overhead.annual_pue,
            "facility/IT",
            "PUE of double conversion with the same spare units less that of the site's power path",
            (f"facility.site_annual_pue.{site.name}", *CHAIN_KEYS.values()),
        )


def _chain_keys(site: SitePart) -> tuple[str, ...]:
    """Rows of the chain that are left in use: redundancy sets the load of units, another path the points of the UPS."""
    power = site.power
    if power is None:
        return tuple(CHAIN_KEYS.values())
    gone = ("_design_load_frac", *(() if power.ups == "double_conversion" else ("ups_efficiency",)))
    unused = ("distribution_loss_frac",) if power.ups == "dc_800v" else ()
    return tuple(key for name, key in CHAIN_KEYS.items() if not any(g in name for g in (*gone, *unused)))


_PLANT_LINES = (".electrical", ".mechanical_cooling", ".liquid_cooling")
_LINE_FORMULAS = {
    "liquid_cooling": "adder per liquid-cooled kW x liquid share x region x escalation",
    "soft_cost": "hard cost x s / (1 - s)",
    "contingency": "share of hard and soft cost",
    "land": "price per acre x acres per MW / 1000",
    "utility_works": "cost per critical IT kW x escalation",
}


def _line_keys(line: str) -> tuple[str, ...]:
    keys = site_costs.COST_KEYS
    split = (keys["critical_share_frac"], keys["electrical_weight"], keys["mechanical_weight"])
    own: dict[str, tuple[str, ...]] = {
        "shell": (keys["total_usd_per_kw"], keys["shell_share_frac"], *site_costs.SHELL_EXTRA_KEYS),
        "site_works": (keys["total_usd_per_kw"], keys["site_share_frac"]),
        "electrical": (keys["total_usd_per_kw"], *split),
        "mechanical_cooling": (keys["total_usd_per_kw"], *split),
        "liquid_cooling": (keys["liquid_adder_usd_per_kw"], site_costs.LIQUID_SHARE_KEY),
        "network_fitout": (keys["total_usd_per_kw"], keys["white_space_share_frac"]),
        "soft_cost": (keys["total_usd_per_kw"], keys["soft_cost_share_frac"]),
        "contingency": (keys["total_usd_per_kw"], keys["contingency_frac"]),
        "land": (keys["land_usd_per_acre"], keys["land_acres_per_mw"]),
        "utility_works": (keys["utility_works_usd_per_kw"],),
    }
    return own[line]


def _moved_by(line: str, costs: SiteCosts) -> tuple[str, ...]:
    if line == "land":
        return ()
    return (site_costs.ESCALATION_KEY,) if line == "utility_works" else (costs.regional_key, site_costs.ESCALATION_KEY)
