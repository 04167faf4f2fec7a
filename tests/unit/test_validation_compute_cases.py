"""Cases of the compute room on the scoreboard: doors, hand sums, and the published rows they are made of."""

from __future__ import annotations

import csv
import math
import tomllib
from pathlib import Path
from typing import Any

import pytest

from kiban.calibration.serving import KINDS
from kiban.calibration.training import read_runs
from kiban.catalog import Catalog, load_catalog
from kiban.compute.arithmetic import load_model
from kiban.compute.hardware import load_accelerator
from kiban.compute.rows.predict import COLUMNS, answer_rows
from kiban.compute.rows.serving_points import Asked, read_point
from kiban.compute.train.job import build_setting, search_job, train_job
from kiban.compute.train.layouts import Job
from kiban.report.scoreboard import validation_folder
from kiban.report.validation.compute_cases import measured_row, rental_cost_musd
from kiban.report.validation.power_cases import training_power_frac

ROOT = Path(__file__).parents[2]
ROWS = ROOT.parent / "shared" / "validation" / "compute.csv"
needs_rows = pytest.mark.skipif(not ROWS.exists(), reason="../shared/validation/compute.csv is absent")
ROW = {
    "kind": "training", "system": "Llama-3.1-405B", "hardware": "DGX-H100",
    "config": "gpus=1024;prec=FP8;gbs=1536;mbs=1;seq=8192;tp=8;pp=8;cp=2;vp=8;sw=NeMo-26.06",
    "metric": "throughput_per_gpu", "unit": "tokens/s/GPU",
}  # fmt: skip


@pytest.fixture(scope="module")
def cat() -> Catalog:
    return load_catalog()


def test_a_row_is_answered_as_by_the_door_and_a_refusal_is_no_number(cat: Catalog) -> None:
    assert measured_row(ROW, cat) == answer_rows([ROW], cat)[0].p50 > 0
    memory = {**ROW, "kind": "training-memory", "metric": "memory_per_gpu", "unit": "GiB"}
    assert measured_row(memory, cat) == answer_rows([memory], cat)[0].p50 > 0
    assert math.isnan(measured_row({**ROW, "system": "a model nobody knows"}, cat))
    with pytest.raises(KeyError):
        measured_row({k: v for k, v in ROW.items() if k != "unit"}, cat)


def test_rent_of_a_run_is_hours_over_useful_time_times_price(cat: Catalog) -> None:
    inputs = {
        "model": "llama31_8b", "accelerator": "h100_sxm", "precision": "bf16", "sequence_tok": 8192, "tokens": 1e12,
        "accelerators": 64, "global_batch": 128, "rent_usd_per_gpu_h": 2.0,
    }  # fmt: skip
    job = Job(64, 128, 8192, "bf16")
    setting = build_setting(cat, load_model(cat, "llama31_8b"), load_accelerator(cat, "h100_sxm"), job)
    trained = train_job(cat, setting, search_job(setting, 1).best.layouts)
    hours = 1e12 / trained.rate_tok_per_s.p50 / 3600 / trained.goodput_frac / trained.production_frac
    assert rental_cost_musd(inputs, cat) == pytest.approx(hours * 2.0 / 1e6, rel=1e-9)


def test_power_of_training_is_the_measured_one_of_the_h100_node_and_its_own_of_others(cat: Catalog) -> None:
    h100 = training_power_frac(cat, load_accelerator(cat, "h100_sxm"))
    assert h100 == pytest.approx(cat.value("power.h100_node.train_mean_frac_of_rated"), rel=1e-6)
    others = [training_power_frac(cat, load_accelerator(cat, name)) for name in ("tpu_v4", "a100_sxm_80", "gb300")]
    assert all(0.5 < share < 0.95 and share != pytest.approx(h100, abs=1e-4) for share in others)


def _on_the_scoreboard() -> list[tuple[str, dict[str, Any]]]:
    """File and row, inputs of the file laid under those of the row, of every measured row."""
    out = []
    for path in sorted(validation_folder().rglob("*.toml")):
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        for row in data["row"]:
            if row["case"] == "measured_row":
                out.append((path.name, {**row, "inputs": {**data.get("inputs", {}), **row["inputs"]}}))
    return out


def _is(row: dict[str, str], inputs: dict[str, str], published: float) -> bool:
    if any(row[k] != inputs[k] for k in ("kind", "system", "hardware")) or not row["config"].startswith(
        inputs["config"]
    ):
        return False
    value = float(row["value"]) if row["value"].replace(".", "").isdigit() else math.nan
    if row["metric"] == "throughput" and inputs["metric"] == "throughput_per_gpu":
        value /= float(inputs["config"].split("gpus=")[1].split(";")[0])
        return value == pytest.approx(published, abs=0.006)
    return row["metric"] == inputs["metric"] and row["unit"] == inputs["unit"] and value == published


OWN_SOURCE = {"DeepSeek-V3": "training-total"}
"""Rows typed in from a report, not from the table."""


@needs_rows
def test_rows_are_those_of_the_table_and_in_sample_is_what_the_fits_read(cat: Catalog) -> None:
    with ROWS.open(newline="", encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    runs = {tuple(table[p][k] for k in ("system", "hardware", "config")) for p in read_runs(table, cat).places}
    wrong = []
    for name, row in _on_the_scoreboard():
        inputs, fitted = row["inputs"], row.get("in_sample", False)
        assert set(inputs) == set(COLUMNS), name
        if OWN_SOURCE.get(inputs["system"]) == inputs["kind"]:
            continue
        found = [r for r in table if _is(r, inputs, float(row["published"]))]
        if not found or any(r["status"] != "SOURCED" for r in found):
            wrong.append(f"{name}: {row['item']}: not a sourced row of the table")
            continue
        read = any(
            tuple(r[k] for k in ("system", "hardware", "config")) in runs
            or (r["kind"] in KINDS and isinstance(read_point(r, cat), Asked))
            for r in found
        )
        if read and not fitted:
            wrong.append(f"{name}: {row['item']}: the fit read it, so it is in sample")
    assert wrong == []
