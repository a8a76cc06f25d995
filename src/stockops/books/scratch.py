"""
A copy of the books to break: temporary tables, which hide the real ones from one session.

They live and die with that session, however it ends, so there is nothing to clean up after a
Ctrl-C or a kill. They have the columns and the indexes of the real ones and none of their
constraints and triggers, which would refuse what is planted.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..engine import connect
from ..engine.base import Server
from ..errors import Fault, Finding, ServerError
from ..queries import Query
from ..targets import Target

# What the invariants read. The view comes last: it is copied as the rows it shows.
TABLES = (
    "tick_sizes",
    "price_limits",
    "market_sessions",
    "market_holidays",
    "tax_rates",
    "fee_schedules",
    "users",
    "accounts",
    "stocks",
    "stock_inventory",
    "stock_prices",
    "orders",
    "trades",
    "auctions",
    "journal_entries",
    "positions",
    "house_balances",
    "settlement_days",
    "settlements",
    "corporate_actions",
    "corporate_action_lines",
    "price_factors",
    "predictions",
    "conditions",
    "notifications",
    "audit_log",
    "audit_seals",
    "audit_canonical",
)


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table, in the table's order."""

    table_name: str
    column_name: str
    to_plain: str  # a cast that leaves a domain's rules behind; empty where there is none


@dataclass(frozen=True, slots=True)
class Index:
    """One plain index: its columns, separated by commas."""

    table_name: str
    index_name: str
    column_names: str


_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})

# The view's rows are looked up by the key of the rows they come from.
VIEW_INDEX = Index("audit_canonical", "audit_canonical_ix", "audit_id, business_date")

COLUMNS = Query("checking_columns", Column)
INDEXES = Query("checking_indexes", Index)


@contextmanager
def copied(target: Target | str) -> Iterator[Server]:
    """
    Yield a session of its own whose books are a copy of those of `target`, at one moment.

    Reads every row once, through this process, in bounded memory; takes no lock that an order
    waits for.
    """
    with connect(target) as source, connect(target, bulk=True) as scratch:
        columns = [c for c in scratch.fetch(COLUMNS) if c.table_name in TABLES]
        indexes = [i for i in scratch.fetch(INDEXES) if i.table_name in TABLES]
        if unseen := {*TABLES} - {c.table_name for c in columns}:
            _require_sight(source, unseen)
            raise no_books()
        with source.transaction(isolation="repeatable read", read_only=True):
            for table in TABLES:
                here = [i for i in (*indexes, VIEW_INDEX) if i.table_name == table]
                _copy(source, scratch, [c for c in columns if c.table_name == table], here)
        if scratch.engine == "postgresql":
            scratch.execute(f"ANALYZE {', '.join(TABLES)}")
        yield scratch


def no_books() -> Finding:
    """Return what to raise for a database without the tables of the books."""
    return Finding(
        "there are no books to check: tables are missing from this database",
        hint="Make the tables with: stockops migrate up",
    )


def _require_sight(server: Server, tables: Iterable[str]) -> None:
    """Raise `ServerError` where `tables` may not be read: no catalogue shows them then."""
    for table in sorted(tables):
        try:
            server.rows(f"SELECT 1 FROM {table} LIMIT 0")  # noqa: S608  a name of ours
        except ServerError as exc:
            if exc.fault is Fault.DENIED:
                raise


def _copy(source: Server, scratch: Server, columns: list[Column], indexes: list[Index]) -> None:
    table, names = indexes[0].table_name, [c.column_name for c in columns]
    listed = ", ".join(f"{c.column_name}{c.to_plain} AS {c.column_name}" for c in columns)
    select = f"SELECT {listed} FROM {table}"  # noqa: S608  names from the catalogue
    scratch.execute(f"CREATE TEMPORARY TABLE {table} AS {select} WHERE 1 = 0")
    for index in indexes:  # before the rows: MariaDB copies the table for each index made later
        scratch.execute(f"CREATE INDEX {index.index_name} ON {table} ({index.column_names})")
    scratch.load(table, names, map(lines, source.stream(select)))


def lines(rows: Iterable[tuple[Any, ...]]) -> bytes:
    """Return `rows` as the tab-separated text that `Server.load` takes."""
    return "".join("\t".join(map(_cell, row)) + "\n" for row in rows).encode()


def _cell(value: object) -> str:
    match value:
        case None:
            return "\\N"
        case bool():
            return str(int(value))
        case str():
            return value.translate(_ESCAPES)
        case datetime():
            return value.replace(tzinfo=None).isoformat(sep=" ")
    return str(value)  # whole numbers, exact decimals, dates, and times of day
