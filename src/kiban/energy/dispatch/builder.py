"""A model with the case it is built from: blocks by name, and what several of them share."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kiban.energy.dispatch.parts import Case, Source
from kiban.solve import Block, Model

Array = NDArray[np.float64]
Terms = list[tuple[ArrayLike | None, Block | ArrayLike, ArrayLike]]


class Builder:
    """A growing model of a case."""

    def __init__(self, case: Case) -> None:
        """Start without blocks."""
        self.case = case
        self.model = Model("supply")
        self.names: dict[str, Block] = {}
        self.contracts = [s for s in case.sources if s.at == "grid"]

    def add(self, name: str, shape: int, sentence: str, cost: ArrayLike = 0.0, **more: object) -> Block:
        """Add columns under their name; MW unless said otherwise."""
        more.setdefault("unit", "MW")
        block = self.model.add_columns(name, shape, cost=cost, sentence=sentence, **more)  # type: ignore[arg-type]
        self.names[name] = block
        return block

    def row(self, name: str, shape: int, terms: Terms, sentence: str, formula: str, **more: object) -> Block:
        """Add rows under their name; MW unless said otherwise."""
        more.setdefault("unit", "MW")
        block = self.model.add_rows(
            name,
            shape,
            terms=terms,
            sentence=sentence,
            formula=formula,
            **more,  # type: ignore[arg-type]
        )
        self.names[name] = block
        return block

    def limit(self, limit_mw: Array | float) -> Array:
        """Limit of the connection by step, (N,), from one number or one per quarter; none in an outage."""
        axis = self.case.axis
        assert self.case.grid is not None
        given = np.asarray(limit_mw, dtype=np.float64)
        limit = np.array(given[axis.quarter] if given.ndim else np.full(axis.count, float(given)))
        if self.case.grid.down is not None:
            limit[self.case.grid.down] = 0.0
        return limit

    def source_cost(self, source: Source, usd_per_mw_year: float, usd_per_mwh: float) -> float:
        """Yearly cost of one MW of a source; a virtual contract earns the market price of its output."""
        made = self.case.axis.cost_weight_h * source.profile_frac
        cost = usd_per_mw_year + usd_per_mwh * float(made.sum())
        if source.at == "virtual" and self.case.grid is not None:
            cost -= float(made @ self.case.grid.market_usd_per_mwh)
        return cost

    def output(self, sources: list[Source]) -> Terms:
        """Terms of what sources make by their sizes, less what is thrown away by a column of its own."""
        made: Terms = [(None, self.names[f"{s.name}_mw"], s.profile_frac) for s in sources]
        return made + [(None, self.names[f"{s.name}_unused"], -1.0) for s in sources if s.partly_unclean]

    def flows(self, signs: dict[str, float]) -> Terms:
        """Terms of those of some columns that the case has."""
        return [(None, self.names[k], v) for k, v in signs.items() if k in self.names]
