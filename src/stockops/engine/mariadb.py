"""MariaDB, through PyMySQL."""

import math
import os
import re
import select
import ssl
import struct
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import date
from difflib import get_close_matches
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pymysql
from pymysql import converters, err
from pymysql.connections import MAX_PACKET_LEN
from pymysql.constants import COMMAND, FIELD_TYPE
from pymysql.cursors import DictCursor, SSCursor

from .. import queries
from ..errors import ConfigError, Fault, ServerError, StockopsError, Unreachable, Unsupported
from ..queries import Query, Row
from ..targets import Target
from . import faults, hanging
from .base import Call, Cells, Isolation, Session, Values, flags
from .blocks import blocks
from .moments import instant, moment
from .packets import Answer, Reader, Rows, literal
from .sockets import Line, OnALine, dial

OLDEST = (10, 11)
_LOAD_BLOCK_BYTES = 32 * 1024 * 1024
_SETTINGS = (
    "SET collation_connection = utf8mb4_nopad_bin, time_zone = '+00:00',"
    " sql_mode = 'TRADITIONAL,NO_ENGINE_SUBSTITUTION,ONLY_FULL_GROUP_BY',"
    " tx_isolation = 'READ-COMMITTED',"
    " innodb_lock_wait_timeout = {lock_s}, lock_wait_timeout = {lock_s}"
)
_COMMAND = struct.Struct("<IB")  # a length of three bytes, the packet's number 0, the command
_URL_KEYS = ("unix_socket", "ssl_ca", "ssl_cert", "ssl_key")

_REFUSALS = {
    1045: "Check password_file:, $STOCKOPS_PASSWORD_<TARGET>, $MYSQL_PWD or ~/.my.cnf.",
    1698: "The account logs in by its system user: run as that user, or give it a password.",
    1044: "Grant the user its rights on the database, or check the target's URL.",
    1049: "Check the last part of the target's URL, or create the database.",
}


_CONVERSIONS: Any = {
    **converters.conversions,
    FIELD_TYPE.DATE: partial(moment, kind=date),
    FIELD_TYPE.DATETIME: moment,
    FIELD_TYPE.TIMESTAMP: instant,
}


class MariaDB(OnALine):
    """A `Server` on MariaDB 10.11 or later."""

    engine = "mariadb"

    def __init__(self, target: Target, session: Session) -> None:
        # Any: the hot path reads packets itself, through members that the stubs leave out.
        self._conn: Any = _open(target, session)
        self._bulk = session.bulk
        self._in_transaction = False
        self._streaming = False
        self._line = Line(self._conn._sock.fileno())
        self._poll = select.poll()
        if not isinstance(self._conn._sock, ssl.SSLSocket):
            self._poll.register(self._conn._sock, select.POLLIN)
        self.session_id = int(self._conn.thread_id())
        try:
            with hanging.answering(self._line, target.name, within_s=session.connect_timeout_s):
                self._settle(target, session)
        except StockopsError:
            self.close()
            raise

    def fetch(self, query: Query[Row], /, **params: object) -> list[Row]:
        """Ask `query` and return its rows, in the order the SQL gives them."""
        sql = queries.text(self.engine, query.name, self.version[0])
        with self._translated(commits=False), self._conn.cursor() as cursor:
            cursor.execute(sql, params)
            answer = list(cursor.fetchall())
        for name in flags(query.row):
            for row in answer:
                row[name] = None if row[name] is None else bool(row[name])
        return [query.row(**row) for row in answer]

    def plan_once(self) -> None:
        """Do nothing: a plan is not kept with a prepared statement."""

    def rows(self, sql: str, params: Mapping[str, object] | None = None) -> list[dict[str, Any]]:
        """Run one statement that answers and return its (first) rows by column name."""
        with self._translated(commits=True), self._conn.cursor() as cursor:
            cursor.execute(sql, params)
            return list(cursor.fetchall())

    def execute(self, sql: str, params: Mapping[str, object] | None = None) -> int:
        """Run one statement; return the rows it changed."""
        with self._translated(commits=True), self._conn.cursor() as cursor:
            return int(cursor.execute(sql, params))

    def stream(
        self, sql: str, params: Mapping[str, object] | None = None, *, batch: int = 10_000
    ) -> Iterator[list[tuple[Any, ...]]]:
        """Run one statement and yield its rows in lists of `batch`, in bounded memory."""
        with self._translated(commits=False), self._conn.cursor(SSCursor) as cursor:
            self._streaming = True
            try:
                cursor.execute(sql, params)
                if cursor.description:
                    yield from self._unbuffered(cursor._result, batch)
            finally:
                self._streaming = False

    def load(self, table: str, columns: Sequence[str], lines: Iterable[bytes]) -> int:
        """Append rows by LOAD DATA LOCAL from memory, in one transaction."""
        if not self._bulk:
            raise RuntimeError("load() needs a connection opened with bulk=True")
        if self._in_transaction:
            return self._load(table, columns, lines)
        with self.transaction():
            return self._load(table, columns, lines)

    def prepare_call(self, routine: str, arity: int) -> Call:
        """
        Return the fastest way to call `routine`: one text command, its packets read by hand.

        PyMySQL builds an object for every column of every answer; the hot path skips them.
        """
        del arity  # MariaDB counts the arguments itself
        head, quote = f"CALL {_quoted(routine)}(", self._conn.escape
        reader, readable = Reader(), self._poll.poll

        def pack(values: Values) -> bytes:
            return f"{head}{','.join([literal(v, quote) for v in values])})".encode()

        def send(sql: bytes) -> bytes | Answer:
            if self._streaming or readable(0):
                self._still_there()
            try:
                answer = self._ask(sql, reader)
                if isinstance(answer, Answer) and answer.error is not None:
                    err.raise_mysql_exception(answer.error)
            except err.MySQLError as exc:
                # In a transaction too: the routine may end it by itself.
                raise self._translate(exc, commits=True, inside=False) from exc
            return answer

        def read(answer: bytes | Answer) -> Cells:
            row = reader.row(answer)
            if row is None:
                raise faults.server_error(
                    f"routine {routine!r} answered with no row", fault=Fault.OTHER, code=""
                )
            return row

        return Call(pack, send, read)

    @contextmanager
    def transaction(
        self, *, isolation: Isolation | None = None, read_only: bool = False
    ) -> Iterator[None]:
        """Commit at the end of the block, or roll back if it raises."""
        if self._in_transaction:
            raise RuntimeError("a transaction is already open on this connection")
        how = ["WITH CONSISTENT SNAPSHOT"] if isolation == "repeatable read" else []
        how += ["READ ONLY"] if read_only else []
        with self._translated(commits=False):
            if isolation:
                self._conn.query(f"SET TRANSACTION ISOLATION LEVEL {isolation.upper()}")
            self._conn.query(f"START TRANSACTION {', '.join(how)}")
        self._in_transaction = True
        try:
            yield
        except BaseException:
            # Always: error 1205 undoes its statement and leaves the transaction open.
            with suppress(err.MySQLError):
                self._conn.rollback()
            raise
        else:
            self._still_there()
            self._in_transaction = False
            with self._translated(commits=True):
                self._conn.commit()
        finally:
            self._in_transaction = False

    def close(self) -> None:
        """Close the connection. Closing twice does nothing."""
        if self._conn.open:
            self._conn.close()

    def _settle(self, target: Target, session: Session) -> None:
        # The version first: an older server, or MySQL, knows none of the settings' names.
        self.version = _version(str(self.rows("SELECT version() AS v")[0]["v"]), target.name)
        lock_s = max(1, math.ceil(session.lock_timeout_s))
        settings = _SETTINGS.format(lock_s=lock_s)
        if session.statement_timeout_s is not None:
            settings += f", max_statement_time = {session.statement_timeout_s:.3f}"
        self.execute(settings)

    def _load(self, table: str, columns: Sequence[str], lines: Iterable[bytes]) -> int:
        names = ", ".join(map(_quoted, columns))
        stored = 0
        with open(os.memfd_create("stockops-load"), "r+b", buffering=0) as file:  # noqa: PTH123
            sql = (
                f"LOAD DATA LOCAL INFILE '/proc/self/fd/{file.fileno()}' "
                f"INTO TABLE {_quoted(table)} CHARACTER SET utf8mb4 ({names})"
            )
            for block in blocks(lines, _LOAD_BLOCK_BYTES):
                file.seek(0)
                file.truncate()
                file.write(block)
                stored += self._load_block(sql, expected=block.count(b"\n"))
        return stored

    def _load_block(self, sql: str, *, expected: int) -> int:
        """Run one LOAD DATA; LOCAL turns errors into warnings, and we turn them back."""
        with self._translated(commits=True):
            changed = int(self._conn.query(sql))
            warned = self._conn._result.warning_count
            warnings = self._conn.show_warnings() if warned else ()
        for _, number, message in warnings:
            fault = faults.of_errno(int(number), str(message))
            fault = Fault.REJECTED if fault is Fault.OTHER else fault
            raise faults.server_error(str(message), fault=fault, code=str(number))
        if changed != expected:
            raise faults.server_error(
                f"{expected} lines were sent and {changed} rows stored",
                fault=Fault.REJECTED,
                code="",
            )
        return changed

    def _unbuffered(self, result: Any, batch: int) -> Iterator[list[tuple[Any, ...]]]:
        """Read the rows of `result` past the driver, which takes three times as long over each."""
        conn = self._conn
        rows = Rows(conn._rfile.read, result.converters)
        try:
            while chunk := rows.take(batch):
                yield chunk
        except (OSError, EOFError) as exc:
            conn._force_close()
            raise err.OperationalError(2013, "lost connection") from exc
        finally:  # what is left, the driver reads and drops
            conn._next_seq_id = rows.next_number
            result.unbuffered_active = rows.end is None and conn.open
            result.has_next = rows.more_results
        if rows.error is not None:
            err.raise_mysql_exception(rows.error)

    def _ask(self, sql: bytes, reader: Reader) -> bytes | Answer:
        """Send one command and read its answer, past the driver's own reader."""
        conn = self._conn
        size = len(sql) + 1
        if size >= MAX_PACKET_LEN or not conn.open:
            conn._execute_command(COMMAND.COM_QUERY, sql)  # in pieces; or it says why not
        else:
            conn._write_bytes(_COMMAND.pack(size, COMMAND.COM_QUERY) + sql)
        try:
            return reader.receive(conn._sock.recv)
        except (OSError, EOFError) as exc:
            conn._force_close()
            raise err.OperationalError(2013, "lost connection") from exc
        except BaseException:
            conn._force_close()  # half an answer was read: nothing fits after it
            raise

    def _still_there(self) -> None:
        """
        Raise `Fault.LOST` if the server ended the session before anything more was sent.

        This is what tells "nothing happened" from "it may have": after sending, nobody knows.
        Between two commands a server says nothing but its last words.
        """
        if self._streaming:
            raise RuntimeError("a stream is open on this connection")
        if not self._conn.open or self._poll.poll(0):
            self._conn._force_close()
            raise faults.gone(committing=False, code="")

    @contextmanager
    def _translated(self, *, commits: bool) -> Iterator[None]:
        """Turn PyMySQL's errors into ours. `commits`: outside a transaction, it may commit."""
        self._still_there()
        self._line.asked_at = time.monotonic()
        try:
            yield
        except err.MySQLError as exc:
            raise self._translate(exc, commits=commits, inside=self._in_transaction) from exc
        finally:
            self._line.asked_at = None

    def _translate(self, exc: err.MySQLError, *, commits: bool, inside: bool) -> ServerError:
        errno, message = (*exc.args, 0, "")[:2] if len(exc.args) > 1 else (0, str(exc))
        fault = faults.of_errno(int(errno), str(message))
        if fault is Fault.LOST or not self._conn.open:
            self._conn._force_close()
            unsent = errno in {0, 2006}  # it did not leave whole: the server cannot run it
            return faults.gone(committing=commits and not inside and not unsent, code=str(errno))
        return faults.server_error(str(message), fault=fault, code=str(errno))


def _open(target: Target, session: Session) -> Any:
    secret = target.password
    where = _where(target)
    try:
        conn: Any = pymysql.connect(
            **where,
            # Bytes: PyMySQL would write the text in Latin-1.
            password=secret.reveal().encode() if secret else b"",
            charset="utf8mb4",
            conv=_CONVERSIONS,
            cursorclass=DictCursor,
            read_timeout=max(1, session.connect_timeout_s),
            autocommit=True,
            local_infile=session.bulk,
            program_name=session.application,
            defer_connect=True,
        )
        # PyMySQL's own way leaves a socket open that nobody answered.
        conn.connect(dial(where, timeout_s=session.connect_timeout_s))
    except (err.MySQLError, OSError) as exc:
        # The driver's frames hold the password among their local variables.
        exc.with_traceback(None)
        within_s = session.connect_timeout_s
        raise hanging.told(target.name, exc, within_s=within_s) or _refused(target, exc) from exc
    conn._read_timeout = None  # a statement takes as long as it takes
    return conn


def _where(target: Target) -> dict[str, Any]:
    """Return what PyMySQL needs to know of the target's URL."""
    parts = urlsplit(target.url)
    query = dict(parse_qsl(parts.query))
    for key in query.keys() - set(_URL_KEYS):
        near = get_close_matches(key, _URL_KEYS, 1)
        raise ConfigError(
            f"{target.name!r}: a mariadb:// URL has no parameter {key!r}",
            hint=f"Did you mean {near[0]}?" if near else f"Known: {', '.join(_URL_KEYS)}.",
        )
    return {
        "host": parts.hostname or "localhost",
        "port": parts.port or 3306,
        "user": unquote(parts.username or "") or None,
        "database": target.database or None,
        # Nobody listens between the ends of a Unix socket, and TLS costs a round trip or two.
        "ssl_disabled": "unix_socket" in query,
        **query,
    }


def _refused(target: Target, exc: BaseException) -> StockopsError:
    """Say why there is no session: a wrong target (`ConfigError`) or no server."""
    errno, message = exc.args[:2] if len(exc.args) > 1 else (0, str(exc))
    if isinstance(exc, OSError):
        errno = 0  # the system's number, not the server's
    reason = " ".join(str(message).split())
    if target.password:
        reason = target.password.scrub(reason)
    if hint := _REFUSALS.get(errno):
        return ConfigError(f"{target.name!r}: {reason}", hint=hint)
    hint = "Is the server up, and does the target's URL name its host, port or socket?"
    return Unreachable(f"no session at {target.name!r}: {reason}", hint=hint)


def _version(stated: str, name: str) -> tuple[int, int]:
    """Return the version of what `version()` says, or raise `Unsupported`."""
    found = re.match(r"(?:5\.5\.5-)?(\d+)\.(\d+)", stated)
    version = (int(found[1]), int(found[2])) if found else (0, 0)
    if "mariadb" not in stated.lower():
        raise Unsupported(
            f"the server at {name!r} is not MariaDB: its version is {stated!r}",
            hint="Choose a PostgreSQL or MariaDB target with --target.",
        )
    if version < OLDEST:
        raise Unsupported(
            f"the server at {name!r} is MariaDB {version[0]}.{version[1]}, "
            f"and stockops needs {OLDEST[0]}.{OLDEST[1]} or later",
            hint="Upgrade the server, or choose another target with --target.",
        )
    return version


def _quoted(name: str) -> str:
    """Quote an identifier, or a dotted pair of them."""
    return ".".join("`" + part.replace("`", "``") + "`" for part in name.split("."))
