"""What a server answers to a SHOW only, or to several questions together."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ... import sessions
from ...engine.base import Server
from ...errors import Fault, ServerError
from ...indexes.questions import SIZES
from ...queries import Query
from ...sessions import tree
from ..outcome import Reading
from .context import Context

_INDEX_BYTES_MIN = 16 * 1024 * 1024  # an index below that is read in no time, however empty
_BINLOG_BYTES_MIN = 10 * 1024**3  # so much of logs is little, however small the data
_NO_BINLOG = "1381"


@dataclass(frozen=True, slots=True)
class Follows:
    """Whom a server is set to follow, as far as it says so itself, and whether it takes writes."""

    primary_address: str
    takes_writes: bool


@dataclass(frozen=True, slots=True)
class Numbered:
    """How far a sequence, or the automatic key of a table, has come; None where it is not told."""

    subject: str
    value: float | None
    allowed: float
    detail: str


@dataclass(frozen=True, slots=True)
class Named:
    """A sequence of MariaDB, of which only a SELECT from it tells more."""

    name: str


NUMBERED = Query("standing/numbered", Numbered)
SEQUENCES = Query("standing/sequences", Named)
FOLLOWS = Query("standing/follows", Follows)


def blocking(context: Context) -> Iterator[Reading]:
    """Give how many sessions wait for each that waits for nobody, at any depth."""
    server = _of(context)
    everybody, waits = sessions.look(server)
    known = {session.session_id: session for session in everybody}
    behind = tree.waiting_for(waits)
    for root in tree.roots(waits):
        session = known.get(root or 0)
        who = f"{session.login} {session.application} {session.state}" if session else "not known"
        name = str(root) if root else "that is not known"
        yield Reading(subject=name, value=behind.get(root or 0, 1), detail=who)


def replica_threads(context: Context) -> Iterator[Reading]:
    """Give for each connection to a primary how many of its two threads do not run."""
    for row in _replicas(context):
        threads = {key: str(row[f"Slave_{key}_Running"]) for key in ("IO", "SQL")}
        error = str(row.get("Last_IO_Error") or row.get("Last_SQL_Error") or "")
        said = ", ".join(f"{key} thread: {state}" for key, state in threads.items())
        stopped = sum(state != "Yes" for state in threads.values())
        yield Reading(subject=_named(row), value=stopped, detail=f"{said} {error}".strip())


def replica_delay(context: Context) -> Iterator[Reading]:
    """Give how far each connection to a primary is behind; not known where it is broken."""
    for row in _replicas(context):
        behind = row["Seconds_Behind_Master"]
        asked = int(row.get("SQL_Delay") or 0)  # who wants to be late is not
        yield Reading(
            subject=_named(row),
            value=None if behind is None else max(0, int(behind) - asked),
            detail="a thread of it does not run, so that nobody knows how far it is behind",
        )


def replica_gtid(context: Context) -> Iterator[Reading]:
    """Give how many transactions each connection has read and not applied, by their GTIDs."""
    applied = _positions(str(_of(context).rows("SELECT @@GLOBAL.gtid_slave_pos AS p")[0]["p"]))
    for row in _replicas(context):
        read = _positions(str(row.get("Gtid_IO_Pos") or ""))
        if row.get("Using_Gtid") != "No" and read:
            left = sum(max(0, number - applied.get(domain, 0)) for domain, number in read.items())
            yield Reading(subject=_named(row), value=left)


def replica_writable(context: Context) -> Iterator[Reading]:
    """
    Give 1 where who is to follow another server takes writes, else 0; nothing for who is not.

    Of a lab it is known whom it is to follow; a server says whom it is set to follow.
    """
    from ... import lab as labs  # noqa: PLC0415  of no other check here

    server = _of(context)
    said = server.fetch(FOLLOWS)[0]
    known = labs.read(context.target.lab) if context.target.lab else None
    named = [known.replica_of] if known and known.replica_of else []
    named += [said.primary_address] if said.primary_address else []
    if server.engine == "mariadb":
        named += [_named(row) for row in _replicas(context)]
    if named:
        what = "takes writes, and is" if said.takes_writes else "takes no writes, as it is"
        yield Reading(value=said.takes_writes, detail=f"it {what} to follow {named[0]}")


def binlog_volume(context: Context) -> Iterator[Reading]:
    """Give the bytes in all binary logs, against those of the data, 10 GiB at the least."""
    server = _of(context)
    try:
        sizes = [int(row["File_size"]) for row in server.rows("SHOW BINARY LOGS")]
    except ServerError as exc:
        if exc.code == _NO_BINLOG:
            return
        raise
    asked = "SELECT sum(file_size) AS bytes FROM information_schema.innodb_sys_tablespaces"
    data = int(server.rows(asked)[0]["bytes"] or 0)
    allowed = max(data, _BINLOG_BYTES_MIN)
    yield Reading(value=sum(sizes), allowed=allowed, detail=f"{len(sizes)} files")


def sequences(context: Context) -> Iterator[Reading]:
    """Give how far each sequence and automatic key has come, of its end."""
    server = _of(context)
    for each in server.fetch(NUMBERED):
        yield Reading(
            subject=each.subject, value=each.value, allowed=each.allowed, detail=each.detail
        )
    if server.engine == "mariadb":
        yield from (_come(server, each.name) for each in server.fetch(SEQUENCES))


def _come(server: Server, name: str) -> Reading:
    quoted = "`" + name.replace("`", "``") + "`"
    try:
        row = server.rows(
            "SELECT next_not_cached_value - 1 AS value, maximum_value AS most,"  # noqa: S608  a name
            f" increment > 0 AND NOT cycle_option AS ends FROM {quoted}"
        )[0]
    except ServerError as exc:
        if exc.fault is not Fault.DENIED:
            raise
        said = f"the role may not read it: GRANT SELECT ON {quoted}"
        return Reading(subject=name, value=None, detail=said)
    value, allowed = float(row["value"]), float(row["most"])
    return Reading(subject=name, value=value if row["ends"] else 0, allowed=allowed)


def index_bloat(context: Context) -> Iterator[Reading]:
    """Give the empty room of each index of 16 MiB or more of which it can be told."""
    found = [row for row in _of(context).fetch(SIZES) if row.size_bytes >= _INDEX_BYTES_MIN]
    known = False
    for row in found:
        if row.needed_bytes is not None:
            known = True
            empty = max(0, row.size_bytes - row.needed_bytes)
            name = f"{row.table_name}.{row.index_name}"
            yield Reading(subject=name, value=empty, allowed=row.size_bytes)
    if found and not known:
        detail = "the statistics of the tables are not there, or not for this role to see"
        yield Reading(value=None, detail=detail)


def _of(context: Context) -> Server:
    if context.server is None:
        raise RuntimeError("this probe needs a session")
    return context.server


def _replicas(context: Context) -> list[dict[str, Any]]:
    """Return a row for each primary that this server is to replicate from."""
    return _of(context).rows("SHOW ALL SLAVES STATUS")


def _named(row: Mapping[str, Any]) -> str:
    name = row.get("Connection_name")
    return f"{name} ({row['Master_Host']})" if name else str(row["Master_Host"])


def _positions(text: str) -> dict[int, int]:
    """Return the number of the last transaction of each domain of a position by GTID."""
    found = (part.strip().split("-") for part in text.split(",") if part.strip())
    return {int(domain): int(number) for domain, _, number in found}
