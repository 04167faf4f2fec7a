"""Colours that stay apart for colour-blind readers (Okabe and Ito 2008; Paul Tol 2021), on light and dark paper."""

from __future__ import annotations

BLUE, ORANGE, GREEN, RED, SKY, PINK = "#0072b2", "#e69f00", "#009e73", "#d55e00", "#56b4e9", "#cc79a7"
SAND, WINE, TEAL, OLIVE, INDIGO, GREY = "#c9b458", "#994455", "#44aa99", "#8c8c2e", "#6a5acd", "#8a919c"
CYCLE = (BLUE, ORANGE, GREEN, PINK, SKY, RED, INDIGO, SAND, TEAL, WINE, OLIVE, GREY)
INK = "ink"
"""Replaced by the page's text colour in the browser."""

RUNG = {
    "cloud": ORANGE,
    "neocloud": SAND,
    "operator_sublet": SKY,
    "landlord_lease": TEAL,
    "build_to_suit": PINK,
    "owned": BLUE,
}
RUNG_ORDER = ("owned", "build_to_suit", "landlord_lease", "operator_sublet", "neocloud", "cloud")

PLAN = {
    "plan_fixed": GREY,
    "plan_responding": BLUE,
    "all_cloud": ORANGE,
    "all_leased": GREEN,
    "all_owned": PINK,
    "wait_two_years": SKY,
}

SOURCE = {
    "grid": GREY,
    "wind": BLUE,
    "solar": ORANGE,
    "battery": GREEN,
    "gas": RED,
    "sold": SKY,
    "curtailed": SAND,
}


def cycle(i: int) -> str:
    """Return the i-th colour, again from the start after twelve."""
    return CYCLE[i % len(CYCLE)]
