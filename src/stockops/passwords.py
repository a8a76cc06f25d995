"""
Passwords: where they come from, and a type that does not show them.

In this order: the target's ``password_file``, ``$STOCKOPS_PASSWORD_<TARGET>``, the engine's own
variable (``PGPASSWORD``, ``MYSQL_PWD``), the engine's own file (``~/.pgpass``, which libpq reads
by itself, and ``~/.my.cnf``). Never from argv: everybody sees it in ``ps``.
"""

import os
import re
import stat
from pathlib import Path

from .errors import ConfigError

_ENGINE_VARIABLES = {"postgresql": "PGPASSWORD", "mariadb": "MYSQL_PWD"}


class Secret:
    """A password. It shows itself to nobody who does not call `reveal`."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return "***"

    def reveal(self) -> str:
        """Return the text, for a driver or for the environment of a child process."""
        return self._text

    def scrub(self, text: str) -> str:
        """Return `text` with every occurrence of the secret replaced."""
        return text.replace(self._text, "***") if self._text else text


def from_environment(engine: str, *, name: str | None = None) -> Secret | None:
    """
    Return the password that the environment, or ``~/.my.cnf``, holds for target `name`.

    None where there is none here: libpq still looks into ``~/.pgpass``.
    """
    names = [] if name is None else [variable_of(name)]
    for variable in [*names, _ENGINE_VARIABLES[engine]]:
        if (value := os.environ.get(variable)) is not None:
            return Secret(value)
    return _from_my_cnf() if engine == "mariadb" else None


def variable_of(name: str) -> str:
    """Return the environment variable that holds the password of target `name`."""
    return "STOCKOPS_PASSWORD_" + re.sub(r"[^A-Z0-9]", "_", name.upper())


def from_file(
    path: Path, *, where: str, what: str = "password file", owner_only: bool = False
) -> Secret:
    """
    Return the content of `path` without its last newline; refuse a file that all can read.

    With `owner_only` its group must not read it, either. `what` is how a message calls it.
    """
    try:
        mode = path.stat().st_mode
        text = path.read_text("utf-8")
    except FileNotFoundError:
        raise ConfigError(
            f"{where}: there is no {what} {str(path)!r}",
            hint="Name one that is there, which only this user may read.",
        ) from None
    except OSError as exc:
        raise ConfigError(
            f"{where}: cannot read the {what} {str(path)!r}: {exc.strerror}",
            hint=f"Make it readable to this user alone: chmod 600 {path}",
        ) from None
    except UnicodeDecodeError:
        raise ConfigError(
            f"{where}: the {what} {str(path)!r} is not UTF-8",
            hint="Save the password as UTF-8 text on one line.",
        ) from None
    shared = is_everybodys(mode)
    if shared or (owner_only and mode & (stat.S_IRGRP | stat.S_IWGRP)):
        who = "everybody" if shared else "its group"
        raise ConfigError(
            f"{where}: {who} can read or write the {what} {str(path)!r}",
            hint=f"chmod 600 {path}",
        )
    return Secret(text.removesuffix("\n").removesuffix("\r"))


def is_everybodys(mode: int) -> bool:
    """Tell whether everybody can read or write a file whose mode is `mode`."""
    return bool(mode & (stat.S_IROTH | stat.S_IWOTH))


def _from_my_cnf() -> Secret | None:
    """Return the client's password in ``~/.my.cnf``, as the MariaDB client would read it."""
    try:
        text = (Path.home() / ".my.cnf").read_text("utf-8", "replace")
    except (OSError, RuntimeError):
        return None
    section, found = "", None
    for line in map(str.strip, text.splitlines()):
        if line.startswith("["):
            section = line.strip("[]").strip()
        elif section in {"client", "client-server", "client-mariadb"} and "=" in line:
            key, _, value = line.partition("=")
            if key.strip().replace("_", "-") == "password":
                found = _option_value(value.strip())
    return None if found is None else Secret(found)


def _option_value(text: str) -> str:
    """Undo the quotes and escapes of a MariaDB option file; ``#`` begins a comment unquoted."""
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'":
        text = text[1:-1]
    else:
        text = text.partition("#")[0].rstrip()
    escapes = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "s": " ", "\\": "\\"}
    return re.sub(r"\\([ntrbs\\\"'])", lambda m: escapes.get(m[1], m[1]), text)
