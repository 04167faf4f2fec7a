"""Names in publications reach the right model and chip, and no other."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiban.catalog import load_catalog
from kiban.compute.rows.names import find_accelerator, find_model, nearest_accelerator, nearest_model, plain

CATALOG = load_catalog()
MEASURED = Path(__file__).parents[3] / "shared" / "validation" / "compute.csv"

MODELS = {
    "DeepSeek-V3/R1": "deepseek_v3",
    "deepseek-ai/DeepSeek-R1-0528": "deepseek_r1",
    "DeepSeek-V3.2-Exp": "deepseek_v32",
    "DeepSeek-R1-Distill-Llama-70B": "llama31_70b",
    "LLAMA3_8B": "llama31_8b",
    "Llama-3.1-8B": "llama31_8b",
    "meta-llama/Llama-3.3-70B-Instruct": "llama31_70b",
    "GPT-3 175B (vocab 131072)": "gpt3_175b",
    "GPT-3.6B": "gpt_3_6b",
    "GPT-310.1B": "gpt_310b",
    "Qwen3_30B_a3B (tokendrop)": "qwen3_30b_a3b",
    "Qwen3.5-397B-A17B": "qwen35_397b_a17b",
    "zai-org/GLM-5-FP8": "glm5",
    "GLM-5.2": "glm52",
    "Kimi_K2": "kimi_k2",
    "moonshotai/Kimi-K2.5": "kimi_k25",
    "DeepSeek3-671B": "deepseek_v3",
    "DeepSeekV3.1": "deepseek_v3",
    "deepseek-ai/DeepSeek-V4-Pro": "deepseek_v4_pro",
    "Llama2-70B": "llama2_70b",
    "Llama4-Maverick-17B-128E": "llama4_maverick",
    "Qwen3_Next_80B_a3B": "qwen3_next_80b_a3b",
    "Nemotron4_340B": "nemotron4_340b",
    "Mixtral-8X7B": "mixtral_8x7b",
    "Gemma2-27B": "gemma2_27b",
    "GLM-4.6": "glm45_355b_a32b",
    "GLM-4.5-Air": "glm45_air",
    "DeepSeek-V3.7": None,
    "GPT-3 13B": None,
    "Qwen3.5-8B": None,
    "": None,
}
CHIPS = {
    "DGX-GB300": "gb300",
    "DGX-B300": "b300",
    "NVIDIA Blackwell Ultra GPU (B300-SXM-270GB)": "b300",
    "NVIDIA GB300 (Blackwell Ultra)": "gb300",
    "NVIDIA A100 SXM4 80 GB": "a100_sxm_80",
    "A100-SXM4-40GB": "a100_sxm_40",
    "A100 PCIe 80GB": None,
    "H100 x8 node": "h100_sxm",
    "NVIDIA H100-SXM5-80GB": "h100_sxm",
    "NVIDIA HGX H20": "h20",
    "NVIDIA H200 SXM": "h200_sxm",
    "AMD Instinct MI325X 256GB HBM3E": "mi325x",
    "TPU-trillium": "tpu_v6e",
    "TPU v5 lite": "tpu_v5e",
    "Ironwood-4x4x4": "tpu_v7",
    "trn2.48xlarge": "trainium2",
    "v5p-256": "tpu_v5p",
    "tpu7x-64": "tpu_v7",
    "p5.48xlarge": "h100_sxm",
    "p5en.48xlarge": "h200_sxm",
    "a4-highgpu-8g": "b200",
    "p4d.24xlarge": "a100_sxm_40",
    "p4de.24xlarge": "a100_sxm_80",
    "Standard_ND96isr_H200_v5": "h200_sxm",
    "NVIDIA Rubin": "rubin_vr200",
    "RTX 4090": None,
}


@pytest.mark.parametrize("text", MODELS)
def test_models(text: str) -> None:
    assert find_model(CATALOG, text) == MODELS[text]


@pytest.mark.parametrize("text", CHIPS)
def test_accelerators(text: str) -> None:
    assert find_accelerator(CATALOG, text) == CHIPS[text]


def test_every_measured_model_and_chip_is_known() -> None:
    if not MEASURED.is_file():
        pytest.skip("the shared measurements are not here")
    with MEASURED.open(encoding="utf-8") as file:
        rows = [r for r in csv.DictReader(file) if r["kind"].startswith(("training", "inference"))]
    assert {r["system"] for r in rows if find_model(CATALOG, r["system"]) is None} == set()
    unknown = {r["hardware"] for r in rows if find_accelerator(CATALOG, r["hardware"]) is None}
    assert unknown == {"as named"}


def test_every_model_and_chip_has_aliases_that_come_back_to_it() -> None:
    for kind, find in (("model", find_model), ("accelerator", find_accelerator)):
        for key in CATALOG.keys(f"{kind}."):
            name = key.split(".")[1]
            if key.endswith(".aliases"):
                for alias in CATALOG.text(key).split("|"):
                    assert find(CATALOG, f"maker/{alias}") == name
            elif not name.startswith(("trend_", "frontier_")):
                assert CATALOG.has(f"{kind}.{name}.aliases"), f"{kind}.{name} has no aliases"


def test_an_unknown_name_is_told_its_neighbours() -> None:
    assert "Llama-3.1-70B" in nearest_model(CATALOG, "Llama-3.5-70B")
    assert "H200" in nearest_accelerator(CATALOG, "H2000")


@given(st.text(max_size=40))
def test_any_text_is_named_or_not(text: str) -> None:
    plain(text)
    found = find_model(CATALOG, text)
    assert found is None or CATALOG.has(f"model.{found}.layers")


@pytest.mark.parametrize("name", ["gb200", "gb300", "gh200", "b200", "b300"])
def test_form_factors_do_not_hide_the_first_letters_of_a_chip(name: str) -> None:
    assert find_accelerator(CATALOG, f"{name}_sxm") == name
