"""Rows of published measurements as typed requests, and their answers."""
