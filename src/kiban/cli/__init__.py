"""The verbs of kiban, one file per family; importing this loads no heavy library."""

from kiban.cli.compute import compute_app
from kiban.cli.compute_serve import serve
from kiban.cli.energy import energy
from kiban.cli.facility import facility
from kiban.cli.main import VALIDATION_OFF, app
from kiban.cli.predict import predict

compute_app.command()(serve)
app.add_typer(compute_app, name="compute")
app.command()(predict)
app.command()(facility)
app.command()(energy)

__all__ = ["VALIDATION_OFF", "app", "main"]


def main() -> None:
    """Entry point of the command line."""
    app()
