"""
What a check of the books takes: the whole of them, and only what is new since a proof.

By itself: ``python scripts/bench_books.py [ENGINE ...]``. It starts a lab of each engine, makes a
market of 900 issues and 1,000 accounts, and writes orders with their trades, entries and audit rows
in bulk, as `place_order` would have: the whole check says whether it did.
"""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import bench_orders

from stockops import audit, books
from stockops import lab as labs
from stockops.engine import connect
from stockops.engine.base import Server
from stockops.targets import Target

HERE = Path(__file__).parent
ENTRIES = 10_000_000
NEW_ENTRIES = 100_000
_FIRST_DAY = date(2025, 1, 6)
_UNITS_MAX = 90_000  # at once: 50 times each issue, both ways round
_LEGS = 6
_FIRST_ID, _IDS = 2_000_000, 4  # as in bench_books_<engine>.sql


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What one engine took, in seconds; `new_s` is the quickest of `rounds` checks."""

    engine: str
    entries: int
    new_entries: int
    whole_s: float
    prove_s: float
    new_s: float
    slowest_ms: dict[str, int]


def measure(engine: str, *, entries: int = ENTRIES, rounds: int = 5) -> Figures:
    """Fill a lab of `engine`, and measure."""
    with labs.temporary(engine) as lab:
        target = bench_orders.prepare(lab, "bench_books")
        unit = fill(target, entries)
        with (
            connect(target) as server,
            connect(target) as helper,
            connect(target, bulk=True) as writer,
        ):
            audit.seal_all(server)
            audit.fold(server, _FIRST_DAY)
            whole_s = _timed(lambda: _held(books.check(server, helper)))
            prove_s = _timed(
                lambda: _held(
                    books.prove(server, writer, helper, now=lambda: datetime.now(UTC)).results
                )
            )
            fill(target, NEW_ENTRIES, first=unit)
            audit.seal_all(server)
            taken = [
                _timed(lambda: _held(books.check_since(server, helper)[1])) for _ in range(rounds)
            ]
            results = books.check_since(server, helper)[1]
        slowest = sorted(results, key=lambda result: -result.ms)[:5]
        return Figures(
            engine=engine,
            entries=entries,
            new_entries=NEW_ENTRIES,
            whole_s=whole_s,
            prove_s=prove_s,
            new_s=min(taken),
            slowest_ms={result.name: result.ms for result in slowest},
        )


def _held(results: list[books.InvariantResult]) -> None:
    if not books.passed(results):
        raise SystemExit(f"the books do not hold: {[r for r in results if r.violations]}")


def _timed(do: Callable[[], None]) -> float:
    started = time.monotonic()
    do()
    return time.monotonic() - started


def fill(target: Target, entries: int, *, first: int = 0, days: int = 10) -> int:
    """Write `entries` entries and what they are of from unit `first` on; return the next unit."""
    units, done = -(-entries // _LEGS), 0
    with connect(target) as server:
        while done < units:
            count = min(_UNITS_MAX, units - done)
            day = _day(first + done, days)
            with server.transaction():
                _write(server, {"first": first + done, "units": count, "day": day, "at": _at(day)})
            done += count
            _note(f"{server.engine}: {done * _LEGS:,} entries")
        _move_on(server, _FIRST_ID + _IDS * (first + units))
    return first + units


def _write(server: Server, params: dict[str, object]) -> None:
    made = (HERE / f"bench_books_{server.engine}.sql").read_text("utf-8")
    text = (HERE / "bench_books.sql").read_text("utf-8")
    for statement in [made, *text.split(";\n")]:
        server.execute(statement, params)


def _move_on(server: Server, event_id: int) -> None:
    word = "RESTART WITH" if server.engine == "postgresql" else "RESTART"
    server.execute(f"ALTER SEQUENCE event_ids {word} {event_id}")


def _day(unit: int, days: int) -> date:
    """Return the business date of a unit: a later one for each 1,667,000 / `days` units."""
    day = _FIRST_DAY
    for _ in range(min(unit // (ENTRIES // _LEGS // days + 1), days)):
        day += timedelta(days=1)
        while day.weekday() > 4:
            day += timedelta(days=1)
    return day


def _at(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 3, tzinfo=UTC)  # noon in Korea


def _note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    for name in sys.argv[1:] or ["postgresql", "mariadb"]:
        print(json.dumps(asdict(measure(name)), indent=2), flush=True)
