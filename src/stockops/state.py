"""
What stockops remembers from one run to the next: small files in one place.

Who writes and who reads them is one user: the folders are 0700 and the files 0600. Whoever changes
a file after reading it holds a lock beside it meanwhile (`filelock.hold`).
"""

import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

from . import disk
from .errors import ConfigError, StorageError

_NAME_CHARACTERS_MAX = 200


def usual() -> Path:
    """Return where this user's programs keep what is theirs, whatever $STOCKOPS_STATE says."""
    if os.geteuid() == 0:
        return Path("/var/lib/stockops")
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state).absolute() / "stockops"


def place() -> Path:
    """Return the folder of all state, which may not be there yet: $STOCKOPS_STATE, or the usual."""
    stated = os.environ.get("STOCKOPS_STATE")
    return Path(stated).absolute() if stated else usual()


def folder(*names: str) -> Path:
    """Make and return the folder of state, or the one of that name in it: ``folder("jobs")``."""
    path = place()
    # Labs stand beside, and their servers run as somebody else, who has to come through.
    open_to_all = path == usual() and os.geteuid() == 0
    try:
        for step in reversed([path, *path.parents]):
            _make(step, 0o755 if open_to_all else 0o700)
        for name in names:
            path /= name
            _make(path, 0o700)
    except OSError as exc:
        raise ConfigError(
            f"cannot make the folder {str(path)!r}: {exc.strerror}",
            hint="Set STOCKOPS_STATE to a folder you can write.",
        ) from exc
    return path


def _make(path: Path, mode: int) -> None:
    if not path.is_dir():
        path.mkdir(exist_ok=True)
        path.chmod(mode)  # whatever the umask says


def file_name(of: str) -> str:
    """Return the name of the file about `of`, which may be a URL or a path of any length."""
    return quote(of, safe=" ")[-_NAME_CHARACTERS_MAX:] + ".json"


def write(path: Path, value: object) -> None:
    """Write `value` as JSON to `path`, whole or not at all, for this user alone."""
    text = json.dumps(value, indent=1, ensure_ascii=False)
    try:
        disk.write_whole(path, (text + "\n").encode())
    except OSError as exc:
        raise StorageError(
            f"{str(path)!r} cannot be written: {exc.strerror}",
            hint=f"Look: df -h {path.parent}; ls -ld {path.parent}",
        ) from exc


def read(path: Path) -> Any:
    """Return what `write` wrote to `path`; None where there is no such file."""
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise StorageError(
            f"{str(path)!r} cannot be read: {exc.strerror}", hint=f"Look: ls -l {path}"
        ) from exc
    except ValueError as exc:
        raise StorageError(
            f"{str(path)!r} holds no JSON: {exc}", hint=f"It was written by nobody here: rm {path}"
        ) from exc
