"""Which format a log has, by the way it begins."""

from ...errors import ConfigError
from . import signs
from .base import Carrying, Columnar, Ends, Format, Guessing, Miscut, Piece, Raw

__all__ = [
    "HEAD_BYTES", "NAMES", "Carrying", "Columnar", "Ends", "Format", "Guessing", "Miscut", "Piece",
    "Raw", "detect",
]  # fmt: skip

HEAD_BYTES = 1 << 18
_NEAR_BYTES = 1 << 14  # twice as much as any sign takes
NAMES = ("mysql", "general", "stderr", "csv", "json", "syslog", "journal")


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
    found = _of(kind, full) or _of_lines(kind, head.splitlines())
    if found is not None:
        return found
    raise ConfigError(
        f"{file!r} is no log in a format that is known",
        hint="Known: slow and general log of MySQL and MariaDB; stderr, csv, json and syslog of "
        f"PostgreSQL. Name one if you are sure: --log-format {'|'.join(NAMES)}",
    )


def _require(named: str, head: bytes, file: str) -> None:
    """Raise `ConfigError` where nothing in `head` is of the format that was named."""
    sign = signs.OBJECT if named in {"json", "journal"} else signs.OF.get(named)
    if sign is None or sign.search(head):
        return
    from . import pgprefix

    other = _first(head) or ("stderr" if pgprefix.infer(head.splitlines()) else None)
    raise ConfigError(
        f"{file!r} does not begin as a {named} log does",
        hint=f"It looks like {other}: leave out --log-format." if other else "Name the log itself.",
    )


# ruff: noqa: PLC0415  a format is read in when a log has it: the others take their time, too


def _of(kind: str | None, full: bool) -> Format | None:
    """Return the format that its sign tells; None for those whose lines have a prefix."""
    if kind == "mysql":
        from .mysqlslow import MySQLSlow

        return MySQLSlow(full=full)
    if kind == "general":
        from .mysqlgeneral import MySQLGeneral

        return MySQLGeneral()
    if kind == "json":
        from .pgjson import PgJson

        return PgJson()
    if kind == "csv":
        from .pgcsv import PgCsv

        return PgCsv()
    return None


def _of_lines(kind: str | None, lines: list[bytes]) -> Format | None:
    """Return the format whose lines these are: a prefix is to be found out."""
    if kind in {"syslog", "journal"}:
        from . import pgsyslog

        return pgsyslog.infer(lines, journal=kind == "journal")
    from . import pgprefix, pgwrapped
    from .pgstderr import PgStderr

    wrapped = pgwrapped.infer(lines)
    prefix = pgprefix.infer(lines)
    return wrapped or (PgStderr(prefix) if prefix is not None else None)


def _first(head: bytes) -> str | None:
    """Return whose sign stands first: a literal further down may hold that of another."""
    first = None
    for size in (_NEAR_BYTES, len(head)):  # most logs say at once what they are
        found = {
            kind: match.start()
            for kind, sign in signs.OF.items()
            if (match := sign.search(head, 0, size))
        }
        if "general" in found and not signs.MYSQL_ENTRY.search(head, 0, found["general"]):
            found.pop("mysql", None)  # the banner that it found is that of either log
        first = min(found, key=lambda kind: found[kind], default=None)
        banner = first == "mysql" and not signs.MYSQL_ENTRY.search(head, 0, size)
        if first is not None and found[first] < _NEAR_BYTES // 2 and not banner:
            break
    return first
