"""
The repository: backups, logs and evidence of one or more database systems in one store.

    stockops-repository.json                  what makes it one
    backups/<system>/<id>/manifest.json       a backup exists by its manifest
    backups/<system>/<id>.partial/            one that is being taken, or was not finished; on S3
                                              it is the folder itself, without a manifest
    archive/<system>/...                      logs, see `stockops.backups.archive`
    evidence/<system>/<id>/<time>-<what>.json what was checked of a backup, and how it went

The id of a backup is when it began, UTC to the millisecond, then what it is. Ids sort in the order
in which backups of a system were taken: where the clock went back, the next id is a millisecond
after the last one.
"""

import json
import secrets
import shlex
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Literal

from .. import counts
from ..errors import ConfigError, Refused, StorageError
from . import keys, manifest, s3place
from .manifest import FAILED, RUNNING, Manifest
from .store import DirectoryStore, OutOfReach, Store, directory_store, each_of

MARKER = "stockops-repository.json"
_FOLDERS = ("archive", "backups", "evidence", "locks")
FORMAT = 1

State = Literal["running", "failed", "incomplete", "complete", "verified", "broken"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a check of a backup found. `passed` is False on any finding."""

    backup: str
    what: str  # "verify" or "drill"
    at: str
    passed: bool
    summary: str
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """
    One backup, or what is left of one: `manifest` is None then, and `note` says why.

    `target` is None where an earlier version did not write down what it was taken of.
    """

    id: str
    system: str
    state: State
    manifest: Manifest | None
    note: str = ""
    target: str | None = None

    @property
    def folder(self) -> str:
        """Its objects' folder in the store."""
        return f"backups/{self.system}/{self.id}"


@dataclass(frozen=True, slots=True)
class Repository:
    """Everything that is kept, in one store."""

    store: Store

    def systems(self) -> list[str]:
        """Return the systems that have backups here."""
        return self.store.folders("backups")

    def one_system(self, asked: str | None = None) -> str:
        """Return the system `asked`, or the only one there is."""
        there = self.systems()
        if asked in there or (asked is None and len(there) == 1):
            return asked or there[0]
        if not there:
            raise ConfigError(
                f"there is no backup in {self.store.place!r}",
                hint="Take one: stockops backup take",
            )
        what = "holds" if asked is None else f"holds no system {asked!r}, but"
        systems = counts.of(len(there), "system")
        raise ConfigError(
            f"the repository {what} {systems}: {', '.join(there)}", hint="Name one with --system."
        )

    def backups(self, system: str | None = None) -> list[Backup]:
        """Return all there is of `system`, or of every system, the oldest first."""
        there = [
            (each, name)
            for each in ([system] if system else self.systems())
            for name in self.store.folders(f"backups/{each}")
            if not name.startswith(".")
        ]
        found = each_of(lambda each: self._backup(*each), there)
        return sorted(found, key=lambda backup: (backup.id, backup.system))

    def ids(self, system: str) -> list[str]:
        """Return the ids of all there is of `system`, whole or not, without a look inside."""
        names = self.store.folders(f"backups/{system}")
        return sorted(name.partition(".")[0] for name in names if not name.startswith("."))

    def backup(self, asked: str) -> Backup:
        """Return the backup whose id, label or beginning of an id is `asked`; "latest" is one."""
        there = [each for each in self.backups() if each.manifest is not None]
        if asked == "latest" and there:
            return there[-1]
        found = [each for each in there if asked in {each.id, _label(each)}]
        found = found or [each for each in there if asked and each.id.startswith(asked)]
        if len(found) == 1:
            return found[0]
        raise ConfigError(
            f"{len(found)} backups are meant by {asked!r}"
            if found
            else f"there is no backup {asked!r} in {self.store.place!r}",
            hint="See what there is: stockops backup list",
        )

    @contextmanager
    def held(self, system: str) -> Iterator[None]:
        """Hold the one lock under which backups of `system` are taken and removed."""
        with self.store.lock(_lock_of(system), what=f"the backups of {system}"):
            yield

    def record(self, evidence: Evidence, *, system: str) -> str:
        """Keep `evidence` for ever; return the name of its object."""
        at = evidence.at.replace("-", "").replace(":", "")
        name = f"evidence/{system}/{evidence.backup}/{at}-{evidence.what}.json"
        says = {each: getattr(evidence, each) for each in Evidence.__slots__}
        self._write(name, says)
        return name

    def evidence(self, backup: Backup) -> list[Evidence]:
        """Return what was found out about `backup`, the oldest first."""
        found = [Evidence(**self._read(name)) for name in self._evidence(backup)]
        return sorted(found, key=lambda each: each.at)

    def note(self, folder: str, name: str, **says: object) -> None:
        """Write the small JSON object `name` into `folder`."""
        self._write(f"{folder}/{name}", says, replace=True)

    def _evidence(self, backup: Backup) -> list[str]:
        """Return the names of what was found out about `backup`, by time."""
        entries = self.store.entries(f"evidence/{backup.system}/{backup.id}")
        return [entry.name for entry in entries if entry.name.endswith(".json")]

    def _latest(self, backup: Backup) -> list[Evidence]:
        """Return the last of each kind of evidence: there may be a year of it, and it is kept."""
        last = {name.rpartition("-")[2]: name for name in self._evidence(backup)}
        return [Evidence(**self._read(name)) for name in last.values()]

    def _backup(self, system: str, name: str) -> Backup:
        identity, _, ending = name.partition(".")
        folder = f"backups/{system}/{name}"
        found: Manifest | None = None
        try:
            if ending != "partial":
                with self.store.open(f"{folder}/{manifest.NAME}") as file:
                    text = file.read()
                found = manifest.parse(text, name=f"{folder}/{manifest.NAME}")
        except FileNotFoundError:
            pass
        except OutOfReach:
            raise
        except StorageError as exc:
            return Backup(id=identity, system=system, state="broken", manifest=None, note=str(exc))
        if found is None:
            return self._unfinished(identity, folder, system)
        draft = Backup(
            id=identity, system=system, state="complete", manifest=found, target=found.target
        )
        state, note = _judged(self._latest(draft))
        return replace(draft, state=state, note=note)

    def _unfinished(self, identity: str, folder: str, system: str) -> Backup:
        left = partial(Backup, id=identity, system=system, manifest=None)
        with suppress(FileNotFoundError):
            said = self._read(f"{folder}/{FAILED}")
            why = str(said.get("why", ""))
            return left(state="failed", note=why, target=said.get("target"))
        try:
            target = self._read(f"{folder}/{RUNNING}").get("target")
        except OutOfReach:
            raise
        except (FileNotFoundError, StorageError):  # nobody needs it to go on
            target = None
        if self.store.is_locked(_lock_of(system)):
            return left(state="running", note="it is being taken", target=target)
        note = "it was interrupted; the next backup removes it"
        return left(state="incomplete", note=note, target=target)

    def _read(self, name: str) -> dict[str, Any]:
        try:
            with self.store.open(name) as file:
                said = json.loads(file.read())
        except ValueError as exc:
            raise StorageError(f"{name!r} is damaged: it is not JSON", hint="Remove it.") from exc
        if not isinstance(said, dict):
            raise StorageError(f"{name!r} is damaged: it is not a record", hint="Remove it.")
        return said

    def _write(self, name: str, says: object, *, replace: bool = False) -> None:
        with self.store.create(name, replace=replace) as file:
            file.write(json.dumps(says, indent=1).encode() + b"\n")


def make(place: str) -> Repository:
    """Make `place` a repository, and return it; one that is there is kept."""
    store = store_at(place, make=True)
    if not _has_marker(store):
        if not _is_empty(store):
            raise Refused(
                f"{place!r} is not empty, and it is not a repository of stockops",
                hint="Name an empty place, or one that does not exist yet.",
            )
        says = {"format": FORMAT, "identity": secrets.token_hex(16), "made_at": now()}
        with suppress(FileExistsError), store.create(MARKER) as file:  # it is made at this moment
            file.write(json.dumps(says, indent=1).encode() + b"\n")
    return opened(place)


def opened(place: str) -> Repository:
    """Return the repository at `place`, which is one already."""
    store = store_at(place)
    try:
        with store.open(MARKER) as file:
            said = json.loads(file.read())
    except FileNotFoundError:
        raise ConfigError(
            f"{place!r} is not a repository: there is no {MARKER} in it",
            hint=f"Make it one: stockops backup init --repository {shlex.quote(place)}; "
            "or grade what is there: stockops backup audit",
        ) from None
    except ValueError as exc:
        raise StorageError(f"{place!r}: {MARKER} is damaged", hint="Restore that file.") from exc
    if said.get("format") != FORMAT:
        raise ConfigError(
            f"{place!r} has format {said.get('format')!r}, and this version writes {FORMAT}",
            hint="Use the version of stockops that made it.",
        )
    if isinstance(store, DirectoryStore):
        store.anchor = MARKER
    return Repository(store)


def store_at(place: str, *, make: bool = False) -> Store:
    """Return the store at `place`: a directory, or ``s3://…``. With `make` it may be new."""
    if not s3place.is_one(place):
        return directory_store(Path(place), make=make)
    from .s3store import S3Store  # noqa: PLC0415

    store = S3Store(s3place.parse(place))
    if make:
        store.require_ready()
    return store


def _is_empty(store: Store) -> bool:
    if isinstance(store, DirectoryStore):
        return not store.root.is_dir() or not any(store.root.iterdir())
    return not store.folders("") and not store.entries("")


def _has_marker(store: Store) -> bool:
    try:
        store.open(MARKER).close()
    except FileNotFoundError:
        return False
    return True


def require_no_key(repository: Repository) -> None:
    """Raise `Refused` where a secret key lies in the repository."""
    from .s3store import S3Store  # noqa: PLC0415

    store = repository.store
    if isinstance(store, DirectoryStore):
        keys.require_none_inside(store.root)
    elif isinstance(store, S3Store):
        for entry in store.outside(_FOLDERS):
            if entry.stored_bytes <= keys.KEY_FILE_BYTES_MAX:
                with store.open(entry.name) as file:
                    keys.require_no_secret(file.read(), name=entry.name)


def require_same(repository: Repository, *, target: str, system: str) -> None:
    """Raise `Refused` where there are backups of `target`, and the last is of another cluster."""
    if system in repository.systems():
        return
    found = [each for each in repository.backups() if each.manifest]
    last = [each for each in found if each.manifest and each.manifest.target == target][-1:]
    if last and last[0].system.partition("-")[0] == system.partition("-")[0]:
        raise Refused(
            f"the backups of {target!r} are of {last[0].system}, and it is {system} now: another "
            "cluster, whose log does not go on from them",
            hint="Where it was upgraded or made anew: stockops backup take --new-system",
        )


def new_id(kind: str, method: str, *, after: Iterable[str]) -> str:
    """Return the id of a backup that begins now, after all that have the ids `after`."""
    at = datetime.now(UTC)
    for identity in after:
        at = max(at, moment_of(identity) + timedelta(milliseconds=1))
    return f"{at:%Y%m%dT%H%M%S}{at.microsecond // 1000:03d}Z-{method}-{kind}"


def moment_of(identity: str) -> datetime:
    """Return when the backup `identity` began, by a clock that does not go back."""
    return datetime.strptime(identity.partition("-")[0], "%Y%m%dT%H%M%S%fZ").replace(tzinfo=UTC)


def now() -> str:
    """Return the instant, as manifests and evidence state it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _lock_of(system: str) -> str:
    return f"backup-{system}"


def _label(backup: Backup) -> str | None:
    return backup.manifest.label if backup.manifest else None


def _judged(evidence: Sequence[Evidence]) -> tuple[State, str]:
    """Only what was restored and proven is verified; what failed last is broken."""
    latest = {each.what: each for each in evidence}
    for each in latest.values():
        if not each.passed:
            return "broken", f"{each.what} of {each.at}: {each.summary}"
    if "drill" in latest:
        return "verified", f"drilled {latest['drill'].at}"
    return "complete", ""
