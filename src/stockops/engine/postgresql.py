"""PostgreSQL, through psycopg."""

import itertools
import re
import select
import sys
import time
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, cast

import psycopg
from psycopg import conninfo, pq
from psycopg.rows import dict_row, tuple_row

from .. import queries
from ..errors import ConfigError, Fault, ServerError, StockopsError, Unreachable, Unsupported
from ..queries import Query, Row
from ..targets import Target
from . import faults, hanging
from .base import Call, Cells, Isolation, Session, Values
from .blocks import blocks
from .sockets import Line, OnALine

OLDEST = 15
_PREPARES_WHEN_TOLD = sys.maxsize  # times that psycopg sees a statement before it prepares it
_NOT_PREPARED_HERE = (
    psycopg.errors.InvalidSqlStatementName,
    psycopg.errors.DuplicatePreparedStatement,
)
_COPY_BLOCK_BYTES = 256 * 1024
# Types of a row: that of any row, and those that a database has of its own. (Of a domain, the
# server tells the type beneath it.)
_RECORD, _OWN_TYPES = 2249, 16384
_CELL = re.compile(r'(?:"([^"]*(?:""[^"]*)*)"|([^,]*)),')
# glibc hands the top of the heap back to the system above 128 KiB, which a call of a large routine
# passes each time: an order lost 4 % to brk() and to the pages it took anew. A block of this size,
# once freed, raises that limit to twice its own (mallopt(3), M_MMAP_THRESHOLD), for the session.
_HEAP_STAYS = b"SELECT length(repeat(' ', 1048576))"
_SETTINGS = (
    "SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'; "
    "SET default_transaction_isolation = 'read committed'"
)

# What the server says when it refuses a session. libpq keeps no SQLSTATE for a failed connection.
_REFUSALS = [
    (re.compile(r"password authentication failed|no password supplied|SCRAM"), "password"),
    (re.compile(r'database ".*" does not exist'), "database"),
    (re.compile(r'role ".*" does not exist|no pg_hba.conf entry|[Pp]eer authentication'), "role"),
    (re.compile(r"invalid (connection option|URI|percent|port)|unexpected spaces"), "url"),
]
_REFUSAL_HINTS = {
    "password": "Check password_file:, $STOCKOPS_PASSWORD_<TARGET>, $PGPASSWORD or ~/.pgpass.",
    "database": "Check the last part of the target's URL, or create the database.",
    "role": "Check the user in the target's URL, and the server's pg_hba.conf.",
    "url": "Write it as postgresql://USER@HOST:PORT/DATABASE.",
}


class PostgreSQL(OnALine):
    """A `Server` on PostgreSQL 15 or later."""

    engine = "postgresql"

    def __init__(self, target: Target, session: Session) -> None:
        self._conn = _open(target, session)
        self._pgconn = self._conn.pgconn
        self._line = Line(self._pgconn.socket)
        self._names = itertools.count(1)
        self._keeps_heap = False
        self._in_transaction = False
        self._streaming = False
        self._poll = select.poll()
        self._poll.register(self._pgconn.socket, select.POLLIN)
        self.version = divmod(self._pgconn.server_version, 10_000)
        self.session_id = self._pgconn.backend_pid
        if self.version[0] < OLDEST:
            self.close()
            raise Unsupported(
                f"the server at {target.name!r} is PostgreSQL {self.version[0]}, "
                f"and stockops needs {OLDEST} or later",
                hint="Upgrade the server, or choose another target with --target.",
            )
        # Not as startup options: a pooler refuses them, and the URL may hold some.
        settings = f"{_SETTINGS}; SET lock_timeout = {max(1, round(session.lock_timeout_s * 1000))}"
        if session.statement_timeout_s is not None:
            settings += _bounded(max(1, round(session.statement_timeout_s * 1000)))
        try:
            with hanging.answering(self._line, target.name, within_s=session.connect_timeout_s):
                self.execute(settings)
        except StockopsError:
            self.close()
            raise

    def fetch(self, query: Query[Row], /, **params: object) -> list[Row]:
        """Ask `query` and return its rows, in the order the SQL gives them."""
        sql = queries.text(self.engine, query.name, self.version[0])
        with self._translated(commits=False):
            # Bytes, because psycopg asks for a literal string and a file is not one.
            cursor = self._ask(sql.encode(), params)
            return [query.row(**row) for row in cursor.fetchall()]

    def plan_once(self) -> None:
        """Have `fetch` prepare each question; where it is forgotten, none is any more."""
        self._conn.prepare_threshold = _PREPARES_WHEN_TOLD

    def rows(self, sql: str, params: Mapping[str, object] | None = None) -> list[dict[str, Any]]:
        """Run one statement that answers and return its rows by column name."""
        with self._translated(commits=True):
            return self._conn.execute(sql.encode(), params).fetchall()

    def execute(self, sql: str, params: Mapping[str, object] | None = None) -> int:
        """Run one statement; return the rows it changed."""
        with self._translated(commits=True):
            return max(self._conn.execute(sql.encode(), params).rowcount, 0)

    def stream(
        self, sql: str, params: Mapping[str, object] | None = None, *, batch: int = 10_000
    ) -> Iterator[list[tuple[Any, ...]]]:
        """Run one statement and yield its rows in lists of `batch`, in bounded memory."""
        with (
            self._translated(commits=False),
            self._conn.cursor(row_factory=tuple_row) as cursor,
        ):
            # A generator, whatever its type says: closing it early stops the query.
            answer = cursor.stream(sql.encode(), params, size=min(batch, 1000))
            rows = cast("Generator[tuple[Any, ...]]", answer)
            self._streaming = True
            try:
                while chunk := list(itertools.islice(rows, batch)):
                    yield chunk
            finally:
                rows.close()
                self._streaming = False

    def load(self, table: str, columns: Sequence[str], lines: Iterable[bytes]) -> int:
        """Append rows by COPY; `lines` are in its text format."""
        names = ", ".join(map(_quoted, columns))
        sql = f"COPY {_quoted(table)} ({names}) FROM STDIN"
        with self._translated(commits=True), self._conn.cursor() as cursor:
            with cursor.copy(sql.encode()) as copy:
                for block in blocks(lines, _COPY_BLOCK_BYTES):
                    copy.write(block)
            return cursor.rowcount

    def prepare_call(self, routine: str, arity: int) -> Call:
        """Return the fastest way to call `routine`: libpq's own, past psycopg's adaptation."""
        marks = ", ".join(f"${n}" for n in range(1, arity + 1))
        # As one column: to scan the function's rows, and to describe each of their columns, costs
        # server and client more than the text of a row does.
        name = self._prepared(f"SELECT {_quoted(routine)}({marks})")
        answered, readable, run = (
            pq.ExecStatus.TUPLES_OK,
            self._poll.poll,
            self._pgconn.exec_prepared,
        )

        def pack(values: Values) -> list[Any]:
            # Any: the type of `run` leaves out that an argument may be NULL.
            return [None if v is None else str(v).encode() for v in values]

        def send(texts: list[Any]) -> pq.abc.PGresult:
            if self._streaming or readable(0):
                self._still_there()
            try:
                result = run(name, texts)
            except psycopg.Error as exc:
                raise self._translate(exc, commits=True) from exc
            if result.status != answered:
                raise self._error(result, commits=True)
            return result

        def read(result: pq.abc.PGresult) -> Cells:
            if not result.ntuples:
                raise faults.server_error(
                    f"routine {routine!r} answered with no row", fault=Fault.OTHER, code=""
                )
            cell = result.get_value(0, 0)
            if cell is None:
                return (None,)
            oid = result.ftype(0)
            return _row(cell) if oid == _RECORD or oid >= _OWN_TYPES else (cell.decode(),)

        return Call(pack, send, read)

    def _prepared(self, sql: str) -> bytes:
        """Prepare `sql` in a session that keeps its heap; return the name it has there."""
        name = f"stockops_call_{next(self._names)}".encode()
        with self._translated(commits=False):
            if not self._keeps_heap:
                self._conn.execute(_HEAP_STAYS)
                self._keeps_heap = True
            prepared = self._pgconn.prepare(name, sql.encode())
        if prepared.status != pq.ExecStatus.COMMAND_OK:
            raise self._error(prepared, commits=False)
        return name

    @contextmanager
    def transaction(
        self, *, isolation: Isolation | None = None, read_only: bool = False
    ) -> Iterator[None]:
        """Commit at the end of the block, or roll back if it raises."""
        if self._in_transaction:
            raise RuntimeError("a transaction is already open on this connection")
        begin = "BEGIN" + (f" ISOLATION LEVEL {isolation.upper()}" if isolation else "")
        begin += " READ ONLY" if read_only else ""
        if isolation not in {None, "read committed"}:
            begin += "; SELECT 1"  # PostgreSQL takes the snapshot at the first statement
        with self._translated(commits=False):
            self._conn.execute(begin.encode())
        self._in_transaction = True
        try:
            yield
        except BaseException:
            with suppress(psycopg.Error):
                self._conn.execute("ROLLBACK")
            raise
        else:
            self._commit()
        finally:
            self._in_transaction = False

    def close(self) -> None:
        """Close the connection. Closing twice does nothing."""
        self._conn.close()

    def _ask(self, sql: bytes, params: Mapping[str, object]) -> psycopg.Cursor[dict[str, Any]]:
        """Run a question, prepared if it is to be and can be."""
        try:
            return self._conn.execute(sql, params, prepare=True)
        except _NOT_PREPARED_HERE:
            # A pooler stands between, and gave another session, which knows nothing of it.
            self._conn.prepare_threshold = None
            if self._in_transaction:
                raise
            return self._conn.execute(sql, params)

    def _commit(self) -> None:
        self._still_there()
        self._in_transaction = False
        with self._translated(commits=True):
            said = self._conn.execute("COMMIT").statusmessage
        if said != "COMMIT":
            raise faults.server_error(
                "the transaction had failed before its end, and was rolled back",
                fault=Fault.OTHER,
                code="25P02",
            )

    def _still_there(self) -> None:
        """
        Raise `Fault.LOST` if the server ended the session before anything more was sent.

        This is what tells "nothing happened" from "it may have": after sending, nobody knows.
        """
        if self._streaming:
            raise RuntimeError("a stream is open on this connection")
        if self._conn.closed:
            raise faults.gone(committing=False, code="")
        try:
            for _ in range(8):  # a notice or two, the server's last words, the end
                if not self._poll.poll(0):
                    return
                self._pgconn.consume_input()
        except psycopg.Error as exc:
            raise faults.gone(committing=False, code="") from exc

    @contextmanager
    def _translated(self, *, commits: bool) -> Iterator[None]:
        """Turn psycopg's errors into ours. `commits`: outside a transaction, it may commit."""
        self._still_there()
        self._line.asked_at = time.monotonic()
        try:
            yield
        except psycopg.Error as exc:
            raise self._translate(exc, commits=commits) from exc
        finally:
            self._line.asked_at = None

    def _translate(self, exc: psycopg.Error, *, commits: bool) -> StockopsError:
        code = exc.sqlstate or ""
        message = exc.diag.message_primary or str(exc)
        if detail := exc.diag.message_detail:
            message += f": {detail}"
        return self._judged(code, message, commits=commits)

    def _error(self, result: pq.abc.PGresult, *, commits: bool) -> ServerError:
        code = result.error_field(pq.DiagnosticField.SQLSTATE) or b""
        message = result.error_field(pq.DiagnosticField.MESSAGE_PRIMARY) or result.error_message
        return self._judged(code.decode(), message.decode("utf-8", "replace"), commits=commits)

    def _judged(self, code: str, message: str, *, commits: bool) -> ServerError:
        fault = faults.of_sqlstate(code)
        if fault is Fault.LOST or self._pgconn.status == pq.ConnStatus.BAD:
            return faults.gone(committing=commits and not self._in_transaction, code=code)
        return faults.server_error(message, fault=fault, code=code)


def _bounded(timeout_ms: int) -> str:
    """Return the settings of a session in which nothing lasts longer than `timeout_ms`."""
    return (
        f"; SET statement_timeout = {timeout_ms}"
        f"; SET idle_in_transaction_session_timeout = {timeout_ms}"
        "; SET client_connection_check_interval = 1000"
    )


def _open(target: Target, session: Session) -> psycopg.Connection[dict[str, Any]]:
    secret = target.password
    within_s = max(2, round(session.connect_timeout_s))  # libpq's shortest is 2 s
    try:
        return psycopg.connect(
            target.url,
            password=secret.reveal() if secret else None,
            autocommit=True,
            prepare_threshold=None,
            row_factory=dict_row,
            application_name=session.application,
            connect_timeout=within_s,
            client_encoding="utf8",
            keepalives_idle=30,
            keepalives_interval=10,
            keepalives_count=3,
        )
    except psycopg.errors.ConnectionTimeout:
        text, cause = "", None
    except psycopg.Error as exc:
        text = secret.scrub(str(exc)) if secret else str(exc)
        cause = type(exc)(text)
    # Past the `except`: the driver's own error holds the connection's parameters, and its frames
    # hold them among their local variables.
    if cause is None:
        phase = hanging.phase_of(conninfo.conninfo_to_dict(target.url))
        raise hanging.hung(target.name, phase, within_s=within_s)
    raise _refused(target, text) from cause


def _refused(target: Target, text: str) -> StockopsError:
    """Say why there is no session: a wrong target (`ConfigError`) or no server."""
    # With several addresses libpq reports each; the first says what all of them say.
    reason = " ".join(text.split("Multiple connection attempts failed", maxsplit=1)[0].split())
    reason = reason.removeprefix("connection failed: ")
    for pattern, kind in _REFUSALS:
        if pattern.search(reason):
            return ConfigError(f"{target.name!r}: {reason}", hint=_REFUSAL_HINTS[kind])
    hint = "Is the server up, and does the target's URL name its host, port or socket?"
    return Unreachable(f"no session at {target.name!r}: {reason}", hint=hint)


def _row(text: bytes) -> Cells:
    """Return the cells of a row as the server writes it: ``(1,,"a ""b"" c")``."""
    inner = text[1:-1].decode()
    if '"' not in inner:
        return tuple([cell or None for cell in inner.split(",")])
    return tuple([_cell(found[1], found[2]) for found in _CELL.finditer(inner + ",")])


def _cell(quoted: str | None, plain: str) -> str | None:
    """Return one cell of a row: quotes and backslashes are doubled within quotes."""
    if quoted is None:
        return plain or None
    return quoted.replace('""', '"').replace("\\\\", "\\")


def _quoted(name: str) -> str:
    """Quote an identifier, or a dotted pair of them."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in name.split("."))
