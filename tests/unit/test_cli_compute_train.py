"""``kiban compute train`` and ``search``: answers, every error at once, exit codes, and the page."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from kiban.cli import app

JOB = ["--model", "llama31_70b", "--chip", "h100_sxm", "--accelerators", "512", "--batch", "1024", "--sequence", "8192"]


def call(*args: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["compute", *args])
    return done.exit_code, done.stdout, done.stderr


def test_train_answers_with_parts_that_add_up() -> None:
    code, out, _ = call("train", *JOB, "--tokens", "15T", "--json")
    assert code == 0
    data = json.loads(out)
    rate = data["tok_per_s_per_accelerator"]
    assert rate["p10"] < rate["p50"] < rate["p90"]
    assert sum(data["step"]["parts_s"].values()) == pytest.approx(data["step"]["total_s"])
    assert sum(data["memory"]["parts_bytes"].values()) == pytest.approx(data["memory"]["total_bytes"])
    assert data["memory"]["total_bytes"] <= data["memory"]["accelerator_bytes"]
    assert 512 * rate["p50"] * data["step"]["total_s"] == pytest.approx(1024 * 8192)
    assert 0.2 < data["mfu_frac"] < 0.7
    days = data["run"]["days"]
    assert days["p10"] < days["p50"] < days["p90"]
    useful = rate["p50"] * 512 * 86400 * data["production_frac"] * data["goodput_frac"]
    assert days["p50"] * useful == pytest.approx(15e12)
    assert data["layouts_searched"] > 1000


def test_train_takes_the_layout_that_search_found_and_no_other_is_faster() -> None:
    _, out, _ = call("search", *JOB, "--json", "--best", "3")
    best = json.loads(out)["best"]
    for row in best:
        code, one, _ = call("train", *JOB, "--json", "--layout", row["layout_words"])
        assert code == 0
        assert json.loads(one)["step"]["total_s"] == pytest.approx(row["step_s"])
    _, one, _ = call("train", *JOB, "--json")
    assert json.loads(one)["layout_words"] == best[0]["layout_words"]
    _, other, _ = call("train", *JOB, "--json", "--layout", "tp=8,pp=4,mbs=1,sp=yes,recompute=full")
    assert json.loads(other)["step"]["total_s"] >= best[0]["step_s"]


def test_names_as_published_are_understood() -> None:
    code, out, _ = call("train", "--model", "Llama 3.1 70B", "--chip", "H100", *JOB[4:])
    assert code == 0 and out.startswith("llama31_70b on 512 h100_sxm")


def test_every_error_is_told_at_once_with_the_nearest_name() -> None:
    code, _, err = call("train", "--model", "lama31_70b", "--chip", "h1oo_sxm", "--accelerators", "0",
                        "--precision", "fp6", "--layout", "tp=two,xx=1,recompute=some", "--tokens", "many")  # fmt: skip
    assert code == 2
    for words in ("did you mean llama31_70b?", "did you mean h100_sxm?", "--accelerators", "did you mean fp8?",
                  "--layout tp", "found xx=1", "none, selective, full", "--tokens", "8 problems"):  # fmt: skip
        assert words in err, words
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("layout", "word"),
    [("tp=3", "heads"), ("tp=8,pp=3", "accelerators"), ("pp=100,vp=2", "layers"), ("ep=8", "experts"),
     ("vp=2", "vp needs pp"), ("tp=8,mbs=48", "batch"), ("sp=yes", "sp needs tp")],
)  # fmt: skip
def test_a_layout_that_does_not_divide_is_refused_by_name(layout: str, word: str) -> None:
    code, _, err = call("train", *JOB, "--layout", layout)
    assert code == 2 and word in err


def test_what_does_not_fit_exits_3_with_the_limit_and_the_nearest_that_fits() -> None:
    code, _, err = call("train", "--model", "llama31_405b", "--chip", "h100_sxm", "--accelerators", "64")
    assert code == 3
    found = re.search(
        r"needs ([\d.]+) GB, the accelerator has ([\d.]+) GB; ([\d,]+) accelerators hold it with a batch of ([\d,]+)",
        err,
    )
    assert found and float(found[1]) > float(found[2])
    more = ["--accelerators", found[3].replace(",", ""), "--batch", found[4].replace(",", "")]
    assert call("train", "--model", "llama31_405b", "--chip", "h100_sxm", *more)[0] == 0


def test_a_layout_that_does_not_fit_exits_3_and_names_one_that_does() -> None:
    code, out, _ = call("train", *JOB, "--layout", "mbs=2,shard=no", "--json")
    assert code == 3
    message = json.loads(out)["message"]
    assert "memory binds" in message
    layout = message.split("layout that fits is ")[1]
    assert call("train", *JOB, "--layout", layout)[0] == 0


def test_search_tells_best_pareto_and_what_falls() -> None:
    code, out, _ = call("search", *JOB, "--json")
    data = json.loads(out)
    assert code == 0
    assert [r["step_s"] for r in data["best"]] == sorted(r["step_s"] for r in data["best"])
    assert data["considered"] == data["fitting"] + data["rejected"]["memory"]
    room = [r["memory_bytes"] for r in data["pareto"]]
    assert room == sorted(room, reverse=True) and len(room) > 1
    assert data["pareto"][0]["step_s"] == data["best"][0]["step_s"]
    text = call("search", *JOB)[1]
    assert "Pareto set" in text and "memory" in text


def test_the_page_is_whole_and_needs_no_network(tmp_path: Path) -> None:
    file = tmp_path / "x.html"
    code, out, _ = call("search", *JOB, "--html", str(file))
    assert code == 0 and f"wrote {file}" in out
    text = file.read_text(encoding="utf-8")
    assert text.rstrip().endswith("</html>") and 'id="fig-pareto"' in text
    body = re.sub(r"<script>.*?</script>", "", text, flags=re.DOTALL)
    assert not re.search(r'(src|href)="https?:', body)
    assert list(tmp_path.iterdir()) == [file]


def test_a_page_that_cannot_be_written_exits_2(tmp_path: Path) -> None:
    code, _, err = call("search", *JOB, "--html", str(tmp_path / "none" / "x.html"))
    assert code == 2 and "cannot write" in err


def test_a_data_sheet_of_the_user_gets_a_wider_interval_than_its_relative(tmp_path: Path) -> None:
    sheet = tmp_path / "chip.yaml"
    sheet.write_text(
        "name: new_chip\nfamily: hopper\nmemory_gb: 80\nmemory_tb_per_s: 3.35\ntdp_w: 700\nrelease_year_frac: 2022.7\n"
        "dense_bf16_tflops: 989.4\nscale_up_gb_per_s: 450\nscale_up_domain_chips: 8\nscale_out_gbit_per_s: 400\n"
    )
    layout = ["--layout", "tp=8,pp=2,sp=yes", "--json"]
    spread = []
    for chip in ("h100_sxm", str(sheet)):
        _, out, _ = call("train", *JOB[:2], "--chip", chip, *JOB[4:], *layout)
        rate = json.loads(out)["tok_per_s_per_accelerator"]
        spread.append(rate["p90"] / rate["p10"])
    assert spread[1] > spread[0]


def test_a_model_file_with_faults_is_refused_whole(tmp_path: Path) -> None:
    file = tmp_path / "model.yaml"
    file.write_text("layers: 0\nhiden_size: 5\n")
    code, _, err = call("train", "--model", str(file), *JOB[2:])
    assert code == 2 and "layers" in err and "hiden_size" in err
