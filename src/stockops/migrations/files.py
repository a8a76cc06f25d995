"""The migrations on disk: what each file is called, what its head says, in which order they go."""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from .. import resources
from ..errors import ConfigError
from ..sqlscripts import Statement, canonical, split

Kind = Literal["versioned", "repeatable"]

CHECKSUM_ALGORITHM = "sha256-canonical-1"
FORM = "V0001__name.sql or R__name.sql, the name in lower-case letters, digits and _"

_NAME = re.compile(r"(?:V(?P<version>\d{4})|R)__(?P<description>[a-z0-9]+(?:_[a-z0-9]+)*)\.sql")
_IGNORED = re.compile(r"\..*|.*\.md")
_NO_TRANSACTION = re.compile(r"--\s*no-transaction")
_REQUIRES = re.compile(r"--\s*requires:\s*(?P<names>.+)")
_MISSPELT = re.compile(r"--\s*(no[ _-]?transactions?\b|requires?\b).*", re.IGNORECASE)
# What PostgreSQL refuses inside a transaction block.
_ALONE = frozenset({
    "CREATE DATABASE", "DROP DATABASE", "ALTER SYSTEM", "CREATE TABLESPACE", "DROP TABLESPACE",
    "CREATE SUBSCRIPTION",
})  # fmt: skip
_TRANSACTION_WORDS = frozenset(
    {"BEGIN", "START", "COMMIT", "ROLLBACK", "SAVEPOINT", "ABORT", "END"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """
    One file. `key` is what history knows it by: ``V0001``, or ``R__name``.

    `text` is what is sent (no byte order mark, LF); `checksum` is over its canonical form.
    """

    key: str
    version: int | None
    description: str
    path: Path
    engine: str
    text: str
    transactional: bool
    requires: tuple[str, ...]
    statements: tuple[Statement, ...]

    @property
    def kind(self) -> Kind:
        """Whether it is applied once, or again whenever it changes."""
        return "repeatable" if self.version is None else "versioned"

    @property
    def name(self) -> str:
        """The name of the file."""
        return self.path.name

    @property
    def place(self) -> str:
        """The path as a message shows it: from the working directory, where it is below that."""
        return shown(self.path)

    @property
    def content(self) -> str:
        """The canonical text: what is hashed and stored."""
        return canonical(self.text)

    @property
    def checksum(self) -> str:
        """The SHA-256 of `content`, in hex."""
        return checksum(self.content)


def checksum(content: str) -> str:
    """Return the SHA-256 of canonical text, in hex."""
    return hashlib.sha256(content.encode()).hexdigest()


def shown(path: Path) -> str:
    """Return `path` from the working directory where it is below it, else as it is."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def folder_of(engine: str) -> Path:
    """Return the folder of migrations that comes with stockops."""
    return resources.folder("schema") / engine


def read(folder: Path, engine: str) -> list[Migration]:
    """
    Return the migrations in `folder`, in the order they are applied.

    Versions come first, ascending; repeatables follow by name, each after those it requires.
    Raises `ConfigError` for anything that is not clearly a migration: a file passed over in
    silence is a table that is missing on the day it is needed.
    """
    migrations = [_load(path, engine) for path in _paths(folder)]
    seen: dict[str, Migration] = {}
    for migration in migrations:
        if twin := seen.get(migration.key):
            raise ConfigError(
                f"two files have the version {migration.key}: {twin.name} and {migration.name}",
                hint=f"Give one of them the next free number in {shown(folder)}.",
            )
        seen[migration.key] = migration
    versioned = [m for m in migrations if m.version is not None]
    repeatable = [m for m in migrations if m.version is None]
    return sorted(versioned, key=lambda m: m.version or 0) + _by_requirement(repeatable)


def _paths(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise ConfigError(
            f"there is no migration folder {shown(folder)!r}",
            hint="Name one with --folder; it holds V0001__name.sql and R__name.sql files.",
        )
    paths = sorted(path for path in folder.iterdir() if not _IGNORED.fullmatch(path.name))
    if not paths:
        raise ConfigError(
            f"the migration folder {shown(folder)!r} is empty",
            hint="Name another one with --folder, or write V0001__name.sql in it.",
        )
    for path in paths:
        if not _NAME.fullmatch(path.name) or not path.is_file():
            raise ConfigError(
                f"{shown(path)!r} is not the name of a migration",
                hint=f"Call it {FORM}; or move it elsewhere.",
            )
    return paths


def _load(path: Path, engine: str) -> Migration:
    place = shown(path)
    try:
        text = path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as exc:
        line = path.read_bytes().count(b"\n", 0, exc.start) + 1
        raise ConfigError(
            f"{place}:{line}: not UTF-8",
            hint=f"Convert it, for example: iconv -f CP949 -t UTF-8 {path.name}",
        ) from exc
    except OSError as exc:
        raise ConfigError(
            f"{place}: {(exc.strerror or str(exc)).lower()}", hint="Make the file readable."
        ) from exc
    if "\0" in text:
        raise ConfigError(f"{place}: holds a NUL byte", hint="Save it as plain UTF-8 text.")
    found = _NAME.fullmatch(path.name)
    assert found, path.name  # noqa: S101  `_paths` saw to it
    transactional, requires = _head(text, place)
    migration = Migration(
        key=path.stem.partition("__")[0] if found["version"] else path.stem,
        version=int(found["version"]) if found["version"] else None,
        description=found["description"],
        path=path,
        engine=engine,
        text=text,
        transactional=transactional and engine == "postgresql",
        requires=requires,
        statements=tuple(split(engine, text, name=place)),
    )
    _check(migration)
    return migration


def _head(text: str, place: str) -> tuple[bool, tuple[str, ...]]:
    """Read the directives among the comment lines at the top of a file."""
    transactional, requires = True, list[str]()
    for number, line in enumerate(text.split("\n"), 1):
        stripped = line.strip()
        if stripped and not stripped.startswith("--"):
            break
        if _NO_TRANSACTION.fullmatch(stripped):
            transactional = False
        elif found := _REQUIRES.fullmatch(stripped):
            requires += re.split(r"[,\s]+", found["names"].strip())
        elif _MISSPELT.fullmatch(stripped):
            raise ConfigError(
                f"{place}:{number}: {stripped!r} is not a directive",
                hint="Write `-- no-transaction`, or `-- requires: R__name.sql`; or reword it.",
            )
    return transactional, tuple(requires)


def _check(migration: Migration) -> None:
    if not migration.statements:
        raise ConfigError(
            f"{migration.place}: holds no statement",
            hint="Write one, or delete the file.",
        )
    if migration.requires and migration.kind == "versioned":
        raise ConfigError(
            f"{migration.place}: only an R file can require another; versions go by number",
            hint="Take the `-- requires:` line out.",
        )
    for statement in migration.statements:
        _check_statement(migration, statement)


def _check_statement(migration: Migration, statement: Statement) -> None:
    place = f"{migration.place}:{statement.line}"
    if taken := _takes_over(statement):
        raise ConfigError(
            f"{place}: {taken} would change the transaction or the role behind the runner's back",
            hint="Take it out; for a transaction on MariaDB write BEGIN NOT ATOMIC ... END."
            if migration.engine == "mariadb"
            else "Take it out: a file is one transaction, run by the role that connects.",
        )
    if migration.transactional and runs_alone(statement):
        raise ConfigError(
            f"{place}: PostgreSQL does not run this inside a transaction: {statement.summary}",
            hint="Begin the file with the line `-- no-transaction`, alone in a file if it can be.",
        )


def _takes_over(statement: Statement) -> str:
    """
    Return the words that would take transaction or role out of the runner's hands, or nothing.

    A transaction that a file ends would take the journal with it; so would a role without rights.
    """
    words = statement.words
    if words[:1] and words[0] in _TRANSACTION_WORDS and words[:2] != ("BEGIN", "NOT"):
        return words[0]
    if words[:1] == ("SET",):
        for word in ("AUTOCOMMIT", "ROLE", "AUTHORIZATION"):
            if word in words[1:3]:
                return f"SET {word}"
    return ""


def runs_alone(statement: Statement) -> bool:
    """Return whether PostgreSQL refuses `statement` inside a transaction block."""
    words = statement.words
    concurrently = "CONCURRENTLY" in words[:6] and words[:1] in (
        ("CREATE",), ("DROP",), ("REINDEX",)
    )  # fmt: skip
    detached = words[:2] == ("ALTER", "TABLE") and "CONCURRENTLY" in words and "DETACH" in words
    alone = words[:1] == ("VACUUM",) or " ".join(words[:2]) in _ALONE
    return concurrently or detached or alone


def _by_requirement(migrations: Sequence[Migration]) -> list[Migration]:
    """Order by name, each one after what it requires."""
    by_name = {migration.name: migration for migration in migrations}
    for migration in migrations:
        for name in migration.requires:
            if name not in by_name:
                others = ", ".join(sorted(by_name.keys() - {migration.name}))
                raise ConfigError(
                    f"{migration.place}: requires {name!r}, and there is no such file",
                    hint=f"Known: {others or 'none'}.",
                )
    ordered: list[Migration] = []
    waiting = sorted(migrations, key=lambda m: m.name)
    while waiting:
        done = {migration.name for migration in ordered}
        ready = next((m for m in waiting if done.issuperset(m.requires)), None)
        if ready is None:
            raise ConfigError(
                f"these files require each other in a circle: {_names(waiting)}",
                hint="Take one of their `-- requires:` lines out.",
            )
        ordered.append(ready)
        waiting.remove(ready)
    return ordered


def _names(migrations: Iterable[Migration]) -> str:
    return ", ".join(migration.name for migration in migrations)
