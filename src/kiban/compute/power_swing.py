"""How far and how fast the power of a fleet swings within seconds, and what calms it."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class PowerSwing:
    """Swing of a hall's IT power, for the rooms that must ride it out. Shares of provisioned IT power."""

    swing_frac: float
    """Peak to trough."""
    window_s: float
    """Time within which it happens."""

    @property
    def ramp_frac_per_s(self) -> float:
        """Steepest mean change per second."""
        return self.swing_frac / self.window_s

    def swing_mw(self, provisioned_it_mw: float) -> float:
        """Peak to trough in MW."""
        return self.swing_frac * provisioned_it_mw

    def ramp_mw_per_s(self, provisioned_it_mw: float) -> float:
        """Steepest mean change in MW per second."""
        return self.ramp_frac_per_s * provisioned_it_mw


def mixed_swing(
    training: PowerSwing, inference: PowerSwing, training_frac: float, training_jobs: int, smoothing_frac: float = 0.0
) -> PowerSwing:
    """Swing of a hall that trains and serves.

    Arguments: swings of pure halls; share of provisioned power that trains, 0..1; number of training jobs of equal size
    that know nothing of each other; share of a training swing that supplies with storage take off. Result: PowerSwing
    over the shorter window. Equation: one job swings in step; J unrelated jobs and serving add as root of squares, so
    the training swing falls as 1/sqrt(J). One job is the worst case and the one to build for.
    """
    own = training.swing_frac * (1 - smoothing_frac) * training_frac / math.sqrt(max(training_jobs, 1))
    other = inference.swing_frac * (1 - training_frac)
    window = training.window_s if training_frac > 0 else inference.window_s
    return PowerSwing(math.hypot(own, other), min(window, inference.window_s))


def staggered_swing_frac(duty_frac: float, groups: int) -> float:
    """Peak-to-trough of ``groups`` equal square waves, evenly shifted in time, over that of all in step.

    Arguments: share of a step at high power; number of groups that take turns. Result: 1/groups, or 0 where duty x
    groups is whole, for then as many are always high. Source: counting; the number high differs by one at most.
    """
    if groups <= 1:
        return 1.0 if 0 < duty_frac < 1 else 0.0
    high = duty_frac * groups
    return 0.0 if abs(high - round(high)) < 1e-9 else 1.0 / groups


def smoothing_storage_j(swing_w: float, period_s: float, duty_frac: float) -> float:
    """Energy that a store must hold to turn a square wave of power into its mean: swing x period x d (1 - d)."""
    return swing_w * period_s * duty_frac * (1 - duty_frac)
