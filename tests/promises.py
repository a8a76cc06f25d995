"""What the clients of a run were told, read from their journal without the program's own reader."""

import json
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path


@dataclass(slots=True)
class Told:
    """Orders that were answered with a number, and cancels that were done, by the order's key."""

    orders: dict[str, int] = field(default_factory=dict)
    won: dict[str, int] = field(default_factory=dict)
    at: dict[str, datetime] = field(default_factory=dict)
    cancelled: dict[str, datetime] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)  # an answer to it was lost

    @classmethod
    def of(cls, directory: Path) -> "Told":
        """Read the journal at `directory`, as far as it is written."""
        told = cls()
        for path in sorted(directory.glob("client-*.jsonl")):
            whole = path.read_text("utf-8").rpartition("\n")[0]  # the last line may be torn
            for line in map(json.loads, whole.splitlines()):
                told.hear(line)
        return told

    def hear(self, line: list[object]) -> None:
        """Take one line."""
        what, key = line[0], str(line[1])
        if what == "a" and line[4] is not None:
            self.orders[key], self.won[key] = int(str(line[4])), int(str(line[6]))
            self.at[key] = instant(line[7])
        elif what == "x" and line[3:5] == ["cancelled", "cancelled"]:
            self.cancelled[key] = instant(line[5])
        elif what == "u":
            self.unknown.add(key)

    def gone_at(self, orders: Collection[str], cancels: Collection[str]) -> list[datetime]:
        """When each of these was answered, in order of time."""
        return sorted([self.at[key] for key in orders] + [self.cancelled[key] for key in cancels])


def instant(at_ms: object) -> datetime:
    """The time that a line tells."""
    return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=int(str(at_ms)))
