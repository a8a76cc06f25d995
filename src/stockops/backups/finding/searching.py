"""Read the log within the windows that are proven, and tell where to stop just before it."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from ... import counts, lab, scratch
from ...errors import ConfigError, Unsupported
from .. import archive, names
from ..archive import Log, Window, wal
from ..archive.showing import gap_line
from ..keys import Identities
from ..manifest import Manifest
from ..repository import Repository
from .binlog import Said, statements
from .naming import losses, matches
from .places import AT_MOST, Found, Place, Wanted, redacted
from .waldump import Commit, Names, commits, is_named, parts

_HOME = "public"  # what is found there without its schema
_ANEW = "its transaction made new files: TRUNCATE, VACUUM FULL, CLUSTER and ALTER TABLE look alike"


def find(
    repo: Repository,
    system: str,
    wanted: Wanted,
    *,
    identities: Identities = (),
    bin_directory: Path | None = None,
) -> Found:
    """
    Return the places in the log of `system` at which what is `wanted` happened.

    All of the log is read that can be recovered, the spool on this machine included, one piece on
    disk at a time (of PostgreSQL eight). Raises `StorageError` where a piece is damaged, and
    `Unsupported` for a statement in PostgreSQL's log, which holds none.
    """
    if system.startswith("pg-") and wanted.statement is not None:
        raise Unsupported(
            "PostgreSQL's log holds changed pages, not statements: nobody can find one in it",
            hint="Look for what it took away: --drop-table NAME; or take the time from the "
            "server's own log (log_statement = 'ddl') and restore --to that time.",
        )
    search = _Search(repo, system, wanted, identities)
    windows = archive.windows(repo, system)
    if len({window.branch for window in windows}) > 1 and system.startswith("pg-"):
        forks = archive.history(repo, system, windows[-1].branch)
        search.shared = {fork.timeline: fork.lsn for fork in forks}
        search.shared[windows[-1].branch] = forks[-1].lsn if forks else 0
    for window in windows:
        if window.gap is not None:
            search.gaps.append(gap_line(window.gap))
        if window.logs:
            if system.startswith("pg-"):
                search.postgresql(window, bin_directory)
            else:
                search.mariadb(window)
    return search.found()


@dataclass(slots=True)
class _Search:
    repo: Repository
    system: str
    wanted: Wanted
    identities: Identities
    places: deque[Place] = field(default_factory=lambda: deque(maxlen=AT_MOST))
    unknown: deque[Place] = field(default_factory=lambda: deque(maxlen=AT_MOST))
    met: int = 0
    seen: set[str] = field(default_factory=set)  # aims: two windows may share log
    read: list[Log] = field(default_factory=list)
    read_until: datetime | None = None
    transactions: int = 0
    silent: int = 0
    gaps: list[str] = field(default_factory=list)
    home: str = ""  # the database that the last backup is of
    shared: dict[int, int] = field(default_factory=dict)  # up to where a timeline is the last's

    def found(self) -> Found:
        notes = [
            f"a gap, and the log behind it up to the next backup, was not read: {gap}"
            for gap in self.gaps
        ]
        if self.silent:
            notes.append(
                f"{counts.of(self.silent, 'transaction')} changed rows without a word of SQL: "
                "binlog_annotate_row_events was off"
            )
        return Found(
            system=self.system,
            looked_for=self.wanted.title,
            places=list(self.places),
            unknown=self._unknown(),
            left_out=self.met - len(self.places),
            first=self.read[0].name if self.read else None,
            last=self.read[-1].name if self.read else None,
            read_until=self.read_until,
            transactions=self.transactions,
            notes=notes,
            gaps=len(self.gaps),
        )

    def _unknown(self) -> list[Place]:
        """
        Return what may be it, too: all without a name, where no place of the table is known.

        Until the first of these it has the name that the backups know; made again it has none.
        """
        if self.wanted.table is None or not self.places:
            return list(self.unknown)
        first = wal.lsn(self.places[0].lsn or "0/0")
        return [each for each in self.unknown if wal.lsn(each.lsn or "0/0") > first]

    def mariadb(self, window: Window) -> None:
        for manifest in _manifests(self.repo, self.system, window):
            self.home = manifest.database
        with scratch.directory("find") as folder:
            path = folder / "log"
            for log in _within(window.logs, self.wanted):
                archive.fetch(self.repo, log, path, identities=self.identities)
                after = window.start.offset if log.name == window.start.file else 0
                going, told = "", False
                for said in statements(path):
                    if said.offset < (after or 0):
                        continue
                    if said.gtid != going:
                        going, told = said.gtid, False
                        self.transactions += 1
                    self.read_until = said.at
                    if not told and (place := self._told(said, log)):
                        self._add(place)
                        told = True
                self._have_read(log)

    def postgresql(self, window: Window, bin_directory: Path | None) -> None:
        known, major = self._known(window)
        program = _waldump(major, bin_directory)
        logs = _within(window.logs, self.wanted)
        start = wal.lsn(window.start.lsn or "0/0")
        for commit in commits(
            self.repo, logs, program, branch=window.branch, identities=self.identities
        ):
            if commit.lsn < start:
                continue
            self.transactions += 1
            self.read_until = commit.at
            if commit.gone and self.wanted.holds(commit.at):
                self._judge(commit, known, window.branch)
            known.follow(commit)
        for log in logs:
            self._have_read(log)

    def _told(self, said: Said, log: Log) -> Place | None:
        """Return the place of the statement `said`, if it is what is looked for."""
        if not self.wanted.holds(said.at):
            return None
        if said.text is None:
            self.silent += 1
            return None
        what, tables, alone = "", [], []
        if self.wanted.statement is not None:
            if not self.wanted.statement.search(said.text):
                return None
            what = "statement"
        else:
            for loss in losses(said.text):
                name = self.wanted.table
                if name is None or matches(loss, name, database=said.database):
                    what = what or loss.what
                    where = loss.database or said.database
                    tables.append(f"{where}.{loss.table}" if loss.table else where)
                    if loss.table and loss.what == "drop":
                        alone.append(names.typed(where if where != self.home else None, loss.table))
            if not what:
                return None
        return Place(
            at=said.at,
            aim=f"before:gtid:{said.gtid}",
            what=what,
            tables=tables,
            statement=redacted(said.text),
            database=said.database,
            user=said.user,
            gtid=said.gtid,
            file=log.name,
            offset=said.offset,
            alone=alone,
        )

    def _judge(self, commit: Commit, known: Names, branch: int) -> None:
        tables, name = known.tables(commit.gone), self.wanted.table
        asked = [each for each in tables if name is None or is_named(each, name)]
        strange = known.unknown(commit.gone)
        where = f"@{branch}" if self.shared and commit.lsn > self.shared.get(branch, 0) else ""
        if asked:
            dropped = [] if commit.made else [parts(each) for each in asked]
            alone = [names.typed(space if space != _HOME else None, it) for space, it in dropped]
            self._add(_of_commit(commit, asked, where, alone))
        elif strange and not tables:
            files = [f"file {path}" for path in strange]
            self._add(_of_commit(commit, files, where), known=False)

    def _known(self, window: Window) -> tuple[Names, str]:
        """Return what the backups of `window` say of files, the newest word last."""
        relations: dict[str, str] = {}
        major = ""
        for said in _manifests(self.repo, self.system, window):
            relations.update(said.relations)
            major = said.server_version.split(".")[0]
        return Names(relations), major

    def _add(self, place: Place, *, known: bool = True) -> None:
        if place.aim in self.seen:
            return
        self.seen.add(place.aim)
        if known:
            self.met += 1
        (self.places if known else self.unknown).append(place)

    def _have_read(self, log: Log) -> None:
        self.read.append(log)
        if log.last_at and (self.read_until is None or log.last_at > self.read_until):
            self.read_until = log.last_at


def _of_commit(
    commit: Commit, tables: Sequence[str], where: str, alone: Sequence[str] = ()
) -> Place:
    lsn = wal.lsn_text(commit.lsn)
    return Place(
        at=commit.at,
        aim=f"before:lsn:{lsn}{where}",
        what="truncate or rewrite" if commit.made else "drop",
        tables=tables,
        lsn=lsn,
        xid=commit.xid,
        note=_ANEW if commit.made else "",
        alone=alone,
    )


def _manifests(repo: Repository, system: str, window: Window) -> Iterator[Manifest]:
    backups: Mapping[str, Manifest | None] = {
        each.id: each.manifest for each in repo.backups(system)
    }
    for name in window.backups:
        if (said := backups.get(name)) is not None:
            yield said


def _within(logs: Sequence[Log], wanted: Wanted) -> list[Log]:
    """Leave out the pieces that are over before what is wanted, or begin after it."""
    found: list[Log] = []
    for log in logs:
        if wanted.since and log.last_at and log.last_at < wanted.since:
            found = [log]  # a record may cross the border to the next one
            continue
        found.append(log)
        if wanted.until and log.last_at and log.last_at > wanted.until:
            break
    return found


def _waldump(major: str, directory: Path | None) -> Path:
    programs = lab.ENGINES["postgresql"].find(version=major or None, directory=directory).directory
    program = programs / "pg_waldump"
    if not program.is_file():
        raise ConfigError(
            f"there is no pg_waldump in {str(programs)!r}",
            hint="Install the server's programs, or name their directory with --bin.",
        )
    return program
