"""What the hardware and the energy of one training run cost: hardware written down along a price trend.

Method of Cottier, Rahman, Fattorini, Maslej, Besiroglu and Owen, "The rising costs of training frontier AI
models", arXiv 2405.21015, as its public code states it (repository epoch-research/training-cost-trends, commit
263c40a, cost_analysis_standalone.py: depreciate_by_hardware_progress, estimate_hardware_capex_energy_cost,
estimate_hardware_acquisition_cost, cluster_energy_cost). Written anew from the formulas.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

HOURS_PER_CALENDAR_YEAR = 24 * 365.25


@dataclass(frozen=True)
class TrainingCost:
    """Parts of the cost of one run, USD."""

    hardware_usd: float
    """Accelerators with their servers."""
    interconnect_usd: float
    energy_usd: float

    @property
    def total_usd(self) -> float:
        """Sum of the parts."""
        return self.hardware_usd + self.interconnect_usd + self.energy_usd


def acquisition_usd(chips: float, server_usd_per_chip: float, interconnect_share_frac: float) -> float:
    """Price of a cluster: chips with their servers, grossed up for the share of the network between servers.

    Equation: N P / (1 - c). Raises ValueError for a share outside 0 to below 1.
    """
    _check_share(interconnect_share_frac)
    return chips * server_usd_per_chip / (1 - interconnect_share_frac)


def value_at_start_usd(server_usd_per_chip: float, age_years: float, progress_oom_per_year: float) -> float:
    """Worth of a chip with its server when the run starts: P 10^(-r age).

    Args: price when the chip could first be bought; years from then to the start of the run (below 0: used before
    it was on sale, worth more); r, orders of magnitude a year by which a dollar buys more speed.
    """
    return float(server_usd_per_chip * 10.0 ** (-progress_oom_per_year * age_years))


def hardware_usd_per_chip_h(server_usd_per_chip: float, age_years: float, progress_oom_per_year: float) -> float:
    """Worth that a chip with its server loses per hour of the run: V0 r ln 10 / 8766.

    First order of the exact loss V0 (1 - 10^(-r T)): too high by r T ln 10 / 2, 4 % for a run of three months at
    r = 0.14.
    """
    value = value_at_start_usd(server_usd_per_chip, age_years, progress_oom_per_year)
    return float(value * progress_oom_per_year * np.log(10.0) / HOURS_PER_CALENDAR_YEAR)


def training_cost(
    chip_hours: float,
    server_usd_per_chip: float,
    age_years: float,
    progress_oom_per_year: float,
    interconnect_share_frac: float,
    it_kw_per_chip: float,
    pue: float,
    energy_usd_per_kwh: float,
) -> TrainingCost:
    """Amortised hardware, network and energy of one training run.

    Args: chip-hours; price of a chip with its server; age_years and progress as in `value_at_start_usd`; share of the
    cluster's price that is its network; mean IT power per chip with its server; PUE; price of electricity. Result:
    parts in USD, in the money of the prices. Equation: h V0 r ln 10 / 8766 / (1 - c) + h k PUE e.
    """
    _check_share(interconnect_share_frac)
    hardware = chip_hours * hardware_usd_per_chip_h(server_usd_per_chip, age_years, progress_oom_per_year)
    network = hardware * interconnect_share_frac / (1 - interconnect_share_frac)
    return TrainingCost(hardware, network, chip_hours * it_kw_per_chip * pue * energy_usd_per_kwh)


def chip_hours_of_flop(flop: float, peak_flop_per_s: float, mfu_frac: float) -> float:
    """Chip-hours of a run known by its operations: C / (peak x MFU x 3600)."""
    if peak_flop_per_s <= 0 or not 0 < mfu_frac <= 1:
        raise ValueError(f"need a peak above 0 and an MFU in (0, 1], got {peak_flop_per_s} and {mfu_frac}")
    return flop / (peak_flop_per_s * mfu_frac * 3600.0)


def _check_share(share: float) -> None:
    if not 0 <= share < 1:
        raise ValueError(f"interconnect_share_frac must be from 0 to below 1, got {share}")
