"""
The journal of what has to be undone: one file a run, a line before each fault.

A line that was not written to its end is of a fault that was never made: who makes it waits until
the line is durable. Whoever undoes holds a lock on the file, goes from the last line to the first,
and removes the file when nothing is left.
"""

import fcntl
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from .. import children, disk, state
from ..errors import Busy, StockopsError, StorageError
from ..processes import Process
from . import inverse
from .inverse import Step

Outcome = Literal["undone", "nothing to do", "failed"]

FORMAT = 1
TURN_S = 30.0  # how long somebody else who undoes the same run is waited for
KINDS: Mapping[str, type[Any]] = MappingProxyType(
    {
        "continue": inverse.Continue,
        "kill": inverse.Kill,
        "detach": inverse.Detach,
        "limit": inverse.Limit,
        "remove": inverse.Remove,
        "put back": inverse.PutBack,
        "write": inverse.Write,
        "sql": inverse.Sql,
        "clear proxy": inverse.ClearProxy,
        "destroy": inverse.Destroy,
    }
)
_NO_JOURNAL = "Nothing is broken without one; look: df -h"
_NAMES = {kind: name for name, kind in KINDS.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Who broke something, and where: the first line."""

    run: str
    folder: Path
    tool: Process
    began: str  # UTC


@dataclass(frozen=True, slots=True, kw_only=True)
class Armed:
    """A step that was written down: its number in the run."""

    number: int
    step: Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What became of a step; `by_hand` is the command for one that failed."""

    run: str
    number: int
    words: str
    outcome: Outcome
    why: str
    by_hand: str
    took_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a journal says: its head, the steps that are not undone, and lines nobody can read."""

    head: Head
    left: list[Armed]
    spoilt: list[int]


def folder() -> Path:
    """Make and return the folder of the journals."""
    return state.folder("drills", "undo")


def path_of(run: str) -> Path:
    """Return the journal of `run`, whether it exists or not."""
    return folder() / f"{run}.jsonl"


def runs() -> list[Path]:
    """Return the journals of the runs that are at work, or left something, oldest first."""
    return sorted(folder().glob("*.jsonl"), key=lambda each: each.stat().st_mtime)


def create(path: Path, head: Head) -> int:
    """Make the journal, head and all; return the open file, to which lines are appended."""
    draft = path.with_name(f".{path.name}.new")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC
    handle = os.open(draft, flags, mode=0o600)
    try:
        append(handle, {"format": FORMAT, **_plain(head)})
        path.hardlink_to(draft)
        disk.sync(path.parent)
    except BaseException as exc:
        os.close(handle)
        if isinstance(exc, FileExistsError):
            raise Busy(
                f"the run {head.run!r} has a journal already",
                hint=f"See what it left: stockops drill undo --plan {head.run}",
            ) from None
        raise
    finally:
        draft.unlink(missing_ok=True)
    return handle


def arm(handle: int, armed: Armed) -> None:
    """Write a step down; it is durable when this returns."""
    step = {"kind": _NAMES[type(armed.step)], **_plain(armed.step)}
    append(handle, {"arm": armed.number, "step": step})


def append(handle: int, said: Mapping[str, object], *, durable: bool = True) -> None:
    """Append a line, whole, and return when it is on disk, where it has to be `durable`."""
    line = json.dumps(said, ensure_ascii=False).encode() + b"\n"
    whole = os.fstat(handle).st_size
    try:
        written = os.write(handle, line)
        if written == len(line):
            if durable:
                os.fsync(handle)
            return
        os.ftruncate(handle, whole)
    except OSError as exc:
        raise StorageError(
            f"the journal of the drill cannot be written: {exc.strerror}",
            hint=_NO_JOURNAL,
        ) from exc
    raise StorageError("the journal of the drill cannot be written: no space", hint=_NO_JOURNAL)


def read(path: Path) -> Reading:
    """Return what the journal says; `StorageError` where it has no head, `OSError` for no file."""
    lines = path.read_bytes().split(b"\n")[:-1]  # what has no end was never acted upon
    try:
        said = json.loads(lines[0])
        head = _head(said)
    except (IndexError, ValueError, KeyError, TypeError) as exc:
        raise StorageError(
            f"{str(path)!r} is no journal of a drill: {type(exc).__name__}: {exc}",
            hint=f"Nothing can be undone by it; look at it, and remove it: rm {path}",
        ) from exc
    armed: dict[int, Armed] = {}
    spoilt = []
    for number, line in enumerate(lines[1:], start=2):
        try:
            said = json.loads(line)
            if "arm" in said:
                armed[said["arm"]] = Armed(number=said["arm"], step=_step(said["step"]))
            else:
                armed.pop(said["undone"], None)
        except (ValueError, KeyError, TypeError, AttributeError):
            spoilt.append(number)
    return Reading(head=head, left=list(armed.values()), spoilt=spoilt)


def replay(path: Path, *, goes_on: bool = False) -> list[Done]:
    """
    Undo what the journal says, the last first; return what became of each step.

    Nothing stops it: a step that fails stays in the journal, and the others are done. The journal
    is gone afterwards where nothing is left. Where the run `goes_on`, everything stays in it: what
    it was about to break is undone by whoever comes last. Somebody else at it is waited for.
    """
    try:
        with _turn(path) as handle:
            reading = read(path)
            done = []
            for each in reversed(reading.left):
                done.append(_undo(each, reading.head))
                if done[-1].outcome != "failed" and not goes_on:
                    _note(handle, each.number)
            done += [_spoilt(path, number, reading.head) for number in reading.spoilt]
            if not goes_on and all(each.outcome != "failed" for each in done):
                path.unlink(missing_ok=True)
            return done
    except FileNotFoundError:  # somebody else was faster
        return []


@contextmanager
def _turn(path: Path) -> Iterator[int]:
    """Hold the journal, cut to its last whole line."""
    handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
    try:
        if not children.wait_until(lambda: _locks(handle), within_s=TURN_S):
            raise Busy(f"somebody else undoes {path.stem!r}", hint=f"Look who: fuser -v {path}")
        if os.fstat(handle).st_nlink == 0:
            raise FileNotFoundError(path)
        whole = path.read_bytes().rfind(b"\n") + 1
        if whole < os.fstat(handle).st_size:
            os.ftruncate(handle, whole)
        yield handle
    finally:
        os.close(handle)


def _locks(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _undo(armed: Armed, head: Head) -> Done:
    began = time.monotonic()
    outcome: Outcome = "failed"
    why = ""
    try:
        outcome = "undone" if armed.step.undo(head.folder) else "nothing to do"
    except (StockopsError, OSError, ValueError) as exc:
        why = str(exc)
    return Done(
        run=head.run,
        number=armed.number,
        words=armed.step.words,
        outcome=outcome,
        why=why,
        by_hand=armed.step.by_hand if outcome == "failed" else "",
        took_ms=round((time.monotonic() - began) * 1000, 1),
    )


def _note(handle: int, number: int) -> None:
    # Where the line is lost it is done again, which does no harm, and nobody waits for a disk.
    with suppress(StorageError):
        append(handle, {"undone": number}, durable=False)


def _spoilt(path: Path, line: int, head: Head) -> Done:
    return Done(
        run=head.run,
        number=0,
        words=f"line {line} of the journal",
        outcome="failed",
        why="it cannot be read",
        by_hand=f"less {path}",
        took_ms=0.0,
    )


def now() -> str:
    """Return the time, UTC, as journals have it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _plain(value: Any) -> dict[str, Any]:
    def bare(each: object) -> object:
        if isinstance(each, Process):
            return asdict(each)
        return str(each) if isinstance(each, Path) else each

    return {field.name: bare(getattr(value, field.name)) for field in fields(value)}


def _head(said: Mapping[str, Any]) -> Head:
    if said["format"] != FORMAT:
        raise ValueError(f"format {said['format']}")
    return Head(
        run=said["run"],
        folder=Path(said["folder"]),
        tool=Process(**said["tool"]),
        began=said["began"],
    )


def _step(said: Mapping[str, Any]) -> Step:
    kind = KINDS[said["kind"]]
    given: dict[str, Any] = {}
    for field in fields(kind):
        value = said[field.name]
        if isinstance(value, dict):
            value = Process(**value)
        elif isinstance(value, list):
            value = tuple(value)
        elif field.type is Path:
            value = Path(value)
        given[field.name] = value
    step: Step = kind(**given)
    return step
