"""The page's table of groups left out whole, against the two calibrations run again."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from kiban.calibration.serving import read_data
from kiban.calibration.serving_fit import left_out
from kiban.calibration.training import by_model_chip, held_out, read_runs, usual_priors
from kiban.catalog import load_catalog

ROOT = Path(__file__).parents[2]
ROWS = ROOT.parent / "shared" / "validation" / "compute.csv"
pytestmark = pytest.mark.skipif(not ROWS.exists(), reason="../shared/validation/compute.csv is absent")

TRAINING = {
    "training tokens/s, dense, Megatron-Bridge": ("megatron", False),
    "training tokens/s, experts, Megatron-Bridge": ("megatron", True),
    "MLPerf, speed behind the time to train": ("mlperf", False),
    "training on TPU by MaxText, dense": ("maxtext", False),
    "training on TPU by MaxText, experts": ("maxtext", True),
    "training in papers, 2021 to 2024, dense": ("papers", False),
}
SERVING = {
    "serving, time per token": ("tpot", ()),
    "serving, time to first token": ("ttft", ()),
    "offline tokens/s": ("offline", ()),
    "the same, NVIDIA alone": ("offline", ("cdna3",)),
    "prefill in pools": ("prefill", ()),
    "decode in pools": ("decode", ()),
}


def _rows() -> list[dict[str, str]]:
    with ROWS.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _page() -> dict[str, tuple[float, float, float, float]]:
    """Rows, groups, mean and median error in % by quantity, where groups were left out."""
    text = (ROOT / "docs" / "validation.md").read_text(encoding="utf-8")
    part = text.split("## Compute: groups left out whole\n")[1].split("\n## ")[0]
    cells = [line.strip("| ").split(" | ") for line in part.splitlines() if line.startswith("| ")]
    numbers = {c[0]: c[1:5] for c in cells[1:] if c[2].isdigit()}
    return {name: tuple(float(n.removesuffix(" %")) for n in values) for name, values in numbers.items()}  # type: ignore[misc]


def _said(wrong: np.ndarray, groups: int) -> tuple[float, float, float, float]:
    return len(wrong), groups, 100 * float(wrong.mean()), 100 * float(np.median(wrong))


def test_training_as_the_page_says() -> None:
    runs = read_runs(_rows(), load_catalog())
    wrong, page = np.abs(np.expm1(held_out(runs, usual_priors(), by_model_chip))), _page()
    for name, (framework, experts) in TRAINING.items():
        at = [i for i, r in enumerate(runs.requests) if r.framework == framework and r.model.is_moe is experts]
        groups = len({by_model_chip(runs.requests[i]) for i in at})
        assert page[name] == pytest.approx(_said(wrong[at], groups), abs=0.3), name


def test_serving_as_the_page_says() -> None:
    data = read_data(_rows(), load_catalog())
    wrong, page = np.abs(np.expm1(-left_out(data, data.group))), _page()
    for name, (quantity, without) in SERVING.items():
        at = (data.quantity == quantity) & ~np.isin(data.family, without)
        assert page[name] == pytest.approx(_said(wrong[at], len(set(data.group[at]))), abs=0.3), name
    assert set(page) == {*TRAINING, *SERVING}
