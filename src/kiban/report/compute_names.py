"""A model or an accelerator as the user names it: a catalogue name, an alias of a publication, or a file."""

from __future__ import annotations

from difflib import get_close_matches

from kiban.catalog import Catalog
from kiban.compute.arithmetic import ModelSpec, load_model
from kiban.compute.hardware import Accelerator, load_accelerator
from kiban.compute.rows.names import find_accelerator, find_model
from kiban.scenario.problems import Problem, ScenarioError


def named_model(catalog: Catalog, text: str) -> ModelSpec:
    """Find a model; raises ScenarioError with the nearest names."""
    names = _names(catalog, "model", "layers")
    name = text if text in names else find_model(catalog, text)
    if name is None:
        raise _unknown("--model", "model", text, names)
    return load_model(catalog, name)


def named_accelerator(catalog: Catalog, text: str) -> Accelerator:
    """Find an accelerator; raises ScenarioError with the nearest names."""
    names = _names(catalog, "accelerator", "family")
    name = text if text in names else find_accelerator(catalog, text)
    if name is None:
        raise _unknown("--chip", "accelerator", text, names)
    return load_accelerator(catalog, name)


def _names(catalog: Catalog, kind: str, field: str) -> list[str]:
    end = f".{field}"
    return [key.split(".")[1] for key in catalog.keys(f"{kind}.") if key.endswith(end) and key.count(".") == 2]


def _unknown(path: str, kind: str, text: str, names: list[str]) -> ScenarioError:
    near = get_close_matches(text.lower(), names, n=1, cutoff=0.3)
    message = f"unknown {kind}; `kiban catalog find {kind}.` lists them"
    return ScenarioError([Problem(path, message, found=text, nearest="".join(near), file="command line")])
