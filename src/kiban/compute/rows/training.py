"""Answers to measurement rows of training: rates, shares of peak, step times and times to train."""

from __future__ import annotations

import math
from collections.abc import Sequence

from kiban.catalog import Catalog
from kiban.compute.rows.answer import Answer, refused
from kiban.compute.rows.training_measure import TIMES, Row, value_of
from kiban.compute.rows.training_request import Request, read_request
from kiban.compute.train.fitted import Fitted, coefficients_for, load_fitted
from kiban.compute.train.step import step_time

OPEN_LOG = 0.6
"""Half width on top, where a time is asked for and the row names no batch or no number of accelerators."""


def answer_training(row: Row, catalog: Catalog) -> Answer:
    """Answer one row; see ``answer_many``."""
    return answer_many([row], catalog)[0]


def answer_many(rows: Sequence[Row], catalog: Catalog) -> list[Answer]:
    """Answer rows of training.

    Arguments: rows with kind, system, hardware, config, metric, unit; catalogue with the fit.
    Result: P10, P50, P90 in the row's unit, or a refusal that says what is missing. The interval is the 80 % quantile
    of errors on groups left out whole, by what was measured of the row's model and chip.
    """
    fitted = load_fitted(catalog)
    return [_answer(row, catalog, fitted) for row in rows]


def _answer(row: Row, catalog: Catalog, fitted: Fitted) -> Answer:
    request = read_request(row, catalog)
    if isinstance(request, str):
        return refused(request)
    if row["metric"] in TIMES and request.framework == "papers" and request.open_count:
        return refused("a step time needs the number of accelerators (gpus=) and the batch (gbs=)")
    c = coefficients_for(fitted, request.effects())
    step = step_time(request.model, request.chip, request.job, request.layouts, c, request.mtp, request.lora)
    value = value_of(row, request, catalog, float(step.total_s[0]))
    if isinstance(value, str):
        return refused(value)
    half, words = _half_log(row, request, fitted)
    value = float(value)
    return Answer(value * math.exp(-half), value, value * math.exp(half), "answered", words)


def _half_log(row: Row, request: Request, fitted: Fitted) -> tuple[float, str]:
    situation = fitted.situation(request.group_kind, request.model.name, request.chip.name, request.chip.family)
    half = fitted.half80_log[f"{request.group_kind}_{situation}"]
    if row["metric"] in TIMES and request.open_count:
        half = math.hypot(half, OPEN_LOG)
    words = _WORDS[situation].format(model=request.model.name, chip=request.chip.name, family=request.chip.family)
    if request.assumed:
        words += "; assumed: " + ", ".join(request.assumed)
    return half, words


_WORDS = {
    "pair": "time model fitted to {model} on {chip} in other releases",
    "chip": "time model fitted to other models on {chip}",
    "model": "time model fitted to other models; {model} itself was never measured in runs of this kind",
    "family": "time model of the family {family}; {chip} itself was never measured in training",
    "none": "time model of other families; nothing of {family} was measured in training",
}
