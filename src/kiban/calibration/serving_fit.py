"""Least squares for the coefficients of the serving model, and their error on groups left out whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from kiban.compute.rows.serving import predict
from kiban.compute.rows.serving_points import Asked
from kiban.compute.serve.fit import CHANGES, MASKS, NAMES, ServingFit, dose, label
from kiban.compute.serve.points import Work, gather

Array = NDArray[np.float64]
Words = NDArray[np.str_]

PRIOR = {
    "decode.dense_weights": 1.25, "decode.expert_weights": 1.4, "decode.cache": 1.4, "decode.dense_flop": 1.6,
    "decode.expert_flop": 3.0, "decode.attention_flop": 1.2, "decode.layer": 5e-5, "decode.expert_layer": 3e-5,
    "decode.recurrent_layer": 2e-5, "decode.indexer_layer": 6e-5, "decode.reduce": 4e-6, "decode.reduce_bytes": 1.5,
    "decode.exchange": 1e-5, "decode.exchange_bytes": 1.5, "decode.expert_moves": 20.0, "decode.request": 1e-5,
    "decode.step": 1e-3, "decode.network": 0.5, "prefill.dense_flop": 1.6, "prefill.expert_flop": 3.0,
    "prefill.attention_flop": 2.0, "prefill.activations": 40.0, "prefill.expert_moves": 40.0,
    "prefill.reduce_bytes": 1.3, "prefill.exchange_bytes": 1.3, "prefill.chunk": 1e-4, "prefill.launch": 1e-4,
    "prefill.network": 0.5,
    "queue.reply_s": 0.03, "queue.steps": 2.0, "queue.queue": 0.1, "queue.parallel_steps": 30.0,
    "queue.launch": 4e-4, "queue.expert_launch": 6e-4,
}  # fmt: skip
"""Where the search starts and to which weakly measured coefficients return: kernels at 60 to 80 % of their rate."""

PRIOR_LOG_SD = 0.4
CHANGE_LOG_SD = {
    "memory": 0.3, "prompts": 0.4, "engine_prompts": 0.4, "reply": 0.7, "steps": 0.7, "request": 0.7, "maturity": 0.1,
    "overlap": 0.5,
}  # fmt: skip
NOISE_LOG_SD = {"tpot": 0.15, "ttft": 0.3, "offline": 0.15, "prefill": 0.3, "decode": 0.3}
GROUP_ROWS = 9.0
"""Rows that one group counts as, however many it has."""


@dataclass(frozen=True)
class Data:
    """Measured rows and their work; one entry per row."""

    asked: Sequence[Asked]
    work: Work
    measured: Array
    """Seconds, or tokens per second and accelerator."""
    quantity: Words
    model: Words
    family: Words

    @property
    def group(self) -> Words:
        """Model x chip family; DeepSeek V3 and R1 are one model."""
        return np.char.add(np.char.add(self.model, "|"), self.family)


def make_data(asked: Sequence[Asked], measured: Sequence[float]) -> Data:
    """Gather rows."""
    work = gather([a.point for a in asked])
    return Data(
        asked,
        work,
        np.asarray(measured, float) / np.array([a.scale for a in asked]),
        np.array([a.quantity for a in asked]),
        np.array([a.point.at.model.name.replace("deepseek_r1", "deepseek_v3") for a in asked]),
        np.array([a.point.at.chip.family for a in asked]),
    )


def take(work: Work, rows: NDArray[np.int64]) -> Work:
    """Some columns of the work."""
    return Work(**{name: value[..., rows] for name, value in vars(work).items()})


def log_errors(data: Data, rows: NDArray[np.int64], fit: ServingFit) -> Array:
    """log(measured / model) of some rows."""
    points = [data.asked[i].point for i in rows]
    middle = predict(list(data.quantity[rows]), take(data.work, rows), fit.thetas(points))
    return np.asarray(np.log(data.measured[rows] / middle))


def fit_rows(data: Data, rows: NDArray[np.int64]) -> ServingFit:
    """Fit base and changes to some rows: robust least squares on log ratios, groups weighted equally.

    Equation: minimise sum of rho(w r / noise) over rows plus the squared distances of logarithms from ``PRIOR`` and of
    changes from 0, each over its spread (partial pooling as a posterior mode), rho = soft L1.
    """
    keys = _change_keys(data, rows)
    start = np.concatenate([np.log([PRIOR[n] for n in NAMES]), np.zeros(len(keys))])
    spread = np.concatenate([np.full(len(NAMES), PRIOR_LOG_SD), [CHANGE_LOG_SD[kind] for kind, _ in keys]])
    member = _membership(data, rows, keys)
    mask = np.array([MASKS[kind] for kind, _ in keys])
    group = data.group[rows]
    count = {g: int((group == g).sum()) for g in set(group)}
    weight = np.array([np.sqrt(GROUP_ROWS / count[g]) for g in group])
    weight = weight / np.array([NOISE_LOG_SD[q] for q in data.quantity[rows]])
    work, quantities = take(data.work, rows), list(data.quantity[rows])

    def residuals(x: Array) -> Array:
        theta = np.exp(x[: len(NAMES), None] + mask.T @ (x[len(NAMES) :, None] * member))
        error = np.log(data.measured[rows] / predict(quantities, work, theta))
        return np.concatenate([weight * error, (x - start) / spread])

    x = least_squares(residuals, start, loss="soft_l1", max_nfev=30).x
    changes = {key: float(v) for key, v in zip(keys, x[len(NAMES) :], strict=True)}
    return ServingFit(np.exp(x[: len(NAMES)]), changes)


def _labels(data: Data, rows: NDArray[np.int64], kind: str) -> Words:
    return np.array([label(data.asked[i].point, CHANGES[kind][0]) for i in rows])


def _change_keys(data: Data, rows: NDArray[np.int64]) -> list[tuple[str, str]]:
    return [(kind, str(g)) for kind in CHANGES for g in sorted(set(_labels(data, rows, kind)))]


def _membership(data: Data, rows: NDArray[np.int64], keys: Sequence[tuple[str, str]]) -> Array:
    """How often each change counts in each row, (changes, rows)."""
    points = [data.asked[i].point for i in rows]
    return np.array(
        [[dose(p, CHANGES[kind][0]) * (label(p, CHANGES[kind][0]) == g) for p in points] for kind, g in keys]
    )


def left_out(data: Data, label: Words) -> Array:
    """log(measured / model) of every row from a fit without its group."""
    out = np.zeros(len(data.measured))
    everything = np.arange(len(label))
    for g in sorted(set(label)):
        fit = fit_rows(data, everything[label != g])
        out[label == g] = log_errors(data, everything[label == g], fit)
    return out
