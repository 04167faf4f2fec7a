"""Measurement rows of any kind to the door that answers them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from importlib import import_module

from kiban.catalog import Catalog
from kiban.compute.rows.answer import Answer, refused
from kiban.compute.rows.chips import answer_accelerator
from kiban.compute.rows.energy import answer_energy
from kiban.compute.rows.rents import answer_price

Row = Mapping[str, str]
Door = Callable[[Sequence[Row], Catalog], list[Answer]]

COLUMNS = ("kind", "system", "hardware", "config", "metric", "unit")
TRAINING = ("training", "training-sft", "training-lora", "training-mlperf", "training-total")
SERVING = (
    "inference-online", "inference-offline", "inference-disagg", "inference-mlperf", "inference-cost",
)  # fmt: skip
SITE = ("model_reference", "operator_measured")
"""PUE and WUE of a plant's year; the facility room answers them."""
OF_OTHERS = ("peer-accuracy", "peer-speed")
KINDS = (*TRAINING, "training-memory", "training-energy", *SERVING, "accelerator", "price", *SITE, *OF_OTHERS)
MEMORY_METRICS = ("params_and_optimizer", "activations_", "peak_memory", "memory_per_")
"""Beginnings of metrics that ask for memory, whatever kind of training the row is."""


def module_door(module: str, one: str) -> Door:
    """Give the door of ``kiban.compute.rows.<module>``, imported at its first use.

    The module answers one row with the function named, or many at once with ``answer_many``, which goes first.
    """

    def door(rows: Sequence[Row], catalog: Catalog) -> list[Answer]:
        found = import_module(f"kiban.compute.rows.{module}")
        many: Door | None = getattr(found, "answer_many", None)
        if many is not None:
            return many(rows, catalog)
        answer: Callable[[Row, Catalog], Answer] = getattr(found, one)
        return [answer(row, catalog) for row in rows]

    return door


def doors() -> dict[str, Door]:
    """The doors by name: ``training``, ``memory``, ``serving``, ``energy``, ``accelerator``, ``price``, ``others``."""
    training = module_door("training", "answer_training")
    return {
        "training": training,
        "memory": module_door("memory", "answer_memory"),
        "serving": module_door("serving", "answer_serving"),
        **own_doors(training),
    }


def own_doors(training: Door) -> dict[str, Door]:
    """The doors that need no model of their own; energy asks the training door for its speed."""

    def speed(row: Row, catalog: Catalog) -> Answer:
        return training([row], catalog)[0]

    return {
        "energy": lambda rows, catalog: [answer_energy(row, catalog, speed) for row in rows],
        "accelerator": lambda rows, catalog: [answer_accelerator(row, catalog) for row in rows],
        "price": lambda rows, catalog: [answer_price(row, catalog) for row in rows],
        "site": lambda rows, _: [refused("a plant's year: the facility room answers it, not this one")] * len(rows),
        "others": lambda rows, _: (
            [refused("a measurement of another program; kiban predicts none of those")] * len(rows)
        ),
        "unknown": lambda rows, _: [_unknown(row) for row in rows],
    }


def answer_rows(rows: Sequence[Row], catalog: Catalog, by_name: Mapping[str, Door] | None = None) -> list[Answer]:
    """Answer measurement rows of any kinds, in their order.

    Arguments: rows with the texts of ``COLUMNS`` (a ``setting`` stands for ``config``); catalogue; the doors (default:
    ``doors()``).
    Result: one answer a row; those with the status ``answered`` have positive, finite, ascending numbers.
    """
    known = doors() if by_name is None else by_name
    rows = [{"hardware": "", "config": row.get("setting", ""), **row} for row in rows]
    places: dict[str, list[int]] = {}
    for place, row in enumerate(rows):
        places.setdefault(door_of(row), []).append(place)
    answers: dict[int, Answer] = {}
    for name, group in places.items():
        found = known[name]([rows[place] for place in group], catalog)
        answers |= {place: sound(answer) for place, answer in zip(group, found, strict=True)}
    return [answers[place] for place in range(len(rows))]


def door_of(row: Row) -> str:
    """Name the door of a row by its kind, and by its metric where it asks for memory."""
    kind = row.get("kind", "").strip()
    if kind.startswith("training") and kind in KINDS and row.get("metric", "").startswith(MEMORY_METRICS):
        return "memory"
    for name, kinds in (("training", TRAINING), ("serving", SERVING), ("site", SITE), ("others", OF_OTHERS)):
        if kind in kinds:
            return name
    own = {"training-memory": "memory", "training-energy": "energy", "accelerator": "accelerator", "price": "price"}
    return own.get(kind, "unknown")


def sound(answer: Answer) -> Answer:
    """Give the answer if its numbers can be one, else refuse it."""
    if answer.status != "answered":
        return answer
    numbers = (answer.p10, answer.p50, answer.p90)
    if all(math.isfinite(n) and n > 0 for n in numbers) and numbers == tuple(sorted(numbers)):
        return answer
    shown = ", ".join(f"{n:g}" for n in numbers)
    return refused(f"no positive, ascending p10, p50, p90 came out ({shown}); {answer.reason}")


def _unknown(row: Row) -> Answer:
    kind = row.get("kind", "")
    close = get_close_matches(kind, KINDS, n=3, cutoff=0.5)
    hint = f"nearest known: {', '.join(close)}" if close else f"known: {', '.join(KINDS)}"
    return refused(f"unknown kind '{kind}'; {hint}")
