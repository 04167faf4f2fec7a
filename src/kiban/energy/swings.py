"""Swings of synchronous training: megawatts within seconds, and what keeps the draw inside a connection's limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kiban.solve import Model, require_optimal
from kiban.units.calendar import SECONDS_PER_HOUR

Array = NDArray[np.float64]
Values = Array | float
"""One number, or (J,) one for each job."""
_WHOLE = 1e-9


@dataclass(frozen=True)
class Swing:
    """Loads that go to and fro between two levels, as training does between computing and waiting for the network."""

    high_mw: Values
    low_mw: Values
    period_s: Values
    duty_frac: Values
    """Share of the period at the high level."""
    edge_s: Values = 0.0
    """Time from one level to the other; not longer than either phase."""

    @property
    def amplitude_mw(self) -> Array:
        """High less low."""
        return np.asarray(np.subtract(self.high_mw, self.low_mw), dtype=np.float64)

    @property
    def mean_mw(self) -> Array:
        """Mean over a period."""
        return np.asarray(self.low_mw + self.amplitude_mw * self.duty_frac, dtype=np.float64)

    @property
    def ramp_mw_per_s(self) -> Array:
        """Steepest change; infinite for steps."""
        edge = np.broadcast_to(np.asarray(self.edge_s, dtype=np.float64), self.amplitude_mw.shape)
        steep = np.divide(self.amplitude_mw, edge, out=np.full(edge.shape, np.inf), where=edge > 0)
        return np.where(self.amplitude_mw > 0, steep, 0.0)


@dataclass(frozen=True)
class Limits:
    """What a connection bears within seconds."""

    ramp_mw_per_s: Values = np.inf
    """Steepest change of the draw."""
    amplitude_mw: Values = np.inf
    """Largest swing of the draw, peak to trough."""

    def met_by(self, swing: Swing) -> NDArray[np.bool_]:
        """Whether a swing needs no smoothing."""
        flat = swing.amplitude_mw <= np.asarray(self.amplitude_mw) * (1 + _WHOLE)
        return np.asarray(flat & (swing.ramp_mw_per_s <= np.asarray(self.ramp_mw_per_s) * (1 + _WHOLE)))


def staggered(swing: Swing, groups: Values) -> Swing:
    """The swing of a site whose groups of machines run the same step at evenly shifted times, edges taken as steps.

    Equation: the sum of n square waves of height A/n and duty d, each T/n after the one before, has floor(n d) or
    floor(n d) + 1 of them high at any time: it swings by A/n with period T/n and duty n d - floor(n d), and not at all
    where n d is whole. Origin: worked by hand. Validity: groups keep their phases; one step time for all.
    Errors: ValueError for fewer than one group.
    """
    count = np.asarray(groups, dtype=np.float64)
    if (count < 1).any():
        raise ValueError(f"groups: {count.min():g} found, at least 1 needed")
    high = count * swing.duty_frac
    whole = np.floor(high + _WHOLE)
    rest = np.maximum(high - whole, 0.0)
    rest = np.where(rest > _WHOLE, rest, 0.0)
    part = swing.amplitude_mw / count
    low = swing.low_mw + whole * part
    return Swing(np.where(rest > 0, low + part, low), low, swing.period_s / count, rest, swing.edge_s)


def groups_needed(swing: Swing, limits: Limits) -> Array:
    """Fewest evenly shifted groups whose sum keeps the limits whatever the duty, (J,); infinite where none does.

    Equation: n groups swing by at most A/n and change by at most A/(n e): of their edges, at most one more rises than
    falls at any time, each by A/n within e. n = max(A / D, A / (R e)), rounded up. That n d or n e / T may be whole,
    where the sum is flat, is not counted on: no scheduler holds phases so well. Origin: worked by hand.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        count = np.maximum(
            np.divide(swing.amplitude_mw, limits.amplitude_mw), np.divide(swing.ramp_mw_per_s, limits.ramp_mw_per_s)
        )
    return np.asarray(np.where(limits.met_by(swing), 1.0, np.ceil(count - _WHOLE)), dtype=np.float64)


def storage_needed(swing: Swing, limits: Limits) -> tuple[Array, Array]:
    """Power and energy of the least storage that keeps the draw within the limits, known one period ahead.

    Arguments: swings (J,); limits. Result: MW, MWh, (J,).
    Equations, with T the period, s the shorter phase as a share of it, A the swing of the load: the draw is a trapezoid
    that swings by D = min(limit, A, R T / 2, sqrt(R A s T)) and ramps within tau = D / R. The middle of each ramp lies
    k tau outside the shorter phase, k = min(1/2 - s, s T (A - D) / (2 D tau)), so that the mean is kept and the draw
    stays between the levels. E = s (1-s) T (A - D) + D tau (2 s k + (1/2 - k)^2); P is the larger gap at the step,
    one being A (1-s) + D (s + 2 k tau / T - 1/2 - k), the other the rest of A. Special cases: A^2 / (4 R) and A / 2
    where only the ramp binds and fits; s (1-s) T (A - D) for steps (R infinite).
    Origin: worked by hand (dE/dk = 0); ``least_storage`` is the judge. Validity: a periodic swing; edges are taken as
    steps, which asks for no less; a job that stops without warning needs ``stop_storage``.
    """
    swing_mw, period = swing.amplitude_mw, np.asarray(swing.period_s, dtype=np.float64)
    ramp, duty = (np.asarray(v, dtype=np.float64) for v in (limits.ramp_mw_per_s, swing.duty_frac))
    short = np.minimum(duty, 1 - duty)
    slow = np.isfinite(ramp)
    slope = np.where(slow & (ramp > 0), ramp, 1.0)
    finite = np.where(slow, ramp, 0.0)
    fastest = np.where(slow, np.minimum(finite * period / 2, np.sqrt(finite * swing_mw * short * period)), np.inf)
    left = np.minimum(np.minimum(limits.amplitude_mw, swing_mw), fastest)
    tau = np.where(slow, left / slope, 0.0)
    room = np.divide(
        short * period * (swing_mw - left), 2 * left * tau, out=np.full_like(left * tau, np.inf), where=left * tau > 0
    )
    shift = np.minimum(0.5 - short, room)
    energy = short * (1 - short) * period * (swing_mw - left) + left * tau * (2 * short * shift + (0.5 - shift) ** 2)
    above = swing_mw * (1 - short) + left * (short + 2 * shift * tau / period - 0.5 - shift)
    power = np.where(slow, np.maximum(above, swing_mw - above), (1 - short) * (swing_mw - left))
    none = limits.met_by(swing) | (swing_mw <= 0) | (short <= 0)
    return np.where(none, 0.0, power), np.where(none, 0.0, energy) / SECONDS_PER_HOUR


def burning_needed(swing: Swing, limits: Limits) -> tuple[Array, Array, Array]:
    """Power of a load that burns, the level to which the draw may fall, and the energy burnt in each period.

    Arguments: swings (J,); limits. Result: MW, MW, MWh, (J,).
    Equation: the draw stays high, falls in the low phase of length l by h = min(A, D, R l / 2) at the ramp, and is back
    before the next step: burnt = A l - h (l - h / R). No draw that never lies below the load burns less. Origin: worked
    by hand. Validity: the load burns from the first moment of the low phase; edges are taken as steps.
    """
    swing_mw = swing.amplitude_mw
    low_s = (1 - np.asarray(swing.duty_frac)) * swing.period_s
    ramp = np.asarray(limits.ramp_mw_per_s, dtype=np.float64)
    depth = np.minimum(np.minimum(swing_mw, limits.amplitude_mw), ramp * np.maximum(low_s, 1e-9) / 2)
    burnt_mws = swing_mw * low_s - depth * (low_s - depth / np.where(ramp > 0, ramp, 1.0))
    power = np.where(np.isinf(ramp), swing_mw - depth, swing_mw)
    none = limits.met_by(swing) | (low_s <= 0)
    return (
        np.where(none, 0.0, power),
        np.where(none, swing.low_mw, swing.high_mw - depth),
        np.where(none, 0.0, burnt_mws) / SECONDS_PER_HOUR,
    )


def stop_storage(drop_mw: float, ramp_mw_per_s: float) -> tuple[float, float]:
    """Power and energy that must be taken up when a job stops without warning: drop, and drop^2 / (2 R).

    Equation: the draw falls at R from the moment of the drop; what it still draws goes into storage or a load bank.
    """
    return drop_mw, drop_mw**2 / (2 * ramp_mw_per_s) / SECONDS_PER_HOUR


def least_storage(
    load_mw: Array, step_s: float, ramp_mw_per_s: float, amplitude_mw: float = np.inf
) -> tuple[float, float]:
    """Least storage energy, and its power, for any periodic load under limits.

    Arguments: (N,) one period of load; step; limits. Result: MW, MWh. Method: linear programme over the draw and the
    content of a lossless storage; the draw stays between the least and the largest load, so that smoothing asks for
    no wider connection. Among stores of least energy the one of least power is not sought.
    """
    n = load_mw.size
    model = Model("swing")
    draw = model.add_columns(
        "draw", n, lower=load_mw.min(), upper=load_mw.max(), unit="MW", sentence="draw from the grid"
    )
    content = model.add_columns("content", n, unit="MWs", sentence="content of the storage")
    size = model.add_columns("size", 1, cost=1.0, unit="MWs", sentence="size of the storage")
    back = np.roll(np.arange(n), 1)
    limit = ramp_mw_per_s * step_s
    model.add_rows("ramp", n, lower=-limit, upper=limit, terms=[(None, draw, 1.0), (None, draw.index[back], -1.0)])
    model.add_rows(
        "store", n, lower=-step_s * load_mw, upper=-step_s * load_mw,
        terms=[(None, content, 1.0), (None, content.index[back], -1.0), (None, draw, -step_s)],
    )  # fmt: skip
    model.add_rows("within", n, upper=0.0, terms=[(None, content, 1.0), (None, size, -1.0)])
    if np.isfinite(amplitude_mw):
        bottom = model.add_columns("bottom", 1, unit="MW", sentence="least draw")
        _between(model, draw, bottom, amplitude_mw)
    solution = require_optimal(model, model.solve())
    power = float(np.abs(solution.value("draw") - load_mw).max())
    return power, float(solution.value("size")[0]) / SECONDS_PER_HOUR


def _between(model: Model, draw: Any, bottom: Any, amplitude_mw: float) -> None:
    model.add_rows("over", draw.size, lower=0.0, terms=[(None, draw, 1.0), (None, bottom, -1.0)])
    model.add_rows("under", draw.size, upper=amplitude_mw, terms=[(None, draw, 1.0), (None, bottom, -1.0)])
