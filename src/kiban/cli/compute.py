"""``kiban compute``: the compute room alone."""

from __future__ import annotations

import typer

compute_app = typer.Typer(help="The compute room alone.", no_args_is_help=True, rich_markup_mode=None)
