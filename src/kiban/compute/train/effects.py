"""What scales a step beyond its work: chip, model, precision, program and the age of the software, pooled.

Each effect is a log factor on the step's time. Those of one class share a prior around 0, so a chip or a model that was
never measured gets 0, its family's effect stands, and the interval widens.
"""

from __future__ import annotations

import math

YEAR_0 = 2026.0
SPAN_YEARS = (-1.5, 0.5)
"""Releases with measurements, from ``YEAR_0``; beyond them the drift stands still."""


def effects(
    model: str, is_moe: bool, chip: str, family: str, precision: str, recipe: str, year: float,
    lora: bool = False, drops: bool = False, benchmark: bool = False,
) -> dict[str, float]:  # fmt: skip
    """Name the effects of one run and their strengths: 1 for what it belongs to, years for ``drift``.

    Arguments: catalogue names; recipe of low precision (``mx``, ``plain``, ``nv``, ``none``); year of the software;
    whether only low-rank additions are trained, tokens are dropped, the run is an MLPerf benchmark.
    """
    drift = min(max(year - YEAR_0, SPAN_YEARS[0]), SPAN_YEARS[1])
    out = {
        f"family.{family}": 1.0,
        f"chip.{chip}": 1.0,
        f"chip_precision.{chip}_{precision}": 1.0,
        f"model_{'moe' if is_moe else 'dense'}.{model}": 1.0,
        f"recipe.{recipe}": 1.0,
        f"drift.{'moe' if is_moe else 'dense'}": drift,
    }
    if benchmark:
        out[f"benchmark.{model}"] = 1.0
    if lora:
        out["tuning.lora"] = 1.0
    if drops:
        out["routing.drops"] = 1.0
    return out


def effect_class(name: str) -> str:
    """The class whose members share a prior."""
    return name.split(".", maxsplit=1)[0]


def known_scale(strengths: dict[str, float], fitted: dict[str, float]) -> float:
    """Factor on the step's time of the effects that were fitted; the others stand at 0."""
    return math.exp(sum(strength * fitted.get(name, 0.0) for name, strength in strengths.items()))
