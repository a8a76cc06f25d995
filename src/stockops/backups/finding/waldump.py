"""
Transactions in PostgreSQL's log that took files of tables away.

The log holds no SQL. What a commit says is which files go with it, by the number of their file;
which table that was, the manifests of backups say, and for a table that was rewritten since, the
transaction that rewrote it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from ... import children, scratch
from .. import archive, credentials
from ..archive import Log, wal
from ..keys import Identities
from ..repository import Repository

_PIECES = 8  # of the log that lie on disk at a time
_TOOL_S = 600.0
_FIRST_OF_USERS = 16384
LINE = re.compile(
    r"^rmgr: \w+ .*?, tx: +(?P<xid>\d+), lsn: (?P<lsn>[0-9A-F]+/[0-9A-F]+), .*?desc: (?P<said>.*)$"
)
COMMIT = re.compile(
    r"^COMMIT(?:_PREPARED (?P<prepared>\d+):)? (?P<at>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?) "
)
_RELS = re.compile(r"; rels: (?P<paths>[^;]+)")
INNER = re.compile(r"; subxacts: (?P<xids>[\d ]+)")
_RELATION = re.compile(
    r'(?:(?P<part>index|toast|sequence) of )?(?P<name>(?:"(?:[^"]|"")*"|[^" ])+)'
    r"(?: of (?P<parent>.+))?"
)
_PART = r'"(?:[^"]|"")*"|[^".]+'


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit, which begins at `lsn`: the files that went with it, those it made."""

    xid: int
    lsn: int
    at: datetime
    gone: Sequence[str]
    made: Sequence[str]


def commits(
    repo: Repository,
    logs: Sequence[Log],
    program: Path,
    *,
    branch: int,
    identities: Identities = (),
) -> Iterator[Commit]:
    """
    Give the commits in `logs`, which go on from each other and lead to the timeline `branch`.

    Each batch begins with the last segment of the one before it: a record may cross the border.
    """
    reader = _Reader()
    with scratch.directory("find") as there:
        for first in range(0, max(len(logs) - 1, 1), _PIECES - 1):
            batch = logs[first : first + _PIECES]
            wanted = {wal.segment_name(branch, log.number, log.raw_bytes): log for log in batch}
            for path in there.glob("0*"):
                if path.name not in wanted:
                    path.unlink()
            for name, log in wanted.items():
                if not (there / name).exists():
                    archive.fetch(repo, log, there / name, identities=identities)
            yield from reader.take(_lines(program, there, branch, batch))


def _lines(program: Path, there: Path, branch: int, batch: Sequence[Log]) -> Iterator[str]:
    begin = wal.lsn_text(batch[0].number * batch[0].raw_bytes)
    argv: list[str | Path] = [
        program,
        "-p",
        there,
        "-t",
        str(branch),
        "-r",
        "Transaction",
        "-r",
        "Storage",
    ]
    child = children.start(
        [*argv, "-s", begin, "-e", batch[-1].end.lsn or begin],
        cwd=there,
        log=there / "tool.log",
        env=credentials.environment(),
        pipes="r",
    )
    try:
        for line in child.stdout:
            yield line.decode("utf-8", "replace")
        child.finish(within_s=_TOOL_S)
    finally:
        child.end()


@dataclass(slots=True)
class _Reader:
    made: dict[int, list[str]] = field(default_factory=dict)  # by transactions that go on
    last: int = 0

    def take(self, lines: Iterator[str]) -> Iterator[Commit]:
        for line in lines:
            match = LINE.match(line)
            if match is None or (lsn := wal.lsn(match["lsn"])) <= self.last:
                continue
            self.last = lsn
            xid, said = int(match["xid"]), match["said"]
            if said.startswith("CREATE "):
                path = said.split()[1]
                if "_" not in path.rpartition("/")[2]:  # another fork of a file that is named, too
                    self.made.setdefault(xid, []).append(path)
            elif said.startswith("ABORT"):
                self._made_by(xid, said)
            elif commit := COMMIT.match(said):
                xid = int(commit["prepared"] or xid)
                gone = _RELS.search(said)
                yield Commit(
                    xid=xid,
                    lsn=lsn,
                    at=datetime.fromisoformat(commit["at"]).replace(tzinfo=UTC),
                    gone=gone["paths"].split() if gone else (),
                    made=self._made_by(xid, said),
                )

    def _made_by(self, xid: int, said: str) -> list[str]:
        inner = INNER.search(said)
        found = self.made.pop(xid, [])
        for each in inner["xids"].split() if inner else ():
            found += self.made.pop(int(each), [])
        return found


class Names:
    """Which table a file is of, as the backups say, and as the log goes on from there."""

    def __init__(self, relations: Mapping[str, str]) -> None:
        self._relations = dict(relations)

    def tables(self, paths: Sequence[str]) -> list[str]:
        """Return the tables whose rows are in `paths`; a partition as "name of table"."""
        said = [self._relations.get(path, "") for path in paths]
        return sorted({each for each in said if each and not _parts(each)[0]})

    def unknown(self, paths: Sequence[str]) -> list[str]:
        """Return those of `paths` that no name is known of; the server's own are left out."""
        return [
            path
            for path in paths
            if path not in self._relations and int(path.rpartition("/")[2]) >= _FIRST_OF_USERS
        ]

    def follow(self, commit: Commit) -> None:
        """Learn from a transaction that replaced all files of one table: the new ones are its."""
        if not commit.made or not commit.gone or self.unknown(commit.gone):
            return
        owners = {_owner(self._relations[path]) for path in commit.gone if path in self._relations}
        if len(owners) == 1 and len(self.tables(commit.gone)) == 1:
            [table] = self.tables(commit.gone)
            self._relations.update(dict.fromkeys(commit.made, table))


def is_named(table: str, wanted: str) -> bool:
    """Tell whether `wanted` means `table`, or what that is a partition of."""
    _, name, parent = _parts(table)
    return any(wanted in _ways(each) for each in (name, parent) if each)


def _owner(relation: str) -> str:
    return _parts(relation)[1]


def _parts(relation: str) -> tuple[str, str, str]:
    match = _RELATION.fullmatch(relation)
    if match is None:
        return "", relation, ""
    return match["part"] or "", match["name"], match["parent"] or ""


def parts(table: str) -> tuple[str, str]:
    """Return the schema and the name of `table`, without quotes; of a partition, its own."""
    quoted = re.findall(_PART, _parts(table)[1])
    space, name = (
        each[1:-1].replace('""', '"') if each[0] == '"' else each for each in quoted[-2:]
    )
    return space, name


def parent(table: str) -> tuple[str, str] | None:
    """Return what `table` is a partition of, as `parts` does; None where it is none."""
    part, _, of = _parts(table)
    return parts(of) if of and not part else None


def _ways(name: str) -> set[str]:
    """Return how somebody may write `name`, which is quoted where it must be."""
    space, plain = parts(name)
    return {name, re.findall(_PART, name)[-1], plain, f"{space}.{plain}"}
