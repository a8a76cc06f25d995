"""What each table that is partitioned by date has, and what it lacks for the months ahead."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from ..engine.base import Server
from ..errors import ConfigError, Finding
from ..plan import Step
from . import statements
from .questions import PARTS, Part, builds_of, has_rows, is_plain

EVERY = {"month": 1, "quarter": 3, "half": 6, "year": 12}

_NAMES: dict[str, Callable[[date], str]] = {
    "month": lambda on: f"{on.year}m{on.month:02}",
    "quarter": lambda on: f"{on.year}q{(on.month + 2) // 3}",
    "half": lambda on: f"{on.year}h{1 if on.month <= 6 else 2}",
    "year": lambda on: f"{on.year}",
}
MISSING_MAX = 240
_NAME_BYTES_MAX = 63


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """
    A partition that is not there: from a date up to another, which is not in it any more.

    `starts_on` is None for one without a lower bound.
    """

    name: str
    starts_on: date | None
    ends_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """
    A table partitioned by date: it has partitions up to `until`, and wants them up to `wanted`.

    `open_part` takes what comes later, and `rows_to_move` of its rows belong into what is missing.
    `rewrites`: rows are written again for it, and nobody reads or writes the table meanwhile;
    MariaDB does that to all rows of the open partition. `copied`: it copies the table then, which
    a KILL takes back; otherwise one loses rows. `stored_columns` stand in statements as they are.
    """

    schema_name: str
    table_name: str
    parts: tuple[Part, ...]
    until: date
    wanted: date
    missing: tuple[Missing, ...]
    open_part: Part | None
    rows_to_move: int
    rewrites: bool
    copied: bool
    stored_columns: str

    @property
    def last(self) -> Part:
        """The last partition with an end."""
        return next(each for each in reversed(self.parts) if each.ends_on == self.until)


def look(
    server: Server, parts: Sequence[Part] | None = None, *, today: date, ahead: int, every: str
) -> list[Table]:
    """
    Return every table partitioned by date, and what it lacks up to `ahead` months after this one.

    What is missing begins where the last one with an end ends, and is as long as `every` says.
    `parts` is what PARTS answered, if it was asked already; rows that have to move are counted,
    which may take long. Raises `Finding` where no table is partitioned by date.
    """
    wanted = _months_after(date(today.year, today.month, 1), ahead + 1)
    found = [
        _table(server, list(of_one), wanted, every)
        for _, of_one in groupby(
            server.fetch(PARTS) if parts is None else parts,
            key=lambda part: (part.schema_name, part.table_name),
        )
    ]
    tables = [table for table in found if table is not None]
    if not tables:
        raise Finding(
            "nothing was looked at: no table here is partitioned by date",
            hint="Check the database in the target's URL: stockops migrate status",
        )
    return tables


def steps(tables: list[Table], *, engine: str) -> list[Step]:
    """Return what `apply` would do, in order."""
    return [
        Step(
            action=sql,
            why=_why(table),
            lock="exclusive" if table.rewrites else "none",
        )
        for table in tables
        if table.missing
        for sql in statements.of(table, engine=engine, grants=[])
    ]


def _why(table: Table) -> str:
    name = f"{table.schema_name}.{table.table_name}"
    why = f"{name} has partitions up to {table.until}, wanted are {table.wanted}"
    if table.open_part is None:
        return why
    if table.rows_to_move:
        return f"{why}; {table.rows_to_move:,} rows move, and nobody reads or writes it meanwhile"
    if table.rewrites:
        return f"{why}; {table.open_part.part_name} has later rows, and nobody reads or writes it"
    return f"{why}; nobody reads or writes it for an instant"


def _table(server: Server, parts: list[Part], wanted: date, every: str) -> Table | None:
    """Return the table of `parts`; None where none of them has an end to go on from."""
    until = max((part.ends_on for part in parts if part.ends_on), default=None)
    if until is None:
        return None
    open_part = next((part for part in parts if part.is_open), None)
    missing = tuple(_missing(parts[0], until, wanted, every, server.engine))
    divided = open_part if missing else None
    builds = builds_of(server, parts[0]) if divided else []
    rows = _rows(server, divided, missing) if divided else 0
    rewrites = rows > 0
    if divided and server.engine == "mariadb":
        rewrites = has_rows(server, statements.source(divided, engine=server.engine))
    return Table(
        schema_name=parts[0].schema_name,
        table_name=parts[0].table_name,
        parts=tuple(parts),
        until=until,
        wanted=wanted,
        missing=missing,
        open_part=open_part,
        rows_to_move=rows,
        rewrites=rewrites,
        copied=rewrites and server.engine == "mariadb" and is_plain(builds),
        stored_columns=builds[0].stored_columns if builds else "",
    )


def _missing(part: Part, until: date, wanted: date, every: str, engine: str) -> Iterator[Missing]:
    start, count = until, 0
    while start < wanted:
        end = next_bound(start, EVERY[every])
        name = name_of(part, start, every=every, engine=engine)
        count += 1
        if count > MISSING_MAX:
            raise ConfigError(
                f"{part.table_name} would get more than {MISSING_MAX} partitions",
                hint="Make them longer: --every year",
            )
        yield Missing(name=name, starts_on=start, ends_on=end)
        start = end


def _rows(server: Server, part: Part, missing: tuple[Missing, ...]) -> int:
    sql = statements.count(part, missing, engine=server.engine)
    return int(server.rows(sql)[0]["rows_to_move"])


def name_of(part: Part, starts_on: date, *, every: str, engine: str, with_day: bool = False) -> str:
    """Return the name of a new partition of the table of `part`; `ConfigError` if too long."""
    prefix = part.table_name if engine == "postgresql" else "p"
    day = f"d{starts_on.day:02}" if with_day else ""
    name = f"{prefix}_{_NAMES[every](starts_on)}{day}"
    if len(name.encode()) > _NAME_BYTES_MAX:
        raise ConfigError(f"the name {name!r} is too long for a table")
    return name


def bound_by(on: date, months: int) -> date:
    """Return the last bound of a grid of `months` that is not after `on`."""
    return date(on.year, (on.month - 1) // months * months + 1, 1)


def next_bound(on: date, months: int) -> date:
    """Return the first bound of a grid of `months` that lies after `on`."""
    return _months_after(bound_by(on, months), months)


def months_before(today: date, months: int) -> date:
    """Return the first of the month that is `months` before the one of `today`."""
    return _months_after(date(today.year, today.month, 1), -months)


def _months_after(first: date, months: int) -> date:
    number = first.year * 12 + first.month - 1 + months
    return date(number // 12, number % 12 + 1, 1)
