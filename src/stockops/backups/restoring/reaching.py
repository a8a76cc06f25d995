"""
Which proven window holds what a restore is to reach, and where none does, what there is instead.

Each refusal names a place that can be reached.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from ...errors import ConfigError, Refused, StorageError
from .. import archive
from ..archive import Stopped, Window, wal
from ..archive.showing import gap_line, place
from ..keys import Identities
from ..manifest import Position
from ..repository import Repository
from .aims import Aim


def window_of(
    repo: Repository, windows: Sequence[Window], aim: Aim, identities: Identities
) -> Window:
    """Return the window that holds `aim`; of several the last one."""
    known = "; ".join(described(window, aim) for window in windows)
    if aim.timeline:
        windows = [window for window in windows if window.branch == aim.timeline]
    if aim.kind in {"end", "backup", "name", "xid"} and windows:
        if aim.kind == "end":
            _require_no_gap(repo, windows[-1], identities)
        return windows[-1]
    holding = [window for window in windows if _holds(window, aim)]
    if not holding:
        raise Refused(
            f"{aim} lies outside what is proven to be recoverable",
            hint=f"What is: {known}. See the gaps: stockops backup windows",
        )
    if aim.kind == "lsn":
        _require_one_way(repo, holding, aim)
    return holding[-1]


def _require_no_gap(repo: Repository, window: Window, identities: Identities) -> None:
    """Raise where there is log behind the end of `window`: its end is not the end."""
    if window.gap is None:
        return
    end = _last_place(repo, window, identities)
    kind = "file" if end.file else "lsn"
    raise Refused(
        f"the log goes on behind a gap, and nothing there can be brought back: "
        f"{gap_line(window.gap)}",
        hint="Bring that file back; or say that you want what is before it: "
        f"--to {kind}:{place(end).partition(' ')[0]} ({_instant(window.end_at)}).",
    )


def require_all(repo: Repository, window: Window, stopped: Stopped, identities: Identities) -> None:
    """Raise where the stopped server had log that `window` has not: its end is not the end."""
    if stopped.is_within(window.branch, window.end):
        return
    end = _last_place(repo, window, identities)
    moment = f"{'file' if end.file else 'lsn'}:{place(end).partition(' ')[0]}"
    raise Refused(
        f"the log of the stopped server goes on to {place(stopped.end)}"
        f"{', but ' if stopped.problem else ''}{stopped.problem}: what can be brought back ends at "
        f"{place(window.end)}, and what it confirmed after that would be lost",
        hint=f"See what is missing in {str(stopped.directory)!r} and in stockops backup windows; "
        f"or say that you want what is before it: --to {moment if window.logs else 'backup'}",
    )


def _last_place(repo: Repository, window: Window, identities: Identities) -> Position:
    """Return the last place of `window` that a recovery can be told to stop at."""
    try:
        return archive.latest(repo, window.logs, identities=identities)
    except (ConfigError, StorageError):  # no log, or no key to read it by
        return window.end


def _require_one_way(repo: Repository, holding: Sequence[Window], aim: Aim) -> None:
    """Raise where timelines that went different ways both have a place of that number."""
    last = holding[-1]
    left = {fork.timeline: fork.lsn for fork in archive.history(repo, last.system, last.branch)} | {
        last.branch: 1 << 64
    }
    others = {each.branch for each in holding if left.get(each.branch, 0) < wal.lsn(aim.text)}
    if others:
        every = sorted({*others, last.branch})
        before = "" if aim.inclusive else "before:"
        ways = " or ".join(f"--to {before}lsn:{aim.text}@{each}" for each in every)
        raise Refused(
            f"{aim} is on the timelines {', '.join(map(str, every))}, which went different ways "
            "before it",
            hint=f"Say which one is meant: {ways}",
        )


def require_reached(repo: Repository, window: Window, aim: Aim, identities: Identities) -> None:
    """Raise where `aim` is behind the last record: a server told to go there does not start."""
    if aim.kind != "lsn" or not window.logs or window.end == window.start:
        return
    if lsn_of(aim.text) < lsn_of(window.logs[-1].start.lsn):
        return
    last = _last_place(repo, window, identities)
    if lsn_of(aim.text) > lsn_of(last.lsn):
        raise Refused(
            f"{aim} lies behind {last.lsn}, where the last record of the log begins",
            hint=f"Take that: --to lsn:{last.lsn}",
        )


def described(window: Window, aim: Aim | None = None) -> str:
    """Return a window in a few words, by what `aim` counts by, too."""
    begins = window.start_at + timedelta(microseconds=999_999)  # what is named can be gone to
    ends = _last_moment(window)
    words = f"{_instant(begins)} to {_instant(ends)}"
    if begins > ends:  # no log that could be followed to a second
        words = f"the end of {window.backups[-1]} (--from {window.backups[-1]} --to backup)"
    if aim is None or aim.kind not in {"lsn", "gtid", "file"}:
        return words
    return f"{place(window.start)} to {place(window.end)}, which is {words}"


def _instant(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def _last_moment(window: Window) -> datetime:
    """Return the last moment of `window` that a recovery can be told to stop at."""
    # PostgreSQL stops at a time only where a later transaction tells it that it is past. MariaDB's
    # log knows whole seconds: behind a gap there may be more of the last one.
    if window.end.lsn is not None or window.gap is not None:
        return window.end_at - timedelta(microseconds=1)
    return window.end_at


def _holds(window: Window, aim: Aim) -> bool:
    if aim.at is not None:
        return window.start_at <= aim.at <= _last_moment(window)
    if aim.kind == "lsn":
        at = wal.lsn(aim.text)
        return wal.lsn(window.start.lsn or "0/0") <= at <= wal.lsn(window.end.lsn or "0/0")
    if aim.kind == "file":
        name, _, offset = aim.text.rpartition(":")
        return any(log.name == name and int(offset) <= log.raw_bytes for log in window.logs)
    domain, server, sequence = map(int, aim.text.split("-"))
    return any(
        log.before.get((domain, server), 0) < sequence <= log.after.get((domain, server), 0)
        for log in window.logs
    )


def lsn_of(text: str | None) -> int:
    """Return the number of a place in the WAL; 0 where none is named."""
    return wal.lsn(text or "0/0")
