"""YAML text -> a tree of plain values with lines, within limits.

Only PyYAML's event stream is used: no tag is ever constructed, and every limit is enforced while the tree grows, so a
hostile file costs at most the limits below. Scalars follow the YAML 1.2 core schema instead of PyYAML's YAML 1.1:
``50e9`` is a number, ``no``, ``on``, ``12:30`` and ``2026-01-01`` are texts.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import yaml

from kiban.scenario.problems import Problem, ScenarioError, path_text, shorten

MOST_BYTES = 1_000_000
MOST_DEPTH = 40
MOST_NODES = 20_000
MOST_SCALAR_CHARACTERS = 10_000

# The C reader where PyYAML was built with it: the same events, ten times faster.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NULL = re.compile(r"~|null|Null|NULL|")
_TRUE = re.compile(r"true|True|TRUE")
_FALSE = re.compile(r"false|False|FALSE")
_INTEGER = re.compile(r"[-+]?(?:[0-9]+|[0-9]{1,3}(?:_[0-9]{3})+)")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_WRITABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")


@dataclass(frozen=True)
class Node:
    """One value with its place; ``value`` is dict[str, Node], list[Node] or a plain scalar."""

    value: Any
    file: str
    line: int
    size: int = 1
    """Nodes in the subtree, with aliases written out."""
    height: int = 1

    def plain(self) -> Any:
        """Give the subtree as plain data."""
        if isinstance(self.value, dict):
            return {key: child.plain() for key, child in self.value.items()}
        if isinstance(self.value, list):
            return [child.plain() for child in self.value]
        return self.value


def resolve_plain(text: str) -> Any:
    """Give the value of an unquoted scalar; raises ValueError where it is a number that cannot be used."""
    if _NULL.fullmatch(text):
        return None
    if _TRUE.fullmatch(text):
        return True
    if _FALSE.fullmatch(text):
        return False
    if _NOT_FINITE.fullmatch(text):
        raise ValueError(f"{text} is not a finite number")
    if _INTEGER.fullmatch(text) and len(text) <= 20:
        return int(text)
    if _INTEGER.fullmatch(text) or _FLOAT.fullmatch(text):
        number = float(text.replace("_", ""))
        if not math.isfinite(number):
            raise ValueError(f"{text[:40]} is too large for a number")
        return number
    return text


def parse_yaml(raw: bytes, file: str) -> Node:
    """Read one YAML document.

    Arguments: the bytes, and the name of the file for messages. Result: the tree; the top is a mapping.
    Errors: ScenarioError for text that is not UTF-8 or YAML, and for each limit, naming it.
    """
    if len(raw) > MOST_BYTES:
        raise _fault(file, None, f"the file is larger than the limit of {MOST_BYTES:,} bytes")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line: int | None = raw[: error.start].count(b"\n") + 1
        raise _fault(file, line, "the file is not UTF-8 text") from None
    try:
        top = _Composer(file).compose(yaml.parse(text, Loader=_LOADER))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        words = " ".join(part for part in (error.context, error.problem) if part)
        own = text.splitlines()[mark.line] if mark and mark.line < len(text.splitlines()) else ""
        if "\t" in own[: len(own) - len(own.lstrip())]:
            words = "a tab is used for indentation; YAML allows spaces only"
        raise _fault(file, mark.line + 1 if mark else None, f"this is not valid YAML: {words}") from None
    except yaml.YAMLError as error:
        position = getattr(error, "position", None)
        line = text[:position].count("\n") + 1 if isinstance(position, int) else None
        raise _fault(file, line, "the file holds a character that YAML does not allow") from None
    except ScenarioError:
        raise
    except (ValueError, OverflowError) as error:
        # PyYAML lets these through for an escape such as "\UFFFFFFFF".
        raise _fault(file, None, f"this is not valid YAML: {error}") from None
    if top is None or top.value is None:
        raise _fault(file, None, "the file is empty; `kiban new` writes a template")
    if not isinstance(top.value, dict):
        raise _fault(
            file, top.line, f"the file must be a mapping of keys such as `name:`; found {shorten(top.plain())}"
        )
    return top


def _fault(file: str, line: int | None, message: str) -> ScenarioError:
    return ScenarioError([Problem(path="", message=message, line=line, file=file)])


class _Composer:
    """Builds Nodes from events without recursion over the text; faults that do not stop the reading are gathered."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.nodes = 0
        self.anchors: dict[str, Node | None] = {}
        self.faults: list[Problem] = []
        self.path: list[str | int] = []

    def compose(self, events: Iterator[yaml.Event]) -> Node | None:
        top: Node | None = None
        documents = 0
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise _fault(self.file, _line(event), "the file holds more than one YAML document")
            elif isinstance(event, yaml.NodeEvent):
                top = self._node(event, events, 1)
        if self.faults:
            raise ScenarioError(self.faults)
        return top

    def _node(self, event: yaml.Event, events: Iterator[yaml.Event], depth: int) -> Node:
        line = _line(event)
        if depth > MOST_DEPTH:
            raise _fault(self.file, line, f"nested deeper than the limit of {MOST_DEPTH} levels")
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, depth)
        tag = getattr(event, "tag", None)
        if tag not in (None, "!"):
            self._note(line, f"tags such as {shorten(tag)} are not allowed")
        self._count(1, line)
        anchor = getattr(event, "anchor", None)
        if anchor:
            self.anchors[anchor] = None
        if isinstance(event, yaml.MappingStartEvent):
            node = self._mapping(events, line, depth)
        elif isinstance(event, yaml.SequenceStartEvent):
            children: list[Node] = []
            while not isinstance(item := next(events), yaml.SequenceEndEvent):
                self.path.append(len(children))
                children.append(self._node(item, events, depth + 1))
                self.path.pop()
            node = self._parent(children, children, line)
        else:
            assert isinstance(event, yaml.ScalarEvent), "the parser gives no other event here"
            node = Node(self._scalar(event, line), self.file, line)
        if anchor:
            self.anchors[anchor] = node
        return node

    def _mapping(self, events: Iterator[yaml.Event], line: int, depth: int) -> Node:
        children: dict[str, Node] = {}
        while not isinstance(key_event := next(events), yaml.MappingEndEvent):
            key_line = _line(key_event)
            key = self._node(key_event, events, depth + 1).value
            self.path.append(str(key)[:60])
            child = replace(self._node(next(events), events, depth + 1), line=key_line)
            if not isinstance(key, str):
                self._note(key_line, f"a key must be a name; found {shorten(key)}")
            elif key == "<<":
                self._note(key_line, "merge keys (<<) are not allowed; use extends or variants")
            elif key in children:
                first = children[key].line
                self._note(key_line, f"{key[:60]} appears twice; first on line {first}")
            else:
                children[key] = child
            self.path.pop()
        return self._parent(children, list(children.values()), line)

    def _parent(self, value: Any, children: list[Node], line: int) -> Node:
        size = 1 + sum(c.size for c in children)
        height = 1 + max((c.height for c in children), default=0)
        return Node(value, self.file, line, size, height)

    def _alias(self, event: yaml.AliasEvent, depth: int) -> Node:
        line = _line(event)
        if event.anchor not in self.anchors:
            raise _fault(self.file, line, f"*{event.anchor} refers to an anchor that is not defined before it")
        target = self.anchors[event.anchor]
        if target is None:
            raise _fault(self.file, line, f"*{event.anchor} refers to itself")
        self._count(target.size, line)
        if depth + target.height - 1 > MOST_DEPTH:
            raise _fault(self.file, line, f"nested deeper than the limit of {MOST_DEPTH} levels")
        return target

    def _scalar(self, event: yaml.ScalarEvent, line: int) -> Any:
        text = event.value
        if len(text) > MOST_SCALAR_CHARACTERS:
            raise _fault(self.file, line, f"a text is longer than the limit of {MOST_SCALAR_CHARACTERS:,} characters")
        if _NOT_WRITABLE.search(text):
            self._note(line, "a text holds a control character")
            return None
        if event.style:
            return text
        try:
            return resolve_plain(text)
        except ValueError as error:
            self._note(line, str(error))
            return None

    def _count(self, nodes: int, line: int) -> None:
        self.nodes += nodes
        if self.nodes > MOST_NODES:
            message = f"the file holds more than the limit of {MOST_NODES:,} values, aliases written out"
            raise _fault(self.file, line, message)

    def _note(self, line: int, message: str) -> None:
        path = path_text(self.path[:6])
        self.faults.append(Problem(path=path, message=message, line=line, file=self.file))


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1
