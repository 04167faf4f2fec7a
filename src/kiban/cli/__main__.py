"""``python -m kiban.cli``."""

from kiban.cli import main

main()
