"""
Receive a server's log as it is written, until told to stop; whatever happens meanwhile is survived.

The engine's own tool writes into the spool, each finished file goes into the repository, and only
then out of the spool. A run that was killed is continued by the next one.
"""

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ... import children, counts, filelock, scratch
from ...engine import connect
from ...errors import Fault, Refused, ServerError, StockopsError, Unreachable
from ...targets import Target
from .. import rights
from ..questions import CLUSTER
from ..repository import Repository
from ..store import DirectoryStore
from ..streams import Form
from . import spool
from .heart import beating

POLL_S = 0.2
LAST_S = 10.0  # at the end, for what is finished and not archived yet
RETRY_S = 5.0  # between two tries to receive
LOG = "receiver.log"
_LOG_BYTES_MAX = 1 << 20


@dataclass(frozen=True, slots=True)
class Tick:
    """How far it is: what was archived in this run, what waits, where the log is, what is wrong."""

    elapsed_s: float
    pieces: int
    raw_bytes: int
    stored_bytes: int
    waiting: int
    position: str
    problem: str


Progress = Callable[[Tick], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Whose log goes where, and the private directory of this run."""

    repo: Repository
    target: Target
    system: str
    spool: Path
    form: Form
    work: Path

    @property
    def log(self) -> Path:
        """What the engine's tool says."""
        return self.spool / LOG


@dataclass(slots=True)
class Account:
    """What this run has archived, and what it had to leave."""

    pieces: int = 0
    raw_bytes: int = 0
    stored_bytes: int = 0
    left: spool.Left | None = None
    stuck: str = ""  # why the last try to archive came to nothing

    @property
    def unsafe(self) -> str:
        """What of the log that is whole is not in the repository, and why; empty for nothing."""
        if self.left is None:
            return self.stuck and f"what was received last is not archived: {self.stuck}"
        return (
            f"{counts.of(self.left.files, 'file')} of log, {self.left.stored_bytes >> 20:,} MB, "
            f"since {self.left.since:%Y-%m-%d %H:%M:%S} UTC, are in {str(self.left.place)!r} "
            f"alone: {self.stuck or 'there was no time for it'}"
        )


class Receiver(Protocol):
    """
    One engine's way to receive log.

    To add one: write these members, and a line in `receivers`.
    """

    account: Account
    position: str
    waiting: int

    def start(self) -> children.Child:
        """Start the engine's tool where the last run stopped."""

    def look(self) -> None:
        """Archive what is finished, and make durable what is not."""

    def close(self) -> None:
        """Let go of what is held; the tool has ended."""


def receivers() -> Mapping[str, Callable[[Job], Receiver]]:
    """Return the receiver of each engine."""
    from .binlogreceiver import BinlogReceiver  # noqa: PLC0415  each is read when it is used
    from .walreceiver import WalReceiver  # noqa: PLC0415

    return {"postgresql": WalReceiver, "mariadb": BinlogReceiver}


def run(
    repo: Repository,
    target: Target,
    form: Form,
    *,
    stop: Callable[[], bool],
    progress: Progress | None = None,
    place: Path | None = None,
) -> Account:
    """
    Receive the log of `target` until `stop` says so; return what was archived, and what was left.

    It waits in `place` until a file is whole.

    Raises `Busy` where another run receives it, and what stands in the way of the first try: later
    a server that is gone is waited for.
    """
    with connect(target, application="stockops archive") as server:
        rights.require_receiving(server)
    system = system_of(target)
    place = (place or spool.spool_of(repo, system, encrypted=bool(form.recipients))).absolute()
    _require_apart(repo, place, form)
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (
        repo.store.lock(f"archive-{system}", what=f"the archive of {system}"),
        filelock.hold(place / "receiver.lock", what=f"the spool {str(place)!r}"),
        scratch.directory("archive") as work,
        beating(target) as heart,
    ):
        spool.note_place(repo, system, place, encrypted=bool(form.recipients))
        job = Job(repo=repo, target=target, system=system, spool=place, form=form, work=work)
        receiver = receivers()[target.engine](job)
        loop = _Loop(job, receiver)
        try:
            while not stop():
                loop.turn()
                if progress is not None:
                    progress(loop.tick(heart.problem))
                time.sleep(POLL_S)
        finally:
            loop.close()
    receiver.account.left = spool.left(place, system)
    receiver.account.stuck = loop.stuck
    return receiver.account


def system_of(target: Target) -> str:
    """Return the system that `target` is, or raise `Refused` where it has no identity."""
    with connect(target, application="stockops archive") as server:
        try:
            return server.fetch(CLUSTER)[0].system
        except (ServerError, IndexError) as exc:
            if isinstance(exc, ServerError) and exc.fault is Fault.DENIED:
                raise
            raise Refused(
                "this database has no identity by which its log could be told from others'",
                hint="It is a row that the schema makes: stockops migrate up",
            ) from exc


@dataclass(slots=True)
class _Loop:
    """The tool, started again whenever it ends."""

    job: Job
    receiver: Receiver
    child: children.Child | None = None
    problem: str = ""  # with the tool
    stuck: str = ""  # with what it wrote
    began_s: float = 0.0
    next_try_s: float = 0.0
    next_look_s: float = 0.0
    tried: bool = False

    def turn(self) -> None:
        """See to the tool, then to what it wrote."""
        self.began_s = self.began_s or time.monotonic()
        if self.child is not None and self.child.code is not None:
            self.problem = _said(self.child, self.job.log)
            self.child.end()
            self.child = None
        if self.child is None and time.monotonic() >= self.next_try_s:
            self._start()
        if time.monotonic() >= self.next_look_s:
            self._look()

    def tick(self, heart: str) -> Tick:
        """Return how far it is."""
        done = self.receiver.account
        return Tick(
            elapsed_s=time.monotonic() - self.began_s,
            pieces=done.pieces,
            raw_bytes=done.raw_bytes,
            stored_bytes=done.stored_bytes,
            waiting=self.receiver.waiting,
            position=self.receiver.position,
            problem="; ".join(filter(None, (self.problem, self.stuck, heart))),
        )

    def close(self) -> None:
        """End the tool, then archive what it finished last."""
        self._drop()
        until_s = time.monotonic() + LAST_S
        while self._look() and self.receiver.waiting and time.monotonic() < until_s:
            time.sleep(POLL_S)
        self.receiver.close()

    def _start(self) -> None:
        self.next_try_s = time.monotonic() + RETRY_S
        if self.job.log.exists() and self.job.log.stat().st_size > _LOG_BYTES_MAX:
            self.job.log.unlink()
        try:
            self.child = self.receiver.start()
            self.problem = ""
        except (ServerError, Unreachable) as exc:
            if not self.tried:
                raise
            self.problem = str(exc)
        finally:
            self.tried = True

    def _look(self) -> bool:
        """See to what the tool wrote; tell whether nothing was in the way."""
        try:
            self.receiver.look()
        except Restart as exc:
            self._drop()
            self.problem = str(exc)
            self.next_try_s = 0.0
            return False
        except (StockopsError, OSError) as exc:
            self.stuck = str(exc)
            self.next_look_s = time.monotonic() + RETRY_S / 5
            return False
        self.stuck = ""
        return True

    def _drop(self) -> None:
        if self.child is not None:
            self.child.end()
            self.child = None


class Restart(StockopsError):
    """The tool has to be started again, somewhere else."""


def new_server_id() -> int:
    """Return a number by which a server knows one receiver from another."""
    return (1 << 31) + secrets.randbelow(1 << 30)


def _said(child: children.Child, log: Path) -> str:
    lines = children.tail(log)
    return f"the receiver left with code {child.code}: {lines[-1] if lines else 'no word'}"


def _require_apart(repo: Repository, spool: Path, form: Form) -> None:
    if not form.recipients or not isinstance(repo.store, DirectoryStore):
        return
    if spool.resolve().is_relative_to(repo.store.root.resolve()):
        raise Refused(
            f"the spool {str(spool)!r} is in the clear, and it lies in an encrypted repository",
            hint="Name another directory with --spool.",
        )
