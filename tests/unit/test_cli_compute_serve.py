"""``kiban compute serve``: answers, pages, traces, and what it says to bad and impossible requests."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from kiban.cli import app
from kiban.compute.serve.engines import Option
from kiban.compute.serve.iteration import IterationCost
from kiban.compute.serve.load import spread_load
from kiban.compute.serve.planner import Need, plan_serving
from kiban.compute.serve.replay import enough_on, replay
from kiban.compute.serve.trace import poisson_trace

PLAIN = ["--model", "llama31_8b", "--chip", "h100_sxm"]
LOAD = ["--rate", "50", "--prompt", "1024", "--output", "256"]


def kiban(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["compute", "serve", *arguments])


def data_of(*arguments: str) -> dict[str, Any]:
    done = kiban(*arguments, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def quantity(data: dict[str, Any], name: str) -> dict[str, Any]:
    return next(q for q in data["quantities"] if q["name"] == name)


def test_a_table_for_a_person() -> None:
    done = kiban(*PLAIN, *LOAD, "--price", "2.5")
    assert done.exit_code == 0
    assert re.match(r"\d+ h100_sxm serve llama31_8b \(fp8\) at 50.0 requests/s: \d+ x ", done.stdout)
    for words in (
        "P10",
        "P90",
        "fewest accelerators",
        "price of input",
        "energy of output",
        "time per token",
        "batch cap",
    ):
        assert words in done.stdout


def test_numbers_hang_together() -> None:
    data = data_of(*PLAIN, *LOAD, "--price", "2.5")
    fleet = quantity(data, "fewest accelerators")
    assert fleet["p10"] <= fleet["p50"] == data["plan"]["accelerators"]
    usd_in, usd_out = (quantity(data, f"price of {d}")["p50"] for d in ("input", "output"))
    assert 50 * (1024 * usd_in + 256 * usd_out) / 1e6 * 3600 == pytest.approx(2.5 * fleet["p50"], rel=1e-6)
    assert quantity(data, "time to first token, mean")["p50"] <= 2.0
    assert quantity(data, "time per token, mean")["p50"] <= 0.05
    for q in data["quantities"]:
        known = [q[p] for p in ("p10", "p50", "p90") if isinstance(q[p], int | float)]
        assert known == sorted(known) or q["name"].startswith(("price", "energy", "fewest"))


def test_a_load_in_tokens_is_the_same_load() -> None:
    tokens = data_of(*PLAIN, "--tok-rate", "12800", "--prompt", "1024", "--output", "256")
    assert tokens["plan"] == data_of(*PLAIN, *LOAD)["plan"]
    twice = kiban(*PLAIN, *LOAD, "--tok-rate", "5")
    assert twice.exit_code == 2
    assert "--tok-rate: says the load twice" in twice.stderr


def test_cached_prompts_and_drafting_save_accelerators() -> None:
    plain = data_of(*PLAIN, "--rate", "900", "--prompt", "4096", "--output", "256")["plan"]["accelerators"]
    cached = data_of(*PLAIN, "--rate", "900", "--prompt", "4096", "--output", "256", "--cache-hit", "0.7")
    assert cached["plan"]["accelerators"] < plain
    assert cached["load"]["cached_tok"] == pytest.approx(0.7 * 4096)
    tight = ["--rate", "300", "--prompt", "256", "--output", "512", "--tpot", "0.007"]
    drafted = data_of(*PLAIN, *tight, "--accept", "0.8", "--draft", "3", "--draft-cost", "0.05")
    assert drafted["plan"]["accelerators"] < data_of(*PLAIN, *tight)["plan"]["accelerators"]
    assert drafted["load"]["accepted_tok_per_step"] == pytest.approx((1 - 0.8**4) / 0.2)


def test_pools_apart() -> None:
    data = data_of(*PLAIN, *LOAD, "--disagg")
    assert [p["role"] for p in data["plan"]["pools"]] == ["prefill", "decode"]
    assert data["plan"]["cache_transfer_s"] > 0
    assert data["pareto"]["aggregated"]
    assert data["pareto"]["disaggregated"]


def test_a_page_with_a_picture(tmp_path: Path) -> None:
    page = tmp_path / "serve.html"
    done = kiban(*PLAIN, *LOAD, "--html", str(page))
    assert done.exit_code == 0
    text = page.read_text(encoding="utf-8")
    figures = json.loads(re.search(r'id="figures">(.*?)</script>', text, re.DOTALL).group(1))  # type: ignore[union-attr]
    names = [s["name"] for s in figures["pareto"]["option"]["series"]]
    assert {"prefill and decode together", "prefill and decode apart", "the plan"} <= set(names)
    assert "http" not in re.sub(r"<script>.*?</script>", "", text, flags=re.DOTALL).replace("http-equiv", "")
    assert list(tmp_path.iterdir()) == [page]


def test_a_page_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    done = kiban(*PLAIN, *LOAD, "--html", str(tmp_path / "no" / "serve.html"))
    assert done.exit_code == 2
    assert "cannot write" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("packed", [False, True])
def test_a_trace_is_planned_and_simulated(tmp_path: Path, packed: bool) -> None:
    rng = np.random.default_rng(9)
    trace = poisson_trace(rng, 20.0, 3000, np.array([300, 900, 2000]), np.array([40, 200, 300]))
    rows = zip(trace.arrival_s, trace.prompt_tok, trace.output_tok, strict=True)
    text = "arrival_s,prompt_tok,output_tok\n" + "".join(f"{a},{p},{o}\n" for a, p, o in rows)
    file = tmp_path / "trace.csv"
    file.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    data = data_of(*PLAIN, "--trace", str(file))
    assert data["load"]["rate_per_s"] == pytest.approx(trace.rate_per_s)
    assert data["load"]["output_tok"] == pytest.approx(trace.output_tok.mean())
    played = data["trace"]
    assert played["requests"] == 3000
    assert played["refused"] == 0
    assert played["meets_limits"]
    assert played["tpot_mean_s"] == pytest.approx(quantity(data, "time per token, mean")["p50"], rel=0.15)
    assert data_of(*PLAIN, "--trace", str(file), "--rate", "80")["load"]["rate_per_s"] == 80
    half = data_of(*PLAIN, "--trace", str(file), "--cache-hit", "0.5")
    energy = [quantity(d, "energy of input")["p50"] for d in (half, data)]
    assert half["load"]["cached_tok"] == pytest.approx(trace.prompt_tok.mean() / 2, rel=1e-3)
    assert energy[0] < 0.7 * energy[1]
    assert half["trace"]["meets_limits"]


def test_requests_longer_than_the_cache_are_named(tmp_path: Path) -> None:
    file = tmp_path / "long.csv"
    rows = "".join(f"{i},{1000 if i else 9000000},50\n" for i in range(50))
    file.write_text("arrival_s,prompt_tok,output_tok\n" + rows, encoding="utf-8")
    done = kiban(*PLAIN, "--trace", str(file), "--ttft", "1000000", "--tpot", "5000")
    assert done.exit_code == 0, done.stderr
    assert "1 of them are longer than the cache of an engine and were refused" in done.stdout


def test_bursts_ask_for_more_engines() -> None:
    """Half of the requests come in one second of ten: an average plan breaks, a larger one is found."""
    batch = np.arange(129)
    step = np.where(batch > 0, 0.01 + 2e-4 * batch, 0.0)
    option = Option("one", IterationCost(1, step, 1e-8, 2e-5, 0.0, 0.0, 1e6))
    need = Need(spread_load(2000, 100), 20.0, 0.5, 0.1)
    plan = plan_serving([option], need)
    rng = np.random.default_rng(6)
    steady_trace = poisson_trace(rng, 20.0, 4000, np.array([2000]), np.array([100]))
    assert replay(plan, steady_trace).meets(plan)
    late = steady_trace.arrival_s.copy()
    jumping = rng.random(4000) < 0.5
    late[jumping] = np.floor(late[jumping] / 10) * 10 + late[jumping] % 1
    bursty = type(steady_trace)(late, steady_trace.prompt_tok, steady_trace.output_tok)
    assert not replay(plan, bursty).meets(plan)
    found = enough_on(plan, bursty)
    assert found is not None
    assert found[0].accelerators > plan.accelerators
    assert found[1].meets(plan)


def test_all_faults_at_once() -> None:
    done = kiban("--model", "llama31_8", "--chip", "h100", "--rate", "-1", "--precision", "fp9", "--cache-hit", "1.5")
    assert done.exit_code == 2
    for words in (
        "--model: unknown name", "did you mean llama31_8b?", "did you mean h100_sxm?", "--precision",
        "--rate: out of range; found -1", "--cache-hit: out of range; found 1.5; allowed: 0 to 1",
        "--prompt: is needed without a trace", "7 problems; nothing was run",
    ):  # fmt: skip
        assert words in done.stderr
    assert done.stdout == ""


def test_faults_as_json() -> None:
    done = kiban("--model", "llama31_8", "--chip", "h100_sxm", *LOAD, "--json")
    assert done.exit_code == 2
    told = json.loads(done.stdout)
    assert told["status"] == "bad_input"
    assert told["problems"][0]["nearest"] == "llama31_8b"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no column arrival_s, prompt_tok, output_tok"),
        ("arrival_s,prompt_tok,output_tok\n1,x,0\n", "line 2, prompt_tok: found 'x'"),
        ("arrival_s,prompt_tok,output_tok\n1,5,0\n", "output_tok of request 0 is 0"),
        ("arrival_s,prompt_tok,output_tok\n1,5,5\n1,5,5\n", "all requests of the trace arrive at once"),
    ],
)
def test_bad_traces(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "bad.csv"
    file.write_text(text, encoding="utf-8")
    done = kiban(*PLAIN, "--trace", str(file))
    assert done.exit_code == 2
    assert words in done.stderr


@pytest.mark.parametrize(
    ("extra", "binds", "words"),
    [
        (["--tpot", "0.0001"], "tpot", "nearest feasible: TPOT"),
        (["--ttft", "0.0001"], "ttft", "nearest feasible: TTFT"),
        (["--model", "gpt3_175b", "--prompt", "9000000"], "cache", "which leaves room for"),
    ],
)
def test_the_impossible_exits_3(extra: list[str], binds: str, words: str) -> None:
    told = kiban(*PLAIN, *LOAD, *extra, "--json")
    assert told.exit_code == 3
    assert json.loads(told.stdout)["binds"] == binds
    said = kiban(*PLAIN, *LOAD, *extra)
    assert said.exit_code == 3
    assert words in said.stderr


def test_weights_that_do_not_fit() -> None:
    done = kiban("--model", "kimi_k2", "--chip", "v100_sxm2_32", "--precision", "bf16", *LOAD, "--json")
    assert done.exit_code == 3
    assert json.loads(done.stdout)["binds"] == "memory"
