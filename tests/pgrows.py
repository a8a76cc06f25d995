"""Entries of a PostgreSQL log, and the logs that a server would have written of them."""

import csv
import io
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import slowlogs

LIMIT_BYTES = 900  # of what the server hands to syslog at once


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


def syslog(
    rows: Sequence[Row], *, style: str = "rfc3164", split: bool = True, mixed: bool = True
) -> bytes:
    """As a server with syslog_split_messages (or not) and rsyslog write it, a cron job between."""
    said: list[tuple[int, bytes]] = []
    for number, row in enumerate(rows, 1):
        for text in parts("\n".join(lines(row)), number, split=split):
            said.append((row.pid, _envelope(row, text, style)))
    said.append((7, _envelope(rows[0], "(root) CMD (true)", style).replace(b"postgres", b"CRON")))
    return b"".join(line for _, line in _mixed(said, mixed=mixed))


def parts(text: str, number: int, *, split: bool) -> list[str]:
    """What the server hands to syslog: its lines, cut at a blank where they are too long."""
    if not split or ("\n" not in text and len(text.encode()) <= LIMIT_BYTES):
        return [f"[{number}] {text}"]
    cut = []
    for line in text.split("\n"):
        left = line.encode()
        while left:
            end = min(len(left), LIMIT_BYTES)
            end = len(left[:end].decode("utf-8", "ignore").encode())
            if end < len(left) and left[end : end + 1] not in b" \t":
                blank = max(left.rfind(b" ", 0, end), left.rfind(b"\t", 0, end))
                end = blank if blank > 0 else end
            cut.append(left[:end].decode())
            left = left[end:]
    return [f"[{number}-{n}] {each}" for n, each in enumerate(cut, 1)]


def _envelope(row: Row, text: str, style: str) -> bytes:
    if style == "journal":
        entry = {
            "__CURSOR": "s=1", "__REALTIME_TIMESTAMP": f"{row.at.timestamp() * 1e6:.0f}",
            "SYSLOG_IDENTIFIER": "postgres", "SYSLOG_PID": str(row.pid), "MESSAGE": text,
        }  # fmt: skip
        return json.dumps(entry).encode() + b"\n"
    iso = f"{row.at:%Y-%m-%dT%H:%M:%S.%f}+00:00"
    before = {
        "rfc3164": f"{row.at:%b} {row.at.day:2} {row.at:%H:%M:%S} db1 postgres[{row.pid}]: ",
        "iso": f"{iso} db1 postgres[{row.pid}]: ",
        "rfc5424": f'<134>1 {iso} db1 postgres {row.pid} - [a@1 b="c"] \ufeff',
    }[style]
    text = text.replace("\t", "#011").replace("\n", "#012")
    return f"{before}{text}\n".encode()


def passed_on(rows: Sequence[Row], *, style: str) -> bytes:
    """As CloudWatch, docker and containerd pass on what a server writes to stderr."""
    out = []
    for row in rows:
        iso = f"{row.at:%Y-%m-%dT%H:%M:%S.%f}"
        for n, line in enumerate("\n".join(lines(row)).split("\n")):
            before = {
                "cloudwatch": "" if n else f"{iso}+00:00 db1.0 ",
                "docker": f"{iso}789Z ",
                "containerd": f"{iso}789Z stderr F ",
            }[style]
            if style == "containerd" and len(line) > 100:
                out.append(f"{iso}789Z stderr P {line[:90]}\n{before}{line[90:]}\n")
            else:
                out.append(f"{before}{line}\n")
    return "".join(out).encode()


FORMATS: dict[str, Callable[[Sequence[Row]], bytes]] = {
    "syslog": syslog,
    "syslog, iso, whole": lambda rows: syslog(rows, style="iso", split=False),
    "syslog, rfc5424": lambda rows: syslog(rows, style="rfc5424"),
    "journal": lambda rows: syslog(rows, style="journal"),
    "cloudwatch": lambda rows: passed_on(rows, style="cloudwatch"),
    "docker": lambda rows: passed_on(rows, style="docker"),
    "containerd": lambda rows: passed_on(rows, style="containerd"),
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
