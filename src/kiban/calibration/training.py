"""Fits the training time model to published rows and measures its error on groups left out whole."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from kiban.calibration.pooling import Fit, Priors, design, equal_groups, fit
from kiban.catalog import Catalog
from kiban.compute.rows.training_measure import step_s_of
from kiban.compute.rows.training_request import Request, read_request
from kiban.compute.train.coefficients import FITTED, Coefficients
from kiban.compute.train.effects import effect_class, known_scale
from kiban.compute.train.step import assemble
from kiban.compute.train.work import Work, step_work

Array = NDArray[np.float64]
Row = Mapping[str, str]

MEAN = {
    "bf16_frac": 0.7, "fp8_frac": 0.46, "fp4_frac": 0.45, "attention_frac": 0.7, "expert_frac": 0.53,
    "activation_passes": 11.2, "permute_passes": 4.5, "tensor_exposed_frac": 0.35, "expert_up_exposed_frac": 0.7,
    "expert_out_exposed_frac": 0.7, "data_exposed_frac": 0.4, "layer_launch_s": 1e-4, "moe_launch_s": 5e-4,
}  # fmt: skip
"""Centres of the coefficients' priors; assumed, as their spreads: with them the error on groups left out was least."""
SD = {
    "bf16_frac": 0.045, "fp8_frac": 0.15, "fp4_frac": 0.05, "attention_frac": 0.15, "expert_frac": 0.05,
    "activation_passes": 0.5, "permute_passes": 0.3, "tensor_exposed_frac": 0.1, "expert_up_exposed_frac": 0.5,
    "expert_out_exposed_frac": 0.05, "data_exposed_frac": 0.7, "layer_launch_s": 0.7, "moe_launch_s": 2.8,
}  # fmt: skip
"""Spread of the logarithm of each."""
CLASS_SD = {
    "family": 0.2, "chip": 0.28, "chip_precision": 0.03, "model_moe": 0.03, "model_dense": 0.02, "recipe": 0.2,
    "drift": 0.2, "benchmark": 0.2, "tuning": 0.2, "routing": 0.03,
}  # fmt: skip
"""Spread of effects by class, chosen by the error on model x chip left out."""
NOISE_SD = 0.03
"""Of one row; half the median spread of the same run in successive releases."""


@dataclass(frozen=True)
class Runs:
    """Measured runs, one entry each."""

    requests: tuple[Request, ...]
    work: Work
    log_step: Array
    effects: tuple[dict[str, float], ...]
    places: tuple[int, ...]
    """Row of each run."""

    def take(self, where: Sequence[int]) -> Runs:
        """Some runs."""
        index = np.asarray(where)
        work = Work(**{f.name: getattr(self.work, f.name)[index] for f in fields(Work)})
        return Runs(
            tuple(self.requests[i] for i in where), work, self.log_step[index],
            tuple(self.effects[i] for i in where), tuple(self.places[i] for i in where),
        )  # fmt: skip


def read_runs(rows: Sequence[Row], catalog: Catalog) -> Runs:
    """Runs with a measured step that may be fitted: recalled rows are left out, and second rates of one run too."""
    found: list[tuple[int, Request, float]] = []
    seen: set[tuple[str, ...]] = set()
    for place, row in sorted(enumerate(rows), key=lambda pair: pair[1]["metric"] != "throughput_per_gpu"):
        key = (row["system"], row["hardware"], row["config"], row["value"] if "mlperf" in row["kind"] else "")
        if not row["kind"].startswith("training") or row.get("status") == "RECALLED" or key in seen:
            continue
        request = read_request(row, catalog)
        step = None if isinstance(request, str) else step_s_of(row, request, catalog)
        if step is not None and not isinstance(request, str):
            seen.add(key)
            found.append((place, request, step))
    found.sort(key=lambda run: run[0])
    requests = tuple(r for _, r, _ in found)
    works = [step_work(r.model, r.chip, r.job, r.layouts, r.mtp, r.lora) for r in requests]
    work = Work(**{f.name: np.concatenate([np.atleast_1d(getattr(w, f.name)) for w in works]) for f in fields(Work)})
    log_step = np.log([step for _, _, step in found])
    return Runs(requests, work, log_step, tuple(r.effects() for r in requests), tuple(p for p, _, _ in found))


def coefficients_at(theta: Array) -> Coefficients:
    """Coefficients from their logarithms in the order of ``FITTED``."""
    return Coefficients(**dict(zip(FITTED, np.exp(theta), strict=True)))


def usual_priors() -> Priors:
    """The priors of the published fit."""
    mean = np.log([MEAN[name] for name in FITTED])
    return Priors(mean, np.array([SD[name] for name in FITTED]), CLASS_SD, NOISE_SD)


def fit_runs(runs: Runs, priors: Priors) -> Fit:
    """Fit all runs; each model x chip weighs by the root of its rows."""
    table = design(runs.effects, effect_class, priors)
    weight = equal_groups([by_model_chip(r) for r in runs.requests])
    return fit(
        runs.log_step, weight, lambda theta: np.log(assemble(runs.work, coefficients_at(theta)).total_s), table, priors
    )


def predict(runs: Runs, fitted: Fit) -> Array:
    """Logarithm of the step of each run."""
    base = np.log(assemble(runs.work, coefficients_at(fitted.theta)).total_s)
    return base + np.log([known_scale(e, fitted.effects) for e in runs.effects])


def held_out(runs: Runs, priors: Priors, group: Callable[[Request], Hashable]) -> Array:
    """Error of the logarithm of the rate, measured minus predicted step, each group left out whole in turn, (n,)."""
    groups = [group(r) for r in runs.requests]
    out = np.empty(len(groups))
    for one in dict.fromkeys(groups):
        test = [i for i, g in enumerate(groups) if g == one]
        train = [i for i, g in enumerate(groups) if g != one]
        part = runs.take(test)
        out[test] = part.log_step - predict(part, fit_runs(runs.take(train), priors))
    return out


def by_model_chip(request: Request) -> Hashable:
    """Group of the main test."""
    return request.model.name, request.chip.name


def by_family(request: Request) -> Hashable:
    """A new family of chips."""
    return request.chip.family


def by_chip(request: Request) -> Hashable:
    """A new chip of a known family."""
    return request.chip.name


def by_model(request: Request) -> Hashable:
    """A new model."""
    return request.model.name


def by_model_chip_half_year(request: Request) -> Hashable:
    """The same run in another release: a pair of model and chip within half a year."""
    return request.model.name, request.chip.name, int(2 * request.year)
