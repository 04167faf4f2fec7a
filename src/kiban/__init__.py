"""kiban: commit, wait, or rent for AI compute."""

__version__ = "0.1.0"
