"""The user's file: schema, overlays, checks."""

from kiban.scenario.schema import Scenario

__all__ = ["Scenario"]
