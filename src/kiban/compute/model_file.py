"""A model that a user describes in YAML: every problem at once, or a model with its arithmetic."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from kiban.compute.arithmetic import ModelSpec
from kiban.compute.errors import ComputeError
from kiban.compute.model_fields import COUNTS, FLAGS, REQUIRED, SPECIAL, STYLES, from_numbers
from kiban.scenario.problems import ScenarioError, shorten
from kiban.scenario.yamltext import parse_yaml

MOST = 10_000_000_000
TEXTS = ("name", "style")
AT_LEAST_ONE = (
    *REQUIRED, "kv_heads", "head_dim", "moe_layer_step", "linear_conv_kernel", "mamba_conv_kernel", "mamba_groups",
)  # fmt: skip
TOGETHER = (
    ("experts_total", "experts_active"),
    ("sliding_layers", "sliding_window_tok"),
    ("chunked_layers", "attention_chunk_tok"),
    ("index_topk_tok", "index_heads", "index_head_dim"),
    ("mla_kv_lora_rank", "mla_qk_nope_head_dim", "mla_qk_rope_head_dim", "mla_v_head_dim"),
    ("linear_layers", "linear_key_heads", "linear_value_heads", "linear_key_dim", "linear_value_dim"),
    ("mamba_layers", "mamba_heads", "mamba_head_dim", "mamba_state"),
)
"""Fields that only make sense together; the first one speaks for the group."""


def load_model_file(text: str, file: str = "model.yaml") -> ModelSpec:
    """Read a model description.

    Arguments: YAML text, a mapping with the field names of the catalogue (``layers``, ``hidden_size``, ... as in
    ``model_fields``) and optionally ``name`` and ``style``; name of the file for messages.
    Errors: ComputeError with every problem, one a line.
    """
    try:
        plain = parse_yaml(text.encode("utf-8", "surrogatepass"), file).plain()
    except ScenarioError as error:
        raise ComputeError("\n".join(problem.render() for problem in error.problems)) from None
    if not isinstance(plain, dict):
        raise ComputeError(f"{file}: found {shorten(plain)}; a mapping of fields is needed")
    return model_from_mapping(plain, file)


def model_from_mapping(fields: Mapping[str, Any], place: str = "model") -> ModelSpec:
    """Build a model from a mapping; arguments and errors as for ``load_model_file``."""
    problems = _field_problems(fields)
    if not problems:
        style = str(fields.get("style", "llama"))
        model = ModelSpec(**from_numbers(str(fields.get("name", place)), fields.get, style))
        problems = _sense_problems(model, fields)
        if not problems:
            return model
    raise ComputeError("\n".join(f"{place}: {problem}" for problem in problems))


def _field_problems(fields: Mapping[str, Any]) -> list[str]:
    numbers, flags = (*COUNTS, *SPECIAL), tuple(FLAGS)
    problems = []
    for field, value in fields.items():
        if field in TEXTS:
            if not isinstance(value, str) or not value:
                problems.append(f"{field}: found {shorten(value)}; a text is needed")
            elif field == "style" and value not in STYLES:
                problems.append(f"style: found {shorten(value)}; allowed: {', '.join(STYLES)}")
        elif field in flags:
            if not (isinstance(value, bool) or value in (0, 1)):
                problems.append(f"{field}: found {shorten(value)}; allowed: true or false")
        elif field in numbers:
            least = 1 if field in AT_LEAST_ONE else 0
            if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= MOST:
                problems.append(f"{field}: found {shorten(value)}; a whole number from {least} to {MOST} is needed")
        else:
            near = get_close_matches(str(field), (*TEXTS, *numbers, *flags), n=1, cutoff=0.5)
            problems.append(f"{field}: unknown field" + (f"; did you mean {near[0]}?" if near else ""))
    problems += [f"{field}: missing" for field in REQUIRED if field not in fields]
    for first, *others in TOGETHER:
        if fields.get(first):
            problems += [f"{other}: missing beside {first}" for other in others if not fields.get(other)]
        problems += [
            f"{first}: missing beside {other}" for other in others if fields.get(other) and not fields.get(first)
        ]
    return problems


def _sense_problems(m: ModelSpec, fields: Mapping[str, Any]) -> list[str]:
    checks = (
        (m.experts_active > m.experts, f"experts_active: {m.experts_active} of {m.experts} experts"),
        (m.is_moe and not m.moe_ffn, "moe_ffn_size: missing beside experts_total"),
        (m.first_dense_layers > m.layers, f"first_dense_layers: {m.first_dense_layers} of {m.layers} layers"),
        (m.heads % m.kv_heads != 0, f"kv_heads: {m.kv_heads} do not divide {m.heads} attention heads"),
        (m.dense_layers > 0 and not m.ffn, f"ffn_size: missing; {m.dense_layers} layers have a dense unit"),
        (m.ffn_matrices not in (2, 3), f"ffn_matrices: found {m.ffn_matrices}; allowed: 2 (plain) or 3 (gated)"),
        (m.head_dim < 1, "head_dim: hidden_size is smaller than attention_heads; state it"),
        (
            m.mixer_layers < 0 or m.attention_layers < 0 or m.full_layers < 0,
            f"layers: {m.layers} hold fewer mixers than sliding, chunked, linear and mamba layers together",
        ),
        (
            bool(m.index_topk_tok) and not m.mla_q_rank,
            "index_topk_tok: an indexer needs latent attention with mla_q_lora_rank",
        ),
        (m.index_layers > max(m.full_layers, 0), f"index_layers: {m.index_layers} of {m.full_layers} full layers"),
        ("moe_layers" in fields and not m.is_moe, "moe_layers: there are no experts; experts_total is missing"),
    )
    return [text for wrong, text in checks if wrong]
