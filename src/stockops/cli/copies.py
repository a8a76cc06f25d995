"""The options of commands that work on a copy of a server, and the copy they ask for."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from .. import targets
from ..errors import ConfigError
from . import options
from .backup_restore import identity, keys_of, opened, programs, recovery_of

if TYPE_CHECKING:
    from ..engine.base import Server
    from ..experiments.copying import Copy
    from ..targets import Target


def of_what(command: options.Command) -> options.Command:
    """Add what names the lab or the backup to copy: all of it is for `Source`."""
    for add in reversed(
        [
            options.config,
            click.option(
                "-t",
                "--target",
                "asked_target",
                envvar="STOCKOPS_TARGET",
                metavar="NAME|URL",
                help="The lab to copy; with --backup, the server whose planner settings to use.",
            ),
            click.option(
                "--backup",
                metavar="ID|last",
                help="Work on this backup, restored, not on a lab; last: the last whole one of -t.",
            ),
            click.option(
                "--repository",
                "place",
                envvar="STOCKOPS_REPOSITORY",
                metavar="DIRECTORY|S3",
                help="Where that backup is; else backup.repository of stockops.yaml.",
            ),
            click.option("--system", help="Of which system, where the repository holds several."),
            identity,
            programs,
        ]
    ):
        command = add(command)
    return command


class Source:
    """What the copy is made of: the lab that is the target, or a backup."""

    def __init__(self, ctx: click.Context, asked: dict[str, Any]) -> None:
        from .. import lab  # noqa: PLC0415
        from ..experiments import copying  # noqa: PLC0415

        self._asked = asked
        self.target: Target | None = None
        known = targets.load(ctx.meta.get("stockops.config"))
        if asked["asked_target"] is not None or asked["backup"] is None:
            self.target = targets.resolve(asked["asked_target"], known, find_lab=lab.find)
        if asked["backup"] is None:
            if self.target is None or self.target.lab is None:
                raise copying.no_lab(self.target.name if self.target else "")
            self.words, self.engine = f"the lab {self.target.lab}", self.target.engine
            return
        self._repo = opened(options.place_of(ctx, asked["place"]))
        name = None if asked["backup"] == "last" else asked["backup"]
        system = asked["system"] or (self._own_system() if name is None else None)
        self._recovery = recovery_of(self._repo, "backup", name, {**asked, "system": system})
        self.words = f"the backup {self._recovery.last.id}"
        self.engine = self._recovery.last.engine

    def _own_system(self) -> str | None:
        """Return what the target's backups are kept under; None where no target is named."""
        if self.target is None:
            return None
        from ..backups import standing  # noqa: PLC0415
        from ..engine import connect  # noqa: PLC0415

        with connect(self.target, application="stockops") as server:
            system = standing.system_of(self._repo, self.target.name, server)
        if system is None or not self._repo.backups(system):
            raise ConfigError(
                f"there is no backup of {self.target.name!r} in {self._repo.store.place!r}",
                hint=f"Take one: stockops backup take -t {self.target.name}; or name another's "
                "with --backup ID.",
            )
        return system

    @property
    def lab(self) -> "Target | None":
        """The lab that is copied, which can be asked before that; None where it is a backup."""
        return self.target if self._asked["backup"] is None else None

    @contextmanager
    def copy(self, seen: Callable[[str], None]) -> Iterator["Copy"]:
        """Give the copy for the length of the block."""
        from ..experiments import copying  # noqa: PLC0415

        seen(f"copying {self.words}")
        if self.lab is not None:
            with copying.of_lab(self.lab) as copy:
                yield copy
            return
        with copying.of_backup(
            self._repo,
            self._recovery,
            identities=keys_of(self._repo, self._asked),
            bin_directory=self._asked["bin_directory"],
            like=self.target,
        ) as copy:
            yield copy

    @contextmanager
    def looked_at(self, seen: Callable[[str], None]) -> Iterator["Server"]:
        """Give a session that reads the catalogue: the lab's own, or that of the copy."""
        from ..engine import connect  # noqa: PLC0415

        if self.lab is not None:
            with connect(self.lab) as server:
                yield server
            return
        with self.copy(seen) as copy, connect(copy.target) as server:
            yield server
