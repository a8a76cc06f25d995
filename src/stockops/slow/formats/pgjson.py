"""PostgreSQL's jsonlog, and what CloudNativePG makes of a csvlog: an object a line."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ...statements import Dialect
from ..accounting import Account
from ..batches import Batch
from ..events import Event
from . import pgwords
from .base import Piece, Raw
from .pgentry import Entry, event_of
from .pglines import Entries
from .pgmany import many
from .pgtime import microseconds


class PgJson:
    """PostgreSQL's jsonlog; a line end within a text is escaped, so that lines are entries."""

    name = "postgresql jsonlog"
    dialect: Dialect = "postgresql"
    whole = False
    note = ""

    def __init__(self) -> None:
        self.entries = Entries()

    def start(self, data: Raw, at: int, end: int) -> int:
        """Return where the next line begins."""
        if at == 0:
            return 0
        return data.find(b"\n", at - 1, end) + 1 or end

    def parse(self, piece: Piece, account: Account) -> Iterator[Event]:
        """Give the lines as entries; what is no object with a message is none."""
        return map(event_of, self._entries(piece, account))

    def columns(self, piece: Piece, account: Account) -> Iterator[Event | Batch]:
        """Give the usual executions as batches, and the other entries as `parse` does."""
        return many(self._entries(piece, account))

    def _entries(self, piece: Piece, account: Account) -> Iterator[Entry]:
        account.read_bytes += len(piece.raw)
        at = piece.offset
        for line in piece.raw.splitlines(keepends=True):
            entry = _read(line)
            if entry is not None:
                account.entries += 1
                yield entry
            elif line.strip() and not _is_of_operator(line):
                account.skip(piece.file, at, line)
            at += len(line)


def _read(line: bytes) -> Entry | None:
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict):
        return None
    if isinstance(said.get("record"), dict):  # CloudNativePG wraps each row of the csvlog
        return _entry(said["record"], "log_time", "user_name", "database_name", "connection_from")
    return _entry(said, "timestamp", "user", "dbname", "remote_host")


def _is_of_operator(line: bytes) -> bool:
    """Tell whether the line is one of CloudNativePG's own, which say nothing of the server."""
    return b'"logger":' in line and b'"record":' not in line and line.lstrip()[:1] == b"{"


def _entry(said: Mapping[str, Any], time: str, user: str, database: str, host: str) -> Entry | None:
    at_us = microseconds(str(said.get(time, "")))
    message = said.get("message", "")
    if at_us is None or not isinstance(message, str):
        return None

    def text(name: str) -> str:
        return str(said.get(name) or "")

    return Entry(
        at_us=at_us,
        severity=pgwords.SEVERITIES.get(text("error_severity"), "LOG"),
        message=message,
        detail=text("detail"),
        context=text("context"),
        statement=text("statement") or text("query"),
        user=text(user),
        database=text(database),
        host=text(host),
        application=text("application_name"),
        session=text("session_id"),
        sql_state=text("state_code") or text("sql_state_code"),
        query_id=text("query_id"),
    )
