"""
Which backups and which log a restore takes, before anything is written.

A target outside the windows that are proven is refused, and the windows are named: a server that
is told to stop where its log does not reach either fails after an hour, or starts without a word
on what there was.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ...errors import ConfigError, Refused, StorageError
from ...plan import Step
from .. import archive
from ..archive import Log, Stopped, Window, wal
from ..archive.showing import gap_line, place
from ..keys import Identities
from ..manifest import Manifest, Position
from ..repository import Backup, Repository
from .aims import Aim
from .chains import chain, require_sound

_SOUGHT = ("xid", "name")  # what no piece of the archive says of itself
_RESTORE_BYTES_PER_S = 60e6  # until a drill has measured it


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """
    What will be restored: `links` from the full backup on, then `logs` up to `aim`.

    `stopped` is the server that stood where it goes, if it is the same system.
    """

    links: Sequence[Backup]
    logs: Sequence[Log]
    aim: Aim
    window: Window
    predicted_s: float
    stopped: Stopped | None = None

    @property
    def tail(self) -> Sequence[Log]:
        """Those of `logs` that nothing holds but the directory of the stopped server."""
        own = self.stopped.tail if self.stopped else ()
        return [log for log in self.logs if log in own]

    @property
    def last(self) -> Manifest:
        """The manifest of the last link."""
        return manifest_of(self.links[-1])

    @property
    def raw_bytes(self) -> int:
        """How much is written: every link, and the log."""
        linked = sum(manifest_of(link).raw_bytes for link in self.links)
        return linked + sum(log.raw_bytes for log in self.logs)

    def steps(self, where: str) -> list[Step]:
        """Return what the restore would do."""
        found = [
            Step(
                action=f"unpack {link.id}",
                why=f"{manifest_of(link).raw_bytes >> 20:,} MB, each byte checked, into {where}",
            )
            for link in self.links
        ]
        if len(self.links) > 1:
            found.append(Step(action="combine the links", why="each one was checked before"))
        if self.tail:
            found.append(
                Step(
                    action=f"keep a copy of {len(self.tail)} logs of the stopped server",
                    why=f"the archive does not have them, {self.tail[0].name} is the first",
                )
            )
        if self.logs:
            found.append(
                Step(
                    action=f"replay {len(self.logs)} logs",
                    why=f"{self.logs[0].name} to {self.logs[-1].name}",
                )
            )
        why = "an explicit target: a gap is fatal"
        if self.aim.kind in _SOUGHT:
            why += "; only the recovery finds out whether the log has it"
        found.append(Step(action=f"stop at {self.aim}", why=why))
        found.append(
            Step(
                action="start it",
                why="archiving off, numbers of orders go on behind a gap; about "
                f"{self.predicted_s:.0f} s in all",
            )
        )
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Means:
    """What a restore of `system` may be made of; `identities` open what is encrypted."""

    system: str
    start: Backup | None
    identities: Identities
    suspect: bool = False
    stopped: Stopped | None = None


def plan(
    repo: Repository,
    aim: Aim,
    *,
    system: str,
    start: Backup | None = None,
    identities: Identities = (),
    suspect: bool = False,
) -> Recovery:
    """
    Return how `system` gets to `aim`, from the backup `start` or the best one for it.

    `identities` open the last piece of an encrypted log, in which a place may be that no recovery
    can be told to stop at; without them that is found out by the recovery.
    """
    means = _Means(system=system, start=start, identities=identities, suspect=suspect)
    return _planned(repo, aim, means)


def plan_in_place(
    repo: Repository,
    aim: Aim,
    directory: Path,
    *,
    system: str,
    start: Backup | None = None,
    identities: Identities = (),
) -> Recovery:
    """
    Return how the data of a stopped server in `directory` are replaced; otherwise like `plan`.

    The tail of its log is taken along, and to the end of the log means to its end, too.
    """
    stopped = None
    try:
        stopped = archive.stopped(repo, directory, system=system)
    except StorageError:  # the moment was named: nothing behind it is wanted
        if aim.kind == "end":
            raise
    means = _Means(system=system, start=start, identities=identities, stopped=stopped)
    return _planned(repo, aim, means)


def _planned(repo: Repository, aim: Aim, means: _Means) -> Recovery:
    system, start, stopped = means.system, means.start, means.stopped
    tail = stopped.tail if stopped else ()
    windows = archive.windows(repo, system, suspect=means.suspect, tail=tail)
    if start is None and aim.kind == "backup":
        start = _last(repo, system)
    if start is not None:
        links = chain(repo, start)  # which says what is wrong with it, before any window does
        if not means.suspect:
            require_sound(links)
        if manifest_of(start).method == "logical":
            raise Refused(
                f"{start.id} is a dump: it is loaded, and no log goes on from it",
                hint=f"Load it: stockops backup restore --from {start.id} --lab NAME",
            )
        windows = [window for window in windows if start.id in window.backups]
    if not windows:
        raise Refused(
            f"nothing of {system} can be recovered",
            hint="See what is there: stockops backup list; stockops backup windows",
        )
    window = _window(repo, windows, aim, means.identities)
    if stopped is not None and aim.kind == "end":
        _require_all(repo, window, stopped, means.identities)
    _require_reached(repo, window, aim, means.identities)
    backups = {each.id: each for each in repo.backups(system)}
    usable = [backups[name] for name in window.backups]
    chosen = start or _start(usable, aim, window)
    said = manifest_of(chosen)
    logs = [] if aim.kind == "backup" else _until(window.logs_from(said), aim)
    links = chain(repo, chosen, among=list(backups.values()))
    raw = sum(manifest_of(link).raw_bytes for link in links) + sum(log.raw_bytes for log in logs)
    return Recovery(
        links=links,
        logs=logs,
        aim=aim,
        window=window,
        predicted_s=predicted(repo, links, raw),
        stopped=stopped,
    )


def _last(repo: Repository, system: str) -> Backup | None:
    """Return the last backup that nobody found broken: no older one is meant."""
    for each in reversed(repo.backups(system)):
        if each.manifest and each.manifest.method == "physical" and each.state != "broken":
            return each
    return None


def manifest_of(backup: Backup) -> Manifest:
    """Return the manifest of `backup`, which must have one that can be believed."""
    if backup.manifest is None:
        raise StorageError(f"{backup.id} has no manifest that can be believed: {backup.note}")
    return backup.manifest


def _window(
    repo: Repository, windows: Sequence[Window], aim: Aim, identities: Identities
) -> Window:
    """Return the window that holds `aim`; of several the last one."""
    known = "; ".join(described(window, aim) for window in windows)
    if aim.timeline:
        windows = [window for window in windows if window.branch == aim.timeline]
    if aim.kind in {"end", "backup", "name", "xid"} and windows:
        if aim.kind == "end":
            _require_no_gap(repo, windows[-1], identities)
        return windows[-1]
    holding = [window for window in windows if _holds(window, aim)]
    if not holding:
        raise Refused(
            f"{aim} lies outside what is proven to be recoverable",
            hint=f"What is: {known}. See the gaps: stockops backup windows",
        )
    if aim.kind == "lsn":
        _require_one_way(repo, holding, aim)
    return holding[-1]


def _require_no_gap(repo: Repository, window: Window, identities: Identities) -> None:
    """Raise where there is log behind the end of `window`: its end is not the end."""
    if window.gap is None:
        return
    end = _last_place(repo, window, identities)
    kind = "file" if end.file else "lsn"
    raise Refused(
        f"the log goes on behind a gap, and nothing there can be brought back: "
        f"{gap_line(window.gap)}",
        hint="Bring that file back; or say that you want what is before it: "
        f"--to {kind}:{place(end).partition(' ')[0]} ({_instant(window.end_at)}).",
    )


def _require_all(
    repo: Repository, window: Window, stopped: Stopped, identities: Identities
) -> None:
    """Raise where the stopped server had log that `window` has not: its end is not the end."""
    if stopped.is_within(window.branch, window.end):
        return
    end = _last_place(repo, window, identities)
    moment = f"{'file' if end.file else 'lsn'}:{place(end).partition(' ')[0]}"
    raise Refused(
        f"the log of the stopped server goes on to {place(stopped.end)}"
        f"{', but ' if stopped.problem else ''}{stopped.problem}: what can be brought back ends at "
        f"{place(window.end)}, and what it confirmed after that would be lost",
        hint=f"See what is missing in {str(stopped.directory)!r} and in stockops backup windows; "
        f"or say that you want what is before it: --to {moment if window.logs else 'backup'}",
    )


def _last_place(repo: Repository, window: Window, identities: Identities) -> Position:
    """Return the last place of `window` that a recovery can be told to stop at."""
    try:
        return archive.latest(repo, window.logs, identities=identities)
    except (ConfigError, StorageError):  # no log, or no key to read it by
        return window.end


def _require_one_way(repo: Repository, holding: Sequence[Window], aim: Aim) -> None:
    """Raise where timelines that went different ways both have a place of that number."""
    last = holding[-1]
    left = {fork.timeline: fork.lsn for fork in archive.history(repo, last.system, last.branch)} | {
        last.branch: 1 << 64
    }
    others = {each.branch for each in holding if left.get(each.branch, 0) < wal.lsn(aim.text)}
    if others:
        every = sorted({*others, last.branch})
        before = "" if aim.inclusive else "before:"
        ways = " or ".join(f"--to {before}lsn:{aim.text}@{each}" for each in every)
        raise Refused(
            f"{aim} is on the timelines {', '.join(map(str, every))}, which went different ways "
            "before it",
            hint=f"Say which one is meant: {ways}",
        )


def _require_reached(repo: Repository, window: Window, aim: Aim, identities: Identities) -> None:
    """Raise where `aim` is behind the last record: a server told to go there does not start."""
    if aim.kind != "lsn" or not window.logs or window.end == window.start:
        return
    if _lsn(aim.text) < _lsn(window.logs[-1].start.lsn):
        return
    last = _last_place(repo, window, identities)
    if _lsn(aim.text) > _lsn(last.lsn):
        raise Refused(
            f"{aim} lies behind {last.lsn}, where the last record of the log begins",
            hint=f"Take that: --to lsn:{last.lsn}",
        )


def described(window: Window, aim: Aim | None = None) -> str:
    """Return a window in a few words, by what `aim` counts by, too."""
    words = f"{_instant(window.start_at)} to {_instant(window.end_at)}"
    if aim is None or aim.kind not in {"lsn", "gtid", "file"}:
        return words
    return f"{place(window.start)} to {place(window.end)}, which is {words}"


def _instant(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def _holds(window: Window, aim: Aim) -> bool:
    if aim.at is not None:
        # PostgreSQL stops at a time only where a later transaction tells it that it is past.
        within = aim.at < window.end_at or window.end.lsn is None
        return window.start_at <= aim.at <= window.end_at and within
    if aim.kind == "lsn":
        at = wal.lsn(aim.text)
        return wal.lsn(window.start.lsn or "0/0") <= at <= wal.lsn(window.end.lsn or "0/0")
    if aim.kind == "file":
        names = {log.name for log in window.logs}
        return aim.text.rpartition(":")[0] in names
    domain, server, sequence = map(int, aim.text.split("-"))
    return any(
        log.before.get((domain, server), 0) < sequence <= log.after.get((domain, server), 0)
        for log in window.logs
    )


def _start(usable: Sequence[Backup], aim: Aim, window: Window) -> Backup:
    """Return the last backup that was whole before `aim`; where nobody can tell, the first one."""
    if aim.kind in _SOUGHT:
        return usable[0]
    good = [each for each in usable if _is_before(manifest_of(each), aim)]
    if not good:
        raise Refused(
            f"{aim} lies before the end of the first backup of its window",
            hint=f"The window is {described(window, aim)}.",
        )
    return good[-1]


def _is_before(said: Manifest, aim: Aim) -> bool:
    if aim.at is not None:
        return datetime.fromisoformat(said.ended_at) <= aim.at
    if aim.kind == "lsn":
        return _lsn(said.stop.lsn) <= _lsn(aim.text)
    if aim.kind == "gtid":
        return _sequence(said.stop.gtid or "", aim.text) < int(aim.text.split("-")[2])
    if aim.kind == "file":
        name, _, offset = aim.text.rpartition(":")
        return (said.stop.file or "", said.stop.offset or 0) <= (name, int(offset))
    return True


def _sequence(position: str, gtid: str) -> int:
    """Return how far `position` is in the domain of `gtid`."""
    domain = gtid.split("-", maxsplit=1)[0]
    for each in position.split(","):
        parts = each.split("-")
        if len(parts) == 3 and parts[0] == domain:
            return int(parts[2])
    return 0


def _until(logs: Sequence[Log], aim: Aim) -> list[Log]:
    """Leave out the pieces that begin after `aim`."""
    found = []
    for log in logs:
        found.append(log)
        if aim.at is not None and log.last_at is not None and log.last_at > aim.at:
            break
        # One more than holds it: the record that ends the recovery may cross the border.
        if aim.kind == "lsn" and _lsn(log.start.lsn) > _lsn(aim.text):
            break
        if aim.kind == "file" and log.name == aim.text.rpartition(":")[0]:
            break
    return found


def _lsn(text: str | None) -> int:
    return wal.lsn(text or "0/0")


def predicted(repo: Repository, links: Sequence[Backup], raw_bytes: int) -> float:
    """Return how long it takes at the rate of the last drill of any of `links`."""
    for link in reversed(links):
        for evidence in reversed(repo.evidence(link)):
            rate = evidence.detail.get("restored_bytes_per_s")
            if evidence.what == "drill" and rate:
                return raw_bytes / float(rate)
    return raw_bytes / _RESTORE_BYTES_PER_S
