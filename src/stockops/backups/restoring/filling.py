"""
Put a data directory together from a chain of backups, and measure how long each phase takes.

Every link is checked as it is read, byte by byte against what was stored once, and again by the
engine's own tool before links are combined: combining gives damage a fresh, matching manifest.
"""

import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from ... import children
from ...errors import StorageError
from ...lab import Fill, Lab
from ...lab.account import Account
from .. import credentials, streams
from ..keys import Identities
from ..manifest import File, Manifest
from ..repository import Backup, Repository
from . import mariadb, postgresql

TOOL_S = 6 * 3600.0
_STREAMS = ("base.tar", "base.mbs")


@dataclass(slots=True)
class Phases:
    """How long each phase took, in the order they came."""

    seconds: dict[str, float] = field(default_factory=dict)
    seen: Callable[[str], None] | None = None

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        """Count the time of the block as the phase `name`."""
        if self.seen is not None:
            self.seen(name)
        began = time.monotonic()
        try:
            yield
        finally:
            took = time.monotonic() - began
            self.seconds[name] = round(self.seconds.get(name, 0.0) + took, 3)


@dataclass(frozen=True, slots=True)
class Tools:
    """What runs the engine's tools on a data directory that is being put together."""

    lab: Lab
    account: Account

    @property
    def log(self) -> Path:
        """Where their words go."""
        return self.lab.log_path

    def run(self, argv: Sequence[str | Path], *, cwd: Path | None = None) -> None:
        """Run `argv` to its end as the account."""
        children.run(
            argv,
            cwd=cwd or self.lab.data,
            log=self.log,
            env=credentials.environment(TMPDIR=str(self.lab.scratch)),
            within_s=TOOL_S,
            switch=self.account.switch,
        )

    def feed(self, argv: Sequence[str | Path], chunks: Iterator[bytes], *, cwd: Path) -> None:
        """Run `argv` as the account, with `chunks` to read."""
        child = children.start(
            argv,
            cwd=cwd,
            log=self.log,
            env=credentials.environment(),
            pipes="w",
            switch=self.account.switch,
        )
        try:
            for chunk in chunks:
                with suppress(BrokenPipeError):  # tar stops reading where the archive says it ends
                    child.stdin.write(chunk)
            with suppress(BrokenPipeError):
                child.stdin.close()
            child.finish(within_s=TOOL_S)
        finally:
            child.end()

    def directory(self, path: Path) -> Path:
        """Make the private directory `path` of the account."""
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.account.own(path)
        return path


def filling(
    repo: Repository, links: Sequence[Backup], *, identities: Identities, phases: Phases
) -> Fill:
    """Return what fills a new lab's data directory with the backups `links`."""
    engine = _said(links[-1]).engine
    unpack = {
        "postgresql": ("tar", "-x", "-p", "--no-same-owner", "-f", "-"),
        "mariadb": (mariadb.unpacker(), "-x"),
    }[engine]

    def fill(lab: Lab, account: Account) -> Mapping[str, str]:
        tools = Tools(lab, account)
        aside = lab.directory / "links"
        places = [lab.data]
        if engine == "postgresql" and len(links) > 1:
            places = [tools.directory(aside / str(n)) for n in range(len(links))]
        else:
            places += [tools.directory(aside / str(n)) for n in range(1, len(links))]
        try:
            for link, place in zip(links, places, strict=True):
                with phases.of("fetch"):
                    _unpack(repo, link, place, tools, unpack, identities)
            last = _said(links[-1])
            if engine == "postgresql":
                return postgresql.assemble(tools, places, last, phases)
            return mariadb.assemble(tools, places, last, phases)
        finally:
            shutil.rmtree(aside, ignore_errors=True)

    return fill


def _unpack(
    repo: Repository,
    link: Backup,
    place: Path,
    tools: Tools,
    unpack: Sequence[str],
    identities: Identities,
) -> None:
    stream = _stream(_said(link))
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


def _said(backup: Backup) -> Manifest:
    if backup.manifest is None:
        raise StorageError(f"{backup.id} has no manifest that can be believed: {backup.note}")
    return backup.manifest
