"""JSON Schema of the scenario file, with the unit of each number, for editors and the web form."""

from __future__ import annotations

from typing import Any

from kiban.scenario.fields import parts, unit_at
from kiban.scenario.schema import Scenario
from kiban.scenario.values import Part


def json_schema(form: type[Part] = Scenario) -> dict[str, Any]:
    """Give the JSON Schema (2020-12) of a scenario file, or of another form such as ``ProjectFile``.

    Result: the schema of the form plus ``extends`` and ``variants``; every field with a unit carries it in
    ``unit``. Keys are required only in a file that does not extend another one.
    """
    schema = form.model_json_schema()
    definitions: dict[str, Any] = schema["$defs"]
    for part in parts(form):
        body = schema if part is form else definitions[part.__name__]
        for name, entry in body["properties"].items():
            unit = unit_at(name, part.model_fields[name])
            if unit:
                entry["unit"] = unit
    schema["properties"]["extends"] = {
        "type": "string",
        "pattern": r"^[^/\\:~][^\\:]*\.ya?ml$",
        "description": "File below the same folder over which this one is laid",
    }
    schema["properties"]["variants"] = {
        "type": "object",
        "additionalProperties": {"type": "object"},
        "description": "Named overlays, chosen with --variant",
    }
    required = schema.pop("required")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "if": {"required": ["extends"]},
        "else": {"required": required},
    }
