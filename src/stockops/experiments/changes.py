"""Settings as they are to be tried: what a change of each takes, and the words that make it."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from ..engine.base import Server
from ..errors import ConfigError
from ..queries import Query
from ..settings import words

Takes = Literal["new sessions", "reload", "restart", "never"]

_SIZE = re.compile(r"(?i)\A(\d+)([kmgt])b?\Z")
_NUMBER = re.compile(r"\A-?\d+(\.\d+)?\Z")
# Where a server keeps its files and where it listens: in a lab both are the lab's.
_PLACES = frozenset(
    {
        "data_directory", "config_file", "hba_file", "ident_file", "external_pid_file",
        "unix_socket_directories", "listen_addresses", "port", "datadir", "socket", "pid_file",
        "bind_address", "extra_port", "skip_networking", "innodb_data_home_dir",
        "innodb_data_file_path", "innodb_log_group_home_dir", "innodb_undo_directory",
        "aria_log_dir_path", "lc_messages_dir", "plugin_dir", "log_error",
    }
)  # fmt: skip
_UNITS = {"k": 1024, "m": 1024**2, "g": 1024**3, "t": 1024**4}


@dataclass(frozen=True, slots=True)
class Held:
    """A setting as a server holds it: `value` in this session, `kept` for all others."""

    name: str
    value: str
    kept: str
    takes: Takes
    form: Literal["number", "text", "list"]


SETTINGS = Query("experiments/settings", Held)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """
    One setting and the value to try.

    `put` and `back` are the statements that make it and take it back; `line` is what the option
    file says, where the engine keeps one. `takes` says what else it takes: that sessions are new,
    a reload, or a restart.
    """

    name: str
    value: str
    before: str
    takes: Takes
    put: str
    back: str
    line: str = ""


def parsed(
    words_of: Iterable[str], *, example: str = "--set synchronous_commit=off"
) -> dict[str, str]:
    """Return ``name=value`` words as a mapping; `ConfigError` for one that is none, or twice."""
    found: dict[str, str] = {}
    for word in words_of:
        name, equals, value = word.partition("=")
        name = name.strip().lower()
        if not name or not equals or not value.strip():
            raise ConfigError(
                f"{word!r} is not a setting and its value",
                hint=f"Write it as {example}.",
            )
        if name in found:
            raise ConfigError(f"{name} is set twice", hint="Give each setting once.")
        found[name] = value.strip()
    return found


def in_one_line(settings: Mapping[str, str]) -> str:
    """Return `settings` in one line."""
    return " ".join(f"{name}={value}" for name, value in settings.items())


def held(server: Server) -> dict[str, Held]:
    """Return every setting of `server` as a session has it that is like those of the load."""
    return {row.name: row for row in server.fetch(SETTINGS)}


def changes(
    engine: str, settings: Mapping[str, Held], wanted: Mapping[str, str], *, database: str
) -> tuple[Change, ...]:
    """Return what makes `wanted` of `settings`; `ConfigError` for what no server can be told."""
    found = []
    for name, value in wanted.items():
        now = settings.get(name)
        if now is None:
            near = get_close_matches(name, settings, 1)
            raise ConfigError(
                f"{engine} has no setting {name!r}",
                hint=f"Did you mean {near[0]}?"
                if near
                else "See those that it has: stockops settings advise --all",
            )
        if now.takes == "never":
            raise ConfigError(
                f"{name} cannot be set: {engine} shows it and decides it itself",
                hint="Leave it out.",
            )
        if name in _PLACES:
            raise ConfigError(
                f"{name} says where the server is, not how it works: that is not tried",
                hint="Leave it out.",
            )
        if engine == "postgresql":
            found.append(_of_postgresql(now, value, database))
        else:
            found.append(_of_mariadb(now, value))
    return tuple(found)


def _of_postgresql(now: Held, value: str, database: str) -> Change:
    said = words.postgresql(value, "list" if now.form == "list" else "text")
    # A default of the database reaches new sessions alone: it is what one application can ask for.
    where = "SYSTEM" if now.takes != "new sessions" else f"DATABASE {_quoted(database)}"
    return Change(
        name=now.name,
        value=value,
        before=now.value,
        takes=now.takes,
        put=f"ALTER {where} SET {now.name} = {said}",
        back=f"ALTER {where} RESET {now.name}",
    )


def _of_mariadb(now: Held, value: str) -> Change:
    put, back = _literal(now, value), _literal(now, now.kept)
    return Change(
        name=now.name,
        value=value,
        before=now.value,
        takes=now.takes,
        put="" if now.takes == "restart" else f"SET GLOBAL {now.name} = {put}",
        back="" if now.takes == "restart" else f"SET GLOBAL {now.name} = {back}",
        line=f"{now.name} = {value}",
    )


def _literal(now: Held, value: str) -> str:
    """Return `value` as SET takes it; its numbers have no unit there."""
    size = _SIZE.match(value)
    if now.form == "number" and size:
        return str(int(size[1]) * _UNITS[size[2].lower()])
    if _NUMBER.match(value):
        return value
    if now.form == "number":
        raise ConfigError(
            f"{now.name} takes a number, and {value!r} is none",
            hint=f"It is {now.value} now.",
        )
    return words.mariadb(value)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def strongest(changes_made: Sequence[Change]) -> Takes:
    """Return what `changes_made` take together."""
    taken = {each.takes for each in changes_made}
    order: tuple[Takes, ...] = ("restart", "reload", "new sessions")
    return next((each for each in order if each in taken), "new sessions")
