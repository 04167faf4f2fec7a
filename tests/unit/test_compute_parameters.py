"""Parameter counts: to the last weight of the owners' files where known, else against cards and papers."""

from __future__ import annotations

import pytest

from kiban.catalog import load_catalog
from kiban.compute.arithmetic import load_model

CATALOG = load_catalog()

# Sums over the tensors of the owners' weight files (safetensors totals on the model pages).
EXACT = {
    "llama2_7b": 6_738_415_616,
    "llama2_13b": 13_015_864_320,
    "llama2_70b": 68_976_648_192,
    "llama31_8b": 8_030_261_248,
    "llama31_70b": 70_553_706_496,
    "llama31_405b": 405_853_388_800,
    "llama32_1b": 1_235_814_400,
    "llama32_3b": 3_212_749_824,
    "mistral_7b": 7_241_732_096,
    "mixtral_8x7b": 46_702_792_704,
    "mixtral_8x22b": 140_620_634_112,
    "qwen25_7b": 7_615_616_512,
    "qwen25_14b": 14_770_033_664,
    "qwen25_32b": 32_763_876_352,
    "qwen25_72b": 72_706_203_648,
    "qwen3_06b": 596_049_920,
    "qwen3_1_7b": 1_720_574_976,
    "qwen3_8b": 8_190_735_360,
    "qwen3_14b": 14_768_307_200,
    "qwen3_32b": 32_762_123_264,
    "qwen3_30b_a3b": 30_532_122_624,
    "qwen3_235b_a22b": 235_093_634_560,
    "gpt_oss_20b": 20_914_757_184,
    "gpt_oss_120b": 116_829_156_672,
    "deepseek_v2": 235_741_434_880,
    "deepseek_v2_lite": 15_706_484_224,
    "deepseek_v3": 671_026_419_200,
    "gemma_7b": 8_537_680_896,
    "gemma2_9b": 9_241_705_984,
    "gemma2_27b": 27_227_128_320,
    "falcon_7b": 6_921_720_704,
    "falcon_40b": 41_303_293_952,
    "phi4_14b": 14_659_507_200,
    "bloom_176b": 176_247_271_424,
}

# Billions of parameters in cards, papers and names: total, allowed deviation.
ROUNDED = {
    "deepseek_v32": (671.0, 0.002),
    "kimi_k2": (1026.0, 0.001),
    "glm5": (744.0, 0.001),
    "glm45_355b_a32b": (355.0, 0.007),
    "glm45_air": (106.0, 0.01),
    "minimax_m25": (229.0, 0.003),
    "qwen3_next_80b_a3b": (80.0, 0.005),
    "qwen35_397b_a17b": (397.0, 0.003),
    "qwen35_122b_a10b": (122.0, 0.002),
    "qwen3_coder_480b_a35b": (480.0, 0.001),
    "llama4_maverick": (400.0, 0.003),
    "llama4_scout": (109.0, 0.012),  # the vision part is left out
    "nemotron3_nano": (31.6, 0.002),
    "nemotron3_super": (120.6, 0.002),
    "nemotron3_ultra": (550.0, 0.002),
    "nemotronh_56b": (56.0, 0.007),
    "nemotron4_340b": (341.0, 0.001),
    "nemotron4_15b": (15.6, 0.003),
    "gpt3_175b": (175.0, 0.003),
    "gpt_1_7b": (1.7, 0.03),
    "gpt_3_6b": (3.6, 0.012),
    "gpt_7_5b": (7.5, 0.005),
    "gpt_18b": (18.4, 0.003),
    "gpt_39b": (39.1, 0.001),
    "gpt_76b": (76.1, 0.001),
    "gpt_146b": (145.6, 0.001),
    "gpt_310b": (310.1, 0.001),
    "gpt_530b": (529.6, 0.001),
    "gpt_1t": (1008.0, 0.001),
    "palm_540b": (540.35, 0.001),
    "glam_64b_64e": (1162.0, 0.001),
    "gopher_280b": (280.0, 0.002),
}

# Billions of weights that a token meets, as published; which tables the owner counts differs.
ACTIVE = {
    "deepseek_v2": (21.0, 0.02),
    "deepseek_v3": (37.0, 0.02),
    "kimi_k2": (32.0, 0.03),
    "mixtral_8x22b": (39.0, 0.005),
    "qwen3_235b_a22b": (22.0, 0.01),
    "qwen35_397b_a17b": (17.0, 0.025),
    "llama4_maverick": (17.0, 0.012),
    "nemotron3_nano": (3.6, 0.006),
    "glam_64b_64e": (96.6, 0.002),
}


@pytest.mark.parametrize("name", EXACT)
def test_totals_of_weight_files_to_the_last_weight(name: str) -> None:
    assert load_model(CATALOG, name).params_total == EXACT[name]


@pytest.mark.parametrize("name", ROUNDED)
def test_totals_of_cards_and_papers(name: str) -> None:
    total, deviation = ROUNDED[name]
    assert load_model(CATALOG, name).params_total / 1e9 == pytest.approx(total, rel=deviation)


@pytest.mark.parametrize("name", ACTIVE)
def test_active_weights(name: str) -> None:
    active, deviation = ACTIVE[name]
    assert load_model(CATALOG, name).params_active / 1e9 == pytest.approx(active, rel=deviation)


def test_active_weights_of_gpt_oss_leave_out_the_input_table() -> None:
    # Model card (arXiv:2508.10925), table 1: 5.13 and 3.61 billion active, embeddings counted once.
    for name, active in (("gpt_oss_120b", 5.13), ("gpt_oss_20b", 3.61)):
        model = load_model(CATALOG, name)
        assert (model.params_active - model.vocab * model.hidden) / 1e9 == pytest.approx(active, rel=0.002)


def test_predicting_layer_of_deepseek_v3() -> None:
    # README of the weights: 685 billion with the module, of which 14 billion are the module: 11.5 of its own, and the
    # two tables (2 x 0.93) that it shares with the model.
    model = load_model(CATALOG, "deepseek_v3")
    assert model.mtp_params / 1e9 == pytest.approx(11.5, rel=0.01)
    assert (model.mtp_params + model.embedding_params) / 1e9 == pytest.approx(14, rel=0.05)


def test_every_model_of_the_catalogue_counts() -> None:
    names = {key.split(".")[1] for key in CATALOG.keys("model.") if key.endswith(".layers")}
    assert len(names) > 85
    for name in names:
        model = load_model(CATALOG, name)
        assert 0 < model.params_active <= model.params_total
        assert model.mixer_layers >= model.attention_layers >= model.full_layers >= 0
        assert model.kv_cache_bytes(4096.0) > 0
        for part in ("total", "active"):
            key = f"model.{name}.params_{part}_b"
            if CATALOG.has(key):
                ours = {"total": model.params_total, "active": model.params_active}[part] / 1e9
                assert ours == pytest.approx(CATALOG.value(key), rel=0.06 if part == "total" else 0.3), (
                    key
                )  # sizes in names
