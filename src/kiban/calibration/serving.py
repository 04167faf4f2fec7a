"""Fit of the serving model: its errors by what was left out, its intervals, and the catalogue file."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from kiban.calibration.serving_fit import Data, fit_rows, left_out, log_errors, make_data
from kiban.catalog import Catalog
from kiban.compute.rows.serving_points import Asked, read_point
from kiban.compute.serve.fit import NAMES, ROOT, ServingFit

Array = NDArray[np.float64]

KINDS = ("inference-online", "inference-offline", "inference-disagg")
QUANTITIES = ("tpot", "ttft", "offline", "prefill", "decode")
HEADER = (
    "key", "value", "low", "high", "unit", "price_year", "valid_from", "source_id", "locator", "confidence", "note",
)  # fmt: skip
SOURCE = "inferencex_measurements_as_shipped_in"
FOLDS = 5
POOLS = ("prefill", "decode")
FEW_GROUPS = 3
NEW_WIDTH = 1.6
"""Intervals of a family that was never measured, against those of one that was; assumed."""


def read_data(rows: Sequence[Mapping[str, str]], catalog: Catalog) -> Data:
    """Rows that the serving model answers, with their measured values; RECALLED rows are left out."""
    asked: list[Asked] = []
    values: list[float] = []
    for row in rows:
        if row["kind"] not in KINDS or row.get("status", "SOURCED").upper().startswith("RECALLED"):
            continue
        found = read_point(row, catalog)
        if isinstance(found, Asked) and found.quantity in QUANTITIES:
            asked.append(found)
            values.append(float(row["value"]))
    return make_data(asked, values)


def errors(data: Data) -> tuple[ServingFit, dict[str, Array]]:
    """Fit of all rows, and log(measured / model) by what was left out: nothing, rows, groups, families, models."""
    everything = np.arange(len(data.measured))
    fit = fit_rows(data, everything)
    point = {id(a.point.at): n for n, a in enumerate(data.asked)}
    fold = np.array([str(point[id(a.point.at)] // 2 % FOLDS) for a in data.asked])
    return fit, {
        "in sample": log_errors(data, everything, fit),
        "rows": left_out(data, fold),
        "model x family": left_out(data, data.group),
        "family": left_out(data, data.family),
        "model": left_out(data, data.model),
    }


def table(data: Data, by: Mapping[str, Array]) -> str:
    """The table of errors: quantity x what was left out."""
    lines = [
        f"{'quantity':9} {'left out':15} {'rows':>5} {'groups':>6} {'mean':>7} {'median':>7} {'bias':>7} {'in 80 %':>8}"
    ]
    for quantity in QUANTITIES:
        at = data.quantity == quantity
        if not at.any():
            continue
        for name, error in by.items():
            wrong = np.abs(np.expm1(-error[at]))
            inside = _cross_coverage(error[at], data.group[at], _least(data, error, quantity))
            lines.append(
                f"{quantity:9} {name:15} {at.sum():5d} {len(set(data.group[at])):6d} {wrong.mean():7.1%} "
                f"{np.median(wrong):7.1%} {-np.median(error[at]):+7.3f} {inside:8.1%}"
            )
    return "\n".join(lines)


def _cross_coverage(error: Array, group: NDArray[np.str_], least: tuple[float, float]) -> float:
    """Share of rows within the 80 % interval drawn from the errors of the other groups."""
    inside = np.zeros(len(error), bool)
    for g in set(group):
        others = error[group != g]
        if not len(others):
            return float("nan")
        low, _, high = _quantiles(others, len(set(group)) - 1, least)
        inside[group == g] = (error[group == g] >= low) & (error[group == g] <= high)
    return float(inside.mean())


def fit_csv(data: Data, fit: ServingFit, by: Mapping[str, Array]) -> str:
    """The catalogue file of the fit."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEADER)
    where = f"{len(data.measured)} rows of {len(set(data.group))} model x chip families, also TensorRT-LLM and SGLang"
    note = "partial pooling, robust least squares on logarithms, groups weighted equally"

    def line(key: str, value: float, low: float | None, high: float | None, unit: str, text: str) -> None:
        shown = ["" if v is None else f"{v:.5g}" for v in (value, low, high)]
        writer.writerow([ROOT + key, *shown, unit, "", "", SOURCE, where, "estimated", text])

    for name, value in zip(NAMES, fit.base, strict=True):
        unit = "s" if name.endswith(("layer", "reduce", "exchange", "request", "step", "reply_s", "chunk")) else "ratio"
        line(name, value, value / 2, value * 2, unit, note)
    for (kind, group), value in sorted(fit.changes.items()):
        line(f"change.{kind}.{group}", value, None, None, "ratio", "natural logarithm of the change; " + note)
    for quantity in QUANTITIES:
        for basis, (low, middle, high) in intervals(data, by, quantity).items():
            line(f"log_error.{quantity}.{basis}", middle, low, high, "ratio", "log(measured / model) of rows left out")
    for quantity in QUANTITIES:
        group = data.group[data.quantity == quantity]
        for name in sorted(set(group)):
            model, _, family = str(name).partition("|")
            for twin in _twins(model):
                key = f"rows.{quantity}.{family}.{twin}"
                line(key, float((group == name).sum()), None, None, "count", "rows in the fit")
    return out.getvalue()


def intervals(data: Data, by: Mapping[str, Array], quantity: str) -> dict[str, tuple[float, float, float]]:
    """10 %, 50 % and 90 % points of log(measured / model) where the group, its family or neither is in the fit.

    ``seen``: rows left out at random; ``known``: model x family left out, but for groups alone in their family;
    ``new``: families left out, and on either side at least ``NEW_WIDTH`` times ``known``, because a handful of families
    says little about the next one.
    """
    at = data.quantity == quantity
    alone = np.array([len(set(data.group[data.family == f])) == 1 for f in data.family])
    several = at & ~alone

    def drawn(name: str, rows: NDArray[np.bool_], groups: int) -> tuple[float, float, float]:
        return _quantiles(by[name][rows], groups, _least(data, by[name], quantity))

    seen = drawn("rows", at, int(at.sum()) if quantity not in POOLS else len(set(data.group[at])))
    known = drawn("model x family", several, len(set(data.group[several])))
    new = drawn("family", at, len(set(data.family[at])))
    low, middle, high = known
    wide = (
        min(new[0], middle - NEW_WIDTH * (middle - low)), middle, max(new[2], middle + NEW_WIDTH * (high - middle))
    )  # fmt: skip
    return {"seen": seen, "known": known, "new": wide}


def _least(data: Data, error: Array, quantity: str) -> tuple[float, float]:
    """Least distances of the outer points from the middle: for pools, of which few were measured, those of offline
    rates, which the same work makes; else 0."""
    offline = data.quantity == "offline"
    if quantity not in POOLS or not offline.any():
        return 0.0, 0.0
    low, middle, high = _quantiles(error[offline], len(set(data.group[offline])), (0.0, 0.0))
    return middle - low, high - middle


def _quantiles(error: Array, groups: int, least: tuple[float, float]) -> tuple[float, float, float]:
    """10 %, 50 % and 90 % points, the outer ones further off by 1.5 / groups of their distance and at least ``least``.

    Few groups show less than the spread of all; for a normal law 1.3 to 1.6 / groups is what Student's points and the
    error of the mean add for 5 to 15 groups. The middle of up to three groups is pulled to 0 by 2 / (groups + 2): the
    posterior mean where a bias common to all groups has half the variance of one group's.
    """
    low, middle, high = np.quantile(error, [0.1, 0.5, 0.9])
    widen = 1.0 + 1.5 / max(groups, 1)
    below, above = max((middle - low) * widen, least[0]), max((high - middle) * widen, least[1])
    if groups <= FEW_GROUPS:
        middle *= groups / (groups + 2.0)
    return float(middle - below), float(middle), float(middle + above)


def _twins(model: str) -> tuple[str, ...]:
    return ("deepseek_v3", "deepseek_r1") if model == "deepseek_v3" else (model,)
