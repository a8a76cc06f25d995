"""Logs that stay when the directory they were written in goes: what an error says is there."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .errors import ServerError

PREFIX = "stockops-log-"
KEPT_MAX = 20  # the newest of this user; older ones go
KEPT_BYTES_MAX = 4 << 20  # of each, its end


@contextmanager
def kept(directory: Path) -> Iterator[None]:
    """
    Keep the log in `directory` that an error of the block names, for whoever reads that.

    The error then names the copy, which only this user reads. Where no copy can be made, its last
    lines, which the error ends with, are all there is, and the hint says so.
    """
    try:
        yield
    except ServerError as exc:
        if exc.log is not None and exc.log.is_relative_to(directory):
            _keep(exc, exc.log)
        raise


def _keep(exc: ServerError, log: Path) -> None:
    exc.hint = f"Its last lines are all there is: {str(log)!r} is removed."
    with suppress(OSError):
        copy = _copied(log)
        exc.args = (str(exc).replace(str(log), str(copy)),)
        exc.log, exc.hint = copy, f"Read the log: less {copy}"
        _sweep(copy.parent)


def _copied(log: Path) -> Path:
    with log.open("rb") as source:
        source.seek(max(0, os.fstat(source.fileno()).st_size - KEPT_BYTES_MAX))
        number, name = tempfile.mkstemp(prefix=PREFIX, suffix=f"-{log.name}")
        try:
            with os.fdopen(number, "wb") as copy:
                shutil.copyfileobj(source, copy)
        except OSError:
            Path(name).unlink()
            raise
    return Path(name)


def _sweep(place: Path) -> None:
    """Remove all but the newest that this user has in `place`."""
    found = []
    for path in place.glob(f"{PREFIX}*"):
        with suppress(FileNotFoundError):
            stat = path.lstat()
            found += [(stat.st_mtime_ns, path)] if stat.st_uid == os.geteuid() else []
    for _, path in sorted(found)[:-KEPT_MAX]:
        path.unlink(missing_ok=True)
