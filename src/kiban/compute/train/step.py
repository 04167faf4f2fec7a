"""Time of one training step of many layouts at once: the work at full rate, divided by what is reached of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiban.compute.arithmetic import ModelSpec
from kiban.compute.hardware import Accelerator
from kiban.compute.train.coefficients import Coefficients
from kiban.compute.train.layouts import Job, Layouts
from kiban.compute.train.work import BF16, FP8, Work, step_work

Array = NDArray[np.float64]


@dataclass(frozen=True)
class StepTime:
    """Seconds of one step by cause, (n,) each."""

    compute_s: Array
    """Matrix products and attention, recomputation included."""
    memory_s: Array
    """Activations, permutation, weights and the optimizer through memory."""
    network_s: Array
    """Traffic that no computation hides."""
    launch_s: Array
    bubble_s: Array
    """Idle slots of the pipeline."""
    pause_s: Array
    """Of these, once a step and for all machines together: the pipeline fills and drains, gradients that nothing hides
    are summed, the optimizer runs. Power falls for that long."""

    @property
    def total_s(self) -> Array:
        """The step, (n,)."""
        return self.compute_s + self.memory_s + self.network_s + self.launch_s + self.bubble_s


def step_time(
    model: ModelSpec,
    chip: Accelerator,
    job: Job,
    layouts: Layouts,
    c: Coefficients,
    mtp: bool = False,
    lora: bool = False,
) -> StepTime:
    """Time every layout.

    Arguments: model; chip; job; layouts (n,); coefficients; whether layers that predict further tokens are
    trained; whether only low-rank additions are.
    Result: seconds by cause. Equation: see ``assemble``. No Python loop runs over layouts.
    """
    return assemble(step_work(model, chip, job, layouts, mtp, lora), c)


def assemble(work: Work, c: Coefficients) -> StepTime:
    """Divide work by what is reached of each rate and add it up.

    Equation: per micro-batch matrices / share of peak + activations x passes + exposed traffic + launches, stretched
    by 1 + (p - 1)/(m v); once per step the optimizer and the exposed part of gradient traffic. Small products are slow
    through ``weight_s`` and the launch time. Validity: layouts whose groups fill ranks in order.
    """
    reached = np.where(work.precision == BF16, c.bf16_frac, np.where(work.precision == FP8, c.fp8_frac, c.fp4_frac))
    compute = work.matrix_s / reached + work.expert_s * (c.imbalance / (reached * c.expert_frac))
    compute = compute + work.head_s / c.bf16_frac + work.attention_s / c.attention_frac
    memory = work.activation_s * c.activation_passes + work.permute_s * c.permute_passes + work.weight_s
    network = (
        (work.tensor_s + work.context_s) * c.tensor_exposed_frac
        + work.expert_up_s * (c.expert_up_exposed_frac * c.imbalance)
        + work.expert_out_s * (c.expert_out_exposed_frac * c.imbalance)
        + (work.stage_s + work.gather_s) * c.data_exposed_frac
    )
    launch = work.layers * c.layer_launch_s + work.moe_layers * c.moe_launch_s
    idle = (compute + memory + network + launch) * work.bubble
    return StepTime(
        compute * c.scale,
        (memory + work.update_s) * c.scale,
        (network + work.reduce_s * c.data_exposed_frac) * c.scale,
        launch * c.scale,
        idle * c.scale,
        (idle + work.reduce_s * c.data_exposed_frac + work.update_s) * c.scale,
    )
