"""An accelerator as the models see it: rates in SI units, read from the catalogue or from a data sheet."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from kiban.catalog import Catalog
from kiban.compute.errors import ComputeError
from kiban.compute.software import Software, load_software

_FALLBACK = {"fp4": ("fp4", "fp8", "bf16"), "fp8": ("fp8", "bf16"), "bf16": ("bf16",)}
_PRECISIONS = ("bf16", "fp8", "fp4")

UNLINKED_GB_PER_S = 50.0
"""Scale-up rate of a chip without links of its own: a PCIe slot, one direction."""

SHEET_REQUIRED = ("memory_gb", "memory_tb_per_s", "tdp_w", "release_year_frac")
SHEET_OPTIONAL = (
    "dense_bf16_tflops", "dense_fp8_tflops", "dense_fp4_tflops", "memory_usable_gb", "scale_up_gb_per_s",
    "scale_up_domain_chips", "scale_out_gbit_per_s",
)  # fmt: skip
SHEET_TEXTS = ("name", "family")


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
    """One direction, all links of a chip together."""
    scale_up_accelerators: int
    scale_out_bytes_per_s: float
    """One direction, the adapters that one chip has to itself."""
    tdp_w: float
    release_year: float
    software: Software
    matmul_frac: float = 1.0
    """Share of its sheet that the best matrix product reaches, over the share that Hopper reaches (serving only)."""

    def peak(self, precision: str) -> tuple[float, str]:
        """Dense peak at a precision, or at the nearest higher one that the chip has; FLOP/s and that precision."""
        for name in _FALLBACK[precision]:
            if name in self.peak_flop_per_s:
                return self.peak_flop_per_s[name], name
        raise ValueError(f"{self.name} has no dense rate for {precision}")


def load_accelerator(catalog: Catalog, name: str) -> Accelerator:
    """Build an accelerator from ``accelerator.<name>.*``; raises CatalogKeyError with the nearest keys."""

    def get(field: str) -> float | None:
        key = f"accelerator.{name}.{field}"
        return catalog.value(key) if field in SHEET_REQUIRED or catalog.has(key) else None

    return _accelerator(catalog, name, catalog.text(f"accelerator.{name}.family"), get)


def accelerator_from_sheet(catalog: Catalog, sheet: Mapping[str, Any]) -> Accelerator:
    """Build an accelerator from a data sheet.

    Arguments: catalogue (for what a sheet may leave out), and a mapping with the names and units of the catalogue
    rows: ``SHEET_REQUIRED``, at least one dense rate, any of ``SHEET_OPTIONAL``, ``name`` and ``family``.
    Result: the chip; family ``unknown`` where none is given.
    Errors: ComputeError that lists every missing, unknown and impossible entry.
    """
    problems = _sheet_problems(sheet)
    if problems:
        raise ComputeError("\n".join(problems))
    name, family = str(sheet.get("name", "data_sheet")), str(sheet.get("family", "unknown"))
    return _accelerator(catalog, name, family, lambda field: _number(sheet.get(field)))


def _accelerator(catalog: Catalog, name: str, family: str, get: Callable[[str], float | None]) -> Accelerator:
    def some(field: str, default: float) -> float:
        value = get(field)
        return default if value is None else value

    rates = {p: get(f"dense_{p}_tflops") for p in _PRECISIONS}
    out_gbit = get("scale_out_gbit_per_s")
    if out_gbit is None:
        out_gbit = catalog.value("compute.scale_out_default_gbit_per_s")
    return Accelerator(
        name=name,
        family=family,
        peak_flop_per_s=_peaks({p: rate * 1e12 for p, rate in rates.items() if rate is not None}),
        memory_bytes=some("memory_usable_gb", some("memory_gb", 0.0)) * 1e9,
        memory_bytes_per_s=some("memory_tb_per_s", 0.0) * 1e12,
        scale_up_bytes_per_s=some("scale_up_gb_per_s", UNLINKED_GB_PER_S) * 1e9,
        scale_up_accelerators=int(some("scale_up_domain_chips", 1)),
        scale_out_bytes_per_s=out_gbit / 8 * 1e9,
        tdp_w=some("tdp_w", 0.0),
        release_year=some("release_year_frac", 0.0),
        software=load_software(catalog),
        matmul_frac=_matmul_frac(catalog, family),
    )


def _matmul_frac(catalog: Catalog, family: str) -> float:
    key = "compute.matmul.{}_frac_of_peak"
    if not catalog.has(key.format(family)):
        return 1.0
    return catalog.value(key.format(family)) / catalog.value(key.format("hopper"))


def _peaks(stated: dict[str, float]) -> dict[str, float]:
    """Add the rates that a sheet leaves out.

    Tensor units run 8-bit values at half their 4-bit rate and 16-bit values at half their 8-bit rate on nearly every
    chip of the catalogue that states both (not 4-bit on Blackwell Ultra and Trainium3, which state both).
    """
    peaks = dict(stated)
    if "fp8" not in peaks and "bf16" not in peaks and "fp4" in peaks:
        peaks["fp8"] = peaks["fp4"] / 2
    if "bf16" not in peaks and "fp8" in peaks:
        peaks["bf16"] = peaks["fp8"] / 2
    return peaks


def _sheet_problems(sheet: Mapping[str, Any]) -> list[str]:
    known = (*SHEET_REQUIRED, *SHEET_OPTIONAL, *SHEET_TEXTS)
    problems = []
    for field, value in sheet.items():
        if field not in known:
            near = get_close_matches(str(field), known, n=1, cutoff=0.5)
            problems.append(
                f"{field}: unknown entry; " + (f"nearest: {near[0]}" if near else f"known: {', '.join(known)}")
            )
        elif field not in SHEET_TEXTS and not (_number(value) or 0.0) > 0:
            problems.append(f"{field}: found {value!r}; a number above 0 is needed")
        elif field == "release_year_frac" and not 2010 <= (_number(value) or 0.0) <= 2045:
            problems.append(f"{field}: found {value!r}; allowed 2010 to 2045")
    problems += [f"{field}: missing" for field in SHEET_REQUIRED if field not in sheet]
    rates = [f"dense_{p}_tflops" for p in _PRECISIONS]
    if not any(rate in sheet for rate in rates):
        problems.append(f"{rates[0]}: missing; at least one of {', '.join(rates)} is needed")
    return problems


def _number(value: Any) -> float | None:
    """A finite number, or None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < float("inf") else None
