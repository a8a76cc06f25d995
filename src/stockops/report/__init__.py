"""One run as one page: a self-contained HTML file that needs no network and no script."""

from .drillpage import check_drill, write_drill
from .indexpage import write_index
from .page import check, render, write
from .result import (
    SYMBOLS,
    Bucket,
    DemoResult,
    Fact,
    IndexTried,
    Invariant,
    Latency,
    Outcome,
    Second,
    Stall,
    StepTime,
    SymbolTrades,
    TableRows,
)
from .settingspage import Rate, SettingsPage, write_settings

__all__ = [
    "SYMBOLS",
    "Bucket",
    "DemoResult",
    "Fact",
    "IndexTried",
    "Invariant",
    "Latency",
    "Outcome",
    "Rate",
    "Second",
    "SettingsPage",
    "Stall",
    "StepTime",
    "SymbolTrades",
    "TableRows",
    "check",
    "check_drill",
    "render",
    "write",
    "write_drill",
    "write_index",
    "write_settings",
]
