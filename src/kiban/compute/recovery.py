"""From a failure back to training: automatic and manual restarts, and nodes that are slow rather than dead."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Recovery:
    """How a job comes back. Shares are of failures; times in seconds, detection to first useful step."""

    automatic_frac: float
    automatic_s: float
    manual_s: float
    """A person is called, finds the fault and restarts the job."""
    removal_frac: float = 0.0
    """Share of failures after which a node goes to repair and a spare takes its place."""
    swap_s: float = 0.0
    """Time to bring a spare in, on top: about nothing for a powered and tested one, boot and test for a cold one."""

    def mean_restart_s(self, load_s: float = 0.0) -> float:
        """Mean time of a restart; ``load_s`` is the time to read the checkpoint, where it is not in the others."""
        person = self.automatic_frac * self.automatic_s + (1 - self.automatic_frac) * self.manual_s
        return person + self.removal_frac * self.swap_s + load_s


def slow_node_loss_frac(nodes: float, slow_events_per_node_s: float, detection_s: float, slowdown_frac: float) -> float:
    """Share of speed that a synchronous job loses to slow nodes.

    Arguments: nodes; rate at which a healthy node turns slow, 1/s; mean time until it is found and taken out, s;
    share of speed that a slow node lacks. Result: 0..1. Equation: slow nodes present are Poisson with mean N r D
    (queue with endless servers), all wait for the slowest, so the loss is slowdown (1 - exp(-N r D)). One slow node
    costs as much as ten.
    """
    return slowdown_frac * -math.expm1(-nodes * slow_events_per_node_s * detection_s)
