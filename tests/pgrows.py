"""Entries of a PostgreSQL log, and the logs that a server would have written of them."""

import csv
import io
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import slowlogs


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One entry, as a server is about to write it."""

    at: datetime
    pid: int
    user: str
    database: str
    message: str
    severity: str = "LOG"
    detail: str = ""
    statement: str = ""


def apart(executions: Sequence[slowlogs.Execution], *, sessions: int = 5) -> list[Row]:
    """
    Rows as with log_statement = all and log_duration = on: a statement, and later its duration.

    The sessions take turns between the two. Every ninth statement ends by an error, and has no
    duration; every fifth is of the extended protocol, where parse and bind have durations alone.
    """
    queues: list[list[list[Row]]] = [[] for _ in range(sessions)]
    for each in executions:
        queues[each.number % sessions].append([*_session_rows(each, each.number % sessions)])
    draw, rows = random.Random(3), []
    flat = [[row for turn in queue for row in turn] for queue in queues]
    while flat := [queue for queue in flat if queue]:
        rows.append(draw.choice(flat).pop(0))
    return rows


def failed(each: slowlogs.Execution) -> bool:
    """Whether `each` ends by an error in `apart`."""
    return each.number % 9 == 8


def extended(each: slowlogs.Execution) -> bool:
    """Whether `each` is of the extended protocol in `apart`."""
    return each.number % 5 == 4


def _session_rows(each: slowlogs.Execution, session: int) -> list[Row]:
    def row(message: str, after_us: int = 0, **more: str) -> Row:
        return Row(
            at=each.at + timedelta(microseconds=after_us), pid=100 + session, user=each.user,
            database=each.database, message=message, **more,
        )  # fmt: skip

    took = f"{each.duration_us // 1000}.{each.duration_us % 1000:03}"
    rows = []
    if extended(each):
        rows += [row("duration: 0.111 ms"), row("duration: 0.022 ms")]
        rows.append(row(f"execute <unnamed>: {each.sql}", detail=f"parameters: $1 = '{each.rows}'"))
    else:
        rows.append(row(f"statement: {each.sql}"))
    if failed(each):
        return [*rows, row("division by zero", severity="ERROR", statement=each.sql)]
    return [*rows, row(f"duration: {took} ms", each.duration_us)]


def stderr(rows: Sequence[Row], *, mixed: bool = False) -> bytes:
    """With the prefix ``%m [%p] %u@%d ``; `mixed`, lines of others come between."""
    return b"".join(line for _, line in _mixed(_lines(rows), mixed=mixed))


def csvlog(rows: Sequence[Row]) -> bytes:
    """As the csvlog of PostgreSQL 15."""
    out = io.StringIO()
    write = csv.writer(out, lineterminator="\n")
    for n, row in enumerate(rows):
        at, session = _instant(row), f"65a1b2c3.{row.pid:x}"
        who = [row.user, row.database, row.pid, "10.0.0.1:5000", session, n, "SELECT", at, "3/1", 0]
        said = [row.severity, "00000", row.message, row.detail, *[""] * 4, row.statement]
        write.writerow([at, *who, *said, "", "", "app", "client backend", "", 0])
    return out.getvalue().encode()


def jsonlog(rows: Sequence[Row]) -> bytes:
    """As the jsonlog of PostgreSQL 15."""
    said = [
        {
            "timestamp": _instant(row), "user": row.user, "dbname": row.database, "pid": row.pid,
            "session_id": f"65a1b2c3.{row.pid:x}", "error_severity": row.severity,
            "message": row.message, "detail": row.detail, "statement": row.statement,
        }
        for row in rows
    ]  # fmt: skip
    return b"".join(
        json.dumps({key: value for key, value in each.items() if value}).encode() + b"\n"
        for each in said
    )


FORMATS: dict[str, Callable[[Sequence[Row]], bytes]] = {
    "stderr": stderr,
    "stderr, mixed": lambda rows: stderr(rows, mixed=True),
    "csvlog": csvlog,
    "jsonlog": jsonlog,
}


def _instant(row: Row) -> str:
    return f"{row.at:%Y-%m-%d %H:%M:%S}.{row.at.microsecond // 1000:03} UTC"


def lines(row: Row) -> list[str]:
    """What the server writes of `row`: each line with its prefix, and a tab where text goes on."""
    said = [(row.severity, row.message), ("DETAIL", row.detail), ("STATEMENT", row.statement)]
    prefix = f"{_instant(row)} [{row.pid}] {row.user}@{row.database} "
    return [f"{prefix}{label}:  {text}".replace("\n", "\n\t") for label, text in said if text]


def _lines(rows: Sequence[Row]) -> list[tuple[int, bytes]]:
    return [(row.pid, f"{line}\n".encode()) for row in rows for line in lines(row)]


def _mixed(them: list[tuple[int, bytes]], *, mixed: bool) -> list[tuple[int, bytes]]:
    """Let lines of different processes change places, and keep the order of each process."""
    if not mixed:
        return them
    draw = random.Random(4)
    for at in range(1, len(them)):
        if draw.random() < 0.5 and them[at][0] != them[at - 1][0]:
            them[at - 1], them[at] = them[at], them[at - 1]
    return them
