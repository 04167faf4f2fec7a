"""``kiban compute``: the compute room alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, NoReturn

import typer

from kiban.cli.main import BAD_INPUT, INFEASIBLE, AsJson, _print_json, _say, _stop_bad_input, _tell

Model = Annotated[str, typer.Option("--model", help="Catalogue name, name as published, or your own file")]
Chip = Annotated[str, typer.Option("--chip", help="Catalogue name, name as published, or your own data sheet")]
Accelerators = Annotated[int, typer.Option("--accelerators", help="Accelerators of the job")]
Batch = Annotated[int, typer.Option("--batch", help="Sequences per step")]
SequenceTok = Annotated[int, typer.Option("--sequence", help="Tokens per sequence")]
Precision = Annotated[str, typer.Option("--precision", help="bf16, fp8 or fp4, of matrix work")]
TrainLayout = Annotated[
    str | None, typer.Option("--layout", help="tp=8,pp=4,vp=2,cp=1,ep=1,mbs=1,recompute=selective,sp=yes,shard=zero1")
]

compute_app = typer.Typer(help="The compute room alone.", no_args_is_help=True, rich_markup_mode=None)


@compute_app.command("train")
def train(
    model: Model,
    chip: Chip,
    accelerators: Accelerators,
    batch: Batch = 1024,
    sequence: SequenceTok = 8192,
    precision: Precision = "bf16",
    layout: TrainLayout = None,
    tokens: Annotated[str | None, typer.Option("--tokens", help="Tokens to train on, as 15T")] = None,
    as_json: AsJson = False,
) -> None:
    """Say how fast a job trains, where time and memory go, what N tokens take; without --layout, the best one."""
    from kiban.catalog import load_catalog
    from kiban.compute.errors import ComputeError
    from kiban.report.compute_request import read_request
    from kiban.report.doors_compute_train import train_data, train_text
    from kiban.scenario.problems import ScenarioError

    catalog = load_catalog()
    try:
        request = read_request(catalog, model, chip, accelerators, batch, sequence, precision, layout, tokens)
        data = train_data(catalog, request)
    except ScenarioError as error:
        _stop_bad_input(error.problems, as_json)
    except ComputeError as error:
        _stop_infeasible(str(error), as_json)
    _tell(as_json, data, lambda: train_text(data), [])


@compute_app.command("search")
def search(
    model: Model,
    chip: Chip,
    accelerators: Accelerators,
    batch: Batch = 1024,
    sequence: SequenceTok = 8192,
    precision: Precision = "bf16",
    best: Annotated[int, typer.Option("--best", min=1, max=1000, help="Layouts shown")] = 10,
    html: Annotated[Path | None, typer.Option("--html", help="Page to write, with the picture", metavar="FILE")] = None,
    as_json: AsJson = False,
) -> None:
    """Try every layout of a training job: the fastest, the Pareto set of speed and memory, and why the others fall."""
    from kiban.catalog import load_catalog
    from kiban.compute.errors import ComputeError
    from kiban.report.compute_request import read_request
    from kiban.report.doors_compute_search import search_data, search_text, write_search_page
    from kiban.scenario.problems import ScenarioError

    catalog = load_catalog()
    try:
        request = read_request(catalog, model, chip, accelerators, batch, sequence, precision, None, None)
        answer = search_data(catalog, request, best)
    except ScenarioError as error:
        _stop_bad_input(error.problems, as_json)
    except ComputeError as error:
        _stop_infeasible(str(error), as_json)
    files = []
    if html is not None:
        try:
            files = [write_search_page(html, catalog, request, answer)]
        except OSError as error:
            _say(f"cannot write {html}: {error.strerror or error}")
            raise typer.Exit(BAD_INPUT) from None
    _tell(as_json, answer.data, lambda: search_text(answer.data), files)


def _stop_infeasible(message: str, as_json: bool) -> NoReturn:
    if as_json:
        _print_json({"status": "infeasible", "message": message})
    else:
        _say(f"infeasible: {message}")
    raise typer.Exit(INFEASIBLE)
