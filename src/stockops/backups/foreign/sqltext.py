"""
Dumps as SQL text: of pg_dump, pg_dumpall, mariadb-dump and mysqldump, or as pg_restore writes them.

They carry no checksum. What can be told is whether they end as they must, and whether every block
of rows that begins in them ends.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from .compressed import CHUNK_BYTES, Readable
from .grading import Findings, listed

_TRAILERS = {
    b"-- PostgreSQL database dump complete": "pg_dump",
    b"-- PostgreSQL database cluster dump complete": "pg_dumpall",
    b"-- Dump completed": "mariadb-dump",
}
_HEADS = (
    (b"-- PostgreSQL database dump", "pg_dump"),
    (b"-- PostgreSQL database cluster dump", "pg_dumpall"),
    (b"-- MariaDB dump", "mariadb-dump"),
    (b"-- MySQL dump", "mysqldump"),
)
_COPY = re.compile(rb"COPY (.+?) (?:\(.*\) )?FROM stdin;")
_ENGINE = re.compile(rb"\).* ENGINE=(\w+)")
_CREATE = re.compile(rb"CREATE TABLE (?:IF NOT EXISTS )?`(.+)` \(")
_TRANSACTIONAL = {b"InnoDB", b"ROCKSDB", b"SEQUENCE", b"BLACKHOLE", b"MEMORY"}
_LINE_BYTES_MAX = 1 << 20  # so much of a line is looked at
_LAST_LINES = 12
_SIGNS = (b"CREATE TABLE", b"INSERT INTO", b"COPY ")


def recognise(head: bytes) -> str:
    """Return which tool wrote a text that begins with `head`; "" where no line tells."""
    lines = head.splitlines()[:20]
    for line in lines:
        for sign, tool in _HEADS:
            if line.startswith(sign):
                return tool
    return ""


def looks_like_sql(head: bytes) -> bool:
    """Tell whether a text without a known first line is a dump all the same."""
    return b"\0" not in head and any(sign in head for sign in _SIGNS)


@dataclass(slots=True)
class Reading:
    """What was seen of a dump as it went by."""

    trailer: str = ""
    open_table: str = ""  # whose rows have not ended
    tables: int = 0
    made: str = ""  # the table whose definition goes by
    not_transactional: list[str] = field(default_factory=list)
    last: list[bytes] = field(default_factory=list)


def read(file: Readable) -> Reading:
    """Read `file` to its end."""
    seen = Reading()
    for line in _lines(file):
        if not seen.open_table:
            _look(line, seen)
        elif line == b"\\.":
            seen.open_table = ""
    for line in seen.last:
        for trailer, tool in _TRAILERS.items():
            if line.startswith(trailer):
                seen.trailer = tool
    return seen


def _look(line: bytes, seen: Reading) -> None:
    if match := _COPY.match(line):
        seen.open_table = match[1].decode("utf-8", "replace")
        seen.tables += 1
    elif match := _CREATE.match(line):
        seen.made = match[1].decode("utf-8", "replace")
    elif seen.made and (match := _ENGINE.match(line)):
        if match[1] not in _TRANSACTIONAL:
            seen.not_transactional.append(f"{seen.made} ({match[1].decode('ascii', 'replace')})")
        seen.made = ""
    if line.strip():
        seen.last = [*seen.last[1 - _LAST_LINES :], line[:200]]


def judge(file: Readable, tool: str) -> Findings:
    """Grade the dump `file` that `tool` wrote."""
    found = Findings()
    seen = read(file)
    if seen.open_table:
        found.corrupt.append(f"it ends in the middle of the rows of {seen.open_table}")
    elif not seen.trailer and not tool:
        found.unknown.append("no first or last line tells what wrote it, and whether it is whole")
    elif not seen.trailer:
        last = seen.last[-1][:60].decode("utf-8", "replace") if seen.last else "nothing"
        found.corrupt.append(f"it was cut: it ends with {last!r}, as no whole dump does")
    elif seen.not_transactional and tool in {"mariadb-dump", "mysqldump"}:
        found.unknown.append(
            "it holds tables without transactions, which a dump by --single-transaction reads at "
            f"another moment than the rest: {listed(seen.not_transactional)}"
        )
    else:
        found.checked.append("it is whole to its last line")
        found.limits.append("text carries no checksum of its rows")
    return found


def _lines(file: Readable) -> Iterator[bytes]:
    """Give the lines of `file`, long ones cut."""
    kept = b""
    while data := file.read(CHUNK_BYTES):
        lines = (kept + data).split(b"\n")
        kept = lines.pop()
        if len(kept) > _LINE_BYTES_MAX:
            kept = kept[:_LINE_BYTES_MAX]
        for line in lines:
            yield line.rstrip(b"\r")
    if kept:
        yield kept
