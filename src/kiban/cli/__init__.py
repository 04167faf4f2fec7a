"""The verbs of kiban, one file per family; importing this loads no heavy library."""

from kiban.cli.compute import compute_app, predict
from kiban.cli.energy import energy
from kiban.cli.main import VALIDATION_OFF, app

app.add_typer(compute_app, name="compute")
app.command()(predict)
app.command()(energy)

__all__ = ["VALIDATION_OFF", "app", "main"]


def main() -> None:
    """Entry point of the command line."""
    app()
