"""A measurement row of training as a typed request: model, chip, job, layout and what the program was."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from kiban.catalog import Catalog
from kiban.compute.arithmetic import ModelSpec, load_model
from kiban.compute.hardware import Accelerator, load_accelerator
from kiban.compute.rows.config import number, parse_config
from kiban.compute.rows.defaults import RowDefaults, load_row_defaults
from kiban.compute.rows.names import find_accelerator, find_model, nearest_accelerator, nearest_model
from kiban.compute.train.defaults import default_layout, one_layout
from kiban.compute.train.effects import effects
from kiban.compute.train.layouts import FULL, NO_RECOMPUTE, SELECTIVE, Job, Layouts

Row = Mapping[str, str]


@dataclass(frozen=True)
class Request:
    """One row, read."""

    model: ModelSpec
    chip: Accelerator
    job: Job
    layouts: Layouts
    """One layout."""
    mtp: bool
    lora: bool
    drops: bool
    """Tokens beyond an expert's capacity are dropped."""
    recipe: str
    """``mx``, ``plain`` (per-tensor scales), ``nv`` (NVFP4) or ``none``."""
    framework: str
    """``megatron``, ``mlperf``, ``maxtext`` or ``papers``."""
    year: float
    """When the program was released or the result filed, decimal."""
    assumed: tuple[str, ...]
    """What the row left open and how it was filled."""

    @property
    def open_count(self) -> bool:
        """Whether the number of accelerators or the batch was assumed."""
        return any("accelerators" in a or "batch" in a for a in self.assumed)

    @property
    def group_kind(self) -> str:
        """``mlperf``, ``moe``, ``dense`` (Megatron) or ``other``: rows of one kind share their error's spread."""
        if self.framework == "mlperf":
            return "mlperf"
        return "moe" if self.model.is_moe else "dense" if self.framework == "megatron" else "other"

    def effects(self) -> dict[str, float]:
        """Effects on its step, see ``effects``."""
        return effects(
            self.model.name, self.model.is_moe, self.chip.name, self.chip.family, self.job.precision, self.recipe,
            self.year, self.lora, self.drops, self.framework == "mlperf",
        )  # fmt: skip


def read_request(row: Row, catalog: Catalog) -> Request | str:
    """Read a row; a sentence that names everything that is missing where it cannot be read."""
    system, hardware = row["system"], row["hardware"]
    name = find_model(catalog, system)
    chip_name = find_accelerator(catalog, hardware)
    missing = []
    if name is None:
        missing.append(f"unknown model '{system}'; {nearest_model(catalog, system)}")
    if chip_name is None:
        missing.append(f"unknown accelerator '{hardware}'; {nearest_accelerator(catalog, hardware)}")
    if name is None or chip_name is None:
        return "; ".join(missing)
    usual = load_row_defaults(catalog)
    model, chip = load_model(catalog, name), load_accelerator(catalog, chip_name)
    return _request(row, parse_config(row["config"]), model, chip, usual)


def _request(row: Row, config: dict[str, str], model: ModelSpec, chip: Accelerator, usual: RowDefaults) -> Request:
    text = f"{row['system']} {row['config']}".lower()
    lora = "lora" in f"{row['kind']} {text}"
    mlperf = row["kind"] == "training-mlperf"
    framework = _framework(row, chip, config)
    assumed: list[str] = []
    precision = _precision(config.get("prec", ""), row, chip, framework, assumed)
    job = _job(config, model, chip, precision, lora and mlperf, row["config"], assumed, usual)
    layouts = _layouts(config, model, chip, job, lora, assumed)
    without = "w/o mtp" in text
    return Request(
        model=model,
        chip=chip,
        job=job,
        layouts=layouts,
        mtp=bool(model.mtp_layers) and not without and framework == "megatron",
        lora=lora,
        drops="tokendrop" in text,
        recipe=_recipe(config.get("prec", "").lower(), precision),
        framework=framework,
        year=_year(config, row, chip, framework, usual),
        assumed=tuple(assumed),
    )


def _framework(row: Row, chip: Accelerator, config: dict[str, str]) -> str:
    if row["kind"] == "training-mlperf":
        return "mlperf"
    if "sw" in config:
        return "megatron"
    return "maxtext" if chip.family == "tpu" else "papers"


def _precision(text: str, row: Row, chip: Accelerator, framework: str, assumed: list[str]) -> str:
    text = text.lower()
    for mark, name in (("fp4", "fp4"), ("fp8", "fp8"), ("int8", "fp8"), ("bf16", "bf16"), ("fp16", "bf16")):
        if mark in text:
            if "assumed" in text:
                assumed.append(f"precision {name}")
            return name
    best = "bf16"
    if framework == "mlperf" and "fp8" in chip.peak_flop_per_s and chip.family != "tpu":
        best = (
            "fp4"
            if "fp4" in chip.peak_flop_per_s and "v4" not in row["config"] and chip.family == "blackwell"
            else "fp8"
        )
    assumed.append(f"precision {best}")
    return best


def _recipe(text: str, precision: str) -> str:
    if precision == "bf16":
        return "none"
    if precision == "fp4":
        return "nv"
    return "mx" if "mx" in text else "plain"


def _year(config: dict[str, str], row: Row, chip: Accelerator, framework: str, usual: RowDefaults) -> float:
    found = re.search(r"(\d\d)\.(\d\d)", config.get("sw", "") or ("nemo 24.11" if "nemo 24.11" in config else ""))
    if found:
        return 2000 + int(found.group(1)) + (int(found.group(2)) - 1) / 12
    if framework == "mlperf":
        return next((year for name, year in usual.round_year.items() if name in row["config"]), chip.release_year + 1)
    return chip.release_year + 1.5


def _job(
    config: dict[str, str],
    model: ModelSpec,
    chip: Accelerator,
    precision: str,
    packed: bool,
    row_text: str,
    assumed: list[str],
    usual: RowDefaults,
) -> Job:
    sequence = int(number(config, "seq", "seq_len", "max_target_length") or 0)
    if not sequence:
        sequence = int(usual.lora_sequence_tok) if packed else usual.usual_sequence_tok(model)
        assumed.append(f"sequence of {sequence} tokens")
    cut = [int(number(config, key) or 1) for key in ("tp", "pp", "cp", "dp")]
    count = int(number(config, "gpus", "chips") or 0)
    if not count and ("tp" in config or "dp" in config):
        count = int(np.prod(cut))
    if not count:
        count = _chips_in(row_text)
    if not count:
        count = _fewest(model, chip)
        assumed.append(f"{count} accelerators")
    batch = int(number(config, "gbs", "global_batch") or 0)
    per_chip = number(config, "pdbs", "per_device_batch_size", "per_device_batch")
    if not batch and per_chip:
        batch = max(round(per_chip * count), 1)
    if not batch and number(config, "batch_per_dp"):
        batch = int((number(config, "batch_per_dp") or 1) * cut[3])
    if not batch:
        batch = max(round(count * usual.step_tok(model) / sequence), 1)
        assumed.append(f"a batch of {batch} sequences")
    return Job(count, batch, sequence, precision)


def _chips_in(text: str) -> int:
    """Number of chips in words: ``512 chips``, ``2x v6e-256``, ``4x4x8``; 0 where there is none."""
    found = re.search(r"(\d+) chips", text)
    if found:
        return int(found.group(1))
    slices = re.search(r"(?:(\d+)x )?v\d+[a-z]?-(\d+)", text)
    if slices:
        return int(slices.group(1) or 1) * int(slices.group(2))
    cube = re.search(r"\b(\d+)x(\d+)(?:x(\d+))?\b", text)
    return int(np.prod([int(side) for side in cube.groups() if side])) if cube else 0


def _fewest(model: ModelSpec, chip: Accelerator) -> int:
    """Accelerators whose memory holds 18 bytes per weight twice, in a power of two, at least 8."""
    need = 2 * 18.0 * model.params_total / chip.memory_bytes
    return int(2 ** max(3, np.ceil(np.log2(need))))


def _layouts(
    config: dict[str, str], model: ModelSpec, chip: Accelerator, job: Job, lora: bool, assumed: list[str]
) -> Layouts:
    if "tp" not in config:
        assumed.append("the default layout")
        return default_layout(model, chip, job, lora)
    t, p, c = (int(number(config, key) or 1) for key in ("tp", "pp", "cp"))
    data = max(job.accelerators // (t * p * c), 1)
    fsdp = (number(config, "fsdp") or 0) > 1
    recompute = {"full": FULL, "selective": SELECTIVE}.get(config.get("recompute", ""), NO_RECOMPUTE)
    micro = int(number(config, "mbs") or 1)
    v = int(number(config, "vp", "interleave") or 1)
    if p > 1 and "vp" not in config and "interleave" not in config:
        v = max(1, round((model.layers / p) ** 0.5))
        assumed.append(f"{v} chunks of layers per stage")
    keeps = config.get("seqpar", "yes") != "no"
    expert, fits = int(number(config, "ep") or 1), max(job.global_batch // data, 1)
    return one_layout(t, p, c, expert, data, min(micro, fits), v, recompute, keeps, 3 if fsdp else 1)
