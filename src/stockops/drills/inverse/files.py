"""Files go, come back, or hold again what they held."""

import base64
import os
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path

from ... import disk
from ...errors import Refused, StorageError
from ...processes import Process
from .base import require_ours

KEPT_BYTES_MAX = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Remove:
    """
    Remove a file or a directory that the drill made.

    `seen_by` is a process that sees the file where we do not: its mounts are its own. When it is
    gone, so is what only it saw.
    """

    path: Path
    seen_by: Process | None = None

    @property
    def words(self) -> str:
        """What it does, in words."""
        return f"remove {str(self.path)!r}"

    @property
    def by_hand(self) -> str:
        """The command that does the same where the step cannot."""
        return _seen(f"rm -rf {shlex.quote(str(self.path))}", self.seen_by)

    def check(self, folder: Path) -> None:
        """Raise `Refused` where the path is neither in `folder` nor in a lab."""
        require_ours(self.path, folder)

    def undo(self, folder: Path) -> bool:
        """Remove it, with all that is in it; a link, not what it leads to."""
        path = _real(self.path, self.seen_by)
        if path is None or not os.path.lexists(path):
            return False
        self.check(folder)
        try:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
        except FileNotFoundError:  # who saw it has just ended, and what only it saw went with it
            return False
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class PutBack:
    """Give a file, put aside, its name back; what has taken the name is replaced if `over`."""

    path: Path
    aside: Path
    over: bool = False
    seen_by: Process | None = None

    @property
    def words(self) -> str:
        """What it does, in words."""
        return f"put {str(self.path)!r} back"

    @property
    def by_hand(self) -> str:
        """The command that does the same where the step cannot."""
        names = shlex.join([str(self.aside), str(self.path)])
        return _seen(f"mv -T {names}", self.seen_by)

    def check(self, folder: Path) -> None:
        """Raise `Refused` where one of the names is neither in `folder` nor in a lab."""
        for each in (self.path, self.aside):
            require_ours(each, folder)

    def undo(self, folder: Path) -> bool:
        """Rename it, and return when the name is durable."""
        path, aside = _real(self.path, self.seen_by), _real(self.aside, self.seen_by)
        if path is None or aside is None or not os.path.lexists(aside):
            return False
        self.check(folder)
        if os.path.lexists(path) and not self.over:
            raise StorageError(
                f"{str(self.path)!r} is there again, and is not what was put aside",
                hint=f"Look which one is wanted: ls -l {shlex.join([str(path), str(aside)])}",
            )
        aside.replace(path)
        disk.sync(path.parent)
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """
    Give a small file its content and rights of before.

    `content` is base64; None where there was no such file.
    """

    path: Path
    content: str | None
    mode: int = 0o600
    owner: tuple[int, int] = (-1, -1)

    @classmethod
    def of(cls, path: Path) -> "Write":
        """Return the step that makes the file as it is now, or not there as now."""
        try:
            data, said = path.read_bytes(), path.stat()
        except FileNotFoundError:
            return cls(path=path, content=None)
        if len(data) > KEPT_BYTES_MAX:
            raise Refused(
                f"{str(path)!r} is too big for a journal: {len(data)} bytes",
                hint="Put it aside under another name instead.",
            )
        text = base64.b64encode(data).decode("ascii")
        owner = (said.st_uid, said.st_gid)
        return cls(path=path, content=text, mode=said.st_mode & 0o7777, owner=owner)

    @property
    def words(self) -> str:
        """What it does, in words."""
        if self.content is None:
            return f"remove {str(self.path)!r}, which was not there"
        return f"write {str(self.path)!r} as it was"

    @property
    def by_hand(self) -> str:
        """The command that does the same where the step cannot."""
        name = shlex.quote(str(self.path))
        return f"rm {name}" if self.content is None else f"echo {self.content} | base64 -d > {name}"

    def check(self, folder: Path) -> None:
        """Raise `Refused` where the path is neither in `folder` nor in a lab."""
        require_ours(self.path, folder)

    def undo(self, folder: Path) -> bool:
        """Write it, whole and durable; False where it is as it was, or its folder is gone."""
        if not self.path.parent.is_dir():
            return False
        now = Write.of(self.path)
        if now == self:
            return False
        self.check(folder)
        if self.content is None:
            self.path.unlink()
            return True
        disk.write_whole(self.path, base64.b64decode(self.content), mode=self.mode)
        if now.owner != self.owner:
            os.chown(self.path, *self.owner)
        return True


def _real(path: Path, seen_by: Process | None) -> Path | None:
    """Return `path` as this process reaches it; None when who saw it is gone."""
    if seen_by is None:
        return path
    return Path(f"/proc/{seen_by.pid}/root{path}") if seen_by.lives else None


def _seen(command: str, seen_by: Process | None) -> str:
    if seen_by is None:
        return command
    # Root needs no user namespace to go there, and there may be none.
    inside = "-m" if os.geteuid() == 0 else "-U -m --preserve"
    return f"nsenter -t {seen_by.pid} {inside} {command}"
