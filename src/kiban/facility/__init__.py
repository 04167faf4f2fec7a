"""Facility: weather and cooling to hourly PUE and WUE, construction cost, build time and staff of each site."""

from kiban.facility.run import run_facility

__all__ = ["run_facility"]
