"""Chips from the catalogue and from data sheets."""

from __future__ import annotations

import pytest

from kiban.catalog import load_catalog
from kiban.compute.errors import ComputeError
from kiban.compute.hardware import accelerator_from_sheet, load_accelerator

CATALOG = load_catalog()
CHIPS = sorted({key.split(".")[1] for key in CATALOG.keys("accelerator.") if key.endswith(".memory_gb")})
SHEET = {
    "dense_bf16_tflops": 989.4, "dense_fp8_tflops": 1978, "memory_gb": 80, "memory_tb_per_s": 3.35, "tdp_w": 700,
    "release_year_frac": 2022.667, "scale_up_gb_per_s": 450, "scale_up_domain_chips": 8, "scale_out_gbit_per_s": 400,
}  # fmt: skip


@pytest.mark.parametrize("name", CHIPS)
def test_every_chip_loads_with_its_own_adapters_and_power(name: str) -> None:
    chip = load_accelerator(CATALOG, name)
    assert CATALOG.has(f"accelerator.{name}.scale_out_gbit_per_s")
    assert chip.tdp_w >= 150
    assert 0 < chip.scale_out_bytes_per_s <= chip.scale_up_bytes_per_s <= chip.memory_bytes_per_s
    assert chip.peak("bf16")[0] <= chip.peak("fp8")[0] <= chip.peak("fp4")[0]
    # Vendors state binary GiB or decimal GB: usable bytes lie between the two readings.
    assert chip.memory_bytes / CATALOG.value(f"accelerator.{name}.memory_gb") == pytest.approx(1.035e9, rel=0.04)


def test_slow_adapters_do_not_fall_back_to_scale_up_speed() -> None:
    assert load_accelerator(CATALOG, "h800_sxm").scale_out_bytes_per_s == 50e9
    assert load_accelerator(CATALOG, "tpu_v6e").scale_out_bytes_per_s == 12.5e9


def test_a_sheet_with_the_figures_of_a_chip_gives_that_chip_without_its_measurements() -> None:
    chip, known = accelerator_from_sheet(CATALOG, SHEET), load_accelerator(CATALOG, "h100_sxm")
    assert chip.peak_flop_per_s == known.peak_flop_per_s
    assert chip.scale_out_bytes_per_s == known.scale_out_bytes_per_s
    assert chip.family == "unknown"
    assert chip.memory_bytes == 80e9


def test_a_sheet_may_state_the_lowest_precision_alone() -> None:
    sheet = {k: v for k, v in SHEET.items() if not k.startswith("dense")} | {"dense_fp4_tflops": 20000}
    chip = accelerator_from_sheet(CATALOG, sheet)
    assert (chip.peak("fp8")[0], chip.peak("bf16")[0]) == (1e16, 5e15)


def test_a_bad_sheet_is_told_everything_at_once() -> None:
    with pytest.raises(ComputeError) as error:
        accelerator_from_sheet(CATALOG, {"memory_gb": -1, "memory_tbps": 3, "tdp_w": "700", "release_year_frac": 1990})
    lines = str(error.value).splitlines()
    assert [line.split(":")[0] for line in lines] == [
        "memory_gb", "memory_tbps", "tdp_w", "release_year_frac", "memory_tb_per_s", "dense_bf16_tflops",
    ]  # fmt: skip
    assert "memory_tb_per_s" in lines[1]
