"""How far and how fast the power of a fleet swings within seconds."""

from __future__ import annotations

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
