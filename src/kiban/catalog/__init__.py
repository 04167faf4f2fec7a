"""Sourced facts as data files, and the loader that refuses a fact without a source."""

from kiban.catalog.catalog import Catalog
from kiban.catalog.errors import CatalogError, CatalogKeyError
from kiban.catalog.loader import load_catalog
from kiban.catalog.rows import CONFIDENCES, OVERRIDE_CONFIDENCE, OVERRIDE_SOURCE_ID, Row, Source
from kiban.catalog.tables import Table

__all__ = [
    "CONFIDENCES",
    "OVERRIDE_CONFIDENCE",
    "OVERRIDE_SOURCE_ID",
    "Catalog",
    "CatalogError",
    "CatalogKeyError",
    "Row",
    "Source",
    "Table",
    "load_catalog",
]
