"""A kind that a scenario may name is known wherever it is needed (docs/extending.md)."""

from __future__ import annotations

from typing import get_args

from kiban.facility import cooling
from kiban.figures.colors import RUNG, RUNG_ORDER
from kiban.risk.decisions import KIND_WORDS
from kiban.scenario.site_part import CoolingKind, HallRungKind

RENTED = {"neocloud", "cloud"}


def test_every_hall_contract_has_a_colour_a_place_and_words() -> None:
    kinds = set(get_args(HallRungKind))
    assert set(RUNG) == set(RUNG_ORDER) == kinds | RENTED
    assert len(RUNG_ORDER) == len(kinds | RENTED)
    assert kinds <= set(KIND_WORDS)


def test_every_kind_of_cooling_has_a_model() -> None:
    assert set(get_args(CoolingKind)) == set(cooling._KINDS)
    assert set(cooling._KINDS) >= cooling.LIQUID_KINDS
