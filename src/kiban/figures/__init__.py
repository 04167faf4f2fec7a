"""Results to figure descriptions: plain dicts that a browser draws, one file per kind of chart."""

from kiban.figures.all import all_figures
from kiban.figures.figure import Basis, Figure, Rests

__all__ = ["Basis", "Figure", "Rests", "all_figures"]
