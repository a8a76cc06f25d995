"""What is noted beside each archived binary log; without its note a file is not archived."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ...errors import StorageError
from .binlog import Gtids, from_text, listed_text

FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """
    One binary log: what it holds, and the object that holds it.

    `before` and `after` are the last GTIDs of each domain and server before and after the file,
    `firsts` the first ones in it.
    """

    name: str
    series: int
    object: str
    raw_bytes: int
    raw_sha256: str
    stored_bytes: int
    stored_sha256: str
    head_crc: int
    server_id: int
    server_version: str
    ended: str
    first_at: datetime | None
    last_at: datetime | None
    archived_at: str
    before: Gtids
    after: Gtids
    firsts: Gtids

    def as_bytes(self) -> bytes:
        """Return the note as it is stored."""
        says: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__}
        for name in ("first_at", "last_at"):
            says[name] = says[name].isoformat() if says[name] else None
        for name in ("before", "after", "firsts"):
            says[name] = listed_text(says[name])
        says = {"format": FORMAT, **says}
        return json.dumps({**says, "checksum": _checksum(says)}, indent=1).encode() + b"\n"


def parse(text: bytes, *, name: str) -> Note:
    """Return the note in `text`, or raise `StorageError` where it cannot be believed."""
    try:
        says: dict[str, Any] = json.loads(text)
        checksum = says.pop("checksum")
        if (checksum, says.pop("format")) != (_checksum({"format": FORMAT, **says}), FORMAT):
            raise ValueError("its checksum is another one")  # noqa: TRY301
        for each in ("first_at", "last_at"):
            says[each] = datetime.fromisoformat(says[each]) if says[each] else None
        for each in ("before", "after", "firsts"):
            says[each] = from_text(says[each])
        return Note(**says)
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise StorageError(
            f"{name!r} cannot be believed: {exc}",
            hint="Remove it while the server still has that file; the next run archives it again.",
        ) from exc


def _checksum(says: Mapping[str, Any]) -> str:
    canonical = json.dumps(says, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()
