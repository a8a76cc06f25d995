"""What the monitor's role should have on each engine, and what it has."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from .. import queries
from ..engine.base import Server
from ..errors import ServerError
from ..queries import Query

ROLE = "stockops_monitor"
CONNECTIONS_MAX = 5  # the exporter takes three at most, a check one; one is left for a person
_NO_SUCH_ROLE = "1141"
_COMMAS = re.compile(r", (?![^(]*\))")  # between rights, not between the columns of one
_GRANT = re.compile(r"GRANT (?P<what>.+?) ON (?:PROCEDURE |FUNCTION )?(?P<where>\S+) TO ")


@dataclass(frozen=True, slots=True)
class Right:
    """One thing that the role should have: its name as it is found, how it is given, what for."""

    name: str
    sql: str
    why: str


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody who logs in with the role; `connections_max` is None where there is no limit."""

    name: str
    superuser: bool
    connections_max: int | None
    too_much: str


LOGINS = Query("role_logins", Member)


def wanted(engine: str, database: str) -> list[Right]:
    """Return what the role should have on `engine`, in the order in which it is given."""
    if engine == "postgresql":
        name = '"' + database.replace('"', '""') + '"'
        return [
            Right("role", f"CREATE ROLE {ROLE} NOLOGIN", "what logins are members of"),
            Right("pg_monitor", f"GRANT pg_monitor TO {ROLE}", "to see what every session does"),
            Right("CONNECT", f"GRANT CONNECT ON DATABASE {name} TO {ROLE}", "to get in"),
        ]
    name = "`" + database.replace("`", "``") + "`"
    everywhere = {
        "PROCESS": "to see what every session does",
        "BINLOG MONITOR": "to see the binary logs",
        "SLAVE MONITOR": "to see how far a replica is",
    }
    some = {
        "performance_schema.*": ("SELECT", "performance_schema.*", "the server's own counters"),
        "mysql.innodb_index_stats": (
            "SELECT",
            "mysql.innodb_index_stats",
            "sizes of indexes, which are free to ask for there",
        ),
        "mysql.innodb_table_stats": (
            "SELECT",
            "mysql.innodb_table_stats",
            "sizes of tables, which are free to ask for there",
        ),
        "mysql.user": (
            "SELECT (Host, User, password_expired)",
            "mysql.user",
            "whose password has expired, and nothing else of it",
        ),
        "mysql.column_stats": ("SELECT", "mysql.column_stats", "how wide columns are"),
        f"{database}.*": ("SHOW VIEW", f"{name}.*", "to get in, and to see the names of tables"),
    }
    return [
        Right("role", f"CREATE ROLE {ROLE}", "what logins have"),
        *(
            Right(f"{what} ON *.*", f"GRANT {what} ON *.* TO {ROLE}", why)
            for what, why in everywhere.items()
        ),
        *(
            Right(f"{what} ON {found}", f"GRANT {what} ON {where} TO {ROLE}", why)
            for found, (what, where, why) in some.items()
        ),
    ]


def held(server: Server) -> frozenset[str]:
    """Return what the role has, by the names of `wanted`; nothing where there is no such role."""
    try:
        rows = server.rows(queries.text(server.engine, "roles/rights", server.version[0]))
    except ServerError as exc:
        if exc.code == _NO_SUCH_ROLE:
            return frozenset()
        raise
    said = [str(value) for row in rows for value in row.values()]
    if server.engine == "postgresql":
        return frozenset(said)
    return frozenset({"role", *(name for line in said for name in _names(line))})


def missing(server: Server, database: str) -> list[Right]:
    """Return what the role should have and has not."""
    has = held(server)
    return [right for right in wanted(server.engine, database) if right.name not in has]


def members(server: Server) -> Mapping[str, Member]:
    """Return who logs in with the role, by name."""
    return {member.name: member for member in server.fetch(LOGINS)}


def _names(grant: str) -> list[str]:
    """Return what one GRANT of MariaDB gives, as ``SELECT ON mysql.innodb_index_stats``."""
    match = _GRANT.match(grant)
    if match is None:
        return []
    where = match["where"].replace("``", "\0").replace("`", "").replace("\0", "`")
    return [f"{_ordered(what)} ON {where}" for what in _COMMAS.split(match["what"])]


def _ordered(what: str) -> str:
    """Return a right with the columns that it is of, which come in no order, in theirs."""
    name, _, columns = what.replace("`", "").rstrip(")").partition(" (")
    return f"{name} ({', '.join(sorted(columns.split(', ')))})" if columns else name
