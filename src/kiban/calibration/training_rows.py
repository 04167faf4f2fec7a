"""The fit of the training time model as catalogue rows, and its errors as a table."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Hashable

import numpy as np
from numpy.typing import NDArray

from kiban.calibration.pooling import Fit, Priors, equal_groups
from kiban.calibration.training import (
    Runs,
    by_chip,
    by_family,
    by_model,
    by_model_chip,
    by_model_chip_half_year,
    fit_runs,
    held_out,
    predict,
)  # fmt: skip
from kiban.catalog.rows import ROW_COLUMNS
from kiban.compute.model import Z90
from kiban.compute.rows.training_request import Request
from kiban.compute.train.coefficients import FITTED

Array = NDArray[np.float64]

SOURCE = "kiban_training_fit"
KINDS = ("dense", "moe", "mlperf", "other")
SITUATIONS: dict[str, Callable[[Request], Hashable]] = {
    "pair": by_model_chip_half_year,
    "chip": by_model_chip,
    "model": by_model,
    "family": by_chip,
    "none": by_family,
}
"""What is left out whole to measure how far each situation misses."""
WIDER_THAN = {"chip": "pair", "model": "chip", "family": "chip", "none": "family"}
TESTS = {
    "model x chip": by_model_chip, "half-year of a pair": by_model_chip_half_year, "chip": by_chip,
    "family of chips": by_family, "model": by_model,
}  # fmt: skip


def half_widths(runs: Runs, priors: Priors) -> dict[str, float]:
    """Half width of the 80 % interval of the log rate, by kind and situation; never narrower than a nearer one.

    Runs weigh as in the fit, so that a pair with many releases does not set the width alone.
    """
    weight = equal_groups([by_model_chip(r) for r in runs.requests])
    kinds = np.array([r.group_kind for r in runs.requests])
    out: dict[str, float] = {}
    for situation, group in SITUATIONS.items():
        error = np.abs(held_out(runs, priors, group))
        for kind in KINDS:
            nearer = out.get(f"{kind}_{WIDER_THAN.get(situation)}", 0.0)
            out[f"{kind}_{situation}"] = max(nearer, _quantile80(error[kinds == kind], weight[kinds == kind]))
    return out


def _quantile80(error: Array, weight: Array) -> float:
    """Smallest error with at least 80 % of the weight at or below it."""
    order = np.argsort(error)
    share = np.cumsum(weight[order]) / weight.sum()
    return float(error[order][np.searchsorted(share, 0.8)])


def fit_csv(runs: Runs, priors: Priors) -> str:
    """Text of ``training_fit.csv``: coefficients, effects, half widths and measured pairs."""
    fitted = fit_runs(runs, priors)
    note = f"{len(runs.requests)} runs, {len({by_model_chip(r) for r in runs.requests})} pairs of model and chip"
    out = io.StringIO()
    write = csv.writer(out, lineterminator="\n")
    write.writerow(ROW_COLUMNS)

    def row(key: str, value: object, low: object, high: object, unit: str, what: str) -> None:
        write.writerow(
            (
                f"training_fit.{key}",
                value,
                low,
                high,
                unit,
                "",
                "",
                SOURCE,
                "python -m kiban.calibration training",
                "estimated",
                what,
            )
        )

    for name, theta, sd in zip(FITTED, fitted.theta, fitted.theta_sd, strict=True):
        unit = "s" if name.endswith("_s") else "frac" if name.endswith("_frac") else "1"
        low, high = (_figure(math.exp(theta + sign * Z90 * sd)) for sign in (-1, 1))
        row(f"coefficient.{name}", _figure(math.exp(theta)), low, high, unit, f"fitted to {note}; range is 80 %")
    for name, value in fitted.effects.items():
        wide = Z90 * fitted.effects_sd[name]
        row(
            f"effect.{name}",
            f"{value:.5f}",
            f"{value - wide:.5f}",
            f"{value + wide:.5f}",
            "1",
            "log factor on the step's time",
        )
    for name, half in half_widths(runs, priors).items():
        row(f"half80.{name}", f"{half:.4f}", "", "", "1", "80 % quantile of log errors on groups left out")
    pairs = " | ".join(sorted({f"{r.group_kind} {r.model.name} {r.chip.name}" for r in runs.requests}))
    row("pairs", pairs, "", "", "text", "model and chip of all fitted runs")
    return out.getvalue()


def error_table(runs: Runs, priors: Priors) -> str:
    """Errors in and out of sample by kind, and the share of runs inside the 80 % interval, as text."""
    widths = half_widths(runs, priors)
    lines = [f"{'left out':22}{'rows':14}{'n':>5}{'groups':>8}{'mean %':>8}{'median %':>9}{'bias %':>8}{'in 80 %':>9}"]
    errors: dict[str, tuple[Array, list[Hashable], str]] = {}
    fitted: Fit = fit_runs(runs, priors)
    errors["nothing"] = (runs.log_step - predict(runs, fitted), [by_model_chip(r) for r in runs.requests], "pair")
    situations = {
        "model x chip": "chip",
        "half-year of a pair": "pair",
        "chip": "family",
        "family of chips": "none",
        "model": "model",
    }
    for name, group in TESTS.items():
        errors[name] = (held_out(runs, priors, group), [group(r) for r in runs.requests], situations[name])
    rows = [f"{r.framework}, {'MoE' if r.model.is_moe else 'dense'}" for r in runs.requests]
    kinds = [r.group_kind for r in runs.requests]
    for name, (error, groups, situation) in errors.items():
        half = np.array([widths[f"{kind}_{situation}"] for kind in kinds])
        for what in ["all", *sorted(set(rows))]:
            i = [j for j, r in enumerate(rows) if what in ("all", r)]
            lines.append(_line(name, what, error[i], len({groups[j] for j in i}), half[i]))
    return "\n".join(lines)


def _line(name: str, what: str, error: Array, groups: int, half: Array) -> str:
    relative = np.expm1(error)
    inside = float(np.mean(np.abs(error) <= half))
    return (
        f"{name:22}{what:14.13}{len(error):5d}{groups:8d}{100 * np.mean(np.abs(relative)):8.1f}"
        f"{100 * np.median(np.abs(relative)):9.1f}{100 * np.mean(relative):8.1f}{100 * inside:9.0f}"
    )


def _figure(value: float) -> str:
    return f"{value:.5g}"
