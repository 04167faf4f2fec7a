"""A model or an accelerator as the user names it: a catalogue name, a name as published, or a file of the user."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

from kiban.catalog import Catalog
from kiban.compute.arithmetic import ModelSpec, load_model
from kiban.compute.errors import ComputeError
from kiban.compute.hardware import Accelerator, accelerator_from_sheet, load_accelerator
from kiban.compute.model_file import load_model_file
from kiban.compute.rows.names import find_accelerator, find_model
from kiban.scenario.problems import Problem, ScenarioError
from kiban.scenario.yamltext import parse_yaml

ENDINGS = (".yaml", ".yml", ".json")

T = TypeVar("T")


def named_model(catalog: Catalog, text: str) -> ModelSpec:
    """Find a model; raises ScenarioError with the nearest names, or all that is wrong in the user's file."""
    if text.lower().endswith(ENDINGS):
        return _from_file("--model", text, lambda content: load_model_file(content, text))
    names = _names(catalog, "model", "layers")
    name = text if text in names else find_model(catalog, text)
    if name is None:
        raise _unknown("--model", "model", text, names)
    return load_model(catalog, name)


def named_accelerator(catalog: Catalog, text: str) -> Accelerator:
    """Find an accelerator; raises ScenarioError with the nearest names, or all that is wrong in the user's sheet."""
    if text.lower().endswith(ENDINGS):
        return _from_file("--chip", text, lambda content: accelerator_from_sheet(catalog, _mapping(content, text)))
    names = _names(catalog, "accelerator", "family")
    name = text if text in names else find_accelerator(catalog, text)
    if name is None:
        raise _unknown("--chip", "accelerator", text, names)
    return load_accelerator(catalog, name)


def _from_file(path: str, file: str, read: Callable[[str], T]) -> T:
    """Read a file of the user; every line of a ComputeError is one problem."""
    try:
        return read(Path(file).read_text(encoding="utf-8"))
    except OSError as error:
        raise ScenarioError(
            [Problem(path, f"cannot read {file}: {error.strerror or error}", file="command line")]
        ) from None
    except UnicodeDecodeError:
        raise ScenarioError([Problem(path, f"{file} is not UTF-8 text", file="command line")]) from None
    except ComputeError as error:
        raise ScenarioError([Problem(path, line, file=file) for line in str(error).splitlines()]) from None


def _mapping(content: str, file: str) -> dict[str, Any]:
    plain = parse_yaml(content.encode("utf-8"), file).plain()
    if not isinstance(plain, dict):
        raise ComputeError("a data sheet is a mapping of entries")
    return plain


def _names(catalog: Catalog, kind: str, field: str) -> list[str]:
    end = f".{field}"
    return [key.split(".")[1] for key in catalog.keys(f"{kind}.") if key.endswith(end) and key.count(".") == 2]


def _unknown(path: str, kind: str, text: str, names: list[str]) -> ScenarioError:
    near = get_close_matches(text.lower(), names, n=1, cutoff=0.3)
    message = f"unknown {kind}; `kiban catalog find {kind}.` lists them"
    return ScenarioError([Problem(path, message, found=text, nearest="".join(near), file="command line")])
