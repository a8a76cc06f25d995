"""Servers hear one statement, or go."""

import shlex
from dataclasses import dataclass
from pathlib import Path

from ...errors import Refused, Unreachable
from .base import MARKER, require_ours

SQL_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Sql:
    """
    Run one statement on the server of the lab in `lab`, at `url`, with short limits.

    Where the server is down, what a session held is gone with it; `lasts` says that what the fault
    changed is on disk, and that a server that does not answer leaves something undone.
    """

    url: str
    statement: str
    lab: Path
    lasts: bool = False

    @property
    def words(self) -> str:
        """What it does, in words."""
        return f"run {self.statement!r}"

    @property
    def by_hand(self) -> str:
        """The command that does the same where the step cannot."""
        program = "psql" if self.url.startswith("postgresql") else "mariadb"
        return f"stockops lab shell --name {self.lab.name}  # {program}: {self.statement}"

    def check(self, folder: Path) -> None:
        """Raise `Refused` where the server is none of a lab."""
        require_ours(self.lab / MARKER, folder)

    def undo(self, folder: Path) -> bool:
        """Run it; False where the server is gone, and with it what was wrong."""
        if not self.lab.is_dir():
            return False
        self.check(folder)
        from ...engine import connect  # noqa: PLC0415  a driver is loaded where it is needed

        try:
            with connect(
                self.url,
                lock_timeout_s=SQL_S,
                connect_timeout_s=SQL_S,
                statement_timeout_s=SQL_S,
                application="stockops drill undo",
            ) as server:
                server.execute(self.statement)
        except Unreachable:
            from ...lab import marker  # noqa: PLC0415

            lab = marker.read(self.lab)
            if self.lasts or (lab is not None and lab.pid is not None):
                raise
            return False
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearProxy:
    """Have the proxy of `control` treat everybody well again."""

    control: Path

    @property
    def words(self) -> str:
        """What it does, in words."""
        return f"heal the network at {str(self.control)!r}"

    @property
    def by_hand(self) -> str:
        """The command that does the same where the step cannot."""
        return f"fuser -k {shlex.quote(str(self.control))}  # the proxy: it is the drill's alone"

    def check(self, folder: Path) -> None:
        """Raise `Refused` where the proxy is none of the drill's."""
        require_ours(self.control, folder)

    def undo(self, folder: Path) -> bool:
        """Take all toxics away; False where the proxy is gone, and they with it."""
        self.check(folder)
        from ... import proxy  # noqa: PLC0415

        return proxy.clear(self.control)


@dataclass(frozen=True, slots=True, kw_only=True)
class Destroy:
    """Kill the server of a temporary lab and remove the lab, and what locks it."""

    directory: Path

    @property
    def words(self) -> str:
        """What it does, in words."""
        return f"remove the sandbox {str(self.directory)!r}"

    @property
    def by_hand(self) -> str:
        """The command that does the same where the step cannot."""
        root, name = shlex.quote(str(self.directory.parent)), self.directory.name
        return f"STOCKOPS_LABS={root} stockops lab destroy --name {name} --yes"

    def check(self, folder: Path) -> None:
        """Raise `Refused` where a lab stands there that somebody means to keep."""
        del folder
        from ...lab import marker  # noqa: PLC0415

        lab = marker.read(self.directory)
        if lab is not None and not lab.temporary:
            raise Refused(
                f"the lab {self.directory.name!r} is no sandbox: it is meant to stay",
                hint=f"Remove it yourself: stockops lab destroy --name {self.directory.name} --yes",
            )

    def undo(self, folder: Path) -> bool:
        """Remove it whole; False where it is gone."""
        self.check(folder)
        from ... import lab  # noqa: PLC0415

        return lab.wipe(self.directory)
