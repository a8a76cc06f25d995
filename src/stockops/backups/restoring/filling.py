"""
Put a data directory together from a chain of backups, and measure how long each phase takes.

Every link is checked as it is read, byte by byte against what was stored once, and again by the
engine's own tool before links are combined: combining gives damage a fresh, matching manifest.
"""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from ...errors import StorageError
from ...lab import Fill, Lab
from ...lab.account import Account
from .. import archive, streams
from ..keys import Identities
from ..manifest import File, Manifest
from ..repository import Backup, Repository
from .mariadb import MariaDB
from .planning import Recovery, manifest_of
from .postgresql import PostgreSQL
from .tools import Phases, Restored, Tools

_STREAMS = ("base.tar", "base.mbs")
ENGINES: Mapping[str, Restored] = {"postgresql": PostgreSQL(), "mariadb": MariaDB()}


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
                    _unpack(repo, link, place, tools, engine.unpack(), identities)
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

    return fill


def finish(lab: Lab, recovery: Recovery, *, phases: Phases) -> None:
    """Bring the server that was started on such data to the target, and open it for writing."""
    ENGINES[recovery.last.engine].finish(lab, recovery, phases)


def _unpack(
    repo: Repository,
    link: Backup,
    place: Path,
    tools: Tools,
    unpack: Sequence[str],
    identities: Identities,
) -> None:
    stream = _stream(manifest_of(link))
    name = f"{link.folder}/{stream.name}"
    try:
        stored = repo.store.open(name)
    except FileNotFoundError:
        raise StorageError(
            f"{link.id} is not whole: {stream.name!r} is missing",
            hint="Take another backup: stockops backup list",
        ) from None
    with stored, streams.reading(stored, name=name, identities=identities) as reader:
        tools.feed(unpack, reader.chunks(), cwd=place)
        reader.check(sha256=stream.sha256, raw_bytes=stream.raw_bytes)


def _stream(said: Manifest) -> File:
    for file in said.files:
        if file.name.startswith(_STREAMS):
            return file
    raise StorageError(f"{said.id} holds no data directory: it is a {said.method} backup")
