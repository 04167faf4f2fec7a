"""Find the value nearest to a base at which a yes-or-no answer turns, on either side, inside given ends."""

from __future__ import annotations

from collections.abc import Callable


def turning_point(
    changed: Callable[[float], bool], base: float, end: float, tolerance_frac: float = 0.01, step: float = 0.0
) -> float | None:
    """Return the value between base and end, nearest to base, from which ``changed`` holds; None if not at the end.

    ``changed`` is false at the base and asked only between base and end. It is taken to turn once: an answer that
    turns and turns back before the end is not seen. Bisection stops when the bracket is ``tolerance_frac`` of the way
    (or one ``step``, if values move in whole steps from the base) and gives its far side, where the answer has turned.
    """
    if step > 0:
        count = int(abs(end - base) / step + 1e-9)
        sign = 1.0 if end > base else -1.0
        at = _bisect(lambda k: changed(base + sign * step * k), 0, count)
        return None if at is None else base + sign * step * at
    if end == base or not changed(end):
        return None
    near, far = base, end
    while abs(far - near) > tolerance_frac * abs(end - base):
        middle = 0.5 * (near + far)
        if changed(middle):
            far = middle
        else:
            near = middle
    return far


def _bisect(changed: Callable[[int], bool], near: int, far: int) -> int | None:
    if far <= near or not changed(far):
        return None
    while far - near > 1:
        middle = (near + far) // 2
        if changed(middle):
            far = middle
        else:
            near = middle
    return far
