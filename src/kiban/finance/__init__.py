"""Finance: cash flows, tax, debt, returns, and what an accelerator-hour and a token cost."""

from kiban.finance.run import run_finance

__all__ = ["run_finance"]
