"""How a model is cut over the accelerators of one serving engine, and how benchmark rows write it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from kiban.compute.rows.config import number


@dataclass(frozen=True)
class ServeLayout:
    """One engine: pipeline stages of tensor x data accelerators; experts lie over the same accelerators."""

    tensor: int = 1
    """Accelerators that share one attention head set."""
    data: int = 1
    """Attention replicas; each keeps the caches of its own requests."""
    expert: int = 1
    """Groups over which whole experts are spread; the rest of the accelerators cut each expert."""
    pipeline: int = 1

    @property
    def stage(self) -> int:
        """Accelerators of one pipeline stage."""
        return self.tensor * self.data

    @property
    def accelerators(self) -> int:
        """Accelerators of the engine."""
        return self.stage * self.pipeline


_WORDS = re.compile(r"^(DEP|DTP|TEP|TP|EP|DP|PP)([0-9]+)$", re.IGNORECASE)


def layout_from_word(text: str) -> ServeLayout | None:
    """Read ``TP8`` (tensor), ``DEP8`` (attention data, experts), ``TEP8``, ``DTP8``, ``EP8``, ``DP8``; or None.

    Words joined by ``,``, ``+``, ``x`` or blanks are read one after another (``TP4,PP2``). Source of the spelling:
    NVIDIA TensorRT-LLM performance overview, column of the mapping.
    """
    out: dict[str, int] = {}
    for word in re.split(r"[\s,+x/]+", text.strip()):
        found = _WORDS.match(word)
        if not found:
            return None
        kind, n = found.group(1).upper(), int(found.group(2))
        if kind in ("DEP", "DTP", "DP"):
            out["data"] = n
        if kind in ("TP", "TEP"):
            out["tensor"] = n
        if kind in ("DEP", "TEP", "EP"):
            out["expert"] = n
        if kind == "PP":
            out["pipeline"] = n
    if "expert" in out and "tensor" not in out and "data" not in out:
        out["data"] = out["expert"]
    return ServeLayout(**out) if out else None


def layout_from_config(config: Mapping[str, str]) -> ServeLayout:
    """Read the layout of a row: ``par=`` word, or ``tp``, ``attn_dp``, ``moe_tp``, ``moe_ep``, ``pp``.

    Some InferenceX rows carry the product of tensor and expert groups as ``tp`` (``tp=64;moe_tp=8;moe_ep=8`` on eight
    accelerators); the ``tpN`` in their id, or else equal moe_tp and moe_ep, says so. Where attention data parallel is
    on, it spans all accelerators of the engine.
    """
    word = layout_from_word(config.get("par", "")) if config.get("par") else None
    if word is not None:
        return word
    tensor = _count(config, "tp")
    data, moe_tensor, expert = _count(config, "attn_dp"), _count(config, "moe_tp"), _count(config, "moe_ep")
    pipeline = _count(config, "pp")
    named = re.search(r"_tp([0-9]+)", config.get("id", ""))
    if named:
        total = int(named.group(1))
    elif moe_tensor == expert > 1:
        total = moe_tensor
    elif data > 1 and data == tensor and expert in (tensor, tensor * data):
        total = tensor
    else:
        total = tensor * data
    data = min(data, total)
    return ServeLayout(max(1, total // data), data, min(expert, total), pipeline)


def _count(config: Mapping[str, str], key: str) -> int:
    return max(1, int(number(dict(config), key) or 1))
