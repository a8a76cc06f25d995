"""
Put a data directory together from a chain of backups, and measure how long each phase takes.

Every link is checked as it is read, byte by byte against what was stored once, and again by the
engine's own tool before links are combined: combining gives damage a fresh, matching manifest.
"""

import shutil
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from ... import lab as labs
from ... import numbering
from ...errors import StorageError
from ...lab import Fill, Lab
from ...lab.account import Account
from .. import archive
from ..keys import Identities
from ..manifest import File, Manifest
from ..repository import Backup, Repository
from ..streams import Reader
from .mariadb import MariaDB
from .objects import reading
from .planning import Recovery, manifest_of
from .postgresql import PostgreSQL
from .tools import Phases, Restored, Tools

_STREAMS = ("base.tar", "base.mbs")
# What a server that is started on the data makes: a redo log and a temporary tablespace, or WAL.
_BESIDE_BYTES = {"postgresql": 32 << 20, "mariadb": 110 << 20}
ENGINES: Mapping[str, Restored] = {"postgresql": PostgreSQL(), "mariadb": MariaDB()}


def require_room(recovery: Recovery) -> None:
    """Raise `NoRoom` where what `recovery` writes cannot lie on the disk of the labs."""
    size = recovery.raw_bytes + _BESIDE_BYTES[recovery.last.engine]
    if len(recovery.links) > 1 and recovery.last.engine == "postgresql":
        size += manifest_of(recovery.links[0]).raw_bytes  # what they are combined to, beside them
    labs.require_room(size, why=f"what {recovery.links[-1].id} holds")


def filling(
    repo: Repository, recovery: Recovery, *, identities: Identities, phases: Phases
) -> Fill:
    """Return what fills a new lab's data directory as `recovery` says."""
    engine = ENGINES[recovery.last.engine]

    def fill(lab: Lab, account: Account) -> Mapping[str, str]:
        tools = Tools(lab, account)
        aside = lab.directory / "links"
        places = engine.places(tools, aside, len(recovery.links))
        try:
            for link, place in zip(recovery.links, places, strict=True):
                with phases.of("fetch"):
                    chest = _Chest(repo, link, tools, engine.unpack(), identities)
                    chest.unpack(engine, place)
            engine.assemble(tools, places, recovery.last, phases)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
        with phases.of("fetch log"):
            for log in recovery.logs:
                path = tools.directory(engine.log_directory(lab)) / log.name
                archive.fetch(repo, log, path, identities=identities)
                account.own(path)
            engine.fetch_more(repo, tools, recovery, identities)
        return engine.settings(tools, recovery)

    return Fill(fill, owner=recovery.last.settings.get("superuser"))


def finish(lab: Lab, recovery: Recovery, *, phases: Phases) -> None:
    """
    Bring the server that was started on such data to the target, and open it for writing.

    Numbers of orders that were given after the target are not given again.
    """
    phases.rest("start")  # in which PostgreSQL replays its log
    ENGINES[lab.engine].finish(lab, recovery, phases)
    numbering.leave_gap(lab.engine, lab.url)


@dataclass(frozen=True, slots=True)
class _Chest:
    """The streams of one backup, and what unpacks them."""

    repo: Repository
    link: Backup
    tools: Tools
    program: Sequence[str]
    identities: Identities

    def unpack(self, engine: Restored, place: Path) -> None:
        """Unpack the data directory into `place`, and the rest where `engine` says."""
        said = manifest_of(self.link)
        self._stream(_stream(said, _STREAMS), place)
        for name in engine.beside:
            self._small(_stream(said, (name,)), place / name)
        for name, directory in engine.spread(self.tools, said, place).items():
            self._stream(_stream(said, (name,)), directory)

    def _stream(self, file: File, place: Path) -> None:
        with self._reading(file) as reader:
            self.tools.feed(self.program, reader.chunks(), cwd=place)
            reader.check(sha256=file.sha256, raw_bytes=file.raw_bytes)

    def _small(self, file: File, path: Path) -> None:
        """Write what is kept beside the streams, where it was not inside them."""
        if path.exists():
            return
        with self._reading(file) as reader:
            path.write_bytes(b"".join(reader.chunks()))
            reader.check(sha256=file.sha256, raw_bytes=file.raw_bytes)
        self.tools.account.own(path)

    def _reading(self, file: File) -> AbstractContextManager[Reader]:
        return reading(self.repo, self.link, file, self.identities)


def _stream(said: Manifest, names: tuple[str, ...]) -> File:
    for file in said.files:
        if file.name.startswith(names):
            return file
    raise StorageError(f"{said.id} holds no data directory: it is a {said.method} backup")
