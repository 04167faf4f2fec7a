"""Names of models and accelerators as publications write them, to catalogue names."""

from __future__ import annotations

import re

from kiban.catalog import Catalog


def plain(text: str) -> str:
    """Lower case without vendor prefix, spaces and punctuation: ``meta-llama/Llama-3.1-70B`` -> ``llama3170b``."""
    return re.sub(r"[^a-z0-9]", "", text.rsplit("/", maxsplit=1)[-1].lower())


def find_model(catalog: Catalog, text: str) -> str | None:
    """Catalogue name of a model, or None; longest alias contained in the text wins."""
    raise NotImplementedError


def find_accelerator(catalog: Catalog, text: str) -> str | None:
    """Catalogue name of an accelerator, or None; longest alias contained in the text wins."""
    raise NotImplementedError
