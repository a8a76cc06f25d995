"""
A database and thirty queries whose good indexes are known, and the bad ones as well.

Every query reads a table in its own way; `GOOD` says what an index on it must begin with, `BAD` are
the tables and columns that look as if they wanted one, and must get none.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from stockops.engine.base import Server

BEGIN = datetime(2026, 3, 2, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """
    A query of the workload: `sql` is filled with values, `calls` are of a day.

    `good` are the columns that an index of `table` must begin with, in any order, or at least
    those of `also`, which do nearly as well: the query is served by no other. Without it the query
    is bait. It inserts `rows`.
    """

    sql: str
    calls: int
    table: str = ""
    good: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    rows: int = 1


QUERIES = (
    # What one index serves.
    Query(sql="SELECT * FROM fills WHERE account_id = {account}", calls=400, table="fills",
          good=("account_id",)),
    Query(sql="SELECT id, qty FROM fills WHERE symbol = '{symbol}' AND at >= '{day}' "
          "AND at < '{next_day}'", calls=300, table="fills", good=("symbol", "at"),
          also=("symbol",)),
    Query(sql="SELECT * FROM fills WHERE venue_id = {venue} ORDER BY at DESC LIMIT 10", calls=300,
          table="fills", good=("venue_id", "at"), also=("venue_id",)),
    Query(sql="SELECT * FROM tickets WHERE customer_id = {account} AND kind = 3", calls=200,
          table="tickets", good=("customer_id",)),
    Query(sql="SELECT count(*) FROM tickets WHERE opened_at >= '{day}' "
          "AND opened_at < '{next_day}'", calls=200, table="tickets", good=("opened_at",)),
    Query(sql="SELECT max(price) FROM quotes WHERE symbol = '{symbol}'", calls=300, table="quotes",
          good=("symbol",)),
    Query(sql="SELECT q.price FROM quotes AS q WHERE q.source_id = {venue} AND q.seq = {account}",
          calls=300, table="quotes", good=("seq",), also=("source_id",)),
    Query(sql="SELECT p.id, f.qty FROM parents AS p JOIN children AS f ON f.parent_id = p.id "
          "WHERE p.id = {account}", calls=300, table="children", good=("parent_id",)),
    Query(sql="SELECT p.id FROM parents AS p WHERE p.code = 'code{account}' AND EXISTS "
          "(SELECT 1 FROM children AS c WHERE c.parent_id = p.id AND c.qty > 5)", calls=200,
          table="parents", good=("code",)),
    Query(sql="SELECT id FROM letters WHERE subject LIKE 'subject {account} %'", calls=200,
          table="letters", good=("subject",)),
    Query(sql="SELECT id FROM letters WHERE sender = 'someone{account}@example.com'", calls=200,
          table="letters", good=("sender",)),
    Query(sql="SELECT * FROM jobs WHERE state = 'failed' ORDER BY due_at LIMIT 20", calls=300,
          table="jobs", good=("due_at", "state"), also=("state",)),
    Query(sql="SELECT id FROM ladder WHERE book_id = {venue} ORDER BY price DESC, seq LIMIT 5",
          calls=300, table="ladder", good=("book_id", "price", "seq"), also=("book_id",)),
    Query(sql="UPDATE ladder SET qty = qty + 1 WHERE order_no = {account}", calls=200,
          table="ladder", good=("order_no",)),
    Query(sql="DELETE FROM sessions WHERE token = 'token{account}'", calls=200, table="sessions",
          good=("token",)),
    Query(sql="SELECT day, sum(amount) FROM sums WHERE account_id = {account} GROUP BY day",
          calls=200, table="sums", good=("account_id",)),
    # Bait: no index, or none that is not there, pays.
    Query(sql="SELECT count(*), sum(qty) FROM fills WHERE side = 'B'", calls=1),
    Query(sql="SELECT avg(price * qty) FROM fills", calls=5),
    Query(sql="SELECT * FROM fills WHERE id = {account}", calls=500),
    Query(sql="SELECT * FROM small WHERE name = 'name{venue}'", calls=500),
    Query(sql="SELECT id FROM letters WHERE body LIKE '%{account}%'", calls=5),
    Query(sql="SELECT id FROM parents WHERE lower(label) = 'label {account}'", calls=5),
    Query(sql="SELECT * FROM served WHERE owner_id = {account}", calls=400),
    Query(sql="SELECT * FROM served WHERE owner_id = {account} AND at >= '{day}'", calls=400),
    Query(sql="SELECT id FROM served WHERE owner_id + 1 = {account}", calls=5),
    Query(sql="SELECT note FROM busy WHERE hits = {account}", calls=10),
    Query(sql="SELECT count(*) FROM jobs WHERE state <> 'x' OR id > 0", calls=2),
    Query(sql="UPDATE busy SET hits = hits + 1, note = 'x' WHERE id = {account}", calls=1_000),
    Query(sql="INSERT INTO busy (id, hits, note) VALUES " + ", ".join(["({new}, 1, 'x')"] * 20),
          calls=3_000, rows=20),
    Query(sql="SELECT flag, count(*) FROM flags WHERE flag >= 0 GROUP BY flag", calls=1),
)  # fmt: skip
BAD = {
    "fills": {"side", "id"}, "small": {"name"}, "letters": {"body"}, "parents": {"label"},
    "served": {"owner_id", "at", "id"}, "busy": {"hits", "id", "note"}, "jobs": {"id"},
}  # fmt: skip

# Each table: its columns, and what row n holds. {n} is the number, from 1 on.
_TABLES = {
    "fills": (
        "id bigint PRIMARY KEY, account_id bigint, symbol varchar(8), venue_id int, side char(1), "
        "qty bigint, price bigint, at timestamp NULL, memo varchar(60)",
        "{n}, {n} * 7 % {many}, concat('S', {n} * 13 % 400), {n} * 11 % 300, "
        "CASE WHEN {n} % 2 = 0 THEN 'B' ELSE 'S' END, {n} % 100, {n} % 5000, {at}, {text}",
    ),
    "tickets": (
        "id bigint PRIMARY KEY, customer_id bigint, kind int, opened_at timestamp NULL, "
        "memo varchar(60)",
        "{n}, {n} * 17 % {many}, {n} % 5, {at}, {text}",
    ),
    "quotes": (
        "id bigint PRIMARY KEY, symbol varchar(8), source_id int, seq bigint, price bigint, "
        "memo varchar(60)",
        "{n}, concat('S', {n} * 13 % 400), {n} % 300, {n} * 19 % {many}, {n} * 3 % 7919, {text}",
    ),
    "parents": (
        "id bigint PRIMARY KEY, code varchar(20), label varchar(40), memo varchar(60)",
        "{n}, concat('code', {n}), concat('Label ', {n}), {text}",
    ),
    "children": (
        "id bigint PRIMARY KEY, parent_id bigint, qty bigint, memo varchar(60)",
        "{n}, {n} * 23 % {many}, {n} % 50, {text}",
    ),
    "letters": (
        "id bigint PRIMARY KEY, subject varchar(200), sender varchar(100), body varchar(200)",
        "{n}, concat('subject ', {n} * 29 % {many}, ' of a letter'), "
        "concat('someone', {n} * 31 % {many}, '@example.com'), concat('a body with ', {n}, {text})",
    ),
    "jobs": (
        "id bigint PRIMARY KEY, state varchar(10), due_at timestamp NULL, memo varchar(60)",
        "{n}, CASE WHEN {n} % 1000 = 0 THEN 'failed' ELSE 'done' END, {at}, {text}",
    ),
    "ladder": (
        "id bigint PRIMARY KEY, book_id int, price bigint, seq bigint, order_no bigint, "
        "qty bigint, memo varchar(60)",
        "{n}, {n} % 300, {n} * 37 % 997, {n}, {n} * 41 % {many}, 1, {text}",
    ),
    "sessions": (
        "id bigint PRIMARY KEY, token varchar(40), memo varchar(60)",
        "{n}, concat('token', {n} * 43 % {many}), {text}",
    ),
    "sums": (
        "id bigint PRIMARY KEY, account_id bigint, day date, amount bigint, memo varchar(60)",
        "{n}, {n} * 47 % {many}, CAST({at} AS date), {n} % 1000, {text}",
    ),
    "small": ("id bigint PRIMARY KEY, name varchar(20)", "{n}, concat('name', {n})"),
    "served": (
        "id bigint PRIMARY KEY, owner_id bigint, at timestamp NULL, memo varchar(60)",
        "{n}, {n} * 53 % {many}, {at}, {text}",
    ),
    "busy": (
        "id bigint PRIMARY KEY, hits bigint, note varchar(20)", "{n}, {n} * 59 % {many}, 'x'",
    ),
    "flags": ("id bigint PRIMARY KEY, flag int", "{n}, {n} % 3"),
}  # fmt: skip
_SMALL_ROWS = 300
_FIRST = "TIMESTAMP '2026-01-01 00:00:00'"


def make(server: Server, rows: int, *, only: frozenset[str] | None = None) -> None:
    """Make the tables with `rows` rows each; `served` has the index that its queries want."""
    for name, (columns, values) in _TABLES.items():
        if only is not None and name not in only:
            continue
        number = _SMALL_ROWS if name == "small" else rows
        at = f"{_FIRST} + {{n}} % 60 * INTERVAL '1' DAY + {{n}} % 1440 * INTERVAL '1' MINUTE"
        source = f"generate_series(1, {number}) AS s(seq)"
        if server.engine == "mariadb":
            at = f"{_FIRST} + INTERVAL {{n}} % 60 DAY + INTERVAL {{n}} % 1440 MINUTE"
            source = f"seq_1_to_{number}"
        filled = values.replace("{at}", at).replace("{text}", "repeat('m', 50)")
        filled = filled.replace("{many}", str(rows // 20 + 1)).replace("{n}", "seq")
        server.execute(f"CREATE TABLE {name} ({columns})")
        server.execute(f"INSERT INTO {name} SELECT {filled} FROM {source}")
    if only is None or "served" in only:
        server.execute("CREATE INDEX there ON served (owner_id, at)")


def log(path: Path, engine: str, queries: tuple[Query, ...], *, rows: int) -> None:
    """Write the log of a day in which `queries` ran, as the server of `engine` writes it."""
    lines = list(_entries(engine, queries, rows))
    path.write_text("".join(line for _, line in sorted(lines)), "utf-8")


def _entries(engine: str, queries: tuple[Query, ...], rows: int) -> Iterator[tuple[datetime, str]]:
    chance = random.Random(7)
    for query in queries:
        for number in range(query.calls):
            day = BEGIN - timedelta(days=60 - chance.randrange(50))
            at = BEGIN + timedelta(seconds=86_400 * (number + chance.random()) / query.calls)
            sql = query.sql.format(
                account=chance.randrange(1, rows // 20),
                symbol=f"S{chance.randrange(400)}",
                venue=chance.randrange(300),
                day=day.date(),
                next_day=(day + timedelta(days=1)).date(),
                new=10_000_000 + chance.randrange(1_000_000),
            )
            yield at, _entry(engine, at, sql, query.rows)


def _entry(engine: str, at: datetime, sql: str, rows: int) -> str:
    if engine == "mariadb":
        return (
            f"# Time: {at:%y%m%d %H:%M:%S}\n# User@Host: app[app] @ localhost []\n"
            "# Thread_id: 1  Schema: test  QC_hit: No\n"
            "# Query_time: 0.020000  Lock_time: 0.000010  Rows_sent: 1  Rows_examined: 100\n"
            f"# Rows_affected: {rows}  Bytes_sent: 10\n"
            f"SET timestamp={at.timestamp():.0f};\n{sql};\n"
        )
    return (
        f"{at:%Y-%m-%d %H:%M:%S}.000 UTC [7] app@test LOG:  duration: 20.000 ms  statement: {sql}\n"
    )
