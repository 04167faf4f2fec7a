"""Scenario file -> Scenario: read, follow ``extends``, lay a variant over it, validate."""

from __future__ import annotations

import stat
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import ValidationError

from kiban.scenario.problems import Problem, ScenarioError, nearest_name, path_text, shorten
from kiban.scenario.schema import Scenario
from kiban.scenario.translate import translate
from kiban.scenario.yamltext import MOST_BYTES, MOST_DEPTH, MOST_NODES, Node, parse_yaml

__all__ = [
    "Loaded",
    "Merged",
    "Problem",
    "ScenarioError",
    "lay_over",
    "load_scenario",
    "load_scenario_text",
    "merge_file",
    "merge_text",
    "validate",
]

MOST_EXTENDS = 8
MERGED_BY = {"sites": "name", "regions": "name", "overrides": "key", "claims": "item", "lines": "name", "fixed": "name"}
"""Lists whose entries are laid over each other by a naming key instead of being replaced."""


@dataclass(frozen=True)
class Loaded:
    """A scenario that passed the form, with what it was made from."""

    scenario: Scenario
    resolved: dict[str, Any]
    """Every field with its value, defaults written out."""
    source_files: tuple[Path, ...]
    """The file itself first, then what it extends."""
    variant: str | None
    variants: tuple[str, ...]
    """Names of the variants that the file offers."""
    tree: Node
    """The merged tree with lines, for messages."""


@dataclass(frozen=True)
class Merged:
    """A file after ``extends`` and the variant, before the form is checked."""

    tree: Node
    source_files: tuple[Path, ...]
    variants: tuple[str, ...]


def load_scenario(path: str | Path, variant: str | None = None) -> Loaded:
    """Read a scenario file and check its form.

    Arguments: path of the YAML file; name of one of its variants, or None for the base case.
    Result: Loaded. Errors: ScenarioError with every problem of form (sense against the catalogue: ``check_scenario``).
    """
    return validate(merge_file(path, variant), variant)


def load_scenario_text(text: str, variant: str | None = None, label: str = "scenario") -> Loaded:
    """Read a scenario from a text, as the web form does; ``extends`` is not allowed there."""
    return validate(merge_text(text, variant, label), variant)


def validate(merged: Merged, variant: str | None) -> Loaded:
    """Turn a merged tree into a Scenario; raises ScenarioError with every problem of form."""
    try:
        scenario = Scenario.model_validate(merged.tree.plain())
    except ValidationError as error:
        raise ScenarioError(translate(error, merged.tree)) from None
    resolved = scenario.model_dump(mode="json")
    return Loaded(scenario, resolved, merged.source_files, variant, merged.variants, merged.tree)


def merge_file(path: str | Path, variant: str | None = None) -> Merged:
    """Read a file, lay it over what it extends, and lay the variant over both."""
    top = Path(path)
    files: list[Path] = []
    tree = _read_chain(top, _parent_of(top), files)
    return _apply_variant(tree, variant, tuple(files))


def merge_text(text: str, variant: str | None = None, label: str = "scenario") -> Merged:
    """Do what ``merge_file`` does for a text that is not on disk."""
    tree = parse_yaml(text.encode("utf-8", errors="surrogatepass"), label)
    if "extends" in tree.value:
        raise _fault(tree.value["extends"], "extends", "extends is allowed in files only")
    return _apply_variant(tree, variant, ())


def _parent_of(path: Path) -> Path:
    try:
        return path.resolve().parent
    except (OSError, RuntimeError, ValueError):
        raise ScenarioError([Problem(path="", message="the path cannot be read", file=str(path))]) from None


def _read_chain(path: Path, folder: Path, files: list[Path]) -> Node:
    """Read ``path`` and everything it extends; ``files`` grows by each file read."""
    node = parse_yaml(_read_bytes(path), path.name)
    files.append(path)
    entry = node.value.get("extends")
    own = replace(node, value={k: v for k, v in node.value.items() if k != "extends"})
    if entry is None:
        return own
    if len(files) > MOST_EXTENDS:
        raise _fault(entry, "extends", f"the chain of extends is longer than the limit of {MOST_EXTENDS}")
    base = _base_path(entry, path, folder)
    if base in [f.resolve() for f in files]:
        chain = " -> ".join([*(f.name for f in files), base.name])
        raise _fault(entry, "extends", f"extends goes in a circle: {chain}")
    if not base.is_file():
        raise _fault(entry, "extends", f"the extended file {shorten(entry.value)} does not exist")
    return lay_over(_read_chain(base, folder, files), own)


def _base_path(entry: Node, path: Path, folder: Path) -> Path:
    """Resolve the path of ``extends``: relative, a YAML file, below the folder of the top file."""
    text = entry.value
    if not isinstance(text, str) or not text.strip() or "\0" in text:
        raise _fault(
            entry, "extends", f"extends must be the relative path of a YAML file; found {shorten(entry.plain())}"
        )
    if PurePosixPath(text).is_absolute() or "\\" in text or ":" in text or text.startswith("~"):
        raise _fault(entry, "extends", f"extends must be a relative path with forward slashes; found {shorten(text)}")
    if not text.endswith((".yaml", ".yml")):
        raise _fault(entry, "extends", f"extends must end in .yaml or .yml; found {shorten(text)}")
    try:
        base = (path.resolve().parent / text).resolve()
    except (OSError, RuntimeError):
        raise _fault(entry, "extends", f"the path {shorten(text)} cannot be followed") from None
    if not base.is_relative_to(folder):
        raise _fault(
            entry, "extends", f"extends must stay below the folder of the scenario file; found {shorten(text)}"
        )
    return base


def _read_bytes(path: Path) -> bytes:
    reason = ""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            reason = "this is not a file"
        else:
            with path.open("rb") as stream:
                return stream.read(MOST_BYTES + 1)
    except FileNotFoundError:
        reason = "the file does not exist"
    except (OSError, ValueError) as error:
        reason = f"the file cannot be read: {getattr(error, 'strerror', None) or error}"
    raise ScenarioError([Problem(path="", message=reason, file=str(path))])


def _apply_variant(tree: Node, variant: str | None, files: tuple[Path, ...]) -> Merged:
    entry = tree.value.get("variants")
    own = replace(tree, value={k: v for k, v in tree.value.items() if k != "variants"})
    overlays = _overlays(entry)
    if variant is not None:
        if variant not in overlays:
            names = sorted(overlays)
            raise ScenarioError(
                [
                    Problem(
                        path="variants",
                        message=f"there is no variant {shorten(variant)}",
                        line=entry.line if entry else None,
                        allowed=", ".join(names) or "none: the file has no variants",
                        nearest=nearest_name(variant, names),
                        file=tree.file,
                    )
                ]
            )
        own = lay_over(own, overlays[variant], ("variants", variant))
    if own.size > MOST_NODES:
        raise ScenarioError(
            [Problem(path="", message=f"the files hold more than the limit of {MOST_NODES:,} values", file=tree.file)]
        )
    return Merged(own, files, tuple(overlays))


def _overlays(entry: Node | None) -> dict[str, Node]:
    """Check the shape of every variant, chosen or not."""
    if entry is None or entry.value is None:
        return {}
    if not isinstance(entry.value, dict):
        raise _fault(entry, "variants", f"variants must map names to overlays; found {shorten(entry.plain())}")
    problems = []
    for name, overlay in entry.value.items():
        path = path_text(("variants", name[:60]))
        if not isinstance(overlay.value, dict):
            problems.append((overlay, path, f"a variant must be a mapping of keys; found {shorten(overlay.plain())}"))
            continue
        problems += [
            (overlay.value[key], f"{path}.{key}", f"{key} is not allowed inside a variant")
            for key in ("extends", "variants", "kiban")
            if key in overlay.value
        ]
    if problems:
        raise ScenarioError([Problem(path=p, message=m, line=n.line, file=n.file) for n, p, m in problems])
    return dict(entry.value)


def lay_over(base: Node, over: Node, path: tuple[str | int, ...] = ()) -> Node:
    """Lay one tree over another.

    Mappings merge key by key, and a key set to null in ``over`` is removed. The lists in MERGED_BY merge by their
    naming key: an entry of the same name is merged, a new one is appended, one with ``remove: true`` is taken out,
    and an empty list clears. Every other value is replaced.
    """
    if len(path) > MOST_DEPTH:
        raise _fault(over, path_text(path[:3]), f"nested deeper than the limit of {MOST_DEPTH} levels")
    if isinstance(base.value, dict) and isinstance(over.value, dict):
        if _other_figure(base.value, over.value):
            return over
        merged = dict(base.value)
        for key, child in over.value.items():
            if child.value is None:
                merged.pop(key, None)
            elif key in merged:
                merged[key] = lay_over(merged[key], child, (*path, key))
            else:
                merged[key] = child
        return _resized(over, merged)
    naming_key = MERGED_BY.get(str(path[-1])) if path else None
    if naming_key and isinstance(base.value, list) and isinstance(over.value, list) and over.value:
        return _merge_named(base, over, path, naming_key)
    return over


def _other_figure(base: dict[str, Node], over: dict[str, Node]) -> bool:
    """Whether a number said by a row of the catalogue is laid over by one said in place, or the other way round."""
    said = [(name in base, name in over) for name in ("key", "value")]
    return said in ([(True, False), (False, True)], [(False, True), (True, False)])


def _merge_named(base: Node, over: Node, path: tuple[str | int, ...], naming_key: str) -> Node:
    names = [_name_of(item, naming_key) for item in over.value]
    if None in names or None in [_name_of(item, naming_key) for item in base.value]:
        return over
    for position, name in enumerate(names):
        if name in names[:position]:
            raise _fault(
                over.value[position], path_text((*path, position)), f"{naming_key} {shorten(name)} appears twice"
            )
    merged = list(base.value)
    for item, name in zip(over.value, names, strict=True):
        found = [i for i, old in enumerate(merged) if _name_of(old, naming_key) == name]
        remove = item.value.get("remove")
        if remove is not None and remove.value is True:
            if not found:
                raise _fault(item, path_text(path), f"there is no entry {shorten(name)} to remove")
            merged = [old for i, old in enumerate(merged) if i not in found]
        elif found:
            merged[found[0]] = lay_over(merged[found[0]], item, (*path, found[0]))
        else:
            merged.append(item)
    return _resized(over, merged)


def _name_of(item: Node, naming_key: str) -> str | None:
    entry = item.value.get(naming_key) if isinstance(item.value, dict) else None
    return entry.value if entry is not None and isinstance(entry.value, str) else None


def _resized(place: Node, value: dict[str, Node] | list[Node]) -> Node:
    children = list(value.values()) if isinstance(value, dict) else value
    height = 1 + max((c.height for c in children), default=0)
    return Node(value, place.file, place.line, 1 + sum(c.size for c in children), height)


def _fault(node: Node, path: str, message: str) -> ScenarioError:
    return ScenarioError([Problem(path=path, message=message, line=node.line, file=node.file)])
