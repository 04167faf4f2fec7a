"""What the compute room hands over: one row per accelerator type."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from kiban.results.trace import Trace

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Fleet:
    """What one accelerator of each of G types does with the scenario's work, costs and draws."""

    accelerators: tuple[str, ...]
    """G catalogue names, such as ``gb300``."""
    accelerator_available_quarter: IntArray
    """(G,) index of the first quarter of delivery in the horizon (0 = already sold)."""
    accelerator_training_flop_per_s: Array
    """(G, 3) P10, P50, P90 of useful training FLOP/s (peak x MFU x derate), before failures."""
    accelerator_mfu_frac: Array
    """(G,) P50 model FLOP utilisation of the scenario's training model."""
    accelerator_inference_tok_per_s: Array
    """(G, 3) P10, P50, P90 of tokens/s, prompt and answer in the scenario's mix, at full load within limits."""
    accelerator_prefill_tok_per_s: Array
    """(G,) benchmark rate of prompt tokens/s that are computed, not cached, if it did nothing else."""
    accelerator_decode_tok_per_s: Array
    """(G,) benchmark rate of generated tokens/s if it did nothing else."""
    accelerator_ttft_s: Array
    """(G,) P50 time to first token, unloaded queue."""
    accelerator_tpot_s: Array
    """(G,) P50 time per output token at the chosen batch."""
    accelerator_goodput_frac: Array
    """(G,) share of training time that is not lost to failures, checkpoints and restarts."""
    accelerator_it_kw: Array
    """(G,) critical IT power per accelerator, all in: server, network and storage share, at full load."""
    accelerator_training_power_frac: Array
    """(G,) mean draw in training against accelerator_it_kw."""
    accelerator_inference_power_frac: Array
    """(G,) mean draw in serving against accelerator_it_kw."""
    accelerator_j_per_tok: Array
    """(G,) IT energy per token in the scenario's mix."""
    accelerator_server_usd_per_gpu: Array
    """(G,) price of the server or rack per accelerator, network apart."""
    accelerator_network_usd_per_gpu: Array
    """(G,) scale-out network and storage per accelerator."""
    accelerator_cloud_usd_per_gpu_h: Array
    """(G,) on-demand rent at a hyperscaler; NaN where none is offered or known."""
    accelerator_neocloud_usd_per_gpu_h: Array
    """(G,) contract rent at a neocloud; NaN where none is offered or known."""
    accelerator_lead_time_quarters: IntArray
    """(G,) order to delivery."""
    accelerator_life_years: Array
    """(G,) economic life."""
    accelerator_embodied_kg_co2: Array
    """(G,) carbon of making one accelerator with its share of the server."""
    accelerator_training_step_s: Array
    """(G,) time of one step of the scenario's training job, as benchmarks run."""
    accelerator_training_pause_frac: Array
    """(G,) share of the step in which all machines of a job wait together and draw less."""
    accelerator_training_swing_frac: Array
    """(G,) how far a job's draw falls then, against accelerator_it_kw."""
    accelerator_idle_power_frac: Array
    """(G,) draw of a machine that waits for a job against accelerator_it_kw."""
    accelerator_smoothing_j: Array
    """(G,) energy that capacitors of the rack store for one accelerator; 0 where none is known."""
    accelerator_count_per_training_job: Array
    """(G,) accelerators of one training job."""
    residuals: dict[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    traces: tuple[Trace, ...] = ()
