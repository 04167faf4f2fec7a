"""What programs keep of a chip and reach on it, alike on all chips: read from the catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from kiban.catalog import Catalog

ENGINES = ("vllm", "sglang", "trtllm", "other")


@dataclass(frozen=True)
class Software:
    """Facts of ``compute.engine.*``, ``compute.hop.*`` and ``compute.memory_stream_frac``."""

    memory_use_frac: Mapping[str, float]
    """Of each engine in ``ENGINES``: share of memory that weights and caches may take."""
    tight_memory_use_frac: float
    """The share at which an engine is started whose weights leave next to nothing."""
    workspace_bytes: float
    """Activations, graphs and communication buffers beside weights and caches."""
    nodes_visited: float
    """Nodes that a token is sent to, beyond one scale-up domain."""
    chunk_tok: float
    """Prompt tokens that one iteration computes at most."""
    offline_running_each: float
    """Requests of one attention replica at most in offline runs."""
    mature_years: float
    hop_up_s: float
    """One hop inside a scale-up domain."""
    hop_out_s: float
    """One hop between domains."""
    stream_frac: float
    """Share of the memory's rate that long plain reads and writes reach."""

    def use_frac(self, engine: str) -> float:
        """Share of memory of an engine; unknown ones count as ``other``."""
        return self.memory_use_frac.get(engine, self.memory_use_frac["other"])


@lru_cache(maxsize=8)
def load_software(catalog: Catalog) -> Software:
    """Read the facts; raises CatalogKeyError with the nearest keys."""

    def get(field: str) -> float:
        return catalog.value(f"compute.engine.{field}")

    return Software(
        memory_use_frac={name: get(f"{name}.memory_use_frac") for name in ENGINES},
        tight_memory_use_frac=get("tight_memory_use_frac"),
        workspace_bytes=get("workspace_bytes"),
        nodes_visited=get("nodes_visited"),
        chunk_tok=get("chunk_tok"),
        offline_running_each=get("offline_running_each"),
        mature_years=get("mature_years"),
        hop_up_s=catalog.value("compute.hop.scale_up_s"),
        hop_out_s=catalog.value("compute.hop.scale_out_s"),
        stream_frac=catalog.value("compute.memory_stream_frac"),
    )
