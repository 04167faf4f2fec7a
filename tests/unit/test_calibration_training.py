"""The fit of the training time model: pooling, reproduction of the catalogue file, errors on groups left out."""

import csv
import io
import math
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import kiban
from kiban.calibration.__main__ import main
from kiban.calibration.pooling import Priors, design, equal_groups, fit
from kiban.calibration.training import by_chip, by_family, by_model_chip, held_out, read_runs, usual_priors
from kiban.calibration.training_rows import fit_csv
from kiban.catalog import load_catalog
from kiban.compute.rows.training import answer_many, answer_training
from kiban.compute.rows.training_measure import counted_flop_per_tok, samples_to_target
from kiban.compute.rows.training_request import read_request
from kiban.compute.train.effects import effect_class, effects, known_scale
from kiban.compute.train.fitted import load_fitted

ROOT = Path(__file__).parents[2]
ROWS = ROOT.parent / "shared" / "validation" / "compute.csv"
FILE = Path(kiban.__file__).parent / "catalog" / "data" / "compute" / "training_fit.csv"
CATALOG = load_catalog()
needs_rows = pytest.mark.skipif(not ROWS.is_file(), reason=f"published rows are not at {ROWS}")
KINDS = ("training", "training-sft", "training-lora", "training-mlperf", "training-total")


@cache
def rows():
    with ROWS.open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if row["kind"] in KINDS]


@cache
def runs():
    return read_runs(rows(), CATALOG)


def error(group, kind):
    errors = np.expm1(held_out(runs(), usual_priors(), group))
    return float(np.mean(np.abs(errors[[r.group_kind == kind for r in runs().requests]])))


def test_an_effect_shrinks_with_its_prior_and_a_class_without_spread_has_none():
    def one(sd):
        priors = Priors(np.zeros(1), np.array([1e-6]), {"chip": sd}, 1.0)
        strengths = [{"chip.a": 1.0, "other.b": 1.0}] * 4
        table = design(strengths, effect_class, priors)
        return fit(np.full(4, 0.01), np.ones(4), lambda theta: np.full(4, theta[0]), table, priors).effects

    # Four rows of t weight 5/4 each against a prior of 1/sd^2: value n w / (n w + 1 / sd^2).
    assert one(0.5)["chip.a"] == pytest.approx(0.01 * 5 / (5 + 4), rel=1e-3)
    assert one(1.0)["chip.a"] == pytest.approx(0.01 * 5 / (5 + 1), rel=1e-3)
    assert set(one(0.5)) == {"chip.a"}


def test_a_fit_finds_a_known_curve_despite_one_bad_row():
    x = np.linspace(0, 1, 40)
    y = 2.0 + 3.0 * x
    y[7] += 25.0
    priors = Priors(np.zeros(2), np.full(2, 100.0), {}, 0.01)
    found = fit(y, equal_groups([0] * 40), lambda t: t[0] + t[1] * x, design([{}] * 40, effect_class, priors), priors)
    assert found.theta == pytest.approx([2.0, 3.0], abs=1e-2)


def test_groups_weigh_equally_with_power_one():
    assert equal_groups(["a", "a", "b"], 1.0) == pytest.approx([0.75, 0.75, 1.5])


def test_a_new_chip_inherits_its_family_and_a_new_family_nothing():
    fitted = {"family.blackwell": -0.1, "chip.gb200": 0.05}
    known, cousin, stranger = (
        effects("m", False, chip, family, "fp8", "mx", 2026.0)
        for chip, family in (("gb200", "blackwell"), ("b150", "blackwell"), ("x1", "unknown"))
    )
    assert known_scale(known, fitted) == pytest.approx(math.exp(-0.05))
    assert known_scale(cousin, fitted) == pytest.approx(math.exp(-0.1))
    assert known_scale(stranger, fitted) == 1.0


def test_the_interval_widens_with_what_was_never_measured():
    half = load_fitted(CATALOG).half80_log
    for kind in ("dense", "moe", "mlperf", "other"):
        assert half[f"{kind}_pair"] <= half[f"{kind}_chip"] <= half[f"{kind}_family"] <= half[f"{kind}_none"]
        assert half[f"{kind}_chip"] <= half[f"{kind}_model"]


def row(system, hardware, config, metric, unit, kind="training"):
    return {"kind": kind, "system": system, "hardware": hardware, "config": config, "metric": metric, "unit": unit}


def test_a_chip_without_measurements_gets_a_wider_answer_than_its_relative():
    config = "gpus=64;prec=BF16;gbs=256;mbs=1;seq=8192;tp=4;pp=4;cp=1;vp=5;sw=NeMo-26.04"
    known, other = (
        answer_training(row("LLAMA3_70B", chip, config, "throughput_per_gpu", "tokens/s/GPU"), CATALOG)
        for chip in ("DGX-H100", "Trainium2")
    )
    assert known.status == other.status == "answered"
    assert other.p90 / other.p10 > 1.3 * known.p90 / known.p10
    assert "never measured" not in known.reason
    assert "nothing of trainium" in other.reason


def test_refusals_name_what_is_missing():
    said = answer_training(row("Llama-9-1B", "Abacus", "gpus=8", "throughput_per_gpu", "tokens/s/GPU"), CATALOG)
    assert said.status == "refused"
    assert "unknown model 'Llama-9-1B'" in said.reason
    assert "unknown accelerator 'Abacus'" in said.reason
    said = answer_training(row("GPT-175B", "H100-SXM", "", "iteration_time", "s"), CATALOG)
    assert "gpus=" in said.reason
    said = answer_training(row("GPT-175B", "H100-SXM", "gpus=64;gbs=64", "colour", "s"), CATALOG)
    assert "metric 'colour'" in said.reason
    said = answer_training(row("GPT-175B", "H100-SXM", "gpus=64;gbs=64", "MFU", "% of 0"), CATALOG)
    assert "peak of 0" in said.reason


@pytest.mark.parametrize(
    "config", ["", "gpus=0;gbs=0;tp=0", "tp=8;pp=4;ep=3;mbs=7;gbs=5;vp=99;seq=1", "prec=INT4", "gpus=99999;gbs=3"]
)
@pytest.mark.parametrize("kind", ["training", "training-mlperf", "training-lora"])
def test_odd_configs_are_answered_or_refused_with_a_reason(config, kind):
    for metric in ("throughput_per_gpu", "MFU", "time_to_train", "gpu_hours"):
        said = answer_training(row("Llama-2-70B", "MI300X", config, metric, "1", kind), CATALOG)
        assert said.reason
        assert said.status == "refused" or 0 < said.p10 < said.p50 < said.p90 < math.inf


def test_metrics_of_one_run_agree():
    config = "gpus=512;prec=FP16;tp=8;pp=64;dp=1;gbs=512;mbs=1;interleave=1;seq=2048;recompute=full;seqpar=no"
    asked = {
        "iteration_time": "s",
        "throughput_per_gpu": "tokens/s/GPU",
        "throughput": "tokens/s",
        "MFU": "%",
        "HFU": "%",
        "model_flops_per_gpu": "TFLOP/s/GPU",
    }
    got = {
        m: answer_training(row("GPT-1T", "A100-SXM-80GB", config, m, unit), CATALOG).p50 for m, unit in asked.items()
    }
    assert got["throughput"] == pytest.approx(512 * 2048 / got["iteration_time"])
    assert got["throughput_per_gpu"] == pytest.approx(got["throughput"] / 512)
    assert got["MFU"] == pytest.approx(100 * got["model_flops_per_gpu"] / 312)
    assert got["HFU"] / got["MFU"] == pytest.approx(4 / 3, rel=0.01)


def test_samples_to_target_are_the_published_points_and_lie_between_them():
    model = read_request(row("Llama-3.1-8B", "H100-SXM", "gpus=8;gbs=16", "throughput", "tokens/s"), CATALOG).model
    points = [samples_to_target(CATALOG, model, batch)[0] for batch in (16, 20, 32, 64)]
    assert points[0] == pytest.approx(159744)
    assert points[2] == pytest.approx(184320)
    assert points[3] == pytest.approx(233472)
    assert points[0] < points[1] < points[2] < points[3]


@needs_rows
def test_refitting_gives_the_catalogue_file():
    def read(text):
        return {r["key"]: r["value"] for r in csv.DictReader(io.StringIO(text))}

    fresh, kept = read(fit_csv(runs(), usual_priors())), read(FILE.read_text(encoding="utf-8"))
    assert list(fresh) == list(kept)
    for key, value in fresh.items():
        if key == "training_fit.pairs":
            assert value == kept[key]
        else:
            assert float(value) == pytest.approx(float(kept[key]), rel=2e-3, abs=2e-4), key


@needs_rows
@pytest.mark.parametrize(("kind", "most"), [("dense", 0.045), ("moe", 0.16), ("mlperf", 0.095), ("other", 0.11)])
def test_error_on_a_model_and_chip_left_out(kind, most):
    assert error(by_model_chip, kind) <= most


@needs_rows
@pytest.mark.parametrize(("group", "dense", "moe"), [(by_chip, 0.11, 0.17), (by_family, 0.14, 0.22)])
def test_error_on_a_new_chip_or_family(group, dense, moe):
    assert error(group, "dense") <= dense
    assert error(group, "moe") <= moe


@needs_rows
def test_flop_are_counted_as_the_tables_count_them():
    pairs: dict[tuple[str, ...], dict[str, dict[str, str]]] = {}
    for r in rows():
        if "sw=" in r["config"]:
            pairs.setdefault((r["kind"], r["system"], r["hardware"], r["config"]), {})[r["metric"]] = r
    ratios = []
    for both in pairs.values():
        if len(both) < 2:
            continue
        request = read_request(both["model_flops_per_gpu"], CATALOG)
        published = 1e12 * float(both["model_flops_per_gpu"]["value"]) / float(both["throughput_per_gpu"]["value"])
        ratios.append(published / counted_flop_per_tok(request, both["model_flops_per_gpu"]))
    assert len(ratios) > 150
    assert np.quantile(np.abs(np.array(ratios) - 1), 0.9) < 0.013
    assert np.max(np.abs(np.array(ratios) - 1)) < 0.035


@needs_rows
def test_nearly_all_rows_are_answered_and_the_rest_refused_with_a_reason():
    answers = answer_many(rows(), CATALOG)
    assert sum(a.status == "answered" for a in answers) >= 0.97 * len(answers)
    assert all(a.reason for a in answers)
    assert all(0 < a.p10 <= a.p50 <= a.p90 for a in answers if a.status == "answered")


@needs_rows
def test_the_command_prints_errors_and_writes_the_file(tmp_path, capsys):
    out = tmp_path / "fit.csv"
    assert main(["training", str(ROWS), "--out", str(out)]) == 0
    assert "model x chip" in capsys.readouterr().out
    assert out.read_text(encoding="utf-8").startswith("key,value")


def test_the_command_refuses_a_file_that_is_not_there_or_not_a_table(tmp_path, capsys):
    assert main(["training", str(tmp_path / "no.csv")]) == 2
    assert "no such file" in capsys.readouterr().err
    bad = tmp_path / "bad.csv"
    bad.write_text("a,b\n1,2\n", encoding="utf-8")
    assert main(["training", str(bad)]) == 2
    assert "kind" in capsys.readouterr().err
