"""PostgreSQL's log, received by pg_receivewal through a slot of ours."""

import json
from contextlib import ExitStack, suppress
from pathlib import Path

from ... import children
from ...engine import connect
from ...errors import Refused, StorageError
from .. import credentials
from ..postgresql import client_program
from ..repository import MARKER, Repository
from . import spool, wal
from .receiving import Account, Job
from .storing import push

_STATE = """
SELECT coalesce(s.wal_status, '') AS status, s.active AS active
FROM pg_replication_slots AS s WHERE s.slot_name = %(slot)s ORDER BY s.slot_name
"""
_MAKE = "SELECT pg_create_physical_replication_slot(%(slot)s, true)"
_DROP = "SELECT pg_drop_replication_slot(%(slot)s)"


def slot_name(repo: Repository) -> str:
    """Return the name of the slot that keeps log for `repo`: a server may feed two."""
    with repo.store.open(MARKER) as file:
        identity = str(json.loads(file.read())["identity"])
    return f"stockops_archive_{identity[:12]}"


class WalReceiver:
    """Runs pg_receivewal and archives what it finishes."""

    def __init__(self, job: Job) -> None:
        self.account = Account()
        self.position = ""
        self.waiting = 0
        self._job = job
        self._slot = slot_name(job.repo)
        self._stack = ExitStack()
        self._env = self._stack.enter_context(credentials.pgpass(job.target, job.work))
        self._looked_at: tuple[str, int, int] = ("", 0, 0)

    def start(self) -> children.Child:
        """Make the slot if it is not there, and start."""
        job = self._job
        with connect(job.target, application="stockops archive") as server:
            found = server.rows(_STATE, {"slot": self._slot})
            if found and found[0]["status"] == "lost":
                # The server gave up on us: what it removed is a gap, and the ledger shows it.
                server.rows(_DROP, {"slot": self._slot})
                self._set_aside()
                found = []
            if not found:
                server.rows(_MAKE, {"slot": self._slot})
        program = client_program("pg_receivewal", job.target)
        argv = [str(program), "-D", str(job.spool), "-S", self._slot, "--synchronous"]
        argv += ["--no-loop", "-w", "-s", "1", "-d", job.target.url]
        env = {**self._env, "PGAPPNAME": f"stockops archive {self._slot}"}
        return children.start(argv, cwd=job.spool, log=job.log, env=env)

    def look(self) -> None:
        """Archive finished segments and histories, and the torso of a timeline that was left."""
        there = sorted(each for each in self._job.spool.iterdir() if each.is_file())
        names = [each.name for each in there]
        newest = max((name[:8] for name in names if wal.SEGMENT.match(name)), default="")
        finished = [each for each in there if _is_finished(each.name, newest)]
        self.waiting = len(finished)
        for path in finished:
            try:
                pushed = push(self._job.repo, path, system=self._job.system, form=self._job.form)
            except Refused as exc:
                raise StorageError(str(exc), hint=exc.hint) from exc
            self.account.pieces += 1
            self.account.raw_bytes += pushed.raw_bytes
            self.account.stored_bytes += pushed.stored_bytes
            self.waiting -= 1
            path.unlink()
        self._say_where(there)

    def close(self) -> None:
        """Remove the file with the password."""
        self._stack.close()

    def _say_where(self, there: list[Path]) -> None:
        active = [each for each in there if each.name.endswith(".partial")]
        if active:
            path = active[-1]
            with suppress(FileNotFoundError):
                stat = path.stat()
                seen = (path.name, stat.st_mtime_ns, stat.st_size)
                if seen != self._looked_at:
                    self._looked_at = seen
                    self.position = path.name.removesuffix(".partial")

    def _set_aside(self) -> None:
        kept = self._job.spool / spool.KEPT
        kept.mkdir(exist_ok=True)
        for path in self._job.spool.glob("*.partial"):
            path.replace(kept / path.name)


def _is_finished(name: str, newest: str) -> bool:
    if wal.SEGMENT.fullmatch(name) or wal.HISTORY.fullmatch(name):
        return True
    return name.endswith(".partial") and name[:8] < newest
