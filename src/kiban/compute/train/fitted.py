"""The fitted time model as the catalogue holds it: coefficients, pooled effects, and how far predictions miss."""

from __future__ import annotations

from dataclasses import dataclass, replace

from kiban.catalog import Catalog
from kiban.compute.arithmetic import ModelSpec
from kiban.compute.hardware import Accelerator
from kiban.compute.train.coefficients import FITTED, Coefficients
from kiban.compute.train.effects import effects, known_scale

START = "training_fit."
LATEST_YEAR = 2026.5
"""Software of the newest releases measured; taken where nothing else is said."""


@dataclass(frozen=True)
class Fitted:
    """What ``python -m kiban.calibration training`` wrote."""

    coefficients: Coefficients
    effects: dict[str, float]
    half80_log: dict[str, float]
    """Half width of the 80 % interval of the logarithm of the rate, by kind and situation (``moe_pair`` ...).

    Kinds: ``dense`` and ``moe`` by Megatron-Bridge, ``mlperf``, ``other`` programs.."""
    pairs: frozenset[str]
    """``kind model chip`` of all measured runs."""

    def situation(self, kind: str, model: str, chip: str, family: str) -> str:
        """What was measured among runs of a kind: ``pair``, ``chip``, ``model`` (not it), ``family`` or ``none``.

        ``model`` stands for a model that was never measured on a chip that was; where the model is new to a chip that
        is new as well, the chip's situation counts.
        """
        if f"{kind} {model} {chip}" in self.pairs:
            return "pair"
        if f"chip.{chip}" in self.effects:
            return "chip" if any(pair.startswith(f"{kind} {model} ") for pair in self.pairs) else "model"
        return "family" if f"family.{family}" in self.effects else "none"


def load_fitted(catalog: Catalog) -> Fitted:
    """Read the rows ``training_fit.*``; raises CatalogKeyError where one is missing."""
    values = {name: catalog.value(f"{START}coefficient.{name}") for name in FITTED}
    effect, half = f"{START}effect.", f"{START}half80."
    return Fitted(
        Coefficients(**values),
        {key.removeprefix(effect): catalog.value(key) for key in catalog.keys(effect)},
        {key.removeprefix(half): catalog.value(key) for key in catalog.keys(half)},
        frozenset(pair.strip() for pair in catalog.text(f"{START}pairs").split("|")),
    )


def usual_effects(
    model: ModelSpec, chip: Accelerator, precision: str, year: float = LATEST_YEAR, lora: bool = False
) -> dict[str, float]:
    """Effects of a run by the newest Megatron, or MaxText on TPUs; 8-bit work in block formats where the chip has them.

    Argument: year of the software.
    """
    recipe = {"bf16": "none", "fp4": "nv"}.get(precision, "mx" if chip.family == "blackwell" else "plain")
    return effects(model.name, model.is_moe, chip.name, chip.family, precision, recipe, year, lora)


def coefficients_for(fitted: Fitted, strengths: dict[str, float]) -> Coefficients:
    """Coefficients of a run with these effects, for ``step_time``."""
    return replace(fitted.coefficients, scale=known_scale(strengths, fitted.effects))
