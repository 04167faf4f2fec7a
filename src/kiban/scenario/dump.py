"""Scenario -> YAML text that loads to an equal scenario."""

from __future__ import annotations

from typing import Any

import yaml

from kiban.scenario.load import Loaded
from kiban.scenario.schema import Scenario
from kiban.scenario.yamltext import resolve_plain


class _Dumper(yaml.SafeDumper):
    """Quotes every text that kiban's reader would take for something else."""

    def ignore_aliases(self, data: Any) -> bool:
        """Write repeated values out."""
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    try:
        plain = resolve_plain(value) == value and value.isprintable()
    except ValueError:
        plain = False
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=None if plain else '"')


def _number(dumper: yaml.SafeDumper, value: float) -> yaml.ScalarNode:
    text = repr(value)
    if "e" in text and "." not in text:
        text = text.replace("e", ".0e")
    return dumper.represent_scalar("tag:yaml.org,2002:float", text)


_Dumper.add_representer(str, _text)
_Dumper.add_representer(float, _number)


class _ShortDumper(_Dumper):
    """Writes round millions and billions as ``50e9``, which kiban reads as a number and YAML 1.1 does not."""


def _short_number(dumper: yaml.SafeDumper, value: float) -> yaml.ScalarNode:
    for power in (9, 6):
        mantissa = f"{value / 10**power:.6g}"
        text = f"{mantissa}e{power}"
        if abs(value) >= 10**power and "e" not in mantissa and float(text) == value:
            # For PyYAML this form is a text that needs no quotes, which is how it is to be written.
            return dumper.represent_scalar("tag:yaml.org,2002:str", text)
    return _number(dumper, value)


_ShortDumper.add_representer(float, _short_number)


def resolved_yaml(scenario: Scenario | Loaded) -> str:
    """Write a scenario with every default as YAML.

    Arguments: the scenario. Result: text without extends and variants; loading it gives an equal scenario.
    """
    data = scenario.resolved if isinstance(scenario, Loaded) else scenario.model_dump(mode="json")
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)


def flow_yaml(value: Any) -> str:
    """Write a value on one line, as in ``{value: 1.0, low: 0.8}``."""
    text = yaml.dump(
        value, Dumper=_ShortDumper, default_flow_style=True, sort_keys=False, allow_unicode=True, width=10_000
    )
    return text.removesuffix("...\n").strip()
