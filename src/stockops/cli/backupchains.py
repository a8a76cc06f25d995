"""What backups build upon, and when they lead back to."""

import dataclasses
import itertools
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from .. import counts

if TYPE_CHECKING:
    from ..backups.archive import Window
    from ..backups.repository import Backup


@dataclasses.dataclass(frozen=True, slots=True)
class Chain:
    """What a backup is a link of: ids from the full one to it, then those that build upon it."""

    links: Sequence[str]
    builds_upon_it: Sequence[str]
    windows: Sequence[tuple[datetime, datetime]]  # from when it is whole to where its log ends

    def as_text(self) -> str:
        """Return the ids from the full one on, and how many more there are."""
        words = " > ".join(self.links)
        if not self.builds_upon_it:
            return words
        more = counts.of(len(self.builds_upon_it), "backup builds", "backups build")
        return f"{words}, {more} upon it"

    def windows_as_text(self) -> str:
        """Return from when to when there is a way back by it."""
        return ", ".join(itertools.starmap(_span, self.windows)) or "none"

    def as_json(self) -> dict[str, Any]:
        """Return the three, instants in ISO 8601."""
        return {
            "chain": [*self.links],
            "builds_upon_it": [*self.builds_upon_it],
            "windows": [
                {"from_at": start.isoformat(), "to_at": end.isoformat()}
                for start, end in self.windows
            ],
        }


def chain_of(found: "Backup", there: Sequence["Backup"], windows: Sequence["Window"]) -> Chain:
    """Return what `found`, one of `there`, is a link of, and its part of the `windows`."""
    said = found.manifest
    whole_at = datetime.fromisoformat(said.ended_at) if said else datetime.max.replace(tzinfo=UTC)
    by_id = {each.id: each for each in there}
    links, at = [found.id], _parent(found)
    while at in by_id and at not in links:
        links.append(str(at))
        at = _parent(by_id[str(at)])
    return Chain(
        links=links[::-1],
        builds_upon_it=[each.id for each in there if _parent(each) == found.id],
        windows=[
            (max(each.start_at, whole_at), each.end_at)
            for each in windows
            if found.id in each.backups
        ],
    )


def walk(
    found: Sequence["Backup"], parent: "Backup | None" = None, links: int = 0
) -> Iterator[tuple["Backup", int]]:
    """Give the backups that build upon `parent`, each before those that build upon it."""
    there = {each.id for each in found}
    for each in found:
        upon = _parent(each)
        if upon == parent.id if parent else upon not in there:
            yield each, links
            yield from walk(found, each, links + 1)


def _parent(backup: "Backup") -> str | None:
    return backup.manifest.parent if backup.manifest else None


def _span(start: datetime, end: datetime) -> str:
    if start == end:
        return f"{_second(start)}, and no log goes on from it"
    return f"{_second(start)} to {_second(end)}"


def _second(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds")
