"""``kiban compute`` and ``kiban predict``: the compute room alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

compute_app = typer.Typer(help="The compute room alone.", no_args_is_help=True, rich_markup_mode=None)


def predict(
    rows: Annotated[
        Path, typer.Argument(metavar="ROWS.csv", help="Rows: kind, system, hardware, config, metric, unit")
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="File to write")],
) -> None:
    """Answer each row of a table of measurements with P10, P50 and P90, or refuse it with the reason."""
    raise NotImplementedError
