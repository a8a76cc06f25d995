"""Logs written by hand, in every format, of executions that are known."""

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

START = datetime(2026, 1, 5, 0, 0, tzinfo=UTC)
STATEMENTS = [
    "SELECT * FROM orders WHERE order_id = {n}",
    "SELECT symbol, sum(quantity) FROM trades WHERE settles_on = '2026-01-{d:02}' GROUP BY symbol",
    "UPDATE accounts SET cash_won = cash_won - {n} WHERE account_id = {n}",
    "INSERT INTO t (a, b) VALUES ({n}, 'it''s\n{n}')",
    "SELECT '한글 {n}' FROM orders_2026 WHERE note LIKE '%# Time: {n}%'",
]


@dataclass(frozen=True, slots=True)
class Execution:
    """What really happened."""

    number: int
    which: int
    at: datetime
    duration_us: int
    sql: str
    user: str
    database: str
    rows: int


def made_up(count: int, *, seed: int = 1) -> list[Execution]:
    """Return executions, in the order in which they ended."""
    draw = random.Random(seed)
    found = []
    for number in range(count):
        which = draw.randrange(len(STATEMENTS))
        text = STATEMENTS[which].format(n=draw.randrange(10**6), d=draw.randrange(1, 29))
        found.append(
            Execution(
                number=number,
                which=which,
                at=START + timedelta(seconds=number),
                duration_us=int(draw.lognormvariate(8, 2)),
                sql=text,
                user=draw.choice(["kim", "lee"]),
                database=draw.choice(["shop", "trading"]),
                rows=draw.randrange(100),
            )
        )
    return found


def mariadb(executions: Sequence[Execution]) -> bytes:
    """As the slow log of MariaDB 10.11; the time is written when the second changes."""
    lines = [
        "/usr/sbin/mariadbd, Version: 10.11.6-MariaDB (Debian). started with:",
        "Tcp port: 3306  Unix socket: /run/mysqld/mysqld.sock",
        "Time\t\t    Id Command\tArgument",
    ]
    for each in executions:
        lines += [
            f"# Time: {each.at:%y%m%d %H:%M:%S}",
            f"# User@Host: {each.user}[{each.user}] @ localhost []",
            f"# Thread_id: {each.number % 7}  Schema: {each.database}  QC_hit: No",
            f"# Query_time: {_seconds(each)}  Lock_time: 0.000002  "
            f"Rows_sent: {each.rows}  Rows_examined: {each.rows * 2}",
            "# Rows_affected: 0  Bytes_sent: 64",
            f"SET timestamp={int(each.at.timestamp())};",
            f"{each.sql};",
        ]
    return "\n".join([*lines, ""]).encode()


def mysql8(executions: Sequence[Execution]) -> bytes:
    """As the slow log of MySQL 8."""
    lines = []
    for each in executions:
        lines += [
            f"# Time: {each.at:%Y-%m-%dT%H:%M:%S.%f}Z",
            f"# User@Host: {each.user}[{each.user}] @ localhost []  Id:   {each.number % 7}",
            f"# Query_time: {_seconds(each)}  Lock_time: 0.000002 "
            f"Rows_sent: {each.rows}  Rows_examined: {each.rows * 2}",
            f"use {each.database};",
            f"SET timestamp={int(each.at.timestamp())};",
            f"{each.sql};",
        ]
    return "\n".join([*lines, ""]).encode()


def stderr(executions: Sequence[Execution], *, korean: bool = False) -> bytes:
    """As the stderr log of PostgreSQL, with a prefix that names the session."""
    severity = "로그" if korean else "LOG"
    lines = []
    for each in executions:
        prefix = f"{each.at:%Y-%m-%d %H:%M:%S}.000 UTC [{100 + each.number % 7}] "
        prefix += f"{each.user}@{each.database} "
        text = _message(each, korean=korean).replace("\n", "\n\t")
        lines.append(f"{prefix}{severity}:  {text}")
    return "\n".join([*lines, ""]).encode()


def csvlog(executions: Sequence[Execution], *, korean: bool = False) -> bytes:
    """As the csvlog of PostgreSQL 15, which quotes each text, and nothing else."""
    rows = []
    for each in executions:
        at, process = f"{each.at:%Y-%m-%d %H:%M:%S}.000 UTC", 100 + each.number % 7
        severity = "로그" if korean else "LOG"
        message = _message(each, korean=korean).replace('"', '""')
        rows.append(
            f'{at},"{each.user}","{each.database}",{process},"10.0.0.1:5000",65a1b2c3.{process:x},'
            f'{each.number},"SELECT",{at},3/1,0,{severity},00000,"{message}",,,,,,,,,"app",'
            '"client backend",,0\n'
        )
    return "".join(rows).encode()


def jsonlog(executions: Sequence[Execution]) -> bytes:
    """As the jsonlog of PostgreSQL 15."""
    return b"".join(json.dumps(_row(each)).encode() + b"\n" for each in executions)


def operator(executions: Sequence[Execution]) -> bytes:
    """As CloudNativePG wraps a csvlog, a line of its own between."""
    lines = [{"level": "info", "ts": "2026-01-05T00:00:00Z", "logger": "setup", "msg": "starting"}]
    for each in executions:
        said = _row(each)
        record = {
            "log_time": said["timestamp"],
            "user_name": said["user"],
            "database_name": said["dbname"],
            "error_severity": "LOG",
            "message": said["message"],
        }
        lines.append({"level": "info", "logger": "postgres", "msg": "record", "record": record})  # type: ignore[dict-item]
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


FORMATS: dict[str, Callable[[Sequence[Execution]], bytes]] = {
    "mariadb": mariadb,
    "mysql8": mysql8,
    "stderr": stderr,
    "csvlog": csvlog,
    "jsonlog": jsonlog,
    "operator": operator,
    "korean stderr": lambda them: stderr(them, korean=True),
    "korean csvlog": lambda them: csvlog(them, korean=True),
}


def _row(each: Execution) -> dict[str, str | int]:
    return {
        "timestamp": f"{each.at:%Y-%m-%d %H:%M:%S}.000 UTC",
        "user": each.user,
        "dbname": each.database,
        "pid": 100 + each.number % 7,
        "error_severity": "LOG",
        "message": _message(each),
    }


def _message(each: Execution, *, korean: bool = False) -> str:
    took = f"{each.duration_us // 1000}.{each.duration_us % 1000:03}"
    if korean:
        return f"실행시간: {took} ms  명령 구문: {each.sql}"
    return f"duration: {took} ms  statement: {each.sql}"


def _seconds(each: Execution) -> str:
    return f"{each.duration_us // 10**6}.{each.duration_us % 10**6:06}"
