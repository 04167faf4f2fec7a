"""FLOP per token against the ratio of published TFLOP/s to published tokens/s of the same runs."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path

import pytest

from kiban.catalog import load_catalog
from kiban.compute.arithmetic import load_model
from kiban.compute.reported_flop import megatron_flop_per_tok, mtp_flop_per_tok
from kiban.compute.rows.config import number, parse_config
from kiban.compute.rows.names import find_model

CATALOG = load_catalog()
MEASURED = Path(__file__).parents[3] / "shared" / "validation" / "compute.csv"


def pairs() -> list[tuple[str, float, float | None, float]]:
    """System, sequence, release and published FLOP per token of each training run that states both figures."""
    if not MEASURED.is_file():
        pytest.skip("the shared measurements are not here")
    runs: dict[tuple[str, ...], dict[str, float]] = defaultdict(dict)
    with MEASURED.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["kind"] in ("training", "training-sft") and row["unit"] in ("TFLOP/s/GPU", "tokens/s/GPU"):
                key = tuple(row[name] for name in ("system", "hardware", "config", "source"))
                runs[key][row["metric"]] = float(row["value"])
    out = []
    for (system, _, text, _), found in runs.items():
        config = parse_config(text)
        sequence = number(config, "seq")
        if sequence and {"model_flops_per_gpu", "throughput_per_gpu"} <= set(found):
            release = number({"sw": config.get("sw", "").removeprefix("NeMo-")}, "sw")
            out.append((system, sequence, release, found["model_flops_per_gpu"] * 1e12 / found["throughput_per_gpu"]))
    return out


def test_published_ratios_are_ours() -> None:
    known = pairs()
    assert len(known) > 150
    errors = []
    for system, sequence, release, published in known:
        name = find_model(CATALOG, system)
        assert name is not None
        ours = megatron_flop_per_tok(load_model(CATALOG, name), sequence, "w/o MTP" not in system, release)
        errors.append(abs(ours / published - 1))
        # Both figures are rounded, and each is a mean over steps of its own.
        assert errors[-1] < 0.023, (system, sequence, release)
    assert sum(errors) / len(errors) < 0.004


def test_plain_models_are_counted_as_they_are() -> None:
    model = load_model(CATALOG, "llama31_70b")
    assert megatron_flop_per_tok(model, 8192.0, mtp=True) == model.training_flop_per_tok(8192.0)


def test_the_predicting_layer_of_deepseek_v3_costs_four_percent() -> None:
    model = load_model(CATALOG, "deepseek_v3")
    assert mtp_flop_per_tok(model, 4096.0) / model.training_flop_per_tok(4096.0) == pytest.approx(0.041, abs=0.001)
