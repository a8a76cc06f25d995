"""
Mask the personal data of a copy, in the copy: never of the database that it was made of.

Each distinct value gets one pseudonym, wherever it stands, so that counts of distinct values, equal
values and lengths stay. Numbers that name users stay as well: with them the books balance.
"""

from collections.abc import Callable, Iterable, Iterator, Set
from contextlib import contextmanager
from dataclasses import dataclass

from .. import audit, catalog, queries
from ..books import scratch
from ..engine import connect
from ..engine.base import Server
from ..indexes.candidates import quoted
from ..queries import Query
from ..targets import Target
from . import pseudonyms
from .declarations import Declarations, Personal
from .pseudonyms import Pseudonyms

Seen = Callable[[str], None]
_MAPPING = "privacy_mapping"
_AUDIT = "audit_log"
_TEXT = {"postgresql": "text", "mariadb": "char"}


@dataclass(frozen=True, slots=True)
class Login:
    """Who logs in with a password, quoted as a statement has it."""

    name: str


@dataclass(frozen=True, slots=True)
class Trigger:
    """A trigger that keeps rows of a table as they are."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Masked:
    """What was masked: columns, distinct values, and rows of free words with something in them."""

    columns: int
    values: int
    scrubbed_rows: int
    resealed_rows: int
    logins: int


LOGINS = Query("privacy/logins", Login)
TRIGGERS = Query("privacy/triggers", Trigger)


def mask(
    copy: Target, declared: Declarations, names: Pseudonyms, *, seen: Seen = lambda _: None
) -> Masked:
    """
    Mask every personal column of `copy`, and take the passwords of its logins away.

    Where the words of audit rows held personal data, the chain is made anew over what they are now;
    else it stays as it is. Memory: 120 bytes for each distinct value.
    """
    with connect(copy) as reader, connect(copy, bulk=True) as writer:
        personal = [*declared.personal.values()]
        seen("reading what is to be gone")
        originals = {pseudonyms.mark(value) for each in personal for value in _values(reader, each)}
        masking = _Masking(reader, writer, names, originals)
        values = 0
        for each in personal:
            seen(f"masking {each.name}")
            values += masking.mask(each)
        changed = {}
        types = {f"{c.table_name}.{c.column_name}": c.family for c in catalog.read(reader).columns}
        for name in (name for name, each in declared.excused.items() if each.scrub):
            seen(f"looking through {name}")
            changed[name] = masking.scrub(name, types[name])
        logins = _shut_logins(writer)
        resealed = 0
        if any(rows for name, rows in changed.items() if name.startswith(f"{_AUDIT}.")):
            seen("sealing the audit trail anew")
            writer.execute("TRUNCATE TABLE audit_seals")
            resealed = audit.seal_all(writer, sweep=True)
    return Masked(
        columns=len(personal),
        values=values,
        scrubbed_rows=sum(changed.values()),
        resealed_rows=resealed,
        logins=logins,
    )


def _shut_logins(server: Server) -> int:
    """Take the passwords of all logins away: a copy would give their hashes to be guessed at."""
    shut = queries.text(server.engine, "masking/shut_login", server.version[0])
    logins = server.fetch(LOGINS)
    for login in logins:
        server.execute(shut.replace("{login}", login.name))
    return len(logins)


def _values(server: Server, column: Personal) -> Iterator[str]:
    """Yield the distinct values of `column`, in order."""
    name = quoted(column.column, server.engine)
    rest = f"{quoted(column.table, server.engine)} WHERE {name} IS NOT NULL ORDER BY {name}"
    for rows in server.stream(f"SELECT DISTINCT {name} FROM {rest}"):  # noqa: S608  as declared
        yield from (row[0] for row in rows)


@dataclass(frozen=True, slots=True)
class _Masking:
    """One session reads values, the other has a table of them and their pseudonyms."""

    reader: Server
    writer: Server
    names: Pseudonyms
    originals: Set[int]

    def mask(self, column: Personal) -> int:
        """Give every value of `column` its pseudonym; return how many there are."""
        values = _values(self.reader, column)
        pairs: Iterator[tuple[str, str]]
        if column.mask == "opaque":
            pairs = ((each, self.names.make("opaque", column.kind, each)) for each in values)
        else:
            pairs = pseudonyms.injective(
                self.names, column.mask, column.kind, values, self.originals
            )
        engine = self.writer.engine
        table, name = quoted(column.table, engine), quoted(column.column, engine)
        with _mapping(self.writer, name, table) as load:
            count = load(pairs)
            self.writer.execute(f"CREATE INDEX {_MAPPING}_ix ON {_MAPPING} (old_value)")
            with _changeable(self.writer, column.table):
                self.writer.execute(_update(engine, table, name, f"t.{name}", "m.new_value"))
        return count

    def scrub(self, column: str, family: str) -> int:
        """Look for personal data in the words of `column`; return how many rows held some."""
        engine = self.writer.engine
        table, name = (quoted(each, engine) for each in column.split("."))
        text = f"CAST({name} AS {_TEXT[engine]})"
        sql = f"SELECT DISTINCT {text} FROM {table} WHERE {name} IS NOT NULL"  # noqa: S608
        pairs = (
            (value, new)
            for rows in self.reader.stream(sql)
            for (value,) in rows
            if (new := pseudonyms.scrubbed(self.names, value, self.originals)) != value
        )
        is_json = (engine, family) == ("postgresql", "json")
        with _mapping(self.writer, text, table) as load:
            if not load(pairs):
                return 0
            with _changeable(self.writer, column.partition(".")[0]):
                old = f"CAST(t.{name} AS {_TEXT[engine]})"
                new = "CAST(m.new_value AS jsonb)" if is_json else "m.new_value"
                return self.writer.execute(_update(engine, table, name, old, new))


def _update(engine: str, table: str, name: str, old: str, new: str) -> str:
    if engine == "postgresql":
        rest = f"SET {name} = {new} FROM {_MAPPING} m WHERE {old} = m.old_value"
    else:
        rest = f"JOIN {_MAPPING} m ON {old} = m.old_value SET t.{name} = {new}"
    return f"UPDATE {table} t {rest}"


@contextmanager
def _mapping(
    writer: Server, value: str, table: str
) -> Iterator[Callable[[Iterable[tuple[str, str]]], int]]:
    """Make the table of values and their pseudonyms, for the block; give what fills it."""
    both = f"SELECT {value} AS old_value, {value} AS new_value FROM {table}"  # noqa: S608
    writer.execute(f"CREATE TEMPORARY TABLE {_MAPPING} AS {both} WHERE 1 = 0")

    def load(pairs: Iterable[tuple[str, str]]) -> int:
        lines = (scratch.lines([pair]) for pair in pairs)
        return writer.load(_MAPPING, ["old_value", "new_value"], lines)

    try:
        yield load
    finally:
        writer.execute(f"DROP TABLE {_MAPPING}")


@contextmanager
def _changeable(server: Server, table: str) -> Iterator[None]:
    """Have rows of `table` be changed for the block, though triggers refuse it in a live one."""
    if server.engine == "postgresql":
        server.execute("SET session_replication_role = replica")
        try:
            yield
        finally:
            server.execute("SET session_replication_role = DEFAULT")
        return
    made = []
    for trigger in server.fetch(TRIGGERS, name=table):
        shown = server.rows(f"SHOW CREATE TRIGGER {quoted(trigger.name, server.engine)}")[0]
        made.append(shown["SQL Original Statement"])
        server.execute(f"DROP TRIGGER {quoted(trigger.name, server.engine)}")
    try:
        yield
    finally:
        for statement in made:
            server.execute(statement)
