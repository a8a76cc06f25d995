"""
Logs for the benchmark: what a brokerage's servers write, made up the same way every time.

Thirty kinds of statement of 40 to 700 bytes, some over several lines, a quarter of them prepared
with their parameters, in forty sessions; beside them what servers say of themselves.
"""

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

START = datetime(2026, 1, 5, 0, 0, tzinfo=UTC)
PREFIX = "%m [%p] user=%u,db=%d,app=%a,client=%h "
_BLOCK = 4000  # entries that are made at once
_SESSIONS = 40
_COLUMNS = (
    "order_id", "account_id", "symbol", "side", "order_type", "price_won", "quantity", "filled",
    "state", "placed_at", "business_date", "client_key",
)  # fmt: skip
_TABLES = ("orders", "trades", "positions", "journal_entries", "accounts", "daily_prices")


_PLAIN = [
    "SELECT * FROM orders WHERE order_id = {n}",
    "UPDATE accounts SET cash_won = cash_won - {n}, version = version + 1 "
    "WHERE account_id = {n} AND cash_won >= {n}",
    "INSERT INTO audit_trail (at, who, what) VALUES ('2026-01-{d:02} 09:{m:02}:00', '{w}', "
    "'placed order {n}, it''s \"open\"')",
    "SELECT /* nightly */ '한국거래소', count(*) FROM trades WHERE traded_on = '2026-01-{d:02}'",
    "COMMIT",
]
# For each table, with more columns and longer lists from one to the next.
_OF_TABLE = [
    "SELECT COLUMNS FROM TABLE o WHERE o.account_id = {n} AND o.symbol = '{s}' "
    "ORDER BY o.placed_at DESC LIMIT {m}",
    "SELECT COLUMNS FROM TABLE o WHERE o.order_id IN (MANY)",
    "SELECT o.symbol, sum(o.quantity * o.price_won) AS won\n  FROM TABLE o\n  JOIN accounts a "
    "ON a.account_id = o.account_id\n WHERE o.business_date BETWEEN '2026-01-01' AND "
    "'2026-01-{d:02}'\n   AND a.grade = '{w}'\n GROUP BY o.symbol",
    "INSERT INTO TABLE (ALL) VALUES ({n}, {n}, '{s}', 'buy', 'limit', {n}, {m}, 0, 'open', "
    "'2026-01-{d:02} 10:00:00', '2026-01-{d:02}', 'k-{n}-{n}')",
]


def _of_table(form: str, table: str, size: int) -> str:
    columns = ", ".join(f"o.{name}" for name in _COLUMNS[: 5 + size])
    form = form.replace("MANY", ", ".join(["{n}"] * (3 + 4 * size)))
    form = form.replace("ALL", ", ".join(_COLUMNS))
    return form.replace("COLUMNS", columns).replace("TABLE", table)


STATEMENTS = [
    *_PLAIN,
    *(_of_table(form, table, n) for n, table in enumerate(_TABLES) for form in _OF_TABLE),
]


@dataclass(frozen=True, slots=True)
class Said:
    """One entry: a statement that ended or, without a duration, what the server says of itself."""

    at: datetime
    session: int
    duration_us: int | None
    sql: str
    parameters: str = ""

    @property
    def user(self) -> str:
        """Who asked."""
        return ("trader", "settler", "report", "ops")[self.session % 4]


def entries(seed: int = 1) -> Iterator[Said]:
    """Give entries without end, about a thousand in a second of the log."""
    draw, at = random.Random(seed), START  # noqa: S311
    while True:
        at += timedelta(microseconds=int(draw.expovariate(0.001)))
        session = draw.randrange(_SESSIONS)
        if draw.random() < 0.01:
            yield Said(
                at, session, None, draw.choice(["checkpoint starting: time", "checkpoint complete"])
            )
            continue
        form = draw.choice(STATEMENTS)
        values = {"d": draw.randrange(1, 29), "m": draw.randrange(10, 60), "w": draw.choice("ABC")}
        number, symbol = draw.randrange(10**7), f"{draw.randrange(900):05}0"
        took_us = int(draw.lognormvariate(8, 2))
        prepared = "account_id = {n}" in form and draw.random() < 0.8
        if prepared:
            sql = form.format(n="$1", s="$2", **values)
            yield Said(at, session, took_us, sql, f"$1 = '{number}', $2 = '{symbol}'")
        else:
            yield Said(at, session, took_us, form.format(n=number, s=symbol, **values))


def _message(each: Said) -> str:
    if each.duration_us is None:
        return each.sql
    took = f"{each.duration_us // 1000}.{each.duration_us % 1000:03}"
    how = "execute <unnamed>" if each.parameters else "statement"
    return f"duration: {took} ms  {how}: {each.sql}"


def _at(each: Said) -> str:
    return f"{each.at:%Y-%m-%d %H:%M:%S}.{each.at.microsecond // 1000:03} UTC"


def stderr(each: Said) -> str:
    """As PostgreSQL's stderr log with `PREFIX`."""
    head = (
        f"{_at(each)} [{1000 + each.session}] user={each.user},db=trading,app=desk,client=10.0.0.7 "
    )
    text = f"{head}LOG:  {_message(each)}".replace("\n", "\n\t")
    return (
        f"{text}\n{head}DETAIL:  parameters: {each.parameters}\n"
        if each.parameters
        else f"{text}\n"
    )


def csvlog(each: Said) -> str:
    """As PostgreSQL's csvlog: what it quotes is quoted."""
    text = _message(each).replace('"', '""')
    detail = f'"parameters: {each.parameters}"' if each.parameters else ""
    return (
        f'{_at(each)},"{each.user}","trading",{1000 + each.session},"10.0.0.7:50{each.session:03}",'
        f'65a1b2c3.{each.session:x},1,"SELECT",{_at(each)[:19]} UTC,3/1,0,LOG,00000,"{text}",'
        f'{detail},,,,,,,,"desk","client backend",,{each.session}\n'
    )


def jsonlog(each: Said) -> str:
    """As PostgreSQL's jsonlog."""
    said: dict[str, str | int] = {
        "timestamp": _at(each), "user": each.user, "dbname": "trading", "pid": 1000 + each.session,
        "remote_host": "10.0.0.7", "session_id": f"65a1b2c3.{each.session:x}", "line_num": 1,
        "ps": "SELECT", "session_start": f"{_at(each)[:19]} UTC", "vxid": "3/1", "txid": 0,
        "error_severity": "LOG", "message": _message(each),
    }  # fmt: skip
    if each.parameters:
        said["detail"] = f"parameters: {each.parameters}"
    said |= {"application_name": "desk", "backend_type": "client backend", "query_id": 0}
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")) + "\n"


def mariadb(each: Said) -> str:
    """As the slow log of MariaDB 10.11, which sends parameters within the statement."""
    took_us = each.duration_us
    if took_us is None:
        return ""
    return (
        f"# Time: {each.at:%y%m%d %H:%M:%S}\n"
        f"# User@Host: {each.user}[{each.user}] @ web1 [10.0.0.7]\n"
        f"# Thread_id: {each.session}  Schema: trading  QC_hit: No\n"
        f"# Query_time: {took_us // 10**6}.{took_us % 10**6:06}  Lock_time: 0.000031  "
        f"Rows_sent: {took_us % 97}  Rows_examined: {took_us % 9973}\n"
        f"# Rows_affected: 0  Bytes_sent: {took_us % 4099}\n"
        f"SET timestamp={int(each.at.timestamp())};\n{each.sql.replace('$1', str(took_us))};\n"
    )


FORMATS: dict[str, Callable[[Said], str]] = {
    "mariadb": mariadb, "csvlog": csvlog, "stderr": stderr, "jsonlog": jsonlog,
}  # fmt: skip


def write(name: str, path: Path, megabytes: int) -> int:
    """Write a log of so many MB to `path`, and return how many executions it holds."""
    form, calls, said = FORMATS[name], 0, entries()
    with path.open("wb") as file:
        while file.tell() < megabytes * 1_000_000:
            block = list(islice(said, _BLOCK))
            calls += sum(each.duration_us is not None for each in block)
            file.write("".join(map(form, block)).encode())
    return calls
