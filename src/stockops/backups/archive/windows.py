"""
What can be recovered, proven by names: each backup, and the log that goes on from it without a gap.

Nothing is read but the manifests of the backups, the ledger, the histories of timelines and, on
the machine that receives the log, the spool.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from ..manifest import Manifest, Position
from ..repository import Repository
from . import ledger, spool, wal
from .binlog import number_of
from .ledger import Gap, Log

_GRAIN = timedelta(seconds=1)  # of the times in a binary log


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """
    From where to where `system` can be brought back, on the timeline or series `branch`.

    `start` is where the first of `backups` (ids, the oldest first) is whole, and `start_at` when
    it was: the clock is that of the machine that took it. `end` is where the log ends that is
    there without a gap, `end_at` when the last transaction before that ended by the server's
    clock. `logs` are the pieces from `start` to `end`, none where there is only the backup; the
    last ones may be in the spool (`Log.object` is None).

    PostgreSQL stops at a time only when it meets a transaction that ended later: a time must be
    less than `end_at`. What ended at `end_at` is reached by the position `end`.

    `gap` is what ends it although there is more log: whoever goes to its end loses what is behind.
    """

    system: str
    branch: int
    backups: Sequence[str]
    start: Position
    start_at: datetime
    end: Position
    end_at: datetime
    logs: Sequence[Log]
    gap: Gap | None = None

    def logs_from(self, backup: Manifest) -> list[Log]:
        """Return the pieces that a restore of `backup`, one of these, replays."""
        if backup.stop.file is not None:
            first = number_of(backup.stop.file)
        elif self.logs:
            first = wal.lsn(backup.start.lsn or "0/0") // self.logs[0].raw_bytes
        else:
            first = 0
        return [log for log in self.logs if log.number >= first]


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """The windows of a system, and the gaps after its oldest backup."""

    system: str
    windows: Sequence[Window]
    gaps: Sequence[Gap]


def windows(
    repo: Repository, system: str, *, suspect: bool = False, tail: Sequence[Log] = ()
) -> list[Window]:
    """
    Return the windows of `system`, the last one last; `suspect`: of broken backups too.

    `tail` is log that is neither archived nor in the spool.
    """
    return list(coverage(repo, system, suspect=suspect, tail=tail).windows)


def missing(repo: Repository, system: str) -> list[Gap]:
    """Return every gap in the log of `system`, those before its oldest backup too."""
    paths = _paths(repo, system)
    return _unique(gap for path in paths for gap in path.gaps)


def coverage(
    repo: Repository, system: str, *, suspect: bool = False, tail: Sequence[Log] = ()
) -> Coverage:
    """Return the windows of `system`, and the gaps that a restore to a later moment would meet."""
    manifests = _restorable(repo, system, suspect)
    found: list[Window] = []
    gaps: list[Gap] = []
    placed: set[str] = set()
    cut: dict[str, Gap] = {}
    paths = _paths(repo, system, tail)
    lost = _lost(manifests, paths)
    for path in paths:
        usable = [
            each for each in manifests if path.holds(each, anyhow=lost.get(each.id) == path.branch)
        ]
        numbers = {each.id: path.stops_in(each) for each in usable}
        for run in path.runs():
            inside = [
                each for each in usable if run[0].number <= numbers[each.id] <= run[-1].number
            ]
            if inside:
                placed.update(each.id for each in inside)
                found.append(_window(system, path, run, inside, numbers))
        for each in manifests:
            if (gap := path.cut_off(each)) is not None:
                cut.setdefault(each.id, gap)
        if usable:
            oldest = min(numbers.values())
            gaps += [gap for gap in path.gaps if gap.number > oldest]
    found += [_point(each, cut.get(each.id)) for each in manifests if each.id not in placed]
    # Log that no backup leads to is told; where a later backup goes on with it, it is history.
    gaps += [gap for name, gap in cut.items() if name > max(placed, default="")]
    found.sort(key=_order)
    return Coverage(system=system, windows=found, gaps=_unique(gaps))


def _restorable(repo: Repository, system: str, suspect: bool) -> list[Manifest]:
    """Return the physical backups of which no link is missing, or, unless `suspect`, broken."""
    found: dict[str, Manifest] = {}
    for each in repo.backups(system):  # a parent is older than what builds upon it
        said = each.manifest
        if said is None or said.method != "physical" or (each.state == "broken" and not suspect):
            continue
        if said.parent is None or said.parent in found:
            found[said.id] = said
    return list(found.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Path:
    """The log that leads to the end of one branch, through those it came from."""

    branch: int
    logs: Sequence[Log]
    gaps: Sequence[Gap]
    forks: Sequence[wal.Fork] = ()
    segment_bytes: int = 0

    def runs(self) -> Iterator[list[Log]]:
        """Give the pieces without a gap between them."""
        breaks = {
            (gap.branch, gap.number + gap.count) for gap in self.gaps if gap.kind == "missing"
        }
        breaks |= {(gap.branch, gap.number) for gap in self.gaps if gap.kind == "torn"}
        bad = {(gap.branch, gap.number) for gap in self.gaps if gap.kind == "conflict"}
        run: list[Log] = []
        for log in self.logs:
            key = (log.branch, log.number)
            jumps = bool(run) and log.number != run[-1].number + 1
            if (key in breaks or key in bad or jumps) and run:
                yield run
                run = []
            if key not in bad:
                run.append(log)
        if run:
            yield run

    def gap_after(self, number: int) -> Gap | None:
        """Return the first thing that is missing behind the piece `number`, and before others."""
        behind = [log for log in self.logs if log.number > number]
        found = [gap for gap in self.gaps if gap.number > number]
        if behind and behind[0].number > number + 1:
            found.append(_missing(behind[0], number + 1, behind[0].number - 1))
        return min(found, key=lambda gap: gap.number, default=None)

    def cut_off(self, backup: Manifest) -> Gap | None:
        """Return what is missing between `backup` and the log that came after it."""
        number = self.stops_in(backup)
        if not self.holds(backup):
            ended_at = datetime.fromisoformat(backup.ended_at)
            later = [log for log in self.logs if log.number > number]
            of_it = later and len(later) == len(self.logs) and not self.segment_bytes
            if not (of_it and later[0].first_at and later[0].first_at >= ended_at - _GRAIN):
                return None
        return self.gap_after(number - 1)

    def holds(self, backup: Manifest, *, anyhow: bool = False) -> bool:
        """Tell whether `backup` lies on this path; `anyhow`: even where its clock says no."""
        stop = backup.stop
        if self.segment_bytes:
            if stop.lsn is None:
                return False
            at = {fork.timeline: fork.lsn for fork in self.forks}
            at[self.branch] = 1 << 64
            return wal.lsn(stop.lsn) <= at.get(stop.timeline or 0, -1)
        if stop.file is None or stop.offset is None:
            return False
        number = number_of(stop.file)
        said = _gtid_in if anyhow else _is_in
        return any(log.number == number and said(backup, log) for log in self.logs)

    def stops_in(self, backup: Manifest) -> int:
        """Return the number of the piece in which `backup` stops."""
        if self.segment_bytes:
            return wal.lsn(backup.stop.lsn or "0/0") // self.segment_bytes
        return number_of(backup.stop.file or ".0")


def _paths(repo: Repository, system: str, tail: Sequence[Log] = ()) -> list[_Path]:
    archived = ledger.logs(repo, system)
    there = {(log.branch, log.number) for log in archived}
    waiting = spool.tails(repo, system, more=tail)
    pieces = archived + [log for log in waiting if (log.branch, log.number) not in there]
    pieces.sort(key=lambda log: (log.branch, log.number))
    branches = sorted({log.branch for log in pieces})
    if system.startswith("pg-"):
        return [_timeline(repo, system, each, pieces) for each in branches]
    series = [[log for log in pieces if log.branch == each] for each in branches]
    return [_Path(branch=each[0].branch, logs=each, gaps=ledger.missing(each)) for each in series]


def _timeline(repo: Repository, system: str, timeline: int, pieces: Sequence[Log]) -> _Path:
    """Return the segments that recovery to the end of `timeline` reads."""
    size = pieces[0].raw_bytes
    forks = ledger.history(repo, system, timeline)
    # The segment in which a timeline was left is read under the name of the next one.
    ends = {fork.timeline: fork.lsn // size for fork in forks}
    begins = {later.timeline: fork.lsn // size for fork, later in pairwise(forks)}
    if forks:
        begins[timeline] = forks[-1].lsn // size
    ends[timeline] = 1 << 64
    path = [
        log
        for log in pieces
        if log.branch in ends and begins.get(log.branch, 0) <= log.number < ends[log.branch]
    ]
    path.sort(key=lambda log: (log.number, log.branch))
    gaps = ledger.missing(path)
    for before, log in pairwise(path):
        if log.branch != before.branch and log.number > before.number + 1:
            gaps += _across(before, log, begins)
    return _Path(branch=timeline, logs=path, gaps=gaps, forks=forks, segment_bytes=size)


def _across(before: Log, log: Log, begins: dict[int, int]) -> Iterator[Gap]:
    """Give what is missing between two timelines: the old one's last, the new one's first."""
    fork = begins.get(log.branch, log.number)
    for owner, first, last in (
        (before, before.number + 1, min(fork, log.number) - 1),
        (log, max(fork, before.number + 1), log.number - 1),
    ):
        if first <= last:
            yield _missing(owner, first, last)


def _missing(owner: Log, first: int, last: int) -> Gap:
    return Gap(
        system=owner.system,
        branch=owner.branch,
        kind="missing",
        first=ledger.renumbered(owner, first),
        last=ledger.renumbered(owner, last),
        count=last - first + 1,
        number=first,
    )


def _window(
    system: str, path: _Path, run: Sequence[Log], inside: Sequence[Manifest], at: dict[str, int]
) -> Window:
    first = inside[0]
    # Recovery begins before the backup stopped; what it carries itself, an archive need not hold.
    earliest = wal.lsn(first.start.lsn or "0/0") // path.segment_bytes if path.segment_bytes else 0
    logs = [log for log in run if log.number >= (earliest or at[first.id])]
    after = [log for log in logs if log.number >= at[first.id]]
    moments = [log.last_at for log in after if log.last_at]
    start_at = datetime.fromisoformat(first.ended_at)
    end = logs[-1].end
    if _before(end, first.stop):  # the log is still on its way
        end = first.stop
    return Window(
        system=system,
        branch=path.branch,
        backups=[each.id for each in inside],
        start=first.stop,
        start_at=start_at,
        end=end,
        end_at=max([start_at, *moments]),
        logs=logs,
        gap=path.gap_after(run[-1].number),
    )


def _point(backup: Manifest, gap: Gap | None) -> Window:
    """Return the window of a backup without log: the moment at which it is whole."""
    at = datetime.fromisoformat(backup.ended_at)
    return Window(
        system=backup.system,
        branch=backup.stop.timeline or 1,
        backups=[backup.id],
        start=backup.stop,
        start_at=at,
        end=backup.stop,
        end_at=at,
        logs=[],
        gap=gap,
    )


def _lost(manifests: Sequence[Manifest], paths: Sequence[_Path]) -> dict[str, int]:
    """
    Return the branch of each backup that lies on none by its clock, and on one by its GTIDs.

    The clock went back before it, so that it seems to be older than the log it stopped in.
    """
    found = {}
    for each in manifests:
        if not any(path.holds(each) for path in paths):
            on = [path.branch for path in paths if path.holds(each, anyhow=True)]
            if len(on) == 1:
                found[each.id] = on[0]
    return found


def _before(end: Position, stop: Position) -> bool:
    return _place(end) < _place(stop)


def _order(window: Window) -> tuple[int, tuple[int, int], datetime, str]:
    """Return what orders windows: by timeline and place, of MariaDB by when backups were taken."""
    if window.start.file is None:
        return window.branch, _place(window.start), window.start_at, ""
    # Its files begin anew with 1, and of a backup that no log goes on from none tells the series.
    return 0, (0, 0), datetime.min.replace(tzinfo=UTC), window.backups[-1]


def _place(position: Position) -> tuple[int, int]:
    """Return what orders positions on one branch, whatever a clock said."""
    if position.file is None:
        return wal.lsn(position.lsn or "0/0") if "/" in (position.lsn or "") else 0, 0
    return number_of(position.file), position.offset or 0


def _is_in(backup: Manifest, log: Log) -> bool:
    """Tell whether `backup` stopped in `log`, and not in another file of that name."""
    if log.first_at and log.first_at > datetime.fromisoformat(backup.ended_at) + _GRAIN:
        return (backup.stop.offset or 0) <= _HEAD_BYTES_MAX and _gtid_in(backup, log)
    return _gtid_in(backup, log)


_HEAD_BYTES_MAX = 4096  # before the first transaction of a file


def _gtid_in(backup: Manifest, log: Log) -> bool:
    for text in filter(None, (backup.stop.gtid or "").split(",")):
        domain, server, sequence = map(int, text.strip().split("-"))
        pair = (domain, server)
        upper = log.after.get(pair, 0) if log.object else 1 << 64
        if not log.before.get(pair, 0) <= sequence <= upper:
            return False
    return True


def _unique(gaps: "Iterator[Gap] | list[Gap]") -> list[Gap]:
    return list(dict.fromkeys(gaps))
