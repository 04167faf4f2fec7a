"""Small models and layouts for the tests of training."""

from __future__ import annotations

from dataclasses import MISSING

import numpy as np

from kiban.compute.arithmetic import ModelSpec
from kiban.compute.train.layouts import Layouts

PLAIN = {"expert": 1, "context": 1, "data": 1, "micro_batch": 1, "interleave": 1, "recompute": 0,
         "sequence_parallel": 0, "shard": 0, "tensor": 1, "pipeline": 1}  # fmt: skip


def gpt(layers: int = 96, hidden: int = 12288, heads: int = 96, vocab: int = 51200) -> ModelSpec:
    """A plain transformer of the kind that Korthikanti et al. weigh."""
    return _spec(layers=layers, hidden=hidden, heads=heads, kv_heads=heads, head_dim=hidden // heads, vocab=vocab,
                 ffn=4 * hidden, ffn_matrices=2, tied_embeddings=True)  # fmt: skip


def moe(layers: int = 12, hidden: int = 1024, experts: int = 8) -> ModelSpec:
    """A small model of experts with grouped queries."""
    return _spec(layers=layers, hidden=hidden, heads=16, kv_heads=4, head_dim=64, vocab=32000, ffn=4096,
                 ffn_matrices=3, experts=experts, experts_active=2, experts_shared=1, moe_ffn=1024,
                 first_dense_layers=1)  # fmt: skip


def _spec(**fields: object) -> ModelSpec:
    base: dict[str, object] = {"name": "test", "tied_embeddings": False}
    plain = [n for n, f in ModelSpec.__dataclass_fields__.items() if f.default is MISSING and n not in base]
    base |= dict.fromkeys(plain, 0)
    return ModelSpec(**(base | fields))  # type: ignore[arg-type]


def layouts(**columns: object) -> Layouts:
    """Layouts of the given columns; numbers are repeated."""
    full = np.broadcast_arrays(*(np.asarray(columns.get(name, PLAIN[name])) for name in Layouts.__dataclass_fields__))
    names = Layouts.__dataclass_fields__
    return Layouts(**{name: np.atleast_1d(column).copy() for name, column in zip(names, full, strict=True)})
