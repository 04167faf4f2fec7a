"""Rows that match clean energy with the load by year, month or hour; only their bounds change with the rule."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kiban.energy.dispatch.parts import Case, Clean
from kiban.solve import Block, Model

Array = NDArray[np.float64]
Terms = list[tuple[ArrayLike | None, Block | ArrayLike, ArrayLike]]


@dataclass(frozen=True)
class RuleRows:
    """The rows, in MWh of energy that is not clean, sold on or made, so that a rule is an upper bound on each."""

    annual: Block
    monthly: Block
    hourly: Block
    excess: Block | None
    made: Block | None
    year_load_mwh: Array
    month_load_mwh: Array

    def blocks(self) -> list[Block]:
        """All rows there are."""
        return [b for b in (self.annual, self.monthly, self.hourly, self.excess, self.made) if b is not None]

    def set(self, model: Model, case: Case, clean: Clean) -> None:
        """Move the bounds to a rule."""
        open_share = 1.0 - clean.frac
        most = np.inf
        model.set_row_bounds(self.annual, -np.inf, open_share * self.year_load_mwh if clean.rule == "annual" else most)
        if self.made is not None:
            model.set_row_bounds(self.made, -np.inf, clean.made_max_frac * self.year_load_mwh)
        month = open_share * self.month_load_mwh if clean.rule == "monthly" else most
        model.set_row_bounds(self.monthly, -np.inf, month)
        year = open_share * self.year_load_mwh if clean.rule == "hourly" else most
        model.set_row_bounds(self.hourly, -np.inf, year)
        if self.excess is not None:
            model.set_row_bounds(self.excess, -np.inf, clean.excess_max_frac * self.year_load_mwh)


def add_rules(model: Model, case: Case, names: dict[str, Block]) -> RuleRows:
    """Add the rows of all rules to a programme, without bounds.

    annual, monthly   sum w (purchase - sold + plants + discharge - charge) - virtual + not clean <= (1 - f) load
    hourly            sum w ((1 - c) (purchase - matched) + plants) + not clean <= (1 - f) load
                      matched <= virtual output, matched <= purchase
    excess            sum w (sold + virtual output - matched) <= e load
    made              sum w output of all clean sources <= m load; by size, so that no purchase can be thrown away to
    dodge it

    c is the clean share of the grid in the hour. Purchases count in the hour they are made, also to charge. Energy of
    contracts counts as it reaches the load or is sold (annual, monthly), or as it spares a purchase (hourly); where it
    is sold with its certificates the term of what is sold falls away. The load is the one asked for: what may be
    unclean does not shrink with a cut, so that the share of the load served can end below f by (1 - f) cut / load.
    Origin: Riepl and Brown 2024 (arXiv:2403.07876), with the share of the grid taken as given.
    """
    axis, w = case.axis, case.axis.weight_h
    year, month = axis.year, axis.month
    months = axis.years * 12
    matched = _matched(model, case, names)
    clean_grid = np.zeros(axis.count) if case.grid is None else np.broadcast_to(case.grid.clean_frac, axis.count)
    signs = {"purchase": 1.0, "discharge": 1.0, "charge": -1.0}
    if case.grid is None or not case.grid.certificates_sold:
        signs["sold"] = -1.0
    signs |= {f"{p.name}_run": 1.0 for p in case.plants}
    flows = [(names[k], v * w) for k, v in signs.items() if k in names]
    blocks = {}
    for name, rows, count in (("annual", year, axis.years), ("monthly", month, months)):
        terms: Terms = [(rows, b, v) for b, v in flows]
        for s in case.sources:
            share = -s.clean_frac if s.at == "virtual" else 1.0 - s.clean_frac
            if share:
                terms.append(_capacity_term(names[f"{s.name}_mw"], rows, count, share * w * s.profile_frac))
            if s.partly_unclean:
                terms.append((rows, names[f"{s.name}_unused"], -share * w))
        blocks[name] = _rule_row(model, name, count, terms, "energy that no clean energy matches")
    hourly: Terms = [(year, names[f"{p.name}_run"], w) for p in case.plants]
    if "purchase" in names:
        hourly.append((year, names["purchase"], w * (1 - clean_grid)))
    if matched is not None:
        hourly.append((year, matched, -w * (1 - clean_grid)))
    for s in case.sources:
        if s.partly_unclean:
            share = 1.0 - s.clean_frac
            hourly.append(_capacity_term(names[f"{s.name}_mw"], year, axis.years, share * w * s.profile_frac))
            hourly.append((year, names[f"{s.name}_unused"], -share * w))
    blocks["hourly"] = _rule_row(model, "hourly", axis.years, hourly, "energy that is not clean in its hour")
    return RuleRows(
        **blocks,
        excess=_excess(model, case, names, matched),
        made=_made(model, case, names),
        year_load_mwh=np.asarray(np.bincount(year, w * case.load_mw, axis.years), dtype=np.float64),
        month_load_mwh=np.asarray(np.bincount(month, w * case.load_mw, months), dtype=np.float64),
    )


def _rule_row(model: Model, name: str, count: int, terms: Terms, sentence: str) -> Block:
    return model.add_rows(
        f"clean_{name}", count, terms=terms, unit="MWh", sentence=f"{sentence}, {name} rule",
        formula="sum of energy not clean <= (1 - f) load", relaxable=True,
    )  # fmt: skip


def _capacity_term(
    size: Block, rows: NDArray[np.int64], count: int, made: Array
) -> tuple[ArrayLike, ArrayLike, ArrayLike]:
    """One coefficient per row for a size: what a megawatt makes within the row's time."""
    return np.arange(count), np.broadcast_to(size.index, (count,)), np.bincount(rows, made, count)


def _matched(model: Model, case: Case, names: dict[str, Block]) -> Block | None:
    """Columns of what virtual contracts match hour by hour; None where there are none."""
    virtual = [s for s in case.sources if s.at == "virtual"]
    if not virtual:
        return None
    n = case.axis.count
    names["matched"] = matched = model.add_columns(
        "matched", n, unit="MW", sentence="purchases matched by virtual contracts in their hour"
    )
    made: Terms = [(None, names[f"{s.name}_mw"], -s.clean_frac * s.profile_frac) for s in virtual]
    names["matched_made"] = model.add_rows(
        "matched_made", n, upper=0.0, terms=[(None, matched, 1.0), *made], unit="MW",
        sentence="no more is matched than virtual contracts make", formula="matched <= virtual output",
    )  # fmt: skip
    names["matched_bought"] = model.add_rows(
        "matched_bought", n, upper=0.0, terms=[(None, matched, 1.0), (None, names["purchase"], -1.0)], unit="MW",
        sentence="no more is matched than is bought", formula="matched <= purchase",
    )  # fmt: skip
    return matched


def _made(model: Model, case: Case, names: dict[str, Block]) -> Block | None:
    axis = case.axis
    clean = [s for s in case.sources if s.clean_frac > 0]
    if not clean:
        return None
    terms: Terms = [
        _capacity_term(names[f"{s.name}_mw"], axis.year, axis.years, s.clean_frac * axis.weight_h * s.profile_frac)
        for s in clean
    ]
    return model.add_rows(
        "made", axis.years, terms=terms, unit="MWh", sentence="clean energy made, used or not",
        formula="sum w output <= m load", relaxable=True,
    )  # fmt: skip


def _excess(model: Model, case: Case, names: dict[str, Block], matched: Block | None) -> Block | None:
    axis, w = case.axis, case.axis.weight_h
    terms: Terms = []
    if "sold" in names:
        terms.append((axis.year, names["sold"], w))
    if matched is not None:
        terms.append((axis.year, matched, -w))
        terms += [
            _capacity_term(names[f"{s.name}_mw"], axis.year, axis.years, s.clean_frac * w * s.profile_frac)
            for s in case.sources
            if s.at == "virtual"
        ]
    if not terms:
        return None
    return model.add_rows(
        "excess", axis.years, terms=terms, unit="MWh", sentence="surplus of clean energy sold on",
        formula="sum w (sold + virtual - matched) <= e load", relaxable=True,
    )  # fmt: skip
