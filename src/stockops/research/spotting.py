"""
Patterns in daily prices: found by the server, stored once for each issue, date and kind.

Only what is different is written: what prices show and the table lacks, what it has and they do not
show any more, for they were corrected. So a run that was cut short is simply run again.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from .. import queries
from ..engine.base import Server
from ..plan import Step
from ..queries import Query
from .backtesting import line_of
from .issues import Issue, chosen

KINDS = (
    "golden_cross_20_50",
    "dead_cross_20_50",
    "golden_cross_50_200",
    "dead_cross_50_200",
    "breakout_20",
    "volume_spike",
    "gap_up",
    "gap_down",
)
SPIKE_TIMES = 3
GAP_PERCENT = 3
LISTED_MAX = 10_000
# Windows over more leave the memory of MariaDB's temporary tables, and take four times as long.
_BATCH_ISSUES = 10
_PLACES = Decimal("0.0001")
_COLUMNS = ("symbol", "price_date", "kind", "strength")

Key = tuple[str, date, str]


@dataclass(frozen=True, slots=True)
class History:
    """From which date on prices have to be read."""

    history_from: date


@dataclass(frozen=True, slots=True)
class PatternDay:
    """A day with a pattern; crosses and gaps are below 0 where they go down."""

    symbol: str
    price_date: date
    cross_20_50: Decimal | None
    cross_50_200: Decimal | None
    breakout_20: Decimal | None
    volume_spike: Decimal | None
    gap: Decimal | None


@dataclass(frozen=True, slots=True)
class Stored:
    """A pattern as it is stored."""

    symbol: str
    price_date: date
    kind: str
    strength: Decimal


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern, and the name of its issue."""

    price_date: date
    symbol: str
    name: str
    kind: str
    strength: Decimal


@dataclass(frozen=True, slots=True)
class Spotted:
    """How many patterns of a kind the prices show, and what was different in the table."""

    kind: str
    found: int
    new: int
    changed: int
    gone: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The issues and dates that are looked at."""

    symbols: Sequence[str] = ()
    since: date | None = None
    until: date | None = None


HISTORY = Query("research/history_from", History)
PATTERN_DAYS = Query("research/pattern_days", PatternDay)
STORED = Query("research/patterns_stored", Stored)
PATTERNS = Query("research/patterns", Pattern)


@dataclass(slots=True)
class _Counts:
    found: int = 0
    new: int = 0
    changed: int = 0
    gone: int = 0


def spot(
    server: Server,
    asked: Asked,
    *,
    write: bool = True,
    done: Callable[[int, int], None] = lambda _done, _all: None,
) -> list[Spotted]:
    """
    Find the patterns and store them, some issues in one transaction; without `write` only count.

    `done` is told how many issues are through, and of how many. The connection has to be one for
    bulk loads.
    """
    counts = {kind: _Counts() for kind in KINDS}
    issues = chosen(server, asked.symbols)
    through = 0
    for group in _groups(issues, together=not asked.symbols):
        with server.transaction(isolation="repeatable read", read_only=not write):
            _synchronise(server, group, asked, counts, write=write)
        through += len(group)
        done(through, len(issues))
    return [
        Spotted(kind, count.found, count.new, count.changed, count.gone)
        for kind, count in counts.items()
    ]


def steps(found: Sequence[Spotted]) -> list[Step]:
    """Return what would be written, from a run without `write`."""
    said = [(each.new, "store {} patterns {}", "prices show them") for each in found] + [
        (each.changed + each.gone, "take back or correct {} patterns {}", "prices were corrected")
        for each in found
    ]
    kinds = [each.kind for each in found] * 2
    return [
        Step(action=words.format(count, kind), why=why)
        for (count, words, why), kind in zip(said, kinds, strict=True)
        if count
    ]


def patterns(
    server: Server, *, symbol: str | None, kind: str | None, row_limit: int
) -> list[Pattern]:
    """Return the newest that are stored."""
    return server.fetch(PATTERNS, symbol=symbol, kind=kind, row_limit=row_limit)


def _groups(issues: Sequence[Issue], *, together: bool) -> Iterator[Sequence[Issue]]:
    """Yield the issues in groups that are next to each other, by code."""
    size = _BATCH_ISSUES if together else 1
    for first in range(0, len(issues), size):
        yield issues[first : first + size]


def _synchronise(
    server: Server, group: Sequence[Issue], asked: Asked, counts: dict[str, _Counts], *, write: bool
) -> None:
    span: dict[str, Any] = {
        "from_symbol": group[0].symbol,
        "to_symbol": group[-1].symbol,
        "since": asked.since,
        "until": asked.until,
    }
    shown = server.fetch(
        PATTERN_DAYS,
        **span,
        history_from=_history_from(server, span),
        spike_times=SPIKE_TIMES,
        gap_percent=GAP_PERCENT,
    )
    found = dict(pattern for day in shown for pattern in _kinds(day))
    stored = {
        (row.symbol, row.price_date, row.kind): row.strength for row in server.fetch(STORED, **span)
    }
    wrong = [key for key, strength in stored.items() if found.get(key) != strength]
    missing = [key for key, strength in found.items() if stored.get(key) != strength]
    for key in found:
        counts[key[2]].found += 1
    for key in wrong:
        count = counts[key[2]]
        count.changed, count.gone = count.changed + (key in found), count.gone + (key not in found)
    for key in missing:
        counts[key[2]].new += key not in stored
    if not write:
        return
    forget = queries.text(server.engine, "researching/forget_pattern", server.version[0])
    for symbol, on, kind in wrong:
        server.execute(forget, {"symbol": symbol, "price_date": on, "kind": kind})
    if missing:
        server.load("patterns", _COLUMNS, (line_of((*key, found[key])) for key in missing))


def _history_from(server: Server, span: dict[str, Any]) -> date | None:
    """Return the first date that averages of the span need; None for the whole history."""
    if span["since"] is None:
        return None
    [history] = server.fetch(
        HISTORY, **{name: span[name] for name in ("from_symbol", "to_symbol", "since")}
    )
    return history.history_from


def _kinds(day: PatternDay) -> Iterator[tuple[Key, Decimal]]:
    """Yield the patterns of a day with their strengths, which are never below 0."""
    said = (
        ("golden_cross_20_50", "dead_cross_20_50", day.cross_20_50),
        ("golden_cross_50_200", "dead_cross_50_200", day.cross_50_200),
        ("breakout_20", "breakout_20", day.breakout_20),
        ("volume_spike", "volume_spike", day.volume_spike),
        ("gap_up", "gap_down", day.gap),
    )
    for up, down, strength in said:
        if strength is not None:
            kind = down if strength < 0 else up
            yield (day.symbol, day.price_date, kind), abs(strength).quantize(_PLACES)
