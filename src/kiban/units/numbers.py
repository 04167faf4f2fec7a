"""Numbers as a reader wants them: three significant digits and a scale word."""

from __future__ import annotations

import math

_SCALES = ((1e12, " tn"), (1e9, " bn"), (1e6, " m"), (1e3, " k"))


def significant(value: float, digits: int = 3) -> str:
    """Write a number with ``digits`` significant digits and no exponent between 1e-4 and 1e6."""
    if not math.isfinite(value):
        return "n/a"
    if value == 0:
        return "0"
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    return f"{value:,.{decimals}f}"


def scaled(value: float, digits: int = 3) -> str:
    """Write a number with a scale word, such as ``37.9 bn``."""
    if not math.isfinite(value):
        return "n/a"
    for size, word in _SCALES:
        if abs(value) >= size * 0.9995:
            return f"{significant(value / size, digits)}{word}"
    return significant(value, digits)


def usd(value: float, digits: int = 3) -> str:
    """Write money, such as ``-$1.20 bn``."""
    sign = "-" if value < 0 else ""
    return f"{sign}${scaled(abs(value), digits)}"


def percent(fraction: float, digits: int = 3) -> str:
    """Write a fraction as per cent."""
    return f"{significant(fraction * 100, digits)} %"
