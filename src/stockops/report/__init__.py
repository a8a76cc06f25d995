"""One run as one page: a self-contained HTML file that needs no network and no script."""

from .page import render, write
from .result import (
    Bucket,
    DemoResult,
    Fact,
    Invariant,
    Latency,
    Outcome,
    Second,
    StepTime,
    SymbolTrades,
    TableRows,
)

__all__ = [
    "Bucket",
    "DemoResult",
    "Fact",
    "Invariant",
    "Latency",
    "Outcome",
    "Second",
    "StepTime",
    "SymbolTrades",
    "TableRows",
    "render",
    "write",
]
