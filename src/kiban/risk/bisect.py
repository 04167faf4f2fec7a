"""Find the value nearest to a base at which a yes-or-no answer turns, on either side, inside given ends."""

from __future__ import annotations

from collections.abc import Callable


def turning_point(
    changed: Callable[[float], bool], base: float, end: float, tolerance_frac: float = 0.04, step: float = 0.0
) -> float | None:
    """Return the value between base and end, nearest to base, from which ``changed`` holds; None if not at the end.

    ``changed`` is false at the base and asked only between base and end. It is taken to turn once: an answer that
    turns and turns back before the end is not seen. Bisection stops when the bracket is ``tolerance_frac`` of the way
    from the base to its far side (or one ``step``, if values move in whole steps from the base), and at the latest at
    a thousandth of that of the whole way; it gives the far side, where the answer has turned.
    """
    if step > 0:
        sign = 1.0 if end > base else -1.0
        at = _first_step(lambda k: changed(base + sign * step * k), int(abs(end - base) / step + 1e-9))
        return None if at is None else base + sign * step * at
    if end == base or not changed(end):
        return None
    near, far, least = base, end, 1e-3 * tolerance_frac * abs(end - base)
    while abs(far - near) > max(tolerance_frac * abs(far - base), least):
        middle = 0.5 * (near + far)
        if changed(middle):
            far = middle
        else:
            near = middle
    return far


def _first_step(changed: Callable[[int], bool], last: int) -> int | None:
    if last < 1 or not changed(last):
        return None
    near, far = 0, last
    while far - near > 1:
        middle = (near + far) // 2
        if changed(middle):
            far = middle
        else:
            near = middle
    return far
