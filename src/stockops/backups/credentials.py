"""Files, readable by this user alone, that give an engine's own tools the way in."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from ..targets import Target

_KEPT = ("PATH", "HOME", "PGPASSFILE", "PGSSLROOTCERT", "PGSSLMODE", "TMPDIR")


def environment(**more: str) -> dict[str, str]:
    """Return what a tool's environment holds: no password, and messages that can be read."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return {**kept, "LC_ALL": "C.UTF-8", "TZ": "UTC", **more}


@contextmanager
def pgpass(target: Target, directory: Path) -> Iterator[dict[str, str]]:
    """Give the environment in which libpq finds the password of `target`, if it has one."""
    if target.password is None:
        yield environment()
        return
    secret = target.password.reveal().replace("\\", "\\\\").replace(":", "\\:")
    with _private(directory / "pgpass", f"*:*:*:*:{secret}\n") as path:
        yield environment(PGPASSFILE=str(path))


@contextmanager
def option_file(target: Target, directory: Path) -> Iterator[Path]:
    """Give an option file from which MariaDB's tools learn where `target` is, and its password."""
    parts = urlsplit(target.url)
    query = parse_qs(parts.query)
    says = {
        "user": unquote(parts.username or ""),
        "host": parts.hostname or "",
        "port": str(parts.port or ""),
        "socket": (query.get("unix_socket") or [""])[0],
        "password": target.password.reveal() if target.password else "",
    }
    if says["socket"]:
        says["host"] = says["port"] = ""
    lines = [f'{name}="{_escaped(value)}"' for name, value in says.items() if value]
    text = "[client]\n" + "\n".join(lines) + "\n"
    with _private(directory / "client.cnf", text) as path:
        yield path


def _escaped(value: str) -> str:
    # A quote, or a # after it begins a comment.
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


@contextmanager
def _private(path: Path, text: str) -> Iterator[Path]:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        yield path
    finally:
        path.unlink(missing_ok=True)
