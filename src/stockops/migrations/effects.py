"""What a statement does to others while it runs, and what it leaves when it fails."""

import re
from collections.abc import Iterable

from ..errors import Fault, ServerError
from ..plan import Lock, Step
from ..sqlscripts import Statement
from .files import Migration

_NAME = r"(?P<table>(?:[\w$]+|\"[^\"]+\"|`[^`]+`)(?:\.(?:[\w$]+|\"[^\"]+\"|`[^`]+`))?)"
_IF = r"(?:IF\s+(?:NOT\s+)?EXISTS\s+)?"
_OR = r"(?:OR\s+REPLACE\s+)?"
_CREATED = re.compile(
    rf"CREATE\s+{_OR}(?:UNLOGGED\s+|TEMP(?:ORARY)?\s+)?TABLE\s+{_IF}{_NAME}", re.IGNORECASE
)
_TEMPORARY = re.compile(r"CREATE\s+TEMP", re.IGNORECASE)
_PARTITION = re.compile(r"\bPARTITION\s+OF\b", re.IGNORECASE)  # those come and go by the month
_GONE = re.compile(rf"DROP\s+TABLES?\s+{_IF}(?P<tables>[^;]+)", re.IGNORECASE)
_RENAMED = re.compile(
    rf"(?:ALTER\s+TABLE\s+{_IF}{_NAME}\s+RENAME\s+TO|RENAME\s+TABLE\s+(?P<old>\S+)\s+TO)"
    r"\s+(?P<new>[^\s,;]+)",
    re.IGNORECASE,
)
# Statements that take a table away from everybody else while they run; `plan` names the lock.
_BLOCKING = [
    re.compile(rf"ALTER\s+(?:ONLINE\s+|IGNORE\s+)?TABLE\s+{_IF}(?:ONLY\s+)?{_NAME}", re.IGNORECASE),
    re.compile(rf"(?:DROP|LOCK|RENAME)\s+TABLES?\s+{_IF}{_NAME}", re.IGNORECASE),
    re.compile(rf"TRUNCATE\s+(?:TABLE\s+)?(?:ONLY\s+)?{_NAME}", re.IGNORECASE),
    re.compile(
        rf"CREATE\s+(?:UNIQUE\s+|FULLTEXT\s+|SPATIAL\s+)?INDEX\s+(?!CONCURRENTLY)"
        rf"{_IF}[^\s(]*?\s*ON\s+(?:ONLY\s+)?{_NAME}",
        re.IGNORECASE,
    ),
    re.compile(rf"CREATE\s+{_OR}(?:CONSTRAINT\s+)?TRIGGER\s.*?\sON\s+{_NAME}", re.I | re.DOTALL),
    re.compile(rf"DROP\s+TRIGGER\s.*?\sON\s+{_NAME}", re.IGNORECASE | re.DOTALL),
    re.compile(rf"(?:CLUSTER|VACUUM\s+\(?\s*FULL\s*\)?)\s+{_NAME}", re.IGNORECASE),
]
_DESTROYS = re.compile(
    r"DROP\s+(?:TABLE|SCHEMA|DATABASE|SEQUENCE|TYPE)\b|TRUNCATE\b"
    r"|CREATE\s+OR\s+REPLACE\s+TABLE\b"
    r"|ALTER\s+TABLE\b.*?\bDROP\s+(?:COLUMN|PARTITION)\b|DELETE\s+FROM\b",
    re.IGNORECASE | re.DOTALL,
)
_PLAIN = frozenset({
    "CREATE", "ALTER", "INSERT", "UPDATE", "DELETE", "REPLACE", "SELECT", "SET", "RENAME",
    "TRUNCATE", "DROP", "COMMENT", "WITH", "ANALYZE",
})  # fmt: skip
_LISTS = frozenset({"DROP", "CREATE ROLE", "CREATE USER", "ALTER USER"})
_MAY_COMMIT = re.compile(r"\b(?:COMMIT|CALL)\b", re.IGNORECASE)
# What PostgreSQL says of a statement before it begins: its text, or a name in it, is wrong.
_NOT_BEGUN = frozenset({"42601", "42501", "42703", "42704", "42809", "42P01", "42P07"})


def steps(migrations: Iterable[Migration]) -> list[Step]:
    """
    Return what the statements of `migrations` do, in order.

    A table made by the same run is nobody else's yet: what is done to it blocks and destroys
    nothing. Read from the text, so a table hidden in a routine or a DO block is not seen.
    """
    own: set[str] = set()
    found: list[Step] = []
    for migration in migrations:
        for statement in migration.statements:
            if made := _CREATED.match(statement.text):
                own.add(_bare(made["table"]))
            found.append(_step(migration, statement, own))
    return found


def tables(migrations: Iterable[Migration]) -> set[str]:
    """
    Return the names of the tables that are there once `migrations` are applied, partitions aside.

    Read from the text, as in `steps`.
    """
    found: set[str] = set()
    for sql in (each.text for migration in migrations for each in migration.statements):
        if made := _CREATED.match(sql):
            if not (_TEMPORARY.match(sql) or _PARTITION.search(sql)):
                found.add(_bare(made["table"]))
        elif gone := _GONE.match(sql):
            found -= {_bare(each.split()[0]) for each in gone["tables"].split(",")}
        elif renamed := _RENAMED.match(sql):
            found.discard(_bare(renamed["table"] or renamed["old"]))
            found.add(_bare(renamed["new"]))
    return found


def _step(migration: Migration, statement: Statement, own: set[str]) -> Step:
    sql = statement.text
    touched = next((m["table"] for pattern in _BLOCKING if (m := pattern.match(sql))), None)
    fresh = touched is not None and _bare(touched) in own
    lock: Lock = "exclusive" if touched and not fresh else "none"
    return Step(
        action=sql,
        why=f"{migration.name}, statement {statement.number}",
        lock=lock,
        destroys=bool(_DESTROYS.match(sql)) and not fresh,
    )


def _bare(name: str) -> str:
    return name.rpartition(".")[2].strip('"`').lower()


def leaves_nothing(engine: str, statement: Statement) -> bool:
    """
    Return whether `statement`, when the server refuses it, has done nothing at all.

    Then it can be sent again. On MariaDB a block or a CALL may have committed half of its work,
    a list of objects may have lost its first ones, and CREATE OR REPLACE TABLE the old table.
    On PostgreSQL a CONCURRENTLY that failed leaves an invalid index.
    """
    words = statement.words
    if engine == "postgresql":
        if words[:1] in {("CALL",), ("DO",)}:
            return words[0] == "DO" and not _MAY_COMMIT.search(statement.text)
        return "CONCURRENTLY" not in words
    if words[:1] == ("CREATE",) and words[1:4] == ("OR", "REPLACE", "TABLE"):
        return False
    if {words[:1], words[:2]} & {tuple(name.split()) for name in _LISTS}:
        return "," not in statement.text
    return bool(words) and words[0] in _PLAIN


def did_nothing(engine: str, statement: Statement, exc: ServerError) -> bool:
    """Return whether `statement`, which the server refused with `exc`, has done nothing at all."""
    if exc.fault is Fault.UNKNOWN:
        return False
    if engine == "postgresql" and "CONCURRENTLY" in statement.words and exc.code in _NOT_BEGUN:
        return True
    return leaves_nothing(engine, statement)
