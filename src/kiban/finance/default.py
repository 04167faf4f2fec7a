"""What lenders lose if they stop a plan when they are first not paid, layer by layer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiban.catalog import Catalog
from kiban.finance.model import Levered, NominalFlows, RealFlows
from kiban.results import LossGivenDefault

Array = NDArray[np.float64]

LAYERS = ("land and grid", "shell and plant", "silicon")
NEW_QUARTERS = 8
"""Silicon up to this age fetches the share of new, older that of old silicon."""


@dataclass(frozen=True)
class Recovery:
    """Shares of cost that a sale after a bust brings."""

    grid_frac: float
    shell_frac: float
    silicon_new_frac: float
    silicon_old_frac: float
    silicon_life_quarters: int
    """Older silicon brings nothing."""
    grid_share_frac: float
    """Share of construction cost that is land, grid and utility works."""


def recovery_of(catalog: Catalog, grid_share_frac: float, silicon_life_years: float) -> Recovery:
    """Read the recovery rows of the catalogue."""
    grid, shell, new, old = (
        catalog.value(f"precedent.layer_recovery_frac.{name}")
        for name in ("power_and_grid", "shell_and_mep", "silicon_new", "silicon_old")
    )
    return Recovery(grid, shell, new, old, round(silicon_life_years * 4), grid_share_frac)


def loss_given_default(
    real: RealFlows, flows: NominalFlows, levered: Levered, guarantee_frac: float, base: int, recovery: Recovery,
    quarters: tuple[str, ...], probability: Array,
) -> LossGivenDefault:  # fmt: skip
    """Stop each history in the first quarter that leaves service unpaid and sell what was built and bought by then.

    Exposure is the debt outstanding at the end of that quarter. The layers pay in turn: land and grid, shell and plant,
    silicon; then cash that is locked up and what is left of the guarantee. Recovery is a share of cost in money of the
    day it was spent; silicon sold by then is gone, by its cost new. Rented halls and rented accelerators recover
    nothing: they are not the borrower's.
    """
    served = levered.served
    missed = served.missed > 1e-9 * np.maximum(served.due.max(axis=1, keepdims=True), 1.0)
    some = missed.any(axis=1)
    at = np.argmax(missed, axis=1)
    leaves = np.arange(len(at))
    exposure = np.where(some, served.balance[leaves, at], 0.0)
    values = _values(real, flows, at, recovery)
    left, paid = exposure.copy(), np.zeros((len(at), len(LAYERS)))
    for k in range(len(LAYERS)):
        paid[:, k] = np.minimum(values[:, k], left)
        left = left - paid[:, k]
    left = left - np.minimum(left, served.reserve[leaves, at])
    cap = guarantee_frac * float(levered.draw[base].sum())
    called = np.cumsum(served.called, axis=1)[leaves, at]
    guarantor = np.minimum(left, np.maximum(cap - called, 0.0))
    loss = left - guarantor
    at_risk = float(probability @ exposure)
    return LossGivenDefault(
        layers=LAYERS,
        leaf_default_quarter=tuple(quarters[t] if hit else "" for t, hit in zip(at.tolist(), some, strict=True)),
        leaf_exposure_nominal_usd=exposure,
        leaf_layer_recovered_nominal_usd=paid,
        leaf_guarantor_nominal_usd=guarantor,
        leaf_lender_loss_nominal_usd=loss,
        expected_lgd_frac=float(probability @ loss) / at_risk if at_risk > 0 else float("nan"),
        default_chance_frac=float(probability @ some),
    )


def _values(real: RealFlows, flows: NominalFlows, at: NDArray[np.int64], recovery: Recovery) -> Array:
    """(L, layers) what a sale at the end of quarter ``at`` brings."""
    time = np.arange(len(flows.index))
    until = time[None, :] <= at[:, None]
    built = (real.construction * flows.index * until).sum(axis=1)
    age = at[:, None] - time[None, :]
    rate = np.where(age < NEW_QUARTERS, recovery.silicon_new_frac, recovery.silicon_old_frac)
    rate = np.where(age < recovery.silicon_life_quarters, rate, 0.0)
    chips = (real.silicon * flows.index * until * rate).sum(axis=1)
    if real.sold_new is not None:
        bought, gone = ((x * flows.index * until).sum(axis=1) for x in (real.silicon, real.sold_new))
        chips = chips * np.clip(1 - np.divide(gone, bought, out=np.zeros_like(gone), where=bought > 0), 0.0, 1.0)
    grid = recovery.grid_share_frac
    return np.stack([built * grid * recovery.grid_frac, built * (1 - grid) * recovery.shell_frac, chips], axis=1)
