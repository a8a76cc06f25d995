"""Windows and gaps as rows."""

from dataclasses import dataclass
from datetime import datetime

from ...errors import ConfigError
from ..manifest import Position
from ..repository import Repository
from . import ledger
from .ledger import Gap
from .windows import Window, coverage


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowRow:
    """One window: from a backup to where its log ends. `waiting` pieces are in the spool."""

    system: str
    branch: int
    from_at: datetime
    to_at: datetime
    start: str
    end: str
    backups: int
    first_backup: str
    pieces: int
    waiting: int
    stored_bytes: int


def windows(repo: Repository, system: str | None) -> tuple[list[WindowRow], list[str]]:
    """Return the windows of every system, or of one, and a line for each gap."""
    there = sorted({*repo.systems(), *ledger.systems(repo)})
    if system is not None and system not in there:
        raise ConfigError(
            f"the repository knows no system {system!r}",
            hint=f"Name one of these: {', '.join(there)}" if there else "stockops backup take",
        )
    every = there if system is None else [system]
    rows: list[WindowRow] = []
    gaps: list[str] = []
    for each in every:
        found = coverage(repo, each)
        rows += [_row(window) for window in found.windows]
        gaps += [gap_line(gap) for gap in found.gaps]
    return rows, gaps


def gap_line(gap: Gap) -> str:
    """Return one gap in words."""
    span = gap.first if gap.first == gap.last else f"{gap.first} to {gap.last} ({gap.count})"
    said = {
        "missing": f"{span} missing",
        "conflict": f"{span} is there with different contents",
        "torn": f"{span} does not go on where the file before it ends",
    }
    return f"{gap.system}: {said[gap.kind]}"


def place(position: Position) -> str:
    """Return a position as its server prints it."""
    if position.file is None:
        return position.lsn or "-"
    gtid = f" ({position.gtid})" if position.gtid else ""
    offset = "" if position.offset is None else f":{position.offset}"
    return f"{position.file}{offset}{gtid}"


def _row(window: Window) -> WindowRow:
    return WindowRow(
        system=window.system,
        branch=window.branch,
        from_at=window.start_at,
        to_at=window.end_at,
        start=place(window.start),
        end=place(window.end),
        backups=len(window.backups),
        first_backup=window.backups[0],
        pieces=len(window.logs),
        waiting=sum(1 for log in window.logs if log.object is None),
        stored_bytes=sum(log.stored_bytes for log in window.logs),
    )
