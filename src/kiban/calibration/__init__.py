"""Rebuilds fitted coefficients of the catalogue from published measurements: ``python -m kiban.calibration``."""
