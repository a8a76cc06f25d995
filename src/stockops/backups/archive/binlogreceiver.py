"""MariaDB's log, received by mariadb-binlog as the bytes of its files."""

import os
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from ... import children, disk
from ...engine import connect
from ...engine.base import Server
from ...errors import Refused
from .. import credentials
from ..mariadb import program
from . import ledger, spool
from .binlog import Follower, number_of
from .ledger import Log
from .notes import Note
from .receiving import Account, Job, Restart, new_server_id
from .storing import store_binlog

_HEAD_BYTES = 4096


class BinlogReceiver:
    """Runs mariadb-binlog, follows what it writes event by event, archives what is finished."""

    def __init__(self, job: Job) -> None:
        self.account = Account()
        self.position = ""
        self.waiting = 0
        self._job = job
        self._series = 0
        self._last: Log | None = None  # archived, of this series
        self._stray: Path | None = None  # of the next series, received into this one
        self._following: dict[str, Follower] = {}
        self._synced_bytes: dict[str, int] = {}
        self._pool = ThreadPoolExecutor(1)
        self._storing: tuple[str, Future[Note]] | None = None
        self._stack = ExitStack()
        self._options = self._stack.enter_context(credentials.option_file(job.target, job.work))

    def start(self) -> children.Child:
        """Find out where to go on, keep what is in the spool, and start."""
        job = self._job
        self._wait()
        with connect(job.target, application="stockops archive") as server:
            series, first = self._where(server_files(server))
        self._forget_stray()
        self._stray = None
        self._series = series
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._following.clear()
        self._set_aside()
        argv = [program("mariadb-binlog"), f"--defaults-file={self._options}"]
        argv += ["--read-from-remote-server", "--raw", "--stop-never"]
        argv += [f"--stop-never-slave-server-id={new_server_id()}"]
        argv += [f"--result-file={self._folder}/", first]
        return children.start(argv, cwd=job.spool, log=job.log, env=credentials.environment())

    def look(self) -> None:
        """Follow every file, make it durable, archive those that are over."""
        if not self._series or not self._folder.is_dir():
            return
        paths = sorted(
            (each for each in self._folder.iterdir() if spool.BINLOG.fullmatch(each.name)),
            key=lambda each: number_of(each.name),
        )
        for path in paths:
            follower = self._following.setdefault(path.name, Follower(path.name))
            spool.follow(follower, path)
            self._sync(path, follower)
        self._hold_against_kept(paths)
        self.waiting = max(0, len(paths) - 1)
        for path in paths[:-1]:
            self._archive(path, self._following[path.name])
        if paths:
            follower = self._following[paths[-1].name]
            self.position = f"{paths[-1].name}:{follower.whole_bytes}"

    def close(self) -> None:
        """Finish what is being archived; remove the file with the password."""
        self._pool.shutdown()
        self._stack.close()

    @property
    def _folder(self) -> Path:
        return self._job.spool / f"{self._series:08X}"

    @property
    def _kept(self) -> Path:
        return self._folder / spool.KEPT

    def _where(self, there: dict[str, int]) -> tuple[int, str]:
        """Return the series to go on with, and the first file to receive."""
        names = sorted(there, key=number_of)
        every = ledger.series_of(self._job.repo, self._job.system)
        waiting = [log.branch for log in spool.tails(self._job.repo, self._job.system)]
        newest = max([*every, *waiting, self._series], default=0)
        if not every or newest > every[-1]:
            self._last = None
            return max(newest, 1), names[0]
        mine = ledger.binlogs(self._job.repo, self._job.system, newest)
        self._last = mine[-1]
        wanted = ledger.renumbered(mine[-1], mine[-1].number + 1)
        same = all(there.get(log.name, log.raw_bytes) == log.raw_bytes for log in mine)
        base = wanted.rpartition(".")[0]
        if not same or number_of(names[-1]) < mine[-1].number or base != _base(names[-1]):
            self._last = None
            return newest + 1, names[0]
        if wanted in there:
            return newest, wanted
        if mine[-1].name in there:  # it is the last one, and was archived when it stopped
            return newest, mine[-1].name
        self._last = None  # what the server removed meanwhile is a gap
        return newest, names[0]

    def _set_aside(self) -> None:
        """Keep what was received before: it is fetched once more, and may be all there is."""
        archived = {
            log.name for log in ledger.binlogs(self._job.repo, self._job.system, self._series)
        }
        self._kept.mkdir(exist_ok=True)
        for path in sorted(self._folder.iterdir()):
            if not path.is_file() or not spool.BINLOG.fullmatch(path.name):
                continue
            kept = self._kept / path.name
            if path.name in archived:
                path.unlink()
            elif not kept.exists() or kept.stat().st_size <= path.stat().st_size:
                path.replace(kept)
            else:
                path.unlink()
        for path in self._kept.iterdir():
            if path.name in archived:
                path.unlink()
        disk.sync(self._kept)

    def _sync(self, path: Path, follower: Follower) -> None:
        if self._synced_bytes.get(path.name) == follower.taken_bytes:
            return
        with path.open("rb") as file:
            os.fsync(file.fileno())
        if path.name not in self._synced_bytes:
            disk.sync(path.parent)
        self._synced_bytes[path.name] = follower.taken_bytes

    def _hold_against_kept(self, paths: list[Path]) -> None:
        """Remove what was kept once all of it came again; begin a series where it is another."""
        for path in paths:
            follower, kept = self._following[path.name], self._kept / path.name
            if follower.before is None:
                continue
            follows = self._last is not None and follower.number == self._last.number + 1
            torn = follows and self._last is not None and self._last.after != follower.before
            if torn:
                self._begin_series(path)
            if kept.exists():
                again = kept.stat().st_size <= follower.taken_bytes
                if not spool.is_same_start(
                    path, kept, follower.taken_bytes if again else _HEAD_BYTES
                ):
                    self._begin_series(path)
                if again:
                    kept.unlink()

    def _begin_series(self, path: Path) -> None:
        """Leave what was received of the log before, and start anew."""
        self._stray = path
        self._forget_stray()
        self._series += 1
        self._following.clear()
        self._synced_bytes.clear()
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        raise Restart(
            f"{path.name!r} is not the file of that name that was received before: "
            f"series {self._series} begins",
            hint="Take a backup: log of one series goes on from backups of that series only.",
        )

    def _forget_stray(self) -> None:
        """
        Remove from the series that is over what came of the next one: that file, and all after it.

        It is received once more. Until the tool has ended it may write another one: so again then.
        """
        if self._stray is None:
            return
        first = number_of(self._stray.name)
        for path in self._stray.parent.iterdir():
            if spool.BINLOG.fullmatch(path.name) and number_of(path.name) >= first:
                path.unlink()

    def _archive(self, path: Path, follower: Follower) -> None:
        """Archive one file after the other, beside the work: a gigabyte takes seconds."""
        if self._storing is None:
            if not follower.complete:
                self._require_size(path, follower)
            store = self._pool.submit(
                store_binlog,
                self._job.repo,
                path,
                follower,
                system=self._job.system,
                series=self._series,
                form=self._job.form,
            )
            self._storing = (path.name, store)
        name, store = self._storing
        if name != path.name or not store.done():
            return
        self._storing = None
        try:
            note = store.result()
        except Refused:
            self._begin_series(path)
            return
        self.account.pieces += 1
        self.account.raw_bytes += note.raw_bytes
        self.account.stored_bytes += note.stored_bytes
        self.waiting -= 1
        self._last = replace(
            spool.log_of(self._job.system, self._series, path, follower),
            raw_bytes=note.raw_bytes,
        )
        path.unlink()
        (self._kept / path.name).unlink(missing_ok=True)
        del self._following[path.name], self._synced_bytes[path.name]

    def _wait(self) -> None:
        """Wait for the file that is being archived; the ledger says whether it was."""
        if self._storing is not None:
            wait([self._storing[1]])
            self._storing = None

    def _require_size(self, path: Path, follower: Follower) -> None:
        """Raise `Refused` unless a file without an end is as long as the server's, which died."""
        with connect(self._job.target, application="stockops archive") as server:
            there = server_files(server)
        if (
            there.get(path.name) != follower.read_bytes
            or follower.taken_bytes != follower.read_bytes
        ):
            raise Restart(
                f"{path.name!r} has {follower.taken_bytes:,} bytes, and on the server "
                f"{there.get(path.name, 0):,}",
                hint="It is received once more.",
            )


def server_files(server: Server) -> dict[str, int]:
    """Return the binary logs that the server has, and their sizes."""
    try:
        found = server.rows("SHOW BINARY LOGS")
    except Exception as exc:
        raise Refused(
            f"the server does not list its binary logs: {exc}",
            hint="Set log_bin in its configuration, or GRANT BINLOG MONITOR ON *.* to the user.",
        ) from exc
    return {str(row["Log_name"]): int(row["File_size"]) for row in found}


def _base(name: str) -> str:
    return name.rpartition(".")[0]
