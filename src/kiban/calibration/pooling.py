"""Partial pooling: physical coefficients near their priors, and effects that are shrunk class by class.

Model: y_i = f_i(theta) + sum_k z_ik beta_k + e_i, with theta_j ~ N(mean_j, sd_j), beta_k ~ N(0, sd of its class) and
heavy-tailed e_i. Estimate: the mode, by Gauss-Newton steps with weights of Student's t (4 degrees of freedom), which
cut the pull of single bad rows. Source: hierarchical regression as ridge with class-wise penalties (Robinson 1991,
"That BLUP is a good thing"; Lange, Little & Taylor 1989 for the t weights).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Curve = Callable[[Array], Array]
"""Predictions (n,) at parameters (k,)."""

T_DEGREES = 4.0
STEPS = 12
NUDGE = 1e-4


@dataclass(frozen=True)
class Priors:
    """Where the fit starts and what it costs to leave."""

    mean: Array
    """Of the parameters, (k,)."""
    sd: Array
    class_sd: Mapping[str, float]
    """Spread of the effects of each class; a class that is not named has none."""
    noise_sd: float
    """Of one row."""


@dataclass(frozen=True)
class Fit:
    """A fitted mode and the spread around it (Laplace)."""

    theta: Array
    theta_sd: Array
    effects: dict[str, float]
    effects_sd: dict[str, float]


@dataclass(frozen=True)
class Design:
    """Effects of each row as a table."""

    names: tuple[str, ...]
    strength: Array
    """(n, q)."""
    sd: Array
    """Prior spread of each effect, (q,)."""


def design(rows: Sequence[Mapping[str, float]], class_of: Callable[[str], str], priors: Priors) -> Design:
    """Table of the effects that occur and have a spread."""
    names = sorted({n for row in rows for n in row if priors.class_sd.get(class_of(n), 0.0) > 0})
    place = {name: i for i, name in enumerate(names)}
    strength = np.zeros((len(rows), len(names)))
    for i, row in enumerate(rows):
        for name, value in row.items():
            if name in place:
                strength[i, place[name]] = value
    return Design(tuple(names), strength, np.array([priors.class_sd[class_of(n)] for n in names]))


def equal_groups(groups: Sequence[Hashable], power: float = 0.5) -> Array:
    """Weights of rows: each of m rows of a group weighs m^-power, scaled to mean 1; power 1 weighs groups equally."""
    counts: dict[Hashable, int] = {}
    for group in groups:
        counts[group] = counts.get(group, 0) + 1
    raw = np.array([counts[group] ** -power for group in groups])
    return raw / raw.mean()


def fit(y: Array, weight: Array, curve: Curve, table: Design, priors: Priors) -> Fit:
    """Find the mode.

    Arguments: y (n,); weights of rows (n,); predictions as a function of the parameters; effects; priors.
    """
    theta, beta = priors.mean.copy(), np.zeros(len(table.names))
    penalty = np.concatenate([1.0 / priors.sd, 1.0 / table.sd])
    for _ in range(STEPS):
        at = curve(theta)
        slope = np.empty((len(y), len(theta)))
        for j in range(len(theta)):
            moved = theta.copy()
            moved[j] += NUDGE
            slope[:, j] = (curve(moved) - at) / NUDGE
        left = y - at - table.strength @ beta
        root = np.sqrt(weight * (T_DEGREES + 1) / (T_DEGREES + (left / priors.noise_sd) ** 2)) / priors.noise_sd
        wide = np.hstack([slope, table.strength]) * root[:, None]
        pull = np.concatenate([priors.mean - theta, -beta]) * penalty
        system = wide.T @ wide + np.diag(penalty**2)
        step = np.linalg.solve(system, wide.T @ (left * root) + penalty * pull)
        step[: len(theta)] = np.clip(step[: len(theta)], -0.7, 0.7)
        theta, beta = theta + step[: len(theta)], beta + step[len(theta) :]
    sd = np.sqrt(np.diag(np.linalg.inv(system)))
    k = len(theta)
    return Fit(
        theta, sd[:k], dict(zip(table.names, beta.tolist(), strict=True)),
        dict(zip(table.names, sd[k:].tolist(), strict=True)),
    )  # fmt: skip
