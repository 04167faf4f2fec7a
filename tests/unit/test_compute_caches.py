"""Caches and FLOP of models whose layers differ, against published figures and counts by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiban.catalog import load_catalog
from kiban.compute import mixers
from kiban.compute.arithmetic import load_model

CATALOG = load_catalog()
NAMES = sorted({key.split(".")[1] for key in CATALOG.keys("model.") if key.endswith(".layers")})

# Bytes of one token's cache at 16 bits, computed from the owners' config files.
PER_TOK = {
    "llama31_70b": 327_680, "deepseek_v3": 70_272, "kimi_k25": 70_272, "qwen3_coder_480b_a35b": 253_952,
    "qwen35_397b_a17b": 30_720, "minimax_m25": 253_952, "mixtral_8x22b": 229_376, "nemotron3_nano": 6_144,
    "nemotron3_super": 8_192, "nemotron3_ultra": 12_288, "llama4_scout": 196_608, "minimax_m3": 122_880,
}  # fmt: skip


@pytest.mark.parametrize("name", PER_TOK)
def test_bytes_of_one_more_token(name: str) -> None:
    assert load_model(CATALOG, name).kv_bytes_per_tok("bf16") == PER_TOK[name]


def test_indexer_keys_are_kept_in_eight_bits_beside_the_latent_vectors() -> None:
    # DeepSeek-V3.2: 61 layers, a 128-value key in fp8 with a 4-byte scale.
    for precision, latent in (("bf16", 70_272), ("fp8", 35_136)):
        assert load_model(CATALOG, "deepseek_v32").kv_bytes_per_tok(precision) == latent + 61 * 132
    # GLM-5.2 shares an indexer among layers: 21 of 78 have their own.
    assert load_model(CATALOG, "glm52").kv_bytes_per_tok() == 78 * 576 * 2 + 21 * 132


def test_windows_stop_and_states_stay() -> None:
    gpt_oss = load_model(CATALOG, "gpt_oss_120b")
    per_layer = 2 * 8 * 64 * 2
    assert gpt_oss.kv_cache_bytes(100.0) == 100 * 36 * per_layer
    assert gpt_oss.kv_cache_bytes(10_000.0) == (10_000 + 128) * 18 * per_layer
    nano = load_model(CATALOG, "nemotron3_nano")
    state = 23 * (64 * 64 * 128 * 4 + (64 * 64 + 2 * 8 * 128) * 3 * 2)
    assert nano.kv_cache_bytes(0.0) == state
    assert nano.kv_cache_bytes(1000.0) == state + 1000 * 6144


def test_chunked_layers_keep_their_chunk_and_read_half_of_it() -> None:
    scout = load_model(CATALOG, "llama4_scout")
    per_layer = 2 * 8 * 128 * 2
    assert scout.kv_cache_bytes(100_000.0) == (12 * 100_000 + 36 * 8192) * per_layer
    assert scout.kv_read_bytes(100_000.0) == (12 * 100_000 + 36 * 4096) * per_layer


def test_sparse_attention_reads_all_index_keys_and_the_chosen_vectors() -> None:
    model = load_model(CATALOG, "deepseek_v32")
    assert model.kv_read_bytes(2048.0) == model.kv_cache_bytes(2048.0)
    assert model.kv_read_bytes(100_000.0) == 61 * (2048 * 1152 + 100_000 * 132)
    step = model.decode_flop_per_tok(2e5) - model.decode_flop_per_tok(1e5)
    assert step == pytest.approx(61 * 2 * 64 * 128 * 1e5)


def test_recurrent_layers_cost_the_same_at_any_context() -> None:
    model = load_model(CATALOG, "qwen35_397b_a17b")
    assert model.full_layers == 15
    step = model.forward_flop_per_tok(2e4) - model.forward_flop_per_tok(1e4)
    assert step == pytest.approx(15 * 2 * 32 * 2 * 256 * 1e4)
    assert mixers.state_flop(model) == pytest.approx(45 * (7 * 64 * 128 * 128 + 2 * (2 * 16 + 64) * 128 * 4))


def test_mamba_flop_is_that_of_the_training_program() -> None:
    # Megatron-LM, mamba_layer_flops: 2 hidden (2 d + 2 groups state + heads) + 7 d state + 2 d hidden per token.
    m = load_model(CATALOG, "nemotron3_nano")
    d = m.mamba_heads * m.mamba_head_dim
    theirs = 2 * m.hidden * (2 * d + 2 * 8 * 128 + 64) + 7 * d * 128 + 2 * d * m.hidden
    convolution = 2 * (d + 2 * 8 * 128) * 4
    assert 2 * mixers.mamba_weights(m) + mixers.state_flop(m) / 23 == pytest.approx(theirs + convolution)


def test_training_flop_of_deepseek_v3_is_the_published_count() -> None:
    # 6 per weight in products (36.62e9), and causal attention over 4096 tokens: 61 layers, 128 heads, 192 + 128.
    model = load_model(CATALOG, "deepseek_v3")
    attention = 3 * 2 * 61 * 128 * (192 + 128) * 2048
    assert model.training_flop_per_tok(4096.0) == pytest.approx(6 * 36.62e9 + attention, rel=1e-3)


@pytest.mark.parametrize("sequence", [1, 7, 128, 129, 1000])
@pytest.mark.parametrize("width", [1, 128, 300])
def test_means_over_a_sequence_are_the_sums_over_its_positions(sequence: int, width: int) -> None:
    fine = (np.arange(sequence * 100) + 0.5) / 100
    assert mixers.mean_within(float(sequence), width) == pytest.approx(np.minimum(fine, width).mean(), rel=1e-3)
    assert mixers.mean_in_chunk(float(sequence), width) == pytest.approx((fine % width).mean(), rel=1e-3)


@given(st.sampled_from(NAMES), st.floats(1, 1e6), st.floats(1, 1e6))
def test_more_context_never_costs_less_but_at_the_end_of_a_chunk(name: str, one: float, other: float) -> None:
    model, (near, far) = load_model(CATALOG, name), sorted((one, other))
    assert model.kv_cache_bytes(near) <= model.kv_cache_bytes(far)
    whole = replace(model, chunked_layers=0)
    assert whole.decode_flop_per_tok(near) <= whole.decode_flop_per_tok(far)
    assert whole.training_flop_per_tok(near) <= whole.training_flop_per_tok(far) * (1 + 1e-12)
    assert whole.kv_read_bytes(near) <= whole.kv_read_bytes(far) <= whole.kv_cache_bytes(far)


@pytest.mark.parametrize("name", ["llama31_8b", "deepseek_v32", "llama4_scout", "nemotron3_super", "gpt_oss_20b"])
def test_arrays_give_what_single_numbers_give(name: str) -> None:
    model, tokens = load_model(CATALOG, name), np.array([1.0, 300.0, 9000.0, 2e5])
    for method in (
        model.forward_flop_per_tok, model.training_flop_per_tok, model.decode_flop_per_tok, model.kv_cache_bytes,
        model.kv_read_bytes, lambda t: model.weights_read_bytes("fp8", t),
    ):  # fmt: skip
        assert np.broadcast_to(method(tokens), 4) == pytest.approx([float(method(float(t))) for t in tokens])
