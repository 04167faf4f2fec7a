"""``kiban compute serve``: the fewest accelerators for a serving load, with what they cost and give."""

from __future__ import annotations

import gzip
import json
import math
import shlex
import sys
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from kiban.compute.serve.planner import InfeasibleError
    from kiban.compute.serve.trace import Trace
    from kiban.scenario.problems import Problem

_BAD_INPUT, _INFEASIBLE = 2, 3
_COMMAND = "kiban compute serve"


def serve(
    model: Annotated[str, typer.Option(help="Model of the catalogue, such as llama31_70b")],
    chip: Annotated[str, typer.Option(help="Accelerator of the catalogue, such as h100_sxm")],
    rate: Annotated[float | None, typer.Option(help="Requests per second; a trace is stretched to it")] = None,
    tok_rate: Annotated[float | None, typer.Option(help="Generated tokens per second, in place of --rate")] = None,
    prompt: Annotated[float | None, typer.Option(help="Mean prompt tokens")] = None,
    output: Annotated[float | None, typer.Option(help="Mean generated tokens")] = None,
    ttft: Annotated[float, typer.Option(help="Limit on the time to first token, s")] = 2.0,
    tpot: Annotated[float, typer.Option(help="Limit on the mean time per further token, s")] = 0.05,
    p90: Annotated[bool, typer.Option("--p90", help="The TTFT limit is for the P90 of requests, not the mean")] = False,
    precision: Annotated[str, typer.Option(help="Of weights: bf16, fp8, fp4 or int4")] = "fp8",
    engine: Annotated[str, typer.Option(help="Serving software: vllm, sglang, trtllm, or any for their mean")] = "any",
    maturity: Annotated[float, typer.Option(help="Years since the chip's release, for the growth of software")] = 1.0,
    price: Annotated[float | None, typer.Option(help="USD per accelerator-hour")] = None,
    cache_hit: Annotated[float, typer.Option(help="Share of prompt tokens found in the prefix cache")] = 0.0,
    accept: Annotated[float, typer.Option(help="Speculative decoding: chance that a drafted token is accepted")] = 0.0,
    draft: Annotated[int, typer.Option(help="Speculative decoding: drafted tokens per step")] = 0,
    draft_cost: Annotated[float, typer.Option(help="Seconds of a draft step over those of a step")] = 0.1,
    prompt_cv: Annotated[float, typer.Option(help="Coefficient of variation of the prompts")] = 0.0,
    output_cv: Annotated[float, typer.Option(help="Coefficient of variation of the answers")] = 0.0,
    production: Annotated[
        float | None, typer.Option(help="Share of benchmark speed kept in production; default: the catalogue's range")
    ] = None,
    trace: Annotated[
        Path | None,
        typer.Option(metavar="FILE.csv", help="Arrivals and lengths; the plan is checked on it by simulation"),
    ] = None,
    disagg: Annotated[bool, typer.Option("--disagg", help="Pools of their own for prefill and decode")] = False,
    max_running: Annotated[int, typer.Option(help="Requests of one attention replica at most")] = 1024,
    budget: Annotated[int, typer.Option(help="Tokens of one iteration of a replica at most")] = 2048,
    as_json: Annotated[bool, typer.Option("--json", help="Write machine-readable JSON to standard output")] = False,
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write the picture as a page")] = None,
) -> None:
    """Find the fewest accelerators that serve a load within its limits, and what a token then costs."""
    from kiban.catalog import load_catalog
    from kiban.compute.errors import ComputeError
    from kiban.compute.serve.ask import Ask, answer, check_ask, with_cache
    from kiban.compute.serve.planner import InfeasibleError

    ask = Ask(
        model, chip, rate, tok_rate, prompt, output, ttft, tpot, p90, precision, engine, maturity, price, cache_hit,
        accept, draft, draft_cost, prompt_cv, output_cv, production, disagg, max_running, budget,
    )  # fmt: skip
    catalog = load_catalog()
    arrivals, problems = _read(trace, rate or tok_rate)
    problems += [_problem(f"--{f.option.replace('_', '-')}", f.message, f.found, f.allowed, f.nearest)
                 for f in check_ask(ask, catalog, trace is not None)]  # fmt: skip
    if problems:
        _stop(problems, as_json)
    arrivals = with_cache(ask, arrivals) if arrivals is not None else None
    with catalog.recording("compute") as used:
        try:
            found = answer(ask, catalog, arrivals)
        except InfeasibleError as error:
            _infeasible(error, as_json)
        except ComputeError as error:
            _stop([_problem("", str(error))], as_json)
    from kiban.compute.serve.replay import enough_on, replay
    from kiban.report.doors_compute_serve import serve_data, serve_html, serve_text

    checked = None
    if arrivals is not None:
        arrivals = arrivals.at_rate(found.need.rate_per_s)
        played = replay(found.plan, arrivals)
        checked = (played, None if played.meets(found.plan) else enough_on(found.plan, arrivals))
    data = serve_data(found, checked)
    if html is not None:
        words = [catalog.row(k).confidence for k in used]
        counts = (sum(w != "assumed" for w in words), words.count("assumed"))
        _write(html, serve_html(found, data, counts, f"{_COMMAND} {shlex.join(sys.argv[3:])}".strip()))
    if as_json:
        typer.echo(json.dumps({"status": "ok", **data, "files": [str(html)] if html else []}, indent=1))
        return
    typer.echo(serve_text(data))
    if html is not None:
        typer.echo(f"wrote {html}")


def _read(file: Path | None, rate: float | None) -> tuple[Trace | None, list[Problem]]:
    """The trace of a file (gzip allowed), or what is wrong with it."""
    from kiban.compute.errors import ComputeError
    from kiban.compute.serve.trace import parse_trace

    if file is None:
        return None, []
    try:
        raw = file.read_bytes()
        text = (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode("utf-8")
        trace = parse_trace(text, str(file))
    except (OSError, EOFError, zlib.error) as error:
        return None, [_problem("--trace", f"cannot read {file}: {getattr(error, 'strerror', None) or error}")]
    except (ComputeError, UnicodeDecodeError) as error:
        return None, [_problem("--trace", str(error))]
    if rate is None and not math.isfinite(trace.rate_per_s):
        return None, [_problem("--rate", "all requests of the trace arrive at once", "nothing", "a number")]
    return trace, []


def _problem(option: str, message: str, found: str = "", allowed: str = "", nearest: str = "") -> Problem:
    from kiban.scenario.problems import Problem

    return Problem(option, message, None, found, allowed, nearest, file=_COMMAND)


def _stop(problems: list[Problem], as_json: bool) -> NoReturn:
    if as_json:
        typer.echo(json.dumps({"status": "bad_input", "problems": [p.as_dict() for p in problems]}, indent=1))
    else:
        for problem in problems:
            typer.echo(problem.render(), err=True)
        typer.echo(f"{len(problems)} problem{'s' if len(problems) != 1 else ''}; nothing was run", err=True)
    raise typer.Exit(_BAD_INPUT)


def _infeasible(error: InfeasibleError, as_json: bool) -> NoReturn:
    if as_json:
        typer.echo(json.dumps({"status": "infeasible", "binds": error.binds, "message": str(error)}, indent=1))
    else:
        typer.echo(f"infeasible: {error}", err=True)
    raise typer.Exit(_INFEASIBLE)


def _write(file: Path, text: str) -> None:
    """Write a page whole or not at all."""
    part = file.with_name(file.name + ".part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(file)
    except OSError as error:
        part.unlink(missing_ok=True)
        typer.echo(f"cannot write {file}: {error.strerror or error}", err=True)
        raise typer.Exit(_BAD_INPUT) from None
