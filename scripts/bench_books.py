"""
What a check of the books takes: the whole of them, and only what is new since a proof.

`make bench ARGS="--only Books"` measures it, with ``--entries N`` for another size. It starts a lab
of each engine, makes a market of 900 issues and 1,000 accounts, and writes orders with their
trades, entries and audit rows in bulk, as `place_order` would have: the whole check says whether it
did.
"""

import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
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
WHOLE_GOAL_S, NEW_GOAL_S = 60.0, 2.0
WHOLE_GOAL_ENTRIES = 10_000_000
_FIRST_DAY = date(2025, 1, 6)
_UNITS_MAX = 90_000  # at once: 50 times each issue, both ways round
_LEGS = 6
_DAYS = 10
# What a server keeps in memory on a machine of this size; a lab's own settings are for a laptop.
_SETTINGS = {
    "postgresql": {"shared_buffers": "4GB"},
    "mariadb": {"innodb_buffer_pool_size": "6G"},
}
_FIRST_ID, _IDS = 2_000_000, 4  # as in bench_books_<engine>.sql


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """
    What one engine took, in seconds; `new_s` is the quickest of `rounds` checks, `new_cpu_s` the
    least CPU that the server spent on one.
    """

    engine: str
    version: str
    entries: int
    new_entries: int
    load: float
    whole_s: float
    prove_s: float
    new_s: float
    new_cpu_s: float
    slowest_whole: list[str]
    slowest_new: list[str]

    @property
    def scaled_s(self) -> float:
        """Return what a whole check would take of the entries of the goal, if it grows as they."""
        return self.whole_s * WHOLE_GOAL_ENTRIES / self.entries


def measure(engine: str, *, entries: int = ENTRIES, rounds: int = 5) -> Figures:
    """Fill a lab of `engine`, and measure."""
    with labs.temporary(engine, settings=_SETTINGS[engine]) as lab:
        target = bench_orders.prepare(lab, "bench_books")
        unit = fill(target, entries, whole=entries)
        with (
            connect(target) as server,
            connect(target) as helper,
            connect(target, bulk=True) as writer,
        ):
            audit.seal_all(server)
            audit.fold(server, _FIRST_DAY)
            _tidy(server)
            load = os.getloadavg()[0]
            whole: list[books.InvariantResult] = []
            whole_s = _timed(lambda: whole.extend(_held(books.check(server, helper))))
            prove_s = _timed(lambda: _prove(server, writer, helper))
            fill(target, NEW_ENTRIES, first=unit, whole=entries)
            audit.seal_all(server)
            new: list[books.InvariantResult] = []

            def again() -> None:
                new[:] = _held(books.check_since(server, helper)[1])

            rated = [_rated(again, [server, helper]) for _ in range(rounds)]
            new_s, new_cpu_s = (min(figures) for figures in zip(*rated, strict=True))
            return Figures(
                engine=engine,
                version=".".join(map(str, server.version)),
                entries=entries,
                new_entries=NEW_ENTRIES,
                load=load,
                whole_s=whole_s,
                prove_s=prove_s,
                new_s=new_s,
                new_cpu_s=new_cpu_s,
                slowest_whole=_slowest(whole),
                slowest_new=_slowest(new),
            )


def section(figures: Sequence[Figures]) -> list[str]:
    """Return the lines of docs/benchmarks.md."""
    lines = [
        "A whole check by two sessions, the same with a proof stored, and the quickest of several",
        "checks of what is new since then; the five invariants that took longest in each. A load",
        "above the number of cores means that others had most of them; the CPU that a check took",
        "on the server is what a quiet machine shares out to two of them. On PostgreSQL the tables",
        "are vacuumed and analyzed before, as they are where so many entries come over days.",
        f"The servers keep the tables in memory: {_settings()}.",
        "",
        "| engine | entries | whole, s | so of 10 M, s | goal, s | | with a proof, s | new entries "
        "| of what is new, s | goal, s | | CPU of that, s | at a load of |",
        "|---|---:|---:|---:|---:|---|---:|---:|---:|---:|---|---:|---:|",
    ]
    for each in figures:
        lines.append(
            f"| {each.engine} {each.version} | {each.entries:,} | {each.whole_s:.1f} "
            f"| {each.scaled_s:.0f} | {WHOLE_GOAL_S:.0f} "
            f"| {_verdict(each.scaled_s < WHOLE_GOAL_S)} | {each.prove_s:.1f} "
            f"| {each.new_entries:,} | {each.new_s:.1f} | {NEW_GOAL_S:.0f} "
            f"| {_verdict(each.new_s < NEW_GOAL_S)} | {each.new_cpu_s:.1f} | {each.load:.1f} |"
        )
    lines.append("")
    for each in figures:
        lines.append(f"- {each.engine}, whole: {', '.join(each.slowest_whole)}")
        lines.append(f"- {each.engine}, what is new: {', '.join(each.slowest_new)}")
    return lines


def _settings() -> str:
    named = [
        f"`{name} = {value}` on {engine}"
        for engine, settings in _SETTINGS.items()
        for name, value in settings.items()
    ]
    return " and ".join(named)


def _verdict(is_reached: bool) -> str:
    return "reached" if is_reached else "**missed**"


def _slowest(results: Sequence[books.InvariantResult]) -> list[str]:
    ordered = sorted(results, key=lambda result: -result.ms)[:5]
    return [f"`{result.name}` {result.ms / 1000:.1f} s" for result in ordered]


def _tidy(server: Server) -> None:
    """Do what autovacuum does meanwhile where as many entries come over days."""
    if server.engine == "postgresql":
        server.execute("VACUUM (ANALYZE)")


def _prove(server: Server, writer: Server, helper: Server) -> None:
    proving = books.prove(server, writer, helper, now=lambda: datetime.now(UTC))
    if proving.proof is None:
        raise SystemExit(f"no proof was stored: {proving.why_not}")


def _held(results: list[books.InvariantResult]) -> list[books.InvariantResult]:
    if not books.passed(results):
        bad = [result for result in results if result.state not in {"held", "unchanged"}]
        raise SystemExit(f"the books do not hold: {bad}")
    return results


def _timed(do: Callable[[], None]) -> float:
    started = time.monotonic()
    do()
    return time.monotonic() - started


def _rated(do: Callable[[], None], sessions: Sequence[Server]) -> tuple[float, float]:
    """Return how long `do` took, and what of the CPU the server spent on `sessions`."""
    before = sum(map(_cpu_s, sessions))
    took = _timed(do)
    return took, sum(map(_cpu_s, sessions)) - before


def _cpu_s(server: Server) -> float:
    thread = server.session_id  # on PostgreSQL a process
    if server.engine == "mariadb":
        asked = "SELECT tid FROM information_schema.processlist WHERE id = connection_id()"
        thread = server.rows(asked)[0]["tid"]
    # Any thread is found by its number, though only processes are listed.
    said = Path(f"/proc/{thread}/task/{thread}/schedstat").read_text("ascii")
    return int(said.split()[0]) / 1e9


def fill(target: Target, entries: int, *, first: int = 0, whole: int = ENTRIES) -> int:
    """
    Write `entries` entries and what they are of from unit `first` on; return the next unit.

    Ten business dates share `whole` entries; what comes after them is of an eleventh.
    """
    units, done = -(-entries // _LEGS), 0
    with connect(target) as server:
        while done < units:
            count = min(_UNITS_MAX, units - done)
            day = _day(first + done, whole)
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


def _day(unit: int, whole: int) -> date:
    day = _FIRST_DAY
    for _ in range(min(unit // (whole // _LEGS // _DAYS + 1), _DAYS)):
        day += timedelta(days=1)
        while day.weekday() > 4:
            day += timedelta(days=1)
    return day


def _at(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 3, tzinfo=UTC)  # noon in Korea


def _note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
