"""Give the data of a lab away: from then on they are a data directory like any other."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path

from .. import disk, filelock
from ..errors import Busy, ConfigError, Refused
from . import account as accounts
from . import place, proc
from .base import Lab
from .servers import ENGINES, run_sql, stop

TABLESPACES = "tablespaces"  # of a lab whose data came with some: beside its data directory
_LINKS = "pg_tblspc"
_SIGNS = {"postgresql": "PG_VERSION", "mariadb": "ibdata1"}


def require_place(directory: Path, *, engine: str, in_place: bool) -> None:
    """Raise what stands in the way of a data directory of `engine` getting the name `directory`."""
    place.make_open(place.labs_root())
    if not directory.parent.is_dir():
        raise ConfigError(
            f"there is no directory {str(directory.parent)!r}",
            hint=f"Make it: mkdir -p {directory.parent}",
        )
    for above in directory.parents:
        if any((above / sign).is_file() for sign in _SIGNS.values()):
            raise Refused(
                f"{str(directory)!r} lies in {str(above)!r}, which is a server's data directory",
                hint="Name a directory outside of it: a server takes what lies there for its own.",
            )
    if directory.parent.stat().st_dev != place.labs_root().stat().st_dev:
        raise ConfigError(
            f"{str(directory)!r} lies on another file system than {str(place.labs_root())!r}, "
            "where the data are put together",
            hint=f"Let that be beside it: STOCKOPS_LABS={directory.parent}/stockops-labs",
        )
    if not directory.exists() or (directory.is_dir() and not any(directory.iterdir())):
        return
    if not in_place:
        raise Refused(
            f"{str(directory)!r} is not empty",
            hint="Name a new directory; or stop the server there, and give --in-place --yes: "
            "what is there is kept beside it.",
        )
    if not (directory / _SIGNS[engine]).is_file():
        raise Refused(
            f"{str(directory)!r} is no data directory of {engine}: it has no {_SIGNS[engine]}",
            hint="Name the directory that the server keeps its data in.",
        )
    _require_stopped(directory)
    _require_owner(directory, engine)


def aside(directory: Path) -> Path:
    """Return the name that what is in `directory` now will have afterwards."""
    return directory.with_name(f"{directory.name}.before-{datetime.now(UTC):%Y%m%dT%H%M%SZ}")


def hand_over(lab: Lab, directory: Path, *, of: str | None = None) -> Path | None:
    """
    Stop `lab`, and give its data directory the name `directory`; nothing of the lab stays in it.

    Returns where what stood there is now; None where nothing did. `of` is the lab, held meanwhile,
    whose data directory that is, if it is one's.
    """
    engine = ENGINES[lab.engine]
    farewell = engine.farewell(lab)
    if farewell:
        run_sql(lab, farewell, database="mysql" if lab.engine == "mariadb" else "postgres")
    stop(lab)
    engine.leave(lab)
    old = aside(directory)
    with _holding(of):
        there = directory.exists()
        if there:
            _require_stopped(directory)
            directory.rename(old)
        try:
            lab.data.rename(directory)
        except OSError:
            if there:
                old.rename(directory)
            raise
        _take_along(lab, directory, old if there else None)
        disk.sync(directory.parent)
    if there and not any(old.iterdir()):
        old.rmdir()
        return None
    return old if there else None


def _take_along(lab: Lab, directory: Path, old: Path | None) -> None:
    """Put the tablespaces of the lab beside `directory`, and lead the links there."""
    home = directory.with_name(f"{directory.name}.{TABLESPACES}")
    if old is not None and home.exists():
        # The links of the old directory lead there: they go on doing so.
        kept = old.with_name(f"{old.name}.{TABLESPACES}")
        home.rename(kept)
        _relink(old, kept)
    found = lab.directory / TABLESPACES
    if found.is_dir():
        found.rename(home)
        _relink(directory, home)


def _relink(directory: Path, home: Path) -> None:
    owner = directory.stat()
    for link in (directory / _LINKS).iterdir():
        if link.is_symlink() and (home / link.name).is_dir():
            link.unlink()
            link.symlink_to(home / link.name)
            os.chown(link, owner.st_uid, owner.st_gid, follow_symlinks=False)


@contextmanager
def _holding(name: str | None) -> Iterator[None]:
    lock = filelock.hold(place.lock_file(name), what=f"the lab {name!r}") if name else nullcontext()
    with lock:
        yield


def _require_stopped(directory: Path) -> None:
    if pids := proc.inside(directory):
        raise Busy(
            f"a server works in {str(directory)!r}: {' '.join(map(str, pids))}",
            hint="Stop it in good order first; see it: ps -fp " + ",".join(map(str, pids)),
        )


def _require_owner(directory: Path, engine: str) -> None:
    account = accounts.choose(ENGINES[engine].usual_account)
    owner = directory.stat().st_uid
    if owner != account.uid:
        raise Refused(
            f"{str(directory)!r} belongs to the user with number {owner}, and the new one would "
            f"belong to {account.name!r}",
            hint="Name that user: STOCKOPS_LAB_USER; or run as that user.",
        )
