"""
Check every byte of a repository without restoring it.

Each object is read and held to the SHA-256 that its manifest states; what was read once, and is
the same file still (name, size, time of change), is not read again for a while. The cache is a
convenience of one machine: it lies outside the repository, and losing it costs time alone.
"""

import hashlib
import json
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from .. import counts
from ..errors import StorageError
from . import manifest as manifests
from .manifest import File
from .repository import Backup, Evidence, Repository, now
from .restoring import chain
from .store import Entry

READERS = 2
FRESH_DAYS = 30.0
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the bytes of one backup say. `findings` is empty where all are as they were stored."""

    id: str
    system: str
    kind: str
    objects: int
    stored_bytes: int
    read_bytes: int
    findings: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether something was looked at and nothing found."""
        return self.objects > 0 and not self.findings


Seen = Callable[[str, int], None]  # the object, and the bytes read since the last call


def verify(
    repo: Repository, backups: Sequence[Backup], *, again: bool = False, seen: Seen | None = None
) -> list[Verdict]:
    """Check `backups`, all bytes of them `again` if asked; keep what was found as evidence."""
    cache = Cache.load(repo)
    verdicts = []
    there = [each for system in {each.system for each in backups} for each in repo.backups(system)]
    for backup in backups:
        missing = _missing(repo, backup, there)
        verdict = _verdict(repo, backup, Cache() if again else cache, missing, seen)
        verdicts.append(verdict)
        cache.take(verdict.passed, repo.store.entries(backup.folder))
        if backup.manifest is not None:
            repo.record(_evidence(verdict), system=backup.system)
    cache.save(repo)
    return verdicts


@dataclass(slots=True)
class Cache:
    """Stamps of objects that were read and found to be what they should, and when."""

    read_at: dict[str, float]

    def __init__(self, read_at: dict[str, float] | None = None) -> None:
        self.read_at = read_at or {}

    @classmethod
    def load(cls, repo: Repository) -> "Cache":
        """Return what this machine remembers of `repo`."""
        try:
            said = json.loads(_cache_file(repo).read_text("utf-8"))
            return cls({str(key): float(value) for key, value in said.items()})
        except (OSError, ValueError, AttributeError, TypeError):
            return cls()

    def save(self, repo: Repository) -> None:
        """Remember it; a machine that cannot reads everything next time."""
        path = _cache_file(repo)
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            fresh = path.with_suffix(f".{os.getpid()}")
            fresh.write_text(json.dumps(self.read_at), encoding="utf-8")
            fresh.replace(path)
        except OSError:
            return

    def knows(self, entry: Entry) -> bool:
        """Tell whether `entry` was read not long ago, and is the same still."""
        at = self.read_at.get(_stamp(entry), 0.0)
        return time.time() - at < FRESH_DAYS * 86_400

    def take(self, passed: bool, entries: Sequence[Entry]) -> None:
        """Remember `entries` as read, or forget them."""
        for entry in entries:
            if not passed:
                self.read_at.pop(_stamp(entry), None)
            else:
                self.read_at.setdefault(_stamp(entry), time.time())


def _missing(repo: Repository, backup: Backup, among: Sequence[Backup]) -> list[str]:
    """Return what is wrong with the chain of `backup`."""
    try:
        chain(repo, backup, among=among)
    except StorageError as exc:
        return [str(exc)]
    return []


def _verdict(
    repo: Repository, backup: Backup, cache: Cache, missing: Sequence[str], seen: Seen | None
) -> Verdict:
    said = backup.manifest
    if said is None:
        return _nothing(backup, f"{backup.state}: {backup.note}")
    findings = [*missing]
    there = {entry.name: entry for entry in repo.store.entries(backup.folder)}
    todo: list[File] = []
    for file in said.files:
        entry = there.pop(f"{backup.folder}/{file.name}", None)
        if entry is None:
            findings.append(f"{file.name} is missing")
        elif entry.stored_bytes != file.stored_bytes:
            findings.append(f"{file.name} has {entry.stored_bytes} of {file.stored_bytes} bytes")
        elif not cache.knows(entry):
            todo.append(file)
    there.pop(f"{backup.folder}/{manifests.NAME}", None)
    findings += [f"{Path(name).name} is not of this backup" for name in there]
    with ThreadPoolExecutor(READERS) as pool:
        for file, digest in zip(
            todo, pool.map(lambda f: _digest(repo, backup, f, seen), todo), strict=True
        ):
            if digest != file.sha256:
                findings.append(
                    f"{file.name}: {digest or 'it cannot be read'}, not what was stored"
                )
    return Verdict(
        id=backup.id,
        system=backup.system,
        kind=f"{said.method} {said.kind}",
        objects=len(said.files),
        stored_bytes=said.stored_bytes,
        read_bytes=sum(file.stored_bytes for file in todo),
        findings=tuple(findings),
    )


def _digest(repo: Repository, backup: Backup, file: File, seen: Seen | None) -> str | None:
    digest = hashlib.sha256()
    name = f"{backup.folder}/{file.name}"
    try:
        with repo.store.open(name) as stored:
            while data := stored.read(_CHUNK):
                digest.update(data)
                if seen is not None:
                    seen(name, len(data))
    except OSError:
        return None
    return digest.hexdigest()


def _nothing(backup: Backup, why: str) -> Verdict:
    return Verdict(
        id=backup.id,
        system=backup.system,
        kind=backup.state,
        objects=0,
        stored_bytes=0,
        read_bytes=0,
        findings=(why,),
    )


def _evidence(verdict: Verdict) -> Evidence:
    return Evidence(
        backup=verdict.id,
        what="verify",
        at=now(),
        passed=verdict.passed,
        summary=verdict.findings[0]
        if verdict.findings
        else f"{counts.of(verdict.objects, 'object')}",
        detail={"read_bytes": verdict.read_bytes, "findings": list(verdict.findings)},
    )


def _stamp(entry: Entry) -> str:
    return f"{entry.name}\0{entry.stored_bytes}\0{entry.stamp}"


def _cache_file(repo: Repository) -> Path:
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    place = hashlib.sha256(repo.store.place.encode()).hexdigest()[:16]
    return Path(root) / "stockops" / f"verified-{place}.json"
