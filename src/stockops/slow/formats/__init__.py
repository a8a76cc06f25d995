"""Which format a log has, by the way it begins."""

import re

from ...errors import ConfigError
from . import mysqlgeneral, pgprefix, pgsyslog, pgwrapped
from .base import Columnar, Ends, Format, Piece, Raw
from .mysqlgeneral import MySQLGeneral
from .mysqlslow import MySQLSlow
from .pgcsv import PgCsv
from .pgjson import PgJson
from .pgstderr import PgStderr

__all__ = [
    "HEAD_BYTES",
    "NAMES",
    "Columnar",
    "Ends",
    "Format",
    "MySQLGeneral",
    "MySQLSlow",
    "PgCsv",
    "PgJson",
    "PgStderr",
    "Piece",
    "Raw",
    "detect",
]

HEAD_BYTES = 1 << 18
NAMES = ("mysql", "general", "stderr", "csv", "json", "syslog", "journal")
_CSV = re.compile(
    rb'^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} [A-Za-z0-9+:-]+,(?:"[^"]*"|[^,]*),', re.MULTILINE
)
_JSON = re.compile(rb'^\s*\{"(?:timestamp|level|record|log_time)":', re.MULTILINE)
_MYSQL_ENTRY = re.compile(rb"^# (?:User@Host|Query_time): ", re.MULTILINE)
_MYSQL = re.compile(
    rb"^# (?:User@Host|Query_time): |^[^\n]*, Version: [^\n]*started with:", re.MULTILINE
)

_OBJECT = re.compile(rb'^\s*\{"', re.MULTILINE)
_SIGNS = {
    "csv": _CSV, "json": _JSON, "mysql": _MYSQL, "general": mysqlgeneral.SIGN,
    "syslog": pgsyslog.SIGN, "journal": pgsyslog.JOURNAL,
}  # fmt: skip


def detect(head: bytes, *, file: str, named: str | None = None, full: bool = False) -> Format:
    """
    Return the format of the log that begins with `head`, or the one that is `named`.

    Raises `ConfigError` where it is none that is known.
    """
    if b"\0" in head[:4096]:
        raise ConfigError(
            f"{file!r} is not a log: it holds NUL bytes", hint="Name the log itself, not a binary."
        )
    kind = named or _first(head)
    if named is not None and head.strip():
        _require(named, head, file)
    if kind == "mysql":
        return MySQLSlow(full=full)
    if kind == "general":
        return MySQLGeneral()
    if kind == "json":
        return PgJson()
    if kind == "csv":
        return PgCsv()
    found = _of_lines(kind, head.splitlines())
    if found is not None:
        return found
    raise ConfigError(
        f"{file!r} is no log in a format that is known",
        hint="Known: slow and general log of MySQL and MariaDB; stderr, csv, json and syslog of "
        f"PostgreSQL. Name one if you are sure: --log-format {'|'.join(NAMES)}",
    )


def _require(named: str, head: bytes, file: str) -> None:
    """Raise `ConfigError` where nothing in `head` is of the format that was named."""
    sign = _OBJECT if named in {"json", "journal"} else _SIGNS.get(named)
    if sign is None or sign.search(head):
        return
    other = _first(head) or ("stderr" if pgprefix.infer(head.splitlines()) else None)
    raise ConfigError(
        f"{file!r} does not begin as a {named} log does",
        hint=f"It looks like {other}: leave out --log-format." if other else "Name the log itself.",
    )


def _of_lines(kind: str | None, lines: list[bytes]) -> Format | None:
    """Return the format whose lines these are: a prefix is to be found out."""
    if kind in {"syslog", "journal"}:
        return pgsyslog.infer(lines, journal=kind == "journal")
    wrapped = pgwrapped.infer(lines)
    prefix = pgprefix.infer(lines)
    return wrapped or (PgStderr(prefix) if prefix is not None else None)


def _first(head: bytes) -> str | None:
    """Return whose sign stands first: a literal further down may hold that of another."""
    found = {kind: match.start() for kind, sign in _SIGNS.items() if (match := sign.search(head))}
    if "general" in found and not _MYSQL_ENTRY.search(head, 0, found["general"]):
        found.pop("mysql", None)  # the banner that it found is that of either log
    return min(found, key=lambda kind: found[kind]) if found else None
