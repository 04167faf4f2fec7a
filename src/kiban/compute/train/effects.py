"""What scales a step beyond its work: chip, model, precision, program and the age of the software, pooled.

Each effect is a log factor on the step's time. Those of one class share a prior around 0, so a chip or a model that was
never measured gets 0, its family's effect stands, and the interval widens by the class's spread.
"""

from __future__ import annotations

import math

YEAR_0 = 2026.0
SHIFT_YEARS = (-1.5, 0.75)
"""The span of releases with measurements; beyond it the drift stands still."""
MATURE_YEARS = 1.0
"""Time in which a new chip's software loses 1 - 1/e of its immaturity."""


def effects(
    model: str, is_moe: bool, chip: str, family: str, precision: str, recipe: str, framework: str,
    year: float, release_year: float, wide: bool, lora: bool = False, drops: bool = False,
) -> dict[str, float]:  # fmt: skip
    """Name the effects of one run and their strengths: 1 for what it belongs to, and two of time.

    ``drift`` counts years from 2026 within the measured span, ``immature`` is exp(-age of the chip / 1 year).
    """
    kind = "moe" if is_moe else "dense"
    drift = min(max(year - YEAR_0, SHIFT_YEARS[0]), SHIFT_YEARS[1])
    out = {
        f"family.{family}": 1.0,
        f"family_precision.{family}_{precision}": 1.0,
        f"family_kind.{family}_{kind}": 1.0,
        f"chip.{chip}": 1.0,
        f"chip_kind.{chip}_{kind}": 1.0,
        f"chip_precision.{chip}_{precision}": 1.0,
        f"model_{kind}.{model}": 1.0,
        f"release_{kind}.{family}_{_half(year)}": 1.0,
        f"model_family.{model}_{family}": 1.0,
        f"recipe.{recipe}": 1.0,
        f"framework.{framework}": 1.0,
        f"drift.{kind}": drift,
        f"immature.{kind}": math.exp(-max(year - release_year, 0.0) / MATURE_YEARS),
    }
    if is_moe and wide:
        out["domain.wide"] = 1.0
    if framework == "mlperf":
        out[f"benchmark.{model}"] = 1.0
    if lora:
        out["tuning.lora"] = 1.0
    if drops:
        out["routing.drops"] = 1.0
    return out


def _half(year: float) -> str:
    """Half-year of a release within the measured span: ``2024`` and before to ``2026b`` and after."""
    if year < 2025.0:
        return "2024"
    return f"{min(int(year), 2026)}{'a' if year % 1 < 0.4 and year < 2026.4 else 'b'}"


def effect_class(name: str) -> str:
    """The class whose members share a prior."""
    return name.split(".", maxsplit=1)[0]


def known_scale(strengths: dict[str, float], fitted: dict[str, float]) -> float:
    """Factor on the step's time of the effects that were fitted; the others stand at 0."""
    return math.exp(sum(strength * fitted.get(name, 0.0) for name, strength in strengths.items()))
