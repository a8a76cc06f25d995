"""
Log that is archived without end, and the windows it proves.

`push` and `get` are what PostgreSQL calls; `segments`, `binlogs`, `missing`, `windows` and `fetch`
are what a restore plans with.
"""

from .fetching import fetch, get, latest
from .ledger import Gap, Log, binlogs, history, logs, segments, systems
from .stopped import Stopped, keep, stopped
from .storing import Pushed, push
from .windows import Coverage, Window, coverage, missing, windows

__all__ = [
    "Coverage",
    "Gap",
    "Log",
    "Pushed",
    "Stopped",
    "Window",
    "binlogs",
    "coverage",
    "fetch",
    "get",
    "history",
    "keep",
    "latest",
    "logs",
    "missing",
    "push",
    "segments",
    "stopped",
    "systems",
    "windows",
]
