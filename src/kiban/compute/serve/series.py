"""Sums over iterations whose seconds grow evenly."""

from __future__ import annotations

import math


def pairs(done: int, taken: int) -> int:
    """Pairs (token, earlier token) of a chunk after ``done`` tokens of its prompt."""
    return taken * done + taken * (taken - 1) // 2


def series_s(count: int, first: float, rise: float, floor: float) -> float:
    """Sum of max(first + k rise, floor) over k = 0 .. count - 1, with rise >= 0."""
    if first >= floor:
        return count * first + rise * (count * (count - 1) // 2)
    below = min(count, math.ceil((floor - first) / rise)) if rise > 0 else count
    rest = count - below
    return below * floor + rest * (first + below * rise) + rise * (rest * (rest - 1) // 2)


def steps_until(gap_s: float, first: float, rise: float, floor: float, most: int) -> int:
    """Fewest iterations (1 .. most) after which ``gap_s`` has passed."""
    if series_s(most, first, rise, floor) < gap_s:
        return most
    if first < floor:
        guess = int(gap_s / floor)
    else:
        half = first - rise / 2
        guess = int(2 * gap_s / (half + math.sqrt(half * half + 2 * rise * gap_s)))
    # After ``low`` iterations the gap has not passed, after ``high`` it has; the first two trials nearly always close
    # in.
    low, high = 0, most
    for trial in (guess + 1, guess):
        if low < trial < high:
            low, high = (low, trial) if series_s(trial, first, rise, floor) >= gap_s else (trial, high)
    while high - low > 1:
        trial = (low + high) // 2
        low, high = (low, trial) if series_s(trial, first, rise, floor) >= gap_s else (trial, high)
    return high
