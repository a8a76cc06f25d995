"""What an engine must tell and do so that it can be backed up."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from ..engine.base import Server
from ..targets import Target
from .manifest import Kind, Link, Method, Position
from .members import Watch


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One stream of a backup: the command that writes it, and what must be in it."""

    name: str  # of the object, before the endings of compression and encryption
    argv: Sequence[str]
    env: Mapping[str, str]
    watch: Watch | None = None
    required: Sequence[Sequence[str]] = ()  # of each one of these names
    ending: bytes = b""  # what the last line of a dump says


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What was found on the server before a backup begins. `notes` go into the manifest."""

    system: str
    version: str
    settings: Mapping[str, str]
    links: Sequence[Link]
    size_bytes: int
    log_bytes: int  # from the first day of its log on
    notes: Sequence[str]
    relations: Mapping[str, str] = field(default_factory=dict)
    owners: Mapping[str, str] = field(default_factory=dict)
    loose: Sequence[str] = ()  # tables that a dump would hold as of another moment than the rest


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """From where to where in the server's log a backup reaches."""

    start: Position
    stop: Position
    extra: Mapping[str, bytes] = field(default_factory=dict)  # small objects kept beside it


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What is to be taken, and the private directory to work in."""

    id: str
    target: Target
    method: Method
    kind: Kind
    parent: str | None
    base: Mapping[str, bytes]  # small objects of the parent, by name
    position: Position | None  # where the parent stopped
    work: Path
    seen: Callable[[int], None] = lambda _: None  # bytes that came and are not stored yet


class Source(Protocol):
    """
    One engine, as something that can be backed up by its own tools.

    To add one: write these members, and a line in `stockops.backups.taking.SOURCES`.
    """

    def survey(self, server: Server, method: Method, kind: Kind) -> Ground:
        """Look the server over; raise what stands in the way, note what a reader must know."""

    def parts(self, server: Server, job: Job) -> AbstractContextManager[Iterator[Part]]:
        """Give the streams to store, one after the other, with what they need held meanwhile."""

    def span(self, server: Server, job: Job, parts: Sequence[Part]) -> Span:
        """Say, when all is stored, from where to where the backup reaches."""

    def left_behind(self, server: Server) -> list[str]:
        """Return what earlier runs of ours still hold on the server: sessions, slots."""
