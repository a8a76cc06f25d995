"""Where labs live: their names, directories and sockets."""

import os
import re
import shutil
import tempfile
from pathlib import Path

from .. import state
from ..errors import ConfigError
from .account import Account

SOCKET_BYTES_MAX = 107  # sockaddr_un.sun_path on Linux holds 108, with the final NUL
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
# What unfinished work leaves behind: made by stockops, never a lab, removed when next met.
_MAKING = ".making-"
_GOING = ".going-"


def labs_root() -> Path:
    """Return the directory of all labs: $STOCKOPS_LABS, or a place beside our state."""
    asked = os.environ.get("STOCKOPS_LABS")
    if asked:
        return Path(asked).absolute()
    return state.usual() / "labs"


def is_name(name: str) -> bool:
    """Tell whether a lab may be called `name`."""
    return _NAME.fullmatch(name) is not None


def check_name(name: str) -> str:
    """Return `name`, or raise `ConfigError` where it cannot be the name of a lab."""
    if not is_name(name):
        raise ConfigError(
            f"{name!r} cannot be the name of a lab",
            hint="Take up to 32 of a-z, 0-9, '-' and '_', beginning with a letter or a digit.",
        )
    return name


def directory(name: str) -> Path:
    """Return the directory of the lab `name`, whether it exists or not."""
    return labs_root() / check_name(name)


def lock_file(name: str) -> Path:
    """Return the lock file of the lab `name`; its folder is made."""
    check_name(name)
    root = labs_root()
    make_open(root)
    return lock_beside(root / name)


def lock_beside(lab: Path) -> Path:
    """Return the lock file of the lab in `lab`, wherever labs are now."""
    return lab.with_name(f".{lab.name}.lock")


def making(name: str) -> Path:
    """Return the directory in which the lab `name` is put together before it gets its name."""
    return making_beside(labs_root() / check_name(name))


def making_beside(lab: Path) -> Path:
    """Return the directory in which the lab of the directory `lab` is put together."""
    return lab.with_name(f"{_MAKING}{lab.name}")


def make_open(path: Path) -> None:
    """Make `path` and what it needs: enterable by all as root, by the owner alone otherwise."""
    missing = [path, *path.parents]
    mode = 0o755 if os.geteuid() == 0 else 0o700
    for step in reversed([each for each in missing if not each.exists()]):
        try:
            step.mkdir(exist_ok=True)
        except OSError as exc:
            raise ConfigError(
                f"cannot make the directory {str(step)!r}: {exc.strerror}",
                hint="Set STOCKOPS_LABS to a directory you can write.",
            ) from exc
        step.chmod(mode)  # whatever the umask says


def require_entry(account: Account) -> None:
    """Raise `ConfigError` where the server's user cannot reach the labs."""
    root = labs_root()
    if not account.can_enter(root):
        raise ConfigError(
            f"the server's user {account.name!r} cannot enter {str(root)!r}",
            hint="Set STOCKOPS_LABS to a directory every user can enter, e.g. /var/lib/stockops.",
        )


def names() -> list[str]:
    """Return the names that a lab may have and something has, sorted."""
    root = labs_root()
    if not root.is_dir():
        return []
    return sorted(each.name for each in root.iterdir() if _NAME.fullmatch(each.name))


def unfinished() -> list[str]:
    """Return the names of labs whose making was interrupted."""
    root = labs_root()
    if not root.is_dir():
        return []
    return sorted(
        each.name.removeprefix(_MAKING) for each in root.iterdir() if each.name.startswith(_MAKING)
    )


def discard(path: Path) -> None:
    """Remove the directory of a lab: first its name, at once, then what it holds."""
    doomed = path.with_name(f"{_GOING}{path.name.removeprefix(_MAKING)}")
    shutil.rmtree(doomed, ignore_errors=True)
    try:
        path.rename(doomed)
    except FileNotFoundError:
        return
    shutil.rmtree(doomed)


def sweep(name: str) -> None:
    """Remove what interrupted work on the lab `name` left; the caller holds its lock."""
    shutil.rmtree(labs_root() / f"{_GOING}{name}", ignore_errors=True)
    if making(name).is_dir():
        discard(making(name))


def socket_directory(lab: Path, account: Account, *, file_name: str) -> Path:
    """
    Make and return the directory for the sockets of the lab in `lab`, entered by its owner alone.

    It is inside the lab, unless the path would be longer than a socket's may be, or has a comma,
    at which libpq begins the next host.
    """
    inside = lab / "run"
    if len(os.fsencode(inside / file_name)) <= SOCKET_BYTES_MAX and "," not in str(inside):
        inside.mkdir(mode=0o700, exist_ok=True)
        account.own(inside)
        return inside
    short = Path(tempfile.mkdtemp(prefix="stockops-"))
    account.own(short)
    return short


def size_bytes(path: Path) -> int:
    """Return the disk space that `path` takes, as `du` counts it."""
    total = 0
    for parent, _, files in os.walk(path):
        for name in files:
            try:
                total += (Path(parent) / name).lstat().st_blocks * 512
            except FileNotFoundError:  # a running server removes files all the time
                continue
    return total
