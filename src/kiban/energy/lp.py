"""The supply problem of one site as a linear programme: capacities and hourly flows at least yearly cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kiban.energy.profiles import MONTHS_PER_YEAR
from kiban.energy.weeks import Periods
from kiban.solve import Block, Model, Solution, require_optimal

Array = NDArray[np.float64]
Matching = Literal["none", "annual", "monthly", "hourly"]

CAPACITIES = ("wind_mw", "solar_mw", "battery_mw", "battery_mwh", "gas_mw", "peak_mw")
SOURCES = ("grid", "wind", "solar", "battery", "gas", "sold", "curtailed")


@dataclass(frozen=True)
class Costs:
    """What a site pays, per MW or MWh and year of the model; all in real USD of the price year."""

    grid_adder_usd_per_mwh: float
    """Delivery by energy, on everything that comes through the grid connection, contracted energy too."""
    demand_usd_per_mw_year: float
    """Transmission and capacity, on the largest import of the year."""
    import_limit_mw: float
    """Interconnection limit."""
    wind_usd_per_mwh: float
    """Contract price, paid as produced."""
    solar_usd_per_mwh: float
    """Contract price, paid as produced."""
    battery_usd_per_mw_year: float
    """Annuity and fixed upkeep of the power part."""
    battery_usd_per_mwh_year: float
    """Annuity of the energy part."""
    battery_one_way_frac: float
    """Efficiency of charging, and again of discharging."""
    gas_usd_per_mw_year: float
    """Annuity and fixed upkeep."""
    gas_usd_per_mwh: float
    """Fuel, variable upkeep and carbon price."""
    contracted_max_frac: float
    """Most contracted energy, used or sold, over the load of the year."""
    onsite_gas: bool
    """On-site gas is open."""


@dataclass(frozen=True)
class Series:
    """Hourly series of a site at K steps, per critical IT MW."""

    load_mw: Array
    price_usd_per_mwh: Array
    """Market purchase, carbon price included."""
    sale_usd_per_mwh: Array
    """What contracted energy earns that is not needed; never negative."""
    wind_frac: Array
    solar_frac: Array


@dataclass(frozen=True)
class Dispatch:
    """Solution at K steps."""

    capacity_mw: Array
    """(P,) by SOURCES; grid is the largest import."""
    storage_mwh: float
    flow_mw: Array
    """(P, K); sold and curtailed are negative, battery is discharge less charge."""
    charge_mw: Array
    """(K,) into the battery."""
    discharge_mw: Array
    """(K,) out of the battery."""
    state_mwh: Array
    """(K,) battery content at the end of the step."""
    price_usd_per_mwh: Array
    """(K,) dual of the energy balance."""
    import_limit_usd_per_mw_year: float
    """What another MW of interconnection is worth."""
    cost_usd_per_year: float


class SupplyModel:
    """One site's programme; matching rules only move bounds of rows, so that re-solving starts warm.

    Columns per step: purchase, sold, curtailed, charge, discharge, state, gas; and the capacities. Wind and solar
    have no columns per step: their output g is capacity times profile. Per step k with weight w_k:

    balance      purchase + g - sold - curtailed + discharge - charge + gas = load
    spill        sold + curtailed <= g
    state        state = state_before + e charge - discharge / e     (cyclic in each period)
    power        charge + discharge <= battery power;  state <= battery energy;  gas <= gas power
    import       load + charge - discharge - gas <= peak import <= interconnection limit
    contracted   f L <= sum w (load + charge - discharge - purchase - gas + sold) <= max L    (annual, by month)
    matched      f L <= sum w (load - purchase - gas)                                          (hourly)

    Minimise purchases + delivery + contracts as produced - sales + fuel + annuities + demand charge. Origin: the
    matching rows follow Riepl and Brown 2024 (arXiv:2403.07876) without the share of clean energy in the grid.
    Validity: perfect foresight inside a period; a price taker; contracts of any size up to the cap.
    """

    def __init__(self, series: Series, periods: Periods, costs: Costs) -> None:
        self.series, self.periods, self.costs = series, periods, costs
        self.model = Model("supply")
        self.rules: dict[str, Block] = {}
        self._columns()
        self._rows()

    def _columns(self) -> None:
        s, w, c = self.series, self.periods.step_weight, self.costs
        count = self.periods.count
        open_gas = np.inf if c.onsite_gas else 0.0
        adder = w * c.grid_adder_usd_per_mwh
        wind_usd = float(w @ s.wind_frac) * c.wind_usd_per_mwh
        solar_usd = float(w @ s.solar_frac) * c.solar_usd_per_mwh

        def add(name: str, sentence: str, cost: ArrayLike, upper: float = np.inf, unit: str = "MW") -> Block:
            shape = 1 if name in CAPACITIES else count
            return self.model.add_columns(name, shape, upper=upper, cost=cost, unit=unit, sentence=sentence)

        self.purchase = add("purchase", "bought on the market", w * s.price_usd_per_mwh)
        self.sold = add("sold", "contracted energy sold on", -w * s.sale_usd_per_mwh)
        self.curtailed = add("curtailed", "contracted energy thrown away", 0.0)
        self.charge = add("charge", "into the battery", adder)
        self.discharge = add("discharge", "out of the battery", -adder)
        self.state = add("state", "battery content", 0.0, unit="MWh")
        self.gas = add("gas", "on-site gas", w * c.gas_usd_per_mwh - adder, open_gas)
        self.wind_mw = add("wind_mw", "contracted wind", wind_usd)
        self.solar_mw = add("solar_mw", "contracted solar", solar_usd)
        self.battery_mw = add("battery_mw", "battery power", c.battery_usd_per_mw_year)
        self.battery_mwh = add("battery_mwh", "battery energy", c.battery_usd_per_mwh_year, unit="MWh")
        self.gas_mw = add("gas_mw", "on-site gas power", c.gas_usd_per_mw_year, open_gas)
        self.peak_mw = add("peak_mw", "largest import of the year", c.demand_usd_per_mw_year)

    def _rows(self) -> None:
        self._flow_rows()
        self._capacity_rows()
        self._clean_rows()

    def _flow_rows(self) -> None:
        s, count, add = self.series, self.periods.count, self.model.add_rows
        output = [(None, self.wind_mw, s.wind_frac), (None, self.solar_mw, s.solar_frac)]
        add(
            "balance",
            count,
            lower=s.load_mw,
            upper=s.load_mw,
            terms=[
                *output,
                *((None, b, 1.0) for b in (self.purchase, self.discharge, self.gas)),
                *((None, b, -1.0) for b in (self.sold, self.curtailed, self.charge)),
            ],
            unit="MW",
            sentence="supply covers the load in every hour",
            formula="purchase + contracted - sold - curtailed + battery + gas = load",
        )
        add(
            "spill",
            count,
            upper=0.0,
            terms=[(None, self.sold, 1.0), (None, self.curtailed, 1.0), *((r, b, -v) for r, b, v in output)],
            unit="MW",
            sentence="only contracted output is sold or thrown away",
            formula="sold + curtailed <= wind + solar",
        )
        eff = self.costs.battery_one_way_frac
        add(
            "state_balance",
            count,
            lower=0.0,
            upper=0.0,
            terms=[
                (None, self.state, 1.0),
                (None, self.state[self.periods.step_previous], -1.0),
                (None, self.charge, -eff),
                (None, self.discharge, 1 / eff),
            ],
            unit="MWh",
            sentence="the battery keeps what it is given and ends where it began",
            formula="state = state before + e charge - discharge / e",
        )

    def _capacity_rows(self) -> None:
        s, c, count = self.series, self.costs, self.periods.count
        caps: tuple[tuple[str, list[Block], Block], ...] = (
            ("battery_power", [self.charge, self.discharge], self.battery_mw),
            ("battery_energy", [self.state], self.battery_mwh),
            ("gas_power", [self.gas], self.gas_mw),
        )
        for name, flows, capacity in caps:
            words = " + ".join(b.name for b in flows)
            self.model.add_rows(
                name,
                count,
                upper=0.0,
                terms=[*((None, b, 1.0) for b in flows), (None, capacity, -1.0)],
                unit=capacity.unit,
                sentence=f"{words} stays within its capacity",
                formula=f"{words} <= {capacity.name}",
            )
        self.model.add_rows(
            "import",
            count,
            upper=-s.load_mw,
            terms=[
                (None, self.charge, 1.0),
                *((None, b, -1.0) for b in (self.discharge, self.gas, self.peak_mw)),
            ],
            unit="MW",
            sentence="the grid connection carries what is not made on site",
            formula="load + charge - discharge - gas <= peak",
        )
        self.model.add_rows(
            "import_limit",
            1,
            upper=c.import_limit_mw,
            terms=[(None, self.peak_mw, 1.0)],
            unit="MW",
            sentence="the grid connection has a limit",
            formula="peak <= limit",
            relaxable=True,
        )

    def _clean_rows(self) -> None:
        w, month = self.periods.step_weight, self.periods.step_month
        year = np.zeros_like(month)
        delivered = [(b, w) for b in (self.charge, self.sold)]
        delivered += [(b, -w) for b in (self.discharge, self.purchase, self.gas)]
        for name, rows, count in (("contracted_month", month, MONTHS_PER_YEAR), ("contracted_year", year, 1)):
            self.rules[name] = self.model.add_rows(
                name,
                count,
                terms=[(rows, b, v) for b, v in delivered],
                unit="MWh",
                sentence="contracted energy, used or sold, against the load",
                formula="sum w (load + charge - discharge - purchase - gas + sold) >= f load",
                relaxable=True,
            )
        self.rules["matched"] = self.model.add_rows(
            "matched",
            1,
            terms=[(year, b, -w) for b in (self.purchase, self.gas)],
            unit="MWh",
            sentence="contracted energy in the hour of use, against the load",
            formula="sum w (load - purchase - gas) >= f load",
            relaxable=True,
        )

    def solve(self, matching: Matching, clean_frac: float) -> Dispatch:
        """Solve under a matching rule.

        Arguments: rule; clean share of the load that must be reached (0..1). Result: the least-cost dispatch.
        Errors: Infeasible, with the limits that clash in words; SolverError where the solver stops early.
        """
        w, load = self.periods.step_weight, self.series.load_mw
        energy = float(w @ load)
        month_energy = np.bincount(self.periods.step_month, weights=w * load, minlength=MONTHS_PER_YEAR)
        floor = (clean_frac - 1) * energy
        low_year = floor if matching == "annual" else -np.inf
        low_month = (clean_frac - 1) * month_energy if matching == "monthly" else np.full(MONTHS_PER_YEAR, -np.inf)
        bounds = self.model.set_row_bounds
        bounds(self.rules["contracted_year"], low_year, (self.costs.contracted_max_frac - 1) * energy)
        bounds(self.rules["contracted_month"], low_month, np.inf)
        bounds(self.rules["matched"], floor if matching == "hourly" else -np.inf, np.inf)
        return self._read(require_optimal(self.model, self.model.solve()))

    def _read(self, solution: Solution) -> Dispatch:
        s, w = self.series, self.periods.step_weight
        value = solution.value
        wind, solar, power, energy, gas = (max(float(value(name)[0]), 0.0) for name in CAPACITIES[:-1])
        charge, discharge = value("charge"), value("discharge")
        flow = np.stack(
            [
                value("purchase"),
                wind * s.wind_frac,
                solar * s.solar_frac,
                discharge - charge,
                value("gas"),
                -value("sold"),
                -value("curtailed"),
            ]
        )
        # Where demand is not charged for, the column of the peak may float above the largest import.
        peak = float((s.load_mw + charge - discharge - value("gas")).max())
        return Dispatch(
            capacity_mw=np.array([peak, wind, solar, power, gas, 0.0, 0.0]),
            storage_mwh=energy,
            flow_mw=flow,
            charge_mw=charge,
            discharge_mw=discharge,
            state_mwh=value("state"),
            price_usd_per_mwh=solution.dual("balance") / w,
            import_limit_usd_per_mw_year=-float(solution.dual("import_limit")[0]),
            cost_usd_per_year=solution.objective + self.costs.grid_adder_usd_per_mwh * float(w @ s.load_mw),
        )
