"""``python -m kiban.calibration SUBJECT ROWS.csv``: fit a subject's coefficients to published rows."""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Sequence
from pathlib import Path

from kiban.calibration.training import read_runs, usual_priors
from kiban.calibration.training_rows import error_table, fit_csv
from kiban.catalog import load_catalog


def main(arguments: Sequence[str] | None = None) -> int:
    """Fit, print the table of errors, and write the catalogue rows where ``--out`` names a file."""
    parser = argparse.ArgumentParser(prog="python -m kiban.calibration", description=__doc__)
    subjects = parser.add_subparsers(dest="subject", required=True)
    training = subjects.add_parser("training", help="the training time model")
    training.add_argument("rows", type=Path, help="CSV of published measurements")
    training.add_argument("--out", type=Path, help="catalogue file to write")
    chosen = parser.parse_args(arguments)
    if not chosen.rows.is_file():
        print(f"{chosen.rows}: no such file", file=sys.stderr)
        return 2
    with chosen.rows.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    missing = [
        n for n in ("kind", "system", "hardware", "config", "metric", "value", "unit") if n not in (rows or [{}])[0]
    ]
    if missing:
        print(f"{chosen.rows}: column {', '.join(missing)} is missing", file=sys.stderr)
        return 2
    runs, priors = read_runs(rows, load_catalog()), usual_priors()
    print(error_table(runs, priors))
    if chosen.out:
        chosen.out.write_text(fit_csv(runs, priors), encoding="utf-8")
        print(f"wrote {chosen.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
