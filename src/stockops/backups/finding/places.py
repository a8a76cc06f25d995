"""What is looked for in a log, and what is found there."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ...errors import ConfigError

_TEXT = r"'(?:[^'\\]|''|\\.)*'"
_SECRET = re.compile(
    rf"(\bIDENTIFIED\s+BY\s+(?:PASSWORD\s+)?|\bUSING\s+|PASSWORD\b[\s=(]*){_TEXT}",
    re.IGNORECASE,
)
AT_MOST = 100  # places that are told; those found before them are counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """
    What is looked for: a table that went, a statement, or whatever destroys, in a span of time.

    `since` and `until` are instants, both included; None: from the first backup, up to now.
    """

    table: str | None = None
    statement: re.Pattern[str] | None = None
    since: datetime | None = None
    until: datetime | None = None

    def holds(self, at: datetime) -> bool:
        """Tell whether `at` lies in the span."""
        return (self.since is None or at >= self.since) and (self.until is None or at <= self.until)

    @property
    def title(self) -> str:
        """What is looked for, in words."""
        if self.statement is not None:
            return f"a statement like {self.statement.pattern!r}"
        return f"what took {self.table!r} away" if self.table else "what took a table away"


def redacted(statement: str) -> str:
    """Return `statement` without the passwords in it, which a binary log holds as they were."""
    return _SECRET.sub(r"\1'***'", statement)


def wanted(
    *,
    table: str | None = None,
    statement: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Wanted:
    """Return what is looked for, or raise `ConfigError` where it makes no sense."""
    if table and statement:
        raise ConfigError(
            "a table and a statement are looked for at once", hint="Give one of them."
        )
    if not (table or statement or since or until):
        raise ConfigError(
            "nothing says what to look for",
            hint="Give --drop-table NAME, --statement REGEX, or --since TIME.",
        )
    if since and until and since > until:
        raise ConfigError("--since is later than --until", hint="Give them the other way round.")
    try:
        pattern = re.compile(statement, re.IGNORECASE | re.DOTALL) if statement else None
    except re.error as exc:
        raise ConfigError(
            f"{statement!r} is no regular expression: {exc}",
            hint=r"Write it as in --statement 'DELETE FROM orders\b'; a literal ( as \(.",
        ) from None
    return Wanted(table=table, statement=pattern, since=since, until=until)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """
    One transaction in the log, and the aim that stops just before it.

    `at` is the server's clock: on PostgreSQL when it was committed, on MariaDB when the statement
    began, to the microsecond where it says so. `what` is what it did ("drop", "truncate", ...),
    `tables` to which tables, as far as that can be known. MariaDB tells the statement, its
    database, and sometimes the user; PostgreSQL tells none of them. `offset` is where it begins in
    the binary log `file`, `lsn` where its commit begins in PostgreSQL's log. `alone` are the tables
    that were dropped as `backup restore --table` takes them.
    """

    at: datetime
    aim: str
    what: str
    tables: Sequence[str]
    statement: str | None = None
    database: str | None = None
    user: str | None = None
    gtid: str | None = None
    file: str | None = None
    offset: int | None = None
    lsn: str | None = None
    xid: int | None = None
    note: str = ""
    alone: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """
    What came of a search: `places` in the order of the log, the last ones if there were many.

    `unknown` are transactions that took away files of tables that no backup knows by name; where
    `places` of a table are known, those after the first one: it may have been made again.
    `read_until` is when the last transaction ended that was looked at, `first` and `last` the
    pieces of log that were read; all None where there is no log. `gaps` is how many there are:
    what is behind one, up to the next backup, is not read.
    """

    system: str
    looked_for: str
    places: Sequence[Place]
    unknown: Sequence[Place]
    left_out: int
    first: str | None
    last: str | None
    read_until: datetime | None
    transactions: int
    notes: Sequence[str]
    gaps: int = 0
