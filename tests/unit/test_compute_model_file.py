"""Models that a user describes: the catalogue's model again, or every problem at once."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from kiban.catalog import load_catalog
from kiban.compute.arithmetic import ModelSpec, load_model
from kiban.compute.errors import ComputeError
from kiban.compute.model_fields import COUNTS, FLAGS, SPECIAL, STYLES
from kiban.compute.model_file import load_model_file, model_from_mapping

CATALOG = load_catalog()
FIELDS = (*COUNTS, *FLAGS, *SPECIAL)
DENSE = {
    "layers": 32,
    "hidden_size": 4096,
    "attention_heads": 32,
    "kv_heads": 8,
    "vocab_size": 128256,
    "ffn_size": 14336,
}


def described(name: str) -> dict[str, int | str]:
    """The catalogue's rows of a model as a user would write them."""
    out: dict[str, int | str] = {"name": name}
    for key in CATALOG.keys(f"model.{name}."):
        field = key.split(".")[2]
        if field in FIELDS:
            out[field] = int(CATALOG.value(key))
        elif field == "style":
            out[field] = CATALOG.text(key)
    return out


@pytest.mark.parametrize(
    "name",
    ["llama31_8b", "deepseek_v3", "deepseek_v32", "gpt_oss_120b", "nemotron3_super", "qwen35_397b_a17b", "gpt_1t"],
)
def test_a_description_gives_the_model_of_the_catalogue(name: str) -> None:
    assert load_model_file(yaml.safe_dump(described(name))) == load_model(CATALOG, name)


def test_every_model_of_the_catalogue_is_a_sensible_description() -> None:
    for key in CATALOG.keys("model."):
        if key.endswith(".layers"):
            model_from_mapping(described(key.split(".")[1]))


def test_all_problems_come_at_once() -> None:
    text = "layers: 0\nhiden_size: 4096\nattention_heads: many\nvocab_size: 32000\nstyle: lama\nqk_norm: 2\n"
    text += "mamba_layers: 3\n"
    with pytest.raises(ComputeError) as error:
        load_model_file(text, "mine.yaml")
    lines = str(error.value).splitlines()
    assert all(line.startswith("mine.yaml: ") for line in lines)
    assert len(lines) == 9
    assert "did you mean hidden_size?" in lines[1]
    assert "allowed: llama, gpt" in lines[3]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"kv_heads": 7}, "do not divide 32"),
        ({"experts_total": 8, "experts_active": 9, "moe_ffn_size": 64}, "9 of 8 experts"),
        ({"sliding_layers": 33, "sliding_window_tok": 128}, "fewer mixers"),
        ({"ffn_size": 0}, "32 layers have a dense unit"),
        ({"ffn_matrices": 4}, "2 (plain) or 3 (gated)"),
        ({"index_topk_tok": 64, "index_heads": 2, "index_head_dim": 8}, "needs latent attention"),
        ({"mla_kv_lora_rank": 64}, "mla_v_head_dim: missing beside mla_kv_lora_rank"),
    ],
)
def test_senseless_descriptions_say_why(more: dict[str, int], words: str) -> None:
    with pytest.raises(ComputeError) as error:
        model_from_mapping({**DENSE, **more})
    assert words in str(error.value)


@pytest.mark.parametrize("text", ["", "[1, 2]", "layers: [", "a: &x [*x]", "layers: 1\nlayers: 2", "\ud800: 1"])
def test_what_is_no_mapping_is_refused(text: str) -> None:
    with pytest.raises(ComputeError):
        load_model_file(text)


@given(st.dictionaries(st.sampled_from((*FIELDS, "style")), st.integers(-1, 200) | st.sampled_from(list(STYLES))))
def test_any_mapping_is_a_model_or_told_why(fields: dict[str, int | str]) -> None:
    try:
        model = model_from_mapping({**DENSE, **fields})
    except ComputeError as error:
        assert str(error)
        return
    assert isinstance(model, ModelSpec)
    assert 0 < model.params_active <= model.params_total
    assert model.forward_flop_per_tok(100.0) > 0
    assert model.kv_cache_bytes(100.0) >= 0
    assert model.kv_read_bytes(100.0) <= model.kv_cache_bytes(100.0)
