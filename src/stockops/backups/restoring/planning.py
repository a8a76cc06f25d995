"""
Which backups and which log a restore takes, before anything is written.

A target outside the windows that are proven is refused, and the windows are named: a server that
is told to stop where its log does not reach either fails after an hour, or starts without a word
on what there was.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ... import counts
from ...errors import Refused, StorageError
from ...plan import Step
from .. import archive
from ..archive import Log, Stopped, Window
from ..keys import Identities
from ..manifest import Manifest, Method
from ..repository import Backup, Evidence, Repository
from .aims import Aim
from .chains import chain, require_sound
from .reaching import described, lsn_of, require_all, require_reached, window_of

_SOUGHT = ("xid", "name")  # what no piece of the archive says of itself
# Until a drill has measured it: to make a server, to start it, and to load a schema without rows.
_BEGIN_S: Mapping[Method, float] = {"physical": 1.0, "logical": 3.5}
_BYTES_PER_S: Mapping[Method, float] = {"physical": 60e6, "logical": 10e6}
_TELLING_BYTES = 32 << 20
_REPLAY_BYTES_PER_S = {"mariadb": 5e6}  # of small transactions; 2 to 9 were seen


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
                    action=f"keep a copy of {counts.of(len(self.tail), 'log')} "
                    "of the stopped server",
                    why=f"the archive does not have them, {self.tail[0].name} is the first",
                )
            )
        if self.logs:
            found.append(
                Step(
                    action=f"replay {counts.of(len(self.logs), 'log')}",
                    why=f"{self.logs[0].name} to {self.logs[-1].name}",
                )
            )
        why = "an explicit target: a gap is fatal"
        if self.aim.kind in _SOUGHT:
            why += "; only the recovery finds out whether the log has it"
            if len(self.window.backups) > 1:
                why += "; from a later backup: --from ID"
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
    window = window_of(repo, windows, aim, means.identities)
    if stopped is not None and aim.kind == "end":
        require_all(repo, window, stopped, means.identities)
    require_reached(repo, window, aim, means.identities)
    backups = {each.id: each for each in repo.backups(system)}
    chosen = start or _start([backups[name] for name in window.backups], aim, window)
    said = manifest_of(chosen)
    logs = [] if aim.kind == "backup" else _until(window.logs_from(said), aim)
    if aim.kind in _SOUGHT and not logs:
        raise Refused(
            f"{aim} is looked for in the log, and there is none after {chosen.id}",
            hint="What is archived: stockops backup windows; from an older backup: --from ID",
        )
    links = chain(repo, chosen, among=list(backups.values()))
    raw = sum(manifest_of(link).raw_bytes for link in links)
    log_bytes = sum(log.raw_bytes for log in logs)
    return Recovery(
        links=links,
        logs=logs,
        aim=aim,
        window=window,
        predicted_s=predicted(repo, links, raw, among=list(backups.values()), log_bytes=log_bytes),
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
        return lsn_of(said.stop.lsn) <= lsn_of(aim.text)
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
        if aim.kind == "lsn" and lsn_of(log.start.lsn) > lsn_of(aim.text):
            break
        if aim.kind == "file" and log.name == aim.text.rpartition(":")[0]:
            break
    return found


def predicted(
    repo: Repository,
    links: Sequence[Backup],
    raw_bytes: int,
    *,
    among: Sequence[Backup],
    log_bytes: int = 0,
) -> float:
    """
    Return how long it takes, from the first byte until the server answers.

    As the last drill took, of any of `links`, or else of another backup by this method `among`
    those of the system. MariaDB applies its log statement by statement, or row by row, in one
    session: a day of it takes longer than the files of the backup.
    """
    said = manifest_of(links[-1])
    pace = _drilled(repo, links, among) or _Pace(_BEGIN_S[said.method], _BYTES_PER_S[said.method])
    replays = min(pace.bytes_per_s, _REPLAY_BYTES_PER_S.get(said.engine, pace.bytes_per_s))
    return pace.begin_s + raw_bytes / pace.bytes_per_s + log_bytes / replays


@dataclass(frozen=True, slots=True)
class _Pace:
    """What a restore takes whatever it holds, and how fast the rest comes."""

    begin_s: float
    bytes_per_s: float


def _drilled(repo: Repository, links: Sequence[Backup], among: Sequence[Backup]) -> _Pace | None:
    method = manifest_of(links[-1]).method
    others = [each for each in reversed(among) if each.state == "verified" and each.manifest]
    alike = [each for each in others if manifest_of(each).method == method]
    for backup in (*reversed(links), *alike[:1]):
        for evidence in reversed(repo.evidence(backup)):
            if evidence.what == "drill" and evidence.detail.get("restored_bytes_per_s"):
                return _pace(evidence, manifest_of(backup))
    return None


def _pace(evidence: Evidence, said: Manifest) -> _Pace:
    """Return the pace of a drill; of a small one, what goes with the bytes cannot be told."""
    took_s = float(evidence.detail["rto_s"])
    held_bytes = int(evidence.detail["restored_bytes"])
    usual = _BYTES_PER_S[said.method]
    if held_bytes < _TELLING_BYTES:
        return _Pace(max(took_s - held_bytes / usual, 0.0), usual)
    begin_s = float(evidence.detail["phases"].get("start", 0.0))
    if said.engine == "postgresql" and evidence.detail["logs"]:  # which it replays in its start
        begin_s = min(begin_s, _BEGIN_S[said.method])
    begin_s = min(begin_s, took_s / 2)
    return _Pace(begin_s, held_bytes / (took_s - begin_s))
