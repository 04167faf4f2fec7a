"""Compute: what one accelerator does with the work, what it costs and draws."""

from kiban.compute.run import run_compute

__all__ = ["run_compute"]
