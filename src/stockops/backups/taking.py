"""
Take a backup: stream what the engine's own tool writes into the repository, and believe nothing.

The folder has the name of a backup only when the tool left with 0, its archive said itself that it
is over, everything that must be in it is, every object is on disk, and the manifest says all that.
"""

import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from .. import __version__, children, scratch
from ..engine import connect
from ..engine.base import Server
from ..errors import ConfigError, Refused, StockopsError, StorageError
from ..plan import Step
from ..targets import Target
from . import content, manifest, owing, repository, rights, room, streams
from .manifest import File, Kind, Manifest, Method, TableContent
from .mariadb import MariaDB
from .postgresql import PostgreSQL
from .repository import Backup, Repository
from .sources import Ground, Job, Part, Source, Span
from .streams import Form

SOURCES: Mapping[str, Source] = {"postgresql": PostgreSQL(), "mariadb": MariaDB()}
LOG = "tool.log"
CHAIN_MAX = 32  # links of incremental backups: each one adds to the time of a restore
_TOOL_S = 600.0  # from the end of its output to its own
_PIPE_BYTES = 64 << 10  # as much as a pipe holds: room for more is mapped anew for each read
_END_BYTES = 4096  # of a dump, in which its last line is
_AT_ONCE_BYTES = 16 << 20  # of the tables' rows are hashed before a backup is complete; of a
_AT_ONCE_SHARE = 0.015  # larger database this part, which costs it up to a twentieth of its time


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """
    What is asked for.

    `mixed`: a dump may hold tables without transactions, as of another moment than the rest.
    `new_system`: the target may be another cluster than the one its backups are of.
    `at_once_bytes`: how much of the tables is hashed before it is complete; by its size if None.
    """

    method: Method = "physical"
    kind: Kind = "full"
    label: str | None = None
    form: Form = field(default_factory=Form)
    staging: Path | None = None
    mixed: bool = False
    new_system: bool = False
    at_once_bytes: int | None = None

    def __post_init__(self) -> None:
        """Raise `ConfigError` for what nobody can take."""
        if (self.method, self.kind) == ("logical", "incremental"):
            raise ConfigError(
                "a dump holds all rows each time: there is no incremental one",
                hint="Leave --incremental out; or take it --physical.",
            )


@dataclass(frozen=True, slots=True)
class Tick:
    """How far it is: bytes that came from the server, that were stored, and that are expected."""

    raw_bytes: int
    stored_bytes: int
    expected_bytes: int
    elapsed_s: float


Progress = Callable[[Tick], None]


def take(
    repo: Repository, target: Target, request: Request, *, progress: Progress | None = None
) -> Manifest:
    """Take a backup of `target` into `repo`, and return its manifest; or leave nothing behind."""
    source = SOURCES[target.engine]
    with connect(target, application="stockops backup") as server:
        rights.require(server, request.method)
        ground = source.survey(server, request.method, request.kind)
        _require_one_moment(ground, request)
        repository.require_no_key(repo)
        with repo.held(ground.system):
            reap(repo, ground.system)
            if not request.new_system:
                repository.require_same(repo, target=target.name, system=ground.system)
            parent = _parent(repo, ground, request)
            room.require(repo, ground, parent, request.form)
            with scratch.directory("backup", within=request.staging) as work:
                taking = _Taking(repo, source, server, target, request, ground)
                return taking.run(work, parent, progress)


def steps(repo: Repository, target: Target, request: Request) -> list[Step]:
    """Return what `take` would do; nothing is written."""
    source = SOURCES[target.engine]
    with connect(target, application="stockops backup") as server:
        rights.require(server, request.method)
        ground = source.survey(server, request.method, request.kind)
    _require_one_moment(ground, request)
    parent = _parent(repo, ground, request)
    room.require(repo, ground, parent, request.form)
    upon = f" upon {parent.id}, about {_megabytes(repo, ground, parent)}" if parent else ""
    where = f"{repo.store.place}/backups/{ground.system}"
    sealed = (
        f", encrypted to {len(request.form.recipients)} keys" if request.form.recipients else ""
    )
    return [
        Step(
            action=f"{request.kind} {request.method} backup, {ground.size_bytes >> 20:,} MB{upon}",
            why=f"into {where}, {request.form.compression}{sealed}",
        ),
        *(Step(action="note in the manifest", why=note) for note in ground.notes),
    ]


def _megabytes(repo: Repository, ground: Ground, parent: Backup) -> str:
    return f"{room.expected_bytes(repo, ground, parent) >> 20:,} MB"


def reap(repo: Repository, system: str) -> list[str]:
    """Remove what interrupted runs left, under the lock; return the ids."""
    gone = []
    for backup in repo.backups(system):
        if backup.manifest is None and backup.state in {"running", "incomplete"}:
            repo.store.remove(repo.store.partial(backup.folder))
            gone.append(backup.id)
    repo.store.sweep(f"backups/{system}")
    return gone


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stored:
    """What was stored, and what the tables held meanwhile."""

    files: list[File]
    parts: list[Part]
    span: Span
    content: list[TableContent]
    notes: Sequence[str]


@dataclass(slots=True)
class _Taking:
    """One backup on its way."""

    repo: Repository
    source: Source
    server: Server
    target: Target
    request: Request
    ground: Ground

    def run(self, work: Path, parent: Backup | None, progress: Progress | None) -> Manifest:
        """Store every part, then the manifest, then the name."""
        kind: Kind = "incremental" if parent else "full"
        taken = self.repo.ids(self.ground.system)
        identity = repository.new_id(kind, self.request.method, after=taken)
        tick = _ticking(room.expected_bytes(self.repo, self.ground, parent), progress)
        job = Job(
            id=identity,
            target=self.target,
            method=self.request.method,
            kind=kind,
            parent=parent.id if parent else None,
            base=_base(self.repo, parent),
            position=parent.manifest.stop if parent and parent.manifest else None,
            work=work,
            seen=lambda raw_bytes: tick(raw_bytes, 0),
        )
        store = self.repo.store
        folder = f"backups/{self.ground.system}/{identity}"
        partial = store.partial(folder)
        of, began_at, began_s = self.target.name, repository.now(), time.monotonic()
        self.repo.note(partial, manifest.RUNNING, pid=os.getpid(), at=began_at, target=of)
        try:
            stored = self._store(job, partial, tick)
            said = self._manifest(job, stored, began_at)
            said = replace(said, duration_s=round(time.monotonic() - began_s, 3))
            store.remove(f"{partial}/{manifest.RUNNING}")
            with store.create(f"{partial}/{manifest.NAME}") as file:
                file.write(said.as_bytes())
            store.publish(folder)
        except StockopsError as exc:
            self._failed(partial, work, exc)
            raise
        except BaseException:
            store.remove(partial)
            raise
        return said

    def _store(self, job: Job, folder: str, tick: Callable[[int, int], None]) -> _Stored:
        files, parts, held = [], [], []
        before = _content_before(self.repo, self.ground, self.target)
        marks = content.marks(self.server, before) if job.method == "physical" else None
        with self.source.parts(self.server, job) as coming:
            for part in coming:
                files.append(self._part(job, folder, part, tick))
                parts.append(part)
            span = self.source.span(self.server, job, parts)
            if marks is None:
                held = content.whole(self.server, inside=True)
        if marks is not None:
            held = content.settled(self.server, marks, at_once_bytes=self._at_once_bytes)
        for name, data in {**span.extra, LOG: (job.work / LOG).read_bytes()}.items():
            files.append(self._small(folder, name, data))
        notes = marks.notes if marks else []
        return _Stored(files=files, parts=parts, span=span, content=held, notes=notes)

    @property
    def _at_once_bytes(self) -> int:
        if self.request.at_once_bytes is not None:
            return self.request.at_once_bytes
        return max(_AT_ONCE_BYTES, int(self.ground.size_bytes * _AT_ONCE_SHARE))

    def _part(self, job: Job, folder: str, part: Part, tick: Callable[[int, int], None]) -> File:
        name = part.name + self.request.form.suffix
        last = b""
        with self.repo.store.create(f"{folder}/{name}") as sink:
            child = children.start(
                part.argv, cwd=job.work, log=job.work / LOG, env=part.env, pipes="r"
            )
            try:
                with streams.writing(sink, self.request.form) as writer:
                    for chunk in _chunks(child):
                        writer.write(chunk)
                        if part.watch is not None:
                            part.watch.feed(chunk)
                        last = chunk if len(chunk) >= _END_BYTES else last[-_END_BYTES:] + chunk
                        tick(writer.raw_bytes, writer.stored_bytes)
                child.finish(within_s=_TOOL_S)
            finally:
                child.end()
            _require_whole(part, last)
        return _file(name, writer)

    def _small(self, folder: str, name: str, data: bytes) -> File:
        """Store what names files and says where the log begins, but holds no row: in the clear."""
        with (
            self.repo.store.create(f"{folder}/{name}") as sink,
            streams.writing(sink, Form(compression="none")) as writer,
        ):
            writer.write(data)
        return _file(name, writer)

    def _manifest(self, job: Job, stored: _Stored, began_at: str) -> Manifest:
        watch = stored.parts[0].watch
        return Manifest(
            id=job.id,
            engine=self.target.engine,
            system=self.ground.system,
            method=job.method,
            kind=job.kind,
            parent=job.parent,
            label=self.request.label,
            target=self.target.name,
            database=self.target.database,
            server_version=self.ground.version,
            stockops_version=__version__,
            tool=Path(stored.parts[0].argv[0]).name,
            host=socket.gethostname(),
            started_at=began_at,
            ended_at=repository.now(),
            duration_s=0.0,
            start=stored.span.start,
            stop=stored.span.stop,
            settings=self.ground.settings,
            files=stored.files,
            links=self.ground.links,
            members=dict(watch.sizes) if watch else {},
            content=stored.content,
            compression=self.request.form.compression,
            recipients=[each.text for each in self.request.form.recipients],
            notes=[*self.ground.notes, *stored.notes],
            relations=self.ground.relations,
            owners=self.ground.owners,
        )

    def _failed(self, partial: str, work: Path, exc: StockopsError) -> None:
        """Keep the reason and the log, and nothing of the data."""
        store = self.repo.store
        store.remove(partial)
        says = {"why": str(exc), "at": repository.now(), "target": self.target.name}
        self.repo.note(partial, manifest.FAILED, **says)
        log = work / LOG
        if log.exists():
            with store.create(f"{partial}/{LOG}", replace=True) as file:
                file.write(log.read_bytes())


def _file(name: str, writer: streams.Writer) -> File:
    return File(
        name=name,
        stored_bytes=writer.stored_bytes,
        raw_bytes=writer.raw_bytes,
        sha256=writer.sha256,
    )


def _chunks(child: children.Child) -> Iterator[bytes]:
    number = child.stdout.fileno()
    while data := os.read(number, _PIPE_BYTES):
        yield data


def _require_whole(part: Part, last: bytes) -> None:
    """Raise `StorageError` where the tool left with 0 and its stream is not whole."""
    watch = part.watch
    if watch is not None and not watch.ended:
        raise StorageError(f"the archive {part.name!r} stops before its end")
    there = watch.sizes.keys() if watch else set()
    missing = [names[0] for names in part.required if there.isdisjoint(names)]
    if missing:
        raise StorageError(
            f"{len(missing)} files that must be in {part.name!r} are not: {', '.join(missing[:5])}",
            hint="Take it again; if a table was dropped or renamed meanwhile, that is why.",
        )
    if part.ending and part.ending not in last[-_END_BYTES:]:
        raise StorageError(f"the dump {part.name!r} stops before its last line")


def _parent(repo: Repository, ground: Ground, request: Request) -> Backup | None:
    """Return what an incremental backup builds upon: the last whole one of this system."""
    if request.kind == "full":
        return None
    found = [
        each
        for each in repo.backups(ground.system)
        if each.manifest is not None
        and each.manifest.method == request.method
        and each.state in {"complete", "verified"}
    ]
    if not found:
        raise Refused(
            "there is no backup that an incremental one could build upon",
            hint="Take a full one first: stockops backup take --full",
        )
    return found[-1]


def _content_before(repo: Repository, ground: Ground, target: Target) -> Sequence[TableContent]:
    """Return what the last physical backup says of the tables: only what is new is read again."""
    for backup in reversed(repo.backups(ground.system)):
        said = backup.manifest
        if said and said.method == "physical" and said.database == target.database:
            return owing.content_of(repo, said)
    return ()


def _base(repo: Repository, parent: Backup | None) -> dict[str, bytes]:
    if parent is None or parent.manifest is None:
        return {}
    small = {}
    for file in parent.manifest.files:
        if file.name == "backup_manifest":
            with repo.store.open(f"{parent.folder}/{file.name}") as stored:
                small[file.name] = stored.read()
    return small


def _require_one_moment(ground: Ground, request: Request) -> None:
    """Raise where a dump would hold rows of two moments, which nobody can tell from it later."""
    if ground.loose and not request.mixed:
        named = ", ".join(ground.loose[:5])
        raise Refused(
            f"{len(ground.loose)} tables have no transactions, so a dump would hold them as of "
            f"another moment than the rest: {named}",
            hint="Make them InnoDB; or take it --physical, for which writers to them wait; or "
            "--mixed, if those moments may differ.",
        )


def _ticking(expected_bytes: int, progress: Progress | None) -> Callable[[int, int], None]:
    began, next_s = time.monotonic(), 0.0

    def tick(raw_bytes: int, stored_bytes: int) -> None:
        nonlocal next_s
        elapsed = time.monotonic() - began
        if progress is not None and elapsed >= next_s:
            next_s = elapsed + 0.2
            progress(Tick(raw_bytes, stored_bytes, expected_bytes, elapsed))

    return tick
