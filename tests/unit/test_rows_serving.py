"""Answers to inference rows, and the fit behind them against ../shared."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from kiban.calibration.__main__ import main
from kiban.calibration.serving import errors, fit_csv, read_data, table
from kiban.catalog import load_catalog
from kiban.compute.rows.answer import Answer
from kiban.compute.rows.serving import answer_many, answer_serving

CATALOG = load_catalog()
ROOT = Path(__file__).resolve().parents[2]
SHARED = next((p for p in (ROOT.parent / "shared", ROOT / "shared") if p.is_dir()), ROOT.parent / "shared")
ROWS = SHARED / "validation" / "compute.csv"
needs_rows = pytest.mark.skipif(not ROWS.exists(), reason="../shared/validation/compute.csv is absent")
ONLINE = {
    "kind": "inference-online", "system": "meta-llama/Llama-3.1-70B", "hardware": "h200_sxm", "unit": "ms",
    "config": "isl=1024;osl=1024;tp=8;attn_dp=1;moe_tp=8;moe_ep=1;prec=fp8;backend=vllm;concurrency=16",
    "metric": "tpot_mean",
}  # fmt: skip


def ask(**changes: str) -> Answer:
    return answer_serving({**ONLINE, **changes}, CATALOG)


def test_units_and_metrics_agree() -> None:
    tpot, ttft, whole = ask(), ask(metric="ttft_mean"), ask(metric="e2e_mean")
    assert ask(unit="s").p50 == pytest.approx(tpot.p50 / 1e3)
    assert whole.p50 > 800 * tpot.p50 > ttft.p50
    each, node = ask(metric="output_throughput_per_gpu"), ask(metric="output_throughput_per_node")
    assert node.p50 == pytest.approx(8 * each.p50)
    assert tpot.p10 < tpot.p50 < tpot.p90 and "8 accelerators" in tpot.reason


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"system": "Llama-9"}, "no model 'Llama-9'"),
        ({"hardware": "abacus"}, "no accelerator 'abacus'"),
        ({"config": "isl=1024;tp=8"}, "names no osl, concurrency"),
        ({"metric": "colour"}, "unknown metric 'colour'"),
        ({"config": ONLINE["config"].replace("fp8", "fp1")}, "unknown precision 'fp1'; known: fp8"),
        ({"config": ONLINE["config"].replace("tp=8", "tp=1"), "system": "DeepSeek-V3"}, "does not fit"),
        ({"kind": "inference-cost"}, "no price"),
        ({"kind": "inference-mlperf"}, "no lengths"),
    ],
)
def test_refusals_name_what_is_missing(changes: dict[str, str], words: str) -> None:
    found = ask(**changes)
    if "kind" in changes:
        found = answer_serving({**ONLINE, **changes, "config": "gpus=72"}, CATALOG)
    assert found.status == "refused" and words in found.reason


def test_rows_without_a_layout_take_the_fewest_accelerators_that_fit() -> None:
    lengths = "isl=1024;osl=1024;prec=fp8;backend=vllm;concurrency=16"
    assert "; 1 accelerators" in ask(config=lengths).reason
    assert "; 8 accelerators" in ask(config=lengths, system="DeepSeek-V3").reason
    assert "; 4 accelerators" in ask(config=lengths, hardware="H200 x4").reason


def test_a_family_that_was_not_measured_gets_a_wider_interval() -> None:
    measured, unmeasured = ask(), ask(hardware="MI355X")
    assert unmeasured.p90 / unmeasured.p10 > 1.2 * measured.p90 / measured.p10
    assert "not measured" in unmeasured.reason


APART = {
    "kind": "inference-disagg", "system": "deepseek-ai/DeepSeek-R1", "hardware": "gb200_nvl72", "unit": "ms",
    "config": "isl=8192;osl=1024;prec=fp4;backend=trtllm;concurrency=512;", "metric": "tpot_mean",
}  # fmt: skip
POOLS = "prefill_tp=4;prefill_ep=4;prefill_workers=2;decode_dp=32;decode_ep=32;decode_workers=1"


@pytest.mark.parametrize(
    "words",
    [
        POOLS,
        "p_tp=4;p_ep=4;num_prefill_workers=2;d_dp=32;d_ep=32;num_decode_workers=1",
        "(p)tp=4;(p)moe_ep=4;(p)workers=2;(d)dp=32;(d)moe_ep=32;(d)workers=1",
        "ctx_tp=4;ctx_ep=4;ctx_instances=2;gen_tp=32;gen_dp_attention=true;gen_ep=32;gen_gpus=32",
        "prefill=2xTEP4;decode=DEP32",
        "prefill 2xTEP4;decode 1xDEP32",
    ],
)
def test_pools_apart_are_read_however_their_keys_are_spelt(words: str) -> None:
    for metric in ("tpot_mean", "ttft_mean"):
        plain = answer_serving({**APART, "metric": metric, "config": APART["config"] + POOLS}, CATALOG)
        found = answer_serving({**APART, "metric": metric, "config": APART["config"] + words}, CATALOG)
        assert found.status == "answered" and found.p50 == pytest.approx(plain.p50)
        assert "pools apart" in found.reason


def test_more_workers_of_a_pool_shorten_its_latency_and_only_its() -> None:
    def latency(metric: str, words: str) -> float:
        return answer_serving({**APART, "metric": metric, "config": APART["config"] + words}, CATALOG).p50

    fuller = POOLS.replace("prefill_workers=2", "prefill_workers=4")
    assert latency("ttft_mean", fuller) < latency("ttft_mean", POOLS)
    assert latency("tpot_mean", fuller) == pytest.approx(latency("tpot_mean", POOLS))
    wider = POOLS.replace("decode_workers=1", "decode_workers=2")
    assert latency("tpot_mean", wider) < latency("tpot_mean", POOLS)


def test_rows_of_production_fleets_are_known_less() -> None:
    pool = {"kind": "inference-disagg", "system": "DeepSeek-V3", "hardware": "H800 x8 node", "unit": "tokens/s/node"}
    found = [
        answer_serving({**pool, "config": c, "metric": "output_throughput_per_node"}, CATALOG)
        for c in ("decode;EP32;kv=4096", "production;decode;EP32;kv=4096")
    ]
    low, middle, high = CATALOG.range("compute.serving.production_frac")
    assert found[1].p50 == pytest.approx(found[0].p50 * middle)
    assert found[1].p10 == pytest.approx(found[0].p10 * low) and found[1].p90 == pytest.approx(found[0].p90 * high)


def test_pools_without_a_layout_are_refused_by_name() -> None:
    found = answer_serving({**APART, "config": APART["config"] + "num_decode_workers=1"}, CATALOG)
    assert found.status == "refused" and "layout of the decode pool" in found.reason
    unknown = answer_serving({**APART, "metric": "colour", "config": APART["config"] + POOLS}, CATALOG)
    assert unknown.status == "refused" and "unknown metric 'colour' of pools apart" in unknown.reason


@pytest.mark.parametrize("layout", ["tp=64;moe_ep=64", "tp=1;attn_dp=72;moe_ep=72", "tp=32;attn_dp=32;moe_ep=32"])
def test_whole_racks_are_one_engine(layout: str) -> None:
    config = f"isl=1024;osl=1024;prec=fp4;backend=sglang;concurrency=512;{layout}"
    found = ask(system="DeepSeek-R1", hardware="gb300_sxm", config=config)
    assert found.status == "answered" and any(f"; {n} accelerators" in found.reason for n in (32, 64, 72))


def _rows() -> list[dict[str, str]]:
    with ROWS.open(newline="", encoding="utf-8") as file:
        return [row for row in csv.DictReader(file) if row["kind"].startswith("inference")]


@needs_rows
def test_every_row_is_answered_or_refused_with_a_reason() -> None:
    rows = _rows()
    answers = answer_many(rows, CATALOG)
    done = [a for a in answers if a.status == "answered"]
    assert len(done) >= 0.99 * len(rows)
    assert all(0 < a.p10 <= a.p50 <= a.p90 < np.inf for a in done)
    assert all(a.reason for a in answers)
    assert answer_serving(rows[5], CATALOG) == answers[5]


@needs_rows
def test_errors_on_groups_left_out_and_the_file_of_the_fit(capsys: pytest.CaptureFixture[str]) -> None:
    data = read_data(_rows(), CATALOG)
    fit, by = errors(data)
    out = by["model x family"]
    tpot, ttft, offline = (np.abs(np.expm1(-out[data.quantity == q])) for q in ("tpot", "ttft", "offline"))
    assert np.median(tpot) < 0.11 and tpot.mean() < 0.25
    assert np.median(ttft) < 0.31
    # The issue asks for 20 % of offline rates, MI300X with its family left out among them.
    assert offline.mean() < 0.18
    families = by["family"][data.quantity == "offline"]
    assert np.abs(np.expm1(-families)).mean() < 0.20
    for quantity in ("prefill", "decode"):
        assert np.abs(np.expm1(-out[data.quantity == quantity])).mean() < 0.20
    text = fit_csv(data, fit, by).splitlines()
    shipped = (ROOT / "src/kiban/catalog/data/compute/serving_fit.csv").read_text(encoding="utf-8").splitlines()
    assert [line.split(",")[0] for line in text] == [line.split(",")[0] for line in shipped]
    new, old = (np.array([float(line.split(",")[1]) for line in lines[1:]]) for lines in (text, shipped))
    assert new == pytest.approx(old, rel=2e-2, abs=2e-2)
    assert "tpot" in table(data, by)


def test_a_table_without_inference_rows_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("kind,system,hardware,config,metric,value,unit,source,status\n", encoding="utf-8")
    assert main(["serving", str(file)]) == 2
    assert main(["all", str(file), "--out", str(tmp_path / "none")]) == 2
