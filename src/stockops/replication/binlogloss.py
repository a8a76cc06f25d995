"""What the binary logs of a MariaDB hold that another server never got."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from .. import children, scratch
from ..backups import credentials
from ..backups.mariadb import program
from ..engine import connect
from ..engine.base import Server
from ..errors import ServerError
from ..lab import Lab
from .facts import Lost

READ_S = 600.0
_GTID = re.compile(
    r"^#(?P<at>\d{6} +\d+:\d\d:\d\d) server id (?P<server>\d+) .*\tGTID "
    r"(?P<domain>\d+)-\d+-(?P<number>\d+)"
)
_ROW = re.compile(r"^### (?:INSERT INTO|UPDATE|DELETE FROM) `(?P<base>[^`]*)`\.`(?P<table>[^`]*)`")

Known = Mapping[tuple[int, int], int]  # the last number of each domain and server


def lost(old: Lab, new: Lab, *, keep: Path | None) -> Lost:
    """Return what stands in the logs of `old` and not in `new`; its text is written to `keep`."""
    with connect(new.url("mysql")) as server:
        known = known_to(server)
    index = old.data / "binlog.index"
    try:
        files = [
            old.data / Path(each).name for each in index.read_text("utf-8").split("\n") if each
        ]
    except OSError as exc:
        return Lost(parted=True, unread=f"{index}: {exc.strerror}")
    found: list[_Counted] = []
    try:
        for file in reversed(files):  # what is lost stands at the end
            found.append(_count(file, known))
            if found[-1].knows:
                break
    except ServerError as exc:
        return Lost(parted=True, unread=str(exc).partition("\n")[0])
    if not any(each.transactions for each in found):
        return Lost()
    if keep is not None:
        with keep.open("w", encoding="utf-8") as said:
            for each in reversed(found):
                _count(each.file, known, into=said)
    return _added(found, keep)


def positions(text: str) -> dict[tuple[int, int], int]:
    """Return the last number of each domain and server in a list of GTIDs."""
    found: dict[tuple[int, int], int] = {}
    for part in filter(None, (each.strip() for each in text.split(","))):
        domain, server, number = map(int, part.split("-"))
        found[domain, server] = max(number, found.get((domain, server), 0))
    return found


def known_to(server: Server) -> Known:
    """Return the last number of each that `server` has, written here or copied with the data."""
    row = server.rows("SELECT @@GLOBAL.gtid_binlog_state AS a, @@GLOBAL.gtid_slave_pos AS b")[0]
    return positions(f"{row['a'] or ''},{row['b'] or ''}")


@dataclass(slots=True)
class _Counted:
    """What one binary log holds that is not known."""

    file: Path
    knows: bool = False
    transactions: int = 0
    since: str = ""  # the last known one before them
    times: list[datetime] = field(default_factory=list)
    rows: Counter[str] = field(default_factory=Counter)
    new_rows: Counter[str] = field(default_factory=Counter)


def _added(found: list[_Counted], keep: Path | None) -> Lost:
    rows: Counter[str] = Counter()
    new_rows: Counter[str] = Counter()
    for each in found:
        rows += each.rows
        new_rows += each.new_rows
    times = [at for each in found for at in each.times]
    return Lost(
        transactions=sum(each.transactions for each in found),
        rows=dict(rows),
        new_rows=dict(new_rows),
        since=found[-1].since or "the beginning",
        first_at=min(times, default=None),
        last_at=max(times, default=None),
        parted=True,
        kept=keep,
    )


def _count(file: Path, known: Known, *, into: TextIO | None = None) -> _Counted:
    counted, counts = _Counted(file), False
    for line in _lines(file):
        if match := _GTID.match(line):
            key = (int(match["domain"]), int(match["server"]))
            counts = int(match["number"]) > known.get(key, 0)
            if counts:
                counted.transactions += 1
                counted.times.append(
                    datetime.strptime(match["at"], "%y%m%d %H:%M:%S").replace(tzinfo=UTC)
                )
            elif not counted.transactions:
                counted.knows = True
                counted.since = f"{key[0]}-{key[1]}-{match['number']}"
        elif counts and (row := _ROW.match(line)):
            table = f"{row['base']}.{row['table']}"
            counted.rows[table] += 1
            counted.new_rows[table] += line.startswith("### INSERT")
        if counts and into is not None:
            into.write(line)
    return counted


def _lines(file: Path) -> Iterator[str]:
    with scratch.directory("replica") as there:
        log = there / "tool.log"
        child = children.start(
            [program("mariadb-binlog"), "--no-defaults", "-v", "--base64-output=decode-rows", file],
            cwd=there,
            log=log,
            env=credentials.environment(),
            pipes="r",
        )
        try:
            for line in child.stdout:
                yield line.decode("utf-8", "replace")
            child.finish(within_s=READ_S)
        finally:
            child.end()
