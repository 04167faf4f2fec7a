"""Swings of synchronous training: megawatts within seconds, and what keeps the draw inside a connection's limits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiban.solve import Model, require_optimal
from kiban.units.calendar import SECONDS_PER_HOUR

Array = NDArray[np.float64]
Values = Array | float
"""One number, or (J,) one for each job."""
_WHOLE = 1e-9
_TRIED = 32
"""Swings of the draw that are compared where power has a worth."""
_ALL_POWER_S = 1e9
"""Stands for an infinite worth of power."""


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


def storage_needed(swing: Swing, limits: Limits, power_worth_s: Values = 0.0) -> tuple[Array, Array]:
    """Power and energy of the best storage that keeps the draw within the limits, known one period ahead.

    Arguments: swings (J,); limits; what a MW of power costs over what a MWs of energy costs: 0 asks for the least
    energy, infinity for the least power. Result: MW, MWh, (J,).
    Equations, with T the period, s the shorter phase as a share of it, A the swing of the load: the draw is a trapezoid
    that swings by D = min(limit, A, R T / 2, sqrt(R A s T)) and ramps within tau = D / R. The middle of each ramp lies
    k tau outside the shorter phase. E = s (1-s) T (A - D) + D tau (2 s k + (1/2 - k)^2); P is the larger gap at the
    step, one being A (1-s) + D (s - 1/2 - k (1 - 2 tau / T)), the other the rest of A. Least energy is at
    k = 1/2 - s, least power where both gaps are A / 2, the best of both between them, at most q = worth x
    (1 - 2 tau / T) / (2 tau) from the first; and s T (A - D) / (2 D tau) bounds k, so that the draw stays between the
    levels. Special cases: A^2 / (4 R) and A / 2 where only the ramp binds and fits; s (1-s) T (A - D) for steps.
    Origin: worked by hand; ``least_storage`` is the judge. Validity: a periodic swing; edges are taken as steps, which
    asks for no less; a job that stops without warning needs ``stop_storage``.
    """
    swing_mw, period = swing.amplitude_mw, np.asarray(swing.period_s, dtype=np.float64)
    ramp, duty = (np.asarray(v, dtype=np.float64) for v in (limits.ramp_mw_per_s, swing.duty_frac))
    short = np.minimum(duty, 1 - duty)
    slow = np.isfinite(ramp)
    finite = np.where(slow, ramp, 0.0)
    fastest = np.where(slow, np.minimum(finite * period / 2, np.sqrt(finite * swing_mw * short * period)), np.inf)
    left = np.minimum(np.minimum(limits.amplitude_mw, swing_mw), fastest)
    none = limits.met_by(swing) | (swing_mw <= 0) | (short <= 0)
    # A draw that swings by less than it may leaves more room to shift its ramps, which can spare power.
    tried = np.linspace(1.0, 1.0 / _TRIED, _TRIED).reshape(-1, *(1,) * left.ndim) * left
    tau = np.where(slow, tried / np.where(finite > 0, finite, 1.0), 0.0)
    worth = np.minimum(power_worth_s, _ALL_POWER_S)
    shift = _shift(swing_mw, period, short, tried, tau, worth)
    energy = short * (1 - short) * period * (swing_mw - tried)
    energy = energy + tried * tau * (2 * short * shift + (0.5 - shift) ** 2)
    above = swing_mw * (1 - short) + tried * (short - 0.5 - shift * (1 - 2 * tau / period))
    power = np.where(slow, np.maximum(above, swing_mw - above), (1 - short) * (swing_mw - tried))
    cost = worth * power + energy
    best = np.argmin(cost, axis=0)[None]
    power, energy = (np.take_along_axis(np.broadcast_to(v, cost.shape), best, axis=0)[0] for v in (power, energy))
    return np.where(none, 0.0, power), np.where(none, 0.0, energy) / SECONDS_PER_HOUR


def _shift(swing_mw: Array, period: Array, short: Array, left: Array, tau: Array, power_worth_s: Values) -> Array:
    """k of ``storage_needed``."""
    ramps = left * tau > 0
    safe = np.where(ramps, left * tau, 1.0)
    room = np.where(ramps, short * period * (swing_mw - left) / (2 * safe), np.inf)
    plateau = np.where(ramps, 0.5 - short * period * left / (2 * safe), -np.inf)
    level = np.where(ramps, 1 - 2 * tau / period, 1.0)
    even = (swing_mw * (0.5 - short) + left * (short - 0.5)) / (np.where(ramps, left, 1.0) * np.maximum(level, 1e-12))
    reach = np.where(ramps, power_worth_s * level / (2 * np.where(ramps, tau, 1.0)), 0.0)
    best = np.clip(even, 0.5 - short - reach, 0.5 - short + reach)
    return np.clip(best, np.maximum(-0.5, plateau), np.minimum(0.5, room))


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
    load_mw: Array, step_s: float, ramp_mw_per_s: float, amplitude_mw: float = np.inf, power_worth_s: float = 0.0
) -> tuple[float, float]:
    """Best storage for any periodic load under limits.

    Arguments: (N,) one period of load; step; limits; worth of power as in ``storage_needed``. Result: MW, MWh.
    Method: linear programme over the draw and the content of a lossless storage; the draw stays between the least and
    the largest load, so that smoothing asks for no wider connection.
    """
    n = load_mw.size
    model = Model("swing")
    draw = model.add_columns(
        "draw", n, lower=load_mw.min(), upper=load_mw.max(), unit="MW", sentence="draw from the grid"
    )
    content = model.add_columns("content", n, unit="MWs", sentence="content of the storage")
    size = model.add_columns("size", 1, cost=1.0, unit="MWs", sentence="size of the storage")
    power = model.add_columns("power", 1, cost=power_worth_s, unit="MW", sentence="power of the storage")
    bottom = model.add_columns("bottom", 1, unit="MW", sentence="least draw")
    back = np.roll(np.arange(n), 1)
    limit = ramp_mw_per_s * step_s
    model.add_rows("ramp", n, lower=-limit, upper=limit, terms=[(None, draw, 1.0), (None, draw.index[back], -1.0)])
    model.add_rows(
        "store", n, lower=-step_s * load_mw, upper=-step_s * load_mw,
        terms=[(None, content, 1.0), (None, content.index[back], -1.0), (None, draw, -step_s)],
    )  # fmt: skip
    model.add_rows("within", n, upper=0.0, terms=[(None, content, 1.0), (None, size, -1.0)])
    model.add_rows("fills", n, upper=load_mw, terms=[(None, draw, 1.0), (None, power, -1.0)])
    model.add_rows("gives", n, lower=load_mw, terms=[(None, draw, 1.0), (None, power, 1.0)])
    model.add_rows("over", n, lower=0.0, terms=[(None, draw, 1.0), (None, bottom, -1.0)])
    model.add_rows("under", n, upper=amplitude_mw, terms=[(None, draw, 1.0), (None, bottom, -1.0)])
    solution = require_optimal(model, model.solve())
    used = float(np.abs(solution.value("draw") - load_mw).max())
    return used, float(solution.value("size")[0]) / SECONDS_PER_HOUR
