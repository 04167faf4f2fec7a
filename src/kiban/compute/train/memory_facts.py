"""What a training recipe keeps per weight and per activation, read from the catalogue."""

from __future__ import annotations

from dataclasses import dataclass

from kiban.catalog import Catalog

ACTIVATION_BYTES = 2.0
"""Bytes of an activation that no matrix unit reads in lower precision."""


@dataclass(frozen=True)
class MemoryFacts:
    """Bytes per weight and value of one precision, and what a program takes beside them."""

    weight_bytes: float
    """Weights as the matrix units read them, all copies."""
    gradient_bytes: float
    optimizer_bytes: float
    """Master weights and two moments."""
    input_bytes: float
    """Inputs of matrix products kept for the backward pass."""
    workspace_bytes: float
    """Context, communication and kernel buffers of the program."""
    fragmented_frac: float
    """Share of activations lost between the blocks of the allocator."""
    fused_attention: bool = True
    """True if scores are never written to memory (FlashAttention, arXiv:2205.14135)."""
    dropout: bool = False
    """True if masks of dropout are kept, one byte a value."""
    layers_at_work: float = 1.0
    """Layers whose buffers of recomputation and of token exchange stand beside what is kept."""


def load_memory_facts(catalog: Catalog, precision: str) -> MemoryFacts:
    """Read ``compute.memory.*`` for ``bf16``, ``fp8`` or ``fp4``; raises CatalogKeyError with the nearest keys."""

    def get(field: str) -> float:
        return catalog.value(f"compute.memory.{field}")

    return MemoryFacts(
        weight_bytes=get(f"{precision}_weight_bytes"),
        gradient_bytes=get("gradient_bytes"),
        optimizer_bytes=get("optimizer_bytes"),
        input_bytes=get(f"{precision}_input_bytes"),
        workspace_bytes=get("workspace_gb") * 1e9,
        fragmented_frac=get("fragmented_frac"),
    )


KORTHIKANTI = MemoryFacts(
    weight_bytes=2.0,
    gradient_bytes=4.0,
    optimizer_bytes=12.0,
    input_bytes=2.0,
    workspace_bytes=0.0,
    fragmented_frac=0.0,
    fused_attention=False,
    dropout=True,
    layers_at_work=0.0,
)
"""The bookkeeping of Korthikanti et al. 2022 (arXiv:2205.05198), section 4: what is kept alone, scores in memory,
dropout, no workspace."""
