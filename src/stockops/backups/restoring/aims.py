"""
The moment that a restore aims at.

    end                     all the log there is without a gap
    backup                  the backup's own end, without any log
    2026-01-02T14:30+09:00  what had ended by then; without an offset it is local time
    lsn:0/3000028           PostgreSQL: up to there
    xid:12345               PostgreSQL: with that transaction
    name:before_deploy      PostgreSQL: pg_create_restore_point('before_deploy')
    gtid:0-1-583            MariaDB: with that transaction
    file:binlog.000003:4711 MariaDB: up to there

``before:`` in front of lsn, xid and gtid stops just before it. ``@2`` behind end, a time, lsn or
xid says which timeline of PostgreSQL is meant, where several went there.
"""

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

from ...errors import ConfigError

Kind = Literal["end", "backup", "time", "lsn", "xid", "name", "gtid", "file"]
ENGINES: dict[Kind, tuple[str, ...]] = {
    "end": ("postgresql", "mariadb"),
    "backup": ("postgresql", "mariadb"),
    "time": ("postgresql", "mariadb"),
    "lsn": ("postgresql",),
    "xid": ("postgresql",),
    "name": ("postgresql",),
    "gtid": ("mariadb",),
    "file": ("mariadb",),
}
_WHY_NOT: dict[tuple[str, Kind], str] = {
    ("mariadb", "xid"): "its binary log counts transactions by GTID, and knows no number of InnoDB",
    ("mariadb", "name"): "it has no restore points",
    ("mariadb", "lsn"): "it is its binary log that is replayed, and that knows no LSN of InnoDB",
    ("postgresql", "gtid"): "it counts transactions by their xid",
    ("postgresql", "file"): "a place in its log is an LSN, whatever the file",
}
_TIMELINE = re.compile(r"(?P<bare>.+)@(?P<number>[1-9]\d{0,8})")
_SHAPES: dict[Kind, str] = {
    "lsn": r"[0-9A-Fa-f]{1,8}/[0-9A-Fa-f]{1,8}",
    "xid": r"\d{1,10}",
    "name": r".{1,63}",
    "gtid": r"\d+-\d+-\d+",
    "file": r"[^/:]+\.\d+:\d+",
}


@dataclass(frozen=True, slots=True)
class Aim:
    """
    What is aimed at.

    `at` is set for a time; `inclusive` is False for what stops before it; `timeline` is the one
    that was named.
    """

    kind: Kind
    text: str = ""
    at: datetime | None = None
    inclusive: bool = True
    timeline: int | None = None

    def __str__(self) -> str:
        words = f"{self.kind} {self.text}".strip()
        if self.at is not None:
            words = f"{self.at.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}".rstrip("0").rstrip(".")
            words += " UTC"
        words += f" on timeline {self.timeline}" if self.timeline else ""
        return words if self.inclusive else f"before {words}"


def parse(text: str, *, engine: str) -> Aim:
    """Return the aim that `text` names, or raise `ConfigError` with the forms there are."""
    inclusive = not text.startswith("before:")
    bare = text.removeprefix("before:")
    named = _TIMELINE.fullmatch(bare) if engine == "postgresql" else None
    aim = _parse(bare, inclusive=inclusive)
    if aim is None and named and (aim := _parse(named["bare"], inclusive=inclusive)) is not None:
        aim = replace(aim, timeline=int(named["number"]))
    if aim is None or (aim.timeline and aim.kind == "backup"):
        raise ConfigError(
            f"{text!r} is no moment to restore to",
            hint="Give end, backup, a time like 2026-01-02T14:30:00+09:00, lsn:0/3000028, xid:N, "
            "name:RESTORE_POINT, gtid:0-1-583 or file:binlog.000003:4711.",
        )
    if not inclusive and aim.kind not in {"lsn", "xid", "gtid"}:
        raise ConfigError(
            f"{text!r}: before: goes with lsn, xid and gtid", hint=f"Leave it out: {bare}"
        )
    if engine not in ENGINES[aim.kind]:
        raise ConfigError(
            f"{engine} cannot go to {aim}: {_WHY_NOT[engine, aim.kind]}",
            hint="Give a time, or what its own log counts by: "
            + ("lsn:, xid:, name:" if engine == "postgresql" else "gtid:, file:"),
        )
    return aim


def _parse(bare: str, *, inclusive: bool) -> Aim | None:
    if bare == "end":
        return Aim("end")
    if bare == "backup":
        return Aim("backup")
    for kind, shape in _SHAPES.items():
        if bare.startswith(f"{kind}:") and re.fullmatch(shape, bare.partition(":")[2]):
            return Aim(kind, bare.partition(":")[2], inclusive=inclusive)
    try:
        return Aim("time", bare, at=datetime.fromisoformat(bare).astimezone(UTC))
    except (ValueError, OverflowError):  # the last hour of the year 9999 is in no calendar as UTC
        return None
