"""``python -m kiban.calibration SUBJECT ROWS.csv``: fit a subject's coefficients to published rows."""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from kiban.calibration import serving
from kiban.calibration.training import read_runs, usual_priors
from kiban.calibration.training_rows import error_table, fit_csv
from kiban.catalog import load_catalog

Rows = Sequence[Mapping[str, str]]

COLUMNS = ("kind", "system", "hardware", "config", "metric", "value", "unit")


def fit_training(rows: Rows) -> tuple[str, str]:
    """Table of errors and catalogue rows of the training time model."""
    runs, priors = read_runs(rows, load_catalog()), usual_priors()
    return error_table(runs, priors), fit_csv(runs, priors)


def fit_serving(rows: Rows) -> tuple[str, str]:
    """Table of errors and catalogue rows of the serving model; raises ValueError where no row can be answered."""
    data = serving.read_data(rows, load_catalog())
    if not len(data.asked):
        raise ValueError("no inference rows that the model can answer")
    fit, by = serving.errors(data)
    return serving.table(data, by), serving.fit_csv(data, fit, by)


SUBJECTS: dict[str, Callable[[Rows], tuple[str, str]]] = {"training": fit_training, "serving": fit_serving}


def main(arguments: Sequence[str] | None = None) -> int:
    """Fit, print the table of errors, and write the catalogue rows to ``--out``: a file, or of ``all`` a folder."""
    chosen = _parser().parse_args(arguments)
    rows = _read(chosen.rows)
    if isinstance(rows, str):
        print(rows, file=sys.stderr)
        return 2
    names = list(SUBJECTS) if chosen.subject == "all" else [chosen.subject]
    if chosen.subject == "all" and chosen.out and not chosen.out.is_dir():
        print(f"{chosen.out}: no such folder", file=sys.stderr)
        return 2
    try:
        results = {name: SUBJECTS[name](rows) for name in names}
    except ValueError as error:
        print(f"{chosen.rows}: {error}", file=sys.stderr)
        return 2
    for name, (table, text) in results.items():
        print(table)
        if chosen.out:
            file = chosen.out / f"{name}_fit.csv" if chosen.subject == "all" else chosen.out
            file.write_text(text, encoding="utf-8")
            print(f"wrote {file}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m kiban.calibration", description=__doc__)
    subjects = parser.add_subparsers(dest="subject", required=True)
    words = {"training": "the training time model", "serving": "the serving model", "all": "both models"}
    for name, text in words.items():
        subject = subjects.add_parser(name, help=text)
        subject.add_argument("rows", type=Path, help="CSV of published measurements")
        what = "folder to write both catalogue files in" if name == "all" else "catalogue file to write"
        subject.add_argument("--out", type=Path, help=what)
    return parser


def _read(path: Path) -> list[dict[str, str]] | str:
    """Rows of a file, or what is wrong with it."""
    if not path.is_file():
        return f"{path}: no such file"
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        rows, found = list(reader), reader.fieldnames or []
    missing = [n for n in COLUMNS if n not in found]
    return f"{path}: column {', '.join(missing)} is missing" if missing else rows


if __name__ == "__main__":
    sys.exit(main())
