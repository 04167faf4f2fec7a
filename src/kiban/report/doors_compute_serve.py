"""``kiban compute serve``: the answer as data, as text and as a page with the picture of the Pareto set."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kiban import __version__
from kiban.compute.serve.ask import Case, ServeAnswer, first_token_factors
from kiban.compute.serve.pareto import ParetoPoint
from kiban.compute.serve.planner import Pool, ServingPlan
from kiban.compute.serve.replay import Replayed
from kiban.figures.figure import Basis
from kiban.figures.serving import Tradeoff, tradeoff_figure
from kiban.report.doors_words import table
from kiban.report.html import environment, script_json, static
from kiban.units.numbers import percent, significant

Checked = tuple[Replayed, tuple[ServingPlan, Replayed] | None]
"""The plan on the trace, and the engines that the trace asks for with their own replay."""


BASIS = {
    "seen": "the model was measured on this chip's family",
    "known": "the chip's family was measured, with other models",
    "new": "nothing was measured on this chip's family, so the interval is wider",
}


def serve_data(answer: ServeAnswer, checked: Checked | None) -> dict[str, Any]:
    """The answer as plain numbers, None where there is none."""
    plan, need, ask = answer.plan, answer.need, answer.ask
    return {
        "model": ask.model,
        "chip": ask.chip,
        "precision": ask.precision,
        "load": {
            "rate_per_s": need.rate_per_s,
            "prompt_tok": float(need.load.prompt_tok.mean()),
            "cached_tok": float(need.load.cached_tok.mean()),
            "output_tok": float(need.load.output_tok.mean()),
            "arrival_scv": need.load.arrival_scv,
            "accepted_tok_per_step": need.load.accepted_tok,
        },
        "limits": {"ttft_s": need.ttft_limit_s, "ttft_measure": need.ttft_measure, "tpot_s": need.tpot_limit_s},
        "plan": {
            "disaggregated": plan.disaggregated,
            "accelerators": plan.accelerators,
            "pools": [_pool(p) for p in plan.pools],
            "cache_transfer_s": plan.transfer_s,
        },
        "quantities": _quantities(answer),
        "interval": {
            "basis": answer.engines.basis,
            "time_factors": [c.time_factor for c in answer.cases],
            "reasons": [c.reason for c in answer.cases if c.reason],
        },
        "trace": _checked(checked, plan) if checked else None,
        "pareto": {
            name: [_point(p) for p in points if p.best]
            for name, points in (("aggregated", answer.together), ("disaggregated", answer.apart))
        },
    }


def _pool(pool: Pool) -> dict[str, Any]:
    s = pool.state
    return {
        "role": pool.role,
        "layout": pool.option.name,
        "engines": pool.engines,
        "accelerators_per_engine": pool.option.cost.accelerators,
        "requests_at_most": float(s.seats[0]),
        "mean_batch": float(s.batch[0]),
        "load_frac": float(s.rate_per_s[0] / s.max_rate_per_s[0]),
        "cache_tok": float(pool.option.cost.kv_capacity_tok),
    }


def _point(p: ParetoPoint) -> dict[str, Any]:
    return {
        "layout": p.layout,
        "tok_per_s_per_user": p.tok_per_s_per_user,
        "tok_per_s_per_accelerator": p.tok_per_s_per_accelerator,
        "ttft_s": p.ttft_s,
        "mean_batch": p.batch,
    }


def _quantities(answer: ServeAnswer) -> list[dict[str, Any]]:
    """P10, P50, P90 of each quantity; a slow engine is the P90 of a time and the P10 of a rate."""
    plan, cases = answer.plan, answer.cases
    sized: list[tuple[str, str, list[Any]]] = [
        ("fewest accelerators", "accelerators", [c.plan.accelerators if c.plan else None for c in cases]),
        ("generated tokens", "tok/s per accelerator",
         [c.plan.output_tok_per_s_per_accelerator if c.plan else None for c in cases][::-1]),
        *(
            (name, unit, [getattr(c.costs, field) if c.costs else None for c in cases])
            for name, unit, field in (
                ("price of input", "USD/Mtok", "input_usd_per_mtok"),
                ("price of output", "USD/Mtok", "output_usd_per_mtok"),
                ("energy of input", "J/tok", "input_j_per_tok"),
                ("energy of output", "J/tok", "output_j_per_tok"),
            )
        ),
    ]  # fmt: skip
    wider = first_token_factors(answer.engines)
    times = [_times(c, plan, w) for c, w in zip(cases, wider, strict=True)]
    held: list[tuple[str, str, list[Any]]] = [
        ("time to first token, mean", "s", [t[0] for t in times]),
        ("time to first token, P90 of requests", "s", [t[1] for t in times]),
        ("time per token, mean", "s", [t[2] for t in times]),
        ("tokens of a user", "tok/s", [1 / t[2] if math.isfinite(t[2]) else t[2] for t in times][::-1]),
    ]
    rows = [(*r, "sized anew") for r in sized] + [(*r, "the P50 plan") for r in held]
    return [
        {"name": name, "unit": unit, "p10": _plain(v[0]), "p50": _plain(v[1]), "p90": _plain(v[2]), "of": of}
        for name, unit, v, of in rows
    ]


def _times(case: Case, plan: ServingPlan, wider: float) -> tuple[float, float, float]:
    """Mean and P90 time to first token and mean time per token of the P50 plan at a case's cost.

    ``wider`` stretches the time to first token, whose rows scatter more than those of the time per token.
    """
    first, last = case.held[0], case.held[-1]
    moved = plan.transfer_s * plan.need.load.per_gap
    mean, p90 = float(first.ttft_s[0]) * wider, float(first.ttft_quantile_s[0, 1]) * wider
    return mean, p90, float(last.tpot_s[0]) + moved


def _plain(value: float | None) -> float | str | None:
    """None for what is not known, a word for what has no bound."""
    if value is None or math.isnan(value):
        return None
    return "overloaded" if math.isinf(value) else value


def _checked(checked: Checked, plan: ServingPlan) -> dict[str, Any]:
    played, enough = checked
    return {
        **_played(played),
        "requests": len(played.ttft_s),
        "meets_limits": played.meets(plan),
        "accelerators_needed": enough[0].accelerators if enough else None,
        "with_those": _played(enough[1]) if enough else None,
    }


def _played(played: Replayed) -> dict[str, Any]:
    return {
        "ttft_mean_s": played.ttft_measure_s("mean"),
        "ttft_p90_s": played.ttft_measure_s("p90"),
        "tpot_mean_s": _plain(float(_nan_mean(played))),
        "busy_frac": list(played.busy_frac),
        "cache_peak_tok": list(played.kv_peak_tok),
        "refused": played.refused,
    }


def _nan_mean(played: Replayed) -> float:
    known = played.tpot_s[np.isfinite(played.tpot_s)]
    return float(known.mean()) if len(known) else math.nan


def sentence(data: dict[str, Any]) -> str:
    """The plan in one sentence."""
    plan, load = data["plan"], data["load"]
    pools = " and ".join(
        f"{p['engines']:,} x {p['layout']}" + (f" for {p['role']}" if plan["disaggregated"] else "")
        for p in plan["pools"]
    )
    most = next(q for q in data["quantities"] if q["name"] == "fewest accelerators")
    sure = f"; {most['p90']:,} to be nine tenths sure" if most["p90"] else "; at the slow tenth no number is enough"
    return (
        f"{plan['accelerators']:,} {data['chip']} serve {data['model']} ({data['precision']}) at "
        f"{significant(load['rate_per_s'])} requests/s: {pools}{sure}"
    )


def serve_text(data: dict[str, Any]) -> str:
    """The answer for a reader at a terminal."""
    lines = [sentence(data), ""]
    rows = [
        [f"{q['name']}, {q['unit']}", _cell(q["p10"]), _cell(q["p50"]), _cell(q["p90"]), q["of"]]
        for q in data["quantities"]
        if q["p50"] is not None
    ]
    lines += table(["", "P10", "P50", "P90", "of"], rows)
    lines.append("")
    head = ["pool", "layout", "engines", "chips each", "batch cap", "mean batch", "load"]
    lines += table(head, [_pool_row(p) for p in data["plan"]["pools"]])
    if data["trace"]:
        lines += ["", *_trace_lines(data["trace"])]
    reasons = [BASIS[data["interval"]["basis"]], *data["interval"]["reasons"]]
    lines += ["", *(f"note: {reason}" for reason in reasons)]
    return "\n".join(lines).rstrip()


def _pool_row(p: dict[str, Any]) -> list[str]:
    return [
        p["role"], p["layout"], f"{p['engines']:,}", f"{p['accelerators_per_engine']}", f"{p['requests_at_most']:,.0f}",
        significant(p["mean_batch"]), percent(p["load_frac"], 2),
    ]  # fmt: skip


def _trace_lines(trace: dict[str, Any]) -> list[str]:
    verdict = "keeps" if trace["meets_limits"] else "breaks"
    lines = [
        f"trace of {trace['requests']:,} requests, simulated: TTFT {_cell(trace['ttft_mean_s'])} s mean, "
        f"{_cell(trace['ttft_p90_s'])} s P90; TPOT {_cell(trace['tpot_mean_s'])} s; {verdict} the limits"
    ]
    if trace["refused"]:
        lines.append(f"{trace['refused']:,} of them are longer than the cache of an engine and were refused")
    elif not trace["meets_limits"]:
        need = trace["accelerators_needed"]
        lines.append(
            f"its bursts ask for {need:,} accelerators of this layout" if need else "no number of engines is enough"
        )
    return lines


def _cell(value: float | str | None) -> str:
    if value is None:
        return "none"
    if isinstance(value, str):
        return value
    return f"{value:,}" if isinstance(value, int) else significant(value)


def serve_html(answer: ServeAnswer, data: dict[str, Any], sources: tuple[int, int], command: str) -> str:
    """The page: sentence, picture, tables; self-contained.

    Args: answer; its data; counts of sourced and assumed catalogue rows that were read; the command that made it.
    """
    note = (
        "Each dot is a layout, a batch cap and a load in steady state that meets the limit on the time to first token; "
        "lines join those that nothing beats in both. The plan lies below its line where whole engines do not fit "
        "the load."
    )
    user = next(q for q in data["quantities"] if q["name"] == "tokens of a user")["p50"]
    chosen = (float(user), answer.plan.output_tok_per_s_per_accelerator)
    kinds = [
        Tradeoff(name, *([_xy(p) for p in points if p.best is best] for best in (True, False)))
        for name, points in (
            ("prefill and decode together", answer.together),
            ("prefill and decode apart", answer.apart),
        )
    ]
    drawn = tradeoff_figure(kinds, chosen, 1 / answer.need.tpot_limit_s, Basis(vintage="median cost of time"), note)
    drawn |= {"sourced": sources[0], "assumed": sources[1]}
    return environment().get_template("compute_serve.html.j2").render(
        data=data, sentence=sentence(data), figure=drawn, command=command, version=__version__,
        rows=[[q["name"], q["unit"], *(_cell(q[p]) for p in ("p10", "p50", "p90")), q["of"]]
              for q in data["quantities"] if q["p50"] is not None],
        pools=[_pool_row(p) for p in data["plan"]["pools"]],
        trace=_trace_lines(data["trace"]) if data["trace"] else [],
        css=static("report.css"), echarts=static("echarts.min.js"), script=static("report.js"),
        basis=BASIS[data["interval"]["basis"]],
        figures=script_json({"pareto": {k: drawn[k] for k in ("option", "form", "form_x")}} if drawn["option"] else {}),
    )  # fmt: skip


def _xy(p: ParetoPoint) -> tuple[float, float]:
    return p.tok_per_s_per_user, p.tok_per_s_per_accelerator
