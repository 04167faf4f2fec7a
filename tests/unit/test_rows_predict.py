"""``kiban predict``: rows to doors, tables in and out, chips, rents and energy."""

from __future__ import annotations

import csv
import io
import json
import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from kiban.catalog import load_catalog
from kiban.cli import app
from kiban.compute.rows import predict
from kiban.compute.rows.answer import Answer, refused
from kiban.compute.rows.predict import COLUMNS, KINDS, answer_rows, door_of, own_doors, sound
from kiban.compute.rows.table import TableError, read_rows, write_rows

CATALOG = load_catalog()
MEASURED = Path(__file__).parents[3] / "shared" / "validation" / "compute.csv"


def fake(value: float) -> predict.Door:
    def door(rows, catalog):  # type: ignore[no-untyped-def]
        return [Answer(value * 0.8, value, value * 1.25, "answered", f"fake of {row['system']}") for row in rows]

    return door


FAKES = {"training": fake(1000.0), "memory": fake(40.0), "serving": fake(20.0), **own_doors(fake(1000.0))}


def row(kind: str = "accelerator", hardware: str = "NVIDIA H100 SXM5 80GB", **cells: str) -> dict[str, str]:
    return {"kind": kind, "system": hardware, "hardware": hardware, "config": "", "metric": "", "unit": "", **cells}


def one(**cells: str) -> Answer:
    return answer_rows([row(**cells)], CATALOG, FAKES)[0]


# Owners' data sheets: chip, metric, unit, value.
SHEETS = [
    ("NVIDIA H100 SXM5 80GB", "dense_bf16", "TFLOP/s", 989.4),
    ("NVIDIA H100 SXM5 80GB", "scale_up_bandwidth_bidir", "GB/s", 900),
    ("NVIDIA H100 SXM5 80GB", "scale_out_bandwidth_unidir", "GB/s/GPU", 50),
    ("NVIDIA A100 SXM4 80 GB", "hbm_bandwidth", "TB/s", 2.039),
    ("NVIDIA A100 SXM4 80 GB", "tdp", "kW", 0.4),
    ("NVIDIA GB200", "hbm_usable", "GB", 198.67),
    ("NVIDIA GB300 (Blackwell Ultra)", "scale_up_domain", "GPUs", 72),
    ("Google TPU v5p", "hbm_capacity", "GiB", 95),
    ("Amazon Trainium3", "dense_fp8", "TFLOP/s (MXFP8/MXFP4)", 2517),
    ("DGX H100 server", "server_power_max", "kW", 10.2),
    ("Vera Rubin NVL72 rack", "rack_fp8_training", "PFLOP/s", 1200),
    ("Vera Rubin NVL72 rack", "scale_up_bandwidth_total", "TB/s", 259.2),
]


@pytest.mark.parametrize(("chip", "metric", "unit", "value"), SHEETS)
def test_chips_answer_from_their_data_sheets(chip: str, metric: str, unit: str, value: float) -> None:
    answer = one(hardware=chip, metric=metric, unit=unit)
    assert (answer.status, answer.p50) == ("answered", pytest.approx(value, rel=1e-4))


def test_a_release_date_is_a_month() -> None:
    rows = [row(hardware="NVIDIA A100 SXM4 80 GB", metric="release_date", unit="date")]
    written = next(csv.DictReader(io.StringIO(write_rows(rows, answer_rows(rows, CATALOG, FAKES)))))
    assert written["p10"] <= "2020-11-16" <= written["p90"]
    assert written["p50"].startswith("2020-11")


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ({"kind": "traning"}, "nearest known: training"),
        ({"kind": "peer-speed"}, "another program"),
        ({"hardware": "NVIDIA H900"}, "no accelerator 'NVIDIA H900'; nearest known"),
        ({"metric": "dense_bf61"}, "nearest known: dense_bf16"),
        ({"metric": "tdp", "unit": "GB"}, "unknown unit 'gb' of tdp; known: w, kw"),
        ({"hardware": "TPU v4", "metric": "dense_fp8", "unit": "TFLOP/s"}, "no row accelerator.tpu_v4.dense_fp8"),
        ({"kind": "price", "metric": "rental_price", "unit": "EUR/h"}, "known: usd/gpu-h"),
        ({"kind": "training-energy", "metric": "energy", "unit": "MWh", "system": "Llama-9"}, "no model 'Llama-9'"),
        ({"kind": "training-energy", "metric": "energy", "unit": "MWh", "system": "GPT-76B"}, "names no tokens"),
    ],
)
def test_refusals_name_what_is_missing(cells: dict[str, str], words: str) -> None:
    answer = one(**cells)
    assert answer.status == "refused"
    assert words in answer.reason


def test_rents_span_the_sellers() -> None:
    wide = one(kind="price", hardware="H100 SXM5", metric="rental_price", unit="USD/GPU-h")
    assert 1.9 < wide.p10 < 3.6 < wide.p90 < 13
    aws = one(kind="price", hardware="H100", config="AWS on-demand early 2026", metric="rental_price", unit="USD/GPU-h")
    assert aws.p50 == 6.88


def test_energy_of_a_run_by_hand() -> None:
    # 366e9 tokens at 1000 tokens/s and chip: 366e6 chip seconds at 400 W x 0.85 x 1.6 = 544 W.
    answer = one(
        kind="training-energy", system="BLOOM-176B", hardware="A100-80GB", config="366B tokens", metric="energy",
        unit="MWh",
    )  # fmt: skip
    assert answer.p50 == pytest.approx(366e6 * 544 / 3.6e9)
    assert answer.p10 < answer.p50 < answer.p90


def test_average_power_of_a_tpu_v4_in_training() -> None:
    # GLaM on TPU v4: 326 W per chip on average (arXiv:2112.06905, section on energy).
    answer = one(kind="training-energy", system="GLaM", hardware="TPU v4", metric="power_per_chip", unit="W")
    assert answer.p10 <= 326 <= answer.p90 * 1.02


def test_memory_goes_by_metric() -> None:
    assert door_of(row("training", metric="peak_memory_per_gpu")) == "memory"
    assert door_of(row("training-memory", metric="anything")) == "memory"
    assert door_of(row("training-mlperf", metric="time_to_train")) == "training"
    assert door_of(row("inference-online", metric="tpot_mean")) == "serving"


def test_order_is_kept_and_doors_see_their_rows_once() -> None:
    rows = [row("price"), row("training", system="a"), row("inference-online", system="b"), row("training", system="c")]
    reasons = [answer.reason for answer in answer_rows(rows, CATALOG, FAKES)]
    assert reasons[1:] == ["fake of a", "fake of b", "fake of c"]


def test_numbers_that_cannot_be_an_answer_are_refused() -> None:
    for numbers in ((1.0, 0.5, 2.0), (0.0, 1.0, 2.0), (1.0, math.inf, math.inf), (math.nan, 1.0, 2.0)):
        assert sound(Answer(*numbers, "answered", "why")).status == "refused"
    assert sound(Answer(1.0, 1.0, 1.0, "answered", "why")).status == "answered"


TEXT = st.text(max_size=30) | st.sampled_from(
    [
        "H100",
        "TPU v4",
        "Llama-3.1-70B",
        "tdp",
        "W",
        "release_date",
        "date",
        "rental_price",
        "USD/GPU-h",
        "energy",
        "MWh",
    ]
)
KIND = st.sampled_from((*KINDS, "")) | st.text(max_size=12)


@settings(max_examples=300, deadline=None)
@given(st.fixed_dictionaries({"kind": KIND, **dict.fromkeys(COLUMNS[1:], TEXT)}))
def test_any_row_is_answered_or_refused(cells: dict[str, str]) -> None:
    (answer,) = answer_rows([cells], CATALOG, FAKES)
    assert answer.status in ("answered", "refused")
    assert answer.reason
    if answer.status == "answered":
        assert 0 < answer.p10 <= answer.p50 <= answer.p90 < math.inf
    write_rows([cells], [answer])


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_mutilated_published_row_is_answered_or_refused(data: st.DataObject) -> None:
    rows = data.draw(st.sampled_from(measured()))
    cells = dict(rows)
    name = data.draw(st.sampled_from(COLUMNS))
    text = cells[name]
    cut = data.draw(st.integers(0, len(text)))
    cells[name] = text[:cut] + data.draw(st.text(max_size=3)) + text[data.draw(st.integers(cut, len(text))) :]
    (answer,) = answer_rows([cells], CATALOG, FAKES)
    assert answer.status in ("answered", "refused")


def measured() -> list[dict[str, str]]:
    if not MEASURED.is_file():
        pytest.skip("the shared measurements are not here")
    return read_rows(MEASURED.read_text(encoding="utf-8"))


def test_published_chip_figures_lie_in_the_answers() -> None:
    rows = [r for r in measured() if r["kind"] == "accelerator" and r["unit"] != "date"]
    answers = answer_rows(rows, CATALOG, FAKES)
    answered = [(r, a) for r, a in zip(rows, answers, strict=True) if a.status == "answered"]
    assert len(answered) / len(rows) > 0.98
    close = [abs(a.p50 / float(r["value"]) - 1) < 0.03 or a.p10 <= float(r["value"]) <= a.p90 for r, a in answered]
    assert sum(close) / len(close) > 0.95


def test_a_bad_table_is_told_everything_at_once() -> None:
    with pytest.raises(TableError) as error:
        read_rows("kind,sytem,hardware,config,metric,metric\na,b\n")
    assert len(error.value.problems) == 4
    assert "found 'sytem'" in error.value.problems[0]
    for text in ("", "\n", "kind,system,hardware,config,metric,unit\n", "\0", 'kind,"a\n'):
        with pytest.raises(TableError):
            read_rows(text)


@given(st.text(max_size=200))
def test_any_text_is_a_table_or_not(text: str) -> None:
    try:
        read_rows(text)
    except TableError as error:
        assert error.problems


HEADER = "kind,system,hardware,config,metric,value,unit,status\n"


def test_the_command_writes_answers_and_passes_columns_through(tmp_path: Path) -> None:
    source, out = tmp_path / "rows.csv", tmp_path / "out.csv"
    source.write_text(
        "\ufeff" + HEADER + 'accelerator,H100,H100,,tdp,"1,5",W,SOURCED\npeer-speed,x,y,,z,1,s,SOURCED\n', "utf-8"
    )
    result = CliRunner().invoke(app, ["predict", str(source), "-o", str(out), "--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["answered"] == 1
    first, second = csv.DictReader(io.StringIO(out.read_text("utf-8")))
    assert (first["value"], first["p50"], first["status"]) == ("1,5", "700", "answered")
    assert (second["p50"], second["status"]) == ("", "refused")
    assert sorted(f.name for f in tmp_path.iterdir()) == ["out.csv", "rows.csv"]


@pytest.mark.parametrize("text", ["", "kind,system\na,b\n", HEADER, "\udcff"])
def test_the_command_writes_nothing_for_a_bad_file(tmp_path: Path, text: str) -> None:
    source, out = tmp_path / "rows.csv", tmp_path / "out.csv"
    source.write_bytes(text.encode("utf-8", "surrogateescape"))
    result = CliRunner().invoke(app, ["predict", str(source), "-o", str(out)])
    assert result.exit_code == 2
    assert "nothing was written" in result.stderr
    assert not out.exists()


def test_the_command_says_where_it_cannot_write(tmp_path: Path) -> None:
    source = tmp_path / "rows.csv"
    source.write_text("kind,system,hardware,config,metric,unit\npeer-speed,x,y,,z,s\n")
    result = CliRunner().invoke(app, ["predict", str(source), "-o", str(tmp_path / "no" / "out.csv")])
    assert (result.exit_code, "does not exist" in result.stderr) == (2, True)
    assert CliRunner().invoke(app, ["predict", str(tmp_path / "none.csv"), "-o", str(source)]).exit_code == 2


def test_a_module_answers_many_at_once_or_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    class Single:
        @staticmethod
        def answer_training(row, catalog):  # type: ignore[no-untyped-def]
            return refused(f"one {row['system']}")

    class Batch(Single):
        @staticmethod
        def answer_many(rows, catalog):  # type: ignore[no-untyped-def]
            return [refused("many")] * len(rows)

    for module, reason in ((Single, "one x"), (Batch, "many")):
        monkeypatch.setattr(predict, "import_module", lambda _, found=module: found)
        (answer,) = answer_rows([row("training", system="x")], CATALOG)
        assert answer.reason == reason
