"""The Operations sheet: rent, electricity, upkeep, deposits, and what is left or owed at the end of the horizon.

The formulas repeat the ledger of the plan room (`docs/plan.md`), line by line, in real USD m.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiban.report.workbook_base import Base
from kiban.report.workbook_grid import Book, Formula, Series, TimeSheet, added, plus
from kiban.report.workbook_inputs import Assumptions
from kiban.report.workbook_plan import PlanRows, ages, window

Array = NDArray[np.float64]


@dataclass(frozen=True)
class OperationRows:
    """Rows of the Operations sheet, USD m, real; costs positive."""

    hall_rent: Series
    accelerator_rent: Series
    energy_mwh: Series
    energy: Series
    operation: Series
    deposits: Series


class Operations:
    """Writes the sheet from the top; holds what every block needs."""

    def __init__(self, book: Book, given: Assumptions, base: Base, plan: PlanRows) -> None:
        self.sheet = TimeSheet(
            book,
            "Operations",
            "Operations of the base history",
            "Real USD m of the price year unless the unit says otherwise; costs are positive.",
        )
        self.cell, self.worth, self.base, self.plan = given.cell, given.number, base, plan
        self.quarters = len(base.quarters)
        self.inflation = base.case.inflation_frac_per_year

    def write(self) -> OperationRows:
        """Write every block."""
        rent = self._hall_rent()
        rented = self._accelerator_rent()
        mwh, energy = self._energy()
        return OperationRows(rent, rented, mwh, energy, self._operation(), self._deposits())

    def _block(self, title: str, total: str, rows: list[Series], unit: str = "USD m", number: str = "usd_m") -> Series:
        return self.sheet.series(
            total, unit, added(rows, self.quarters), lambda q: plus(rows, q), number=number, bold=True
        )

    def _add(self, label: str, values: Array, text: Formula, unit: str = "USD m", number: str = "usd_m") -> Series:
        return self.sheet.series(label, unit, values, text, number=number)

    def _hall_rent(self) -> Series:
        self.sheet.heading("Rent of halls: first-year rent with the nominal escalator, in real money")
        rows, number = [], self.plan.number
        for use in self.base.halls:
            key = f"hall.{use.rung.name}"
            if self.worth[f"{key}.rent"] <= 0:
                continue
            lead, term, rent, step = (self.cell[f"{key}.{k}"] for k in ("lead", "term", "rent", "escalator"))
            growth, usd = (1 + self.worth[f"{key}.escalator"]) / (1 + self.inflation), self.worth[f"{key}.rent"]
            age = ages(self.quarters, self.worth[f"{key}.lead"])
            runs = (age >= 0) & (age < self.worth[f"{key}.term"])
            values = (runs * growth ** (np.where(runs, age, 0) / 4)) @ use.start_it_mw * usd * 3 / 1e3
            start = self.plan.start[use.index]
            rises = f"((1+{step})/(1+inflation))"

            def text(q: int, start=start, lead=lead, term=term, rent=rent, rises=rises) -> str:  # type: ignore[no-untyped-def]
                age = f"(({number[q]}-{number.span(0, q)}-{lead})/4)"
                live = f"SUMPRODUCT({start.span(0, q)}*{window(number, q, lead, term)}*{rises}^{age})"
                return f"{live}*{rent}*3/1000*hall_rent_factor"

            rows.append(self._add(use.rung.name, values, text))
            for i, (hall, live) in self.plan.signed.items():
                if hall != use.index:
                    continue
                first = self.worth[f"signed.{i}.quarter"]
                real = live.values * growth ** ((np.arange(self.quarters) - first) / 4) * usd * 3 / 1e3

                def signed(q: int, i=i, live=live, rent=rent, rises=rises) -> str:  # type: ignore[no-untyped-def]
                    age = f"(({number[q]}-{self.cell[f'signed.{i}.quarter']})/4)"
                    return f"{live[q]}*{rises}^{age}*{rent}*3/1000*hall_rent_factor"

                rows.append(self._add(f"{use.rung.name}, signed block {i + 1}", real, signed))
        rows += self._let()
        return self._block("", "Hall rent", rows)

    def _let(self) -> list[Series]:
        rows = []
        for use in self.base.sublets:
            let, price = self.plan.let[use.site], self.cell[f"sublet.{use.site}.rent"]
            values = -use.it_mw * use.usd_per_kw_month * 3 / 1e3 * np.minimum(self.base.rent_factor, 1.0)

            def text(q: int, let=let, price=price) -> str:  # type: ignore[no-untyped-def]
                return f"-{let[q]}*{price}*3/1000*MIN(1,{self.plan.rent_factor[q]})*hall_rent_factor"

            rows.append(self._add(f"{use.site}, let to others", values, text))
        return rows

    def _accelerator_rent(self) -> Series:
        self.sheet.heading("Rent of accelerators: locked share at the price of signature, the rest at the day's price")
        rows, number, path = [], self.plan.number, self.plan.rent_factor
        for use in self.base.rents:
            key = f"rent.{use.name}"
            lead, term, price, take = (self.cell[f"{key}.{k}"] for k in ("lead", "term", "price", "take"))
            share, usd = self.worth[f"{key}.take"], self.base.case.rents.price_usd_per_quarter[use.index] / 1e6
            locked = self._flat(key) @ (use.sign * self.base.rent_factor)
            values = (locked * share + (1 - share) * use.used * self.base.rent_factor) * usd
            sign, used = self.plan.sign[use.index], self.plan.used[use.index]

            def text(q, sign=sign, used=used, lead=lead, term=term, price=price, take=take) -> str:  # type: ignore[no-untyped-def]
                age = f"(({number[q]}-{number.span(0, q)}-{lead})/4)"
                signed = f"{sign.span(0, q)}*{path.span(0, q)}*{window(number, q, lead, term)}"
                locked = f"{take}*SUMPRODUCT({signed}*(1+inflation)^-{age})"
                open_ = f"(1-{take})*{used[q]}*{path[q]}"
                return f"({locked}+{open_})*{price}*hours_per_quarter*accelerator_rent_factor/1000000"

            rows.append(self._add(use.name, values, text))
        return self._block("", "Accelerator rent", rows)

    def _flat(self, key: str) -> Array:
        """(T, T) real worth of a rent that is flat in nominal money, where the contract runs."""
        age = ages(self.quarters, self.worth[f"{key}.lead"])
        runs = (age >= 0) & (age < self.worth[f"{key}.term"])
        return np.asarray(runs * (1 + self.inflation) ** (-np.where(runs, age, 0) / 4))

    def _energy(self) -> tuple[Series, Series]:
        self.sheet.heading("Electricity at the meter: accelerators at work x kW x mean draw x hours x PUE")
        mwh = []
        for use in self.base.pools:
            chip, site = f"accelerator.{use.accelerator}", f"site.{use.site}"
            kw, train, infer = (f"{chip}.{k}" for k in ("it_kw", "training_power", "inference_power"))
            draw = use.training * self.worth[train] + use.inference * self.worth[infer]
            values = draw * self.worth[kw] / 1e3 * self.worth["hours_per_quarter"] * self.worth[f"{site}.pue"]
            rows = self.plan.training[use.index], self.plan.inference[use.index]
            cells = tuple(self.cell[k] for k in (train, infer, kw, f"{site}.pue"))

            def text(q: int, rows=rows, cells=cells) -> str:  # type: ignore[no-untyped-def]
                draw = f"({rows[0][q]}*{cells[0]}+{rows[1][q]}*{cells[1]})"
                return f"{draw}*{cells[2]}/1000*hours_per_quarter*{cells[3]}"

            mwh.append(self._add(use.name, values, text, "MWh", "count"))
        total = self._block("", "Electricity", mwh, "MWh", "count")
        self.sheet.heading("Cost of electricity")
        cost = []
        for use, load in zip(self.base.pools, mwh, strict=True):
            price = self.cell[f"site.{use.site}.energy"]
            values = load.values * self.worth[f"site.{use.site}.energy"] * self.base.power_price_factor / 1e6

            def paid(q: int, load=load, price=price) -> str:  # type: ignore[no-untyped-def]
                return f"{load[q]}*{price}*{self.plan.power_factor[q]}*energy_price_factor/1000000"

            cost.append(self._add(use.name, values, paid))
        return total, self._block("", "Energy", cost)

    def _operation(self) -> Series:
        self.sheet.heading("Staff, upkeep, insurance, property tax")
        rows = []
        for hall in self.base.halls:
            key, live = f"hall.{hall.rung.name}.operation", self.plan.hall_live[hall.index]
            values, cell = live.values * self.worth[key] / 4e3, self.cell[key]
            rows.append(
                self._add(
                    f"{hall.rung.name}, hall",
                    values,
                    _times(live, f"{cell}/4/1000*operation_factor"),
                )
            )
        for use in self.base.pools:
            key, live = f"pool.{use.name}.operation", self.plan.live[use.index]
            values, cell = live.values * self.worth[key] / 1e6, self.cell[key]
            rows.append(
                self._add(
                    f"{use.name}, silicon",
                    values,
                    _times(live, f"{cell}*operation_factor/1000000"),
                )
            )
        return self._block("", "Operation", rows)

    def _deposits(self) -> Series:
        self.sheet.heading(
            "Deposits and prepayments, less what comes back (worth of later returns in the last quarter)"
        )
        rows = [
            self._hall_deposit(i)
            for i, use in enumerate(self.base.halls)
            if self.worth[f"hall.{use.rung.name}.deposit"] * self.worth[f"hall.{use.rung.name}.rent"] > 0
        ]
        rows += [
            self._prepayment(i) for i, use in enumerate(self.base.rents) if self.worth[f"rent.{use.name}.prepaid"] > 0
        ]
        return self._block("", "Deposits", rows)

    def _hall_deposit(self, which: int) -> Series:
        use, number, end = self.base.halls[which], self.plan.number, self.quarters
        key, start = f"hall.{use.rung.name}", self.plan.start[use.index]
        lead, term = self.worth[f"{key}.lead"], self.worth[f"{key}.term"]
        per_mw = self.worth[f"{key}.deposit"] * self.worth[f"{key}.rent"] * 12 / 1e3
        real = (1 + self.inflation) ** (-(lead + term) / 4)
        values = use.start_it_mw - real * (ages(end, lead + term) == 0) @ use.start_it_mw
        served = end - np.arange(end) - lead
        rate = 1 + self.base.case.discount_frac_per_year
        wait = ((served >= 1) & (served <= term)) * rate ** (-(term - served + 1) / 4)
        values[-1] -= real * float(wait @ use.start_it_mw)
        lead_, term_, deposit, rent = (self.cell[f"{key}.{k}"] for k in ("lead", "term", "deposit", "rent"))

        def text(q: int) -> str:
            back = f"SUMPRODUCT({start.span(0, q)}*({number[q]}-{number.span(0, q)}={lead_}+{term_}))"
            if q == end - 1:
                served = f"({end}-{number.all}-{lead_})"
                wait = f"(1+discount_rate)^-(({term_}-{served}+1)/4)"
                back = f"({back}+SUMPRODUCT({start.all}*({served}>=1)*({served}<={term_})*{wait}))"
            net = f"({start[q]}-(1+inflation)^-(({lead_}+{term_})/4)*{back})"
            return f"{net}*{deposit}*{rent}*12/1000*hall_rent_factor"

        return self._add(use.rung.name, values * per_mw, text)

    def _prepayment(self, which: int) -> Series:
        use, number, path = self.base.rents[which], self.plan.number, self.plan.rent_factor
        key, sign = f"rent.{use.name}", self.plan.sign[use.index]
        worth = use.sign * self.base.rent_factor
        usd = self.base.case.rents.price_usd_per_quarter[use.index] / 1e6
        share = self.worth[f"{key}.take"] * self.worth[f"{key}.prepaid"]
        values = (worth * self.worth[f"{key}.term"] - self._flat(key) @ worth) * usd * share
        lead, term, price, take, prepaid = (
            self.cell[f"{key}.{k}"] for k in ("lead", "term", "price", "take", "prepaid")
        )

        def text(q: int) -> str:
            age = f"(({number[q]}-{number.span(0, q)}-{lead})/4)"
            signed = f"{sign.span(0, q)}*{path.span(0, q)}*{window(number, q, lead, term)}"
            net = f"({sign[q]}*{path[q]}*{term}-SUMPRODUCT({signed}*(1+inflation)^-{age}))"
            return f"{net}*{take}*{prepaid}*{price}*hours_per_quarter*accelerator_rent_factor/1000000"

        return self._add(use.name, values, text)


def _times(row: Series, rest: str) -> Formula:
    return lambda q: f"{row[q]}*{rest}"
