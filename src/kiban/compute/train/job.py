"""One training job: its layouts searched or one of them timed, with the interval, goodput and energy of the answer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiban.catalog import Catalog
from kiban.compute.arithmetic import ModelSpec
from kiban.compute.errors import ComputeError
from kiban.compute.goodput_inputs import fleet_goodput
from kiban.compute.hardware import Accelerator
from kiban.compute.inputs import it_kw
from kiban.compute.model import Rate
from kiban.compute.power import draw_frac, node_frac
from kiban.compute.power_inputs import load_draw, load_node
from kiban.compute.train.feasible import why_nothing_fits
from kiban.compute.train.layouts import FULL, NO_RECOMPUTE, SELECTIVE, Job, Layouts
from kiban.compute.train.memory import Memory, training_memory
from kiban.compute.train.memory_facts import MemoryFacts, load_memory_facts
from kiban.compute.train.search import Found, search
from kiban.compute.train.space import Limits
from kiban.compute.train.timing import Timing, bind_timing
from kiban.compute.train.wording import layout_words

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Setting:
    """What every layout of a job is timed and weighed with."""

    model: ModelSpec
    chip: Accelerator
    job: Job
    facts: MemoryFacts
    limits: Limits
    timing: Timing

    @property
    def step_tok(self) -> float:
        """Tokens of one step."""
        return float(self.job.global_batch * self.job.sequence_tok)

    def rate(self, step_s: Array) -> Array:
        """Tokens per second and accelerator."""
        return self.step_tok / self.job.accelerators / step_s

    def mfu(self, step_s: Array) -> Array:
        """Model FLOP over peak at the job's precision."""
        flop = self.model.training_flop_per_tok(self.job.sequence_tok)
        return self.rate(step_s) * flop / self.chip.peak(self.job.precision)[0]


@dataclass(frozen=True)
class Trained:
    """What a job does with one layout."""

    rate_tok_per_s: Rate
    """Per accelerator, as benchmarks run."""
    memory: Memory
    step_s: float
    parts_s: dict[str, float]
    mfu_frac: float
    production_frac: float
    goodput_frac: float
    kw: float
    """Mean critical IT power per accelerator."""
    pause_frac: float
    """Share of the step in which all machines wait together, see ``StepTime.pause_s``."""


def build_setting(catalog: Catalog, model: ModelSpec, chip: Accelerator, job: Job) -> Setting:
    """Collect what the catalogue knows; raises CatalogKeyError."""
    facts = load_memory_facts(catalog, chip.peak(job.precision)[1])
    # What selective recomputation would drop, a fused kernel never writes.
    recompute = (NO_RECOMPUTE, FULL) if facts.fused_attention else (NO_RECOMPUTE, SELECTIVE, FULL)
    return Setting(
        model,
        chip,
        job,
        facts,
        Limits(max(chip.scale_up_accelerators, 1), recompute),
        bind_timing(catalog, model, chip, job),
    )


def search_job(setting: Setting, best_count: int) -> Found:
    """Search; raises ComputeError that names the limit where nothing fits."""
    s = setting
    found = search(s.model, s.job, s.chip.memory_bytes, s.facts, s.limits, s.timing.total_s, best_count)
    if not found.fitting:
        raise ComputeError(why_nothing_fits(s.model, s.job, s.chip.name, s.chip.memory_bytes, s.facts, s.limits, found))
    return found


def train_job(catalog: Catalog, setting: Setting, cut: Layouts) -> Trained:
    """Time one layout; raises ComputeError where it does not fit."""
    s = setting
    memory = training_memory(s.model, s.job, cut, s.facts)
    need = float(memory.total[0])
    if need > s.chip.memory_bytes:
        raise ComputeError(
            f"memory binds: this layout needs {need / 1e9:,.1f} GB per accelerator, {s.chip.name} has "
            f"{s.chip.memory_bytes / 1e9:,.1f} GB; {_nearest(s)}"
        )
    parts = {name: float(value[0]) for name, value in s.timing.parts_s(cut).items()}
    step_s = sum(parts.values())
    rate = Rate(*s.timing.interval(float(s.rate(np.array([step_s]))[0])))
    useful = fleet_goodput(catalog, s.chip.family, s.model.params_total, s.job.accelerators).useful_frac
    node, draw = load_node(catalog, s.chip), load_draw(catalog, s.chip.family)
    return Trained(
        rate_tok_per_s=rate,
        memory=memory,
        step_s=step_s,
        parts_s=parts,
        mfu_frac=float(s.mfu(np.array([step_s]))[0]),
        production_frac=catalog.value("compute.training.production_frac"),
        goodput_frac=useful,
        kw=it_kw(catalog, s.chip) * float(node_frac(node, draw, draw_frac(draw, "training")[1])),
        pause_frac=float(s.timing.pause_frac(cut)[0]),
    )


def _nearest(setting: Setting) -> str:
    """Words for the fastest layout that fits."""
    try:
        cut = search_job(setting, 1).best.layouts
    except ComputeError as error:
        return str(error)
    return f"the fastest layout that fits is {layout_words(cut, 0)}"
