"""What stands in for words that training rows leave out: read from the catalogue, openly assumed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from kiban.catalog import Catalog
from kiban.compute.arithmetic import ModelSpec


@dataclass(frozen=True)
class RowDefaults:
    """Facts of ``compute.rows.*``."""

    tpu_tok: float
    """Tokens per chip and step where a row names no batch."""
    tpu_large_tok: float
    large_params: float
    """Active parameters above which the latter counts."""
    sequence_tok: float
    model_sequence_tok: Mapping[str, float]
    lora_sequence_tok: float
    round_year: Mapping[str, float]
    """When an MLPerf round was published, decimal year by ``v5.1``."""

    def usual_sequence_tok(self, model: ModelSpec) -> int:
        """Sequence of a model's own pre-training or benchmark."""
        return int(self.model_sequence_tok.get(model.name, model.position_table_tok or self.sequence_tok))

    def step_tok(self, model: ModelSpec) -> float:
        """Tokens per chip and step of a model."""
        return self.tpu_large_tok if model.params_active > self.large_params else self.tpu_tok


@lru_cache(maxsize=8)
def load_row_defaults(catalog: Catalog) -> RowDefaults:
    """Read the facts; raises CatalogKeyError with the nearest keys."""

    def get(field: str) -> float:
        return catalog.value(f"compute.rows.{field}")

    def named(prefix: str) -> dict[str, float]:
        return {key.removeprefix(prefix): catalog.value(key) for key in catalog.keys(prefix)}

    return RowDefaults(
        tpu_tok=get("tpu_tok_per_chip"),
        tpu_large_tok=get("tpu_large_tok_per_chip"),
        large_params=get("large_params"),
        sequence_tok=get("sequence_tok"),
        model_sequence_tok=named("compute.rows.sequence_tok."),
        lora_sequence_tok=get("lora_sequence_tok"),
        round_year=named("compute.rows.mlperf_year."),
    )
