"""What the monitor's role should have on each engine, and what it has."""

from collections.abc import Mapping
from dataclasses import dataclass

from .. import queries
from ..engine.base import Server
from ..errors import ServerError
from ..queries import Query
from .granted import names

ROLE = "stockops_monitor"
CONNECTIONS_MAX = 5  # the exporter takes three at most, a check one; one is left for a person
_NO_SUCH_ROLE = "1141"
_EVERYWHERE = {  # on MariaDB
    "PROCESS": "to see what every session does",
    "BINLOG MONITOR": "to see the binary logs",
    "SLAVE MONITOR": "to see how far a replica is",
}
_TABLES = {
    "performance_schema.*": "the server's own counters",
    "mysql.innodb_index_stats": "sizes of indexes, which are free to ask for there",
    "mysql.innodb_table_stats": "sizes of tables, which are free to ask for there",
    "mysql.user": "whose password has expired, and nothing else of it",
    "mysql.column_stats": "how wide columns are",
}
_READS = {"mysql.user": "SELECT (Host, User, password_expired)"}
_HERE = {
    "SHOW VIEW": "to get in, and to see the names of tables",
    "REFERENCES": "to see their columns, and no row: which are numbered, which partition",
}


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
    given = [
        *((what, "*.*", why) for what, why in _EVERYWHERE.items()),
        *((_READS.get(where, "SELECT"), where, why) for where, why in _TABLES.items()),
    ]
    name = "`" + database.replace("`", "``") + "`"
    return [
        Right("role", f"CREATE ROLE {ROLE}", "what logins have"),
        *(
            Right(f"{what} ON {at}", f"GRANT {what} ON {at} TO {ROLE}", why)
            for what, at, why in given
        ),
        *(
            Right(f"{what} ON {database}.*", f"GRANT {what} ON {name}.* TO {ROLE}", why)
            for what, why in _HERE.items()
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
    granted = (name for line in said for name in names(line))
    return frozenset({"role", *(f"{what} ON {where}" for what, where in granted)})


def missing(server: Server, database: str) -> list[Right]:
    """Return what the role should have and has not."""
    has = held(server)
    return [right for right in wanted(server.engine, database) if right.name not in has]


def members(server: Server) -> Mapping[str, Member]:
    """Return who logs in with the role, by name."""
    return {member.name: member for member in server.fetch(LOGINS)}
