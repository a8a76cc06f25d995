"""What the log of a PostgreSQL that is down holds after the place where another one left it."""

import re
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from .. import children, scratch
from ..backups import credentials
from ..backups.archive import wal
from ..backups.finding.waldump import COMMIT, INNER, LINE
from ..backups.questions import RELATIONS
from ..engine import connect
from ..engine.base import Server
from ..errors import ServerError
from ..lab import Lab
from .facts import DATABASES, Lost

CONTROL_S = 10.0
_SYSTEM = re.compile(r"system identifier: +(\d+)")
_HISTORY = re.compile(r"^(\d+)\t([0-9A-F]+/[0-9A-F]+)", re.MULTILINE)
_SEGMENT = re.compile(r"([0-9A-F]{8})[0-9A-F]{16}")
_ROWS = re.compile(r"^(INSERT|UPDATE|HOT_UPDATE|DELETE|MULTI_INSERT)\b")
_MANY = re.compile(r"ntuples: (\d+)|(\d+) tuples")
_RELATION = re.compile(r"blkref #0: rel \d+/(\d+)/(\d+)")
_FOREVER = 1 << 63

Branch = tuple[int, int]  # a timeline, and where it was left
Row = tuple[str, str, bool]  # the numbers of a database and a file, and whether it was new


def lost(old: Lab, new: Lab) -> Lost:
    """Return what `old`, which is down, has written that `new`, which took over, never got."""
    if _system(old) != _system(new):
        return Lost(parted=True, unread=f"{old.name} and {new.name} are different clusters")
    try:
        with connect(new.url("postgres")) as server:
            mine = _branches(new, _timeline(server))
        theirs = _branches(old, _newest(old))
    except OSError as exc:
        return Lost(parted=True, unread=f"{exc.filename}: {exc.strerror}")
    fork = _fork(theirs, mine)
    if fork is None:
        return Lost(parted=True, unread=f"the servers {old.name} and {new.name} have no common log")
    timeline, left = theirs[-1][0], fork
    if left >= _FOREVER:  # the same timeline: one is merely behind the other
        return Lost()
    since = wal.lsn_text(left)
    reader = _Reader()
    try:
        reader.take(_lines(old, timeline, since), after=left)
    except ServerError as exc:
        return Lost(parted=True, since=since, unread=str(exc).partition("\n")[0])
    names = _names(new, {number for number, *_ in reader.rows})
    rows: Counter[str] = Counter()
    new_rows: Counter[str] = Counter()
    for (database, file, is_new), count in reader.rows.items():
        if name := names.get((database, file)):
            rows[name] += count
            if is_new:
                new_rows[name] += count
    return Lost(
        transactions=len(reader.committed),
        rows=dict(rows),
        new_rows=dict(new_rows),
        since=since,
        first_at=min(reader.committed, default=None),
        last_at=max(reader.committed, default=None),
        parted=reader.records > 0,
    )


def _system(lab: Lab) -> str:
    said = subprocess.run(
        [lab.programs / "pg_controldata", "-D", lab.data],
        capture_output=True,
        text=True,
        env=credentials.environment(),
        timeout=CONTROL_S,
        check=False,
    ).stdout
    match = _SYSTEM.search(said)
    return match[1] if match else f"unknown, of {lab.name}"


def _timeline(server: Server) -> int:
    asked = "SELECT pg_walfile_name(pg_current_wal_lsn()) AS name"
    return int(str(server.rows(asked)[0]["name"])[:8], 16)


def _newest(lab: Lab) -> int:
    found = (_SEGMENT.fullmatch(path.name) for path in (lab.data / "pg_wal").iterdir())
    return max((int(match[1], 16) for match in found if match), default=1)


def _branches(lab: Lab, timeline: int) -> list[Branch]:
    """Return the timelines that led to `timeline`, each with where it was left, and that one."""
    path = lab.data / "pg_wal" / f"{timeline:08X}.history"
    text = path.read_text(encoding="utf-8") if timeline > 1 else ""
    left = [(int(number), wal.lsn(lsn)) for number, lsn in _HISTORY.findall(text)]
    return [*left, (timeline, _FOREVER)]


def _fork(theirs: Sequence[Branch], mine: Sequence[Branch]) -> int | None:
    """Return where theirs leaves mine; None where they never met."""
    fork = None
    for one, other in zip(theirs, mine, strict=False):
        if one[0] != other[0]:
            break
        fork = min(one[1], other[1])
    return fork


def _lines(old: Lab, timeline: int, since: str) -> Iterator[str]:
    with scratch.directory("replica") as there:
        argv: list[str | Path] = [
            old.programs / "pg_waldump",
            "-p",
            old.data / "pg_wal",
            "-t",
            str(timeline),
        ]
        log = there / "tool.log"
        child = children.start(
            [*argv, "-s", since], cwd=there, log=log, env=credentials.environment(), pipes="r"
        )
        try:
            some = False
            for line in child.stdout:
                some = True
                yield line.decode("utf-8", "replace")
            said = " ".join(children.tail(log))
            # It always ends with an error, for no record comes after the last one.
            if not some and "could not find a valid record" not in said and said:
                raise children.failed("pg_waldump read nothing", log)
        finally:
            child.end()


@dataclass(slots=True)
class _Reader:
    """Counts what committed transactions changed."""

    records: int = 0
    committed: list[datetime] = field(default_factory=list)
    rows: Counter[Row] = field(default_factory=Counter)
    going: dict[int, Counter[Row]] = field(default_factory=dict)

    def take(self, lines: Iterable[str], *, after: int) -> None:
        """Take the records that begin at `after` or later."""
        for line in lines:
            match = LINE.match(line)
            if match is None or wal.lsn(match["lsn"]) < after:
                continue
            self.records += 1
            self._one(int(match["xid"]), match["said"])

    def _one(self, xid: int, said: str) -> None:
        if commit := COMMIT.match(said):
            inner = INNER.search(said)
            all_of_it = [int(commit["prepared"] or xid)]
            all_of_it += [int(each) for each in inner["xids"].split()] if inner else []
            for each in all_of_it:
                self.rows += self.going.pop(each, Counter())
            self.committed.append(datetime.fromisoformat(commit["at"]).replace(tzinfo=UTC))
        elif _ROWS.match(said) and (relation := _RELATION.search(said)):
            many = _MANY.search(said) if said.startswith("MULTI") else None
            count = int(many[1] or many[2]) if many else 1
            row = (relation[1], relation[2], "INSERT" in said.partition(" ")[0])
            self.going.setdefault(xid, Counter())[row] += count


def _names(new: Lab, numbers: set[str]) -> Mapping[tuple[str, str], str]:
    """Return the tables by the numbers of their database and file; catalogs have none here."""
    with connect(new.url("postgres")) as server:
        databases = [each for each in server.fetch(DATABASES) if each.number in numbers]
    found = {}
    for database in databases:
        with connect(new.url(database.name)) as server:
            for each in server.fetch(RELATIONS):
                if " of " not in each.name or each.name.partition(" of ")[0] not in _PARTS:
                    number = each.path.rpartition("/")[2]
                    found[database.number, number] = each.name.rpartition(" of ")[2]
    return found


_PARTS = frozenset({"index", "toast", "sequence"})
