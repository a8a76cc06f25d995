"""
What the last whole check of a target's books came to, for whoever watches.

It is one small file, ``<state>/books/<target>.json``: a check of some invariants only is not kept,
for nobody could tell from it that the others hold.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from .. import state
from ..errors import StorageError
from .checking import InvariantResult

_NAME_CHARACTERS_MAX = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One whole check of the books; `names` are those of the violated invariants."""

    checked_at: datetime
    held: int
    violated: int
    inconclusive: int
    names: tuple[str, ...] = ()


def of(results: Sequence[InvariantResult], *, now: datetime) -> Record:
    """Return what `results` of all invariants, had at `now`, come to."""
    states = [result.state for result in results]
    return Record(
        checked_at=now,
        held=states.count("held"),
        violated=states.count("violated"),
        inconclusive=states.count("inconclusive"),
        names=tuple(result.name for result in results if result.state == "violated"),
    )


def write(target: str, record: Record) -> Path:
    """Keep `record` as the last one of `target`; return its file."""
    path = state.folder("books") / _file(target)
    state.write(path, asdict(record) | {"checked_at": record.checked_at.isoformat()})
    return path


def read(target: str) -> Record | None:
    """Return the last record of `target`; None where its books were never checked from here."""
    path = state.place() / "books" / _file(target)
    said = state.read(path)
    if said is None:
        return None
    try:
        return Record(
            **said
            | {
                "checked_at": datetime.fromisoformat(said["checked_at"]),
                "names": tuple(said["names"]),
            }
        )
    except (TypeError, KeyError, ValueError) as exc:
        raise StorageError(
            f"{str(path)!r} is no record of the books: {exc}", hint=f"Remove it: rm {path}"
        ) from exc


def _file(target: str) -> str:
    """Return the name of the file of `target`, which may be a URL."""
    return quote(target, safe=" ")[-_NAME_CHARACTERS_MAX:] + ".json"
