"""What cannot be computed, in the user's words."""

from __future__ import annotations


class ComputeError(ValueError):
    """The work does not fit the hardware or the limits; the message names what binds and the nearest feasible value."""
