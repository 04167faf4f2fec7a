"""Serving: the cost of one iteration, the steady state of an engine, and the layouts that meet a load."""
