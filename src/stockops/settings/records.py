"""What was written down before settings were changed, so that they can be put back."""

import re
import secrets
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from .. import state
from ..errors import ConfigError, Finding
from ..targets import Target
from .facts import Context

Where = Literal["system", "database", "global"]
Stage = Literal["begun", "applied", "reverted"]

_FOLDER = "settings"
_ID = re.compile(r"\A\d{8}T\d{6}Z-[0-9a-f]{4}\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """
    One setting that was changed, and where: for the server, for its database, or while it runs.

    `before` is what stood there, None where nothing did; `after` is what stands there since. `line`
    keeps it over a start, where a file has to be told besides.
    """

    setting: str
    where: Where
    before: str | None
    after: str
    put: str
    line: str
    context: Context | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One run that changed settings of `server`; `begun`: nobody knows how far it came."""

    id: str
    at: str
    target: str
    engine: str
    server: str
    database: str
    stage: Stage
    changes: tuple[Changed, ...]


def lock_file() -> Path:
    """Return the file whose holder alone changes settings, and records."""
    return state.folder(_FOLDER) / "settings.lock"


def begin(target: Target, server: str, changes: tuple[Changed, ...]) -> Record:
    """Write down what is about to be done, before it is."""
    now = datetime.now(UTC)
    record = Record(
        id=f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}",
        at=now.isoformat(timespec="seconds"),
        target=target.name,
        engine=target.engine,
        server=server,
        database=target.database,
        stage="begun",
        changes=changes,
    )
    write(record)
    return record


def write(record: Record) -> None:
    """Keep `record`, whole or not at all."""
    state.write(state.folder(_FOLDER) / f"{record.id}.json", asdict(record))


def at(record: Record, stage: Stage) -> Record:
    """Return `record` at `stage`, which is kept, too."""
    moved = replace(record, stage=stage)
    write(moved)
    return moved


def found(server: str) -> list[Record]:
    """Return the records of `server`, the latest first."""
    paths = (state.folder(_FOLDER) / name for name in _names())
    records = [_of(state.read(path)) for path in paths]
    return [each for each in reversed(records) if each.server == server]


def chosen(asked: str | None, server: str) -> Record:
    """Return the record `asked` of `server`; without one, the latest that was not reverted."""
    records = found(server)
    if asked is None:
        for record in records:
            if record.stage != "reverted":
                return record
        raise Finding(
            "nothing to put back: no record of this server says that settings were changed",
            hint="Records are made by `stockops settings apply`; see them with --list.",
        )
    for record in records:
        if record.id == asked:
            return record
    raise ConfigError(
        f"there is no record {asked!r} of this server",
        hint=f"There are: {', '.join(each.id for each in records) or 'none'}.",
    )


def _names() -> list[str]:
    folder = state.folder(_FOLDER)
    return sorted(path.name for path in folder.glob("*.json") if _ID.match(path.stem))


def _of(value: Any) -> Record:
    changes = tuple(Changed(**each) for each in value["changes"])
    return Record(**{**value, "changes": changes})
