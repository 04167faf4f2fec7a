"""An accelerator as the models see it: rates in SI units, read from the catalogue."""

from __future__ import annotations

from dataclasses import dataclass

from kiban.catalog import Catalog

_FALLBACK = {"fp4": ("fp4", "fp8", "bf16"), "fp8": ("fp8", "bf16"), "bf16": ("bf16",)}

MEASURED = ("a100", "h100", "h200", "b200", "b300", "gb200", "gb300", "mi300x", "tpu_v5p", "tpu_v6e")
"""Families with measured training or serving behind the coefficients; others get a wider interval."""


@dataclass(frozen=True)
class Accelerator:
    """One accelerator type: peak rates, memory, links, power."""

    name: str
    family: str
    """Generation of its maker (``hopper``, ``blackwell``, ``cdna3``, ``tpu``, ...); chips of a family share a fit."""
    peak_flop_per_s: dict[str, float]
    memory_bytes: float
    memory_bytes_per_s: float
    scale_up_bytes_per_s: float
    scale_up_accelerators: int
    scale_out_bytes_per_s: float
    tdp_w: float
    release_year: float
    measured: bool

    def peak(self, precision: str) -> tuple[float, str]:
        """Dense peak at a precision, or at the nearest higher one that the chip has; FLOP/s and that precision."""
        for name in _FALLBACK[precision]:
            if name in self.peak_flop_per_s:
                return self.peak_flop_per_s[name], name
        raise ValueError(f"{self.name} has no dense rate for {precision}")


def load_accelerator(catalog: Catalog, name: str) -> Accelerator:
    """Build an accelerator from ``accelerator.<name>.*``; raises CatalogKeyError with the nearest keys."""

    def get(field: str) -> float:
        return catalog.value(f"accelerator.{name}.{field}")

    def maybe(field: str, default: float) -> float:
        return get(field) if catalog.has(f"accelerator.{name}.{field}") else default

    peaks = {
        p: get(f"dense_{p}_tflops") * 1e12
        for p in ("bf16", "fp8", "fp4")
        if catalog.has(f"accelerator.{name}.dense_{p}_tflops")
    }
    if "bf16" not in peaks and "fp8" in peaks:
        # Tensor units run 16-bit values at half their 8-bit rate on every chip of the catalogue that states both.
        peaks["bf16"] = peaks["fp8"] / 2
    memory = maybe("memory_usable_gb", get("memory_gb")) * 1e9
    return Accelerator(
        name=name,
        family=catalog.text(f"accelerator.{name}.family"),
        peak_flop_per_s=peaks,
        memory_bytes=memory,
        memory_bytes_per_s=get("memory_tb_per_s") * 1e12,
        scale_up_bytes_per_s=maybe("scale_up_gb_per_s", 50.0) * 1e9,
        scale_up_accelerators=int(maybe("scale_up_domain_chips", 1)),
        scale_out_bytes_per_s=maybe("scale_out_gbit_per_s", maybe("scale_up_gb_per_s", 50.0) * 8) / 8 * 1e9,
        tdp_w=get("tdp_w"),
        release_year=get("release_year_frac"),
        measured=name.startswith(MEASURED),
    )
